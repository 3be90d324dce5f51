"""The deep echo state network against a loop written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.architectures.deep_echo_state import deep_echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import fit_readout
from neurosim.errors import ParameterError


@pytest.mark.parametrize("leak", [1.0, (0.3, 0.8, 1.0)])
def test_each_layer_sees_the_new_state_below(leak) -> None:
    graph = deep_echo_state(2, 12, 1, layers=3, leak=leak, bias_scaling=0.2, density=0.3, seed=2)
    network = digital(graph)
    u = np.random.default_rng(0).normal(size=(30, 2))
    run = network.sequence(u)
    w, x = graph.weights(), [np.zeros(12) for _ in range(3)]
    leaks = np.broadcast_to(leak, 3)
    for t in range(30):
        below = u[t]
        for k, a in enumerate(leaks):
            n = k + 1
            x[k] = (1.0 - a) * x[k] + a * np.tanh(w[f"W{n}"] @ x[k] + w[f"U{n}"] @ below + w[f"b{n}"])
            below = x[k]
        for k in range(3):
            assert run.states[t, 0, network.program.states.slices[f"x{k + 1}"]] == pytest.approx(x[k], abs=1e-13)


def test_its_readout_sees_all_layers() -> None:
    u = np.random.default_rng(1).uniform(-1.0, 1.0, (400, 1))
    wanted = np.roll(u, 3, axis=0) ** 2
    graph = deep_echo_state(1, 30, 1, layers=2, bias_scaling=0.5, seed=1)
    trained, _ = fit_readout(graph, u, wanted, weights=("V1", "V2"), bias="c", washout=50)
    made = digital(trained).sequence(u).outputs[50:, 0]
    assert ((made - wanted[50:]) ** 2).mean() < 0.4 * wanted.var()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"layers": 0}, "layers = 0"),
        ({"leak": (0.5, 0.5)}, "layers = 3 numbers"),
        ({"leak": 1.5}, "leak = 1.5"),
        ({"topology": "small"}, "topology = 'small'"),
    ],
)
def test_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        deep_echo_state(**arguments)
