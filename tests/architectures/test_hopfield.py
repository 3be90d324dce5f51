"""The Hopfield network in its three forms: equations, energies, recall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.architectures.hopfield import energy, hebbian_weights, hopfield, recall
from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph
from neurosim.randomness import stream

CURRENTS = stream(0, "test", "currents").normal(size=12)


def difference(function, x: np.ndarray, size: float = 1e-5) -> np.ndarray:
    """Gradient by central differences."""
    return np.array([(function(x + size * e) - function(x - size * e)) / (2.0 * size) for e in np.eye(x.size)])


def test_gradient_of_the_energy_is_minus_c_du_dt() -> None:
    """By v, at random states, with a current into each unit; R, C and gain are no special case."""
    graph = hopfield(units=12, gain=1.7, resistance=2.5, capacitance=0.4, seed=3)
    program = compile_graph(graph)
    u = 0.6 * stream(1, "test", "u").normal(size=12)
    by_v = difference(lambda v: energy(graph, np.arctanh(v) / 1.7, CURRENTS), np.tanh(1.7 * u))
    assert by_v == pytest.approx(-0.4 * program.flow(u, CURRENTS), abs=1e-7)


def test_gradient_of_the_modern_energy_is_minus_du_dt() -> None:
    graph = hopfield(units=12, form="modern", resistance=2.5, capacitance=0.4, sharpness=3.0, seed=3)
    program = compile_graph(graph)
    u = stream(1, "test", "u").normal(size=12)
    by_u = difference(lambda x: energy(graph, x, CURRENTS), u)
    assert by_u == pytest.approx(-2.5 * 0.4 * program.flow(u, CURRENTS), abs=1e-8)


def test_flow_is_that_of_the_circuit() -> None:
    graph = hopfield(units=12, gain=1.7, resistance=2.5, capacitance=0.4)
    u = stream(1, "test", "u").normal(size=12)
    flow = (-u / 2.5 + graph.weights()["W"] @ np.tanh(1.7 * u) + CURRENTS) / 0.4
    assert compile_graph(graph).flow(u, CURRENTS) == pytest.approx(flow, abs=1e-13)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_binary_recall_descends_and_stops_where_every_unit_agrees(seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights = draw.normal(size=(20, 20))
    weights = weights + weights.T
    np.fill_diagonal(weights, 0.0)
    s = draw.choice([-1.0, 1.0], 20)
    values = [s @ weights @ s]
    for sweep in range(100):
        s, before = recall(weights, s, sweeps=1, seed=sweep), s
        values.append(s @ weights @ s)
        if (s == before).all():
            break
    assert (np.diff(values) >= -1e-9).all()
    assert (s * (weights @ s) >= 0.0).all()


def test_unit_without_field_keeps_its_value() -> None:
    weights = hebbian_weights(np.ones((1, 4)))
    assert recall(weights, [1.0, -1.0, 1.0, -1.0], sweeps=0).tolist() == [1.0, -1.0, 1.0, -1.0]
    assert recall(np.zeros((2, 2)), [1.0, -1.0]).tolist() == [1.0, -1.0]


@pytest.mark.parametrize("flips", [0, 20])
def test_binary_recall_of_stored_patterns(flips: int) -> None:
    draw = stream(0, "test", "patterns")
    patterns = draw.choice([-1.0, 1.0], (5, 200))
    for pattern in patterns:
        start = pattern.copy()
        start[draw.choice(200, flips, replace=False)] *= -1.0
        assert (recall(hebbian_weights(patterns), start) == pattern).all()


def test_modern_form_recalls_more_patterns_than_it_has_units() -> None:
    """60 random patterns in 32 units, from 4 flipped bits, one step: Hebb's rule keeps about 4."""
    draw = stream(0, "test", "modern")
    patterns = draw.choice([-1.0, 1.0], (60, 32))
    starts = patterns.copy()
    for row in starts:
        row[draw.choice(32, 4, replace=False)] *= -1.0
    network = digital(hopfield(patterns, form="modern", sharpness=30.0))
    run = network.sequence(np.zeros((2, 60, 32)), starts / np.sqrt(32))
    assert (np.sign(run.outputs[-1]) == patterns).mean() > 0.99
    weights = hebbian_weights(patterns)
    assert np.mean([(recall(weights, s) == p).all() for s, p in zip(starts, patterns, strict=True)]) < 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"patterns": [[0.5, 1.0]]}, "of -1 and 1"),
        ({"weights": [[0.0, 1.0], [2.0, 0.0]]}, "symmetric"),
        ({"form": "binary"}, "recall"),
    ],
)
def test_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        hopfield(**arguments)
