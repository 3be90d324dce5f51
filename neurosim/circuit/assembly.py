"""From a Circuit to a System: unknowns, batches of equal structure, parameters, and what an analysis needs to start."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.circuit.groups import Group, Parts, group_parts
from neurosim.circuit.model import Circuit
from neurosim.circuit.sensing import sensed_part
from neurosim.devices.device import MOST_WITH_EVENTS, Current, Device, Instance, Rate, Structure
from neurosim.errors import NetlistError, UnknownNameError, nearest
from neurosim.kernels.builder import GROUND, BatchSpec, System, build_system
from neurosim.kernels.unknowns import Unknowns

ZERO_CELSIUS = 273.15


@dataclass
class Assembly:
    """A System with the names of its circuit.

    Attributes
    ----------
    circuit : Circuit
    system : System
    index : mapping of str to int
        Unknown number by address (``"v(a)"``, ``"i(v1)"``, ``"m1.x"``).
    start : ndarray, shape (n,)
        First guess of y: initial states and charges, ``.ic`` and ``.nodeset`` voltages.
    held : ndarray of int
        States with memory: an operating point keeps them at `start`.
    columns : list of mapping
        Parameter values of each batch.
    given : frozenset of int
        Charges and primitives whose value in `start` is an initial condition.
    """

    circuit: Circuit
    system: System
    index: dict[str, int]
    start: np.ndarray
    held: np.ndarray
    columns: list[dict[str, np.ndarray]]
    devices: list[Device]
    structures: list[Structure]
    members: list[list[Instance]]
    given: frozenset[int] = frozenset()

    @cached_property
    def place(self) -> dict[str, tuple[int, int]]:
        """Batch and position within it of each instance."""
        return _places(self.members)

    def unknown(self, address: str) -> int:
        """Number of the unknown with this address.

        Raises
        ------
        UnknownNameError
            If there is none; the message names the nearest.
        """
        key = normal_address(address)
        if key not in self.index:
            raise UnknownNameError(f"no unknown '{address}' in this circuit; {nearest(key, self.index)}")
        return self.index[key]

    def initial_charges(self) -> np.ndarray:
        """``M y`` at the start under ``uic``: initial voltages of capacitors, currents of inductors, states, ``.ic``.

        Returns
        -------
        ndarray, shape (n + 1,)
        """
        n = self.system.size
        y = np.append(self.start, 0.0)
        q = np.zeros(n + 1)
        for number, batch in enumerate(self.system.batches):
            device, columns = self.devices[number], self.columns[number]
            given = device.initial_inputs(columns) if device.initial_inputs else {}
            for (r, c), m in batch.mass.items():
                plus, minus = batch.inputs[:, c, 0], batch.inputs[:, c, 1]
                u = y[plus] - y[minus]
                if c in given:
                    value = np.broadcast_to(given[c], u.shape)
                    u = np.where(np.isnan(value), u, value)
                np.add.at(q, batch.flows[:, r, 0], m * u)
                np.add.at(q, batch.flows[:, r, 1], -m * u)
        q[n] = 0.0
        return q

    def excitation(self) -> np.ndarray:
        """Small-signal drive of an AC analysis, complex, shape (n,)."""
        b = np.zeros(self.system.size + 1, complex)
        for number, batch in enumerate(self.system.batches):
            device = self.devices[number]
            if device.excitation:
                for r, value in device.excitation(self.columns[number]).items():
                    np.add.at(b, batch.flows[:, r, 0], value)
                    np.add.at(b, batch.flows[:, r, 1], -value)
        return b[:-1]

    def frequency_response(self, omega: float) -> Any:
        """What devices add to df/dy at the angular frequency `omega`: (rows, columns, complex values)."""
        rows, columns, values = [], [], []
        for number, batch in enumerate(self.system.batches):
            device = self.devices[number]
            if device.frequency_response:
                for (r, c), value in device.frequency_response(omega, self.columns[number]).items():
                    value = np.broadcast_to(value, batch.count)
                    for flow_end, flow_sign in ((0, 1), (1, -1)):
                        for input_end, input_sign in ((0, 1), (1, -1)):
                            i, j = batch.flows[:, r, flow_end], batch.inputs[:, c, input_end]
                            kept = (i >= 0) & (j >= 0)
                            rows.append(i[kept])
                            columns.append(j[kept])
                            values.append(flow_sign * input_sign * value[kept])
        if not rows:
            return np.empty(0, int), np.empty(0, int), np.empty(0, complex)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)

    def set_value(self, instance: str, parameter: str, value: float) -> None:
        """Change one parameter that the device passes on to its law (a swept source value).

        Raises
        ------
        UnknownNameError, ParameterError
        """
        if instance not in self.place:
            raise UnknownNameError(f"no element '{instance}' in this circuit; {nearest(instance, self.place)}")
        number, position = self.place[instance]
        device, columns = self.devices[number], self.columns[number]
        name = device.parameter(parameter).name
        columns[name][position] = device.complete({**self.members[number][position].values, name: value})[name]
        rows = _parameter_rows(device, columns, self.members[number])
        self.system.change_parameters(number, rows)


def normal_address(address: str) -> str:
    """Lower case without spaces; ``gnd`` is ``0``."""
    return re.sub(r"\s+", "", address.lower())


def assemble(circuit: Circuit, parts: Parts | None = None, *, holds_outcomes: bool = True) -> Assembly:
    """Build the System of a circuit. Nothing is compiled for a new topology.

    Parameters
    ----------
    circuit : Circuit
    parts : Parts, optional
        Its parts by group, where they are known already.
    holds_outcomes : bool
        Whether comparisons inside expressions keep their outcome from event to event, as a run in time wants it; else
        f(t, y) depends on y alone.

    Raises
    ------
    NetlistError
        For a parameter out of bounds or a sensed element that does not exist, with its place.
    """
    parts = parts or group_parts(circuit)
    structures = [group.structure for group in parts.groups]
    counts = [len(s.internals) + len(s.states) for s in structures]
    nets = len(parts.nets) - 1
    first = np.cumsum([nets, *(count * len(group.members) for count, group in zip(counts, parts.groups))])
    if first[-1] == 0:
        raise NetlistError(
            "every part stands between ground and ground: there is nothing to solve",
            circuit.instances[0].location if circuit.instances else None,
            hint="name the nets of the parts; '0' and 'gnd' are ground",
        )
    unknowns = Unknowns.empty(int(first[-1]))
    unknowns.describe(slice(nets), [f"v({net})" for net in itertools.islice(parts.nets, nets)], "V")
    unknowns.kinds[:nets] = "voltage"
    start = np.zeros(len(unknowns))
    for net, voltage in (*circuit.nodeset.items(), *circuit.initial_voltages.items()):
        if parts.nets.get(net, nets) < nets:
            start[parts.nets[net]] = voltage

    locals_of = [
        _place(group, int(at), count, parts, unknowns) for group, at, count in zip(parts.groups, first[:-1], counts)
    ]
    index = dict(zip(unknowns.names, range(len(unknowns))))
    columns_of: list[dict[str, np.ndarray]] = []
    held = []
    given: set[int] = set()
    for group, local in zip(parts.groups, locals_of):
        _add_ammeters(group, local, index)
        columns = _columns(circuit, group.device, group.members)
        columns_of.append(columns)
        _set_charges(group.device, group.structure, columns, local, start, given)
        _set_states(group.structure, group.members, columns, local, unknowns, start)
        held += [local[state.name] for state in group.structure.states if state.held]

    members = [group.members for group in parts.groups]
    group_devices = [group.device for group in parts.groups]
    if any(device.needs for device in group_devices):
        _fill_needs(group_devices, members, columns_of)
    optional = sum(len(g.members) for g in parts.groups if g.device.without_events and g.structure.memory_rows)
    batches = [
        _batch(group, local, columns, index, holds_outcomes and optional <= MOST_WITH_EVENTS)
        for group, local, columns in zip(parts.groups, locals_of, columns_of)
    ]
    largest_step = min(
        (float(device.largest_step(c)) for device, c in zip(group_devices, columns_of) if device.largest_step),
        default=np.inf,
    )

    def corners(t_start: float, t_stop: float) -> np.ndarray:
        times: list[float] = []
        for device, group, columns in zip(group_devices, members, columns_of):
            if device.breakpoints:
                for position, instance in enumerate(group):
                    values = {p.name: float(columns[p.name][position]) for p in device.parameters}
                    times += device.breakpoints(values, instance.table, t_start, t_stop)
        unique = np.unique(np.array(times, float))
        return unique[(unique > t_start) & (unique < t_stop)]

    states = np.sort(np.concatenate(held)) if held else np.empty(0, np.int64)
    fixed = [parts.nets[net] for net in circuit.initial_voltages if parts.nets.get(net, nets) < nets]
    system = build_system(
        unknowns, batches, temperature=circuit.temperature + ZERO_CELSIUS,
        gmin=float(circuit.options.get("gmin", 1e-12)), breakpoints=corners, largest_step=largest_step,
        held=[*states.tolist(), *fixed],
    )  # fmt: skip
    return Assembly(
        circuit, system, index, start, states, columns_of, group_devices, structures, members, frozenset(given)
    )


_EQUAL = ("analyses", "initial_voltages", "nodeset", "options", "temperature", "nominal_temperature", "dialect")


def reassemble(base: Assembly, start: np.ndarray, circuit: Circuit) -> Assembly | None:
    """What `assemble` gives for a circuit like that of another assembly but for values of some parts.

    Parameters
    ----------
    base : Assembly
        After `System.own_parameters`.
    start : ndarray, shape (n,)
        Its `start` as `assemble` made it.
    circuit : Circuit

    Returns
    -------
    Assembly or None
        With parameters of its own for every block; None where more differs than numbers of this kind.

    Raises
    ------
    NetlistError
        For a parameter out of bounds.
    """
    old = base.circuit
    if len(old.instances) != len(circuit.instances) or any(device.needs for device in base.devices):
        return None
    if any(getattr(old, name) != getattr(circuit, name) for name in _EQUAL):
        return None
    members, columns_of, changed = list(base.members), list(base.columns), {}
    for a, b in zip(old.instances, circuit.instances):
        if a is b:
            continue
        number, position = base.place.get(b.name, (-1, -1))
        if a.name != b.name or not _differ_in_values(a, b, base.devices[number], base.structures[number]):
            return None
        if number not in changed:
            changed[number] = None
            members[number] = list(members[number])
        members[number][position] = b
    system, given, start = base.system, set(base.given), start.copy()
    unknowns = system.unknowns.with_own_numbers()
    for number in changed:
        device, structure, batch = base.devices[number], base.structures[number], system.batches[number]
        columns = columns_of[number] = _columns(circuit, device, members[number])
        own = [*(i.name for i in structure.internals if i.kind == "charge"), *(s.name for s in structure.states)]
        local = {name: np.array([base.index[f"{i.name}.{name}"] for i in members[number]], np.int64) for name in own}
        _set_charges(device, structure, columns, local, start, given)
        _set_states(structure, members[number], columns, local, unknowns, start)
        rows, table = _numbers(device, structure, columns, members[number])
        mass = _mass(device, structure, columns, batch.count)
        changed[number] = replace(batch, parameters=rows, table=table, mass=mass)
    made = system.with_numbers(changed, unknowns)
    if made is None or not np.array_equal(unknowns.scale, system.unknowns.scale):
        return None
    return replace(
        base, circuit=circuit, system=made, start=start, columns=columns_of, members=members, given=frozenset(given)
    )


def _differ_in_values(a: Instance, b: Instance, device: Device, structure: Structure) -> bool:
    """Whether two parts of one name differ in numbers alone that only parameters of the law, M and states hang on."""
    if device.breakpoints or device.largest_step or device.without_events or len(a.table) != len(b.table):
        return False
    if (a.device, a.nets, a.controls, a.expressions) != (b.device, b.nets, b.controls, b.expressions):
        return False
    return device.specialise is None or device.specialise(b) == structure


_UNITS = {"current": "A", "voltage": "V", "charge": "C"}


def _place(group: Group, first: int, width: int, parts: Parts, unknowns: Unknowns) -> dict[str, np.ndarray]:
    """Numbers of a group's unknowns by local name; those of its own, `width` for each part, are described here."""
    structure = group.structure
    nets = np.where(group.nets == parts.ground, GROUND, group.nets)
    local = dict(zip(structure.terminals, nets.T))
    names = [instance.name for instance in group.members]
    stop = first + width * len(names)
    for offset, internal in enumerate(structure.internals):
        own = slice(first + offset, stop, width)
        local[internal.name] = np.arange(own.start, stop, width)
        if internal.kind == "current" and internal.name == "i":
            addresses = [f"i({sensed_part(name) or name})" for name in names]
        else:
            addresses = [f"{name}.{internal.name}" for name in names]
        unknowns.describe(own, addresses, _UNITS.get(internal.kind, ""))
        unknowns.kinds[own], unknowns.scale[own] = internal.kind, internal.scale
    for offset, state in enumerate(structure.states, len(structure.internals)):
        own = slice(first + offset, stop, width)
        local[state.name] = np.arange(own.start, stop, width)
        unknowns.describe(own, [f"{name}.{state.name}" for name in names], state.unit)
        unknowns.kinds[own] = "state"
    return local


