"""Interpreter of behavioural expressions: each instruction is applied to a whole block of instances.

`neurosim.expressions.program` writes the instructions, derivatives included; `neurosim.expressions.instructions` says
how they are laid out. IEEE 754 throughout: a division by zero or a root of a negative number gives inf or NaN, which
the caller detects.

In a transient analysis outcomes of comparisons are held from event to event (`neurosim.expressions.branches`): they
change where the operands have crossed by `rtol` times their largest distance so far, which is what the error of a
signal may be. So a signal that a threshold pushes back from both sides, or rounding, does not end a step at every turn.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.expressions.instructions import (  # isort: skip
    ABS, ACOS, ACOSH, ADD, ADD_CONSTANT, ASIN, ASINH, ATAN, ATAN2, ATANH, CEIL, CONSTANT_DIV, CONSTANT_SUB, CONTEXT,
    COS, COSH, DIV, DIV_CONSTANT, EQ, EXP, FILL, FILL_SLOPE, FLOOR, FMOD, GE, GT, HEADER, HOLD, HYPOT, INPUT, LE, LOG,
    LOG10, LT, MAX, MIN, MUL, MUL_CONSTANT, NE, NEG, PARAMETER, PARAMETER_SLOPE, POW, POW_ABS, POW_REAL, POW_SLOPE, PWL,
    PWL_SLOPE, ROUND_AWAY, ROUND_EVEN, SELECT, SIDE, SIN, SINH, SQRT, STORE_FLOW, STORE_SLOPE, SUB, TAN, TANH, TRUNC,
    WORDS,
)  # fmt: skip
from neurosim.kernels.abi import ANALYSIS, RTOL, TRANSIENT, WANT_DERIVATIVES, helper, kernel, unit
from neurosim.kernels.functions import fast_cosh, fast_exp, fast_log, fast_pow, fast_sinh, fast_tanh

LIVE, HELD, COMPARED, LEARNT = range(4)
"""What a HOLD gives: the outcome as it is; the one that was kept; that, with F[0] = -1 where it no longer holds; or the
outcome as it is, which is kept where F[0] is not 0."""


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


@helper
def _hold(context, memory, F, mode, d, a, b, number, holds):
    """One HOLD on a block."""
    w = F.shape[1]
    kept, largest = 1 + number, 1 + holds + number
    if mode == LIVE:
        memory[d] = memory[a]
        return
    if mode == HELD:
        memory[d] = memory[kept]
        return
    if b >= 0:
        for i in range(w):
            distance = abs(memory[b, i])
            if distance > memory[largest, i]:
                memory[largest, i] = distance
    if mode == COMPARED:
        rtol = context[RTOL]
        for i in range(w):
            if memory[a, i] != memory[kept, i] and (b < 0 or abs(memory[b, i]) > rtol * memory[largest, i]):
                F[0, i] = -1.0
        memory[d] = memory[kept]
    else:
        for i in range(w):
            if F[0, i] != 0.0:
                memory[kept, i] = memory[a, i]
        memory[d] = memory[kept]


def _instructions_signature() -> Any:
    from numba import types

    one, two, three = (types.Array(types.f8, n, "C") for n in (1, 2, 3))
    return types.void(one, two, two, two, one, types.Array(types.i8, 1, "C"), two, three, types.i8)


@unit(_instructions_signature)
def run_instructions(context, u, p, memory, table, code, F, D, mode):
    """Run the instructions on one block; outputs are written unless `mode` is COMPARED or LEARNT."""
    w = F.shape[1]
    inputs = u.shape[0]
    m = memory
    stores = mode in (LIVE, HELD)
    count = code[1] if stores and context[WANT_DERIVATIVES] != 0.0 else code[0]
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
            if stores:
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
        elif op == HOLD:
            _hold(context, m, F, mode, d, a, b, c, code[2])
        else:
            k = table[b] if ADD_CONSTANT <= op <= DIV_CONSTANT else 0.0
            if not _arithmetic(op, m, d, a, b, c, k, w):
                _transcendental(op, m, d, a, b, c, w)


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
        Kept rows, then scratch.
    table : float64[:]
        `Program.constants`.
    code : int64[:]
        `Program.code`.
    F : float64[output_count, w]
        Value, then one output per state.
    D : float64[output_count, input_count, w]
        dF/du, written if ``context[WANT_DERIVATIVES]``; one-sided at kinks.
    """
    if code[2] == 0 or context[ANALYSIS] != TRANSIENT or memory[0, 0] == 0.0:
        run_instructions(context, u, p, memory, table, code, F, D, LIVE)
        return
    run_instructions(context, u, p, memory, table, code, F, D, HELD)
    bad = 0
    for r in range(F.shape[0]):
        for i in range(F.shape[1]):
            bad += F[r, i] - F[r, i] != 0.0
    # Beyond its end a branch may not exist: the root in "x > 0 ? sqrt(x) : 0".
    if bad > 0:
        run_instructions(context, u, p, memory, table, code, F, D, LIVE)


@kernel
def expression_start(context, u, p, memory, table, code, F, D):
    """Begin to hold outcomes, in a transient analysis."""
    if code[2] != 0 and context[ANALYSIS] == TRANSIENT:
        for r in range(1 + 2 * code[2]):
            memory[r] = 0.0
        memory[0] = 1.0
        F[0] = 1.0
        run_instructions(context, u, p, memory, table, code, F, D, LEARNT)


@kernel
def expression_events(context, u, p, memory, table, code, F, D):
    """F[0] = -1 where an outcome no longer holds."""
    F[0] = 1.0
    run_instructions(context, u, p, memory, table, code, F, D, COMPARED)


@kernel
def expression_jump(context, u, p, memory, table, code, F, D):
    """Keep the outcomes as they are now, where F[0] is not 0."""
    run_instructions(context, u, p, memory, table, code, F, D, LEARNT)
