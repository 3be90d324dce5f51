"""What can be said of a network without running it: contraction, echo states, the largest safe leak.

With L a bound of the drive's derivative (`neurosim.digital.slope_bounds`), a step is a contraction with factor q if the
bound of its derivative has norm q < 1: then all runs with the same inputs meet, the fixed point is unique and the same
for flow and map, and the network has the echo state property (Jaeger 2001). Two norms are tried and the smaller factor
is given: the Euclidean one, and the maximum norm with the best weights of the units, in which the factor is the
spectral radius of the matrix of bounds.

The safe leak of a symmetric net was derived for this package from strong convexity; with the leak a = 1 it is the
condition of Marcus & Westervelt, Phys. Rev. A 40, 501 (1989), doi 10.1103/PhysRevA.40.501.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.digital.slope_bounds import SlopeBounds, slope_bounds
from neurosim.errors import ParameterError
from neurosim.graph.gradient_form import gradient_form

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork

AT_REST = 1e-12
"""Largest drive at zero states and inputs for which zero counts as an equilibrium."""


@dataclass(frozen=True)
class Certificate:
    """One statement on a network.

    Attributes
    ----------
    name : str
    value : float
        The number behind it, nan if there is none.
    statement : str
    holds : bool or None
        None where it could be neither shown nor refuted.
    """

    name: str
    value: float
    statement: str
    holds: bool | None


def certificates(network: DigitalNetwork) -> list[Certificate]:
    """All certificates of a network under its rule and step.

    Parameters
    ----------
    network : DigitalNetwork

    Returns
    -------
    list of Certificate
        Contraction of a step, contraction of the flow (if every state flows), echo state property, response to errors
        of the drive, safe leak.
    """
    bounds = slope_bounds(network.program)
    step = contraction(network, bounds)
    made = [step]
    if not network.program.is_clocked.any():
        made.append(flow_contraction(network, bounds))
    made += [echo_state(network, step), drive_error(network, step, bounds), safe_leak(network)]
    return made


def contraction(network: DigitalNetwork, bounds: SlopeBounds | None = None) -> Certificate:
    """Bound of the factor by which a step brings two states nearer, for any inputs; explicit rules only."""
    name = "contraction of a step"
    if network.rule.coefficients is None:
        return Certificate(name, np.nan, f"not certified: no bound is known for rule '{network.rule.name}'", None)
    euclidean, weighted = _step_factors(network, bounds or slope_bounds(network.program))
    q, norm = min((euclidean, "Euclidean norm"), (weighted, "weighted maximum norm"))
    if q < 1.0:
        return Certificate(name, q, f"two runs come nearer by q = {q:.6g} or less in each step ({norm})", True)
    if np.isinf(q):
        return Certificate(name, q, "not certified: the drive has no bounded slope", None)
    return Certificate(name, q, f"not certified: the bound of the factor is q = {q:.6g} ({norm}), not below 1", None)


def _step_factors(network: DigitalNetwork, bounds: SlopeBounds) -> tuple[float, float]:
    mix = np.abs(network.coefficients())
    blocks = list(network.program.states.slices.values())
    by_block = np.array([mix[..., part].max(axis=-1) for part in blocks])
    return (
        _factor(by_block.transpose(1, 2, 0), bounds.norms, lambda matrix: float(np.linalg.norm(matrix, 2))),
        _factor(mix, bounds.entries, spectral_radius),
    )


def _factor(mix: np.ndarray, slopes: np.ndarray, norm: Callable[[np.ndarray], float]) -> float:
    """Norm of the bound of a step's derivative, stage after stage."""
    if not np.isfinite(slopes).all():
        return np.inf
    reached = [np.eye(len(slopes))]
    for row in mix[1:]:
        made = np.diag(row[0])
        for weight, before in zip(row[1:], reached, strict=False):
            made = made + weight[:, None] * (slopes @ before)
        reached.append(made)
    return norm(reached[-1])


def spectral_radius(matrix: np.ndarray) -> float:
    """Largest absolute value of an eigenvalue."""
    return float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))


def flow_contraction(network: DigitalNetwork, bounds: SlopeBounds | None = None) -> Certificate:
    """Rate at which two runs of the flow come nearer: minus a bound of its logarithmic norm [1/s]."""
    program = network.program
    bounds = bounds or slope_bounds(program)
    name = "contraction of the flow"
    rates = []
    blocks = list(program.states.slices.values())
    if np.isfinite(bounds.entries).all():
        comparison = bounds.entries / program.time_constant[:, None] - np.diag(program.leak / program.time_constant)
        rates.append(-float(np.linalg.eigvals(comparison).real.max()))
    if np.isfinite(bounds.norms).all():
        fastest = np.array([1.0 / program.time_constant[part].min() for part in blocks])
        slowest = np.array([(program.leak / program.time_constant)[part].min() for part in blocks])
        matrix = bounds.norms * fastest[:, None] - np.diag(slowest)
        rates.append(-float(np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).max()))
    if not rates:
        return Certificate(name, np.nan, "not certified: the drive has no bounded slope", None)
    rate = max(rates)
    if rate > 0.0:
        response = 1.0 / (rate * program.time_constant.min())
        return Certificate(
            name, rate, f"two runs come nearer at a rate of {rate:.6g}/s or more; an error of the drive of eps moves "
            f"the states by at most {response:.6g} eps, for ever", True,
        )  # fmt: skip
    return Certificate(name, rate, f"not certified: the bound of the rate is {rate:.6g}/s, not positive", None)


