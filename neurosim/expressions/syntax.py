"""Text of an expression to a tree: tokens and an operator-precedence parser without recursion."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from neurosim.errors import Location, NetlistError, Note
from neurosim.expressions.dialects import DIALECTS, SENSITIVE, TITLES, Dialect
from neurosim.expressions.tree import Binary, Call, Conditional, Expression, Name, Node, Number, Reference, Unary, place
from neurosim.units import scan_number

MAX_DEPTH = 64
"""Nesting of parentheses and function calls that is accepted."""
MAX_LENGTH = 65536
"""Characters of one expression that are accepted."""
MAX_NAME = 256
"""Characters of one name that are accepted."""


_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[^\W\d][\w.$#@]*")
_OPERATOR = re.compile(r"\*\*|\|\||&&|==|!=|<>|<=|>=|[-+*/^%?:!&|~<>(){},']")
_ARGUMENT = r"\s*([^\s,(){}]+|\([^(){}]*\))\s*"
_ARGUMENTS = re.compile(rf"\s*\({_ARGUMENT}(?:,{_ARGUMENT})?\)")
_OPENING = re.compile(r"\s*\(")

_SPELLINGS = {"<>": "!=", "&&": "&", "||": "|", "~": "!"}
_CLOSING = {"(": ")", "{": "}", "'": "'"}
_TERNARY, _SIGN = 1, 11
_RANK = {
    "|": 2, "&": 4, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9,
    "**": 12, "^": 12,
}  # fmt: skip
_EXCLUSIVE_OR_RANK = 3
_BOOLEAN = frozenset(("==", "!=", "<", "<=", ">", ">=", "&", "|"))
_BOOLEAN_CALLS = frozenset(("stp", "u", "buf", "inv", "if"))


@dataclass(slots=True)
class _Open:
    """An operator or bracket that waits for its right-hand side."""

    kind: Literal["unary", "binary", "?", ":", "group", "call"]
    text: str
    at: int
    rank: int = 0
    first: int = 0
    """Calls: how many operands stood below the first argument."""


class _Parser:
    def __init__(
        self, text: str, location: Location | None, dialect: Dialect, locate: Callable[[int], Location] | None
    ) -> None:
        self.text, self.location, self.dialect, self.locate = text, location, dialect, locate
        self.position = 0
        self.depth = 0
        self.operands: list[Node] = []
        self.waiting: list[_Open] = []
        self.notes: dict[str, Note] = {}
        self.parts: Collection[str] = ()

    def fail(self, message: str, at: int, length: int = 1, *, hint: str = "", expected: str = "") -> NetlistError:
        return NetlistError(message, place(self.location, self.locate, at, length), hint=hint, expected=expected)

    def note(self, what: str, at: int, length: int = 1) -> None:
        if what not in self.notes:
            title = TITLES.get(what, f"'{what}'")
            self.notes[what] = Note(
                f"{title} depends on the dialect, read here as {self.dialect}: {SENSITIVE[what]}",
                place(self.location, self.locate, at, length),
                hint="state the dialect of the netlist",
            )

    def run(self) -> Node:
        if len(self.text) > MAX_LENGTH:
            raise self.fail(f"an expression of {len(self.text)} characters; at most {MAX_LENGTH} are accepted", 0)
        text, size = self.text, len(self.text)
        operand_next = True
        while True:
            if space := _SPACE.match(text, self.position):
                self.position = space.end()
            if self.position >= size:
                break
            operand_next = self.operand() if operand_next else self.operator()
        if operand_next:
            where = max(0, len(text.rstrip()) - 1)
            raise self.fail(
                "an expression ends where a value should follow" if text.strip() else "an empty expression", where
            )
        self.reduce(0)
        if self.waiting:
            left = self.waiting[-1]
            self.unfinished()
            raise self.fail(f"'{left.text}' is never closed", left.at, len(left.text))
        return self.operands[0]

    def operand(self) -> bool:
        """Read up to a value; return whether a value is still to come."""
        text, at = self.text, self.position
        character = text[at]
        if character.isdigit() or character == ".":
            scanned = scan_number(text, at)
            if scanned is None:
                word = re.compile(r"[\w.]*").match(text, at)
                found = word.group() if word else character
                raise self.fail(
                    f"'{found[:40]}' is not a number", at, len(found), expected="a number such as 4.7k, 1e-9 or 2n2"
                )
            value, self.position = scanned
            if math.isinf(value):
                raise self.fail(
                    f"{text[at : min(self.position, at + 40)]} is too large for a number", at, self.position - at
                )
            self.operands.append(Number(value, at))
            return False
        if name := _NAME.match(text, at):
            word = self.named(name.group(), at)
            self.position = name.end()
            opening = _OPENING.match(text, self.position)
            if opening is None:
                self.operands.append(Name(word, at))
                return False
            if word in ("v", "i") or word in self.parts:
                self.reference(word, at)
                return False
            self.position = opening.end()
            self.open(_Open("call", word, at, first=len(self.operands)))
            if space := _SPACE.match(text, self.position):
                self.position = space.end()
            if text.startswith(")", self.position):
                self.close(")", self.position, empty=True)
                self.position += 1
                return False
            return True
        if character in "({'":
            self.open(_Open("group", character, at))
            self.position += 1
            return True
        if character in "+-!~":
            self.position += 1
            if character == "-" and self.dialect == "ltspice" and self.signed_base(at):
                return False
            if character != "+":
                self.waiting.append(_Open("unary", _SPELLINGS.get(character, character), at, rank=_SIGN))
            return True
        found = _OPERATOR.match(text, at)
        if found is None:
            raise self.unknown(at)
        raise self.fail(f"'{found.group()}' stands where a value should", at, len(found.group()))

    def named(self, name: str, at: int) -> str:
        if len(name) > MAX_NAME:
            raise self.fail(f"a name of {len(name)} characters; at most {MAX_NAME} are accepted", at)
        return name.lower()

    def signed_base(self, at: int) -> bool:
        """LTspice: take ``-2`` in ``-2**1.5`` as one number."""
        start = self.position
        scanned = scan_number(self.text, start)
        if scanned is None:
            return False
        rest = self.text[scanned[1] : scanned[1] + 40].lstrip()
        if not rest.startswith("**"):
            return False
        self.operands.append(Number(-scanned[0], at))
        self.position = scanned[1]
        self.note("sign", at)
        return True

    def unknown(self, at: int) -> NetlistError:
        hint = "write '==' to compare" if self.text[at] == "=" else ""
        return self.fail(f"unexpected character '{self.text[at]}' in an expression", at, hint=hint)

    def reference(self, word: str, at: int) -> None:
        match = _ARGUMENTS.match(self.text, self.position)
        of_net = word[0] == "v"
        expected = f"{word}(net) or {word}(net, net)" if of_net else f"{word}(part)"
        if match is None or (not of_net and match.group(2) is not None):
            named = "net" if of_net else "part"
            raise self.fail(f"'{word}(' without the name of a {named}", at, expected=expected)
        # A node of a network may be a tuple, (0, 1).
        given = (_SPACE.sub("", argument) for argument in match.groups() if argument is not None)
        arguments = tuple(self.named(argument, at) for argument in given)
        self.operands.append(Reference(word, arguments, at))
        self.position = match.end()

    def open(self, item: _Open) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"parentheses and calls nested deeper than {MAX_DEPTH}", item.at, len(item.text))
        self.waiting.append(item)

    def operator(self) -> bool:
        """Read what follows a value; return whether a value is to come."""
        match = _OPERATOR.match(self.text, self.position)
        if match is None:
            at = self.position
            if self.text[at].isalnum() or self.text[at] in "._":
                raise self.fail("two values without an operator between them", at)
            raise self.unknown(at)
        written, at = match.group(), self.position
        self.position = match.end()
        spelled = _SPELLINGS.get(written, written)
        if written in (")", "}", "'"):
            self.reduce(0)
            self.close(written, at)
            return False
        if written == ",":
            self.reduce(0)
            if not self.waiting or self.waiting[-1].kind != "call":
                self.unfinished()
                raise self.fail("',' outside the arguments of a function", at)
            return True
        if written == "?":
            self.reduce(_TERNARY + 1)
            self.waiting.append(_Open("?", "?", at, rank=_TERNARY))
            return True
        if written == ":":
            self.reduce(_TERNARY)
            if not self.waiting or self.waiting[-1].kind != "?":
                raise self.fail("':' without '?'", at, expected="condition ? value : value")
            self.waiting[-1] = _Open(":", ":", self.waiting[-1].at, rank=_TERNARY)
            return True
        rank = _RANK.get(spelled, 0)
        if written == "^" and self.dialect == "ltspice":
            rank = _EXCLUSIVE_OR_RANK
        if rank == 0:
            raise self.fail(f"'{written}' stands where an operator between two values should", at, len(written))
        self.reduce(rank)
        self.waiting.append(_Open("binary", spelled, at, rank=rank))
        return True

    def reduce(self, rank: int) -> None:
        """Build the nodes of all waiting operators that bind at least as tightly as `rank`."""
        while self.waiting and (top := self.waiting[-1]).kind in ("unary", "binary", ":") and top.rank >= rank:
            self.waiting.pop()
            right = self.operands.pop()
            if top.kind == "unary":
                self.operands.append(Unary(top.text, right, top.at))
                continue
            left = self.operands.pop()
            if top.kind == "binary":
                self.watch(top, left, right)
                self.operands.append(Binary(top.text, left, right, top.at))
            else:
                condition = self.operands.pop()
                self.watch_condition(condition)
                self.operands.append(Conditional(condition, left, right, top.at))

    def close(self, written: str, at: int, *, empty: bool = False) -> None:
        if not self.waiting or self.waiting[-1].kind not in ("group", "call"):
            self.unfinished()
            raise self.fail(f"'{written}' closes nothing", at)
        item = self.waiting.pop()
        wanted = ")" if item.kind == "call" else _CLOSING[item.text]
        if wanted != written:
            raise self.fail(f"'{written}' closes '{item.text}'", at, expected=f"'{wanted}'")
        self.depth -= 1
        if item.kind == "call":
            arguments = () if empty else tuple(self.operands[item.first :])
            del self.operands[item.first :]
            if item.text in ("pow", "pwr", "limit") and not _same_everywhere(item.text, arguments):
                self.note(item.text, item.at, len(item.text))
            if item.text == "if" and arguments:
                self.watch_condition(arguments[0])
            self.operands.append(Call(item.text, arguments, item.at))

    def unfinished(self) -> None:
        if self.waiting and self.waiting[-1].kind == "?":
            raise self.fail("'?' without ':'", self.waiting[-1].at, expected="condition ? value : value")

    def watch(self, operator: _Open, left: Node, right: Node) -> None:
        """Note operators that mean something else in another dialect."""
        op = operator.text
        if (op == "^" and self.dialect == "ltspice") or (op in ("^", "**") and not _even(right)):
            self.note(op, operator.at, len(op))
        if op in "&|":
            self.watch_condition(left)
            self.watch_condition(right)
        if (
            self.dialect == "ltspice"
            and op in "&|^"
            and any(isinstance(side, Binary) and side.op in "&|^" and side.op != op for side in (left, right))
        ):
            self.note("mixed", operator.at)

    def watch_condition(self, condition: Node) -> None:
        if isinstance(condition, Binary) and condition.op in _BOOLEAN:
            return
        if isinstance(condition, Unary) and condition.op == "!":
            return
        if isinstance(condition, Call) and condition.name in _BOOLEAN_CALLS:
            return
        if isinstance(condition, Number) and condition.value in (0.0, 1.0):
            return
        self.note("truth", condition.at)


def _even(exponent: Node) -> bool:
    return isinstance(exponent, Number) and exponent.value % 2.0 == 0.0


def _same_everywhere(name: str, arguments: tuple[Node, ...]) -> bool:
    """Whether a call of a dialect-dependent function gives the same number in all dialects."""
    return name == "pow" and len(arguments) == 2 and _even(arguments[1])


def parse(
    text: str,
    location: Location | None = None,
    dialect: Dialect = "ngspice",
    locate: Callable[[int], Location] | None = None,
    parts: Collection[str] = (),
) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        At most `MAX_LENGTH` characters, nested at most `MAX_DEPTH` deep. Braces and quotes group like parentheses.
    location : Location, optional
        Place of the first character of `text`, used in messages.
    dialect : {"ngspice", "ltspice", "pspice"}, default "ngspice"
    locate : callable, optional
        ``locate(offset)`` gives the place of a character when `text` was joined from several lines.
    parts : collection of str, default ()
        Those of `PARTS_OF_COMPLEX` that are read as references, as ``vdb(net)``.

    Returns
    -------
    Expression

    Raises
    ------
    NetlistError
        If the text is not an expression.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"dialect must be one of {', '.join(DIALECTS)} (got {dialect!r})")
    parser = _Parser(text, location, dialect, locate)
    parser.parts = parts
    node = parser.run()
    return Expression(node, dialect, text, location, locate, tuple(parser.notes.values()))
