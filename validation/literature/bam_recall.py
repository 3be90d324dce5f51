"""Bidirectional associative memory: recall from either side with flipped bits, energies, capacity of two rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from neurosim.architectures.bam import bam, energy, multiple_training_weights, outer_product_weights, recall
from neurosim.errors import ParameterError
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context
from validation.figures import curves

KOSKO = "Kosko, IEEE Trans. Syst. Man Cybern. 18, 49 (1988): stable for any real W"
WEIGHTED = "Wang, Cruz & Mulligan, IEEE Trans. Neural Networks 2, 559 (1991): all pairs wherever weights exist"
FIRST, SECOND, PAIRS = 100, 80, 5


def patterns(seed: int, count: int, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pairs."""
    draw = stream(seed, "bam recall", count)
    return draw.choice([-1.0, 1.0], (count, first)), draw.choice([-1.0, 1.0], (count, second))


def flipped(draw: np.random.Generator, pattern: np.ndarray, share: float) -> np.ndarray:
    """The pattern with a share of its bits turned."""
    made = pattern.copy()
    made[draw.choice(made.size, round(share * made.size), replace=False)] *= -1.0
    return made


def cases(context: Context) -> Iterator[Case]:
    """Recall, graded recall, energy, capacity."""
    x, y = patterns(0, PAIRS, FIRST, SECOND)
    weights = outer_product_weights(x, y)
    draw = stream(0, "bam recall", "flips")
    counts: dict[float, int] = {}
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5):
        right = 0
        for _ in range(10):
            for here, there in zip(x, y, strict=True):
                a, b = recall(weights, flipped(draw, here, share))
                right += bool((a == here).all() and (b == there).all())
                b, a = recall(weights.T, flipped(draw, there, share))
                right += bool((a == here).all() and (b == there).all())
        counts[share] = right
        if share > 0.2:
            continue
        yield Case(
            f"BAM recall with {100 * share:.0f} % of the bits flipped", KOSKO,
            f"right pairs of 100, half from each side, {PAIRS} pairs in {FIRST} x {SECOND} (a guess among the stored: "
            f"{100 // PAIRS}; random bits: 0)", "100", str(right), 100 - right, 0.0, "load of 5/80",
        )  # fmt: skip
    figure = context.figure("bam recall", curves(
        "share of flipped bits", "recalled pairs of 100",
        {"BAM 100 x 80, 5 pairs": (list(counts), list(counts.values()), "o-")},
    ))  # fmt: skip
    yield graded(x, y, figure)
    yield from descent()
    yield from capacity(20 if context.fast else 200)


def graded(x: np.ndarray, y: np.ndarray, figure: str) -> Case:
    """The flow from a noisy first field and an empty second one; fields with time constants 1 and 5."""
    graph = bam((x, y), time_constant_second=5.0)
    draw = stream(0, "bam recall", "graded")
    right = 0
    for here, there in zip(x, y, strict=True):
        run = simulate_graph(
            graph, (0.0, 60.0), initial={"x": 0.5 * flipped(draw, here, 0.1)}, save=["a", "b"], save_steps=False,
            print_step=60.0,
        )  # fmt: skip
        ends = [np.array([run[f"{name}[{i}]"][-1] for i in range(n)]) for name, n in (("a", FIRST), ("b", SECOND))]
        right += bool((np.sign(ends[0]) == here).all() and (np.sign(ends[1]) == there).all())
    return Case(
        "BAM recall by the flow, 10 % flipped", KOSKO, f"right pairs of {PAIRS}, time constants 1 and 5", str(PAIRS),
        str(right), PAIRS - right, 0.0, "same fixed points as the binary memory in sign", figure,
    )  # fmt: skip


def descent() -> Iterator[Case]:
    """Energies with random weights."""
    draw = stream(0, "bam recall", "descent")
    rise, moved = 0.0, 0
    for _ in range(200):
        weights, x = draw.normal(size=(30, 20)), draw.choice([-1.0, 1.0], 30)
        last, old = np.inf, None
        while old is None or (x != old).any():
            old = x
            x, y = recall(weights, x, steps=1)
            value = float(-x @ weights @ y)
            rise, last, moved = max(rise, value - last), value, moved + 1
    yield Case(
        "BAM energy, binary", KOSKO, f"largest rise of -x'Wy in {moved} passes, 200 random weight matrices",
        "at most 0", f"{rise:.1e}", rise, 1e-9, "rounding",
    )  # fmt: skip
    graph = bam(weights=draw.normal(size=(12, 9)), time_constant_second=10.0)
    run = simulate_graph(
        graph, (0.0, 100.0), initial={"x": draw.normal(size=12), "y": draw.normal(size=9)}, rtol=1e-8, save=["x", "y"]
    )
    x, y = (np.stack([run[f"{name}[{i}]"] for i in range(n)], axis=1) for name, n in (("x", 12), ("y", 9)))
    values = energy(graph, x, y)
    rise = float(np.diff(values).max() / np.ptp(values))
    yield Case(
        "BAM energy along the flow", KOSKO, "largest rise over a step, as a share of the whole fall, random weights",
        "at most 0", f"{rise:.1e}", rise, 1e-9, "rounding at rest",
    )  # fmt: skip


def recalled(rule: Callable[..., np.ndarray], sets: int, count: int, first: int, second: int) -> float:
    """Share of sets of random pairs that are recalled whole, from either side."""
    good = 0
    for seed in range(sets):
        x, y = patterns(seed, count, first, second)
        try:
            weights = rule(x, y)
        except ParameterError:
            continue
        good += bool((np.sign(x @ weights) == y).all() and (np.sign(y @ weights.T) == x).all())
    return good / sets


def capacity(sets: int) -> Iterator[Case]:
    """Sets of pairs kept whole by either rule, 60 x 50 units."""
    for count in (6, 8):
        plain, improved = (
            recalled(rule, sets, count, 60, 50) for rule in (outer_product_weights, multiple_training_weights)
        )
        yield Case(
            f"BAM multiple training, {count} pairs", WEIGHTED,
            f"share of {sets} sets of random pairs recalled whole, 60 x 50 (sum of outer products: {plain:.2f}; random "
            "weights: 0)", "1", f"{improved:.2f}", 1.0 - improved, 0.1, "random sets: weights need not exist for all",
        )  # fmt: skip
    yield Case(
        f"BAM sum of outer products, {count} pairs", WEIGHTED, f"share of {sets} sets as above, over {improved:.2f}",
        "well below 1", f"{plain:.2f}", plain / improved, 0.6, "what the other rule gains",
    )  # fmt: skip
