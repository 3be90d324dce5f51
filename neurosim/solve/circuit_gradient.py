"""Gradients of a circuit's discrete solution by the parameters of its parts and the initial states."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, diags_array
from scipy.sparse.linalg import splu

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import TransientAnalysis
from neurosim.errors import ParameterError
from neurosim.kernels import parameter_slopes
from neurosim.kernels import system as layout
from neurosim.kernels.abi import ANALYSIS, INITIAL_POINT, TIME, TRANSIENT
from neurosim.solve.circuit_parameters import ParameterPaths, circuit_parameters, full_address, parameter_paths
from neurosim.solve.implicit_steps import ImplicitSteps
from neurosim.solve.new_run import KEEP


@dataclass
class CircuitEquations:
    """A circuit on the steps of a method."""

    steps: ImplicitSteps
    _paths: dict[tuple[str, ...], ParameterPaths] = field(default_factory=dict, repr=False)

    @property
    def _assembly(self) -> Assembly:
        assembly = self.steps.dynamics.assembly
        assert isinstance(assembly, Assembly)
        return assembly

    def _all(self) -> list[str]:
        """Numbers given to parts that have a derivative."""
        found = []
        for address in circuit_parameters(self._assembly.circuit):
            # what is refused by name when it is asked for is left out of everything
            with contextlib.suppress(ParameterError):
                self._of([address])
                found.append(address)
        return found

    def _of(self, addresses: Sequence[str]) -> ParameterPaths:
        circuit = self._assembly.circuit
        key = tuple(full_address(circuit, address) for address in addresses)
        if key not in self._paths:
            self._paths[key] = parameter_paths(self.steps.dynamics, key)
        paths = self._paths[key]
        for unknown, address in paths.bounds.items():
            if self.steps.held[unknown]:
                name = self.steps.dynamics.names[unknown]
                raise ParameterError(f"no derivative by '{address}': it moves a bound at which {name} stood")
        return paths

    def gradient(self, d_values: np.ndarray, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
        """By the parameters at `addresses`, default all that have a derivative, and by the start."""
        system = self.steps.system
        paths = self._of(self._all() if addresses is None else addresses)
        by_rows = np.zeros(system.arrays.parameters.size)
        out = self._work()

        def add(analysis: float, times: np.ndarray, Y: np.ndarray, nu: np.ndarray) -> None:
            if paths.rows.size:
                parameter_slopes.add_row_gradients(
                    system.arrays, system.context, paths.rows, analysis, paths.step, times, Y.ravel(), nu.ravel(),
                    by_rows, out,
                )  # fmt: skip

        by_start, by_mass = self.steps.reverse(d_values, lambda times, _, Y, nu: add(TRANSIENT, times, Y, nu))
        begin = _Start(self.steps)
        free, by_held, by_charge, of_mass = begin.reverse(by_start)
        y = np.append(self.steps.dynamics.start, 0.0)
        add(begin.analysis, np.zeros(1), y, -np.append(free, 0.0))
        total = paths.chain @ by_rows + paths.mass @ (by_mass + of_mass) + paths.held @ by_held
        total += paths.charge @ by_charge
        return dict(zip(paths.addresses, total.tolist(), strict=True)), begin.by_unknown(by_held, by_charge)

    def tangents(self, addresses: Sequence[str], initial: Sequence[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Derivatives of the values."""
        paths, system = self._of(addresses), self.steps.system
        count, extra, n = len(paths.addresses), len(initial), system.size
        out = self._work()
        begin = _Start(self.steps)
        begin.check(initial)

        def slopes(analysis: float, times: np.ndarray, Y: np.ndarray) -> np.ndarray:
            made = np.zeros((times.size, count, n + 1))
            if paths.rows.size:
                parameter_slopes.row_tangents(
                    system.arrays, system.context, paths.rows, analysis, paths.step, paths.chain.ravel(), times,
                    np.ascontiguousarray(Y).ravel(), made.ravel(), out,
                )  # fmt: skip
            return np.pad(made, ((0, 0), (0, extra), (0, 0)))

        y = np.append(self.steps.dynamics.start, 0.0)
        unit = np.zeros((extra, n))
        unit[np.arange(extra), list(initial)] = 1.0
        mass = np.pad(paths.mass, ((0, extra), (0, 0)))
        first = begin.tangents(
            slopes(begin.analysis, np.zeros(1), y[None])[0, :, :n], np.concatenate([paths.held, unit]),
            np.concatenate([paths.charge, begin.charge_of(unit)]), mass,
        )  # fmt: skip
        found = self.steps.tangents(first, mass, lambda times, _, Y: slopes(TRANSIENT, times, Y))
        return paths.addresses, paths.values, found

    def _work(self) -> np.ndarray:
        table = self.steps.system.arrays.batch
        return np.zeros(int(((table[:, layout.LAW_FLOWS] + 1) * table[:, layout.WIDTH]).max(initial=1)))


