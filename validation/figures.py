"""Simple figures of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def curves(
    x_label: str, y_label: str, drawn: Mapping[str, tuple[Any, Any, str]], *, log: bool = False, equal: bool = False
) -> Callable[..., None]:  # fmt: skip
    """What `Context.figure` needs to draw curves.

    Parameters
    ----------
    drawn : mapping
        Label to x, y and a format such as ``"-"`` or ``"o"``.
    log : bool
        Logarithmic axes, both.
    equal : bool
        Both axes to the same scale.
    """

    def draw(axes: Any) -> None:
        for label, (x, y, form) in drawn.items():
            axes.plot(np.asarray(x), np.asarray(y), form, label=label, markersize=4.0, linewidth=1.2)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if log:
            axes.set_xscale("log")
            axes.set_yscale("log")
        if equal:
            axes.set_aspect("equal")
        axes.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return draw
