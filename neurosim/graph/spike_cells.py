"""A graph of spiking neurons without a grid of time: what `neurosim.kernels.spike_events` runs.

The graphs are those that run on a grid (`neurosim.graph.spikes`); delays and refractory times may be of any length, and
pulses need no delay. The systems of a cluster are written in modes where states feed one another in one direction only,
with time constants that differ; there a crossing of the threshold follows from signs. Others are kept as matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import scipy.sparse

from neurosim.errors import ParameterError
from neurosim.graph.checks import check_graph
from neurosim.graph.flatten import flatten
from neurosim.graph.layout import layout_of
from neurosim.graph.signal_graph import SignalGraph, noise_of
from neurosim.graph.spikes import SpikeProgram, _Compiler, _joined, _Term
from neurosim.kernels import spike_cells as cells
from neurosim.kernels import spike_steps as words
from neurosim.kernels.first_rise import ROOM_OF_POLYNOMIAL

POINTS = 200
"""Points in time at which the response to a state is looked at."""

TOGETHER = 2000
"""Systems whose responses are looked at together, which bounds the memory."""

APART = 1e-3
"""Least relative difference of time constants of states that feed one another, for modes; digits are lost below it."""


@dataclass(frozen=True)
class CellProgram(SpikeProgram):
    """A compiled graph of spiking neurons for a run from event to event; its `dt` is 0.

    Attributes
    ----------
    cells : int
        Neurons of all clusters.
    sendings : int
        Pairs of an event and a delay.
    """

    cells: int
    sendings: int


def compile_cells(graph: SignalGraph) -> CellProgram:
    """Check a graph of spiking neurons and lay it out for a run without a grid.

    Raises
    ------
    ParameterError, UnknownNameError
        What is no such graph is refused by the name of the node or edge.
    """
    flat = flatten(graph, expand=False)
    notes = tuple(check_graph(flat))
    try:
        return _CellCompiler(flat, 1.0, notes, "", 1, dict(noise_of(flat))).build_cells()
    except ParameterError as error:
        # What both compilers refuse is said in words of the one with a grid.
        said = str(error).replace("dt is given", "there is no grid").replace("out dt", "out grid")
        raise ParameterError(said.replace("with dt", "without a grid")) from None


class _CellCompiler(_Compiler):
    """Its step is 1 s: what the other one counts in steps is in seconds here."""

    needs_delays = False

    def build_cells(self) -> CellProgram:
        flat = self.flat
        self._refuse_kinds()
        self.drives = {name: list(self._terms(name)) for name in flat.of_kind("state", "event")}
        self.nodes = self._nodes()
        self._refuse_what_is_not_linear()
        self.given = self._given()
        self.events = layout_of(flat, flat.of_kind("event"))
        if not self.events.size:
            raise ParameterError(f"graph '{flat.title}' has no event: nothing in it spikes; leave out grid")
        self.trains = layout_of(flat, list(self.given))
        self.inputs = layout_of(flat, [name for name in flat.inputs if name not in self.given])
        self.clusters = self._clusters()
        self.states = layout_of(flat, [name for names, _ in self.clusters for name in names])
        self.holders = self._holders()
        self.constant = np.zeros(self.states.size)
        # The place of no delay is 0.
        self.delays = {0.0: self._keep(np.zeros(1))[0]}
        # The head of the code comes first in it; what follows counts its places from there.
        self.code = [0] * (cells.OWN_HEAD - words.HEAD)
        couplings: list[tuple[int, int, int]] = []
        records, first = [], 0
        for names, _ in self.clusters:
            records.append(self._cells(names, first, couplings))
            first += records[-1][0]
        events = self._event_records()
        projections = list(self._projections())
        events_at = self._place(events)
        numbers = [number for number, record in enumerate(events) for _ in range(record[words.EVENT_SIZE])]
        watchers: list[list[int]] = [[] for _ in records]
        watched = []
        for number, record in enumerate(events):
            name = next((n for n, part in self.states.slices.items() if part.start == record[words.WATCHED]), "")
            found = next((k for k, (names, _) in enumerate(self.clusters) if name in names), -1)
            watched.append(found)
            if found >= 0:
                watchers[found].append(events_at + number * words.EVENT_WORDS)
        lists = [self._place([tuple(places)]) for places in watchers]
        clusters_at = self._place([
            (*record[:5], len(places), at, *record[5:])
            for record, places, at in zip(records, watchers, lists, strict=True)
        ])  # fmt: skip
        projections_at = self._place(projections)
        grouped: dict[tuple[int, int], list[int]] = {}
        for k, record in enumerate(projections):
            places = grouped.setdefault((record[words.EVENT], record[words.DELAY]), [])
            places.append(projections_at + k * words.PROJECTION_WORDS)
        sendings: dict[bool, list[tuple[int, ...]]] = {False: [], True: []}
        for (number, delay), places in grouped.items():
            record, is_delayed = events[number], delay != self.delays[0.0]
            sendings[is_delayed].append((
                record[words.FIRST_ELEMENT], record[words.EVENT_SIZE], delay, self._place([tuple(places)]), len(places),
            ))  # fmt: skip
        head = np.zeros(words.HEAD, np.int64)
        for key, value in (
            (words.EVENTS, len(events)), (words.EVENTS_AT, events_at), (words.PROJECTIONS, len(projections)),
            (words.PROJECTIONS_AT, projections_at), (words.INPUTS, self.inputs.size),
            (words.COUPLINGS, len(couplings)), (words.COUPLINGS_AT, self._place(couplings)),
            (words.ELEMENTS, self.events.size),
        ):  # fmt: skip
            head[key] = value
        for key, value in (
            (cells.CELL_CLUSTERS, len(records)), (cells.CELL_CLUSTERS_AT, clusters_at),
            (cells.SENDINGS, len(sendings[True])), (cells.SENDINGS_AT, self._place(sendings[True])),
            (cells.PROMPT, len(sendings[False])), (cells.PROMPT_AT, self._place(sendings[False])),
            (cells.EVENT_OF_ELEMENT, self._place([tuple(numbers)])),
            (cells.CLUSTER_OF_EVENT, self._place([
                tuple(clusters_at + k * cells.CELL_WORDS if k >= 0 else -1 for k in watched)
            ])),
        ):  # fmt: skip
            self.code[key - words.HEAD] = value
        initial = [
            flat.value_of(flat.nodes[name]["initial"], flat.size_of(name), f"state '{name}', initial")
            for name in self.states.slices
        ]
        return CellProgram(
            flat, 0.0, self.notes, self.states, self.events, self.inputs, self.trains, self.given, _joined(initial),
            np.concatenate([head, np.array(self.code, np.int64)]), _joined(self.table), self.constant,
            _joined(self.pointers, np.int64), _joined(self.targets, np.int32), _joined(self.strengths),
            self.sizes["memory"], self.sizes["arrivals"],
            _room(max((len(names) for names, _ in self.clusters), default=0)), "", 1, self.learned, first,
            len(sendings[True]),
        )  # fmt: skip

    @property
    def _end(self) -> int:
        return words.HEAD + len(self.code)

    def _place(self, records: list[tuple[int, ...]]) -> int:
        """Put records at the end of the code; their place."""
        start = self._end
        for record in records:
            self.code.extend(record)
        return start

    def _refuse_what_is_not_linear(self) -> None:
        """What runs on a grid but not without one."""
        for name in self.nodes:
            raise ParameterError(
                f"{self.flat.nodes[name]['kind']} '{name}' is not linear: without a grid, states "
                "flow linearly; give dt, or leave out grid"
            )
        for a, b, data in self.flat.edges(data=True):
            if data.get("draw") is not None:
                raise ParameterError(f"edge '{a}' -> '{b}': what is drawn at ticks needs a grid; give dt")
        for name in self.noise:
            raise ParameterError(f"state '{name}' has noise, which needs a grid; give dt, or leave out grid")

    def _steps_of_pause(self, event: str) -> np.ndarray:
        """Refractory times [s]."""
        return self.flat.value_of(self.flat.nodes[event]["refractory"], self.flat.size_of(event), f"event '{event}'")

    def _pauses(self, event: str) -> tuple[int, int]:
        return self._number(self._steps_of_pause(event))

    def _delay(self, term: _Term, where: str) -> int:
        """Place of the delay of a projection in the table."""
        if term.delay not in self.delays:
            self.delays[term.delay] = self._keep(np.array([term.delay]))[0]
        return self.delays[term.delay]

    def _cells(self, names: list[str], first: int, couplings: list[tuple[int, int, int]]) -> tuple[int, ...]:
        """Record of a cluster without its watchers; its systems go into the table."""
        matrix, bias, driven, _, holder = self._flow(names, [])
        n, k = bias.shape
        for i, name in enumerate(names):
            self.constant[self.states.slices[name]] = bias[:, i]
        for i, port, weights in driven:
            found = scipy.sparse.coo_array(weights)
            at, _ = self._keep(found.data)
            start, base = self.inputs.slices[port].start, self.states.slices[names[i]].start
            couplings += [
                (int(start + column), int(base + row), at + entry)
                for entry, (row, column) in enumerate(zip(found.row, found.col, strict=True))
            ]
        different, which = np.unique(matrix.reshape(n, -1), axis=0, return_inverse=True)
        free = different.reshape(-1, k, k)
        is_held = np.array([name in self.holders for name in names])
        held = np.where(is_held[:, None], 0.0, free)
        free_modes, held_modes = modes(free, np.zeros(k, bool)), modes(held, is_held)
        form = cells.MODES
        if free_modes is None or held_modes is None:
            form = cells.GENERAL
            free_modes, held_modes = _general(free, np.zeros(k, bool)), _general(held, is_held)
        systems = np.concatenate([free_modes, held_modes], axis=1)
        is_monotone = bool((free[:, ~np.eye(k, dtype=bool)] >= 0.0).all())
        watched = [term.source for event in self.events.slices for term in self.drives[event] if term.source in names]
        peaks_at = -1
        # What rests at a height, but for the watched state itself, may raise it more than what decays.
        rests = is_held & (np.array(names) != "".join(watched))
        if form == cells.MODES and is_monotone and len(watched) == 1 and not rests.any():
            peaks_at = systems.shape[1]
            systems = np.concatenate([systems, peaks(free_modes, k, names.index(watched[0]))], axis=1)
        at, _ = self._keep(systems.ravel())
        which = which.ravel()
        is_one = len(different) == 1
        numbers_at = self._place([tuple(which[:1].tolist() if is_one else which.tolist())])
        return (
            n, k, self.states.slices[names[0]].start, holder, first, form, numbers_at, int(not is_one), at,
            systems.shape[1], int(bool(driven)), int(is_monotone), peaks_at,
        )  # fmt: skip


def modes(matrix: np.ndarray, is_held: np.ndarray) -> np.ndarray | None:
    """Systems ``y' = A y + b`` in modes; None where this is no good form of them.

    Parameters
    ----------
    matrix : ndarray, shape (n, k, k)
        A of n systems [1/s].
    is_held : ndarray of bool, shape (k,)
        States that do not move; their rows of A are zero.

    Returns
    -------
    ndarray, shape (n, k + 3 k k), or None
        As in `neurosim.kernels.spike_cells`: rates [1/s], rising; modes as columns; the inverse; the matrix that makes
        the states' rest from b. None if states feed one another in a circle, do not decay, or have nearly the same time
        constant where one feeds the other.
    """
    n, k, _ = matrix.shape
    feeds = nx.DiGraph()
    feeds.add_nodes_from(range(k))
    feeds.add_edges_from((j, i) for i in range(k) for j in range(k) if i != j and matrix[:, i, j].any())
    if not nx.is_directed_acyclic_graph(feeds):
        return None
    own = np.einsum("nii->ni", matrix)
    if (own[:, ~is_held] >= 0.0).any():
        return None
    shapes, inverse, rest = np.zeros((3, n, k, k))
    order = list(nx.topological_sort(feeds))
    for place, i in enumerate(order):
        shapes[:, i, i] = inverse[:, i, i] = 1.0
        rest[:, i, i] = 0.0 if is_held[i] else -1.0 / own[:, i]
        for j in order[:place]:
            fed = np.einsum("nl,nl->n", matrix[:, i, order[:place]], shapes[:, order[:place], j])
            apart = own[:, j] - own[:, i]
            if (np.abs(apart[fed != 0.0]) < APART * np.maximum(-own[:, j], -own[:, i])[fed != 0.0]).any():
                return None
            shapes[:, i, j] = np.divide(fed, apart, out=np.zeros(n), where=fed != 0.0)
            if not is_held[i]:
                into = np.einsum("nl,nl->n", matrix[:, i, order[:place]], rest[:, order[:place], j])
                rest[:, i, j] = -into / own[:, i]
        for j in order[:place]:
            inverse[:, i, j] = -np.einsum("nl,nl->n", shapes[:, i, order[:place]], inverse[:, order[:place], j])
    rates = -own + 0.0
    rising = np.argsort(rates, axis=1, kind="stable")
    return np.concatenate([
        np.take_along_axis(rates, rising, 1), np.take_along_axis(shapes, rising[:, None, :], 2).reshape(n, -1),
        np.take_along_axis(inverse, rising[:, :, None], 1).reshape(n, -1), rest.reshape(n, -1),
    ], axis=1)  # fmt: skip


def peaks(systems: np.ndarray, k: int, watched: int) -> np.ndarray:
    """Bounds of what one unit of each of k states may ever make of the watched one, of systems as `modes` gives them.

    Between points in time a sum of exponentials is above its ends by at most an eighth of the interval's square times
    the second derivative.
    """
    n = len(systems)
    if n > TOGETHER:
        return np.concatenate([peaks(part, k, watched) for part in np.array_split(systems, -(-n // TOGETHER))])
    rates, shapes, inverse = systems[:, :k], systems[:, k : k + k * k], systems[:, k + k * k : k + 2 * k * k]
    amounts = shapes.reshape(n, k, k)[:, watched, :, None] * inverse.reshape(n, k, k)
    slowest = np.where(rates > 0.0, rates, np.inf).min(axis=1, keepdims=True)
    times = np.concatenate([np.zeros(1), np.geomspace(1e-3, 1.0, POINTS)]) * 40.0 / slowest
    faded = np.exp(-rates[:, :, None] * times[:, None, :])
    values = np.einsum("nmj,nmt->njt", amounts, faded)
    bends = np.einsum("nmj,nmt->njt", np.abs(amounts) * (rates * rates)[:, :, None], faded)[..., :-1]
    between = np.maximum(values[..., :-1], values[..., 1:]) + bends * (np.diff(times) ** 2 / 8.0)[:, None, :]
    found = np.maximum(between.max(axis=2), 0.0)
    found[:, watched] = 1.0
    return found


def _general(matrix: np.ndarray, is_held: np.ndarray) -> np.ndarray:
    """Systems as their matrices, with the largest magnitude of an eigenvalue [1/s]."""
    n = len(matrix)
    fastest = np.maximum(np.abs(np.linalg.eigvals(matrix)).max(axis=1), 1.0)
    return np.concatenate([matrix.reshape(n, -1), fastest[:, None], np.tile(1.0 * ~is_held, (n, 1))], axis=1)


def _room(widest: int) -> int:
    """Numbers that the compiled loop works with, where the largest cluster has so many states."""
    return 3 * widest + ROOM_OF_POLYNOMIAL
