"""Current-controlled current source (F): ``m gain i(control)`` flows from net p through the source to net n.

Expressions, POLY and TABLE make a behavioural current source, see `neurosim.devices.controlled_source_card`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.devices.controlled_source_card import read_controlled_source
from neurosim.devices.device import Columns, Current, Device, Instance, NetlistRule, Parameter, Reference, Structure
from neurosim.devices.proportional import proportional


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Current gain of all parallel parts."""
    return (columns["gain"] * columns["multiplier"],)


def read(card: Any) -> Instance:
    """Read an F card."""
    return read_controlled_source(card, device)


device = Device(
    name="cccs",
    summary="Current-controlled current source",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("control", None),),
        flows=(Current("p", "n"),),
        controls=("control",),
    ),
    parameters=(
        Parameter("gain", None, "A/A", "i / i(control)", aliases=("f",)),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
    ),
    law=proportional,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="F",
        form="F<name> <n+> <n-> <voltage source> <gain> [m=] | VALUE={<expression>} | "
        "POLY(<k>) <voltage source> ... <p0> <p1> ...",
        positional=("gain",),
        read=read,
    ),
)
