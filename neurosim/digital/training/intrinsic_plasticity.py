"""Intrinsic plasticity: gain and bias of each reservoir unit adapt until its outputs have a wanted distribution.

    y = phi(g z + h),   z = W x + U u + F t + b
    tanh, towards a normal distribution (mean m, deviation s):  dh = -eta (-m/s^2 + y/s^2 (2 s^2 + 1 - y^2 + m y))
    logistic, towards an exponential one (mean m):              dh = eta (1 - (2 + 1/m) y + y^2/m)
    dg = eta/g + z dh

Afterwards g and h are part of the weights: rows of W, U and F times g, bias g b + h.

Sources: Triesch, ICANN 2005, LNCS 3696, 65, doi 10.1007/11550822_11 (logistic); Schrauwen, Wardermann, Verstraeten,
Steil & Stroobandt, Neurocomputing 71, 1159 (2008), doi 10.1016/j.neucom.2007.12.020 (tanh).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


def adapt_intrinsically(
    graph: SignalGraph, inputs: Any, *, leak: float = 1.0, mean: float | None = None, deviation: float = 0.2,
    rate: float = 5e-4, epochs: int = 1,
) -> SignalGraph:  # fmt: skip
    """Adapt the units of an echo state network to its input.

    Parameters
    ----------
    graph : SignalGraph
        As `neurosim.architectures.echo_state` makes it, without feedback or with that of a teacher; activation tanh or
        logistic.
    inputs : array_like, shape (steps, inputs)
        In the order of the graph's input ports.
    leak : float
        Step over time constant, above 0 to 1, default 1.
    mean : float, optional
        Of the output phi: default 0 for tanh, 0.2 for logistic.
    deviation : float
        Of the normal distribution, default 0.2.
    rate : float
        Default 5e-4.
    epochs : int
        Passes over the inputs, default 1; the state goes on.

    Returns
    -------
    SignalGraph
        With other W, U, F and b.

    Raises
    ------
    ParameterError
        It is no such network, or a setting is outside what is allowed.
    SimulationError
        The gains are not finite or positive any more.
    """
    node = graph.nodes.get("rate", {})
    activation = node.get("function")
    columns = {name: data["weight"] for name, _, data in graph.in_edges("rate", data=True)} if node else {}
    ports = list(graph.inputs)
    if activation not in ("tanh", "logistic") or columns.get("x") != "W" or set(columns) != {"x", *ports}:
        raise ParameterError(
            f"intrinsic plasticity: graph '{graph.title}' must be an echo_state of tanh or logistic units, without "
            "closed feedback"
        )
    mean = (0.0 if activation == "tanh" else 0.2) if mean is None else mean
    if not (0.0 < leak <= 1.0 and deviation > 0.0 and rate > 0.0 and epochs >= 1 and np.isfinite(mean)):
        raise ParameterError(
            f"intrinsic plasticity: leak = {leak} must be above 0 to 1, deviation = {deviation} and rate = {rate} "
            f"positive, epochs = {epochs} 1 or more"
        )
    if activation == "logistic" and not mean > 0.0:
        raise ParameterError(f"intrinsic plasticity: mean = {mean} of an exponential distribution must be positive")
    values = graph.weights()
    given = np.concatenate([values[columns[port]] for port in ports], axis=1)
    u = np.asarray(inputs, dtype=float)
    if u.ndim != 2 or u.shape[1] != given.shape[1] or not np.isfinite(u).all():
        raise ParameterError(
            f"intrinsic plasticity: inputs {u.shape} must be finite, of shape (steps, {given.shape[1]})"
        )
    recurrent = graph.parameters["W"].value
    driven = u @ given.T + values["b"]
    units = len(values["b"])
    gain, shift, x, variance = np.ones(units), np.zeros(units), np.zeros(units), deviation**2
    for _ in range(epochs):
        for drive in driven:
            z = recurrent @ x + drive
            total = gain * z + shift
            if activation == "tanh":
                y = np.tanh(total)
                change = -(-(mean / variance) + (y / variance) * (2.0 * variance + 1.0 - y**2 + mean * y))
            else:
                y = 1.0 / (1.0 + np.exp(-total))
                change = 1.0 - (2.0 + 1.0 / mean) * y + y**2 / mean
            x = y if leak == 1.0 else (1.0 - leak) * x + leak * y
            gain += rate * (1.0 / gain + change * z)
            shift += rate * change
        if not (np.isfinite(gain).all() and (gain > 0.0).all()):
            raise SimulationError(
                f"intrinsic plasticity: the gain of unit {int(np.argmin(gain))} is {np.nanmin(gain):g}; take a smaller "
                f"rate (now {rate:g}) or a larger deviation (now {deviation:g})"
            )
    changed = {name: gain[:, None] * values[name] for name in columns.values()}
    return graph.with_weights({**changed, "b": gain * values["b"] + shift})
