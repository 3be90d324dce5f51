"""SPICE3 raw files: a text header, then numbers as text or binary; several plots may follow one another.

Written as ngspice writes them, so that ngspice, gaw and the readers of other simulators load them. Read from ngspice,
from this module, and from LTspice with its own flavours: a UTF-16 header, double time with single-precision data,
variables one after the other (``fastaccess``), runs of ``.step`` (``stepped``), negative times (recalled: the sign
marks points that its compression interpolates; the magnitude is the time).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from neurosim.errors import FormatError, ParameterError
from neurosim.formats.format import Format
from neurosim.formats.table import flatten, unflatten
from neurosim.results import Result, canonical_name

ROWS_AT_ONCE = 65_536
TITLE_LENGTH = 400
"""ngspice reads header lines into a buffer of 512 bytes."""

_PLOT_NAMES = {
    "op": "Operating Point",
    "tran": "Transient Analysis",
    "ac": "AC Analysis",
    "dc": "DC transfer characteristic",
}
_TYPE_OF_UNIT = {"s": "time", "Hz": "frequency", "W": "power", "Ohm": "impedance", "S": "admittance", "C": "charge"}
_UNIT_OF_TYPE = {
    **{kind: unit for unit, kind in _TYPE_OF_UNIT.items()},
    "voltage": "V",
    "current": "A",
    "device_current": "A",
    "subckt_current": "A",
    "res-sweep": "Ohm",
    "temp-sweep": "degC",
    "capacitance": "F",
    "phase": "rad",
}
_WITHOUT_AXIS = ("operating point", "transfer function", "integrated noise")
_FORMAT_FLAGS = ("real", "complex", "padded", "unpadded", "compressed", "fastaccess", "double")
_KNOWN_FLAGS = (*_FORMAT_FLAGS, "forward", "backward", "log", "linear", "stepped")


@dataclass(slots=True)
class Plot:
    """Header of one plot in a raw file."""

    place: str
    encoding: str
    fields: dict[str, str] = field(default_factory=dict)
    variables: list[tuple[str, str]] = field(default_factory=list)

    @property
    def flags(self) -> set[str]:
        """Lower-case words of the ``Flags:`` line."""
        return set(self.fields.get("flags", "real").lower().split())

    @property
    def is_complex(self) -> bool:
        """Whether every number is a pair of real and imaginary part."""
        return "complex" in self.flags

    @property
    def is_ltspice(self) -> bool:
        """Whether LTspice wrote it."""
        command = self.fields.get("command", "").lower()
        return self.encoding == "utf-16-le" or "ltspice" in command or "linear technology" in command

    def count(self, key: str) -> int:
        """Return the whole number of a header line such as ``No. Points:``."""
        text = self.fields.get(key)
        if text is None:
            raise FormatError(f"{self.place}: the header has no line '{key.capitalize()}:' before its data")
        if not re.fullmatch(r"[0-9]{1,15}", text):
            raise FormatError(f"{self.place}: '{key}' is '{text}'; expected a whole number")
        return int(text)


def write(results: Sequence[Result], path: Path, *, binary: bool = True) -> None:
    """Write results, one plot each, as binary or as text."""
    with path.open("wb") as file:
        for result in results:
            _write_plot(file, result, binary=binary)


def _write_plot(file: BinaryIO, result: Result, *, binary: bool) -> None:
    axes, columns = flatten(result)
    table = {**axes, **columns}
    units = {result.axis_name: result.axis_unit}
    units |= {name: column.unit for name, column in (*result.extra_dims.items(), *result.columns.items())}
    if not table:
        raise FormatError("a SPICE raw file cannot hold a result without columns")
    points = len(next(iter(table.values())))
    header = [
        f"Title: {_one_line(result.attrs.get('title', 'neurosim'))}",
        f"Date: {_one_line(result.attrs.get('date', '')) or datetime.datetime.now().ctime()}",
        f"Plotname: {_PLOT_NAMES.get(result.analysis, _one_line(result.analysis))}",
        f"Flags: {'complex' if result.is_complex else 'real'}",
        f"No. Variables: {len(table)}",
        f"No. Points: {points}",
        "Variables:",
    ]
    for index, name in enumerate(table):
        header.append(f"\t{index}\t{name}\t{_type_of(name, units.get(name, ''), is_axis=name in axes)}")
    header.append("Binary:" if binary else "Values:")
    file.write(("\n".join(header) + "\n").encode("utf-8"))
    dtype = np.dtype("<c16" if result.is_complex else "<f8")
    for start in range(0, points, ROWS_AT_ONCE):
        rows = np.stack([values[start : start + ROWS_AT_ONCE].astype(dtype) for values in table.values()], axis=1)
        file.write(rows.tobytes() if binary else _as_text(rows, start))


def _as_text(rows: np.ndarray, start: int) -> bytes:
    lines = []
    for index, row in enumerate(rows.tolist(), start):
        numbers = [f"{value.real!r},{value.imag!r}" if isinstance(value, complex) else repr(value) for value in row]
        lines.append(f" {index}\t" + "\n\t".join(numbers) + "\n\n")
    return "".join(lines).encode("ascii")


def _one_line(text: object) -> str:
    # ngspice runs the text of a "Command:" line, so nothing here may start a header line of its own.
    return " ".join(str(text).split())[:TITLE_LENGTH]


def _type_of(name: str, unit: str, *, is_axis: bool) -> str:
    # Readers call a bare name of type voltage "v(name)", so only v(...) and i(...) and the axes get these types.
    if is_axis and unit in ("V", "A"):
        return "voltage" if unit == "V" else "current"
    if re.fullmatch(r"[vi]\(.*\)", name):
        return "voltage" if name[0] == "v" else "current"
    return _TYPE_OF_UNIT.get(unit, "notype")


def read(path: Path) -> list[Result]:
    """Read every plot.

    Attributes ``title``, ``date``, ``plotname`` hold the header. Columns of a complex plot are all complex; the
    imaginary part of the axis is ignored, because ngspice leaves arbitrary bits there. Bare node names become
    ``v(name)``, ``v1#branch`` becomes ``i(v1)``.
    """
    data = path.read_bytes()
    results: list[Result] = []
    position = 0
    while data[position:].strip(b"\0\r\n\t "):
        place = f"{path}: plot {len(results) + 1}"
        plot, binary, position = _read_header(data, position, place)
        try:
            read_numbers = _read_binary if binary else _read_text
            columns, position = read_numbers(plot, data, position)
            results.append(_build(plot, columns))
        except ParameterError as error:
            raise FormatError(f"{place}: {error}") from None
    if not results:
        raise FormatError(f"{path}: the file is empty; expected a line 'Title:' or 'Plotname:'")
    return results


def _read_header(data: bytes, position: int, place: str) -> tuple[Plot, bool, int]:
    if data[position : position + 2] == b"\xff\xfe":
        position += 2
    encoding = "utf-16-le" if data[position + 1 : position + 2] == b"\0" else "utf-8"
    plot = Plot(place, encoding)
    while True:
        start = position
        line, position = _next_line(data, start, encoding)
        if line is None:
            raise FormatError(f"{place}: the header at byte {start} ends without 'Binary:' or 'Values:'")
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip().lower()
        if not colon or len(key) > 40:
            raise FormatError(f"{place}: byte {start}: expected a header line 'Name: value', got {line[:60]!r}")
        if key in ("binary", "values"):
            _check_header(plot)
            return plot, key == "binary", position
        if key != "variables":
            plot.fields[key] = value.strip()
            continue
        # SPICE3 allows the first variable on the line of the key itself.
        if value.strip():
            position = start + len(line[: len(line) - len(value)].encode(encoding))
        for number in range(plot.count("no. variables")):
            start = position
            line, position = _next_line(data, start, encoding)
            text = (line or "").strip()
            parts = [part.strip() for part in text.split("\t") if part.strip()]
            if len(parts) < 3:
                parts = text.split()
            if len(parts) < 3 or parts[0] != str(number):
                raise FormatError(
                    f"{place}: byte {start}: expected variable {number} as 'index name type', got {text[:60]!r}"
                )
            if "dims=" in text:
                raise FormatError(f"{place}: variable '{parts[1]}' has its own dimensions (dims=), which is not read")
            plot.variables.append((parts[1], parts[2].split()[0].lower()))


def _next_line(data: bytes, position: int, encoding: str) -> tuple[str | None, int]:
    """Text of the line that begins at `position` and the place after it; None without a line end."""
    newline = "\n".encode(encoding)
    end = data.find(newline, position)
    # In UTF-16 the bytes of a newline count only at an even distance.
    while len(newline) == 2 and end >= 0 and (end - position) % 2:
        end = data.find(newline, end + 1)
    if end < 0:
        return None, position
    # Titles may be in any code page; a replaced letter there is harmless.
    return data[position:end].decode(encoding, errors="replace").rstrip("\r"), end + len(newline)


def _check_header(plot: Plot) -> None:
    if not plot.variables:
        raise FormatError(f"{plot.place}: no 'Variables:' before the data")
    unknown = sorted(plot.flags - set(_KNOWN_FLAGS))
    if unknown:
        raise FormatError(f"{plot.place}: unknown flag '{unknown[0]}'; known: {', '.join(sorted(_KNOWN_FLAGS))}")
    if "unpadded" in plot.flags:
        raise FormatError(f"{plot.place}: 'unpadded' vectors are not read; write with 'unset nopadding' in ngspice")


def _read_binary(plot: Plot, data: bytes, position: int) -> tuple[list[np.ndarray], int]:
    points, variables = plot.count("no. points"), len(plot.variables)
    if plot.is_complex:
        kinds = ["<c16"] * variables
    elif plot.is_ltspice and "double" not in plot.flags:
        kinds = ["<f8"] + ["<f4"] * (variables - 1)
    else:
        kinds = ["<f8"] * variables
    row_size = sum(np.dtype(kind).itemsize for kind in kinds)
    wanted, there = points * row_size, len(data) - position
    if there < wanted:
        raise FormatError(
            f"{plot.place}: the data at byte {position} ends early: {points} points of {row_size} bytes are {wanted} "
            f"bytes, {there} are there ({there // row_size} whole points)"
        )
    if "fastaccess" in plot.flags:
        columns = []
        for kind in kinds:
            columns.append(np.frombuffer(data, kind, points, position))
            position += columns[-1].nbytes
        return columns, position
    rows = np.frombuffer(data, np.dtype([(str(index), kind) for index, kind in enumerate(kinds)]), points, position)
    return [rows[str(index)] for index in range(variables)], position + wanted


def _read_text(plot: Plot, data: bytes, position: int) -> tuple[list[np.ndarray], int]:
    points, variables = plot.count("no. points"), len(plot.variables)
    following = re.compile("\n(title|plotname):".encode(plot.encoding), re.IGNORECASE).search(
        data, max(position - 1, 0)
    )
    end = following.start() if following else len(data)
    text = data[position:end].decode(plot.encoding, errors="replace")
    parts = 2 if plot.is_complex else 1
    words = text.replace(",", " ").split()
    per_point = 1 + parts * variables
    if len(words) != points * per_point:
        raise FormatError(
            f"{plot.place}: the values at byte {position} hold {len(words)} numbers; {points} points of {variables} "
            f"{'complex' if plot.is_complex else 'real'} variables with their index are {points * per_point} "
            f"({len(words) // per_point} whole points)"
        )
    try:
        if "_" in text:
            raise ValueError("'_' is no part of a number")
        table = np.array(words, dtype=float).reshape(points, per_point)
    except ValueError as error:
        raise FormatError(f"{plot.place}: among the values at byte {position}: {error}") from None
    wrong = np.flatnonzero(table[:, 0] != np.arange(points))
    if wrong.size:
        raise FormatError(f"{plot.place}: point {wrong[0]} carries the index {table[wrong[0], 0]:g}")
    numbers = np.ascontiguousarray(table[:, 1:])
    if plot.is_complex:
        numbers = numbers.view(complex)
    return list(numbers.T), end


def _build(plot: Plot, columns: list[np.ndarray]) -> Result:
    plot_name = plot.fields.get("plotname", "")
    has_axis = not plot_name.lower().startswith(_WITHOUT_AXIS)
    table: dict[str, np.ndarray] = {}
    units: dict[str, str] = {}
    for index, ((given, kind), values) in enumerate(zip(plot.variables, columns)):
        is_axis = has_axis and index == 0
        name = _axis_name(given) if is_axis else _column_name(given, kind)
        if name in table:
            raise FormatError(f"{plot.place}: the variable '{name}' stands twice")
        values = np.ascontiguousarray(values)
        if is_axis and plot.is_complex:
            values = np.real(values).copy()
        if is_axis and plot.is_ltspice and kind == "time":
            values = np.abs(values)
        table[name] = values.astype(complex if np.iscomplexobj(values) else float, copy=False)
        units[name] = _UNIT_OF_TYPE.get(kind, "")
    attrs = {key: plot.fields[key] for key in ("title", "date", "plotname") if plot.fields.get(key)}
    known = {name.lower(): analysis for analysis, name in _PLOT_NAMES.items()}
    if plot_name:
        attrs["analysis"] = known.get(plot_name.lower(), plot_name)
    return unflatten(table, has_axis=has_axis, units=units, attrs=attrs)


def _axis_name(given: str) -> str:
    name = canonical_name(given)
    sweep = re.fullmatch(r"[vi]\((.*-sweep)\)", name)
    return sweep.group(1) if sweep else name


def _column_name(given: str, kind: str) -> str:
    name = canonical_name(given)
    if name.endswith("#branch"):
        return f"i({name.removesuffix('#branch')})"
    if "(" not in name and not name.startswith("@"):
        if kind == "voltage":
            return f"v({name})"
        if kind == "current":
            return f"i({name})"
    return name


format = Format(
    name="spice_raw",
    description="SPICE3 raw file, binary or text; ngspice and LTspice flavours on reading",
    suffixes=(".raw",),
    write=write,
    read=read,
    several=True,
    citation="W. A. Christopher, rawfile.c, SPICE3, U. C. Berkeley (1986)",
)
