"""A trajectory with k tangent vectors in one compiled loop: what Lyapunov exponents and covariant vectors are made of.

State and tangent vectors take the same steps, so the tangent map is the exact derivative of the discretised flow. After
each interval the vectors are made orthonormal again (Benettin et al., Meccanica 15, 9 (1980),
doi:10.1007/BF02128236; Shimada & Nagashima, Prog. Theor. Phys. 61, 1605 (1979), doi:10.1143/PTP.61.1605).

The frame holds k rows of d coordinates: the unknowns that count, each divided by its scale. Inside an interval the
vectors lie as the array program lays out k samples: element i of vector r at ``offset[i] + r * stride[i]``.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import (
    ANALYSIS,
    CORNER,
    FLOWS,
    PRODUCT,
    REQUEST,
    STEP,
    TIME,
    TRANSIENT,
    WANT_DERIVATIVES,
    call_kernel,
    driver,
    helper,
    unit,
)  # fmt: skip
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    MIDDLE,
    SIZE,
    tangent_instructions,
)
from neurosim.kernels.mass import multiply_mass
from neurosim.kernels.saltation import jump_vectors, shift_releases, tick_vectors
from neurosim.kernels.sparse_lu import refactor, solve
from neurosim.kernels.system import (
    CODE_LENGTH,
    LAW,
    LAW_FLOWS,
    LAW_INPUTS,
    MEMORY_ROWS,
    PARAMETER_ROWS,
    TABLE_LENGTH,
    accept_batches,
    clip_states,
    crossing_batches,
    evaluate_both,
    evaluate_flow,
    project_rates,
    project_rates_and_rows,
    record_events,
    start_batches,
)  # fmt: skip
from neurosim.kernels.tangent_run import (
    BY_PRODUCTS,
    CLIPPED,
    DIRECT,
    DIVERGENCE,
    DT,
    EVENTFUL,
    FINISHED,
    IMPLICIT,
    INLINE,
    INSTANT,
    INTERVAL,
    JUMP,
    NEXT_BREAK,
    NEXT_STEP,
    NO_CONVERGENCE,
    NOT_FINITE,
    OK,
    ORIGIN,
    PIVOT,
    PROGRAM,
    SINGULAR,
    SPARSE,
    STAGES,
    STARTED,
    STATUS_INDEX,
    STEP_TOLERANCE,
    STEPS,
    TICKS,
    VECTORS,
    WANTED,
    WAY,
    T,
    driver_signature,
    frame_signature,
    stage_signature,
    step_signature,
)  # fmt: skip

SMALL, BLOCK = 64, 1024
"""Up to SMALL elements, sums over stages run in a register; longer ones block by block, which stay in the cache."""

LOST = 1e-13
"""A vector of which the others leave less than this part has no direction of its own any more."""

LEAST = 64.0
"""Shortest step whose error is judged, in spacings of the time."""

NEWTON_LIMIT, NEWTON_TOLERANCE = 25, 1e-10
"""Most iterations of a stage, and the size of the last change relative to the largest value so far."""


@unit(frame_signature)
def load_frame(run):
    """Vectors from the frame; what is no coordinate is zero."""
    k, d = run.count[VECTORS], run.place.size
    run.vectors[:] = 0.0
    for j in range(d):
        i, scale = run.place[j], run.scale[j]
        for r in range(k):
            run.vectors[run.offset[i] + r * run.stride[i]] = run.frame[r * d + j] * scale


@unit(frame_signature)
def store_frame(run):
    """Frame from the vectors; then, if wanted, orthonormal, with what that says about growth."""
    count, frame = run.count, run.frame
    k, d, number = count[VECTORS], run.place.size, count[FINISHED]
    for j in range(d):
        i, scale = run.place[j], 1.0 / run.scale[j]
        for r in range(k):
            frame[r * d + j] = run.vectors[run.offset[i] + r * run.stride[i]] * scale
    if count[INLINE] == 0:
        return
    wide = run.triangles.shape[0] > 0
    for r in range(k):
        v = frame[r * d : (r + 1) * d]
        before = 0.0
        for j in range(d):
            before += v[j] * v[j]
        for q in range(r):
            w = frame[q * d : (q + 1) * d]
            product = 0.0
            for j in range(d):
                product += v[j] * w[j]
            for j in range(d):
                v[j] -= product * w[j]
            if wide:
                run.triangles[number, q * k + r] = product
        after = 0.0
        for j in range(d):
            after += v[j] * v[j]
        size = np.sqrt(after)
        if size <= LOST * np.sqrt(before):
            run.logs[number, r] = -np.inf
            size = 0.0
            _replace(frame, r, d)
        else:
            run.logs[number, r] = np.log(size)
            for j in range(d):
                v[j] /= size
        if wide:
            run.triangles[number, r * k + r] = size


@helper
def _replace(frame, r, d):
    """Row r becomes a unit vector that is orthogonal to the rows before it."""
    best, least = 0, 2.0
    for j in range(d):
        share = 0.0
        for q in range(r):
            share += frame[q * d + j] ** 2
        if share < least:
            best, least = j, share
    for j in range(d):
        frame[r * d + j] = 0.0
    frame[r * d + best] = 1.0
    for _ in range(2):
        for q in range(r):
            product = 0.0
            for j in range(d):
                product += frame[r * d + j] * frame[q * d + j]
            for j in range(d):
                frame[r * d + j] -= product * frame[q * d + j]
        size = 0.0
        for j in range(d):
            size += frame[r * d + j] ** 2
        size = np.sqrt(size)
        for j in range(d):
            frame[r * d + j] /= size


@helper
def keep_interval(run, n):
    """Keep the frame and the point of the interval that ends here, where there is room for them."""
    number = run.count[FINISHED]
    if run.frames.shape[0] > 0:
        run.frames[number, :] = run.frame
    if run.points.shape[0] > 0:
        run.points[number, :] = run.y[:n]


@helper
def _clear(run, values, i):
    """Element i of all vectors is zero."""
    for r in range(run.count[VECTORS]):
        values[run.offset[i] + r * run.stride[i]] = 0.0


@helper
def _multiply(S, run, jacobian, row_factor, x, out):
    """out = (row_factor * J) x for k vectors whose elements lie side by side."""
    k = run.count[VECTORS]
    out[:] = 0.0
    for c in range(run.y.size - 1):
        source = c * k
        for q in range(S.column_pointer[c], S.column_pointer[c + 1]):
            i = S.row_index[q]
            a = jacobian[q] * row_factor[i]
            if a != 0.0:
                target = i * k
                for r in range(k):
                    out[target + r] += a * x[source + r]


@helper
def _direct_rates(S, run, context, f, out):
    """`_rates` by the only law there is."""
    n, k, B, x = run.y.size - 1, run.count[VECTORS], S.batch[0], run.point_vectors
    inputs, D, inverse_mass = B[LAW_INPUTS], S.D, run.inverse_mass
    S.u[:n] = run.point[:n]
    dims = S.dims
    dims[0], dims[1], dims[2], dims[3] = inputs, B[PARAMETER_ROWS], B[MEMORY_ROWS], B[TABLE_LENGTH]
    dims[4], dims[5], dims[6] = B[CODE_LENGTH], B[LAW_FLOWS], 1
    context[WANT_DERIVATIVES] = 1.0 if k > 0 else 0.0
    call_kernel(B[LAW], context, dims, S.u, S.parameters, S.memory, S.table, S.code, f, D)
    trace = 0.0
    for i in range(n):
        factor = inverse_mass[i]
        f[i] *= factor
        trace += D[i * inputs + i] * factor
        for r in range(k):
            value = 0.0
            for c in range(n):
                value += D[i * inputs + c] * x[c * k + r]
            out[i * k + r] = factor * value
    return trace


@unit(stage_signature)
def _rates(S, run, context, t, number):
    """Rates at `point` and of `point_vectors` into the rows `number` of the stages; returns the trace.

    That of a program is the trace in the space of the vectors, if they are orthonormal.
    """
    n = run.y.size - 1
    count = run.count
    k, way = count[VECTORS], count[WAY]
    f, out = run.stage[number], run.stage_vectors[number]
    u, x = run.point, run.point_vectors
    trace = 0.0
    context[TIME] = t
    if way == SPARSE and (k > 0 or count[DIVERGENCE] != 0):
        evaluate_both(S, context, u, f, run.jacobian)
        project_rates_and_rows(S, u, f, run.jacobian)
        if k > 0:
            _multiply(S, run, run.jacobian, run.inverse_mass, x, out)
        for i in range(n):
            if S.diagonal[i] < S.mass.size:
                trace += run.jacobian[S.diagonal[i]] * run.inverse_mass[i]
    elif way == BY_PRODUCTS and k > 0:
        evaluate_both(S, context, u, f, run.jacobian)
        project_rates(S, u, f)
        context[REQUEST] = PRODUCT
        for r in range(k):
            for i in range(n):
                run.slope[i] = x[i * k + r]
            evaluate_flow(S, context, run.slope, run.change)
            for i in range(n):
                out[i * k + r] = run.change[i]
        context[REQUEST] = FLOWS
    else:
        evaluate_flow(S, context, u, f)
        project_rates(S, u, f)
    for i in range(n):
        f[i] *= run.inverse_mass[i]
    if way == PROGRAM and k > 0:
        code, tangent = run.code, run.arena_vectors
        tangent[:] = 0.0
        tangent[: x.size] = x
        tangent_instructions(
            code, code[FIRST], code[MIDDLE], run.p, run.pt, S.scratch[: code[SIZE]], tangent, k, k
        )  # fmt: skip
        drive = tangent[code[DRIVE_AT] * k : code[DRIVE_AT] * k + x.size]
        for e in range(x.size):
            out[e] = run.rate[e] * (drive[e] - run.leak[e] * x[e])
            trace += x[e] * out[e]
    for j in range(S.bounded.size):
        i = S.bounded[j]
        if f[i] == 0.0 and (u[i] >= S.upper[j] or u[i] <= S.lower[j]):
            _clear(run, out, i)
            if number == 0:
                _clear(run, run.vectors, i)
                _clear(run, run.point_vectors, i)
    return trace


@helper
def _combine(base, rows, weights, count, h, out):
    """out = base + h sum_j weights[j] rows[j]."""
    n = out.size
    if n <= SMALL:
        for i in range(n):
            value = 0.0
            for j in range(count):
                value += weights[j] * rows[j, i]
            out[i] = base[i] + h * value
        return
    for first in range(0, n, BLOCK):
        stop = min(first + BLOCK, n)
        part = out[first:stop]
        part[:] = base[first:stop]
        for j in range(count):
            w = h * weights[j]
            if w != 0.0:
                row = rows[j, first:stop]
                for i in range(part.size):
                    part[i] += w * row[i]


@unit(step_signature)
def _explicit_step(S, lu, run, context, t, h):
    """One step of an explicit Runge-Kutta method for state and vectors."""
    s = run.count[STAGES]
    a, c = run.tableau, run.tableau[s + 1]
    run.point[:] = run.y
    run.point_vectors[:] = run.vectors
    for number in range(s):
        if number > 0:
            _combine(run.y, run.stage, a[number], number, h, run.point)
            _combine(run.vectors, run.stage_vectors, a[number], number, h, run.point_vectors)
        if run.count[WAY] == DIRECT:
            context[TIME] = t + c[number] * h
            trace = _direct_rates(S, run, context, run.stage[number], run.stage_vectors[number])
        else:
            trace = _rates(S, run, context, t + c[number] * h, number)
        if run.count[WAY] != PROGRAM:
            run.divergence[run.count[FINISHED]] += h * a[s, number] * trace
        elif number == 0 and t - run.real[ORIGIN] <= run.count[FINISHED] * run.real[INTERVAL] + 1e-9 * h:
            run.divergence[run.count[FINISHED]] = trace * run.real[INTERVAL]
    _combine(run.y, run.stage, a[s], s, h, run.point)
    _combine(run.vectors, run.stage_vectors, a[s], s, h, run.point_vectors)
    run.y[:] = run.point
    run.vectors[:] = run.point_vectors
    return OK


@helper
def _step_error(run, h):
    """Estimated error of the explicit step just taken: the state's largest, or a tenth of that of a vector."""
    s, k, n = run.count[STAGES], run.count[VECTORS], run.y.size - 1
    weights, worst = run.tableau[s + 2], 0.0
    for j in range(run.place.size):
        i = run.place[j]
        error = 0.0
        for q in range(s):
            error += weights[q] * run.stage[q, i]
        error = abs(h * error) / max(run.largest[i], abs(run.y[i]))
        if not error <= worst:
            worst = error
    for r in range(k):
        size, wrong = 0.0, 0.0
        for i in range(n):
            error = 0.0
            for q in range(s):
                error += weights[q] * run.stage_vectors[q, i * k + r]
            wrong += (h * error) ** 2
            size += run.vectors[i * k + r] ** 2
        error = 0.1 * np.sqrt(wrong / size) if size > 0.0 else 0.0
        if not error <= worst:
            worst = error
    return worst


