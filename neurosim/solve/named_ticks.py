"""What a spiking run has to say, by names: times of ticks, and weights that learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.graph.spike_program import SpikeProgram


def listed(weights: dict[str, Any]) -> dict[str, dict[str, list]]:
    """Sparse matrices as lists, for the attributes of a Result."""
    found = {name: matrix.tocoo() for name, matrix in weights.items()}
    return {
        name: {"shape": list(matrix.shape), "row": matrix.row.tolist(), "column": matrix.col.tolist(),
               "value": matrix.data.tolist()}
        for name, matrix in found.items()
    }  # fmt: skip


def events_by_name(program: SpikeProgram, times: np.ndarray, elements: np.ndarray) -> dict[str, list[float]]:
    """Times of the ticks of each element by its name."""
    in_order = times[np.argsort(elements, kind="stable")].tolist()
    ends = [0, *np.cumsum(np.bincount(elements, minlength=program.events.size)).tolist()]
    return {
        name if part.stop - part.start == 1 else f"{name}[{e - part.start}]": in_order[ends[e] : ends[e + 1]]
        for name, part in program.events.slices.items()
        for e in range(part.start, part.stop)
    }