def _add_ammeters(group: Group, local: Mapping[str, np.ndarray], index: dict[str, int]) -> None:
    """The current of an ammeter has its own address beside that of the part that it senses."""
    for position, instance in enumerate(group.members if "i" in local else ()):
        if sensed_part(instance.name) is not None:
            index[f"i({instance.name})"] = int(local["i"][position])


def _columns(circuit: Circuit, device: Device, members: list[Instance]) -> dict[str, np.ndarray]:
    """Parameters of parts of one device, and their temperatures [K]."""
    columns = device.columns(members)
    columns["temperature"] = np.full(len(members), circuit.temperature + ZERO_CELSIUS)
    columns["nominal_temperature"] = np.full(len(members), circuit.nominal_temperature + ZERO_CELSIUS)
    return columns


def _set_charges(
    device: Device, structure: Structure, columns: Mapping[str, np.ndarray], local: Mapping[str, np.ndarray],
    start: np.ndarray, given: set[int],
) -> None:  # fmt: skip
    """Initial charges, and which of them the parts name."""
    charges = device.initial_charge(columns) if device.initial_charge else {}
    for internal in structure.internals:
        if internal.name in charges:
            # NaN where the part names no initial condition
            places, values = local[internal.name], np.asarray(charges[internal.name], float)
            start[places] = np.where(np.isnan(values), 0.0, values)
            given.difference_update(places.tolist())
            given.update(places[~np.isnan(values)].tolist())


