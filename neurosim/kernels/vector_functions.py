"""Hyperbolic tangent and logistic function of eight numbers at a time, for the maps of networks.

Loops that the compiler turns into vector code use half of the widest registers, and `neurosim.kernels.functions`
carries each quotient as a sum of two numbers. Here the formulas are written on vectors of eight, with one division:
errors stay below 2.5 units in the last place (tests/kernels/test_vector_functions.py); logistic values below 3.3e-308
become that. An element gives the same bits at every place of an array.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import EXPONENT_ONE, LN2_HIGH, LN2_LOW, LOG2_E, ROUND, Instruction

LANES = 8


class _Numbers:
    """What the formulas below need of numbers: here Python's, one at a time."""

    def constant(self, value: float) -> Any:
        return value

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    def magnitude(self, x: Any) -> Any:
        return abs(x)

    def with_sign(self, x: Any, of: Any) -> Any:
        return math.copysign(x, of)

    def least(self, x: Any, bound: float) -> Any:
        """The smaller one; NaN stays."""
        return bound if x > bound else x

    def power_of_two(self, rounded: Any) -> Any:
        """2^k from k + ROUND."""
        (bits,) = struct.unpack("<q", struct.pack("<d", rounded))
        return struct.unpack("<d", struct.pack("<Q", ((bits << 52) + EXPONENT_ONE) % (1 << 64)))[0]


def _reduced(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """(s, r, t) with exp(x) = s (1 + r + t), s a power of two; as `neurosim.kernels.functions._reduced_exp`."""
    e = [m.constant(1.0 / math.factorial(k)) for k in range(2, 14)]
    rounded = m.fused(x, m.constant(LOG2_E), m.constant(ROUND))
    k = rounded - m.constant(ROUND)
    high = m.fused(k, m.constant(-LN2_HIGH), x)
    low = k * m.constant(LN2_LOW)
    r = high - low
    lost = (high - r) - low
    r2 = r * r
    r4 = r2 * r2
    q0 = m.fused(m.fused(e[3], r, e[2]), r2, m.fused(e[1], r, e[0]))
    q1 = m.fused(m.fused(e[7], r, e[6]), r2, m.fused(e[5], r, e[4]))
    q2 = m.fused(m.fused(e[11], r, e[10]), r2, m.fused(e[9], r, e[8]))
    q = m.fused(m.fused(q2, r4, q1), r4, q0)
    return m.power_of_two(rounded), r, m.fused(r2, q, lost)


def _tanh(m: Any, x: Any) -> Any:
    """e / (e + 2) with e = exp(2 |x|) - 1."""
    a = m.least(m.magnitude(x), 20.0)
    s, r, t = _reduced(m, a + a)
    e = m.fused(s, t, m.fused(s, r, s - m.constant(1.0)))
    return m.with_sign(e / (e + m.constant(2.0)), x)


def _logistic(m: Any, x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    s, r, t = _reduced(m, m.least(m.constant(0.0) - m.least(x, 700.0), 708.0))
    return m.constant(1.0) / (m.constant(1.0) + m.fused(s, r + t, s))


def _build(formula: Callable[[Any, Any], Any], lanes: int) -> Any:
    """Intrinsic ``f(d, d_at, a, a_at)``: d[d_at : d_at + lanes] = formula(a[a_at : a_at + lanes])."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    real, word = ir.DoubleType(), ir.IntType(64)
    vector, words = ir.VectorType(real, lanes), ir.VectorType(word, lanes)

    class Lane:
        """Values of a vector register while code is written."""

        def __init__(self, builder: Any, value: Any) -> None:
            self.builder, self.value = builder, value

        def __add__(self, other: Any) -> Any:
            return Lane(self.builder, self.builder.fadd(self.value, other.value))

        def __sub__(self, other: Any) -> Any:
            return Lane(self.builder, self.builder.fsub(self.value, other.value))

        def __mul__(self, other: Any) -> Any:
            return Lane(self.builder, self.builder.fmul(self.value, other.value))

        def __truediv__(self, other: Any) -> Any:
            return Lane(self.builder, self.builder.fdiv(self.value, other.value))

    class Machine(_Numbers):
        """The same operations as instructions."""

        def __init__(self, builder: Any) -> None:
            self.builder = builder

        def _call(self, name: str, *values: Any) -> Any:
            kind = ir.FunctionType(vector, [vector] * len(values))
            function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.{name}.v{lanes}f64")
            return Lane(self.builder, self.builder.call(function, [v.value for v in values]))

        def constant(self, value: float) -> Any:
            return Lane(self.builder, ir.Constant(vector, [value] * lanes))

        def fused(self, a: Any, b: Any, c: Any) -> Any:
            return self._call("fma", a, b, c)

        def magnitude(self, x: Any) -> Any:
            return self._call("fabs", x)

        def with_sign(self, x: Any, of: Any) -> Any:
            return self._call("copysign", x, of)

        def least(self, x: Any, bound: float) -> Any:
            limit = self.constant(bound).value
            is_above = self.builder.fcmp_ordered(">", x.value, limit)
            return Lane(self.builder, self.builder.select(is_above, limit, x.value))

        def power_of_two(self, rounded: Any) -> Any:
            bits = self.builder.bitcast(rounded.value, words)
            shifted = self.builder.shl(bits, ir.Constant(words, [52] * lanes))
            made = self.builder.add(shifted, ir.Constant(words, [EXPONENT_ONE] * lanes))
            return Lane(self.builder, self.builder.bitcast(made, vector))

    @intrinsic
    def apply(typing_context, d, d_at, a, a_at):
        signature = types.void(d, types.i8, a, types.i8)

        def generate(target, builder, sig, values):
            places = []
            for array, at in ((0, 1), (2, 3)):
                data = make_array(sig.args[array])(target, builder, values[array]).data
                places.append(builder.bitcast(builder.gep(data, [values[at]]), vector.as_pointer()))
            x = Lane(builder, builder.load(places[1], align=8))
            builder.store(formula(Machine(builder), x).value, places[0], align=8)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return apply


def _instruction(formula: Callable[[Any, Any], Any], lanes: int) -> Instruction:
    def meaning(d, d_at, a, a_at):
        for i in range(lanes):
            d[d_at + i] = formula(_Numbers(), float(a[a_at + i]))

    return Instruction(lambda: _build(formula, lanes), meaning)


tanh_of_eight, tanh_of_one = _instruction(_tanh, LANES), _instruction(_tanh, 1)
logistic_of_eight, logistic_of_one = _instruction(_logistic, LANES), _instruction(_logistic, 1)


@helper
def apply_tanh(d, d_at, a, a_at, n):
    """d[d_at : d_at + n] = tanh(a[a_at : a_at + n])."""
    i = 0
    while i + LANES <= n:
        tanh_of_eight(d, d_at + i, a, a_at + i)
        i += LANES
    while i < n:
        tanh_of_one(d, d_at + i, a, a_at + i)
        i += 1


@helper
def apply_logistic(d, d_at, a, a_at, n):
    """d[d_at : d_at + n] = 1 / (1 + exp(-a[a_at : a_at + n]))."""
    i = 0
    while i + LANES <= n:
        logistic_of_eight(d, d_at + i, a, a_at + i)
        i += LANES
    while i < n:
        logistic_of_one(d, d_at + i, a, a_at + i)
        i += 1
