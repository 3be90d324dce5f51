"""Both forms of the fully recurrent network against their equations."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, randomised, run

from neurosim.architectures.fully_recurrent import fully_recurrent
from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph


@pytest.mark.parametrize("form", ["rate", "membrane"])
def test_it_is_the_textbook_loop(form: str):
    graph = randomised(fully_recurrent(2, 5, 3, form=form, gain=1.5))
    u, y0, made, _ = run(graph)
    w, x = graph.weights(), y0
    for t, v in enumerate(u):
        if form == "rate":
            x = r = np.tanh(x @ w["W"].T + v @ w["U"].T + w["b"])
        else:
            x = np.tanh(x) @ w["W"].T + v @ w["U"].T + w["b"]
            r = np.tanh(x)
        assert made.states[t] == pytest.approx(x, abs=1e-13)
        assert made.outputs[t] == pytest.approx(r @ w["V"].T + w["c"], abs=1e-13)


@pytest.mark.parametrize("form", ["rate", "membrane"])
def test_the_flow_has_a_time_constant_for_each_unit(form: str):
    rng = np.random.default_rng(3)
    tau = rng.uniform(0.5, 2.0, 5)
    graph = fully_recurrent(2, 5, form=form, time_constant=tau, seed=4)
    program, w = compile_graph(graph), graph.weights()
    x, u = rng.normal(size=5), rng.normal(size=2)
    if form == "rate":
        wanted = (-x + np.tanh(w["W"] @ x + w["U"] @ u + w["b"])) / tau
    else:
        wanted = (-x + w["W"] @ np.tanh(x) + w["U"] @ u + w["b"]) / tau
    assert program.flow(x, u) == pytest.approx(wanted, abs=1e-14)


def test_both_forms_are_one_for_held_inputs():
    """x = W r + U u + b turns the rate flow into the membrane flow."""
    rate, membrane = (fully_recurrent(2, 5, form=form, seed=5) for form in ("rate", "membrane"))
    rng = np.random.default_rng(6)
    w, r, u = rate.weights(), rng.normal(size=5), rng.normal(size=2)
    x = w["W"] @ r + w["U"] @ u + w["b"]
    slope = compile_graph(membrane.with_weights(w)).flow(x, u)
    assert slope == pytest.approx(w["W"] @ compile_graph(rate).flow(r, u), abs=1e-13)


def test_chosen_units_are_outputs_and_time_constants_train():
    graph = fully_recurrent(1, 5, output_units=(4, 1), train_time_constant=True, time_constant=1.3)
    assert list(graph.parameters) == ["U", "W", "b", "tau"]
    network = digital(graph, dt=0.4)
    rng = np.random.default_rng(7)
    u, y0 = rng.normal(size=(6, 2, 1)), rng.normal(size=(2, 5))
    made = network.sequence(u, y0)
    assert np.array_equal(made.outputs, made.states[..., [4, 1]])
    check_gradient(network, u, y0)


def test_it_runs_without_inputs():
    graph = fully_recurrent(0, 4, 1, form="membrane", gain=2.0)
    assert graph.inputs == []
    w, x = graph.weights(), np.full(4, 0.2)
    made = digital(graph).sequence(5, x)
    for t in range(5):
        x = w["W"] @ np.tanh(x)
        assert made.states[t, 0] == pytest.approx(x, abs=1e-14)


def test_gradient_of_the_membrane_form():
    u, y0, _, network = run(randomised(fully_recurrent(2, 5, 3, form="membrane")))
    check_gradient(network, u, y0)


def test_bad_arguments_are_named():
    with pytest.raises(ParameterError, match="'rates'"):
        fully_recurrent(form="rates")
    with pytest.raises(ParameterError, match="output unit 7"):
        fully_recurrent(units=3, output_units=(0, 7))
