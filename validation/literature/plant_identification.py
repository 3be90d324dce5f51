"""A recurrent multilayer perceptron that follows a plant of Narendra and Parthasarathy in free run.

    y(k+1) = y(k) / (1 + y(k)^2) + u(k)^3

The net sees the input only, never the plant. A smaller net is trained by the extended Kalman filter too (Puskorius &
Feldkamp, IEEE Trans. Neural Networks 5, 279 (1994), doi 10.1109/72.279191), which needs far fewer steps than
gradient descent. Source: Narendra & Parthasarathy, IEEE Trans. Neural Networks 1, 4 (1990),
doi 10.1109/72.80202, example 3: trained on random inputs in [-2, 2], tested on two sines.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.recurrent_multilayer_perceptron import recurrent_multilayer_perceptron
from neurosim.digital.network import DigitalNetwork
from neurosim.digital.training import Adam, Training, train, train_kalman
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import keep, network_of

SOURCE = "Narendra & Parthasarathy, IEEE Trans. Neural Networks 1, 4 (1990), example 3"
BATCHES, KALMAN_BATCHES, RANGE, SPAN, TAPS = 2000, 50, 2.0, 4.0, 20


def plant(u: np.ndarray) -> np.ndarray:
    """Response from rest; u has shape (steps, samples, 1)."""
    y, state = np.empty_like(u), np.zeros(u.shape[1:])
    for k, drive in enumerate(u):
        y[k] = state = state / (1.0 + state**2) + drive**3
    return y


def data(draw: np.random.Generator, steps: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs of various sizes, in units of RANGE, and responses in units of SPAN."""
    u = draw.uniform(-1.0, 1.0, (steps, samples, 1)) * draw.uniform(0.3, 1.0, (1, samples, 1))
    return u, plant(RANGE * u) / SPAN


def graph() -> SignalGraph:
    """Hidden layers of 10 and 8 units."""
    return recurrent_multilayer_perceptron(1, (10, 8), 1)


def training(made: SignalGraph) -> Training:
    """16 fresh sequences of 50 steps in each batch."""
    return train(
        made, lambda draw, _: data(draw, 50, 16), "mean_squared_error", Adam(1e-2), batches=BATCHES, clip=1.0,
        schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / BATCHES)), progress=False,
    )  # fmt: skip


def small_graph() -> SignalGraph:
    """Hidden layers of 6 and 4 units: the filter keeps a covariance of all weights."""
    return recurrent_multilayer_perceptron(1, (6, 4), 1)


def kalman_training(made: SignalGraph) -> Training:
    """4 fresh sequences of 50 steps in each batch, with noises that are lowered."""
    return train_kalman(
        made, lambda draw, _: data(draw, 50, 4), batches=KALMAN_BATCHES, variance=10.0,
        measurement_noise=lambda k: max(0.01, 0.95**k), process_noise=lambda k: max(1e-7, 1e-3 * 0.95**k),
        progress=False,
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Two sines in free run, beside the best linear filter of the last 20 inputs."""
    network = network_of("plant_rmlp", graph(), training, context)
    k = np.arange(250)
    u = (np.sin(2 * np.pi * k / 25) + np.sin(2 * np.pi * k / 10))[:, None, None] / RANGE
    y = plant(RANGE * u) / SPAN

    def misfit(network: DigitalNetwork) -> float:
        return float(((network.sequence(u, record=False).outputs - y) ** 2).mean() / y.var())

    error = misfit(network)
    answer = network.sequence(u, record=False).outputs
    figure = context.figure("plant identification", curves(
        "step", "output",
        {"plant": (k[:100], SPAN * y[:100, 0, 0], "k-"), "RMLP": (k[:100], SPAN * answer[:100, 0, 0], "--")},
    ))  # fmt: skip

    def taps(x: np.ndarray) -> np.ndarray:
        padded = np.concatenate([np.zeros((TAPS - 1, *x.shape[1:])), x])
        return np.stack([padded[j : j + len(x)] for j in range(TAPS)], axis=-1).reshape(-1, TAPS)

    fit_u, fit_y = data(stream(0, "plant", "linear"), 50, 400)
    filter_ = np.linalg.lstsq(taps(fit_u), fit_y.ravel(), rcond=None)[0]
    linear = float(((taps(u) @ filter_ - y.ravel()) ** 2).mean() / y.var())
    yield Case(
        "plant of Narendra & Parthasarathy, RMLP in free run", SOURCE,
        f"NMSE on two sines over 250 steps (constant guess: 1; linear filter of {TAPS} inputs: {linear:.3f})",
        "below 0.05", f"{error:.4f}", error, 0.05, "the paper shows curves only: they lie on one another", figure,
    )  # fmt: skip
    descent = train(
        small_graph(), lambda draw, _: data(draw, 50, 4), "mean_squared_error", Adam(1e-2), batches=KALMAN_BATCHES,
        clip=1.0, progress=False,
    )  # fmt: skip
    filtered = misfit(network_of("plant_kalman", small_graph(), kalman_training, context))
    yield Case(
        "plant of Narendra & Parthasarathy, extended Kalman filter", "Puskorius & Feldkamp 1994 (recalled)",
        f"NMSE after {KALMAN_BATCHES} batches (Adam on the same batches: {misfit(descent.network):.3f})", "below 0.02",
        f"{filtered:.4f}", filtered, 0.02, "a tenth of what gradient descent reaches in as many batches",
    )  # fmt: skip


if __name__ == "__main__":
    keep("plant_rmlp", graph(), training, "python -m validation.literature.plant_identification")
    keep("plant_kalman", small_graph(), kalman_training, "python -m validation.literature.plant_identification")
