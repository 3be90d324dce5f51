"""Ideal operational amplifier (nullor): ``0 = v(in_p) - v(in_n)``; the output gives any current.

``YOPAMP name in+ in- out`` is ideal; with a model (``.model m opamp LEVEL=2 ...``) or parameters it is
`neurosim.devices.opamp_single_pole`.
"""

from __future__ import annotations

from typing import Any

from neurosim.devices.device import Current, Device, Equation, Instance, Internal, NetlistRule, Reference, Structure
from neurosim.devices.opamp_single_pole import device as single_pole
from neurosim.devices.opamp_single_pole import read_values


def read(card: Any) -> Instance:
    """Read a YOPAMP card of either level."""
    location, name, nets = card.location, card.name, card.nets(3)
    level, values = read_values(card)
    chosen = device if level == 1 else single_pole
    return Instance(name, chosen.name, nets, values, location=location)


device = Device(
    name="opamp_ideal",
    summary="Ideal operational amplifier (nullor)",
    source=Reference("B. D. H. Tellegen, Philips Res. Rep. 9, 184 (1954) (recalled)"),
    structure=Structure(
        terminals=("in_p", "in_n", "out"),
        inputs=(("in_p", "in_n"), ("i", None)),
        flows=(Equation("i"), Current("out")),
        internals=(Internal("i"),),
        wiring=((0, 0, 1.0), (1, 1, 1.0)),
    ),
    parameters=(),
    law=None,
    is_linear=True,
    netlist=NetlistRule(
        letter="YOPAMP",
        form="YOPAMP <name> <in+> <in-> <out> [<model>] [<key>=<value> ...], model OPAMP(LEVEL=1), or OPAMP(LEVEL=2 "
        "A0 GBW SR RIN ROUT VOS VMAX VMIN)",
        model_types=("opamp",),
        level=1,
        read=read,
    ),
)
