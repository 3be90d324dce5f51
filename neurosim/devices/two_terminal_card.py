"""Reading the cards of resistors, capacitors and inductors, which share one form.

``<letter><name> n+ n- [value | expression | model] [model | value] [value= | tc=tc1[,tc2] | key=value ...]``

A value that uses ``v()``, ``i()`` or ``time`` makes the part a behavioural source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from neurosim.devices.behaviour import source_instance, with_node
from neurosim.devices.device import Device, Instance
from neurosim.errors import ParameterError, nearest
from neurosim.expressions import Expression, Node

Behavioural = Callable[[str, tuple[str, ...], str, Node, float], tuple[Literal["current", "voltage"], Node]]

IDLE_WORDS = frozenset({"af", "bf", "ef", "kf", "lf", "wf", "noise", "noisy", "level", "mfg", "type", "vpk", "ipk",
                        "irms", "iave"})  # fmt: skip
"""Parameters of noise models (there is no noise analysis that they could change), and notes for people."""


def read_two_terminal(
    card: Any, device: Device, model_types: tuple[str, ...], roles: Mapping[str, str], behavioural: Behavioural
) -> Instance:
    """Read one card.

    Parameters
    ----------
    card : CardReader
        Behind the element's name.
    device : Device
        What a plain number makes; its first parameter is the value.
    model_types : tuple of str
        Accepted types of ``.model``.
    roles : mapping of str to str
        Keys that may take an expression, with its role: ``{"c": "capacitance", "q": "charge"}``.
    behavioural : callable
        ``behavioural(name, nets, role, expression's tree, multiplier)`` gives ``"current"`` or ``"voltage"`` and the
        tree of the source that an expression makes.

    Returns
    -------
    Instance
        Its values may hold geometry, which is left to the caller.

    Raises
    ------
    NetlistError
        For an unknown key, a missing value, or a value given twice.
    """
    location, name, nets = card.location, card.name, card.nets(2)
    main = device.parameters[0].name
    values: dict[str, float] = {}
    from_model: dict[str, float] = {}
    expressions: dict[str, Any] = {}

    def quantity(role: str) -> None:
        if main in values or expressions:
            raise card.error(f"{device.name} '{name}' has more than one value")
        value = card.quantity()
        if isinstance(value, float | int) and role == main:
            values[main] = value
        else:
            expressions[role] = value

    while not card.at_end():
        key = card.key()
        if key is None:
            if card.is_number():
                quantity(main)
            else:
                model = card.model(card.text(), *model_types)
                from_model.update(model_values(card, device, model.values))
        elif key in roles:
            quantity(roles[key])
        elif key == "tc":
            given = card.numbers()
            if not 1 <= len(given) <= 2:
                raise card.error("tc takes one or two numbers", expected="tc=<tc1>[, <tc2>]")
            values.update(zip(("temperature_coefficient_1", "temperature_coefficient_2"), given, strict=False))
        elif key in IDLE_WORDS:
            card.number()
        else:
            values[parameter_name(card, device, key)] = card.number()
    for role, expression in expressions.items():
        if not isinstance(expression, Expression):
            raise card.error(f"{role} of '{name}' is the constant {expression:g}", hint=f"give {main} instead")
        odd = sorted(values.keys() - {"multiplier"} | from_model.keys())
        if odd:
            raise card.error(f"'{name}' has an expression, and {odd[0]}, which only a constant {device.name} takes")
        kind, node = behavioural(name, nets, role, expression.node, values.get("multiplier", 1.0))
        return source_instance(name, nets, kind, with_node(expression, node), location)
    return Instance(name, device.name, nets, {**from_model, **values}, location=location)


def parameter_name(card: Any, device: Device, key: str) -> str:
    """Name of the parameter of `device` that `key` means, or a NetlistError at the card."""
    try:
        return device.parameter(key).name
    except ParameterError:
        known = [n for p in device.parameters for n in (p.name, *p.aliases)]
        raise card.error(f"unknown parameter '{key}' of a {device.name}", hint=nearest(key, known)) from None


def model_values(card: Any, device: Device, given: Mapping[str, float | str]) -> dict[str, float]:
    """Values of a model by the names of the device's parameters."""
    values: dict[str, float] = {}
    for key, value in given.items():
        if key in IDLE_WORDS:
            continue
        name = parameter_name(card, device, key)
        if isinstance(value, str):
            raise card.error(f"model parameter {key} = '{value}' is not a number")
        values[name] = value
    return values
