"""Which combinations of unknowns are looked at: nets, differences of nets, branch currents, states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from neurosim.circuit.assembly import Assembly, normal_address
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import GraphAssembly, addresses
from neurosim.memristive.network import MemristiveNetwork
from neurosim.memristive.parameters import node_named
from neurosim.solve.dynamics import Dynamics, NetworkDynamics

_DIFFERENCE = re.compile(r"v\(([^,()]+),([^,()]+)\)$")


@dataclass(frozen=True)
class Observed:
    """Linear combinations of the unknowns.

    Attributes
    ----------
    names : tuple of str
    matrix : ndarray, shape (names, n)
        Of a memristive network a sparse one, over the states and what else is watched.
    units : tuple of str
    """

    names: tuple[str, ...]
    matrix: Any
    units: tuple[str, ...]

    def of(self, values: np.ndarray) -> np.ndarray:
        """(points, n, ...) to (points, names, ...)."""
        if isinstance(self.matrix, np.ndarray):
            return np.einsum("ki,pi...->pk...", self.matrix, values)
        return values[:, self.matrix.indices]

    def back(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the unknowns, (points, n), from that by what is looked at."""
        return np.asarray(gradient @ self.matrix)


def observe(dynamics: Dynamics, save: Sequence[str]) -> Observed:
    """Find what is to be looked at.

    Parameters
    ----------
    save : sequence of str
        Of a circuit ``"v(out)"``, ``"v(a,b)"``, ``"i(v1)"``, ``"m1.x"``; of a graph ``"h"`` (all its elements) or
        ``"h[3]"``; of a memristive network ``"m[0].x"``, ``"states"``, ``"v(a)"``, ``"i(m[0])"``, ``"i(a)"`` (current
        that the electrode puts in), ``"v((0, 1))"`` of a node that is a tuple. Empty for all unknowns (of a graph or
        network: all states).

    Raises
    ------
    UnknownNameError, ParameterError
    """
    if isinstance(dynamics, NetworkDynamics):
        return _of_network(dynamics, save)
    n = dynamics.size
    rows: dict[str, np.ndarray] = {}
    unit = np.eye(n)
    assembly = dynamics.assembly
    if isinstance(assembly, GraphAssembly):
        slices = assembly.program.states.slices
        for asked in save or list(slices):
            if asked in slices:
                part = slices[asked]
                names = addresses(asked, part.stop - part.start)
                rows.update({name: unit[part.start + k] for k, name in enumerate(names)})
            elif asked in assembly.program.graph and asked not in dynamics.names:
                raise ParameterError(f"'{asked}' is no state: losses and data look at states, {', '.join(slices)}")
            else:
                rows[asked] = unit[dynamics.index(asked)]
        return _combined(dynamics, rows)
    assert isinstance(assembly, Assembly)
    for asked in save or dynamics.names:
        address = normal_address(asked)
        match = _DIFFERENCE.match(address)
        if match:
            nets = [unit[dynamics.index(f"v({net})")] if net != "0" else np.zeros(n) for net in match.groups()]
            rows[address] = nets[0] - nets[1]
        else:
            rows[address] = unit[_unknown(dynamics, assembly, address)]
    return _combined(dynamics, rows)


def _combined(dynamics: Dynamics, rows: dict[str, np.ndarray]) -> Observed:
    units = dynamics.units
    matrix = np.array(list(rows.values()))
    return Observed(tuple(rows), matrix, tuple(units[int(np.argmax(row != 0.0))] for row in matrix))


def _of_network(dynamics: NetworkDynamics, save: Sequence[str]) -> Observed:
    """States, potentials of nodes, currents of edges and electrodes; what is no state is watched from now on."""
    net, watched = dynamics.assembly.net, dynamics.watched
    m = net.size
    columns: dict[str, int] = {}
    units: list[str] = []
    for address in save or ["states"]:
        if address == "states":
            found = np.flatnonzero(net.is_memristive).tolist()
            columns |= {net.state_names[e]: e for e in found}
            units += [net.laws.units[e] for e in found]
            continue
        seen = _watched(net, address)
        if seen is None:
            columns[address] = dynamics.index(address)
            units.append(net.laws.units[columns[address]])
            continue
        if seen not in watched:
            watched.append(seen)
        columns[address] = m + watched.index(seen)
        units.append("V" if seen[0] == "v" else "A")
    entries = (np.ones(len(columns)), (np.arange(len(columns)), list(columns.values())))
    matrix = csr_array(entries, shape=(len(columns), m + len(watched)))
    return Observed(tuple(columns), matrix, tuple(units))


def _watched(net: MemristiveNetwork, address: str) -> tuple[str, int] | None:
    """What is meant by ``v(node)``, ``i(edge)`` and ``i(electrode)``; None for any other address."""
    kind, inside = address[:2], address[2:-1]
    if kind not in ("v(", "i(") or not address.endswith(")"):
        return None
    if kind == "i(" and (edge := node_named(net.names, inside)) is not None:
        return "i", net.edge_index(edge)
    node = node_named(net.nodes if kind == "v(" else net.electrodes, inside)
    if node is None:
        known = [f"v({node})" for node in net.nodes[:1000]] + [f"i({node})" for node in net.electrodes]
        raise UnknownNameError(f"'{net.title}' has no '{address}'; {nearest(address, known)}")
    return "v" if kind == "v(" else "electrode", net.node_index(node)


def _unknown(dynamics: Dynamics, assembly: Assembly, address: str) -> int:
    if address in assembly.index:
        return assembly.index[address]
    if address.startswith("i(") and address[2:-1] in assembly.place:
        raise UnknownNameError(
            f"'{address}' is not an unknown of its own; put a source of 0 V in series with {address[2:-1]} and take "
            "its current"
        )
    return dynamics.index(address)
