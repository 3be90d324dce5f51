"""Fixed-point numbers in a digital network: weights, states and drives of few bits.

A number of B bits over the range R has the step ``2 R / 2^B`` and the values -R, -R + step, .., R - step (two's
complement). Rounding is to the nearest value (ties to even), or stochastic: up with the probability that makes the mean
right, so that small changes are not lost (Gupta et al. 2015).

Source: Gupta, Agrawal, Gopalakrishnan & Narayanan, ICML 2015, arXiv 1502.02551.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork, Trajectory


@dataclass(frozen=True)
class Quantisation:
    """A fixed-point format.

    Attributes
    ----------
    weight_bits, state_bits, activation_bits : int, optional
        Bits of the parameters (time constants and leaks excepted), of the states after each step, and of the drives
        G; default None, which leaves them as they are.
    range : float
        R of states and drives, default 1.
    weight_range : float, optional
        R of the parameters; default the smallest power of two that holds the largest value of each.
    rounding : str
        ``"nearest"`` (default) or ``"stochastic"``; parameters are always rounded to the nearest.
    saturate : bool
        Whether values beyond the range stop at its end (default), or wrap around.
    seed : int
        Of stochastic rounding, default 0. Each sample has its own stream.

    Raises
    ------
    ParameterError
        Bits outside 1 .. 52, a range that is not positive, an unknown rounding.
    """

    weight_bits: int | None = None
    state_bits: int | None = None
    activation_bits: int | None = None
    range: float = 1.0
    weight_range: float | None = None
    rounding: str = "nearest"
    saturate: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("weight_bits", "state_bits", "activation_bits"):
            bits = getattr(self, name)
            if bits is not None and not (isinstance(bits, int) and 1 <= bits <= 52):
                raise ParameterError(f"{name} = {bits!r} must be a whole number from 1 to 52, or None")
        for name in ("range", "weight_range"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0.0):
                raise ParameterError(f"{name} = {value!r} must be positive and finite")
        if self.rounding not in ("nearest", "stochastic"):
            raise ParameterError(f"rounding = {self.rounding!r} must be 'nearest' or 'stochastic'")


def fixed_point(
    values: np.ndarray, bits: int, limit: float, *, chance: np.ndarray | None = None, saturate: bool = True
) -> np.ndarray:
    """Round to fixed point.

    Parameters
    ----------
    values : ndarray
    bits : int
        With the sign.
    limit : float
        R.
    chance : ndarray, optional
        Uniform numbers in [0, 1) of the same shape for stochastic rounding; without them to the nearest.
    saturate : bool
        Stop at the ends of the range, else wrap around.
    """
    step = limit * 2.0 ** (1 - bits)
    scaled = values / step
    whole = np.rint(scaled) if chance is None else np.floor(scaled + chance)
    half = 2.0 ** (bits - 1)
    if saturate:
        return np.clip(whole, -half, half - 1.0) * step
    return ((whole + half) % (2.0 * half) - half) * step


@dataclass(frozen=True)
class QuantisedNetwork:
    """A digital network in fixed point.

    Attributes
    ----------
    network : DigitalNetwork
        With rounded parameters.
    exact : DigitalNetwork
    quantisation : Quantisation
    """

    network: DigitalNetwork
    exact: DigitalNetwork
    quantisation: Quantisation

    def sequence(self, u: Any, y0: Any = None, *, record: bool = True, first_sample: int = 0) -> Trajectory:
        """Run over held inputs, as `DigitalNetwork.sequence` does.

        Parameters
        ----------
        u : array_like, shape (steps, samples, inputs) or (steps, inputs)
            For a net without inputs the number of steps.
        y0 : array_like, shape (states,) or (samples, states), optional
        record : bool
            Keep the states.
        first_sample : int
            Number of the first sample: a batch run in parts gives the same bits if each part says where it starts.

        Raises
        ------
        ParameterError, SimulationError
        """
        from neurosim.digital.network import Trajectory

        network, program, format_ = self.network, self.network.program, self.quantisation
        inputs = network._inputs(u, y0)
        steps, samples = inputs.shape[:2]
        n = program.states.size
        start = program.initial if y0 is None else np.asarray(y0, dtype=float)
        if start.shape[-1:] != (n,):
            raise ParameterError(f"y0 needs shape (..., {n}), not {start.shape}")
        mix = network.coefficients()
        stages = mix.shape[0] - 1
        draws = [
            [stream(format_.seed, "quantisation", kind, first_sample + k) for k in range(samples)]
            for kind in ("states", "drives")
        ]
        y = self._rounded(np.broadcast_to(start, (samples, n)).copy(), format_.state_bits, draws[0])
        outputs = np.empty((steps, samples, program.outputs.size))
        states = np.empty((steps if record else 0, samples, n))
        for t, u_t in enumerate(inputs):
            drives: list[np.ndarray] = []
            place = y
            for s in range(stages):
                drives.append(self._rounded(program.drive(place, u_t), format_.activation_bits, draws[1]))
                place = mix[s + 1, 0] * y + sum(mix[s + 1, 1 + j] * drive for j, drive in enumerate(drives))
            y = self._rounded(place, format_.state_bits, draws[0])
            outputs[t] = program.output(y, u_t)
            if record:
                states[t] = y
        made = Trajectory(outputs, states, y, np.empty(0))
        network._check(made)
        return made

    def _rounded(self, values: np.ndarray, bits: int | None, draws: list[np.random.Generator]) -> np.ndarray:
        if bits is None:
            return values
        chance = None
        if self.quantisation.rounding == "stochastic":
            chance = np.array([draw.random(values.shape[-1]) for draw in draws])
        return fixed_point(values, bits, self.quantisation.range, chance=chance, saturate=self.quantisation.saturate)


def quantised(network: DigitalNetwork, quantisation: Quantisation) -> QuantisedNetwork:
    """Put a network under an explicit rule into fixed point.

    Parameters
    ----------
    network : DigitalNetwork
    quantisation : Quantisation

    Raises
    ------
    ParameterError
        The rule solves equations in each step.
    """
    if network.rule.coefficients is None:
        raise ParameterError(
            f"rule '{network.rule.name}' solves equations in each step, which has no fixed-point form; take an "
            "explicit rule"
        )
    if quantisation.weight_bits is None:
        return QuantisedNetwork(network, network, quantisation)
    program = network.program
    vector = program.p[: program.parameters.size].copy()
    of_time = {
        data[key]
        for _, data in program.graph.nodes(data=True)
        for key in ("time_constant", "leak", "initial")
        if isinstance(data.get(key), str)
    }
    for name, part in program.parameters.slices.items():
        largest = float(np.abs(vector[part]).max(initial=0.0))
        if name in of_time or largest == 0.0:
            continue
        limit = quantisation.weight_range or 2.0 ** np.ceil(np.log2(largest))
        vector[part] = fixed_point(
            vector[part], quantisation.weight_bits, limit, saturate=quantisation.saturate
        )  # fmt: skip
    return QuantisedNetwork(network.with_parameters(vector), network, quantisation)


@dataclass(frozen=True)
class QuantisationError:
    """What fixed point costs on one run.

    Attributes
    ----------
    weight_error : float
        Of all parameters, root mean square, relative.
    state_error, output_error : float
        Root mean square over the run; absolute.
    relative_error : float
        Of the states, as a share of their root mean square.
    effective_bits : float
        Of the states: the bits of an ideal fixed-point number over the same range with the same error.
    saturated : float
        Share of states at the ends of the range.
    """

    weight_error: float
    state_error: float
    output_error: float
    relative_error: float
    effective_bits: float
    saturated: float


def quantisation_error(network: QuantisedNetwork, u: Any, y0: Any = None) -> QuantisationError:
    """Run a network in fixed point and in double precision, and compare.

    Parameters
    ----------
    network : QuantisedNetwork
    u, y0 : array_like
        As for `QuantisedNetwork.sequence`.
    """
    exact, ours = network.exact.sequence(u, y0), network.sequence(u, y0)
    size = network.exact.program.parameters.size
    p, rounded = network.exact.program.p[:size], network.network.program.p[:size]
    error = _rms(ours.states - exact.states)
    format_ = network.quantisation
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = float(np.log2(2.0 * format_.range / (np.sqrt(12.0) * error)))
        relative = error / _rms(exact.states)
        weights = _rms(rounded - p) / _rms(p)
    ends = 0.0
    if format_.state_bits is not None:
        top = format_.range * (1.0 - 2.0 ** (1 - format_.state_bits))
        ends = float(((ours.states >= top) | (ours.states <= -format_.range)).mean())
    return QuantisationError(weights, error, _rms(ours.outputs - exact.outputs), relative, bits, ends)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
