"""Short-term plasticity of the synapses of a source, on vector registers.

A source has a few synapses onto each kind of target: loops that the compiler turns into vector code would do all of
them one by one, at the end. Here a whole register is worked out, and what belongs to other sources is kept.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels import functions
from neurosim.kernels.functions import Instruction, fast_exp
from neurosim.kernels.spike_vectors import LANES, _Registers


def _exp(r: Any, x: Any) -> Any:
    """What `fast_exp` gives for numbers of -746 to 0, operation for operation."""
    builder, word = r.builder, r.ir.VectorType(r.ir.IntType(64), LANES)

    def number(value: float) -> Any:
        return r.all(r.ir.Constant(r.ir.DoubleType(), value))

    def power_of_two(k: Any) -> Any:
        bits = builder.bitcast(builder.fadd(k, rounding), word)
        shift = r.all(r.ir.Constant(r.ir.IntType(64), 52))
        one = r.all(r.ir.Constant(r.ir.IntType(64), functions.EXPONENT_ONE))
        return builder.bitcast(builder.add(builder.shl(bits, shift), one), x.type)

    rounding = number(functions.ROUND)
    k = builder.fsub(r.fused(x, number(functions.LOG2_E), rounding), rounding)
    high = r.fused(builder.fneg(k), number(functions.LN2_HIGH), x)
    low = builder.fmul(k, number(functions.LN2_LOW))
    rest = builder.fsub(high, low)
    lost = builder.fsub(builder.fsub(high, rest), low)
    r2 = builder.fmul(rest, rest)
    r4 = builder.fmul(r2, r2)
    e = [number(getattr(functions, f"E{n}")) for n in range(2, 14)]
    q0, q1, q2 = (
        r.fused(r.fused(e[n + 3], rest, e[n + 2]), r2, r.fused(e[n + 1], rest, e[n])) for n in (0, 4, 8)
    )  # fmt: skip
    q = r.fused(r.fused(q2, r4, q1), r4, q0)
    a = builder.fsub(r.fused(k, number(0.5), rounding), rounding)
    total = builder.fadd(number(1.0), builder.fadd(rest, r.fused(r2, q, lost)))
    return builder.fmul(builder.fmul(total, power_of_two(a)), power_of_two(builder.fsub(k, a)))


def _build_recover() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def recover(typing_context, memory, u, r, table, use, recovery, facilitation, n, passed):
        whole = types.i8
        signature = types.void(memory, whole, whole, table, whole, whole, whole, whole, types.f8)

        def generate(target, builder, sig, values):
            lanes = _Registers(target, builder, LANES)
            one, least = (lanes.all(ir.Constant(ir.DoubleType(), number)) for number in (1.0, -746.0))
            order = ir.Constant(ir.VectorType(ir.IntType(64), LANES), list(range(LANES)))
            back = lanes.all(builder.fneg(values[8]))

            def decay(rates):
                x = builder.fmul(back, rates)
                return _exp(lanes, builder.select(builder.fcmp_ordered("<", x, least), least, x))

            blocks = builder.lshr(builder.add(values[7], values[7].type(LANES - 1)), values[7].type(3))
            with cgutils.for_range(builder, blocks) as loop:
                first = builder.shl(loop.index, values[7].type(3))

                def load(array, place, first=first):
                    return lanes.load(sig.args[array], values[array], builder.add(values[place], first))

                old, rest, uses = load(0, 1), load(0, 2), load(3, 4)
                lacking = builder.fsub(builder.fsub(rest, builder.fmul(old, rest)), one)
                free = builder.fadd(one, builder.fmul(lacking, decay(load(3, 5))))
                kept = builder.fmul(builder.fmul(old, builder.fsub(one, uses)), decay(load(3, 6)))
                is_own = builder.icmp_signed("<", order, lanes.all(builder.sub(values[7], first)))
                # What lies behind the last u may be an R, which is written after it.
                for place, new, before in ((1, builder.fadd(uses, kept), old), (2, free, rest)):
                    lanes.store(
                        builder.select(is_own, new, before), sig.args[0], values[0], builder.add(values[place], first)
                    )  # fmt: skip
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return recover


def _recover(memory, u, r, table, use, recovery, facilitation, n, passed):
    for s in range(n):
        old, rest, uses = memory[u + s], memory[r + s], table[use + s]
        memory[r + s] = 1.0 + (rest - old * rest - 1.0) * fast_exp(-passed * table[recovery + s])
        memory[u + s] = uses + old * (1.0 - uses) * fast_exp(-passed * table[facilitation + s])


recover = Instruction(_build_recover, _recover)
"""``recover(memory, u, r, table, use, recovery, facilitation, n, passed)``: u and R of n synapses, at these places of
`memory`, `passed` steps later; U, 1/D and 1/F [1/steps] are in the table. The `LANES` numbers that follow in either are
read too."""