def echo_state(network: DigitalNetwork, step: Certificate | None = None) -> Certificate:
    """Echo state property: contraction is sufficient; a spectral radius at rest of 1 or less is necessary."""
    name = "echo state property"
    step = step or contraction(network)
    program = network.program
    if step.holds:
        return Certificate(name, step.value, "holds, because each step contracts", True)
    origin, silence = np.zeros(program.states.size), np.zeros(program.inputs.size)
    if network.rule.coefficients is None or np.abs(program.drive(origin, silence)).max(initial=0.0) > AT_REST:
        return Certificate(name, np.nan, "not certified; and zero is no equilibrium that could be tested", None)
    jacobian = program.jacobian(origin, silence)[0]
    radius = _factor(network.coefficients(), jacobian, spectral_radius)
    if radius > 1.0:
        text = f"fails with zero input: rest is unstable, its spectral radius is {radius:.6g}"
        return Certificate(name, radius, text, False)
    text = f"neither shown nor refuted: the spectral radius at rest is {radius:.6g}, and 1 or less is necessary only"
    return Certificate(name, radius, text, None)


def drive_error(
    network: DigitalNetwork, step: Certificate | None = None, bounds: SlopeBounds | None = None
) -> Certificate:
    """How far a bounded error of the drive can move the states: b / (1 - q)."""
    name = "response to errors of the drive"
    step = step or contraction(network, bounds)
    if not step.holds:
        return Certificate(name, np.nan, "no bound for all times: the step is not certified to contract", None)
    mix = np.abs(network.coefficients())
    if len(mix) == 2:
        gain = float(mix[1, 1].max()) / (1.0 - step.value)
        return Certificate(
            name, gain, f"an error of the drive of eps moves the states by at most {gain:.6g} eps (norm as above)", True
        )
    bounds = bounds or slope_bounds(network.program)
    q = _step_factors(network, bounds)[0]
    if q >= 1.0:
        return Certificate(name, np.nan, "no bound: the step contracts in the weighted maximum norm only", None)
    slope = float(np.linalg.norm(bounds.norms, 2))
    reached = [0.0]
    for row in mix[1:]:
        sums = [float(weight.max()) * (1.0 + slope * r) for weight, r in zip(row[1:], reached, strict=False)]
        reached.append(sum(sums))
    gain = reached[-1] / (1.0 - q)
    return Certificate(
        name, gain, f"an error of the drive of eps moves the states by at most {gain:.6g} eps (Euclidean norm)", True
    )


def safe_leak(network: DigitalNetwork) -> Certificate:
    """Largest leak for which the energy of a symmetric net cannot rise: a < 2/(leak + g |lambda_min|), a leak <= 1."""
    name = "safe leak"
    program = network.program
    try:
        form = gradient_form(program)
    except ParameterError as error:
        return Certificate(name, np.nan, f"no statement: {str(error).split('. ')[0]}", None)
    lowest = max(0.0, -float(np.linalg.eigvalsh(form.weights)[0]))
    slope = form.gain * np.array([form.function_of(i).steepest for i in range(form.gain.size)])
    bound = 2.0 / (program.leak + slope * lowest)
    with np.errstate(divide="ignore"):
        bound = np.minimum(bound, 1.0 / program.leak)
    value = float(bound.min())
    if network.rule.coefficients is None:
        falls = network.rule.descends
        says = "the energy falls at any dt" if falls else "not certified: the bound is for rules of one stage"
        return Certificate(name, np.inf if falls else value, f"rule '{network.rule.name}': {says}", falls or None)
    mix = network.coefficients()
    if len(mix) > 2:
        return Certificate(name, value, f"not certified: the bound a < {value:.6g} is for rules of one stage", None)
    a = mix[1, 1]
    text = f"the energy falls at every step while a < {value:.6g}; here a is {a.max():.6g}"
    return Certificate(name, value, text, True if (a < bound).all() else None)


def describe(network: DigitalNetwork) -> str:
    """Text on a network: its rule with leak, order, fixed points, stability, and its certificates."""
    program, rule = network.program, network.rule
    lines = [
        f"{program.graph.title}: {program.states.size} states, {program.inputs.size} inputs, {program.outputs.size} "
        f"outputs, {program.parameters.size} parameters",
        f"rule {rule.name}, order {rule.order}, dt = {network.dt:g} s",
        f"  step:         {rule.formula}",
        f"  leak:         {rule.leak}" + _leaks(network),
        f"  fixed points: {rule.fixed_points}",
        f"  stability:    {rule.stability}",
        f"  source:       {rule.source.citation}, doi {rule.source.doi}",
        "certificates",
    ]
    marks = {True: "yes", False: "no ", None: " ? "}
    lines += [f"  {marks[c.holds]} {c.name}: {c.statement}" for c in certificates(network)]
    return "\n".join(lines)


def _leaks(network: DigitalNetwork) -> str:
    flowing = ~network.program.is_clocked
    if network.rule.coefficients is None or not flowing.any():
        return ""
    rows = network.rule.coefficients(
        network.program.time_constant[flowing], network.program.leak[flowing], network.dt
    )  # fmt: skip
    share = 1.0 - rows[-1][0]
    low, high = float(share.min()), float(share.max())
    here = f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
    return f"; here {here} of the old state is replaced"
