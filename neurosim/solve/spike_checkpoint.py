"""Checkpoints of spiking runs, on a grid of time or without one: the arrays of a run in one file.

The file is as those of other runs (`neurosim.solve.checkpoint`). A run that goes on from it equals the uncut one, spike
for spike: where a run is cut has no influence on its bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from neurosim.atomic import atomic_write
from neurosim.errors import ParameterError
from neurosim.graph.spikes import SpikeProgram
from neurosim.kernels.abi import Driver
from neurosim.results import versions
from neurosim.solve.checkpoint_file import FORMAT, VERSION, Checkpoint, kept_settings

_PROGRAM = ("code", "table", "constant", "pointers", "targets", "strengths")


class Kept(Protocol):
    """A spiking run."""

    chosen: Any
    loop: Driver

    @property
    def program(self) -> SpikeProgram:
        """What runs."""
        ...

    @property
    def time(self) -> float:
        """How far it went [s]."""
        ...

    def kept(self) -> dict[str, np.ndarray]:
        """All that makes up where it is."""
        ...

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go on from there."""
        ...

    def asked(self) -> list[np.ndarray]:
        """What was laid out before it began: drives, and what is saved."""
        ...


class SpikeKeeper:
    """Saves and restores one run.

    Parameters
    ----------
    run : SpikeRun or SpikeEventRun
    span : (float, float)
        Of the run [s].
    """

    def __init__(self, run: Kept, span: tuple[float, float]) -> None:
        self.run, self.path = run, run.chosen.checkpoint
        digest = hashlib.sha256(repr([*run.program.states.slices, *run.program.events.slices]).encode())
        for array in (*(getattr(run.program, name) for name in _PROGRAM), *run.asked()):
            digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        settings = {name: value for name, value in kept_settings(run.chosen).items() if name != "events"}
        self.header = {
            "format": FORMAT, "version": VERSION, "kind": "spikes", "title": run.program.graph.title,
            "settings": settings, "t_span": list(span), "system": digest.hexdigest(), "code": run.loop.key,
            "versions": versions(),
        }  # fmt: skip
        if run.chosen.resumed is not None:
            self._restore(run.chosen.resumed)
        self._last = time.perf_counter()

    def look(self, *, is_over: bool = False) -> None:
        """Save the run if the time for it has come, or if it is over."""
        if self.path is None or not (is_over or time.perf_counter() - self._last >= self.run.chosen.checkpoint_every):
            return
        header = self.header | {"time": self.run.time}
        with atomic_write(self.path) as place, place.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **self.run.kept())  # pyright: ignore[reportArgumentType]
        self._last = time.perf_counter()

    def _restore(self, found: Checkpoint) -> None:
        where = f"checkpoint '{found.path}'"
        if found.header["system"] != self.header["system"]:
            raise ParameterError(
                f"{where} is of '{found.header['title']}' with other parameters or drives than those that were given "
                f"for '{self.header['title']}': resume(file, graph, drive=...) with the same, or run it anew"
            )
        if found.header["code"] != self.header["code"]:
            raise ParameterError(
                f"{where} was made by another version of neurosim or its compiler: the bits could differ; run it anew"
            )
        self.run.restore(found.arrays)


def keeper_of(run: Kept, span: tuple[float, float]) -> SpikeKeeper | None:
    """What keeps a run, if its settings ask for that; a run to be resumed is put where it was.

    Raises
    ------
    ParameterError, FormatError
    """
    if run.chosen.checkpoint is None and run.chosen.resumed is None:
        return None
    if run.chosen.checkpoint is not None and not os.path.isdir(os.path.dirname(os.path.abspath(run.chosen.checkpoint))):
        raise ParameterError(f"checkpoint: the folder of '{run.chosen.checkpoint}' does not exist; make it first")
    return SpikeKeeper(run, span)


def copy_into(arrays: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]) -> None:
    """Fill arrays by their names; of one that was kept short, the beginning."""
    for name, array in arrays.items():
        value = kept[name]
        array[: value.size] = value
