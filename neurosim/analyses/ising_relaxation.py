"""A memristive network under constant drive as a machine that lowers an Ising energy, against exhaustive search.

On binary states the Lyapunov function of the equation is ``x' J x + h' x`` (see `neurosim.memristive.invariants`), a
quadratic unconstrained binary optimisation.

Source: Caravelli, Entropy 21, 789 (2019), doi 10.3390/e21080789 (recalled), arXiv:1712.07046.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError
from neurosim.randomness import stream

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork

MOST_SPINS = 20
"""Edges up to which all binary states are tried."""


@dataclass(frozen=True)
class IsingRelaxation(Drawable):
    """Where a network ended from random starts, and the energies of all binary states; ``plot()`` draws them.

    Attributes
    ----------
    energies : array, shape (starts,)
        Of the rounded last states.
    states : bool array, shape (starts, m)
        The rounded last states.
    distance : array, shape (starts,)
        Largest distance of a last state from 0 or 1.
    ground : bool array, shape (m,)
        The binary state with the least energy.
    levels : array, shape (2^m,)
        All energies, rising.
    title : str
    """

    energies: np.ndarray
    states: np.ndarray
    distance: np.ndarray
    ground: np.ndarray
    levels: np.ndarray
    title: str
    drawn_by = "ising_relaxation:draw_relaxation"

    @property
    def success(self) -> float:
        """Share of starts that ended in a state of least energy."""
        return float(np.mean(self.energies <= self.levels[0] + self._rounding))

    @property
    def excess(self) -> np.ndarray:
        """Energy above the least as a share of the range of all energies, shape (starts,)."""
        return (self.energies - self.levels[0]) / (self.levels[-1] - self.levels[0])

    @property
    def rank(self) -> np.ndarray:
        """Share of all binary states with less energy, shape (starts,)."""
        return np.searchsorted(self.levels, self.energies - self._rounding) / self.levels.size

    @property
    def _rounding(self) -> float:
        return 1e-12 * float(np.abs(self.levels[[0, -1]]).max())

    def __str__(self) -> str:
        return (
            f"{self.title}: {100 * self.success:.3g} % of {self.energies.size} starts reach the least energy "
            f"{self.levels[0]:.6g} of {self.levels.size} binary states; on average {100 * self.excess.mean():.2g} % of "
            f"the range above it, below all but {100 * self.rank.mean():.2g} % of them"
        )


def ising_relaxation(
    network: MemristiveNetwork, duration: float, *, starts: int = 20, seed: int = 0, **options: Any
) -> IsingRelaxation:
    """Let a network relax from random states, round, and compare with every binary state.

    Parameters
    ----------
    network : MemristiveNetwork
        Of the Caravelli-Traversa-Di Ventra equation with equal parameters and constant sources, at most 20 edges.
    duration : float
        Length of each run [s].
    starts : int
        Default 20.
    seed : int
        Stream ``"ising"`` of it gives the starts, uniform in [0, 1].
    **options
        For `neurosim.simulate`.

    Returns
    -------
    IsingRelaxation

    Raises
    ------
    ParameterError

    Notes
    -----
    The flow lowers its Lyapunov function only while no state stands at 1, so the end is a good state and need not be
    the best one.
    """
    from neurosim.solve.simulate import simulate

    if network.size > MOST_SPINS:
        raise ParameterError(f"{network.size} edges are too many: binary states of up to {MOST_SPINS} are tried")
    if starts < 1:
        raise ParameterError(f"starts = {starts} must be at least 1")
    ising = network.ising()
    draw = stream(seed, "ising")
    last = []
    for _ in range(starts):
        begin = draw.random(network.size)
        run = simulate(network, (0.0, duration), initial=begin, save=("states",), save_steps=False,
                       print_step=duration, **options)  # fmt: skip
        last.append([run[name][-1] for name in network.state_names])
    ends = np.array(last)
    states = ends > 0.5
    every = (np.arange(2**network.size)[:, None] >> np.arange(network.size) & 1).astype(float)
    levels = ((every @ ising.couplings) * every).sum(axis=1) + every @ ising.fields
    ground = every[int(np.argmin(levels))].astype(bool)
    energies = np.array([ising.energy(row.astype(float)) for row in states])
    distance = np.minimum(np.abs(ends), np.abs(1.0 - ends)).max(axis=1)
    return IsingRelaxation(energies, states, distance, ground, np.sort(levels), network.title)
