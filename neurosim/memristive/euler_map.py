"""The digital equivalent of a memristive network: the forward Euler map with states held in their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class EulerMap:
    """``w <- held(w + dt rhs(k dt, w))``: what a clocked implementation of the network computes.

    Attributes
    ----------
    net : MemristiveNetwork
    dt : float
        Period of the clock [s].
    """

    net: MemristiveNetwork
    dt: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0.0):
            raise ParameterError(f"dt = {self.dt!r} s must be positive and finite")

    def step(self, k: int, w: np.ndarray) -> np.ndarray:
        """States after tick k, shape (m,), from those before it."""
        laws = self.net.laws
        return np.clip(w + self.dt * self.net.rhs(k * self.dt, w), laws.lower, laws.upper)

    def run(self, steps: int, w: np.ndarray | None = None) -> np.ndarray:
        """States before the first tick and after each, shape (steps + 1, m); from w, default those at the start."""
        made = np.empty((steps + 1, self.net.size))
        made[0] = self.net.state if w is None else w
        for k in range(steps):
            made[k + 1] = self.step(k, made[k])
        return made
