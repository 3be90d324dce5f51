"""Pinched hysteresis loops of a memristive network, and their area against frequency."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class Hysteresis(Drawable):
    """Loops at several frequencies; ``plot()`` draws loops and areas.

    Attributes
    ----------
    frequencies : array, shape (n,)
        [Hz]
    areas : array, shape (n,)
        Area [W] of the lobe of positive voltage in the last period.
    loops : list of (voltage, current)
        The last period of each frequency: arrays in V and A.
    """

    frequencies: np.ndarray
    areas: np.ndarray
    loops: list[tuple[np.ndarray, np.ndarray]]
    drawn_by = "hysteresis:draw_hysteresis"

    @property
    def exponent(self) -> float:
        """Slope of log area against log frequency between the two highest frequencies; -1 far above all rates."""
        a, f = self.areas[-2:], self.frequencies[-2:]
        return float(np.log(a[1] / a[0]) / np.log(f[1] / f[0]))

    def __str__(self) -> str:
        rows = ", ".join(f"{a:.3g} W at {f:.3g} Hz" for f, a in zip(self.frequencies, self.areas, strict=True))
        return f"area of the positive lobe: {rows}; exponent {self.exponent:.3f} at the end"


def hysteresis(
    network_for: Callable[[str], MemristiveNetwork], electrode: Hashable, frequencies: Sequence[float], *,
    amplitude: float = 1.0, periods: int = 2, points: int = 400, **options: Any,
) -> Hysteresis:  # fmt: skip
    """Drive a network with sines and measure the loop of the last period.

    Parameters
    ----------
    network_for : callable
        ``network_for(drive)`` makes the network with the waveform `drive` at the electrode.
    electrode : node
        The driven electrode, whose voltage and current make the loop.
    frequencies : sequence of float
        Rising [Hz], at least two.
    amplitude : float
        [V], default 1.
    periods : int
        How many are simulated, default 2.
    points : int
        Points of a loop, default 400.
    **options
        For `neurosim.simulate`.

    Returns
    -------
    Hysteresis

    Raises
    ------
    ParameterError

    Notes
    -----
    L. O. Chua, S. M. Kang, Proc. IEEE 64, 209 (1976), doi 10.1109/PROC.1976.10092: the loop is pinched, and
    its area vanishes as the frequency grows.
    """
    from neurosim.solve.simulate import simulate

    f = np.asarray(frequencies, float)
    if f.size < 2 or not ((f > 0.0).all() and (np.diff(f) > 0.0).all()):
        raise ParameterError(f"frequencies {list(frequencies)} must be two or more, positive and rising")
    if periods < 1 or points < 16:
        raise ParameterError(f"periods = {periods} must be at least 1 and points = {points} at least 16")
    areas, loops = [], []
    for frequency in f:
        network = network_for(f"SIN(0 {amplitude!r} {float(frequency)!r})")
        stop = periods / float(frequency)
        address = f"i({electrode})"
        result = simulate(network, (0.0, stop), print_step=stop / (periods * points), save=(address,), **options)
        last = result.axis >= (periods - 1) / periods * stop * (1.0 - 1e-12)
        phase = 2.0 * np.pi * frequency * result.axis[last]
        loops.append((amplitude * np.sin(phase), result[address][last]))
        areas.append(lobe_area(*loops[-1]))
    return Hysteresis(f, np.array(areas), loops)


def lobe_area(voltage: np.ndarray, current: np.ndarray) -> float:
    """Area [W] that a pinched loop encloses at positive voltages, whichever way it runs."""
    inside = voltage >= 0.0
    v, i = np.where(inside, voltage, 0.0), np.where(inside, current, 0.0)
    return float(abs(np.trapezoid(np.r_[i, i[0]], np.r_[v, v[0]])))
