"""Instructions of compiled expressions: what `program` writes and `neurosim.kernels.expression` runs.

``code`` is [n_value, n_all, holds, then five words per instruction: operation, destination, a, b, c]. The first n_value
instructions give the outputs, the others the derivatives; `holds` is the number of HOLD, 0 if none may hold.
Destination and operands are rows of ``memory``, one number per instance, except:

- INPUT and PARAMETER load row a of ``u`` and of ``p``; FILL loads table[a]; CONTEXT loads context[a] + table[b].
- ``b`` of the operations with a constant is its place in the table.
- PWL and PWL_SLOPE read c numbers x0, y0, x1, y1, ... from table[b] on.
- HOLD number c gives row a, or what it has kept of it; row b (none if negative) tells how far off a change is.
- STORE_FLOW writes row a to ``F[destination]``.
- The destination of STORE_SLOPE (row a), PARAMETER_SLOPE (row a of ``p``) and FILL_SLOPE (table[a]) is
  ``D[destination // inputs, destination % inputs]``.
"""

from __future__ import annotations

WORDS = 5
HEADER = 3

OPERATIONS = (
    "fill", "input", "parameter", "context", "store_flow", "store_slope", "parameter_slope", "fill_slope", "add",
    "sub", "mul", "div", "neg", "add_constant", "mul_constant", "constant_sub", "constant_div", "div_constant",
    "abs", "side", "min", "max", "lt", "le", "gt", "ge", "eq", "ne", "select", "sqrt", "exp", "log", "log10", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "atan2", "hypot",
    "pow", "pow_abs", "pow_real", "pow_slope", "floor", "ceil", "trunc", "round_even", "round_away", "fmod", "pwl",
    "pwl_slope", "hold",
)  # fmt: skip
(
    FILL, INPUT, PARAMETER, CONTEXT, STORE_FLOW, STORE_SLOPE, PARAMETER_SLOPE, FILL_SLOPE, ADD, SUB, MUL, DIV, NEG,
    ADD_CONSTANT, MUL_CONSTANT, CONSTANT_SUB, CONSTANT_DIV, DIV_CONSTANT, ABS, SIDE, MIN, MAX, LT, LE, GT, GE, EQ,
    NE, SELECT, SQRT, EXP, LOG, LOG10, SIN, COS, TAN, ASIN, ACOS, ATAN, SINH, COSH, TANH, ASINH, ACOSH, ATANH,
    ATAN2, HYPOT, POW, POW_ABS, POW_REAL, POW_SLOPE, FLOOR, CEIL, TRUNC, ROUND_EVEN, ROUND_AWAY, FMOD, PWL,
    PWL_SLOPE, HOLD,
) = range(len(OPERATIONS))  # fmt: skip
