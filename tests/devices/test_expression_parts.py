"""Resistors, capacitors and inductors given by expressions: temperature, initial condition, charge and flux of x."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import read_netlist, simulate
from neurosim.circuit.writer import write_netlist
from neurosim.errors import NetlistError

POINTS = np.array([1e-8, 5e-7, 1e-6])


def run(card: str, more: str = "", dialect="ngspice", uic: str = "uic") -> np.ndarray:
    """Voltage of net b behind 1 kohm from 1 V, at POINTS."""
    circuit = read_netlist(f"part\nv1 a 0 1\nr1 a b 1k\n{card}\n{more}\n.tran 10n 1u {uic}\n.end", dialect=dialect)
    result = simulate(circuit, rtol=1e-8)
    again = simulate(read_netlist(write_netlist(circuit)), rtol=1e-8)
    np.testing.assert_allclose(again["v(b)"], result["v(b)"], rtol=1e-9)
    return np.interp(POINTS, result.axis, result["v(b)"])


@pytest.mark.parametrize(
    ("card", "linear"),
    [
        ("c1 b 0 c='1n*(1+0*v(b))' ic=0.5", "c1 b 0 1n ic=0.5"),
        ("c1 0 b c='1n*(1+0*v(b))' ic=-0.5", "c1 b 0 1n ic=0.5"),
        ("c1 b 0 q={1n*v(b)} ic=0.5 m=2 scale=1.5", "c1 b 0 3n ic=0.5"),
        ("c1 0 b q={1n*x} ic=-0.5", "c1 b 0 1n ic=0.5"),
        ("c1 b 0 q={1n*x} tc1=0.01 temp=77", "c1 b 0 1n tc1=0.01 temp=77"),
        ("c1 b 0 q={1n*x} tc=0.01, 1e-4 dtemp=50", "c1 b 0 1n tc=0.01, 1e-4 dtemp=50"),
        ("l1 b 0 l={1m*(1+0*i(l1))} ic=0.5m", "l1 b 0 1m ic=0.5m"),
        ("l1 b 0 flux={1m*x} ic=0.5m tc1=0.01 dtemp=50", "l1 b 0 1.5m ic=0.5m"),
        ("l1 b 0 flux={1m*i(l1)} m=2 tc1=0.01 temp=77", "l1 b 0 0.75m"),
        ("r2 b 0 r={1k*(1+0*v(b))} tc1=0.01 tc2=1e-4 temp=77", "r2 b 0 1k tc1=0.01 tc2=1e-4 temp=77"),
        ("r2 b 0 r={1k*(1+0*v(b))} cold tc1=0.01 temp=77\n.model cold r tc2=1e-4", "r2 b 0 1.75k"),
    ],
)
def test_an_expression_without_bend_is_the_linear_part(card, linear):
    np.testing.assert_allclose(run(card), run(linear), rtol=2e-6, atol=1e-9)


def test_temperature_of_the_circuit_and_of_the_values():
    linear = run("r2 b 0 r={1k*(1+v(b))*1.5}")
    np.testing.assert_allclose(run("r2 b 0 r={1k*(1+v(b))} tc1=0.01", ".temp 77"), linear, rtol=1e-9)
    np.testing.assert_allclose(run("r2 b 0 r={1k*(1+v(b))} tc1=-0.01", ".options tnom=77"), linear, rtol=1e-9)
    np.testing.assert_allclose(run("r2 b 0 r={1k*(1+v(b))} tc1=0.01 tnom=-23"), linear, rtol=1e-9)


def test_resistors_of_expressions_as_ngspice_39():
    text = "ngspice\ni1 0 a 1m\nr1 a 0 r='1k*(1-0.1*v(a))' tc1=0.01 tc2=1e-4\n.temp 77\n.op\n.end"
    assert float(simulate(read_netlist(text))["v(a)"]) == pytest.approx(1.489362, rel=1e-6)


def test_charge_of_two_terms():
    # R dq/dt = 1 - v with q = C (v + v^2): t / (R C) = [-2 v - 3 ln(1 - v)] from v = 1/2.
    v = run("c1 b 0 q={1n*(x+x^2)} ic=0.5")
    np.testing.assert_allclose(-2.0 * (v - 0.5) - 3.0 * np.log((1.0 - v) / 0.5), POINTS / 1e-6, rtol=1e-4)


def test_initial_voltage_of_a_net_holds_for_an_expression():
    np.testing.assert_allclose(run("c1 b 0 q={1n*x}", ".ic v(b)=0.5"), run("c1 b 0 1n ic=0.5"), rtol=2e-6)


def test_x_is_the_own_voltage_unless_ngspice_has_a_parameter_of_that_name():
    own = run("c1 b 0 1n")
    np.testing.assert_allclose(run("c1 b 0 q=x*1n", ".param x=3", "ltspice"), own, rtol=2e-6)
    np.testing.assert_allclose(run("c1 b 0 q={x*1n*v(b)/3}", ".param x=3"), own, rtol=2e-6)


def test_in_a_subcircuit():
    text = ".subckt part p n k=1\nc1 p n q={k*x} ic={k*0.5g}\n.ends\nx1 b c part k=1n\nx2 c 0 part k=2n"
    np.testing.assert_allclose(run(text), run("c1 b c 1n ic=0.5\nc2 c 0 2n ic=1"), rtol=2e-6)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("c1 b 0 q={1n*v(a)*x} ic=0.5", "charge of 'c1' at the start does not follow"),
        ("c1 b 0 q={1n*x} l=3", "only a constant capacitor takes"),
        ("c1 b 0 c={1n*x}", "unknown parameter 'x'"),
        ("r1 b 0 r={1k*v(b)} ic=3", "unknown parameter 'ic' of a resistor"),
    ],
)
def test_refusals(card, message):
    with pytest.raises(NetlistError, match=message):
        read_netlist(f"part\nv1 a 0 1\nr9 a b 1k\n{card}\n.op\n.end")


def test_deviations_from_ngspice_are_told():
    notes = [n.message for n in read_netlist("p\nv1 b 0 1\nc1 b 0 q={1n*x} tc1=1m dtemp=9\n.op\n.end").notes]
    assert any("ngspice 39 divides" in note for note in notes)
    assert any("temperature_rise, which ngspice 39 passes over" in note for note in notes)
