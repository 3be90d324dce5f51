"""Tangent vectors along the iteration of an array program under an explicit rule; see `neurosim.kernels.tangent`."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    INPUTS,
    MIDDLE,
    evaluate_instructions,
    tangent_instructions,
)  # fmt: skip
from neurosim.kernels.tangent import keep_interval, load_frame, store_frame
from neurosim.kernels.tangent_run import (
    EVERY,
    FINISHED,
    NEXT_INPUT,
    NOT_FINITE,
    OK,
    STAGES,
    STATUS_INDEX,
    STEPS,
    VECTORS,
    WANTED,
    tangent_type,
)


def _map_signature() -> Any:
    from numba import types

    return types.i8(tangent_type())


@driver(_map_signature)
def advance_tangent_map(run):
    """Finish the wanted number of intervals of an iterated array program; returns a status."""
    count, code = run.count, run.code
    k, s, n, m = count[VECTORS], count[STAGES], run.y.size, code[INPUTS]
    drive = code[DRIVE_AT]
    while count[FINISHED] < count[WANTED]:
        run.divergence[count[FINISHED]] = 0.0
        load_frame(run)
        for _ in range(count[EVERY]):
            at = count[NEXT_INPUT] * m
            run.point[:] = run.y
            run.point_vectors[:] = run.vectors
            for number in range(s + 1):
                if number > 0:
                    first = number * (1 + s)
                    carry = run.tableau[first]
                    for i in range(n):
                        run.point[i] = carry[i] * run.y[i]
                        for r in range(k):
                            e = run.offset[i] + r * run.stride[i]
                            run.point_vectors[e] = carry[i] * run.vectors[e]
                    for j in range(number):
                        weight = run.tableau[first + 1 + j]
                        for i in range(n):
                            if weight[i] != 0.0:
                                run.point[i] += weight[i] * run.stage[j, i]
                                for r in range(k):
                                    e = run.offset[i] + r * run.stride[i]
                                    run.point_vectors[e] += weight[i] * run.stage_vectors[j, e]
                if number < s:
                    arena, tangent = run.arena, run.arena_vectors
                    arena[:n] = run.point
                    arena[n : n + m] = run.inputs[at : at + m]
                    evaluate_instructions(code, code[FIRST], code[MIDDLE], run.p, run.pt, arena, 1)
                    run.stage[number, :n] = arena[drive : drive + n]
                    if k > 0:
                        tangent[:] = 0.0
                        tangent[: n * k] = run.point_vectors
                        tangent_instructions(code, code[FIRST], code[MIDDLE], run.p, run.pt, arena, tangent, k, k)
                        run.stage_vectors[number, :] = tangent[drive * k : (drive + n) * k]
            run.y[:] = run.point
            run.vectors[:] = run.point_vectors
            count[STEPS] += 1
            count[NEXT_INPUT] += 1
            for i in range(n):
                if not np.isfinite(run.y[i]):
                    count[STATUS_INDEX] = i
                    return NOT_FINITE
        store_frame(run)
        keep_interval(run, n)
        count[FINISHED] += 1
    return OK
