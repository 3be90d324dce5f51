"""How fast neighbouring runs come together at least: the logarithmic norm (matrix measure) of the Jacobian.

``mu(J) = lim (|I + h J| - 1) / h``: the largest eigenvalue of (J + J')/2 for the Euclidean norm, the largest of
``J_ii + sum |J_ij|`` over rows (maximum norm) or columns (sum norm). Where mu <= -c on a convex region that runs do not
leave, any two of them come together at least as e^(-c t). Weights w turn the norms into those of ``w x``.

Source: W. A. Coppel, Stability and Asymptotic Behavior of Differential Equations (Heath 1965) (recalled); W. Lohmiller,
J.-J. E. Slotine, Automatica 34, 683 (1998), doi:10.1016/S0005-1098(98)00019-3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.tangent_flow import TangentFlow
from neurosim.digital.certificates import flow_contraction
from neurosim.digital.network import DigitalNetwork
from neurosim.digital.rules import rules
from neurosim.errors import ParameterError
from neurosim.graph.assembly import GraphAssembly
from neurosim.randomness import stream
from neurosim.solve.asked import checked_span
from neurosim.solve.dynamics import Dynamics, dynamics

NORMS = ("2", "inf", "1")
POINTS, TRIES = 400, 2000
"""Points of a trajectory, and random points of a region."""


@dataclass(frozen=True)
class ContractionRate(Drawable):
    """What `contraction_rate` finds.

    Attributes
    ----------
    title : str
    norm : str
    weights : ndarray, shape (d,)
        Of the states in the norm.
    rate : float
        Minus the largest logarithmic norm found [1/s]; positive where all points contract.
    mean_rate : float
        Minus its mean [1/s]: along a run, the run itself attracts its neighbours where this is positive.
    worst : ndarray, shape (n,)
        The state where it was largest.
    measures : ndarray, shape (points,)
        Logarithmic norms [1/s].
    times : ndarray, shape (points,)
        Of the measures [s]; empty for points of a region.
    proven : float
        A rate that holds at all states and inputs [1/s], from bounds of the slopes; NaN where none is known.
    """

    drawn_by = "contraction_rate:contraction_rate"

    title: str
    norm: str
    weights: np.ndarray
    rate: float
    mean_rate: float
    worst: np.ndarray
    measures: np.ndarray
    times: np.ndarray
    proven: float

    def __str__(self) -> str:
        proven = f"; proven everywhere: {self.proven:.5g}/s" if np.isfinite(self.proven) else ""
        return (
            f"{self.title}: contraction rate {self.rate:.5g}/s in the {self.norm} norm at the worst of "
            f"{self.measures.size} points, {self.mean_rate:.5g}/s in the mean{proven}"
        )


def logarithmic_norm(matrix: np.ndarray, norm: str = "2", weights: np.ndarray | None = None) -> float:
    """Logarithmic norm of a matrix.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    norm : {"2", "inf", "1"}
    weights : ndarray, shape (n,), optional
        Positive; the norm of x is that of ``weights * x``.

    Raises
    ------
    ParameterError
    """
    if norm not in NORMS:
        raise ParameterError(f"norm = {norm!r} must be one of {', '.join(NORMS)}")
    J = np.asarray(matrix, float)
    if weights is not None:
        J = J * weights[:, None] / weights
    if norm == "2":
        return float(np.linalg.eigvalsh(0.5 * (J + J.T))[-1])
    diagonal = np.diag(J)
    return float((diagonal + np.abs(J).sum(axis=1 if norm == "inf" else 0) - np.abs(diagonal)).max())


def contraction_rate(
    what: Any, t_span: tuple[float, float] | None = None, *, region: Mapping[str, tuple[float, float]] | None = None,
    norm: str = "2", weights: Any = None, drive: Any = None, initial: Any = None, seed: int = 0,
) -> ContractionRate:  # fmt: skip
    """Rate at which neighbouring runs of a flow come together, along a run or in a region.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
        With a mass matrix that is diagonal and not singular.
    t_span : (float, float), optional
        Along the run over this time [s].
    region : mapping of str to (float, float), optional
        In the box of these bounds of unknowns by address, or of nodes of a graph; others stay at their initial values.
        2000 random points and all its corners (up to 2^10) are tried: what is found is no proof.
    norm : {"2", "inf", "1"}
    weights : array_like, shape (d,) or "best", optional
        Positive weights of the flowing states; ``"best"``: the Perron vector of the mean comparison matrix, which is
        best for the maximum norm of a constant matrix.
    drive, initial
        As of `neurosim.lyapunov_spectrum`.
    seed : int
        Of the random points.

    Raises
    ------
    ParameterError
        Neither run nor region; a singular mass matrix; an unknown norm.
    """
    if (t_span is None) == (region is None):
        raise ParameterError("give t_span= for a run, or region= for a box")
    if norm not in NORMS:
        raise ParameterError(f"norm = {norm!r} must be one of {', '.join(NORMS)}")
    model = dynamics(what, drive=drive, stop=t_span[1] if t_span else None)
    if initial is not None:
        model = model.with_start(initial)
    mass = model.mass.toarray()
    diagonal = np.diag(mass)
    if not diagonal.all() or (mass != np.diag(diagonal)).any():
        raise ParameterError(f"'{model.title}' has a mass matrix that is singular or not diagonal: it has no Jacobian")
    flows = np.flatnonzero(model.flows)
    times, points = _run(model, t_span) if t_span else _box(model, region or {}, seed)
    matrices, free = [], []
    for t, y in zip(times, points, strict=True):
        # What is held at a bound does not move, and neither does a neighbour that gets there.
        moves = ~model.at_bounds(y, model.flow(t, y))
        J = model.jacobian(t, y).toarray() / diagonal[:, None] * np.outer(moves, moves)
        matrices.append(J[np.ix_(flows, flows)])
        free.append(moves[flows])
    chosen = _weights(weights, matrices, norm)
    measures = np.array([
        logarithmic_norm(J[np.ix_(moves, moves)], norm, chosen[moves]) if moves.any() else -np.inf
        for J, moves in zip(matrices, free, strict=True)
    ])  # fmt: skip
    worst = int(np.argmax(measures))
    proven = np.nan
    if isinstance(model.assembly, GraphAssembly) and not model.assembly.program.is_clocked.any():
        program = model.assembly.program
        proven = flow_contraction(DigitalNetwork(program, rules.get("forward_euler"), 1.0)).value
    return ContractionRate(
        model.title, norm, chosen, -float(measures[worst]), -float(measures.mean()), points[worst], measures,
        times if t_span else np.empty(0), proven,
    )  # fmt: skip


def _run(model: Dynamics, t_span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    start, stop = checked_span(t_span)
    space = TangentFlow(model, 1, "auto", 0)
    space.new_frame(0)
    space.begin(None, stop, start)
    length = (stop - space.time) / POINTS
    times, points = [space.time], [space.point]
    for _ in range(POINTS):
        space.settle(length)
        times.append(space.time)
        points.append(space.point)
    return np.array(times), np.array(points)


def _box(model: Dynamics, region: Mapping[str, tuple[float, float]], seed: int) -> tuple[np.ndarray, np.ndarray]:
    low, high = model.start.copy(), model.start.copy()
    moved: list[int] = []
    for address, (first, last) in region.items():
        places = [i for i, name in enumerate(model.names) if name == address or name.startswith(f"{address}[")]
        for i in places or [model.index(address)]:
            if not (np.isfinite(first) and np.isfinite(last) and first < last):
                raise ParameterError(f"region of '{address}' is ({first:g}, {last:g}); it must be (low, high)")
            low[i], high[i] = first, last
            moved.append(i)
    share = stream(seed, "contraction region").random((TRIES, model.size))
    points = low + share * (high - low)
    if len(moved) <= 10:
        corners = np.array(np.meshgrid(*[[0.0, 1.0]] * len(moved))).reshape(len(moved), -1).T
        at = np.tile(low, (len(corners), 1))
        at[:, moved] += corners * (high - low)[moved]
        points = np.concatenate([points, at])
    return np.zeros(len(points)), points


def _weights(asked: Any, matrices: list[np.ndarray], norm: str) -> np.ndarray:
    n = len(matrices[0])
    if asked is None:
        return np.ones(n)
    if isinstance(asked, str):
        if asked != "best":
            raise ParameterError(f"weights = {asked!r} must be 'best' or numbers")
        comparison = np.mean([np.abs(J) - np.diag(np.abs(np.diag(J)) - np.diag(J)) for J in matrices], axis=0)
        # A small connection everywhere makes the vector positive.
        comparison = comparison + 1e-9 * np.abs(comparison).max()
        right, left = _perron(comparison), _perron(comparison.T)
        return 1.0 / right if norm == "inf" else left if norm == "1" else np.sqrt(left / right)
    weights = np.asarray(asked, float)
    if weights.shape != (n,) or not (weights > 0.0).all():
        raise ParameterError(f"weights need {n} positive numbers, not shape {weights.shape}")
    return weights


def _perron(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(matrix)
    return np.abs(np.real(vectors[:, np.argmax(np.real(values))]))
