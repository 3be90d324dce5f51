"""Sequences of steps of an array program, and their gradient: backpropagation through time on a tape of arenas."""

from __future__ import annotations

from neurosim.kernels.abi import driver
from neurosim.kernels.array_program import (
    DRIVE_AT,
    FIRST,
    INPUTS,
    LAST,
    MIDDLE,
    OUTPUT_AT,
    OUTPUT_HIGH,
    OUTPUT_LOW,
    OUTPUTS,
    SIZE,
    STATES,
    evaluate_instructions,
    reverse_instructions,
)
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.functions import fused
from neurosim.kernels.unchecked import copy, fill

ROWS, STEPS, STAGES, KEEP, RECORD, WANT_INPUTS, WANT_MIX = range(7)
"""Entries of `plan`: samples; steps; evaluations of a step; 1 to keep all steps in `tape`; 1 to record the states;
and for the reverse run 1 where gradients of inputs, and of the coefficients of the rule, are wanted."""


@driver(lambda: signature_of(*"ccrrrrrrrrr"))
def run_sequence(code, plan, p, pt, mix, y, u, outputs, states, tape, work):
    """Iterate an explicit rule: stage s is at ``A_s y + sum over j < s of B_sj G_j``, the last one is the new y.

    Per element, `mix` holds for s = 0 .. stages the block A_s, B_s0, B_s1, ... (stages of them); stage 0 is y itself.
    The outputs of a step are those of the new y and of the input of the step.

    The tape has for each step (for one step if they are not kept) the arenas of the stages and what the output
    instructions wrote, at last the last y. `work` is an arena.
    """
    rows, steps, stages = plan[ROWS], plan[STEPS], plan[STAGES]
    n, inputs, results = code[STATES] * rows, code[INPUTS] * rows, code[OUTPUTS] * rows
    size = code[SIZE] * rows
    drive, output = code[DRIVE_AT] * rows, code[OUTPUT_AT] * rows
    low, high = code[OUTPUT_LOW] * rows, code[OUTPUT_HIGH] * rows
    block, length = (1 + stages) * n, stages * size + high - low
    for t in range(steps):
        base = t * length if plan[KEEP] != 0 else 0
        for s in range(stages + 1):
            arena = tape[base + s * size : base + (s + 1) * size] if s < stages else work
            if s == 0:
                copy(arena, 0, y, 0, n)
            else:
                carry, weight = mix[s * block : s * block + n], mix[s * block + n : s * block + 2 * n]
                g = tape[base + drive : base + drive + n]
                for i in range(n):
                    arena[i] = fused(weight[i], g[i], carry[i] * y[i])
                for j in range(1, s):
                    weight = mix[s * block + (1 + j) * n : s * block + (2 + j) * n]
                    g = tape[base + j * size + drive : base + j * size + drive + n]
                    for i in range(n):
                        arena[i] = fused(weight[i], g[i], arena[i])
            if s < stages:
                copy(arena, n, u, t * inputs, inputs)
                evaluate_instructions(code, code[FIRST], code[MIDDLE], p, pt, arena, rows)
        copy(y, 0, work, 0, n)
        if plan[RECORD] != 0:
            copy(states, t * n, y, 0, n)
        if results > 0:
            copy(work, n, u, t * inputs, inputs)
            evaluate_instructions(code, code[MIDDLE], code[LAST], p, pt, work, rows)
            copy(outputs, t * results, work, output, results)
            if plan[KEEP] != 0:
                copy(tape, base + stages * size, work, low, high - low)
    if plan[KEEP] != 0:
        copy(tape, steps * length, y, 0, n)


@driver(lambda: signature_of(*"ccrrrrrrrrrrrrr"))
def reverse_sequence(code, plan, p, pt, mix, tape, d_outputs, d_states, d_y, d_u, dp, d_mix, gamma, adjoint, work):
    """Gradient of `run_sequence` from its tape: `d_y` enters as that of the last y and leaves as that of the first.

    `d_outputs` and `d_states` (empty if there is none) are the gradients of what was recorded; `d_u`, `dp`, `d_mix` are
    added to; `gamma` (stages + 1 blocks of y), `adjoint` and `work` (an arena each) are work space.
    """
    rows, steps, stages = plan[ROWS], plan[STEPS], plan[STAGES]
    n, inputs, results = code[STATES] * rows, code[INPUTS] * rows, code[OUTPUTS] * rows
    size = code[SIZE] * rows
    drive, output = code[DRIVE_AT] * rows, code[OUTPUT_AT] * rows
    low, high = code[OUTPUT_LOW] * rows, code[OUTPUT_HIGH] * rows
    block, length = (1 + stages) * n, stages * size + high - low
    new = gamma[stages * n : (stages + 1) * n]
    for t in range(steps - 1, -1, -1):
        base = t * length
        y = tape[base : base + n]
        if d_states.size > 0:
            d_y += d_states[t * n : (t + 1) * n]
        for s in range(stages, -1, -1):
            if s < stages:
                fill(adjoint, 0, drive, 0.0)
                copy(adjoint, drive, gamma, s * n, n)
                fill(adjoint, drive + n, size - drive - n, 0.0)
                arena = tape[base + s * size : base + (s + 1) * size]
                reverse_instructions(
                    code, code[FIRST], code[MIDDLE], p, pt, arena, adjoint, rows, dp, plan[WANT_INPUTS]
                )  # fmt: skip
            elif results > 0 and d_outputs.size > 0:
                copy(work, 0, tape, base + length, n)
                copy(work, n, tape, base + n, inputs)
                copy(work, low, tape, base + stages * size, high - low)
                # the output instructions add to what later steps ask of y
                copy(adjoint, 0, d_y, 0, n)
                fill(adjoint, n, inputs, 0.0)
                fill(adjoint, low, high - low, 0.0)
                copy(adjoint, output, d_outputs, t * results, results)
                reverse_instructions(
                    code, code[MIDDLE], code[LAST], p, pt, work, adjoint, rows, dp, plan[WANT_INPUTS]
                )  # fmt: skip
            else:
                copy(adjoint, 0, d_y, 0, n)
                fill(adjoint, n, inputs, 0.0)
            if plan[WANT_INPUTS] != 0:
                for i in range(inputs):
                    d_u[t * inputs + i] += adjoint[n + i]
            if s == 0:
                for i in range(n):
                    new[i] += adjoint[i]
            else:
                carry = mix[s * block : s * block + n]
                if s == stages:
                    for i in range(n):
                        new[i] = carry[i] * adjoint[i]
                else:
                    for i in range(n):
                        new[i] = fused(carry[i], adjoint[i], new[i])
                for j in range(s):
                    weight = mix[s * block + (1 + j) * n : s * block + (2 + j) * n]
                    part = gamma[j * n : (j + 1) * n]
                    if s == stages:
                        for i in range(n):
                            part[i] = weight[i] * adjoint[i]
                    else:
                        for i in range(n):
                            part[i] = fused(weight[i], adjoint[i], part[i])
                if plan[WANT_MIX] != 0:
                    for i in range(n):
                        d_mix[s * block + i] += adjoint[i] * y[i]
                    for j in range(s):
                        for i in range(n):
                            g = tape[base + j * size + drive + i]
                            d_mix[s * block + (1 + j) * n + i] += adjoint[i] * g
        copy(d_y, 0, new, 0, n)
