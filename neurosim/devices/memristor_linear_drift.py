"""Linear ion drift: the memristor of HP Labs.

    R(x) = r_on x + r_off (1 - x)        i = v / R(x)        x' = (mu r_on / D^2) i f(x)

x in [0, 1] is the doped share w/D of the film; x = 1 is the low resistance; current from p to n dopes. f is one of the
windows of `memristor_windows`. Without a window, before an end is reached, R^2 = R_0^2 - 2 (r_off - r_on) k phi with
k = mu r_on / D^2 and the flux phi = integral of v dt.

Source: Strukov, Snider, Stewart & Williams, Nature 453, 80 (2008), doi 10.1038/nature06932. Standard set:
Biolek, Biolek & Biolkova, Radioengineering 18, 210 (2009): 100 ohm, 16 kohm, D = 10 nm, mu = 1e-14 m^2/(V s), started
at 11 kohm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_initial_resistance import INITIAL_RESISTANCE, share_off
from neurosim.devices.memristor_windows import LINEAR, NONE, mixed_conductance, window, window_parameters
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, x = u[0, m], u[1, m]
        r_on, r_off, drift = p[0, m], p[1, m], p[2, m]
        # the mixing runs from on to off, x from off to on
        g, g_slope = mixed_conductance(LINEAR, 1.0 - x, r_on, r_off)
        i, f, f_slope = v * g, 1.0, 0.0
        if p[3, m] != NONE:
            f, f_slope = window(int(p[3, m]), x, v > 0.0, p[4, m], p[5, m], p[6, m], p[7, m], p[8, m])
        F[0, m] = i
        F[1, m] = drift * i * f
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, m] = g
            D[0, 1, m] = -v * g_slope
            D[1, 0, m] = drift * g * f
            D[1, 1, m] = drift * (-v * g_slope * f + i * f_slope)


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: r_on, r_off, drift factor k [1/(A s)], window number, p, j, a_lower, a_upper, w_c."""
    drift = columns["mobility"] * columns["r_on"] / columns["thickness"] ** 2
    names = ("window", "window_exponent", "window_height", "window_lower", "window_upper", "window_width")
    return (columns["r_on"], columns["r_off"], drift, *(columns[name] for name in names))


device = Device(
    name="linear_drift",
    summary="memristor, linear ion drift (HP Labs), with the published windows",
    source=Reference("Strukov, Snider, Stewart & Williams, Nature 453, 80 (2008)", "10.1038/nature06932"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("x", None)),
        flows=(Current("p", "n"), Rate("x")),
        states=(State("x", "", "x0", 0.0, 1.0, 1.0, "doped share of the film; 1 is the low resistance"),),
    ),
    parameters=(
        Parameter("r_on", 100.0, "ohm", "resistance of the doped film R_on", 0, exclusive=True, aliases=("ron",)),
        Parameter("r_off", 16e3, "ohm", "resistance of the undoped film R_off", 0, exclusive=True, aliases=("roff",)),
        Parameter("thickness", 10e-9, "m", "thickness of the film D", 0, exclusive=True, aliases=("d",)),
        Parameter("mobility", 1e-14, "m^2/(V s)", "mobility of the dopants mu", 0, aliases=("uv", "mu")),
        Parameter("x0", 5.0 / 15.9, "", "doped share at the start, (r_off - R_0) / (r_off - r_on)", 0, 1),
        INITIAL_RESISTANCE,
        *window_parameters("none"),
        Parameter("window_lower", 0.0, "", "a_lower of the Kvatinsky window, share of D"),
        Parameter("window_upper", 1.0, "", "a_upper of the Kvatinsky window, share of D"),
        Parameter("window_width", 0.0357, "", "w_c of the Kvatinsky window, share of D", 0, exclusive=True),
    ),
    law=law,
    derive=derive,
    alternatives={"initial_resistance": ("x0", lambda values: 1.0 - share_off(values))},
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "linear_drift"), level=101
    ),
    reference={"pinched": True, "drive": {"amplitude": 1.0, "frequency": 1.0}, "state_bounds": {"x": (0.0, 1.0)}},
)
