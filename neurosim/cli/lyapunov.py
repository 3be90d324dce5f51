"""``neurosim lyapunov``: the Lyapunov exponents of anything that simulates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli.subject import Settings, Subject
from neurosim.cli.tangent import Steps, Time, Transient, run_of
from neurosim.errors import FormatError

if TYPE_CHECKING:
    from neurosim.analyses.lyapunov import LyapunovSpectrum


def lyapunov_command(
    subject: Subject,
    time: Time = None,
    steps: Steps = None,
    exponents: Annotated[int | None, typer.Option(help="How many, the largest; default all, of large nets 10.")] = None,
    dt: Annotated[float | None, typer.Option(help="Step in s; default chosen by the error of a step.")] = None,
    method: Annotated[str, typer.Option(help="auto, rk4, dp5, ..., or sdirk4 (implicit).")] = "auto",
    transient: Transient = None,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(help="Seed of the start of a network, of vectors and bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for report.md, report.json and report.png.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw convergence and spectrum.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print numbers as JSON.")] = False,
) -> None:
    """Lyapunov exponents with errors, Kaplan-Yorke dimension and entropy.

    As in: neurosim lyapunov lorenz --time 2000 --plot lorenz.png
    """
    from neurosim.analyses.lyapunov import lyapunov_spectrum
    from neurosim.atomic import atomic_write
    from neurosim.formats.strict_json import plain
    from neurosim.graph.program import Program
    from neurosim.plots import write_figure

    if out is not None and not out.parent.is_dir():
        raise FormatError(f"cannot write to '{out}': the folder '{out.parent}' does not exist; make it first")
    if out is not None and out.exists() and not out.is_dir():
        raise FormatError(f"cannot write to '{out}': it is a file; --out names a folder")
    if plot is not None and not plot.parent.is_dir():
        raise FormatError(f"cannot write to '{plot}': the folder '{plot.parent}' does not exist; make it first")
    what, settings = run_of(subject, set_ or [], time, steps, seed)
    settings |= {"k": exponents, "dt": dt, "method": method, "transient": transient, "seed": seed}
    if isinstance(what, Program) and what.states.size > 100 and exponents is None:
        settings["k"] = 10
    found = lyapunov_spectrum(what, **settings)
    values = as_values(found)
    if out is not None:
        out.mkdir(exist_ok=True)
        write_figure(found.plot()[0].figure, out / "report.png")
        with atomic_write(out / "report.md") as place:
            place.write_text(as_markdown(found, "report.png"), encoding="utf-8")
        with atomic_write(out / "report.json") as place:
            place.write_text(json.dumps(plain(values), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if plot is not None:
        write_figure(found.plot()[0].figure, plot)
    print(json.dumps(plain(values), indent=1, allow_nan=False) if json_ else str(found))
    for written in (plot, out and out / "report.md"):
        if written and not json_:
            print(f"wrote {written}")


def as_values(found: LyapunovSpectrum) -> dict[str, Any]:
    """The numbers as plain values; what is not finite is None."""

    def finite(value: float) -> float | None:
        return float(value) if abs(value) < float("inf") else None

    return {
        "title": found.title,
        "unit": found.unit,
        "kind": found.kind,
        "exponents": [finite(value) for value in found.exponents],
        "errors": [finite(value) for value in found.errors],
        "sum": finite(found.measured.sum()),
        "mean_divergence": finite(found.divergence),
        "kaplan_yorke_dimension": finite(found.kaplan_yorke),
        "kaplan_yorke_error": finite(found.kaplan_yorke_error),
        "entropy": finite(found.entropy),
        "entropy_error": finite(found.entropy_error),
        "dt": found.dt,
        "interval": found.interval,
        "duration": found.duration,
        "method": found.method,
        "notes": list(found.notes),
    }


def as_markdown(found: LyapunovSpectrum, figure: str) -> str:
    """Report of a spectrum."""
    rows = [
        f"| {number} | {value:+.6g} | {error:.2g} |"
        for number, (value, error) in enumerate(zip(found.exponents, found.errors, strict=True), start=1)
    ]
    known = len(found.exponents) == found.dimension
    lines = [
        f"# {found.title}: Lyapunov exponents", "", f"![convergence and spectrum]({figure})", "",
        f"{found.kind}; {len(rows)} of {found.dimension} exponents in {found.unit}, method {found.method}, step "
        f"{found.dt:.4g}, orthonormalised every {found.interval:.4g}, averaged over {found.duration:.6g}.", "",
        "| number | exponent | error |", "| --- | --- | --- |", *rows, "",
        f"Sum {found.measured.sum():+.8g}, mean divergence {found.divergence:+.8g}."
        if known else "Not all exponents: their sum says nothing.", "",
        f"Kaplan-Yorke dimension {found.kaplan_yorke:.4f} +- {found.kaplan_yorke_error:.2g}; Kolmogorov-Sinai entropy "
        f"{found.entropy:.5g} +- {found.entropy_error:.2g} {found.unit}.", "",
        *(f"- {note}" for note in found.notes), "",
    ]  # fmt: skip
    return "\n".join(lines)
