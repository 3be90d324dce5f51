"""Stiff memristive networks: Rosenbrock steps on the network's own Laplacian against explicit and stabilised ones.

``python -m validation --benchmarks --only memristive_stiff``. One thread; square lattices between two corners, for
0.5 s at rtol 1e-6: decay rates over four decades, fast drift in a window, and VTEAM at its published rates. Errors are
of the states at the end, against rodas5p at rtol 1e-9. Nothing runs for more than a minute.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np

import neurosim as ns
from validation.case import Case, Context

STOP, RTOL, LIMIT = 0.5, 1e-6, 60.0
SIDES = {"spread of decay": (14, 70), "fast window": (14, 70), "vteam": (14,)}
METHODS = ("dp5", "rkc", "rodas5p", "auto")


def network(kind: str, side: int) -> ns.MemristiveNetwork:
    """A square lattice with `side` nodes on a side."""
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    m, draw = graph.number_of_edges(), np.random.default_rng(0)
    volts = side / 5.0
    electrodes: dict[int, Any] = {0: f"SIN(0 {volts:g} 2)", side * side - 1: 0.0}
    if kind == "vteam":
        given = {"k_off": 5e-4, "k_on": -10.0, "window": "biolek"}
        return ns.MemristiveNetwork(graph, device=("vteam", given), electrodes=electrodes, initial=1.5e-9)
    if kind == "fast window":
        return ns.MemristiveNetwork(
            graph, convention="flipped", beta=1e-4, alpha=1e3 * draw.uniform(0.1, 1.0, m), window="joglekar",
            electrodes=electrodes, initial=0.3,
        )  # fmt: skip
    return ns.MemristiveNetwork(
        graph, convention="flipped", alpha=10.0 ** draw.uniform(0.0, 4.0, m), beta=10.0, electrodes=electrodes,
        initial=0.3,
    )  # fmt: skip


def run(net: ns.MemristiveNetwork, method: str, rtol: float) -> tuple[float, int, np.ndarray | None]:
    """CPU time [s], evaluations, and states at the end in their scale, None where a minute was not enough."""
    clock = time.process_time()
    try:
        found = ns.simulate(
            net, (0.0, STOP), method=method, rtol=rtol, save=["states"], save_steps=False, wall_time_limit=LIMIT
        )
    except ns.SimulationError as error:
        partial = error.partial
        return time.process_time() - clock, partial.attrs["statistics"]["evaluations"] if partial else 0, None
    end = np.array([found[name][-1] for name in net.state_names]) / net.laws.scale
    return time.process_time() - clock, found.attrs["statistics"]["evaluations"], end


def cases(context: Context) -> Iterator[Case]:
    """The implicit method against the faster of the others."""
    lines = ["| network | edges | method | CPU s | evaluations | error |", "| --- | --- | --- | --- | --- | --- |"]
    for kind, sides in SIDES.items():
        for side in sides:
            net = network(kind, side)
            exact = run(net, "rodas5p", 1e-9)[2]
            seconds = {}
            for method in METHODS:
                seconds[method], evaluations, end = run(net, method, RTOL)
                known = end is not None and exact is not None
                error = f"{np.abs(end - exact).max():.1e}" if known else "not done"
                lines.append(f"| {kind} | {net.size} | {method} | {seconds[method]:.3g} | {evaluations} | {error} |")
                (context.folder / "memristive_stiff.md").write_text("\n".join(lines) + "\n")
            share = seconds["rodas5p"] / min(seconds["dp5"], seconds["rkc"])
            yield Case(
                f"stiff network, {kind}, {net.size} edges", "dp5 and rkc of this package",
                "CPU time of rodas5p over that of the faster of dp5 and rkc", "less than 1", f"{share:.2g}", share, 1.0,
                f"auto takes {seconds['auto']:.3g} s; runs that are not done count with a minute",
            )  # fmt: skip
