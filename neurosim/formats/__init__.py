"""Result files: `save` and `load` choose the format by suffix; one file in this folder is one format.

Signal graphs, memristive networks and their networkx graphs are saved and loaded by the same two functions, as
``.json`` or ``.graphml``; memristive networks as netlists (``.cir``) too.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic import atomic_write
from neurosim.errors import FormatError, NeurosimError
from neurosim.formats.format import Format
from neurosim.registry import Registry
from neurosim.results import Result

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.memristive.network import MemristiveNetwork

formats: Registry[Format] = Registry("format", "neurosim.formats", "format", "neurosim.formats")
"""All formats by name; third-party packages add theirs by the entry point group ``neurosim.formats``."""


def format_for(path: str | os.PathLike[str], name: str | None = None) -> Format:
    """Return the format called `name`, or the one that the suffix of `path` asks for.

    Raises
    ------
    FormatError
        No format has this suffix.
    UnknownNameError
        No format has this name.
    """
    if name is not None:
        return formats.get(name)
    suffix = Path(path).suffix.lower()
    for candidate in formats:
        if suffix in candidate.suffixes:
            return candidate
    known = ", ".join(f"{ending} ({candidate.name})" for candidate in formats for ending in candidate.suffixes)
    ending = f"the suffix '{suffix}'" if suffix else "no suffix"
    raise FormatError(f"'{path}' has {ending}, which names no result format; known: {known}")


NETLIST = ".cir"
_GRAPH_MODULES = {".json": "graph_json", ".graphml": "graphml", NETLIST: "network_netlist"}


def _graph_module(path: str | os.PathLike[str]) -> Any:
    suffix = Path(path).suffix.lower()
    if suffix not in _GRAPH_MODULES:
        raise FormatError(f"'{path}': a graph is kept as {' or '.join(_GRAPH_MODULES)}, not '{suffix}'")
    return importlib.import_module(f"neurosim.formats.graphs.{_GRAPH_MODULES[suffix]}")


def holds_graph(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a saved graph: its suffix or the first lines of its text say so. A netlist is a circuit."""
    suffix = Path(path).suffix.lower()
    if suffix not in _GRAPH_MODULES or suffix == NETLIST:
        return False
    if suffix != ".json":
        return True
    try:
        with open(path, "rb") as file:
            return re.search(rb'"format"\s*:\s*"neurosim (graph|memristive network)"', file.read(4096)) is not None
    except OSError:
        return False


def save(
    result: Result | Sequence[Result] | SignalGraph | MemristiveNetwork | nx.Graph, path: str | os.PathLike[str], *,
    format: str | None = None, **options: Any,
) -> None:  # fmt: skip
    """Write one result, or several where the format can hold them, or a graph, whole or not at all.

    Parameters
    ----------
    result : Result, sequence of Result, SignalGraph, MemristiveNetwork, or networkx graph
        What to write.
    path : path
        Its suffix chooses the format unless `format` names one.
    format : str, optional
        Registry name, ``"csv"``.
    **options
        For the format's writer, as ``binary=False`` for SPICE raw.

    Raises
    ------
    FormatError
        The suffix is unknown, the place cannot be written, or the format cannot hold this.
    """
    if not isinstance(result, (Result, Sequence)):
        module = _graph_module(path)
        with atomic_write(path) as temporary:
            module.write_graph(result, temporary)
        return
    chosen = format_for(path, format)
    results = [result] if isinstance(result, Result) else list(result)
    if not results:
        raise FormatError(f"cannot write '{path}': there is no result")
    chosen.check_single(results)
    with atomic_write(path) as temporary:
        chosen.write(results, temporary, **options)


def load_all(path: str | os.PathLike[str], *, format: str | None = None) -> list[Result]:
    """Read every result in a file.

    Raises
    ------
    FormatError
        The file cannot be read or understood; the message says where and what was expected.
    """
    source = Path(path)
    chosen = format_for(path, format)
    try:
        found = chosen.read(source)
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(f"cannot read '{path}': {error.strerror or error}") from error
    except NeurosimError as error:
        raise FormatError(f"'{path}' does not hold a consistent result: {error}") from error
    return found


def load(
    path: str | os.PathLike[str], *, format: str | None = None, number: int | None = None
) -> Result | SignalGraph | MemristiveNetwork | nx.Graph:  # fmt: skip
    """Read one result, or a graph or memristive network from a file that holds one.

    Parameters
    ----------
    path : path
        Its suffix chooses the format unless `format` names one.
    number : int, optional
        Which one, from 0, if the file holds several.

    Raises
    ------
    FormatError
        As `load_all`; or the file holds several and `number` does not choose one.
    """
    is_graph = holds_graph(path) or Path(path).suffix.lower() == NETLIST
    if format is None and number is None and is_graph:
        try:
            return _graph_module(path).read_graph(Path(path))
        except OSError as error:
            raise FormatError(f"cannot read '{path}': {error.strerror or error}") from error
    found = load_all(path, format=format)
    if number is None and len(found) == 1:
        return found[0]
    if number is not None and 0 <= number < len(found):
        return found[number]
    listed = "; ".join(f"{index}: {result!r}" for index, result in enumerate(found))
    raise FormatError(f"'{path}' holds {len(found)} results; choose one by number: {listed}")
