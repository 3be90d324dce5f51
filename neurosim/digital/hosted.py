"""Digital networks of graphs with host procedures over whole sequences (reversal in time, for instance); those with
procedures of single steps are in `neurosim.digital.stepped`.

A host takes the values of its source at the end of every step and gives one value for every step, which is then held
over that step like an input. So a graph with hosts is run in levels: first what the first hosts need, then these
hosts, then what the next ones need, and last the outputs; each level is a graph without hosts, over the whole sequence.
A state that two levels need is run in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import networkx as nx
import numpy as np

from neurosim.digital.network import DigitalNetwork, Gradient, Trajectory, digital
from neurosim.digital.rule import Rule
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.checks import check_graph, memoryless_order
from neurosim.graph.flatten import flatten
from neurosim.graph.program import Layout, Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.room import Room


@dataclass(frozen=True)
class HostedTrajectory(Trajectory):
    """A `Trajectory` with those of its levels.

    Attributes
    ----------
    levels : tuple of Trajectory
        Kept for `HostedNetwork.gradient`; empty when not.
    arguments, values : dict of str to ndarray, shape (steps, samples, size)
        Of each host.
    """

    levels: tuple[Trajectory, ...] = field(default=(), repr=False)
    arguments: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    values: dict[str, np.ndarray] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class HostedProgram(Program):
    """The names and numbers of a graph with hosts; what would evaluate single steps refuses."""

    def _arena(self, y: Any, u: Any) -> tuple[int, np.ndarray, tuple[int, ...]]:
        hosts = ", ".join(f"'{name}'" for name in self.graph.of_kind("host"))
        raise ParameterError(f"hosts {hosts} run beside this network: its drive and outputs cannot be evaluated alone")


@dataclass(frozen=True)
class HostedNetwork(DigitalNetwork):
    """A digital network in which hosts act on whole sequences; used as a `DigitalNetwork`.

    Attributes
    ----------
    program : HostedProgram
    levels : tuple of Program
        In the order in which they run; all have the parameters of `program`. The outputs of each but the last are the
        arguments of hosts, those of the last are the outputs of the network.
    """

    levels: tuple[Program, ...]

    def with_parameters(self, vector: np.ndarray) -> HostedNetwork:
        """The same network with other parameter values, shape (program.parameters.size,)."""
        program = DigitalNetwork.with_parameters(self, vector).program
        levels = tuple(self._network(level).with_parameters(vector).program for level in self.levels)
        return replace(self, program=program, levels=levels)

    def sequence(
        self, u: Any, y0: Any = None, *, record: bool = True, keep: bool = False, room: Room | None = None
    ) -> HostedTrajectory:
        """Run over held inputs; see `DigitalNetwork.sequence`. Each level has a room of its own, `room` is not used.

        Raises
        ------
        ParameterError, SimulationError
            Also where the procedure of a host gives another shape than it declares, or values that are not finite.
        """
        whole = self.program
        inputs = self._inputs(u, y0)
        steps, samples = inputs.shape[:2]
        start = whole.initial if y0 is None else np.asarray(y0, dtype=float)
        if start.shape[-1:] != (whole.states.size,):
            raise ParameterError(f"y0 needs shape (..., {whole.states.size}), not {start.shape}")
        start = np.broadcast_to(start, (samples, whole.states.size))
        signals = {name: inputs[..., part] for name, part in whole.inputs.slices.items()}
        arguments: dict[str, np.ndarray] = {}
        values: dict[str, np.ndarray] = {}
        states = np.zeros((steps if record else 0, samples, whole.states.size))
        final = start.copy()
        runs = []
        for level in self.levels:
            network = self._network(level)
            run = network.sequence(
                joined(signals, level.inputs.slices, steps, samples), taken(start, whole, level), record=record,
                keep=keep,
            )  # fmt: skip
            for name, part in level.states.slices.items():
                states[..., whole.states.slices[name]] = run.states[..., part]
                final[..., whole.states.slices[name]] = run.final[..., part]
            runs.append(run)
            if level is self.levels[-1]:
                break
            for name, part in level.outputs.slices.items():
                arguments[name] = run.outputs[..., part]
                values[name] = signals[name] = self.apply(name, arguments[name])
        return HostedTrajectory(
            runs[-1].outputs, states, final, np.empty(0), tuple(runs) if keep else (), arguments, values
        )

    def gradient(
        self, run: Trajectory, d_outputs: Any, *, d_states: Any = None, d_final: Any = None, inputs: bool = False,
        room: Room | None = None,
    ) -> Gradient:  # fmt: skip
        """Backpropagate through a run made with ``keep=True``; see `DigitalNetwork.gradient`.

        Raises
        ------
        ParameterError
            The run kept no tape, or a host has no gradient; it is named.
        """
        if not isinstance(run, HostedTrajectory) or len(run.levels) != len(self.levels):
            raise ParameterError("this run kept no tape: use sequence(..., keep=True)")
        whole = self.program
        steps, samples = run.outputs.shape[:2]
        graph = self.graph
        d_signals = {name: np.zeros((steps, samples, graph.size_of(name))) for name in (*graph.inputs, *run.values)}
        parameters = np.zeros(whole.parameters.size)
        initial = np.zeros((samples, whole.states.size))
        # What is asked of a state counts once, at the last level that runs it: the one that the result shows.
        shown = {name: k for k, level in enumerate(self.levels) for name in level.states.slices}
        for k in range(len(self.levels) - 1, -1, -1):
            level = self.levels[k]
            if k == len(self.levels) - 1:
                wanted = np.asarray(d_outputs, dtype=float).reshape(steps, samples, -1)
            else:
                given = {
                    name: self._pull(name, run.arguments[name], run.values[name], d_signals[name])
                    for name in level.outputs.slices
                }
                wanted = joined(given, level.outputs.slices, steps, samples)
            mine = [name for name, last in shown.items() if last == k]
            part = self._network(level).gradient(
                run.levels[k], wanted, inputs=True,
                d_states=None if d_states is None else _only(d_states, whole, level, mine),
                d_final=None if d_final is None else _only(d_final, whole, level, mine),
            )  # fmt: skip
            parameters += part.parameters
            for name, here in level.states.slices.items():
                initial[:, whole.states.slices[name]] += part.initial[:, here]
            for name, here in level.inputs.slices.items():
                d_signals[name] += part.inputs[..., here]
        by_input = joined(d_signals, whole.inputs.slices, steps, samples)
        return Gradient(parameters, initial, by_input if inputs else by_input[:0])

    def _network(self, program: Program) -> DigitalNetwork:
        return DigitalNetwork(program, self.rule, self.dt)

    def apply(self, name: str, argument: np.ndarray) -> np.ndarray:
        """What a host gives for a whole sequence, shape (steps, samples, size), or for a step, (samples, size).

        Raises
        ------
        ParameterError, SimulationError
            It gives another shape than it declares, or values that are not finite.
        """
        value = np.asarray(self.graph.nodes[name]["function"](argument), dtype=float)
        wanted = (*argument.shape[:-1], self.graph.size_of(name))
        if value.shape != wanted:
            raise ParameterError(f"host '{name}' gives shape {value.shape}; {wanted} is needed")
        if not np.isfinite(value).all():
            raise SimulationError(f"host '{name}' gives values that are not finite")
        return value

    def _pull(self, name: str, argument: np.ndarray, value: np.ndarray, d_value: np.ndarray) -> np.ndarray:
        gradient = self.graph.nodes[name]["gradient"]
        if gradient is None:
            raise ParameterError(f"host '{name}' has no gradient; give it host(..., gradient=...)")
        d_argument = np.asarray(gradient(argument, value, d_value), dtype=float)
        if d_argument.shape != argument.shape:
            raise ParameterError(f"the gradient of host '{name}' has shape {d_argument.shape}, not {argument.shape}")
        return d_argument


def hosted(
    graph: SignalGraph, rule: str | Rule = "forward_euler", dt: float | None = None, *,
    parameters: Mapping[str, Any] | None = None,
) -> HostedNetwork:  # fmt: skip
    """Make the discrete-time equivalent of a graph with hosts; `neurosim.digital.network.digital` calls it.

    Raises
    ------
    ParameterError, UnknownNameError
        As `digital`; also for a host of whole sequences whose result comes back to it, or beside hosts of single
        steps.
    """
    flat = flatten(graph.with_weights(parameters) if parameters else graph)
    check_graph(flat)
    hosts = flat.of_kind("host")
    by_step = [name for name in hosts if flat.nodes[name]["over"] == "step"]
    for name in hosts:
        if by_step and name not in by_step:
            raise ParameterError(f"host '{name}' takes whole sequences, but '{by_step[0]}' runs step by step")
        if not by_step and any(a == name or a in nx.descendants(flat, name) for a in flat.predecessors(name)):
            raise ParameterError(f"host '{name}' takes whole sequences, but its result comes back to it in a loop")
        if flat.in_degree(name) == 0:
            raise ParameterError(f"host '{name}' has no incoming edge")
    opened = _open(flat, hosts)
    whole = digital(opened, rule, dt)
    if by_step:
        from neurosim.digital.stepped import SteppedNetwork

        return SteppedNetwork(_named(whole.program, flat), whole.rule, whole.dt, (*_steps(flat, opened), whole.program))
    above = nx.DiGraph((a, b) for b in hosts for a in nx.ancestors(flat, b) if a in hosts)
    above.add_nodes_from(hosts)
    generations = [sorted(names, key=hosts.index) for names in nx.topological_generations(above)]
    parts = [_arguments(opened, {n: list(flat.in_edges(n, data=True)) for n in names}) for names in generations]
    run = {name for part in parts for name in part.of_kind("state", "hold")}
    rest = [name for name in opened.of_kind("state", "hold") if name not in run]
    levels = tuple(compile_graph(part) for part in (*parts, _needed(opened, [*flat.outputs, *rest])))
    return HostedNetwork(_named(whole.program, flat), whole.rule, whole.dt, levels)


def _named(whole: Program, flat: SignalGraph) -> HostedProgram:
    """The program with hosts as inputs, under the graph's own names."""
    first = Layout(
        {name: whole.inputs.slices[name] for name in flat.inputs},
        {name: whole.inputs.shapes[name] for name in flat.inputs},
    )
    return HostedProgram(**{f.name: getattr(whole, f.name) for f in fields(Program)} | {"graph": flat, "inputs": first})


