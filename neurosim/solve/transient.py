"""Transient analysis of a circuit: start, integration in chunks of compiled steps, and what to say when it stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import TransientAnalysis
from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import run as state
from neurosim.kernels.abi import ANALYSIS, LIMITING, RTOL, SEED, TIME, TRANSIENT
from neurosim.kernels.builder import System
from neurosim.kernels.newton import CONVERGED
from neurosim.kernels.run import Run
from neurosim.kernels.sparse_lu import run_refactor, run_solve
from neurosim.kernels.system import compute_flow
from neurosim.solve.checkpoint import Keeper
from neurosim.solve.crossings import Watch
from neurosim.solve.factors import Factors
from neurosim.solve.integrate import REASONS, Limits, integrate
from neurosim.solve.methods import methods
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import KEEP, new_run
from neurosim.solve.operating_point import AlgebraicSolver, absolute_tolerances, operating_point
from neurosim.solve.outputs import Outputs

LEAST_STEPS = 50
"""No step is longer than this part of the span, so that nothing of the shape of the answer is stepped over."""

LOOSE = 1e-4
"""Relative tolerance from which fewer stages are worth more than a higher order."""

RESOLUTION = 1e-15
"""Shortest step, as a part of the span."""

BUFFER_VALUES = 4_000_000
"""Most numbers kept in one output buffer between two calls of the compiled loop."""


@dataclass
class TransientSettings:
    """How a transient analysis is run.

    Parameters
    ----------
    method : str
        Registry name of an integration method, or ``"auto"``: Rodas5P (Rodas4P2 at loose tolerances), or BDF2 where
        the equations have index 2.
    rtol : float
        Relative tolerance, default 1e-5; relative to the largest value that an unknown has had.
    step_limit : int
        Most accepted steps, default 10 million.
    wall_time_limit : float
        Seconds, default unlimited.
    save_steps : bool
        Whether accepted steps are saved beside the multiples of the print step.
    seed : int
        Of stochastic devices, beside their own; default 0.
    fixed_step : float, optional
        Seconds: take steps of this size without error control.
    progress : callable, optional
        ``progress(t, t_stop)``, called a few times a second.
    memory_limit : float
        Bytes of recorded points, default unlimited.
    initial : mapping of str to float
        Unknowns by address that start elsewhere than the operating point (or ``uic``) says.
    keeper : Keeper, optional
        Saves checkpoints, or goes on from one.
    watch : Watch, optional
        Crossings to look for; attached to the system already.
    """

    method: str = "auto"
    rtol: float = 1e-5
    step_limit: int = 10_000_000
    wall_time_limit: float = float("inf")
    save_steps: bool = True
    seed: int = 0
    fixed_step: float | None = None
    progress: Callable[[float, float], None] | None = None
    memory_limit: float = float("inf")
    initial: Mapping[str, float] = field(default_factory=dict)
    keeper: Keeper | None = None
    watch: Watch | None = None


@dataclass
class Trajectory:
    """Recorded probes of one transient analysis."""

    times: np.ndarray
    values: np.ndarray
    slopes: np.ndarray | None
    memories: np.ndarray | None
    statistics: dict[str, Any]
    failure: SimulationError | None = None
    notes: list[str] = field(default_factory=list)


def index_two_unknowns(factors: Factors, y: np.ndarray, span: float) -> np.ndarray:
    """Unknowns that answer to a derivative of a source: currents in loops of capacitors and voltage sources, voltages
    across cutsets of inductors and current sources.

    They grow with beta in ``(beta M - J) x = b``; all others stay bounded.
    """
    system = factors.system
    sizes = []
    b = np.random.default_rng(0).standard_normal(system.size)
    lu = factors.at(y, 1e12 / span)
    for beta in (1e12 / span, 1e14 / span):
        if run_refactor(lu, factors.matrix(y, beta)) != 0:
            lu = Factors(system).at(y, beta)
        x = b.copy()
        run_solve(lu, x)
        sizes.append(np.abs(x))
    return np.flatnonzero((sizes[1] > 20.0 * sizes[0]) & (sizes[1] > 1e-11 * sizes[1].max()))


def consistent_start(assembly: Assembly, analysis: TransientAnalysis, span: float) -> np.ndarray:
    """Consistent y at the start, shape (n + 1,)."""
    if not analysis.use_initial_conditions:
        return operating_point(assembly, transient=True)
    system = assembly.system
    context = system.context
    context[ANALYSIS], context[TIME] = TRANSIENT, 0.0
    y = np.append(assembly.start, 0.0)
    for device, columns, batch in zip(assembly.devices, assembly.columns, system.batches, strict=True):
        for c, given in (device.initial_inputs(columns) if device.initial_inputs else {}).items():
            plus, minus = batch.inputs[:, c, 0], batch.inputs[:, c, 1]
            known = ~np.isnan(np.broadcast_to(given, plus.shape))
            y[plus[known & (minus < 0)]] = np.broadcast_to(given, plus.shape)[known & (minus < 0)]
            y[minus[known & (plus < 0)]] = -np.broadcast_to(given, plus.shape)[known & (plus < 0)]
    y[-1] = 0.0
    # A charge starts at what its voltage asks for: its equation is 0 = q - Q(v), that of a primitive 0 = F(v) - q.
    f = np.zeros(system.size + 1)
    compute_flow(system.arrays, context, y, f)
    kinds = system.unknowns.kinds
    asked = np.isfinite(f[:-1]) & ~np.isin(np.arange(system.size), list(assembly.given))
    y[:-1][asked & (kinds == "charge")] -= f[:-1][asked & (kinds == "charge")]
    y[:-1][asked & (kinds == "primitive")] += f[:-1][asked & (kinds == "primitive")]
    assembly.start[:] = y[:-1]
    solver = AlgebraicSolver(assembly, {}, beta=KEEP / span)
    status = solver.solve(y, assembly.initial_charges())
    if status != CONVERGED:
        name = system.names[solver.worst]
        raise SimulationError(
            f"no consistent start was found under 'uic': the worst unknown is '{name}'; check the initial conditions "
            "of the parts at it, or drop 'uic'"
        )
    return y


def _explicit_refusal(system: System, method: Method) -> None:
    if method.is_for_graphs:
        raise ParameterError(f"method '{method.name}' is for graphs, whose noise or energy it knows; use 'auto'")
    mass = system.mass_matrix.toarray() if system.size <= 2000 else None
    if mass is None or not np.array_equal(mass, np.eye(system.size)):
        raise ParameterError(
            f"method '{method.name}' needs an ordinary differential equation, but this circuit has algebraic equations "
            "(nets without a capacitor, branch currents); use 'rodas5p', 'bdf', 'bdf2' or 'trapezoid'"
        )


def print_grid(analysis: TransientAnalysis) -> np.ndarray:
    """Multiples of the print step, and the end."""
    steps = int(np.floor((analysis.stop - analysis.start) / analysis.step * (1 + 1e-9)))
    grid = analysis.start + analysis.step * np.arange(steps + 1)
    grid = np.minimum(grid[grid <= analysis.stop * (1 + 1e-12)], analysis.stop)
    return grid if grid[-1] >= analysis.stop else np.append(grid, analysis.stop)


@dataclass
class Prepared:
    """A transient analysis that is ready to run: seconds that its start took, and remarks."""

    run: Run
    method: Method
    polish_factors: Factors
    notes: list[str]
    seconds: float


def prepare(assembly: Assembly, analysis: TransientAnalysis, outputs: Outputs, settings: TransientSettings) -> Prepared:
    """Find the start, choose the method and lay out the run.

    Raises
    ------
    SimulationError
        When no consistent start exists.
    ParameterError
        For a method that cannot solve these equations.
    """
    system = assembly.system
    system.context[LIMITING] = 0.0
    system.context[SEED], system.context[RTOL] = settings.seed, settings.rtol
    span = analysis.stop
    clock = time.perf_counter()
    y = consistent_start(assembly, analysis, span)
    for address, value in settings.initial.items():
        y[assembly.unknown(address)] = value
    system.context[ANALYSIS], system.context[TIME] = TRANSIENT, 0.0
    started = time.perf_counter() - clock
    notes: list[str] = []
    polish_factors = Factors(system)
    index_two = index_two_unknowns(polish_factors, y, span)
    name = settings.method
    if name == "auto":
        loose = "rodas4p2" if settings.rtol >= LOOSE else "rodas5p"
        name = "bdf2" if index_two.size else loose
        if index_two.size:
            shown = ", ".join(system.names[int(i)] for i in index_two[:4])
            notes.append(f"index 2 ({shown} follow the slope of a source): integrated by BDF2")
    method = methods.get(name)
    if not method.takes_mass:
        _explicit_refusal(system, method)
    elif index_two.size and method.kind != state.BDF2:
        shown = ", ".join(system.names[int(i)] for i in index_two[:4])
        raise ParameterError(
            f"method '{method.name}' loses its order on equations of index 2 ({shown}); use 'bdf2' or 'auto', or put a "
            "small resistor into the loop of capacitors and voltage sources"
        )
    if not method.adaptive and settings.fixed_step is None:
        raise ParameterError(f"method '{method.name}' has no error control: give a fixed step, or use 'auto'")
    if method.varies_order and settings.fixed_step is not None:
        raise ParameterError(f"method '{method.name}' chooses its order with its step: take 'bdf2' for a fixed step")
    h_max = min((analysis.stop - analysis.start) / LEAST_STEPS, analysis.max_step or np.inf, system.largest_step)
    h = settings.fixed_step or min(h_max, analysis.step, span * 1e-3) * 1e-2
    grid = print_grid(analysis)
    probes = outputs.probes
    width = max(1, probes.size + (system.arrays.memory.size if outputs.needs_flows else 0))
    capacity = int(np.clip(BUFFER_VALUES // width, 64, 20_000))
    run = new_run(
        system, method, y, t0=0.0, t_stop=analysis.stop, rtol=settings.rtol,
        atol=absolute_tolerances(assembly, settings.rtol), probes=probes, watched=_watched(outputs, system),
        grid=grid, breakpoints=system.breakpoints(0.0, analysis.stop), capacity=capacity,
        with_slopes=outputs.needs_flows, h=h, h_max=h_max,
    )  # fmt: skip
    run.largest[system.unknowns.kinds == "charge"] = -1.0
    # A slope is as good as what it is taken from, whose error decides; shorter steps only make it noisier. Saved points
    # get it from the polish.
    run.atol[index_two] = np.inf
    run.real[state.H_MIN] = RESOLUTION * span
    count = run.count
    count[state.INDEX_TWO] = int(index_two.size > 0)
    count[state.EVENTFUL] |= settings.watch is not None
    count[state.STEP_LIMIT] = settings.step_limit
    count[state.FIXED_STEP] = int(settings.fixed_step is not None)
    # Interpolated voltages and states are as good as the steps; currents must add up at every saved point.
    kinds = set(system.unknowns.kinds[probes].tolist())
    follows = bool(np.isin(probes, index_two).any())
    count[state.POLISH] = int(outputs.needs_flows or follows or not kinds <= {"voltage", "state"})
    count[state.SAVE_STEPS] = int(settings.save_steps and analysis.start == 0.0)
    return Prepared(run, method, polish_factors, notes, started)


def transient(
    assembly: Assembly, analysis: TransientAnalysis, outputs: Outputs, settings: TransientSettings
) -> Trajectory:
    """Run one ``.tran``.

    Returns
    -------
    Trajectory
        With `failure` set when it stopped early; what was recorded until then is kept.

    Raises
    ------
    SimulationError, ParameterError
        See `prepare`.
    """
    system, ready = assembly.system, prepare(assembly, analysis, outputs, settings)
    run, polish_factors, keeper = ready.run, ready.polish_factors, settings.keeper
    if keeper is not None:
        keeper.header |= {"analysis": asdict(replace(analysis, location=None))}
    factors = polish_factors.fork_at(run.y, 1.0 / run.real[state.H])
    limits = Limits(settings.wall_time_limit, settings.memory_limit, settings.progress)
    recorded = integrate(
        system, run, ready.method, limits, lambda why: _stopped(system, run, ready.method, why),
        factors=factors, polish_factors=polish_factors, keeper=keeper,
        halted=None if settings.watch is None else settings.watch.halted,
    )  # fmt: skip
    recorded.statistics["seconds_start"] = round(ready.seconds, 6)
    return Trajectory(
        recorded.times, recorded.values, recorded.slopes if outputs.needs_flows else None,
        recorded.memories if outputs.needs_flows else None, recorded.statistics, recorded.failure, ready.notes,
    )  # fmt: skip


def _watched(outputs: Outputs, system: System) -> np.ndarray:
    """Unknowns whose error is kept below the tolerance one by one: those that the user will see."""
    index = outputs.assembly.index
    return np.array(sorted({index[a] for a in outputs.addresses if a in index} or range(system.size)), np.int64)


def _stopped(system: System, run: Run, method: Method, why: str) -> SimulationError:
    """Say when, where and why an integration stopped, and what to try."""
    real, count = run.real, run.count
    t, stop = float(real[state.T]), float(real[state.T_STOP])
    worst = int(count[state.WORST])
    if why in (REASONS[state.NOT_FINITE], REASONS[state.SINGULAR]):
        worst = int(count[state.STATUS_INDEX])
    unknown = system.unknowns[worst]
    is_bounded = np.isfinite([unknown.lower, unknown.upper]).any()
    bounds = f" (bounds {unknown.lower:g}..{unknown.upper:g})" if is_bounded else ""
    advice = {
        REASONS[state.STEP_TOO_SMALL]: "smooth discontinuities in the expressions near it, or loosen rtol",
        REASONS[state.NOT_FINITE]: "look for a division by zero or an overflow in the expressions near it",
        REASONS[state.SINGULAR]: "look for a net that loses its connection or a loop of sources",
        REASONS[state.CHATTERING]: "look for an expression that contradicts the condition it depends on, give the "
        "condition a hysteresis, or put a capacitor between them",
        REASONS[state.TOO_MANY_STEPS]: "raise the limit of steps, loosen rtol, or shorten the analysis",
    }.get(why, "raise the limit or shorten the analysis")
    return SimulationError(
        f"simulation stopped at t = {t:.6g} s ({100 * t / stop:.0f} % of {stop:g} s), method {method.name}, "
        f"step {real[state.H]:.3g} s: {why}\n"
        f"      worst unknown: {unknown.name} = {run.y[worst]:.6g} {unknown.unit}{bounds}, "
        f"error {real[state.ERROR]:.3g} of the tolerance\n"
        f"      {advice}"
    )
