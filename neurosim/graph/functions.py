"""Memoryless functions of `map` nodes: their names, formulas, and what certificates need to know of them.

The compiled forms, with their derivatives, are in `neurosim.kernels.array_program` under the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.errors import UnknownNameError, nearest


@dataclass(frozen=True)
class MapFunction:
    """One named function.

    Attributes
    ----------
    name : str
    number : int
        In the compiled interpreter.
    formula : str
        For printing, in x.
    slope : float
        Largest absolute slope (Lipschitz constant in the maximum norm for the row functions), inf if unbounded.
    in_place : bool
        Whether the slope follows from the value, so that the value may overwrite the argument.
    is_row_function : bool
        Whether it acts on the last axis as a whole (softmax) and not element by element.
    argument : float or None
        Default of its constant, None if it has none.
    is_increasing : bool
    """

    name: str
    number: int
    formula: str
    slope: float
    in_place: bool = True
    is_row_function: bool = False
    argument: float | None = None
    is_increasing: bool = False


(
    IDENTITY, TANH, LOGISTIC, RELU, SOFTPLUS, EXP, SIGN, HEAVISIDE, HARD_TANH, HARD_LOGISTIC, COMPLEMENT, LEAKY_RELU,
    SQUARE, SIN, GAUSSIAN, SOFTMAX, NORMALISE, CUMULATIVE_SUM, CUMULATIVE_PRODUCT, RECIPROCAL, LOG, ABS, SQRT, POWER,
    BERNOULLI,
) = range(25)  # fmt: skip

FUNCTIONS = {
    function.name: function
    for function in (
        MapFunction("identity", IDENTITY, "x", 1.0, is_increasing=True),
        MapFunction("tanh", TANH, "tanh(x)", 1.0, is_increasing=True),
        MapFunction("logistic", LOGISTIC, "1/(1 + exp(-x))", 0.25, is_increasing=True),
        MapFunction("relu", RELU, "max(x, 0)", 1.0, is_increasing=True),
        MapFunction("softplus", SOFTPLUS, "log(1 + exp(x))", 1.0, is_increasing=True),
        MapFunction("exp", EXP, "exp(x)", math.inf, is_increasing=True),
        MapFunction("sign", SIGN, "sign(x), 0 at 0", math.inf, is_increasing=True),
        MapFunction("heaviside", HEAVISIDE, "1 if x > 0 else 0", math.inf, is_increasing=True),
        MapFunction("hard_tanh", HARD_TANH, "min(max(x, -1), 1)", 1.0, is_increasing=True),
        MapFunction("hard_logistic", HARD_LOGISTIC, "min(max(x/6 + 1/2, 0), 1)", 1 / 6, is_increasing=True),
        MapFunction("complement", COMPLEMENT, "1 - x", 1.0),
        MapFunction("leaky_relu", LEAKY_RELU, "x if x > 0 else a x", 1.0, argument=0.01, is_increasing=True),
        MapFunction("square", SQUARE, "x^2", math.inf, in_place=False),
        MapFunction("sin", SIN, "sin(x)", 1.0, in_place=False),
        MapFunction("gaussian", GAUSSIAN, "exp(-x^2)", math.sqrt(2.0 / math.e), in_place=False),
        MapFunction("softmax", SOFTMAX, "exp(x_i) / sum_j exp(x_j)", 0.5, is_row_function=True),
        MapFunction(
            "normalise", NORMALISE, "x / sqrt(|x|^2 + a)", math.inf, in_place=False, is_row_function=True,
            argument=1e-12,
        ),
        MapFunction("cumulative_sum", CUMULATIVE_SUM, "sum_(j <= i) x_j", math.inf, is_row_function=True),
        MapFunction(
            "cumulative_product", CUMULATIVE_PRODUCT, "prod_(j <= i) x_j", math.inf, in_place=False,
            is_row_function=True,
        ),
        MapFunction("reciprocal", RECIPROCAL, "1/x", math.inf),
        MapFunction("log", LOG, "log(x)", math.inf, in_place=False, is_increasing=True),
        MapFunction("abs", ABS, "|x|", 1.0, in_place=False),
        MapFunction("sqrt", SQRT, "sqrt(x)", math.inf, is_increasing=True),
        MapFunction("power", POWER, "x^a for x >= 0", math.inf, in_place=False, argument=2.0),
        MapFunction("bernoulli", BERNOULLI, "x/(exp(x) - 1), 1 at 0", 1.0, in_place=False),
    )
}  # fmt: skip
"""The functions by name; aliases are in `ALIASES`."""

LAW = MapFunction("law", -1, "a compiled law", math.inf, in_place=False, is_row_function=True)
"""Stands for the function of a map that has a law (`neurosim.kernels.named_law`), of which nothing more is known."""

ALIASES = {"sigmoid": "logistic", "linear": "identity", "step": "heaviside", "hard_sigmoid": "hard_logistic"}


def map_function(name: str, where: str = "") -> MapFunction:
    """Return a function by name or alias.

    Raises
    ------
    UnknownNameError
        No such function; names the nearest, and `where` it was asked for.
    """
    found = FUNCTIONS.get(ALIASES.get(name, name))
    if found is None:
        place = f"{where}: " if where else ""
        near = nearest(name, [*FUNCTIONS, *ALIASES])
        raise UnknownNameError(f"{place}unknown function '{name}'; {near}".rstrip("; "))
    return found


def function_of(data: Mapping[str, Any]) -> MapFunction:
    """Function of a map, from the attributes of its node."""
    return LAW if data.get("law") is not None else FUNCTIONS[data["function"]]
