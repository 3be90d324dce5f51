"""Reading the cards of independent sources: DC, AC and waveform in any order, parentheses and commas optional."""

from __future__ import annotations

import math
import re
from typing import Any

from neurosim.devices.device import Device, Instance
from neurosim.devices.two_terminal_card import parameter_name
from neurosim.devices.waveforms import AM, EXP, LARGEST_BREAKPOINT_COUNT, PULSE, PWL, SFFM, SIN
from neurosim.errors import nearest
from neurosim.units import parse_number

FORMS = {
    "sin": (SIN, 3, "SIN(<offset> <amplitude> <frequency> [<delay> [<damping> [<phase>]]])", (0.0, 0.0, 0.0)),
    "exp": (EXP, 6, "EXP(<v1> <v2> <rise delay> <rise tau> <fall delay> <fall tau>)", ()),
    "sffm": (
        SFFM, 5, "SFFM(<offset> <amplitude> <carrier f> <modulation index> <signal f> [<phase c> [<phase s>]])",
        (0.0, 0.0),
    ),
    "am": (AM, 4, "AM(<amplitude> <offset> <modulating f> <carrier f> [<delay>])", (0.0,)),
}  # fmt: skip
"""Word: kind, number of arguments that must be given, form, defaults of the rest."""

PULSE_FORM = "PULSE(<v1> <v2> [<delay> [<rise> [<fall> [<width> [<period> [<count>]]]]]])"
PWL_FORM = "PWL(<t1> <v1> <t2> <v2> ...) [r=<repeat from>] [td=<delay>], or PWL file=<name>"

EDGE_SHARE = 1e-3
"""A pulse without a rise or fall time gets this share of its width (or period)."""

LONE_EDGE = 1e-9
"""Edge of a step without width and period [s]."""

JUMP_SHARE = 1e-6
"""A jump in a list of points becomes a ramp over this share of the time to the next point."""


def read_source(card: Any, device: Device) -> Instance:
    """Read a V or I card into `dc`, `ac_magnitude`, `ac_phase` and a waveform in `Instance.table`.

    Raises
    ------
    NetlistError
        For an unknown waveform or key, arguments that are missing or out of range, or something given twice.
    """
    location, name, nets = card.location, card.name, card.nets(2)
    form = device.netlist.form if device.netlist else ""
    values: dict[str, float] = {}
    table: tuple[float, ...] = ()

    def once(key: str, value: float) -> None:
        if key in values:
            raise card.error(f"{key} of '{name}' is given twice", expected=form)
        values[key] = value

    while not card.at_end():
        key = card.key()
        if key is not None:
            if key in ("dc", "ac", "acmag", "acphase"):
                key = "ac_magnitude" if key == "ac" else key
            once(parameter_name(card, device, key), card.number())
        elif card.accept("dc"):
            once("dc", card.number() if not card.at_end() and card.is_number() else 0.0)
        elif card.accept("ac"):
            given = card.numbers()
            if len(given) > 2:
                raise card.error(f"AC takes a magnitude and a phase, not {len(given)} numbers")
            once("ac_magnitude", given[0] if given else 1.0)
            once("ac_phase", given[1] if len(given) > 1 else 0.0)
        elif card.peek() in (*FORMS, "pulse", "pwl"):
            if table:
                raise card.error(f"source '{name}' has two waveforms")
            table = read_waveform(card)
        elif card.is_number():
            once("dc", card.number())
        else:
            word = card.word()
            known = nearest(word, [*FORMS, "pulse", "pwl", "dc", "ac"])
            raise card.error(f"unknown part '{word}' of source '{name}'", hint=known, expected=form)
    return Instance(name, device.name, nets, values, table=table, location=location)


def read_waveform(card: Any) -> tuple[float, ...]:
    """Read a waveform from its word on."""
    word = card.word()
    if word == "pwl":
        return _piecewise_linear(card)
    given = _arguments(card)
    if word == "pulse":
        return _pulse(card, given)
    kind, needed, form, defaults = FORMS[word]
    if not needed <= len(given) <= needed + len(defaults):
        raise card.error(
            f"{word.upper()} has {len(given)} arguments; it takes {needed} to {needed + len(defaults)}",
            hint="values that other simulators take from the .tran card must be written out",
            expected=form,
        )
    table = (kind, *given, *defaults[len(given) - needed :])
    if word == "exp" and (table[4] <= 0.0 or table[6] <= 0.0):
        raise card.error(f"time constants of EXP must be positive, not {table[4]:g} and {table[6]:g} s", expected=form)
    return table


def _arguments(card: Any) -> list[float]:
    card.accept("(")
    given = card.numbers()
    card.accept(")")
    return given


def _pulse(card: Any, given: list[float]) -> tuple[float, ...]:
    if not 2 <= len(given) <= 8:
        raise card.error(f"PULSE has {len(given)} arguments; it takes 2 to 8", expected=PULSE_FORM)
    low, high, delay, rise, fall, width, period, count = given + [0.0] * (8 - len(given))
    # A width of 0 written out is a triangle in LTspice (recalled) and lasts for ever in ngspice (checked).
    is_triangle = card.dialect == "ltspice" and len(given) > 5
    if min(rise, fall, width, period, count) < 0.0:
        raise card.error("times and count of PULSE must not be negative", expected=PULSE_FORM)
    width, period = width if is_triangle else width or math.inf, period or math.inf
    if rise == 0.0 or fall == 0.0:
        shortest = min(width or math.inf, period)
        edge = LONE_EDGE if math.isinf(shortest) else EDGE_SHARE * shortest
        card.note(
            f"PULSE without a rise or fall time: edges of {edge:g} s are used",
            "other simulators take the step of the .tran card; give the times to choose them",
        )
        rise, fall = rise or edge, fall or edge
    return (PULSE, low, high, delay, rise, fall, width, period, count)


