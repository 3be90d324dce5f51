"""``neurosim resume``: go on with a run that was cut, from its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def resume_command(
    checkpoint: Annotated[Path, typer.Argument(metavar="X.npz", help="Written by run or network with --checkpoint.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The netlist or network, if it was moved; a saved graph.")
    ] = None,
    csv: Annotated[str | None, typer.Option(metavar="OUT", help="Write CSV; '-' is standard output.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="X.nc", help="Write a result file, format by suffix.")] = None,
    plot: Annotated[str | None, typer.Option(metavar="X.png|none", help="Write a figure, or none.")] = None,
    max_steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most time steps.")] = 10_000_000,
    max_seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="Most seconds of computing.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Go on with a run from its checkpoint; the result has the bits of a run that was not cut.

    A network is read from where 'neurosim network' saved it, X.json beside X.npz. Files are written as by
    'neurosim run'.
    """
    from neurosim.cli.outputs import Outputs
    from neurosim.cli.report import print_result
    from neurosim.cli.terminal import progress_bar
    from neurosim.solve.resume import resume

    outputs = Outputs(file or checkpoint, csv=csv, out=out, raw=None, text_raw=False, plot=plot, plot_kind=None,
                      plot_names=(), wants_default=not quiet)  # fmt: skip
    outputs.check_places()
    what = _ran(checkpoint, file)
    with progress_bar(not quiet) as start:
        result = resume(
            checkpoint, what, step_limit=max_steps, progress=start("tran"),
            wall_time_limit=float("inf") if max_seconds is None else max_seconds,
        )  # fmt: skip
    if not (quiet or csv == "-"):
        print_result(result)
    written = outputs.write([("", result)], ())
    if written and not (quiet or csv == "-"):
        print(f"wrote {', '.join(map(str, written))}")


def _ran(checkpoint: Path, file: Path | None) -> Any:
    """What ran: the path of a netlist, None for the one that the checkpoint names, a graph or a network."""
    from neurosim.cli.network import network_beside
    from neurosim.cli.subject import subject_of
    from neurosim.errors import FormatError
    from neurosim.solve.checkpoint_file import read_checkpoint

    header = read_checkpoint(checkpoint).header
    if header["kind"] == "circuit":
        return file
    place = file or network_beside(checkpoint)
    if not place.is_file():
        raise FormatError(
            f"checkpoint '{checkpoint}' is of {header['kind']} '{header['title']}', which is not in '{place}': give "
            f"its file, neurosim resume {checkpoint} FILE.json"
        )
    return subject_of(str(place), [])
