"""One step of the rules that solve equations: implicit midpoint and discrete gradients, sample by sample.

See `neurosim.digital.rules.implicit_midpoint` and `neurosim.solve.discrete_gradient` for the equations.
"""

from __future__ import annotations

import math

from neurosim.kernels.abi import driver, helper
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    INPUTS,
    MIDDLE,
    SIZE,
    evaluate_instructions,
    tangent_instructions,
)
from neurosim.kernels.dense_solve import solve_dense
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.increasing_functions import (
    argument_of_mean,
    increasing_slope,
    increasing_value,
    mean_argument,
)

MEAN_VALUE, GONZALEZ, ITOH_ABE, MIDPOINT = range(4)
RULE, SAMPLES, COUNT, IS_RATE, FUNCTIONS = range(5)
"""Entries of `plan`: one of the four above; samples; states n; 1 for the rate form; from there on a function a state.
For the midpoint, from there on the place in the Jacobian of each number in the drive of n directions."""

C, SCALE, CURVATURE, GAIN, CONSTANT, WEIGHTS = range(6)
"""Rows of n in `form`: dt/tau, w/v, factor of the mean argument, gain, constants of the functions; then the weights.
For the midpoint: dt/(2 tau) and 1/(1 + leak dt/(2 tau))."""

TOLERANCE = 1e-13
"""Largest residual, relative to the size of what is added up in it."""
ITERATIONS, HALVINGS = 25, 5
SWEEPS = 1024
"""Most sweeps of the solver that takes over where Newton's method fails; Newton is tried again after 1, 2, 4, ..."""
BISECTIONS = 80
"""Most evaluations for one root; a bisection of doubles needs about 60."""
PARTS = 16
"""Vectors of n that a sample needs beside its Jacobian."""


@helper
def _terms(is_rate, form, n, i, function, q0, q, part, linear):
    """Residual of unit i, size of its terms, derivative by q at a fixed discrete gradient, derivative by that."""
    c, scale, gain, constant = form[C * n + i], form[SCALE * n + i], form[GAIN * n + i], form[CONSTANT * n + i]
    gradient = part - linear
    if is_rate == 0:
        divide = 1.0 / gain + c * abs(form[CURVATURE * n + i])
        size = (abs(q) / gain + c * (abs(part) + abs(linear))) / divide + 1.0
        return ((q - q0) / gain + c * gradient) / divide, size, 1.0 / (gain * divide), c / divide
    centre = 0.5 * (q0 + q)
    moved = centre - gain * gradient
    divide = scale + c
    change = increasing_value(function, constant, q) - increasing_value(function, constant, q0)
    push = increasing_value(function, constant, moved) - increasing_value(function, constant, centre)
    slope = c * increasing_slope(function, constant, moved) / divide
    direct = scale * increasing_slope(function, constant, q) + 0.5 * c * increasing_slope(function, constant, centre)
    return (scale * change - c * push) / divide, 1.0, direct / divide - 0.5 * slope, slope * gain


@helper
def _unit(plan, form, i, q0, held, own, shift, q):
    """Residual of one unit and its slope; ``held - own w / 2`` is what the other units give."""
    n, function = plan[COUNT], plan[FUNCTIONS + i]
    constant, scale, curvature = form[CONSTANT * n + i], form[SCALE * n + i], form[CURVATURE * n + i]
    v, slope = increasing_value(function, constant, q), increasing_slope(function, constant, q) * scale
    if plan[RULE] == GONZALEZ:
        part, change = argument_of_mean(function, constant, q0, q)
        part = curvature * part + shift * (v - increasing_value(function, constant, q0)) * scale
        change = curvature * change + shift * slope
    else:
        part, change = mean_argument(function, constant, q0, q)
        part, change = curvature * part, curvature * change
    linear = held - 0.5 * own * v * scale
    residual, _, direct, by_gradient = _terms(plan[IS_RATE], form, n, i, function, q0, q, part, linear)
    return residual, direct + by_gradient * (change + 0.5 * own * slope)


@helper
def _root(plan, form, i, q0, held, own, shift, start):
    """Root of `_unit`, negative on the far left: Newton's method between bounds, bisection where it leaves them."""
    x, reach = start, 1.0
    low, high = -math.inf, math.inf
    for _ in range(BISECTIONS):
        value, slope = _unit(plan, form, i, q0, held, own, shift, x)
        if value == 0.0:
            return x
        if value > 0.0:
            high = x
        else:
            low = x
        bounded = low > -math.inf and high < math.inf
        guess = x - value / slope
        guess = min(max(guess, x - reach), x + reach)
        if not (slope > 0.0 and low <= guess <= high):
            guess = 0.5 * (low + high) if bounded else (low + reach if low > -math.inf else high - reach)
        reach = 0.5 * (high - low) if bounded else 2.0 * reach
        moved = abs(guess - x)
        x = guess
        if moved <= 2e-15 * (1.0 + abs(x)):
            break
    return x


