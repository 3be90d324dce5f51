"""Memory that one run after the other works in."""

from __future__ import annotations

from operator import is_
from typing import Any

import numpy as np

from neurosim.kernels.abi import Driver


class Room:
    """Named arrays that are made once and used again, and compiled calls that are laid out once.

    What a run gave lies in its room until the next run there: a run whose results are
    to be kept needs a room of its own.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        self._kept: dict[str, Any] = {}
        self._numbers: dict[str, tuple[tuple[int, ...], np.ndarray]] = {}
        self._calls: dict[Driver, tuple[tuple[Any, ...], Any]] = {}

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Array of that name, as it was left where it has this shape, else new and not initialised."""
        found = self._arrays.get(name)
        if found is None or found.shape != shape:
            found = self._arrays[name] = np.empty(shape)
        return found

    def filled(self, name: str, values: np.ndarray) -> np.ndarray:
        """Array of that name with these values."""
        made = self.array(name, *values.shape)
        made[...] = values
        return made

    def seen(self, name: str, values: Any) -> bool:
        """Whether these are the values given to `keep` last, and nobody can have changed them since."""
        return self._kept.get(name) is values and isinstance(values, np.ndarray) and not values.flags.writeable

    def keep(self, name: str, values: Any) -> None:
        """Remember for `seen` that values were read."""
        self._kept[name] = values

    def numbers(self, name: str, *values: int) -> np.ndarray:
        """Array of integers of that name with these values; a new one where they have changed."""
        found = self._numbers.get(name)
        if found is None or found[0] != values:
            found = self._numbers[name] = values, np.array(values, np.int64)
        return found[1]

    def run(self, driver: Driver, *arguments: Any) -> Any:
        """Call a driver; where all arguments are the objects of the call before, nothing is checked again."""
        kept = self._calls.get(driver)
        if kept is None or not all(map(is_, arguments, kept[0])):
            kept = self._calls[driver] = arguments, driver.call.lay_out(arguments)
        return driver.call.run(kept[1])


LINE = 64
"""Bytes of a line of the cache."""


def on_lines(values: np.ndarray) -> np.ndarray:
    """Copy that begins with a line of the cache: a vector register across two lines takes twice as long."""
    room = np.empty(values.size + LINE // values.itemsize, values.dtype)
    first = -room.ctypes.data % LINE // values.itemsize
    made = room[first : first + values.size]
    made[:] = values
    return made
