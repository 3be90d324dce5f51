"""Exponential Euler with a fixed step: the decay of each state is exact, what drives it is held over the step.

``y_new = y + h phi(-h r) f(t, y)`` with ``phi(z) = (exp(z) - 1)/z`` and the rate r = leak/tau at which a state of a
graph decays by itself: what a sample-and-hold circuit computes, and the rule of digital networks of the same name.
Noise (Ito) is exact where f is linear and g constant: ``y_new += g sqrt((1 - exp(-2 h r))/(2 r)) xi``.

Source: M. Hochbruck, A. Ostermann, Acta Numerica 19, 209 (2010), doi:10.1017/S0962492910000048; of the noise
D. T. Gillespie, Phys. Rev. E 54, 2084 (1996), doi:10.1103/PhysRevE.54.2084 (recalled).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import STOCHASTIC
from neurosim.solve.methods.method import Method

method = Method(
    name="exponential_euler",
    class_name="ExponentialEuler",
    kind=STOCHASTIC,
    order=1,
    error_order=1,
    degree=1,
    interpolant_order=1,
    summary="exponential Euler with a fixed step: exact decay of the states of graphs, with or without noise",
    stability="explicit",
    source=Reference("M. Hochbruck, A. Ostermann, Acta Numerica 19, 209 (2010)", "10.1017/S0962492910000048"),
    tableau=np.array([[0.0]]),
    adaptive=False,
    has_decay=True,
)
