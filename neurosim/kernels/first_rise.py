"""When a sum of exponentials, or a polynomial, first rises above 0, without ever missing it.

**Sums of exponentials** ``f = a_0 + sum a_i exp(-r_i t)``, with ``0 < r_1 < r_2 < ...``: there are at most as many
zeros at t > 0 as changes of sign among the partial sums ``a_0, a_0 + a_1, ...`` (E. Laguerre, J. Math. Pures Appl. 9,
99 (1883), recalled: the rule of signs of Descartes, for real powers too), so with none there is no search. Otherwise f
stays below the parabola with its value and slope now, and the second derivative of those of its terms alone that are
above 0, which only fall. To where the parabola reaches 0 there is no rise; from there the same is done again. Such
steps never pass the first rise, become those of Newton's method next to it, and can be left at any time with what they
have excluded.

**Polynomials** on 0..1 by their Bernstein coefficients: none positive, no rise; one change of sign, one zero; otherwise
the interval is halved, the left half first.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import Inlined, fast_fading
from neurosim.kernels.unchecked import at, put

FINE, FINER = 1e-6, 1e-9
"""Last step towards a rise as a share of the fastest time constant, where steps take their errors to the third power
and to the second."""

STEPS = 400
"""Most steps of a search; it is put off then."""

DEGREE = 20
"""Of polynomials."""

DEPTH = 48
"""Most halvings of an interval."""

NARROWEST = 0.5**DEPTH

ROOM_OF_POLYNOMIAL = 2 * (DEGREE + 1) + (DEPTH + 2) * (DEGREE + 3)


@Inlined
def parabola(value, slope, bend):
    """Where ``value + slope t + bend t^2/2`` reaches 0; inf if it does not, from below."""
    root = np.sqrt(max(slope * slope - 2.0 * bend * value, 0.0))
    if slope > 0.0:
        return -2.0 * value / (slope + root)
    return (root - slope) / bend if bend > 0.0 else np.inf


@Inlined
def first_rise_of_exponentials(rates, first, amounts, place, k, constant, soon, horizon):
    """First t at which a sum of exponentials, which is taken to begin below 0, rises above it; inf if it never does.

    Parameters
    ----------
    rates, first : float64, int
        Where k rates of decay lie, rising from 0 or above.
    amounts, place : float64, int
        Where the k amounts lie; the first may be changed.
    constant : float
        What the sum ends at.
    soon, horizon : float
        A rise before `soon` is looked for first: ``-soon`` says that there is none. Where the search leads behind
        `horizon` it ends: ``-t`` says that there is none before t. The first amount then is how far the sum stays below
        0 until then, at least.
    """
    t, rises = 0.0, False
    for step in range(STEPS):
        value, slope, up, down, most = constant, 0.0, 0.0, 0.0, constant if at(rates, first) != 0.0 else -1.0
        for i in range(k):
            rate, amount = at(rates, first + i), at(amounts, place + i)
            if step > 0:
                amount *= fast_fading(rate * t)
            value += amount
            moved = rate * amount
            slope -= moved
            up += max(moved * rate, 0.0)
            down -= min(moved * rate, 0.0)
            most = max(most, value)
        if step == 0:
            value = min(value, 0.0)
        if not rises:
            if value >= 0.0 and step > 0:
                return t
            if most <= 0.0:
                return np.inf
            if step == 0:
                then = value + soon * (slope + 0.5 * soon * up)
                if soon > 0.0 and then < 0.0:
                    put(amounts, place, -max(value, then))
                    return -soon
                # Half way up to 0.
                half = parabola(0.5 * value, slope, up)
                if half > horizon and value < 0.0:
                    put(amounts, place, -0.5 * value)
                    return -half
            if slope <= 0.0:
                ahead = parabola(value, slope, up)
                if ahead == np.inf:
                    return np.inf
                t += ahead
                if t > horizon:
                    break
                continue
            # So far ahead it only rises: no other rise comes before the one that its own parabola leads to.
            rises = slope * slope > -4.0 * down * value
        ahead = parabola(value, slope, up - down if rises else up)
        t += ahead
        if abs(ahead) * at(rates, first + k - 1) <= (FINE if rises else FINER):
            return t
        if not rises and t > horizon:
            break
    put(amounts, place, 0.0)
    return -t


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
