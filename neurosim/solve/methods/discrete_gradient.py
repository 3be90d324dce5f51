"""The mean-value discrete gradient with a fixed step: the energy of a symmetric network falls at any step size.

``tau (y_new - y)/h = -D E(y, y_new)`` with the mean of the gradient along the line between old and new activations, of
order 2; the equations are in `neurosim.solve.discrete_gradient`. For graphs that descend an energy (Hopfield nets, BAM,
rate networks with symmetric weights); others are refused by name.

Source: R. I. McLachlan, G. R. W. Quispel, N. Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999),
doi:10.1098/rsta.1999.0363.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.run import DESCENT
from neurosim.solve.methods.method import Method

method = Method(
    name="discrete_gradient",
    class_name="DiscreteGradient",
    kind=DESCENT,
    order=2,
    error_order=2,
    degree=1,
    interpolant_order=1,
    summary="mean-value discrete gradient with a fixed step: the energy of a symmetric network never rises",
    stability="A-stable",
    source=Reference(
        "R. I. McLachlan, G. R. W. Quispel, N. Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999)",
        "10.1098/rsta.1999.0363",
    ),
    tableau=np.zeros((0, 0)),
    adaptive=False,
)
