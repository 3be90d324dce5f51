"""A solution on fixed steps that can be differentiated: by parameters and initial states, forward and backward.

What is differentiated is the discrete solution with the steps that were taken: the steps themselves, chosen from the
error, do not move with a parameter. A state at a bound is constant. Devices that jump or remember (switches, delay
lines, random switching) and clocked states are refused by name: their gradient has jumps that this one does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.assembly import RTOL_SHARE_OF_ONE, GraphAssembly
from neurosim.kernels.run import EXPLICIT
from neurosim.solve.asked import check_tolerances, read_settings
from neurosim.solve.circuit_gradient import CircuitEquations
from neurosim.solve.dynamics import Dynamics, NetworkDynamics
from neurosim.solve.explicit_steps import ExplicitSteps
from neurosim.solve.graph_gradient import ExplicitGraph, ImplicitGraph
from neurosim.solve.implicit_steps import BACKWARD_EULER, SDIRK4, ImplicitSteps, StepFailure
from neurosim.solve.mesh import accepted_steps, check_times, divide, equal_steps, merge, refine
from neurosim.solve.methods import methods
from neurosim.solve.network_steps import ExplicitNetwork, NetworkSteps
from neurosim.solve.operating_point import absolute_tolerances
from neurosim.solve.simulate_graph import _automatic

IMPLICIT = {"sdirk4": (SDIRK4, 4), "backward_euler": (BACKWARD_EULER, 1)}
"""Implicit methods of fixed steps that can be differentiated exactly, and their orders."""

REFINEMENTS = 12
"""How often a mesh may be divided."""


class Differentiable(Protocol):
    """What a discrete solution hands its gradients to."""

    def gradient(self, d_values: np.ndarray, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
        """Gradients by parameters (all for None), and by the start."""
        ...

    def tangents(self, addresses: Sequence[str], initial: Sequence[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Full addresses of the parameters, their values, derivatives (points, n, parameters then initial)."""
        ...


@dataclass(frozen=True)
class StepSettings:
    """How a solution is computed that will be differentiated.

    Parameters
    ----------
    method : str
        Of a graph or a memristive network an explicit method of `neurosim.solve.methods`; of graphs and circuits
        ``"sdirk4"`` (order 4, L-stable, M may be singular) or ``"backward_euler"``; ``"auto"``: ``"dp5"`` for networks
        and graphs that are not stiff, else ``"sdirk4"``.
    rtol : float
        Default 1e-6.
    fixed_step : float, optional
        Steps of this size [s] instead of those of an adaptive run.
    memory : int
        Most bytes of tape, default 256 MB; longer runs are recomputed piece by piece.
    """

    method: str = "auto"
    rtol: float = 1e-6
    fixed_step: float | None = None
    memory: int = 256_000_000


