"""The first step of an integration, from the slope at its start and how it changes.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (Springer 1993), II.4; as SciPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import TIME, driver
from neurosim.kernels.run import EVALUATIONS, FRESH, H_MAX, ORDER, RTOL, T_STOP, T, run_type
from neurosim.kernels.system import evaluate_flow, project_rates, system_arrays_type


def _signature() -> Any:
    from numba import types

    return types.f8(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@driver(_signature)
def choose_first_step(S, run, context, known):
    """Step size for ``y' = f`` from y at the start, `known` if that is above 0; leaves f there in ``run.f``."""
    n = run.y.size - 1
    real, y, f, later = run.real, run.y, run.f, run.stage[0]
    context[TIME] = real[T]
    evaluate_flow(S, context, y, f)
    project_rates(S, y, f)
    run.count[EVALUATIONS] += 1
    run.count[FRESH] = 1
    if known > 0.0:
        return known
    run.count[EVALUATIONS] += 1
    length = abs(real[T_STOP] - real[T])
    d0, d1, d2 = 0.0, 0.0, 0.0
    for i in range(n):
        scale = run.atol[i] + abs(y[i]) * real[RTOL]
        d0 += (y[i] / scale) ** 2
        d1 += (f[i] / scale) ** 2
    d0, d1 = np.sqrt(d0 / n), np.sqrt(d1 / n)
    h0 = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, length)
    for i in range(n):
        run.y_new[i] = y[i] + h0 * f[i]
    run.y_new[n] = 0.0
    context[TIME] = real[T] + h0
    evaluate_flow(S, context, run.y_new, later)
    project_rates(S, run.y_new, later)
    for i in range(n):
        scale = run.atol[i] + abs(y[i]) * real[RTOL]
        d2 += ((later[i] - f[i]) / scale) ** 2
    d2 = np.sqrt(d2 / n) / h0
    if d1 <= 1e-15 and d2 <= 1e-15:
        h1 = max(1e-6, h0 * 1e-3)
    else:
        h1 = (0.01 / max(d1, d2)) ** (1.0 / real[ORDER])
    # Where f is not finite no step is: the first one that is tried then says so.
    known = h0 + h1
    return min(100.0 * h0, h1, length, real[H_MAX]) if known - known == 0.0 else 1e-6
