"""The explicit Euler method ``y_new = y + h f(t, y)`` with a fixed step: the reference for digital networks.

It estimates no error: give ``fixed_step``.

Source: L. Euler, Institutiones calculi integralis (1768), section 650 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.explicit import explicit_tableau
from neurosim.kernels.run import EXPLICIT
from neurosim.solve.methods.method import Method

method = Method(
    name="forward_euler",
    class_name="ForwardEuler",
    kind=EXPLICIT,
    order=1,
    error_order=1,
    degree=1,
    interpolant_order=1,
    summary="explicit Euler with a fixed step: what a digital network computes",
    stability="explicit",
    source=Reference("L. Euler, Institutiones calculi integralis (1768), section 650"),
    tableau=explicit_tableau(np.array([[0, 0], [1, 0]]), np.array([0, 1]), np.zeros(2), np.array([[1, 0]])),
    aliases=("euler",),
    adaptive=False,
)
