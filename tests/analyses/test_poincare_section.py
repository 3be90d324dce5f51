"""Sections against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError


def spiral(rate: float):
    """x' = rate x - y, y' = x + rate y: every turn grows by exp(2 pi rate)."""
    graph = ns.SignalGraph("spiral")
    graph.parameter("A", np.array([[rate + 1.0, -1.0], [1.0, rate + 1.0]]))
    graph.state("x", 2, time_constant=1.0, initial=[0.0, -1.0])
    graph.map("same", 2, "identity")
    graph.connect("x", "same")
    graph.connect("same", "x", weight="A")
    return graph


def test_return_map_of_a_spiral():
    section = ns.poincare_section(spiral(-0.05), "x[1] = 0", t_span=(0, 60), transient=0, rtol=1e-10)
    np.testing.assert_allclose(section.times, np.pi / 2 + 2 * np.pi * np.arange(len(section)), rtol=1e-7)
    np.testing.assert_allclose(section["x[0]"], np.exp(-0.05 * section.times), rtol=1e-7)
    before, after = section.return_map("x[0]")
    np.testing.assert_allclose(after / before, np.exp(-0.1 * np.pi), rtol=1e-7)
    downward = ns.poincare_section(spiral(-0.05), "x[1]", direction="down", t_span=(0, 60), transient=0)
    np.testing.assert_allclose(np.diff(downward.times), 2 * np.pi, rtol=1e-5)
    assert (downward["x[0]"] < 0.0).all()


def test_both_sides_may_be_expressions_and_start_is_taken():
    section = ns.poincare_section(
        spiral(0.0), "x[0] = 2*x[1]", t_span=(0, 20), transient=1.0, start=[3.0, 0.0], direction="both"
    )
    np.testing.assert_allclose(section["x[0]"], 2.0 * section["x[1]"], atol=1e-9)
    np.testing.assert_allclose(np.hypot(*section.states.T), 3.0, rtol=1e-5)
    assert section.times[0] > 1.0
    np.testing.assert_allclose(np.diff(section.times), np.pi, rtol=1e-5)


def test_circuit_points_lie_on_the_section():
    section = ns.poincare_section("circuits/chua.cir", "v(b) = 0.1", t_span=(0, 60))
    np.testing.assert_allclose(section["v(b)"], 0.1, atol=1e-8)
    assert len(section) > 5
    assert section.times[0] >= 6.0
    assert section.widest[:1] != ["v(b)"]
    axes = section.plot()
    assert len(axes) == 2


@pytest.mark.parametrize(
    ("condition", "options", "error", "says"),
    [
        ("x[1] =", {}, ParameterError, "must look like"),
        ("x[1] = 0 = 1", {}, ParameterError, "must look like"),
        ("x[7] = 0", {}, UnknownNameError, "x"),
        ("x[1]", {"direction": "left"}, ParameterError, "direction"),
        ("x[1]", {"transient": 99.0}, ParameterError, "transient"),
        ("x[1]", {"t_span": (3, 1)}, ParameterError, "t_span"),
        ("x[1]", {"start": [1.0]}, ParameterError, "start needs 2"),
        ("x[1]", {"save_steps": False}, ParameterError, "save_steps"),
    ],
)
def test_bad_input(condition, options, error, says):
    with pytest.raises(error, match=says):
        ns.poincare_section(spiral(-0.05), condition, **{"t_span": (0, 20), **options})


def test_maps_are_refused():
    with pytest.raises(ParameterError, match="jump"):
        ns.poincare_section(ns.architectures.henon(), "x[0]", t_span=(0, 5))
