"""Jordan's plans: a constant input selects which sequence is emitted; the sequence is a limit cycle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.jordan import jordan
from neurosim.digital.training import Adam, Training, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import keep, network_of

SOURCE = "Jordan, Proc. 8th Conf. Cognitive Science Society, 531 (1986): plans, and return to the cycle"
ALPHA, SPREAD, KICK = 0.5, 0.25, 0.3
PLANS = (
    0.8 * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]),
    0.7 * np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]),
)
"""The corners of a square in turn, and a triangle: periods 4 and 3."""


def graph() -> SignalGraph:
    """12 hidden units."""
    return jordan(2, 12, 2, alpha=ALPHA, output="tanh")


def context_at(plan: np.ndarray, phase: int) -> np.ndarray:
    """Context on the ideal cycle before the output of a phase."""
    return sum((ALPHA**j * plan[(phase - 1 - j) % len(plan)] for j in range(60)), np.zeros(2))


def training(made: SignalGraph) -> Training:
    """64 sequences of 24 steps for each plan, from all phases, each with a context beside the cycle."""
    draw = stream(0, "jordan plans")
    u, y, start = np.zeros((24, 128, 2)), np.zeros((24, 128, 2)), np.zeros((128, 4))
    for k in range(128):
        plan = PLANS[k % 2]
        phase = int(draw.integers(len(plan)))
        u[:, k, k % 2] = 1.0
        y[:, k] = plan[(phase + np.arange(24)) % len(plan)]
        start[k, :2] = context_at(plan, phase) + SPREAD * draw.normal(size=2)
    return train(made, (u, y), "mean_squared_error", Adam(1e-2), epochs=1000, clip=1.0, initial=start, progress=False)


def cases(context: Context) -> Iterator[Case]:
    """Period and form of both cycles over 1000 steps, their return after a kick, and a change of plan on the way."""
    network = network_of("jordan_plans", graph(), training, context)
    hold = np.zeros((1000, 2, 2))
    hold[:, 0, 0] = hold[:, 1, 1] = 1.0
    start = np.zeros((2, 4))
    start[:, :2] = [context_at(plan, 0) for plan in PLANS]
    made = network.sequence(hold, start)
    closed = [np.vstack([plan, plan[:1]]).T for plan in PLANS]
    figure = context.figure("jordan plans", curves("first output", "second output", {
        "square, wanted": (*closed[0], "k-"), "last 24 of 1000 steps": (*made.outputs[-24:, 0].T, "o"),
        "triangle, wanted": (*closed[1], "k--"), "last 24 of 1000 steps ": (*made.outputs[-24:, 1].T, "s"),
    }, equal=True))  # fmt: skip
    draw = stream(0, "jordan plans", "kicks")
    for k, (plan, name) in enumerate(zip(PLANS, ("square", "triangle"), strict=True)):
        ideal = plan[np.arange(1000) % len(plan)]
        error = float(((made.outputs[:, k] - ideal) ** 2).mean() / (plan**2).mean())
        yield Case(
            f"Jordan plan, {name}, 1000 steps", SOURCE, "normalised mean squared error (constant guess: 1)",
            "below 0.01", f"{error:.2e}", error, 0.01, "trained on 24 steps", "" if k else figure,
        )  # fmt: skip
        kicked = np.repeat(made.final[k : k + 1], 50, axis=0)
        kicked[:, :2] += KICK * draw.normal(size=(50, 2))
        after = network.sequence(hold[:100, k : k + 1].repeat(50, axis=1), kicked).outputs[-12:]
        cycle = made.outputs[-24:, k]
        away = np.min([np.abs(after - cycle[j : j + 12, None]).max(axis=(0, 2)) for j in range(len(plan))], axis=0)
        yield Case(
            f"Jordan plan, {name}, after a kick", SOURCE,
            f"distance from the cycle, in any phase, 88 steps after kicks of {KICK} on the context (worst of 50)", "0",
            f"{away.max():.1e}", float(away.max()), 1e-6, "a limit cycle draws back exponentially",
        )  # fmt: skip
    other = network.sequence(hold[:200, ::-1], made.final).outputs[-12:]
    wrong = max(
        min(float(np.abs(other[:, k] - made.outputs[-24 + j : -12 + j, 1 - k]).max()) for j in range(4)) for k in (0, 1)
    )
    yield Case(
        "Jordan plan, changed on the way", SOURCE, "distance from the cycle of the other plan, in any phase", "0",
        f"{wrong:.1e}", wrong, 1e-6, "200 steps after the change",
    )  # fmt: skip


if __name__ == "__main__":
    keep("jordan_plans", graph(), training, "python -m validation.literature.jordan_plans")
