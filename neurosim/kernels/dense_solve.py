"""Small dense systems of equations, by elimination with row exchanges."""

from __future__ import annotations

from neurosim.kernels.abi import unit
from neurosim.kernels.flat_signature import signature_of


@unit(lambda: signature_of(*"rri"))
def solve_dense(a, b, n):
    """Solve ``a x = b``, row-major, n unknowns; x replaces b, `a` is used up. What is singular gives no finite x."""
    for k in range(n):
        pivot, largest = k, abs(a[k * n + k])
        for i in range(k + 1, n):
            if abs(a[i * n + k]) > largest:
                pivot, largest = i, abs(a[i * n + k])
        if pivot != k:
            for j in range(k, n):
                a[k * n + j], a[pivot * n + j] = a[pivot * n + j], a[k * n + j]
            b[k], b[pivot] = b[pivot], b[k]
        row = a[k * n : k * n + n]
        for i in range(k + 1, n):
            share = a[i * n + k] / row[k]
            if share != 0.0:
                other = a[i * n : i * n + n]
                for j in range(k + 1, n):
                    other[j] -= share * row[j]
                b[i] -= share * b[k]
    for k in range(n - 1, -1, -1):
        total = b[k]
        for j in range(k + 1, n):
            total -= a[k * n + j] * b[j]
        b[k] = total / a[k * n + k]
