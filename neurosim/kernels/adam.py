"""One step of Adam on whole vectors, in one pass."""

from __future__ import annotations

import math

from neurosim.kernels.abi import driver
from neurosim.kernels.flat_signature import signature_of


@driver(lambda: signature_of(*"rrrrfffff"))
def move_by_adam(x, gradient, mean, square, rate, beta1, beta2, root, epsilon):
    """See `neurosim.digital.training.optimisers.Adam`; `root` is the square root of 1 - beta2^t."""
    for i in range(x.size):
        g = gradient[i]
        mean[i] += (1.0 - beta1) * (g - mean[i])
        square[i] = beta2 * square[i] + (1.0 - beta2) * (g * g)
        x[i] -= rate * (mean[i] / (math.sqrt(square[i]) / root + epsilon))
