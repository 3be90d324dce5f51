"""``neurosim fit``: parameters of a netlist or a network from measured data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli.reading import AllowInclude, DialectOption, NoPlugins
from neurosim.errors import FormatError, ParameterError

if TYPE_CHECKING:
    from neurosim.analyses.fit import Fit


def fit_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A netlist, or a graph file (.json, .graphml).")],
    data: Annotated[Path, typer.Option(metavar="D.csv", help="Table with 'time' and columns such as 'v(out)'.")],
    param: Annotated[
        list[str], typer.Option("--param", metavar="NAME=LOW..HIGH", help="Fit this, as R1=1k..10k; repeatable.")
    ],
    sigma: Annotated[float | None, typer.Option(metavar="S", help="Standard deviation of the samples.")] = None,
    method: Annotated[str, typer.Option(metavar="M", help="auto, least_squares, lbfgs or adam.")] = "auto",
    starts: Annotated[int, typer.Option(metavar="N", min=1, help="Starts, drawn inside the bounds.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the starts.")] = 0,
    evaluations: Annotated[int, typer.Option(metavar="N", min=1, help="Most runs for each start.")] = 200,
    rtol: Annotated[float, typer.Option(metavar="R", help="Relative tolerance of the runs.")] = 1e-6,
    out: Annotated[Path | None, typer.Option(metavar="X.json", help="Write values and uncertainties.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Write a figure.")] = None,
    dialect: DialectOption = None,
    allow_include: AllowInclude = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
    no_plugins: NoPlugins = False,
) -> None:
    """Fit parameters to measured data.

    As in: neurosim fit rc.cir --data measured.csv --param R1=100..100k --param C1=1n..10u
    """
    for place in (out, plot):
        if place is not None and not place.parent.is_dir():
            raise FormatError(f"cannot write to '{place}': the folder '{place.parent}' does not exist; make it first")
    bounds = dict(map(_bounds, param))
    if not data.is_file():
        raise FormatError(f"there is no file '{data}'")
    from neurosim.analyses.fit import fit

    found = fit(
        _model(file, dialect, allow_include), data, bounds, sigma=sigma, method=method, starts=starts, seed=seed,
        evaluations=evaluations, rtol=rtol,
    )  # fmt: skip
    if out is not None:
        _write(found, out)
    if plot is not None:
        from neurosim.atomic import atomic_write

        with atomic_write(plot) as temporary:
            found.plot()[0].figure.savefig(temporary, format=plot.suffix.lstrip(".") or "png", dpi=110)
    if not quiet:
        print(found.report())
        written = [str(place) for place in (out, plot) if place is not None]
        if written:
            print(f"wrote {', '.join(written)}")


def _model(file: Path, dialect: str | None, allow_include: bool) -> object:
    from neurosim.cli.reading import read_circuit
    from neurosim.formats import holds_graph, load

    if file.is_file() and holds_graph(file):
        return load(file)
    return read_circuit(file, dialect, allow_include)


def _bounds(text: str) -> tuple[str, tuple[float, float] | None]:
    from neurosim.units import parse_number

    name, equals, written = text.partition("=")
    if not equals and name.strip():
        return name.strip(), None
    low, dots, high = written.partition("..")
    numbers = parse_number(low), parse_number(high)
    if not name.strip() or not dots or numbers[0] is None or numbers[1] is None:
        raise ParameterError(f"--param '{text}': expected NAME=LOW..HIGH, as in --param R1=1k..10k")
    return name.strip(), (numbers[0], numbers[1])


def _write(found: Fit, place: Path) -> None:
    from neurosim.atomic import atomic_write
    from neurosim.formats.strict_json import plain

    document = {
        "title": found.title, "values": found.values, "uncertainty": found.uncertainty, "rms": found.rms,
        "cost": found.cost, "method": found.method, "evaluations": found.evaluations, "reason": found.reason,
        "bounds": {name: list(pair) for name, pair in found.bounds.items()},
    }  # fmt: skip
    with atomic_write(place) as temporary:
        temporary.write_text(json.dumps(plain(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")
