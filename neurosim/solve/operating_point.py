"""The operating point: damped Newton, then gmin stepping, source stepping and pseudo-transient continuation.

States with memory are held at their initial values (a memristor's resistance is what it was set to), nets under
``.ic`` at theirs. Switches are settled: the point is solved again until no device changes its memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.errors import SimulationError
from neurosim.kernels.abi import ANALYSIS, INITIAL_POINT, LIMITING, OPERATING_POINT, SOURCE_SCALE, TIME
from neurosim.kernels.builder import slots_of_rows
from neurosim.kernels.newton import CONVERGED, NOT_FINITE, PIVOT, SINGULAR, newton
from neurosim.kernels.system import run_start
from neurosim.solve.factors import Factors

RELATIVE_TOLERANCE = 1e-9
"""Of each unknown; Newton's last step is far smaller still."""

OTHER_STARTS = (1e-3, 0.1, 1.0, -1e-3, -0.1, -1.0)
"""Voltages of all nets [V] from which Newton starts when the laws are not finite at the first guess."""

SETTLING_LIMIT = 30
"""Most times that switches may change their minds."""


class AlgebraicSolver:
    """Newton's method on ``f - beta (M y - q) = 0`` with shunts and held unknowns, for one assembly.

    Parameters
    ----------
    assembly : Assembly
    held : mapping of int to float
        Unknowns that keep a value.
    """

    def __init__(self, assembly: Assembly, held: Mapping[int, float], *, beta: float = 0.0) -> None:
        self.assembly, self.system, self.beta = assembly, assembly.system, beta
        self.held = np.array(sorted(held), np.int64)
        self.held_value = np.array([held[i] for i in self.held], float)
        self.held_pointer, self.held_slot = slots_of_rows(self.system.arrays.row_index, self.held)
        self.factors = Factors(self.system)
        self.is_net = self.system.unknowns.kinds == "voltage"
        self.atol = 1e-3 * absolute_tolerances(assembly, 1e-4)
        self.iterations = 0
        self.worst = 0

    def solve(
        self, y: np.ndarray, q: np.ndarray | None = None, *, shunt: float = 0.0, toward: np.ndarray | None = None,
        most: int = 100,
    ) -> int:  # fmt: skip
        """Solve in place from the guess y; return a status of `neurosim.kernels.newton`."""
        n = self.system.size
        g = np.where(self.is_net, shunt, 0.0)
        target = np.zeros(n) if toward is None else toward
        q = np.zeros(n + 1) if q is None else q
        context = self.system.context
        work_y, work_jacobian = np.empty((6, n + 1)), np.empty((2, self.system.arrays.mass.size + 1))
        while True:
            lu = self.factors.at(y, self.beta, shunt=g, held=self.held)
            context[LIMITING] = 1.0
            status, self.worst, count = newton(
                self.system.arrays, lu, context, y, self.beta, q, g, target, self.held, self.held_value,
                self.held_pointer, self.held_slot, RELATIVE_TOLERANCE, self.atol, most, work_y, work_jacobian,
            )  # fmt: skip
            context[LIMITING] = 0.0
            self.iterations += count
            if status != PIVOT:
                return status
            self.factors.forget(self.system.names, self.worst)


def absolute_tolerances(assembly: Assembly, rtol: float) -> np.ndarray:
    """Absolute tolerance of each unknown, shape (n,).

    Voltages ``vntol`` (1e-6 V), currents ``abstol`` (1e-9 A), charges ``chgtol`` (1e-14 C), where not given less in
    proportion to an `rtol` below 1e-4; states `rtol` times 1e-3 of their scale.
    """
    options = assembly.circuit.options
    tighter = min(1.0, rtol / 1e-4)
    vntol, abstol, chgtol = (
        float(options.get(name, default * tighter))
        for name, default in (("vntol", 1e-6), ("abstol", 1e-9), ("chgtol", 1e-14))
    )
    unknowns = assembly.system.unknowns
    tolerances = np.maximum(rtol * 1e-3 * np.where(unknowns.scale == 0.0, 1.0, unknowns.scale), 1e-300)
    for kind, tolerance in (("voltage", vntol), ("current", abstol), ("charge", chgtol)):
        tolerances[unknowns.kinds == kind] = tolerance
    return tolerances


