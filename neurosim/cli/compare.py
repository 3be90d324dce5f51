"""``neurosim compare``: an architecture or a saved graph as an analog network, beside its digital equivalent."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.errors import FormatError, ParameterError, UnknownNameError, nearest

if TYPE_CHECKING:
    from neurosim.graph.signal_graph import SignalGraph


def compare_command(
    network: Annotated[str, typer.Argument(help="Name of an architecture, or a graph file (.json, .graphml).")],
    rule: Annotated[str, typer.Option(help="How time is made discrete; see 'neurosim list rules'.")] = "forward_euler",
    dt: Annotated[float | None, typer.Option(help="Step of the digital side in s.")] = None,
    duration: Annotated[float | None, typer.Option(help="Length of the run in s.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Argument of the architecture.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of inputs and starts.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for report.md, report.json and report.png.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Compare an analog network with its digital equivalent.

    As in: neurosim compare elman --rule exponential_euler --out report
    """
    from neurosim.analyses.comparison import compare
    from neurosim.analyses.comparison_report import as_markdown, as_values
    from neurosim.atomic import atomic_write
    from neurosim.formats.strict_json import plain

    if out is not None and not out.parent.is_dir():
        raise FormatError(f"cannot write to '{out}': the folder '{out.parent}' does not exist; make it first")
    if out is not None and out.exists() and not out.is_dir():
        raise FormatError(f"cannot write to '{out}': it is a file; --out names a folder")
    graph = _graph(network, set_ or [])
    found = compare(graph, rule, dt=dt, duration=duration, seed=seed)
    if out is not None:
        out.mkdir(exist_ok=True)
        axes = found.plot()
        with atomic_write(out / "report.png") as place:
            axes[0].figure.savefig(place, format="png", dpi=110)
        with atomic_write(out / "report.md") as place:
            place.write_text(as_markdown(found, "report.png"), encoding="utf-8")
        with atomic_write(out / "report.json") as place:
            place.write_text(json.dumps(plain(as_values(found)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if not quiet:
        print(as_markdown(found))
        if out is not None:
            print(f"wrote {out / 'report.md'}, report.json, report.png")


def _graph(network: str, settings: list[str]) -> SignalGraph:
    from neurosim.architectures import architectures

    path = Path(network)
    if path.suffix or path.is_file():
        if settings:
            raise ParameterError("--set is for architectures; a saved graph has its parameters in the file")
        if not path.is_file():
            raise FormatError(f"there is no file '{network}'")
        from neurosim.formats import holds_graph, load
        from neurosim.graph.signal_graph import SignalGraph

        loaded: object = load(path) if holds_graph(path) else None
        if not isinstance(loaded, SignalGraph):
            raise FormatError(f"'{network}' holds no signal graph; save one with ns.save(graph, 'net.json')")
        return loaded
    if network not in architectures:
        raise UnknownNameError(
            f"there is no architecture and no file '{network}'; {nearest(network, architectures.names())}"
        )
    architecture = architectures.get(network)
    known = inspect.signature(architecture.build).parameters
    given = dict(map(_setting, settings))
    for name in given:
        if name not in known:
            near = nearest(name, list(known)) or f"known: {', '.join(known)}"
            raise UnknownNameError(f"architecture '{network}' has no argument '{name}'; {near}")
    try:
        return architecture.build(**{**architecture.example, **given})
    except (TypeError, ValueError) as error:
        raise ParameterError(f"architecture '{network}': {error}") from None


def _setting(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ParameterError(f"--set {text!r} must look like name=value")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.casefold(), value)
