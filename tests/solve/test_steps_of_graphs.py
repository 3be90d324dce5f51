"""Methods of fixed steps that know more of a graph than its flow: exact decay, and descent of the energy."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.gradient_form import gradient_form

HOPFIELD = ns.architectures.hopfield(units=5)
START = {"u": np.linspace(-1.0, 1.5, 5)}


def steps(graph, method, dt, span=2.0, **settings):
    return ns.simulate(graph, (0, span), method=method, fixed_step=dt, print_step=dt, save_steps=False, **settings)


@pytest.mark.parametrize(
    ("method", "rule"), [("exponential_euler", "exponential_euler"), ("discrete_gradient", "mean_value")]
)
def test_steps_are_those_of_the_digital_rule(method, rule):
    dt = 0.25
    found = steps(HOPFIELD, method, dt, initial=START)
    silence = np.zeros((len(found.time) - 1, 5))
    states = ns.digital(HOPFIELD, rule, dt).sequence(silence, START["u"]).states.reshape(-1, 5)
    ours = np.stack([found[f"u[{i}]"] for i in range(5)], axis=1)
    np.testing.assert_allclose(ours[-len(states) :], states, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("method", "order"), [("exponential_euler", 1), ("discrete_gradient", 2)])
def test_orders(method, order):
    exact = ns.simulate(HOPFIELD, (0, 2.0), rtol=1e-11, initial=START, save_steps=False)["u[1]"][-1]
    errors = [abs(steps(HOPFIELD, method, dt, initial=START)["u[1]"][-1] - exact) for dt in (0.02, 0.01)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.05)


def test_decay_is_exact_and_so_is_the_noise_on_it():
    graph = ns.SignalGraph("decay")
    graph.state("x", 1, time_constant=0.5, leak=2.0, initial=1.0)
    found = steps(graph, "exponential_euler", 0.5)
    np.testing.assert_allclose(found["x"], np.exp(-4.0 * found.time), rtol=1e-13)
    noisy = ns.SignalGraph("many")
    noisy.state("x", 4000, time_constant=1.0, initial=0.0)
    end = steps(noisy, "exponential_euler", 0.7, 7.0, diffusion={"x": 0.6})
    spread = np.var([end[f"x[{k}]"][-1] for k in range(4000)])
    assert spread == pytest.approx(0.36 / 2 * (1 - np.exp(-14.0)), rel=0.1)


@pytest.mark.parametrize("dt", [0.01, 1.0, 30.0])
def test_the_energy_never_rises(dt):
    draw = np.random.default_rng(3)
    form = gradient_form(ns.compile_graph(HOPFIELD))
    for _ in range(3):
        found = steps(HOPFIELD, "discrete_gradient", dt, 20 * dt, initial={"u": 3.0 * draw.normal(size=5)})
        energy = form.energy(np.stack([found[f"u[{i}]"] for i in range(5)], axis=1))
        assert np.diff(energy).max() <= 1e-12 * np.abs(energy).max()


def test_what_is_refused():
    with pytest.raises(ParameterError, match="give fixed_step"):
        ns.simulate(HOPFIELD, (0, 1), method="discrete_gradient")
    with pytest.raises(ParameterError, match="not known to descend an energy"):
        steps(ns.architectures.lorenz(), "discrete_gradient", 0.1)
    with pytest.raises(ParameterError, match="checkpoint: method 'discrete_gradient'"):
        steps(HOPFIELD, "discrete_gradient", 0.1, checkpoint="no.npz")
    with pytest.raises(ParameterError, match="is for graphs"):
        ns.simulate("circuits/rc_step.cir", method="exponential_euler", fixed_step=1e-6)
    with pytest.raises(SimulationError, match="limit of 3 steps") as caught:
        steps(HOPFIELD, "discrete_gradient", 0.1, step_limit=3)
    assert caught.value.partial.time[-1] == pytest.approx(0.3)


def test_rows_of_a_sweep_step_alone():
    found = ns.sweep(
        HOPFIELD, {"u.time_constant": [1.0, 2.0]}, (0, 1.0), method="exponential_euler", fixed_step=0.1, workers=1
    )
    slower = ns.dynamics(HOPFIELD).with_parameters({"u.time_constant": 2.0}).assembly.program
    one = ns.simulate(slower, (0, 1.0), method="exponential_euler", fixed_step=0.1, save_steps=False)
    assert np.array_equal(found["u[0]"][1], one["u[0]"])
