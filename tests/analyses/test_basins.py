"""Basins: symmetric bistable systems, escapes, entropy."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.basins import Basins
from neurosim.architectures.architecture import graph_of_law
from neurosim.errors import ParameterError
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law


@law(2, ("damping",), formula="v, x - x^3 - damping v")
def damped_duffing_field(context, u, p, memory, table, code, F, D):
    """Two wells at x = -1 and 1."""
    for e in range(F.shape[1]):
        x, v = u[0, e], u[1, e]
        F[0, e] = v
        F[1, e] = x - x * x * x - p[0, e] * v
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 1, e] = 1.0
            D[1, 0, e], D[1, 1, e], D[1, 2, e] = 1.0 - 3.0 * x * x, -p[0, e], -v


def damped_duffing(damping: float = 0.4):
    return graph_of_law("damped duffing", damped_duffing_field, (damping,), (0.0, 0.0))


def test_two_wells_are_mirror_images():
    found = ns.basins(damped_duffing(), extent=2.5, points=24, duration=60)
    assert [a.point.kind for a in found.attractors] == ["stable focus", "stable focus"]
    assert {round(a.point.state[0], 9) for a in found.attractors} == {-1.0, 1.0}
    assert [a.fraction for a in found.attractors] == [0.5, 0.5]
    np.testing.assert_array_equal(found.labels, 1 - found.labels[::-1, ::-1])
    assert found.escaped == 0.0
    # Which well it is follows by hand where there is too little energy to leave it.
    x, v = np.meshgrid(found.plane.first, found.plane.second)
    trapped = 0.5 * v * v - 0.5 * x * x + 0.25 * x**4 < 0.0
    right = next(k for k, a in enumerate(found.attractors) if a.mean[0] > 0)
    np.testing.assert_array_equal(found.labels[trapped] == right, x[trapped] > 0)


def test_hopfield_memories_share_the_plane_equally():
    net = ns.architectures.hopfield([[1, 1, -1, 1]], gain=4.0)
    found = ns.basins(net, ("u[0]", "u[2]"), extent=1.0, points=16, duration=40)
    # Starts without overlap with the memory stay on the boundary, and end on the saddle.
    assert [a.point.kind for a in found.attractors] == ["stable node", "stable node", "saddle"]
    assert [a.fraction for a in found.attractors] == [120 / 256, 120 / 256, 16 / 256]
    signs = np.sign([a.mean for a in found.attractors[:2]]) * found.attractors[1].mean[0]
    np.testing.assert_array_equal(np.sign(signs), [[-1, -1, 1, -1], [1, 1, -1, 1]])
    first, second = np.meshgrid(found.plane.first, found.plane.second)
    overlap = np.sign(np.round(first - second, 9)) * np.sign(found.attractors[0].mean[0])
    np.testing.assert_array_equal(found.labels, np.select([overlap > 0, overlap < 0], [0, 1], 2))
    assert found.plot().get_xlabel() == "u[0]"


def test_a_cycle_is_one_attractor_and_circuits_work():
    found = ns.basins("circuits/van_der_pol.cir", extent=3.0, points=6)
    assert [a.kind for a in found.attractors] == ["moving"]
    assert found.attractors[0].high[0] == pytest.approx(2.023, abs=0.02)


def test_map_escapes():
    found = ns.basins(ns.architectures.henon(), extent=2.0, points=16, duration=200)
    assert found.attractors[0].fraction + found.escaped > 0.98
    assert 0.5 < found.escaped < 0.65
    x, _ = np.meshgrid(found.plane.first, found.plane.second)
    assert (found.labels[(np.abs(x) > 1.9)] == -1).all()


def test_entropy_of_known_labels():
    plane = ns.basins(damped_duffing(), extent=1.0, points=10, duration=5).plane
    halves = np.repeat(np.arange(10)[None] >= 5, 10, axis=0).astype(int)
    assert Basins("", [], plane, halves, ()).entropy(5) == (0.0, 0.0)
    columns = np.repeat(np.arange(10)[None] % 2, 10, axis=0)
    whole, boundary = Basins("", [], plane, columns, ()).entropy(2)
    assert whole == pytest.approx(np.log(2.0))
    assert boundary == pytest.approx(np.log(2.0))
    with pytest.raises(ParameterError, match="box"):
        Basins("", [], plane, columns, ()).entropy(11)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"duration": -1.0}, "duration"), ({"tolerance": 2.0}, "tolerance"), ({"points": 0}, "points")],
)
def test_bad_input(options, says):
    with pytest.raises(ParameterError, match=says):
        ns.basins(damped_duffing(), **options)
