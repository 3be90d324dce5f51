"""From a deck to a flat circuit: parameters evaluated, subcircuits expanded, conditions and directives read."""

from __future__ import annotations

import contextlib
import functools
import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from neurosim.circuit.cards import CardReader
from neurosim.circuit.directives import Directives
from neurosim.circuit.forms import ByWords, CallForm, Forms
from neurosim.circuit.generic_card import read_generic
from neurosim.circuit.lexer import Card
from neurosim.circuit.model import Circuit
from neurosim.circuit.native_card import read_native
from neurosim.circuit.parser import (
    MAX_ERRORS,
    PARAMS_WORDS,
    Assignment,
    Call,
    Deck,
    Definition,
    Element,
    combined,
    ground,
    params_word,
    read_assignment,
)
from neurosim.circuit.scopes import END, NET, Listener, Scope, Session
from neurosim.circuit.sensing import insert_ammeters
from neurosim.circuit.templates import LocalNames, Names, Template, Templates, placed
from neurosim.devices import devices
from neurosim.devices.device import Device, Instance
from neurosim.errors import NetlistError, ParameterError, nearest
from neurosim.units import parse_number

NOT_YET = {
    "q": "bipolar transistors",
    "m": "MOSFETs",
    "j": "junction field-effect transistors",
    "z": "MESFETs",
    "a": "XSPICE code models",
    "n": "compiled Verilog-A models",
    "o": "lossy transmission lines",
    "u": "digital gates and RC lines",
    "p": "coupled transmission lines",
    "w": "current-controlled switches",
}
"""Element letters of other simulators that may have no device here, for the message."""

_IDENTIFIER = re.compile(r"[^\W\d][\w.$#@]*")


@functools.cache
def devices_by_letter(letter: str) -> tuple[Device, ...]:
    """Devices whose rule has this letter (or ``y...`` word), those that read their own cards first."""
    found = [d for d in devices if d.netlist is not None and d.netlist.letter.lower() == letter]
    return tuple(sorted(found, key=lambda d: (d.netlist is None or d.netlist.read is None, d.name)))


def _letters() -> list[str]:
    return sorted({d.netlist.letter for d in devices if d.netlist is not None} | {"X"})


@dataclass(slots=True)
class _Plan:
    """How the parameters of a subcircuit are computed: constants, then the rest in an order that works."""

    constants: dict[str, float] = field(default_factory=dict)
    order: list[Assignment] = field(default_factory=list)


