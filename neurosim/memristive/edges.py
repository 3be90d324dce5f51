"""Edges of a memristive network in the form that `neurosim.kernels.edge_laws` takes: parameters, bounds, polarity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from neurosim.devices import devices
from neurosim.devices.device import Current, Device, Instance, Rate
from neurosim.errors import NetlistError, ParameterError, nearest
from neurosim.kernels import edge_laws as words
from neurosim.kernels.abi import BLOCK, CONTEXT_SIZE, SOURCE_SCALE, TEMPERATURE

CTDV = "drift_decay"
"""The device of the Caravelli-Traversa-Di Ventra equation."""

KELVIN = 300.15
"""Temperature that laws are given, 27 degree Celsius."""

PROBES = (-2.0, -0.3, 0.01, 0.7)
"""Voltages [V] at which a device is asked whether its current is proportional to the voltage."""


_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class EdgeGroup:
    """All edges of one device; resistors where `device` is None.

    Attributes
    ----------
    device : Device or None
    edges : ndarray of int
        Their numbers.
    columns : dict of str to ndarray
        Parameters, one value for each edge.
    rows : ndarray, shape (rows, edges)
        What the law takes, shape (rows, 1) where all edges have the same; of resistors the resistance [ohm].
    """

    device: Device | None
    edges: np.ndarray
    columns: dict[str, np.ndarray]
    rows: np.ndarray

    @property
    def name(self) -> str:
        """Of the device."""
        return "resistor" if self.device is None else self.device.name


@dataclass
class Edges:
    """All edges of a network.

    Attributes
    ----------
    groups : list of EdgeGroup
    polarity, initial, lower, upper, scale : ndarray, shape (m,)
        +1 or -1; start, bounds and typical size of the states.
    units : list of str
        Units of the states.
    ohmic : bool
        Whether all currents are proportional to their voltages.
    """

    groups: list[EdgeGroup]
    polarity: np.ndarray
    initial: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    scale: np.ndarray
    state_names: list[str]
    units: list[str]
    ohmic: bool = True

    def __post_init__(self) -> None:
        self.code, self.table = self._lay_out()
        self.context = np.zeros(CONTEXT_SIZE)
        self.context[[SOURCE_SCALE, TEMPERATURE]] = 1.0, KELVIN
        self._work = np.zeros(words.WORK)
        self.ohmic = self._is_ohmic()

    def _lay_out(self) -> tuple[np.ndarray, np.ndarray]:
        """The words for the laws; in the table polarity comes first."""
        records = np.zeros((len(self.groups), words.GROUP_WORDS), np.int64)
        numbers, tables = [], [self.polarity]
        first, place = 1 + records.size, self.polarity.size
        for record, group in zip(records, self.groups, strict=True):
            rows, count = len(group.rows), group.edges.size
            if (np.diff(group.edges) == 1).all() and (self.polarity[group.edges] == 1.0).all():
                record[words.IN_LINE] = group.edges[0] + 1 if count else 0
            record[words.ADDRESS] = 0 if group.device is None or group.device.law is None else group.device.law.address
            record[words.EDGES], record[words.ROWS] = count, rows
            record[words.EDGES_AT], record[words.P_AT] = first, place
            numbers.append(group.edges)
            values, length = group.rows, count
            record[words.ALIKE] = values.shape[1] == 1 and group.device is not None
            if record[words.ALIKE]:
                length = BLOCK + count % BLOCK
                values = np.repeat(values, length, 1)
            whole = length // BLOCK * BLOCK
            blocks = values[:, :whole].reshape(rows, -1, BLOCK).transpose(1, 0, 2)
            tables += [blocks.ravel(), values[:, whole:].ravel()]
            first += count
            place += rows * length
        return np.concatenate([[len(records)], records.ravel(), *numbers]).astype(np.int64), np.concatenate(tables)

    def evaluate(self, v: np.ndarray, x: np.ndarray, derivatives: bool = True) -> tuple[np.ndarray, ...]:
        """Currents (m,) from tail to head, rates (m,) and, if asked, derivatives (4, m): di/dv, di/dx, dx'/dv, dx'/dx.

        Parameters
        ----------
        v : ndarray, shape (m,)
            Voltages across the devices, from tail to head [V].
        x : ndarray, shape (m,)
            States.
        """
        m = self.polarity.size
        current, rate, slopes = np.zeros(m), np.zeros(m), np.zeros((4, m) if derivatives else (4, 0))
        voltages, states = np.array(v, float), np.array(x, float)
        # The words for the laws are work space too.
        with _ONE_AT_A_TIME:
            words.edges_at(
                self.context, self.code, 0, self.table, 0, self._work, voltages, states, current, rate, slopes.ravel(),
                int(derivatives),
            )  # fmt: skip
        return current, rate, slopes

    def _is_ohmic(self) -> bool:
        """Whether currents at the initial states are proportional to the voltage."""
        m = self.polarity.size
        g = [self.evaluate(np.full(m, v), self.initial, False)[0] / v for v in PROBES]
        return all(np.allclose(other, g[0], rtol=1e-12, atol=0.0) for other in g[1:])


def suits(device: Device) -> str:
    """Why a device cannot be an edge: empty where it has two terminals, one voltage and one state."""
    structure = device.structure
    if structure.terminals != ("p", "n") or structure.internals or structure.controls or device.specialise is not None:
        return "it is not a plain part with two terminals"
    if len(structure.states) != 1 or device.law is None:
        return f"it has {len(structure.states)} states; one is needed"
    state = structure.states[0].name
    if structure.inputs != (("p", "n"), (state, None)) or structure.flows != (Current("p", "n"), Rate(state)):
        return "its current and rate do not follow from its voltage and state alone"
    if structure.wiring or structure.mass or device.mass or device.uses_table or device.accept or device.events:
        return "it keeps more than its state"
    if structure.memory_rows or structure.scratch_rows:
        return "its law needs memory beside its state"
    return ""


def device_of(name: str) -> Device:
    """A native memristor that can stand on an edge.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    device = devices.get(name)
    if why := suits(device):
        able = ", ".join(sorted(d.name for d in devices if not suits(d)))
        raise ParameterError(f"device '{name}' cannot be an edge of a memristive network: {why}; these can: {able}")
    return device


