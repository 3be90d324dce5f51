"""Recorded series out of the packages that bring them; the files are read, the packages are not imported."""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.errors import FormatError, ParameterError


@dataclass(frozen=True)
class Utterances:
    """Sequences of different lengths, and who spoke each.

    Attributes
    ----------
    sequences : tuple of ndarray, each of shape (steps, 12)
    speakers : ndarray of int, shape (utterances,)
        0 to 8.
    """

    sequences: tuple[np.ndarray, ...]
    speakers: np.ndarray


def santa_fe_laser() -> np.ndarray:
    """Intensity of a far-infrared laser in a chaotic state, data set A of the Santa Fe competition, shape (10093,).

    Raises
    ------
    ParameterError
        The package reservoirpy is not installed.
    FormatError

    Notes
    -----
    Weigend & Gershenfeld (eds.), Time Series Prediction, Addison-Wesley 1994; Huebner, Abraham & Weiss, Phys. Rev. A
    40, 6354 (1989), doi 10.1103/PhysRevA.40.6354.
    """
    path = _file("reservoirpy", "datasets/santafe_laser.npy", "santa_fe_laser")
    try:
        return np.load(path, allow_pickle=False).astype(float).ravel()
    except (ValueError, OSError) as problem:
        raise FormatError(f"{path}: {problem}") from None


def japanese_vowels() -> tuple[Utterances, Utterances]:
    """Two vowels by nine men, 12 cepstrum coefficients over 7 to 29 frames: 270 utterances to train, 370 to test.

    Raises
    ------
    ParameterError
        The package aeon is not installed.
    FormatError

    Notes
    -----
    Kudo, Toyama & Shimbo, Pattern Recognition Letters 20, 1103 (1999), doi 10.1016/S0167-8655(99)00077-X.
    """
    parts = [f"datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts" for part in ("TRAIN", "TEST")]
    train, test = (_utterances(_file("aeon", part, "japanese_vowels")) for part in parts)
    return train, test


def sunspots() -> tuple[np.ndarray, np.ndarray]:
    """Years 1700 to 2008 and yearly sunspot numbers, both of shape (309,).

    Raises
    ------
    ParameterError
        The package statsmodels is not installed.
    FormatError

    Notes
    -----
    National Geophysical Data Center; public domain.
    """
    table = _table(_file("statsmodels", "datasets/sunspots/sunspots.csv", "sunspots"))
    return table[:, 0].astype(int), table[:, 1]


def el_nino() -> tuple[np.ndarray, np.ndarray]:
    """Months as years from 1950 to 2010, and the sea surface temperature of the eastern Pacific [degrees Celsius].

    Returns
    -------
    times, temperatures : ndarray, shape (732,)

    Raises
    ------
    ParameterError
        The package statsmodels is not installed.
    FormatError

    Notes
    -----
    National Oceanic and Atmospheric Administration, averages over 0 to 10 degrees south, 80 to 90 degrees west; public
    domain.
    """
    table = _table(_file("statsmodels", "datasets/elnino/elnino.csv", "el_nino"))
    return (table[:, :1] + np.arange(12) / 12.0).ravel(), table[:, 1:].ravel()


def _file(package: str, path: str, what: str) -> Path:
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (Path(folder) / path).is_file():
            return Path(folder) / path
    state = f"is here but has no file {path}" if found else "is not installed"
    raise ParameterError(f'{what}() reads a file of {package}, which {state}: pip install "neurosim-circuits[data]"')


def _table(path: Path) -> np.ndarray:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
        return np.array([[float(cell) for cell in row] for row in rows if row])
    except (ValueError, OSError) as problem:
        raise FormatError(f"{path}: {problem}") from None


def _utterances(path: Path) -> Utterances:
    """Lines ``channel:channel:...:label`` after ``@data``, numbers separated by commas."""
    sequences, speakers = [], []
    try:
        lines = path.read_text(encoding="utf-8").partition("@data")[2].split()
        for line in lines:
            *channels, label = line.split(":")
            sequences.append(np.array([[float(value) for value in channel.split(",")] for channel in channels]).T)
            speakers.append(int(label) - 1)
    except (ValueError, OSError) as problem:
        raise FormatError(f"{path}: {problem}") from None
    if not sequences:
        raise FormatError(f"{path}: no utterances behind '@data'")
    return Utterances(tuple(sequences), np.array(speakers))
