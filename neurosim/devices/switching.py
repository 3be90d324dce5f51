"""What voltage- and current-controlled switches share: a conductance between p and n that a control c decides.

With hysteresis H >= 0 around the threshold T the switch closes when c rises above T + H and opens when c falls below
T - H; in between it keeps its state, at first open unless the card says ON (ngspice 39). A smooth switch has no state:
``ln r = Lm + 3/2 Lr s - 2 Lr s^3``, Lm = ln sqrt(RON ROFF), Lr = ln(RON/ROFF), s = (c - T)/(2 H) within +-1/2 (the
switches of PSpice; LTspice's for a negative hysteresis, which is documented only as a low-order polynomial in the
logarithm; recalled).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.devices.device import (
    Columns,
    Current,
    Device,
    Input,
    Instance,
    NetlistRule,
    Parameter,
    Reference,
    Structure,
)
from neurosim.devices.two_terminal_card import IDLE_WORDS, parameter_name
from neurosim.kernels.abi import ANALYSIS, TRANSIENT, WANT_DERIVATIVES, kernel

TINY = 1e-300
"""Stands for an event function of exactly zero, with the sign that keeps the state."""


@kernel
def switch_law(context, u, p, memory, table, code, F, D):
    """Inputs: v(p, n), control. Memory: 1 while the state differs from the one that the card gives."""
    wanted = context[WANT_DERIVATIVES] != 0.0
    for e in range(u.shape[1]):
        control, on, off = u[1, e], p[0, e], p[1, e]
        slope = 0.0
        if p[4, e] != 0.0:
            s = (control - p[2, e]) / (2.0 * p[3, e])
            if s >= 0.5:
                conductance = on
            elif s <= -0.5:
                conductance = off
            else:
                ratio = math.log(on / off)
                conductance = math.sqrt(on * off) * math.exp(ratio * s * (1.5 - 2.0 * s * s))
                slope = conductance * ratio * (1.5 - 6.0 * s * s) / (2.0 * p[3, e])
        else:
            if context[ANALYSIS] != TRANSIENT:
                if control > p[2, e] + p[3, e]:
                    memory[0, e] = 1.0 - p[5, e]
                elif control < p[2, e] - p[3, e]:
                    memory[0, e] = p[5, e]
            conductance = on if memory[0, e] != p[5, e] else off
        F[0, e] = conductance * u[0, e]
        if wanted:
            D[0, 0, e], D[0, 1, e] = conductance, slope * u[0, e]


@kernel
def switch_start(context, u, p, memory, table, code, F, D):
    """State from the control at the start."""
    for e in range(u.shape[1]):
        if u[1, e] > p[2, e] + p[3, e]:
            memory[0, e] = 1.0 - p[5, e]
        elif u[1, e] < p[2, e] - p[3, e]:
            memory[0, e] = p[5, e]


@kernel
def switch_events(context, u, p, memory, table, code, F, D):
    """Distances of the control to the upper and the lower threshold."""
    for e in range(u.shape[1]):
        if p[4, e] != 0.0:
            F[0, e], F[1, e] = 1.0, 1.0
            continue
        tiny = TINY if memory[0, e] != p[5, e] else -TINY
        upper, lower = u[1, e] - p[2, e] - p[3, e], u[1, e] - p[2, e] + p[3, e]
        F[0, e] = upper if upper != 0.0 else tiny
        F[1, e] = lower if lower != 0.0 else tiny


@kernel
def switch_jump(context, u, p, memory, table, code, F, D):
    """Close on the way up through the upper threshold, open on the way down through the lower one."""
    for e in range(u.shape[1]):
        if F[0, e] > 0.0:
            memory[0, e] = 1.0 - p[5, e]
        elif F[1, e] < 0.0:
            memory[0, e] = p[5, e]


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Conductances [S], threshold, hysteresis, whether smooth, initial state."""
    return (
        1.0 / columns["on_resistance"],
        1.0 / columns["off_resistance"],
        columns["threshold"],
        columns["hysteresis"],
        columns["smooth"],
        columns["initially_on"],
    )


