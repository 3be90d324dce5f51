"""Steps with dense factors are those with sparse ones; rows are exchanged where they must be."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import SimulationError
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel
from neurosim.kernels.small_lu import FEW
from neurosim.solve.integrator import Integrator

STEP = 0.125
ALPHA = 1.0 / (STEP * 0.21193756319429014)
"""1/(h gamma) of Rodas5P."""


@kernel
def coupled(context, u, p, memory, table, code, F, D):
    """``y' = A y - y^3``, A in the table by rows."""
    n = u.shape[0]
    for i in range(n):
        F[i, 0] = -(u[i, 0] ** 3)
        for j in range(n):
            F[i, 0] += table[i * n + j] * u[j, 0]
    if context[WANT_DERIVATIVES] != 0.0:
        for i in range(n):
            for j in range(n):
                D[i, j, 0] = table[i * n + j] - (3.0 * u[i, 0] ** 2 if i == j else 0.0)


def run(matrix: np.ndarray, y0: np.ndarray, **options) -> tuple[np.ndarray, Integrator]:
    integrator = Integrator(
        coupled, (0.0, 2.0), y0, "rodas5p", t_eval=np.linspace(0.1, 2.0, 7), table=matrix.ravel(), **options
    )
    return integrator.run(), integrator


@pytest.mark.parametrize("n", [1, 2, 3, 5, FEW])
def test_dense_factors_give_the_steps_of_sparse_ones(n):
    draw = np.random.default_rng(n)
    a = draw.normal(size=(n, n)) * 10.0 ** draw.uniform(0, 3, (n, 1)) - 50.0 * np.eye(n)
    y0 = draw.normal(size=n)
    found, small = run(a, y0, rtol=1e-7, atol=1e-9)
    # With an unknown that stands still the system is too large; the tolerances make up for it in the mean.
    wide = np.zeros((FEW + 1, FEW + 1))
    wide[:n, :n] = a
    share = np.sqrt(n / (FEW + 1))
    expected, large = run(wide, np.append(y0, np.zeros(FEW + 1 - n)), rtol=1e-7 * share, atol=1e-9 * share)
    np.testing.assert_allclose(found, expected[:, :n], rtol=1e-9, atol=1e-12)
    assert small.steps == large.steps


def test_rows_are_exchanged():
    # The first pivot of the matrix of a step vanishes, the matrix and the system are harmless.
    turn = np.array([[ALPHA, -100.0], [100.0, -100.0]])
    found, _ = run(turn, np.array([1.0, 0.5]), fixed_step=STEP)
    expected, _ = run(turn, np.array([1.0, 0.5]), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found[-1], expected[-1], atol=1e-3)


def test_a_singular_matrix_is_told():
    with pytest.raises(SimulationError, match="singular"):
        run(np.array([[ALPHA]]), np.array([0.0]), fixed_step=STEP)
