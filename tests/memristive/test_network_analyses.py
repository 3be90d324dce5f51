"""Analyses and drawings of memristive networks against what is known."""

from __future__ import annotations

import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.hysteresis import lobe_area
from neurosim.analyses.mean_field import MeanField
from neurosim.analyses.state_history import state_history
from neurosim.errors import FormatError, ParameterError, UnknownNameError
from neurosim.memristive.electrodes import with_strips


def lattice(drive: object = 1.0, side: int = 3, **settings: object) -> ns.MemristiveNetwork:
    given: dict = {"convention": "flipped", "beta": 1.6, **settings}
    corners = {"r0c0": drive, f"r{side - 1}c{side - 1}": 0.0}
    return ns.MemristiveNetwork(ns.generators.square_lattice(side, side), electrodes=corners, **given)


def test_conductance_along_a_run_is_current_over_voltage() -> None:
    net = lattice(1.0)
    run = ns.simulate(net, (0.0, 0.05))
    found = ns.network_conductance(net, run, "r0c0", "r2c2")
    assert found.conductance[-1] == pytest.approx(run["i(r0c0)"][-1], rel=1e-9)
    assert found.conductance[-1] > 1.02 * found.conductance[0]
    assert found.ratio == pytest.approx(found.conductance[-1] / found.conductance[0])
    assert len(found.plot().get_lines()) == 1


def test_states_that_were_not_saved_are_named() -> None:
    net = lattice()
    run = ns.simulate(net, (0.0, 0.01), save=("i(r0c0)",))
    with pytest.raises(UnknownNameError, match=r"m\[0\]"):
        state_history(net, run)


def test_paths_of_a_ladder_of_known_resistances() -> None:
    graph = nx.MultiGraph()
    for node, at in (("a", (0, 0)), ("b", (1, 1)), ("c", (1, -1)), ("d", (2, 0)), ("dead", (3, 3))):
        graph.add_node(node, pos=at)
    # a - b - d of 1 and 2 ohm beside a - c - d of 4 and 5; of the two edges a - b the first has 50 ohm.
    for a, b, r in (("a", "b", 50.0), ("a", "b", 1.0), ("b", "d", 2.0), ("a", "c", 4.0), ("c", "d", 5.0),
                    ("b", "dead", 1.0)):  # fmt: skip
        graph.add_edge(a, b, resistance=r)
    net = ns.MemristiveNetwork(graph)
    found = ns.conducting_paths(net, "a", "d")
    upper = 1 / (1 / 50 + 1) + 2
    assert found.conductance == pytest.approx(1 / upper + 1 / 9, rel=1e-12)
    assert found.conductance == pytest.approx(net.conductance(None, "a", "d"), rel=1e-12)
    assert found.path == ["a", "b", "d"]
    assert found.path_resistance == pytest.approx(3.0)
    along = np.abs(found.share[found.path_edges])
    assert along[1] == pytest.approx((1 / upper) / found.conductance)
    assert net.edge_index(("b", "dead", 0)) not in found.backbone(1e-9)
    assert found.backbone(0.5).size == 2
    assert found.plot().figure is not None
    with pytest.raises(ParameterError, match="itself"):
        ns.conducting_paths(net, "a", "a")


@pytest.mark.parametrize(
    ("form", "curve"),
    [
        ("exponential", lambda t: 0.2 + 0.7 * np.exp(-t / 3.0)),
        ("stretched", lambda t: 0.1 + 0.8 * np.exp(-((t / 2.0) ** 0.5))),
        ("power", lambda t: 0.3 + 0.5 * (1 + t / 0.7) ** -1.3),
    ],
)
def test_a_decay_is_recognised(form: str, curve: object) -> None:
    t = np.linspace(0.0, 12.0, 120)
    noise = 1e-4 * ns.randomness.stream(1).standard_normal(t.size)
    found = ns.memory_decay(t + 5.0, curve(t) + noise)  # type: ignore[operator]
    assert found.best.form == form
    expected = {"exponential": (3.0, 1.0), "stretched": (2.0, 0.5), "power": (0.7, 1.3)}[form]
    assert (found.best.time, found.best.exponent) == pytest.approx(expected, rel=0.03)
    assert len(found.plot().get_lines()) == 4


def test_forgetting_of_a_network_is_its_alpha() -> None:
    net = lattice(0.0, alpha=4.0, initial=0.8)
    times, states = state_history(net, ns.simulate(net, (0.0, 1.0), rtol=1e-8))
    found = ns.memory_decay(times, states.mean(axis=1), forms=("exponential",))
    assert found.best.time == pytest.approx(0.25, rel=1e-5)
    assert found.best.rest == pytest.approx(0.0, abs=1e-5)


def test_bad_curves_are_refused() -> None:
    with pytest.raises(ParameterError, match="do not change"):
        ns.memory_decay(np.arange(8.0), np.ones(8))
    with pytest.raises(ParameterError, match="6 points"):
        ns.memory_decay([0, 1], [1, 0])
    with pytest.raises(ParameterError, match="form 'linear'"):
        ns.memory_decay(np.arange(8.0), np.arange(8.0), forms=("linear",))


