"""The elements of events that wait for something: a binary heap by time, with one place for each element."""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.spike_cells import QUEUED


@helper
def sift(C, q):
    """Put the element at place q of the heap where its time belongs."""
    heap, place, key, count = C.heap, C.place, C.next_time, C.plan[QUEUED]
    element = heap[q]
    t = key[element]
    while q > 0 and key[heap[(q - 1) // 2]] > t:
        heap[q] = heap[(q - 1) // 2]
        place[heap[q]] = q
        q = (q - 1) // 2
    while 2 * q + 1 < count:
        child = 2 * q + 1
        if child + 1 < count and key[heap[child + 1]] < key[heap[child]]:
            child += 1
        if key[heap[child]] >= t:
            break
        heap[q] = heap[child]
        place[heap[q]] = q
        q = child
    heap[q] = element
    place[element] = q


@helper
def wait(C, element, t, what):
    """An element waits until t; not at all if that is inf."""
    C.next_time[element], C.awaited[element] = t, what
    q = C.place[element]
    if t < np.inf:
        if q < 0:
            q = C.plan[QUEUED]
            C.plan[QUEUED] += 1
            C.heap[q] = element
        sift(C, q)
    elif q >= 0:
        C.plan[QUEUED] -= 1
        C.place[element] = -1
        if q < C.plan[QUEUED]:
            C.heap[q] = C.heap[C.plan[QUEUED]]
            sift(C, q)
