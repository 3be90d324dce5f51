"""A memristive network under a rule: the leak of the rule is the decay of the states, all else is drive."""

from __future__ import annotations

import numpy as np

from neurosim.digital.rule import Rule
from neurosim.errors import ParameterError
from neurosim.memristive.clocked_map import ClockedMap
from neurosim.memristive.edges import CTDV
from neurosim.memristive.network import MemristiveNetwork


def clocked_map(net: MemristiveNetwork, rule: Rule, dt: float | None) -> ClockedMap:
    """The digital equivalent of a network.

    Raises
    ------
    ParameterError
        `dt` is missing or not positive, or the rule solves equations in each step.
    """
    if dt is None:
        raise ParameterError(f"give dt: network '{net.title}' has no clock and no one time constant")
    if rule.coefficients is None:
        raise ParameterError(
            f"rule '{rule.name}' solves equations of a signal graph in each step; for a memristive network take an "
            "explicit one, as forward_euler, exponential_euler or tustin_heun"
        )
    plain = ClockedMap(net, float(dt), rule.name)
    m = net.size
    leak, one = decay_rates(net), np.ones(m)
    rows = rule.coefficients(one, leak, plain.dt)
    # Without a leak, the weights of a stage add up to its time.
    bare = rule.coefficients(np.ones(1), np.zeros(1), plain.dt)
    fractions = [0.0, *(float(np.sum([weight[0] for weight in row[1:]]) / plain.dt) for row in bare[:-1])]
    return ClockedMap(net, plain.dt, rule.name, leak, rows, fractions)


def decay_rates(net: MemristiveNetwork) -> np.ndarray:
    """Rates [1/s] at which states decay by themselves, shape (m,); below 0 where they grow (convention "standard")."""
    leak = np.zeros(net.size)
    for group in net.laws.groups:
        if group.name == CTDV:
            columns = group.columns
            leak[group.edges] = columns["alpha"] * (2.0 * columns["convention"] - 1.0)
    return leak
