"""How far the ticks of two runs agree: how many, which belong together, and how much later one is than the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError


@dataclass(frozen=True)
class SpikeAgreement:
    """What `spike_agreement` finds.

    Attributes
    ----------
    first, second : int
        Ticks on either side.
    equal_counts : float
        Share of the elements that tick equally often on both sides.
    window : float
        Seconds within which two ticks belong together.
    coincident : int
        Pairs that belong together.
    shift, spread : float
        Mean and standard deviation of how much later [s] the second of a pair is; NaN without pairs.
    dt : float
        Step of the second side [s], 0 where it has none.
    """

    first: int
    second: int
    equal_counts: float
    window: float
    coincident: int
    shift: float
    spread: float
    dt: float = 0.0

    @property
    def share(self) -> float:
        """Ticks that have a partner, of all; 1 where nothing ticks."""
        total = self.first + self.second
        return 2.0 * self.coincident / total if total else 1.0


def spike_agreement(
    first: Mapping[str, Any], second: Mapping[str, Any], window: float, *, dt: float = 0.0
) -> SpikeAgreement:  # fmt: skip
    """Compare the ticks of two runs, such as ``result.events`` of both.

    Parameters
    ----------
    first, second : mapping of str to array_like
        Times [s] of the ticks of each element, rising; an element that only one side has does not tick on the other.
    window : float
        Two ticks of one element belong together if they are no further apart [s]; each has one partner at most.
    dt : float
        Noted in what is found.

    Raises
    ------
    ParameterError
        The window is negative or not finite.
    """
    if not (np.isfinite(window) and window >= 0.0):
        raise ParameterError(f"spike_agreement(): window {window!r} s must be zero or more, and finite")
    names = list(dict.fromkeys([*first, *second]))
    shifts, counts = [np.empty(0)], np.zeros((len(names), 2), int)
    for k, name in enumerate(names):
        a, b = (np.asarray(side.get(name, ()), float) for side in (first, second))
        counts[k] = a.size, b.size
        shifts.append(_shifts(a, b, window))
    found = np.concatenate(shifts)
    shift, spread = (float(found.mean()), float(found.std())) if found.size else (np.nan, np.nan)
    equal = float((counts[:, 0] == counts[:, 1]).mean()) if names else 1.0
    total = counts.sum(axis=0)
    return SpikeAgreement(int(total[0]), int(total[1]), equal, float(window), found.size, shift, spread, dt)


def _shifts(a: np.ndarray, b: np.ndarray, window: float) -> np.ndarray:
    """How much later b is, of pairs that belong together; in the order of time, the first that fits."""
    found, i, j = [], 0, 0
    while i < a.size and j < b.size:
        later = b[j] - a[i]
        if abs(later) <= window:
            found.append(later)
            i, j = i + 1, j + 1
        elif later > 0.0:
            i += 1
        else:
            j += 1
    return np.array(found)
