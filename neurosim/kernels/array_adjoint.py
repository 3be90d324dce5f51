"""Explicit Runge-Kutta steps of an array program, their discrete adjoint and their tangents.

The states flow by ``tau y' = G(y, u) - leak y``. A method of E evaluations a step is given by the strictly lower rows
a[j], j = 0 .. E, the last of which gives the new y: ``Y_j = y + h sum_i a_ji K_i``. Steps are given, not chosen: what
is differentiated is the discrete solution with these steps. A state that stands at a bound with a rate outward has the
rate 0, and one that a step carries past a bound is put back on it; both are constant there.

The gradient by a dense weight is a sum of outer products, one for each evaluation; they are kept for `BLOCK`
evaluations and then done as one product of matrices.
"""

from __future__ import annotations

from neurosim.kernels.abi import driver, helper, unit
from neurosim.kernels.array_program import (
    BIAS,
    CONTRACT,
    DENSE,
    DENSE_TRANSPOSED,
    DRIVE_AT,
    FIRST,
    INDICES,
    INPUTS,
    MIDDLE,
    SCALE,
    SCALE_ONE,
    SIZE,
    SPARSE,
    SPARSE_TRANSPOSED,
    STATES,
    WORDS,
    _contract,
    evaluate_instructions,
    reverse_instructions,
    tangent_instructions,
)
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.matrix_product import add_product

STEPS, EVALUATIONS, KEEP, HELD_INPUT, BOUNDED, BLOCK, DIRECTIONS = range(7)
"""Entries of `plan`: steps; evaluations of a step; 1 to keep all steps in `tape`; 1 where the input is the same at all
evaluations; 1 where states have bounds; evaluations between two sums of weight gradients (a multiple of those of a
step); directions of the tangents."""


@helper
def _is_stopped(y, rate, lower, upper):
    return (y >= upper and rate > 0.0) or (y <= lower and rate < 0.0)


@driver(lambda: signature_of(*"cccrrrrrrrrrrrrr"))
def run_steps(code, plan, saved, p, pt, a, h, u, rate, leak, bounds, y, values, tape, clipped, slopes):
    """Take the steps h from y, which becomes the last state.

    `saved` [steps + 1] says in which row of `values` each mesh point goes, -1 for none. `tape` gets the arenas of the
    evaluations, `clipped` [steps n or 0] 1 where a state was put back on its bound. `slopes` is work space for E n.
    """
    n, inputs, size, drive = code[STATES], code[INPUTS], code[SIZE], code[DRIVE_AT]
    steps, count = plan[STEPS], plan[EVALUATIONS]
    if saved[0] >= 0:
        values[saved[0] * n : (saved[0] + 1) * n] = y
    for k in range(steps):
        base = k * count * size if plan[KEEP] != 0 else 0
        for j in range(count):
            arena = tape[base + j * size : base + (j + 1) * size]
            state, slope = arena[:n], slopes[j * n : (j + 1) * n]
            state[:] = y
            for m in range(j):
                weight = h[k] * a[j * count + m]
                if weight != 0.0:
                    before = slopes[m * n : (m + 1) * n]
                    for i in range(n):
                        state[i] += weight * before[i]
            at = 0 if plan[HELD_INPUT] != 0 else (k * count + j) * inputs
            arena[n : n + inputs] = u[at : at + inputs]
            evaluate_instructions(code, code[FIRST], code[MIDDLE], p, pt, arena, 1)
            g = arena[drive : drive + n]
            for i in range(n):
                slope[i] = rate[i] * (g[i] - leak[i] * state[i])
            if plan[BOUNDED] != 0:
                for i in range(n):
                    if _is_stopped(state[i], slope[i], bounds[i], bounds[n + i]):
                        slope[i] = 0.0
        for j in range(count):
            weight = h[k] * a[count * count + j]
            slope = slopes[j * n : (j + 1) * n]
            for i in range(n):
                y[i] += weight * slope[i]
        if plan[BOUNDED] != 0:
            for i in range(n):
                held = min(max(y[i], bounds[i]), bounds[n + i])
                clipped[k * n + i] = 1.0 if held != y[i] else 0.0
                y[i] = held
        if saved[k + 1] >= 0:
            values[saved[k + 1] * n : (saved[k + 1] + 1) * n] = y


