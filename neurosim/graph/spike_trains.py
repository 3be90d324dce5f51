"""Spikes that are given: what an input of a network makes tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream

MOST_TICKS = 100_000_000
"""That are drawn at once: they take 1.6 GB."""


@dataclass(frozen=True)
class SpikeTrains:
    """Ticks of the elements of an input, in the order of time.

    Attributes
    ----------
    times : ndarray, shape (ticks,)
        Seconds, never falling.
    elements : ndarray of int, shape (ticks,)
    """

    times: np.ndarray
    elements: np.ndarray

    def warped(self, factor: float) -> SpikeTrains:
        """The same with all times multiplied by `factor`."""
        return spike_trains(self.times * factor, self.elements)

    def jittered(self, deviation: float, *, seed: int = 0) -> SpikeTrains:
        """The same with each time moved by a Gaussian of this standard deviation [s]; none gets below 0."""
        if not (np.isfinite(deviation) and deviation >= 0.0):
            raise ParameterError(f"jittered(): deviation {deviation!r} s must be finite and not negative")
        moved = self.times + stream(seed, "jitter").normal(0.0, deviation, self.times.size)
        return spike_trains(np.maximum(moved, 0.0), self.elements)


def spike_trains(times: Any, elements: Any = None) -> SpikeTrains:
    """Give spikes by their times, for an input of a network that makes neurons tick (`neurosim.neurons.spike_source`).

    Parameters
    ----------
    times : sequence of array_like, or array_like of shape (ticks,)
        One train [s] for each element; with `elements`, times of single ticks.
    elements : array_like of int, shape (ticks,), optional
        The element of each tick.

    Raises
    ------
    ParameterError
        A time is not finite or below zero, or the lengths differ.
    """
    if isinstance(times, str):
        raise ParameterError(f"spike_trains(): times are numbers [s], not {times!r}")
    if elements is None:
        trains: Sequence[Any] = [np.atleast_1d(np.asarray(train, float)) for train in times]
        elements = np.repeat(np.arange(len(trains)), [train.size for train in trains])
        times = np.concatenate([np.empty(0), *trains])
    at, which = np.asarray(times, float).ravel(), np.asarray(elements).ravel()
    if at.shape != which.shape:
        raise ParameterError(f"spike_trains(): {at.size} times for {which.size} elements")
    if not (np.isfinite(at).all() and (at >= 0.0).all()):
        raise ParameterError("spike_trains(): times must be finite and not negative")
    if which.size and (not np.issubdtype(which.dtype, np.integer) or which.min() < 0):
        raise ParameterError("spike_trains(): elements must be whole numbers of zero or more")
    order = np.argsort(at, kind="stable")
    return SpikeTrains(at[order], which[order].astype(np.int64))


def poisson_trains(rate: Any, duration: float, size: int | None = None, *, seed: int = 0) -> SpikeTrains:
    """Independent Poisson trains of constant rate.

    Parameters
    ----------
    rate : float or array_like, shape (size,)
        Of each element [Hz].
    duration : float
        Seconds.
    size : int, optional
        Number of elements where `rate` is one number, default 1.
    seed : int
        Default 0.

    Raises
    ------
    ParameterError
    """
    rates = np.atleast_1d(np.asarray(rate, float))
    if size is not None:
        if rates.size not in (1, size):
            raise ParameterError(f"poisson_trains(): {rates.size} rates for {size} elements")
        rates = np.broadcast_to(rates, size)
    if not (np.isfinite(rates).all() and (rates >= 0.0).all()):
        raise ParameterError(f"poisson_trains(): rate {rate!r} Hz must be finite and not negative")
    if not (np.isfinite(duration) and duration >= 0.0):
        raise ParameterError(f"poisson_trains(): duration {duration!r} s must be finite and not negative")
    check_ticks(float((rates * duration).sum()), "poisson_trains()")
    draw = stream(seed, "poisson trains")
    counts = draw.poisson(rates * duration)
    return spike_trains(draw.uniform(0.0, duration, counts.sum()), np.repeat(np.arange(rates.size), counts))


def check_ticks(expected: float, where: str) -> None:
    """Refuse to draw more spikes than there is room for.

    Raises
    ------
    ParameterError
    """
    if expected > MOST_TICKS:
        raise ParameterError(
            f"{where}: {expected:.3g} spikes are to be expected, at most {MOST_TICKS:,} are drawn; take lower rates "
            "[Hz], a shorter time [s] or fewer elements"
        )
