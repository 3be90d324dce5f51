"""Behavioural current source: the current ``F(v, i, t)`` flows from net p through the source to net n.

The expression may use voltages, currents, time, temperature, ``ddt`` and ``idt``/``sdt``; how it becomes unknowns and
equations: `neurosim.devices.behaviour`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.devices.behaviour import (
    INITIAL_PARAMETERS,
    behaviour_of,
    initial_charge,
    scaled,
    source_instance,
    source_structure,
    structure_of,
    voltage,
    with_node,
    without_events,
)
from neurosim.devices.device import Device, Instance, NetlistRule, Reference, Structure
from neurosim.expressions import Binary, parse
from neurosim.kernels.expression import evaluate_expression, expression_events, expression_jump, expression_start

FORM = "B<name> <n+> <n-> I=<expression> | V=<expression> | R=<expression> [m=]"


def read(card: Any) -> Instance:
    """Read a B card: a current, a voltage, or a resistance (LTspice)."""
    location, name, nets = card.location, card.name, card.nets(2)
    key = card.key()
    if key not in ("i", "v", "r"):
        raise card.error(f"'{key or card.word()}' where I= or V= should stand", expected=FORM)
    expression = card.expression()
    factor = 1.0
    while not card.at_end():
        word = card.key()
        if word != "m" or key == "v":
            raise card.error(f"'{word or card.word()}' after the expression of '{name}'", expected=FORM)
        factor *= card.number()
    node = Binary("/", voltage(nets), expression.node) if key == "r" else expression.node
    role = "voltage" if key == "v" else "current"
    return source_instance(name, nets, role, with_node(expression, scaled(node, factor)), location)


def specialise(instance: Instance) -> Structure:
    """Inputs, states and program of the expression."""
    return structure_of(instance, "current")


def instance_values(instance: Instance) -> Sequence[float]:
    """Parameters that stand in the expression."""
    return behaviour_of(instance.expressions["current"]).parameters


device = Device(
    name="behavioural_current_source",
    summary="Current source given by an expression",
    source=Reference("T. Quarles et al., SPICE3 version 3f3 user's manual, University of California, Berkeley (1993)"),
    structure=source_structure(parse("0"), (), is_voltage=False),
    parameters=INITIAL_PARAMETERS,
    law=evaluate_expression,
    start=expression_start,
    events=expression_events,
    event_count=1,
    jump=expression_jump,
    without_events=without_events,
    specialise=specialise,
    instance_values=instance_values,
    initial_charge=initial_charge,
    netlist=NetlistRule(letter="B", form=FORM, read=read),
)
