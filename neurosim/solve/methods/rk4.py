"""The classical explicit Runge-Kutta method of order 4, with a fixed step and a cubic Hermite interpolant.

``y_new = y + h (K_1 + 2 K_2 + 2 K_3 + K_4) / 6``. It estimates no error: give ``fixed_step``.

Source: W. Kutta, Z. Math. Phys. 46 (1901) 435 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.explicit import explicit_tableau
from neurosim.kernels.run import EXPLICIT
from neurosim.solve.methods.method import Method

_B = np.array([1, 2, 2, 1, 0]) / 6
_FIRST, _LAST = np.eye(5)[[0, 4]]
_A = np.array([[0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0, 0.5, 0, 0, 0], [0, 0, 1, 0, 0], _B])

method = Method(
    name="rk4",
    class_name="RK4",
    kind=EXPLICIT,
    order=4,
    error_order=4,
    degree=3,
    interpolant_order=3,
    summary="classical explicit Runge-Kutta 4 with a fixed step: the same cost at every step",
    stability="explicit",
    source=Reference("W. Kutta, Z. Math. Phys. 46 (1901) 435"),
    tableau=explicit_tableau(
        _A,
        np.array([0, 0.5, 0.5, 1, 1]),
        np.zeros(5),
        np.array([_FIRST, 3 * _B - 2 * _FIRST - _LAST, _FIRST + _LAST - 2 * _B]),
    ),
    adaptive=False,
)
