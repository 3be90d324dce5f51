"""Plain loads and stores: no sign of an index is tested, so loops with computed places run on vector registers.

Indices must lie inside the array. A loop over these compiles to what the same loop in C does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import Instruction

LANES = 8


def _place(target: Any, builder: Any, array_type: Any, array: Any, index_type: Any, index: Any) -> Any:
    from llvmlite import ir
    from numba.np.arrayobj import make_array

    word = ir.IntType(64)
    if index_type.bitwidth < 64:
        index = builder.sext(index, word) if index_type.signed else builder.zext(index, word)
    return builder.gep(make_array(array_type)(target, builder, array).data, [index])


def _build_at() -> Any:
    from numba.extending import intrinsic

    @intrinsic
    def at(typing_context, a, i):
        def generate(target, builder, sig, values):
            return builder.load(_place(target, builder, sig.args[0], values[0], sig.args[1], values[1]))

        return a.dtype(a, i), generate

    return at


def _build_put() -> Any:
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def put(typing_context, a, i, value):
        def generate(target, builder, sig, values):
            cast = target.cast(builder, values[2], sig.args[2], sig.args[0].dtype)
            builder.store(cast, _place(target, builder, sig.args[0], values[0], sig.args[1], values[1]))
            return cgutils.get_null_value(target.get_value_type(types.none))

        return types.void(a, i, value), generate

    return put


def _build_flat() -> Any:
    from numba import types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    @intrinsic
    def flat(typing_context, a):
        if a.layout != "C":
            raise TypeError("flat() takes arrays that lie without gaps")
        kind = types.Array(a.dtype, 1, "C")

        def generate(target, builder, sig, values):
            source = make_array(sig.args[0])(target, builder, values[0])
            made = make_array(kind)(target, builder)
            populate_array(
                made, data=source.data, shape=[source.nitems], strides=[source.itemsize], itemsize=source.itemsize,
                meminfo=source.meminfo, parent=source.parent,
            )  # fmt: skip
            return impl_ret_borrowed(target, builder, kind, made._getvalue())

        return kind(a), generate

    return flat


def _build_short_at() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def short_at(typing_context, a, i):
        def generate(target, builder, sig, values):
            start = _place(target, builder, sig.args[0], values[0], types.i8, ir.Constant(ir.IntType(64), 0))
            place = builder.gep(builder.bitcast(start, ir.FloatType().as_pointer()), [values[1]])
            return builder.fpext(builder.load(place), ir.DoubleType())

        return types.float64(a, types.i8), generate

    return short_at


def _build_put_short() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def put_short(typing_context, a, i, value):
        def generate(target, builder, sig, values):
            start = _place(target, builder, sig.args[0], values[0], types.i8, ir.Constant(ir.IntType(64), 0))
            place = builder.gep(builder.bitcast(start, ir.FloatType().as_pointer()), [values[1]])
            builder.store(builder.fptrunc(values[2], ir.FloatType()), place)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return types.void(a, types.i8, types.float64), generate

    return put_short


def _put(a: Any, i: int, value: Any) -> None:
    a[i] = value


def _put_short(a: Any, i: int, value: float) -> None:
    a.view(np.float32)[i] = value


at = Instruction(_build_at, lambda a, i: a[i])
"""``at(a, i)`` is a[i], for 0 <= i."""
flat = Instruction(_build_flat, lambda a: a.reshape(a.size))
"""``flat(a)`` is a as one row; Numba's `reshape` calls Numba, which then has to be loaded."""
put = Instruction(_build_put, _put)
"""``put(a, i, value)`` does a[i] = value, for 0 <= i."""
short_at = Instruction(_build_short_at, lambda a, i: float(a.view(np.float32)[i]))
"""``short_at(a, i)`` is the i-th of the short numbers that lie two by two in places of a, an array of float64."""
put_short = Instruction(_build_put_short, _put_short)
"""``put_short(a, i, value)`` writes one."""


def _build_dot() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def dot(typing_context, a, a_at, b, b_at, m):
        signature = types.float64(a, types.i8, b, types.i8, types.i8)

        def generate(target, builder, sig, values):
            word, real = ir.IntType(64), ir.DoubleType()
            reals = ir.VectorType(real, LANES)
            starts = [_place(target, builder, sig.args[k], values[k], types.i8, values[k + 1]) for k in (0, 2)]
            m = values[4]
            kind = ir.FunctionType(reals, [reals] * 3)
            fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f64")
            before = builder.block
            head, body, after, more, last, end = (builder.append_basic_block(f"dot.{n}") for n in range(6))
            builder.branch(head)
            builder.position_at_end(head)
            k, total = builder.phi(word), builder.phi(reals)
            k.add_incoming(ir.Constant(word, 0), before)
            total.add_incoming(ir.Constant(reals, [0.0] * LANES), before)
            following = builder.add(k, ir.Constant(word, LANES))
            builder.cbranch(builder.icmp_signed("<=", following, m), body, after)
            builder.position_at_end(body)
            left, right = (
                builder.load(builder.bitcast(builder.gep(start, [k]), reals.as_pointer()), align=8) for start in starts
            )
            k.add_incoming(following, body)
            total.add_incoming(builder.call(fma, [left, right, total]), body)
            builder.branch(head)
            builder.position_at_end(after)
            parts = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in range(LANES)]
            while len(parts) > 1:
                parts = [builder.fadd(x, y) for x, y in zip(parts[::2], parts[1::2], strict=True)]
            builder.branch(more)
            builder.position_at_end(more)
            i, rest = builder.phi(word), builder.phi(real)
            i.add_incoming(k, after)
            rest.add_incoming(parts[0], after)
            builder.cbranch(builder.icmp_signed("<", i, m), last, end)
            builder.position_at_end(last)
            left, right = (builder.load(builder.gep(start, [i])) for start in starts)
            value = builder.fma(left, right, rest)
            i.add_incoming(builder.add(i, ir.Constant(word, 1)), last)
            rest.add_incoming(value, last)
            builder.branch(more)
            builder.position_at_end(end)
            return rest

        return signature, generate

    return dot


dot = Instruction(_build_dot, lambda a, a_at, b, b_at, m: sum(a[a_at + k] * b[b_at + k] for k in range(m)))
"""``dot(a, a_at, b, b_at, m)`` is the sum over k < m of a[a_at + k] b[b_at + k]."""


@helper
def fill(d, d_at, n, value):
    """d[d_at : d_at + n] = value; assignments to slices take several times as long."""
    for i in range(n):
        put(d, d_at + i, value)


@helper
def copy(d, d_at, a, a_at, n):
    """d[d_at : d_at + n] = a[a_at : a_at + n], for places that do not overlap."""
    for i in range(n):
        put(d, d_at + i, at(a, a_at + i))
