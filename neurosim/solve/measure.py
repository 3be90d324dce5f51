"""``.measure``: numbers taken from a result.

A signal is the straight line between the stored points. Integrals, averages and root mean squares are those of that
line, exactly; crossings, values ``at`` a point and the ends of ``from`` .. ``to`` are found on it. ngspice 39.3 agrees
(run), but for what it does at the ends of a window: its AVG runs on to the next point, its MIN and MAX look at stored
points only, its WHEN does not see a crossing before the second point.

A crossing is counted as ngspice counts: a rise where a signal below a level reaches it, a fall where one above reaches
it. A signal that reaches the level and turns back counts both, one that starts on the level counts as below. Unlike
ngspice, one that stays on the level for several points is counted on arrival and, if it turns back, on leaving.

In an AC analysis sums, differences, products and quotients are complex; any other function, and every result, takes
the magnitude. So ``20*log10(v(out)/v(in))`` is a gain in dB. (ngspice takes the real part of a bare ``v(out)``.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.model import Measure
from neurosim.errors import UnknownNameError
from neurosim.expressions import Binary, Call, Conditional, Expression, Name, Number, Reference, Slot, Unary, walk
from neurosim.expressions.functions import Rules, call, numeric, operate
from neurosim.results import Result

_COMPLEX = frozenset(("add", "sub", "mul", "div", "neg"))
"""Elementary operations that are done on complex numbers; all others take magnitudes."""

_EDGES = ("rise", "fall", "cross")


class _Failure(Exception):
    """Why a measure has no value."""


def measure(result: Result, measures: Sequence[Measure]) -> dict[str, Any]:
    """Evaluate ``.measure`` cards.

    Parameters
    ----------
    result : Result
        What was run.
    measures : sequence of Measure
        Those of this analysis, in their order: ``param`` sees the values of the ones before it.

    Returns
    -------
    dict of str to float
        In SI units; with extra dimensions (a nested DC sweep) an array of their shape. A measure that fails is NaN,
        and a sentence that says why is added to ``result.attrs["notes"]``.
    """
    notes: list[str] = []
    if not result.extra_dims:
        values: dict[str, Any] = _measure_one(result, measures, notes, "")
    else:
        rows = []
        for where, run in result.runs():
            at = " at " + ", ".join(f"{name} = {value:g}" for name, value in where.items())
            rows.append(_measure_one(run, measures, notes, at))
        shape = tuple(len(dimension.values) for dimension in result.extra_dims.values())
        values = {m.name: np.array([row[m.name] for row in rows]).reshape(shape) for m in measures}
    if notes:
        result.attrs["notes"] = [*result.attrs.get("notes", ()), *notes]
    return values


def _measure_one(result: Result, measures: Sequence[Measure], notes: list[str], at: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for one in measures:
        try:
            with np.errstate(all="ignore"):
                value = float(_OPERATIONS[one.operation](_Reading(result, values), one))
            if not np.isfinite(value):
                raise _Failure(f"its value is {value:g}")
        except (_Failure, UnknownNameError) as failure:
            notes.append(f"measure '{one.name}' failed{at}: {failure}")
            value = float("nan")
        values[one.name] = value
    return values


@dataclass
class _Reading:
    """A result without extra dimensions, and the measures that are known."""

    result: Result
    known: Mapping[str, float]

    @property
    def axis(self) -> np.ndarray:
        if self.result.axis_name is None:
            raise _Failure("an operating point has no axis")
        return self.result.axis

    def values(self, expression: Expression) -> Any:
        """An expression along the axis: an array, or a number where it is constant."""
        done: dict[int, Any] = {}
        rules = Rules(expression.dialect)
        for node in walk(expression.node):
            operands = tuple(done[id(child)] for child in node.children)
            if isinstance(node, Number | Slot):
                value: Any = node.value
            elif isinstance(node, Name):
                value = self._named(node.text)
            elif isinstance(node, Reference):
                value = self.result[str(node)]
            elif isinstance(node, Call):
                if node.name in ("idt", "ddt"):
                    raise _Failure(f"'{node.name}' cannot be measured; give it a net of its own with a B source")
                value = call(_emit, rules, node.name, operands)
            elif isinstance(node, Conditional):
                value = operate(_emit, rules, "?", operands)
            elif isinstance(node, Unary | Binary):
                value = operate(_emit, rules, node.op, operands)
            else:
                raise AssertionError(node)
            done[id(node)] = value
        value = done[id(expression.node)]
        return np.abs(value) if np.iscomplexobj(value) else value

    def _named(self, name: str) -> Any:
        if name in self.known:
            if np.isnan(self.known[name]):
                raise _Failure(f"measure '{name}' has no value")
            return self.known[name]
        if name == "time":
            return self.result.time
        if name == "temper":
            return float(self.result.attrs.get("temperature_celsius", 27.0))
        return self.result[name]

    def signal(self, expression: Expression | None) -> np.ndarray:
        """An expression at every point of the axis."""
        assert expression is not None
        values = np.asarray(self.values(expression), float)
        return np.broadcast_to(values, self.axis.shape)

    def window(self, one: Measure) -> tuple[np.ndarray, np.ndarray]:
        """Axis and signal between ``from`` (or ``td``) and ``to``, with the ends interpolated, axis rising."""
        x, y = self.axis, self.signal(one.expression)
        if x.size == 0:
            raise _Failure("the result has no points")
        if x[0] > x[-1]:
            x, y = x[::-1], y[::-1]
        if np.any(np.diff(x) < 0):
            raise _Failure(f"the axis '{self.result.axis_name}' turns back")
        start, stop = _limits(one.settings)
        low, high = max(start, x[0]), min(stop, x[-1])
        if low > high:
            raise _Failure(f"nothing lies between {start:g} and {stop:g}; the result runs from {x[0]:g} to {x[-1]:g}")
        inside = (x > low) & (x < high)
        ends = [_interpolated(x, y, low), _interpolated(x, y, high)]
        return np.concatenate([[low], x[inside], [high]]), np.concatenate([ends[:1], y[inside], ends[1:]])

    def point(self, settings: Mapping[str, Any]) -> float:
        """Where on the axis: ``at``, or the crossing of ``when``."""
        if "at" in settings:
            return float(settings["at"])
        return self.crossing(settings)

    def at(self, expression: Expression | None, x: float) -> float:
        """Value of an expression at a point of the axis."""
        axis, y = self.axis, self.signal(expression)
        if not axis.min(initial=np.inf) <= x <= axis.max(initial=-np.inf):
            raise _Failure(f"{self.result.axis_name} = {x:g} lies outside the result")
        return _interpolated(axis, y, x) if axis[0] <= axis[-1] else _interpolated(axis[::-1], y[::-1], x)

    def crossing(self, settings: Mapping[str, Any]) -> float:
        """Where ``when`` comes true, for the edge that was asked for."""
        left, right = settings["when"]
        d = self.signal(left) - self.signal(right)
        where, rises = _crossings(self.axis, d)
        start, stop = _limits(settings)
        edge = next((key for key in _EDGES if key in settings), "cross")
        count = settings.get(edge, 1)
        kept = (where >= start) & (where <= stop) & {"cross": True, "rise": rises, "fall": ~rises}[edge]
        found = where[kept]
        if count == "last":
            number = found.size - 1
        else:
            number = int(count) - 1
        if not 0 <= number < found.size:
            words = {"cross": "crossing", "rise": "rise", "fall": "fall"}[edge]
            plural = "" if found.size == 1 else "s"
            raise _Failure(f"{left} = {right} has {found.size or 'no'} {words}{plural}" + _between(start, stop))
        return float(found[number])


def _emit(operation: str, *operands: Any) -> Any:
    if operation not in _COMPLEX:
        operands = tuple(np.abs(x) if np.iscomplexobj(x) else x for x in operands)
    return numeric(operation, *operands)


def _limits(settings: Mapping[str, Any]) -> tuple[float, float]:
    start = max(settings.get("from", -np.inf), settings.get("td", -np.inf))
    return start, settings.get("to", np.inf)


def _between(start: float, stop: float) -> str:
    if np.isfinite(start) and np.isfinite(stop):
        return f" between {start:g} and {stop:g}"
    return f" from {start:g} on" if np.isfinite(start) else f" up to {stop:g}" if np.isfinite(stop) else ""


def _interpolated(x: np.ndarray, y: np.ndarray, at: float) -> float:
    """Value at a point of a rising axis; the later one where two points share a place."""
    k = int(np.searchsorted(x, at, side="right")) - 1
    if x[k] == at or k + 1 == x.size:
        return float(y[k])
    return float(y[k] + (y[k + 1] - y[k]) * (at - x[k]) / (x[k + 1] - x[k]))


def _crossings(x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places where d crosses zero, and whether it rises there, in the order of the points."""
    if x.size < 2:
        return np.empty(0), np.empty(0, bool)
    above, on_level = d > 0.0, d == 0.0
    arrives = np.zeros(d.shape, bool)
    arrives[1:] = on_level[1:] & ~on_level[:-1]
    above[1:][arrives[1:]] = ~above[:-1][arrives[1:]]
    # While it stays on the level nothing changes: take the state of the point where it arrived.
    told = np.where(on_level & ~arrives, 0, np.arange(d.size))
    above = above[np.maximum.accumulate(told)]
    k = np.flatnonzero(above[1:] != above[:-1])
    share = -d[k] / (d[k + 1] - d[k])
    return x[k] + share * (x[k + 1] - x[k]), above[k + 1]


