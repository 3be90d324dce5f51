"""Comma-separated values: a header line of names, then one row for each point.

The first column is the axis (``time``, ``frequency`` or the swept name), then the outer swept names of nested sweeps,
then the columns. Complex columns are pairs ``re:v(out)``, ``im:v(out)``. An operating point is one row without an axis.
Numbers are the shortest text that reads back to the same bits.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosim.errors import FormatError
from neurosim.formats.format import Format
from neurosim.formats.table import flatten, unflatten
from neurosim.results import Result, canonical_name

ROWS_AT_ONCE = 65_536


def write(results: Sequence[Result], path: Path) -> None:
    """Write one Result."""
    axes, columns = flatten(results[0])
    table = dict(axes)
    for name, values in columns.items():
        if np.iscomplexobj(values):
            table[f"re:{name}"], table[f"im:{name}"] = np.real(values), np.imag(values)
        else:
            table[name] = values
    rows = len(next(iter(table.values()))) if table else 0
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(table)
        for start in range(0, rows, ROWS_AT_ONCE):
            texts = [map(repr, values[start : start + ROWS_AT_ONCE].tolist()) for values in table.values()]
            file.write("\n".join(map(",".join, zip(*texts))) + "\n")


def read(path: Path) -> list[Result]:
    """Read one Result.

    A file of one row whose first column is neither ``time`` nor ``frequency`` is an operating point. Of the outer
    names, those with one value only come back as ordinary columns, since a table does not tell them apart.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline()]), [])
            with warnings.catch_warnings():
                # NumPy warns about a table without rows; here that is an empty axis.
                warnings.simplefilter("ignore", UserWarning)
                data = np.loadtxt(file, delimiter=",", comments=None, ndmin=2)
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text at byte {error.start}; expected a CSV table") from None
    except (ValueError, csv.Error) as error:
        raise FormatError(f"{path}: below the header line: {error}; expected numbers separated by commas") from None
    names = [canonical_name(name) for name in header]
    if not names or not all(names):
        raise FormatError(f"{path}:1: expected a header line of column names separated by commas, got {header!r}")
    if all(_is_number(name) for name in names):
        raise FormatError(f"{path}:1: expected a header line of column names, got numbers")
    for name in names:
        if names.count(name) > 1:
            raise FormatError(f"{path}:1: the column name '{name}' stands twice")
    if data.size == 0:
        data = np.empty((0, len(names)))
    if data.shape[1] != len(names):
        raise FormatError(f"{path}:2: {data.shape[1]} values in a row, but the header names {len(names)} columns")
    columns = _join_complex(path, dict(zip(names, np.ascontiguousarray(data.T))))
    has_axis = len(data) != 1 or names[0] in ("time", "frequency")
    return [unflatten(columns, has_axis=has_axis)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _join_complex(path: Path, table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, values in table.items():
        part, colon, rest = name.partition(":")
        if not colon or part not in ("re", "im"):
            columns[name] = values
            continue
        other = f"{'im' if part == 're' else 're'}:{rest}"
        if other not in table:
            raise FormatError(f"{path}:1: column '{name}' has no partner '{other}'")
        if part == "re":
            joined = np.empty(values.shape, dtype=complex)
            joined.real, joined.imag = values, table[other]
            columns[rest] = joined
    return columns


format = Format(
    name="csv",
    description="comma-separated values with a header line; AC as re:/im: pairs",
    suffixes=(".csv",),
    write=write,
    read=read,
    citation="RFC 4180",
)
