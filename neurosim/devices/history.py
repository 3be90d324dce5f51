"""A history of two signals at accepted steps, kept in rows of a device's `memory`, and their values in between.

Between two points the value is a polynomial of degree 3 at most through neighbouring points, chosen so that corners are
not smoothed: each further point is taken on the side where the divided difference is smaller (the ENO interpolation of
A. Harten et al., J. Comput. Phys. 71, 231 (1987), doi 10.1016/0021-9991(87)90031-3).
"""

from __future__ import annotations

from neurosim.kernels.abi import helper

INTERVALS = 2000.0
"""Points are kept at least 1 / INTERVALS of the longest delay apart, two at a time."""

CAPACITY = 4100
"""Stored points: two for each interval, and some to spare."""

ROWS = 1 + 3 * CAPACITY
"""Rows of memory: number of points taken so far, then a ring of times and of both signals."""


@helper
def clear(memory, e, row):
    """Forget everything."""
    memory[row, e] = 0.0


@helper
def store(memory, e, row, time, spacing, first, second):
    """Add a point; in place of the last if not after it, or if closer than `spacing` to the last but one."""
    count = int(memory[row, e])
    repeated = count >= 1 and time <= memory[row + 1 + (count - 1) % CAPACITY, e]
    if repeated or (count >= 2 and time - memory[row + 1 + (count - 2) % CAPACITY, e] < spacing):
        count -= 1
    place = row + 1 + count % CAPACITY
    memory[place, e] = time
    memory[place + CAPACITY, e] = first
    memory[place + 2 * CAPACITY, e] = second
    memory[row, e] = count + 1.0


@helper
def is_before(memory, e, row, time):
    """Whether `time` is not after the first point of all."""
    count = int(memory[row, e])
    return count == 0 or (count <= CAPACITY and time <= memory[row + 1, e])


@helper
def past_value(memory, e, row, signal, time):
    """Value of `signal` (0 or 1) at `time`, constant outside the points."""
    count = int(memory[row, e])
    times, values = row + 1, row + 1 + (signal + 1) * CAPACITY
    oldest, newest = max(0, count - CAPACITY), count - 1
    if time <= memory[times + oldest % CAPACITY, e]:
        return memory[values + oldest % CAPACITY, e]
    if time >= memory[times + newest % CAPACITY, e]:
        return memory[values + newest % CAPACITY, e]
    low, high = oldest, newest
    while high - low > 1:
        middle = (low + high) // 2
        if memory[times + middle % CAPACITY, e] <= time:
            low = middle
        else:
            high = middle
    t0, t1 = memory[times + low % CAPACITY, e], memory[times + high % CAPACITY, e]
    v0, v1 = memory[values + low % CAPACITY, e], memory[values + high % CAPACITY, e]
    slope = (v1 - v0) / (t1 - t0)
    result = v0 + slope * (time - t0)
    product = (time - t0) * (time - t1)
    for _ in range(2):
        left, right = low - 1, high + 1
        has_left, has_right = left >= oldest, right <= newest
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
    """Divided difference of the points `first` to `last` (three or four of them)."""
    total = 0.0
    for i in range(first, last + 1):
        weight = 1.0
        for j in range(first, last + 1):
            if j != i:
                weight *= memory[times + i % CAPACITY, e] - memory[times + j % CAPACITY, e]
        total += memory[values + i % CAPACITY, e] / weight
    return total
