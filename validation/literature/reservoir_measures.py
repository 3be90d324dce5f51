"""Measures of reservoirs: memory, processing and Fisher memory against theorems; liquids on the task of segments."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import neurosim as ns
from neurosim.architectures.echo_state import echo_state
from neurosim.architectures.liquid import liquid
from neurosim.plots.processing_capacity import processing_capacity as draw_processing
from neurosim.randomness import stream
from validation.case import Case, Context, number_case
from validation.figures import curves

MEMORY = "Jaeger, GMD Report 152 (2001): at most N delays; for linear units of full rank N, that of delay 0 included"
FISHER = "Ganguli, Huh & Sompolinsky, PNAS 105, 18970 (2008), doi 10.1073/pnas.0804451105"
DAMBRE = "Dambre, Verstraeten, Schrauwen & Massar, Sci. Rep. 2, 514 (2012), doi 10.1038/srep00514"
MAASS = "Maass, Natschlaeger & Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955"
LEGENSTEIN = "Legenstein & Maass, Neural Networks 20, 323 (2007), doi 10.1016/j.neunet.2007.04.017 (recalled)"


def cases(context: Context) -> Iterator[Case]:
    """Theorems; in the slow part liquids."""
    yield from memory(context)
    yield from fisher(context)
    yield from processing(context)
    if not context.fast:
        yield from segments(context)
        yield from plane(context)


def memory(context: Context) -> Iterator[Case]:
    """Orthogonal linear reservoirs recall N inputs."""
    shown = {}
    for units in (50, 100) if context.fast else (50, 100, 200):
        graph = echo_state(1, units, topology="orthogonal", spectral_radius=0.97, activation="identity", seed=1)
        found = ns.memory_capacity(graph, rows=20_000, delays=4 * units, washout=1000)
        shown[f"N = {units}"] = found.delays / units, found.measured, "-"
        yield number_case(
            f"memory, orthogonal W of {units}, all delays", MEMORY, "delays, 0 included (W = 0: 1)", float(units),
            float(found.curve.sum()), 0.02, "tails of the curve below the threshold count as nothing",
        )  # fmt: skip
    figure = context.figure("memory of orthogonal reservoirs", curves("delay / N", "recalled part", shown))
    graph = echo_state(1, 50, topology="orthogonal", spectral_radius=0.97, activation="identity", seed=1)
    cut = ns.memory_capacity(graph, rows=2000, delays=400, washout=1000)
    beyond = cut.measured[250:]
    yield number_case(
        "memory, what is not there", DAMBRE, "mean capacity of delays 250 to 400 over N/T", 1.0,
        float(beyond.mean() / (cut.rank / 2000)), 0.2, "151 numbers, each spread by sqrt(2/N), not independent", figure,
    )  # fmt: skip


def fisher(context: Context) -> Iterator[Case]:
    """Normal maps have a total of 1, chains up to N."""
    draw = stream(0, "fisher memory")
    q = np.linalg.qr(draw.normal(size=(40, 40)))[0]
    maps = {
        "orthogonal W": 0.95 * q, "symmetric W": q @ np.diag(draw.uniform(-0.97, 0.97, 40)) @ q.T,
    }  # fmt: skip
    for name, matrix in maps.items():
        yield number_case(
            f"Fisher memory, {name} of 40", FISHER, "total over all delays", 1.0,
            ns.fisher_memory(matrix, draw.normal(size=40)).total, 1e-9, "a theorem; rounding and the cut tail",
        )  # fmt: skip
    graph = echo_state(1, 40, topology="orthogonal", spectral_radius=0.9, seed=1)
    yield number_case(
        "Fisher memory, tanh reservoir at rest", FISHER, "total of the map linearised by differences", 1.0,
        ns.fisher_memory(graph).total, 1e-6, "differences of 1e-4 of a cubic: 1e-8",
    )  # fmt: skip
    found = ns.fisher_memory(echo_state(1, 30, topology="orthogonal", spectral_radius=0.9, seed=1), sample=0.0)
    flowing = ns.fisher_memory(
        ns.reservoir(echo_state(1, 30, topology="orthogonal", spectral_radius=0.9, seed=1), flow=True, rtol=1e-10,
                     method="dop853")
    )  # fmt: skip
    yield number_case(
        "Fisher memory, the same in time", FISHER, "total of the map from sample to sample", 1.0, flowing.total, 1e-5,
        "exp of a normal map is normal; differences of runs of rtol 1e-10",
    )  # fmt: skip
    n, gain = 30, 2.0
    chain = ns.fisher_memory(gain * np.eye(n, k=-1), np.eye(n)[0])
    powers = gain ** (2.0 * np.arange(n))
    figure = context.figure("fisher memory", curves("delay (steps)", "Fisher memory", {
        "orthogonal": (np.arange(60), found.curve[:60], "-"), "in time": (np.arange(60), flowing.curve[:60], "--"),
        f"chain of {n}, gain {gain:g}": (np.arange(n), chain.curve[:n], "o-"),
    }))  # fmt: skip
    yield number_case(
        f"Fisher memory, chain of {n}", f"{FISHER}: at most N, which amplifying chains approach",
        "total (a normal map: 1)", float((powers / np.cumsum(powers)).sum()), chain.total, 1e-9,
        "J_k = g^2k / (1 + g^2 + ... + g^2k)", figure,
    )  # fmt: skip


def processing(context: Context) -> Iterator[Case]:
    """Capacities of all functions add up to the number of states."""
    for scale in (0.1, 1.0):
        graph = echo_state(1, 15, density=0.4, spectral_radius=0.6, input_scaling=scale, bias_scaling=0.5, seed=1)
        found = ns.processing_capacity(graph, degrees=8, rows=30_000, delays=30, functions=3000)
        figure = context.figure(f"processing capacity {scale:g}", lambda ax, it=found: draw_processing(it, ax=ax))
        degrees = ", ".join(f"{value:.2f}" for value in found.by_degree)
        yield number_case(
            f"processing capacity, 15 tanh units, input scale {scale:g}",
            f"{DAMBRE}: the number of independent states, where the past is forgotten",
            f"total over all functions (by degree 1, 2, ...: {degrees})", float(found.rank), found.total, 0.05,
            "degrees above 8 and capacities below the threshold are left out", figure,
        )  # fmt: skip


def rate(graph: ns.SignalGraph, seed: int) -> float:
    """Mean rate of the neurons under 20 Hz at each of 4 inputs, over 2 s [Hz]."""
    run = ns.simulate(graph, (0.0, 2.0), dt=1e-4, drive={"train": ns.poisson_trains(20.0, 2.0, 4, seed=seed)})
    return sum(len(times) for name, times in run.events.items() if name.startswith("neurons/")) / (135 * 2.0)


def static(seed: int) -> ns.SignalGraph:
    """The liquid with static synapses whose scale gives the rate of the dynamic ones."""
    wanted, low, high = rate(liquid(inputs=4, seed=seed), seed), 0.0, 1.0
    for _ in range(7):
        middle = 0.5 * (low + high)
        if rate(liquid(inputs=4, seed=seed, plastic=False, weight_scale=middle), seed) < wanted:
            low = middle
        else:
            high = middle
    return liquid(inputs=4, seed=seed, plastic=False, weight_scale=0.5 * (low + high))


def segments(context: Context, circuits: int = 6) -> Iterator[Case]:
    """Which template was each of four segments; with static synapses of the same rate too."""
    settings = {"fitted": 300, "tested": 200}
    kinds = {True: lambda seed: liquid(inputs=4, seed=seed), False: static}
    told = {
        plastic: np.array([ns.segments_task(build(seed), seed=seed, **settings).accuracy for seed in range(circuits)])
        for plastic, build in kinds.items()
    }
    mean = {plastic: values.mean(axis=0) for plastic, values in told.items()}
    error = {plastic: values.std(axis=0, ddof=1) / np.sqrt(circuits) for plastic, values in told.items()}
    ages = 250 * np.arange(4)

    def draw(axes) -> None:
        for plastic, label in ((True, "dynamic synapses"), (False, "static synapses")):
            axes.errorbar(ages, mean[plastic], error[plastic], marker="o", capsize=3, label=label)
        axes.axhline(0.5, color="0.6", linestyle="--", linewidth=0.8)
        axes.set(xlabel="age of the segment (ms)", ylabel="accuracy")
        axes.legend(frameon=False)

    figure = context.figure("segments", draw)
    what = f"{circuits} circuits of 135, 300 inputs to fit, 200 to test, linear readouts"
    shown = ", ".join(f"{value:.3f}" for value in mean[True])
    rises = np.diff(mean[True]) - 2.0 * np.hypot(error[True][1:], error[True][:-1])
    yield Case(
        "segments, fall with age", MAASS, f"accuracy by age 0, 250, 500, 750 ms: rises beyond two errors; {what}", "0",
        f"{(rises > 0.0).sum()} ({shown})", float((rises > 0.0).sum()), 0.0, "ages close to chance may tie", figure,
    )  # fmt: skip
    z = float((mean[True][3] - 0.5) / error[True][3])
    yield Case(
        "segments, 750 ms back", MAASS, "accuracy above chance (0.5) in standard errors over circuits", "above 2",
        f"{z:.1f} ({mean[True][3]:.3f})", 2.0 / max(z, 1e-9), 1.0, "above chance by two errors",
    )  # fmt: skip
    worse = mean[True][1:] - mean[False][1:]
    yield Case(
        "segments, static synapses lose", MAASS,
        "dynamic less static synapses of the same rate, mean of the three earlier segments", "above 0",
        f"{worse.mean():.3f} (static: {', '.join(f'{value:.3f}' for value in mean[False])})",
        float(worse.mean() <= 0.0), 0.0, "published for all but the last segment",
    )  # fmt: skip


def plane(context: Context) -> Iterator[Case]:
    """Ranks over length of the wiring and scale of the weights, beside a task."""

    def measured(net: ns.Reservoir, seed: int) -> dict[str, float]:
        ranks = ns.kernel_rank(net, inputs=80, seed=seed)
        task = ns.segments_task(net, segments=2, fitted=150, tested=150, seed=seed)
        return {"kernel rank": ranks.kernel, "generalisation rank": ranks.generalisation, "difference": ranks.quality,
                "segment told after 250 ms": float(task.accuracy[1])}  # fmt: skip

    def build(seed: int, **settings: float) -> ns.Reservoir:
        return ns.reservoir(liquid(inputs=4, seed=seed, **settings))

    found = ns.reservoir_map(
        build, {"length": [0.5, 1.5, 3.0, 6.0], "weight_scale": [0.25, 1.0, 3.0]}, measure=measured
    )
    found.plot().figure.savefig(context.folder / "reservoir_plane.png", dpi=90)
    kernel, general = found.values["kernel rank"], found.values["generalisation rank"]
    both = [float(np.corrcoef(found.values[name].ravel(), found.values["segment told after 250 ms"].ravel())[0, 1])
            for name in ("kernel rank", "difference")]  # fmt: skip
    yield Case(
        "kernel rank over the plane", LEGENSTEIN, "rank of sparse weak wiring less that of dense strong: kernel, "
        "generalisation rank", "below 0: both ranks rise towards chaos",
        f"{kernel[0, 0] - kernel[-1, -1]:g}, {general[0, 0] - general[-1, -1]:g}",
        float(max(kernel[0, 0] - kernel[-1, -1], general[0, 0] - general[-1, -1], 0.0)), 0.0,
        "two corners of 4 x 3 liquids of 135", "reservoir_plane.png",
    )  # fmt: skip
    yield Case(
        "ranks and a task over the plane", LEGENSTEIN, "correlation with telling a segment 250 ms back: kernel rank, "
        "kernel less generalisation rank; the larger", "above 0", f"{both[0]:.2f}, {both[1]:.2f}",
        max(0.0, -max(both)), 0.0, "published as a prediction, without one number",
    )  # fmt: skip
