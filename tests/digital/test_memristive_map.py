"""Digital equivalents of memristive networks, and their comparison with the flow."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.comparison_report import as_markdown
from neurosim.errors import ParameterError, UnknownNameError


def grid(drive: Any = 0.02, **options: Any) -> ns.MemristiveNetwork:
    given: dict[str, Any] = {"convention": "flipped", "alpha": 1.0, "initial": 0.3} | options
    return ns.MemristiveNetwork(nx.grid_2d_graph(3, 3), electrodes={(0, 0): drive, (2, 2): 0.0}, **given)


def test_forward_euler_is_the_textbook_map() -> None:
    net = grid()
    made = ns.digital(net, dt=0.01).run(5)
    w = net.state
    for k in range(5):
        w = np.clip(w + 0.01 * net.rhs(0.01 * k, w), 0.0, 1.0)
        assert made[k + 1] == pytest.approx(w, rel=1e-14)


@pytest.mark.parametrize("convention", ["standard", "flipped"])
def test_exponential_euler_keeps_the_decay_exact(convention: str) -> None:
    net = grid(0.0, convention=convention, initial=0.1)
    made = ns.digital(net, "exponential_euler", 0.3).run(4)
    way = {"standard": 1.0, "flipped": -1.0}[convention]
    assert made == pytest.approx(0.1 * np.exp(way * 0.3 * np.arange(5))[:, None] * np.ones(12), rel=1e-13)


@pytest.mark.parametrize("rule", ["forward_euler", "exponential_euler", "tustin_heun", "etd2rk"])
def test_observed_order_is_the_declared_one(rule: str) -> None:
    found = ns.compare(grid("SIN(0 0.02 0.7)"), rule, dt=0.02, duration=1.0, starts=0)
    assert found.order == pytest.approx(found.declared_order, abs=0.15)
    assert found.steps[-1].error < 0.1 * found.steps[0].error
    assert found.analog_output.shape == found.twin_output.shape == (51, 2)


def test_both_sides_come_to_rest_at_the_same_fixed_point() -> None:
    found = ns.compare(grid(1e-3), dt=0.05, duration=20.0, starts=3, refinements=1)
    assert len(found.fixed_points) == 1
    assert found.fixed_points_agree
    assert found.attractors == {"starts": 3, "same": 1.0, "analog_at_rest": 1.0, "digital_at_rest": 1.0}
    # The weak drive hardly moves the decay of 1/s.
    assert found.fixed_points[0].flow_growth == pytest.approx(-1.0, rel=0.2)
    assert found.fixed_points[0].step_growth == pytest.approx(1.0 + 0.05 * found.fixed_points[0].flow_growth, rel=1e-3)
    assert "all agree" in as_markdown(found)


def test_bad_settings_are_named() -> None:
    with pytest.raises(ParameterError, match="give dt"):
        ns.digital(grid())
    with pytest.raises(ParameterError, match="rule 'gonzalez' solves equations"):
        ns.digital(grid(), "gonzalez", 0.1)
    with pytest.raises(UnknownNameError, match="forward_euler"):
        ns.digital(grid(), "forward_eular", 0.1)
    with pytest.raises(ParameterError, match="no setting 'drive'"):
        ns.compare(grid(), drive=[1.0])
    with pytest.raises(ParameterError, match="nothing moves"):
        ns.compare(grid(0.0, alpha=0.0))
