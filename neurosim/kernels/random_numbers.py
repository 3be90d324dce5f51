"""Random numbers by counter: the normal numbers of one step follow from the seed and the number of the step alone.

Nothing is carried from step to step, so a run that is cut and resumed, or computed by another worker, sees the same
numbers.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11,
doi:10.1145/2063384.2063405 (Philox4x64-10; the bits are those of `numpy.random.Philox`); normal numbers by
Box & Muller, Ann. Math. Statist. 29, 610 (1958), doi:10.1214/aoms/1177706645.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver, helper, unit

MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
ROUNDS = 10
SHIFT = np.uint64(11)
RESOLUTION = 2.0**-53


@helper
def _high(a, b):
    """Upper 64 bits of the product of two 64-bit numbers."""
    a_low, a_high, b_low, b_high = a & LOW, a >> HALF, b & LOW, b >> HALF
    middle = a_high * b_low + ((a_low * b_low) >> HALF)
    other = a_low * b_high + (middle & LOW)
    return a_high * b_high + (middle >> HALF) + (other >> HALF)


@helper
def _philox(c_0, c_1, c_2, c_3, k_0, k_1):
    """Four random 64-bit numbers of a counter and a key."""
    for _ in range(ROUNDS):
        high_0, low_0 = _high(MULTIPLIER_0, c_0), MULTIPLIER_0 * c_0
        high_1, low_1 = _high(MULTIPLIER_1, c_2), MULTIPLIER_1 * c_2
        c_0, c_1, c_2, c_3 = high_1 ^ c_1 ^ k_0, low_1, high_0 ^ c_3 ^ k_1, low_0
        k_0 += WEYL_0
        k_1 += WEYL_1
    return c_0, c_1, c_2, c_3


@helper
def _uniform(bits):
    """Between 0 and 1, both excluded."""
    return (np.float64(bits >> SHIFT) + 0.5) * RESOLUTION


def _signature() -> Any:
    from numba import types

    return types.void(types.i8, types.i8, types.Array(types.f8, 1, "C"))


@unit(_signature)
def normal_numbers(seed, number, out):
    """Fill `out` with independent standard normal numbers of the draw `number`; counters (1 + block, number, 0, 0)."""
    zero = np.uint64(0)
    size = out.size
    for block in range((size + 3) // 4):
        a, b, c, d = _philox(np.uint64(block + 1), np.uint64(number), zero, zero, np.uint64(seed), zero)
        k = 4 * block
        radius, angle = np.sqrt(-2.0 * np.log(_uniform(a))), 2.0 * np.pi * _uniform(b)
        out[k] = radius * np.cos(angle)
        if k + 1 < size:
            out[k + 1] = radius * np.sin(angle)
        if k + 2 < size:
            radius, angle = np.sqrt(-2.0 * np.log(_uniform(c))), 2.0 * np.pi * _uniform(d)
            out[k + 2] = radius * np.cos(angle)
            if k + 3 < size:
                out[k + 3] = radius * np.sin(angle)


@helper
def exponential_number(seed, number, place):
    """An exponentially distributed number with mean 1; counter (1 + place, number, 1, 0)."""
    zero, one = np.uint64(0), np.uint64(1)
    bits = _philox(np.uint64(place + 1), np.uint64(number), one, zero, np.uint64(seed), zero)
    return -np.log(_uniform(bits[0]))


@driver(_signature)
def draw_normal_numbers(seed, number, out):
    """`normal_numbers` from Python."""
    normal_numbers(seed, number, out)
