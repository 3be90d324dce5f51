"""Paired runs: the discrete adjoint of 400 steps of the classical Runge-Kutta method against JAX.

``python -m validation --benchmarks --only gradients``. The gradient of half the square of the last state of a tanh
network by all weights, biases and the start, forward and backward, in float64 on one thread; ours and JAX (compiled,
``value_and_grad`` through ``lax.scan``) take turns, and what counts is the least time. JAX is looked for as in
`validation.benchmarks.networks`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.solve.explicit_steps import ExplicitSteps
from neurosim.solve.methods import methods
from validation.benchmarks import gradients_rivals
from validation.benchmarks.networks import python_with
from validation.case import Case, Context

SIZES, STEPS, SPAN = (20, 100, 300), 400, 20.0
ROUNDS, SECONDS = 8, 0.2
LIMIT = 1.5
"""Of ours over JAX from 100 units on."""


def _network(n: int) -> tuple[Callable[[], Any], dict[str, Any]]:
    draw = np.random.default_rng(n)
    arrays = {
        "W": 1.2 * draw.normal(size=(n, n)) / np.sqrt(n), "b": 0.1 * draw.normal(size=n), "y": draw.normal(size=n),
        "h": SPAN / STEPS, "steps": STEPS,
    }  # fmt: skip
    graph = ns.SignalGraph("ctrnn")
    graph.parameter("W", arrays["W"])
    graph.parameter("b", arrays["b"])
    graph.state("y", n, time_constant=1.0, bias="b")
    graph.map("r", n, "tanh")
    graph.connect("y", "r")
    graph.connect("r", "y", weight="W")
    saved = np.full(STEPS + 1, -1)
    saved[-1] = 0
    system = ns.dynamics(graph).with_start(arrays["y"])
    steps = ExplicitSteps(system, methods.get("rk4"), np.linspace(0.0, SPAN, STEPS + 1), saved)
    return lambda: steps.reverse(steps.run()).p[: n * n].reshape(n, n), arrays


def cases(context: Context) -> Iterator[Case]:
    """The same gradient, and within 1.5 times JAX from 100 units on."""
    python = python_with("jax")
    if python is None:
        context.remarks.append("jax is not installed: adjoints were not timed against it")
        return
    ours = {n: _network(n) for n in SIZES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n, (_, arrays) in ours.items():
            np.savez(folder / f"net {n}.npz", **arrays)
        with subprocess.Popen(
            [python, gradients_rivals.__file__, name], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as rival:
            assert rival.stdin is not None
            assert rival.stdout is not None
            json.loads(rival.stdout.readline())
            best = {n: [np.inf, np.inf] for n in SIZES}
            for turn in range(ROUNDS):
                for n, (run, _) in ours.items():
                    repeats = 2 if turn == 0 else max(2, int(SECONDS / best[n][0]))
                    for _ in range(repeats):
                        clock = time.perf_counter()
                        run()
                        best[n][0] = min(best[n][0], time.perf_counter() - clock)
                    print(f"{n} {repeats}", file=rival.stdin, flush=True)
                    best[n][1] = min(best[n][1], json.loads(rival.stdout.readline())[0])
            rival.stdin.close()
        for n, (run, _) in ours.items():
            theirs = np.load(folder / f"grad {n}.npy", allow_pickle=False)
            error = float(np.abs(run() - theirs).max() / np.abs(theirs).max())
            yield Case(
                f"adjoint, {n} units, same gradient", "JAX, float64", "dL/dW: largest difference over largest value",
                f"{np.abs(theirs).max():.6g}", f"{np.abs(run()).max():.6g}", error, 1e-10, "rounding of both",
            )  # fmt: skip
            mine, other = best[n]
            if n >= 100:
                yield Case(
                    f"adjoint, {n} units, time", "paired run", "neurosim time / JAX time", f"at most {LIMIT:g}",
                    f"{mine / other:.3g} ({1e3 * mine:.3g} ms against {1e3 * other:.3g} ms)", mine / other, LIMIT,
                    "the target of the project",
                )  # fmt: skip
            else:
                context.remarks.append(f"adjoint, {n} units: {1e3 * mine:.3g} ms against JAX's {1e3 * other:.3g} ms")
