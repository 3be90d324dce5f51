"""Numbers with SPICE suffixes, and quantities for people."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.units import SUFFIXES, format_si, parse_number, scan_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # ngspice 39.3 gives these values in source expressions.
        ("10kohm", 1e4),
        ("1meg", 1e6),
        ("1mil", 25.4e-6),
        ("1F", 1e-15),
        ("3m", 3e-3),
        ("3M", 3e-3),
        ("1a", 1.0),
        ("1e3k", 1e6),
        (".5", 0.5),
        ("5.", 5.0),
        ("2e3k", 2e6),
        # The rest is notation that ngspice does not take or that needs no simulator.
        ("4k7", 4700.0),
        ("4R7", 4.7),
        ("2n2", 2.2e-9),
        ("1Meg5", 1.5e6),
        ("4k7ohm", 4700.0),
        ("10µ", 1e-5),
        ("10μF", 1e-5),
        ("-3", -3.0),
        ("+2.5G", 2.5e9),
        ("1e", 1.0),
        ("10V", 10.0),
        ("1e- 9", 1e-9),
        (" 7t ", 7e12),
    ],
)
def test_number(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "k", "1.2.3", "10V2", "1_000", "0x10", "1e 9", "1 k", "--1", "1e999", "nan", "inf", "e5", "1+2", "1k.5"],
)
def test_not_a_number(text: str) -> None:
    assert parse_number(text) is None


@given(
    st.floats(min_value=0.0, allow_infinity=False), st.sampled_from(["", *SUFFIXES]), st.sampled_from(["", "ohm", "V"])
)
def test_suffix_scales(value: float, suffix: str, unit: str) -> None:
    expected = value * SUFFIXES.get(suffix, 1.0)
    found = parse_number(f"{value!r}{suffix or ''}{unit if suffix else ''}")
    if math.isinf(expected):
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=1e-15, abs=1e-320)


def test_decimal_suffix_is_correctly_rounded() -> None:
    assert parse_number("10u") == 1e-5
    assert parse_number("0.3m") == 0.3e-3


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    value = parse_number(text)
    assert value is None or math.isfinite(value)


def test_long_digits() -> None:
    assert parse_number("1" * 5000) is None
    assert parse_number("0." + "1" * 60000) == pytest.approx(1 / 9)
    assert parse_number("1e" + "9" * 60000) is None


def test_scan_stops_after_the_letters() -> None:
    assert scan_number("3*4k7ohm+1", 2) == (4700.0, 8)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4700.0, "Ω", "4.7 kΩ"),
        (1e-7, "V", "100 nV"),
        (-2.2e-3, "A", "-2.2 mA"),
        (999.96, "V", "1 kV"),
        (0.0, "V", "0 V"),
        (1e-20, "V", "1e-20 V"),
        (123456.0, "Hz", "123.5 kHz"),
        (math.nan, "V", "nan V"),
        (5.0, "", "5"),
    ],
)
def test_format(value: float, unit: str, text: str) -> None:
    assert format_si(value, unit) == text
