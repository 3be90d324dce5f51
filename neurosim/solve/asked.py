"""What a caller asked for, checked: settings by name, spans of time, tolerances, and the points that are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

import numpy as np

from neurosim.errors import ParameterError, nearest

LEAST_RTOL = 1e-13

_Settings = TypeVar("_Settings")


def read_settings(kind: type[_Settings], given: Mapping[str, Any], where: str) -> _Settings:
    """Settings of a dataclass by name.

    Raises
    ------
    ParameterError
        There is no such setting; names the nearest.
    """
    known = [f.name for f in fields(cast(Any, kind))]
    for name in given:
        if name not in known:
            raise ParameterError(f"{where} has no setting '{name}'; {nearest(name, known)}")
    if not isinstance(seed := given.get("seed", 0), (int, np.integer)) or seed < 0:
        raise ParameterError(f"seed is {seed!r}; it must be a whole number of zero or more")
    return kind(**given)


def checked_span(t_span: Sequence[float] | None) -> tuple[float, float]:
    """Start and end of a run [s].

    Raises
    ------
    ParameterError
    """
    if t_span is None or np.shape(t_span) != (2,) or not 0.0 <= t_span[0] < t_span[1] < np.inf:
        raise ParameterError(f"t_span = {t_span} must be (start, stop) with 0 <= start < stop")
    return float(t_span[0]), float(t_span[1])


def check_tolerances(rtol: float, atol: float | None = None) -> None:
    """Refuse tolerances that mean nothing.

    Raises
    ------
    ParameterError
    """
    if not LEAST_RTOL <= rtol < 1.0:
        raise ParameterError(f"rtol = {rtol:g} must lie between {LEAST_RTOL:g} and 1")
    if atol is not None and not atol > 0.0:
        raise ParameterError(f"atol = {atol:g} must be positive")


def print_times(span: tuple[float, float], print_step: float | None) -> np.ndarray:
    """Multiples of the print step (default 1/200 of the span) from the start on, and the end.

    Raises
    ------
    ParameterError
    """
    start, stop = span
    step = print_step or (stop - start) / 200
    if not step > 0.0:
        raise ParameterError(f"print_step = {step!r} s must be positive")
    steps = int(np.floor((stop - start) / step * (1 + 1e-9)))
    grid = np.minimum(start + step * np.arange(steps + 1), stop)
    return grid if grid[-1] >= stop else np.append(grid, stop)
