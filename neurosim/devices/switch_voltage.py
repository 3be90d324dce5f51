"""Voltage-controlled switch (S): a conductance between p and n that v(cp, cn) closes and opens.

Hysteresis, smooth switches and their sources: `neurosim.devices.switching`.
"""

from __future__ import annotations

from typing import Any

from neurosim.devices.device import Current, Device, Instance, NetlistRule, Reference, Structure
from neurosim.devices.switching import (
    derive,
    read_switch,
    switch_events,
    switch_jump,
    switch_law,
    switch_parameters,
    switch_start,
)


def read(card: Any) -> Instance:
    """Read an S card."""
    return read_switch(card, device, card.nets(4), (), "v")


device = Device(
    name="switch_voltage",
    summary="Voltage-controlled switch with hysteresis, or smooth",
    source=Reference("T. Quarles et al., SPICE3 version 3f3 user's manual, University of California, Berkeley (1993)"),
    structure=Structure(
        terminals=("p", "n", "cp", "cn"),
        inputs=(("p", "n"), ("cp", "cn")),
        flows=(Current("p", "n"),),
        memory_rows=1,
    ),
    parameters=switch_parameters("V", "v"),
    law=switch_law,
    derive=derive,
    start=switch_start,
    events=switch_events,
    event_count=2,
    jump=switch_jump,
    netlist=NetlistRule(
        letter="S",
        form="S<name> <n+> <n-> <nc+> <nc-> <model> [ON|OFF], model SW(RON ROFF VT VH) or VSWITCH(RON ROFF VON VOFF)",
        model_types=("sw", "vswitch"),
        read=read,
    ),
)
