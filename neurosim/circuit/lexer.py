"""From text to cards: physical lines, comments, continuations, tokens, and the place of every character."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from neurosim.errors import Location, NetlistError
from neurosim.expressions import Expression

Place = tuple[int, "SourceFile", int, int]
"""Offset in the card's text, file, line and column (both from 1) from which the text there was taken."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One file that was read: its name as shown, the folder that its includes are relative to, its lines."""

    path: str
    folder: str
    lines: tuple[str, ...]

    def location(self, line: int, column: int = 1, length: int = 1) -> Location:
        """Place in this file; `line` and `column` count from 1."""
        return Location(self.path, line, column, shown(self.lines[line - 1]), length)


_SHOWN = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
LONGEST_WORD = 1000
"""Characters of a name or number that are accepted; expressions and quoted text may be longer."""


def shown(text: str) -> str:
    """Text that may go to a terminal: control characters replaced, very long lines cut."""
    if len(text) <= _SHOWN and text.isprintable():
        return text
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[:_SHOWN])


class Token(NamedTuple):
    """A piece of a card.

    `kind` is ``"word"``, ``"expression"`` (braces or apostrophes, `text` is what is inside), ``"string"`` (double
    quotes), or the character itself for ``( ) = ,``. `text` is lower case, `raw` as written; both offsets count in
    the card's text.
    """

    kind: str
    text: str
    raw: str
    start: int
    end: int


