"""Weights of associative memories from their patterns.

Patterns are rows of +1 and -1 (or real numbers); weights act as ``targets = W sources``.
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.bam import paired
from neurosim.architectures.hopfield import hebbian_weights as hebb
from neurosim.errors import ParameterError

__all__ = ["bam", "hebb", "pseudo_inverse", "storkey"]


def pseudo_inverse(patterns: np.ndarray, *, self_connections: bool = True) -> np.ndarray:
    """Projection on the span of the patterns: linearly independent patterns are exact fixed points, W x = x.

    Source: Personnaz, Guyon & Dreyfus, J. Physique Lett. 46, 359 (1985), doi 10.1051/jphyslet:01985004608035900.

    Parameters
    ----------
    patterns : ndarray, shape (count, n)
    self_connections : bool
        False takes the diagonal out, which widens the basins; W x = (1 - w_ii) x then holds element by element.

    Returns
    -------
    ndarray, shape (n, n)

    Raises
    ------
    ParameterError
    """
    x = _rows(patterns, "patterns")
    w = np.linalg.pinv(x) @ x
    return _diagonal(0.5 * (w + w.T), self_connections)


def storkey(patterns: np.ndarray, *, self_connections: bool = False) -> np.ndarray:
    """One pattern after the other: w_ij += (x_i x_j - x_i h_ji - h_ij x_j) / n, h_ij = sum over k not i, j of w_ik x_k.

    Source: Storkey, ICANN 1997, LNCS 1327, 451, doi 10.1007/BFb0020196.

    Parameters
    ----------
    patterns : ndarray, shape (count, n)
    self_connections : bool
        Keep the diagonal at the end (it takes part while learning).

    Returns
    -------
    ndarray, shape (n, n)

    Raises
    ------
    ParameterError
    """
    rows = _rows(patterns, "patterns")
    n = rows.shape[1]
    w = np.zeros((n, n))
    for x in rows:
        # h[i, j] leaves out k = i and k = j; for i = j only one term goes.
        field = w @ x
        own = np.diag(w) * x
        h = field[:, None] - own[:, None] - w * x
        h[np.diag_indices(n)] += own
        w = w + (np.outer(x, x) - x[:, None] * h.T - h * x) / n
    return _diagonal(w, self_connections)


def bam(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """W = sum of second first', from the first field to the second; its transpose leads back.

    Source: Kosko, IEEE Trans. Systems, Man, and Cybernetics 18, 49 (1988), doi 10.1109/21.87054.

    Parameters
    ----------
    first : ndarray, shape (count, n)
    second : ndarray, shape (count, m)

    Returns
    -------
    ndarray, shape (m, n)

    Raises
    ------
    ParameterError
        The numbers of patterns differ.
    """
    x, y = paired(first, second)
    return y.T @ x


def _rows(patterns: np.ndarray, name: str) -> np.ndarray:
    rows = np.asarray(patterns, dtype=float)
    if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
        raise ParameterError(f"{name} must be finite numbers of shape (count, size), not shape {rows.shape}")
    return rows


def _diagonal(w: np.ndarray, keep: bool) -> np.ndarray:
    if not keep:
        np.fill_diagonal(w, 0.0)
    return w
