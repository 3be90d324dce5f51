"""How a generator of networks is declared, and what all of them share."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError


@dataclass(frozen=True)
class Generator:
    """A kind of network.

    Attributes
    ----------
    name, summary : str
    build : callable
        Returns a networkx graph. Every argument has a default, so that ``build()`` works; where chance has a part one
        of them is ``seed``.
    source : str
        Where the kind is described.
    example : mapping
        Arguments of a small instance for conformance tests.
    """

    name: str
    summary: str
    build: Callable[..., nx.MultiGraph]
    source: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def assembled(
    name: str, positions: np.ndarray, edges: Iterable[Sequence[int]], arguments: Mapping[str, Any], *,
    names: Sequence[str] | None = None, length_unit: str = "",
) -> nx.MultiGraph:  # fmt: skip
    """A graph of memristors with names and positions.

    Parameters
    ----------
    positions : array, shape (nodes, 2 or 3)
    edges : iterable of (int, int)
        Numbers of nodes.
    arguments : mapping
        What the generator was called with; kept in the graph.
    names : sequence of str, optional
        Default ``"n0"``, ``"n1"``, ...
    """
    called = [f"n{k}" for k in range(len(positions))] if names is None else list(names)
    kept = {key: value for key, value in arguments.items() if isinstance(value, (str, int, float, bool))}
    graph = nx.MultiGraph(name=name, arguments=kept, length_unit=length_unit)
    graph.add_nodes_from((node, {"pos": tuple(at)}) for node, at in zip(called, positions.tolist(), strict=True))
    graph.add_edges_from((called[a], called[b], {"kind": "memristor"}) for a, b in edges)
    return graph


def giant_component(graph: nx.MultiGraph) -> nx.MultiGraph:
    """The largest connected part, as a graph of its own."""
    largest = max(nx.connected_components(graph), key=len, default=set())
    return nx.MultiGraph(graph.subgraph([node for node in graph if node in largest]))


def whole(name: str, value: Any, least: int, most: float = float("inf")) -> int:
    """`value` as an int in [least, most].

    Raises
    ------
    ParameterError
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        within = f"of {least} or more" if most == float("inf") else f"from {least} to {most:g}"
        raise ParameterError(f"{name} is {value!r}; it must be a whole number {within}")
    return number


def real(name: str, value: Any, least: float, most: float = float("inf"), *, exclusive: bool = False) -> float:
    """`value` as a finite float in [least, most]; `exclusive` leaves `least` out.

    Raises
    ------
    ParameterError
    """
    fits = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not fits or not least <= value <= most or not np.isfinite(value) or (exclusive and value == least):
        within = f"{'above' if exclusive else 'of at least'} {least:g}"
        if most != float("inf"):
            within += f" and at most {most:g}"
        raise ParameterError(f"{name} is {value!r}; it must be a finite number {within}")
    return float(value)
