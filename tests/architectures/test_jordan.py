"""Jordan's network against its equations."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run, states

from neurosim.architectures.jordan import jordan
from neurosim.errors import ParameterError


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_it_is_the_textbook_loop(alpha: float):
    graph = randomised(jordan(2, 5, 3, alpha=alpha, output="tanh"))
    u, y0, made, network = run(graph)
    w, c = graph.weights(), states(network, y0)["context"]
    for t, x in enumerate(u):
        h = np.tanh(x @ w["U"].T + c @ w["W"].T + w["b"])
        y = np.tanh(h @ w["V"].T + w["d"])
        c = alpha * c + y
        assert made.outputs[t] == pytest.approx(y, abs=1e-13)
        assert states(network, made.states[t])["context"] == pytest.approx(c, abs=1e-13)


def test_gradient():
    u, y0, _, network = run(randomised(jordan(2, 5, 3), scale=0.4))
    check_gradient(network, u, y0)


def test_alpha_outside_its_range_is_refused():
    with pytest.raises(ParameterError, match=r"alpha = 1\.2"):
        jordan(alpha=1.2)
