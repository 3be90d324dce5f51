"""One notion of a reservoir: what is driven by sequences or spike trains and whose states are rows of a matrix.

A liquid, an echo state network in steps or in time, and a memristive network become a `Reservoir` by `reservoir`. All
measures and tasks take that, so that the same battery runs on each.

A sequence is held samples. A spiking network gets them as spikes (by latency unless told otherwise), one sample for
each ``bin`` seconds; another reservoir gets spike trains as counts for each ``bin``, and holds a sample for its own
``step``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurosim.analyses.lyapunov import LyapunovSpectrum, lyapunov_spectrum
from neurosim.digital.echo_state_network import EchoStateNetwork
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError, SilentNetworkWarning, UnknownNameError, nearest
from neurosim.graph.drives import held
from neurosim.graph.flatten import flatten
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_encoding import latency_coded, spike_distance
from neurosim.graph.spike_trains import SpikeTrains, poisson_trains, spike_trains
from neurosim.graph.spikes import compile_spikes
from neurosim.memristive.network import MemristiveNetwork
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from neurosim.solve.simulate_network import simulate_network
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings
from neurosim.solve.spike_trials import spike_trials

POISSON_RATE, MOST_SPIKES = 20.0, 80.0
"""Rate of a random spike train [Hz], as in Maass et al. (2002), and the most of all trains of a reservoir together."""

LARGEST_JITTER, HALVINGS = 0.1, 12
"""Jitter that trains are moved by at most [s], and steps of the bisection that finds it."""


class Reservoir(ABC):
    """Something driven whose states are read.

    Attributes
    ----------
    title : str
    channels : int
        Of the input: numbers in a sample, or spike trains.
    size : int
        Numbers in a state.
    step : float
        For which a sample is held, in the reservoir's own time [s].
    bin : float
        The same in the time of spike trains [s].
    """

    title: str
    channels: int
    size: int
    step: float
    bin: float
    kind: str
    usual_noise = 0.1
    """Distance by which copies of one input differ in `neurosim.kernel_rank`."""

    def __repr__(self) -> str:
        return f"Reservoir({self.title!r}: {self.kind}, {self.size} states, {self.channels} inputs)"

    def states(self, inputs: Any, *, steps: int | None = None, starts: Sequence[int] | None = None) -> np.ndarray:
        """States at the end of each step.

        Parameters
        ----------
        inputs : array_like, shape (samples, steps, channels), or sequence of SpikeTrains
            Sequences of held samples; with a last axis of 1 every channel gets the same.
        steps : int, optional
            Needed for spike trains: how many bins they last.
        starts : sequence of int, optional
            One seed of a random start for each sample; default all from the reservoir's own start.

        Returns
        -------
        ndarray, shape (samples, steps, size)

        Raises
        ------
        ParameterError, SimulationError
        """
        given: Any = inputs if _are_trains(inputs) else self._sequences(inputs)
        count = steps if _are_trains(given) else given.shape[1]
        if starts is not None and len(starts) != len(given):
            raise ParameterError(f"starts: {len(starts)} seeds for {len(given)} samples")
        if count is None or count < 1:
            raise ParameterError("states() of spike trains needs steps=, the bins that they last")
        return self._run(given, count, starts)

    def _sequences(self, inputs: Any) -> np.ndarray:
        made = np.asarray(inputs, float)
        if made.ndim != 3 or made.shape[2] not in (1, self.channels) or 0 in made.shape or not np.isfinite(made).all():
            raise ParameterError(
                f"inputs of shape {made.shape}: finite ones of shape (samples, steps, {self.channels}) are needed, "
                "or 1 channel that all get"
            )
        return np.broadcast_to(made, (*made.shape[:2], self.channels))

    @abstractmethod
    def _run(self, inputs: Any, steps: int, starts: Sequence[int] | None) -> np.ndarray: ...

    def stimuli(self, count: int, steps: int, *, seed: int = 0) -> Any:
        """Random inputs that suit the reservoir: samples uniform in -1 to 1, shape (count, steps, channels)."""
        return stream(seed, "reservoir", "stimuli").uniform(-1.0, 1.0, (count, steps, self.channels))

    def moved(self, stimuli: Any, distance: float, steps: int, *, seed: int = 0) -> Any:
        """Copies of inputs at a distance: here the root mean square of what Gaussian noise adds to the samples."""
        noise = stream(seed, "reservoir", "moved").normal(size=stimuli.shape)
        size = np.sqrt(np.mean(noise**2, axis=(1, 2), keepdims=True))
        return stimuli + distance * noise / size

    @property
    def usual_rate(self) -> float:
        """Of random spike trains for each channel: 20 Hz, and at most 80 Hz in all [Hz]."""
        return min(POISSON_RATE, MOST_SPIKES / self.channels)

    def advanced(self, states: np.ndarray, sample: np.ndarray, steps: int = 1) -> np.ndarray:
        """Flowing states (rows, n) after steps under one sample (channels,), for `fisher_memory`.

        Raises
        ------
        ParameterError
            A spiking network has no linear response: its states jump.
        """
        raise ParameterError(f"'{self.title}' is a {self.kind}: its map from step to step has no derivative")

    def exponent(self, steps: int, *, seed: int = 0) -> tuple[float, float]:
        """Largest Lyapunov exponent under a random input, per step, and its error: below 0 the start is forgotten.

        Raises
        ------
        ParameterError
            A spiking network, whose states jump, or a memristive one, whose states stop at bounds.
        """
        raise ParameterError(f"'{self.title}' is a {self.kind}: compare runs from random starts (starts=) instead")

    def bounds(self) -> tuple[Any, Any]:
        """Between which the states of `advanced` stay, each a number or of shape (n,)."""
        return -np.inf, np.inf

    def start(self) -> np.ndarray:
        """The states that `advanced` starts from, shape (n,)."""
        raise ParameterError(f"'{self.title}' is a {self.kind}: its map from step to step has no derivative")


class _Sampled(Reservoir):
    """What takes samples, and spike trains as counts."""

    gain: float
    offset: float

    def _run(self, inputs: Any, steps: int, starts: Sequence[int] | None) -> np.ndarray:
        if _are_trains(inputs):
            inputs = np.stack([self._counts(trains, steps) for trains in inputs])
        return self._held(self.offset + self.gain * inputs, starts)

    def _counts(self, trains: SpikeTrains, steps: int) -> np.ndarray:
        if trains.elements.max(initial=-1) >= self.channels:
            raise ParameterError(
                f"'{self.title}' has {self.channels} inputs, a spike is for element {trains.elements.max()}"
            )
        place = np.floor(trains.times / self.bin + 1e-9).astype(int)
        made, inside = np.zeros((steps, self.channels)), place < steps
        np.add.at(made, (place[inside], trains.elements[inside]), 1.0)
        return made

    @abstractmethod
    def _held(self, values: np.ndarray, starts: Sequence[int] | None) -> np.ndarray: ...

    def _random_samples(self, steps: int, seed: int) -> np.ndarray:
        return self.offset + self.gain * self.stimuli(1, steps, seed=seed)[0]

    def _per_step(self, found: LyapunovSpectrum) -> tuple[float, float]:
        scale = self.step if found.unit == "1/s" else 1.0
        return scale * float(found.exponents[0]), scale * float(found.errors[0])


class SteppedReservoir(_Sampled):
    """A digital network, one step for each sample; all samples at once."""

    kind = "digital network"

    def __init__(self, network: DigitalNetwork, observed: list[str], bin: float, gain: float, offset: float) -> None:
        self.network, self.bin, self.gain, self.offset = network, bin, gain, offset
        program = network.program
        self.title, self.channels, self.step = network.graph.title, program.inputs.size, network.dt
        self.places = _places(program.states.slices, observed)
        self.size = self.places.size

    def _held(self, values: np.ndarray, starts: Sequence[int] | None) -> np.ndarray:
        first = None
        if starts is not None:
            first = np.array([_random_start(seed, self.start()) for seed in starts])
        run = self.network.sequence(np.ascontiguousarray(values.transpose(1, 0, 2)), first)
        return run.states[..., self.places].transpose(1, 0, 2)

    def start(self) -> np.ndarray:
        return self.network.program.initial.copy()

    def advanced(self, states: np.ndarray, sample: np.ndarray, steps: int = 1) -> np.ndarray:
        rows = np.broadcast_to(self.offset + self.gain * sample, (steps, len(states), self.channels))
        return self.network.sequence(rows, states, record=False).final

    def exponent(self, steps: int, *, seed: int = 0) -> tuple[float, float]:
        turning = max(1, steps // 10)
        drive = self._random_samples(steps + 2 * turning, seed)
        return self._per_step(
            lyapunov_spectrum(self.network, steps=steps, k=1, drive=drive, transient=(turning, turning))
        )


class FlowingReservoir(_Sampled):
    """A signal graph that flows in time under held samples."""

    kind = "signal graph in time"

    def __init__(
        self, graph: SignalGraph, observed: list[str], step: float, bin: float, gain: float, offset: float,
        settings: dict[str, Any],
    ) -> None:  # fmt: skip
        self.program = compile_graph(graph)
        self.bin, self.gain, self.offset, self.settings = bin, gain, offset, settings
        self.title, self.channels, self.step = graph.title, self.program.inputs.size, step
        self.observed = observed
        self.places = _places(self.program.states.slices, observed)
        self.size = self.places.size

    def _held(self, values: np.ndarray, starts: Sequence[int] | None) -> np.ndarray:
        seeds = [None] * len(values) if starts is None else starts
        return np.stack([
            self._one(rows, None if seed is None else _random_start(seed, self.start()), self.observed)
            for rows, seed in zip(values, seeds, strict=True)
        ])  # fmt: skip

    def _one(self, rows: np.ndarray, first: np.ndarray | None, observed: list[str]) -> np.ndarray:
        layout = self.program.states
        initial = {} if first is None else {
            name: first[part].reshape(layout.shapes[name]) for name, part in layout.slices.items()
        }  # fmt: skip
        run = simulate_graph(
            self.program, (0.0, len(rows) * self.step), drive=self._drive(rows), initial=initial, save=observed,
            print_step=self.step, save_steps=False, **self.settings,
        )  # fmt: skip
        return np.column_stack([run[name] for name in run.names if _base(name) in observed])[1:]

    def _drive(self, rows: np.ndarray) -> dict[str, Any]:
        return {name: held(rows[:, part], self.step) for name, part in self.program.inputs.slices.items()}

    def exponent(self, steps: int, *, seed: int = 0) -> tuple[float, float]:
        drive = self._drive(self._random_samples(steps, seed))
        return self._per_step(lyapunov_spectrum(self.program, (0.0, steps * self.step), k=1, drive=drive))

    def start(self) -> np.ndarray:
        return self.program.initial.copy()

    def advanced(self, states: np.ndarray, sample: np.ndarray, steps: int = 1) -> np.ndarray:
        rows = self.offset + self.gain * np.broadcast_to(sample, (steps, self.channels))
        return np.stack([self._one(rows, row, list(self.program.states.slices))[-1] for row in states])


class MemristiveReservoir(_Sampled):
    """A memristive network whose electrodes are driven; potentials and currents are read."""

    kind = "memristive network"

    def __init__(
        self, network: MemristiveNetwork, driven: list[Any], observed: list[str], step: float, bin: float, gain: float,
        offset: float, settings: dict[str, Any],
    ) -> None:  # fmt: skip
        self.network, self.driven, self.observed, self.settings = network, driven, observed, settings
        self.title, self.channels, self.step, self.bin = network.title, len(driven), step, bin
        self.gain, self.offset = gain, offset
        fixed = {network.nodes[k] for k in network.fixed}
        # What is fixed says nothing of the network.
        self.fixed = {f"v({node})" for node in fixed} | {f"v({str(node).replace(' ', '')})" for node in fixed}
        self.size = self._one(np.zeros((1, self.channels)), None)[0].shape[1]

    def _held(self, values: np.ndarray, starts: Sequence[int] | None) -> np.ndarray:
        seeds = [None] * len(values) if starts is None else starts
        return np.stack([
            self._one(rows, None if seed is None else self._random(seed))[0]
            for rows, seed in zip(values, seeds, strict=True)
        ])  # fmt: skip

    def _random(self, seed: int) -> np.ndarray:
        laws, draw = self.network.laws, stream(seed, "reservoir", "start")
        bounded = np.isfinite(laws.lower) & np.isfinite(laws.upper)
        low, high = np.where(bounded, laws.lower, laws.initial), np.where(bounded, laws.upper, laws.initial)
        return low + (high - low) * draw.random(low.size)

    def _one(self, rows: np.ndarray, first: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """What is observed, shape (steps, size), and the states of the edges at the end, shape (m,)."""
        network = self.network
        run = simulate_network(
            self._under(rows), (0.0, len(rows) * self.step), initial=first, save=["states", *self.observed],
            print_step=self.step, save_steps=False, **self.settings,
        )  # fmt: skip
        states = set(network.state_names)
        wanted = [name for name in run.names
                  if name not in self.fixed and (name not in states or "states" in self.observed)]  # fmt: skip
        if not wanted:
            raise ParameterError(f"'{self.title}': nothing is observed beside what is fixed; give observed=")
        made = np.column_stack([run[name] for name in wanted])[1:]
        return made, np.array([run[name][-1] for name in network.state_names])

    def _under(self, rows: np.ndarray) -> MemristiveNetwork:
        """The network with samples at its driven electrodes."""
        samples = {node: held(rows[:, k], self.step) for k, node in enumerate(self.driven)}
        electrodes = {**self.network.electrodes, **samples}
        return MemristiveNetwork(**{**self.network.arguments, "electrodes": electrodes})

    def start(self) -> np.ndarray:
        return self.network.state.copy()

    def bounds(self) -> tuple[Any, Any]:
        return self.network.laws.lower, self.network.laws.upper

    def advanced(self, states: np.ndarray, sample: np.ndarray, steps: int = 1) -> np.ndarray:
        rows = self.offset + self.gain * np.broadcast_to(sample, (steps, self.channels))
        return np.stack([self._one(rows, row)[1] for row in states])


class SpikingReservoir(Reservoir):
    """A network of spiking neurons on a grid of time, read by states such as filtered spikes."""

    kind = "spiking network"
    usual_noise = 2.0

    def __init__(
        self, graph: SignalGraph, observed: list[str], dt: float, step: float,
        encoder: Callable[[np.ndarray, float], SpikeTrains], workers: int,
    ) -> None:  # fmt: skip
        self.program = compile_spikes(graph, dt)
        self.title, self.step, self.bin = graph.title, step, step
        if len(self.program.trains.slices) != 1:
            names = ", ".join(self.program.trains.slices) or "none"
            raise ParameterError(f"'{self.title}' has these inputs of spikes: {names}; a reservoir has one")
        self.train = next(iter(self.program.trains.slices))
        self.channels = self.program.trains.size
        _places(self.program.states.slices, observed)
        self.observed, self.encoder, self.workers = observed, encoder, workers
        self.size = sum(part.stop - part.start for name, part in self.program.states.slices.items() if name in observed)

    def _run(self, inputs: Any, steps: int, starts: Sequence[int] | None) -> np.ndarray:
        if not _are_trains(inputs):
            inputs = [self.encoder(values, self.bin) for values in inputs]
        times = np.tile(np.arange(1, steps + 1) * self.bin, (len(inputs), 1))
        initial = None if starts is None else [self._random(seed) for seed in starts]
        found = [
            spike_trials(self.program, [{self.train: trains} for trains in inputs], times, dt=self.program.dt,
                         save=name, initial=initial, workers=self.workers)
            for name in self.observed
        ]  # fmt: skip
        made = np.concatenate(found, axis=-1)
        if not made.any():
            warnings.warn(
                f"'{self.title}' did not spike in {len(inputs)} runs of {steps * self.bin:g} s, so its states say "
                "nothing; larger input amplitudes, more input spikes, a larger background current or input_fraction "
                "make it spike", SilentNetworkWarning, stacklevel=4,
            )  # fmt: skip
        return made

    def _random(self, seed: int) -> dict[str, np.ndarray]:
        """States that differ among the neurons at the start, drawn anew between their extremes."""
        draw, made = stream(seed, "reservoir", "start"), {}
        for name, part in self.program.states.slices.items():
            values = self.program.initial[part]
            if np.ptp(values) > 0.0:
                made[name] = draw.uniform(values.min(), values.max(), self.program.states.shapes[name])
        if not made:
            raise ParameterError(f"'{self.title}' starts alike in all neurons: give its neurons different potentials")
        return made

    def kicked(self, trains: SpikeTrains, steps: int, trials: int, kick: float, *, seed: int = 0) -> np.ndarray:
        """States of runs under one input with noise on what differs at the start, shape (trials, steps, size).

        Before each step Gaussian noise of `kick` times the range of the values at the start is added to them, which
        are the membrane potentials of a liquid.
        """
        program, made = self.program, np.empty((trials, steps, self.size))
        places = _places(program.states.slices, self.observed)
        for trial in range(trials):
            draw = stream(seed, "reservoir", "kicks", trial)
            first = self._random(int(draw.integers(2**31)))
            settings = SpikeSettings(dt=program.dt, drive={self.train: trains}, initial=first)
            run = SpikeRun(program, settings, steps * self.bin)
            for step in range(steps):
                for name in first:
                    part = program.states.slices[name]
                    deviation = kick * np.ptp(program.initial[part])
                    run.y[part] += draw.normal(0.0, deviation, part.stop - part.start)
                run.advance(round((step + 1) * self.bin / program.dt))
                made[trial, step] = run.y[places]
        return made

    def stimuli(self, count: int, steps: int, *, seed: int = 0) -> list[SpikeTrains]:
        """Poisson trains of the usual rate."""
        draw = stream(seed, "reservoir", "stimuli")
        return [self._poisson(steps, draw) for _ in range(count)]

    def _poisson(self, steps: int, draw: np.random.Generator) -> SpikeTrains:
        return poisson_trains(self.usual_rate, steps * self.bin, self.channels, seed=int(draw.integers(2**31)))

    def moved(
        self, stimuli: Sequence[SpikeTrains], distance: float, steps: int, *, seed: int = 0
    ) -> list[SpikeTrains]:  # fmt: skip
        """Trains whose `spike_distance` from the given ones is as wanted, by jitter of all their spikes."""
        draw, length = stream(seed, "reservoir", "moved"), steps * self.bin
        return [self._at_distance(trains, distance, length, draw) for trains in stimuli]

    def _at_distance(
        self, trains: SpikeTrains, distance: float, length: float, draw: np.random.Generator
    ) -> SpikeTrains:  # fmt: skip
        if distance == 0.0 or not trains.times.size:
            return trains
        shift, low, high = draw.normal(size=trains.times.size), 0.0, LARGEST_JITTER

        def moved(deviation: float) -> SpikeTrains:
            return spike_trains(np.clip(trains.times + deviation * shift, 0.0, length), trains.elements)

        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if spike_distance(trains, moved(middle), length) < distance:
                low = middle
            else:
                high = middle
        return moved(0.5 * (low + high))


def reservoir(
    what: Any, *, observed: str | Sequence[str] | None = None, flow: bool = False, dt: float | None = None,
    step: float | None = None, bin: float = 10e-3, gain: float = 1.0, offset: float = 0.0,
    driven: Sequence[Any] | None = None, encoder: Callable[[np.ndarray, float], SpikeTrains] = latency_coded,
    workers: int = 1, **settings: Any,
) -> Reservoir:  # fmt: skip
    """Make a reservoir of a network.

    Parameters
    ----------
    what : SignalGraph, DigitalNetwork, EchoStateNetwork, MemristiveNetwork or Reservoir
        A graph of spiking neurons runs on a grid of time; another graph in steps, or in time with `flow`.
    observed : str or sequence of str, optional
        The states that are read; default ``"trace"`` of a spiking network, all states of another graph. Of a
        memristive network ``"v(*)"`` (default; potentials that are fixed are left out), ``"i(*)"``, ``"states"``, or
        single columns as in `neurosim.simulate`.
    flow : bool
        Simulate the graph in time, default False: one step of its digital equivalent for each sample.
    dt : float, optional
        Grid of a spiking network [s], default 0.1 ms; step of the digital equivalent.
    step : float, optional
        For which a sample is held: default 25 ms in a spiking network, the least time constant in a graph with `flow`;
        a memristive network needs it.
    bin : float
        Of spike trains that become counts [s], default 10 ms; a spiking network has `step` in its place.
    gain, offset : float
        A sample u becomes ``offset + gain u``; default 1 and 0. Not of spiking networks.
    driven : sequence of nodes, optional
        Electrodes of a memristive network that samples drive [V]; default the first.
    encoder : callable
        ``encoder(samples, step)`` gives the `SpikeTrains` of samples (steps, channels) for a spiking network; default
        `neurosim.latency_coded`.
    workers : int
        Threads of a spiking network; results do not depend on it.
    **settings
        Of `neurosim.simulate` for what flows, such as ``rtol``.

    Returns
    -------
    Reservoir

    Raises
    ------
    ParameterError, UnknownNameError

    Examples
    --------
    >>> import neurosim as ns
    >>> net = ns.reservoir(ns.architectures.echo_state(1, 20, seed=1))
    >>> net.states(net.stimuli(3, 50)).shape
    (3, 50, 20)
    """
    if isinstance(what, Reservoir):
        return what
    asked = None if observed is None else [observed] if isinstance(observed, str) else list(observed)
    if (step is not None and not (np.isfinite(step) and step > 0.0)) or not bin > 0.0:
        raise ParameterError(f"reservoir(): step = {step!r} and bin = {bin!r} must be positive")
    if isinstance(what, MemristiveNetwork):
        if step is None:
            raise ParameterError(f"reservoir() of '{what.title}' needs step=, for how long each sample is held [s]")
        nodes = list(what.electrodes)[:1] if driven is None else list(driven)
        for node in nodes:
            if node not in what.electrodes:
                near = nearest(str(node), map(str, what.electrodes))
                raise UnknownNameError(f"'{what.title}' has no electrode {node!r}; {near}")
        if not nodes:
            raise ParameterError(f"'{what.title}' has no electrodes: none can be driven")
        return MemristiveReservoir(what, nodes, asked or ["v(*)"], step, bin, gain, offset, settings)
    if isinstance(what, EchoStateNetwork):
        dt, what = what.leak if dt is None else dt, what.graph()
    if isinstance(what, DigitalNetwork):
        return SteppedReservoir(what, asked or list(what.program.states.slices), bin, gain, offset)
    if not isinstance(what, SignalGraph):
        raise ParameterError(f"reservoir() takes a graph, a digital or a memristive network, not {type(what).__name__}")
    flat = flatten(what, expand=False)
    if flat.of_kind("event") and not flow:
        grid = 1e-4 if dt is None else dt
        return SpikingReservoir(what, asked or ["trace"], grid, 25e-3 if step is None else step, encoder, workers)
    if not flat.inputs:
        raise ParameterError(f"graph '{what.title}' has no input: nothing drives it")
    states = asked or flat.of_kind("state")
    if flow:
        times = compile_graph(what).time_constant
        return FlowingReservoir(what, states, float(times.min()) if step is None else step, bin, gain, offset, settings)
    if settings:
        raise ParameterError(f"reservoir(): {', '.join(settings)} belong to runs in time; give flow=True")
    return SteppedReservoir(digital(what, dt=dt), states, bin, gain, offset)


def _are_trains(inputs: Any) -> bool:
    return isinstance(inputs, (list, tuple)) and bool(inputs) and all(isinstance(one, SpikeTrains) for one in inputs)


def _places(slices: dict[str, slice], observed: list[str]) -> np.ndarray:
    for name in observed:
        if name not in slices:
            raise UnknownNameError(f"cannot observe '{name}': there is no such state; {nearest(name, slices)}")
    return np.concatenate([np.arange(slices[name].start, slices[name].stop) for name in slices if name in observed])


def _random_start(seed: int, own: np.ndarray) -> np.ndarray:
    return own + stream(seed, "reservoir", "start").uniform(-1.0, 1.0, own.size)


def _base(name: str) -> str:
    return name.split("[")[0]
