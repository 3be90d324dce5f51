"""What functions and operators mean in each dialect, in sources (behaviours) and in ``{...}`` (constants)."""

import math
from pathlib import Path

import pytest

from neurosim.errors import NetlistError
from neurosim.expressions import DIALECTS, FUNCTIONS, Number, Slot, bind, evaluate, parse
from neurosim.expressions.functions import REFUSED, STATE_FUNCTIONS

NETS = {"v(a)": -2.0, "v(b)": 3.0, "v(c)": 0.5, "v(d)": -0.5, "v(z)": 0.0}


def behaviour(text: str, dialect="ngspice") -> float:
    """Value of a source expression at the voltages `NETS`."""
    node = bind(parse(text, dialect=dialect), NETS).node
    assert isinstance(node, Number | Slot)
    return node.value


# Values that ngspice 39.3 prints for `b1 o 0 v=TEXT` with sources of NETS volts and without a compatibility mode.
NGSPICE_SOURCE = {
    "v(a)^v(b)": 8.0,
    "v(a)**v(b)": 8.0,
    "pow(v(a),v(b))": 8.0,
    "pwr(v(a),v(b))": -8.0,
    "v(a)^v(c)": 1.41421356237310,
    "pow(v(a),v(c))": 1.41421356237310,
    "pwr(v(a),v(c))": -1.4142135623731,
    "(-2)^3": 8.0,
    "-v(a)^2": -4.0,
    "-2^2": -4.0,
    "2^3^2": 64.0,
    "2**3**2": 64.0,
    "2^-1": 0.5,
    "nint(0.5)": 0.0,
    "nint(1.5)": 2.0,
    "nint(2.5)": 2.0,
    "nint(-0.5)": 0.0,
    "u(v(z))": 0.5,
    "u2(v(c))": 0.5,
    "uramp(v(d))": 0.0,
    "sgn(v(z))": 0.0,
    "log10(100)": 2.0,
    "!v(c)": 0.0,
    "1&&0||1": 1.0,
    "1||0&&0": 1.0,
    "v(a)>-3 ? 5 : 6": 5.0,
    "1 ? 2 : 0 ? 3 : 4": 2.0,
    "0 ? 2 : 0 ? 3 : 4": 4.0,
    "2--3": 5.0,
    "2*-3": -6.0,
    "2^-3": 0.125,
    "pwl(v(b),0,1,1,2,2,5)": 8.0,
    "pwl(v(a),0,1,1,2,2,5)": -1.0,
    "!0+1": 2.0,
    "!1*0": 0.0,
    "1==1": 1.0,
    "3!=3": 0.0,
    "1<>2": 1.0,
    "1>0==1": 1.0,
    "1<2<3": 1.0,
    "1+2<4": 1.0,
    "log(10)": 2.30258509299405,
    "sinh(1)+cosh(1)+tanh(1)+asinh(1)+acosh(2)+atanh(0.5)+atan(1)": 7.01291177609067,
    "floor(-1.5)+10*ceil(-1.5)": -12.0,
    "min(v(a),v(b))+max(v(a),v(b))": 1.0,
    "v(z)^0": 1.0,
    "v(z)^v(z)": 1.0,
    "ternary_fcn(1,2,3)": 2.0,
    "pi": 3.14159265358979,
    "e": 2.71828182845905,
    "2e3k": 2e6,
    "1mil": 2.54e-05,
}

# Values that ngspice 39.3 prints for `v1 o 0 {TEXT}` with .param pa=-2 and .param pb=3.
NGSPICE_CONSTANT = {
    "pow(pa,pb)": -8.0,
    "pwr(pa,pb)": 8.0,
    "pa^pb": 8.0,
    "pa**pb": 8.0,
    "pa^0.5": 1.41421356237310,
    "-2^2": -4.0,
    "-pa^2": -4.0,
    "2^3^2": 64.0,
    "2--3": 5.0,
    "5%3": 2.0,
    "-5%3": -2.0,
    "5%-3": 2.0,
    "int(-1.5)": -1.0,
    "nint(2.5)": 2.0,
    "nint(-0.5)": 0.0,
    "sgn(-3)": -1.0,
    "1<>2": 1.0,
    "!0+1": 2.0,
    "1&&0||1": 1.0,
    "0?2:0?3:4": 4.0,
    "floor(-1.5)": -2.0,
    "arctan(1)": 0.785398163397448,
    "sqr(3)": 9.0,
    "min(1,2)": 1.0,
}


@pytest.mark.parametrize("text", NGSPICE_SOURCE)
def test_ngspice_sources(text: str) -> None:
    assert behaviour(text) == pytest.approx(NGSPICE_SOURCE[text], rel=2e-14)


@pytest.mark.parametrize("text", NGSPICE_CONSTANT)
def test_ngspice_constants(text: str) -> None:
    assert evaluate(parse(text), {"pa": -2.0, "pb": 3.0}) == pytest.approx(NGSPICE_CONSTANT[text], rel=2e-14)


# ngspice 39.3 stops with an error at each of these as a constant: none has a finite real value.
@pytest.mark.parametrize("text", ["pow(pa,0.5)", "1/0", "sqrt(-1)", "log(-1)", "ln(0)", "exp(800)", "asin(2)"])
def test_ngspice_constants_without_value(text: str) -> None:
    with pytest.raises(NetlistError):
        evaluate(parse(text), {"pa": -2.0})


