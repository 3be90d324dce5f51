"""Multiple timescale network: two sequences of the same primitives, chosen by the initial state of the slow units.

Both begin with primitive A four times; then comes B or C. The choice has to be kept for 160 steps in which nothing
that the network does differs, against noise on all other units. Without noise, or with much longer training, a network
whose slow group is as fast as the others learns two such sequences too.

``python -m validation.literature.mtrnn_primitives`` trains both networks, and writes the files that the fast part
reads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.multiple_timescale import multiple_timescale
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training import Adam, Training, load_weights, read_notes, save_weights, train
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves
from validation.literature.trained import FOLDER

SOURCE = "Yamashita & Tani, PLoS Computational Biology 4, e1000220 (2008): slow units hold and switch the primitives"
WORDS = ("AAAAB", "AAAAC")
LENGTH, IO, FAST, SLOW = 40, 2, 20, 5
COPIES, NOISE, BATCHES = 8, 0.1, 2500
NETWORKS = {"mtrnn": 70.0, "mtrnn_equal": 5.0}
"""Name of the file to the slow time constant; fast 5, input-output 2."""


def targets() -> np.ndarray:
    """Both sequences, shape (200, 2, 2)."""
    t = np.arange(LENGTH) * 2.0 * np.pi / 20.0
    primitives = {
        "A": np.stack([np.sin(2.0 * t), np.sin(t)], axis=1), "B": np.stack([np.sin(t), -np.sin(2.0 * t)], axis=1),
        "C": np.stack([-np.sin(2.0 * t), -np.sin(2.0 * t)], axis=1),
    }  # fmt: skip
    return 0.7 * np.stack([np.concatenate([primitives[name] for name in word]) for word in WORDS], axis=1)


def graph(slow_time_constant: float, seed: int = 0) -> SignalGraph:
    """A closed network, with noise on the drives of all but the slow units."""
    made = multiple_timescale(
        IO, FAST, SLOW, feedback="closed", slow_time_constant=slow_time_constant, scale=1.5, seed=seed
    )
    made.port("noise", IO + FAST)
    made.connect("noise", "io", source_part=(0, IO))
    made.connect("noise", "fast", source_part=(IO, IO + FAST))
    return made


def training(made: SignalGraph, batches: int = BATCHES) -> Training:
    """Eight noisy copies of each sequence; the slow initial state of each copy is trained."""
    network = digital(made, dt=1.0)
    draw = stream(0, "mtrnn", "training")
    initial = np.zeros((2 * COPIES, network.program.states.size))
    initial[:, network.program.states.slices["slow"]] = np.repeat(0.1 * draw.normal(size=(2, SLOW)), COPIES, axis=0)
    wanted = np.repeat(targets(), COPIES, axis=1)
    noise = NOISE * draw.normal(size=(*wanted.shape[:2], IO + FAST))
    return train(
        network, (noise, wanted), "mean_squared_error", Adam(0.015), batches=batches, initial=initial, clip=1.0,
        trainable_initial=("slow",), schedule=lambda k: 0.5 * (1.0 + np.cos(np.pi * k / batches)), progress=False,
    )  # fmt: skip


def choices(run: Training) -> np.ndarray:
    """Initial state of each sequence, mean over its copies, shape (2, states)."""
    assert run.initial is not None
    return run.initial.reshape(2, COPIES, -1).mean(axis=1)


def trained(name: str, context: Context) -> list[tuple[DigitalNetwork, np.ndarray]]:
    """Network and initial states: of the file in the fast part, else of three seeds."""
    slow = NETWORKS[name]
    if context.fast:
        path = FOLDER / f"{name}.npz"
        return [(digital(load_weights(path, graph(slow)), dt=1.0), np.array(read_notes(path)["initial"]))]
    runs = [training(graph(slow, seed)) for seed in range(3)]
    return [(run.network, choices(run)) for run in runs]


def generate(network: DigitalNetwork, initial: np.ndarray, tests: int = 100) -> tuple[float, np.ndarray]:
    """Share of noisy runs whose last primitive is nearer to the right one; error of each primitive by the variance."""
    wanted = targets()
    noise = NOISE * stream(1, "mtrnn", "test").normal(size=(len(wanted), 2 * tests, IO + FAST))
    outputs = network.sequence(noise, np.repeat(initial, tests, axis=0), record=False).outputs
    last = outputs[-LENGTH:, :, None] - wanted[-LENGTH:, None]
    right = (last**2).mean(axis=(0, 3)).argmin(axis=1) == np.repeat([0, 1], tests)
    errors = (outputs - np.repeat(wanted, tests, axis=1)) ** 2
    return float(right.mean()), errors.reshape(len(WORDS[0]), LENGTH, -1).mean(axis=(1, 2)) / wanted.var()


def slow_speed(network: DigitalNetwork, initial: np.ndarray) -> tuple[float, float]:
    """Speed of the slow activity, averaged over a period of 20: within 12 steps of the border, and elsewhere."""
    quiet = np.zeros((len(targets()), 2, IO + FAST))
    states = network.sequence(quiet, initial).states[..., network.program.states.slices["slow"]]
    total = np.cumsum(np.tanh(states), axis=0)
    speed = np.linalg.norm(np.diff((total[20:] - total[:-20]) / 20.0, axis=0), axis=-1).mean(axis=1)
    place = np.arange(len(speed)) + 11
    near = np.abs(place - 4 * LENGTH) <= 12
    return float(speed[near].mean()), float(speed[~near & (place > 30)].mean())


def cases(context: Context) -> Iterator[Case]:
    """The choice, the primitives, the switch, and the network without slow units; means over the seeds."""
    nets = trained("mtrnn", context)
    quiet = nets[0][0].sequence(np.zeros((len(targets()), 2, IO + FAST)), nets[0][1])
    slow = np.tanh(quiet.states[..., nets[0][0].program.states.slices["slow"]])
    shown = {f"{word}, slow unit {j + 1}": (np.arange(len(slow)), slow[:, k, j], "-" if k else "--")
             for k, word in enumerate(WORDS) for j in range(2)}  # fmt: skip
    figure = context.figure("mtrnn primitives", curves("step (primitives are 40 long)", "activity", shown))
    scores = [generate(*net) for net in nets]
    right, errors = float(np.mean([share for share, _ in scores])), np.mean([error for _, error in scores], axis=0)
    either = np.mean([generate(net, np.repeat(first.mean(0, keepdims=True), 2, axis=0))[0] for net, first in nets])
    yield Case(
        "MTRNN chooses by the initial slow state", SOURCE,
        f"share of {200 * len(nets)} noisy runs that end with their own primitive (coin: 0.5; all from the mean state: "
        f"{either:.2f})", "1", f"{right:.3f}", 1.0 - right, 0.05 if context.fast else 0.15,
        "training of 2500 batches: single seeds reach 0.88 to 0.99",
    )  # fmt: skip
    yield Case(
        "MTRNN generates the primitives", SOURCE,
        "mean squared error over variance, mean of the five primitives (the mean as output: 1), with noise",
        "below 0.2", " ".join(f"{e:.3f}" for e in errors), float(errors.mean()), 0.2,
        "noise moves the phase, more with time",
    )  # fmt: skip
    near, far = np.mean([slow_speed(*net) for net in nets], axis=0)
    yield Case(
        "MTRNN slow units switch at the border", SOURCE,
        f"speed of the slow activity away from the border of primitives over that near it, {near:.4f} a step",
        "well below 1", f"{far / near:.2f}", far / near, 0.6, "no number is published; 1 is no relation", figure,
    )  # fmt: skip
    scores = [generate(*net) for net in trained("mtrnn_equal", context)]
    equal, errors = float(np.mean([share for share, _ in scores])), np.mean([error for _, error in scores], axis=0)
    yield Case(
        "MTRNN without slow units fails", SOURCE,
        f"share of {200 * len(scores)} runs that end with their own primitive, slow group with the time constant 5 of "
        f"the fast one, same training (with 70: {right:.2f}); errors {' '.join(f'{e:.2f}' for e in errors)}",
        "0.5, chance", f"{equal:.3f}", abs(equal - 0.5), 0.15, "chance of 200 is 0.5 +- 0.035; it may know a little",
    )  # fmt: skip


if __name__ == "__main__":
    for file, slow in NETWORKS.items():
        result = training(graph(slow))
        loss = float(result.history["loss"][-50:].mean())
        save_weights(
            FOLDER / f"{file}.npz", result.network, script="python -m validation.literature.mtrnn_primitives", seed=0,
            batches=result.batches, last_loss=loss, initial=choices(result).tolist(),
        )  # fmt: skip
        print(f"{file}: {result.batches} batches, {result.seconds:.1f} s, loss {loss:.4g}")
