"""Digital networks with events: their limit in continuous time, cutting, batches, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.digital.event_network import EventNetwork
from neurosim.digital.network import digital as any_digital
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


def digital(graph: SignalGraph, *arguments: Any, **settings: Any) -> EventNetwork:
    net = any_digital(graph, *arguments, **settings)
    assert isinstance(net, EventNetwork)
    return net


W = np.array([[0.0, 0.1, 0.0], [-0.2, 0.0, 0.05], [0.1, -0.1, 0.0]])
CURRENT = [1.5, 1.3, 1.2]


def neurons(w: Any = W, delay: float = 0.0013, refractory: float = 0.002, **reset: Any) -> SignalGraph:
    graph = SignalGraph("lif")
    graph.port("u", 3)
    graph.state("v", 3, time_constant=0.02, initial=np.array([0.0, 0.3, 0.5]))
    graph.event("spike", 3, threshold=1.0, refractory=refractory)
    graph.parameter("W", w)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", **(reset or {"to": 0.0}))
    graph.connect("spike", "v", weight="W", delay=delay)
    return graph


@pytest.mark.parametrize("rule", ["forward_euler", "exponential_euler"])
def test_ticks_converge_linearly_to_those_in_continuous_time(rule: str):
    currents = np.random.default_rng(4).uniform(1.2, 1.7, (6, 3))
    exact = [ns.simulate(neurons(), (0, 0.05), drive={"u": u}, rtol=1e-10, save_steps=False).events for u in currents]
    errors, counts = [], (125, 250, 500, 1000)
    for steps in counts:
        dt = 0.05 / steps
        ticks = digital(neurons(), rule, dt=dt).sequence(np.tile(currents, (steps, 1, 1))).ticks["spike"]
        here = []
        for sample, times in enumerate(exact):
            for k in range(3):
                found, wanted = (np.flatnonzero(ticks[:, sample, k]) + 1) * dt, times[f"spike[{k}]"]
                # What rounding to steps moves over the end of the run has no partner.
                both = min(len(found), len(wanted), 2)
                here.append(np.abs(found[:both] - wanted[:both]).max())
        # Not the mean: where a pulse falls just inside or just outside a refractory time, the runs part.
        assert np.median(here) < 3 * dt
        errors.append(np.median(here))
    order = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert -1.25 < order < -0.75


def test_step_is_the_textbook_one():
    """u <- beta u + input - threshold x spike, as discrete leaky integrate-and-fire nets have it."""
    graph = neurons(np.zeros((3, 3)), refractory=0.0, delay=0.0, by=1.0)
    dt, current = 1e-3, np.array([1.5, 2.5, 4.0])
    run = digital(graph, dt=dt).sequence(np.tile(current, (100, 1)))
    v = np.array([0.0, 0.3, 0.5])
    for k in range(100):
        v = v + dt / 0.02 * (current - v)
        fired = v >= 1.0
        v[fired] -= 1.0
        assert run.states[k, 0] == pytest.approx(v, abs=1e-13)
        assert run.ticks["spike"][k, 0] == pytest.approx(fired.astype(float))
    assert run.ticks["spike"].sum() > 20


def test_a_run_in_two_pieces_is_the_run_in_one_and_samples_do_not_mix():
    net = digital(neurons(), dt=1e-4)
    u = np.random.default_rng(0).uniform(0.5, 3.0, (400, 4, 3))
    whole = net.sequence(u)
    first = net.sequence(u[:137])
    rest = net.sequence(u[137:], after=first)
    assert np.array_equal(np.concatenate([first.states, rest.states]), whole.states)
    assert np.array_equal(np.concatenate([first.ticks["spike"], rest.ticks["spike"]]), whole.ticks["spike"])
    assert whole.ticks["spike"].sum() > 10
    for k in range(4):
        assert net.sequence(u[:, k]).states[:, 0] == pytest.approx(whole.states[:, k], abs=1e-13)


def test_refractory_neurons_are_held_for_their_time():
    net = digital(neurons(np.zeros((3, 3)), delay=0.0), dt=1e-4)
    run = net.sequence(np.tile([3.0, 3.0, 3.0], (200, 1)))
    k = int(np.flatnonzero(run.ticks["spike"][:, 0, 0])[0])
    assert not run.states[k : k + 21, 0, 0].any()
    assert run.states[k + 21, 0, 0] > 0.0


def test_event_clocks_a_hold_and_parameters_move():
    graph = neurons()
    graph.state("s", 3, time_constant=1.0, leak=0.0)
    graph.connect("u", "s")
    graph.hold("h", 3, clock="spike", initial=-1.0)
    graph.connect("s", "h")
    graph.port("y", 3, output=True)
    graph.connect("h", "y")
    net = digital(graph, dt=1e-3)
    run = net.sequence(np.tile(CURRENT, (60, 1)))
    part, held = (net.program.states.slices[name] for name in ("s", "h"))
    expected = np.full(3, -1.0)
    for k in range(60):
        fired = run.ticks["spike"][k, 0] > 0
        expected[fired] = run.states[k, 0, part][fired]
        assert run.states[k, 0, held] == pytest.approx(expected)
    assert run.outputs[-1, 0] == pytest.approx(expected)
    vector = net.program.p[: net.program.parameters.size].copy()
    vector[net.program.parameters.slices["W"]] = 0.3
    same = digital(graph, dt=1e-3, parameters={"W": np.full((3, 3), 0.3)})
    u = np.tile(CURRENT, (60, 1))
    moved = net.with_parameters(vector).sequence(u)
    assert np.array_equal(moved.states, same.sequence(u).states)
    assert not np.array_equal(moved.states, run.states)


def test_refusals_name_the_graph():
    net = digital(neurons(), dt=1e-3)
    with pytest.raises(ParameterError, match="no gradient"):
        net.sequence(np.zeros((3, 3)), keep=True)
    with pytest.raises(ParameterError, match="'lif' has events"):
        net.gradient(net.sequence(np.zeros((3, 3))), np.zeros(0))
    loop = digital(neurons(np.full((3, 3), 1.5), delay=0.0, refractory=0.0), dt=1e-3)
    with pytest.raises(SimulationError, match=r"'lif' at t = .*'spike\[\d\]' ticks in a chain"):
        loop.sequence(np.tile(CURRENT, (60, 1)))
    assert "events 'spike' are judged at the end of every step" in str(net)
