"""Analog against digital: what the comparison finds on nets whose answers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurosim import architectures
from neurosim.analyses.comparison import compare
from neurosim.analyses.comparison_report import as_markdown, as_values
from neurosim.digital.network import digital
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.signal_graph import SignalGraph


def decay(rate: float = 1.0) -> SignalGraph:
    """tau x' = -x + u: one unit that forgets."""
    graph = SignalGraph("decay")
    graph.port("u")
    graph.state("x", time_constant=1.0 / rate, initial=1.0)
    graph.port("y", output=True)
    graph.connect("u", "x")
    graph.connect("x", "y")
    return graph


def two_units() -> SignalGraph:
    """Two units that inhibit one another: their flow settles, at full leak the recurrence flips for ever."""
    graph = SignalGraph("pair")
    graph.parameter("W", [[0.0, -1.0], [-1.0, 0.0]])
    graph.state("r", 2, time_constant=1.0)
    graph.map("rate", 2, "tanh", gain=3.0)
    graph.connect("r", "rate", weight="W")
    graph.connect("rate", "r")
    return graph


def test_decay_is_exact_under_the_exponential_rule_and_of_first_order_under_euler():
    drive = np.zeros((6, 1))
    exact = compare(decay(), "exponential_euler", drive, dt=0.1, starts=3)
    assert exact.analog[:, 0] == pytest.approx(np.exp(-exact.times), abs=1e-9)
    assert max(step.error for step in exact.steps) < 1e-8
    assert np.isnan(exact.order)
    euler = compare(decay(), "forward_euler", drive, dt=0.1, starts=3)
    assert euler.order == pytest.approx(1.0, abs=0.05)
    assert euler.twin[-1, 0] == pytest.approx(0.9 ** (euler.times.size - 1))
    assert euler.horizon == np.inf
    assert euler.twin_output[-1, 0] == euler.twin[-1, 0]


def test_fixed_points_and_their_stability():
    pair = two_units()
    safe = compare(pair, "forward_euler", np.zeros((4, 0)), dt=0.1)
    # the flow has the middle, which is a saddle, and two states of rest
    assert len(safe.fixed_points) == 3
    assert sorted(point.flow_growth > 0 for point in safe.fixed_points) == [False, False, True]
    assert safe.fixed_points_agree
    assert safe.attractors["analog_at_rest"] == safe.attractors["digital_at_rest"] == 1.0


def test_full_leak_flips_where_the_flow_settles():
    flipping = compare(two_units(), digital(two_units(), "forward_euler", 1.0), np.zeros((4, 0)), starts=40, seed=3)
    assert flipping.attractors["analog_at_rest"] == 1.0
    assert flipping.attractors["digital_at_rest"] < 1.0
    assert flipping.attractors["same"] < 1.0


def test_divergence_is_timed_where_steps_are_too_long():
    found = compare(decay(), "forward_euler", np.zeros((8, 1)), dt=2.5, sample_period=2.5, starts=2)
    assert found.horizon == 2.5
    assert not found.fixed_points_agree
    assert found.fixed_points[0].step_growth == pytest.approx(1.5, rel=1e-6)


def test_task_score_of_both_sides():
    drive = np.random.default_rng(0).normal(size=(30, 1))
    found = compare(decay(), "exponential_euler", drive, dt=0.5, sample_period=1.0, targets=drive, starts=2)
    assert found.score["analog"] == pytest.approx(found.score["digital"], rel=1e-6)
    assert 0.0 < found.score["analog"] < 1.0


def test_report_and_figure(tmp_path):
    found = compare(architectures.elman(2, 5, 1), "etd2rk", starts=4)
    assert found.order == pytest.approx(2.0, abs=0.2)
    text = as_markdown(found, "figure.png")
    assert "figure.png" in text
    assert "Observed order 2." in text
    values = as_values(found)
    assert json.loads(json.dumps(values, allow_nan=False))["declared_order"] == 2
    axes = found.plot()
    assert [axis.get_xlabel() for axis in axes] == ["time (s)", "time (s)", "dt (s)", "growth of the flow (1/s)"]
    axes[0].figure.savefig(tmp_path / "figure.png")