# From the help of LTspice and the user's guide of PSpice; sources in neurosim.expressions.dialects.
@pytest.mark.parametrize(
    ("text", "ltspice", "pspice"),
    [
        ("v(a)**v(b)", -8.0, -8.0),
        ("v(a)**1.5", 0.0, None),
        ("v(a)**1.25", 2.0**1.25 * math.cos(1.25 * math.pi), None),
        ("pow(v(a),3)", -8.0, -8.0),
        ("pwr(v(a),3)", 8.0, 8.0),
        ("pwrs(v(a),3)", -8.0, -8.0),
        ("2^3", 0.0, 8.0),
        ("0^3", 1.0, 0.0),
        ("limit(1,0,0.5)", 0.5, 0.5),
        ("limit(1,0.5,0)", 0.5, 0.0),
        ("limit(v(a),-1,1)", -1.0, -1.0),
        ("if(v(c),1,2)", 2.0, 1.0),
        ("if(v(b)>0,1,2)", 1.0, 1.0),
        ("v(c) ? 1 : 2", 2.0, 1.0),
        ("!v(c)", 1.0, 0.0),
        ("v(c)&1", 0.0, 1.0),
        ("v(c)|0", 0.0, 1.0),
        ("u(v(z))", 0.0, 0.0),
        ("stp(v(z))+stp(v(c))", 1.0, 1.0),
        ("log(v(b))", math.log(3.0), math.log(3.0)),
        ("table(v(b),0,1,1,2)", 2.0, 2.0),
        ("table(v(a),0,1,1,2)", 1.0, 1.0),
        ("table(v(c),0,1,1,2)", 1.5, 1.5),
        ("table(v(c),0,7)", 7.0, 7.0),
        ("sqrt(v(a))", 0.0, None),
        ("asin(-5)", -math.pi / 2, None),
        ("acos(-5)", math.pi, None),
        ("acosh(0.5)", 0.0, None),
        ("-2**1.5", 0.0, -(2.0**1.5)),
    ],
)
def test_ltspice_and_pspice(text: str, ltspice: float, pspice: float | None) -> None:
    assert behaviour(text, "ltspice") == pytest.approx(ltspice, abs=1e-15)
    if pspice is None:
        with pytest.raises(NetlistError, match="is not a real number"):
            behaviour(text, "pspice")
    else:
        assert behaviour(text, "pspice") == pytest.approx(pspice, abs=1e-15)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("abs(v(a))", 2.0),
        ("sqrt(v(b))", math.sqrt(3.0)),
        ("exp(v(c))", math.exp(0.5)),
        ("ln(v(b))", math.log(3.0)),
        ("log10(v(b))", math.log10(3.0)),
        ("sin(v(b))", math.sin(3.0)),
        ("cos(v(b))", math.cos(3.0)),
        ("tan(v(b))", math.tan(3.0)),
        ("asin(v(c))", math.asin(0.5)),
        ("arcsin(v(c))", math.asin(0.5)),
        ("acos(v(c))", math.acos(0.5)),
        ("arccos(v(c))", math.acos(0.5)),
        ("atan(v(b))", math.atan(3.0)),
        ("sinh(v(b))", math.sinh(3.0)),
        ("cosh(v(b))", math.cosh(3.0)),
        ("tanh(v(b))", math.tanh(3.0)),
        ("asinh(v(b))", math.asinh(3.0)),
        ("acosh(v(b))", math.acosh(3.0)),
        ("atanh(v(c))", math.atanh(0.5)),
        ("atan2(v(a),v(b))", math.atan2(-2.0, 3.0)),
        ("hypot(v(a),v(b))", math.hypot(2.0, 3.0)),
        ("mod(v(b),v(a))", 1.0),
        ("square(v(a))", 4.0),
        ("int(v(b)/v(a))", -1.0),
        ("round(v(c))+10*round(v(d))+100*round(2.4)", 1.0 - 10.0 + 200.0),
        ("sgn(v(a))+sign(v(b))", 0.0),
        ("sign(v(b),v(a))", -3.0),
        ("u(v(b))+u(v(a))", 1.0),
        ("stp(v(b))+stp(v(a))", 1.0),
        ("uramp(v(b))", 3.0),
        ("buf(v(b))+buf(v(a))", 1.0),
        ("inv(v(b))+inv(v(a))", 1.0),
        ("eq0(v(z))+2*ne0(v(z))+4*gt0(v(a))+8*lt0(v(a))+16*ge0(v(a))+32*le0(v(a))", 41.0),
        ("kelvin", -273.15),
        ("boltz/echarge", 1.380649e-23 / 1.602176634e-19),
        ("v(b)%2", 1.0),
        ("(v(a)<v(b))+(v(a)<=-2)+(v(a)>=-2)+(v(a)==-2)+(v(a)!=-2)", 4.0),
        ("pwrs(v(d),2)", -0.25),
    ],
)
def test_all_dialects_agree(text: str, value: float, dialect) -> None:
    assert behaviour(text, dialect) == pytest.approx(value, rel=1e-15)


def test_every_builtin_function_is_tested() -> None:
    tested = " ".join((*NGSPICE_SOURCE, *NGSPICE_CONSTANT, Path(__file__).read_text(encoding="utf-8")))
    assert [name for name in FUNCTIONS if f"{name}(" not in tested] == []


@pytest.mark.parametrize("name", [*REFUSED, "limit"])
def test_refused_by_name_with_a_reason(name: str) -> None:
    assert name == "limit" or name not in FUNCTIONS
    with pytest.raises(NetlistError, match=f"'{name}' is not supported: ..."):
        bind(parse(f"{name}(v(a), 1, 2)"))


def test_hertz_is_refused() -> None:
    with pytest.raises(NetlistError, match="'hertz' is not supported"):
        bind(parse("2*pi*hertz"))


def test_state_functions_are_no_constants() -> None:
    for name in STATE_FUNCTIONS:
        with pytest.raises(NetlistError, match=f"'{name}' needs an analysis in time"):
            evaluate(parse(f"{name}(1)"))
