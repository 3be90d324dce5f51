"""Many runs of one system that differ in parameters, initial values and seeds, in one call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.abi import SEED, driver, helper
from neurosim.kernels.native import by_address
from neurosim.kernels.run import (
    BUDGET,
    DONE,
    EXPLICIT,
    METHOD,
    PIVOT,
    REJECTED,
    RUNNING,
    SAVED,
    STEPS,
    STOCHASTIC,
    T,
    run_type,
)
from neurosim.kernels.sparse_lu import lu_type
from neurosim.kernels.system import linear_part, system_arrays_type
from neurosim.kernels.time_loop import advance

PARAMETER, TABLE, MASS, MASS_VALUE, LOWER, UPPER = range(6)
"""Which array of `SystemArrays` a place belongs to."""

NEXT, END, INSIDE, ALONE, WORDS = range(5)
"""Entries of `Rows.progress`: the row at work, the row behind the last one, whether it is begun, whether the call ends
with it."""

STATUS, TAKEN, REFUSED, POINTS, REPORTED = range(5)
"""Columns of `Rows.report`: status of `advance`, accepted steps, refused steps, saved points."""

NOT_RUN, LEFT_OUT = -1, -2
"""Status of a row that has not been run, and of one that is not to be run."""


@by_address
class Rows(NamedTuple):
    """What differs from row to row, what each gives, and where each begins.

    R rows, n unknowns, k places that differ, G saved points of p unknowns.
    """

    start: np.ndarray
    """[R, n + 1]: y at the start."""
    seed: np.ndarray
    """[R]: whole numbers."""
    place: np.ndarray
    """int64 [k, 2]: array and position in it."""
    value: np.ndarray
    """[R, k]."""
    real: np.ndarray
    """`Run.real` at the start."""
    count: np.ndarray
    """int64: `Run.count` at the start."""
    largest: np.ndarray
    """[n]: `Run.largest` at the start."""
    memory: np.ndarray
    """[R, m]: memory of the devices at the start."""
    values: np.ndarray
    """[R, G, p]: what is saved; NaN behind the end of a run that failed."""
    report: np.ndarray
    """int64 [R, REPORTED]."""
    reached: np.ndarray
    """[R, n + 2]: time and unknowns at the end."""
    progress: np.ndarray
    """int64 [WORDS]."""


_WHOLE = {"place", "count", "report", "progress"}
_DIMENSIONS = {"start": 2, "place": 2, "value": 2, "values": 3, "report": 2, "reached": 2, "memory": 2}


def rows_type() -> Any:
    """Numba type of the address of `Rows`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    fields = [
        types.Array(types.i8 if name in _WHOLE else types.f8, _DIMENSIONS.get(name, 1), "C") for name in Rows._fields
    ]
    return tuple_pointer(fields, Rows)


@helper
def _begin(S, run, context, rows, r):
    """Put everything as row r wants it at its start."""
    for j in range(rows.place.shape[0]):
        which, at, value = rows.place[j, 0], rows.place[j, 1], rows.value[r, j]
        if which == PARAMETER:
            S.parameters[at] = value
        elif which == TABLE:
            S.table[at] = value
        elif which == MASS:
            S.mass[at] = value
        elif which == MASS_VALUE:
            S.mass_value[at] = value
        elif which == LOWER:
            S.lower[at] = value
        else:
            S.upper[at] = value
    for j in range(S.memory.size):
        S.memory[j] = rows.memory[r, j]
    run.real[:] = rows.real
    run.count[:] = rows.count
    for i in range(run.y.size):
        run.y[i] = rows.start[r, i]
    run.f[:] = 0.0
    for k in range(run.past.shape[0]):
        for i in range(run.past.shape[1]):
            run.past[k, i] = 0.0
    for i in range(run.largest.size):
        run.largest[i] = -1.0 if rows.largest[i] < 0.0 else abs(run.y[i])
    context[SEED] = rows.seed[r]
    if run.count[METHOD] not in (EXPLICIT, STOCHASTIC):
        linear_part(S, context, S.constant_jacobian)


@helper
def _finish(run, rows, r, status):
    """Keep what row r gave."""
    saved = run.count[SAVED]
    for k in range(rows.values.shape[1]):
        for j in range(rows.values.shape[2]):
            rows.values[r, k, j] = run.out_y[k, j] if k < saved else np.nan
    rows.report[r, STATUS] = status
    rows.report[r, TAKEN] = run.count[STEPS]
    rows.report[r, REFUSED] = run.count[REJECTED]
    rows.report[r, POINTS] = saved
    rows.reached[r, 0] = run.real[T]
    for i in range(run.y.size):
        rows.reached[r, 1 + i] = run.y[i]


def _signature() -> Any:
    from numba import types

    return types.i8(
        system_arrays_type(), lu_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"), rows_type(), types.i8
    )


@driver(_signature)
def advance_rows(S, lu, lu_polish, run, context, rows, budget):
    """Run rows to their ends: DONE when all are done, RUNNING after about `budget` steps, PIVOT where the row at work
    needs new pivots."""
    progress = rows.progress
    while progress[NEXT] < progress[END]:
        r = progress[NEXT]
        if rows.report[r, STATUS] != NOT_RUN:
            progress[NEXT] = r + 1
            continue
        if progress[INSIDE] == 0:
            _begin(S, run, context, rows, r)
            progress[INSIDE] = 1
        before = run.count[STEPS] + run.count[REJECTED]
        run.count[BUDGET] = budget
        status = advance(S, lu, lu_polish, run, context)
        budget -= run.count[STEPS] + run.count[REJECTED] - before + 1
        if status in (PIVOT, RUNNING):
            return status
        _finish(run, rows, r, status)
        progress[NEXT] = r + 1
        progress[INSIDE] = 0
        if progress[ALONE] != 0 or budget <= 0:
            return RUNNING if progress[NEXT] < progress[END] else DONE
    return DONE