@unit(lambda: signature_of(*"crrrrr"))
def _reverse_without_dense(code, p, pt, arena, adjoint, dp):
    """`reverse_part` of the drives for one row, but for the gradients by dense weights."""
    for q in range(code[MIDDLE] - WORDS, code[FIRST] - 1, -WORDS):
        op = code[q]
        if op != DENSE and op != DENSE_TRANSPOSED:
            reverse_instructions(code, q, q + WORDS, p, pt, arena, adjoint, 1, dp)
        else:
            n, m, w = code[q + 2], code[q + 3], code[q + 4]
            d, a = code[q + 6] + code[q + 7], code[q + 9] + code[q + 10]
            weight = p if op == DENSE else pt
            add_product(adjoint, a, m, adjoint, d, n, 1, weight, w, m, 1, m, n)


@unit(lambda: signature_of(*"cririri"))
def _add_dense(code, tape, at, adjoint, first, dp, count):
    """Add the gradients by dense weights of `count` evaluations: arenas from `at`, adjoints from `first` on."""
    size = code[SIZE]
    for q in range(code[FIRST], code[MIDDLE], WORDS):
        op, n, m, w = code[q], code[q + 2], code[q + 3], code[q + 4]
        d, a = first + code[q + 6] + code[q + 7], at + code[q + 9] + code[q + 10]
        if op == DENSE:
            add_product(dp, w, m, adjoint, d, 1, size, tape, a, size, n, m, count)
        elif op == DENSE_TRANSPOSED:
            # the weight is stored with m rows of n
            add_product(dp, w, n, tape, a, 1, size, adjoint, d, size, m, n, count)


@driver(lambda: signature_of(*"cccrrrrrrrrrrrrrrrr"))
def reverse_steps(
    code, plan, saved, p, pt, a, h, rate, leak, bounds, tape, clipped, d_values, adjoint_y, dp, d_rate, d_leak, adjoint,
    stages,
):  # fmt: skip
    """Adjoint of `run_steps` from its tape: `adjoint_y` enters as that of the last y and leaves as that of the first.

    The rows of `d_values` belong to the mesh points 0 .. steps - 1; that of the last point is in `adjoint_y` already.
    `dp`, `d_rate`, `d_leak` are added to; `adjoint` (`BLOCK` arenas) and `stages` (E n) are work space.
    """
    n, size, drive = code[STATES], code[SIZE], code[DRIVE_AT]
    count, block = plan[EVALUATIONS], plan[BLOCK]
    filled = 0
    for k in range(plan[STEPS] - 1, -1, -1):
        if plan[BOUNDED] != 0:
            for i in range(n):
                if clipped[k * n + i] != 0.0:
                    adjoint_y[i] = 0.0
        for j in range(count - 1, -1, -1):
            at = (k * count + j) * size
            arena = tape[at : at + size]
            filled += 1
            row = (block - filled) * size
            here = adjoint[row : row + size]
            here[:] = 0.0
            of_slope = stages[j * n : (j + 1) * n]
            weight = h[k] * a[count * count + j]
            for i in range(n):
                of_slope[i] = weight * adjoint_y[i]
            for m in range(j + 1, count):
                weight = h[k] * a[m * count + j]
                if weight != 0.0:
                    later = stages[m * n : (m + 1) * n]
                    for i in range(n):
                        of_slope[i] += weight * later[i]
            state, g, start = arena[:n], arena[drive : drive + n], here[drive : drive + n]
            for i in range(n):
                net = g[i] - leak[i] * state[i]
                if plan[BOUNDED] != 0 and _is_stopped(state[i], rate[i] * net, bounds[i], bounds[n + i]):
                    of_slope[i] = 0.0
                d_rate[i] += of_slope[i] * net
                start[i] = rate[i] * of_slope[i]
                d_leak[i] -= start[i] * state[i]
                of_slope[i] = -leak[i] * start[i]
            _reverse_without_dense(code, p, pt, arena, here, dp)
            for i in range(n):
                of_slope[i] += here[i]
        for j in range(count):
            part = stages[j * n : (j + 1) * n]
            for i in range(n):
                adjoint_y[i] += part[i]
        if saved[k] >= 0:
            row = saved[k] * n
            for i in range(n):
                adjoint_y[i] += d_values[row + i]
        if filled + count > block or k == 0:
            _add_dense(code, tape, k * count * size, adjoint, (block - filled) * size, dp, filled)
            filled = 0


