"""Santa Fe laser: the next intensity, by echo state networks. A remark instead where no package brings the data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.datasets import santa_fe_laser
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import ridge
from neurosim.errors import ParameterError
from validation.case import Case, Context
from validation.figures import curves

SOURCE = "Rodan & Tino, IEEE Trans. Neural Networks 22, 131 (2011) (recalled)"
PUBLISHED = {50: 0.018, 200: 0.008}
WASHOUT, FITTED, END = 200, 2000, 6000


def one_step(series: np.ndarray, units: int, seed: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Normalised mean squared error behind the fitted part; the prediction there and the series."""
    graph = echo_state(1, units, input_scaling=0.5, bias_scaling=0.2, seed=seed)
    states = digital(graph).sequence(series[: END - 1, None]).states[:, 0]
    following = series[1:END, None]
    fitted = slice(WASHOUT, WASHOUT + FITTED)
    made = ridge(states[fitted], following[fitted], 1e-6)(states[WASHOUT + FITTED :])
    wanted = following[WASHOUT + FITTED :]
    return float(((made - wanted) ** 2).mean() / wanted.var()), made[:, 0], wanted[:, 0]


def cases(context: Context) -> Iterator[Case]:
    """Two sizes, mean of some seeds, and the value before as a predictor."""
    try:
        series = santa_fe_laser()
    except ParameterError as missing:
        context.remarks.append(str(missing))
        return
    series = (series - series[: WASHOUT + FITTED].mean()) / series[: WASHOUT + FITTED].std()
    seeds = 3 if context.fast else 10
    rest = series[WASHOUT + FITTED : END]
    same = float(((rest[1:] - rest[:-1]) ** 2).mean() / rest.var())
    for units, published in PUBLISHED.items():
        runs = [one_step(series, units, seed) for seed in range(seeds)]
        ours = float(np.mean([error for error, _, _ in runs]))
        shown = {"laser": (np.arange(150), runs[0][2][:150], "k-"), "network": (np.arange(150), runs[0][1][:150], "--")}
        yield Case(
            f"Santa Fe laser, one step ahead, {units} units", SOURCE,
            f"NMSE over the published one, mean of {seeds} seeds (last value: {same:.2f})", f"{published:g}",
            f"{ours:.4f}", ours / published, 1.0, "at or below the source",
            context.figure("santa fe laser", curves("step", "intensity, standardised", shown)),
        )  # fmt: skip
