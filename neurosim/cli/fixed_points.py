"""``neurosim fixed-points``: equilibria with their stability, and the branch of one of them over a parameter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli.subject import Settings, Subject, check_place, range_of, subject_of

if TYPE_CHECKING:
    from neurosim.analyses.continuation import Branch
    from neurosim.analyses.fixed_points import FixedPoint

SHOWN = 6


def fixed_points_command(
    subject: Subject,
    follow: Annotated[
        str | None, typer.Option(metavar="NAME=A..B", help="Follow the fixed point nearest the start over a parameter.")
    ] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Follow the branches that cross at branch points too (with --follow).")
    ] = False,
    starts: Annotated[int, typer.Option(help="Random starts of Newton's method.")] = 50,
    at: Annotated[float, typer.Option(help="Time at which sources are taken, in s.")] = 0.0,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the starts.")] = 0,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the points, or the branch.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Find fixed points; with --follow, their branch with folds and Hopf points.

    As in: neurosim fixed-points lorenz --follow rho=0.5..30 --plot branch.png
    """
    from neurosim.analyses.continuation import continuation
    from neurosim.analyses.fixed_points import fixed_points
    from neurosim.errors import ParameterError

    if switch and follow is None:
        raise ParameterError("--switch follows the branches that cross one: give --follow NAME=A..B too")
    check_place(plot)
    what = subject_of(subject, set_ or [])
    if follow is None:
        found = fixed_points(what, at=at, starts=starts, seed=seed)
        values: Any = {
            "title": found.title, "starts": found.starts, "names": found.names,
            "points": [
                {"state": p.state.tolist(), "kind": p.kind, "unstable": p.unstable, "index": p.index,
                 "eigenvalues": [[float(e.real), float(e.imag)] for e in p.eigenvalues]}
                for p in found.points
            ],
        }  # fmt: skip
        lines = [f"{found.title}: {len(found)} fixed points from {found.starts} starts"]
        lines += [_line(k, p, found.names, found.field.is_map) for k, p in enumerate(found.points, start=1)]
    else:
        parameter, first, last = range_of(follow, "--follow")
        branches = [continuation(what, parameter, (first, last), at=at)]
        if switch:
            for point in branches[0].special:
                if point.kind == "branch point":
                    branches += branches[0].crossing_branches(point)
        values, lines = _of_branch(branches[0])
        for other in branches[1:]:
            shown, more = _of_branch(other)
            values.setdefault("crossing", []).append(shown)
            lines += more
    if plot is not None:
        from neurosim.plots import write_figure
        from neurosim.plots.branch import branch

        write_figure((found.plot()[0] if follow is None else branch(branches)).figure, plot)
        lines.append(f"wrote {plot}")
    print(json.dumps(values, indent=1, allow_nan=False) if json_ else "\n".join(lines))


def _of_branch(branch: Branch) -> tuple[dict[str, Any], list[str]]:
    parameter = branch.parameter
    values = {
        "title": branch.title, "parameter": parameter, "points": len(branch.values), "stopped": branch.stopped,
        "special": [
            {"kind": s.kind, "parameter": s.parameter, "state": s.state.tolist(), "frequency": s.frequency}
            for s in branch.special
        ],
    }  # fmt: skip
    reached = f"{branch.values[0]:.6g} .. {branch.values[-1]:.6g}"
    lines = [f"{branch.title}: {len(branch.values)} points, {parameter} = {reached} (ended: {branch.stopped})"]
    lines += [
        f"  {s.kind:<16} {parameter} = {s.parameter:.10g}" + _turning(s.kind, s.frequency) for s in branch.special
    ]
    return values, lines


def _turning(kind: str, frequency: float) -> str:
    """What a special point oscillates with; of maps per step."""
    if not frequency:
        return ""
    return f", {frequency:.6g} Hz" if kind == "Hopf" else f", {frequency:.6g} turns per step"


def _line(number: int, point: FixedPoint, names: list[str], is_map: bool) -> str:
    size = 1e-12 * (1.0 + abs(point.state).max())
    shown = [0.0 if abs(v) < size else v for v in point.state]
    state = ", ".join(f"{n} = {v:.5g}" for n, v in zip(names[:SHOWN], shown, strict=False))
    more = ", ..." if len(names) > SHOWN else ""
    leading = "all states at their bounds"
    if len(point.eigenvalues):
        largest = point.eigenvalues[0]
        turning = f" {'+' if largest.imag >= 0 else '-'} {abs(largest.imag):.4g}i" if largest.imag else ""
        leading = f"leading {'multiplier' if is_map else 'exponent'} {largest.real:+.4g}{turning}"
    return f"  {number:>2}  {point.kind:<15} index {point.index:+d}  {leading}\n      {state}{more}"
