"""A grid over two unknowns, the others held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.field import Field
from neurosim.errors import ParameterError

MARGIN = 0.25
"""Room around what is to be seen, as a share of its size."""


@dataclass(frozen=True)
class Plane:
    """Two unknowns of a state space.

    Attributes
    ----------
    names : (str, str)
    places : (int, int)
    centre : ndarray, shape (n,)
        Values of the other unknowns.
    first, second : ndarray, shape (points,)
        Grid along each of the two.
    """

    names: tuple[str, str]
    places: tuple[int, int]
    centre: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def states(self) -> np.ndarray:
        """All grid points, shape (points of second, points of first, n)."""
        return self.at(*np.meshgrid(self.first, self.second))

    def at(self, first: Any, second: Any) -> np.ndarray:
        """States at these coordinates, shape (..., n)."""
        made = np.empty((*np.shape(first), self.centre.size))
        made[...] = self.centre
        made[..., self.places[0]], made[..., self.places[1]] = first, second
        return made

    def project(self, states: np.ndarray) -> np.ndarray:
        """Coordinates on the plane, shape (..., 2)."""
        return np.asarray(states)[..., list(self.places)]

    def holds(self, states: np.ndarray) -> np.ndarray:
        """Whether states lie in the drawn part, seen across the plane."""
        a, b = self.project(states)[..., 0], self.project(states)[..., 1]
        return (a >= self.first[0]) & (a <= self.first[-1]) & (b >= self.second[0]) & (b <= self.second[-1])

    def distance(self, states: np.ndarray) -> np.ndarray:
        """Largest difference from the held values."""
        off = np.abs(np.asarray(states) - self.centre)
        off[..., list(self.places)] = 0.0
        return off.max(axis=-1)


def centre_of(field: Field, centre: Any) -> np.ndarray:
    """The point that a plane goes through: the start, with values by address or of all unknowns.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    made = field.start.copy()
    if isinstance(centre, Mapping):
        for address, value in centre.items():
            made[field.index(address)] = value
    elif centre is not None:
        made = np.array(centre, float)
    if made.shape != field.start.shape or not np.isfinite(made).all():
        raise ParameterError(f"centre of '{field.title}' needs {field.start.size} finite numbers or a mapping")
    return made


def plane_of(field: Field, plane: Any, centre: Any, extent: Any, points: int, seen: np.ndarray | None = None) -> Plane:
    """Lay a grid out.

    Parameters
    ----------
    field : Field
    plane : (str, str), optional
        Addresses; default the first two states.
    centre : mapping or array_like, optional
        See `centre_of`.
    extent : optional
        Half width around the centre: one number, a pair of them, or ``((low, high), (low, high))``. Default: what is
        needed to show `seen`, within the bounds of the states.
    points : int
        Along each axis.
    seen : ndarray, shape (k, n), optional

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if field.start.size < 2:
        raise ParameterError(f"a plane needs two unknowns; '{field.title}' has {field.start.size}")
    names = tuple(_states(field)[:2]) if plane is None else tuple(plane)
    if len(names) != 2:
        raise ParameterError(f"plane = {plane!r} must be two addresses, such as ('{field.names[0]}', ...)")
    a, b = (field.index(name) for name in names)
    if a == b:
        raise ParameterError(f"plane = {plane!r} must be two different unknowns")
    if points < 2:
        raise ParameterError(f"points = {points} must be at least 2")
    middle = centre_of(field, centre)
    if extent is None:
        shown = np.vstack([middle[None], np.zeros((0, middle.size)) if seen is None else seen])[:, [a, b]]
        shown = shown[np.isfinite(shown).all(axis=1)]
        low, high = shown.min(axis=0), shown.max(axis=0)
        room = np.where(high > low, MARGIN * (high - low), np.maximum(1.0, np.abs(high)))
        ranges = np.stack([low - room, high + room], 1)
        if field.lower is not None and field.upper is not None:
            ranges = np.clip(ranges, field.lower[[a, b], None], field.upper[[a, b], None])
    else:
        size = np.asarray(extent, float)
        around = middle[[a, b]]
        ranges = size if size.shape == (2, 2) else np.stack([around - size, around + size], -1)
    if ranges.shape != (2, 2) or not np.isfinite(ranges).all() or (ranges[:, 0] >= ranges[:, 1]).any():
        raise ParameterError(
            f"extent = {extent!r} must be a positive half width, two of them, or ((low, high), (low, high))"
        )
    first, second = (np.linspace(low, high, points) for low, high in ranges)
    return Plane((field.names[a], field.names[b]), (a, b), middle, first, second)


def _states(field: Field) -> list[str]:
    """Names of what does not follow from the others, if that is enough for a plane, else of all."""
    if field.mass is None:
        return field.names
    states = [name for name, column in zip(field.names, field.mass.T, strict=True) if column.any()]
    return states if len(states) > 1 else field.names
