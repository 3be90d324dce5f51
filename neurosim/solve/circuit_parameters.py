"""How the parameters of a circuit enter ``M y' = f(t, y)``, and its start: the first factor of every chain rule.

An address (``"r1.resistance"``, a ``.param`` name) moves rows of parameters of laws, entries of M, bounds and initial
values of states. How they move is found at nine points by differences of order 8, from the declarations of the devices
alone; how the flows move with their rows is found by `neurosim.kernels.parameter_slopes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.circuit.assembly import ZERO_CELSIUS, Assembly, _mass, _parameter_rows, normal_address
from neurosim.circuit.model import Circuit
from neurosim.devices import devices
from neurosim.devices.device import Instance, Structure
from neurosim.errors import NetlistError, ParameterError, UnknownNameError, nearest
from neurosim.kernels.parameter_slopes import POINTS
from neurosim.solve.dynamics import Dynamics, parameter_names, with_circuit_values

RELATIVE_STEP = 1e-3
"""Distance of two points of a difference, relative to the parameter; see `neurosim.kernels.parameter_slopes`."""


@dataclass
class ParameterPaths:
    """Derivatives of what the equations take by some parameters.

    Attributes
    ----------
    addresses : list of str
    values : ndarray, shape (parameters,)
    chain : ndarray, shape (parameters, size of ``system.arrays.parameters``)
    step : ndarray, shape (size of ``system.arrays.parameters``,)
        By how much a row is moved for its own differences; 0 for rows that no parameter moves.
    rows : ndarray of int64
        Batch and row, one after the other, of the rows that move.
    mass : ndarray, shape (parameters, entries of M)
    held : ndarray, shape (parameters, n)
        Initial values that the start holds: states with memory, nets under ``.ic``.
    charge : ndarray, shape (parameters, n)
        ``M y`` at a start under ``uic``.
    bounds : dict of int to str
        Unknowns whose bounds move, and the parameter that moves them.
    """

    addresses: list[str]
    values: np.ndarray
    chain: np.ndarray
    step: np.ndarray
    rows: np.ndarray
    mass: np.ndarray
    held: np.ndarray
    charge: np.ndarray
    bounds: dict[int, str] = field(default_factory=dict)


def circuit_parameters(circuit: Circuit) -> list[str]:
    """Addresses of all numbers that were given to parts and move the equations continuously."""
    found = []
    for instance in circuit.instances:
        device = devices.get(instance.device)
        if not device.instance_values:
            found += [
                f"{instance.name}.{p.name}" for p in device.parameters
                if not p.choices and _is_number(instance.values.get(p.name))
            ]  # fmt: skip
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))


def full_address(circuit: Circuit, address: str) -> str:
    """The address in the form that results have: aliases spelled out, lower case.

    Raises
    ------
    UnknownNameError
        There is no such parameter; the message names the nearest.
    """
    key = normal_address(address)
    if key in circuit.parameters:
        return key
    part, _, name = key.rpartition(".")
    for instance in circuit.instances:
        if instance.name == part:
            device = devices.get(instance.device)
            try:
                return f"{part}.{device.parameter(name).name}"
            except ParameterError:
                break
        # the value of a part is its first parameter
        if instance.name == key and (positional := _value_name(instance)):
            return f"{key}.{positional}"
    raise UnknownNameError(
        f"circuit '{circuit.title}' has no parameter '{address}'; {nearest(key, parameter_names(circuit))}"
    )


def _value_name(instance: Instance) -> str:
    """Parameter that stands for the part: R1 is the resistance of R1."""
    rule = devices.get(instance.device).netlist
    return rule.positional[0] if rule and rule.positional else ""


def parameter_value(circuit: Circuit, address: str) -> float:
    """Present value of a parameter (full address).

    Raises
    ------
    ParameterError
        It is a word, or was not given and has no default.
    """
    if address in circuit.parameters:
        return float(circuit.parameters[address])
    part, _, name = address.rpartition(".")
    instance = next(i for i in circuit.instances if i.name == part)
    device = devices.get(instance.device)
    parameter = device.parameter(name)
    value = device.columns([instance])[name][0]
    if parameter.choices:
        raise ParameterError(f"'{address}' is one of {', '.join(parameter.choices)}: it has no derivative")
    if not np.isfinite(value):
        raise ParameterError(f"'{address}' was not given, so there is nothing to differentiate; give it a value")
    return float(value)


def parameter_paths(dynamics: Dynamics, addresses: Sequence[str]) -> ParameterPaths:
    """Differentiate what the equations take by the parameters at `addresses` (full addresses).

    Raises
    ------
    ParameterError
        A parameter changes the shape of the equations, a waveform, or the temperature; the message names it.
    """
    assembly = dynamics.assembly
    assert isinstance(assembly, Assembly)
    system, count = assembly.system, len(addresses)
    system.own_parameters()
    total = system.arrays.parameters.size
    paths = ParameterPaths(
        list(addresses), np.zeros(count), np.zeros((count, total)), np.zeros(total), np.zeros(0, np.int64),
        np.zeros((count, system.arrays.mass_value.size)), np.zeros((count, system.size)),
        np.zeros((count, system.size)),
    )  # fmt: skip
    entries = _Entries(assembly)
    moving: set[tuple[int, int]] = set()
    for k, address in enumerate(addresses):
        paths.values[k] = value = parameter_value(assembly.circuit, address)
        _differentiate(entries, paths, moving, k, address, value)
    paths.rows = np.array(sorted(moving), np.int64).ravel()
    return paths


@dataclass
class _Entries:
    """Everything that the declarations make of one instance, as one vector."""

    assembly: Assembly

    def of(self, circuit: Circuit, parts: Mapping[str, Instance], name: str) -> np.ndarray:
        """Rows of p, entries of M, initial values, bounds, charges and initial inputs of a part."""
        number, _ = self.assembly.place[name]
        device, structure = self.assembly.devices[number], self.assembly.structures[number]
        instance = parts[name]
        made: Structure = device.specialise(instance) if device.specialise else device.structure
        if made != structure or instance.table != self.assembly.members[number][self.assembly.place[name][1]].table:
            raise ParameterError(f"it changes a waveform or the form of the equation of '{name}'")
        columns = self._columns(parts, instance)
        columns["temperature"] = np.full(1, circuit.temperature + ZERO_CELSIUS)
        columns["nominal_temperature"] = np.full(1, circuit.nominal_temperature + ZERO_CELSIUS)
        device_mass = _mass(device, structure, columns, 1)
        inputs = device.initial_inputs(columns) if device.initial_inputs else {}
        charges = device.initial_charge(columns) if device.initial_charge else {}
        bounds = [
            float(columns[b][0]) if isinstance(b, str) else float(b)
            for state in structure.states for b in (state.initial, state.lower, state.upper)
        ]  # fmt: skip
        parts_of_vector = [
            _parameter_rows(device, columns, [instance])[0], [v[0] for v in device_mass.values()], bounds,
            [np.broadcast_to(inputs[c], 1)[0] for c in sorted(inputs)],
            [np.broadcast_to(charges[c], 1)[0] for c in sorted(charges)],
        ]  # fmt: skip
        self.sizes = [len(part) for part in parts_of_vector]
        self.mass_keys, self.input_keys, self.charge_keys = list(device_mass), sorted(inputs), sorted(charges)
        return np.concatenate([np.asarray(part, float) for part in parts_of_vector])

    def _columns(self, parts: Mapping[str, Instance], instance: Instance) -> dict[str, np.ndarray]:
        device = devices.get(instance.device)
        columns = device.columns([instance])
        for own, (control, parameter) in device.needs.items():
            columns[own] = self._columns(parts, parts[instance.controls[control][2:-1]])[parameter]
        return columns


def _differentiate(
    entries: _Entries, paths: ParameterPaths, moving: set[tuple[int, int]], k: int, address: str, value: float
) -> None:
    """Fill row k of the paths."""
    assembly = entries.assembly
    circuit = assembly.circuit
    offsets, step = _points(circuit, address, value)
    weights = _weights(offsets)
    versions: list[Circuit] = []
    try:
        versions = [with_circuit_values(circuit, {address: value + o * step}) for o in offsets]
    except (NetlistError, ParameterError) as error:
        raise ParameterError(f"no derivative by '{address}': near {value:g} {error}") from None
    for version in versions:
        if version.temperature != circuit.temperature or len(version.instances) != len(circuit.instances):
            raise ParameterError(f"no derivative by '{address}': it changes the temperature or the circuit's parts")
    before = {i.name: i for i in circuit.instances}
    named = [{i.name: i for i in version.instances} for version in versions]
    changed = [n for n, i in before.items() if any(_differs(i, parts[n]) for parts in named)]
    needed = {n for n in before if {c[2:-1] for c in before[n].controls} & set(changed)}
    for name in [*changed, *(n for n in before if n in needed and devices.get(before[n].device).needs)]:
        try:
            rows = np.array([entries.of(c, parts, name) for c, parts in zip(versions, named, strict=True)])
        except (NetlistError, ParameterError) as error:
            raise ParameterError(f"no derivative by '{address}': {error}") from None
        still = np.where(np.isfinite(rows).all(axis=0), rows, 0.0)
        # What does not change by more than rounding does not change.
        slopes = np.where(np.ptp(still, axis=0) > 0.0, weights @ still / step, 0.0)
        _place(entries, paths, moving, k, name, slopes, step)
    for net in circuit.initial_voltages:
        given = np.array([version.initial_voltages[net] for version in versions])
        if np.ptp(given) > 0.0 and f"v({net})" in assembly.index:
            paths.held[k, assembly.index[f"v({net})"]] = weights @ given / step


def _differs(one: Instance, other: Instance) -> bool:
    return one is not other and replace(one, location=None) != replace(other, location=None)


def _place(
    entries: _Entries, paths: ParameterPaths, moving: set[tuple[int, int]], k: int, name: str, slopes: np.ndarray,
    step: float,
) -> None:  # fmt: skip
    """Put the derivatives of one part's entries where the system has them."""
    assembly = entries.assembly
    system = assembly.system
    number, position = assembly.place[name]
    batch, structure = system.batches[number], assembly.structures[number]
    by_row, by_mass, by_state, by_input, by_charge = np.split(slopes, np.cumsum(entries.sizes)[:-1])
    for row in np.flatnonzero(by_row):
        at = int(system.parameter_places(number, int(row))[position])
        if batch.law is None:
            continue
        paths.chain[k, at] += by_row[row]
        moving.add((number, int(row)))
        # A row whose value is 0 moves as far as its parameter's own difference moves it.
        own = RELATIVE_STEP * abs(system.arrays.parameters[at]) or abs(by_row[row]) * step
        paths.step[at] = max(paths.step[at], own)
    for (r, c), slope in zip(entries.mass_keys, by_mass, strict=True):
        if slope:
            # M y of a given voltage grows with its capacitance
            paths.charge[k] += _charge(assembly, number, position, r, c, slope)
            for i, j, sign in _ends(batch.flows[position, r], batch.inputs[position, c]):
                paths.mass[k, _entry(assembly, i, j, paths.addresses[k])] += sign * slope
    for s, state in enumerate(structure.states):
        unknown = assembly.index[f"{name}.{state.name}"]
        initial, lower, upper = by_state[3 * s : 3 * s + 3]
        paths.held[k, unknown] += initial
        paths.charge[k, unknown] += initial
        if lower or upper:
            paths.bounds[unknown] = paths.addresses[k]
    for c, slope in zip(entries.input_keys, by_input, strict=True):
        for (r, column), m in batch.mass.items():
            if column == c and slope:
                for row, sign in ((batch.flows[position, r, 0], 1.0), (batch.flows[position, r, 1], -1.0)):
                    if row >= 0:
                        paths.charge[k, row] += sign * m[position] * slope
    for charge, slope in zip(entries.charge_keys, by_charge, strict=True):
        if slope:
            paths.charge[k, assembly.index[f"{name}.{charge}"]] += slope


