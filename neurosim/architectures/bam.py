"""Bidirectional associative memory: two fields, W one way and its transpose back.

Graded: tau_x x' = -x + W phi(y) + I,  tau_y y' = -y + W' phi(x) + J. Discrete: y = sgn(W'x), x = sgn(W y) in turn; any
real W is stable because E = -x'Wy never rises. The sum of outer products recalls pairs only where the patterns are
nearly orthogonal; with a weight for each product that a linear program finds, all pairs are recalled wherever such
weights exist.

Sources: Kosko, IEEE Trans. Syst. Man Cybern. 18, 49 (1988), doi 10.1109/21.87054 (W = sum of outer products); weighted
products, Wang, Cruz & Mulligan, IEEE Trans. Neural Networks 2, 559 (1991), doi 10.1109/72.97933.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def bam(
    pairs: tuple[Any, Any] | None = None, *, first: int = 12, second: int = 8, weights: Any = None, gain: float = 4.0,
    time_constant_first: float = 1.0, time_constant_second: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a graded BAM.

    Parameters
    ----------
    pairs : (array_like, array_like), optional
        Patterns of -1 and 1, shapes (pairs, first) and (pairs, second); default two random pairs.
    weights : array_like, shape (first, second), optional
        Instead of the sum of outer products over sqrt(first second).
    gain : float
        Slope of tanh at 0.
    time_constant_first, time_constant_second : float
        Of each field [s].

    Returns
    -------
    SignalGraph
        Inputs ``I``, ``J``; states ``x``, ``y``; outputs ``a``, ``b``; one parameter ``W`` for both directions.

    Raises
    ------
    ParameterError
        The patterns do not pair.
    """
    if weights is None:
        if pairs is None:
            draw = stream(seed, "bam", "pairs")
            pairs = draw.choice([-1.0, 1.0], size=(2, first)), draw.choice([-1.0, 1.0], size=(2, second))
        matrix = outer_product_weights(*pairs)
    else:
        matrix = np.atleast_2d(np.asarray(weights, dtype=float))
    n, m = matrix.shape
    graph = SignalGraph("bam")
    graph.parameter("W", matrix)
    graph.port("I", n)
    graph.port("J", m)
    graph.state("x", n, time_constant=time_constant_first)
    graph.state("y", m, time_constant=time_constant_second)
    graph.map("phi_x", n, "tanh", gain=gain)
    graph.map("phi_y", m, "tanh", gain=gain)
    graph.port("a", n, output=True)
    graph.port("b", m, output=True)
    graph.connect("x", "phi_x")
    graph.connect("y", "phi_y")
    graph.connect("phi_y", "x", weight="W")
    graph.connect("phi_x", "y", weight="W", transpose=True)
    graph.connect("I", "x")
    graph.connect("J", "y")
    graph.connect("phi_x", "a")
    graph.connect("phi_y", "b")
    return graph


def outer_product_weights(first: Any, second: Any) -> np.ndarray:
    """Kosko's W = sum of outer products, over sqrt(first second); shape (first, second)."""
    x, y = paired(first, second)
    return x.T @ y / np.sqrt(x.shape[1] * y.shape[1])


def paired(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray]:
    """Patterns of both fields as rows, shapes (count, first) and (count, second).

    Raises
    ------
    ParameterError
        They do not pair, or are no finite rows.
    """
    x, y = (np.atleast_2d(np.asarray(patterns, dtype=float)) for patterns in (first, second))
    for name, rows in (("first", x), ("second", y)):
        if rows.ndim != 2 or rows.size == 0 or not np.isfinite(rows).all():
            raise ParameterError(f"{name} must be finite numbers of shape (count, size), not shape {rows.shape}")
    if len(x) != len(y):
        raise ParameterError(f"{len(x)} patterns of the first field and {len(y)} of the second do not pair")
    return x, y


