"""The loop in time: step size, breakpoints, events, bounds, output. Compiled once for all systems and methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import ANALYSIS, CORNER, HALT, NEXT_STEP, STEP, TIME, TRANSIENT, driver, helper, unit
from neurosim.kernels.error_norm import error_norm
from neurosim.kernels.explicit import explicit_interpolant, explicit_step, keeps_stages
from neurosim.kernels.mass import is_ordinary
from neurosim.kernels.multistep_nordsieck import nordsieck_restart, nordsieck_step
from neurosim.kernels.multistep_order import cut_nordsieck_interpolant, nordsieck_accept, nordsieck_refuse
from neurosim.kernels.polish import polish
from neurosim.kernels.run import (
    AFTER_REJECT,
    ALPHA,
    AT_LIMIT,
    BDF2,
    BETA,
    BUDGET,
    BUFFER_FULL,
    CHATTERING,
    CROWDED,
    DEAD_HIGH,
    DEAD_LOW,
    DONE,
    ERROR,
    ERROR_BEFORE,
    EVALUATED,
    EVENTFUL,
    EXPLICIT,
    FACTOR_MAX,
    FACTOR_MIN,
    FIXED_STEP,
    FRACTION,
    FRESH,
    H_LAST,
    H_MAX,
    H_MIN,
    HALTED,
    HISTORY,
    INDEX_TWO,
    JUMPED,
    JUMPS,
    KNOTS,
    LINEAR_SYSTEM,
    METHOD,
    MIDPOINT,
    NEXT_BREAK,
    NEXT_GRID,
    NORDSIECK,
    NORM,
    NOT_FINITE,
    ORDER,
    PHASE,
    PIVOT,
    POLISH,
    POLISH_READY,
    REJECTED,
    RMS_OF_BOTH_ENDS,
    ROSENBROCK,
    RUNNING,
    SAFETY,
    SAVE_STEPS,
    SAVED,
    SINGULAR,
    STARTED,
    STATUS_INDEX,
    STEP_LIMIT,
    STEP_TOO_SMALL,
    STEPS,
    STIFF,
    STOCHASTIC,
    T_STOP,
    TOO_MANY_STEPS,
    TRAPEZOID,
    UNTIL_STIFF,
    H,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.small_lu import has_small_factors
from neurosim.kernels.small_rosenbrock import small_rosenbrock_step
from neurosim.kernels.sparse_lu import lu_type
from neurosim.kernels.steps import (
    first_not_finite,
    multistep_accept,
    multistep_interpolant,
    multistep_step,
    rosenbrock_defect,
    rosenbrock_interpolant,
    rosenbrock_step,
    whole_rosenbrock_interpolant,
)  # fmt: skip
from neurosim.kernels.stochastic import stochastic_interpolant, stochastic_step
from neurosim.kernels.system import (
    ACCEPT,
    START,
    accept_batches,
    clip_states,
    crossing_batches,
    jump_batches,
    record_events,
    start_batches,
    system_arrays_type,
)  # fmt: skip

STALLED = 0.5
"""Part of its error that a step refused twice may keep; more does not come from its length [1]."""

LEAST_ERROR, SWITCHING, SETTLING, LEAD = 0.01, 4.0, 0.5, 1.3
"""Error from which on its growth from step to step says something about the next one, growths that do, and most by
which a step is taken longer for it [1]."""

REJECTED_ORDER = 2.5
"""Most with which the error of a refused step is taken to fall: fewer are refused twice."""

FIRST_FACTOR_MAX = 100.0
"""Largest growth behind the first step, whose size is a guess."""

CASCADE = 20
"""Jumps that may follow from one another at one time."""

CROWD = 300
"""Steps near the resolution of the time that may follow one another: they cross jumps that nothing announces."""

STEPPING, EMITTING = 0, 1
"""Values of ``count[PHASE]``."""


@helper
def _interpolate(run, x, y):
    """y at the fraction x of the last step."""
    degree = run.q.shape[0] - 1
    if run.count[METHOD] == NORDSIECK:
        x -= 1.0
    for i in range(y.size - 1):
        value = run.q[degree, i]
        for k in range(degree - 1, -1, -1):
            value = value * x + run.q[k, i]
        y[i] = value
    y[y.size - 1] = 0.0


@helper
def _interpolate_probes(run, x, y):
    """`_interpolate` for the saved unknowns only."""
    degree = run.q.shape[0] - 1
    if run.count[METHOD] == NORDSIECK:
        x -= 1.0
    for j in range(run.probes.size):
        i = run.probes[j]
        value = run.q[degree, i]
        for k in range(degree - 1, -1, -1):
            value = value * x + run.q[k, i]
        y[i] = value


@helper
def _save(S, lu, run, context, t, y):
    """Put one point into the output; y is made consistent first when the run asks for it."""
    k = run.count[SAVED]
    if run.count[POLISH] != 0:
        slope = run.past[3]
        if run.count[INDEX_TWO] != 0:
            run.real[BETA] = 1e6 / run.real[H_LAST]
            run.count[POLISH_READY] = 0
        status = polish(S, lu, run, context, t, y, slope)
        if status != 0:
            return status
        if run.out_slope.shape[1] > 0:
            for j in range(run.probes.size):
                run.out_slope[k, j] = slope[run.probes[j]]
    clip_states(S, y)
    for j in range(run.out_memory.shape[1]):
        run.out_memory[k, j] = S.memory[j]
    run.out_t[k] = t
    for j in range(run.probes.size):
        run.out_y[k, j] = y[run.probes[j]]
    run.count[SAVED] = k + 1
    return 0


def _point_signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"))


@unit(_point_signature)
def _emit(S, lu, run, context):
    """Write the grid points inside the last step, then its end; BUFFER_FULL if they do not all fit."""
    h = run.real[H_LAST]
    t0 = run.real[T] - h
    point = run.stage[0]
    while run.count[NEXT_GRID] < run.grid.size and run.grid[run.count[NEXT_GRID]] <= run.real[T]:
        t = run.grid[run.count[NEXT_GRID]]
        if run.count[SAVE_STEPS] != 0 and t > run.real[T] - 1e-9 * h:
            break
        if run.count[SAVED] >= run.out_t.size:
            return BUFFER_FULL
        if run.count[POLISH] == 0:
            _interpolate_probes(run, (t - t0) / h, point)
        else:
            _interpolate(run, (t - t0) / h, point)
            clip_states(S, point)
        status = _save(S, lu, run, context, t, point)
        if status != 0:
            return status
        run.count[NEXT_GRID] += 1
    if run.count[SAVE_STEPS] != 0:
        if run.count[SAVED] >= run.out_t.size:
            return BUFFER_FULL
        point[:] = run.y
        status = _save(S, lu, run, context, run.real[T], point)
        if status != 0:
            return status
        while run.count[NEXT_GRID] < run.grid.size and run.grid[run.count[NEXT_GRID]] <= run.real[T]:
            run.count[NEXT_GRID] += 1
    return 0


@unit(_point_signature)
def _restart(S, lu, run, context):
    """After a corner or a jump: forget the history, make y consistent, find its slope."""
    run.count[HISTORY] = 1
    run.count[FRESH] = 0
    run.real[ALPHA] = -1.0
    run.real[ERROR_BEFORE] = 0.0
    is_plain = run.count[NORM] == RMS_OF_BOTH_ENDS and run.count[POLISH] == 0
    method = run.count[METHOD]
    if method in (EXPLICIT, STOCHASTIC) or (method == ROSENBROCK and is_plain):
        return 0
    multistep = run.count[METHOD] == NORDSIECK
    if multistep and is_ordinary(S, run.y.size - 1):
        return nordsieck_restart(S, run, context, 1)
    if run.count[INDEX_TWO] != 0:
        run.real[BETA] = 1e6 / run.real[H]
    run.count[POLISH_READY] = 0
    status = polish(S, lu, run, context, run.real[T], run.y, run.past[3])
    if status == 0 and multistep:
        return nordsieck_restart(S, run, context, 0)
    return status


@helper
def _has_any(S, column):
    """Whether a batch has something in this column of its row: what none has need not be compiled."""
    count = 0
    for b in range(S.batch.shape[0]):
        count += S.batch[b, column] != 0
    return count > 0


@unit(_point_signature)
def _finish(S, lu, run, context):
    """What follows an accepted step: devices are told, jumps are made, the method restarts where the flow changed."""
    real = run.real
    count = run.count
    context[TIME] = real[T]
    context[STEP] = real[H_LAST]
    context[CORNER] = 1.0 if count[JUMPED] != 0 or count[AT_LIMIT] != 0 else 0.0
    context[NEXT_STEP] = np.inf
    changed = _has_any(S, ACCEPT) and accept_batches(S, context, run.y) > 0
    if count[JUMPED] != 0:
        count[JUMPS] += jump_batches(S, context, run.y)
        context[NEXT_STEP] = min(context[NEXT_STEP], real[H_LAST])
        changed = True
    if count[FIXED_STEP] == 0:
        real[H] = min(real[H], context[NEXT_STEP])
    if count[EVENTFUL] != 0:
        record_events(S, context, run.y)
    count[JUMPED] = changed
    if changed or (count[AT_LIMIT] != 0 and real[T] < real[T_STOP]):
        status = _restart(S, lu, run, context)
        if status != 0 or count[EVENTFUL] == 0:
            return status
        # What jumped may carry others past their thresholds at once.
        for _ in range(CASCADE):
            if crossing_batches(S, context, run.y, 0, S.batch.shape[0])[0] < 0:
                break
            count[JUMPS] += jump_batches(S, context, run.y)
            record_events(S, context, run.y)
            status = _restart(S, lu, run, context)
            if status != 0:
                return status
        return 0
    # The slope at a state that was put back on its bound is another.
    count[FRESH] = 1 if S.bounded.size == 0 or count[AT_LIMIT] == 0 else 0
    return 0


def _locate_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.void(system_arrays_type(), run_type(), real, types.f8, real, types.i8, types.i8)


@unit(_locate_signature)
def _locate(S, run, context, h, point, first, last):
    """Find the first event of the step in batches `first` to `last` by bisection on the interpolant; `point` gets the
    state just after it."""
    low = 0.0
    high = 1.0
    t = run.real[T]
    for _ in range(60):
        middle = 0.5 * (low + high)
        _interpolate(run, middle, point)
        context[TIME] = t + middle * h
        if crossing_batches(S, context, point, first, last + 1)[0] >= 0:
            high = middle
        else:
            low = middle
        if (high - low) * h <= 4.0 * np.spacing(t + h) or high - low < 1e-13:
            break
    _interpolate(run, high, point)
    run.real[FRACTION] = high


@helper
def _attempt(S, lu, run, context, h):
    method = run.count[METHOD]
    if method == ROSENBROCK:
        if has_small_factors(S, run):
            return small_rosenbrock_step(S, run, context, h)
        return rosenbrock_step(S, lu, run, context, h)
    if method == EXPLICIT:
        return explicit_step(S, run, context, h)
    if method == STOCHASTIC:
        return stochastic_step(S, run, context, h)
    if method == NORDSIECK:
        return nordsieck_step(S, lu, run, context, h)
    return multistep_step(S, lu, run, context, h)


def _signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"))


@driver(_signature)
def advance(S, lu, lu_polish, run, context):
    """Integrate until the end, a full buffer, ``count[BUDGET]`` steps, or a failure; return a status."""
    n = run.y.size - 1
    real = run.real
    count = run.count
    context[ANALYSIS] = TRANSIENT
    method = count[METHOD]
    budget = count[BUDGET]
    if count[STARTED] == 0:
        context[TIME] = real[T]
        if _has_any(S, START) or count[EVENTFUL] != 0:
            start_batches(S, context, run.y)
        status = _restart(S, lu_polish, run, context)
        if status != 0:
            return status
        count[STARTED] = 1
        for i in range(n):
            if run.largest[i] >= 0.0:
                run.largest[i] = max(run.largest[i], abs(run.y[i]))
        if run.out_t.size > 0 and (count[SAVE_STEPS] != 0 or (run.grid.size > 0 and run.grid[0] <= real[T])):
            run.stage[0][:] = run.y
            status = _save(S, lu_polish, run, context, real[T], run.stage[0])
            if status != 0:
                return status
        while count[NEXT_GRID] < run.grid.size and run.grid[count[NEXT_GRID]] <= real[T]:
            count[NEXT_GRID] += 1
    while True:
        if count[PHASE] == EMITTING:
            status = _emit(S, lu_polish, run, context)
            if status == 0:
                status = _finish(S, lu_polish, run, context)
            if status != 0:
                return status
            count[PHASE] = STEPPING
            if context[HALT] != 0.0:
                context[HALT] = 0.0
                return HALTED
        t = real[T]
        if t >= real[T_STOP]:
            return DONE
        if budget <= 0 or (count[UNTIL_STIFF] != 0 and count[STIFF] != 0):
            return RUNNING
        if run.knot_t.size > 0 and count[KNOTS] + 2 > run.knot_t.size:
            return BUFFER_FULL
        if count[STEPS] >= count[STEP_LIMIT]:
            return TOO_MANY_STEPS
        budget -= 1
        smallest = max(10.0 * np.spacing(abs(t)), real[H_MIN])
        while count[NEXT_BREAK] < run.breakpoints.size and run.breakpoints[count[NEXT_BREAK]] <= t + smallest:
            count[NEXT_BREAK] += 1
        limit = real[T_STOP]
        if count[NEXT_BREAK] < run.breakpoints.size:
            limit = min(limit, run.breakpoints[count[NEXT_BREAK]])
        h = min(max(real[H], smallest), real[H_MAX])
        if count[FIXED_STEP] != 0:
            h = real[H]
        # Equal steps may miss the limit by the rounding of many additions.
        to_limit = t + h >= limit - (1e-9 * h if count[FIXED_STEP] != 0 else 0.5 * smallest)
        if to_limit:
            h = limit - t
        elif count[NORM] != RMS_OF_BOTH_ENDS and count[FIXED_STEP] == 0 and t + 2.0 * h > limit:
            h = 0.5 * (limit - t)
        elif method == EXPLICIT:
            # The step that the rounded times are apart.
            h = (t + h) - t
        crosses = False
        status = _attempt(S, lu, run, context, h)
        if status == PIVOT or (status == SINGULAR and h <= smallest * 1.0000001):
            return status
        error = 1e10
        if status == 0:
            error = 0.0 if count[FIXED_STEP] != 0 else error_norm(run)
            place = first_not_finite(run.y_new, n)
            if place >= 0:
                error = 1e10
                count[STATUS_INDEX] = place
                status = NOT_FINITE
        # Most steps are interpolated at a few unknowns or not at all.
        everywhere = count[EVENTFUL] != 0 or run.knot_t.size > 0
        if method == ROSENBROCK and error < 1.0 and count[FIXED_STEP] == 0:
            inside = count[NEXT_GRID] < run.grid.size and run.grid[count[NEXT_GRID]] < t + h
            if inside or everywhere:
                rosenbrock_defect(S, lu, run, context, h)
                error = max(error, error_norm(run))
        if not error < 1.0:
            count[REJECTED] += 1
            if h <= smallest * 1.0000001 or count[FIXED_STEP] != 0:
                if status == NOT_FINITE:
                    return status
                if count[FIXED_STEP] != 0 or count[NORM] == RMS_OF_BOTH_ENDS:
                    return STEP_TOO_SMALL
                crosses = True
        if not error < 1.0 and not crosses:
            factor = 0.25
            if error < 1e9 and method != NORDSIECK:
                # A step that is too long by far is outside of where the order holds.
                order = real[ORDER] if count[NORM] == RMS_OF_BOTH_ENDS else min(real[ORDER], REJECTED_ORDER)
                factor = max(real[FACTOR_MIN], real[SAFETY] * error ** (-1.0 / order))
            real[H] = h * factor
            if method == NORDSIECK:
                nordsieck_refuse(run, h, error)
            count[AFTER_REJECT] += 1
            stalls = method == ROSENBROCK and 2 <= count[AFTER_REJECT] <= 3 and STALLED * real[ERROR] < error < 1e9
            real[ERROR] = error
            # A start that fits its equations only within the tolerance can be refused for ever where laws are steep.
            restarts = stalls or count[AFTER_REJECT] % 6 == 0
            if restarts and (count[NORM] != RMS_OF_BOTH_ENDS or method == NORDSIECK):
                if count[EVALUATED] != 0:
                    # A charge within its tolerance may ask for a voltage far outside of it, not the other way round.
                    for i in range(n):
                        run.y[i] -= run.f[i] if run.largest[i] < 0.0 else 0.0
                status = _restart(S, lu_polish, run, context)
                if status != 0:
                    return status
                count[EVALUATED] = 0
            continue
        if crosses:
            # A jump that nothing announced: what could follow the step goes along, the restart finds the rest.
            for i in range(n):
                if run.differential[i] == 0.0 or status != 0 or not abs(run.error[i]) < 1.0:
                    run.y_new[i] = run.y[i]
        count[CROWDED] = count[CROWDED] + 1 if h <= 100.0 * smallest and not to_limit else 0
        if count[CROWDED] > CROWD:
            return STEP_TOO_SMALL if crosses else CHATTERING
        factor = real[FACTOR_MAX]
        if count[STEPS] == 0 and count[NORM] != RMS_OF_BOTH_ENDS:
            factor = FIRST_FACTOR_MAX
        if error > 0.0 and method != NORDSIECK:
            factor = min(factor, real[SAFETY] * error ** (-1.0 / real[ORDER]))
        if method == ROSENBROCK and count[NORM] != RMS_OF_BOTH_ENDS and count[LINEAR_SYSTEM] == 0:
            # Towards a part that switches the error of equal steps grows: Gustafsson, ACM TOMS 20, 496 (1994).
            least = max(error, LEAST_ERROR)
            if real[ERROR_BEFORE] > 0.0:
                growth = least / real[ERROR_BEFORE] * (real[H_LAST] / h) ** real[ORDER]
                if growth > SWITCHING or growth < SETTLING:
                    factor = min(factor * min(LEAD, growth ** (-1.0 / real[ORDER])), real[FACTOR_MAX])
            real[ERROR_BEFORE] = least
        if count[AFTER_REJECT] != 0:
            factor = min(1.0, factor)
        factor = max(factor, real[FACTOR_MIN])
        if real[DEAD_LOW] <= factor <= real[DEAD_HIGH]:
            factor = 1.0
        count[AFTER_REJECT] = 0
        if count[FIXED_STEP] == 0 and method != NORDSIECK:
            # A step cut short by a corner says little about the next one.
            real[H] = max(h * factor, min(real[H], real[H_MAX])) if to_limit and factor >= 1.0 else h * factor
        real[ERROR] = error
        count[EVALUATED] = 0
        t_new = limit if to_limit else t + h
        if crosses:
            run.q[:, :] = 0.0
            run.q[0, :] = run.y_new[:n]
        elif method == ROSENBROCK:
            reached = count[NEXT_GRID] < run.grid.size and run.grid[count[NEXT_GRID]] <= t_new
            if everywhere or (reached and count[POLISH] != 0):
                whole_rosenbrock_interpolant(run)
            elif reached:
                rosenbrock_interpolant(run, run.probes)
        elif method == EXPLICIT:
            explicit_interpolant(S, run, context, h)
        elif method == STOCHASTIC:
            stochastic_interpolant(run)
        elif method == NORDSIECK:
            inside = count[NEXT_GRID] < run.grid.size and run.grid[count[NEXT_GRID]] <= t_new
            planned = real[H]
            nordsieck_accept(run, h, 1 if inside or everywhere else 0)
            if to_limit:
                real[H] = max(real[H], planned)
        else:
            multistep_interpolant(run, h)
        jumped = False
        context[TIME] = t_new
        first, last = -1, -1
        if count[EVENTFUL] != 0:
            first, last = crossing_batches(S, context, run.y_new, 0, S.batch.shape[0])
        if first >= 0:
            _locate(S, run, context, h, run.y_new, first, last)
            fraction = real[FRACTION]
            if method == NORDSIECK:
                cut_nordsieck_interpolant(run, fraction)
            else:
                for k in range(1, run.q.shape[0]):
                    power = fraction**k
                    for i in range(n):
                        run.q[k, i] *= power
            h = fraction * h
            t_new = min(t + h, t_new)
            jumped = True
            context[TIME] = t_new
        if method in (TRAPEZOID, BDF2, MIDPOINT):
            multistep_accept(run, h)
        y, y_new = run.y, run.y_new
        for i in range(n + 1):
            y[i] = y_new[i]
        clipped = clip_states(S, run.y)
        real[T] = t_new
        real[H_LAST] = h
        count[STEPS] += 1
        if run.knot_t.size > 0:
            k = count[KNOTS]
            if k == 0:
                run.knot_t[0] = t
            run.knot_t[k + 1] = t_new
            if not keeps_stages(run):
                for d in range(run.q.shape[0]):
                    for i in range(n):
                        run.knot_q[k, d, i] = run.q[d, i]
            count[KNOTS] = k + 1
        y, largest = run.y[:n], run.largest
        for i in range(n):
            size = abs(y[i])
            largest[i] = size if largest[i] >= 0.0 and size > largest[i] else largest[i]
        count[JUMPED] = jumped or crosses
        # What follows from a state that was put back on its bound no longer fits it: the method restarts there.
        count[AT_LIMIT] = to_limit or clipped > 0
        count[PHASE] = EMITTING
