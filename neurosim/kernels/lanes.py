"""Rows of an ensemble side by side: eight runs of one small law, each with a time, a step and parameters of its own.

One call of the law serves all lanes, and sums over stages go over all at once. A lane whose row has ended takes the
next one. Each lane does what `neurosim.kernels.time_loop` does with an explicit method, to the last bit; what it meets
rarely (a value that is not finite, steps near the resolution of the time, a limit) is left to that loop, from the start
of the row on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels import run as state
from neurosim.kernels import system as layout
from neurosim.kernels.abi import TIME, WANT_DERIVATIVES, call_kernel, driver, helper
from neurosim.kernels.ensemble import NOT_RUN, POINTS, REFUSED, STATUS, TAKEN, rows_type
from neurosim.kernels.error_norm import ASTRAY, LEAP
from neurosim.kernels.run import (
    DONE,
    FACTOR_MAX,
    FACTOR_MIN,
    H_MAX,
    H_MIN,
    ORDER,
    RTOL,
    SAFETY,
    STEP_LIMIT,
    T_STOP,
    H,
    Run,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.system import (
    CODE_LENGTH,
    LAW,
    LAW_FLOWS,
    LAW_INPUTS,
    PARAMETER_AT,
    PARAMETER_ROWS,
    TABLE_LENGTH,
    SystemArrays,
    system_arrays_type,
)
from neurosim.kernels.time_loop import FIRST_FACTOR_MAX, REJECTED_ORDER

LANES = 8

TOO_HARD = -3
"""Status of a row that is left to the loop in time."""

TIME_OF, STEP_OF, TAKEN_STEP, ROW, STEPS, REJECTED, AFTER_REJECT, GRID, ENDS, WORDS = range(10)
"""Rows of `lane`, LANES numbers each: time, next step, the step being tried, row (-1: none), steps, refused ones, those
since the last accepted one, next point of the grid, whether the step reaches the end."""

MOST_UNKNOWNS = 16
"""Of laws that run in lanes; of larger ones one row fills the vector units."""


def takes_lanes(S: SystemArrays, run: Run) -> bool:
    """Whether rows of a system can run side by side.

    One law of y and its parameters alone under an adaptive explicit method without stages of its own for the
    interpolant; no events, bounds, memory, or times at which steps must end.
    """
    n, row, tableau = run.y.size - 1, S.batch[0], run.tableau
    names = (layout.TIMED, layout.SCRATCH, layout.MEMORY_ROWS, layout.ACCEPT, layout.EVENTS, layout.START)
    return bool(
        len(S.batch) == 1 and row[layout.DIRECT] and n <= MOST_UNKNOWNS and not row[[*names]].any()
        and run.count[state.METHOD] == state.EXPLICIT and not tableau[0, 1:3].any() and len(run.q) == 5
        and not S.bounded.size
        and not run.count[[state.FIXED_STEP, state.EVENTFUL, state.POLISH, state.LINEAR_SYSTEM]].any()
        and run.count[state.NORM] == state.WATCHED and not run.breakpoints.size
    )  # fmt: skip


def lane_room(S: SystemArrays, run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`lane`, K and `room` of `advance_lanes`, all lanes free."""
    n, stages = run.y.size - 1, int(run.tableau[0, 0])
    lane = np.zeros((WORDS, LANES))
    lane[ROW] = -1.0
    numbers = 5 * n + int(S.batch[0, PARAMETER_ROWS]) + S.D.size
    return lane, np.zeros((stages, n * LANES)), np.zeros(numbers * LANES)


@helper
def _flow(S, context, y, p, F, D):
    """One call of the law for all lanes."""
    B = S.batch[0]
    dims = S.dims
    dims[0] = B[LAW_INPUTS]
    dims[1] = B[PARAMETER_ROWS]
    dims[2] = 0
    dims[3] = B[TABLE_LENGTH]
    dims[4] = B[CODE_LENGTH]
    dims[5] = B[LAW_FLOWS]
    dims[6] = LANES
    call_kernel(B[LAW], context, dims, y, p, S.memory, S.table, S.code, F, D)


@helper
def _begin(S, run, rows, lane, y, largest, p, e, r):
    """Let lane e begin with row r; what is saved at the start is."""
    n = run.y.size - 1
    first = S.batch[0, PARAMETER_AT]
    for k in range(S.batch[0, PARAMETER_ROWS]):
        p[k * LANES + e] = S.parameters[first + k]
    for j in range(rows.place.shape[0]):
        p[(rows.place[j, 1] - first) * LANES + e] = rows.value[r, j]
    for i in range(n):
        y[i * LANES + e] = rows.start[r, i]
        largest[i * LANES + e] = abs(rows.start[r, i])
    lane[TIME_OF, e], lane[STEP_OF, e], lane[ROW, e] = rows.real[T], rows.real[H], r
    for k in (STEPS, REJECTED, AFTER_REJECT, GRID, ENDS):
        lane[k, e] = 0.0
    grid = run.grid
    place = 0
    while place < grid.size and grid[place] <= rows.real[T]:
        if place == 0:
            for j in range(run.probes.size):
                rows.values[r, 0, j] = rows.start[r, run.probes[j]]
        place += 1
    lane[GRID, e] = place


