"""Networks of spiking neurons without a grid of time: from event to event, each neuron at its own time.

Between events the states of a neuron are a small linear system, carried exactly when something reaches the neuron
(R. Brette, Neural Comput. 19, 2604 (2007), doi 10.1162/neco.2007.19.10.2604, recalled). Then the next crossing of its
threshold is found and queued. A delayed pulse is read from the log of ticks when it is due: one delay keeps the order.

What happens at one instant, in this order (`neurosim.graph.events`): inputs move on; refractory times end; delayed
pulses arrive; rounds of ticks, resets, pulses without a delay and what is learned from them, until nothing ticks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver, helper
from neurosim.kernels.cell_flow import (
    cluster_at,
    crossing_in_general,
    crossing_of_modes,
    decay,
    level_of,
    look_at,
    set_rest,
    slack_of,
    system_at,
    which_of,
)
from neurosim.kernels.element_queue import wait
from neurosim.kernels.spike_cells import (
    CELL_CLUSTERS,
    CELL_CLUSTERS_AT,
    CELL_WORDS,
    CHAIN,
    CHAIN_ENDLESS,
    CLUSTER_OF_EVENT,
    DELAY_AT,
    DOWN,
    DRIVEN,
    EVENT_OF_ELEMENT,
    FAILED,
    FAILURE,
    FIRST,
    FIRST_CELL,
    FORM,
    GLANCE,
    HELD_BY,
    INSTANT,
    JUDGED,
    LIST_AT,
    LOGGED,
    LOOK,
    MODES,
    MONOTONE,
    NEXT_GIVEN,
    NEXT_INPUT,
    NOW,
    NUMBER,
    PEAKS,
    PLACE,
    PROJECTED,
    PROMPT,
    PROMPT_AT,
    QUEUED,
    QUIET,
    SAMPLE,
    SEARCHES,
    SENDING_WORDS,
    SENDINGS,
    SENDINGS_AT,
    SENT,
    SIZE,
    STARTED,
    STATES,
    STOP,
    TOGETHER,
    TOO_CLOSE,
    TOUCHED,
    UP,
    WATCHERS,
    WATCHERS_AT,
    ZENO,
    cells_type,
)
from neurosim.kernels.spike_steps import (
    ARRIVALS,
    CONSTANTS,
    COUNT,
    COUPLINGS,
    COUPLINGS_AT,
    ELEMENTS,
    EVENT_WORDS,
    EVENTS,
    EVENTS_AT,
    FIRST_ELEMENT,
    GAIN,
    INPUTS,
    KIND,
    LEARNING,
    LOST_BY,
    LOW,
    MEMORY,
    PARAMETERS,
    PAUSE,
    PAUSE_STRIDE,
    POINTERS,
    PROJECTION_WORDS,
    PROJECTIONS,
    PROJECTIONS_AT,
    RESET_KIND,
    RESET_STATE,
    RESET_STRIDE,
    RESET_VALUE,
    RESET_WORDS,
    RESETS_FROM,
    RESETS_TO,
    SAMPLED,
    SAMPLED_AT,
    SHORT_TERM,
    SOURCES,
    SYNAPSES,
    TARGET,
    WATCHED,
    WEIGHT,
    WEIGHT_STRIDE,
    depress,
    potentiate,
    refresh,
)
from neurosim.kernels.unchecked import at, put


def _signature() -> Any:
    from numba import types

    return types.void(cells_type())


@helper
def carry(C, c, e):
    """Bring a cell to the present."""
    code, now, cell = C.code, at(C.clock, NOW), at(C.code, c + FIRST_CELL) + e
    since = at(C.since, cell)
    if since < now:
        place, n, held_by = at(code, c + PLACE) + e, at(code, c + SIZE), at(code, c + HELD_BY)
        if at(code, c + FORM) == MODES and (held_by < 0 or at(C.release, held_by + e) <= since):
            decay(C, c, e, now - since, 0, C.y, place, n)
        else:
            look_at(C, c, e, now)
            for i in range(code[c + STATES]):
                put(C.y, place + i * n, at(C.work, i))
        put(C.since, cell, now)


@helper
def touch(C, c, e, raises):
    """Bring a cell to the present, and note that something reached it, which may bring its next crossing nearer."""
    carry(C, c, e)
    code, plan, cell = C.code, C.plan, at(C.code, c + FIRST_CELL) + e
    if at(code, c + WATCHERS) > 0 and at(C.mark, cell) != at(plan, INSTANT):
        number = at(plan, TOUCHED)
        put(C.mark, cell, at(plan, INSTANT))
        put(C.raised, cell, 0)
        put(C.touched, 2 * number, c)
        put(C.touched, 2 * number + 1, e)
        put(plan, TOUCHED, number + 1)
    if raises:
        put(C.raised, cell, 1)


@helper
def search(C, c, e, v, element):
    """Find what happens next to an element of a cell whose states are in `work`, if nothing reaches it."""
    code, now, held_by = C.code, C.clock[NOW], C.code[c + HELD_BY]
    is_held, until = 0, np.inf
    if held_by >= 0 and C.release[held_by + e] > now:
        is_held, until = 1, C.release[held_by + e]
    what, sign = (UP, 1.0) if C.armed[element] != 0 else (DOWN, -1.0)
    watched = which_of(C, c, code[v + WATCHED])
    C.plan[SEARCHES] += 1
    if code[c + FORM] == MODES:
        # Something else reaches a neuron about as often as it did so far.
        soon, horizon = C.next_time[element] - now, now * C.since.size / (C.plan[SENT] + 1)
        later = crossing_of_modes(
            C, c, e, watched, level_of(C, v, e), is_held, sign, soon if soon < np.inf else 0.0, horizon
        )  # fmt: skip
        if later < 0.0 and what == UP and is_held == 0:
            C.slack[element] = C.work[code[c + STATES]]
        if later == -soon < 0.0:
            C.awaited[element] = GLANCE
            return
    else:
        later = crossing_in_general(C, c, e, watched, level_of(C, v, e), is_held, sign)
    t = now + abs(later)
    if later < 0.0:
        what = GLANCE
    if t > until and until < np.inf:
        t, what = until, LOOK
    wait(C, element, t, what)


@helper
def schedule(C, c, e):
    """Find what happens next to a cell if nothing reaches it."""
    code, now = C.code, at(C.clock, NOW)
    for q in range(at(code, c + WATCHERS)):
        v = at(code, at(code, c + WATCHERS_AT) + q)
        element = at(code, v + FIRST_ELEMENT) + e
        put(C.outcome, element, LOOK)
        if at(C.armed, element) != 0:
            if at(C.raised, at(code, c + FIRST_CELL) + e) == 0:
                # Its crossing comes later than it was expected, or never.
                if at(C.awaited, element) == UP:
                    put(C.awaited, element, GLANCE)
                continue
            if at(code, c + PEAKS) >= 0:
                slack = slack_of(C, c, e, which_of(C, c, at(code, v + WATCHED)), level_of(C, v, e))
                put(C.slack, element, slack)
                if slack > 0.0:
                    if at(C.next_time, element) < np.inf:
                        wait(C, element, np.inf, LOOK)
                    continue
        put(C.slack, element, 0.0)
        if at(C.release, element) > now:
            if at(C.next_time, element) != at(C.release, element):
                wait(C, element, at(C.release, element), LOOK)
        else:
            look_at(C, c, e, now)
            search(C, c, e, v, element)


@helper
def glance(C, element):
    """Look at an element whose search was put off; nothing happens to it."""
    number = C.code[C.code[EVENT_OF_ELEMENT] + element]
    v, c = C.code[EVENTS_AT] + number * EVENT_WORDS, C.code[C.code[CLUSTER_OF_EVENT] + number]
    e = element - C.code[v + FIRST_ELEMENT]
    C.slack[element] = 0.0
    look_at(C, c, e, C.clock[NOW])
    search(C, c, e, v, element)


@helper
def happen(C):
    """Note what was awaited for now, a part of the heap next to its top; it is touched, and so gets another time."""
    code, plan, now, q = C.code, C.plan, C.clock[NOW], 0
    while True:
        if q < plan[QUEUED] and C.next_time[C.heap[q]] <= now:
            element = C.heap[q]
            C.outcome[element], plan[JUDGED] = C.awaited[element], 1
            number = code[code[EVENT_OF_ELEMENT] + element]
            v = code[EVENTS_AT] + number * EVENT_WORDS
            touch(C, code[code[CLUSTER_OF_EVENT] + number], element - code[v + FIRST_ELEMENT], True)
            q = 2 * q + 1
            continue
        while q > 0 and q % 2 == 0:
            q = (q - 1) // 2
        if q == 0:
            break
        q += 1


@helper
def find_next(C, s):
    """Find the next tick of a sending in the log, from its head on."""
    r = C.code[SENDINGS_AT] + s * SENDING_WORDS
    k = C.heads[s]
    while k < C.plan[LOGGED] and not 0 <= C.log_elements[k] - C.code[r + FIRST] < C.code[r + NUMBER]:
        k += 1
    C.heads[s] = k
    C.due[s] = C.log_times[k] + C.table[C.code[r + DELAY_AT]] if k < C.plan[LOGGED] else np.inf


@helper
def deliver(C, p, element):
    """Let a tick arrive through one projection."""
    code, now = C.code, C.clock[NOW]
    source, target, lost_by = element - code[p + LOW], code[p + TARGET], code[p + LOST_BY]
    if source < 0 or source >= code[p + SOURCES]:
        return
    start, stop = C.pointers[code[p + POINTERS] + source], C.pointers[code[p + POINTERS] + source + 1]
    if start == stop:
        return
    c = cluster_at(C, target)
    weight, each = code[p + WEIGHT], code[p + WEIGHT_STRIDE]
    if code[p + KIND] == SHORT_TERM:
        before = C.arrivals[code[p + ARRIVALS] + source]
        C.arrivals[code[p + ARRIVALS] + source] = now
        refresh(code, p, start, stop, now - before if before > -np.inf else -1.0, C.table, C.memory)
    use, resources, synapses = code[p + MEMORY], code[p + MEMORY] + code[p + COUNT], code[p + SYNAPSES]
    is_short_term, is_monotone, is_watched = code[p + KIND] == SHORT_TERM, code[c + MONOTONE] != 0, False
    learns, gain = code[p + KIND] == LEARNING, 1.0
    if learns:
        gain = C.table[code[code[p + PARAMETERS] + CONSTANTS] + GAIN]
    for q in range(code[c + WATCHERS]):
        is_watched = is_watched or code[code[code[c + WATCHERS_AT] + q] + WATCHED] == target
    targets, strengths, memory, y, watcher, peaks = C.targets, C.strengths, C.memory, C.y, -1, 0
    if code[c + PEAKS] >= 0 and not is_watched:
        watcher = code[code[code[c + WATCHERS_AT]] + FIRST_ELEMENT]
        peaks = code[c + PEAKS] + which_of(C, c, target)
    for s in range(start, stop):
        e = at(targets, synapses + s)
        if lost_by >= 0 and at(C.release, lost_by + e) > now:
            continue
        amount = gain * at(y, weight + s) if learns else at(strengths, weight + s * each)
        if is_short_term:
            amount = amount * at(memory, use + s) * at(memory, resources + s)
        slack = at(C.slack, watcher + e) if watcher >= 0 else 0.0
        if slack > 0.0:
            slack -= max(amount, 0.0) * at(C.table, system_at(C, c, e, 0) + peaks)
            put(C.slack, watcher + e, slack)
        if slack > 0.0:
            carry(C, c, e)
        else:
            touch(C, c, e, amount > 0.0 or not is_monotone)
        if not learns:
            put(y, target + e, at(y, target + e) + amount)
        if is_watched:
            C.plan[JUDGED] = 1
            for q in range(code[c + WATCHERS]):
                v = code[code[c + WATCHERS_AT] + q]
                if code[v + WATCHED] == target:
                    C.outcome[code[v + FIRST_ELEMENT] + e] = LOOK
    if learns:
        depress(code, p, now, source, start, stop, C.y, C.release, C.targets, C.table, C.memory, C.arrivals)
    C.plan[SENT] += stop - start


@helper
def learn(C, begin, end):
    """Change weights that learn by the ticks `begin` to `end` of the log, of one round, behind their synapses."""
    code, k = C.code, begin
    for number in range(code[EVENTS]):
        first = code[code[EVENTS_AT] + number * EVENT_WORDS + FIRST_ELEMENT]
        while k < end and C.log_elements[k] < first:
            k += 1
        C.round[number] = k
    C.round[code[EVENTS]] = end
    for k in range(code[PROJECTIONS]):
        p = code[PROJECTIONS_AT] + k * PROJECTION_WORDS
        if code[p + KIND] == LEARNING:
            potentiate(
                code, p, C.clock[NOW], 0, C.round, C.log_elements, C.y, C.pointers, C.targets, C.table, C.memory,
                C.arrivals,
            )  # fmt: skip


@helper
def tick(C, element):
    """Log a tick; what is wrong with it, if anything is."""
    now, k = C.clock[NOW], C.plan[LOGGED]
    since = now - C.last[element]
    if k == C.log_times.size or 0.0 < since < ZENO * now:
        C.plan[FAILURE] = CHAIN_ENDLESS if k == C.log_times.size else TOO_CLOSE
        C.plan[FAILED] = element
        return
    C.last[element] = now
    C.log_times[k], C.log_elements[k] = now, element
    C.plan[LOGGED] = k + 1


@helper
def judge(C, is_first):
    """Let what has reached its threshold tick; what was given too in the first round."""
    code, plan, now = C.code, C.plan, C.clock[NOW]
    begin = plan[LOGGED]
    while is_first and plan[NEXT_GIVEN] < C.given_times.size and C.given_times[plan[NEXT_GIVEN]] <= now:
        tick(C, C.given_elements[plan[NEXT_GIVEN]])
        plan[NEXT_GIVEN] += 1
    for k in range(plan[TOUCHED] if plan[JUDGED] != 0 else 0):
        c, e = C.touched[2 * k], C.touched[2 * k + 1]
        for q in range(code[c + WATCHERS]):
            v = code[code[c + WATCHERS_AT] + q]
            element = code[v + FIRST_ELEMENT] + e
            happened = C.outcome[element]
            if happened == UP:
                C.outcome[element] = LOOK
            if C.release[element] > now:
                continue
            level = level_of(C, v, e)
            is_below = C.y[code[v + WATCHED] + e] < level - TOGETHER * abs(level)
            if happened == DOWN or (happened != UP and is_below):
                if C.armed[element] == 0:
                    C.raised[code[c + FIRST_CELL] + e] = 1
                C.armed[element] = 1
            elif C.armed[element] != 0:
                C.armed[element] = 0
                tick(C, element)
    # In the order of elements, whatever the order in which they were touched.
    for k in range(begin + 1, plan[LOGGED]):
        element, q = C.log_elements[k], k
        while q > begin and C.log_elements[q - 1] > element:
            C.log_elements[q] = C.log_elements[q - 1]
            q -= 1
        C.log_elements[q] = element
    return begin


@helper
def reset(C, element):
    """Reset what a tick resets, begin its refractory time, and arm it if its reset took its drive down."""
    code, table, now = C.code, C.table, C.clock[NOW]
    v = code[EVENTS_AT] + code[code[EVENT_OF_ELEMENT] + element] * EVENT_WORDS
    e, watched = element - code[v + FIRST_ELEMENT], code[v + WATCHED]
    before = C.y[watched + e] if watched >= 0 else 0.0
    for r in range(code[v + RESETS_FROM], code[v + RESETS_TO], RESET_WORDS):
        place, value = code[r + RESET_STATE] + e, table[code[r + RESET_VALUE] + e * code[r + RESET_STRIDE]]
        touch(C, cluster_at(C, code[r + RESET_STATE]), e, True)
        if code[r + RESET_KIND] == 0:
            C.y[place] = value
        elif code[r + RESET_KIND] == 1:
            C.y[place] -= value
        else:
            C.y[place] *= value
    if watched < 0:
        return
    pause = table[code[v + PAUSE] + e * code[v + PAUSE_STRIDE]]
    if pause > 0.0:
        C.release[element] = now + pause
    if C.y[watched + e] < before:
        C.armed[element] = 1


@helper
def move_inputs(C, is_start):
    """Take the inputs of the present, and find where the states rest now."""
    code, plan = C.code, C.plan
    has_input = plan[NEXT_INPUT] < C.input_times.size and C.input_times[plan[NEXT_INPUT]] <= C.clock[NOW]
    if not (is_start or has_input):
        return
    for k in range(code[CELL_CLUSTERS]):
        c = code[CELL_CLUSTERS_AT] + k * CELL_WORDS
        for e in range(code[c + SIZE] if is_start or code[c + DRIVEN] != 0 else 0):
            touch(C, c, e, True)
    C.force[:] = C.constant
    if has_input:
        row = plan[NEXT_INPUT] * code[INPUTS]
        for k in range(code[COUPLINGS]):
            a = code[COUPLINGS_AT] + 3 * k
            C.force[code[a + 1]] += C.table[code[a + 2]] * C.input_rows[row + code[a]]
        plan[NEXT_INPUT] += 1
    for k in range(code[CELL_CLUSTERS]):
        c = code[CELL_CLUSTERS_AT] + k * CELL_WORDS
        for e in range(code[c + SIZE] if is_start or code[c + DRIVEN] != 0 else 0):
            set_rest(C, c, e)


@helper
def instant(C, is_start):
    """All that happens now."""
    code, plan, now = C.code, C.plan, C.clock[NOW]
    plan[INSTANT] += 1
    plan[TOUCHED], plan[JUDGED] = 0, int(is_start)
    move_inputs(C, is_start)
    happen(C)
    for s in range(code[SENDINGS]):
        r = code[SENDINGS_AT] + s * SENDING_WORDS
        while C.due[s] <= now:
            element = C.log_elements[C.heads[s]]
            for k in range(code[r + PROJECTED]):
                deliver(C, code[code[r + LIST_AT] + k], element)
            C.heads[s] += 1
            find_next(C, s)
    ticks = plan[LOGGED]
    for depth in range(CHAIN + 1):
        begin = judge(C, depth == 0)
        if begin == plan[LOGGED] or plan[FAILURE] != QUIET:
            break
        if depth == CHAIN:
            plan[FAILURE], plan[FAILED] = CHAIN_ENDLESS, C.log_elements[begin]
            break
        end = plan[LOGGED]
        for k in range(begin, end):
            plan[JUDGED] = 1
            reset(C, C.log_elements[k])
        for s in range(code[PROMPT]):
            r = code[PROMPT_AT] + s * SENDING_WORDS
            for k in range(begin, end):
                if 0 <= C.log_elements[k] - code[r + FIRST] < code[r + NUMBER]:
                    for q in range(code[r + PROJECTED]):
                        deliver(C, code[code[r + LIST_AT] + q], C.log_elements[k])
        if C.y.size > C.force.size:
            learn(C, begin, end)
    for s in range(code[SENDINGS] if plan[LOGGED] > ticks else 0):
        if C.due[s] == np.inf:
            find_next(C, s)
    for k in range(plan[TOUCHED]):
        schedule(C, C.touched[2 * k], C.touched[2 * k + 1])


@helper
def next_instant(C):
    """When something happens next."""
    plan, t = C.plan, np.inf
    if plan[QUEUED] > 0:
        t = C.next_time[C.heap[0]]
    if plan[NEXT_GIVEN] < C.given_times.size:
        t = min(t, C.given_times[plan[NEXT_GIVEN]])
    if plan[NEXT_INPUT] < C.input_times.size:
        t = min(t, C.input_times[plan[NEXT_INPUT]])
    for s in range(C.code[SENDINGS]):
        t = min(t, C.due[s])
    return t


@helper
def write_sample(C):
    """Write the sampled states at the next time of sampling."""
    code, count = C.code, C.code[SAMPLED]
    for k in range(count):
        place, n = code[code[SAMPLED_AT] + k], C.plan[SAMPLE] * count + k
        if place >= C.force.size:
            C.samples[n] = C.y[place]
            continue
        c = cluster_at(C, place)
        which = place - code[c + PLACE]
        look_at(C, c, which % code[c + SIZE], C.sample_times[C.plan[SAMPLE]])
        C.samples[n] = C.work[which // code[c + SIZE]]
    C.plan[SAMPLE] += 1


@driver(_signature)
def run_spike_events(C):
    """Go on to ``clock[STOP]``, or until the log of ticks may not take those of one more instant.

    States are sampled after all that happens at an instant. Where the run stops has no influence on how it goes on.
    """
    plan, clock = C.plan, C.clock
    if plan[STARTED] == 0:
        plan[STARTED] = 1
        instant(C, True)
    while plan[FAILURE] == QUIET:
        t = next_instant(C)
        while plan[SAMPLE] < C.sample_times.size and C.sample_times[plan[SAMPLE]] < t:
            write_sample(C)
        if t > clock[STOP] or plan[LOGGED] + C.code[ELEMENTS] > C.log_times.size:
            break
        clock[NOW] = t
        if plan[QUEUED] > 0 and C.next_time[C.heap[0]] <= t and C.awaited[C.heap[0]] == GLANCE:
            glance(C, C.heap[0])
        else:
            instant(C, False)