def test_escape_time_is_the_integral_and_tends_to_its_law() -> None:
    from scipy.integrate import quad

    field = MeanField(0.3, 0.9, 2.0)
    integral = quad(lambda x: 1.0 / float(field.rate(x)), 0.1, 0.95, epsabs=1e-12)[0]
    assert field.escape_time(0.1, 0.95) == pytest.approx(integral, rel=1e-9)
    near = MeanField(0.25 / 0.9 * (1 + 1e-6), 0.9)
    assert near.escape_time() == pytest.approx(near.escape_time_near_threshold, rel=5e-3)
    low, high = MeanField(0.2, 0.9).fixed_points
    assert MeanField(0.2, 0.9).rate([low, high]) == pytest.approx([0.0, 0.0], abs=1e-12)
    assert MeanField(0.2, 0.9).barrier > 0.0
    assert near.fixed_points == ()
    with pytest.raises(ParameterError, match="no escape"):
        MeanField(0.2, 0.9).escape_time()


def test_mean_field_of_a_loop_is_its_mean_emf() -> None:
    graph = nx.cycle_graph(5, create_using=nx.DiGraph)
    net = ns.MemristiveNetwork(graph, convention="flipped", alpha=2.0, beta=0.5, sources={0: 3.0, 2: 1.0})
    found = ns.mean_field(net)
    assert found.s == pytest.approx((4.0 / 5) / (2.0 * 0.5))
    assert found.chi == pytest.approx(1 - 100 / 16e3)
    with pytest.raises(ParameterError, match="flipped"):
        ns.mean_field(ns.MemristiveNetwork(graph, convention="standard"))


def test_loops_shrink_as_one_over_frequency() -> None:
    found = ns.hysteresis(lambda drive: lattice(drive, initial=0.4), "r0c0", (20.0, 40.0), rtol=1e-8)
    assert found.exponent == pytest.approx(-1.0, abs=0.05)
    assert len(found.plot()) == 2
    with pytest.raises(ParameterError, match="rising"):
        ns.hysteresis(lattice, "r0c0", (2.0, 1.0))


def test_area_of_a_lobe() -> None:
    phase = np.linspace(0.0, 2.0 * math.pi, 4001)
    # i = sin(2 phase) over v = sin(phase): the lobe of positive v has the area 4/3.
    assert lobe_area(np.sin(phase), np.sin(2 * phase)) == pytest.approx(4 / 3, rel=1e-5)


def test_relaxation_lowers_the_ising_energy() -> None:
    draw = ns.randomness.stream(4)
    graph = ns.generators.networkx_graph("complete_graph", n=5)
    net = ns.MemristiveNetwork(graph, convention="flipped", r_on=0.1, r_off=1.0, beta=1.0, alpha=0.3,
                               sources=2.0 * draw.standard_normal(10))  # fmt: skip
    found = ns.ising_relaxation(net, 30.0, starts=4, rtol=1e-4)
    assert found.levels.size == 1024
    assert net.ising().energy(found.ground.astype(float)) == pytest.approx(found.levels[0])
    assert found.rank.max() < 0.05
    assert (found.energies >= found.levels[0] - 1e-12).all()
    with pytest.raises(ParameterError, match="24 edges"):
        ns.ising_relaxation(lattice(side=4), 1.0)


def test_drawings_show_states_and_widths() -> None:
    net = lattice(side=3)
    states = np.linspace(0.0, 1.0, net.size)
    axes = ns.draw_network(net, states)
    edges = next(c for c in axes.collections if c.get_array() is not None)
    assert np.asarray(edges.get_array()) == pytest.approx(states)
    widths, currents = np.asarray(edges.get_linewidths()), np.abs(net.currents(states))
    assert np.argmax(widths) == np.argmax(currents)
    assert (np.diff(widths[np.argsort(currents)]) >= -1e-12).all()
    wires = with_strips(ns.generators.nanowires(60, width=20e-6, height=20e-6, seed=1))
    whole = ns.MemristiveNetwork(wires, device="nanowire_junction", electrodes={"left": 0.1, "right": 0.0})
    assert "µm" in ns.draw_network(whole, colour="current").get_xlabel()
    assert ns.draw_network(wires).figure is not None
    with pytest.raises(ParameterError, match="colour 'voltage'"):
        ns.draw_network(net, colour="voltage")
    with pytest.raises(ParameterError, match="no position"):
        ns.draw_network(nx.path_graph(3))


def test_a_film_is_written(tmp_path: Path) -> None:
    from PIL import Image

    net = lattice("SIN(0 1 10)")
    run = ns.simulate(net, (0.0, 0.1))
    ns.animate_network(net, run, tmp_path / "run.gif", frames=3, seconds=1.0, dpi=40)
    assert getattr(Image.open(tmp_path / "run.gif"), "n_frames", 1) == 3
    with pytest.raises(FormatError, match=r"\.gif or \.mp4"):
        ns.animate_network(net, run, tmp_path / "run.avi")
