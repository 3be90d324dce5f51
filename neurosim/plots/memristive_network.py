"""A memristive network as a drawing: states as colours, currents as widths, electrodes as squares; and as a film.

Wires (nodes with ``ends``) are lines and their junctions dots; in other graphs nodes are points and edges lines. Nodes
in space are drawn obliquely.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analyses.state_history import state_history
from neurosim.atomic import atomic_write
from neurosim.errors import FormatError, ParameterError
from neurosim.plots.style import PALETTE, engineering, label_axis, si_scale
from neurosim.results import Result

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

    from neurosim.memristive.network import MemristiveNetwork

STATES = "viridis"
THINNEST, WIDEST = 0.4, 5.0
"""Widths of edges [points]; in between they grow with the root of the current."""

FEW_EDGES = 300
"""Up to which edges are drawn with full widths; beyond, all are thinner in proportion to the root of their number."""

MOST_NAMED = 12
"""Most electrodes whose names are written."""

OBLIQUE = (0.45, 0.3)
"""What a step into depth moves to the right and up."""


def draw_network(
    network: MemristiveNetwork | nx.Graph, states: Any = None, *, t: float = 0.0, colour: str = "state",
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw a network at one moment.

    Parameters
    ----------
    network : MemristiveNetwork or networkx.Graph
        Of a graph alone its nodes, edges and electrodes are drawn.
    states : array_like, shape (m,), optional
        Default those at the start.
    t : float
        Time [s] at which sources are read, default 0.
    colour : {"state", "current", "conductance"}
        What colours show; widths show the magnitude of the current.
    ax : matplotlib.axes.Axes, optional
        Default a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        The graph has no positions, or `colour` is another word.
    """
    return _Picture(network, states, t, colour, ax).axes


def animate_network(
    network: MemristiveNetwork, result: Result, path: str | os.PathLike[str], *, frames: int = 60,
    seconds: float = 6.0, colour: str = "state", dpi: float = 100.0,
) -> None:  # fmt: skip
    """Write a run as a film: the network, and below it the currents of its electrodes.

    Parameters
    ----------
    result : Result
        A run of `network` with all its states.
    path : path
        ``.gif``; ``.mp4`` where the program ffmpeg is installed.
    frames : int
        Moments, equally spaced in time; default 60.
    seconds : float
        Length of the film, default 6 s.
    colour : {"state", "current", "conductance"}
    dpi : float
        Dots per inch, default 100.

    Raises
    ------
    FormatError
        The suffix is none of these, ffmpeg is missing, or the place cannot be written.
    ParameterError, UnknownNameError
    """
    from matplotlib.animation import FFMpegWriter, PillowWriter
    from matplotlib.figure import Figure

    kind = Path(path).suffix.lower()
    if kind not in (".gif", ".mp4"):
        raise FormatError(f"'{path}': a film is kept as .gif or .mp4, not '{kind}'")
    if kind == ".mp4" and shutil.which("ffmpeg") is None:
        raise FormatError(f"'{path}': .mp4 needs the program ffmpeg, which is not installed; write a .gif")
    if kind == ".gif" and importlib.util.find_spec("PIL") is None:
        raise FormatError(f"'{path}': .gif needs the package pillow; pip install pillow")
    if frames < 2 or not seconds > 0.0:
        raise ParameterError(f"frames = {frames} must be at least 2 and seconds = {seconds:g} positive")
    times, states = state_history(network, result)
    moments = np.linspace(times[0], times[-1], frames)
    shown = np.array([states[np.searchsorted(times, moment).clip(0, times.size - 1)] for moment in moments])
    solved = [network.solved(w, t) for w, t in zip(shown, moments, strict=True)]
    inflows = np.array([network.incidence @ at.i - at.inject for at in solved])
    currents = inflows[:, [network.node_index(node) for node in network.electrodes]]
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(4.0, 1.0))
    largest = max(float(np.abs(at.i[network.is_memristive]).max()) for at in solved)
    top = largest if colour == "current" else max(float(at.slopes[0][network.is_memristive].max()) for at in solved)
    picture = _Picture(network, shown[0], float(moments[0]), colour, upper, largest, top)
    scale, unit = si_scale(float(moments[-1]), "s")
    rows = currents.T[: len(PALETTE)]
    for node, row, line in zip(network.electrodes, rows, PALETTE, strict=False):
        lower.plot(moments / scale, row, color=line, label=str(node).replace("$", r"\$"))
    lower.set_xlabel(f"time ({unit})")
    label_axis(lower.yaxis, "current", "A", float(np.abs(currents).max(initial=0.0)))
    if network.electrodes:
        lower.legend(fontsize="small", frameon=False, loc="upper right")
    cursor = lower.axvline(moments[0] / scale, color="0.4", linewidth=1.0)

    # Laid out once: doing so for every frame would take most of the time.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    rate = max(round(frames / seconds), 1)
    writer = PillowWriter(fps=rate) if kind == ".gif" else FFMpegWriter(fps=rate)
    # The writers choose the kind of film by the suffix, which the temporary file of an atomic write has not.
    with atomic_write(path) as temporary, TemporaryDirectory() as folder:
        with writer.saving(figure, f"{folder}/film{kind}", dpi):
            for w, moment in zip(shown, moments.tolist(), strict=True):
                picture.show(w, moment)
                cursor.set_xdata([moment / scale] * 2)
                writer.grab_frame()
        shutil.copyfile(f"{folder}/film{kind}", temporary)


