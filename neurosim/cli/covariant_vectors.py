"""``neurosim covariant-vectors``: the directions that grow at the rate of each Lyapunov exponent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.subject import Settings, Subject, check_place
from neurosim.cli.tangent import Steps, Time, Transient, run_of


def covariant_vectors_command(
    subject: Subject,
    time: Time = None,
    steps: Steps = None,
    exponents: Annotated[int | None, typer.Option(help="How many vectors; default all.")] = None,
    transient: Transient = None,
    growing: Annotated[
        int | None, typer.Option(help="Angle of the space of so many vectors to the rest; default those that grow.")
    ] = None,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the start of a network and of the vectors.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw local growth and angles.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Covariant Lyapunov vectors: their growth, and how near growing and shrinking directions come.

    As in: neurosim covariant-vectors lorenz --time 200 --plot vectors.png
    """
    import numpy as np

    from neurosim.analyses.covariant_vectors import covariant_vectors

    check_place(plot)
    what, settings = run_of(subject, set_ or [], time, steps, seed)
    found = covariant_vectors(what, **settings, k=exponents, transient=transient, seed=seed)
    count = found.exponents.size
    angles = np.empty(0)
    if count > 1:
        angles = found.smallest_angle(found.growing if growing is None else growing)
    values = {
        "title": found.title, "unit": found.unit, "exponents": found.exponents.tolist(), "points": len(found.times),
        "smallest_angle": float(angles.min()) if angles.size else None,
        "median_angle": float(np.median(angles)) if angles.size else None,
    }  # fmt: skip
    lines = [f"{found.title}: {count} covariant vectors at {len(found.times)} points"]
    lines += [
        f"  {number:3d}  mean growth {mean:+.6g}, local {local.min():+.4g} .. {local.max():+.4g} {found.unit}"
        for number, (mean, local) in enumerate(zip(found.exponents, found.growth.T, strict=True), start=1)
    ]
    if angles.size:
        least, median = angles.min(), np.median(angles)
        lines.append(f"  angle of growing to other directions: least {least:.3g}, median {median:.3g} rad")
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot(growing=growing)[0].figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))