class _Start:
    """The start as an implicit function: an operating point with held states, or ``M y`` given under ``uic``."""

    def __init__(self, steps: ImplicitSteps) -> None:
        self.steps, self.dynamics = steps, steps.dynamics
        assembly = self.dynamics.assembly
        assert isinstance(assembly, Assembly)
        system, y = self.dynamics.system, self.dynamics.start
        asked = next((a for a in assembly.circuit.analyses if isinstance(a, TransientAnalysis)), None)
        self.is_given = bool(asked and asked.use_initial_conditions)
        self.analysis = TRANSIENT if self.is_given else INITIAL_POINT
        nets = [f"v({net})" for net in assembly.circuit.initial_voltages if f"v({net})" in assembly.index]
        self.held = np.zeros(system.size, bool)
        self.beta = 0.0
        if self.is_given:
            self.beta = KEEP / steps.mesh[-1]
        else:
            self.held[assembly.held] = True
            self.held[[assembly.index[net] for net in nets]] = True
        before = system.context.copy()
        system.context[ANALYSIS], system.context[TIME] = self.analysis, 0.0
        matrix = self.beta * system.mass_matrix - system.jacobian(0.0, y)
        system.context[:] = before
        if self.held.any():
            keep = diags_array((~self.held).astype(float))
            matrix = keep @ matrix + diags_array(self.held.astype(float))
        matrix = csc_matrix(matrix)
        self.scale = 1.0 / np.maximum(np.asarray(abs(matrix).max(axis=1).todense()).ravel(), 1e-300)
        self.matrix = csc_matrix(diags_array(self.scale) @ matrix)

    def check(self, initial: Sequence[int]) -> None:
        """Refuse what is not given at the start but follows from it.

        Raises
        ------
        ParameterError
        """
        for unknown in initial:
            if not (self.held[unknown] or (self.is_given and self._has_mass()[unknown])):
                raise ParameterError(
                    f"'{self.dynamics.names[unknown]}' is not given at the start: the operating point finds it; of a "
                    "circuit the initial values of states are free, or under 'uic' those that have a derivative"
                )

    def _has_mass(self) -> np.ndarray:
        return np.asarray(abs(self.dynamics.mass).sum(axis=0)).ravel() > 0.0

    def charge_of(self, directions: np.ndarray) -> np.ndarray:
        """M times some directions of y."""
        return np.asarray(self.dynamics.mass @ directions.T).T

    def _solve(self, right: np.ndarray, *, transposed: bool) -> np.ndarray:
        lu = splu(self.matrix)
        if transposed:
            return lu.solve(right, trans="T") * self.scale
        return lu.solve(self.scale[:, None] * right)

    def tangents(self, slopes: np.ndarray, held: np.ndarray, charge: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """Directions of y, shape (directions, n), from those of f, held values, M y and the entries of M."""
        right = slopes.copy()
        if self.is_given:
            right += self.beta * (charge - self._moved_mass(mass))
        right[:, self.held] = held[:, self.held]
        return self._solve(right.T, transposed=False).T if len(right) else right

    def _moved_mass(self, mass: np.ndarray) -> np.ndarray:
        """dM y for each direction."""
        arrays, y = self.dynamics.system.arrays, self.dynamics.start
        made = np.zeros((len(mass), y.size))
        for k, row in enumerate(mass):
            np.add.at(made[k], arrays.mass_row, row * y[arrays.mass_column])
        return made

    def reverse(self, by_start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gradients by f, by held values, by ``M y`` and by the entries of M, from that by the start."""
        nu = self._solve(by_start, transposed=True)
        arrays, y = self.dynamics.system.arrays, self.dynamics.start
        free, held = np.where(self.held, 0.0, nu), np.where(self.held, nu, 0.0)
        charge = self.beta * free
        by_mass = -charge[arrays.mass_row] * y[arrays.mass_column]
        return free, held, charge, by_mass

    def by_unknown(self, held: np.ndarray, charge: np.ndarray) -> np.ndarray:
        """Gradient by what is given at the start; 0 for what follows from it."""
        return held + np.asarray(self.dynamics.mass.T @ charge)
