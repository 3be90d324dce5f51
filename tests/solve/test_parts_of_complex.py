"""vdb(), vm(), vp(), vr(), vi() and the same of currents: saved, printed and measured in an AC analysis."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import read_netlist, simulate
from neurosim.circuit.writer import write_netlist
from neurosim.errors import NetlistError, ParameterError

CIRCUIT = "low-pass\nv1 in 0 dc 0 ac 1\nr1 in out 1k\nc1 out 0 1u\n"
AC = ".ac dec 1 100 1k\n"

# Printed by ngspice 39: .measure ac find vp(out) at=1k, vdb(out).
PHASE, DECIBEL = -1.412965, -16.07224


def run(text: str, dialect=None, **settings):
    return simulate(read_netlist(CIRCUIT + AC + text + "\n.end", dialect=dialect), analysis="ac", **settings)


def test_all_parts_of_a_voltage_and_of_a_current():
    kinds = ("m", "db", "p", "r", "i")
    cards = ".print ac " + " ".join(f"v{k}(in,out) i{k}(r1)" for k in kinds)
    result = run(cards)
    for letter, whole in (("v", result["v(in,out)"]), ("i", result["i(r1)"])):
        name = "(in,out)" if letter == "v" else "(r1)"
        units = [result.column(f"{letter}{k}{name}").unit for k in kinds]
        assert units == ["V" if letter == "v" else "A", "dB", "rad", units[0], units[0]]
        m, db, p, re, im = (result[f"{letter}{k}{name}"] for k in kinds)
        np.testing.assert_allclose(m * np.exp(1j * p), whole, rtol=1e-14)
        np.testing.assert_allclose(10 ** (db / 20), np.abs(whole), rtol=1e-14)
        np.testing.assert_array_equal(re + 1j * im, whole)
        assert not any(np.iscomplexobj(x) for x in (m, db, p, re, im))


def test_as_ngspice_39():
    result = run(".save vp(out) vdb(out)")
    assert result["vp(out)"][-1] == pytest.approx(PHASE, rel=1e-6)
    assert result["vdb(out)"][-1] == pytest.approx(DECIBEL, rel=1e-6)


@pytest.mark.parametrize("dialect", ["pspice", "ltspice"])
def test_other_dialects_have_phases_in_degrees(dialect):
    result = run(".save vp(out)", dialect)
    assert result["vp(out)"][-1] == pytest.approx(np.rad2deg(PHASE), rel=1e-6)
    assert result.column("vp(out)").unit == "deg"


def test_measures():
    text = ".meas ac a find vp(out) at=1k\n.meas ac b find vdb(out) at=1k\n.meas ac c max par('vi(out)*2')"
    circuit = read_netlist(CIRCUIT + AC + text + "\n.end")
    for one in (circuit, read_netlist(write_netlist(circuit))):
        measures = simulate(one).measures
        assert measures["a"] == pytest.approx(PHASE, rel=1e-6)
        assert measures["b"] == pytest.approx(DECIBEL, rel=1e-6)
        assert measures["c"] == pytest.approx(-2 * 0.1552231, rel=1e-6)


def test_a_function_of_the_netlist_keeps_its_name():
    result = run(".func vm(x) {3*x}\n.meas ac a find 'vm(mag)' at=1k\n.param mag=2")
    assert result.measures["a"] == 6.0


def test_in_an_analysis_that_has_none_they_are_left_out():
    circuit = read_netlist(CIRCUIT + AC + ".print ac vdb(out)\n.tran 10u 100u\n.end")
    assert circuit.saved == ("vdb(out)",)
    assert "vdb(out)" not in simulate(circuit).names
    assert "vdb(out)" in simulate(circuit, analysis="ac").names


@pytest.mark.parametrize(
    "card",
    [
        ".print vdb(out)\n.tran 1u 1m",
        AC + ".print tran vdb(out)\n.tran 1u 1m",
        AC + ".plot dc vdb(out)",
        ".meas tran x max vdb(out)\n.tran 1u 1m",
        ".meas op x max vdb(out)\n.op",
    ],
)
def test_refused_by_name_without_ac(card):
    with pytest.raises(NetlistError, match=r"'vdb\(out\)' exists in an AC analysis only"):
        read_netlist(CIRCUIT + card + "\n.end")


def test_refused_by_name_from_python():
    with pytest.raises(ParameterError, match=r"'VDB\(out\)' exists in an AC analysis only; this is 'tran'"):
        simulate(read_netlist(CIRCUIT + ".end"), (0, 1e-3), save=("VDB(out)",))
    assert simulate(read_netlist(CIRCUIT + AC), save=("VDB(out)",)).names == ("vdb(out)",)


def test_unknown_names():
    with pytest.raises(NetlistError, match="no net 'nope'"):
        run(".save vdb(nope)")
    with pytest.raises(NetlistError, match="no part 'nope'"):
        run(".save idb(nope)")
