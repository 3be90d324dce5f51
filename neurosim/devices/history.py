"""A history of two signals at accepted steps, kept in rows of a device's `memory`, and their values in between.

Between two points the value is a polynomial of degree 5 at most through neighbouring points on the same side of a
corner; each further point is taken on the side where the divided difference is smaller (the ENO interpolation of A.
Harten et al., J. Comput. Phys. 71, 231 (1987), doi 10.1016/0021-9991(87)90031-3). Corners lie where a time step ended
at one of a source or at an event, and are noted, so that a time step can end where they arrive.
"""

from __future__ import annotations

import math

from neurosim.kernels.abi import helper

INTERVALS = 3000.0
"""Points other than corners are kept at least 1 / INTERVALS of the longest delay apart: divided differences of
closer ones are nothing but rounding."""

DEGREE = 5

CAPACITY = 4100
"""Stored points: one for each interval, two for each corner, and some to spare."""

CORNERS = 500
"""Corners that wait to be passed on; more at a time are smoothed over."""

PASSED, FOUND, LARGEST, RING = 1, 2, 3, 4
"""Rows behind the number of points: corners passed on, corners found, largest value so far, then rings of corner times,
of point times, of both signals, and of whether the point is a corner."""

ROWS = RING + CORNERS + 4 * CAPACITY
"""Rows of memory that a history takes."""

SMALLEST_BEND = 1e-6
"""A corner is noted if the change of the slope is worth more than this part of the largest value in INTERVALS / 4 times
the least distance of points: what is left of it after some reflections need not stop time steps for ever."""


@helper
def clear(memory, e, row):
    """Forget everything."""
    for k in range(RING):
        memory[row + k, e] = 0.0


@helper
def next_corner(memory, e, row):
    """Time of the first corner not passed on yet, inf if there is none."""
    passed = int(memory[row + PASSED, e])
    if passed >= int(memory[row + FOUND, e]):
        return math.inf
    return memory[row + RING + passed % CORNERS, e]


@helper
def pass_corner(memory, e, row):
    """Drop the first corner."""
    memory[row + PASSED, e] += 1.0


@helper
def slope(memory, e, times, values, k):
    """Slope from point k to the next."""
    here, there = k % CAPACITY, (k + 1) % CAPACITY
    rise = memory[values + there, e] - memory[values + here, e]
    return rise / (memory[times + there, e] - memory[times + here, e])


@helper
def is_corner(memory, e, row, k):
    """Whether the signals bend sharply at point k."""
    return memory[row + RING + CORNERS + 3 * CAPACITY + k % CAPACITY, e] != 0.0


@helper
def bend(memory, e, row, signal, k):
    """Size of the change of the slope of `signal` at point k."""
    times = row + RING + CORNERS
    values = times + (signal + 1) * CAPACITY
    return abs(slope(memory, e, times, values, k) - slope(memory, e, times, values, k - 1))


@helper
def note_corner(memory, e, row, spacing):
    """Note the point two before the last if it is a corner; its neighbours are no longer replaced."""
    count = int(memory[row, e])
    k = count - 3
    if k <= max(0, count - CAPACITY) or not is_corner(memory, e, row, k):
        return
    worth = max(bend(memory, e, row, 0, k), bend(memory, e, row, 1, k)) * 0.25 * INTERVALS * spacing
    found = int(memory[row + FOUND, e])
    if worth > SMALLEST_BEND * memory[row + LARGEST, e] and found - int(memory[row + PASSED, e]) < CORNERS:
        memory[row + RING + found % CORNERS, e] = memory[row + RING + CORNERS + k % CAPACITY, e]
        memory[row + FOUND, e] = found + 1.0
    else:
        memory[row + RING + CORNERS + 3 * CAPACITY + k % CAPACITY, e] = 0.0


@helper
def note_first_corner(memory, e, row, time):
    """The history itself begins with a corner: a source that sets in there, or initial conditions, bend the signals."""
    memory[row + RING, e] = time
    memory[row + FOUND, e] = 1.0


@helper
def store(memory, e, row, time, spacing, first, second, corner):
    """Add a point; in place of the last if not after it, or if that lies within `spacing` behind its predecessor or
    before a new `corner`, unless it is a corner itself."""
    count = int(memory[row, e])
    times = row + RING + CORNERS
    repeated = count >= 1 and time <= memory[times + (count - 1) % CAPACITY, e]
    replaces = repeated
    if count >= 2 and not is_corner(memory, e, row, count - 1):
        last = memory[times + (count - 1) % CAPACITY, e]
        is_close = last - memory[times + (count - 2) % CAPACITY, e] < spacing
        replaces = repeated or is_close or (corner and time - last < spacing)
    if replaces:
        count -= 1
    place = times + count % CAPACITY
    memory[place, e] = time
    memory[place + CAPACITY, e] = first
    memory[place + 2 * CAPACITY, e] = second
    memory[place + 3 * CAPACITY, e] = 1.0 if corner else 0.0
    memory[row, e] = count + 1.0
    memory[row + LARGEST, e] = max(memory[row + LARGEST, e], abs(first), abs(second))
    if not replaces:
        note_corner(memory, e, row, spacing)


@helper
def past_value(memory, e, row, signal, time):
    """Value of `signal` (0 or 1) at `time`, constant outside the points.

    Behind a corner that has not been passed on, what came before it is continued, so that a time step which reaches
    over the corner sees a smooth signal.
    """
    count = int(memory[row, e])
    times = row + RING + CORNERS
    values = times + (signal + 1) * CAPACITY
    oldest, newest = max(0, count - CAPACITY), count - 1
    if time <= memory[times + oldest % CAPACITY, e]:
        return memory[values + oldest % CAPACITY, e]
    if time >= memory[times + newest % CAPACITY, e]:
        return memory[values + newest % CAPACITY, e]
    corner = next_corner(memory, e, row)
    low, high = oldest, newest
    while high - low > 1:
        middle = (low + high) // 2
        if memory[times + middle % CAPACITY, e] <= min(time, corner):
            low = middle
        else:
            high = middle
    if time > corner:
        if low == oldest:
            return memory[values + oldest % CAPACITY, e]
        low, high, newest = low - 1, low, low
    t0, t1 = memory[times + low % CAPACITY, e], memory[times + high % CAPACITY, e]
    v0, v1 = memory[values + low % CAPACITY, e], memory[values + high % CAPACITY, e]
    result = v0 + (v1 - v0) / (t1 - t0) * (time - t0)
    product = (time - t0) * (time - t1)
    for _ in range(DEGREE - 1):
        left, right = low - 1, high + 1
        has_left = left >= oldest and not is_corner(memory, e, row, low)
        has_right = right <= newest and not is_corner(memory, e, row, high)
        a = b = 0.0
        if has_left:
            a = divided_difference(memory, e, times, values, left, high)
        if has_right:
            b = divided_difference(memory, e, times, values, low, right)
        if not has_left and not has_right:
            break
        if has_left and (not has_right or abs(a) <= abs(b)):
            result += a * product
            low, edge = left, memory[times + left % CAPACITY, e]
        else:
            result += b * product
            high, edge = right, memory[times + right % CAPACITY, e]
        product *= time - edge
    return result


@helper
def divided_difference(memory, e, times, values, first, last):
    """Divided difference of the points `first` to `last` (three or more)."""
    total = 0.0
    for i in range(first, last + 1):
        weight = 1.0
        for j in range(first, last + 1):
            if j != i:
                weight *= memory[times + i % CAPACITY, e] - memory[times + j % CAPACITY, e]
        total += memory[values + i % CAPACITY, e] / weight
    return total
