"""Weights that learn during the run: Hebb, Oja, pair STDP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.digital.network import digital
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.flatten import flatten
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph


def linear_unit(rule: Any, n: int = 3, units: int = 1) -> SignalGraph:
    graph = SignalGraph("unit")
    graph.port("u", n)
    graph.map("y", units)
    graph.port("out", units, output=True)
    graph.parameter("W", np.random.default_rng(3).normal(size=(units, n)) * 0.3)
    graph.connect("u", "y", weight="W", plastic=rule)
    graph.connect("y", "out")
    return graph


def test_hebb_is_the_written_equation():
    graph = linear_unit({"rule": "hebb", "time_constant": 5.0, "leak": 0.5}, units=2)
    program = compile_graph(graph)
    assert program.states.shapes == {"W": (2, 3)}
    rng = np.random.default_rng(0)
    w, u = rng.normal(size=(2, 3)), rng.normal(size=3)
    assert program.output(w.ravel(), u) == pytest.approx(w @ u)
    assert program.flow(w.ravel(), u) == pytest.approx(((np.outer(w @ u, u) - 0.5 * w) / 5.0).ravel())
    assert program.initial == pytest.approx(graph.parameters["W"].value.ravel())


def test_oja_finds_the_first_principal_component():
    covariance = np.array([[3.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]])
    samples = np.random.default_rng(1).normal(size=(8000, 3)) @ np.linalg.cholesky(covariance).T
    graph = linear_unit({"rule": "oja", "time_constant": 200.0})
    run = digital(graph, dt=1.0).sequence(samples)
    w = run.states[-2000:, 0].mean(axis=0)
    component = np.linalg.eigh(np.cov(samples.T))[1][:, -1]
    assert np.linalg.norm(w) == pytest.approx(1.0, abs=0.01)
    assert abs(w @ component) / np.linalg.norm(w) > 0.9995
    expected = graph.parameters["W"].value[0].copy()
    for k in range(50):
        y = expected @ samples[k]
        expected += (y * samples[k] - y * y * expected) / 200.0
        assert run.states[k, 0] == pytest.approx(expected, abs=1e-13)


def pairing(plastic: dict[str, Any]) -> SignalGraph:
    graph = SignalGraph("stdp")
    for name in ("pre", "post"):
        graph.port(f"to_{name}")
        graph.event(name, threshold=0.5)
        graph.connect(f"to_{name}", name)
    graph.state("v", time_constant=0.02)
    graph.parameter("W", [[0.5]])
    graph.connect("pre", "v", weight="W", plastic={"rule": "stdp", "post": "post", **plastic})
    return graph


def spikes(*times: float) -> Any:
    """A drive that rises through one half at each of the times, with corners before and after."""
    points = [(0.0, 0.0)]
    for t in times:
        points += [(t - 1e-6, 0.0), (t + 1e-6, 1.0), (t + 1e-4, 1.0), (t + 1.1e-4, 0.0)]
    return ns.interpolated(*map(np.array, zip(*points)))


@pytest.mark.parametrize("later", [-0.05, -0.01, -0.001, 0.0, 0.001, 0.01, 0.05])
def test_window_of_stdp(later: float):
    plastic = {"amplitude_plus": 0.01, "amplitude_minus": 0.012, "tau_plus": 0.017, "tau_minus": 0.034}
    result = ns.simulate(
        pairing(plastic), (0, 0.25), drive={"to_pre": spikes(0.1), "to_post": spikes(0.1 + later)}, rtol=1e-9
    )
    expected = 0.0
    if later > 0.0:
        expected = 0.01 * np.exp(-later / 0.017)
    elif later < 0.0:
        expected = -0.012 * np.exp(later / 0.034)
    assert result["W"][-1] - 0.5 == pytest.approx(expected, rel=1e-6, abs=1e-12)
    arrived = np.searchsorted(result.time, result.events["pre"][0], side="right") - 1
    assert result["v"][arrived] == pytest.approx(0.5, abs=1e-12)


def test_all_pairs_count_and_bounds_hold():
    plastic = {"amplitude_plus": 0.2, "amplitude_minus": 0.1, "tau_plus": 0.02, "tau_minus": 0.02, "bounds": (0.0, 0.8)}
    pre, post = (0.01, 0.02), (0.025, 0.03, 0.2)
    drive = {"to_pre": spikes(*pre), "to_post": spikes(*post)}
    result = ns.simulate(pairing(plastic), (0, 0.19), drive=drive, rtol=1e-9)
    assert result["W"][-1] == 0.8
    plastic["bounds"] = None
    result = ns.simulate(pairing(plastic), (0, 0.19), drive=drive, rtol=1e-9)
    pairs = sum(np.exp(-(b - a) / 0.02) for a in pre for b in post if b < 0.1)
    assert result["W"][-1] - 0.5 == pytest.approx(0.2 * pairs, rel=1e-6)


def steps(times: np.ndarray) -> Any:
    """Each element rises from 0 to 1 at its time."""
    t = np.unique(np.concatenate([[0.0], times - 1e-6, times + 1e-6]))
    return ns.interpolated(t, (t[:, None] > times).astype(float))


def test_shapes_between_populations():
    """Two neurons before and three behind: each pair has its own weight."""
    graph = SignalGraph("net")
    graph.port("a", 2)
    graph.port("b", 3)
    graph.event("pre", 2, threshold=0.5)
    graph.event("post", 3, threshold=0.5)
    graph.connect("a", "pre")
    graph.connect("b", "post")
    graph.state("v", 3, time_constant=0.02)
    graph.parameter("W", np.full((3, 2), 0.5))
    graph.connect("pre", "v", weight="W", gain=2.0, plastic={"rule": "stdp", "post": "post"})
    before, behind = np.array([0.01, 0.02]), np.array([0.015, 0.03, 0.005])
    result = ns.simulate(graph, (0, 0.05), drive={"a": steps(before), "b": steps(behind)}, rtol=1e-9)
    later = behind[:, None] - before
    change = np.where(later > 0, 0.01 * np.exp(-later / 0.02), -0.0105 * np.exp(later / 0.02))
    found = np.array([[result[f"W[{2 * i + j}]"][-1] for j in range(2)] for i in range(3)])
    assert found == pytest.approx(0.5 + change, rel=1e-6)


def test_a_graph_without_plastic_edges_is_left_alone():
    graph = linear_unit(None)
    assert flatten(graph) is graph


@pytest.mark.parametrize(
    ("plastic", "kind", "message"),
    [
        ("ojja", UnknownNameError, "no learning rule 'ojja'; did you mean 'oja'"),
        ("oja", ParameterError, "'u' -> 'y': rule 'oja' needs time_constant"),
        ({"rule": "oja", "rate": 1.0}, UnknownNameError, "rule 'oja' has no setting 'rate'; it has time_constant"),
        ({"rule": "stdp", "post": "y"}, ParameterError, "goes from an event to one in post="),
    ],
)
def test_refusals(plastic: Any, kind: Any, message: str):
    with pytest.raises(kind, match=message):
        compile_graph(linear_unit(plastic))


def test_a_weight_that_learns_belongs_to_one_edge():
    graph = linear_unit({"rule": "oja", "time_constant": 1.0})
    graph.map("z", 1)
    graph.connect("u", "z", weight="W")
    with pytest.raises(ParameterError, match="'W' learns, so nothing else may use it"):
        compile_graph(graph)
    graph = SignalGraph("late")
    graph.port("u", 2)
    graph.state("x", 1, time_constant=1.0)
    graph.parameter("W", np.zeros((1, 2)))
    graph.connect("u", "x", weight="W", delay=0.1, plastic={"rule": "oja", "time_constant": 1.0})
    with pytest.raises(ParameterError, match="without transpose and delay"):
        compile_graph(graph)
