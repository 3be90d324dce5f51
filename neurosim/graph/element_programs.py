"""Steps of states that flow nonlinearly, element by element: programs for `neurosim.kernels.element_program`.

Between ticks the states of an element obey ``y' = A y + b + N(y, u)``: A is what leaks and connects them linearly, b
what drives them from outside, held over a step, and N what comes through maps and products. A step of `dt` is made by

- ``"lawson2"``: Heun's method for what is left when the flow of ``A y + b`` is taken out exactly (J. D. Lawson, SIAM J.
  Numer. Anal. 4, 372 (1967), doi 10.1137/0704033). Order 2, two evaluations of N. States that only decay, such as
  synapses, and anything without N are exact;
- ``"lawson4"``: the same with the classical Runge-Kutta method: order 4, four evaluations;
- ``"exponential_midpoint"``: each state in turn is taken to flow linearly in itself, with everything else as it is half
  a step later: ``x + h phi(h d) (f + d (x - a))``, ``phi(z) = (exp(z) - 1)/z``, where f is its rate and d the part of
  its decay that sums and products show, both at the midpoint a. Order 2, and stable where large conductances make the
  others explode (Hodgkin-Huxley in steps of 0.1 ms); after M. Hines, Int. J. Biomed. Comput. 15, 69 (1984);
- ``"euler"``: forward Euler for everything, decays too: order 1, what many simulators take for such models.

Where there is no N (noise, or states that rest and drive others, make a program of a linear system) the step is exact
with each of them.

States that rest after a tick keep their values at every stage, so that what they drive sees them rest. Noise of a
state, ``g dW``, is added with the covariance that it has after a step of the linear part: with N = 0 that is the exact
Ornstein-Uhlenbeck step. ``substeps`` makes a step of several such steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg

from neurosim.errors import CoarseStepWarning, ParameterError, nearest
from neurosim.graph.element_code import (
    Coefficient,
    Instruction,
    Keep,
    Sum,
    identity,
    is_zero,
    machine_code,
    plain,
    sum_of,
)
from neurosim.graph.functions import BERNOULLI, RECIPROCAL, SQUARE
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import element_program as words
from neurosim.kernels.array_functions import apply_function

SCHEMES = ("lawson2", "lawson4", "exponential_midpoint", "euler")


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
        raise ParameterError(f"scheme '{scheme}' must be one of {', '.join(SCHEMES)}")
    if not isinstance(substeps, (int, np.integer)) or substeps < 1:
        raise ParameterError(f"substeps = {substeps!r} must be a whole number of one or more")


def write_program(
    elements: Elements, dt: float, scheme: str, substeps: int, noise_at: int, keep: Keep
) -> tuple[list[int], int, int]:
    """Code of one step, its registers, and how many normal numbers it takes from place `noise_at` on."""
    step = _Step(elements, dt, scheme, substeps, noise_at)
    return *machine_code(step.made, elements.size, keep), step.drawn


class _Step:
    """Writes the instructions of a step, each with a value of its own, then puts them into registers."""

    def __init__(self, elements: Elements, dt: float, scheme: str, substeps: int, noise_at: int) -> None:
        self.elements, self.made, self.known = elements, list[Instruction](), dict[Any, int]()
        names, k = elements.names, len(elements.names)
        places = [elements.place + i * elements.size for i in range(k)]
        self.inputs = [
            Sum(plain(elements.constant[:, i])) if at < 0 else Sum(0.0, {self._value(words.LOAD_INPUT, (at,)): 1.0})
            for i, at in enumerate(elements.inputs)
        ]
        self.start = [self._value(words.LOAD, (place,)) for place in places]
        self.needs_hold = bool(elements.held) and (substeps > 1 or self._held_states_drive_others())
        step = dt / substeps
        same = bool((elements.matrix == elements.matrix[:1]).all())
        self.matrix = elements.matrix[:1] if same else elements.matrix
        self.full = self._exponentials(dt, 1.0)[1]
        values = list(self.start)
        advance = {
            "lawson2": self._lawson2, "lawson4": self._lawson4, "exponential_midpoint": self._exponential_midpoint,
            "euler": self._euler,
        }[scheme]  # fmt: skip
        if elements.nodes:
            for _ in range(substeps):
                values = self._stage(advance(values, dt, step / dt))
        else:
            values = self._exact(values, dt)
        values, self.drawn = self._with_noise(values, dt, noise_at)
        for name, place, value in zip(names, places, values, strict=True):
            self.made.append(Instruction(words.STORE_FREE if name in elements.held else words.STORE, (value,), (),
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
        key = (kind, places, reads, tuple(map(identity, numbers)))
        if key not in self.known:
            self.known[key] = len(self.made)
            self.made.append(Instruction(kind, reads, numbers, places))
        return self.known[key]

    def _settled(self, total: Sum) -> int:
        """The value of a sum."""
        terms = sorted((v, c) for v, c in ((v, plain(c)) for v, c in total.terms.items()) if not is_zero(c))
        constant = plain(total.constant)
        if len(terms) == 1 and is_zero(constant) and isinstance(terms[0][1], float) and terms[0][1] == 1.0:
            return terms[0][0]
        return self._value("sum", (), tuple(v for v, _ in terms), (constant, *(c for _, c in terms)))

    def _product(self, factors: list[Sum]) -> Sum:
        """Product of sums; equal factors are squared first."""
        scale: Coefficient = 1.0
        left: list[tuple[int, float, float]] = []
        for factor in factors:
            terms = [(v, plain(c)) for v, c in factor.terms.items() if not is_zero(plain(c))]
            constant = plain(factor.constant)
            if not terms:
                scale = scale * constant
            elif len(terms) == 1 and isinstance(terms[0][1], float) and isinstance(constant, float):
                left.append((terms[0][0], constant, terms[0][1]))
            else:
                left.append((self._settled(factor), 0.0, 1.0))
        while len(left) > 1:
            pair = next(((i, j) for i in range(len(left)) for j in range(i) if left[i] == left[j]), (1, 0))
            (a, *one), (b, *other) = (left.pop(i) for i in pair)
            left.append((self._value("product", (), (a, b), (*one, *other)), 0.0, 1.0))
        return Sum(left[0][1], {left[0][0]: left[0][2]}) * scale if left else Sum(scale)

    def _rates(self, values: list[int]) -> list[Sum]:
        """N of states that have these values."""
        elements = self.elements
        known = {name: Sum(0.0, {value: 1.0}) for name, value in zip(elements.names, values, strict=True)}

        def drive(d: Drive) -> Sum:
            outside = Sum(d.bias) if d.place < 0 else Sum(0.0, {self._value(words.LOAD_INPUT, (d.place,)): 1.0})
            return sum_of([outside, *(known[source] * c for source, c in d.terms)])

        for node in elements.nodes:
            drives = [drive(d) for d in node.drives]
            if node.function < 0:
                known[node.name] = self._product(drives)
            elif node.function == SQUARE:
                known[node.name] = self._product([drives[0] * node.gain] * 2)
            else:
                argument = self._settled(drives[0] * node.gain)
                made = self._value(words.FUNCTION, (node.function,), (argument,), (node.argument,))
                known[node.name] = Sum(0.0, {made: 1.0})
        return [drive(d) for d in elements.rates]

    def _flow(self, values: list[int], part: float, dt: float) -> list[Sum]:
        """Where the linear part takes the states in a part of the step."""
        power, integral = self._exponentials(dt, part)
        # q is what b adds over the whole step.
        share = integral @ np.linalg.inv(self.full)
        states = [Sum(0.0, {value: 1.0}) for value in values]
        return [
            a + b for a, b in zip(_transformed(power, states), _transformed(share, self.inputs), strict=True)
        ]  # fmt: skip

    def _exponentials(self, dt: float, part: float) -> tuple[np.ndarray, np.ndarray]:
        return propagators(self.matrix, dt * part)

    def _stage(self, sums: list[Sum]) -> list[int]:
        """Values of the states at a stage; those that rest stay where they are."""
        values = []
        for name, start, total in zip(self.elements.names, self.start, sums, strict=True):
            value = self._settled(total)
            held = self.needs_hold and name in self.elements.held
            values.append(self._value(words.HOLD, (), (start, value)) if held else value)
        return values

    def _exact(self, values: list[int], dt: float) -> list[int]:
        """A whole step of linear states; what rests stands still for those that it drives."""
        elements = self.elements
        free = [self._settled(total) for total in self._flow(values, 1.0, dt)]
        resting = np.array([name in elements.held for name in elements.names])
        if not self.matrix[:, :, resting][:, ~resting].any():
            return free
        power, integral = propagators(np.where(resting[:, None], 0.0, self.matrix), dt)
        share = integral @ np.where(resting[:, None], 0.0, np.linalg.inv(self.full))
        states = [Sum(0.0, {value: 1.0}) for value in values]
        stands = zip(_transformed(power, states), _transformed(share, self.inputs), free, resting, strict=True)
        return [
            there if is_held else self._value(words.HOLD, (), (self._settled(a + b), there))
            for a, b, there, is_held in stands
        ]

    def _euler(self, values: list[int], dt: float, part: float) -> list[Sum]:
        """``y + h (A y + b + N(y))``."""
        h = dt * part
        states = [Sum(0.0, {value: 1.0}) for value in values]
        power = np.eye(len(values)) + h * self.matrix
        share = h * np.linalg.inv(self.full)
        parts = zip(_transformed(power, states), _transformed(share, self.inputs), self._rates(values), strict=True)
        return [a + b + n * h for a, b, n in parts]

    def _lawson2(self, values: list[int], dt: float, part: float) -> list[Sum]:
        """``a = L y + h E N(y)``, then ``(L y + a + h N(a)) / 2``."""
        h = dt * part
        linear, power = self._flow(values, part, dt), self._exponentials(dt, part)[0]
        ahead = _transformed(h * power, self._rates(values))
        middle = [a + n for a, n in zip(linear, ahead, strict=True)]
        stage = self._stage(middle)
        made = []
        for a, first, between, point, n in zip(linear, ahead, middle, stage, self._rates(stage), strict=True):
            made.append(a * 0.5 + Sum(0.0, {point: 0.5}) + n * (0.5 * h) if n.terms or first.terms else between)
        return made

    def _lawson4(self, values: list[int], dt: float, part: float) -> list[Sum]:
        """The classical method of order 4, in the flow of the linear part."""
        h = dt * part
        (half, whole) = (self._exponentials(dt, share * part)[0] for share in (0.5, 1.0))
        to_half, to_end = self._flow(values, 0.5 * part, dt), self._flow(values, part, dt)

        def ahead(base: list[Sum], matrix: np.ndarray, rates: list[Sum]) -> list[Sum]:
            return [a + n for a, n in zip(base, _transformed(matrix, rates), strict=True)]

        first = self._rates(values)
        second = self._rates(self._stage(ahead(to_half, 0.5 * h * half, first)))
        third = self._rates(self._stage([a + n * (0.5 * h) for a, n in zip(to_half, second, strict=True)]))
        fourth = self._rates(self._stage(ahead(to_end, h * half, third)))
        inner = [a + b for a, b in zip(second, third, strict=True)]
        end = ahead(ahead(to_end, h / 6.0 * whole, first), h / 3.0 * half, inner)
        return [a + n * (h / 6.0) for a, n in zip(end, fourth, strict=True)]

    def _exponential_midpoint(self, values: list[int], dt: float, part: float) -> list[Sum]:
        """Half a step from the states as they are, then the whole step with the rates found there."""
        middle = self._stage(self._relaxed(values, values, dt, 0.5 * part))
        return self._relaxed(values, middle, dt, part)

    def _relaxed(self, values: list[int], points: list[int], dt: float, part: float) -> list[Sum]:
        """``x + h phi(h d) (f + d (x - a))`` of each state, with f and d at `points`; exact where all is linear."""
        h, k = dt * part, len(values)
        rates, flow = self._rates(points), self._flow(values, part, dt)
        here = [Sum(0.0, {value: 1.0}) for value in points]
        outside = _transformed(np.linalg.inv(self.full), self.inputs)
        linear = _transformed(self.matrix, here)
        nonlinear = {i for i in range(k) if rates[i].terms}
        while further := {
            i for i in range(k) if i not in nonlinear and any(self.matrix[:, i, j].any() for j in nonlinear)
        }:
            nonlinear |= further
        made = []
        for i, (value, point) in enumerate(zip(values, points, strict=True)):
            if i not in nonlinear:
                made.append(flow[i])
                continue
            slope = self._slope(rates[i], point) + Sum(plain(self.matrix[:, i, i]))
            away = Sum(0.0, {value: 1.0}) + Sum(0.0, {point: -1.0}) if value != point else Sum()
            rate = linear[i] + outside[i] + rates[i] + self._product([slope, away])
            made.append(Sum(0.0, {value: 1.0}) + self._product([rate, self._phi(slope * h)]) * h)
        return made

    def _phi(self, z: Sum) -> Sum:
        """``(exp(z) - 1)/z``, which is 1 over Bernoulli's function."""
        inverse = self._value(words.FUNCTION, (BERNOULLI,), (self._settled(z),), (0.0,))
        return Sum(0.0, {self._value(words.FUNCTION, (RECIPROCAL,), (inverse,), (0.0,)): 1.0})

    def _slope(self, rate: Sum, state: int) -> Sum:
        """Derivative by a state as far as sums and products show it; what goes through functions is left out."""
        return sum_of(self._slope_of(value, state) * c for value, c in rate.terms.items())

    def _slope_of(self, value: int, state: int) -> Sum:
        if value == state:
            return Sum(1.0)
        instruction = self.made[value]
        if instruction.kind == "sum":
            pairs = zip(instruction.reads, instruction.numbers[1:], strict=True)
            return sum_of(self._slope_of(v, state) * c for v, c in pairs)
        if instruction.kind != "product":
            return Sum()
        (a, b), (a0, a1, b0, b1) = instruction.reads, instruction.numbers
        return self._product([self._slope_of(a, state) * a1, Sum(b0, {b: b1})]) + self._product(
            [Sum(a0, {a: a1}), self._slope_of(b, state) * b1]
        )

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
                        words.NOISE, (noise_at + number * n,), (values[row],), (plain(spread[:, row, source]),)
                    )
        return values, n * len(sources)


