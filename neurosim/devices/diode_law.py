"""The law of the junction diode; equations in `neurosim.devices.diode`.

Each loop reads and writes few rows and has no branches, so that it runs on vector registers; what a block of diodes
does not have (breakdown, recombination, high injection) is passed over as a whole.
"""

from __future__ import annotations

import math

from neurosim.devices.junction import (
    abrupt_share,
    breakdown_current,
    depletion_charge_of,
    depletion_share,
    exponential,
    junction_current,
    limited_junction_voltage,
)
from neurosim.kernels.abi import GMIN, LIMITED, LIMITING, WANT_DERIVATIVES, helper, kernel

TINY_CURRENT = 1e-18
"""Forward current below which high injection is not computed, as in ngspice [A]."""


@helper
def _limit(context, u, p, v):
    """Put the limited voltages into v, which holds those of the last evaluation."""
    for e in range(v.size):
        nvt, critical, breakdown, breakdown_nvt = p[1, e], p[2, e], p[3, e], p[4, e]
        new, old = u[e], v[e]
        if breakdown < math.inf and new < min(0.0, 10.0 * breakdown_nvt - breakdown):
            moved = limited_junction_voltage(-(new + breakdown), -(old + breakdown), breakdown_nvt, critical)
            v[e] = -breakdown - moved
        else:
            v[e] = limited_junction_voltage(new, old, nvt, critical)
        if v[e] != new:
            context[LIMITED] = 1.0


@helper
def _currents(p, v, current, slope, sloped):
    """Put currents [A] and, if `sloped`, conductances [S] at the voltages v into the rows `current` and `slope`."""
    saturation, nvt = p[0], p[1]
    for e in range(v.size):
        current[e] = junction_current(v[e], saturation[e], nvt[e])[0]
    if sloped:
        for e in range(v.size):
            slope[e] = junction_current(v[e], saturation[e], nvt[e])[1]
    broken, recombining, crowded = 0, 0, 0
    for e in range(v.size):
        broken += v[e] < -p[3, e]
        recombining += p[12, e] > 0.0
        crowded += p[14, e] < math.inf
    if broken > 0:
        for e in range(v.size):
            if v[e] < -p[3, e]:
                current[e], conductance = breakdown_current(v[e], p[0, e], p[3, e], p[4, e])
                if sloped:
                    slope[e] = conductance
    if recombining > 0:
        for e in range(v.size):
            if p[12, e] > 0.0:
                rest = 1.0 - v[e] / p[6, e]
                factor = (rest * rest + 0.005) ** (0.5 * p[7, e])
                part, part_slope = exponential(v[e], p[12, e], p[13, e])
                current[e] += part * factor
                if sloped:
                    factor_slope = -p[7, e] * rest / p[6, e] * factor / (rest * rest + 0.005)
                    slope[e] += part_slope * factor + part * factor_slope
    if crowded > 0:
        for e in range(v.size):
            if current[e] > TINY_CURRENT:
                root = math.sqrt(current[e] / p[14, e])
                current[e] /= 1.0 + root
                if sloped:
                    slope[e] *= (1.0 + 0.5 * root) / ((1.0 + root) * (1.0 + root))


@helper
def _charges(p, v, q, current, slope, equation, capacitance, sloped):
    """Put ``q - Q(v)`` [C] into `equation` and, if `sloped`, dQ/dv [F] into `capacitance`."""
    zero_bias, potential, grading, forward, transit = p[5], p[6], p[7], p[8], p[9]
    graded = 0
    for e in range(v.size):
        graded += grading[e] != 0.5
    if graded > 0:
        for e in range(v.size):
            equation[e] = depletion_share(v[e], potential[e], grading[e], forward[e])
    else:
        for e in range(v.size):
            equation[e] = abrupt_share(v[e], potential[e], forward[e])
    if sloped:
        for e in range(v.size):
            share = equation[e]
            part = depletion_charge_of(share, v[e], zero_bias[e], potential[e], grading[e], forward[e])
            capacitance[e] = part[1]
        for e in range(v.size):
            capacitance[e] += transit[e] * slope[e]
    for e in range(v.size):
        part = depletion_charge_of(equation[e], v[e], zero_bias[e], potential[e], grading[e], forward[e])
        equation[e] = q[e] - part[0]
    for e in range(v.size):
        equation[e] -= transit[e] * current[e]


@kernel
def junction_law(context, u, p, memory, table, code, F, D):
    """Inputs: v, then q if code[0], then the drop over RS if code[1]. Memory: v of the last evaluation."""
    has_charge, has_resistance = code[0] != 0, code[1] != 0
    gmin = context[GMIN]
    limiting = context[LIMITING] != 0.0
    wanted = context[WANT_DERIVATIVES] != 0.0
    v = memory[0]
    if limiting:
        _limit(context, u[0], p, v)
    else:
        v[:] = u[0]
    # What a limited voltage leaves out is made up for along the tangent, so slopes are wanted there too.
    sloped = wanted or limiting
    current, slope = F[0], D[0, 0]
    _currents(p, v, current, slope, sloped)
    row = 1
    if has_charge:
        _charges(p, v, u[1], current, slope, F[1], D[1, 0], sloped)
        row = 2
    for e in range(v.size):
        current[e] += gmin * v[e]
    if sloped:
        for e in range(v.size):
            slope[e] += gmin
    if limiting:
        for e in range(v.size):
            shift = u[0, e] - v[e]
            current[e] += slope[e] * shift
            if has_charge:
                F[1, e] -= D[1, 0, e] * shift
    if has_resistance:
        for e in range(v.size):
            F[row, e] = p[10, e] * u[row, e]
    if wanted and has_charge:
        for e in range(v.size):
            D[0, 1, e] = 0.0
        for e in range(v.size):
            D[1, 0, e] = -D[1, 0, e]
        for e in range(v.size):
            D[1, 1, e] = 1.0
    if wanted and has_resistance:
        for r in range(row):
            for e in range(v.size):
                D[r, row, e] = 0.0
            for e in range(v.size):
                D[row, r, e] = 0.0
        for e in range(v.size):
            D[row, row, e] = p[10, e]
