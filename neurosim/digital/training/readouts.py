"""Linear readouts: ridge and logistic regression on a whole run, recursive least squares along one.

Sources: ridge regression, Hoerl & Kennard, Technometrics 12, 55 (1970), doi 10.1080/00401706.1970.10488634;
generalised cross-validation, Golub, Heath & Wahba, Technometrics 21, 215 (1979), doi 10.1080/00401706.1979.10489751.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.weights import graph_of
from neurosim.errors import ParameterError, RankDeficientWarning
from neurosim.graph.signal_graph import SignalGraph


@dataclass(frozen=True)
class Readout:
    """``y = weights x + intercept``.

    Attributes
    ----------
    weights : ndarray, shape (outputs, features)
    intercept : ndarray, shape (outputs,)
    regularisation : float
        That was used.
    cross_validation : float
        Generalised cross-validation error, summed over the outputs.
    """

    weights: np.ndarray
    intercept: np.ndarray
    regularisation: float
    cross_validation: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Outputs (..., outputs) of features (..., features)."""
        return features @ self.weights.T + self.intercept


def ridge(
    features: np.ndarray, targets: np.ndarray, regularisation: float | str = "gcv", *, intercept: bool = True
) -> Readout:  # fmt: skip
    """Minimise |features W' + c - targets|^2 + regularisation |W|^2; the intercept c is not penalised.

    Parameters
    ----------
    features : ndarray, shape (..., n)
        The leading axes are rows of the problem.
    targets : ndarray, shape (..., k)
    regularisation : float or "gcv"
        "gcv" takes the one with the least generalised cross-validation error, of 65 from 1e-14 to 100 times the
        largest squared singular value.
    intercept : bool

    Raises
    ------
    ParameterError
        Shapes differ, or a value is not finite.

    Warns
    -----
    RankDeficientWarning
        All features are constant, or without regularisation their rank is below their number: the solution of least
        norm is taken.
    """
    x = np.asarray(features, dtype=float)
    y = np.asarray(targets, dtype=float)
    if x.ndim < 2 or x.shape[:-1] != y.shape[:-1] or x.size == 0:
        raise ParameterError(f"features {x.shape} and targets {y.shape} must agree in all axes but the last")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ParameterError("features and targets must be finite")
    x, y = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    rows = len(x)
    centre, level = (x.mean(0), y.mean(0)) if intercept else (np.zeros(x.shape[1]), np.zeros(y.shape[1]))
    u, s, vt = np.linalg.svd(x - centre, full_matrices=False)
    y = y - level
    projected = u.T @ y
    outside = float((y**2).sum() - (projected**2).sum())

    def score(penalty: float) -> float:
        left = penalty / (s**2 + penalty) if penalty else np.where(s > _rank_bound(s, rows), 0.0, 1.0)
        freedom = rows - len(s) + left.sum() - intercept
        if freedom <= 1e-9 * rows:
            return np.inf
        return float(max(outside, 0.0) + ((left[:, None] * projected) ** 2).sum()) * rows / freedom**2

    if regularisation == "gcv":
        penalties = s[0] ** 2 * np.logspace(-14, 2, 65) if s[0] > 0.0 else np.ones(1)
        chosen = float(min(penalties, key=score))
    elif isinstance(regularisation, str) or not (regularisation >= 0.0 and np.isfinite(regularisation)):
        raise ParameterError(f"regularisation = {regularisation!r} must be 'gcv' or a number of zero or more")
    else:
        chosen = float(regularisation)
    if s[0] == 0.0:
        warnings.warn(
            f"readout: all {x.shape[1]} features are constant over {rows} rows, so it gives the mean of the targets; "
            "check that the input reaches the network (input scaling, thresholds, no spikes) and that the washout is "
            "short enough",
            RankDeficientWarning, stacklevel=2,
        )  # fmt: skip
    if chosen:
        factor = s / (s**2 + chosen)
    else:
        _warn_of_rank(s, rows, x.shape[1])
        factor = np.divide(1.0, s, out=np.zeros_like(s), where=s > _rank_bound(s, rows))
    weights = (vt.T @ (factor[:, None] * projected)).T
    return Readout(weights, level - weights @ centre, chosen, score(chosen))


