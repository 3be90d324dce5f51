"""Lossless transmission line (T): each port sees Z0 and, a delay TD later, the wave that left the other port.

With the waves ``w = v + Z0 i`` (i into the port): ``v1 - Z0 i1 = w2(t - TD)``, ``v2 - Z0 i2 = w1(t - TD)``; in an
operating point ``v1 = v2``, ``i1 = -i2``; at a frequency ``w(t - TD) = w exp(-j omega TD)``. Method of characteristics:
F. H. Branin, Proc. IEEE 55, 2012 (1967), doi 10.1109/PROC.1967.6033. Waves are stored at accepted steps; before
the start they are those of the operating point, or of `ic` under uic.
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
from neurosim.devices.history import (
    INTERVALS,
    ROWS,
    clear,
    next_corner,
    note_first_corner,
    pass_corner,
    past_value,
    store,
)
from neurosim.devices.line_card import FORM, read_line
from neurosim.errors import ParameterError
from neurosim.kernels.abi import ANALYSIS, CORNER, TIME, TRANSIENT, WANT_DERIVATIVES, helper, kernel

ORIGIN, HISTORY = 0, 1
"""Rows of memory: see below, then the history of both waves (see `neurosim.devices.history`)."""

POINT_KNOWN, STARTED_FROM_POINT = 1.0, 2.0
"""Values of row ORIGIN: an operating point was computed; a transient analysis has started from it (else 0)."""

EDGE = 1e-3
"""Share of the delay over which a jump from the initial conditions is drawn out."""

STEPS_PER_DELAY = 4.0
"""Least number of time steps in a delay, which bounds the error of the interpolation."""


@helper
def delayed_wave(memory, e, port, time, before, edge):
    """Wave that left `port` (0 or 1) at `time`; `before` is its value before a start from initial conditions.

    These need not go on from what was before; the jump is drawn out over `edge`, or no step could pass it.
    """
    if memory[ORIGIN, e] == STARTED_FROM_POINT or time >= edge:
        return past_value(memory, e, HISTORY, port, time)
    if time <= 0.0:
        return before
    return before + (past_value(memory, e, HISTORY, port, time) - before) * time / edge


@kernel
def line_law(context, u, p, memory, table, code, F, D):
    """Inputs v1, v2, i1, i2; p: impedance, delay, waves before a start from initial conditions."""
    transient = context[ANALYSIS] == TRANSIENT
    wanted = context[WANT_DERIVATIVES] != 0.0
    for e in range(u.shape[1]):
        z = p[0, e]
        if transient:
            earlier = context[TIME] - p[1, e]
            F[0, e] = u[0, e] - z * u[2, e] - delayed_wave(memory, e, 1, earlier, p[3, e], EDGE * p[1, e])
            F[1, e] = u[1, e] - z * u[3, e] - delayed_wave(memory, e, 0, earlier, p[2, e], EDGE * p[1, e])
        else:
            F[0, e] = u[0, e] - u[1, e]
            F[1, e] = u[2, e] + u[3, e]
        if wanted:
            D[:, :, e] = 0.0
            if transient:
                D[0, 0, e], D[0, 2, e], D[1, 1, e], D[1, 3, e] = 1.0, -z, 1.0, -z
            else:
                D[0, 0, e], D[0, 1, e], D[1, 2, e], D[1, 3, e] = 1.0, -1.0, 1.0, 1.0


@kernel
def line_start(context, u, p, memory, table, code, F, D):
    """Forget all but the waves at the start of a transient analysis."""
    for e in range(u.shape[1]):
        clear(memory, e, HISTORY)
        if context[ANALYSIS] != TRANSIENT:
            memory[ORIGIN, e] = POINT_KNOWN
        else:
            memory[ORIGIN, e] = STARTED_FROM_POINT if memory[ORIGIN, e] == POINT_KNOWN else 0.0
            first, second = u[0, e] + p[0, e] * u[2, e], u[1, e] + p[0, e] * u[3, e]
            store(memory, e, HISTORY, context[TIME], 0.0, first, second, False)
            note_first_corner(memory, e, HISTORY, context[TIME])


@kernel
def line_accept(context, u, p, memory, table, code, F, D):
    """Store the waves of an accepted step."""
    for e in range(u.shape[1]):
        spacing = p[1, e] / INTERVALS
        first, second = u[0, e] + p[0, e] * u[2, e], u[1, e] + p[0, e] * u[3, e]
        store(memory, e, HISTORY, context[TIME], spacing, first, second, context[CORNER] != 0.0)


@kernel
def line_events(context, u, p, memory, table, code, F, D):
    """Time since the next corner arrived at the other port: a step must end there."""
    for e in range(u.shape[1]):
        F[0, e] = max(context[TIME] - next_corner(memory, e, HISTORY) - p[1, e], -p[1, e])


@kernel
def line_jump(context, u, p, memory, table, code, F, D):
    """Go on to the next corner."""
    for e in range(u.shape[1]):
        if F[0, e] > 0.0:
            latest = context[TIME] - p[1, e] * (1.0 - 1e-9)
            while next_corner(memory, e, HISTORY) <= latest:
                pass_corner(memory, e, HISTORY)


def delay(columns: Columns) -> np.ndarray:
    """Delay [s]: given, or the electrical length over the frequency."""
    given = columns["delay"]
    value = np.where(np.isnan(given), columns["normalized_length"] / columns["frequency"], given)
    if np.any(np.isnan(value)):
        raise ParameterError("a transmission line needs td, or f and nl")
    return value


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Impedance [ohm], delay [s], waves [V] that left both ports before a start from initial conditions."""
    z = columns["impedance"]
    first = columns["initial_voltage_1"] + z * columns["initial_current_1"]
    second = columns["initial_voltage_2"] + z * columns["initial_current_2"]
    return (z, delay(columns), first, second)


