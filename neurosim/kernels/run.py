"""The arrays that a time integration carries from call to call, and the numbers of their entries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.native import by_address

(
    T, H, T_STOP, RTOL, H_MAX, H_MIN, BETA, ORDER, SAFETY, FACTOR_MIN, FACTOR_MAX, H_LAST, ALPHA, ERROR, T_START,
    H_1, H_2, NEWTON_TOLERANCE, DEAD_LOW, DEAD_HIGH, FRACTION, SCALED_STEP, CONVERGENCE, GROWTH, LIPSCHITZ,
    LIPSCHITZ_SEEN, JACOBIAN_SIZE, STEPS_AHEAD, ERROR_BEFORE, STIFF_FROM, REALS,
) = range(31)  # fmt: skip
"""Entries of `Run.real`: time, next step, end, tolerance, step bounds, polish weight, order of the error estimate,
controller, last step, alpha of the last matrix, last error, start, previous steps, ... FRACTION of a step at
which an event lies. Of methods of variable order: step by which their history is scaled, rate of convergence, most
growth of the next step, estimates of the size of df/dy from iterations and from the Jacobian. STEPS_AHEAD: how
many steps must be left for stiffness to count, and STIFF_FROM: when it was found. ERROR_BEFORE: of the last accepted
step, 0 behind a restart."""

(
    METHOD, STEPS, REJECTED, ITERATIONS, FACTORISATIONS, EVALUATIONS, HISTORY, NEXT_BREAK, NEXT_GRID, SAVED, PHASE,
    SAVE_STEPS, STEP_LIMIT, WORST, AFTER_REJECT, LINEAR_SYSTEM, NORM, KNOTS, FIXED_STEP, JUMPS, POLISH, STATUS_INDEX,
    INDEX_TWO, FRESH, BUDGET, POLISH_READY, STARTED, EVENTFUL, JUMPED, AT_LIMIT, EVALUATED, CROWDED, ORDER_NOW, WAIT,
    FAMILY, JACOBIAN_AGE, SWITCH_WAIT, SWITCHES, STIFF_STEPS, MILD_STEPS, STIFF,
    UNTIL_STIFF, OWN_SOLVER, COUNTS,
) = range(44)  # fmt: skip
"""Entries of `Run.count`: the method, statistics, places in the breakpoints, grid and output, and flags. FRESH: `Run.f`
holds f(t, y) already. EVALUATED: `Run.f`, the Jacobian and the time derivative are those at (t, y), after a refused
step. CROWDED: steps near the resolution of the time since the last longer one. PHASE, JUMPED, AT_LIMIT: what is left
to do for the step just accepted. ORDER_NOW to SWITCHES belong to methods of variable order
(`neurosim.kernels.multistep_nordsieck`). STIFF: an explicit method found its steps bounded by stability, STIFF_STEPS
and MILD_STEPS are the signs of it so far; UNTIL_STIFF: it goes no further then. OWN_SOLVER: the system's one law solves
the linear systems of a Rosenbrock method itself (`neurosim.kernels.abi.PREPARE`)."""

EXPLICIT, ROSENBROCK, TRAPEZOID, BDF2, NORDSIECK, MIDPOINT, STOCHASTIC, DESCENT = range(8)
"""Values of ``count[METHOD]``; DESCENT takes its steps outside of the compiled loop."""

RMS_OF_BOTH_ENDS, WATCHED = range(2)
"""Values of ``count[NORM]``: SciPy's root mean square of ``atol + rtol max(|y0|, |y1|)``; or tolerances relative to
the largest value so far, root mean square over all unknowns and the worst of the watched ones."""

(
    DONE, RUNNING, BUFFER_FULL, STEP_TOO_SMALL, NOT_FINITE, SINGULAR, PIVOT, TOO_MANY_STEPS, POLISH_FAILED, HALTED,
    CHATTERING,
) = range(11)  # fmt: skip
"""Status of `advance`. HALTED: a law asked for it (`neurosim.kernels.abi.HALT`); calling again goes on."""


@by_address
class Run(NamedTuple):
    """State and work space of one integration with n unknowns."""

    real: np.ndarray
    count: np.ndarray
    """int64."""
    y: np.ndarray
    """[n + 1], ground last."""
    f: np.ndarray
    """[n + 1]: f(t, y), the slope for methods that keep it."""
    y_new: np.ndarray
    error: np.ndarray
    atol: np.ndarray
    """[n]."""
    largest: np.ndarray
    """[n]: largest |y| so far; negative where only the present value counts (charges: the error of a large one would
    show as a current while it is small)."""
    watched: np.ndarray
    """int64: unknowns whose error is controlled one by one."""
    differential: np.ndarray
    """float64 [n]: 1 where the unknown's derivative appears."""
    breakpoints: np.ndarray
    grid: np.ndarray
    """Times at which output is wanted beside the accepted steps."""
    probes: np.ndarray
    """int64: unknowns that are saved."""
    out_t: np.ndarray
    out_y: np.ndarray
    """[capacity, probes]."""
    out_slope: np.ndarray
    """[capacity, probes or 0]: dy/dt where it is wanted."""
    out_memory: np.ndarray
    """[capacity, size of the devices' memory or 0]: what the laws remembered there, where flows are wanted."""
    knot_t: np.ndarray
    """[capacity or 0]: ends of accepted steps, for dense output."""
    knot_q: np.ndarray
    """[capacity or 0, degree + 1, n]: coefficients of powers of the fraction of the step; with more rows, the value at
    its start and its stages (`neurosim.kernels.explicit.keeps_stages`)."""
    stage: np.ndarray
    """[stages + 6, n + 1]; n more for few unknowns (`neurosim.kernels.small_lu`)."""
    past: np.ndarray
    """[4, n + 1]: earlier accepted values."""
    q: np.ndarray
    """[degree + 1, n]: interpolant of the last step."""
    jacobian: np.ndarray
    """[nnz + 1]."""
    matrix: np.ndarray
    """[nnz + 1]."""
    tableau: np.ndarray
    """[rows, columns]: coefficients of the method, as its file lays them out."""


_WHOLE = {"count", "watched", "probes"}
_MATRICES = {"out_y", "out_slope", "out_memory", "stage", "past", "q", "tableau"}


def run_type() -> Any:
    """Numba type of the address of a `Run`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    kinds = []
    for name in Run._fields:
        dtype = types.i8 if name in _WHOLE else types.f8
        dimensions = 3 if name == "knot_q" else 2 if name in _MATRICES else 1
        kinds.append(types.Array(dtype, dimensions, "C"))
    return tuple_pointer(kinds, Run)
