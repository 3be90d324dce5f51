"""Powers of rows and the speed beyond a threshold, for memristor laws that run on whole blocks.

Exponents that are whole throughout a block, as published parameters mostly are, need a few products only.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import Inlined, fast_pow

_BITS = 5
"""Whole exponents up to 31 are powers by squaring."""


@Inlined
def _whole_power(x, n):
    value = 1.0
    for _ in range(_BITS):
        half = np.floor(0.5 * n)
        value *= x if n != half + half else 1.0
        x *= x
        n = half
    return value


@helper
def raise_row(x, n):
    """Raise every x >= 0 to its own power n >= 0."""
    others = 0
    for m in range(x.size):
        others += (np.floor(n[m]) != n[m]) | (n[m] >= 2.0**_BITS)
    if others == 0:
        for m in range(x.size):
            x[m] = _whole_power(x[m], n[m])
    else:
        for m in range(x.size):
            x[m] = fast_pow(x[m], n[m])


@helper
def speed_row(q, drive, exponent, speed):
    """Put k (drive / threshold - 1)^alpha into `speed`, 0 between the thresholds; `exponent` gets alpha.

    `q` are six rows: k, threshold and alpha of the positive side, then those of the negative one.
    """
    for m in range(drive.size):
        over, under = q[1, m], q[4, m]
        excess = drive[m] / (under if drive[m] < 0.0 else over) - 1.0
        speed[m] = excess if excess > 0.0 else 0.0
    for m in range(drive.size):
        over, under = q[2, m], q[5, m]
        exponent[m] = under if drive[m] < 0.0 else over
    raise_row(speed, exponent)
    for m in range(drive.size):
        over, under = q[0, m], q[3, m]
        speed[m] *= under if drive[m] < 0.0 else over


@helper
def speed_slope_row(q, drive, speed, slope):
    """Put the slope by `drive` of what `speed_row` found, or of a multiple of it, into `slope`."""
    for m in range(drive.size):
        over, under = q[1, m], q[4, m]
        beyond = drive[m] - (under if drive[m] < 0.0 else over)
        slope[m] = 0.0 if beyond == 0.0 else speed[m] / beyond
    for m in range(drive.size):
        over, under = q[2, m], q[5, m]
        slope[m] *= under if drive[m] < 0.0 else over
