"""What a parameter is drawn from in a Monte-Carlo sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream


@dataclass(frozen=True)
class Distribution:
    """Independent values; made by `normal`, `uniform` or `tolerance`.

    Attributes
    ----------
    shape : {"normal", "uniform"}
    center : float
        Mean; the middle of a uniform one.
    spread : float
        Standard deviation; half the width of a uniform one.
    is_relative : bool
        Whether both are shares of the nominal value.
    """

    shape: Literal["normal", "uniform"]
    center: float
    spread: float
    is_relative: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.spread) and self.spread >= 0.0):
            raise ParameterError(f"a distribution of center {self.center!r} and spread {self.spread!r}: finite, >= 0")

    def draw(self, seed: int, address: str, count: int, nominal: float) -> np.ndarray:
        """The first `count` values for a parameter; value k is the same however many are drawn, and by whom."""
        random = stream(seed, "sweep", address)
        if self.shape == "normal":
            values = self.center + self.spread * random.standard_normal(count)
        else:
            values = self.center + self.spread * (2.0 * random.random(count) - 1.0)
        return nominal * values if self.is_relative else values


def normal(mean: float, std: float) -> Distribution:
    """Normal values of this mean and standard deviation."""
    return Distribution("normal", float(mean), float(std))


def uniform(low: float, high: float) -> Distribution:
    """Values between two limits, all equally likely."""
    if not high >= low:
        raise ParameterError(f"uniform({low!r}, {high!r}): the first must be the smaller one")
    return Distribution("uniform", 0.5 * (low + high), 0.5 * (high - low))


def tolerance(share: float, shape: Literal["uniform", "normal"] = "uniform") -> Distribution:
    """The nominal value within a tolerance.

    Parameters
    ----------
    share : float
        0.05 for 5 %.
    shape : {"uniform", "normal"}
        All values within the tolerance equally likely (default), or normal with a third of it as standard deviation.

    Raises
    ------
    ParameterError
    """
    if shape not in ("uniform", "normal") or not 0.0 <= share < 1.0:
        raise ParameterError(f"tolerance({share!r}, {shape!r}): a share from 0 to 1, and 'uniform' or 'normal'")
    return Distribution(shape, 1.0, share if shape == "uniform" else share / 3.0, is_relative=True)
