"""Energies of networks, with their exact derivatives along the flow.

An energy (Lyapunov function) E(y, u) never rises along ``y' = f(y, u)`` while the inputs are held. Known here:

- the *gradient form* of `neurosim.graph.gradient_form`: Hopfield (1984), BAM, symmetric rate and membrane networks.
  In its coordinates w, dE/dt = -sum of tau k phi'(q) x'^2 (membrane), or the sum of dE/dr (phi(q - k dE/dr) - phi(q)) /
  tau (rate), each term of which is at most 0;
- the *modern* (dense) Hopfield network, ``tau u' = -u + X' softmax(beta X u) + R I``: E = |u|^2/2 - R I'u -
  log(sum exp(beta X u)) / beta, tau u' = -dE/du, so dE/dt = -tau |u'|^2.

Sources: Hopfield, PNAS 81, 3088 (1984), doi 10.1073/pnas.81.10.3088; Ramsauer et al., arXiv 2008.02217.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.delays import delays_refused
from neurosim.graph.gradient_form import GradientForm, gradient_form
from neurosim.graph.program import Program

OfState = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class EnergyFunction:
    """An energy of states y, shape (..., n), and held inputs u, shape (..., m).

    Attributes
    ----------
    formula : str
    value : callable
        E, shape (...).
    gradient : callable
        dE/dy, shape (..., n).
    rate : callable
        dE/dt in closed form, shape (...): the gradient times the flow must equal it.
    """

    formula: str
    value: OfState
    gradient: OfState
    rate: OfState


def energy_function(program: Program, *, symmetric_part: bool = False) -> EnergyFunction:
    """The energy that a network descends.

    Parameters
    ----------
    program : Program
    symmetric_part : bool
        Take the symmetric part of the weights where they are not symmetric: then nothing says that it falls, which is
        what such a network can be tested for.

    Raises
    ------
    ParameterError
        No energy is known; the message names the node, edge or property at fault.
    """
    if program.delays:
        raise ParameterError(delays_refused(program.graph.title, program.delays))
    softmax = [n for n in program.graph.of_kind("map") if program.graph.nodes[n]["function"] == "softmax"]
    if len(softmax) == 1 and len(program.states.slices) == 1:
        return _modern(program, softmax[0])
    return _of_gradient_form(gradient_form(program, symmetric_part=symmetric_part))


def _of_gradient_form(form: GradientForm) -> EnergyFunction:
    program = form.program
    tau = program.time_constant

    def forces(y: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arguments q of the activation functions, and dE/dw."""
        q = form.argument(y)
        w = form.value(q) * form.scale
        b = form.bias(np.atleast_2d(u)).reshape(*np.shape(u)[:-1], y.shape[-1])
        return q, form.curvature * q - w @ form.weights - b

    def gradient(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        q, force = forces(y, u)
        return force if form.is_rate else form.gain * form.slope(q) * force

    def rate(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        if form.is_rate:
            q, force = forces(y, u)
            return (force * (form.value(q - form.gain * force) - form.value(q)) / tau).sum(-1)
        slope = form.slope(form.argument(y))
        return -(form.gain * slope * tau * program.flow(y, u) ** 2).sum(-1)

    formula = (
        "E = -r.W r/2 - b.r + sum of the integrals of phi^-1(leak r)/k dr"
        if form.is_rate
        else "E = -v.W v/2 - b.v + sum of leak times the integral of x dv"
    )
    return EnergyFunction(formula, form.energy, gradient, rate)


def _modern(program: Program, match: str) -> EnergyFunction:
    graph, (state, part) = program.graph, next(iter(program.states.slices.items()))
    into = [(a, d) for a, _, d in graph.in_edges(match, data=True)]
    back = [d for a, _, d in graph.in_edges(state, data=True) if a == match]
    fits = (
        len(into) == len(back) == 1 and into[0][0] == state and into[0][1]["weight"] is not None
        and into[0][1]["weight"] == back[0]["weight"] and into[0][1]["transpose"] != back[0]["transpose"]
        and program.is_clocked.sum() == 0 and bool((program.leak == 1.0).all())
    )  # fmt: skip
    if not fits:
        raise ParameterError(
            f"graph '{graph.title}' has no known energy: softmax map '{match}' must take X {state} and give back its "
            "product with the transpose of X, to a state with leak 1"
        )
    name = str(into[0][1]["weight"])
    # Rows of X are patterns; what the state gets is a mean of them, scaled by the gains of both edges.
    rows = program.p[program.parameters.slices[name]].reshape(program.parameters.shapes[name])
    rows = rows.T if into[0][1]["transpose"] else rows
    sharpness = graph.nodes[match]["gain"] * into[0][1]["gain"]
    back_gain = float(back[0]["gain"])
    zero = np.zeros(part.stop - part.start)

    def bias(u: np.ndarray) -> np.ndarray:
        # With the state at 0 the drive is the input's and that of an even mean, which is known.
        return program.drive(np.broadcast_to(zero, (*u.shape[:-1], zero.size)), u) - back_gain * rows.mean(0)

    def value(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        score = sharpness * y @ rows.T
        top = score.max(-1, keepdims=True)
        free = (np.log(np.exp(score - top).sum(-1)) + top[..., 0]) / sharpness
        return 0.5 * (y * y).sum(-1) - (bias(u) * y).sum(-1) - back_gain * free

    def gradient(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        return y - program.drive(y, u)

    def rate(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        return -(program.time_constant * program.flow(y, u) ** 2).sum(-1)

    return EnergyFunction("E = |u|^2/2 - b.u - log(sum exp(beta X u))/beta", value, gradient, rate)
