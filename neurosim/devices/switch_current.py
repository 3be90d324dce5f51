"""Current-controlled switch (W): a conductance between p and n that i(control) closes and opens.

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
    """Read a W card."""
    return read_switch(card, device, card.nets(2), (f"i({card.instance()})",), "i")


device = Device(
    name="switch_current",
    summary="Current-controlled switch with hysteresis, or smooth",
    source=Reference("T. Quarles et al., SPICE3 version 3f3 user's manual, University of California, Berkeley (1993)"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("control", None)),
        flows=(Current("p", "n"),),
        controls=("control",),
        memory_rows=1,
    ),
    parameters=switch_parameters("A", "i"),
    law=switch_law,
    derive=derive,
    start=switch_start,
    events=switch_events,
    event_count=2,
    jump=switch_jump,
    netlist=NetlistRule(
        letter="W",
        form="W<name> <n+> <n-> <voltage source> <model> [ON|OFF], model CSW(RON ROFF IT IH) or "
        "ISWITCH(RON ROFF ION IOFF)",
        model_types=("csw", "iswitch"),
        read=read,
    ),
)
