"""Run a signal graph in time: the engine's loop over the graph's one batch, and labelled columns of what it records."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.graph.assembly import RTOL_SHARE_OF_ONE, GraphAssembly, addresses, assemble_graph
from neurosim.graph.drives import bind_drives
from neurosim.graph.history import History, check_history, constant_history
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph, noise_of
from neurosim.graph.spike_trains import SpikeTrains
from neurosim.kernels import array_program as ap
from neurosim.kernels import run as state
from neurosim.kernels.abi import ANALYSIS, SEED, TRANSIENT
from neurosim.kernels.run import Run
from neurosim.kernels.system import compute_flow
from neurosim.results import Column, Result, canonical_name, input_hash, versions
from neurosim.solve.asked import check_tolerances, checked_span, print_times, read_settings
from neurosim.solve.checkpoint import Keeper
from neurosim.solve.checkpoint_file import EVERY, Checkpoint, kept_settings
from neurosim.solve.crossings import Events, Watch, unknown_by_name
from neurosim.solve.discrete_gradient import descend
from neurosim.solve.integrate import REASONS, Limits, integrate
from neurosim.solve.methods import methods
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import continued_run, new_run

LEAST_STEPS = 50
"""No step is longer than this part of the span."""

STIFF_RATIO = 1e3
"""With ``method="auto"``, Rodas5P where time constants differ by more than this, else DP5."""

MOST_STATES_OF_MATRIX = 500
"""A run that turns out to be stiff is continued by Rodas5P up to this many unknowns: its matrix may be dense."""

BUFFER_VALUES, OUTPUT_VALUES = 4_000_000, 2_000_000
"""Most numbers in the buffer of recorded points, and in the arena that evaluates outputs."""


@dataclass(frozen=True)
class GraphSettings:
    """How a graph is simulated.

    Parameters
    ----------
    drive : mapping of str to drive, optional
        What drives each input port, see `neurosim.graph.drives.bind_drives`; ports that are missing are 0.
    initial : mapping of str to array_like, optional
        Initial values of states by node, instead of those of the graph.
    history : mapping of str to callable or array_like, optional
        What states whose past is used (delayed edges) were until t = 0: ``f(t)`` for t <= 0, or a constant; the value
        at 0 is the initial value. Default constant, the initial value.
    method : str
        Integration method; ``"auto"`` takes Rodas5P where the time constants of the flowing states differ by more than
        a factor of 1000, else DP5, which hands over to Rodas5P where stability bounds its steps.
    rtol : float
        Relative to the largest value that a state has had, default 1e-5.
    atol : float, optional
        Default ``1e-3 rtol``: for states of order one.
    save : sequence of str
        Nodes (``"h"``) and elements (``"h[3]"``) of any kind: states, holds, outputs, inputs, maps, products; ``"all"``
        stands for the default, states, holds and outputs.
    step_limit, wall_time_limit, fixed_step, save_steps, progress
        As `neurosim.solve.transient.TransientSettings`.
    print_step : float, optional
        Seconds between saved points beside the accepted steps; default 1/200 of the span.
    seed : int
        Of the noise, default 0.
    diffusion : mapping of str to float, array_like or str, optional
        Noise on states, ``dy = f dt + g dW`` with one independent noise for each element: the amplitude g of a state
        [its unit / sqrt(s)] as a number (additive), or the name of the node that gives it. Needs a stochastic method.
        States that were declared with `noise` have it where they are not named here.
    memory_limit, checkpoint, checkpoint_every, resumed
        As `neurosim.solve.simulate_circuit.Settings`.
    events : str, Crossing, or sequence or mapping of these, optional
        Crossings of states, see `neurosim.solve.crossings.Crossing`; their times are in ``result.events``, beside the
        ticks of the graph's own events.
    """

    drive: Any = None
    initial: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    method: str = "auto"
    rtol: float = 1e-5
    atol: float | None = None
    save: Sequence[str] = ()
    step_limit: int = 10_000_000
    wall_time_limit: float = float("inf")
    fixed_step: float | None = None
    save_steps: bool = True
    print_step: float | None = None
    events: Events | None = None
    progress: Callable[[float, float], None] | None = None
    seed: int = 0
    diffusion: Mapping[str, Any] = field(default_factory=dict)
    memory_limit: float = float("inf")
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: float = EVERY
    resumed: Checkpoint | None = None


def simulate_graph(graph: SignalGraph | Program, t_span: tuple[float, float] | None, **settings: Any) -> Result:
    """Run a signal graph from t = 0: flow between ticks, jump at ticks.

    At a tick, clocked states jump from the values before it, then held inputs take their next sample, then holds sample
    what these give. At t = 0 the last two happen.

    Delayed edges read the past of states from the interpolants of the steps, and no step is longer than the shortest
    delay. All methods can: the implicit ones need no derivative by a past that their step does not reach.

    Parameters
    ----------
    graph : SignalGraph or Program
    t_span : (float, float)
        Integrated from 0 to the second [s]; saved from the first on.
    **settings
        Fields of `GraphSettings`.

    Returns
    -------
    Result
        Columns ``h[0]``, ``h[1]``, ... of the saved nodes, just ``h`` for one element. Where a jump falls on a saved
        step there are two points of equal time, before and after it; with ``save_steps=False`` only the one before.

    Raises
    ------
    ParameterError, UnknownNameError
        The message names the node, port or setting.
    SimulationError
        The run stopped; names the state, and keeps what was computed in `partial`.
    """
    if not isinstance(graph, (SignalGraph, Program)):
        raise ParameterError(
            f"simulate() takes a Circuit, the path of a netlist, or a SignalGraph, not {type(graph).__name__}"
        )
    chosen = read_settings(GraphSettings, settings, "simulate() of a graph")
    span = checked_span(t_span)
    check_tolerances(chosen.rtol, chosen.atol)
    clock = time.perf_counter()
    ready = prepare(graph if isinstance(graph, Program) else compile_graph(graph), span, chosen)
    watch = ready.watch
    assembly, run, method, drives, names = ready.assembly, ready.run, ready.method, ready.assembly.drives, ready.names
    keeper = None
    if chosen.checkpoint is not None or chosen.resumed is not None:
        header = {"kind": "graph", "title": assembly.program.graph.title, "source": None, "t_span": span,
                  "versions": versions(), "settings": kept_settings(chosen)}  # fmt: skip
        logs = {"log": assembly.log, "watch": watch}
        past = ready.history
        keeper = Keeper(
            chosen.checkpoint, chosen.checkpoint_every, header, chosen.resumed,
            assembly.program.identity(assembly.code), b"" if past is None else assembly.table[: past.place].tobytes(),
            {label: log for label, log in logs.items() if log is not None},
        )  # fmt: skip
        if ready.history is not None and chosen.resumed is not None:
            ready.history.fit(len(chosen.resumed.arrays["run.knot_q"]))
            run = ready.history.run
    hands_over = (
        chosen.method == "auto" and assembly.system.size <= MOST_STATES_OF_MATRIX and keeper is None and watch is None
        and ready.history is None and assembly.log is None
    )  # fmt: skip
    limits = Limits(chosen.wall_time_limit, chosen.memory_limit, chosen.progress)
    if method.kind == state.DESCENT:
        for setting in ("checkpoint", "resumed", "events"):
            if getattr(chosen, setting) is not None:
                raise ParameterError(f"{setting}: method '{method.name}' has no such thing; take 'implicit_midpoint'")
        recorded = descend(assembly, run, float(chosen.fixed_step or span[1]), limits)
    else:
        recorded = integrate(
            assembly.system, run, method, limits, lambda why: _stopped(assembly, run, method, why), keeper=keeper,
            history=ready.history, halted=_halted(assembly, watch), until_stiff=hands_over,
        )  # fmt: skip
    times, values, failure, statistics = recorded.times, recorded.values, recorded.failure, recorded.statistics
    notes = [*assembly.program.notes, *drives.notes]
    if run.count[state.STIFF] != 0:
        since = f"stiff: from t = {run.real[state.STIFF_FROM]:.6g} s on stability bounds the steps of {method.name}"
        if hands_over and run.real[state.T] < span[1] and failure is None:
            method = methods.get("rodas5p")
            notes.append(f"{since}; continued by {method.name}")
            assembly = assemble_graph(assembly.program, drives, derivatives=True)
            run = continued_run(assembly.system, run, _new_run(assembly, method, chosen, span))
            later = integrate(assembly.system, run, method, limits, lambda why: _stopped(assembly, run, method, why))
            recorded = recorded.followed_by(later)
            times, values, failure, statistics = recorded.times, recorded.values, recorded.failure, recorded.statistics
        else:
            notes.append(f"{since}; take 'rodas5p' or 'bdf'")
    statistics |= {"ticks": int(run.breakpoints.size)}
    if chosen.save_steps:
        times, values = _with_jumps(assembly, times, values, run.y[:-1])
        times, values = _with_events(assembly, times, values)
    kept = times >= span[0] * (1.0 - 1e-12)
    labelled = columns(assembly, names, chosen.save, times[kept], values[kept])
    result = Result.build("time", times[kept], labelled, attrs={
        "title": assembly.program.graph.title, "analysis": "tran", "method": method.name, "rtol": chosen.rtol,
        "drive": drives.described, "notes": notes, "statistics": statistics,
        "unknowns": assembly.system.size, "versions": versions(),
        "input_sha256": input_hash(assembly.program.identity(assembly.code) + assembly.table.tobytes()),
        "seconds": round(time.perf_counter() - clock, 6),
    })  # fmt: skip
    if assembly.log is not None:
        result.attrs["events"] = assembly.log.instants.of_elements(assembly.log.program)
        result.attrs["notes"] += assembly.log.notes
    if watch is not None:
        watch.note(result.attrs)
    if failure is not None:
        failure.partial = result
        raise failure
    return result


@dataclass
class Prepared:
    """A graph that is ready to run, and the nodes whose values are wanted."""

    assembly: GraphAssembly
    run: Run
    method: Method
    names: list[str]
    history: History | None
    watch: Watch | None


def prepare(program: Program, span: tuple[float, float], chosen: GraphSettings, *, law_alone: bool = True) -> Prepared:
    """Lay out the run of a graph.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if program.states.size == 0:
        raise ParameterError(f"graph '{program.graph.title}' has no state: there is nothing to integrate")
    names = saved_nodes(program, chosen.save)
    given = {**noise_of(program.graph), **chosen.diffusion}
    noisy = {name for name in given.values() if isinstance(name, str)}
    for name in sorted(noisy):
        if name not in program.graph:
            raise UnknownNameError(
                f"diffusion: graph '{program.graph.title}' has no node '{name}'; "
                f"{nearest(name, map(str, program.graph.nodes))}"
            )
    made = {name for name in {*names, *noisy} if program.graph.nodes[name]["kind"] in ("map", "product")}
    diffusion = {k: _shown(v) if isinstance(v, str) and v in made else v for k, v in given.items()}
    program = _with_outputs(program, [n for n in dict.fromkeys([*names, *sorted(noisy)]) if n in made])
    name = chosen.method
    if name == "auto":
        name = "stochastic_heun" if diffusion else _automatic(program)
    method = methods.get(name)
    if diffusion and not method.is_stochastic:
        shown = ", ".join(m.name for m in methods if m.is_stochastic)
        raise ParameterError(f"method '{method.name}' takes no noise: with diffusion= use one of {shown}")
    if not method.adaptive and chosen.fixed_step is None:
        advice = "noise on states is integrated in fixed steps" if diffusion else "or use 'auto'"
        raise ParameterError(f"method '{method.name}' has no error control: give fixed_step; {advice}")
    if method.varies_order and chosen.fixed_step is not None:
        raise ParameterError(f"method '{method.name}' chooses its order with its step: take 'dp5' for a fixed step")
    if chosen.fixed_step is not None and not 0.0 < chosen.fixed_step <= span[1]:
        raise ParameterError(f"fixed_step = {chosen.fixed_step!r} s must lie between 0 and the end of the run")
    check_history(program, chosen.history, chosen.initial)
    _check_trains(program, chosen.drive)
    drives = bind_drives(program.inputs, chosen.drive, span[1], program.delays, program.states)
    assembly = assemble_graph(
        program, drives, derivatives=method.uses_derivatives, diffusion=diffusion, law_alone=law_alone
    )
    assembly.system.context[[ANALYSIS, SEED]] = TRANSIENT, chosen.seed
    watch = None
    if chosen.events is not None:
        watch = Watch(chosen.events, unknown_by_name(assembly.system.names, f"graph '{program.graph.title}'"))
        assembly.system = watch.attach(assembly.system)
    if assembly.log is not None:
        assembly.log.keeps_states = chosen.save_steps
    run = _new_run(assembly, method, chosen, span)
    run.count[state.EVENTFUL] |= watch is not None
    history = History(assembly, run, chosen.history, int(method.varies_order)) if program.delays else None
    return Prepared(assembly, run if history is None else history.run, method, names, history, watch)


