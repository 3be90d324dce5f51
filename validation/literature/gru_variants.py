"""The GRU and its simplified variants against one another on parity, trained to 12 symbols and asked for 100."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.gru import gru
from neurosim.digital.training import Adam, Training, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.literature.trained import keep, network_of

SOURCE = "gates that see state or input can switch on a 1, gates of a bias alone (gru3) cannot; Dey & Salem (2017)"
VARIANTS = (
    ("full", "after", 0.0, 0.01), ("full", "before", 0.0, 0.01), ("gru1", "after", 0.0, 0.01),
    ("gru2", "after", 0.0, 0.01), ("mgu", "after", 0.0, 0.01), ("light", "after", 0.0, 0.5),
    ("gru3", "after", 0.5, 0.1),
)  # fmt: skip
"""Variant, reset, expected share of wrong bits at 100 symbols, tolerance."""


def bits(draw: np.random.Generator, steps: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bits and their running parity, each of shape (steps, samples, 1)."""
    u = draw.integers(0, 2, (steps, samples, 1)).astype(float)
    return u, np.cumsum(u, axis=0) % 2


def training(made: SignalGraph) -> Training:
    """1500 batches of 32 sequences."""
    return train(
        made, lambda draw, _: bits(draw, 12, 32), "logistic_cross_entropy", Adam(1e-2), batches=1500, clip=1.0,
        progress=False,
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Share of wrong bits at 100 symbols; the number of parameters beside it."""
    u, y = bits(stream(0, "parity", "test"), 100, 200)
    for variant, reset, expected, tolerance in VARIANTS:
        graph = gru(1, 8, 1, variant=variant, reset=reset)
        network = network_of(f"parity_{variant}_{reset}", graph, training, context)
        wrong = (network.sequence(u, record=False).outputs > 0.0) != (y > 0.5)
        where = f" (reset {reset})" if variant == "full" else ""
        yield Case(
            f"GRU variants on parity, {variant}{where}", SOURCE,
            f"share of wrong bits in 100 symbols (coin: 0.5); {float(wrong[:12].mean()):.3f} in the first 12; "
            f"{sum(w.size for w in graph.weights().values())} parameters",
            f"{expected:g}", f"{float(wrong.mean()):.4f}", abs(float(wrong.mean()) - expected), tolerance,
            "light is linear in its state and drifts off beyond the length it was trained on" if variant == "light"
            else "learnt or not",
        )  # fmt: skip


if __name__ == "__main__":
    for variant, reset, *_ in VARIANTS:
        keep(
            f"parity_{variant}_{reset}", gru(1, 8, 1, variant=variant, reset=reset), training,
            "python -m validation.literature.gru_variants",
        )  # fmt: skip
