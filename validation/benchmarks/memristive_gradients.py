"""Gradients along trajectories of memristive networks: CPU time against that of the run alone.

``python -m validation --benchmarks --only memristive_gradients``. One thread; the network, source and method (dp5) of
`memristive_trajectories`, at rtol 1e-6. The gradient is that of the squared current of the electrode, by r_on, r_off,
beta, alpha, all EMFs, the numbers of the sine, and all initial states.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import neurosim as ns
from neurosim.solve.discrete_solution import discretise
from neurosim.solve.observed import observe
from validation.benchmarks.memristive_runs import make_graph
from validation.benchmarks.memristive_solvers import KINDS
from validation.case import Case, Context

SPANS = {1_000: 1e-4, 10_000: 1e-5, 100_000: 1e-6}
"""Edges, and length of the run [s]: some 70 to 120 steps."""

RTOL, POINTS, REPEATS = 1e-6, 5, 3


def network(kind: str, edges: int) -> ns.MemristiveNetwork:
    """As in `memristive_trajectories`."""
    nodes, tail, head = make_graph(kind, edges)
    draw = np.random.default_rng(0)
    electrodes = {0: f"SIN(0 {0.3 * nodes**0.5:g} 3)", nodes // 2: 0.0}
    return ns.MemristiveNetwork(
        ns.GraphArrays(nodes, tail, head), convention="flipped", alpha=0.5, sources=draw.normal(size=tail.size),
        initial=draw.random(tail.size), electrodes=electrodes,
    )  # fmt: skip


def seconds(kind: str, edges: int) -> tuple[float, float, float, int]:
    """CPU time of the run, of the run that keeps potentials, and of the way back; accepted steps. Least of several."""
    net, stop = network(kind, edges), SPANS[edges]
    times = np.linspace(0.0, stop, POINTS)
    found = []
    for _ in range(REPEATS):
        run = ns.simulate(net, (0.0, stop), rtol=RTOL, save=["m[0].x"], print_step=stop / (POINTS - 1), method="dp5")
        system = ns.dynamics(net, stop=stop)
        seen = observe(system, ["i(0)"])
        clock = time.process_time()
        solution = discretise(system, times, stop=stop, rtol=RTOL)
        kept = time.process_time()
        solution.gradient(seen.back(2.0 * seen.of(solution.values)))
        plain = run.attrs["statistics"]["cpu_seconds_time_loop"]
        found.append((plain, kept - clock, time.process_time() - kept, solution.mesh.size - 1))
    least = np.min(found, axis=0)
    return float(least[0]), float(least[1]), float(least[2]), int(least[3])


def cases(context: Context) -> Iterator[Case]:
    """The way back against the run."""
    lines = ["| graph | edges | steps | run s | run that keeps potentials s | back s | back / run | all / run |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for edges in SPANS:
        for kind in KINDS:
            plain, kept, back, steps = seconds(kind, edges)
            lines.append(
                f"| {kind} | {edges:.0e} | {steps} | {plain:.3g} | {kept:.3g} | {back:.3g} | {back / plain:.2f} "
                f"| {(kept + back) / plain:.2f} |"
            )
            (context.folder / "memristive_gradients.md").write_text("\n".join(lines) + "\n")
            yield Case(
                f"gradient on {kind} of {edges:.0e} edges", "target of the project: at most 2 times the forward cost",
                "CPU time of the adjoint over that of the run", "at most 2", f"{back / plain:.2f}", back / plain, 2.0,
                f"everything, the run that keeps potentials included: {(kept + back) / plain:.2f}",
            )  # fmt: skip
