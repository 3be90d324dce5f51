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

SLACK = 1e-6
"""What is due within this share of a step after its end is due at its end: times are sums of many steps."""


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
        y = np.array(np.broadcast_to(start, (samples, n)))
        memory, time = np.zeros((samples, tables.memory)), 0.0
        if after is not None:
            memory[:], time = after.memory, after.time
        elif steps:
            begin = np.ascontiguousarray(inputs[0])
            words.begin_samples(
                0.0, 0.0, samples, y.ravel(), begin.ravel(), tables.code, tables.table, memory.ravel()
            )  # fmt: skip
        places = [int(tables.code[key]) for key in (words.HELD_STATES, words.TICKS, words.LOG)]
        network = DigitalNetwork(program.between, self.rule, self.dt)
        ticks = np.zeros((steps, samples, elements))
        states = np.zeros((steps if record else 0, samples, n))
        outputs = np.zeros((steps, samples, program.outputs.size))
        first = round(time / self.dt)
        for k in range(steps):
            is_held = memory[:, places[0] : places[0] + n] != 0.0
            moved = network.sequence(inputs[k : k + 1], y, record=False).final
            y = np.where(is_held, y, moved)
            time = (first + k + 1) * self.dt
            here = np.ascontiguousarray(inputs[k])
            failed = words.judge_samples(
                time, SLACK * self.dt, samples, y.ravel(), here.ravel(), tables.code, tables.table, memory.ravel()
            )  # fmt: skip
            if failed >= 0:
                failure = program.failure(memory[failed, places[2] :], time)
                assert failure is not None
                raise failure
            ticks[k] = memory[:, places[1] : places[1] + elements]
            outputs[k] = program.between.output(y, here)
            if record:
                states[k] = y
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
