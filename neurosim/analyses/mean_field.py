"""Mean field of a memristive network: every edge sees the mean, one equation remains, and its escape is known exactly.

With the projector of rank one, Omega = 1 1' / m (a single loop), and in the flipped convention

    x' = alpha (s / (1 - chi x) - x) = -dU/dx,     U(x) = alpha (x^2 / 2 + (s / chi) ln(1 - chi x))

where s = S / (alpha beta) is the mean EMF and chi = (r_off - r_on) / r_off. Fixed points x = (1 -+ sqrt(1 - 4 chi s)) /
(2 chi), of which the lower is stable, meet in a saddle-node at s_c = 1 / (4 chi). Beyond it the state escapes in

    alpha T = [-ln(q(x)) / 2 + atan((2 chi x - 1) / sqrt(D)) / sqrt(D)],  q = chi x^2 - x + s,  D = 4 chi s - 1

from start to end, which near the threshold tends to pi / (2 sqrt(chi (s - s_c))).

Source: Caravelli, Sheldon & Traversa, Sci. Adv. 7, eabh1542 (2021), doi 10.1126/sciadv.abh1542, arXiv:2102.03385; the
integral is elementary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class MeanField:
    """The one equation that remains.

    Attributes
    ----------
    s : float
        Mean drive S / (alpha beta).
    chi : float
        (r_off - r_on) / r_off, in (0, 1).
    alpha : float
        Decay rate [1/s], above 0.
    """

    s: float
    chi: float
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not (0.0 < self.chi < 1.0 and self.alpha > 0.0 and math.isfinite(self.s)):
            raise ParameterError(
                f"s = {self.s:g} must be finite, chi = {self.chi:g} in (0, 1) and alpha = {self.alpha:g} positive"
            )

    @property
    def critical_drive(self) -> float:
        """s_c = 1 / (4 chi), at which the fixed points meet."""
        return 1.0 / (4.0 * self.chi)

    @property
    def fixed_points(self) -> tuple[float, ...]:
        """Stable and unstable one, not held in [0, 1]; none beyond the saddle-node."""
        under = 1.0 - 4.0 * self.chi * self.s
        if under < 0.0:
            return ()
        root = math.sqrt(under)
        return (1.0 - root) / (2.0 * self.chi), (1.0 + root) / (2.0 * self.chi)

    def rate(self, x: Any) -> np.ndarray:
        """x' [1/s]."""
        return self.alpha * (self.s / (1.0 - self.chi * np.asarray(x, float)) - x)

    def potential(self, x: Any) -> np.ndarray:
        """U [1/s], for x below 1 / chi."""
        x = np.asarray(x, float)
        return self.alpha * (x**2 / 2.0 + self.s / self.chi * np.log(1.0 - self.chi * x))

    @property
    def barrier(self) -> float:
        """U at the unstable fixed point above U at the stable one [1/s]; 0 beyond the saddle-node."""
        points = self.fixed_points
        return float(self.potential(points[1]) - self.potential(points[0])) if points else 0.0

    def escape_time(self, start: float = 0.0, end: float = 1.0) -> float:
        """Time [s] from one state to another beyond the saddle-node, exact.

        Raises
        ------
        ParameterError
            The drive is not above the threshold.
        """
        excess = 4.0 * self.chi * self.s - 1.0
        if excess <= 0.0:
            raise ParameterError(f"s = {self.s:g} is not above {self.critical_drive:g}: there is no escape")
        root = math.sqrt(excess)

        def passed(x: float) -> float:
            return -0.5 * math.log(self.chi * x * x - x + self.s) + math.atan((2.0 * self.chi * x - 1.0) / root) / root

        return (passed(end) - passed(start)) / self.alpha

    @property
    def escape_time_near_threshold(self) -> float:
        """pi / (2 sqrt(chi (s - s_c)) alpha) [s]: what `escape_time` tends to."""
        return math.pi / (2.0 * math.sqrt(self.chi * (self.s - self.critical_drive)) * self.alpha)


def mean_field(network: MemristiveNetwork, t: float = 0.0) -> MeanField:
    """Reduce a network to one equation for the mean of its states.

    Parameters
    ----------
    network : MemristiveNetwork
        In the flipped convention, with equal r_on, r_off, beta and alpha at all edges.
    t : float
        Time [s] at which sources are read.

    Returns
    -------
    MeanField
        The drive is the mean of the voltages that the edges have while all are alike, mean(Omega S): exact for a
        single loop, and an approximation otherwise.

    Raises
    ------
    ParameterError
        Another convention or device, resistors, unequal parameters, or no decay.
    """
    groups = network.laws.groups
    if network.convention != "flipped" or len(groups) != 1 or groups[0].device is None:
        raise ParameterError("the mean field is known for networks in the flipped convention without resistors")
    values = {}
    for name in ("r_on", "r_off", "beta", "alpha"):
        column = groups[0].columns[name]
        if np.ptp(column) > 1e-12 * abs(column[0]):
            raise ParameterError(f"{name} is {column.min():g} to {column.max():g}; a mean field needs one value")
        values[name] = float(column[0])
    voltages = network.solved(np.zeros(network.size), t).v * network.laws.polarity
    chi = (values["r_off"] - values["r_on"]) / values["r_off"]
    if not values["alpha"] > 0.0:
        raise ParameterError(f"alpha = {values['alpha']:g} must be positive: without decay there is no fixed point")
    return MeanField(float(voltages.mean()) / (values["alpha"] * values["beta"]), chi, values["alpha"])
