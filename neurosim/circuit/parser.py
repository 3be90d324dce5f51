"""From files to a deck: cards sorted into nested scopes, includes and library sections read, nothing evaluated yet."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from neurosim.circuit.files import Files
from neurosim.circuit.known_cards import DIRECTIVES, REFUSED, STRUCTURE, WITHOUT_EFFECT
from neurosim.circuit.lexer import NO_WORD, Card, SourceFile, Token, cards, is_assignment, shown, value_end
from neurosim.circuit.model import Dialect
from neurosim.devices.device import Instance
from neurosim.errors import Location, NetlistError, Note, nearest


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """``name = value`` as written: the value is the card's characters `start` to `end`, braces or quotes taken off."""

    name: str
    card: Card
    start: int
    end: int
    at: Location

    @property
    def text(self) -> str:
        """Text of the value."""
        return self.card.text[self.start : self.end]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCard:
    """``.func name(parameters) {body}``."""

    name: str
    parameters: tuple[str, ...]
    body: Assignment


@dataclass(frozen=True, slots=True, eq=False)
class ModelCard:
    """``.model name type (key=value ...)``; assignments begin at token `start`."""

    name: str
    type: str
    card: Card
    start: int
    scope: Definition


@dataclass(slots=True, eq=False)
class Element:
    """An element card and its name within its scope; what follows the name begins at token `start`.

    `kind` is the first letter, or the whole first word of a Y card.
    """

    name: str
    kind: str
    card: Card
    start: int


@dataclass(slots=True, eq=False)
class Definition:
    """A subcircuit, or the top of the deck (whose `name` is empty)."""

    name: str
    ports: tuple[str, ...] = ()
    defaults: list[Assignment] = field(default_factory=list)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    functions: dict[str, FunctionCard] = field(default_factory=dict)
    models: dict[str, ModelCard] = field(default_factory=dict)
    subcircuits: dict[str, Definition] = field(default_factory=dict)
    elements: dict[str, Element] = field(default_factory=dict)
    conditions: list[Card] = field(default_factory=list)
    parent: Definition | None = None
    location: Location | None = None
    depth: int = 0

    def subcircuit(self, name: str) -> Definition | None:
        """The subcircuit called `name` here or further out."""
        scope: Definition | None = self
        while scope is not None:
            if name in scope.subcircuits:
                return scope.subcircuits[name]
            scope = scope.parent
        return None

    def model(self, name: str) -> ModelCard | None:
        """The model called `name` here or further out."""
        scope: Definition | None = self
        while scope is not None:
            if name in scope.models:
                return scope.models[name]
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """An X card: its nets as written, what it calls, and the parameters given, evaluated where they are numbers."""

    nets: tuple[str, ...]
    definition: Definition
    given: dict[str, Assignment | float]


@dataclass(slots=True)
class Deck:
    """A parsed netlist.

    `directives` are the cards that act on the whole circuit (analyses, options, output), in order.
    """

    title: str
    path: str
    dialect: Dialect
    files: Files
    top: Definition
    directives: list[Card] = field(default_factory=list)
    global_nets: set[str] = field(default_factory=lambda: {"0"})
    notes: list[Note] = field(default_factory=list)
    dialect_stated: bool = True
    calls: dict[Element, Call] = field(default_factory=dict)
    sizes: dict[Definition, tuple[int, int]] = field(default_factory=dict)
    """X cards, and parts and depth of each subcircuit, once an elaboration has read them."""
    kept: dict[Element, tuple[dict[str, float | None], Sequence[Instance]]] = field(default_factory=dict)
    """Of cards at the top that were read with other parameters before: what they asked for, and what came of it."""


_KNOWN = DIRECTIVES | STRUCTURE
_ELEMENT_LIKE = re.compile(r"\s*(\.[a-z]+\b|[rcldvibefghx]\w*\s+\S+\s+\S+\s+(\S+\s+)*[-+]?[0-9.]+[a-z]*\s*$)", re.I)
_LTSPICE_LIBRARY = re.compile(r"(^|[\\/])standard\.(dio|bjt|mos|jft|bead|cap|ind|res)$", re.I)


