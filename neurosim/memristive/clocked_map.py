"""The digital equivalent of a memristive network: a map from tick to tick, with states held in their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class ClockedMap:
    """What a clocked implementation of a network computes; by default ``w <- held(w + dt rhs(k dt, w))``.

    Attributes
    ----------
    net : MemristiveNetwork
    dt : float
        Period of the clock [s].
    rule : str
        Name of the rule that made the coefficients.
    leak : ndarray, shape (m,), optional
        Decay rates [1/s] that the rule takes for itself: the drive is ``G = rhs + leak w``.
    rows : sequence of sequences of ndarray, optional
        Stage s is at ``held(rows[s][0] w + sum_j rows[s][1 + j] G_j)``, the last one is the new state, see
        `neurosim.digital.rule.Rule`.
    fractions : sequence of float
        Times of the stages before the last, in steps.
    """

    net: MemristiveNetwork
    dt: float
    rule: str = "forward_euler"
    leak: np.ndarray | float = 0.0
    rows: Sequence[Sequence[np.ndarray]] = ()
    fractions: Sequence[float] = (0.0,)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0.0):
            raise ParameterError(f"dt = {self.dt!r} s must be positive and finite")

    def step(self, k: int, w: np.ndarray) -> np.ndarray:
        """States after tick k, shape (m,), from those before it."""
        laws, drives, stage = self.net.laws, [], w
        for row, fraction in zip(self.rows or [(1.0, self.dt)], self.fractions, strict=True):
            drives.append(self.net.rhs((k + fraction) * self.dt, stage) + self.leak * stage)
            moved = row[0] * w + sum(weight * drive for weight, drive in zip(row[1:], drives, strict=True))
            stage = np.clip(moved, laws.lower, laws.upper)
        return stage

    def run(self, steps: int, w: np.ndarray | None = None) -> np.ndarray:
        """States before the first tick and after each, shape (steps + 1, m); from w, default those at the start."""
        made = np.empty((steps + 1, self.net.size))
        made[0] = self.net.state if w is None else w
        for k in range(steps):
            made[k + 1] = self.step(k, made[k])
        return made
