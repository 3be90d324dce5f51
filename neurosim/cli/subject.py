"""What a command works on: a netlist, an architecture by name, a saved graph, or a saved memristive network."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.errors import FormatError, ParameterError, UnknownNameError, nearest

if TYPE_CHECKING:
    from neurosim.circuit.model import Circuit
    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.memristive.network import MemristiveNetwork

Subject = Annotated[str, typer.Argument(help="Netlist, name of an architecture, or file of a graph or network.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Argument or parameter.")]
"""What the commands that take a subject ask for."""

GRAPHS = (".json", ".graphml")
"""Endings of graph files; other files are netlists."""


def subject_of(name: str, settings: list[str]) -> Circuit | SignalGraph | MemristiveNetwork:
    """A circuit from a netlist, a signal graph from an architecture's name or a file, or a saved memristive network.

    Parameters
    ----------
    name : str
    settings : list of str
        ``name=value``: arguments of an architecture; of a netlist ``.param`` names, ``r1.resistance``, ``temp``; of a
        memristive network ``r_off``, ``v(left)``.

    Raises
    ------
    NetlistError, FormatError, ParameterError, UnknownNameError
    """
    path = Path(name)
    if path.suffix.casefold() in GRAPHS or not (path.suffix or path.is_file()):
        if not path.is_file():
            return graph_of(name, settings)
        from neurosim.memristive.network import MemristiveNetwork

        loaded = _loaded(path)
        if not isinstance(loaded, MemristiveNetwork):
            return graph_of(name, settings)
        return loaded.with_parameters(_values(settings)) if settings else loaded
    from neurosim.circuit.reader import read_netlist
    from neurosim.solve.dynamics import with_circuit_values

    circuit = read_netlist(name)
    return with_circuit_values(circuit, _values(settings)) if settings else circuit


def _values(settings: list[str]) -> dict[str, float]:
    """Numbers by address from ``name=value``."""
    from neurosim.units import parse_number

    values = {}
    for text in settings:
        address, separator, value = text.partition("=")
        if not separator or not address:
            raise ParameterError(f"--set {text!r} must look like name=value")
        number = parse_number(value)
        if number is None:
            raise ParameterError(f"--set {text!r}: '{value}' is not a number")
        values[address] = number
    return values


def _loaded(path: Path) -> object:
    """What a graph file holds; None if it is none."""
    from neurosim.formats import holds_graph, load

    return load(path) if holds_graph(path) else None


def graph_of(network: str, settings: list[str]) -> SignalGraph:
    """The signal graph of an architecture's name, or of a graph file.

    Raises
    ------
    FormatError, ParameterError, UnknownNameError
    """
    from neurosim.architectures import architectures

    path = Path(network)
    if path.suffix or path.is_file():
        if settings:
            raise ParameterError("--set is for architectures; a saved graph has its parameters in the file")
        if not path.is_file():
            raise FormatError(f"there is no file '{network}'")
        from neurosim.graph.signal_graph import SignalGraph

        loaded = _loaded(path)
        if not isinstance(loaded, SignalGraph):
            raise FormatError(f"'{network}' holds no signal graph; save one with ns.save(graph, 'net.json')")
        return loaded
    if network not in architectures:
        raise UnknownNameError(
            f"there is no architecture and no file '{network}'; {nearest(network, architectures.names())}"
        )
    architecture = architectures.get(network)
    known = inspect.signature(architecture.build).parameters
    given = dict(map(setting, settings))
    for name in given:
        if name not in known:
            near = nearest(name, list(known)) or f"known: {', '.join(known)}"
            raise UnknownNameError(f"architecture '{network}' has no argument '{name}'; {near}")
    try:
        return architecture.build(**{**architecture.example, **given})
    except (TypeError, ValueError) as error:
        raise ParameterError(f"architecture '{network}': {error}") from None


def setting(text: str) -> tuple[str, object]:
    """Name and value of ``name=value``: a whole number, a number, several with commas, true, false or text.

    Raises
    ------
    ParameterError
    """
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ParameterError(f"--set {text!r} must look like name=value")
    for kind in (int, float):
        try:
            return name, tuple(map(kind, value.split(","))) if "," in value else kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.casefold(), value)


def check_place(path: Path | None) -> None:
    """Refuse a file that cannot be written before the work is done.

    Raises
    ------
    FormatError
    """
    if path is not None and not path.parent.is_dir():
        raise FormatError(f"cannot write to '{path}': the folder '{path.parent}' does not exist; make it first")


def range_of(text: str, option: str) -> tuple[str, float, float]:
    """Name and ends of ``NAME=A..B``.

    Raises
    ------
    ParameterError
    """
    from neurosim.units import parse_number

    name, separator, span = text.partition("=")
    first, _, last = span.partition("..")
    ends = parse_number(first), parse_number(last)
    if not (name and separator) or ends[0] is None or ends[1] is None:
        raise ParameterError(f"{option} {text!r} must look like NAME=A..B, as in rho=0.5..30 or r1.resistance=1k..10k")
    return name, ends[0], ends[1]
