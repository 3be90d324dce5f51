"""A resistor and a diode in series against the closed form of Lambert's function."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.constants import Boltzmann, elementary_charge
from scipy.special import lambertw

from neurosim import read_netlist, simulate
from validation.case import Case, Context, curve_case

SOURCE = "v + R IS = (1 + R gmin) vd + R IS exp(vd/(n Vt)) solved by Lambert's W; T. C. Banwell and A. Jayakumar, "
SOURCE += "Electron. Lett. 36, 291 (2000), doi 10.1049/el:20000301"

CURRENT, EMISSION, GAP, EXPONENT, RESISTANCE, GMIN = 1e-14, 1.3, 1.11, 3.0, 100.0, 1e-12


def cases(context: Context) -> Iterator[Case]:
    """The current over eleven decades at three temperatures."""
    for celsius in (-40.0, 27.0, 125.0):
        text = f"""diode in series with a resistor
v1 in 0 0
r1 in a {RESISTANCE}
d1 a 0 junction
.model junction d is={CURRENT} n={EMISSION} eg={GAP} xti={EXPONENT}
.temp {celsius}
.dc v1 0.05 5 0.05
.end"""
        result = simulate(read_netlist(text))
        expected = current(result.axis, celsius + 273.15)
        ours = -result["i(v1)"]

        def draw(ax, result=result, expected=expected, ours=ours):
            ax.semilogy(result.axis, expected, color="0.6", linewidth=3, label="closed form")
            ax.semilogy(result.axis, ours, linewidth=1, label="neurosim")
            ax.set(xlabel="voltage (V)", ylabel="current (A)")
            ax.legend()

        name = f"diode and resistor at {celsius:g} degC"
        yield curve_case(
            name, SOURCE, f"current relative at each point, {ours[0]:.1e} A to {ours[-1]:.1e} A", np.ones(ours.size),
            ours / expected, 1e-12, "rounding of exp(x) up to x = 190",
            context.figure(name, draw),
        )  # fmt: skip


def current(voltage: np.ndarray, temperature: float) -> np.ndarray:
    """Current [A] through both, conductance GMIN beside the diode included."""
    thermal, nominal = Boltzmann * temperature / elementary_charge, 300.15
    nvt = EMISSION * thermal
    exponent = (temperature / nominal - 1.0) * GAP / nvt + EXPONENT / EMISSION * np.log(temperature / nominal)
    saturation = CURRENT * np.exp(exponent)
    share = 1.0 + RESISTANCE * GMIN
    top = (voltage + RESISTANCE * saturation) / share
    w = lambertw(RESISTANCE * saturation / (share * nvt) * np.exp(top / nvt)).real
    return nvt * share / RESISTANCE * w - saturation + GMIN * (top - nvt * w)
