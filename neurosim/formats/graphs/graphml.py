"""Graphs as GraphML: nodes and edges for other graph programs, and all that is needed to come back.

Attributes that are text (``kind``, ``function``, ``weight``, ...) are written as they are, all others as JSON;
parameters and clocks are JSON in attributes of the graph. The content is that of `neurosim.formats.graphs.graph_json`
or, for the graph of a memristive network, of `neurosim.formats.graphs.network_document`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from neurosim.errors import FormatError
from neurosim.formats import strict_json
from neurosim.formats.graphs.documents import document_of, graph_of

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_TEXTS = {"kind", "function", "clock", "bias", "weight", "form", "unit", "role", "format", "name"}
_TAG = f"{{{NAMESPACE}}}"


def write_graph(graph: Any, path: Path) -> None:
    """Write a graph as GraphML (U. Brandes et al., Graph Drawing 2001, doi 10.1007/3-540-45848-4_59)."""
    document = document_of(graph)
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{_TAG}graphml")
    keys: dict[tuple[str, str], str] = {}
    drawn = ElementTree.Element(f"{_TAG}graph", {"edgedefault": "directed"})
    nodes = {node["name"] for node in document["nodes"]}

    def put(parent: Any, domain: str, name: str, value: Any) -> None:
        if (domain, name) not in keys:
            keys[domain, name] = f"d{len(keys)}"
            attributes = {"id": keys[domain, name], "for": domain, "attr.name": name, "attr.type": "string"}
            ElementTree.SubElement(root, f"{_TAG}key", attributes)
        text = value if name in _TEXTS and isinstance(value, str) else strict_json.dumps(value)
        ElementTree.SubElement(parent, f"{_TAG}data", {"key": keys[domain, name]}).text = text

    for name, value in document.items():
        if name not in ("nodes", "edges"):
            put(drawn, "graph", name, value)
    for node in document["nodes"]:
        element = ElementTree.SubElement(drawn, f"{_TAG}node", {"id": node["name"]})
        for name, value in node.items():
            if name != "name":
                put(element, "node", name, value)
    for number, edge in enumerate(document["edges"]):
        ends = {end: edge[end] if edge[end] in nodes else edge[end].partition("/")[0] for end in ("source", "target")}
        element = ElementTree.SubElement(drawn, f"{_TAG}edge", {"id": f"e{number}", **ends})
        for end in ends:
            if edge[end] != ends[end]:
                put(element, "edge", f"{end}_port", edge[end].partition("/")[2])
        for name, value in edge.items():
            if name not in ends:
                put(element, "edge", name, value)
    root.append(drawn)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def read_graph(path: Path) -> Any:
    """Read a graph that `write_graph` wrote.

    Raises
    ------
    FormatError
        Not XML, GraphML of another program, or content that makes no graph; the message says where.
    """
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise FormatError(f"{path}: a document type or entity declaration is refused")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - declarations of entities are refused above
    except ElementTree.ParseError as error:
        raise FormatError(f"{path}: line {error.position[0]}, column {error.position[1] + 1}: {error.msg}") from None
    drawn = root.find(f"{_TAG}graph")
    if root.tag != f"{_TAG}graphml" or drawn is None:
        raise FormatError(f"{path}: expected GraphML with one graph, found <{root.tag.removeprefix(_TAG)}>")
    names = {key.get("id"): key.get("attr.name") or "" for key in root.findall(f"{_TAG}key")}
    try:
        document: dict[str, Any] = _data(drawn, names, "graph")
        if "format" not in document:
            raise FormatError(
                "GraphML of another program: read it with networkx.read_graphml and convert it with from_networkx, or "
                "for a memristive network with generators.networkx_graph"
            )
        document["nodes"] = [
            {"name": node.get("id"), **_data(node, names, f"node '{node.get('id')}'")}
            for node in drawn.findall(f"{_TAG}node")
        ]
        document["edges"] = [_edge(edge, names) for edge in drawn.findall(f"{_TAG}edge")]
        return graph_of(document)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def _edge(edge: Any, names: dict[str | None, str]) -> dict[str, Any]:
    made = _data(edge, names, f"edge '{edge.get('id')}'")
    for end in ("source", "target"):
        port = made.pop(f"{end}_port", None)
        made[end] = edge.get(end) if port is None else f"{edge.get(end)}/{port}"
    return made


def _data(element: Any, names: dict[str | None, str], where: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for item in element.findall(f"{_TAG}data"):
        name = names.get(item.get("key"))
        if name is None:
            raise FormatError(f"{where}: data of an undeclared key '{item.get('key')}'")
        text = item.text or ""
        try:
            made[name] = text if name in _TEXTS else strict_json.loads(text)
        except FormatError as error:
            raise FormatError(f"{where}, {name}: {error}") from None
    return made
