"""What an architecture declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.named_law import Law
from neurosim.reference import Reference


@dataclass(frozen=True)
class Architecture:
    """One recurrent architecture.

    Attributes
    ----------
    name, summary : str
    source : Reference
    equations : str
        The textbook form, one equation a line.
    analog : str
        The flow of its continuous twin.
    digital : str
        Rule and step that give the textbook form exactly.
    check : str
        What it must show.
    cases : tuple of str
        The modules of ``validation/literature`` that show it. Each draws a figure of its name into the report.
    build : callable
        Returns a SignalGraph. Every argument has a default, so that ``build()`` works.
    example : mapping
        Arguments of a small instance for conformance tests and ``neurosim compare``.
    """

    name: str
    summary: str
    source: Reference
    equations: str
    analog: str
    digital: str
    check: str
    build: Callable[..., SignalGraph]
    cases: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def uniform_weights(generator: np.random.Generator, targets: int, sources: int) -> np.ndarray:
    """Uniform in +-1/sqrt(sources), shape (targets, sources), as torch's linear and recurrent layers start."""
    bound = 1.0 / np.sqrt(sources)
    return generator.uniform(-bound, bound, (targets, sources))


def stacked_cells(
    name: str, inputs: int, hidden: int, outputs: int, output: str, draw: np.random.Generator,
    cells: Iterable[SignalGraph],
) -> SignalGraph:  # fmt: skip
    """Cells on top of one another with a read-out of what the last one holds; flat.

    Each cell has the ports ``x``, ``new`` (its value after the step, which the next cell sees) and ``held``. The cells
    are drawn one by one before the read-out ``V``, ``d``.
    """
    graph = SignalGraph(name)
    graph.port("u", inputs)
    source, last = "u", ""
    for k, cell in enumerate(cells, start=1):
        last = f"layer{k}"
        graph.sub(last, cell)
        graph.connect(source, f"{last}/x")
        source = f"{last}/new"
    graph.parameter("V", uniform_weights(draw, outputs, hidden))
    graph.parameter("d", np.zeros(outputs))
    graph.map("readout", outputs, output, bias="d")
    graph.port("y", outputs, output=True)
    graph.connect(f"{last}/held", "readout", weight="V")
    graph.connect("readout", "y")
    return flatten(graph)


def graph_of_law(
    title: str, field: Law, values: Iterable[float], initial: Iterable[float], *, period: float | None = None
) -> SignalGraph:  # fmt: skip
    """A graph that is nothing but a law: state ``x`` with x' = field(x), time in units of 1 s, or x <- field(x).

    Parameters
    ----------
    title : str
    field : Law
    values : iterable of float
        Of the parameters of the law.
    initial : iterable of float
    period : float, optional
        Of the clock ``step`` at whose ticks the law is a map [s].

    Returns
    -------
    SignalGraph
    """
    graph, start = SignalGraph(title), np.array(list(initial), float)
    for parameter, value in zip(field.parameters, values, strict=True):
        graph.parameter(parameter, value)
    if period is None:
        graph.state("x", start.size, time_constant=1.0, leak=0.0, initial=start)
    else:
        graph.clock("step", period)
        graph.state("x", start.size, clock="step", initial=start)
    graph.map("field", start.size, law=field)
    graph.connect("x", "field")
    graph.connect("field", "x")
    return graph
