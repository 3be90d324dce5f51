"""A neuron between two events: carried exactly over a time, and when a state of it next crosses a level."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import helper, unit
from neurosim.kernels.first_rise import DEGREE, first_rise_of_exponentials, first_rise_of_polynomial
from neurosim.kernels.functions import Inlined, fast_fading
from neurosim.kernels.spike_cells import (
    CELL_CLUSTERS_AT,
    CELL_WORDS,
    FIRST_CELL,
    FORM,
    HELD_BY,
    MODES,
    PEAKS,
    PLACE,
    SIZE,
    STATES,
    SYSTEM_SIZE,
    SYSTEMS_AT,
    SYSTEMS_STRIDE,
    TABLE_AT,
    TOGETHER,
    WINDOWS,
    cells_type,
)
from neurosim.kernels.spike_steps import THRESHOLD, THRESHOLD_STRIDE
from neurosim.kernels.unchecked import at, put

USUAL = 3
"""States of a neuron for which what happens most often is compiled by itself: two kinds of synapses and a membrane."""


def _flow_signature() -> Any:
    from numba import types

    return types.void(cells_type(), types.i8, types.i8, types.f8, types.i8)


def _crossing_signature() -> Any:
    from numba import types

    return types.f8(cells_type(), types.i8, types.i8, types.i8, types.f8, types.i8, types.f8)


@helper
def cluster_at(C, place):
    """The record of the cluster of the state at `place`."""
    c = C.code[CELL_CLUSTERS_AT]
    while not C.code[c + PLACE] <= place < C.code[c + PLACE] + C.code[c + SIZE] * C.code[c + STATES]:
        c += CELL_WORDS
    return c


@helper
def system_at(C, c, e, is_held):
    """Place in `table` of a cell's system."""
    code, k = C.code, at(C.code, c + STATES)
    number = at(code, at(code, c + SYSTEMS_AT) + e * at(code, c + SYSTEMS_STRIDE))
    system = at(code, c + TABLE_AT) + number * at(code, c + SYSTEM_SIZE)
    return system + is_held * (k + 3 * k * k if at(code, c + FORM) == MODES else k * k + 1 + k)


@helper
def set_rest(C, c, e):
    """Where the states of a cell rest under what drives them."""
    code, table, k, n, size = C.code, C.table, C.code[c + STATES], C.code[c + SIZE], C.force.size
    for is_held in range(2):
        s = system_at(C, c, e, is_held)
        for i in range(k):
            place = code[c + PLACE] + i * n + e
            value = 0.0
            if code[c + FORM] == MODES:
                for j in range(k):
                    value += table[s + k + 2 * k * k + i * k + j] * C.force[code[c + PLACE] + j * n + e]
            else:
                value = table[s + k * k + 1 + i] * C.force[place]
            C.rest[is_held * size + place] = value


@Inlined
def modes_of(C, s, rest, n, k, y, first, stride):
    """Put the amplitudes of the modes of a cell into `work`, behind k numbers; its k states lie in y."""
    table, work = C.table, C.work
    for i in range(k):
        x = 0.0
        for j in range(k):
            x += at(table, s + k + k * k + i * k + j) * (at(y, first + j * stride) - at(C.rest, rest + j * n))
        put(work, k + i, x)


@Inlined
def decay_of_modes(C, s, rest, n, k, d, y, first, stride):
    """Carry the k states in y over a time d."""
    table, work = C.table, C.work
    modes_of(C, s, rest, n, k, y, first, stride)
    for i in range(k):
        put(work, k + i, at(work, k + i) * fast_fading(at(table, s + i) * d))
    for i in range(k):
        value = at(C.rest, rest + i * n)
        for j in range(k):
            value += at(table, s + k + i * k + j) * at(work, k + j)
        put(y, first + i * stride, value)


@helper
def taylor(C, c, e, is_held, h, order):
    """The coefficient of order `order` of the states' powers of the share of a step h, from that before, in `work`."""
    table, work, k, n = C.table, C.work, C.code[c + STATES], C.code[c + SIZE]
    s, rest = system_at(C, c, e, is_held), is_held * C.force.size + C.code[c + PLACE] + e
    for i in range(k):
        x = C.rest[rest + i * n] if order == 1 else 0.0
        for j in range(k):
            x += table[s + i * k + j] * work[k + j]
        work[2 * k + i] = x * h / order
    for i in range(k):
        work[k + i] = work[2 * k + i]


@helper
def decay(C, c, e, d, is_held, y, first, stride):
    """Carry the states of a cell, which lie in y, over a time d, in modes."""
    k, n = at(C.code, c + STATES), at(C.code, c + SIZE)
    s, rest = system_at(C, c, e, is_held), is_held * C.force.size + at(C.code, c + PLACE) + e
    if k == USUAL:
        decay_of_modes(C, s, rest, n, USUAL, d, y, first, stride)
    else:
        decay_of_modes(C, s, rest, n, k, d, y, first, stride)


