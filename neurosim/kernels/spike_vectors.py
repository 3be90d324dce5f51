"""Steps of linear states and the search for thresholds, on vector registers.

Loops that the compiler turns into vector code check at each start whether their arrays overlap, and end in a long tail
of single elements: for a hundred neurons that takes longer than the work. Here the loops are written on vectors of
eight, four, two and one. An element gives the same bits at every place of an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurosim.kernels.functions import Instruction, fused

LANES = 8
MOST_TERMS = 3


def _for_lanes(builder: Any, m: Any, body: Callable[[Any, int], None]) -> None:
    """Write ``body(first element, lanes)`` for all of m elements."""
    from llvmlite import ir
    from numba.core import cgutils

    def word(value: int) -> Any:
        return ir.Constant(ir.IntType(64), value)

    with cgutils.for_range(builder, builder.lshr(m, word(3))) as loop:
        body(builder.shl(loop.index, word(3)), LANES)
    for lanes in (4, 2, 1):
        has_more = builder.icmp_signed("!=", builder.and_(m, word(lanes)), word(0))
        with builder.if_then(has_more):
            body(builder.and_(m, word(-2 * lanes)), lanes)


class _Registers:
    """Loads, stores and constants of so many lanes."""

    def __init__(self, target: Any, builder: Any, lanes: int) -> None:
        from llvmlite import ir

        self.target, self.builder, self.lanes, self.ir = target, builder, lanes, ir

    def _pointer(self, kind: Any, array: Any, place: Any) -> tuple[Any, Any]:
        from numba.np.arrayobj import make_array

        data = make_array(kind)(self.target, self.builder, array).data
        vector = self.ir.VectorType(self.target.get_value_type(kind.dtype), self.lanes)
        return vector, self.builder.bitcast(self.builder.gep(data, [place]), vector.as_pointer())

    def load(self, kind: Any, array: Any, place: Any) -> Any:
        return self.builder.load(self._pointer(kind, array, place)[1], align=8)

    def store(self, value: Any, kind: Any, array: Any, place: Any) -> None:
        self.builder.store(value, self._pointer(kind, array, place)[1], align=8)

    def _place(self, address: Any, first: Any, is_whole: bool) -> Any:
        kind = self.ir.IntType(64) if is_whole else self.ir.DoubleType()
        shifted = self.builder.add(address, self.builder.shl(first, self.ir.Constant(self.ir.IntType(64), 3)))
        return self.builder.inttoptr(shifted, self.ir.VectorType(kind, self.lanes).as_pointer())

    def load_at(self, address: Any, first: Any, *, is_whole: bool = False) -> Any:
        """Numbers of eight bytes from the one that is number `first` behind an address."""
        return self.builder.load(self._place(address, first, is_whole), align=8)

    def store_at(self, value: Any, address: Any, first: Any) -> None:
        self.builder.store(value, self._place(address, first, False), align=8)

    def all(self, value: Any) -> Any:
        """The same number in each lane."""
        ir, vector = self.ir, self.ir.VectorType(value.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), places)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        from numba.core import cgutils

        kind = self.ir.FunctionType(a.type, [a.type] * 3)
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.fma.v{self.lanes}f64")
        return self.builder.call(function, [a, b, c])


def _build_step(terms: int, is_held: bool) -> Any:
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def step(typing_context, d, d_at, y, old, q, q_at, release, free, now, m, f0, s0, f1, s1, f2, s2):
        whole, real = types.i8, types.f8
        signature = types.void(
            d, whole, y, whole, q, whole, release, whole, whole, whole, real, whole, real, whole, real, whole
        )

        def generate(target, builder, sig, values):
            kinds = sig.args

            def body(first, lanes):
                r = _Registers(target, builder, lanes)

                def part(array, place):
                    return r.load(kinds[array], values[array], builder.add(values[place], first))

                total = part(4, 5)
                for k in range(terms):
                    source = r.load(kinds[2], values[2], builder.add(values[11 + 2 * k], first))
                    total = r.fused(r.all(values[10 + 2 * k]), source, total)
                if is_held:
                    rests = builder.icmp_signed(">=", part(6, 7), r.all(values[8]))
                    total = builder.select(rests, part(2, 3), total)
                r.store(total, kinds[0], values[0], builder.add(values[1], first))

            _for_lanes(builder, values[9], body)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return step


def _step(terms: int, is_held: bool) -> Instruction:
    def meaning(d, d_at, y, old, q, q_at, release, free, now, m, *pairs):
        for e in range(m):
            total = q[q_at + e]
            for factor, source in zip(pairs[: 2 * terms : 2], pairs[1::2], strict=False):
                total = fused(factor, y[source + e], total)
            d[d_at + e] = y[old + e] if is_held and release[free + e] >= now else total

    return Instruction(lambda: _build_step(terms, is_held), meaning)


step_one, step_two, step_three = _step(1, False), _step(2, False), _step(3, False)
"""``step(d, d_at, y, old, q, q_at, release, free, now, m, f0, s0, f1, s1, f2, s2)``: for e < m, d[d_at + e] is
q[q_at + e] plus the sum of the first so many terms f y[s + e]; the held ones keep y[old + e] where release[free + e] is
`now` or later."""
held_one, held_two, held_three = _step(1, True), _step(2, True), _step(3, True)


def _build_leak(fading: int) -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def leak(typing_context, y, at_y, q, at_q, release, free, now, m, f, f1, s1, g1, f2, s2, g2, level, hits, word):
        whole, real = types.i8, types.f8
        signature = types.void(
            y, whole, q, whole, release, whole, whole, whole, real, real, whole, real, real, whole, real, real, hits,
            whole,
        )  # fmt: skip

        def generate(target, builder, sig, values):
            from numba.np.arrayobj import make_array

            byte, count = ir.IntType(8), values[7]
            words = make_array(sig.args[16])(target, builder, values[16]).data
            bits = builder.bitcast(builder.gep(words, [values[17]]), byte.as_pointer())
            rest = cgutils.alloca_once_value(builder, ir.Constant(byte, 0))

            def body(first, lanes):
                r = _Registers(target, builder, lanes)

                def place(number):
                    return builder.add(values[number], first)

                old = r.load(sig.args[0], values[0], place(1))
                total = r.fused(r.all(values[8]), old, r.load(sig.args[2], values[2], place(3)))
                for k in range(fading):
                    factor, at, fades = 9 + 3 * k, 10 + 3 * k, 11 + 3 * k
                    source = r.load(sig.args[0], values[0], place(at))
                    total = r.fused(r.all(values[factor]), source, total)
                    r.store(builder.fmul(source, r.all(values[fades])), sig.args[0], values[0], place(at))
                rests = builder.icmp_signed(">=", r.load(sig.args[4], values[4], place(5)), r.all(values[6]))
                total = builder.select(rests, old, total)
                r.store(total, sig.args[0], values[0], place(1))
                there = builder.bitcast(builder.fcmp_ordered(">=", total, r.all(values[15])), ir.IntType(lanes))
                if lanes == LANES:
                    builder.store(there, builder.gep(bits, [builder.lshr(first, first.type(3))]))
                else:
                    shift = builder.trunc(builder.and_(first, first.type(LANES - 1)), byte)
                    found = builder.shl(builder.zext(there, byte), shift)
                    builder.store(builder.or_(builder.load(rest), found), rest)

            _for_lanes(builder, count, body)
            with builder.if_then(builder.icmp_signed("!=", builder.and_(count, count.type(LANES - 1)), count.type(0))):
                builder.store(builder.load(rest), builder.gep(bits, [builder.lshr(count, count.type(3))]))
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return leak


def _leak(fading: int) -> Instruction:
    def meaning(y, at_y, q, at_q, release, free, now, m, f, f1, s1, g1, f2, s2, g2, level, hits, word):
        for e in range(m):
            old = y[at_y + e]
            total = fused(f, old, q[at_q + e])
            for factor, place, fades in ((f1, s1, g1), (f2, s2, g2))[:fading]:
                total = fused(factor, y[place + e], total)
                y[place + e] *= fades
            y[at_y + e] = old if release[free + e] >= now else total
        bits = hits[word : word + (m + 63) // 64].view("u1")
        for e in range(0, m, LANES):
            bits[e // LANES] = sum(int(y[at_y + k] >= level) << (k - e) for k in range(e, min(e + LANES, m)))

    return Instruction(lambda: _build_leak(fading), meaning)


leak_one, leak_two = _leak(1), _leak(2)
"""``leak(y, at_y, q, at_q, release, free, now, m, f, f1, s1, g1, f2, s2, g2, level, hits, word)``: for e < m,
y[at_y + e] is multiplied by f; q[at_q + e] and the sum of the first so many f_k y[s_k + e] come to it, unless
release[free + e] is `now` or later; then these y[s_k + e] are multiplied by g_k. Bit e of `hits` from `word` on says
whether y[at_y + e] is at `level` or above; whole bytes are written. Words have their lowest byte first."""


def _build_lowest_bit() -> Any:
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def lowest_bit(typing_context, word):
        def generate(target, builder, sig, values):
            return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

        return types.i8(types.i8), generate

    return lowest_bit


lowest_bit = Instruction(_build_lowest_bit, lambda word: (int(word) & -int(word)).bit_length() - 1)
"""``lowest_bit(word)``: number of the lowest bit of a word that is set; some is."""


def _build_fade() -> Any:
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def fade(typing_context, y, y_at, factor, m):
        signature = types.void(y, types.i8, types.f8, types.i8)

        def generate(target, builder, sig, values):
            def body(first, lanes):
                r, place = _Registers(target, builder, lanes), builder.add(values[1], first)
                faded = builder.fmul(r.load(sig.args[0], values[0], place), r.all(values[2]))
                r.store(faded, sig.args[0], values[0], place)

            _for_lanes(builder, values[3], body)
            return cgutils.get_null_value(target.get_value_type(types.none))

        return signature, generate

    return fade


def _fade(y, y_at, factor, m):
    y[y_at : y_at + m] *= factor


fade = Instruction(_build_fade, _fade)
"""``fade(y, y_at, factor, m)``: y[y_at : y_at + m] *= factor."""


def _build_reaches(varies: bool) -> Any:
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    @intrinsic
    def reaches(typing_context, y, y_at, levels, level_at, m):
        signature = types.i8(y, types.i8, levels, types.i8, types.i8)

        def generate(target, builder, sig, values):
            from numba.np.arrayobj import make_array

            word = ir.IntType(64)
            found = cgutils.alloca_once_value(builder, ir.Constant(word, 0))
            data = make_array(sig.args[2])(target, builder, values[2]).data
            level = builder.load(builder.gep(data, [values[3]]))

            def body(first, lanes):
                r = _Registers(target, builder, lanes)
                other = r.load(sig.args[2], values[2], builder.add(values[3], first)) if varies else r.all(level)
                is_there = builder.fcmp_ordered(
                    ">=", r.load(sig.args[0], values[0], builder.add(values[1], first)), other
                )
                bits = builder.bitcast(is_there, ir.IntType(lanes))
                builder.store(builder.or_(builder.load(found), builder.zext(bits, word)), found)

            _for_lanes(builder, values[4], body)
            return builder.load(found)

        return signature, generate

    return reaches


def _reaches(varies: bool) -> Instruction:
    def meaning(y, y_at, levels, level_at, m):
        return int(any(y[y_at + e] >= levels[level_at + (e if varies else 0)] for e in range(m)))

    return Instruction(lambda: _build_reaches(varies), meaning)


reaches, reaches_own = _reaches(False), _reaches(True)
"""``reaches(y, y_at, levels, level_at, m)`` is not 0 if some y[y_at + e], e < m, is at or above levels[level_at], for
`reaches_own` above levels[level_at + e]."""
