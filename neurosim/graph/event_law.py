"""What happens at ticks of events, compiled: one meaning for the engine (at located times) and for digital networks.

All that events need beside the flow lies in three arrays: `c` (int64, begins with `WORDS_OF_EVENTS` words), `table`,
and `memory`, which lasts from instant to instant. Places in `c` count from its start, those in `table` from the start
of the part of events, those in `memory` alike. In the engine these parts stand behind what `neurosim.graph.law` needs,
and the last words of `code` say where (`CODE_PLACE`, `TABLE_PLACE`, `MEMORY_PLACE` from its end).

Two array programs are run: *watch*, whose outputs are the drives of the events and of what they clock, and *pulses*,
whose inputs are u and the ticks that arrive, and whose drives are what these add to the states.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.graph.law import apply_clocks, fill_inputs, flow_between_ticks
from neurosim.kernels.abi import CORNER, HALT, NEXT_STEP, STEP, TIME, WANT_DERIVATIVES, driver, helper, kernel
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    LAST,
    MIDDLE,
    OUTPUT_AT,
    SIZE,
    STATES,
    evaluate_instructions,
)
from neurosim.kernels.saltation import FOLLOW, NO_SCRIPT, WRITE
from neurosim.kernels.unchecked import flat

CODE_PLACE, TABLE_PLACE, MEMORY_PLACE = -1, -2, -3

WORDS_OF_EVENTS = 38
(
    EVENTS, STATE_COUNT, INPUT_COUNT, TICK_INPUTS, RESETS, RESETS_AT, CLOCKED, CLOCKED_AT, DELAYS, SENDINGS,
    SENDINGS_AT, RING, WATCH_AT, WATCH_LENGTH, PULSES_AT, PULSES_LENGTH, LOG_CAPACITY, WATCHED,
    THRESHOLDS, PAUSES, DELAY_VALUES, RESET_VALUES, BOUNDS, WATCH_P, WATCH_COUNT, PULSES_P, PULSES_COUNT,
    ARMED, RELEASE, LAST_TICK, TICKS, NEW_TICKS, DRIVES, HELD_STATES, ARRIVING, QUEUES, ARENA, LOG,
) = range(WORDS_OF_EVENTS)  # fmt: skip
"""Numbers of event elements, states, inputs, and elements of ticks that arrive (an event once for each of its delays);
number and place of `RESET_WORDS` records and of `CLOCKED_WORDS` records; number of delays; `SENDING_WORDS` records;
entries of each queue; place and length of both programs; records of the log; outputs of the watch program. Then places
in `table`: thresholds, refractory times, delays, reset values, lower and upper bounds of states, parameters of the
programs (and their transposes) with their numbers. Then places in `memory`: 1 where an event is armed; end of its
refractory time (-inf if none); its last tick; ticks in this instant, and in this round; drives; 1 where a state is
held; u and arriving ticks; queues; an arena; the log."""

RESET_WORDS, CLOCKED_WORDS, SENDING_WORDS = 7, 6, 4
"""Reset: kind, first event element, its stride, number of states, first state, place of the values, 1 if refractory.
Clocked: first event element, its stride, number of states, first state, place in the outputs of watch, 1 for a hold.
Sending: first event element, number, delay (-1 for none), first arriving element."""

TO, BY, FACTOR = range(3)

QUEUE_WORDS = 3
"""Of an entry of a queue: time, arriving element, number of ticks. A queue begins with its first entry and its
length."""

CHAIN = 1000
"""Most rounds of ticks at one instant."""

TOGETHER = 1e-12
"""Drives that miss the threshold by this share of it tick too when another event ticks: they differ by rounding."""

ZENO = 1e-12
"""Share of the time below which two ticks of one element, at different times, are too close."""

CAUTION = 0.01
"""The step that follows a tick of an event that stays above its threshold, as a share of the step before."""

QUIET, TICKED, CHAIN_ENDLESS, TOO_CLOSE, QUEUE_FULL = range(5)
"""What `judge` found; the last three are failures."""

LOG_HEAD = 5
FAILURE, ELEMENT, LOGGED, SCRIPT, ROUNDS = range(LOG_HEAD)
"""Entries of the log's head: what failed, for which event element, and the number of records. A record has the time,
the ticks of each event element, the states before and after. Then what is done with the script that stands in place of
the records, and its number of rounds: see `neurosim.kernels.saltation`."""


@helper
def _watch(y, u, c, table, memory):
    """Drives of events, and of what they clock, at y."""
    program = c[c[WATCH_AT] : c[WATCH_AT] + c[WATCH_LENGTH]]
    n, inputs, outputs = c[STATE_COUNT], c[INPUT_COUNT], c[WATCHED]
    arena = memory[c[ARENA] : c[ARENA] + program[SIZE]]
    arena[:n] = y[:n]
    arena[n : n + inputs] = u[:inputs]
    at, count = c[WATCH_P], c[WATCH_COUNT]
    evaluate_instructions(
        program, program[MIDDLE], program[LAST], table[at : at + count], table[at + count : at + 2 * count], arena, 1
    )  # fmt: skip
    memory[c[DRIVES] : c[DRIVES] + outputs] = arena[program[OUTPUT_AT] : program[OUTPUT_AT] + outputs]


@helper
def _pulses(y, u, c, table, memory):
    """Place in `memory` of what the arriving ticks add to each state, weights and other factors taken at y."""
    program = c[c[PULSES_AT] : c[PULSES_AT] + c[PULSES_LENGTH]]
    n, inputs, ticks = c[STATE_COUNT], c[INPUT_COUNT], c[TICK_INPUTS]
    arena = memory[c[ARENA] : c[ARENA] + program[SIZE]]
    arena[:n] = y[:n]
    arena[n : n + inputs] = u[:inputs]
    arena[n + inputs : n + inputs + ticks] = memory[c[ARRIVING] : c[ARRIVING] + ticks]
    at, count = c[PULSES_P], c[PULSES_COUNT]
    evaluate_instructions(
        program, program[FIRST], program[MIDDLE], table[at : at + count], table[at + count : at + 2 * count], arena, 1
    )  # fmt: skip
    return c[ARENA] + program[DRIVE_AT]


@helper
def _add(y, place, c, table, memory):
    """Add to the states that are not held, and keep all in their bounds."""
    n = c[STATE_COUNT]
    for i in range(n):
        if place >= 0 and memory[c[HELD_STATES] + i] == 0.0:
            y[i] += memory[place + i]
        y[i] = min(max(y[i], table[c[BOUNDS] + i]), table[c[BOUNDS] + n + i])


@helper
def _hold_states(c, memory):
    """Mark the states that refractory events hold."""
    memory[c[HELD_STATES] : c[HELD_STATES] + c[STATE_COUNT]] = 0.0
    for q in range(c[RESETS]):
        r = c[RESETS_AT] + q * RESET_WORDS
        if c[r + 6] != 0:
            for j in range(c[r + 3]):
                if memory[c[RELEASE] + c[r + 1] + j * c[r + 2]] > -np.inf:
                    memory[c[HELD_STATES] + c[r + 4] + j] = 1.0


@helper
def _reset(y, c, table, memory):
    """Reset what belongs to the new ticks."""
    for q in range(c[RESETS]):
        r = c[RESETS_AT] + q * RESET_WORDS
        for j in range(c[r + 3]):
            if memory[c[NEW_TICKS] + c[r + 1] + j * c[r + 2]] != 0.0:
                i, value = c[r + 4] + j, table[c[RESET_VALUES] + c[r + 5] + j]
                if c[r] == TO:
                    y[i] = value
                elif c[r] == BY:
                    y[i] -= value
                else:
                    y[i] *= value


@helper
def _sample(y, c, memory, is_hold):
    """Put what new ticks clock to the drives that were watched last."""
    for q in range(c[CLOCKED]):
        r = c[CLOCKED_AT] + q * CLOCKED_WORDS
        if c[r + 5] == is_hold:
            for j in range(c[r + 2]):
                if memory[c[NEW_TICKS] + c[r] + j * c[r + 1]] != 0.0:
                    y[c[r + 3] + j] = memory[c[DRIVES] + c[r + 4] + j]


@helper
def _send(time, c, table, memory):
    """New ticks without delay arrive at once, others are queued; returns an element whose queue is full, or -1."""
    memory[c[ARRIVING] : c[ARRIVING] + c[TICK_INPUTS]] = 0.0
    for q in range(c[SENDINGS]):
        r = c[SENDINGS_AT] + q * SENDING_WORDS
        for j in range(c[r + 1]):
            if memory[c[NEW_TICKS] + c[r] + j] == 0.0:
                continue
            if c[r + 2] < 0:
                memory[c[ARRIVING] + c[r + 3] + j] += 1.0
                continue
            queue = c[QUEUES] + c[r + 2] * (2 + QUEUE_WORDS * c[RING])
            if memory[queue + 1] >= c[RING]:
                return c[r] + j
            place = (int(memory[queue]) + int(memory[queue + 1])) % c[RING]
            at = queue + 2 + QUEUE_WORDS * place
            memory[at] = time + table[c[DELAY_VALUES] + c[r + 2]]
            memory[at + 1] = c[r + 3] + j
            memory[queue + 1] += 1.0
    return -1


@helper
def _receive(time, c, memory):
    """Take what is due out of the queues; return whether there was any."""
    memory[c[ARRIVING] : c[ARRIVING] + c[TICK_INPUTS]] = 0.0
    found = False
    for d in range(c[DELAYS]):
        queue = c[QUEUES] + d * (2 + QUEUE_WORDS * c[RING])
        while memory[queue + 1] > 0.0:
            at = queue + 2 + QUEUE_WORDS * int(memory[queue])
            if memory[at] > time:
                break
            memory[c[ARRIVING] + int(memory[at + 1])] += 1.0
            memory[queue] = (memory[queue] + 1.0) % c[RING]
            memory[queue + 1] -= 1.0
            found = True
    return found


@helper
def judge(time, slack, before, y, u, c, table, memory):
    """All that happens at one instant: refractory times end, late pulses arrive, events tick in rounds until none does.

    Parameters
    ----------
    time, slack : float
        What is due until ``time + slack`` is due now.
    before, y : float64[states]
        States when the instant began, for the log; states, changed in place.
    u : float64[inputs]

    Returns
    -------
    int
        `QUIET`, `TICKED`, or a failure, which is noted in the log.
    """
    events, n = c[EVENTS], c[STATE_COUNT]
    armed, release, last, ticks, new = c[ARMED], c[RELEASE], c[LAST_TICK], c[TICKS], c[NEW_TICKS]
    memory[ticks : ticks + events] = 0.0
    for e in range(events):
        if memory[release + e] <= time + slack:
            memory[release + e] = -np.inf
    _hold_states(c, memory)
    if _receive(time + slack, c, memory):
        _add(y, _pulses(y, u, c, table, memory), c, table, memory)
    found = QUIET
    head, rounds = c[LOG], 0
    mode, room = memory[head + SCRIPT], c[LOG_CAPACITY] * (1 + events + 2 * n)
    for depth in range(CHAIN + 1):
        _watch(y, u, c, table, memory)
        any_new = False
        line = head + LOG_HEAD + depth * events
        if mode == FOLLOW and depth < memory[head + ROUNDS]:
            memory[new : new + events] = memory[line : line + events]
            any_new = True
        for e in range(events if mode != FOLLOW else 0):
            memory[new + e] = 0.0
            drive, threshold = memory[c[DRIVES] + e], table[c[THRESHOLDS] + e]
            low = threshold - TOGETHER * abs(threshold)
            if memory[release + e] > -np.inf:
                continue
            if drive < low:
                memory[armed + e] = 1.0
            elif memory[armed + e] != 0.0:
                since = time - memory[last + e]
                if depth == CHAIN or 0.0 < since < ZENO * abs(time):
                    memory[c[LOG] + FAILURE] = CHAIN_ENDLESS if depth == CHAIN else TOO_CLOSE
                    memory[c[LOG] + ELEMENT] = e
                    return CHAIN_ENDLESS
                memory[new + e] = 1.0
                memory[armed + e] = 0.0
                memory[ticks + e] += 1.0
                memory[last + e] = time
                any_new = True
        if not any_new:
            break
        found = TICKED
        if mode == WRITE:
            rounds = depth + 1
            if rounds * events > room:
                memory[head + FAILURE] = CHAIN_ENDLESS
                return CHAIN_ENDLESS
            memory[line : line + events] = memory[new : new + events]
        full = _send(time, c, table, memory)
        if full >= 0:
            memory[c[LOG] + FAILURE] = QUEUE_FULL
            memory[c[LOG] + ELEMENT] = full
            return QUEUE_FULL
        _sample(y, c, memory, 0)
        amounts = -1
        if c[TICK_INPUTS] > 0:
            amounts = _pulses(y, u, c, table, memory)
            for i in range(n):
                memory[c[ARRIVING] + c[TICK_INPUTS] + i] = memory[amounts + i]
            amounts = c[ARRIVING] + c[TICK_INPUTS]
        if c[RESETS] > 0:
            for e in range(events):
                memory[c[DRIVES] + c[WATCHED] + e] = memory[c[DRIVES] + e]
            _reset(y, c, table, memory)
            _watch(y, u, c, table, memory)
            for e in range(events):
                # Its own reset took it down: what is left counts as if it had come from below.
                if memory[new + e] != 0.0 and memory[c[DRIVES] + e] < memory[c[DRIVES] + c[WATCHED] + e]:
                    memory[armed + e] = 1.0
                if memory[new + e] != 0.0 and table[c[PAUSES] + e] > 0.0:
                    memory[release + e] = time + table[c[PAUSES] + e]
            _hold_states(c, memory)
        _add(y, amounts, c, table, memory)
        if c[CLOCKED] > 0:
            _watch(y, u, c, table, memory)
            _sample(y, c, memory, 1)
    if mode == WRITE:
        memory[head + ROUNDS] = rounds
    if found == TICKED and mode == NO_SCRIPT and c[LOG_CAPACITY] > 0:
        width = 1 + events + 2 * n
        at = c[LOG] + LOG_HEAD + int(memory[c[LOG] + LOGGED]) * width
        memory[at] = time
        memory[at + 1 : at + 1 + events] = memory[ticks : ticks + events]
        memory[at + 1 + events : at + 1 + events + n] = before[:n]
        memory[at + 1 + events + n : at + 1 + events + 2 * n] = y[:n]
        memory[c[LOG] + LOGGED] += 1.0
    return found


@kernel
def flow_with_held_states(context, u, p, memory, table, code, F, D):
    """The flow, but 0 for states that refractory events hold."""
    flow_between_ticks(context, u, memory[: code[MEMORY_PLACE]], table, code, F, D)
    c = code[code[CODE_PLACE] :]
    held = code[MEMORY_PLACE] + c[HELD_STATES]
    for i in range(c[STATE_COUNT]):
        if memory[held + i, 0] != 0.0:
            F[i, 0] = 0.0
            if context[WANT_DERIVATIVES] != 0.0:
                D[i, :, 0] = 0.0


@kernel
def event_functions(context, u, p, memory, table, code, F, D):
    """What crosses 0 upwards where something happens: drives less thresholds, ends of refractory times, arrivals."""
    c, work, y = code[code[CODE_PLACE] :], flat(memory), flat(u)
    mine, own = work[code[MEMORY_PLACE] :], table[code[TABLE_PLACE] :]
    inputs = mine[c[ARRIVING] - c[INPUT_COUNT] : c[ARRIVING]]
    fill_inputs(context[TIME], table, code, inputs, 0, y, code[STATES])
    _watch(y, inputs, c, own, mine)
    for e in range(c[EVENTS]):
        F[e, 0] = 1.0
        if mine[c[RELEASE] + e] > -np.inf:
            F[e, 0] = context[TIME] - mine[c[RELEASE] + e]
        elif mine[c[ARMED] + e] != 0.0:
            F[e, 0] = mine[c[DRIVES] + e] - own[c[THRESHOLDS] + e]
    for d in range(c[DELAYS]):
        queue = c[QUEUES] + d * (2 + QUEUE_WORDS * c[RING])
        F[c[EVENTS] + d, 0] = 1.0
        if mine[queue + 1] > 0.0:
            F[c[EVENTS] + d, 0] = context[TIME] - mine[queue + 2 + QUEUE_WORDS * int(mine[queue])]


@kernel
def ticks_of_clocks_and_events(context, u, p, memory, table, code, F, D):
    """After an accepted step: first what clocks do, then what events do."""
    apply_clocks(context, u, memory, table, code, F)
    c, work = code[code[CODE_PLACE] :], flat(memory)
    mine, y, before = work[code[MEMORY_PLACE] :], flat(F), flat(u)
    judged = context[CORNER] != 0.0
    for e in range(c[EVENTS]):
        judged = judged or mine[c[ARMED] + e] == 0.0
    if not judged:
        return
    inputs = mine[c[ARRIVING] - c[INPUT_COUNT] : c[ARRIVING]]
    fill_inputs(context[TIME], table, code, inputs, 0, y, code[STATES])
    found = judge(context[TIME], 0.0, before, y, inputs, c, table[code[TABLE_PLACE] :], mine)
    for e in range(c[EVENTS]):
        # What ticked must be seen to fall below its threshold before it can tick again.
        if mine[c[TICKS] + e] != 0.0 and mine[c[ARMED] + e] == 0.0:
            context[NEXT_STEP] = CAUTION * context[STEP]
    if found > TICKED or mine[c[LOG] + LOGGED] >= c[LOG_CAPACITY]:
        context[HALT] = 1.0


@kernel
def nothing(context, u, p, memory, table, code, F, D):
    """The jump of event functions: all was done when the step was accepted."""


def _sampled_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(types.f8, types.f8, types.i8, real, real, types.Array(types.i8, 1, "C"), real, real)


@driver(_sampled_signature)
def judge_samples(time, slack, samples, y, u, c, table, memory):
    """`judge` for many samples, whose states, inputs and memories stand one after the other; the number of the first
    that failed, or -1."""
    n, inputs, size = c[STATE_COUNT], c[INPUT_COUNT], memory.size // samples
    for s in range(samples):
        own = y[s * n : (s + 1) * n]
        found = judge(
            time, slack, own, own, u[s * inputs : (s + 1) * inputs], c, table, memory[s * size : (s + 1) * size]
        )
        if found > TICKED:
            return s
    return -1


@driver(_sampled_signature)
def begin_samples(time, slack, samples, y, u, c, table, memory):
    """Set the memories for a start at y, where only what is below its threshold is armed; returns -1."""
    n, inputs, size = c[STATE_COUNT], c[INPUT_COUNT], memory.size // samples
    memory[:] = 0.0
    for s in range(samples):
        mine = memory[s * size : (s + 1) * size]
        _watch(y[s * n : (s + 1) * n], u[s * inputs : (s + 1) * inputs], c, table, mine)
        for e in range(c[EVENTS]):
            mine[c[RELEASE] + e], mine[c[LAST_TICK] + e] = -np.inf, -np.inf
            threshold = table[c[THRESHOLDS] + e]
            if mine[c[DRIVES] + e] < threshold - TOGETHER * abs(threshold):
                mine[c[ARMED] + e] = 1.0
    return -1
