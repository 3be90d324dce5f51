"""A signal graph as a drawing: layers from inputs to outputs, shapes and colours by the kind of node."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.functions import function_of
from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

    from neurosim.graph.signal_graph import SignalGraph

LARGEST = 200
"""Most nodes that are drawn."""

COLUMN, ROW, HALF_WIDTH, HALF_HEIGHT = 2.6, 1.0, 0.62, 0.27
"""Distance of layers and rows, and half the size of a node, in units of the drawing."""

LONG = 14
"""Letters of a name from which it is written in two lines."""

SWEEPS = 24
"""Passes over the layers that bring neighbours to equal height."""

_LOOKS = {
    "input": ("#FFFFFF", "round,pad=0,rounding_size=0.25", "-"),
    "output": ("#FFFFFF", "round,pad=0,rounding_size=0.25", "-"),
    "state": (PALETTE[5], "square,pad=0", "-"),
    "hold": (PALETTE[4], "square,pad=0", "--"),
    "map": ("#F2F2F2", "round,pad=0,rounding_size=0.1", "-"),
    "product": (PALETTE[3], "round,pad=0,rounding_size=0.27", "-"),
    "event": (PALETTE[1], "round,pad=0,rounding_size=0.1", "-"),
    "sub": ("#DDEEDD", "square,pad=0", "-"),
    "host": ("#DDDDDD", "square,pad=0", ":"),
}
"""Fill, outline and line of each kind; kinds differ in shape or line as well, and each is named in its label."""


def draw_graph(graph: SignalGraph, ax: Axes | None = None) -> Axes:
    """Draw a graph; signals run from left to right, and back where a loop closes.

    Parameters
    ----------
    graph : SignalGraph
        Graphs inside it are one node each.
    ax : matplotlib.axes.Axes, optional
        Default a figure of its own, large enough; ``returned.figure`` is it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        The graph is empty, or has more than 200 nodes.
    """
    count = graph.number_of_nodes()
    if not 0 < count <= LARGEST:
        raise ParameterError(f"graph '{graph.title}' has {count} nodes; 1 to {LARGEST} can be drawn")
    places, routes = layout(graph)
    x = [p[0] for p in places.values()] + [p[0] for route in routes.values() for p in route]
    y = [p[1] for p in places.values()] + [p[1] for route in routes.values() for p in route]
    width, height = max(x) - min(x) + 2.2, max(y) - min(y) + 2.0
    target: Any = ax
    if target is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(max(4.0, 0.8 * width), max(2.0, 0.8 * height)))
        target = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    target.set(xlim=(min(x) - 1.1, max(x) + 1.1), ylim=(min(y) - 1.0, max(y) + 1.0), aspect="equal")
    target.axis("off")
    # Text is as large as a row allows.
    inches = target.get_window_extent().height / target.figure.dpi
    size = float(np.clip(72 * inches / height * 0.17, 3.0, 10.0))
    for (a, b), text in _edge_labels(graph).items():
        _draw_edge(target, places[a], places[b], routes.get((a, b), []), text, size)
    for name, at in places.items():
        _draw_node(target, graph, name, at, size)
    return target


def layout(
    graph: SignalGraph,
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], list[tuple[float, float]]]]:
    """Place nodes in layers, and route edges past the layers between.

    Returns
    -------
    places : dict of str to (float, float)
    routes : dict of (str, str) to list of (float, float)
        Points between the ends, for edges that pass other layers.

    Notes
    -----
    K. Sugiyama, S. Tagawa, M. Toda, IEEE Trans. SMC 11, 109 (1981), doi 10.1109/TSMC.1981.4308636: break
    loops, layer by longest path, put a dummy into each layer that an edge passes, order layers by the mean height of
    neighbours.
    """
    import networkx as nx

    forward = _without_loops(graph)
    layer: dict[Any, int] = {}
    for node in nx.topological_sort(forward):
        layer[node] = max((layer[a] + 1 for a in forward.predecessors(node)), default=0)
    for node in reversed(list(nx.topological_sort(forward))):
        # What only feeds later nodes stands just before them; outputs stand last.
        after = [layer[b] for b in forward.successors(node)]
        if after and forward.in_degree(node) == 0:
            layer[node] = min(after) - 1
    last = max(layer.values())
    for name in graph.outputs:
        if forward.out_degree(name) == 0:
            layer[name] = last
    drawn = nx.Graph()
    drawn.add_nodes_from(graph)
    chains: dict[tuple[str, str], list[Any]] = {}
    for a, b in dict.fromkeys((str(a), str(b)) for a, b in graph.edges()):
        if a == b:
            continue
        step = 1 if layer[b] > layer[a] else -1
        between = range(layer[a] + step, layer[b], step)
        chain: list[Any] = [(a, b, k) for k in between]
        for node, k in zip(chain, between, strict=True):
            layer[node] = k
        chains[a, b] = chain
        ends = [a, *chain, b]
        drawn.add_edges_from(pairwise(ends))
    rows: list[list[Any]] = [[] for _ in range(last + 1)]
    for node in [*graph, *(n for chain in chains.values() for n in chain)]:
        rows[layer[node]].append(node)
    height = _heights(rows, drawn)
    at = {node: (COLUMN * k, height[node]) for k, row in enumerate(rows) for node in row}
    return {str(n): at[n] for n in graph}, {ends: [at[n] for n in chain] for ends, chain in chains.items()}


def _without_loops(graph: SignalGraph) -> nx.DiGraph:
    """The edges without those that close a loop: of a loop, an edge that leaves a state or hold and goes towards the
    inputs is taken out."""
    import networkx as nx

    forward = nx.DiGraph()
    forward.add_nodes_from(graph)
    has_memory = {n: graph.nodes[n]["kind"] in ("state", "hold", "event", "sub") for n in graph}
    distance = dict.fromkeys(graph, 0)
    if graph.inputs:
        distance |= nx.multi_source_dijkstra_path_length(graph, set(graph.inputs), weight=lambda *_: 1)
    for a, b in sorted(graph.edges(), key=lambda edge: (has_memory[edge[0]], distance[edge[0]] - distance[edge[1]])):
        if a != b and not nx.has_path(forward, b, a):
            forward.add_edge(a, b)
    return forward


def _heights(rows: list[list[Any]], drawn: nx.Graph) -> dict[Any, float]:
    """Heights with at least `ROW` between neighbours of a layer, near the mean of what they are connected to."""
    layer = {node: k for k, row in enumerate(rows) for node in row}
    height = {node: -ROW * (place - (len(row) - 1) / 2) for row in rows for place, node in enumerate(row)}
    for sweep in range(SWEEPS):
        side = 1 if sweep % 2 else -1
        for k in range(len(rows)) if side < 0 else range(len(rows) - 1, -1, -1):
            wanted = {}
            for node in rows[k]:
                near = [height[m] for m in drawn[node] if sweep >= SWEEPS - 4 or layer[m] == k + side]
                wanted[node] = float(np.mean(near)) if near else height[node]
            rows[k].sort(key=lambda node: -wanted[node])
            height.update(_apart(rows[k], wanted))
    return height


def _apart(row: list[Any], wanted: dict[Any, float]) -> dict[Any, float]:
    """Heights nearest to the wanted ones in the mean square, falling by at least `ROW`: pool what comes too close."""
    pools: list[list[float]] = []
    for place, node in enumerate(row):
        pools.append([wanted[node] + ROW * place, 1.0])
        while len(pools) > 1 and pools[-1][0] > pools[-2][0]:
            value, weight = pools.pop()
            total = pools[-1][1] + weight
            pools[-1] = [(pools[-1][0] * pools[-1][1] + value * weight) / total, total]
    flat = [value for value, weight in pools for _ in range(int(weight))]
    return {node: flat[place] - ROW * place for place, node in enumerate(row)}


def _edge_labels(graph: SignalGraph) -> dict[tuple[str, str], str]:
    """Text for each pair of nodes: weights, and signs of gains."""
    from neurosim.graph.plasticity import rule_name

    found: dict[tuple[str, str], list[str]] = {}
    for a, b, data in graph.edges(data=True):
        gain = "" if data["gain"] == 1.0 else "\N{MINUS SIGN}" if data["gain"] == -1.0 else f"{data['gain']:g} "
        weight = "" if data["weight"] is None else data["weight"] + ("ᵀ" if data["transpose"] else "")
        delay = f" {data['delay']:g} s late" if data["delay"] else ""
        role = f" {data['role']}" if data["role"] not in ("add", "factor") else ""
        learns = f" ({rule_name(data['plastic'])})" if data["plastic"] else ""
        found.setdefault((str(a), str(b)), []).append(f"{gain}{weight}{delay}{role}{learns}".strip())
    return {ends: ", ".join(text for text in texts if text) for ends, texts in found.items()}


def _label(graph: SignalGraph, name: str) -> tuple[str, str]:
    """Two lines for a node: name with size, and what it is."""
    data = graph.nodes[name]
    shape = " × ".join(map(str, data["shape"]))
    first = name if data["kind"] == "sub" or shape == "1" else f"{name} [{shape}]"
    kind = data["kind"]
    if kind == "port":
        second = "output" if data["output"] else "input"
    elif kind == "state":
        second = f"state, {data['clock']}" if data["clock"] is not None else "state"
    elif kind == "hold":
        second = f"hold, {data['clock']}"
    elif kind == "map":
        chosen = data.get("law") or function_of(data)
        second = "sum" if chosen.name == "identity" else chosen.name
    elif kind == "product":
        second = f"{data['weight'] + ' ' if data['weight'] else ''}{data['form'] or 'product'}"
    elif kind == "event":
        threshold = data["threshold"]
        second = f"event, {threshold:g}" if isinstance(threshold, (int, float)) else "event"
    elif kind == "sub":
        second = data["body"].title
    else:
        second = kind
    return first, second


def _broken(text: str) -> list[str]:
    """A long name in two lines, as near to its middle as it can be broken."""
    ends = [k + 1 for k, letter in enumerate(text[:-1]) if letter in "/ "]
    if len(text) <= LONG or not ends:
        return [text]
    end = min(ends, key=lambda k: abs(2 * k - len(text)))
    return [text[:end].rstrip(), text[end:]]


def _draw_node(ax: Axes, graph: SignalGraph, name: str, at: tuple[float, float], size: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    data = graph.nodes[name]
    kind = data["kind"] if data["kind"] != "port" else "output" if data["output"] else "input"
    fill, style, line = _LOOKS[kind]
    corner = at[0] - HALF_WIDTH, at[1] - HALF_HEIGHT
    widths = 2.0 if kind in ("state", "hold") else 1.0
    ax.add_patch(FancyBboxPatch(
        corner, 2 * HALF_WIDTH, 2 * HALF_HEIGHT, boxstyle=style, facecolor=fill, edgecolor="black", linestyle=line,
        linewidth=widths, zorder=3,
    ))  # fmt: skip
    first, second = _label(graph, name)
    lines = _broken(first)
    heights = (0.11, -0.12) if len(lines) == 1 else (0.16, 0.01, -0.15)
    for text, dy in zip((*lines, second), heights, strict=True):
        # A letter is about 0.6 of its size wide: long names become smaller, so that they stay inside.
        longest, part = (len(second), 0.8) if text is second else (max(map(len, lines)), 1.0)
        fits = 2 * HALF_WIDTH * size / 0.17 / (0.62 * max(longest, 1)) * 0.93
        ax.text(at[0], at[1] + dy, text.replace("$", r"\$"), ha="center", va="center", zorder=4,
                fontsize=min(size * part, fits))  # fmt: skip


def _draw_edge(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], route: list[tuple[float, float]], text: str,
    size: float,
) -> None:  # fmt: skip
    """A smooth curve through the points of the route, with an arrow at its end and its label near its start."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    if start == end:
        x, y = start[0], start[1] + HALF_HEIGHT
        points = [(x + 0.25, y), (x + 0.4, y + 0.5), (x - 0.4, y + 0.5), (x - 0.25, y)]
        path, label = Path(points, [Path.MOVETO, *[Path.CURVE4] * 3]), (x, y + 0.43)
        colour = PALETTE[1]
    else:
        side = 1.0 if end[0] > start[0] else -1.0
        # Edges that run back leave and arrive a little lower, apart from those that run forward.
        shift = -0.12 if side < 0 else 0.0
        corners = [(start[0] + side * HALF_WIDTH, start[1] + shift)]
        for point in route:
            corners += [(point[0] - side * HALF_WIDTH, point[1]), (point[0] + side * HALF_WIDTH, point[1])]
        corners.append((end[0] - side * HALF_WIDTH, end[1] + shift))
        points, codes = [corners[0]], [Path.MOVETO]
        for number, (a, b) in enumerate(pairwise(corners)):
            if number % 2:
                points.append(b)
                codes.append(Path.LINETO)
            else:
                middle = (a[0] + b[0]) / 2
                points += [(middle, a[1]), (middle, b[1]), b]
                codes += [Path.CURVE4] * 3
        path = Path(points, codes)
        a, b = corners[-2], corners[-1]
        # Two thirds along the last piece: there the edges that come from one node are already apart.
        label = (a[0] + 0.62 * (b[0] - a[0]), a[1] + 0.73 * (b[1] - a[1]))
        colour = PALETTE[1] if side < 0 else "0.25"
    ax.add_patch(FancyArrowPatch(
        path=path, arrowstyle="-|>,head_width=2.4,head_length=4.5", color=colour, linewidth=1.0, zorder=1,
        linestyle="-", shrinkA=0, shrinkB=0,
    ))  # fmt: skip
    if text:
        ax.text(*label, text.replace("$", r"\$"), ha="center", va="center", fontsize=0.8 * size, color=colour, zorder=2,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85})  # fmt: skip
