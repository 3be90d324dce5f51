"""Names on a card: parameters, functions, models, nets and parts of the scope that the card stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from neurosim.circuit.cards import Model
from neurosim.circuit.handed import HandedValue
from neurosim.circuit.lexer import Card
from neurosim.circuit.parser import Assignment, Deck, Definition, ModelCard, ground, read_assignment
from neurosim.errors import Location, NetlistError, Note
from neurosim.expressions import Expression, UserFunction, bind, evaluate, parse
from neurosim.expressions.functions import CONSTANTS
from neurosim.expressions.tree import Call, Name, Node, Reference, walk
from neurosim.units import parse_number

NET, PART, END = "\x01", "\x02", "\x03"
"""A card of a subcircuit is read once for many instances: its nets and parts are then written ``NET name END`` and
``PART name END`` (characters that no netlist may contain) and are put in place for each instance."""
OWN = "\x05"
"""Stands before the name of a part's own voltage or current while an expression is bound."""
MARKED = re.compile(f"([{NET}{PART}])([^{END}]*){END}")

_WORD = re.compile(r"[^\W\d][\w.$#@]*")


class Recorder(dict[str, float]):
    """Parameter values that remember which names were asked for.

    Attributes
    ----------
    asked : set of str
        Names whose value may have mattered.
    handed : dict of str to HandedValue
        Values that `hand` gave out by name.
    """

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()
        self.handed: dict[str, HandedValue] = {}

    def __getitem__(self, name: str) -> float:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As dict.get."""
        self.asked.add(name)
        return super().get(name, default)

    def hand(self, name: str) -> float | None:
        """A value that counts as asked for only when something is done with it (None if there is no such name)."""
        if name in self.handed:
            return self.handed[name]
        value = super().get(name)
        if value is None:
            self.asked.add(name)
            return None
        self.handed[name] = found = HandedValue(value, lambda: self.asked.add(name))
        return found


class Listener(Recorder):
    """A `Recorder` to which a name handed out counts as asked for."""

    def hand(self, name: str) -> float | None:
        """As `get`."""
        return self.get(name)


class Session:
    """What all scopes of one elaboration share.

    Attributes
    ----------
    deck : Deck
    temperature : float
        Temperature of the circuit [degree Celsius].
    nominal_temperature : float
        ``.options tnom=`` [degree Celsius].
    notes : list of Note
    """

    def __init__(self, deck: Deck, temperature: float) -> None:
        self.deck, self.temperature = deck, temperature
        self.nominal_temperature = 27.0
        self.notes: list[Note] = []
        self._seen_notes: set[object] = set()
        self._functions: dict[Definition, dict[str, UserFunction]] = {}

    def note(self, note: Note, *, once: bool = False) -> None:
        """Keep a note; the same text at the same place (or, with `once`, anywhere) is kept once."""
        key = note.message if once else (note.message, str(note.location))
        if key not in self._seen_notes:
            self._seen_notes.add(key)
            self.notes.append(note)

    def parsed(self, card: Card, start: int, end: int, parts: Collection[str] = ()) -> Expression:
        """The expression that stands at `start` to `end` on the card, parsed once."""
        expression = card.parsed.get(start)
        if expression is None:
            expression = parse(
                card.text[start:end],
                card.location(start, end),
                self.deck.dialect,
                partial(_location, card, start),
                parts,
            )
            card.parsed[start] = expression
        if not self.deck.dialect_stated and expression.dialect_notes:
            for note in expression.dialect_notes:
                self.note(note, once=True)
        return expression

    def functions(self, definition: Definition) -> dict[str, UserFunction]:
        """Functions that may be called in `definition`: its own and those further out."""
        found = self._functions.get(definition)
        if found is None:
            found = dict(self.functions(definition.parent)) if definition.parent is not None else {}
            for function in definition.functions.values():
                body = self.parsed(function.body.card, function.body.start, function.body.end)
                found[function.name] = UserFunction(function.name, function.parameters, body)
            self._functions[definition] = found
        return found


def _location(card: Card, start: int, offset: int) -> Location:
    """Place of a part of an expression that begins at `start`; no closure, so that a circuit can be pickled."""
    return card.location(start + offset)


class Scope:
    """The names of one subcircuit instance, or of all instances of a subcircuit at once.

    Parameters
    ----------
    session : Session
    definition : Definition
    values : mapping of str to float
        Parameters, those of the callers included.
    instance : str
        Path of the instance (the first one, if for all), ``""`` at the top.
    marked : bool
        Whether nets and parts are marked (see `NET`) to be put in place later.
    caller : Scope or None
        Scope that holds the X card.
    """

    def __init__(
        self,
        session: Session,
        definition: Definition,
        values: Mapping[str, float],
        instance: str = "",
        *,
        marked: bool = False,
        caller: Scope | None = None,
    ) -> None:
        self.session, self.definition, self.values = session, definition, values
        self.instance, self.marked, self.caller = instance, marked, caller
        self._models: dict[ModelCard, Model] = {}
        self.dialect = session.deck.dialect
        self.temperature, self.nominal_temperature = session.temperature, session.nominal_temperature
        self.outer_values_used = False
        """Whether a model of a subcircuit further out was used, whose values `values` does not tell."""

    def net(self, name: str) -> str:
        """Full name of a net."""
        name = ground(name)
        if name in self.session.deck.global_nets or (name.startswith("$g_") and self.dialect != "ngspice"):
            return name
        return f"{NET}{name}{END}" if self.marked else name

    def part(self, name: str) -> str:
        """Full name of an element."""
        return f"{PART}{name}{END}" if self.marked else name

    def note(self, message: str, location: Location, hint: str = "") -> None:
        """Leave a warning."""
        self.session.note(Note(message, location, hint))

    def parameter(self, name: str) -> float | None:
        """Value of a parameter, None if there is none."""
        values = self.values
        return values.hand(name) if isinstance(values, Recorder) else values.get(name)

    def evaluate(self, card: Card, start: int, end: int) -> float:
        """Value of the constant expression at `start` to `end` on the card."""
        text = card.text[start:end].strip().lower()
        value = self.parameter(text)
        if value is None:
            value = parse_number(text)
        if value is not None:
            return value
        return self.value_of(self.session.parsed(card, start, end))

    def value_of(self, expression: Expression) -> float:
        """Value of a constant expression."""
        values = self.values
        if "temper" in expression.text.lower() or "temp" in expression.text.lower():
            values = _with(values, {"temper": self.temperature, "temp": self.temperature})
        return evaluate(expression, values, self.session.functions(self.definition))

    def bind(self, card: Card, start: int, end: int, own: Mapping[str, Reference] | None = None) -> Expression:
        """The expression at `start` to `end`: parameters put in, ``v()`` and ``i()`` with full names.

        Names in `own` stand for a reference of the part itself (full names).
        """
        expression = self.session.parsed(card, start, end)
        if own:
            # Binding leaves references alone, so a name of the part passes as one.
            expression = rebuild(
                expression,
                lambda node: (
                    Reference("v", (OWN + node.text,), node.at) if isinstance(node, Name) and node.text in own else node
                ),
            )
        bound = bind(expression, self.values, self.session.functions(self.definition))
        return rename(bound, lambda node: self._reference(node, own or {}))

    def quantity(
        self, card: Card, start: int, end: int, own: Mapping[str, Reference] | None = None
    ) -> float | Expression:
        """As `bind`, but the value where the expression is constant."""
        if own:
            bound = self.bind(card, start, end, own)
            if bound.references:
                return bound
        text = card.text[start:end].strip().lower()
        value = parse_number(text)
        if value is None:
            value = self.parameter(text)
        if value is not None:
            return value
        bound = self.bind(card, start, end)
        if any(_is_running(node) for node in walk(bound.node)):
            return bound
        return self.value_of(self.session.parsed(card, start, end))

    def _reference(self, reference: Reference, own: Mapping[str, Reference]) -> Reference:
        if reference.args[0][0] == OWN:
            return replace(own[reference.args[0][1:]], at=reference.at)
        name = self.net if reference.kind[0] == "v" else self.part
        return Reference(reference.kind, tuple(name(arg) for arg in reference.args), reference.at)

    def model(self, name: str) -> Model | None:
        """The model called `name`, with its values."""
        card = self.definition.model(name)
        if card is None:
            return None
        scope: Scope | None = self
        while scope is not None and scope.definition is not card.scope:
            scope = scope.caller
        if scope is None:
            raise AssertionError(f"model '{name}' is in no open scope")
        if scope is not self and scope.definition.parent is not None:
            self.outer_values_used = True
        if isinstance(scope.values, Recorder):
            # Each card that uses the model has to ask for the parameters in it.
            return scope.model_values(card)
        found = scope._models.get(card)
        if found is None:
            found = scope._models[card] = scope.model_values(card)
        return found

    def model_values(self, model: ModelCard) -> Model:
        """Evaluate a model of this scope."""
        card, index, values = model.card, model.start, {}
        tokens = card.tokens
        while index < len(tokens):
            if tokens[index].kind in ("(", ")", ","):
                index += 1
                continue
            assignment, index = read_assignment(card, index, one_word=True)
            if assignment.name in values:
                raise NetlistError(f"'{assignment.name}' of model '{model.name}' is given twice", assignment.at)
            values[assignment.name] = self.word_or_number(assignment)
        return Model(model.name, model.type, values, card.token_location(1), card)

    def word_or_number(self, assignment: Assignment) -> float | str:
        """Value of an assignment; a single word that is neither number nor parameter stays a word."""
        text = assignment.text.strip().lower()
        value = parse_number(text)
        if value is None:
            value = self.values.get(text)
        if value is None and _WORD.fullmatch(text) and text not in CONSTANTS:
            return text
        return value if value is not None else self.evaluate(assignment.card, assignment.start, assignment.end)

    def model_names(self, types: Sequence[str]) -> list[str]:
        """Names of all models in reach, of the given types."""
        scope: Definition | None = self.definition
        names: list[str] = []
        while scope is not None:
            names += [model.name for model in scope.models.values() if not types or model.type in types]
            scope = scope.parent
        return names

    def resolve_file(self, text: str, location: Location, card: Card) -> Path:
        """Path of a data file, under the same rules as includes."""
        return self.session.deck.files.resolve(text, card.places[0][1].folder, location)

    def inner(self, values: Mapping[str, float], definition: Definition, instance: str) -> Scope:
        """Scope of an instance of a subcircuit that stands in this scope."""
        return Scope(self.session, definition, values, instance, caller=self)

    def recording(self) -> Scope:
        """The same scope for reading a card once for all instances."""
        return Scope(
            self.session, self.definition, Recorder(self.values), self.instance, marked=True, caller=self.caller
        )

    def listening(self) -> Scope:
        """The same scope for finding out which parameters a card asks for."""
        return Scope(self.session, self.definition, Listener(self.values), self.instance, caller=self.caller)


def _with(values: Mapping[str, float], more: Mapping[str, float]) -> Mapping[str, float]:
    if isinstance(values, Recorder):
        merged = Recorder({**more, **values})
        merged.asked = values.asked
        return merged
    return {**more, **values}


def _is_running(node: Node) -> bool:
    """Whether a node of a bound expression changes during an analysis."""
    if isinstance(node, Call):
        return node.name in ("ddt", "idt")
    return isinstance(node, Reference) or (isinstance(node, Name) and node.text != "temper")


def rename(expression: Expression, change: Callable[[Reference], Reference]) -> Expression:
    """The expression with ``change(reference)`` in the place of each reference."""
    return rebuild(expression, lambda node: change(node) if isinstance(node, Reference) else node)


def rebuild(expression: Expression, change: Callable[[Node], Node]) -> Expression:
    """The expression with ``change(leaf)`` in the place of each leaf of its tree."""
    done: dict[int, Node] = {}
    for node in walk(expression.node):
        done[id(node)] = _rebuilt(node, done) if node.children else change(node)
    node = done[id(expression.node)]
    if node is expression.node:
        return expression
    return Expression(
        node,
        expression.dialect,
        expression.text,
        expression.location,
        expression.locate,
        expression.dialect_notes,
    )


def _rebuilt(node: Node, done: Mapping[int, Node]) -> Node:
    new: Any = [done[id(child)] for child in node.children]
    if all(a is b for a, b in zip(new, node.children)):
        return node
    kind: Any = type(node)
    if hasattr(node, "args"):
        return kind(node.label, tuple(new), node.at)
    return kind(node.label, *new, node.at) if hasattr(node, "op") else kind(*new, node.at)
