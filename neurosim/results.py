"""The one form of every answer: named columns with units over an axis, with statistics and provenance.

Columns are plain NumPy arrays; the labelled xarray form is built when `Result.dataset` is asked for, because importing
xarray takes longer than most runs.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest

if TYPE_CHECKING:
    import xarray

STACKED_POINTS_LIMIT = 20_000_000
"""Most points (runs x axis) of one column that `Result.stack` makes from unequal axes before it asks for an axis."""

_GROUND_POTENTIALS = ("v(0)", "v(gnd)")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One named quantity.

    Parameters
    ----------
    values : array_like of float or complex
        Shape (extra dimensions ..., axis); a scalar for an operating point.
    unit : str
        SI unit, ``""`` if dimensionless.
    long_name : str
        What it is, in words.
    """

    values: Any
    unit: str = ""
    long_name: str = ""


def canonical_name(name: str) -> str:
    """Return the stored spelling of a name: lower case, no spaces, as in ``v(out)``, ``i(v1)``, ``m1.x``."""
    return "".join(name.split()).lower()


class Result:
    """What a run or an analysis gives back. Make one with `Result.build`.

    ``result["v(out)"]`` is an array; case and spaces do not matter, ``v(a,b)`` is the difference of two stored
    potentials, ``v(0)`` is zero, the names of the axis and of the extra dimensions work too.

    Attributes
    ----------
    axis_name : str or None
        ``"time"``, ``"frequency"``, the swept name, or None for an operating point.
    axis_unit : str
        Its SI unit.
    extra_dims : dict of str to Column
        Outer dimensions of a stepped run, outermost first; each has its 1-D values and unit.
    columns : dict of str to Column
        Read-only arrays, float64 or complex128, of shape `shape`.
    attrs : dict
        Provenance and statistics: plain values, lists and dicts that JSON can hold.
    measures : dict of str to float
        Results of ``.measure``, an array of the shape of the extra dimensions in a stepped run; NaN where one failed.
    """

    def __init__(
        self,
        axis_name: str | None,
        axis: np.ndarray | None,
        axis_unit: str,
        extra_dims: dict[str, Column],
        columns: dict[str, Column],
        attrs: dict[str, Any],
        measures: dict[str, Any],
    ) -> None:
        self.axis_name, self.axis_unit, self._axis = axis_name, axis_unit, axis
        self.extra_dims, self.columns, self.attrs, self.measures = extra_dims, columns, attrs, measures

    @classmethod
    def build(
        cls,
        axis_name: str | None,
        axis: Any,
        columns: Mapping[str, Column | Any],
        *,
        axis_unit: str | None = None,
        extra_dims: Mapping[str, Column | Any] | None = None,
        attrs: Mapping[str, Any] | None = None,
        measures: Mapping[str, Any] | None = None,
    ) -> Result:
        """Check the parts and make a Result.

        Parameters
        ----------
        axis_name : str or None
            None for an operating point; `axis` is then ignored. With `extra_dims` the innermost of these becomes the
            axis, so that a stepped operating point is a sweep.
        axis : array_like of float
            Shape (n,), in `axis_unit`.
        columns : mapping of str to Column or array_like
            Each of shape (lengths of the extra dimensions..., n).
        axis_unit : str, optional
            Default ``"s"`` for time, ``"Hz"`` for frequency, otherwise dimensionless.
        extra_dims : mapping of str to Column or array_like, optional
            Outermost first.
        attrs, measures : mapping, optional
            See the class.

        Raises
        ------
        ParameterError
            A shape does not fit, two names are equal, or a column is not numeric.
        """
        dims = {canonical_name(name): _column(name, values) for name, values in (extra_dims or {}).items()}
        for name, dimension in dims.items():
            _check_axis(name, dimension.values)
        if axis_name is None and dims:
            axis_name = list(dims)[-1]
            inner = dims.pop(axis_name)
            axis, axis_unit = inner.values, inner.unit
        points: np.ndarray | None = None
        if axis_name is not None:
            axis_name = canonical_name(axis_name)
            points = _check_axis(axis_name, _read_only(axis_name, axis))
            if axis_name in dims:
                raise ParameterError(f"'{axis_name}' names both the axis and an extra dimension")
            if axis_unit is None:
                axis_unit = {"time": "s", "frequency": "Hz"}.get(axis_name, "")
        shape = tuple(len(dimension.values) for dimension in dims.values()) + (() if points is None else points.shape)
        checked: dict[str, Column] = {}
        for given, values in columns.items():
            name = canonical_name(given)
            if not name:
                raise ParameterError(f"column name {given!r} is empty")
            if name in checked or name == axis_name or name in dims:
                raise ParameterError(f"column name '{name}' is used twice in a result")
            column = _column(name, values)
            if column.values.shape != shape:
                raise ParameterError(f"column '{name}' has shape {column.values.shape}; the axes ask for {shape}")
            checked[name] = column
        return cls(axis_name, points, axis_unit or "", dims, checked, dict(attrs or {}), dict(measures or {}))

    @property
    def axis(self) -> np.ndarray:
        """Points of the axis, shape (n,), in `axis_unit`.

        Raises
        ------
        UnknownNameError
            The result is an operating point.
        """
        if self._axis is None:
            raise UnknownNameError("an operating point has no axis")
        return self._axis

    @property
    def time(self) -> np.ndarray:
        """Points of time [s], shape (n,).

        Raises
        ------
        UnknownNameError
            The axis is not time.
        """
        if self.axis_name != "time":
            over = "is an operating point" if self.axis_name is None else f"runs over '{self.axis_name}'"
            raise UnknownNameError(f"this result has no time axis: it {over}")
        return self.axis

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns in their order, without the axis."""
        return tuple(self.columns)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions of every column, outermost first, the axis last."""
        return (*self.extra_dims, *(() if self.axis_name is None else (self.axis_name,)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of `dims`."""
        lengths = tuple(len(dimension.values) for dimension in self.extra_dims.values())
        return lengths if self._axis is None else (*lengths, len(self._axis))

    @property
    def events(self) -> dict[str, np.ndarray]:
        """Times [s] of events by name, one for each tick or crossing; empty where none were watched."""
        return {name: np.array(times, dtype=float) for name, times in self.attrs.get("events", {}).items()}

    @property
    def trains(self) -> dict[str, list[np.ndarray]]:
        """Times [s] of the ticks of each element, by event: the elements of ``spike[0], spike[1], ...`` together."""
        groups: dict[str, list[np.ndarray]] = {}
        for name, times in self.events.items():
            match = re.fullmatch(r"(.+)\[\d+\]", name)
            groups.setdefault(match[1] if match else name, []).append(times)
        return groups

    @property
    def weights(self) -> dict[str, Any]:
        """Weights of synapses that learned, at the end of a run with ``dt``: sparse matrices (targets, sources)."""
        import scipy.sparse

        return {
            name: scipy.sparse.csr_array((found["value"], (found["row"], found["column"])), shape=tuple(found["shape"]))
            for name, found in self.attrs.get("weights", {}).items()
        }

    @property
    def analysis(self) -> str:
        """What was run: ``attrs["analysis"]`` if given, else ``"op"``, ``"tran"``, ``"ac"`` or ``"dc"`` by the axis."""
        if "analysis" in self.attrs:
            return str(self.attrs["analysis"])
        return {None: "op", "time": "tran", "frequency": "ac"}.get(self.axis_name, "dc")

    @property
    def is_complex(self) -> bool:
        """Whether any column is complex."""
        return any(np.iscomplexobj(column.values) for column in self.columns.values())

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The labelled form, made on first use; it shares the arrays of this Result."""
        import xarray

        def described(unit: str, long_name: str = "") -> dict[str, str]:
            return {key: text for key, text in (("units", unit), ("long_name", long_name)) if text}

        coordinates: dict[str, Any] = {
            name: (name, dimension.values, described(dimension.unit, dimension.long_name))
            for name, dimension in self.extra_dims.items()
        }
        if self.axis_name is not None:
            coordinates[self.axis_name] = (self.axis_name, self.axis, described(self.axis_unit))
        variables = {
            name: (self.dims, column.values, described(column.unit, column.long_name))
            for name, column in self.columns.items()
        }
        attrs = {**self.attrs, "measures": self.measures} if self.measures else dict(self.attrs)
        return xarray.Dataset(variables, coords=coordinates, attrs=attrs)

    @classmethod
    def from_dataset(cls, dataset: xarray.Dataset, *, axis_name: str | None = None) -> Result:
        """Make a Result from an xarray Dataset of numeric variables that share all dimensions.

        Parameters
        ----------
        dataset : xarray.Dataset
            Attributes ``units`` and ``long_name`` are kept.
        axis_name : str, optional
            Dimension that is the axis; default the last one of the first variable.

        Raises
        ------
        ParameterError
            Variables have different dimensions, or a dimension has no coordinate.
        """
        variables = {str(name): variable for name, variable in dataset.data_vars.items()}
        dims = tuple(str(name) for name in (next(iter(variables.values())).dims if variables else dataset.sizes))
        if axis_name is not None and axis_name in dims:
            dims = (*(name for name in dims if name != axis_name), axis_name)
        for name in dims:
            if name not in dataset.coords:
                raise ParameterError(f"dimension '{name}' of the dataset has no coordinate values")

        def column(variable: Any) -> Column:
            return Column(variable.values, variable.attrs.get("units", ""), variable.attrs.get("long_name", ""))

        columns = {}
        for name, variable in variables.items():
            if set(variable.dims) != set(dims):
                raise ParameterError(f"variable '{name}' has dimensions {variable.dims}, others have {dims}")
            columns[name] = column(variable.transpose(*dims))
        attrs = {str(name): value for name, value in dataset.attrs.items()}
        measures = attrs.pop("measures", {})
        outer = {name: column(dataset.coords[name]) for name in dims}
        inner_name = dims[-1] if dims else None
        inner = outer.pop(inner_name) if inner_name is not None else Column(None)
        return cls.build(
            inner_name, inner.values, columns, axis_unit=inner.unit, extra_dims=outer, attrs=attrs, measures=measures
        )

    def column(self, name: str) -> Column:
        """Return the values with their unit; `name` as in ``result[name]``.

        The name of a population, ``"neurons/v"``, gives all its elements ``"neurons/v[0]"``, ... that were saved, as a
        last axis.

        Raises
        ------
        UnknownNameError
            No such name; the message proposes the nearest ones.
        """
        key = canonical_name(name)
        if key in self.columns:
            return self.columns[key]
        if key == self.axis_name:
            return Column(self.axis, self.axis_unit)
        if key in self.extra_dims:
            return self.extra_dims[key]
        if key in _GROUND_POTENTIALS:
            return Column(np.zeros(self.shape), "V", "ground")
        if key.startswith("v(") and key.endswith(")") and key.count(",") == 1:
            plus, minus = (f"v({net})" for net in key[2:-1].split(","))
            difference = self.column(plus).values - self.column(minus).values
            return Column(difference, "V", f"{plus} minus {minus}")
        if elements := [self.columns[element] for element in self.elements(key)]:
            return Column(np.stack([e.values for e in elements], axis=-1), elements[0].unit)
        known = [*self.columns, *self.dims]
        raise UnknownNameError(f"the result has no '{name}'; {nearest(key, known)}".rstrip("; "))

    def elements(self, name: str) -> list[str]:
        """Names of the columns that are elements of a population: of ``"v"`` those of ``"v[0]"``, ``"v[1]"``, ..."""
        start = f"{canonical_name(name)}["
        numbers = (column[len(start) : -1] for column in self.columns if column.startswith(start))
        return [f"{start}{k}]" for k in sorted(int(number) for number in numbers if number.isdecimal())]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.column(name).values

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self.column(name) is not None
        except UnknownNameError:
            return False

    def __repr__(self) -> str:
        over = ", ".join(f"{name}: {length}" for name, length in zip(self.dims, self.shape)) or "one point"
        shown = ", ".join(self.names[:8]) + (", ..." if len(self.names) > 8 else "")
        return f"Result({self.analysis}; {over}; {shown})"

    def runs(self) -> Iterator[tuple[dict[str, float], Result]]:
        """Go through a stepped run: the outer values of each run, and the run as a Result without extra dimensions."""
        outer = [dimension.values for dimension in self.extra_dims.values()]
        for index in np.ndindex(*(len(values) for values in outer)):
            where = {name: float(values[i]) for name, values, i in zip(self.extra_dims, outer, index)}
            columns = {
                name: Column(column.values[(*index, ...)], column.unit, column.long_name)
                for name, column in self.columns.items()
            }
            # A list or a plain number belongs to the whole Result, an array to its runs.
            measures = {
                name: value[index] if isinstance(value, np.ndarray) and value.shape[: len(index)] else value
                for name, value in self.measures.items()
            }
            yield where, Result(self.axis_name, self._axis, self.axis_unit, {}, columns, self.attrs, measures)

    def interpolate(self, points: Any) -> Result:
        """Return the Result at other points of the axis, linear between the stored ones.

        Parameters
        ----------
        points : array_like of float
            Shape (m,), in `axis_unit`, inside the range of the axis.

        Raises
        ------
        ParameterError
            A point lies outside, or the stored axis turns back.
        UnknownNameError
            The result is an operating point.

        Notes
        -----
        Where two points of equal axis value are stored (a jump), the later one counts at that value.
        """
        stored = self.axis
        wanted = np.atleast_1d(np.asarray(points, dtype=float))
        order = slice(None)
        if stored.size > 1 and stored[-1] < stored[0]:
            order = slice(None, None, -1)
        rising = stored[order]
        if np.any(np.diff(rising) < 0):
            raise ParameterError(f"cannot interpolate: the axis '{self.axis_name}' turns back")
        outside = ~((wanted >= rising[0]) & (wanted <= rising[-1])) if rising.size else np.ones(wanted.shape, bool)
        if outside.any():
            span = f"{rising[0]:g} to {rising[-1]:g}" if rising.size else "empty"
            raise ParameterError(
                f"{self.axis_name} = {wanted[outside][0]:g} {self.axis_unit} lies outside the result ({span})"
            )
        columns = {}
        for name, column in self.columns.items():
            flat = column.values[..., order].reshape(-1, rising.size)
            made = np.array([np.interp(wanted, rising, row) for row in flat], dtype=column.values.dtype)
            values = made.reshape(*column.values.shape[:-1], wanted.size)
            columns[name] = Column(values, column.unit, column.long_name)
        return Result.build(
            self.axis_name,
            wanted,
            columns,
            axis_unit=self.axis_unit,
            extra_dims=self.extra_dims,
            attrs=self.attrs,
            measures=self.measures,
        )

    @classmethod
    def stack(cls, results: Sequence[Result], name: str, values: Any, *, unit: str = "", axis: Any = None) -> Result:
        """Join the runs of a step into one Result with a new outermost dimension.

        Parameters
        ----------
        results : sequence of Result
            One for each value, with the same columns and the same kind of axis.
        name : str
            The stepped name, ``"r1"``.
        values : array_like of float
            Shape (len(results),), in `unit`.
        axis : array_like of float, optional
            Common points. Default: the axis itself where all runs share it; otherwise the union of all points, so that
            no stored point is lost (linear between the points of each run). Runs that end early are NaN beyond their
            end.

        Returns
        -------
        Result
            `attrs` of the first run plus ``stacked``; measures as arrays over the new dimension. Attributes that differ
            between runs are in ``attrs["runs"]``.

        Raises
        ------
        ParameterError
            The runs do not fit together, or the union of axes has more than `STACKED_POINTS_LIMIT` points.
        """
        if not results:
            raise ParameterError("there are no runs to stack")
        first = results[0]
        for run in results:
            if run.names != first.names or run.dims != first.dims:
                raise ParameterError(
                    f"runs do not fit together: one has {run.dims} {run.names}, another {first.dims} {first.names}"
                )
        shared = {key for key, value in first.attrs.items() if all(run.attrs.get(key) == value for run in results)}
        attrs = {key: value for key, value in first.attrs.items() if key in shared}
        differing = [{key: value for key, value in run.attrs.items() if key not in shared} for run in results]
        if any(differing):
            attrs["runs"] = differing
        measures = {}
        for measure in dict.fromkeys(key for run in results for key in run.measures):
            measures[measure] = np.array([run.measures.get(measure, np.nan) for run in results])
        common: np.ndarray | None = None
        if first.axis_name is not None:
            equal = all(np.array_equal(run.axis, first.axis) for run in results)
            if axis is not None:
                common = np.asarray(axis, dtype=float)
            elif equal:
                common = first.axis
            else:
                common = np.unique(np.concatenate([run.axis for run in results]))
                if common.size * len(results) > STACKED_POINTS_LIMIT:
                    raise ParameterError(
                        f"{len(results)} runs with unequal points of '{first.axis_name}' make {common.size} common "
                        f"points; give the points to keep"
                    )
            if not equal or axis is not None:
                attrs["stacked"] = "linear interpolation between the points of each run"
                results = [_resample(run, common) for run in results]
        columns = {
            key: Column(np.stack([run.columns[key].values for run in results]), column.unit, column.long_name)
            for key, column in first.columns.items()
        }
        return cls.build(
            first.axis_name,
            common,
            columns,
            axis_unit=first.axis_unit,
            extra_dims={name: Column(values, unit), **first.extra_dims},
            attrs=attrs,
            measures=measures,
        )


def versions() -> dict[str, str]:
    """Return the versions that a run depends on: neurosim, python, numpy, scipy, numba."""
    return dict(_versions())


@functools.cache
def _versions() -> dict[str, str]:
    import importlib.metadata

    found = {"python": platform.python_version()}
    for distribution in ("neurosim-circuits", "numpy", "scipy", "numba"):
        try:
            found[distribution.removesuffix("-circuits")] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[distribution] = "not installed"
    return found


def input_hash(*parts: str | bytes | np.ndarray) -> str:
    """Return ``"sha256:<hex>"`` of a netlist's text, or of arrays one after the other: where a result is from."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).data
                      if isinstance(part, np.ndarray) else part)  # fmt: skip
    return "sha256:" + digest.hexdigest()


def _read_only(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise ParameterError(f"column '{name}' holds {array.dtype} values; they must be real or complex numbers")
    view = array.astype(complex if array.dtype.kind == "c" else float, copy=False).view()
    view.flags.writeable = False
    return view


def _column(name: str, given: Column | Any) -> Column:
    if not isinstance(given, Column):
        given = Column(given)
    return Column(_read_only(name, given.values), given.unit, given.long_name)


def _check_axis(name: str, values: np.ndarray) -> np.ndarray:
    if not name:
        raise ParameterError("an axis needs a name")
    if values.ndim != 1 or values.dtype.kind == "c":
        raise ParameterError(f"axis '{name}' must be one row of real numbers, got shape {values.shape} {values.dtype}")
    return values


def _resample(run: Result, points: np.ndarray) -> Result:
    low, high = run.axis.min(), run.axis.max()
    inside = (points >= low) & (points <= high)
    made = run.interpolate(points[inside])
    columns = {}
    for name, column in made.columns.items():
        values = np.full((*column.values.shape[:-1], points.size), np.nan, dtype=column.values.dtype)
        values[..., inside] = column.values
        columns[name] = Column(values, column.unit, column.long_name)
    return Result.build(run.axis_name, points, columns, axis_unit=run.axis_unit, extra_dims=run.extra_dims)
