"""The implicit midpoint rule ``M (y_new - y) = h f(t + h/2, (y + y_new)/2)`` with a fixed step, by Newton: order 2.

It is symplectic and keeps quadratic invariants, to the tolerance of Newton's iteration (``rtol``, ``atol``). It
estimates no error: give ``fixed_step``.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration, 2nd edition (Springer 2006), IV.2 and VI.4,
doi:10.1007/3-540-30666-8.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import MIDPOINT
from neurosim.solve.methods.method import Method

method = Method(
    name="implicit_midpoint",
    class_name="ImplicitMidpoint",
    kind=MIDPOINT,
    order=2,
    error_order=2,
    degree=2,
    interpolant_order=1,
    summary="implicit midpoint rule with a fixed step: keeps quadratic invariants",
    stability="A-stable",
    source=Reference(
        "E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (Springer 2006), IV.2",
        "10.1007/3-540-30666-8",
    ),
    tableau=np.zeros((0, 0)),
    aliases=("midpoint",),
    adaptive=False,
)
