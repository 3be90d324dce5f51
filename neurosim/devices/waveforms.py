"""Waveforms of independent sources: how they are stored, their values, and the corners where a step must end.

A waveform is a row of numbers (`Instance.table`): its kind, then its arguments. An empty row is a constant source.
The formulas are those of ngspice 39 (manual, section "Independent sources for voltage or current"), each compared
with its output to 1e-12, with t' = t - td and phases in radians here:

- ``SIN vo va f td theta phase``: ``vo + va sin(phase)`` until td, then
  ``vo + va exp(-theta t') sin(2 pi f t' + phase)``
- ``PULSE v1 v2 td tr tf pw per n``: v1, a ramp of tr, v2 for pw, a ramp of tf, v1; repeated n times (0: for ever)
- ``EXP v1 v2 td1 tau1 td2 tau2``: ``v1 + (v2 - v1)(1 - exp(-(t - td1)/tau1)) + (v1 - v2)(1 - exp(-(t - td2)/tau2))``
- ``SFFM vo va fc mdi fs phase_c phase_s``: ``vo + va sin(2 pi fc t + phase_c + mdi sin(2 pi fs t + phase_s))``
- ``AM va vo mf fc td``: ``va (vo + sin(2 pi mf t')) sin(2 pi fc t')``, 0 until td
- ``PWL repeat_start t0 v0 t1 v1 ...``: linear between the points, constant outside; if `repeat_start` is not NaN, the
  part from there to the last point is repeated for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from neurosim.errors import ParameterError
from neurosim.kernels.abi import ANALYSIS, OPERATING_POINT, SOURCE_SCALE, TIME, helper

SIN, PULSE, EXP, SFFM, AM, PWL = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0
"""First number of a stored waveform."""

FIRST_POINT = 2
"""Place of the first PWL time in the row."""

LARGEST_BREAKPOINT_COUNT = 1_000_000
"""More corners than this in one analysis are refused."""

TWO_PI = 2.0 * math.pi
DEGREE = math.pi / 180.0


@helper
def source_value(context, constant, table, start, length):
    """Value of an independent source now: its DC value in an operating point if it has one, else its waveform."""
    if length == 0 or (context[ANALYSIS] == OPERATING_POINT and constant == constant):
        value = constant if constant == constant else 0.0
    elif context[ANALYSIS] == OPERATING_POINT:
        value = waveform_value(0.0, table, start, length)
    else:
        value = waveform_value(context[TIME], table, start, length)
    return value * context[SOURCE_SCALE]


@helper
def waveform_value(time, table, start, length):
    """Value at `time` of the waveform stored in ``table[start : start + length]``."""
    kind = table[start]
    if kind == SIN:
        angle = table[start + 6] * DEGREE
        rest = time - table[start + 4]
        if rest <= 0.0:
            return table[start + 1] + table[start + 2] * math.sin(angle)
        swing = table[start + 2] * math.exp(-table[start + 5] * rest)
        return table[start + 1] + swing * math.sin(TWO_PI * table[start + 3] * rest + angle)
    if kind == PULSE:
        return pulse_value(time - table[start + 3], table, start)
    if kind == EXP:
        value = table[start + 1]
        swing = table[start + 2] - value
        if time > table[start + 3]:
            value -= swing * math.expm1(-(time - table[start + 3]) / table[start + 4])
        if time > table[start + 5]:
            value += swing * math.expm1(-(time - table[start + 5]) / table[start + 6])
        return value
    if kind == SFFM:
        inner = table[start + 4] * math.sin(TWO_PI * table[start + 5] * time + table[start + 7] * DEGREE)
        outer = TWO_PI * table[start + 3] * time + table[start + 6] * DEGREE
        return table[start + 1] + table[start + 2] * math.sin(outer + inner)
    if kind == AM:
        rest = time - table[start + 5]
        if rest <= 0.0:
            return 0.0
        envelope = table[start + 2] + math.sin(TWO_PI * table[start + 3] * rest)
        return table[start + 1] * envelope * math.sin(TWO_PI * table[start + 4] * rest)
    return piecewise_linear_value(time, table, start, length)


@helper
def pulse_value(rest, table, start):
    """Pulse at `rest` after its delay."""
    low, high = table[start + 1], table[start + 2]
    rise, fall, width, period, count = (
        table[start + 4], table[start + 5], table[start + 6], table[start + 7], table[start + 8],
    )  # fmt: skip
    if rest <= 0.0 or (count > 0.0 and rest > count * period):
        return low
    if rest > period:
        rest -= period * math.floor(rest / period)
    if rest < rise:
        return low + (high - low) * rest / rise
    if rest <= rise + width:
        return high
    if rest < rise + width + fall:
        return high + (low - high) * (rest - rise - width) / fall
    return low


@helper
def piecewise_linear_value(time, table, start, length):
    """Linear interpolation between points, by bisection."""
    first, count = start + FIRST_POINT, (length - FIRST_POINT) // 2
    last = first + 2 * (count - 1)
    repeat_start = table[start + 1]
    if time > table[last] and repeat_start == repeat_start:
        period = table[last] - repeat_start
        time = repeat_start + (time - repeat_start) - period * math.floor((time - repeat_start) / period)
    if time <= table[first]:
        return table[first + 1]
    if time >= table[last]:
        return table[last + 1]
    low, high = 0, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        if table[first + 2 * middle] <= time:
            low = middle
        else:
            high = middle
    left, right = first + 2 * low, first + 2 * high
    share = (time - table[left]) / (table[right] - table[left])
    return table[left + 1] + share * (table[right + 1] - table[left + 1])


def breakpoints(values: object, table: Sequence[float], t_start: float, t_stop: float) -> list[float]:
    """Times of the corners of a stored waveform.

    Parameters
    ----------
    values : object
        Not used (parameters of the source).
    table : sequence of float
        The stored waveform.
    t_start, t_stop : float
        Only corners strictly between these are wanted [s].

    Returns
    -------
    list of float
        Ascending.

    Raises
    ------
    ParameterError
        If there are more than `LARGEST_BREAKPOINT_COUNT`.
    """
    if len(table) == 0:
        return []
    kind = table[0]
    corners: list[float]
    if kind == PULSE:
        _, _, delay, rise, fall, width, period, count = table[1:9]
        once = [0.0, rise, rise + width, rise + width + fall]
        end = delay + count * period if count > 0.0 else math.inf
        corners = _repeated([c for c in once if c < period], delay, period, t_start, min(t_stop, end))
        corners = [min(t, end) for t in corners]
    elif kind == PWL:
        times = list(table[FIRST_POINT::2])
        corners = [t for t in times if t_start < t < t_stop]
        if table[1] == table[1]:
            period = times[-1] - table[1]
            once = [t - table[1] for t in times if t >= table[1]]
            corners += _repeated(once, table[1], period, max(t_start, times[-1]), t_stop)
    else:
        corners = {SIN: [table[4]], EXP: [table[3], table[5]], SFFM: [], AM: [table[5]]}[kind]
    return sorted({t for t in corners if t_start < t < t_stop})


def _repeated(once: list[float], offset: float, period: float, t_start: float, t_stop: float) -> list[float]:
    """Corners `once` of one period, in every period that begins at `offset` and meets [t_start, t_stop]."""
    if math.isinf(period):
        return [offset + c for c in once if offset + c < t_stop]
    first = max(0, math.floor((t_start - offset) / period) - 1)
    last = math.floor((t_stop - offset) / period)
    if (last - first + 1) * len(once) > LARGEST_BREAKPOINT_COUNT:
        raise ParameterError(
            f"a source with period {period:g} s has more than {LARGEST_BREAKPOINT_COUNT} corners until {t_stop:g} s; "
            "shorten the analysis or lengthen the period"
        )
    return [offset + k * period + c for k in range(first, last + 1) for c in once]
