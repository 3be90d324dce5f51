"""Electrodes on a graph of positions: strips along two sides, or the node nearest to a point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError

SIDES = {"left": (0, -1), "right": (0, 1), "bottom": (1, -1), "top": (1, 1)}
"""Direction and side of each strip."""


def with_strips(graph: nx.MultiGraph, sides: Iterable[str] = ("left", "right"), *, depth: float = 0.0) -> nx.MultiGraph:
    """Lay a metal strip along sides of a network: all nodes that it touches become one node of its name.

    Parameters
    ----------
    graph : networkx.MultiGraph
        Nodes have ``pos``; wires have ``ends`` too and touch a strip with any of their points.
    sides : iterable of {"left", "right", "bottom", "top"}
        Default left and right.
    depth : float
        How far a strip reaches into the network, in units of the positions; default 0. The network ends where its
        outermost nodes lie, one of wires where the rectangle ends that they were thrown on.

    Returns
    -------
    networkx.MultiGraph
        A new graph. Edges between nodes of one strip are gone.

    Raises
    ------
    ParameterError
        An unknown side, a strip that touches nothing, a node that touches two, or a network that does not join the
        strips; with wires the message gives the critical density.
    """
    chosen = list(sides)
    for side in chosen:
        if side not in SIDES:
            raise ParameterError(f"side '{side}' must be one of {', '.join(SIDES)}")
    groups = {side: _touched(graph, side, depth) for side in chosen}
    for side, members in groups.items():
        if not members:
            raise ParameterError(f"the network does not reach its {side} side with depth {depth:g}; {_sparse(graph)}")
    merged = merge_nodes(graph, groups)
    for side in chosen:
        axis, sign = SIDES[side]
        at = np.mean([data["pos"] for _, data in graph.nodes(data=True)], axis=0)
        low, high = extent(graph, axis)
        at[axis] = low if sign < 0 else high
        merged.nodes[side].update(pos=tuple(at.tolist()), strip=side)
    for side in chosen[1:]:
        if not nx.has_path(merged, chosen[0], side):
            raise ParameterError(f"the network does not join '{chosen[0]}' and '{side}'; {_sparse(graph)}")
    return merged


def merge_nodes(graph: nx.MultiGraph, groups: Mapping[str, Iterable[str]]) -> nx.MultiGraph:
    """Make one node of each group, named by its key; edges within a group are dropped, other edges stay.

    Raises
    ------
    ParameterError
        A group is empty, a node is unknown or in two groups, or a new name is that of another node.
    """
    owner: dict[Any, str] = {}
    for name, members in groups.items():
        found = list(members)
        if not found:
            raise ParameterError(f"electrode '{name}' has no nodes")
        for node in found:
            if node not in graph:
                raise ParameterError(f"electrode '{name}': the graph has no node '{node}'")
            if node in owner:
                raise ParameterError(f"node '{node}' touches both '{owner[node]}' and '{name}': a short circuit")
            owner[node] = name
    for name in groups:
        if name in graph and owner.get(name) != name:
            raise ParameterError(f"'{name}' is the name of a node of the graph already; call the electrode otherwise")
    merged = nx.MultiGraph(**graph.graph)
    members_of = {name: [node for node in graph if owner.get(node) == name] for name in groups}
    for name, members in members_of.items():
        at = np.mean([graph.nodes[node]["pos"] for node in members], axis=0)
        merged.add_node(name, pos=tuple(at.tolist()), members=members)
        ends = [list(graph.nodes[node]["ends"]) for node in members if "ends" in graph.nodes[node]]
        if ends:
            merged.nodes[name]["member_ends"] = ends
    merged.add_nodes_from((node, dict(data)) for node, data in graph.nodes(data=True) if node not in owner)
    for a, b, data in graph.edges(data=True):
        first, second = owner.get(a, a), owner.get(b, b)
        if first != second:
            merged.add_edge(first, second, **data)
    # What hangs on nothing carries no current and would be a component without a potential.
    merged.remove_nodes_from([n for n in merged if merged.degree(n) == 0 and n not in groups])  # pyright: ignore
    return merged


def joins(graph: nx.MultiGraph, first: str = "left", second: str = "right", *, depth: float = 0.0) -> bool:
    """Whether strips along two sides are joined through the network: whether it percolates."""
    groups = {side: _touched(graph, side, depth) for side in (first, second)}
    if not all(groups.values()):
        return False
    parts = {node: k for k, part in enumerate(nx.connected_components(graph)) for node in part}
    return bool({parts[n] for n in groups[first]} & {parts[n] for n in groups[second]})


def nearest_node(graph: nx.Graph, position: Iterable[float]) -> str:
    """The node nearest to a point; of wires, the one whose nearest point is nearest."""
    point = np.array(list(position), float)
    best, distance = None, np.inf
    for node, data in graph.nodes(data=True):
        if "ends" in data:
            start, end = np.reshape(data["ends"], (2, -1))
            along = end - start
            share = np.clip((point - start) @ along / (along @ along), 0.0, 1.0)
            apart = float(np.linalg.norm(start + share * along - point))
        else:
            apart = float(np.linalg.norm(np.array(data["pos"]) - point))
        if apart < distance:
            best, distance = node, apart
    if best is None:
        raise ParameterError("the graph has no nodes")
    return best


def middle_nodes(graph: nx.Graph) -> tuple[str, str]:
    """The nodes nearest to the middles of the left and the right side."""
    places = np.array([data["pos"] for _, data in graph.nodes(data=True)])
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    low, high = middle.copy(), middle.copy()
    low[0], high[0] = places[:, 0].min(), places[:, 0].max()
    return nearest_node(graph, low), nearest_node(graph, high)


def extent(graph: nx.Graph, axis: int) -> tuple[float, float]:
    """Where a network begins and ends in direction 0 (x), 1 (y) or 2 (z)."""
    given = graph.graph.get("arguments", {})
    size = given.get(("width", "height")[axis]) if axis < 2 and graph.graph.get("length_unit") == "m" else None
    if size is not None:
        return 0.0, float(size)
    places = [data["pos"][axis] for _, data in graph.nodes(data=True)]
    return min(places), max(places)


def _touched(graph: nx.Graph, side: str, depth: float) -> list[Any]:
    axis, sign = SIDES[side]
    low, high = extent(graph, axis)
    border = low + depth if sign < 0 else high - depth
    found = []
    for node, data in graph.nodes(data=True):
        ends = data.get("ends")
        values = (data["pos"][axis],) if ends is None else (ends[axis], ends[axis + 2])
        if (min(values) <= border) if sign < 0 else (max(values) >= border):
            found.append(node)
    return found


def _sparse(graph: nx.Graph) -> str:
    given = graph.graph.get("arguments", {})
    if graph.name != "nanowires" or not given.get("number"):
        return "it consists of several parts"
    from neurosim.memristive.generators.nanowires import critical_density

    density = given["number"] / (given["width"] * given["height"])
    return (
        f"its density is {density:.4g} wires/m^2 and sticks of {given['length']:.3g} m percolate above "
        f"{critical_density(given['length']):.4g}: throw more or longer wires, or try another seed"
    )
