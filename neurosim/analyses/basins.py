"""Basins of attraction: which attractor the starts on a plane lead to.

Attractors are told apart by the mean and the range of every unknown over the end of a run; of a rest point all three
are the same. Basin entropy: Daza, Wagemakers, Georgeot, Guery-Odelin & Sanjuan, Sci. Rep. 6, 31416 (2016), doi
10.1038/srep31416: the mean over boxes of the Gibbs entropy of the labels in a box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import zero_of
from neurosim.analyses.fixed_points import FixedPoint, judge
from neurosim.analyses.plane import Plane, plane_of
from neurosim.analyses.runs import Runs
from neurosim.errors import ParameterError

TAIL, SAMPLES = 0.2, 64
"""Share of a run, at its end, that attractors are told apart by, and points of it."""

LEAST, AT_REST = 0.05, 1e-3
"""Shares of the size of an unknown: what attractors span at least, and what a run that rests moves at most."""

SPREAD = 5.0
"""What moves may differ by so many times more: the end of a run holds no whole number of rounds."""

BLOCK = 4096
"""Runs whose ends are kept at a time."""

BOX = 5
"""Grid points along the side of a box of the basin entropy."""


@dataclass(frozen=True)
class Attractor:
    """Where runs end.

    Attributes
    ----------
    kind : str
        ``"rest point"`` (that of a map may be called fixed point), or ``"moving"``: a cycle, a torus or chaos.
    mean, low, high : ndarray, shape (n,)
        Over the end of a run.
    fraction : float
        Of the starts.
    point : FixedPoint or None
        Of a rest point: the zero of the field nearby, by Newton's method, with its stability.
    """

    kind: str
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    fraction: float
    point: FixedPoint | None


@dataclass(frozen=True)
class Basins(Drawable):
    """Labels of starts on a plane.

    Attributes
    ----------
    title : str
    names : list of str
    plane : Plane
    labels : ndarray of int, shape (points, points)
        ``labels[j, i]`` at ``(first[i], second[j])``: number of the attractor, -1 where the run escaped or failed.
    attractors : tuple of Attractor
        By falling fraction.
    """

    drawn_by = "basins:basins"

    title: str
    names: list[str]
    plane: Plane
    labels: np.ndarray
    attractors: tuple[Attractor, ...]

    @property
    def escaped(self) -> float:
        """Fraction of starts whose run escaped or failed."""
        return float((self.labels < 0).mean())

    def entropy(self, box: int = BOX) -> tuple[float, float]:
        """Basin entropy, and that of the boxes with more than one label alone; nats.

        Above log 2 = 0.693 the second says that the boundary is fractal.

        Parameters
        ----------
        box : int
            Grid points along the side of a box.

        Raises
        ------
        ParameterError
        """
        if not 1 < box <= min(self.labels.shape):
            raise ParameterError(f"box = {box} must lie between 2 and {min(self.labels.shape)}")
        rows, columns = (size // box for size in self.labels.shape)
        boxes = self.labels[: rows * box, : columns * box].reshape(rows, box, columns, box)
        boxes = boxes.transpose(0, 2, 1, 3).reshape(rows * columns, -1)
        share = np.stack([(boxes == label).mean(axis=1) for label in np.unique(boxes)], 1)
        entropies = -np.sum(share * np.log(np.where(share > 0.0, share, 1.0)), axis=1)
        mixed = entropies > 0.0
        return float(entropies.mean()), float(entropies[mixed].mean()) if mixed.any() else 0.0


def basins(
    what: Any, plane: tuple[str, str] | None = None, *, centre: Any = None, extent: Any = None, points: int = 101,
    duration: float | None = None, inputs: Any = None, tolerance: float = 0.02, rtol: float = 1e-6,
) -> Basins:  # fmt: skip
    """Run from every point of a grid and tell where it ends.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    plane, centre, extent
        As of `neurosim.analyses.phase_portrait.phase_portrait`; default extent: 1 (or the size of the centre).
    points : int
        Along each axis, default 101: 10,201 runs.
    duration : float, optional
        Of each run [s or steps]; default that of .tran, 100 time constants, or 500 steps. The last fifth tells
        attractors apart.
    inputs : mapping, optional
        Drives of a graph.
    tolerance : float
        Runs whose means and ranges differ by less than this share of what all attractors span are of one attractor,
        default 0.02, and 5 times that of what moves.
    rtol : float
        Default 1e-6.

    Raises
    ------
    ParameterError, UnknownNameError
    SimulationError
        All runs failed.
    """
    runs = Runs(what, inputs=inputs, rtol=rtol)
    shown = plane_of(runs.field, plane, centre, extent, points)
    length = runs.duration if duration is None else float(duration)
    if not length > 0.0:
        raise ParameterError(f"duration = {length:g} must be positive")
    if not 0.0 < tolerance < 1.0:
        raise ParameterError(f"tolerance = {tolerance:g} must lie between 0 and 1")
    starts = shown.states().reshape(-1, runs.start.size)
    begin, step = length * (1.0 - TAIL), length * TAIL / SAMPLES
    if runs.is_map:
        begin, length, step = float(round(begin)), float(round(length)), 1.0
    ends = []
    for at in range(0, len(starts), BLOCK):
        ends.append(_features(runs.run((begin, length), step, None, starts[at : at + BLOCK]).values, starts))
    features = np.concatenate(ends)
    finite = np.abs(features[np.isfinite(features).all(axis=(1, 2))])
    size = np.maximum(np.abs(starts).max(axis=0), finite.max(axis=(0, 1), initial=0.0))
    size = np.maximum(size, 1e-9 * size.max())
    labels, centres = _grouped(features, tolerance, size)
    attractors = tuple(_attractor(runs, centre, size, float((labels == k).mean())) for k, centre in enumerate(centres))
    return Basins(runs.field.title, runs.names, shown, labels.reshape(points, points), attractors)


def _features(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Mean, smallest and largest value of every unknown, shape (rows, 3, n); of runs that rest, at their very end."""
    late = values[:, -(values.shape[1] // 4) :]
    size = np.maximum(np.abs(values).max(axis=1), np.abs(starts).max(axis=0))
    rests = (np.ptp(late, axis=1) <= AT_REST * size).all(axis=1)[:, None, None]
    parts = [np.stack([part.mean(axis=1), part.min(axis=1), part.max(axis=1)], 1) for part in (late, values)]
    return np.where(rests, *parts)


def _grouped(features: np.ndarray, tolerance: float, size: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Label of each row, by falling size of the groups, and the middle of each group.

    Rows are of one group where a chain of rows, each near the next, leads from one to the other: what a short end of a
    run shows of a cycle or of chaos spreads, but without gaps.
    """
    labels = np.full(len(features), -1)
    is_finite = np.isfinite(features).all(axis=(1, 2))
    rests = is_finite & (features[:, 2] - features[:, 1] <= AT_REST * size).all(axis=1)
    groups: list[np.ndarray] = []
    for chosen, share in ((rests, tolerance), (is_finite & ~rests, SPREAD * tolerance)):
        rows = np.flatnonzero(chosen)
        if rows.size:
            group = _chained(features[rows], share, size)
            groups += [rows[group == k] for k in range(group.max() + 1)]
    groups.sort(key=lambda rows: -rows.size)
    for k, rows in enumerate(groups):
        labels[rows] = k
    return labels, [np.median(features[rows], axis=0) for rows in groups]


def _chained(features: np.ndarray, share: float, size: np.ndarray) -> np.ndarray:
    """Number of the group of each row."""
    # The few ends that are far out of what most starts lead to must not hide all else.
    low, high = np.quantile(features, [0.005, 0.995], axis=0)
    extent = np.median(features[:, 2] - features[:, 1], axis=0)
    scale = share * np.maximum(np.maximum(np.max(high - low, axis=0), extent), LEAST * size)
    cells, cell_of = np.unique(np.round(features / scale).reshape(len(features), -1), axis=0, return_inverse=True)
    near = KDTree(cells).query_pairs(1.5, p=np.inf, output_type="ndarray")
    links = sparse.coo_matrix((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(cells),) * 2)
    return csgraph.connected_components(links, directed=False)[1][cell_of.ravel()]


def _attractor(runs: Runs, feature: np.ndarray, size: np.ndarray, fraction: float) -> Attractor:
    mean, low, high = feature
    rests = bool((high - low <= AT_REST * size).all())
    point = None
    if rests:
        zero = zero_of(runs.field, mean)
        if zero is not None and (np.abs(zero - mean) <= 10.0 * AT_REST * size).all():
            point = judge(runs.field, zero)
    return Attractor("rest point" if rests else "moving", mean, low, high, fraction, point)
