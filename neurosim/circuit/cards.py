"""A cursor over one element card, with which device files read their own cards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.circuit.lexer import Card, Token, is_assignment, value_end
from neurosim.errors import Location, NetlistError, nearest
from neurosim.expressions import Expression, Reference
from neurosim.units import parse_number

if TYPE_CHECKING:
    from neurosim.circuit.scopes import Scope
    from neurosim.devices.device import Device


@dataclass(frozen=True, slots=True)
class Model:
    """A ``.model`` card with its values: numbers, or the word as written in lower case.

    `read_as` keeps, by the first letters of a part, the device that the model makes and the values it gives.
    """

    name: str
    type: str
    values: Mapping[str, float | str]
    location: Location
    card: Card | None = None
    read_as: dict[str, tuple[Device, Mapping[str, float]]] = field(default_factory=dict, compare=False, repr=False)

    def where(self, key: str) -> Location:
        """Place of one of its parameters."""
        tokens = self.card.tokens if self.card is not None else ()
        for index in range(3, len(tokens)):
            if self.card is not None and tokens[index].text == key and is_assignment(tokens, index):
                return self.card.token_location(index)
        return self.location


class CardReader:
    """Reads one card from the token `start` on.

    Parameters
    ----------
    card : Card
    start : int
        Index of the first token to read.
    scope : Scope
        Where names are looked up.
    name : str
        Full lower-case name of the element, or the keyword of the card.
    """

    def __init__(self, card: Card, start: int, scope: Scope, name: str) -> None:
        self.card, self.position, self.scope, self.name = card, start, scope, name
        self.tokens = card.tokens
        self._looked_at: tuple[int, float | None] = (-1, None)
        """Token that `is_number` read last, and its value."""
        self.dialect = scope.dialect
        self.temperature, self.nominal_temperature = scope.temperature, scope.nominal_temperature
        """Temperature of the circuit, and that of model values (``tnom``) [degree Celsius]."""

    @property
    def location(self) -> Location:
        """Place of the card."""
        return self.card.token_location(0, self.scope.instance)

    def at_end(self) -> bool:
        """Whether the card is used up."""
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str | None:
        """Lower-case text of a coming token, braces and quotes included; None at the end."""
        index = self.position + ahead
        if index >= len(self.tokens):
            return None
        token = self.tokens[index]
        if token.kind in ("expression", "string"):
            return self.card.text[token.start : token.end].lower()
        return token.text

    def take(self, expected: str) -> Token:
        """Consume a token.

        Raises
        ------
        NetlistError
            At the end of the card.
        """
        if self.position >= len(self.tokens):
            raise NetlistError(
                f"the card ends where {expected} should follow",
                self.card.token_location(len(self.tokens), self.scope.instance),
            )
        self.position += 1
        return self.tokens[self.position - 1]

    def word(self) -> str:
        """Consume a token and return it in lower case."""
        return self.take("a word").text

    def text(self) -> str:
        """Consume a token and return it as written, without quotes or braces."""
        return self.take("a word").raw

    def accept(self, *words: str) -> bool:
        """Consume the next token if it is one of `words`."""
        if self.peek() in words:
            self.position += 1
            return True
        return False

    def expect(self, *words: str) -> str:
        """Consume the next token, which must be one of `words`."""
        found = self.peek()
        if found not in words:
            wanted = " or ".join(f"'{word}'" for word in words)
            self.take(wanted)
            raise self.error(f"'{found}' where {wanted} should stand")
        self.position += 1
        return found

    def end(self, expected: str = "") -> None:
        """Require the end of the card."""
        if not self.at_end():
            token = self.take("")
            shown = self.card.text[token.start : token.end][:40]
            raise self.error(f"'{shown}' after the end of the card", expected=expected)

    def net(self) -> str:
        """Consume a net and return its full name."""
        token = self.take("a net")
        if token.kind != "word":
            raise self.error(f"'{self.card.text[token.start : token.end][:40]}' where a net should stand")
        return self.full_net(self.position - 1)

    def full_net(self, index: int) -> str:
        """Full name of the net that the token number `index` names."""
        return self.scope.net(self.tokens[index].text)

    def nets(self, count: int) -> tuple[str, ...]:
        """Consume `count` nets; parentheses around them and commas between them are optional."""
        ahead = self.tokens[self.position : self.position + count]
        if len(ahead) == count and all(token.kind == "word" for token in ahead):
            first = self.position
            self.position += count
            self.accept(",")
            return tuple([self.full_net(index) for index in range(first, first + count)])
        opened = self.accept("(")
        found = []
        for _ in range(count):
            found.append(self.net())
            self.accept(",")
        if opened:
            self.expect(")")
        return tuple(found)

    def instance(self) -> str:
        """Consume the name of another element of the same scope and return its full name."""
        token = self.take("the name of an element")
        if token.kind != "word":
            raise self.error(f"'{token.raw[:40]}' where the name of an element should stand")
        return self.scope.part(token.text)

    def is_number(self) -> bool:
        """Whether `number` could read the next token."""
        if self.at_end():
            return False
        token = self.tokens[self.position]
        if token.kind == "expression":
            return True
        if token.kind != "word" or is_assignment(self.tokens, self.position):
            return False
        self._looked_at = self.position, parse_number(token.text)
        if self._looked_at[1] is not None:
            return True
        called = self.position + 1 < len(self.tokens) and self.tokens[self.position + 1].kind == "("
        return not called and token.text in self.scope.values

    def number(self) -> float:
        """Consume a number, an expression in braces or quotes, or the bare name of a parameter; return its value.

        Raises
        ------
        NetlistError
            If there is none, or its value is not finite.
        """
        token = self.take("a number")
        if token.kind == "word":
            at, value = self._looked_at
            if at != self.position - 1:
                value = parse_number(token.text)
            if value is None:
                value = self.scope.parameter(token.text)
            if value is None:
                raise self.not_a_number(token)
            return value
        if token.kind != "expression":
            raise self.not_a_number(token)
        first = self.position - 1
        value = self.scope.evaluate(self.card, token.start + 1, token.end - 1)
        if not math.isfinite(value):
            raise NetlistError(
                f"'{token.raw[:60]}' is {value:g}, not a finite number",
                self.card.token_location(first, self.scope.instance),
            )
        return value

    def not_a_number(self, token: Token) -> NetlistError:
        """The error for `token`, just consumed."""
        shown = self.card.text[token.start : token.end][:40]
        if token.kind == "word" and any(operator in token.text for operator in "*/+^"):
            return self.error(f"'{shown}' is not a number", hint=f"write expressions in braces: {{{shown}}}")
        hint = ""
        if token.kind == "word" and token.text.isidentifier():
            known = [name for name in self.scope.values if name not in ("temper", "temp")]
            hint = f"there is no parameter '{shown}'; {nearest(token.text, known)}".rstrip("; ")
        return self.error(f"'{shown}' is not a number", hint=hint)

    def numbers(self) -> list[float]:
        """Consume all numbers that follow, with parentheses around and commas between them."""
        found = []
        self.accept("(")
        while self.is_number():
            found.append(self.number())
            self.accept(",")
        self.accept(")")
        return found

    def quantity(self, own: Mapping[str, Reference] | None = None) -> float | Expression:
        """As `number`, but an expression that uses ``v()``, ``i()`` or ``time`` comes back bound.

        Names in `own` stand for a voltage or a current of the part itself; in LTspice they hide parameters.
        """
        if self.at_end():
            return self.number()
        token = self.tokens[self.position]
        if own and self.dialect != "ltspice":
            own = {name: reference for name, reference in own.items() if name not in self.scope.values}
        if token.kind == "word" and token.text not in (own or ()) and self.is_number():
            return self.number()
        start, end = self._expression_range()
        value = self.scope.quantity(self.card, start, end, own)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(f"'{self.card.text[start:end][:60]}' is {value:g}, not a finite number")
        return value

    def expression(self) -> Expression:
        """Consume ``{...}``, ``'...'`` or bare text up to the end or the next ``key =``; return it bound."""
        start, end = self._expression_range()
        return self.scope.bind(self.card, start, end)

    def _expression_range(self) -> tuple[int, int]:
        """Consume an expression and return where its text begins and ends on the card."""
        token = self.take("an expression")
        index = self.position - 1
        if token.kind in ("expression", "string"):
            return token.start + 1, token.end - 1
        if token.kind in (")", "=", ","):
            raise self.error(f"'{token.raw}' where an expression should stand")
        self.position = max(index + 1, value_end(self.tokens, index))
        return token.start, self.tokens[self.position - 1].end

    def key(self) -> str | None:
        """Consume ``name =`` if that follows, and return the name."""
        if not is_assignment(self.tokens, self.position):
            return None
        self.position += 2
        return self.tokens[self.position - 2].text

    def keywords(self, allowed: Iterable[str]) -> dict[str, float]:
        """Consume the rest of the card as ``key=number`` pairs with keys from `allowed`."""
        known = set(allowed)
        found: dict[str, float] = {}
        while not self.at_end():
            if self.accept(","):
                continue
            key = self.key()
            if key is None:
                self.end(f"<key>=<number> with {', '.join(sorted(known))}" if known else "")
            elif key not in known:
                raise self.error(f"unknown key '{key}'", hint=nearest(key, known), back=2)
            elif key in found:
                raise self.error(f"'{key}' is given twice", back=2)
            else:
                found[key] = self.number()
        return found

    def model(self, name: str, *types: str) -> Model:
        """The model called `name`, in this scope or further out.

        Parameters
        ----------
        name : str
            Case does not matter.
        types : str
            Accepted types in lower case; any if none is given.

        Raises
        ------
        NetlistError
            If there is none, or it has another type.
        """
        model = self.scope.model(name.lower())
        if model is None:
            known = self.scope.model_names(types)
            hint = nearest(name.lower(), known) or "define it with .model"
            if any(operator in name for operator in "*/+^"):
                hint = f"write expressions in braces: {{{name}}}"
            raise self.error(f"there is no model '{name}'", hint=hint)
        if types and model.type not in types:
            wanted = " or ".join(types)
            raise self.error(
                f"model '{name}' has the type '{model.type}', here {wanted} is needed",
                hint=f"it is defined at {model.location}",
            )
        return model

    def resolve_file(self, text: str) -> Path:
        """Path of a data file named on the card."""
        return self.scope.resolve_file(
            text, self.card.token_location(self.position - 1, self.scope.instance), self.card
        )

    def error(self, message: str, *, hint: str = "", expected: str = "", back: int = 1) -> NetlistError:
        """An error at the token consumed last (`back` tokens before the cursor)."""
        index = max(0, self.position - back)
        return NetlistError(message, self.card.token_location(index, self.scope.instance), hint=hint, expected=expected)

    def note(self, message: str, hint: str = "") -> None:
        """Leave a warning at the token consumed last."""
        where = self.card.token_location(max(0, self.position - 1), self.scope.instance)
        self.scope.note(message, where, hint)

    def warn_of_milli(self, first: int, stop: int, quantity: str) -> None:
        """Warn where a number from token `first` to before `stop` is written with a capital M, as in 10M."""
        for index, raw in self.milli_numbers(first, stop):
            message = f"'{raw}' is {parse_number(raw):g} {quantity}: M is milli"
            self.scope.note(message, self.card.token_location(index), "did you mean Meg?")

    def milli_numbers(self, first: int, stop: int) -> list[tuple[int, str]]:
        """Tokens from `first` to before `stop` that are numbers with a capital M, which is milli."""
        found = enumerate(self.tokens[first:stop], first)
        return [(index, token.raw) for index, token in found if token.kind == "word" and _is_milli(token.raw)]


def _is_milli(raw: str) -> bool:
    digits = raw.lstrip("+-").lstrip("0123456789.")
    return digits.startswith("M") and digits[:3].lower() not in ("meg", "mil") and parse_number(raw) is not None
