"""The backward differentiation formula of order 2 with variable steps on ``M y' = f(t, y)``: L-stable.

With w = h/h_1 the ratio of this step to the last, ``M ((1 + 2w)/(1 + w) y_new - (1 + w) y + w^2/(1 + w) y_old) =
h f(t + h, y_new)`` by Newton, after one step of backward Euler at every start and corner. The error estimate is the
distance to the parabola through the last three points, scaled to the error of the formula. Also called Gear 2.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 2nd edition (Springer 1996), section V.1,
doi:10.1007/978-3-642-05221-7; variable steps: section III.5 of volume I (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import BDF2
from neurosim.solve.methods.method import Method

method = Method(
    name="bdf2",
    class_name="BDF2",
    kind=BDF2,
    order=2,
    error_order=2,
    degree=2,
    interpolant_order=2,
    summary="backward differentiation formula of order 2 with Newton: robust, also for index 2",
    stability="L-stable",
    source=Reference(
        "E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (Springer 1996), V.1",
        "10.1007/978-3-642-05221-7",
    ),
    tableau=np.zeros((0, 0)),
    aliases=("gear", "gear2"),
    factor_max=2.0,
)
