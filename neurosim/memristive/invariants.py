"""Exact properties of the Caravelli-Traversa-Di Ventra equation: projectors, energy, conservation law, Ising limit.

With all fixed nodes joined into one, Omega the projector on the cycle space, S the EMFs with those of the electrodes,
J the injected currents and j = Omega S + R_0 B^+ J, the equation is (polarity folded into Omega, S and J)

    standard, R_0 = R_on,  xi  = (R_off - R_on) / R_on:   w' = alpha w - (I + xi Omega W)^-1 j / beta
    flipped,  R_0 = R_off, chi = (R_off - R_on) / R_off:  x' = (I - chi Omega X)^-1 j / beta - alpha x

Source: Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017), arXiv:1608.08651; conservation: Caravelli,
arXiv:1611.02104; Lyapunov function and Ising couplings: Caravelli, Entropy 21, 789 (2019), arXiv:1712.07046, in our own
derivation, which is checked by differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.memristive.edges import CTDV

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class Ising:
    """Energy of binary states: ``x' couplings x + fields' x`` for x in {0, 1}.

    Attributes
    ----------
    couplings : ndarray, shape (m, m)
        ``-(alpha chi / 4) Omega`` in the flipped convention, with xi in the standard one.
    fields : ndarray, shape (m,)
        ``alpha / 3 - j / (2 beta)`` flipped, the negative of that standard.
    """

    couplings: np.ndarray
    fields: np.ndarray

    def energy(self, x: np.ndarray) -> float:
        """Value at binary states x, shape (m,)."""
        return float(x @ self.couplings @ x + self.fields @ x)


def projector(net: MemristiveNetwork, vector: np.ndarray | None, space: str) -> np.ndarray:
    """Omega vector, or Omega; see `MemristiveNetwork.projector`.

    Raises
    ------
    ParameterError
    """
    if space not in ("cycle", "cut"):
        raise ParameterError(f"space = {space!r} must be 'cycle' or 'cut'")
    asked = np.eye(net.size) if vector is None else np.asarray(vector, float)
    if asked.shape[:1] != (net.size,):
        raise ParameterError(f"the vector has shape {asked.shape}, but there are {net.size} edges")
    cut = net.incidence.T @ net.unit_potentials(net.incidence @ asked)
    return cut if space == "cut" else asked - cut


def _uniform(net: MemristiveNetwork, wanted: str, names: tuple[str, ...]) -> dict[str, float]:
    """The values of parameters that all edges share, in a network of the equation without additions.

    Raises
    ------
    ParameterError
        Says what differs.
    """
    groups = net.laws.groups
    if len(groups) != 1 or groups[0].device is None or groups[0].device.name != CTDV:
        other = next(("resistors" if g.device is None else f"device '{g.device.name}'") for g in groups
                     if g.device is None or g.device.name != CTDV)  # fmt: skip
        raise ParameterError(f"{wanted} is known for networks of the '{CTDV}' device alone, not with {other}")
    columns = groups[0].columns
    for name, meaning in (("window", "a window"), ("threshold", "a threshold")):
        if columns[name].any():
            raise ParameterError(f"{wanted} does not hold with {meaning}")
    for name in names:
        if (columns[name] != columns[name][0]).any():
            k = int(np.argmax(columns[name] != columns[name][0]))
            raise ParameterError(
                f"{wanted} needs one {name} for all edges, but edge {net.edge_name(k)} has {columns[name][k]:g} and "
                f"edge {net.edge_name(0)} {columns[name][0]:g}"
            )
    return {name: float(columns[name][0]) for name in (*names, "convention")}


@dataclass(frozen=True)
class EnergyForm:
    """``w' = sign (alpha w - k)`` with ``(I + strength Omega W) k = drive / beta``, and its Lyapunov function.

    Cubes and squares elementwise:

        flipped:   L = (alpha / 3) sum x^3 - (alpha chi / 4) (x^2)' Omega (x^2) - (x^2)' j / (2 beta)
        standard:  L = -(alpha / 3) sum w^3 - (alpha xi / 4) (w^2)' Omega (w^2) + (w^2)' j / (2 beta)

    It falls along trajectories inside [0, 1], and where states are held at 0. A state that is held at 1 can make it
    rise: that is a property of the clipped equation, not an error of the run.

    Attributes
    ----------
    sign : float
        1 standard, -1 flipped.
    alpha, beta, strength : float
        Strength is xi, or -chi.
    drive, polarity : ndarray, shape (m,)
        j with the polarity folded in.
    net : MemristiveNetwork
    """

    sign: float
    alpha: float
    beta: float
    strength: float
    drive: np.ndarray
    polarity: np.ndarray
    net: MemristiveNetwork

    def omega(self, vectors: np.ndarray) -> np.ndarray:
        """Omega with the polarity folded in, times vectors of shape (..., m)."""
        flat = (self.polarity * vectors).reshape(-1, self.polarity.size)
        return self.polarity * projector(self.net, flat.T, "cycle").T.reshape(vectors.shape)

    def value(self, w: np.ndarray) -> np.ndarray:
        """L at states (..., m), shape (...)."""
        squares = w * w
        quadratic = 0.25 * self.alpha * self.strength * (squares * self.omega(squares)).sum(-1)
        cubic = self.alpha / 3.0 * (squares * w).sum(-1)
        return self.sign * (squares @ self.drive / (2.0 * self.beta) - cubic - quadratic)

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """dL/dw at states (..., m)."""
        pull = self.drive / self.beta - self.alpha * (w + self.strength * self.omega(w * w))
        return self.sign * w * pull

    def rate(self, w: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """dL/dt = -w' (W + xi W Omega W) w' where `flow` is the unbounded w' at w, both (..., m); -chi if flipped."""
        moved = w * flow
        return -((flow * moved).sum(-1) + self.strength * (moved * self.omega(moved)).sum(-1))


