"""A graph of spiking neurons on a grid of time: what `neurosim.kernels.spike_steps` runs.

Any graph with events qualifies whose states flow linearly and element by element between ticks: LIF neurons with any
chain of synaptic states, adaptation, traces. States that drive one another, element by element, are one *cluster*; the
propagator ``exp(A dt)`` of each of its elements is exact. Meaning and order of what happens at a tick are those of
`neurosim.graph.events`; ticks fall on the grid, and a pulse that moves what an event watches needs a delay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import scipy.linalg
import scipy.sparse

from neurosim.errors import ParameterError
from neurosim.graph.checks import check_graph
from neurosim.graph.flatten import flatten
from neurosim.graph.layout import Layout, layout_of
from neurosim.graph.plasticity import rule_name, short_term_parameters
from neurosim.graph.signal_graph import RESETS, SignalGraph
from neurosim.kernels import spike_steps as words

WHOLE = 1e-6
"""Part of a step by which a delay may differ from a whole number of steps."""


@dataclass(frozen=True)
class SpikeProgram:
    """A compiled graph of spiking neurons for one step dt; the arrays are those of `neurosim.kernels.spike_steps`.

    Attributes
    ----------
    graph : SignalGraph
        Flat.
    dt : float
        Step [s].
    states, events, inputs, trains : Layout
        Where named arrays lie in the states, among the elements of events, in a row of inputs; `trains` are the inputs
        that make events tick.
    given : dict of str to str
        The event that each of `trains` makes tick.
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
    widest: int

    @cached_property
    def slots(self) -> int:
        """Steps for which ticks are kept."""
        return int(self.code[words.SLOTS])

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        return int(self.targets.size)


@dataclass(frozen=True)
class _Term:
    """What a source adds to a drive: ``matrix @ source``, after a delay; a plastic rule takes the place of a matrix."""

    source: str
    matrix: Any
    delay: float = 0.0
    plastic: Any = None


def compile_spikes(graph: SignalGraph, dt: float) -> SpikeProgram:
    """Check a graph of spiking neurons and lay it out for steps of `dt` [s].

    Raises
    ------
    ParameterError, UnknownNameError
        What is no such graph is refused by the name of the node or edge.
    """
    if not (np.isfinite(dt) and dt > 0.0):
        raise ParameterError(f"dt = {dt!r} s must be positive and finite")
    flat = flatten(graph, expand=False)
    return _Compiler(flat, float(dt), tuple(check_graph(flat))).build()


