"""IndRNN against its equations, with and without skip connections."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run, states

from neurosim.architectures.indrnn import clip_recurrent, indrnn, recurrent_bound
from neurosim.errors import ParameterError


@pytest.mark.parametrize("skip", [False, True])
def test_it_is_the_textbook_loop(skip: bool):
    graph = randomised(indrnn(2, 5, 3, layers=3, skip=skip))
    u, y0, made, network = run(graph)
    w = graph.weights()
    h = dict(states(network, y0))
    for t, x in enumerate(u):
        for k in (1, 2, 3):
            h[f"h{k}"] = np.maximum(x @ w[f"U{k}"].T + w[f"v{k}"] * h[f"h{k}"] + w[f"b{k}"], 0.0)
            x = h[f"h{k}"] + x if skip and k > 1 else h[f"h{k}"]
        for name, value in states(network, made.states[t]).items():
            assert value == pytest.approx(h[name], abs=1e-12)
        assert made.outputs[t] == pytest.approx(x @ w["V"].T + w["c"], abs=1e-12)


def test_gradient():
    u, y0, _, network = run(randomised(indrnn(2, 5, 3, layers=2, skip=True, activation="tanh")))
    check_gradient(network, u, y0)


def test_the_bound_keeps_the_gain_over_the_steps():
    assert recurrent_bound(200) ** 200 == pytest.approx(2.0, rel=1e-12)
    values = {"v1": np.array([-3.0, 0.5, 1.2]), "V": np.array([[5.0]]), "v12": np.array([2.0]), "U1": np.array([9.0])}
    made = clip_recurrent(values, 10)
    bound = 2.0**0.1
    assert made["v1"] == pytest.approx([-bound, 0.5, bound])
    assert made["v12"] == pytest.approx([bound])
    assert made["V"] == made["U1"] - 4.0
    graph = indrnn(layers=2, steps=50, remember=True)
    assert np.abs(graph.weights()["v1"]).max() <= recurrent_bound(50)
    assert graph.weights()["v2"].min() >= 0.5**0.02
    with pytest.raises(ParameterError, match="steps = 0"):
        recurrent_bound(0)
