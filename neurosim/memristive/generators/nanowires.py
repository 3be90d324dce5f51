"""Nanowire networks: straight wires thrown at random on a rectangle; where two cross there is a junction.

A wire is one node (its own resistance is neglected), a crossing is one memristor. Sticks of length l percolate above
the density n_c with n_c l^2 = 5.63726 (J. Li, S.-L. Zhang, Phys. Rev. E 80, 040104 (2009), doi
10.1103/PhysRevE.80.040104, recalled).
"""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError
from neurosim.memristive.generators.generator import Generator, assembled, giant_component, real, whole
from neurosim.randomness import stream

CRITICAL_DENSITY = 5.63726
"""Of sticks of length 1."""

MOST_WIRES = 10_000_000
SHORTEST_SHARE = 0.05
"""Lengths below this share of the mean are drawn again."""


def nanowires(
    number: int | None = None,
    *,
    density: float | None = None,
    length: float = 10e-6,
    length_spread: float = 0.0,
    width: float = 30e-6,
    height: float = 30e-6,
    giant: bool = True,
    seed: int = 0,
) -> nx.MultiGraph:
    """Throw wires on a rectangle.

    Parameters
    ----------
    number : int, optional
        Wires thrown. Default: from `density`, and without one 2.5 times the critical density.
    density : float, optional
        Wires per m^2.
    length : float
        Mean length [m], default 10 um.
    length_spread : float
        Standard deviation [m] of the normal distribution of lengths, default 0.
    width, height : float
        Sides [m] of the rectangle in which the centres of wires lie, default 30 um; wires may stick out.
    giant : bool
        Keep only the largest connected part, default True.
    seed : int
        Stream ``"nanowires"`` of it is used.

    Returns
    -------
    networkx.MultiGraph
        Wires ``"w0"``, ... with ``pos`` (centre) and ``ends`` (x0, y0, x1, y1); junctions with ``pos``.

    Raises
    ------
    ParameterError
        Both `number` and `density` are given, or a number is out of range.

    Notes
    -----
    Pairs that can touch are found with a k-d tree of the centres, so that time grows with the number of junctions.
    """
    mean, spread = real("length", length, 0, exclusive=True), real("length_spread", length_spread, 0)
    sides = np.array([real("width", width, 0, exclusive=True), real("height", height, 0, exclusive=True)])
    if number is not None and density is not None:
        raise ParameterError(f"number is {number} and density is {density}; give one of them")
    if number is None:
        per_area = 2.5 * critical_density(mean) if density is None else real("density", density, 0, exclusive=True)
        number = round(per_area * float(sides[0]) * float(sides[1]))
    whole("number", number, 1, MOST_WIRES)
    draw = stream(seed, "nanowires")
    centres = draw.random((number, 2)) * sides
    angles = np.pi * draw.random(number)
    lengths = np.full(number, mean)
    if spread > 0.0:
        lengths = mean + spread * draw.standard_normal(number)
        while (short := lengths < SHORTEST_SHARE * mean).any():
            lengths[short] = mean + spread * draw.standard_normal(int(short.sum()))
    half = 0.5 * lengths[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    pairs, crossings = intersections(centres, half)
    given = {
        "number": number, "length": mean, "length_spread": spread, "width": float(sides[0]), "height": float(sides[1]),
        "giant": giant, "seed": seed,
    }  # fmt: skip
    names = [f"w{k}" for k in range(number)]
    graph = assembled("nanowires", centres, pairs.tolist(), given, names=names, length_unit="m")
    ends = np.column_stack([centres - half, centres + half]).tolist()
    for data, at in zip(graph.nodes.values(), ends, strict=True):
        data["ends"] = tuple(at)
    for (a, b), at in zip(pairs.tolist(), crossings.tolist(), strict=True):
        graph.edges[names[a], names[b], 0]["pos"] = tuple(at)
    return giant_component(graph) if giant else graph


def critical_density(length: float) -> float:
    """Density [1/m^2] at which wires of one `length` [m] begin to percolate in an infinite area."""
    return CRITICAL_DENSITY / real("length", length, 0, exclusive=True) ** 2


def intersections(centres: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the crossings of line segments.

    Parameters
    ----------
    centres, half : array, shape (n, 2)
        Segment k goes from ``centres[k] - half[k]`` to ``centres[k] + half[k]``.

    Returns
    -------
    pairs : int array, shape (junctions, 2)
        First number below the second, sorted.
    crossings : array, shape (junctions, 2)
        Where they cross.
    """
    from scipy.spatial import KDTree

    reach = 2.0 * float(np.linalg.norm(half, axis=1).max(initial=0.0))
    near = KDTree(centres).query_pairs(reach, output_type="ndarray")
    near = near[np.lexsort((near[:, 1], near[:, 0]))]
    i, j = near[:, 0], near[:, 1]
    apart = centres[j] - centres[i]
    span = _cross(half[i], half[j])
    with np.errstate(divide="ignore", invalid="ignore"):
        along_i, along_j = _cross(apart, half[j]) / span, _cross(apart, half[i]) / span
    # Parallel wires give NaN or infinity and do not cross.
    hit = (np.abs(along_i) <= 1.0) & (np.abs(along_j) <= 1.0)
    return near[hit], centres[i[hit]] + along_i[hit, None] * half[i[hit]]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


generator = Generator(
    "nanowires", "random straight wires with a junction at each crossing", nanowires,
    "Hochstetter et al., Nature Communications 12, 4008 (2021)", {"number": 60, "seed": 1},
    ("random_sticks",),
)  # fmt: skip
