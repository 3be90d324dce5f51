"""Second-order network: products of state and input as its drive; it can be any finite automaton, exactly.

    s_j+ = sigma(sum_ik W_jik s_i u_k + b_j),    y = V s + c

With one unit for each state of an automaton and one input line for each symbol, weights +H where unit i under symbol k
leads to unit j, -H from a unit that is left to itself, and biases -H/2, the network follows the automaton for ever if
H is large enough. The flow tau s' = -s + sigma(...) with the bare feedback races on while a symbol is held; with a
hold of s on the clock of the symbols (`held`) it does what the map does.

Sources: Giles et al., Neural Computation 4, 393 (1992), doi 10.1162/neco.1992.4.3.393; construction and its
proof: Omlin & Giles, Journal of the ACM 43, 937 (1996), doi 10.1145/235809.235811.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.architectures.automata import TOMITA, Automaton
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def second_order(
    inputs: int = 2, units: int = 4, *, automaton: Automaton | int | None = None, strength: float = 8.0,
    held: bool = False, period: float = 5.0, time_constant: float = 1.0, scale: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a second-order network, with random weights or as an automaton.

    Parameters
    ----------
    inputs, units : int
        Port ``u``, one line for each symbol, and state ``s``; an automaton sets both.
    automaton : Automaton or int, optional
        To follow; a number from 1 to 7 is that of Tomita's language.
    strength : float
        H of the construction, default 8.
    held : bool
        Feed back the state as a hold on the clock ``symbols`` has it, default False.
    period : float
        Of the clock [s], default 5.
    time_constant : float
        [s], default 1.
    scale : float
        Random weights are uniform in plus or minus this, default 1.
    seed : int

    Returns
    -------
    SignalGraph
        Parameters ``W`` (units, units, inputs), ``b``, ``V`` (1, units), ``c``; output ``y`` is positive where the word
        so far is accepted. The first unit starts at 1, the others at 0.

    Raises
    ------
    ParameterError
        There is no such language.
    """
    draw = stream(seed, "second order")
    if automaton is None:
        weights = draw.uniform(-scale, scale, (units, units, inputs))
        bias = np.zeros(units)
        readout, offset = draw.uniform(-scale, scale, (1, units)), np.zeros(1)
    else:
        if isinstance(automaton, int):
            if automaton not in TOMITA:
                raise ParameterError(f"second_order: automaton = {automaton}; Tomita's languages are 1 to 7")
            automaton = TOMITA[automaton]
        units, inputs = automaton.states, automaton.symbols
        weights, bias = automaton_weights(automaton, strength)
        readout = np.array([[float(q in automaton.accepting) for q in range(units)]])
        offset = np.array([-0.5])
    graph = SignalGraph("second_order")
    graph.parameter("W", weights)
    graph.parameter("b", bias)
    graph.parameter("V", readout)
    graph.parameter("c", offset)
    graph.port("u", inputs)
    graph.state("s", units, time_constant=time_constant, initial=np.eye(units)[0])
    source = "s"
    if held:
        graph.clock("symbols", period)
        graph.hold("latch", units, clock="symbols", initial=np.eye(units)[0])
        graph.connect("s", "latch")
        source = "latch"
    graph.product("pair", units, "jik,i,k->j", weight="W")
    graph.connect(source, "pair", slot=0)
    graph.connect("u", "pair", slot=1)
    graph.map("rate", units, "logistic", bias="b")
    graph.connect("pair", "rate")
    graph.connect("rate", "s")
    graph.map("readout", 1, bias="c")
    graph.connect("s", "readout", weight="V")
    graph.port("y", 1, output=True)
    graph.connect("readout", "y")
    return graph


def automaton_weights(automaton: Automaton, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (states, states, symbols) and biases (states,) that follow an automaton, of size `strength`."""
    n = automaton.states
    weights = np.zeros((n, n, automaton.symbols))
    for i, row in enumerate(automaton.transitions):
        for k, j in enumerate(row):
            if i != j:
                weights[i, i, k] = -strength
            weights[j, i, k] = strength
    return weights, np.full(n, -0.5 * strength)


def encode(words: Iterable[Any], symbols: int = 2) -> np.ndarray:
    """One line for each symbol: words of one length to inputs, shape (length, words, symbols)."""
    return np.eye(symbols)[np.asarray(list(words), dtype=np.int64).T]


architecture = Architecture(
    name="second_order",
    summary="products of state and input; exact finite automata",
    source=Reference("Omlin & Giles, Journal of the ACM 43, 937 (1996)", "10.1145/235809.235811"),
    equations="s_j+ = sigma(sum_ik W_jik s_i u_k + b_j)\ny = V s + c",
    analog="tau s' = -s + sigma(W h u + b), h = s as sampled when the symbol comes",
    digital="forward_euler, dt = tau; of the held form exponential_euler, dt = period",
    check="follows all seven Tomita automata for 10,000 symbols, as map and as clocked flow",
    cases=("tomita",),
    build=second_order,
    example={"automaton": 5},
)
