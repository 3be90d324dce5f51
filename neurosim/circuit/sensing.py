"""Ammeters: a part whose current is sensed but is no unknown gets a source of 0 V in series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neurosim.circuit.scopes import rename
from neurosim.circuit.templates import PlacedExpression
from neurosim.devices import devices
from neurosim.devices.device import Instance, Structure
from neurosim.errors import Location, NetlistError, nearest
from neurosim.expressions.tree import Reference


def structure_of(instance: Instance) -> Structure:
    """The instance's structure."""
    device = devices.get(instance.device)
    return device.structure if device.specialise is None else device.specialise(instance)


def has_branch_current(instance: Instance) -> bool:
    """Whether the current through the part is an unknown of the circuit."""
    return any(internal.name == "i" for internal in structure_of(instance).internals)


def ammeter_name(part: str) -> str:
    """Name of the 0 V source that senses the current into the first terminal of `part`."""
    return f"{part}{_AMMETER}"


def sensed_part(name: str) -> str | None:
    """The part whose current the source `name` senses, if it is an ammeter."""
    return name.removesuffix(_AMMETER) if name.endswith(_AMMETER) else None


_AMMETER = ".sense"


def insert_ammeters(instances: list[Instance], wanted: Mapping[str, Location] | None = None) -> dict[str, str]:
    """Put ammeters where controls ask for ``i(part)`` of parts without branch current; rewrite those controls.

    Parameters
    ----------
    instances : list of Instance
        Changed in place; ammeters are appended.
    wanted : mapping of str to Location, optional
        Further parts whose current is asked for, with the place where.

    Returns
    -------
    dict of str to str
        Ammeter of each part that got one.

    Raises
    ------
    NetlistError
        If a sensed part does not exist or cannot be sensed.
    """
    index = {instance.name: position for position, instance in enumerate(instances)}
    places: dict[str, Location | None] = dict(wanted or {})
    users: list[int] = []
    for position, instance in enumerate(instances):
        found = [control[2:-1] for control in instance.controls if control.startswith("i(")]
        if found:
            users.append(position)
            for part in found:
                places.setdefault(part, instance.location)
    replaced: dict[str, str] = {}
    for part, where in places.items():
        if part not in index:
            raise NetlistError(
                f"there is no part '{part}' whose current could be sensed", where, hint=nearest(part, index)
            )
        target = instances[index[part]]
        if has_branch_current(target):
            continue
        if not target.nets:
            raise NetlistError(f"'{part}' has no current that could be sensed", where)
        name = ammeter_name(part)
        replaced[part] = name
        if name not in index:
            instances[index[part]] = replace(target, nets=(name, *target.nets[1:]))
            index[name] = len(instances)
            values = {"dc": 0.0}
            instances.append(Instance(name, "voltage_source", (target.nets[0], name), values, location=target.location))
    if replaced:
        for position in users:
            instances[position] = _redirected(instances[position], replaced)
    return replaced


def _redirected(instance: Instance, replaced: Mapping[str, str]) -> Instance:
    def change(reference: Reference) -> Reference:
        if reference.kind == "i" and reference.args[0] in replaced:
            return Reference("i", (replaced[reference.args[0]],), reference.at)
        return reference

    controls = tuple(
        f"i({replaced.get(control[2:-1], control[2:-1])})" if control.startswith("i(") else control
        for control in instance.controls
    )
    expressions = {
        role: expression.changed(change) if isinstance(expression, PlacedExpression) else rename(expression, change)
        for role, expression in instance.expressions.items()
    }
    return replace(instance, controls=controls, expressions=expressions)
