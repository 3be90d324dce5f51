"""One evaluation of a memristive network again from its potentials, and backward: one solution with the same matrix.

With currents ``i(v, x)`` and rates ``f(v, x)`` at voltages ``v = B' p + S``, where ``B i = J`` at free nodes, the gradient
of ``u . f + c . i + q . p`` follows from ``L z = q + B (f_v u + i_v c)``, z = 0 at fixed nodes, and d = c - B' z:
``f_x u + i_x d`` by the states, ``f_v u + i_v d`` by the EMFs, z by injected currents.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.array_program import INPUTS
from neurosim.kernels.abi import driver, helper
from neurosim.kernels.edge_laws import evaluate_edges
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.laplacian import solve_laplacian
from neurosim.kernels.unchecked import at, put
from neurosim.memristive.law import (
    AT,
    EDGES,
    ENDS_AT,
    FIXED,
    FIXED_AT,
    LAWS_AT,
    LAWS_TABLE,
    NODES,
    SOLVER,
    gather_sources,
    laplacian_at,
)


@helper
def _evaluate(time, context, table, code, memory, y, p, wanted):
    """Voltages, currents, rates and, if wanted, slopes at known potentials, where `solve_network` has them."""
    m, n = code[AT + EDGES], code[AT + NODES]
    gather_sources(time, table, code, memory, y, m)
    start = m + 2 * n + code[INPUTS]
    v, i, rate = memory[start : start + m], memory[start + m : start + 2 * m], memory[start + 2 * m : start + 3 * m]
    slopes, work = memory[start + 3 * m : start + 7 * m], memory[start + 7 * m + 3 * n :]
    tails = code[AT + ENDS_AT]
    for e in range(m):
        put(v, e, at(p, at(code, tails + e)) - at(p, at(code, tails + m + e)) + at(memory, e))
    evaluate_edges(
        context, code[code[AT + LAWS_AT] :], 0, table[code[AT + LAWS_TABLE] :], 0, work, v, y, i, rate, slopes, wanted
    )


@driver(lambda: signature_of(*"rrrcrrr"))
def network_known(time, context, table, code, memory, y, p):
    """Voltages, currents and rates at unknowns y and potentials p, into `memory`."""
    _evaluate(time[0], context, table, code, memory, y, p, 0)


@driver(lambda: signature_of(*"rrrcrrrrrrrrrr"))
def network_back(
    time, context, table, code, memory, y, p, bounds, by_rate, by_current, by_potential, by_state, by_voltage, multiplier
):  # fmt: skip
    """The gradient as in the module docstring.

    Parameters
    ----------
    bounds : [2 m]
        Lower, then upper ones: a state that stands at one with a rate outward has the rate 0.
    by_rate, by_current, by_potential : [m], [m], [nodes]
        u, c and q; u becomes 0 where a state stands, c becomes d.
    by_state, by_voltage, multiplier : [m], [m], [nodes]
        Receive the gradients by states and EMFs, and z; z is NaN where there is no solution.
    """
    m, n = code[AT + EDGES], code[AT + NODES]
    _evaluate(time[0], context, table, code, memory, y, p, 1)
    start = m + 2 * n + code[INPUTS]
    rate, slopes = memory[start + 2 * m : start + 3 * m], memory[start + 3 * m : start + 7 * m]
    b = memory[start + 7 * m : start + 7 * m + n]
    tails, fixed = code[AT + ENDS_AT], code[AT + FIXED_AT]
    b[:] = by_potential
    for e in range(m):
        f = at(rate, e)
        if (at(y, e) >= at(bounds, m + e) and f > 0.0) or (at(y, e) <= at(bounds, e) and f < 0.0):
            put(by_rate, e, 0.0)
        pull = at(slopes, 2 * m + e) * at(by_rate, e)
        put(by_voltage, e, pull)
        pull += at(slopes, e) * at(by_current, e)
        if pull != 0.0:
            first_end, last_end = at(code, tails + e), at(code, tails + m + e)
            put(b, first_end, at(b, first_end) + pull)
            put(b, last_end, at(b, last_end) - pull)
    for k in range(code[AT + FIXED]):
        b[code[fixed + k]] = 0.0
    status = solve_laplacian(laplacian_at(code[AT + SOLVER]), slopes[:m], b, multiplier, 1)
    if status != 0:
        multiplier[:] = np.nan
    for e in range(m):
        rest = at(by_current, e) - at(multiplier, at(code, tails + e)) + at(multiplier, at(code, tails + m + e))
        put(by_current, e, rest)
        put(by_state, e, at(slopes, 3 * m + e) * at(by_rate, e) + at(slopes, m + e) * rest)
        put(by_voltage, e, at(by_voltage, e) + at(slopes, e) * rest)
