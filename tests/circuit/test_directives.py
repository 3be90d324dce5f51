"""Analyses, sweeps, options and outputs."""

import numpy as np
import pytest
from netlist_reading import read, refusal

from neurosim.circuit.files import Limits
from neurosim.circuit.model import ACAnalysis, DCSweep, OperatingPoint, TransientAnalysis

CIRCUIT = "V1 a 0 DC 1 AC 1\nI1 b 0 1m\nR1 a b 1k\nC1 b 0 1u\n.param w=2\n"


def analysis(card: str):
    (found,) = read(CIRCUIT + card).analyses
    return found


def test_operating_point():
    assert isinstance(analysis(".op"), OperatingPoint)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (".tran 1u 1m", (1e-6, 1e-3, 0.0, None, False)),
        (".tran 1u 1m 0.5m", (1e-6, 1e-3, 5e-4, None, False)),
        (".tran {w*1u} '5m' 0 1u uic", (2e-6, 5e-3, 0.0, 1e-6, True)),
        (".TRAN 1u w UIC", (1e-6, 2.0, 0.0, None, True)),
        (".tran 1u 1m 0 1u SKIPBP", (1e-6, 1e-3, 0.0, 1e-6, True)),
        (".tran 10m", (2e-4, 1e-2, 0.0, None, False)),
        (".tran 0 10m 0 1u", (2e-4, 1e-2, 0.0, 1e-6, False)),
    ],
)
def test_transient(card, expected):
    found = analysis(card)
    assert isinstance(found, TransientAnalysis)
    assert (found.step, found.stop, found.start, found.max_step, found.use_initial_conditions) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (".ac lin 3 1 2", [1.0, 1.5, 2.0]),
        (".ac lin 1 5 9", [5.0]),
        (".ac dec 2 1 100", [1.0, 10**0.5, 10.0, 10**1.5, 100.0]),
        (".ac oct 1 1 10", [1.0, 2.0, 4.0, 8.0]),
        (".ac list 1 3 {w}", [1.0, 3.0, 2.0]),
    ],
)
def test_ac(card, expected):
    found = analysis(card)
    assert isinstance(found, ACAnalysis)
    np.testing.assert_allclose(found.frequencies, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (".dc v1 0 1 0.25", [("source", "v1", [0, 0.25, 0.5, 0.75, 1])]),
        (".dc V1 1 0 -0.5", [("source", "v1", [1, 0.5, 0])]),
        (".dc i1 0 2 1 v1 0 1 1", [("source", "i1", [0, 1, 2]), ("source", "v1", [0, 1])]),
        (".dc temp 0 100 50", [("temperature", "temp", [0, 50, 100])]),
        (".dc r1 1k 3k 1k", [("device", "r1.resistance", [1e3, 2e3, 3e3])]),
        (".dc param w 1 2 1", [("parameter", "w", [1, 2])]),
        (".dc w 1 2 1", [("parameter", "w", [1, 2])]),
        (".dc v1 list 3 1 2", [("source", "v1", [3, 1, 2])]),
        (".dc dec v1 1 100 1", [("source", "v1", [1, 10, 100])]),
        (".dc v1 0 1 0.3", [("source", "v1", [0, 0.3, 0.6, 0.9])]),
        (".dc v1 0 0.3 0.1", [("source", "v1", [0, 0.1, 0.2, 0.3])]),
        (".dc c1.capacitance 1u 2u 1u", [("device", "c1.capacitance", [1e-6, 2e-6])]),
    ],
)
def test_dc(card, expected):
    found = analysis(card)
    assert isinstance(found, DCSweep)
    assert [(s.kind, s.name) for s in found.sweeps] == [(kind, name) for kind, name, _ in expected]
    for sweep, (_, _, values) in zip(found.sweeps, expected):
        np.testing.assert_allclose(sweep.values, values, rtol=1e-12, atol=1e-15)


def test_a_sweep_that_meets_its_stop_ends_exactly_there():
    assert analysis(".dc v1 0 0.3 0.1").sweeps[0].values[-1] == 0.3
    assert analysis(".dc v1 0 1 0.3").sweeps[0].values[-1] < 0.91
    assert analysis(".ac dec 3 1 1k").frequencies[-1] == 1000.0


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (".step param w list 1 2 4", ("parameter", "w", (1.0, 2.0, 4.0))),
        (".step param w 1 3 1", ("parameter", "w", (1.0, 2.0, 3.0))),
        (".step dec param w 1 100 1", ("parameter", "w", (1.0, 10.0, 100.0))),
        (".step param w oct 1 4 1", ("parameter", "w", (1.0, 2.0, 4.0))),
        (".step temp list 0 27", ("temperature", "temp", (0.0, 27.0))),
        (".step V1 0 1 1", ("source", "v1", (0.0, 1.0))),
        (".temp 10 20", ("temperature", "temp", (10.0, 20.0))),
    ],
)
def test_step(card, expected):
    (found,) = read(CIRCUIT + card).steps
    assert (found.kind, found.name, found.values) == expected


def test_a_stepped_parameter_needs_no_param_card():
    circuit = read("R1 a 0 {x*2}\n.step param x list 3 4")
    assert circuit.parameters == {"x": 3.0}
    assert circuit.instances[0].values["resistance"] == 6.0
    assert circuit.rebuild({"x": 4.0}, None).instances[0].values["resistance"] == 8.0


