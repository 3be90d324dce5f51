"""``neurosim limit-cycle``: a periodic orbit with its Floquet multipliers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.subject import Settings, Subject, check_place, subject_of

SHOWN = 8


def limit_cycle_command(
    subject: Subject,
    period: Annotated[
        float | None, typer.Option(help="Of the drive, in s; of an autonomous system a first guess.")
    ] = None,
    transient: Annotated[float | None, typer.Option(help="Run before the orbit is looked for, in s.")] = None,
    rtol: Annotated[float, typer.Option(help="To which steps are halved until the period stays.")] = 1e-9,
    set_: Settings = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw orbit, waves and multipliers.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Find the periodic orbit that the start leads to: period, amplitudes, Floquet multipliers, stability.

    As in: neurosim limit-cycle van_der_pol --set mu=2 --plot cycle.png
    """
    from neurosim.analyses.limit_cycle import limit_cycle

    check_place(plot)
    found = limit_cycle(subject_of(subject, set_ or []), period=period, transient=transient, rtol=rtol)
    ranges = {name: found.range_of(name) for name in found.names}
    values = {
        "title": found.title, "period": found.period, "is_driven": found.is_driven, "is_stable": found.is_stable,
        "unstable": found.unstable, "neutral": found.neutral,
        "multipliers": [[float(m.real), float(m.imag)] for m in found.multipliers],
        "range": ranges, "residual": found.residual, "error": found.error if found.error < float("inf") else None,
    }  # fmt: skip
    lines = [
        found.title,
        f"  period       {found.period:.12g} s" + (" (of the drive)" if found.is_driven else f" +- {found.error:.1e}"),
        f"  stability    {found.stability}",
        "  multipliers  " + ", ".join(_number(m) for m in found.multipliers[:SHOWN])
        + (", ..." if len(found.multipliers) > SHOWN else ""),
    ]  # fmt: skip
    lines += [f"  {name:<12} {low:.8g} .. {high:.8g}" for name, (low, high) in list(ranges.items())[:SHOWN]]
    if plot is not None:
        from neurosim.plots import write_figure

        write_figure(found.plot()[0].figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))


def _number(value: complex) -> str:
    if abs(value) < 1e-13:
        return "0"
    turning = f" {'+' if value.imag > 0 else '-'} {abs(value.imag):.6g}i" if abs(value.imag) > 1e-13 else ""
    return f"{value.real:.8g}{turning}"
