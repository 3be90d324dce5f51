"""Transient analysis of a circuit: start, integration in chunks of compiled steps, and what to say when it stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import TransientAnalysis
from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import run as state
from neurosim.kernels.abi import ANALYSIS, LIMITING, SEED, TIME, TRANSIENT
from neurosim.kernels.builder import System
from neurosim.kernels.newton import CONVERGED
from neurosim.kernels.run import Run
from neurosim.kernels.sparse_lu import run_refactor, run_solve
from neurosim.kernels.system import compute_flow
from neurosim.kernels.time_loop import advance
from neurosim.solve.factors import Factors
from neurosim.solve.methods import methods
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import KEEP, new_run
from neurosim.solve.operating_point import AlgebraicSolver, absolute_tolerances, operating_point
from neurosim.solve.outputs import Outputs

LEAST_STEPS = 50
"""No step is longer than this part of the span, so that nothing of the shape of the answer is stepped over."""

BUFFER_VALUES = 4_000_000
"""Most numbers kept in one output buffer between two calls of the compiled loop."""


@dataclass
class TransientSettings:
    """How a transient analysis is run.

    Parameters
    ----------
    method : str
        Registry name of an integration method, or ``"auto"``: Rodas5P, or BDF2 where the equations have index 2.
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
    """

    method: str = "auto"
    rtol: float = 1e-5
    step_limit: int = 10_000_000
    wall_time_limit: float = float("inf")
    save_steps: bool = True
    seed: int = 0
    fixed_step: float | None = None
    progress: Callable[[float, float], None] | None = None


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


def _start(assembly: Assembly, analysis: TransientAnalysis, span: float) -> np.ndarray:
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
    mass = system.mass_matrix.toarray() if system.size <= 2000 else None
    if mass is None or not np.array_equal(mass, np.eye(system.size)):
        raise ParameterError(
            f"method '{method.name}' needs an ordinary differential equation, but this circuit has algebraic equations "
            "(nets without a capacitor, branch currents); use 'rodas5p', 'bdf', 'bdf2' or 'trapezoid'"
        )


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
    SimulationError
        When no consistent start exists.
    ParameterError
        For a method that cannot solve these equations.
    """
    system = assembly.system
    system.context[LIMITING] = 0.0
    system.context[SEED] = settings.seed
    span = analysis.stop
    clock = time.perf_counter()
    y = _start(assembly, analysis, span)
    system.context[ANALYSIS], system.context[TIME] = TRANSIENT, 0.0
    started = time.perf_counter() - clock
    notes: list[str] = []
    polish_factors = Factors(system)
    index_two = index_two_unknowns(polish_factors, y, span)
    name = settings.method
    if name == "auto":
        name = "bdf2" if index_two.size else "rodas5p"
        if index_two.size:
            shown = ", ".join(system.names[i] for i in index_two[:4])
            notes.append(f"index 2 ({shown} follow the slope of a source): integrated by BDF2")
    method = methods.get(name)
    if not method.takes_mass:
        _explicit_refusal(system, method)
    elif index_two.size and method.kind != state.BDF2:
        shown = ", ".join(system.names[i] for i in index_two[:4])
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
    steps = int(np.floor((analysis.stop - analysis.start) / analysis.step * (1 + 1e-9)))
    grid = analysis.start + analysis.step * np.arange(steps + 1)
    grid = np.minimum(grid[grid <= analysis.stop * (1 + 1e-12)], analysis.stop)
    if grid[-1] < analysis.stop:
        grid = np.append(grid, analysis.stop)
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
    count = run.count
    count[state.INDEX_TWO] = int(index_two.size > 0)
    count[state.STEP_LIMIT] = settings.step_limit
    count[state.FIXED_STEP] = int(settings.fixed_step is not None)
    # Interpolated voltages and states are as good as the steps; currents must add up at every saved point.
    kinds = set(system.unknowns.kinds[probes].tolist())
    follows = bool(np.isin(probes, index_two).any())
    count[state.POLISH] = int(outputs.needs_flows or follows or not kinds <= {"voltage", "state"})
    count[state.SAVE_STEPS] = int(settings.save_steps and analysis.start == 0.0)
    factors = polish_factors.fork()
    parts: list[tuple[np.ndarray, ...]] = []
    budget, failure = 20, None
    clock, cpu_clock = time.perf_counter(), time.process_time()
    while True:
        t = run.real[state.T]
        system.context[TIME] = t
        alpha = 1.0 / run.real[state.H] if run.real[state.H] > 0 else 1.0 / h
        lu = factors.at(run.y, alpha)
        lu_polish = polish_factors.at(run.y, run.real[state.BETA])
        count[state.BUDGET] = budget
        before = time.perf_counter()
        status = advance(system.arrays, lu, lu_polish, run, system.context)
        elapsed = time.perf_counter() - before
        saved = int(count[state.SAVED])
        if saved:
            parts.append(tuple(a[:saved].copy() for a in (run.out_t, run.out_y, run.out_slope, run.out_memory)))
            count[state.SAVED] = 0
        if settings.progress is not None:
            settings.progress(float(run.real[state.T]), analysis.stop)
        if status == state.DONE:
            break
        if status == state.RUNNING:
            budget = int(np.clip(budget * 0.2 / max(elapsed, 1e-4), 10, 20 * budget))
            if time.perf_counter() - clock > settings.wall_time_limit:
                failure = _stopped(system, run, method, f"the wall time limit of {settings.wall_time_limit:g} s")
                break
            continue
        if status == state.BUFFER_FULL:
            continue
        if status == state.PIVOT:
            name = int(count[state.STATUS_INDEX])
            run.real[state.ALPHA] = -1.0
            count[state.POLISH_READY] = 0
            factors.forget(system.names, name)
            polish_factors.forget(system.names, name)
            continue
        failure = _stopped(system, run, method, _REASONS[status])
        break
    seconds = time.perf_counter() - clock
    if not parts:
        parts = [(np.empty(0), np.empty((0, probes.size)), np.empty((0, 0)), np.empty((0, 0)))]
    times, values, slopes, memories = (np.concatenate(part) for part in zip(*parts, strict=True))
    statistics = {
        "method": method.name,
        "rtol": settings.rtol,
        "steps": int(count[state.STEPS]),
        "rejected": int(count[state.REJECTED]),
        "newton_iterations": int(count[state.ITERATIONS]),
        "evaluations": int(count[state.EVALUATIONS]),
        "factorisations": int(count[state.FACTORISATIONS]),
        "jumps": int(count[state.JUMPS]),
        "seconds_start": round(started, 6),
        "seconds_time_loop": round(seconds, 6),
        "cpu_seconds_time_loop": round(time.process_time() - cpu_clock, 6),
    }
    if not outputs.needs_flows:
        return Trajectory(times, values, None, None, statistics, failure, notes)
    return Trajectory(times, values, slopes, memories, statistics, failure, notes)


