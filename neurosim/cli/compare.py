"""``neurosim compare``: an architecture, a saved graph or a memristive network, beside its digital equivalent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.network import saved_network
from neurosim.cli.subject import graph_of
from neurosim.errors import FormatError, ParameterError


def compare_command(
    network: Annotated[str, typer.Argument(help="Architecture, graph file (.json, .graphml), or memristive netlist.")],
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
    graph = saved_network(network) or graph_of(network, set_ or [])
    if set_ and Path(network).is_file():
        raise ParameterError("--set is for architectures; a file has its parameters in it")
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
