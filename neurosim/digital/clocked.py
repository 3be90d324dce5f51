"""Clocked (sample-and-hold) networks: circuits that are recurrent networks exactly.

If the drive of every flowing state passes a hold on one clock of period T, it is constant between ticks, and the state
follows it exactly:

    x(t + T) = exp(-leak T/tau) x(t) + a G(x(t), u),    a = (1 - exp(-leak T/tau)) / leak

so that a clocked circuit *is* the leaky recurrent network of the rule `exponential_euler` with dt = T, at the ticks.

A gated cell ``c+ = f c + d`` (LSTM: d = i g; GRU alike) is a capacitor whose leak rate over the period is -ln f, with
its drive scaled accordingly. With the pre-activation a of the gate, f = logistic(a):

    T c' = -softplus(-a) c + (softplus(-a) / logistic(-a)) d,    a and d held

since -ln f = softplus(-a) and 1 - f = logistic(-a). A leak of 1 - f for one time constant is *not* the same cell.

Source: derived for this package; checked in ``validation/analytic/digital_rules.py``.
"""

from __future__ import annotations

from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph

SUFFIX = "_held"


def clocked(graph: SignalGraph, period: float, *, clock: str = "hold") -> SignalGraph:
    """Hold the drive of each flowing state on a clock.

    Parameters
    ----------
    graph : SignalGraph
        Not changed. Inputs should change at ticks only; the drive is sampled there.
    period : float
        T [s].
    clock : str
        Name of the clock that is added, default ``"hold"``.

    Returns
    -------
    SignalGraph
        Flat, with one more node ``"<state>_held"`` for each flowing state.

    Raises
    ------
    ParameterError
        The name of the clock or of a hold is taken, or there is no flowing state.
    """
    made = flatten(graph).copy()
    made.clock(clock, period)
    flowing = [name for name in made.of_kind("state") if made.nodes[name]["clock"] is None]
    if not flowing:
        raise ParameterError(f"graph '{graph.title}' has no state with a time constant: it is clocked already")
    for name in flowing:
        hold = name + SUFFIX
        if hold in made:
            raise ParameterError(f"graph '{graph.title}' has a node called '{hold}' already")
        made.add_node(hold, kind="hold", shape=made.nodes[name]["shape"], clock=clock, initial=0.0)
        for a, _, key, data in list(made.in_edges(name, keys=True, data=True)):
            if data["role"] == "add":
                made.remove_edge(a, name, key)
                made.add_edge(a, hold, **data)
        made.connect(hold, name)
    return made


def gated_state(
    graph: SignalGraph, name: str, shape: int | tuple[int, ...], *, gate: str, drive: str, clock: str,
    initial: float | str = 0.0,
) -> None:  # fmt: skip
    """Add a capacitor that follows ``c+ = f c + d`` from tick to tick exactly, f = logistic(gate).

    Parameters
    ----------
    graph : SignalGraph
        Changed.
    name : str
        Of the state; nodes ``"<name>_gate"``, ``"<name>_drive"``, ``"<name>_rate"``, ... are added with it.
    shape : int or tuple of int
    gate : str
        Node that gives the pre-activation of the gate; sampled at the ticks.
    drive : str
        Node that gives d; sampled at the ticks.
    clock : str
        A clock of the graph; its period is the time constant.
    initial : float or str
        Default 0.

    Raises
    ------
    ParameterError
        No such clock, or a name is taken.
    """
    if clock not in graph.clocks:
        raise ParameterError(f"gated state '{name}': no clock '{clock}'; declare it with clock()")
    graph.hold(f"{name}_gate", shape, clock=clock)
    graph.hold(f"{name}_drive", shape, clock=clock)
    graph.map(f"{name}_rate", shape, "softplus", gain=-1.0)
    graph.map(f"{name}_loss", shape, "logistic", gain=-1.0)
    graph.map(f"{name}_inverse", shape, "reciprocal")
    graph.product(f"{name}_input", shape)
    graph.product(f"{name}_leak", shape)
    graph.state(name, shape, time_constant=graph.clocks[clock].period, leak=0.0, initial=initial)
    graph.connect(gate, f"{name}_gate")
    graph.connect(drive, f"{name}_drive")
    graph.connect(f"{name}_gate", f"{name}_rate")
    graph.connect(f"{name}_gate", f"{name}_loss")
    graph.connect(f"{name}_loss", f"{name}_inverse")
    for slot, source in enumerate(("rate", "inverse", "drive")):
        graph.connect(f"{name}_{source}", f"{name}_input", slot=slot)
    graph.connect(f"{name}_rate", f"{name}_leak")
    graph.connect(name, f"{name}_leak", slot=1)
    graph.connect(f"{name}_input", name)
    graph.connect(f"{name}_leak", name, gain=-1.0)
