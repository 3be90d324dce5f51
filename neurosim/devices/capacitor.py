"""Capacitor: ``i = C(T) dv/dt``, ``C(T) = m C (1 + tc1 dT + tc2 dT^2)``, dT = T - T_measured.

Without a value the capacitance follows from the model and the geometry,
``C = cj (l - short)(w - narrow) + 2 cjsw (l - short + w - narrow)`` (ngspice manual, "Semiconductor capacitors",
checked in ngspice 39). Expressions make a behavioural current source: ``Q={q}`` the current ``m dq/dt``, which
conserves charge (x in q is the voltage), and ``C={c}`` the current ``m c dv/dt`` (as in ngspice 39).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from neurosim.devices.behaviour import derivative, scaled, voltage
from neurosim.devices.device import Columns, Current, Device, Instance, NetlistRule, Parameter, Reference, Structure
from neurosim.devices.temperature import POLYNOMIAL_PARAMETERS, polynomial_factor
from neurosim.devices.two_terminal_card import read_two_terminal
from neurosim.expressions import Binary, Node


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Capacitance [F] at the instance's temperature."""
    return (columns["capacitance"] * columns["scale"] * polynomial_factor(columns) * columns["multiplier"],)


def mass(columns: Columns) -> Mapping[tuple[int, int], np.ndarray]:
    """The current is C v'."""
    return {(0, 0): derive(columns)[0]}


def initial_inputs(columns: Columns) -> Mapping[int, np.ndarray]:
    """Initial voltage [V], NaN where none was given."""
    return {0: columns["initial_voltage"]}


def behavioural(
    name: str, nets: tuple[str, ...], role: str, node: Node, multiplier: float
) -> tuple[Literal["current"], Node]:
    """``m dq/dt`` or ``m c dv/dt``."""
    current = derivative(node) if role == "charge" else Binary("*", derivative(voltage(nets)), node)
    return "current", scaled(current, multiplier)


def read(card: Any) -> Instance:
    """Read a C card; geometry becomes a capacitance here."""
    roles = {"c": "capacitance", "capacitance": "capacitance", "value": "capacitance", "q": "charge"}
    instance = read_two_terminal(card, device, ("c", "cap"), roles, behavioural, lambda name, nets: voltage(nets))
    if instance.expressions or "capacitance" in instance.values:
        return instance
    values = dict(instance.values)
    if "length" in values and {"area_capacitance", "edge_capacitance"} & set(values):
        length = values["length"] - values.get("short", 0.0)
        width = values.get("width", values.get("default_width", 1e-5)) - values.get("narrow", 0.0)
        values["capacitance"] = values.get("area_capacitance", 0.0) * length * width + values.get(
            "edge_capacitance", 0.0
        ) * 2.0 * (length + width)
    if "capacitance" not in values:
        raise card.error(
            f"capacitor '{card.name}' has no value", expected=device.netlist.form if device.netlist else ""
        )
    return replace(instance, values=values)


device = Device(
    name="capacitor",
    summary="Linear capacitor with polynomial temperature dependence",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(terminals=("p", "n"), inputs=(("p", "n"),), flows=(Current("p", "n"),)),
    parameters=(
        Parameter("capacitance", unit="F", meaning="C at the measurement temperature", aliases=("c", "cap")),
        Parameter("initial_voltage", unit="V", meaning="used with uic", aliases=("ic",), optional=True),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
        Parameter("scale", 1.0, "", "factor on the capacitance"),
        Parameter("area_capacitance", unit="F/m^2", meaning="bottom of the junction", aliases=("cj",), optional=True),
        Parameter("edge_capacitance", unit="F/m", meaning="side wall", aliases=("cjsw",), optional=True),
        Parameter("length", unit="m", meaning="of the plate", aliases=("l",), optional=True),
        Parameter("width", unit="m", meaning="of the plate", aliases=("w",), optional=True),
        Parameter("default_width", 1e-5, "m", "width when none is given", aliases=("defw",)),
        Parameter("narrow", 0.0, "m", "loss of width by etching"),
        Parameter("short", 0.0, "m", "loss of length by etching"),
        *POLYNOMIAL_PARAMETERS,
    ),
    law=None,
    derive=derive,
    mass=mass,
    is_linear=True,
    netlist=NetlistRule(
        letter="C",
        form="C<name> <n+> <n-> <value> | Q={<charge>} | {<C expression>} | <model> [ic=] [m=] [tc=] [temp=] [dtemp=]",
        positional=("capacitance",),
        model_types=("c", "cap"),
        read=read,
    ),
    initial_inputs=initial_inputs,
    reference={"passive": True},
)