def _watched(outputs: Outputs, system: System) -> np.ndarray:
    """Unknowns whose error is kept below the tolerance one by one: those that the user will see."""
    index = outputs.assembly.index
    return np.array(sorted({index[a] for a in outputs.addresses if a in index} or range(system.size)), np.int64)


_REASONS = {
    state.STEP_TOO_SMALL: "the step size fell below the resolution of the time",
    state.NOT_FINITE: "a flow is not finite",
    state.SINGULAR: "the equations became singular",
    state.TOO_MANY_STEPS: "the limit of steps was reached",
}


def _stopped(system: System, run: Run, method: Method, why: str) -> SimulationError:
    """Say when, where and why an integration stopped, and what to try."""
    real, count = run.real, run.count
    t, stop = float(real[state.T]), float(real[state.T_STOP])
    worst = int(count[state.WORST])
    if why in (_REASONS[state.NOT_FINITE], _REASONS[state.SINGULAR]):
        worst = int(count[state.STATUS_INDEX])
    unknown = system.unknowns[worst]
    is_bounded = np.isfinite([unknown.lower, unknown.upper]).any()
    bounds = f" (bounds {unknown.lower:g}..{unknown.upper:g})" if is_bounded else ""
    advice = {
        _REASONS[state.STEP_TOO_SMALL]: "smooth discontinuities in the expressions near it, or loosen rtol",
        _REASONS[state.NOT_FINITE]: "look for a division by zero or an overflow in the expressions near it",
        _REASONS[state.SINGULAR]: "look for a net that loses its connection or a loop of sources",
        _REASONS[state.TOO_MANY_STEPS]: "raise the limit of steps, loosen rtol, or shorten the analysis",
    }.get(why, "raise the limit or shorten the analysis")
    return SimulationError(
        f"simulation stopped at t = {t:.6g} s ({100 * t / stop:.0f} % of {stop:g} s), method {method.name}, "
        f"step {real[state.H]:.3g} s: {why}\n"
        f"      worst unknown: {unknown.name} = {run.y[worst]:.6g} {unknown.unit}{bounds}, "
        f"error {real[state.ERROR]:.3g} of the tolerance\n"
        f"      {advice}"
    )
