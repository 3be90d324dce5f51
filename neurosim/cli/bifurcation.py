"""``neurosim bifurcation``: what an attractor shows of itself over a parameter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.subject import Settings, Subject, check_place, range_of, subject_of


def bifurcation_command(
    subject: Subject,
    param: Annotated[str, typer.Option(metavar="NAME=A..B[:N]", help="Parameter, its range, and how many values.")],
    observe: Annotated[str | None, typer.Option(help="Unknown to show; default the first.")] = None,
    kind: Annotated[str | None, typer.Option(help="maxima, minima, section or samples.")] = None,
    section: Annotated[str | None, typer.Option(metavar="CONDITION", help="As in 'x[0] = 0'.")] = None,
    transient: Annotated[float | None, typer.Option(help="Left out before, in s or steps.")] = None,
    time: Annotated[float | None, typer.Option(help="What is shown of each run, in s or steps.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go up and down, from the last run's end.")] = False,
    set_: Settings = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the diagram.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Show maxima, section points or samples of an attractor over a parameter.

    As in: neurosim bifurcation rossler --param c=2..6:200 --transient 200 --plot rossler.png
    """
    import numpy as np

    from neurosim.analyses.bifurcation_diagram import bifurcation_diagram
    from neurosim.errors import ParameterError

    check_place(plot)
    text, separator, number = param.rpartition(":")
    if separator and not number.isdecimal():
        raise ParameterError(f"--param {param!r} must look like NAME=A..B:N with a whole number N")
    name, first, last = range_of(text if separator else param, "--param")
    count = int(number) if separator else 200
    if not 1 <= count <= 1_000_000:
        raise ParameterError(f"--param {param!r}: N = {count} must lie between 1 and 1000000")
    found = bifurcation_diagram(
        subject_of(subject, set_ or []), name, np.linspace(first, last, count), observe, kind=kind, section=section,
        transient=transient, duration=time, follow=follow,
    )  # fmt: skip
    values = {
        "title": found.title, "parameter": found.parameter, "observe": found.observe, "kind": found.kind,
        "values": found.values.tolist(), "observed": found.observed.tolist(), "directions": found.directions.tolist(),
        "failures": {f"{value:.12g}": why for value, why in found.failures.items()},
    }  # fmt: skip
    shown = f"{found.values.size} points ({found.kind} of {found.observe})"
    lines = [f"{found.title}: {shown} over {count} values of {name}"]
    for value, why in list(found.failures.items())[:3]:
        lines.append(f"  {name} = {value:.6g}: {why}")
    if len(found.failures) > 3:
        lines.append(f"  ... {len(found.failures) - 3} more values failed")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
