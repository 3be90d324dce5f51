"""Memristive networks as netlists: parts have the names of the edges, nets those of the nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurosim.errors import FormatError, ParameterError


def write_graph(network: Any, path: Path) -> None:
    """Write a network as a netlist; its transient analysis lasts 1 s.

    Raises
    ------
    FormatError
        Not a memristive network, or one with a drive that a netlist cannot say.
    """
    from neurosim.circuit.writer import write_netlist
    from neurosim.memristive.network import MemristiveNetwork

    if not isinstance(network, MemristiveNetwork):
        raise FormatError(f"a {type(network).__name__} cannot be written as a netlist; a MemristiveNetwork can")
    try:
        path.write_text(write_netlist(network.to_circuit()), encoding="utf-8")
    except ParameterError as error:
        raise FormatError(f"network '{network.title}' cannot be written as a netlist: {error}") from None


def read_graph(path: Path) -> Any:
    """The memristive network of a netlist, see `neurosim.memristive.circuits.network_of`."""
    from neurosim.memristive.circuits import network_of

    return network_of(path)
