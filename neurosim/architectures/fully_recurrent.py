"""Fully recurrent network: every unit sees every unit and every input.

    rate form:      tau r' = -r + phi(W r + U u + b)
    membrane form:  tau x' = -x + W phi(x) + U u + b,    r = phi(x)

Forward Euler with dt = tau gives r+ = phi(W r + U u + b) and x+ = W phi(x) + U u + b. The outputs are the rates of
chosen units, or a read-out y = V r + c.

Source: Williams & Zipser, Neural Computation 1, 270 (1989), doi 10.1162/neco.1989.1.2.270; its continuous forms:
Hopfield, PNAS 81, 3088 (1984), and Pearlmutter, Neural Computation 1, 263 (1989), doi 10.1162/neco.1989.1.2.263
(recalled). With x = W r + u (inputs held) the two forms are one; where inputs move they differ by one lag on the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.architectures.architecture import Architecture, uniform_weights
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def fully_recurrent(
    inputs: int = 1, units: int = 16, outputs: int = 1, *, form: str = "rate", activation: str = "tanh",
    output_units: Sequence[int] | None = None, time_constant: float | np.ndarray = 1.0,
    train_time_constant: bool = False, gain: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a fully recurrent network.

    Parameters
    ----------
    inputs, units, outputs : int
        Ports ``u`` (none for 0 inputs) and ``y``; the state is ``r`` (rates) or ``x`` (membrane).
    form : str
        ``"rate"`` or ``"membrane"``.
    activation : str
        phi.
    output_units : sequence of int, optional
        The outputs are the rates of these units, as Williams and Zipser have it; default a linear read-out.
    time_constant : float or ndarray, shape (units,)
        Seconds, default 1.
    train_time_constant : bool
        Make the time constants a trainable parameter ``tau``.
    gain : float
        Factor on the initial W, which is uniform in +-1/sqrt(units).
    seed : int
        Of the initial weights.

    Returns
    -------
    SignalGraph
        Parameters ``U`` (units, inputs), ``W`` (units, units), ``b``; with a read-out ``V`` (outputs, units), ``c``.

    Raises
    ------
    ParameterError
        An unknown form, or an output unit that does not exist.
    """
    if form not in ("rate", "membrane"):
        raise ParameterError(f"fully_recurrent: form = {form!r} must be 'rate' or 'membrane'")
    draw = stream(seed, "fully_recurrent")
    graph = SignalGraph("fully recurrent")
    if inputs:
        graph.port("u", inputs)
        graph.parameter("U", uniform_weights(draw, units, inputs))
    graph.parameter("W", gain * uniform_weights(draw, units, units))
    graph.parameter("b", np.zeros(units))
    if train_time_constant:
        graph.parameter("tau", np.broadcast_to(np.asarray(time_constant, dtype=float), units), unit="s")
    state, drive = ("r", "rate") if form == "rate" else ("x", "current")
    graph.state(state, units, time_constant="tau" if train_time_constant else time_constant)
    if form == "rate":
        graph.map("rate", units, activation, bias="b")
        rates = "r"
    else:
        graph.map("current", units, bias="b")
        graph.map("rate", units, activation)
        graph.connect("x", "rate")
        rates = "rate"
    if inputs:
        graph.connect("u", drive, weight="U")
    graph.connect(rates, drive, weight="W")
    graph.connect(drive, state)
    if output_units is None:
        graph.parameter("V", uniform_weights(draw, outputs, units))
        graph.parameter("c", np.zeros(outputs))
        graph.port("y", outputs, output=True, bias="c")
        graph.connect(rates, "y", weight="V")
        return graph
    graph.port("y", len(output_units), output=True)
    for place, unit in enumerate(output_units):
        if not 0 <= unit < units:
            raise ParameterError(f"fully_recurrent: output unit {unit} is not one of 0 to {units - 1}")
        graph.connect(rates, "y", source_part=(unit, unit + 1), target_part=(place, place + 1))
    return graph


architecture = Architecture(
    name="fully_recurrent",
    summary="every unit sees every unit: rate or membrane form (CTRNN)",
    source=Reference("Williams & Zipser, Neural Computation 1, 270 (1989)", "10.1162/neco.1989.1.2.270"),
    equations="r+ = phi(W r + U u + b)   (form='membrane': x+ = W phi(x) + U u + b, r = phi(x))\ny = V r + c",
    analog="tau r' = -r + phi(W r + U u + b)   (form='membrane': tau x' = -x + W phi(x) + U u + b)",
    digital="forward_euler, dt = tau",
    check="learns Pearlmutter's circle as a free-running cycle",
    cases=("pearlmutter_circle",),
    build=fully_recurrent,
    example={"inputs": 2, "units": 6, "outputs": 2},
    aliases=("ctrnn",),
)
