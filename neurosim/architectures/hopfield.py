"""Hopfield network: symmetric weights, one energy, patterns as its minima.

Graded (1984), with the parameters of the circuit: amplifier input u_i with capacitance C and leak resistance R,

    C u' = -u / R + W v + I,    v = g(u),    g = tanh(gain u)
    E = -1/2 v'Wv - I'v + (1/R) sum of the integral of g^-1,    dE/dt = -C sum g'(u) u'^2 <= 0

Binary (1982): s_i = sign(sum w_ij s_j), one unit at a time: `recall`. Modern (dense associative memory): it moves
to a softmax-weighted mean of the patterns, x' = -x + X' softmax(beta X x), whose minima are exponentially many.

Sources: Hopfield, PNAS 79, 2554 (1982), doi 10.1073/pnas.79.8.2554; PNAS 81, 3088 (1984), doi 10.1073/pnas.81.10.3088;
Ramsauer et al., arXiv 2008.02217; Hebb's rule w = (1/N) sum x x' without self-coupling.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def check_patterns(patterns: Any, units: int, seed: int) -> np.ndarray:
    """Patterns of +1 and -1, shape (patterns, units); two random ones if there are none."""
    if patterns is None:
        return stream(seed, "hopfield", "patterns").choice([-1.0, 1.0], size=(2, units))
    made = np.atleast_2d(np.asarray(patterns, dtype=float))
    if made.ndim != 2 or not np.isin(made, (-1.0, 1.0)).all():
        raise ParameterError(f"patterns of shape {np.shape(patterns)} must be (patterns, units) of -1 and 1")
    return made


def hebbian_weights(patterns: Any, *, self_connections: bool = False) -> np.ndarray:
    """Sum of outer products over the number of units, with zero diagonal unless `self_connections`.

    Parameters
    ----------
    patterns : array_like, shape (patterns, units)
    self_connections : bool

    Returns
    -------
    ndarray, shape (units, units)

    Raises
    ------
    ParameterError
    """
    x = np.asarray(patterns, dtype=float)
    if x.ndim != 2 or x.size == 0 or not np.isfinite(x).all():
        raise ParameterError(f"patterns must be finite numbers of shape (count, size), not shape {x.shape}")
    weights = x.T @ x / x.shape[1]
    if not self_connections:
        np.fill_diagonal(weights, 0.0)
    return weights


def hopfield(
    patterns: Any = None, *, units: int = 32, weights: Any = None, gain: float = 4.0, resistance: float = 1.0,
    capacitance: float = 1.0, form: str = "graded", sharpness: float = 8.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a graded or modern Hopfield network.

    Parameters
    ----------
    patterns : array_like of -1 and 1, shape (patterns, units), optional
        Stored patterns; default two random ones of `units`.
    weights : array_like, shape (units, units), optional
        Symmetric weights [S] instead of Hebb's; "graded" only.
    gain : float
        Slope of the amplifier at 0 [1/V], default 4.
    resistance, capacitance : float
        R [ohm] and C [F] of each amplifier input; the time constant is R C.
    form : {"graded", "modern"}
    sharpness : float
        beta of the modern form, for patterns scaled to unit length.
    seed : int

    Returns
    -------
    SignalGraph
        Input port ``I`` (currents), state ``u``, output ``v``; parameters ``W``, or ``X`` for the modern form.

    Raises
    ------
    ParameterError
        Patterns are not of -1 and 1, or weights are not square and symmetric.
    """
    graph = SignalGraph("hopfield")
    if form == "modern":
        rows = check_patterns(patterns, units, seed)
        size = rows.shape[1]
        graph.parameter("X", rows / np.sqrt(size))
        graph.port("I", size, unit="A")
        graph.state("u", size, time_constant=resistance * capacitance)
        graph.map("match", rows.shape[0], "softmax", gain=sharpness)
        graph.port("v", size, output=True)
        graph.connect("I", "u", gain=resistance)
        graph.connect("u", "match", weight="X")
        graph.connect("match", "u", weight="X", transpose=True)
        graph.connect("u", "v", gain=float(np.sqrt(size)))
        return graph
    if form != "graded":
        raise ParameterError(f"form = {form!r} must be 'graded' or 'modern'; the binary network is recall()")
    if weights is None:
        matrix = hebbian_weights(check_patterns(patterns, units, seed))
    else:
        matrix = np.asarray(weights, dtype=float)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T, atol=1e-12):
            raise ParameterError(f"weights of shape {matrix.shape} must be square and symmetric to have an energy")
    size = matrix.shape[0]
    graph.parameter("W", matrix, unit="S")
    graph.port("I", size, unit="A")
    graph.state("u", size, time_constant=capacitance, leak=1.0 / resistance, unit="V")
    graph.map("rate", size, "tanh", gain=gain)
    graph.port("v", size, output=True, unit="V")
    graph.connect("u", "rate")
    graph.connect("rate", "u", weight="W")
    graph.connect("I", "u")
    graph.connect("rate", "v")
    return graph


