"""Run a memristive network in time: the engine's loop over its one batch, and labelled columns of what was asked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.graph.drives import Drives
from neurosim.kernels import run as state
from neurosim.kernels.abi import ANALYSIS, TRANSIENT
from neurosim.kernels.run import Run
from neurosim.memristive.assembly import LARGEST_JACOBIAN, NetworkAssembly, assemble_network
from neurosim.memristive.graph_arrays import NumberedNames
from neurosim.memristive.network import MemristiveNetwork
from neurosim.memristive.parameters import node_named
from neurosim.results import Column, Result, canonical_name, input_hash, versions
from neurosim.solve.asked import check_tolerances, checked_span, print_times, read_settings
from neurosim.solve.checkpoint import Keeper
from neurosim.solve.checkpoint_file import EVERY, Checkpoint, kept_settings
from neurosim.solve.crossings import Events, Watch, unknown_by_name
from neurosim.solve.integrate import Limits, integrate
from neurosim.solve.methods import methods
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import continued_run, new_run

ATOL_SHARE_OF_RTOL = 1e-3
"""Absolute tolerance of a state as a share of rtol and of its typical size, as for states of devices."""

MOST_EDGES_OF_STAGES = 300_000
"""A run that turns out to be stiff is continued by rodas5p up to this many edges, then by rkc, which keeps less."""

STEPS_AHEAD = 60.0
"""How many steps must be left for that: an implicit step costs about two explicit ones."""

BUFFER_VALUES = 4_000_000
"""Most numbers in the buffer of recorded points."""

LEAST_STEPS = 50
"""No step is longer than this part of the span."""

_CALL = re.compile(r"([ivg])\((.*)\)$")


@dataclass(frozen=True)
class NetworkSettings:
    """How a memristive network is simulated.

    Parameters
    ----------
    method : str
        Integration method. Default ``"auto"``: ``"dp5"``, and where stability bounds its steps ``"rodas5p"``, or
        ``"rkc"`` from 300,000 edges on; the result's notes say from when on. ``"dop853"`` is for tight tolerances.
        Rosenbrock methods (``"rodas5p"``, ``"rodas4p2"``) factor the network once for each step, at any size; other
        implicit methods take the dense Jacobian and at most 300 edges.
    rtol : float
        Relative to the largest value that a state has had, default 1e-6.
    atol : float, optional
        Default ``1e-3 rtol`` times the typical size of a state.
    initial : array_like, shape (m,), optional
        States at the start instead of those of the network.
    save : sequence of str
        ``"m[0].x"`` (states), ``"i(m[0])"`` (currents of edges), ``"i(a)"`` (current that the electrode a puts in),
        ``"v(a)"`` (potentials), ``"g(a,b)"`` (conductance between two nodes); a node that is a tuple is spelled as
        in ``"v((0, 1))"``, with or without spaces, here and in expressions; ``"states"``, ``"i(*)"`` and ``"v(*)"``
        stand for all of a kind. Default all states and all currents of electrodes.
    fixed_step, save_steps, step_limit, wall_time_limit, memory_limit, progress
        As `neurosim.solve.transient.TransientSettings`.
    print_step : float, optional
        Seconds between saved points beside the accepted steps; default 1/200 of the span.
    events : str, Crossing, or sequence or mapping of these, optional
        Crossings of states, see `neurosim.solve.crossings.Crossing`.
    checkpoint, checkpoint_every, resumed
        As `neurosim.solve.simulate_circuit.Settings`.
    """

    method: str = "auto"
    rtol: float = 1e-6
    atol: float | None = None
    initial: Any = None
    save: Sequence[str] = ()
    fixed_step: float | None = None
    save_steps: bool = True
    step_limit: int = 10_000_000
    wall_time_limit: float = float("inf")
    memory_limit: float = float("inf")
    print_step: float | None = None
    events: Events | None = None
    progress: Callable[[float, float], None] | None = None
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: float = EVERY
    resumed: Checkpoint | None = None


def simulate_network(net: MemristiveNetwork, t_span: tuple[float, float] | None, **settings: Any) -> Result:
    """Run a memristive network from t = 0; states at a bound are held there until their rate points inward.

    Parameters
    ----------
    net : MemristiveNetwork
    t_span : (float, float)
        Integrated from 0 to the second [s]; saved from the first on.
    **settings
        Fields of `NetworkSettings`.

    Returns
    -------
    Result
        With ``attrs["seconds_at_bounds"]``: for each saved state that stood at a bound, for how long.

    Raises
    ------
    ParameterError, UnknownNameError
        The message names the setting, edge or node.
    SimulationError
        The run stopped; names the state, and keeps what was computed in `partial`.
    """
    return run_network(net, t_span, read_settings(NetworkSettings, settings, "simulate() of a network"))


def run_network(net: MemristiveNetwork, t_span: tuple[float, float] | None, chosen: NetworkSettings) -> Result:
    """`simulate_network` with settings that are made already."""
    span = checked_span(t_span)
    check_tolerances(chosen.rtol)
    clock = time.perf_counter()
    method = methods.get("dp5" if chosen.method == "auto" else chosen.method)
    if not method.adaptive and chosen.fixed_step is None:
        raise ParameterError(f"method '{method.name}' has no error control: give fixed_step")
    if method.takes_mass and method.kind != state.ROSENBROCK and net.size > LARGEST_JACOBIAN:
        raise ParameterError(
            f"method '{method.name}' takes the dense Jacobian: at most {LARGEST_JACOBIAN} edges, not {net.size}; use "
            "'rodas5p' or 'rkc' where it is stiff, else 'dp5' or 'dop853'"
        )
    saved = _Saved(net, chosen.save)
    assembly = _assembled(net, net.sources.bind(span[1]), method, chosen.rtol)
    watch = None
    if chosen.events is not None:
        watch = Watch(chosen.events, unknown_by_name(assembly.system.names, f"network '{net.title}'"))
        assembly.system = watch.attach(assembly.system)
    probes = np.arange(assembly.system.size) if saved.needs_all else np.array(saved.states, int)
    run = _new_run(assembly, method, chosen, span, probes)
    run.count[state.EVENTFUL] |= watch is not None
    keeper = None
    if chosen.checkpoint is not None or chosen.resumed is not None:
        header = {"kind": "network", "title": net.title, "source": None, "t_span": span, "versions": versions(),
                  "settings": kept_settings(chosen)}  # fmt: skip
        keeper = Keeper(
            chosen.checkpoint, chosen.checkpoint_every, header, chosen.resumed, assembly.identity(),
            further={"solver": assembly} | ({} if watch is None else {"watch": watch}),
        )  # fmt: skip
    hands_over = chosen.method == "auto" and watch is None and keeper is None
    limits = Limits(chosen.wall_time_limit, chosen.memory_limit, chosen.progress)
    recorded = integrate(
        assembly.system, run, method, limits, lambda why: _stopped(assembly, run, method, why),
        halted=None if watch is None else watch.halted, keeper=keeper, until_stiff=hands_over,
    )  # fmt: skip
    notes = []
    if run.count[state.STIFF] != 0:
        since = run.real[state.STIFF_FROM]
        notes.append(f"stiff: from t = {since:.6g} s on stability bounds the steps of {method.name}")
        if hands_over and run.real[state.T] < span[1] and recorded.failure is None:
            method = methods.get("rodas5p" if net.size <= MOST_EDGES_OF_STAGES else "rkc")
            notes[0] += f"; continued by {method.name}"
            assembly = _assembled(net, assembly.drives, method, chosen.rtol)
            run = continued_run(assembly.system, run, _new_run(assembly, method, chosen, span, probes))
            recorded = recorded.followed_by(
                integrate(assembly.system, run, method, limits, lambda why: _stopped(assembly, run, method, why))
            )
    kept = recorded.times >= span[0] * (1.0 - 1e-12)
    times, values = recorded.times[kept], recorded.values[kept]
    columns = saved.columns(assembly, times, values)
    result = Result.build("time", times, columns, attrs={
        "title": net.title, "analysis": "tran", "method": method.name, "rtol": chosen.rtol, "unknowns": net.size,
        "solver": assembly.solver.kind, "notes": notes,
        "sources": assembly.drives.described, "statistics": recorded.statistics, "versions": versions(),
        "seconds_at_bounds": _at_bounds(net, saved, times, values),
        "input_sha256": input_hash(assembly.system.arrays.table, net.tail, net.head),
        "seconds": round(time.perf_counter() - clock, 6),
    })  # fmt: skip
    if watch is not None:
        watch.note(result.attrs)
    if recorded.failure is not None:
        recorded.failure.partial = result
        raise recorded.failure
    return result


def _assembled(net: MemristiveNetwork, drives: Drives, method: Method, rtol: float) -> NetworkAssembly:
    """The network in the form that a method takes."""
    implicit = method.kind == state.ROSENBROCK
    assembly = assemble_network(
        net, drives, derivatives=method.takes_mass and not implicit, rtol=rtol, implicit=implicit
    )
    assembly.system.context[ANALYSIS] = TRANSIENT
    return assembly


class _Saved:
    """What is to be saved: numbers of states, and functions of everything."""

    def __init__(self, net: MemristiveNetwork, asked: Sequence[str]) -> None:
        self.net = net
        self.states: list[int] = []
        self.others: list[tuple[str, str, Any]] = []
        names = net.state_names
        of_state = _finder(names)
        self._edge_number = _finder(net.names)
        default = ["states", *(f"i({node})" for node in net.electrodes)]
        for address in [asked] if isinstance(asked, str) else asked or default:
            call = _CALL.match(address)
            found = of_state(address)
            if found is not None:
                self.states.append(found)
            elif address == "states":
                self.states += np.flatnonzero(net.is_memristive).tolist()
            elif call is None:
                raise self._unknown(address, [*names[:1000], "states", "i(*)", "v(*)"])
            elif call[2] == "*" and call[1] in "iv":
                inside = net.names if call[1] == "i" else list(self.nodes)
                self.others += [(f"{call[1]}({name})", call[1], name) for name in inside]
            elif call[1] == "g":
                parts = call[2].split(",")
                ends = [(",".join(parts[:k]).strip(), ",".join(parts[k:]).strip()) for k in range(1, len(parts))]
                nodes = {canonical_name(name): node for name, node in self.nodes.items()} | self.nodes
                spelled = [*ends, *((canonical_name(a), canonical_name(b)) for a, b in ends)]
                pair = next(((nodes[a], nodes[b]) for a, b in spelled if a in nodes and b in nodes), None)
                if pair is None:
                    raise self._unknown(address, list(nodes))
                self.others.append((address, "g", pair))
            else:
                known, inside = list(map(str, net.electrodes)) if call[1] == "i" else self.nodes, call[2]
                if inside not in known and (call[1] == "v" or self._edge_number(inside) is None):
                    node = node_named(net.electrodes if call[1] == "i" else net.nodes, inside)
                    inside = inside if node is None else str(node)
                if inside not in known and (call[1] == "v" or self._edge_number(inside) is None):
                    others = [*net.names[:1000], *known] if call[1] == "i" else list(known)[:1000]
                    raise self._unknown(address, [f"{call[1]}({name})" for name in others])
                self.others.append((address, call[1], inside))
        self.states = list(dict.fromkeys(self.states))
        self.others = list(dict.fromkeys(self.others))

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """Nodes by their text."""
        return {str(node): node for node in self.net.nodes}

    def _unknown(self, address: str, known: Sequence[str]) -> UnknownNameError:
        return UnknownNameError(f"cannot save '{address}' of network '{self.net.title}'; {nearest(address, known)}")

    @property
    def needs_all(self) -> bool:
        """Whether all states have to be recorded."""
        return bool(self.others)

    def columns(self, assembly: NetworkAssembly, times: np.ndarray, values: np.ndarray) -> dict[str, Column]:
        """Labelled columns from recorded points."""
        net, names = self.net, self.net.state_names
        made: dict[str, Column] = {}
        for k, e in enumerate(self.states):
            made[names[e]] = Column(
                values[:, e if self.needs_all else k], net.laws.units[e], f"state of {net.names[e]}"
            )
        if not self.needs_all:
            return made
        potentials = currents = np.empty((0, 0))
        if any(kind in "iv" for _, kind, _ in self.others):
            potentials, currents = assembly.solved(times, values)
        for address, kind, what in self.others:
            if kind == "v":
                made[address] = Column(potentials[:, net.node_index(self.nodes[what])], "V", f"potential of {what}")
            elif kind == "g":
                found = [net.conductance(row[: net.size], *what) for row in values]
                made[address] = Column(np.array(found), "S", f"conductance between {what[0]} and {what[1]}")
            elif (e := self._edge_number(what)) is not None:
                made[address] = Column(currents[:, e], "A", f"current of {what}")
            else:
                k = net.node_index(next(node for node in net.electrodes if str(node) == what))
                inject = np.array([net.sources.split(net.sources.at(t))[2][k] for t in times])
                out = currents @ np.asarray(net.incidence[[k]].todense()).ravel()
                made[address] = Column(out - inject, "A", f"current of electrode {what}")
        return made


def _finder(names: Sequence[str]) -> Callable[[str], int | None]:
    """The number of a name, None where there is none."""
    return names.find if isinstance(names, NumberedNames) else {name: k for k, name in enumerate(names)}.get


def _new_run(
    assembly: NetworkAssembly, method: Method, settings: NetworkSettings, span: tuple[float, float], probes: np.ndarray
) -> Run:
    net, system, (start, stop) = assembly.net, assembly.system, span
    grid = print_times(span, settings.print_step)
    if settings.fixed_step is not None and not 0.0 < settings.fixed_step <= stop:
        raise ParameterError(f"fixed_step = {settings.fixed_step!r} s must lie between 0 and the end of the run")
    initial = None
    if settings.initial is not None:
        initial = np.asarray(settings.initial, float)
        laws = net.laws
        if initial.shape != (net.size,):
            raise ParameterError(f"initial has shape {initial.shape}, but there are {net.size} edges")
        outside = np.flatnonzero(~((initial >= laws.lower) & (initial <= laws.upper)))
        if outside.size:
            raise ParameterError(
                f"edge {net.edge_name(int(outside[0]))}: initial = {initial[outside[0]]:g} is out of bounds"
            )
    scale = np.append(net.laws.scale, np.ones(system.size - net.size))
    h_max = (stop - start) / LEAST_STEPS
    run = new_run(
        system, method, np.append(assembly.start(initial), 0.0), t0=0.0, t_stop=stop, rtol=settings.rtol,
        atol=scale * (settings.atol or ATOL_SHARE_OF_RTOL * settings.rtol), probes=probes,
        watched=np.arange(net.size), grid=grid, breakpoints=system.breakpoints(0.0, stop),
        capacity=int(np.clip(BUFFER_VALUES // max(probes.size, 1), 8, 20_000)), with_slopes=False,
        h=settings.fixed_step or min(h_max, grid[1] - grid[0], stop * 1e-3) * 1e-2, h_max=h_max,
    )  # fmt: skip
    run.count[state.STEP_LIMIT] = settings.step_limit
    run.count[state.FIXED_STEP] = int(settings.fixed_step is not None)
    run.real[state.STEPS_AHEAD] = STEPS_AHEAD
    run.count[state.POLISH] = 0
    run.count[state.OWN_SOLVER] = int(assembly.step_solver is not None)
    run.count[state.SAVE_STEPS] = int(settings.save_steps)
    return run


def _at_bounds(net: MemristiveNetwork, saved: _Saved, times: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Seconds that each saved state stood at a bound, where that is more than none."""
    found = {}
    steps, names = np.diff(times), net.state_names
    for k, e in enumerate(saved.states):
        x = values[:, e if saved.needs_all else k]
        at = (x == net.laws.lower[e]) | (x == net.laws.upper[e])
        seconds = float(steps[at[1:] & at[:-1]].sum())
        if seconds > 0.0:
            found[names[e]] = seconds
    return found


def _stopped(assembly: NetworkAssembly, run: Run, method: Method, why: str) -> SimulationError:
    """Say when, at which state and why a run stopped, and what to try."""
    net, real = assembly.net, run.real
    worst = min(int(run.count[state.WORST]), net.size - 1)
    t, stop = float(real[state.T]), float(real[state.T_STOP])
    return SimulationError(
        f"simulation of network '{net.title}' stopped at t = {t:.6g} s ({100 * t / stop:.0f} % of {stop:g} s), method "
        f"{method.name}, step {real[state.H]:.3g} s: {why}\n      worst state: {net.state_names[worst]} = "
        f"{run.y[worst]:.6g}, edge {net.edge_name(worst)}\n      loosen rtol, or look for sources out of proportion"
    )
