"""The connected parts of a memristive network, and the nodes whose potential is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class Components:
    """What `find_components` finds.

    Attributes
    ----------
    incidence : scipy.sparse.csr_matrix, shape (nodes, m)
        +1 at the tail of each edge, -1 at its head.
    component : ndarray of int, shape (nodes,)
        Number of the part of each node.
    fixed : ndarray of int64
        Electrodes, and one node of each part without, at 0 V.
    is_free : ndarray of bool, shape (nodes,)
    open_fixed : ndarray of int
        Those of `fixed` that are no electrodes.
    """

    incidence: sparse.csr_matrix
    component: np.ndarray
    fixed: np.ndarray
    is_free: np.ndarray
    open_fixed: np.ndarray


def find_components(net: MemristiveNetwork) -> Components:
    """Find the parts of a network, and fix electrodes and one node of each part that has none.

    Raises
    ------
    ParameterError
        An electrode stands alone in its part, or currents into a part add up to something and nothing takes it.
    """
    n, m = len(net.nodes), net.size
    incidence = sparse.csr_matrix(
        (np.r_[np.ones(m), -np.ones(m)], (np.r_[net.tail, net.head], np.tile(np.arange(m), 2))), shape=(n, m)
    )
    links = sparse.coo_matrix((np.ones(m), (net.tail, net.head)), shape=(n, n))
    count, component = csgraph.connected_components(links, directed=False)
    driven = np.array([net.node_index(node) for node in net.electrodes], int)
    per_part = np.bincount(component[driven], minlength=count)
    pushed = _pushed(net, component)
    # Of two that do not find each other the one in the smaller part is named.
    sizes, pairs = np.bincount(component), zip(net.electrodes, driven, strict=True)
    for node, k in sorted(pairs, key=lambda pair: sizes[component[pair[1]]]):
        if per_part[component[k]] == 1 and not pushed[component[k]] and per_part.sum() > 1:
            raise ParameterError(
                f"electrode '{node}' is disconnected: no path leads from it to another electrode or source"
            )
    grounded = np.ones(count, bool)
    grounded[component[driven]] = False
    _, first = np.unique(component, return_index=True)
    fixed = np.sort(np.concatenate([driven, first[grounded]])).astype(np.int64)
    is_free = np.ones(n, bool)
    is_free[fixed] = False
    _, _, inject = net.sources.split(net.sources.constant)
    if not net.sources.is_constant:
        inject = net.sources.split(net.sources.at(0.0))[2]
    total = np.bincount(component, inject, minlength=count)
    size = np.bincount(component, np.abs(inject), minlength=count)
    lost = np.flatnonzero(grounded & (np.abs(total) > 1e-12 * size))
    if lost.size:
        node = next(node for node in net.injections if component[net.node_index(node)] == lost[0])
        raise ParameterError(
            f"currents into the part of the graph with node '{node}' add up to {total[lost[0]]:g} A, and it has no "
            "electrode where they could leave; let them add up to 0 or give an electrode"
        )
    return Components(incidence, component, fixed, is_free, first[grounded])


def _pushed(net: MemristiveNetwork, component: np.ndarray) -> np.ndarray:
    """Components with an EMF or an injected current."""
    count = int(component.max()) + 1
    has = np.zeros(count, bool)
    m, n = net.size, len(net.nodes)
    places = np.concatenate([np.flatnonzero(net.sources.constant), net.sources.targets[:, 1]])
    has[component[net.tail[places[places < m]]]] = True
    has[component[places[places >= m + n] - m - n]] = True
    return has