@helper
def _end(run, rows, lane, y, e, status):
    """Keep what the row of lane e gave, and free the lane."""
    r = np.int64(lane[ROW, e])
    rows.report[r, STATUS] = status
    rows.report[r, TAKEN] = np.int64(lane[STEPS, e])
    rows.report[r, REFUSED] = np.int64(lane[REJECTED, e])
    rows.report[r, POINTS] = np.int64(lane[GRID, e])
    rows.reached[r, 0] = lane[TIME_OF, e]
    for i in range(run.y.size - 1):
        rows.reached[r, 1 + i] = y[i * LANES + e]
    lane[ROW, e] = -1.0


@helper
def _error_of(run, y, y_new, largest, error, e):
    """As `neurosim.kernels.time_loop` has it, of one lane."""
    n = run.y.size - 1
    rtol = run.real[RTOL]
    total = 0.0
    for i in range(n):
        k = i * LANES + e
        old, new = abs(y[k]), abs(y_new[k])
        reference = old if old > new else new
        seen = largest[k] if largest[k] > old else old
        most = LEAP * (seen + run.atol[i] / rtol)
        reference = most if reference > most else reference
        reference = seen if seen > reference else reference
        error[k] /= run.atol[i] + rtol * reference
        total += error[k] * error[k]
    norm = np.sqrt(total / n)
    for j in range(run.watched.size):
        size = abs(error[run.watched[j] * LANES + e])
        if not size <= norm:
            norm = size
    share = min(1.0, rtol / ASTRAY)
    for i in range(n):
        size = share * abs(error[i * LANES + e])
        if not size <= norm:
            norm = size
    return norm


@helper
def _save(run, rows, lane, K, y, e):
    """Interpolate at the points of the grid inside the step of lane e that ended at its time; y is at its start."""
    s = np.int64(run.tableau[0, 0])
    h, t, r = lane[TAKEN_STEP, e], lane[TIME_OF, e], np.int64(lane[ROW, e])
    power = run.tableau[s + 4 : s + 8]
    while lane[GRID, e] < run.grid.size and run.grid[np.int64(lane[GRID, e])] <= t:
        place = np.int64(lane[GRID, e])
        x = (run.grid[place] - (t - h)) / h
        for j in range(run.probes.size):
            k = run.probes[j] * LANES + e
            q1, q2, q3, q4 = 0.0, 0.0, 0.0, 0.0
            for stage in range(s):
                slope = K[stage, k]
                q1 += power[0, stage] * slope
                q2 += power[1, stage] * slope
                q3 += power[2, stage] * slope
                q4 += power[3, stage] * slope
            value = (((h * q4) * x + h * q3) * x + h * q2) * x + h * q1
            rows.values[r, place, j] = value * x + y[k]
        lane[GRID, e] = place + 1


def _signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    matrix = types.Array(types.f8, 2, "C")
    return types.i8(system_arrays_type(), run_type(), real, rows_type(), matrix, matrix, real, types.i8)


