"""Every exception that neurosim raises: what, where, the value, what is allowed, what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source file.

    Parameters
    ----------
    path : str
        File name as the user wrote it (``"<text>"`` for a string).
    line, column : int
        Both count from 1; `line` counts physical lines, comments included.
    text : str
        The physical line, shown above the caret.
    length : int
        Number of characters to underline.
    instance : str
        Path of the subcircuit instance (``"x1.x2"``), empty at the top.
    """

    path: str
    line: int
    column: int = 1
    text: str = ""
    length: int = 1
    instance: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class NeurosimError(Exception):
    """Base of all errors that neurosim raises on purpose."""


class NetlistError(NeurosimError, ValueError):
    """A netlist that cannot be understood or built.

    Parameters
    ----------
    message : str
        One sentence: what is wrong, and the value.
    location : Location, optional
        Where.
    hint : str, optional
        The nearest valid name or one suggestion.
    expected : str, optional
        The form that would have been accepted.
    """

    def __init__(self, message: str, location: Location | None = None, *, hint: str = "", expected: str = "") -> None:
        self.message, self.location, self.hint, self.expected = message, location, hint, expected
        super().__init__(format_diagnostic(message, location, hint=hint, expected=expected))


class ParameterError(NeurosimError, ValueError):
    """An argument or device parameter outside what is allowed."""


class UnknownNameError(NeurosimError, KeyError):
    """A name that is not registered or not in a result."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class SimulationError(NeurosimError, RuntimeError):
    """A simulation that stopped before its end.

    Parameters
    ----------
    message : str
        What happened, with time, step and the worst unknown by name.
    partial : object, optional
        The Result up to the stop.
    """

    def __init__(self, message: str, *, partial: Any = None) -> None:
        self.partial = partial
        super().__init__(message)


class FormatError(NeurosimError, ValueError):
    """A result file that cannot be read or written."""


class SilentNetworkWarning(UserWarning):
    """A spiking network made no spikes, so that nothing can be learnt from its states."""


class CoarseStepWarning(UserWarning):
    """Steps of time that are too long for what moves in them."""


class RankDeficientWarning(UserWarning):
    """A regression whose features depend on one another, so that its weights are not determined by the data."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark that does not stop the work: a warning or an explanation with its place."""

    message: str
    location: Location | None = None
    hint: str = ""

    def __str__(self) -> str:
        return format_diagnostic(self.message, self.location, hint=self.hint, severity="warning")


def format_diagnostic(
    message: str, location: Location | None, *, hint: str = "", expected: str = "", severity: str = "error"
) -> str:
    """Lay a message out with its place, the source line and a caret."""
    lines = []
    if location is None:
        lines.append(f"{severity}: {message}")
    else:
        within = f" (in {location.instance})" if location.instance else ""
        lines.append(f"{location}: {severity}: {message}{within}")
        if location.text:
            text = location.text.rstrip("\n").replace("\t", " ")
            column, start = location.column, 0
            if len(text) > 160:
                start = max(0, column - 80)
                text = text[start : start + 160]
            number = f"{location.line:5d}"
            lines.append(f"{number} | {text}")
            length = max(1, min(location.length, len(text) - (column - 1 - start)))
            lines.append(f"{' ' * len(number)} | {' ' * max(0, column - 1 - start)}{'^' * length}")
    if hint:
        lines.append(f"      {hint}")
    if expected:
        lines.append(f"      expected: {expected}")
    return "\n".join(lines)


def nearest(name: str, options: Iterable[str], *, count: int = 3) -> str:
    """Say which valid names look like `name`: ``"did you mean 'r_off'?"``, or list a few."""
    known = sorted(set(options))
    folded: dict[str, str] = {}
    for option in known:
        folded.setdefault(option.casefold(), option)
    close = [folded[match] for match in difflib.get_close_matches(name.casefold(), list(folded), n=count, cutoff=0.6)]
    if close:
        return "did you mean " + " or ".join(f"'{option}'" for option in close) + "?"
    if not known:
        return ""
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"known: {shown}"
