"""Window functions f(s) of memristor models and the mixing of on and off resistance, with their derivatives.

A window multiplies the rate of a normalised state s in [0, 1] to slow it at the ends:

- ``none``: f = 1
- ``joglekar``: f = 1 - (2 s - 1)^(2p). Joglekar & Wolf, Eur. J. Phys. 30, 661 (2009), doi 10.1088/0143-0807/30/4/001
- ``biolek``: f = 1 - (s - stp(-ds/dt))^(2p), discontinuous in the direction. Biolek, Biolek & Biolkova,
  Radioengineering 18, 210 (2009)
- ``prodromakis``: f = j (1 - [(s - 1/2)^2 + 3/4]^p). Prodromakis et al., IEEE Trans. Electron Devices 58, 3099 (2011),
  doi 10.1109/TED.2011.2158004
- ``kvatinsky``: f = exp(-exp((s - a_upper) / w_c)) on the way up and exp(-exp((a_lower - s) / w_c)) on the way down.
  Kvatinsky et al., IEEE Trans. Circuits Syst. I 60, 211 (2013), doi 10.1109/TCSI.2012.2215714
- ``strukov``: f = s (1 - s). Strukov et al., Nature 453, 80 (2008), doi 10.1038/nature06932

Outside [0, 1] a window goes on as its tangent, so that an implicit step that overshoots is led back.
"""

from __future__ import annotations

import math

from neurosim.devices.device import Parameter
from neurosim.kernels.abi import helper

WINDOWS = ("none", "joglekar", "biolek", "prodromakis", "kvatinsky", "strukov")
"""Names of the windows; the first five stand at the numbers of the parameter WT of Xyce's TEAM device."""

NONE, JOGLEKAR, BIOLEK, PRODROMAKIS, KVATINSKY, STRUKOV = range(6)

_STEEPEST = 7.0
"""exp(-exp(7)) is 0 in double precision: larger arguments change nothing."""


@helper
def window(kind, s, upwards, p, j, a_lower, a_upper, w_c):
    """Value f and slope df/ds of window number `kind` at s; `upwards` tells whether s grows."""
    c = min(max(s, 0.0), 1.0)
    f, slope = 1.0, 0.0
    if kind == JOGLEKAR:
        y = 2.0 * c - 1.0
        power = y * y if p == 1.0 else (y * y) ** p
        f, slope = 1.0 - power, -4.0 * p * power / y if y != 0.0 else 0.0
    elif kind == BIOLEK:
        y = c if upwards else c - 1.0
        power = y * y if p == 1.0 else (y * y) ** p
        f, slope = 1.0 - power, -2.0 * p * power / y if y != 0.0 else 0.0
    elif kind == PRODROMAKIS:
        y = (c - 0.5) ** 2 + 0.75
        power = y**p
        f, slope = j * (1.0 - power), -j * p * power / y * (2.0 * c - 1.0)
    elif kind == KVATINSKY:
        sign = 1.0 if upwards else -1.0
        y = math.exp(min(sign * (c - (a_upper if upwards else a_lower)) / w_c, _STEEPEST))
        f = math.exp(-y)
        slope = -sign * y * f / w_c
    elif kind == STRUKOV:
        f = c * (1.0 - c)
        slope = 1.0 - 2.0 * c
    return f + slope * (s - c), slope


LINEAR, EXPONENTIAL = 0, 1
MIXINGS = ("linear", "exponential")
"""How the resistance goes from r_on (s = 0) to r_off (s = 1)."""


@helper
def mixed_conductance(kind, s, r_on, r_off):
    """Conductance G [S] and slope dG/ds of r_on + (r_off - r_on) s or r_on (r_off / r_on)^s, for s held to [0, 1]."""
    c = min(max(s, 0.0), 1.0)
    if kind == EXPONENTIAL:
        steepness = math.log(r_off / r_on)
        g = math.exp(-steepness * c) / r_on
        slope = -steepness * g
    else:
        g = 1.0 / (r_on * (1.0 - c) + r_off * c)
        slope = -(r_off - r_on) * g * g
    return g, slope if c == s else 0.0


def window_parameters(default: str, exponent: float = 1.0) -> tuple[Parameter, ...]:
    """Parameters of the windows that have no unit: which one, exponent p and height j."""
    return (
        Parameter("window", default, "", "window function f", 0, 5, aliases=("wt", "window_type"), choices=WINDOWS),
        Parameter("window_exponent", exponent, "", "exponent p of the window", 1e-2, 100, aliases=("p",)),
        Parameter("window_height", 1.0, "", "factor j of the Prodromakis window", 0, 100, aliases=("j",)),
    )