class _Compiler:
    needs_delays = True
    """Whether pulses that move what an event watches need a delay."""

    def __init__(self, flat: SignalGraph, dt: float, notes: tuple[str, ...]) -> None:
        self.flat, self.dt, self.notes = flat, dt, notes
        self.table: list[np.ndarray] = []
        self.table_size = 0
        self.code: list[int] = []
        self.pointers: list[np.ndarray] = []
        self.targets: list[np.ndarray] = []
        self.strengths: list[np.ndarray] = []
        self.sizes = {"pointers": 0, "targets": 0, "strengths": 0, "memory": 0, "arrivals": 0}

    def build(self) -> SpikeProgram:
        flat = self.flat
        self._refuse_kinds()
        self.drives = {name: list(self._terms(name)) for name in flat.of_kind("state", "event")}
        self.given = self._given()
        self.events = layout_of(flat, flat.of_kind("event"))
        self.trains = layout_of(flat, list(self.given))
        self.inputs = layout_of(flat, [name for name in flat.inputs if name not in self.given])
        self.clusters = self._clusters()
        self.states = layout_of(flat, [name for cluster in self.clusters for name in cluster])
        self.holders = self._holders()
        if not self.events.size:
            raise ParameterError(f"graph '{flat.title}' has no event: nothing in it spikes; leave out dt")
        self.constant = np.zeros(self.states.size)
        couplings: list[tuple[int, int, int]] = []
        clusters = [self._cluster(names, couplings) for names in self.clusters]
        projections = list(self._projections())
        events = self._event_records()
        delays = [record[words.DELAY] for record in projections]
        head = np.zeros(words.HEAD, np.int64)
        parts: list[int] = []
        at = words.HEAD + len(self.code)

        def place(records: list[tuple[int, ...]]) -> int:
            start = at + len(parts)
            for record in records:
                parts.extend(record)
            return start

        for key, value in (
            (words.CLUSTERS, len(clusters)), (words.CLUSTERS_AT, place(clusters)), (words.EVENTS, len(events)),
            (words.EVENTS_AT, place(events)), (words.PROJECTIONS, len(projections)),
            (words.PROJECTIONS_AT, place(projections)), (words.SLOTS, 1 + max(delays, default=0)),
            (words.INPUTS, self.inputs.size), (words.COUPLINGS, len(couplings)),
            (words.COUPLINGS_AT, place(couplings)), (words.ELEMENTS, self.events.size),
        ):  # fmt: skip
            head[key] = value
        initial = [
            flat.value_of(flat.nodes[name]["initial"], flat.size_of(name), f"state '{name}', initial")
            for name in self.states.slices
        ]
        return SpikeProgram(
            flat, self.dt, self.notes, self.states, self.events, self.inputs, self.trains, self.given,
            _joined(initial), np.concatenate([head, np.array([*self.code, *parts], np.int64)]), _joined(self.table),
            self.constant, _joined(self.pointers, np.int64), _joined(self.targets, np.int32), _joined(self.strengths),
            self.sizes["memory"], self.sizes["arrivals"], max((len(names) for names in self.clusters), default=0),
        )  # fmt: skip

    def _refuse_kinds(self) -> None:
        flat = self.flat
        for name, data in flat.nodes(data=True):
            what = ""
            if data["kind"] == "product":
                what = "multiplies values"
            elif data["kind"] == "map" and (data["function"] != "identity" or data.get("law") is not None):
                what = "is not linear"
            elif data["kind"] in ("hold", "host") or data.get("clock") is not None:
                what = "is on a clock" if data["kind"] != "host" else "is a Python procedure"
            if what:
                raise ParameterError(
                    f"{data['kind']} '{name}' {what}: exact steps need states that flow linearly, element by element; "
                    "leave out dt, and the engine integrates the graph"
                )

    def _terms(self, name: str) -> Iterator[_Term]:
        """What drives a node, with memoryless nodes between written out; biases come from the source ''."""
        flat, data = self.flat, self.flat.nodes[name]
        if data.get("bias") is not None:
            bias = flat.value_of(data["bias"], flat.size_of(name), f"'{name}', bias")
            yield _Term("", scipy.sparse.csr_array(bias[:, None]))
        for a, _, edge in flat.in_edges(name, data=True):
            if edge["role"] != "add":
                continue
            where = f"edge '{a}' -> '{name}'"
            if edge["plastic"]:
                if flat.nodes[a]["kind"] != "event" or rule_name(edge["plastic"]) != "short_term":
                    raise ParameterError(
                        f"{where}: the rule '{rule_name(edge['plastic'])}' does not run with dt; leave out dt"
                    )
                yield _Term(str(a), None, edge["delay"], edge)
                continue
            matrix = _matrix(flat, str(a), name, edge)
            if flat.nodes[a]["kind"] != "map":
                if edge["delay"] > 0.0 and flat.nodes[a]["kind"] != "event":
                    raise ParameterError(f"{where}: only ticks of events may have a delay where dt is given")
                yield _Term(str(a), matrix, edge["delay"])
                continue
            for term in self._terms(str(a)):
                if term.plastic is not None:
                    if not _is_identity(matrix):
                        raise ParameterError(f"{where}: behind short-term plasticity no further weight may follow")
                    yield _Term(term.source, None, term.delay + edge["delay"], term.plastic)
                else:
                    gain = flat.nodes[a]["gain"]
                    yield _Term(term.source, gain * (matrix @ term.matrix), term.delay + edge["delay"])

    def _given(self) -> dict[str, str]:
        """Inputs that make events tick, each with its event."""
        flat, found = self.flat, {}
        for event in flat.of_kind("event"):
            terms = self.drives[event]
            ports = [t for t in terms if t.source in flat and flat.nodes[t.source]["kind"] == "port"]
            if not ports:
                continue
            if len(terms) > 1 or not _is_identity(ports[0].matrix):
                raise ParameterError(
                    f"event '{event}' watches input '{ports[0].source}' and more, or a part of it: where dt is given, "
                    "an input makes an event of its own size tick by itself"
                )
            found[ports[0].source] = event
        for name, terms in self.drives.items():
            for term in terms:
                if term.source in found and flat.nodes[name]["kind"] == "state":
                    raise ParameterError(f"input '{term.source}' makes events tick, and also drives state '{name}'")
        return found

    def _clusters(self) -> list[list[str]]:
        """States that drive one another element by element, those that feed first."""
        flat, links = self.flat, nx.Graph()
        links.add_nodes_from(flat.of_kind("state"))
        for name in flat.of_kind("state"):
            for term in self.drives[name]:
                if term.source in links:
                    if flat.size_of(term.source) != flat.size_of(name) or not _is_diagonal(term.matrix):
                        raise ParameterError(
                            f"state '{term.source}' drives '{name}' with a matrix: where dt is given, states drive one "
                            "another element by element (ticks may go through any matrix); leave out dt"
                        )
                    links.add_edge(term.source, name)
        order = {name: k for k, name in enumerate(flat.nodes)}
        return [sorted(part, key=order.__getitem__) for part in nx.connected_components(links)]

    def _holders(self) -> dict[str, str]:
        """For each state that a refractory time holds, the event whose it is."""
        flat, found = self.flat, {}
        for event in self.events.slices:
            if not self._steps_of_pause(event).any():
                continue
            for _, target, edge in flat.out_edges(event, data=True):
                if edge["role"] == "reset":
                    if target in found or edge["target_part"] or flat.size_of(target) != flat.size_of(event):
                        raise ParameterError(
                            f"state '{target}' is held by two refractory events, or in a part: where dt is given, one "
                            "event of its own size may hold it"
                        )
                    found[target] = event
        return found

    def _steps_of_pause(self, event: str) -> np.ndarray:
        pause = self.flat.value_of(self.flat.nodes[event]["refractory"], self.flat.size_of(event), f"event '{event}'")
        return np.ceil(pause / self.dt - WHOLE).astype(np.int64)

    def _flow(self, names: list[str]) -> tuple[np.ndarray, np.ndarray, list[tuple[int, str, Any]], int]:
        """Matrix and bias of ``y' = A y + b`` for each element of a cluster; what inputs add, as state, input and
        weights; the first element of the event that holds states, or -1."""
        flat, n, k = self.flat, self.flat.size_of(names[0]), len(names)
        matrix, bias = np.zeros((n, k, k)), np.zeros((n, k))
        driven: list[tuple[int, str, Any]] = []
        for i, name in enumerate(names):
            data, where = flat.nodes[name], f"state '{name}'"
            tau = flat.value_of(data["time_constant"], n, f"{where}, time_constant")
            if not (tau > 0.0).all():
                raise ParameterError(f"{where}: time constant {tau.min():g} s must be positive")
            if data["bounds"] is not None:
                raise ParameterError(f"{where} has bounds, which exact steps do not keep; leave out dt")
            matrix[:, i, i] -= flat.value_of(data["leak"], n, f"{where}, leak") / tau
            for term in self.drives[name]:
                if term.source == "":
                    bias[:, i] += term.matrix.toarray().ravel() / tau
                elif term.source in names:
                    matrix[:, i, names.index(term.source)] += term.matrix.diagonal() / tau
                elif flat.nodes[term.source]["kind"] == "port":
                    driven.append((i, term.source, scipy.sparse.diags_array(1.0 / tau) @ term.matrix))
        held_by = {self.holders[name] for name in names if name in self.holders}
        if len(held_by) > 1:
            raise ParameterError(f"states {', '.join(names)} drive one another and are held by several events")
        return matrix, bias, driven, self.events.slices[held_by.pop()].start if held_by else -1

    def _pauses(self, event: str) -> tuple[int, int]:
        """Place of the refractory times of an event's elements, and 0 where all are the same."""
        pause = self._steps_of_pause(event)
        spread = int(not (pause == pause[0]).all())
        self.code += pause.tolist() if spread else [int(pause[0])]
        return words.HEAD + len(self.code) - (pause.size if spread else 1), spread

    def _delay(self, term: _Term, where: str) -> int:
        """Delay of a projection in steps."""
        delay = term.delay / self.dt
        if abs(delay - round(delay)) > WHOLE * max(1.0, delay):
            smaller = f"; it is shorter than dt = {self.dt:g} s" if delay < 1.0 else ""
            raise ParameterError(
                f"{where}: delay {term.delay:g} s is not a whole number of steps of {self.dt:g} s{smaller}"
            )
        return round(delay)

    def _cluster(self, names: list[str], couplings: list[tuple[int, int, int]]) -> tuple[int, ...]:
        """Record of a cluster; its terms go into the code, what inputs add into `couplings`."""
        matrix, bias, driven, holder = self._flow(names)
        n, k = bias.shape
        propagator, integral = propagators(matrix, self.dt)
        constant = np.einsum("eij,ej->ei", integral, bias)
        reached = {j for i, *_ in driven for j in range(k) if integral[:, j, i].any()}
        terms_at = words.HEAD + len(self.code)
        for j, name in enumerate(names):
            place = self.states.slices[name].start
            factors = [(i, propagator[:, j, i]) for i in range(k) if propagator[:, j, i].any()]
            has_drive = constant[:, j].any() or j in reached
            self.code += [place if has_drive else -1, int(name in self.holders), len(factors)]
            for i, values in factors:
                self.code += [i, *self._number(values)]
            self.constant[place : place + n] = constant[:, j]
        for i, port, weights in driven:
            found = weights.tocoo()
            for j in range(k):
                values = integral[found.row, j, i] * found.data
                used = np.flatnonzero(values)
                first, _ = self._keep(values[used])
                start, base = self.inputs.slices[port].start, self.states.slices[names[j]].start
                couplings += [
                    (int(start + found.col[e]), int(base + found.row[e]), first + at) for at, e in enumerate(used)
                ]
        return n, k, self.states.slices[names[0]].start, holder, terms_at

    def _event_records(self) -> list[tuple[int, ...]]:
        flat, records = self.flat, []
        for event, part in self.events.slices.items():
            n = part.stop - part.start
            if event in self.given.values():
                records.append((n, -1, 0, 0, 0, 0, part.start, 0, 0, 0, 0))
                continue
            terms = self.drives[event]
            watched = [t for t in terms if t.source in self.states.slices]
            level = flat.value_of(flat.nodes[event]["threshold"], n, f"event '{event}', threshold")
            gain = watched[0].matrix.diagonal() if len(watched) == 1 and _is_diagonal(watched[0].matrix) else None
            if gain is None or not (gain > 0.0).all() or any(t.source not in ("", watched[0].source) for t in terms):
                raise ParameterError(
                    f"event '{event}': where dt is given, an event watches one state of its own size, with a positive "
                    "weight; leave out dt"
                )
            for term in terms:
                if term.source == "":
                    level = level - term.matrix.toarray().ravel()
            for term in self.drives[watched[0].source] if self.needs_delays else ():
                if term.source in self.events.slices and term.delay == 0.0:
                    raise ParameterError(
                        f"event '{term.source}' moves '{watched[0].source}', which an event watches, at the instant of "
                        f"its tick: where dt is given, such an edge needs a delay of one step ({self.dt:g} s) or more"
                    )
            threshold = self._number(level / gain)
            pause = self._pauses(event)
            first = words.HEAD + len(self.code)
            for _, target, edge in flat.out_edges(event, data=True):
                if edge["role"] == "reset":
                    where = f"edge '{event}' -> '{target}'"
                    if edge["target_part"] or edge["source_part"] or flat.size_of(target) != n:
                        raise ParameterError(f"{where}: where dt is given, a reset is of all elements, one by one")
                    kind = next(key for key in RESETS if edge.get(key) is not None)
                    value = flat.value_of(edge[kind], n, f"{where}, {kind}")
                    self.code += [RESETS.index(kind), self.states.slices[target].start, *self._number(value)]
            records.append((
                n, self.states.slices[watched[0].source].start, *threshold, *pause, part.start, first,
                words.HEAD + len(self.code), 0, 0,
            ))  # fmt: skip
        return records

    def _projections(self) -> Iterator[tuple[int, ...]]:
        order = list(self.events.slices)
        for target, terms in self.drives.items():
            if target not in self.states.slices:
                continue
            for term in terms:
                if term.source not in self.events.slices:
                    continue
                where = f"edge '{term.source}' -> '{target}'"
                matrix, parameters = (term.matrix, None) if term.plastic is None else self._short_term(term, where)
                by_source = scipy.sparse.csc_array(matrix)
                by_source.sum_duplicates()
                weights = by_source.data
                uniform = weights.size > 0 and (weights == weights[0]).all()
                holder = self.holders.get(target)
                delay = self._delay(term, where)
                kind = words.STATIC if parameters is None else words.SHORT_TERM
                first, stride = (0, 0) if parameters is None else self._parameters(parameters)
                source = self.events.slices[term.source]
                yield (
                    order.index(term.source), source.start, source.stop - source.start,
                    self._append("pointers", by_source.indptr), self.states.slices[target].start,
                    self._append("targets", by_source.indices), weights.size,
                    self._append("strengths", weights[:1] if uniform else weights), int(not uniform), delay,
                    kind, first, stride, -1 if holder is None else self.events.slices[holder].start,
                    self._reserve("memory", 2 * weights.size * kind),
                    self._reserve("arrivals", (source.stop - source.start) * kind),
                )  # fmt: skip

    def _short_term(self, term: _Term, where: str) -> tuple[Any, list[np.ndarray]]:
        """Weights of a projection with short-term plasticity, and U, 1/D, 1/F [1/steps] of its synapses by source."""
        weights = scipy.sparse.csc_array(_matrix(self.flat, term.source, "", term.plastic))
        weights.sum_duplicates()
        use, recovery, facilitation = short_term_parameters(self.flat, term.plastic, weights, where)
        return weights, [use, self.dt / recovery, self.dt / facilitation]

    def _parameters(self, arrays: list[np.ndarray]) -> tuple[int, int]:
        """Place of arrays one after the other, and 0 where none varies."""
        if all(a.size == 0 or (a == a[0]).all() for a in arrays):
            return self._keep(np.array([a[0] if a.size else 0.0 for a in arrays]))[0], 0
        return self._keep(np.concatenate(arrays))[0], 1

    def _number(self, values: np.ndarray) -> tuple[int, int]:
        """Place of values, and 0 where all are the same."""
        uniform = bool((values == values[0]).all())
        return self._keep(values[:1] if uniform else values)[0], int(not uniform)

    def _keep(self, values: np.ndarray) -> tuple[int, int]:
        self.table.append(np.asarray(values, float))
        self.table_size += values.size
        return self.table_size - values.size, values.size

    def _append(self, name: str, values: np.ndarray) -> int:
        getattr(self, name).append(values)
        return self._reserve(name, values.size)

    def _reserve(self, name: str, size: int) -> int:
        self.sizes[name] += size
        return self.sizes[name] - size