class Elaboration:
    """One expansion of a deck.

    Parameters
    ----------
    deck : Deck
    parameters : mapping of str to float
        Values that replace those of top-level ``.param`` cards.
    temperature : float or None
        Replaces ``.temp`` [degree Celsius].
    """

    def __init__(self, deck: Deck, parameters: Mapping[str, float], temperature: float | None) -> None:
        self.deck, self.parameters = deck, {name.lower(): float(value) for name, value in parameters.items()}
        self.limits = deck.files.limits
        self.session = Session(deck, 27.0 if temperature is None else temperature)
        self.temperature_stated = temperature is not None
        self.is_repeated = False
        self.templates = Templates()
        self.forms = Forms()
        self.call_forms: ByWords[CallForm] = ByWords()
        self.local_names: dict[Definition, LocalNames] = {}
        self.plans: dict[Definition, _Plan] = {}
        self.instances: list[Instance] = []
        self.conditions: dict[str, dict[str, float]] = {"ic": {}, "nodeset": {}}
        self.condition_cards: dict[str, Card] = {}
        self.errors: list[NetlistError] = []

    def run(self) -> Circuit:
        """Build the circuit.

        Raises
        ------
        NetlistError
            For anything that is not understood; errors of several cards are shown together.
        """
        deck = self.deck
        directives = Directives(deck, self.session)
        top = self.top_scope(directives.swept_parameters())
        temperature = None if self.temperature_stated else directives.temperature(top)
        nominal = directives.nominal_temperature(top)
        if temperature is not None or nominal is not None:
            self.session.temperature = self.session.temperature if temperature is None else temperature
            self.session.nominal_temperature = self.session.nominal_temperature if nominal is None else nominal
            top = self.top_scope(directives.swept_parameters())
        self.size(deck.top, top, [])
        self.expand(deck.top, top, Names("", LocalNames(()), ()), 0)
        if self.errors:
            raise combined(self.errors)
        self.check_names()
        insert_ammeters(self.instances)
        circuit = Circuit(
            title=deck.title,
            instances=tuple(self.instances),
            initial_voltages=self.conditions["ic"],
            nodeset=self.conditions["nodeset"],
            temperature=self.session.temperature,
            parameters={name: top.values[name] for name in self.top_names()},
            dialect=deck.dialect,
            path=deck.path,
            digest=deck.files.digest,
            rebuild=functools.partial(elaborate, deck),
        )
        circuit = directives.read(circuit, top, self.condition_cards)
        return replace(circuit, notes=(*deck.notes, *self.session.notes))

    def check_names(self) -> None:
        """Refuse two parts of one name, as a flat name and a subcircuit can give."""
        places: dict[str, Instance] = {}
        for instance in self.instances:
            first = places.setdefault(instance.name, instance)
            if first is not instance:
                hint = f"first defined at {first.location}"
                raise NetlistError(f"element '{instance.name}' is defined twice", instance.location, hint=hint)

    def top_names(self) -> list[str]:
        """Names of the top-level parameters."""
        return [*self.deck.top.assignments, *(n for n in self.parameters if n not in self.deck.top.assignments)]

    def top_scope(self, swept: Mapping[str, Assignment]) -> Scope:
        """The outermost scope; swept parameters that no ``.param`` defines start at their first value."""
        top = self.deck.top
        for name, assignment in swept.items():
            top.assignments.setdefault(name, assignment)
        unknown = [name for name in self.parameters if name not in top.assignments]
        if unknown:
            raise NetlistError(
                f"the netlist has no parameter '{unknown[0]}'", hint=nearest(unknown[0], top.assignments)
            )
        scope = Scope(self.session, top, {})
        self.plans.pop(top, None)
        scope.values = self.values(top, scope, self.parameters)
        return scope

    def values(self, definition: Definition, scope: Scope, given: Mapping[str, float]) -> dict[str, float]:
        """Parameters inside an instance of `definition`; `scope` is that of the instance, with the callers' values."""
        plan = self.plans.get(definition)
        if plan is None:
            plan = self.plans[definition] = self.plan(definition)
        values = {**scope.values, **plan.constants, **given}
        scope.values = values
        for assignment in plan.order:
            if assignment.name not in given:
                values[assignment.name] = scope.evaluate(assignment.card, assignment.start, assignment.end)
        return values

    def plan(self, definition: Definition) -> _Plan:
        """Order the parameters of `definition` by what they use."""
        assignments = {a.name: a for a in definition.defaults} | definition.assignments
        bodies = {}
        scope: Definition | None = definition
        while scope is not None:
            for function in scope.functions.values():
                bodies.setdefault(function.name, function)
            scope = scope.parent

        @functools.cache
        def words(function: str) -> frozenset[str]:
            body = bodies[function]
            return frozenset(_IDENTIFIER.findall(body.body.text.lower())) - set(body.parameters)

        def uses(assignment: Assignment) -> list[str]:
            found, pending = set(), _IDENTIFIER.findall(assignment.text.lower())
            while pending:
                word = pending.pop()
                if word not in found:
                    found.add(word)
                    if word in bodies:
                        pending.extend(words(word))
            return sorted(word for word in found if word in assignments)

        plan, state = _Plan(), dict.fromkeys(assignments, 0)
        for name, assignment in assignments.items():
            value = parse_number(assignment.text)
            if value is not None:
                plan.constants[name] = value
                state[name] = 2
        for root in assignments:
            stack: list[tuple[str, list[str]]] = [(root, uses(assignments[root]))] if state[root] == 0 else []
            if stack:
                state[root] = 1
            while stack:
                name, rest = stack[-1]
                if not rest:
                    stack.pop()
                    state[name] = 2
                    plan.order.append(assignments[name])
                elif state[inner := rest.pop()] == 0:
                    state[inner] = 1
                    stack.append((inner, uses(assignments[inner])))
                elif state[inner] == 1:
                    open_names = [entry[0] for entry in stack]
                    cycle = [*open_names[open_names.index(inner) :], inner]
                    shown = " > ".join(cycle if len(cycle) <= 12 else [*cycle[:6], "...", *cycle[-5:]])
                    raise NetlistError(f"parameters depend on one another: {shown}", assignments[inner].at)
        return plan

    def size(self, definition: Definition, scope: Scope, path: list[Definition]) -> tuple[int, int]:
        """Number of instances and depth of `definition` when expanded, without expanding it."""
        known = self.deck.sizes.get(definition)
        if known is not None:
            return known
        path = [*path, definition]
        count, depth = 0, 0
        own = Scope(self.session, definition, scope.values)
        for element in definition.elements.values():
            if element.kind != "x":
                count += 1
                continue
            called = self.call(element, own).definition
            if called in path:
                names = [d.name for d in path[path.index(called) :]] + [called.name]
                raise NetlistError(f"subcircuit contains itself: {' > '.join(names)}", element.card.token_location(0))
            if len(path) > self.limits.subcircuit_depth:
                raise self.too_deep(element)
            inner_count, inner_depth = self.size(called, scope, path)
            count, depth = count + inner_count, max(depth, inner_depth + 1)
            if len(path) - 1 + depth > self.limits.subcircuit_depth:
                raise self.too_deep(element)
        if count > self.limits.instances:
            raise NetlistError(
                f"{definition.name or 'the netlist'} has {count} parts when expanded; at most "
                f"{self.limits.instances} are accepted",
                definition.location,
            )
        self.deck.sizes[definition] = count, depth
        return count, depth

    def too_deep(self, element: Element) -> NetlistError:
        """Error for nesting beyond the limit."""
        where = element.card.token_location(0)
        return NetlistError(f"subcircuits nested deeper than {self.limits.subcircuit_depth}", where)

    def call(self, element: Element, scope: Scope) -> Call:
        """Read an X card."""
        found = self.deck.calls.get(element)
        if found is not None:
            return found
        pieces = element.card.pieces
        for form in self.call_forms.find(scope.definition, pieces):
            found = form.filled(pieces)
            if found is not None:
                self.deck.calls[element] = found
                return found
        tokens = element.card.tokens
        reader = CardReader(element.card, element.start, scope, element.name)
        first_value = next((i - 1 for i, token in enumerate(tokens) if token.kind == "="), len(tokens))
        words: list[int] = []
        for index, token in enumerate(tokens[element.start : first_value], element.start):
            if token.text in PARAMS_WORDS:
                break
            reader.position += 1
            if token.kind == "word":
                words.append(index)
            elif token.kind not in ("(", ")", ","):
                raise reader.error(f"'{element.card.text[token.start : token.end][:40]}' where a net should stand")
        if not words:
            raise reader.error("an X card without a subcircuit", expected="X<name> <net> ... <subcircuit> [<key>=...]")
        name, nets = tokens[words[-1]].text, words[:-1]
        definition = scope.definition.subcircuit(name)
        if definition is None:
            known: list[str] = []
            place_of: Definition | None = scope.definition
            while place_of is not None:
                known += place_of.subcircuits
                place_of = place_of.parent
            reader.position = words[-1] + 1
            hint = nearest(name, known) or "define it with .subckt or read it with .include"
            raise reader.error(f"there is no subcircuit '{name}'", hint=hint)
        if len(nets) != len(definition.ports):
            reader.position = words[-1] + 1
            raise reader.error(
                f"'{element.name}' connects {len(nets)} nets, but '{name}' has {len(definition.ports)} ports",
                hint=f"it is defined at {definition.location}: .subckt {name} {' '.join(definition.ports)}",
            )
        if not reader.at_end() and (after := params_word(tokens, reader.position)):
            reader.position = after
        given: dict[str, Assignment | float] = {}
        numbers: list[tuple[str, int]] = []
        while not reader.at_end():
            if reader.accept(","):
                continue
            first = reader.position
            assignment, reader.position = read_assignment(element.card, first)
            if assignment.name in given:
                raise NetlistError(f"'{assignment.name}' is given twice", assignment.at)
            self.require_parameter(definition, assignment)
            value = parse_number(assignment.text)
            given[assignment.name] = assignment if value is None else value
            if value is not None and reader.position == first + 3 and tokens[first + 2].kind == "word":
                numbers.append((assignment.name, first + 2))
        found = self.deck.calls[element] = Call(tuple(ground(tokens[k].text) for k in nets), definition, given)
        if len(numbers) == len(given) and self.call_forms.wants(scope.definition, pieces):
            form = CallForm(definition, tuple(nets), tuple(numbers))
            free = (*nets, *(k for _, k in numbers))
            self.call_forms.keep(scope.definition, pieces, element.start, free, form)
        return found

    def require_parameter(self, definition: Definition, assignment: Assignment) -> None:
        """Refuse a parameter that the subcircuit does not declare."""
        declared = {a.name for a in definition.defaults} | set(definition.assignments)
        if assignment.name in declared:
            return
        if self.deck.dialect != "ngspice":
            texts = [e.card.text for e in definition.elements.values()]
            texts += [a.text for a in (*definition.defaults, *definition.assignments.values())]
            if any(assignment.name in _IDENTIFIER.findall(text.lower()) for text in texts):
                return
        raise NetlistError(
            f"subcircuit '{definition.name}' has no parameter '{assignment.name}'",
            assignment.at,
            hint=nearest(assignment.name, declared) or f"declare it at {definition.location}",
        )

    def expand(self, definition: Definition, scope: Scope, names: Names, depth: int) -> None:
        """Append the parts of one instance of `definition` (its path is ``scope.instance``)."""
        top = depth == 0
        for element in definition.elements.values():
            try:
                if element.kind == "x":
                    self.expand_call(element, scope, names, depth)
                elif top and self.is_repeated:
                    self.instances += self.read_again(element, scope)
                elif top:
                    read = functools.partial(self.read_card, element)
                    self.instances += self.forms.read(element, scope, read)
                else:
                    template = self.templates.get(element, scope, names, self.read_element)
                    self.instances.extend(placed(template, names, scope))
            except NetlistError as error:
                if not top:
                    raise
                self.errors.append(error)
                if len(self.errors) >= MAX_ERRORS:
                    raise combined(self.errors) from None
        for card in definition.conditions:
            template = read_conditions(card, scope) if top else self.templates.get(card, scope, names, read_conditions)
            for kind, net, value in template.conditions:
                self.conditions[kind][names[net]] = value
                self.condition_cards[names[net]] = card

    def expand_call(self, element: Element, scope: Scope, names: Names, depth: int) -> None:
        """Expand an X card."""
        call = self.call(element, scope)
        given = {}
        for name, assignment in call.given.items():
            if isinstance(assignment, Assignment):
                given[name] = scope.evaluate(assignment.card, assignment.start, assignment.end)
            else:
                given[name] = assignment
        path = names.prefix + element.name
        global_nets = self.deck.global_nets
        if depth == 0:
            nets = call.nets
        else:
            nets = tuple([net if net in global_nets else names[f"{NET}{net}{END}"] for net in call.nets])
        inner = scope.inner(scope.values, call.definition, path)
        try:
            self.values(call.definition, inner, given)
        except NetlistError as error:
            if error.location is None or error.location.instance:
                raise
            where = replace(error.location, instance=path)
            raise NetlistError(error.message, where, hint=error.hint, expected=error.expected) from None
        local = self.local_names.get(call.definition)
        if local is None:
            local = self.local_names[call.definition] = LocalNames(call.definition.ports)
        self.expand(call.definition, inner, Names(path + ".", local, nets), depth + 1)

    def read_again(self, element: Element, scope: Scope) -> Sequence[Instance]:
        """Instances of a card at the top; it is read only if something that it asks for has changed."""
        session = self.session
        asked, made = self.deck.kept.get(element, ({}, ()))
        values = {**scope.values, " temperature": session.temperature, " nominal": session.nominal_temperature}
        if asked and all(values.get(name) == value for name, value in asked.items()):
            return made
        listening, notes = scope.listening(), len(session.notes)
        made = self.read_card(element, CardReader(element.card, element.start, listening, scope.part(element.name)))
        # A card that leaves a note is read each time, so that the note is left each time.
        if len(session.notes) == notes and isinstance(listening.values, Listener):
            names = {*listening.values.asked, " temperature", " nominal"}
            self.deck.kept[element] = {name: values.get(name) for name in names}, made
        return made

    def read_element(self, element: Element, scope: Scope) -> Template:
        """Read an element card that is no X card."""
        reader = CardReader(element.card, element.start, scope, scope.part(element.name))
        return Template(tuple(self.read_card(element, reader)))

    def read_card(self, element: Element, reader: CardReader) -> Sequence[Instance]:
        """Read an element card that is no X card with a reader that stands behind its name."""
        candidates = devices_by_letter(element.kind)
        if not candidates:
            if len(element.kind) > 1 and element.kind[1:] in devices:
                return (read_native(reader, devices.get(element.kind[1:])),)
            raise self.unknown_element(element, reader)
        rule = candidates[0].netlist
        try:
            if rule is not None and rule.read is not None:
                made = rule.read(reader)
                reader.end(rule.form)
            else:
                made = read_generic(reader, candidates)
        except ParameterError as error:
            raise NetlistError(str(error), reader.location) from None
        if "M" in element.card.text:
            _warn_of_milli(element, reader)
        return (made,) if isinstance(made, Instance) else tuple(made)

    def unknown_element(self, element: Element, reader: CardReader) -> NetlistError:
        """Say which elements exist."""
        where = reader.location
        letter = element.kind[0]
        if len(element.kind) > 1:
            words = [d.netlist.letter for d in devices if d.netlist is not None and d.netlist.letter[:1] in "Yy"]
            return NetlistError(f"there is no device '{element.kind}'", where, hint=nearest(element.kind, words))
        what = f" ({NOT_YET[letter]})" if letter in NOT_YET else ""
        return NetlistError(
            f"elements that begin with '{letter.upper()}'{what} are not supported",
            where,
            hint=f"supported: {', '.join(_letters())}",
        )


