"""Interpreter of behavioural expressions: each instruction is applied to a whole block of instances.

`neurosim.expressions.program` writes the instructions, derivatives included; `neurosim.expressions.instructions` says
how they are laid out. IEEE 754 throughout: a division by zero or a root of a negative number gives inf or NaN, which
the caller detects.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.expressions.instructions import (  # isort: skip
    ABS, ACOS, ACOSH, ADD, ADD_CONSTANT, ASIN, ASINH, ATAN, ATAN2, ATANH, CEIL, CONSTANT_DIV, CONSTANT_SUB, CONTEXT,
    COS, COSH, DIV, DIV_CONSTANT, EQ, EXP, FILL, FILL_SLOPE, FLOOR, FMOD, GE, GT, HEADER, HYPOT, INPUT, LE, LOG, LOG10,
    LT, MAX, MIN, MUL, MUL_CONSTANT, NE, NEG, PARAMETER, PARAMETER_SLOPE, POW, POW_ABS, POW_REAL, POW_SLOPE, PWL,
    PWL_SLOPE, ROUND_AWAY, ROUND_EVEN, SELECT, SIDE, SIN, SINH, SQRT, STORE_FLOW, STORE_SLOPE, SUB, TAN, TANH, TRUNC,
    WORDS,
)  # fmt: skip
from neurosim.kernels.abi import WANT_DERIVATIVES, helper, kernel
from neurosim.kernels.functions import fast_cosh, fast_exp, fast_log, fast_pow, fast_sinh, fast_tanh


@helper
def _turn(y):
    """cos(pi y): the factor that a negative base brings to the real part of a power."""
    rest = y - 2.0 * np.floor(0.5 * y)
    if rest == 0.0:
        return 1.0
    if rest == 1.0:
        return -1.0
    return 0.0 if rest in (0.5, 1.5) else np.cos(np.pi * rest)


@helper
def _pow_slope(x, value, y):
    """Derivative of value = x^y by x."""
    if x != 0.0:
        return y * value / x
    if y == 1.0:
        return 1.0
    return 0.0 if y > 1.0 or y == 0.0 else np.inf


@helper
def _round_away(x):
    below = np.floor(abs(x))
    return math.copysign(below + 1.0 if abs(x) - below >= 0.5 else below, x)


@helper
def _segment(x, table, first, count):
    """Place in the table of the breakpoint where the segment of x begins."""
    low, high = 0, count // 2 - 1
    while high - low > 1:
        middle = (low + high) // 2
        if table[first + 2 * middle] > x:
            high = middle
        else:
            low = middle
    return first + 2 * low


@helper
def _arithmetic(op, m, d, a, b, c, k, w):
    """Operations on rows of m that vectorise; k is the constant."""
    if op == ADD:
        for i in range(w):
            m[d, i] = m[a, i] + m[b, i]
    elif op == SUB:
        for i in range(w):
            m[d, i] = m[a, i] - m[b, i]
    elif op == MUL:
        for i in range(w):
            m[d, i] = m[a, i] * m[b, i]
    elif op == DIV:
        for i in range(w):
            m[d, i] = m[a, i] / m[b, i]
    elif op == NEG:
        for i in range(w):
            m[d, i] = -m[a, i]
    elif op == ADD_CONSTANT:
        for i in range(w):
            m[d, i] = m[a, i] + k
    elif op == MUL_CONSTANT:
        for i in range(w):
            m[d, i] = m[a, i] * k
    elif op == CONSTANT_SUB:
        for i in range(w):
            m[d, i] = k - m[a, i]
    elif op == CONSTANT_DIV:
        for i in range(w):
            m[d, i] = k / m[a, i]
    elif op == DIV_CONSTANT:
        for i in range(w):
            m[d, i] = m[a, i] / k
    elif op == ABS:
        for i in range(w):
            m[d, i] = abs(m[a, i])
    elif op == SIDE:
        for i in range(w):
            m[d, i] = -1.0 if m[a, i] < 0.0 else 1.0
    elif op == MIN:
        for i in range(w):
            m[d, i] = m[a, i] if m[a, i] < m[b, i] or m[a, i] != m[a, i] else m[b, i]
    elif op == MAX:
        for i in range(w):
            m[d, i] = m[a, i] if m[a, i] > m[b, i] or m[a, i] != m[a, i] else m[b, i]
    elif op == LT:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] < m[b, i] else 0.0
    elif op == LE:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] <= m[b, i] else 0.0
    elif op == GT:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] > m[b, i] else 0.0
    elif op == GE:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] >= m[b, i] else 0.0
    elif op == EQ:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] == m[b, i] else 0.0
    elif op == NE:
        for i in range(w):
            m[d, i] = 1.0 if m[a, i] != m[b, i] else 0.0
    elif op == SELECT:
        for i in range(w):
            m[d, i] = m[b, i] if m[a, i] != 0.0 else m[c, i]
    elif op == SQRT:
        for i in range(w):
            m[d, i] = np.sqrt(m[a, i])
    elif op == FLOOR:
        for i in range(w):
            m[d, i] = np.floor(m[a, i])
    elif op == CEIL:
        for i in range(w):
            m[d, i] = np.ceil(m[a, i])
    elif op == TRUNC:
        for i in range(w):
            m[d, i] = np.trunc(m[a, i])
    elif op == ROUND_EVEN:
        for i in range(w):
            m[d, i] = np.rint(m[a, i])
    elif op == ROUND_AWAY:
        for i in range(w):
            m[d, i] = _round_away(m[a, i])
    else:
        return False
    return True


@helper
def _transcendental(op, m, d, a, b, c, w):
    """Operations on rows of m from the mathematical library."""
    if op == EXP:
        for i in range(w):
            m[d, i] = fast_exp(m[a, i])
    elif op == LOG:
        for i in range(w):
            m[d, i] = fast_log(m[a, i])
    elif op == LOG10:
        for i in range(w):
            m[d, i] = np.log10(m[a, i])
    elif op == SIN:
        for i in range(w):
            m[d, i] = np.sin(m[a, i])
    elif op == COS:
        for i in range(w):
            m[d, i] = np.cos(m[a, i])
    elif op == TAN:
        for i in range(w):
            m[d, i] = np.tan(m[a, i])
    elif op == ASIN:
        for i in range(w):
            m[d, i] = np.arcsin(m[a, i])
    elif op == ACOS:
        for i in range(w):
            m[d, i] = np.arccos(m[a, i])
    elif op == ATAN:
        for i in range(w):
            m[d, i] = np.arctan(m[a, i])
    elif op == SINH:
        for i in range(w):
            m[d, i] = fast_sinh(m[a, i])
    elif op == COSH:
        for i in range(w):
            m[d, i] = fast_cosh(m[a, i])
    elif op == TANH:
        for i in range(w):
            m[d, i] = fast_tanh(m[a, i])
    elif op == ASINH:
        for i in range(w):
            m[d, i] = np.arcsinh(m[a, i])
    elif op == ACOSH:
        for i in range(w):
            m[d, i] = np.arccosh(m[a, i])
    elif op == ATANH:
        for i in range(w):
            m[d, i] = np.arctanh(m[a, i])
    elif op == ATAN2:
        for i in range(w):
            m[d, i] = np.arctan2(m[a, i], m[b, i])
    elif op == HYPOT:
        for i in range(w):
            m[d, i] = np.hypot(m[a, i], m[b, i])
    elif op == POW:
        for i in range(w):
            m[d, i] = fast_pow(m[a, i], m[b, i])
    elif op == POW_ABS:
        for i in range(w):
            m[d, i] = fast_pow(abs(m[a, i]), m[b, i])
    elif op == POW_REAL:
        for i in range(w):
            m[d, i] = fast_pow(abs(m[a, i]), m[b, i])
        for i in range(w):
            if m[a, i] < 0.0:
                m[d, i] *= _turn(m[b, i])
    elif op == POW_SLOPE:
        for i in range(w):
            m[d, i] = _pow_slope(m[a, i], m[b, i], m[c, i])
    elif op == FMOD:
        for i in range(w):
            m[d, i] = np.fmod(m[a, i], m[b, i])


@kernel
def evaluate_expression(context, u, p, memory, table, code, F, D):
    """Run the instructions of a `neurosim.expressions.Program` on one block.

    Parameters
    ----------
    context : float64[16]
    u : float64[input_count, w]
        References, then states.
    p : float64[parameter_count, w]
        `Behaviour.parameters` of each instance.
    memory : float64[memory_rows, w]
        Scratch.
    table : float64[:]
        `Program.constants`.
    code : int64[:]
        `Program.code`.
    F : float64[output_count, w]
        Value, then one output per state.
    D : float64[output_count, input_count, w]
        dF/du, written if ``context[WANT_DERIVATIVES]``; one-sided at kinks.
    """
    w = F.shape[1]
    inputs = u.shape[0]
    m = memory
    count = code[1] if context[WANT_DERIVATIVES] != 0.0 else code[0]
    for n in range(count):
        at = HEADER + WORDS * n
        op, d, a, b, c = code[at], code[at + 1], code[at + 2], code[at + 3], code[at + 4]
        if op == FILL:
            value = table[a]
            for i in range(w):
                m[d, i] = value
        elif op == INPUT:
            for i in range(w):
                m[d, i] = u[a, i]
        elif op == PARAMETER:
            for i in range(w):
                m[d, i] = p[a, i]
        elif op == CONTEXT:
            value = context[a] + table[b]
            for i in range(w):
                m[d, i] = value
        elif op == STORE_FLOW:
            for i in range(w):
                F[d, i] = m[a, i]
        elif op == STORE_SLOPE:
            row, column = d // inputs, d % inputs
            for i in range(w):
                D[row, column, i] = m[a, i]
        elif op == PARAMETER_SLOPE:
            row, column = d // inputs, d % inputs
            for i in range(w):
                D[row, column, i] = p[a, i]
        elif op == FILL_SLOPE:
            row, column = d // inputs, d % inputs
            value = table[a]
            for i in range(w):
                D[row, column, i] = value
        elif op == PWL:
            for i in range(w):
                q = _segment(m[a, i], table, b, c)
                run, rise = table[q + 2] - table[q], table[q + 3] - table[q + 1]
                m[d, i] = table[q + 1] + rise * (m[a, i] - table[q]) / run
        elif op == PWL_SLOPE:
            for i in range(w):
                q = _segment(m[a, i], table, b, c)
                m[d, i] = (table[q + 3] - table[q + 1]) / (table[q + 2] - table[q])
        else:
            k = table[b] if ADD_CONSTANT <= op <= DIV_CONSTANT else 0.0
            if not _arithmetic(op, m, d, a, b, c, k, w):
                _transcendental(op, m, d, a, b, c, w)
