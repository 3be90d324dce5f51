"""Jordan network: the context is a leaky memory of the output.

    h = phi(U u + W c + b),    y = psi(V h + d),    c+ = alpha c + y

A constant input u (the plan) selects which sequence is emitted. Source: Jordan, Attractor dynamics and parallelism in
a connectionist sequential machine, Proc. 8th Conf. Cognitive Science Society (1986), 531.

The context is a leaky integrator, tau c' = -(1 - alpha) c + y; forward Euler with dt = tau is the textbook form. (A
unit that forgets by alpha in a time dt without further drive has the decay time -dt / ln alpha.) The output is a state
too, tau y' = -y + psi(V h + d), so that what a run reports at step t is y(c_t, u_t) and not y(c_(t+1), u_t).
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture, uniform_weights
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def jordan(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, alpha: float = 0.5, activation: str = "tanh",
    output: str = "identity", time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a Jordan network.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` (plan) and ``y``, states ``context`` and ``output``.
    alpha : float
        Share of the context that stays from step to step, 0 <= alpha <= 1, default 0.5; 1 sums all outputs up.
    activation, output : str
        phi and psi.
    time_constant : float
        Of the continuous twin [s], default 1.
    seed : int
        Of the initial weights, uniform in +-1/sqrt(sources).

    Returns
    -------
    SignalGraph
        Parameters ``U`` (hidden, inputs), ``W`` (hidden, outputs), ``b``, ``V`` (outputs, hidden), ``d``.

    Raises
    ------
    ParameterError
        alpha is not between 0 and 1.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ParameterError(f"jordan: alpha = {alpha!r} must lie between 0 and 1")
    draw = stream(seed, "jordan")
    graph = SignalGraph("jordan")
    graph.parameter("U", uniform_weights(draw, hidden, inputs))
    graph.parameter("W", uniform_weights(draw, hidden, outputs))
    graph.parameter("b", np.zeros(hidden))
    graph.parameter("V", uniform_weights(draw, outputs, hidden))
    graph.parameter("d", np.zeros(outputs))
    graph.port("u", inputs)
    graph.state("context", outputs, time_constant=time_constant, leak=1.0 - alpha)
    graph.state("output", outputs, time_constant=time_constant)
    graph.map("hidden", hidden, activation, bias="b")
    graph.map("readout", outputs, output, bias="d")
    graph.port("y", outputs, output=True)
    graph.connect("u", "hidden", weight="U")
    graph.connect("context", "hidden", weight="W")
    graph.connect("hidden", "readout", weight="V")
    graph.connect("readout", "context")
    graph.connect("readout", "output")
    graph.connect("output", "y")
    return graph


architecture = Architecture(
    name="jordan",
    summary="context that remembers the outputs",
    source=Reference("Jordan, Proc. 8th Conf. Cognitive Science Society, 531 (1986)"),
    equations="h = phi(U u + W c + b)\ny = psi(V h + d)\nc+ = alpha c + y",
    analog="tau c' = -(1 - alpha) c + psi(V h + d),  tau y' = -y + psi(V h + d)",
    digital="forward_euler, dt = tau",
    check="a plan selects a sequence, which returns after a kick",
    cases=("jordan_plans",),
    build=jordan,
    example={"inputs": 2, "hidden": 6, "outputs": 2},
)
