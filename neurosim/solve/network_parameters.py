"""How the parameters and sources of a memristive network enter its rates and currents.

An address moves rows of the laws of some edges (how far, is found from the declaration of the device by differences of
order 8) or one place in the vector of sources, by what a number of a waveform changes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.drives import Drives, Held, bind_drives
from neurosim.graph.law import TICK_SHARE
from neurosim.graph.layout import Layout
from neurosim.kernels.parameter_slopes import POINTS, WEIGHTS
from neurosim.memristive.edges import CTDV, EdgeGroup
from neurosim.memristive.network import MemristiveNetwork
from neurosim.memristive.parameters import SourceAddress, number_of, source_at

RELATIVE_STEP = 1e-3
"""Of a parameter of a device."""

RELATIVE_STEP_OF_WAVEFORM = 1e-5
"""Of a number of a waveform: a frequency times the length of a run is a large phase."""

OF_THE_EQUATION = ("r_on", "r_off", "beta", "alpha")
"""What has a gradient without being asked for, of the Caravelli-Traversa-Di Ventra equation."""


MOST_MOVING = 1000
"""EMFs that change in time which have a gradient without being asked for."""


@dataclass(frozen=True)
class LawPath:
    """A parameter of the laws of some edges of one device.

    Attributes
    ----------
    address : str
    group : int
    members : ndarray of int
        Which edges of the group.
    values : ndarray, shape (members,)
    chain : dict of int to ndarray, shape (members,)
        Derivative of each row of the law that moves.
    size : dict of int to float
        Typical size of these rows.
    is_one : bool
        Whether one number stands for all of them.
    """

    address: str
    group: int
    members: np.ndarray
    values: np.ndarray
    chain: dict[int, np.ndarray]
    size: dict[int, float]
    is_one: bool


@dataclass(frozen=True)
class SourcePath:
    """Some numbers of one source."""

    address: str
    source: SourceAddress
    places: tuple[int, ...]
    is_one: bool

    @property
    def values(self) -> np.ndarray:
        """Of these numbers."""
        return self.source.numbers[list(self.places)]

    @property
    def is_constant(self) -> bool:
        """Whether the source is one number."""
        return isinstance(self.source.drive, (int, float, np.number))

    def slopes(self, times: np.ndarray, starts: np.ndarray, stop: float) -> np.ndarray:
        """Derivatives of the source by the numbers, shape (times, numbers); `starts` are those of the steps."""
        drive, count = self.source.drive, len(self.places)
        if self.is_constant:
            return np.ones((times.size, 1))
        made = np.zeros((times.size, count))
        if isinstance(drive, Held):
            k = np.clip(np.floor(starts / drive.dt + TICK_SHARE).astype(int), 0, len(drive.samples) - 1)
            return (k[:, None] == np.array(self.places)).astype(float)
        if not isinstance(drive, str):
            for column, place in enumerate(self.places):
                made[:, column] = np.interp(times, drive.times, np.arange(drive.times.size) == place)
            return made
        for column, place in enumerate(self.places):
            value = self.source.numbers[place]
            step = RELATIVE_STEP_OF_WAVEFORM * (abs(value) or 1.0)
            for point in range(POINTS):
                for side in (1.0, -1.0):
                    moved = self.source.changed(place, value + side * (point + 1) * step)
                    made[:, column] += side * WEIGHTS[point] / step * _bound(moved, stop).values(times)[:, 0]
        return made


def _bound(drive: object, stop: float) -> Drives:
    return bind_drives(Layout({"u": slice(0, 1)}, {"u": (1,)}), {"u": drive}, stop)


@dataclass(frozen=True)
class EmfPath:
    """The constant EMFs of all edges."""

    address: str
    values: np.ndarray
    is_one = False


@dataclass
class NetworkPaths:
    """Parameters of a network, in the order in which they were asked for.

    Attributes
    ----------
    net : MemristiveNetwork
    paths : list of LawPath, SourcePath or EmfPath
    rows : ndarray of int64, shape (4 rows,)
        Group, row, place and law of each row of a law that moves, see `neurosim.kernels.edge_slopes`.
    size : ndarray, shape (rows,)
    total : int
        Numbers in all these rows.
    """

    net: MemristiveNetwork
    paths: list[LawPath | SourcePath | EmfPath]
    rows: np.ndarray = field(init=False)
    size: np.ndarray = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        found: dict[tuple[int, int], float] = {}
        for path in self.laws:
            for row in path.chain:
                key = path.group, row
                found[key] = max(found.get(key, 0.0), path.size[row])
        self._place: dict[tuple[int, int], int] = {}
        self.total = 0
        for key in sorted(found):
            self._place[key] = self.total
            self.total += self.net.laws.groups[key[0]].edges.size
        words = [(group, row, place, self._law(group, row)) for (group, row), place in self._place.items()]
        self.rows = np.array(words, np.int64).ravel()
        self.size = np.array([value or 1.0 for _, value in sorted(found.items())])

    def _law(self, group: int, row: int) -> int:
        """Address of the law of derivatives that gives a row, 0 for none."""
        device = self.net.laws.groups[group].device
        if device is None or device.row_slopes is None or row >= device.row_slopes[1]:
            return 0
        return device.row_slopes[0].address

    @property
    def laws(self) -> list[LawPath]:
        """Those of laws."""
        return [path for path in self.paths if isinstance(path, LawPath)]

    @property
    def sources(self) -> list[SourcePath]:
        """Those of sources."""
        return [path for path in self.paths if isinstance(path, SourcePath)]

    def of_law(self, path: LawPath, by_row: np.ndarray) -> np.ndarray:
        """Derivative by each of the edges of a path, from that by the rows, shape (members,)."""
        made = np.zeros(path.members.size)
        for row, slope in path.chain.items():
            place = self._place[path.group, row]
            made += slope * by_row[place + path.members]
        return made

    def spread(self, path: LawPath, made: np.ndarray) -> np.ndarray:
        """Values of the members at their edges, shape (m,)."""
        edges = self.net.laws.groups[path.group].edges[path.members]
        whole = np.zeros(self.net.size)
        whole[edges] = made
        return whole

    @property
    def addresses(self) -> list[str]:
        """Of all numbers, one by one."""
        found = []
        for path in self.paths:
            if path.is_one:
                found.append(path.address)
            elif isinstance(path, EmfPath):
                found += [f"emf({name})" for name in self.net.names]
            elif isinstance(path, LawPath):
                edges = self.net.laws.groups[path.group].edges[path.members]
                found += [f"{self.net.names[e]}.{path.address}" for e in edges]
            else:
                found += [f"{path.address}[{k}]" for k in path.places]
        return found

    @property
    def values(self) -> np.ndarray:
        """Of all numbers, one by one."""
        parts = [path.values[:1] if path.is_one else path.values for path in self.paths]
        return np.concatenate(parts) if parts else np.empty(0)


def network_paths(net: MemristiveNetwork, addresses: Sequence[str] | None) -> NetworkPaths:
    """Find some parameters of a network; None stands for all.

    Parameters
    ----------
    addresses : sequence of str
        ``"r_on"`` (all edges that have no own value: one number, or one for each edge as it was given),
        ``"m[3].r_on"``; ``"v(a)"``, ``"i(a)"``, ``"emf(m[0])"`` with all their numbers or ``"v(a)[1]"``;
        ``"emf"``, all that are constant.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    if addresses is None:
        addresses = _everything(net)
    return NetworkPaths(net, [_read(net, address) for address in addresses])


