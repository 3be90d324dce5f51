"""The card that can write any instance of any device, as `neurosim.circuit.writer` prints it.

``Y<device> <name> <net> ... [<parameter>=<value> ...] [<role>={<expression>} ...] [controls=(<address> ...)]
[table=(<number> ...)]``: names are full, values in SI units. Controls follow from the expressions where there are any.
"""

from __future__ import annotations

from neurosim.circuit.cards import CardReader
from neurosim.devices.behaviour import controls_of
from neurosim.devices.device import Device, Instance
from neurosim.errors import ParameterError, nearest
from neurosim.expressions import Expression
from neurosim.units import parse_number

_SPECIAL = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def read_native(reader: CardReader, device: Device) -> Instance:
    """Read a card from behind the name.

    Raises
    ------
    NetlistError
        For an unknown parameter, or a value that is not understood.
    """
    location, name = reader.location, reader.name
    nets: list[str] = []
    while not reader.at_end() and (reader.peek(1) != "=" or reader.peek(2) == "="):
        nets.append(reader.net())
    terminals = device.structure.terminals
    if len(nets) != len(terminals):
        raise reader.error(
            f"{device.name} '{name}' connects {len(nets)} nets, not {len(terminals)}",
            expected=f"Y{device.name} <name> {' '.join(f'<{terminal}>' for terminal in terminals)} ...",
        )
    values: dict[str, float] = {}
    expressions: dict[str, Expression] = {}
    controls: tuple[str, ...] = ()
    table: tuple[float, ...] = ()
    known = [parameter.name for parameter in device.parameters]
    while not reader.at_end():
        key = reader.key()
        if key is None:
            reader.end("<parameter>=<value>")
        elif key == "controls":
            controls = _addresses(reader)
        elif key == "table":
            table = _table(reader)
        elif key in known:
            values[key] = _number(reader)
        elif (reader.peek() or "").startswith("{"):
            expressions[key] = reader.expression()
        else:
            raise reader.error(f"unknown parameter '{key}' of {device.name}", hint=nearest(key, known), back=2)
    if expressions:
        controls = tuple(dict.fromkeys(address for e in expressions.values() for address in controls_of(e)))
    else:
        try:
            device.complete(values)
        except ParameterError as error:
            raise reader.error(str(error)) from None
    return Instance(name, device.name, tuple(nets), values, expressions, controls, table, location)


def _number(reader: CardReader) -> float:
    word = reader.peek() or ""
    if word in _SPECIAL:
        reader.word()
        return _SPECIAL[word]
    return reader.number()


def _addresses(reader: CardReader) -> tuple[str, ...]:
    found = []
    reader.expect("(")
    while not reader.accept(")"):
        kind = reader.expect("v", "i")
        reader.expect("(")
        found.append(f"v({reader.net()})" if kind == "v" else f"i({reader.instance()})")
        reader.expect(")")
    return tuple(found)


def _table(reader: CardReader) -> tuple[float, ...]:
    found = []
    reader.expect("(")
    while not reader.accept(")"):
        word = reader.peek() or ""
        value = _SPECIAL.get(word, parse_number(word))
        if value is None:
            reader.take("a number")
            raise reader.error(f"'{word[:40]}' is not a number")
        reader.position += 1
        found.append(value)
    return tuple(found)
