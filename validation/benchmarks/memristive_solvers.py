"""Linear systems of memristive networks against SuperLU, CHOLMOD and pyamg: the same graphs, numbers and tolerance.

``python -m validation --benchmarks --only memristive_solvers``; table in `memristive_solvers_results.md`. One thread;
what counts is CPU time. Ours runs before and after the rivals, each run in a process of its own. A rival is
looked for as in `validation.benchmarks.networks`.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from validation.benchmarks import memristive_runs
from validation.benchmarks.networks import python_with
from validation.case import Case, Context

SIZES = {1_000: 100, 10_000: 30, 100_000: 8, 1_000_000: 3}
"""Edges, and right-hand sides timed."""
KINDS = ("grid", "delaunay", "small world")
TARGETS = {10_000: 800.0, 100_000: 60.0, 1_000_000: 5.0}
"""Right-hand sides per second that the project wants on any of the graphs."""
TOO_LARGE = {
    ("scipy", "grid"): 2e5, ("scipy", "delaunay"): 2e5, ("scipy", "small world"): 2e4,
    ("cvxopt", "small world"): 2e5,
    ("pyamg", "grid"): 2e5, ("pyamg", "delaunay"): 2e5, ("pyamg", "small world"): 2e5,
}  # fmt: skip
"""Where a rival takes minutes or more memory than there is."""


@dataclass(frozen=True)
class Run:
    """What one process printed."""

    seconds: float
    residual: float
    analysis: float
    megabytes: float
    words: str


def run(library: str, python: str, kind: str, edges: int) -> Run:
    """Time one library on one graph."""
    command = [python, memristive_runs.__file__, library, kind, str(edges), str(SIZES[edges])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def measure(context: Context) -> dict[tuple[str, int], dict[str, Run]]:
    """All runs by graph, size and library."""
    pythons = {library: python_with(library) for library in memristive_runs.LIBRARIES}
    context.remarks += [f"{name} is not installed: not timed against" for name, found in pythons.items() if not found]
    found: dict[tuple[str, int], dict[str, Run]] = {}
    for edges in SIZES:
        for kind in KINDS:
            first = run("neurosim", sys.executable, kind, edges)
            runs = found[kind, edges] = {
                library: run(library, python, kind, edges)
                for library, python in pythons.items()
                if python and edges < TOO_LARGE.get((library, kind), math.inf)
            }
            again = run("neurosim", sys.executable, kind, edges)
            runs["neurosim"] = min(first, again, key=lambda r: r.seconds)
            # A benchmark of many minutes may be cut.
            (context.folder / "memristive_solvers.md").write_text(table(found) + "\n")
    return found


def table(found: dict[tuple[str, int], dict[str, Run]]) -> str:
    """The runs as Markdown."""
    lines = [
        "| graph | edges | library | ms | per second | residual | analysis s | peak MB | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, edges), runs in found.items():
        for library, r in sorted(runs.items(), key=lambda item: item[1].seconds):
            lines.append(
                f"| {kind} | {edges:.0e} | {library} | {1e3 * r.seconds:.3g} | {1 / r.seconds:.3g} "
                f"| {r.residual:.0e} | {r.analysis:.2g} | {r.megabytes:.0f} | {r.words} |"
            )
    lines += ["", "| graph | library | exponent of growth, by decade |", "| --- | --- | --- |"]
    for kind in KINDS:
        for library in ("neurosim", *memristive_runs.LIBRARIES):
            times = [found[kind, edges][library].seconds for edges in SIZES if library in found.get((kind, edges), {})]
            steps = (f"{math.log10(b / a):.2f}" for a, b in itertools.pairwise(times))
            lines.append(f"| {kind} | {library} | {', '.join(steps)} |")
    return "\n".join(lines)


def cases(context: Context) -> Iterator[Case]:
    """Not slower than the fastest rival, and the targets."""
    found = measure(context)
    for (kind, edges), runs in found.items():
        ours = runs["neurosim"]
        rivals = {name: r for name, r in runs.items() if name != "neurosim"}
        if rivals:
            name, best = min(rivals.items(), key=lambda item: item[1].seconds)
            yield Case(
                f"{kind} of {edges:.0e} edges, against {name}", f"paired runs; {ours.words}",
                "CPU time of a right-hand side over that of the fastest rival", "at most 1",
                f"{ours.seconds / best.seconds:.3g} ({1e3 * ours.seconds:.3g} ms against {1e3 * best.seconds:.3g} ms)",
                ours.seconds / best.seconds, 1.0, "as fast as the best there is",
            )  # fmt: skip
        if edges in TARGETS:
            yield Case(
                f"{kind} of {edges:.0e} edges, rate", "target of the project, on an idle machine",
                "CPU time of a right-hand side over the target", f"at least {TARGETS[edges]:g} per second",
                f"{1 / ours.seconds:.3g} per second; {ours.words}; peak {ours.megabytes:.0f} MB",
                ours.seconds * TARGETS[edges], 1.0, "the target; other work on the machine counts against us",
            )  # fmt: skip
