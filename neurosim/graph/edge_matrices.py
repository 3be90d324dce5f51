"""Sparse matrices of the edges of a signal graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from neurosim.graph.signal_graph import SignalGraph


def edge_matrix(flat: SignalGraph, source: str, target: str, edge: Any) -> Any:
    """Sparse matrix (elements of the target, of the source) of an edge, its gain included."""
    m = flat.size_of(source)
    low, high = edge["source_part"] or (0, m)
    if edge["weight"] is None:
        core = scipy.sparse.eye_array(high - low, format="csr")
    else:
        value = flat.parameters[edge["weight"]].value
        if not hasattr(value, "tocsr") and value.ndim < 2:
            core = scipy.sparse.diags_array(np.broadcast_to(value, high - low), format="csr")
        else:
            core = scipy.sparse.csr_array(value)
            core = core.T if edge["transpose"] else core
    core = core * edge["gain"]
    if target and (edge["source_part"] or edge["target_part"]):
        found, first = core.tocoo(), (edge["target_part"] or (0, 0))[0]
        core = scipy.sparse.csr_array(
            (found.data, (found.row + first, found.col + low)), shape=(flat.size_of(target), m)
        )
    return core


def is_diagonal(matrix: Any) -> bool:
    """Whether a sparse matrix has nothing beside its diagonal."""
    found = matrix.tocoo()
    return bool((found.row == found.col).all())


def is_identity(matrix: Any) -> bool:
    """Whether a sparse matrix passes its argument on."""
    return matrix.shape[0] == matrix.shape[1] and is_diagonal(matrix) and bool((matrix.diagonal() == 1.0).all())
