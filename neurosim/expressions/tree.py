"""Expression trees: immutable nodes, and the expression that ties a tree to its place in the netlist."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import Location, NetlistError, Note
from neurosim.expressions.dialects import Dialect


class Node:
    """A node of an expression tree: immutable, hashable, equal to any node of the same structure.

    Trees may be deep (a sum of thousands of terms leans to the left) and may share subtrees, so hash, comparison,
    text and traversal do not recurse.
    """

    __slots__ = ("_hash",)
    at: int
    """Offset of the node in the text that it was read from; takes no part in comparison."""

    @property
    def children(self) -> tuple[Node, ...]:
        """Operands, left to right."""
        return ()

    @property
    def label(self) -> Any:
        """What distinguishes the node apart from its operands."""
        raise AttributeError(type(self).__name__)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((type(self).__name__, self.label, *self.children)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A hash of text is another one in another process: nodes are made anew there.
        return type(self), tuple(getattr(self, f.name) for f in dataclasses.fields(self))  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        pending: list[tuple[Node, Node]] = [(self, other)]
        seen: set[tuple[int, int]] = set()
        while pending:
            a, b = pending.pop()
            if a is b or (id(a), id(b)) in seen:
                continue
            if type(a) is not type(b) or hash(a) != hash(b) or a.label != b.label or len(a.children) != len(b.children):
                return False
            seen.add((id(a), id(b)))
            pending.extend(zip(a.children, b.children))
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {to_text(self)}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """A literal."""

    value: float
    at: int = 0

    @property
    def label(self) -> Any:
        return self.value, math.copysign(1.0, self.value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Node):
    """A parameter, a constant such as ``pi``, or ``time`` or ``temper``; in lower case."""

    text: str
    at: int = 0

    @property
    def label(self) -> Any:
        return self.text


PARTS_OF_COMPLEX = frozenset(("vm", "vdb", "vp", "vr", "vi", "im", "idb", "ip", "ir", "ii"))
"""Magnitude, decibel, phase, real and imaginary part of a voltage or current, in an AC analysis."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reference(Node):
    """``v(net)``, ``v(net, net)`` or ``i(part)``, or one of `PARTS_OF_COMPLEX` of these; names in lower case."""

    kind: str
    args: tuple[str, ...]
    at: int = 0

    @property
    def label(self) -> Any:
        return self.kind, self.args

    def __str__(self) -> str:
        return f"{self.kind}({','.join(self.args)})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Node):
    """A function with its arguments; the name in lower case."""

    name: str
    args: tuple[Node, ...]
    at: int = 0

    @property
    def children(self) -> tuple[Node, ...]:
        return self.args

    @property
    def label(self) -> Any:
        return self.name


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(Node):
    """``-x`` or ``!x`` (also written ``~x``)."""

    op: str
    operand: Node
    at: int = 0

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)

    @property
    def label(self) -> Any:
        return self.op


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Node):
    """Two operands and an operator: ``+ - * / % ** ^ < <= > >= == != & |``; ``&&`` is ``&``, ``||`` is ``|``."""

    op: str
    left: Node
    right: Node
    at: int = 0

    @property
    def children(self) -> tuple[Node, ...]:
        return self.left, self.right

    @property
    def label(self) -> Any:
        return self.op


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conditional(Node):
    """``condition ? yes : no``, also written ``if(condition, yes, no)``."""

    condition: Node
    yes: Node
    no: Node
    at: int = 0

    @property
    def children(self) -> tuple[Node, ...]:
        return self.condition, self.yes, self.no

    @property
    def label(self) -> Any:
        return ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Slot(Node):
    """A number that differs between instances: the value of the parameter expression `of`.

    Two slots are the same slot if they come from the same expression, whatever their values.
    """

    value: float
    of: Node
    fault: NetlistError | None = None
    at: int = 0

    @property
    def label(self) -> Any:
        return self.of


def walk(root: Node) -> Iterator[Node]:
    """Each distinct node below and including `root` once, operands before what uses them."""
    seen: set[int] = set()
    pending: list[tuple[Node, bool]] = [(root, False)]
    while pending:
        node, ready = pending.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending.extend((child, False) for child in reversed(node.children))


def to_text(root: Node, limit: int = 20000) -> str:
    """Write a tree as an expression that `parse` reads back; cut after about `limit` characters."""
    pieces: list[str] = []
    size = 0
    pending: list[Node | str] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            pieces.append(item)
            size += len(item)
            if size > limit:
                pieces.append("...")
                break
        elif isinstance(item, Number):
            pending.append(repr(item.value) if item.value >= 0 else f"({item.value!r})")
        elif isinstance(item, Name):
            pending.append(item.text)
        elif isinstance(item, Reference):
            pending.append(str(item))
        elif isinstance(item, Slot):
            pending.append(repr(item.value) if item.value >= 0 else f"({item.value!r})")
        elif isinstance(item, Unary):
            pending.extend((")", item.operand, f"({item.op}"))
        elif isinstance(item, Binary):
            pending.extend((")", item.right, f" {item.op} ", item.left, "("))
        elif isinstance(item, Conditional):
            pending.extend((")", item.no, " : ", item.yes, " ? ", item.condition, "("))
        elif isinstance(item, Call):
            pending.append(")")
            for number, argument in enumerate(reversed(item.args)):
                pending.extend((", ", argument) if number else (argument,))
            pending.append(f"{item.name}(")
    return "".join(pieces)


@dataclass(frozen=True)
class Expression:
    """A tree with the place that it was read from.

    Attributes
    ----------
    node : Node
    dialect : {"ngspice", "ltspice", "pspice"}
    text : str
    location : Location or None
        Place of the first character of `text`.
    locate : callable or None
        ``locate(offset)`` is the place of any character, for text that spans lines.
    dialect_notes : tuple of Note
        What in the text means something else in another dialect.
    """

    node: Node
    dialect: Dialect = "ngspice"
    text: str = field(default="", compare=False)
    location: Location | None = field(default=None, compare=False)
    locate: Callable[[int], Location] | None = field(default=None, compare=False, repr=False)
    dialect_notes: tuple[Note, ...] = field(default=(), compare=False, repr=False)

    def where(self, at: int, length: int = 1) -> Location | None:
        """Place of `length` characters from offset `at`."""
        return place(self.location, self.locate, at, length)

    @property
    def names(self) -> tuple[str, ...]:
        """Names used, builtin ones (``pi``, ``time``) included, in order of first use."""
        return tuple(dict.fromkeys(node.text for node in walk(self.node) if isinstance(node, Name)))

    @property
    def references(self) -> tuple[Reference, ...]:
        """Distinct ``v()`` and ``i()`` used, in order of first use."""
        return tuple(dict.fromkeys(node for node in walk(self.node) if isinstance(node, Reference)))

    @property
    def calls(self) -> tuple[str, ...]:
        """Names of the functions called, in order of first use."""
        return tuple(dict.fromkeys(node.name for node in walk(self.node) if isinstance(node, Call)))

    def __str__(self) -> str:
        return self.text or to_text(self.node)


def place(location: Location | None, locate: Callable[[int], Location] | None, at: int, length: int) -> Location | None:
    if locate is not None:
        return dataclasses.replace(locate(at), length=length)
    if location is None:
        return None
    return dataclasses.replace(location, column=location.column + at, length=length)
