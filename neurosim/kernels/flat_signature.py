"""Signatures of compiled functions on flat arrays."""

from __future__ import annotations

from typing import Any


def signature_of(*kinds: str) -> Any:
    """Signature of a driver or unit: c code (int64 array), i integer, f real, any other letter
    an array of float64."""
    from numba import types

    by_letter = {"c": types.Array(types.i8, 1, "C"), "i": types.i8, "f": types.f8}
    real = types.Array(types.f8, 1, "C")
    return types.void(*[by_letter.get(kind, real) for kind in kinds])
