"""The past of a run: the interpolants of its steps, kept for as long as the longest delay reaches back.

They lie at the end of the table of the graph's law (`neurosim.graph.law`): the ends of the pieces, infinite where none
is yet, then their coefficients. The loop in time writes them there as its dense output, the law reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph import law as words
from neurosim.graph.assembly import GraphAssembly
from neurosim.graph.program import Program
from neurosim.kernels import array_program as ap
from neurosim.kernels import run as state
from neurosim.kernels import system as layout
from neurosim.kernels.run import Run

GIVEN_PIECES = 256
"""Polynomials that stand for a history given as a function."""

FIRST_PIECES = 256
"""Steps for which there is room at first, beside the history."""


def constant_history(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values at t = 0 of a history, as initial values.

    Raises
    ------
    ParameterError
        A function fails or its value is not finite.
    """
    return {name: _at(name, value, 0.0) for name, value in given.items()}


def _at(name: str, value: Any, t: float) -> np.ndarray:
    made = np.asarray(value(t) if callable(value) else value, dtype=float)
    if not np.isfinite(made).all():
        raise ParameterError(f"history of '{name}': not finite at t = {t:g} s")
    return made


def check_history(program: Program, given: Mapping[str, Any], initial: Mapping[str, Any]) -> None:
    """Refuse a history of what has none.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    delayed = list(dict.fromkeys(delay.state for delay in program.delays))
    for name in given:
        if name not in delayed:
            known = nearest(str(name), delayed) or f"states with delays: {', '.join(delayed) or 'none'}"
            raise UnknownNameError(f"history: '{name}' is no state whose past is used; {known}")
        holds = program.graph.of_kind("hold")
        if callable(given[name]) and holds:
            raise ParameterError(f"history of '{name}': hold '{holds[0]}' samples at t = 0 and takes constants only")
        if name in initial:
            raise ParameterError(f"history of '{name}' gives its initial value too: leave it out of initial")


class History:
    """Room for the past in the table of a law, and its upkeep from Python while the loop is not running.

    Parameters
    ----------
    assembly : GraphAssembly
        Of a program with delays; its table is replaced.
    run : Run
    given : mapping of str to callable or array_like
        For t <= 0.
    origin : int
        1 where the interpolants of the method are polynomials around the end of a step, 0 around its start.
    """

    def __init__(
        self, assembly: GraphAssembly, run: Run, given: Mapping[str, Callable[[float], Any] | Any], origin: int = 0
    ) -> None:
        self.assembly, self.run = assembly, run
        self.reach = max(delay.seconds for delay in assembly.program.delays)
        self.degree, self.size = run.q.shape[0] - 1, run.q.shape[1]
        self.place, self.origin = assembly.system.arrays.table.size, origin
        knots, coefficients = self._before(given)
        self._lay_out(knots, coefficients, len(coefficients) + FIRST_PIECES)

    def _before(self, given: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Polynomials of the time before 0."""
        functions = {name: value for name, value in given.items() if callable(value)}
        pieces = GIVEN_PIECES if functions else 1
        knots = np.linspace(-self.reach, 0.0, pieces + 1)
        coefficients = np.zeros((pieces, self.degree + 1, self.size))
        coefficients[:, 0] = self.run.y[:-1]
        fractions = 0.5 - 0.5 * np.cos(np.pi * np.arange(self.degree + 1) / self.degree)
        inverse = np.linalg.inv(np.vander(fractions - self.origin, increasing=True))
        for name, function in functions.items():
            part = self.assembly.program.states.slices[name]
            for k in range(pieces):
                values = [_at(name, function, t) for t in knots[k] + fractions * (knots[k + 1] - knots[k])]
                if values[0].size not in (1, part.stop - part.start):
                    shape = self.assembly.program.states.shapes[name]
                    raise ParameterError(f"history of '{name}': shape {values[0].shape}, but the state has {shape}")
                rows = np.array([np.broadcast_to(v.ravel(), part.stop - part.start) for v in values])
                coefficients[k, :, part] = inverse @ rows
        return knots, coefficients

    def _lay_out(self, knots: np.ndarray, coefficients: np.ndarray, capacity: int) -> None:
        """Put the pieces at the front of room for `capacity`."""
        arrays, steps = self.assembly.system.arrays, len(coefficients)
        if capacity != len(self.run.knot_q):
            room = np.zeros(capacity + 1 + capacity * (self.degree + 1) * self.size)
            table = np.concatenate([arrays.table[: self.place], room])
            arrays = self.assembly.system.arrays = arrays._replace(table=table)
            arrays.batch[0, layout.TABLE_LENGTH] = table.size
            for code in (arrays.code, self.assembly.code):
                law = code[ap.LAW_AT]
                code[law + words.HISTORY_AT], code[law + words.HISTORY_PIECES] = self.place, capacity
                code[law + words.HISTORY_DEGREE], code[law + words.HISTORY_WIDTH] = self.degree, self.size
                code[law + words.HISTORY_ORIGIN] = self.origin
            self.assembly.table = table
            first = self.place + capacity + 1
            self.run = self.run._replace(
                knot_t=table[self.place : first],
                knot_q=table[first:].reshape(capacity, self.degree + 1, self.size),
            )
        self.run.knot_t[: steps + 1] = knots
        self.run.knot_t[steps + 1 :] = np.inf
        self.run.knot_q[:steps] = coefficients
        self.run.count[state.KNOTS] = steps

    def fit(self, pieces: int) -> None:
        """Have as much room as a run had, for its history to be put here."""
        if pieces > len(self.run.knot_q):
            steps = int(self.run.count[state.KNOTS])
            self._lay_out(self.run.knot_t[: steps + 1].copy(), self.run.knot_q[:steps].copy(), pieces)

    def make_room(self) -> None:
        """Forget what no delay reaches any more, and double the room where that does not help."""
        run = self.run
        steps = int(run.count[state.KNOTS])
        if steps + 2 <= run.knot_t.size:
            return
        first = int(np.searchsorted(run.knot_t[: steps + 1], run.real[state.T] - self.reach, side="right")) - 1
        first = max(first, 0)
        capacity = len(run.knot_q) * (2 if steps - first > len(run.knot_q) // 2 else 1)
        self._lay_out(run.knot_t[first : steps + 1].copy(), run.knot_q[first:steps].copy(), capacity)