def make_group(
    device: Device, edges: np.ndarray, name_of: Callable[[int], str], common: Mapping[str, Any],
    own: Mapping[str, Mapping[int, Any]],
) -> EdgeGroup:  # fmt: skip
    """Parameters of all edges of one device.

    Parameters
    ----------
    device : Device
    edges : ndarray of int
    name_of : callable
        ``name_of(k)``: the name of the k-th of these edges, for messages.
    common : mapping of str to float, word or array_like
        By parameter: for all edges, or one for each.
    own : mapping of str to (mapping of edge number to value)
        By parameter: values of single edges.

    Raises
    ------
    ParameterError
        Names the edge.
    """
    shared: dict[str, Any] = {}
    single: dict[str, Any] = {}
    for name, value in common.items():
        parameter = device.parameter(name).name
        if isinstance(value, (str, int, float, np.number)):
            shared[parameter] = _word(device, parameter, value)
        else:
            values = np.asarray(value, float)
            single[parameter] = dict(zip(edges.tolist(), values[edges].tolist(), strict=True))
    for name, values in own.items():
        parameter = device.parameter(name).name
        single[parameter] = {**single.get(parameter, {}), **values}
    count = edges.size
    if not single:
        columns = _columns(device, [Instance(name_of(0), device.name, (), shared)])
    else:
        instances = []
        for k, e in enumerate(edges.tolist()):
            values = {p: _word(device, p, given[e]) for p, given in single.items() if e in given}
            instances.append(Instance(name_of(k), device.name, (), {**shared, **values}))
        columns = _columns(device, instances)
    if "r_on" in columns and "r_off" in columns and (columns["r_on"] >= columns["r_off"]).any():
        k = int(np.argmax(columns["r_on"] >= columns["r_off"]))
        raise ParameterError(
            f"edge '{name_of(k)}': r_on = {columns['r_on'][k]:g} ohm must be smaller than r_off = "
            f"{columns['r_off'][k]:g} ohm"
        )
    columns |= {name: np.full(1, KELVIN) for name in ("temperature", "nominal_temperature")}
    rows = device.derive(columns) if device.derive else [columns[p.name] for p in device.parameters]
    width = count if single else 1
    return EdgeGroup(
        device, edges, {name: np.broadcast_to(column, count) for name, column in columns.items()},
        np.array([np.broadcast_to(row, width) for row in rows], float),
    )  # fmt: skip


def _columns(device: Device, instances: list[Instance]) -> dict[str, np.ndarray]:
    try:
        return device.columns(instances)
    except NetlistError as error:
        raise ParameterError(f"edge {error.message}") from None


def _word(device: Device, parameter: str, value: Any) -> Any:
    """A value, or the number of a word among the choices."""
    declared = device.parameter(parameter)
    if not isinstance(value, str):
        return float(value)
    if value not in declared.choices:
        raise ParameterError(f"{parameter} = '{value}' of device '{device.name}': {nearest(value, declared.choices)}")
    return float(declared.choices.index(value))


def state_column(group: EdgeGroup, given: Any) -> np.ndarray:
    """Values of a bound, start or scale that a declaration gives as a number or by the name of a parameter."""
    return group.columns[given] if isinstance(given, str) else np.full(group.edges.size, float(given))
