"""Inductor: ``v = L(T) di/dt``, the current i being an unknown; ``L(T) = L (1 + tc1 dT + tc2 dT^2) / m``.

Expressions make a behavioural voltage source: ``flux={f}`` the voltage ``df/dt / m``, which conserves flux
(x in f is the current), and ``L={l}`` the voltage ``l di/dt / m`` (as in ngspice 39). K cards add ``M di/dt`` of other
inductors, see `neurosim.devices.coupling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from neurosim.devices.behaviour import derivative, scaled
from neurosim.devices.device import (
    Columns,
    Current,
    Device,
    Equation,
    Instance,
    Internal,
    NetlistRule,
    Parameter,
    Structure,
)
from neurosim.devices.device import Reference as Source
from neurosim.devices.temperature import POLYNOMIAL_PARAMETERS, polynomial_factor
from neurosim.devices.two_terminal_card import read_two_terminal
from neurosim.expressions import Binary, Node, Reference


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Inductance [H] at the instance's temperature."""
    return (columns["inductance"] * columns["scale"] * polynomial_factor(columns) / columns["multiplier"],)


def mass(columns: Columns) -> Mapping[tuple[int, int], np.ndarray]:
    """The voltage is L i'."""
    return {(1, 1): derive(columns)[0]}


def initial_inputs(columns: Columns) -> Mapping[int, np.ndarray]:
    """Initial current [A], NaN where none was given."""
    return {1: columns["initial_current"]}


def current(name: str) -> Reference:
    """``i(part)``."""
    return Reference("i", (name,))


def behavioural(
    name: str, nets: tuple[str, ...], role: str, node: Node, multiplier: float
) -> tuple[Literal["voltage"], Node]:
    """``df/dt / m`` or ``l di/dt / m``."""
    flux_rate = derivative(node) if role == "flux" else Binary("*", derivative(current(name)), node)
    return "voltage", scaled(flux_rate, 1.0 / multiplier)


def read(card: Any) -> Instance:
    """Read an L card."""
    roles = {"l": "inductance", "inductance": "inductance", "value": "inductance", "flux": "flux"}
    instance = read_two_terminal(card, device, ("l", "ind"), roles, behavioural, lambda name, nets: current(name))
    if not instance.expressions and "inductance" not in instance.values:
        raise card.error(f"inductor '{card.name}' has no value", expected=device.netlist.form if device.netlist else "")
    return instance


device = Device(
    name="inductor",
    summary="Linear inductor with polynomial temperature dependence",
    source=Source("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("i", None)),
        flows=(Current("p", "n"), Equation("i")),
        internals=(Internal("i"),),
        wiring=((0, 1, 1.0), (1, 0, 1.0)),
    ),
    parameters=(
        Parameter("inductance", unit="H", meaning="L at the measurement temperature", aliases=("l", "ind")),
        Parameter("initial_current", unit="A", meaning="used with uic", aliases=("ic",), optional=True),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
        Parameter("scale", 1.0, "", "factor on the inductance"),
        *POLYNOMIAL_PARAMETERS,
    ),
    law=None,
    derive=derive,
    mass=mass,
    is_linear=True,
    netlist=NetlistRule(
        letter="L",
        form="L<name> <n+> <n-> <value> | flux={<flux>} | {<L expression>} | <model> [ic=] [m=] [tc=] [temp=] [dtemp=]",
        positional=("inductance",),
        model_types=("l", "ind"),
        read=read,
    ),
    initial_inputs=initial_inputs,
    reference={"passive": True},
)
