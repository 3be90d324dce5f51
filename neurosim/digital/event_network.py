"""Digital networks of graphs with events: a rule between ticks, and events judged at the end of every step.

What happens at the end of a step is what happens at an instant in continuous time, by the same compiled code
(`neurosim.graph.events`): a drive that crosses its threshold within a step ticks at its end, late by up to dt, so that
the times of ticks converge to those in continuous time with dt.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, Gradient, Trajectory
from neurosim.errors import ParameterError
from neurosim.graph import event_law as words
from neurosim.graph.events import EventProgram
from neurosim.kernels.room import Room

SLACK = 1e-6
"""What is due within this share of a step after its end is due at its end: times are sums of many steps."""

BLOCK = 256
"""Steps whose outputs are computed at once."""


@dataclass(frozen=True)
class EventTrajectory(Trajectory):
    """A `Trajectory` with its ticks.

    Attributes
    ----------
    ticks : dict of str to ndarray, shape (steps, samples, size)
        How often each element of an event ticked at the end of each step.
    memory : ndarray, shape (samples, numbers)
        What events remember after the last step: refractory times, pulses under way.
    time : float
        Of the last step [s].
    """

    ticks: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    memory: np.ndarray = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    time: float = 0.0

    def times_of_ticks(self, dt: float, sample: int = 0) -> dict[str, np.ndarray]:
        """Times [s] of the ticks of each element of one sample by its name, as in the events of a result."""
        first, found = self.time - dt * len(self.outputs), {}
        for name, often in self.ticks.items():
            for element in range(often.shape[2]):
                steps = np.repeat(np.arange(1, len(often) + 1), often[:, sample, element].astype(int))
                found[name if often.shape[2] == 1 else f"{name}[{element}]"] = first + dt * steps
        return found


@dataclass(frozen=True)
class EventNetwork(DigitalNetwork):
    """A digital network with events; used as a `DigitalNetwork`.

    Attributes
    ----------
    program : EventProgram
    """

    program: EventProgram

    def with_parameters(self, vector: np.ndarray) -> EventNetwork:
        """The same network with other parameter values, shape (program.parameters.size,)."""
        values = np.asarray(vector, dtype=float)
        between = DigitalNetwork(self.program.between, self.rule, self.dt).with_parameters(values).program
        program = self.program.with_parameters(values)
        object.__setattr__(program, "between", between)
        for key in ("time_constant", "leak", "initial"):
            object.__setattr__(program, key, getattr(between, key))
        return EventNetwork(program, self.rule, self.dt)

    def sequence(
        self, u: Any, y0: Any = None, *, record: bool = True, keep: bool = False, tape: np.ndarray | None = None,
        after: EventTrajectory | None = None,
    ) -> EventTrajectory:  # fmt: skip
        """Run over held inputs; see `DigitalNetwork.sequence`.

        Parameters
        ----------
        u, y0, record
            As there.
        keep, tape
            Refused and ignored: no tape can be kept across ticks.
        after : EventTrajectory, optional
            Go on where this run ended, instead of from `y0`: both together are the run in one.

        Raises
        ------
        ParameterError, SimulationError
            Also where ticks never end at one instant, or too many delayed ones are under way.
        """
        if keep:
            raise ParameterError("no tape can be kept across ticks of events: networks with events have no gradient")
        program, tables = self.program, self.program.tables
        inputs = self._inputs(u, after.final if after is not None else y0)
        steps, samples = inputs.shape[:2]
        n, elements = program.states.size, program.events.size
        start = after.final if after is not None else program.initial if y0 is None else np.asarray(y0, dtype=float)
        if start.shape[-1:] != (n,):
            raise ParameterError(f"y0 needs shape (..., {n}), not {start.shape}")
        y = np.empty((samples, n))
        y[:] = start
        memory, time = np.zeros((samples, tables.memory)), 0.0
        if after is not None:
            memory[:], time = after.memory, after.time
        elif steps:
            first_input = np.ascontiguousarray(inputs[0])
            words.begin_samples(
                0.0, 0.0, samples, y.ravel(), first_input.ravel(), tables.code, tables.table, memory.ravel()
            )  # fmt: skip
        held_at, ticks_at, log_at = (int(tables.code[key]) for key in (words.HELD_STATES, words.TICKS, words.LOG))
        is_held = memory[:, held_at : held_at + n]
        network, room = DigitalNetwork(program.between, self.rule, self.dt), Room()
        ticks = np.zeros((steps, samples, elements))
        states = np.zeros((steps if record else 0, samples, n))
        outputs = np.zeros((steps, samples, program.outputs.size))
        first, here = round(time / self.dt), np.empty((1, samples, inputs.shape[2]))
        given = (samples, y.ravel(), here.ravel(), tables.code, tables.table, memory.ravel())
        for begin in range(0, steps, BLOCK):
            part = slice(begin, min(begin + BLOCK, steps))
            block = states[part] if record else np.empty((part.stop - begin, samples, n))
            for k in range(begin, part.stop):
                here[0] = inputs[k]
                moved = network.sequence(here, y, record=False, room=room).final
                np.copyto(y, moved, where=is_held == 0.0)
                time = (first + k + 1) * self.dt
                failed = words.judge_samples(time, SLACK * self.dt, *given)
                if failed >= 0:
                    failure = program.failure(memory[failed, log_at:], time)
                    assert failure is not None
                    raise failure
                ticks[k] = memory[:, ticks_at : ticks_at + elements]
                block[k - begin] = y
            outputs[part] = program.between.output(block, inputs[part])
        made = EventTrajectory(
            outputs, states, y, np.empty(0),
            {name: ticks[..., part] for name, part in program.events.slices.items()}, memory, time,
        )  # fmt: skip
        self._check(made)
        return made

    def gradient(self, run: Trajectory, d_outputs: Any, **wanted: Any) -> Gradient:
        """Refused: the derivative of a tick is not defined.

        Raises
        ------
        ParameterError
        """
        raise ParameterError(f"graph '{self.graph.title}' has events: its digital network has no gradient")

    def __str__(self) -> str:
        events = ", ".join(f"'{name}'" for name in self.program.events.slices)
        between = DigitalNetwork(self.program.between, self.rule, self.dt)
        return f"{between}\nevents {events} are judged at the end of every step of {self.dt:g} s"
