"""`MemristiveNetwork`: currents, potentials, rates and their derivatives of a graph of memristive devices.

Every edge e is a device with voltage v_e = p_tail - p_head + S_e, so S_e > 0 pushes current from tail to head. With the
incidence B (+1 at the tail, -1 at the head), currents i = g v + c (c = 0 for ohmic devices) and injected currents J,
Kirchhoff's current law B i = J gives ``(B G B') p = J - B (G S + c)``, where p is given at electrodes.

Source: Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017), arXiv:1608.08651; the nodal form is theirs
with the cycle projector solved for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import networkx as nx
import numpy as np

from neurosim.devices import devices
from neurosim.devices.memristor_drift_decay import CONVENTIONS
from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.memristive import invariants
from neurosim.memristive.clocked_map import ClockedMap
from neurosim.memristive.components import find_components
from neurosim.memristive.edges import CTDV, EdgeGroup, Edges, device_of, make_group, state_column
from neurosim.memristive.graph_arrays import GraphArrays, NumberedNames
from neurosim.memristive.plan import (
    LARGEST_TOLERANCE,
    LEAST_TOLERANCE,
    SHARE_OF_RTOL,
    LaplacianSolver,
    plan_laplacian,
)
from neurosim.memristive.solved import Solved, potentials_of
from neurosim.memristive.sources import Sources

EXACT = 1e-13
"""Residual [1] to which the methods of a network solve where they have to iterate."""

NEWTON_STEPS, NEWTON_TOLERANCE = 60, 1e-13
"""For devices whose current is not proportional to the voltage."""

_OWN = ("polarity", "emf", "initial", "resistance", "device", "name")
"""Edge attributes beside parameters of the device."""


class MemristiveNetwork:
    """A graph whose edges are memristive devices, each in series with an EMF.

    Parameters
    ----------
    graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph, or GraphArrays
        An edge runs from its first node (tail) to its second (head), as ``graph.edges`` gives it. Attributes of an edge
        win over the arguments, and `GraphArrays` have none: parameters of the device (``r_on``, ``r_off``, ``beta``,
        ``alpha``, ...), ``polarity``, ``emf``, ``initial``, ``device``, ``name``, and ``resistance``, which without
        ``device`` makes it a resistor.
    r_on, r_off : float or array_like, optional
        Resistances [ohm], for all edges or one for each; default 100 and 16e3.
    beta : float or array_like, optional
        Inertia [V s], default 1e-2.
    alpha : float or array_like, optional
        Decay rate [1/s], default 0.
    convention : {"standard", "flipped"}
        Required for the Caravelli-Traversa-Di Ventra equation, see `neurosim.devices.memristor_drift_decay`: 0 is the
        low resistance, or 1 is. Refused with another device, which has its own.
    polarity : float or array_like, optional
        +1 or -1 for each edge, default +1: whether the device stands from tail to head.
    window : str, optional
        Window function, see `neurosim.devices.memristor_windows`.
    device : str, or (str, mapping), optional
        Another native memristor with one state and its parameters, as ``("vteam", {"k_off": 1e-3})``.
    sources : mapping of edge to drive, or array_like of shape (m,), optional
        EMFs [V]: numbers, waveforms (``"SIN(0 1 50)"``), `held`, `interpolated` or `noise`. An edge is named by its
        tuple ``(tail, head)`` or ``(tail, head, key)``, its name, or its number.
    electrodes : mapping of node to drive, optional
        Potentials [V]. In a part of the graph without electrodes the first node is at 0 V.
    currents : mapping of node to drive, optional
        Currents put into nodes [A].
    initial : float or array_like, optional
        States at the start; default that of the device (0.5).
    solver : str
        How potentials are found, see `neurosim.memristive.plan.plan_laplacian`; default ``"auto"``.
    title : str

    Attributes
    ----------
    graph : networkx.Graph
    nodes, edges : sequence
        Names of the nodes, and tuples of the edges, in order.
    names : sequence of str
        Names of the edges: their attribute ``name``, or ``m[0]``, ``m[1]``, ...
    tail, head : ndarray of int, shape (m,)
    electrodes : dict of node to drive
    laws : Edges
        Parameters, bounds and laws of the edges.

    Raises
    ------
    ParameterError, UnknownNameError
        The message names the edge or node.

    Examples
    --------
    >>> import networkx as nx, neurosim as ns
    >>> net = ns.MemristiveNetwork(nx.grid_2d_graph(3, 3), convention="flipped", electrodes={(0, 0): 1.0, (2, 2): 0.0})
    >>> round(float(net.electrode_currents()[0]) * 1e6, 3)
    82.816
    """

    def __init__(
        self, graph: Any, *, r_on: Any = None, r_off: Any = None, beta: Any = None, alpha: Any = None,
        convention: str | None = None, polarity: Any = None, window: str | None = None,
        device: str | tuple[str, Mapping[str, Any]] | None = None, sources: Any = None,
        electrodes: Mapping[Any, Any] | None = None, currents: Mapping[Any, Any] | None = None,
        initial: Any = None, solver: str = "auto", title: str = "",
    ) -> None:  # fmt: skip
        self.arguments: dict[str, Any] = {name: value for name, value in locals().items() if name != "self"}
        if not isinstance(graph, nx.Graph | GraphArrays):
            raise ParameterError(f"a networkx graph or GraphArrays is needed, not {type(graph).__name__}")
        self.title = title or graph.name or "memristive network"
        self._data: list[dict[str, Any]] = []
        self.nodes: Sequence[Any]
        self.names: Sequence[str]
        if isinstance(graph, GraphArrays):
            self.nodes, self.tail, self.head = range(graph.nodes), graph.tail, graph.head
        else:
            self.graph, self.nodes = graph, list(graph.nodes)
            self.edges = list(graph.edges)
            self._data = [graph.edges[edge] for edge in self.edges]
            self.tail = np.array([self._node[edge[0]] for edge in self.edges], np.int64)
            self.head = np.array([self._node[edge[1]] for edge in self.edges], np.int64)
        if not self.size:
            raise ParameterError("the graph has no edges: there is nothing to simulate")
        self.names = NumberedNames(self.size)
        if any("name" in data for data in self._data):
            self.names = [str(data.get("name", f"m[{k}]")) for k, data in enumerate(self._data)]
            if len(self._by_name) < len(self.names):
                twice = next(name for k, name in enumerate(self.names) if self._by_name[name] != k)
                raise ParameterError(f"two edges have the name '{twice}'")
        loops = np.flatnonzero(self.tail == self.head)
        if loops.size:
            raise ParameterError(f"edge {self.edge_name(loops[0])} joins a node with itself: no current would leave it")
        if device is not None and (convention is not None or beta is not None or alpha is not None):
            raise ParameterError("convention, beta and alpha belong to the Caravelli-Traversa-Di Ventra equation: with "
                                 "device= give the parameters of the device")  # fmt: skip
        own = ("device" in data or "resistance" in data for data in self._data)
        mixed = device is None and bool(self._data) and all(own)
        if device is None and convention not in CONVENTIONS and not (mixed and convention is None):
            raise ParameterError(
                f"convention = {convention!r} must be 'standard' (0 is the low resistance) or 'flipped' (1 is): it is "
                "never guessed"
            )
        self.convention = convention
        name, more = (device, {}) if isinstance(device, str) else device or (CTDV, {})
        given = {"r_on": r_on, "r_off": r_off, "beta": beta, "alpha": alpha, "convention": convention, "window": window}
        common = {k: value for k, value in given.items() if value is not None} | dict(more)
        self.laws = self._read_edges(name, common, polarity, initial)
        self.electrodes = dict(electrodes or {})
        self.injections = dict(currents or {})
        self.sources = self._read_sources(sources)
        self.solver = solver
        parts = find_components(self)
        self.incidence, self.component = parts.incidence, parts.component
        self.fixed, self.is_free, self.open_fixed = parts.fixed, parts.is_free, parts.open_fixed

    @classmethod
    def from_circuit(cls, circuit: Any) -> MemristiveNetwork:
        """The network of a Circuit, or of the netlist at a path, see `neurosim.memristive.circuits.network_of`."""
        from neurosim.memristive.circuits import network_of

        return network_of(circuit)

    def to_circuit(self, stop: float = 1.0) -> Any:
        """The Circuit of the network; `write_netlist` gives its text. `stop` [s] ends its transient analysis."""
        from neurosim.memristive.circuits import circuit_of

        return circuit_of(self, stop)

    def to_ngspice(self, stop: float = 1.0) -> str:
        """Netlist text that ngspice reads too, see `neurosim.memristive.circuits.ngspice_netlist`."""
        from neurosim.memristive.circuits import ngspice_netlist

        return ngspice_netlist(self, stop)

    def _read_edges(self, default: str, common: Mapping[str, Any], polarity: Any, initial: Any) -> Edges:
        m = self.size
        kinds: dict[str, Any] = {} if self._data else {default: range(m)}
        for e, data in enumerate(self._data):
            is_resistor = "resistance" in data and "device" not in data
            kinds.setdefault("" if is_resistor else data.get("device", default), []).append(e)
        for name, value in common.items():
            if not isinstance(value, str):
                self._per_edge(name, value)
        polarities = self._per_edge("polarity", 1.0 if polarity is None else polarity, own="polarity")
        wrong = np.flatnonzero(np.abs(polarities) != 1.0)
        if wrong.size:
            raise ParameterError(
                f"edge {self.edge_name(wrong[0])}: polarity = {polarities[wrong[0]]:g} must be 1 or -1"
            )
        groups: list[EdgeGroup] = []
        start, lower, upper, scale = np.zeros(m), np.full(m, -np.inf), np.full(m, np.inf), np.ones(m)
        state_names, units = ["x"] * m, [""] * m
        for kind, members in kinds.items():
            edges = np.arange(m) if members == range(m) else np.array(members, np.int64)
            if not kind:
                groups.append(self._resistors(edges))
                continue
            device = device_of(kind)
            own: dict[str, dict[int, Any]] = {}
            for e in members if self._data else ():
                for key, value in self._data[e].items():
                    if (key not in _OWN or key == "resistance") and key in _parameter_names(device.name):
                        own.setdefault(key, {})[e] = value
            shared = common if kind == default else {}
            group = make_group(device, edges, lambda k, edges=edges: self.edge_name(edges[k])[1:-1], shared, own)
            state = device.structure.states[0]
            groups.append(group)
            start[edges], lower[edges] = state_column(group, state.initial), state_column(group, state.lower)
            upper[edges], scale[edges] = state_column(group, state.upper), state_column(group, state.scale)
            if edges.size == m:
                state_names, units = [state.name] * m, [state.unit] * m
            else:
                for e in members:
                    state_names[e], units[e] = state.name, state.unit
        start = self._per_edge("initial", start if initial is None else initial, own="initial")
        outside = np.flatnonzero((start < lower) | (start > upper))
        if outside.size:
            e = outside[0]
            raise ParameterError(
                f"edge {self.edge_name(e)}: initial = {start[e]:g} is outside [{lower[e]:g}, {upper[e]:g}]"
            )
        return Edges(groups, polarities, start, lower, upper, scale, state_names, units)

    def _resistors(self, edges: np.ndarray) -> EdgeGroup:
        values = np.array([float(self._data[e]["resistance"]) for e in edges])
        wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
        if wrong.size:
            k = int(wrong[0])
            loop = "; the current of a loop without resistance has no value: join its nodes" if values[k] == 0 else ""
            raise ParameterError(
                f"edge {self.edge_name(int(edges[k]))}: resistance = {values[k]:g} ohm must be positive{loop}"
            )
        return EdgeGroup(None, edges, {"resistance": values}, values[None])

    def _per_edge(self, name: str, value: Any, own: str = "") -> np.ndarray:
        """A number for all edges, or one for each; attributes of edges win."""
        try:
            values = np.array(value, float)
        except (TypeError, ValueError):
            raise ParameterError(f"{name}: a number, or one for each edge, is needed, not {value!r}") from None
        if values.shape not in ((), (self.size,)):
            raise ParameterError(f"{name} has shape {values.shape}, but there are {self.size} edges")
        values = np.broadcast_to(values, self.size).copy()
        if own:
            for e, data in enumerate(self._data):
                if own in data:
                    values[e] = data[own]
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise ParameterError(f"edge {self.edge_name(wrong[0])}: {name} = {values[wrong[0]]} must be finite")
        return values

    def _read_sources(self, given: Any) -> Sources:
        m, n = self.size, len(self.nodes)
        made = Sources(m, n)
        for e, data in enumerate(self._data):
            if "emf" in data:
                made.add(e, f"EMF of edge {self.edge_name(e)}", data["emf"])
        if given is not None and not isinstance(given, Mapping):
            values = np.asarray(given, float)
            if values.shape != (m,):
                raise ParameterError(f"sources have shape {values.shape}, but there are {m} edges")
            if not self._data and np.isfinite(values).all():
                made.constant[:m] += values
                values = values[:0]
            given = dict(enumerate(values.tolist()))
        for edge, drive in (given or {}).items():
            e = self.edge_index(edge)
            if "emf" in self.edge_data(e):
                raise ParameterError(f"edge {self.edge_name(e)} has the attribute 'emf' and is in sources: give one")
            made.add(e, f"EMF of edge {self.edge_name(e)}", drive)
        for node, drive in self.electrodes.items():
            made.add(m + self.node_index(node), f"potential of electrode '{node}'", drive)
        for node, drive in self.injections.items():
            made.add(m + n + self.node_index(node), f"current into node '{node}'", drive)
        return made

    @cached_property
    def unit_potentials(self) -> Callable[[np.ndarray], np.ndarray]:
        """``solve(b)`` with all conductances 1, and 0 at fixed nodes: what the projectors are made of."""
        return potentials_of(self.plan(tolerance=EXACT), np.ones(self.size), self.fixed)

    @cached_property
    def _own_plan(self) -> LaplacianSolver:
        return self.plan(tolerance=EXACT)

    @cached_property
    def _open_plans(self) -> dict[tuple[int, int], LaplacianSolver]:
        """Plans with all electrodes open, by the nodes between which a conductance was asked for."""
        return {}

    def plan(self, rtol: float = 1e-6, *, tolerance: float | None = None) -> LaplacianSolver:
        """How potentials are found in a run; ``print(net.plan().explain())`` says what was chosen and why.

        Parameters
        ----------
        rtol : float
            Of the run, default that of `simulate`: iterations end at an error in energy of a tenth of it.
        tolerance : float, optional
            Relative residual at which iterations end instead; calls beside runs, like `currents`, take 1e-13.
        """
        by_energy = tolerance is None
        if tolerance is None:
            tolerance = float(np.clip(SHARE_OF_RTOL * rtol, LEAST_TOLERANCE, LARGEST_TOLERANCE))
        return plan_laplacian(
            len(self.nodes), self.tail, self.head, self.fixed, kind=self.solver, tolerance=tolerance,
            by_energy=by_energy,
        )  # fmt: skip

    @property
    def size(self) -> int:
        """Number of edges m."""
        return self.tail.size

    @cached_property
    def graph(self) -> nx.Graph:
        """The networkx graph; of `GraphArrays` made when it is asked for, which needs sorted edges."""
        return self.arguments["graph"].networkx()

    @cached_property
    def edges(self) -> list[tuple[Any, ...]]:
        """Tuples of the edges, in order."""
        return list(self.graph.edges)

    def edge_data(self, e: int) -> dict[str, Any]:
        """Attributes of an edge."""
        return self._data[e] if self._data else {}

    @cached_property
    def _node(self) -> dict[Any, int]:
        return {name: k for k, name in enumerate(self.nodes)}

    @cached_property
    def _edge(self) -> dict[tuple[Any, ...], int]:
        return {edge: k for k, edge in enumerate(self.edges)}

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    @property
    def state(self) -> np.ndarray:
        """States at the start, shape (m,); resistors have 0."""
        return self.laws.initial.copy()

    @property
    def state_names(self) -> Sequence[str]:
        """Addresses of the states: ``m[0].w``, with the name that the device has for its state."""
        kinds = set(self.laws.state_names)
        if isinstance(self.names, NumberedNames) and len(kinds) == 1:
            return NumberedNames(self.size, f".{kinds.pop()}")
        return [f"{name}.{state}" for name, state in zip(self.names, self.laws.state_names, strict=True)]

    @cached_property
    def is_memristive(self) -> np.ndarray:
        """Which edges have a state, bool, shape (m,); the others are resistors."""
        found = np.ones(self.size, bool)
        for group in self.laws.groups:
            found[group.edges] = group.device is not None
        return found

    def edge_name(self, e: int) -> str:
        """An edge in quotes, for messages: its nodes, and its name if it has one."""
        shown = "-".join(str(part) for part in (self.edges[e] if self._data else (self.tail[e], self.head[e])))
        return f"'{shown}'" if "name" not in self.edge_data(e) else f"'{self.names[e]} ({shown})'"

    def edge_index(self, edge: Any) -> int:
        """Number of an edge given by its tuple, its name or its number.

        Raises
        ------
        UnknownNameError
        """
        if isinstance(edge, (int, np.integer)) and not isinstance(edge, bool) and 0 <= edge < self.size:
            return int(edge)
        if isinstance(edge, str) and isinstance(self.names, NumberedNames):
            found = self.names.find(edge)
            if found is not None:
                return found
        if isinstance(edge, tuple) and edge in self._edge:
            return self._edge[edge]
        if isinstance(edge, tuple) and len(edge) == 2 and self.graph.is_multigraph():
            parallel = [key for key in self._edge if key[:2] == edge]
            if len(parallel) == 1:
                return self._edge[parallel[0]]
        if isinstance(edge, str) and not isinstance(self.names, NumberedNames) and edge in self._by_name:
            return self._by_name[edge]
        hint = nearest(str(edge), map(str, [*self.names[:1000], *(self.edges[:1000] if self._data else ())]))
        if isinstance(edge, tuple) and (edge[1], edge[0], *edge[2:]) in self._edge:
            hint = f"it runs the other way: {(edge[1], edge[0], *edge[2:])}, so the sign of its EMF changes"
        raise UnknownNameError(f"'{self.title}' has no edge {edge!r}; {hint}")

    def node_index(self, node: Hashable) -> int:
        """Number of a node.

        Raises
        ------
        UnknownNameError
        """
        if not self._data and isinstance(node, (int, np.integer)) and 0 <= node < len(self.nodes):
            return int(node)
        if node not in self._node:
            raise UnknownNameError(
                f"'{self.title}' has no node {node!r}; {nearest(str(node), map(str, self.nodes[:1000]))}"
            )
        return self._node[node]

    def _state(self, w: Any) -> np.ndarray:
        values = self.laws.initial if w is None else np.asarray(w, float)
        if values.shape != (self.size,):
            raise ParameterError(f"states have shape {values.shape}, but there are {self.size} edges")
        if not np.isfinite(values).all():
            raise ParameterError(f"edge {self.edge_name(int(np.argmin(np.isfinite(values))))}: its state is not finite")
        return values

    def _across(self, p: np.ndarray) -> np.ndarray:
        """``incidence.T @ p``: differences of potentials along the edges."""
        return p[self.tail] - p[self.head]

    def solved(self, w: Any = None, t: float = 0.0) -> Solved:
        """Everything at states w, shape (m,), and time t [s].

        Raises
        ------
        ParameterError
        SimulationError
            Newton's method found no currents (devices that are not ohmic).
        """
        x = self._state(w)
        emf, potential, inject = self.sources.split(self.sources.at(t))
        fixed_part = np.where(self.is_free, 0.0, potential)
        drop = self._across(fixed_part) + emf
        v = drop.copy()
        for _ in range(NEWTON_STEPS):
            current, _, slopes = self.laws.evaluate(v, x)
            g = slopes[0]
            solve = potentials_of(self._own_plan, g, self.fixed)
            rest = current - g * v if not self.laws.ohmic else 0.0
            p = solve(inject - self.incidence @ (g * drop + rest)) + fixed_part
            new = self._across(p) + emf
            moved, v = float(np.max(np.abs(new - v), initial=0.0)), new
            if self.laws.ohmic or moved <= NEWTON_TOLERANCE * max(1e-3, float(np.max(np.abs(v)))):
                break
        else:
            raise SimulationError(f"'{self.title}' at t = {t:g} s: Newton's method found no currents")
        current, rate, slopes = self.laws.evaluate(v, x)
        return Solved(p, v, current, rate, slopes, inject, solve)

    def currents(self, w: Any = None, t: float = 0.0) -> np.ndarray:
        """Currents of the edges from tail to head [A], shape (m,), at states w (default those at the start)."""
        return self.solved(w, t).i

    def node_voltages(self, w: Any = None, t: float = 0.0) -> np.ndarray:
        """Potentials of the nodes [V], shape (nodes,)."""
        return self.solved(w, t).p

    def electrode_currents(self, w: Any = None, t: float = 0.0) -> np.ndarray:
        """Currents [A] that the sources of the electrodes put into the network, in the order of `electrodes`."""
        at = self.solved(w, t)
        leaving = self.incidence @ at.i - at.inject
        return leaving[[self.node_index(node) for node in self.electrodes]]

    def power(self, w: Any = None, t: float = 0.0) -> np.ndarray:
        """Power that each edge turns into heat [W], shape (m,)."""
        at = self.solved(w, t)
        return at.i * at.v

    def supplied_power(self, w: Any = None, t: float = 0.0) -> float:
        """Power [W] from EMFs, electrodes and injected currents: equal to the sum of `power` (Tellegen)."""
        at = self.solved(w, t)
        emf = self.sources.split(self.sources.at(t))[0]
        outside = self.incidence @ at.i
        return float(emf @ at.i + at.p @ outside)

    def conductance(self, w: Any, a: Hashable, b: Hashable) -> float:
        """Conductance [S] between two nodes at states w, with every source off and electrodes left open.

        0 where no path leads from one to the other. Of devices that are not ohmic, that at 0 V.
        """
        first, last = self.node_index(a), self.node_index(b)
        if first == last:
            raise ParameterError(f"conductance between '{a}' and itself has no value")
        if self.component[first] != self.component[last]:
            return 0.0
        slopes = self.laws.evaluate(np.zeros(self.size), self._state(w))[2]
        held = np.unique(self.component, return_index=True)[1]
        held[self.component[last]] = last
        push = np.zeros(len(self.nodes))
        push[first] = 1.0
        if (first, last) not in self._open_plans:
            self._open_plans[first, last] = plan_laplacian(push.size, self.tail, self.head, held, tolerance=EXACT)
        return float(1.0 / self._open_plans[first, last].solve(slopes[0], push)[first])

    def rhs(self, t: float, w: Any) -> np.ndarray:
        """Rates of the states, shape (m,); not held at bounds."""
        return self.solved(w, t).rate

    def jvp(self, t: float, w: Any, v: np.ndarray, *, at: Solved | None = None) -> np.ndarray:
        """Derivative of `rhs` by the states, times v of shape (m,) or (m, k): one more solve with the same factor.

        `at` is what `solved` gave for the same w and t.
        """
        at = at or self.solved(w, t)
        _, by_state, rate_by_voltage, rate_by_state = (_beside(row, v) for row in at.slopes)
        pushed = by_state * v
        p = at.potentials(-(self.incidence @ pushed))
        return rate_by_voltage * self._across(p) + rate_by_state * v

    def vjp(self, t: float, w: Any, u: np.ndarray, *, at: Solved | None = None) -> np.ndarray:
        """Transposed derivative of `rhs` times u, shape (m,) or (m, k); as `jvp`."""
        at = at or self.solved(w, t)
        _, by_state, rate_by_voltage, rate_by_state = (_beside(row, u) for row in at.slopes)
        p = at.potentials(self.incidence @ (rate_by_voltage * u))
        return rate_by_state * u - by_state * self._across(p)

    def jacobian(self, t: float, w: Any) -> np.ndarray:
        """Derivative of `rhs` by the states as a dense matrix, shape (m, m)."""
        return self.jvp(t, w, np.eye(self.size))

    def with_parameters(self, values: Mapping[str, Any]) -> MemristiveNetwork:
        """The same network with other values.

        Parameters
        ----------
        values : mapping of str to float, array_like or drive
            ``"r_on"``, ``"r_off"``, ``"beta"``, ``"alpha"``, ``"polarity"`` and ``"initial"`` of all edges,
            ``"v(a)"`` of an electrode, ``"i(a)"`` of an injected current, ``"emf(m[0])"`` of an edge.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        from neurosim.memristive.parameters import changed_arguments

        return MemristiveNetwork(**changed_arguments(self, values))

    def digital(self, dt: float) -> ClockedMap:
        """The map ``w <- held(w + dt rhs)``, clocked every dt [s]; `neurosim.digital` takes other rules too."""
        return ClockedMap(self, dt)

    def projector(self, vector: np.ndarray | None = None, *, space: str = "cycle") -> np.ndarray:
        """Omega: on the cycle space, or on the cut space, of the graph with all fixed nodes joined.

        Parameters
        ----------
        vector : ndarray, shape (m,) or (m, k), optional
            Gives Omega vector and never forms the matrix; without it the dense matrix, shape (m, m).
        space : {"cycle", "cut"}
        """
        return invariants.projector(self, vector, space)

    def energy(self, w: Any = None) -> float:
        """Lyapunov function L(w) of constant sources, see `neurosim.memristive.invariants.EnergyForm`."""
        return float(invariants.energy_form(self).value(self._state(w)))

    def energy_rate(self, w: Any = None) -> float:
        """dL/dt along `rhs`, in closed form; never positive for states in [0, 1]. Says nothing of states held at 1."""
        return float(invariants.energy_form(self).rate(self._state(w), self.rhs(0.0, self._state(w))))

    def energy_gradient(self, w: Any = None) -> np.ndarray:
        """dL/dw, shape (m,)."""
        return invariants.energy_form(self).gradient(self._state(w))

    def conserved(self, w: Any = None, t: float = 0.0) -> np.ndarray:
        """B J w exp(-+ alpha t), shape (nodes,): constant in time at `conserved_nodes`, while nothing is at a bound.

        See `neurosim.memristive.invariants.conserved`.
        """
        return invariants.conserved(self, self._state(w), t)

    @property
    def conserved_nodes(self) -> np.ndarray:
        """Nodes at which `conserved` holds, bool: without electrode, injected current or resistor."""
        return invariants.conserved_nodes(self)

    def ising(self) -> invariants.Ising:
        """Couplings and fields of `energy` on binary states, see `neurosim.memristive.invariants.Ising`."""
        return invariants.ising(self)


def _beside(row: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """A value for each edge in a shape that multiplies vectors (m,) or (m, k)."""
    return row if np.ndim(vectors) == 1 else row[:, None]


@cache
def _parameter_names(device: str) -> frozenset[str]:
    """Names and aliases of the parameters of a device."""
    return frozenset(name for p in devices.get(device).parameters for name in (p.name, *p.aliases))
