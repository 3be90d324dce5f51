"""The LSTM counter of a^n b^n c^n with weights set by hand: exact, and what leak and mismatch leave of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np

from neurosim.architectures.lstm_counter import accepted, encode, lstm_counter
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.randomness import stream
from validation.case import Case, Context, number_case
from validation.figures import curves

TASK = "Gers & Schmidhuber, IEEE Trans. Neural Networks 12, 1333 (2001): trained, to n = 500 (recalled)"


def word(n: int, b: int = 0, c: int = 0) -> str:
    """a^n b^(n+b) c^(n+c)."""
    return "a" * n + "b" * (n + b) + "c" * (n + c)


def verdicts(network: DigitalNetwork, words: list[str]) -> np.ndarray:
    """Which words the network accepts."""
    return accepted(network.sequence(encode(words), record=False).outputs, words)


def cases(context: Context) -> Iterator[Case]:
    """Exactness, the leak law and the mismatch law."""
    network = digital(lstm_counter())
    every = ["".join("abc"[d] for d in digits) for n in range(1, 9) for digits in np.ndindex(*(3,) * n)]
    truth = np.array([w == word(len(w) // 3) and len(w) % 3 == 0 for w in every])
    wrong = int((verdicts(network, every) != truth).sum())
    yield Case(
        "LSTM counter, all words to 8 symbols", "definition of a^n b^n c^n",
        f"words judged wrongly, of {len(every)} (rejecting all: {truth.sum()}; coin: {len(every) // 2})", "0",
        str(wrong), wrong, 0.0, "a construction, exact",
    )  # fmt: skip
    near = ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, -1))
    words = [word(n, *d) for n in (10, 100, 999, 1000) for d in near]
    wrong = int((verdicts(network, words) != np.array([d == (0, 0) for _ in range(4) for d in near])).sum())
    yield Case(
        "LSTM counter to n = 1000", TASK, f"words judged wrongly, of {len(words)}, half of them off by one symbol", "0",
        str(wrong), wrong, 0.0, "a construction, exact",
    )  # fmt: skip
    yield from leak_law(context)
    yield from mismatch_law()


def leak_law(context: Context) -> Iterator[Case]:
    """Longest word under a leak, against the law and against the recurrence of one count."""
    reached: dict[float, int] = {}
    for leak in (1e-2, 1e-3, 1e-4, 1e-5):
        law = np.sqrt(0.5 / leak)
        longest = int(1.3 * law) + 3
        good = verdicts(digital(lstm_counter(leak=leak)), [word(n) for n in range(1, longest + 1)])
        ours = reached[leak] = int(np.argmin(good))
        keep = 1.0 - leak
        n = np.arange(1, longest + 1)
        up = (1.0 - keep**n) / leak
        exact = int(np.argmin(keep ** (n - 1) * up - (1.0 - keep ** (n - 1)) / leak > 0.5))
        yield number_case(
            f"LSTM counter with leak {leak:g}, law", "sqrt(0.5 / leak): a count is short by leak n^2", "largest n",
            law, ours, 1.0 / law, "one symbol: the law leaves out terms of order leak n",
            "" if leak > 1e-5 else context.figure("lstm counter", _drawn(reached)),
        )  # fmt: skip
        yield number_case(
            f"LSTM counter with leak {leak:g}, recurrence", "(1 - leak)^(n-1) S_n - S_(n-1) > 1/2, S geometric sums",
            "largest n", exact, ours, 0.0, "same arithmetic",
        )  # fmt: skip


def _drawn(reached: dict[float, int]) -> Callable[..., None]:
    leaks = list(reached)
    law = [np.sqrt(0.5 / leak) for leak in leaks]
    shown = {"network": (leaks, list(reached.values()), "o"), "sqrt(0.5 / leak)": (leaks, law, "k-")}
    return curves("share of a count lost in a step", "largest n", shown, log=True)


def mismatch_law(chips: int = 300, deviation: float = 0.01) -> Iterator[Case]:
    """Share of chips that pass, with increments off by 1 %."""
    passed = {20: 0, 50: 0, 100: 0}
    words = [word(n) for n in passed]
    draw = stream(0, "lstm counter", "mismatch")
    network = digital(lstm_counter())
    for _ in range(chips):
        graph = lstm_counter(deviations=tuple(deviation * draw.normal(size=4)))
        vector = np.concatenate([w.ravel() for w in graph.weights().values()])
        for n, ok in zip(passed, verdicts(network.with_parameters(vector), words), strict=True):
            passed[n] += int(ok)
    for n, count in passed.items():
        share = (2.0 * NormalDist().cdf(0.5 / (np.sqrt(2.0) * n * deviation)) - 1.0) ** 2
        spread = np.sqrt(share * (1.0 - share) / chips)
        yield Case(
            f"LSTM counter with 1 % mismatch, n = {n}", "(2 Phi(1 / (2 sqrt(2) n s)) - 1)^2",
            f"share of {chips} chips that accept; error in standard deviations of the count", f"{share:.3f}",
            f"{count / chips:.3f}", abs(count / chips - share) / spread, 3.5, "binomial spread, fixed seed",
        )  # fmt: skip
