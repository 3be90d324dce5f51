"""Programs of one step for states that flow element by element, carried out for a block of elements at a time.

A program is straight: load states into registers of `BLOCK` numbers, work, store. Which scheme it is (`euler`, a Lawson
method) is a matter of who writes it (`neurosim.graph.element_programs`), so a new model or scheme compiles nothing.
No instruction writes into a register that it reads, which keeps the loops on vector registers.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import unit
from neurosim.kernels.array_functions import apply_function
from neurosim.kernels.functions import fused
from neurosim.kernels.unchecked import at, put

BLOCK = 256
"""Elements that are stepped at once: their registers stay in the first-level cache."""

(
    LOAD, LOAD_INPUT, STORE, STORE_FREE, HOLD, CONSTANT, LINEAR_1, LINEAR_2, LINEAR_3, LINEAR_4, PRODUCT, PRODUCTS,
    ADD_EACH, ADD_SCALED, FUNCTION, NOISE,
) = range(16)  # fmt: skip
"""Instructions; R are registers, C places of numbers in the table, E of arrays there with one for each element.

====================  ===================================================================================
LOAD R place          R = states at the place
LOAD_INPUT R place    R = q at the place
STORE R place         states = R
STORE_FREE R place    states = R, where the element does not rest after a tick
HOLD R R1 R2          R = R1 where the element rests, else R2
CONSTANT R C          R = C
LINEAR_k R R1.. C ..  R = C + C1 R1 + ... + Ck Rk
PRODUCT R ...         R = C + C1 R1 + C2 R2 + (C3 + C4 R3) (C5 + C6 R4), registers first
PRODUCTS R ...        the same with a second product of R5, R6 and four more constants
ADD_EACH R R1 E       R = R1 + E
ADD_SCALED R R1 R2 E  R = R1 + E R2
FUNCTION R R1 f C     R = f(R1), f the number of a map's function, C its constant
NOISE R R1 k C v      R = R1 + C noise; k is the place among the normal numbers, v is 1 where C differs between elements
====================  ===================================================================================
"""


def _signature() -> Any:
    from numba import types

    whole, real = types.Array(types.i8, 1, "C"), types.Array(types.f8, 1, "C")
    return types.void(
        whole, types.i8, types.i8, types.i8, types.i8, types.i8, real, real, real, whole, types.i8, real,
    )  # fmt: skip


@unit(_signature)
def step_elements(code, begin, end, n, held_by, noise, table, y, q, release, now, work):
    """Carry n elements over a step by the program in ``code[begin:end]``.

    `held_by` is where the ends of their refractory times begin in `release`, `noise` where normal numbers do in `work`.
    """
    for first in range(0, n, BLOCK):
        m = min(BLOCK, n - first)
        a = begin
        while a < end:
            op, d = code[a], code[a + 1] * BLOCK
            if op == PRODUCTS:
                x1, x2 = code[a + 2] * BLOCK, code[a + 3] * BLOCK
                x3, x4 = code[a + 4] * BLOCK, code[a + 5] * BLOCK
                x5, x6 = code[a + 6] * BLOCK, code[a + 7] * BLOCK
                c0, c1, c2 = table[code[a + 8]], table[code[a + 9]], table[code[a + 10]]
                c3, c4, c5, c6 = table[code[a + 11]], table[code[a + 12]], table[code[a + 13]], table[code[a + 14]]
                c7, c8, c9, c10 = table[code[a + 15]], table[code[a + 16]], table[code[a + 17]], table[code[a + 18]]
                for e in range(m):
                    s = fused(c2, at(work, x2 + e), fused(c1, at(work, x1 + e), c0))
                    s = fused(fused(c4, at(work, x3 + e), c3), fused(c6, at(work, x4 + e), c5), s)
                    put(work, d + e, fused(fused(c8, at(work, x5 + e), c7), fused(c10, at(work, x6 + e), c9), s))
                a += 19
            elif op == PRODUCT:
                x1, x2 = code[a + 2] * BLOCK, code[a + 3] * BLOCK
                x3, x4 = code[a + 4] * BLOCK, code[a + 5] * BLOCK
                c0, c1, c2 = table[code[a + 6]], table[code[a + 7]], table[code[a + 8]]
                c3, c4, c5, c6 = table[code[a + 9]], table[code[a + 10]], table[code[a + 11]], table[code[a + 12]]
                for e in range(m):
                    s = fused(c2, at(work, x2 + e), fused(c1, at(work, x1 + e), c0))
                    put(work, d + e, fused(fused(c4, at(work, x3 + e), c3), fused(c6, at(work, x4 + e), c5), s))
                a += 13
            elif op == LINEAR_1:
                x1 = code[a + 2] * BLOCK
                c0, c1 = table[code[a + 3]], table[code[a + 4]]
                for e in range(m):
                    put(work, d + e, fused(c1, at(work, x1 + e), c0))
                a += 5
            elif op == LINEAR_2:
                x1, x2 = code[a + 2] * BLOCK, code[a + 3] * BLOCK
                c0, c1, c2 = table[code[a + 4]], table[code[a + 5]], table[code[a + 6]]
                for e in range(m):
                    put(work, d + e, fused(c2, at(work, x2 + e), fused(c1, at(work, x1 + e), c0)))
                a += 7
            elif op == LINEAR_3:
                x1, x2, x3 = code[a + 2] * BLOCK, code[a + 3] * BLOCK, code[a + 4] * BLOCK
                c0, c1, c2, c3 = table[code[a + 5]], table[code[a + 6]], table[code[a + 7]], table[code[a + 8]]
                for e in range(m):
                    s = fused(c2, at(work, x2 + e), fused(c1, at(work, x1 + e), c0))
                    put(work, d + e, fused(c3, at(work, x3 + e), s))
                a += 9
            elif op == LINEAR_4:
                x1, x2 = code[a + 2] * BLOCK, code[a + 3] * BLOCK
                x3, x4 = code[a + 4] * BLOCK, code[a + 5] * BLOCK
                c0, c1, c2 = table[code[a + 6]], table[code[a + 7]], table[code[a + 8]]
                c3, c4 = table[code[a + 9]], table[code[a + 10]]
                for e in range(m):
                    s = fused(c2, at(work, x2 + e), fused(c1, at(work, x1 + e), c0))
                    put(work, d + e, fused(c4, at(work, x4 + e), fused(c3, at(work, x3 + e), s)))
                a += 11
            elif op == LOAD:
                place = code[a + 2] + first
                for e in range(m):
                    put(work, d + e, at(y, place + e))
                a += 3
            elif op == STORE:
                place = code[a + 2] + first
                for e in range(m):
                    put(y, place + e, at(work, d + e))
                a += 3
            elif op == STORE_FREE:
                place, free = code[a + 2] + first, held_by + first
                for e in range(m):
                    old, new = at(y, place + e), at(work, d + e)
                    put(y, place + e, old if at(release, free + e) >= now else new)
                a += 3
            elif op == FUNCTION:
                apply_function(code[a + 3], work, d, work, code[a + 2] * BLOCK, m, table[code[a + 4]])
                a += 5
            elif op == HOLD:
                x1, x2, free = code[a + 2] * BLOCK, code[a + 3] * BLOCK, held_by + first
                for e in range(m):
                    old, new = at(work, x1 + e), at(work, x2 + e)
                    put(work, d + e, old if at(release, free + e) >= now else new)
                a += 4
            elif op == LOAD_INPUT:
                place = code[a + 2] + first
                for e in range(m):
                    put(work, d + e, at(q, place + e))
                a += 3
            elif op == CONSTANT:
                value = table[code[a + 2]]
                for e in range(m):
                    put(work, d + e, value)
                a += 3
            elif op == ADD_EACH:
                x1, each = code[a + 2] * BLOCK, code[a + 3] + first
                for e in range(m):
                    put(work, d + e, at(work, x1 + e) + at(table, each + e))
                a += 4
            elif op == ADD_SCALED:
                x1, x2, each = code[a + 2] * BLOCK, code[a + 3] * BLOCK, code[a + 4] + first
                for e in range(m):
                    put(work, d + e, fused(at(table, each + e), at(work, x2 + e), at(work, x1 + e)))
                a += 5
            else:
                x1, drawn, place, varies = code[a + 2] * BLOCK, noise + code[a + 3] + first, code[a + 4], code[a + 5]
                if varies != 0:
                    for e in range(m):
                        put(work, d + e, fused(at(table, place + first + e), at(work, drawn + e), at(work, x1 + e)))
                else:
                    value = table[place]
                    for e in range(m):
                        put(work, d + e, fused(value, at(work, drawn + e), at(work, x1 + e)))
                a += 6
