"""Interpreter of array programs: how a signal graph is evaluated, linearised and differentiated.

A program is a list of operations on arrays in one arena. Nothing is compiled for a new network. All arrays are one
dimensional:

- `code` (int64): the header (see `HEADER`), the instructions (`WORDS` each), and the index tables of contractions and
  of sparse weights;
- `p` (float64): parameters, then constants; `pt`: the dense weights transposed, at the same places;
- `arena` (float64) holds every value for `rows` samples: an array of s elements at offset o is the block
  ``arena[o * rows : (o + s) * rows]``, one sample after the other.

Offsets 0 to ny are the states y, then follow the inputs u, then the drives G(y, u) of the states, then the outputs. A
program has two parts: instructions that give the drives, and instructions that give the outputs.
"""

from __future__ import annotations

from neurosim.kernels.abi import driver, helper, unit
from neurosim.kernels.array_functions import (
    CUMULATIVE_PRODUCT,
    SOFTMAX,
    add_row_slopes,
    apply_function,
    multiply_by_slopes,
)
from neurosim.kernels.array_law import law_reverse, law_tangent, run_law
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.functions import fused
from neurosim.kernels.matrix_product import add_product
from neurosim.kernels.sparse_product import row_product
from neurosim.kernels.unchecked import at, copy, fill, put

HEADER = 14
(
    SIZE, STATES, INPUTS, OUTPUTS, DRIVE_AT, OUTPUT_AT, FIRST, MIDDLE, LAST, TRANSPOSED, DENSE_AT, LAW_AT, OUTPUT_LOW,
    OUTPUT_HIGH,
) = range(HEADER)  # fmt: skip
"""Header: arena size; numbers of states, inputs, outputs; offsets of drives and outputs; places of the first
instruction, of the first output instruction and behind the last; number and place of the table of dense weights
(offset, rows, columns); place of the table of `neurosim.graph.law`, 0 if there is none; the offsets between which the
output instructions write."""

WORDS = 16
"""Per instruction: operation, function, n, m, place in p, place in code or p, then (offset, first element, elements
per sample) of the result d, of a and of b, and whether it starts a sum (d = instead of d +=)."""

(
    ADD, BIAS, SCALE, SCALE_ONE, DENSE, DENSE_TRANSPOSED, SPARSE, SPARSE_TRANSPOSED, MAP, GAIN, MULTIPLY, CONTRACT,
    ZERO, LAW,
) = range(14)  # fmt: skip
"""Operations: d += k a; d += p (with a 1 among the constants); d += p a elementwise; d += p[0] a; d += W a; d += W' a;
the same sparse (compressed rows); d = function(a); d = k d; d += a b; d += contraction; d = 0; d = law(a) with work
space at b."""

INDICES = 6
"""Most index letters of a contraction."""


