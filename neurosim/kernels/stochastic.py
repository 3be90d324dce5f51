"""One step of the methods for ``dy = f(t, y) dt + g(t, y) dW`` with independent noise of each unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import SEED, STEP, TIME, helper, unit
from neurosim.kernels.random_numbers import normal_numbers
from neurosim.kernels.run import EVALUATIONS, NOT_FINITE, STATUS_INDEX, STEPS, T, run_type
from neurosim.kernels.system import evaluate_diffusion, evaluate_flow, project_rates, system_arrays_type


def _signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@helper
def _evaluate(S, run, context, t, y, f, g):
    context[TIME] = t
    evaluate_flow(S, context, y, f)
    project_rates(S, y, f)
    evaluate_diffusion(S, context, y, g)
    run.count[EVALUATIONS] += 1


@unit(_signature)
def stochastic_step(S, run, context, h):
    """Write ``run.y_new`` from ``run.y``; 0 or NOT_FINITE.

    ``tableau[0, 0]``: 0 Euler-Maruyama, 1 stochastic Heun. Row 1, where there is one, holds the rates r at which the
    unknowns decay by themselves: h is ``(1 - exp(-h r))/r`` then, and its root that of ``(1 - exp(-2 h r))/(2 r)``.
    """
    n = run.y.size - 1
    t, root = run.real[T], np.sqrt(h)
    y, y_new, f, g, w = run.y, run.y_new, run.f, run.stage[0], run.stage[1]
    decays = run.tableau.shape[0] > 1
    context[STEP] = h
    _evaluate(S, run, context, t, y, f, g)
    normal_numbers(np.int64(context[SEED]), run.count[STEPS], w[:n])
    y_new[n] = 0.0
    for i in range(n):
        run.error[i] = 0.0
        step = h
        if decays and run.tableau[1, i] != 0.0:
            rate = run.tableau[1, i]
            step = -np.expm1(-h * rate) / rate
            w[i] *= np.sqrt(-np.expm1(-2.0 * h * rate) / (2.0 * rate))
        else:
            w[i] *= root
        y_new[i] = y[i] + step * f[i] + g[i] * w[i]
        if not np.isfinite(y_new[i]):
            run.count[STATUS_INDEX] = i
            return NOT_FINITE
    if run.tableau[0, 0] != 0.0:
        f_end, g_end = run.stage[2], run.stage[3]
        _evaluate(S, run, context, t + h, y_new, f_end, g_end)
        for i in range(n):
            y_new[i] = y[i] + 0.5 * (h * (f[i] + f_end[i]) + (g[i] + g_end[i]) * w[i])
    return 0


@helper
def stochastic_interpolant(run):
    """The straight line over the last step, into ``run.q``."""
    for i in range(run.y.size - 1):
        run.q[0, i] = run.y[i]
        run.q[1, i] = run.y_new[i] - run.y[i]
