"""Junction diode, SPICE level 1: ``i = I(v) + dq/dt``, ``0 = q - Q(v)``, with a series resistance to an inner net.

With thermal voltage Vt = k T / q, ``I(v)`` is ``IS (exp(v / (N Vt)) - 1)`` above -3 N Vt,
``-IS (1 + (3 N Vt / (e v))^3)`` below, and ``-IS exp(-(v + VB) / (NBV Vt))`` in breakdown; VB follows from (BV, IBV).
Recombination adds ``ISR (exp(v / (NR Vt)) - 1) ((1 - v/VJ)^2 + 0.005)^(M/2)`` (in reverse too, where ngspice leaves it
out); high injection divides by ``1 + sqrt(I / IKF)``. ``Q(v) = TT I + `` the depletion charge of CJO, VJ, M, continued
linearly in capacitance above FC VJ. Temperature laws of IS, VJ, CJO: see `derive`. IS, CJO, ISR, IKF grow with area and m, RS falls.

Source: SPICE3 and its manual; code as in ngspice 39, whose currents and capacitances it reproduces to 1e-5 (ngspice's
k/q is 3e-7 smaller than the SI value used here).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.devices.device import (
    Columns,
    Current,
    Device,
    Equation,
    Instance,
    Internal,
    NetlistRule,
    Parameter,
    Reference,
    Structure,
)
from neurosim.devices.junction import breakdown_voltage, depletion_charge, limited_junction_voltage, temperature_factors
from neurosim.devices.temperature import (
    BOLTZMANN_OVER_CHARGE,
    TEMPERATURE_PARAMETERS,
    instance_temperature,
    measurement_temperature,
)
from neurosim.devices.two_terminal_card import model_values, parameter_name
from neurosim.kernels.abi import GMIN, LIMITED, LIMITING, WANT_DERIVATIVES, kernel

E = math.e
TINY_CURRENT = 1e-18
"""Forward current below which high injection is not computed, as in ngspice [A]."""


@kernel
def junction_law(context, u, p, memory, table, code, F, D):
    """Inputs: v, then q if code[0], then the drop over RS if code[1]. Memory: v of the last evaluation."""
    has_charge, has_resistance = code[0] != 0, code[1] != 0
    wanted = context[WANT_DERIVATIVES] != 0.0
    for e in range(u.shape[1]):
        saturation, nvt, critical, breakdown, breakdown_nvt = p[0, e], p[1, e], p[2, e], p[3, e], p[4, e]
        v = u[0, e]
        if context[LIMITING] != 0.0:
            old = memory[0, e]
            if breakdown < math.inf and v < min(0.0, 10.0 * breakdown_nvt - breakdown):
                v = -breakdown - limited_junction_voltage(-(v + breakdown), -(old + breakdown), breakdown_nvt, critical)
            else:
                v = limited_junction_voltage(v, old, nvt, critical)
            if v != u[0, e]:
                context[LIMITED] = 1.0
        memory[0, e] = v
        if v >= -3.0 * nvt:
            growth = math.exp(v / nvt)
            current, slope = saturation * math.expm1(v / nvt), saturation * growth / nvt
        elif v >= -breakdown:
            cube = (3.0 * nvt / (v * E)) ** 3
            current, slope = -saturation * (1.0 + cube), saturation * 3.0 * cube / v
        else:
            growth = math.exp(-(v + breakdown) / breakdown_nvt)
            current, slope = -saturation * growth, saturation * growth / breakdown_nvt
        recombination = p[12, e]
        if recombination > 0.0:
            rest = 1.0 - v / p[6, e]
            factor = (rest * rest + 0.005) ** (0.5 * p[7, e])
            part = recombination * math.expm1(v / p[13, e])
            factor_slope = -p[7, e] * rest / p[6, e] * factor / (rest * rest + 0.005)
            current += part * factor
            slope += recombination * math.exp(v / p[13, e]) / p[13, e] * factor + part * factor_slope
        knee = p[14, e]
        if knee < math.inf and current > TINY_CURRENT:
            root = math.sqrt(current / knee)
            slope *= (1.0 + 0.5 * root) / (1.0 + root) ** 2
            current /= 1.0 + root
        shift = u[0, e] - v
        conductance = slope + context[GMIN]
        F[0, e] = current + context[GMIN] * v + conductance * shift
        row, capacitance = 1, 0.0
        if has_charge:
            charge, capacitance = depletion_charge(v, p[5, e], p[6, e], p[7, e], p[8, e])
            charge += p[9, e] * current
            capacitance += p[9, e] * slope
            F[1, e] = u[1, e] - charge - capacitance * shift
            row = 2
        if has_resistance:
            F[row, e] = p[10, e] * u[row, e]
        if wanted:
            for r in range(D.shape[0]):
                for c in range(D.shape[1]):
                    D[r, c, e] = 0.0
            D[0, 0, e] = conductance
            if has_charge:
                D[1, 0, e], D[1, 1, e] = -capacitance, 1.0
            if has_resistance:
                D[row, row, e] = p[10, e]


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Values at the instance's temperature T; Tn is the measurement temperature.

    ``IS(T) = IS exp((T/Tn - 1) EG / (N Vt) + XTI/N ln(T/Tn))``; VJ and CJO by `junction.temperature_factors`.
    """
    c, ones = columns, np.ones_like(columns["saturation_current"])
    temperature, nominal = instance_temperature(c), measurement_temperature(c)
    vt, area = BOLTZMANN_OVER_CHARGE * temperature, c["area"] * c["multiplier"]

    def grown(current: str, emission: str) -> np.ndarray:
        n, ratio = c[emission], temperature / nominal
        exponent = (ratio - 1.0) * c["band_gap"] / (n * vt) + c["saturation_exponent"] / n * np.log(ratio)
        return c[current] * area * np.exp(exponent)

    saturation = grown("saturation_current", "emission_coefficient")
    nvt = c["emission_coefficient"] * vt
    breakdown_nvt = c["breakdown_emission_coefficient"] * vt
    potential, factor = temperature_factors(
        temperature, nominal, c["junction_potential"], c["grading_coefficient"], vt, BOLTZMANN_OVER_CHARGE * nominal
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        critical = nvt * np.log(nvt / (math.sqrt(2.0) * saturation))
        conductance = np.where(c["series_resistance"] > 0.0, area / c["series_resistance"], 0.0)
    given = ~np.isnan(c["breakdown_voltage"])
    breakdown_current = c["breakdown_current"] * c["multiplier"]
    breakdown = breakdown_voltage(c["breakdown_voltage"], breakdown_current, saturation, breakdown_nvt)
    return (
        saturation,
        nvt,
        critical,
        np.where(given, breakdown, np.inf),
        breakdown_nvt,
        c["junction_capacitance"] * area * factor,
        potential,
        c["grading_coefficient"],
        c["forward_coefficient"] * ones,
        c["transit_time"],
        conductance,
        c["initial_voltage"],
        grown("recombination_current", "recombination_coefficient"),
        c["recombination_coefficient"] * vt,
        c["knee_current"] * area,
    )


def initial_inputs(columns: Columns) -> Mapping[int, np.ndarray]:
    """Charge [C] at the initial voltage, NaN where none was given (without transit-time charge: no current flows)."""
    rows = derive(columns)
    charge = np.array([depletion_charge(*x)[0] for x in zip(rows[11], rows[5], rows[6], rows[7], rows[8], strict=True)])
    return {1: charge}


def specialise(instance: Instance) -> Structure:
    """Leave out the charge or the inner net of a diode that has none."""
    given = instance.values
    charge = bool(given.get("junction_capacitance", 0.0) or given.get("transit_time", 0.0))
    return _structure(charge, given.get("series_resistance", 0.0) > 0.0)


def _structure(charge: bool, resistance: bool) -> Structure:
    anode = "inner" if resistance else "p"
    return Structure(
        terminals=("p", "n"),
        inputs=((anode, "n"), *((("q", None),) if charge else ()), *((("p", "inner"),) if resistance else ())),
        flows=(
            Current(anode, "n"),
            *((Equation("q"),) if charge else ()),
            *((Current("p", "inner"),) if resistance else ()),
        ),
        internals=(
            *((Internal("q", "charge"),) if charge else ()),
            *((Internal("inner", "voltage"),) if resistance else ()),
        ),
        code=(int(charge), int(resistance)),
        memory_rows=1,
        mass=((0, 1, 1.0),) if charge else (),
    )


def read(card: Any) -> Instance:
    """Read a D card. ``off`` only helps other simulators to converge and is passed over."""
    location, name, nets = card.location, card.name, card.nets(2)
    model = card.model(card.word(), "d")
    values = model_values(card, device, model.values)
    while not card.at_end():
        if card.accept("off"):
            continue
        key = card.key() or "area"
        # M is the grading coefficient in a model and the number of parallel diodes on a card.
        values["multiplier" if key == "m" else parameter_name(card, device, key)] = card.number()
    return Instance(name, device.name, nets, values, location=location)


device = Device(
    name="diode",
    summary="Junction diode (SPICE level 1) with junction charge, breakdown and temperature",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=_structure(False, False),
    parameters=(
        Parameter("area", 1.0, "", "relative area", 0.0, exclusive=True),
        Parameter("saturation_current", 1e-14, "A", "IS", 0.0, exclusive=True, aliases=("is", "js")),
        Parameter("emission_coefficient", 1.0, "", "N", 0.0, exclusive=True, aliases=("n",)),
        Parameter("series_resistance", 0.0, "ohm", "RS", 0.0, aliases=("rs",)),
        Parameter("junction_capacitance", 0.0, "F", "CJO, at 0 V", 0.0, aliases=("cjo", "cj0", "cj")),
        Parameter("junction_potential", 1.0, "V", "VJ", 0.0, exclusive=True, aliases=("vj", "pb")),
        Parameter("grading_coefficient", 0.5, "", "M", 0.0, 0.9, aliases=("m", "mj")),
        Parameter("transit_time", 0.0, "s", "TT", 0.0, aliases=("tt",)),
        Parameter("breakdown_voltage", unit="V", meaning="BV", minimum=0.0, aliases=("bv", "vb"), optional=True),
        Parameter("breakdown_current", 1e-3, "A", "IBV, current at BV", 0.0, exclusive=True, aliases=("ibv", "ib")),
        Parameter("breakdown_emission_coefficient", "emission_coefficient", "", "NBV", aliases=("nbv", "nz")),
        Parameter("band_gap", 1.11, "eV", "EG", 0.0, aliases=("eg",)),
        Parameter("saturation_exponent", 3.0, "", "XTI", aliases=("xti", "pt")),
        Parameter("forward_coefficient", 0.5, "", "FC", 0.0, 0.95, aliases=("fc",)),
        Parameter("recombination_current", 0.0, "A", "ISR", 0.0, aliases=("isr",)),
        Parameter("recombination_coefficient", 2.0, "", "NR", 0.0, exclusive=True, aliases=("nr",)),
        Parameter("knee_current", math.inf, "A", "IKF, start of high injection", 0.0, aliases=("ikf", "ik")),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True),
        Parameter("initial_voltage", unit="V", meaning="used with uic", aliases=("ic",), optional=True),
        *TEMPERATURE_PARAMETERS,
    ),
    law=junction_law,
    derive=derive,
    netlist=NetlistRule(
        letter="D",
        form="D<name> <n+> <n-> <model> [<area>] [m=] [off] [ic=] [temp=] [dtemp=]",
        positional=("area",),
        model_types=("d",),
        level=1,
        read=read,
    ),
    initial_inputs=initial_inputs,
    specialise=specialise,
    reference={"passive": True},
)
