"""What can be said of a circuit before it is solved: floating nets, loops of sources, cutsets, odd initial conditions.

The rules follow from the laws alone, by each device's wiring: a part carries a DC current between two nets (a law or
wiring says so), only a charge (a capacitor), or imposes a voltage (a source, an inductor).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.groups import Parts, connected, group_parts
from neurosim.circuit.model import Circuit
from neurosim.devices.device import Current, Device, Equation, Instance, Structure
from neurosim.errors import Location, NetlistError, Note

CONDUCTS, IMPOSES_VOLTAGE, IMPOSES_CURRENT, STORES_CHARGE, IMPOSES_FLUX = (
    "conducts", "imposes a voltage", "imposes a current", "stores charge", "inductor",
)  # fmt: skip


def _role(device: Device, structure: Structure, flow: Current) -> str:
    """What a current between two nets is in the operating point."""
    r = structure.flows.index(flow)
    currents = {internal.name for internal in structure.internals if internal.kind == "current"}
    imposed = {e.row for e in structure.flows if isinstance(e, Equation) and e.row in currents}
    law_flows = len(structure.flows) if structure.law_flows is None else structure.law_flows
    has_law = device.law is not None and r < law_flows
    carried = [structure.inputs[c][0] for wire, c, _ in structure.wiring if wire == r]
    branch = next((name for name in carried if name in imposed), None)
    if branch is None and has_law:
        known = len(structure.inputs) if structure.law_inputs is None else structure.law_inputs
        terminals = set(structure.terminals)
        used = range(known) if structure.dependence is None else [c for row, c in structure.dependence if row == r]
        if not used:
            return IMPOSES_CURRENT
        read = [structure.inputs[c] for c in used]
        pairs = [pair for pair in read if set(pair) & terminals]
        own = {flow.plus, flow.minus}
        if any(set(pair) & own for pair in pairs) or structure.states:
            return CONDUCTS
        branch = next((pair[0] for pair in read if pair[0] in imposed), None)
        if branch is None:
            return IMPOSES_CURRENT
    if branch is not None:
        if device.law is not None and _answers_to(branch, structure):
            return CONDUCTS
        is_inductor = device.initial_inputs is not None and device.mass is not None
        return IMPOSES_FLUX if is_inductor else IMPOSES_VOLTAGE
    return STORES_CHARGE


def _answers_to(branch: str, structure: Structure) -> bool:
    """Whether the law's equation of a branch current reads that current: then its voltage gives way (a line's port)."""
    column = next((c for c, pair in enumerate(structure.inputs) if pair == (branch, None)), None)
    row = structure.flows.index(Equation(branch))
    if structure.law_flows is not None and row >= structure.law_flows:
        return False
    known = len(structure.inputs) if structure.law_inputs is None else structure.law_inputs
    if column is None or column >= known:
        return False
    return structure.dependence is None or (row, column) in structure.dependence


Branches = list[tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Current paths between two nets: numbers of the parts, of the nets at one end, and of those at the other."""


def _branches(parts: Parts) -> tuple[list[str], dict[str, Branches]]:
    """Names of all nets, those inside parts too, and every current path by its role."""
    nets = list(parts.nets)
    branches: dict[str, Branches] = {}
    for group in parts.groups:
        names: dict[str | None, np.ndarray] = dict(zip(group.structure.terminals, group.nets.T))
        names[None] = np.full(len(group.members), parts.ground)
        for flow in group.structure.flows:
            if isinstance(flow, Current):
                for end in (flow.plus, flow.minus):
                    if end not in names:
                        names[end] = np.arange(len(nets), len(nets) + len(group.members))
                        nets += [f"{instance.name}.{end}" for instance in group.members]
                role = _role(group.device, group.structure, flow)
                branches.setdefault(role, []).append((group.numbers, names[flow.plus], names[flow.minus]))
    return nets, branches