def _check_trains(program: Program, drive: Any) -> None:
    """Spikes are for inputs that events watch."""
    graph = program.graph
    given = drive if isinstance(drive, Mapping) else dict.fromkeys(program.inputs.slices, drive)
    for name, value in given.items():
        if isinstance(value, SpikeTrains) and name in graph:
            ends, stack = [], list(graph.successors(name))
            while stack:
                data = graph.nodes[b := stack.pop()]
                if data["kind"] == "map" and data["function"] == "identity":
                    stack += graph.successors(b)
                else:
                    ends.append(data["kind"])
            if set(ends) != {"event"}:
                raise ParameterError(f"drive: input '{name}' takes values, not spikes: more than events watch it")


def _halted(
    assembly: GraphAssembly, watch: Watch | None
) -> Callable[[float], tuple[bool, SimulationError | None]] | None:
    """What empties the logs of events, where there are any."""
    log = assembly.log
    if log is None:
        return None if watch is None else watch.halted

    def halted(t: float) -> tuple[bool, SimulationError | None]:
        failure = log.take(t)
        return watch is not None and watch.take(), failure

    return halted


def _automatic(program: Program) -> str:
    tau = program.time_constant[~program.is_clocked]
    return "rodas5p" if tau.size and tau.max() > STIFF_RATIO * tau.min() else "dp5"