@helper
def _correction(plan, form, q0, q, room):
    """Gonzalez' multiple of w1 - w0 in the discrete gradient; leaves excess, its change and distance in `room`."""
    n = plan[COUNT]
    total = product = 0.0
    for i in range(n):
        function, constant = plan[FUNCTIONS + i], form[CONSTANT * n + i]
        mean, mean_change = mean_argument(function, constant, q0[i], q[i])
        middle, middle_change = argument_of_mean(function, constant, q0[i], q[i])
        rise = increasing_value(function, constant, q[i]) - increasing_value(function, constant, q0[i])
        room[i] = form[CURVATURE * n + i] * (mean - middle)
        room[n + i] = form[CURVATURE * n + i] * (mean_change - middle_change)
        room[2 * n + i] = rise * form[SCALE * n + i]
        total += room[2 * n + i] ** 2
        product += room[i] * room[2 * n + i]
    total = total if total > 0.0 else 1.0
    return product / total, total


@helper
def _gradient_equation(plan, form, bias, q0, q, residual, size, jacobian, wanted, room):
    """Equations of a discrete gradient that couples all units, and their Jacobian where it is wanted."""
    n, is_gonzalez = plan[COUNT], plan[RULE] == GONZALEZ
    factor = total = 0.0
    if is_gonzalez:
        factor, total = _correction(plan, form, q0, q, room)
    sums, slopes, by_factor = room[3 * n : 4 * n], room[4 * n : 5 * n], room[5 * n : 6 * n]
    for i in range(n):
        function, constant, scale = plan[FUNCTIONS + i], form[CONSTANT * n + i], form[SCALE * n + i]
        slopes[i] = increasing_slope(function, constant, q[i]) * scale
        sums[i] = 0.5 * scale * (
            increasing_value(function, constant, q0[i]) + increasing_value(function, constant, q[i])
        )  # fmt: skip
        if is_gonzalez:
            distance = room[2 * n + i]
            by_factor[i] = (room[n + i] * distance + (room[i] - 2.0 * factor * distance) * slopes[i]) / total
    for i in range(n):
        function, constant, curvature = plan[FUNCTIONS + i], form[CONSTANT * n + i], form[CURVATURE * n + i]
        if is_gonzalez:
            part, change = argument_of_mean(function, constant, q0[i], q[i])
            part, change = curvature * part + factor * room[2 * n + i], curvature * change + factor * slopes[i]
        else:
            part, change = mean_argument(function, constant, q0[i], q[i])
            part, change = curvature * part, curvature * change
        row = form[WEIGHTS * n + i * n : WEIGHTS * n + (i + 1) * n]
        linear = bias[i]
        for j in range(n):
            linear += row[j] * sums[j]
        residual[i], size[i], direct, by_gradient = _terms(
            plan[IS_RATE], form, n, i, function, q0[i], q[i], part, linear
        )  # fmt: skip
        if wanted:
            line = jacobian[i * n : (i + 1) * n]
            for j in range(n):
                line[j] = -0.5 * by_gradient * row[j] * slopes[j]
            if is_gonzalez:
                for j in range(n):
                    line[j] += by_gradient * room[2 * n + i] * by_factor[j]
            line[i] += direct + by_gradient * change


@helper
def _midpoint_equation(plan, code, p, pt, form, u, y, m, residual, size, jacobian, wanted, arena):
    """Equations of the implicit midpoint; `arena` has room for one sample and for n directions."""
    n, inputs, length = plan[COUNT], code[INPUTS], code[SIZE]
    value, tangent = arena[:length], arena[length : length * (1 + n)]
    value[:n] = m
    value[n : n + inputs] = u
    evaluate_instructions(code, code[FIRST], code[MIDDLE], p, pt, value, 1)
    drive = code[DRIVE_AT]
    for i in range(n):
        half, keep = form[i], form[n + i]
        residual[i] = m[i] - keep * (y[i] + half * value[drive + i])
        size[i] = 1.0 + abs(m[i]) + keep * (abs(y[i]) + half * abs(value[drive + i]))
    if wanted:
        tangent[:] = 0.0
        for k in range(n * n):
            place = plan[FUNCTIONS + k]
            if place // n == place % n:
                tangent[k] = 1.0
        tangent_instructions(code, code[FIRST], code[MIDDLE], p, pt, value, tangent, n, n)
        for k in range(n * n):
            place = plan[FUNCTIONS + k]
            i = place // n
            jacobian[place] = -form[n + i] * form[i] * tangent[drive * n + k]
        for i in range(n):
            jacobian[i * n + i] += 1.0


@helper
def _equation(plan, code, p, pt, form, given, before, x, residual, size, jacobian, wanted, room, arena):
    """Residual at x, size of its terms, and the Jacobian where it is wanted."""
    if plan[RULE] == MIDPOINT:
        _midpoint_equation(plan, code, p, pt, form, given, before, x, residual, size, jacobian, wanted, arena)
    else:
        _gradient_equation(plan, form, given, before, x, residual, size, jacobian, wanted, room)


