"""Tasks of spike patterns for any reservoir: which template was it, with readouts of the states.

Sources: both tasks from W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi
10.1162/089976602760407955: segments (which of two templates was each segment of the past), and time-warped templates
with the score of J. J. Hopfield, C. D. Brody, PNAS 98, 1282 (2001), false over correct positives plus false over
correct negatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.reservoir import Reservoir, reservoir
from neurosim.digital.training.parallel_perceptrons import p_delta
from neurosim.digital.training.readouts import logistic, ridge
from neurosim.errors import ParameterError
from neurosim.graph.spike_trains import SpikeTrains, poisson_trains, spike_trains
from neurosim.randomness import stream

READOUTS = ("linear", "logistic", "pools")


@dataclass(frozen=True)
class SegmentsTask(Drawable):
    """What `segments_task` finds.

    Attributes
    ----------
    title : str
    ages : ndarray, shape (segments,)
        From the end of a segment until it is asked for [s]; the last segment first.
    accuracy : ndarray, shape (segments,)
        Part of new inputs whose template is told; 0.5 is guessing.
    error : ndarray, shape (segments,)
        Standard error by chance of the test.
    """

    drawn_by = "segments_task:segments_task"
    title: str
    ages: np.ndarray
    accuracy: np.ndarray
    error: np.ndarray

    def __str__(self) -> str:
        parts = ", ".join(f"{age * 1e3:.0f} ms: {a:.3f}" for age, a in zip(self.ages, self.accuracy, strict=True))
        return f"{self.title}: segments told by age {parts}"


@dataclass(frozen=True)
class WarpTask:
    """What `time_warp_task` finds.

    Attributes
    ----------
    title : str
    score : float
        False over correct positives plus false over correct negatives, mean over the templates; guessing: 9.1 of 10.
    accuracy : float
        Part of new inputs whose template has the largest output.
    """

    title: str
    score: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.title}: time-warped templates, score {self.score:.3f}, accuracy {self.accuracy:.3f}"


def segments_task(
    what: Any, *, segments: int = 4, length: float = 0.25, rate: float | None = None, jitter: float = 4e-3,
    fitted: int = 400, tested: int = 200, readout: str = "linear", seed: int = 0,
) -> SegmentsTask:  # fmt: skip
    """Tell from the state at the end which of two Poisson templates each segment of the input was.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
        Its channels are the trains of the templates.
    segments : int
        Default 4.
    length : float
        Of a segment [s], default 0.25; a whole number of the reservoir's bins.
    rate : float, optional
        Of the templates [Hz], default 20, but at most 80 in all channels together.
    jitter : float
        Standard deviation of each spike [s], default 4 ms.
    fitted, tested : int
        Inputs, default 400 and 200; states start at random.
    readout : {"linear", "logistic", "pools"}
        Default "linear": ridge regression with the penalty that cross-validation chooses;
        "pools" are perceptrons trained by the p-delta rule.
    seed : int

    Raises
    ------
    ParameterError
    """
    net = reservoir(what)
    if segments < 1:
        raise ParameterError(f"segments_task(): segments = {segments} must be one or more")
    steps, rate = _steps(net, segments * length), net.usual_rate if rate is None else rate
    draw = stream(seed, "segments task")
    templates = [
        [poisson_trains(rate, length, net.channels, seed=int(draw.integers(2**31))) for _ in range(2)]
        for _ in range(segments)
    ]
    labels = draw.integers(0, 2, (fitted + tested, segments))
    inputs = [_joined([templates[k][label] for k, label in enumerate(row)], length) for row in labels]
    jittered = [trains.jittered(jitter, seed=int(draw.integers(2**31))) for trains in inputs]
    states = net.states(jittered, steps=steps, starts=draw.integers(2**31, size=len(labels)).tolist())[:, -1]
    said = _fit(readout, states[:fitted], labels[:fitted] == 1)(states[fitted:]) > 0.0
    accuracy = (said == (labels[fitted:] == 1)).mean(axis=0)[::-1]
    error = np.sqrt(accuracy * (1.0 - accuracy) / tested)
    return SegmentsTask(net.title, np.arange(segments) * length, accuracy, error)


def time_warp_task(
    what: Any, *, templates: int = 10, rate: float = 4.0, length: float = 0.5, warp: float = 3.0, jitter: float = 32e-3,
    fitted: int = 400, tested: int = 200, readout: str = "logistic", seed: int = 0,
) -> WarpTask:  # fmt: skip
    """Tell templates of spike trains that are warped in time and jittered, from the state at their end.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
        Its channels are the trains; 40 of 4 Hz in the source.
    templates : int
        Default 10.
    rate, length : float
        Of the templates [Hz, s], default 4 Hz and 0.5 s.
    warp : float
        Times are multiplied by a factor uniform in 1/warp to warp, default 3.
    jitter : float
        Standard deviation of each spike [s], default 32 ms.
    fitted, tested : int
        Inputs, default 400 and 200; 1000 and 500 in the source.
    readout : {"linear", "logistic", "pools"}
        Default "logistic".
    seed : int

    Raises
    ------
    ParameterError
    """
    net = reservoir(what)
    draw = stream(seed, "time warp task")
    known = [poisson_trains(rate, length, net.channels, seed=int(draw.integers(2**31))) for _ in range(templates)]
    labels = draw.integers(0, templates, fitted + tested)
    factors = draw.uniform(1.0 / warp, warp, labels.size)
    inputs = [
        known[label].warped(factor).jittered(jitter, seed=int(draw.integers(2**31)))
        for label, factor in zip(labels, factors, strict=True)
    ]
    ends = np.maximum(1, np.round(factors * length / net.bin)).astype(int)
    states = net.states(inputs, steps=int(ends.max()), starts=draw.integers(2**31, size=labels.size).tolist())
    at_end = states[np.arange(labels.size), ends - 1]
    wanted = labels[:, None] == np.arange(templates)
    output, truth = _fit(readout, at_end[:fitted], wanted[:fitted])(at_end[fitted:]), wanted[fitted:]
    said = output > 0.0
    positive = (said & ~truth).sum(0) / np.maximum((said & truth).sum(0), 1)
    negative = (~said & truth).sum(0) / np.maximum((~said & ~truth).sum(0), 1)
    return WarpTask(net.title, float((positive + negative).mean()), float((output.argmax(1) == labels[fitted:]).mean()))


def _steps(net: Reservoir, length: float) -> int:
    steps = round(length / net.bin)
    if steps < 1 or abs(steps * net.bin - length) > 1e-6 * net.bin:
        raise ParameterError(
            f"'{net.title}': {length:g} s is not a whole number of bins of {net.bin:g} s; give bin= or step="
        )
    return steps


def _joined(parts: list[SpikeTrains], length: float) -> SpikeTrains:
    """Trains one after the other."""
    times = np.concatenate([part.times + k * length for k, part in enumerate(parts)])
    return spike_trains(times, np.concatenate([part.elements for part in parts]))


def _fit(readout: str, states: np.ndarray, classes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    if readout not in READOUTS:
        raise ParameterError(f"readout = {readout!r} must be one of {', '.join(READOUTS)}")
    if readout == "logistic":
        return logistic(states, classes)
    if readout == "pools":
        return p_delta(states, np.where(classes, 1.0, -1.0))
    return ridge(states, np.where(classes, 1.0, -1.0))
