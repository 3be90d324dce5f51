"""Reading E, F, G and H cards: linear, POLY, TABLE and expressions; all but the linear form become behavioural sources.

``POLY(k)`` takes k controls and coefficients in the order 1, x1, x2, ..., x1^2, x1 x2, ..., x2^2, ..., x1^3, ...
(checked in ngspice 39). One single coefficient of POLY(1) is the constant term in ngspice, and the linear one in the
other dialects (recalled from the SPICE2 manual).
"""

from __future__ import annotations

from itertools import combinations_with_replacement, count
from typing import Any

from neurosim.devices.behaviour import scaled, source_instance, with_node
from neurosim.devices.device import Device, Instance
from neurosim.errors import nearest
from neurosim.expressions import Binary, Call, Expression, Name, Node, Number, Reference, Slot

REFUSED = frozenset({"laplace", "freq", "chebyshev", "delay", "foster", "nand", "and", "or", "nor"})
EXPRESSION_WORDS = {"voltage": ("value", "vol", "v"), "current": ("value", "cur", "i")}
HIGHEST_DEGREE = 30


def read_controlled_source(card: Any, device: Device) -> Instance:
    """Read one card.

    Parameters
    ----------
    card : CardReader
        Behind the element's name.
    device : Device
        The linear device; its letter tells what is sensed and what is driven.

    Raises
    ------
    NetlistError
        For a form that is not taken, or missing coefficients.
    """
    letter = device.netlist.letter if device.netlist else ""
    form = device.netlist.form if device.netlist else ""
    role = "voltage" if letter in "EH" else "current"
    senses_voltage = letter in "EG"
    location, name, nets = card.location, card.name, card.nets(2)

    def sensed() -> Reference:
        return Reference("v", card.nets(2)) if senses_voltage else Reference("i", (card.instance(),))

    def behavioural(expression: Expression) -> Instance:
        factor = 1.0
        while not card.at_end():
            key = card.key()
            if key != "m" or role != "current":
                raise card.error(f"'{key or card.word()}' after the expression of '{name}'", expected=form)
            factor *= card.number()
        return source_instance(name, nets, role, with_node(expression, scaled(expression.node, factor)), location)

    word = card.peek()
    if word in REFUSED:
        raise card.error(f"'{name}': {word.upper()} is not supported", hint="write an expression", expected=form)
    if word in EXPRESSION_WORDS[role] and (card.peek(1) or "x")[0] in "={'":
        if card.key() is None:
            card.word()
        return behavioural(card.expression())
    if word == "table" and (card.peek(1) or "x")[0] in "={'":
        if card.key() is None:
            card.word()
        argument = card.expression()
        card.accept("=")
        return behavioural(with_node(argument, table_node(card, argument.node, form)))
    if word == "poly":
        card.word()
        controls = [sensed() for _ in range(_dimension(card))]
        node = polynomial(card, controls, form)
        return behavioural(Expression(node, card.dialect, location=location))
    control = sensed()
    if card.peek() == "table":
        if card.key() is None:
            card.word()
        return behavioural(Expression(table_node(card, control, form), card.dialect, location=location))
    if (card.peek() or "") in REFUSED:
        raise card.error(f"'{name}': {card.word().upper()} is not supported", hint="write an expression", expected=form)
    main = device.parameters[0]
    key = card.key()
    if key not in (None, main.name, *main.aliases):
        raise card.error(f"unknown parameter '{key}'", hint=nearest(key, [main.name, *main.aliases]), expected=form)
    gain = card.quantity()
    if isinstance(gain, Expression):
        return behavioural(with_node(gain, Binary("*", gain.node, control)))
    values = {main.name: float(gain)}
    if role == "current":
        values["multiplier"] = card.keywords(("m",)).get("m", 1.0)
    else:
        card.keywords(())
    if senses_voltage:
        return Instance(name, device.name, (*nets, *control.args), values, location=location)
    return Instance(name, device.name, nets, values, controls=(str(control),), location=location)


def _dimension(card: Any) -> int:
    card.accept("(")
    number = card.number()
    card.accept(")")
    if number != round(number) or not 1 <= number <= 100:
        raise card.error(f"POLY({number:g}): the number of controls must be a whole number from 1 to 100")
    return round(number)


def _remaining_numbers(card: Any) -> list[float]:
    found: list[float] = []
    while not card.at_end():
        if card.is_number():
            found.append(card.number())
        elif not card.accept("(", ")", ","):
            break
    return found


def table_node(card: Any, argument: Node, form: str) -> Node:
    """``table(argument, x1, y1, ...)`` from the points that follow: linear between them, constant outside."""
    points = _remaining_numbers(card)
    if len(points) < 2 or len(points) % 2:
        raise card.error(f"TABLE needs pairs (x, y), not {len(points)} numbers", expected=form)
    return Call("table", (argument, *(Number(value) for value in points)))


def polynomial(card: Any, controls: list[Reference], form: str) -> Node:
    """Sum of the coefficients that follow times the products of `controls`, in SPICE's order."""
    coefficients = _remaining_numbers(card)
    if not coefficients:
        raise card.error("POLY needs coefficients", expected=form)
    if len(controls) == 1 and len(coefficients) == 1 and card.dialect != "ngspice":
        coefficients.insert(0, 0.0)
    terms: list[Node] = []
    places = iter(range(len(coefficients)))
    for degree in count():
        if degree > HIGHEST_DEGREE:
            raise card.error(f"POLY has terms above degree {HIGHEST_DEGREE}", expected=form)
        for factors in combinations_with_replacement(controls, degree):
            place = next(places, None)
            if place is None:
                return _sum(terms)
            if coefficients[place] != 0.0:
                # A slot, so that sources with other coefficients share the program.
                term: Node = Slot(coefficients[place], Name(f"p{place}"))
                for factor in factors:
                    term = Binary("*", term, factor)
                terms.append(term)
    raise AssertionError


def _sum(terms: list[Node]) -> Node:
    total: Node = terms[0] if terms else Number(0.0)
    for term in terms[1:]:
        total = Binary("+", total, term)
    return total
