"""How a file format is declared: name, suffixes, and functions that read and write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import FormatError
from neurosim.results import Result


@dataclass(frozen=True, slots=True)
class Format:
    """A file format for results.

    Parameters
    ----------
    name : str
        Registry name.
    description : str
        One line for ``neurosim list formats``.
    suffixes : tuple of str
        Lower case with the dot, ``(".csv",)``; they choose the format.
    write : callable
        ``write(results, path, **options)`` writes a sequence of Result to a new file. It need not care about half
        files: `neurosim.formats.save` hands it a temporary path and renames.
    read : callable
        ``read(path)`` returns the list of Result in the file and raises FormatError, saying what it found where, for
        anything that it does not understand.
    several : bool
        Whether one file can hold more than one Result.
    keeps : str
        ``"all"`` if a read file equals what was written; ``"values"`` if only names, axes and columns survive, not
        attributes, measures and units.
    citation : str
        Where the format is described.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    write: Callable[..., None]
    read: Callable[[Path], list[Result]]
    several: bool = False
    keeps: str = "values"
    citation: str = ""

    def check_single(self, results: Sequence[Result]) -> None:
        """Refuse more than one Result where the format has room for one."""
        if not self.several and len(results) != 1:
            raise FormatError(f"{self.name} holds one result, not {len(results)}; use .raw or .json, or one file each")
