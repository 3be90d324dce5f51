"""Noise on the states of graphs: moments, the two calculi, strong orders, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.randomness import stream

RATE, SIGMA = 0.5, 0.8


def process(rate: float = RATE, sigma: float = SIGMA) -> ns.SignalGraph:
    """x' = rate x with the amplitude ``sigma x`` at hand: geometric Brownian motion."""
    graph = ns.SignalGraph("geometric")
    graph.state("x", 1, time_constant=1.0, leak=-rate, initial=1.0)
    graph.map("g", 1, "identity")
    graph.connect("x", "g", gain=sigma)
    graph.state("w", 1, time_constant=1.0, leak=0.0)
    return graph


def ends(graph, method, step, samples, diffusion, stop=1.0):
    run = ns.sweep(graph, t_span=(0, stop), samples=samples, seed=4, method=method, fixed_step=step,
                   print_step=stop, diffusion=diffusion, workers=1)  # fmt: skip
    return {name: run[name][:, -1] for name in run.names}


def increments(seed: float, steps: int, step: float, unknown: int = 0) -> float:
    """W(T) of one run, from NumPy's own Philox."""
    total = 0.0
    for number in range(steps):
        a, b = np.random.Philox(key=[int(seed), 0], counter=[0, number, 0, 0]).random_raw(2)
        u, v = (((int(z) >> 11) + 0.5) * 2.0**-53 for z in (a, b))
        total += np.sqrt(-2 * np.log(u)) * (np.cos if unknown == 0 else np.sin)(2 * np.pi * v)
    return total * np.sqrt(step)


@pytest.mark.parametrize(
    ("method", "drift", "order"),
    [("euler_maruyama", RATE - SIGMA**2 / 2, 0.5), ("stochastic_heun", RATE, 1.0)],
)
def test_strong_order_on_geometric_brownian_motion(method, drift, order):
    # Ito: x = exp((rate - sigma^2 / 2) t + sigma W); Stratonovich: exp(rate t + sigma W), each with its own W.
    samples, errors, steps = 60, [], np.array([8, 32, 128])
    seeds = stream(4, "sweep", "rows").integers(2**53, size=samples)
    for count in steps:
        found = ends(process(), method, 1.0 / count, samples, {"x": "g"})["x"]
        w = np.array([increments(seed, count, 1.0 / count) for seed in seeds])
        errors.append(np.mean(np.abs(found - np.exp(drift + SIGMA * w))))
    slope = np.polyfit(np.log(1.0 / steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.17), errors


@pytest.mark.parametrize("method", ["euler_maruyama", "stochastic_heun"])
def test_moments_of_the_ornstein_uhlenbeck_process(method):
    graph = ns.SignalGraph("ou")
    graph.state("x", 1, time_constant=0.5, initial=1.0)
    found = ends(graph, method, 0.005, 4000, {"x": 0.6}, stop=2.0)["x"]
    variance = 0.6**2 * 0.25 * (1 - np.exp(-8.0))
    assert found.mean() == pytest.approx(np.exp(-4.0), abs=4 * np.sqrt(variance / 4000))
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_means_tell_ito_from_stratonovich():
    ito = ends(process(), "euler_maruyama", 0.02, 8000, {"x": "g"})["x"].mean()
    stratonovich = ends(process(), "stochastic_heun", 0.02, 8000, {"x": "g"})["x"].mean()
    error = 4 * np.exp(RATE) * np.sqrt((np.exp(SIGMA**2) - 1) / 8000)
    assert ito == pytest.approx(np.exp(RATE), abs=error)
    assert stratonovich == pytest.approx(np.exp(RATE + SIGMA**2 / 2), abs=1.4 * error)


def test_elements_have_noise_of_their_own_and_the_seed_decides():
    graph = ns.SignalGraph("many")
    graph.state("x", 6, time_constant=1.0, leak=0.0)
    settings = {"method": "euler_maruyama", "fixed_step": 0.01, "diffusion": {"x": [1, 1, 1, 1, 1, 0]}}
    a, again = (ns.simulate(graph, (0, 1), seed=1, **settings) for _ in range(2))
    b = ns.simulate(graph, (0, 1), seed=2, **settings)
    last = [a[f"x[{k}]"][-1] for k in range(6)]
    assert last[5] == 0.0
    assert len(set(last)) == 6
    assert all(np.array_equal(a[name], again[name]) for name in a.names)
    assert a["x[0]"][-1] != b["x[0]"][-1]


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"diffusion": {"y": 1.0}}, UnknownNameError, "no state 'y'"),
        ({"diffusion": {"x": "nothing"}}, UnknownNameError, "no node 'nothing'"),
        ({"diffusion": {"x": -1.0}}, ParameterError, "zero or more"),
        ({"diffusion": {"x": [1.0, 2.0]}}, ParameterError, "needs 1 or 1"),
        ({"diffusion": {"x": 1.0}, "method": "dp5"}, ParameterError, "takes no noise"),
    ],
)
def test_what_is_refused(settings, error, says):
    with pytest.raises(error, match=says):
        ns.simulate(process(), (0, 1), **{"fixed_step": 0.1, **settings})


def test_a_step_has_to_be_given_and_circuits_are_refused():
    with pytest.raises(ParameterError, match="give fixed_step"):
        ns.simulate(process(), (0, 1), diffusion={"x": 1.0})
    with pytest.raises(ParameterError, match="for graphs"):
        ns.simulate("circuits/rc_step.cir", method="euler_maruyama")
