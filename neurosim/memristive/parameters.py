"""Values of a memristive network by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import UnknownNameError, nearest

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


def changed_arguments(net: MemristiveNetwork, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the network was made from, with other values; see `MemristiveNetwork.with_parameters`.

    Raises
    ------
    UnknownNameError
    """
    of_name = {name: e for e, name in enumerate(net.names)}
    changed = dict(net.arguments)
    of_sources = changed["sources"] or {}
    if not isinstance(of_sources, Mapping):
        of_sources = dict(enumerate(np.asarray(of_sources).tolist()))
    parts = {"v": dict(net.electrodes), "i": dict(net.injections), "emf": {}}
    parts["emf"] = {net.edge_index(edge): drive for edge, drive in of_sources.items()}
    nodes = {str(node): node for node in net.nodes}
    plain = ("r_on", "r_off", "beta", "alpha", "polarity", "initial")
    known = [*plain, *(f"v({a})" for a in parts["v"]), *(f"i({a})" for a in parts["i"]), "emf(edge)"]
    for address, value in values.items():
        kind, _, inside = address.partition("(")
        inside = inside[:-1] if inside.endswith(")") else ""
        if kind == "emf" and inside in of_name:
            parts["emf"][of_name[inside]] = value
        elif kind in ("v", "i") and nodes.get(inside) in parts[kind]:
            parts[kind][nodes[inside]] = value
        elif address in plain:
            changed[address] = value
        else:
            raise UnknownNameError(f"network '{net.title}' has no parameter '{address}'; {nearest(address, known)}")
    return changed | {"sources": parts["emf"], "electrodes": parts["v"], "currents": parts["i"]}
