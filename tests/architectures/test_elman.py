"""Elman's network against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run, states

from neurosim.architectures.elman import elman


@pytest.mark.parametrize(("activation", "phi"), [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0.0))])
def test_it_is_the_textbook_loop(activation: str, phi):
    graph = randomised(elman(2, 5, 3, activation=activation))
    u, y0, made, network = run(graph)
    w, h = graph.weights(), y0
    for t, x in enumerate(u):
        h = phi(x @ w["U"].T + h @ w["W"].T + w["b"])
        assert states(network, made.states[t])["h"] == pytest.approx(h, abs=1e-13)
        assert made.outputs[t] == pytest.approx(h @ w["V"].T + w["c"], abs=1e-13)


def test_gradient():
    u, y0, _, network = run(randomised(elman(2, 5, 3)))
    check_gradient(network, u, y0)
