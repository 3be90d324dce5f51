"""The Euler-Maruyama method for ``dy = f(t, y) dt + g(t, y) dW`` in the sense of Ito, with a fixed step.

``y_new = y + h f(t, y) + g(t, y) sqrt(h) xi`` with independent standard normal xi of each unknown. Strong order 1/2, 1
where g does not depend on y.

Source: G. Maruyama, Rend. Circ. Mat. Palermo 4, 48 (1955), doi:10.1007/BF02846028; orders: P. E. Kloeden, E. Platen,
"Numerical solution of stochastic differential equations", Springer (1992), sections 10.2 and 10.3 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import STOCHASTIC
from neurosim.solve.methods.method import Method

method = Method(
    name="euler_maruyama",
    class_name="EulerMaruyama",
    kind=STOCHASTIC,
    order=0.5,
    error_order=1,
    degree=1,
    interpolant_order=1,
    summary="stochastic Euler in the sense of Ito with a fixed step: noise on states",
    stability="explicit",
    source=Reference("G. Maruyama, Rend. Circ. Mat. Palermo 4, 48 (1955)", "10.1007/BF02846028"),
    tableau=np.array([[0.0]]),
    adaptive=False,
)
