"""Any graph of networkx as a memristive network: one that exists, or one of its generators by name."""

from __future__ import annotations

import inspect
from typing import Any

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.memristive.generators.generator import Generator, assembled


def networkx_graph(graph: nx.Graph | str = "petersen_graph", *, seed: int = 0, **arguments: Any) -> nx.MultiGraph:
    """Make a network of any graph.

    Parameters
    ----------
    graph : networkx.Graph or str
        A graph, or the name of a generator of `networkx.generators`, ``"karate_club_graph"``; default Petersen's.
    seed : int
        Of the generator if it takes one, and of the drawing where nodes have no position ``pos``.
    **arguments
        For the generator, as ``n=50, m=2`` of ``"barabasi_albert_graph"``.

    Returns
    -------
    networkx.MultiGraph
        Nodes keep their name as text, whole numbers k become ``"n{k}"``; nodes and edges keep their attributes, and
        edges without ``kind`` are memristors.

    Raises
    ------
    UnknownNameError
        networkx has no such generator.
    ParameterError
        It refuses the arguments, or the graph has an edge from a node to itself.
    """
    name = graph if isinstance(graph, str) else graph.name or "graph"
    made = _generated(graph, seed, arguments) if isinstance(graph, str) else graph
    if not isinstance(graph, str) and arguments:
        raise ParameterError(f"{', '.join(arguments)}: arguments are for a generator's name, not for a graph")
    names = {node: f"n{node}" if isinstance(node, (int, np.integer)) else _text(node) for node in made}
    if len(set(names.values())) < len(names) or "0" in names.values():
        raise ParameterError(f"'{name}': two nodes have one name as text, or one is '0', which is ground; rename them")
    for a, b in made.edges():
        if a == b:
            raise ParameterError(f"'{name}': an edge joins node {a!r} to itself; remove such edges")
    if not all("pos" in data for data in made.nodes.values()):
        places: Any = nx.spring_layout(made, seed=seed)
    else:
        places = {node: data["pos"] for node, data in made.nodes(data=True)}
    number = {node: k for k, node in enumerate(made)}
    positions = np.array([places[node] for node in made], float).reshape(len(number), -1)
    built = assembled(name, positions, (), {"seed": seed, **arguments}, names=list(names.values()))
    for node, data in made.nodes(data=True):
        built.nodes[names[node]].update({key: value for key, value in data.items() if key != "pos"})
    for a, b, data in made.edges(data=True):
        built.add_edge(names[a], names[b], **{"kind": "memristor", **data})
    return built


def _text(node: Any) -> str:
    return ".".join(map(str, node)) if isinstance(node, tuple) else str(node)


def _generated(name: str, seed: int, arguments: dict[str, Any]) -> nx.Graph:
    known = {
        key: value for key, value in vars(nx.generators).items()
        if callable(value) and not key.startswith("_") and key.endswith(("_graph", "_tree"))
    }  # fmt: skip
    if name not in known:
        raise UnknownNameError(f"networkx has no generator '{name}'; {nearest(name, known)}")
    wants_seed = "seed" in inspect.signature(known[name]).parameters
    try:
        made = known[name](**({"seed": seed} if wants_seed else {}), **arguments)
    except (TypeError, ValueError, nx.NetworkXException) as error:
        raise ParameterError(f"networkx generator '{name}': {error}") from None
    if not isinstance(made, nx.Graph):
        raise ParameterError(f"networkx generator '{name}' gives no graph")
    return made


generator = Generator("networkx_graph", "any graph or generator of networkx", networkx_graph)
