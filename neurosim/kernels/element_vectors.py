"""Sums and products of values of elements, on vector registers: what `neurosim.kernels.element_program` is made of.

Operands are addresses, so states and inputs are read where they lie. All that an element takes is loaded before it is
written, so a result may take the place of an operand; loops that the compiler makes into vector code itself cannot know
that, and test at each start whether their arrays overlap. An element gives the same bits at every place of an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurosim.kernels.functions import Instruction, fused
from neurosim.kernels.spike_vectors import _for_lanes, _Registers


def _build_address() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def address(typing_context, array, place):
        def generate(target, builder, sig, values):
            data = make_array(sig.args[0])(target, builder, values[0]).data
            return builder.ptrtoint(cgutils.gep_inbounds(builder, data, values[1]), ir.IntType(64))

        return types.i8(array, types.i8), generate

    return address


address = Instruction(_build_address, lambda array, place: (array, place))
"""``address(array, place)`` is where array[place] lies."""

Sum = Callable[[Callable[[Any, Any, Any], Any], list[Any], list[Any]], Any]
"""``value(fused, x, c)`` of an element or a register of them."""


def _build_sum(value: Sum, operands: int, numbers: int) -> Any:
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    whole, real = types.i8, types.f8

    @intrinsic
    def total(typing_context, d, m, x1, x2, x3, x4, x5, x6, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10):
        signature = types.void(*[whole] * 8, *[real] * 11)

        def generate(target, builder, sig, values):
            def body(first, lanes):
                r = _Registers(target, builder, lanes)
                x = [r.load_at(place, first) for place in values[2 : 2 + operands]]
                c = [r.all(number) for number in values[8 : 8 + numbers]]
                r.store_at(value(r.fused, x, c), values[0], first)

            _for_lanes(builder, values[1], body)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return total


def _sum(value: Sum, operands: int, numbers: int) -> Instruction:
    def meaning(d, m, *rest):
        made, at = d
        for e in range(m):
            x = [array[place + e] for array, place in rest[:operands]]
            made[at + e] = value(fused, x, list(rest[6 : 6 + numbers]))

    return Instruction(lambda: _build_sum(value, operands, numbers), meaning)


def _linear(fused: Any, x: list[Any], c: list[Any]) -> Any:
    total = c[0]
    for factor, source in zip(c[1:], x, strict=True):
        total = fused(factor, source, total)
    return total


def _product(fused: Any, x: list[Any], c: list[Any]) -> Any:
    total = _linear(fused, x[:2], c[:3])
    for k in range(2, len(x), 2):
        a, b, d, f = c[2 * k - 1 : 2 * k + 3]
        total = fused(fused(b, x[k], a), fused(f, x[k + 1], d), total)
    return total


linear_1, linear_2, linear_3, linear_4 = (_sum(_linear, k, k + 1) for k in (1, 2, 3, 4))
"""``linear_k(d, m, x1 .. x6, c0 .. c10)``: c0 + c1 x1 + ... + ck xk of m elements; what is not used is any number."""
product, products = (_sum(_product, 2 + 2 * k, 3 + 4 * k) for k in (1, 2))
"""With the same arguments: c0 + c1 x1 + c2 x2 + (c3 + c4 x3) (c5 + c6 x4), `products` + (c7 + c8 x5) (c9 + c10 x6)."""


def _build_hold() -> Any:
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def hold(typing_context, d, m, kept, other, ends, now):
        signature = types.void(types.i8, types.i8, types.i8, types.i8, types.i8, types.i8)

        def generate(target, builder, sig, values):
            def body(first, lanes):
                r = _Registers(target, builder, lanes)
                rests = builder.icmp_signed(">=", r.load_at(values[4], first, is_whole=True), r.all(values[5]))
                chosen = builder.select(rests, r.load_at(values[2], first), r.load_at(values[3], first))
                r.store_at(chosen, values[0], first)

            _for_lanes(builder, values[1], body)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return hold


def _hold(d, m, kept, other, ends, now):
    for e in range(m):
        array, place = kept if ends[0][ends[1] + e] >= now else other
        d[0][d[1] + e] = array[place + e]


hold = Instruction(_build_hold, _hold)
"""``hold(d, m, kept, other, ends, now)``: of m elements `kept` where `ends` is `now` or later, else `other`."""