@driver(_signature)
def advance_lanes(S, run, context, rows, lane, K, room, budget):
    """Run all rows but those left out; returns how many are still to do after about `budget` steps of the lanes.

    `lane` is as `TIME_OF` says, K has a row of n LANES numbers for each stage, `room` takes parameters, 5 times as many
    numbers, and the derivatives of the law. ``rows.progress[0]`` is the next row.
    """
    n, s = run.y.size - 1, np.int64(run.tableau[0, 0])
    real, count, tableau, width = run.real, run.count, run.tableau, n * LANES
    y, y_new, largest = room[:width], room[width : 2 * width], room[2 * width : 3 * width]
    error, fresh, rest = room[3 * width : 4 * width], room[4 * width : 5 * width], room[5 * width :]
    p, D = rest[: S.batch[0, PARAMETER_ROWS] * LANES], rest[S.batch[0, PARAMETER_ROWS] * LANES :]
    context[WANT_DERIVATIVES] = 0.0
    context[TIME] = 0.0
    stop, order = real[T_STOP], real[ORDER]
    total, progress = rows.report.shape[0], rows.progress
    while True:
        active, begun = 0, False
        for e in range(LANES):
            while lane[ROW, e] < 0.0 and progress[0] < total:
                r = progress[0]
                progress[0] = r + 1
                if rows.report[r, STATUS] == NOT_RUN:
                    _begin(S, run, rows, lane, y, largest, p, e, r)
                    lane[ENDS, e] = 2.0
                    begun = True
            active += lane[ROW, e] >= 0.0
        if active == 0 or budget <= 0:
            return total - progress[0] + active
        budget -= 1
        if begun:
            _flow(S, context, y, p, fresh, D)
            for e in range(LANES):
                if lane[ENDS, e] == 2.0:
                    for i in range(n):
                        K[0, i * LANES + e] = fresh[i * LANES + e]
        for e in range(LANES):
            t = lane[TIME_OF, e]
            smallest = max(10.0 * np.spacing(abs(t)), real[H_MIN])
            h = min(max(lane[STEP_OF, e], smallest), real[H_MAX])
            lane[ENDS, e] = 0.0
            if t + h >= stop - 0.5 * smallest:
                h = stop - t
                lane[ENDS, e] = 1.0
            elif t + 2.0 * h > stop:
                h = 0.5 * (stop - t)
            else:
                h = (t + h) - t
            lane[TAKEN_STEP, e] = h
        h_of = lane[TAKEN_STEP]
        # The last turn is the error.
        for stage in range(1, s + 1):
            weights, out, count_of = tableau[1 + stage], y_new, stage
            if stage == s:
                weights, out, count_of = tableau[s + 2], error, s
            for i in range(n):
                at = i * LANES
                # Sums in registers: a sum in memory would wait for itself.
                v0, v1, v2, v3, v4, v5, v6, v7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                for j in range(count_of):
                    w = weights[j]
                    v0 += w * K[j, at]
                    v1 += w * K[j, at + 1]
                    v2 += w * K[j, at + 2]
                    v3 += w * K[j, at + 3]
                    v4 += w * K[j, at + 4]
                    v5 += w * K[j, at + 5]
                    v6 += w * K[j, at + 6]
                    v7 += w * K[j, at + 7]
                out[at], out[at + 1], out[at + 2], out[at + 3] = v0, v1, v2, v3
                out[at + 4], out[at + 5], out[at + 6], out[at + 7] = v4, v5, v6, v7
                if stage < s:
                    for e in range(LANES):
                        out[at + e] = y[at + e] + h_of[e] * out[at + e]
                else:
                    for e in range(LANES):
                        out[at + e] *= h_of[e]
            if stage < s:
                _flow(S, context, y_new, p, K[stage], D)
        for e in range(LANES):
            if lane[ROW, e] < 0.0:
                continue
            t, h = lane[TIME_OF, e], lane[TAKEN_STEP, e]
            smallest = max(10.0 * np.spacing(abs(t)), real[H_MIN])
            norm = _error_of(run, y, y_new, largest, error, e)
            ends = lane[ENDS, e] != 0.0
            hard = norm - norm != 0.0 or (h <= 100.0 * smallest and not ends) or lane[STEPS, e] >= count[STEP_LIMIT]
            for i in range(n):
                hard = hard or y_new[i * LANES + e] - y_new[i * LANES + e] != 0.0
            if hard:
                _end(run, rows, lane, y, e, TOO_HARD)
                continue
            if not norm < 1.0:
                factor = 0.25
                if norm < 1e9:
                    factor = max(real[FACTOR_MIN], real[SAFETY] * norm ** (-1.0 / min(order, REJECTED_ORDER)))
                lane[STEP_OF, e] = h * factor
                lane[REJECTED, e] += 1.0
                lane[AFTER_REJECT, e] += 1.0
                continue
            factor = FIRST_FACTOR_MAX if lane[STEPS, e] == 0.0 else real[FACTOR_MAX]
            if norm > 0.0:
                factor = min(factor, real[SAFETY] * norm ** (-1.0 / order))
            if lane[AFTER_REJECT, e] != 0.0:
                factor = min(1.0, factor)
            factor = max(factor, real[FACTOR_MIN])
            lane[AFTER_REJECT, e] = 0.0
            further = min(lane[STEP_OF, e], real[H_MAX])
            lane[STEP_OF, e] = max(h * factor, further) if ends and factor >= 1.0 else h * factor
            lane[TIME_OF, e] = stop if ends else t + h
            lane[STEPS, e] += 1.0
            _save(run, rows, lane, K, y, e)
            for i in range(n):
                k = i * LANES + e
                y[k] = y_new[k]
                K[0, k] = K[s - 1, k]
                size = abs(y[k])
                largest[k] = size if size > largest[k] else largest[k]
            if ends:
                _end(run, rows, lane, y, e, DONE)
