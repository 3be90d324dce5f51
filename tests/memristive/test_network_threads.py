"""Copies of a network's system, and one network, used by several threads at once."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.solve.dynamics import dynamics


def network(solver: str) -> ns.MemristiveNetwork:
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(16, 16))
    rng = np.random.default_rng(3)
    return ns.MemristiveNetwork(
        graph, convention="flipped", sources=rng.normal(size=graph.number_of_edges()), electrodes={0: 1.0, 255: 0.0},
        solver=solver,
    )  # fmt: skip


@pytest.mark.parametrize("solver", ["sparse_cholesky", "dense", "conjugate_gradients"])
def test_copies_have_factors_of_their_own(solver: str) -> None:
    model = dynamics(network(solver), derivatives=False)
    rng = np.random.default_rng(4)
    states = rng.random((4, 40, model.size))
    alone = np.array([[model.flow(0.0, y) for y in row] for row in states])
    systems = [model.system, *(model.system.copy() for _ in range(3))]
    assert len({int(s.arrays.code[-1]) for s in systems}) == 1  # the pattern is shared
    assert len({s.keeps[0].weight.ctypes.data for s in systems}) == 4
    assert len({s.keeps[0].slot.ctypes.data for s in systems}) == 1

    def flows(number: int) -> np.ndarray:
        return np.array([systems[number].right_hand_side(0.0, y) for y in states[number]])

    with ThreadPoolExecutor(4) as pool:
        together = np.array(list(pool.map(flows, range(4))))
    assert np.abs(together - alone).max() < 1e-9 * np.abs(alone).max()


def test_one_network_answers_several_threads() -> None:
    net = network("sparse_cholesky")
    states = np.random.default_rng(5).random((40, net.size))
    alone = np.array([net.rhs(0.0, w) for w in states])
    with ThreadPoolExecutor(4) as pool:
        together = np.array(list(pool.map(lambda w: net.rhs(0.0, w), states)))
    assert np.abs(together - alone).max() < 1e-12 * np.abs(alone).max()


def test_a_network_that_solved_something_can_be_copied() -> None:
    net = network("auto")
    rate = net.rhs(0.0, net.state)
    assert copy.deepcopy(net).rhs(0.0, net.state) == pytest.approx(rate, rel=1e-12)