def _integral(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))


def _square_integral(x: np.ndarray, y: np.ndarray) -> float:
    a, b = y[:-1], y[1:]
    return float(np.sum((a * a + a * b + b * b) / 3.0 * np.diff(x)))


def _over_span(integral: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    """The mean of what is integrated; of a window without length the value itself."""

    def mean(x: np.ndarray, y: np.ndarray) -> float:
        if x[-1] == x[0]:
            x, y = np.array([0.0, 1.0]), y[[0, -1]]
        return integral(x, y) / (x[-1] - x[0])

    return mean


def _windowed(reduce: Callable[[np.ndarray, np.ndarray], Any]) -> Callable[[_Reading, Measure], float]:
    """An operation on the signal between ``from`` and ``to``; of an operating point on its one value."""

    def operation(reading: _Reading, one: Measure) -> float:
        if reading.result.axis_name is None:
            assert one.expression is not None
            value = np.full(2, float(reading.values(one.expression)))
            return reduce(np.zeros(2), value)
        return reduce(*reading.window(one))

    return operation


def _needs_axis(operation: Callable[[_Reading, Measure], float]) -> Callable[[_Reading, Measure], float]:
    def checked(reading: _Reading, one: Measure) -> float:
        if reading.axis.size == 0:
            raise _Failure("the result has no points")
        return operation(reading, one)

    return checked


def _find(reading: _Reading, one: Measure) -> float:
    if reading.result.axis_name is None and "when" not in one.settings:
        assert one.expression is not None
        return float(reading.values(one.expression))
    return reading.at(one.expression, reading.point(one.settings))


def _derivative(reading: _Reading, one: Measure) -> float:
    """Slope by second-order differences, linear between points."""
    x, kept = np.unique(reading.axis, return_index=True)
    if x.size < 2:
        raise _Failure("a derivative needs two points")
    at = reading.point(one.settings)
    if not x[0] <= at <= x[-1]:
        raise _Failure(f"{reading.result.axis_name} = {at:g} lies outside the result")
    return _interpolated(x, np.gradient(reading.signal(one.expression)[kept], x), at)


def _interval(reading: _Reading, one: Measure) -> float:
    settings: Mapping[str, Any] = one.settings
    return reading.point(settings["targ"]) - reading.point(settings["trig"])


def _parameter(reading: _Reading, one: Measure) -> float:
    assert one.expression is not None
    value = np.asarray(reading.values(one.expression))
    if value.ndim:
        raise _Failure(f"'{one.expression}' changes along the axis; param takes numbers and measures")
    return float(value)


_OPERATIONS: dict[str, Callable[[_Reading, Measure], float]] = {
    "avg": _windowed(_over_span(_integral)),
    "rms": _windowed(lambda x, y: np.sqrt(_over_span(_square_integral)(x, y))),
    "min": _windowed(lambda x, y: y.min()),
    "max": _windowed(lambda x, y: y.max()),
    "pp": _windowed(lambda x, y: y.max() - y.min()),
    "integ": _needs_axis(_windowed(_integral)),
    "min_at": _needs_axis(_windowed(lambda x, y: x[y.argmin()])),
    "max_at": _needs_axis(_windowed(lambda x, y: x[y.argmax()])),
    "find": _find,
    "deriv": _needs_axis(_derivative),
    "when": _needs_axis(lambda reading, one: reading.crossing(one.settings)),
    "trig_targ": _needs_axis(_interval),
    "param": _parameter,
}
