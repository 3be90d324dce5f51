"""Noise on the states of a graph: the amplitude g in ``dy = f dt + g dW``, one independent noise for each element.

The amplitude of a state is a number (additive noise) or what another node gives (``g(t, y)``). It is a batch of its own
beside that of the flow, with the same program; behind the program's code stands, for each unknown, the element of the
outputs that is its amplitude, or -1; behind its table a number for each unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.law import evaluate_drives
from neurosim.graph.program import Program
from neurosim.kernels.abi import TIME, kernel
from neurosim.kernels.array_program import LAST, LAW_AT, MIDDLE, OUTPUT_AT, SIZE, evaluate_instructions


@kernel
def graph_diffusion(context, u, p, memory, table, code, F, D):
    """Amplitude of the noise of each unknown."""
    count = F.shape[0]
    work, y = memory.reshape(memory.size), u.reshape(u.size)
    arena = work[: code[SIZE]]
    numbers, elements = table.size - count, code.size - count
    needs_outputs = False
    for i in range(count):
        F[i, 0] = table[numbers + i]
        needs_outputs = needs_outputs or code[elements + i] >= 0
    if needs_outputs:
        evaluate_drives(context[TIME], y, table, code, arena)
        parameters, transposed = code[code[LAW_AT]], code[code[LAW_AT] + 1]
        evaluate_instructions(
            code, code[MIDDLE], code[LAST], table[:parameters], table[transposed : transposed + parameters], arena, 1
        )  # fmt: skip
        for i in range(count):
            if code[elements + i] >= 0:
                F[i, 0] = arena[code[OUTPUT_AT] + code[elements + i]]


def amplitudes(program: Program, diffusion: Mapping[str, Any], held: int) -> tuple[np.ndarray, np.ndarray]:
    """For each unknown the element of the outputs that is its amplitude, or -1, and a number.

    Parameters
    ----------
    program : Program
        With the nodes that `diffusion` names among its outputs.
    diffusion : mapping of str to float, array_like or str
        By state: an amplitude [unit of the state / sqrt(s)] for all of its elements or each, or the name of an output.
    held : int
        Number of unknowns behind the states.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    size = program.states.size
    elements, numbers = np.full(size + held, -1, np.int64), np.zeros(size + held)
    for name, amplitude in diffusion.items():
        if name not in program.states.slices:
            raise UnknownNameError(
                f"diffusion: graph '{program.graph.title}' has no state '{name}'; "
                f"{nearest(name, program.states.slices)}"
            )
        part = program.states.slices[name]
        if program.is_clocked[part].any():
            raise ParameterError(f"diffusion: '{name}' jumps at a clock; only states that flow have noise")
        if isinstance(amplitude, str):
            source = program.outputs.slices.get(amplitude)
            if source is None or source.stop - source.start not in (1, part.stop - part.start):
                raise ParameterError(
                    f"diffusion: the amplitude of '{name}' must be a node of 1 or {part.stop - part.start} elements"
                )
            wide = source.stop - source.start > 1
            elements[part] = source.start + wide * np.arange(part.stop - part.start)
        else:
            values = np.asarray(amplitude, float)
            fits = values.ndim == 0 or values.size == part.stop - part.start
            if not fits or not (np.isfinite(values) & (values >= 0)).all():
                raise ParameterError(
                    f"diffusion: '{name}' needs 1 or {part.stop - part.start} finite numbers of zero or more, "
                    f"not {amplitude!r}"
                )
            numbers[part] = values.ravel() if values.ndim else values
    return elements, numbers
