"""Adams and backward differentiation formulas in turn: Adams first, BDF where stability would bound its steps.

It goes back where Adams allows as long a step. The estimate of the size of df/dy comes from the functional iteration,
or from the Jacobian.

Source: L. Petzold, SIAM J. Sci. Stat. Comput. 4 (1983) 136, doi:10.1137/0904010.
"""

from __future__ import annotations

from neurosim.devices.device import Reference
from neurosim.kernels.multistep_nordsieck import ADAMS, nordsieck_tableau
from neurosim.kernels.run import NORDSIECK
from neurosim.solve.methods.method import Method

method = Method(
    name="adams_bdf",
    class_name="AdamsBDF",
    kind=NORDSIECK,
    order=12,
    error_order=1,
    degree=12,
    interpolant_order=12,
    summary="Adams where nothing is stiff, BDF where something is, as LSODA: for smooth flow of unknown kind",
    stability="A(alpha)-stable",
    source=Reference("L. Petzold, SIAM J. Sci. Stat. Comput. 4 (1983) 136", "10.1137/0904010"),
    tableau=nordsieck_tableau(ADAMS, may_switch=True),
    varies_order=True,
)
