"""The parts of a circuit in groups of one structure, their nets as numbers: what checks and assembly work on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.model import Circuit
from neurosim.devices import devices
from neurosim.devices.device import Device, Instance, Structure
from neurosim.errors import NetlistError


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All parts of one device and structure.

    Attributes
    ----------
    device : Device
    structure : Structure
    numbers : ndarray of int, shape (count,)
        Positions in `Circuit.instances`, rising.
    members : list of Instance
    nets : ndarray of int, shape (count, terminals)
        Numbers of the nets, as in `Parts.nets`.
    """

    device: Device
    structure: Structure
    numbers: np.ndarray
    members: list[Instance]
    nets: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of a circuit by group.

    Attributes
    ----------
    nets : dict of str to int
        Number of each net, in order of first use; ground is the last one, whether a part is on it or not.
    uses : ndarray of int
        How many terminals each net has.
    groups : list of Group
        In order of their first member.
    """

    nets: dict[str, int]
    uses: np.ndarray
    groups: list[Group]

    @property
    def ground(self) -> int:
        """Number of the ground."""
        return self.nets["0"]


def group_parts(circuit: Circuit) -> Parts:
    """Sort the parts of a circuit.

    Raises
    ------
    NetlistError
        For a part with more or fewer nets than its device has terminals.
    """
    instances = circuit.instances
    members: dict[tuple[str, Structure], list[int]] = {}
    # Instances of one card share a structure object: comparing and hashing structures is done once for each.
    known: dict[tuple[str, int], tuple[Device, Structure, list[int]]] = {}
    found: dict[str, Device] = {}
    for number, instance in enumerate(instances):
        device = found.get(instance.device)
        if device is None:
            device = found[instance.device] = devices.get(instance.device)
        structure = device.structure if device.specialise is None else device.specialise(instance)
        key = (device.name, id(structure))
        if key not in known:
            known[key] = (device, structure, members.setdefault((device.name, structure), []))
        known[key][2].append(number)

    flat = [net for instance in instances for net in instance.nets]
    order = dict.fromkeys(flat)
    order.pop("0", None)
    nets = {net: number for number, net in enumerate([*order, "0"])}
    ids = np.fromiter(map(nets.__getitem__, flat), np.int64, len(flat))
    starts = np.fromiter(itertools.accumulate([len(i.nets) for i in instances], initial=0), np.int64)
    groups = []
    for (name, structure), numbers in members.items():
        places = np.array(numbers, np.int64)
        count = len(structure.terminals)
        wrong = starts[places + 1] - starts[places] != count
        if wrong.any():
            instance = instances[places[wrong.argmax()]]
            raise NetlistError(
                f"'{instance.name}' has {len(instance.nets)} nets, device '{name}' has "
                f"{count} terminals ({', '.join(structure.terminals)})",
                instance.location,
            )
        where = starts[places][:, None] + np.arange(count)
        groups.append(Group(devices.get(name), structure, places, [instances[k] for k in numbers], ids[where]))
    return Parts(nets, np.bincount(ids, minlength=len(nets)), groups)


def connected(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Connected components of a graph of `count` nodes with edges a[k] - b[k]: the least node of each node's component.

    Every root with a lesser neighbour is hooked to the least one, then all paths are halved until they are gone, as in
    Shiloach & Vishkin, J. Algorithms 3, 57 (1982).
    """
    root = np.arange(count)
    while True:
        low, high = root[a], root[b]
        low, high = np.minimum(low, high), np.maximum(low, high)
        apart = low != high
        if not apart.any():
            return root
        a, b = a[apart], b[apart]
        np.minimum.at(root, high[apart], low[apart])
        while not np.array_equal(above := root[root], root):
            root = above