_ELEMENT = re.compile(r"(.+)\[(\d+)\]$")


def saved_nodes(program: Program, save: Sequence[str]) -> list[str]:
    """Nodes whose values are wanted, in the order of the columns."""
    default = [*program.states.slices, *program.outputs.slices]
    names: dict[str, None] = {}
    for asked in [save] if isinstance(save, str) else save:
        match = _ELEMENT.match(asked)
        name = match[1] if match and asked not in program.graph else asked
        if name == "all" and name not in program.graph:
            names.update(dict.fromkeys(default))
        elif name not in program.graph:
            raise UnknownNameError(
                f"cannot save '{asked}': graph '{program.graph.title}' has no such node; "
                f"{nearest(name, map(str, program.graph.nodes))}"
            )
        elif program.graph.nodes[name]["kind"] == "event":
            raise ParameterError(f"cannot save '{asked}': an event has no value; its ticks are in result.events")
        elif match and name != asked and int(match[2]) >= program.graph.size_of(name):
            raise UnknownNameError(f"cannot save '{asked}': '{name}' has {program.graph.size_of(name)} elements")
        else:
            names[name] = None
    chosen = list(names) or default
    spelled: dict[str, str] = {"time": "time"}
    for name in chosen:
        other = spelled.setdefault(canonical_name(name), name)
        if other != name or name == "time":
            raise ParameterError(
                f"nodes '{name}' and '{other}' would have the same column: names in a result do not tell case and "
                "spaces apart, and time is taken; rename one"
            )
    return chosen


