"""One comparison: a number of ours beside the number that it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Case:
    """A comparison and its verdict.

    Parameters
    ----------
    name : str
        Short and unique, ``"rc step response"``.
    source : str
        Where the expected number comes from.
    quantity : str
        What is compared, with its unit.
    expected, ours : str
        Both values, as they are shown.
    error : float
        What is held against the tolerance; the case says of what it is a share in `quantity`.
    tolerance : float
        Largest error that passes.
    reason : str
        Why this tolerance.
    figure : str
        File name of the figure, if there is one.
    """

    name: str
    source: str
    quantity: str
    expected: str
    ours: str
    error: float
    tolerance: float
    reason: str
    figure: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is a number within the tolerance."""
        return bool(np.isfinite(self.error) and self.error <= self.tolerance)


@dataclass
class Context:
    """What a module of cases gets.

    Parameters
    ----------
    fast : bool
        Only what takes little time.
    folder : Path
        Where figures go.
    remarks : list of str
        Shown loudly at the end; they are no failures.
    """

    fast: bool
    folder: Path
    remarks: list[str] = field(default_factory=list)

    def figure(self, name: str, draw: Callable[..., None]) -> str:
        """Draw with ``draw(axes)`` into a file in the folder and return its name."""
        from matplotlib.figure import Figure

        from neurosim.plots.style import label_sparsely

        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        draw(figure.subplots())
        for axes in figure.axes:
            label_sparsely(axes.xaxis)
            label_sparsely(axes.yaxis)
        file = f"{name.replace(' ', '_').replace('/', '_')}.png"
        figure.savefig(self.folder / file, dpi=110)
        return file


def number_case(
    name: str, source: str, quantity: str, expected: float, ours: float, tolerance: float, reason: str, figure: str = ""
) -> Case:
    """A case of two numbers; the error is relative to the expected one."""
    error = abs(ours - expected) / abs(expected) if expected else abs(ours)
    return Case(name, source, quantity, f"{expected:.9g}", f"{ours:.9g}", float(error), tolerance, reason, figure)


def curve_case(
    name: str, source: str, quantity: str, expected: np.ndarray, ours: np.ndarray, tolerance: float, reason: str,
    figure: str = "",
) -> Case:  # fmt: skip
    """A case of two curves at the same points; the error is the largest difference, relative to the expected range."""
    span = float(np.max(np.abs(expected)))
    difference = np.abs(np.asarray(ours) - expected)
    error = float(np.max(difference)) / span if span else float(np.max(difference))
    worst = int(np.argmax(difference))
    return Case(
        name, source, f"{quantity}, {expected.size} points", f"{_shown(expected[worst])}", f"{_shown(ours[worst])}",
        error, tolerance, reason, figure,
    )  # fmt: skip


def _shown(value: complex | float) -> str:
    return f"{value:.9g}"
