"""Bifurcation diagrams: maps with known doublings, located maxima, sections, hysteresis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analyses.bifurcation_diagram import maxima
from neurosim.errors import ParameterError, SimulationError, UnknownNameError


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 2.0), st.floats(0.0, 6.0), st.floats(0.0, 0.2))
def test_maxima_of_a_wave(frequency, phase, second):
    h = 0.04
    t = h * np.arange(400)
    wave = np.cos(frequency * t + phase) + second * np.cos(2.0 * (frequency * t + phase))
    found = maxima(wave)
    # The first point and the last are no maxima, whatever lies beyond them.
    assert found.size == pytest.approx(398 * h * frequency / (2.0 * np.pi), abs=1.02)
    np.testing.assert_allclose(found, 1.0 + second, atol=2e-7)


def test_plateaus_and_monotonic_values():
    assert maxima(np.arange(50.0)).size == 0
    assert maxima(np.ones(50)).size == 0
    assert maxima(np.ones(3)).size == 0


def test_henon_periods_double_where_they_must():
    levels = np.array([0.3, 0.36, 0.38, 0.9, 0.93, 1.02, 1.035])
    found = ns.bifurcation_diagram(ns.architectures.henon(), "a", levels, transient=3000, duration=64)
    values, counts = found.periods(1e-6)
    np.testing.assert_array_equal(values, levels)
    np.testing.assert_array_equal(counts, [1, 1, 2, 2, 4, 4, 8])
    fixed = (-0.7 + np.sqrt(0.49 + 4 * 0.3)) / 0.6
    np.testing.assert_allclose(found.at(0.3), fixed, rtol=1e-12)
    assert found.kind == "samples"


def test_escaping_rows_are_told():
    found = ns.bifurcation_diagram(ns.architectures.henon(), "a", [1.0, 3.0], transient=50, duration=20)
    assert list(found.failures) == [3.0]
    assert found.at(1.0).size == 21
    assert (found.values == 1.0).all()


def test_flow_maxima_are_those_of_the_limit_cycle_and_equal_those_of_a_section():
    graph = ns.architectures.van_der_pol()
    found = ns.bifurcation_diagram(graph, "mu", [0.5, 1.0, 2.0], "x[0]", transient=60, duration=20)
    for mu in (0.5, 1.0, 2.0):
        cycle = ns.limit_cycle(ns.architectures.van_der_pol(mu))
        np.testing.assert_allclose(found.at(mu), cycle.range_of("x[0]")[1], rtol=2e-6)
    low = ns.bifurcation_diagram(graph, "mu", [1.0], "x[0]", kind="minima", transient=60, duration=20)
    np.testing.assert_allclose(low.observed, -2.00861986087, rtol=2e-6)
    crossed = ns.bifurcation_diagram(graph, "mu", [1.0, 2.0], "x[0]", section="x[1] = 0", transient=60, duration=20)
    np.testing.assert_allclose(crossed.at(1.0), -2.00861986087, rtol=2e-6)
    assert crossed.kind == "section"


def test_rest_is_one_point():
    found = ns.bifurcation_diagram(ns.architectures.lorenz(), "rho", [5.0, 10.0], "x[2]", transient=60, duration=10)
    np.testing.assert_allclose(found.observed, [4.0, 9.0], rtol=1e-5)


def bistable():
    """x' = -x + 2 tanh(2 (x + h)): two stable states for small |h|."""
    graph = ns.SignalGraph("bistable")
    graph.parameter("h", np.array([0.0]))
    graph.state("x", 1, time_constant=1.0, initial=[-2.0])
    graph.map("rate", 1, "tanh", gain=2.0, bias="h")
    graph.connect("x", "rate")
    graph.connect("rate", "x", gain=2.0)
    return graph


def test_following_shows_hysteresis():
    levels = np.linspace(-4.0, 4.0, 33)
    found = ns.bifurcation_diagram(bistable(), "h", levels, transient=30, duration=5, follow=True)
    up, down = found.at(0.0, 1), found.at(0.0, -1)
    np.testing.assert_allclose([up[0], down[0]], [-1.9986, 1.9986], atol=2e-3)
    # The states meet where 4 sech^2(2 (x + h)) = 1.
    x = np.array([found.at(level, 1)[-1] for level in levels])
    jump = levels[int(np.argmax(np.diff(x))) + 1]
    fold = 0.5 * (4.0 * np.sqrt(0.75) - np.arctanh(np.sqrt(0.75)))
    assert fold <= jump <= fold + 0.25
    back = np.array([found.at(level, -1)[-1] for level in levels])
    np.testing.assert_allclose(back, -x[::-1], atol=1e-4)
    assert len(found.plot().get_legend().get_texts()) == 2


def test_circuit_parameter():
    found = ns.bifurcation_diagram("circuits/chua.cir", "r1.resistance", [1.3, 1.4], "v(b)", transient=20, duration=20)
    assert set(found.values) == {1.3, 1.4}
    assert found.plot().get_xlabel() == "r1.resistance"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"parameter": "rh"}, UnknownNameError, "did you mean 'rho'"),
        ({"observe": "x[9]"}, UnknownNameError, "x"),
        ({"kind": "peaks"}, ParameterError, "one of maxima"),
        ({"kind": "section"}, ParameterError, "goes with section="),
        ({"values": [np.nan]}, ParameterError, "finite"),
        ({"duration": 0.0}, ParameterError, "positive"),
        ({"start": [1.0]}, ParameterError, "start needs 3"),
        ({"section": "x[2] = 27", "follow": True}, ParameterError, "follow=True"),
    ],
)
def test_bad_input(options, error, says):
    given = {"parameter": "rho", "values": [10.0], "observe": "x[0]", "transient": 1.0, "duration": 1.0, **options}
    with pytest.raises(error, match=says):
        ns.bifurcation_diagram(ns.architectures.lorenz(), **given)


def test_all_sections_failing_is_an_error():
    with pytest.raises(SimulationError, match="no section"):
        ns.bifurcation_diagram(
            ns.architectures.lorenz(), "rho", [10.0, 11.0], section="x[5] = 1", transient=1, duration=1
        )
