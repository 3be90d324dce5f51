"""Spiking networks without a grid of time: closed forms, the grid's error against them, and rates of networks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.architectures.balanced import balanced
from neurosim.architectures.liquid import liquid
from neurosim.neurons.lif import lif
from neurosim.neurons.spike_source import spike_source
from validation.case import Case, Context, number_case
from validation.figures import curves

STEPS = (8e-4, 4e-4, 2e-4, 1e-4, 5e-5, 2.5e-5)
LEARNING = tuple(2e-4 / 2.0**k for k in range(8))
SONG = "S. Song, K. D. Miller, L. F. Abbott, Nat. Neurosci. 3, 919 (2000), doi 10.1038/78829: exponential windows"
PFISTER = "J.-P. Pfister, W. Gerstner, J. Neurosci. 26, 9673 (2006), doi 10.1523/JNEUROSCI.1425-06.2006: triplet rule"
ROTTER = "S. Rotter, M. Diesmann, Biol. Cybern. 81, 381 (1999): a grid sees a crossing at the end of its step"
BENCHMARK = "R. Brette et al., J. Comput. Neurosci. 23, 349 (2007), benchmark 2 (CUBA; recalled)"


def driven(size: int) -> ns.SignalGraph:
    """Neurons that do not see one another, with exponential synapses and Poisson trains of their own."""
    net = ns.SignalGraph("driven")
    net.sub("in", spike_source(size))
    net.port("train", size)
    net.connect("train", "in/train")
    net.sub("n", lif(size))
    net.connect("in/spike", "n/excitatory", gain=9e-9)
    return net


def grid_errors(size: int, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean lateness on grids of the first tick of each neuron, and the median of all ticks [s]."""
    net = driven(size)
    rough = ns.poisson_trains(60.0, stop, size, seed=2)
    # On all grids the trains are the same: their times are multiples of the longest step.
    trains = ns.spike_trains(np.ceil(rough.times / STEPS[0]) * STEPS[0], rough.elements)
    free = ns.simulate(net, (0.0, stop), grid="free", drive={"train": trains}).events
    first, every = [], []
    for dt in STEPS:
        grid = ns.simulate(net, (0.0, stop), dt=dt, drive={"train": trains}).events
        names = [name for name in free if name.startswith("n/")]
        first.append(np.mean([grid[n][0] - free[n][0] for n in names if grid[n].size and free[n].size]))
        late = [grid[n][: min(grid[n].size, free[n].size)] - free[n][: min(grid[n].size, free[n].size)] for n in names]
        every.append(np.median(np.abs(np.concatenate(late))))
    return np.array(first), np.array(every)


def learning() -> ns.SignalGraph:
    """Neurons that fire by themselves at different rates, and synapses from 20 trains on each, which learn."""
    net = ns.SignalGraph("learning")
    net.sub("in", spike_source(20))
    net.port("train", 20)
    net.connect("train", "in/train")
    net.sub("n", lif(40, background=np.linspace(17e-9, 22e-9, 40)))
    net.parameter("W", np.full((40, 20), 1e-9))
    net.connect("in/spike", "n/excitatory", weight="W", delay=1.6e-3, plastic={
        "rule": "triplet_stdp", "post": "n/spike", "pair_plus": 2e-11, "triplet_plus": 3e-11, "pair_minus": 3e-11,
    })  # fmt: skip
    return net


def learning_errors(stop: float) -> np.ndarray:
    """Mean error of weights that learned on grids, as a share of their mean change without a grid."""
    net = learning()
    rough = ns.poisson_trains(30.0, stop, 20, seed=3)
    drive = {"train": ns.spike_trains(np.ceil(rough.times / LEARNING[0]) * LEARNING[0], rough.elements)}
    free = ns.simulate(net, (0.0, stop), grid="free", drive=drive).weights["W"].toarray()
    grids = [ns.simulate(net, (0.0, stop), dt=dt, drive=drive).weights["W"].toarray() for dt in LEARNING]
    return np.array([np.abs(grid - free).mean() for grid in grids]) / np.abs(free - 1e-9).mean()


def window_error() -> float:
    """Largest error of changes of weights by one pair of ticks without a grid, as a share of the amplitude."""
    later = np.array([-0.05, -0.02, -0.01, -1e-3, -1e-5, 1e-5, 1e-3, 0.01, 0.02, 0.05])
    net = ns.SignalGraph("window")
    for name, size in (("pre", 1), ("post", later.size)):
        net.sub(name, spike_source(size))
        net.port(f"{name} train", size)
        net.connect(f"{name} train", f"{name}/train")
    net.state("v", later.size, time_constant=5e-3)
    net.parameter("W", np.full((later.size, 1), 0.5))
    net.connect("pre/spike", "v", weight="W", plastic={
        "rule": "stdp", "post": "post/spike", "amplitude_plus": 0.01, "amplitude_minus": 0.012, "tau_minus": 0.034,
    })  # fmt: skip
    drive = {"pre train": ns.spike_trains([[0.1]]), "post train": ns.spike_trains([[0.1 + t] for t in later])}
    found = ns.simulate(net, (0.0, 0.2), grid="free", drive=drive).weights["W"].toarray().ravel() - 0.5
    wanted = np.where(later > 0.0, 0.01 * np.exp(-later / 0.02), -0.012 * np.exp(later / 0.034))
    return float(np.abs(found - wanted).max() / 0.012)


