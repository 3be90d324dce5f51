"""The law of the junction diode; equations in `neurosim.devices.diode`."""

from __future__ import annotations

import math

from neurosim.devices.junction import depletion_charge, exponential, junction_current, limited_junction_voltage
from neurosim.kernels.abi import GMIN, LIMITED, LIMITING, WANT_DERIVATIVES, kernel

TINY_CURRENT = 1e-18
"""Forward current below which high injection is not computed, as in ngspice [A]."""


@kernel
def junction_law(context, u, p, memory, table, code, F, D):
    """Inputs: v, then q if code[0], then the drop over RS if code[1]. Memory: v of the last evaluation."""
    has_charge, has_resistance = code[0] != 0, code[1] != 0
    wanted = context[WANT_DERIVATIVES] != 0.0
    for e in range(u.shape[1]):
        saturation, nvt, critical, breakdown, breakdown_nvt = p[0, e], p[1, e], p[2, e], p[3, e], p[4, e]
        v = u[0, e]
        if context[LIMITING] != 0.0:
            old = memory[0, e]
            if breakdown < math.inf and v < min(0.0, 10.0 * breakdown_nvt - breakdown):
                v = -breakdown - limited_junction_voltage(-(v + breakdown), -(old + breakdown), breakdown_nvt, critical)
            else:
                v = limited_junction_voltage(v, old, nvt, critical)
            if v != u[0, e]:
                context[LIMITED] = 1.0
        memory[0, e] = v
        current, slope = junction_current(v, saturation, nvt, breakdown, breakdown_nvt)
        if p[12, e] > 0.0:
            rest = 1.0 - v / p[6, e]
            factor = (rest * rest + 0.005) ** (0.5 * p[7, e])
            part, part_slope = exponential(v, p[12, e], p[13, e])
            factor_slope = -p[7, e] * rest / p[6, e] * factor / (rest * rest + 0.005)
            current += part * factor
            slope += part_slope * factor + part * factor_slope
        knee = p[14, e]
        if knee < math.inf and current > TINY_CURRENT:
            root = math.sqrt(current / knee)
            slope *= (1.0 + 0.5 * root) / (1.0 + root) ** 2
            current /= 1.0 + root
        shift = u[0, e] - v
        conductance = slope + context[GMIN]
        F[0, e] = current + context[GMIN] * v + conductance * shift
        row, capacitance = 1, 0.0
        if has_charge:
            charge, capacitance = depletion_charge(v, p[5, e], p[6, e], p[7, e], p[8, e])
            charge += p[9, e] * current
            capacitance += p[9, e] * slope
            F[1, e] = u[1, e] - charge - capacitance * shift
            row = 2
        if has_resistance:
            F[row, e] = p[10, e] * u[row, e]
        if wanted:
            for r in range(D.shape[0]):
                for c in range(D.shape[1]):
                    D[r, c, e] = 0.0
            D[0, 0, e] = conductance
            if has_charge:
                D[1, 0, e], D[1, 1, e] = -capacitance, 1.0
            if has_resistance:
                D[row, row, e] = p[10, e]
