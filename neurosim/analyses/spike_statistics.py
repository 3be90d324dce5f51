"""What the spikes of a population are like: counts, rates, intervals between spikes and how irregular they are.

Source of the coefficient of variation as a measure of irregularity: W. R. Softky, C. Koch, J. Neurosci. 13, 334 (1993),
doi 10.1523/JNEUROSCI.13-01-00334.1993 (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.results import Result


@dataclass(frozen=True)
class SpikeStatistics(Drawable):
    """Of each neuron of a population.

    Attributes
    ----------
    title : str
        The event.
    counts : ndarray of int, shape (neurons,)
    rates : ndarray, shape (neurons,)
        Hz.
    intervals : tuple of ndarray
        Between successive spikes of each neuron [s].
    variation : ndarray, shape (neurons,)
        Coefficient of variation of the intervals, standard deviation over mean; NaN with fewer than two intervals.
        1 for a Poisson process, 0 for a clock.
    """

    drawn_by = "spike_statistics:spike_statistics"

    title: str
    counts: np.ndarray
    rates: np.ndarray
    intervals: tuple[np.ndarray, ...]
    variation: np.ndarray

    @property
    def rate(self) -> float:
        """Mean over the neurons [Hz]."""
        return float(self.rates.mean())

    @property
    def mean_variation(self) -> float:
        """Mean over the neurons that have one; NaN where none has."""
        known = self.variation[np.isfinite(self.variation)]
        return float(known.mean()) if known.size else np.nan


def spike_statistics(
    result: Result, event: str | None = None, *, span: tuple[float, float] | None = None
) -> SpikeStatistics:  # fmt: skip
    """Counts, rates, intervals and their coefficient of variation of a population.

    Parameters
    ----------
    result : Result
        Of a network with events.
    event : str, optional
        Such as ``"neurons/spike"``; may be left out where there is one.
    span : (float, float), optional
        Seconds; default the whole run.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    name, trains, (start, stop) = trains_of(result, event, span)
    counts = np.array([train.size for train in trains])
    intervals = tuple(np.diff(train) for train in trains)
    variation = np.array([gaps.std() / gaps.mean() if gaps.size > 1 else np.nan for gaps in intervals])
    return SpikeStatistics(name, counts, counts / (stop - start), intervals, variation)


def trains_of(
    result: Result, event: str | None, span: tuple[float, float] | None
) -> tuple[str, list[np.ndarray], tuple[float, float]]:
    """The event, times [s] of its ticks within a span by element, and the span.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    groups = result.trains
    if not groups:
        raise ParameterError("this result has no ticks of events: it is not of a spiking network")
    if event is None:
        if len(groups) > 1:
            raise ParameterError(f"name one of the events: {', '.join(groups)}")
        event = next(iter(groups))
    if event not in groups:
        raise UnknownNameError(f"no '{event}' among the events; {nearest(event, groups) or ', '.join(groups)}")
    start, stop = (float(result.time[0]), float(result.time[-1])) if span is None else map(float, span)
    if not start < stop:
        raise ParameterError(f"span = ({start:g}, {stop:g}) s must rise")
    return event, [train[(train >= start) & (train <= stop)] for train in groups[event]], (start, stop)
