"""Bidirectional networks against two loops over the sequence."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run, states

from neurosim.architectures.bidirectional import bidirectional, from_torch_bidirectional
from neurosim.architectures.gate_layouts import from_torch
from neurosim.architectures.lstm import lstm
from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph


def loop(w: dict, here: str, u: np.ndarray, h: np.ndarray) -> np.ndarray:
    made = []
    for x in u:
        h = np.tanh(x @ w[f"{here}U"].T + h @ w[f"{here}W"].T + w[f"{here}b"])
        made.append(h)
    return np.array(made)


@pytest.mark.parametrize("layers", [1, 3])
def test_it_is_two_loops(layers: int):
    graph = randomised(bidirectional(2, 4, 3, layers=layers))
    u, y0, made, network = run(graph)
    w, start = graph.weights(), states(network, y0)
    x = u
    for k in range(1, layers + 1):
        here = f"layer{k}/"
        f = loop(w, f"{here}forward/", x, start[f"{here}forward/h"])
        b = loop(w, f"{here}backward/", x[::-1], start[f"{here}backward/h"])
        assert states(network, made.states)[f"{here}forward/h"] == pytest.approx(f, abs=1e-13)
        assert states(network, made.states)[f"{here}backward/h"] == pytest.approx(b, abs=1e-13)
        assert states(network, made.final)[f"{here}backward/h"] == pytest.approx(b[-1], abs=1e-13)
        x = np.concatenate([f, b[::-1]], axis=-1)
    assert made.outputs == pytest.approx(x @ w["V"].T + w["d"], abs=1e-13)


@pytest.mark.parametrize(("cell", "layers"), [("elman", 2), ("lstm", 1), ("gru", 2)])
def test_gradient(cell: str, layers: int):
    u, y0, _, network = run(randomised(bidirectional(2, 3, 2, layers=layers, cell=cell)))
    check_gradient(network, u, y0)


def test_a_later_input_moves_an_earlier_output():
    network = digital(bidirectional(1, 4, 1))
    u = np.zeros((6, 1, 1))
    still = network.sequence(u).outputs
    u[5] = 1.0
    assert np.all(np.abs(network.sequence(u).outputs - still)[:, 0, 0] > 1e-6)


def test_torch_weights_of_both_directions():
    rng = np.random.default_rng(3)
    shapes = {"weight_ih_l0": (16, 2), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,), "bias_hh_l0": (16,)}
    weights = {f"{name}{end}": rng.normal(size=s) for end in ("", "_reverse") for name, s in shapes.items()}
    graph = bidirectional(2, 4, 8, cell="lstm").with_weights(
        {**from_torch_bidirectional(weights, "lstm"), "V": np.eye(8)}
    )
    u = rng.normal(size=(5, 2, 2))
    one_way = lstm(2, 4, 4)

    def alone(end: str, x: np.ndarray) -> np.ndarray:
        here = from_torch({name: weights[f"{name}{end}"] for name in shapes}, "lstm")
        return digital(one_way.with_weights({**here, "V": np.eye(4)})).sequence(x).outputs

    wanted = np.concatenate([alone("", u), alone("_reverse", u[::-1])[::-1]], axis=-1)
    assert digital(graph).sequence(u).outputs == pytest.approx(wanted, abs=1e-14)


def test_what_needs_causality_refuses_it_by_name():
    with pytest.raises(ParameterError, match="'layer1/reversed'"):
        compile_graph(bidirectional())
    with pytest.raises(ParameterError, match="'transformer'"):
        bidirectional(cell="transformer")
