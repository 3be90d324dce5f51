"""Elementary operations as a graph without repetition, with simplification and exact derivatives.

Every operation is interned, so equal subexpressions (of values and of derivatives alike) are one node. Derivatives are
nodes of the same graph, found by forward accumulation along the inputs that a node depends on: constants in them
fold, zeros vanish, and what a value and its derivatives share is computed once.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from neurosim.expressions.functions import numeric

_BOOLEAN = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_COMMUTATIVE = frozenset(("add", "mul", "eq", "ne"))
_FLAT = frozenset(
    (
        "lt", "le", "gt", "ge", "eq", "ne", "side", "floor", "ceil", "trunc", "round_even", "round_away", "hold",
        "pwl_slope",
    )
)  # fmt: skip
"""Operations whose derivative is zero wherever it exists."""
_MAX_POWER = 16
"""Largest whole exponent that is written as products."""


class Graph:
    """Interned operations; an operand is the number of a node.

    Attributes
    ----------
    operation : list of str
        ``"constant"``, ``"slot"``, ``"input"``, ``"time"``, ``"temper"`` or an elementary operation.
    operands : list of tuple
        Node numbers; for a constant its value, for a slot or an input its index, for pwl the breakpoints behind the
        operand.
    is_parameter : list of bool
        Whether the node has one value per instance that does not change during a run.
    """

    def __init__(self) -> None:
        self.operation: list[str] = []
        self.operands: list[tuple[Any, ...]] = []
        self.is_parameter: list[bool] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def leaf(self, kind: str, *what: Any) -> int:
        """Node of an input, a slot, time or temperature."""
        return self._intern(kind, what, kind == "slot")

    def constant(self, value: float) -> int:
        """Node of a number."""
        known = (value, math.copysign(1.0, value))
        return self._intern("constant", known, False) if value == value else self._intern("constant", (value,), False)

    def value(self, node: int) -> float | None:
        """The number that a node stands for, or None."""
        return self.operands[node][0] if self.operation[node] == "constant" else None

    def _intern(self, operation: str, operands: tuple[Any, ...], is_parameter: bool) -> int:
        key = (operation, *operands)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.operation)
            self.operation.append(operation)
            self.operands.append(operands)
            self.is_parameter.append(is_parameter)
        return found

    def emit(self, operation: str, *operands: int | float) -> int:
        """Node of an operation on nodes (int) and numbers (float), simplified."""
        points: tuple[float, ...] = ()
        if operation in ("pwl", "pwl_slope"):
            operands, points = operands[:1], tuple(map(self._number, operands[1:]))
        nodes = tuple(self.constant(operand) if isinstance(operand, float) else operand for operand in operands)
        constants = [self.value(node) for node in nodes]
        if all(constant is not None for constant in constants) and operation != "pwl_slope":
            value = float(numeric(operation, *constants, *points))
            if math.isfinite(value):
                return self.constant(value)
        simpler = self._simplified(operation, nodes, constants)
        if simpler is not None:
            return simpler
        if operation in _COMMUTATIVE:
            nodes = tuple(sorted(nodes))
        fixed = all(self.is_parameter[node] or self.value(node) is not None for node in nodes)
        return self._intern(operation, (*nodes, *points), fixed)

    def _number(self, operand: int | float) -> float:
        value = operand if isinstance(operand, float) else self.value(operand)
        if value is None:
            raise AssertionError(operand)
        return value

    def _negated(self, node: int) -> int | None:
        """The operand, if the node is a change of sign."""
        return self.operands[node][0] if self.operation[node] == "neg" else None

    def is_boolean(self, node: int) -> bool:
        """Whether a node is 0 or 1 by construction."""
        pending, seen = [node], set()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            operation, operands = self.operation[current], self.operands[current]
            if operation in ("mul", "max"):
                pending.extend(operands)
            elif operation == "hold":
                pending.append(operands[0])
            elif operation == "sub" and self.value(operands[0]) == 1.0:
                pending.append(operands[1])
            elif not (operation in _BOOLEAN or (operation == "constant" and operands[0] in (0.0, 1.0))):
                return False
        return True

    def _simplified(self, operation: str, nodes: tuple[int, ...], constants: list[float | None]) -> int | None:
        emit = self.emit
        a = nodes[0]
        x = constants[0]
        if operation == "neg":
            inner = self._negated(a)
            if inner is not None:
                return inner
            return emit("sub", *reversed(self.operands[a])) if self.operation[a] == "sub" else None
        if len(nodes) == 1:
            if operation == "abs" and (inner := self._negated(a)) is not None:
                return emit("abs", inner)
            return None
        b, y = nodes[1], constants[1]
        negated_a, negated_b = self._negated(a), self._negated(b)
        if operation == "add":
            if x == 0.0 or y == 0.0:
                return b if x == 0.0 else a
            if negated_b is not None:
                return emit("sub", a, negated_b)
            if negated_a is not None:
                return emit("sub", b, negated_a)
        elif operation == "sub":
            if y == 0.0:
                return a
            if x == 0.0:
                return emit("neg", b)
            if a == b and self._is_finite_leaf(a):
                return self.constant(0.0)
            if negated_b is not None:
                return emit("add", a, negated_b)
            if negated_a is not None:
                return emit("neg", emit("add", negated_a, b))
        elif operation == "mul":
            if x == 0.0 or y == 0.0:
                return self.constant(0.0)
            for factor, other in ((x, b), (y, a)):
                if factor == 1.0:
                    return other
                if factor == -1.0:
                    return emit("neg", other)
            if negated_a is not None:
                return emit("neg", emit("mul", negated_a, b))
            if negated_b is not None:
                return emit("neg", emit("mul", a, negated_b))
        elif operation == "div":
            if x == 0.0 and y is None:
                return self.constant(0.0)
            if y == 1.0:
                return a
            if y == -1.0:
                return emit("neg", a)
            if negated_a is not None:
                return emit("neg", emit("div", negated_a, b))
            if y is not None and y != 0.0 and abs(math.frexp(y)[0]) == 0.5 and math.isfinite(1.0 / y):
                return emit("mul", a, 1.0 / y)
        elif operation in ("pow", "pow_abs", "pow_real") and y is not None:
            return self._power(operation, a, y)
        elif operation == "select":
            if x is not None:
                return nodes[1] if x != 0.0 else nodes[2]
            if nodes[1] == nodes[2]:
                return nodes[1]
        elif (operation, y) in (("ne", 0.0), ("gt", 0.5)) and self.is_boolean(a):
            return a
        return None

    def _is_finite_leaf(self, node: int) -> bool:
        return self.operation[node] in ("input", "slot", "time", "temper")

    def _power(self, operation: str, x: int, y: float) -> int | None:
        """Products for a small whole exponent, a root for 0.5."""
        if y == 0.0:
            return self.constant(1.0)
        if y == 0.5 and operation != "pow_real":
            return self.emit("sqrt", self.emit("abs", x) if operation == "pow_abs" else x)
        if y != math.floor(y) or abs(y) > _MAX_POWER:
            return None
        exponent = abs(int(y))
        square = self.emit("abs", x) if operation == "pow_abs" and exponent % 2 else x
        product: int | None = None
        while exponent:
            if exponent % 2:
                product = square if product is None else self.emit("mul", product, square)
            exponent //= 2
            if exponent:
                square = self.emit("mul", square, square)
        if product is None:
            raise AssertionError(y)
        return product if y > 0 else self.emit("div", 1.0, product)

    def derivatives(self, outputs: list[int]) -> list[dict[int, int]]:
        """For each output, the nodes of its derivatives by the inputs (by index) that it depends on."""
        needed = self.below(outputs)
        uses = Counter(outputs)
        for node in needed:
            uses.update(self.children(node))
        found: dict[int, dict[int, int]] = {}
        for node in needed:
            children = self.children(node)
            inner = [found[child] for child in children]
            spare = [uses[child] == 1 for child in children]
            found[node] = self._differentiate(node, inner, spare)
            for child in children:
                uses[child] -= 1
                if not uses[child]:
                    del found[child]
        return [found[output] for output in outputs]

    def below(self, outputs: list[int]) -> list[int]:
        """The outputs and all nodes that they are made of; operands come before what uses them."""
        found: set[int] = set()
        pending = list(outputs)
        while pending:
            node = pending.pop()
            if node not in found:
                found.add(node)
                pending.extend(self.children(node))
        return sorted(found)

    def children(self, node: int) -> tuple[int, ...]:
        """Nodes that an operation reads."""
        operation, operands = self.operation[node], self.operands[node]
        if operation in ("constant", "slot", "input", "time", "temper"):
            return ()
        return operands[:1] if operation in ("pwl", "pwl_slope") else operands

    def _differentiate(self, node: int, inner: list[dict[int, int]], spare: list[bool]) -> dict[int, int]:
        """Derivatives of a node from those of its operands; a spare one may be changed into the result."""
        operation = self.operation[node]
        if operation == "input":
            return {self.operands[node][0]: self.constant(1.0)}
        if operation in _FLAT or not any(inner):
            return {}
        if operation in ("select", "min", "max"):
            return self._chosen(node, inner)
        if operation in ("add", "sub"):
            return self._summed(operation, inner, spare)
        terms: dict[int, int] = {}
        for position, derivative in enumerate(inner):
            if derivative:
                partial = self._partial(node, position)
                for k, d in derivative.items():
                    term = self.emit("mul", partial, d)
                    terms[k] = self.emit("add", terms[k], term) if k in terms else term
        return {k: d for k, d in terms.items() if self.value(d) != 0.0}

    def _summed(self, operation: str, inner: list[dict[int, int]], spare: list[bool]) -> dict[int, int]:
        left, right = inner
        swapped = operation == "add" and len(right) > len(left)
        if swapped:
            left, right = right, left
        total = left if spare[swapped] and left is not right else dict(left)
        for k, d in right.items():
            if k in total:
                total[k] = self.emit(operation, total[k], d)
                if self.value(total[k]) == 0.0:
                    del total[k]
            else:
                total[k] = d if operation == "add" else self.emit("neg", d)
        return total

    def _chosen(self, node: int, inner: list[dict[int, int]]) -> dict[int, int]:
        """Select derivatives, too: those of the branch that does not count may be anything."""
        operation, operands = self.operation[node], self.operands[node]
        if operation == "select":
            condition, (yes, no) = operands[0], inner[1:]
        else:
            condition, (yes, no) = self.emit("le" if operation == "min" else "ge", *operands), inner
        return {k: self.emit("select", condition, yes.get(k, 0.0), no.get(k, 0.0)) for k in dict.fromkeys((*yes, *no))}

    def _partial(self, node: int, position: int) -> int:
        """Derivative of an operation with respect to one of its operands."""
        emit, operation, operands = self.emit, self.operation[node], self.operands[node]
        a, b = operands[0], operands[-1]
        if operation == "mul":
            return operands[1 - position]
        if operation == "div":
            reciprocal = emit("div", 1.0, b)
            return emit("neg", emit("mul", node, reciprocal)) if position else reciprocal
        if operation == "fmod":
            return emit("neg", emit("trunc", emit("div", a, b))) if position else self.constant(1.0)
        if operation == "atan2":
            square = emit("add", emit("mul", a, a), emit("mul", b, b))
            return emit("neg", emit("div", a, square)) if position else emit("div", b, square)
        if operation == "hypot":
            return emit("div", operands[position], node)
        if operation in ("pow", "pow_abs", "pow_real"):
            return self._power_partial(node, position)
        if operation == "pwl":
            return emit("pwl_slope", a, *operands[1:])
        return self._slope(operation, a, node)

    def _power_partial(self, node: int, position: int) -> int:
        emit, (x, y) = self.emit, self.operands[node]
        if position == 0:
            return emit("pow_slope", x, node, y)
        rate = emit("mul", node, emit("log", emit("abs", x)))
        if self.operation[node] == "pow_real":
            angle = emit("mul", math.pi, y)
            turning = emit("mul", emit("pow_abs", x, y), emit("mul", math.pi, emit("sin", angle)))
            rate = emit("select", emit("lt", x, 0.0), emit("sub", rate, turning), rate)
        return emit("select", emit("eq", x, 0.0), 0.0, rate)

    def _slope(self, operation: str, x: int, value: int) -> int:
        """Derivative of an operation with one operand."""
        emit = self.emit
        if operation == "neg":
            return self.constant(-1.0)
        if operation == "abs":
            return emit("side", x)
        if operation == "sqrt":
            # At 0 it is infinite, but a clamp of x makes it 0: sqrt(max(x, 0)).
            return emit("select", emit("gt", value, 0.0), emit("div", 0.5, value), 0.0)
        if operation == "exp":
            return value
        if operation == "log":
            return emit("div", 1.0, x)
        if operation == "log10":
            return emit("div", 1.0 / math.log(10.0), x)
        if operation == "sin":
            return emit("cos", x)
        if operation == "cos":
            return emit("neg", emit("sin", x))
        if operation in ("tan", "tanh"):
            return emit("add" if operation == "tan" else "sub", 1.0, emit("mul", value, value))
        if operation in ("sinh", "cosh"):
            return emit("cosh" if operation == "sinh" else "sinh", x)
        square = emit("mul", x, x)
        if operation == "atan":
            return emit("div", 1.0, emit("add", 1.0, square))
        if operation == "atanh":
            return emit("div", 1.0, emit("sub", 1.0, square))
        if operation == "asin":
            return emit("div", 1.0, emit("sqrt", emit("sub", 1.0, square)))
        if operation == "acos":
            return emit("div", -1.0, emit("sqrt", emit("sub", 1.0, square)))
        if operation == "asinh":
            return emit("div", 1.0, emit("sqrt", emit("add", 1.0, square)))
        if operation == "acosh":
            return emit("div", 1.0, emit("sqrt", emit("sub", square, 1.0)))
        raise AssertionError(operation)

    def parameter_values(self, nodes: list[int], slots: tuple[float, ...]) -> tuple[float, ...]:
        """Values of nodes that depend on slots and constants only.

        Parameters
        ----------
        nodes : list of int
        slots : tuple of float
            Value of each slot.
        """
        values: dict[int, Any] = {}
        pending = list(reversed(nodes))
        with np.errstate(all="ignore"):
            while pending:
                node = pending.pop()
                if node in values:
                    continue
                operation, operands = self.operation[node], self.operands[node]
                if operation == "constant":
                    values[node] = np.float64(operands[0])
                elif operation == "slot":
                    values[node] = np.float64(slots[operands[0]])
                else:
                    children = self.children(node)
                    missing = [child for child in children if child not in values]
                    if missing:
                        pending.append(node)
                        pending.extend(missing)
                    else:
                        points = operands[len(children) :]
                        values[node] = np.float64(numeric(operation, *(values[child] for child in children), *points))
        return tuple(float(values[node]) for node in nodes)
