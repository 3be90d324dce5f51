"""Phase portraits and the flow on the states of circuits."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.field import field_of
from neurosim.analyses.reduced_flow import ReducedFlow
from neurosim.errors import ParameterError, UnknownNameError

DIVIDER = (
    "an rc behind a divider\nV1 s 0 2\nR1 s m 1k\nR2 m 0 1k\nR3 m a 500\nC1 a 0 1u ic=0\nR4 a b 1k\nC2 b 0 2u ic=0\n"
)


def test_rates_are_those_of_the_field_and_nullclines_cross_at_the_fixed_point():
    portrait = ns.phase_portrait(
        ns.architectures.van_der_pol(2.0), extent=((-3, 3), (-4, 4)), points=41, starts=2, duration=30
    )
    x, v = np.meshgrid(portrait.plane.first, portrait.plane.second)
    np.testing.assert_allclose(portrait.rates[..., 0], v, atol=1e-13)
    np.testing.assert_allclose(portrait.rates[..., 1], 2.0 * (1.0 - x * x) * v - x, atol=1e-12)
    assert len(portrait.fixed) == 1
    assert portrait.fixed[0].kind.startswith("unstable")
    np.testing.assert_allclose(portrait.fixed[0].state, 0.0, atol=1e-12)
    for run in portrait.trajectories:
        assert np.abs(run[-200:, 0]).max() == pytest.approx(2.02, abs=0.02)


def test_algebraic_unknowns_of_a_circuit_are_solved_at_each_point():
    circuit = ns.read_netlist(DIVIDER + ".tran 1u 40m uic\n.end")
    portrait = ns.phase_portrait(circuit, ("v(a)", "v(b)"), extent=2.0, points=9, starts=1)
    a, b = np.meshgrid(portrait.plane.first, portrait.plane.second)
    # The divider is 1 V behind 500 ohm, and 500 ohm more lead to the first capacitor.
    np.testing.assert_allclose(portrait.rates[..., 0], ((1.0 - a) / 1e3 - (a - b) / 1e3) / 1e-6, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(portrait.rates[..., 1], (a - b) / 1e3 / 2e-6, rtol=1e-6, atol=1e-4)
    (point,) = portrait.fixed
    assert point.kind == "stable node"
    assert portrait.on_plane == (True,)
    np.testing.assert_allclose(portrait.plane.project(point.state), 1.0, rtol=1e-6)
    np.testing.assert_allclose(portrait.trajectories[0][-1], 1.0, atol=1e-2)
    with pytest.raises(ParameterError, match=r"'v\(m\)'.*no state.*v\(a\), v\(b\)"):
        ns.phase_portrait(circuit, ("v(a)", "v(m)"))


def test_floating_capacitor_has_one_state_that_is_no_unknown():
    circuit = ns.read_netlist("floating\nV1 s 0 1\nR1 s a 1k\nC1 a b 1u\nR2 b 0 1k\n.tran 1u 1m\n.end")
    flow = ReducedFlow(field_of(circuit))
    assert flow.rank == 1
    assert not flow.is_state(flow.field.index("v(a)"))
    y = flow.field.start.copy()
    y[flow.field.index("v(a)")], y[flow.field.index("v(b)")] = 0.25, 0.0
    there = flow.consistent(y)
    assert there is not None
    a, b = there[flow.field.index("v(a)")], there[flow.field.index("v(b)")]
    assert a - b == pytest.approx(0.25)
    assert (1.0 - a) / 1e3 == pytest.approx(b / 1e3)
    rate = flow.rate(y)
    slope = rate[flow.field.index("v(a)")] - rate[flow.field.index("v(b)")]
    assert slope == pytest.approx((1.0 - 0.25) / 2e3 / 1e-6, rel=1e-6)


def test_off_plane_points_maps_and_figure():
    portrait = ns.phase_portrait(ns.architectures.lorenz(), ("x[0]", "x[2]"), points=11, starts=1, duration=5)
    assert portrait.on_plane == (False, False, False)
    mapped = ns.phase_portrait(ns.architectures.henon(), extent=((-1.5, 1.5), (-0.5, 0.5)), points=11, starts=[[0, 0]])
    assert mapped.is_map
    assert len(mapped.trajectories[0]) == 501
    ax = portrait.plot()
    assert ax.get_xlabel() == "x[0]"
    assert mapped.plot().get_legend_handles_labels()[1][0] == "runs"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"plane": ("x[0]", "x[0]")}, "two different"),
        ({"plane": ("x[0]",)}, "two addresses"),
        ({"points": 1}, "at least 2"),
        ({"extent": -1.0}, "extent"),
        ({"duration": 0.0}, "duration"),
        ({"starts": -1}, "negative"),
        ({"centre": [1.0]}, "finite numbers"),
    ],
)
def test_bad_input(options, says):
    with pytest.raises(ParameterError, match=says):
        ns.phase_portrait(ns.architectures.van_der_pol(), **options)


def test_unknown_name():
    with pytest.raises(UnknownNameError, match="did you mean"):
        ns.phase_portrait(ns.architectures.lorenz(), ("x[0]", "x[3]"))
    with pytest.raises(ParameterError, match="delays"):
        ns.phase_portrait(ns.architectures.mackey_glass())
