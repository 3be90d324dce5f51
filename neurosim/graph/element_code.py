"""Code of element programs: sums and products of values become instructions on registers.

`neurosim.graph.element_programs` writes a step as instructions, each with a value of its own; `machine_code` keeps
those that are needed, joins products into the sums that take them, and finds registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.kernels import element_program as words

Coefficient = Any
"""A float, or an array with one for each element."""

Keep = Callable[[np.ndarray], tuple[int, int]]
"""Puts numbers into the table; returns their place, and 0 where one stands for all."""


@dataclass
class Sum:
    """``constant + sum of coefficient x value``; values are numbers of instructions."""

    constant: Coefficient = 0.0
    terms: dict[int, Coefficient] = field(default_factory=dict)

    def __mul__(self, factor: Coefficient) -> Sum:
        return Sum(self.constant * factor, {value: c * factor for value, c in self.terms.items()})

    def __add__(self, other: Sum) -> Sum:
        terms = dict(self.terms)
        for value, c in other.terms.items():
            terms[value] = terms.get(value, 0.0) + c
        return Sum(self.constant + other.constant, terms)


def sum_of(parts: Iterable[Sum]) -> Sum:
    total = Sum()
    for part in parts:
        total = total + part
    return total


def plain(number: Coefficient) -> Coefficient:
    """A float where all elements have the same number."""
    array = np.asarray(number, float)
    return float(array.flat[0]) if array.size and (array == array.flat[0]).all() else array


def is_zero(number: Coefficient) -> bool:
    return isinstance(number, float) and number == 0.0


def identity(number: Coefficient) -> Any:
    return number if isinstance(number, float) else number.tobytes()


@dataclass
class Instruction:
    """``kind``: a word of `neurosim.kernels.element_program`, "sum" or "product"; what it reads, and its numbers."""

    kind: Any
    reads: tuple[int, ...] = ()
    numbers: tuple[Coefficient, ...] = ()
    places: tuple[int, ...] = ()


Line = tuple[int, "int | None", list[int], list[int]]
"""Instruction of the machine: kind, the value that it makes, values that it reads, and further words."""

_TAKES_OPERANDS = {
    words.LINEAR_1, words.LINEAR_2, words.LINEAR_3, words.LINEAR_4, words.PRODUCT, words.PRODUCTS, words.HOLD,
}  # fmt: skip


def machine_code(made: list[Instruction], size: int, keep: Keep) -> tuple[list[int], int]:
    """Code for `neurosim.kernels.element_program`, and how many registers it takes."""
    lines, home = _at_home(_lowered(made, size, keep))
    last = {value: at for at, (_, _, reads, _) in enumerate(lines) for value in reads}
    register: dict[int, int] = {}
    free: list[int] = []
    used, code = 0, []

    def word(kind: int, value: int) -> int:
        if kind not in _TAKES_OPERANDS:
            return register[value]
        return home[value] if value in home else 4 * register[value] + words.IN_REGISTERS

    for at, (kind, target, reads, rest) in enumerate(lines):
        if target is not None and target not in home:
            if not free:
                free.append(used)
                used += 1
            register[target] = free.pop()
        code += [kind, *(word(kind, value) for value in ([] if target is None else [target]) + reads), *rest]
        free += [register.pop(value) for value in set(reads) if value in register and last[value] == at]
    return code, used


def _at_home(lines: list[Line]) -> tuple[list[Line], dict[int, int]]:
    """Lines that are left when states and inputs are read where they lie, and states written there; the operands."""
    home: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    for at, (_, _, reads, _) in enumerate(lines):
        for value in reads:
            readers.setdefault(value, []).append(at)
    maker = {line[1]: at for at, line in enumerate(lines) if line[1] is not None}
    loaded = {rest[0]: value for kind, value, _, rest in lines if kind == words.LOAD and value is not None}

    def are_operands(value: int, beside: int = -1) -> bool:
        return all(lines[at][0] in _TAKES_OPERANDS for at in readers.get(value, []) if at != beside)

    dropped = set()
    for at, (kind, target, reads, rest) in enumerate(lines):
        if kind in (words.LOAD, words.LOAD_INPUT) and target is not None and are_operands(target):
            home[target] = 4 * rest[0] + (words.IN_STATES if kind == words.LOAD else words.IN_INPUTS)
            dropped.add(at)
        elif kind == words.STORE and lines[maker[reads[0]]][0] in _TAKES_OPERANDS and reads[0] not in home:
            old = readers.get(loaded.get(rest[0], -1), [])
            if are_operands(reads[0], at) and all(reader <= maker[reads[0]] for reader in old):
                home[reads[0]] = 4 * rest[0] + words.IN_STATES
                dropped.add(at)
    return [line for at, line in enumerate(lines) if at not in dropped], home


def _lowered(made: list[Instruction], size: int, keep: Keep) -> list[Line]:
    """Instructions of the machine (kind, target, what is read, further words) of what is needed.

    A product that one sum alone takes becomes a part of that sum.
    """
    uses: dict[int, list[int]] = {}
    needed = [instruction.kind in (words.STORE, words.STORE_FREE) for instruction in made]
    for at in reversed(range(len(made))):
        if needed[at]:
            for value in made[at].reads:
                needed[value] = True
                uses.setdefault(value, []).append(at)
    places: dict[float, int] = {}
    lines: list[Line] = []
    further = len(made)

    def number(value: float) -> int:
        if value not in places:
            places[value] = keep(np.array([value]))[0]
        return places[value]

    def is_inside(value: int) -> bool:
        """Whether a product is written where it is used."""
        users = uses.get(value, [])
        if made[value].kind != "product" or len(users) != 1 or made[users[0]].kind != "sum":
            return False
        user = made[users[0]]
        return isinstance(user.numbers[1 + user.reads.index(value)], float)

    def products(target: int, constant: float, linear: list[Any], factors: list[Any]) -> None:
        """One PRODUCT or PRODUCTS; what there is less of is filled with zero times something that is read anyway."""
        reads = [v for v, _ in linear]
        inner = [made[v].reads for v, _ in factors]
        filled = [*reads, *[inner[0][0]] * (2 - len(reads)), *(v for pair in inner for v in pair)]
        numbers = [constant, *(c for _, c in linear), *[0.0] * (2 - len(linear))]
        for value, c in factors:
            a0, a1, b0, b1 = made[value].numbers
            numbers += [a0 * c, a1 * c, b0, b1]
        kind = words.PRODUCT if len(factors) == 1 else words.PRODUCTS
        lines.append((kind, target, filled, [number(x) for x in numbers]))

    def add(target: int, instruction: Instruction) -> None:
        nonlocal further
        constant, *numbers = instruction.numbers
        terms = list(zip(instruction.reads, numbers, strict=True))
        each = [(v, c) for v, c in terms if not isinstance(c, float)]
        factors = [(v, c) for v, c in terms if isinstance(c, float) and is_inside(v)]
        linear = [(v, c) for v, c in terms if isinstance(c, float) and not is_inside(v)]
        start = constant if isinstance(constant, float) else 0.0
        pieces: list[Callable[..., None]] = []
        while linear or factors or not pieces:
            first = not pieces
            room = (2 if factors else 4) - (not first)
            now, linear = linear[:room], linear[room:]
            inner, factors = factors[:2], factors[2:]

            def piece(into: int, before: list[Any], now=now, inner=inner, c0=start if first else 0.0) -> None:
                if inner:
                    products(into, c0, [*before, *now], inner)
                elif not (before or now):
                    lines.append((words.CONSTANT, into, [], [number(c0)]))
                else:
                    both = [*before, *now]
                    kind = words.LINEAR_1 + len(both) - 1
                    numbers = [number(c0), *(number(c) for _, c in both)]
                    lines.append((kind, into, [v for v, _ in both], numbers))

            pieces.append(piece)
        if not isinstance(constant, float):
            pieces.append(lambda into, before: lines.append(
                (words.ADD_EACH, into, [before[0][0]], [keep(np.broadcast_to(constant, size))[0]])
            ))  # fmt: skip
        for v, c in each:
            pieces.append(lambda into, before, v=v, c=c: lines.append(
                (words.ADD_SCALED, into, [before[0][0], v], [keep(np.broadcast_to(c, size))[0]])
            ))  # fmt: skip
        before: list[Any] = []
        for at, piece in enumerate(pieces):
            into = target if at == len(pieces) - 1 else further
            further += into == further
            piece(into, before)
            before = [(into, 1.0)]

    for at, instruction in enumerate(made):
        if not needed[at] or is_inside(at):
            continue
        kind = instruction.kind
        if kind == "sum":
            add(at, instruction)
        elif kind == "product":
            products(at, 0.0, [], [(at, 1.0)])
        elif kind == words.FUNCTION:
            lines.append((kind, at, [*instruction.reads], [*instruction.places, number(instruction.numbers[0])]))
        elif kind == words.NOISE:
            kept = keep(np.broadcast_to(instruction.numbers[0], size))
            lines.append((kind, at, [*instruction.reads], [*instruction.places, *kept]))
        elif kind in (words.STORE, words.STORE_FREE):
            lines.append((kind, None, [*instruction.reads], [*instruction.places]))
        else:
            lines.append((kind, at, [*instruction.reads], [*instruction.places]))
    return lines
