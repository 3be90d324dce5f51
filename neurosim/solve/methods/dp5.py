"""Dormand and Prince's explicit Runge-Kutta pair of order 5(4), with Shampine's interpolant of order 4.

``y_new = y + h sum_i b_i K_i``, ``K_i = f(t + c_i h, y + h sum_j a_ij K_j)``; the last stage is the first of the next
step. The coefficients of the interpolant are those of SciPy's ``RK45``, so both take the same steps.

Source: J. R. Dormand, P. J. Prince, J. Comput. Appl. Math. 6 (1980) 19, doi:10.1016/0771-050X(80)90013-3; interpolant:
L. F. Shampine, Math. Comp. 46 (1986) 135, doi:10.2307/2008219.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.explicit import explicit_tableau
from neurosim.kernels.run import EXPLICIT
from neurosim.solve.methods.method import Method

_A = [
    [0, 0, 0, 0, 0, 0, 0],
    [1 / 5, 0, 0, 0, 0, 0, 0],
    [3 / 40, 9 / 40, 0, 0, 0, 0, 0],
    [44 / 45, -56 / 15, 32 / 9, 0, 0, 0, 0],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0, 0],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0, 0],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
]
_C = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
_ERROR = [-71 / 57600, 0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40]
_POWER = [
    [1, 0, 0, 0, 0, 0, 0],
    [
        -8048581381 / 2820520608, 0, 131558114200 / 32700410799, -1754552775 / 470086768,
        127303824393 / 49829197408, -282668133 / 205662961, 40617522 / 29380423,
    ],
    [
        8663915743 / 2820520608, 0, -68118460800 / 10900136933, 14199869525 / 1410260304,
        -318862633887 / 49829197408, 2019193451 / 616988883, -110615467 / 29380423,
    ],
    [
        -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072,
        701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423,
    ],
]  # fmt: skip

method = Method(
    name="dp5",
    class_name="DP5",
    kind=EXPLICIT,
    order=5,
    error_order=4,
    degree=4,
    interpolant_order=4,
    summary="explicit Runge-Kutta 5(4): the first choice where nothing is stiff",
    stability="explicit",
    source=Reference("J. R. Dormand, P. J. Prince, J. Comput. Appl. Math. 6 (1980) 19", "10.1016/0771-050X(80)90013-3"),
    tableau=explicit_tableau(np.array(_A), np.array(_C), np.array(_ERROR), np.array(_POWER), stability_limit=3.25),
    aliases=("rk45", "dopri5"),
)