def _check_imposed(circuit: Circuit, names: Sequence[str], imposed: Branches) -> None:
    """Refuse a loop of voltage sources."""
    if not imposed:
        return
    numbers, a, b = (np.concatenate(column) for column in zip(*imposed))
    order = np.argsort(numbers, kind="stable")
    joined: dict[int, int] = {}

    def find(net: int) -> int:
        """A net that stands for all that are joined (path halving)."""
        above = joined.setdefault(net, net)
        while above != net:
            joined[net] = joined[above]
            net, above = above, joined[above]
        return net

    voltage: list[tuple[int, int, str]] = []
    for number, u, v in zip(numbers[order].tolist(), a[order].tolist(), b[order].tolist()):
        instance = circuit.instances[number]
        if u == v:
            raise NetlistError(
                f"both ends of '{instance.name}' are on net '{names[u]}', but it imposes a voltage between them",
                instance.location,
            )
        if find(u) == find(v):
            import networkx as nx

            graph = nx.MultiGraph([(u, v, {"name": name}) for u, v, name in voltage])
            path: Any = nx.shortest_path(graph, u, v)
            loop = [graph.get_edge_data(u, v)[0]["name"] for u, v in itertools.pairwise(path)]
            raise NetlistError(
                f"a loop of voltage sources: {', '.join([*loop, instance.name])} impose voltages around nets "
                f"{', '.join(names[int(net)] for net in path)}",
                instance.location,
                hint="put a resistor into the loop, or remove one of them",
            )
        joined[find(u)] = find(v)
        voltage.append((u, v, instance.name))


def _loose(parts: Parts, count: int, kinds: Iterable[Branches], fixed: Sequence[int] = ()) -> np.ndarray:
    """Numbers of the circuit's nets that branches of some kinds do not join to ground, nor to nets that are `fixed`.

    `count` nets are numbered, those inside parts too.
    """
    ground = parts.ground
    found = [(a, b) for branches in kinds for _, a, b in branches]
    a, b = (np.concatenate([np.empty(0, np.int64), *column]) for column in (zip(*found) if found else ((), ())))
    a, b = np.append(a, np.array(fixed, np.int64)), np.append(b, np.full(len(fixed), ground))
    component = connected(count, a, b)
    return np.flatnonzero(component[: len(parts.nets)] != component[ground])


def check_circuit(circuit: Circuit, parts: Parts | None = None) -> list[Note]:
    """Look for what makes a circuit unsolvable, by name and place.

    Parameters
    ----------
    circuit : Circuit
    parts : Parts, optional
        Its parts by group, where they are known already.

    Returns
    -------
    list of Note
        Remarks on nets that only a transient from initial conditions can settle.

    Raises
    ------
    NetlistError
        Without parts or ground, for a net that nothing connects to ground, and for a loop of voltage sources.
    """
    if not circuit.instances:
        raise NetlistError("the circuit has no elements", Location(circuit.path, 1))
    parts = parts or group_parts(circuit)
    if not parts.uses[parts.ground]:
        raise NetlistError(
            "no element is connected to ground (net 0)", circuit.instances[0].location,
            hint="call one net 0 or gnd: all voltages are measured from it",
        )  # fmt: skip
    names, branches = _branches(parts)
    _check_imposed(circuit, names, branches.get(IMPOSES_VOLTAGE, []))

    def first_use(net: int) -> Instance:
        return next(instance for instance in circuit.instances if names[net] in instance.nets)

    floating = _loose(parts, len(names), branches.values())
    if floating.size:
        instance = first_use(floating[0])
        raise NetlistError(
            f"net '{names[floating[0]]}' floats: nothing connects it to ground", instance.location,
            hint=f"first used by '{instance.name}'; connect it, or add a large resistor to ground",
        )  # fmt: skip
    uses_initial_conditions = bool(circuit.analyses) and all(
        getattr(a, "use_initial_conditions", False) for a in circuit.analyses
    )
    if not uses_initial_conditions:
        direct = [branches.get(role, []) for role in (CONDUCTS, IMPOSES_VOLTAGE, IMPOSES_FLUX)]
        given = [parts.nets[net] for net in circuit.initial_voltages if net in parts.nets]
        loose = _loose(parts, len(names), direct, given)
        if loose.size:
            others = f" (and {loose.size - 1} more)" if loose.size > 1 else ""
            raise NetlistError(
                f"net '{names[loose[0]]}'{others} has no DC path to ground: only capacitors or current sources reach "
                "it",
                first_use(loose[0]).location,
                hint="add a large resistor to ground, set .ic v(net)=..., or start the transient with 'uic'",
            )
    once = np.flatnonzero(parts.uses[:-1] == 1)
    if not once.size:
        return []
    users = {net: instance for instance in circuit.instances for net in instance.nets}
    return [
        Note(f"net '{names[net]}' is used once, by '{users[names[net]].name}'", users[names[net]].location)
        for net in once
    ]
