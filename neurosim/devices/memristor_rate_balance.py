"""Balance of potentiation and depression: the memristive edge of self-organised nanowire networks.

    i  = v (g_min (1 - g) + g_max g)
    g' = kappa_p (1 - g) - kappa_d g,    kappa_p = kappa_p0 exp(eta_p abs(v)),   kappa_d = kappa_d0 exp(-eta_d abs(v))

g in [0, 1]; both polarities potentiate. At a fixed voltage g goes to kappa_p / (kappa_p + kappa_d) exponentially with
the rate kappa_p + kappa_d.

Source: Miranda, Milano & Ricciardi, IEEE Trans. Nanotechnology 19, 609 (2020), doi 10.1109/TNANO.2020.3009734
(recalled); standard set: Milano, Miranda & Ricciardi, Neural Networks (2022), doi 10.1016/j.neunet.2022.02.022 and its
code, whose admittances are taken in siemens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_exponentials import limited_exponential
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, g = u[0, m], u[1, m]
        g_min, g_max, eta_p, eta_d = p[0, m], p[1, m], p[3, m], p[5, m]
        held = min(max(g, 0.0), 1.0)
        conductance = g_min + (g_max - g_min) * held
        up, up_slope = limited_exponential(eta_p * abs(v))
        down, down_slope = limited_exponential(-eta_d * abs(v))
        up, down = p[2, m] * up, p[4, m] * down
        F[0, m] = v * conductance
        F[1, m] = up * (1.0 - g) - down * g
        if context[WANT_DERIVATIVES] != 0.0:
            polarity = 1.0 if v >= 0.0 else -1.0
            D[0, 0, m] = conductance
            D[0, 1, m] = v * (g_max - g_min) if held == g else 0.0
            D[1, 0, m] = polarity * (p[2, m] * eta_p * up_slope * (1.0 - g) + p[4, m] * eta_d * down_slope * g)
            D[1, 1, m] = -(up + down)


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: the parameters that the law reads, in its order."""
    return tuple(columns[name] for name in ("g_min", "g_max", "kappa_p0", "eta_p", "kappa_d0", "eta_d"))


device = Device(
    name="rate_balance",
    summary="memristor, balance of potentiation and depression (Miranda, Milano)",
    source=Reference("Milano, Miranda & Ricciardi, Neural Networks (2022)", "10.1016/j.neunet.2022.02.022"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("g", None)),
        flows=(Current("p", "n"), Rate("g")),
        states=(State("g", "", "g0", 0.0, 1.0, 1.0, "normalised conductance"),),
    ),
    parameters=(
        Parameter("g_min", 1e-3, "S", "smallest conductance G_min", 0, aliases=("y_min",)),
        Parameter("g_max", 0.1, "S", "largest conductance G_max", 0, aliases=("y_max",)),
        Parameter("kappa_p0", 1e-4, "1/s", "potentiation rate at zero voltage kappa_P0", 0, aliases=("kp0",)),
        Parameter("eta_p", 10.0, "1/V", "steepness of potentiation eta_P", 0),
        Parameter("kappa_d0", 0.5, "1/s", "depression rate at zero voltage kappa_D0", 0, aliases=("kd0",)),
        Parameter("eta_d", 1.0, "1/V", "steepness of depression eta_D", 0),
        Parameter("g0", 0.0, "", "normalised conductance at the start", 0, 1, aliases=("x0",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "rate_balance"), level=109
    ),
    reference={"pinched": True, "drive": {"amplitude": 1.2, "frequency": 0.2}, "state_bounds": {"g": (0.0, 1.0)}},
)