@helper
def _step_to_event(S, lu, run, context, t, h, trace):
    """Redo the step just taken, to just behind its first event; returns its length. `trace`: before that step."""
    count = run.count
    s, k, number = count[STAGES], count[VECTORS], count[FINISHED]
    low, high = 0.0, 1.0
    count[VECTORS] = 0
    for _ in range(60):
        middle = 0.5 * (low + high)
        run.y[:] = run.stage[s]
        _explicit_step(S, lu, run, context, t, middle * h)
        context[TIME] = t + middle * h
        if crossing_batches(S, context, run.y, 0, S.batch.shape[0])[0] >= 0:
            high = middle
        else:
            low = middle
        if (high - low) * h <= 4.0 * np.spacing(t + h):
            break
    count[VECTORS] = k
    run.divergence[number] = trace
    run.y[:] = run.stage[s]
    run.vectors[:] = run.stage_vectors[s]
    _explicit_step(S, lu, run, context, t, high * h)
    return high * h


@unit(step_signature)
def _implicit_step(S, lu, run, context, t, h):
    """One step of a stiffly accurate, diagonally implicit method for ``M y' = f`` and its linearisation.

    Stage i solves ``M (Y - b) / (h gamma) = f(Y)`` with ``b = y + h sum_j<i a_ij k_j``; its vectors solve the same
    equations linearised at Y.
    """
    n = run.y.size - 1
    count = run.count
    k, s = count[VECTORS], count[STAGES]
    a, c = run.tableau, run.tableau[s + 1]
    base, base_vectors = run.stage[s], run.stage_vectors[s]
    Y, f, change, matrix = run.point, run.slope, run.change, run.matrix
    context[TIME] = t
    evaluate_flow(S, context, run.y, f)
    for j in range(S.bounded.size):
        i = S.bounded[j]
        held = (run.y[i] >= S.upper[j] and f[i] > 0.0) or (run.y[i] <= S.lower[j] and f[i] < 0.0)
        run.held[j] = held
        if held:
            _clear(run, run.vectors, i)
    Y[:] = run.y
    for number in range(s):
        gamma = a[number, number]
        alpha = 1.0 / (h * gamma)
        _combine(run.y, run.stage, a[number], number, h, base)
        base[n] = 0.0
        context[TIME] = t + c[number] * h
        size, before = 2.0, 1e300
        for iteration in range(NEWTON_LIMIT):
            evaluate_both(S, context, Y, f, run.jacobian)
            for j in range(S.bounded.size):
                if run.held[j] != 0:
                    f[S.bounded[j]] = 0.0
                    for q in range(S.row_slot_pointer[j], S.row_slot_pointer[j + 1]):
                        run.jacobian[S.row_slot[q]] = 0.0
            for q in range(S.mass.size):
                matrix[q] = alpha * S.mass[q] - run.jacobian[q]
            status = refactor(lu, matrix)
            if status != 0:
                count[STATUS_INDEX] = abs(status) - 1
                return SINGULAR if status > 0 else PIVOT
            # The factors that a last, negligible change leaves behind are those of the vectors.
            if size <= NEWTON_TOLERANCE or (iteration > 3 and size <= 1e-6 and size >= 0.5 * before):
                break
            before = size
            for i in range(n):
                change[i] = alpha * (base[i] - Y[i])
            change[n] = 0.0
            multiply_mass(S, change, run.stage[number])
            for i in range(n):
                change[i] = f[i] + run.stage[number, i]
            solve(lu, change[:n])
            size = 0.0
            for i in range(n):
                Y[i] += change[i]
                part = abs(change[i]) / (run.largest[i] + abs(Y[i]))
                if not part <= size:
                    size = part
                    count[STATUS_INDEX] = i
            if not np.isfinite(size):
                return NOT_FINITE
        if size > 1e-6:
            return NO_CONVERGENCE
        for i in range(n):
            run.stage[number, i] = alpha * (Y[i] - base[i])
        run.stage[number, n] = 0.0
        if k > 0:
            _combine(run.vectors, run.stage_vectors, a[number], number, h, base_vectors)
            for r in range(k):
                for i in range(n):
                    f[i] = alpha * base_vectors[i * k + r]
                f[n] = 0.0
                multiply_mass(S, f, change)
                solve(lu, change[:n])
                for i in range(n):
                    run.point_vectors[i * k + r] = change[i]
                    run.stage_vectors[number, i * k + r] = alpha * (change[i] - base_vectors[i * k + r])
        if count[DIVERGENCE] != 0:
            trace = 0.0
            for i in range(n):
                if S.diagonal[i] < S.mass.size:
                    trace += run.jacobian[S.diagonal[i]] * run.inverse_mass[i]
            run.divergence[count[FINISHED]] += h * a[s, number] * trace
    run.y[:] = Y
    run.vectors[:] = run.point_vectors
    for i in range(n):
        run.largest[i] = max(run.largest[i], abs(Y[i]))
    return OK


