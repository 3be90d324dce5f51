"""Answers that have a figure in `neurosim.plots`, which lies above: it is found by name when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar


class Drawable:
    """An answer with a figure.

    Attributes
    ----------
    drawn_by : str
        ``"module:function"`` in `neurosim.plots`.
    """

    drawn_by: ClassVar[str]

    def plot(self, **options: Any) -> Any:
        """Draw it with the function that `drawn_by` names; `options` are its arguments, such as ``ax=``."""
        module, _, function = self.drawn_by.partition(":")
        return getattr(importlib.import_module(f"neurosim.plots.{module}"), function)(self, **options)
