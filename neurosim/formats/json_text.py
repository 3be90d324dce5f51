"""JSON: a summary for scripts (``--json``) or a whole result; strict, so every reader accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import FormatError
from neurosim.formats import strict_json
from neurosim.formats.format import Format
from neurosim.results import Column, Result

FORMAT = "neurosim result"
VERSION = 1


def summary(result: Result, *, data: bool = False) -> dict[str, Any]:
    """Return what a script wants to know, as plain values.

    Parameters
    ----------
    result : Result
        A run.
    data : bool
        Whether to hold all points too, so that `read` can restore the Result.

    Returns
    -------
    dict
        ``analysis``, ``axis``, ``extra_dims``, ``columns`` (each with unit, ``final`` value, ``minimum`` and
        ``maximum``, of the magnitude where complex), ``measures`` and ``attrs``. In a stepped run ``final`` is a list
        over the runs. NaN is None.
    """
    axis: dict[str, Any] | None = None
    if result.axis_name is not None:
        axis = {"name": result.axis_name, "unit": result.axis_unit, "points": len(result.axis)}
        if len(result.axis):
            axis |= {"first": result.axis[0], "last": result.axis[-1]}
        if data:
            axis["data"] = result.axis
    columns: dict[str, Any] = {}
    for name, column in result.columns.items():
        entry: dict[str, Any] = {"unit": column.unit, "long_name": column.long_name}
        if column.values.size:
            magnitude = np.abs(column.values) if np.iscomplexobj(column.values) else column.values
            known = magnitude[~np.isnan(magnitude)]
            entry["final"] = column.values[()] if axis is None else column.values[..., -1][()]
            entry["minimum"], entry["maximum"] = (known.min(), known.max()) if known.size else (None, None)
        if data:
            entry["data"] = column.values
        columns[name] = entry
    extra_dims = [
        {"name": name, "unit": dimension.unit, "long_name": dimension.long_name, "data": dimension.values}
        for name, dimension in result.extra_dims.items()
    ]
    return strict_json.plain(
        {
            "analysis": result.analysis,
            "axis": axis,
            "extra_dims": extra_dims,
            "columns": columns,
            "measures": result.measures,
            "attrs": result.attrs,
        }
    )


def write(results: Sequence[Result], path: Path, *, data: bool = True) -> None:
    """Write results, with all points unless `data` is False."""
    document = {"format": FORMAT, "version": VERSION, "results": [summary(result, data=data) for result in results]}
    path.write_text(strict_json.dumps(document) + "\n", encoding="utf-8")


def read(path: Path) -> list[Result]:
    """Read results that were written with all points."""
    try:
        document = strict_json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise FormatError(f'expected an object with "format": "{FORMAT}"')
        if document.get("version") != VERSION:
            raise FormatError(f"version {document.get('version')!r} of the format; this program reads {VERSION}")
        return [_restore(entry) for entry in document.get("results", [])]
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text at byte {error.start}") from None
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: an entry is missing or of the wrong kind: {error!r}") from None


def _restore(entry: dict[str, Any]) -> Result:
    axis, columns = entry["axis"], entry["columns"]
    parts = [("columns", name, values) for name, values in columns.items()]
    if axis is not None:
        parts.append(("axis", axis["name"], axis))
    for where, name, values in parts:
        if "data" not in values:
            raise FormatError(f"{where} '{name}' has no data: this is a summary; write it with all points to read it")
    outer = entry["extra_dims"]
    # An empty table loses its inner lengths in nested lists, so the shape comes from the axes.
    shape = [len(dimension["data"]) for dimension in outer] + ([] if axis is None else [len(axis["data"])])
    made = {}
    for name, column in columns.items():
        values = strict_json.numbers(column["data"])
        made[name] = Column(values.reshape(shape) if values.size == 0 else values, column["unit"], column["long_name"])
    measures = {}
    for name, value in entry["measures"].items():
        number = strict_json.numbers(value)
        measures[name] = number if number.ndim else number.item()
    return Result.build(
        None if axis is None else axis["name"],
        None if axis is None else strict_json.numbers(axis["data"]),
        made,
        axis_unit=None if axis is None else axis["unit"],
        extra_dims={
            dimension["name"]: Column(strict_json.numbers(dimension["data"]), dimension["unit"], dimension["long_name"])
            for dimension in outer
        },
        attrs=entry["attrs"],
        measures=measures,
    )


format = Format(
    name="json",
    description="strict JSON with units, statistics, measures and all points",
    suffixes=(".json",),
    write=write,
    read=read,
    several=True,
    keeps="all",
    citation="RFC 8259",
)
