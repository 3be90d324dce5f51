"""Losses of a sequence: value and gradient by the outputs, over all steps and samples or those that a mask counts.

>>> value, gradient = mean_squared_error(outputs, targets, mask)

Means are over what is counted: each (step, sample) once, and each output where the loss is a sum over outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray | None], tuple[float, np.ndarray]]
"""``loss(outputs, targets, mask)``: outputs (steps, samples, outputs), mask (steps, samples) or None."""


def mean_squared_error(
    outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Mean of (output - target)^2.

    Parameters
    ----------
    outputs, targets : ndarray, shape (steps, samples, outputs)
    mask : ndarray, shape (steps, samples), optional
        Weights of the steps, 0 for what does not count; default all 1.

    Returns
    -------
    value : float
    gradient : ndarray, shape (steps, samples, outputs)

    Raises
    ------
    ParameterError
        Shapes differ.
    """
    _check_shape(outputs, targets, mask)
    difference = outputs - targets
    if mask is None:
        count = max(difference.size, 1)
        flat = difference.ravel()
        return float(flat @ flat) / count, (2.0 / count) * difference
    weights = mask[..., None]
    count = _count(mask) * outputs.shape[-1]
    weighted = weights * difference
    return float((weighted * difference).sum()) / count, (2.0 / count) * weighted


def softmax_cross_entropy(
    outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Mean of -log softmax(outputs)[class], or of -sum target log softmax(outputs).

    Parameters
    ----------
    outputs : ndarray, shape (steps, samples, classes)
        Before the softmax (logits).
    targets : ndarray
        Numbers of classes, integers of shape (steps, samples), or shares of classes, shape (steps, samples, classes),
        that add up to 1.
    mask : ndarray, shape (steps, samples), optional

    Returns
    -------
    value : float
        In nats per counted step and sample.
    gradient : ndarray, shape (steps, samples, classes)

    Raises
    ------
    ParameterError
        Shapes differ, or a class does not exist.
    """
    if np.ndim(targets) == outputs.ndim - 1:
        classes = outputs.shape[-1]
        if not np.issubdtype(targets.dtype, np.integer) or targets.min() < 0 or targets.max() >= classes:
            raise ParameterError(
                f"targets of shape {targets.shape} must be whole numbers of classes from 0 to {classes - 1}"
            )
        targets = np.eye(classes)[targets]
    _check_shape(outputs, targets, mask)
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=-1, keepdims=True)
    entropy = -(targets * (shifted - np.log(total))).sum(axis=-1)
    gradient = powers / total * targets.sum(axis=-1, keepdims=True) - targets
    return _mean(entropy, gradient, mask)


def logistic_cross_entropy(
    outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Mean of -t log s - (1 - t) log(1 - s), s = 1/(1 + exp(-output)).

    Parameters
    ----------
    outputs : ndarray, shape (steps, samples, outputs)
        Before the logistic function (logits).
    targets : ndarray, shape (steps, samples, outputs)
        From 0 to 1.
    mask : ndarray, shape (steps, samples), optional

    Returns
    -------
    value : float
        In nats per counted output.
    gradient : ndarray, shape (steps, samples, outputs)

    Raises
    ------
    ParameterError
        Shapes differ.
    """
    _check_shape(outputs, targets, mask)
    decay = np.exp(-np.abs(outputs))
    entropy = np.maximum(outputs, 0.0) - outputs * targets + np.log1p(decay)
    share = np.where(outputs >= 0.0, 1.0, decay) / (1.0 + decay)
    n = max(outputs.shape[-1], 1)
    return _mean(entropy.sum(axis=-1) / n, (share - targets) / n, mask)


LOSSES: dict[str, Loss] = {
    "mean_squared_error": mean_squared_error,
    "softmax_cross_entropy": softmax_cross_entropy,
    "logistic_cross_entropy": logistic_cross_entropy,
}
"""The losses by name."""


def loss_of(loss: str | Loss) -> Loss:
    """Return a loss by name, or the function itself.

    Raises
    ------
    UnknownNameError
    """
    if not isinstance(loss, str):
        return loss
    if loss not in LOSSES:
        hint = nearest(loss, LOSSES) or f"losses: {', '.join(LOSSES)}"
        raise UnknownNameError(f"there is no loss '{loss}'; {hint}")
    return LOSSES[loss]


def _check_shape(outputs: np.ndarray, targets: np.ndarray, mask: np.ndarray | None) -> None:
    if outputs.shape != targets.shape:
        raise ParameterError(f"targets have shape {targets.shape}; the outputs have {outputs.shape}")
    if mask is not None and mask.shape != outputs.shape[:-1]:
        raise ParameterError(f"the mask has shape {mask.shape}; steps and samples are {outputs.shape[:-1]}")


def _count(mask: np.ndarray) -> float:
    """Sum of the weights; 1 where nothing counts, so that value and gradient are 0 there."""
    return float(mask.sum()) or 1.0


def _mean(values: np.ndarray, gradient: np.ndarray, mask: np.ndarray | None) -> tuple[float, np.ndarray]:
    if mask is None:
        count = max(values.size, 1)
        return float(values.sum()) / count, gradient / count
    count = _count(mask)
    return float((mask * values).sum()) / count, gradient * (mask / count)[..., None]
