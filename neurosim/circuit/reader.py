"""The public way from a netlist to a circuit."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import get_args

from neurosim.circuit.elaborate import collection_paused, elaborate
from neurosim.circuit.files import Files, Limits
from neurosim.circuit.lexer import SourceFile, decode, strip_comment
from neurosim.circuit.model import Circuit, Dialect
from neurosim.circuit.parser import parse
from neurosim.errors import NetlistError, Note

_SIGNS: tuple[tuple[str, Dialect, re.Pattern[str]], ...] = (
    ("idt()", "ltspice", re.compile(r"\bidt(mod)?\s*\(", re.I)),
    (".backanno", "ltspice", re.compile(r"^\s*\.backanno\b", re.I)),
    ("sdt()", "pspice", re.compile(r"\bsdt\s*\(", re.I)),
    ("PARAMS:", "pspice", re.compile(r"\bparams\s*:", re.I)),
    (".params", "pspice", re.compile(r"^\s*\.params\b", re.I)),
    ("VALUE {", "pspice", re.compile(r"\bvalue\s*=?\s*\{", re.I)),
    ("IF()", "pspice", re.compile(r"\bif\s*\(", re.I)),
    ("STP()", "pspice", re.compile(r"\bstp\s*\(", re.I)),
)


def read_netlist(
    path_or_text: str | bytes | os.PathLike[str],
    *,
    dialect: Dialect | None = None,
    allow_include: bool = False,
    limits: Limits | None = None,
) -> Circuit:
    """Read a SPICE netlist.

    Parameters
    ----------
    path_or_text : str, bytes or path
        A path object is a file; a string is a file name unless it contains a line break; bytes are text.
    dialect : {"ngspice", "ltspice", "pspice"}, optional
        Whose meaning ambiguous text has. By default it is guessed, and a note says what was found.
    allow_include : bool, default False
        Whether ``.include``, ``.lib`` and data files may lie outside the netlist's folder.
    limits : Limits, optional
        Largest sizes and depths that are accepted.

    Returns
    -------
    Circuit
        With all subcircuits expanded. Warnings are in its `notes`.

    Raises
    ------
    NetlistError
        For anything that is not understood, with file, line and column.
    """
    if dialect is not None and dialect not in get_args(Dialect):
        raise NetlistError(f"unknown dialect '{dialect}'", expected=" | ".join(get_args(Dialect)))
    limits = limits or Limits()
    path, folder, text = _text_of(path_or_text, limits)
    files = Files(folder, allow_include, limits)
    source = files.take(path, folder, text)
    if not text.strip():
        raise NetlistError("the netlist is empty", source.location(1), expected="a title line, then cards")
    notes: list[Note] = []
    chosen = dialect or _stated(source)
    stated = chosen is not None
    chosen = chosen or _detected(source, notes)
    with collection_paused():
        deck = parse(source, chosen, files)
        deck.notes[:0] = notes
        deck.dialect_stated = stated
        return elaborate(deck)


def _text_of(given: str | bytes | os.PathLike[str], limits: Limits) -> tuple[str, Path, str]:
    if isinstance(given, bytes):
        return "<text>", Path.cwd(), decode(given)
    if isinstance(given, str) and ("\n" in given or "\r" in given):
        return "<text>", Path.cwd(), given.removeprefix("\ufeff")
    path = Path(given)
    try:
        if not path.is_file():
            raise NetlistError(
                f"there is no file '{str(path)[:200]}'", hint="text of a netlist needs at least two lines"
            )
        if path.stat().st_size > 4 * limits.characters:
            raise NetlistError(f"'{path}' has more than {limits.characters} characters")
        return str(path), path.parent, decode(path.read_bytes())
    except (OSError, ValueError) as error:
        if isinstance(error, NetlistError):
            raise
        raise NetlistError(f"'{str(path)[:200]}' cannot be read: {error}") from None


_OPTION = re.compile(r"\s*\.opt(?:ions?)?\s(?:.*[\s,])?dialect\s*=\s*(\w*)", re.IGNORECASE)


def _stated(source: SourceFile) -> Dialect | None:
    """The dialect of ``.options dialect=``."""
    for number, line in enumerate(source.lines[1:], 2):
        if line.lstrip()[:4].lower() == ".opt" and (match := _OPTION.match(line)):
            for known in get_args(Dialect):
                if match.group(1).lower() == known:
                    return known
            where = source.location(number, match.start(1) + 1, len(match.group(1)))
            raise NetlistError(f"unknown dialect '{match.group(1)}'", where, expected=" | ".join(get_args(Dialect)))
    return None


def _detected(source: SourceFile, notes: list[Note]) -> Dialect:
    """Guess the dialect from spellings that only some simulators know."""
    text = "\n".join(source.lines[1:]).casefold()
    hints = [hint for hint in _HINTS if hint in text]
    if not hints:
        return "ngspice"
    hinted = re.compile("|".join(hints), re.IGNORECASE)
    found: dict[Dialect, tuple[str, int, int, int]] = {}
    for number, line in enumerate(source.lines[1:], 2):
        if line.lstrip()[:1] == "*" or not hinted.search(line):
            continue
        text = strip_comment(line, "pspice")
        for name, dialect, pattern in _SIGNS:
            if dialect not in found and (match := pattern.search(text)):
                found[dialect] = (name, number, match.start() + 1, match.end() - match.start())
    for dialect in ("ltspice", "pspice"):
        if dialect in found:
            name, number, column, length = found[dialect]
            notes.append(
                Note(
                    f"read as {dialect}, because of {name}",
                    source.location(number, column, length),
                    hint="state the dialect to choose another",
                )
            )
            return dialect
    return "ngspice"


_HINTS = ("idt", "backanno", "sdt", "params", "value", "if", "stp")
"""One of these words stands in everything that `_SIGNS` finds; most netlists have none of them."""
