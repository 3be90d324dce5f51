"""An analog network beside its digital equivalent: where they agree, where not, and what each costs.

Both see the same input, held over periods of `sample_period`. The analog side is integrated to a tight tolerance, so
that every difference belongs to the digital side.

A network with hosts over whole sequences (a bidirectional one) is recorded and replayed on both sides: each level runs
over the whole input, the host gets what its source is at the ends of the periods, and what it gives is held like an
input of the next level.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import flow_of
from neurosim.analyses.fixed_points import zeros
from neurosim.analyses.spike_agreement import SpikeAgreement, spike_agreement
from neurosim.digital.event_network import EventNetwork
from neurosim.digital.hosted import HostedNetwork
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.drives import held
from neurosim.graph.events import EventProgram
from neurosim.graph.flatten import flatten
from neurosim.graph.layout import Layout
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.network import MemristiveNetwork
from neurosim.randomness import stream
from neurosim.solve.simulate import simulate

ANALOG_RTOL = 1e-10
HORIZON = 0.1
"""Relative error at which the two are said to have parted."""

_IDENTITY = {"kind": "map", "function": "identity", "bias": None, "gain": 1.0, "argument": None, "unit": ""}
"""What stands for a host in a steady state."""

MOST_STEPS = 10_000
"""Steps in a sample period below which a default dt is halved while the run does not keep finite."""

SAME_POINT = 1e-6
"""Distance, relative to the size of the state, below which two points count as one."""


@dataclass(frozen=True)
class StepError:
    """One digital run: its step, its largest error relative to the range of the states, its horizon, its cost."""

    dt: float
    error: float
    horizon: float
    seconds_per_step: float


@dataclass(frozen=True)
class FixedPoint:
    """A point where the flow vanishes (for a constant input) and what both sides do there.

    Attributes
    ----------
    state : ndarray
    residual : float
        How far one digital step moves the point, relative to the size of the state.
    flow_growth : float
        Largest real part of the eigenvalues of the flow [1/s]; below 0 it is stable.
    step_growth : float
        Largest magnitude of the eigenvalues of the digital step; below 1 it is stable.
    """

    state: np.ndarray
    residual: float
    flow_growth: float
    step_growth: float

    @property
    def agrees(self) -> bool:
        """Whether it is a fixed point of both, with the same stability."""
        return self.residual < SAME_POINT and (self.flow_growth < 0.0) == (self.step_growth < 1.0)


@dataclass(frozen=True)
class Comparison(Drawable):
    """What `compare` finds.

    Attributes
    ----------
    title : str
    rule : str
    dt, duration, sample_period : float
        Seconds.
    times : ndarray, shape (points,)
        Ends of the steps, from 0 on.
    analog, twin : ndarray, shape (points, states)
        States at `times`.
    analog_output, twin_output : ndarray, shape (points, outputs)
    state_names, output_names : tuple of str
    error : ndarray, shape (points,)
        Root mean square difference relative to that of the analog states.
    horizon : float
        First time at which `error` exceeds 0.1 [s], inf if never.
    steps : tuple of StepError
        At falling dt.
    order : float
        Observed, from the two smallest steps; NaN where rounding hides it.
    fixed_points : tuple of FixedPoint
    attractors : dict
        ``same``: share of random starts that end at the same place, or in motion on both sides; ``analog_at_rest`` and
        ``digital_at_rest``: share that comes to rest; a run that grows without bound is in motion. Empty, as the fixed
        points are, for a graph with delays, whose state is a whole past, and for one with clocks or events.
    score : dict of str to float
        Score of the outputs of each side, where targets were given.
    seconds_analog : float
        CPU time of the analog run.
    statements : tuple of str
        What is known of the rule.
    spikes : tuple of SpikeAgreement
        Where the graph has events: how far their ticks agree, for each of `steps`.
    ticks : tuple of mapping of str to array_like
        Where it has events: times [s] of the ticks of each element, analog and digital at dt.
    """

    drawn_by = "comparison:comparison"

    title: str
    rule: str
    dt: float
    duration: float
    sample_period: float
    times: np.ndarray
    analog: np.ndarray
    twin: np.ndarray
    analog_output: np.ndarray
    twin_output: np.ndarray
    state_names: tuple[str, ...]
    output_names: tuple[str, ...]
    error: np.ndarray
    horizon: float
    steps: tuple[StepError, ...]
    order: float
    declared_order: int
    fixed_points: tuple[FixedPoint, ...]
    attractors: dict[str, Any]
    score: dict[str, float]
    seconds_analog: float
    statements: tuple[str, ...] = field(default=())
    spikes: tuple[SpikeAgreement, ...] = field(default=())
    ticks: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def fixed_points_agree(self) -> bool:
        """Whether every fixed point found is one of both, with the same stability."""
        return all(point.agrees for point in self.fixed_points)


def compare(
    graph: SignalGraph | MemristiveNetwork, twin: DigitalNetwork | str = "forward_euler", drive: Any = None, *,
    dt: float | None = None,
    duration: float | None = None, sample_period: float | None = None, initial: Mapping[str, Any] | None = None,
    targets: Any = None, score: Callable[[np.ndarray, np.ndarray], float] | None = None, refinements: int = 4,
    starts: int = 20, seed: int = 0, window: float | None = None,
) -> Comparison:  # fmt: skip
    """Compare a graph as an analog network with its digital equivalent.

    Parameters
    ----------
    graph : SignalGraph or MemristiveNetwork
        Where states of a graph jump at a clock, dt is its period and is not halved. A memristive network has its own
        sources, and all are read at the ticks: of the arguments below it takes the name of a rule, `dt` (default a
        fiftieth of the time in which the fastest state would cross its range), `duration` (default 500 steps),
        `refinements`, `starts` and `seed`.
    twin : DigitalNetwork or str
        The equivalent, or the name of a rule.
    drive : array_like, shape (samples, inputs), optional
        Held inputs. Default: smooth random inputs of unit size.
    dt : float, optional
        Step of the twin [s]; default a tenth of the smallest time constant, halved until the run keeps finite. It must
        divide `sample_period`.
    duration : float, optional
        Seconds; default 20 times the largest time constant, or as long as `drive`.
    sample_period : float, optional
        For how long each input is held [s]; default the largest multiple of dt below the smallest time constant.
    initial : mapping of str to array_like, optional
        States at the start.
    targets : array_like, shape (samples, outputs), optional
        Wanted outputs at the ends of the periods.
    score : callable, optional
        ``score(outputs, targets)``; default the normalised mean squared error.
    refinements : int
        How often dt is halved.
    starts : int
        Random starts for fixed points and attractors.
    seed : int
    window : float, optional
        Of a graph with events: two ticks within it are one [s]; default twice dt.

    Raises
    ------
    ParameterError
        Steps and periods do not fit; or an output of a graph with delays sees the past directly.
    SimulationError
        The digital run does not keep finite.
    """
    if isinstance(graph, MemristiveNetwork):
        from neurosim.analyses.network_comparison import compare_network

        given = {"drive": drive, "sample_period": sample_period, "initial": initial, "targets": targets, "score": score,
                 "window": window}  # fmt: skip
        if wrong := next((name for name, value in given.items() if value is not None), None):
            raise ParameterError(f"compare() of a memristive network has no setting '{wrong}': it has its own sources")
        return compare_network(graph, twin, dt, duration, refinements, starts, seed)
    network, steady = _networks(graph, twin, dt)
    is_free = dt is None and isinstance(twin, str)
    program, dt = network.program, network.dt
    clocked = bool(steady.program.is_clocked.any())
    delayed = bool(steady.program.delays)
    if delayed:
        program = steady.program
        graph = _starting_at(graph, program, initial or {})
        network = digital(graph, network.rule, dt)
    lags = np.where(program.is_clocked, dt, program.time_constant)
    slowest = float(lags.max())
    period = sample_period or dt * max(1, int(np.floor(float(lags.min()) / dt + 1e-9)))
    ratio = round(period / dt)
    if ratio < 1 or abs(ratio * dt - period) > 1e-9 * period:
        raise ParameterError(f"sample_period = {period:g} s must be a multiple of dt = {dt:g} s")
    if drive is None:
        samples = max(2, round((duration or 20.0 * slowest) / period))
        drive = _smooth_noise(samples, network.program.inputs.size, seed)
    if isinstance(drive, Mapping):
        raise ParameterError("compare(): drive takes held samples, an array of shape (samples, inputs)")
    inputs = np.asarray(drive, dtype=float).reshape(len(drive), -1)
    if inputs.shape[1] != network.program.inputs.size:
        raise ParameterError(f"drive needs shape (samples, {network.program.inputs.size}), not {np.shape(drive)}")
    y0 = program.states.pack(initial or {}, program.initial, "state")
    if delayed:

        def run(given: np.ndarray, per_period: int, halvings: int | None) -> _Run:
            return _delayed_run(graph, program, network, given, period, y0, per_period, halvings)

    else:

        def run(given: np.ndarray, per_period: int, halvings: int | None) -> _Run:
            ticks: dict[str, Any] = {}
            side = _analog(period, per_period, ticks)
            if halvings is not None:
                fine = 2**halvings
                side = _digital(network, period / (per_period * fine), per_period * fine, fine, ticks)
            return replace(_run(network, given, y0, per_period, side), ticks=ticks)

    if is_free and not (delayed or clocked):
        while dt > period / MOST_STEPS and not _keeps_finite(run, inputs, ratio, 0):
            dt, ratio = 0.5 * dt, 2 * ratio
            network, steady = replace(network, dt=dt), replace(steady, dt=dt)
    if clocked:
        refinements = 0
    points = ratio * len(inputs) + 1
    times = dt * np.arange(points)
    # A first short run of both, so that compiling and loading code is no part of the cost.
    run(inputs[:1], ratio, None)
    run(inputs[:1], ratio, 0)
    real = run(inputs, ratio, None)
    analog = real.states
    runs = [run(inputs, ratio, halvings) for halvings in range(refinements + 1)]
    scale = np.sqrt((analog**2).mean()) or 1.0
    span = np.ptp(analog, axis=0).max() or 1.0
    errors = [np.sqrt(((run.states - analog) ** 2).mean(axis=1)) / scale for run in runs]
    steps = tuple(
        StepError(
            dt / 2**k, float(np.abs(run.states - analog).max() / span), horizon_of(times, errors[k]),
            run.seconds / ((points - 1) * 2**k),
        )
        for k, run in enumerate(runs)
    )  # fmt: skip
    order = order_of(steps)
    spikes = ()
    if isinstance(program, EventProgram) and not delayed:
        width = 2.0 * dt if window is None else window
        spikes = tuple(spike_agreement(real.ticks, run.ticks, width, dt=dt / 2**k) for k, run in enumerate(runs))
    outputs = [real.outputs, runs[0].outputs]
    constant = np.zeros(program.inputs.size)
    has_rest = not (delayed or clocked or isinstance(steady.program, EventProgram))
    found = _fixed_points(steady, constant, starts, seed) if has_rest else ()
    scores = {}
    if targets is not None:
        judge = score or _normalised_error
        wanted = np.asarray(targets, dtype=float).reshape(len(inputs), -1)
        ends = [values[ratio::ratio] for values in outputs]
        scores = {side: float(judge(values, wanted)) for side, values in zip(("analog", "digital"), ends, strict=True)}
    rule = network.rule
    return Comparison(
        title=graph.title, rule=rule.name, dt=dt, duration=float(times[-1]), sample_period=period, times=times,
        analog=analog, twin=runs[0].states, analog_output=outputs[0], twin_output=outputs[1],
        state_names=_names(program.states.shapes), output_names=_names(program.outputs.shapes), error=errors[0],
        horizon=steps[0].horizon, steps=steps, order=order, declared_order=rule.order, fixed_points=found,
        attractors=_attractors(steady, constant, starts, seed) if has_rest else {}, score=scores,
        seconds_analog=real.seconds,
        statements=(
            f"leak: {rule.leak}", f"fixed points: {rule.fixed_points}", f"stability: {rule.stability}",
        ), spikes=spikes, ticks=(real.ticks, runs[0].ticks) if spikes else (),
    )  # fmt: skip


def _networks(
    graph: SignalGraph, twin: DigitalNetwork | str, dt: float | None
) -> tuple[DigitalNetwork, DigitalNetwork]:  # fmt: skip
    """The digital network, and the one whose fixed points are the steady states: its hosts hand on what they get."""
    resting = flatten(graph)
    for name in resting.of_kind("host"):
        data = resting.nodes[name]
        same = np.ones((3, 1, resting.size_of(name)))
        if data["over"] != "sequence":
            raise ParameterError(f"host '{name}' is a procedure of single steps: it has no analog side to compare")
        if not np.array_equal(data["function"](same), same):
            raise ParameterError(f"host '{name}' changes sequences that are constant: there are no steady states")
        kept = {"shape": data["shape"]}
        data.clear()
        data.update(_IDENTITY, **kept)
    program = compile_graph(resting)
    if program.states.size == 0:
        raise ParameterError(f"graph '{graph.title}' has no state: nothing moves")
    if isinstance(twin, str):
        # where states jump at a clock, its period is the step
        tenth = None if program.is_clocked.any() else 0.1 * float(program.time_constant.min())
        network = digital(graph, twin, dt or tenth)
        return network, DigitalNetwork(program, network.rule, network.dt)
    if not program.states.slices.items() <= twin.program.states.slices.items():
        raise ParameterError("the digital network has other states than the graph")
    parameters = twin.program.p[: twin.program.parameters.size]
    return twin, DigitalNetwork(program, twin.rule, twin.dt).with_parameters(parameters)


def _starting_at(graph: SignalGraph, program: Program, initial: Mapping[str, Any]) -> SignalGraph:
    """A graph with delays whose past is these values."""
    y0, made = program.states.pack(initial, program.initial, "state"), flatten(graph).copy()
    for name, part in program.states.slices.items():
        made.nodes[name]["initial"] = y0[part]
    memoryless = nx.DiGraph(program.graph.edges())
    memoryless.remove_nodes_from(program.states.slices)
    for delay in program.delays:
        seen = nx.descendants(memoryless, delay.port) if delay.port in memoryless else set()
        for name in program.outputs.slices:
            if name in seen:
                raise ParameterError(f"output '{name}' sees the past directly: compare the states, without this output")
    return made


def _smooth_noise(samples: int, size: int, seed: int) -> np.ndarray:
    """Gaussian samples of unit variance with a correlation of about five samples."""
    draw = stream(seed, "compare", "drive").normal(size=(samples + 20, size))
    kept = np.exp(-0.2)
    for k in range(1, len(draw)):
        draw[k] = kept * draw[k - 1] + np.sqrt(1.0 - kept**2) * draw[k]
    return draw[20:]


def _names(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    return tuple(
        name if np.prod(shape) == 1 else f"{name}[{i}]" for name, shape in shapes.items() for i in range(np.prod(shape))
    )


@dataclass(frozen=True)
class _Run:
    """States and outputs at the ends of the steps, from the start on, the CPU time [s], and the ticks of events."""

    states: np.ndarray
    outputs: np.ndarray
    seconds: float
    ticks: dict[str, Any] = field(default_factory=dict)


def _delayed_run(
    graph: SignalGraph, program: Program, network: DigitalNetwork, inputs: np.ndarray, period: float, y0: np.ndarray,
    ratio: int, halvings: int | None,
) -> _Run:  # fmt: skip
    """A run of a graph with delays: the flow, or its digital network with dt halved so often."""
    clock = time.process_time()
    if halvings is None:
        states = _simulated(graph, program.states, network.program.inputs, inputs, period, y0, ratio)
    else:
        fine = 2**halvings
        twin = digital(graph, network.rule, network.dt / fine)
        # Behind the states are those that stand for delays.
        start = np.concatenate([y0, twin.program.initial[y0.size :]])
        run = twin.sequence(np.repeat(inputs, ratio * fine, axis=0)[:, None, :], start)
        states = np.vstack([y0, run.states[fine - 1 :: fine, 0, : y0.size]])
    seconds = time.process_time() - clock
    last = np.vstack([inputs[:1], np.repeat(inputs, ratio, axis=0)])
    # The inputs that stand for the past come last; no output sees them.
    last = np.pad(last, ((0, 0), (0, program.inputs.size - last.shape[1])))
    return _Run(states, program.output(states, last), seconds)


_Side = Callable[[Program, np.ndarray, np.ndarray], np.ndarray]
"""``side(program, inputs, y0)`` gives the states at `ratio` points of each sample period, from the start on."""


def _run(network: DigitalNetwork, inputs: np.ndarray, y0: np.ndarray, ratio: int, side: _Side) -> _Run:
    """One side over the whole input, level by level where there are hosts."""
    whole = network.program
    levels = network.levels if isinstance(network, HostedNetwork) else (whole,)
    signals = {name: inputs[:, part] for name, part in whole.inputs.slices.items()}
    states = np.empty((ratio * len(inputs) + 1, whole.states.size))
    outputs, clock = np.empty(0), time.process_time()
    for level in levels:
        arrays = [signals[name] for name in level.inputs.slices]
        given = np.concatenate(arrays, axis=1) if arrays else np.empty((len(inputs), 0))
        columns = [k for name in level.states.slices for k in range(*whole.states.slices[name].indices(len(y0)))]
        found = side(level, given, y0[columns])
        states[:, columns] = found
        outputs = level.output(found, np.vstack([given[:1], np.repeat(given, ratio, axis=0)]))
        if isinstance(network, HostedNetwork) and level is not levels[-1]:
            for name, part in level.outputs.slices.items():
                signals[name] = network.apply(name, outputs[ratio::ratio, None, part])[:, 0]
    return _Run(states, outputs, time.process_time() - clock)


def _analog(period: float, ratio: int, ticks: dict[str, Any]) -> _Side:
    """The flow, by the engine; times of ticks go into `ticks`."""

    def side(program: Program, inputs: np.ndarray, y0: np.ndarray) -> np.ndarray:
        if y0.size == 0:
            return np.empty((ratio * len(inputs) + 1, 0))
        return _simulated(program.graph, program.states, program.inputs, inputs, period, y0, ratio, ticks)

    return side


def _simulated(
    graph: SignalGraph, states: Layout, ports: Layout, inputs: np.ndarray, period: float, y0: np.ndarray, ratio: int,
    ticks: dict[str, Any] | None = None,
) -> np.ndarray:  # fmt: skip
    """States at `ratio` points in each sample period, from the start on, by the engine."""
    step = period / ratio
    times = step * np.arange(ratio * len(inputs) + 1)
    drives = {name: held(inputs[:, part], period) for name, part in ports.slices.items()}
    result = simulate(
        graph, (0.0, period * len(inputs)), drive=drives, initial=states.unpack(y0), rtol=ANALOG_RTOL, print_step=step
    )
    if ticks is not None:
        ticks.update(result.attrs.get("events", {}))
    # the last point of an instant: after what jumps there
    places = np.searchsorted(result.axis, times + 1e-9 * step, side="right") - 1
    if np.abs(result.axis[places] - times).max() > 1e-6 * step:
        raise SimulationError(f"the analog run of '{graph.title}' did not save the ends of the steps")
    return np.stack([result[name][places] for name in _names(states.shapes)], axis=1)


def _digital(network: DigitalNetwork, dt: float, repeats: int, stride: int, ticks: dict[str, Any]) -> _Side:
    """Every stride-th state, each input being used for `repeats` steps; times of ticks go into `ticks`."""

    def side(program: Program, inputs: np.ndarray, y0: np.ndarray) -> np.ndarray:
        repeated = np.repeat(inputs, repeats, axis=0)[:, None, :]
        if isinstance(program, EventProgram):
            run = EventNetwork(program, network.rule, dt).sequence(repeated, y0)
            ticks.update(run.times_of_ticks(dt))
        else:
            run = DigitalNetwork(program, network.rule, dt).sequence(repeated, y0)
        return np.vstack([y0, run.states[stride - 1 :: stride, 0]])

    return side


def horizon_of(times: np.ndarray, error: np.ndarray) -> float:
    """First of `times` at which `error` exceeds `HORIZON`; inf if it never does."""
    apart = np.flatnonzero(error > HORIZON)
    return float(times[apart[0]]) if apart.size else np.inf


def order_of(steps: Sequence[StepError]) -> float:
    """Observed order, from the two smallest steps whose errors stand out of rounding; NaN if none do."""
    for coarse, fine in zip(reversed(steps[:-1]), reversed(steps[1:])):
        if fine.error > 1e-8 and coarse.error > fine.error:
            return float(np.log2(coarse.error / fine.error))
    return np.nan


def _normalised_error(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(((outputs - targets) ** 2).mean() / (targets.var() or 1.0))


def _random_states(program: Program, starts: int, seed: int, name: str) -> np.ndarray:
    return stream(seed, "compare", name).normal(size=(starts, program.states.size))


def _fixed_points(network: DigitalNetwork, u: np.ndarray, starts: int, seed: int) -> tuple[FixedPoint, ...]:
    """Zeros of the flow with inputs u, from random states."""
    begin = _random_states(network.program, starts, seed, "fixed points")
    return tuple(_judge(network, y, u) for y in zeros(flow_of(network.program, u), begin, tolerance=1e-13))


def _judge(network: DigitalNetwork, y: np.ndarray, u: np.ndarray) -> FixedPoint:
    program, n = network.program, y.size
    flow = (program.jacobian(y, u)[0] - np.diag(program.leak)) / program.time_constant[:, None]
    scale = 1.0 + np.abs(y).max()
    e = 1e-6 * scale
    around = np.vstack([y, y + e * np.eye(n), y - e * np.eye(n)])
    stepped = network.sequence(np.broadcast_to(u, (1, 2 * n + 1, u.size)), around, record=False).final
    step = (stepped[1 : n + 1] - stepped[n + 1 :]).T / (2.0 * e)
    return FixedPoint(
        y, float(np.abs(stepped[0] - y).max() / scale), float(np.linalg.eigvals(flow).real.max()),
        float(np.abs(np.linalg.eigvals(step)).max()),
    )  # fmt: skip


def _attractors(network: DigitalNetwork, u: np.ndarray, starts: int, seed: int) -> dict[str, Any]:
    """Where random starts end: at rest or not, and whether both sides end at the same place."""
    program = network.program
    slowest = float(program.time_constant.max())
    fine = min(network.dt, 0.02 * float(program.time_constant.min()))
    # The analog side for many starts at once: second-order steps that are fine beside every time constant.
    y0 = _random_states(program, starts, seed, "attractors")
    ends: dict[str, np.ndarray] = {}
    moving: dict[str, np.ndarray] = {}
    for side, net in (
        ("analog", DigitalNetwork(program, _heun(), fine)), ("digital", network),
    ):  # fmt: skip
        ends[side], moving[side] = _ends(net, u, y0, int(np.ceil(60.0 * slowest / net.dt)))
    same = ~(moving["analog"] | moving["digital"])
    analog, twin = (ends[side][same] for side in ("analog", "digital"))
    same[same] = np.abs(analog - twin).max(axis=1) < 1e-3 * (1.0 + np.abs(analog).max(initial=0.0))
    both_move = moving["analog"] & moving["digital"]
    return {
        "starts": starts,
        "same": float((same | both_move).mean()),
        "analog_at_rest": float((~moving["analog"]).mean()),
        "digital_at_rest": float((~moving["digital"]).mean()),
    }


def _ends(network: DigitalNetwork, u: np.ndarray, y0: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Where runs end after so many steps and a tenth, and which still move; what grows without bound does, at inf."""
    tail, starts = max(2, steps // 10), len(y0)
    try:
        first = network.sequence(np.broadcast_to(u, (steps, starts, u.size)), y0, record=False).final
        run = network.sequence(np.broadcast_to(u, (tail, starts, u.size)), first)
    except SimulationError:
        if starts == 1:
            return np.full(y0.shape, np.inf), np.array([True])
        parts = [_ends(network, u, start, steps) for start in np.split(y0, starts)]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    return run.final, np.ptp(run.states, axis=0).max(axis=1) > 1e-4 * (1.0 + np.abs(run.final).max())


def _keeps_finite(run: Callable[..., Any], *arguments: Any) -> bool:
    try:
        run(*arguments)
    except SimulationError:
        return False
    return True


def _heun() -> Any:
    """Heun's method as coefficients; only used here, where one tight reference for many starts is needed."""
    from neurosim.devices.device import Reference
    from neurosim.digital.rule import Rule

    def coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
        a = dt / tau
        return [[1.0 - a * leak, a], [1.0 - a * leak + 0.5 * (a * leak) ** 2, 0.5 * a * (1.0 - a * leak), 0.5 * a]]

    return Rule("heun", "", "", "", 2, "", "", Reference("Heun, Z. Math. Phys. 45, 23 (1900)"), coefficients)
