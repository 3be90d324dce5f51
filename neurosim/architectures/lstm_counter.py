"""An LSTM that recognises a^n b^n c^n, by weights set by hand.

Cell p counts #a - #b and is emptied by c, cell q counts #b - #c; four more cells hold the last symbol only. After each
symbol the outputs say which may follow (a, b, c, end): a word is in the language if every symbol was allowed and the
end is at last. The task is that of Gers & Schmidhuber, IEEE Trans. Neural Networks 12, 1333 (2001), doi
10.1109/72.963769; the counter does it without training.

What an analog counter can do follows in closed form. With a share `leak` of every count lost in each step, a count is
short by leak n^2 after n symbols up and n down, and words fail from n = sqrt(0.5 / leak) on. With increments that are
off by a relative standard deviation s, a word passes where |n (d_up - d_down)| stays below 1/2 in both counters, which
has the probability (2 Phi(1 / (2 sqrt(2) n s)) - 1)^2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.architectures.lstm import lstm
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph

SYMBOLS = "Sabc"
SATURATED = 30.0


def lstm_counter(
    *, step: float = 0.5, leak: float = 0.0, deviations: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
    time_constant: float = 1.0,
) -> SignalGraph:  # fmt: skip
    """Build the counter: 4 inputs (start, a, b, c, one of them 1), 6 cells, 4 outputs (a, b, c, end allowed: 1 or 0).

    Parameters
    ----------
    step : float
        Charge of one count, 0 < step < 1, default 0.5.
    leak : float
        Share of every count that is lost in a step, 0 <= leak < 1, default 0.
    deviations : sequence of 4 float
        Relative deviations of the increments: p up (a), p down (b), q up (b), q down (c).
    time_constant : float
        Of the continuous twin [s], default 1.

    Raises
    ------
    ParameterError
        A value outside its range.
    """
    if not 0.0 <= leak < 1.0:
        raise ParameterError(f"lstm_counter: leak = {leak!r} must be at least 0 and less than 1")
    charges = step * (1.0 + np.asarray(deviations, dtype=float))
    if charges.shape != (4,) or not ((charges > 0.0) & (charges < 1.0)).all() or not 0.0 < step < 1.0:
        raise ParameterError(
            f"lstm_counter: step = {step!r} with deviations {deviations!r} must give 4 charges in (0, 1)"
        )
    graph = lstm(4, 6, 4, output="heaviside", time_constant=time_constant)
    w = {name: np.zeros_like(value) for name, value in graph.weights().items()}
    w["layer1/b_i"] += SATURATED
    w["layer1/b_o"] += SATURATED
    w["layer1/b_f"][:2] = np.log((1.0 - leak) / leak) if leak > 0.0 else SATURATED
    w["layer1/b_f"][2:] = -SATURATED
    w["layer1/U_f"][0, 3] = -2.0 * SATURATED
    up_a, down_b, up_b, down_c = np.arctanh(charges)
    w["layer1/U_g"][0] = [0.0, up_a, -down_b, 0.0]
    w["layer1/U_g"][1] = [0.0, 0.0, up_b, -down_c]
    w["layer1/U_g"][2:] = SATURATED * np.eye(4)
    # Half a count is where the read-outs tell 0 from 1; the cells of the last symbol show tanh(1).
    half, one = np.tanh(step / 2.0), np.tanh(1.0)
    a, b, c, end = w["V"]
    a[2:] = np.array([1.0, 1.0, 0.0, 0.0]) / one
    b[0], b[2:] = 1.0, np.array([0.0, 2.0, 1.0, 0.0]) / one
    c[:2], c[2:] = (-3.0, 1.0), np.array([0.0, 0.0, 4.0 * half, 1.0]) / one
    end[1], end[5] = -1.0, 1.0 / one
    w["d"][:] = -0.5, -1.0 - half, -1.0 - half, half - 1.0
    return graph.with_weights(w)


def encode(words: Sequence[str]) -> np.ndarray:
    """One-hot symbols of words, each after the start symbol, shape (longest + 1, words, 4); zeros follow shorter ones.

    Raises
    ------
    ParameterError
        A symbol that is none of a, b, c.
    """
    u = np.zeros((1 + max(map(len, words)), len(words), 4))
    u[0, :, 0] = 1.0
    for j, word in enumerate(words):
        for t, symbol in enumerate(word, start=1):
            if symbol not in SYMBOLS[1:]:
                raise ParameterError(f"encode: symbol '{symbol}' of word {j} must be one of a, b, c")
            u[t, j, SYMBOLS.index(symbol)] = 1.0
    return u


def accepted(outputs: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """Which words the outputs of a run over ``encode(words)`` accept, shape (words,)."""
    made = []
    for j, word in enumerate(words):
        following = [*(SYMBOLS.index(symbol) - 1 for symbol in word), 3]
        made.append(bool((outputs[np.arange(len(following)), j, following] > 0.5).all()))
    return np.array(made)
