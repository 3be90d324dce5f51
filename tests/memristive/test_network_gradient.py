"""Gradients along trajectories of memristive networks against differences of the same discrete solution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.solve.network_parameters import NetworkPaths, network_paths
from neurosim.solve.observed import observe

WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
SAVE = ["i(0)", "v(4)", "i(m[3])", "m[2].x"]
TIMES = np.linspace(0.0, 0.5, 6)


def network(**changed: Any) -> ns.MemristiveNetwork:
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 3))
    m, rng = graph.number_of_edges(), np.random.default_rng(0)
    graph.edges[0, 1]["r_off"] = 3e3
    settings: dict[str, Any] = {
        "convention": "flipped", "r_on": 100.0, "r_off": rng.uniform(1e3, 2e3, m), "beta": 2.0, "alpha": 0.5,
        "electrodes": {0: "SIN(0.2 1 3)", 8: 0.0}, "currents": {5: 1e-4}, "sources": 0.1 * rng.normal(size=m),
        "polarity": rng.choice([-1.0, 1.0], m), "initial": rng.uniform(0.2, 0.8, m), "solver": "dense",
    }  # fmt: skip
    return ns.MemristiveNetwork(graph, **(settings | changed))


def loss(times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
    return float((values**2).sum()), 2.0 * values


def gradient_of(net: ns.MemristiveNetwork, **more: Any) -> ns.Gradient:
    return ns.gradient(net, loss, (0.0, 0.5), **({"times": TIMES, "save": SAVE, "fixed_step": 0.02} | more))


def difference(found: ns.Gradient, address: str, value: float, save: list[str], step: float = 1e-3) -> float:
    """Of order 8, on the same steps."""

    def at(moved: float) -> float:
        dynamics = found.solution.dynamics.with_parameters({address: moved})
        solution = found.solution.again(dynamics)
        return loss(TIMES, observe(dynamics, save).of(solution.values))[0]

    h = step * (abs(value) or 1.0)
    return sum(w * (at(value + (k + 1) * h) - at(value - (k + 1) * h)) for k, w in enumerate(WEIGHTS)) / h


def test_gradient_equals_differences_for_every_kind_of_parameter() -> None:
    net = network()
    found = gradient_of(net)
    r_off, emf = net.arguments["r_off"], net.arguments["sources"]
    by = found.parameters
    assert by["r_off"].shape == by["emf"].shape == (net.size,)
    assert by["v(0)"].shape == (3,)
    # an edge with a value of its own does not hear of what all others have
    alone = net.edge_index((0, 1))
    assert by["r_off"][alone] == 0.0
    asked = {
        "r_on": (100.0, by["r_on"]), "beta": (2.0, by["beta"]), "alpha": (0.5, by["alpha"]),
        "m[3].r_off": (r_off[3], by["r_off"][3]), "v(0)[1]": (1.0, by["v(0)"][1]), "v(0)[2]": (3.0, by["v(0)"][2]),
        "v(8)": (0.0, by["v(8)"]), "i(5)": (1e-4, by["i(5)"]), "emf(m[2])": (emf[2], by["emf"][2]),
    }  # fmt: skip
    for address, (value, slope) in asked.items():
        assert slope == pytest.approx(difference(found, address, value, SAVE), rel=1e-9, abs=1e-12), address
    named = gradient_of(net, parameters=[f"m[{alone}].r_off", "v(0)[1]"]).parameters
    assert named[f"m[{alone}].r_off"] == pytest.approx(difference(found, f"m[{alone}].r_off", 3e3, SAVE), rel=1e-9)
    assert named["v(0)[1]"] == pytest.approx(by["v(0)"][1], rel=1e-12)
    start = found.solution.dynamics.start
    moved = [found.solution.again(found.solution.dynamics.with_start({"m[4].x": start[4] + s})) for s in (1e-4, -1e-4)]
    ends = [loss(TIMES, observe(found.solution.dynamics, SAVE).of(s.values))[0] for s in moved]
    assert found.initial["m[4].x"] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


def test_sensitivities_are_the_transpose_of_the_adjoint() -> None:
    found = gradient_of(network())
    names = ["r_on", "beta", "v(0)[1]", "i(5)", "emf(m[2])", "m[3].r_off"]
    forward = ns.sensitivities(
        network(), (0.0, 0.5), parameters=names, initial=["m[4].x"], times=TIMES, save=SAVE, fixed_step=0.02
    )
    made = np.einsum("tk,tkp->p", 2.0 * forward.values, forward.derivatives)
    by = found.parameters
    expected = [by["r_on"], by["beta"], by["v(0)"][1], by["i(5)"], by["emf"][2], by["r_off"][3]]
    expected.append(found.initial["m[4].x"])
    assert made == pytest.approx(expected, rel=1e-10)
    assert forward.parameters == (*names, "m[4].x")


@pytest.mark.parametrize(
    "changed",
    [{"memory": 1}, {"method": "rkc"}, {"fixed_step": None, "rtol": 1e-5, "method": "dop853"}],
    ids=["piece by piece", "rkc", "chosen steps"],
)
def test_gradients_of_other_steps(changed: dict[str, Any]) -> None:
    net = network()
    found = gradient_of(net, **changed)
    if "memory" in changed:
        plain = gradient_of(net)
        assert found.value == plain.value
        for name, value in plain.parameters.items():
            assert found.parameters[name] == pytest.approx(value, rel=1e-12)
    assert found.parameters["beta"] == pytest.approx(difference(found, "beta", 2.0, SAVE), rel=1e-9)


def test_held_and_interpolated_samples_and_other_devices() -> None:
    rng = np.random.default_rng(1)
    graph = nx.cycle_graph(5)
    graph.edges[0, 1].update(resistance=700.0, name="R")
    drives = {0: ns.held(rng.normal(size=6), 0.1), 2: ns.interpolated([0.0, 0.2, 0.6], [0.0, 1.0, -0.5]), 3: 0.0}
    given = {"k_off": 2e-9, "k_on": -2e-9, "v_on": -0.2, "v_off": 0.1}
    net = ns.MemristiveNetwork(graph, device=("vteam", given), electrodes=drives, initial=1.5e-9)
    asked = {"save": ["i(0)", "v(1)"]}
    found = gradient_of(net, **asked)
    named = gradient_of(net, parameters=["R.resistance", "r_on"], **asked).parameters
    for address, value, slope in [
        ("k_off", 2e-9, found.parameters["k_off"]), ("k_on", -2e-9, found.parameters["k_on"]),
        ("R.resistance", 700.0, named["R.resistance"]), ("r_on", 50.0, named["r_on"]),
        ("v(0)[2]", drives[0].samples[2], found.parameters["v(0)"][2]), ("v(2)[1]", 1.0, found.parameters["v(2)"][1]),
    ]:  # fmt: skip
        # the law has kinks at its thresholds
        expected = difference(found, address, value, asked["save"], 1e-6 if address.startswith("v(") else 1e-3)
        assert slope == pytest.approx(expected, rel=1e-8, abs=1e-12), address


def test_slopes_of_the_equation_in_closed_form_equal_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ({"convention": "standard", "beta": 5.0}, {"window": "joglekar"}):
        net = network(**settings)
        closed = gradient_of(net, parameters=["r_on", "r_off", "beta", "alpha"]).parameters
        with monkeypatch.context() as patch:
            patch.setattr(NetworkPaths, "_law", lambda self, group, row: 0)
            plain = gradient_of(net, parameters=["r_on", "r_off", "beta", "alpha"]).parameters
        for name, value in plain.items():
            assert closed[name] == pytest.approx(value, rel=1e-9, abs=1e-14), name


def test_a_state_at_its_bound_is_constant() -> None:
    net = network(beta=1e-2, alpha=0.0)
    found = gradient_of(net, save=["m[2].x"], fixed_step=0.005)
    assert found.values[-1] in (0.0, 1.0)
    assert found.initial["m[2].x"] != 0.0
    end = ns.gradient(
        net, lambda t, y: (y[-1, 0], np.eye(len(t))[-1][:, None]), (0.0, 0.5), times=TIMES, save=["m[2].x"],
        fixed_step=0.005,
    )  # fmt: skip
    assert set(end.initial.values()) == {0.0}


def test_a_fit_finds_the_parameters_of_a_network() -> None:
    net = network(r_off=1.5e3)
    run = gradient_of(net, save=["i(0)", "v(4)"], fixed_step=0.1)
    data = {"time": TIMES, "i(0)": run.values[:, 0], "v(4)": run.values[:, 1]}
    start = net.with_parameters({"r_on": 150.0, "beta": 1.5, "v(0)[1]": 0.8})
    found = ns.fit(start, data, {"r_on": (10.0, 1e3), "beta": (0.1, 10.0), "v(0)[1]": (0.1, 2.0)}, fixed_step=0.1)
    assert list(found.values.values()) == pytest.approx([100.0, 2.0, 1.0], rel=1e-6), found.report()
    assert found.units == ("A", "V")


def test_new_values_reach_one_edge_one_number_and_a_device() -> None:
    net = network()
    changed = net.with_parameters({"m[3].r_on": 50.0, "v(0)[1]": 2.0, "v(0)[0]": 0.5})
    assert changed.laws.groups[0].columns["r_on"][3] == 50.0
    assert net.laws.groups[0].columns["r_on"][3] == 100.0
    assert changed.sources.at(1.0 / 12.0)[net.size] == pytest.approx(2.5)
    other = ns.MemristiveNetwork(nx.path_graph(3), device="vteam", electrodes={0: 1.0, 2: 0.0})
    assert other.with_parameters({"k_off": 1.0}).laws.groups[0].columns["k_off"][0] == 1.0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: gradient_of(network(), parameters=["gamma"]), "no parameter 'gamma'"),
        (lambda: gradient_of(network(), parameters=["v(0)[7]"]), "has 3 numbers"),
        (lambda: gradient_of(network(), parameters=["x.r_on"]), "no parameter 'x.r_on'"),
        (lambda: gradient_of(network(), save=["v(k)"]), "has no 'v\\(k\\)'"),
        (lambda: gradient_of(network(), method="rodas5p"), "explicit steps"),
        (lambda: gradient_of(network(), method="rk4", fixed_step=None), "give fixed_step"),
        (lambda: gradient_of(network(electrodes={0: ns.noise(1.0, 0.1)}), parameters=["v(0)"]), "no numbers"),
        (lambda: network().with_parameters({"v(0)[9]": 1.0}), "has 3 numbers"),
        (lambda: network_paths(network(), ["convention"]), "no parameter 'convention'"),
    ],
)
def test_what_has_no_gradient_is_named(call: Callable[[], Any], named: str) -> None:
    with pytest.raises((ParameterError, UnknownNameError), match=named):
        call()
