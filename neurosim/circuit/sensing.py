"""Ammeters: a part whose current is sensed but is no unknown gets a source of 0 V in series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neurosim.circuit.scopes import rename
from neurosim.devices import devices
from neurosim.devices.device import Instance, Structure
from neurosim.errors import NetlistError, nearest
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
    return f"{part}.sense"


def insert_ammeters(instances: list[Instance], index: dict[str, int], wanted: Mapping[str, object] | None = None) -> None:
    """Put ammeters where controls ask for ``i(part)`` of parts without branch current; rewrite those controls.

    Parameters
    ----------
    instances : list of Instance
        Changed in place.
    index : dict of str to int
        Position of each instance by name; changed in place.
    wanted : mapping of str to Location, optional
        Further parts whose current is asked for.

    Raises
    ------
    NetlistError
        If a sensed part does not exist or cannot be sensed.
    """
    sensed: dict[str, Instance | None] = dict.fromkeys(wanted or ())
    users: list[int] = []
    for position, instance in enumerate(instances):
        found = [control[2:-1] for control in instance.controls if control.startswith("i(")]
        if found:
            users.append(position)
            for part in found:
                sensed.setdefault(part, instance)
    replaced: dict[str, str] = {}
    for part, user in sensed.items():
        if part not in index:
            by = f", which '{user.name}' senses" if user is not None else ""
            where = user.location if user is not None else None
            raise NetlistError(f"there is no part '{part}'{by}", where, hint=nearest(part, index))
        target = instances[index[part]]
        if has_branch_current(target):
            continue
        if not target.nets:
            raise NetlistError(f"'{part}' has no current that could be sensed", user.location if user else None)
        name = ammeter_name(part)
        replaced[part] = name
        if name not in index:
            instances[index[part]] = replace(target, nets=(name, *target.nets[1:]))
            index[name] = len(instances)
            instances.append(
                Instance(name, "voltage_source", (target.nets[0], name), {"dc": 0.0}, location=target.location)
            )
    if replaced:
        for position in users:
            instances[position] = _redirected(instances[position], replaced)


def _redirected(instance: Instance, replaced: Mapping[str, str]) -> Instance:
    def change(reference: Reference) -> Reference:
        if reference.kind == "i" and reference.args[0] in replaced:
            return Reference("i", (replaced[reference.args[0]],), reference.at)
        return reference

    controls = tuple(
        f"i({replaced.get(control[2:-1], control[2:-1])})" if control.startswith("i(") else control
        for control in instance.controls
    )
    expressions = {role: rename(expression, change) for role, expression in instance.expressions.items()}
    return replace(instance, controls=controls, expressions=expressions)
