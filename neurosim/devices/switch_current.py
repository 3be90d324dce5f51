"""Current-controlled switch (W): a conductance between p and n that i(control) closes and opens.

Hysteresis, smooth switches and their sources: `neurosim.devices.switching`.
"""

from __future__ import annotations

from typing import Any

from neurosim.devices.device import Instance, NetlistRule
from neurosim.devices.switching import read_switch, switch


def read(card: Any) -> Instance:
    """Read a W card."""
    return read_switch(card, device, card.nets(2), (f"i({card.instance()})",), "i")


device = switch(
    "switch_current",
    "Current-controlled switch with hysteresis, or smooth",
    letter="i",
    unit="A",
    control=("control", None),
    terminals=("p", "n"),
    controls=("control",),
    rule=NetlistRule(
        letter="W",
        form="W<name> <n+> <n-> <voltage source> <model> [ON|OFF], model CSW(RON ROFF IT IH) or "
        "ISWITCH(RON ROFF ION IOFF)",
        model_types=("csw", "iswitch"),
        read=read,
    ),
)
