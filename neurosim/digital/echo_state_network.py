"""An echo state network to fit and predict with in a few lines.

>>> import neurosim as ns
>>> series = ns.datasets.mackey_glass(4000)[:, None]
>>> network = ns.EchoStateNetwork(inputs=0, units=300, leak=0.4, seed=1).fit(series[:3000])
>>> ahead = network.forecast(series[2000:3000], 84)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.readouts import Readout, fit_readout
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream


@dataclass(frozen=True)
class EchoStateNetwork:
    """A reservoir and its readout; `fit` gives a trained copy.

    At step t the network sees the input u(t) and, with feedback, the output y(t - 1), of which the teacher's value is
    given while it learns; then it answers y(t).

    Parameters
    ----------
    inputs, units, outputs : int
        Defaults 1, 300, 1.
    leak : float
        Above 0 to 1, default 1.
    feedback : bool, optional
        Default: where there are no inputs.
    washout : int
        First steps of each sequence that do not count for the fit, default 100.
    regularisation : float or "gcv"
        Of the ridge regression, default by cross-validation of one step. Free runs of a series without noise often
        last longer with a small number (1e-9), those of a noisy one with a larger one or with `noise`.
    noise : float
        Deviation of Gaussian noise on what is fed back (without feedback, on the inputs) during the fit, which makes
        free runs robust; default 0.
    seed : int
        Of the weights and the noise.
    reservoir : mapping of str to Any
        Further arguments of `neurosim.architectures.echo_state`, such as ``{"topology": "cycle"}``. Here `bias_scaling`
        is 0.2 by default: without any bias all responses are odd.
    readout : Readout, optional
        What `fit` found.

    Raises
    ------
    ParameterError
        A leak outside its range, or what the architecture refuses.
    """

    inputs: int = 1
    units: int = 300
    outputs: int = 1
    leak: float = 1.0
    feedback: bool | None = None
    washout: int = 100
    regularisation: float | str = "gcv"
    noise: float = 0.0
    seed: int = 0
    reservoir: Mapping[str, Any] = field(default_factory=dict)
    readout: Readout | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.leak <= 1.0:
            raise ParameterError(f"EchoStateNetwork: leak = {self.leak} must be above 0, at most 1")
        if not (self.noise >= 0.0 and np.isfinite(self.noise)):
            raise ParameterError(f"EchoStateNetwork: noise = {self.noise} must be zero or more")

    @property
    def has_feedback(self) -> bool:
        """Whether the output is fed back."""
        return self.inputs == 0 if self.feedback is None else self.feedback

    def graph(self, feedback: str | None = None) -> SignalGraph:
        """The graph, with what was learnt; `feedback` "teacher" or "closed", default "closed" where there is any."""
        kind = (feedback or "closed") if self.has_feedback else "none"
        chosen = {"bias_scaling": 0.2, "feedback": kind, "seed": self.seed, **self.reservoir}
        made = echo_state(self.inputs, self.units, self.outputs, **chosen)
        if self.readout is not None:
            made = made.with_weights({"V": self.readout.weights, "c": self.readout.intercept})
        return made

    def fit(self, *data: Any) -> EchoStateNetwork:
        """Train the readout.

        Parameters
        ----------
        *data : array_like
            ``fit(u, y)`` for inputs (steps, inputs) and targets (steps, outputs), or ``fit(y)`` without inputs. All
            may have samples as second of three axes; what is single may be of shape (steps,).

        Returns
        -------
        EchoStateNetwork

        Raises
        ------
        ParameterError

        Warns
        -----
        RankDeficientWarning
        """
        u, y = self._data(data, "fit")
        driven = self._driven(u, y[:-1])
        if self.noise > 0.0:
            part = slice(self.inputs, None) if self.has_feedback else slice(None)
            driven[..., part] += self.noise * stream(self.seed, "echo state", "noise").normal(
                size=driven[..., part].shape
            )
        _, readout = fit_readout(
            self._network("teacher"), driven, y, weights="V", bias="c", regularisation=self.regularisation,
            washout=self.washout,
        )  # fmt: skip
        return replace(self, readout=readout)

    def predict(self, *data: Any) -> np.ndarray:
        """Outputs of each step from the zero state: ``predict(u)``, or with feedback ``predict(u, y)`` where y are the
        true outputs (one step ahead, taught); same axes as the data.

        Raises
        ------
        ParameterError
        """
        if self.has_feedback:
            u, y = self._data(data, "predict")
        else:
            u, y = self._rows(data[0] if len(data) == 1 else None, self.inputs, "inputs of predict"), None
        self._check_fitted("predict")
        made = self._network("teacher").sequence(self._driven(u, None if y is None else y[:-1]), record=False).outputs
        return _with_axes_of(data[-1], made)

    def forecast(self, *data: Any) -> np.ndarray:
        """Go on after a known stretch with the network's own outputs.

        Parameters
        ----------
        *data
            ``forecast(y, steps)`` without inputs; ``forecast(u, y)`` with inputs u that are longer than the known y.

        Returns
        -------
        ndarray, shape (steps, outputs) or (steps, samples, outputs)

        Raises
        ------
        ParameterError
        """
        if not self.has_feedback:
            raise ParameterError("forecast() needs feedback=True: nothing else carries the output on; use predict()")
        if len(data) != 2:
            raise ParameterError("forecast() takes (y, steps) without inputs, (u, y) with inputs")
        given = data[0] if self.inputs == 0 else data[1]
        y = self._rows(given, self.outputs, "known outputs")
        if self.inputs == 0:
            u = np.zeros((len(y) + int(data[1]), y.shape[1], 0))
        else:
            u = self._rows(data[0], self.inputs, "inputs")
        if len(u) <= len(y) or u.shape[1] != y.shape[1]:
            raise ParameterError(f"forecast(): inputs {u.shape} must go beyond the known outputs {y.shape}")
        self._check_fitted("forecast")
        first = self._network("teacher").sequence(self._driven(u[: len(y) + 1], y), record=False)
        later = u[len(y) + 1 :]
        made = first.outputs[-1:]
        if len(later):
            closed = self._network("closed")
            made = np.concatenate(
                [made, closed.sequence(later if self.inputs else len(later), first.final, record=False).outputs]
            )
        return _with_axes_of(given, made)

    def _check_fitted(self, what: str) -> None:
        if self.readout is None:
            raise ParameterError(f"{what}() needs a trained readout: what fit() returned, not what it was called on")

    def _network(self, feedback: str) -> DigitalNetwork:
        tau = float(self.reservoir.get("time_constant", 1.0))
        return digital(self.graph(feedback), dt=self.leak * tau)

    def _driven(self, u: np.ndarray, past: np.ndarray | None) -> np.ndarray:
        """Inputs of the taught network: u, and the output of the step before, 0 at first."""
        if not self.has_feedback or past is None:
            return np.array(u)
        shifted = np.concatenate([np.zeros((1, *past.shape[1:])), past])
        return np.concatenate([u, shifted], axis=-1)

    def _data(self, data: tuple[Any, ...], what: str) -> tuple[np.ndarray, np.ndarray]:
        if len(data) != (2 if self.inputs else 1):
            raise ParameterError(f"{what}() takes {'(u, y)' if self.inputs else '(y)'}, not {len(data)} arrays")
        y = self._rows(data[-1], self.outputs, f"outputs of {what}")
        u = self._rows(data[0], self.inputs, f"inputs of {what}") if self.inputs else np.zeros((*y.shape[:2], 0))
        if u.shape[:2] != y.shape[:2]:
            raise ParameterError(f"{what}(): inputs {u.shape} and outputs {y.shape} must agree in steps and samples")
        return u, y

    @staticmethod
    def _rows(values: Any, width: int, what: str) -> np.ndarray:
        made = np.asarray(values, dtype=float)
        made = made[:, None] if made.ndim == 1 and width == 1 else made
        made = made[:, None] if made.ndim == 2 else made
        if made.ndim != 3 or made.shape[2] != width or len(made) == 0:
            raise ParameterError(
                f"{what}: shape {np.shape(values)}; (steps, {width}) or (steps, samples, {width}) needed"
            )
        return made


def _with_axes_of(given: Any, made: np.ndarray) -> np.ndarray:
    """Outputs (steps, samples, outputs) without the axes that the data came without."""
    if np.ndim(given) == 1 and made.shape[-1] == 1:
        return made[:, 0, 0]
    return made[:, 0] if np.ndim(given) < 3 else made
