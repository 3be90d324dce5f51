"""Real-time recurrent learning: derivatives by all parameters are carried forward with the states.

With y+ = F(y, u, w), the sensitivities S = dy/dw follow S+ = (dF/dy) S + dF/dw, so that a step's gradient is there at
once: dL/dw = (dL/dy) S + the direct share. Rows of dF/dy and dF/dw come from reverse runs of one step, so that any
program and any explicit rule will do, for n states at n reverse runs a step.

Source: Williams & Zipser, Neural Computation 1, 270 (1989), doi 10.1162/neco.1989.1.2.270.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, Trajectory, digital
from neurosim.digital.training.backpropagation import Training, count_batches
from neurosim.digital.training.batches import make_batches
from neurosim.digital.training.losses import Loss, loss_of
from neurosim.digital.training.optimisers import SGD, Adam, clip_by_norm
from neurosim.digital.training.problem import make_problem
from neurosim.digital.training.progress import training_bar
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


class Sensitivities:
    """States of a network, and their derivatives by chosen parameters, step by step.

    Parameters
    ----------
    network : DigitalNetwork
        With an explicit rule.
    free : ndarray of int, optional
        Places of the parameters in the vector; default all.
    samples : int
        Independent sequences side by side, default 1.
    y0 : array_like, shape (states,) or (samples, states), optional
        Default the initial values of the graph, and their derivatives where they are parameters.

    Attributes
    ----------
    network : DigitalNetwork
        May be replaced between steps by one with other parameters.
    y : ndarray, shape (samples, states)
    by_parameters : ndarray, shape (samples, states, free)
    """

    def __init__(
        self, network: DigitalNetwork, free: np.ndarray | None = None, samples: int = 1, y0: Any = None
    ) -> None:  # fmt: skip
        program = network.program
        n, size = program.states.size, program.parameters.size
        self.network = network
        self.free = np.arange(size) if free is None else np.asarray(free)
        start = np.asarray(program.initial if y0 is None else y0, dtype=float)
        if start.shape not in ((n,), (samples, n)):
            raise ParameterError(f"y0 needs shape ({n},) or ({samples}, {n}), not {start.shape}")
        self.y = np.broadcast_to(start, (samples, n)).copy()
        whole = np.zeros((n, size))
        for name, part in program.states.slices.items():
            parameter = program.graph.nodes[name].get("initial")
            if y0 is None and isinstance(parameter, str):
                place = program.parameters.slices[parameter]
                length = part.stop - part.start
                whole[part, place] = np.eye(length) if place.stop - place.start == length else 1.0
        self.by_parameters = np.repeat(whole[None][:, :, self.free], samples, axis=0)
        self._runs: list[tuple[DigitalNetwork, Trajectory, np.ndarray]] = []

    def step(self, u: Any = None) -> np.ndarray:
        """Take one step and give the outputs, shape (samples, outputs).

        Parameters
        ----------
        u : array_like, shape (samples, inputs) or (inputs,)
            Not needed by a network without inputs.
        """
        net, n, k = self.network, self.network.program.states.size, self.network.program.outputs.size
        samples = self.y.shape[0]
        inputs = np.zeros((samples, net.program.inputs.size))
        if u is not None:
            inputs += np.asarray(u, dtype=float)
        self._runs = []
        outputs, none = np.empty((samples, k)), np.zeros((1, 1, k))
        for s in range(samples):
            run = net.sequence(inputs[None, s : s + 1].copy(), self.y[s : s + 1], record=False, keep=True)
            before = self.by_parameters[s].copy()
            self._runs.append((net, run, before))
            after = np.empty_like(before)
            for i in range(n):
                row = net.gradient(run, none, d_final=np.eye(1, n, i))
                after[i] = row.parameters[self.free] + row.initial[0] @ before
            self.by_parameters[s] = after
            self.y[s] = run.final[0]
            outputs[s] = run.outputs[0, 0]
        return outputs

    def gradient(self, by_outputs: np.ndarray) -> np.ndarray:
        """Gradient by the parameters, shape (free,), of a scalar of the last step's outputs.

        Parameters
        ----------
        by_outputs : ndarray, shape (samples, outputs)
            Its gradient by these outputs.
        """
        total = np.zeros(self.free.size)
        for (net, run, before), row in zip(self._runs, by_outputs, strict=True):
            found = net.gradient(run, row[None, None])
            total += found.parameters[self.free] + found.initial[0] @ before
        return total

    def output_jacobian(self) -> np.ndarray:
        """Derivatives of the last step's outputs by the parameters, shape (samples, outputs, free)."""
        k = self.network.program.outputs.size
        made = np.empty((len(self._runs), k, self.free.size))
        for s, (net, run, before) in enumerate(self._runs):
            for j in range(k):
                found = net.gradient(run, np.eye(1, k, j)[None])
                made[s, j] = found.parameters[self.free] + found.initial[0] @ before
        return made


