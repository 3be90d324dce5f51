"""The file of a checkpoint: arrays and a header that says what ran.

It is NumPy's ``.npz`` without pickled objects, replaced whole. Beside the arrays it holds a header in JSON: what ran
(path and hash), and with which settings.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import FormatError

FORMAT, VERSION = "neurosim checkpoint", 2

EVERY = 60.0
"""Seconds of computing between two checkpoints, by default."""

CHANGEABLE = ("step_limit", "wall_time_limit", "memory_limit", "progress", "checkpoint", "checkpoint_every", "resumed")
"""Settings that may change where a run goes on."""


@dataclass
class Checkpoint:
    """A file that was read.

    Attributes
    ----------
    path : Path
    header : dict
        ``kind`` ("circuit", "graph" or "network"), ``title``, ``source``, ``settings``, ``time``, ...
    arrays : mapping of str to ndarray
    """

    path: Path
    header: dict[str, Any]
    arrays: Mapping[str, np.ndarray]


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    FormatError
        There is no such file, or it is no checkpoint of this version.
    """
    place = Path(path)
    if not place.is_file():
        raise FormatError(f"there is no checkpoint '{path}'")
    try:
        with np.load(place, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
        header = json.loads(str(arrays.pop("header")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"'{path}' is no whole checkpoint: {error}") from None
    if not isinstance(header, dict) or (header.get("format"), header.get("version")) != (FORMAT, VERSION):
        raise FormatError(f"'{path}' is no checkpoint of this program (format '{FORMAT}', version {VERSION})")
    return Checkpoint(place, header, arrays)


def kept_settings(settings: Any) -> dict[str, Any]:
    """Fields of a settings object that are plain values: those with which a run must go on."""
    values = {name: getattr(settings, name) for name in settings.__dataclass_fields__ if name not in CHANGEABLE}
    watched = None
    if (events := values.pop("events", None)) is not None:
        from neurosim.solve.crossings import named_crossings

        watched = {name: vars(one) for name, one in named_crossings(events).items()}
    return {"events": watched} | {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is None or isinstance(value, (bool, int, float, str, tuple, list))
    }
