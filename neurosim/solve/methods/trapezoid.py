"""The trapezoidal rule on ``M y' = f(t, y)``: order 2, A-stable, no damping of fast oscillations.

``M (y_new - y) = h/2 (f(t + h, y_new) + f(t, y))`` by Newton, after one step of backward Euler at every start and
corner. The error estimate is the distance to the parabola through the last three points, scaled to the error of the
formula, ``h^3 y''' / 12``.

Source: L. W. Nagel, SPICE2, UCB/ERL M520 (1975), chapter 4 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import TRAPEZOID
from neurosim.solve.methods.method import Method

method = Method(
    name="trapezoid",
    class_name="Trapezoid",
    kind=TRAPEZOID,
    order=2,
    error_order=2,
    degree=2,
    interpolant_order=2,
    summary="trapezoidal rule with Newton, as in SPICE: keeps oscillators alive",
    stability="A-stable",
    source=Reference("L. W. Nagel, SPICE2, UCB/ERL M520 (1975)"),
    tableau=np.zeros((0, 0)),
    aliases=("trap", "trapezoidal"),
    factor_max=4.0,
)
