"""The unknowns of a system: what each entry of y is called, its kind, unit, bounds and scale."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np


@dataclass(frozen=True)
class Unknown:
    """One entry of y.

    Parameters
    ----------
    name : str
        Address: ``"v(a)"``, ``"i(v1)"``, ``"m1.x"``.
    kind : {"voltage", "current", "charge", "state", "other"}
        Chooses the absolute tolerance.
    unit : str
        SI unit.
    lower, upper : float
        Bounds, kept by the engine.
    scale : float
        Typical size (states), 0 if not known.
    """

    name: str
    kind: str = "other"
    unit: str = ""
    lower: float = -np.inf
    upper: float = np.inf
    scale: float = 0.0


class Unknowns(Sequence[Unknown]):
    """Many unknowns, column by column: a large circuit has a million.

    Attributes
    ----------
    names, units : sequence of str
    kinds : ndarray of str, shape (n,)
    lower, upper, scale : ndarray, shape (n,)
    """

    def __init__(self, unknowns: Iterable[Unknown] = ()) -> None:
        rows = list(unknowns)
        self.names: Sequence[str] = [u.name for u in rows]
        self.units: Sequence[str] = [u.unit for u in rows]
        self.kinds = np.array([u.kind for u in rows], "U16")
        self.lower = np.array([u.lower for u in rows], float)
        self.upper = np.array([u.upper for u in rows], float)
        self.scale = np.array([u.scale for u in rows], float)

    @classmethod
    def empty(cls, n: int) -> Unknowns:
        """`n` unknowns without names, to be filled in."""
        made = cls()
        made.names, made.units = [""] * n, [""] * n
        made.kinds = np.full(n, "other", "U16")
        made.lower, made.upper, made.scale = np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n)
        return made

    def describe(self, where: slice, names: list[str], unit: str) -> None:
        """Fill in names and the unit of some of those that `empty` made."""
        assert isinstance(self.names, list)
        assert isinstance(self.units, list)
        self.names[where], self.units[where] = names, [unit] * len(names)

    def with_own_numbers(self) -> Unknowns:
        """The same unknowns with copies of bounds and scales."""
        made = copy.copy(self)
        made.lower, made.upper, made.scale = self.lower.copy(), self.upper.copy(), self.scale.copy()
        return made

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Unknown: ...
    @overload
    def __getitem__(self, index: slice) -> list[Unknown]: ...
    def __getitem__(self, index: int | slice) -> Unknown | list[Unknown]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        return Unknown(
            self.names[index], str(self.kinds[index]), self.units[index], float(self.lower[index]),
            float(self.upper[index]), float(self.scale[index]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[Unknown]:
        return (self[k] for k in range(len(self)))
