"""What can be said of a circuit before it is solved: floating nets, loops of sources, cutsets, odd initial conditions.

The rules follow from the laws alone, by each device's wiring: a part carries a DC current between two nets (a law or
wiring says so), only a charge (a capacitor), or imposes a voltage (a source, an inductor).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

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


class _Joined:
    """Sets of nets that are connected (union by path halving)."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, net: str) -> str:
        """A net that stands for the whole set."""
        parent = self.parent
        above = parent.setdefault(net, net)
        while above != net:
            parent[net] = parent[above]
            net, above = above, parent[above]
        return net

    def join(self, a: str, b: str) -> bool:
        """Connect two nets; False if they were connected already."""
        a, b = self.find(a), self.find(b)
        self.parent[a] = b
        return a != b


def branches(circuit: Circuit) -> Iterable[tuple[Instance, str, str, str]]:
    """Every current path between two nets: (instance, net, net, role)."""
    # Instances share structures: what a structure says is found once.
    known: dict[int, tuple[Structure, list[tuple[str, str | None, str]]]] = {}
    for instance in circuit.instances:
        device = devices.get(instance.device)
        structure = device.specialise(instance) if device.specialise else device.structure
        if id(structure) not in known:
            currents = [flow for flow in structure.flows if isinstance(flow, Current)]
            known[id(structure)] = (structure, [(f.plus, f.minus, _role(device, structure, f)) for f in currents])
        names = dict(zip(structure.terminals, instance.nets, strict=False))
        for plus, minus, role in known[id(structure)][1]:
            # An inner net belongs to its instance.
            a = names.get(plus) or f"{instance.name}.{plus}"
            b = "0" if minus is None else names.get(minus) or f"{instance.name}.{minus}"
            yield instance, a, b, role


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
    whole, direct, imposed = _Joined(), _Joined(), _Joined()
    voltage: list[tuple[str, str, str]] = []
    uses_initial_conditions = bool(circuit.analyses) and all(
        getattr(a, "use_initial_conditions", False) for a in circuit.analyses
    )
    first_use: dict[str, Instance] = {}
    count: dict[str, int] = {}
    for instance in circuit.instances:
        for net in instance.nets:
            first_use.setdefault(net, instance)
            count[net] = count.get(net, 0) + 1
    if "0" not in first_use:
        raise NetlistError(
            "no element is connected to ground (net 0)", circuit.instances[0].location,
            hint="call one net 0 or gnd: all voltages are measured from it",
        )  # fmt: skip
    for instance, a, b, role in branches(circuit):
        whole.join(a, b)
        if role in (CONDUCTS, IMPOSES_VOLTAGE, IMPOSES_FLUX):
            direct.join(a, b)
        if role == IMPOSES_VOLTAGE and a != b:
            if not imposed.join(a, b):
                import networkx as nx

                graph = nx.MultiGraph([(u, v, {"name": name}) for u, v, name in voltage])
                path = nx.shortest_path(graph, a, b)
                loop = [graph.get_edge_data(u, v)[0]["name"] for u, v in itertools.pairwise(path)]
                raise NetlistError(
                    f"a loop of voltage sources: {', '.join([*loop, instance.name])} impose voltages around nets "
                    f"{', '.join(path)}",
                    instance.location,
                    hint="put a resistor into the loop, or remove one of them",
                )
            voltage.append((a, b, instance.name))
        elif role == IMPOSES_VOLTAGE and a == b:
            raise NetlistError(
                f"both ends of '{instance.name}' are on net '{a}', but it imposes a voltage between them",
                instance.location,
            )
    notes: list[Note] = []
    for net, instance in first_use.items():
        if whole.find(net) != whole.find("0"):
            raise NetlistError(
                f"net '{net}' floats: nothing connects it to ground", instance.location,
                hint=f"first used by '{instance.name}'; connect it, or add a large resistor to ground",
            )  # fmt: skip
    if not uses_initial_conditions:
        for net in circuit.initial_voltages:
            direct.join(net, "0")
        loose = [net for net in first_use if direct.find(net) != direct.find("0")]
        if loose:
            others = f" (and {len(loose) - 1} more)" if len(loose) > 1 else ""
            raise NetlistError(
                f"net '{loose[0]}'{others} has no DC path to ground: only capacitors or current sources reach it",
                first_use[loose[0]].location,
                hint="add a large resistor to ground, set .ic v(net)=..., or start the transient with 'uic'",
            )
    for net, uses in count.items():
        if uses == 1 and net != "0":
            notes.append(Note(f"net '{net}' is used once, by '{first_use[net].name}'", first_use[net].location))
    return notes
