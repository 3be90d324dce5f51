"""The law ``F = k u`` that resistors and all linear controlled sources share."""

from __future__ import annotations

from neurosim.kernels.abi import WANT_DERIVATIVES, kernel


@kernel
def proportional(context, u, p, memory, table, code, F, D):
    """One flow, one input; the factor k is p[0]."""
    for e in range(u.shape[1]):
        F[0, e] = p[0, e] * u[0, e]
    if context[WANT_DERIVATIVES] != 0.0:
        for e in range(u.shape[1]):
            D[0, 0, e] = p[0, e]
