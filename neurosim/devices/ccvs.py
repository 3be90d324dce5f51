"""Current-controlled voltage source (H): ``v(p, n) = r i(control)``, its current i being an unknown.

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
    """Minus the transresistance [ohm]: the equation is ``0 = v(p, n) - r i(control)``."""
    return (-columns["transresistance"],)


def read(card: Any) -> Instance:
    """Read an H card."""
    return read_controlled_source(card, device)


device = Device(
    name="ccvs",
    summary="Current-controlled voltage source",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("control", None), ("p", "n"), ("i", None)),
        flows=(Equation("i"), Current("p", "n")),
        internals=(Internal("i"),),
        controls=("control",),
        wiring=((0, 1, 1.0), (1, 2, 1.0)),
        law_flows=1,
        law_inputs=1,
    ),
    parameters=(Parameter("transresistance", None, "ohm", "v / i(control)", aliases=("h",)),),
    law=proportional,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="H",
        form="H<name> <n+> <n-> <voltage source> <transresistance> | VALUE={<expression>} | "
        "POLY(<k>) <voltage source> ... <p0> <p1> ...",
        positional=("transresistance",),
        read=read,
    ),
)
