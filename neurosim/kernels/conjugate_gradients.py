"""Conjugate gradients on a Laplacian, with a reused approximate factor and a start from earlier solutions.

One iteration is two passes over the graph. Forward through the approximate factor the residual is updated, and
r' M^-1 r is the sum of squares that come out, so beta is known at the end. Backward the new direction comes out unknown
by unknown, last first, and every pair is multiplied with it as soon as both its ends are known; the solution goes along
the direction before. What runs through the factor is rounded to seven digits, as the factor is: large graphs take the
time that memory takes.

The start is the best combination (in energy) of the last solutions and their differences: P. F. Fischer, Comput.
Methods Appl. Mech. Eng. 163, 193 (1998), doi:10.1016/S0045-7825(98)00012-7. The factor is built again when
the iterations lost to its age would have paid for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import helper, unit
from neurosim.kernels.approximate_cholesky import factor_approximately
from neurosim.kernels.laplacian_arrays import (
    BUILT,
    BY_ENERGY,
    FRESH_RATE,
    IS_FRESH,
    IS_STALE,
    ITERATIONS,
    KEPT,
    KEPT_COUNT,
    KEPT_COUNT_OTHER,
    LOST,
    NO_CONVERGENCE,
    SOLUTIONS,
    TOLERANCE,
    laplacian_type,
)
from neurosim.kernels.unchecked import at, put, put_short, short_at

REBUILD = 5.0
"""What building the approximate factor costs, in iterations."""

MOST_ITERATIONS = 5000
PATIENCE = 4.0
"""An old factor is replaced during a solution that takes this many times the iterations of a new one."""

NEGLIGIBLE = 1e-12
"""An earlier solution that adds less than this share (in energy) to the ones before is left out."""


def _plain_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type())


@unit(_plain_signature)
def build_factor(a):
    """Build the approximate factor; return its status."""
    state = a.state
    status = factor_approximately(a)
    state[BUILT] += 1
    state[IS_FRESH] = 1
    state[IS_STALE] = 0
    a.control[LOST] = 0.0
    return status


@unit(_plain_signature)
def prepare_iterations(a):
    """Make the approximate factor ready for new conductances; return 0 or why it cannot be built."""
    if a.state[BUILT] > 0 and a.state[IS_STALE] == 0:
        return 0
    return build_factor(a)


def _start_signature() -> Any:
    from numba import types

    return types.UniTuple(types.f8, 2)(laplacian_type(), types.i8)


@helper
def _differences(kept, place):
    """Of the solutions kept at `place`: the last one, its change, and the change of that; 0 for what is not known."""
    return at(kept, place), short_at(kept, 2 * place + 2), short_at(kept, 2 * place + 3)


@unit(_start_signature)
def guess(a, series):
    """From the right-hand side in `residual`, write a start to `x` and its residual to `residual`.

    The start is the last solution, its change and the change of that, each as much as takes the most energy off the
    error: one pass over the graph gives all their products, another one, last unknown first, start and residual.
    Returns the start's energy x' L x and the sum of squares of the right-hand side.
    """
    n = a.node.size
    pairs = a.pair_other.size
    x, residual, kept, weight = a.x, a.residual, a.kept, a.weight
    count = a.state[KEPT_COUNT + series]
    base = series * n * KEPT
    g00, g01, g02, g11, g12, g22, s0, s1, s2, size = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if count == 0:
        for i in range(n):
            size += at(residual, i) * at(residual, i)
    else:
        begin = np.int64(at(a.pair_start, 0))
        for i in range(n):
            d0, d1, d2 = _differences(kept, base + i * KEPT)
            r, w = at(residual, i), at(weight, pairs + i)
            size += r * r
            s0 += r * d0
            s1 += r * d1
            s2 += r * d2
            g00 += w * d0 * d0
            g01 += w * d0 * d1
            g02 += w * d0 * d2
            g11 += w * d1 * d1
            g12 += w * d1 * d2
            g22 += w * d2 * d2
            end = np.int64(at(a.pair_start, i + 1))
            for p in range(begin, end):
                w = at(weight, p)
                place = base + np.int64(at(a.pair_other, p)) * KEPT
                e0, e1, e2 = _differences(kept, place)
                e0 -= d0
                e1 -= d1
                e2 -= d2
                flow = w * e0
                g00 += flow * e0
                g01 += flow * e1
                g02 += flow * e2
                flow = w * e1
                g11 += flow * e1
                g12 += flow * e2
                g22 += w * e2 * e2
            begin = end
    if not g00 > 0.0:
        for i in range(n):
            put(x, i, 0.0)
        return 0.0, size
    # Cholesky's factor of the three by three; what hardly differs from the ones before is left out.
    low10, low20 = g01 / g00, g02 / g00
    own1, s1, cross = g11 - low10 * g01, s1 - low10 * s0, g12 - low10 * g02
    c0, c1, c2, low21 = s0 / g00, 0.0, 0.0, 0.0
    energy = c0 * s0
    if own1 > NEGLIGIBLE * g11:
        low21, c1 = cross / own1, s1 / own1
        energy += c1 * s1
    own2, s2 = g22 - low20 * g02 - low21 * cross, s2 - low20 * s0 - low21 * s1
    if own2 > NEGLIGIBLE * g22:
        c2 = s2 / own2
        energy += c2 * s2
    c1 -= low21 * c2
    c0 -= low10 * c1 + low20 * c2
    end = np.int64(at(a.pair_start, n))
    for t in range(n):
        i = n - 1 - t
        d0, d1, d2 = _differences(kept, base + i * KEPT)
        own = c0 * d0 + c1 * d1 + c2 * d2
        put(x, i, own)
        total = at(weight, pairs + i) * own
        begin = np.int64(at(a.pair_start, i))
        for p in range(begin, end):
            j = np.int64(at(a.pair_other, p))
            flow = at(weight, p) * (own - at(x, j))
            total += flow
            put(residual, j, at(residual, j) + flow)
        end = begin
        put(residual, i, at(residual, i) - total)
    return energy, size


def _forward_signature() -> Any:
    from numba import types

    return types.UniTuple(types.f8, 2)(laplacian_type(), types.f8)


@unit(_forward_signature)
def forward(a, alpha):
    """Take alpha times the product off the residual r (0: there is none yet); return r'r and r' M^-1 r.

    `sums` receives what the backward pass starts from.
    """
    residual, product, sums = a.residual, a.product, a.sums
    row, value = a.factor_row, a.factor_value
    norm, energy = 0.0, 0.0
    for v in range(a.node.size):
        put(sums, v, 0.0)
    moved = alpha != 0.0
    first = np.int64(at(a.factor_start, 0))
    for v in range(a.node.size):
        own = at(residual, v)
        if moved:
            own -= alpha * at(product, v)
            put(residual, v, own)
        norm += own * own
        own += at(sums, v)
        last = np.int64(at(a.factor_start, v + 1))
        for q in range(first, last):
            j = at(row, q)
            put(sums, j, at(sums, j) + at(value, q) * own)
        first = last
        scaled = own * at(a.pivot, v)
        put(sums, v, scaled)
        energy += own * scaled
    return norm, energy


def _backward_signature() -> Any:
    from numba import types

    return types.f8(laplacian_type(), types.f8, types.f8)


@unit(_backward_signature)
def backward(a, alpha, beta):
    """Go alpha along the direction, make the next one d and its product with the matrix; return d' times that.

    With alpha = 0 there is no direction yet.
    """
    x, direction, product, sums = a.x, a.direction, a.product, a.sums
    row, value = a.factor_row, a.factor_value
    n = a.node.size
    pairs = a.pair_other.size
    energy = 0.0
    moved = alpha != 0.0
    last = np.int64(at(a.factor_start, n))
    end = np.int64(at(a.pair_start, n))
    for t in range(n):
        v = n - 1 - t
        own = np.float64(at(sums, v))
        first = np.int64(at(a.factor_start, v))
        for q in range(first, last):
            own += at(value, q) * at(sums, at(row, q))
        last = first
        put(sums, v, own)
        if moved:
            before = at(direction, v)
            put(x, v, at(x, v) + alpha * before)
            own += beta * before
        put(direction, v, own)
        total = at(a.weight, pairs + v) * own
        energy += total * own
        begin = np.int64(at(a.pair_start, v))
        for p in range(begin, end):
            j = at(a.pair_other, p)
            difference = own - at(direction, j)
            flow = at(a.weight, p) * difference
            total += flow
            energy += flow * difference
            put(product, j, at(product, j) - flow)
        end = begin
        put(product, v, total)
    return energy


@helper
def _go(a, alpha):
    """Go alpha along the direction; with alpha = 0 there is none."""
    if alpha != 0.0:
        for i in range(a.node.size):
            put(a.x, i, at(a.x, i) + alpha * at(a.direction, i))


def _solve_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type(), types.i8)


@unit(_solve_signature)
def solve_iteratively(a, refresh):
    """From the right-hand side in `residual` (by unknowns), the solution into `x`; return 0 or why there is none."""
    n = a.node.size
    state, control = a.state, a.control
    series = 0 if refresh != 0 else 1
    found, size = guess(a, series)
    if size == 0.0:
        return 0
    if not size < np.inf:
        return NO_CONVERGENCE
    by_energy, share = control[BY_ENERGY] != 0.0, control[TOLERANCE] * control[TOLERANCE]
    start, error, goal, previous, alpha = 0.0, 0.0, share * size, 0.0, 0.0
    step, start_step = 0, 0
    status = 0
    while True:
        norm, energy = forward(a, alpha)
        found += alpha * previous
        error = norm
        if by_energy:
            error, goal = energy, share * found
        if step == start_step:
            start = error
        if error <= goal:
            break
        if step >= MOST_ITERATIONS or not norm < np.inf:
            status = NO_CONVERGENCE
            break
        if state[IS_FRESH] == 0 and control[FRESH_RATE] > 0.0 and goal > 0.0:
            expected = np.log(start / goal) / (2.0 * control[FRESH_RATE])
            if step - start_step > PATIENCE * expected + REBUILD:
                # The factor is built in the room of the direction.
                _go(a, alpha)
                status = build_factor(a)
                if status != 0:
                    break
                alpha, previous, start_step = 0.0, 0.0, step
                continue
        beta = energy / previous if previous > 0.0 else 0.0
        previous = energy
        alpha = energy / backward(a, alpha, beta)
        step += 1
    state[ITERATIONS] += step
    state[SOLUTIONS] += 1
    taken = step - start_step
    if status != 0:
        state[IS_STALE] = 1
        return status
    _go(a, alpha)
    if taken > 0 and error > 0.0:
        rate = np.log(start / error) / (2.0 * taken)
        if state[IS_FRESH] == 1:
            control[FRESH_RATE] = rate
            state[IS_FRESH] = 0
        else:
            # Rates of few iterations scatter: what one solution seems to win counts as well.
            control[LOST] = max(0.0, control[LOST] + taken * (1.0 - rate / control[FRESH_RATE]))
            if control[LOST] > REBUILD:
                state[IS_STALE] = 1
    count = KEPT_COUNT_OTHER if series == 1 else KEPT_COUNT
    base, known = series * n * KEPT, state[count]
    for i in range(n):
        place = base + i * KEPT
        last, change, _ = _differences(a.kept, place)
        new = at(a.x, i)
        put(a.kept, place, new)
        put_short(a.kept, 2 * place + 2, new - last if known > 0 else 0.0)
        put_short(a.kept, 2 * place + 3, new - last - change if known > 1 else 0.0)
    state[count] += 1
    return 0
