"""What commands print: tables and lines on standard output, remarks and progress on standard error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from neurosim.units import format_si

ROWS_SHOWN = 24
"""Rows of a table before it ends in "... and N more"."""


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, limit: int | None = None) -> None:
    """Print a table; columns whose cells are numbers stand right.

    Parameters
    ----------
    title : str
        Line above the table.
    head : sequence of str
        A leading ``>`` sets a column to the right.
    rows : iterable of sequence of str
        Cells.
    limit : int, optional
        Most rows shown.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    cells = list(rows)
    shown = cells if limit is None or len(cells) <= limit else cells[:limit]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in head:
        right = name.startswith(">")
        table.add_column(name.lstrip(">"), justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in shown:
        table.add_row(*row)
    console = Console(markup=False, highlight=False, emoji=False)
    if title:
        console.print(title, style="bold")
    console.print(table)
    if len(shown) < len(cells):
        console.print(f"... and {len(cells) - len(shown)} more")


def remark(text: Any) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr)


def quantity(value: complex, unit: str = "") -> str:
    """A number with its unit for a table; the magnitude of a complex one. Without unit there is no SI prefix."""
    number = abs(value) if isinstance(value, complex) else float(value)
    if math.isnan(number):
        return "-"
    return format_si(number, unit) if unit else f"{number:.4g}"


@contextmanager
def progress_bar(shown: bool, unit: str = "s") -> Iterator[Callable[[str], Callable[[float, float], None] | None]]:
    """Give a function that starts a bar for a task and returns ``progress(done, total)`` for it.

    Parameters
    ----------
    shown : bool
        Whether to draw at all; nothing is drawn either when standard error is not a terminal.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda task: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from neurosim.kernels.abi import on_compile

    console = Console(stderr=True, markup=False, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
               TextColumn("{task.fields[place]}", markup=False), TimeRemainingColumn())  # fmt: skip
    told: list[str] = []

    def compiling(name: str) -> None:
        if not told:
            told.append(name)
            console.print("compiling kernels (first time only) ...", style="dim")

    on_compile(compiling)
    with Progress(*columns, console=console, transient=True) as bars:

        def start(task: str) -> Callable[[float, float], None]:
            number = bars.add_task(task, total=None, place="")

            def progress(done: float, total: float) -> None:
                # Stepped runs and sweeps count in parts of 1 or in points, a transient in seconds.
                place = f"{format_si(done, 's')} of {format_si(total, 's')}" if task == "tran" and total != 1.0 else ""
                bars.update(number, completed=done, total=total, place=place)

            return progress

        yield start
