"""Anything that simulates as ``M y' = f(t, y)`` with names: what analyses, ensembles, gradients and fits work on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from neurosim.circuit.assembly import Assembly, assemble, normal_address
from neurosim.circuit.checks import check_circuit
from neurosim.circuit.groups import group_parts
from neurosim.circuit.model import Circuit, Sweep, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.devices import devices
from neurosim.errors import NetlistError, ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import GraphAssembly, assemble_graph, with_program
from neurosim.graph.drives import bind_drives
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph, refuse_noise
from neurosim.kernels.abi import ANALYSIS, TIME, TRANSIENT
from neurosim.kernels.builder import System
from neurosim.memristive.assembly import LARGEST_JACOBIAN, NetworkAssembly, assemble_network
from neurosim.memristive.network import EXACT, MemristiveNetwork
from neurosim.solve.dc_sweep import with_device_value
from neurosim.solve.transient import consistent_start

_ELEMENT = re.compile(r"(.+)\[([\d, ]+)\]$")


@dataclass(frozen=True)
class Dynamics:
    """``M y' = f(t, y)`` of a circuit or a graph, at given parameter values.

    Attributes
    ----------
    title : str
    assembly : Assembly, GraphAssembly or NetworkAssembly
        Its `system` is this object's own: its context and memory may be changed.
    start : ndarray, shape (n,)
        y at t = 0: the operating point (or ``uic``) of a circuit, the initial values of a graph.
    flows : ndarray of bool, shape (n,)
        Which unknowns are part of the flow; the others (clocked states, held inputs) change at ticks only.
    rebuild : callable
        ``rebuild({address: value}) -> Dynamics``.
    """

    title: str
    assembly: Assembly | GraphAssembly | NetworkAssembly
    start: np.ndarray
    flows: np.ndarray
    rebuild: Callable[[Mapping[str, float]], Dynamics] = field(repr=False)

    @property
    def system(self) -> System:
        """The compiled form."""
        return self.assembly.system

    @property
    def size(self) -> int:
        """Number of unknowns n."""
        return self.system.size

    @property
    def names(self) -> Sequence[str]:
        """Addresses of the unknowns."""
        return self.system.names

    @property
    def units(self) -> list[str]:
        """Units of the unknowns."""
        return [unknown.unit for unknown in self.system.unknowns]

    @cached_property
    def mass(self) -> Any:
        """M, a SciPy sparse matrix (csc)."""
        return self.system.mass_matrix

    @cached_property
    def is_ordinary(self) -> bool:
        """Whether M is the identity: an ordinary differential equation."""
        difference = self.mass.copy()
        difference.setdiag(difference.diagonal() - 1.0)
        return not difference.count_nonzero()

    def index(self, address: str) -> int:
        """Number of the unknown with this address.

        Raises
        ------
        UnknownNameError
            The message names the nearest.
        """
        for key in (address, normal_address(address)):
            if key in self._places:
                return self._places[key]
        raise UnknownNameError(f"'{self.title}' has no unknown '{address}'; {nearest(address, self.names)}")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def flow(self, t: float, y: np.ndarray) -> np.ndarray:
        """f(t, y), shape (n,): y' where M is the identity."""
        return self._transient.right_hand_side(t, y)

    def jacobian(self, t: float, y: np.ndarray) -> Any:
        """df/dy, a SciPy sparse matrix (csc)."""
        return self._transient.jacobian(t, y)

    def jvp(self, t: float, y: np.ndarray, v: np.ndarray) -> np.ndarray:
        """df/dy v for v of shape (n,) or (n, k)."""
        return self.jacobian(t, y) @ v

    def vjp(self, t: float, y: np.ndarray, w: np.ndarray) -> np.ndarray:
        """(df/dy)' w for w of shape (n,) or (n, k)."""
        return self.jacobian(t, y).T @ w

    @property
    def _transient(self) -> System:
        self.system.context[ANALYSIS] = TRANSIENT
        return self.system

    def at_bounds(self, y: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Which unknowns the engine holds: at a bound, with a rate that points outward; bool, shape (n,)."""
        unknowns = self.system.unknowns
        return ((y >= unknowns.upper) & (f > 0.0)) | ((y <= unknowns.lower) & (f < 0.0))

    def with_start(self, values: Mapping[str, Any] | np.ndarray) -> Dynamics:
        """The same with other initial values: by address, of all elements of a node by its name, or all of y.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        if not isinstance(values, Mapping):
            start = np.asarray(values, float)
            if start.shape != (self.size,) or not np.isfinite(start).all():
                raise ParameterError(
                    f"start of '{self.title}' needs {self.size} finite numbers, not shape {start.shape}: "
                    f"{', '.join(self.names[:6])}{', ...' if self.size > 6 else ''}"
                )
            return replace(self, start=start.copy())
        start = self.start.copy()
        for address, value in values.items():
            if np.ndim(value):
                places = [self.index(f"{address}[{k}]") for k in range(np.size(value))] if np.size(value) > 1 else None
                start[self.index(address) if places is None else places] = np.ravel(value)
            else:
                start[self.index(address)] = value
        return replace(self, start=start)

    def with_parameters(self, values: Mapping[str, float]) -> Dynamics:
        """The same equations with other parameter values, and the start that follows from them.

        Parameters
        ----------
        values : mapping of str to float
            Of a circuit: a ``.param`` name, ``"r1.resistance"``, ``"v1.dc"``, ``"temp"`` [degree Celsius]. Of a graph:
            an element of a parameter (``"W[2,3]"``), a whole one, or ``"h.time_constant"``.

        Raises
        ------
        UnknownNameError, ParameterError, NetlistError
        """
        return self.rebuild(values)


@dataclass(frozen=True)
class NetworkDynamics(Dynamics):
    """The equations of a memristive network: products with its Jacobian cost one solution, and never form it."""

    assembly: NetworkAssembly
    watched: list[tuple[str, int]] = field(default_factory=list)
    """What `neurosim.solve.observed.observe` was asked for beside states: ``"v"`` and a node, ``"i"`` and an edge,
    ``"electrode"`` and a node."""

    def jacobian(self, t: float, y: np.ndarray) -> csc_array:
        """df/dy, dense inside: one solution for each state."""
        return csc_array(self.jvp(t, y, np.eye(self.size)))

    def jvp(self, t: float, y: np.ndarray, v: np.ndarray) -> np.ndarray:
        """df/dy v for v of shape (n,) or (n, k)."""
        return self._product(self.assembly.net.jvp, t, y, v)

    def vjp(self, t: float, y: np.ndarray, w: np.ndarray) -> np.ndarray:
        """(df/dy)' w for w of shape (n,) or (n, k)."""
        return self._product(self.assembly.net.vjp, t, y, w)

    def _product(self, product: Callable[..., np.ndarray], t: float, y: np.ndarray, v: np.ndarray) -> np.ndarray:
        m = self.assembly.net.size
        made = np.zeros_like(v, float)
        made[:m] = product(t, y[:m], v[:m])
        return made


def dynamics(
    what: Circuit | str | Path | SignalGraph | Program | MemristiveNetwork | Dynamics, *, drive: Any = None,
    stop: float | None = None, derivatives: bool = True, jumps: bool = False,
) -> Dynamics:  # fmt: skip
    """The equations of anything that simulates.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
    drive : mapping, optional
        What drives each input port of a graph, see `neurosim.graph.drives.bind_drives`.
    stop : float, optional
        Until when drives are laid out [s]; default 1, of a circuit the end of its transient analysis.
    derivatives : bool
        Whether the system of a graph can give its Jacobian, default True; of a large dense one it takes much memory.
    jumps : bool
        Whether a graph may have events: the equations are then those between ticks. Default False: it is refused.

    Raises
    ------
    ParameterError, NetlistError, SimulationError
    """
    if isinstance(what, Dynamics):
        return what
    if isinstance(what, (SignalGraph, Program)):
        program = what if isinstance(what, Program) else compile_graph(what)
        return _of_graph(program, drive, stop or 1.0, derivatives, jumps)
    if isinstance(what, MemristiveNetwork):
        if drive is not None:
            raise ParameterError("a memristive network has its own sources: drive= is for graphs")
        return _of_network(what, stop or 1.0, derivatives)
    if not isinstance(what, (Circuit, str, Path)):
        raise ParameterError(f"a Circuit, the path of a netlist or a SignalGraph is needed, not {type(what).__name__}")
    if drive is not None:
        raise ParameterError("a circuit is driven by its own sources: drive= is for graphs")
    return _of_circuit(what if isinstance(what, Circuit) else read_netlist(what), stop)


def _of_graph(
    program: Program, drive: Any, stop: float, derivatives: bool, jumps: bool, like: GraphAssembly | None = None
) -> Dynamics:
    if program.states.size == 0:
        raise ParameterError(f"graph '{program.graph.title}' has no state: it has no dynamics")
    refuse_noise(program.graph, "an analysis of its flow")
    if (events := program.graph.of_kind("event")) and not jumps:
        raise ParameterError(
            f"graph '{program.graph.title}' jumps where event '{events[0]}' ticks: its flow alone does not say what it "
            "does; simulate() and digital() can run it"
        )
    assembly = like and with_program(like, program)
    if assembly is None:
        drives = bind_drives(program.inputs, drive, stop)
        assembly = assemble_graph(program, drives, derivatives=derivatives, like=like)
    flows = np.concatenate([~program.is_clocked, np.zeros(assembly.drives.start.size, bool)])
    return Dynamics(
        program.graph.title, assembly, assembly.start(), flows,
        lambda values: _of_graph(with_graph_values(program, values), drive, stop, derivatives, jumps, assembly),
    )  # fmt: skip


def _of_network(
    net: MemristiveNetwork, stop: float, derivatives: bool, watched: list[tuple[str, int]] | None = None
) -> NetworkDynamics:
    derivatives = derivatives and net.size <= LARGEST_JACOBIAN
    assembly = assemble_network(net, net.sources.bind(stop), derivatives=derivatives, rtol=EXACT)
    flows = np.arange(assembly.system.size) < net.size
    watched = [] if watched is None else watched
    return NetworkDynamics(
        net.title, assembly, assembly.start(), flows,
        lambda values: _of_network(net.with_parameters(values), stop, derivatives, watched), watched,
    )  # fmt: skip


def _of_circuit(circuit: Circuit, stop: float | None) -> Dynamics:
    parts = group_parts(circuit)
    check_circuit(circuit, parts)
    assembly = assemble(circuit, parts, holds_outcomes=False)
    asked = next((a for a in circuit.analyses if isinstance(a, TransientAnalysis)), None)
    span = stop or (asked.stop if asked else 1.0)
    start = consistent_start(assembly, asked or TransientAnalysis(span / 200, span), span)[:-1]
    assembly.system.context[[ANALYSIS, TIME]] = TRANSIENT, 0.0
    return Dynamics(
        circuit.title, assembly, start, np.ones(assembly.system.size, bool),
        lambda values: _of_circuit(with_circuit_values(circuit, values), stop),
    )  # fmt: skip


def with_circuit_values(circuit: Circuit, values: Mapping[str, float]) -> Circuit:
    """The circuit with other values of ``.param`` names, ``part.parameter`` and ``temp``.

    Raises
    ------
    UnknownNameError, NetlistError, ParameterError
    """
    asked = {normal_address(address): value for address, value in values.items()}
    parts = {instance.name: instance for instance in circuit.instances}
    named = {address: value for address, value in asked.items() if address in circuit.parameters}
    temperature = asked.get("temp")
    if named or temperature is not None:
        if circuit.rebuild is None:
            raise NetlistError("this circuit was not read from a netlist: only 'part.parameter' can be changed")
        circuit = circuit.rebuild(named, temperature)
    for address, value in asked.items():
        if address in named or address == "temp":
            continue
        part, _, parameter = address.rpartition(".")
        if part not in parts or parameter not in _parameters_of(parts[part]):
            raise UnknownNameError(
                f"circuit '{circuit.title}' has no parameter '{address}'; {nearest(address, parameter_names(circuit))}"
            )
        circuit = with_device_value(circuit, Sweep("device", address, (value,)), value)
    return circuit


def parameter_names(circuit: Circuit) -> list[str]:
    """Addresses that `with_circuit_values` takes."""
    return [*circuit.parameters, *(f"{i.name}.{p}" for i in circuit.instances for p in _parameters_of(i))]


def _parameters_of(instance: Any) -> Iterable[str]:
    return [p.name for p in devices.get(instance.device).parameters]


def graph_place(program: Program, address: str) -> tuple[str, np.ndarray]:
    """Where a value of a graph lies: in ``"p"``, ``"time_constant"``, ``"leak"`` or ``"initial"``, and the elements.

    Raises
    ------
    UnknownNameError
    """
    node, _, setting = address.rpartition(".")
    match = _ELEMENT.match(address)
    slices, shapes = program.parameters.slices, program.parameters.shapes
    if address in slices:
        return "p", np.arange(slices[address].start, slices[address].stop)
    if match and match[1] in slices:
        shape, part = shapes[match[1]], slices[match[1]]
        place = tuple(int(k) for k in match[2].split(","))
        if len(place) != len(shape) or any(k >= n for k, n in zip(place, shape, strict=False)):
            raise UnknownNameError(f"'{address}' lies outside parameter '{match[1]}' of shape {shape}")
        return "p", np.array([part.start + int(np.ravel_multi_index(place, shape))])
    if setting in ("time_constant", "leak", "initial") and node in program.states.slices:
        part = program.states.slices[node]
        return setting, np.arange(part.start, part.stop)
    known = [*slices, *(f"{name}.time_constant" for name in program.states.slices)]
    raise UnknownNameError(f"graph '{program.graph.title}' has no parameter '{address}'; {nearest(address, known)}")


def with_graph_values(program: Program, values: Mapping[str, Any]) -> Program:
    """The program with other values of parameters, of their elements, and of time constants and the like.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    arrays = {"p": program.p[: program.parameters.size].copy()}
    for address, value in values.items():
        which, places = graph_place(program, address)
        given = np.asarray(value, float)
        if given.ndim and given.size != places.size:
            raise ParameterError(f"parameter '{address}' has {places.size} values, not {given.size}")
        check_graph_values(which, address, given)
        array = arrays.setdefault(which, arrays["p"] if which == "p" else getattr(program, which).copy())
        array[places] = given.ravel() if given.ndim else given
    vector = arrays.pop("p")
    for name, part in program.states.slices.items():
        for setting in ("time_constant", "leak", "initial"):
            parameter = program.graph.nodes[name].get(setting)
            if isinstance(parameter, str):
                array = arrays.setdefault(setting, getattr(program, setting).copy())
                array[part] = vector[program.parameters.slices[parameter]]
    return replace(program.with_parameters(vector), **arrays)


def check_graph_values(which: str, address: str, values: np.ndarray) -> None:
    """Refuse values that are not finite, and time constants that are not positive.

    Raises
    ------
    ParameterError
    """
    wrong = ~np.isfinite(values) | ((values <= 0.0) if which == "time_constant" else False)
    if wrong.any():
        needed = "positive" if which == "time_constant" else "finite"
        raise ParameterError(f"'{address}' = {np.ravel(values)[wrong.argmax()]:g} must be {needed}")
