"""``.measure`` cards, in the spellings of ngspice and LTspice (where ``=`` after a keyword may be left out)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, Literal, get_args

from neurosim.circuit.addresses import Addresses
from neurosim.circuit.cards import CardReader
from neurosim.circuit.lexer import value_end
from neurosim.circuit.model import Measure
from neurosim.circuit.scopes import rebuild
from neurosim.errors import nearest
from neurosim.expressions import PARTS_OF_COMPLEX, Expression, bind
from neurosim.expressions.tree import Name, Node, Reference

AnalysisWord = Literal["tran", "ac", "dc", "op"]
OPERATIONS = {
    "avg": "avg", "rms": "rms", "min": "min", "max": "max", "pp": "pp", "integ": "integ", "integral": "integ",
    "deriv": "deriv", "derivative": "deriv", "find": "find", "when": "when", "trig": "trig_targ", "param": "param",
    "min_at": "min_at", "max_at": "max_at",
}  # fmt: skip
_NUMBER_KEYS = ("from", "to", "td", "at", "rise", "fall", "cross", "val")
_KEYS = frozenset((*_NUMBER_KEYS, "when", "trig", "targ"))
_EDGES = ("rise", "fall", "cross")
FORM = (
    ".measure tran|ac|dc <name> avg|rms|min|max|pp|integ <expression> [from=] [to=] | find <expression> at=<x> | "
    "find <expression> when <a>=<b> | when <a>=<b> [rise=|fall=|cross=] | deriv <expression> at=<x> | "
    "trig <a> val=<x> targ <a> val=<x> | param='<expression>'"
)


def read_measure(reader: CardReader, addresses: Addresses, analyses: Sequence[str], earlier: Set[str]) -> Measure:
    """Read a card from behind its keyword.

    Parameters
    ----------
    reader : CardReader
    addresses : Addresses
        To check nets and parts.
    analyses : sequence of str
        Kinds of analysis in the netlist, for cards that name none.
    earlier : set of str
        Names of the measures above, which ``param`` may use.

    Raises
    ------
    NetlistError
        For an unknown operation, key or name, or something missing.
    """
    location = reader.location
    analysis = reader.word()
    if analysis in ("sp", "noise", "tf"):
        raise reader.error(f"there is no '{analysis}' analysis to measure", expected=FORM)
    if analysis in get_args(AnalysisWord):
        name = reader.word()
    else:
        name = analysis
        if len(analyses) != 1:
            raise reader.error("the measure does not say of which analysis it is", expected=FORM)
        analysis = analyses[0]
    if name in earlier:
        raise reader.error(f"measure '{name}' is defined twice")
    word = reader.word()
    operation = OPERATIONS.get(word)
    if operation is None:
        raise reader.error(f"unknown measure operation '{word}'", hint=nearest(word, OPERATIONS), expected=FORM)
    expression: Expression | None = None
    settings: dict[str, object] = {}
    if operation == "param":
        reader.accept("=")
        expression = _parameter(reader, addresses, earlier)
    elif operation == "trig_targ":
        settings["trig"] = _event(reader, addresses)
        if not reader.accept("targ"):
            raise reader.error("trig without targ", expected=FORM)
        settings["targ"] = _event(reader, addresses)
    elif operation == "when":
        settings.update(_event(reader, addresses))
    else:
        expression = _operand(reader, addresses)
        settings.update(_settings(reader, addresses))
        if operation in ("find", "deriv") and not {"at", "when"} & set(settings):
            raise reader.error(f"{word} without at= or when", expected=FORM)
    reader.end(FORM)
    measure = Measure(name, _analysis(analysis), operation, expression, settings, location)
    if analysis != "ac":
        used = [r for one in measure.expressions() for r in one.references if r.kind in PARTS_OF_COMPLEX]
        if used:
            raise reader.error(f"'{used[0]}' exists in an AC analysis only, and '{name}' measures .{analysis}")
    return measure


def _analysis(word: str) -> AnalysisWord:
    for known in get_args(AnalysisWord):
        if word == known:
            return known
    raise AssertionError(word)


def _operand_end(reader: CardReader) -> int:
    """Index after the bare expression that begins at the cursor: a key, a keyword or ``=`` ends it."""
    depth, index = 0, reader.position
    limit = value_end(reader.tokens, index)
    while index < limit:
        token = reader.tokens[index]
        if token.kind in "()":
            depth += 1 if token.kind == "(" else -1
        elif depth == 0 and index > reader.position and (token.kind == "=" or token.text in _KEYS):
            break
        index += 1
    return index


def _operand(reader: CardReader, addresses: Addresses) -> Expression:
    """Read one expression: in quotes or braces, as ``par('...')``, or bare."""
    wrapped = reader.peek() == "par" and reader.peek(1) == "("
    if wrapped:
        reader.position += 2
    first = reader.take("an expression")
    if first.kind == "expression":
        start, end = first.start + 1, first.end - 1
    else:
        reader.position -= 1
        start = first.start
        reader.position = max(reader.position + 1, _operand_end(reader))
        end = reader.tokens[reader.position - 1].end
    if wrapped:
        reader.expect(")")
    return _bound(reader, addresses, start, end, frozenset())


def _event(reader: CardReader, addresses: Addresses) -> dict[str, object]:
    """``<a>=<b>`` or ``<a> val=<x>`` with its edge, or ``at=<x>``."""
    if reader.peek() == "at":
        reader.position += 1
        reader.accept("=")
        return {"at": reader.number()}
    left = _operand(reader, addresses)
    right: Expression | None = _operand(reader, addresses) if reader.accept("=") else None
    settings = _settings(reader, addresses, stop="targ", inside_event=True)
    if right is None:
        given = settings.pop("val", None)
        if not isinstance(given, Expression):
            raise reader.error("a crossing needs a value", expected="<expression>=<value> or <expression> val=<value>")
        right = given
    elif "val" in settings:
        raise reader.error("the value of a crossing is given twice")
    return {"when": (left, right), **settings}


def _settings(
    reader: CardReader, addresses: Addresses, *, stop: str = "", inside_event: bool = False
) -> dict[str, object]:
    """Keys up to the end or the word `stop`."""
    settings: dict[str, Any] = {}
    while not reader.at_end() and reader.peek() != stop:
        if reader.accept(","):
            continue
        word = reader.word()
        if word not in _KEYS:
            raise reader.error(f"unknown key '{word[:40]}' of .measure", hint=nearest(word, _KEYS), expected=FORM)
        if word in ("trig", "targ"):
            raise reader.error(f"an interval between trig and targ is not supported for '{word}'", hint="use from= to=")
        if word in settings:
            raise reader.error(f"'{word}' is given twice")
        if word == "when":
            if inside_event:
                raise reader.error("'when' inside a crossing", expected=FORM)
            for key, value in _event(reader, addresses).items():
                settings.setdefault(key, value)
            continue
        reader.accept("=")
        if word == "val":
            settings[word] = _operand(reader, addresses)
        elif word in _EDGES and reader.accept("last"):
            settings[word] = "last"
        else:
            value = reader.number()
            if word in _EDGES and (value < 1.0 or value != round(value)):
                raise reader.error(f"{word}={value:g}: the number of an edge is 1, 2, ... or last")
            settings[word] = value
    if len(set(_EDGES) & set(settings)) > 1:
        raise reader.error("rise, fall and cross exclude one another")
    return settings


def _parameter(reader: CardReader, addresses: Addresses, earlier: Set[str]) -> Expression:
    """The rest of the card as an expression of the measures above."""
    first = reader.take("an expression")
    if first.kind == "expression":
        start, end = first.start + 1, first.end - 1
    else:
        reader.position = len(reader.tokens)
        start, end = first.start, reader.tokens[-1].end
    return _bound(reader, addresses, start, end, earlier)


def _bound(reader: CardReader, addresses: Addresses, start: int, end: int, earlier: Set[str]) -> Expression:
    """The expression at `start` to `end`, bound and checked; states (``m1.x``) and measures stay free names."""
    scope = reader.scope

    def hide(node: Node) -> Node:
        if not isinstance(node, Name) or node.text in scope.values:
            return node
        if node.text not in earlier:
            if node.text.rpartition(".")[0] not in addresses.parts:
                return node
            addresses.state(reader, node.text)
        # Binding leaves references alone, so a free name passes as one.
        return Reference("v", (f"{_FREE}{node.text}",), node.at)

    def show(node: Node) -> Node:
        if not isinstance(node, Reference):
            return node
        if node.args[0].startswith(_FREE):
            return Name(node.args[0][len(_FREE) :], node.at)
        full = scope.net if node.kind[0] == "v" else scope.part
        return Reference(node.kind, tuple(map(full, node.args)), node.at)

    functions = scope.session.functions(scope.definition)
    written = rebuild(scope.session.parsed(reader.card, start, end, PARTS_OF_COMPLEX - functions.keys()), hide)
    expression = rebuild(bind(written, scope.values, functions), show)
    addresses.check_expression(reader, expression)
    return expression


_FREE = "\x04"
