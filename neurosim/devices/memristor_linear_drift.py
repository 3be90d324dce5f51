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
from neurosim.devices.memristor_windows import LINEAR, mixed_conductance, window_parameters, window_row
from neurosim.kernels.abi import CURRENTS, REQUEST, WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, x, r_on, r_off, drift = u[0], u[1], p[0], p[1], p[2]
    current, rate = F[0], F[1]
    width = x.size
    # the mixing runs from on to off, x from off to on; loops with few rows each run on vector registers
    for m in range(width):
        current[m] = v[m] * mixed_conductance(LINEAR, 1.0 - x[m], r_on[m], r_off[m])[0]
    if context[REQUEST] == CURRENTS:
        return
    wanted = context[WANT_DERIVATIVES] != 0.0
    window_row(p[3:9], x, v, rate, D[1, 1], wanted)
    if wanted:
        g, g_slope, by_v, by_x = D[0, 0], D[0, 1], D[1, 0], D[1, 1]
        for m in range(width):
            g[m] = mixed_conductance(LINEAR, 1.0 - x[m], r_on[m], r_off[m])[0]
        for m in range(width):
            g_slope[m] = -v[m] * mixed_conductance(LINEAR, 1.0 - x[m], r_on[m], r_off[m])[1]
        for m in range(width):
            by_v[m] = drift[m] * g[m] * rate[m]
        for m in range(width):
            by_x[m] = drift[m] * (g_slope[m] * rate[m] + current[m] * by_x[m])
    for m in range(width):
        rate[m] *= drift[m] * current[m]


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
