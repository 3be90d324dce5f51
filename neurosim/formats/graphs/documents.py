"""Which graphs can be kept as plain values, and which reader a document asks for."""

from __future__ import annotations

from typing import Any

from neurosim.errors import FormatError
from neurosim.graph.signal_graph import SignalGraph


def document_of(graph: Any) -> dict[str, Any]:
    """Plain values of a signal graph, a memristive network, or the graph of one.

    Raises
    ------
    FormatError
        Something else, or a part of it that cannot be kept.
    """
    import networkx as nx

    from neurosim.formats.graphs import graph_json, network_document
    from neurosim.memristive.network import MemristiveNetwork

    if isinstance(graph, SignalGraph):
        return graph_json.to_document(graph)
    if isinstance(graph, (nx.Graph, MemristiveNetwork)):
        return network_document.to_document(graph)
    raise FormatError(
        f"cannot store a {type(graph).__name__}; results, signal graphs, memristive networks and their graphs can be "
        "stored"
    )


def graph_of(document: Any) -> Any:
    """What `document_of` turned into plain values.

    Raises
    ------
    FormatError
    """
    from neurosim.formats.graphs import graph_json, network_document

    if isinstance(document, dict) and document.get("format") == network_document.FORMAT:
        return network_document.from_document(document)
    return graph_json.from_document(document)
