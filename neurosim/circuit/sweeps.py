"""Values that sweeps and AC analyses take: linear, decades, octaves, lists."""

from __future__ import annotations

import math

from neurosim.circuit.cards import CardReader
from neurosim.errors import NetlistError

SPACINGS = ("lin", "dec", "oct", "list")


class PointBudget:
    """Counts the points of all sweeps of a deck against a limit."""

    def __init__(self, limit: int) -> None:
        self.limit, self.used = limit, 0

    def take(self, reader: CardReader, count: float) -> int:
        """Reserve `count` points.

        Raises
        ------
        NetlistError
            If the deck then has more than the limit.
        """
        if not count <= self.limit - self.used:
            raise reader.error(f"{count:.6g} points; a netlist may have {self.limit} in all")
        self.used += int(count)
        return int(count)


def linear(reader: CardReader, budget: PointBudget, start: float, stop: float, step: float) -> tuple[float, ...]:
    """From `start` by `step` up to `stop`; `stop` is included if the steps meet it within rounding."""
    if start == stop:
        return (start,)
    if step == 0.0 or (stop - start) / step < 0.0:
        raise reader.error(f"a step of {step:g} does not lead from {start:g} to {stop:g}")
    intervals = (stop - start) / step
    count = budget.take(reader, math.floor(intervals + 1e-9 * max(1.0, intervals)) + 1 if intervals < 1e15 else 1e15)
    values = [start + step * index for index in range(count)]
    if abs(values[-1] - stop) <= 1e-9 * abs(step):
        values[-1] = stop
    return tuple(values)


def logarithmic(
    reader: CardReader, budget: PointBudget, start: float, stop: float, points: float, base: float
) -> tuple[float, ...]:
    """`points` values a decade (`base` 10) or octave (2) from `start` up to `stop`."""
    if not 0.0 < start <= stop:
        raise reader.error(f"a logarithmic sweep needs 0 < start <= stop, not {start:g} and {stop:g}")
    if points < 1.0 or points != round(points):
        raise reader.error(f"{points:g} points {'a decade' if base == 10.0 else 'an octave'}; a whole number is needed")
    intervals = points * (math.log(stop) - math.log(start)) / math.log(base)
    count = budget.take(reader, math.floor(intervals + 1e-9 * max(1.0, intervals)) + 1)
    values = [start * base ** (index / points) for index in range(count)]
    if math.isclose(values[-1], stop, rel_tol=1e-9):
        values[-1] = stop
    return tuple(values)


def evenly(reader: CardReader, budget: PointBudget, start: float, stop: float, points: float) -> tuple[float, ...]:
    """`points` values from `start` to `stop`, both included."""
    if points < 1.0 or points != round(points):
        raise reader.error(f"{points:g} points; a whole number is needed")
    count = budget.take(reader, points)
    if count == 1:
        return (start,)
    step = (stop - start) / (count - 1)
    return (*(start + step * index for index in range(count - 1)), stop)


def read_values(reader: CardReader, budget: PointBudget, spacing: str, *, several: bool = False) -> tuple[float, ...]:
    """Read what follows the name of a swept quantity: ``start stop step``, ``start stop points`` or a list.

    Parameters
    ----------
    spacing : str
        ``"lin"``, ``"dec"``, ``"oct"`` or ``"list"``.
    several : bool
        Whether a further sweep may follow on the card (then a list ends at the first word that is no number).

    Raises
    ------
    NetlistError
        For a missing number, or a step or count that leads nowhere.
    """
    if spacing == "list":
        values = reader.numbers()
        if not values:
            reader.number()
        budget.take(reader, len(values))
        return tuple(values)
    start, stop = _number(reader, "the start"), _number(reader, "the stop")
    if spacing == "lin":
        return linear(reader, budget, start, stop, _number(reader, "the step"))
    return logarithmic(reader, budget, start, stop, _number(reader, "the number of points"), _BASES[spacing])


_BASES = {"dec": 10.0, "oct": 2.0}


def _number(reader: CardReader, what: str) -> float:
    if reader.at_end():
        raise NetlistError(
            f"the card ends where {what} of the sweep should follow",
            reader.card.location(len(reader.card.text)),
            expected="<start> <stop> <step>",
        )
    return reader.number()