@driver(driver_signature)
def advance_tangent(S, lu, run, context):
    """Finish the wanted number of intervals of a flow; returns a status."""
    n = run.y.size - 1
    real, count = run.real, run.count
    context[ANALYSIS] = TRANSIENT
    if count[STARTED] == 0:
        context[TIME] = real[T]
        start_batches(S, context, run.y)
        count[STARTED] = 1
    while count[FINISHED] < count[WANTED]:
        number = count[FINISHED]
        stop = real[ORIGIN] + (number + 1) * real[INTERVAL]
        run.divergence[number] = 0.0
        load_frame(run)
        while real[T] < stop:
            t, smallest = real[T], 1e-9 * real[DT]
            while count[NEXT_BREAK] < run.breakpoints.size and run.breakpoints[count[NEXT_BREAK]] <= t + smallest:
                count[NEXT_BREAK] += 1
            limit = stop
            if count[NEXT_BREAK] < run.breakpoints.size and run.breakpoints[count[NEXT_BREAK]] < stop - smallest:
                limit = run.breakpoints[count[NEXT_BREAK]]
            left = max(1, int(np.ceil((limit - t) / real[DT] - 1e-6)))
            h = (limit - t) / left
            adapts = real[STEP_TOLERANCE] > 0.0
            if adapts and real[NEXT_STEP] < limit - t:
                h, left = min(real[NEXT_STEP], 0.5 * (limit - t)), 2
            context[STEP] = h
            jumped, trace = 0, run.divergence[number]
            if count[EVENTFUL] != 0:
                run.events[:] = S.event_value
            if count[EVENTFUL] != 0 or adapts:
                run.stage[count[STAGES]][:] = run.y
                run.stage_vectors[count[STAGES]][:] = run.vectors
            if count[WAY] == IMPLICIT:
                status = _implicit_step(S, lu, run, context, t, h)
            else:
                status = _explicit_step(S, lu, run, context, t, h)
            if status != OK:
                return status
            if adapts:
                error = _step_error(run, h) / real[STEP_TOLERANCE]
                factor = 5.0
                if error > 0.0:
                    factor = min(5.0, max(0.2, 0.9 * error**-0.2)) if error < 1e10 else 0.2
                if not error <= 1.0 and h > LEAST * np.spacing(t + h):
                    run.y[:] = run.stage[count[STAGES]]
                    run.vectors[:] = run.stage_vectors[count[STAGES]]
                    run.divergence[number] = trace
                    real[NEXT_STEP] = h * min(factor, 0.9)
                    continue
                # A step cut short by the end of an interval says little about the next one.
                real[NEXT_STEP] = min(max(h * factor, real[NEXT_STEP] if left == 1 else 0.0), real[DT])
            if count[EVENTFUL] != 0:
                context[TIME] = t + h
                if crossing_batches(S, context, run.y, 0, S.batch.shape[0])[0] >= 0:
                    if count[WAY] == IMPLICIT:
                        return JUMP
                    h = _step_to_event(S, lu, run, context, t, h, trace)
                    status = jump_vectors(S, run, context, t + h)
                    if status != OK:
                        return status
                    jumped = 1
                else:
                    record_events(S, context, run.y)
            for i in range(n):
                if not np.isfinite(run.y[i]):
                    count[STATUS_INDEX] = i
                    return NOT_FINITE
            for j in range(S.bounded.size):
                i = S.bounded[j]
                if run.y[i] > S.upper[j] or run.y[i] < S.lower[j]:
                    _clear(run, run.vectors, i)
            count[CLIPPED] += clip_states(S, run.y)
            real[T] = limit if left == 1 and jumped == 0 else t + h
            count[STEPS] += 1
            if count[TICKS] != 0:
                context[TIME] = real[T]
                at_break = count[NEXT_BREAK] < run.breakpoints.size
                at_break = at_break and abs(run.breakpoints[count[NEXT_BREAK]] - real[T]) <= smallest
                if at_break and run.script.size > 0:
                    # Inputs move here, not where the states say: what ticks now, ticks at this time for all neighbours.
                    if tick_vectors(S, run, context, real[T]) < 0:
                        return INSTANT
                    shift_releases(S, run, 0.0)
                    record_events(S, context, run.y)
                else:
                    context[CORNER] = 1.0 if at_break else 0.0
                    accept_batches(S, context, run.y)
        store_frame(run)
        keep_interval(run, n)
        count[FINISHED] += 1
    return OK
