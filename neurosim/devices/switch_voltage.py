"""Voltage-controlled switch (S): a conductance between p and n that v(cp, cn) closes and opens.

Hysteresis, smooth switches and their sources: `neurosim.devices.switching`.
"""

from __future__ import annotations

from typing import Any

from neurosim.devices.device import Instance, NetlistRule
from neurosim.devices.switching import read_switch, switch


def read(card: Any) -> Instance:
    """Read an S card."""
    return read_switch(card, device, card.nets(4), (), "v")


device = switch(
    "switch_voltage",
    "Voltage-controlled switch with hysteresis, or smooth",
    letter="v",
    unit="V",
    control=("cp", "cn"),
    terminals=("p", "n", "cp", "cn"),
    controls=(),
    rule=NetlistRule(
        letter="S",
        form="S<name> <n+> <n-> <nc+> <nc-> <model> [ON|OFF], model SW(RON ROFF VT VH) or VSWITCH(RON ROFF VON VOFF)",
        model_types=("sw", "vswitch"),
        read=read,
    ),
)
