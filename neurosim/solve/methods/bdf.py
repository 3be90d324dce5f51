"""The backward differentiation formulas of variable order, 1 to 5, on ``M y' = f(t, y)``, M constant, may be singular.

``M sum_j a_j y_(new - j) = h f(t + h, y_new)`` by Newton with one matrix for many steps, kept as Nordsieck's array;
order and step are chosen together. A(alpha)-stable with alpha = 90, 90, 86, 73, 52 degrees for orders 1 to 5
(recalled): lightly damped oscillations are for Rodas5P.

Source: A. C. Hindmarsh, ODEPACK, in Scientific Computing (North-Holland 1983) 55 (recalled).
"""

from __future__ import annotations

from neurosim.devices.device import Reference
from neurosim.kernels.multistep_nordsieck import BDF, nordsieck_tableau
from neurosim.kernels.run import NORDSIECK
from neurosim.solve.methods.method import Method

method = Method(
    name="bdf",
    class_name="BDF",
    kind=NORDSIECK,
    order=5,
    error_order=1,
    degree=5,
    interpolant_order=5,
    summary="backward differentiation formulas of order 1 to 5: stiff and algebraic equations, few factorisations",
    stability="A(alpha)-stable",
    source=Reference("A. C. Hindmarsh, ODEPACK, in Scientific Computing (North-Holland 1983) 55"),
    tableau=nordsieck_tableau(BDF),
    varies_order=True,
)
