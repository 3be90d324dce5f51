"""Training data: arrays cut into shuffled batches, or a generator of batches; batch k follows from the seed and k."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.program import Layout, Program
from neurosim.randomness import stream

Generator = Callable[[np.random.Generator, int], tuple[Any, ...]]
"""``generator(rng, k)`` gives inputs, targets and, if it wants, a mask of batch k."""


@dataclass(frozen=True)
class Batch:
    """One batch.

    Attributes
    ----------
    inputs : ndarray, shape (steps, samples, inputs)
    targets : ndarray, shape (steps, samples, ...)
    mask : ndarray, shape (steps, samples), or None
    rows : ndarray of int, or None
        Which samples of the data these are; None for all of them, or for generated ones.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray | None = None
    rows: np.ndarray | None = None

    def window(self, start: int, stop: int) -> Batch:
        """The steps from `start` to `stop`."""
        mask = None if self.mask is None else self.mask[start:stop]
        return Batch(self.inputs[start:stop], self.targets[start:stop], mask, self.rows)

    @property
    def weight(self) -> float:
        """How many steps of samples count."""
        return float(self.targets.shape[0] * self.targets.shape[1]) if self.mask is None else float(self.mask.sum())


@dataclass
class Batches:
    """A source of batches.

    Attributes
    ----------
    whole : Batch or None
        All the data, where it is given as arrays.
    generator : callable or None
    program : Program
        Whose ports the arrays are for.
    batch_size : int
    seed : int
    """

    whole: Batch | None
    generator: Generator | None
    program: Program
    batch_size: int
    seed: int
    _order: tuple[int, np.ndarray] = field(default=(-1, np.empty(0, np.int64)), repr=False)

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return 1 if self.whole is None else -(-self.whole.targets.shape[1] // self.batch_size)

    def batch(self, k: int) -> Batch:
        """Batch number k, counted from 0 over all epochs."""
        if self.whole is None:
            assert self.generator is not None
            return as_batch(self.generator(stream(self.seed, "batch", k), k), self.program)
        if self.per_epoch == 1:
            return self.whole
        epoch, place = divmod(k, self.per_epoch)
        if self._order[0] != epoch:
            self._order = epoch, stream(self.seed, "order", epoch).permutation(self.whole.targets.shape[1])
        rows = self._order[1][place * self.batch_size : (place + 1) * self.batch_size]
        mask = None if self.whole.mask is None else self.whole.mask[:, rows]
        return Batch(self.whole.inputs[:, rows], self.whole.targets[:, rows], mask, rows)

    def fingerprint(self) -> str:
        """Hash of the data, or the name of the generator."""
        if self.whole is None:
            return getattr(self.generator, "__qualname__", type(self.generator).__name__)
        digest = hashlib.sha256()
        for array in (self.whole.inputs, self.whole.targets, self.whole.mask):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:20]


def make_batches(data: Any, program: Program, batch_size: int | None, seed: int) -> Batches:
    """Check training data.

    Raises
    ------
    ParameterError
        It is neither arrays nor a function, shapes differ, or the batch size does not fit.
    """
    if callable(data):
        if batch_size is not None:
            raise ParameterError("a generator of batches makes its own batches: leave out batch_size")
        generator: Any = data
        return Batches(None, generator, program, 1, seed)
    whole = as_batch(data, program)
    samples = whole.targets.shape[1]
    size = samples if batch_size is None else batch_size
    if not 1 <= size <= samples:
        raise ParameterError(f"batch_size = {size} must be from 1 to the number of samples, {samples}")
    return Batches(whole, None, program, size, seed)


def as_batch(data: Any, program: Program) -> Batch:
    """Check inputs, targets and mask; ports may be given by name, and one sample without its axis.

    Parameters
    ----------
    data : tuple
        ``(inputs, targets)`` or ``(inputs, targets, mask)``. Inputs (steps, samples, inputs), or by name of the port;
        the number of steps for a net without inputs. Targets (steps, samples, outputs), by name, or numbers of classes,
        integers (steps, samples). Arrays of one sample may all leave out its axis.
    program : Program

    Raises
    ------
    ParameterError
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise ParameterError("data must be (inputs, targets), (inputs, targets, mask), or a generator(rng, k) of those")
    targets = _array(data[1], program.outputs, "output")
    inputs, m = data[0], program.inputs.size
    if m == 0 and not isinstance(inputs, Mapping) and np.ndim(inputs) == 0:
        has_samples = targets.ndim > (1 if np.issubdtype(targets.dtype, np.integer) else 2)
        inputs = np.zeros((int(inputs), *targets.shape[1 : 1 + has_samples], 0))
    inputs = _array(inputs, program.inputs, "input").astype(float)
    mask = None if len(data) == 2 or data[2] is None else np.asarray(data[2], dtype=float)
    if targets.ndim == inputs.ndim:
        targets = targets.astype(float)
    if inputs.ndim == 2:
        inputs, targets, mask = inputs[:, None], targets[:, None], None if mask is None else mask[:, None]
    if inputs.ndim != 3 or inputs.shape[2] != m:
        raise ParameterError(f"the inputs need shape (steps, samples, {m}), not {inputs.shape}")
    if targets.shape[:2] != inputs.shape[:2] or 0 in inputs.shape[:2]:
        raise ParameterError(
            f"steps and samples of the targets, {targets.shape[:2]}, must be those of the inputs, {inputs.shape[:2]}"
        )
    if targets.ndim > 3 or (targets.ndim == 3 and targets.shape[2] != program.outputs.size):
        raise ParameterError(f"the targets have shape {targets.shape}; the network has {program.outputs.size} outputs")
    if mask is not None and mask.shape != inputs.shape[:2]:
        raise ParameterError(f"the mask has shape {mask.shape}; steps and samples are {inputs.shape[:2]}")
    for name, array in (("inputs", inputs), ("targets", targets), ("mask", mask)):
        if array is not None and not np.isfinite(array).all():
            raise ParameterError(f"the {name} have values that are not finite")
    # What cannot be written to is read once only by the runs on it.
    inputs = inputs.view()
    inputs.setflags(write=False)
    return Batch(inputs, targets, mask)


def _array(values: Any, layout: Layout, where: str) -> np.ndarray:
    if isinstance(values, Mapping):
        missing = [name for name in layout.slices if name not in values]
        if missing:
            raise ParameterError(f"{where} '{missing[0]}' has no array; give one for each {where}")
        return layout.pack(values, np.zeros(layout.size), where)
    array = np.asarray(values)
    return array if np.issubdtype(array.dtype, np.integer) else array.astype(float)
