"""Nodes that are tuples: one spelling in results, what is saved, expressions, parameters and the command line."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.cli.network import contacted
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.expressions import parse
from neurosim.memristive.parameters import node_named

NODES = [(0, 0), (2, 2)]


def network() -> ns.MemristiveNetwork:
    return ns.MemristiveNetwork(
        nx.grid_2d_graph(3, 3), convention="flipped", beta=1.0, electrodes={(0, 0): "SIN(0 1 5)", (2, 2): 0.0}
    )


@pytest.mark.parametrize("address", ["i((0, 0))", "i((0,0))", "v((1, 1))", "g((0, 0),(2, 2))", "g((0,0),(2,2))"])
def test_what_is_saved_is_found_by_its_name_again(address: str) -> None:
    run = ns.simulate(network(), (0.0, 0.2), save=[address], print_step=0.02)
    again = ns.simulate(network(), (0.0, 0.2), save=list(run.columns), print_step=0.02)
    assert np.array_equal(run[address], again[address])
    assert np.abs(run[address][1:]).max() > 0.0


def test_expressions_name_them() -> None:
    assert [str(r) for r in parse("i((0, 0))^2 + v((1,1), (2, 2))").references] == ["i((0,0))", "v((1,1),(2,2))"]
    found = ns.gradient(network(), ns.integral("i((0, 0))^2", points=41), (0.0, 0.2))
    run = ns.simulate(network(), (0.0, 0.2), rtol=1e-9, print_step=0.005, save_steps=False)
    weights = np.r_[1.0, np.tile([4.0, 2.0], 19), 4.0, 1.0] * 0.005 / 3.0
    assert found.value == pytest.approx(weights @ run["i((0, 0))"] ** 2, rel=1e-6)
    assert found.parameters["v((0, 0))"].shape == (3,)
    changed = network().with_parameters({"v((0,0))": 0.5})
    assert changed.node_voltages()[0] == 0.5


def test_the_command_line_takes_them_and_what_is_none_is_named() -> None:
    graph = nx.MultiGraph(nx.grid_2d_graph(3, 3))
    assert contacted(graph, "(0, 0),(2,2)")[1] == NODES
    with pytest.raises(ParameterError, match="'\\(0, 9\\)' is no node"):
        contacted(graph, "(0, 0),(0, 9)")
    with pytest.raises(UnknownNameError, match="v\\(\\(9, 9\\)\\)"):
        ns.simulate(network(), (0.0, 0.2), save=["v((9, 9))"])


def test_of_two_electrodes_apart_the_one_in_the_smaller_part_is_named() -> None:
    graph = nx.grid_2d_graph(3, 3)
    graph.add_node("alone")
    with pytest.raises(ParameterError, match="electrode 'alone' is disconnected"):
        ns.MemristiveNetwork(graph, convention="flipped", electrodes={(0, 0): 1.0, "alone": 0.0})


def test_spaces_and_case_count_only_where_nothing_else_differs() -> None:
    assert node_named(["A", "a", "B"], "a") == "a"
    assert node_named(["A", "a", "B"], "b") == "B"
    assert node_named(["A", "a ", "B"], " A ") is None
