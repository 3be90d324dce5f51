"""Drift with decay: the memristor of the Caravelli-Traversa-Di Ventra equation, in its two published conventions.

    standard:  R = r_on (1 - w) + r_off w      w' = alpha w - (r_on / beta) f(w) i_m     w = 0 is the low resistance
    flipped:   R = r_off (1 - w) + r_on w      w' = (r_off / beta) f(w) i_m - alpha w    w = 1 is the low resistance

w in [0, 1], i = v / R from p to n. The current that moves w is that of the voltage beyond a threshold v_t,
i_m = (v - held(v, -v_t, v_t)) / R. f is one of the windows of `memristor_windows`. The decay leads to the high
resistance in both: away from w = 0 in the first, towards w = 0 in the second. Without decay, w = 1 - x maps one to the
other if beta_flipped = beta_standard r_off / r_on; linear ion drift is alpha = 0 with beta_standard = D^2 / mu.

Source: Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017), arXiv:1608.08651 (standard); Caravelli, Sheldon
& Traversa, Sci. Adv. 7, abh1542 (2021), arXiv:2102.03385 (flipped). Windows and threshold are additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_windows import LINEAR, mixed_conductance, window_parameters, window_row
from neurosim.kernels.abi import CURRENTS, REQUEST, WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np

CONVENTIONS = ("standard", "flipped")
"""Names of the conventions; never guessed."""


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, w, r_on, r_off, drift, alpha, flipped, threshold = u[0], u[1], p[0], p[1], p[2], p[3], p[4], p[5]
    current, rate, by_v, by_w = F[0], F[1], D[1, 0], D[1, 1]
    width = w.size
    if context[REQUEST] == CURRENTS:
        for m in range(width):
            share = (1.0 - 2.0 * flipped[m]) * w[m] + flipped[m]
            current[m] = v[m] * mixed_conductance(LINEAR, share, r_on[m], r_off[m])[0]
        return
    wanted = context[WANT_DERIVATIVES] != 0.0
    # what grows where `current` is positive decides about the direction of a window
    for m in range(width):
        current[m] = v[m] if flipped[m] != 0.0 else -v[m]
    window_row(p[6:12], w, current, rate, by_w, wanted)
    if wanted:
        g, g_slope = D[0, 0], D[0, 1]
        for m in range(width):
            way = 1.0 - 2.0 * flipped[m]
            share = way * w[m] + flipped[m]
            g[m] = mixed_conductance(LINEAR, share, r_on[m], r_off[m])[0]
            slope = way * mixed_conductance(LINEAR, share, r_on[m], r_off[m])[1]
            beyond = v[m] - min(max(v[m], -threshold[m]), threshold[m])
            pull = -way * drift[m]
            by_w[m] = way * alpha[m] + pull * beyond * (slope * rate[m] + g[m] * by_w[m])
            by_v[m] = pull * g[m] * rate[m] if beyond != 0.0 or threshold[m] == 0.0 else 0.0
            g_slope[m] = v[m] * slope
    for m in range(width):
        way = 1.0 - 2.0 * flipped[m]
        conductance = mixed_conductance(LINEAR, way * w[m] + flipped[m], r_on[m], r_off[m])[0]
        beyond = v[m] - min(max(v[m], -threshold[m]), threshold[m])
        current[m] = v[m] * conductance
        rate[m] = way * (alpha[m] * w[m] - drift[m] * rate[m] * conductance * beyond)


@kernel
def slopes(context, u, p, memory, table, code, F, D):
    """Derivatives of current and rate by r_on, r_off, drift factor and alpha, two rows of F for each."""
    v, w, r_on, r_off, drift, flipped, threshold = u[0], u[1], p[0], p[1], p[2], p[4], p[5]
    width = w.size
    for m in range(width):
        F[0, m] = v[m] if flipped[m] != 0.0 else -v[m]
    window_row(p[6:12], w, F[0], F[5], F[1], False)
    for m in range(width):
        way = 1.0 - 2.0 * flipped[m]
        share = min(max(way * w[m] + flipped[m], 0.0), 1.0)
        g = 1.0 / (r_on[m] * (1.0 - share) + r_off[m] * share)
        pull = -way * F[5, m] * (v[m] - min(max(v[m], -threshold[m]), threshold[m]))
        by_on, by_off = -g * g * (1.0 - share), -g * g * share
        F[0, m], F[1, m] = v[m] * by_on, drift[m] * pull * by_on
        F[2, m], F[3, m] = v[m] * by_off, drift[m] * pull * by_off
        F[4, m], F[5, m] = 0.0, pull * g
        F[6, m], F[7, m] = 0.0, way * w[m]


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: r_on, r_off, drift factor [1/A s], alpha, 1 if flipped, threshold, and the six of the window."""
    flipped = columns["convention"]
    drift = (columns["r_on"] * (1.0 - flipped) + columns["r_off"] * flipped) / columns["beta"]
    names = ("window", "window_exponent", "window_height", "window_lower", "window_upper", "window_width")
    return (columns["r_on"], columns["r_off"], drift, columns["alpha"], flipped, columns["threshold"],
            *(columns[name] for name in names))  # fmt: skip


device = Device(
    name="drift_decay",
    summary="memristor, linear drift with decay (Caravelli-Traversa-Di Ventra), both conventions",
    source=Reference("Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017)", "10.1103/PhysRevE.95.022140"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("x", None)),
        flows=(Current("p", "n"), Rate("x")),
        states=(State("x", "", "x0", 0.0, 1.0, 1.0, "memory w or x, see the convention"),),
    ),
    parameters=(
        Parameter("convention", None, "", "which end is the low resistance", 0, 1, choices=CONVENTIONS),
        Parameter("r_on", 100.0, "ohm", "low resistance R_on", 0, exclusive=True, aliases=("ron",)),
        Parameter("r_off", 16e3, "ohm", "high resistance R_off", 0, exclusive=True, aliases=("roff",)),
        Parameter("beta", 1e-2, "V s", "inertia beta", 0, exclusive=True),
        Parameter("alpha", 0.0, "1/s", "decay rate alpha", 0),
        Parameter("threshold", 0.0, "V", "voltage below which nothing drifts", 0, aliases=("vt",)),
        Parameter("x0", 0.5, "", "memory at the start", 0, 1, aliases=("w0",)),
        *window_parameters("none"),
        Parameter("window_lower", 0.0, "", "a_lower of the Kvatinsky window"),
        Parameter("window_upper", 1.0, "", "a_upper of the Kvatinsky window"),
        Parameter("window_width", 0.0357, "", "w_c of the Kvatinsky window", 0, exclusive=True),
    ),
    law=law,
    derive=derive,
    row_slopes=(slopes, 4),
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "drift_decay"), level=110
    ),
    reference={
        "pinched": True, "drive": {"amplitude": 1.0, "frequency": 1.0}, "state_bounds": {"x": (0.0, 1.0)},
        "instance": {"convention": 0.0},
    },
)  # fmt: skip