class Parser:
    """Reads the cards of one deck into `deck`."""

    def __init__(self, source: SourceFile, dialect: Dialect, files: Files) -> None:
        title = shown(source.lines[0])
        self.deck = Deck(title.strip(), source.path, dialect, files, Definition(""))
        self.dialect: Dialect = dialect
        self.files = files
        self.scope = self.deck.top
        self.errors: list[NetlistError] = []
        self.skipped: dict[tuple[str, str], dict[str, Location]] = {}
        """Sections that were passed over, by folder and name of their file, with their places."""
        self.asked: set[tuple[tuple[str, str], str]] = set()
        """Files and sections that some ``.lib`` asks for."""
        self.readers: dict[str, Callable[[Card], None]] = {
            ".param": self.parameters,
            ".params": self.parameters,
            ".func": self.function,
            ".function": self.function,
            ".subckt": self.open_subcircuit,
            ".ends": self.close_subcircuit,
            ".model": self.model,
            ".global": self.global_nets,
            ".ic": lambda card: self.scope.conditions.append(card),
            ".nodeset": lambda card: self.scope.conditions.append(card),
            ".title": self.title,
        }
        if _ELEMENT_LIKE.match(title):
            self.deck.notes.append(
                Note(
                    "the first line is the title; it is not read as a card",
                    source.location(1, 1, len(title.rstrip())),
                    hint="put a title line above it",
                )
            )

    def run(self, source: SourceFile) -> Deck:
        """Read everything.

        Raises
        ------
        NetlistError
            See `fail`.
        """
        self.cards(source, cards(source, self.dialect, first_line=2))
        if self.scope is not self.deck.top and not self.errors:
            raise NetlistError(
                f".subckt {self.scope.name} is not closed", self.scope.location, expected=f".ends {self.scope.name}"
            )
        if self.errors:
            raise combined(self.errors)
        self.note_unread()
        return self.deck

    def note_unread(self) -> None:
        """Leave a note on sections that no ``.lib`` card asks for, one a file."""
        for file, sections in self.skipped.items():
            names = [name for name in sections if (file, name) not in self.asked]
            if names:
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                shown, plural = ", ".join(f"'{name}'" for name in names[:3]) + more, "s" if len(names) > 1 else ""
                asks = f"no .lib card asks for {'them' if plural else 'it'}"
                hint = f"read it with .lib {file[1]} {names[0]}, or take .lib and .endl away"
                message = f"library section{plural} {shown} not read: {asks}"
                self.deck.notes.append(Note(message, sections[names[0]], hint))

    def cards(self, source: SourceFile, found: list[Card]) -> None:
        """Read the cards of one file or library section."""
        index, ends = 0, _section_ends(found)
        while index < len(found):
            card = found[index]
            keyword = card.keyword if card.text[0] == "." else ""
            if keyword == ".end":
                return
            try:
                if keyword == ".lib" and (end := _section_end(card, index, ends)):
                    self.skipped.setdefault(_file(source), {}).setdefault(card.tokens[1].text, card.token_location(1))
                    index = end
                elif keyword in (".include", ".inc", ".lib"):
                    self.include(source, card)
                else:
                    self.card(card, keyword)
            except NetlistError as error:
                self.errors.append(error)
                if len(self.errors) >= MAX_ERRORS or keyword in (".subckt", ".control", ".if"):
                    raise combined(self.errors) from None
            index += 1

    def card(self, card: Card, keyword: str) -> None:
        """Put one card into the scope that is open."""
        # All cards are split here, so that an unclosed brace or an endless word is an error of this card and no other.
        if not (keyword and card.tokens):
            self.element(card)
        elif keyword in self.readers:
            self.readers[keyword](card)
        elif keyword in DIRECTIVES:
            if self.scope is not self.deck.top:
                raise NetlistError(
                    f"{keyword} inside .subckt {self.scope.name}",
                    card.location(0, len(keyword)),
                    hint="it belongs to the whole circuit: move it out of the subcircuit",
                )
            self.deck.directives.append(card)
        elif keyword in WITHOUT_EFFECT:
            self.deck.notes.append(Note(f"{keyword} has no effect here", card.location(0, len(keyword))))
        else:
            hint = REFUSED.get(keyword) or nearest(keyword, _KNOWN)
            raise NetlistError(f"{keyword} is not supported", card.location(0, len(keyword)), hint=hint)

    def element(self, card: Card) -> None:
        """Enter an element under its name."""
        pieces = card.pieces
        name, start = pieces[0], 1
        kind = name[0]
        if kind in NO_WORD:
            raise NetlistError(f"a card cannot begin with '{card.tokens[0].raw[:20]}'", card.token_location(0))
        if kind == "y":
            kind = name
            if len(pieces) < 2 or pieces[1][0] in NO_WORD:
                written = card.tokens[0].raw
                raise NetlistError(
                    f"{written} without a name",
                    card.token_location(1),
                    expected=f"{written} <name> <net> <net> ...",
                )
            name, start = pieces[1], 2
        elif len(name) > 2 and name[1] == "." and name.rpartition(".")[2][:1] == kind:
            # ngspice's spelling of a part inside subcircuits: r.x1.r2 is r2 of x1.
            name = name[2:]
        previous = self.scope.elements.get(name)
        if previous is not None:
            raise NetlistError(
                f"element '{name}' is defined twice",
                card.token_location(start - 1),
                hint=f"first defined at {previous.card.location()}",
            )
        self.scope.elements[name] = Element(name, kind, card, start)

    def parameters(self, card: Card) -> None:
        """``.param a=1 b={...} f(x)={...}``."""
        tokens = card.tokens
        index = 1
        if index == len(tokens):
            raise NetlistError(f"{card.keyword} without a parameter", card.token_location(1), expected=".param a=1 b=2")
        while index < len(tokens):
            if tokens[index].kind == ",":
                index += 1
            elif index + 1 < len(tokens) and tokens[index + 1].kind == "(":
                index = self.function_from(card, index)
            else:
                assignment, index = read_assignment(card, index)
                earlier = self.scope.assignments.pop(assignment.name, None)
                if earlier and str(earlier.at) != str(assignment.at):
                    self.deck.notes.append(
                        Note(
                            f"parameter '{assignment.name}' is given again; the last value holds",
                            assignment.at,
                            hint=f"first given at {earlier.at}",
                        )
                    )
                self.scope.assignments[assignment.name] = assignment

    def function(self, card: Card) -> None:
        """``.func name(x, y) {body}``."""
        if self.function_from(card, 1) < len(card.tokens):
            raise NetlistError("text after the function's body", card.token_location(len(card.tokens) - 1))

    def function_from(self, card: Card, index: int) -> int:
        """Read ``name(x, y) [=] body`` at token `index`; return the index after it."""
        tokens, form = card.tokens, ".func <name>(<x>, <y>) {<body>}"
        name_at = index
        names: list[str] = []
        if index + 1 >= len(tokens) or tokens[index].kind != "word" or tokens[index + 1].kind != "(":
            raise NetlistError("a function without a name and parameters", card.token_location(index), expected=form)
        index += 2
        while index < len(tokens) and tokens[index].kind != ")":
            if tokens[index].kind == "word":
                names.append(tokens[index].text)
            elif tokens[index].kind != ",":
                raise NetlistError("a function's parameters are names", card.token_location(index), expected=form)
            index += 1
        index += 1
        if index < len(tokens) and tokens[index].kind == "=":
            index += 1
        if index >= len(tokens):
            raise NetlistError("a function without a body", card.token_location(index), expected=form)
        end = len(tokens) if card.keyword.startswith(".func") else value_end(tokens, index)
        name = tokens[name_at].text
        body = _value(card, name, name_at, index, end)
        earlier = self.scope.functions.get(name)
        if earlier is not None and str(earlier.body.at) != str(body.at):
            raise NetlistError(
                f"function '{name}' is defined twice", body.at, hint=f"first defined at {earlier.body.at}"
            )
        self.scope.functions[name] = FunctionCard(name, tuple(names), body)
        return end

    def open_subcircuit(self, card: Card) -> None:
        """``.subckt name ports [params:] [a=1 ...]``."""
        tokens = card.tokens
        if len(tokens) < 2 or tokens[1].kind != "word":
            raise NetlistError(".subckt without a name", card.token_location(1), expected=".subckt <name> <port> ...")
        name, index = tokens[1].text, 2
        ports: dict[str, None] = {}
        while index < len(tokens) and not is_assignment(tokens, index) and not (end := params_word(tokens, index)):
            if tokens[index].kind != "word":
                raise NetlistError(
                    f"'{tokens[index].raw[:20]}' cannot be a port of .subckt {name}", card.token_location(index)
                )
            port = ground(tokens[index].text)
            if port in ports:
                raise NetlistError(f"port '{port}' of .subckt {name} is given twice", card.token_location(index))
            if port == "0":
                raise NetlistError(f"ground cannot be a port of .subckt {name}", card.token_location(index))
            ports[port] = None
            index += 1
        if index < len(tokens) and (end := params_word(tokens, index)):
            index = end
        definition = Definition(name, tuple(ports), parent=self.scope, depth=self.scope.depth + 1)
        definition.location = card.token_location(1)
        if definition.depth > self.files.limits.subcircuit_depth:
            raise NetlistError(f".subckt nested deeper than {self.files.limits.subcircuit_depth}", definition.location)
        while index < len(tokens):
            if tokens[index].kind == ",":
                index += 1
                continue
            assignment, index = read_assignment(card, index)
            definition.defaults.append(assignment)
        previous = self.scope.subcircuits.get(name)
        if previous is not None and str(previous.location) != str(definition.location):
            raise NetlistError(
                f"subcircuit '{name}' is defined twice",
                definition.location,
                hint=f"first defined at {previous.location}",
            )
        self.scope.subcircuits[name] = definition
        self.scope = definition

    def close_subcircuit(self, card: Card) -> None:
        """``.ends [name]``."""
        tokens = card.tokens
        if self.scope.parent is None:
            raise NetlistError(".ends without .subckt", card.location(0, 5))
        if len(tokens) > 1 and tokens[1].text != self.scope.name:
            raise NetlistError(
                f".ends {tokens[1].raw} closes .subckt {self.scope.name}",
                card.token_location(1),
                hint=f".subckt {self.scope.name} was opened at {self.scope.location}",
                expected=f".ends {self.scope.name}",
            )
        if len(tokens) > 2:
            raise NetlistError("text after .ends", card.token_location(2), expected=".ends [<name>]")
        self.scope = self.scope.parent

    def model(self, card: Card) -> None:
        """``.model name type [(] key=value ... [)]``."""
        tokens = card.tokens
        form = ".model <name> <type> (<parameter>=<value> ...)"
        if len(tokens) < 3 or tokens[1].kind != "word" or tokens[2].kind != "word":
            raise NetlistError(
                "a model needs a name and a type", card.token_location(min(2, len(tokens))), expected=form
            )
        name, type_name = tokens[1].text, tokens[2].text
        if type_name.startswith("ako:"):
            raise NetlistError(
                f"model '{name}' is derived from '{type_name[4:]}': ako is not supported",
                card.token_location(2),
                hint=f"copy the parameters of '{type_name[4:]}'",
            )
        previous = self.scope.models.get(name)
        if previous is not None and str(previous.card.location()) != str(card.location()):
            raise NetlistError(
                f"model '{name}' is defined twice",
                card.token_location(1),
                hint=f"first defined at {previous.card.location()}",
            )
        self.scope.models[name] = ModelCard(name, type_name, card, 3, self.scope)

    def global_nets(self, card: Card) -> None:
        """``.global net ...``."""
        if len(card.tokens) < 2:
            raise NetlistError(".global without a net", card.token_location(1), expected=".global <net> ...")
        for index, token in enumerate(card.tokens[1:], 1):
            if token.kind == "word":
                self.deck.global_nets.add(ground(token.text))
            elif token.kind != ",":
                raise NetlistError(f"'{token.raw[:20]}' is not a net", card.token_location(index))

    def title(self, card: Card) -> None:
        """``.title text``."""
        self.deck.title = card.text[len(".title") :].strip()

    def include(self, source: SourceFile, card: Card) -> None:
        """``.include file``, ``.lib file``, ``.lib file section``."""
        tokens, keyword = card.tokens, card.keyword
        rest = card.text[len(keyword) :].strip()
        if len(tokens) < 2 or tokens[1].kind not in ("word", "string", "expression"):
            raise NetlistError(f"{keyword} without a file name", card.token_location(1), expected=f'{keyword} "<file>"')
        section = ""
        if tokens[1].kind != "word" or keyword == ".lib":
            name, after = tokens[1].raw, 2
        else:
            name, after = rest, len(tokens)
        if keyword == ".lib" and len(tokens) > after and tokens[after].kind in ("word", "string"):
            section, after = tokens[after].text, after + 1
        if after < len(tokens):
            raise NetlistError(f"text after {keyword} {name}", card.token_location(after))
        where = card.token_location(1)
        if keyword == ".lib" and _LTSPICE_LIBRARY.search(name):
            self.deck.notes.append(
                Note(
                    f"{name} belongs to LTspice and is not read",
                    where,
                    hint="models used from it must be written in the netlist",
                )
            )
            return
        included = self.files.open(name, source, where)
        if included is None:
            return
        found = cards(included, self.dialect)
        if section:
            self.asked.add((_file(included), section))
            found = _section(found, section, where, included.path)
        self.cards(included, found)
        self.files.close()


