"""Whole trajectories of memristive networks against what one would write with SciPy, and against ngspice; two threads
against one.

``python -m validation --benchmarks --only memristive_pairs``, on a quiet machine. Each trajectory runs in a process of
its own (`memristive_integrations.py`); the rival with the shortest one is named. What counts is the CPU time of a
right-hand side with all that a step takes: a trajectory that is cut after `SECONDS` has one too. Rivals are looked for
as in `validation.benchmarks.networks`. ngspice and threads: wall clock, square grids of linear drift, 1 V per row
between opposite corners, 20 ms.
"""

from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np

import neurosim as ns
from validation.benchmarks.memristive_solvers import KINDS
from validation.benchmarks.networks import python_with
from validation.case import Case, Context

SIZES = (1_000, 10_000, 100_000)
"""Edges."""

LIBRARIES = {"dense": "numpy", "scipy": "scipy", "cvxopt": "cvxopt", "pyamg": "pyamg"}
"""Rivals, and the package that each needs."""

LARGEST_DENSE = 2_000
"""Edges up to which the matrix formula is tried."""

SECONDS = 10.0
"""CPU time after which a rival is stopped."""

SIDES = (8, 23)
"""Of the grids for ngspice: 112 and 1012 edges; each of the second takes it minutes."""

THREADED = (23, 71, 224)
"""Of the grids for threads: 1012, 9940 and 99904 edges."""

STOP, LONGEST = 0.02, 60.0
"""Length of a run; seconds after which ngspice is stopped."""

RUNS = 4
"""Runs that one thread or two take."""


@dataclass(frozen=True)
class Trajectory:
    """What one process printed, and the states at the end."""

    seconds: float
    evaluations: int
    finished: bool
    end: np.ndarray

    @property
    def each(self) -> float:
        """CPU time of a right-hand side [s]."""
        return self.seconds / self.evaluations


