"""The functions of behavioural expressions, each written once in elementary operations.

`call` and `operate` turn a function or an operator into elementary operations for a dialect. With `numeric` as their
first argument they compute numbers; with the emitter of `program` they write instructions. Facts about the dialects and
their sources are in `dialects`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.expressions.dialects import Dialect

Emit = Callable[..., Any]
"""``emit(operation, *operands)`` returns an operand; Python floats are operands too."""

BOLTZMANN = 1.380649e-23
ELEMENTARY_CHARGE = 1.602176634e-19
"""SI values (exact since 2019) in J/K and C."""

CONSTANTS: dict[str, float] = {
    "pi": float(np.pi),
    "e": float(np.e),
    "boltz": BOLTZMANN,
    "echarge": ELEMENTARY_CHARGE,
    "kelvin": -273.15,
}
"""Names that have a value unless the netlist gives them another; ``kelvin`` is 0 K in degrees Celsius."""

RUNNING = ("time", "temper")
"""Names that only a running analysis can tell: time in s, temperature in degrees Celsius."""


def _cos_pi(y: Any) -> Any:
    """cos(pi y), exactly 0 at half-integers."""
    rest = np.mod(y, 2.0)
    return np.where(np.mod(rest, 1.0) == 0.5, 0.0, np.cos(np.pi * rest))


def _pow_real(x: Any, y: Any) -> Any:
    whole = (np.asarray(x) >= 0.0) | (np.floor(y) == y)
    return np.where(whole, np.power(np.where(whole, x, 1.0), y), np.power(np.abs(x), y) * _cos_pi(y))


def _pow_slope(x: Any, value: Any, y: Any) -> Any:
    at_zero = np.where(np.asarray(y) == 1.0, 1.0, np.where((np.asarray(y) > 1.0) | (np.asarray(y) == 0.0), 0.0, np.inf))
    return np.where(np.asarray(x) == 0.0, at_zero, y * np.asarray(value) / x)


def _pwl(x: Any, *points: float) -> Any:
    """Linear between and beyond the breakpoints x0, y0, x1, y1, ...; at a breakpoint the right-hand segment counts."""
    abscissae, ordinates = np.asarray(points[0::2], dtype=float), np.asarray(points[1::2], dtype=float)
    k = np.clip(np.searchsorted(abscissae, x, side="right") - 1, 0, len(abscissae) - 2)
    x0, y0 = abscissae[k], ordinates[k]
    return y0 + (ordinates[k + 1] - y0) * (x - x0) / (abscissae[k + 1] - x0)


def _round_away(x: Any) -> Any:
    below = np.floor(np.abs(x))
    return np.copysign(below + (np.abs(x) - below >= 0.5), x)


def _truth(comparison: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: np.where(comparison(a, b), 1.0, 0.0)


NUMERIC: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "side": lambda x: np.where(np.asarray(x) < 0.0, -1.0, 1.0), "min": np.minimum, "max": np.maximum,
    "lt": _truth(np.less), "le": _truth(np.less_equal), "gt": _truth(np.greater), "ge": _truth(np.greater_equal),
    "eq": _truth(np.equal), "ne": _truth(np.not_equal), "select": lambda c, a, b: np.where(np.asarray(c) != 0.0, a, b),
    "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "log10": np.log10, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "atan2": np.arctan2, "hypot": np.hypot,
    "pow": np.power, "pow_abs": lambda x, y: np.power(np.abs(x), y), "pow_real": _pow_real, "pow_slope": _pow_slope,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round_even": np.rint, "round_away": _round_away,
    "fmod": np.fmod, "pwl": _pwl,
}  # fmt: skip
"""Elementary operations on float64 numbers or arrays, by IEEE 754 (no exceptions)."""


def numeric(operation: str, *operands: Any) -> Any:
    """Compute an elementary operation; call it under ``np.errstate(all="ignore")``."""
    return NUMERIC[operation](*(np.float64(operand) if isinstance(operand, float) else operand for operand in operands))


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides the meaning of a function: the dialect, and whether a constant or a behaviour is computed."""

    dialect: Dialect
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A builtin function: the numbers of arguments it takes, and its definition ``define(emit, rules, *arguments)``."""

    least: int
    most: int
    define: Callable[..., Any]


def truth(emit: Emit, rules: Rules, x: Any) -> Any:
    """1 where `x` counts as true, else 0."""
    return emit("gt", x, 0.5) if rules.dialect == "ltspice" else emit("ne", x, 0.0)


def _power(emit: Emit, rules: Rules, x: Any, y: Any) -> Any:
    return emit({"ngspice": "pow_abs", "ltspice": "pow_real", "pspice": "pow"}[rules.dialect], x, y)


def _pow(emit: Emit, rules: Rules, x: Any, y: Any) -> Any:
    return emit("pow", x, y) if rules.constant and rules.dialect == "ngspice" else _power(emit, rules, x, y)


def _pwrs(emit: Emit, rules: Rules, x: Any, y: Any) -> Any:
    return emit("mul", emit("side", x), emit("pow_abs", x, y))


def _pwr(emit: Emit, rules: Rules, x: Any, y: Any) -> Any:
    if rules.dialect == "ngspice" and not rules.constant:
        return _pwrs(emit, rules, x, y)
    return emit("pow_abs", x, y)


def _exclusive_or(emit: Emit, rules: Rules, x: Any, y: Any) -> Any:
    return emit("ne", truth(emit, rules, x), truth(emit, rules, y))


def _sgn(emit: Emit, rules: Rules, x: Any) -> Any:
    return emit("sub", emit("gt", x, 0.0), emit("lt", x, 0.0))


def _sign(emit: Emit, rules: Rules, x: Any, *y: Any) -> Any:
    return emit("mul", emit("side", y[0]), emit("abs", x)) if y else _sgn(emit, rules, x)


def _step(emit: Emit, rules: Rules, x: Any) -> Any:
    if rules.dialect == "ngspice":
        return emit("mul", 0.5, emit("add", emit("gt", x, 0.0), emit("ge", x, 0.0)))
    return emit("gt", x, 0.0)


def _clamp(emit: Emit, x: Any, low: Any, high: Any) -> Any:
    return emit("min", emit("max", x, low), high)


def _limit(emit: Emit, rules: Rules, x: Any, a: Any, b: Any) -> Any:
    if rules.dialect == "pspice":
        return _clamp(emit, x, a, b)
    return _clamp(emit, x, emit("min", a, b), emit("max", a, b))


def _if(emit: Emit, rules: Rules, condition: Any, yes: Any, no: Any) -> Any:
    return emit("select", truth(emit, rules, condition), yes, no)


def _table(emit: Emit, rules: Rules, x: Any, *points: Any) -> Any:
    if len(points) == 2:
        return emit("add", points[1], 0.0)
    return emit("pwl", _clamp(emit, x, points[0], points[-2]), *points)


def _within(operation: str, low: float | None, high: float | None) -> Callable[..., Any]:
    """A function whose argument LTspice moves into the real domain, which gives the real part there."""

    def define(emit: Emit, rules: Rules, x: Any) -> Any:
        if rules.dialect == "ltspice":
            x = x if low is None else emit("max", x, low)
            x = x if high is None else emit("min", x, high)
        return emit(operation, x)

    return define


def _plain(operation: str, count: int = 1) -> Function:
    return Function(count, count, lambda emit, rules, *arguments: emit(operation, *arguments))


def _compare_with_zero(operation: str) -> Function:
    return Function(1, 1, lambda emit, rules, x: emit(operation, x, 0.0))


_POINTS = 20000

FUNCTIONS: dict[str, Function] = {
    **{name: _plain(name) for name in (
        "abs", "exp", "log", "log10", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "atanh", "floor",
        "ceil",
    )},
    "ln": _plain("log"), "arctan": _plain("atan"), "int": _plain("trunc"), "nint": _plain("round_even"),
    "round": _plain("round_away"),
    "sqrt": Function(1, 1, _within("sqrt", 0.0, None)), "acosh": Function(1, 1, _within("acosh", 1.0, None)),
    "asin": Function(1, 1, _within("asin", -1.0, 1.0)), "arcsin": Function(1, 1, _within("asin", -1.0, 1.0)),
    "acos": Function(1, 1, _within("acos", -1.0, 1.0)), "arccos": Function(1, 1, _within("acos", -1.0, 1.0)),
    **{name: _plain(name, 2) for name in ("min", "max", "atan2", "hypot")},
    "mod": _plain("fmod", 2),
    "pow": Function(2, 2, _pow), "pwr": Function(2, 2, _pwr), "pwrs": Function(2, 2, _pwrs),
    "sqr": Function(1, 1, lambda emit, rules, x: emit("mul", x, x)),
    "square": Function(1, 1, lambda emit, rules, x: emit("mul", x, x)),
    "sgn": Function(1, 1, _sgn), "sign": Function(1, 2, _sign), "u": Function(1, 1, _step),
    "stp": _compare_with_zero("gt"),
    "u2": Function(1, 1, lambda emit, rules, x: _clamp(emit, x, 0.0, 1.0)),
    "uramp": Function(1, 1, lambda emit, rules, x: emit("max", x, 0.0)),
    "buf": Function(1, 1, lambda emit, rules, x: emit("gt", x, 0.5)),
    "inv": Function(1, 1, lambda emit, rules, x: emit("le", x, 0.5)),
    **{name + "0": _compare_with_zero(name) for name in ("eq", "ne", "gt", "lt", "ge", "le")},
    "limit": Function(3, 3, _limit), "if": Function(3, 3, _if), "ternary_fcn": Function(3, 3, _if),
    "pwl": Function(5, _POINTS, lambda emit, rules, x, *points: emit("pwl", x, *points)),
    "table": Function(3, _POINTS, _table),
}  # fmt: skip
"""Builtin functions by name. ``pwl`` is ngspice's, linear beyond its ends; ``table`` keeps its end values."""

