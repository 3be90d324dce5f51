"""Bound expressions to instructions: a `Program` shared by all instances of one structure, and a `Behaviour` of each.

Inputs of a program are the distinct references in order of first use, then one input per state. Outputs are the value
of the expression, then one output per state. What a state needs from the equations of the circuit:

integral (``idt``, ``sdt``)
    An unknown s with ds/dt = output and s = `StateSpec.initial` at the start; the input is s.
derivative (``ddt``)
    An unknown q with 0 = q - output; the input is dq/dt, which is 0 at an operating point.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from neurosim.expressions import instructions as code
from neurosim.expressions.branches import hold_branches
from neurosim.expressions.dialects import Dialect
from neurosim.expressions.functions import Rules, call, operate
from neurosim.expressions.graph import Graph
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
    walk,
)

KELVIN = 273.15
"""Temperature of 0 degrees Celsius in K."""
TIME_ENTRY, TEMPERATURE_ENTRY = 0, 2
"""Entries of the kernel's ``context``."""

StateKind = Literal["integral", "derivative"]

_WITH_CONSTANT = {
    "add": (code.ADD_CONSTANT, code.ADD_CONSTANT),
    "mul": (code.MUL_CONSTANT, code.MUL_CONSTANT),
    "sub": (code.CONSTANT_SUB, code.ADD_CONSTANT),
    "div": (code.CONSTANT_DIV, code.DIV_CONSTANT),
}
"""Operations that have forms with a constant on the left and on the right."""
_OPCODES = {name: number for number, name in enumerate(code.OPERATIONS)}


@dataclass(frozen=True)
class Program:
    """Instructions for `neurosim.kernels.expression.evaluate_expression`; equal for instances of equal structure.

    Attributes
    ----------
    code : tuple of int
        See `neurosim.expressions.instructions`.
    constants : tuple of float
        The kernel's ``table``.
    input_count, parameter_count : int
        Rows of ``u`` (states included) and of ``p``.
    hold_count : int
        Outcomes that are held during a time step (`neurosim.expressions.branches`).
    register_count : int
        Rows of ``memory`` behind those that are kept: scratch, free between calls.
    states : tuple of str
        ``"integral"`` or ``"derivative"`` for each state, in the order of their inputs and outputs.
    depends : tuple of tuple of int
        For each output, the inputs that it can depend on; all other derivatives are always zero.
    uses_time : bool
        Whether an output depends on time explicitly.
    """

    code: tuple[int, ...]
    constants: tuple[float, ...]
    input_count: int
    parameter_count: int
    hold_count: int
    register_count: int
    states: tuple[StateKind, ...]
    depends: tuple[tuple[int, ...], ...]
    uses_time: bool

    @property
    def output_count(self) -> int:
        """Rows of ``F``."""
        return 1 + len(self.states)

    @property
    def kept_rows(self) -> int:
        """First rows of ``memory``: whether outcomes are held, then each outcome, then each largest distance."""
        return 1 + 2 * self.hold_count if self.hold_count else 0

    @property
    def memory_rows(self) -> int:
        """Rows of memory that the kernel needs; blocks may share all behind the kept ones."""
        return self.kept_rows + self.register_count


@dataclass(frozen=True)
class StateSpec:
    """A state that an expression brings along.

    Parameters
    ----------
    kind : {"integral", "derivative"}
    initial : float or None
        Integrals: the value at the start given in the netlist (None if not given, which means 0).
    """

    kind: StateKind
    initial: float | None = None


@dataclass(frozen=True)
class Behaviour:
    """A program with what one instance connects to it.

    Parameters
    ----------
    program : Program
    references : tuple of Reference
        What the first inputs are; the inputs of `states` follow.
    parameters : tuple of float
        Rows of ``p``.
    states : tuple of StateSpec
    """

    program: Program
    references: tuple[Reference, ...]
    parameters: tuple[float, ...]
    states: tuple[StateSpec, ...]


def compile_program(expression: Expression) -> Behaviour:
    """Instructions of a bound expression (see `bind`).

    Parameters
    ----------
    expression : Expression
        As `bind` returns it.

    Returns
    -------
    Behaviour
        Its program is equal for all expressions of the same structure, whatever the nets and parameter values.
    """
    references: dict[Reference, int] = {}
    slots: dict[Node, float] = {}
    moved: dict[int, Node] = {}
    for node in walk(expression.node):
        if isinstance(node, Reference):
            number = references.setdefault(node, len(references))
            moved[id(node)] = Reference("v", (str(number),))
        elif isinstance(node, Slot):
            slots.setdefault(node.of, node.value)
            moved[id(node)] = Slot(0.0, node.of)
        else:
            moved[id(node)] = _with_children(node, tuple(moved[id(child)] for child in node.children))
    values = tuple(slots.values())
    structure = _compile(moved[id(expression.node)], expression.dialect, len(references))
    start = structure.graph.parameter_values(structure.initial_nodes, values)
    starts = iter(start)
    return Behaviour(
        structure.program,
        tuple(references),
        structure.graph.parameter_values(structure.parameter_nodes, values),
        tuple(
            StateSpec(kind, next(starts) if given else None)
            for kind, given in zip(structure.program.states, structure.has_initial)
        ),
    )


