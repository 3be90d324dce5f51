"""Recurrent multilayer perceptron against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run, states

from neurosim.architectures.recurrent_multilayer_perceptron import recurrent_multilayer_perceptron
from neurosim.errors import ParameterError


@pytest.mark.parametrize("cascade", ["drives", "states"])
@pytest.mark.parametrize("feedback", [True, False])
def test_it_is_the_textbook_loop(cascade: str, feedback: bool):
    graph = randomised(recurrent_multilayer_perceptron(2, (5, 4), 3, cascade=cascade, output_feedback=feedback))
    u, y0, made, network = run(graph)
    w, x = graph.weights(), dict(states(network, y0))
    for t, v in enumerate(u):
        old = dict(x)
        for k in (1, 2, 3):
            below = v if k == 1 else (x if cascade == "drives" else old)[f"x{k - 1}"]
            a = below @ w[f"U{k}"].T + w[f"b{k}"]
            if feedback or k < 3:
                a = a + old[f"x{k}"] @ w[f"W{k}"].T
            x[f"x{k}"] = a if k == 3 else np.tanh(a)
        for name, value in states(network, made.states[t]).items():
            assert value == pytest.approx(x[name], abs=1e-13)
        assert np.array_equal(made.outputs[t], states(network, made.states[t])["x3"])


def test_gradient():
    u, y0, _, network = run(randomised(recurrent_multilayer_perceptron(2, (5, 4), 3, output="tanh")))
    check_gradient(network, u, y0)


def test_an_unknown_cascade_is_refused():
    with pytest.raises(ParameterError, match="'wires'"):
        recurrent_multilayer_perceptron(cascade="wires")
