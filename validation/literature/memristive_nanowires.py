"""Collective activation of a nanowire network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np

import neurosim as ns
from neurosim.memristive.electrodes import middle_nodes
from validation.case import Case, Context, number_case

SOURCE = "Hochstetter et al., Nature Communications 12, 4008 (2021), doi 10.1038/s41467-021-24260-z"
SET_VOLTAGE, R_ON = 10e-3, 12.9e3
DRIVES = (0.8, 0.9, 0.97, 0.99, 1.01, 1.03, 1.1, 1.2)
"""V* = V / (n V_set), n junctions on the shortest path."""


def cases(context: Context) -> Iterator[Case]:
    """Yield all comparisons of this module."""
    graph = ns.generators.nanowires(60, width=24e-6, height=24e-6, seed=1)
    first, last = middle_nodes(graph)
    n = nx.shortest_path_length(graph, first, last)
    curves = []
    for star in DRIVES:
        voltage = star * n * SET_VOLTAGE
        net = ns.MemristiveNetwork(graph, device="nanowire_junction", electrodes={first: voltage, last: 0.0})
        run = ns.simulate(net, (0.0, 100.0), rtol=1e-4, save_steps=False, print_step=0.5, save=(f"i({first})",))
        curves.append(run[f"i({first})"] / voltage * R_ON * n)
    times = run.axis
    ends = np.array([curve[-1] for curve in curves])
    on = ends > 0.5

    def draw(ax: Any) -> None:
        from matplotlib import colormaps

        shades = colormaps["viridis"](np.linspace(0.0, 0.9, len(DRIVES)))
        for star, curve, shade in zip(DRIVES, curves, shades, strict=True):
            ax.semilogy(times, curve, color=shade, label=f"V* = {star:g}")
        ax.axhline(1.0, color="0.5", linestyle=":", linewidth=1.0)
        ax.set(xlabel="time (s)", ylabel="conductance × n R_on")
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.01, 0.5))

    figure = context.figure("memristive nanowire activation", draw)
    threshold = 0.5 * (DRIVES[int(np.argmax(on))] + DRIVES[int(np.argmax(on)) - 1]) if on.any() else float("nan")
    yield number_case(
        "activation threshold of nanowires", f"{SOURCE}: discontinuous at V* = V / (n V_set) = 1 (threshold recalled)",
        f"between the last drive that stays off and the first that switches, {graph.number_of_edges()} junctions, "
        f"n = {n}", 1.0, threshold, 0.011, "drives lie 0.02 apart around 1", figure,
    )  # fmt: skip
    # Just above the threshold one path wins and the others stay off.
    above = float(ends[DRIVES.index(1.03)])
    yield number_case("conductance of one nanowire path", f"{SOURCE}: one activated path has 1 / (n R_on)",
                      f"conductance at V* = 1.03 times n R_on, n = {n}", 1.0, above, 0.03,
                      "junctions beside the path conduct a little", figure)  # fmt: skip
    jump = float(ends[DRIVES.index(0.99)] / ends[DRIVES.index(1.01)])
    yield Case("jump of nanowires", f"{SOURCE}: the transition is discontinuous",
               "conductance at V* = 0.99 over that at 1.01", "small", f"{jump:.3g}", jump, 0.05,
               "two orders of magnitude in 2 % of voltage", figure)  # fmt: skip
