"""Independent voltage source: ``v = value(t)``, its current i (from p through the source to n) being an unknown.

In an operating point or DC sweep the value is `dc`, or the waveform at t = 0 if there is no `dc`; in a transient
analysis, and in the operating point from which it starts, the waveform (the rule of ngspice 39). Waveforms:
`neurosim.devices.waveforms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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
from neurosim.devices.source_card import read_source
from neurosim.devices.waveforms import breakpoints, source_value
from neurosim.kernels.abi import kernel


@kernel
def source_equation(context, u, p, memory, table, code, F, D):
    """``-value(t)``; ``v`` and ``i`` are wiring."""
    for e in range(F.shape[1]):
        F[0, e] = -source_value(context, p[0, e], table, int(p[1, e]), int(p[2, e]))


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """DC value [V], NaN where the waveform gives it."""
    return (columns["dc"],)


def excitation(columns: Columns) -> Mapping[int, np.ndarray]:
    """Small-signal drive: minus the complex amplitude [V]."""
    return {0: -columns["ac_magnitude"] * np.exp(1j * np.deg2rad(columns["ac_phase"]))}


def read(card: Any) -> Instance:
    """Read a V card."""
    return read_source(card, device)


device = Device(
    name="voltage_source",
    summary="Independent voltage source: DC, AC, SIN, PULSE, EXP, SFFM, AM, PWL",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("i", None)),
        flows=(Equation("i"), Current("p", "n")),
        internals=(Internal("i"),),
        wiring=((0, 0, 1.0), (1, 1, 1.0)),
        law_flows=1,
        law_inputs=0,
    ),
    parameters=(
        Parameter("dc", unit="V", meaning="value in operating points and DC sweeps", optional=True),
        Parameter("ac_magnitude", 0.0, "V", "amplitude in an AC analysis", aliases=("acmag",)),
        Parameter("ac_phase", 0.0, "deg", "phase in an AC analysis", aliases=("acphase",)),
    ),
    law=source_equation,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="V",
        form="V<name> <n+> <n-> [[DC] <value>] [AC <magnitude> [<phase>]] [SIN|PULSE|EXP|SFFM|AM|PWL (...)]",
        positional=("dc",),
        read=read,
    ),
    breakpoints=breakpoints,
    excitation=excitation,
    uses_table=True,
)
