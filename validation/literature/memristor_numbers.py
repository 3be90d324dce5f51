"""Numbers that papers give for single memristors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.integrate import quad

from neurosim import read_netlist, simulate
from validation.case import Case, Context, number_case

HP = "\n.model hp memristor level=101 r_on=100 r_off=16k thickness=10n mobility=1e-14\n"


def cases(context: Context) -> Iterator[Case]:
    """Resistance and switching time of HP's memristor, VTEAM's switching time, the saddle-node of a decaying one."""
    text = "hp\nv1 in 0 sin(0 1 1)\nymemristor m1 in 0 hp x0={5/15.9}" + HP + ".tran 5m 2\n.end"
    x = simulate(read_netlist(text), rtol=1e-9)["m1.x"].max()
    yield number_case(
        "HP memristor, smallest resistance", "sqrt(R_0^2 - 2 (R_off - R_on) k V / (pi f)), Biolek et al. (2009)",
        "R_min (ohm)", float(np.sqrt(11e3**2 - 2 * 15.9e3 * 1e4 / np.pi)), 16e3 - 15.9e3 * x, 1e-7, "100 rtol",
    )  # fmt: skip
    text = "hp\nv1 in 0 1\nymemristor m1 in 0 hp x0=0" + HP + ".tran 1m 1\n.end"
    result = simulate(read_netlist(text), rtol=1e-9)
    yield number_case(
        "HP memristor, switching time at 1 V", "beta (1 + xi/2) / V, Caravelli et al., PRE 95, 022140 (2017)",
        "time to x = 1 (s)", 0.01 * (1 + 159 / 2), crossing(result.axis, result["m1.x"], 1 - 1e-9), 1e-4,
        "linear interpolation between points 1 ms apart, at a slope that grows",
    )  # fmt: skip
    for voltage, exact in ((0.1, 3e-9 / (5e-4 * 4)), (0.06, 3e-9 / (5e-4 * 2))):
        text = f"vteam\nv1 in 0 {voltage}\nymemristor m1 in 0 c\n.tran 5n {2 * exact!r}\n"
        text += ".model c memristor level=104\n.end"
        result = simulate(read_netlist(text), rtol=1e-9)
        yield number_case(
            f"VTEAM, switching time at {voltage} V", "D / (k_off (v/v_off - 1)^alpha), Kvatinsky et al. (2015)",
            "time (s)", exact, crossing(result.axis, result["m1.w"], 3e-9 * (1 - 1e-9)), 1e-6,
            "linear motion, interpolated exactly",
        )  # fmt: skip
    yield from saddle_node()


def crossing(times: np.ndarray, values: np.ndarray, level: float) -> float:
    """First time at which rising values reach a level, between points linearly."""
    k = int(np.argmax(values >= level))
    return float(np.interp(level, values[k - 1 : k + 1], times[k - 1 : k + 1]))


def saddle_node() -> Iterator[Case]:
    """A memristor with decay under DC, x' = s / (1 - chi x) - x; below s = 1/(4 chi) it has two fixed points."""
    chi = 0.9
    for share in (0.5, 0.9, 0.99):
        s = share / (4 * chi)
        text = f"decay\nc1 x 0 1 ic=0\nb1 0 x i={s!r}/(1-{chi}*v(x))-v(x)\n.tran 1 400 uic\n.end"
        x = simulate(read_netlist(text), rtol=1e-9)["v(x)"][-1]
        expected = (1 - np.sqrt(1 - 4 * chi * s)) / (2 * chi)
        yield number_case(
            f"decaying memristor at {share} of the saddle-node", "(1 - sqrt(1 - 4 chi s)) / (2 chi), arXiv 2102.03385",
            "x at rest", expected, float(x), 1e-6, "1000 rtol: slow approach near the bifurcation",
        )  # fmt: skip
    s = 1.02 / (4 * chi)
    exact = quad(lambda x: (1 - chi * x) / (s - x * (1 - chi * x)), 0, 1, epsabs=1e-12, points=[1 / (2 * chi)])[0]
    text = f"decay\nc1 x 0 1 ic=0\nb1 0 x i={s!r}/(1-{chi}*v(x))-v(x)\n.tran 0.01 {exact + 0.01!r} uic\n"
    text += ".measure tran t when v(x)=1\n.end"
    ours = simulate(read_netlist(text), rtol=1e-9).measures["t"]
    yield number_case(
        "decaying memristor escapes beyond the saddle-node", "integral of dx / x' from 0 to 1, arXiv 2102.03385",
        "time to x = 1 (1/alpha)", exact, float(ours), 1e-5, "interpolation between saved points",
    )  # fmt: skip
