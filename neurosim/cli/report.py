"""A result as tables for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.cli.terminal import ROWS_SHOWN, print_table, quantity
from neurosim.results import Column, Result
from neurosim.units import format_si

_TITLES = {
    "tran": "transient analysis",
    "ac": "AC analysis (magnitudes)",
    "dc": "DC sweep",
    "op": "operating point",
}


def print_result(result: Result, *, after_another: bool = False) -> None:
    """Print what a run gave: its columns, its measures, and what it cost."""
    if after_another:
        print()
    title = _TITLES.get(result.analysis, result.analysis)
    if result.axis_name is None:
        rows = [[name, quantity(column.values[()], column.unit)] for name, column in result.columns.items()]
        print_table(title, ["name", ">value"], rows, limit=ROWS_SHOWN)
    else:
        over = [_span(name, dimension) for name, dimension in result.extra_dims.items()]
        over.append(_span(result.axis_name, result.column(result.axis_name)))
        rows = [_row(name, column) for name, column in result.columns.items()]
        head = ["name", ">first", ">last", ">min", ">max"]
        if result.extra_dims:
            head, rows = [head[0], *head[3:]], [[row[0], *row[3:]] for row in rows]
        print_table(f"{title}: {'; '.join(over)}", head, rows, limit=ROWS_SHOWN)
    if result.measures:
        print()
        _print_measures(result)
    print(f"\n{_cost(result)}")


def _span(name: str, column: Column) -> str:
    values = column.values
    points = f"{values.size:,} point{'' if values.size == 1 else 's'}"
    if not values.size:
        return f"{name}: no points"
    return f"{name} {format_si(values[0], column.unit)} to {format_si(values[-1], column.unit)}, {points}"


def _row(name: str, column: Column) -> list[str]:
    values = np.abs(column.values) if np.iscomplexobj(column.values) else column.values
    if not values.size:
        return [name, "-", "-", "-", "-"]
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if known.size else (np.nan, np.nan)
    flat = values.ravel()
    return [name, *(quantity(float(v), column.unit) for v in (flat[0], flat[-1], low, high))]


def _print_measures(result: Result) -> None:
    if not any(isinstance(value, np.ndarray) and value.ndim for value in result.measures.values()):
        rows = [[name, _number(value)] for name, value in result.measures.items()]
        print_table("", ["measure", ">value"], rows)
        return
    # Measures of a stepped run have the shape of the leading dimensions.
    depth = max(np.ndim(value) for value in result.measures.values())
    dims = [(name, result.column(name).values) for name in result.dims[:depth]]
    rows = []
    for index in np.ndindex(*(values.size for _, values in dims)):
        place = [f"{values[i]:g}" for (_, values), i in zip(dims, index, strict=True)]
        rows.append([*place, *(_number(np.asarray(v)[index[: np.ndim(v)]]) for v in result.measures.values())])
    head = [*(f">{name}" for name, _ in dims), *(f">{name}" for name in result.measures)]
    print_table("measures", head, rows, limit=ROWS_SHOWN)


def _number(value: Any) -> str:
    return "failed" if np.isnan(value) else f"{float(value):.6g}"


def _cost(result: Result) -> str:
    """Method, steps and seconds; sums over the runs of a stepped one."""
    runs = result.attrs.get("runs") or [result.attrs]
    every = [{**result.attrs.get("statistics", {}), **run.get("statistics", {})} for run in runs]
    methods = dict.fromkeys(str(s["method"]) for s in every if "method" in s)
    parts = [", ".join(methods)] if methods else []
    if "steps" in every[0]:
        steps, rejected = (sum(int(s.get(key, 0)) for s in every) for key in ("steps", "rejected"))
        parts.append(f"{steps:,} steps" + (f" and {rejected:,} rejected" if rejected else ""))
    iterations = sum(int(s.get("newton_iterations", 0)) for s in every)
    if iterations:
        parts.append(f"{iterations:,} Newton iterations")
    seconds = [float(run["seconds"]) for run in runs if "seconds" in run]
    if seconds:
        parts.append(f"{sum(seconds):.3g} s")
    return ", ".join(parts)
