"""What a graph of spiking neurons is compiled to for a grid of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim.graph.layout import Layout
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import spike_steps as words


@dataclass(frozen=True)
class LearnedWeights:
    """Weights of a projection that learn, by their synapses.

    Attributes
    ----------
    part : slice
        Where they lie in the states.
    shape : (int, int)
        Targets and sources.
    rows, columns : ndarray of int
        Target and source of each.
    values : ndarray
        At the beginning.
    """

    part: slice
    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class SpikeProgram:
    """A compiled graph of spiking neurons for one step dt; the arrays are those of `neurosim.kernels.spike_steps`.

    Attributes
    ----------
    graph : SignalGraph
        Flat.
    dt : float
        Step [s].
    scheme, substeps : str, int
        How states that flow nonlinearly are stepped; "" where there are none.
    work : int
        Numbers that the compiled loop needs to work in.
    states, events, inputs, trains : Layout
        Where named arrays lie in the states, among the elements of events, in a row of inputs; `trains` are the inputs
        that make events tick.
    given : dict of str to str
        The event that each of `trains` makes tick.
    learned : dict of str to LearnedWeights
        By the name of the parameter.
    """

    graph: SignalGraph
    dt: float
    notes: tuple[str, ...]
    states: Layout
    events: Layout
    inputs: Layout
    trains: Layout
    given: dict[str, str]
    initial: np.ndarray
    code: np.ndarray
    table: np.ndarray
    constant: np.ndarray
    pointers: np.ndarray
    targets: np.ndarray
    strengths: np.ndarray
    memory: int
    arrivals: int
    work: int
    scheme: str
    substeps: int
    learned: dict[str, LearnedWeights]

    @cached_property
    def slots(self) -> int:
        """Steps for which ticks are kept."""
        return int(self.code[words.SLOTS])

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        at, count = int(self.code[words.PROJECTIONS_AT]), int(self.code[words.PROJECTIONS])
        return sum(int(self.code[at + k * words.PROJECTION_WORDS + words.COUNT]) for k in range(count))