STATE_FUNCTIONS: dict[str, tuple[int, int]] = {"ddt": (1, 1), "idt": (1, 2), "sdt": (1, 2)}
"""Time derivative and time integral (with optional value at the start), with their numbers of arguments."""

_RANDOM = "a random number; write the value, or sweep it with a seed"
REFUSED: dict[str, str] = {
    **dict.fromkeys(("gauss", "agauss", "unif", "aunif", "flat", "mc", "rand", "random", "white"), _RANDOM),
    **dict.fromkeys(("delay", "absdelay"), "a delay; a transmission line (T) delays a voltage"),
    "idtmod": "an integral that starts again at a modulus; take sin, cos or mod of idt instead",
    **dict.fromkeys(("m", "p", "r", "img", "mag", "ph", "re", "im", "db"), "a part of a complex value, AC only"),
    **dict.fromkeys(("ib", "ic", "ie", "id", "ig", "is", "ix"), "a terminal current; put a 0 V source in series"),
    "laplace": "a transfer function in s; build it from R and C or from idt",
    "poly": "the polynomial form of a controlled source, which stands outside of expressions",
}
"""Functions of some dialect that are not taken, and what they are."""
REFUSED_NAMES: dict[str, str] = {"hertz": "the frequency of an AC analysis", "freq": "the frequency of an AC analysis"}

_OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "fmod", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
    "==": "eq", "!=": "ne",
}  # fmt: skip


def refusal(name: str, rules: Rules) -> str | None:
    """Why a function is not taken in this dialect, or None."""
    if name == "limit" and rules.dialect == "ngspice":
        return (
            "in ngspice it is a random number and not a clamp; write min(max(x, low), high), or read the netlist as "
            "ltspice or pspice"
        )
    return REFUSED.get(name)


def call(emit: Emit, rules: Rules, name: str, arguments: tuple[Any, ...]) -> Any:
    """Write function `name` in elementary operations."""
    return FUNCTIONS[name].define(emit, rules, *arguments)


def operate(emit: Emit, rules: Rules, op: str, operands: tuple[Any, ...]) -> Any:
    """Write an operator (unary, binary, or ``?`` for a conditional) in elementary operations."""
    if op == "?":
        return _if(emit, rules, *operands)
    if len(operands) == 1:
        if op == "-":
            return emit("neg", operands[0])
        return emit("sub", 1.0, truth(emit, rules, operands[0]))
    if op == "^" and rules.dialect == "ltspice":
        return _exclusive_or(emit, rules, *operands)
    if op in ("^", "**"):
        return _power(emit, rules, *operands)
    if op == "&":
        return emit("mul", truth(emit, rules, operands[0]), truth(emit, rules, operands[1]))
    if op == "|":
        return emit("max", truth(emit, rules, operands[0]), truth(emit, rules, operands[1]))
    return emit(_OPERATORS[op], *operands)