@dataclass
class DiscreteSolution:
    """Values at some times, and their derivatives.

    Attributes
    ----------
    dynamics : Dynamics
    times : ndarray, shape (points,)
    values : ndarray, shape (points, n)
    mesh : ndarray, shape (steps + 1,)
    method : str
    """

    dynamics: Dynamics
    times: np.ndarray
    values: np.ndarray
    mesh: np.ndarray
    method: str
    settings: StepSettings
    _saved: np.ndarray = field(repr=False)
    _typical: np.ndarray = field(repr=False)
    _equations: Differentiable = field(repr=False)

    def gradient(
        self, d_values: np.ndarray, addresses: Sequence[str] | None = None
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Gradient of a scalar from its gradient by the values, shape (points, n): the discrete adjoint.

        Parameters
        ----------
        addresses : sequence of str, optional
            Which parameters; default all, of a circuit all numbers that were given to its parts.

        Returns
        -------
        by_parameter : dict of str to float or ndarray
            Of a graph by whole parameters, in their shape.
        by_start : ndarray, shape (n,)
        """
        return self._equations.gradient(d_values, addresses)

    def tangents(
        self, addresses: Sequence[str], initial: Sequence[str] = ()
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Derivatives of the values by some parameters and initial states: forward sensitivities.

        Returns
        -------
        names : list of str
            Full addresses: a parameter of a graph without an index stands for all its elements.
        values : ndarray, shape (directions,)
            Of the parameters and initial states.
        derivatives : ndarray, shape (points, n, directions)
        """
        places = [self.dynamics.index(address) for address in initial]
        names, values, found = self._equations.tangents(addresses, places)
        here = [self.dynamics.names[k] for k in places]
        return [*names, *here], np.concatenate([values, self.dynamics.start[places]]), found

    def again(self, dynamics: Dynamics) -> DiscreteSolution:
        """The same steps with other parameters or another start.

        Raises
        ------
        StepFailure
        """
        if isinstance(dynamics, NetworkDynamics):
            return _of_network(dynamics, self.method, self.times, np.empty(0), self.mesh[-1], self, self.settings)
        equations, values, _ = _solve(dynamics, self.method, self.mesh, self._saved, self._typical, self.settings)
        return replace(self, dynamics=dynamics, values=values, _equations=equations)


def discretise(
    dynamics: Dynamics, times: Any, *, stop: float | None = None, start: DiscreteSolution | None = None,
    **settings: Any,
) -> DiscreteSolution:  # fmt: skip
    """Solve on steps that end at all of `times`.

    Parameters
    ----------
    dynamics : Dynamics
    times : array_like, shape (points,)
        Where values are wanted [s].
    stop : float, optional
        End of the run, default the last time.
    start : DiscreteSolution, optional
        Of the same problem at other parameters: its steps are tried first.
    **settings
        Fields of `StepSettings`.

    Raises
    ------
    ParameterError, SimulationError
    """
    chosen = read_settings(StepSettings, settings, "a run for gradients")
    check_tolerances(chosen.rtol)
    end = float(np.max(times) if stop is None else stop)
    at = check_times(times, (0.0, end))
    _refuse_jumps(dynamics)
    method = _method(dynamics, chosen.method)
    corners = dynamics.system.breakpoints(0.0, end)
    corners = corners[(corners > 0.0) & (corners < end)]
    if isinstance(dynamics, NetworkDynamics):
        return _of_network(dynamics, method, at, corners, end, start, chosen)
    if start is not None and start.method == method and start.mesh[-1] == end:
        ends, typical = start.mesh, start._typical
    elif chosen.fixed_step is not None:
        ends, typical = equal_steps(end, chosen.fixed_step), np.abs(dynamics.start)
    else:
        adaptive = method
        if method in IMPLICIT:
            adaptive = "auto" if isinstance(dynamics.assembly, Assembly) else "rodas5p"
        ends, typical = accepted_steps(dynamics, end, method=adaptive, rtol=chosen.rtol)
    mesh, places = merge(ends, at, corners)
    for _ in range(REFINEMENTS):
        saved = np.full(mesh.size, -1, np.int64)
        saved[places] = np.arange(at.size)
        try:
            equations, values, error = _solve(dynamics, method, mesh, saved, typical, chosen)
            finer = None
            if method in IMPLICIT and chosen.fixed_step is None:
                finer = refine(mesh, error, IMPLICIT[method][1])
        except StepFailure as failure:
            if chosen.fixed_step is not None:
                raise
            broken = np.isclose(mesh[:-1], failure.time, rtol=0.0, atol=0.0)
            finer = divide(mesh, np.where(broken, 8, 1)) if broken.any() else None
            if finer is None:
                raise
        if finer is None:
            return DiscreteSolution(dynamics, at, values, mesh, method, chosen, saved, typical, equations)
        mesh, places = finer, np.searchsorted(finer, mesh[places])
    raise SimulationError(
        f"no steps were found on which '{method}' keeps rtol = {chosen.rtol:g}: {mesh.size - 1} steps are not enough; "
        "loosen rtol, or give fixed_step"
    )


def _of_network(
    dynamics: NetworkDynamics, method: str, times: np.ndarray, corners: np.ndarray, stop: float,
    start: DiscreteSolution | None, chosen: StepSettings,
) -> DiscreteSolution:  # fmt: skip
    """Steps of a memristive network; without given ones they are found on the way."""
    found = methods.get(method)
    if not found.adaptive and chosen.fixed_step is None and start is None:
        raise ParameterError(f"method '{method}' has no error control: give fixed_step")
    mesh = None
    if start is not None and start.method == method and start.mesh[-1] == stop:
        mesh, _ = merge(start.mesh, times, corners)
    elif chosen.fixed_step is not None:
        mesh, _ = merge(equal_steps(stop, chosen.fixed_step), times, corners)
    steps = NetworkSteps(dynamics, found, chosen.rtol, chosen.memory)
    values = steps.run(times, stop, mesh=mesh, corners=corners.tolist())
    saved = np.full(steps.mesh.size, -1, np.int64)
    saved[np.searchsorted(steps.mesh, times)] = np.arange(times.size)
    return DiscreteSolution(
        dynamics, times, values, steps.mesh, method, chosen, saved, np.abs(dynamics.start),
        ExplicitNetwork(steps, times),
    )  # fmt: skip


def _solve(
    dynamics: Dynamics, method: str, mesh: np.ndarray, saved: np.ndarray, typical: np.ndarray, chosen: StepSettings
) -> tuple[Differentiable, np.ndarray, np.ndarray]:
    """Equations, values at the saved points, and estimated errors of the steps."""
    assembly = dynamics.assembly
    if isinstance(assembly, GraphAssembly) and method not in IMPLICIT:
        made = ExplicitSteps(dynamics, methods.get(method), mesh, saved, chosen.memory)
        values = made.run()
        full = np.concatenate([values, assembly.drives.samples(mesh[saved >= 0])], axis=1)
        return ExplicitGraph(made), full, np.zeros(mesh.size - 1)
    is_circuit = isinstance(assembly, Assembly)
    share = RTOL_SHARE_OF_ONE * chosen.rtol
    atol = absolute_tolerances(assembly, chosen.rtol) if is_circuit else np.full(dynamics.size, share)
    steps = ImplicitSteps(dynamics, IMPLICIT[method][0], mesh, saved, typical, atol, chosen.rtol, chosen.memory)
    values = steps.run()
    equations = CircuitEquations(steps) if is_circuit else ImplicitGraph(steps)
    return equations, values, steps.error


def _method(dynamics: Dynamics, asked: str) -> str:
    assembly = dynamics.assembly
    if isinstance(dynamics, NetworkDynamics):
        if asked != "auto" and methods.get(asked).kind != EXPLICIT:
            raise ParameterError(f"networks are differentiated on explicit steps: 'dp5' or 'rkc', not '{asked}'")
        return "dp5" if asked == "auto" else methods.get(asked).name
    is_graph = isinstance(assembly, GraphAssembly)
    if asked == "auto":
        if not isinstance(assembly, GraphAssembly) or _automatic(assembly.program) == "rodas5p":
            return "sdirk4"
        return "dp5"
    if asked in IMPLICIT:
        return asked
    method = methods.get(asked)
    if method.kind != EXPLICIT:
        raise ParameterError(
            f"method '{asked}' cannot be differentiated exactly: its steps hang on the Jacobian or on earlier steps; "
            f"take {', '.join(IMPLICIT)} or an explicit method such as 'dp5'"
        )
    if not is_graph:
        raise ParameterError(f"circuits are differentiated on implicit steps: take 'sdirk4', not '{asked}'")
    return method.name


def _refuse_jumps(dynamics: Dynamics) -> None:
    assembly = dynamics.assembly
    if isinstance(assembly, GraphAssembly):
        program = assembly.program
        if program.is_clocked.any():
            raise ParameterError(
                f"graph '{program.graph.title}' has states that jump at clocks: its gradients are those of its digital "
                "twin, ns.digital(graph).gradient"
            )
        if program.graph.of_kind("event"):
            raise ParameterError(
                f"graph '{program.graph.title}' has events: gradients through jumps are not available; smooth them"
            )
        if program.delays:
            raise ParameterError(f"graph '{program.graph.title}' has delayed edges: their gradients are not available")
        return
    if isinstance(dynamics, NetworkDynamics):
        return
    assert isinstance(assembly, Assembly)
    for device, members in zip(assembly.devices, assembly.members, strict=True):
        if device.accept or device.events or device.jump:
            raise ParameterError(
                f"'{members[0].name}' ({device.name}) jumps or remembers: gradients through jumps are not available; "
                "replace it by a smooth part"
            )
