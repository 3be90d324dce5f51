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
from neurosim.kernels.functions import fast_exp

BLOCK = 256
"""Elements that are stepped at once: their states stay in the first-level cache."""

(
    CLUSTERS, CLUSTERS_AT, EVENTS, EVENTS_AT, PROJECTIONS, PROJECTIONS_AT, SLOTS, INPUTS, COUPLINGS, COUPLINGS_AT,
    SAMPLED, SAMPLED_AT, ELEMENTS, HEAD,
) = range(14)  # fmt: skip
"""Head of `code`: numbers of parts, and where their records begin. SLOTS is the longest delay in steps, plus 1;
ELEMENTS counts those of all events."""

SIZE, STATES, PLACE, HELD_BY, TERMS_AT, CLUSTER_WORDS = range(6)
"""A cluster: neurons, states of one, place of its first state (state i of neuron e is at PLACE + i SIZE + e), where the
ends of its refractory times begin or -1, and its terms: for each state its place in `q` or -1, whether a refractory
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
    NOW, STOP, LOGGED, ROWS, FIRST_ROW, EVERY, SAMPLE, DISARMED, BEFORE, PLAN,
) = range(10)  # fmt: skip
"""Entries of `plan`: the last step that was made, and the one to stop after; ticks in the log; rows of `inputs` (0: all
inputs are constant), one a step, and the step of the first; steps between samples (0: none), and the place of the next;
elements that are not armed; the last step before this call."""


def _signature() -> Any:
    from numba import types

    whole, real, small = (types.Array(kind, 1, "C") for kind in (types.i8, types.f8, types.i4))
    return types.void(
        whole, whole, real, real, real, real, real, whole, whole, whole, small, real, real, whole, small, whole, small,
        small, small, real, real,
    )  # fmt: skip


@helper
def step_cluster(code, c, table, y, q, release, now, work):
    """Carry the neurons of one cluster over a step."""
    n, k, place, held_by, at = code[c], code[c + 1], code[c + 2], code[c + 3], code[c + 4]
    for first in range(0, n, BLOCK):
        m = min(BLOCK, n - first)
        a = at
        for i in range(k):
            new = work[i * BLOCK : i * BLOCK + m]
            if code[a] >= 0:
                constant = q[code[a] + first : code[a] + first + m]
                for e in range(m):
                    new[e] = constant[e]
            else:
                for e in range(m):
                    new[e] = 0.0
            for t in range(code[a + 2]):
                b = a + 3 + 3 * t
                start = place + code[b] * n + first
                old = y[start : start + m]
                if code[b + 2] != 0:
                    factor = table[code[b + 1] + first : code[b + 1] + first + m]
                    for e in range(m):
                        new[e] += factor[e] * old[e]
                else:
                    value = table[code[b + 1]]
                    for e in range(m):
                        new[e] += value * old[e]
            a += 3 + 3 * code[a + 2]
        a = at
        for i in range(k):
            new = work[i * BLOCK : i * BLOCK + m]
            state = y[place + i * n + first : place + i * n + first + m]
            if code[a + 1] != 0:
                free = release[held_by + first : held_by + first + m]
                for e in range(m):
                    state[e] = state[e] if free[e] >= now else new[e]
            else:
                for e in range(m):
                    state[e] = new[e]
            a += 3 + 3 * code[a + 2]


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
        size = pointers[code[p + POINTERS] + source + 1] - start
        ends = targets[code[p + SYNAPSES] + start : code[p + SYNAPSES] + start + size]
        if code[p + KIND] == SHORT_TERM:
            last = arrivals[code[p + ARRIVALS] + source]
            arrivals[code[p + ARRIVALS] + source] = now
            refresh(code, p, start, size, -1.0 if last < 0 else float(now - last), table, memory)
            u = memory[code[p + MEMORY] + start : code[p + MEMORY] + start + size]
            r = memory[code[p + MEMORY] + code[p + COUNT] + start : code[p + MEMORY] + code[p + COUNT] + start + size]
            for s in range(size):
                e = ends[s]
                if lost_by < 0 or release[lost_by + e] <= now:
                    y[target + e] += strengths[weight + (start + s) * each] * u[s] * r[s]
        elif lost_by >= 0:
            for s in range(size):
                e = ends[s]
                if release[lost_by + e] <= now:
                    y[target + e] += strengths[weight + (start + s) * each]
        elif each == 0:
            value = strengths[weight]
            for s in range(size):
                y[target + ends[s]] += value
        else:
            own = strengths[weight + start : weight + start + size]
            for s in range(size):
                y[target + ends[s]] += own[s]


@helper
def refresh(code, p, start, size, passed, table, memory):
    """Use u and resources R of a source's synapses at an arrival, `passed` steps after the last one (negative: first).

    ``R <- 1 + (R - u R - 1) exp(-t/D)`` with the old u, then ``u <- U + u (1 - U) exp(-t/F)``.
    """
    stride, place, count = code[p + PARAMETERS_STRIDE], code[p + PARAMETERS], code[p + COUNT]
    width = count if stride != 0 else 1
    u = memory[code[p + MEMORY] + start : code[p + MEMORY] + start + size]
    r = memory[code[p + MEMORY] + count + start : code[p + MEMORY] + count + start + size]
    if stride == 0:
        use = table[place]
        if passed < 0.0:
            u[:] = use
            r[:] = 1.0
            return
        recovered, faded = fast_exp(-passed * table[place + 1]), fast_exp(-passed * table[place + 2])
        for s in range(size):
            r[s] = 1.0 + (r[s] - u[s] * r[s] - 1.0) * recovered
            u[s] = use + u[s] * (1.0 - use) * faded
        return
    uses = table[place + start : place + start + size]
    if passed < 0.0:
        for s in range(size):
            u[s] = uses[s]
            r[s] = 1.0
        return
    recovery = table[place + width + start : place + width + start + size]
    facilitation = table[place + 2 * width + start : place + 2 * width + start + size]
    for s in range(size):
        r[s] = 1.0 + (r[s] - u[s] * r[s] - 1.0) * fast_exp(-passed * recovery[s])
    for s in range(size):
        u[s] = uses[s] + u[s] * (1.0 - uses[s]) * fast_exp(-passed * facilitation[s])


@helper
def tick(code, v, now, plan, table, y, release, armed, elements, given_steps, given_elements):
    """Log the elements of one event that tick at this step."""
    n, first, watched, logged = code[v + EVENT_SIZE], code[v + FIRST_ELEMENT], code[v + WATCHED], plan[LOGGED]
    if watched < 0:
        at = code[v + GIVEN]
        while at < code[v + GIVEN_END] and given_steps[at] <= now:
            elements[logged] = first + given_elements[at]
            logged += 1
            at += 1
        code[v + GIVEN] = at
        plan[LOGGED] = logged
        return
    stride, place = code[v + THRESHOLD_STRIDE], code[v + THRESHOLD]
    for start in range(0, n, BLOCK):
        m = min(BLOCK, n - start)
        value, reached = y[watched + start : watched + start + m], 0
        if stride != 0:
            threshold = table[place + start : place + start + m]
            for e in range(m):
                reached += 1 if value[e] >= threshold[e] else 0
        else:
            level = table[place]
            for e in range(m):
                reached += 1 if value[e] >= level else 0
        if reached == 0 and plan[DISARMED] == 0:
            continue
        for e in range(m):
            element = first + start + e
            if not value[e] >= table[place + (start + e) * stride]:
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
            at, value = code[a + RESET_STATE] + e, table[code[a + RESET_VALUE] + e * code[a + RESET_STRIDE]]
            if code[a + RESET_KIND] == 0:
                y[at] = value
            elif code[a + RESET_KIND] == 1:
                y[at] -= value
            else:
                y[at] *= value
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
        `BLOCK` for each state of the largest cluster.
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
        for c in range(code[CLUSTERS]):
            step_cluster(code, code[CLUSTERS_AT] + c * CLUSTER_WORDS, table, y, q, release, now, work)
        for k in range(code[PROJECTIONS]):
            p = code[PROJECTIONS_AT] + k * PROJECTION_WORDS
            sent = now - code[p + DELAY]
            if code[p + DELAY] != 0 and sent > 0:
                slot = (sent % slots) * (events + 1) + code[p + EVENT]
                deliver(
                    code, p, now, offsets[slot], offsets[slot + 1], elements, y, release, pointers, targets, strengths,
                    table, memory, arrivals,
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
