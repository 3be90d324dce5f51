"""Behavioural voltage source: ``v(p, n) = F(v, i, t)``, its current i being an unknown.

The expression may use voltages, currents, time, temperature, ``ddt`` and ``idt``/``sdt``; how it becomes unknowns and
equations: `neurosim.devices.behaviour`.
"""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.devices.behaviour import (
    INITIAL_PARAMETERS,
    behaviour_of,
    initial_charge,
    source_structure,
    structure_of,
    without_events,
)
from neurosim.devices.device import Device, Instance, Reference, Structure
from neurosim.expressions import parse
from neurosim.kernels.expression import evaluate_expression, expression_events, expression_jump, expression_start


def specialise(instance: Instance) -> Structure:
    """Inputs, states and program of the expression."""
    return structure_of(instance, "voltage")


def instance_values(instance: Instance) -> Sequence[float]:
    """Parameters that stand in the expression."""
    return behaviour_of(instance.expressions["voltage"]).parameters


device = Device(
    name="behavioural_voltage_source",
    summary="Voltage source given by an expression",
    source=Reference("T. Quarles et al., SPICE3 version 3f3 user's manual, University of California, Berkeley (1993)"),
    structure=source_structure(parse("0"), (), is_voltage=True),
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
)
