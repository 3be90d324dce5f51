"""Waveforms against ngspice 39 and against their formulas; corners; cards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_calls import cards, columns, law, new_context

from neurosim.circuit.reader import read_netlist
from neurosim.devices import current_source, voltage_source
from neurosim.devices.waveforms import breakpoints, waveform_value
from neurosim.errors import NetlistError, ParameterError
from neurosim.kernels.abi import INITIAL_POINT, OPERATING_POINT, TRANSIENT


def table(card: str, **options: object) -> tuple[float, ...]:
    return cards(f"v1 1 0 {card}", **options)["v1"].table


def value(card: str, t: float, **options: object) -> float:
    stored = np.array(table(card, **options))
    return waveform_value(t, stored, 0, stored.size)


# Output of ngspice 39 (wrdata, 12 digits) at points of its own choice.
NGSPICE = [
    ("sin(0.1 2 1k 0.2m 300 30)", 2.8e-07, 1.1),
    ("sin(0.1 2 1k 0.2m 300 30)", 0.0001136, 1.1),
    ("sin(0.1 2 1k 0.2m 300 30)", 0.0003245, 1.959452090193),
    ("sin(0.1 2 1k 0.2m 300 30)", 0.0005615, 0.7096151314996),
    ("sin(0.1 2 1k 0.2m 300 30)", 0.00090644, -1.467777224138),
    ("pulse(0 1 0.1m 10u 20u 0.1m 0.3m 2)", 2.8e-07, 0.0),
    ("pulse(0 1 0.1m 10u 20u 0.1m 0.3m 2)", 0.0001136, 1.0),
    ("pulse(0 1 0.1m 10u 20u 0.1m 0.3m 2)", 0.0003245, 0.0),
    ("pulse(0 1 0.1m 10u 20u 0.1m 0.3m 2)", 0.0005615, 0.0),
    ("pulse(0 1 0.1m 10u 20u 0.1m 0.3m 2)", 0.00090644, 0.0),
    ("exp(0 1 0.1m 50u 0.5m 80u)", 2.8e-07, 0.0),
    ("exp(0 1 0.1m 50u 0.5m 80u)", 0.0001136, 0.2381457389102),
    ("exp(0 1 0.1m 50u 0.5m 80u)", 0.0003245, 0.9887793561904),
    ("exp(0 1 0.1m 50u 0.5m 80u)", 0.0005615, 0.4634941432901),
    ("exp(0 1 0.1m 50u 0.5m 80u)", 0.00090644, 0.00621670090352),
    ("sffm(0.2 1 5k 2 500 30 60)", 2.8e-07, 0.9683554355636),
    ("sffm(0.2 1 5k 2 500 30 60)", 0.0001136, -0.01673280030241),
    ("sffm(0.2 1 5k 2 500 30 60)", 0.0003245, 0.1109455496045),
    ("sffm(0.2 1 5k 2 500 30 60)", 0.0005615, 0.1629195923717),
    ("sffm(0.2 1 5k 2 500 30 60)", 0.00090644, 0.7989092229375),
    ("pwl(0 0 0.1m 1 0.3m -1 0.5m 0) r=0.1m td=0.05m", 2.8e-07, 0.0),
    ("pwl(0 0 0.1m 1 0.3m -1 0.5m 0) r=0.1m td=0.05m", 0.0001136, 0.636),
    ("pwl(0 0 0.1m 1 0.3m -1 0.5m 0) r=0.1m td=0.05m", 0.0003245, -0.745),
    ("pwl(0 0 0.1m 1 0.3m -1 0.5m 0) r=0.1m td=0.05m", 0.0005615, 0.885),
    ("pwl(0 0 0.1m 1 0.3m -1 0.5m 0) r=0.1m td=0.05m", 0.00090644, -0.2178),
    ("sffm(0.2 1 5k 2 500)", 2.8e-07, 0.2105555550631),
    ("sffm(0.2 1 5k 2 500)", 0.0001136, -0.7026857902022),
    ("sffm(0.2 1 5k 2 500)", 0.0003245, -0.4196256762473),
    ("sffm(0.2 1 5k 2 500)", 0.0005615, 0.8840302840795),
    ("sffm(0.2 1 5k 2 500)", 0.00090644, -0.5045191883678),
    ("am(2 0.5 500 5k 0.1m)", 2.8e-07, 0.0),
    ("am(2 0.5 500 5k 0.1m)", 0.0001136, 0.4497737493577),
    ("am(2 0.5 500 5k 0.1m)", 0.0003245, 1.598167641027),
    ("am(2 0.5 500 5k 0.1m)", 0.0005615, 2.792663949966),
    ("am(2 0.5 500 5k 0.1m)", 0.00090644, 0.4305357565786),
    ("pwl(0.1m 1 0.3m -1)", 2.8e-07, 1.0),
    ("pwl(0.1m 1 0.3m -1)", 0.0001136, 0.864),
    ("pwl(0.1m 1 0.3m -1)", 0.0003245, -1.0),
    ("pwl(0.1m 1 0.3m -1)", 0.0005615, -1.0),
    ("pwl(0.1m 1 0.3m -1)", 0.00090644, -1.0),
]


@pytest.mark.parametrize(("card", "t", "expected"), NGSPICE)
def test_agrees_with_ngspice(card, t, expected):
    assert value(card, t) == pytest.approx(expected, abs=2e-11)


@pytest.mark.parametrize(
    "card",
    [
        "sin(0.1 2 1k 0.2m 300 30)", "sin 0.1 2 1k 0.2m 300 30", "SIN ( 0.1, 2, 1k, 0.2m, 300, 30 ) dc 3 ac 1 90",
        "dc 3 ac 1 90 sin(0.1 2 1k 0.2m 300 30)", "3 sin(0.1 2 1k 0.2m 300 30) ac=1",
    ],
)  # fmt: skip
def test_spellings(card):
    assert table(card) == table("sin(0.1 2 1k 0.2m 300 30)")


def test_dc_and_ac():
    found = cards("v1 a 0 5 ac 2 45\nv2 a 0 ac\nv3 a 0 dc=2\ni1 a 0 1m ac 1 m=2\nv4 a 0")
    assert found["v1"].values == {"dc": 5.0, "ac_magnitude": 2.0, "ac_phase": 45.0}
    assert found["v2"].values == {"ac_magnitude": 1.0, "ac_phase": 0.0}
    assert found["v3"].values == {"dc": 2.0}
    assert found["i1"].values == {"dc": 1e-3, "ac_magnitude": 1.0, "ac_phase": 0.0, "multiplier": 2.0}
    assert found["v4"].values == {}
    drive = voltage_source.excitation(columns(voltage_source.device, found["v1"].values))[0][0]
    assert drive == pytest.approx(-2.0 * np.exp(1j * math.pi / 4))
    drive = current_source.excitation(columns(current_source.device, found["i1"].values))[0][0]
    assert drive == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("dc", "analysis", "expected"),
    [
        (3.0, OPERATING_POINT, 3.0), (math.nan, OPERATING_POINT, 1.0), (3.0, INITIAL_POINT, 2.0),
        (3.0, TRANSIENT, 2.0), (math.nan, TRANSIENT, 2.0),
    ],
)  # fmt: skip
def test_which_value_counts(dc, analysis, expected):
    stored = table("pwl(0 1 1 2)")
    context = new_context(analysis=analysis, time=1.0)
    for device, sign, more in ((voltage_source.device, -1.0, ()), (current_source.device, 1.0, (1.0,))):
        for compiled in (False, True):
            p = [dc, *more, 0.0, len(stored)]
            F, _ = law(device, [0.0, 0.0], p, context=context, table=stored, compiled=compiled)
            assert F[0] == sign * expected


def test_source_scale_and_table_offset():
    stored = (9.0, 9.0, *table("pwl(0 1 1 2)"))
    F, _ = law(
        voltage_source.device, [0.0, 0.0], [math.nan, 2.0, len(stored) - 2],
        context=new_context(analysis=TRANSIENT, time=0.5, source_scale=0.5), table=stored,
    )  # fmt: skip
    assert F[0] == -0.75


def test_pulse_without_edges_says_so():
    circuit = read_netlist("t\nv1 1 0 pulse(0 1 0 0 0 1m 2m)\nr1 1 0 1\n.end\n")
    assert circuit.instances[0].table[4:6] == (1e-6, 1e-6)
    assert any("rise or fall time" in str(note) for note in circuit.notes)


def test_pulse_of_width_zero():
    card = "pulse(0 2 0 1m 1m 0 2m)"
    # ngspice 39: 2 V at 1.5 ms, 1 V at 2.5 ms.
    assert [value(card, t, dialect="ngspice") for t in (1.5e-3, 2.5e-3)] == pytest.approx([2.0, 1.0])
    assert [value(card, t, dialect="ltspice") for t in (1.5e-3, 2.5e-3)] == pytest.approx([1.0, 1.0])


def test_pulse_corners():
    stored = table("pulse(0 1 1 0.1 0.2 0.3 2)")
    corners = breakpoints({}, stored, 0.0, 4.0)
    np.testing.assert_allclose(corners, [1, 1.1, 1.4, 1.6, 3, 3.1, 3.4, 3.6])
    assert breakpoints({}, stored, 3.2, 3.5) == pytest.approx([3.4])
    counted = table("pulse(0 1 1 0.1 0.2 0.3 2 2)")
    assert max(breakpoints({}, counted, 0.0, 1e9)) == 5.0
    assert waveform_value(5.05, np.array(counted), 0, len(counted)) == 0.0
    assert waveform_value(3.2, np.array(counted), 0, len(counted)) == 1.0


def test_too_many_corners_are_refused():
    with pytest.raises(ParameterError, match="corners"):
        breakpoints({}, table("pulse(0 1 0 1n 1n 10n 20n)"), 0.0, 10.0)


def test_corners_of_other_waveforms():
    assert breakpoints({}, table("sin(0 1 1k 1m)"), 0.0, 1.0) == [1e-3]
    assert breakpoints({}, table("exp(0 1 1m 1m 2m 1m)"), 0.0, 1.0) == [1e-3, 2e-3]
    assert breakpoints({}, table("pwl(0 0 1 1 2 0)"), 0.0, 2.0) == [1.0]
    assert breakpoints({}, (), 0.0, 1.0) == []
    repeated = breakpoints({}, table("pwl(0 0 1 1 2 0 r=0)"), 0.0, 5.5)
    np.testing.assert_allclose(repeated, [1, 2, 3, 4, 5])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8), st.integers(0, 2**31), st.floats(0.0, 3.0),
    st.booleans(),
)  # fmt: skip
def test_piecewise_linear_is_interpolation(gaps, seed, t, repeats):
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    values = np.random.default_rng(seed).normal(size=times.size)
    stored = np.array([6.0, 0.0 if repeats else math.nan, *np.stack([times, values], 1).ravel()])
    at = np.mod(t, times[-1]) if repeats and t > times[-1] else t
    found = waveform_value(t, stored, 0, stored.size)
    assert found == pytest.approx(np.interp(at, times, values), abs=1e-9) or (
        repeats and min(at, times[-1] - at) < 1e-9
    )


def test_ltspice_repeat_and_relative_times():
    card = "pwl repeat for 2 (0 0 1 1 1.5 0) endrepeat 4 3"
    assert value(card, 2.0, dialect="ltspice") == pytest.approx(0.5)
    assert value(card, 2.5, dialect="ltspice") == pytest.approx(1.0)
    assert value(card, 9.0, dialect="ltspice") == 3.0
    forever = "pwl repeat forever (0.5 1 1 0) endrepeat"
    assert value(forever, 100.25, dialect="ltspice") == pytest.approx(0.5)
    assert value("pwl(1 0 +1 1)", 1.5, dialect="ltspice") == pytest.approx(0.5)


def test_points_from_a_file(tmp_path):
    (tmp_path / "points.csv").write_text("# time, value\n0, 0\n1m, 5\n\n2e-3 2.5\n")
    for card in ("pwl file=points.csv", 'pwl(file="points.csv")', 'pwl file "points.csv"'):
        (tmp_path / "a.cir").write_text(f"t\nv1 1 0 {card}\nr1 1 0 1\n.end\n")
        circuit = read_netlist(tmp_path / "a.cir")
        assert circuit.instances[0].table[2:] == (0.0, 0.0, 1e-3, 5.0, 2e-3, 2.5)


def test_file_outside_the_folder_is_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "points.csv").write_text("0 0\n1 1\n")
    (tmp_path / "sub" / "a.cir").write_text("t\nv1 1 0 pwl file=../points.csv\nr1 1 0 1\n.end\n")
    with pytest.raises(NetlistError):
        read_netlist(tmp_path / "sub" / "a.cir")


def test_a_jump_in_a_list_becomes_a_short_ramp():
    assert value("pwl(0 0 1 0 1 5 2 5)", 0.999) == 0.0
    assert value("pwl(0 0 1 0 1 5 2 5)", 1.001) == 5.0


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("sin(0 1)", "SIN has 2 arguments"),
        ("pulse(1)", "PULSE has 1"),
        ("exp(0 1 0 0 1 1)", "positive"),
        ("sinn(0 1 1)", "sin"),
        ("pwl(0 1 1)", "without a value"),
        ("pwl(1 1 0 1)", "before"),
        ("pwl(0 1 1 2 r=0.5)", "not one of its times"),
        ("5 6", "twice"),
        ("sin(0 1 1k) sin(0 1 1k)", "two waveforms"),
        ("5 rser=1", "rser"),
        ("pulse(0 1 0 -1n 1n 1 2)", "negative"),
    ],
)
def test_refusals_name_the_fault(card, message):
    with pytest.raises(NetlistError, match=message):
        cards(f"v1 1 0 {card}")
