"""What an event does to tangent vectors: ``v <- v + (f+ - f-) (n v) / (n f-)`` for a jump that leaves the state.

n is the gradient of the event function, f- and f+ the rates before and after: who is early at the event flows at the
new rate for longer. The derivatives of event functions are differences along the vectors and along the flow.

Source: R. I. Leine, H. Nijmeijer, Dynamics and Bifurcations of Non-Smooth Mechanical Systems (Springer 2004),
doi:10.1007/978-3-540-44398-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import TIME, helper, unit
from neurosim.kernels.system import (
    evaluate_flow,
    jump_batches,
    project_rates,
    record_events,
    system_arrays_type,
)
from neurosim.kernels.tangent_run import DT, VECTORS, tangent_type

SMALL_PART = 1e-6
"""Step of a difference, relative to the size of the state."""


@helper
def _change(S, run, context, direction, size, j):
    """Change of event function j along a direction, per unit of it."""
    n = run.y.size - 1
    length = 0.0
    for i in range(n):
        length = max(length, abs(direction[i]))
    if length == 0.0:
        return 0.0
    small = SMALL_PART * size / length
    ends = np.float64(0.0)
    for sign in (1.0, -1.0):
        for i in range(n):
            run.point[i] = run.y[i] + sign * small * direction[i]
        record_events(S, context, run.point)
        ends += sign * S.event_value[j]
    return ends / (2.0 * small)


def _signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.void(system_arrays_type(), tangent_type(), real, types.f8)


@unit(_signature)
def jump_vectors(S, run, context, t):
    """Let the event functions that changed sign since ``run.events`` jump, and the vectors with them."""
    n, k = run.y.size - 1, run.count[VECTORS]
    size = 1e-12
    for i in range(n):
        size = max(size, abs(run.y[i]))
    context[TIME] = t
    before, after = run.slope, run.change
    evaluate_flow(S, context, run.y, before)
    project_rates(S, run.y, before)
    for i in range(n):
        before[i] *= run.inverse_mass[i]
    run.point[n] = 0.0
    record_events(S, context, run.y)
    crossed = -1
    for j in range(run.events.size):
        old, new = run.events[j], S.event_value[j]
        if crossed < 0 and ((old > 0.0 and new <= 0.0) or (old < 0.0 and new >= 0.0)):
            crossed = j
    speed = 0.0
    if crossed >= 0:
        speed = _change(S, run, context, before, size, crossed)
        small = SMALL_PART * run.real[DT]
        record_events(S, context, run.y)
        here = S.event_value[crossed]
        context[TIME] = t + small
        record_events(S, context, run.y)
        speed += (S.event_value[crossed] - here) / small
        context[TIME] = t
        for r in range(k):
            for i in range(n):
                after[i] = run.vectors[run.offset[i] + r * run.stride[i]]
            run.shift[r] = _change(S, run, context, after, size, crossed)
    S.event_value[:] = run.events
    jump_batches(S, context, run.y)
    record_events(S, context, run.y)
    evaluate_flow(S, context, run.y, after)
    project_rates(S, run.y, after)
    if speed != 0.0:
        for i in range(n):
            difference = (after[i] * run.inverse_mass[i] - before[i]) / speed
            for r in range(k):
                run.vectors[run.offset[i] + r * run.stride[i]] += difference * run.shift[r]
