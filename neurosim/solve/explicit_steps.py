"""The discrete solution of a graph by an explicit method on given steps, with its adjoint and its tangents."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph import law as words
from neurosim.graph.assembly import GraphAssembly
from neurosim.kernels import array_adjoint as steps
from neurosim.kernels import array_program as ap
from neurosim.solve.dynamics import Dynamics
from neurosim.solve.methods.method import Method

BLOCK = 64
"""Evaluations after which the gradients by dense weights are added up."""


@dataclass
class GraphGradient:
    """Gradient of a scalar by all that a graph's flow takes.

    Attributes
    ----------
    p : ndarray, shape (parameters.size,)
    rate, leak : ndarray, shape (states.size,)
        By 1/tau and by the leak of each state.
    start : ndarray, shape (unknowns,)
    """

    p: np.ndarray
    rate: np.ndarray
    leak: np.ndarray
    start: np.ndarray


@dataclass
class ExplicitSteps:
    """Steps of an explicit method from mesh point to mesh point.

    Attributes
    ----------
    dynamics : Dynamics
        Of a graph whose states all flow.
    method : Method
    mesh : ndarray, shape (steps + 1,)
        Times of the ends of the steps [s].
    saved : ndarray of int64, shape (steps + 1,)
        Row of the values to which each mesh point belongs, -1 for none.
    memory : int
        Most bytes of tape; a longer run is computed again piece by piece from saved states.
    """

    dynamics: Dynamics
    method: Method
    mesh: np.ndarray
    saved: np.ndarray
    memory: int = 256_000_000
    _checkpoints: np.ndarray = field(init=False, repr=False)
    _tape: np.ndarray = field(init=False, repr=False)
    _clipped: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assembly = self.dynamics.assembly
        assert isinstance(assembly, GraphAssembly)
        program = assembly.program
        if program.is_clocked.any():
            raise ParameterError(
                f"graph '{program.graph.title}' has states that jump at clocks: its gradients are those of its digital "
                "twin, ns.digital(graph).gradient"
            )
        self.program, self.assembly = program, assembly
        n = program.states.size
        stages = int(self.method.tableau[0, 0])
        self._count = stages - 1
        self._a = np.ascontiguousarray(self.method.tableau[1 : 1 + stages, : stages - 1]).ravel()
        self._c = self.method.tableau[1 + int(self.method.tableau[0, :2].sum()), : stages - 1]
        self._h = np.diff(self.mesh)
        self._rate, self._leak = 1.0 / program.time_constant, program.leak.copy()
        unknowns = self.dynamics.system.unknowns
        self._bounds = np.concatenate([unknowns.lower[:n], unknowns.upper[:n]])
        self._bounded = bool(np.isfinite(self._bounds).any())
        self._size = int(program.code[ap.SIZE])
        self._piece = max(1, min(self._h.size, self.memory // (8 * self._size * self._count)))
        self._held = program.inputs.size == 0 or all(r[0] == words.CONSTANT for r in assembly.drives.records)
        self._single_input = self._inputs(0, 1)[: program.inputs.size] if self._held else np.empty(0)

    @property
    def _pieces(self) -> list[tuple[int, int]]:
        total = self._h.size
        return [(low, min(low + self._piece, total)) for low in range(0, total, self._piece)]

    def _inputs(self, low: int, high: int) -> np.ndarray:
        """Inputs at all evaluations of some steps; held samples are those of the step's start."""
        if self.program.inputs.size == 0:
            return np.empty(0)
        times = (self.mesh[low:high, None] + self._c * self._h[low:high, None]).ravel()
        samples = np.repeat(self.assembly.drives.samples(self.mesh[low:high]), self._count, axis=0)
        u = np.zeros(times.size * self.program.inputs.size)
        words.inputs_at(times, self.assembly.table, self.assembly.code, samples.ravel(), u)
        return u

    def _run(self, low: int, high: int, y: np.ndarray, values: np.ndarray, keep: bool) -> None:
        """Steps `low` to `high` from y, which becomes the last state."""
        program, n = self.program, self.program.states.size
        u = self._single_input if self._held else self._inputs(low, high)
        self._clipped = np.zeros((high - low) * n if self._bounded else 0)
        steps.run_steps(
            program.code, self._plan(high - low, keep), self.saved[low : high + 1], program.p, program.transposed,
            self._a, self._h[low:high], u, self._rate, self._leak, self._bounds, y, values.ravel(), self._tape,
            self._clipped, np.empty(self._count * n),
        )  # fmt: skip

    def _plan(self, count: int, keep: bool, directions: int = 0) -> np.ndarray:
        block = max(1, BLOCK // self._count) * self._count
        return np.array([count, self._count, keep, self._held, self._bounded, block, directions], np.int64)

    def run(self) -> np.ndarray:
        """Values at the saved mesh points, shape (points, unknowns of the program).

        Raises
        ------
        SimulationError
            A state is not finite.
        """
        n, pieces = self.program.states.size, self._pieces
        values = np.empty((int(self.saved.max()) + 1, n))
        keep = len(pieces) == 1
        self._tape = np.empty((self._piece if keep else 1) * self._count * self._size)
        self._checkpoints = np.empty((len(pieces), n))
        y = self.dynamics.start[:n].copy()
        for number, (low, high) in enumerate(pieces):
            self._checkpoints[number] = y
            self._run(low, high, y, values, keep)
        for part, place in ((values, None), (y[None], -1)):
            if not np.isfinite(part).all():
                row, state = (int(k) for k in np.argwhere(~np.isfinite(part))[0])
                when = self.mesh[np.argmax(self.saved == row) if place is None else place]
                raise SimulationError(
                    f"state {self.dynamics.names[state]} is not finite at t = {when:g} s with the {self._h.size} steps "
                    f"of '{self.method.name}'; take shorter steps, or an implicit method"
                )
        return values

    def _recompute(self, number: int) -> tuple[int, int]:
        """Put the tape of a piece in place."""
        pieces, n = self._pieces, self.program.states.size
        low, high = pieces[number]
        if len(pieces) > 1:
            if self._tape.size < self._piece * self._count * self._size:
                self._tape = np.empty(self._piece * self._count * self._size)
            trash = np.empty((int(self.saved.max()) + 1, n))
            self._run(low, high, self._checkpoints[number].copy(), trash, True)
        return low, high

    def reverse(self, d_values: np.ndarray) -> GraphGradient:
        """Gradient of a scalar whose gradient by the saved values is given, shape as `run` gives them."""
        program, n = self.program, self.program.states.size
        made = GraphGradient(np.zeros_like(program.p), np.zeros(n), np.zeros(n), np.zeros(self.dynamics.size))
        adjoint_y = np.zeros(n)
        if self.saved[-1] >= 0:
            adjoint_y += d_values[self.saved[-1]]
        block = int(self._plan(0, True)[steps.BLOCK])
        adjoint, stages = np.empty(block * self._size), np.empty(self._count * n)
        wanted = np.ascontiguousarray(d_values, float).ravel()
        for number in range(len(self._pieces) - 1, -1, -1):
            low, high = self._recompute(number)
            steps.reverse_steps(
                program.code, self._plan(high - low, True), self.saved[low : high + 1], program.p, program.transposed,
                self._a, self._h[low:high], self._rate, self._leak, self._bounds, self._tape, self._clipped, wanted,
                adjoint_y, made.p, made.rate, made.leak, adjoint, stages,
            )  # fmt: skip
        made.p = made.p[: program.parameters.size]
        made.start[:n] = adjoint_y
        return made

    def tangents(
        self, places: np.ndarray, by_rate: np.ndarray, by_leak: np.ndarray, start: np.ndarray
    ) -> np.ndarray:  # fmt: skip
        """Derivatives of the saved values in some directions, shape (points, n, directions).

        Parameters
        ----------
        places : ndarray of int64, shape (directions,)
            Element of the parameter vector that changes, -1 for none.
        by_rate, by_leak, start : ndarray, shape (directions, n)
            Changes of 1/tau, of the leaks and of the first state.
        """
        program, rows = self.program, places.size
        n, layout = program.states.size, program.states
        blocks = [layout.to_blocks(np.ascontiguousarray(part, float)) for part in (by_rate, by_leak, start)]
        element = layout.to_blocks(np.tile(np.arange(n, dtype=float), (rows, 1))).astype(np.int64)
        values = np.empty((int(self.saved.max()) + 1, n * rows))
        s = blocks[2].copy()
        tangent, slopes = np.empty(self._size * rows), np.empty(self._count * n * rows)
        for number in range(len(self._pieces)):
            low, high = self._recompute(number)
            steps.tangent_steps(
                program.code, self._plan(high - low, True, rows), self.saved[low : high + 1], places, element,
                program.p, program.transposed, self._a, self._h[low:high], self._rate, self._leak, self._bounds,
                blocks[0], blocks[1], self._tape, self._clipped, s, values.ravel(), tangent, slopes,
                np.zeros_like(program.p), np.empty(self._size),
            )  # fmt: skip
        return np.swapaxes(layout.from_blocks(values, rows), 1, 2)