def _steps(flat: SignalGraph, opened: SignalGraph) -> list[Program]:
    """For each host of single steps the program whose output is its argument; states are what they are then."""
    still = opened.copy()
    still.remove_edges_from([*still.in_edges(still.of_kind("state", "hold"), keys=True)])
    return [
        compile_graph(_arguments(still, {name: list(flat.in_edges(name, data=True))}))
        for name in memoryless_order(flat)
        if flat.nodes[name]["kind"] == "host"
    ]


def _open(flat: SignalGraph, hosts: list[str]) -> SignalGraph:
    """Copy in which hosts are inputs, declared last."""
    opened = flat.copy()
    opened.remove_nodes_from(hosts)
    for name in hosts:
        _add_port(opened, name, flat.nodes[name]["shape"], output=False)
        opened.add_edges_from((name, b, dict(data)) for _, b, data in flat.out_edges(name, data=True) if b not in hosts)
    return opened


def _arguments(opened: SignalGraph, wanted: dict[str, list[tuple[Any, Any, dict]]]) -> SignalGraph:
    """The part whose outputs, named after hosts, are the arguments of these; of each its incoming edges are given."""
    part = _needed(opened, [a for edges in wanted.values() for a, _, _ in edges])
    for name, edges in wanted.items():
        _add_port(part, name, opened.nodes[name]["shape"], output=True)
        part.add_edges_from((a, name, dict(data)) for a, _, data in edges)
    return part


