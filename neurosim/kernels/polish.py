"""Points that satisfy the algebraic equations: where a method starts or restarts, and those that are saved."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import LIMITED, LIMITING, TIME, helper, unit
from neurosim.kernels.mass import multiply_mass
from neurosim.kernels.run import (
    BETA,
    EVALUATIONS,
    INDEX_TWO,
    LINEAR_SYSTEM,
    NOT_FINITE,
    POLISH_READY,
    STATUS_INDEX,
    T_START,
    T_STOP,
    run_type,
)  # fmt: skip
from neurosim.kernels.sparse_lu import lu_type, solve
from neurosim.kernels.steps import factor_matrix
from neurosim.kernels.system import (
    evaluate_both,
    evaluate_flow,
    project_rates,
    project_rates_and_rows,
    system_arrays_type,
)  # fmt: skip


def _polish_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(system_arrays_type(), lu_type(), run_type(), real, types.f8, real, real)


@unit(_polish_signature)
def polish(S, lu, run, context, t, y, slope):
    """Make y satisfy the algebraic equations at t and find y', keeping charges, fluxes and states.

    Newton on d in ``beta M d = f(t, y + d)`` with a large beta, so that d is y'/beta for what M determines and the
    correction for the rest. The factorisation is kept as long as it converges fast. With index 2 a second round moves
    the time by 1/beta, which makes d the step that the imposed voltages or currents take.
    """
    status = _polish_at(S, lu, run, context, t, y, slope)
    if status == 0 and run.count[INDEX_TWO] != 0:
        status = _polish_at(S, lu, run, context, t + 1.0 / run.real[BETA], y, slope)
    return status


@helper
def _polish_at(S, lu, run, context, t, y, slope):
    """One round of `polish`, all of it at time t."""
    n = y.size - 1
    f = run.error
    d = run.past[2]
    work = slope
    beta = run.real[BETA]
    span = run.real[T_STOP] - run.real[T_START]
    context[TIME] = t
    d[:] = 0.0
    previous = np.inf
    for iteration in range(40):
        for i in range(n):
            work[i] = y[i] + d[i]
        work[n] = 0.0
        # The first evaluation tells junctions where they are; without limits a correction may leap out of all reach.
        context[LIMITING] = 1.0 if iteration > 0 else 0.0
        refreshed = run.count[POLISH_READY] == 0
        if refreshed:
            evaluate_both(S, context, work, f, run.jacobian)
            project_rates_and_rows(S, work, f, run.jacobian)
            status = factor_matrix(S, lu, run, beta)
            if status != 0:
                context[LIMITING] = 0.0
                return status
            run.count[POLISH_READY] = 1
        else:
            evaluate_flow(S, context, work, f)
            project_rates(S, work, f)
        context[LIMITING] = 0.0
        limited = context[LIMITED] != 0.0
        run.count[EVALUATIONS] += 1
        multiply_mass(S, d, work)
        for i in range(n):
            f[i] -= beta * work[i]
            if not np.isfinite(f[i]):
                run.count[STATUS_INDEX] = i
                return NOT_FINITE
        solve(lu, f[:n])
        size, moves = 0.0, 0
        for i in range(n):
            moved = d[i] + f[i]
            reference = max(run.largest[i], abs(y[i]))
            if run.differential[i] != 0.0:
                scale = 1e-10 * (abs(moved) + reference / (beta * span))
            else:
                scale = 1e-12 * reference
                moves += abs(f[i]) > 1e-8 * reference + 1e-6 * run.atol[i]
            e = abs(f[i]) / (scale + 1e-6 * run.atol[i] / (beta * span))
            if not e <= size:
                size = e
        stuck = iteration > 1 and size > 0.5 * previous and refreshed and not limited
        # Across a kink of a law full corrections go to and fro; near the floor of rounding nothing more is to be had.
        fraction = 0.5 if stuck and moves > 0 else 1.0
        for i in range(n):
            d[i] += fraction * f[i]
        # With constant derivatives one correction is exact.
        if (size < 1.0 and not limited) or run.count[LINEAR_SYSTEM] != 0 or (stuck and fraction == 1.0):
            break
        if size > 0.1 * previous:
            run.count[POLISH_READY] = 0
        previous = size
    for i in range(n):
        y[i] += d[i]
        slope[i] = beta * d[i] * run.differential[i]
    slope[n] = 0.0
    return 0
