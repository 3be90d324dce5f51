"""Pearlmutter's circle: a small continuous-time network learns to draw it, and goes on drawing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.fully_recurrent import fully_recurrent
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training import Adam, Training, graph_of, load_weights, save_weights, train
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import FOLDER

SOURCE = "Pearlmutter, Neural Computation 1, 263 (1989): trajectories of continuous-time networks"
RADIUS, TURN, STEP = 0.5, 32, 0.25
"""Radius; steps in a turn; dt in units of the time constant."""


def network() -> DigitalNetwork:
    """Six units in membrane form without input; the rates of two of them are the outputs."""
    graph = fully_recurrent(0, 6, form="membrane", output_units=(0, 1), gain=2.0, seed=1)
    return digital(graph, "forward_euler", STEP)


def training() -> Training:
    """Two turns, 2000 times; the start is trained too."""
    k = np.arange(1, 2 * TURN + 1) * 2.0 * np.pi / TURN
    y = RADIUS * np.stack([np.cos(k), np.sin(k)], axis=-1)[:, None]
    return train(
        network(), (2 * TURN, y), "mean_squared_error", Adam(1e-2), epochs=2000, clip=1.0, initial=np.full(6, 0.1),
        trainable_initial=("x",), schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / 2000)), progress=False,
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Radius and period over 40 turns, and the return to the cycle after kicks."""
    if context.fast:
        net = digital(load_weights(FOLDER / "circle.npz", network().graph), "forward_euler", STEP)
    else:
        net = digital(graph_of(training().network), "forward_euler", STEP)
    made = net.sequence(60 * TURN, np.full(6, 0.1))
    late = made.outputs[20 * TURN :, 0]
    z = (late @ np.array([1.0, 1j])).ravel()
    turn = np.linspace(0.0, 2.0 * np.pi, 100)
    start = made.outputs[: 2 * TURN, 0]
    figure = context.figure("pearlmutter circle", curves("first output", "second output", {
        "wanted": (RADIUS * np.cos(turn), RADIUS * np.sin(turn), "k-"), "first two turns": (*start.T, "-"),
        "turns 21 to 60": (*late[::5].T, "."),
    }, equal=True))  # fmt: skip
    yield Case(
        "circle in free run, radius", SOURCE, "largest share by which it misses 0.5 in turns 21 to 60 (rest at 0: 1)",
        "0", f"{np.abs(np.abs(z) / RADIUS - 1.0).max():.4f}", float(np.abs(np.abs(z) / RADIUS - 1.0).max()), 0.1,
        "trained on two turns, from a trained start; here it comes from another one", figure,
    )  # fmt: skip
    steps = 2.0 * np.pi / np.mean(np.diff(np.unwrap(np.angle(z))))
    yield Case(
        "circle in free run, period", SOURCE, "steps in a turn", str(TURN), f"{steps:.4f}",
        float(abs(steps / TURN - 1.0)), 0.02, "trained on two turns",
    )  # fmt: skip
    kicked = made.final + 0.3 * stream(0, "circle", "kicks").normal(size=(50, 6))
    after = net.sequence(40 * TURN, kicked).outputs[-TURN:]
    radii = np.hypot(after[..., 0], after[..., 1])
    spread = float(np.ptp(radii.mean(axis=0)))
    yield Case(
        "circle after a kick", SOURCE, "spread of the mean radius 40 turns after 50 kicks of 0.3 on all units", "0",
        f"{spread:.1e}", spread, 1e-3, "a limit cycle draws back; the mean is over whole turns but for a remainder",
    )  # fmt: skip


if __name__ == "__main__":
    made = training()
    save_weights(
        FOLDER / "circle.npz", made.network, script="python -m validation.literature.pearlmutter_circle",
        batches=made.batches, seconds=round(made.seconds, 1), last_loss=float(made.history["loss"][-1]),
    )  # fmt: skip
