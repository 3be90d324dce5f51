"""Memristive networks against ngspice on their netlist form, and two threads against one.

``python -m validation --benchmarks --only memristive_pairs``, on a quiet machine: wall clock of one run each, ours and
ngspice in turn. Square grids in the flipped convention, 1 V per row between opposite corners, 20 ms.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networkx as nx
import numpy as np

import neurosim as ns
from validation.case import Case, Context

SIDES = (8, 23, 71)
"""Of the grids: 112, 1012 and 9940 edges."""

STOP, LONGEST = 0.02, 600.0
"""Length of a run; seconds after which ngspice is stopped."""

RUNS = 4
"""Runs that one thread or two take."""


def network(side: int) -> ns.MemristiveNetwork:
    """A grid of side x side nodes."""
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    electrodes = {0: f"SIN(0 {side} 100)", side * side - 1: 0.0}
    return ns.MemristiveNetwork(graph, convention="flipped", beta=1.0, electrodes=electrodes, initial=0.3)


def run(net: ns.MemristiveNetwork) -> np.ndarray:
    """States at the end."""
    result = ns.simulate(net, (0.0, STOP), rtol=1e-6, save=["states"], print_step=STOP / 200, save_steps=False)
    return np.array([result[name][-1] for name in net.state_names])


def timed(work: object) -> float:
    """Wall clock of a call [s]."""
    clock = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - clock


def cases(context: Context) -> Iterator[Case]:
    """Seconds of ours over those of ngspice, and of two threads over those of one."""
    run(network(3))
    for side in SIDES:
        net = network(side)
        path = Path(context.folder) / f"memristive_{side}.cir"
        ours = min(timed(lambda net=net: run(net)) for _ in range(3))
        alone = timed(lambda net=net: [run(net) for _ in range(RUNS)])
        with ThreadPoolExecutor(2) as pool:
            together = timed(lambda net=net, pool=pool: list(pool.map(lambda _: run(net), range(RUNS))))
        yield Case(
            f"two threads, grid of {net.size} edges", "two cores", f"wall clock of {RUNS} runs in two threads over one",
            "0.5", f"{together / alone:.2f}", together / alone, 0.7, "two cores, one of them shared with the system",
        )  # fmt: skip
        if shutil.which("ngspice") is None:
            continue
        path.write_text(net.to_ngspice(STOP))
        command = ["ngspice", "-b", "-r", str(path.with_suffix(".raw")), str(path)]
        try:
            theirs = timed(lambda command=command: subprocess.run(command, capture_output=True, timeout=LONGEST))
            shown = f"{theirs:.3g} s"
        except subprocess.TimeoutExpired:
            theirs, shown = LONGEST, f"stopped after {LONGEST:g} s"
        path.with_suffix(".raw").unlink(missing_ok=True)
        yield Case(
            f"grid of {net.size} edges against ngspice", "ngspice on the same netlist, its default tolerances",
            "wall clock over that of ngspice", "at most 1", f"{ours:.3g} s against {shown}", ours / theirs, 1.0,
            "rtol 1e-6 of ours is tighter than 1e-3 of ngspice",
        )  # fmt: skip
