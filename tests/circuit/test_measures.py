"""``.measure`` cards of ngspice and LTspice."""

import pytest
from netlist_reading import read, refusal

from neurosim.expressions import Expression, evaluate, to_text

CIRCUIT = "V1 a 0 1\nR1 a b 1k\nC1 b 0 1u\n.param w=2\n.tran 1u 1m\n"


def plain(value):
    """Expressions as text."""
    if isinstance(value, Expression):
        return to_text(value.node)
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("card", "operation", "expression", "settings"),
    [
        ("avg v(a) from=1u to={w*1u}", "avg", "v(a)", {"from": 1e-6, "to": 2e-6}),
        ("RMS V(a)*I(V1)", "rms", "(v(a) * i(v1))", {}),
        ("integ v(a,b) from 1u to 2u", "integ", "v(a,b)", {"from": 1e-6, "to": 2e-6}),
        ("pp 'v(a)+w'", "pp", "(v(a) + 2.0)", {}),
        ("min_at par('v(a)')", "min_at", "v(a)", {}),
        ("find v(a) at=3u", "find", "v(a)", {"at": 3e-6}),
        ("FIND v(a) AT 3u", "find", "v(a)", {"at": 3e-6}),
        ("deriv v(b) at=1u", "deriv", "v(b)", {"at": 1e-6}),
        (
            "find v(a) when v(b)=0.5 rise=2",
            "find",
            "v(a)",
            {"when": ("v(b)", "0.5"), "rise": 2.0},
        ),
        ("when v(b)=3*v(a) cross=LAST", "when", None, {"when": ("v(b)", "(3.0 * v(a))"), "cross": "last"}),
        (
            "trig v(a) val=0.5 rise=1 targ v(b) val='w/4' fall=2 td=1u",
            "trig_targ",
            None,
            {"trig": {"when": ("v(a)", "0.5"), "rise": 1.0},
             "targ": {"when": ("v(b)", "0.5"), "fall": 2.0, "td": 1e-6}},
        ),
        (
            "TRIG AT=1u TARG v(b)=0.5 CROSS=1",
            "trig_targ",
            None,
            {"trig": {"at": 1e-6}, "targ": {"when": ("v(b)", "0.5"), "cross": 1.0}},
        ),
    ],
)  # fmt: skip
def test_forms(card, operation, expression, settings):
    for prefix in (".measure tran m1", ".meas m1"):
        (found,) = read(f"{CIRCUIT}{prefix} {card}").measures
        assert (found.name, found.analysis, found.operation) == ("m1", "tran", operation)
        assert plain(found.expression) == expression
        assert plain(dict(found.settings)) == settings


def test_param_uses_earlier_measures():
    cards = ".meas tran m1 max v(a)\n.meas tran m2 param='2*m1+w'\n.func f(x)={x*10}\n.meas tran m3 PARAM f(m2)-m1"
    measures = read(CIRCUIT + cards).measures
    assert evaluate(measures[1].expression, {"m1": 5.0}) == 12.0
    assert evaluate(measures[2].expression, {"m1": 5.0, "m2": 12.0}) == 115.0


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (".meas tran m1 median v(a)", "unknown measure operation 'median'"),
        (".meas tran m1 avg v(c)", "no net 'c'"),
        (".meas tran m1 find v(a)", "without at= or when"),
        (".meas tran m1 when v(a)", "needs a value"),
        (".meas tran m1 trig v(a) val=1", "trig without targ"),
        (".meas tran m1 avg v(a) form=1", "'from'"),
        (".meas tran m1 avg v(a) trig v(a) val=1", "use from= to="),
        (".meas tran m1 when v(a)=1 rise=1 fall=1", "exclude one another"),
        (".meas tran m1 when v(a)=1 rise=1.5", "1, 2, ... or last"),
        (".meas tran m1 avg v(a) at=", "ends where a number"),
        (".meas tran m1 param='m0'", "unknown parameter 'm0'"),
        (".meas tran m1 avg v(a)\n.meas tran m1 max v(a)", "defined twice"),
        (".meas noise m1 avg v(a)", "no 'noise' analysis"),
        (".meas m1 avg v(a)\n.op", "of which analysis"),
        (".meas tran m1 avg v(a) from=1 from=2", "given twice"),
        (".meas", "ends where a word"),
    ],
)
def test_refusals(card, words):
    error = refusal(CIRCUIT + card)
    assert words in str(error)
    assert error.location is not None
    assert error.location.line in (7, 8)
