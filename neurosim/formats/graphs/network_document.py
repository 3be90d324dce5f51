"""Memristive networks, or their graphs alone, as plain values.

One object: ``format``, ``version``, ``name``, ``directed``, ``multigraph``, ``attributes``, ``nodes`` (``name`` and
attributes; ``label`` where the name is a number or a tuple and not text) and ``edges`` (``source`` is the tail,
``target`` the head, and attributes, among them ``kind``, ``resistance``, ``r_on``). A whole network has ``network``
too, see `neurosim.formats.graphs.network_settings`.
"""

from __future__ import annotations

from typing import Any

import networkx as nx

from neurosim.errors import FormatError
from neurosim.formats import strict_json
from neurosim.formats.graphs.network_settings import drive_from, network_from, plain_drive, settings_of
from neurosim.memristive.network import MemristiveNetwork

FORMAT = "neurosim memristive network"
VERSION = 1

_KEYS = {"format", "version", "name", "directed", "multigraph", "attributes", "nodes", "edges", "network"}
_TUPLES = ("pos", "ends")


def to_document(what: nx.Graph | MemristiveNetwork) -> dict[str, Any]:
    """Plain values that hold a whole graph, or a network with its settings, sources and electrodes.

    Raises
    ------
    FormatError
        A node whose name is no text, whole number or tuple of these, or an attribute that JSON cannot hold; names the
        node or edge.
    """
    graph = what.graph if isinstance(what, MemristiveNetwork) else what
    names: dict[str, Any] = {}
    nodes = []
    for node, data in graph.nodes(data=True):
        name = str(node)
        if not _is_label(node):
            raise FormatError(
                f"node {node!r} has a name that is no text, number or tuple; rename it with networkx.relabel_nodes"
            )
        if name in names:
            raise FormatError(f"nodes {node!r} and {names[name]!r} have the same name as text; rename one of them")
        names[name] = node
        label = {} if isinstance(node, str) else {"label": strict_json.plain(node)}
        nodes.append({"name": name, **label, **_plain(data, f"node '{node}'")})
    made = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "directed": graph.is_directed(),
        "multigraph": graph.is_multigraph(),
        "attributes": _plain({k: v for k, v in graph.graph.items() if k != "name"}, "attributes"),
        "nodes": nodes,
        "edges": [
            {"source": str(a), "target": str(b), **_plain(data, f"edge '{a}' to '{b}'")}
            for a, b, data in graph.edges(data=True)
        ],
    }
    return made | {"network": settings_of(what)} if isinstance(what, MemristiveNetwork) else made


def _is_label(node: Any) -> bool:
    if isinstance(node, tuple):
        return all(map(_is_label, node))
    return isinstance(node, (str, int)) and not isinstance(node, bool)


def _label(value: Any) -> Any:
    return tuple(map(_label, value)) if isinstance(value, list) else value


def from_document(document: dict[str, Any]) -> nx.Graph | MemristiveNetwork:
    """The graph or network that `to_document` turned into plain values.

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
    kinds = (nx.MultiGraph, nx.MultiDiGraph) if document.get("multigraph", True) else (nx.Graph, nx.DiGraph)
    graph: Any = kinds[document.get("directed") is True]()
    graph.graph.update(attributes, name=str(document.get("name", "")))
    names: dict[str, Any] = {}
    for number, entry in enumerate(nodes):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in names:
            raise FormatError(f"nodes[{number}]: the name {name!r} is no text or occurs twice")
        names[name] = _label(entry.get("label", name))
        if not _is_label(names[name]) or names[name] in graph:
            raise FormatError(f"nodes[{number}]: the label {entry['label']!r} is no name or occurs twice")
        graph.add_node(names[name])
        graph.nodes[names[name]].update(_attributes(entry, ("name", "label")))
    for number, entry in enumerate(edges):
        tail, head = (entry.get("source"), entry.get("target")) if isinstance(entry, dict) else (None, None)
        if not all(isinstance(end, str) and end in names for end in (tail, head)):
            raise FormatError(f"edges[{number}]: source {tail!r} and target {head!r} must be nodes")
        ends = names[str(tail)], names[str(head)]
        if not graph.is_multigraph() and graph.has_edge(*ends):
            raise FormatError(f"edges[{number}]: a second edge from {tail!r} to {head!r}, but 'multigraph' is false")
        graph.add_edges_from([(*ends, _attributes(entry, ("source", "target")))])
    return network_from(graph, names, document["network"]) if "network" in document else graph


def _plain(values: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        return strict_json.plain({key: plain_drive(value) for key, value in values.items()})
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from None


def _attributes(entry: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {
        k: tuple(v) if k in _TUPLES and isinstance(v, list) else drive_from(v, k)
        for k, v in entry.items()
        if k not in names
    }
