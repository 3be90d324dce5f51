"""Digital networks of graphs with host procedures of single steps (a sort, a look-up).

A host reads its source as a step begins, with the input of that step; what it gives is held over the step, like an
input. So each step first runs what the hosts need, then the hosts in the order in which they need one another, then one
step of the graph in which they are inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.digital.hosted import HostedNetwork, joined, taken
from neurosim.digital.network import Gradient, Trajectory
from neurosim.errors import ParameterError
from neurosim.kernels.room import Room


@dataclass(frozen=True)
class _Step:
    """What `SteppedNetwork.gradient` needs of one step: the state before it, its run, and what hosts took and gave."""

    y: np.ndarray
    run: Trajectory
    signals: dict[str, np.ndarray]
    arguments: dict[str, np.ndarray]


@dataclass(frozen=True)
class SteppedTrajectory(Trajectory):
    """A `Trajectory` with its steps, kept for `SteppedNetwork.gradient`; none when not."""

    steps: tuple[_Step, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class SteppedNetwork(HostedNetwork):
    """A digital network in which hosts act on every step; used as a `DigitalNetwork`.

    Attributes
    ----------
    levels : tuple of Program
        For each host the program whose output is its argument, in the order in which hosts run, then the whole graph
        with hosts as inputs.
    """

    def sequence(
        self, u: Any, y0: Any = None, *, record: bool = True, keep: bool = False, room: Room | None = None
    ) -> SteppedTrajectory:
        """Run over held inputs; see `DigitalNetwork.sequence`. The network keeps a room of its own.

        Raises
        ------
        ParameterError, SimulationError
            Also where the procedure of a host gives another shape than it declares, or values that are not finite.
        """
        inputs = self._inputs(u, y0)
        steps, samples = inputs.shape[:2]
        y, whole = self._rows(y0, samples), self._network(self.levels[-1])
        outputs = np.empty((steps, samples, self.program.outputs.size))
        states = np.empty((steps if record else 0, samples, y.shape[1]))
        own, kept = Room(), []
        for t in range(steps):
            signals, arguments = self._signals(y, inputs[t])
            given = joined(signals, whole.program.inputs.slices, 1, samples)
            run = whole.sequence(given, y, record=False, keep=keep, room=None if keep else own)
            if keep:
                kept.append(_Step(y, run, signals, arguments))
            y, outputs[t] = run.final.copy(), run.outputs[0]
            if record:
                states[t] = y
        return SteppedTrajectory(outputs, states, y, np.empty(0), tuple(kept))

    def gradient(
        self, run: Trajectory, d_outputs: Any, *, d_states: Any = None, d_final: Any = None, inputs: bool = False,
        room: Room | None = None,
    ) -> Gradient:  # fmt: skip
        """Backpropagate through a run made with ``keep=True``; see `DigitalNetwork.gradient`.

        Raises
        ------
        ParameterError
            The run kept no steps, or a host has no gradient; it is named.
        """
        steps, samples = run.outputs.shape[:2]
        if not isinstance(run, SteppedTrajectory) or len(run.steps) != steps:
            raise ParameterError("this run kept no tape: use sequence(..., keep=True)")
        whole = self._network(self.levels[-1])
        wanted = np.asarray(d_outputs, dtype=float).reshape(steps, samples, -1)
        d_y = np.zeros((samples, self.program.states.size))
        d_y += 0.0 if d_final is None else np.asarray(d_final, dtype=float)
        parameters = np.zeros(self.program.parameters.size)
        by_input = np.zeros((steps if inputs else 0, samples, self.program.inputs.size))
        for t in range(steps - 1, -1, -1):
            step = run.steps[t]
            d_y += 0.0 if d_states is None else np.asarray(d_states, dtype=float)[t]
            found = whole.gradient(step.run, wanted[t : t + 1], d_final=d_y, inputs=True)
            parameters += found.parameters
            d_y = found.initial.copy()
            d_signals = {name: found.inputs[..., part].copy() for name, part in whole.program.inputs.slices.items()}
            for level in reversed(self.levels[:-1]):
                (name,) = level.outputs.slices
                d_argument = self._pull(name, step.arguments[name], step.signals[name][0], d_signals[name][0])
                given = joined(step.signals, level.inputs.slices, 1, samples)[0]
                by_y, by_u, by_p = level.output_vjp(taken(step.y, self.program, level), given, d_argument)
                parameters += by_p
                for state, part in level.states.slices.items():
                    d_y[:, self.program.states.slices[state]] += by_y[:, part]
                for signal, part in level.inputs.slices.items():
                    d_signals[signal][0] += by_u[:, part]
            if inputs:
                by_input[t] = joined(d_signals, self.program.inputs.slices, 1, samples)[0]
        return Gradient(parameters, d_y, by_input)

    def _signals(self, y: np.ndarray, u: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Inputs and what hosts give, each (1, samples, size), and what hosts take, (samples, size)."""
        signals = {name: u[None, :, part] for name, part in self.program.inputs.slices.items()}
        arguments: dict[str, np.ndarray] = {}
        for level in self.levels[:-1]:
            (name,) = level.outputs.slices
            given = joined(signals, level.inputs.slices, 1, len(y))[0]
            arguments[name] = level.output(taken(y, self.program, level), given)
            signals[name] = self.apply(name, arguments[name])[None]
        return signals, arguments
