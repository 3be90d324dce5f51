"""Signals as spike trains: by rate, by latency, by crossings of levels; and how far apart two sets of trains are.

Sources: rate and latency codes, Gerstner & Kistler, Spiking Neuron Models (2002), chapter 1.4 (recalled);
send-on-delta, M. Miskowicz, Sensors 6, 49 (2006), doi 10.3390/s6010049 (recalled); the distance of trains, W. Maass,
T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.spike_trains import SpikeTrains, check_ticks, spike_trains
from neurosim.randomness import stream


def rate_coded(
    values: Any, dt: float, *, rates: tuple[float, float] = (0.0, 100.0), span: tuple[float, float] = (-1.0, 1.0),
    copies: int = 1, seed: int = 0,
) -> SpikeTrains:  # fmt: skip
    """Poisson trains whose rate follows held samples.

    Parameters
    ----------
    values : array_like, shape (steps,) or (steps, channels)
        Sample k holds from ``k dt`` until ``(k + 1) dt``.
    dt : float
        Seconds.
    rates : (float, float)
        At the ends of `span`, linear between [Hz]; default 0 and 100.
    span : (float, float)
        Default -1 and 1; values outside count as its ends.
    copies : int
        Independent trains for each channel, default 1: elements ``copies c`` to ``copies c + copies - 1``.
    seed : int

    Raises
    ------
    ParameterError
    """
    held = np.repeat(_shares(values, dt, span, "rate_coded()"), copies, axis=1)
    if copies < 1 or not (np.isfinite(rates).all() and min(rates) >= 0.0):
        raise ParameterError(f"rate_coded(): rates = {rates} Hz must be finite, 0 or more; copies = {copies} 1 or more")
    expected = (rates[0] + (rates[1] - rates[0]) * held) * dt
    check_ticks(float(expected.sum()), "rate_coded()")
    draw = stream(seed, "rate code")
    counts = draw.poisson(expected).ravel()
    steps, elements = np.divmod(np.repeat(np.arange(counts.size), counts), held.shape[1])
    return spike_trains((steps + draw.random(steps.size)) * dt, elements)


def latency_coded(
    values: Any, dt: float, *, span: tuple[float, float] = (-1.0, 1.0), window: tuple[float, float] = (0.0, 0.9)
) -> SpikeTrains:  # fmt: skip
    """One spike for each sample and channel, the earlier the larger the value.

    Parameters
    ----------
    values : array_like, shape (steps,) or (steps, channels)
    dt : float
        Seconds for one sample.
    span : (float, float)
        Default -1 and 1; values outside count as its ends.
    window : (float, float)
        When the largest and the smallest value spike, as parts of `dt`; default 0 and 0.9.

    Raises
    ------
    ParameterError
    """
    held = _shares(values, dt, span, "latency_coded()")
    if not 0.0 <= window[0] < window[1] <= 1.0:
        raise ParameterError(f"latency_coded(): window = {window} must rise within 0 and 1")
    times = (np.arange(len(held))[:, None] + window[1] - (window[1] - window[0]) * held) * dt
    return spike_trains(times.ravel(), np.tile(np.arange(held.shape[1]), len(held)))


def send_on_delta(times: Any, values: Any, delta: float) -> SpikeTrains:
    """A spike whenever a signal has moved by `delta` since its last spike: the signal is known within `delta`.

    Parameters
    ----------
    times : array_like, shape (points,)
        Rising, from 0 on [s]; between points the signal is linear.
    values : array_like, shape (points,) or (points, channels)
    delta : float
        Positive, in the unit of the values.

    Returns
    -------
    SpikeTrains
        Element ``2 c`` for rises of channel c, ``2 c + 1`` for falls.

    Raises
    ------
    ParameterError
    """
    at, signal = np.asarray(times, float), np.asarray(values, float)
    signal = signal[:, None] if signal.ndim == 1 else signal
    if at.ndim != 1 or signal.ndim != 2 or len(signal) != at.size or not (np.diff(at) > 0.0).all():
        raise ParameterError(f"send_on_delta(): times {at.shape} must rise, values {signal.shape} have a row for each")
    if not (np.isfinite(signal).all() and delta > 0.0):
        raise ParameterError(f"send_on_delta(): values must be finite, delta = {delta!r} positive")
    found, elements = [np.empty(0)], [np.empty(0, int)]
    for channel, line in enumerate(signal.T):
        level = line[0]
        for k in range(at.size - 1):
            crossed = int(np.trunc((line[k + 1] - level) / delta))
            if crossed:
                levels = level + delta * np.sign(crossed) * np.arange(1, abs(crossed) + 1)
                found.append(at[k] + (at[k + 1] - at[k]) * (levels - line[k]) / (line[k + 1] - line[k]))
                elements.append(np.full(abs(crossed), 2 * channel + (crossed < 0)))
                level = levels[-1]
    return spike_trains(np.concatenate(found), np.concatenate(elements))


def spike_distance(a: SpikeTrains, b: SpikeTrains, length: float, *, width: float = 5e-3) -> float:
    """L2 distance of spike trains low-passed with a Gaussian, root mean square over the elements.

    Parameters
    ----------
    a, b : SpikeTrains
    length : float
        Of the trains [s].
    width : float
        Standard deviation of the Gaussian [s], default 5 ms. Independent trains of rate r are ``sqrt(r / sqrt(pi))``
        apart: 3.4 at 20 Hz.
    """
    elements = np.concatenate([a.elements, b.elements])
    total = 0.0
    for element in np.unique(elements):
        times = np.concatenate([a.times[a.elements == element], b.times[b.elements == element]])
        weights = np.repeat([1.0, -1.0], [(a.elements == element).sum(), (b.elements == element).sum()])
        kernel = np.exp(-((times[:, None] - times) ** 2) / (4.0 * width**2)) / (2.0 * width * np.sqrt(np.pi))
        total += max(float(weights @ kernel @ weights), 0.0)
    size = elements.max(initial=0) + 1
    return float(np.sqrt(total * width / (length * size)))


def _shares(values: Any, dt: float, span: tuple[float, float], where: str) -> np.ndarray:
    """Samples as parts of their span, shape (steps, channels)."""
    held = np.asarray(values, float)
    held = held[:, None] if held.ndim == 1 else held
    if held.ndim != 2 or not np.isfinite(held).all():
        raise ParameterError(f"{where}: values of shape {held.shape}; finite (steps, channels) are needed")
    if not (np.isfinite(dt) and dt > 0.0 and span[1] > span[0]):
        raise ParameterError(f"{where}: dt = {dt!r} s must be positive, span = {span} must rise")
    return np.clip((held - span[0]) / (span[1] - span[0]), 0.0, 1.0)
