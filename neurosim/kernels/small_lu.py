"""Dense factors of the matrix of a step for a few unknowns, where sparse ones cost more to walk than to compute.

They lie in the last rows of ``run.stage``, which `neurosim.solve.new_run` adds: n rows of n numbers and, last, the row
that a pivot was exchanged with.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.mass import is_ordinary
from neurosim.kernels.run import FACTORISATIONS, OWN_SOLVER, SINGULAR, STATUS_INDEX

FEW = 8
"""Most unknowns [1]."""


@helper
def has_small_factors(S, run):
    """Whether an integration keeps dense factors: M is the identity, no bounds, few unknowns."""
    n = run.y.size - 1
    return n <= FEW and S.bounded.size == 0 and run.count[OWN_SOLVER] == 0 and is_ordinary(S, n)


@helper
def factor_small(S, run, alpha):
    """Factor ``alpha - J`` with row exchanges; 0 or `SINGULAR`."""
    n = run.y.size - 1
    run.count[FACTORISATIONS] += 1
    A = run.stage[run.stage.shape[0] - n :]
    column_pointer, row_index, jacobian = S.column_pointer, S.row_index, run.jacobian
    A[:] = 0.0
    for j in range(n):
        for p in range(column_pointer[j], column_pointer[j + 1]):
            A[row_index[p], j] = -jacobian[p]
    for k in range(n):
        A[k, k] += alpha
    for k in range(n):
        at, largest = k, abs(A[k, k])
        for i in range(k + 1, n):
            if abs(A[i, k]) > largest:
                at, largest = i, abs(A[i, k])
        inverse = 1.0 / A[at, k] if largest > 0.0 else np.inf
        if not abs(inverse) < np.inf:
            run.count[STATUS_INDEX] = k
            return SINGULAR
        if at != k:
            for j in range(n):
                A[k, j], A[at, j] = A[at, j], A[k, j]
        A[k, n] = at
        A[k, k] = inverse
        for i in range(k + 1, n):
            share = A[i, k] * inverse
            A[i, k] = share
            for j in range(k + 1, n):
                A[i, j] -= share * A[k, j]
    return 0


@helper
def solve_small(run, b):
    """Replace b by the solution x of ``(alpha - J) x = b``."""
    n = run.y.size - 1
    A = run.stage[run.stage.shape[0] - n :]
    for k in range(n):
        at = np.int64(A[k, n])
        value = b[at]
        b[at] = b[k]
        b[k] = value
    for k in range(1, n):
        value = b[k]
        for j in range(k):
            value -= A[k, j] * b[j]
        b[k] = value
    for k in range(n - 1, -1, -1):
        value = b[k]
        for j in range(k + 1, n):
            value -= A[k, j] * b[j]
        b[k] = value * A[k, k]
