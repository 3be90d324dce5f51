"""Steps of states that flow nonlinearly, element by element: programs for `neurosim.kernels.element_program`.

Between ticks the states of an element obey ``y' = A y + b + N(y, u)``: A is what leaks and connects them linearly, b
what drives them from outside, held over a step, and N what comes through maps and products. A step of `dt` is made by

- ``"lawson2"``: Heun's method for what is left when the flow of ``A y + b`` is taken out exactly (J. D. Lawson, SIAM J.
  Numer. Anal. 4, 372 (1967), doi 10.1137/0704033). Order 2, two evaluations of N. States that only decay, such as
  synapses, and anything without N are exact;
- ``"lawson4"``: the same with the classical Runge-Kutta method: order 4, four evaluations;
- ``"euler"``: forward Euler for everything, decays too: order 1, what many simulators take for such models.

States that rest after a tick keep their values at every stage, so that what they drive sees them rest. Noise of a
state, ``g dW``, is added with the covariance that it has after a step of the linear part: with N = 0 that is the exact
Ornstein-Uhlenbeck step. ``substeps`` makes a step of several such steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg

from neurosim.errors import ParameterError, nearest
from neurosim.graph.functions import SQUARE
from neurosim.kernels import element_program as words

SCHEMES = ("lawson2", "lawson4", "euler")

Coefficient = Any
"""A float, or an array with one for each element."""


@dataclass
class Drive:
    """``bias + sum of coefficient x source``; sources are states and nodes by name; `place` of inputs in q, or -1."""

    bias: Coefficient = 0.0
    terms: list[tuple[str, Coefficient]] = field(default_factory=list)
    place: int = -1


@dataclass
class Node:
    """A map of one drive, or a product of several (function -1)."""

    name: str
    drives: list[Drive]
    function: int = -1
    argument: float = 0.0
    gain: float = 1.0


@dataclass
class Elements:
    """States of one size that drive one another element by element.

    Attributes
    ----------
    size : int
    names : list of str
        k states; of neuron e, state i is at ``place + i size + e``.
    matrix : ndarray, shape (size, k, k)
        A [1/s].
    constant : ndarray, shape (size, k)
        What b adds over a step.
    inputs : list of int
        For each state its place in q where inputs drive it, else -1: then q has what b adds.
    nodes : list of Node
        Maps and products, each after those that it needs.
    rates : list of Drive
        N of each state [its unit/s].
    held : set of str
        States that rest after a tick.
    noise : ndarray, shape (size, k)
        Amplitudes g [unit of the state/sqrt(s)].
    """

    size: int
    place: int
    names: list[str]
    matrix: np.ndarray
    constant: np.ndarray
    inputs: list[int]
    nodes: list[Node]
    rates: list[Drive]
    held: set[str]
    noise: np.ndarray


def check_scheme(scheme: str, substeps: int) -> None:
    """Refuse an unknown scheme and a number of substeps that is none.

    Raises
    ------
    ParameterError
    """
    if scheme not in SCHEMES:
        raise ParameterError(f"scheme '{scheme}' must be one of {', '.join(SCHEMES)}; {nearest(scheme, SCHEMES)}")
    if int(substeps) != substeps or substeps < 1:
        raise ParameterError(f"substeps = {substeps!r} must be a whole number of one or more")


def write_program(
    elements: Elements, dt: float, scheme: str, substeps: int, noise_at: int,
    keep: Callable[[np.ndarray], tuple[int, int]],
) -> tuple[list[int], int, int]:  # fmt: skip
    """Code of one step, its registers, and how many normal numbers it takes from place `noise_at` on.

    Parameters
    ----------
    keep : callable
        Puts numbers into the table; returns their place, and 0 where one stands for all.
    """
    return _Step(elements, dt, scheme, substeps, noise_at).code(keep)


@dataclass
class _Sum:
    """``constant + sum of coefficient x value``; values are numbers of instructions."""

    constant: Coefficient = 0.0
    terms: dict[int, Coefficient] = field(default_factory=dict)

    def __mul__(self, factor: Coefficient) -> _Sum:
        return _Sum(self.constant * factor, {value: c * factor for value, c in self.terms.items()})

    def __add__(self, other: _Sum) -> _Sum:
        terms = dict(self.terms)
        for value, c in other.terms.items():
            terms[value] = terms.get(value, 0.0) + c
        return _Sum(self.constant + other.constant, terms)


def _total(parts: Iterable[_Sum]) -> _Sum:
    total = _Sum()
    for part in parts:
        total = total + part
    return total


def _plain(number: Coefficient) -> Coefficient:
    """A float where all elements have the same number."""
    array = np.asarray(number, float)
    return float(array.flat[0]) if array.size and (array == array.flat[0]).all() else array


def _is_zero(number: Coefficient) -> bool:
    return isinstance(number, float) and number == 0.0


def _key(number: Coefficient) -> Any:
    return number if isinstance(number, float) else number.tobytes()


@dataclass
class _Instruction:
    """``kind``: a word of `neurosim.kernels.element_program`, "sum" or "product"; what it reads, and its numbers."""

    kind: Any
    reads: tuple[int, ...] = ()
    numbers: tuple[Coefficient, ...] = ()
    places: tuple[int, ...] = ()


class _Step:
    """Writes the instructions of a step, each with a value of its own, then puts them into registers."""

    def __init__(self, elements: Elements, dt: float, scheme: str, substeps: int, noise_at: int) -> None:
        self.elements, self.made, self.known = elements, list[_Instruction](), dict[Any, int]()
        names, k = elements.names, len(elements.names)
        places = [elements.place + i * elements.size for i in range(k)]
        self.inputs = [
            _Sum(_plain(elements.constant[:, i])) if at < 0 else _Sum(0.0, {self._value(words.LOAD_INPUT, (at,)): 1.0})
            for i, at in enumerate(elements.inputs)
        ]
        self.start = [self._value(words.LOAD, (place,)) for place in places]
        self.needs_hold = bool(elements.held) and (substeps > 1 or self._held_states_drive_others())
        step = dt / substeps
        same = bool((elements.matrix == elements.matrix[:1]).all())
        self.matrix = elements.matrix[:1] if same else elements.matrix
        self.full = self._exponentials(dt, 1.0)[1]
        values = list(self.start)
        advance = {"lawson2": self._lawson2, "lawson4": self._lawson4, "euler": self._euler}[scheme]
        for _ in range(substeps):
            values = self._stage(advance(values, dt, step / dt))
        values, self.drawn = self._with_noise(values, dt, noise_at)
        for name, place, value in zip(names, places, values, strict=True):
            self.made.append(_Instruction(words.STORE_FREE if name in elements.held else words.STORE, (value,), (),
                                          (place,)))  # fmt: skip

    def _held_states_drive_others(self) -> bool:
        """Whether a state that rests is seen by one that does not."""
        elements = self.elements
        seen = {node.name: {s for d in node.drives for s, _ in d.terms} for node in elements.nodes}

        def states_behind(name: str) -> set[str]:
            return set().union(*map(states_behind, seen[name])) if name in seen else {name}

        return any(
            elements.held & states_behind(source)
            for name, drive in zip(elements.names, elements.rates, strict=True) if name not in elements.held
            for source, _ in drive.terms
        )  # fmt: skip

    def _value(self, kind: Any, places: tuple[int, ...] = (), reads: tuple[int, ...] = (),
               numbers: tuple[Coefficient, ...] = ()) -> int:  # fmt: skip
        """Number of an instruction; the same one is written once."""
        key = (kind, places, reads, tuple(map(_key, numbers)))
        if key not in self.known:
            self.known[key] = len(self.made)
            self.made.append(_Instruction(kind, reads, numbers, places))
        return self.known[key]

    def _settled(self, total: _Sum) -> int:
        """The value of a sum."""
        terms = sorted((v, c) for v, c in ((v, _plain(c)) for v, c in total.terms.items()) if not _is_zero(c))
        constant = _plain(total.constant)
        if len(terms) == 1 and _is_zero(constant) and isinstance(terms[0][1], float) and terms[0][1] == 1.0:
            return terms[0][0]
        return self._value("sum", (), tuple(v for v, _ in terms), (constant, *(c for _, c in terms)))

    def _product(self, factors: list[_Sum]) -> _Sum:
        """Product of sums; equal factors are squared first."""
        scale: Coefficient = 1.0
        left: list[tuple[int, float, float]] = []
        for factor in factors:
            plain = [(v, _plain(c)) for v, c in factor.terms.items() if not _is_zero(_plain(c))]
            constant = _plain(factor.constant)
            if not plain:
                scale = scale * constant
            elif len(plain) == 1 and isinstance(plain[0][1], float) and isinstance(constant, float):
                left.append((plain[0][0], constant, plain[0][1]))
            else:
                left.append((self._settled(factor), 0.0, 1.0))
        while len(left) > 1:
            pair = next(((i, j) for i in range(len(left)) for j in range(i) if left[i] == left[j]), (1, 0))
            (a, *one), (b, *other) = (left.pop(i) for i in pair)
            left.append((self._value("product", (), (a, b), (*one, *other)), 0.0, 1.0))
        return _Sum(left[0][1], {left[0][0]: left[0][2]}) * scale if left else _Sum(scale)

    def _rates(self, values: list[int]) -> list[_Sum]:
        """N of states that have these values."""
        elements = self.elements
        known = {name: _Sum(0.0, {value: 1.0}) for name, value in zip(elements.names, values, strict=True)}

        def drive(d: Drive) -> _Sum:
            outside = _Sum(d.bias) if d.place < 0 else _Sum(0.0, {self._value(words.LOAD_INPUT, (d.place,)): 1.0})
            return _total([outside, *(known[source] * c for source, c in d.terms)])

        for node in elements.nodes:
            drives = [drive(d) for d in node.drives]
            if node.function < 0:
                known[node.name] = self._product(drives)
            elif node.function == SQUARE:
                known[node.name] = self._product([drives[0] * node.gain] * 2)
            else:
                argument = self._settled(drives[0] * node.gain)
                made = self._value(words.FUNCTION, (node.function,), (argument,), (node.argument,))
                known[node.name] = _Sum(0.0, {made: 1.0})
        return [drive(d) for d in elements.rates]

    def _flow(self, values: list[int], part: float, dt: float) -> list[_Sum]:
        """Where the linear part takes the states in a part of the step."""
        power, integral = self._exponentials(dt, part)
        # q is what b adds over the whole step.
        share = integral @ np.linalg.inv(self.full)
        states = [_Sum(0.0, {value: 1.0}) for value in values]
        return [
            a + b for a, b in zip(_transformed(power, states), _transformed(share, self.inputs), strict=True)
        ]  # fmt: skip

    def _exponentials(self, dt: float, part: float) -> tuple[np.ndarray, np.ndarray]:
        return propagators(self.matrix, dt * part)

    def _stage(self, sums: list[_Sum]) -> list[int]:
        """Values of the states at a stage; those that rest stay where they are."""
        values = []
        for name, start, total in zip(self.elements.names, self.start, sums, strict=True):
            value = self._settled(total)
            held = self.needs_hold and name in self.elements.held
            values.append(self._value(words.HOLD, (), (start, value)) if held else value)
        return values

    def _euler(self, values: list[int], dt: float, part: float) -> list[_Sum]:
        """``y + h (A y + b + N(y))``."""
        h = dt * part
        states = [_Sum(0.0, {value: 1.0}) for value in values]
        power = np.eye(len(values)) + h * self.matrix
        share = h * np.linalg.inv(self.full)
        parts = zip(_transformed(power, states), _transformed(share, self.inputs), self._rates(values), strict=True)
        return [a + b + n * h for a, b, n in parts]

    def _lawson2(self, values: list[int], dt: float, part: float) -> list[_Sum]:
        """``a = L y + h E N(y)``, then ``(L y + a + h N(a)) / 2``."""
        h = dt * part
        linear, power = self._flow(values, part, dt), self._exponentials(dt, part)[0]
        ahead = _transformed(h * power, self._rates(values))
        middle = [a + n for a, n in zip(linear, ahead, strict=True)]
        stage = self._stage(middle)
        made = []
        for a, first, between, point, n in zip(linear, ahead, middle, stage, self._rates(stage), strict=True):
            made.append(a * 0.5 + _Sum(0.0, {point: 0.5}) + n * (0.5 * h) if n.terms or first.terms else between)
        return made

    def _lawson4(self, values: list[int], dt: float, part: float) -> list[_Sum]:
        """The classical method of order 4, in the flow of the linear part."""
        h = dt * part
        (half, whole) = (self._exponentials(dt, share * part)[0] for share in (0.5, 1.0))
        to_half, to_end = self._flow(values, 0.5 * part, dt), self._flow(values, part, dt)

        def ahead(base: list[_Sum], matrix: np.ndarray, rates: list[_Sum]) -> list[_Sum]:
            return [a + n for a, n in zip(base, _transformed(matrix, rates), strict=True)]

        first = self._rates(values)
        second = self._rates(self._stage(ahead(to_half, 0.5 * h * half, first)))
        third = self._rates(self._stage([a + n * (0.5 * h) for a, n in zip(to_half, second, strict=True)]))
        fourth = self._rates(self._stage(ahead(to_end, h * half, third)))
        inner = [a + b for a, b in zip(second, third, strict=True)]
        end = ahead(ahead(to_end, h / 6.0 * whole, first), h / 3.0 * half, inner)
        return [a + n * (h / 6.0) for a, n in zip(end, fourth, strict=True)]

    def _with_noise(self, values: list[int], dt: float, noise_at: int) -> tuple[list[int], int]:
        """Add noise to the states, one set of normal numbers for each state that has some."""
        elements, n = self.elements, self.elements.size
        if not elements.noise.any():
            return values, 0
        spread = noise_spread(elements.matrix, elements.noise, dt)
        sources = [k for k in range(len(values)) if spread[:, :, k].any()]
        for row in range(len(values)):
            for number, source in enumerate(sources):
                if spread[:, row, source].any():
                    values[row] = self._value(
                        words.NOISE, (noise_at + number * n,), (values[row],), (_plain(spread[:, row, source]),)
                    )
        return values, n * len(sources)

    def code(self, keep: Callable[[np.ndarray], tuple[int, int]]) -> tuple[list[int], int, int]:
        """See `write_program`."""
        lowered = _lowered(self.made, self.elements.size, keep)
        last = {value: at for at, (_, _, reads, _) in enumerate(lowered) for value in reads}
        register: dict[int, int] = {}
        free: list[int] = []
        used, code = 0, []
        for at, (kind, target, reads, rest) in enumerate(lowered):
            if target is not None:
                if not free:
                    free.append(used)
                    used += 1
                register[target] = free.pop()
                code += [kind, register[target], *(register[value] for value in reads), *rest]
            else:
                code += [kind, register[reads[0]], *rest]
            free += [register.pop(value) for value in set(reads) if last[value] == at]
        return code, used, self.drawn


def _transformed(matrix: np.ndarray, vector: list[_Sum]) -> list[_Sum]:
    """Product of a matrix, shape (size, k, k) or (k, k), and a vector of sums."""
    made = []
    for j in range(len(vector)):
        row = [(_plain(matrix[..., j, i]), vector[i]) for i in range(len(vector))]
        made.append(_total(total * c for c, total in row if not _is_zero(c)))
    return made


def propagators(matrix: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """``exp(A dt)`` and its integral over the step of systems ``y' = A y + b``.

    Parameters
    ----------
    matrix : ndarray, shape (n, k, k)
        A of n small systems [1/s].
    dt : float
        Seconds.

    Returns
    -------
    propagator, integral : ndarray, shape (n, k, k)
        ``y(dt) = propagator y + integral b``.
    """
    n, k, _ = matrix.shape
    different, where = np.unique(matrix.reshape(n, -1), axis=0, return_inverse=True)
    augmented = np.zeros((len(different), 2 * k, 2 * k))
    augmented[:, :k, :k] = different.reshape(-1, k, k) * dt
    augmented[:, np.arange(k), np.arange(k, 2 * k)] = dt
    made = scipy.linalg.expm(augmented)[where.ravel()]
    return made[:, :k, :k], made[:, :k, k:]


def noise_spread(matrix: np.ndarray, amplitudes: np.ndarray, dt: float) -> np.ndarray:
    """Root of the covariance that white noise on linear systems has after a step: what multiplies normal numbers.

    Parameters
    ----------
    matrix : ndarray, shape (n, k, k)
        A of ``dy = A y dt + g dW`` [1/s].
    amplitudes : ndarray, shape (n, k)
        g of each state.
    dt : float
        Seconds.

    Returns
    -------
    ndarray, shape (n, k, k)
        Lower triangular. The covariance, the integral of ``exp(A s) g g' exp(A' s)``, is found from one exponential
        (C. F. Van Loan, IEEE Trans. Autom. Control 23, 395 (1978), doi 10.1109/TAC.1978.1101743).
    """
    n, k, _ = matrix.shape
    joined = np.concatenate([matrix.reshape(n, -1), amplitudes], axis=1)
    different, where = np.unique(joined, axis=0, return_inverse=True)
    block = np.zeros((len(different), 2 * k, 2 * k))
    a = different[:, : k * k].reshape(-1, k, k)
    block[:, :k, :k], block[:, k:, k:] = -a * dt, a.transpose(0, 2, 1) * dt
    block[:, np.arange(k), np.arange(k, 2 * k)] = different[:, k * k :] ** 2 * dt
    made = scipy.linalg.expm(block)
    covariance = made[:, k:, k:].transpose(0, 2, 1) @ made[:, :k, k:]
    root = np.zeros_like(covariance)
    for s, wide in enumerate(covariance):
        # A state without noise of its own may have none at all: its row of the root is zero.
        noisy = np.flatnonzero(np.diag(wide) > 0.0)
        if noisy.size:
            root[s][np.ix_(noisy, noisy)] = _root(0.5 * (wide + wide.T)[np.ix_(noisy, noisy)])
    return root[where.ravel()]


def _root(covariance: np.ndarray) -> np.ndarray:
    """Lower triangular root of a covariance that may be singular to rounding."""
    scale = np.sqrt(np.diag(covariance))
    plain = covariance / np.outer(scale, scale)
    k = len(plain)
    root = np.zeros((k, k))
    for j in range(k):
        rest = plain[j, j] - root[j, :j] @ root[j, :j]
        root[j, j] = np.sqrt(max(rest, 0.0))
        if root[j, j] > 1e-9:
            root[j + 1 :, j] = (plain[j + 1 :, j] - root[j + 1 :, :j] @ root[j, :j]) / root[j, j]
    return scale[:, None] * root


def _lowered(
    made: list[_Instruction], size: int, keep: Callable[[np.ndarray], tuple[int, int]]
) -> list[tuple[int, int | None, list[int], list[int]]]:  # fmt: skip
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
    lowered: list[tuple[int, int | None, list[int], list[int]]] = []
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
        lowered.append((kind, target, filled, [number(x) for x in numbers]))

    def total(target: int, instruction: _Instruction) -> None:
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
                    lowered.append((words.CONSTANT, into, [], [number(c0)]))
                else:
                    both = [*before, *now]
                    kind = words.LINEAR_1 + len(both) - 1
                    numbers = [number(c0), *(number(c) for _, c in both)]
                    lowered.append((kind, into, [v for v, _ in both], numbers))

            pieces.append(piece)
        if not isinstance(constant, float):
            pieces.append(lambda into, before: lowered.append(
                (words.ADD_EACH, into, [before[0][0]], [keep(np.broadcast_to(constant, size))[0]])
            ))  # fmt: skip
        for v, c in each:
            pieces.append(lambda into, before, v=v, c=c: lowered.append(
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
            total(at, instruction)
        elif kind == "product":
            products(at, 0.0, [], [(at, 1.0)])
        elif kind == words.FUNCTION:
            lowered.append((kind, at, [*instruction.reads], [*instruction.places, number(instruction.numbers[0])]))
        elif kind == words.NOISE:
            kept = keep(np.broadcast_to(instruction.numbers[0], size))
            lowered.append((kind, at, [*instruction.reads], [*instruction.places, *kept]))
        elif kind in (words.STORE, words.STORE_FREE):
            lowered.append((kind, None, [*instruction.reads], [*instruction.places]))
        else:
            lowered.append((kind, at, [*instruction.reads], [*instruction.places]))
    return lowered


def check_noise(noise: Mapping[str, Any], states: Iterable[str]) -> None:
    """Refuse noise on what is no state.

    Raises
    ------
    ParameterError
    """
    known = list(states)
    for name, amplitude in noise.items():
        if name not in known:
            raise ParameterError(f"diffusion: no state '{name}'; {nearest(name, known) or ', '.join(known)}")
        if isinstance(amplitude, str):
            raise ParameterError(
                f"diffusion: the amplitude of '{name}' is a node: where dt is given it must be a number; leave out dt"
            )
