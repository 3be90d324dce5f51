"""Graphs of memristive networks as plain values: names, positions and all attributes of nodes and edges.

One object: ``format``, ``version``, ``name``, ``directed``, ``attributes``, ``nodes`` (``name`` and attributes) and
``edges`` (``source`` is the tail, ``target`` the head, and attributes, among them ``kind``, ``resistance``, ``r_on``).
"""

from __future__ import annotations

from typing import Any

import networkx as nx

from neurosim.errors import FormatError
from neurosim.formats import strict_json

FORMAT = "neurosim memristive network"
VERSION = 1

_KEYS = {"format", "version", "name", "directed", "attributes", "nodes", "edges"}
_TUPLES = ("pos", "ends")


def to_document(graph: nx.Graph) -> dict[str, Any]:
    """Plain values that hold a whole graph.

    Raises
    ------
    FormatError
        A node whose name is no text, or an attribute that JSON cannot hold; names the node or edge.
    """
    for node in graph:
        if not isinstance(node, str):
            raise FormatError(f"node {node!r} has a name that is no text; rename it with networkx.relabel_nodes")
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "directed": graph.is_directed(),
        "attributes": _plain({k: v for k, v in graph.graph.items() if k != "name"}, "attributes"),
        "nodes": [{"name": node, **_plain(data, f"node '{node}'")} for node, data in graph.nodes(data=True)],
        "edges": [
            {"source": a, "target": b, **_plain(data, f"edge '{a}' to '{b}'")} for a, b, data in graph.edges(data=True)
        ],
    }


def from_document(document: dict[str, Any]) -> nx.MultiGraph:
    """The graph that `to_document` turned into plain values; always one with room for parallel edges.

    Raises
    ------
    FormatError
        Another version, an unknown key, or an edge whose ends are no nodes; says where.
    """
    if document.get("version") != VERSION:
        raise FormatError(f"version {document.get('version')!r} of the format; this program reads {VERSION}")
    for key in document:
        if key not in _KEYS:
            raise FormatError(f"the document: unknown key '{key}'")
    nodes, edges = document.get("nodes"), document.get("edges")
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise FormatError("'nodes' and 'edges' must be lists")
    attributes = document.get("attributes", {})
    if not isinstance(attributes, dict):
        raise FormatError("'attributes' is not an object")
    graph = nx.MultiDiGraph() if document.get("directed") is True else nx.MultiGraph()
    graph.graph.update(attributes, name=str(document.get("name", "")))
    for number, entry in enumerate(nodes):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in graph:
            raise FormatError(f"nodes[{number}]: the name {name!r} is no text or occurs twice")
        graph.add_node(name)
        graph.nodes[name].update(_attributes(entry, ("name",)))
    for number, entry in enumerate(edges):
        tail, head = (entry.get("source"), entry.get("target")) if isinstance(entry, dict) else (None, None)
        if not all(isinstance(end, str) and end in graph for end in (tail, head)):
            raise FormatError(f"edges[{number}]: source {tail!r} and target {head!r} must be nodes")
        key = graph.add_edge(tail, head)
        graph.edges[tail, head, key].update(_attributes(entry, ("source", "target")))
    return graph


def _plain(values: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        return strict_json.plain(values)
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from None


def _attributes(entry: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {k: tuple(v) if k in _TUPLES and isinstance(v, list) else v for k, v in entry.items() if k not in names}
