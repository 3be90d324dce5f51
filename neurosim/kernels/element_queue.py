"""The elements of events that wait for something: a binary heap by time, with one place for each element."""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.spike_cells import QUEUED
from neurosim.kernels.unchecked import at, put


@helper
def sift(C, q):
    """Put the element at place q of the heap where its time belongs."""
    heap, place, key, count = C.heap, C.place, C.next_time, C.plan[QUEUED]
    element = at(heap, q)
    t = at(key, element)
    while q > 0:
        above = at(heap, (q - 1) // 2)
        if at(key, above) <= t:
            break
        put(heap, q, above)
        put(place, above, q)
        q = (q - 1) // 2
    while 2 * q + 1 < count:
        child = 2 * q + 1
        if child + 1 < count and at(key, at(heap, child + 1)) < at(key, at(heap, child)):
            child += 1
        below = at(heap, child)
        if at(key, below) >= t:
            break
        put(heap, q, below)
        put(place, below, q)
        q = child
    put(heap, q, element)
    put(place, element, q)


@helper
def wait(C, element, t, what):
    """An element waits until t; not at all if that is inf."""
    put(C.next_time, element, t)
    put(C.awaited, element, what)
    q = at(C.place, element)
    if t < np.inf:
        if q < 0:
            q = C.plan[QUEUED]
            C.plan[QUEUED] += 1
            put(C.heap, q, element)
        sift(C, q)
    elif q >= 0:
        C.plan[QUEUED] -= 1
        put(C.place, element, -1)
        if q < C.plan[QUEUED]:
            put(C.heap, q, at(C.heap, C.plan[QUEUED]))
            sift(C, q)
