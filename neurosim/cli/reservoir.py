"""``neurosim reservoir``: all measures of a reservoir as a table and a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.subject import check_place, graph_of, setting

Given = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Argument or parameter.")]


def reservoir_command(
    network: Annotated[
        str, typer.Argument(help="Name of an architecture or graph file; or a saved memristive network (.json).")
    ],
    set_: Given = None,
    flow: Annotated[bool, typer.Option("--flow", help="Run the graph in time, not in steps.")] = False,
    step: Annotated[float | None, typer.Option(help="For which an input is held in s.")] = None,
    dt: Annotated[float | None, typer.Option(help="Grid of a spiking network, step of a digital one, in s.")] = None,
    gain: Annotated[float, typer.Option(help="Factor of inputs of -1 to 1.")] = 1.0,
    offset: Annotated[float, typer.Option(help="Added to them.")] = 0.0,
    measure: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Setting of the battery, as rows=4000.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all inputs.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw six panels.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Measure separation, ranks, memory and processing capacity, Fisher memory and recall of spike patterns.

    As in: neurosim reservoir liquid --set shape=15,3,3 --set plastic=true --plot liquid.png
    """
    from neurosim.analyses.reservoir import reservoir
    from neurosim.analyses.reservoir_battery import reservoir_battery
    from neurosim.cli.network import saved_network

    check_place(plot)
    subject: Any = None if set_ else saved_network(network)
    if subject is None:
        subject = graph_of(network, set_ or [])
    given: dict[str, Any] = dict(map(setting, measure or []))
    found = reservoir_battery(
        reservoir(subject, flow=flow, step=step, dt=dt, gain=gain, offset=offset), seed=seed, **given
    )
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
    if json_:
        values = {"title": found.title, "kind": found.kind, "states": found.size, "inputs": found.channels,
                  "measures": found.values, "remarks": list(found.remarks)}  # fmt: skip
        print(json.dumps(values, indent=1, allow_nan=False))
        return
    print(found)
    if plot is not None:
        print(f"wrote {plot}")
