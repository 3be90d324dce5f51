"""The functions of `map` nodes and their slopes, over contiguous rows; numbered as in `neurosim.graph.functions`."""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import unit
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.functions import fast_exp, fast_expm1, fast_log, fast_pow, softplus
from neurosim.kernels.vector_functions import apply_logistic, apply_tanh

(
    IDENTITY, TANH, LOGISTIC, RELU, SOFTPLUS, EXP, SIGN, HEAVISIDE, HARD_TANH, HARD_LOGISTIC, COMPLEMENT, LEAKY_RELU,
    SQUARE, SIN, GAUSSIAN, SOFTMAX, NORMALISE, CUMULATIVE_SUM, CUMULATIVE_PRODUCT, RECIPROCAL, LOG, ABS, SQRT, POWER,
    BERNOULLI,
) = range(25)  # fmt: skip
"""Those from SOFTMAX to CUMULATIVE_PRODUCT act on a row as a whole."""


@unit(lambda: signature_of(*"iririif"))
def apply_function(function, d, at, a, a_at, n, c):
    """d = function(a), element by element or over a row of n."""
    if function == TANH:
        apply_tanh(d, at, a, a_at, n)
        return
    if function == LOGISTIC:
        apply_logistic(d, at, a, a_at, n)
        return
    y = d[at : at + n]
    x = a[a_at : a_at + n]
    # One array only: a loop over two that may be the same is not vectorised.
    if at != a_at and (function < SOFTMAX or function > CUMULATIVE_PRODUCT):
        for i in range(n):
            y[i] = x[i]
    if function == RELU:
        for i in range(n):
            y[i] = 0.0 if y[i] < 0.0 else y[i]
    elif function == SOFTPLUS:
        for i in range(n):
            y[i] = softplus(y[i])
    elif function == EXP:
        for i in range(n):
            y[i] = fast_exp(y[i])
    elif function == SIGN:
        for i in range(n):
            y[i] = 1.0 if y[i] > 0.0 else (-1.0 if y[i] < 0.0 else y[i])
    elif function == HEAVISIDE:
        for i in range(n):
            y[i] = 1.0 if y[i] > 0.0 else (0.0 if y[i] <= 0.0 else y[i])
    elif function == HARD_TANH:
        for i in range(n):
            y[i] = 1.0 if y[i] > 1.0 else (-1.0 if y[i] < -1.0 else y[i])
    elif function == HARD_LOGISTIC:
        for i in range(n):
            v = y[i] / 6.0 + 0.5
            y[i] = 1.0 if v > 1.0 else (0.0 if v < 0.0 else v)
    elif function == COMPLEMENT:
        for i in range(n):
            y[i] = 1.0 - y[i]
    elif function == LEAKY_RELU:
        for i in range(n):
            y[i] = c * y[i] if y[i] < 0.0 else y[i]
    elif function == SQUARE:
        for i in range(n):
            y[i] = y[i] * y[i]
    elif function == SIN:
        for i in range(n):
            y[i] = np.sin(y[i])
    elif function == GAUSSIAN:
        for i in range(n):
            y[i] = fast_exp(-y[i] * y[i])
    elif function == RECIPROCAL:
        for i in range(n):
            y[i] = 1.0 / y[i]
    elif function == LOG:
        for i in range(n):
            y[i] = fast_log(y[i])
    elif function == ABS:
        for i in range(n):
            y[i] = abs(y[i])
    elif function == SQRT:
        for i in range(n):
            y[i] = np.sqrt(y[i])
    elif function == POWER:
        for i in range(n):
            y[i] = fast_pow(y[i], c)
    elif function == BERNOULLI:
        for i in range(n):
            v = fast_expm1(y[i])
            y[i] = 1.0 if y[i] == 0.0 else y[i] / v
    elif function == SOFTMAX:
        largest = x[0]
        for i in range(n):
            largest = x[i] if x[i] > largest else largest
        total = 0.0
        for i in range(n):
            y[i] = fast_exp(x[i] - largest)
            total += y[i]
        for i in range(n):
            y[i] /= total
    elif function == NORMALISE:
        total = c
        for i in range(n):
            total += x[i] * x[i]
        scale = 1.0 / np.sqrt(total)
        for i in range(n):
            y[i] = scale * x[i]
    elif function == CUMULATIVE_SUM:
        total = 0.0
        for i in range(n):
            total += x[i]
            y[i] = total
    elif function == CUMULATIVE_PRODUCT:
        total = 1.0
        for i in range(n):
            total *= x[i]
            y[i] = total


