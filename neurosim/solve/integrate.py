"""The loop around the compiled loop: calls it in parts, keeps what it recorded, chooses pivots, minds limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import run as state
from neurosim.kernels.abi import TIME
from neurosim.kernels.builder import System
from neurosim.kernels.run import Run
from neurosim.kernels.time_loop import advance
from neurosim.solve.checkpoint import Keeper
from neurosim.solve.factors import NO_FACTORS, Factors
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import wants_matrix
from neurosim.units import format_si

if TYPE_CHECKING:
    from neurosim.graph.history import History

SECONDS_PER_CALL = 0.2
"""About how long the compiled loop runs between two looks at limits and progress."""

REASONS = {
    state.STEP_TOO_SMALL: "the step size fell below the resolution of the time",
    state.NOT_FINITE: "a flow, rate or value is not finite",
    state.SINGULAR: "the equations became singular",
    state.CHATTERING: "comparisons switch to and fro at one point in time",
    state.TOO_MANY_STEPS: "the limit of steps was reached",
    state.POLISH_FAILED: "no consistent values were found at a saved point or after a jump",
}
"""Why `advance` stopped, by its status."""


@dataclass(frozen=True)
class Limits:
    """What an integration may cost, and who is told.

    Parameters
    ----------
    wall_time : float
        Seconds.
    memory : float
        Bytes of recorded points.
    progress : callable, optional
        ``progress(t, t_stop)``, called a few times a second.
    """

    wall_time: float = float("inf")
    memory: float = float("inf")
    progress: Callable[[float, float], None] | None = None


@dataclass
class Recorded:
    """What an integration recorded: `parts` are times, values, slopes and memories, in the order of `Run`."""

    times: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    memories: np.ndarray
    statistics: dict[str, Any]
    failure: SimulationError | None

    def followed_by(self, later: Recorded) -> Recorded:
        """One record of a run that another method went on with."""
        times, values, slopes, memories = (
            np.concatenate([getattr(self, name), getattr(later, name)])
            for name in ("times", "values", "slopes", "memories")
        )
        seconds = {
            name: round(self.statistics[name] + later.statistics[name], 6)
            for name in ("seconds_time_loop", "cpu_seconds_time_loop")
        }
        return Recorded(times, values, slopes, memories, later.statistics | seconds, later.failure)


def bytes_of_point(run: Run) -> int:
    """Bytes that one recorded point takes."""
    return 8 * (1 + run.out_y.shape[1] + run.out_slope.shape[1] + run.out_memory.shape[1])


def check_memory(run: Run, limit: float) -> None:
    """Refuse a run whose print grid alone takes more than `limit` bytes.

    Raises
    ------
    ParameterError
        Says how much it takes and what to do.
    """
    needed = run.grid.size * bytes_of_point(run)
    if needed > limit:
        raise ParameterError(
            f"{run.grid.size} saved points of {bytes_of_point(run) // 8} numbers take {_shown(needed)}, more than the "
            f"memory limit of {_shown(limit)}: take a longer print step, save fewer addresses, or raise the limit"
        )


def _shown(size: float) -> str:
    return format_si(size, "B")


def integrate(
    system: System, run: Run, method: Method, limits: Limits, stopped: Callable[[str], SimulationError], *,
    factors: Factors | None = None, polish_factors: Factors | None = None, keeper: Keeper | None = None,
    history: History | None = None, halted: Callable[[float], tuple[bool, SimulationError | None]] | None = None,
    until_stiff: bool = False,
) -> Recorded:  # fmt: skip
    """Run until the end, a failure or a limit.

    Parameters
    ----------
    system : System
        Its context is at the start, or as a checkpoint has it.
    run : Run
    method : Method
    limits : Limits
    stopped : callable
        ``stopped(why)`` makes the error for a run that ends early.
    factors, polish_factors : Factors, optional
        Of implicit methods; default new ones.
    keeper : Keeper, optional
        Saves the state of the loop now and then, and when a limit ends it; it may hold a state to go on from.
    history : History, optional
        The past that the law reads; values get what `GraphAssembly.past` gives for their points.
    halted : callable, optional
        ``halted(t)``, where a law asked to stop and at the end: whether to end here, and why the run failed.
    until_stiff : bool
        Whether to end where an explicit method finds its steps bounded by stability.

    Returns
    -------
    Recorded
        With `failure` set where it stopped early; what was recorded until then is kept.
    """
    count, context = run.count, system.context
    factors, polish_factors = factors or Factors(system), polish_factors or Factors(system)
    parts: list[tuple[np.ndarray, ...]] = []
    over = keeper is not None and keeper.restore(system, run, factors, polish_factors, parts)
    check_memory(run, limits.memory)
    # At that very step: where the calls of the loop end hangs on the clock.
    count[state.UNTIL_STIFF] = until_stiff
    stop, budget, failure = float(run.real[state.T_STOP]), 20, None
    held = sum(part.nbytes for point in parts for part in point)
    clock, cpu_clock = time.perf_counter(), time.process_time()
    while not over:
        lu = lu_polish = NO_FACTORS
        if wants_matrix(method, run):
            context[TIME] = run.real[state.T]
            lu = factors.at(run.y, 1.0 / run.real[state.H])
            lu_polish = polish_factors.at(run.y, run.real[state.BETA])
        count[state.BUDGET] = budget
        before = time.perf_counter()
        status = advance(system.arrays, lu, lu_polish, run, context)
        elapsed = time.perf_counter() - before
        saved = int(count[state.SAVED])
        if saved:
            part = [a[:saved].copy() for a in (run.out_t, run.out_y, run.out_slope, run.out_memory)]
            if history is not None:
                part[1] = np.hstack([part[1], history.assembly.past(part[0], part[1])])
            parts.append(tuple(part))
            count[state.SAVED] = 0
            held += saved * bytes_of_point(run)
        if limits.progress is not None:
            limits.progress(float(run.real[state.T]), stop)
        why = ""
        if status == state.PIVOT:
            worst = int(count[state.STATUS_INDEX])
            run.real[state.ALPHA], count[state.POLISH_READY] = -1.0, 0
            factors.forget(system.names, worst)
            polish_factors.forget(system.names, worst)
        elif status == state.RUNNING:
            budget = int(np.clip(budget * SECONDS_PER_CALL / max(elapsed, 1e-4), 10, 20 * budget))
            if time.perf_counter() - clock > limits.wall_time:
                why = f"the wall time limit of {limits.wall_time:g} s"
            if until_stiff and count[state.STIFF] != 0:
                break
        elif status == state.HALTED and halted is not None:
            over, failure = halted(float(run.real[state.T]))
            if failure is not None:
                break
        elif status == state.BUFFER_FULL and history is not None:
            history.make_room()
            run = history.run
        elif status not in (state.BUFFER_FULL, state.DONE, state.HALTED):
            why = REASONS[status]
        if held > limits.memory and status in (state.RUNNING, state.BUFFER_FULL):
            why = f"the memory limit of {_shown(limits.memory)} was reached by {_shown(held)} of recorded points"
        ends = over or status == state.DONE
        if keeper is not None and (why or ends or keeper.is_due()) and status != state.PIVOT:
            keeper.save(system, run, factors, polish_factors, parts, is_over=over)
        if why:
            failure = stopped(why)
        if why or ends:
            break
    if halted is not None and failure is None:
        halted(float(run.real[state.T]))
    if not parts:
        parts = [tuple(a[:0] for a in (run.out_t, run.out_y, run.out_slope, run.out_memory))]
    times, values, slopes, memories = (np.concatenate(part) for part in zip(*parts, strict=True))
    statistics = {
        "method": method.name,
        "rtol": float(run.real[state.RTOL]),
        "steps": int(count[state.STEPS]),
        "rejected": int(count[state.REJECTED]),
        "newton_iterations": int(count[state.ITERATIONS]),
        "evaluations": int(count[state.EVALUATIONS]),
        "factorisations": int(count[state.FACTORISATIONS]),
        "jumps": int(count[state.JUMPS]),
        "seconds_time_loop": round(time.perf_counter() - clock, 6),
        "cpu_seconds_time_loop": round(time.process_time() - cpu_clock, 6),
    }
    return Recorded(times, values, slopes, memories, statistics, failure)
