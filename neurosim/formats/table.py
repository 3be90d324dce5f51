"""A Result as a flat table of equal columns and back, for formats that are tables (CSV, SPICE raw).

Rows run over the axis fastest, then over the innermost of the extra dimensions, whose values stand in further columns
after the axis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.results import Column, Result

_VARIABLE = re.compile(r"[vi]\(.*\)")


def unit_of(name: str) -> str:
    """Return the unit that a name implies: time, frequency, ``v(...)``, ``i(...)``; otherwise ``""``."""
    known = {"time": "s", "frequency": "Hz"}
    if name in known:
        return known[name]
    return {"v(": "V", "i(": "A"}.get(name[:2], "") if _VARIABLE.fullmatch(name) else ""


def flatten(result: Result) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the axis columns (axis first, then extra dimensions, outermost first) and the data columns, all 1-D."""
    shape = result.shape
    axes: dict[str, np.ndarray] = {}
    if result.axis_name is not None:
        axes[result.axis_name] = np.broadcast_to(result.axis, shape).ravel()
    for position, (name, dimension) in enumerate(result.extra_dims.items()):
        oriented = dimension.values.reshape(-1, *(1,) * (len(shape) - position - 1))
        axes[name] = np.broadcast_to(oriented, shape).ravel()
    return axes, {name: column.values.ravel() for name, column in result.columns.items()}


def unflatten(
    columns: Mapping[str, np.ndarray],
    *,
    has_axis: bool,
    units: Mapping[str, str] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> Result:
    """Make a Result of equally long columns; the first is the axis if `has_axis`.

    Where the axis starts again, the rows are runs: leading columns that are constant within each run and form a grid
    become extra dimensions, otherwise there is one extra dimension ``run`` (0, 1, ...). Runs of unequal points are
    joined by `Result.stack`.
    """
    units = units or {}

    def described(name: str, values: np.ndarray) -> Column:
        return Column(values, units.get(name) or unit_of(name))

    names = list(columns)
    if not has_axis:
        length = len(columns[names[0]]) if names else 1
        if length == 1:
            scalars = {name: described(name, columns[name].reshape(())) for name in names}
            return Result.build(None, None, scalars, attrs=attrs)
        rows = {name: described(name, columns[name]) for name in names}
        return Result.build("run", np.arange(length), rows, attrs=attrs)

    axis_name = names.pop(0)
    axis = columns[axis_name]
    unit = units.get(axis_name) or unit_of(axis_name)
    starts = _run_starts(axis, monotonic=axis_name == "time")
    lengths = np.diff([*starts, axis.size])
    one_point_runs = axis.size > 1 and len(starts) == 1 and np.all(axis == axis[0])
    if one_point_runs:
        starts, lengths = np.arange(axis.size), np.ones(axis.size, dtype=int)
    outer = _grid(names, columns, starts, lengths) if len(starts) > 1 else []
    if one_point_runs and not outer:
        starts, lengths = np.array([0]), np.array([axis.size])
    data = names[len(outer) :]
    if len(starts) == 1:
        return Result.build(
            axis_name, axis, {name: described(name, columns[name]) for name in data}, axis_unit=unit, attrs=attrs
        )
    inner = axis[: lengths[0]]
    if np.all(lengths == lengths[0]) and np.array_equal(np.tile(inner, len(starts)), axis):
        extra = {name: described(name, values) for name, values in outer}
        if not outer:
            extra = {"run": Column(np.arange(len(starts)))}
        shape = (*(len(dimension.values) for dimension in extra.values()), inner.size)
        return Result.build(
            axis_name,
            inner,
            {name: described(name, columns[name].reshape(shape)) for name in data},
            axis_unit=unit,
            extra_dims=extra,
            attrs=attrs,
        )
    runs = []
    for start, length in zip(starts, lengths):
        rows = slice(start, start + length)
        values = {name: described(name, columns[name][rows]) for name in data}
        runs.append(Result.build(axis_name, axis[rows], values, axis_unit=unit, attrs=attrs))
    if len(outer) == 1:
        name, values = outer[0]
        return Result.stack(runs, name, values, unit=units.get(name) or unit_of(name))
    # A grid with unequal points keeps its outer values as ordinary columns of the runs.
    for number, (start, length) in enumerate(zip(starts, lengths)):
        for name, _ in outer:
            runs[number].columns[name] = described(name, columns[name][start : start + length])
    return Result.stack(runs, "run", np.arange(len(runs)))


def _run_starts(axis: np.ndarray, *, monotonic: bool) -> np.ndarray:
    """First rows of the runs. Time never turns back; another axis starts again only at its first value."""
    steps = np.diff(axis)
    moving = steps[steps != 0]
    if not moving.size:
        return np.array([0])
    direction = 1.0 if monotonic else np.sign(moving[0])
    back = np.flatnonzero(steps * direction < 0) + 1
    if not monotonic and np.any(axis[back] != axis[0]):
        back = back[:0]
    return np.concatenate([[0], back])


def _grid(
    names: Sequence[str], columns: Mapping[str, np.ndarray], starts: np.ndarray, lengths: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """Leading columns that are constant in each run and whose values form a full grid over the runs."""
    found: list[tuple[str, np.ndarray]] = []
    for name in names:
        values = columns[name]
        # A plot that is complex as a whole stores its real outer values with a zero imaginary part.
        if _VARIABLE.fullmatch(name) or np.any(np.imag(values)):
            return []
        values = np.real(values)
        per_run = values[starts]
        if not np.array_equal(np.repeat(per_run, lengths), values):
            return []
        found.append((name, per_run))
        levels = [_distinct(level) for _, level in found]
        if np.prod([level.size for level in levels]) == len(starts):
            mesh = np.meshgrid(*levels, indexing="ij")
            if all(np.array_equal(grid.ravel(), level) for grid, (_, level) in zip(mesh, found)):
                return [(name, level) for (name, _), level in zip(found, levels)]
    return []


def _distinct(values: np.ndarray) -> np.ndarray:
    """Different values in the order of their first appearance."""
    _, first = np.unique(values, return_index=True)
    return values[np.sort(first)]
