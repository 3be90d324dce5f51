"""Reading the cards of resistors, capacitors and inductors, which share one form.

``<letter><name> n+ n- [value | expression | model] [model | value] [value= | tc=tc1[,tc2] | key=value ...]``

A value that uses ``v()``, ``i()`` or ``time`` makes the part a behavioural source. It takes the temperature
coefficients, `scale`, `m` and initial condition of the constant part: the polynomial is a factor on the expression.
In ``Q=`` and ``flux=`` the word x is the voltage across the part or the current through it (LTspice).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from neurosim.devices.behaviour import source_instance, with_node
from neurosim.devices.device import Device, Instance
from neurosim.errors import NetlistError, ParameterError, nearest
from neurosim.expressions import Binary, Expression, Name, Node, Number, Reference, evaluate

Behavioural = Callable[[str, tuple[str, ...], str, Node, float], tuple[Literal["current", "voltage"], Node]]
Own = Callable[[str, tuple[str, ...]], Reference]

IDLE_WORDS = frozenset({"af", "bf", "ef", "kf", "lf", "wf", "noise", "noisy", "level", "mfg", "type", "vpk", "ipk",
                        "irms", "iave"})  # fmt: skip
"""Parameters of noise models (there is no noise analysis that they could change), and notes for people."""


def read_two_terminal(
    card: Any, device: Device, model_types: tuple[str, ...], roles: Mapping[str, str], behavioural: Behavioural,
    own: Own | None = None,
) -> Instance:  # fmt: skip
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
    own : callable, optional
        ``own(name, nets)`` is the voltage or current that has an initial condition, and that x is in a charge or flux.

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
        value = card.quantity({"x": own(name, nets)} if own is not None and role in ("charge", "flux") else None)
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
        given = {**from_model, **values}
        odd = sorted(given.keys() - _WITH_EXPRESSION)
        if odd:
            raise card.error(f"'{name}' has an expression, and {odd[0]}, which only a constant {device.name} takes")
        factor = _temperature_factor(card, given)
        if factor is not None and card.dialect == "ngspice":
            if device.name == "capacitor":
                card.note(f"the expression of '{name}' is multiplied by the polynomial of tc; ngspice 39 divides by it")
            for key in sorted({"instance_temperature", "temperature_rise"} & given.keys()):
                card.note(f"'{name}' has an expression and {key}, which ngspice 39 passes over with expressions")
        node = expression.node if factor is None else Binary("*", expression.node, factor)
        initial = given.get("initial_voltage", given.get("initial_current"))
        if initial is not None and own is not None:
            initial = _initial_primitive(card, own(name, nets), with_node(expression, node), role, initial)
        kind, node = behavioural(name, nets, role, node, given.get("multiplier", 1.0))
        return source_instance(name, nets, kind, with_node(expression, node), location, initial)
    return Instance(name, device.name, nets, {**from_model, **values}, location=location)


_WITH_EXPRESSION = frozenset(
    (
        "multiplier", "scale", "initial_voltage", "initial_current", "temperature_coefficient_1",
        "temperature_coefficient_2", "instance_temperature", "temperature_rise", "measurement_temperature",
    )
)  # fmt: skip
"""Parameters that a part given by an expression takes, too."""


def _temperature_factor(card: Any, given: Mapping[str, float]) -> Node | None:
    """``scale (1 + tc1 dT + tc2 dT^2)``, None if it is 1; ``temper`` stands for the circuit's temperature."""
    scale = given.get("scale", 1.0)
    first, second = (given.get(f"temperature_coefficient_{k}", 0.0) for k in (1, 2))
    if not first and not second:
        return None if scale == 1.0 else Number(scale)
    measured = given.get("measurement_temperature", card.nominal_temperature)
    if "instance_temperature" in given:
        rise: Node = Number(given["instance_temperature"] - measured)
    else:
        rise = Binary("+", Name("temper"), Number(given.get("temperature_rise", 0.0) - measured))
    slope = Binary("+", Number(first), Binary("*", Number(second), rise))
    polynomial = Binary("+", Number(1.0), Binary("*", rise, slope))
    return Binary("*", Number(scale), polynomial)


def _initial_primitive(card: Any, own: Reference, value: Expression, role: str, initial: float) -> float:
    """Start of what the part differentiates: its own voltage or current, or the charge or flux that belongs to it."""
    if role not in ("charge", "flux"):
        return initial
    known = {str(own): initial, "time": 0.0, "temper": card.temperature}
    if own.kind == "v":
        plus, minus = own.args
        known[f"v({minus},{plus})"] = -initial
        known |= {f"v({plus})": initial} if minus == "0" else {f"v({minus})": -initial} if plus == "0" else {}
    try:
        return evaluate(value, known)
    except NetlistError as error:
        raise card.error(
            f"the {role} of '{card.name}' at the start does not follow from its initial condition: {error.message}",
            hint=f"give start values by .ic, or a {role} that depends on {own} alone",
        ) from None


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