def test_bad_input_is_refused_by_name():
    with pytest.raises(ParameterError, match=r"\(samples, 1\)"):
        compare(decay(), "forward_euler", np.zeros((4, 2)))
    with pytest.raises(ParameterError, match="multiple of dt"):
        compare(decay(), "forward_euler", np.zeros((4, 1)), dt=0.3, sample_period=1.0)
    with pytest.raises(UnknownNameError, match="forward_euler"):
        compare(decay(), "forward_eular", np.zeros((4, 1)))
    still = SignalGraph("still")
    still.port("u")
    still.port("y", output=True)
    still.connect("u", "y")
    with pytest.raises(ParameterError, match="no state"):
        compare(still)


def test_a_graph_with_delays_is_compared_by_its_trajectories():
    graph = architectures.mackey_glass(delay=2.0, beta=1.0, gamma=0.5)
    found = compare(graph, dt=0.125, duration=10.0, initial={"x": 0.5}, refinements=3)
    assert found.analog[0, 0] == found.twin[0, 0] == 0.5
    assert found.order == pytest.approx(1.0, abs=0.1)
    assert found.fixed_points == ()
    assert found.attractors == {}
    assert "a whole past" in as_markdown(found)
    graph.port("late", 1, output=True)
    graph.connect("x", "late", delay=1.0)
    with pytest.raises(ParameterError, match="output 'late' sees the past directly"):
        compare(graph, dt=0.125)


def test_what_jumps_at_a_clock_is_the_same_on_both_sides():
    """x <- x/2 + u at ticks of 0.5 s, whose input is the one held until then; y' = -y + x flows between."""
    graph = SignalGraph("clocked")
    graph.clock("tick", 0.5)
    graph.port("u")
    graph.state("x", clock="tick", initial=1.0)
    graph.state("y", time_constant=1.0)
    graph.connect("x", "x", gain=0.5)
    graph.connect("u", "x")
    graph.connect("x", "y")
    drive = np.array([[1.0], [-2.0], [0.5], [3.0]])
    found = compare(graph, "exponential_euler", drive)
    x = [1.0]
    for u in drive[:, 0]:
        x.append(0.5 * x[-1] + u)
    place = found.state_names.index("x")
    assert found.dt == 0.5
    assert found.analog[:, place] == pytest.approx(x, abs=1e-12)
    assert found.twin[:, place] == pytest.approx(x, abs=1e-12)
    # the flow sees x held over each step, as the exponential rule has it
    assert found.error.max() < 1e-8
    assert not found.fixed_points
    assert not found.attractors


def test_a_default_step_is_halved_until_the_run_keeps_finite():
    """Lorenz's system leaves for infinity at a tenth of its nominal time constant of 1 s."""
    found = compare(architectures.lorenz(), duration=2.0, refinements=0, starts=2)
    assert found.dt < 0.05
    assert np.isfinite(found.twin).all()
    with pytest.raises(SimulationError, match="forward_euler"):
        compare(architectures.lorenz(), duration=2.0, refinements=0, starts=2, dt=0.1)
    assert 0.0 <= compare(architectures.rossler(), duration=2.0, refinements=0).attractors["same"] <= 1.0


def test_events_tick_on_both_sides():
    """A leaky neuron that fires at 1: tau log(I/(I - 1)) from spike to spike; spikes of the twin come up to dt late."""
    graph = SignalGraph("neuron")
    graph.port("u")
    graph.state("v", time_constant=0.02)
    graph.state("count", time_constant=1.0, leak=0.0)
    graph.event("spike", threshold=1.0)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    graph.connect("spike", "count")
    found = compare(graph, "exponential_euler", np.full((10, 1), 3.0), dt=1e-4, sample_period=0.01, refinements=1)
    place = found.state_names.index("count")
    expected = int(0.1 / (0.02 * np.log(1.5)))
    assert found.analog[-1, place] == expected == found.twin[-1, place]
    assert not found.fixed_points
