"""Voltage-controlled current source (G): ``m g v(cp, cn)`` flows from net p through the source to net n.

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
    """Transconductance [S] of all parallel parts."""
    return (columns["transconductance"] * columns["multiplier"],)


def read(card: Any) -> Instance:
    """Read a G card."""
    return read_controlled_source(card, device)


device = Device(
    name="vccs",
    summary="Voltage-controlled current source",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n", "cp", "cn"),
        inputs=(("cp", "cn"),),
        flows=(Current("p", "n"),),
    ),
    parameters=(
        Parameter("transconductance", None, "S", "i / v(cp, cn)", aliases=("g", "gain")),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
    ),
    law=proportional,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="G",
        form="G<name> <n+> <n-> <nc+> <nc-> <transconductance> [m=] | VALUE={<expression>} | CUR='<expression>' | "
        "POLY(<k>) <nc+> <nc-> ... <p0> <p1> ... | TABLE {<expression>} = (<x>, <y>) ...",
        positional=("transconductance",),
        read=read,
    ),
)
