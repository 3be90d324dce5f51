"""The interpolants of consecutive steps as SciPy's dense output."""

from __future__ import annotations

import numpy as np
from scipy.integrate import DenseOutput


class PiecewisePolynomial(DenseOutput):
    """The interpolants of consecutive steps.

    Parameters
    ----------
    knots : ndarray, shape (k + 1,)
        Ends of the steps, rising or falling.
    coefficients : ndarray, shape (k, degree + 1, n)
        Of the powers of the fraction of each step.
    origin : float
        Fraction from which they count: 0, the start of the step (default), or 1, its end.
    """

    def __init__(self, knots: np.ndarray, coefficients: np.ndarray, origin: float = 0.0) -> None:
        super().__init__(knots[0], knots[-1])
        self.knots, self.coefficients, self.origin = knots, coefficients, origin
        self._rising = knots if knots[-1] >= knots[0] else -knots

    def _call_impl(self, t: np.ndarray) -> np.ndarray:
        place = t if self._rising is self.knots else -t
        step = np.clip(np.searchsorted(self._rising, place, side="left") - 1, 0, len(self.coefficients) - 1)
        start = self.knots[step]
        fraction = np.asarray((t - start) / (self.knots[step + 1] - start) - self.origin)[..., None]
        value = self.coefficients[step, -1]
        for power in range(self.coefficients.shape[1] - 2, -1, -1):
            value = value * fraction + self.coefficients[step, power]
        return value.T
