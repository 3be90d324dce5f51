"""A user's right-hand side ``fun(t, y)``, decorated with ``numba.njit``, as the law of one instance."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from neurosim.kernels.abi import CONTEXT_SIZE, TIME, WANT_DERIVATIVES

DIFFERENCE = float(np.finfo(float).eps ** 0.5)


class NumbaLaw:
    """C function around a Numba function. Derivatives are differences; where it raises, the flows are NaN.

    Parameters
    ----------
    function : numba Dispatcher
        Takes a number and an array, returns an array of the same length.

    Attributes
    ----------
    address : int
        Valid while this object lives.
    """

    def __init__(self, function: Any) -> None:
        from numba import carray, cfunc, types  # pyright: ignore[reportPrivateImportUsage]

        real, whole = types.CPointer(types.f8), types.CPointer(types.i8)

        def law(context: Any, dims: Any, u: Any, p: Any, memory: Any, table: Any, code: Any, F: Any, D: Any) -> None:
            n = dims[0]
            y, f = carray(u, (n,)).copy(), carray(F, (n,))
            known = carray(context, (CONTEXT_SIZE,))
            try:
                f[:] = function(known[TIME], y)
                if known[WANT_DERIVATIVES] != 0.0:
                    derivatives = carray(D, (n, n))
                    for j in range(n):
                        value = y[j]
                        y[j] = value + DIFFERENCE * max(abs(value), 1e-3)
                        derivatives[:, j] = (function(known[TIME], y) - f) / (y[j] - value)
                        y[j] = value
            except Exception:
                f[:] = np.nan

        self._entry: Any = cfunc(types.void(real, whole, real, real, real, real, whole, real, real))(law)
        self.address: int = self._entry.address


@functools.lru_cache(maxsize=64)
def numba_law(function: Any) -> NumbaLaw:
    """`NumbaLaw` of a function, compiled once."""
    return NumbaLaw(function)
