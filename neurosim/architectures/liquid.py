"""The liquid of a liquid state machine: a column of spiking neurons with distance-dependent wiring.

Leaky integrate-and-fire neurons on a grid, a fifth of them inhibitory; synapses with short-term plasticity. What it
says is the *liquid state*: its spikes through an exponential filter of 30 ms, state ``trace``.

Source: W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955; negative
draws of the synapses' times are drawn again uniformly, as the authors' simulator did (recalled).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.wiring import lattice_pairs
from neurosim.neurons.lif import lif
from neurosim.neurons.spike_source import spike_source
from neurosim.randomness import stream
from neurosim.reference import Reference


@dataclass(frozen=True)
class Projection:
    """Numbers of the synapses from one kind of neuron to another.

    Attributes
    ----------
    constant : float
        C of ``P = C exp(-(D/length)^2)``.
    amplitude : float
        Mean current [A] of a synapse whose resources are full; gamma distributed, SD equal to the mean.
    delay : float
        Seconds.
    use, recovery, facilitation : float
        Means of U, D and F [s]; Gaussian with an SD of half the mean.
    """

    constant: float
    amplitude: float
    delay: float
    use: float
    recovery: float
    facilitation: float


PROJECTIONS = {
    "EE": Projection(0.3, 30e-9, 1.5e-3, 0.5, 1.1, 0.05),
    "EI": Projection(0.2, 60e-9, 0.8e-3, 0.05, 0.125, 1.2),
    "IE": Projection(0.4, -19e-9, 0.8e-3, 0.25, 0.7, 0.02),
    "II": Projection(0.1, -19e-9, 0.8e-3, 0.32, 0.144, 0.06),
}
"""By the kind of source and target: E excitatory, I inhibitory."""

MOST = 10_000_000
"""Neurons."""


def liquid(
    shape: tuple[int, ...] = (15, 3, 3), *, inputs: int = 4, length: float = 2.0, weight_scale: float = 1.0,
    inhibitory: float = 0.2, input_fraction: float = 0.3, input_amplitudes: tuple[float, float] = (18e-9, 9e-9),
    projections: Mapping[str, Projection] = PROJECTIONS, plastic: bool = True, filter_time: float = 30e-3,
    seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build the liquid.

    Parameters
    ----------
    shape : tuple of int
        Of the grid; default 15 x 3 x 3 = 135 neurons.
    inputs : int
        Spike trains that come in, default 4.
    length : float
        lambda of the wiring, in steps of the grid, default 2.
    weight_scale : float
        Factor of all weights inside, default 1.
    inhibitory : float
        Part of the neurons, default 0.2.
    input_fraction : float
        Part of the neurons that each input reaches, default 0.3.
    input_amplitudes : (float, float)
        Mean current [A] of inputs to excitatory and inhibitory neurons, default 18 nA and 9 nA, gamma distributed.
    projections : mapping of str to Projection
        Default `PROJECTIONS`.
    plastic : bool
        Without it synapses are static, with the weight of their first release.
    filter_time : float
        Of the liquid state [s], default 30 ms.
    seed : int
        Of all that is drawn, default 0.

    Returns
    -------
    SignalGraph
        Populations ``input`` (give it ``drive={"input/train": ...}``) and ``neurons``, state ``trace``.

    Raises
    ------
    ParameterError
    """
    if np.ndim(shape) != 1 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise ParameterError(f"liquid(): shape = {shape!r} must be lengths of a grid, such as (15, 3, 3)")
    if (size := math.prod(shape)) > MOST:
        raise ParameterError(f"liquid(): a grid of {shape} has {size:,} neurons; at most {MOST:,} are built")
    if set(projections) != set(PROJECTIONS):
        raise ParameterError(f"liquid(): projections of {sorted(projections)}; give {', '.join(PROJECTIONS)}")
    if not (0.0 <= inhibitory <= 1.0 and 0.0 < input_fraction <= 1.0):
        raise ParameterError(f"liquid(): inhibitory = {inhibitory}, input_fraction = {input_fraction} must be parts")
    draw = stream(seed, "liquid")
    kinds = np.zeros(size, int)
    kinds[draw.permutation(size)[: round(inhibitory * size)]] = 1
    constants = [[projections["EE"].constant, projections["EI"].constant],
                 [projections["IE"].constant, projections["II"].constant]]  # fmt: skip
    source, target = lattice_pairs(shape, constants, kinds, length, seed=seed)
    graph = SignalGraph("liquid")
    graph.sub("input", spike_source(inputs))
    graph.port("train", inputs)
    graph.connect("train", "input/train")
    initial = draw.uniform(13.5e-3, 15e-3, size)
    graph.sub("neurons", lif(size, refractory=np.where(kinds == 1, 2e-3, 3e-3), initial=initial))
    graph.state("trace", size, time_constant=filter_time)
    graph.connect("neurons/spike", "trace")
    for name, numbers in projections.items():
        a, b = ("EI".index(kind) for kind in name)
        here = (kinds[source] == a) & (kinds[target] == b)
        _project(graph, name, numbers, source[here], target[here], size, weight_scale, plastic, draw)
    reached = draw.random((size, inputs)) < input_fraction
    means = np.where(kinds == 1, input_amplitudes[1], input_amplitudes[0])[:, None]
    weights = np.where(reached, draw.gamma(1.0, np.broadcast_to(means, reached.shape)), 0.0)
    graph.parameter("W input", scipy.sparse.csr_array(weights), unit="A")
    graph.connect("input/spike", "neurons/excitatory", weight="W input")
    graph.graph["kinds"] = kinds.tolist()
    return graph