def logistic(features: np.ndarray, classes: np.ndarray, regularisation: float = 1.0) -> Readout:
    """One logistic regression for each class against all others; an output above 0 says that it is the class.

    Minimises ``sum log(1 + exp(-+ y)) + regularisation |W|^2 / 2`` by L-BFGS; the intercept is not penalised. Features
    are scaled by their standard deviations meanwhile.

    Parameters
    ----------
    features : ndarray, shape (rows, n)
    classes : ndarray of bool, shape (rows, k)
    regularisation : float
        Positive, default 1.

    Raises
    ------
    ParameterError
        Shapes differ, a value is not finite, or a class has no rows or all.
    """
    from scipy.optimize import minimize

    x, is_class = np.asarray(features, dtype=float), np.asarray(classes, dtype=bool)
    if x.ndim != 2 or is_class.ndim != 2 or len(x) != len(is_class) or x.size == 0:
        raise ParameterError(f"features {x.shape} and classes {is_class.shape} must be (rows, n) and (rows, k)")
    if not np.isfinite(x).all():
        raise ParameterError("features must be finite")
    if not (regularisation > 0.0 and np.isfinite(regularisation)):
        raise ParameterError(f"regularisation = {regularisation!r} must be positive and finite")
    for k in range(is_class.shape[1]):
        if is_class[:, k].all() or not is_class[:, k].any():
            raise ParameterError(f"class {k} has {is_class[:, k].sum()} of {len(x)} rows: none tells it apart")
    centre, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 0.0, scale, 1.0)
    scaled = np.column_stack([(x - centre) / scale, np.ones(len(x))])
    sign = np.where(is_class, 1.0, -1.0)
    shape = (is_class.shape[1], scaled.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(shape)
        margin = sign * (scaled @ w.T)
        penalised = regularisation * np.column_stack([w[:, :-1], np.zeros(len(w))])
        small = np.exp(-np.abs(margin))
        slope = -sign * np.where(margin > 0.0, small, 1.0) / (1.0 + small)
        value = (np.log1p(small) - np.minimum(margin, 0.0)).sum() + 0.5 * (penalised * w).sum()
        return float(value), (slope.T @ scaled + penalised).ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    w = found.reshape(shape)
    weights = w[:, :-1] / scale
    return Readout(weights, w[:, -1] - weights @ centre, float(regularisation), np.nan)


def _warn_of_rank(s: np.ndarray, rows: int, features: int) -> None:
    rank = int((s > _rank_bound(s, rows)).sum())
    if 0 < rank < features:
        warnings.warn(
            f"readout: {features} features over {rows} rows have rank {rank} and no regularisation, so the weights are "
            f"not determined and the ones of least norm are taken; give regularisation='gcv', or a number such as "
            f"{1e-10 * s[0] ** 2:.1g}, more rows, or fewer units",
            RankDeficientWarning, stacklevel=3,
        )  # fmt: skip


def _rank_bound(s: np.ndarray, rows: int) -> float:
    return float(s[0]) * max(rows, s.size) * np.finfo(float).eps


def fit_readout(
    network: DigitalNetwork | SignalGraph, inputs: Any, targets: Any, *, weights: str | Sequence[str],
    bias: str | None = None, regularisation: float | str = "gcv", washout: int = 0, y0: Any = None,
) -> tuple[SignalGraph, Readout]:  # fmt: skip
    """Run a network and write the ridge solution into the weights of its readout.

    Parameters
    ----------
    network : DigitalNetwork or SignalGraph
    inputs : array_like
        As of `DigitalNetwork.sequence`.
    targets : array_like, shape (steps, samples, outputs) or (steps, outputs)
        For the node that the weights lead to.
    weights : str or sequence of str
        Parameters on edges that lead to one node, an output port or an identity map.
    bias : str, optional
        Parameter of this node that takes the intercept; default: no intercept.
    regularisation : float or "gcv"
    washout : int
        First steps that do not count.
    y0 : array_like, optional
        Initial states.

    Returns
    -------
    graph : SignalGraph
        Flat, with the new weights.
    readout : Readout

    Raises
    ------
    ParameterError
        A parameter is not a plain readout weight; the message names it.
    """
    net = digital(network) if isinstance(network, SignalGraph) else network
    plan = readout_plan(net, weights, bias)
    features = plan.features(inputs, y0)
    wanted = plan.wanted(targets, features, washout)
    readout = ridge(features[washout:], wanted[washout:], regularisation, intercept=bias is not None)
    return plan.graph.with_weights(plan.values(readout.weights, readout.intercept)), readout


@dataclass(frozen=True)
class ReadoutPlan:
    """Where the weights of a readout are and what they see.

    Attributes
    ----------
    graph : SignalGraph
        Flat.
    names : list of str
        Of the weights.
    bias : str or None
    outputs : int
    measured : DigitalNetwork
        Network whose output ports are features, in the order of the weights.
    """

    graph: SignalGraph
    names: list[str]
    bias: str | None
    outputs: int
    measured: DigitalNetwork

    def parts(self) -> list[slice]:
        """Places of the features of each weight among the outputs of `measured`."""
        return [self.measured.program.outputs.slices[f"readout {number}"] for number in range(len(self.names))]

    def features(self, inputs: Any, y0: Any = None) -> np.ndarray:
        """Shape (steps, samples, features) over a run."""
        run = self.measured.sequence(inputs, y0, record=False)
        return np.concatenate([run.outputs[..., part] for part in self.parts()], axis=-1)

    def wanted(self, targets: Any, features: np.ndarray, washout: int) -> np.ndarray:
        """Targets of shape (steps, samples, outputs).

        Raises
        ------
        ParameterError
            They do not fit the features, or nothing is left after the washout.
        """
        wanted = np.asarray(targets, dtype=float)
        wanted = wanted[:, None] if wanted.ndim == 2 else wanted
        if wanted.shape[:2] != features.shape[:2] or wanted.ndim != 3 or wanted.shape[2] != self.outputs:
            raise ParameterError(f"targets have shape {wanted.shape}; needed is {(*features.shape[:2], self.outputs)}")
        if not 0 <= washout < len(features):
            raise ParameterError(f"washout = {washout} must be from 0 to {len(features) - 1}")
        return wanted

    def values(self, weights: np.ndarray, intercept: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters by name from weights (outputs, features) and intercept (outputs,)."""
        values, at = {}, 0
        for name, part in zip(self.names, self.parts(), strict=True):
            size = part.stop - part.start
            values[name] = weights[:, at : at + size].reshape(self.graph.parameters[name].value.shape)
            at += size
        if self.bias is not None:
            values[self.bias] = intercept.reshape(self.graph.parameters[self.bias].value.shape)
        return values


def readout_plan(net: DigitalNetwork, weights: str | Sequence[str], bias: str | None) -> ReadoutPlan:
    """Find what the weights of a readout see.

    Raises
    ------
    ParameterError
        A parameter is not a plain readout weight; the message names it.
    """
    names = [weights] if isinstance(weights, str) else list(weights)
    graph = graph_of(net)
    edges = [_readout_edge(graph, name) for name in names]
    target = edges[0][1]
    node = graph.nodes[target]
    is_identity = node["kind"] == "map" and node["function"] == "identity" and node["gain"] == 1.0
    if not (node["kind"] == "port" or is_identity) or any(end != target for _, end in edges):
        raise ParameterError(f"the weights {', '.join(names)} must lead to one output port or identity map")
    others = [a for a, _, d in graph.in_edges(target, data=True) if d["weight"] not in names]
    if others or (bias is None and node["bias"] is not None) or (bias is not None and node["bias"] != bias):
        what = f"edges from {', '.join(others)}" if others else f"bias {node['bias']}"
        raise ParameterError(f"node '{target}' has {what} beside the weights {', '.join(names)}: name them all")
    probe = graph.copy()
    for number, (source, _) in enumerate(edges):
        probe.port(f"readout {number}", graph.nodes[source]["shape"], output=True)
        probe.connect(source, f"readout {number}")
    return ReadoutPlan(graph, names, bias, graph.size_of(target), digital(probe, net.rule, net.dt))


def _readout_edge(graph: SignalGraph, name: str) -> tuple[str, str]:
    """Source and target of the only edge with a weight, which must be plain."""
    found = [(str(a), str(b), d) for a, b, d in graph.edges(data=True) if d["weight"] == name]
    if len(found) != 1:
        raise ParameterError(f"weight '{name}' is on {len(found)} edges; a readout weight is on one")
    a, b, data = found[0]
    value = graph.parameters[name].value
    if data["transpose"] or data["gain"] != 1.0 or data["source_part"] or data["target_part"] or data["delay"]:
        raise ParameterError(f"edge '{a}' -> '{b}': a readout needs an edge without transpose, gain, parts, or delay")
    if hasattr(value, "tocsr") or value.ndim != 2:
        raise ParameterError(f"weight '{name}' has shape {value.shape}; a readout needs a dense matrix")
    return a, b


class RecursiveLeastSquares:
    """Least squares that take one step at a time and forget the past by a factor.

    Minimises sum_t forgetting^(T-t) |y_t - W x_t|^2 + forgetting^T regularisation |W|^2.

    Source: Haykin, Adaptive Filter Theory, chapter on recursive least squares (recalled); as online readout training:
    Jaeger & Haas, Science 304, 78 (2004), doi 10.1126/science.1091277.

    Parameters
    ----------
    features, outputs : int
    forgetting : float
        Above 0 to 1, default 1.
    regularisation : float
        Default 1.
    weights : ndarray, shape (outputs, features), optional
        To start from; default 0. The penalty is then on the difference from these.

    Attributes
    ----------
    weights : ndarray, shape (outputs, features)
    inverse : ndarray, shape (features, features)
        Of the weighted correlation matrix.
    """

    def __init__(
        self, features: int, outputs: int, *, forgetting: float = 1.0, regularisation: float = 1.0,
        weights: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        if not (0.0 < forgetting <= 1.0 and regularisation > 0.0):
            raise ParameterError(f"forgetting = {forgetting} must be in (0, 1], regularisation = {regularisation} > 0")
        self.forgetting = forgetting
        self.weights = np.zeros((outputs, features)) if weights is None else np.array(weights, dtype=float)
        if self.weights.shape != (outputs, features):
            raise ParameterError(f"weights have shape {self.weights.shape}, not {(outputs, features)}")
        self.inverse = np.eye(features) / regularisation

    def update(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Take in features (features,) and target (outputs,); gives the error before, target - W x."""
        error = np.asarray(target, dtype=float) - self.weights @ x
        px = self.inverse @ x
        gain = px / (self.forgetting + x @ px)
        self.weights += np.outer(error, gain)
        inverse = (self.inverse - np.outer(gain, px)) / self.forgetting
        self.inverse = 0.5 * (inverse + inverse.T)
        return error

    def into(self, graph: SignalGraph, weight: str, bias: str | None = None) -> SignalGraph:
        """Copy of a graph with these weights; with `bias`, the last feature is the constant 1.

        Raises
        ------
        ParameterError, UnknownNameError
        """
        if bias is None:
            return graph.with_weights({weight: self.weights})
        return graph.with_weights({weight: self.weights[:, :-1], bias: self.weights[:, -1]})
