"""Fisher memory: the Fisher information of the state on an input of the past, with noise in every unit.

    x+ = W x + v s + z, <z z'> = 1:    J_k = v' (W')^k C^-1 W^k v,    C = sum_k W^k (W')^k

The total is 1 for every normal W and at most N for any, which chains of growing amplification reach. A reservoir
whose states flow is linearised, step by step, about where a constant input leads it. A spiking network has no linear
response: there the information is estimated from runs with noise on the membrane potentials, with and without one more
volley of input spikes, and corrected for the bias of a finite number of runs.

Source: S. Ganguli, D. Huh, H. Sompolinsky, PNAS 105, 18970 (2008), doi 10.1073/pnas.0804451105; correction:
I. Kanitscheider, R. Coen-Cagli, A. Kohn, A. Pouget, PLoS Comput. Biol. 11, e1004218 (2015) (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.reservoir import Reservoir, SpikingReservoir, reservoir
from neurosim.errors import ParameterError
from neurosim.graph.spike_trains import spike_trains

SETTLING_STEPS = 400
"""Under a constant input before the response is linearised."""

WARM_STEPS = 10
"""Of a spiking network before the volley."""

SHIFT = 1e-4
"""Of states and inputs in the differences that linearise."""


@dataclass(frozen=True)
class FisherMemory(Drawable):
    """What `fisher_memory` finds.

    Attributes
    ----------
    title : str
    size : int
    curve : ndarray, shape (delays,)
        J_k for k = 0, 1, ... relative to the information in the input itself, where |v| = 1. Of a spiking network the
        squared distance of the mean states, in units of their noise, that one more spike in each channel makes.
    spectral_radius : float
        Of the linear map; NaN of a spiking network.
    departure : float
        From being normal: |W W' - W' W| over |W|^2, 0 for a normal map; NaN of a spiking network.
    """

    drawn_by = "fisher_memory:fisher_memory"
    title: str
    size: int
    curve: np.ndarray
    spectral_radius: float
    departure: float

    @property
    def total(self) -> float:
        """Sum over all delays of the curve."""
        return float(self.curve.sum())

    def __str__(self) -> str:
        known = (
            f"normal maps 1, bound {self.size}" if np.isfinite(self.spectral_radius) else "of one more volley of spikes"
        )
        return f"{self.title}: Fisher memory {self.total:.4f} ({known})"


def fisher_memory(
    what: Any, vector: Any = None, *, delays: int | None = None, sample: float = 0.0, trials: int | None = None,
    kick: float = 1.0, seed: int = 0,
) -> FisherMemory:  # fmt: skip
    """Compute the Fisher memory curve of a linear map, or of a reservoir at rest.

    Parameters
    ----------
    what : array_like of shape (n, n), Reservoir, or what `neurosim.reservoir` takes
        A matrix W needs `vector`.
    vector : array_like, shape (n,), optional
        v; its length does not matter. Default in a reservoir: the response to all channels at once.
    delays : int, optional
        Default until the curve has ended, but at most 100,000; of a spiking network 15.
    sample : float
        The constant input of a reservoir, default 0.
    trials : int, optional
        Runs of a spiking network with and without the volley, default twice the number of states.
    kick : float
        Noise in a spiking network, see `SpikingReservoir.kicked`; default 1.
    seed : int
        Of the noise.

    Raises
    ------
    ParameterError
        The map is not stable, or there are too few trials.
    """
    if isinstance(what, np.ndarray) or vector is not None:
        matrix, direction, title = np.asarray(what, float), np.asarray(vector, float), "linear map"
    else:
        net = reservoir(what)
        if isinstance(net, SpikingReservoir):
            return _measured(net, 15 if delays is None else delays, trials or 2 * net.size, kick, seed)
        matrix, direction = linearised(net, sample)
        title = net.title
    n = len(matrix)
    if matrix.shape != (n, n) or direction.shape != (n,) or not direction.any():
        raise ParameterError(
            f"fisher_memory(): W {matrix.shape} and v {direction.shape} must be (n, n) and (n,), and v not 0"
        )
    radius = float(np.abs(np.linalg.eigvals(matrix)).max())
    if radius >= 1.0:
        raise ParameterError(f"'{title}': the spectral radius {radius:.4g} of its map is not below 1: noise piles up")
    covariance = scipy.linalg.solve_discrete_lyapunov(matrix, np.eye(n))
    factor = scipy.linalg.cho_factor(0.5 * (covariance + covariance.T))
    v, curve, most = direction / np.linalg.norm(direction), [], 100_000 if delays is None else delays + 1
    while len(curve) < most:
        curve.append(float(v @ scipy.linalg.cho_solve(factor, v)))
        v = matrix @ v
        # C is at least the unit matrix: no later term is larger than |v|^2.
        if delays is None and (v @ v) / (1.0 - min(radius, 1.0 - 1e-12)) < 1e-13:
            break
    power = float(np.linalg.norm(matrix) ** 2)
    off = float(np.linalg.norm(matrix @ matrix.T - matrix.T @ matrix)) / power if power else 0.0
    return FisherMemory(title, n, np.array(curve), radius, off)


def linearised(net: Reservoir, sample: float) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the state after a step by that before, (n, n), and by the input of all channels, (n,)."""
    u = np.full(net.channels, float(sample))
    state = net.advanced(net.start()[None], u, SETTLING_STEPS)
    low, high = net.bounds()
    shifts = SHIFT * np.eye(state.shape[1])
    # At a bound the difference is to one side.
    starts = np.clip(np.stack([state + shifts, state - shifts]), low, high)
    n = state.shape[1]
    ends = net.advanced(starts.reshape(2 * n, n), u).reshape(2, n, n)
    lengths = (starts[0] - starts[1]).diagonal()
    by_input = net.advanced(state, u + SHIFT) - net.advanced(state, u - SHIFT)
    return ((ends[0] - ends[1]) / lengths[:, None]).T, by_input[0] / (2.0 * SHIFT)


def _measured(net: SpikingReservoir, delays: int, trials: int, kick: float, seed: int) -> FisherMemory:
    """From runs with noise; those with a volley have other noise than those without."""
    if 2 * trials <= net.size + 3 or delays < 0 or not kick > 0.0:
        raise ParameterError(
            f"'{net.title}': trials = {trials} must be above half of the {net.size} states, delays = {delays} 0 or "
            f"more, kick = {kick} positive"
        )
    steps = WARM_STEPS + delays + 1
    plain = net.stimuli(1, steps, seed=seed)[0]
    volley = np.full(net.channels, WARM_STEPS * net.bin)
    more = spike_trains(np.r_[plain.times, volley], np.r_[plain.elements, np.arange(net.channels)])
    without, with_it = (
        net.kicked(trains, steps, trials, kick, seed=2 * seed + k)[:, WARM_STEPS:]
        for k, trains in enumerate((plain, more))
    )
    curve = np.empty(delays + 1)
    for k in range(delays + 1):
        a, b = without[:, k], with_it[:, k]
        covariance = 0.5 * (np.cov(a.T) + np.cov(b.T))
        # Neurons that never spiked say nothing, whatever the noise.
        active = np.diag(covariance) > 0.0
        n = int(active.sum())
        moved = (b.mean(axis=0) - a.mean(axis=0))[active]
        naive = float(moved @ np.linalg.lstsq(covariance[np.ix_(active, active)], moved, rcond=None)[0])
        curve[k] = naive * (2 * trials - n - 3) / (2 * trials - 2) - 2.0 * n / trials
    return FisherMemory(net.title, net.size, curve, np.nan, np.nan)