def test_options_and_temperature():
    circuit = read(CIRCUIT + ".options reltol=1e-6 method=gear noacct temp={40+w} tnom=30\n.option gmin=1p")
    assert circuit.options == {
        "reltol": 1e-6, "method": "gear", "noacct": 1.0, "temp": 42.0, "tnom": 30.0, "gmin": 1e-12,
    }  # fmt: skip
    assert (circuit.temperature, circuit.nominal_temperature) == (42.0, 30.0)
    assert any("'noacct' has no effect" in note.message for note in circuit.notes)
    assert read(CIRCUIT + ".temp 50").temperature == 50.0
    assert read(CIRCUIT).temperature == 27.0


def test_saved_and_plotted():
    circuit = read(CIRCUIT + ".save v(a) i(V1)\n.print tran v(a,b) v(b,0)\n.probe V(B)")
    assert circuit.saved == ("v(a)", "i(v1)", "v(a,b)", "v(b)")
    assert circuit.plotted == ("v(a,b)", "v(b)")
    circuit = read(CIRCUIT + ".ac dec 1 1 10\n.plot ac vdb(b) a\n.print v(b)")
    assert (circuit.saved, circuit.plotted) == (("vdb(b)", "v(a)", "v(b)"), ("v(b)", "v(a)"))
    assert read(CIRCUIT + ".save all v(a)").saved == ()
    assert read(CIRCUIT + ".probe").saved == ()
    inner = ".subckt s p\nR1 p q 1\nR2 q 0 1\nYMEMRISTOR m1 q 0 model=team\n.ends\nX1 a s\n"
    circuit = read(CIRCUIT + inner + ".save v(x1:q) v(x1.q) x1.m1.x")
    assert circuit.saved == ("v(x1.q)", "x1.m1.x")


def test_saving_a_current_that_is_no_unknown():
    circuit = read(CIRCUIT + ".save i(R1)\n.plot i(c1)\n.tran 1u 1m\n.measure tran m max '2*i(r1)'")
    names = {i.name: i.nets for i in circuit.instances}
    assert (names["r1.sense"], names["r1"]) == (("a", "r1.sense"), ("r1.sense", "b"))
    assert circuit.saved == ("i(r1)", "i(c1)")
    assert circuit.plotted == ("i(c1)",)
    assert [str(r) for r in circuit.measures[0].expression.references] == ["i(r1)"]


@pytest.mark.parametrize(
    ("card", "column", "words"),
    [
        (".tran", 1, ".tran without a stop time"),
        (".tran 1u 1m 0 1u uic extra", 22, "'extra' after the end"),
        (".tran 1u 1m 2m", 13, "which is not in"),
        (".tran 1u -1m", 10, "stops at -0.001"),
        (".tran 1m startup", 10, "'startup' of .tran is not supported"),
        (".op now", 5, "'now' after the end"),
        (".ac dec 5 1", 12, "ends where a number"),
        (".ac log 5 1 10", 5, "'log' where dec, oct or lin"),
        (".ac dec 5 0 10", 13, "0 < start"),
        (".ac dec 0.5 1 10", 15, "whole number"),
        (".ac lin 2 1 10 5", 16, "'5' after the end"),
        (".dc v1 0 1", 11, "the step of the sweep"),
        (".dc v1 0 1 -1", 12, "does not lead from 0 to 1"),
        (".dc v9 0 1 1", 5, "no source or parameter 'v9'"),
        (".dc v1 0 1 1n", 12, "1e+09 points"),
        (".dc r1.resistence 0 1 1", 5, "'resistance'"),
        (".step param w list", 19, "ends where a number"),
        (".temp -300", 7, "absolute zero"),
        (".temp", 1, "without a temperature"),
        (".save v(c)", 9, "no net 'c'"),
        (".save i(r2)", 9, "known: c1, i1, r1, v1"),
        (".save @r1[i]", 7, "i(<part>)"),
        (".save v(0)", 10, "always 0"),
        (".plot noise v(a)", 7, "no 'noise' analysis"),
        (".save {v(a)*2}", 7, "expression cannot be saved"),
        (".save r1.x", 7, "no state 'x'"),
        (".save foo(a)", 7, "'foo(' cannot be saved"),
        (".options reltol", 10, "without a value"),
        (".options temp=hot", 15, "not a number"),
        (".noise v(a) v1 dec 1 1 10", 1, ".op, .dc, .ac and .tran"),
        (".control\nrun\n.endc", 1, "write the analyses as cards"),
        (".if w", 1, "keep one branch"),
        (".subckt s p\n.tran 1u 1m\n.ends", 1, "move it out of the subcircuit"),
        (".tr 1u 1m", 1, "'.tran'"),
    ],
)
def test_refusals(card, column, words):
    error = refusal(CIRCUIT + card)
    assert words in str(error)
    assert error.location is not None
    assert error.location.line >= 7
    assert error.location.column == column


def test_points_of_all_sweeps_are_limited():
    assert "points" in str(refusal(CIRCUIT + ".ac lin 60 1 2\n.ac lin 60 1 2", limits=Limits(points=100)))
    assert "runs" in str(refusal(CIRCUIT + ".step v1 0 19 1\n.step i1 0 19 1", limits=Limits(points=100)))
    assert "points" in str(refusal(CIRCUIT + ".dc v1 0 19 1 i1 0 19 1", limits=Limits(points=100)))
    assert "points" in str(refusal(CIRCUIT + ".dc v1 0 1e300 1e-300"))
    assert "points" in str(refusal(CIRCUIT + ".ac dec 1e300 1e-300 1e300"))
