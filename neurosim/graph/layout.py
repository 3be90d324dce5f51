"""Where named arrays lie in the flat vectors of an array program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest

if TYPE_CHECKING:
    from neurosim.graph.signal_graph import SignalGraph


@dataclass(frozen=True)
class Layout:
    """Where the named arrays lie in a flat vector."""

    slices: dict[str, slice]
    shapes: dict[str, tuple[int, ...]]

    @cached_property
    def size(self) -> int:
        """Length of the vector."""
        return max((s.stop for s in self.slices.values()), default=0)

    def pack(self, values: Mapping[str, Any], default: np.ndarray, where: str) -> np.ndarray:
        """Vector (..., size) from named arrays; names that are missing take `default`.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        for name in values:
            if name not in self.slices:
                raise UnknownNameError(f"no {where} '{name}'; {nearest(name, self.slices)}".rstrip("; "))
        arrays = {}
        for name, value in values.items():
            array = np.asarray(value, dtype=float)
            n = self.slices[name].stop - self.slices[name].start
            shape = self.shapes[name]
            if array.shape[-len(shape) :] == shape:
                array = array.reshape(*array.shape[: -len(shape)], n)
            elif array.ndim == 0:
                array = np.full(n, float(array))
            elif array.shape[-1] != n:
                wanted = ", ".join(map(str, shape))
                raise ParameterError(f"{where} '{name}' needs shape (..., {wanted}), not {array.shape}")
            arrays[name] = array
        leading = np.broadcast_shapes(*(a.shape[:-1] for a in arrays.values())) if arrays else ()
        made = np.broadcast_to(default, (*leading, self.size)).copy()
        for name, array in arrays.items():
            made[..., self.slices[name]] = array
        return made

    def unpack(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named arrays (..., *shape) from a vector (..., size)."""
        return {
            name: vector[..., part].reshape(*vector.shape[:-1], *self.shapes[name])
            for name, part in self.slices.items()
        }

    def to_blocks(self, rows: np.ndarray) -> np.ndarray:
        """(..., samples, size) to blocks, one array after the other: (..., samples * size)."""
        leading, samples = rows.shape[:-2], rows.shape[-2]
        if samples == 1 or len(self.slices) == 1:
            # kernels take no read-only arrays, such as views by broadcasting
            if not (rows.flags.carray and rows.dtype == float):
                rows = np.require(rows, float, ("C", "W"))
            return rows.reshape(*leading, samples * self.size)
        parts = [rows[..., p].reshape(*leading, samples * (p.stop - p.start)) for p in self.slices.values()]
        return np.ascontiguousarray(np.concatenate(parts, axis=-1)) if parts else np.zeros((*leading, 0))

    def from_blocks(self, blocks: np.ndarray, samples: int) -> np.ndarray:
        """Inverse of `to_blocks`; neither of them copies what lies right already."""
        leading = blocks.shape[:-1]
        if samples == 1 or len(self.slices) == 1:
            return blocks.reshape(*leading, samples, self.size)
        made = np.empty((*leading, samples, self.size))
        for part in self.slices.values():
            n = part.stop - part.start
            here = blocks[..., part.start * samples : part.stop * samples]
            made[..., part] = here.reshape(*leading, samples, n)
        return made


def layout_of(graph: SignalGraph, names: Sequence[str]) -> Layout:
    """Nodes one after the other, in the order of the names."""
    slices, at = {}, 0
    for name in names:
        size = graph.size_of(name)
        slices[name] = slice(at, at + size)
        at += size
    return Layout(slices, {name: tuple(graph.nodes[name]["shape"]) for name in names})
