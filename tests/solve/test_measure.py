"""Measures against ngspice 39.3 (numbers of its own runs, hard-coded) and against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.circuit.model import Measure
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError
from neurosim.expressions import Expression, Name, Reference, bind, parse
from neurosim.results import Column, Result
from neurosim.solve.measure import _OPERATIONS, measure


def signal(text: str, **values: float) -> Expression:
    return bind(parse(text), values)


def card(operation: str, text: str = "", *, name: str = "m", analysis: str = "tran", **settings: object) -> Measure:
    for place in (settings, settings.get("trig", {}), settings.get("targ", {})):
        if isinstance(place.get("when"), str):
            left, right = place["when"].split("=")
            place["when"] = (signal(left), signal(right))
    return Measure(name, analysis, operation, signal(text) if text else None, settings)


def value(result: Result, operation: str, text: str = "", **settings: object) -> float:
    return measure(result, [card(operation, text, **settings)])["m"]


@pytest.fixture(scope="module")
def corners() -> Result:
    """V1 a 0 PWL(0 0 1m 1 2m 0 3m 1 4m -1 5m 0 6m -1 7m 1 8m 1); V2 b 0 PWL(0 0 1m -1 2m 1); .tran 0.1m 8m 0 0.1m"""
    t = np.union1d(np.arange(81) * 1e-4, np.arange(9) * 1e-3)
    t = t[np.concatenate([[True], np.diff(t) > 1e-9])]
    a = np.interp(t, np.arange(9) * 1e-3, [0, 1, 0, 1, -1, 0, -1, 1, 1])
    a[np.abs(a) < 1e-12] = 0.0
    a[np.abs(a - 1) < 1e-12] = 1.0
    b = np.interp(t, np.arange(3) * 1e-3, [0, -1, 1])
    return Result.build("time", t, {"v(a)": Column(a, "V"), "v(b)": Column(b, "V")})


# Printed by ngspice 39.3 for the netlist of `corners`.
NGSPICE_CROSSINGS = [
    ("v(a)=0", {"cross": 1}, 0.0), ("v(a)=0", {"cross": 2}, 2e-3), ("v(a)=0", {"cross": 3}, 2e-3),
    ("v(a)=0", {"cross": 4}, 3.5e-3), ("v(a)=0", {"cross": 5}, 5e-3), ("v(a)=0", {"cross": 6}, 5e-3),
    ("v(a)=0", {"cross": 7}, 6.5e-3), ("v(a)=0", {"rise": 1}, 0.0), ("v(a)=0", {"rise": 2}, 2e-3),
    ("v(a)=0", {"fall": 1}, 2e-3), ("v(a)=0", {"fall": 2}, 3.5e-3), ("v(b)=0", {"cross": 1}, 1.5e-3),
    ("v(a)=1", {}, 1e-3), ("v(a)=1", {"cross": 2}, 1e-3), ("v(a)=1", {"cross": 3}, 3e-3),
    ("v(a)=0", {"rise": "last"}, 6.5e-3), ("v(a)=0", {"fall": "last"}, 5e-3),
]  # fmt: skip


@pytest.mark.parametrize(("when", "settings", "expected"), NGSPICE_CROSSINGS)
def test_crossings_are_those_of_ngspice(corners, when, settings, expected):
    assert value(corners, "when", when=when, **settings) == pytest.approx(expected, abs=1e-12)


def test_interval_is_that_of_ngspice(corners):
    trig = {"when": "v(a)=0.5", "td": 1.2e-3, "rise": 1}
    found = value(corners, "trig_targ", trig=trig, targ={"when": "v(a)=0.5", "rise": "last"})
    assert found == pytest.approx(4.25e-3, abs=1e-12)


@pytest.fixture(scope="module")
def filtered() -> Result:
    """V1 in 0 SIN(0 1 1k); R1 in out 1k; C1 out 0 0.1u; .tran 10u 3m 0 2u, in closed form."""
    t = np.arange(3001) * 1e-6
    w, tau = 2e3 * np.pi, 1e-4
    gain = 1 / (1 + 1j * w * tau)
    out = np.imag(gain * np.exp(1j * w * t)) - gain.imag * np.exp(-t / tau)
    return Result.build("time", t, {"v(in)": np.sin(w * t), "v(out)": out, "i(v1)": (out - np.sin(w * t)) / 1e3})


# Printed by ngspice 39.3 for the netlist of `filtered`; its own error is about 1e-4 of the amplitude.
NGSPICE_FILTERED = [
    ("rms", "v(out)", {"from": 1e-3, "to": 2e-3}, 5.98728e-01),
    ("min", "v(out)", {}, -8.467145e-01), ("max", "v(out)", {}, 8.622283e-01),
    ("pp", "v(out)", {"from": 1e-3, "to": 3e-3}, 1.693430),
    ("integ", "v(out)", {"from": 1.003e-3, "to": 2.5e-3}, 2.29546e-04),
    ("find", "v(out)", {"at": 1.2345e-3}, 6.697475e-01),
    ("find", "v(out)", {"when": "v(in)=0.5", "rise": 2}, -3.163217e-02),
    ("find", "v(out)", {"when": "v(in)=0.5", "rise": 1, "from": 1e-3}, -3.163217e-02),
    ("when", "", {"when": "v(out)=0.25"}, 1.07380e-04), ("when", "", {"when": "v(out)=0.25", "cross": 3}, 1.13699e-03),
    ("when", "", {"when": "v(out)=0.25", "cross": "last"}, 2.54158e-03),
    ("when", "", {"when": "v(out)=0.25", "fall": 2}, 1.54158e-03),
    ("when", "", {"when": "v(out)=v(in)"}, 3.34534e-04),
    ("when", "", {"when": "v(out)=0.25", "rise": 1, "td": 1.5e-3}, 2.13699e-03),
    ("when", "", {"when": "v(out)=0.25", "rise": 1, "from": 1.5e-3}, 2.13699e-03),
    ("trig_targ", "", {"trig": {"when": "v(in)=0.1", "rise": 1}, "targ": {"when": "v(out)=0.1", "rise": 1}},
     4.680186e-05),
    ("trig_targ", "", {"trig": {"at": 0.5e-3}, "targ": {"when": "v(out)=0.1", "rise": 2}}, 6.081232e-04),
    ("trig_targ", "", {"trig": {"when": "v(in)=0.1", "td": 1e-3, "rise": 1},
                       "targ": {"when": "v(out)=0.1", "td": 2e-3, "fall": 1}}, 1.554501e-03),
    ("trig_targ", "", {"trig": {"when": "v(in)=0.1", "rise": 2}, "targ": {"when": "v(out)=0.1", "rise": 1}},
     -9.531981e-04),
    ("avg", "v(out)", {"from": 2.9e-3, "to": 9e-3}, -6.389775e-01),
    ("integ", "i(v1)", {"from": 0.0, "to": 1e-3}, 4.50445e-08),
    ("max_at", "v(out)", {}, 3.342434e-04), ("min_at", "v(out)", {"from": 1e-3, "to": 3e-3}, 2.840243e-03),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "text", "settings", "expected"), NGSPICE_FILTERED)
def test_transient_measures_agree_with_ngspice(filtered, operation, text, settings, expected):
    # Where a flat top is highest, and how the ends of a window are cut, ngspice's own steps decide.
    tolerance = 2e-6 if operation.endswith("_at") else 1e-3 * abs(expected)
    assert value(filtered, operation, text, **settings) == pytest.approx(expected, abs=tolerance)


def test_average_is_that_of_whole_periods(filtered):
    # ngspice 39.3 prints 0.359167: its window runs on to the next point.
    expected = 0.5 * np.real(1 / (1 + 2e-1j * np.pi))
    found = value(filtered, "avg", "v(in)*v(out)", **{"from": 1e-3, "to": 2e-3})
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope="module")
def response() -> Result:
    """V1 in 0 ac 1; R1 in out 1k; C1 out 0 1u; R2 out 0 9k; .ac dec 20 1 100k, in closed form."""
    f = 10 ** (np.arange(101) / 20)
    out = 1 / (1 + 1e3 * (1 / 9e3 + 2j * np.pi * f * 1e-6))
    return Result.build("frequency", f, {"v(in)": np.ones(101, complex), "v(out)": out})


# Printed by ngspice 39.3 with vdb(out), vm(out).
NGSPICE_RESPONSE = [
    ("find", "20*log10(v(out))", {"at": 1e3}, -16.09733), ("find", "v(out)", {"at": 1e3}, 1.567233e-01),
    ("find", "v(out)", {"at": 1.05e3}, 1.499186e-01),
    ("when", "", {"when": "20*log10(v(out))=0-3", "fall": 1}, 1.387808e2),
    ("when", "", {"when": "v(out)=0.5"}, 2.651388e2), ("pp", "20*log10(v(out)/v(in))", {}, 5.504832e1),
    ("integ", "20*log10(v(out))", {"from": 10.0, "to": 100.0}, -1.24800e2), ("rms", "v(out)", {}, 4.73745e-02),
    ("trig_targ", "", {"trig": {"when": "20*log10(v(out))=0-3", "fall": 1},
                       "targ": {"when": "20*log10(v(out))=0-20", "fall": 1}}, 1.443083e3),
    ("max_at", "v(out)", {}, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "text", "settings", "expected"), NGSPICE_RESPONSE)
def test_ac_measures_agree_with_ngspice(response, operation, text, settings, expected):
    # Root mean squares: ngspice takes Simpson's rule for the squares of unevenly spaced points.
    tolerance = 5e-3 if operation == "rms" else 2e-5
    assert value(response, operation, text, analysis="ac", **settings) == pytest.approx(expected, rel=tolerance)


def test_ac_differences_are_complex(response):
    expected = np.abs(response["v(in)"] - response["v(out)"])[40]
    for text in ("v(in)-v(out)", "v(in,out)"):
        assert value(response, "find", text, analysis="ac", at=response.axis[40]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("direction", [1, -1])
def test_dc_measures_agree_with_ngspice(direction):
    # V1 in 0; R1 in out 1k; R2 out 0 9k; .dc v1 -1 2 0.25
    v = np.arange(-1, 2.01, 0.25)[::direction]
    result = Result.build("v1", v, {"v(out)": 0.9 * v, "i(v1)": -1e-4 * v})
    expected = {
        ("max", "v(out)"): 1.8, ("avg", "v(out)", ("from", 0.0), ("to", 1.0)): 0.45, ("integ", "v(out)"): 1.35,
        ("pp", "v(out)"): 2.7, ("rms", "v(out)"): 0.9, ("find", "v(out)", ("at", 0.1)): 0.09,
        ("find", "i(v1)", ("when", "v(out)=0.9")): -1e-4, ("when", "", ("when", "v(out)=0.5")): 0.5555556,
        ("deriv", "v(out)", ("at", 0.1)): 0.9,
    }  # fmt: skip
    for (operation, text, *settings), number in expected.items():
        found = value(result, operation, text, analysis="dc", **dict(settings))
        assert found == pytest.approx(number, rel=1e-6), operation
    assert np.isnan(value(result, "when", when="v(out)=0.5", rise=1)) == (direction < 0)


def test_operating_point_has_values_but_no_axis():
    result = Result.build(None, None, {"v(out)": 0.5})
    for operation in ("find", "max", "min", "avg", "rms"):
        assert value(result, operation, "2*v(out)", analysis="op") == 1.0
    assert np.isnan(value(result, "integ", "v(out)", analysis="op"))
    assert "operating point has no axis" in result.attrs["notes"][0]


def test_param_uses_earlier_measures(corners):
    first = card("max", "v(a)", name="top")
    second = Measure("both", "tran", "param", Expression(parse("2*top+1").node))
    lost = card("when", name="lost", when="v(a)=7")
    third = Measure("none", "tran", "param", Expression(Name("lost")))
    found = measure(corners, [first, second, lost, third])
    assert found["both"] == 3.0
    assert np.isnan(found["lost"])
    assert np.isnan(found["none"])


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (card("when", when="v(a)=7"), "v(a) = 7 has no crossings"),
        (card("when", when="v(a)=0.5", rise=9), "has 3 rises"),
        (card("when", when="v(a)=0.5", rise=1, to=1e-6), "has no rises up to 1e-06"),
        (card("find", "v(a)", at=9e-3), "time = 0.009 lies outside the result"),
        (card("max", "v(zz)"), "no 'v(zz)'"),
        (card("avg", "v(a)", **{"from": 1.0}), "nothing lies between"),
        (card("max", "1/v(a)"), "its value is inf"),
        (card("max", "ddt(v(a))"), "'ddt' cannot be measured"),
        (card("param", "v(a)"), "changes along the axis"),
        (card("deriv", "v(a)", at=1.0), "lies outside"),
    ],
)
def test_failure_is_nan_with_a_note(corners, one, why):
    result = Result.build("time", corners.axis, dict(corners.columns), attrs={"notes": ["kept"]})
    assert np.isnan(measure(result, [one])["m"])
    assert result.attrs["notes"][0] == "kept"
    assert result.attrs["notes"][1].startswith("measure 'm' failed: ")
    assert why in result.attrs["notes"][1]


def test_result_without_points_fails_softly():
    result = Result.build("time", [], {"v(a)": []})
    shared = {"at": 1.0, "when": (signal("v(a)"), signal("0")), "trig": {"at": 0.0}}
    for operation in _OPERATIONS:
        settings = {**shared, "targ": {"when": shared["when"]}}
        assert np.isnan(measure(result, [Measure("m", "tran", operation, signal("v(a)"), settings)])["m"]), operation


def test_nested_sweeps_give_arrays():
    x = np.linspace(0, 1, 5)
    result = Result.build("v1", x, {"v(a)": np.outer([1, 2, 3], x)}, extra_dims={"r1": [10.0, 20.0, 30.0]})
    found = measure(result, [card("max", "v(a)", analysis="dc"), card("when", name="half", when="v(a)=1.5")])
    np.testing.assert_array_equal(found["m"], [1, 2, 3])
    np.testing.assert_allclose(found["half"], [np.nan, 0.75, 0.5])
    assert result.attrs["notes"] == ["measure 'half' failed at r1 = 10: v(a) = 1.5 has no crossings"]


def test_states_and_axis_can_be_measured():
    result = Result.build("time", [0.0, 1.0, 2.0], {"m1.x": [0.0, 0.5, 0.2]})
    state = Expression(Name("m1.x"), text="m1.x")
    assert measure(result, [Measure("m", "tran", "max", state)])["m"] == 0.5
    assert value(result, "max", "time") == 2.0


def test_cards_of_a_netlist_can_name_states_and_measures():
    circuit = read_netlist(
        "t\n.param half=0.5\nV1 a 0 1\nYMEMRISTOR M1 a 0 hp\n.model hp memristor level=101\n.tran 1m 1\n"
        ".meas tran top max m1.x\n.meas tran end find 'half*m1.x' at=2\n.meas tran both param='top+end'\n.end\n"
    )
    result = Result.build("time", [0.0, 1.0, 2.0], {"m1.x": [0.0, 0.5, 0.2]})
    assert measure(result, circuit.measures) == pytest.approx({"top": 0.5, "end": 0.1, "both": 0.6})
    with pytest.raises(NetlistError, match="'m1' has no state 'y'"):
        read_netlist("t\nV1 a 0 1\nYMEMRISTOR M1 a 0 hp\n.model hp memristor level=101\n.meas tran t max m1.y\n")


def test_all_expressions_of_a_card():
    both = {"when": (signal("v(b)"), signal("v(c)"))}
    one = Measure("m", "tran", "trig_targ", None, {"trig": both, "targ": {"when": (signal("i(v1)"), signal("0"))}})
    found = [str(r) for e in (*one.expressions(), *card("find", "v(a)", when="v(d)=1").expressions())
             for r in e.references]  # fmt: skip
    assert found == ["v(b)", "v(c)", "i(v1)", "v(a)", "v(d)"]
    assert signal("v(a)").references == (Reference("v", ("a",)),)


curves = st.lists(st.tuples(st.floats(0.01, 1), st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])), min_size=2, max_size=30)


@given(curves, st.floats(0, 1), st.floats(0, 1))
def test_windows_add_up(curve, first, second):
    steps, levels = zip(*curve, strict=True)
    t = np.cumsum(steps)
    result = Result.build("time", t, {"v(a)": np.array(levels)})
    low, high = sorted(t[0] + s * (t[-1] - t[0]) for s in (first, second))
    parts = [
        value(result, "integ", "v(a)", **{"from": a, "to": b}) for a, b in ((t[0], low), (low, high), (high, t[-1]))
    ]
    assert sum(parts) == pytest.approx(np.trapezoid(levels, t), abs=1e-9)
    rms, mean = (value(result, name, "v(a)", **{"from": low, "to": high}) for name in ("rms", "avg"))
    assert rms >= abs(mean) - 1e-9


@given(curves)
def test_rises_and_falls_take_turns(curve):
    steps, levels = zip(*curve, strict=True)
    result = Result.build("time", np.cumsum(steps), {"v(a)": np.array(levels)})
    found: dict[str, list[float]] = {"rise": [], "fall": [], "cross": []}
    for edge, places in found.items():
        while not np.isnan(place := value(result, "when", when="v(a)=0", **{edge: len(places) + 1})):
            places.append(place)
            assert value(result, "find", "v(a)", at=place) == pytest.approx(0, abs=1e-6)
    assert found["cross"] == sorted([*found["rise"], *found["fall"]])
    assert abs(len(found["rise"]) - len(found["fall"])) <= 1