MAX_ERRORS = 20
"""Errors of different cards that are shown together."""


def combined(errors: list[NetlistError]) -> NetlistError:
    """The first error, its text followed by that of the others."""
    if len(errors) == 1:
        return errors[0]
    first = errors[0]
    result = NetlistError(first.message, first.location, hint=first.hint, expected=first.expected)
    texts = list(dict.fromkeys(str(error) for error in errors))
    result.args = ("\n".join(texts) + (f"\n{len(texts)} errors" if len(texts) > 1 else ""),)
    return result


def ground(net: str) -> str:
    """The net's name; ``gnd`` is ``0``."""
    return "0" if net == "gnd" else net


PARAMS_WORDS = ("params:", "params", ":")
"""Words that may stand between the nets of an X card and its parameters."""


def params_word(tokens: tuple[Token, ...], index: int) -> int:
    """Index after ``params:`` (also ``params :`` and ``params``) at `index`, else 0."""
    if tokens[index].text == "params:":
        return index + 1
    if tokens[index].text == "params":
        follows = index + 1 < len(tokens) and tokens[index + 1].text == ":"
        return index + (2 if follows else 1) if follows or is_assignment(tokens, index + 1) else 0
    return 0


def read_assignment(card: Card, index: int, *, one_word: bool = False) -> tuple[Assignment, int]:
    """Read ``name = value`` at token `index`; return it and the index after it.

    With `one_word` the value is one token, else it goes on up to the next ``name =``.
    """
    tokens = card.tokens
    if not is_assignment(tokens, index):
        raise NetlistError(
            f"'{card.tokens[index].raw[:40]}' where a parameter should be given",
            card.token_location(index),
            expected="<name>=<value>",
        )
    end = value_end(tokens, index + 2)
    if one_word and end > index + 3:
        end = index + 3
    while end > index + 2 and tokens[end - 1].kind == ",":
        end -= 1
    if end == index + 2:
        raise NetlistError(f"{tokens[index].raw} = without a value", card.token_location(index + 1))
    return _value(card, tokens[index].text, index, index + 2, end), end