def energy_form(net: MemristiveNetwork, wanted: str = "the energy") -> EnergyForm:
    """The Lyapunov function of a network; `wanted` names it in messages.

    Raises
    ------
    ParameterError
        Sources change in time, edges differ, or a window, threshold, resistor or other device takes part.
    """
    shared = _uniform(net, wanted, ("r_on", "r_off", "alpha", "beta", "convention"))
    if not net.sources.is_constant:
        raise ParameterError(
            f"{wanted} needs sources that are constant, but the {next(iter(net.sources.given))} changes"
        )
    flipped = shared["convention"] == 1.0
    base = shared["r_off"] if flipped else shared["r_on"]
    strength = (shared["r_off"] - shared["r_on"]) / base * (-1.0 if flipped else 1.0)
    emf, potential, inject = net.sources.split(net.sources.constant)
    pushed = net.projector(net.incidence.T @ np.where(net.is_free, 0.0, potential) + emf)
    pushed = pushed + base * (net.incidence.T @ net.unit_potentials(inject))
    polarity, sign = net.laws.polarity, -1.0 if flipped else 1.0
    return EnergyForm(sign, shared["alpha"], shared["beta"], strength, polarity * pushed, polarity, net)


def conserved(net: MemristiveNetwork, w: np.ndarray, t: float) -> np.ndarray:
    """B J q exp(-alpha t) (standard) or exp(alpha t) (flipped), q = w, scaled to beta / R_0 of the first edge.

    The charge that moves w is that through the device, so that Kirchhoff's current law, summed over time, binds the
    states around each node; with equal parameters q = w and this is the cut-space law B w(t) = exp(alpha t) B w(0).

    Raises
    ------
    ParameterError
        Decay rates differ, or a window or threshold takes part.
    """
    memristive = [g for g in net.laws.groups if g.device is not None]
    if any(g.device is not None and g.device.name != CTDV for g in memristive) or not memristive:
        raise ParameterError(f"the conservation law is known for networks of the '{CTDV}' device alone")
    scale, alphas, signs = np.zeros(net.size), [], []
    for group in memristive:
        columns = group.columns
        if columns["window"].any() or columns["threshold"].any():
            raise ParameterError("the conservation law does not hold with a window or a threshold")
        flipped = columns["convention"] == 1.0
        scale[group.edges] = columns["beta"] / np.where(flipped, columns["r_off"], columns["r_on"])
        alphas += [columns["alpha"]]
        signs += [np.where(flipped, 1.0, -1.0)]
    alpha, sign = np.concatenate(alphas), np.concatenate(signs)
    if (alpha != alpha[0]).any() or (sign != sign[0]).any():
        raise ParameterError("the conservation law needs one alpha and one convention for all edges")
    scale /= scale[memristive[0].edges[0]]
    return net.incidence @ (net.laws.polarity * scale * w) * np.exp(sign[0] * alpha[0] * t)


def conserved_nodes(net: MemristiveNetwork) -> np.ndarray:
    """Nodes at which `conserved` is constant: nothing but memristors carries charge there."""
    m, n = net.size, len(net.nodes)
    kept = net.is_free.copy()
    kept[net.open_fixed] = True
    places = np.concatenate([np.flatnonzero(net.sources.constant), net.sources.targets[:, 1]])
    kept[places[places >= m + n] - m - n] = False
    for group in net.laws.groups:
        if group.device is None:
            kept[net.tail[group.edges]] = kept[net.head[group.edges]] = False
    return kept


def ising(net: MemristiveNetwork) -> Ising:
    """Couplings and fields of the energy where all states are 0 or 1.

    Raises
    ------
    ParameterError
        As `energy_form`.
    """
    form = energy_form(net, "the Ising form")
    omega = form.polarity[:, None] * net.projector() * form.polarity
    couplings = -form.sign * 0.25 * form.alpha * form.strength * omega
    return Ising(couplings, form.sign * (-form.alpha / 3.0 + form.drive / (2.0 * form.beta)))