def trajectory(library: str, python: str, kind: str, edges: int, folder: Path) -> Trajectory:
    """Run one library on one network."""
    script, path = Path(__file__).with_name("memristive_integrations.py"), folder / "end.npy"
    command = [python, str(script), library, kind, str(edges), str(SECONDS), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    end = np.load(path)
    path.unlink()
    seconds, evaluations, finished = json.loads(done.stdout.splitlines()[-1])
    return Trajectory(seconds, evaluations, finished, end)


def table(found: dict[tuple[str, int], dict[str, Trajectory]]) -> str:
    """The trajectories as Markdown."""
    lines = [
        "| graph | edges | library | ms per right-hand side | right-hand sides | trajectory s | largest difference |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, edges), runs in found.items():
        for library, r in sorted(runs.items(), key=lambda item: item[1].each):
            apart = f"{np.abs(r.end - runs['neurosim'].end).max():.0e}" if r.finished else "stopped"
            numbers = f"{1e3 * r.each:.3g} | {r.evaluations} | {r.seconds:.3g} | {apart}"
            lines.append(f"| {kind} | {edges:.0e} | {library} | {numbers} |")
    lines += ["", "| graph | library | exponent of growth, by decade |", "| --- | --- | --- |"]
    for kind in KINDS:
        for library in ("neurosim", *LIBRARIES):
            times = [found[kind, edges][library].each for edges in SIZES if library in found.get((kind, edges), {})]
            steps = ", ".join(f"{math.log10(b / a):.2f}" for a, b in itertools.pairwise(times))
            if steps:
                lines.append(f"| {kind} | {library} | {steps} |")
    return "\n".join(lines)


def trajectories(context: Context) -> Iterator[Case]:
    """Ours against the fastest rival, by CPU time of a right-hand side."""
    pythons = {library: python_with(package) for library, package in LIBRARIES.items()}
    context.remarks += [f"{name} is not installed: not timed against" for name, path in pythons.items() if not path]
    found: dict[tuple[str, int], dict[str, Trajectory]] = {}
    for edges, kind in itertools.product(SIZES, KINDS):
        runs = found[kind, edges] = {"neurosim": trajectory("neurosim", sys.executable, kind, edges, context.folder)}
        for library, python in pythons.items():
            if python and (library != "dense" or edges <= LARGEST_DENSE):
                runs[library] = trajectory(library, python, kind, edges, context.folder)
        again = trajectory("neurosim", sys.executable, kind, edges, context.folder)
        runs["neurosim"] = ours = min(runs["neurosim"], again, key=lambda r: r.seconds)
        (context.folder / "memristive_pairs.md").write_text(table(found) + "\n")
        rivals = {name: r for name, r in runs.items() if name != "neurosim"}
        apart = [np.abs(r.end - ours.end).max() for r in rivals.values() if r.finished]
        if apart:
            yield Case(
                f"{kind} of {edges:.0e} edges, states at the end", f"the same network by {', '.join(rivals)}",
                "largest difference of a state", "0", f"{max(apart):.1e}", float(max(apart)), 1e-4,
                "rtol 1e-4 of both; RK45 holds the mean error of all states, ours that of each",
            )  # fmt: skip
        if rivals:
            name, best = min(rivals.items(), key=lambda item: item[1].each)
            whole = f"trajectory {ours.seconds:.3g} s against {best.seconds:.3g} s"
            whole += "" if best.finished else f" for {best.evaluations} right-hand sides of it"
            yield Case(
                f"trajectory on {kind} of {edges:.0e} edges, against {name}", "paired runs of the same network",
                "CPU time of a right-hand side over that of the fastest rival", "at most 1",
                f"{ours.each / best.each:.3g} ({1e3 * ours.each:.3g} ms against {1e3 * best.each:.3g} ms; {whole})",
                ours.each / best.each, 1.0, "as fast as the best there is",
            )  # fmt: skip


def grid(side: int) -> ns.MemristiveNetwork:
    """A grid of side x side nodes."""
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    electrodes = {0: f"SIN(0 {side} 100)", side * side - 1: 0.0}
    return ns.MemristiveNetwork(graph, convention="flipped", beta=1.0, electrodes=electrodes, initial=0.3)


def run(net: ns.MemristiveNetwork) -> ns.Result:
    """The grid's trajectory."""
    return ns.simulate(net, (0.0, STOP), rtol=1e-6, save=["states"], print_step=STOP / 20, save_steps=False)


def timed(work: Callable[[], object]) -> float:
    """Wall clock of a call [s]."""
    clock = time.perf_counter()
    work()
    return time.perf_counter() - clock


def threads() -> Iterator[Case]:
    """Runs of one network in two threads against one after the other."""
    run(grid(3))
    for side in THREADED:
        net = grid(side)
        alone = timed(lambda net=net: [run(net) for _ in range(RUNS)])
        with ThreadPoolExecutor(2) as pool:
            together = timed(lambda net=net, pool=pool: list(pool.map(lambda _: run(net), range(RUNS))))
        yield Case(
            f"two threads, grid of {net.size} edges", "two cores", f"wall clock of {RUNS} runs in two threads over one",
            "0.5", f"{together / alone:.2f} ({together:.3g} s against {alone:.3g} s)", together / alone, 0.7,
            "two cores, one of them shared with the system",
        )  # fmt: skip


def against_ngspice(context: Context) -> Iterator[Case]:
    """Seconds of ours over those of ngspice, which reads the network as a netlist."""
    for side in SIDES:
        net = grid(side)
        path = Path(context.folder) / f"memristive_{side}.cir"
        path.write_text(net.to_ngspice(STOP))
        command = ["ngspice", "-b", "-r", str(path.with_suffix(".raw")), str(path)]
        ours = timed(lambda net=net: run(net))
        try:
            theirs = timed(lambda command=command: subprocess.run(command, capture_output=True, timeout=LONGEST))
            shown = f"{theirs:.3g} s"
        except subprocess.TimeoutExpired:
            theirs, shown = LONGEST, f"stopped after {LONGEST:g} s"
        ours = min(ours, timed(lambda net=net: run(net)))
        path.with_suffix(".raw").unlink(missing_ok=True)
        yield Case(
            f"grid of {net.size} edges against ngspice", "ngspice on the same netlist, its default tolerances",
            "wall clock over that of ngspice", "at most 1", f"{ours:.3g} s against {shown}", ours / theirs, 1.0,
            "rtol 1e-6 of ours is tighter than 1e-3 of ngspice",
        )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Rivals in Python, threads, ngspice."""
    yield from trajectories(context)
    yield from threads()
    if shutil.which("ngspice") is not None:
        yield from against_ngspice(context)
