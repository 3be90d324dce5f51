"""Mutual inductance (K card): adds ``M i2'`` to the voltage of L1 and ``M i1'`` to that of L2, ``M = k sqrt(L1 L2)``.

The currents and the equations are those of the two inductors; the coupling itself has no nets. A card with more than
two inductors couples every pair with the same k.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from neurosim.devices.device import Columns, Device, Equation, Instance, NetlistRule, Parameter, Reference, Structure
from neurosim.devices.inductor import derive as inductance
from neurosim.devices.inductor import device as inductor

SHARED = tuple(p for p in inductor.parameters if p.name != "initial_current")
"""What the inductance at temperature depends on."""


def mass(columns: Columns) -> Mapping[tuple[int, int], np.ndarray]:
    """Mutual inductance [H] in both equations."""
    own = {key: columns[key] for key in ("temperature", "nominal_temperature")}
    first, second = (inductance({**own, **{p.name: columns[f"{p.name}_{side}"] for p in SHARED}})[0] for side in (1, 2))
    mutual = columns["coefficient"] * np.sqrt(first * second)
    return {(0, 1): mutual, (1, 0): mutual}


def read(card: Any) -> list[Instance]:
    """Read a K card."""
    names = [card.instance(), card.instance()]
    while not card.is_number() and not card.at_end() and card.peek(1) != "=":
        names.append(card.instance())
    key = card.key()
    if key not in (None, "k", "coefficient"):
        raise card.error(f"unknown parameter '{key}' of a coupling", hint="k=<coefficient>")
    coefficient = card.number()
    if not -1.0 <= coefficient <= 1.0:
        raise card.error(f"coupling coefficient {coefficient:g} is outside [-1, 1]")
    if len(set(names)) < len(names):
        raise card.error(f"coupling '{card.name}' names an inductor twice")
    pairs = list(combinations(names, 2))
    base = Instance(card.name, device.name, (), {"coefficient": coefficient}, location=card.location)
    return [
        replace(
            base,
            name=card.name if len(pairs) == 1 else f"{card.name}#{number}",
            controls=tuple(f"i({name})" for name in pair),
        )
        for number, pair in enumerate(pairs, 1)
    ]


device = Device(
    name="coupling",
    summary="Mutual inductance of two inductors",
    source=Reference("L. W. Nagel, SPICE2: A computer program to simulate semiconductor circuits, UCB/ERL M520 (1975)"),
    structure=Structure(
        terminals=(),
        inputs=(("i1", None), ("i2", None)),
        flows=(Equation("i1"), Equation("i2")),
        controls=("i1", "i2"),
    ),
    parameters=(
        Parameter("coefficient", None, "", "k", -1.0, 1.0, aliases=("k",)),
        *(replace(p, name=f"{p.name}_{side}", optional=True, aliases=()) for side in (1, 2) for p in SHARED),
    ),
    law=None,
    mass=mass,
    is_linear=True,
    netlist=NetlistRule(letter="K", form="K<name> <inductor> <inductor> [<inductor> ...] <coefficient>", read=read),
    needs={f"{p.name}_{side}": (side - 1, p.name) for side in (1, 2) for p in SHARED},
)
