"""What can be said of a circuit before it is solved: floating nets, loops of sources, cutsets, odd initial conditions.

The rules follow from the laws alone, by each device's wiring: a part carries a DC current between two nets (a law or
wiring says so), only a charge (a capacitor), or imposes a voltage (a source, an inductor).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import networkx as nx

from neurosim.circuit.model import Circuit
from neurosim.devices import devices
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
        is_inductor = device.initial_inputs is not None and device.mass is not None
        return IMPOSES_FLUX if is_inductor else IMPOSES_VOLTAGE
    return STORES_CHARGE


def branches(circuit: Circuit) -> Iterable[tuple[Instance, str, str, str]]:
    """Every current path between two nets: (instance, net, net, role)."""
    for instance in circuit.instances:
        device = devices.get(instance.device)
        structure = device.specialise(instance) if device.specialise else device.structure
        names = dict(zip(structure.terminals, instance.nets, strict=False))
        for flow in structure.flows:
            if isinstance(flow, Current):
                # An inner net belongs to its instance.
                a = names.get(flow.plus, f"{instance.name}.{flow.plus}")
                b = "0" if flow.minus is None else names.get(flow.minus, f"{instance.name}.{flow.minus}")
                yield instance, a, b, _role(device, structure, flow)


def check_circuit(circuit: Circuit) -> list[Note]:
    """Look for what makes a circuit unsolvable, by name and place.

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
    whole, direct = nx.Graph(), nx.Graph()
    voltage, imposed = nx.MultiGraph(), nx.utils.UnionFind()
    uses_initial_conditions = bool(circuit.analyses) and all(
        getattr(a, "use_initial_conditions", False) for a in circuit.analyses
    )
    first_use: dict[str, Instance] = {}
    count: dict[str, int] = {}
    for instance in circuit.instances:
        for net in instance.nets:
            first_use.setdefault(net, instance)
            count[net] = count.get(net, 0) + 1
            whole.add_node(net)
    if "0" not in first_use:
        raise NetlistError(
            "no element is connected to ground (net 0)", circuit.instances[0].location,
            hint="call one net 0 or gnd: all voltages are measured from it",
        )  # fmt: skip
    for instance, a, b, role in branches(circuit):
        whole.add_edge(a, b)
        if role in (CONDUCTS, IMPOSES_VOLTAGE, IMPOSES_FLUX):
            direct.add_edge(a, b)
        if role == IMPOSES_VOLTAGE and a != b:
            if imposed[a] == imposed[b]:
                path = nx.shortest_path(voltage, a, b)
                loop = [voltage.get_edge_data(u, v)[0]["name"] for u, v in itertools.pairwise(path)]
                raise NetlistError(
                    f"a loop of voltage sources: {', '.join([*loop, instance.name])} impose voltages around nets "
                    f"{', '.join(path)}",
                    instance.location,
                    hint="put a resistor into the loop, or remove one of them",
                )
            voltage.add_edge(a, b, name=instance.name)
            imposed.union(a, b)
        elif role == IMPOSES_VOLTAGE and a == b:
            raise NetlistError(
                f"both ends of '{instance.name}' are on net '{a}', but it imposes a voltage between them",
                instance.location,
            )
    notes: list[Note] = []
    grounded = nx.node_connected_component(whole, "0")
    for net, instance in first_use.items():
        if net not in grounded:
            raise NetlistError(
                f"net '{net}' floats: nothing connects it to ground", instance.location,
                hint=f"first used by '{instance.name}'; connect it, or add a large resistor to ground",
            )  # fmt: skip
    settled = nx.node_connected_component(direct, "0") if direct.has_node("0") else {"0"}
    loose = [net for net in first_use if net not in settled]
    if loose and not uses_initial_conditions:
        held = [net for net in loose if net in circuit.initial_voltages]
        if not held:
            net = loose[0]
            others = f" (and {len(loose) - 1} more)" if len(loose) > 1 else ""
            raise NetlistError(
                f"net '{net}'{others} has no DC path to ground: only capacitors or current sources reach it",
                first_use[net].location,
                hint="add a large resistor to ground, set .ic v(net)=..., or start the transient with 'uic'",
            )
    for net, uses in count.items():
        if uses == 1 and net != "0":
            notes.append(Note(f"net '{net}' is used once, by '{first_use[net].name}'", first_use[net].location))
    return notes
