"""Dense products of row-major blocks: D += S W, in registers.

Compilers do not keep a block of sums in registers by themselves here, because the arrays might overlap; the two inner
loops are therefore written as instructions on vectors of eight numbers (two or four per machine register, or one). The
sums must not be more than the registers hold: four rows by 32 columns or eight by 16 where these have 512 bits, else
four by 8. A single column is dot products.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import unit
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.functions import Instruction
from neurosim.kernels.unchecked import at, dot, put


def _build_strip(tall: int, vectors: int, lanes: int) -> Any:
    """Intrinsic for `vectors` x `lanes` columns of `add_product`, `tall` rows at a time, then one by one."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    word, real = ir.IntType(64), ir.DoubleType()
    vector = ir.VectorType(real, lanes)
    zero, nothing = ir.Constant(vector, [0.0] * lanes), ir.Constant(vector, ir.Undefined)
    spread = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)

    @intrinsic
    def strip(typing_context, d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, rows, m):
        signature = types.void(d, *[types.i8] * 2, s, *[types.i8] * 3, w, *[types.i8] * 4)

        def generate(target, builder, sig, values):
            data = [make_array(sig.args[i])(target, builder, values[i]).data for i in (0, 3, 7)]
            _, d_at, d_step, _, s_at, s_row, s_k, _, w_at, w_step, rows, m = values
            # llvmlite offers fma for scalars only
            kind = ir.FunctionType(vector, [vector] * 3)
            fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f64")

            def columns_at(pointer, index):
                line = builder.gep(pointer, [index])
                places = [builder.gep(line, [ir.Constant(word, lanes * c)]) for c in range(vectors)]
                return [builder.bitcast(place, vector.as_pointer()) for place in places]

            def begin_loop(start):
                """Block before a loop, those of its head, its body and its end, and its counter."""
                before = builder.block
                head, body, after = (builder.append_basic_block(f"strip.{name}") for name in ("head", "body", "after"))
                builder.branch(head)
                builder.position_at_end(head)
                index = builder.phi(word)
                index.add_incoming(start, before)
                return before, head, body, after, index

            def add_rows(height, start, stop):
                """Add blocks of `height` rows, as many as fit; returns the row after them."""
                step = ir.Constant(word, height)
                _, row_head, row_body, row_after, r = begin_loop(start)
                builder.cbranch(builder.icmp_signed("<=", builder.add(r, step), stop), row_body, row_after)
                builder.position_at_end(row_body)
                of = builder.add(s_at, builder.mul(r, s_row))
                to = builder.add(d_at, builder.mul(r, d_step))
                before, head, body, after, k = begin_loop(ir.Constant(word, 0))
                sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(height)]
                for total in (total for row in sums for total in row):
                    total.add_incoming(zero, before)
                builder.cbranch(builder.icmp_signed("<", k, m), body, after)
                builder.position_at_end(body)
                places = columns_at(data[2], builder.add(w_at, builder.mul(k, w_step)))
                line = [builder.load(place, align=8) for place in places]
                first = builder.add(of, builder.mul(k, s_k))
                for i, row in enumerate(sums):
                    place = builder.add(first, builder.mul(ir.Constant(word, i), s_row))
                    scalar = builder.load(builder.gep(data[1], [place]))
                    single = builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
                    factor = builder.shuffle_vector(single, nothing, spread)
                    for total, column in zip(row, line, strict=True):
                        total.add_incoming(builder.call(fma, [factor, column, total]), body)
                k.add_incoming(builder.add(k, ir.Constant(word, 1)), body)
                builder.branch(head)
                builder.position_at_end(after)
                for i, row in enumerate(sums):
                    place = builder.add(to, builder.mul(ir.Constant(word, i), d_step))
                    for total, here in zip(row, columns_at(data[0], place), strict=True):
                        builder.store(builder.fadd(builder.load(here, align=8), total), here, align=8)
                r.add_incoming(builder.add(r, step), after)
                builder.branch(row_head)
                builder.position_at_end(row_after)
                return r

            add_rows(1, add_rows(tall, ir.Constant(word, 0), rows), rows)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return strip


def _strip(tall: int, vectors: int, lanes: int) -> Instruction:
    def meaning(d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, rows, m):
        for r in range(rows):
            for c in range(lanes * vectors):
                d[d_at + r * d_step + c] += sum(
                    s[s_at + r * s_row + k * s_k] * w[w_at + k * w_step + c] for k in range(m)
                )

    return Instruction(lambda: _build_strip(tall, vectors, lanes), meaning)


def _build_is_wide() -> Any:
    import llvmlite.binding as llvm
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    has_wide_registers = bool(llvm.get_host_cpu_features().get("avx512f"))

    @intrinsic
    def is_wide(typing_context):
        def generate(target, builder, signature, values):
            return ir.Constant(ir.IntType(1), has_wide_registers)

        return types.boolean(), generate

    return is_wide


is_wide = Instruction(_build_is_wide, lambda: True)
thirty_two_columns, sixteen_columns = _strip(4, 4, 8), _strip(8, 2, 8)
eight_columns, four_columns, one_column = _strip(4, 1, 8), _strip(4, 1, 4), _strip(4, 1, 1)


DEEP = 128
"""Most terms of a sum that are added up in registers."""


@unit(lambda: signature_of(*"riiriiiriiiii"))
def add_product(d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, rows, n, m):
    """d[d_at + r d_step + j] += sum over k < m of s[s_at + r s_row + k s_k] w[w_at + k w_step + j], r < rows, j < n."""
    if n == 1 and s_k == 1 and w_step == 1:
        for r in range(rows):
            to = d_at + r * d_step
            put(d, to, at(d, to) + dot(s, s_at + r * s_row, w, w_at, m))
        return
    # What a block of the inner index takes of w stays in the cache while all rows pass.
    for first in range(0, m, DEEP):
        deep, of, at_w = min(DEEP, m - first), s_at + first * s_k, w_at + first * w_step
        j = 0
        if is_wide() or rows < 4:
            while j + 32 <= n:
                thirty_two_columns(d, d_at + j, d_step, s, of, s_row, s_k, w, at_w + j, w_step, rows, deep)
                j += 32
            if j + 16 <= n:
                sixteen_columns(d, d_at + j, d_step, s, of, s_row, s_k, w, at_w + j, w_step, rows, deep)
                j += 16
        while j + 8 <= n:
            eight_columns(d, d_at + j, d_step, s, of, s_row, s_k, w, at_w + j, w_step, rows, deep)
            j += 8
        if j + 4 <= n:
            four_columns(d, d_at + j, d_step, s, of, s_row, s_k, w, at_w + j, w_step, rows, deep)
            j += 4
        while j < n:
            one_column(d, d_at + j, d_step, s, of, s_row, s_k, w, at_w + j, w_step, rows, deep)
            j += 1