def _needed(opened: SignalGraph, nodes: list[str]) -> SignalGraph:
    """The part that `nodes` depend on, and these."""
    kept = set(nodes).union(*(nx.ancestors(opened, name) for name in nodes))
    part = opened.copy()
    part.remove_nodes_from([node for node in opened if node not in kept])
    return part


def _add_port(graph: SignalGraph, name: str, shape: tuple[int, ...], *, output: bool) -> None:
    # Not through port(): flat names may have a slash.
    graph.add_node(name, kind="port", shape=shape, output=output, unit="", limits=None, bias=None)


def joined(signals: dict[str, np.ndarray], parts: dict[str, slice], steps: int, samples: int) -> np.ndarray:
    """The named signals one beside the other, shape (steps, samples, inputs)."""
    arrays = [signals[name] for name in parts]
    return np.concatenate(arrays, axis=-1) if arrays else np.zeros((steps, samples, 0))


def taken(values: np.ndarray, whole: Program, level: Program) -> np.ndarray:
    """Columns of the states of one level."""
    arrays = [values[..., whole.states.slices[name]] for name in level.states.slices]
    return np.concatenate(arrays, axis=-1) if arrays else values[..., :0]


def _only(values: Any, whole: Program, level: Program, names: list[str]) -> np.ndarray:
    """Columns of the states of one level, zero but for the named ones."""
    made = np.zeros(np.shape(values))
    for name in names:
        made[..., whole.states.slices[name]] = np.asarray(values, dtype=float)[..., whole.states.slices[name]]
    return taken(made, whole, level)
