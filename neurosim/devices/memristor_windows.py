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

from neurosim.devices.device import Parameter
from neurosim.kernels.abi import helper
from neurosim.kernels.functions import Inlined, fast_exp, fast_log, fast_pow

WINDOWS = ("none", "joglekar", "biolek", "prodromakis", "kvatinsky", "strukov")
"""Names of the windows; the first five stand at the numbers of the parameter WT of Xyce's TEAM device."""

NONE, JOGLEKAR, BIOLEK, PRODROMAKIS, KVATINSKY, STRUKOV = range(6)

_STEEPEST = 7.0
"""exp(-exp(7)) is 0 in double precision: larger arguments change nothing."""


@Inlined
def _held(s):
    """Put s back into [0, 1]; NaN stays NaN."""
    c = 0.0 if s < 0.0 else s
    return 1.0 if c > 1.0 else c


@Inlined
def _parabola(y):
    """1 - y^2 and its slope by y."""
    return 1.0 - y * y, -2.0 * y


@Inlined
def _power_law(y, p):
    """1 - y^(2p) and its slope by y."""
    power = fast_pow(y * y, p)
    return 1.0 - power, 0.0 if y == 0.0 else -2.0 * p * power / y


@Inlined
def _prodromakis(c, p, j):
    y = (c - 0.5) * (c - 0.5) + 0.75
    power = fast_pow(y, p)
    return j * (1.0 - power), -j * p * power / y * (2.0 * c - 1.0)


@Inlined
def _kvatinsky(c, upwards, a_lower, a_upper, w_c):
    z = (c - a_upper if upwards else a_lower - c) / w_c
    y = fast_exp(_STEEPEST if z > _STEEPEST else z)
    f = fast_exp(-y)
    return f, (-y * f if upwards else y * f) / w_c


@Inlined
def window(kind, s, upwards, p, j, a_lower, a_upper, w_c):
    """Value f and slope df/ds of window number `kind` at s; `upwards` tells whether s grows."""
    c = _held(s)
    f, slope = 1.0, 0.0
    if kind == JOGLEKAR:
        f, slope = _parabola(2.0 * c - 1.0) if p == 1.0 else _power_law(2.0 * c - 1.0, p)
        slope *= 2.0
    elif kind == BIOLEK:
        y = c if upwards else c - 1.0
        f, slope = _parabola(y) if p == 1.0 else _power_law(y, p)
    elif kind == PRODROMAKIS:
        f, slope = _prodromakis(c, p, j)
    elif kind == KVATINSKY:
        f, slope = _kvatinsky(c, upwards, a_lower, a_upper, w_c)
    elif kind == STRUKOV:
        f, slope = c * (1.0 - c), 1.0 - 2.0 * c
    return f + slope * (s - c), slope


@Inlined
def _fill(kind, plain, part, q, s, way, out):
    """Put values (part 0) or slopes (part 1) of one kind into `out`; `plain` says that p is 1 throughout."""
    for m in range(s.size):
        f, slope = window(kind, s[m], way[m] > 0.0, 1.0 if plain else q[1, m], q[2, m], q[3, m], q[4, m], q[5, m])
        out[m] = slope if part else f


@helper
def window_row(q, s, way, f, slope, wanted):
    """`window` for a block: puts values into `f` and, if `wanted`, slopes into `slope`.

    `q` are six rows: number, p, j, a_lower, a_upper, w_c. `s` are the states; they grow where `way` is positive.
    When one kind serves the whole block, as is usual, its loop has no branches and runs on vector registers.
    """
    kind = q[0, 0]
    others, bent = 0, 0
    for m in range(s.size):
        others += q[0, m] != kind
        bent += q[1, m] != 1.0
    for part in range(2 if wanted else 1):
        out = slope if part else f
        if others > 0:
            for m in range(s.size):
                both = window(int(q[0, m]), s[m], way[m] > 0.0, q[1, m], q[2, m], q[3, m], q[4, m], q[5, m])
                out[m] = both[1] if part else both[0]
        elif kind == NONE:
            out[:] = 0.0 if part else 1.0
        elif kind == JOGLEKAR and bent == 0:
            _fill(JOGLEKAR, True, part, q, s, way, out)
        elif kind == JOGLEKAR:
            _fill(JOGLEKAR, False, part, q, s, way, out)
        elif kind == BIOLEK and bent == 0:
            _fill(BIOLEK, True, part, q, s, way, out)
        elif kind == BIOLEK:
            _fill(BIOLEK, False, part, q, s, way, out)
        elif kind == PRODROMAKIS:
            _fill(PRODROMAKIS, False, part, q, s, way, out)
        elif kind == KVATINSKY:
            _fill(KVATINSKY, False, part, q, s, way, out)
        else:
            _fill(STRUKOV, False, part, q, s, way, out)


LINEAR, EXPONENTIAL = 0, 1
MIXINGS = ("linear", "exponential")
"""How the resistance goes from r_on (s = 0) to r_off (s = 1)."""


@Inlined
def mixed_conductance(kind, s, r_on, r_off):
    """Conductance G [S] and slope dG/ds of r_on + (r_off - r_on) s or r_on (r_off / r_on)^s, for s held to [0, 1]."""
    c = _held(s)
    if kind == EXPONENTIAL:
        steepness = fast_log(r_off / r_on)
        g = fast_exp(-steepness * c) / r_on
        slope = -steepness * g
    else:
        g = 1.0 / (r_on * (1.0 - c) + r_off * c)
        slope = -(r_off - r_on) * g * g
    return g, slope if c == s else 0.0


@helper
def conductance_row(kind, s, r_on, r_off, part, out):
    """Put conductances (part 0) or their slopes by s (part 1) of `mixed_conductance` for a block into `out`."""
    exponential = 0
    for m in range(s.size):
        exponential += kind[m] != LINEAR
    if exponential == 0:
        for m in range(s.size):
            g, slope = mixed_conductance(LINEAR, s[m], r_on[m], r_off[m])
            out[m] = slope if part else g
    else:
        for m in range(s.size):
            g, slope = mixed_conductance(int(kind[m]), s[m], r_on[m], r_off[m])
            out[m] = slope if part else g


def window_parameters(default: str, exponent: float = 1.0) -> tuple[Parameter, ...]:
    """Parameters of the windows that have no unit: which one, exponent p and height j."""
    return (
        Parameter("window", default, "", "window function f", 0, 5, aliases=("wt", "window_type"), choices=WINDOWS),
        Parameter("window_exponent", exponent, "", "exponent p of the window", 1e-2, 100, aliases=("p",)),
        Parameter("window_height", 1.0, "", "factor j of the Prodromakis window", 0, 100, aliases=("j",)),
    )
