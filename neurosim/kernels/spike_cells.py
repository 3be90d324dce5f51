"""A run of spiking neurons without a grid of time: its records and its arrays (`neurosim.kernels.spike_events`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.native import by_address
from neurosim.kernels.spike_steps import HEAD

(
    CELL_CLUSTERS, CELL_CLUSTERS_AT, SENDINGS, SENDINGS_AT, PROMPT, PROMPT_AT, EVENT_OF_ELEMENT, CLUSTER_OF_EVENT,
    OWN_HEAD,
) = range(HEAD, HEAD + 9)  # fmt: skip
"""Head of `code` behind that of `neurosim.kernels.spike_steps`: clusters as below instead of those there; records of
sendings with a delay, and of those without; for each element the number of its event; for each event the record of the
cluster that it watches, or -1. Of the other records there, refractory times [s] lie in `table`, and the delay of a
projection is a place in `table`."""

(
    SIZE, STATES, PLACE, HELD_BY, FIRST_CELL, WATCHERS, WATCHERS_AT, FORM, SYSTEMS_AT, SYSTEMS_STRIDE, TABLE_AT,
    SYSTEM_SIZE, DRIVEN, MONOTONE, PEAKS, CELL_WORDS,
) = range(16)  # fmt: skip
"""A cluster: neurons (*cells*), states of one, place of its first state (state i of cell e is at PLACE + i SIZE + e),
where the ends of refractory times begin or -1, number of its first cell, events that watch it and place of their
records' places; form of its systems, the number of each cell's system, where these lie in `table`, and whether inputs
move it, and whether what lowers one state never raises another; where in a system the peaks of the watched state begin:
the most that it may ever rise for each unit that a state is above its rest now, -1 where nothing is said of that."""

MODES, GENERAL = range(2)
"""Forms of a system with k states, in `table` once for free cells and once for those held. MODES: k decay rates,
matrix of modes (states by rows) and its inverse, the matrix that takes what drives the states to where they rest.
GENERAL: A of ``y' = A y + b`` (zero rows for held states), a rate (the largest magnitude of an eigenvalue), and for
each state 1, or 0 where it is held."""

FIRST, NUMBER, DELAY_AT, LIST_AT, PROJECTED, SENDING_WORDS = range(6)
"""A sending: first element of an event, how many, place of its delay in `table`, list of the records of projections."""

LOOK, UP, DOWN, GLANCE = range(4)
"""What is awaited of an element: that it is looked at again, that its drive rises to the threshold, or falls to it, or
that the search for that goes on, which was put off."""

(
    LOGGED, QUEUED, TOUCHED, INSTANT, NEXT_GIVEN, NEXT_INPUT, STARTED, SAMPLE, FAILURE, FAILED, SEARCHES, SENT, JUDGED,
    PLAN,
) = range(14)  # fmt: skip
"""Entries of `Cells.plan`: ticks in the log; elements in the heap; cells that this instant touched; its number; places
in the given ticks, in the inputs and in the samples; what failed, for which element; statistics: searches for a
crossing, and pulses; whether anything may have reached its threshold."""

NOW, STOP = range(2)
"""Entries of `Cells.clock` [s]."""

QUIET, CHAIN_ENDLESS, TOO_CLOSE = range(3)

CHAIN = 1000
"""Most rounds of ticks at one instant."""

TOGETHER, ZENO = 1e-12, 1e-12
"""As in `neurosim.graph.event_law`."""

WINDOWS = 16
"""Intervals that a search of a general system looks through before it is put off."""


@by_address
class Cells(NamedTuple):
    """A network, and where its run is."""

    code: np.ndarray
    table: np.ndarray
    pointers: np.ndarray
    targets: np.ndarray
    strengths: np.ndarray
    constant: np.ndarray
    """[states]: what drives the states, without inputs, divided by their time constants."""
    input_times: np.ndarray
    input_rows: np.ndarray
    given_times: np.ndarray
    given_elements: np.ndarray
    sample_times: np.ndarray
    samples: np.ndarray
    work: np.ndarray
    plan: np.ndarray
    clock: np.ndarray
    y: np.ndarray
    """[states], each at the time of its cell; then weights that learn."""
    rest: np.ndarray
    """[2 states]: where the states rest (b for general systems), of free cells and of those held."""
    force: np.ndarray
    """[states]: what drives the states, divided by their time constants."""
    since: np.ndarray
    """[cells]: time of its states."""
    release: np.ndarray
    """[elements]: end of the refractory time."""
    last: np.ndarray
    """[elements]: last tick."""
    next_time: np.ndarray
    """[elements]: when what is `awaited` happens, inf if never."""
    awaited: np.ndarray
    outcome: np.ndarray
    """[elements]: what of `awaited` happens now, else LOOK."""
    armed: np.ndarray
    heap: np.ndarray
    """[elements]: those that wait, a binary heap by `next_time`."""
    place: np.ndarray
    """[elements]: place in the heap, or -1."""
    arrivals: np.ndarray
    """Last arrivals from the sources of projections with memory, -inf before the first."""
    memory: np.ndarray
    heads: np.ndarray
    """[sendings]: the tick in the log that is sent next."""
    due: np.ndarray
    """[sendings]: when it arrives, inf if there is none."""
    log_times: np.ndarray
    log_elements: np.ndarray
    touched: np.ndarray
    """[2 cells]: cluster and number."""
    mark: np.ndarray
    """[cells]: the last instant that touched it."""
    raised: np.ndarray
    """[cells]: whether something in that instant may bring its next crossing nearer."""
    slack: np.ndarray
    """[elements]: where above 0, nothing changes before `next_time` unless pulses raise the drive by that much."""
    round: np.ndarray
    """[events + 1]: where the ticks of each event begin in the log, of one round."""


WHOLE = {"code", "pointers", "targets", "given_elements", "plan", "awaited", "outcome", "armed", "heap", "place",
         "heads", "log_elements", "touched", "mark", "raised", "round"}  # fmt: skip
"""Fields that are whole numbers: int64, `targets` int32."""

CHANGING = Cells._fields[Cells._fields.index("plan") :]
"""Fields that make up where a run is."""


def cells_type() -> Any:
    """Numba type of the address of `Cells`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    whole, real, small = (types.Array(kind, 1, "C") for kind in (types.i8, types.f8, types.i4))
    kinds = [small if name == "targets" else whole if name in WHOLE else real for name in Cells._fields]
    return tuple_pointer(kinds, Cells)
