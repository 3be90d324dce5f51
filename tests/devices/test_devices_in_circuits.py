"""Devices inside a simulated circuit, against exact solutions and ngspice 39."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurosim.circuit.reader import read_netlist
from neurosim.devices.waveforms import waveform_value
from neurosim.solve.simulate import simulate


def run(text: str, **settings: object):
    return simulate(read_netlist(f"title\n{text}\n.end\n", dialect="ltspice"), **settings)


def test_pulses_on_a_mismatched_line_are_those_of_the_bounce_diagram():
    result = run(
        "v1 1 0 pulse(0 1 1n 0.1n 0.1n 5n 20n)\nr1 1 2 50\nt1 2 0 3 0 z0=75 td=10n\nr2 3 0 100\n.tran 0.1n 60n"
    )
    source = np.array(read_netlist("t\nv1 1 0 pulse(0 1 1n 0.1n 0.1n 5n 20n)\nr1 1 0 1\n.end\n").instances[0].table)
    near, far = (50 - 75) / (50 + 75), (100 - 75) / (100 + 75)
    expected = np.zeros(result.time.size)
    for k in range(4):
        wave = [waveform_value(t - (2 * k + 1) * 10e-9, source, 0, source.size) for t in result.time]
        expected += 75 / 125 * (1 + far) * (near * far) ** k * np.array(wave)
    np.testing.assert_allclose(result["v(3)"], expected, atol=1e-8)


@pytest.mark.parametrize("delay", [2, 25, 100])
def test_sine_on_a_line_has_the_phase_of_its_delay(delay):
    result = run(f"v1 1 0 sin(0 1 10meg)\nr1 1 2 50\nt1 2 0 3 0 z0=50 td={delay}n\nr2 3 0 50\n.tran 1n 400n")
    t = np.asarray(result.time)
    late = t - delay * 1e-9
    expected = np.where(late > 0, 0.5 * np.sin(2e7 * math.pi * late), 0.0)
    np.testing.assert_allclose(result["v(3)"], expected, atol=2e-4)


def test_line_from_initial_conditions():
    # A line charged to 1 V is discharged at one end into its impedance: half the voltage until the wave comes back.
    result = run("r1 1 0 50\nt1 1 0 2 0 z0=50 td=10n ic=1,0,1,0\nr2 2 0 1g\n.tran 0.5n 30n uic")
    at = [float(np.interp(t, result.time, result["v(1)"])) for t in (5e-9, 15e-9, 25e-9)]
    assert at == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)
    assert float(np.interp(5e-9, result.time, result["v(2)"])) == pytest.approx(1.0, abs=1e-6)


def test_line_in_an_operating_point_is_a_wire():
    result = run("v1 1 0 1\nr1 1 2 50\nt1 2 0 3 0 z0=75 td=10n\nr2 3 0 150\n.tran 1n 50n")
    np.testing.assert_allclose(result["v(3)"], 0.75, rtol=1e-9)


def test_a_charge_expression_that_is_linear_is_a_capacitor():
    result = run(
        "v1 1 0 pulse(0 1 0 1u 1u 1 2)\nr1 1 2 1k\nc1 2 0 1u\nr2 1 3 1k\nc2 3 0 q='1u*v(3)'\n"
        "r3 1 4 1k\nc3 4 0 c='1u+0*v(4)'\nr4 1 5 10\nl4 5 0 10m\nr6 1 6 10\nl6 6 0 flux='10m*i(l6)'\n.tran 10u 5m"
    )
    np.testing.assert_allclose(result["v(3)"], result["v(2)"], atol=1e-5)
    np.testing.assert_allclose(result["v(4)"], result["v(2)"], atol=1e-5)
    np.testing.assert_allclose(result["v(6)"], result["v(5)"], atol=1e-5)
    exact = 1.0 - np.exp(-np.asarray(result.time) / 1e-3)
    np.testing.assert_allclose(result["v(2)"], exact, atol=1.1e-3)


def test_integral():
    result = run(
        "v1 1 0 sin(0 1 1k)\nr1 1 0 1k\nb1 2 0 v=idt(v(1), 0.5)*1k\nr2 2 0 1k\n.tran 5u 2m 0 5u",
        rtol=1e-6,
    )
    t, w = np.asarray(result.time), 2e3 * math.pi
    np.testing.assert_allclose(result["v(2)"], 1e3 * (0.5 + (1 - np.cos(w * t)) / w), rtol=1e-5)


def test_switch_changes_at_its_thresholds():
    result = run(
        "v1 c 0 pulse(0 2 0 1m 1m 0 2m)\nv2 1 0 1\nr1 1 2 1k\ns1 2 0 c 0 sm\n.model sm sw(vt=1 vh=0.5 ron=1 roff=1g)\n"
        ".tran 10u 4m"
    )
    t, on = np.asarray(result.time), np.asarray(result["v(2)"]) < 0.5
    control = np.interp(t % 2e-3, [0, 1e-3, 2e-3], [0, 2, 0])
    up = (t % 2e-3) < 1e-3
    expected = np.where(up, control > 1.5, control > 0.5)
    clear = (np.abs(control - 1.5) > 1e-6) & (np.abs(control - 0.5) > 1e-6)
    np.testing.assert_array_equal(on[clear], expected[clear])


def test_coupled_inductors_as_a_transformer():
    # Perfect coupling, 1:2 turns, loaded: the secondary voltage is twice the primary's.
    result = run("v1 1 0 sin(0 1 1k)\nr1 1 2 1\nl1 2 0 1m\nl2 3 0 4m\nk1 l1 l2 1\nr3 3 0 10\n.tran 5u 2m", rtol=1e-6)
    np.testing.assert_allclose(result["v(3)"], 2 * np.asarray(result["v(2)"]), atol=1e-4)


def test_opamp_in_an_operating_point():
    text = "v1 1 0 0.1\nr1 1 2 1k\nr2 2 3 10k\nyopamp u1 0 2 3{model}\n.model om opamp level=2 a0=1e5\n.op"
    assert float(np.ravel(run(text.format(model=""))["v(3)"])[0]) == pytest.approx(-1.0, rel=1e-9)
    found = float(np.ravel(run(text.format(model=" om"))["v(3)"])[0])
    assert found == pytest.approx(-1.0 / (1 + 11 / 1e5), rel=1e-6)


def test_opamp_bandwidth_slew_rate_and_rails():
    response = run("v1 1 0 0 ac 1\nyopamp u1 1 2 2 level=2 gbw=1meg a0=1e6\n.ac lin 1 1meg 1meg")
    assert abs(np.ravel(response["v(2)"])[0]) == pytest.approx(1 / math.sqrt(2), rel=1e-4)
    source = "v1 1 0 pulse(0 5 1u 1n 1n 1 2)"
    result = run(f"{source}\nyopamp u1 1 2 2 level=2 gbw=100meg sr=1meg a0=1e9\nr1 2 0 1k\n.tran 0.1u 6u")
    rise = [float(np.interp(t, result.time, result["v(2)"])) for t in (2e-6, 4e-6)]
    assert rise[1] - rise[0] == pytest.approx(2.0, rel=1e-3)
    clipped = run("v1 1 0 sin(0 1 1k)\nyopamp u1 1 2 3 level=2 vmax=3 vmin=-2\nr1 2 0 1k\nr2 3 2 9k\n.tran 5u 1m")
    assert max(clipped["v(3)"]) == pytest.approx(3.0, abs=1e-6)
    assert min(clipped["v(3)"]) == pytest.approx(-2.0, abs=1e-6)


# ngspice 39, reltol 1e-6, largest step 0.5 us.
RECTIFIER = [(0.0002, 0.3800749), (0.0005, 0.6073031), (0.0011223598193, 0.3330509), (0.0018, 0.4703127)]


def test_rectifier_as_ngspice_39():
    result = run(
        "v1 1 0 sin(0 2 1k)\nr1 1 2 100\nd1 2 3 dm\n.model dm d is=1e-14 n=1.5 rs=1 cjo=10p tt=100n\nc3 3 0 1u\n"
        "r3 3 0 1k\n.tran 2u 2m 0 2u",
        rtol=1e-6,
    )
    for t, expected in RECTIFIER:
        assert float(np.interp(t, result.time, result["v(3)"])) == pytest.approx(expected, abs=1e-5)
