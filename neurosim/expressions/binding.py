"""Names to numbers: evaluate a constant expression, or bind a behavioural one to the parameters of an instance."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import NetlistError, nearest
from neurosim.expressions import functions as builtin
from neurosim.expressions.functions import Rules
from neurosim.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Expression,
    Name,
    Node,
    Number,
    Reference,
    Slot,
    Unary,
    to_text,
    walk,
)

MAX_CALL_DEPTH = 64
"""Calls of ``.func`` functions inside one another that are accepted."""
MAX_NODES = 50_000
"""Size that an expression may grow to when its ``.func`` functions are written out."""


@dataclass(frozen=True)
class UserFunction:
    """A function defined by ``.func``.

    Parameters
    ----------
    name : str
        In lower case.
    parameters : tuple of str
        In lower case.
    body : Expression
    """

    name: str
    parameters: tuple[str, ...]
    body: Expression


def evaluate(
    expression: Expression,
    values: Mapping[str, float] | None = None,
    functions: Mapping[str, UserFunction] | None = None,
) -> float:
    """Value of an expression that stands for a number, such as ``{2*r}``.

    Parameters
    ----------
    expression : Expression
    values : mapping of str to float, optional
        Parameters by lower-case name. Keys such as ``"v(a)"``, ``"v(a,b)"``, ``"i(v1)"``, ``"time"`` and ``"temper"``
        give values to what only a running analysis knows.
    functions : mapping of str to UserFunction, optional
        By lower-case name; they hide builtin functions of the same name.

    Raises
    ------
    NetlistError
        For an unknown name, a result that is not a finite real number, or a function that calls itself.
    """
    node = _Binder(values or {}, functions or {}, Rules(expression.dialect, constant=True)).bind(expression)
    if not isinstance(node, Number | Slot):
        raise AssertionError(node)
    return node.value


def bind(
    expression: Expression,
    values: Mapping[str, float] | None = None,
    functions: Mapping[str, UserFunction] | None = None,
) -> Expression:
    """Write functions out, and replace each largest part made of parameters and numbers by one leaf.

    The leaf is a `Number` if it came from literals only, else a `Slot`: expressions that differ only in the values of
    parameters keep the same structure. What remains free are ``v()``, ``i()``, ``time`` and ``temper``.

    Parameters
    ----------
    expression : Expression
    values : mapping of str to float, optional
        Parameters by lower-case name.
    functions : mapping of str to UserFunction, optional
        By lower-case name.

    Raises
    ------
    NetlistError
        For an unknown name or function, a wrong number of arguments, a part without finite value (unless a condition
        excludes it), a function that calls itself, or breakpoints that are not constant and rising.
    """
    node = _Binder(values or {}, functions or {}, Rules(expression.dialect)).bind(expression)
    return dataclasses.replace(expression, node=node)


class _Binder:
    def __init__(self, values: Mapping[str, float], functions: Mapping[str, UserFunction], rules: Rules) -> None:
        self.values, self.functions, self.rules = values, functions, rules
        self.size = 0

    def bind(self, expression: Expression) -> Node:
        with np.errstate(all="ignore"):
            node = self.body(expression, {}, 0)
            self.check(node)
        return node

    def body(self, expression: Expression, arguments: Mapping[str, Node], depth: int) -> Node:
        """Bound form of an expression whose function parameters stand for `arguments`."""
        done: dict[int, Node] = {}
        for node in walk(expression.node):
            self.size += 1
            if self.size > MAX_NODES:
                raise NetlistError(
                    f"written out, the functions of this expression have more than {MAX_NODES} operations",
                    expression.where(node.at),
                )
            operands = tuple(done[id(child)] for child in node.children)
            done[id(node)] = self.node(expression, node, operands, arguments, depth)
        return done[id(expression.node)]

    def node(
        self, expression: Expression, node: Node, operands: tuple[Node, ...], arguments: Mapping[str, Node], depth: int
    ) -> Node:
        if isinstance(node, Name):
            return self.name(expression, node, arguments)
        if isinstance(node, Reference):
            value = self.values.get(str(node))
            return self.running(expression, node) if value is None else Slot(float(value), node, at=node.at)
        if isinstance(node, Call):
            if node.name in self.functions:
                return self.user(expression, node, operands, depth)
            return self.builtin(expression, node, operands)
        if isinstance(node, Unary):
            return self.fold(expression, Unary(node.op, operands[0], node.at))
        if isinstance(node, Binary):
            return self.fold(expression, Binary(node.op, operands[0], operands[1], node.at))
        if isinstance(node, Conditional):
            return self.choose(expression, Conditional(operands[0], operands[1], operands[2], node.at))
        return node

    def name(self, expression: Expression, node: Name, arguments: Mapping[str, Node]) -> Node:
        text = node.text
        if text in arguments:
            return arguments[text]
        if text in self.values:
            return Slot(float(self.values[text]), node, at=node.at)
        if text in builtin.RUNNING:
            return self.running(expression, node)
        if text in builtin.CONSTANTS:
            return Number(builtin.CONSTANTS[text], node.at)
        where = expression.where(node.at, len(text))
        if text in builtin.REFUSED_NAMES:
            raise NetlistError(f"'{text}' is not supported: {builtin.REFUSED_NAMES[text]}", where)
        if text in builtin.FUNCTIONS or text in self.functions:
            raise NetlistError(f"function '{text}' without arguments", where, expected=f"{text}(...)")
        known = {*arguments, *self.values, *builtin.CONSTANTS, *builtin.RUNNING}
        raise NetlistError(f"unknown parameter '{text}'", where, hint=nearest(text, known))

    def running(self, expression: Expression, node: Name | Reference) -> Node:
        if self.rules.constant:
            text = to_text(node)
            raise NetlistError(
                f"'{text}' changes during an analysis; a constant is needed here",
                expression.where(node.at, len(text)),
            )
        return node

    def user(self, expression: Expression, node: Call, operands: tuple[Node, ...], depth: int) -> Node:
        function = self.functions[node.name]
        where = expression.where(node.at, len(node.name))
        if len(operands) != len(function.parameters):
            raise NetlistError(
                f"'{node.name}' takes {_count(len(function.parameters))} (got {len(operands)})",
                where,
                expected=f"{node.name}({', '.join(function.parameters)})",
            )
        if depth >= MAX_CALL_DEPTH:
            raise NetlistError(
                f"function '{node.name}' calls itself, or functions call one another deeper than {MAX_CALL_DEPTH}",
                where,
            )
        return self.body(function.body, dict(zip(function.parameters, operands)), depth + 1)

    def builtin(self, expression: Expression, node: Call, operands: tuple[Node, ...]) -> Node:
        name = node.name
        where = expression.where(node.at, len(name))
        if reason := builtin.refusal(name, self.rules):
            raise NetlistError(f"'{name}' is not supported: {reason}", where)
        if name in builtin.STATE_FUNCTIONS:
            least, most = builtin.STATE_FUNCTIONS[name]
        elif name in builtin.FUNCTIONS:
            least, most = builtin.FUNCTIONS[name].least, builtin.FUNCTIONS[name].most
        else:
            known = {*self.functions, *builtin.FUNCTIONS, *builtin.STATE_FUNCTIONS}
            raise NetlistError(f"unknown function '{name}'", where, hint=nearest(name, known))
        if not least <= len(operands) <= most:
            span = _count(least) if least == most else f"{least} to {most} arguments"
            if most == builtin.FUNCTIONS["table"].most:
                span = f"at least {least} arguments"
            raise NetlistError(f"'{name}' takes {span} (got {len(operands)})", where)
        if name in ("if", "ternary_fcn"):
            return self.choose(expression, Conditional(operands[0], operands[1], operands[2], node.at))
        if name in builtin.STATE_FUNCTIONS:
            if self.rules.constant:
                raise NetlistError(f"'{name}' needs an analysis in time; a constant is needed here", where)
            if len(operands) == 2 and not isinstance(operands[1], Number | Slot):
                raise NetlistError(f"the start value of '{name}' must be constant", where)
            return Call("ddt" if name == "ddt" else "idt", operands, node.at)
        if name in ("pwl", "table"):
            operands = (operands[0], *self.breakpoints(expression, node, operands[1:]))
        return self.fold(expression, Call(name, operands, node.at))

    def breakpoints(self, expression: Expression, node: Call, points: tuple[Node, ...]) -> tuple[Node, ...]:
        """Breakpoints as literals: their values are part of the structure."""
        where = expression.where(node.at, len(node.name))
        if len(points) % 2:
            raise NetlistError(
                f"'{node.name}' has a breakpoint without value", where, expected="x, x0, y0, x1, y1, ..."
            )
        numbers = []
        for point in points:
            if not isinstance(point, Number | Slot):
                raise NetlistError(f"the breakpoints of '{node.name}' must be constant", where)
            if isinstance(point, Slot) and point.fault is not None:
                raise point.fault
            numbers.append(Number(point.value, point.at))
        for before, after in zip(numbers[0::2], numbers[2::2]):
            if not before.value < after.value:
                raise NetlistError(
                    f"the breakpoints of '{node.name}' must rise (got {before.value:g}, then {after.value:g})", where
                )
        return tuple(numbers)

    def choose(self, expression: Expression, node: Conditional) -> Node:
        """Drop the branch that a literal condition excludes."""
        if isinstance(node.condition, Number):
            return node.yes if self.holds(node.condition) else node.no
        if isinstance(node.condition, Slot) and all(isinstance(part, Number | Slot) for part in node.children):
            branch = node.yes if self.holds(node.condition) else node.no
            if not isinstance(branch, Number | Slot):
                raise AssertionError(branch)
            fault = node.condition.fault or (branch.fault if isinstance(branch, Slot) else None)
            return Slot(branch.value, Conditional(*map(_origin, node.children), at=node.at), fault, node.at)
        return node

    def holds(self, condition: Number | Slot) -> bool:
        return bool(builtin.truth(builtin.numeric, self.rules, condition.value))

    def fold(self, expression: Expression, node: Unary | Binary | Call) -> Node:
        """One leaf for an operation on leaves; a failed one waits as a faulty slot, for it may never be needed."""
        operands = node.children
        if not all(isinstance(operand, Number | Slot) for operand in operands):
            return node
        numbers = tuple(operand.value for operand in operands if isinstance(operand, Number | Slot))
        fault = next((operand.fault for operand in operands if isinstance(operand, Slot) and operand.fault), None)
        if isinstance(node, Call):
            value = float(builtin.call(builtin.numeric, self.rules, node.name, numbers))
        else:
            value = float(builtin.operate(builtin.numeric, self.rules, node.op, numbers))
        if fault is None and not math.isfinite(value):
            fault = _fault(expression, node, numbers, value)
        if fault is None and not any(isinstance(operand, Slot) for operand in operands):
            return Number(value, node.at)
        return Slot(value, _rebuilt(node, tuple(map(_origin, operands))), fault, node.at)

    def check(self, root: Node) -> None:
        """Raise the fault of the first faulty slot that is not excluded by a condition."""
        pending, seen = [root], set()
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, Slot) and node.fault is not None:
                raise node.fault
            if isinstance(node, Conditional) and isinstance(node.condition, Slot) and node.condition.fault is None:
                pending.append(node.yes if self.holds(node.condition) else node.no)
            else:
                pending.extend(reversed(node.children))


def _count(number: int) -> str:
    return f"{number} argument" if number == 1 else f"{number} arguments"


def _origin(leaf: Node) -> Node:
    """Parameter expression that a leaf stands for."""
    return leaf.of if isinstance(leaf, Slot) else leaf


def _rebuilt(node: Unary | Binary | Call, operands: tuple[Node, ...]) -> Node:
    if isinstance(node, Call):
        return Call(node.name, operands, node.at)
    if isinstance(node, Unary):
        return Unary(node.op, operands[0], node.at)
    return Binary(node.op, operands[0], operands[1], node.at)


def _fault(
    expression: Expression, node: Unary | Binary | Call, numbers: tuple[float, ...], value: float
) -> NetlistError:
    """Say why an operation on finite numbers has no finite real result."""
    shown: Any = ", ".join(f"{number:g}" for number in numbers)
    if isinstance(node, Call):
        what, length = f"{node.name}({shown})", len(node.name)
    else:
        what, length = f" {node.op} ".join(f"{number:g}" for number in numbers), len(node.op)
    where = expression.where(node.at, length)
    if isinstance(node, Binary) and node.op in ("/", "%") and numbers[1] == 0.0:
        return NetlistError(f"division by zero: {what}", where)
    if math.isnan(value):
        return NetlistError(f"{what} is not a real number", where)
    return NetlistError(f"{what} is infinite or too large for a number", where)
