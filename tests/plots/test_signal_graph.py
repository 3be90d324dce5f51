"""Drawings of signal graphs: nothing overlaps, and every name is there."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from neurosim.architectures.elman import elman
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.plots.signal_graph import COLUMN, HALF_HEIGHT, HALF_WIDTH, draw_graph, layout


def lstm() -> SignalGraph:
    graph = SignalGraph("lstm")
    graph.port("u", 3)
    graph.state("h", 8, time_constant=1.0)
    graph.state("c", 8, time_constant=1.0)
    graph.port("y", 8, output=True)
    for gate in "ifgo":
        graph.parameter(f"U{gate}", np.zeros((8, 3)))
        graph.parameter(f"W{gate}", np.zeros((8, 8)))
        graph.map(gate, 8, "tanh" if gate == "g" else "logistic")
        graph.connect("u", gate, weight=f"U{gate}")
        graph.connect("h", gate, weight=f"W{gate}")
    for name, factors in (("keep", "fc"), ("write", "ig")):
        graph.product(name, 8)
        for slot, factor in enumerate(factors):
            graph.connect(factor, name, slot=slot)
        graph.connect(name, "c")
    graph.map("squashed", 8, "tanh")
    graph.product("shown", 8)
    graph.connect("c", "squashed")
    graph.connect("squashed", "shown", slot=0)
    graph.connect("o", "shown", slot=1)
    graph.connect("shown", "h")
    graph.connect("h", "y")
    return graph


def assert_free(graph: SignalGraph) -> None:
    """No node covers another or a place that an edge passes."""
    places, routes = layout(graph)
    assert set(places) == set(graph)
    assert set(routes) == {(a, b) for a, b in graph.edges() if a != b}
    at = [*places.values(), *(point for route in routes.values() for point in route)]
    for (x1, y1), (x2, y2) in combinations(at, 2):
        assert abs(x1 - x2) >= 2 * HALF_WIDTH or abs(y1 - y2) >= 2 * HALF_HEIGHT + 0.2
    for (a, b), route in routes.items():
        x = [places[a][0], *(point[0] for point in route), places[b][0]]
        assert np.abs(np.diff(x)) == pytest.approx(COLUMN)


@pytest.mark.parametrize("graph", [elman(2, 8, 1), lstm()], ids=["elman", "lstm"])
def test_architectures_are_drawn_without_overlap(graph: SignalGraph, tmp_path: Path):
    assert_free(graph)
    ax = draw_graph(graph)
    figure = ax.get_figure(root=True)
    figure.savefig(tmp_path / "graph.png")
    texts = [text.get_text() for text in ax.texts]
    for name in graph.nodes:
        assert any(text.split(" ")[0] == name for text in texts), name
    for parameter in graph.parameters:
        is_weight = any(data["weight"] == parameter for _, _, data in graph.edges(data=True))
        assert (parameter in texts) == is_weight
    # What is written in a node stays inside it.
    renderer = FigureCanvasAgg(figure).get_renderer()
    width = abs(np.diff(ax.transData.transform([(-HALF_WIDTH, 0), (HALF_WIDTH, 0)])[:, 0])[0])
    for text in ax.texts:
        assert text.get_window_extent(renderer).width <= width


def test_loops_run_back_from_states():
    places, routes = layout(elman(2, 8, 1))
    x = {name: place[0] for name, place in places.items()}
    assert x["u"] < x["rate"] < x["h"] < x["readout"] < x["y"]
    assert routes["h", "rate"] == []
    places, _ = layout(lstm())
    assert len({places[gate][0] for gate in "ifgo"}) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_any_graph_has_room(seed: int):
    rng = np.random.default_rng(seed)
    graph = SignalGraph("any")
    graph.port("u")
    names = ["u"]
    for k in range(int(rng.integers(1, 9))):
        if rng.random() < 0.5:
            graph.state(f"n{k}", time_constant=1.0)
        else:
            graph.map(f"n{k}")
        names.append(f"n{k}")
    for _ in range(int(rng.integers(0, 14))):
        graph.connect(str(rng.choice(names)), str(rng.choice(names[1:])))
    assert_free(graph)
    draw_graph(graph)


def test_into_given_axes_and_refusals():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert draw_graph(elman(), ax) is ax
    with pytest.raises(ParameterError, match="0 nodes"):
        draw_graph(SignalGraph("nothing"))
