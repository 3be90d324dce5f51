"""Result files: `save` and `load` choose the format by suffix; one file in this folder is one format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurosim.atomic import atomic_write
from neurosim.errors import FormatError, NeurosimError
from neurosim.formats.format import Format
from neurosim.registry import Registry
from neurosim.results import Result

formats: Registry[Format] = Registry("format", "neurosim.formats", "format", "neurosim.formats")
"""All formats by name; third-party packages add theirs by the entry point group ``neurosim.formats``."""


def format_for(path: str | os.PathLike[str], name: str | None = None) -> Format:
    """Return the format called `name`, or the one that the suffix of `path` asks for.

    Raises
    ------
    FormatError
        No format has this suffix.
    UnknownNameError
        No format has this name.
    """
    if name is not None:
        return formats.get(name)
    suffix = Path(path).suffix.lower()
    for candidate in formats:
        if suffix in candidate.suffixes:
            return candidate
    known = ", ".join(f"{ending} ({candidate.name})" for candidate in formats for ending in candidate.suffixes)
    ending = f"the suffix '{suffix}'" if suffix else "no suffix"
    raise FormatError(f"'{path}' has {ending}, which names no result format; known: {known}")


def save(
    result: Result | Sequence[Result], path: str | os.PathLike[str], *, format: str | None = None, **options: Any
) -> None:
    """Write one result, or several where the format can hold them, whole or not at all.

    Parameters
    ----------
    result : Result or sequence of Result
        What to write.
    path : path
        Its suffix chooses the format unless `format` names one.
    format : str, optional
        Registry name, ``"csv"``.
    **options
        For the format's writer, as ``binary=False`` for SPICE raw.

    Raises
    ------
    FormatError
        The suffix is unknown, the place cannot be written, or the format cannot hold this.
    """
    chosen = format_for(path, format)
    results = [result] if isinstance(result, Result) else list(result)
    if not results:
        raise FormatError(f"cannot write '{path}': there is no result")
    chosen.check_single(results)
    with atomic_write(path) as temporary:
        chosen.write(results, temporary, **options)


def load_all(path: str | os.PathLike[str], *, format: str | None = None) -> list[Result]:
    """Read every result in a file.

    Raises
    ------
    FormatError
        The file cannot be read or understood; the message says where and what was expected.
    """
    source = Path(path)
    chosen = format_for(path, format)
    try:
        found = chosen.read(source)
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(f"cannot read '{path}': {error.strerror or error}") from error
    except NeurosimError as error:
        raise FormatError(f"'{path}' does not hold a consistent result: {error}") from error
    return found


def load(path: str | os.PathLike[str], *, format: str | None = None, number: int | None = None) -> Result:
    """Read one result.

    Parameters
    ----------
    path : path
        Its suffix chooses the format unless `format` names one.
    number : int, optional
        Which one, from 0, if the file holds several.

    Raises
    ------
    FormatError
        As `load_all`; or the file holds several and `number` does not choose one.
    """
    found = load_all(path, format=format)
    if number is None and len(found) == 1:
        return found[0]
    if number is not None and 0 <= number < len(found):
        return found[number]
    listed = "; ".join(f"{index}: {result!r}" for index, result in enumerate(found))
    raise FormatError(f"'{path}' holds {len(found)} results; choose one by number: {listed}")
