"""``neurosim basins``: basins of attraction on a plane."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.plane import Centre, Extent, Plane, centre_from, extent_from, plane_from
from neurosim.cli.subject import Settings, Subject, check_place, subject_of

SHOWN = 12


def basins_command(
    subject: Subject,
    plane: Plane = None,
    extent: Extent = None,
    centre: Centre = None,
    time: Annotated[float | None, typer.Option(help="Length of each run in s, or steps of a map.")] = None,
    points: Annotated[int, typer.Option(help="Starts along each axis.")] = 101,
    tolerance: Annotated[float, typer.Option(help="Share by which ends of one attractor may differ.")] = 0.02,
    set_: Settings = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the basins.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Tell to which attractor each start on a plane leads.

    As in: neurosim basins lorenz --set rho=20 --plane x[0],x[2] --extent=-30..30 --extent=-10..50 --plot basins.png
    """
    from neurosim.analyses.basins import BOX, basins

    check_place(plot)
    found = basins(
        subject_of(subject, set_ or []), plane_from(plane), centre=centre_from(centre or []),
        extent=extent_from(extent or []), points=points, duration=time, tolerance=tolerance,
    )  # fmt: skip
    entropy, boundary = found.entropy() if points >= BOX else (None, None)
    kinds = [a.point.kind if a.point is not None else a.kind for a in found.attractors]
    values = {
        "title": found.title, "names": found.names, "escaped": found.escaped, "basin_entropy": entropy,
        "boundary_entropy": boundary,
        "attractors": [
            {"kind": kind, "fraction": a.fraction, "mean": a.mean.tolist(), "low": a.low.tolist(),
             "high": a.high.tolist()}
            for kind, a in zip(kinds, found.attractors, strict=True)
        ],
        "labels": found.labels.tolist(),
    }  # fmt: skip
    lines = [f"{found.title}: {len(found.attractors)} attractors from {found.labels.size} starts"]
    for k, (kind, a) in enumerate(zip(kinds[:SHOWN], found.attractors, strict=False), start=1):
        mean = ", ".join(f"{name} = {value:.4g}" for name, value in zip(found.names[:4], a.mean, strict=False))
        lines.append(f"  {k:>2}  {100.0 * a.fraction:6.2f} %  {kind:<13} {mean}")
    if len(kinds) > SHOWN:
        lines.append(f"  ... {len(kinds) - SHOWN} more: a longer --time lets runs settle")
    if found.escaped:
        lines.append(f"      {100.0 * found.escaped:6.2f} %  escaped")
    if entropy is not None:
        lines.append(f"  basin entropy {entropy:.4f}, of the boundary {boundary:.4f} (above 0.693: fractal)")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot().figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