def _with_children(node: Node, children: tuple[Node, ...]) -> Node:
    if isinstance(node, Call):
        return Call(node.name, children)
    if isinstance(node, Unary):
        return Unary(node.op, children[0])
    if isinstance(node, Binary):
        return Binary(node.op, children[0], children[1])
    if isinstance(node, Conditional):
        return Conditional(children[0], children[1], children[2])
    return node


@dataclass(frozen=True, eq=False)
class _Structure:
    """A program with the recipe for the parameters of its instances."""

    program: Program
    graph: Graph
    parameter_nodes: list[int]
    has_initial: tuple[bool, ...]
    initial_nodes: list[int]


@functools.lru_cache(maxsize=1024)
def _compile(root: Node, dialect: Dialect, reference_count: int) -> _Structure:
    graph = Graph()
    rules = Rules(dialect)
    slot_of: dict[Node, int] = {}
    number: dict[int, int] = {}
    states: dict[tuple[str, int, int | None], int] = {}
    for node in walk(root):
        operands = tuple(number[id(child)] for child in node.children)
        if isinstance(node, Number):
            result = graph.constant(node.value)
        elif isinstance(node, Slot):
            result = graph.leaf("slot", slot_of.setdefault(node.of, len(slot_of)))
        elif isinstance(node, Reference):
            result = graph.leaf("input", int(node.args[0]))
        elif isinstance(node, Name):
            result = graph.leaf(node.text)
        elif isinstance(node, Call) and node.name in ("idt", "ddt"):
            integrand, *initial = operands
            state = states.setdefault((node.name, integrand, initial[0] if initial else None), len(states))
            result = graph.leaf("input", reference_count + state)
        elif isinstance(node, Call):
            result = call(graph.emit, rules, node.name, operands)
        elif isinstance(node, Conditional):
            result = operate(graph.emit, rules, "?", operands)
        elif isinstance(node, Unary | Binary):
            result = operate(graph.emit, rules, node.op, operands)
        else:
            raise AssertionError(node)
        number[id(node)] = graph.constant(result) if isinstance(result, float) else result
    outputs = hold_branches(graph, [number[id(root)], *(integrand for _, integrand, _ in states)])
    kinds: tuple[StateKind, ...] = tuple("derivative" if name == "ddt" else "integral" for name, _, _ in states)
    program, parameter_nodes = _Writer(graph, outputs, reference_count + len(states)).write(kinds)
    initials = [initial for _, _, initial in states]
    return _Structure(
        program,
        graph,
        parameter_nodes,
        tuple(initial is not None for initial in initials),
        [initial for initial in initials if initial is not None],
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """Compute a node, or store it in a row of the outputs or of their derivatives."""

    node: int
    store: Literal["", "flow", "slope"] = ""
    target: int = 0


class _Writer:
    """Orders the nodes of a graph, gives them rows while they are needed, and writes the instructions."""

    def __init__(self, graph: Graph, outputs: list[int], input_count: int) -> None:
        self.graph, self.outputs, self.input_count = graph, outputs, input_count
        self.constants: dict[str, int] = {}
        self.table: list[float] = []
        self.parameters: dict[int, int] = {}
        self.row: dict[int, int] = {}
        self.free: list[int] = []
        self.rows = 0
        self.holds = 0
        self.words: list[int] = []

    def write(self, kinds: tuple[StateKind, ...]) -> tuple[Program, list[int]]:
        graph = self.graph
        derivatives = graph.derivatives(self.outputs)
        holds = sum(graph.operation[node] == "hold" for node in graph.below(self.outputs))
        kept = self.rows = 1 + 2 * holds if holds else 0
        zero = graph.constant(0.0)
        done: set[int] = set()
        steps: list[_Step] = []
        for k, output in enumerate(self.outputs):
            steps += [*self.ordered(output, done), _Step(output, "flow", k)]
        values = len(steps)
        for k, derivative in enumerate(derivatives):
            for j in range(self.input_count):
                node = derivative.get(j, zero)
                steps += [*self.ordered(node, done), _Step(node, "slope", k * self.input_count + j)]
        last = {node: position for position, step in enumerate(steps) for node in self.read_by(step)}
        value_words = 0
        for position, step in enumerate(steps):
            self.write_step(step)
            for node in set(self.read_by(step)):
                if last[node] == position and node in self.row:
                    self.free.append(self.row.pop(node))
            if position == values - 1:
                value_words = len(self.words) // code.WORDS
        program = Program(
            (value_words, len(self.words) // code.WORDS, holds, *self.words),
            tuple(self.table),
            self.input_count,
            len(self.parameters),
            holds,
            self.rows - kept,
            kinds,
            tuple(tuple(sorted(derivative)) for derivative in derivatives),
            any(graph.operation[step.node] == "time" for step in steps[:values]),
        )
        return program, list(self.parameters)

    def is_leaf(self, node: int) -> bool:
        """Whether a node is loaded, not computed."""
        return self.graph.is_parameter[node] or self.graph.operation[node] in ("constant", "input")

    def ordered(self, root: int, done: set[int]) -> list[_Step]:
        """Computation of the nodes below `root` that are not in `done` (and now are), operands first."""
        order: list[_Step] = []
        pending = [(root, False)]
        while pending:
            node, ready = pending.pop()
            if ready:
                order.append(_Step(node))
            elif node not in done and not self.is_leaf(node):
                done.add(node)
                pending.append((node, True))
                pending.extend((child, False) for child in reversed(self.graph.children(node)))
        return order

    def read_by(self, step: _Step) -> tuple[int, ...]:
        return (step.node,) if step.store else self.graph.children(step.node)

    def constant_at(self, value: float) -> int:
        key = repr(value)
        if key not in self.constants:
            self.constants[key] = len(self.table)
            self.table.append(value)
        return self.constants[key]

    def parameter_at(self, node: int) -> int:
        return self.parameters.setdefault(node, len(self.parameters))

    def new_row(self, node: int) -> int:
        if self.free:
            self.row[node] = self.free.pop()
        else:
            self.row[node] = self.rows
            self.rows += 1
        return self.row[node]

    def instruct(self, *words: int) -> None:
        self.words.extend((*words, *(0,) * (code.WORDS - len(words))))

    def operand(self, node: int) -> int:
        """Row of an operand, loaded first if need be."""
        if node not in self.row:
            value = self.graph.value(node)
            if value is not None:
                self.instruct(code.FILL, self.new_row(node), self.constant_at(value))
            elif self.graph.is_parameter[node]:
                self.instruct(code.PARAMETER, self.new_row(node), self.parameter_at(node))
            else:
                self.instruct(code.INPUT, self.new_row(node), self.graph.operands[node][0])
        return self.row[node]

    def write_step(self, step: _Step) -> None:
        node = step.node
        value = self.graph.value(node)
        if not step.store:
            opcode, *words = self.instruction(node)
            self.instruct(opcode, self.new_row(node), *words)
        elif step.store == "flow":
            self.instruct(code.STORE_FLOW, step.target, self.operand(node))
        elif value is not None:
            self.instruct(code.FILL_SLOPE, step.target, self.constant_at(value))
        elif self.graph.is_parameter[node]:
            self.instruct(code.PARAMETER_SLOPE, step.target, self.parameter_at(node))
        else:
            self.instruct(code.STORE_SLOPE, step.target, self.operand(node))

    def instruction(self, node: int) -> tuple[int, ...]:
        """Operation and operands of a node."""
        graph = self.graph
        operation, children = graph.operation[node], graph.children(node)
        if operation == "time":
            return code.CONTEXT, TIME_ENTRY, self.constant_at(0.0)
        if operation == "temper":
            return code.CONTEXT, TEMPERATURE_ENTRY, self.constant_at(-KELVIN)
        if operation == "hold":
            self.holds += 1
            distance = self.operand(children[1]) if len(children) == 2 else -1
            return code.HOLD, self.operand(children[0]), distance, self.holds - 1
        if operation in ("pwl", "pwl_slope"):
            points = graph.operands[node][1:]
            row, at = self.operand(children[0]), len(self.table)
            self.table.extend(points)
            return _OPCODES[operation], row, at, len(points)
        if operation in _WITH_CONSTANT:
            left, right = children
            x, y = graph.value(left), graph.value(right)
            if x is not None:
                return _WITH_CONSTANT[operation][0], self.operand(right), self.constant_at(x)
            if y is not None:
                constant = -y if operation == "sub" else y
                return _WITH_CONSTANT[operation][1], self.operand(left), self.constant_at(constant)
        return _OPCODES[operation], *(self.operand(child) for child in children)
