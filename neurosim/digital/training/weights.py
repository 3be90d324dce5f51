"""Keep the weights of a network in a file, and put them back into a graph with names and shapes checked."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from neurosim.digital.network import DigitalNetwork
from neurosim.digital.training.array_file import read_arrays, write_arrays
from neurosim.errors import FormatError, nearest
from neurosim.graph.signal_graph import SignalGraph


def graph_of(network: DigitalNetwork) -> SignalGraph:
    """The flat graph of a network, with the weights that the network has now."""
    program = network.program
    values = {}
    for name, part in program.parameters.slices.items():
        old = program.graph.parameters[name].value
        if hasattr(old, "tocsr"):
            new = old.copy()
            new.data = program.p[part].copy()
            values[name] = new.toarray()
        else:
            values[name] = program.p[part].reshape(old.shape)
    return program.graph.with_weights(values)


def save_weights(path: str | os.PathLike[str], source: DigitalNetwork | SignalGraph, **notes: Any) -> None:
    """Write the weights to an ``.npz`` file.

    Parameters
    ----------
    path : path
    source : DigitalNetwork or SignalGraph
    **notes
        What made them (script, seed, task), in values that JSON can hold.

    Raises
    ------
    FormatError
    """
    graph = graph_of(source) if isinstance(source, DigitalNetwork) else source
    write_arrays(path, graph.weights(), {"graph": graph.title, **notes})


def load_weights(path: str | os.PathLike[str], graph: SignalGraph) -> SignalGraph:
    """Copy of a graph with the weights of a file that has every parameter of the graph, and no other.

    Raises
    ------
    FormatError
        The file is broken, or a name or shape differs; the message names the parameter.
    """
    arrays, _ = read_arrays(path)
    for name, array in arrays.items():
        if name not in graph.parameters:
            hint = nearest(name, graph.parameters) or f"it has {', '.join(graph.parameters)}"
            raise FormatError(f"'{path}' has weights '{name}', graph '{graph.title}' has not; {hint}")
        shape = graph.parameters[name].value.shape
        if array.shape != shape or not np.issubdtype(array.dtype, np.floating):
            raise FormatError(f"'{path}': weights '{name}' are {array.dtype} of shape {array.shape}, not {shape}")
    missing = [name for name in graph.parameters if name not in arrays]
    if missing:
        raise FormatError(f"'{path}' lacks the weights {', '.join(missing)} of graph '{graph.title}'")
    return graph.with_weights(arrays)


def read_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file of weights says of its making.

    Raises
    ------
    FormatError
    """
    return read_arrays(path)[1]
