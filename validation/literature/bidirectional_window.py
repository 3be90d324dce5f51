"""The window task: the target is a weighted mean of 10 past, the present and 20 future inputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.bidirectional import bidirectional
from neurosim.architectures.elman import elman
from neurosim.digital.training import Adam, Training, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import keep, network_of

SOURCE = "task of Schuster & Paliwal, IEEE Trans. Signal Processing 45, 2673 (1997); NMSE 0.646 and 0.0135 with torch"
PAST, FUTURE = np.arange(1, 11) / 10.0, np.arange(20, 0, -1) / 20.0
WINDOW = np.concatenate([PAST, [1.0], FUTURE]) / (PAST.sum() + 1.0 + FUTURE.sum())
EDGE = 30
SCRIPT = "python -m validation.literature.bidirectional_window"


def data(draw: np.random.Generator, steps: int, samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uniform inputs, targets, and a mask without both ends."""
    x = draw.random((steps + 30, samples))
    y = np.stack([np.convolve(x[:, b], WINDOW[::-1], "valid") for b in range(samples)], axis=1)
    mask = np.zeros((steps, samples))
    mask[EDGE:-EDGE] = 1.0
    return x[10 : 10 + steps, :, None], y[:, :, None], mask


def both_ways() -> SignalGraph:
    """16 units in each direction."""
    return bidirectional(1, 16, 1)


def one_way() -> SignalGraph:
    """As many parameters, nearly."""
    return elman(1, 24, 1)


def training(graph: SignalGraph) -> Training:
    """600 batches of 16 sequences of 100 steps."""
    return train(
        graph, lambda draw, _: data(draw, 100, 16), "mean_squared_error", Adam(1e-2), batches=600, clip=1.0,
        schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / 600)), progress=False,
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Normalised mean squared error both ways and one way; one way has a floor that follows from the window."""
    u, y, mask = data(stream(0, "window", "test"), 600, 16)
    found, shown = {}, {"wanted": (np.arange(60), y[EDGE : EDGE + 60, 0, 0], "k-")}
    for name, graph in (("window_both", both_ways()), ("window_one", one_way())):
        network = network_of(name, graph, training, context)
        outputs = network.sequence(u, record=False).outputs
        label = "both ways" if name == "window_both" else "one way"
        shown[label] = np.arange(60), outputs[EDGE : EDGE + 60, 0, 0], "-"
        error = (outputs - y)[mask > 0.0]
        found[name] = float((error**2).mean() / y[mask > 0.0].var())
    yield Case(
        "window task, both ways", SOURCE, "NMSE (constant guess: 1)", "0.0135", f"{found['window_both']:.4f}",
        found["window_both"], 0.0135, "what the anchor reaches with as many units and batches",
        context.figure("bidirectional window", curves("step", "weighted mean of the window", shown)),
    )  # fmt: skip
    floor = float((FUTURE**2).sum() / ((PAST**2).sum() + 1.0 + (FUTURE**2).sum()))
    yield Case(
        "window task, one way", "share of the window's energy in the future: no causal net can be better",
        "NMSE (constant guess: 1)", f"{floor:.3f}", f"{found['window_one']:.3f}", abs(found["window_one"] - floor),
        0.06, "comes near the floor, and not below it but for the spread of the test set",
    )  # fmt: skip


if __name__ == "__main__":
    keep("window_both", both_ways(), training, SCRIPT)
    keep("window_one", one_way(), training, SCRIPT)