class _Picture:
    """One drawing whose colours and widths can be set again."""

    def __init__(
        self, network: Any, states: Any, t: float, colour: str, ax: Axes | None, largest: float | None = None,
        top: float | None = None,
    ) -> None:  # fmt: skip
        import networkx as nx
        from matplotlib.collections import LineCollection

        if colour not in ("state", "current", "conductance"):
            raise ParameterError(f"colour '{colour}' must be state, current or conductance")
        self.network = None if isinstance(network, nx.Graph) else network
        self.graph: nx.Graph = network if isinstance(network, nx.Graph) else network.graph
        self.colour, self.largest, self.top = colour, largest, top
        self.axes: Any = prepare(ax)
        places = node_places(self.graph)
        # Resistors are lines that have no state.
        live = np.array([data.get("resistance") is None for *_, data in self.graph.edges(data=True)], bool)
        if self.network is not None:
            live = self.network.is_memristive
        lines = edge_lines(self.graph, places)
        self.live = live
        self.axes.add_collection(LineCollection(
            [line for line, memristor in zip(lines, live, strict=True) if not memristor], colors="0.6", linewidths=1.2,
            zorder=1,
        ))  # fmt: skip
        self.shrink = min(1.0, (FEW_EDGES / max(int(live.sum()), 1)) ** 0.5)
        self.by_dots = any("ends" in data for _, data in self.graph.nodes(data=True))
        kept = [line for line, memristor in zip(lines, live, strict=True) if memristor]
        if self.by_dots:
            self._draw_wires()
            crossings = [data.get("pos") for *_, data in self.graph.edges(data=True)]
            dots = [line.mean(axis=0) if at is None else at for line, at in zip(lines, crossings, strict=True)]
            at = np.array(dots, float)[live]
            zero = np.zeros(len(at))
            self.edges: Any = self.axes.scatter(at[:, 0], at[:, 1], s=12, c=zero, cmap=STATES, zorder=4, linewidths=0)
        else:
            self.edges = LineCollection(kept, cmap=STATES, zorder=2, capstyle="round")
            self.axes.add_collection(self.edges)
        electrodes = set() if self.network is None else set(self.network.electrodes)
        show_nodes(self.axes, self.graph, electrodes, points=not self.by_dots, size=2.5 * self.shrink)
        if self.network is not None:
            self._colour_bar(states, t)
        self.show(states, t)

    def show(self, states: Any, t: float) -> None:
        """Colours and widths at other states and another time."""
        if self.network is None:
            self.edges.set_color("0.35")
            return
        values, currents = self._seen(states, t)
        self.edges.set_array(values)
        size = np.abs(currents)
        most = self.largest or float(size.max(initial=0.0)) or 1.0
        share = np.sqrt(np.clip(size / most, 0.0, 1.0))
        if self.by_dots:
            self.edges.set_sizes(self.shrink * (6.0 + 90.0 * share**2))
        else:
            self.edges.set_linewidths(self.shrink * (THINNEST + (WIDEST - THINNEST) * share))
        now = f"t = {engineering(t, 's')}, " if t else ""
        what = "dots" if self.by_dots else "lines"
        self.axes.set_title(f"{now}thickest {what} carry {engineering(most, 'A', 3)}", fontsize="medium")

    def _seen(self, states: Any, t: float) -> tuple[np.ndarray, np.ndarray]:
        """What colours show, and currents, of the memristors."""
        network: Any = self.network
        w = network.state if states is None else np.asarray(states, float)
        at = network.solved(w, t)
        values = {"state": w, "current": np.abs(at.i), "conductance": at.slopes[0]}[self.colour]
        return values[self.live], at.i[self.live]

    def _draw_wires(self) -> None:
        from matplotlib.collections import LineCollection

        for name, colour in (("ends", "0.72"), ("member_ends", PALETTE[1])):
            found = [np.reshape(data[name], (-1, 2, 2)) for _, data in self.graph.nodes(data=True) if data.get(name)]
            wires = list(np.concatenate(found)) if found else []
            width = 0.9 * self.shrink**0.5
            self.axes.add_collection(LineCollection(wires, colors=colour, linewidths=width, zorder=1, alpha=0.8))

    def _colour_bar(self, states: Any, t: float) -> None:
        network: Any = self.network
        units = {network.laws.units[e] for e in np.flatnonzero(self.live)}
        unit = {"state": units.pop() if len(units) == 1 else "", "current": "A", "conductance": "S"}[self.colour]
        if self.colour == "state":
            low, high = network.laws.lower[self.live], network.laws.upper[self.live]
            self.edges.set_clim(float(low.min()), float(high.max()))
        else:
            self.edges.set_cmap(growing_colours())
            self.edges.set_clim(0.0, self.top or float(self._seen(states, t)[0].max(initial=0.0)) or 1.0)
        bar = self.axes.figure.colorbar(self.edges, ax=self.axes, shrink=0.8, pad=0.02)
        label_axis(bar.ax.yaxis, self.colour, unit, float(np.abs(self.edges.get_clim()).max()))