def read_switch(card: Any, device: Device, nets: tuple[str, ...], controls: tuple[str, ...], letter: str) -> Instance:
    """Read the model and the state of a switch card, behind its nets and control.

    Raises
    ------
    NetlistError
        For an unknown parameter, or a hysteresis that the dialect does not define.
    """
    smooth_type = f"{letter}switch"
    model = card.model(card.text(), "sw" if letter == "v" else "csw", smooth_type)
    given: dict[str, float] = {}
    edges: dict[str, float] = {}
    for key, value in model.values.items():
        if key in IDLE_WORDS:
            continue
        if isinstance(value, str):
            raise card.error(f"model parameter {key} = '{value}' is not a number")
        if key in (f"{letter}on", f"{letter}off"):
            edges[key] = value
        else:
            given[parameter_name(card, device, key)] = value
    if model.type == smooth_type:
        on, off = edges.get(f"{letter}on", 1.0 if letter == "v" else 1e-3), edges.get(f"{letter}off", 0.0)
        if on == off:
            raise card.error(f"model '{model.name}' switches on and off at the same {on:g}")
        given.update(threshold=0.5 * (on + off), hysteresis=0.5 * (on - off), smooth=1.0)
        given.setdefault("off_resistance", 1e6)
    elif edges:
        raise card.error(f"{letter.upper()}ON and {letter.upper()}OFF belong to models of type {smooth_type}")
    elif given.get("hysteresis", 0.0) < 0.0:
        if card.dialect != "ltspice":
            raise card.error(
                f"hysteresis {given['hysteresis']:g} of model '{model.name}' is negative",
                hint="read the netlist as ltspice for a smooth switch, or give a positive value",
            )
        given.update(hysteresis=-given["hysteresis"], smooth=1.0)
    if card.accept("on"):
        given["initially_on"] = 1.0
    elif card.accept("off"):
        given["initially_on"] = 0.0
    return Instance(card.name, device.name, nets, given, controls=controls, location=card.location)


def switch(
    name: str, summary: str, letter: str, unit: str, control: Input, terminals: tuple[str, ...],
    controls: tuple[str, ...], rule: NetlistRule,
) -> Device:  # fmt: skip
    """A switch between p and n.

    Parameters
    ----------
    name, summary : str
        Registry name, and one line for lists.
    letter, unit : str
        v or i of SPICE's names of parameters, and the unit of the control.
    control : Input
        What is compared with the thresholds.
    terminals, controls : tuple of str
        See `Structure`.
    rule : NetlistRule
    """
    return Device(
        name=name,
        summary=summary,
        source=Reference(
            "T. Quarles et al., SPICE3 version 3f3 user's manual, University of California, Berkeley (1993)"
        ),
        structure=Structure(
            terminals=terminals,
            inputs=(("p", "n"), control),
            flows=(Current("p", "n"),),
            controls=controls,
            memory_rows=1,
        ),
        parameters=(
            Parameter("on_resistance", 1.0, "ohm", "RON", 0.0, exclusive=True, aliases=("ron",)),
            Parameter("off_resistance", 1e12, "ohm", "ROFF", 0.0, exclusive=True, aliases=("roff",)),
            Parameter("threshold", 0.0, unit, "T", aliases=(f"{letter}t",)),
            Parameter("hysteresis", 0.0, unit, "H, half the distance of the thresholds", aliases=(f"{letter}h",)),
            Parameter("smooth", 0.0, "", "1 for a smooth transition over T - H to T + H", 0.0, 1.0),
            Parameter("initially_on", 0.0, "", "state between the thresholds at first", 0.0, 1.0),
        ),
        law=switch_law,
        derive=derive,
        start=switch_start,
        events=switch_events,
        event_count=2,
        jump=switch_jump,
        netlist=rule,
    )