def _project(
    graph: SignalGraph, name: str, numbers: Projection, source: np.ndarray, target: np.ndarray, size: int, scale: float,
    plastic: bool, draw: np.random.Generator,
) -> None:  # fmt: skip
    """Draw the synapses of one kind and connect them."""

    def spread(mean: float) -> np.ndarray:
        values = draw.normal(mean, 0.5 * mean, source.size)
        again = draw.uniform(0.0, 2.0 * mean, source.size)
        return np.where(values > 0.0, values, np.maximum(again, 1e-3 * mean))

    def parameter(what: str, values: np.ndarray, unit: str) -> str:
        matrix = scipy.sparse.coo_array((values, (target, source)), shape=(size, size))
        graph.parameter(f"{what} {name}", matrix, trainable=what == "W", unit=unit)
        return f"{what} {name}"

    use = np.minimum(spread(numbers.use), 1.0)
    recovery, facilitation = spread(numbers.recovery), spread(numbers.facilitation)
    weights = scale * np.sign(numbers.amplitude) * draw.gamma(1.0, abs(numbers.amplitude), source.size)
    rule = {
        "rule": "short_term", "use": parameter("U", use, ""), "recovery": parameter("D", recovery, "s"),
        "facilitation": parameter("F", facilitation, "s"),
    } if plastic else None  # fmt: skip
    graph.connect(
        "neurons/spike", "neurons/excitatory" if numbers.amplitude > 0.0 else "neurons/inhibitory",
        weight=parameter("W", weights if plastic else weights * use, "A"), delay=numbers.delay, plastic=rule,
    )  # fmt: skip


architecture = Architecture(
    name="liquid",
    summary="spiking neurons on a grid with short-term plastic synapses",
    source=Reference("Maass, Natschlaeger and Markram, Neural Comput. 14, 2531 (2002)", "10.1162/089976602760407955"),
    equations="tau_m v' = -v + R (i_background + i_excitatory + i_inhibitory)\ntau_s i' = -i, i += A u R at a spike\n"
    "R <- 1 + (R - u R - 1) exp(-t/D)\nu <- U + u (1 - U) exp(-t/F)",
    analog="the neurons and synapses themselves; ticks at the threshold",
    digital="exact steps of dt: ns.simulate(graph, t_span, dt=1e-4)",
    check="spikes as another simulator's, graded separation of inputs",
    cases=("liquid",),
    build=liquid,
    example={"shape": (3, 2, 2), "inputs": 2, "plastic": False},
)
