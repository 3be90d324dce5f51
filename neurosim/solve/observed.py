"""Which combinations of unknowns are looked at: nets, differences of nets, branch currents, states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.assembly import Assembly, normal_address
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.assembly import GraphAssembly, addresses
from neurosim.solve.dynamics import Dynamics

_DIFFERENCE = re.compile(r"v\(([^,()]+),([^,()]+)\)$")


@dataclass(frozen=True)
class Observed:
    """Linear combinations of the unknowns.

    Attributes
    ----------
    names : tuple of str
    matrix : ndarray, shape (names, n)
    """

    names: tuple[str, ...]
    matrix: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """(points, n, ...) to (points, names, ...)."""
        return np.einsum("ki,pi...->pk...", self.matrix, values)

    def back(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the unknowns, (points, n), from that by what is looked at."""
        return gradient @ self.matrix


def observe(dynamics: Dynamics, save: Sequence[str]) -> Observed:
    """Find what is to be looked at.

    Parameters
    ----------
    save : sequence of str
        Of a circuit ``"v(out)"``, ``"v(a,b)"``, ``"i(v1)"``, ``"m1.x"``; of a graph ``"h"`` (all its elements) or
        ``"h[3]"``. Empty for all unknowns (of a graph: all states).

    Raises
    ------
    UnknownNameError, ParameterError
    """
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
        return Observed(tuple(rows), np.array(list(rows.values())))
    if not isinstance(assembly, Assembly):
        raise ParameterError(f"'{dynamics.title}' is a memristive network: its own vjp() and jvp() give gradients")
    for asked in save or dynamics.names:
        address = normal_address(asked)
        match = _DIFFERENCE.match(address)
        if match:
            nets = [unit[dynamics.index(f"v({net})")] if net != "0" else np.zeros(n) for net in match.groups()]
            rows[address] = nets[0] - nets[1]
        else:
            rows[address] = unit[_unknown(dynamics, assembly, address)]
    return Observed(tuple(rows), np.array(list(rows.values())))


def _unknown(dynamics: Dynamics, assembly: Assembly, address: str) -> int:
    if address in assembly.index:
        return assembly.index[address]
    if address.startswith("i(") and address[2:-1] in assembly.place:
        raise UnknownNameError(
            f"'{address}' is not an unknown of its own; put a source of 0 V in series with {address[2:-1]} and take "
            "its current"
        )
    return dynamics.index(address)
