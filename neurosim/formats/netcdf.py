"""NetCDF (64-bit offset): one file with units and provenance that many programs open.

A complex variable is stored as ``re:<name>`` and ``im:<name>``. Attributes that are not text are stored as JSON and
listed in ``json_attributes``. Names that NetCDF cannot hold are percent-encoded. xarray reads; SciPy writes, because
loading xarray takes longer than most runs.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import FormatError
from neurosim.formats import strict_json
from neurosim.formats.format import Format
from neurosim.results import Column, Result

if TYPE_CHECKING:
    import xarray

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@+():#-]*")
_RESERVED = ("byte", "char", "short", "ushort", "int", "uint", "int64", "uint64", "float", "real", "double", "bool")
_ESCAPE = "_%"
_LARGEST = 2**32 - 4
"""Bytes of a variable."""
_OWN = ("json_attributes", "axis_name", "Conventions")


def write(results: Sequence[Result], path: Path) -> None:
    """Write one Result."""
    result = results[0]
    if 0 in result.shape:
        raise FormatError("NetCDF cannot hold a result without points; use .json or .csv")
    dims = {_encode(name): result.column(name) for name in result.dims}
    variables: dict[str, Any] = {name: ((name,), column.values, _described(column)) for name, column in dims.items()}
    for name, column in result.columns.items():
        parts = {"": column.values}
        if np.iscomplexobj(column.values):
            parts = {"re:": column.values.real, "im:": column.values.imag}
        for prefix, values in parts.items():
            if variables.setdefault(_encode(prefix + name), (tuple(dims), values, _described(column)))[1] is not values:
                raise FormatError(f"NetCDF cannot hold two variables called '{prefix}{name}'; rename one")
    attrs: dict[str, Any] = {"Conventions": "CF-1.8", "axis_name": result.axis_name or "none"}
    encoded = []
    for name, value in (*result.attrs.items(), ("measures", result.measures)):
        if name in _OWN or (name == "measures" and name in result.attrs):
            raise FormatError(f"the attribute '{name}' is the file's own; rename it")
        key = _encode(name)
        if isinstance(value, str) and value and value.isprintable():
            attrs[key] = value
        else:
            attrs[key] = strict_json.dumps(value)
            encoded.append(key)
    attrs["json_attributes"] = " ".join(encoded)
    _write_classic(path, {name: column.values.size for name, column in dims.items()}, attrs, variables)


def _write_classic(path: Path, dims: dict[str, int], attrs: dict[str, str], variables: dict[str, Any]) -> None:
    """Write float64 variables (names of their dimensions, values, attributes) in the classic format."""
    from scipy.io import netcdf_file

    for name, (_, values, _) in variables.items():
        if values.nbytes > _LARGEST:
            raise FormatError(f"NetCDF cannot hold '{name}': {values.nbytes:,} bytes, at most {_LARGEST:,} fit")
    with netcdf_file(path, "w", version=2) as file:
        for name, size in dims.items():
            file.createDimension(name, size)
        for name, (along, values, own) in variables.items():
            variable = file.createVariable(name, ">f8", along)
            variable[...] = values
            for key, value in own.items():
                setattr(variable, key, value.encode())
        for key, value in attrs.items():
            setattr(file, key, value.encode())


def read(path: Path) -> list[Result]:
    """Read one Result, also from a file of another program whose variables share all dimensions."""
    import xarray

    if not path.is_file():
        raise FormatError(f"cannot read '{path}': no such file")
    if path.read_bytes()[:3] != b"CDF":
        raise FormatError(f"{path}: expected a NetCDF classic file, which begins with 'CDF'")
    try:
        with xarray.open_dataset(path, engine="scipy", decode_cf=False) as opened:
            dataset = opened.load()
    except Exception as error:  # SciPy raises whatever a broken header leads to
        raise FormatError(f"{path}: not a readable NetCDF file: {type(error).__name__}: {error}") from error
    return [_restore(path, dataset)]


def _restore(path: Path, dataset: xarray.Dataset) -> Result:
    attrs: dict[str, Any] = {_decode(str(name)): value for name, value in dataset.attrs.items()}
    encoded = str(attrs.pop("json_attributes", "")).split()
    axis_name = str(attrs.pop("axis_name", "")) or None
    attrs.pop("Conventions", None)
    for key in encoded:
        name = _decode(key)
        if name not in attrs:
            raise FormatError(f"{path}: the attribute '{key}' is listed but missing")
        attrs[name] = strict_json.loads(str(attrs[name]))
    measures = {}
    for name, value in attrs.pop("measures", {}).items():
        number = strict_json.numbers(value)
        measures[name] = number if number.ndim else number.item()
    dataset = dataset.rename({name: _decode(str(name)) for name in dataset.variables if _decode(str(name)) != name})
    merged: dict[str, Any] = {}
    for name, variable in dataset.data_vars.items():
        part, colon, rest = str(name).partition(":")
        if colon and part in ("re", "im"):
            other = f"{'im' if part == 're' else 're'}:{rest}"
            if other not in dataset.data_vars:
                raise FormatError(f"{path}: variable '{name}' has no partner '{other}'")
            if part == "re":
                joined = np.empty(variable.shape, dtype=complex)
                joined.real, joined.imag = variable.values, dataset[other].values
                merged[rest] = (variable.dims, joined, variable.attrs)
        else:
            merged[str(name)] = (variable.dims, variable.values, variable.attrs)
    import xarray

    built = xarray.Dataset(merged, coords=dataset.coords, attrs={**attrs, "measures": measures})
    return Result.from_dataset(built, axis_name=axis_name)


def _described(column: Column) -> dict[str, str]:
    return {key: text for key, text in (("units", column.unit), ("long_name", column.long_name)) if text}


def _encode(name: str) -> str:
    """Percent-encode a name that NetCDF classic, or a reader of it, would not take as it is."""
    if _PLAIN_NAME.fullmatch(name) and name not in _RESERVED:
        return name
    encoded = urllib.parse.quote(name, safe="().@+:#-,[]")
    usable = _PLAIN_NAME.match(encoded) and not encoded.startswith(_ESCAPE) and encoded not in _RESERVED
    return encoded if usable else _ESCAPE + encoded


def _decode(name: str) -> str:
    return urllib.parse.unquote(name.removeprefix(_ESCAPE))


format = Format(
    name="netcdf",
    description="NetCDF classic with units and provenance; opens in xarray, MATLAB, Julia",
    suffixes=(".nc",),
    write=write,
    read=read,
    keeps="all",
    citation="https://www.unidata.ucar.edu/software/netcdf",
)