def multiple_training_weights(first: Any, second: Any) -> np.ndarray:
    """Outer products, each with a multiplicity that makes every pair recalled from either side; (first, second).

    The multiplicities q >= 0 have the least sum with all margins at least 1: y_kj sum_i q_i (x_i.x_k) y_ij >= 1, and
    the same from the other side (Wang, Cruz & Mulligan, linear programming/multiple training).

    Raises
    ------
    ParameterError
        The patterns do not pair, or no multiplicities recall them all.
    """
    from scipy.optimize import linprog

    x, y = paired(first, second)
    count = len(x)
    margins = np.concatenate([
        np.einsum("kj,ki,ij->kji", there, here @ here.T, there).reshape(-1, count) for here, there in ((x, y), (y, x))
    ])  # fmt: skip
    scale = np.sqrt(x.shape[1] * y.shape[1])
    found = linprog(np.ones(count), A_ub=-margins / scale, b_ub=-np.ones(len(margins)), method="highs")
    if found.status != 0:
        raise ParameterError(
            f"no multiplicities make a BAM of {x.shape[1]} and {y.shape[1]} units recall all {count} pairs: store "
            "fewer, or use larger fields"
        )
    return x.T @ (found.x[:, None] * y) / scale


def energy(graph: SignalGraph, x: Any, y: Any, first: Any = 0.0, second: Any = 0.0) -> np.ndarray:
    """Energy of the graded form, a'W b subtracted from the costs of a = tanh(gain x) and b = tanh(gain y).

    Parameters
    ----------
    graph : SignalGraph
        Of `bam`.
    x, y : array_like, shapes (..., first) and (..., second)
        States.
    first, second : array_like
        Inputs I and J, default 0.
    """
    weights, gain = graph.weights()["W"], graph.nodes["phi_x"]["gain"]
    total = 0.0
    fields = [(np.tanh(gain * np.asarray(z, dtype=float)), np.asarray(i)) for z, i in ((x, first), (y, second))]
    for value, given in fields:
        up, down = 1.0 + value, 1.0 - value
        entropy = [np.where(z > 0.0, z * np.log(np.where(z > 0.0, z, 1.0)), 0.0) for z in (up, down)]
        total = total + (0.5 * (entropy[0] + entropy[1]) / gain - given * value).sum(-1)
    return total - np.einsum("...i,ij,...j->...", fields[0][0], weights, fields[1][0])


def recall(weights: np.ndarray, x: Any, *, steps: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Binary BAM: y = sgn(W'x), x = sgn(W y) until nothing changes; a unit without field keeps its value (at first 1).

    Parameters
    ----------
    weights : ndarray, shape (first, second)
    x : array_like of -1 and 1, shape (first,)
    steps : int
        Most passes there and back, default 100.

    Returns
    -------
    x : ndarray, shape (first,)
    y : ndarray, shape (second,)
        To recall from the other side, exchange them: ``y, x = recall(weights.T, y)``.
    """
    x = np.array(x, dtype=float)
    y = np.ones(weights.shape[1])
    for _ in range(steps):
        new_y = _sign(weights.T @ x, y)
        new_x = _sign(weights @ new_y, x)
        if (new_x == x).all() and (new_y == y).all():
            break
        x, y = new_x, new_y
    return x, y


def _sign(field: np.ndarray, old: np.ndarray) -> np.ndarray:
    return np.where(field != 0.0, np.sign(field), old)


architecture = Architecture(
    name="bam",
    summary="bidirectional associative memory: two fields, one weight both ways",
    source=Reference("Kosko, IEEE Trans. Syst. Man Cybern. 18, 49 (1988)", "10.1109/21.87054"),
    equations="y = sgn(W' x)\nx = sgn(W y)",
    analog="tau_x x' = -x + W phi(y) + I\ntau_y y' = -y + W' phi(x) + J",
    digital="recall(); of the graded form any rule",
    check="all stored pairs recalled from either side with flipped bits",
    cases=("bam_recall",),
    build=bam,
    example={"first": 6, "second": 4},
)
