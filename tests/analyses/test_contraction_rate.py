"""`neurosim.analyses.contraction_rate`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analyses.contraction_rate import logarithmic_norm
from neurosim.errors import ParameterError


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["2", "inf", "1"]))
def test_logarithmic_norm_is_the_slope_of_the_norm(seed, norm):
    random = np.random.default_rng(seed)
    J, weights, h = random.standard_normal((4, 4)), random.uniform(0.5, 2.0, 4), 1e-7
    order = {"2": 2, "inf": np.inf, "1": 1}[norm]
    scaled = (np.eye(4) + h * J) * weights[:, None] / weights
    assert logarithmic_norm(J, norm, weights) == pytest.approx((np.linalg.norm(scaled, order) - 1.0) / h, abs=1e-5)
    assert logarithmic_norm(J, norm, weights) >= np.linalg.eigvals(J).real.max() - 1e-9


def test_weak_hopfield_net_contracts_everywhere():
    graph = ns.architectures.hopfield(units=5)
    weights = graph.parameters["W"].value
    weak = graph.with_weights({"W": 0.075 * weights / np.linalg.norm(weights, 2)})
    found = ns.contraction_rate(weak, region={"u": (-2.0, 2.0)})
    assert found.proven == pytest.approx(0.7, abs=1e-6)
    assert found.rate >= found.proven - 1e-9
    along = ns.contraction_rate(weak, (0, 10.0), norm="inf", weights="best", initial={f"u[{k}]": 1.0 for k in range(5)})
    assert 0.0 < along.rate <= along.mean_rate


def test_bad_input_is_refused():
    graph = ns.architectures.hopfield(units=3)
    for arguments, says in (
        ({}, "give t_span="),
        ({"t_span": (0, 1), "norm": "3"}, "must be one of"),
        ({"region": {"u": (1.0, 0.0)}}, "must be .low, high"),
        ({"t_span": (0, 1), "weights": [1.0]}, "3 positive numbers"),
    ):
        with pytest.raises(ParameterError, match=says):
            ns.contraction_rate(graph, **arguments)
    with pytest.raises(ParameterError, match="singular or not diagonal"):
        ns.contraction_rate("circuits/rc_step.cir", (0, 1e-3))


def test_what_is_held_at_a_bound_does_not_part_neighbours():
    # x' = -x + 20 y, y' = 1 up to 1, where it stays: x alone is left, and its rate is 1.
    graph = ns.SignalGraph("ramp")
    graph.parameter("one", [1.0])
    graph.parameter("W", [[20.0]])
    graph.state("x", 1, time_constant=1.0)
    graph.state("y", 1, time_constant=1.0, leak=0.0, bias="one", bounds=(0.0, 1.0))
    graph.connect("y", "x", weight="W")
    found = ns.contraction_rate(graph, (0.0, 5.0))
    assert found.measures[0] > 5.0
    assert found.measures[-1] == pytest.approx(-1.0, abs=1e-12)


def test_where_all_is_held_neighbours_meet_at_once():
    graph = ns.SignalGraph("ramp")
    graph.parameter("one", [1.0])
    graph.state("y", 1, time_constant=1.0, leak=0.0, bias="one", bounds=(0.0, 1.0))
    found = ns.contraction_rate(graph, (0.0, 5.0))
    assert found.measures[0] == 0.0
    assert found.measures[-1] == -np.inf
    assert "in the mean" in str(found)
    assert found.plot() is not None
