"""``neurosim resume``: go on with a run that was cut, from its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def resume_command(
    checkpoint: Annotated[Path, typer.Argument(metavar="X.npz", help="Written by 'neurosim run --checkpoint'.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The netlist, if it was moved.")] = None,
    csv: Annotated[str | None, typer.Option(metavar="OUT", help="Write CSV; '-' is standard output.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="X.nc", help="Write a result file, format by suffix.")] = None,
    plot: Annotated[str | None, typer.Option(metavar="X.png|none", help="Write a figure, or none.")] = None,
    max_steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most time steps.")] = 10_000_000,
    max_seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="Most seconds of computing.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Go on with a transient run from its checkpoint; the result has the bits of a run that was not cut.

    Files are written as by 'neurosim run'.
    """
    from neurosim.cli.outputs import Outputs
    from neurosim.cli.report import print_result
    from neurosim.cli.terminal import progress_bar
    from neurosim.solve.resume import resume

    outputs = Outputs(file or checkpoint, csv=csv, out=out, raw=None, text_raw=False, plot=plot, plot_kind=None,
                      plot_names=(), wants_default=not quiet)  # fmt: skip
    outputs.check_places()
    with progress_bar(not quiet) as start:
        result = resume(
            checkpoint, file, step_limit=max_steps, progress=start("tran"),
            wall_time_limit=float("inf") if max_seconds is None else max_seconds,
        )  # fmt: skip
    if not (quiet or csv == "-"):
        print_result(result)
    written = outputs.write([("", result)], ())
    if written and not (quiet or csv == "-"):
        print(f"wrote {', '.join(map(str, written))}")
