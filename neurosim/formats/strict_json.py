"""Plain values that strict JSON can hold, and back: no NaN, no infinity, no Python types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import FormatError


def plain(value: Any) -> Any:
    """Return `value` as dicts, lists, text, numbers, True, False and None.

    NaN becomes None, an infinity the text ``"Infinity"`` or ``"-Infinity"``, a complex number or array
    ``{"re": ..., "im": ...}``.

    Raises
    ------
    FormatError
        A value of another kind.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return _real(float(value))
    if isinstance(value, complex):
        return {"re": _real(value.real), "im": _real(value.imag)}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        if value.ndim == 0:
            return plain(value.item())
        if value.dtype.kind == "c":
            return {"re": plain(value.real), "im": plain(value.imag)}
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return [_real(number) for number in value.tolist()] if value.ndim == 1 else [plain(row) for row in value]
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    raise FormatError(f"cannot store {value!r} of type {type(value).__name__}: give text, numbers, lists or dicts")


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return strict JSON text of `plain` (value)."""
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False, indent=indent)


def loads(text: str) -> Any:
    """Read strict JSON text.

    Raises
    ------
    FormatError
        Not strict JSON; the message holds line and column.
    """

    def refuse(word: str) -> Any:
        raise FormatError(f"'{word}' is not strict JSON; NaN is written as null")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise FormatError(f"line {error.lineno}, column {error.colno}: {error.msg}; expected JSON") from None
    except RecursionError:
        raise FormatError("nested too deeply to be a result") from None


def numbers(value: Any) -> np.ndarray:
    """Return the array that `plain` turned into `value`.

    Raises
    ------
    FormatError
        Not numbers, or rows of unequal length.
    """
    if isinstance(value, dict) and set(value) == {"re", "im"}:
        real, imaginary = numbers(value["re"]), numbers(value["im"])
        if real.shape != imaginary.shape:
            raise FormatError(f"real part has shape {real.shape}, imaginary part {imaginary.shape}")
        joined = np.empty(real.shape, dtype=complex)
        joined.real, joined.imag = real, imaginary
        return joined
    try:
        return np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"expected numbers, null or lists of them, got {str(value)[:60]}") from None


def _real(number: float) -> float | str | None:
    if math.isfinite(number):
        return number
    return None if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
