"""A graph of spiking neurons on a grid of time: what `neurosim.kernels.spike_steps` runs.

Any graph with events qualifies whose states flow element by element between ticks. States that drive one another,
element by element, are one *cluster*: where they do so linearly (LIF neurons with any chain of synaptic states,
adaptation, traces) the propagator ``exp(A dt)`` of each of its elements is exact; maps and products between them are
stepped by `neurosim.graph.element_programs`. Meaning and order of what happens at a tick are those of
`neurosim.graph.events`; ticks fall on the grid, and a pulse that moves what an event watches needs a delay. Synapses
may be short-term plastic, or learn from the times of ticks (`neurosim.graph.spike_timing`); other rules need no dt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse

from neurosim.errors import ParameterError
from neurosim.graph.checks import check_graph, factors, memoryless_order
from neurosim.graph.edge_matrices import edge_matrix, is_diagonal, is_identity
from neurosim.graph.element_code import plain
from neurosim.graph.element_programs import (
    Drive,
    Elements,
    Node,
    check_noise,
    check_scheme,
    propagators,
    warn_of_coarse_steps,
    write_program,
)
from neurosim.graph.flatten import flatten
from neurosim.graph.functions import FUNCTIONS
from neurosim.graph.layout import layout_of
from neurosim.graph.linear_groups import linear_groups
from neurosim.graph.plasticity import check_rule, rule_name, settings_of, short_term_parameters
from neurosim.graph.signal_graph import RESETS, SignalGraph, noise_of
from neurosim.graph.spike_program import LearnedWeights, SpikeProgram
from neurosim.graph.spike_timing import RULES as TIMING_RULES
from neurosim.graph.spike_timing import spike_timing
from neurosim.kernels import element_program
from neurosim.kernels import spike_steps as words
from neurosim.kernels.spike_vectors import LANES

WHOLE = 1e-6
"""Part of a step by which a delay may differ from a whole number of steps."""


@dataclass(frozen=True)
class _Term:
    """What a source adds to a drive: ``matrix @ source``, after a delay; a plastic rule takes the place of a matrix."""

    source: str
    matrix: Any
    delay: float = 0.0
    plastic: Any = None


def compile_spikes(
    graph: SignalGraph, dt: float, *, scheme: str = "lawson2", substeps: int = 1,
    diffusion: Mapping[str, Any] | None = None,
) -> SpikeProgram:  # fmt: skip
    """Check a graph of spiking neurons and lay it out for steps of `dt` [s].

    Parameters
    ----------
    scheme : str
        Of states that flow nonlinearly, see `neurosim.graph.element_programs`.
    substeps : int
        Into how many steps a step is cut for them.
    diffusion : mapping of str to float or array_like, optional
        Noise on states, ``dy = f dt + g dW``, by state; beside what `SignalGraph.state` was given as `noise`.

    Raises
    ------
    ParameterError, UnknownNameError
        What is no such graph is refused by the name of the node or edge.
    """
    if not (isinstance(dt, (int, float, np.number)) and np.isfinite(dt) and dt > 0.0):
        raise ParameterError(f"dt = {dt!r} s must be a number, positive and finite")
    check_scheme(scheme, substeps)
    flat = flatten(graph, expand=False)
    check_noise(diffusion or {}, flat.of_kind("state"))
    noise = {**noise_of(flat), **(diffusion or {})}
    return _Compiler(flat, float(dt), tuple(check_graph(flat)), scheme, int(substeps), noise).build()


class _Compiler:
    needs_delays = True
    """Whether pulses that move what an event watches need a delay."""

    def __init__(
        self, flat: SignalGraph, dt: float, notes: tuple[str, ...], scheme: str, substeps: int, noise: dict[str, Any]
    ) -> None:
        self.flat, self.dt, self.notes, self.noise = flat, dt, notes, noise
        self.scheme, self.substeps, self.is_nonlinear = scheme, substeps, False
        self.registers, self.drawn = 1, 0
        self.table: list[np.ndarray] = []
        self.table_size = 0
        self.code: list[int] = []
        self.pointers: list[np.ndarray] = []
        self.targets: list[np.ndarray] = []
        self.strengths: list[np.ndarray] = []
        self.learned: dict[str, LearnedWeights] = {}
        self.leaks: dict[str, int] = {}
        # Of states that are stepped with what drives them: where the code says what threshold they are held against.
        self.hits = 0
        self.sizes = {"pointers": 0, "targets": 0, "strengths": 0, "memory": 0, "arrivals": 0}

    def build(self) -> SpikeProgram:
        flat = self.flat
        self._refuse_kinds()
        self.drives = {name: list(self._terms(name)) for name in flat.of_kind("state", "event")}
        self.nodes = self._nodes()
        self.given = self._given()
        self.events = layout_of(flat, flat.of_kind("event"))
        self.trains = layout_of(flat, list(self.given))
        self.inputs = layout_of(flat, [name for name in flat.inputs if name not in self.given])
        self.clusters = self._clusters()
        self.states = layout_of(flat, [name for names, _ in self.clusters for name in names])
        self.holders = self._holders()
        if not self.events.size:
            raise ParameterError(f"graph '{flat.title}' has no event: nothing in it spikes; leave out dt")
        self.constant = np.zeros(self.states.size)
        couplings: list[tuple[int, int, int]] = []
        clusters = [self._cluster(names, nodes, couplings) for names, nodes in self.clusters]
        projections = list(self._projections())
        events = self._event_records()
        delays = [record[words.DELAY] for record in projections]
        registers = element_program.BLOCK * max(self.registers, *(len(names) for names, _ in self.clusters))
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
            (words.COUPLINGS_AT, place(couplings)), (words.ELEMENTS, self.events.size), (words.NOISY, self.drawn),
            (words.NOISE_AT, registers), (words.FLOWING, self.states.size),
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
            self.sizes["memory"], self.sizes["arrivals"], registers + self.drawn,
            self.scheme if self.is_nonlinear else "", self.substeps, self.learned,
        )  # fmt: skip

    def _refuse_kinds(self) -> None:
        flat = self.flat
        for name, data in flat.nodes(data=True):
            what = ""
            if data["kind"] in ("hold", "host") or data.get("clock") is not None:
                what = "is on a clock" if data["kind"] != "host" else "is a Python procedure"
            elif data["kind"] == "product" and data["form"]:
                what = f"has the form '{data['form']}'"
            elif data["kind"] == "map" and (data.get("law") or FUNCTIONS[data["function"]].is_row_function):
                what = f"is {'a law' if data.get('law') else data['function']}"
            if what:
                raise ParameterError(
                    f"{data['kind']} '{name}' {what}: where dt is given, states flow element by element, through "
                    "functions and products of elements; leave out dt, and the engine integrates the graph"
                )

    def _is_linear(self, name: str) -> bool:
        """Whether a node is a map that passes a multiple of its sum on."""
        data = self.flat.nodes[name]
        return data["kind"] == "map" and data["function"] == "identity"

    def _nodes(self) -> dict[str, list[list[_Term]]]:
        """Maps and products behind which there are states, with the terms of each of their drives, sources first."""
        flat, found = self.flat, {}
        stack = [term.source for terms in self.drives.values() for term in terms]
        while stack:
            name = stack.pop()
            if name in found or name not in flat or flat.nodes[name]["kind"] not in ("map", "product"):
                continue
            slots = [None] if flat.nodes[name]["kind"] == "map" else [
                slot[0][1]["slot"] for slot in factors(flat, name)
            ]  # fmt: skip
            found[name] = [list(self._terms(name, slot)) for slot in slots]
            for term in (term for terms in found[name] for term in terms):
                if term.source in flat and flat.nodes[term.source]["kind"] == "event":
                    raise ParameterError(
                        f"event '{term.source}' sends its ticks into {flat.nodes[name]['kind']} '{name}': where dt is "
                        "given, ticks reach states through weights only; leave out dt"
                    )
                stack.append(term.source)
        return {name: found[name] for name in memoryless_order(flat) if name in found}

    def _terms(self, name: str, slot: int | None = None) -> Iterator[_Term]:
        """What drives a node (or a slot of a product), with linear maps between written out; biases come from ''."""
        flat, data = self.flat, self.flat.nodes[name]
        if data.get("bias") is not None:
            bias = flat.value_of(data["bias"], flat.size_of(name), f"'{name}', bias")
            yield _Term("", scipy.sparse.csr_array(bias[:, None]))
        for a, _, edge in flat.in_edges(name, data=True):
            if edge["role"] != "add" and not (edge["role"] == "factor" and edge["slot"] == slot):
                continue
            where = f"edge '{a}' -> '{name}'"
            if edge["plastic"]:
                check_rule(edge["plastic"], where)
                if flat.nodes[a]["kind"] != "event" or rule_name(edge["plastic"]) not in ("short_term", *TIMING_RULES):
                    raise ParameterError(
                        f"{where}: the rule '{rule_name(edge['plastic'])}' does not run with dt; leave out dt"
                    )
                yield _Term(str(a), None, edge["delay"], edge)
                continue
            matrix = edge_matrix(flat, str(a), name, edge)
            if not self._is_linear(str(a)):
                if edge["delay"] > 0.0 and flat.nodes[a]["kind"] != "event":
                    raise ParameterError(f"{where}: only ticks of events may have a delay where dt is given")
                yield _Term(str(a), matrix, edge["delay"])
                continue
            for term in self._terms(str(a)):
                if term.plastic is not None:
                    if not is_identity(matrix):
                        raise ParameterError(f"{where}: behind a plastic edge no further weight may follow")
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
            if len(terms) > 1 or not is_identity(ports[0].matrix):
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

    def _clusters(self) -> list[tuple[list[str], list[str]]]:
        """States that drive one another element by element, with the maps and products between them."""
        flat, links = self.flat, nx.Graph()
        links.add_nodes_from([*flat.of_kind("state"), *self.nodes])
        drives = [(name, self.drives[name]) for name in flat.of_kind("state")]
        drives += [(name, terms) for name, slots in self.nodes.items() for terms in slots]
        for name, terms in drives:
            for term in terms:
                if term.source in links:
                    if flat.size_of(term.source) != flat.size_of(name) or not is_diagonal(term.matrix):
                        raise ParameterError(
                            f"{flat.nodes[term.source]['kind']} '{term.source}' drives '{name}' with a matrix: where "
                            "dt is given, states drive one another element by element (ticks may go through any "
                            "matrix); leave out dt"
                        )
                    links.add_edge(term.source, name)
        order = {name: k for k, name in enumerate(flat.nodes)}
        parts = [sorted(part, key=order.__getitem__) for part in nx.connected_components(links)]
        return [
            ([n for n in part if n not in self.nodes], [n for n in self.nodes if n in set(part)]) for part in parts
        ]  # fmt: skip

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

    def _flow(
        self, names: list[str], nodes: list[str]
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[int, str, Any]], list[Drive], int]:  # fmt: skip
        """Matrix and bias of ``y' = A y + b`` of each element of a cluster; what inputs add (state, input, weights) and
        what its program adds to each state; the first element of the event that holds states, or -1."""
        flat, n, k = self.flat, self.flat.size_of(names[0]), len(names)
        matrix, bias = np.zeros((n, k, k)), np.zeros((n, k))
        driven: list[tuple[int, str, Any]] = []
        rates = [Drive() for _ in names]
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
                elif term.source in nodes or (nodes and term.source in self.holders and term.source != name):
                    # What rests is seen at rest: it is no part of the flow that is taken out.
                    rates[i].terms.append((term.source, plain(term.matrix.diagonal() / tau)))
                elif term.source in names:
                    matrix[:, i, names.index(term.source)] += term.matrix.diagonal() / tau
                elif flat.nodes[term.source]["kind"] == "port":
                    driven.append((i, term.source, scipy.sparse.diags_array(1.0 / tau) @ term.matrix))
        held_by = {self.holders[name] for name in names if name in self.holders}
        if len(held_by) > 1:
            raise ParameterError(f"states {', '.join(names)} drive one another and are held by several events")
        return matrix, bias, driven, rates, self.events.slices[held_by.pop()].start if held_by else -1

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
            smaller = ", it is shorter than dt" if delay < 1.0 else ""
            raise ParameterError(
                f"{where}: delay {term.delay:g} s is not a whole number of steps of dt = {self.dt:g} s{smaller}; take "
                f"dt = {term.delay:g} / {int(np.ceil(delay))} s, a delay of {max(1, round(delay)) * self.dt:g} s, or "
                "grid='free'"
            )
        return round(delay)

    def _cluster(
        self, names: list[str], nodes: list[str], couplings: list[tuple[int, int, int]]
    ) -> tuple[int, ...]:  # fmt: skip
        """Record of a cluster; its terms or program go into the code, what inputs add into `couplings`."""
        matrix, bias, driven, rates, holder = self._flow(names, nodes)
        n, k = bias.shape
        propagator, integral = propagators(matrix, self.dt)
        constant = np.einsum("eij,ej->ei", integral, bias)
        reached = {j for i, *_ in driven for j in range(k) if integral[:, j, i].any()}
        terms_at = words.HEAD + len(self.code)
        program_end = 0
        resting = np.array([name in self.holders for name in names])
        is_seen_at_rest = bool(matrix[:, ~resting][:, :, resting].any())
        if nodes or is_seen_at_rest or any(name in self.noise for name in names):
            self._program(names, nodes, matrix, constant, rates, reached, couplings)
            program_end = words.HEAD + len(self.code)
        else:
            self._linear(names, propagator, constant, reached)
        for j, name in enumerate(names):
            place = self.states.slices[name].start
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
        return n, k, self.states.slices[names[0]].start, holder, terms_at, program_end

    def _linear(self, names: list[str], propagator: np.ndarray, constant: np.ndarray, reached: set[int]) -> None:
        """Write the groups of states of a linear cluster."""
        begin, slices = len(self.code), self.states.slices
        held, driven = [n in self.holders for n in names], constant.any(0) | np.isin(np.arange(len(names)), [*reached])
        code, leaks = linear_groups(propagator, [slices[n].start for n in names], held, driven.tolist(), self._number)
        self.code += code
        self.leaks.update({names[j]: begin + at for j, at in leaks.items()})

    def _program(
        self, names: list[str], nodes: list[str], matrix: np.ndarray, constant: np.ndarray, rates: list[Drive],
        reached: set[int], couplings: list[tuple[int, int, int]],
    ) -> None:  # fmt: skip
        """Write the program of a cluster with maps, products or noise."""
        flat, n = self.flat, self.flat.size_of(names[0])
        made = []
        for name in nodes:
            data = flat.nodes[name]
            drives = [self._drive_of_node(terms, n, couplings) for terms in self.nodes[name]]
            if data["kind"] == "product":
                made.append(Node(name, drives))
            else:
                function = FUNCTIONS[data["function"]]
                made.append(Node(name, drives, function.number, data["argument"] or 0.0, data["gain"]))
        noise = np.zeros((n, len(names)))
        for i, name in enumerate(names):
            if name in self.noise:
                noise[:, i] = flat.value_of(self.noise[name], n, f"state '{name}', noise")
        if not (noise >= 0.0).all():
            raise ParameterError(f"the noise of states {', '.join(names)} must be zero or more")
        self.is_nonlinear = self.is_nonlinear or bool(nodes)
        elements = Elements(
            n, self.states.slices[names[0]].start, names, matrix, constant,
            [self.states.slices[name].start if j in reached else -1 for j, name in enumerate(names)],
            made, rates, {name for name in names if name in self.holders}, noise,
        )  # fmt: skip
        self.notes += warn_of_coarse_steps(flat, elements, self.dt / self.substeps, self.scheme)
        made_of = elements, self.dt, self.scheme, self.substeps, self.drawn, self._number
        code, registers, drawn = write_program(*made_of)
        self.code += code
        self.registers, self.drawn = max(self.registers, registers), self.drawn + drawn

    def _drive_of_node(self, terms: list[_Term], n: int, couplings: list[tuple[int, int, int]]) -> Drive:
        """Drive of a map or product; what inputs add to it gets a place of its own behind the states in q."""
        drive, bias, found = Drive(), np.zeros(n), []
        for term in terms:
            if term.source == "":
                bias += term.matrix.toarray().ravel()
            elif self.flat.nodes[term.source]["kind"] == "port":
                found.append((term.source, term.matrix.tocoo()))
            else:
                drive.terms.append((term.source, plain(term.matrix.diagonal())))
        drive.bias = plain(bias)
        if found:
            drive.place = self.constant.size
            self.constant = np.concatenate([self.constant, bias])
        for port, weights in found:
            first, _ = self._keep(weights.data)
            start = self.inputs.slices[port].start
            couplings += [
                (int(start + weights.col[e]), int(drive.place + weights.row[e]), first + e) for e in range(weights.nnz)
            ]
        return drive

    def _event_records(self) -> list[tuple[int, ...]]:
        flat, records = self.flat, []
        for event, part in self.events.slices.items():
            n = part.stop - part.start
            if event in self.given.values():
                records.append((n, -1, 0, 0, 0, 0, part.start, 0, 0, 0, 0, -1))
                continue
            terms = self.drives[event]
            watched = [t for t in terms if t.source in self.states.slices]
            level = flat.value_of(flat.nodes[event]["threshold"], n, f"event '{event}', threshold")
            gain = watched[0].matrix.diagonal() if len(watched) == 1 and is_diagonal(watched[0].matrix) else None
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
                words.HEAD + len(self.code), 0, 0, self._hits(watched[0].source, n, *threshold),
            ))  # fmt: skip
        return records

    def _hits(self, state: str, n: int, threshold: int, varies: int) -> int:
        """Where bits say which elements of a state are at the threshold, if they are found while it is stepped."""
        place = self.leaks.get(state)
        moved = any(term.source in self.events.slices for term in self.drives[state])
        if place is None or varies or moved or self.code[place] >= 0:
            return -1
        self.code[place : place + 2] = [threshold, self.hits]
        self.hits += (n + 63) // 64
        return self.code[place + 1]

    def _projections(self) -> Iterator[tuple[int, ...]]:
        order = list(self.events.slices)
        for target, terms in self.drives.items():
            if target not in self.states.slices:
                continue
            for term in terms:
                if term.source not in self.events.slices:
                    continue
                where = f"edge '{term.source}' -> '{target}'"
                delay = self._delay(term, where)
                source, holder = self.events.slices[term.source], self.holders.get(target)
                sources, remembered, noted = source.stop - source.start, 0, 0
                if term.plastic is not None and rule_name(term.plastic["plastic"]) in TIMING_RULES:
                    kind, uniform, stride = words.LEARNING, False, 0
                    by_source, first = self._learning(term, target)
                    weights_at = self.learned[term.plastic["weight"]].part.start
                    remembered, noted = 2 * (sources + by_source.shape[0]), sources + by_source.shape[0]
                else:
                    kind, first, stride, matrix = words.STATIC, 0, 0, term.matrix
                    if term.plastic is not None:
                        kind, (matrix, parameters) = words.SHORT_TERM, self._short_term(term, where)
                        first, stride = self._parameters(parameters)
                        remembered, noted = 2 * matrix.nnz + LANES, sources
                    by_source = scipy.sparse.csc_array(matrix)
                    by_source.sum_duplicates()
                    weights = by_source.data
                    uniform = weights.size > 0 and (weights == weights[0]).all()
                    weights_at = self._append("strengths", weights[:1] if uniform else weights)
                yield (
                    order.index(term.source), source.start, sources, self._append("pointers", by_source.indptr),
                    self.states.slices[target].start, self._append("targets", by_source.indices), by_source.nnz,
                    weights_at, int(not uniform), delay, kind, first, stride,
                    -1 if holder is None else self.events.slices[holder].start, self._reserve("memory", remembered),
                    self._reserve("arrivals", noted),
                )  # fmt: skip

    def _learning(self, term: _Term, target: str) -> tuple[Any, int]:
        """Synapses of a projection that learns, by their sources, and the place of its rule in the code."""
        edge, weight = term.plastic, term.plastic["weight"]
        settings = settings_of(self.flat, term.source, target, edge)
        rule = spike_timing(self.flat, term.source, weight, settings, f"edge '{term.source}' -> '{target}'")
        value = self.flat.parameters[weight].value
        # All pairs have a synapse where the weight is dense: what is 0 now may grow.
        n, m = shape = value.shape
        if hasattr(value, "tocsr"):
            by_source = scipy.sparse.csc_array(value)
        else:
            ends = np.arange(0, n * m + 1, n), np.tile(np.arange(n), m)
            by_source = scipy.sparse.csc_array((value.T.ravel(), ends[1], ends[0]), shape=shape)
        rows, columns = by_source.indices, np.repeat(np.arange(m), np.diff(by_source.indptr))
        start = self.states.size + sum(other.values.size for other in self.learned.values())
        part = slice(start, start + by_source.nnz)
        self.learned[weight] = LearnedWeights(part, shape, rows, columns, np.array(by_source.data))
        by_target = np.argsort(rows, kind="stable")
        low, high = rule.bounds or (-np.inf, np.inf)
        rates = self.dt / np.array([rule.tau_plus, rule.tau_minus, rule.tau_x, rule.tau_y])
        constants = [rule.pair_plus, rule.triplet_plus, rule.pair_minus, rule.triplet_minus, *rates, low, high]
        place = words.HEAD + len(self.code)
        self.code += [
            list(self.events.slices).index(rule.post), self.events.slices[rule.post].start,
            self._append("pointers", np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])),
            self._append("targets", by_target), self._append("targets", columns[by_target]),
            self._keep(np.array([*constants, edge["gain"]]))[0], int(rule.is_nearest), int(rule.is_soft),
        ]  # fmt: skip
        return by_source, place

    def _short_term(self, term: _Term, where: str) -> tuple[Any, list[np.ndarray]]:
        """Weights of a projection with short-term plasticity, and U, 1/D, 1/F [1/steps] of its synapses by source."""
        weights = scipy.sparse.csc_array(edge_matrix(self.flat, term.source, "", term.plastic))
        weights.sum_duplicates()
        use, recovery, facilitation = short_term_parameters(self.flat, term.plastic, weights, where)
        return weights, [use, self.dt / recovery, self.dt / facilitation]

    def _parameters(self, arrays: list[np.ndarray]) -> tuple[int, int]:
        """Place of arrays one after the other, and 0 where none varies."""
        if all(a.size == 0 or (a == a[0]).all() for a in arrays):
            return self._keep(np.array([a[0] if a.size else 0.0 for a in arrays]))[0], 0
        return self._keep(np.concatenate([*arrays, np.zeros(LANES)]))[0], 1

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


def _joined(parts: list[np.ndarray], dtype: Any = float) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *(np.asarray(part, dtype) for part in parts)])
