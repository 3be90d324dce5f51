"""Programs of one step for states that flow element by element, carried out for a block of elements at a time.

A program is straight: read states and registers of `BLOCK` numbers, work, write. Which scheme it is (`euler`, a Lawson
method) is a matter of who writes it (`neurosim.graph.element_programs`), so a new model or scheme compiles nothing.
Sums and products take their operands from registers, states or inputs, and put what they make into a register or a
state (`neurosim.kernels.element_vectors`); the others know registers only, and write into none that they read.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import helper, unit
from neurosim.kernels.array_functions import apply_function
from neurosim.kernels.element_vectors import (
    address,
    hold,
    linear_1,
    linear_2,
    linear_3,
    linear_4,
    product,
    products,
)
from neurosim.kernels.functions import fused
from neurosim.kernels.unchecked import at, put

BLOCK = 256
"""Elements that are stepped at once: their registers stay in the first-level cache."""

(
    LOAD, LOAD_INPUT, STORE, STORE_FREE, HOLD, CONSTANT, LINEAR_1, LINEAR_2, LINEAR_3, LINEAR_4, PRODUCT, PRODUCTS,
    ADD_EACH, ADD_SCALED, FUNCTION, NOISE,
) = range(16)  # fmt: skip
"""Instructions; R are registers, C places of numbers in the table, E of arrays there with one for each element. In
sums, products and HOLD, R are operands: 4 times the number of a register, the place of a state or that in q, plus
`IN_REGISTERS`, `IN_STATES` or `IN_INPUTS`.

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


IN_REGISTERS, IN_STATES, IN_INPUTS = range(3)


def _signature() -> Any:
    from numba import types

    whole, real = types.Array(types.i8, 1, "C"), types.Array(types.f8, 1, "C")
    return types.void(
        whole, types.i8, types.i8, types.i8, types.i8, types.i8, real, real, real, whole, types.i8, real,
    )  # fmt: skip


@helper
def operand(word, first, y, q, work):
    """Address of an operand, for elements from `first` on."""
    place = word >> 2
    if word & 3 == IN_STATES:
        return address(y, place + first)
    if word & 3 == IN_INPUTS:
        return address(q, place + first)
    return address(work, place * BLOCK)


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
                products(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), operand(code[a + 4], first, y, q, work),
                    operand(code[a + 5], first, y, q, work), operand(code[a + 6], first, y, q, work),
                    operand(code[a + 7], first, y, q, work), table[code[a + 8]], table[code[a + 9]],
                    table[code[a + 10]], table[code[a + 11]], table[code[a + 12]], table[code[a + 13]],
                    table[code[a + 14]], table[code[a + 15]], table[code[a + 16]], table[code[a + 17]],
                    table[code[a + 18]],
                )  # fmt: skip
                a += 19
            elif op == PRODUCT:
                product(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), operand(code[a + 4], first, y, q, work),
                    operand(code[a + 5], first, y, q, work), 0, 0, table[code[a + 6]], table[code[a + 7]],
                    table[code[a + 8]], table[code[a + 9]], table[code[a + 10]], table[code[a + 11]],
                    table[code[a + 12]], 0.0, 0.0, 0.0, 0.0,
                )  # fmt: skip
                a += 13
            elif op == LINEAR_1:
                linear_1(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work), 0, 0, 0, 0, 0,
                    table[code[a + 3]], table[code[a + 4]], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                )  # fmt: skip
                a += 5
            elif op == LINEAR_2:
                linear_2(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), 0, 0, 0, 0, table[code[a + 4]], table[code[a + 5]],
                    table[code[a + 6]], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                )  # fmt: skip
                a += 7
            elif op == LINEAR_3:
                linear_3(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), operand(code[a + 4], first, y, q, work), 0, 0, 0,
                    table[code[a + 5]], table[code[a + 6]], table[code[a + 7]], table[code[a + 8]], 0.0, 0.0, 0.0, 0.0,
                    0.0, 0.0, 0.0,
                )  # fmt: skip
                a += 9
            elif op == LINEAR_4:
                linear_4(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), operand(code[a + 4], first, y, q, work),
                    operand(code[a + 5], first, y, q, work), 0, 0, table[code[a + 6]], table[code[a + 7]],
                    table[code[a + 8]], table[code[a + 9]], table[code[a + 10]], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                )  # fmt: skip
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
                there = address(y, code[a + 2] + first)
                hold(there, m, there, address(work, d), address(release, held_by + first), now)
                a += 3
            elif op == FUNCTION:
                apply_function(code[a + 3], work, d, work, code[a + 2] * BLOCK, m, table[code[a + 4]])
                a += 5
            elif op == HOLD:
                hold(
                    operand(code[a + 1], first, y, q, work), m, operand(code[a + 2], first, y, q, work),
                    operand(code[a + 3], first, y, q, work), address(release, held_by + first), now,
                )  # fmt: skip
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
