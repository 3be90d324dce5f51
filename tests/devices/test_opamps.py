"""Operational amplifiers: law of the single pole, cards of both levels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from law_calls import cards, columns, derivative_error, law

from neurosim.devices import opamp_ideal
from neurosim.devices.opamp_single_pole import derive, device
from neurosim.errors import NetlistError


def rows(**values: float):
    return derive(columns(device, values))


def test_gain_falls_from_the_pole():
    p = rows(open_loop_gain=1e5, gain_bandwidth=1e6)
    _, D = law(device, [0.0, 0.0, 0.0, 0.0], p)
    for f in (1.0, 10.0, 1e3, 1e6):
        gain = D[0, 0] / (2j * math.pi * f - D[0, 1])
        assert gain == pytest.approx(1e5 / (1 + 1j * f * 1e5 / 1e6), rel=1e-12)


def test_slew_rate_bounds_the_rate():
    p = rows(slew_rate=1e6)
    for d in (-3.0, 3.0):
        assert law(device, [d, 0.0, 0.0, 0.0], p)[0][0] == pytest.approx(math.copysign(1e6, d))


@pytest.mark.parametrize("slew", [math.inf, 1e6])
def test_derivatives(slew):
    p = rows(slew_rate=slew, offset_voltage=1e-3, output_resistance=50.0, input_resistance=1e6)
    assert derivative_error(device, [0.05, 0.3, 0.2, 1e-3], p) < 1e-6


def test_port_equations():
    p = rows(output_resistance=50.0, input_resistance=1e6)
    F, _ = law(device, [0.1, 2.0, 1.5, -0.01], p)
    np.testing.assert_allclose(F[1:], [0.0, 1e-7, -0.01], atol=1e-15)
    (state,) = device.structure.states
    assert (state.lower, state.upper) == ("lowest_voltage", "highest_voltage")


def test_cards():
    models = ".model om opamp level=2 gbw=10meg sr=5meg vmax=12 vmin=-12\n.model im opamp level=1"
    parts = "yopamp u1 p n out\nyopamp u2 p n out om\nyopamp u3 p n out level=2 a0=1e6\nyopamp u4 p n out im"
    found = cards(f"{parts}\n{models}")
    by_device = [(i.device, i.nets) for i in found.values()]
    assert [d for d, _ in by_device] == ["opamp_ideal", "opamp_single_pole", "opamp_single_pole", "opamp_ideal"]
    assert by_device[0][1] == ("p", "n", "out")
    values = [dict(i.values) for i in found.values()]
    assert values[1] == {"gain_bandwidth": 1e7, "slew_rate": 5e6, "highest_voltage": 12.0, "lowest_voltage": -12.0}
    assert values[2] == {"open_loop_gain": 1e6}


def test_ideal_is_wiring_only():
    assert opamp_ideal.device.law is None
    assert set(opamp_ideal.device.structure.wiring) == {(0, 0, 1.0), (1, 1, 1.0)}


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("yopamp u1 p n out level=3", "no level 3"),
        ("yopamp u1 p n out a0=10", "ideal"),
        ("yopamp u1 p n out om\n.model om opamp level=2 foo=1", "foo"),
    ],
)
def test_refusals_name_the_fault(card, message):
    with pytest.raises(NetlistError, match=message):
        cards(card)
