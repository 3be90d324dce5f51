"""Multiple timescale network (MTRNN): an input-output group, fast and slow context units, each with its time constant.

    u_i+ = (1 - dt/tau_i) u_i + (dt/tau_i) (sum_j w_ij x_j + b_i),    x = phi(u)

The slow group is connected with the fast one only. Its initial state selects what the network generates. The sum of an
input-output unit runs over what it is given (`feedback="sensed"`, port ``u``) or over its own output ("closed").

Source: Yamashita & Tani, PLoS Computational Biology 4, e1000220 (2008), doi 10.1371/journal.pcbi.1000220; time
constants of 2, 5 and 70 steps from there. Departure: phi is tanh in all groups, there softmax in the input-output
group and the logistic function in the others.
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference

GROUPS: tuple[str, ...] = ("io", "fast", "slow")
UNCONNECTED = {("io", "slow"), ("slow", "io")}


def multiple_timescale(
    io: int = 2, fast: int = 20, slow: int = 5, *, io_time_constant: float = 2.0, fast_time_constant: float = 5.0,
    slow_time_constant: float = 70.0, feedback: str = "sensed", activation: str = "tanh", scale: float = 1.0,
    seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build an MTRNN.

    Parameters
    ----------
    io, fast, slow : int
        Units of the groups, states of these names (membrane potentials).
    io_time_constant, fast_time_constant, slow_time_constant : float
        [s]; with dt = 1 s they count in steps.
    feedback : {"sensed", "closed"}
        Whether the network is given the signal (port ``u``) or hears its own output.
    activation : str
    scale : float
        Weights start uniform in plus or minus scale / sqrt(all units that lead to the group).
    seed : int

    Returns
    -------
    SignalGraph
        Output ``y`` (io,); parameters ``W_fast_io`` (from io to fast) and so on, biases ``b_io``, ``b_fast`` and
        ``b_slow``.

    Raises
    ------
    ParameterError
        Unknown feedback.
    """
    if feedback not in ("sensed", "closed"):
        raise ParameterError(f"multiple_timescale: feedback = {feedback!r} must be 'sensed' or 'closed'")
    draw = stream(seed, "multiple timescale")
    size: dict[str, int] = dict(zip(GROUPS, (io, fast, slow), strict=True))
    tau = dict(zip(GROUPS, (io_time_constant, fast_time_constant, slow_time_constant), strict=True))
    graph = SignalGraph("multiple_timescale")
    if feedback == "sensed":
        graph.port("u", io)
    for name in GROUPS:
        graph.parameter(f"b_{name}", np.zeros(size[name]))
        graph.state(name, size[name], time_constant=tau[name], bias=f"b_{name}")
        graph.map(f"rate_{name}", size[name], activation)
        graph.connect(name, f"rate_{name}")
    for target in GROUPS:
        sources = [source for source in GROUPS if (target, source) not in UNCONNECTED]
        bound = scale / np.sqrt(sum(size[s] for s in sources))
        for source in sources:
            weight = f"W_{target}_{source}"
            graph.parameter(weight, draw.uniform(-bound, bound, (size[target], size[source])))
            heard = "u" if source == "io" and feedback == "sensed" else f"rate_{source}"
            graph.connect(heard, target, weight=weight)
    graph.port("y", io, output=True)
    graph.connect("rate_io", "y")
    return graph


architecture = Architecture(
    name="multiple_timescale",
    summary="input-output, fast and slow groups of units; the slow state selects the sequence (MTRNN)",
    source=Reference("Yamashita & Tani, PLoS Computational Biology 4, e1000220 (2008)", "10.1371/journal.pcbi.1000220"),
    equations="u_i+ = (1 - 1/tau_i) u_i + (1/tau_i) (sum_j w_ij x_j + b_i)\nx = phi(u)",
    analog="tau_i u_i' = -u_i + sum_j w_ij phi(u_j) + b_i",
    digital="forward_euler, dt = 1 s",
    check="two sequences of shared primitives chosen by the initial slow state",
    cases=("mtrnn_primitives",),
    build=multiple_timescale,
    example={"io": 2, "fast": 6, "slow": 3},
    aliases=("mtrnn",),
)
