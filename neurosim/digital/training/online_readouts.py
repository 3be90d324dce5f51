"""Readouts that learn step by step: recursive least squares, least mean squares, and FORCE, in one call.

Sources: Widrow & Hoff, IRE WESCON Convention Record 4, 96 (1960); recursive least squares of readouts: Jaeger & Haas,
Science 304, 78 (2004), doi 10.1126/science.1091277; FORCE: Sussillo & Abbott, Neuron 63, 544 (2009), doi
10.1016/j.neuron.2009.07.018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.readouts import ReadoutPlan, RecursiveLeastSquares, readout_plan
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph

METHODS = ("rls", "lms")


class LeastMeanSquares:
    """Gradient steps on the squared error of each moment: W += rate (y - W x) x'.

    Parameters
    ----------
    features, outputs : int
    rate : float
        Positive; below 2 / |x|^2 each step brings the output nearer to its target.
    weights : ndarray, shape (outputs, features), optional
        To start from; default 0.

    Attributes
    ----------
    weights : ndarray, shape (outputs, features)
    """

    def __init__(self, features: int, outputs: int, *, rate: float, weights: np.ndarray | None = None) -> None:
        if not (rate > 0.0 and np.isfinite(rate)):
            raise ParameterError(f"rate = {rate} must be positive and finite")
        self.rate = rate
        self.weights = np.zeros((outputs, features)) if weights is None else np.array(weights, dtype=float)
        if self.weights.shape != (outputs, features):
            raise ParameterError(f"weights have shape {self.weights.shape}, not {(outputs, features)}")

    def update(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Take in features (features,) and target (outputs,); gives the error before, target - W x."""
        error = np.asarray(target, dtype=float) - self.weights @ x
        self.weights += self.rate * np.outer(error, x)
        return error


def fit_online(
    network: DigitalNetwork | SignalGraph, inputs: Any, targets: Any, *, weights: str | Sequence[str] = "V",
    bias: str | None = "c", method: str = "rls", forgetting: float = 1.0, regularisation: float = 1.0,
    rate: float = 1e-3, washout: int = 0, force: bool = False, every: int = 1, y0: Any = None,
) -> tuple[SignalGraph, np.ndarray]:  # fmt: skip
    """Run a network once while its readout learns.

    Parameters
    ----------
    network : DigitalNetwork or SignalGraph
    inputs : array_like, shape (steps, inputs), or int
        One sequence, as of `DigitalNetwork.sequence`.
    targets : array_like, shape (steps, outputs)
    weights, bias
        As of `fit_readout`, default those of an echo state network. Learning starts from their values.
    method : {"rls", "lms"}
    forgetting, regularisation : float
        Of `RecursiveLeastSquares`.
    rate : float
        Of `LeastMeanSquares`.
    washout : int
        First steps without learning.
    force : bool
        The output that the weights give now goes on in the network, where it is fed back, as FORCE learning has it;
        default: the whole run with the weights at the start (which is the same where nothing is fed back, and faster).
    every : int
        Learn at each such step only, default 1.
    y0 : array_like, shape (states,), optional

    Returns
    -------
    graph : SignalGraph
        Flat, with the new weights.
    errors : ndarray, shape (steps, outputs)
        Target minus output, with the weights before this step's learning.

    Raises
    ------
    ParameterError
        A parameter is no plain readout weight, or a shape or setting does not fit.
    SimulationError
        The weights are not finite any more, as for a rate that is too large.
    """
    if method not in METHODS:
        raise ParameterError(f"fit_online: method = {method!r} must be one of {', '.join(METHODS)}")
    if every < 1:
        raise ParameterError(f"fit_online: every = {every} must be 1 or more")
    net = digital(network) if isinstance(network, SignalGraph) else network
    plan = readout_plan(net, weights, bias)
    start = np.concatenate(
        [plan.graph.weights()[name].reshape(plan.outputs, -1) for name in (*plan.names, *([bias] if bias else []))],
        axis=1,
    )
    outputs, features = start.shape
    if method == "rls":
        rule = RecursiveLeastSquares(
            features, outputs, forgetting=forgetting, regularisation=regularisation, weights=start
        )
    else:
        rule = LeastMeanSquares(features, outputs, rate=rate, weights=start)
    u = np.zeros((int(inputs), 0)) if np.ndim(inputs) == 0 else np.asarray(inputs, dtype=float)
    wanted = np.asarray(targets, dtype=float)
    if u.ndim != 2 or wanted.shape != (len(u), outputs):
        raise ParameterError(
            f"fit_online: inputs {u.shape} and targets {wanted.shape} must be (steps, inputs) and (steps, {outputs})"
        )
    if not np.isfinite(wanted).all():
        raise ParameterError("fit_online: targets must be finite")
    rows = _rows_of_run(plan, u, y0) if not force else None
    state = y0
    errors = np.empty_like(wanted)
    for t in range(len(u)):
        if rows is None:
            x, state = _step(plan, rule.weights, u[t], state)
        else:
            x = rows[t]
        x = np.append(x, 1.0) if bias else x
        with np.errstate(over="ignore", invalid="ignore"):
            if t >= washout and t % every == 0:
                errors[t] = rule.update(x, wanted[t])
            else:
                errors[t] = wanted[t] - rule.weights @ x
        if not np.isfinite(errors[t]).all():
            raise SimulationError(
                f"fit_online: the weights are not finite at step {t}; a smaller rate (now {rate:g}), a forgetting "
                f"nearer to 1 (now {forgetting:g}) or more regularisation (now {regularisation:g}) may help"
            )
    return plan.graph.with_weights(_split(plan, rule.weights)), errors


def _split(plan: ReadoutPlan, weights: np.ndarray) -> dict[str, np.ndarray]:
    return plan.values(weights, weights[:, -1]) if plan.bias else plan.values(weights, np.empty(0))


def _rows_of_run(plan: ReadoutPlan, u: np.ndarray, y0: Any) -> np.ndarray:
    return plan.features(u if u.shape[1] else len(u), y0)[:, 0]


def _step(plan: ReadoutPlan, weights: np.ndarray, u: np.ndarray, state: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features after one step under these weights, and the state."""
    program = plan.measured.program
    vector = program.p[: program.parameters.size].copy()
    for name, value in _split(plan, weights).items():
        vector[program.parameters.slices[name]] = value.ravel()
    run = plan.measured.with_parameters(vector).sequence(u[None] if u.size else 1, state, record=False)
    return np.concatenate([run.outputs[0, 0, part] for part in plan.parts()]), run.final[0]
