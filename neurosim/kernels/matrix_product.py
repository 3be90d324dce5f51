"""Dense products of row-major blocks: D += S W, in registers.

Compilers do not keep a block of sums in registers by themselves here, because the arrays might overlap; the innermost
block is therefore written as instructions on vectors of eight numbers (two or four per machine register, or one). The
sums must not be more than the registers hold: where these have 512 bits, blocks are up to four times wider.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import unit
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.functions import Instruction

LARGE, PANEL = 2**15, 32
"""From so many weights on, this many columns of them are used for all rows before the next ones [1]."""


def _build_block(rows: int, vectors: int, lanes: int) -> Any:
    """Intrinsic for a block of `rows` rows and `vectors` x `lanes` columns of `add_product`."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def block(typing_context, d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, m):
        signature = types.void(d, *[types.i8] * 2, s, *[types.i8] * 3, w, *[types.i8] * 3)

        def generate(target, builder, sig, values):
            word, real = ir.IntType(64), ir.DoubleType()
            vector = ir.VectorType(real, lanes)
            data = [make_array(sig.args[i])(target, builder, values[i]).data for i in (0, 3, 7)]
            _, d_at, d_step, _, s_at, s_row, s_k, _, w_at, w_step, m = values

            def place(pointer, index):
                return builder.gep(pointer, [index])

            # llvmlite offers fma for scalars only
            kind = ir.FunctionType(vector, [vector] * 3)
            fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f64")

            def constant(number):
                return ir.Constant(word, number)

            before = builder.block
            head, body, after = (builder.append_basic_block(f"block.{name}") for name in ("head", "body", "after"))
            builder.branch(head)
            builder.position_at_end(head)
            k = builder.phi(word)
            k.add_incoming(constant(0), before)
            sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
            zero, nothing = ir.Constant(vector, [0.0] * lanes), ir.Constant(vector, ir.Undefined)
            first = ir.Constant(ir.IntType(32), 0)
            for row in sums:
                for total in row:
                    total.add_incoming(zero, before)
            builder.cbranch(builder.icmp_signed("<", k, m), body, after)
            builder.position_at_end(body)
            line = place(data[2], builder.add(w_at, builder.mul(k, w_step)))
            columns = [
                builder.load(builder.bitcast(place(line, constant(lanes * c)), vector.as_pointer()), align=8)
                for c in range(vectors)
            ]
            start = builder.add(s_at, builder.mul(k, s_k))
            spread = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            for r, row in enumerate(sums):
                scalar = builder.load(place(data[1], builder.add(start, builder.mul(constant(r), s_row))))
                factor = builder.shuffle_vector(builder.insert_element(nothing, scalar, first), nothing, spread)
                for total, column in zip(row, columns, strict=True):
                    total.add_incoming(builder.call(fma, [factor, column, total]), body)
            k.add_incoming(builder.add(k, constant(1)), body)
            builder.branch(head)
            builder.position_at_end(after)
            for r, row in enumerate(sums):
                line = place(data[0], builder.add(d_at, builder.mul(constant(r), d_step)))
                for c, total in enumerate(row):
                    here = builder.bitcast(place(line, constant(lanes * c)), vector.as_pointer())
                    builder.store(builder.fadd(builder.load(here, align=8), total), here, align=8)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return block


def _block(rows: int, vectors: int, lanes: int) -> Instruction:
    def meaning(d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, m):
        for r in range(rows):
            for c in range(lanes * vectors):
                d[d_at + r * d_step + c] += sum(
                    s[s_at + r * s_row + k * s_k] * w[w_at + k * w_step + c] for k in range(m)
                )

    return Instruction(lambda: _build_block(rows, vectors, lanes), meaning)


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
four_by_thirty_two, four_by_sixteen = _block(4, 4, 8), _block(4, 2, 8)
four_by_eight, four_by_four, four_by_one = _block(4, 1, 8), _block(4, 1, 4), _block(4, 1, 1)
one_by_thirty_two, one_by_eight, one_by_four, one_by_one = (
    _block(1, 4, 8), _block(1, 1, 8), _block(1, 1, 4), _block(1, 1, 1),
)  # fmt: skip


@unit(lambda: signature_of(*"riiriiiriiiii"))
def add_product(d, d_at, d_step, s, s_at, s_row, s_k, w, w_at, w_step, rows, n, m):
    """d[d_at + r d_step + j] += sum over k < m of s[s_at + r s_row + k s_k] w[w_at + k w_step + j], r < rows, j < n."""
    # Of a large W, few columns at a time stay in the cache while all rows pass by.
    width = n if rows <= 4 or n * m < LARGE else PANEL
    for first in range(0, n, width):
        last = min(first + width, n)
        r = 0
        while r + 4 <= rows:
            to, of = d_at + r * d_step, s_at + r * s_row
            j = first
            if is_wide():
                while j + 32 <= last:
                    four_by_thirty_two(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                    j += 32
                if j + 16 <= last:
                    four_by_sixteen(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                    j += 16
            while j + 8 <= last:
                four_by_eight(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 8
            if j + 4 <= last:
                four_by_four(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 4
            while j < last:
                four_by_one(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 1
            r += 4
        while r < rows:
            to, of = d_at + r * d_step, s_at + r * s_row
            j = first
            while j + 32 <= last:
                one_by_thirty_two(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 32
            while j + 8 <= last:
                one_by_eight(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 8
            if j + 4 <= last:
                one_by_four(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 4
            while j < last:
                one_by_one(d, to + j, d_step, s, of, s_row, s_k, w, w_at + j, w_step, m)
                j += 1
            r += 1
