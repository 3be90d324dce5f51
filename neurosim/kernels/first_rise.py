"""When a sum of exponentials, or a polynomial, first rises above 0, without ever missing it.

**Sums of exponentials** ``sum a_i exp(-p_i t/tau)`` are sums of powers ``sum a_i z^p_i`` of ``z = exp(-t/tau)``, with
``0 = p_0 < p_1 < ...``; where time constants are commensurate, polynomials. Between two zeros lies a zero of the
derivative, which without its common power of z is a sum with one term less. So zeros are found level by level, each
between two neighbours of the level below, where the function is monotone. There are at most as many zeros in 0 < z < 1
as changes of sign among the partial sums ``a_0, a_0 + a_1, ...`` (E. Laguerre, J. Math. Pures Appl. 9, 99 (1883),
recalled: the rule of signs of Descartes, for real powers too): with none there is no search, with one a single one.

**Polynomials** on 0..1 by their Bernstein coefficients: none positive, no rise; one change of sign, one zero; otherwise
the interval is halved, the left half first.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import fast_exp, fast_log
from neurosim.kernels.unchecked import at, put

FINE, COARSE, NARROW = 1e-9, 1e-5, 4e-16
"""Last step of Newton's method, which squares it, as a share of the zero: where the sum rises, and of levels below it;
width at which halving ends."""

TRIES = 12
"""Steps of Newton's method towards a zero that need not be there."""

DEGREE = 20
"""Of polynomials."""

DEPTH = 48
"""Most halvings of an interval."""

NARROWEST = 0.5**DEPTH

ROOM_OF_POLYNOMIAL = 2 * (DEGREE + 1) + (DEPTH + 2) * (DEGREE + 3)


@helper
def whole_power(z, p):
    """z to a whole power of zero or more."""
    value = 1.0
    while p > 0:
        if p & 1:
            value *= z
        z *= z
        p >>= 1
    return value


@helper
def level_at(w, m, j, z, is_whole):
    """Level j at z, 0 < z <= 1, without its lowest power, and its slope."""
    row = m * (1 + j)
    value, slope = at(w, row + m - 1), 0.0
    log_z = 0.0 if is_whole else fast_log(z)
    for i in range(m - 1, j, -1):
        gap = at(w, i) - at(w, i - 1)
        if is_whole:
            below = whole_power(z, int(gap) - 1)
            power = below * z
        else:
            power = fast_exp(gap * log_z)
            below = power / z
        slope = slope * power + value * gap * below
        value = value * power + at(w, row + i - 1)
    return value, slope


@helper
def zero_of_level(w, m, j, low, high, is_above, is_whole, share):
    """The one zero of level j between low and high; next to `low` the level `is_above` 0."""
    # Zeros are near the present, z = 1, most of the time.
    z = high if high == 1.0 else 0.5 * (low + high)
    for _ in range(200):
        value, slope = level_at(w, m, j, z, is_whole)
        if value == 0.0:
            break
        if (value > 0.0) == is_above:
            low = z
        else:
            high = z
        new = z - value / slope if slope != 0.0 else -1.0
        is_newton = low <= new <= high
        if not is_newton:
            new = 0.5 * (low + high)
        moved = abs(new - z)
        z = new
        if (is_newton and moved <= share * z) or high - low <= NARROW * z:
            break
    return z


@helper
def first_of_two(w, m, is_whole):
    """Largest zero of level 0, which is below 0 at both ends and has two zeros at most; -1 where that is not seen."""
    z, high = 1.0, 1.0
    for _ in range(TRIES):
        value, slope = level_at(w, m, 0, z, is_whole)
        if value > 0.0:
            return zero_of_level(w, m, 0, z, high, True, is_whole, FINE) if z < 1.0 else -1.0
        if slope >= 0.0 or value >= slope * z:
            return -1.0
        high = z
        z -= value / slope
        if high - z <= FINE * z:
            return z
    return -1.0


