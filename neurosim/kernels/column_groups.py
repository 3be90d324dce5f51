"""Groups of columns of a sparse matrix that can be told apart from their sum."""

from __future__ import annotations

import numpy as np


def column_groups(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    """Number of a group for each column, so that no two columns of a group share a row (greedy, in order).

    A sparse Jacobian follows from one direction for each group. Source: A. R. Curtis, M. J. D. Powell, J. K. Reid,
    IMA J. Appl. Math. 13 (1974) 117, doi:10.1093/imamat/13.1.117.

    Parameters
    ----------
    rows, columns : ndarray of int
        Places that can differ from zero, each of them once or more.
    n : int
        Number of columns.

    Returns
    -------
    ndarray of int64, shape (n,)
        The first group is 0; a column without entries belongs to it.
    """
    if rows.size == 0:
        return np.zeros(n, np.int64)
    order = np.argsort(columns, kind="stable")
    bounds = np.searchsorted(columns[order], np.arange(n + 1))
    taken = np.zeros((int(rows.max()) + 1, 16), bool)
    groups = np.zeros(n, np.int64)
    for column in range(n):
        mine = rows[order[bounds[column] : bounds[column + 1]]]
        if mine.size:
            used: np.ndarray = np.any(taken[mine], axis=0)
            number = int(np.argmin(used))
            if used[number]:
                number = used.size
                taken = np.concatenate([taken, np.zeros_like(taken)], axis=1)
            taken[mine, number] = True
            groups[column] = number
    return groups
