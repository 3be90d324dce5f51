"""``neurosim phase``: a phase portrait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.plane import Centre, Extent, Plane, centre_from, extent_from, plane_from
from neurosim.cli.subject import Settings, Subject, check_place, subject_of


def phase_command(
    subject: Subject,
    plane: Plane = None,
    extent: Extent = None,
    centre: Centre = None,
    starts: Annotated[int, typer.Option(help="Number of runs from random starts.")] = 8,
    time: Annotated[float | None, typer.Option(help="Length of the runs in s, or steps of a map.")] = None,
    at: Annotated[float, typer.Option(help="Time at which sources are taken for the field, in s.")] = 0.0,
    points: Annotated[int, typer.Option(help="Points of the grid along each axis.")] = 81,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the starts.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the portrait.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Draw field, nullclines, fixed points and runs on a plane of two states.

    As in: neurosim phase van_der_pol --extent=-3..3 --extent=-4..4 --plot phase.png
    """
    from neurosim.analyses.phase_portrait import phase_portrait

    check_place(plot)
    found = phase_portrait(
        subject_of(subject, set_ or []), plane_from(plane), centre=centre_from(centre or []),
        extent=extent_from(extent or []), points=points, starts=starts, duration=time, at=at, seed=seed,
    )  # fmt: skip
    first, second = found.plane.names
    values: dict[str, Any] = {
        "title": found.title, "plane": [first, second],
        "extent": [[float(a[0]), float(a[-1])] for a in (found.plane.first, found.plane.second)],
        "fixed_points": [
            {"kind": p.kind, "place": found.plane.project(p.state).tolist(), "on_plane": on}
            for p, on in zip(found.fixed, found.on_plane, strict=True)
        ],
    }  # fmt: skip
    lines = [f"{found.title}: {len(found.fixed)} fixed points seen on the plane of {first} and {second}"]
    for point in values["fixed_points"]:
        a, b = point["place"]
        off = "" if point["on_plane"] else "  (off the plane)"
        lines.append(f"  {point['kind']:<15} {first} = {a:.6g}, {second} = {b:.6g}{off}")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