_MILLI_UNITS = {"r": "ohm", "l": "henry"}


def _warn_of_milli(element: Element, reader: CardReader) -> None:
    """Warn of 10M where a resistance, an inductance or a frequency stands."""
    if element.kind in _MILLI_UNITS:
        reader.warn_of_milli(element.start + 2, reader.position, _MILLI_UNITS[element.kind])
    elif element.kind in "vi":
        for index, token in enumerate(reader.tokens):
            if token.text == "sin":
                numbers = [i for i in range(index + 1, len(reader.tokens)) if reader.tokens[i].kind not in "(,"]
                if len(numbers) > 2:
                    reader.warn_of_milli(numbers[2], numbers[2] + 1, "hertz")


def read_conditions(card: Card, scope: Scope) -> Template:
    """Read ``.ic v(net)=value ...`` or ``.nodeset``."""
    reader = CardReader(card, 1, scope, card.keyword)
    kind = card.keyword[1:]
    form = f".{kind} v(<net>)=<value> ..."
    found = []
    if reader.at_end():
        reader.take("v(<net>)=<value>")
    while not reader.at_end():
        if reader.accept(","):
            continue
        word = reader.word()
        if word != "v":
            hint = "give the inductor ic=<current>" if word == "i" else ""
            raise reader.error(f"'{word[:40]}' where v(<net>) should stand", hint=hint, expected=form)
        reader.expect("(")
        net = reader.net()
        if reader.peek() == ",":
            raise reader.error(f".{kind} of a voltage difference is not supported", expected=form)
        reader.expect(")")
        reader.expect("=")
        found.append((kind, net, reader.number()))
    return Template((), tuple(found))


def elaborate(deck: Deck, parameters: Mapping[str, float] | None = None, temperature: float | None = None) -> Circuit:
    """Flatten a deck.

    Parameters
    ----------
    deck : Deck
    parameters : mapping of str to float, optional
        Values that replace those of top-level ``.param`` cards.
    temperature : float, optional
        Replaces ``.temp`` [degree Celsius].

    Raises
    ------
    NetlistError
        For anything that is not understood.
    """
    elaboration = Elaboration(deck, parameters or {}, temperature)
    elaboration.is_repeated = parameters is not None
    with collection_paused():
        return elaboration.run()


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Without cyclic garbage collection: a circuit is a million small objects, which are scanned again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                # What was made will live: it becomes old without being scanned as young.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
