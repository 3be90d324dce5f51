"""What is trained: the free parameters of a network, and initial states, as one flat vector with its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neurosim.digital.network import DigitalNetwork
from neurosim.digital.training.batches import Batch
from neurosim.digital.training.losses import Loss
from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.graph.program import Program
from neurosim.kernels.array_program import transpose_weights
from neurosim.kernels.room import Room


def free_parameters(program: Program) -> np.ndarray:
    """Which elements of the parameter vector may change: trainable, and not masked out; bool (parameters.size,)."""
    free = np.zeros(program.parameters.size, dtype=bool)
    for name, part in program.parameters.slices.items():
        parameter = program.graph.parameters[name]
        free[part] = parameter.trainable if parameter.mask is None else parameter.trainable & parameter.mask.ravel()
    return free


@dataclass(frozen=True)
class Problem:
    """A network, a loss, and which numbers may change.

    The vector holds the free parameters, then the trained columns of the initial states, sequence by sequence.

    Attributes
    ----------
    network : DigitalNetwork
    loss : callable
    free : ndarray of int
        Places of the free parameters.
    initial : ndarray, shape (1 or sequences, states), or None
        Initial states where they are not those of the graph.
    columns : ndarray of int
        Columns of `initial` that are trained.
    """

    network: DigitalNetwork
    loss: Loss
    free: np.ndarray
    initial: np.ndarray | None
    columns: np.ndarray
    _room: Room = field(default_factory=Room, repr=False, compare=False)
    _own: list[DigitalNetwork] = field(default_factory=list, repr=False, compare=False)
    """The network that `gradient` overwrites, once there is one."""

    def start(self) -> np.ndarray:
        """The vector of the network as it is."""
        parts = [self.network.program.p[self.free]]
        if self.initial is not None:
            parts.append(self.initial[:, self.columns].ravel())
        return np.concatenate(parts)

    def network_at(self, x: np.ndarray) -> DigitalNetwork:
        """The network with the parameters of a vector.

        Raises
        ------
        SimulationError
            A trained time constant is not positive.
        """
        program = self.network.program
        if self.free.size == program.parameters.size:
            made = self.network.with_parameters(x[: self.free.size])
        else:
            p = program.p[: program.parameters.size].copy()
            p[self.free] = x[: self.free.size]
            made = self.network.with_parameters(p)
        if (made.program.time_constant <= 0.0).any():
            place = int(np.argmax(made.program.time_constant <= 0.0))
            raise SimulationError(
                f"training made the time constant of state {made.state_name(place)} "
                f"{made.program.time_constant[place]:g} s; it must stay positive: lower the rate, or keep it fixed"
            )
        return made

    def initial_at(self, x: np.ndarray) -> np.ndarray | None:
        """Initial states (1 or sequences, states) of a vector; None where they are those of the graph."""
        if self.initial is None or not self.columns.size:
            return self.initial
        made = self.initial.copy()
        made[:, self.columns] = x[self.free.size :].reshape(-1, self.columns.size)
        return made

    def value(self, x: np.ndarray, batch: Batch) -> float:
        """Loss of a batch."""
        run = self.network_at(x).sequence(batch.inputs, self._first(x, batch), record=False)
        return self.loss(run.outputs, batch.targets, batch.mask)[0]

    def gradient(
        self, x: np.ndarray, batch: Batch, carried: np.ndarray | None = None
    ) -> tuple[float, np.ndarray, np.ndarray]:  # fmt: skip
        """Loss of a batch, its gradient by the vector, and the last states.

        Parameters
        ----------
        x : ndarray
        batch : Batch
        carried : ndarray, shape (samples, states), optional
            States that an earlier window left; no gradient goes through them.
        """
        network = self._network_in_place(x)
        first = self._first(x, batch) if carried is None else carried
        # What the batch before left is done with: new arrays cost more than what they hold.
        run = network.sequence(batch.inputs, first, record=False, keep=True, room=self._room)
        value, by_outputs = self.loss(run.outputs, batch.targets, batch.mask)
        found = network.gradient(run, by_outputs, room=self._room)
        by_parameters = found.parameters
        if carried is None and self.initial is None:
            self._add_initial_parameters(by_parameters, found.initial)
        everything = self.free.size == by_parameters.size
        gradient = by_parameters.copy() if everything else by_parameters[self.free]
        if self.columns.size:
            assert self.initial is not None
            by_initial = np.zeros((self.initial.shape[0], self.columns.size))
            if carried is None:
                share = found.initial[:, self.columns]
                if self.initial.shape[0] == 1:
                    by_initial[0] = share.sum(axis=0)
                else:
                    by_initial[slice(None) if batch.rows is None else batch.rows] = share
            gradient = np.concatenate([gradient, by_initial.ravel()])
        return value, gradient, run.final

    def _network_in_place(self, x: np.ndarray) -> DigitalNetwork:
        """As `network_at`, but made by overwriting the one of the call before where nothing else depends on it."""
        if not self._own:
            made = self.network_at(x)
            if type(made) is DigitalNetwork and not made.parameters_of_states():
                self._own.append(made)
            return made
        program = self._own[0].program
        transposed = program.transposed
        if self.free.size == program.parameters.size:
            program.p[: self.free.size] = x[: self.free.size]
        else:
            program.p[self.free] = x[: self.free.size]
        self._room.run(transpose_weights, program.code, program.p, transposed)
        return self._own[0]

    def _first(self, x: np.ndarray, batch: Batch) -> np.ndarray | None:
        initial = self.initial_at(x)
        if initial is None or initial.shape[0] == 1 or batch.rows is None:
            return initial
        return initial[batch.rows]

    def _add_initial_parameters(self, gradient: np.ndarray, by_initial: np.ndarray) -> None:
        """Add the share of parameters that are initial values of states."""
        program = self.network.program
        for state, key, parameter in self.network.parameters_of_states():
            if key == "initial":
                share = by_initial[:, program.states.slices[state]].sum(axis=0)
                place = program.parameters.slices[parameter]
                gradient[place] += share if place.stop - place.start == share.size else share.sum()


def make_problem(
    network: DigitalNetwork, loss: Loss, initial: np.ndarray | None, trainable_initial: Sequence[str],
    sequences: int | None,
) -> Problem:  # fmt: skip
    """Check and collect.

    Parameters
    ----------
    sequences : int or None
        Samples in the data; None for generated batches.

    Raises
    ------
    ParameterError, UnknownNameError
        Initial states of the wrong shape, a state that does not exist, or nothing to train.
    """
    program = network.program
    n = program.states.size
    for name in trainable_initial:
        if name not in program.states.slices:
            hint = nearest(name, program.states.slices)
            raise UnknownNameError(f"trainable_initial: there is no state '{name}'; {hint}".rstrip("; "))
    rows = None
    if initial is not None or trainable_initial:
        rows = np.array(program.initial if initial is None else initial, dtype=float)
        rows = rows[None] if rows.ndim == 1 else rows
        if rows.ndim != 2 or rows.shape[1] != n or rows.shape[0] not in (1, sequences or 1):
            allowed = f"({n},)" if sequences is None else f"({n},) or ({sequences}, {n})"
            raise ParameterError(f"initial has shape {rows.shape}; it must be {allowed}")
        if not np.isfinite(rows).all():
            raise ParameterError("initial has values that are not finite")
    columns = np.concatenate([np.zeros(0, np.int64), *(np.r_[program.states.slices[s]] for s in trainable_initial)])
    free = np.flatnonzero(free_parameters(program))
    if not free.size and not columns.size:
        raise ParameterError(f"graph '{program.graph.title}' has no trainable parameter")
    return Problem(network, loss, free, rows, columns)
