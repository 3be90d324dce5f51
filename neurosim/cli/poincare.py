"""``neurosim poincare``: points on a section, and the return map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.subject import Settings, Subject, check_place, subject_of


def poincare_command(
    subject: Subject,
    section: Annotated[str, typer.Argument(metavar="CONDITION", help="As in 'x[2] = 27', or what is 0 there.")],
    direction: Annotated[str, typer.Option(help="up, down or both.")] = "up",
    time: Annotated[float | None, typer.Option(help="Length of the run in s.")] = None,
    transient: Annotated[float | None, typer.Option(help="Left out at its start, in s.")] = None,
    set_: Settings = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw section and return map.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="X.csv", help="Write the points as a table.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
) -> None:
    """Find where a run crosses a surface.

    As in: neurosim poincare lorenz "x[2] = 27" --time 500 --plot section.png
    """
    from neurosim.analyses.poincare_section import poincare_section
    from neurosim.errors import ParameterError

    if time is not None and not time > 0.0:
        raise ParameterError(f"--time {time:g} must be positive")
    for place in (plot, csv):
        check_place(place)
    found = poincare_section(
        subject_of(subject, set_ or []), section, direction=direction, t_span=None if time is None else (0.0, time),
        transient=transient,
    )  # fmt: skip
    lines = [f"{found.title}: {len(found)} crossings of {found.condition}, {found.direction}"]
    for name, values in zip(found.names, found.states.T, strict=True):
        if len(found):
            lines.append(f"  {name:<10} {values.min():.6g} .. {values.max():.6g}")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot()[0].figure, plot)
        lines.append(f"wrote {plot}")
    if csv is not None:
        from neurosim.atomic import atomic_write

        rows = [",".join(["time", *(f'"{name}"' if "," in name else name for name in found.names)])]
        rows += [",".join(repr(float(v)) for v in (t, *y)) for t, y in zip(found.times, found.states, strict=True)]
        with atomic_write(csv) as temporary:
            temporary.write_text("\n".join(rows) + "\n", encoding="utf-8")
        lines.append(f"wrote {csv}")
    shown = {
        "title": found.title, "condition": found.condition, "direction": found.direction, "names": found.names,
        "times": found.times.tolist(), "states": found.states.tolist(),
    }  # fmt: skip
    print(json.dumps(shown, indent=1, allow_nan=False) if json_ else "\n".join(lines))