@unit(lambda: signature_of(*"ccrrrrirr"))
def drive_tangents(code, places, p, pt, arena, tangent, rows, single, scratch):
    """Directions of the drives: by y as they stand in `tangent`, and by the parameter at ``places[r]`` (-1 for none).

    `tangent` has `rows` rows for the one sample of `arena` and must be zero but for the states. `single` (as p, all
    zero) and `scratch` (an arena) are work space.
    """
    for q in range(code[FIRST], code[MIDDLE], WORDS):
        tangent_instructions(code, q, q + WORDS, p, pt, arena, tangent, rows, rows)
        op, n, m, w, k = code[q], code[q + 2], code[q + 3], code[q + 4], code[q + 5]
        d, dl, a = code[q + 6] * rows + code[q + 7], code[q + 8], code[q + 9] + code[q + 10]
        for r in range(rows):
            e, target = places[r] - w, d + r * dl
            if places[r] < 0:
                continue
            if op == CONTRACT:
                # only the first factor can be a parameter
                if code[k + 2 + INDICES + 4 + INDICES] != 0:
                    single[places[r]] = 1.0
                    scratch[:] = 0.0
                    _contract(code, k, arena, single, arena, 1, 1, scratch, single, -1)
                    for i in range(dl):
                        tangent[target + i] += scratch[code[q + 6] + code[q + 7] + i]
                    single[places[r]] = 0.0
            elif e < 0:
                continue
            elif op == DENSE and e < n * m:
                tangent[target + e // m] += arena[a + e % m]
            elif op == DENSE_TRANSPOSED and e < n * m:
                tangent[target + e % n] += arena[a + e // n]
            elif op == BIAS and e < n:
                tangent[target + e] += 1.0
            elif op == SCALE and e < n:
                tangent[target + e] += arena[a + e]
            elif op == SCALE_ONE and e == 0:
                for i in range(n):
                    tangent[target + i] += arena[a + i]
            elif op == SPARSE and e < code[k + n]:
                i = 0
                while code[k + i + 1] <= e:
                    i += 1
                tangent[target + i] += arena[a + code[k + n + 1 + e]]
            elif op == SPARSE_TRANSPOSED and e < code[k + m]:
                i = 0
                while code[k + i + 1] <= e:
                    i += 1
                tangent[target + code[k + m + 1 + e]] += arena[a + i]


@driver(lambda: signature_of(*"cccccrrrrrrrrrrrrrrrrr"))
def tangent_steps(
    code, plan, saved, places, element, p, pt, a, h, rate, leak, bounds, by_rate, by_leak, tape, clipped, s, values,
    tangent, slopes, single, scratch,
):  # fmt: skip
    """Directions through `run_steps`, from its tape: s, in blocks, becomes that of the last y.

    Per element of s in blocks: `element` is its state, `by_rate` and `by_leak` how the rate 1/tau and the leak of that
    state change in this direction. `places` as in `drive_tangents`. `tangent` is an arena of all directions, `slopes`
    has E times s.
    """
    n, size, drive, rows = code[STATES], code[SIZE], code[DRIVE_AT], plan[DIRECTIONS]
    count, length = plan[EVALUATIONS], code[STATES] * plan[DIRECTIONS]
    if saved[0] >= 0:
        values[saved[0] * length : (saved[0] + 1) * length] = s
    for k in range(plan[STEPS]):
        for j in range(count):
            at = (k * count + j) * size
            arena = tape[at : at + size]
            tangent[:] = 0.0
            state, slope = tangent[:length], slopes[j * length : (j + 1) * length]
            state[:] = s
            for m in range(j):
                weight = h[k] * a[j * count + m]
                if weight != 0.0:
                    before = slopes[m * length : (m + 1) * length]
                    for e in range(length):
                        state[e] += weight * before[e]
            drive_tangents(code, places, p, pt, arena, tangent, rows, single, scratch)
            for e in range(length):
                i = element[e]
                net = arena[drive + i] - leak[i] * arena[i]
                slope[e] = rate[i] * (tangent[drive * rows + e] - leak[i] * state[e] - by_leak[e] * arena[i])
                slope[e] += by_rate[e] * net
                if plan[BOUNDED] != 0 and _is_stopped(arena[i], rate[i] * net, bounds[i], bounds[n + i]):
                    slope[e] = 0.0
        for j in range(count):
            weight = h[k] * a[count * count + j]
            slope = slopes[j * length : (j + 1) * length]
            for e in range(length):
                s[e] += weight * slope[e]
        if plan[BOUNDED] != 0:
            for e in range(length):
                if clipped[k * n + element[e]] != 0.0:
                    s[e] = 0.0
        if saved[k + 1] >= 0:
            values[saved[k + 1] * length : (saved[k + 1] + 1) * length] = s


@driver(lambda: signature_of(*"ccrrrrrr"))
def parameter_tangents(code, places, p, pt, arena, tangent, single, scratch):
    """Directions of the drives by the parameters at `places`, at the states and inputs in `arena`."""
    evaluate_instructions(code, code[FIRST], code[MIDDLE], p, pt, arena, 1)
    tangent[:] = 0.0
    drive_tangents(code, places, p, pt, arena, tangent, places.size, single, scratch)
