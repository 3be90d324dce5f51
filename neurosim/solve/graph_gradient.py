"""Gradients of a graph's discrete solution by its parameters, time constants, leaks and initial states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.assembly import GraphAssembly
from neurosim.graph.program import Program
from neurosim.kernels import array_adjoint as steps
from neurosim.kernels import array_program as ap
from neurosim.solve.explicit_steps import ExplicitSteps, GraphGradient
from neurosim.solve.graph_parameters import GraphPaths, add_named, graph_paths, has_laws
from neurosim.solve.implicit_steps import ImplicitSteps


@dataclass
class ExplicitGraph:
    """A graph on the steps of an explicit method."""

    steps: ExplicitSteps

    def gradient(self, d_values: np.ndarray, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
        """By all parameters, or by the elements at `addresses`; and by the start."""
        n = self.steps.program.states.size
        return _named(self.steps.program, self.steps.reverse(d_values[:, :n]), addresses)

    def tangents(self, addresses: Sequence[str], initial: Sequence[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Derivatives of the values."""
        paths = _with_initial(self.steps.program, graph_paths(self.steps.program, addresses), initial)
        found = self.steps.tangents(paths.places, paths.by_rate, paths.by_leak, paths.start)
        extra = self.steps.dynamics.size - found.shape[1]
        return paths.addresses, paths.values, np.pad(found, ((0, 0), (0, extra), (0, 0)))


@dataclass
class ImplicitGraph:
    """A graph on the steps of an implicit method."""

    steps: ImplicitSteps

    def __post_init__(self) -> None:
        assembly = self.steps.dynamics.assembly
        assert isinstance(assembly, GraphAssembly)
        if assembly.drives.start.size:
            ports = ", ".join(assembly.drives.held_places)
            raise ParameterError(
                f"inputs {ports} are held samples: implicit steps do not see them jump; give interpolated() samples, "
                "or take an explicit method such as 'dp5'"
            )
        self.assembly, self.program = assembly, assembly.program

    def _points(self, times: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States and inputs at stages."""
        y = np.ascontiguousarray(Y[:, : self.program.states.size])
        return y, self.assembly.inputs(times, y)

    def gradient(self, d_values: np.ndarray, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
        """By all parameters, or by the elements at `addresses`; and by the start."""
        program, n = self.program, self.program.states.size
        rate = 1.0 / program.time_constant
        made = GraphGradient(np.zeros(program.parameters.size), np.zeros(n), np.zeros(n), np.zeros(n))

        def collect(times: np.ndarray, _: np.ndarray, Y: np.ndarray, nu: np.ndarray) -> None:
            y, u = self._points(times, Y)
            weight = -nu[:, :n]
            made.p += program.vjp(y, u, weight * rate)[2]
            made.rate += (weight * (program.drive(y, u) - program.leak * y)).sum(axis=0)
            made.leak -= (weight * rate * y).sum(axis=0)

        made.start[:], _ = self.steps.reverse(d_values, collect)
        return _named(program, made, addresses)

    def tangents(self, addresses: Sequence[str], initial: Sequence[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Derivatives of the values."""
        program = self.program
        paths = _with_initial(program, graph_paths(program, addresses), initial)
        n, count, layout = program.states.size, paths.places.size, program.states
        rate = 1.0 / program.time_constant
        size, drive = int(program.code[ap.SIZE]), int(program.code[ap.DRIVE_AT])

        def slopes(times: np.ndarray, _: np.ndarray, Y: np.ndarray) -> np.ndarray:
            y, u = self._points(times, Y)
            made = np.zeros((times.size, count, n + 1))
            arena, tangent = np.empty(size), np.empty(size * count)
            single, scratch = np.zeros_like(program.p), np.empty(size)
            for k in range(times.size):
                arena[:n], arena[n : n + u.shape[1]] = y[k], u[k]
                steps.parameter_tangents(
                    program.code, paths.places, program.p, program.transposed, arena, tangent, single, scratch
                )
                g = layout.from_blocks(tangent[drive * count : (drive + n) * count], count)
                net = arena[drive : drive + n] - program.leak * y[k]
                made[k, :, :n] = rate * (g - paths.by_leak * y[k]) + paths.by_rate * net
            return made

        entries = self.steps.system.arrays.mass_value.size
        found = self.steps.tangents(paths.start, np.zeros((count, entries)), slopes)
        return paths.addresses, paths.values, found


def _with_initial(program: Program, paths: GraphPaths, initial: Sequence[int]) -> GraphPaths:
    """The directions of the parameters, then those of some initial states."""
    if has_laws(program) and (paths.places >= 0).any():
        raise ParameterError(
            f"graph '{program.graph.title}' has maps by laws, which give no sensitivities by parameters; take "
            "gradient(), whose adjoint they have"
        )
    n, count = paths.start.shape[1], len(initial)
    zero, unit = np.zeros((count, n)), np.zeros((count, n))
    unit[np.arange(count), list(initial)] = 1.0
    return GraphPaths(
        paths.addresses, paths.values, np.concatenate([paths.places, np.full(count, -1, np.int64)]),
        np.concatenate([paths.by_rate, zero]), np.concatenate([paths.by_leak, zero]),
        np.concatenate([paths.start, unit]),
    )  # fmt: skip


def _named(program: Program, made: GraphGradient, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
    """Gradient by name."""
    add_named(program, made)
    if addresses is not None:
        paths = graph_paths(program, addresses)
        by_element = np.where(paths.places >= 0, made.p[paths.places], 0.0)
        # a parameter's element has its settings in made.p already
        own = paths.places < 0
        n = program.states.size
        by_setting = paths.by_rate @ made.rate + paths.by_leak @ made.leak + paths.start @ made.start[:n]
        return dict(zip(paths.addresses, np.where(own, by_setting, by_element).tolist(), strict=True)), made.start
    found: dict[str, Any] = program.parameters.unpack(made.p)
    by_time = -made.rate / program.time_constant**2
    for node, part in program.states.slices.items():
        for setting, values in (("time_constant", by_time), ("leak", made.leak)):
            if not isinstance(program.graph.nodes[node].get(setting), str):
                found[f"{node}.{setting}"] = values[part]
    return found, made.start
