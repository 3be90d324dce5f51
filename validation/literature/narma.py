"""NARMA-10: a nonlinear moving average of ten steps, learnt by the read-out of an echo state network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.datasets import narma
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import ridge
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves

SOURCE = "Jaeger, NIPS 15 (2002), 100 units with squared states: normalised mean squared error 0.032 (recalled)"
SIMPLE = "Rodan & Tino, IEEE Trans. Neural Networks 22, 131 (2011) (recalled)"
PUBLISHED = {("random", 100): 0.096, ("cycle", 100): 0.098, ("random", 200): 0.043, ("cycle", 200): 0.041}
CHOSEN = {
    "random": {"spectral_radius": 0.95, "input_scaling": 0.1, "bias_scaling": 0.1},
    "cycle": {"spectral_radius": 0.7, "input_scaling": 0.1, "bias_scaling": 0.2, "input_weights": "signs"},
}
SYSTEM = "Atiya & Parlos, IEEE Trans. Neural Networks 11, 697 (2000), doi 10.1109/72.846741"
WASHOUT, FITTED, TESTED = 200, 2000, 2000


def predicted(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Prediction for the data that follow those of the fit."""
    readout = ridge(features[WASHOUT : WASHOUT + FITTED], wanted[WASHOUT : WASHOUT + FITTED])
    return readout(features[WASHOUT + FITTED :])


def run(units: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors with states, with states and their squares, and with the last 20 inputs instead of a reservoir; what is
    wanted, and the second prediction of it."""
    u = stream(seed, "narma").uniform(0.0, 0.5, WASHOUT + FITTED + TESTED + 1)
    wanted = narma(u)[1:, None]
    graph = echo_state(1, units, spectral_radius=0.9, input_scaling=0.1, bias_scaling=0.2, seed=seed)
    states = digital(graph).sequence(u[:-1, None]).states[:, 0]
    taps = np.stack([np.roll(u[:-1], delay) for delay in range(20)], axis=1)
    made = [predicted(features, wanted) for features in (states, np.hstack([states, states**2]), taps)]
    rest = wanted[WASHOUT + FITTED :]
    return np.array([((found - rest) ** 2).mean() for found in made]) / rest.var(), rest, made[1]


def states_only(topology: str, units: int, seed: int) -> float:
    """Normalised mean squared error with 2000 steps to fit and 3000 to test."""
    u = stream(seed, "narma").uniform(0.0, 0.5, WASHOUT + FITTED + 3001)
    wanted = narma(u)[1:, None]
    graph = echo_state(1, units, topology=topology, seed=seed, **CHOSEN[topology])
    states = digital(graph).sequence(u[:-1, None]).states[:, 0]
    fitted = slice(WASHOUT, WASHOUT + FITTED)
    rest = wanted[WASHOUT + FITTED :]
    found = ridge(states[fitted], wanted[fitted], 1e-9)(states[WASHOUT + FITTED :])
    return float(((found - rest) ** 2).mean() / rest.var())


def cases(context: Context) -> Iterator[Case]:
    """100 units, mean of some seeds; 200 units too in the slow part."""
    seeds = 3 if context.fast else 10
    for units in (100,) if context.fast else (100, 200):
        runs = [run(units, seed) for seed in range(seeds)]
        plain, squared, taps = np.mean([errors for errors, _, _ in runs], axis=0)
        shown = {label: (np.arange(80), values[:80, 0], form)
                 for label, values, form in (("system", runs[0][1], "k-"), ("network", runs[0][2], "--"))}  # fmt: skip
        figure = context.figure("narma", curves("step", "output", shown))
        beside = f"; {SYSTEM.split(',')[0]}: the system. Last 20 inputs, linear: {taps:.3f}; the mean: 1"
        yield Case(
            f"NARMA-10, {units} units with squares", SOURCE, f"NMSE, mean of {seeds} seeds{beside}", "0.032",
            f"{squared:.4f} (NRMSE {np.sqrt(squared):.3f})", squared, 0.04, "nets of single seeds give 0.02 to 0.045",
            figure,
        )  # fmt: skip
        yield Case(
            f"NARMA-10, {units} units, states only", "below half of what a linear read-out of the inputs gets",
            f"NMSE over that of the last 20 inputs, {taps:.3f}; mean of {seeds} seeds", "at most 0.5",
            f"{plain / taps:.3f} (NRMSE {np.sqrt(plain):.3f})", plain / taps, 0.5, "a claim, not a published number",
        )  # fmt: skip
    for (topology, units), published in PUBLISHED.items():
        if context.fast and units > 100:
            continue
        ours = float(np.mean([states_only(topology, units, seed) for seed in range(seeds)]))
        yield Case(
            f"NARMA-10, {units} units, {topology}, states only", SIMPLE,
            f"NMSE over the published one, mean of {seeds} seeds", f"{published:g}", f"{ours:.4f}",
            ours / published, 1.0, "at or below the source; its spread over nets is a tenth",
        )  # fmt: skip