def operating_point(
    assembly: Assembly,
    *,
    transient: bool = False,
    guess: np.ndarray | None = None,
    solver: AlgebraicSolver | None = None,
) -> np.ndarray:
    """Find y with ``f(0, y) = 0``, states with memory held.

    Parameters
    ----------
    assembly : Assembly
    transient : bool
        Whether the point starts a transient analysis: waveforms at t = 0 instead of DC values, and ``.ic`` nets held.
    guess : ndarray, shape (n + 1,), optional
        Start of the search, default ``.nodeset`` and initial states.

    Returns
    -------
    ndarray, shape (n + 1,)
        Ground last.

    Raises
    ------
    SimulationError
        When every strategy fails; the message names the worst unknown and says what was tried.
    """
    system = assembly.system
    context = system.context
    context[ANALYSIS] = INITIAL_POINT if transient else OPERATING_POINT
    context[TIME] = 0.0
    context[SOURCE_SCALE] = 1.0
    held = {int(i): float(assembly.start[i]) for i in assembly.held}
    if transient:
        held |= {
            assembly.index[f"v({net})"]: value
            for net, value in assembly.circuit.initial_voltages.items()
            if f"v({net})" in assembly.index
        }
    solver = solver or AlgebraicSolver(assembly, held)
    y = np.append(assembly.start, 0.0) if guess is None else guess.copy()
    for _ in range(SETTLING_LIMIT):
        _continue(solver, y)
        if not any(device.start for device in assembly.devices):
            return y
        before = system.arrays.memory.copy()
        run_start(system.arrays, context, y)
        if np.array_equal(before, system.arrays.memory):
            return y
    raise SimulationError(
        "the operating point does not settle: a switch keeps changing its state; give it a larger hysteresis, or start "
        "the transient with 'uic'"
    )


def _continue(solver: AlgebraicSolver, y: np.ndarray) -> None:
    """Try the strategies in turn; y is changed in place."""
    start = y.copy()
    status = solver.solve(y)
    if status == CONVERGED:
        return
    if status == NOT_FINITE:
        # A logarithm or a quotient may not exist where all nets are at 0.
        for level in OTHER_STARTS:
            y[:-1] = np.where(solver.is_net, level, start[:-1])
            if solver.solve(y) == CONVERGED:
                return
    first = solver.worst
    first_status = status
    for attempt in (_gmin_stepping, _source_stepping, _pseudo_transient):
        trial = start.copy()
        if attempt(solver, trial) and np.isfinite(trial).all():
            y[:] = trial
            return
    name = solver.system.names[first]
    reason = {
        SINGULAR: f"the equations are singular at '{name}': nothing determines it (a net without a DC path to ground, "
        "a loop of voltage sources or inductors)",
        NOT_FINITE: f"a flow that depends on '{name}' is not finite; check the expressions near it",
    }.get(first_status, f"the worst unknown is '{name}' = {start[first]:.4g} at the start")
    raise SimulationError(
        f"no operating point was found: {reason}; tried damped Newton, gmin stepping, source stepping and a pseudo-"
        "transient. Give start values by .nodeset, or start the transient from initial conditions with 'uic'"
    )


def _gmin_stepping(solver: AlgebraicSolver, y: np.ndarray) -> bool:
    """Solve with a shunt at every net and take it away decade by decade, in smaller steps where needed."""
    shunt, factor = 1e-2, 10.0
    solver.factors = Factors(solver.system)
    if solver.solve(y, shunt=shunt) != CONVERGED:
        return False
    good = y.copy()
    while shunt > 1e-14:
        if solver.solve(y, shunt=shunt / factor) == CONVERGED:
            shunt /= factor
            good[:] = y
            factor = min(factor * 1.5, 10.0)
        else:
            y[:] = good
            factor **= 0.5
            if factor < 1.02:
                return False
    return solver.solve(y) == CONVERGED


def _source_stepping(solver: AlgebraicSolver, y: np.ndarray) -> bool:
    """Raise all independent sources from zero."""
    context = solver.system.context
    y[: solver.system.size] = np.where(solver.is_net, 0.0, y[: solver.system.size])
    scale, step = 0.0, 0.1
    context[SOURCE_SCALE] = 0.0
    try:
        if solver.solve(y) != CONVERGED:
            return False
        good = y.copy()
        while scale < 1.0:
            context[SOURCE_SCALE] = min(1.0, scale + step)
            if solver.solve(y) == CONVERGED:
                scale = float(context[SOURCE_SCALE])
                good[:] = y
                step = min(1.5 * step, 0.25)
            else:
                y[:] = good
                step *= 0.5
                if step < 1e-4:
                    return False
        return True
    finally:
        context[SOURCE_SCALE] = 1.0


def _pseudo_transient(solver: AlgebraicSolver, y: np.ndarray) -> bool:
    """Follow ``C v' = f`` by implicit Euler with a capacitor at every net, with ever larger steps."""
    conductance = 1.0
    for _ in range(400):
        before = y.copy()
        status = solver.solve(y, shunt=conductance, toward=before[:-1], most=20)
        if status == CONVERGED:
            moved = np.abs(y - before).max()
            conductance *= 0.3
            if conductance < 1e-14 or (moved < 1e-9 and conductance < 1e-6):
                return solver.solve(y) == CONVERGED
        else:
            y[:] = before
            conductance *= 5.0
            if conductance > 1e6:
                return False
    return False
