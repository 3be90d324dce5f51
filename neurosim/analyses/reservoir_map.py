"""A measure of reservoirs over a plane of two settings, such as length of the wiring and scale of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.kernel_rank import kernel_rank
from neurosim.errors import ParameterError


@dataclass(frozen=True)
class ReservoirMap(Drawable):
    """What `reservoir_map` finds.

    Attributes
    ----------
    names : tuple of str
        Of the two settings.
    first, second : ndarray, shape (a,) and (b,)
        Their values.
    values : dict of str to ndarray, shape (a, b)
        Mean of each measure over the seeds.
    errors : dict of str to ndarray, shape (a, b)
        Its standard error; 0 with one seed.
    """

    drawn_by = "reservoir_map:reservoir_map"
    names: tuple[str, str]
    first: np.ndarray
    second: np.ndarray
    values: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]


def ranks(net: Any, seed: int) -> dict[str, float]:
    """Kernel rank, generalisation rank, and the difference."""
    found = kernel_rank(net, seed=seed)
    return {
        "kernel rank": float(found.kernel), "generalisation rank": float(found.generalisation),
        "kernel less generalisation": float(found.quality),
    }  # fmt: skip


def reservoir_map(
    build: Callable[..., Any], over: Mapping[str, Sequence[float]], *,
    measure: Callable[[Any, int], Mapping[str, float]] = ranks, seeds: int = 1,
) -> ReservoirMap:  # fmt: skip
    """Build a reservoir at each point of a plane and measure it.

    Parameters
    ----------
    build : callable
        ``build(seed=..., **settings)`` gives a reservoir, or what `neurosim.reservoir` takes.
    over : mapping of two names to values
        As ``{"length": [1, 2, 4], "weight_scale": [0.5, 1, 2]}``.
    measure : callable
        ``measure(reservoir, seed)`` gives numbers by name; default kernel and generalisation rank.
    seeds : int
        Reservoirs at each point, default 1.

    Raises
    ------
    ParameterError
    """
    if len(over) != 2 or seeds < 1 or any(len(values) == 0 for values in over.values()):
        raise ParameterError(f"reservoir_map(): two settings with values are needed, and seeds = {seeds} of 1 or more")
    (one, a), (two, b) = over.items()
    found = [[[measure(build(**{one: x, two: y}, seed=seed), seed) for seed in range(seeds)] for y in b] for x in a]
    names = list(found[0][0][0])
    grids = {name: np.array([[[case[name] for case in cell] for cell in row] for row in found]) for name in names}
    spread = np.sqrt(max(seeds - 1, 1) * seeds)
    means = {name: grid.mean(axis=-1) for name, grid in grids.items()}
    errors = {
        name: np.sqrt(((grid - grid.mean(-1, keepdims=True)) ** 2).sum(-1)) / spread for name, grid in grids.items()
    }
    return ReservoirMap((one, two), np.asarray(a, float), np.asarray(b, float), means, errors)
