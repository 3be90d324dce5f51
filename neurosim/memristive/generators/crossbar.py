"""Crossbar: lines across lines with a memristor at every crossing; lines may have resistance."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx

from neurosim.memristive.generators.generator import Generator, real, whole


def crossbar(rows: int = 8, columns: int = 8, *, line_resistance: float = 1.0) -> nx.MultiGraph:
    """Make a crossbar, driven at the left ends of rows and read at the lower ends of columns.

    Parameters
    ----------
    rows, columns : int
        Lines, default 8 each. Pads are ``"row0"``, ... and ``"column0"``, ...; with line resistance the crossing of row
        i and column j joins ``"row{i}.{j}"`` and ``"column{j}.{i}"``, otherwise the pads themselves.
    line_resistance : float
        Resistance [ohm] of a line from one crossing to the next, and from a pad to the first; default 1.

    Returns
    -------
    networkx.MultiGraph
        Memristors, row by row, then the resistors of rows and columns.

    Raises
    ------
    ParameterError

    Notes
    -----
    A. Chen, IEEE Trans. Electron Devices 60, 1318 (2013), doi 10.1109/TED.2013.2246791: the array model with
    line resistance.
    """
    m, n = whole("rows", rows, 1), whole("columns", columns, 1)
    resistance = real("line_resistance", line_resistance, 0)
    given = {"rows": m, "columns": n, "line_resistance": resistance}
    graph = nx.MultiGraph(name="crossbar", arguments=given, length_unit="")
    for i in range(m):
        graph.add_node(f"row{i}", pos=(-1.0, float(m - 1 - i)))
    for j in range(n):
        graph.add_node(f"column{j}", pos=(float(j), -1.0))
    crossings = [(i, j) for i in range(m) for j in range(n)]
    if resistance == 0.0:
        graph.add_edges_from((f"row{i}", f"column{j}", {"kind": "memristor"}) for i, j in crossings)
        return graph
    for i, j in crossings:
        # The upper layer is drawn a little aside, so that a crossing is seen as an edge.
        graph.add_node(f"row{i}.{j}", pos=(j - 0.15, m - 1 - i + 0.15))
        graph.add_node(f"column{j}.{i}", pos=(j + 0.15, m - 1 - i - 0.15))
    graph.add_edges_from((f"row{i}.{j}", f"column{j}.{i}", {"kind": "memristor"}) for i, j in crossings)
    line = {"kind": "resistor", "resistance": resistance}
    for i in range(m):
        nodes = [f"row{i}", *(f"row{i}.{j}" for j in range(n))]
        graph.add_edges_from((a, b, dict(line)) for a, b in pairwise(nodes))
    for j in range(n):
        nodes = [*(f"column{j}.{i}" for i in range(m)), f"column{j}"]
        graph.add_edges_from((a, b, dict(line)) for a, b in pairwise(nodes))
    return graph


generator = Generator(
    "crossbar", "rows across columns with a memristor at each crossing, lines with resistance", crossbar,
    "Chen, IEEE Trans. Electron Devices 60, 1318 (2013)", {"rows": 3, "columns": 4},
)  # fmt: skip