class Card:
    """One logical line, continuations joined, comments removed."""

    def __init__(self, text: str, places: Sequence[Place]) -> None:
        self.text, self.places = text, places
        self._pieces: list[str] | None = None

    @cached_property
    def parsed(self) -> dict[int, Expression]:
        """Expressions of this card by the offset of their first character."""
        return {}

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The card's tokens.

        Raises
        ------
        NetlistError
            A brace or quote that is not closed.
        """
        return tuple(_tokenize(self))

    @property
    def pieces(self) -> list[str]:
        """The text of each token in lower case, braces and quotes included.

        Raises
        ------
        NetlistError
            As `tokens`.
        """
        if self._pieces is None:
            text = self.text
            if len(text) <= LONGEST_WORD and text.isascii() and not _QUOTING.search(text):
                self._pieces = _PIECE.findall(text.lower())
            else:
                self._pieces = [text[token.start : token.end].lower() for token in self.tokens]
        return self._pieces

    @property
    def keyword(self) -> str:
        """First word in lower case (``""`` if the card begins with something else)."""
        match = _TOKEN.match(self.text)
        return (match.group(3) or "").lower() if match else ""

    def location(self, start: int = 0, end: int | None = None, instance: str = "") -> Location:
        """Place of the characters `start` to `end` (one character by default)."""
        index = 0
        if start and len(self.places) > 1:
            index = max(0, bisect.bisect_right(self.places, start, key=lambda place: place[0]) - 1)
        offset, source, line, column = self.places[index]
        length = 1 if end is None else max(1, end - start)
        text = shown(source.lines[line - 1])
        return Location(source.path, line, column + max(0, start - offset), text, length, instance)

    def token_location(self, index: int, instance: str = "") -> Location:
        """Place of the token number `index`; just after the last one if there are fewer."""
        if index < len(self.tokens):
            token = self.tokens[index]
            return self.location(token.start, token.end, instance)
        return self.location(len(self.text), None, instance)

    def __repr__(self) -> str:
        return f"Card({self.text!r})"


_TOKEN = re.compile(r"""\s*(?:([()=,])|([{'"}])|([^\s(){}=,'"]+))""")
_QUOTING = re.compile(r"""[{'"}]""")
_PIECE = re.compile(r"[()=,]|[^\s()=,]+")
NO_WORD = frozenset("()=,{'\"")
"""What a token that is no word begins with."""
_CLOSING = {"{": "}", "'": "'", '"': '"'}


def _tokenize(card: Card) -> list[Token]:
    text, position, tokens = card.text, 0, []
    while match := _TOKEN.match(text, position):
        kind = match.lastindex
        start, position = match.span(kind or 0)
        raw = text[start:position]
        if kind == 1:
            tokens.append(Token(raw, raw, raw, start, position))
        elif kind == 3:
            if len(raw) > LONGEST_WORD:
                raise NetlistError(
                    f"a word of {len(raw)} characters; at most {LONGEST_WORD} are accepted", card.location(start)
                )
            tokens.append(Token("word", raw.lower(), raw, start, position))
        else:
            position = _closing(card, start)
            inner = text[start + 1 : position - 1]
            tokens.append(Token("string" if raw == '"' else "expression", inner.lower(), inner, start, position))
    return tokens


def _closing(card: Card, start: int) -> int:
    """Offset after the character that closes the brace or quote at `start`."""
    text, opening = card.text, card.text[start]
    if opening == "}":
        raise NetlistError("'}' without a '{' before it", card.location(start))
    if opening != "{":
        end = text.find(opening, start + 1)
        if end < 0:
            raise NetlistError(f"the quote {opening} is not closed on this card", card.location(start))
        return end + 1
    depth = 0
    for match in re.finditer(r"[{}]", text[start:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return start + match.end()
    raise NetlistError("'{' is not closed on this card", card.location(start), hint="close it with '}'")


def split_lines(text: str) -> tuple[str, ...]:
    """Physical lines of `text`, whatever the line ending."""
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def decode(data: bytes) -> str:
    """Text of a file: UTF-8, UTF-16 with its mark (as LTspice writes it), else Windows-1252."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


_COMMENT = {
    # ngspice 39 (run): '$' comments after white space or a comma, whatever follows it.
    "ngspice": re.compile(r'("[^"]*")|;|//|(?:(?<=[\s,])|^)\$'),
    "ltspice": re.compile(r'("[^"]*")|;|(?:(?<=\s)|^)\$(?=\s|$)'),
    "pspice": re.compile(r'("[^"]*")|;'),
}


def strip_comment(line: str, dialect: str) -> str:
    """`line` without its end-of-line comment and trailing white space; "" for a whole-line comment."""
    stripped = line.lstrip()
    if stripped.startswith("*"):
        return ""
    if ";" in line or "$" in line or "/" in line:
        for match in _COMMENT[dialect].finditer(line):
            if not match.group(1):
                return line[: match.start()].rstrip()
    return line.rstrip()


_BROKEN_EXPONENT = re.compile(r"(?:(?<![\w.])|(?<=[0-9.]))(?:[0-9]+\.?[0-9]*|\.[0-9]+)e([+-]?)$", re.IGNORECASE)


def _joint(before: str, after: str) -> str:
    """White space between two joined lines; none where the break is inside the exponent of a number."""
    match = _BROKEN_EXPONENT.search(before[-40:])
    if match and re.match(r"[0-9]" if match.group(1) else r"[+-][0-9]", after):
        return ""
    return " "


def cards(source: SourceFile, dialect: str, *, first_line: int = 1) -> list[Card]:
    """Join the lines of `source` from `first_line` on into cards; comment and blank lines disappear.

    Raises
    ------
    NetlistError
        A control character, or a continuation line with nothing to continue.
    """
    result: list[Card] = []
    pieces: list[str] = []
    places: list[Place] = []
    length = 0

    def finish() -> None:
        if pieces:
            result.append(Card("".join(pieces), tuple(places)))

    for number in range(first_line, len(source.lines) + 1):
        line = source.lines[number - 1]
        if not line.isprintable() and (control := _CONTROL.search(line)):
            where = source.location(number, control.start() + 1)
            raise NetlistError(f"control character {control.group()!r} in a netlist", where)
        line = strip_comment(line, dialect)
        text = line.lstrip()
        if not text:
            continue
        column = len(line) - len(text) + 1
        if text[0] == "+":
            if not pieces:
                raise NetlistError(
                    "continuation line '+' with no card before it",
                    source.location(number, column),
                    hint="the first line is the title and cannot be continued",
                )
            text = text[1:].lstrip()
            if not text:
                continue
            joint = _joint(pieces[-1], text)
            pieces.append(joint)
            length += len(joint)
            column = len(line) - len(text) + 1
        else:
            finish()
            pieces, places, length = [], [], 0
        places.append((length, source, number, column))
        pieces.append(text)
        length += len(text)
    finish()
    return result


def is_assignment(tokens: Sequence[Token], index: int) -> bool:
    """Whether ``name =`` (and not a comparison) stands at `index`."""
    equals = index + 1
    if equals >= len(tokens) or tokens[equals].kind != "=" or tokens[index].kind != "word":
        return False
    doubled = (
        equals + 1 < len(tokens) and tokens[equals + 1].kind == "=" and tokens[equals + 1].start == (tokens[equals].end)
    )
    return not doubled and _NAME.fullmatch(tokens[index].text) is not None


_NAME = re.compile(r"[^\W\d][\w.:#]*")


def value_end(tokens: Sequence[Token], index: int) -> int:
    """Index after the bare value that begins at `index`: up to the end or the next ``name =`` outside parentheses."""
    depth = 0
    first = index
    while index < len(tokens):
        kind = tokens[index].kind
        if kind == "(":
            depth += 1
        elif kind == ")":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and index > first and is_assignment(tokens, index):
            break
        index += 1
    return index
