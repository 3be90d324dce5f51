"""Checkpoints: the whole state of an integration in one file, from which it goes on with the same bits.

The state of the loop is arrays: `Run`, the memory of the devices, the context, the factorisations, and what was
recorded (`neurosim.solve.checkpoint_file` says how they are kept). The fingerprints of the compiled code go with them,
because other code or another processor would give other bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.atomic import atomic_write
from neurosim.errors import ParameterError
from neurosim.kernels import run as state
from neurosim.kernels import system as layout
from neurosim.kernels.abi import Kernel
from neurosim.kernels.builder import System
from neurosim.kernels.run import Run
from neurosim.kernels.sparse_lu import LU, Factorisation
from neurosim.kernels.time_loop import advance
from neurosim.solve.checkpoint_file import FORMAT, VERSION, Checkpoint
from neurosim.solve.factors import Factors

RECORDED = ("out_t", "out_y", "out_slope", "out_memory")

_INPUTS = ("atol", "watched", "differential", "breakpoints", "grid", "probes", "tableau")
"""Parts of `Run` that do not change while it runs."""

_ADDRESSES = (layout.LAW, layout.ACCEPT, layout.EVENTS, layout.JUMP, layout.START, layout.DIFFUSION)
_CHANGING = {"memory", "event_value", "u", "F", "D", "scratch", "dims"}
"""Parts of `SystemArrays` that change while it runs."""


@dataclass
class Keeper:
    """Saves and restores the state of one integration.

    Parameters
    ----------
    path : path, optional
        Where to save; None: nowhere.
    every : float
        Seconds of computing between two saves; 0: as often as the loop is looked at, a few times a second.
    header : dict
        What runs, with which settings; plain values.
    resumed : Checkpoint, optional
        From where to go on.
    code : bytes, optional
        What the system's `code` says, where that holds addresses, which differ from process to process.
    table : bytes, optional
        What the system's `table` says, where that holds the past of the run too, which changes.
    further : dict of str to object
        Logs of events by label: ``kept()`` gives arrays, from which ``restore(arrays)`` goes on.
    """

    path: str | os.PathLike[str] | None
    every: float
    header: dict[str, Any]
    resumed: Checkpoint | None = None
    code: bytes = b""
    table: bytes = b""
    further: dict[str, Any] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def is_due(self) -> bool:
        """Whether the time for the next save has come."""
        return self.path is not None and time.perf_counter() - self._last >= self.every

    def save(
        self, system: System, run: Run, factors: Factors, polish_factors: Factors,
        parts: list[tuple[np.ndarray, ...]], *, is_over: bool = False,
    ) -> None:  # fmt: skip
        """Replace the file by the present state; `is_over` where the run ended before its time.

        Raises
        ------
        FormatError
            The file cannot be written.
        """
        if self.path is None:
            return
        arrays = {f"run.{name}": getattr(run, name) for name in Run._fields if name not in RECORDED}
        arrays |= {"memory": system.arrays.memory, "event_value": system.arrays.event_value, "context": system.context}
        for label, kept in (("factors", factors), ("polish", polish_factors)):
            if kept.analysis is not None:
                arrays |= {f"{label}.{name}": getattr(kept.analysis.lu, name) for name in LU._fields}
        for name, joined in zip(RECORDED, zip(*parts, strict=True)):
            arrays[f"recorded.{name}"] = np.concatenate(joined)
        for label, log in self.further.items():
            arrays |= {f"{label}.{name}": values for name, values in log.kept().items()}
        header = self.header | {
            "format": FORMAT, "version": VERSION, "time": float(run.real[state.T]),
            "system": system_hash(system, self.code, self.table), "code": code_hash(system),
            "reanalyses": [factors.reanalyses, polish_factors.reanalyses], "is_over": is_over,
        }  # fmt: skip
        with atomic_write(self.path) as place, place.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)
        self._last = time.perf_counter()

    def restore(
        self, system: System, run: Run, factors: Factors, polish_factors: Factors, parts: list[tuple[np.ndarray, ...]]
    ) -> bool:
        """Put everything as the checkpoint has it, if there is one; the limit of steps stays that of `run`.

        Returns whether the run is over already.

        Raises
        ------
        ParameterError
            It belongs to another system, to other settings, or to another version of the compiled code.
        """
        if self.resumed is None:
            return False
        arrays, header, where = self.resumed.arrays, self.resumed.header, f"checkpoint '{self.resumed.path}'"
        if header["system"] != system_hash(system, self.code, self.table):
            raise ParameterError(
                f"{where} is of '{header['title']}' ({header['kind']}), whose equations or parameter values are not "
                f"those of '{self.header['title']}': give the same {header['kind']}, or run it anew"
            )
        if header["code"] != code_hash(system):
            raise ParameterError(
                f"{where} was made by another version of neurosim or its compiler, or on another processor "
                f"({_versions(header)} there, {_versions(self.header)} here): the bits would differ; run it anew"
            )
        steps = run.count[state.STEP_LIMIT]
        for name in Run._fields:
            if name in RECORDED:
                continue
            target, source = getattr(run, name), arrays.get(f"run.{name}")
            if source is None or source.shape != target.shape or source.dtype != target.dtype or (
                name in _INPUTS and not np.array_equal(source, target, equal_nan=True)
            ):  # fmt: skip
                raise ParameterError(f"{where} was made with other settings ('{name}' differs): resume with the same")
            target[...] = source
        run.count[state.STEP_LIMIT] = steps
        system.arrays.memory[:] = arrays["memory"]
        system.arrays.event_value[:] = arrays["event_value"]
        system.context[:] = arrays["context"]
        for label, log in self.further.items():
            start = f"{label}."
            log.restore({name.removeprefix(start): arrays[name] for name in arrays if name.startswith(start)})
        for label, kept, number in zip(("factors", "polish"), (factors, polish_factors), header["reanalyses"]):
            kept.reanalyses = number
            kept.analysis = None
            if f"{label}.{LU._fields[0]}" in arrays:
                lu = LU(*(arrays[f"{label}.{name}"].copy() for name in LU._fields))
                kept.analysis = Factorisation(lu, system.arrays.column_pointer, system.arrays.row_index, 0)
        if "recorded.out_t" in arrays:
            parts.append(tuple(arrays[f"recorded.{name}"] for name in RECORDED))
        return bool(header["is_over"])


def system_hash(system: System, code: bytes = b"", table: bytes = b"") -> str:
    """Hash of everything that a system's equations are made of but the code of the laws; see `Keeper`."""
    digest = hashlib.sha256("\n".join(system.names).encode() + code + table)
    for name in system.arrays._fields:
        if name not in _CHANGING and not (name == "code" and code) and not (name == "table" and table):
            array = getattr(system.arrays, name)
            if name == "batch":
                array = np.delete(array, (*_ADDRESSES, layout.TABLE_LENGTH), axis=1)
            digest.update(f"{name}{array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def code_hash(system: System) -> str:
    """Hash of the compiled code that an integration of `system` runs, and of what it was compiled by and for."""
    digest = hashlib.sha256(advance.key.encode())
    for batch in system.batches:
        for law in (batch.law, batch.accept, batch.events, batch.jump, batch.start, batch.diffusion):
            digest.update((law.key if isinstance(law, Kernel) else type(law).__name__).encode())
    return digest.hexdigest()


def _versions(header: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {number}" for name, number in header["versions"].items())
