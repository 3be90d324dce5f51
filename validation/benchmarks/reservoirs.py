"""Paired runs of a continuous echo state network: ours against SciPy's solvers with a compiled right-hand side.

``python -m validation --benchmarks --only reservoirs``. 500 units, 10 % of the weights, 1000 samples held for a second
each, rtol 1e-6; SciPy restarts at each sample, ours goes on across them. One thread; all take turns in this process,
and what counts is the least CPU time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy starts its threads

import numpy as np
import scipy.sparse as sp
from scipy.integrate import solve_ivp

from neurosim.architectures.echo_state import echo_state
from neurosim.graph.drives import held
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context

UNITS, SAMPLES, RATE = 500, 1000, 0.3
RTOL, ATOL, ROUNDS = 1e-6, 1e-8, 5
TARGET = "SciPy RK45"


def contests() -> dict[str, Callable[[], tuple[np.ndarray, int]]]:
    """Functions that give the states at the ends of the samples and the number of evaluations."""
    import numba

    graph = echo_state(1, UNITS, input_scaling=0.5, time_constant=1.0 / RATE, seed=1)
    w, w_in = sp.csr_array(graph.parameters["W"].value), graph.weights()["U"][:, 0]
    u = np.random.default_rng(0).uniform(-0.5, 0.5, SAMPLES)

    @numba.njit
    def flow(t, x, starts, columns, values, w_in, u, rate):
        made = np.empty_like(x)
        for i in range(x.size):
            total = w_in[i] * u
            for j in range(starts[i], starts[i + 1]):
                total += values[j] * x[columns[j]]
            made[i] = rate * (np.tanh(total) - x[i])
        return made

    def of_scipy(method: str) -> tuple[np.ndarray, int]:
        x, states, evaluations = np.zeros(UNITS), np.empty((SAMPLES, UNITS)), 0
        for k in range(SAMPLES):
            given = (w.indptr, w.indices, w.data, w_in, u[k], RATE)
            run: Any = solve_ivp(flow, (0.0, 1.0), x, method=method, rtol=RTOL, atol=ATOL, args=given)
            x = states[k] = run.y[:, -1]
            evaluations += run.nfev
        return states, evaluations

    def of_ours(method: str) -> tuple[np.ndarray, int]:
        run = simulate_graph(
            graph, (0.0, float(SAMPLES)), drive={"u": held(u, 1.0)}, method=method, rtol=RTOL, atol=ATOL, save=["x"],
            print_step=1.0, save_steps=False,
        )  # fmt: skip
        states = np.stack([run[f"x[{i}]"] for i in range(UNITS)], axis=1)[1:]
        return states, run.attrs["statistics"]["evaluations"]

    return {
        "neurosim auto": lambda: of_ours("auto"), "neurosim dop853": lambda: of_ours("dop853"),
        TARGET: lambda: of_scipy("RK45"), "SciPy DOP853": lambda: of_scipy("DOP853"),
    }  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Under half of SciPy's time, to the same states."""
    runs = contests()
    least: dict[str, float] = dict.fromkeys(runs, np.inf)
    states, evaluations = {}, {}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            clock = time.process_time()
            states[name], evaluations[name] = run()
            least[name] = min(least[name], time.process_time() - clock)
    lines = ["| solver | CPU s | evaluations | times neurosim auto |", "| --- | --- | --- | --- |"]
    for name, seconds in least.items():
        ratio = seconds / least["neurosim auto"]
        lines.append(f"| {name} | {seconds:.3g} | {evaluations[name]} | {ratio:.3g} |")
    (context.folder / "reservoirs.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    for name in ("neurosim auto", "neurosim dop853"):
        share = least[name] / least[TARGET]
        yield Case(
            f"continuous echo state network, {name}", "paired run", f"CPU time / {TARGET} CPU time", "at most 0.5",
            f"{share:.3g} ({least[name]:.3g} s against {least[TARGET]:.3g} s)", share, 0.5, "the target of the project",
        )  # fmt: skip
        apart = float(np.abs(states[name] - states["SciPy DOP853"]).max())
        yield Case(
            f"continuous echo state network, {name}, same states", "SciPy DOP853", "largest difference", "0",
            f"{apart:.2g}", apart, 1e-6, "rtol of both",
        )  # fmt: skip
