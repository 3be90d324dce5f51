"""Layout of triangles in blocks of like rows and stretches of columns; that solves are right is tested with the LU."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.kernels import sparse_lu
from neurosim.kernels.triangles import IRREGULAR, NEXT, ONE_BY_ONE, SAME, SHORTEST, lay_out_rows, stretches


def crossbar(m: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of known voltage, a state at each crossing, columns with a load: [known, states, columns]."""
    n = 2 * m + m * m
    a = np.eye(n) * 4.0
    for i in range(m):
        for j in range(m):
            state, column = m + i * m + j, m + m * m + j
            a[state, i], a[state, column] = rng.standard_normal(2)
            a[column, state] = rng.standard_normal()
            a[column, i] = rng.standard_normal()
    return a


def factorise(a: np.ndarray) -> sparse_lu.Factorisation:
    columns, rows = np.nonzero(a.T)
    pointer = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=len(a)))])
    return sparse_lu.analyse(len(a), pointer, rows, a[rows, columns])


def test_an_array_of_like_parts_is_solved_in_blocks() -> None:
    rng = np.random.default_rng(3)
    m = 2 * SHORTEST
    a = crossbar(m, rng)
    f = factorise(a)
    assert f.status == 0
    in_blocks = f.lu.upper_kind != ONE_BY_ONE
    assert np.diff(f.lu.upper_run.astype(int))[in_blocks].sum() >= m * m
    assert set(f.lu.upper_slot.tolist()) & {SAME, NEXT}
    assert (f.lu.lower_stretch & 1).any()
    b = rng.standard_normal(len(a))
    np.testing.assert_allclose(a @ f.solve(b), b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(a.T @ f.solve(b, transposed=True), b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [SAME, NEXT, IRREGULAR])
def test_columns_side_by_side(kind: int) -> None:
    rows = 3 * SHORTEST
    columns = {
        SAME: np.full(rows, rows),
        NEXT: np.arange(rows, 2 * rows),
        IRREGULAR: rows + np.random.default_rng(0).permutation(rows),
    }[kind]
    n = 2 * rows
    order = np.lexsort((np.arange(rows), columns))
    start = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n))])
    level = np.where(np.arange(n) < rows, 0, -1)
    found = lay_out_rows(start, np.arange(rows)[order], level)
    assert found.kind.tolist() == [1, ONE_BY_ONE]
    assert found.run.tolist() == [0, rows, n]
    assert found.slot.tolist() == [kind]
    np.testing.assert_array_equal(found.column[:rows], columns)
    np.testing.assert_array_equal(found.place, order)


@given(st.lists(st.lists(st.integers(0, 60), unique=True, max_size=40), max_size=8))
def test_stretches_cover_each_column(columns: list[list[int]]) -> None:
    row = np.array([i for column in columns for i in sorted(column)], np.uint32)
    start = np.concatenate([[0], np.cumsum([len(column) for column in columns])]).astype(np.int64)
    found = stretches(start, row)
    for first, last in itertools.pairwise(start):
        p = first
        while p < last:
            length, follows = int(found[p] >> 1), found[p] & 1
            assert length >= (SHORTEST if follows else 1)
            assert not follows or (np.diff(row[p : p + length].astype(int)) == 1).all()
            p += length
        assert p == last
