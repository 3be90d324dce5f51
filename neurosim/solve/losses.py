"""Scalars of a trajectory with their gradients by its saved values: what `neurosim.gradient` differentiates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.expressions import bind, parse
from neurosim.kernels.parameter_slopes import POINTS, WEIGHTS
from neurosim.results import Column, Result
from neurosim.solve.measure import _Failure, _Reading

Function = Callable[[np.ndarray, np.ndarray], tuple[float, Any]]
"""``loss(times, values) -> (value, gradient by values)`` with values (points, saved)."""


class Loss(Protocol):
    """A loss that knows what it looks at, and when."""

    @property
    def save(self) -> tuple[str, ...]:
        """Addresses."""
        ...

    def times(self, span: tuple[float, float]) -> np.ndarray | None:
        """Times, None for those of the run."""
        ...

    def __call__(self, times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """Mean over all samples of ``((y - data) / sigma)^2``; see `squared_error`."""

    save: tuple[str, ...]
    at: np.ndarray
    data: np.ndarray
    sigma: np.ndarray

    def times(self, span: tuple[float, float]) -> np.ndarray:
        """Those of the samples."""
        return self.at

    def __call__(self, times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient; samples that are NaN do not count."""
        known = np.isfinite(self.data)
        residual = np.where(known, (values - self.data) / self.sigma, 0.0)
        count = int(known.sum())
        return float((residual**2).sum() / count), 2.0 * residual / self.sigma / count


def squared_error(times: Any, data: Mapping[str, Any], *, sigma: float | Mapping[str, float] = 1.0) -> SquaredError:
    """Mean squared error against samples.

    Parameters
    ----------
    times : array_like, shape (points,)
        Rising [s]. The steps of the run end at them, so nothing is interpolated.
    data : mapping of str to array_like, shape (points,)
        Samples by address, in the units of the run; NaN where there is none.
    sigma : float or mapping of str to float
        Standard deviation of the samples, default 1.

    Raises
    ------
    ParameterError
        Shapes do not fit, a column has no sample, or sigma is not positive.
    """
    at = np.asarray(times, float)
    if at.ndim != 1 or not data:
        raise ParameterError(f"squared_error(): times of shape {at.shape}, {len(data)} columns; a row and 1 or more")
    columns = []
    for name, values in data.items():
        column = np.asarray(values, float)
        if column.shape != at.shape:
            raise ParameterError(f"data of '{name}' has shape {column.shape}, but there are {at.size} times")
        if np.isinf(column).any() or not np.isfinite(column).any():
            raise ParameterError(f"data of '{name}' has no sample, or an infinite one")
        columns.append(column)
    deviations = []
    for name in data:
        deviation = float(sigma.get(name, 1.0) if isinstance(sigma, Mapping) else sigma)
        if not (np.isfinite(deviation) and deviation > 0.0):
            raise ParameterError(f"sigma of '{name}' = {deviation!r} must be positive")
        deviations.append(deviation)
    return SquaredError(tuple(data), at, np.stack(columns, axis=1), np.array(deviations))


@dataclass(frozen=True)
class TimeIntegral:
    """Integral over time of an expression; see `integral`."""

    text: str
    save: tuple[str, ...]
    points: int

    def times(self, span: tuple[float, float]) -> np.ndarray:
        """Equal distances, an odd number of points."""
        return np.linspace(*span, self.points)

    def __call__(self, times: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        weights = np.full(times.size, 2.0)
        weights[1::2] = 4.0
        weights[[0, -1]] = 1.0
        weights *= (times[-1] - times[0]) / (times.size - 1) / 3.0
        gradient = np.zeros_like(values)
        for k in range(values.shape[1]):
            step = 1e-3 * max(float(np.abs(values[:, k]).max()), 1e-300)
            for point in range(POINTS):
                for side in (1.0, -1.0):
                    moved = values.copy()
                    moved[:, k] += side * (point + 1) * step
                    gradient[:, k] += side * WEIGHTS[point] / step * self._signal(times, moved)
        return float(weights @ self._signal(times, values)), gradient * weights[:, None]

    def _signal(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        columns = {name: Column(values[:, k]) for k, name in enumerate(self.save)}
        result = Result.build("time", times, columns)
        expression = parse(self.text)
        try:
            return _Reading(result, {}).signal(bind(expression, {}))
        except (_Failure, UnknownNameError) as error:
            raise ParameterError(f"integral of '{self.text}': {error}") from None


def integral(expression: str, *, points: int = 401) -> TimeIntegral:
    """Integral over the time span of an expression, by Simpson's rule.

    Parameters
    ----------
    expression : str
        Of unknowns and ``time``, as in ``.measure``: ``"v(out)^2"``, ``"abs(x)"``. Its derivatives are found by
        differences of order 8.
    points : int
        Of the rule, odd; the steps of the run end at them. Default 401.

    Raises
    ------
    ParameterError, NetlistError
    """
    if points < 3 or points % 2 == 0:
        raise ParameterError(f"points = {points} must be odd and at least 3")
    tree = parse(expression)
    names = [str(reference) for reference in tree.references] + [name for name in tree.names if name != "time"]
    if not names:
        raise ParameterError(f"integral of '{expression}': it looks at nothing of the run")
    return TimeIntegral(expression, tuple(dict.fromkeys(names)), points)


def loss_of(given: Any, save: Sequence[str]) -> tuple[Function, tuple[str, ...]]:
    """What to call, and the addresses it looks at.

    Raises
    ------
    ParameterError
    """
    if isinstance(given, (SquaredError, TimeIntegral)):
        return given, given.save
    if not callable(given):
        raise ParameterError(
            f"a loss is squared_error(...), integral(...) or a function (times, values) -> (value, gradient), not "
            f"{type(given).__name__}"
        )
    return cast(Function, given), tuple(save)
