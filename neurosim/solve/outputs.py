"""What is saved: addresses turned into columns, from unknowns, differences of nets, and currents of parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurosim.circuit.assembly import Assembly, normal_address
from neurosim.devices.device import Current
from neurosim.errors import UnknownNameError, nearest
from neurosim.kernels import system as layout
from neurosim.kernels.abi import ANALYSIS, TIME, TRANSIENT
from neurosim.kernels.system import compute_flows
from neurosim.results import Column

_DIFFERENCE = re.compile(r"v\(([^,()]+),([^,()]+)\)$")
_CURRENT = re.compile(r"i\(([^()]+)\)$")
_POWER = re.compile(r"p\(([^()]+)\)$")
_PART_OF_COMPLEX = re.compile(r"([vi])(m|db|p|r|i)(\([^()]+\))$")
_PARTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "m": ("magnitude", np.abs),
    "db": ("magnitude", lambda z: 20.0 * np.log10(np.abs(z))),
    "p": ("phase", np.angle),
    "r": ("real part", np.real),
    "i": ("imaginary part", np.imag),
}


@dataclass
class Outputs:
    """The columns of a run.

    Attributes
    ----------
    addresses : list of str
        In the order of the result.
    probes : ndarray of int
        Unknowns that the integration must record.
    needs_flows : bool
        Whether a current or power of a part without a branch unknown is asked for; then every unknown is a probe, and
        its slope is needed too.
    """

    assembly: Assembly
    addresses: list[str]
    probes: np.ndarray
    needs_flows: bool

    def columns(
        self,
        values: np.ndarray,
        slopes: np.ndarray | None = None,
        times: np.ndarray | None = None,
        memories: np.ndarray | None = None,
    ) -> dict[str, Column]:
        """Columns from recorded probes.

        Parameters
        ----------
        values : ndarray, shape (points, probes)
        slopes : ndarray, shape (points, probes), optional
            dy/dt; zero when not given.
        times : ndarray, shape (points,), optional
            Needed for flows of a transient analysis.
        memories : ndarray, shape (points, size of the devices' memory), optional
            What the laws remembered at each point; by default what they remember now.
        """
        place = {int(unknown): k for k, unknown in enumerate(self.probes)}
        index, unknowns = self.assembly.index, self.assembly.system.unknowns
        flows = part_flows(self.assembly, values, slopes, times, memories) if self.needs_flows else None
        result: dict[str, Column] = {}
        for address in self.addresses:
            if part := _PART_OF_COMPLEX.match(address):
                whole = replace(self, addresses=[part[1] + part[3]]).columns(values)[part[1] + part[3]]
                result[address] = part_of_complex(part[2], whole, self.assembly.circuit.dialect)
            elif address in index:
                number = index[address]
                name = _long_name(address, str(unknowns.kinds[number]))
                result[address] = Column(values[:, place[number]], unknowns.units[number], name)
            elif match := _DIFFERENCE.match(address):
                a, b = (
                    values[:, place[index[f"v({net})"]]] if net != "0" else np.zeros(len(values))
                    for net in match.groups()
                )
                result[address] = Column(a - b, "V", f"voltage from {match[1]} to {match[2]}")
            elif address == "v(0)":
                result[address] = Column(np.zeros(len(values)), "V", "ground")
            else:
                assert flows is not None
                name = address[2:-1]
                current, power = part_current_and_power(self.assembly, flows, values, name)
                if address[0] == "i":
                    result[address] = Column(current, "A", f"current into the first terminal of {name}")
                else:
                    result[address] = Column(power, "W", f"power taken up by {name}")
        return result


def is_part_of_complex(address: str) -> bool:
    """Whether `address` is the magnitude, phase, ... of a voltage or current, which only an AC analysis has."""
    return _PART_OF_COMPLEX.match(normal_address(address)) is not None


def part_of_complex(part: str, whole: Column, dialect: str) -> Column:
    """Column of one part of a complex column; the phase is in radians in ngspice, in degrees in PSpice and LTspice."""
    name, take = _PARTS[part]
    unit = "dB" if part == "db" else whole.unit
    with np.errstate(divide="ignore"):
        values = take(whole.values)
    if part == "p":
        unit = "rad" if dialect == "ngspice" else "deg"
        values = values if dialect == "ngspice" else np.rad2deg(values)
    return Column(values, unit, f"{name} of {whole.long_name}")


def _long_name(address: str, kind: str) -> str:
    inner = address[2:-1]
    if address.startswith("v("):
        return f"voltage of net {inner}"
    if address.startswith("i("):
        return f"current through {inner}"
    return f"{kind} {address}"


def choose_outputs(assembly: Assembly, asked: Sequence[str]) -> Outputs:
    """Check the addresses that were asked for; without any, take all nets, branch currents and states.

    Raises
    ------
    UnknownNameError
        For an address that this circuit does not have; the message names the nearest.
    """
    index, unknowns = assembly.index, assembly.system.unknowns
    addresses: dict[str, None] = {}
    wanted: dict[int, None] = {}
    needs_flows = False
    for raw in asked:
        address = normal_address(raw)
        if address in ("all", "v(all)", "i(all)"):
            addresses.update(dict.fromkeys(_default(assembly)))
            continue
        addresses.setdefault(address)
    for address in list(addresses) if asked else _default(assembly):
        addresses.setdefault(address)
        if part := _PART_OF_COMPLEX.match(address):
            address = part[1] + part[3]
        if address in index:
            wanted.setdefault(index[address])
        elif match := _DIFFERENCE.match(address):
            for net in match.groups():
                if net != "0":
                    wanted.setdefault(assembly.unknown(f"v({net})"))
        elif (match := _CURRENT.match(address) or _POWER.match(address)) and match[1] in assembly.place:
            needs_flows = True
        elif address != "v(0)":
            parts = [f"i({name})" for name in assembly.place]
            close = nearest(address, [*index, *parts])
            raise UnknownNameError(f"cannot save '{address}': this circuit has none; {close}")
    probes = np.arange(len(unknowns)) if needs_flows else np.array(list(wanted), np.int64)
    return Outputs(assembly, list(addresses), probes.astype(np.int64), needs_flows)


def _default(assembly: Assembly) -> list[str]:
    """All nets, then branch currents, then states; not charges and inner nets."""
    unknowns = assembly.system.unknowns
    names = unknowns.names
    states = [names[int(k)] for k in np.flatnonzero(unknowns.kinds == "state")]
    return [*(name for kind in ("v(", "i(") for name in names if name.startswith(kind)), *states]


def part_flows(
    assembly: Assembly,
    values: np.ndarray,
    slopes: np.ndarray | None,
    times: np.ndarray | None,
    memories: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Total flows of every batch at every point: law, wiring and mass; each of shape (points, instances, flows).

    Parameters
    ----------
    values, slopes : ndarray, shape (points, n)
        All unknowns and their time derivatives.
    times : ndarray, shape (points,), optional
    memories : ndarray, shape (points, size of the devices' memory), optional
        What the laws remembered at each point (the state of a switch); by default what they remember now.
    """
    system = assembly.system
    arrays, context, n = system.arrays, system.context.copy(), system.size
    points = len(values)
    result = [np.zeros((points, batch.count, batch.flows.shape[1])) for batch in system.batches]
    y, trash, flat = np.zeros(n + 1), np.zeros(n + 1), np.zeros(arrays.flow_plus.size)
    if times is not None:
        context[ANALYSIS] = TRANSIENT
    places = []
    for number, batch in enumerate(system.batches):
        table = arrays.batch[number]
        w, rows = int(table[layout.WIDTH]), int(table[layout.FLOWS])
        block, lane = np.divmod(np.arange(batch.count), w)
        flow = np.arange(rows)
        places.append(int(table[layout.FLOW_AT]) + (block[:, None] * rows + flow) * w + lane[:, None])
    for k in range(points):
        y[:n] = values[k]
        if times is not None:
            context[TIME] = times[k]
        if memories is not None:
            arrays.memory[:] = memories[k]
        compute_flows(arrays, context, y, flat, trash)
        for out, where in zip(result, places, strict=True):
            out[k] = flat[where]
    if slopes is not None:
        padded = np.concatenate([slopes, np.zeros((points, 1))], 1)
        for number, batch in enumerate(system.batches):
            flows = assembly.structures[number].flows
            for (r, c), m in batch.mass.items():
                if isinstance(flows[r], Current):
                    # The sign of a current's mass was turned for M y' = f.
                    slope = padded[:, batch.inputs[:, c, 0]] - padded[:, batch.inputs[:, c, 1]]
                    result[number][:, :, r] -= m * slope
    return result


def part_current_and_power(
    assembly: Assembly, flows: list[np.ndarray], values: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Current into the first terminal of a part [A], and the power that it takes up [W], at every point."""
    number, position = assembly.place[name]
    structure, batch = assembly.structures[number], assembly.system.batches[number]
    padded = np.concatenate([values, np.zeros((len(values), 1))], 1)
    current, power = np.zeros(len(values)), np.zeros(len(values))
    for r, flow in enumerate(structure.flows):
        if isinstance(flow, Current):
            here = flows[number][:, position, r]
            into, out_of = batch.flows[position, r, 1], batch.flows[position, r, 0]
            power += here * (padded[:, into] - padded[:, out_of])
            if flow.plus == structure.terminals[0]:
                current += here
            if flow.minus == structure.terminals[0]:
                current -= here
    return current, power
