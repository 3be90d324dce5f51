"""What an event does to tangent vectors: ``v <- G v + (f+ - G f-) (n v) / (n f-)`` for a jump ``y <- g(y)``, G = dg/dy.

n is the gradient of the event function, f- and f+ the rates before and after: who is early at the event flows at the
new rate for longer. A switch of a circuit leaves the state where it is, G = 1. A refractory time ends earlier by as
much as the tick came earlier, which vectors carry until then. Derivatives of event functions and of g are central
differences along the vectors and along the flow; for those of g the ticks of a graph's events are those of the
trajectory itself.

Source: R. I. Leine, H. Nijmeijer, Dynamics and Bifurcations of Non-Smooth Mechanical Systems (Springer 2004),
doi:10.1007/978-3-540-44398-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import CORNER, HALT, TIME, helper, unit
from neurosim.kernels.system import (
    accept_batches,
    evaluate_flow,
    jump_batches,
    project_rates,
    record_events,
    system_arrays_type,
)
from neurosim.kernels.tangent_run import DT, INSTANT, OK, VECTORS, tangent_type

NO_SCRIPT, WRITE, FOLLOW = range(3)
"""What a graph's events do with the script of an instant, which tells who ticks in which round: not use it, write it
instead of a record, or tick as it says, whatever the drives are. Its number of rounds stands behind this word."""

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
    return types.i8(system_arrays_type(), tangent_type(), real, types.f8)


@unit(_signature)
def tick_vectors(S, run, context, t):
    """Let the events of a graph tick at this instant: y becomes g(y), vectors and ``run.slope`` G times themselves.

    Returns the number of rounds, or -1 where the instant failed.
    """
    n, k, room, place = run.y.size - 1, run.count[VECTORS], run.script[1], run.script[0]
    size = 1e-12
    for i in range(n):
        size = max(size, abs(run.y[i]))
    after, image = run.stage[0], run.stage[1]
    context[TIME], context[CORNER], context[HALT] = t, 1.0, 0.0
    run.memory[:room] = S.memory[:room]
    S.memory[place] = WRITE
    after[:] = run.y
    accept_batches(S, context, after)
    S.memory[place] = NO_SCRIPT
    run.memory[room : 2 * room] = S.memory[:room]
    rounds = int(S.memory[place + 1])
    if context[HALT] != 0.0:
        return -1
    if rounds > 0:
        for r in range(k + 1):
            # The flow comes last, along with the time in which it moves.
            length = 0.0
            for i in range(n):
                if r < k:
                    run.change[i] = run.vectors[run.offset[i] + r * run.stride[i]]
                else:
                    run.change[i] = run.slope[i]
                length = max(length, abs(run.change[i]))
            if length == 0.0:
                continue
            small = SMALL_PART * size / length
            for i in range(n):
                image[i] = 0.0
            for sign in (1.0, -1.0):
                S.memory[:room] = run.memory[:room]
                S.memory[place], S.memory[place + 1] = FOLLOW, rounds
                for i in range(n):
                    run.point[i] = run.y[i] + sign * small * run.change[i]
                if r == k:
                    context[TIME] = t + sign * small
                accept_batches(S, context, run.point)
                for i in range(n):
                    image[i] += sign * run.point[i]
            context[TIME] = t
            for i in range(n):
                if r < k:
                    run.vectors[run.offset[i] + r * run.stride[i]] = image[i] / (2.0 * small)
                else:
                    run.slope[i] = image[i] / (2.0 * small)
    S.memory[:room] = run.memory[room : 2 * room]
    run.y[:n] = after[:n]
    return rounds


@helper
def shift_releases(S, run, factor):
    """Keep by how much earlier what ticked now ticks along each vector, and forget it of what is not refractory."""
    n = run.y.size - 1
    for e in range(run.script[4]):
        i, ticked = n + e, S.memory[run.script[3] + e] != 0.0
        rests = S.memory[run.script[2] + e] > -np.inf
        for r in range(run.count[VECTORS]):
            if not rests:
                run.vectors[run.offset[i] + r * run.stride[i]] = 0.0
            elif ticked:
                run.vectors[run.offset[i] + r * run.stride[i]] = run.shift[r] * factor


@unit(_signature)
def jump_vectors(S, run, context, t):
    """Let what changed sign since ``run.events`` jump, and the vectors with it; returns a status."""
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
            if run.script.size > 0 and crossed < run.script[4] and S.memory[run.script[2] + crossed] > -np.inf:
                # A refractory time ends: who ticked earlier is free earlier.
                run.shift[r] += run.vectors[run.offset[n + crossed] + r * run.stride[n + crossed]]
    S.event_value[:] = run.events
    if run.script.size > 0:
        if tick_vectors(S, run, context, t) < 0:
            return INSTANT
        shift_releases(S, run, 1.0 / speed if speed != 0.0 else 0.0)
    else:
        jump_batches(S, context, run.y)
    record_events(S, context, run.y)
    evaluate_flow(S, context, run.y, after)
    project_rates(S, run.y, after)
    if speed != 0.0:
        for i in range(n):
            difference = (after[i] * run.inverse_mass[i] - before[i]) / speed
            for r in range(k):
                run.vectors[run.offset[i] + r * run.stride[i]] += difference * run.shift[r]
    return OK
