"""How a plot is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Plot"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A way to draw a Result.

    Parameters
    ----------
    name : str
        Registry name.
    draw : callable
        ``draw(result, names=None, ax=None)`` draws the named columns and returns the list of Axes it drew on.
    description : str
        One line for ``neurosim list plots``.
    default_for : tuple of str
        Kinds of analysis (``Result.analysis``) that are drawn this way unless another plot is asked for.
    """

    name: str
    draw: Callable[..., list[Axes]]
    description: str
    default_for: tuple[str, ...] = ()
