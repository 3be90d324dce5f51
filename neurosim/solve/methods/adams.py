"""The Adams-Moulton formulas of variable order, 1 to 12, by functional iteration: about two evaluations a step.

``y_new = y + h sum_j b_j f_(new - j)``, kept as Nordsieck's array; order and step are chosen together. Every corner,
jump and state put back on its bound starts it again at order 1, which takes tens of steps: it is for smooth flow.

Source: A. C. Hindmarsh, ODEPACK, in Scientific Computing (North-Holland 1983) 55 (recalled).
"""

from __future__ import annotations

from neurosim.devices.device import Reference
from neurosim.kernels.multistep_nordsieck import ADAMS, nordsieck_tableau
from neurosim.kernels.run import NORDSIECK
from neurosim.solve.methods.method import Method

method = Method(
    name="adams",
    class_name="Adams",
    kind=NORDSIECK,
    order=12,
    error_order=1,
    degree=12,
    interpolant_order=12,
    summary="Adams formulas of order 1 to 12: two evaluations a step, for tight tolerances and costly right-hand sides",
    stability="explicit",
    source=Reference("A. C. Hindmarsh, ODEPACK, in Scientific Computing (North-Holland 1983) 55"),
    tableau=nordsieck_tableau(ADAMS),
    varies_order=True,
)