def _set_states(
    structure: Structure, members: list[Instance], columns: Mapping[str, np.ndarray], local: Mapping[str, np.ndarray],
    unknowns: Unknowns, start: np.ndarray,
) -> None:  # fmt: skip
    """Bounds, scales and initial values of the states."""
    for state in structure.states:
        lower, upper, initial, scale = (
            columns[bound] if isinstance(bound, str) else np.full(len(members), float(bound))
            for bound in (state.lower, state.upper, state.initial, state.scale)
        )
        outside = ~((lower <= initial) & (initial <= upper))
        if outside.any():
            k = int(outside.argmax())
            raise NetlistError(
                f"'{members[k].name}': initial {state.name} = {initial[k]:g} {state.unit} is outside "
                f"[{lower[k]:g}, {upper[k]:g}]",
                members[k].location,
            )
        own = local[state.name]
        unknowns.lower[own], unknowns.upper[own], unknowns.scale[own] = lower, upper, np.abs(scale)
        start[own] = initial


def _fill_needs(
    group_devices: list[Device], members: list[list[Instance]], columns_of: list[dict[str, np.ndarray]]
) -> None:
    """Parameters whose values belong to other instances (`Device.needs`)."""
    place = _places(members)
    for device, group, columns in zip(group_devices, members, columns_of):
        for own, (control, parameter) in device.needs.items():
            for position, instance in enumerate(group):
                number, at = place[instance.controls[control][2:-1]]
                columns[own][position] = columns_of[number][parameter][at]


