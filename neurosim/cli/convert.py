"""``neurosim convert``: one result format to another, or one format of signal graphs to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A result file; its suffix tells the format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="What to write; its suffix chooses the format.")],
    number: Annotated[int | None, typer.Option(help="Which result to take, from 0, if IN holds several.")] = None,
    ascii: Annotated[bool, typer.Option("--ascii", help="Write a SPICE raw file as text.")] = False,
) -> None:
    """Convert a result file to another format.

    As in: neurosim convert run.raw run.csv; 'neurosim list formats' shows the formats. A saved signal graph becomes
    .json or .graphml.
    """
    from neurosim.errors import FormatError
    from neurosim.formats import format_for, holds_graph, load, load_all, save

    if number is None and not ascii and holds_graph(source):
        graph = load(source)
        save(graph, target)
        print(f"wrote {target}: {graph!r}")
        return
    chosen = format_for(target)
    if ascii and chosen.name != "spice_raw":
        raise FormatError(f"--ascii is for SPICE raw files, but '{target}' is {chosen.name}")
    results: Any = load_all(source)
    if number is not None or not chosen.several:
        results = [load(source, number=number)]
    options: dict[str, Any] = {"binary": False} if ascii else {}
    save(results, target, **options)
    print(f"wrote {target}: {'; '.join(map(repr, results))}")
