"""Mackey-Glass series with delay 17, continued 84 steps by an echo state network with its output fed back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import fit_readout, ridge
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves

SOURCE = (
    "Jaeger & Haas, Science 304, 78 (2004): 1000 units, 3000 steps, NRMSE84 about 10^-4.2; the best before about "
    "10^-1.7 (recalled; the abstract has a factor of 2400 between 10^-1.7 and its refined 10^-5.1)"
)
WASHOUT, FITTED, WARM, AHEAD, TESTS = 1000, 3000, 600, 84, 50


def mackey_glass(length: int, delay: float = 17.0, step: float = 0.1, seed: int = 0) -> np.ndarray:
    """x' = 0.2 x(t-17)/(1 + x(t-17)^10) - 0.1 x, a sample a second; Runge-Kutta with cubic interpolation of the past.

    Source of the equation: Mackey & Glass, Science 197, 287 (1977), doi 10.1126/science.267326.
    """
    back, total = round(delay / step), round((length + 1000) / step)
    x = [1.2 + 0.1 * float(stream(seed, "mackey glass").uniform(-1.0, 1.0))] * (back + 1)
    slopes = [0.0] * back

    def slope(now: float, then: float) -> float:
        return 0.2 * then / (1.0 + then**10) - 0.1 * now

    for k in range(back, total + back):
        past, following = x[k - back], x[k - back + 1]
        middle = 0.5 * (past + following) + step / 8.0 * (slopes[k - back] - slopes[min(k - back + 1, k - 1)])
        first = slope(x[k], past)
        slopes.append(first)
        second = slope(x[k] + 0.5 * step * first, middle)
        third = slope(x[k] + 0.5 * step * second, middle)
        fourth = slope(x[k] + step * third, following)
        x.append(x[k] + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth))
    return np.array(x[-round(length / step) :: round(1.0 / step)])


def forecast(series: np.ndarray, units: int, penalty: float, seed: int = 0) -> tuple[float, np.ndarray, np.ndarray]:
    """Root mean squared error 84 steps after the last known value, over the deviation of the series; the first
    continuation, and the series there."""
    same = {
        "inputs": 0, "units": units, "density": 10.0 / units, "spectral_radius": 0.9, "bias_scaling": 0.2, "seed": seed,
    }  # fmt: skip
    taught = digital(echo_state(feedback="teacher", **same), dt=0.4)
    known, wanted = series[: WASHOUT + FITTED, None], series[1 : WASHOUT + FITTED + 1, None]
    trained, _ = fit_readout(taught, known, wanted, weights="V", bias="c", regularisation=penalty, washout=WASHOUT)
    closed = digital(
        echo_state(feedback="closed", **same).with_weights({name: trained.weights()[name] for name in "Vc"}), dt=0.4
    )
    first = WASHOUT + FITTED + np.arange(TESTS) * ((len(series) - WASHOUT - FITTED - WARM - AHEAD) // TESTS)
    windows = np.stack([series[k : k + WARM] for k in first], axis=1)[..., None]
    start = taught.sequence(windows, record=False).final
    # The read-out of the last taught state is one step ahead already.
    ahead = closed.sequence(AHEAD - 1, start, record=False).outputs[:, :, 0]
    error = float(np.sqrt(((ahead[-1] - series[first + WARM - 1 + AHEAD]) ** 2).mean()) / series.std())
    begin = int(first[0]) + WARM + 1
    return error, ahead[:, 0], series[begin : begin + AHEAD - 1]


def cases(context: Context) -> Iterator[Case]:
    """400 units; 1000 in the slow part; the trivial predictors."""
    series = np.tanh(mackey_glass(12_000) - 1.0)
    same = float(np.sqrt(((series[AHEAD:] - series[:-AHEAD]) ** 2).mean()) / series.std())
    past = np.lib.stride_tricks.sliding_window_view(series, 100)[:-AHEAD]
    wanted = series[99 + AHEAD :, None]
    linear = ridge(past[:FITTED], wanted[:FITTED])(past[FITTED:]) - wanted[FITTED:]
    regression = float(np.sqrt((linear**2).mean()) / series.std())
    beside = f"log10 of the NRMSE (linear regression on 100 values: {np.log10(regression):.2f}; last value: "
    beside += f"{np.log10(same):+.2f}; the mean: 0), mean over {TESTS} windows"
    for units, penalty, most in ((400, 1e-12, -3.5), (1000, 1e-13, -4.2)):
        if context.fast and units > 400:
            continue
        error, continued, wanted = forecast(series, units, penalty)
        ours = float(np.log10(error))
        ahead = np.arange(2, AHEAD + 1)
        figure = context.figure("mackey glass", curves("steps after the last known value", "series", {
            "Mackey-Glass": (ahead, wanted, "k-"), f"{units} units, by itself": (ahead, continued, "--"),
        }))  # fmt: skip
        yield Case(
            f"Mackey-Glass 17, 84 steps ahead, {units} units", SOURCE, beside, "-4.2 with 1000 units", f"{ours:.2f}",
            ours, most, "published with 1000 units" if units == 1000 else "fewer units than the source: -3.5", figure,
        )  # fmt: skip