def _value(card: Card, name: str, name_at: int, start: int, end: int) -> Assignment:
    """Characters of the tokens `start` to `end`, without the braces or quotes around all of them."""
    tokens = card.tokens
    first, last = tokens[start], tokens[end - 1]
    inner = 1 if end == start + 1 and first.kind in ("expression", "string") else 0
    return Assignment(name, card, first.start + inner, last.end - inner, card.token_location(name_at))


def _file(source: SourceFile) -> tuple[str, str]:
    return os.path.realpath(source.folder), os.path.basename(source.path)


def _section_ends(found: list[Card]) -> list[int]:
    return [index for index, card in enumerate(found) if card.text[0] == "." and card.keyword == ".endl"]


def _section_end(card: Card, index: int, ends: list[int]) -> int:
    """Index of the ``.endl`` of the section that the ``.lib`` card at `index` opens; 0 if it opens none."""
    if len(card.tokens) != 2:
        return 0
    after = bisect.bisect_right(ends, index)
    return ends[after] if after < len(ends) else 0


def _section(found: list[Card], section: str, where: Location, path: str) -> list[Card]:
    """Cards of the section called `section`."""
    index, known, ends = 0, [], _section_ends(found)
    while index < len(found):
        card = found[index]
        if card.keyword == ".lib" and (end := _section_end(card, index, ends)):
            name = card.tokens[1].text
            if name == section:
                return found[index + 1 : end]
            known.append(name)
            index = end
        elif card.keyword == ".lib" and len(card.tokens) == 2 and card.tokens[1].text == section:
            message = f"section '{section}' of {os.path.basename(path)} is not closed"
            raise NetlistError(message, card.token_location(1), expected=".endl")
        index += 1
    hint = nearest(section, known) or "the file has no sections"
    raise NetlistError(f"{os.path.basename(path)} has no section '{section}'", where, hint=hint)


def parse(source: SourceFile, dialect: Dialect, files: Files) -> Deck:
    """Parse a netlist whose first line is the title."""
    return Parser(source, dialect, files).run(source)