@unit(lambda: signature_of(*"iriririif"))
def multiply_by_slopes(function, x, x_at, y, y_at, r, r_at, n, c):
    """r *= slope of an elementwise function; x argument, y value."""
    a = x[x_at : x_at + n]
    b = y[y_at : y_at + n]
    z = r[r_at : r_at + n]
    if function == TANH:
        for i in range(n):
            z[i] *= 1.0 - b[i] * b[i]
    elif function == LOGISTIC:
        for i in range(n):
            z[i] *= b[i] * (1.0 - b[i])
    elif function == RELU:
        for i in range(n):
            z[i] *= 1.0 if b[i] > 0.0 else 0.0
    elif function == SOFTPLUS:
        for i in range(n):
            z[i] *= 1.0 - fast_exp(-b[i])
    elif function == EXP:
        for i in range(n):
            z[i] *= b[i]
    elif function in (SIGN, HEAVISIDE):
        for i in range(n):
            z[i] = 0.0
    elif function == HARD_TANH:
        for i in range(n):
            z[i] *= 1.0 if -1.0 < b[i] < 1.0 else 0.0
    elif function == HARD_LOGISTIC:
        for i in range(n):
            z[i] *= 1.0 / 6.0 if 0.0 < b[i] < 1.0 else 0.0
    elif function == COMPLEMENT:
        for i in range(n):
            z[i] = -z[i]
    elif function == LEAKY_RELU:
        for i in range(n):
            z[i] *= 1.0 if b[i] > 0.0 else c
    elif function == SQUARE:
        for i in range(n):
            z[i] *= 2.0 * a[i]
    elif function == SIN:
        for i in range(n):
            z[i] *= np.cos(a[i])
    elif function == GAUSSIAN:
        for i in range(n):
            z[i] *= -2.0 * a[i] * b[i]
    elif function == RECIPROCAL:
        for i in range(n):
            z[i] *= -b[i] * b[i]
    elif function == LOG:
        for i in range(n):
            z[i] /= a[i]
    elif function == ABS:
        for i in range(n):
            z[i] *= 1.0 if a[i] > 0.0 else (-1.0 if a[i] < 0.0 else 0.0)
    elif function == SQRT:
        for i in range(n):
            z[i] *= 0.5 / b[i]
    elif function == POWER:
        for i in range(n):
            z[i] *= c * b[i] / a[i] if a[i] != 0.0 else (1.0 if c == 1.0 else 0.0)
    elif function == BERNOULLI:
        for i in range(n):
            t = a[i]
            near = t * (1.0 / 6.0 - t * t * (1.0 / 180.0 - t * t / 5040.0)) - 0.5
            z[i] *= near if abs(t) < 0.1 else b[i] * (1.0 - b[i] - t) / t


@unit(lambda: signature_of(*"iririririifii"))
def add_row_slopes(function, x, x_at, y, y_at, v, v_at, r, r_at, n, c, add, reverse):
    """As `multiply_by_slopes` for functions of a whole row; `add` and `reverse` are 0 or 1: add to r, and take the
    transposed product."""
    a = x[x_at : x_at + n]
    b = y[y_at : y_at + n]
    w = v[v_at : v_at + n]
    z = r[r_at : r_at + n]
    if function == SOFTMAX:
        total = 0.0
        for i in range(n):
            total += b[i] * w[i]
        for i in range(n):
            t = b[i] * (w[i] - total)
            z[i] = z[i] + t if add != 0 else t
    elif function == NORMALISE:
        total = c
        product = 0.0
        for i in range(n):
            total += a[i] * a[i]
            product += b[i] * w[i]
        scale = 1.0 / np.sqrt(total)
        for i in range(n):
            t = scale * (w[i] - b[i] * product)
            z[i] = z[i] + t if add != 0 else t
    elif function == CUMULATIVE_SUM:
        total = 0.0
        for i in range(n):
            j = n - 1 - i if reverse != 0 else i
            total += w[j]
            z[j] = z[j] + total if add != 0 else total
    elif function == CUMULATIVE_PRODUCT:
        # Products that leave one factor out, so that a zero factor does no harm.
        if reverse != 0:
            for i in range(n):
                before = b[i - 1] if i > 0 else 1.0
                total = 0.0
                partial = 1.0
                for j in range(i, n):
                    if j > i:
                        partial *= a[j]
                    total += partial * w[j]
                z[i] = z[i] + before * total if add != 0 else before * total
        else:
            previous = 0.0
            for i in range(n):
                before = b[i - 1] if i > 0 else 1.0
                t = before * w[i] + previous * a[i]
                previous = t
                z[i] = z[i] + t if add != 0 else t
