"""Runge-Kutta-Chebyshev of second order with 15 stages: explicit, stable far along the negative real axis.

Stages follow the recurrence of Chebyshev polynomials, so that the amplification stays below 1 - 1/13 on (-146, 0), at
15 evaluations: a step may be 45 times as long as one of `dp5` where stability bounds it, and nothing is factored.
Diffusion, and memristive networks (their Jacobian has a real spectrum), relax in this way.

Source: B. P. Sommeijer, L. F. Shampine, J. G. Verwer, J. Comput. Appl. Math. 88 (1998) 315,
doi:10.1016/S0377-0427(97)00219-7 (recalled).
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Chebyshev

from neurosim.devices.device import Reference
from neurosim.kernels.explicit import explicit_tableau
from neurosim.kernels.run import EXPLICIT
from neurosim.solve.methods.method import Method

STAGES, DAMPING = 15, 2.0 / 13.0
"""Evaluations of a step; how far the polynomial stays inside the unit circle."""


def _tableau() -> np.ndarray:
    s, w0 = STAGES, 1.0 + DAMPING / STAGES**2
    t = [Chebyshev.basis(j) for j in range(s + 1)]
    value, first, second = (np.array([p.deriv(k)(w0) if k else p(w0) for p in t]) for k in (0, 1, 2))
    w1 = first[s] / second[s]
    b = np.empty(s + 1)
    b[2:] = second[2:] / first[2:] ** 2
    b[:2] = b[2]
    # Row j is what stage j adds to y, in weights of the evaluations, over h.
    rows = np.zeros((s + 1, s + 1))
    rows[1, 0] = b[1] * w1
    for j in range(2, s + 1):
        mu, nu, step = 2.0 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2], 2.0 * b[j] * w1 / b[j - 1]
        rows[j] = mu * rows[j - 1] + nu * rows[j - 2]
        rows[j, j - 1] += step
        rows[j, 0] -= (1.0 - b[j - 1] * value[j - 1]) * step
    start, end, whole = np.eye(s + 1)[0], np.eye(s + 1)[s], rows[s]
    return explicit_tableau(
        rows, rows.sum(axis=1), 0.4 * (start + end) - 0.8 * whole,
        np.array([start, 3.0 * whole - 2.0 * start - end, start + end - 2.0 * whole]),
    )  # fmt: skip


method = Method(
    name="rkc",
    class_name="RKC",
    kind=EXPLICIT,
    order=2,
    error_order=2,
    degree=3,
    interpolant_order=2,
    summary="explicit Runge-Kutta-Chebyshev 2: stiff but real spectra (diffusion, large memristive networks)",
    stability="explicit",
    source=Reference(
        "B. P. Sommeijer, L. F. Shampine, J. G. Verwer, J. Comput. Appl. Math. 88 (1998) 315",
        "10.1016/S0377-0427(97)00219-7",
    ),
    tableau=_tableau(),
    aliases=("chebyshev",),
)
