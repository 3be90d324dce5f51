"""`neurosim.solve.dynamics`: one view of circuits and graphs."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError

CHUA = "circuits/chua.cir"


@pytest.mark.parametrize("what", [CHUA, ns.architectures.hopfield(units=5), ns.architectures.elman()])
def test_products_with_the_jacobian_equal_differences(what):
    model = ns.dynamics(what)
    random = np.random.default_rng(0)
    y, v, w = (0.3 * random.standard_normal(model.size) for _ in range(3))
    h = 1e-6
    difference = (model.flow(0.0, y + h * v) - model.flow(0.0, y - h * v)) / (2 * h)
    np.testing.assert_allclose(model.jvp(0.0, y, v), difference, atol=1e-8)
    assert model.vjp(0.0, y, w) @ v == pytest.approx(w @ model.jvp(0.0, y, v), rel=1e-12, abs=1e-14)


def test_a_circuit_takes_values_of_parts_and_gives_its_mass():
    model = ns.dynamics(CHUA)
    assert model.names == ["v(a)", "v(b)", "i(l1)"]
    assert not model.is_ordinary
    assert model.mass.diagonal()[0] == pytest.approx(1 / 9)
    assert model.with_parameters({"C1.capacitance": 0.5}).mass.diagonal()[0] == 0.5
    assert model.index("V(A)") == 0


def test_a_graph_takes_elements_of_weights_and_time_constants():
    model = ns.dynamics(ns.architectures.hopfield(units=3))
    changed = model.with_parameters({"W[0,1]": 5.0, "u.time_constant": 2.0})
    assert model.is_ordinary
    assert changed.jacobian(0.0, np.zeros(3)).toarray()[0, 1] != model.jacobian(0.0, np.zeros(3)).toarray()[0, 1]
    np.testing.assert_allclose(changed.jacobian(0.0, np.zeros(3)).diagonal(), -0.5)


def test_start_by_address():
    model = ns.dynamics(CHUA).with_start({"i(l1)": 0.25})
    assert model.start[2] == 0.25
    with pytest.raises(ParameterError, match=r"needs 3 finite numbers.*v\(a\)"):
        model.with_start(np.zeros(2))


@pytest.mark.parametrize(
    ("what", "address", "says"),
    [
        (CHUA, "r1.resistanc", "did you mean 'r1.resistance'"),
        (CHUA, "nothing", "has no parameter 'nothing'"),
        (ns.architectures.hopfield(units=3), "W[5,5]", r"outside parameter 'W' of shape \(3, 3\)"),
        (ns.architectures.hopfield(units=3), "V", "has no parameter 'V'"),
    ],
)
def test_unknown_parameters_are_refused_by_name(what, address, says):
    with pytest.raises(UnknownNameError, match=says):
        ns.dynamics(what).with_parameters({address: 1.0})


def test_a_weight_that_was_zero_has_a_derivative_when_it_is_given():
    graph = ns.SignalGraph("one way")
    graph.parameter("W", [[0.0, 0.0], [0.5, 0.0]])
    graph.state("h", 2, time_constant=1.0)
    graph.map("r", 2, "tanh")
    graph.connect("h", "r")
    graph.connect("r", "h", weight="W")
    model = ns.dynamics(graph)
    for weight in (2.0, 0.0, 3.0):
        model = model.with_parameters({"W[0,1]": weight})
        np.testing.assert_allclose(model.jacobian(0.0, model.start).toarray(), [[-1.0, weight], [0.5, -1.0]])


def test_other_things_are_refused():
    with pytest.raises(ParameterError, match="not list"):
        ns.dynamics([1, 2])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="own sources"):
        ns.dynamics(CHUA, drive={"u": 1.0})


def test_a_graph_with_events_is_refused_by_their_name():
    graph = ns.SignalGraph("spiking")
    graph.port("u")
    graph.state("v", time_constant=1.0)
    graph.event("spike", threshold=0.5)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    with pytest.raises(ParameterError, match="jumps where event 'spike' ticks"):
        ns.dynamics(graph)


def test_times_of_a_circuit_may_be_whole_numbers():
    assert ns.simulate("circuits/van_der_pol.cir", (0, 2), print_step=1).time[-1] == 2.0
