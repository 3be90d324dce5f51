"""Whole trajectories of memristive networks in the engine: CPU time of a right-hand side with all that a step takes.

``python -m validation --benchmarks --only memristive_trajectories``; numbers in `memristive_trajectories_results.md`.
One thread, CPU time, each run in a process of its own (``python -m validation.benchmarks.memristive_trajectories GRAPH
EDGES RTOL STEPS``): random EMFs of 1 V in all edges and a sine between two electrodes, method dp5.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 (threads are set before)

from validation.benchmarks.memristive_runs import make_graph  # noqa: E402
from validation.benchmarks.memristive_solvers import KINDS, TARGETS  # noqa: E402
from validation.case import Case, Context  # noqa: E402

STEPS = {1_000: 400, 10_000: 100, 100_000: 30, 1_000_000: 8}
"""Edges, and steps of a run."""
RTOL = 1e-4


def run(kind: str, edges: int, rtol: float, steps: int) -> dict[str, float | str]:
    """One trajectory, cut after so many steps."""
    import networkx as nx

    import neurosim as ns
    from neurosim.errors import SimulationError

    nodes, tail, head = make_graph(kind, edges)
    draw = np.random.default_rng(0)
    graph = ns.GraphArrays(nodes, tail, head)
    drive = f"SIN(0 {0.3 * nodes**0.5:g} 3)"
    net = ns.MemristiveNetwork(
        graph, convention="flipped", alpha=0.5, sources=draw.normal(size=tail.size), initial=draw.random(tail.size),
        electrodes={0: drive, nodes // 2: 0.0},
    )  # fmt: skip
    # What is loaded for a first run is no part of the cost.
    ns.simulate(ns.MemristiveNetwork(nx.path_graph(4), convention="flipped", electrodes={0: 1.0, 3: 0.0}), (0.0, 1e-3))
    clock = time.process_time()
    try:
        result = ns.simulate(net, (0.0, 2e-4), rtol=rtol, save=["m[0].x"], step_limit=steps)
    except SimulationError as error:
        result = error.partial
    whole = time.process_time() - clock
    found = result.attrs["statistics"]
    return {
        "evaluations": found["evaluations"], "seconds": found["cpu_seconds_time_loop"], "whole": whole,
        "rejected": found["rejected"], "steps": found["steps"], "kind": result.attrs["solver"],
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Rates against the targets."""
    lines = [
        "| graph | edges | solver | ms per right-hand side | per second | steps | rejected | run s | peak MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for edges, steps in STEPS.items():
        for kind in KINDS:
            command = [sys.executable, "-m", __name__, kind, str(edges), str(RTOL), str(steps)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            r = json.loads(done.stdout.splitlines()[-1])
            each = r["seconds"] / r["evaluations"]
            lines.append(
                f"| {kind} | {edges:.0e} | {r['kind']} | {1e3 * each:.3g} | {1 / each:.3g} | {r['steps']} "
                f"| {r['rejected']} | {r['whole']:.3g} | {r['megabytes']:.0f} |"
            )
            (context.folder / "memristive_trajectories.md").write_text("\n".join(lines) + "\n")
            if edges in TARGETS:
                yield Case(
                    f"trajectory on {kind} of {edges:.0e} edges", "target of the project, on an idle machine",
                    "CPU time of a right-hand side, with all that a step takes, over the target",
                    f"at least {TARGETS[edges]:g} per second", f"{1 / each:.3g} per second; {r['kind']}",
                    each * TARGETS[edges], 1.0, f"dp5 at rtol {RTOL:g}; other work on the machine counts against us",
                )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(float(sys.argv[2])), float(sys.argv[3]), int(sys.argv[4]))))
