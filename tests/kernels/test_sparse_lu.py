"""The fixed-pattern LU against SuperLU and dense algebra, on matrices as circuits make them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import structural_rank
from scipy.sparse.linalg import splu

from neurosim.errors import NeurosimError, ParameterError
from neurosim.kernels import elimination_order, sparse_lu
from neurosim.kernels.elimination_order import PIVOT_THRESHOLD
from neurosim.kernels.sparse_lu import Factorisation, SingularStructure, analyse, name_failure


class Stamps:
    """Modified nodal analysis by hand; node -1 is ground."""

    def __init__(self) -> None:
        self.entries: dict[tuple[int, int], float] = {}

    def add(self, i: int, j: int, value: float) -> None:
        if i >= 0 and j >= 0:
            self.entries[i, j] = self.entries.get((i, j), 0.0) + value

    def conductance(self, a: int, b: int, g: float) -> None:
        self.transconductance(a, b, a, b, g)

    def transconductance(self, a: int, b: int, c: int, d: int, g: float) -> None:
        for i, j, sign in ((a, c, 1), (a, d, -1), (b, c, -1), (b, d, 1)):
            self.add(i, j, sign * g)

    def branch(self, a: int, b: int, k: int, z: float = 0.0) -> None:
        """Voltage source (z = 0) or impedance z whose current is unknown k."""
        for node, sign in ((a, 1.0), (b, -1.0)):
            self.add(node, k, sign)
            self.add(k, node, sign)
        if z:
            self.add(k, k, -z)

    def matrix(self) -> sparse.csc_matrix:
        i, j = np.array(list(self.entries)).T
        n = int(max(i.max(), j.max())) + 1
        return sparse.csc_matrix((list(self.entries.values()), (i, j)), shape=(n, n))


def grid(side: int, rng: np.random.Generator, sources: int = 0) -> sparse.csc_matrix:
    s = Stamps()
    number = np.arange(side * side).reshape(side, side)
    for a, b in [*zip(number[:, :-1].ravel(), number[:, 1:].ravel()), *zip(number[:-1].ravel(), number[1:].ravel())]:
        s.conductance(a, b, 10 ** rng.uniform(-4, -2))
    s.conductance(0, -1, 1e-2)
    for k in range(sources):
        s.branch(number[k + 1, k], -1 if k % 2 else number[k, k + 1], side * side + k)
    return s.matrix()


def ladder(n: int, rng: np.random.Generator) -> sparse.csc_matrix:
    s = Stamps()
    s.branch(0, -1, n)
    for i in range(n - 1):
        s.conductance(i, i + 1, 10 ** rng.uniform(-4, -2))
        s.conductance(i + 1, -1, 10 ** rng.uniform(-6, -3))
    return s.matrix()


def floating_branches(n: int, rng: np.random.Generator) -> sparse.csc_matrix:
    """Chain of floating voltage sources and inductors, all with branch currents, half with a zero diagonal."""
    s = Stamps()
    for i in range(n):
        s.branch(i, i - 1, n + i, 10 ** rng.uniform(-6, 3) if i % 2 else 0.0)
        s.conductance(i, -1, 10 ** rng.uniform(-9, -1))
    return s.matrix()


def memristor_crossbar(m: int, rng: np.random.Generator) -> sparse.csc_matrix:
    """Every junction carries a state whose rate couples back to both voltages."""
    s = Stamps()
    unknown = 2 * m
    for i in range(m):
        s.branch(i, -1, unknown)
        s.conductance(m + i, -1, 1e-2)
        unknown += 1
    for i in range(m):
        for j in range(m, 2 * m):
            g = 10 ** rng.uniform(-5, -2)
            s.conductance(i, j, g)
            s.transconductance(i, j, unknown, -1, 1e-3 * rng.standard_normal())
            s.transconductance(unknown, -1, i, j, 1e4 * g)
            s.add(unknown, unknown, 1e9)
            unknown += 1
    return s.matrix()


FAMILIES = {
    "grid": lambda rng: grid(20, rng),
    "grid with sources": lambda rng: grid(15, rng, sources=8),
    "ladder": lambda rng: ladder(500, rng),
    "floating branches": lambda rng: floating_branches(200, rng),
    "memristor crossbar": lambda rng: memristor_crossbar(8, rng),
}


def factorise(a: sparse.csc_matrix) -> Factorisation:
    return analyse(a.shape[0], a.indptr, a.indices, a.data)


def backward_error(a: sparse.spmatrix, x: np.ndarray, b: np.ndarray) -> float:
    return float(np.max(np.abs(a @ x - b) / (abs(a) @ np.abs(x) + np.abs(b) + 1e-300)))


@pytest.mark.parametrize("family", FAMILIES)
def test_solutions_equal_those_of_superlu(family: str) -> None:
    rng = np.random.default_rng(3)
    a = FAMILIES[family](rng)
    b = rng.standard_normal(a.shape[0])
    factorisation = factorise(a)
    assert factorisation.status == 0
    reference = splu(a)
    for transposed in (False, True):
        x, expected = factorisation.solve(b, transposed=transposed), reference.solve(b, "T" if transposed else "N")
        assert np.abs(x - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("family", FAMILIES)
def test_new_values_on_the_old_pattern(family: str) -> None:
    rng = np.random.default_rng(4)
    a = FAMILIES[family](rng)
    b = rng.standard_normal(a.shape[0])
    factorisation = factorise(a)
    for _ in range(3):
        a.data *= rng.uniform(0.8, 1.25, a.nnz)
        assert factorisation.refactor(a.data) == 0
        assert backward_error(a, factorisation.solve(b), b) < 1e-11
        expected = splu(a).solve(b)
        assert np.abs(factorisation.solve(b) - expected).max() <= 1e-10 * np.abs(expected).max()


@given(st.integers(1, 14), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_random_network(nodes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    s = Stamps()
    for node in range(nodes):
        s.conductance(node, int(rng.integers(-1, node)) if node else -1, 10 ** rng.uniform(-5, 0))
    unknown = nodes
    for _ in range(int(rng.integers(0, nodes + 1))):
        a, b, c, d = (int(v) for v in rng.integers(-1, nodes, 4))
        kind = rng.integers(3)
        if kind == 0:
            s.transconductance(a, b, c, d, 10 ** rng.uniform(-5, 0))
        else:
            s.branch(a, b, unknown, 10 ** rng.uniform(-3, 3) if kind == 1 else 0.0)
            s.add(unknown, unknown, 0.0)
            unknown += 1
    a = s.matrix()
    n = a.shape[0]
    dense = a.toarray()
    if structural_rank(a) < n:
        with pytest.raises(SingularStructure) as refused:
            factorise(a)
        assert refused.value.rows.size == refused.value.columns.size == n - structural_rank(a)
        return
    factorisation = factorise(a)
    scaled = dense / np.abs(dense).max(1, initial=1e-300, keepdims=True)
    assume(np.linalg.cond(scaled) < 1e10)
    assert factorisation.status == 0
    b = rng.standard_normal(n)
    x = factorisation.solve(b)
    assert backward_error(a, x, b) < 1e-10
    sparse_lu.run_refine(factorisation.lu, a.data, b, x)
    assert backward_error(a, x, b) < 1e-14
    y = factorisation.solve(b, transposed=True)
    assert np.max(np.abs(dense.T @ y - b)) <= 1e-10 * (np.abs(dense.T) @ np.abs(y) + np.abs(b)).max()


def test_large_ladder_has_no_more_fill_than_a_tree() -> None:
    a = ladder(20_000, np.random.default_rng(0))
    assert factorise(a).fill <= 1.01 * a.nnz


def test_grid_fill_is_that_of_minimum_degree() -> None:
    a = grid(40, np.random.default_rng(0))
    assert factorise(a).fill < 1.2 * splu(a, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).nnz


def test_supply_rails_cost_no_fill() -> None:
    """Each node hangs between two of ten ideal supplies: its elimination must not couple the supplies."""
    nodes, rails, s = 300, 10, Stamps()
    rng = np.random.default_rng(2)
    for k in range(rails):
        s.branch(nodes + k, -1, nodes + rails + k)
    for i in range(nodes):
        for k in rng.choice(rails, 2, replace=False):
            s.conductance(i, nodes + int(k), rng.uniform(1e-4, 1e-3))
    a = s.matrix()
    assert factorise(a).fill == a.nnz
    assert factorise(a.T.tocsc()).fill == a.nnz


def test_driven_crossbar_costs_no_fill() -> None:
    """Ideal sources fix the row voltages, so that the columns decouple."""
    m, s = 30, Stamps()
    for i in range(m):
        s.branch(i, -1, 2 * m + i)
        s.conductance(m + i, -1, 1e-2)
        for j in range(m):
            s.conductance(i, m + j, 1e-4 * (1 + i + j))
    a = s.matrix()
    assert factorise(a).fill == a.nnz


@pytest.mark.parametrize("family", FAMILIES)
def test_units_of_the_equations_do_not_matter(family: str) -> None:
    """Rows in other units give the same pivots and the same bits."""
    rng = np.random.default_rng(9)
    a = FAMILIES[family](rng)
    b = rng.standard_normal(a.shape[0])
    units = 2.0 ** rng.integers(-40, 40, a.shape[0])
    plain, scaled = factorise(a), factorise((sparse.diags(units) @ a).tocsc())
    np.testing.assert_array_equal(scaled.lu.row_order, plain.lu.row_order)
    np.testing.assert_array_equal(scaled.solve(units * b), plain.solve(b))


def test_rows_are_paired_by_large_entries() -> None:
    a = sparse.csc_matrix(np.array([[0.0, 1e-9, 1.0], [1.0, 0.0, 1e-9], [1e-9, 1.0, 0.0]]))
    row_of_column, column_of_row = elimination_order.match_rows(
        a.indptr.astype(np.int64), a.indices.astype(np.int64), a.data
    )
    assert row_of_column.tolist() == [1, 2, 0]
    assert column_of_row.tolist() == [2, 0, 1]


def test_pattern_is_kept_where_values_are_zero() -> None:
    a = grid(6, np.random.default_rng(1))
    start = a.copy()
    start.data[::3] = 0.0
    factorisation = factorise(start)
    assert factorisation.refactor(a.data) == 0
    b = np.arange(36.0)
    assert backward_error(a, factorisation.solve(b), b) < 1e-13


def test_all_zero_values_still_give_a_pattern() -> None:
    a = floating_branches(10, np.random.default_rng(1))
    factorisation = analyse(20, a.indptr, a.indices, np.zeros(a.nnz))
    assert factorisation.status > 0
    again = factorisation.reanalyse(a.data)
    assert again.status == 0
    b = np.ones(20)
    assert backward_error(a, again.solve(b), b) < 1e-12


def test_structurally_singular_is_named() -> None:
    s = Stamps()
    s.conductance(0, -1, 1.0)
    s.branch(1, -1, 2)
    s.branch(1, -1, 3)
    with pytest.raises(SingularStructure, match="structurally singular") as caught:
        factorise(s.matrix())
    assert isinstance(caught.value, NeurosimError)
    assert set(caught.value.columns.tolist()) <= {2, 3}
    assert set(caught.value.rows.tolist()) <= {2, 3}
    assert caught.value.rows.size == 1


def test_unknown_without_equation_is_named() -> None:
    a = sparse.csc_matrix(([1.0, 2.0], ([0, 2], [0, 2])), shape=(3, 3))
    with pytest.raises(SingularStructure) as caught:
        factorise(a)
    assert caught.value.rows.tolist() == caught.value.columns.tolist() == [1]


@pytest.mark.parametrize("seed", range(10))
def test_floating_network_is_numerically_singular(seed: int) -> None:
    rng = np.random.default_rng(seed)
    s = Stamps()
    s.conductance(6, -1, 1.0)
    for i in range(6):
        for j in range(i):
            s.conductance(i, j, rng.uniform(1.0, 2.0))
    status = factorise(s.matrix()).status
    assert 1 <= status <= 6
    assert name_failure(status, list("abcdefg")) == (
        f"the matrix is singular or not finite at unknown '{'abcdefg'[status - 1]}'"
    )


def test_gmin_keeps_a_floating_network_regular() -> None:
    s = Stamps()
    s.conductance(0, 1, 1.0)
    s.conductance(1, -1, 1e-12)
    factorisation = factorise(s.matrix())
    assert factorisation.status == 0
    assert factorisation.solve(np.array([1.0, 0.0]))[1] == pytest.approx(1e12, rel=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_reported_by_column(bad: float) -> None:
    a = ladder(30, np.random.default_rng(0))
    factorisation = factorise(a)
    columns = np.repeat(np.arange(31), np.diff(a.indptr))
    for p in range(a.nnz):
        values = a.data.copy()
        values[p] = bad
        assert factorisation.refactor(values) == columns[p] + 1
    assert factorisation.refactor(a.data) == 0
    b = np.ones(31)
    assert backward_error(a, factorisation.solve(b), b) < 1e-13
    values[0] = bad
    with pytest.raises(ParameterError, match="not finite"):
        factorisation.reanalyse(values)


def test_small_pivot_asks_for_a_new_analysis() -> None:
    def matrix(diagonal: float) -> sparse.csc_matrix:
        return sparse.csc_matrix(np.array([[diagonal, 1.0, 0.5], [1.0, 1.0, 0.2], [0.3, 0.4, 1.0]]))

    factorisation = factorise(matrix(1.0))
    first = int(factorisation.lu.column_order[0])
    b = np.array([1.0, 2.0, 4.0])
    dense = matrix(1.0).toarray()
    dense[first, first] = 1e-11
    a = sparse.csc_matrix(dense)
    status = factorisation.refactor(a.data)
    assert status == -(first + 1)
    assert "too small" in name_failure(status, lambda k: f"v({k})")
    again = factorisation.reanalyse(a.data)
    assert again.status == 0
    np.testing.assert_allclose(again.solve(b), np.linalg.solve(dense, b), rtol=1e-13)
    assert np.abs(again.lu.lower).max() <= 1 / PIVOT_THRESHOLD
    assert factorisation.refactor(matrix(1.0).data) == 0
    np.testing.assert_allclose(factorisation.solve(b), np.linalg.solve(matrix(1.0).toarray(), b), rtol=1e-13)


@pytest.mark.parametrize("step", [1e-15, 1e-9, 1e-3])
def test_badly_scaled_charge_equations(step: float) -> None:
    """Charges of femtofarads beside volts: rows and columns differ by many powers of ten."""
    rng = np.random.default_rng(5)
    s, n = Stamps(), 60
    for i in range(n):
        s.conductance(i, i - 1, 10 ** rng.uniform(-6, 0))
        s.add(i, n + i, 1 / step)
        s.add(n + i, n + i, 1.0)
        s.add(n + i, i, -(10 ** rng.uniform(-15, -9)))
    a = s.matrix()
    b = rng.standard_normal(2 * n)
    factorisation = factorise(a)
    assert factorisation.status == 0
    x = factorisation.solve(b)
    assert backward_error(a, x, b) < 1e-9
    sparse_lu.run_refine(factorisation.lu, a.data, b, x)
    assert backward_error(a, x, b) < 1e-15


def test_refinement_reports_the_change_it_made() -> None:
    rng = np.random.default_rng(6)
    a = grid(5, rng)
    b = rng.standard_normal(25)
    factorisation = factorise(a)
    exact = factorisation.solve(b)
    x = exact.copy()
    x[7] += 1.0
    assert sparse_lu.run_refine(factorisation.lu, a.data, b, x) == pytest.approx(1.0, rel=1e-10)
    np.testing.assert_allclose(x, exact, rtol=1e-10)


def test_copies_work_in_threads() -> None:
    rng = np.random.default_rng(7)
    a = grid(12, rng)
    b = rng.standard_normal(144)
    original = factorise(a)

    def solve(factor: float) -> np.ndarray:
        own = original.copy()
        for name in ("lower", "upper", "inverse_pivot", "work", "correction"):
            assert not np.shares_memory(getattr(own.lu, name), getattr(original.lu, name))
        for _ in range(50):
            assert own.refactor(a.data * factor) == 0
        return own.solve(b) * factor

    with ThreadPoolExecutor(4) as pool:
        for x in pool.map(solve, [1.0, 2.0, 0.5, 4.0]):
            np.testing.assert_array_equal(x, original.solve(b))


def test_compiled_and_interpreted_code_agree() -> None:
    a = grid(5, np.random.default_rng(8), sources=2)
    factorisation, plain = factorise(a), factorise(a).copy().lu
    with np.errstate(all="raise"):
        assert sparse_lu.refactor(plain, a.data) == 0
    np.testing.assert_allclose(plain.lower, factorisation.lu.lower, rtol=1e-13)
    np.testing.assert_allclose(plain.upper, factorisation.lu.upper, rtol=1e-13)
    b = np.arange(27.0)
    sparse_lu.solve(plain, b)
    np.testing.assert_allclose(b, factorisation.solve(np.arange(27.0)), rtol=1e-12)


def test_one_unknown() -> None:
    factorisation = analyse(1, np.array([0, 1]), np.array([0]), np.array([4.0]))
    assert factorisation.solve(np.array([2.0])).tolist() == [0.5]
    assert factorisation.refactor(np.array([0.0])) == 1


@pytest.mark.parametrize(
    ("n", "pointer", "rows", "values", "message"),
    [
        (2, [0, 1], [0], [1.0], "n \\+ 1 = 3"),
        (1, [1, 1], [], [], "rise from 0"),
        (2, [0, 2, 1], [0], [1.0], "rise from 0"),
        (2, [0, 1, 2], [0], [1.0], "must have column_pointer"),
        (2, [0, 1, 2], [0, 1], [1.0], "must have column_pointer"),
        (2, [0, 1, 2], [0, 2], [1.0, 1.0], "lie in 0..1"),
        (2, [0, 2, 3], [1, 1, 0], [1.0, 1.0, 1.0], "position twice"),
        (2, [0, 1, 2], [0, 1], [1.0, np.nan], "row 1, column 1 is not finite"),
    ],
)
def test_malformed_input_is_refused(n: int, pointer: list, rows: list, values: list, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        analyse(n, np.array(pointer), np.array(rows, np.int64), np.array(values))


def test_pivots_are_judged_beside_the_scale_of_the_values():
    """The row of a state under a beta of 1e15 gets a scale that makes its pivot tiny under any other."""
    pattern = sparse.csc_matrix([[1.0, 1.0], [1.0, 1.0]])

    def values(beta: float) -> np.ndarray:
        return np.array([beta, -1e-3, -1e3, 1e-2])

    found = analyse(2, pattern.indptr, pattern.indices, values(1e15))
    assert found.refactor(values(1e4)) < 0
    rescaled = found.rescale(values(1e4))
    assert rescaled.refactor(values(1e4)) == 0
    dense = values(1e4).reshape(2, 2).T
    np.testing.assert_allclose(rescaled.solve(np.array([1.0, 2.0])), np.linalg.solve(dense, [1.0, 2.0]), rtol=1e-14)
    assert found.refactor(values(1e15)) == 0
