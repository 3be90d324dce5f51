"""Real-time recurrent learning against backpropagation through time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.architectures.elman import elman
from neurosim.devices.device import Reference
from neurosim.digital.network import digital
from neurosim.digital.rule import Rule
from neurosim.digital.training.optimisers import SGD
from neurosim.digital.training.rtrl import Sensitivities, real_time_gradient, train_online
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph

MIDPOINT = Rule(
    name="explicit_midpoint", summary="", formula="", leak="", order=2, fixed_points="", stability="",
    source=Reference("Runge (1895)", ""),
    coefficients=lambda tau, leak, dt: [
        [1.0 - 0.5 * dt / tau * leak, 0.5 * dt / tau],
        [1.0 - dt / tau * leak * (1.0 - 0.5 * dt / tau * leak), -0.5 * leak * (dt / tau) ** 2, dt / tau],
    ],
)  # fmt: skip


def gated(rng: np.random.Generator) -> SignalGraph:
    """Products, a sparse part, states with a shared trainable time constant and trainable initial values."""
    graph = SignalGraph("gated")
    graph.parameter("tau", 0.8)
    graph.parameter("a0", rng.normal(size=4))
    graph.parameter("b0", 0.3)
    for name, shape in (("U", (4, 2)), ("W", (4, 4)), ("R", (4, 3)), ("V", (2, 4)), ("c", (2,))):
        graph.parameter(name, rng.normal(size=shape))
    graph.port("u", 2)
    graph.state("a", 4, time_constant="tau", initial="a0")
    graph.state("b", 3, time_constant=1.5, initial="b0")
    graph.map("gate", 4, "logistic")
    graph.map("new", 4, "tanh")
    graph.product("p", 4)
    graph.port("y", 2, output=True, bias="c")
    graph.connect("u", "gate", weight="U")
    graph.connect("b", "gate", weight="R")
    graph.connect("a", "new", weight="W")
    graph.connect("gate", "p", slot=0)
    graph.connect("new", "p", slot=1)
    graph.connect("p", "a")
    graph.connect("a", "b", source_part=(0, 3))
    graph.connect("a", "y", weight="V")
    return graph


@pytest.mark.parametrize("rule", [None, MIDPOINT])
@pytest.mark.parametrize("make", [lambda rng: elman(2, 5, 2), gated])
def test_it_equals_backpropagation(make, rule: Rule | None):
    rng = np.random.default_rng(0)
    net = digital(make(rng), "forward_euler", dt=0.4)
    if rule is not None:
        net = replace(net, rule=rule)
    u, d = rng.normal(size=(15, 3, 2)), rng.normal(size=(15, 3, 2))
    run = net.sequence(u, keep=True)
    back = net.gradient(run, d)
    expected = back.parameters.copy()
    for name, part in net.program.states.slices.items():
        parameter = net.graph.nodes[name]["initial"]
        if isinstance(parameter, str):
            share = back.initial[:, part].sum(0)
            place = net.program.parameters.slices[parameter]
            expected[place] += share if place.stop - place.start > 1 else share.sum()
    found = real_time_gradient(net, u, d)
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()


def test_sensitivities_are_differences_of_states():
    rng = np.random.default_rng(1)
    net = digital(elman(2, 4, 1))
    u, free = rng.normal(size=(6, 2)), np.array([0, 9, 20])
    carried = Sensitivities(net, free)
    for row in u:
        outputs = carried.step(row)
    p = net.program.p[: net.program.parameters.size]
    for j, place in enumerate(free):
        step = 1e-6 * (np.arange(p.size) == place)
        up, down = (net.with_parameters(p + s * step).sequence(u) for s in (1, -1))
        slope = (up.final - down.final)[0] / 2e-6
        assert carried.by_parameters[0, :, j] == pytest.approx(slope, rel=1e-7, abs=1e-9)
        by_outputs = (up.outputs - down.outputs)[-1, 0] / 2e-6
        assert carried.output_jacobian()[0, :, j] == pytest.approx(by_outputs, rel=1e-7, abs=1e-9)
    assert outputs == pytest.approx(net.sequence(u).outputs[-1], abs=1e-15)


def test_online_training_learns():
    rng = np.random.default_rng(2)
    u = rng.normal(size=(150, 2, 1))
    y = np.concatenate([np.zeros((1, 2, 1)), 0.8 * u[:-1]])
    done = train_online(elman(1, 4, 1), (u, y), optimiser=SGD(0.05), epochs=2, clip=1.0)
    assert done.history["loss"][-1] < 0.3 * done.history["loss"][0]
    fixed = elman(1, 4, 1)
    for name in ("U", "W", "V"):
        fixed.parameters[name].trainable = False
    after = train_online(fixed, (u[:3], y[:3]), epochs=1).graph.weights()
    assert (after["W"] == fixed.weights()["W"]).all()
    assert (after["b"] != 0.0).any()


def test_wrong_initial_states_are_refused():
    with pytest.raises(ParameterError, match="y0"):
        Sensitivities(digital(elman(1, 4, 1)), y0=np.zeros(3))
