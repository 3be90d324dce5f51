"""Forward Euler: the leaky recurrent network.

    x+ = (1 - a leak) x + a G(x, u),    a = dt / tau

With dt = tau and leak 1 it is the plain recurrence x+ = G(x, u) (Elman, LSTM, GRU).
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule


def coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
    """One stage."""
    a = dt / tau
    return [[1.0 - a * leak, a]]


rule = Rule(
    name="forward_euler",
    summary="the leaky RNN, x+ = x + dt x'; dt = tau gives the plain one",
    formula="x+ = (1 - a leak) x + a G(x, u), a = dt/tau",
    leak="a = dt/tau",
    order=1,
    fixed_points="those of the flow, for any dt",
    stability=(
        "a mode of rate s stays stable only while |1 + dt s| < 1; a symmetric net while a < 2/(1 + g |lambda_min|)"
    ),
    source=Reference(
        "Jaeger, Lukosevicius, Popovici & Siewert, Neural Networks 20, 335 (2007)", "10.1016/j.neunet.2007.04.016"
    ),
    coefficients=coefficients,
)
