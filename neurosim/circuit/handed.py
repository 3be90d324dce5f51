"""Numbers that notice what is done with them while a card is read, so that cards can be read once for many."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

Guard = tuple[Callable[[float, float], bool], float | None, bool]
"""A comparison, the other number (None: with itself), and what came out."""


class HandedValue(float):
    """A number that notices when it is compared, computed with or converted.

    Attributes
    ----------
    guards : list of Guard
        Comparisons with plain numbers.
    use : callable
        Called when anything else is done with it, so that its exact value may matter.
    """

    guards: list[Guard]
    use: Callable[[], Any]

    def __new__(cls, value: float, use: Callable[[], Any]) -> HandedValue:
        made = super().__new__(cls, value)
        made.guards, made.use = [], use
        return made


def holds(guards: Iterable[Guard], value: float) -> bool:
    """Whether all comparisons come out the same for `value`."""
    return all(compare(value, value if other is None else other) is outcome for compare, other, outcome in guards)


def plain(value: float) -> float:
    """The number itself."""
    return float.__float__(value) if isinstance(value, HandedValue) else value


def _noticing(name: str) -> Callable[..., Any]:
    original = getattr(float, name)

    def method(self: HandedValue, *args: Any) -> Any:
        self.use()
        return original(self, *args)

    return method


def _guarding(name: str) -> Callable[..., Any]:
    original, compare = getattr(float, name), getattr(operator, name)

    def method(self: HandedValue, other: Any) -> Any:
        outcome = original(self, other)
        if isinstance(other, HandedValue) and other is not self:
            self.use()
            other.use()
        elif outcome is not NotImplemented:
            self.guards.append((compare, None if other is self else other, outcome))
        return outcome

    return method


def _truth(self: HandedValue) -> bool:
    outcome = float.__bool__(self)
    self.guards.append((operator.ne, 0.0, outcome))
    return outcome


for _operation in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(HandedValue, f"__{_operation}__", _guarding(f"__{_operation}__"))
_OPERATIONS = (
    "float", "int", "hash", "neg", "pos", "abs", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv",
    "floordiv", "rfloordiv", "mod", "rmod", "divmod", "rdivmod", "pow", "rpow", "round", "trunc", "floor", "ceil",
    "format", "repr",
)  # fmt: skip
for _operation in _OPERATIONS:
    setattr(HandedValue, f"__{_operation}__", _noticing(f"__{_operation}__"))
HandedValue.__bool__ = _truth