def _charge(assembly: Assembly, number: int, position: int, r: int, c: int, m: float) -> np.ndarray:
    """``M y`` at a start under ``uic`` of one entry m of a part."""
    device, batch = assembly.devices[number], assembly.system.batches[number]
    y = np.append(assembly.start, 0.0)
    plus, minus = batch.inputs[position, c]
    u = y[plus] - y[minus]
    given = device.initial_inputs(assembly.columns[number]) if device.initial_inputs else {}
    if c in given:
        value = np.broadcast_to(given[c], batch.count)[position]
        u = u if np.isnan(value) else value
    made = np.zeros(y.size)
    for row, sign in zip(batch.flows[position, r], (1.0, -1.0), strict=True):
        made[row] += sign * m * u
    return made[:-1]


def _ends(flow: np.ndarray, source: np.ndarray) -> list[tuple[int, int, float]]:
    """Rows and columns, with signs, into which an entry of a law goes."""
    ends = [(int(i), int(j), si * sj) for i, si in zip(flow, (1.0, -1.0)) for j, sj in zip(source, (1.0, -1.0))]
    return [(i, j, sign) for i, j, sign in ends if i >= 0 and j >= 0]


def _entry(assembly: Assembly, row: int, column: int, address: str) -> int:
    arrays = assembly.system.arrays
    found = np.flatnonzero((arrays.mass_row == row) & (arrays.mass_column == column))
    if not found.size:
        raise ParameterError(f"no derivative by '{address}': what it multiplies is 0 now, so it has no place in M")
    return int(found[0])


def _points(circuit: Circuit, address: str, value: float) -> tuple[np.ndarray, float]:
    """Nine points around a value, in steps, inside the parameter's bounds."""
    lower, upper, scale = -np.inf, np.inf, abs(value)
    if address not in circuit.parameters:
        part, _, name = address.rpartition(".")
        instance = next(i for i in circuit.instances if i.name == part)
        parameter = devices.get(instance.device).parameter(name)
        lower, upper = parameter.minimum, parameter.maximum
        if not scale and isinstance(parameter.default, (int, float)):
            scale = abs(float(parameter.default))
    step = RELATIVE_STEP * (scale or 1.0)
    offsets = np.arange(-POINTS, POINTS + 1)
    room_below, room_above = (int(min((gap / step) * (1 - 1e-9), POINTS)) for gap in (value - lower, upper - value))
    shift = max(0, POINTS - room_below) - max(0, POINTS - room_above)
    return offsets + shift, step


def _weights(offsets: np.ndarray) -> np.ndarray:
    """Weights of the first derivative at 0 by values at some points."""
    powers = np.vander(np.asarray(offsets, float), increasing=True).T
    return np.linalg.solve(powers, np.eye(len(offsets))[1])
