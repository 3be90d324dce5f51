"""Information processing capacity: how much of every function of the past inputs a linear readout gives back.

The functions are products of Legendre polynomials of inputs at different delays, which are orthogonal for inputs
uniform in -1 to 1. Their capacities add up to at most the number of states, and to that if the states are independent
and forget.

Source: J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, Sci. Rep. 2, 514 (2012), doi 10.1038/srep00514.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.memory_capacity import DrivenRun, captured, driven_run, orthonormal, threshold
from neurosim.analyses.reservoir import reservoir
from neurosim.errors import ParameterError

PATIENCE = 3
"""A degree ends when this many delays in a row have added nothing."""

FUNCTIONS = 4000
"""Most of one degree."""

BATCH = 400
"""Functions that are tried at once."""


@dataclass(frozen=True)
class ProcessingCapacity(Drawable):
    """What `processing_capacity` finds.

    Attributes
    ----------
    title : str
    size, rank : int
        Number of states, and of independent ones in the run: the bound of the total.
    by_degree : ndarray, shape (degrees,)
        Capacity for functions of degree 1, 2, ...
    by_delay : ndarray, shape (degrees, delays)
        The same by the longest delay of the function.
    functions : int
        That were tried.
    complete : tuple of bool
        Of each degree: whether it ended by itself, not at the largest number of functions.
    threshold : float
        Capacities below it count as zero.
    """

    drawn_by = "processing_capacity:processing_capacity"
    title: str
    size: int
    rank: int
    by_degree: np.ndarray
    by_delay: np.ndarray
    functions: int
    complete: tuple[bool, ...]
    threshold: float

    @property
    def total(self) -> float:
        """Of all degrees."""
        return float(self.by_degree.sum())

    @property
    def linear(self) -> float:
        """Of degree 1, the input of the last step included."""
        return float(self.by_degree[0])

    @property
    def nonlinear(self) -> float:
        """Of degree 2 and more."""
        return float(self.by_degree[1:].sum())

    def __str__(self) -> str:
        parts = ", ".join(f"degree {d}: {c:.2f}" for d, c in enumerate(self.by_degree, start=1))
        return f"{self.title}: processing capacity {self.total:.2f} of at most {self.rank} ({parts})"


def processing_capacity(
    what: Any, *, degrees: int = 4, rows: int = 6000, washout: int | None = None, delays: int | None = None,
    functions: int = FUNCTIONS, seed: int = 0,
) -> ProcessingCapacity:  # fmt: skip
    """Measure the capacity for polynomials of past inputs.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
    degrees : int
        Largest degree, default 4.
    rows : int
        States that count, default 6000.
    washout : int, optional
        Steps before them, default `delays`, at least 100.
    delays : int, optional
        Longest delay, default twice the number of states.
    functions : int
        Most functions of each degree, default 4000.
    seed : int

    Raises
    ------
    ParameterError
    """
    if degrees < 1 or functions < 1:
        raise ParameterError(f"degrees = {degrees} and functions = {functions} must be 1 or more")
    return capacity_of_run(driven_run(reservoir(what), rows, washout, delays, seed), degrees, functions)


def capacity_of_run(run: DrivenRun, degrees: int, functions: int) -> ProcessingCapacity:
    """`processing_capacity` from a run that is there already."""
    u, longest, rows = run.inputs, run.longest, len(run.states)
    basis = orthonormal(run.states)
    bound = threshold(basis)
    legendre = [np.polynomial.legendre.Legendre.basis(d)(u) for d in range(degrees + 1)]
    found, complete, tried = np.zeros((degrees, longest + 1)), [], 0
    for degree in range(1, degrees + 1):
        silent, left = 0, functions
        for delay in range(longest + 1):
            count = 0
            for terms in _in_batches(_products(degree, delay), min(BATCH, left)):
                wanted = np.stack([_product(legendre, term, longest, rows) for term in terms], axis=1)
                capacities = captured(basis, wanted)
                found[degree - 1, delay] += capacities[capacities > bound].sum()
                count += len(terms)
                left -= len(terms)
                if left <= 0:
                    break
            tried += count
            silent = 0 if found[degree - 1, delay] > 0.0 else silent + 1
            if silent >= PATIENCE or left <= 0:
                break
        complete.append(left > 0)
    return ProcessingCapacity(
        run.title, run.states.shape[1], basis.shape[1], found.sum(axis=1), found, tried, tuple(complete), bound
    )


def _products(degree: int, delay: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Products (delay, degree), ... of a total degree whose longest delay is `delay`."""
    for variables in range(1, min(degree, delay + 1) + 1):
        for others in combinations(range(delay), variables - 1):
            for powers in _parts(degree, variables):
                yield tuple(zip((*others, delay), powers, strict=True))


def _parts(total: int, count: int) -> Iterator[tuple[int, ...]]:
    """Ways to write a number as an ordered sum of positive ones."""
    for cuts in combinations(range(1, total), count - 1):
        yield tuple(np.diff([0, *cuts, total]).tolist())


def _in_batches(terms: Iterator[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for term in terms:
        batch.append(term)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _product(legendre: list[np.ndarray], term: tuple[tuple[int, int], ...], longest: int, rows: int) -> np.ndarray:
    made = np.ones(rows)
    for delay, degree in term:
        made = made * legendre[degree][longest - delay : longest - delay + rows]
    return made
