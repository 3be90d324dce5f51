"""Element cards of devices that have no reading of their own: nets, then values or a model, then ``key=value``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neurosim.circuit.cards import CardReader, Model
from neurosim.devices.device import Device, Instance, Parameter
from neurosim.errors import NetlistError, ParameterError, nearest

ANNOTATIONS = frozenset(("mfg", "type", "vpk", "ipk", "irms", "iave"))
"""Words that LTspice writes into models for people; they describe a part and enter no equation."""
_SELECTORS = ("level", "model")


def rule_form(device: Device) -> str:
    """How the device is written."""
    return device.netlist.form if device.netlist is not None else ""


def read_generic(reader: CardReader, candidates: Sequence[Device]) -> Instance:
    """Read one card that one of `candidates` (which share a letter) describes.

    Raises
    ------
    NetlistError
        If no device fits, or a parameter is unknown, given twice, or out of bounds.
    """
    location, name = reader.location, reader.name
    counts = {len(device.structure.terminals) for device in candidates}
    if len(counts) > 1:
        raise AssertionError(f"devices of one letter differ in terminals: {[device.name for device in candidates]}")
    nets = reader.nets(counts.pop())
    model: Model | None = None
    positional: list[float] = []
    given: dict[str, float | str] = {}
    places: dict[str, int] = {}
    while not reader.at_end():
        if reader.accept(","):
            continue
        key = reader.key()
        if key is not None:
            if key in given:
                raise reader.error(f"'{key}' is given twice", back=2)
            places[key] = reader.position - 2
            given[key] = reader.number() if reader.is_number() else reader.word()
        elif reader.is_number():
            positional.append(reader.number())
        elif model is None:
            model = reader.model(reader.text())
        else:
            reader.end(rule_form(candidates[0]))
    selected = any(key in given for key in _SELECTORS)
    letter = candidates[0].netlist.letter if candidates[0].netlist is not None else ""
    if model is not None and not selected and letter in model.read_as:
        device, from_model = model.read_as[letter]
    else:
        device = _choose(reader, candidates, model, given)
        from_model = _model_values(device, model) if model is not None else {}
        if model is not None and not selected:
            model.read_as[letter] = device, from_model
    values = dict(from_model)
    rule = device.netlist
    order = rule.positional if rule is not None else ()
    if len(positional) > len(order):
        raise reader.error(
            f"{len(positional)} values by position where {device.name} takes {len(order)}", expected=rule_form(device)
        )
    values.update(zip(order, positional))
    try:
        on_card = parameter_values(device, given, name)
        for one, (other, _) in device.alternatives.items():
            # What the card says replaces what the model says in other words.
            for written, replaced in ((one, other), (other, one)):
                if written in on_card and replaced not in on_card:
                    values.pop(replaced, None)
        values.update(on_card)
        device.complete(values)
    except ParameterError as error:
        key = next((key for key in places if key in str(error)), "")
        where = reader.card.token_location(places.get(key, 0), reader.scope.instance)
        raise NetlistError(str(error), where, expected=rule_form(device)) from None
    return Instance(name, device.name, nets, values, location=location)


def _model_values(device: Device, model: Model) -> dict[str, float]:
    """Values of a model by the names of the device's parameters."""
    values: dict[str, float] = {}
    for key, value in model.values.items():
        try:
            values.update(parameter_values(device, {key: value}, model.name))
        except ParameterError as error:
            raise NetlistError(str(error), model.where(key), expected=rule_form(device)) from None
    return values


def parameter_values(device: Device, given: Mapping[str, float | str], owner: str) -> dict[str, float]:
    """Values by the names of the device's parameters; words become the index of a choice.

    Raises
    ------
    ParameterError
        For an unknown name, or a word where a number is needed.
    """
    values: dict[str, float] = {}
    for key, value in given.items():
        if key in _SELECTORS or key in ANNOTATIONS:
            continue
        parameter = device.parameter(key)
        values[parameter.name] = _number(parameter, value, owner)
    return values


def _number(parameter: Parameter, value: float | str, owner: str) -> float:
    if not isinstance(value, str):
        return value
    if value in parameter.choices:
        return float(parameter.choices.index(value))
    allowed = nearest(value, parameter.choices) if parameter.choices else "a number is needed"
    raise ParameterError(f"{parameter.name} = '{value}' of '{owner}': {allowed}")


def _choose(
    reader: CardReader, candidates: Sequence[Device], model: Model | None, given: Mapping[str, float | str]
) -> Device:
    """The device that the model's type and the words ``model`` and ``level`` select."""
    chosen = list(candidates)
    selectors: dict[str, float | str] = {}
    if model is not None:
        chosen = [device for device in chosen if model.type in _types(device)]
        if not chosen:
            known = sorted({word for device in candidates for word in _types(device)})
            raise reader.error(
                f"model '{model.name}' has the type '{model.type}'; '{reader.name}' takes {', '.join(known)}",
                hint=f"it is defined at {model.location}",
            )
        selectors.update({key: model.values[key] for key in _SELECTORS if key in model.values})
    selectors.update({key: given[key] for key in _SELECTORS if key in given})
    if "model" in selectors:
        word = str(selectors["model"])
        chosen = [
            device for device in chosen if word in (device.name, *_types(device)) and word not in _shared(candidates)
        ]
        if not chosen:
            raise reader.error(f"there is no model '{word}' here", hint=nearest(word, _words(candidates)))
    if "level" in selectors:
        level = selectors["level"]
        known = sorted(lev for device in chosen if (lev := _level(device)) is not None)
        chosen = [device for device in chosen if _level(device) == level]
        if not chosen:
            raise reader.error(
                f"level {level:g} is not supported" if isinstance(level, float) else f"level '{level}' is no number",
                hint=f"supported levels: {', '.join(map(str, known)) or 'none'}",
            )
    if len(chosen) > 1:
        words = ", ".join(_words(chosen))
        raise reader.error(
            f"'{reader.name}' does not say which of several models it is",
            hint=f"give level=<number> or model=<name>, one of {words}",
            expected=rule_form(chosen[0]),
        )
    return chosen[0]


def _types(device: Device) -> tuple[str, ...]:
    return tuple(word.lower() for word in device.netlist.model_types) if device.netlist is not None else ()


def _level(device: Device) -> int | None:
    if device.netlist is None:
        return None
    return 1 if device.netlist.level is None else device.netlist.level


def _shared(candidates: Iterable[Device]) -> set[str]:
    """Type words that belong to more than one device, so select none."""
    words = [word for device in candidates for word in _types(device)]
    return {word for word in words if words.count(word) > 1}


def _words(candidates: Sequence[Device]) -> list[str]:
    shared = _shared(candidates)
    return sorted(word for device in candidates for word in _types(device) if word not in shared)
