"""``neurosim contraction-rate``: how fast neighbouring runs come together at least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.subject import Settings, Subject, check_place, range_of
from neurosim.cli.tangent import Time, run_of


def contraction_rate_command(
    subject: Subject,
    time: Time = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="NAME=A..B", help="In a box of unknowns or nodes, not along a run.")
    ] = None,
    norm: Annotated[str, typer.Option(help="2, inf or 1.")] = "2",
    best: Annotated[bool, typer.Option("--best", help="Weigh the states by a Perron vector.")] = False,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the start of a network, and of points in the box.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the logarithmic norms.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Logarithmic norm of the Jacobian along a run, or in a region: negative where neighbours come together.

    As in: neurosim contraction-rate hopfield --region u=-1..1 --norm inf --best
    """
    from neurosim.analyses.contraction_rate import contraction_rate
    from neurosim.formats.strict_json import plain

    check_place(plot)
    what, settings = run_of(subject, set_ or [], time, None, seed)
    if region:
        box: dict[str, Any] = {}
        for text in region:
            name, first, last = range_of(text, "--region")
            box[name] = (first, last)
        settings["region"] = box
        settings.pop("t_span")
    found = contraction_rate(what, **settings, norm=norm, weights="best" if best else None, seed=seed)
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
    if json_:
        shown = {
            "title": found.title, "norm": found.norm, "rate": found.rate, "mean_rate": found.mean_rate,
            "proven": None if found.proven != found.proven else found.proven, "worst": found.worst,
            "points": found.measures.size,
        }  # fmt: skip
        print(json.dumps(plain(shown), indent=1, allow_nan=False))
        return
    print(found)
    if plot is not None:
        print(f"wrote {plot}")
