"""Networks that cases train: the fast part takes their weights from ``weights/``, the slow part trains them again.

``python -m validation.literature.<case>`` trains, and writes the file that the fast part reads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training import Training, load_weights, save_weights
from neurosim.graph.signal_graph import SignalGraph
from validation.case import Context

FOLDER = Path(__file__).parent / "weights"


def network_of(
    name: str, graph: SignalGraph, training: Callable[[SignalGraph], Training], context: Context
) -> DigitalNetwork:  # fmt: skip
    """The trained network: from ``weights/<name>.npz`` in the fast part, else by `training`."""
    if context.fast:
        return digital(load_weights(FOLDER / f"{name}.npz", graph))
    return training(graph).network


def keep(name: str, graph: SignalGraph, training: Callable[[SignalGraph], Training], script: str) -> None:
    """Train and write the weights, with the script and the last loss as notes."""
    made = training(graph)
    loss = made.history["loss"]
    save_weights(
        FOLDER / f"{name}.npz", made.network, script=script, batches=made.batches, seconds=round(made.seconds, 1),
        last_loss=float(loss[-50:].mean()),
    )  # fmt: skip
    print(f"{name}: {made.batches} batches, {made.seconds:.1f} s, loss {loss[0]:.4g} to {loss[-50:].mean():.4g}")