def cases(context: Context) -> Iterator[Case]:
    """Periodic firing in closed form; the error of grids; rates of the liquid, and in the slow part of CUBA."""
    current = np.linspace(15.5e-9, 40e-9, 50)
    net = lif(50, background=current)
    events = ns.simulate(net, (0.0, 1.0), grid="free").events
    rise = 30e-3 * np.log((current * 1e6 - 13.5e-3) / (current * 1e6 - 15e-3))
    late = max(
        np.abs(times - (rise[k] + (rise[k] + 3e-3) * np.arange(times.size))).max()
        for k, times in enumerate(events[f"spike[{k}]"] for k in range(50))
    )
    yield Case(
        "periodic firing without a grid", "closed form of the leaky integrate-and-fire neuron",
        f"largest error of {sum(t.size for t in events.values())} spike times in 1 s (s)", "0", f"{late:.1e}", late,
        1e-12, "1e-9 ms",
    )  # fmt: skip
    first, every = grid_errors(100 if context.fast else 400, 0.5)
    steps = np.array(STEPS)
    drawn = {
        "all ticks, median": (steps, every, "o-"), "first tick of a neuron, mean": (steps, first, "s-"),
        "half a step": (steps, steps / 2, "k--"),
    }  # fmt: skip
    figure = context.figure("grid error", curves("dt (s)", "lateness on the grid (s)", drawn, log=True))
    order = float(np.polyfit(np.log(steps), np.log(every), 1)[0])
    yield number_case(
        "a grid's error is linear in dt", ROTTER, "order of the median error of ticks, grids of 0.025 to 0.8 ms", 1.0,
        order, 0.1, "a fit over six steps", figure,
    )  # fmt: skip
    yield number_case(
        "a first tick is half a step late", ROTTER, "mean lateness of first ticks in steps, six grids", 0.5,
        float((first / steps).mean()), 0.1, "mean of some hundred crossings that lie anywhere in a step",
    )  # fmt: skip
    error = window_error()
    yield Case(
        "window of STDP without a grid", SONG, "largest error of ten changes by one pair, of the amplitude", "0",
        f"{error:.1e}", error, 1e-12, "rounding of ticks and weights",
    )  # fmt: skip
    errors = learning_errors(0.1)
    yield number_case(
        "weights learn on a grid as without one", PFISTER,
        f"order of the mean error of 800 weights, grids of 1.6 to 200 us (errors {errors[-1]:.1e} to {errors[0]:.1e} "
        "of the change)", 1.0, float(np.polyfit(np.log(LEARNING), np.log(errors), 1)[0]), 0.15, "fit over eight steps",
    )  # fmt: skip
    nets = 3 if context.fast else 10
    rates = np.array([_liquid_rates(seed) for seed in range(nets)])
    ratio = rates.sum(axis=0)
    yield number_case(
        "rate of the liquid without a grid", "this engine on a grid of 0.1 ms",
        f"ticks of {nets} liquids of 135 neurons in 1 s ({ratio[0]:.0f}) over those on the grid", 1.0,
        float(ratio[0] / ratio[1]), 0.02, "single spikes differ soon (chaos), rates do not",
    )  # fmt: skip
    if context.fast:
        return
    graph, stop = balanced(4000, synapses="cuba", seed=7), 1.0
    counts, seconds = [], []
    ways: tuple[dict[str, Any], ...] = ({"grid": "free"}, {"dt": 1e-4})
    for how in ways:
        clock = time.process_time()
        result = ns.simulate(graph, (0.0, stop), **how)
        seconds.append(time.process_time() - clock)
        counts.append(result.attrs["statistics"]["ticks"])
    yield number_case(
        "rate of CUBA without a grid", BENCHMARK,
        f"ticks of 4000 neurons in 1 s ({counts[0] / 4000 / stop:.2f} Hz) over those on a grid of 0.1 ms; CPU s "
        f"{seconds[0]:.2f} and {seconds[1]:.2f}, compiling included", 1.0, counts[0] / counts[1], 0.05,
        "a chaotic network: rates of different trajectories over 1 s",
    )  # fmt: skip


def _liquid_rates(seed: int) -> tuple[int, int]:
    drive = {"train": ns.poisson_trains(20.0, 1.0, 4, seed=seed)}
    graph = liquid(seed=seed)
    free = ns.simulate(graph, (0.0, 1.0), drive=drive, grid="free")
    grid = ns.simulate(graph, (0.0, 1.0), drive=drive, dt=1e-4)
    return free.attrs["statistics"]["ticks"], grid.attrs["statistics"]["ticks"]
