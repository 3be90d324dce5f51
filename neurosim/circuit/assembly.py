"""From a Circuit to a System: unknowns, batches of equal structure, parameters, and what an analysis needs to start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.model import Circuit
from neurosim.circuit.sensing import sensed_part
from neurosim.devices import devices
from neurosim.devices.device import Bound, Current, Device, Equation, Instance, Rate, Structure
from neurosim.errors import NetlistError, ParameterError, UnknownNameError, nearest
from neurosim.kernels.builder import GROUND, BatchSpec, System, Unknown, build_system

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
    place : mapping of str to (int, int)
        Batch and position within it of each instance.
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
    place: dict[str, tuple[int, int]]
    start: np.ndarray
    held: np.ndarray
    columns: list[dict[str, np.ndarray]]
    devices: list[Device]
    structures: list[Structure]
    members: list[list[Instance]] = field(default_factory=list)
    given: frozenset[int] = frozenset()

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
        batch = self.system.batches[number]
        for row in range(rows.shape[1]):
            self.system.arrays.parameters[self.system.parameter_places(number, row)] = rows[:, row]
        batch.parameters[:, : rows.shape[1]] = rows


def normal_address(address: str) -> str:
    """Lower case without spaces; ``gnd`` is ``0``."""
    return re.sub(r"\s+", "", address.lower())


def assemble(circuit: Circuit) -> Assembly:
    """Build the System of a circuit. Nothing is compiled for a new topology.

    Raises
    ------
    NetlistError
        For a parameter out of bounds or a sensed element that does not exist, with its place.
    """
    unknowns: list[Unknown] = []
    index: dict[str, int] = {}
    start: list[float] = []
    held: list[int] = []
    given: set[int] = set()

    def add(unknown: Unknown, value: float = 0.0) -> int:
        index[unknown.name] = len(unknowns)
        unknowns.append(unknown)
        start.append(value)
        return len(unknowns) - 1

    nets = {"0": GROUND}
    for net in circuit.nets:
        guess = circuit.initial_voltages.get(net, circuit.nodeset.get(net, 0.0))
        nets[net] = add(Unknown(f"v({net})", "voltage", "V"), guess)

    groups: dict[tuple[str, Structure], list[int]] = {}
    # Instances of one card share a structure object: comparing and hashing structures is done once for each.
    group_of: dict[tuple[str, int], tuple[Structure, list[int]]] = {}
    for number, instance in enumerate(circuit.instances):
        device = devices.get(instance.device)
        structure = device.specialise(instance) if device.specialise else device.structure
        key = (device.name, id(structure))
        if key not in group_of:
            group_of[key] = (structure, groups.setdefault((device.name, structure), []))
        group_of[key][1].append(number)

    local: dict[int, dict[str, int]] = {}
    batch_columns: list[dict[str, np.ndarray]] = []
    values_of: dict[str, dict[str, float]] = {}
    for (name, structure), members in groups.items():
        device = devices.get(name)
        known: dict[tuple[tuple[str, float], ...], dict[str, float]] = {}
        completed = [_complete(device, circuit.instances[number], known) for number in members]
        columns = {
            p.name: np.array([values[p.name] for values in completed], float) for p in device.parameters
        }
        columns["temperature"] = np.full(len(members), circuit.temperature + ZERO_CELSIUS)
        columns["nominal_temperature"] = np.full(len(members), circuit.nominal_temperature + ZERO_CELSIUS)
        batch_columns.append(columns)
        charges = device.initial_charge(columns) if device.initial_charge else {}
        for position, number in enumerate(members):
            instance = circuit.instances[number]
            values = completed[position]
            values_of[instance.name] = values
            if len(instance.nets) != len(structure.terminals):
                raise NetlistError(
                    f"'{instance.name}' has {len(instance.nets)} nets, device '{name}' has "
                    f"{len(structure.terminals)} terminals ({', '.join(structure.terminals)})",
                    instance.location,
                )
            names = dict(zip(structure.terminals, (nets[net] for net in instance.nets), strict=True))
            for internal in structure.internals:
                is_branch = internal.kind == "current" and internal.name == "i"
                sensed = sensed_part(instance.name) if is_branch else None
                label = f"i({sensed or instance.name})" if is_branch else f"{instance.name}.{internal.name}"
                unit = {"current": "A", "voltage": "V", "charge": "C"}.get(internal.kind, "")
                value = float(charges[internal.name][position]) if internal.name in charges else 0.0
                names[internal.name] = add(Unknown(label, internal.kind, unit, scale=internal.scale), value)
                if value != value:
                    start[-1] = 0.0
                elif internal.name in charges:
                    given.add(names[internal.name])
                if sensed is not None:
                    index[f"i({instance.name})"] = names[internal.name]
            for state in structure.states:
                lower, upper, initial, scale = (
                    _bound(b, values) for b in (state.lower, state.upper, state.initial, state.scale)
                )
                if not lower <= initial <= upper:
                    raise NetlistError(
                        f"'{instance.name}': initial {state.name} = {initial:g} {state.unit} is outside "
                        f"[{lower:g}, {upper:g}]",
                        instance.location,
                    )
                label = f"{instance.name}.{state.name}"
                names[state.name] = add(Unknown(label, "state", state.unit, lower, upper, abs(scale)), initial)
                if state.held:
                    held.append(names[state.name])
            local[number] = names

    batches: list[BatchSpec] = []
    place: dict[str, tuple[int, int]] = {}
    largest_step = np.inf
    group_devices, group_structures, group_members = [], [], []
    for ((name, structure), members), columns in zip(groups.items(), batch_columns, strict=True):
        device = devices.get(name)
        instances = [circuit.instances[number] for number in members]
        for position, (number, instance) in enumerate(zip(members, instances, strict=True)):
            place[instance.name] = (len(batches), position)
            for control, address in zip(structure.controls, instance.controls, strict=True):
                key = address if address in index else normal_address(address)
                if key != "v(0)" and key not in index:
                    raise NetlistError(
                        f"'{instance.name}' senses {address}, which is not an unknown of this circuit",
                        instance.location,
                        hint=nearest(key, index),
                    )
                local[number][control] = index.get(key, GROUND)
            for own, (control, parameter) in device.needs.items():
                owner = instance.controls[control][2:-1]
                columns[own][position] = values_of[owner][parameter]
        maps = [local[number] for number in members]
        inputs = np.array(
            [[(m[a], GROUND if b is None else m[b]) for a, b in structure.inputs] for m in maps], np.int64
        ).reshape(len(maps), len(structure.inputs), 2)
        flows = np.array([[_ends(flow, m) for flow in structure.flows] for m in maps], np.int64).reshape(
            len(maps), len(structure.flows), 2
        )
        rows = _parameter_rows(device, columns, instances)
        table: list[float] = list(structure.constants)
        if device.uses_table:
            places = np.cumsum([0, *(len(i.table) for i in instances)])
            extra = np.stack([places[:-1] + len(table), np.diff(places)], 1)
            table += [value for i in instances for value in i.table]
            rows = np.concatenate([rows, extra.astype(float)], 1)
        has_law = device.law is not None
        batches.append(
            BatchSpec(
                label=name, inputs=inputs, flows=flows, parameters=rows,
                mass=_mass(device, structure, columns, len(members)),
                law=device.law,
                law_inputs=(len(structure.inputs) if structure.law_inputs is None else structure.law_inputs)
                if has_law else 0,
                law_flows=(len(structure.flows) if structure.law_flows is None else structure.law_flows)
                if has_law else 0,
                accept=device.accept, accept_writes_states=device.accept_writes_states, events=device.events,
                jump=device.jump, start=device.start, event_count=device.event_count, is_linear=device.is_linear,
                dependence=structure.dependence, wiring=structure.wiring, memory_rows=structure.memory_rows,
                scratch_rows=structure.scratch_rows, table=table, code=structure.code,
                names=[i.name for i in instances],
            )
        )  # fmt: skip
        if device.largest_step:
            largest_step = min(largest_step, float(device.largest_step(columns)))
        group_devices.append(device)
        group_structures.append(structure)
        group_members.append(instances)

    def corners(t_start: float, t_stop: float) -> np.ndarray:
        times: list[float] = []
        for device, members in zip(group_devices, group_members, strict=True):
            if device.breakpoints:
                for instance in members:
                    times += device.breakpoints(values_of[instance.name], instance.table, t_start, t_stop)
        unique = np.unique(np.array(times, float))
        return unique[(unique > t_start) & (unique < t_stop)]

    system = build_system(
        unknowns, batches, temperature=circuit.temperature + ZERO_CELSIUS,
        gmin=float(circuit.options.get("gmin", 1e-12)), breakpoints=corners, largest_step=largest_step,
        held=[*held, *(nets[net] for net in circuit.initial_voltages if nets.get(net, GROUND) != GROUND)],
    )  # fmt: skip
    return Assembly(
        circuit, system, index, place, np.array(start), np.array(sorted(held), np.int64), batch_columns,
        group_devices, group_structures, group_members, frozenset(given),
    )  # fmt: skip


def _complete(
    device: Device, instance: Instance, known: dict[tuple[tuple[str, float], ...], dict[str, float]]
) -> dict[str, float]:
    """Values with defaults; instances with the same given values share them."""
    key = tuple(instance.values.items())
    if key not in known:
        try:
            known[key] = device.complete(instance.values)
        except ParameterError as error:
            raise NetlistError(f"'{instance.name}': {error}", instance.location) from None
    return known[key]


def _bound(bound: Bound, values: Mapping[str, float]) -> float:
    return values[bound] if isinstance(bound, str) else float(bound)


def _ends(flow: Current | Rate | Equation, names: Mapping[str, int]) -> tuple[int, int]:
    """Rows to which a flow is added and from which it is taken, in ``M y' = f``."""
    if isinstance(flow, Current):
        return (GROUND if flow.minus is None else names[flow.minus], names[flow.plus])
    return (names[flow.state if isinstance(flow, Rate) else flow.row], GROUND)


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
    return {
        (r, c): -value if isinstance(structure.flows[r], Current) else value for (r, c), value in entries.items()
    }