def _with_outputs(program: Program, names: list[str]) -> Program:
    """The program with the values of memoryless nodes as further outputs."""
    if not names:
        return program
    graph = program.graph.copy()
    for name in names:
        graph.add_node(
            _shown(name), kind="port", shape=graph.nodes[name]["shape"], output=True, unit=graph.nodes[name]["unit"],
            limits=None, bias=None,
        )  # fmt: skip
        graph.add_edge(
            name, _shown(name), source_port=None, target_port=None, role="add", slot=0, weight=None, transpose=False,
            gain=1.0, delay=0.0, source_part=None, target_part=None, plastic=None,
        )  # fmt: skip
    made = compile_graph(graph).with_parameters(program.p[: program.parameters.size])
    return replace(
        made,
        time_constant=program.time_constant,
        leak=program.leak,
        initial=program.initial,
        notes=program.notes,
        delays=program.delays,
    )


def _shown(name: str) -> str:
    return f"value of {name}"


def _new_run(assembly: GraphAssembly, method: Method, settings: GraphSettings, span: tuple[float, float]) -> Run:
    start, stop = span
    system = assembly.system
    h_max = min((stop - start) / LEAST_STEPS, system.largest_step)
    if settings.fixed_step is not None and settings.fixed_step > system.largest_step * (1.0 + 1e-9):
        raise ParameterError(
            f"fixed_step = {settings.fixed_step:g} s is longer than the shortest delay, {system.largest_step:g} s"
        )
    grid = print_times(span, settings.print_step)
    everything = np.arange(system.size)
    initial = {**settings.initial, **constant_history(settings.history)}
    run = new_run(
        system, method, np.append(assembly.start(initial), 0.0), t0=0.0, t_stop=stop, rtol=settings.rtol,
        atol=np.full(system.size, settings.atol or RTOL_SHARE_OF_ONE * settings.rtol), probes=everything,
        watched=everything, grid=grid, breakpoints=system.breakpoints(0.0, stop),
        capacity=int(np.clip(BUFFER_VALUES // system.size, 64, 20_000)), with_slopes=False,
        h=settings.fixed_step or min(h_max, grid[1] - grid[0], stop * 1e-3) * 1e-2, h_max=h_max,
    )  # fmt: skip
    if method.has_decay:
        program = assembly.program
        rates = np.zeros(system.size)
        rates[: program.leak.size] = np.where(program.is_clocked, 0.0, program.leak / program.time_constant)
        run = run._replace(tableau=np.stack([np.full(system.size, method.tableau[0, 0]), rates]))
    run.count[state.STEP_LIMIT] = settings.step_limit
    run.count[state.FIXED_STEP] = int(settings.fixed_step is not None)
    run.count[state.POLISH] = 0
    run.count[state.SAVE_STEPS] = int(settings.save_steps)
    return run


def _stopped(assembly: GraphAssembly, run: Run, method: Method, why: str) -> SimulationError:
    """Say when, at which state and why a run stopped, and what to try."""
    system, real = assembly.system, run.real
    f = np.zeros(system.size + 1)
    compute_flow(system.arrays, system.context, run.y, f)
    unusable = np.flatnonzero(~np.isfinite(run.y[:-1]) | ~np.isfinite(f[:-1]))
    if unusable.size:
        worst, advice = int(unusable[0]), "look for a division by zero, a logarithm or an overflow in what drives it"
    else:
        worst = int(run.count[state.STATUS_INDEX if why == REASONS[state.NOT_FINITE] else state.WORST])
        advice = "look for growth without bound or a discontinuity in what drives it, loosen rtol, or raise the limit"
    if method.kind == state.EXPLICIT and run.count[state.FIXED_STEP] != 0:
        advice = (
            "explicit steps that are too long for a stiff problem grow without bound: take a shorter fixed_step, or an "
            "implicit method such as 'rodas5p'; else " + advice
        )
    unknown = system.unknowns[worst]
    t, stop = float(real[state.T]), float(real[state.T_STOP])
    return SimulationError(
        f"simulation of graph '{assembly.program.graph.title}' stopped at t = {t:.6g} s ({100 * t / stop:.0f} % of "
        f"{stop:g} s), method {method.name}, step {real[state.H]:.3g} s: {why}\n"
        f"      worst state: {unknown.name} = {run.y[worst]:.6g} {unknown.unit}, rate {f[worst]:.4g}/s\n      {advice}"
    )


def _with_jumps(
    assembly: GraphAssembly, times: np.ndarray, values: np.ndarray, final: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Second points where something jumped: recorded is what was before, and the next point has what came after."""
    further = values.shape[1] - assembly.system.size
    stepped = np.concatenate([assembly.is_stepped(), np.zeros(further, bool)])
    final = np.concatenate([final, np.zeros(further)])
    if not stepped.any() or not len(values):
        return times, values
    after = np.concatenate([values[1:, stepped], final[None, stepped]])
    jumped = np.flatnonzero((after != values[:, stepped]).any(axis=1))
    inserted = values[jumped]
    inserted[:, stepped] = after[jumped]
    return np.insert(times, jumped + 1, times[jumped]), np.insert(values, jumped + 1, inserted, axis=0)


def _with_events(assembly: GraphAssembly, times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Second points at instants at which events ticked: the last one recorded is what was before."""
    if assembly.log is None or not len(values):
        return times, values
    instants = assembly.log.instants
    n = instants.after.shape[1]
    places = np.searchsorted(times, instants.times, side="right") - 1
    known = places >= 0
    known[known] = times[places[known]] == instants.times[known]
    places, after = places[known], instants.after[known]
    inserted = values[places]
    inserted[:, :n] = after
    return np.insert(times, places + 1, times[places]), np.insert(values, places + 1, inserted, axis=0)


def columns(
    assembly: GraphAssembly, names: list[str], save: Sequence[str], times: np.ndarray, values: np.ndarray
) -> dict[str, Column]:
    """Labelled columns of saved nodes, from the unknowns at points of time (points, n)."""
    program = assembly.program
    nodes, n = program.graph.nodes, program.states.size
    kinds = {name: nodes[name]["kind"] for name in names}
    arrays: dict[str, np.ndarray] = {name: values[:, part] for name, part in program.states.slices.items()}
    if any(kind in ("port", "map", "product") for kind in kinds.values()):
        u = assembly.inputs(times, values)
        arrays |= {name: u[:, part] for name, part in program.inputs.slices.items()}
        points = max(1, OUTPUT_VALUES // int(program.code[ap.SIZE]))
        outputs = [program.output(values[k : k + points, :n], u[k : k + points]) for k in range(0, len(times), points)]
        given = np.concatenate(outputs) if outputs else np.empty((0, program.outputs.size))
        arrays |= {name: given[:, part] for name, part in program.outputs.slices.items()}
    elements = {asked for asked in ([save] if isinstance(save, str) else save) if asked not in program.graph}
    made: dict[str, Column] = {}
    for name, kind in kinds.items():
        data = nodes[name]
        found = arrays[_shown(name) if kind in ("map", "product") else name]
        long_name = {"port": "output" if data.get("output") else "input"}.get(kind, kind) + f" {name}"
        labels = addresses(name, found.shape[1])
        is_whole = name in save or not elements.intersection(labels) or "all" in elements
        for k, label in enumerate(labels):
            if is_whole or label in elements:
                made[label] = Column(found[:, k], data.get("unit", ""), long_name)
    return made
