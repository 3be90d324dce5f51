"""``neurosim sweep``: many runs of a netlist, an architecture or a saved graph, as one result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.errors import FormatError, ParameterError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.circuit.model import Circuit
    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.memristive.network import MemristiveNetwork

LINES = 12
"""Up to this many runs are drawn as lines, more as bands."""


def sweep_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Netlist, name of an architecture, or graph file.")],
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUES", help="As R1=1k..10k:20, or R1=1k,2k,5k; repeatable.")
    ] = None,
    initial: Annotated[
        list[str] | None, typer.Option(metavar="ADDR=VALUES", help="Initial values, as 'v(a)=0..1:5'; repeatable.")
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Space the values of a range by equal ratios.")] = False,
    rows: Annotated[bool, typer.Option("--rows", help="Value k of each parameter together, no combinations.")] = False,
    mc: Annotated[int | None, typer.Option(metavar="N", min=1, help="Number of Monte-Carlo samples.")] = None,
    tolerance: Annotated[
        list[str] | None, typer.Option(metavar="NAME=5%", help="Draw within a tolerance of the value; repeatable.")
    ] = None,
    normal: Annotated[bool, typer.Option("--normal", help="Tolerances are three standard deviations.")] = False,
    analysis: Annotated[str | None, typer.Option(metavar="A", help="Of a netlist: tran, ac, dc or op.")] = None,
    time: Annotated[float | None, typer.Option(help="Length of each run in s.")] = None,
    method: Annotated[str | None, typer.Option(metavar="M", help="One of 'neurosim list methods'.")] = None,
    rtol: Annotated[float | None, typer.Option(metavar="R", help="Relative tolerance.")] = None,
    save: Annotated[list[str] | None, typer.Option(metavar="ADDR", help="Save only this; repeatable.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="The same in all rows.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of everything random.")] = 0,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Threads, default all processors.")] = None,
    processes: Annotated[bool, typer.Option("--processes", help="Processes instead of threads.")] = False,
    max_steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most time steps of a row.")] = 10_000_000,
    max_memory: Annotated[float, typer.Option(metavar="GB", help="Most memory of all values.")] = 8.0,
    out: Annotated[Path | None, typer.Option(metavar="X.nc", help="Write a result file, format by suffix.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="X.csv", help="Write a table.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="X.png", help="Draw the runs, or bands of many.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Run a circuit or a network many times, over parameters, initial values or random samples.

    As in: neurosim sweep filter.cir --param R1=1k..10k:20 --mc 100 --tolerance C1=5% --out runs.nc --plot runs.png
    """
    from neurosim.circuit.model import Circuit
    from neurosim.cli.report import print_result
    from neurosim.cli.subject import subject_of
    from neurosim.cli.terminal import progress_bar, remark
    from neurosim.solve.distributions import tolerance as within
    from neurosim.solve.sweep import sweep

    for place in (out, csv, plot):
        if place is not None and not place.parent.is_dir():
            raise FormatError(f"cannot write '{place}': the folder '{place.parent}' does not exist; make it first")
    if time is not None and not time > 0.0:
        raise ParameterError(f"--time {time:g} must be positive")
    what = subject_of(file, set_ or [])
    parameters: dict[str, Any] = {}
    for text in param or ():
        name, values = _values("--param", text, log)
        parameters[_address(what, name)] = values
    shape: Any = "normal" if normal else "uniform"
    for text in tolerance or ():
        name, share = _share(text)
        address = _address(what, name)
        if address in parameters:
            raise ParameterError(f"'{name}' has both --param and --tolerance; give one of them")
        parameters[address] = within(share, shape)
    given: dict[str, Any] = {"rtol": rtol, "method": method, "save": tuple(save) if save else None}
    settings = {key: value for key, value in given.items() if value is not None}
    span = None if time is None else (0.0, time)
    if span is None and not isinstance(what, Circuit):
        raise ParameterError("--time is needed: a network does not say how long it runs")
    executor = None
    if processes:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        with progress_bar(not quiet) as start:
            result = sweep(
                what, parameters, span, mode="rows" if rows else "grid",
                initial=dict(_values("--initial", text, log) for text in initial or ()), samples=mc, seed=seed,
                analysis=analysis, executor=executor, workers=workers, progress=start("rows"),
                memory_limit=max_memory * 1e9, step_limit=max_steps, **settings,
            )  # fmt: skip
    finally:
        if executor is not None:
            executor.shutdown(cancel_futures=True)
    if not quiet:
        print_result(result)
        for row, message in list(result.attrs.get("failures", {}).items())[:5]:
            remark(f"note: {row} failed: {message}")
    _write(result, out, csv, plot, quiet)