def _transformed(matrix: np.ndarray, vector: list[Sum]) -> list[Sum]:
    """Product of a matrix, shape (size, k, k) or (k, k), and a vector of sums."""
    made = []
    for j in range(len(vector)):
        row = [(plain(matrix[..., j, i]), vector[i]) for i in range(len(vector))]
        made.append(sum_of(each * c for c, each in row if not is_zero(c)))
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
    made = scipy.linalg.expm(augmented)
    # What cannot be reached stays zero: its rounding would tie together states that know nothing of one another.
    reached = (augmented[:, :k, :k] != 0.0) | np.eye(k, dtype=bool)
    for _ in range(k.bit_length()):
        reached = reached @ reached
    made = np.where(np.concatenate([reached, reached], axis=2), made[:, :k], 0.0)[where.ravel()]
    return made[:, :, :k], made[:, :, k:]


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


COARSE = 0.5
"""Part of the shortest time of a state that flows nonlinearly from which a step is called coarse."""


def warn_of_coarse_steps(flat: SignalGraph, elements: Elements, step: float, scheme: str) -> tuple[str, ...]:
    """Notes, which are warned of too, on a step [s] that is too long for states that flow nonlinearly.

    The time of a state is its time constant, or that in which N moves the first of its elements by itself at the start;
    the exponential midpoint takes that into account.

    Warns
    -----
    CoarseStepWarning
    """
    start = [_first(flat.value_of(flat.nodes[name]["initial"], elements.size, name)) for name in elements.names]
    times = {}
    for i, name in enumerate(elements.names):
        if elements.rates[i].terms:
            h = 1e-6 * max(abs(start[i]), 1e-3)
            low, high = (_rates_of_first(elements, [*start[:i], start[i] + d, *start[i + 1 :]])[i] for d in (-h, h))
            own = float(flat.value_of(flat.nodes[name]["time_constant"], elements.size, name).min())
            slope = 0.0 if scheme == "exponential_midpoint" else abs(high - low) / (2.0 * h)
            times[name] = 1.0 / max(1.0 / own, slope)
    name = min(times, key=times.__getitem__, default="")
    if not name or not step > COARSE * times[name]:
        return ()
    note = (
        f"a step of {step:.3g} s is more than {COARSE:g} of the {times[name]:.3g} s in which state '{name}' moves, "
        "which flows nonlinearly: ticks may be far off, or states explode; take dt, or dt / substeps, of "
        f"{times[name] / 10:.1g} s or less"
    )
    warnings.warn(note, CoarseStepWarning, stacklevel=2)
    return (note,)


def _first(numbers: Coefficient) -> float:
    return float(np.ravel(numbers)[0])


def _rates_of_first(elements: Elements, values: list[float]) -> list[float]:
    """N of the first element, without inputs."""
    known = dict(zip(elements.names, values, strict=True))

    def drive(d: Drive) -> float:
        return _first(d.bias) + sum(_first(c) * known[source] for source, c in d.terms)

    for node in elements.nodes:
        made = np.array([drive(d) for d in node.drives])
        if node.function >= 0:
            apply_function(node.function, made, 0, node.gain * made, 0, 1, node.argument)
        known[node.name] = float(made.prod())
    return [drive(d) for d in elements.rates]


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
