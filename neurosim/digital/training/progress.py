"""The progress bar of a training run; silent when standard error is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def training_bar(shown: bool, total: int, done: int = 0) -> Iterator[Callable[[int, float], None]]:
    """Give ``told(batches done, loss)``, which moves the bar.

    Parameters
    ----------
    shown : bool
        False draws nothing.
    total, done : int
        Batches in all, and before this run.
    """
    if not (shown and sys.stderr.isatty()):
        yield lambda done, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.4g}"),
               TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True, markup=False, highlight=False)
    with Progress(*columns, console=console, transient=True) as bars:
        number = bars.add_task("training", total=total, completed=done, loss=float("nan"))
        yield lambda done, loss: bars.update(number, completed=done, loss=loss)
