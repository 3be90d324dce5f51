"""Linear memory capacity: how much of each past input a linear readout of the states gives back.

    C_k = 1 - min_w <(w.x(t) - u(t - k))^2> / <u^2>,    capacity = sum over k >= 1

The mean square is over the run itself. With T rows and N states, an input that the states know nothing of still gets
about N / T; so, as published, what lies below a threshold that such inputs pass with probability 1e-4 counts as zero.

Sources: H. Jaeger, GMD Report 152 (2001); threshold ``2 chi2(N) / T`` and the test on the run itself: J. Dambre,
D. Verstraeten, B. Schrauwen, S. Massar, Sci. Rep. 2, 514 (2012), doi 10.1038/srep00514 (the probability recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.reservoir import Reservoir, reservoir
from neurosim.errors import ParameterError
from neurosim.randomness import stream

CHANCE = 1e-4
"""Probability with which the capacity of something unrelated passes the threshold without its factor."""

FACTOR = 2.0
"""Of the threshold: inputs are not quite orthogonal in a finite run."""

LEAST_SHARE = 1e-9
"""Directions of the states below this part of the largest are rounding and do not count."""


@dataclass(frozen=True)
class MemoryCapacity(Drawable):
    """What `memory_capacity` finds.

    Attributes
    ----------
    title : str
    size : int
        Number of states, the bound of the capacity with delay 0.
    rank : int
        Of the states of the run.
    delays : ndarray of int, shape (delays,)
        From 0: the input of the last step.
    measured : ndarray, shape (delays,)
        C_k as it comes out.
    threshold : float
    """

    drawn_by = "memory_capacity:memory_capacity"
    title: str
    size: int
    rank: int
    delays: np.ndarray
    measured: np.ndarray
    threshold: float

    @property
    def curve(self) -> np.ndarray:
        """C_k, zero where it is not above the threshold; shape (delays,)."""
        return np.where(self.measured > self.threshold, self.measured, 0.0)

    @property
    def capacity(self) -> float:
        """Sum over delays of one step and more."""
        return float(self.curve[1:].sum())

    def __str__(self) -> str:
        return f"{self.title}: memory capacity {self.capacity:.3f} steps of at most {self.size}"


def memory_capacity(
    what: Any, *, delays: int | None = None, rows: int = 4000, washout: int | None = None, seed: int = 0
) -> MemoryCapacity:  # fmt: skip
    """Measure the capacity for past inputs that are uniform in -1 to 1 and the same in all channels.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
    delays : int, optional
        Longest delay, default twice the number of states.
    rows : int
        States that count, default 4000.
    washout : int, optional
        Steps before them, default the number of delays, at least 100.
    seed : int

    Raises
    ------
    ParameterError
        Not more rows than states and delays.
    """
    return memory_of_run(driven_run(reservoir(what), rows, washout, delays, seed))


@dataclass(frozen=True)
class DrivenRun:
    """Inputs (longest + rows,), the last `rows` of which belong to the states (rows, size)."""

    title: str
    longest: int
    inputs: np.ndarray
    states: np.ndarray


def memory_of_run(run: DrivenRun) -> MemoryCapacity:
    """`memory_capacity` from a run that is there already."""
    longest, rows = run.longest, len(run.states)
    past = np.stack([run.inputs[longest - k : longest - k + rows] for k in range(longest + 1)], axis=1)
    basis = orthonormal(run.states)
    return MemoryCapacity(
        run.title, run.states.shape[1], basis.shape[1], np.arange(longest + 1), captured(basis, past), threshold(basis)
    )


def driven_run(net: Reservoir, rows: int, washout: int | None, delays: int | None, seed: int) -> DrivenRun:
    """Run a reservoir under inputs uniform in -1 to 1; defaults as of `memory_capacity`."""
    longest = 2 * net.size if delays is None else delays
    washout = max(100, longest) if washout is None else washout
    if longest < 1 or rows <= net.size or washout < longest:
        raise ParameterError(
            f"'{net.title}': rows = {rows} must be above the {net.size} states, delays = {longest} at least 1, "
            f"washout = {washout} at least the delays"
        )
    u = stream(seed, "memory capacity").uniform(-1.0, 1.0, washout + rows)
    return DrivenRun(net.title, longest, u[washout - longest :], net.states(u[None, :, None])[0, washout:])


def orthonormal(states: np.ndarray) -> np.ndarray:
    """Orthonormal basis (rows, rank) of what the states span once their means are taken off."""
    centred = states - states.mean(axis=0)
    scale = centred.std(axis=0)
    moving = scale > 0.0
    if not moving.any():
        return np.zeros((len(states), 0))
    u, s, _ = np.linalg.svd(centred[:, moving] / scale[moving], full_matrices=False)
    return u[:, s > LEAST_SHARE * s[0]]


def captured(basis: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Part of the power of each target (rows, targets) that the basis gives back, shape (targets,)."""
    centred = wanted - wanted.mean(axis=0)
    return ((basis.T @ centred) ** 2).sum(axis=0) / (centred**2).sum(axis=0)


def threshold(basis: np.ndarray) -> float:
    """Capacity that something unrelated hardly reaches."""
    from scipy.special import chdtri

    rows, rank = basis.shape
    return FACTOR * float(chdtri(rank, CHANCE)) / rows if rank else 0.0
