"""Systems of a graph's Laplacian: every kind of solver against a dense reference, known resistances, refusals."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import abi, approximate_cholesky
from neurosim.kernels.abi import driver
from neurosim.kernels.laplacian import solve_laplacian
from neurosim.kernels.laplacian_arrays import IS_STALE, NO_FACTOR, laplacian_type
from neurosim.memristive.plan import KINDS, LaplacianSolver, plan_laplacian

TOLERANCE = 1e-13


def incidence(nodes, tail, head):
    B = np.zeros((nodes, len(tail)))
    B[tail, np.arange(len(tail))] += 1.0
    B[head, np.arange(len(tail))] -= 1.0
    return B


def reference(solver: LaplacianSolver, g, b):
    """Solution by a dense factorisation of all equations, refined once."""
    B = incidence(solver.nodes, solver.tail, solver.head)
    L = B * g @ B.T
    given_nodes = np.r_[solver.fixed, solver.grounded]
    L[given_nodes] = 0.0
    L[given_nodes, given_nodes] = 1.0
    b = np.array(b, float)
    b[solver.grounded] = 0.0
    p = np.linalg.solve(L, b)
    return p + np.linalg.solve(L, b - L @ p)


def conditioned(solver: LaplacianSolver, g) -> float:
    B = incidence(solver.nodes, solver.tail, solver.head)
    free = np.setdiff1d(np.arange(solver.nodes), np.r_[solver.fixed, solver.grounded])
    return float(np.linalg.cond((B * g @ B.T)[np.ix_(free, free)])) if free.size else 1.0


@st.composite
def graphs(draw):
    """Random graphs with parallel edges, components (single nodes too), and fixed nodes."""
    seed = draw(st.integers(0, 2**31))
    nodes = draw(st.integers(1, 40))
    rng = np.random.default_rng(seed)
    m = draw(st.integers(0, 3 * nodes)) if nodes > 1 else 0
    tail = rng.integers(0, nodes, m)
    head = (tail + rng.integers(1, nodes, m)) % nodes if m else tail
    fixed = rng.choice(nodes, draw(st.integers(0, min(4, nodes))), replace=False)
    decades = draw(st.sampled_from([0.0, 1.0, 2.2]))
    return nodes, tail, head, fixed, 10.0 ** rng.uniform(-decades, 0.0, m), rng


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None)
@given(graph=graphs())
def test_every_kind_equals_the_dense_reference(kind, graph):
    nodes, tail, head, fixed, g, rng = graph
    solver = plan_laplacian(nodes, tail, head, fixed, kind=kind, tolerance=TOLERANCE)
    b = rng.normal(size=(nodes, 3))
    for again in range(2):
        p = solver.solve(g, b)
        exact = reference(solver, g, b)
        size = np.abs(exact).max()
        allowed = 1e-12 if kind != "conjugate_gradients" else max(1e-12, 4 * TOLERANCE * conditioned(solver, g))
        assert np.abs(p - exact).max() <= allowed * size
        np.testing.assert_array_equal(p[solver.fixed], b[solver.fixed])
        assert not p[solver.grounded].any()
        # The factor is used again for another right-hand side.
        other = solver.solve(None, b[:, 0] + b[:, 1])
        assert np.abs(other - (exact[:, 0] + exact[:, 1])).max() <= 2 * allowed * size
        g = g * (1.0 + again)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("graph", ["grid", "small world", "chain with loops"])
def test_larger_graphs(kind, graph):
    rng = np.random.default_rng(3)
    g = {
        "grid": lambda: networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(18, 23)),
        "small world": lambda: networkx.watts_strogatz_graph(300, 4, 0.1, seed=1),
        "chain with loops": lambda: networkx.compose(networkx.path_graph(400), networkx.cycle_graph(150)),
    }[graph]()
    tail, head = np.array(g.edges).T
    nodes = g.number_of_nodes()
    solver = plan_laplacian(nodes, tail, head, [0, 7], kind=kind, tolerance=1e-12)
    conductance = 1.0 / (1.0 + 159.0 * rng.random(tail.size))
    b = rng.normal(size=nodes)
    exact = reference(solver, conductance, b)
    # Chains of 400 resistors have condition numbers of 1e6.
    assert np.abs(solver.solve(conductance, b) - exact).max() <= 1e-9 * np.abs(exact).max()
    B = incidence(nodes, tail, head)
    p = solver.solve(conductance, b)
    free = np.setdiff1d(np.arange(nodes), [0, 7])
    assert np.linalg.norm((B @ (conductance * (B.T @ p)) - b)[free]) <= 1e-10 * np.linalg.norm(b)


def resistance(kind, graph, a, b):
    tail, head = np.array(graph.edges).T
    solver = plan_laplacian(graph.number_of_nodes(), tail, head, kind=kind, tolerance=1e-13)
    current = np.zeros(graph.number_of_nodes())
    current[a], current[b] = 1.0, -1.0
    p = solver.solve(np.ones(tail.size), current)
    return p[a] - p[b]


@pytest.mark.parametrize("kind", KINDS)
def test_effective_resistances_of_known_graphs(kind):
    for n in (2, 3, 10, 30):
        assert resistance(kind, networkx.complete_graph(n), 0, n - 1) == pytest.approx(2.0 / n, rel=1e-11)
        assert resistance(kind, networkx.path_graph(n), 0, n - 1) == pytest.approx(n - 1, rel=1e-11)
        if n > 2:
            assert resistance(kind, networkx.cycle_graph(n), 0, 1) == pytest.approx((n - 1) / n, rel=1e-11)
    ladder, expected = networkx.ladder_graph(20), 1.0
    for _ in range(19):
        # A rung beside two rails with the ladder that follows.
        expected = 1.0 / (1.0 + 1.0 / (2.0 + expected))
    assert resistance(kind, ladder, 0, 20) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_conductance_that_is_not_positive_is_refused_with_its_edge(kind, bad):
    tail, head = np.array(networkx.cycle_graph(12).edges).T
    solver = plan_laplacian(12, tail, head, kind=kind)
    g = np.ones(12)
    g[5] = bad
    with pytest.raises(ParameterError, match=r"edge 5 \(node \d+ to node \d+\): its conductance"):
        solver.solve(g, np.zeros(12))
    with pytest.raises(ParameterError, match="no conductances were given"):
        solver.solve(None, np.zeros(12))
    current = np.eye(12)[0] - np.eye(12)[6]
    p = solver.solve(np.ones(12), current)
    assert p[0] - p[6] == pytest.approx(3.0)


def test_bad_graphs_are_refused_by_name():
    for arguments, message in [
        ((3, [0, 1], [1, 1]), "edge 1 joins node 1 with itself"),
        ((3, [0, 1], [1, 3]), "edge 1: its head 3 is not a node"),
        ((3, [0, -1], [1, 2]), "edge 1: its tail -1"),
        ((3, [0], [1, 2]), "1 tails but 2 heads"),
        ((3, [0], [1], [3]), "fixed node 3"),
    ]:
        with pytest.raises(ParameterError, match=message):
            plan_laplacian(*arguments)
    with pytest.raises(ParameterError, match="kind 'lu'"):
        plan_laplacian(2, [0], [1], kind="lu")
    with pytest.raises(ParameterError, match="tolerance"):
        plan_laplacian(2, [0], [1], tolerance=0.0)
    solver = plan_laplacian(2, [0], [1])
    with pytest.raises(ParameterError, match="g has shape"):
        solver.solve(np.ones(2), np.zeros(2))
    with pytest.raises(ParameterError, match="b has shape"):
        solver.solve(np.ones(1), np.zeros(3))


def test_conductances_too_far_apart_are_an_error_and_not_a_wrong_result():
    # 1e-40 beside 1: the pivot of the lonely pair is rounded away.
    solver = plan_laplacian(3, [0, 1], [1, 2], [2], kind="dense")
    with pytest.raises(SimulationError, match="too far apart"):
        solver.solve(np.array([1.0, 1e-40]), np.array([1.0, 0.0, 0.0]))


@pytest.mark.parametrize("kind", KINDS)
def test_few_changed_edges(kind):
    rng = np.random.default_rng(4)
    graph = networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(9, 11))
    tail, head = np.array(graph.edges).T
    solver = plan_laplacian(99, tail, head, [3, 40], kind=kind, tolerance=1e-13)
    g, b = rng.uniform(0.1, 1.0, tail.size), rng.normal(size=(99, 2))
    solver.solve(g, b)
    changed, calls = g.copy(), []
    # An avalanche: edges on top of those that changed already, one of them at a fixed node.
    at_fixed = int(np.flatnonzero(tail == 40)[-1])
    for edges in ([5], [5, 77], [5, 77, at_fixed, 120]):
        changed[edges] = rng.uniform(0.01, 100.0, len(edges))
        p = solver.solve_changed(edges, changed[edges] - g[edges], b)
        exact = reference(solver, changed, b)
        assert np.abs(p - exact).max() <= 1e-9 * np.abs(exact).max()
        calls.append(len(solver._columns or {}))
    assert calls == [1, 2, 4]
    np.testing.assert_allclose(solver.solve_changed([2], [0.0], b), solver.solve(None, b), rtol=1e-10)
    with pytest.raises(ParameterError, match=r"edge 7 .*not positive"):
        solver.solve_changed([7], [-g[7]], b)
    with pytest.raises(ParameterError, match="each edge once"):
        solver.solve_changed([7, 7], [1.0, 1.0], b)


def _repeat_signature():
    from numba import types

    reals = types.Array(types.f8, 1, "C")
    return types.i8(laplacian_type(), reals, reals, reals, types.i8)


@driver(_repeat_signature)
def call_from_compiled_code(arrays, g, b, p, refresh):
    return solve_laplacian(arrays, g, b, p, refresh)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_code_solves_and_reports(kind):
    solver = plan_laplacian(4, [0, 1, 2, 3, 0], [1, 2, 3, 0, 1], [0], kind=kind, tolerance=1e-12)
    g, b, p = np.ones(5), np.array([2.0, 1.0, 0.0, -1.0]), np.zeros(4)
    assert call_from_compiled_code(solver.arrays, g, b, p, 0) == NO_FACTOR
    assert call_from_compiled_code(solver.arrays, g, b, p, 1) == 0
    np.testing.assert_allclose(p, reference(solver, g, b), rtol=1e-11)
    assert call_from_compiled_code(solver.arrays, g, p.copy(), p, 0) == 0
    g[3] = -1.0
    assert call_from_compiled_code(solver.arrays, g, b, p, 1) == 4
    assert call_from_compiled_code(solver.arrays, g, b, p, 0) == NO_FACTOR


def test_nothing_is_compiled_for_a_new_graph():
    for kind in KINDS:
        plan_laplacian(30, np.arange(29), np.arange(1, 30), kind=kind).solve(np.ones(29), np.zeros(30))
    plan_laplacian(200, np.arange(199), np.arange(1, 200)).solve(np.ones(199), np.zeros(200))
    before = abi.compilations()
    graph = networkx.random_regular_graph(4, 120, seed=2)
    tail, head = np.array(graph.edges).T
    for kind in KINDS:
        plan_laplacian(120, tail, head, [1], kind=kind).solve(np.ones(tail.size), np.ones(120))
    assert abi.compilations() == before


def test_conjugate_gradients_start_from_earlier_solutions_and_renew_an_old_factor():
    rng = np.random.default_rng(5)
    graph = networkx.watts_strogatz_graph(2000, 4, 0.1, seed=1)
    tail, head = np.array(graph.edges).T
    solver = plan_laplacian(2000, tail, head, kind="conjugate_gradients", tolerance=1e-8)
    b, w = rng.normal(size=2000), rng.random(tail.size)
    drift = rng.normal(size=tail.size)
    taken, previous = [], 0.0
    for k in range(6):
        solver.solve(1.0 / (1.0 + 159.0 * np.clip(w + 1e-4 * k * drift, 0.0, 1.0)), b)
        total = solver.iterations * (k + 1)
        taken.append(total - previous)
        previous = total
    assert max(taken[3:]) < 0.7 * taken[0]
    assert solver.rebuilt == 1
    # A wholly different network: the factor is no good, which is noticed at once, and the result is right.
    g = 10.0 ** rng.uniform(-6.0, 0.0, tail.size)
    p = solver.solve(g, b)
    assert solver.rebuilt >= 2
    B = incidence(2000, tail, head)
    rest = B @ (g * (B.T @ p)) - b
    rest[solver.grounded] = 0.0
    assert np.linalg.norm(rest) <= 1e-6 * np.linalg.norm(b)
    assert solver.arrays.state[IS_STALE] in (0, 1)


def test_a_run_can_be_repeated_to_the_last_bit():
    graph = networkx.watts_strogatz_graph(500, 4, 0.1, seed=1)
    tail, head = np.array(graph.edges).T
    g, b = np.linspace(0.1, 1.0, tail.size), np.sin(np.arange(500.0))
    one, two = (plan_laplacian(500, tail, head, kind="conjugate_gradients").solve(g, b) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_the_choice_follows_the_graph():
    def chosen(graph):
        tail, head = np.array(graph.edges).T
        return plan_laplacian(graph.number_of_nodes(), tail, head)

    assert chosen(networkx.complete_graph(12)).kind == "dense"
    grid = chosen(networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(40, 40)))
    assert grid.kind == "sparse_cholesky"
    text = grid.explain()
    assert "-> sparse_cholesky" in text
    assert "conjugate_gradients" in text
    assert "1600 nodes, 3120 edges: 1599 unknowns" in text
    world = chosen(networkx.watts_strogatz_graph(12000, 4, 0.1, seed=1))
    assert world.kind == "conjugate_gradients", world.explain()
    assert "1 loops" in chosen(networkx.cycle_graph(500)).explain()


def test_parts_of_a_graph_change_the_order_and_nothing_else(monkeypatch):
    draw = np.random.default_rng(2)
    graph = networkx.watts_strogatz_graph(600, 4, 0.1, seed=4)
    tail, head = np.array(graph.edges).T
    g, b = draw.uniform(0.1, 10.0, tail.size), draw.normal(size=600)
    exact = plan_laplacian(600, tail, head, kind="sparse_cholesky").solve(g, b)
    iterations = []
    for size in (10**6, 37):
        monkeypatch.setattr(approximate_cholesky, "PART", size)
        solver = plan_laplacian(600, tail, head, kind="conjugate_gradients", tolerance=1e-12)
        assert np.array_equal(np.sort(solver.arrays.node), np.setdiff1d(np.arange(600), solver.grounded))
        np.testing.assert_allclose(solver.solve(g, b), exact, atol=1e-9 * np.abs(exact).max())
        iterations.append(solver.iterations)
    assert abs(iterations[1] - iterations[0]) <= 5
