"""Voltage-controlled voltage source (E): ``v(p, n) = gain v(cp, cn)``, its current i being an unknown.

Expressions, POLY and TABLE make a behavioural voltage source, see `neurosim.devices.controlled_source_card`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.devices.controlled_source_card import read_controlled_source
from neurosim.devices.device import (
    Columns,
    Current,
    Device,
    Equation,
    Instance,
    Internal,
    NetlistRule,
    Parameter,
    Reference,
    Structure,
)
from neurosim.devices.proportional import proportional


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Minus the gain: the equation is ``0 = v(p, n) - gain v(cp, cn)``."""
    return (-columns["gain"],)


def read(card: Any) -> Instance:
    """Read an E card."""
    return read_controlled_source(card, device)


device = Device(
    name="vcvs",
    summary="Voltage-controlled voltage source",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n", "cp", "cn"),
        inputs=(("cp", "cn"), ("p", "n"), ("i", None)),
        flows=(Equation("i"), Current("p", "n")),
        internals=(Internal("i"),),
        wiring=((0, 1, 1.0), (1, 2, 1.0)),
        law_flows=1,
        law_inputs=1,
    ),
    parameters=(Parameter("gain", None, "V/V", "voltage gain", aliases=("e",)),),
    law=proportional,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="E",
        form="E<name> <n+> <n-> <nc+> <nc-> <gain> | VALUE={<expression>} | VOL='<expression>' | "
        "POLY(<k>) <nc+> <nc-> ... <p0> <p1> ... | TABLE {<expression>} = (<x>, <y>) ...",
        positional=("gain",),
        read=read,
    ),
)
