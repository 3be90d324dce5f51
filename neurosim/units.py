"""Numbers as SPICE writes them, and quantities as people read them.

Suffixes as in SPICE3 and ngspice 39.3 (run: ``1F`` is 1e-15, ``3m`` and ``3M`` are 3e-3, ``1mil`` is 25.4e-6 in a
source expression, ``10kohm`` is 1e4, ``1a`` is 1, ``1e3k`` is 1e6). Letters after the suffix are ignored. The
notation of IEC 60062 with the suffix in place of the decimal point (4k7, 2n2, 4R7) is taken too, as LTspice does.
"""

from __future__ import annotations

import functools
import math
import re

SUFFIXES: dict[str, float] = {
    "t": 1e12,
    "g": 1e9,
    "meg": 1e6,
    "k": 1e3,
    "mil": 25.4e-6,
    "m": 1e-3,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}
"""Scale of each suffix, in lower case; upper and lower case mean the same, so M is milli."""

_EXPONENTS = {
    "t": 12, "g": 9, "meg": 6, "k": 3, "r": 0, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
_PREFIXES = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f"}

_LETTERS = r"[^\W\d_]*"
_INFIX = re.compile(rf"([0-9]+)(meg|[tgkmunpfµμr])([0-9]+){_LETTERS}", re.IGNORECASE)
# An exponent may be cut by a line break after its sign, which the joining of lines turns into white space.
_PLAIN = re.compile(
    rf"((?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:(e)([+-]?)\s*([0-9]+))?(meg|mil|[tgkmunpfµμ])?{_LETTERS}", re.IGNORECASE
)
_JOINED = re.compile(r"[0-9.]+e\s+[0-9]", re.IGNORECASE)


def scan_number(text: str, start: int = 0) -> tuple[float, int] | None:
    """Read the unsigned number at `start` in `text`.

    Returns
    -------
    tuple of float and int, or None
        Value and the position after it (after ignored letters too); None where no well-formed number stands, such as
        ``1.2.3`` or ``10V2``. A number too large for float64 gives inf.
    """
    if match := _INFIX.match(text, start):
        whole, suffix, fraction = match.groups()
        value = float(f"{whole}.{fraction}e{_EXPONENTS[suffix.lower()]}")
    elif (match := _PLAIN.match(text, start)) and not _JOINED.match(text, start):
        mantissa, has_exponent, sign, exponent, suffix = match.groups()
        suffix = (suffix or "").lower()
        if has_exponent:
            value = float(f"{mantissa}e{sign}{exponent}") * SUFFIXES.get(suffix, 1.0)
        elif suffix in _EXPONENTS:
            # One conversion, so that 10u is the float64 nearest to 1e-5.
            value = float(f"{mantissa}e{_EXPONENTS[suffix]}")
        else:
            value = float(mantissa) * SUFFIXES.get(suffix, 1.0)
    else:
        return None
    end = match.end()
    if end < len(text) and (text[end].isalnum() or text[end] in "._"):
        return None
    return value, end


@functools.lru_cache(maxsize=4096)
def parse_number(text: str) -> float | None:
    """Value of a whole SPICE number with optional sign, such as ``"-4.7k"``, ``"4k7"`` or ``"10Meg"``.

    Returns
    -------
    float or None
        None if `text` is not a number or too large for float64.
    """
    text = text.strip()
    sign = -1.0 if text.startswith("-") else 1.0
    body = text[1:] if text[:1] in ("+", "-") else text
    if len(body) < 300 and body.isascii() and body.replace(".", "", 1).isdigit():
        return sign * float(body)
    # Most words on a card are names.
    scanned = scan_number(body) if body[:1] in "0123456789." else None
    if scanned is None or scanned[1] != len(body) or math.isinf(scanned[0]):
        return None
    return sign * scanned[0]


def format_si(value: float, unit: str = "", *, digits: int = 4) -> str:
    """Write a quantity for people: ``format_si(4700.0, "Ω")`` is ``"4.7 kΩ"``.

    Parameters
    ----------
    value : float
        In units of `unit`.
    unit : str, default ""
    digits : int, default 4
        Significant digits; trailing zeros are dropped.
    """
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    step = 3 * (power // 3)
    if step not in _PREFIXES or (not unit and step == 0):
        return f"{value:.{digits}g} {unit}".rstrip()
    scaled = f"{float(mantissa) * 10.0 ** (power - step):.{digits}g}"
    return f"{scaled} {_PREFIXES[step]}{unit}".rstrip()
