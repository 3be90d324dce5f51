"""Where the current of a memristive network flows: the path of least resistance, and the backbone."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import spsolve

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class ConductingPaths(Drawable):
    """The paths between two nodes at one moment; ``plot()`` draws them on the graph.

    Attributes
    ----------
    network : MemristiveNetwork
    states : array, shape (m,)
    a, b : node
    conductance : float
        Of the whole network between a and b [S].
    path : list of node
        From a to b, the path whose resistances have the smallest sum.
    path_edges : int array
        Numbers of its edges.
    path_resistance : float
        Their sum [ohm].
    share : array, shape (m,)
        Part of the current from a to b that an edge carries, from tail to head.
    """

    network: MemristiveNetwork
    states: np.ndarray
    a: Hashable
    b: Hashable
    conductance: float
    path: list[Any]
    path_edges: np.ndarray
    path_resistance: float
    share: np.ndarray
    drawn_by = "conducting_paths:draw_paths"

    @property
    def path_share(self) -> float:
        """Part of the current that the path could carry alone: 1 / (path_resistance conductance), at most 1."""
        return 1.0 / (self.path_resistance * self.conductance)

    @property
    def effective_edges(self) -> float:
        """How many edges share the current: (sum of power)^2 / sum of power^2 of the edges."""
        power = self.share**2 / self._conductances()
        return float(power.sum() ** 2 / (power**2).sum())

    def backbone(self, least: float = 0.05) -> np.ndarray:
        """Numbers of the edges that carry at least the part `least` of the current."""
        return np.flatnonzero(np.abs(self.share) >= least)

    def _conductances(self) -> np.ndarray:
        return edge_conductances(self.network, self.states)

    def __str__(self) -> str:
        return (
            f"{self.network.title}: {self.conductance:.4g} S from '{self.a}' to '{self.b}'; best path of "
            f"{self.path_edges.size} edges with {self.path_resistance:.4g} ohm, {100 * self.path_share:.3g} % of it; "
            f"{self.backbone().size} edges carry 5 % or more"
        )


def conducting_paths(network: MemristiveNetwork, a: Hashable, b: Hashable, states: Any = None) -> ConductingPaths:
    """Find where the current from a to b flows.

    Parameters
    ----------
    network : MemristiveNetwork
        Sources are off and electrodes are left open.
    a, b : node
    states : array_like, shape (m,), optional
        Default those at the start. Devices that are not ohmic count with their conductance at 0 V.

    Returns
    -------
    ConductingPaths

    Raises
    ------
    ParameterError
        a and b are one node, or no path joins them.
    """
    w = network.state if states is None else np.asarray(states, float)
    first, last = network.node_index(a), network.node_index(b)
    if first == last:
        raise ParameterError(f"paths from '{a}' to itself have no meaning")
    if network.component[first] != network.component[last]:
        raise ParameterError(f"no path joins '{a}' and '{b}'")
    g = edge_conductances(network, w)
    inside = np.flatnonzero(network.component == network.component[first])
    free = inside[inside != last]
    laplacian = (network.incidence @ sparse.diags(g) @ network.incidence.T).tocsc()
    # One ampere goes in at a, so that currents are parts and the potential of a is the resistance.
    push, p = np.zeros(len(network.nodes)), np.zeros(len(network.nodes))
    push[first] = 1.0
    p[free] = np.asarray(spsolve(laplacian[free][:, free], push[free]))
    path, edges = _shortest(network, 1.0 / g, first, last)
    return ConductingPaths(
        network, w, a, b, float(1.0 / p[first]), [network.nodes[k] for k in path], edges,
        float((1.0 / g)[edges].sum()), g * (network.incidence.T @ p),
    )  # fmt: skip


def edge_conductances(network: MemristiveNetwork, states: np.ndarray) -> np.ndarray:
    """Conductances [S] of the edges at 0 V, shape (m,)."""
    return network.laws.evaluate(np.zeros(network.size), np.asarray(states, float))[2][0]


def _shortest(
    network: MemristiveNetwork, resistance: np.ndarray, first: int, last: int
) -> tuple[list[int], np.ndarray]:
    """Nodes and edges of the path with the smallest sum of resistances; of parallel edges the best."""
    low, high = np.minimum(network.tail, network.head), np.maximum(network.tail, network.head)
    order = np.lexsort((resistance, high, low))
    leads = np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]
    best = order[leads]
    count = len(network.nodes)
    links = sparse.csr_matrix((resistance[best], (low[best], high[best])), shape=(count, count))
    before = csgraph.dijkstra(links, directed=False, indices=first, return_predecessors=True)[1]
    number = {(int(low[e]), int(high[e])): int(e) for e in best}
    path = [last]
    while path[-1] != first:
        path.append(int(before[path[-1]]))
    path.reverse()
    edges = [number[min(a, b), max(a, b)] for a, b in pairwise(path)]
    return path, np.array(edges, int)
