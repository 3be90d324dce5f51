"""Networks of spiking neurons on a grid of time: exact steps between ticks, ticks at the end of a step.

Between ticks the states of a neuron are a small linear system, which one step carries exactly to the next point of the
grid: ``y <- P y + q`` with ``P = exp(A h)`` (S. Rotter, M. Diesmann, Biol. Cybern. 81, 381 (1999), doi
10.1007/s004220050570). States of one kind lie side by side, so that a step runs on vector registers.

At the end of a step, in this order: pulses arrive that were sent their delay ago; events tick whose drive has reached
the threshold; what they reset is reset; pulses without a delay arrive. A pulse is read from the log of ticks when it is
due, so nothing has to be kept for each synapse under way.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import driver, helper
from neurosim.kernels.element_program import BLOCK, step_elements
from neurosim.kernels.functions import fast_exp, fused
from neurosim.kernels.random_numbers import normal_numbers
from neurosim.kernels.unchecked import at, put

(
    CLUSTERS, CLUSTERS_AT, EVENTS, EVENTS_AT, PROJECTIONS, PROJECTIONS_AT, SLOTS, INPUTS, COUPLINGS, COUPLINGS_AT,
    SAMPLED, SAMPLED_AT, ELEMENTS, NOISY, NOISE_AT, HEAD,
) = range(16)  # fmt: skip
"""Head of `code`: numbers of parts, and where their records begin. SLOTS is the longest delay in steps, plus 1;
ELEMENTS counts those of all events; NOISY normal numbers a step are drawn, to NOISE_AT in `work`."""

SIZE, STATES, PLACE, HELD_BY, TERMS_AT, PROGRAM_END, CLUSTER_WORDS = range(7)
"""A cluster: neurons, states of one, place of its first state (state i of neuron e is at PLACE + i SIZE + e), where the
ends of its refractory times begin or -1, and its program (`neurosim.kernels.element_program`) to PROGRAM_END, or, where
that is 0, its terms: for each state its place in `q` or -1, whether a refractory
neuron holds it, and how many terms follow, each a state, the place of its coefficient and 1 where neurons differ."""

(
    EVENT_SIZE, WATCHED, THRESHOLD, THRESHOLD_STRIDE, PAUSE, PAUSE_STRIDE, FIRST_ELEMENT, RESETS_FROM, RESETS_TO, GIVEN,
    GIVEN_END, EVENT_WORDS,
) = range(12)  # fmt: skip
"""An event: elements; place of what it watches, -1 where its ticks are given; thresholds; refractory times [steps]; its
first element; records of resets; the next of its given ticks (moved on by the run) and their end."""

RESET_KIND, RESET_STATE, RESET_VALUE, RESET_STRIDE, RESET_WORDS = range(5)
"""A reset: number in `neurosim.graph.signal_graph.RESETS`, place of the state, place of the value, its stride."""

(
    EVENT, LOW, SOURCES, POINTERS, TARGET, SYNAPSES, COUNT, WEIGHT, WEIGHT_STRIDE, DELAY, KIND, PARAMETERS,
    PARAMETERS_STRIDE, LOST_BY, MEMORY, ARRIVALS, PROJECTION_WORDS,
) = range(17)  # fmt: skip
"""A projection: its event, the first element that it takes and how many; where its pointers, its target state, its
synapses (in `targets`) and its weights (in `strengths`) begin, and how many synapses there are; delay [steps]; `STATIC`
or `SHORT_TERM`; where U, 1/D and 1/F [1/steps] begin; where the ends of refractory times of its targets begin, -1 if
none loses pulses; where u and R of its synapses and the last arrivals from its sources are."""

STATIC, SHORT_TERM = range(2)

(
    NOW, STOP, LOGGED, ROWS, FIRST_ROW, EVERY, SAMPLE, DISARMED, BEFORE, SEED, PLAN,
) = range(11)  # fmt: skip
"""Entries of `plan`: the last step that was made, and the one to stop after; ticks in the log; rows of `inputs` (0: all
inputs are constant), one a step, and the step of the first; steps between samples (0: none), and the place of the next;
elements that are not armed; the last step before this call; the seed of noise."""


def _signature() -> Any:
    from numba import types

    whole, real, small = (types.Array(kind, 1, "C") for kind in (types.i8, types.f8, types.i4))
    return types.void(
        whole, whole, real, real, real, real, real, whole, whole, whole, small, real, real, whole, small, whole, small,
        small, small, real, real,
    )  # fmt: skip


@helper
def step_cluster(code, c, table, y, q, release, now, work):
    """Carry the neurons of one cluster over a step.

    What feeds on other states is worked out beside the old values; then a state that only fades is scaled where it is.
    """
    n, k, place = code[c + SIZE], code[c + STATES], code[c + PLACE]
    held_by, terms = code[c + HELD_BY], code[c + TERMS_AT]
    for first in range(0, n, BLOCK):
        m = min(BLOCK, n - first)
        a = terms
        for i in range(k):
            new, constant, count = i * BLOCK, code[a], code[a + 2]
            b, a = a + 3, a + 3 + 3 * count
            if constant < 0 and count == 1 and code[b] == i:
                continue
            if constant >= 0:
                for e in range(m):
                    put(work, new + e, at(q, constant + first + e))
            else:
                for e in range(m):
                    put(work, new + e, 0.0)
            for _ in range(count):
                old, factor = place + code[b] * n + first, code[b + 1]
                if code[b + 2] != 0:
                    for e in range(m):
                        put(work, new + e, fused(at(table, factor + first + e), at(y, old + e), at(work, new + e)))
                else:
                    value = table[factor]
                    for e in range(m):
                        put(work, new + e, fused(value, at(y, old + e), at(work, new + e)))
                b += 3
        a = terms
        for i in range(k):
            new, constant, is_held, count = i * BLOCK, code[a], code[a + 1], code[a + 2]
            state, factor, varies = place + i * n + first, code[a + 4], code[a + 5]
            fades = constant < 0 and count == 1 and code[a + 3] == i
            a += 3 + 3 * count
            if fades:
                if varies != 0:
                    for e in range(m):
                        put(work, new + e, at(y, state + e) * at(table, factor + first + e))
                else:
                    value = table[factor]
                    for e in range(m):
                        put(work, new + e, at(y, state + e) * value)
            if is_held != 0:
                free = held_by + first
                for e in range(m):
                    old, other = at(y, state + e), at(work, new + e)
                    put(y, state + e, old if at(release, free + e) >= now else other)
            else:
                for e in range(m):
                    put(y, state + e, at(work, new + e))


@helper
def deliver(code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory, arrivals):
    """Let the ticks `low` to `high` of the log arrive through one projection."""
    first, sources, target = code[p + LOW], code[p + SOURCES], code[p + TARGET]
    weight, each, lost_by = code[p + WEIGHT], code[p + WEIGHT_STRIDE], code[p + LOST_BY]
    for tick in range(low, high):
        source = elements[tick] - first
        if source < 0 or source >= sources:
            continue
        start = pointers[code[p + POINTERS] + source]
        stop = pointers[code[p + POINTERS] + source + 1]
        ends, u, r = code[p + SYNAPSES], code[p + MEMORY], code[p + MEMORY] + code[p + COUNT]
        if code[p + KIND] == SHORT_TERM:
            last = arrivals[code[p + ARRIVALS] + source]
            arrivals[code[p + ARRIVALS] + source] = now
            refresh(code, p, start, stop, -1.0 if last < 0 else float(now - last), table, memory)
            for s in range(start, stop):
                e = at(targets, ends + s)
                if lost_by < 0 or release[lost_by + e] <= now:
                    sent = at(strengths, weight + s * each) * at(memory, u + s) * at(memory, r + s)
                    put(y, target + e, at(y, target + e) + sent)
        elif lost_by >= 0:
            for s in range(start, stop):
                e = at(targets, ends + s)
                if release[lost_by + e] <= now:
                    put(y, target + e, at(y, target + e) + at(strengths, weight + s * each))
        elif each == 0:
            value = strengths[weight]
            for s in range(start, stop):
                e = at(targets, ends + s)
                put(y, target + e, at(y, target + e) + value)
        else:
            for s in range(start, stop):
                e = at(targets, ends + s)
                put(y, target + e, at(y, target + e) + at(strengths, weight + s))


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
    for s in range(start, stop):
        old, rest = at(memory, u + s), at(memory, r + s)
        put(memory, r + s, 1.0 + (rest - old * rest - 1.0) * fast_exp(-passed * at(table, recovery + s)))
    for s in range(start, stop):
        use = at(table, uses + s)
        put(memory, u + s, use + at(memory, u + s) * (1.0 - use) * fast_exp(-passed * at(table, facilitation + s)))


@helper
def tick(code, v, now, plan, table, y, release, armed, elements, given_steps, given_elements):
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
    stride, place = code[v + THRESHOLD_STRIDE], code[v + THRESHOLD]
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        value, reached = watched + start, 0
        if stride != 0:
            for e in range(m):
                reached += 1 if at(y, value + e) >= at(table, place + start + e) else 0
        else:
            level = table[place]
            for e in range(m):
                reached += 1 if at(y, value + e) >= level else 0
        if reached == 0 and plan[DISARMED] == 0:
            continue
        for e in range(m):
            element = first + start + e
            if not y[value + e] >= table[place + (start + e) * stride]:
                if armed[element] == 0:
                    armed[element] = 1
                    plan[DISARMED] -= 1
            elif armed[element] != 0 and release[element] <= now:
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
            else:
                y[state] *= value
        if watched >= 0 and y[watched + e] < table[code[v + THRESHOLD] + e * code[v + THRESHOLD_STRIDE]]:
            armed[first + e] = 1
            plan[DISARMED] -= 1


@driver(_signature)
def run_spike_steps(
    code, plan, table, y, q, constant, inputs, release, arrivals, pointers, targets, strengths, memory, offsets,
    elements, ends, armed, given_steps, given_elements, samples, work,
):  # fmt: skip
    """Make steps until `plan` says stop, or until the log of ticks may not take the ticks of one more step.

    Parameters
    ----------
    code, plan : int64
        See the records above. `offsets` has for each of SLOTS steps where the ticks of each event begin in `elements`
        (the log), and where they end; `ends` for each step of this call where its ticks end.
    y, q, constant : float64
        States; what a step adds to those of neurons with a drive; that without inputs.
    work : float64
        `BLOCK` for each register, then the noise of a step.
    """
    events, slots = code[EVENTS], code[SLOTS]
    while plan[NOW] < plan[STOP] and plan[LOGGED] + code[ELEMENTS] <= elements.size:
        now = plan[NOW] + 1
        if plan[ROWS] != 0:
            row = (now - plan[FIRST_ROW]) * code[INPUTS]
            q[:] = constant
            for k in range(code[COUPLINGS]):
                a = code[COUPLINGS_AT] + 3 * k
                q[code[a + 1]] += table[code[a + 2]] * inputs[row + code[a]]
        if code[NOISY] != 0:
            normal_numbers(plan[SEED], now, work[code[NOISE_AT] : code[NOISE_AT] + code[NOISY]])
        for k in range(code[CLUSTERS]):
            c = code[CLUSTERS_AT] + k * CLUSTER_WORDS
            if code[c + PROGRAM_END] != 0:
                step_elements(
                    code, code[c + TERMS_AT], code[c + PROGRAM_END], code[c + SIZE], code[c + HELD_BY], code[NOISE_AT],
                    table, y, q, release, now, work,
                )  # fmt: skip
            else:
                step_cluster(code, c, table, y, q, release, now, work)
        for k in range(code[PROJECTIONS]):
            p = code[PROJECTIONS_AT] + k * PROJECTION_WORDS
            sent = now - code[p + DELAY]
            if code[p + DELAY] != 0 and sent > 0:
                slot = (sent % slots) * (events + 1) + code[p + EVENT]
                low, high = offsets[slot], offsets[slot + 1]
                if low < high:
                    deliver(
                        code, p, now, low, high, elements, y, release, pointers, targets, strengths, table, memory,
                        arrivals,
                    )  # fmt: skip
        slot = (now % slots) * (events + 1)
        begin = plan[LOGGED]
        for v in range(events):
            offsets[slot + v] = plan[LOGGED]
            tick(
                code, code[EVENTS_AT] + v * EVENT_WORDS, now, plan, table, y, release, armed, elements, given_steps,
                given_elements,
            )  # fmt: skip
        offsets[slot + events] = plan[LOGGED]
        if plan[LOGGED] > begin:
            for v in range(events):
                reset(
                    code, code[EVENTS_AT] + v * EVENT_WORDS, now, offsets[slot + v], offsets[slot + v + 1], plan, table,
                    y, release, armed, elements,
                )  # fmt: skip
            for k in range(code[PROJECTIONS]):
                p = code[PROJECTIONS_AT] + k * PROJECTION_WORDS
                if code[p + DELAY] == 0:
                    slot_of = slot + code[p + EVENT]
                    deliver(
                        code, p, now, offsets[slot_of], offsets[slot_of + 1], elements, y, release, pointers, targets,
                        strengths, table, memory, arrivals,
                    )  # fmt: skip
        plan[NOW] = now
        ends[now - plan[BEFORE] - 1] = plan[LOGGED]
        if plan[EVERY] != 0 and now % plan[EVERY] == 0:
            for k in range(code[SAMPLED]):
                samples[plan[SAMPLE] + k] = y[code[code[SAMPLED_AT] + k]]
            plan[SAMPLE] += code[SAMPLED]
