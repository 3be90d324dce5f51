"""Named arrays with notes in one ``.npz`` file, written whole or not at all, read without running code."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.atomic import atomic_write
from neurosim.errors import FormatError

NOTES = "notes"
ARRAYS = "arrays/"


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> None:
    """Write arrays by name, and notes that JSON can hold.

    Raises
    ------
    FormatError
        The disk refuses.
    """
    named: dict[str, Any] = {ARRAYS + name: np.asarray(array) for name, array in arrays.items()}
    named[NOTES] = np.array(json.dumps(dict(notes), sort_keys=True))
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **named)


def read_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_arrays` wrote: arrays and notes.

    Raises
    ------
    FormatError
        The file is missing, broken, or not of this kind.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            notes = json.loads(str(file[NOTES]))
            arrays = {name.removeprefix(ARRAYS): file[name] for name in file.files if name.startswith(ARRAYS)}
    except OSError as error:
        raise FormatError(f"cannot read '{path}': {error.strerror or error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"'{path}' is not a file of arrays that neurosim wrote: {error}") from error
    if not isinstance(notes, dict):
        raise FormatError(f"'{path}' is not a file of arrays that neurosim wrote: its notes are {type(notes).__name__}")
    return arrays, notes
