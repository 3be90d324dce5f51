"""``neurosim run``: from a netlist to a table, a result file and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli.reading import AllowInclude, DialectOption, Netlist, NoPlugins, Parameters, Temperature, read_circuit

if TYPE_CHECKING:
    from neurosim.circuit.model import Analysis, Circuit
    from neurosim.errors import NeurosimError
    from neurosim.results import Result


def run(
    file: Netlist,
    analysis: Annotated[str | None, typer.Option(metavar="A", help="Only this one: tran, ac, dc or op.")] = None,
    csv: Annotated[str | None, typer.Option(metavar="OUT", help="Write CSV; '-' is standard output.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="X.nc", help="Write a result file, format by suffix.")] = None,
    raw: Annotated[Path | None, typer.Option(metavar="X.raw", help="Write a SPICE raw file.")] = None,
    ascii: Annotated[bool, typer.Option("--ascii", help="Write the raw file as text.")] = False,
    plot: Annotated[str | None, typer.Option(metavar="X.png|none", help="Write a figure, or none.")] = None,
    plot_kind: Annotated[str | None, typer.Option(metavar="P", help="One of 'neurosim list plots'.")] = None,
    plot_names: Annotated[
        list[str] | None, typer.Option("--plot-name", metavar="ADDR", help="Draw this; repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    method: Annotated[str | None, typer.Option(metavar="M", help="One of 'neurosim list methods'.")] = None,
    rtol: Annotated[float | None, typer.Option(metavar="R", help="Relative tolerance, default 1e-5.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of everything random.")] = 0,
    save: Annotated[
        list[str] | None, typer.Option(metavar="ADDR", help="Save only this, as 'v(out)'; repeatable.")
    ] = None,
    param: Parameters = None,
    temp: Temperature = None,
    dialect: DialectOption = None,
    allow_include: AllowInclude = False,
    max_steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most time steps.")] = 10_000_000,
    max_seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="Most seconds of computing.")] = None,
    max_memory: Annotated[float | None, typer.Option(metavar="GB", help="Most memory of recorded points.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Save the state of a transient run here now and then.")
    ] = None,
    checkpoint_every: Annotated[float, typer.Option(metavar="S", min=0.0, help="Seconds between two saves.")] = 60.0,
    no_plugins: NoPlugins = False,
) -> None:
    """Run the analyses of a netlist: table, result file, figure.

    Without an output option (--csv, --out, --raw, --plot X, --json, --quiet) the result goes to <name>.nc and a figure
    to <name>.png in this folder. If the netlist has several analyses, the first of tran, ac, dc, op has these names
    and the others stand beside it, as <name>.ac.nc.
    """
    from neurosim.cli.outputs import Outputs
    from neurosim.cli.report import print_result
    from neurosim.cli.terminal import progress_bar, remark
    from neurosim.errors import NeurosimError, ParameterError
    from neurosim.solve.methods import methods
    from neurosim.solve.simulate_circuit import Settings, kind_of, run_analysis

    if json and csv == "-":
        raise ParameterError("--json and --csv - both want standard output; give one of them a file")
    if save and "" in save:
        raise ParameterError("--save '': expected an address, as --save 'v(out)'")
    if method not in (None, "auto"):
        methods.get(method)
    circuit = read_circuit(file, dialect, allow_include, param, temp)
    outputs = Outputs(file, csv=csv, out=out, raw=raw, text_raw=ascii, plot=plot, plot_kind=plot_kind,
                      plot_names=tuple(plot_names or ()), wants_default=not (json or quiet))  # fmt: skip
    outputs.check_places()
    talks = not (quiet or json or csv == "-")
    if not quiet:
        for note in _notes(circuit):
            remark(note)
    chosen = _chosen(circuit, analysis)
    if checkpoint is not None and sum(kind_of(a) == "tran" for a in chosen) != 1:
        raise ParameterError("--checkpoint needs one .tran analysis")
    results: list[tuple[str, Result]] = []
    failures: list[tuple[str, NeurosimError]] = []
    with progress_bar(not quiet) as start:
        for label, what in outputs.labelled(chosen):
            settings = Settings(
                method=method, rtol=rtol, save=tuple(save or ()), seed=seed, step_limit=max_steps,
                wall_time_limit=float("inf") if max_seconds is None else max_seconds, progress=start(kind_of(what)),
                memory_limit=float("inf") if max_memory is None else max_memory * 1e9,
                checkpoint=checkpoint if kind_of(what) == "tran" else None, checkpoint_every=checkpoint_every,
            )  # fmt: skip
            try:
                result = run_analysis(circuit, what, settings)
            except NeurosimError as error:
                failures.append((label, error))
                continue
            if param:
                result.attrs["parameters"] = {name: float(value) for name, value in circuit.parameters.items()}
            results.append((label, result))
    if talks:
        for number, (_, result) in enumerate(results):
            print_result(result, after_another=number > 0)
    if not quiet:
        for _, result in results:
            for note in result.attrs.get("notes", ()):
                remark(f"note: {note}")
    written = outputs.write(results, circuit.plotted) if results else []
    partials = [outputs.write_partial(label, error) for label, error in failures]
    if json:
        _print_json(circuit, [result for _, result in results], written, [error for _, error in failures], partials)
    elif talks and written:
        print(f"wrote {', '.join(map(str, written))}")
    if failures:
        raise _told(failures, partials)


def _told(failures: Sequence[tuple[str, NeurosimError]], partials: Sequence[Path | None]) -> NeurosimError:
    """One error that tells all, a failed simulation if there is one."""
    from neurosim.errors import NeurosimError, SimulationError

    texts = []
    for (_, error), place in zip(failures, partials, strict=True):
        texts.append(str(error) if place is None else f"{error}\n      what was computed until then: {place}")
    failed = any(isinstance(error, SimulationError) for _, error in failures)
    return (SimulationError if failed else NeurosimError)("\n".join(dict.fromkeys(texts)))


def _notes(circuit: Circuit) -> Iterator[object]:
    from neurosim.circuit.checks import check_circuit

    yield from circuit.notes
    yield from check_circuit(circuit)


def _chosen(circuit: Circuit, wanted: str | None) -> tuple[Analysis, ...]:
    from neurosim.circuit.model import OperatingPoint
    from neurosim.errors import ParameterError, nearest
    from neurosim.solve.simulate_circuit import analyses_of, kind_of

    found = analyses_of(circuit)
    if wanted is None:
        return found
    kinds = ("tran", "ac", "dc", "op")
    if wanted not in kinds:
        raise ParameterError(f"--analysis {wanted}: {nearest(wanted, kinds)}")
    matching = tuple(a for a in found if kind_of(a) == wanted)
    if not matching and wanted == "op":
        return (OperatingPoint(),)
    if not matching:
        have = ", ".join(dict.fromkeys(kind_of(a) for a in found))
        raise ParameterError(f"--analysis {wanted}: the netlist has no .{wanted} card; it has {have}")
    return matching


def _print_json(
    circuit: Circuit, results: Sequence[Result], written: Sequence[Path], errors: Sequence[NeurosimError],
    partials: Sequence[Path | None],
) -> None:  # fmt: skip
    from neurosim.formats.json_text import summary
    from neurosim.formats.strict_json import dumps

    document = {
        "source": circuit.path,
        "title": circuit.title,
        "results": [summary(result) for result in results],
        "files": [str(path) for path in (*written, *partials) if path is not None],
        "warnings": [str(note) for note in circuit.notes],
        "errors": [str(error) for error in errors],
    }
    print(dumps(document, indent=2))