def real_time_gradient(network: DigitalNetwork, inputs: np.ndarray, by_outputs: np.ndarray) -> np.ndarray:
    """Gradient of a scalar by all parameters, by forward sensitivities.

    Parameters
    ----------
    network : DigitalNetwork
    inputs : ndarray, shape (steps, samples, inputs)
    by_outputs : ndarray, shape (steps, samples, outputs)
        Gradient of the scalar by the outputs.

    Returns
    -------
    ndarray, shape (program.parameters.size,)
        Equal to that of backpropagation, initial states that are parameters included.
    """
    carried = Sensitivities(network, samples=inputs.shape[1])
    total = np.zeros(network.program.parameters.size)
    for u, d in zip(inputs, by_outputs, strict=True):
        carried.step(u)
        total += carried.gradient(d)
    return total


def train_online(
    network: DigitalNetwork | SignalGraph, data: Any, loss: str | Loss = "mean_squared_error",
    optimiser: SGD | Adam | None = None, *, epochs: int | None = None, batches: int | None = None,
    batch_size: int | None = None, seed: int = 0, clip: float | None = None, progress: bool = True,
) -> Training:  # fmt: skip
    """Train by real-time recurrent learning: the weights move at every step of the sequence.

    Parameters
    ----------
    network, data, loss, optimiser, epochs, batches, batch_size, seed, clip, progress
        As in `neurosim.digital.training.backpropagation.train`.

    Returns
    -------
    Training
        ``history["loss"]``: mean over the steps of each batch, each before its update.

    Raises
    ------
    ParameterError, UnknownNameError, SimulationError
    """
    net = digital(network) if isinstance(network, SignalGraph) else network
    optimiser = Adam() if optimiser is None else optimiser
    source = make_batches(data, net.program, batch_size, seed)
    problem = make_problem(net, loss_of(loss), None, (), None)
    total = count_batches(epochs, batches, source)
    x = problem.start()
    memory, values, begun = optimiser.start(x.size), np.full(total, np.nan), time.perf_counter()
    with training_bar(progress, total) as told:
        for k in range(total):
            batch = source.batch(k)
            carried = Sensitivities(problem.network_at(x), problem.free, batch.inputs.shape[1])
            value, weight = 0.0, 0.0
            for t in range(batch.inputs.shape[0]):
                part = batch.window(t, t + 1)
                outputs = carried.step(part.inputs[0])
                here, by_outputs = problem.loss(outputs[None], part.targets, part.mask)
                gradient = carried.gradient(by_outputs[0])
                if clip is not None:
                    gradient = clip_by_norm(gradient, clip)[0]
                if not (np.isfinite(here) and np.isfinite(gradient).all()):
                    raise SimulationError(f"batch {k}, step {t}: loss {here:g}; a smaller rate, or clip=, may help")
                optimiser.step(x, gradient, memory)
                carried.network = problem.network_at(x)
                counted = part.weight
                value, weight = value + counted * here, weight + counted
            values[k] = value / weight if weight else 0.0
            told(k + 1, values[k])
    return Training(
        problem.network_at(x), {"loss": values}, time.perf_counter() - begun, total, f"{total} batches", None
    )  # fmt: skip
