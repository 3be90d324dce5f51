"""The adding problem, T = 200: the sum of two marked numbers, asked at the end of the sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosim.architectures.indrnn import indrnn, recurrent_bound
from neurosim.digital.network import digital
from neurosim.digital.training import Adam, Training, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import keep, network_of

STEPS, BATCHES = 200, 1200
SOURCE = "Hochreiter & Schmidhuber (1997); IndRNN: Li et al., CVPR 2018; constant guess: 1/6, the variance of the sum"


def data(
    draw: np.random.Generator, samples: int, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Numbers and marks (one in each half), the sum at the last step, and a mask of that step."""
    x, marks = draw.random((steps, samples)), np.zeros((steps, samples))
    for low, high in ((0, steps // 2), (steps // 2, steps)):
        marks[draw.integers(low, high, samples), np.arange(samples)] = 1.0
    y, mask = np.zeros((steps, samples, 1)), np.zeros((steps, samples))
    y[-1, :, 0] = (x * marks).sum(axis=0)
    mask[-1] = 1.0
    return np.stack([x, marks], axis=-1), y, mask


@dataclass(frozen=True)
class BoundedAdam(Adam):
    """Adam that puts the recurrent weights back within their bound after each step, as the paper does."""

    places: tuple[int, ...] = ()

    def step(self, x: np.ndarray, gradient: np.ndarray, memory: dict[str, np.ndarray], factor: float = 1.0) -> None:
        """Move `x` in place."""
        super().step(x, gradient, memory, factor)
        bound, places = recurrent_bound(STEPS), list(self.places)
        x[places] = np.clip(x[places], -bound, bound)


def graph() -> SignalGraph:
    """Two layers of 32 units."""
    return indrnn(2, 32, 1, layers=2, steps=STEPS, remember=True)


def training(made: SignalGraph) -> Training:
    """32 fresh sequences in each batch."""
    parts = digital(made).program.parameters.slices
    optimiser = BoundedAdam(5e-3, places=tuple(k for v in ("v1", "v2") for k in range(parts[v].start, parts[v].stop)))
    return train(
        made, lambda draw, _: data(draw, 32), "mean_squared_error", optimiser, batches=BATCHES, clip=1.0,
        schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / BATCHES)), progress=False,
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Mean squared error on fresh sequences against that of the constant guess."""
    network = network_of("adding_indrnn", graph(), training, context)
    u, y, _ = data(stream(0, "adding", "test"), 1000)
    outputs = network.sequence(u, record=False).outputs[-1]
    error = float(((outputs - y[-1]) ** 2).mean())
    baseline = float(y[-1].var())
    figure = context.figure("adding problem", curves("sum of the marked numbers", "output after 200 steps", {
        "1000 sequences": (y[-1, :, 0], outputs[:, 0], "."), "right": ([0.0, 2.0], [0.0, 2.0], "k-"),
        "constant guess": ([0.0, 2.0], [1.0, 1.0], "k:"),
    }))  # fmt: skip
    yield Case(
        "adding problem, IndRNN, T = 200", SOURCE, f"mean squared error (constant guess, measured: {baseline:.4f})",
        f"below {baseline / 10:.4f}", f"{error:.5f}", error / baseline, 0.1, "a tenth of the guess: the task is learnt",
        figure,
    )  # fmt: skip


if __name__ == "__main__":
    keep("adding_indrnn", graph(), training, "python -m validation.literature.adding_problem")
