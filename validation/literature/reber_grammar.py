"""Embedded Reber grammar: which symbols may follow, the second symbol being asked for again at the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.lstm import lstm
from neurosim.digital.network import DigitalNetwork
from neurosim.digital.training import Adam, Training, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import keep, network_of

SOURCE = "Hochreiter & Schmidhuber, Neural Computation 9, 1735 (1997): all right, after 8,440 strings (recalled)"
SYMBOLS = "BTPSXVE"
GRAPH = ({"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5})
"""Reber's automaton between B and E: state to symbol to next state; 5 is the end."""


def inner(draw: np.random.Generator) -> tuple[str, list[str]]:
    """A Reber string from B to E, and the symbols that may come at each of its places."""
    word, legal, state = "B", ["B"], 0
    while state != 5:
        options = sorted(GRAPH[state])
        legal.append("".join(options))
        word += options[int(draw.integers(2))]
        state = GRAPH[state][word[-1]]
    return word + "E", [*legal, "E"]


def string(draw: np.random.Generator) -> tuple[str, list[str]]:
    """B, then T or P, an inner string, the same T or P, E; and what is legal at each place."""
    turn = "TP"[int(draw.integers(2))]
    word, legal = inner(draw)
    return f"B{turn}{word}{turn}E", ["B", "TP", *legal, turn, "E"]


def encode(words: list[str], length: int) -> np.ndarray:
    """One-hot symbols, shape (length, words, 7), zeros behind shorter words."""
    u = np.zeros((length, len(words), len(SYMBOLS)))
    for j, word in enumerate(words):
        u[np.arange(len(word)), j, [SYMBOLS.index(s) for s in word]] = 1.0
    return u


def batch(draw: np.random.Generator, samples: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Strings, the symbols that come next, and a mask of the places inside the strings."""
    words = [string(draw)[0] for _ in range(samples)]
    u = encode(words, max(map(len, words)))
    return u[:-1], u[1:], u[1:].sum(axis=-1)


def graph() -> SignalGraph:
    """Eight cells."""
    return lstm(7, 8, 7)


def training(made: SignalGraph, batches: int = 2000) -> Training:
    """16 fresh strings in each batch."""
    return train(
        made, lambda draw, _: batch(draw), "softmax_cross_entropy", Adam(2e-2), batches=batches, clip=1.0,
        schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / batches)), progress=False,
    )  # fmt: skip


def probabilities(network: DigitalNetwork, words: list[str]) -> list[np.ndarray]:
    """What the network gives for each symbol before places 1, 2, ... of each word."""
    u = encode(words, max(map(len, words)))
    z = network.sequence(u, record=False).outputs
    shares = np.exp(z - z.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return [shares[: len(word) - 1, j] for j, word in enumerate(words)]


def cases(context: Context) -> Iterator[Case]:
    """Legal symbols ranked first at every place of fresh strings; strings with the wrong end refused."""
    network = network_of("reber_lstm", graph(), training, context)
    draw = stream(0, "reber", "test")
    tests = [string(draw) for _ in range(500)]
    words = [word for word, _ in tests]
    right = ends = 0
    for shares, (_, legal) in zip(probabilities(network, words), tests, strict=True):
        ranked = [
            {SYMBOLS[k] for k in np.argsort(p)[-len(allowed) :]} == set(allowed)
            for p, allowed in zip(shares, legal[1:], strict=True)
        ]
        right += all(ranked)
        ends += ranked[-2]
    yield Case(
        "embedded Reber grammar, whole strings", SOURCE,
        "strings of 500 with the legal symbols first at every place (no memory of the second symbol: about 250)", "500",
        str(right), 500 - right, 0.0, "the published net is right on all",
    )  # fmt: skip
    yield Case(
        "embedded Reber grammar, second-last symbol", SOURCE, "right of 500 (coin: 250)", "500", str(ends), 500 - ends,
        0.0, "the published net is right on all",
    )  # fmt: skip
    swapped = [word[:-2] + ("P" if word[-2] == "T" else "T") + "E" for word in words]
    least = [
        [float(shares[np.arange(len(w) - 1), [SYMBOLS.index(s) for s in w[1:]]].min()) for w, shares in found]
        for found in (zip(v, probabilities(network, v), strict=True) for v in (words, swapped))
    ]
    shares = np.linspace(0.0, 1.0, len(words))
    figure = context.figure("reber grammar", curves(
        "share of the strings", "probability of the least likely symbol", {
            "right strings": (shares, np.sort(least[0]), "-"), "wrong at the end": (shares, np.sort(least[1]), "-"),
            "border": ([0.0, 1.0], [0.1, 0.1], "k:"),
        },
    ))  # fmt: skip
    wrong = sum(p < 0.1 for p in least[0]) + sum(p >= 0.1 for p in least[1])
    yield Case(
        "embedded Reber grammar, wrong ends refused", SOURCE,
        "of 500 right and 500 wrong strings judged wrongly by their least likely symbol, below 0.1 or not (coin: 500)",
        "0", str(wrong), wrong, 0.0, "legal symbols have the probability 1/2 or 1", figure,
    )  # fmt: skip


if __name__ == "__main__":
    keep("reber_lstm", graph(), training, "python -m validation.literature.reber_grammar")