@unit(lambda: signature_of(*"cirrriirri"))
def _contract(code, k, arena, p, other, rows, ratio, target, dp, mode):
    """One contraction. mode -1: its value into arena; mode j >= 0 with `other` the adjoint: gradient of factor j;
    mode -2 - j with `other` the tangent: the share of factor j into the tangent.

    Table at k: number of indices, number of factors, extents (6), then for the result and each factor: whether it is a
    parameter, offset, first element, elements per sample, strides (6).
    """
    factors = code[k + 1]
    e = code[k + 2 : k + 2 + INDICES]
    inner = e[INDICES - 1]
    total = 1
    for q in range(INDICES - 1):
        total *= e[q]
    wanted = mode
    if mode < -1:
        wanted = -2 - mode
    for r in range(rows):
        primal = r // ratio
        for flat in range(total):
            i4 = flat % e[4]
            rest = flat // e[4]
            i3 = rest % e[3]
            rest //= e[3]
            i2 = rest % e[2]
            rest //= e[2]
            i1 = rest % e[1]
            i0 = rest // e[1]
            at0 = at1 = at2 = at3 = 0
            s0 = s1 = s2 = s3 = 0
            for f in range(factors + 1):
                h = k + 2 + INDICES + f * (4 + INDICES)
                rows_here = rows // ratio
                row = primal
                if (f == 0 and mode != -1) or (mode < -1 and f == wanted + 1):
                    rows_here = rows
                    row = r
                at = code[h + 1] * (1 if code[h] != 0 else rows_here) + code[h + 2]
                if code[h] == 0:
                    at += row * code[h + 3]
                at += i0 * code[h + 4] + i1 * code[h + 5] + i2 * code[h + 6] + i3 * code[h + 7] + i4 * code[h + 8]
                if f == 0:
                    at0, s0 = at, code[h + 9]
                elif f == 1:
                    at1, s1 = at, code[h + 9]
                elif f == 2:
                    at2, s2 = at, code[h + 9]
                else:
                    at3, s3 = at, code[h + 9]
            parameter1 = code[k + 2 + INDICES + (4 + INDICES)] != 0
            for i in range(inner):
                v1 = v2 = v3 = 1.0
                if wanted != 0 or mode == -1:
                    v1 = p[at1 + i * s1] if parameter1 else arena[at1 + i * s1]
                if factors > 1 and (wanted != 1 or mode == -1):
                    v2 = arena[at2 + i * s2]
                if factors > 2 and (wanted != 2 or mode == -1):
                    v3 = arena[at3 + i * s3]
                v = v1 * v2 * v3
                if mode == -1:
                    target[at0 + i * s0] += v
                elif mode >= 0:
                    g = v * other[at0 + i * s0]
                    if wanted == 0:
                        if parameter1:
                            dp[at1 + i * s1] += g
                        else:
                            target[at1 + i * s1] += g
                    elif wanted == 1:
                        target[at2 + i * s2] += g
                    else:
                        target[at3 + i * s3] += g
                elif wanted == 0:
                    if not parameter1:
                        target[at0 + i * s0] += v * other[at1 + i * s1]
                elif wanted == 1:
                    target[at0 + i * s0] += v * other[at2 + i * s2]
                else:
                    target[at0 + i * s0] += v * other[at3 + i * s3]


@helper
def evaluate_part(code, start, stop, p, pt, arena, rows):
    """Run the instructions at places `start` to `stop` of `code`."""
    for q in range(start, stop, WORDS):
        op, function, n, m = code[q], code[q + 1], code[q + 2], code[q + 3]
        w, k = code[q + 4], code[q + 5]
        d, dl = code[q + 6] * rows + code[q + 7], code[q + 8]
        a, al = code[q + 9] * rows + code[q + 10], code[q + 11]
        b, bl = code[q + 12] * rows + code[q + 13], code[q + 14]
        # elementwise work on whole arrays is one long row
        lines, length = rows, n
        if dl == n and al == n and bl == n:
            lines, length = 1, n * rows
        if op in (DENSE, DENSE_TRANSPOSED):
            weight = pt if op == DENSE else p
            add_product(arena, d, dl, arena, a, al, 1, weight, w, n, rows, n, m)
        elif op == MAP:
            if SOFTMAX <= function <= CUMULATIVE_PRODUCT:
                for r in range(rows):
                    for i in range(0, n, m):
                        apply_function(function, arena, d + r * dl + i, arena, a + r * al + i, m, p[k])
            elif dl == n and al == n:
                apply_function(function, arena, d, arena, a, n * rows, p[k])
            else:
                for r in range(rows):
                    apply_function(function, arena, d + r * dl, arena, a + r * al, n, p[k])
        elif op == ADD:
            c = p[k]
            for r in range(lines):
                y, x = arena[d + r * dl : d + r * dl + length], arena[a + r * al : a + r * al + length]
                if code[q + 15] != 0:
                    for i in range(length):
                        y[i] = c * x[i]
                else:
                    for i in range(length):
                        y[i] = fused(c, x[i], y[i])
        elif op == BIAS:
            for r in range(rows):
                if code[q + 15] != 0:
                    copy(arena, d + r * dl, p, w, n)
                else:
                    for i in range(n):
                        put(arena, d + r * dl + i, at(arena, d + r * dl + i) + at(p, w + i))
        elif op == ZERO:
            for r in range(rows):
                fill(arena, d + r * dl, n, 0.0)
        elif op == MULTIPLY:
            for r in range(lines):
                y, x = arena[d + r * dl : d + r * dl + length], arena[a + r * al : a + r * al + length]
                z = arena[b + r * bl : b + r * bl + length]
                if code[q + 15] != 0:
                    for i in range(length):
                        y[i] = x[i] * z[i]
                else:
                    for i in range(length):
                        y[i] = fused(x[i], z[i], y[i])
        elif op == SCALE:
            z = p[w : w + n]
            for r in range(rows):
                y, x = arena[d + r * dl : d + r * dl + n], arena[a + r * al : a + r * al + n]
                for i in range(n):
                    y[i] += z[i] * x[i]
        elif op == SCALE_ONE:
            c = p[w]
            for r in range(rows):
                y, x = arena[d + r * dl : d + r * dl + n], arena[a + r * al : a + r * al + n]
                for i in range(n):
                    y[i] += c * x[i]
        elif op == GAIN:
            c = p[k]
            for r in range(lines):
                y = arena[d + r * dl : d + r * dl + length]
                for i in range(length):
                    y[i] *= c
        elif op == SPARSE:
            for r in range(rows):
                for i in range(n):
                    e = code[k + i]
                    arena[d + r * dl + i] += row_product(
                        p, w + e, code, k + n + 1 + e, arena, a + r * al, code[k + i + 1] - e
                    )  # fmt: skip
        elif op == SPARSE_TRANSPOSED:
            for r in range(rows):
                for i in range(m):
                    value = arena[a + r * al + i]
                    for e in range(code[k + i], code[k + i + 1]):
                        arena[d + r * dl + code[k + m + 1 + e]] += p[w + e] * value
        elif op == CONTRACT:
            _contract(code, k, arena, p, arena, rows, 1, arena, p, -1)
        elif op == LAW:
            for r in range(rows):
                run_law(code, k, p, arena, a + r * al, d + r * dl, b, 0)


