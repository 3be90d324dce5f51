"""Resistor: Ohm's law ``i = v / R(T)``, ``R(T) = R (1 + tc1 dT + tc2 dT^2) / m``, dT = T - T_measured.

Without a value the resistance follows from the model's sheet resistance and the geometry,
``R = rsh (l - 2 short) / (w - 2 narrow)`` (ngspice manual, section "Semiconductor resistors"; checked in ngspice 39).
``R={expression}`` makes a behavioural current source ``m v / expression``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from neurosim.devices.behaviour import scaled, voltage
from neurosim.devices.device import Columns, Current, Device, Instance, NetlistRule, Parameter, Reference, Structure
from neurosim.devices.proportional import proportional
from neurosim.devices.temperature import POLYNOMIAL_PARAMETERS, polynomial_factor
from neurosim.devices.two_terminal_card import read_two_terminal
from neurosim.errors import ParameterError
from neurosim.expressions import Binary, Node


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Conductance [S] at the instance's temperature."""
    resistance = columns["resistance"] * columns["scale"] * polynomial_factor(columns) / columns["multiplier"]
    if np.any(resistance == 0.0):
        raise ParameterError("resistance 0 ohm has no current; use a voltage source of 0 V, or a small resistance")
    return (1.0 / resistance,)


def behavioural(
    name: str, nets: tuple[str, ...], role: str, node: Node, multiplier: float
) -> tuple[Literal["current"], Node]:
    """``m v / R``."""
    return "current", scaled(Binary("/", voltage(nets), node), multiplier)


def read(card: Any) -> Instance:
    """Read an R card; geometry becomes a resistance here."""
    roles = {"r": "resistance", "resistance": "resistance", "value": "resistance"}
    instance = read_two_terminal(card, device, ("r", "res"), roles, behavioural)
    if instance.expressions or instance.values.get("resistance"):
        return instance
    values = dict(instance.values)
    if "resistance" not in values and "sheet_resistance" in values:
        length = values.get("length", 0.0) - 2.0 * values.get("short", 0.0)
        width = values.get("width", values.get("default_width", 1e-5)) - 2.0 * values.get("narrow", 0.0)
        if length <= 0.0 or width <= 0.0:
            raise card.error(
                f"resistor '{card.name}' has no resistance: l - 2 short = {length:g} m, w - 2 narrow = {width:g} m",
                hint="give l and w, or a value",
            )
        values["resistance"] = values["sheet_resistance"] * length / width
    if "resistance" not in values:
        raise card.error(f"resistor '{card.name}' has no value", expected=device.netlist.form if device.netlist else "")
    if values["resistance"] == 0.0:
        raise card.error(
            f"resistance of '{card.name}' is 0 ohm", hint="use a voltage source of 0 V, or a small resistance (1m)"
        )
    return replace(instance, values=values)


device = Device(
    name="resistor",
    summary="Ohmic resistor with polynomial temperature dependence",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(terminals=("p", "n"), inputs=(("p", "n"),), flows=(Current("p", "n"),)),
    parameters=(
        Parameter("resistance", unit="ohm", meaning="R at the measurement temperature", aliases=("r",)),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
        Parameter("scale", 1.0, "", "factor on the resistance"),
        Parameter("sheet_resistance", unit="ohm", meaning="per square", aliases=("rsh",), optional=True),
        Parameter("length", unit="m", meaning="of the strip", aliases=("l",), optional=True),
        Parameter("width", unit="m", meaning="of the strip", aliases=("w",), optional=True),
        Parameter("default_width", 1e-5, "m", "width when none is given", aliases=("defw",)),
        Parameter("narrow", 0.0, "m", "loss of width on each side by etching"),
        Parameter("short", 0.0, "m", "loss of length on each side by etching"),
        *POLYNOMIAL_PARAMETERS,
    ),
    law=proportional,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="R",
        form="R<name> <n+> <n-> <value> | {<expression>} | <model> [tc=<tc1>[,<tc2>]] [m=] [temp=] [dtemp=] [l=] [w=]",
        positional=("resistance",),
        model_types=("r", "res"),
        read=read,
    ),
    reference={"passive": True},
)
