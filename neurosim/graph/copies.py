"""Several copies of a graph side by side as one graph: trials of a network that run in the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import RESETS, GraphParameter, SignalGraph

_NUMBERS = ("time_constant", "leak", "initial", "threshold", "refractory", "noise", *RESETS)


def has_copies(flat: SignalGraph) -> bool:
    """Whether `side_by_side` takes a flat graph: nodes are rows of elements, edges take them whole, none is drawn."""
    return all(len(data["shape"]) == 1 for _, data in flat.nodes(data=True)) and not any(
        edge["source_part"] or edge["target_part"] or edge.get("draw") is not None for *_, edge in flat.edges(data=True)
    )


def side_by_side(graph: SignalGraph, copies: int) -> SignalGraph:
    """Graph of `copies` networks that do not know of one another: element e of copy k of a node of n is ``k n + e``.

    Parameters
    ----------
    graph : SignalGraph
        One of which `has_copies` is true.
    copies : int
    """
    flat = flatten(graph, expand=False).copy()

    def repeated(value: Any) -> Any:
        if isinstance(value, str) or value is None:
            return value
        if hasattr(value, "tocsr") or np.ndim(value) == 2:
            return scipy.sparse.block_diag([scipy.sparse.coo_array(value)] * copies, format="csr")
        return np.tile(value, copies) if np.size(value) > 1 else value

    for _, data in flat.nodes(data=True):
        data["shape"] = (data["shape"][0] * copies,)
        data.update({key: repeated(data[key]) for key in _NUMBERS if key in data})
    for *_, edge in flat.edges(data=True):
        edge.update({key: repeated(edge[key]) for key in RESETS if key in edge})
        if isinstance(edge["plastic"], dict):
            edge["plastic"] = {key: repeated(value) for key, value in edge["plastic"].items()}
    flat.parameters = {
        name: GraphParameter(repeated(parameter.value), parameter.trainable, parameter.unit)
        for name, parameter in flat.parameters.items()
    }
    return flat
