"""Fixed points of anything that simulates, with stability, type and index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import ZERO, Field, field_of, zero_of
from neurosim.errors import ParameterError
from neurosim.randomness import stream

SAME = 1e-6
"""Points nearer than this, relative to their size, are one."""

MOST_CORNERS = 20
"""From so many starts, states with bounds are also sent to the corner that the flow points to."""


@dataclass(frozen=True)
class FixedPoint:
    """A zero of the flow, or a point that a map leaves where it is.

    Attributes
    ----------
    state : ndarray, shape (n,)
    eigenvalues : ndarray of complex
        Exponents [1/s] of a flow, multipliers of a map.
    unstable : int
        Number of directions that grow.
    index : int
        Poincaré index: the sign of det(-J), that is -1 for an odd number of real growing directions (of a map: sign of
        det(1 - DG)); 0 where it is degenerate.
    kind : str
        ``"stable node"``, ``"stable focus"``, ``"saddle"``, ``"unstable node"``, ``"unstable focus"``, ``"center"``,
        ``"degenerate"`` (an eigenvalue at the border, or a whole line of fixed points).
    """

    state: np.ndarray
    eigenvalues: Any
    unstable: int
    index: int
    kind: str

    @property
    def is_stable(self) -> bool:
        """Whether all directions shrink."""
        return self.kind.startswith("stable")


@dataclass(frozen=True)
class FixedPoints(Drawable):
    """What was found, the most stable first.

    Attributes
    ----------
    title : str
    names : list of str
    points : tuple of FixedPoint
    starts : int
        How many starts were tried; others may exist.
    field : Field
    """

    title: str
    names: list[str]
    points: tuple[FixedPoint, ...]
    starts: int
    field: Field

    drawn_by = "fixed_points:fixed_points"

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, place: int) -> FixedPoint:
        return self.points[place]


def fixed_points(
    what: Any, *, inputs: Any = None, at: float = 0.0, starts: Any = 50, spread: float = 1.0, seed: int = 0
) -> FixedPoints:
    """Find fixed points by Newton's method from many starts.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
    inputs : mapping, optional
        Held inputs of a graph, default 0.
    at : float
        Time at which sources are taken [s].
    starts : int or array_like, shape (starts, n)
        Number of random starts beside the initial state, or the starts themselves.
    spread : float
        Size of random starts, in units of each unknown, default 1; they are drawn with 1/4, 1, 4 and 16 times that.
    seed : int

    Raises
    ------
    ParameterError
    """
    field = field_of(what, inputs=inputs, at=at)
    n = field.start.size
    if np.ndim(starts) == 0:
        if int(starts) < 0:
            raise ParameterError(f"starts = {starts} must not be negative")
        draw = stream(seed, "fixed points").standard_normal((int(starts), n))
        sizes = spread * np.array([0.25, 1.0, 4.0, 16.0])[np.arange(int(starts)) % 4]
        begin = np.vstack([field.start, np.zeros(n), sizes[:, None] * draw])
        if field.lower is not None:
            corners = np.unique([field.corner(field.inside(y)) for y in begin[:MOST_CORNERS]], axis=0)
            begin = np.vstack([begin, corners])
    else:
        begin = np.asarray(starts, float).reshape(-1, n)
    points = sorted((judge(field, y) for y in zeros(field, begin)), key=lambda p: (p.unstable, tuple(p.state)))
    return FixedPoints(field.title, field.names, tuple(points), len(begin), field)


def zeros(field: Field, starts: np.ndarray, *, tolerance: float = 1e-11) -> list[np.ndarray]:
    """Zeros of a field that Newton's method finds from these starts, each once."""
    found: list[np.ndarray] = []
    for start in starts:
        y = zero_of(field, start, tolerance=tolerance)
        if y is not None and not any(np.abs(y - o).max() < SAME * (1.0 + np.abs(y).max()) for o in found):
            found.append(y)
    return found


def judge(field: Field, y: np.ndarray) -> FixedPoint:
    """Stability, kind and index of a fixed point."""
    eigenvalues = field.eigenvalues(y)
    growth = field.growth(eigenvalues)
    scale = 1.0 if field.is_map else float(np.abs(eigenvalues).max(initial=0.0))
    unstable = int((growth > ZERO * scale).sum())
    neutral = int((np.abs(growth) <= ZERO * scale).sum())
    oscillates = bool((np.abs(eigenvalues.imag) > ZERO * scale).any())
    real = eigenvalues[np.abs(eigenvalues.imag) <= ZERO * scale].real
    grows = (real > 1.0) if field.is_map else (real > 0.0)
    at_border = bool((np.abs(real - 1.0) <= ZERO).any() if field.is_map else (np.abs(real) <= ZERO * scale).any())
    index = 0 if at_border else -1 if grows.sum() % 2 else 1
    if neutral:
        kind = "center" if neutral == eigenvalues.size and oscillates and not at_border else "degenerate"
    elif unstable == 0:
        kind = "stable focus" if oscillates else "stable node"
    elif unstable == eigenvalues.size:
        kind = "unstable focus" if oscillates else "unstable node"
    else:
        kind = "saddle"
    return FixedPoint(y, eigenvalues, unstable, index, kind)
