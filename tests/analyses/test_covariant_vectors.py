"""`neurosim.analyses.covariant_vectors`."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph


def map_of(matrix):
    graph = SignalGraph("linear")
    graph.parameter("A", matrix)
    graph.clock("c", 1.0)
    graph.state("x", len(matrix), clock="c", initial=np.ones(len(matrix)))
    graph.connect("x", "x", weight="A")
    return graph


def test_of_a_linear_map_they_are_its_eigenvectors():
    matrix = np.array([[0.9, 0.5, 0.1], [0.0, 0.5, -0.4], [0.0, 0.0, 0.2]])
    found = ns.covariant_vectors(map_of(matrix), steps=200, renormalise=2)
    values, vectors = np.linalg.eig(matrix)
    for number, place in enumerate(np.argsort(-np.abs(values))):
        overlap = np.abs(found.vectors[:, number] @ vectors[:, place])
        np.testing.assert_allclose(overlap, 1.0, atol=1e-9)
    np.testing.assert_allclose(found.exponents, np.log([0.9, 0.5, 0.2]), atol=1e-9)
    np.testing.assert_allclose(np.sort(found.growth, axis=1)[:, ::-1], found.growth, atol=1e-9)


def test_of_lorenz_the_second_is_the_direction_of_the_flow():
    graph = ns.architectures.lorenz()
    found = ns.covariant_vectors(graph, (0, 60.0), dt=0.005)
    model = ns.dynamics(graph)
    flows = np.array([model.flow(0.0, y) for y in found.states])
    flows /= np.linalg.norm(flows, axis=1, keepdims=True)
    overlap = np.abs((flows * found.vectors[:, 1]).sum(axis=1))
    assert np.median(1.0 - overlap) < 1e-6
    assert (found.smallest_angle(1) > 0.0).all()
    assert found.angle(0, 2).shape == found.times.shape


def test_vectors_are_carried_to_each_other_by_the_tangent_map():
    graph = ns.architectures.henon()
    found = ns.covariant_vectors(graph, steps=300, renormalise=1)
    for k in range(5):
        x = found.states[k, 0]
        carried = found.vectors[k] @ np.array([[-2 * 1.4 * x, 1.0], [0.3, 0.0]]).T
        size = np.linalg.norm(carried, axis=1)
        np.testing.assert_allclose(np.abs((carried / size[:, None] * found.vectors[k + 1]).sum(axis=1)), 1.0, atol=1e-9)
        np.testing.assert_allclose(np.log(size), found.growth[k], atol=1e-9)


def test_bad_input_is_refused():
    with pytest.raises(ParameterError, match="leaves nothing"):
        ns.covariant_vectors(ns.architectures.henon(), steps=100, backward=1000)
    singular = np.array([[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(ParameterError, match="lost a direction"):
        ns.covariant_vectors(map_of(singular), steps=100, renormalise=1)
