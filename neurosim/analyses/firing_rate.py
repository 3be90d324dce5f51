"""Firing rates over time: ticks counted in bins, or smoothed with a kernel of area 1.

Source: P. Dayan, L. F. Abbott, Theoretical Neuroscience, MIT Press (2001), section 1.2 (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.spike_statistics import trains_of
from neurosim.errors import ParameterError
from neurosim.results import Result

REACH = {"gaussian": (-6.0, 6.0), "exponential": (0.0, 30.0)}
"""Widths before and after a tick beyond which a kernel is left out."""
KERNELS = ("bin", *REACH)


@dataclass(frozen=True)
class FiringRate(Drawable):
    """Rates of a population.

    Attributes
    ----------
    title : str
        The event.
    time : ndarray, shape (times,)
        Seconds; with bins their middles.
    rate : ndarray, shape (times,)
        Mean over the neurons [Hz].
    neurons : ndarray, shape (neurons, times)
        Of each [Hz]; no rows unless asked for.
    """

    drawn_by = "firing_rate:firing_rate"

    title: str
    time: np.ndarray
    rate: np.ndarray
    neurons: np.ndarray


def firing_rate(
    result: Result, event: str | None = None, *, width: float = 10e-3, kernel: str = "bin", step: float | None = None,
    span: tuple[float, float] | None = None, neurons: bool = False,
) -> FiringRate:  # fmt: skip
    """Firing rate of a population over time.

    Parameters
    ----------
    result : Result
        Of a network with events.
    event : str, optional
        Such as ``"neurons/spike"``; may be left out where there is one.
    width : float
        Of a bin; standard deviation of the Gaussian, time constant of the exponential [s]; default 10 ms.
    kernel : str
        ``"bin"`` (default), ``"gaussian"``, or ``"exponential"``, which only sees the past.
    step : float, optional
        Between the times at which a smoothed rate is given [s]; default a fifth of the width.
    span : (float, float), optional
        Default the whole run. A smoothed rate is too low near its ends, where the run says nothing beyond.
    neurons : bool
        Whether rates of single neurons are given too.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    name, trains, (start, stop) = trains_of(result, event, span)
    if kernel not in KERNELS:
        raise ParameterError(f"firing_rate(): kernel = {kernel!r} must be one of {', '.join(KERNELS)}")
    step = width if kernel == "bin" else width / 5.0 if step is None else step
    if not (0.0 < width <= stop - start and 0.0 < step <= stop - start):
        raise ParameterError(
            f"firing_rate(): width = {width!r} s and step must be positive and fit in {stop - start:g} s"
        )
    times = np.concatenate([np.empty(0), *trains])
    rows = np.repeat(np.arange(len(trains)), [train.size for train in trains])
    if kernel == "bin":
        count = int((stop - start) / width + 1e-9)
        at = start + width * (np.arange(count) + 0.5)
        where, weight = np.floor((times - start) / width + 1e-9).astype(np.int64)[:, None], np.full((1, 1), 1.0 / width)
        weight = np.broadcast_to(weight, where.shape)
    else:
        at = np.arange(start, stop + 1e-9 * step, step)
        low, high = (int(np.ceil(reach * width / step)) for reach in REACH[kernel])
        where = np.floor((times - start) / step).astype(np.int64)[:, None] + np.arange(low, high + 2)
        since = (start + where * step - times[:, None]) / width
        if kernel == "gaussian":
            weight = np.exp(-0.5 * since**2) / (width * np.sqrt(2.0 * np.pi))
        else:
            weight = np.where(since >= 0.0, np.exp(-np.maximum(since, 0.0)), 0.0) / width
    found = np.zeros((len(trains) if neurons else 1, at.size))
    inside = (where >= 0) & (where < at.size)
    row = np.broadcast_to(rows[:, None] if neurons else np.zeros_like(rows)[:, None], where.shape)
    np.add.at(found, (row[inside], where[inside]), weight[inside])
    total = found.sum(0) / max(1, len(trains))
    return FiringRate(name, at, total, found if neurons else np.empty((0, at.size)))


def filtered_spikes(
    result: Result, event: str | None, times: Any, *, time_constant: float = 30e-3, rise: float = 0.0
) -> np.ndarray:  # fmt: skip
    """Ticks through an exponential filter, as liquid states are: ``sum exp(-(t - tick)/time_constant)`` up to t.

    Parameters
    ----------
    result : Result
    event : str or None
        See `firing_rate`.
    times : array_like, shape (times,)
        Seconds, in any order.
    time_constant : float
        Seconds, default 30 ms.
    rise : float
        With a value [s] below the time constant, ``exp(-t/time_constant) - exp(-t/rise)`` instead; default 0.

    Returns
    -------
    ndarray, shape (times, neurons)
        Exact at these times; a tick at the very time counts.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    _, trains, _ = trains_of(result, event, None)
    at = np.atleast_1d(np.asarray(times, float))
    if not (0.0 <= rise < time_constant and np.isfinite(time_constant)):
        raise ParameterError(f"filtered_spikes(): 0 <= rise = {rise!r} < time_constant = {time_constant!r} s is needed")
    found = np.zeros((at.size, len(trains)))
    for k, train in enumerate(trains):
        for tau, sign in ((time_constant, 1.0), (rise, -1.0)):
            if tau == 0.0 or not train.size:
                continue
            # The sum at each tick from that at the one before; between ticks it only fades.
            after = np.ones(train.size)
            for i in range(1, train.size):
                after[i] += after[i - 1] * np.exp(-(train[i] - train[i - 1]) / tau)
            last = np.searchsorted(train, at, side="right") - 1
            faded = after[np.maximum(last, 0)] * np.exp(-np.maximum(at - train[np.maximum(last, 0)], 0.0) / tau)
            found[:, k] += sign * np.where(last >= 0, faded, 0.0)
    return found
