"""The one compiled law of every signal graph that runs in the engine: flow between ticks, and the jumps at ticks.

The engine's unknowns are the states and holds y of the array program, then the samples of held inputs, whose rate is
0. `code` is the program's with a table at ``code[LAW_AT]`` (see `WORDS_OF_LAW`), `table` holds p, its transposed
weights, and the numbers below. Records in `code`:

- element of a state: offset and size of its node, group of its column in the Jacobian (-1: it does not flow);
- entry of the Jacobian: row, column;
- input: kind, offset in u, size, place in `table`, count, first unknown of its samples (`HELD`). In `table`: values
  (`CONSTANT`); dt, then count samples (`HELD`); count times, then count values (`INTERPOLATED`); a stored waveform of
  count numbers (`WAVEFORM`, see `neurosim.devices.waveforms`); the delay, then the piece of the history where it was
  last (`DELAYED`, of the states from number `count` on, see `neurosim.graph.history`);
- clock: place of period and phase in `table`, number of jumping and of holding elements, place of their numbers.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.waveforms import waveform_value
from neurosim.kernels.abi import CORNER, TIME, WANT_DERIVATIVES, driver, helper, kernel
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    INPUTS,
    LAW_AT,
    MIDDLE,
    SIZE,
    STATES,
    evaluate_instructions,
    signature_of,
    tangent_instructions,
)
from neurosim.kernels.unchecked import flat

WORDS_OF_LAW = 18
(
    PARAMETERS, TRANSPOSED_AT, RATE_AT, LEAK_AT, BOUNDS_AT, ENTRIES, STATES_AT, DIRECTIONS, DRIVEN, DRIVEN_AT, CLOCKS,
    CLOCKS_AT, HELD_UNKNOWNS, HISTORY_AT, HISTORY_PIECES, HISTORY_DEGREE, HISTORY_WIDTH,
    HISTORY_ORIGIN,
) = range(WORDS_OF_LAW)  # fmt: skip
"""Table of the law: length of p; places in `table` of the transposed p, of 1/tau (0 where a clock moves the element),
of the leaks, of lower then upper bounds; number of entries of the Jacobian, place of the records of states, which those
of the entries follow; number of groups of columns; number and place of input records; number and place of clock
records; number of unknowns that hold samples; place of the history in `table`, its pieces, their degree, unknowns,
and the fraction of a piece from which its powers count (0 or 1)."""

STATE_WORDS, ENTRY_WORDS, INPUT_WORDS, CLOCK_WORDS = 3, 2, 6, 4
"""Words of one record."""

CONSTANT, HELD, INTERPOLATED, WAVEFORM, DELAYED = range(5)
"""Kinds of inputs."""

TICK_SHARE, TICK_ROUNDING = 1e-9, 1e-15
"""A time belongs to a tick if it differs by less than this share of the period, plus this share of the time."""


@helper
def _ticks(time, period, phase):
    """Number of the tick at `time`, -1 if there is none."""
    k = np.floor((time - phase) / period + 0.5)
    if k < 0.0 or abs(time - phase - k * period) > TICK_SHARE * period + TICK_ROUNDING * abs(time):
        return -1
    return int(k)


@helper
def _fill_from_history(time, table, code, place, first, out, offset, size):
    """out[offset : offset + size] = states from number `first` on, table[place] before `time`; NaN without a past."""
    law = code[LAW_AT]
    knots, pieces = code[law + HISTORY_AT], code[law + HISTORY_PIECES]
    degree, width = code[law + HISTORY_DEGREE], code[law + HISTORY_WIDTH]
    if pieces == 0:
        out[offset : offset + size] = np.nan
        return
    when = time - table[place]
    low = np.int64(table[place + 1])
    if low + 2 < pieces and table[knots + low + 1] <= when:
        low += 1
    if low >= pieces or not table[knots + low] <= when < table[knots + low + 1]:
        low, high = 0, pieces
        while high - low > 1:
            middle = (low + high) // 2
            if table[knots + middle] <= when:
                low = middle
            else:
                high = middle
    if low > 0 and table[knots + low + 1] == np.inf:
        low -= 1
    table[place + 1] = low
    start = table[knots + low]
    x = (when - start) / (table[knots + low + 1] - start) - code[law + HISTORY_ORIGIN]
    row = knots + pieces + 1 + low * (degree + 1) * width + first
    for j in range(size):
        value = table[row + degree * width + j]
        for k in range(degree - 1, -1, -1):
            value = value * x + table[row + k * width + j]
        out[offset + j] = value


@helper
def fill_inputs(time, table, code, out, at, samples, first):
    """out[at : at + inputs] = u at `time`; ``samples[first + j]`` are the held ones."""
    law = code[LAW_AT]
    for q in range(code[law + DRIVEN]):
        r = code[law + DRIVEN_AT] + q * INPUT_WORDS
        kind, offset, size, place, count = code[r], at + code[r + 1], code[r + 2], code[r + 3], code[r + 4]
        if kind == CONSTANT:
            for j in range(size):
                out[offset + j] = table[place + j]
        elif kind == HELD:
            for j in range(size):
                out[offset + j] = samples[first + code[r + 5] + j]
        elif kind == WAVEFORM:
            out[offset] = waveform_value(time, table, place, count)
        elif kind == DELAYED:
            _fill_from_history(time, table, code, place, count, out, offset, size)
        else:
            low, high = 0, count - 1
            while high - low > 1:
                middle = (low + high) // 2
                if table[place + middle] <= time:
                    low = middle
                else:
                    high = middle
            share = 0.0
            if high > low:
                share = (time - table[place + low]) / (table[place + high] - table[place + low])
                share = min(max(share, 0.0), 1.0)
            values = place + count
            for j in range(size):
                a, b = table[values + low * size + j], table[values + high * size + j]
                out[offset + j] = a + share * (b - a)


@helper
def evaluate_drives(time, y, table, code, arena):
    """Drives of all states at the unknowns y, into the arena."""
    law, n = code[LAW_AT], code[STATES]
    for i in range(n):
        arena[i] = y[i]
    fill_inputs(time, table, code, arena, n, y, n)
    count, pt = code[law + PARAMETERS], code[law + TRANSPOSED_AT]
    evaluate_instructions(code, code[FIRST], code[MIDDLE], table[:count], table[pt : pt + count], arena, 1)


@helper
def flow_between_ticks(context, u, memory, table, code, F, D):
    """``(G - leak y) / tau`` of what flows, 0 of the rest, with derivatives by what flows."""
    law, n, size, drive = code[LAW_AT], code[STATES], code[SIZE], code[DRIVE_AT]
    work, y = flat(memory), flat(u)
    arena = work[:size]
    evaluate_drives(context[TIME], y, table, code, arena)
    rate, leak = code[law + RATE_AT], code[law + LEAK_AT]
    for i in range(F.shape[0]):
        F[i, 0] = 0.0
        if i < n and table[rate + i] != 0.0:
            F[i, 0] = table[rate + i] * (arena[drive + i] - table[leak + i] * y[i])
    k = code[law + DIRECTIONS]
    if context[WANT_DERIVATIVES] == 0.0 or k == 0 or work.size < size * (1 + k):
        return
    tangent = work[size : size * (1 + k)]
    tangent[:] = 0.0
    states = code[law + STATES_AT]
    for i in range(n):
        r = states + i * STATE_WORDS
        if code[r + 2] >= 0:
            tangent[code[r] * k + code[r + 2] * code[r + 1] + i - code[r]] = 1.0
    count, pt = code[law + PARAMETERS], code[law + TRANSPOSED_AT]
    tangent_instructions(
        code, code[FIRST], code[MIDDLE], table[:count], table[pt : pt + count], arena, tangent, k, k
    )  # fmt: skip
    entries = states + n * STATE_WORDS
    for q in range(code[law + ENTRIES]):
        i, j = code[entries + q * ENTRY_WORDS], code[entries + q * ENTRY_WORDS + 1]
        r, group = states + i * STATE_WORDS, code[states + j * STATE_WORDS + 2]
        D[i, j, 0] = table[rate + i] * tangent[(drive + code[r]) * k + group * code[r + 1] + i - code[r]]
        if i == j:
            D[i, i, 0] -= table[rate + i] * table[leak + i]


@kernel
def graph_flow(context, u, p, memory, table, code, F, D):
    """`flow_between_ticks`."""
    flow_between_ticks(context, u, memory, table, code, F, D)


@helper
def apply_clocks(context, u, memory, table, code, F):
    """After an accepted step: at a tick clocked states jump, held inputs move on, holds sample, in this order."""
    for i in range(F.shape[0]):
        F[i, 0] = u[i, 0]
    if context[CORNER] == 0.0:
        return
    time = context[TIME]
    law, n, drive = code[LAW_AT], code[STATES], code[DRIVE_AT]
    work, y, now = flat(memory), flat(u), flat(F)
    arena = work[: code[SIZE]]
    jumps, holds = False, False
    for q in range(code[law + CLOCKS]):
        r = code[law + CLOCKS_AT] + q * CLOCK_WORDS
        if _ticks(time, table[code[r]], table[code[r] + 1]) >= 0:
            jumps = jumps or code[r + 1] > 0
            holds = holds or code[r + 2] > 0
    if jumps:
        evaluate_drives(time, y, table, code, arena)
        lower, upper = code[law + BOUNDS_AT], code[law + BOUNDS_AT] + n
        for q in range(code[law + CLOCKS]):
            r = code[law + CLOCKS_AT] + q * CLOCK_WORDS
            if _ticks(time, table[code[r]], table[code[r] + 1]) >= 0:
                for e in range(code[r + 3], code[r + 3] + code[r + 1]):
                    i = code[e]
                    now[i] = arena[drive + i]
                    if now[i] < table[lower + i]:
                        now[i] = table[lower + i]
                    elif now[i] > table[upper + i]:
                        now[i] = table[upper + i]
    for q in range(code[law + DRIVEN]):
        r = code[law + DRIVEN_AT] + q * INPUT_WORDS
        if code[r] == HELD:
            size, place, count = code[r + 2], code[r + 3], code[r + 4]
            k = _ticks(time, table[place], 0.0)
            if 0 <= k < count:
                for j in range(size):
                    now[n + code[r + 5] + j] = table[place + 1 + k * size + j]
    if holds:
        evaluate_drives(time, now, table, code, arena)
        for q in range(code[law + CLOCKS]):
            r = code[law + CLOCKS_AT] + q * CLOCK_WORDS
            if _ticks(time, table[code[r]], table[code[r] + 1]) >= 0:
                start = code[r + 3] + code[r + 1]
                for e in range(start, start + code[r + 2]):
                    now[code[e]] = arena[drive + code[e]]


@kernel
def graph_ticks(context, u, p, memory, table, code, F, D):
    """`apply_clocks`."""
    apply_clocks(context, u, memory, table, code, F)


@driver(lambda: signature_of(*"rrcrr"))
def inputs_at(times, table, code, samples, u):
    """u, shape (points * inputs), at many times; `samples`, shape (points * held unknowns), where inputs are held."""
    inputs, held = code[INPUTS], code[code[LAW_AT] + HELD_UNKNOWNS]
    for k in range(times.size):
        fill_inputs(times[k], table, code, u, k * inputs, samples, k * held)