@helper
def first_rise_of_powers(w, m, is_whole):
    """Largest z in 0..1 below which a sum of m powers, taken to be below 0 next to z = 1, is above it; 0 if none is.

    Parameters
    ----------
    w : float64[m (m + 3)]
        Powers, rising from 0; then their coefficients; then room.
    is_whole : bool
        Whether the powers are whole numbers.
    """
    top, count, zeros, pairs = 0, 0, m * (m + 1), False
    for j in range(m):
        row, total, before, changes, any_positive = m * (1 + j), 0.0, 0, 0, False
        for i in range(j, m):
            total += at(w, row + i)
            sign = 1 if total > 0.0 else -1 if total < 0.0 else before
            changes += 1 if sign * before < 0 else 0
            before = sign
            any_positive = any_positive or sign > 0
        if j == 0 and not any_positive:
            return 0.0
        top, count = j, changes
        pairs = changes == 2 and w[m] < 0.0 if j == 0 else pairs
        if changes <= 1:
            break
        for i in range(j + 1, m):
            put(w, row + m + i, (at(w, i) - at(w, j)) * at(w, row + i))
    if top > 0 and pairs:
        z = first_of_two(w, m, is_whole)
        if z >= 0.0:
            return z
    if top == 0 and (count == 0 or w[m] <= 0.0):
        return 1.0 if count == 0 else 0.0
    if count == 1:
        is_above = w[m * (1 + top) + top] > 0.0
        w[zeros] = zero_of_level(w, m, top, 0.0, 1.0, is_above, is_whole, FINE if top == 0 else COARSE)
        if top == 0:
            return w[zeros]
    for j in range(top - 1, -1, -1):
        row, high, found = m * (1 + j), 1.0, 0
        other = m * (m + 1) + m * (m + 2) - zeros
        was_above = False
        if j > 0:
            value, _ = level_at(w, m, j, 1.0, is_whole)
            was_above = value > 0.0
        for q in range(count + 1):
            low, value = 0.0, w[row + j]
            if q < count:
                low = w[zeros + q]
                value, _ = level_at(w, m, j, low, is_whole)
            if (value > 0.0) != was_above:
                was_above = value > 0.0
                z = zero_of_level(w, m, j, low, high, was_above, is_whole, FINE if j == 0 else COARSE)
                if j == 0:
                    return z
                w[other + found] = z
                found += 1
            high = low
        zeros, count = other, found
    return 0.0


@helper
def first_rise_of_polynomial(w):
    """First s in 0..1 at which a polynomial, which is taken to begin below 0, rises above it; inf if it does not.

    Parameters
    ----------
    w : float64[ROOM_OF_POLYNOMIAL]
        Coefficients of the powers 0 to `DEGREE`; then room.
    """
    n = DEGREE + 1
    most = w[0]
    for i in range(1, n):
        most += max(w[i], 0.0)
    if most <= 0.0:
        return np.inf
    b, stack, row = n, 2 * n, n + 2
    for j in range(n):
        total, share = 0.0, 1.0
        for i in range(j + 1):
            total += share * w[i]
            share *= (j - i) / (DEGREE - i) if i < DEGREE else 0.0
        w[b + j] = total
    w[b] = min(w[b], 0.0)
    start, width, waiting = 0.0, 1.0, 0
    while True:
        changes = 0
        for j in range(DEGREE):
            changes += 1 if (w[b + j] > 0.0) != (w[b + j + 1] > 0.0) else 0
        if w[b] > 0.0 or (changes > 0 and width < NARROWEST):
            return start
        if changes == 1:
            return _zero_of_polynomial(w, start, start + width)
        right = stack + waiting * row
        if changes > 0:
            width *= 0.5
            for j in range(n):
                w[right + j] = w[b + j]
            # De Casteljau: the left half's coefficients stay, the right half's go on the stack.
            for level in range(1, n):
                for j in range(n - level):
                    w[right + j] = 0.5 * (w[right + j] + w[right + j + 1])
                w[b + level] = w[right]
            w[right + n], w[right + n + 1] = start + width, width
            waiting += 1
            continue
        if waiting == 0:
            return np.inf
        waiting -= 1
        right -= row
        for j in range(n):
            w[b + j] = w[right + j]
        start, width = w[right + n], w[right + n + 1]


@helper
def _zero_of_polynomial(w, low, high):
    """The one zero between low and high, where the polynomial rises."""
    s = 0.5 * (low + high)
    for _ in range(100):
        value, slope = w[DEGREE], 0.0
        for i in range(DEGREE - 1, -1, -1):
            slope = slope * s + value
            value = value * s + w[i]
        if value > 0.0:
            high = s
        else:
            low = s
        new = s - value / slope if slope != 0.0 else low
        if not low < new < high:
            new = 0.5 * (low + high)
        moved = abs(new - s)
        s = new
        if moved <= 1e-15:
            break
    return s