@helper
def _newton(plan, code, p, pt, form, given, before, x, residual, size, room, arena):
    """Damped Newton from x; ends when it is solved or no longer improves. Returns whether it is solved."""
    n = plan[COUNT]
    trial, step, jacobian = room[:n], room[n : 2 * n], room[2 * n : (2 + n) * n]
    rest = room[(2 + n) * n :]
    trial[:] = x
    norm = math.inf
    for _ in range(ITERATIONS + 1):
        # The first turn takes x as it is, the others a step.
        damping = 1.0
        better = False
        for _ in range(HALVINGS):
            if norm < math.inf:
                for i in range(n):
                    trial[i] = x[i] - damping * step[i]
            _equation(plan, code, p, pt, form, given, before, trial, residual, size, jacobian, False, rest, arena)
            total = 0.0
            for i in range(n):
                total += residual[i] * residual[i]
            new = math.sqrt(total)
            better = norm == math.inf or new < (1.0 - 1e-4 * damping) * norm
            if better:
                norm = new
                break
            damping *= 0.5
        if not better:
            break
        x[:] = trial
        solved = True
        for i in range(n):
            solved = solved and abs(residual[i]) <= TOLERANCE * size[i]
        if solved:
            return True
        _equation(plan, code, p, pt, form, given, before, x, residual, size, jacobian, True, rest, arena)
        step[:] = residual
        solve_dense(jacobian, step, n)
    _equation(plan, code, p, pt, form, given, before, x, residual, size, jacobian, False, rest, arena)
    return False


@helper
def _sweep(plan, form, bias, q0, q, convex, room):
    """Each unit solved for itself, the concave part of the quadratic energy taken as it was."""
    n = plan[COUNT]
    shift = 0.0
    if plan[RULE] == GONZALEZ:
        shift, _ = _correction(plan, form, q0, q, room)
    w0, w1 = room[3 * n : 4 * n], room[4 * n : 5 * n]
    for i in range(n):
        function, constant, scale = plan[FUNCTIONS + i], form[CONSTANT * n + i], form[SCALE * n + i]
        w0[i] = increasing_value(function, constant, q0[i]) * scale
        w1[i] = increasing_value(function, constant, q[i]) * scale
    for i in range(n):
        held = bias[i] + 0.5 * convex * w1[i]
        for j in range(n):
            held += 0.5 * form[WEIGHTS * n + i * n + j] * (w0[j] + w1[j])
        q[i] = _root(plan, form, i, q0[i], held, convex, shift, q[i])


@helper
def _unit_by_unit(plan, form, bias, q0, q, room):
    """The step of Itoh and Abe: each unit to its end before the next."""
    n = plan[COUNT]
    w = room[:n]
    for i in range(n):
        w[i] = increasing_value(plan[FUNCTIONS + i], form[CONSTANT * n + i], q0[i]) * form[SCALE * n + i]
    for i in range(n):
        own = form[WEIGHTS * n + i * n + i]
        held = bias[i] - 0.5 * own * w[i]
        for j in range(n):
            held += form[WEIGHTS * n + i * n + j] * w[j]
        q[i] = _root(plan, form, i, q0[i], held, -own, 0.0, q0[i])
        w[i] = increasing_value(plan[FUNCTIONS + i], form[CONSTANT * n + i], q[i]) * form[SCALE * n + i]


@driver(lambda: signature_of(*"ccrrrrrrrrrf"))
def implicit_step(plan, code, p, pt, form, given, before, x, errors, room, arena, convex):
    """Solve the equations of a step for each sample, from `before` to `x`; for discrete gradients these are arguments.

    `given` is the inputs or the biases, `errors` gets the relative residuals. Where Newton's method fails for a
    discrete gradient, sweeps take over, and Newton is tried again after 1, 2, 4, ... of them.
    """
    n, samples = plan[COUNT], plan[SAMPLES]
    wide = given.size // samples
    residual, size, swept = room[:n], room[n : 2 * n], room[2 * n : 3 * n]
    rest = room[3 * n :]
    for r in range(samples):
        start, to, of = before[r * n : (r + 1) * n], x[r * n : (r + 1) * n], given[r * wide : (r + 1) * wide]
        to[:] = start
        if plan[RULE] == ITOH_ABE:
            _unit_by_unit(plan, form, of, start, to, rest)
            errors[r * n : (r + 1) * n] = 0.0
            continue
        solved = _newton(plan, code, p, pt, form, of, start, to, residual, size, rest, arena)
        if plan[RULE] != MIDPOINT and not solved:
            swept[:] = start
            retry = 1
            for number in range(1, SWEEPS + 1):
                _sweep(plan, form, of, start, swept, convex, rest)
                if number == retry:
                    retry *= 2
                    to[:] = swept
                    if _newton(plan, code, p, pt, form, of, start, to, residual, size, rest, arena):
                        break
        for i in range(n):
            errors[r * n + i] = abs(residual[i]) / size[i]
