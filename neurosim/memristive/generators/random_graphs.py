"""Small worlds, Erdős-Rényi graphs, and random planar graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError
from neurosim.memristive.generators.generator import Generator, assembled, giant_component, real, whole
from neurosim.randomness import stream


def small_world(nodes: int = 100, neighbours: int = 4, rewired: float = 0.1, *, seed: int = 0) -> nx.MultiGraph:
    """Make a ring of nodes in which some edges lead to a random node, in one piece.

    Parameters
    ----------
    nodes : int
        Default 100.
    neighbours : int
        Nearest neighbours of each node on the ring, even; default 4.
    rewired : float
        Probability that an edge is led elsewhere, default 0.1.
    seed : int
        Stream ``"small_world"`` of it is used.

    Returns
    -------
    networkx.MultiGraph
        With ``nodes neighbours / 2`` edges less those outside the largest component.

    Raises
    ------
    ParameterError

    Notes
    -----
    D. J. Watts, S. H. Strogatz, Nature 393, 440 (1998), doi 10.1038/30918.
    """
    whole("nodes", nodes, 3)
    if whole("neighbours", neighbours, 2, nodes - 1) % 2:
        raise ParameterError(f"neighbours is {neighbours}; it must be even, half of them on each side")
    draw = stream(seed, "small_world")
    made = nx.watts_strogatz_graph(nodes, neighbours, real("rewired", rewired, 0, 1), seed=_bits(draw))
    angle = 2.0 * np.pi * np.arange(nodes) / nodes
    given = {"nodes": nodes, "neighbours": neighbours, "rewired": rewired, "seed": seed}
    graph = assembled("small_world", np.column_stack([np.cos(angle), np.sin(angle)]), made.edges(), given)
    return giant_component(graph)


def erdos_renyi(
    nodes: int = 100, mean_degree: float = 4.0, *, giant: bool = True, seed: int = 0
) -> nx.MultiGraph:  # fmt: skip
    """Make a graph in which each pair of nodes is joined with the same probability.

    Parameters
    ----------
    nodes : int
        Default 100.
    mean_degree : float
        Mean number of edges at a node, default 4; the probability of a pair is ``mean_degree / (nodes - 1)``.
    giant : bool
        Keep only the largest component, default True.
    seed : int
        Stream ``"erdos_renyi"`` of it is used.

    Returns
    -------
    networkx.MultiGraph
        Positions are random in the unit square.

    Raises
    ------
    ParameterError

    Notes
    -----
    E. N. Gilbert, Ann. Math. Stat. 30, 1141 (1959), doi 10.1214/aoms/1177706098.
    """
    whole("nodes", nodes, 2)
    draw = stream(seed, "erdos_renyi")
    probability = real("mean_degree", mean_degree, 0, nodes - 1) / (nodes - 1)
    made = nx.fast_gnp_random_graph(nodes, probability, seed=_bits(draw))
    given = {"nodes": nodes, "mean_degree": mean_degree, "giant": giant, "seed": seed}
    graph = assembled("erdos_renyi", draw.random((nodes, 2)), made.edges(), given)
    return giant_component(graph) if giant else graph


def delaunay(nodes: int = 100, *, width: float = 1.0, height: float = 1.0, seed: int = 0) -> nx.MultiGraph:
    """Make a random planar graph: the Delaunay triangulation of random points in a rectangle.

    Parameters
    ----------
    nodes : int
        Default 100; about 3 edges a node.
    width, height : float
        Sides of the rectangle, default 1.
    seed : int
        Stream ``"delaunay"`` of it is used.

    Returns
    -------
    networkx.MultiGraph

    Raises
    ------
    ParameterError

    Notes
    -----
    C. B. Barber, D. P. Dobkin, H. Huhdanpaa, ACM Trans. Math. Softw. 22, 469 (1996), doi 10.1145/235815.235821
    (recalled): the algorithm behind `scipy.spatial.Delaunay`.
    """
    from scipy.spatial import Delaunay

    whole("nodes", nodes, 3)
    sides = [real("width", width, 0, exclusive=True), real("height", height, 0, exclusive=True)]
    points = stream(seed, "delaunay").random((nodes, 2)) * sides
    corners = Delaunay(points).simplices
    sides_of = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    given = {"nodes": nodes, "width": width, "height": height, "seed": seed}
    return assembled("delaunay", points, np.unique(sides_of, axis=0).tolist(), given)


def _bits(draw: np.random.Generator) -> int:
    """A seed for networkx, whose own generator is faster in its loops than one of NumPy."""
    return int(draw.integers(2**63))


generator = (
    Generator("small_world", "ring with some edges led to random nodes", small_world,
              "Watts & Strogatz, Nature 393, 440 (1998)", {"nodes": 30}, ("watts_strogatz",)),
    Generator("erdos_renyi", "each pair of nodes is joined with the same probability", erdos_renyi,
              "Gilbert, Ann. Math. Stat. 30, 1141 (1959)", {"nodes": 30}),
    Generator("delaunay", "random planar graph, triangulation of random points", delaunay, example={"nodes": 30},
              aliases=("random_planar",)),
)  # fmt: skip
