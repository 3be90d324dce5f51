"""Bipolar memristor with threshold.

    i = v / R        R' = beta v + (alpha - beta) / 2 (abs(v + V_t) - abs(v - V_t))

R in [r_on, r_off] is the state itself: it changes at the rate alpha v below the threshold and at
alpha V_t sign(v) + beta (v - V_t sign(v)) beyond it. With alpha = 0 the rate is exactly 0 below the threshold.

Source: Pershin & Di Ventra, SPICE model of memristive devices with threshold, arXiv 1204.2600 (2012). Standard set: the
deck shipped with ngspice (10 ns period).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, r = u[0, m], u[1, m]
        alpha, beta, threshold = p[2, m], p[3, m], p[4, m]
        held = min(max(r, p[0, m]), p[1, m])
        below = min(max(v, -threshold), threshold)
        F[0, m] = v / held
        F[1, m] = alpha * below + beta * (v - below)
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, m] = 1.0 / held
            D[0, 1, m] = -v / (held * held) if held == r else 0.0
            D[1, 0, m] = alpha if below == v else beta
            D[1, 1, m] = 0.0


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: the parameters that the law reads, in its order."""
    return tuple(columns[name] for name in ("r_on", "r_off", "alpha", "beta", "threshold"))


device = Device(
    name="threshold",
    summary="memristor, bipolar with threshold (Pershin & Di Ventra)",
    source=Reference("Pershin & Di Ventra, SPICE model of memristive devices with threshold (2012)", "arXiv:1204.2600"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("r", None)),
        flows=(Current("p", "n"), Rate("r")),
        states=(State("r", "ohm", "initial_resistance", "r_on", "r_off", "r_off", "resistance"),),
        dependence=((0, 0), (0, 1), (1, 0)),
    ),
    parameters=(
        Parameter("r_on", 1e3, "ohm", "smallest resistance R_1", 0, exclusive=True, aliases=("ron", "rmin")),
        Parameter("r_off", 10e3, "ohm", "largest resistance R_2", 0, exclusive=True, aliases=("roff", "rmax")),
        Parameter("initial_resistance", 7e3, "ohm", "resistance at the start", 0, aliases=("rinit", "x0")),
        Parameter("alpha", 0.0, "ohm/(V s)", "rate below the threshold alpha", 0),
        Parameter("beta", 2e12, "ohm/(V s)", "rate beyond the threshold beta", 0),
        Parameter("threshold", 1.6, "V", "threshold voltage V_t", 0, aliases=("vt",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule("YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "threshold"), level=107),
    reference={"pinched": True, "drive": {"amplitude": 3.0, "frequency": 1e8}, "state_bounds": {"r": (1e3, 10e3)}},
)
