"""Training by a global extended Kalman filter: the weights are a state that the targets measure.

With H = d outputs / d weights along the trajectory, at each step

    K = P H' (H P H' + R)^-1,    w <- w + K (target - output),    P <- P - K H P + Q.

Several sequences at once give a step with all their outputs (multi-stream training).

Sources: Puskorius & Feldkamp, IEEE Trans. Neural Networks 5, 279 (1994), doi 10.1109/72.279191; streams:
Feldkamp & Puskorius, Proc. IEEE 86, 2259 (1998), doi 10.1109/5.726790 (recalled).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.backpropagation import Training, count_batches
from neurosim.digital.training.batches import make_batches
from neurosim.digital.training.losses import loss_of
from neurosim.digital.training.problem import make_problem
from neurosim.digital.training.progress import training_bar
from neurosim.digital.training.rtrl import Sensitivities
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


class KalmanFilter:
    """Weights and their covariance.

    Parameters
    ----------
    weights : ndarray, shape (n,)
    variance : float
        Of each weight before anything is measured; default 100.

    Attributes
    ----------
    weights : ndarray, shape (n,)
    covariance : ndarray, shape (n, n)
    """

    def __init__(self, weights: np.ndarray, variance: float = 100.0) -> None:
        if not variance > 0.0:
            raise ParameterError(f"variance = {variance} must be positive")
        self.weights = np.array(weights, dtype=float)
        self.covariance = variance * np.eye(self.weights.size)

    def update(
        self, error: np.ndarray, jacobian: np.ndarray, measurement_noise: float = 1.0, process_noise: float = 0.0
    ) -> None:  # fmt: skip
        """Take in one measurement.

        Parameters
        ----------
        error : ndarray, shape (m,)
            Target less output.
        jacobian : ndarray, shape (m, n)
            Derivatives of the outputs by the weights.
        measurement_noise, process_noise : float
            Variances on the diagonals of R and Q.
        """
        p = self.covariance
        ph = p @ jacobian.T
        s = jacobian @ ph
        s[np.diag_indices_from(s)] += measurement_noise
        gain = np.linalg.solve(s, ph.T).T
        self.weights += gain @ error
        p -= gain @ ph.T
        p[np.diag_indices_from(p)] += process_noise
        # Rounding would let the two halves drift apart.
        self.covariance = 0.5 * (p + p.T)


def train_kalman(
    network: DigitalNetwork | SignalGraph, data: Any, *, epochs: int | None = None, batches: int | None = None,
    batch_size: int | None = None, seed: int = 0, variance: float = 100.0,
    measurement_noise: float | Callable[[int], float] = 1.0, process_noise: float | Callable[[int], float] = 1e-4,
    washout: int = 0, progress: bool = True,
) -> Training:  # fmt: skip
    """Train towards targets by the extended Kalman filter, with derivatives by real-time recurrent learning.

    Parameters
    ----------
    network, data, epochs, batches, batch_size, seed, progress
        As in `neurosim.digital.training.backpropagation.train`; the samples of a batch are streams. A mask of 0
        leaves a step out.
    variance : float
        Of the weights at the start.
    measurement_noise, process_noise : float or callable
        Variances R and Q, or functions of the number of the batch (annealing).
    washout : int
        First steps of each sequence that only move the states.

    Returns
    -------
    Training
        ``history["loss"]``: mean squared error of each batch, each step before its update.

    Raises
    ------
    ParameterError, UnknownNameError, SimulationError
    """
    net = digital(network) if isinstance(network, SignalGraph) else network
    source = make_batches(data, net.program, batch_size, seed)
    problem = make_problem(net, loss_of("mean_squared_error"), None, (), None)
    total = count_batches(epochs, batches, source)
    weights = KalmanFilter(problem.start(), variance)
    values, begun = np.full(total, np.nan), time.perf_counter()
    with training_bar(progress, total) as told:
        for k in range(total):
            batch = source.batch(k)
            r, q = (v(k) if callable(v) else v for v in (measurement_noise, process_noise))
            if not (r > 0.0 and q >= 0.0):
                raise ParameterError(f"batch {k}: measurement_noise = {r} must be positive, process_noise = {q} >= 0")
            carried = Sensitivities(problem.network_at(weights.weights), problem.free, batch.inputs.shape[1])
            errors = []
            for t in range(batch.inputs.shape[0]):
                outputs = carried.step(batch.inputs[t])
                counted = np.full(len(outputs), t >= washout)
                if batch.mask is not None:
                    counted &= batch.mask[t] > 0.0
                if not counted.any():
                    continue
                error = (batch.targets[t] - outputs)[counted].ravel()
                jacobian = carried.output_jacobian()[counted].reshape(error.size, -1)
                if not (np.isfinite(error).all() and np.isfinite(jacobian).all()):
                    raise SimulationError(
                        f"batch {k}, step {t}: outputs are not finite; a larger measurement_noise may help"
                    )
                weights.update(error, jacobian, r, q)
                carried.network = problem.network_at(weights.weights)
                errors.append((error**2).mean())
            values[k] = np.mean(errors) if errors else 0.0
            told(k + 1, values[k])
    return Training(
        problem.network_at(weights.weights), {"loss": values}, time.perf_counter() - begun, total, f"{total} batches",
        None,
    )  # fmt: skip
