"""Random numbers that are a hash of counters: no generator, no hidden state, the same bits on every machine."""

from __future__ import annotations

import math

from neurosim.kernels.abi import helper


@helper
def hashed(word):
    """Mix 32 bits (a bijection; constants of C. Wellons's hash prospector, recalled); no product passes 63 bits."""
    word ^= word >> 16
    word = (word * 0x21F0AAAD) & 0xFFFFFFFF
    word ^= word >> 15
    word = (word * 0x735A2D97) & 0xFFFFFFFF
    return word ^ (word >> 15)


@helper
def uniform(seed, stream, step, draw):
    """Number in (0, 1) that belongs to four counters, from 52 hashed bits."""
    high, low = hashed(seed ^ 0x2545F491), hashed(seed ^ 0x6C078965)
    for counter in (stream, step, draw):
        high, low = hashed(high ^ counter), hashed(low ^ counter)
    return ((high >> 6) * 67108864.0 + (low >> 6) + 0.5) / 4503599627370496.0


@helper
def binomial(n, probability, seed, stream, step, draw):
    """Successes of n trials, by waiting times (Devroye, Non-Uniform Random Variate Generation (1986), X.4.3)."""
    if probability >= 1.0:
        return n
    limit, waited, successes = -math.log1p(-probability), 0.0, 0
    while successes < n:
        waited -= math.log(uniform(seed, stream, step, draw + successes)) / (n - successes)
        if waited > limit:
            break
        successes += 1
    return successes
