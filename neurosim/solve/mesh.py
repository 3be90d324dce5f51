"""The steps on which a solution is differentiated: those that an adaptive run accepts, with chosen times among them."""

from __future__ import annotations

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import TransientAnalysis
from neurosim.errors import ParameterError
from neurosim.graph.assembly import GraphAssembly
from neurosim.kernels.abi import ANALYSIS, TRANSIENT
from neurosim.solve.dynamics import Dynamics
from neurosim.solve.integrate import Limits, integrate
from neurosim.solve.methods import methods
from neurosim.solve.outputs import Outputs
from neurosim.solve.simulate_graph import GraphSettings, _new_run, _stopped
from neurosim.solve.transient import TransientSettings, transient

SAME = 1e-10
"""Times closer than this share of the span are one."""

NEAR = 0.2
"""An accepted step end is left out where it lies closer to a chosen time than this share of its step."""


def accepted_steps(dynamics: Dynamics, stop: float, *, method: str, rtol: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the steps of an adaptive run from 0 to `stop`, and the largest size of each unknown.

    Raises
    ------
    SimulationError, ParameterError
    """
    assembly = dynamics.assembly
    if isinstance(assembly, Assembly):
        asked = next((a for a in assembly.circuit.analyses if isinstance(a, TransientAnalysis)), None)
        initial = bool(asked and asked.use_initial_conditions)
        analysis = TransientAnalysis(stop, stop, use_initial_conditions=initial)
        everything = Outputs(assembly, [], np.arange(dynamics.size), needs_flows=False)
        made = transient(assembly, analysis, everything, TransientSettings(method=method, rtol=rtol))
        if made.failure is not None:
            raise made.failure
        return np.unique(made.times), np.abs(made.values).max(axis=0)
    assert isinstance(assembly, GraphAssembly)
    chosen = GraphSettings(method=method, rtol=rtol, print_step=stop)
    run = _new_run(assembly, methods.get(method), chosen, (0.0, stop))
    run.y[:-1] = dynamics.start
    chosen_method = methods.get(method)
    assembly.system.context[ANALYSIS] = TRANSIENT
    made = integrate(
        assembly.system, run, chosen_method, Limits(), lambda why: _stopped(assembly, run, chosen_method, why)
    )
    if made.failure is not None:
        raise made.failure
    return np.unique(made.times), np.abs(made.values).max(axis=0)


def equal_steps(stop: float, step: float) -> np.ndarray:
    """Ends of equal steps from 0 to `stop`; the last may be shorter.

    Raises
    ------
    ParameterError
    """
    if not 0.0 < step <= stop:
        raise ParameterError(f"fixed_step = {step!r} s must lie between 0 and the end of the run")
    count = int(np.ceil(stop / step * (1.0 - 1e-9)))
    return np.append(step * np.arange(count), stop)


def merge(ends: np.ndarray, wanted: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mesh that has all of `wanted` and of `corners`, and of the step ends what does not lie close to them.

    Returns
    -------
    mesh : ndarray, shape (steps + 1,)
    places : ndarray of int, shape (wanted.size,)
        Where each wanted time stands in it.
    """
    span = ends[-1] - ends[0]
    fixed = np.unique(np.concatenate([wanted, corners, ends[[0, -1]]]))
    fixed = fixed[np.append(True, np.diff(fixed) > SAME * span)]
    gap = np.minimum(np.append(np.inf, np.diff(ends)), np.append(np.diff(ends), np.inf))
    after = np.clip(np.searchsorted(fixed, ends), 1, fixed.size - 1)
    distance = np.minimum(np.abs(ends - fixed[after]), np.abs(ends - fixed[after - 1]))
    mesh = np.union1d(fixed, ends[distance > NEAR * gap])
    nearest = np.clip(np.searchsorted(mesh, wanted), 1, mesh.size - 1)
    return mesh, np.where(np.abs(mesh[nearest - 1] - wanted) < np.abs(mesh[nearest] - wanted), nearest - 1, nearest)


def refine(mesh: np.ndarray, error: np.ndarray, order: int) -> np.ndarray | None:
    """The mesh with steps divided so that their estimated errors, relative to the tolerance, become less than 1.

    Returns
    -------
    ndarray or None
        None where no step needs it.
    """
    if not (error > 1.0).any():
        return None
    pieces = np.where(error > 1.0, np.ceil((error / 0.5) ** (1.0 / order)), 1.0).astype(int)
    return divide(mesh, np.minimum(pieces, 4))


def divide(mesh: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Divide each step into equal pieces."""
    starts = np.repeat(mesh[:-1], pieces)
    within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.append(starts + within * np.repeat(np.diff(mesh) / pieces, pieces), mesh[-1])


def check_times(times: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Times at which a solution is wanted.

    Raises
    ------
    ParameterError
        They do not rise, are not finite, or lie outside the span.
    """
    made = np.asarray(times, float)
    if made.ndim != 1 or made.size == 0 or not np.isfinite(made).all():
        raise ParameterError(f"times must be a row of finite numbers [s], not an array of shape {made.shape}")
    if not (np.diff(made) > 0.0).all():
        k = int(np.argmax(np.diff(made) <= 0.0))
        raise ParameterError(f"times must rise, but {made[k]:g} s is followed by {made[k + 1]:g} s")
    slack = 1e-9 * (span[1] - span[0])
    if made[0] < span[0] - slack or made[-1] > span[1] + slack:
        raise ParameterError(
            f"times from {made[0]:g} to {made[-1]:g} s lie outside the time span from {span[0]:g} to {span[1]:g} s"
        )
    return np.clip(made, *span)
