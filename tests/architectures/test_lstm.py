"""LSTM against its equations: peepholes, stacks; and the counter."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, logistic, randomised, run, states

from neurosim.architectures.lstm import lstm
from neurosim.architectures.lstm_counter import accepted, encode, lstm_counter
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph


def layer(w: dict, here: str, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The textbook step of one layer."""

    def sums(gate: str) -> np.ndarray:
        return x @ w[f"{here}U_{gate}"].T + h @ w[f"{here}W_{gate}"].T + w[f"{here}b_{gate}"]

    p = {gate: w.get(f"{here}p_{gate}", 0.0) for gate in "ifo"}
    i, f = (logistic(sums(gate) + p[gate] * c) for gate in "if")
    c = f * c + i * np.tanh(sums("g"))
    return logistic(sums("o") + p["o"] * c) * np.tanh(c), c


@pytest.mark.parametrize("peepholes", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_it_is_the_textbook_loop(peepholes: bool, layers: int):
    graph = randomised(lstm(2, 4, 3, layers=layers, peepholes=peepholes))
    u, y0, made, network = run(graph)
    w, now = graph.weights(), dict(states(network, y0))
    for t, x in enumerate(u):
        for k in range(1, layers + 1):
            here = f"layer{k}/"
            now[f"{here}h"], now[f"{here}c"] = layer(w, here, x, now[f"{here}h"], now[f"{here}c"])
            x = now[f"{here}h"]
        for name, value in states(network, made.states[t]).items():
            assert value == pytest.approx(now[name], abs=1e-13)
        assert made.outputs[t] == pytest.approx(x @ w["V"].T + w["d"], abs=1e-13)


def test_gradient():
    u, y0, _, network = run(randomised(lstm(2, 4, 3, layers=2, peepholes=True)))
    check_gradient(network, u, y0)


def test_the_flow_is_a_capacitor_with_a_programmed_leak():
    graph = lstm(2, 4, seed=3)
    program, w, rng = compile_graph(graph), graph.weights(), np.random.default_rng(4)
    y, u = rng.normal(size=8), rng.normal(size=2)
    h, c = (program.states.unpack(y)[f"layer1/{name}"] for name in "hc")
    sums = {g: w[f"layer1/U_{g}"] @ u + w[f"layer1/W_{g}"] @ h + w[f"layer1/b_{g}"] for g in "ifg"}
    wanted = -(1 - logistic(sums["f"])) * c + logistic(sums["i"]) * np.tanh(sums["g"])
    assert program.states.unpack(program.flow(y, u))["layer1/c"] == pytest.approx(wanted, abs=1e-14)


def test_forget_bias_is_where_it_should_be():
    assert np.all(lstm(forget_bias=2.5).weights()["layer1/b_f"] == 2.5)
    assert np.all(lstm(forget_bias=2.5).weights()["layer1/b_i"] == 0.0)


def accepts(network: DigitalNetwork, words: list[str]) -> np.ndarray:
    return accepted(network.sequence(encode(words), record=False).outputs, words)


def test_the_counter_takes_the_language_and_nothing_else():
    network = digital(lstm_counter())
    words = [f"{'a' * n}{'b' * n}{'c' * n}" for n in range(1, 30)]
    assert accepts(network, words).all()
    rng = np.random.default_rng(5)
    wrong = []
    for word in words:
        letters = list(word)
        k = int(rng.integers(len(letters)))
        wrong.append("".join([*letters[:k], rng.choice([s for s in "abc" if s != letters[k]]), *letters[k + 1 :]]))
        wrong += [word[:-1], word + "c", word[: k // 2] + word[k // 2 + 1 :], "a" + word, "ab" + word]
    assert not accepts(network, wrong).any()
    every = ["".join("abc"[d] for d in digits) for n in range(1, 7) for digits in np.ndindex(*(3,) * n)]
    assert [word for word, ok in zip(every, accepts(network, every), strict=True) if ok] == ["abc", "aabbcc"]


def test_a_leaking_counter_fails_where_the_law_says():
    network = digital(lstm_counter(leak=1e-2))
    assert list(accepts(network, ["a" * n + "b" * n + "c" * n for n in (5, 6, 9)])) == [True, True, False]


def test_what_mismatch_leaves_of_one_count_does_not_disturb_the_other():
    """p ends at 0.3 counts instead of 0, which is still told from 1; c must empty it."""
    network = digital(lstm_counter(deviations=(0.03, 0.0, 0.0, 0.0)))
    assert list(accepts(network, ["a" * n + "b" * n + "c" * n for n in (10, 30)])) == [True, False]


def test_a_counter_refuses_what_it_cannot_be():
    with pytest.raises(ParameterError, match=r"leak = 1\.5"):
        lstm_counter(leak=1.5)
    with pytest.raises(ParameterError, match="'d'"):
        encode(["abd"])
    with pytest.raises(ParameterError, match="4 charges"):
        lstm_counter(step=1.0)