def energy(graph: SignalGraph, u: Any, currents: Any = 0.0) -> np.ndarray:
    """Energy of either form at the state u, whose gradient by v is -C u' (graded), by u is -u' R C (modern).

    Graded: as above, the integral of g^-1 in closed form. Modern, with patterns X of unit length: E = |u|^2/2 -
    R I'u - log(sum exp(beta X u))/beta, whose network steps of dt = R C never raise it (Ramsauer et al., recalled).

    Parameters
    ----------
    graph : SignalGraph
        Of `hopfield`.
    u : array_like, shape (..., units)
    currents : array_like, shape (units,)
        I [A], default 0.

    Returns
    -------
    ndarray, shape (...)
    """
    u, weights = np.asarray(u, dtype=float), graph.weights()
    if "X" in weights:
        beta = graph.nodes["match"]["gain"]
        match = beta * u @ weights["X"].T
        top = match.max(axis=-1, keepdims=True)
        mean = (np.log(np.exp(match - top).sum(axis=-1)) + top[..., 0]) / beta
        return 0.5 * (u**2).sum(-1) - (graph.edges["I", "u", 0]["gain"] * np.asarray(currents) * u).sum(-1) - mean
    gain, leak = graph.nodes["rate"]["gain"], graph.nodes["u"]["leak"]
    v = np.tanh(gain * u)
    integral = 0.5 * (_entropy(1.0 + v) + _entropy(1.0 - v)) / gain
    quadratic = 0.5 * np.einsum("...i,ij,...j->...", v, weights["W"], v)
    return leak * integral.sum(-1) - quadratic - (np.asarray(currents) * v).sum(-1)


def _entropy(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0.0, x * np.log(np.where(x > 0.0, x, 1.0)), 0.0)


def recall(weights: np.ndarray, start: Any, *, sweeps: int = 100, seed: int = 0) -> np.ndarray:
    """Binary network (1982): units in random order, each s_i = sign(sum_j w_ij s_j), until none changes.

    Parameters
    ----------
    weights : ndarray, shape (units, units)
    start : array_like of -1 and 1, shape (units,)
    sweeps : int
        Most passes over all units.

    Returns
    -------
    ndarray
        The state where it stopped; a unit without field keeps its value.
    """
    draw = stream(seed, "hopfield", "order")
    s = np.array(start, dtype=float)
    field = weights @ s
    rounding = 1e-12 * np.abs(weights).sum(axis=1).max()
    for _ in range(sweeps):
        order, place = draw.permutation(s.size), 0
        before = s.copy()
        while True:
            # The next unit in the order that disagrees with its field; those in between keep their values.
            against = field[order[place:]] * s[order[place:]] < -rounding
            if not against.any():
                break
            place += int(against.argmax())
            i = order[place]
            s[i] = -s[i]
            field += 2.0 * s[i] * weights[:, i]
            place += 1
        if (s == before).all():
            break
    return s


architecture = Architecture(
    name="hopfield",
    summary="symmetric weights with an energy; binary, graded and modern (dense)",
    source=Reference("Hopfield, PNAS 81, 3088 (1984)", "10.1073/pnas.81.10.3088"),
    equations="s_i = sign(sum_j w_ij s_j), one unit at a time (1982)",
    analog="C u' = -u/R + W tanh(gain u) + I",
    digital="recall(); of the graded form any rule, energy falls at any step with a discrete gradient",
    check="retrieval breaks down near a load of 0.138; the energy never rises",
    cases=("hopfield_capacity",),
    build=hopfield,
    example={"units": 12},
)