def _write(result: Any, out: Path | None, csv: Path | None, plot: Path | None, quiet: bool) -> None:
    from neurosim.formats import save
    from neurosim.plots import save_figure

    if out is not None:
        save(result, out)
    if csv is not None:
        save(result, csv, format="csv")
    if plot is not None:
        runs = result.shape[:-1]
        many = 1
        for length in runs:
            many *= length
        save_figure(result, plot, plot="ensemble" if many > LINES and result.axis_name is not None else None)
    written = [str(place) for place in (out, csv, plot) if place is not None]
    if written and not quiet:
        print(f"wrote {', '.join(written)}")


def _values(option: str, text: str, log: bool) -> tuple[str, Any]:
    """``NAME=a..b:n`` or ``NAME=a,b,c``."""
    import numpy as np

    from neurosim.units import parse_number

    name, equals, written = text.partition("=")
    spelled, _, count = written.partition(":")
    ends = spelled.split("..")
    words = ends if len(ends) == 2 else spelled.split(",")
    numbers = [parse_number(word) for word in words]
    fits = bool(name.strip()) and bool(equals) and None not in numbers and (len(ends) == 2) == bool(count)
    if not fits or (count and not (count.isdecimal() and int(count) > 0)):
        raise ParameterError(f"{option} '{text}': expected NAME=FIRST..LAST:POINTS or NAME=VALUE,VALUE,...")
    if len(ends) != 2:
        return name.strip(), np.array(numbers, float)
    first, last = (float(number) for number in numbers if number is not None)
    if log and not first * last > 0.0:
        raise ParameterError(f"{option} '{text}': --log needs two values of one sign, neither of them 0")
    spaced = np.geomspace if log else np.linspace
    return name.strip(), spaced(first, last, int(count))


def _share(text: str) -> tuple[str, float]:
    name, equals, written = text.partition("=")
    percent = written.strip().endswith("%")
    try:
        share = float(written.strip().removesuffix("%")) * (0.01 if percent else 1.0)
    except ValueError:
        share = -1.0
    if not name or not equals or not 0.0 <= share < 1.0:
        raise ParameterError(f"--tolerance '{text}': expected NAME=5% or NAME=0.05")
    return name.strip(), share


def _address(what: Circuit | SignalGraph | MemristiveNetwork, name: str) -> str:
    """The parameter that a name means: of a part by itself its main one, ``R1`` is ``r1.resistance``."""
    from neurosim.circuit.model import Circuit
    from neurosim.devices import devices

    if not isinstance(what, Circuit):
        return name
    address = name.lower()
    if address in what.parameters or address == "temp" or "." in address:
        return address
    for instance in what.instances:
        if instance.name == address:
            rule = devices.get(instance.device).netlist
            if rule is None or not rule.positional:
                raise ParameterError(f"part '{name}' has no main parameter: name one, as {name}.<parameter>")
            return f"{address}.{rule.positional[0]}"
    from neurosim.errors import nearest

    known = [*what.parameters, *(instance.name for instance in what.instances)]
    raise UnknownNameError(f"the netlist has no .param and no part '{name}'; {nearest(address, known)}")