def propagators(matrix: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """``exp(A dt)`` and its integral over the step of systems ``y' = A y + b``.

    Parameters
    ----------
    matrix : ndarray, shape (n, k, k)
        A of n small systems [1/s].
    dt : float
        Seconds.

    Returns
    -------
    propagator, integral : ndarray, shape (n, k, k)
        ``y(dt) = propagator y + integral b``.
    """
    n, k, _ = matrix.shape
    different, where = np.unique(matrix.reshape(n, -1), axis=0, return_inverse=True)
    augmented = np.zeros((len(different), 2 * k, 2 * k))
    augmented[:, :k, :k] = different.reshape(-1, k, k) * dt
    augmented[:, np.arange(k), np.arange(k, 2 * k)] = dt
    made = scipy.linalg.expm(augmented)[where.ravel()]
    return made[:, :k, :k], made[:, :k, k:]


def _matrix(flat: SignalGraph, source: str, target: str, edge: Any) -> Any:
    """Sparse matrix (elements of the target, of the source) of an edge, its gain included."""
    m = flat.size_of(source)
    low, high = edge["source_part"] or (0, m)
    if edge["weight"] is None:
        core = scipy.sparse.eye_array(high - low, format="csr")
    else:
        value = flat.parameters[edge["weight"]].value
        if not hasattr(value, "tocsr") and value.ndim < 2:
            core = scipy.sparse.diags_array(np.broadcast_to(value, high - low), format="csr")
        else:
            core = scipy.sparse.csr_array(value)
            core = core.T if edge["transpose"] else core
    core = core * edge["gain"]
    if target and (edge["source_part"] or edge["target_part"]):
        found, first = core.tocoo(), (edge["target_part"] or (0, 0))[0]
        core = scipy.sparse.csr_array(
            (found.data, (found.row + first, found.col + low)), shape=(flat.size_of(target), m)
        )
    return core


def _is_diagonal(matrix: Any) -> bool:
    found = matrix.tocoo()
    return bool((found.row == found.col).all())


def _is_identity(matrix: Any) -> bool:
    return matrix.shape[0] == matrix.shape[1] and _is_diagonal(matrix) and bool((matrix.diagonal() == 1.0).all())


def _joined(parts: list[np.ndarray], dtype: Any = float) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *(np.asarray(part, dtype) for part in parts)])