def growing_colours() -> Any:
    """Colours of magnitudes: from a visible yellow to black."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["magma_r"](np.linspace(0.13, 1.0, 256)))


def prepare(ax: Any) -> Any:
    """`ax`, or the Axes of a new figure."""
    from matplotlib.figure import Figure

    return Figure(figsize=(7.0, 5.6), layout="constrained").subplots() if ax is None else ax


def node_places(graph: nx.Graph) -> dict[Any, np.ndarray]:
    """Where nodes are drawn, by their position; steps into depth go aside.

    Raises
    ------
    ParameterError
        A node has no position.
    """
    places = {}
    for node, data in graph.nodes(data=True):
        if "pos" not in data:
            raise ParameterError(f"node '{node}' has no position 'pos'; generators.networkx_graph(graph) places nodes")
        at = np.asarray(data["pos"], float)
        places[node] = at[:2] + (at[2] * np.array(OBLIQUE) if at.size > 2 else 0.0)
    return places


def edge_lines(graph: nx.Graph, places: dict[Any, np.ndarray]) -> list[np.ndarray]:
    """A line for each edge; parallel edges bend aside."""
    count: dict[frozenset[Any], int] = {}
    lines = []
    span = float(np.ptp(np.array(list(places.values())), axis=0).max()) if places else 1.0
    for a, b in graph.edges():
        number = count[frozenset((a, b))] = count.get(frozenset((a, b)), -1) + 1
        start, end = places[a], places[b]
        across = np.array([start[1] - end[1], end[0] - start[0]]) / (float(np.hypot(*(end - start))) or 1.0)
        bend = 0.03 * span * ((number + 1) // 2) * (1 if number % 2 else -1)
        share = np.linspace(0.0, 1.0, 9 if number else 2)[:, None]
        lines.append(start + share * (end - start) + 4.0 * share * (1.0 - share) * bend * across)
    return lines


def show_nodes(ax: Any, graph: nx.Graph, electrodes: set[Any], *, points: bool = True, size: float = 2.5) -> None:
    """Draw nodes as points, electrodes as squares with their names, strips as bars; set the frame."""
    from neurosim.memristive.electrodes import SIDES, extent

    places = node_places(graph)
    strips = {node: data["strip"] for node, data in graph.nodes(data=True) if "strip" in data}
    plain = np.array([at for node, at in places.items() if node not in electrodes and node not in strips])
    if points and plain.size:
        ax.plot(plain[:, 0], plain[:, 1], "o", color="0.25", markersize=size, zorder=3)
    for side in strips.values():
        axis, sign = SIDES[side]
        low, high = extent(graph, axis)
        thickness = 0.02 * (high - low)
        start = low - thickness if sign < 0 else high
        bar = ax.axvspan if axis == 0 else ax.axhspan
        bar(start, start + thickness, color=PALETTE[1], zorder=5, linewidth=0)
    for node in electrodes:
        if node not in strips:
            ax.plot(*places[node], "s", color=PALETTE[1], markersize=6, zorder=5)
        if len(electrodes) <= MOST_NAMED:
            ax.annotate(
                str(node).replace("$", r"\$"), places[node], xytext=(0, 6), textcoords="offset points", ha="center",
                fontsize="small", color=PALETTE[1], zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
            )  # fmt: skip
    ax.autoscale_view()
    ax.margins(0.05)
    ax.set_aspect("equal")
    if graph.graph.get("length_unit"):
        for direction, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
            label_axis(axis, direction, graph.graph["length_unit"], float(np.abs(axis.get_view_interval()).max()))
    else:
        ax.axis("off")
