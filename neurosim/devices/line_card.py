"""Reading the cards of transmission lines."""

from __future__ import annotations

from typing import Any

from neurosim.devices.device import Device, Instance
from neurosim.devices.two_terminal_card import parameter_name

FORM = (
    "T<name> <p1+> <p1-> <p2+> <p2-> Z0=<impedance> TD=<delay> | F=<frequency> [NL=<length>] [IC=<v1>,<i1>,<v2>,<i2>]"
)


def read_line(card: Any, device: Device) -> Instance:
    """Read a T card: four nets, then key=value pairs; ``ic`` takes four numbers."""
    location, name, nets = card.location, card.name, card.nets(4)
    values: dict[str, float] = {}
    while not card.at_end():
        if card.accept(","):
            continue
        key = card.key()
        if key is None:
            raise card.error(f"'{card.word()}' where <key>= should stand", expected=FORM)
        if key == "ic":
            given = card.numbers()
            names = ("initial_voltage_1", "initial_current_1", "initial_voltage_2", "initial_current_2")
            if len(given) != 4:
                raise card.error(f"ic of a line takes v1, i1, v2, i2, not {len(given)} numbers")
            values.update(zip(names, given, strict=True))
        else:
            values[parameter_name(card, device, key)] = card.number()
    if "delay" not in values:
        if "frequency" not in values:
            raise card.error(f"line '{name}' has no delay", hint="give td=, or f= and nl=", expected=FORM)
        values.setdefault("normalized_length", 0.25)
    return Instance(name, device.name, nets, values, location=location)
