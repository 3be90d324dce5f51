"""Turn a SignalGraph into an array program: what every target runs, linearises and trains."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.checks import check_graph, factors, memoryless_order
from neurosim.graph.delays import Delay, without_delays
from neurosim.graph.flatten import flatten
from neurosim.graph.functions import function_of
from neurosim.graph.layout import Layout, layout_of
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import array_program as ap
from neurosim.kernels.array_law import work_size
from neurosim.kernels.named_law import Law


@dataclass(frozen=True)
class Program:
    """A compiled graph: arrays for `neurosim.kernels.array_program`, and what their parts mean.

    Attributes
    ----------
    graph : SignalGraph
        Flat.
    code : ndarray of int64
    p : ndarray of float64
        Parameters, then constants.
    states, inputs, outputs, parameters : Layout
    time_constant : ndarray, shape (states.size,)
        Seconds; NaN for what jumps at a clock.
    leak, initial : ndarray, shape (states.size,)
    notes : tuple of str
        Of the checks.
    laws : tuple of (int, Law)
        Places in `code` that hold the addresses of laws, which differ from process to process.
    delays : tuple of Delay
        Inputs that carry the past of states.
    """

    graph: SignalGraph
    code: np.ndarray
    p: np.ndarray
    states: Layout
    inputs: Layout
    outputs: Layout
    parameters: Layout
    time_constant: np.ndarray
    leak: np.ndarray
    initial: np.ndarray
    notes: tuple[str, ...]
    laws: tuple[tuple[int, Law], ...] = ()
    delays: tuple[Delay, ...] = ()

    def __post_init__(self) -> None:
        for place, law in self.laws:
            self.code[place] = law.address

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self.__post_init__()

    def identity(self, code: np.ndarray) -> bytes:
        """The bytes of `code`, which begins with that of the program, with what laws are instead of where they are."""
        same = code.copy()
        for place, _ in self.laws:
            same[place] = 0
        return same.tobytes() + "".join(law.recorded.key for _, law in self.laws).encode()

    @property
    def is_clocked(self) -> np.ndarray:
        """Which states jump at a clock and do not flow."""
        return np.isnan(self.time_constant)

    @cached_property
    def is_hold(self) -> np.ndarray:
        """Which states are samples of holds."""
        made = np.zeros(self.states.size, dtype=bool)
        for name, part in self.states.slices.items():
            made[part] = self.graph.nodes[name]["kind"] == "hold"
        return made

    @cached_property
    def transposed(self) -> np.ndarray:
        """The parameters with their dense weights transposed, for the interpreter."""
        pt = np.empty_like(self.p)
        ap.transpose_weights(self.code, self.p, pt)
        return pt

    def with_parameters(self, vector: np.ndarray) -> Program:
        """The same program with other parameter values, shape (parameters.size,)."""
        made = copy(self)
        made.__dict__.pop("transposed", None)
        object.__setattr__(made, "p", self.p.copy())
        made.p[: self.parameters.size] = vector
        return made

    def drive(self, y: Any, u: Any = ()) -> np.ndarray:
        """G(y, u): what drives each state; y (..., states.size), u (..., inputs.size)."""
        return self._run(y, u, ap.FIRST, ap.MIDDLE, ap.DRIVE_AT, self.states)[1]

    def output(self, y: Any, u: Any = ()) -> np.ndarray:
        """Values of the output ports, shape (..., outputs.size)."""
        return self._run(y, u, ap.MIDDLE, ap.LAST, ap.OUTPUT_AT, self.outputs)[1]

    def flow(self, y: Any, u: Any = ()) -> np.ndarray:
        """dy/dt; 0 for what jumps at a clock."""
        y = np.asarray(y, dtype=float)
        with np.errstate(invalid="ignore"):
            rate = (self.drive(y, u) - self.leak * y) / self.time_constant
        return np.where(self.is_clocked, 0.0, rate)

    def jvp(self, y: Any, u: Any, dy: Any, du: Any = 0.0) -> np.ndarray:
        """Derivative of `drive` in the direction (dy, du)."""
        samples, arena, leading = self._arena(y, u)
        self._evaluate(arena, samples, ap.FIRST, ap.MIDDLE)
        tangent = np.zeros_like(arena)
        self._fill(tangent, samples, np.broadcast_to(np.asarray(dy, float), (*leading, self.states.size)),
                   np.broadcast_to(np.asarray(du, float), (*leading, self.inputs.size)))  # fmt: skip
        code = self.code
        ap.evaluate_tangent(
            code, code[ap.FIRST], code[ap.MIDDLE], self.p, self.transposed, arena, tangent, samples, 1
        )  # fmt: skip
        at = code[ap.DRIVE_AT] * samples
        n = self.states.size
        return self.states.from_blocks(tangent[at : at + n * samples], samples).reshape(*leading, n)

    def vjp(self, y: Any, u: Any, dg: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Transposed derivative of `drive`: gradients by y, by u, and (summed over samples) by the parameters."""
        return self._pull(y, u, dg, ap.FIRST, ap.MIDDLE, ap.DRIVE_AT, self.states)

    def output_vjp(self, y: Any, u: Any, d: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `vjp`, of `output`."""
        return self._pull(y, u, d, ap.MIDDLE, ap.LAST, ap.OUTPUT_AT, self.outputs)

    def _pull(
        self, y: Any, u: Any, d: Any, start: int, stop: int, place: int, layout: Layout
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        samples, arena, leading = self._arena(y, u)
        self._evaluate(arena, samples, start, stop)
        adjoint, dp = np.zeros_like(arena), np.zeros_like(self.p)
        code, n, m = self.code, self.states.size, self.inputs.size
        at = code[place] * samples
        rows = np.broadcast_to(np.asarray(d, float), (*leading, layout.size)).reshape(samples, layout.size)
        adjoint[at : at + layout.size * samples] = layout.to_blocks(rows)
        ap.evaluate_reverse(code, code[start], code[stop], self.p, self.transposed, arena, adjoint, samples, dp)
        dy = self.states.from_blocks(adjoint[: n * samples], samples).reshape(*leading, n)
        du = self.inputs.from_blocks(adjoint[n * samples : (n + m) * samples], samples).reshape(*leading, m)
        return dy, du, dp[: self.parameters.size]

    def jacobian(self, y: Any, u: Any = ()) -> tuple[np.ndarray, np.ndarray]:
        """dG/dy (n, n) and dG/du (n, m) at one point."""
        n, m = self.states.size, self.inputs.size
        _, arena, leading = self._arena(y, u)
        if leading:
            raise ParameterError(f"jacobian() takes one point, not an array of shape {leading}")
        self._evaluate(arena, 1, ap.FIRST, ap.MIDDLE)
        code, k = self.code, n + m
        if k == 0:
            return np.zeros((n, n)), np.zeros((n, m))
        tangent = np.zeros(int(code[ap.SIZE]) * k)
        self._fill(tangent, k, np.eye(k)[:, :n], np.eye(k)[:, n:])
        ap.evaluate_tangent(code, code[ap.FIRST], code[ap.MIDDLE], self.p, self.transposed, arena, tangent, k, k)
        at = code[ap.DRIVE_AT] * k
        rows = self.states.from_blocks(tangent[at : at + n * k], k)
        return rows[:n].T.copy(), rows[n:].T.copy()

    def _arena(self, y: Any, u: Any) -> tuple[int, np.ndarray, tuple[int, ...]]:
        y = np.asarray(y, dtype=float)
        u = np.asarray(u, dtype=float)
        n, m = self.states.size, self.inputs.size
        if u.size == 0 and m:
            u = np.zeros(m)
        if (y.shape[-1:] or (0,)) != (n,) or (m and u.shape[-1:] != (m,)):
            raise ParameterError(f"y needs shape (..., {n}) and u (..., {m}), not {y.shape} and {u.shape}")
        leading = np.broadcast_shapes(y.shape[:-1], u.shape[:-1]) if m else y.shape[:-1]
        samples = int(np.prod(leading))
        arena = np.zeros(int(self.code[ap.SIZE]) * samples)
        inputs = np.broadcast_to(u, (*leading, m)) if m else np.zeros((*leading, 0))
        self._fill(arena, samples, np.broadcast_to(y, (*leading, n)), inputs)
        return samples, arena, leading

    def _fill(self, arena: np.ndarray, samples: int, y: np.ndarray, u: np.ndarray) -> None:
        n, m = self.states.size, self.inputs.size
        arena[: n * samples] = self.states.to_blocks(y.reshape(samples, n))
        if m:
            arena[n * samples : (n + m) * samples] = self.inputs.to_blocks(u.reshape(samples, m))

    def _evaluate(self, arena: np.ndarray, samples: int, start: int, stop: int) -> None:
        ap.evaluate(self.code, self.code[start], self.code[stop], self.p, self.transposed, arena, samples)

    def _run(self, y: Any, u: Any, start: int, stop: int, place: int, layout: Layout) -> tuple[int, np.ndarray]:
        samples, arena, leading = self._arena(y, u)
        self._evaluate(arena, samples, start, stop)
        at = int(self.code[place]) * samples
        values = layout.from_blocks(arena[at : at + layout.size * samples], samples)
        return samples, values.reshape(*leading, layout.size)


def compile_graph(graph: SignalGraph) -> Program:
    """Check a graph and make its array program.

    A delayed edge becomes an input, ``"x(t - 1 s)"``; `Program.delays` says what it carries.

    Raises
    ------
    ParameterError, UnknownNameError
        See `neurosim.graph.checks.check_graph` and `neurosim.graph.delays.without_delays`; also for hosts, which no
        array program can hold.
    """
    flat = flatten(graph)
    notes = check_graph(flat)
    for name in flat.of_kind("host"):
        raise ParameterError(f"host '{name}' is a Python procedure: only a digital network can run it")
    if flat.of_kind("event"):
        for a, b, data in flat.edges(data=True):
            if data["delay"] > 0.0 and flat.nodes[a]["kind"] != "event":
                raise ParameterError(
                    f"edge '{a}' -> '{b}': a delay of what flows, beside events, needs a digital network whose dt "
                    "divides it; delay the event instead"
                )
        from neurosim.graph.events import compile_events

        return compile_events(flat, tuple(notes))
    undelayed, delays = without_delays(flat)
    return replace(build_program(undelayed, tuple(notes)), delays=delays)


def build_program(flat: SignalGraph, notes: tuple[str, ...]) -> Program:
    """The array program of a flat, checked graph without events and delays."""
    return _Compiler(flat).build(notes)


@dataclass(frozen=True)
class _View:
    """A part of an array in the arena: offset, first element, elements per sample, length."""

    offset: int
    start: int
    stride: int
    length: int

    def part(self, bounds: tuple[int, int] | None) -> _View:
        if bounds is None:
            return self
        return _View(self.offset, self.start + bounds[0], self.stride, bounds[1] - bounds[0])

    @property
    def words(self) -> tuple[int, int, int]:
        return self.offset, self.start, self.stride


class _Compiler:
    """One pass over a flat, checked graph."""

    def __init__(self, graph: SignalGraph) -> None:
        self.graph = graph
        self.states = layout_of(graph, graph.of_kind("state", "hold"))
        self.inputs = layout_of(graph, graph.inputs)
        self.outputs = layout_of(graph, graph.outputs)
        n, m = self.states.size, self.inputs.size
        self.drive_at, self.output_at = n + m, 2 * n + m
        self.size = 2 * n + m + self.outputs.size
        self.values = {
            **{name: self._at(part.start, part) for name, part in self.states.slices.items()},
            **{name: self._at(n + part.start, part) for name, part in self.inputs.slices.items()},
            **{name: self._at(self.output_at + part.start, part) for name, part in self.outputs.slices.items()},
        }
        self.drives = {name: self._at(self.drive_at + part.start, part) for name, part in self.states.slices.items()}
        at = 0
        slices, shapes, flat = {}, {}, []
        for name, parameter in graph.parameters.items():
            value = parameter.value.data if hasattr(parameter.value, "tocsr") else parameter.value
            slices[name], shapes[name] = slice(at, at + value.size), value.shape or (1,)
            flat.append(np.ravel(value))
            at += value.size
        self.parameters = Layout(slices, shapes)
        self.constants: dict[float, int] = {}
        self.p = np.concatenate(flat) if flat else np.empty(0)
        self.instructions: list[tuple[int, ...]] = []
        self.tables: list[int] = []
        self.placed: set[_View] = set()
        self.same: set[str] = set()
        self.temporaries: dict[Any, _View] = {}
        self.dense: dict[int, tuple[int, int]] = {}
        self.laws: list[tuple[int, Law]] = []

    def _at(self, offset: int, part: slice) -> _View:
        return _View(offset, 0, part.stop - part.start, part.stop - part.start)

    def _new(self, size: int) -> _View:
        self.size += size
        return _View(self.size - size, 0, size, size)

    def _constant(self, value: float) -> int:
        return self.p.size + self.constants.setdefault(float(value), len(self.constants))

    def build(self, notes: tuple[str, ...]) -> Program:
        graph = self.graph
        reaching_states = self._ancestors(list(self.states.slices))
        reaching_outputs = self._ancestors(list(self.outputs.slices))
        order = memoryless_order(graph)
        self.summed = {name for name in order if self._is_summed(name)}
        order = [name for name in order if name not in self.summed]
        # What the outputs need lies together: it is all that a tape keeps of their instructions.
        for name in sorted(order, key=lambda name: name not in reaching_outputs):
            if name not in self.values:
                source = self._source(name)
                if source is not None:
                    self.same.add(name)
                self.values[name] = source or self._alias(name) or self._new(graph.size_of(name))
            if name in reaching_outputs:
                self._node(name)
        of_outputs, self.instructions = self.instructions, []
        for name in order:
            if name in reaching_states:
                self._node(name)
        for name, view in self.drives.items():
            edges = [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] == "add"]
            if not (len(edges) == 1 and self.values[edges[0][0]] == view):
                self._sum(view, edges, graph.nodes[name].get("bias"), name)
        middle = len(self.instructions)
        self.instructions += of_outputs
        return self._assemble(middle, notes)

    def _ancestors(self, names: list[str]) -> set[str]:
        """Memoryless nodes that the drives of `names` (or the named outputs themselves) need."""
        seen: set[str] = {n for n in names if self.graph.nodes[n]["kind"] == "port"}
        stack = list(names)
        while stack:
            for a, _, data in self.graph.in_edges(stack.pop(), data=True):
                if data["role"] != "teach" and a not in seen and self.graph.nodes[a]["kind"] in ("map", "product"):
                    seen.add(a)
                    stack.append(a)
        return seen

    def _source(self, name: str) -> _View | None:
        """Value of the only source of a map that hands it on unchanged, and so needs no place of its own."""
        data = self.graph.nodes[name]
        edges = [(str(a), d) for a, _, d in self.graph.in_edges(name, data=True) if d["role"] == "add"]
        if data["kind"] != "map" or data["function"] != "identity" or data["bias"] is not None or data["gain"] != 1.0:
            return None
        return self.values[edges[0][0]] if len(edges) == 1 and is_plain(edges[0][1]) else None

    def _alias(self, name: str) -> _View | None:
        """Drive of the state, or output, that takes just this value, so that it is computed where it is wanted."""
        for b in self.graph.successors(name):
            edges = [d for _, _, d in self.graph.in_edges(b, data=True) if d["role"] == "add"]
            view = self.values[b] if b in self.outputs.slices else self.drives.get(b)
            if view is None or view in self.placed or len(edges) != 1 or not is_plain(edges[0]):
                continue
            if self.graph.nodes[b].get("bias") is None and self.graph.size_of(name) == self.graph.size_of(b):
                self.placed.add(view)
                return view
        return None

    def _is_summed(self, name: str) -> bool:
        """Whether a product only goes into one sum of several terms, and can be added there right away."""
        data, edges = self.graph.nodes[name], list(self.graph.out_edges(name, data=True))
        if data["kind"] != "product" or data["form"] or len(edges) != 1 or name in self.values:
            return False
        _, b, edge = edges[0]
        terms = sum(d["role"] == "add" for _, _, d in self.graph.in_edges(b, data=True))
        is_sum = self.graph.nodes[b]["kind"] in ("map", "state") and edge["role"] == "add" and terms > 1
        return is_sum and is_plain(edge)

    def _node(self, name: str) -> None:
        if name in self.same:
            return
        data = self.graph.nodes[name]
        view = self.values[name]
        if data["kind"] == "product":
            self._product(name, view)
            return
        edges = [(str(a), d) for a, _, d in self.graph.in_edges(name, data=True) if d["role"] == "add"]
        if data["kind"] == "port":
            if not (len(edges) == 1 and self.values[edges[0][0]] == view):
                self._sum(view, edges, data["bias"], name)
            return
        if data.get("law") is not None:
            self._law(name, view, edges)
            return
        function = function_of(data)
        argument = self._constant(data["argument"] or 0.0)
        n = view.length
        row = data["shape"][-1] if function.is_row_function else 0
        single = len(edges) == 1 and is_plain(edges[0][1]) and data["bias"] is None and data["gain"] == 1.0
        if single and function.name != "identity":
            source = self.values[edges[0][0]].part(edges[0][1]["source_part"])
            self._emit(ap.MAP, view, source, n=n, m=row, function=function.number, k=argument)
            return
        before = view if function.in_place else self._temporary((name, "argument"), n)
        self._sum(before, edges, data["bias"], name)
        if data["gain"] != 1.0:
            self._emit(ap.GAIN, before, before, n=n, k=self._constant(data["gain"]))
        if function.name != "identity":
            self._emit(ap.MAP, view, before, n=n, m=row, function=function.number, k=argument)

    def _law(self, name: str, view: _View, edges: list[tuple[str, dict]]) -> None:
        """A map that is given by a compiled law, which never writes over what it reads."""
        data = self.graph.nodes[name]
        law, n = data["law"], view.length
        if len(edges) == 1 and is_plain(edges[0][1]) and data["bias"] is None and data["gain"] == 1.0:
            argument = self.values[edges[0][0]]
        else:
            argument = self._temporary((name, "argument"), n)
            self._sum(argument, edges, data["bias"], name)
            if data["gain"] != 1.0:
                self._emit(ap.GAIN, argument, argument, n=n, k=self._constant(data["gain"]))
        count, instances = len(law.parameters), n // law.size
        work = self._temporary((name, "work"), work_size(law.size, count, instances))
        at = len(self.tables)
        self.laws.append((at, law))
        self.tables += [0, law.size + count, count, 0, 0, 0, law.size, instances]
        for parameter in data["parameters"]:
            part = self.parameters.slices[parameter]
            self.tables += [part.start, int(part.stop - part.start > 1)]
        self._emit(ap.LAW, view, argument, work, n=n, k=-1 - at)

    def _temporary(self, key: Any, size: int) -> _View:
        if key not in self.temporaries:
            self.temporaries[key] = self._new(size)
        return self.temporaries[key]

    def _sum(self, view: _View, edges: list[tuple[str, dict]], bias: str | None, name: str) -> None:
        if bias is not None:
            place, one = self.parameters.slices[bias].start, self._constant(1.0)
            self._emit(ap.BIAS, view, view, n=view.length, w=place, k=one, starts=True)
        elif not edges or edges[0][1]["weight"] is not None or edges[0][1]["target_part"] is not None:
            self._emit(ap.ZERO, view, view, n=view.length)
        for number, (a, data) in enumerate(edges):
            target = view.part(data["target_part"])
            starts = number == 0 and bias is None and data["target_part"] is None
            if a in self.summed:
                self._product(a, target, starts)
                continue
            source = self.values[a].part(data["source_part"])
            if data["weight"] is None:
                self._emit(ap.ADD, target, source, n=target.length, k=self._constant(data["gain"]), starts=starts)
                continue
            if data["gain"] != 1.0:
                scaled = self._temporary((name, number, "scaled"), source.length)
                self._emit(ap.ADD, scaled, source, n=source.length, k=self._constant(data["gain"]), starts=True)
                source = scaled
            self._weighted(target, source, data)

    def _weighted(self, target: _View, source: _View, data: dict) -> None:
        name = data["weight"]
        value = self.graph.parameters[name].value
        w = self.parameters.slices[name].start
        if hasattr(value, "tocsr"):
            key = ("sparse", name)
            if key not in self.temporaries:
                self.temporaries[key] = _View(len(self.tables), 0, 0, 0)
                self.tables += [*map(int, value.indptr), *map(int, value.indices)]
            k = self.temporaries[key].offset
            op = ap.SPARSE_TRANSPOSED if data["transpose"] else ap.SPARSE
            self._emit(op, target, source, n=target.length, m=source.length, w=w, k=-1 - k)
        elif value.ndim == 2:
            self.dense[w] = value.shape
            op = ap.DENSE_TRANSPOSED if data["transpose"] else ap.DENSE
            self._emit(op, target, source, n=target.length, m=source.length, w=w)
        else:
            op = ap.SCALE if value.size == target.length and value.ndim == 1 and value.size > 1 else ap.SCALE_ONE
            self._emit(op, target, source, n=target.length, w=w)

    def _operand(self, name: str, number: int, slot: list[tuple[str, dict]], size: int) -> _View:
        """Where the value of one slot of a product is: the source itself, or a sum of its own."""
        a, data = slot[0]
        plain = data["weight"] is None and data["gain"] == 1.0 and data["target_part"] is None
        if len(slot) == 1 and plain:
            return self.values[a].part(data["source_part"])
        view = self._temporary((name, number, "slot"), size)
        self._sum(view, slot, None, f"{name}.{number}")
        return view

    def _product(self, name: str, view: _View, starts: bool = True) -> None:
        """Put the product into `view`, or add it where it does not start the sum."""
        data, slots = self.graph.nodes[name], factors(self.graph, name)
        if data["form"]:
            operands = [self._operand(name, i, slot, self.graph.size_of(slot[0][0])) for i, slot in enumerate(slots)]
            self._emit(ap.ZERO, view, view, n=view.length)
            self._emit(ap.CONTRACT, view, view, k=-1 - self._contraction(name, operands))
            return
        operands = [self._operand(name, i, slot, view.length) for i, slot in enumerate(slots)]
        left = operands[0]
        for number, right in enumerate(operands[1:]):
            is_last = number == len(operands) - 2
            result = view if is_last else self._temporary((name, number, "partial"), view.length)
            self._emit(ap.MULTIPLY, result, left, right, n=view.length, starts=starts or not is_last)
            left = result

    def _contraction(self, name: str, operands: list[_View]) -> int:
        """Table of a contraction; the longest index of the last factor comes innermost."""
        data = self.graph.nodes[name]
        left, _, result = data["form"].partition("->")
        terms = left.split(",")
        shapes = [self.graph.nodes[slot[0][0]]["shape"] for slot in factors(self.graph, name)]
        places: list[tuple[int, int, int, int]] = [(0, *self.values[name].words)]
        places += [(0, *view.words) for view in operands]
        if data["weight"] is not None:
            shapes.insert(0, self.graph.parameters[data["weight"]].value.shape)
            places.insert(1, (1, self.parameters.slices[data["weight"]].start, 0, 0))
        all_shapes = [data["shape"], *shapes]
        all_terms = [result, *terms]
        strides, extents = [], {}
        for letters, shape in zip(all_terms, all_shapes, strict=True):
            here, step = {}, 1
            for letter, length in zip(reversed(letters), reversed(shape if letters else ())):
                here[letter] = here.get(letter, 0) + step
                extents[letter] = length
                step *= length
            strides.append(here)
        # The inner loop runs over the letter that steps by one in most factors, the longest of those.
        ranked = sorted(extents, key=lambda c: (sum(s.get(c) == 1 for s in strides), extents[c]))
        letters = [None] * (ap.INDICES - len(ranked)) + ranked
        table = [len(ranked), len(terms), *(extents[c] if c else 1 for c in letters)]
        for place, here in zip(places, strides, strict=True):
            table += [*place, *(here.get(c, 0) if c else 0 for c in letters)]
        at = len(self.tables)
        self.tables += table
        return at

    def _emit(
        self, op: int, d: _View, a: _View, b: _View | None = None, *, n: int = 0, m: int = 0, w: int = 0, k: int = 0,
        function: int = 0, starts: bool = False,
    ) -> None:  # fmt: skip
        self.instructions.append((op, function, n, m, w, k, *d.words, *a.words, *(b or a).words, int(starts)))

    def _assemble(self, middle: int, notes: tuple[str, ...]) -> Program:
        graph = self.graph
        first = ap.HEADER
        last = first + ap.WORDS * len(self.instructions)
        body = np.array(self.instructions, np.int64).reshape(-1, ap.WORDS)
        # Places in the tables were kept as -1 - place, those of constants as they are.
        table = np.isin(body[:, 0], (ap.SPARSE, ap.SPARSE_TRANSPOSED, ap.CONTRACT, ap.LAW))
        body[table, 5] = last - 1 - body[table, 5]
        dense = [number for w, (n, m) in self.dense.items() for number in (w, n, m)]
        header = np.zeros(ap.HEADER, np.int64)
        header[ap.SIZE], header[ap.STATES] = self.size, self.states.size
        header[ap.INPUTS], header[ap.OUTPUTS] = self.inputs.size, self.outputs.size
        header[ap.DRIVE_AT], header[ap.OUTPUT_AT] = self.drive_at, self.output_at
        header[ap.FIRST], header[ap.MIDDLE], header[ap.LAST] = first, first + ap.WORDS * middle, last
        header[ap.TRANSPOSED], header[ap.DENSE_AT] = len(self.dense), last + len(self.tables)
        if len(body) > middle:
            header[ap.OUTPUT_LOW] = body[middle:, 6].min()
            header[ap.OUTPUT_HIGH] = (body[middle:, 6] + body[middle:, 8]).max()
        code = np.concatenate([header, body.ravel(), np.array(self.tables, np.int64), np.array(dense, np.int64)])
        names = list(self.states.slices)

        def resolved(key: str, missing: float) -> np.ndarray:
            rows = [
                np.full(graph.size_of(name), missing)
                if graph.nodes[name].get(key) is None
                else graph.value_of(graph.nodes[name][key], graph.size_of(name), f"'{name}', {key}")
                for name in names
            ]
            return np.concatenate(rows) if rows else np.empty(0)

        return Program(
            graph, code.astype(np.int64), np.concatenate([self.p, np.array(list(self.constants))]), self.states,
            self.inputs, self.outputs, self.parameters, resolved("time_constant", np.nan), resolved("leak", 0.0),
            resolved("initial", 0.0), notes, tuple((last + at, law) for at, law in self.laws),
        )  # fmt: skip


def is_plain(edge: dict) -> bool:
    """Whether an edge hands its whole source on unchanged."""
    return edge["weight"] is None and edge["gain"] == 1.0 and not edge["target_part"] and not edge["source_part"]
