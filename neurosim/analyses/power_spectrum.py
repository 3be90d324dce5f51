"""Power spectral density of anything recorded over time, by Welch's method on evenly resampled values.

Source: Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967), doi 10.1109/TAU.1967.1161901; `scipy.signal.welch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import signal

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError
from neurosim.results import Result

SAMPLES = 65_536
"""Default number of even samples; a run with fewer points keeps its own number."""


@dataclass(frozen=True)
class PowerSpectrum(Drawable):
    """Spectra of columns.

    Attributes
    ----------
    title : str
    frequency : ndarray, shape (frequencies,)
        Hz.
    density : dict of str to ndarray
        Unit squared per Hz, one-sided.
    units : dict of str to str
    """

    drawn_by = "power_spectrum:power_spectrum"

    title: str
    frequency: np.ndarray
    density: dict[str, np.ndarray]
    units: dict[str, str]

    def peak(self, name: str) -> float:
        """Frequency of the largest density beside zero [Hz], by a parabola through its logarithm and its neighbours."""
        density = self.density[name]
        k = 1 + int(np.argmax(density[1:]))
        if not 0 < k < density.size - 1 or min(density[k - 1 : k + 2]) <= 0.0:
            return float(self.frequency[k])
        a, b, c = np.log(density[k - 1 : k + 2])
        curvature = a - 2.0 * b + c
        shift = 0.5 * (a - c) / curvature if curvature else 0.0
        return float(self.frequency[k] + shift * (self.frequency[1] - self.frequency[0]))


def power_spectrum(
    result: Result, names: Any = None, *, start: float | None = None, segments: int = 8, samples: int | None = None,
    window: str = "hann",
) -> PowerSpectrum:  # fmt: skip
    """Spectra of columns of a transient result.

    Parameters
    ----------
    result : Result
        With a time axis and no further dimensions.
    names : str or sequence of str, optional
        Columns, default all.
    start : float, optional
        Leave out what lies before [s]: the transient.
    segments : int
        Number of half overlapping segments that are averaged, default 8; more smooth, fewer resolve.
    samples : int, optional
        Even samples over the run; default as many as it has points, at most 65,536.
    window : str
        Of `scipy.signal.get_window`.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if not isinstance(result, Result):
        raise ParameterError(f"a power spectrum is one of a Result, not {type(result).__name__}: simulate it first")
    if result.axis_name != "time" or len(result.dims) != 1:
        raise ParameterError("a power spectrum needs one run over time; of a sweep take one with result.runs()")
    chosen = list(result.names) if names is None else [names] if isinstance(names, str) else list(names)
    times = np.array(result.time)
    first = float(times[0] if start is None else start)
    if not times[0] <= first < times[-1]:
        raise ParameterError(f"start = {first:g} s must lie in the run, {times[0]:g} s to {times[-1]:g} s")
    if segments < 1:
        raise ParameterError(f"segments = {segments} must be at least 1")
    inside = int((times >= first).sum())
    count = samples or min(SAMPLES, max(inside, 16))
    if count < 2 * segments:
        raise ParameterError(f"{count} samples are too few for {segments} segments; lengthen the run")
    even = np.linspace(first, times[-1], count)
    length = int(count / (0.5 * (segments + 1)))
    frequency: np.ndarray = np.empty(0)
    density, units = {}, {}
    kept = np.concatenate([[True], np.diff(times) > 0.0])
    for name in chosen:
        column = result.column(name)
        values = np.interp(even, times[kept], np.asarray(column.values, float)[kept])
        frequency, density[name] = signal.welch(
            values - values.mean(), 1.0 / (even[1] - even[0]), window=window, nperseg=length
        )
        units[name] = column.unit
    return PowerSpectrum(str(result.attrs.get("title", "")), frequency, density, units)
