"""Operational amplifier with one pole, slew rate, rails and output resistance.

State e, the voltage behind the output resistance: ``e' = SR tanh(2 pi GBW d / SR) - 2 pi (GBW / A0) e`` with
d = v(in_p) - v(in_n) + VOS, held in [VMIN, VMAX]; ``0 = v(out) - e - ROUT i`` with i into the output; RIN between the
inputs. Without SR the first term is ``2 pi GBW d``. So the gain is ``A0 / (1 + j f A0 / GBW)``.

Written as ``YOPAMP name in+ in- out model`` with ``.model m opamp LEVEL=2 ...``: see `neurosim.devices.opamp_ideal`,
which reads the cards. Source: the usual macromodel, G. R. Boyle et al., IEEE J. Solid-State Circuits 9, 353 (1974), doi
10.1109/JSSC.1974.1050528, reduced to its dominant pole.
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
    Equation,
    Internal,
    Parameter,
    Rate,
    Reference,
    State,
    Structure,
)
from neurosim.devices.two_terminal_card import model_values, parameter_name
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel


@kernel
def amplifier(context, u, p, memory, table, code, F, D):
    """Inputs: d, e, v(out), i. Flows: e', equation of i, current between the inputs, current into the output."""
    for e in range(u.shape[1]):
        drive = p[0, e] * (u[0, e] + p[3, e])
        slope = p[0, e]
        if p[2, e] < math.inf:
            share = math.tanh(drive / p[2, e])
            drive, slope = p[2, e] * share, slope * (1.0 - share * share)
        F[0, e] = drive - p[1, e] * u[1, e]
        F[1, e] = u[2, e] - u[1, e] - p[4, e] * u[3, e]
        F[2, e] = p[5, e] * u[0, e]
        F[3, e] = u[3, e]
        if context[WANT_DERIVATIVES] != 0.0:
            for r in range(4):
                for c in range(4):
                    D[r, c, e] = 0.0
            D[0, 0, e], D[0, 1, e] = slope, -p[1, e]
            D[1, 1, e], D[1, 2, e], D[1, 3, e] = -1.0, 1.0, -p[4, e]
            D[2, 0, e] = p[5, e]
            D[3, 3, e] = 1.0


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rates [rad/s] of the unity gain and of the pole, slew rate, offset, output resistance, input conductance."""
    unity = 2.0 * np.pi * columns["gain_bandwidth"]
    return (
        unity,
        unity / columns["open_loop_gain"],
        columns["slew_rate"],
        columns["offset_voltage"],
        columns["output_resistance"],
        1.0 / columns["input_resistance"],
    )


def read_values(card: Any) -> tuple[int, dict[str, float]]:
    """Level and parameters from the rest of a YOPAMP card: a model, then key=value; LEVEL 1 takes none."""
    given: dict[str, float] = {}
    level = 1.0
    if not card.at_end() and card.peek(1) != "=":
        model = card.model(card.text(), "opamp")
        stated = model.values.get("level", 1.0)
        level = stated if isinstance(stated, float) else math.nan
        given = model_values(card, device, model.values)
    while (key := card.key()) is not None:
        if key == "level":
            level = card.number()
        else:
            given[parameter_name(card, device, key)] = card.number()
    if level not in (1, 2):
        raise card.error(f"OPAMP has no level {level:g}", hint="1 is ideal, 2 has one pole")
    if level == 1 and given:
        raise card.error(f"an ideal OPAMP takes no {next(iter(given))}", hint="LEVEL=2 has one pole")
    return int(level), given


device = Device(
    name="opamp_single_pole",
    summary="Operational amplifier with one pole, slew rate, rails and output resistance",
    source=Reference("G. R. Boyle et al., IEEE J. Solid-State Circuits 9, 353 (1974)", "10.1109/JSSC.1974.1050528"),
    structure=Structure(
        terminals=("in_p", "in_n", "out"),
        inputs=(("in_p", "in_n"), ("e", None), ("out", None), ("i", None)),
        flows=(Rate("e"), Equation("i"), Current("in_p", "in_n"), Current("out")),
        internals=(Internal("i"),),
        states=(State("e", "V", 0.0, "lowest_voltage", "highest_voltage", 1.0, "inner output voltage", held=False),),
    ),
    parameters=(
        Parameter("open_loop_gain", 1e5, "V/V", "A0", 0.0, exclusive=True, aliases=("a0", "gain", "avol")),
        Parameter("gain_bandwidth", 1e6, "Hz", "GBW", 0.0, exclusive=True, aliases=("gbw", "gbp")),
        Parameter("slew_rate", math.inf, "V/s", "SR", 1e-6, aliases=("sr", "slew")),
        Parameter("offset_voltage", 0.0, "V", "VOS", aliases=("vos", "voffset")),
        Parameter("output_resistance", 0.0, "ohm", "ROUT", 0.0, aliases=("rout", "ro")),
        Parameter("input_resistance", math.inf, "ohm", "RIN", 1e-6, aliases=("rin", "ri")),
        Parameter("highest_voltage", math.inf, "V", "VMAX", 0.0, aliases=("vmax", "vhigh")),
        Parameter("lowest_voltage", -math.inf, "V", "VMIN", maximum=0.0, aliases=("vmin", "vlow")),
    ),
    law=amplifier,
    derive=derive,
)