def _piecewise_linear(card: Any) -> tuple[float, ...]:
    points: list[tuple[float, float]] = []
    repeat_start, delay = math.nan, 0.0
    is_open = False
    while not card.at_end():
        if is_open and card.accept(")"):
            is_open = False
        elif card.accept("("):
            is_open = True
            if card.accept("file"):
                card.accept("=")
                points += _file_points(card, card.text())
            else:
                points += _pairs(card, points[-1][0] if points else 0.0)
        elif card.accept("repeat"):
            points, repeat_start = _repeat_block(card, points)
        elif card.is_number():
            points += _pairs(card, points[-1][0] if points else 0.0)
        elif card.peek() == "file" or card.peek(1) == "=":
            if card.peek() not in ("file", "r", "td"):
                break
            if (key := card.key() or card.word()) == "file":
                points += _file_points(card, card.text())
            elif key == "r":
                repeat_start = card.number()
            else:
                delay = card.number()
        else:
            break
    points = _increasing(card, points)
    if repeat_start < 0.0:
        repeat_start = math.nan
    if not math.isnan(repeat_start) and repeat_start not in [t for t, _ in points[:-1]]:
        raise card.error(f"PWL repeats from {repeat_start:g} s, which is not one of its times", expected=PWL_FORM)
    return (PWL, repeat_start + delay, *(x for t, v in points for x in (t + delay, v)))


def _pairs(card: Any, start: float) -> list[tuple[float, float]]:
    """Numbers up to what is no number, in pairs; LTspice counts a time with a plus sign from the point before."""
    points: list[tuple[float, float]] = []
    while not card.at_end() and card.is_number():
        relative = card.dialect == "ltspice" and (card.peek() or "").startswith("+")
        time = card.number() + ((points[-1][0] if points else start) if relative else 0.0)
        card.accept(",")
        if card.at_end() or not card.is_number():
            raise card.error(f"PWL has a time {time:g} s without a value", expected=PWL_FORM)
        points.append((time, card.number()))
        card.accept(",")
    return points


def _repeat_block(card: Any, before: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], float]:
    """LTspice ``repeat for <n> (...) endrepeat`` or ``repeat forever``: times count from the point before the block."""
    count = 0
    forever = card.accept("forever")
    if not forever and (not card.accept("for") or not card.is_number() or (count := round(card.number())) < 1):
        raise card.error("PWL repeat needs a count", expected="REPEAT FOREVER | REPEAT FOR <n> (...) ENDREPEAT")
    card.accept("(")
    block = _file_points(card, card.text()) if card.accept("file") and card.accept("=") else _pairs(card, 0.0)
    card.accept(")")
    if not card.accept("endrepeat"):
        raise card.error("PWL repeat block does not end", expected="ENDREPEAT")
    if not block or block[-1][0] <= 0.0:
        raise card.error("PWL repeat block has no length", expected=PWL_FORM)
    if count * len(block) > LARGEST_BREAKPOINT_COUNT:
        raise card.error(f"PWL repeats {count} times, more than {LARGEST_BREAKPOINT_COUNT} points")
    points, start = list(before), 0.0
    # Twice for ever: the second copy starts from the last value of the first, as all later ones do.
    for _ in range(2 if forever else count):
        start = points[-1][0] if points else 0.0
        points += [(start + t, v) for t, v in block]
    return points, start if forever else math.nan


def _file_points(card: Any, text: str) -> list[tuple[float, float]]:
    path = card.resolve_file(text)
    points: list[tuple[float, float]] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise card.error(f"cannot read '{text}': {error}") from None
    for number, line in enumerate(lines, 1):
        content = re.split(r"[#*;]", line, maxsplit=1)[0] if not re.match(r"\s*[-+.\d]", line) else line
        fields = [parse_number(f) for f in re.split(r"[\s,;]+", content.strip()) if f]
        if not fields:
            continue
        if len(fields) != 2 or fields[0] is None or fields[1] is None:
            raise card.error(f"{text}:{number}: expected a time and a value, not '{line.strip()[:60]}'")
        points.append((fields[0], fields[1]))
    return points


def _increasing(card: Any, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Times must grow; a point given twice is dropped, a jump becomes a short ramp."""
    if not points:
        raise card.error("PWL has no points", expected=PWL_FORM)
    result = [points[0]]
    for index, (time, value) in enumerate(points[1:], 1):
        last_time, last_value = result[-1]
        if time < last_time:
            raise card.error(f"PWL time {time:g} s is before {last_time:g} s", expected=PWL_FORM)
        if time == last_time:
            if value == last_value:
                continue
            later = points[index + 1][0] if index + 1 < len(points) else math.inf
            gap = later - time if 0.0 < later - time < math.inf else max(abs(time), LONE_EDGE)
            time += JUMP_SHARE * gap
            card.note(f"PWL jumps at {last_time:g} s: a ramp until {time:.9g} s is used", "give the edge a length")
        result.append((time, value))
    return result