@helper
def tangent_part(code, start, stop, p, pt, arena, tangent, rows, ratio):
    """As `evaluate_part` for directions: `tangent` has `rows` rows, `ratio` of them for each sample of `arena`.

    `tangent` must be zero but for the directions.
    """
    samples = rows // ratio
    for q in range(start, stop, WORDS):
        op, function, n, m = code[q], code[q + 1], code[q + 2], code[q + 3]
        k = code[q + 5]
        d, dl = code[q + 6] * rows + code[q + 7], code[q + 8]
        a, al = code[q + 9] * rows + code[q + 10], code[q + 11]
        b, bl = code[q + 12] * rows + code[q + 13], code[q + 14]
        d0 = code[q + 6] * samples + code[q + 7]
        a0 = code[q + 9] * samples + code[q + 10]
        b0 = code[q + 12] * samples + code[q + 13]
        if op == CONTRACT:
            for f in range(code[k + 1]):
                _contract(code, k, arena, p, tangent, rows, ratio, tangent, p, -2 - f)
        elif op in (ADD, SCALE, SCALE_ONE, DENSE, DENSE_TRANSPOSED, SPARSE, SPARSE_TRANSPOSED, GAIN, ZERO):
            evaluate_instructions(code, q, q + WORDS, p, pt, tangent, rows)
        elif op == LAW:
            for r in range(rows):
                if r % ratio == 0:
                    s = r // ratio
                    run_law(code, k, p, arena, a0 + s * al, d0 + s * dl, b0, 1)
                law_tangent(code, k, arena, b0, tangent, a + r * al, d + r * dl)
        elif op != BIAS:
            for r in range(rows):
                s = r // ratio
                if op == MULTIPLY:
                    y = tangent[d + r * dl : d + r * dl + n]
                    if code[q + 15] != 0:
                        y[:] = 0.0
                    for i in range(n):
                        y[i] += (
                            tangent[a + r * al + i] * arena[b0 + s * bl + i]
                            + arena[a0 + s * al + i] * tangent[b + r * bl + i]
                        )
                elif function < SOFTMAX or function > CUMULATIVE_PRODUCT:
                    if a != d:
                        tangent[d + r * dl : d + r * dl + n] = tangent[a + r * al : a + r * al + n]
                    multiply_by_slopes(
                        function, arena, a0 + s * al, arena, d0 + s * dl, tangent, d + r * dl, n, p[k]
                    )  # fmt: skip
                else:
                    for i in range(0, n, m):
                        add_row_slopes(
                            function, arena, a0 + s * al + i, arena, d0 + s * dl + i, tangent, a + r * al + i, tangent,
                            d + r * dl + i, m, p[k], 0, 0,
                        )  # fmt: skip


