"""A circuit of memristors, resistors and sources as a `MemristiveNetwork`, and back.

A source that is not at ground joins two nets whose potentials differ by its voltage: one of them is left out, and the
voltage becomes the EMF of the edges that stood there. Nets that such a path joins to ground are electrodes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from neurosim.circuit.checks import check_circuit
from neurosim.circuit.groups import group_parts
from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.devices import devices
from neurosim.devices import waveforms as kinds
from neurosim.devices.device import Instance
from neurosim.devices.memristor_drift_decay import CONVENTIONS
from neurosim.errors import ParameterError
from neurosim.graph import law as words
from neurosim.memristive.edges import CTDV, suits
from neurosim.memristive.network import MemristiveNetwork

RAMP = 1e-6
"""Share of a sample over which a held source moves to the next one in a netlist."""

_SIGNED = {
    kinds.SIN: (1, 2), kinds.PULSE: (1, 2), kinds.EXP: (1, 2), kinds.SFFM: (1, 2), kinds.AM: (1,),
}  # fmt: skip
"""Places of the numbers that change their sign with a waveform."""

_WORDS = {
    kinds.SIN: "SIN", kinds.PULSE: "PULSE", kinds.EXP: "EXP", kinds.SFFM: "SFFM", kinds.AM: "AM", kinds.PWL: "PWL",
}  # fmt: skip

_NET = re.compile(r"[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class _Value:
    """A constant and at most one waveform."""

    constant: float = 0.0
    waveform: tuple[float, ...] = ()
    part: str = ""

    def plus(self, other: _Value, sign: float) -> _Value:
        """Sum with another.

        Raises
        ------
        ParameterError
        """
        waveform = other.waveform if sign > 0.0 else _negative(other.waveform)
        total = self.constant + sign * other.constant
        if (self.waveform and waveform) or ((self.waveform or waveform) and total != 0.0):
            raise ParameterError(
                f"sources '{self.part}' and '{other.part}' act in one place and one of them is a waveform: a "
                "network has one source there; join them to one"
            )
        return _Value(total, self.waveform or waveform, other.part or self.part)

    @property
    def drive(self) -> Any:
        """As a network takes it."""
        if not self.waveform:
            return self.constant
        kind, numbers = self.waveform[0], self.waveform[1:]
        if kind == kinds.PWL:
            tail = "" if np.isnan(numbers[0]) else f" r={numbers[0]!r}"
            return f"PWL({' '.join(map(repr, numbers[1:]))}){tail}"
        return f"{_WORDS[kind]}({' '.join(map(repr, numbers))})"


def _negative(waveform: tuple[float, ...]) -> tuple[float, ...]:
    if not waveform:
        return waveform
    places = _SIGNED.get(waveform[0]) or range(kinds.FIRST_POINT + 1, len(waveform), 2)
    return tuple(-value if k in places else value for k, value in enumerate(waveform))


def network_of(circuit: Circuit | str | Path) -> MemristiveNetwork:
    """A network with the parts of a circuit.

    Parameters
    ----------
    circuit : Circuit, or path of a netlist
        Memristors with one state, resistors, voltage and current sources; subcircuits of these.

    Returns
    -------
    MemristiveNetwork
        Edges have the names of the parts, nodes those of the nets.

    Raises
    ------
    ParameterError
        Another part; the message names it.
    NetlistError
    """
    if not isinstance(circuit, Circuit):
        circuit = read_netlist(circuit)
    check_circuit(circuit, group_parts(circuit))
    if circuit.temperature != 27.0:
        raise ParameterError(f"a memristive network is at 27 degree Celsius, not {circuit.temperature:g}")
    sources = [i for i in circuit.instances if i.device == "voltage_source"]
    shift = _potentials(sources, Counter(net for part in circuit.instances for net in part.nets))
    graph = nx.MultiDiGraph()
    emf: dict[tuple[str, str, str], _Value] = {}
    currents: dict[str, _Value] = {}

    def end(net: str) -> tuple[str, _Value]:
        """The node for a net, and how far the net is above it; nets that sources join to ground stay."""
        root, above = shift.get(net, (net, _Value()))
        return (net, _Value()) if root == "0" else (root, above)

    for part in circuit.instances:
        if part.device == "voltage_source":
            continue
        if part.device == "current_source":
            given = _value(part, part.values.get("multiplier", 1.0))
            for net, sign in zip(part.nets, (-1.0, 1.0), strict=True):
                currents[end(net)[0]] = currents.get(end(net)[0], _Value()).plus(given, sign)
            continue
        attributes = _edge(part)
        (tail, before), (head, behind) = end(part.nets[0]), end(part.nets[1])
        if tail == head:
            raise ParameterError(f"part '{part.name}' stands between nets that voltage sources join: leave it out")
        graph.add_edge(tail, head, key=part.name, name=part.name, **attributes)
        floating = before.plus(behind, -1.0)
        if floating.waveform or floating.constant:
            emf[tail, head, part.name] = floating
    if not graph:
        raise ParameterError(f"circuit '{circuit.title}' has no memristor or resistor")
    electrodes = {net: value.drive for net, (root, value) in shift.items() if root == "0" and net in graph}
    if "0" in graph:
        electrodes["0"] = 0.0
    injected = {net: value.drive for net, value in currents.items() if net in graph and net not in electrodes}
    return MemristiveNetwork(
        graph, sources={edge: value.drive for edge, value in emf.items()}, electrodes=electrodes, currents=injected,
        title=circuit.title,
    )  # fmt: skip


def _value(part: Instance, multiplier: float = 1.0) -> _Value:
    """What a source gives in a transient analysis."""
    if part.table and multiplier != 1.0:
        raise ParameterError(
            f"source '{part.name}' multiplies a waveform by {multiplier:g}: write that into the waveform"
        )
    return _Value(0.0 if part.table else multiplier * part.values.get("dc", 0.0), part.table, part.name)


def _potentials(sources: Sequence[Instance], parts: Counter[str]) -> dict[str, tuple[str, _Value]]:
    """For each net at a voltage source: the net that stands for it, and how far it is above that.

    "0" stands for a net that gets a potential of its own: an electrode. `parts` counts the parts at each net: where
    most meet is the node, the others lie behind EMFs.
    """
    joined = nx.MultiGraph()
    for part in sources:
        if joined.has_node(part.nets[0]) and joined.has_node(part.nets[1]) and nx.has_path(joined, *part.nets):
            raise ParameterError(f"voltage source '{part.name}' closes a loop without resistance")
        joined.add_edge(*part.nets, part=part)
    found: dict[str, tuple[str, _Value]] = {}
    for nets in nx.connected_components(joined):
        root = "0" if "0" in nets else min(nets, key=lambda net: (-parts[net], net))
        found[root] = root, _Value()
        for near, far in nx.bfs_edges(joined, root):
            (data,) = joined[near][far].values()
            part, (base, above) = data["part"], found[near]
            sign = 1.0 if part.nets[0] == far else -1.0
            if near != "0" and base == "0":
                # What stands on an electrode's source is an EMF.
                base, above = near, _Value()
            found[far] = base, above.plus(_value(part), sign)
    return {net: value for net, value in found.items() if net != "0"}


def _edge(part: Instance) -> dict[str, Any]:
    """Attributes of the edge that a part becomes."""
    device = devices.get(part.device)
    if device.name == "resistor" and not part.expressions:
        columns = device.columns([part]) | {name: np.full(1, 300.15) for name in ("temperature", "nominal_temperature")}
        assert device.derive is not None
        return {"resistance": float(1.0 / device.derive(columns)[0][0])}
    if why := suits(device):
        raise ParameterError(
            f"part '{part.name}' is a {device.name}, which a memristive network cannot have: {why}; memristors, "
            "resistors and sources can"
        )
    return {"device": device.name, **part.values}


def circuit_of(net: MemristiveNetwork, stop: float = 1.0) -> Circuit:
    """The circuit of a network: parts have the names of the edges, sources stand at electrodes and in edges.

    Parameters
    ----------
    net : MemristiveNetwork
    stop : float
        End of its transient analysis [s].
    """
    nets = _net_names(net)
    parts: list[Instance] = []
    m, n = net.size, len(net.nodes)
    at: dict[int, _Value] = {
        k: _Value(float(net.sources.constant[k])) for k in np.flatnonzero(net.sources.constant).tolist()
    }
    drives = net.sources.bind(stop)
    for number, place in net.sources.targets.tolist():
        at[place] = _stored(drives, number)
    for k in net.fixed.tolist():
        if nets[k] != "0":
            parts.append(_source("voltage_source", f"v_{nets[k]}", (nets[k], "0"), at.get(m + k, _Value())))
    for k in range(n):
        if m + n + k in at:
            parts.append(_source("current_source", f"i_{nets[k]}", ("0", nets[k]), at[m + n + k]))
    names = [_part_name(name) for name in net.names]
    for group in net.laws.groups:
        for column, e in enumerate(group.edges.tolist()):
            tail, head = nets[net.tail[e]], nets[net.head[e]]
            if e in at:
                parts.append(_source("voltage_source", f"v_{names[e]}", (f"{names[e]}_emf", tail), at[e]))
                tail = f"{names[e]}_emf"
            ends = (tail, head) if net.laws.polarity[e] > 0.0 else (head, tail)
            parts.append(Instance(names[e], group.name, ends, _values(net, group, column, e)))
    if not any("0" in part.nets for part in parts):
        raise ParameterError(f"network '{net.title}' has no ground")
    analysis = TransientAnalysis(stop / 200.0, stop)
    return Circuit(net.title, tuple(parts), (analysis,))


def _values(net: MemristiveNetwork, group: Any, column: int, e: int) -> dict[str, float]:
    """Parameters of one part, with the state at which the network starts."""
    given = {name: float(values[column]) for name, values in group.columns.items()}
    given = {name: value for name, value in given.items()
             if value == value and name not in ("temperature", "nominal_temperature")}  # fmt: skip
    if group.device is None:
        return given
    start = group.device.structure.states[0].initial
    for name, (target, _) in group.device.alternatives.items():
        if target == start:
            given.pop(name, None)
    return given | {start: float(net.laws.initial[e])}


def _source(device: str, name: str, nets: tuple[str, str], value: _Value) -> Instance:
    return Instance(name, device, nets, {} if value.waveform else {"dc": value.constant}, table=value.waveform)


def _stored(drives: Any, number: int) -> _Value:
    """A drive as a constant or a waveform of netlists."""
    kind, _, _, place, count, _ = next(record for record in drives.records if record[1] == number)
    table = drives.table
    if kind == words.CONSTANT:
        return _Value(float(table[place]))
    if kind == words.WAVEFORM:
        return _Value(0.0, tuple(table[place : place + count]))
    if kind == words.INTERPOLATED:
        times, values = table[place : place + count], table[place + count : place + 2 * count]
    else:
        dt, samples = table[place], table[place + 1 : place + 1 + count]
        times = [0.0, *(t for k in range(1, count) for t in (k * dt, (k + RAMP) * dt))]
        values = [samples[0], *(v for k in range(1, count) for v in (samples[k - 1], samples[k]))]
    points = [number for pair in zip(times, values, strict=True) for number in pair]
    return _Value(0.0, (kinds.PWL, float("nan"), *points))


def _net_names(net: MemristiveNetwork) -> list[str]:
    """Names of nodes as nets: their own where a netlist can have them. A node "0" that is at 0 V is ground."""
    own = [str(node).lower() for node in net.nodes]
    constant = net.sources.constant[net.size :]
    fits = all(_NET.match(name) or name == "0" for name in own) and len(set(own)) == len(own)
    if fits and ("0" not in own or (own.index("0") in net.fixed and constant[own.index("0")] == 0.0)):
        return own
    return [f"n{k}" for k in range(len(own))]


def _part_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_.]", "", name.lower().replace("[", "").replace("]", "")) or "part"


def ngspice_netlist(net: MemristiveNetwork, stop: float = 1.0) -> str:
    """Text that ngspice and neurosim both read: devices are behavioural sources, states voltages of capacitors.

    Parameters
    ----------
    net : MemristiveNetwork
        Of the Caravelli-Traversa-Di Ventra equation without window and threshold, and resistors.
    stop : float
        End of its transient analysis [s].

    Raises
    ------
    ParameterError
        A device that has no such form here.
    """
    circuit = circuit_of(net, stop)
    lines = [net.title or "memristive network"]
    for sign, flipped in (("1", False), ("-1", True)):
        share = "1-x" if flipped else "x"
        lines += [
            f".subckt {CONVENTIONS[flipped]} p n r_on=100 r_off=16k drift=1e4 alpha=0 x0=0.5",
            f".func held_{CONVENTIONS[flipped]}(x) {{min(max({share},0),1)}}",
            f"bi p n i=v(p,n)/(r_on+(r_off-r_on)*held_{CONVENTIONS[flipped]}(v(x)))",
            f"br r 0 v=({sign})*(alpha*v(x)-drift*v(p,n)/(r_on+(r_off-r_on)*held_{CONVENTIONS[flipped]}(v(x))))",
            "bx x 0 i=v(r) > 0 ? (v(x) < 1 ? -v(r) : 0) : (v(x) > 0 ? -v(r) : 0)",
            "cx x 0 1 ic={x0}",
            ".ends",
        ]
    lines += [line for part in circuit.instances for line in _spice_card(part)]
    lines += [f".tran {stop / 200.0!r} {stop!r} 0 {stop / 2000.0!r} uic", ".end", ""]
    return "\n".join(lines)


def _spice_card(part: Instance) -> Iterator[str]:
    name, nets, values = part.name.replace(".", "_"), " ".join(part.nets), part.values
    if part.device in ("voltage_source", "current_source"):
        drive = _Value(values.get("dc", 0.0), part.table).drive
        letter = "v" if part.device == "voltage_source" else "i"
        yield f"{letter}{name} {nets} {drive if isinstance(drive, str) else f'dc {drive!r}'}"
    elif part.device == "resistor":
        yield f"r{name} {nets} {values['resistance']!r}"
    elif part.device == CTDV and not values["window"] and not values["threshold"]:
        flipped = values["convention"] == 1.0
        drift = values["r_off" if flipped else "r_on"] / values["beta"]
        given = {"r_on": values["r_on"], "r_off": values["r_off"], "drift": drift, "alpha": values["alpha"]}
        shown = " ".join(f"{key}={value!r}" for key, value in (given | {"x0": values["x0"]}).items())
        yield f"x{name} {nets} {CONVENTIONS[flipped]} {shown}"
    else:
        raise ParameterError(
            f"edge '{part.name}': a {part.device} with window or threshold has no form that ngspice reads here; "
            "to_circuit() keeps it for neurosim"
        )
