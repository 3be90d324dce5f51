"""Memory of reservoirs: capacity for past inputs, its bound and a formula; read-outs kept when the step changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import Readout, ridge
from neurosim.graph.drives import interpolated
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context, number_case
from validation.figures import curves

BOUND = "Jaeger, GMD Report 152 (2001): never above the number of units; for linear units of full rank close to it"
CYCLE = "Rodan & Tino, IEEE Trans. Neural Networks 22, 131 (2011): N - 1 + r^(2N) for a linear cycle"
WASHOUT, ROWS = 500, 20_000


def forgetting(graph: SignalGraph, seed: int, penalty: float, first: int = 1) -> np.ndarray:
    """Squared correlation of the input before `first`, ... steps and its reconstruction, on new data."""
    units = graph.size_of("x")
    u = stream(seed, "memory capacity", "input").uniform(-1.0, 1.0, WASHOUT + ROWS)
    states = digital(graph).sequence(u[:, None]).states[:, 0]
    past = np.stack([np.roll(u, delay) for delay in range(first, 2 * units + 1)], axis=1)
    half = WASHOUT + ROWS // 2
    reconstructed = ridge(states[WASHOUT:half], past[WASHOUT:half], penalty)(states[half:])
    wanted = past[half:] - past[half:].mean(axis=0)
    reconstructed = reconstructed - reconstructed.mean(axis=0)
    power = (reconstructed**2).sum(axis=0) * (wanted**2).sum(axis=0)
    product = (reconstructed * wanted).sum(axis=0) ** 2
    return np.divide(product, power, out=np.zeros_like(power), where=power > 0.0)


def capacity(graph: SignalGraph, seed: int, penalty: float) -> float:
    """Sum of `forgetting` over all delays."""
    return float(forgetting(graph, seed, penalty).sum())


def cases(context: Context) -> Iterator[Case]:
    """Capacity, then the sweep of the step."""
    largest = 0.0
    for units, radius in ((20, 0.9), (50, 0.95)):
        graph = echo_state(1, units, topology="cycle", spectral_radius=radius, activation="identity", seed=1)
        ours = capacity(graph, 1, 1e-12)
        largest = max(largest, ours / units)
        yield number_case(
            f"memory capacity, linear cycle of {units}", CYCLE, "delays (with W = 0: 0)",
            units - 1 + radius ** (2 * units), ours, 0.015,
            "10,000 samples to fit and 10,000 to test: about N/10,000 is lost at each of N delays",
        )  # fmt: skip
    shown = {}
    for units in (50,) if context.fast else (50, 100, 200):
        graph = echo_state(1, units, topology="orthogonal", spectral_radius=0.95, activation="identity", seed=1)
        curve = forgetting(graph, 1, 1e-12, first=0)
        if units == 50:
            shown["linear, orthogonal"] = np.arange(101), curve, "-"
        ours = float(curve.sum())
        largest = max(largest, ours / units)
        yield number_case(
            f"memory capacity, linear orthogonal reservoir of {units}", BOUND, "delays from 0 on (with W = 0: 1)",
            float(units), ours, 0.02, "the source shows that numerical rank costs some; a random net of one seed",
        )  # fmt: skip
    for scale in (0.01, 0.1, 1.0):
        graph = echo_state(1, 50, spectral_radius=0.95, input_scaling=scale, seed=1)
        curve = forgetting(graph, 1, 1e-10)
        shown[f"tanh, inputs of size {scale:g}"] = np.arange(1, 101), curve, "-"
        ours = float(curve.sum())
        largest = max(largest, ours / 50.0)
        yield Case(
            f"memory capacity, 50 tanh units, input scale {scale:g}", BOUND, "delays; error: what is above the bound",
            "at most 50, falling as the scale rises", f"{ours:.2f}", max(0.0, ours - 50.0), 0.0, "a bound",
        )  # fmt: skip
    empty = capacity(echo_state(1, 50, spectral_radius=0.0, activation="identity", seed=1), 1, 1e-10)
    yield Case(
        "memory capacity, no recurrent weights", "no unit knows any earlier input", "delays", "0", f"{empty:.3f}",
        empty, 0.05, "100 correlations of noise over 10,000 samples: 0.01 on average",
    )  # fmt: skip
    yield Case(
        "memory capacity, the bound", BOUND, "largest capacity per unit of all reservoirs here", "at most 1",
        f"{largest:.4f}", max(0.0, largest - 1.0), 0.0, "a bound",
        context.figure("memory capacity", curves("delay (steps), 50 units", "squared correlation", shown)),
    )  # fmt: skip
    yield from transfer()


def transfer(dt: float = 0.05) -> Iterator[Case]:
    """A read-out trained at one step, at other steps and in the flow: tau is kept, a = dt/tau follows."""
    draw = stream(0, "read-out transfer")
    frequency, phase = draw.uniform(0.1, 1.0, 12), draw.uniform(0.0, 2.0 * np.pi, 12)
    graph = echo_state(1, 100, input_scaling=0.5, bias_scaling=0.5, seed=1)

    def signal(t: np.ndarray) -> np.ndarray:
        return np.sin(np.outer(t, frequency) + phase).sum(axis=1) / np.sqrt(6.0)

    def score(readout: Readout, t: np.ndarray, states: np.ndarray) -> float:
        late = t > 220.0
        wanted = signal(t[late] - 1.0) ** 2
        return float(np.sqrt(((readout(states[late])[:, 0] - wanted) ** 2).mean() / wanted.var()))

    def run(step: float, leak: float, stop: float = 300.0) -> tuple[np.ndarray, np.ndarray]:
        t = np.arange(round(stop / step)) * step
        return t + step, digital(graph, dt=leak).sequence(signal(t)[:, None]).states[:, 0]

    t, states = run(dt, dt, 220.0)
    late = t > 20.0
    readout = ridge(states[late], signal(t[late] - 1.0)[:, None] ** 2, 1e-3)
    base = score(readout, *run(dt, dt))
    source = "Jaeger et al., Neural Networks 20, 335 (2007): tau belongs to the task, the step to the computer"
    quantity = "NRMSE of the squared input one tau ago (mean as the guess: 1), read-out trained at dt = tau/20"
    yield Case("read-out, at its own step", source, quantity, "below 0.1", f"{base:.3f}", base, 0.1, "learnt well")
    for step in (0.0125, 0.025, 0.1):
        ours = score(readout, *run(step, step))
        yield Case(
            f"read-out kept, dt = {step:g} tau", source, quantity, f"{base:.3f}", f"{ours:.3f}", abs(ours - base), 0.03,
            "states move by the error of forward Euler, of order dt/tau",
        )  # fmt: skip
    grid = np.arange(0.0, 300.0, 0.02)
    flow = simulate_graph(
        graph, (0.0, 300.0), drive={"u": interpolated(grid, signal(grid))}, print_step=dt, save=["x"], save_steps=False
    )
    ours = score(readout, flow.time, np.stack([flow[f"x[{i}]"] for i in range(100)], axis=1))
    yield Case(
        "read-out kept, in the flow", source, quantity, f"{base:.3f}", f"{ours:.3f}", abs(ours - base), 0.03,
        "as for a small step",
    )  # fmt: skip
    for step in (0.025, 0.1):
        ours = score(readout, *run(step, dt))
        yield Case(
            f"read-out lost, dt = {step:g} tau but a kept at {dt:g}", source, quantity, f"far above {base:.3f}",
            f"{ours:.3f}", base / ours, 0.25, "error: the score of its own step over this one; at least 4 times worse",
        )  # fmt: skip
