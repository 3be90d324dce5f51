"""Junction diode, SPICE level 1: ``i = I(v) + dq/dt``, ``0 = q - Q(v)``, with a series resistance to an inner net.

With thermal voltage Vt = k T / q, ``I(v)`` is ``IS (exp(v / (N Vt)) - 1)`` above -3 N Vt,
``-IS (1 + (3 N Vt / (e v))^3)`` below, and ``-IS exp(-(v + VB) / (NBV Vt))`` in breakdown; VB follows from (BV, IBV).
Recombination adds ``ISR (exp(v / (NR Vt)) - 1) ((1 - v/VJ)^2 + 0.005)^(M/2)`` (in reverse too, where ngspice leaves it
out); high injection divides by ``1 + sqrt(I / IKF)``. ``Q(v) = TT I + `` the depletion charge of CJO, VJ, M, continued
linearly in capacitance above FC VJ. Temperature laws of IS, VJ, CJO: see `derive`. IS, CJO, ISR, IKF grow with area
and m, RS falls.

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
from neurosim.devices.diode_law import junction_law
from neurosim.devices.junction import breakdown_voltage, depletion_charge, temperature_factors
from neurosim.devices.temperature import (
    BOLTZMANN_OVER_CHARGE,
    TEMPERATURE_PARAMETERS,
    instance_temperature,
    measurement_temperature,
)
from neurosim.devices.two_terminal_card import model_values, parameter_name


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
        np.where(c["knee_current"] > 0.0, c["knee_current"] * area, np.inf),
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
        dependence=(
            (0, 0),
            *(((1, 0), (1, 1)) if charge else ()),
            *(((1 + charge, 1 + charge),) if resistance else ()),
        ),
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
        Parameter("breakdown_voltage", None, "V", "BV", 0.0, exclusive=True, aliases=("bv", "vb"), optional=True),
        Parameter("breakdown_current", 1e-3, "A", "IBV, current at BV", 0.0, exclusive=True, aliases=("ibv", "ib")),
        Parameter("breakdown_emission_coefficient", "emission_coefficient", "", "NBV", aliases=("nbv", "nz")),
        Parameter("band_gap", 1.11, "eV", "EG", 0.0, aliases=("eg",)),
        Parameter("saturation_exponent", 3.0, "", "XTI", aliases=("xti", "pt")),
        Parameter("forward_coefficient", 0.5, "", "FC", 0.0, 0.95, aliases=("fc",)),
        Parameter("recombination_current", 0.0, "A", "ISR", 0.0, aliases=("isr",)),
        Parameter("recombination_coefficient", 2.0, "", "NR", 0.0, exclusive=True, aliases=("nr",)),
        Parameter("knee_current", 0.0, "A", "IKF, start of high injection, 0 for none", 0.0, aliases=("ikf", "ik")),
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
