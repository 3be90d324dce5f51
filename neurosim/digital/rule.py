"""What a discretisation rule declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.devices.device import Reference

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork

Coefficients = Callable[[np.ndarray, np.ndarray, float], list[list[np.ndarray]]]
Step = Callable[["DigitalNetwork"], Callable[[np.ndarray, np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Rule:
    """One way to turn ``tau x' = -leak x + G(x, u)`` into a recurrence, u being held over each step.

    Attributes
    ----------
    name, summary : str
    formula : str
        The step, in words of x, G, a, tau, dt.
    leak : str
        The share of the old state that is replaced in a step, as a formula.
    order : int
    fixed_points, stability : str
        Statements for people.
    source : Reference
    coefficients : callable, optional
        Of an explicit rule: ``coefficients(tau, leak, dt)`` gives rows s = 1 .. stages of [A_s, B_s0, .., B_s(s-1)],
        each of shape (n,): stage s is at ``A_s x + sum_j B_sj G_j``, the last one is the new state. It must also take
        complex tau and leak (training differentiates it by complex steps).
    step : callable, optional
        Of an implicit rule: ``step(network)`` checks that the rule fits the network and gives ``(y, u) -> new y``, with
        y (samples, n) and u (samples, m).
    descends : bool
        Whether the energy of a network that descends one falls at any dt.
    """

    name: str
    summary: str
    formula: str
    leak: str
    order: int
    fixed_points: str
    stability: str
    source: Reference
    coefficients: Coefficients | None = None
    step: Step | None = None
    descends: bool = False
