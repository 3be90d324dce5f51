"""Training by backpropagation through time, whole or truncated, deterministic and resumable bit for bit.

Sources: Werbos, Proc. IEEE 78, 1550 (1990), doi 10.1109/5.58337; truncation: Williams & Peng, Neural
Computation 2, 490 (1990), doi 10.1162/neco.1990.2.4.490.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.array_file import read_arrays, write_arrays
from neurosim.digital.training.batches import Batch, Batches, as_batch, make_batches
from neurosim.digital.training.losses import Loss, loss_of
from neurosim.digital.training.optimisers import LBFGS, Adam, Optimiser, clip_by_norm
from neurosim.digital.training.problem import Problem, make_problem
from neurosim.digital.training.progress import training_bar
from neurosim.digital.training.weights import graph_of
from neurosim.errors import FormatError, ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


@dataclass(frozen=True)
class Training:
    """What a training run gives.

    Attributes
    ----------
    network : DigitalNetwork
        With the trained weights; those of the best validation where the run was told to stop early.
    history : dict of str to ndarray
        ``"loss"`` and ``"gradient_norm"`` (largest, before clipping) of each batch, measured before its updates;
        ``"validation"`` after the batches whose count is in ``"validated_after"``.
    seconds : float
        Spent, those before a resume included.
    batches : int
        Done.
    reason : str
        Why it ended.
    initial : ndarray, shape (1 or sequences, states), or None
        Initial states, where they were given or trained.
    """

    network: DigitalNetwork
    history: dict[str, np.ndarray] = field(repr=False)
    seconds: float
    batches: int
    reason: str
    initial: np.ndarray | None = field(repr=False)

    @property
    def graph(self) -> SignalGraph:
        """The flat graph with the trained weights."""
        return graph_of(self.network)


@dataclass
class _State:
    """All that the rest of a run depends on."""

    x: np.ndarray
    memory: dict[str, np.ndarray]
    loss: np.ndarray
    norm: np.ndarray
    best_x: np.ndarray
    validation: list[float] = field(default_factory=list)
    validated_after: list[int] = field(default_factory=list)
    done: int = 0
    best: float = np.inf
    waiting: int = 0
    seconds: float = 0.0
    reason: str = ""

    def save(self, path: str | os.PathLike[str], settings: dict[str, Any]) -> None:
        arrays = {
            "x": self.x, "best_x": self.best_x, "loss": self.loss[: self.done], "norm": self.norm[: self.done],
            "validation": np.array(self.validation), "validated_after": np.array(self.validated_after, np.int64),
            **{f"memory/{name}": array for name, array in self.memory.items()},
        }  # fmt: skip
        counters = {"done": self.done, "best": self.best, "waiting": self.waiting, "seconds": self.seconds}
        write_arrays(path, arrays, {"settings": settings, **counters, "reason": self.reason})

    def load(self, path: str | os.PathLike[str], settings: dict[str, Any]) -> None:
        arrays, notes = read_arrays(path)
        old = notes.get("settings")
        if not isinstance(old, dict):
            raise FormatError(f"'{path}' is not a checkpoint of a training run")
        for key, value in settings.items():
            if old.get(key) != value:
                raise ParameterError(
                    f"checkpoint '{path}' is of a run with {key} = {old.get(key)}, this one has {value}; use its "
                    "settings, or another file"
                )
        try:
            done = int(notes["done"])
            for target, name in ((self.x, "x"), (self.best_x, "best_x"), (self.loss[:done], "loss"),
                                 (self.norm[:done], "norm")):  # fmt: skip
                target[...] = arrays[name]
            for name, array in self.memory.items():
                array[...] = arrays[f"memory/{name}"]
            self.validation, self.validated_after = arrays["validation"].tolist(), arrays["validated_after"].tolist()
            self.done, self.best, self.waiting = done, float(notes["best"]), int(notes["waiting"])
            self.seconds, self.reason = float(notes["seconds"]), str(notes["reason"])
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(f"checkpoint '{path}' does not fit this run: {error}") from error


def train(
    network: DigitalNetwork | SignalGraph, data: Any, loss: str | Loss = "mean_squared_error",
    optimiser: Optimiser | None = None, *, epochs: int | None = None, batches: int | None = None,
    batch_size: int | None = None, seed: int = 0, truncate: int | None = None, clip: float | None = None,
    schedule: Callable[[int], float] | None = None, initial: Any = None, trainable_initial: Sequence[str] = (),
    validation: Any = None, validate_every: int | None = None, early_stop: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None, checkpoint_every: int = 100, progress: bool = True,
) -> Training:  # fmt: skip
    """Train the free parameters of a network (trainable, and not masked out).

    Parameters
    ----------
    network : DigitalNetwork or SignalGraph
        A graph is run by forward Euler with dt equal to its time constant: the textbook recurrence.
    data : tuple or callable
        ``(inputs, targets)`` or ``(inputs, targets, mask)`` of shapes (steps, samples, inputs), (steps, samples,
        outputs) and (steps, samples), or a function ``generator(rng, k)`` that makes batch k. See
        `neurosim.digital.training.batches.as_batch`.
    loss : str or callable
        A name of `neurosim.digital.training.losses.LOSSES`, or ``loss(outputs, targets, mask) -> value, gradient``.
    optimiser : SGD, Adam or LBFGS
        Default ``Adam()``. LBFGS takes arrays only, and uses them whole; a batch is then an iteration.
    epochs, batches : int
        How long; one of the two. Generated data has no epochs.
    batch_size : int, optional
        Samples in a batch, default all. Batches are drawn anew in each epoch.
    seed : int
        Of the order of samples, and of the generator's batches. Default 0.
    truncate : int, optional
        Steps in a window of truncated backpropagation: each window gives an update, the states are carried on, the
        gradient is cut. Default: the whole sequence.
    clip : float, optional
        Largest norm of the gradient.
    schedule : callable, optional
        ``schedule(k)`` is the factor of the rate in batch k.
    initial : array_like, shape (states,) or (samples, states), optional
        Initial states; default those of the graph.
    trainable_initial : sequence of str
        States whose initial values are trained: for each sample where `initial` has a row for each, else one for all.
    validation : tuple or callable, optional
        Data as above, or ``function(network) -> float``, where less is better.
    validate_every : int, optional
        Validate after each multiple of so many batches; default an epoch (100 batches where data is generated).
    early_stop : int, optional
        Stop after so many validations without a new best, and give the best weights.
    checkpoint : path, optional
        An ``.npz`` file. Where it exists, the run goes on from it, and gives what the uncut run would give.
    checkpoint_every : int
        Batches, default 100; the end of the run is always kept.
    progress : bool
        Draw a bar when standard error is a terminal.

    Returns
    -------
    Training

    Raises
    ------
    ParameterError, UnknownNameError, FormatError
    SimulationError
        The loss, a state or the gradient is not finite.

    Examples
    --------
    >>> run = train(ns.architectures.elman(1, 8, 1), (u, y), optimiser=Adam(0.01), epochs=200, batch_size=16, clip=1.0)
    >>> run.network.sequence(u).outputs
    """
    net = digital(network) if isinstance(network, SignalGraph) else network
    optimiser = Adam() if optimiser is None else optimiser
    source = make_batches(data, net.program, batch_size, seed)
    sequences = None if source.whole is None else source.whole.targets.shape[1]
    problem = make_problem(net, loss_of(loss), initial, trainable_initial, sequences)
    total = count_batches(epochs, batches, source)
    for name, value in (("truncate", truncate), ("early_stop", early_stop), ("validate_every", validate_every),
                        ("checkpoint_every", checkpoint_every)):  # fmt: skip
        if value is not None and value < 1:
            raise ParameterError(f"{name} = {value} must be at least 1")
    if clip is not None and not clip > 0.0:
        raise ParameterError(f"clip = {clip} must be positive")
    score = _score(validation, problem, sequences)
    if score is None and (early_stop or validate_every):
        raise ParameterError("early_stop and validate_every need validation data")
    if isinstance(optimiser, LBFGS):
        given = {"batch_size": batch_size, "truncate": truncate, "clip": clip, "schedule": schedule,
                 "validation": validation, "checkpoint": checkpoint}  # fmt: skip
        for name, value in given.items():
            if value is not None:
                raise ParameterError(f"LBFGS works on the whole data in one go: leave out {name}, or use Adam or SGD")
        return _train_whole(problem, optimiser, source, total, progress)
    x = problem.start()
    state = _State(x, optimiser.start(x.size), np.full(total, np.nan), np.full(total, np.nan), x.copy())
    settings = {} if checkpoint is None else {
        "seed": seed, "batch_size": source.batch_size, "truncate": truncate, "clip": clip, "loss": _name(problem.loss),
        "schedule": schedule and _name(schedule), "optimiser": repr(optimiser), "network": _fingerprint(problem),
        "data": source.fingerprint(), "early_stop": early_stop, "validate_every": validate_every,
    }  # fmt: skip
    if checkpoint is not None and Path(checkpoint).exists():
        state.load(checkpoint, settings)
    every = validate_every or (100 if source.whole is None else source.per_epoch)
    begun = time.perf_counter() - state.seconds
    # what overflows is told of with its batch, not by a warning
    with training_bar(progress, total, state.done) as told, np.errstate(over="ignore", invalid="ignore"):
        while state.done < total and not state.reason:
            batch = source.batch(state.done)
            _learn(problem, optimiser, batch, state, truncate, clip, schedule(state.done) if schedule else 1.0)
            state.done += 1
            if score is not None and state.done % every == 0:
                _validate(state, score, early_stop)
            if checkpoint is not None and (state.done % checkpoint_every == 0 or state.done == total or state.reason):
                state.seconds = time.perf_counter() - begun
                state.save(checkpoint, settings)
            told(state.done, state.loss[state.done - 1])
    x = state.best_x if early_stop and state.validation else state.x
    history = {
        "loss": state.loss[: state.done], "gradient_norm": state.norm[: state.done],
        "validation": np.array(state.validation), "validated_after": np.array(state.validated_after, np.int64),
    }  # fmt: skip
    return Training(
        problem.network_at(x), history, time.perf_counter() - begun, state.done, state.reason or f"{total} batches",
        problem.initial_at(x),
    )  # fmt: skip


def _learn(
    problem: Problem, optimiser: Any, batch: Batch, state: _State, truncate: int | None, clip: float | None,
    factor: float,
) -> None:  # fmt: skip
    """One batch: an update for each window."""
    k, steps = state.done, batch.inputs.shape[0]
    window = steps if truncate is None else truncate
    carried, value, weight, largest = None, 0.0, 0.0, 0.0
    for start in range(0, steps, window):
        part = batch if window >= steps else batch.window(start, start + window)
        here, gradient, carried = problem.gradient(state.x, part, carried)
        if clip is None:
            norm = float(np.sqrt(gradient @ gradient))
        else:
            gradient, norm = clip_by_norm(gradient, clip)
        if not (np.isfinite(norm) and np.isfinite(here)):
            raise SimulationError(
                f"batch {k}: the loss is {here:g} and the norm of its gradient {norm:g}; a smaller rate, or clip=, may "
                "help"
            )
        optimiser.step(state.x, gradient, state.memory, factor)
        counted = part.weight
        value, weight, largest = value + counted * here, weight + counted, max(largest, norm)
    state.loss[k], state.norm[k] = value / weight if weight else 0.0, largest


def _validate(state: _State, score: Callable[[np.ndarray], float], early_stop: int | None) -> None:
    value = score(state.x)
    state.validation.append(value)
    state.validated_after.append(state.done)
    if value < state.best:
        state.best, state.waiting = value, 0
        state.best_x[:] = state.x
        return
    state.waiting += 1
    if early_stop is not None and state.waiting >= early_stop:
        state.reason = f"no better validation in {early_stop} of them"


def _train_whole(problem: Problem, optimiser: LBFGS, source: Batches, total: int, progress: bool) -> Training:
    if source.whole is None:
        raise ParameterError("LBFGS works on arrays, not on generated batches; use Adam or SGD")
    whole, begun = source.whole, time.perf_counter()
    values: list[float] = []
    with training_bar(progress, total) as told:

        def after(x: np.ndarray, value: float) -> None:
            values.append(value)
            told(len(values), value)

        x, reason = optimiser.minimise(lambda x: problem.gradient(x, whole)[:2], problem.start(), total, after)
    norm = np.linalg.norm(problem.gradient(x, whole)[1])
    history = {"loss": np.array(values), "gradient_norm": np.array([norm])}
    return Training(
        problem.network_at(x), history, time.perf_counter() - begun, len(values), reason, problem.initial_at(x)
    )  # fmt: skip


def count_batches(epochs: int | None, batches: int | None, source: Batches) -> int:
    """Batches in all.

    Raises
    ------
    ParameterError
        Not just one of the two is given, or generated data is to have epochs.
    """
    if (epochs is None) == (batches is None):
        raise ParameterError("give either epochs or batches")
    if epochs is not None and source.whole is None:
        raise ParameterError("generated data has no epochs: give batches")
    total = batches if epochs is None else epochs * source.per_epoch
    if total is None or total < 0:
        raise ParameterError(f"{'epochs' if batches is None else 'batches'} must not be negative")
    return total


def _score(validation: Any, problem: Problem, sequences: int | None) -> Callable[[np.ndarray], float] | None:
    if validation is None:
        return None
    if callable(validation):
        function: Any = validation
        return lambda x: float(function(problem.network_at(x)))
    batch = as_batch(validation, problem.network.program)
    rows = 1 if problem.initial is None else problem.initial.shape[0]
    if rows > 1 and batch.targets.shape[1] != sequences:
        raise ParameterError(f"with initial states for each of {sequences} samples, validation must have as many")
    return lambda x: problem.value(x, batch)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


def _fingerprint(problem: Problem) -> str:
    """Hash of all of the network that training leaves as it is."""
    network, program = problem.network, problem.network.program
    fixed = program.p.copy()
    fixed[problem.free] = 0.0
    digest = hashlib.sha256(f"{network.rule.name} {network.dt!r} {list(program.parameters.shapes.items())}".encode())
    for array in (program.code, fixed, problem.free, problem.columns):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:20]
