"""Row products of sparse matrices against SciPy."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import scipy.sparse as sp

from neurosim.kernels.sparse_product import row_product


def test_rows_of_any_length_equal_scipy() -> None:
    real, integer = numba.types.Array(numba.float64, 1, "C"), numba.types.Array(numba.int64, 1, "C")
    product = row_product.compiled

    @numba.njit(numba.void(real, integer, integer, real, real), error_model="numpy")
    def run(values, starts, places, x, y):
        for i in range(y.size):
            y[i] = product(values, starts[i], places, starts[i], x, 0, starts[i + 1] - starts[i])

    draw = np.random.default_rng(0)
    matrix = sp.csr_matrix(np.tril(draw.normal(size=(40, 40)), -1))
    x, y = draw.normal(size=40), np.empty(40)
    starts, places = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    run(matrix.data, starts, places, x, y)
    np.testing.assert_allclose(y, matrix @ x, rtol=1e-13, atol=1e-13)
    plain = [row_product(matrix.data, a, places, a, x, 0, b - a) for a, b in itertools.pairwise(starts)]
    np.testing.assert_allclose(plain, y, rtol=1e-13, atol=1e-13)
