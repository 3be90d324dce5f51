"""Values of a memristive network by address: of its laws (all edges, or one), and the numbers of its sources."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.drives import Held, Interpolated
from neurosim.results import canonical_name
from neurosim.units import parse_number

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork

_SOURCE = re.compile(r"(v|i|emf)\((.*)\)(?:\[(\d+)\])?$")

OF_ALL = ("r_on", "r_off", "beta", "alpha", "polarity", "initial")
"""Arguments of a network that `with_parameters` takes."""


@dataclass(frozen=True)
class SourceAddress:
    """One source of a network.

    Attributes
    ----------
    kind : {"v", "i", "emf"}
    key : node, or number of an edge
    place : int
        In the vector of sources, see `neurosim.memristive.sources.Sources`.
    drive : number, str, Held, Interpolated or other
    number : int or None
        Which of its numbers is meant, None for all.
    """

    kind: str
    key: Any
    place: int
    drive: Any
    number: int | None

    @property
    def numbers(self) -> np.ndarray:
        """All numbers of the drive: the value, those of the waveform's text, or the samples.

        Raises
        ------
        ParameterError
        """
        drive = self.drive
        if isinstance(drive, str):
            return np.array([parse_number(token) for token in _tokens(drive) if parse_number(token) is not None])
        if isinstance(drive, Held):
            return drive.samples.ravel()
        if isinstance(drive, Interpolated):
            return drive.values.ravel()
        if isinstance(drive, (int, float, np.number)):
            return np.array([float(drive)])
        raise ParameterError(f"a source of {type(drive).__name__} has no numbers to differentiate by or to change")

    def changed(self, number: int, value: float) -> Any:
        """The drive with another number."""
        drive = self.drive
        if isinstance(drive, str):
            tokens = _tokens(drive)
            places = [k for k, token in enumerate(tokens) if parse_number(token) is not None]
            tokens[places[number]] = repr(float(value))
            return " ".join(tokens)
        if isinstance(drive, (Held, Interpolated)):
            values = self.numbers.copy()
            values[number] = value
            if isinstance(drive, Held):
                return Held(values.reshape(drive.samples.shape), drive.dt)
            return Interpolated(drive.times, values.reshape(drive.values.shape))
        return float(value)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[(),=]|[^\s(),=]+", text)


def source_at(net: MemristiveNetwork, address: str) -> SourceAddress | None:
    """The source that an address names, ``"v(a)"``, ``"i(a)"``, ``"emf(m[0])"``, with ``[k]`` for one of its numbers.

    None where the address has another form, or names a source that is not there; an edge without EMF has one of 0 V.
    """
    found = _SOURCE.match(address)
    if found is None:
        return None
    kind, inside, number = found[1], found[2], None if found[3] is None else int(found[3])
    m, n = net.size, len(net.nodes)
    if kind == "emf":
        e = number_of(net, inside)
        return None if e is None else SourceAddress(kind, e, e, emf_of(net, e), number)
    given, first = (net.electrodes, m) if kind == "v" else (net.injections, m + n)
    node = node_named(given, inside)
    if node is None:
        return None
    return SourceAddress(kind, node, first + net.node_index(node), given[node], number)


def node_named(nodes: Iterable[Hashable], text: str) -> Hashable | None:
    """The node with this text, ``"(0, 1)"`` for a tuple; spaces and case count only where nothing else differs.

    None where there is no such node, or several.
    """
    key, alike = canonical_name(text), []
    for node in nodes:
        name = str(node)
        if name == text:
            return node
        if canonical_name(name) == key:
            alike.append(node)
    return alike[0] if len(alike) == 1 else None


def number_of(net: MemristiveNetwork, name: str) -> int | None:
    """Number of the edge with this name, None where there is none."""
    try:
        return net.edge_index(name)
    except UnknownNameError:
        return None


def emf_of(net: MemristiveNetwork, e: int) -> Any:
    """The EMF that was given for an edge, 0 for none."""
    data = net.edge_data(e)
    if "emf" in data:
        return data["emf"]
    given = net.arguments["sources"]
    if given is None:
        return 0.0
    if not isinstance(given, Mapping):
        return float(np.asarray(given, float)[e])
    return next((drive for edge, drive in given.items() if net.edge_index(edge) == e), 0.0)


def changed_arguments(net: MemristiveNetwork, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the network was made from, with other values; see `MemristiveNetwork.with_parameters`.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    changed = dict(net.arguments)
    of_sources = {} if changed["sources"] is None else changed["sources"]
    if not isinstance(of_sources, Mapping):
        of_sources = dict(enumerate(np.asarray(of_sources).tolist()))
    parts = {"v": dict(net.electrodes), "i": dict(net.injections), "emf": {}}
    parts["emf"] = {net.edge_index(edge): drive for edge, drive in of_sources.items()}
    known = [*OF_ALL, *(f"v({a})" for a in parts["v"]), *(f"i({a})" for a in parts["i"]), "emf(edge)", "edge.parameter"]
    own: dict[int, dict[str, Any]] = {}
    for address, value in values.items():
        source = source_at(net, address)
        name, _, parameter = address.rpartition(".")
        if source is not None:
            # several numbers of one source may change
            before = replace(source, drive=parts[source.kind].get(source.key, source.drive))
            if source.number is not None and source.number >= before.numbers.size:
                raise UnknownNameError(f"'{address}': the source has {before.numbers.size} numbers")
            new = value if source.number is None else before.changed(source.number, value)
            if source.kind == "emf" and "emf" in net.edge_data(source.key):
                own.setdefault(source.key, {})["emf"] = new
            else:
                parts[source.kind][source.key] = new
        elif address in OF_ALL:
            changed[address] = value
        elif changed["device"] is not None and (declared := _declared(changed["device"], address)):
            device, given = _device(changed["device"])
            changed["device"] = (device, {k: v for k, v in given.items() if _declared(device, k) != declared})
            changed["device"][1][declared] = value
        elif name and (edge := number_of(net, name)) is not None:
            own.setdefault(edge, {})[parameter] = value
        else:
            raise UnknownNameError(f"network '{net.title}' has no parameter '{address}'; {nearest(address, known)}")
    if own:
        changed["graph"] = net.graph.copy()
        for e, attributes in own.items():
            changed["graph"].edges[net.edges[e]].update(attributes)
    return changed | {"sources": parts["emf"], "electrodes": parts["v"], "currents": parts["i"]}


def _device(given: Any) -> tuple[str, dict[str, Any]]:
    return (given, {}) if isinstance(given, str) else (given[0], dict(given[1]))


def _declared(given: Any, name: str) -> str:
    """The name of a parameter of the device, empty where it has none of that name."""
    from neurosim.devices import devices

    found = devices.get(_device(given)[0]).parameters
    return next((p.name for p in found if name == p.name or name in p.aliases), "")