@unit(_flow_signature)
def flow(C, c, e, d, is_held):
    """Carry the states in `work` over a time d; what is rare stands here, out of the way of what is not."""
    if C.code[c + FORM] == MODES:
        decay(C, c, e, d, is_held, C.work, 0, 1)
        return
    work, k = C.work, C.code[c + STATES]
    steps = np.ceil(d * C.table[system_at(C, c, e, is_held) + k * k])
    h = d / steps
    for _ in range(int(steps)):
        for i in range(k):
            work[k + i] = work[i]
        for order in range(1, DEGREE + 1):
            taylor(C, c, e, is_held, h, order)
            for i in range(k):
                work[i] += work[k + i]


@helper
def look_at(C, c, e, now):
    """Put the states of a cell at `now` into `work`."""
    n, place, held_by = C.code[c + SIZE], C.code[c + PLACE] + e, C.code[c + HELD_BY]
    for i in range(C.code[c + STATES]):
        put(C.work, i, at(C.y, place + i * n))
    since = at(C.since, C.code[c + FIRST_CELL] + e)
    if held_by >= 0 and at(C.release, held_by + e) > since and now > since:
        until = min(C.release[held_by + e], now)
        flow(C, c, e, until - since, 1)
        since = until
    if now > since:
        if C.code[c + FORM] == MODES:
            decay(C, c, e, now - since, 0, C.work, 0, 1)
        else:
            flow(C, c, e, now - since, 0)


@Inlined
def rise_of_modes(C, s, rest, n, k, watched, level, sign, soon, horizon):
    """Time to the next rise of a state over a level (sign 1), or fall, of a cell whose k states are in `work`."""
    work, row = C.work, s + k + watched * k
    modes_of(C, s, rest, n, k, work, 0, 1)
    for i in range(k):
        put(work, k + i, sign * at(C.table, row + i) * at(work, k + i))
    above = sign * (at(C.rest, rest + watched * n) - level)
    return first_rise_of_exponentials(C.table, s, work, k, k, above, soon, horizon)


@helper
def crossing_of_modes(C, c, e, watched, level, is_held, sign, soon, horizon):
    """Time from now to the next rise of ``sign (state - level)`` above 0, of a system in modes.

    Up to `soon` it is only said that there is none; behind `horizon` the search is put off (`first_rise`).
    """
    k, n = C.code[c + STATES], C.code[c + SIZE]
    s, rest = system_at(C, c, e, is_held), is_held * C.force.size + C.code[c + PLACE] + e
    if k == USUAL:
        return rise_of_modes(C, s, rest, n, USUAL, watched, level, sign, soon, horizon)
    return rise_of_modes(C, s, rest, n, k, watched, level, sign, soon, horizon)


@unit(_crossing_signature)
def crossing_in_general(C, c, e, watched, level, is_held, sign):
    """As `crossing_of_modes`, of a general system; the search is put off after so many windows."""
    table, work, k = C.table, C.work, C.code[c + STATES]
    h = 1.0 / table[system_at(C, c, e, is_held) + k * k]
    powers = work[3 * k :]
    for window in range(WINDOWS):
        for i in range(k):
            work[k + i] = work[i]
        powers[0] = sign * (work[watched] - level)
        if window == 0:
            powers[0] = min(powers[0], 0.0)
        for order in range(1, DEGREE + 1):
            taylor(C, c, e, is_held, h, order)
            powers[order] = sign * work[k + watched]
            for i in range(k):
                work[i] += work[k + i]
        s = first_rise_of_polynomial(powers)
        if s < np.inf:
            return h * (window + s)
    return -WINDOWS * h


@helper
def which_of(C, c, place):
    """Which state of its cluster begins at `place`."""
    which, start = 0, at(C.code, c + PLACE)
    while start != place:
        which += 1
        start += at(C.code, c + SIZE)
    return which


@helper
def slack_of(C, c, e, watched, level):
    """By how much a state of a cell that is in the present will stay below a level, if nothing reaches the cell."""
    k, n, y = at(C.code, c + STATES), at(C.code, c + SIZE), at(C.code, c + PLACE) + e
    peaks = system_at(C, c, e, 0) + at(C.code, c + PEAKS)
    most = at(C.rest, y + watched * n)
    for j in range(k):
        most += at(C.table, peaks + j) * max(at(C.y, y + j * n) - at(C.rest, y + j * n), 0.0)
    return level - TOGETHER * abs(level) - most


@helper
def level_of(C, v, e):
    """Threshold of an element."""
    return at(C.table, at(C.code, v + THRESHOLD) + e * at(C.code, v + THRESHOLD_STRIDE))
