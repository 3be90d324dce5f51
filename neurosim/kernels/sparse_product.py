"""Product of one row of a sparse matrix with a vector: eight numbers at a time are gathered from their places."""

from __future__ import annotations

from typing import Any

from neurosim.kernels.functions import Instruction

LANES = 8


def _build() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def row_product(typing_context, w, w_at, places, places_at, a, a_at, m):
        signature = types.float64(w, types.i8, places, types.i8, a, types.i8, types.i8)

        def generate(target, builder, sig, values):
            word, real = ir.IntType(64), ir.DoubleType()
            reals, words = ir.VectorType(real, LANES), ir.VectorType(word, LANES)
            starts = []
            for array, at in ((0, 1), (2, 3), (4, 5)):
                data = make_array(sig.args[array])(target, builder, values[array]).data
                starts.append(builder.gep(data, [values[at]]))
            fma = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(reals, [reals] * 3), f"llvm.fma.v{LANES}f64"
            )
            zero, step = ir.Constant(word, 0), ir.Constant(word, LANES)

            def lane(k):
                return ir.Constant(ir.IntType(32), k)

            before = builder.block
            head, body, after, more, last, end = (builder.append_basic_block(f"row.{n}") for n in range(6))
            builder.branch(head)
            builder.position_at_end(head)
            k, total = builder.phi(word), builder.phi(reals)
            k.add_incoming(zero, before)
            total.add_incoming(ir.Constant(reals, [0.0] * LANES), before)
            following = builder.add(k, step)
            builder.cbranch(builder.icmp_signed("<=", following, values[6]), body, after)
            builder.position_at_end(body)
            factors = builder.load(builder.bitcast(builder.gep(starts[0], [k]), reals.as_pointer()), align=8)
            index = builder.load(builder.bitcast(builder.gep(starts[1], [k]), words.as_pointer()), align=8)
            found = ir.Constant(reals, ir.Undefined)
            for j in range(LANES):
                value = builder.load(builder.gep(starts[2], [builder.extract_element(index, lane(j))]))
                found = builder.insert_element(found, value, lane(j))
            k.add_incoming(following, body)
            total.add_incoming(builder.call(fma, [factors, found, total]), body)
            builder.branch(head)

            builder.position_at_end(after)
            parts = [builder.extract_element(total, lane(j)) for j in range(LANES)]
            while len(parts) > 1:
                parts = [builder.fadd(x, y) for x, y in zip(parts[::2], parts[1::2], strict=True)]
            builder.branch(more)
            builder.position_at_end(more)
            i, rest = builder.phi(word), builder.phi(real)
            i.add_incoming(k, after)
            rest.add_incoming(parts[0], after)
            builder.cbranch(builder.icmp_signed("<", i, values[6]), last, end)
            builder.position_at_end(last)
            factor = builder.load(builder.gep(starts[0], [i]))
            value = builder.load(builder.gep(starts[2], [builder.load(builder.gep(starts[1], [i]))]))
            i.add_incoming(builder.add(i, ir.Constant(word, 1)), last)
            rest.add_incoming(builder.fma(factor, value, rest), last)
            builder.branch(more)
            builder.position_at_end(end)
            return rest

        return signature, generate

    return row_product


def _meaning(w, w_at, places, places_at, a, a_at, m):
    return sum(w[w_at + e] * a[a_at + places[places_at + e]] for e in range(m))


row_product = Instruction(_build, _meaning)
"""``row_product(w, w_at, places, places_at, a, a_at, m)`` is the sum over e < m of
w[w_at + e] a[a_at + places[places_at + e]]."""
