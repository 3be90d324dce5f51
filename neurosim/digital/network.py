"""The digital equivalent of a signal graph: an array program iterated under a named rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from neurosim.digital.delays import DELAY_CLOCK, with_chains
from neurosim.digital.rule import Rule
from neurosim.digital.rules import rules
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.delays import has_delays
from neurosim.graph.events import EventProgram
from neurosim.graph.flatten import flatten
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph, refuse_noise
from neurosim.kernels import array_program as ap
from neurosim.kernels import array_sequence as sequence
from neurosim.kernels.room import Room
from neurosim.memristive.clocked_map import ClockedMap
from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class Trajectory:
    """What a sequence of steps gives.

    Attributes
    ----------
    outputs : ndarray, shape (steps, samples, outputs)
        Values of the output ports after each step, with the input of that step.
    states : ndarray, shape (steps, samples, states)
        After each step; empty when not recorded.
    final : ndarray, shape (samples, states)
    tape : ndarray
        Every value of the run, for `DigitalNetwork.gradient`; empty when not kept.
    """

    outputs: np.ndarray
    states: np.ndarray
    final: np.ndarray
    tape: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Gradient:
    """Gradients of a scalar by everything that a sequence depends on.

    Attributes
    ----------
    parameters : ndarray, shape (program.parameters.size,)
        Named by ``program.parameters.unpack``; time constants and leaks that are parameters included.
    initial : ndarray, shape (samples, states)
    inputs : ndarray, shape (steps, samples, inputs)
        Empty when not asked for.
    """

    parameters: np.ndarray
    initial: np.ndarray
    inputs: np.ndarray


@dataclass(frozen=True)
class DigitalNetwork:
    """A program, a rule and a step.

    Attributes
    ----------
    program : Program
    rule : Rule
    dt : float
        Seconds.
    """

    program: Program
    rule: Rule
    dt: float
    _kept: dict[str, Any] = field(init=False, default_factory=dict, repr=False, compare=False)
    """What does not change with the parameters."""

    @property
    def graph(self) -> SignalGraph:
        """The flat graph behind it."""
        return self.program.graph

    def with_parameters(self, vector: np.ndarray) -> DigitalNetwork:
        """The same network with other parameter values, shape (program.parameters.size,)."""
        program = self.program.with_parameters(np.asarray(vector, dtype=float))
        changed: dict[str, np.ndarray] = {}
        for state, key, parameter in self.parameters_of_states():
            values = changed.setdefault(key, getattr(program, key).copy())
            values[program.states.slices[state]] = program.p[program.parameters.slices[parameter]]
        if changed:
            program = replace(program, **changed)
        made = DigitalNetwork(program, self.rule, self.dt)
        object.__setattr__(made, "_kept", self._kept)
        return made

    def coefficients(self) -> np.ndarray:
        """The coefficients of an explicit rule, shape (stages + 1, 1 + stages, states); row 0 is unused.

        The stages are those of the rule, one before them where holds sample, and one after them where states that jump
        at a clock see what the others have become.
        """
        program = self.program
        if self._parameters_of_time():
            return _mix(self.rule, program, program.time_constant, program.leak, self.dt)
        if "mix" not in self._kept:
            self._kept["mix"] = _mix(self.rule, program, program.time_constant, program.leak, self.dt)
        return self._kept["mix"]

    def sequence(
        self, u: Any, y0: Any = None, *, record: bool = True, keep: bool = False, room: Room | None = None
    ) -> Trajectory:
        """Run over held inputs.

        Parameters
        ----------
        u : array_like, shape (steps, samples, inputs) or (steps, inputs)
            The input of each step; for a net without inputs the number of steps.
        y0 : array_like, shape (states,) or (samples, states), optional
            Default the initial values of the graph.
        record : bool
            Keep the states.
        keep : bool
            Keep the tape for `gradient` (explicit rules).
        room : Room, optional
            Of earlier runs, whose results are written over: new arrays of many megabytes cost time.

        Raises
        ------
        ParameterError, SimulationError
            A value became infinite or not a number; the message names the first step and state.
        """
        program = self.program
        n, k = program.states.size, program.outputs.size
        room = Room() if room is None else room
        seen = room.seen("u", u)
        inputs = u if seen else self._inputs(u, y0)
        steps, samples = inputs.shape[:2]
        if self.rule.coefficients is None:
            if keep:
                raise ParameterError(f"rule '{self.rule.name}' solves equations in each step; no tape can be kept")
            return self._implicit(self._rows(y0, samples), inputs, record)
        mix = self.coefficients()
        stages = mix.shape[0] - 1
        if not seen:
            room.filled("inputs", program.inputs.to_blocks(inputs).ravel())
            room.keep("u", u if inputs is u else None)
        plan = room.numbers("forward", samples, steps, stages, keep, record, 0, 0)
        tape = room.array("tape", self._tape_size(steps if keep else 1, samples, stages))
        blocks = room.filled("y", self._first_blocks(y0, samples))
        outputs = room.array("outputs", steps * k * samples)
        kept = steps if record else 0
        states = room.array("states", kept * n * samples)
        room.run(
            sequence.run_sequence, program.code, plan, program.p, program.transposed, self._blocked_mix(mix, samples),
            blocks, room.array("inputs", inputs.size), outputs, states, tape,
            room.array("work", self._header[ap.SIZE] * samples),
        )  # fmt: skip
        made = Trajectory(
            program.outputs.from_blocks(outputs.reshape(steps, k * samples), samples),
            program.states.from_blocks(states.reshape(kept, n * samples), samples),
            program.states.from_blocks(blocks, samples), tape,
        )  # fmt: skip
        self._check(made)
        return made

    def gradient(
        self, run: Trajectory, d_outputs: Any, *, d_states: Any = None, d_final: Any = None, inputs: bool = False,
        room: Room | None = None,
    ) -> Gradient:  # fmt: skip
        """Backpropagate through a run made with ``keep=True``.

        Parameters
        ----------
        d_outputs : array_like, shape (steps, samples, outputs)
            Gradient of the scalar by the outputs.
        d_states : array_like, shape (steps, samples, states), optional
        d_final : array_like, shape (samples, states), optional
        inputs : bool
            Whether the gradient by the inputs is wanted.
        room : Room, optional
            That of the run, say; an earlier gradient made there is written over.

        Raises
        ------
        ParameterError
            The run kept no tape.
        """
        program = self.program
        n, m = program.states.size, program.inputs.size
        steps, samples = run.outputs.shape[:2]
        mix = self.coefficients()
        stages = mix.shape[0] - 1
        room = Room() if room is None else room
        size = self._header[ap.SIZE] * samples
        if run.tape.size != self._tape_size(steps, samples, stages):
            raise ParameterError("this run kept no tape: use sequence(..., keep=True)")
        of_time = self._parameters_of_time()
        plan = room.numbers("reverse", samples, steps, stages, 1, 0, inputs, bool(of_time))
        d_y, dp = room.array("d_y", samples * n), room.array("dp", program.p.size)
        d_y[:] = 0.0 if d_final is None else program.states.to_blocks(np.asarray(d_final, float).reshape(samples, n))
        d_u = room.array("d_u", steps * samples * m if inputs else 0)
        d_mix = room.array("d_mix", (stages + 1) * (1 + stages) * n * samples if of_time else 0)
        for added_to in (dp, d_u, d_mix):
            if added_to.size:
                added_to[:] = 0.0
        wanted = np.asarray(d_outputs, float).reshape(steps, samples, -1)
        if d_states is None:
            by_states = room.array("d_states", 0)
        else:
            by_states = room.filled("d_states", program.states.to_blocks(np.asarray(d_states, float)).ravel())
        room.run(
            sequence.reverse_sequence, program.code, plan, program.p, program.transposed,
            self._blocked_mix(mix, samples), run.tape,
            room.filled("d_outputs", program.outputs.to_blocks(wanted).ravel()), by_states, d_y, d_u, dp, d_mix,
            room.array("gamma", (stages + 1) * n * samples), room.array("adjoint", size), room.array("work", size),
        )  # fmt: skip
        gradient = dp[: program.parameters.size]
        if of_time:
            by_sample = program.states.from_blocks(d_mix.reshape(*mix.shape[:2], n * samples), samples)
            self._add_gradient_of_time(gradient, by_sample.sum(axis=-2))
        by_input = program.inputs.from_blocks(d_u.reshape(steps, -1), samples) if inputs else np.zeros((0, samples, m))
        return Gradient(gradient, program.states.from_blocks(d_y, samples), by_input)

    def _inputs(self, u: Any, y0: Any) -> np.ndarray:
        m = self.program.inputs.size
        if m == 0 and np.ndim(u) == 0:
            samples = np.shape(y0)[0] if np.ndim(y0) == 2 else 1
            return np.zeros((int(u), samples, 0))
        inputs = np.asarray(u, dtype=float)
        if inputs.ndim == 2:
            inputs = inputs[:, None, :]
        if inputs.ndim != 3 or inputs.shape[2] != m:
            raise ParameterError(f"u needs shape (steps, {m}) or (steps, samples, {m}), not {np.shape(u)}")
        if not np.isfinite(inputs).all():
            raise ParameterError("u has values that are not finite")
        return inputs

    def _rows(self, y0: Any, samples: int) -> np.ndarray:
        """The first state of each sample."""
        n = self.program.states.size
        start = self.program.initial if y0 is None else np.asarray(y0, dtype=float)
        if start.shape[-1:] != (n,):
            raise ParameterError(f"y0 needs shape (..., {n}), not {start.shape}")
        rows = np.empty((samples, n))
        rows[:] = start
        return rows

    def _first_blocks(self, y0: Any, samples: int) -> np.ndarray:
        """`_rows` in blocks; those of the graph are kept."""
        if y0 is not None:
            return self.program.states.to_blocks(self._rows(y0, samples))
        initial, blocks = self._kept.get("first", (None, np.empty(0)))
        if initial is not self.program.initial or blocks.size != samples * initial.size:
            blocks = self.program.states.to_blocks(self._rows(None, samples))
            self._kept["first"] = self.program.initial, blocks
        return blocks

    def _tape_size(self, steps: int, samples: int, stages: int) -> int:
        header = self._header
        of_outputs = header[ap.OUTPUT_HIGH] - header[ap.OUTPUT_LOW]
        return samples * (steps * (stages * header[ap.SIZE] + of_outputs) + header[ap.STATES])

    @property
    def _header(self) -> list[int]:
        if "header" not in self._kept:
            self._kept["header"] = self.program.code[: ap.HEADER].tolist()
        return self._kept["header"]

    def _blocked_mix(self, mix: np.ndarray, samples: int) -> np.ndarray:
        old, blocked = self._kept.get("blocked", (None, np.empty(0)))
        if old is not mix or blocked.size != mix.size * samples:
            rows = np.repeat(mix[:, :, None, :], samples, axis=2)
            blocked = self.program.states.to_blocks(rows).ravel()
            self._kept["blocked"] = (mix, blocked)
        return blocked

    def _implicit(self, y: np.ndarray, inputs: np.ndarray, record: bool) -> Trajectory:
        assert self.rule.step is not None
        program = self.program
        held = program.is_hold
        delayed = _is_delayed(program)
        jumps = program.is_clocked & ~held & ~delayed
        has_held, has_delayed, has_jumps = held.any(), delayed.any(), jumps.any()
        step = self.rule.step(self)
        states = np.empty((*inputs.shape[:2], program.states.size))
        for t, u in enumerate(inputs):
            if has_held:
                y = np.where(held, program.drive(y, u), y)
            before = program.drive(y, u) if has_delayed else y
            y = step(y, u)
            if has_delayed:
                y = np.where(delayed, before, y)
            if has_jumps:
                y = np.where(jumps, program.drive(y, u), y)
            states[t] = y
        made = Trajectory(program.output(states, inputs), states if record else states[:0], y, np.empty(0))
        self._check(made)
        return made

    def _check(self, run: Trajectory) -> None:
        values = run.states if run.states.size else run.final[None]
        flat = values.ravel()
        # where squares do not overflow their sum says it at half the cost
        with np.errstate(over="ignore", invalid="ignore"):
            size = flat.dot(flat)
        if math.isfinite(size) or np.isfinite(values).all():
            return
        step, sample, place = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        where = f"step {step}" if run.states.size else "the end"
        raise SimulationError(
            f"state {self.state_name(place)} is not finite at {where} (sample {sample}) under rule '{self.rule.name}' "
            f"with dt = {self.dt:g} s; a smaller dt, or a rule that is stable at any step, may help"
        )

    def __str__(self) -> str:
        from neurosim.digital.certificates import describe

        return describe(self)

    def state_name(self, place: int) -> str:
        """Address of one element of y, ``hidden[3]``."""
        for name, part in self.program.states.slices.items():
            if part.start <= place < part.stop:
                return f"{name}[{place - part.start}]"
        raise ParameterError(f"there is no state number {place}")

    def _parameters_of_time(self) -> list[tuple[str, str]]:
        """States whose time constant or leak is a parameter: (state, which of the two)."""
        if "of time" not in self._kept:
            self._kept["of time"] = [(state, key) for state, key, _ in self.parameters_of_states() if key != "initial"]
        return self._kept["of time"]

    def parameters_of_states(self) -> list[tuple[str, str, str]]:
        """Time constants, leaks and initial states that are parameters: (state, which of them, parameter)."""
        if "named" not in self._kept:
            nodes = self.graph.nodes
            self._kept["named"] = [
                (name, key, nodes[name][key])
                for name in self.program.states.slices
                for key in ("time_constant", "leak", "initial")
                if isinstance(nodes[name].get(key), str)
            ]
        return self._kept["named"]

    def _add_gradient_of_time(self, gradient: np.ndarray, d_mix: np.ndarray) -> None:
        """Chain rule through the coefficients, by complex steps."""
        program = self.program
        for state, key in self._parameters_of_time():
            part = program.states.slices[state]
            parameter = program.parameters.slices[self.graph.nodes[state][key]]
            values = {"time_constant": program.time_constant.astype(complex), "leak": program.leak.astype(complex)}
            values[key][part] += 1e-30j
            slope = np.imag(_mix(self.rule, program, values["time_constant"], values["leak"], self.dt)) / 1e-30
            share = (d_mix * slope).sum(axis=(0, 1))[part]
            gradient[parameter] += share if parameter.stop - parameter.start == share.size else share.sum()


def _mix(rule: Rule, program: Program, tau: np.ndarray, leak: np.ndarray, dt: float) -> np.ndarray:
    assert rule.coefficients is not None
    clocked, held, delayed = program.is_clocked, program.is_hold, _is_delayed(program)
    jumps = clocked & ~held & ~delayed
    rows = rule.coefficients(np.where(clocked, dt, tau), np.where(clocked, 1.0, leak), dt)
    first = int(held.any())
    last = int(jumps.any() and not clocked.all())
    stages = first + len(rows) + last
    mix = np.zeros((stages + 1, 1 + stages, tau.size), dtype=tau.dtype)
    mix[:, 0] = 1.0
    for s, row in enumerate(rows, start=1 + first):
        mix[s, 0] = np.where(clocked, 1.0, row[0])
        for j, value in enumerate(row[1:]):
            mix[s, 1 + first + j] = np.where(clocked, 0.0, value)
    if last:
        mix[-1] = mix[-2]
    # A hold takes its sample at the tick that begins the step and keeps it; what jumps, at the tick that ends it.
    mix[1:, 0, held] = 0.0
    mix[1:, 1, held] = 1.0
    mix[-1, 0, jumps] = 0.0
    mix[-1, stages, jumps] = 1.0
    mix[-1, 0, delayed] = 0.0
    mix[-1, 1 + first, delayed] = 1.0
    return mix


def _is_delayed(program: Program) -> np.ndarray:
    """Which states are chains that stand for delays: they take what their source was when the step began."""
    made = np.zeros(program.states.size, dtype=bool)
    for name, part in program.states.slices.items():
        made[part] = program.graph.nodes[name].get("clock") == DELAY_CLOCK
    return made


@overload
def digital(
    graph: SignalGraph | Program, rule: str | Rule = ..., dt: float | None = ..., *,
    parameters: Mapping[str, Any] | None = ...,
) -> DigitalNetwork: ...  # fmt: skip
@overload
def digital(
    graph: MemristiveNetwork, rule: str | Rule = ..., dt: float | None = ..., *,
    parameters: Mapping[str, Any] | None = ...,
) -> ClockedMap: ...  # fmt: skip
def digital(
    graph: SignalGraph | Program | MemristiveNetwork, rule: str | Rule = "forward_euler", dt: float | None = None, *,
    parameters: Mapping[str, Any] | None = None,
) -> DigitalNetwork | ClockedMap:  # fmt: skip
    """Make the discrete-time equivalent of a graph, or of a memristive network.

    Parameters
    ----------
    graph : SignalGraph, Program or MemristiveNetwork
        A memristive network takes explicit rules, and `dt` must be given; its sources are read at the ticks, and at
        the stages of the rule between them.
    rule : str or Rule
        Name of a rule (``neurosim list rules``), default forward Euler.
    dt : float, optional
        Step [s]. Default the time constant where all states share one, or the period of the only clock. Delays of edges
        must be multiples of it.
    parameters : mapping of str to array_like, optional
        Other values.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if isinstance(graph, MemristiveNetwork):
        from neurosim.digital.memristive_map import clocked_map

        net = graph.with_parameters(parameters) if parameters else graph
        return clocked_map(net, rule if isinstance(rule, Rule) else rules.get(rule), dt)
    if isinstance(graph, SignalGraph) and flatten(graph).of_kind("host"):
        from neurosim.digital.hosted import hosted

        return hosted(graph, rule, dt, parameters=parameters)
    if parameters:
        if isinstance(graph, Program):
            raise ParameterError("give parameters with a SignalGraph, or use with_parameters() of the network")
        graph = graph.with_weights(parameters)
    if isinstance(graph, SignalGraph) and has_delays(flatten(graph)):
        if dt is None or not dt > 0.0:
            raise ParameterError(f"give dt: graph '{graph.title}' has delays, which must be multiples of it")
        graph = with_chains(graph, dt)
    if isinstance(graph, Program) and graph.delays:
        raise ParameterError(f"graph '{graph.graph.title}' has delays: give the graph itself, not its program")
    program = graph if isinstance(graph, Program) else compile_graph(graph)
    refuse_noise(program.graph, "a digital network")
    chosen = rule if isinstance(rule, Rule) else rules.get(rule)
    clocks = program.graph.clocks
    periods = {clocks[d["clock"]].period for _, d in program.graph.nodes(data=True) if d.get("clock") in clocks}
    if dt is None:
        found = periods or {float(t) for t in program.time_constant[~program.is_clocked]}
        if len(found) != 1:
            raise ParameterError(
                f"give dt: graph '{program.graph.title}' has {len(found)} time constants and clock periods"
                + (f" from {min(found):g} to {max(found):g} s" if found else "")
            )
        dt = found.pop()
    if not (np.isfinite(dt) and dt > 0.0):
        raise ParameterError(f"dt = {dt!r} must be positive and finite")
    if any(abs(period - dt) > 1e-9 * dt for period in periods):
        raise ParameterError(f"dt = {dt:g} s must be the period of the clocks, which is {sorted(periods)} s")
    network = DigitalNetwork(program.between if isinstance(program, EventProgram) else program, chosen, float(dt))
    if chosen.step is not None:
        chosen.step(network)
    if isinstance(program, EventProgram):
        from neurosim.digital.event_network import EventNetwork

        return EventNetwork(program, chosen, float(dt))
    return network
