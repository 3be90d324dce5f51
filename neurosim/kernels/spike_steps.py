"""Networks of spiking neurons on a grid of time: exact steps between ticks, ticks at the end of a step.

Between ticks the states of a neuron are a small linear system, which one step carries exactly to the next point of the
grid: ``y <- P y + q`` with ``P = exp(A h)`` (S. Rotter, M. Diesmann, Biol. Cybern. 81, 381 (1999), doi
10.1007/s004220050570). States of one kind lie side by side, so that a step runs on vector registers.

At the end of a step, in this order: pulses arrive that were sent their delay ago; events tick whose drive has reached
the threshold; what they reset is reset; pulses without a delay arrive; ticks behind synapses that learn change their
weights. A pulse is read from the log of ticks when it is due, so nothing has to be kept for each synapse under way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver, helper
from neurosim.kernels.element_program import BLOCK, step_elements
from neurosim.kernels.functions import fast_exp, fused
from neurosim.kernels.random_numbers import exponential_number, normal_numbers
from neurosim.kernels.spike_vectors import (
    fade,
    held_one,
    held_three,
    held_two,
    leak_one,
    leak_two,
    lowest_bit,
    reaches,
    reaches_own,
    step_one,
    step_three,
    step_two,
)
from neurosim.kernels.synapse_vectors import recover
from neurosim.kernels.unchecked import at, copy, put

WATCHED_TOGETHER = 64
"""Elements that are looked at one by one where any has reached its threshold."""

SWEPT_EVERY, NOTHING = 256, 1e-250
"""Steps after which states nearer to zero than this become zero: numbers below 1e-308 take a processor a hundred times
as long, and a silent synapse would get there in seconds."""

(
    CLUSTERS, CLUSTERS_AT, EVENTS, EVENTS_AT, PROJECTIONS, PROJECTIONS_AT, SLOTS, INPUTS, COUPLINGS, COUPLINGS_AT,
    SAMPLED, SAMPLED_AT, ELEMENTS, NOISY, NOISE_AT, FLOWING, HEAD,
) = range(17)  # fmt: skip
"""Head of `code`: numbers of parts, and where their records begin. SLOTS is the longest delay in steps, plus 1;
ELEMENTS counts those of all events; NOISY normal numbers a step are drawn, to NOISE_AT in `work`; FLOWING counts
states."""

SIZE, STATES, PLACE, HELD_BY, TERMS_AT, PROGRAM_END, CLUSTER_WORDS = range(7)
"""A cluster: neurons, states of one, place of its first state (state i of neuron e is at PLACE + i SIZE + e), where the
ends of its refractory times begin or -1, and its program (`neurosim.kernels.element_program`) to PROGRAM_END, or, where
that is 0, its groups of states that are stepped together: how many, then each."""

OF_STATE, DRIVE, IS_HELD, FORM, TERMS, TERM_WORDS = range(6)
"""A state of a group: its number; its place in `q`; whether a refractory neuron holds it; `FADES` (it is multiplied by
its one coefficient), `PLAIN` (a few coefficients, the same for all neurons), `GENERAL`, or `LEAKS`; how many terms
follow, each a state, the place of its coefficient and 1 where neurons differ. `LEAKS` is a held state with itself as
first of two or three plain terms, of states that fade and come next in the group; behind its terms are the place of its
threshold in the table, -1 if it has none to be looked for, and where its bits in `hits` begin."""

FADES, PLAIN, GENERAL, LEAKS = range(4)
LEAKS_WORDS = 2

(
    EVENT_SIZE, WATCHED, THRESHOLD, THRESHOLD_STRIDE, PAUSE, PAUSE_STRIDE, FIRST_ELEMENT, RESETS_FROM, RESETS_TO, GIVEN,
    GIVEN_END, HITS, EVENT_WORDS,
) = range(13)  # fmt: skip
"""An event: elements; place of what it watches, -1 where its ticks are given; thresholds; refractory times [steps]; its
first element; records of resets; the next of its given ticks (moved on by the run) and their end; where the bits of
elements at or above the threshold begin in `hits`, -1 where nobody writes them."""

RESET_KIND, RESET_STATE, RESET_VALUE, RESET_STRIDE, RESET_WORDS = range(5)
"""A reset: number in `neurosim.graph.signal_graph.RESETS`, place of the state, place of the value, its stride."""

(
    EVENT, LOW, SOURCES, POINTERS, TARGET, SYNAPSES, COUNT, WEIGHT, WEIGHT_STRIDE, DELAY, KIND, PARAMETERS,
    PARAMETERS_STRIDE, LOST_BY, MEMORY, ARRIVALS, PROJECTION_WORDS,
) = range(17)  # fmt: skip
"""A projection: its event, the first element that it takes and how many; where its pointers, its target state, its
synapses (in `targets`) and its weights (in `strengths`) begin, and how many synapses there are; delay [steps]; `STATIC`
`SHORT_TERM` or `LEARNING`; where U, 1/D and 1/F [1/steps] begin, or in `code` its rule; where the ends of refractory
times of its targets begin, -1 if none loses pulses; where u and R of its synapses (its traces) and the last arrivals
from its sources (and ticks of its targets) are. Weights that learn are kept in `y`."""

STATIC, SHORT_TERM, LEARNING = range(3)

POST_EVENT, POST_FIRST, POST_POINTERS, POST_SYNAPSES, POST_SOURCES, CONSTANTS, NEAREST, SOFT, RULE_WORDS = range(9)
"""The rule of a projection that learns (`neurosim.graph.spike_timing`): number and first element of the event behind
its synapses; where pointers, and in `targets` the numbers of the synapses of each target and their sources begin; where
its constants begin; 1 if only the last tick counts; 1 if the bounds are soft."""

(
    PAIR_PLUS, TRIPLET_PLUS, PAIR_MINUS, TRIPLET_MINUS, RATE_PLUS, RATE_MINUS, RATE_X, RATE_Y, LEAST, MOST, GAIN,
) = range(11)  # fmt: skip
"""Constants of a rule; rates of decay in 1/steps. Traces are r, r2 of all sources, then o, o2 of all targets."""

(
    NOW, STOP, LOGGED, ROWS, FIRST_ROW, READ, SAMPLE, DISARMED, BEFORE, SEED, PLAN,
) = range(11)  # fmt: skip
"""Entries of `plan`: the last step that was made, and the one to stop after; ticks in the log; rows of `inputs` (0: all
inputs are constant), one a step, and the step of the first; the next of `reads`, and the place of the next sample;
elements that are not armed; the last step before this call; the seed of noise."""


def _signature() -> Any:
    from numba import types

    whole, real, small = (types.Array(kind, 1, "C") for kind in (types.i8, types.f8, types.i4))
    return types.void(
        whole, whole, real, real, real, real, real, whole, whole, whole, small, real, real, whole, small, whole, small,
        small, small, real, real, whole, whole,
    )  # fmt: skip


@helper
def step_state(code, b, table, d, d_at, y, place, n, first, q, release, free, now, m):
    """Put one state after a step, of the block of `m` neurons from `first`, into d."""
    old, held, count, q_at = place + code[b + OF_STATE] * n + first, code[b + IS_HELD], code[b + TERMS], code[b + DRIVE]
    t = b + TERM_WORDS
    if code[b + FORM] == PLAIN:
        f0, s0 = at(table, code[t + 1]), place + code[t] * n + first
        f1, s1, f2, s2 = 0.0, 0, 0.0, 0
        if count > 1:
            f1, s1 = at(table, code[t + 4]), place + code[t + 3] * n + first
        if count > 2:
            f2, s2 = at(table, code[t + 7]), place + code[t + 6] * n + first
        if held != 0:
            if count == 1:
                held_one(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
            elif count == 2:
                held_two(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
            else:
                held_three(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
        elif count == 1:
            step_one(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
        elif count == 2:
            step_two(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
        else:
            step_three(d, d_at, y, old, q, q_at + first, release, free, now, m, f0, s0, f1, s1, f2, s2)
        return
    copy(d, d_at, q, q_at + first, m)
    for _ in range(count):
        source, factor = place + code[t] * n + first, code[t + 1]
        if code[t + 2] != 0:
            for e in range(m):
                put(d, d_at + e, fused(at(table, factor + first + e), at(y, source + e), at(d, d_at + e)))
        else:
            value = table[factor]
            for e in range(m):
                put(d, d_at + e, fused(value, at(y, source + e), at(d, d_at + e)))
        t += 3
    if held != 0:
        for e in range(m):
            other, kept = at(d, d_at + e), at(y, old + e)
            put(d, d_at + e, kept if at(release, free + e) >= now else other)


@helper
def leak(code, b, table, y, place, n, first, q, release, free, now, m, hits):
    """Step a state that leaks, and the states that drive it and fade."""
    held, q_at, t = place + code[b + OF_STATE] * n + first, code[b + DRIVE] + first, b + TERM_WORDS
    threshold, word = code[t + 3 * code[b + TERMS]], code[t + 3 * code[b + TERMS] + 1] + first // 64
    level = np.inf if threshold < 0 else at(table, threshold)
    f, f1, s1 = at(table, code[t + 1]), at(table, code[t + 4]), place + code[t + 3] * n + first
    fading = t + 3 * code[b + TERMS] + LEAKS_WORDS + TERM_WORDS + 1
    g1 = at(table, code[fading])
    if code[b + TERMS] == 2:
        leak_one(y, held, q, q_at, release, free, now, m, f, f1, s1, g1, 0.0, 0, 0.0, level, hits, word)
    else:
        f2, s2, g2 = at(table, code[t + 7]), place + code[t + 6] * n + first, at(table, code[fading + TERM_WORDS + 3])
        leak_two(y, held, q, q_at, release, free, now, m, f, f1, s1, g1, f2, s2, g2, level, hits, word)


@helper
def sweep(y, count):
    """Make nothing of what is next to nothing."""
    for k in range(count):
        value = at(y, k)
        put(y, k, 0.0 if -NOTHING < value < NOTHING else value)


@helper
def step_cluster(code, c, table, y, q, release, now, work, hits):
    """Carry the neurons of one cluster over a step.

    A state is stepped where it is once all states that it feeds are; states that feed each other in a circle are worked
    out beside their old values.
    """
    n, k, place = code[c + SIZE], code[c + STATES], code[c + PLACE]
    held_by, terms = code[c + HELD_BY], code[c + TERMS_AT]
    for first in range(0, n, BLOCK):
        m, free = min(BLOCK, n - first), held_by + first
        a, done = terms, 0
        while done < k:
            together, b = code[a], a + 1
            if code[b + FORM] == FADES:
                fade(y, place + code[b + OF_STATE] * n + first, at(table, code[b + TERM_WORDS + 1]), m)
                b += TERM_WORDS + 3
            elif code[b + FORM] == LEAKS:
                leak(code, b, table, y, place, n, first, q, release, free, now, m, hits)
                b += TERM_WORDS + 3 * code[b + TERMS] + LEAKS_WORDS + (together - 1) * (TERM_WORDS + 3)
            elif together == 1 and code[b + FORM] == PLAIN:
                step_state(
                    code, b, table, y, place + code[b + OF_STATE] * n + first, y, place, n, first, q, release, free,
                    now, m,
                )  # fmt: skip
                b += TERM_WORDS + 3 * code[b + TERMS]
            else:
                for i in range(together):
                    step_state(code, b, table, work, i * BLOCK, y, place, n, first, q, release, free, now, m)
                    b += TERM_WORDS + 3 * code[b + TERMS]
                b = a + 1
                for i in range(together):
                    copy(y, place + code[b + OF_STATE] * n + first, work, i * BLOCK, m)
                    b += TERM_WORDS + 3 * code[b + TERMS]
            a = b
            done += together


@helper
def deliver(code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory, arrivals):
    """Let the ticks `low` to `high` of the log arrive through one projection."""
    if code[p + KIND] == SHORT_TERM:
        deliver_short_term(
            code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory, arrivals
        )  # fmt: skip
        return
    first, sources, target, places = code[p + LOW], code[p + SOURCES], code[p + TARGET], code[p + POINTERS]
    weight, each, lost_by = code[p + WEIGHT], code[p + WEIGHT_STRIDE], code[p + LOST_BY]
    ends, learns = code[p + SYNAPSES], code[p + KIND] == LEARNING
    for tick in range(low, high):
        source = at(elements, tick) - first
        if source < 0 or source >= sources:
            continue
        start, stop = at(pointers, places + source), at(pointers, places + source + 1)
        if learns:
            depress(code, p, now, source, start, stop, y, release, targets, table, memory, arrivals)
        elif lost_by >= 0:
            for s in range(start, stop):
                e = at(targets, ends + s)
                if at(release, lost_by + e) <= now:
                    put(y, target + e, at(y, target + e) + at(strengths, weight + s * each))
        elif each == 0:
            value = at(strengths, weight)
            for s in range(start, stop):
                e = at(targets, ends + s)
                put(y, target + e, at(y, target + e) + value)
        else:
            for s in range(start, stop):
                e = at(targets, ends + s)
                put(y, target + e, at(y, target + e) + at(strengths, weight + s))


@helper
def deliver_short_term(
    code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory, arrivals
):  # fmt: skip
    """Let ticks arrive through synapses with short-term plasticity: `refresh`, then u R of the weight."""
    first, sources, target, places = code[p + LOW], code[p + SOURCES], code[p + TARGET], code[p + POINTERS]
    weight, each, lost_by = code[p + WEIGHT], code[p + WEIGHT_STRIDE], code[p + LOST_BY]
    ends, u, r, noted = code[p + SYNAPSES], code[p + MEMORY], code[p + MEMORY] + code[p + COUNT], code[p + ARRIVALS]
    for tick in range(low, high):
        source = at(elements, tick) - first
        if source < 0 or source >= sources:
            continue
        start, stop = at(pointers, places + source), at(pointers, places + source + 1)
        if start == stop:
            continue
        last = at(arrivals, noted + source)
        put(arrivals, noted + source, now)
        refresh(code, p, start, stop, -1.0 if last < 0 else float(now - last), table, memory)
        for s in range(start, stop):
            e = at(targets, ends + s)
            if lost_by < 0 or at(release, lost_by + e) <= now:
                sent = at(strengths, weight + s * each) * at(memory, u + s) * at(memory, r + s)
                put(y, target + e, at(y, target + e) + sent)


@helper
def has_synapses(code, p, element, pointers):
    """Whether a tick of this element goes anywhere through one projection."""
    source = element - code[p + LOW]
    if source < 0 or source >= code[p + SOURCES]:
        return False
    return at(pointers, code[p + POINTERS] + source) < at(pointers, code[p + POINTERS] + source + 1)


@helper
def learned(weight, change, table, constants, is_soft):
    """The weight after a change, within its bounds."""
    least, most = table[constants + LEAST], table[constants + MOST]
    if is_soft != 0:
        change *= (most - weight if change > 0.0 else weight - least) / (most - least)
    return min(max(weight + change, least), most)


@helper
def depress(code, p, now, source, start, stop, y, release, targets, table, memory, arrivals):
    """Let a tick arrive at the synapses of a source that learn: its pulses, then the change by ticks behind them."""
    a, sources, target, weight = code[p + PARAMETERS], code[p + SOURCES], code[p + TARGET], code[p + WEIGHT]
    constants, is_soft, lost_by, ends = code[a + CONSTANTS], code[a + SOFT], code[p + LOST_BY], code[p + SYNAPSES]
    before, last = code[p + MEMORY], code[p + ARRIVALS]
    behind, last_behind = before + 2 * sources, last + sources
    gain, rate = table[constants + GAIN], table[constants + RATE_MINUS]
    slow = memory[before + sources + source] * fast_exp((arrivals[last + source] - now) * table[constants + RATE_X])
    amount = -(table[constants + PAIR_MINUS] + table[constants + TRIPLET_MINUS] * slow)
    for s in range(start, stop):
        e, w = at(targets, ends + s), at(y, weight + s)
        if lost_by < 0 or release[lost_by + e] <= now:
            put(y, target + e, at(y, target + e) + gain * w)
        trace = at(memory, behind + e) * fast_exp((at(arrivals, last_behind + e) - now) * rate)
        put(y, weight + s, learned(w, amount * trace, table, constants, is_soft))
    if code[p + DELAY] != 0:
        note_before(code, p, now, source, table, memory, arrivals)


@helper
def note_before(code, p, now, source, table, memory, arrivals):
    """Let the traces of a source know of a tick."""
    a, at_last, fast = code[p + PARAMETERS], code[p + ARRIVALS] + source, code[p + MEMORY] + source
    note(
        now, fast, fast + code[p + SOURCES], at_last, table[code[a + CONSTANTS] + RATE_PLUS],
        table[code[a + CONSTANTS] + RATE_X], code[a + NEAREST], memory, arrivals,
    )  # fmt: skip


@helper
def note(now, fast, slow, at_last, fast_rate, slow_rate, is_nearest, memory, arrivals):
    passed = float(arrivals[at_last] - now)
    kept = 0.0 if is_nearest != 0 else 1.0
    memory[fast] = 1.0 + kept * memory[fast] * fast_exp(passed * fast_rate)
    memory[slow] = 1.0 + kept * memory[slow] * fast_exp(passed * slow_rate)
    arrivals[at_last] = now


@helper
def potentiate(code, p, now, slot, offsets, elements, y, pointers, targets, table, memory, arrivals):
    """Change the weights of a projection by the ticks behind its synapses at this step, and note these ticks.

    Ticks from before that arrive without a delay are noted here too, so that of two at one step neither counts.
    """
    a, sources, weight = code[p + PARAMETERS], code[p + SOURCES], code[p + WEIGHT]
    constants, is_soft, event = code[a + CONSTANTS], code[a + SOFT], code[p + EVENT]
    before, last = code[p + MEMORY], code[p + ARRIVALS]
    rate, behind = table[constants + RATE_PLUS], before + 2 * sources
    low, high = offsets[slot + code[a + POST_EVENT]], offsets[slot + code[a + POST_EVENT] + 1]
    size = code[code[EVENTS_AT] + code[a + POST_EVENT] * EVENT_WORDS + EVENT_SIZE]
    for tick in range(low, high):
        e = elements[tick] - code[a + POST_FIRST]
        passed = float(arrivals[last + sources + e] - now)
        slow = memory[behind + size + e] * fast_exp(passed * table[constants + RATE_Y])
        amount = table[constants + PAIR_PLUS] + table[constants + TRIPLET_PLUS] * slow
        for k in range(pointers[code[a + POST_POINTERS] + e], pointers[code[a + POST_POINTERS] + e + 1]):
            s, source = at(targets, code[a + POST_SYNAPSES] + k), at(targets, code[a + POST_SOURCES] + k)
            trace = at(memory, before + source) * fast_exp((at(arrivals, last + source) - now) * rate)
            put(y, weight + s, learned(at(y, weight + s), amount * trace, table, constants, is_soft))
    if code[p + DELAY] == 0:
        for tick in range(offsets[slot + event], offsets[slot + event + 1]):
            source = elements[tick] - code[p + LOW]
            if 0 <= source < sources:
                note_before(code, p, now, source, table, memory, arrivals)
    for tick in range(low, high):
        e = elements[tick] - code[a + POST_FIRST]
        note(
            now, behind + e, behind + size + e, last + sources + e, table[constants + RATE_MINUS],
            table[constants + RATE_Y], code[a + NEAREST], memory, arrivals,
        )  # fmt: skip


@helper
def refresh(code, p, start, stop, passed, table, memory):
    """Use u and resources R of a source's synapses at an arrival, `passed` steps after the last one (negative: first).

    ``R <- 1 + (R - u R - 1) exp(-t/D)`` with the old u, then ``u <- U + u (1 - U) exp(-t/F)``.
    """
    each, uses, count = code[p + PARAMETERS_STRIDE], code[p + PARAMETERS], code[p + COUNT]
    u, r = code[p + MEMORY], code[p + MEMORY] + count
    if passed < 0.0:
        for s in range(start, stop):
            put(memory, u + s, at(table, uses + s * each))
            put(memory, r + s, 1.0)
        return
    recovery = uses + (count if each != 0 else 1)
    facilitation = recovery + (count if each != 0 else 1)
    if each == 0:
        use = table[uses]
        recovered, faded = fast_exp(-passed * table[recovery]), fast_exp(-passed * table[facilitation])
        for s in range(start, stop):
            old, rest = at(memory, u + s), at(memory, r + s)
            put(memory, r + s, 1.0 + (rest - old * rest - 1.0) * recovered)
            put(memory, u + s, use + old * (1.0 - use) * faded)
        return
    recover(
        memory, u + start, r + start, table, uses + start, recovery + start, facilitation + start, stop - start, passed
    )  # fmt: skip


@helper
def tick(code, v, now, plan, table, y, release, armed, elements, given_steps, given_elements, hits):
    """Log the elements of one event that tick at this step."""
    n, first, watched, logged = code[v + EVENT_SIZE], code[v + FIRST_ELEMENT], code[v + WATCHED], plan[LOGGED]
    if watched < 0:
        next_given = code[v + GIVEN]
        while next_given < code[v + GIVEN_END] and given_steps[next_given] <= now:
            elements[logged] = first + given_elements[next_given]
            logged += 1
            next_given += 1
        code[v + GIVEN] = next_given
        plan[LOGGED] = logged
        return
    stride, place, disarmed = code[v + THRESHOLD_STRIDE], code[v + THRESHOLD], plan[DISARMED]
    if disarmed == 0 and code[v + HITS] >= 0:
        for word in range((n + 63) // 64):
            bits = at(hits, code[v + HITS] + word)
            while bits != 0:
                element = first + 64 * word + lowest_bit(bits)
                bits &= bits - 1
                if release[element] <= now:
                    elements[logged] = element
                    logged += 1
                    armed[element] = 0
                    plan[DISARMED] += 1
        plan[LOGGED] = logged
        return
    for start in range(0, n, WATCHED_TOGETHER):
        m = min(WATCHED_TOGETHER, n - start)
        value = watched + start
        if disarmed == 0:
            if stride != 0:
                if reaches_own(y, value, table, place + start, m) == 0:
                    continue
            elif reaches(y, value, table, place, m) == 0:
                continue
        for e in range(m):
            element = first + start + e
            if not at(y, value + e) >= at(table, place + (start + e) * stride):
                if disarmed != 0 and at(armed, element) == 0:
                    put(armed, element, 1)
                    plan[DISARMED] -= 1
            elif at(armed, element) != 0 and at(release, element) <= now:
                elements[logged] = element
                logged += 1
                armed[element] = 0
                plan[DISARMED] += 1
    plan[LOGGED] = logged


@helper
def reset(code, v, now, low, high, plan, table, y, release, armed, elements):
    """Reset what the ticks `low` to `high` of one event reset; begin refractory times; arm what is below again."""
    first, watched = code[v + FIRST_ELEMENT], code[v + WATCHED]
    for k in range(low, high):
        e = elements[k] - first
        release[first + e] = now + code[code[v + PAUSE] + e * code[v + PAUSE_STRIDE]]
        for a in range(code[v + RESETS_FROM], code[v + RESETS_TO], RESET_WORDS):
            state, value = code[a + RESET_STATE] + e, table[code[a + RESET_VALUE] + e * code[a + RESET_STRIDE]]
            if code[a + RESET_KIND] == 0:
                y[state] = value
            elif code[a + RESET_KIND] == 1:
                y[state] -= value
            elif code[a + RESET_KIND] == 2:
                y[state] *= value
            else:
                y[state] = -value * exponential_number(plan[SEED], now, state)
        if watched >= 0 and y[watched + e] < table[code[v + THRESHOLD] + e * code[v + THRESHOLD_STRIDE]]:
            armed[first + e] = 1
            plan[DISARMED] -= 1


@driver(_signature)
def run_spike_steps(
    code, plan, table, y, q, constant, inputs, release, arrivals, pointers, targets, strengths, memory, offsets,
    elements, ends, armed, given_steps, given_elements, samples, work, hits, reads,
):  # fmt: skip
    """Make steps until `plan` says stop, or until the log of ticks may not take the ticks of one more step.

    Parameters
    ----------
    code, plan : int64
        See the records above. `offsets` has for each of SLOTS steps where the ticks of each event begin in `elements`
        (the log), and where they end; `ends` for each step of this call where its ticks end.
    y, q, constant : float64
        States, then weights that learn; what a step adds to states of neurons with a drive; that without inputs.
    work : float64
        `BLOCK` for each register, then the noise of a step.
    hits : int64
        A bit for each element that is looked at while it is stepped.
    reads : int64
        Steps after which samples are taken, rising.
    """
    events, slots, clusters, projections = code[EVENTS], code[SLOTS], code[CLUSTERS], code[PROJECTIONS]
    events_at, clusters_at, projections_at = code[EVENTS_AT], code[CLUSTERS_AT], code[PROJECTIONS_AT]
    width = events + 1
    now = plan[NOW]
    turn = now % slots
    while now < plan[STOP] and plan[LOGGED] + code[ELEMENTS] <= elements.size:
        now += 1
        turn = turn + 1 if turn + 1 < slots else 0
        if plan[ROWS] != 0:
            row = (now - plan[FIRST_ROW]) * code[INPUTS]
            copy(q, 0, constant, 0, q.size)
            for k in range(code[COUPLINGS]):
                a = code[COUPLINGS_AT] + 3 * k
                q[code[a + 1]] += table[code[a + 2]] * inputs[row + code[a]]
        if now % SWEPT_EVERY == 0:
            sweep(y, code[FLOWING])
        if code[NOISY] != 0:
            normal_numbers(plan[SEED], now, work[code[NOISE_AT] : code[NOISE_AT] + code[NOISY]])
        for k in range(clusters):
            c = clusters_at + k * CLUSTER_WORDS
            if code[c + PROGRAM_END] != 0:
                step_elements(
                    code, code[c + TERMS_AT], code[c + PROGRAM_END], code[c + SIZE], code[c + HELD_BY], code[NOISE_AT],
                    table, y, q, release, now, work,
                )  # fmt: skip
            else:
                step_cluster(code, c, table, y, q, release, now, work, hits)
        for k in range(projections):
            p = projections_at + k * PROJECTION_WORDS
            delay = at(code, p + DELAY)
            if delay != 0 and now > delay:
                slot = (turn - delay if turn >= delay else turn - delay + slots) * width + at(code, p + EVENT)
                low, high = at(offsets, slot), at(offsets, slot + 1)
                if low < high and (high > low + 1 or has_synapses(code, p, elements[low], pointers)):
                    deliver(
                        code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory,
                        arrivals,
                    )  # fmt: skip
        slot = turn * width
        begin = plan[LOGGED]
        for v in range(events):
            offsets[slot + v] = plan[LOGGED]
            tick(
                code, events_at + v * EVENT_WORDS, now, plan, table, y, release, armed, elements, given_steps,
                given_elements, hits,
            )  # fmt: skip
        offsets[slot + events] = plan[LOGGED]
        if plan[LOGGED] > begin:
            for v in range(events):
                reset(
                    code, events_at + v * EVENT_WORDS, now, offsets[slot + v], offsets[slot + v + 1], plan, table, y,
                    release, armed, elements,
                )  # fmt: skip
            for k in range(projections):
                p = projections_at + k * PROJECTION_WORDS
                if code[p + DELAY] == 0:
                    slot_of = slot + code[p + EVENT]
                    deliver(
                        code, p, now, offsets[slot_of], offsets[slot_of + 1], elements, y, release, pointers, targets,
                        strengths, table, memory, arrivals,
                    )  # fmt: skip
                if code[p + KIND] == LEARNING:
                    potentiate(
                        code, p, now, slot, offsets, elements, y, pointers, targets, table, memory, arrivals
                    )  # fmt: skip
        plan[NOW] = now
        ends[now - plan[BEFORE] - 1] = plan[LOGGED]
        if plan[READ] < reads.size and at(reads, plan[READ]) == now:
            plan[READ] += 1
            for k in range(code[SAMPLED]):
                samples[plan[SAMPLE] + k] = y[code[code[SAMPLED_AT] + k]]
            plan[SAMPLE] += code[SAMPLED]