def _places(members: list[list[Instance]]) -> dict[str, tuple[int, int]]:
    return {i.name: (number, position) for number, group in enumerate(members) for position, i in enumerate(group)}


def _batch(
    group: Group, local: dict[str, np.ndarray], columns: Mapping[str, np.ndarray], index: Mapping[str, int],
    with_optional_events: bool,
) -> BatchSpec:  # fmt: skip
    device, structure, members = group.device, group.structure, group.members
    count = len(members)
    eventful = True
    if device.without_events and not (structure.memory_rows > 0 and with_optional_events):
        eventful, structure = False, device.without_events(structure)
    local.update(_controls(group, index))
    inputs = np.full((count, len(structure.inputs), 2), GROUND)
    for c, (plus, minus) in enumerate(structure.inputs):
        inputs[:, c, 0] = local[plus]
        if minus is not None:
            inputs[:, c, 1] = local[minus]
    # Rows to which a flow is added and from which it is taken, in M y' = f.
    flows = np.full((count, len(structure.flows), 2), GROUND)
    for r, flow in enumerate(structure.flows):
        if isinstance(flow, Current):
            flows[:, r, 1] = local[flow.plus]
            if flow.minus is not None:
                flows[:, r, 0] = local[flow.minus]
        else:
            flows[:, r, 0] = local[flow.state if isinstance(flow, Rate) else flow.row]
    rows, table = _numbers(device, structure, columns, members)
    has_law = device.law is not None
    return BatchSpec(
        label=device.name, inputs=inputs, flows=flows, parameters=rows,
        mass=_mass(device, structure, columns, count),
        law=device.law,
        law_inputs=(len(structure.inputs) if structure.law_inputs is None else structure.law_inputs) if has_law else 0,
        law_flows=(len(structure.flows) if structure.law_flows is None else structure.law_flows) if has_law else 0,
        accept=device.accept, accept_writes_states=device.accept_writes_states,
        events=device.events if eventful else None, jump=device.jump if eventful else None,
        start=device.start if eventful else None, event_count=device.event_count if eventful else 0,
        is_linear=device.is_linear,
        dependence=structure.dependence, wiring=structure.wiring, memory_rows=structure.memory_rows,
        scratch_rows=structure.scratch_rows, table=table, code=structure.code,
        names=[i.name for i in members],
    )  # fmt: skip


