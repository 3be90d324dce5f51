"""A history of two signals at accepted steps, kept in rows of a device's `memory`, and their values in between.

Between two points the value is a polynomial of degree 5 at most through neighbouring points on the same side of a
corner; each further point is taken on the side where the divided difference is smaller (the ENO interpolation of A.
Harten et al., J. Comput. Phys. 71, 231 (1987), doi 10.1016/0021-9991(87)90031-3). Corners are noted, so that a time
step can end where they arrive.
"""

from __future__ import annotations

import math

from neurosim.kernels.abi import helper

INTERVALS = 2000.0
"""Points are kept at least 1 / INTERVALS of the longest delay apart, two at a time."""

DEGREE = 5

CAPACITY = 4100
"""Stored points: two for each interval, and some to spare."""

CORNERS = 500
"""Corners that wait to be passed on; more at a time are smoothed over."""

PASSED, FOUND, LARGEST, RING = 1, 2, 3, 4
"""Rows behind the number of points: corners passed on, corners found, largest value so far, then rings of corner times,
of point times and of both signals."""

ROWS = RING + CORNERS + 3 * CAPACITY
"""Rows of memory that a history takes."""

BEND, SMALLEST_BEND = 0.5, 1e-4
"""A point is a corner if the slope, and the curvature, change by more than this part of them, and the value that the
change is worth over the shorter interval is more than this part of the largest value."""


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
def is_corner(memory, e, row, signal, k):
    """Whether `signal` bends sharply at point k: its neighbours, and better one more before them, must be stored."""
    count = int(memory[row, e])
    oldest = max(0, count - CAPACITY)
    if k <= oldest or k >= count - 1:
        return False
    times = row + RING + CORNERS
    values = times + (signal + 1) * CAPACITY
    before, after = slope(memory, e, times, values, k - 1), slope(memory, e, times, values, k)
    bend = after - before
    t0, t1 = memory[times + (k - 1) % CAPACITY, e], memory[times + k % CAPACITY, e]
    t2 = memory[times + (k + 1) % CAPACITY, e]
    worth = abs(bend) * min(t1 - t0, t2 - t1)
    if abs(bend) <= BEND * max(abs(before), abs(after)) or worth <= SMALLEST_BEND * memory[row + LARGEST, e]:
        return False
    if k - 1 <= oldest:
        return True
    earlier = (before - slope(memory, e, times, values, k - 2)) / (t1 - memory[times + (k - 2) % CAPACITY, e])
    curvature = bend / (t2 - t0)
    return abs(curvature - earlier) > BEND * max(abs(curvature), abs(earlier))


@helper
def find_corner(memory, e, row):
    """Look for a corner two points before the last, whose neighbours are no longer replaced."""
    k = int(memory[row, e]) - 3
    found = int(memory[row + FOUND, e])
    if found - int(memory[row + PASSED, e]) < CORNERS and (
        is_corner(memory, e, row, 0, k) or is_corner(memory, e, row, 1, k)
    ):
        memory[row + RING + found % CORNERS, e] = memory[row + RING + CORNERS + k % CAPACITY, e]
        memory[row + FOUND, e] = found + 1.0


@helper
def store(memory, e, row, time, spacing, first, second):
    """Add a point; in place of the last if not after it, or if closer than `spacing` to the last but one."""
    count = int(memory[row, e])
    times = row + RING + CORNERS
    repeated = count >= 1 and time <= memory[times + (count - 1) % CAPACITY, e]
    replaces = repeated or (count >= 2 and time - memory[times + (count - 2) % CAPACITY, e] < spacing)
    if replaces:
        count -= 1
    place = times + count % CAPACITY
    memory[place, e] = time
    memory[place + CAPACITY, e] = first
    memory[place + 2 * CAPACITY, e] = second
    memory[row, e] = count + 1.0
    memory[row + LARGEST, e] = max(memory[row + LARGEST, e], abs(first), abs(second))
    if not replaces:
        find_corner(memory, e, row)


@helper
def is_before(memory, e, row, time):
    """Whether `time` is not after the first point of all."""
    count = int(memory[row, e])
    return count == 0 or (count <= CAPACITY and time <= memory[row + RING + CORNERS, e])


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
    if time > corner and low > oldest:
        low, high, newest = low - 1, low, low
    t0, t1 = memory[times + low % CAPACITY, e], memory[times + high % CAPACITY, e]
    v0, v1 = memory[values + low % CAPACITY, e], memory[values + high % CAPACITY, e]
    result = v0 + (v1 - v0) / (t1 - t0) * (time - t0)
    product = (time - t0) * (time - t1)
    for _ in range(DEGREE - 1):
        left, right = low - 1, high + 1
        has_left = left >= oldest and not is_corner(memory, e, row, signal, low)
        has_right = right <= newest and not is_corner(memory, e, row, signal, high)
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
