"""`neurosim.kernels.steps.rosenbrock_step` for a few unknowns without mass matrix and bounds: sums in registers."""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import STEP, TIME, unit
from neurosim.kernels.run import ALPHA, EVALUATED, EVALUATIONS, LINEAR_SYSTEM, T, run_type
from neurosim.kernels.small_lu import factor_small, solve_small
from neurosim.kernels.steps import evaluate_step
from neurosim.kernels.system import evaluate_flow, system_arrays_type


def _signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_signature)
def small_rosenbrock_step(S, run, context, h):
    """Linearly implicit step with the dense factors of `neurosim.kernels.small_lu`."""
    n = run.y.size - 1
    tableau, K, y, u = run.tableau, run.stage, run.y, run.y_new
    s = tableau.shape[1]
    ft, increment = K[s], K[s + 2]
    t = run.real[T]
    context[STEP] = h
    alpha = 1.0 / (h * tableau[2 * s + 2, 0])
    if run.count[EVALUATED] == 0:
        status = evaluate_step(S, run, context, t, h)
        if status != 0:
            return status
        run.count[EVALUATED] = 1
    if run.count[LINEAR_SYSTEM] == 0 or run.real[ALPHA] != alpha:
        status = factor_small(S, run, alpha)
        run.real[ALPHA] = alpha if status == 0 else -1.0
        if status != 0:
            return status
    by_step = 1.0 / h
    u[n] = 0.0
    for stage in range(s):
        work, d = K[stage], tableau[2 * s + 1, stage] * h
        if stage == 0:
            for i in range(n):
                increment[i] = 0.0
                work[i] = run.f[i]
        else:
            a, c = tableau[stage], tableau[s + stage]
            for i in range(n):
                by_a, by_c = 0.0, 0.0
                for j in range(stage):
                    k = K[j, i]
                    by_a += a[j] * k
                    by_c += c[j] * k
                u[i] = y[i] + by_a
                increment[i] = by_c * by_step
            context[TIME] = t + tableau[2 * s, stage] * h
            evaluate_flow(S, context, u, work)
        for i in range(n):
            work[i] += increment[i] + d * ft[i]
        solve_small(run, work)
    run.count[EVALUATIONS] += s - 1
    error, last = run.error, K[s - 1]
    for i in range(n):
        u[i] += last[i]
        error[i] = last[i]
    return 0
