"""Columns in one group share no row, and a Jacobian comes back from the sums of the groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from neurosim.graph.assembly import assemble_graph
from neurosim.graph.drives import bind_drives
from neurosim.graph.law import DIRECTIONS
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.array_program import LAW_AT
from neurosim.kernels.column_groups import column_groups


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 2**31))
@settings(max_examples=100, deadline=None)
def test_no_two_columns_of_a_group_share_a_row(m: int, n: int, density: float, seed: int):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(m, n)) * (rng.random((m, n)) < density)
    rows, columns = np.nonzero(matrix)
    shuffled = rng.permutation(rows.size)
    groups = column_groups(rows[shuffled], columns[shuffled], n)
    sums = np.zeros((m, n))
    np.add.at(sums.T, groups, matrix.T)
    back = np.zeros((m, n))
    back[rows, columns] = sums[rows, groups[columns]]
    assert (back == matrix).all()


def test_a_band_needs_as_many_groups_as_it_is_wide():
    rows, columns = np.nonzero(np.abs(np.subtract.outer(np.arange(50), np.arange(50))) <= 2)
    assert column_groups(rows, columns, 50).max() == 4
    assert column_groups(*np.divmod(np.arange(400), 20), 20).max() == 19


def test_jacobian_of_a_sparse_graph_takes_few_directions():
    """Two states, one of them clocked between, with different rates, a sparse weight and an elementwise path."""
    rng, n = np.random.default_rng(0), 60
    graph = SignalGraph("sparse")
    graph.clock("c", 1.0)
    weight = sparse.csr_matrix(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.03))
    graph.parameter("W", weight)
    graph.parameter("w", rng.normal(size=n))
    graph.state("x", n, time_constant=rng.uniform(0.5, 2.0, n), leak=rng.uniform(0.5, 2.0, n))
    graph.state("k", 3, clock="c")
    graph.state("z", n, time_constant=3.0)
    graph.map("r", n, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    graph.connect("k", "x", target_part=(0, 3))
    graph.connect("r", "z", weight="w")
    graph.connect("z", "x", gain=0.5)
    graph.connect("x", "k", source_part=(0, 3))
    program = compile_graph(graph)
    assembly = assemble_graph(program, bind_drives(program.inputs, None, 1.0), derivatives=True)
    y = rng.normal(size=program.states.size)
    with np.errstate(invalid="ignore"):
        expected = (program.jacobian(y)[0] - np.diag(program.leak)) / program.time_constant[:, None]
    flows = ~program.is_clocked
    found = assembly.system.jacobian(0.0, y).toarray()
    assert np.abs(found[np.ix_(flows, flows)] - expected[np.ix_(flows, flows)]).max() < 1e-13
    assert not found[~flows].any()
    assert assembly.code[assembly.code[LAW_AT] + DIRECTIONS] < n // 3
