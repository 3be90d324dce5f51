"""Cards that differ only in names of nets and numbers: one is read in full, the others are filled in.

A *form* is a card that was read by a reader that notices what each word was used for. Words that only became the name
of a net, or a number among the values of the part, may differ on other cards of the form; all other words must be the
same. What was asked of a number on the way (is it positive?) is asked again of the others; where the answer is another
one the card is read in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Generic, TypeVar

from neurosim.circuit.cards import CardReader
from neurosim.circuit.handed import Guard, HandedValue, holds, plain
from neurosim.circuit.lexer import NO_WORD, Card
from neurosim.circuit.parser import PARAMS_WORDS, Assignment, Call, Definition, Element, ground
from neurosim.circuit.scopes import END, NET, PART, Scope
from neurosim.devices.device import Instance
from neurosim.errors import NetlistError
from neurosim.units import parse_number

T = TypeVar("T")

LARGEST_TABLE = 256
"""Cards with the same number of words that are tried as forms."""


class ByWords(Generic[T]):
    """Things that are known by some of the words of a card."""

    def __init__(self) -> None:
        self._tables: dict[object, dict[tuple[int, ...], tuple[Callable[[Sequence[str]], object], dict[object, T]]]]
        self._tables = {}
        self._seen: dict[object, int] = {}

    def find(self, kind: object, pieces: Sequence[str]) -> Iterator[T]:
        """What was kept for cards of this kind and length with these words."""
        tables = self._tables.get((kind, len(pieces)))
        if tables is not None:
            for words_of, table in tables.values():
                found = table.get(words_of(pieces))
                if found is not None:
                    yield found

    def wants(self, kind: object, pieces: Sequence[str]) -> bool:
        """Whether to keep such a card: not the first ones, which often are the only ones, and not too many."""
        seen = self._seen.get((kind, len(pieces)), 0)
        self._seen[kind, len(pieces)] = seen + 1
        return 2 < seen <= LARGEST_TABLE

    def keep(self, kind: object, pieces: Sequence[str], start: int, free: Iterable[int], item: T) -> None:
        """Keep `item` for cards whose words from `start` on are these, but for those at `free`."""
        free = set(free)
        fixed = tuple(k for k in range(start, len(pieces)) if k not in free)
        tables = self._tables.setdefault((kind, len(pieces)), {})
        words_of, table = tables.setdefault(fixed, (itemgetter(*fixed) if fixed else len, {}))
        table[words_of(pieces)] = item


class _NoticingReader(CardReader):
    """Reads a card and keeps what its words were used for.

    Attributes
    ----------
    looked : set of int
        Tokens that were looked at otherwise than as a net.
    used : set of int
        Tokens whose number was computed with.
    nets_at : dict of str to int
        Token of each net that was given out, by its mark.
    handed : dict of int to HandedValue
        Numbers by token.
    is_shared : bool
        False once something was done that other cards would do differently.
    """

    def __init__(self, card: Card, start: int, scope: Scope) -> None:
        super().__init__(card, start, scope, f"{PART}{END}")
        self.looked: set[int] = set()
        self.used: set[int] = set()
        self.nets_at: dict[str, int] = {}
        self.handed: dict[int, HandedValue] = {}
        self.is_shared = True

    def peek(self, ahead: int = 0) -> str | None:
        self.looked.add(self.position + ahead)
        return super().peek(ahead)

    def word(self) -> str:
        self.looked.add(self.position)
        return super().word()

    def text(self) -> str:
        self.looked.add(self.position)
        return super().text()

    def is_number(self) -> bool:
        self.looked.add(self.position)
        return super().is_number()

    def full_net(self, index: int) -> str:
        mark = f"{NET}{index}{END}"
        self.nets_at[mark] = index
        return mark

    def number(self) -> float:
        index = self.position
        value = super().number()
        token = self.tokens[index]
        if token.kind != "word" or parse_number(token.text) is None:
            return value
        self.handed[index] = found = HandedValue(value, lambda: self.used.add(index))
        return found

    def resolve_file(self, text: str) -> Path:
        self.is_shared = False
        return super().resolve_file(text)

    def note(self, message: str, hint: str = "") -> None:
        self.is_shared = False
        super().note(message, hint)


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """An instance to be filled in.

    Attributes
    ----------
    nets : tuple of int
        Words that are its nets.
    numbers : tuple of (key, word, guards)
        Words that are among its values.
    """

    model: Instance
    nets: tuple[int, ...]
    numbers: tuple[tuple[str, int, tuple[Guard, ...]], ...]

    def filled(self, name: str, card: Card) -> Instance | None:
        """The instance of a card; None if a word is of another kind or a question has another answer."""
        pieces = card.pieces
        values: Mapping[str, float] = self.model.values
        if self.numbers:
            values = dict(values)
            for key, k, guards in self.numbers:
                value = parse_number(pieces[k])
                if value is None or not holds(guards, value):
                    return None
                values[key] = value
        nets = [pieces[k] for k in self.nets]
        for net in nets:
            if net[0] in NO_WORD:
                return None
        model = self.model
        nets = tuple([ground(net) for net in nets])
        at = card.location(0, len(pieces[0]))
        return Instance(name, model.device, nets, values, model.expressions, (), model.table, at)


def _is_key(pieces: Sequence[str], k: int) -> bool:
    return k + 1 < len(pieces) and pieces[k + 1] == "="


@dataclass(frozen=True, slots=True, eq=False)
class CallForm:
    """An X card to be filled in.

    Attributes
    ----------
    definition : Definition
    nets : tuple of int
        Words that are its nets.
    numbers : tuple of (name, word)
        Words that are the values of its parameters.
    """

    definition: Definition
    nets: tuple[int, ...]
    numbers: tuple[tuple[str, int], ...]

    def filled(self, pieces: Sequence[str]) -> Call | None:
        """The call of a card; None if a word is of another kind."""
        given: dict[str, Assignment | float] = {}
        for name, k in self.numbers:
            value = parse_number(pieces[k])
            if value is None:
                return None
            given[name] = value
        nets = [pieces[k] for k in self.nets]
        for net in nets:
            if net[0] in NO_WORD or net in PARAMS_WORDS:
                return None
        return Call(tuple([ground(net) for net in nets]), self.definition, given)


class Forms:
    """The forms of one scope's element cards."""

    def __init__(self) -> None:
        self._known: ByWords[_Form] = ByWords()

    def read(
        self, element: Element, scope: Scope, read: Callable[[CardReader], Sequence[Instance]]
    ) -> Sequence[Instance]:
        """The instances of an element card of the outermost scope; `read` reads it in full.

        Raises
        ------
        NetlistError
            What `read` raises.
        """
        card, name = element.card, scope.part(element.name)
        pieces = card.pieces
        # A capital M may have to be warned of.
        if "M" not in card.text or element.kind not in "rlvi":
            for form in self._known.find(element.kind, pieces):
                made = form.filled(name, card)
                if made is not None:
                    return (made,)
            if self._known.wants(element.kind, pieces):
                self._learn(element, scope, read)
        return read(CardReader(card, element.start, scope, name))

    def _learn(self, element: Element, scope: Scope, read: Callable[[CardReader], Sequence[Instance]]) -> None:
        """Keep the form of a card if it is one."""
        reader = _NoticingReader(element.card, element.start, scope)
        try:
            found = read(reader)
        except NetlistError:
            return
        if not reader.is_shared or len(found) != 1:
            return
        instance = found[0]
        pieces = element.card.pieces
        nets = [reader.nets_at.get(net, -1) for net in instance.nets]
        free = {k for k in reader.nets_at.values() if k not in reader.looked}
        if instance.expressions or instance.controls or instance.name != reader.name or not free.issuperset(nets):
            return
        if instance.location != reader.location or any(_is_key(pieces, k) for k in (*free, *reader.handed)):
            return
        in_table = {id(value) for value in instance.table}
        words = {
            id(value): k for k, value in reader.handed.items() if k not in reader.used and id(value) not in in_table
        }
        numbers = [(key, words[id(value)]) for key, value in instance.values.items() if id(value) in words]
        model = replace(
            instance,
            values={key: plain(value) for key, value in instance.values.items()},
            table=tuple(plain(value) for value in instance.table),
        )
        form = _Form(model, tuple(nets), tuple((key, k, tuple(reader.handed[k].guards)) for key, k in numbers))
        self._known.keep(element.kind, pieces, element.start, (*nets, *(k for _, k in numbers)), form)
