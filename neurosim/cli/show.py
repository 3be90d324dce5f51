"""``neurosim show``: what a netlist becomes when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli.reading import AllowInclude, DialectOption, Netlist, NoPlugins, Parameters, Temperature, read_circuit

if TYPE_CHECKING:
    from neurosim.devices.device import Instance


def show(
    file: Netlist,
    expanded: Annotated[bool, typer.Option("--expanded", help="Print it as a netlist, all written out.")] = False,
    dialect: DialectOption = None, allow_include: AllowInclude = False, param: Parameters = None,
    temp: Temperature = None, no_plugins: NoPlugins = False,
) -> None:  # fmt: skip
    """Show the elements of a netlist with nets and values.

    Subcircuits are expanded.
    With --expanded the same as a netlist, every parameter replaced by its value.
    """
    from neurosim.circuit.writer import write_netlist
    from neurosim.cli.check import describe
    from neurosim.cli.terminal import print_table, remark

    circuit = read_circuit(file, dialect, allow_include, param, temp)
    for note in circuit.notes:
        remark(note)
    if expanded:
        print(write_netlist(circuit), end="")
        return
    print(describe(circuit) + "\n")
    rows = [[i.name, i.device, " ".join(i.nets), _values(i)] for i in circuit.instances]
    print_table("", ["element", "device", "nets", "values"], rows)
    if circuit.parameters:
        print()
        print_table("", ["parameter", ">value"], [[name, f"{value:.9g}"] for name, value in circuit.parameters.items()])


def _values(instance: Instance) -> str:
    """Values that were given, with their units; expressions as text."""
    from neurosim.devices import devices
    from neurosim.units import format_si

    parameters = {p.name: p for p in devices.get(instance.device).parameters}
    shown = []
    for name, value in instance.values.items():
        parameter = parameters.get(name)
        if parameter is not None and parameter.choices and 0 <= value < len(parameter.choices):
            shown.append(f"{name} = {parameter.choices[int(value)]}")
        else:
            shown.append(f"{name} = {format_si(value, parameter.unit if parameter else '', digits=6)}")
    shown += [f"{role} = {expression}" for role, expression in instance.expressions.items()]
    shown += [f"senses {address}" for address in instance.controls]
    if instance.table:
        # Waveforms and polynomials are read best as they were written.
        before = 1 + len(instance.nets)
        words = instance.location.text.split(None, before) if instance.location else []
        shown.append(words[-1].strip() if len(words) > before else f"{len(instance.table)} numbers")
    return ", ".join(shown)