def _numbers(
    device: Device, structure: Structure, columns: Mapping[str, np.ndarray], members: list[Instance]
) -> tuple[np.ndarray, list[float]]:
    """Rows of `p` as an array [instances, rows], and the table."""
    rows, table = _parameter_rows(device, columns, members), list(structure.constants)
    if device.uses_table:
        places = np.cumsum([0, *(len(i.table) for i in members)])
        extra = np.stack([places[:-1] + len(table), np.diff(places)], 1)
        table += [value for i in members for value in i.table]
        rows = np.concatenate([rows, extra.astype(float)], 1)
    return rows, table


_NOT_FOUND = -2


def _controls(group: Group, index: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Numbers of the unknowns that belong to others, by local name."""
    controls = group.structure.controls
    if not controls:
        return {}
    addresses = [address for instance in group.members for address in instance.controls]
    found = np.array([index.get(address, _NOT_FOUND) for address in addresses], np.int64)
    for k in np.flatnonzero(found == _NOT_FOUND):
        found[k] = _sensed(group.members[k // len(controls)], addresses[k], index)
    found = found.reshape(len(group.members), len(controls))
    return dict(zip(controls, found.T))


def _sensed(instance: Instance, address: str, index: Mapping[str, int]) -> int:
    """Number of an unknown whose address is not in normal form, or of ground."""
    key = normal_address(address)
    if key != "v(0)" and key not in index:
        raise NetlistError(
            f"'{instance.name}' senses {address}, which is not an unknown of this circuit",
            instance.location,
            hint=nearest(key, index),
        )
    return index.get(key, GROUND)


def _parameter_rows(device: Device, columns: Mapping[str, np.ndarray], instances: list[Instance]) -> np.ndarray:
    """Rows of `p` as an array [instances, rows]."""
    if device.instance_values:
        rows = [tuple(device.instance_values(instance)) for instance in instances]
        return np.array(rows, float).reshape(len(instances), -1)
    derived = device.derive(columns) if device.derive else [columns[p.name] for p in device.parameters]
    if not len(derived):
        return np.empty((len(instances), 0))
    return np.stack([np.broadcast_to(np.asarray(row, float), len(instances)) for row in derived], 1)


def _mass(
    device: Device, structure: Structure, columns: Mapping[str, np.ndarray], count: int
) -> dict[tuple[int, int], np.ndarray]:
    """Entries m_rc with the sign they have in ``M y' = f``."""
    given = device.mass(columns) if callable(device.mass) else dict(device.mass or {})
    entries = {key: np.broadcast_to(np.asarray(value, float), count) for key, value in given.items()}
    for r, c, value in structure.mass:
        entries[r, c] = entries.get((r, c), 0.0) + np.full(count, value)
    for r, flow in enumerate(structure.flows):
        if isinstance(flow, Rate) and (flow.state, None) in structure.inputs and not any(k[0] == r for k in entries):
            entries[r, structure.inputs.index((flow.state, None))] = np.ones(count)
    # A current F + m u' leaves a net: in M y' = f it stands with the other sign of F.
    return {(r, c): -value if isinstance(structure.flows[r], Current) else value for (r, c), value in entries.items()}
