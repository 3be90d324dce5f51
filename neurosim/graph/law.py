"""The one compiled law of every signal graph that runs in the engine: flow between ticks, and the jumps at ticks.

The engine's unknowns are the states and holds y of the array program, then the samples of held inputs, whose rate is
0. `code` is the program's with a table at ``code[LAW_AT]`` (see `WORDS_OF_LAW`), `table` holds p, its transposed
weights, and the numbers below. Records in `code`:

- node of flowing states: offset, size, number of its first direction;
- input: kind, offset in u, size, place in `table`, count, first unknown of its samples (`HELD`). In `table`: values
  (`CONSTANT`); dt, then count samples (`HELD`); count times, then count values (`INTERPOLATED`); a stored waveform of
  count numbers (`WAVEFORM`, see `neurosim.devices.waveforms`);
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

WORDS_OF_LAW = 13
(
    PARAMETERS, TRANSPOSED_AT, RATE_AT, LEAK_AT, BOUNDS_AT, NODES, NODES_AT, DIRECTIONS, DRIVEN, DRIVEN_AT, CLOCKS,
    CLOCKS_AT, HELD_UNKNOWNS,
) = range(WORDS_OF_LAW)  # fmt: skip
"""Table of the law: length of p; places in `table` of the transposed p, of 1/tau (0 where a clock moves the element),
of the leaks, of lower then upper bounds; number and place of node records; number of flowing elements; number and
place of input records; number and place of clock records; number of unknowns that hold samples."""

NODE_WORDS, INPUT_WORDS, CLOCK_WORDS = 3, 6, 4
"""Words of one record."""

CONSTANT, HELD, INTERPOLATED, WAVEFORM = range(4)
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
def _evaluate_drives(time, y, table, code, arena):
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
    work, y = memory.reshape(memory.size), u.reshape(u.size)
    arena = work[:size]
    _evaluate_drives(context[TIME], y, table, code, arena)
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
    nodes, first = code[law + NODES], code[law + NODES_AT]
    for q in range(nodes):
        r = first + q * NODE_WORDS
        for j in range(code[r + 1]):
            tangent[code[r] * k + (code[r + 2] + j) * code[r + 1] + j] = 1.0
    count, pt = code[law + PARAMETERS], code[law + TRANSPOSED_AT]
    tangent_instructions(
        code, code[FIRST], code[MIDDLE], table[:count], table[pt : pt + count], arena, tangent, k, k
    )  # fmt: skip
    for q in range(nodes):
        r = first + q * NODE_WORDS
        row, rows = code[r], code[r + 1]
        for s in range(nodes):
            c = first + s * NODE_WORDS
            for m in range(code[c + 1]):
                at = (drive + row) * k + (code[c + 2] + m) * rows
                for j in range(rows):
                    D[row + j, code[c] + m, 0] = table[rate + row + j] * tangent[at + j]
        for j in range(rows):
            i = row + j
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
    work, y, now = memory.reshape(memory.size), u.reshape(u.size), F.reshape(F.size)
    arena = work[: code[SIZE]]
    jumps, holds = False, False
    for q in range(code[law + CLOCKS]):
        r = code[law + CLOCKS_AT] + q * CLOCK_WORDS
        if _ticks(time, table[code[r]], table[code[r] + 1]) >= 0:
            jumps = jumps or code[r + 1] > 0
            holds = holds or code[r + 2] > 0
    if jumps:
        _evaluate_drives(time, y, table, code, arena)
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
        _evaluate_drives(time, now, table, code, arena)
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
