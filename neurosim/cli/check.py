"""``neurosim check``: read a netlist and say what is wrong with it, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.cli.reading import AllowInclude, DialectOption, Netlist, NoPlugins, Parameters, Temperature, read_circuit

if TYPE_CHECKING:
    from neurosim.circuit.model import Circuit


def check(
    file: Netlist, dialect: DialectOption = None, allow_include: AllowInclude = False, param: Parameters = None,
    temp: Temperature = None, no_plugins: NoPlugins = False,
) -> None:  # fmt: skip
    """Say what a netlist contains and what is wrong with it.

    Every error and warning comes with its place. Exit code 2 if there is an error; warnings do not count.
    """
    from neurosim.circuit.checks import check_circuit
    from neurosim.cli.terminal import remark

    circuit = read_circuit(file, dialect, allow_include, param, temp)
    notes = [*circuit.notes, *check_circuit(circuit)]
    for note in notes:
        remark(note)
    print(describe(circuit))
    count = len(notes)
    print("no errors, " + ("no warnings" if not count else "1 warning" if count == 1 else f"{count} warnings"))


def describe(circuit: Circuit) -> str:
    """Title, counts and analyses of a circuit, a line each."""
    from collections import Counter

    devices = Counter(instance.device for instance in circuit.instances)
    counted = ", ".join(f"{number} {name}" for name, number in devices.most_common())
    lines = [
        circuit.title or "(no title)",
        f"  elements  {len(circuit.instances)}: {counted}",
        f"  nets      {len(circuit.nets)}, and ground",
        f"  analyses  {'; '.join(analysis_lines(circuit)) or 'none; run does .op'}",
    ]
    if circuit.steps:
        stepped = ", ".join(f"{s.name} ({len(s.values)} values)" for s in circuit.steps)
        lines.append(f"  stepped   {stepped}")
    if circuit.measures:
        lines.append(f"  measures  {', '.join(m.name for m in circuit.measures)}")
    lines.append(f"  dialect   {circuit.dialect}, at {circuit.temperature:g} °C")
    return "\n".join(lines)


def analysis_lines(circuit: Circuit) -> list[str]:
    """Each analysis of a netlist in words."""
    from neurosim.circuit.model import ACAnalysis, DCSweep, TransientAnalysis
    from neurosim.units import format_si

    lines = []
    for analysis in circuit.analyses:
        if isinstance(analysis, TransientAnalysis):
            start = f" from {format_si(analysis.start, 's')}" if analysis.start else ""
            lines.append(f"tran to {format_si(analysis.stop, 's')}{start}")
        elif isinstance(analysis, ACAnalysis):
            first, last = (format_si(f, "Hz") for f in (min(analysis.frequencies), max(analysis.frequencies)))
            lines.append(f"ac {first} to {last} ({len(analysis.frequencies)} points)")
        elif isinstance(analysis, DCSweep):
            swept = ", ".join(f"{s.name} {s.values[0]:g} to {s.values[-1]:g}" for s in analysis.sweeps)
            lines.append(f"dc {swept}")
        else:
            lines.append("op")
    return lines
