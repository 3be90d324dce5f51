"""Which files a run writes, and writing them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import FormatError, NeurosimError, ParameterError
from neurosim.results import Result

if TYPE_CHECKING:
    from neurosim.circuit.model import Analysis

STANDARD_OUTPUT = "-"


@dataclass
class Outputs:
    """The files that the options of ``neurosim run`` ask for.

    Parameters
    ----------
    source : Path
        The netlist; its stem names what has no name of its own.
    csv, out, raw, plot
        As given; ``csv`` may be ``"-"``, ``plot`` may be ``"none"``.
    text_raw : bool
        Whether the raw file is text.
    plot_kind : str or None
        Registry name of a plot, default by the kind of analysis.
    plot_names : tuple of str
        What the figure shows; empty: what the netlist's ``.plot`` asks for.
    wants_default : bool
        Whether ``<stem>.nc`` and ``<stem>.png`` are written when no file is asked for.
    """

    source: Path
    csv: str | None
    out: Path | None
    raw: Path | None
    text_raw: bool
    plot: str | None
    plot_kind: str | None
    plot_names: tuple[str, ...]
    wants_default: bool

    def __post_init__(self) -> None:
        no_figure = self.plot is not None and self.plot.casefold() == "none"
        figure = None if self.plot is None or no_figure else Path(self.plot)
        asked = any(place is not None for place in (self.csv, self.out, self.raw, figure))
        if self.text_raw and self.raw is None:
            raise ParameterError("--ascii says how --raw is written; give --raw X.raw too")
        if self.wants_default and not asked:
            self.out = Path(f"{self.source.stem}.nc")
            figure = None if no_figure else Path(f"{self.source.stem}.png")
        elif figure is None and not no_figure and (self.plot_kind or self.plot_names):
            figure = Path(f"{self.source.stem}.png")
        self.figure = figure

    def check_places(self) -> None:
        """Refuse places that cannot be written before anything is computed.

        Raises
        ------
        FormatError
            A folder does not exist or is closed, a place is a folder, a suffix is unknown, or two outputs are one file.
        UnknownNameError
            There is no such plot.
        """
        from neurosim.formats import format_for
        from neurosim.plots import plots

        if self.out is not None:
            format_for(self.out)
        if self.plot_kind is not None:
            plots.get(self.plot_kind)
        csv = None if self.csv in (None, STANDARD_OUTPUT) else Path(self.csv)
        seen: set[str] = set()
        for path in (csv, self.out, self.raw, self.figure):
            if path is None:
                continue
            folder = path.parent
            if path.is_dir():
                raise FormatError(f"cannot write '{path}': it is a folder; give a file name in it")
            if not folder.is_dir():
                raise FormatError(f"cannot write '{path}': the folder '{folder}' does not exist; make it first")
            if not os.access(folder, os.W_OK) and not path.exists():
                raise FormatError(f"cannot write '{path}': the folder '{folder}' is not writable")
            place = os.path.realpath(path)
            if place == os.path.realpath(self.source):
                raise FormatError(f"'{path}' is the netlist itself; give another name")
            if place in seen:
                raise FormatError(f"two outputs have the name '{path}'; give each its own")
            seen.add(place)

    def labelled(self, analyses: Sequence[Analysis]) -> list[tuple[str, Analysis]]:
        """Each analysis with what stands before the suffix of its files: nothing for the first, then ac, dc, dc2."""
        from neurosim.solve.simulate_circuit import kind_of

        found: dict[str, Analysis] = {}
        for analysis in analyses:
            label, number = kind_of(analysis) if found else "", 1
            while label in found:
                number += 1
                label = f"{kind_of(analysis)}{number}"
            found[label] = analysis
        return list(found.items())

    def write(self, results: Sequence[tuple[str, Result]], plotted: Sequence[str]) -> list[Path]:
        """Write every file; return their places."""
        from neurosim.formats import save

        written: list[Path] = []
        if self.csv == STANDARD_OUTPUT:
            for label, result in results:
                if not label:
                    _print_csv(result)
        elif self.csv is not None:
            written += self._each(Path(self.csv), results, lambda result, path: save(result, path, format="csv"))
        if self.out is not None:
            written += self._together(self.out, results)
        if self.raw is not None:
            save([result for _, result in results], self.raw, format="spice_raw", binary=not self.text_raw)
            written.append(self.raw)
        if self.figure is not None:
            drawn = [(label, result) for label, result in results if not label or result.axis_name is not None]
            written += self._each(self.figure, drawn, lambda result, path: self._draw(result, path, plotted))
        return written

    def write_partial(self, label: str, error: NeurosimError) -> Path | None:
        """Write what a failed run computed to ``<stem>.partial.nc``; None if there is nothing, or no room for it."""
        from neurosim.formats import save

        partial = getattr(error, "partial", None)
        if not isinstance(partial, Result) or 0 in partial.shape:
            return None
        path = _inserted(Path(f"{self.source.stem}.partial.nc"), label)
        try:
            save(partial, path)
        except FormatError as refused:
            print(f"error: what was computed until the failure is lost: {refused}", file=sys.stderr)
            return None
        return path

    def _together(self, path: Path, results: Sequence[tuple[str, Result]]) -> list[Path]:
        """One file where the format holds several results, else one for each."""
        from neurosim.formats import format_for, save

        if format_for(path).several:
            save([result for _, result in results], path)
            return [path]
        return self._each(path, results, save)

    def _each(self, path: Path, results: Sequence[tuple[str, Result]], write: Any) -> list[Path]:
        written = []
        for label, result in results:
            place = _inserted(path, label)
            write(result, place)
            written.append(place)
        return written

    def _draw(self, result: Result, path: Path, plotted: Sequence[str]) -> None:
        from neurosim.plots import save_figure

        names = self.plot_names or tuple(name for name in plotted if name in result)
        save_figure(result, path, plot=self.plot_kind, names=names or None)


def _inserted(path: Path, label: str) -> Path:
    return path.with_name(f"{path.stem}.{label}{path.suffix}") if label else path


def _print_csv(result: Result) -> None:
    from neurosim.formats import save

    with tempfile.TemporaryDirectory(prefix="neurosim-") as folder:
        path = Path(folder, "result.csv")
        save(result, path)
        with path.open(encoding="utf-8") as file:
            shutil.copyfileobj(file, sys.stdout)
