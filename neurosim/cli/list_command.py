"""``neurosim list``: what there is, from the registries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli.reading import NoPlugins
from neurosim.cli.terminal import print_table
from neurosim.errors import FormatError, UnknownNameError, nearest
from neurosim.units import format_si

if TYPE_CHECKING:
    from neurosim.devices.device import Device
    from neurosim.registry import Registry

_LABELS = (
    "suffixes", "equations", "formula", "analog", "digital", "leak", "order", "fixed_points", "stability", "reset",
    "check", "default_for", "options",
)  # fmt: skip
"""What is told of an object that has it, in this order."""

UNLIMITED = 1e300
"""Bounds from here on only keep infinity out."""


def registries() -> dict[str, Registry[Any]]:
    """Every registry by the plural of what it holds."""
    from neurosim.architectures import architectures
    from neurosim.devices import devices
    from neurosim.digital.rules import rules
    from neurosim.formats import formats
    from neurosim.memristive.generators import generators
    from neurosim.neurons import neurons
    from neurosim.plots import plots
    from neurosim.solve.methods import methods

    return {"devices": devices, "methods": methods, "architectures": architectures, "rules": rules,
            "generators": generators, "neurons": neurons, "formats": formats, "plots": plots}  # fmt: skip


def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]", help="devices, methods, architectures, rules, generators, neurons, formats or plots."
        ),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One of them, in full.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw an architecture: its graph, and how it answers.")
    ] = None,
    no_plugins: NoPlugins = False,
) -> None:
    """List devices, methods, architectures, rules, generators, neurons, formats, plots, or describe one.

    As in: neurosim list devices; neurosim list resistor; neurosim list lstm --plot lstm.png
    """
    known = registries()
    if plot is not None:
        chosen = name or kind
        if chosen is None or chosen not in known["architectures"]:
            names = known["architectures"].names()
            raise UnknownNameError(f"--plot draws an architecture, not '{chosen}'; {nearest(str(chosen), names)}")
        _draw(known["architectures"].get(chosen), plot)
    if kind is None:
        for plural, registry in known.items():
            print_table(plural, ["name", "what it is"], _rows(registry))
            print()
    elif name is not None:
        if kind not in known:
            raise UnknownNameError(f"there is no list of '{kind}'; {nearest(kind, known)}")
        _describe(known[kind], name)
    elif kind == "architectures":
        for item in known[kind]:
            _describe(known[kind], item.name, in_full=False)
            print()
    elif kind in known:
        print_table(kind, *_table(kind, known[kind]))
    else:
        holders = [registry for registry in known.values() if kind in registry]
        if not holders:
            names = [*known, *(name for registry in known.values() for name in registry.names())]
            raise UnknownNameError(f"there is nothing called '{kind}'; {nearest(kind, names)}")
        for registry in holders:
            _describe(registry, kind)


def _rows(registry: Registry[Any]) -> list[list[str]]:
    return [[item.name, _summary(item)] for item in registry]


def _summary(item: Any) -> str:
    text = getattr(item, "summary", "") or getattr(item, "description", "")
    return text[:1].upper() + text[1:]


def _table(kind: str, registry: Registry[Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows; devices with how they are written."""
    if kind != "devices":
        return ["name", "what it is"], _rows(registry)
    return ["name", "netlist", "what it is"], [[item.name, _keyword(item), _summary(item)] for item in registry]


def _keyword(device: Device) -> str:
    """First letter, model type and level that choose a device."""
    rule = device.netlist
    if rule is None:
        return ""
    words = [rule.letter, *rule.model_types[:1]]
    return " ".join([*words, *([f"level={rule.level}"] if rule.level is not None else [])])


def _draw(architecture: Any, path: Path) -> None:
    from neurosim.atomic import atomic_write
    from neurosim.plots.architecture import draw_architecture

    if path.suffix not in (".png", ".svg", ".pdf"):
        raise FormatError(f"cannot draw into '{path}': the name must end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise FormatError(f"cannot write to '{path}': the folder '{path.parent}' does not exist; make it first")
    figure = draw_architecture(architecture)
    with atomic_write(path) as place:
        figure.savefig(place, format=path.suffix[1:], dpi=110)
    print(f"wrote {path}")


def _describe(registry: Registry[Any], name: str, *, in_full: bool = True) -> None:
    item = registry.get(name)
    origin = registry.origin(name)
    print(f"{item.name}: {_summary(item)}  ({registry.kind}, {origin})")
    aliases = getattr(item, "aliases", ())
    if aliases:
        print(f"also called {', '.join(aliases)}")
    if registry.kind == "device":
        _describe_device(item)
    else:
        for label in _LABELS:
            value = getattr(item, label, None)
            if value not in (None, "", ()):
                text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
                print(f"{label.replace('_', ' ')}: {text}".replace("\n", "\n  "))
    for case in getattr(item, "cases", ()):
        print(f"figure: {case}.png, drawn by 'python -m validation --only literature.{case}'")
    source = getattr(item, "source", None) or getattr(item, "citation", None)
    if source:
        doi = getattr(source, "doi", "")
        print(f"source: {getattr(source, 'citation', source)}" + (f", doi {doi}" if doi else ""))
    text = (getattr(sys.modules.get(origin), "__doc__", None) or "").strip()
    if text and in_full:
        print(f"\n{text}")


def _describe_device(device: Device) -> None:
    rule = device.netlist
    if rule is not None:
        print(f"netlist: {rule.form}")
        if rule.model_types:
            level = f" level={rule.level}" if rule.level is not None else ""
            print(f"model:   .model <name> {' | '.join(rule.model_types)}{level}")
    states = [f"{s.name} [{s.unit or '1'}] {s.meaning}".rstrip() for s in device.structure.states]
    if states:
        print(f"states:  {'; '.join(states)}")
    if device.parameters:
        print()
        rows = [[p.name, _default(p), _range(p), ", ".join(p.aliases), p.meaning] for p in device.parameters]
        print_table("", ["parameter", ">default", "range", "also", "meaning"], rows)
        print()


def _default(parameter: Any) -> str:
    if isinstance(parameter.default, str):
        return parameter.default if parameter.choices else f"as {parameter.default}"
    if parameter.default is None:
        return "-" if parameter.optional else "required"
    if parameter.choices:
        return parameter.choices[int(parameter.default)]
    if parameter.default != parameter.default:
        return "-"
    return format_si(parameter.default, parameter.unit)


def _range(parameter: Any) -> str:
    if parameter.choices:
        return ", ".join(parameter.choices)
    low, high = parameter.minimum, parameter.maximum
    strict = "" if parameter.exclusive else "="
    below, above = low > -UNLIMITED, high < UNLIMITED
    unit = f" {parameter.unit}" if parameter.unit else ""
    if below and above:
        return f"{low:g} .. {high:g}{unit}"
    return f">{strict} {low:g}{unit}" if below else f"<{strict} {high:g}{unit}" if above else ""