@helper
def reverse_part(code, start, stop, p, pt, arena, adjoint, rows, dp, of_inputs):
    """Transposed derivative: from the adjoints of results to those of arguments, and into `dp` for the parameters.

    Where `of_inputs` is 0, dense products leave the adjoints of the inputs out.
    """
    for q in range(stop - WORDS, start - 1, -WORDS):
        op, function, n, m = code[q], code[q + 1], code[q + 2], code[q + 3]
        w, k = code[q + 4], code[q + 5]
        d, dl = code[q + 6] * rows + code[q + 7], code[q + 8]
        a, al = code[q + 9] * rows + code[q + 10], code[q + 11]
        b, bl = code[q + 12] * rows + code[q + 13], code[q + 14]
        # elementwise work on whole arrays is one long row
        lines, length = rows, n
        if dl == n and al == n and bl == n:
            lines, length = 1, n * rows
        if op == DENSE:
            if of_inputs != 0 or not code[STATES] <= code[q + 9] < code[DRIVE_AT]:
                add_product(adjoint, a, al, adjoint, d, dl, 1, p, w, m, rows, m, n)
            add_product(dp, w, m, adjoint, d, 1, dl, arena, a, al, n, m, rows)
        elif op == DENSE_TRANSPOSED:
            # the weight is stored with m rows of n
            add_product(adjoint, a, al, adjoint, d, dl, 1, pt, w, m, rows, m, n)
            add_product(dp, w, n, arena, a, 1, al, adjoint, d, dl, m, n, rows)
        elif op == MAP:
            if function < SOFTMAX or function > CUMULATIVE_PRODUCT:
                if dl == n and al == n:
                    multiply_by_slopes(function, arena, a, arena, d, adjoint, d, n * rows, p[k])
                else:
                    for r in range(rows):
                        multiply_by_slopes(
                            function, arena, a + r * al, arena, d + r * dl, adjoint, d + r * dl, n, p[k]
                        )  # fmt: skip
                if a != d:
                    for r in range(rows):
                        y, x = adjoint[d + r * dl : d + r * dl + n], adjoint[a + r * al : a + r * al + n]
                        for i in range(n):
                            x[i] += y[i]
            else:
                for r in range(rows):
                    for i in range(0, n, m):
                        add_row_slopes(
                            function, arena, a + r * al + i, arena, d + r * dl + i, adjoint, d + r * dl + i, adjoint,
                            a + r * al + i, m, p[k], int(a != d), 1,
                        )  # fmt: skip
        elif op == ADD:
            c = p[k]
            for r in range(lines):
                y, x = adjoint[d + r * dl : d + r * dl + length], adjoint[a + r * al : a + r * al + length]
                for i in range(length):
                    x[i] = fused(c, y[i], x[i])
        elif op == BIAS:
            add_product(dp, w, n, p, k, 0, 0, adjoint, d, dl, 1, n, rows)
        elif op == MULTIPLY:
            for r in range(lines):
                y, x = adjoint[d + r * dl : d + r * dl + length], adjoint[a + r * al : a + r * al + length]
                z = arena[b + r * bl : b + r * bl + length]
                for i in range(length):
                    x[i] = fused(y[i], z[i], x[i])
                x, z = adjoint[b + r * bl : b + r * bl + length], arena[a + r * al : a + r * al + length]
                for i in range(length):
                    x[i] = fused(y[i], z[i], x[i])
        elif op == SCALE:
            for r in range(rows):
                y = adjoint[d + r * dl : d + r * dl + n]
                for i in range(n):
                    adjoint[a + r * al + i] += y[i] * p[w + i]
                    dp[w + i] += y[i] * arena[a + r * al + i]
        elif op == SCALE_ONE:
            total = 0.0
            for r in range(rows):
                y = adjoint[d + r * dl : d + r * dl + n]
                for i in range(n):
                    adjoint[a + r * al + i] += y[i] * p[w]
                    total += y[i] * arena[a + r * al + i]
            dp[w] += total
        elif op == GAIN:
            for r in range(lines):
                y = adjoint[d + r * dl : d + r * dl + length]
                for i in range(length):
                    y[i] *= p[k]
        elif op == SPARSE:
            for r in range(rows):
                for i in range(n):
                    value = adjoint[d + r * dl + i]
                    for e in range(code[k + i], code[k + i + 1]):
                        j = a + r * al + code[k + n + 1 + e]
                        adjoint[j] += p[w + e] * value
                        dp[w + e] += arena[j] * value
        elif op == SPARSE_TRANSPOSED:
            for r in range(rows):
                for i in range(m):
                    total = 0.0
                    value = arena[a + r * al + i]
                    for e in range(code[k + i], code[k + i + 1]):
                        y = adjoint[d + r * dl + code[k + m + 1 + e]]
                        total += p[w + e] * y
                        dp[w + e] += y * value
                    adjoint[a + r * al + i] += total
        elif op == CONTRACT:
            for f in range(code[k + 1]):
                _contract(code, k, arena, p, adjoint, rows, 1, adjoint, dp, f)
        elif op == LAW:
            for r in range(rows):
                run_law(code, k, p, arena, a + r * al, d + r * dl, b, 1)
                law_reverse(code, k, arena, b, adjoint, a + r * al, d + r * dl, dp)


