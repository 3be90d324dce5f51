"""The stochastic Heun method for ``dy = f(t, y) dt + g(t, y) o dW`` in the sense of Stratonovich, with a fixed step.

With ``p = y + h f(t, y) + g(t, y) dW``: ``y_new = y + h (f(t, y) + f(t + h, p)) / 2 + (g(t, y) + g(t + h, p)) dW / 2``.
Strong order 1, because the noise of each unknown is its own and g of an unknown is taken to depend on it alone; 1/2
where it depends on other noisy unknowns.

Source: W. Rümelin, SIAM J. Numer. Anal. 19, 604 (1982), doi:10.1137/0719041 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import STOCHASTIC
from neurosim.solve.methods.method import Method

method = Method(
    name="stochastic_heun",
    class_name="StochasticHeun",
    kind=STOCHASTIC,
    order=1,
    error_order=1,
    degree=1,
    interpolant_order=1,
    summary="stochastic Heun in the sense of Stratonovich with a fixed step: noise on states",
    stability="explicit",
    source=Reference("W. Rümelin, SIAM J. Numer. Anal. 19, 604 (1982)", "10.1137/0719041"),
    tableau=np.array([[1.0]]),
    adaptive=False,
)
