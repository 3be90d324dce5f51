"""The discrete solution of ``M y' = f(t, y)`` on given steps by an implicit method, with its adjoint and tangents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import SimulationError
from neurosim.kernels import step_adjoint as steps
from neurosim.kernels.abi import TIME
from neurosim.kernels.builder import System
from neurosim.solve.dynamics import Dynamics
from neurosim.solve.factors import Factors

SDIRK4 = np.array([
    [1 / 4, 0, 0, 0, 0],
    [1 / 2, 1 / 4, 0, 0, 0],
    [17 / 50, -1 / 25, 1 / 4, 0, 0],
    [371 / 1360, -137 / 2720, 15 / 544, 1 / 4, 0],
    [25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4],
    [1 / 4, 3 / 4, 11 / 20, 1 / 2, 1],
    [25 / 24 - 59 / 48, -49 / 48 + 17 / 96, 125 / 16 - 225 / 32, 0, 1 / 4],
])  # fmt: skip
"""Singly diagonally implicit method of order 4(3), L-stable and stiffly accurate: rows a, c, difference of weights.

E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, 2nd ed. (Springer 1996), table IV.6.5 (recalled; the
conditions of order are tested). A step takes y through M y only, so no start of a piece has to be made consistent.
"""

BACKWARD_EULER = np.array([[1.0], [1.0], [0.0]])


@dataclass
class ImplicitSteps:
    """Steps of a diagonally implicit method from mesh point to mesh point, for any system.

    Attributes
    ----------
    dynamics : Dynamics
    tableau : ndarray, shape (s + 2, s)
        As in `neurosim.kernels.step_adjoint.Steps`.
    mesh : ndarray, shape (steps + 1,)
    saved : ndarray of int64, shape (steps + 1,)
        Row of the values to which each mesh point belongs, -1 for none.
    typical : ndarray, shape (n,)
        Largest size of each unknown.
    atol : ndarray, shape (n,)
    rtol : float
        Tolerances for `error`, the estimated error of each step.
    memory : int
        Most bytes of tape; a longer run is computed again piece by piece from saved states.
    """

    dynamics: Dynamics
    tableau: np.ndarray
    mesh: np.ndarray
    saved: np.ndarray
    typical: np.ndarray
    atol: np.ndarray
    rtol: float = 1e-6
    memory: int = 256_000_000
    error: np.ndarray = field(init=False)
    held: np.ndarray = field(init=False)
    """Which unknowns stood at a bound at some time; bool, shape (n,)."""

    def __post_init__(self) -> None:
        system = self.dynamics.system
        n, stages = system.size, self.tableau.shape[1]
        self._count = self.mesh.size - 1
        bounded = system.arrays.bounded.size
        row = stages * (n + 1 + bounded)
        # The multipliers, or slopes, of a piece take as much again as its tape.
        self._piece = max(1, min(self._count, self.memory // (16 * row)))
        self._factors = Factors(system)
        self.error = np.zeros(self._count)
        self.held = np.zeros(n, bool)
        nnz = system.arrays.mass.size
        self._steps = steps.Steps(
            plan=np.zeros(6, np.int64), saved=self.saved, times=self.mesh, tableau=np.ascontiguousarray(self.tableau),
            typical=np.maximum(self.typical, 1e-3 * self.atol / self.rtol), atol=np.append(self.atol, self.rtol),
            start=np.zeros(n + 1), tape=np.zeros((0, stages, n + 1)),
            held=np.zeros((0, stages, bounded)), error=np.zeros(0), y=np.zeros(n + 1), f=np.zeros(n + 1),
            work=np.zeros((stages + 4, n + 1)), jacobian=np.zeros(nnz + 1), matrix=np.zeros(nnz + 1),
            alpha=np.full(1, -1.0),
        )  # fmt: skip
        self._tape = self._steps.tape

    @property
    def system(self) -> System:
        """What is stepped."""
        return self.dynamics.system

    @property
    def _pieces(self) -> list[tuple[int, int]]:
        return [(k, min(k + self._piece, self._count)) for k in range(0, self._count, self._piece)]

    def _of(self, low: int, high: int, y: np.ndarray, directions: int = 0, keep: bool = True) -> steps.Steps:
        """What compiled code takes for some steps, from y."""
        plan = np.array([high - low, self.tableau.shape[1], keep, 0, self.system.is_linear, directions], np.int64)
        return self._steps._replace(
            plan=plan, saved=self.saved[low : high + 1], times=self.mesh[low : high + 1], error=self.error[low:high],
            start=y.copy(), y=y.copy(), tape=self._tape, held=self._held, alpha=np.full(1, -1.0),
        )  # fmt: skip

    def _drive(self, driver: Callable[..., int], made: steps.Steps, *arrays: np.ndarray) -> None:
        """Run a driver to its end, with new pivots where the old ones no longer suit."""
        system, plan = self.system, made.plan
        while True:
            k = int(np.clip(plan[steps.AT], 0, made.times.size - 2))
            system.context[TIME] = made.times[k]
            made.alpha[0] = -1.0
            lu = self._factors.at(made.y, 1.0 / (self.tableau[-3, -1] * (made.times[k + 1] - made.times[k])))
            status = driver(system.arrays, lu, made, system.context, *arrays)
            if status == steps.DONE:
                return
            when = made.times[max(int(plan[steps.AT]), 0)]
            if status == steps.NEW_PIVOTS:
                self._factors.forget(system.names, 0)
                continue
            raise StepFailure(when, "the equations are singular" if status == steps.SINGULAR else "no convergence")

    def run(self) -> np.ndarray:
        """Values at the saved mesh points, shape (points, n).

        Raises
        ------
        StepFailure
            A step cannot be solved.
        """
        n, stages, pieces = self.system.size, self.tableau.shape[1], self._pieces
        keep = len(pieces) == 1
        values = np.zeros((int(self.saved.max()) + 1, n))
        rows = self._piece if keep else 1
        bounded = self.system.arrays.bounded
        self._tape, self._held = np.zeros((rows, stages, n + 1)), np.zeros((rows, stages, bounded.size))
        self._starts = np.zeros((len(pieces), n + 1))
        y = np.append(self.dynamics.start, 0.0)
        self.held[:] = False
        for number, (low, high) in enumerate(pieces):
            self._starts[number] = y
            made = self._of(low, high, y, keep=keep)
            self._drive(steps.take_steps, made, values.ravel())
            y = made.y.copy()
            self.held[bounded] |= self._held.any(axis=(0, 1))
        if not np.isfinite(values).all() or not np.isfinite(y).all():
            raise StepFailure(float(self.mesh[-1]), "a value is not finite")
        return values

    def _recompute(self, number: int) -> tuple[int, int]:
        """Put the tape of a piece in place."""
        low, high = self._pieces[number]
        if len(self._pieces) > 1:
            n, stages = self.system.size, self.tableau.shape[1]
            if len(self._tape) < self._piece:
                self._tape = np.zeros((self._piece, stages, n + 1))
                self._held = np.zeros((self._piece, stages, self.system.arrays.bounded.size))
            made = self._of(low, high, self._starts[number])
            self._drive(steps.take_steps, made, np.zeros((int(self.saved.max()) + 1) * n))
        return low, high

    def stage_times(self, low: int, high: int) -> np.ndarray:
        """Times of all stages of some steps [s]."""
        h = np.diff(self.mesh[low : high + 1])
        return (self.mesh[low:high, None] + h[:, None] * self.tableau[-2]).ravel()

    def reverse(
        self, d_values: np.ndarray, collect: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Adjoint of the steps.

        Parameters
        ----------
        d_values : ndarray, shape (points, n)
            Gradient of a scalar by the saved values.
        collect : callable
            ``collect(times, steps, Y, nu)`` gets, piece by piece, the stages (stages, n + 1), the steps they belong to
            and the multipliers of their f: a parameter p adds ``-nu' df/dp`` to the gradient.

        Returns
        -------
        by_start : ndarray, shape (n,)
        by_mass : ndarray
            By the entries of M that differ from zero, in the order of ``system.arrays.mass_value``.
        """
        n, stages = self.system.size, self.tableau.shape[1]
        adjoint, by_mass = np.zeros(n + 1), np.zeros(self.system.arrays.mass_value.size)
        if self.saved[-1] >= 0:
            adjoint[:n] = d_values[self.saved[-1]]
        wanted = np.ascontiguousarray(d_values, float).ravel()
        for number in range(len(self._pieces) - 1, -1, -1):
            low, high = self._recompute(number)
            made = self._of(low, high, self._starts[number])
            made.plan[steps.AT] = high - low - 1
            nu = np.zeros((high - low) * stages * (n + 1))
            self._drive(steps.reverse_steps, made, wanted, adjoint, nu, by_mass, np.zeros(n + 1))
            collect(
                self.stage_times(low, high), np.repeat(np.arange(low, high), stages),
                self._tape[: high - low].reshape(-1, n + 1), nu.reshape(-1, n + 1),
            )  # fmt: skip
        return adjoint[:n].copy(), by_mass

    def tangents(
        self, start: np.ndarray, mass_slopes: np.ndarray,
        slopes: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:  # fmt: skip
        """Derivatives of the saved values in some directions, shape (points, n, directions).

        Parameters
        ----------
        start : ndarray, shape (directions, n)
        mass_slopes : ndarray, shape (directions, entries of M)
        slopes : callable
            ``slopes(times, steps, Y)`` gives df/dp at stages, shape (stages, directions, n + 1).
        """
        n, stages, count = self.system.size, self.tableau.shape[1], len(start)
        s = np.concatenate([start, np.zeros((count, 1))], axis=1).ravel()
        values = np.zeros((int(self.saved.max()) + 1, count, n))
        for number in range(len(self._pieces)):
            low, high = self._recompute(number)
            tape = self._tape[: high - low].reshape(-1, n + 1)
            of_steps = np.repeat(np.arange(low, high), stages)
            given = slopes(self.stage_times(low, high), of_steps, tape)
            made = self._of(low, high, self._starts[number], count)
            self._drive(
                steps.tangent_steps, made, np.ascontiguousarray(given).ravel(),
                np.ascontiguousarray(mass_slopes).ravel(), s, values.ravel(), np.zeros((stages + 1) * count * (n + 1)),
            )  # fmt: skip
        return np.swapaxes(values, 1, 2)


class StepFailure(SimulationError):
    """A step on a given mesh that cannot be taken.

    Attributes
    ----------
    time : float
        Start of the step [s].
    """

    def __init__(self, time: float, why: str) -> None:
        super().__init__(f"the step from t = {time:.6g} s cannot be taken: {why}")
        self.time = float(time)