@unit(lambda: signature_of(*"ciirrri"))
def evaluate_instructions(code, start, stop, p, pt, arena, rows):
    """`evaluate_part` behind a symbol."""
    evaluate_part(code, start, stop, p, pt, arena, rows)


@unit(lambda: signature_of(*"ciirrrrii"))
def tangent_instructions(code, start, stop, p, pt, arena, tangent, rows, ratio):
    """`tangent_part` behind a symbol."""
    tangent_part(code, start, stop, p, pt, arena, tangent, rows, ratio)


@unit(lambda: signature_of(*"ciirrrriri"))
def reverse_instructions(code, start, stop, p, pt, arena, adjoint, rows, dp, of_inputs):
    """`reverse_part` behind a symbol."""
    reverse_part(code, start, stop, p, pt, arena, adjoint, rows, dp, of_inputs)


@driver(lambda: signature_of(*"crr"))
def transpose_weights(code, p, pt):
    """Put the dense weights transposed into `pt`; constants are copied."""
    pt[:] = p
    at = code[DENSE_AT]
    for q in range(code[TRANSPOSED]):
        o, n, m = code[at + 3 * q], code[at + 3 * q + 1], code[at + 3 * q + 2]
        for i in range(n):
            for j in range(m):
                pt[o + j * n + i] = p[o + i * m + j]


@driver(lambda: signature_of(*"ciirrri"))
def evaluate(code, start, stop, p, pt, arena, rows):
    """`evaluate_part` from Python."""
    evaluate_instructions(code, start, stop, p, pt, arena, rows)


@driver(lambda: signature_of(*"ciirrrrii"))
def evaluate_tangent(code, start, stop, p, pt, arena, tangent, rows, ratio):
    """`tangent_part` from Python."""
    tangent_instructions(code, start, stop, p, pt, arena, tangent, rows, ratio)


@driver(lambda: signature_of(*"ciirrrrir"))
def evaluate_reverse(code, start, stop, p, pt, arena, adjoint, rows, dp):
    """`reverse_part` from Python."""
    reverse_instructions(code, start, stop, p, pt, arena, adjoint, rows, dp, 1)
