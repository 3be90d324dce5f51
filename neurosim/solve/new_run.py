"""The state of one integration, allocated for a system and a method."""

from __future__ import annotations

import functools

import numpy as np

from neurosim.kernels import run as state
from neurosim.kernels.abi import TIME
from neurosim.kernels.builder import System
from neurosim.kernels.multistep_nordsieck import ADAMS, FIRST_FAMILY
from neurosim.kernels.run import Run
from neurosim.kernels.small_lu import FEW
from neurosim.kernels.system import run_start
from neurosim.solve.methods.method import Method

KEEP = 1e12
"""Inverse share of the span in which a consistent start may move charges, fluxes and states."""


def new_run(
    system: System, method: Method, y: np.ndarray, *, t0: float, t_stop: float, rtol: float, atol: np.ndarray,
    probes: np.ndarray, watched: np.ndarray, grid: np.ndarray, breakpoints: np.ndarray, capacity: int,
    with_slopes: bool, h: float, h_max: float, knots: int = 0, knot_rows: int = 0,
) -> Run:  # fmt: skip
    """Allocate the state of an integration that starts from y (n + 1 entries).

    `knot_rows` is what is kept of a step between two knots, default its interpolant.
    """
    n, nnz = system.size, system.arrays.mass.size
    degree = method.degree
    rows = max(method.stages, 5) + 6 + (n if n <= FEW else 0)
    has_mass = np.zeros(n)
    column = np.repeat(np.arange(n), np.diff(system.arrays.column_pointer))
    has_mass[column[system.arrays.mass != 0.0]] = 1.0
    run = Run(
        real=np.zeros(state.REALS), count=np.zeros(state.COUNTS, np.int64), y=np.empty(n + 1), f=np.zeros(n + 1),
        y_new=np.zeros(n + 1), error=np.zeros(n + 1), atol=np.empty(n), largest=np.empty(n),
        watched=watched.astype(np.int64), differential=has_mass, breakpoints=breakpoints, grid=grid,
        probes=probes.astype(np.int64), out_t=np.zeros(capacity), out_y=np.zeros((capacity, probes.size)),
        out_slope=np.zeros((capacity, probes.size if with_slopes else 0)),
        out_memory=np.zeros((capacity, system.arrays.memory.size if with_slopes else 0)), knot_t=np.zeros(knots),
        knot_q=np.zeros((max(knots - 1, 0), knot_rows or degree + 1, n)), stage=np.zeros((rows, n + 1)),
        past=np.zeros((4, n + 1)), q=np.zeros((degree + 1, n)), jacobian=np.zeros(nnz + 1), matrix=np.zeros(nnz + 1),
        tableau=np.ascontiguousarray(method.tableau, float),
    )  # fmt: skip
    # What no method touches of new arrays of zeros takes no memory.
    _set_start(run, system, method, y, t0, t_stop, rtol, atol, h, h_max)
    return run


def begin_run(
    run: Run, system: System, method: Method, y: np.ndarray, *, t0: float, t_stop: float, rtol: float,
    atol: np.ndarray, h: float, h_max: float,
) -> None:  # fmt: skip
    """Put the state of an integration to its start; what it records, and where, stays."""
    for values in (run.f, run.y_new, run.error, run.stage, run.past, run.q, run.jacobian, run.matrix):
        values.fill(0)
    _set_start(run, system, method, y, t0, t_stop, rtol, atol, h, h_max)


def _set_start(
    run: Run, system: System, method: Method, y: np.ndarray, t0: float, t_stop: float, rtol: float, atol: np.ndarray,
    h: float, h_max: float,
) -> None:  # fmt: skip
    """The start of a run whose other numbers are 0."""
    real, count = run.real, run.count
    run.y[:], run.atol[:] = y, atol
    np.abs(run.y[:-1], out=run.largest)
    real[:], count[:] = _beginning(method, system.is_linear, any(batch.events is not None for batch in system.batches))
    # One by one: lists of places take longer than a short integration can afford.
    real[state.T] = real[state.T_START] = t0
    real[state.T_STOP], real[state.H_MAX], real[state.RTOL] = t_stop, h_max, rtol
    real[state.H] = real[state.H_LAST] = h
    real[state.BETA] = KEEP / (t_stop - t0) if t_stop > t0 else KEEP


@functools.lru_cache(maxsize=64)
def _beginning(method: Method, is_linear: bool, is_eventful: bool) -> tuple[np.ndarray, np.ndarray]:
    """What `Run.real` and `Run.count` begin with."""
    real, count = np.zeros(state.REALS), np.zeros(state.COUNTS, np.int64)
    real[state.ORDER] = method.error_order + 1
    real[[state.SAFETY, state.FACTOR_MIN, state.FACTOR_MAX]] = method.safety, method.factor_min, method.factor_max
    real[[state.DEAD_LOW, state.DEAD_HIGH]] = (0.95, 1.3) if is_linear else (1.0, 1.0)
    real[state.NEWTON_TOLERANCE] = 1e-2
    real[state.ALPHA] = -1.0
    real[state.STEPS_AHEAD] = 300.0
    count[state.METHOD] = method.kind
    count[state.NORM] = state.WATCHED
    count[[state.POLISH, state.SAVE_STEPS, state.HISTORY]] = 1
    count[state.LINEAR_SYSTEM], count[state.EVENTFUL] = is_linear, is_eventful
    if method.kind == state.NORDSIECK:
        count[state.FAMILY] = int(method.tableau[0, FIRST_FAMILY])
    return real, count


def continued_run(system: System, old: Run, run: Run) -> Run:
    """A run that goes on where another one of the same equations is, between two steps."""
    for name in ("y", "largest"):
        getattr(run, name)[:] = getattr(old, name)
    for k in (state.T, state.H, state.H_LAST):
        run.real[k] = old.real[k]
    for k in (
        state.STEPS, state.REJECTED, state.ITERATIONS, state.EVALUATIONS, state.FACTORISATIONS, state.NEXT_BREAK,
        state.NEXT_GRID, state.STARTED, state.JUMPS,
    ):  # fmt: skip
        run.count[k] = old.count[k]
    system.context[TIME] = run.real[state.T]
    run_start(system.arrays, system.context, run.y)
    return run


def wants_matrix(method: Method, run: Run) -> bool:
    """Whether the next step of a run needs a factorisation."""
    if method.kind == state.NORDSIECK:
        return run.count[state.FAMILY] != ADAMS
    return method.kind != state.EXPLICIT
