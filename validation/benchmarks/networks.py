"""Paired runs: training steps against torch and JAX, echo state networks against reservoirpy.

``python -m validation --benchmarks --only networks``. Ours computes in float64. A training step is forward, backward
and Adam on a batch of 16: Elman with 16 units over 50 steps, LSTM with 64 units over 100. All use one thread; ours and
each rival take turns in short rounds, and what counts is the least CPU time of one repeat. A rival is looked for in the
Python that runs this and in those that the variable NEUROSIM_BENCHMARK_PYTHON names (separated as in PATH).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from neurosim.architectures import architectures
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.batches import as_batch
from neurosim.digital.training.losses import loss_of
from neurosim.digital.training.optimisers import Adam
from neurosim.digital.training.problem import make_problem
from neurosim.graph.signal_graph import SignalGraph
from validation.benchmarks import networks_rivals
from validation.case import Case, Context

ROUNDS = 8
SECONDS = 0.25
"""CPU time of a round for one contest."""
RESERVOIRS = {100: 1000, 300: 1000, 1000: 300}
"""Units and steps."""
BATCHES = {100: (300, 16), 1000: (60, 16)}
"""Units; steps and sequences side by side."""
DENSITY, LEAK = 0.1, 0.3


def _training(cell: str, steps: int, samples: int, inputs: int, units: int) -> Callable[[], Any]:
    graph = architectures.get(cell).build(inputs, units, 1)
    network = digital(graph, "forward_euler")
    draw = np.random.default_rng(0)
    data = draw.normal(size=(steps, samples, inputs)), draw.normal(size=(steps, samples, 1))
    batch, optimiser = as_batch(data, network.program), Adam(1e-4)
    problem = make_problem(network, loss_of("mean_squared_error"), None, (), samples)
    x = problem.start()
    memory = optimiser.start(x.size)

    def step() -> None:
        optimiser.step(x, problem.gradient(x, batch)[1], memory)

    return step


def reservoir(units: int, steps: int, folder: Path, samples: int = 1) -> tuple[DigitalNetwork, np.ndarray]:
    """A leaky echo state network and its input; its arrays go to a file for the rival."""
    name = f"ESN {units}" + (f" x {samples}" if samples > 1 else "")
    draw = np.random.default_rng(units)
    w = draw.normal(size=(units, units)) * (draw.random((units, units)) < DENSITY)
    w *= 0.9 / np.sqrt(DENSITY * units)
    w_in, bias = draw.uniform(-1.0, 1.0, (units, 1)), draw.uniform(-0.1, 0.1, units)
    u = draw.uniform(-1.0, 1.0, (steps, 1) if samples == 1 else (steps, samples, 1))
    np.savez(folder / f"{name}.npz", W=w, U=w_in, b=bias, u=u, leak=LEAK)
    graph = SignalGraph(name)
    graph.port("u", 1)
    graph.state("x", units, time_constant=1.0)
    for name, value in (("W", sp.csr_matrix(w)), ("U", w_in), ("b", bias)):
        graph.parameter(name, value)
    graph.map("r", units, "tanh", bias="b")
    graph.connect("x", "r", weight="W")
    graph.connect("u", "r", weight="U")
    graph.connect("r", "x")
    return digital(graph, "forward_euler", LEAK), u


def _reservoir(units: int, steps: int, folder: Path, samples: int = 1) -> Callable[[], float]:
    network, u = reservoir(units, steps, folder, samples)
    return lambda: float(network.sequence(u).final.sum())


class _Rival:
    """A library in a process of its own."""

    def __init__(self, python: str, library: str, folder: Path) -> None:
        script = networks_rivals.__file__
        self.process = subprocess.Popen(
            [python, script, library, str(folder)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.contests: list[str] = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("a benchmark process ended without an answer; its message is above")
        return json.loads(line)

    def time(self, contest: str, repeats: int) -> tuple[float, Any]:
        assert self.process.stdin is not None
        print(f"{contest} {repeats}", file=self.process.stdin, flush=True)
        return tuple(self._answer())

    def close(self) -> None:
        self.process.communicate()


def python_with(library: str) -> str | None:
    """The first Python that has a library."""
    others = os.environ.get("NEUROSIM_BENCHMARK_PYTHON", "").split(os.pathsep)
    for python in (sys.executable, *filter(None, others)):
        found = subprocess.run([python, "-c", f"import {library}"], capture_output=True, check=False)
        if found.returncode == 0:
            return python
    return None


def measure(context: Context) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, Any]]]:
    """Least CPU times [s] by contest and library, and what the runs gave."""
    times: dict[str, dict[str, float]] = {}
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ours = {contest: _training(*sizes) for contest, sizes in networks_rivals.TRAINING.items()}
        ours |= {f"ESN {units}": _reservoir(units, steps, folder) for units, steps in RESERVOIRS.items()}
        for units, (steps, samples) in BATCHES.items():
            ours[f"ESN {units} x {samples}"] = _reservoir(units, steps, folder, samples)
        contests: list[tuple[str, str, Callable[[int], tuple[float, Any]]]] = []
        for contest, run in ours.items():
            run()
            contests.append((contest, "neurosim float64", lambda n, r=run: networks_rivals.least_time(r, n)))
        for library in networks_rivals.LIBRARIES:
            python = python_with(library)
            if python is None:
                context.remarks.append(f"{library} is not installed: networks were not timed against it")
                continue
            rival = _Rival(python, library, folder)
            stack.callback(rival.close)
            for whole in rival.contests:
                contest, _, label = whole.partition("|")
                contests.append((contest, label, lambda n, r=rival, c=whole: r.time(c, n)))
        contests.sort(key=lambda entry: list(ours).index(entry[0]))
        for turn in range(ROUNDS):
            for contest, label, run in contests:
                best = times.setdefault(contest, {}).get(label, np.inf)
                repeats = 2 if turn == 0 else max(2, int(SECONDS / best))
                seconds, results.setdefault(contest, {})[label] = run(repeats)
                times[contest][label] = min(best, seconds)
    return times, results


def report(times: dict[str, dict[str, float]]) -> str:
    """Table in Markdown."""
    lines = ["| case | library | CPU ms | times neurosim |", "| --- | --- | --- | --- |"]
    for contest, found in times.items():
        ours = found["neurosim float64"]
        for label, seconds in sorted(found.items(), key=lambda entry: entry[1]):
            lines.append(f"| {contest} | {label} | {1e3 * seconds:.3g} | {seconds / ours:.3g} |")
    return "\n".join(lines)


def cases(context: Context) -> Iterator[Case]:
    """Ahead of torch's loop of cells, within 1.5 times the fastest of all, not behind reservoirpy."""
    times, results = measure(context)
    (context.folder / "networks.md").write_text(report(times) + "\n")
    (context.folder / "networks.json").write_text(json.dumps(times, indent=1))
    print(report(times))
    for contest, found in times.items():
        ours = found["neurosim float64"]
        rivals = {label: seconds for label, seconds in found.items() if label != "neurosim float64"}
        limits = []
        if contest in networks_rivals.TRAINING:
            eager = [seconds for label, seconds in rivals.items() if "eager" in label]
            if eager:
                limits.append(("ahead of torch eager", "torch eager", min(eager), 1.0))
            if rivals:
                fastest = min(rivals, key=lambda label: rivals[label])
                limits.append(("near the fastest", fastest, rivals[fastest], 1.5))
        elif rivals:
            limits.append(("ahead of reservoirpy", "reservoirpy", rivals["reservoirpy"], 1.0))
            mine, other = (results[contest][label] for label in ("neurosim float64", "reservoirpy"))
            yield Case(
                f"{contest}, same states", "reservoirpy", "sum of the last state, relative difference", f"{other:.12g}",
                f"{mine:.12g}", abs(mine - other) / abs(other), 1e-12, "the same work is timed",
            )  # fmt: skip
        for what, label, seconds, limit in limits:
            yield Case(
                f"{contest}, {what}", "paired run", f"neurosim CPU time / {label} CPU time", f"at most {limit:g}",
                f"{ours / seconds:.3g} ({1e3 * ours:.3g} ms against {1e3 * seconds:.3g} ms)", ours / seconds, limit,
                "the target of the project",
            )  # fmt: skip