def frequency_response(omega: float, columns: Columns) -> Mapping[tuple[int, int], np.ndarray]:
    """Derivatives of the operating point minus those at this frequency."""
    z, turn = columns["impedance"], np.exp(-1j * omega * delay(columns))
    first = {(0, 1): turn - 1.0, (0, 2): z, (0, 3): z * turn}
    return {**first, (1, 0): turn, (1, 1): -np.ones_like(z), (1, 2): 1.0 + z * turn, (1, 3): 1.0 + z}


def read(card: Any) -> Instance:
    """Read a T card."""
    return read_line(card, device)


device = Device(
    name="transmission_line",
    summary="Lossless transmission line with a delay",
    source=Reference("F. H. Branin, Proc. IEEE 55, 2012 (1967)", "10.1109/PROC.1967.6033"),
    structure=Structure(
        terminals=("p1", "n1", "p2", "n2"),
        inputs=(("p1", "n1"), ("p2", "n2"), ("i1", None), ("i2", None)),
        flows=(Equation("i1"), Equation("i2"), Current("p1", "n1"), Current("p2", "n2")),
        internals=(Internal("i1"), Internal("i2")),
        memory_rows=HISTORY + ROWS,
        wiring=((2, 2, 1.0), (3, 3, 1.0)),
        law_flows=2,
    ),
    parameters=(
        Parameter("impedance", None, "ohm", "Z0", 0.0, exclusive=True, aliases=("z0", "zo")),
        Parameter("delay", unit="s", meaning="TD", minimum=0.0, exclusive=True, aliases=("td",), optional=True),
        Parameter("frequency", unit="Hz", meaning="of the length NL", minimum=0.0, aliases=("f",), optional=True),
        Parameter("normalized_length", 0.25, "", "NL, in wavelengths at F", 0.0, exclusive=True, aliases=("nl",)),
        Parameter("initial_voltage_1", 0.0, "V", "used with uic"),
        Parameter("initial_current_1", 0.0, "A", "used with uic"),
        Parameter("initial_voltage_2", 0.0, "V", "used with uic"),
        Parameter("initial_current_2", 0.0, "A", "used with uic"),
    ),
    law=line_law,
    derive=derive,
    accept=line_accept,
    events=line_events,
    event_count=1,
    jump=line_jump,
    start=line_start,
    largest_step=lambda columns: float(np.min(delay(columns))) / STEPS_PER_DELAY,
    frequency_response=frequency_response,
    netlist=NetlistRule(letter="T", form=FORM, read=read),
    reference={"instance": {"delay": 1e-9}},
)