def _everything(net: MemristiveNetwork) -> list[str]:
    """What was given, and the parameters of the equation."""
    given = net.arguments
    found = []
    for group in net.laws.groups:
        if group.device is not None and group.device.name == _default(net):
            parameters = list(OF_THE_EQUATION) if group.device.name == CTDV else []
            if isinstance(given["device"], tuple):
                parameters += [name for name, value in given["device"][1].items() if not isinstance(value, str)]
            bounds = _bounds(group)
            found += [name for name in parameters if group.device.parameter(name).name not in bounds]
    for kind, sources in (("v", net.electrodes), ("i", net.injections)):
        found += [f"{kind}({node})" for node in sources]
    found += ["emf"] if net.sources.constant[: net.size].any() else []
    moving = net.sources.targets[:, 1]
    found += [f"emf({net.names[e]})" for e in np.unique(moving[moving < net.size])[:MOST_MOVING]]
    return [address for address in found if (source := source_at(net, address)) is None or _has_numbers(source)]


def _has_numbers(source: SourceAddress) -> bool:
    try:
        return source.numbers.size > 0
    except ParameterError:
        return False


def _default(net: MemristiveNetwork) -> str:
    device = net.arguments["device"]
    return CTDV if device is None else device if isinstance(device, str) else device[0]


