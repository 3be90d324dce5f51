"""Products with the mass matrix of a system."""

from __future__ import annotations

from neurosim.kernels.abi import helper


@helper
def is_ordinary(S, n):
    """Whether M is the identity."""
    if S.mass_value.size != n:
        return False
    others = 0
    for q in range(n):
        others += S.mass_value[q] != 1.0 or S.mass_row[q] != S.mass_column[q]
    return others == 0


@helper
def multiply_mass(S, y, out):
    """out = M y, over the entries of M that differ from zero."""
    out[:] = 0.0
    for q in range(S.mass_value.size):
        out[S.mass_row[q]] += S.mass_value[q] * y[S.mass_column[q]]


@helper
def add_mass(S, y, out):
    """out += M y."""
    for q in range(S.mass_value.size):
        out[S.mass_row[q]] += S.mass_value[q] * y[S.mass_column[q]]
