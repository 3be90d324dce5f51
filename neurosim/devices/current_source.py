"""Independent current source: a current ``m value(t)`` flows from net p through the source to net n.

Operating points use `dc` and transient analyses the waveform, as in `neurosim.devices.voltage_source`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.devices.device import Columns, Current, Device, Instance, NetlistRule, Parameter, Reference, Structure
from neurosim.devices.source_card import read_source
from neurosim.devices.waveforms import breakpoints, source_value
from neurosim.kernels.abi import kernel


@kernel
def source_current(context, u, p, memory, table, code, F, D):
    """The current, times the number of parallel parts p[1]."""
    for e in range(F.shape[1]):
        F[0, e] = p[1, e] * source_value(context, p[0, e], table, int(p[2, e]), int(p[3, e]))


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """DC value [A], NaN where the waveform gives it; number of parallel parts."""
    return (columns["dc"], columns["multiplier"])


def excitation(columns: Columns) -> Mapping[int, np.ndarray]:
    """Small-signal drive: the complex amplitude [A]."""
    amplitude = columns["multiplier"] * columns["ac_magnitude"]
    return {0: amplitude * np.exp(1j * np.deg2rad(columns["ac_phase"]))}


def read(card: Any) -> Instance:
    """Read an I card."""
    return read_source(card, device)


device = Device(
    name="current_source",
    summary="Independent current source: DC, AC, SIN, PULSE, EXP, SFFM, AM, PWL",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=("p", "n"), inputs=(("p", "n"),), flows=(Current("p", "n"),), law_flows=1, law_inputs=0
    ),
    parameters=(
        Parameter("dc", unit="A", meaning="value in operating points and DC sweeps", optional=True),
        Parameter("ac_magnitude", 0.0, "A", "amplitude in an AC analysis", aliases=("acmag",)),
        Parameter("ac_phase", 0.0, "deg", "phase in an AC analysis", aliases=("acphase",)),
        Parameter("multiplier", 1.0, "", "parts in parallel, m", 0.0, exclusive=True, aliases=("m",)),
    ),
    law=source_current,
    derive=derive,
    is_linear=True,
    netlist=NetlistRule(
        letter="I",
        form="I<name> <n+> <n-> [[DC] <value>] [AC <magnitude> [<phase>]] [SIN|PULSE|EXP|SFFM|AM|PWL (...)] [m=]",
        positional=("dc",),
        read=read,
    ),
    breakpoints=breakpoints,
    excitation=excitation,
    uses_table=True,
)