def _bounds(group: EdgeGroup) -> set[str]:
    """Parameters that are bounds of a state."""
    assert group.device is not None
    return {b for s in group.device.structure.states for b in (s.lower, s.upper) if isinstance(b, str)}


def _read(net: MemristiveNetwork, address: str) -> LawPath | SourcePath | EmfPath:
    if address == "emf":
        return EmfPath(address, net.sources.constant[: net.size])
    source = source_at(net, address)
    if source is not None:
        count = source.numbers.size
        if source.number is not None and source.number >= count:
            raise UnknownNameError(f"'{address}': the source has {count} numbers")
        is_one = source.number is not None or isinstance(source.drive, (int, float, np.number))
        places = (source.number,) if source.number is not None else tuple(range(count))
        return SourcePath(address, source, places, is_one)
    edge, _, name = address.rpartition(".")
    number = number_of(net, edge) if edge else None
    if edge and number is None:
        raise _unknown(net, address)
    return _of_laws(net, address, name, number)


def _unknown(net: MemristiveNetwork, address: str) -> UnknownNameError:
    known = [*OF_THE_EQUATION, *(f"v({a})" for a in net.electrodes), *(f"i({a})" for a in net.injections),
             *(f"{name}.r_on" for name in net.names[:1000])]  # fmt: skip
    return UnknownNameError(f"network '{net.title}' has no parameter '{address}'; {nearest(address, known)}")


def _of_laws(net: MemristiveNetwork, address: str, name: str, edge: int | None) -> LawPath:
    """A parameter of the default device, or of one edge."""
    for number, group in enumerate(net.laws.groups):
        if edge is None and (group.device is None or group.device.name != _default(net)):
            continue
        if edge is not None and edge not in group.edges:
            continue
        if group.device is None:
            if name != "resistance":
                raise _unknown(net, address)
            parameter = name
        else:
            found = [p for p in group.device.parameters if name == p.name or name in p.aliases]
            if not found or found[0].choices:
                raise _unknown(net, address)
            parameter = found[0].name
            if parameter in _bounds(group):
                raise ParameterError(f"no derivative by '{address}': it is a bound of a state")
        members = np.arange(group.edges.size)
        if edge is not None:
            members = np.flatnonzero(group.edges == edge)
        elif group.device is not None and any(net._data):
            spellings = (parameter, *group.device.parameter(parameter).aliases)
            data = [net.edge_data(e) for e in group.edges]
            members = np.array([k for k in members if not any(s in data[k] for s in spellings)], int)
        values = group.columns[parameter][members]
        chain, size = _chain(group, parameter, members)
        given = net.arguments.get(name)
        if isinstance(net.arguments["device"], tuple):
            given = net.arguments["device"][1].get(name, given)
        is_one = edge is not None or given is None or np.ndim(given) == 0
        return LawPath(address, number, members, values, chain, size, is_one)
    raise _unknown(net, address)


def _chain(group: EdgeGroup, parameter: str, members: np.ndarray) -> tuple[dict[int, np.ndarray], dict[int, float]]:
    """Derivatives of the rows of a law by one of its parameters, and sizes of these rows."""
    if group.device is None:
        return {0: np.ones(members.size)}, {0: 1.0}
    device = group.device
    width = group.rows.shape[1]
    columns = {name: column[:width] for name, column in group.columns.items()}
    value = columns[parameter]
    default = device.parameter(parameter).default
    usual = abs(default) if isinstance(default, (int, float)) and default else 1.0
    step = RELATIVE_STEP * np.where(value != 0.0, np.abs(value), usual)

    def rows(at: np.ndarray) -> np.ndarray:
        moved = columns | {parameter: at}
        found = device.derive(moved) if device.derive else [moved[p.name] for p in device.parameters]
        return np.array([np.broadcast_to(row, width) for row in found], float)

    low, high = rows(value - step), rows(value + step)
    made = np.zeros_like(low)
    for point in range(POINTS):
        up, down = (high, low) if point == 0 else (rows(value + s * (point + 1) * step) for s in (1.0, -1.0))
        made += WEIGHTS[point] * (up - down) / step
    if not np.isfinite(made).all():
        raise ParameterError(f"no derivative by '{parameter}' of device '{device.name}': it stands at a limit")
    moving = np.flatnonzero((low != high).any(axis=1))
    spread = {int(row): np.broadcast_to(made[row], group.edges.size)[members] for row in moving}
    size = {row: float(np.abs(group.rows[row]).max()) or usual for row in spread}
    return spread, size
