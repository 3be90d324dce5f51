"""Array programs against NumPy, and their derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.functions import FUNCTIONS
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph

N = 5
SMOOTH = [name for name in FUNCTIONS if name not in ("sign", "heaviside")]
POSITIVE = ("sqrt", "log", "power", "reciprocal")


def elman(rng: np.random.Generator) -> SignalGraph:
    graph = SignalGraph("elman")
    graph.port("u", 3)
    graph.state("h", N, time_constant=1.0)
    graph.map("r", N, "tanh", bias="b")
    graph.port("y", 2, output=True)
    for name, shape in (("U", (N, 3)), ("W", (N, N)), ("V", (2, N)), ("b", (N,))):
        graph.parameter(name, rng.normal(size=shape))
    graph.connect("u", "r", weight="U")
    graph.connect("h", "r", weight="W")
    graph.connect("r", "h")
    graph.connect("h", "y", weight="V")
    return graph


def check_derivatives(
    program: Program, rng: np.random.Generator, y: np.ndarray, u: np.ndarray, tolerance: float
) -> None:
    """Products with the Jacobian against central differences, transposed ones against those."""
    dy, du, dg = rng.normal(size=y.shape), rng.normal(size=u.shape), rng.normal(size=y.shape)
    e = 1e-6
    forward = program.jvp(y, u, dy, du)
    difference = (program.drive(y + e * dy, u + e * du) - program.drive(y - e * dy, u - e * du)) / (2 * e)
    scale = 1.0 + np.abs(difference).max()
    assert np.abs(forward - difference).max() < tolerance * scale
    back_y, back_u, back_p = program.vjp(y, u, dg)
    assert (back_y * dy).sum() + (back_u * du).sum() == pytest.approx((dg * forward).sum(), rel=1e-10, abs=1e-10)
    dp, p = rng.normal(size=back_p.size), program.p[: back_p.size]
    up, down = (program.with_parameters(p + s * e * dp).drive(y, u) for s in (1, -1))
    wanted = (dg * (up - down) / (2 * e)).sum()
    assert (back_p * dp).sum() == pytest.approx(wanted, rel=tolerance * 10, abs=tolerance * scale)


def test_elman_is_its_formula():
    rng = np.random.default_rng(0)
    graph = elman(rng)
    program, w = compile_graph(graph), graph.weights()
    y, u = rng.normal(size=(4, N)), rng.normal(size=(4, 3))
    assert program.drive(y, u) == pytest.approx(np.tanh(u @ w["U"].T + y @ w["W"].T + w["b"]), abs=1e-14)
    assert program.output(y, u) == pytest.approx(y @ w["V"].T, abs=1e-14)
    assert program.flow(y, u) == pytest.approx(program.drive(y, u) - y, abs=1e-15)
    check_derivatives(program, rng, y, u, 1e-8)
    jacobian, by_input = program.jacobian(y[0], u[0])
    slope = 1.0 - program.drive(y[0], u[0]) ** 2
    assert jacobian == pytest.approx(slope[:, None] * w["W"], abs=1e-14)
    assert by_input == pytest.approx(slope[:, None] * w["U"], abs=1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_every_function_has_its_derivatives(name: str):
    """In place and behind another use, whole and in a part of an array; positive arguments where needed."""
    rng = np.random.default_rng(1)
    graph = SignalGraph(name)
    graph.port("u", N)
    graph.state("x", N, time_constant=1.0)
    graph.map("a", N, name, gain=0.7)
    graph.map("b", N, name)
    graph.parameter("W", rng.uniform(0.1, 1.0, (N, N)))
    graph.parameter("w", rng.uniform(0.1, 1.0, 3))
    graph.connect("u", "a", weight="W")
    graph.connect("x", "a", weight="w", source_part=(1, 4), target_part=(0, 3))
    graph.connect("u", "b")
    graph.connect("a", "x", gain=0.5)
    graph.connect("b", "x")
    program = compile_graph(graph)
    y, u = rng.normal(size=(3, N)), rng.normal(size=(3, N))
    if name in POSITIVE:
        y, u = np.abs(y) + 0.3, np.abs(u) + 0.3
    check_derivatives(program, rng, y, u, 1e-7)


def test_functions_agree_with_numpy():
    rng = np.random.default_rng(2)
    x = rng.uniform(0.05, 2.0, (3, 4)) * np.array([1, 1, 1, 1])
    e = np.exp(x - x.max(-1, keepdims=True))
    expected = {
        "identity": x, "tanh": np.tanh(x), "logistic": 1 / (1 + np.exp(-x)), "relu": np.maximum(x, 0),
        "softplus": np.log1p(np.exp(x)), "exp": np.exp(x), "sign": np.sign(x), "heaviside": np.heaviside(x, 0),
        "hard_tanh": np.clip(x, -1, 1), "hard_logistic": np.clip(x / 6 + 0.5, 0, 1), "complement": 1 - x,
        "leaky_relu": np.where(x > 0, x, 0.01 * x), "square": x**2, "sin": np.sin(x), "gaussian": np.exp(-(x**2)),
        "softmax": e / e.sum(-1, keepdims=True), "normalise": x / np.sqrt((x**2).sum(-1, keepdims=True) + 1e-12),
        "cumulative_sum": np.cumsum(x, -1), "cumulative_product": np.cumprod(x, -1), "reciprocal": 1 / x,
        "log": np.log(x), "abs": np.abs(x), "sqrt": np.sqrt(x), "power": x**2.0,
        "bernoulli": x / np.expm1(x),
    }  # fmt: skip
    assert set(expected) == set(FUNCTIONS)
    for name, wanted in expected.items():
        graph = SignalGraph(name)
        graph.port("u", 4)
        graph.state("x", 4, time_constant=1.0)
        graph.map("f", 4, name)
        graph.connect("u", "f")
        graph.connect("f", "x")
        assert compile_graph(graph).drive(np.zeros((3, 4)), x) == pytest.approx(wanted, rel=4e-16, abs=1e-15), name


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_weights_dense_and_sparse_both_ways(transpose: bool, is_sparse: bool):
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(N, 7) if transpose else (7, N)) * (rng.random((N, 7) if transpose else (7, N)) < 0.4)
    graph = SignalGraph("weights")
    graph.state("x", N, time_constant=1.0)
    graph.state("z", 7, time_constant=2.0)
    graph.map("f", 7, "tanh")
    graph.parameter("W", sparse.csr_matrix(matrix) if is_sparse else matrix)
    graph.connect("x", "f", weight="W", transpose=transpose, gain=-2.0)
    graph.connect("f", "z")
    graph.connect("z", "x", weight="W", transpose=not transpose)
    program = compile_graph(graph)
    y = rng.normal(size=(2, N + 7))
    a = matrix.T if transpose else matrix
    expected = np.hstack([y[:, N:] @ a, np.tanh(-2.0 * y[:, :N] @ a.T)])
    assert program.drive(y) == pytest.approx(expected, abs=1e-13)
    check_derivatives(program, rng, y, np.zeros((2, 0)), 1e-7)


@pytest.mark.parametrize(
    ("form", "weight"),
    [
        ("jik,i,k->j", (6, 4, 3)), ("i,i->i", None), ("i,k->ik", None), ("ik,k->i", (4, 3)), ("ik,i,k->", (4, 3)),
        ("ab,b,b->a", (6, 3)),
    ],
)  # fmt: skip
def test_contractions_agree_with_einsum(form: str, weight: tuple[int, ...] | None):
    rng = np.random.default_rng(4)
    left, _, result = form.partition("->")
    terms = left.split(",")
    extents = {"i": 4, "k": 3, "j": 6, "a": 6, "b": 3}
    graph = SignalGraph("contraction")
    shape = tuple(extents[c] for c in result) or (1,)
    graph.state("x", shape, time_constant=1.0)
    operands = terms[1:] if weight else terms
    if weight:
        graph.parameter("W", rng.normal(size=weight))
    graph.product("p", shape, form, weight="W" if weight else None)
    for number, term in enumerate(operands):
        graph.port(f"u{number}", tuple(extents[c] for c in term))
        graph.connect(f"u{number}", "p", slot=number)
    graph.connect("p", "x")
    program = compile_graph(graph)
    u = rng.normal(size=(3, program.inputs.size))
    y = rng.normal(size=(3, program.states.size))
    for row, value in zip(u, program.drive(y, u), strict=True):
        arrays = [row[s].reshape(program.inputs.shapes[n]) for n, s in program.inputs.slices.items()]
        wanted = np.einsum(form, *([graph.weights()["W"]] if weight else []), *arrays)
        assert value == pytest.approx(wanted.ravel(), rel=1e-12)
    check_derivatives(program, rng, y, u, 1e-7)
    program.jacobian(y[0], u[0])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_random_graphs_linearise_and_transpose(seed: int, samples: int):
    """Layered graphs of random functions, products, parts and states."""
    rng = np.random.default_rng(seed)
    graph = SignalGraph("random")
    graph.port("u", 3)
    names = ["u"]
    for k in range(2):
        graph.state(f"x{k}", int(rng.integers(1, 10)), time_constant=1.0 + k)
        names.append(f"x{k}")
    for k in range(6):
        size = int(rng.integers(1, 10))
        if k % 3 == 2:
            graph.product(f"n{k}", size)
        else:
            graph.map(f"n{k}", size, str(rng.choice(["tanh", "logistic", "softmax", "sin", "identity", "softplus"])))
        for slot in range(2):
            source = str(rng.choice(names))
            graph.parameter(f"W{k}{slot}", rng.normal(size=(size, graph.size_of(source))))
            graph.connect(source, f"n{k}", weight=f"W{k}{slot}", slot=slot, gain=float(rng.choice([1.0, -0.5])))
        names.append(f"n{k}")
    for k in range(2):
        for source in ("n5", "n3"):
            graph.parameter(f"V{k}{source}", rng.normal(size=(graph.size_of(f"x{k}"), graph.size_of(source))))
            graph.connect(source, f"x{k}", weight=f"V{k}{source}")
    program = compile_graph(graph)
    y, u = rng.normal(size=(samples, program.states.size)), rng.normal(size=(samples, 3))
    check_derivatives(program, rng, y, u, 1e-6)
    one = np.array([program.drive(y[i], u[i]) for i in range(samples)])
    assert program.drive(y, u) == pytest.approx(one, rel=1e-12, abs=1e-12)
    jacobian, by_input = program.jacobian(y[0], u[0])
    dy, du = rng.normal(size=y[0].shape), rng.normal(size=3)
    assert program.jvp(y[0], u[0], dy, du) == pytest.approx(jacobian @ dy + by_input @ du, rel=1e-9, abs=1e-9)


def test_graphs_inside_graphs_share_parameters_or_not():
    rng = np.random.default_rng(5)
    cell = SignalGraph("cell")
    cell.port("in", 3)
    cell.state("h", 3, time_constant=1.0)
    cell.map("r", 3, "tanh")
    cell.port("out", 3, output=True)
    cell.parameter("W", rng.normal(size=(3, 3)))
    cell.connect("in", "r", weight="W")
    cell.connect("r", "h")
    cell.connect("h", "out")
    for shared in (False, True):
        graph = SignalGraph("stack")
        graph.port("u", 3)
        graph.port("y", 3, output=True)
        if shared:
            graph.parameter("W", np.eye(3))
        graph.sub("one", cell, shared=shared)
        graph.sub("two", cell, shared=shared)
        graph.connect("u", "one/in")
        graph.connect("one/out", "two/in")
        graph.connect("two", "y")
        program = compile_graph(graph)
        assert list(program.states.slices) == ["one/h", "two/h"]
        assert list(program.parameters.slices) == (["W"] if shared else ["one/W", "two/W"])
        w = np.eye(3) if shared else cell.weights()["W"]
        y, u = rng.normal(size=6), rng.normal(size=3)
        assert program.drive(y, u) == pytest.approx(np.tanh(np.hstack([w @ u, w @ y[:3]])), abs=1e-14)
        assert program.output(y, u) == pytest.approx(y[3:])


def broken(change: str) -> SignalGraph:
    graph = elman(np.random.default_rng(0))
    if change == "shape":
        graph.connect("u", "h")
    elif change == "loop":
        graph.map("s", N, "tanh")
        graph.connect("r", "s")
        graph.connect("s", "r")
    elif change == "parameter":
        graph.connect("h", "r", weight="Wh")
    elif change == "weight":
        graph.connect("u", "r", weight="W")
    elif change == "nan":
        graph.parameters["W"].value[0, 0] = np.nan
    elif change == "input":
        graph.connect("h", "u")
    elif change == "host":
        graph.host("sorted", N, np.sort)
        graph.connect("h", "sorted")
    elif change == "time":
        graph.state("bad", 2, time_constant=-1.0)
    elif change == "clocks":
        graph.clock("a", 1.0)
        graph.clock("b", 2.0)
        graph.state("p", N, clock="a")
        graph.state("q", N, clock="b")
        graph.connect("h", "p")
        graph.connect("p", "q")
    return graph


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("shape", ["'u' -> 'h'", "(5, 3)"]), ("loop", ["algebraic loop", "s", "r"]), ("parameter", ["'Wh'"]),
        ("weight", ["'u' -> 'r'", "(5, 5)", "(5, 3)"]), ("nan", ["'W'", "not finite"]),
        ("input", ["'u'", "input port"]),
        ("host", ["'sorted'", "digital"]), ("time", ["'bad'", "-1"]), ("clocks", ["'q'", "'p'", "hold"]),
    ],
)  # fmt: skip
def test_errors_name_the_node(change: str, words: list[str]):
    with pytest.raises((ParameterError, UnknownNameError)) as error:
        compile_graph(broken(change))
    for word in words:
        assert word in str(error.value)


def test_unused_parameters_and_undriven_nodes_are_noted():
    graph = elman(np.random.default_rng(0))
    graph.parameter("spare", 1.0)
    graph.state("alone", 2, time_constant=1.0)
    assert compile_graph(graph).notes == (
        "parameter 'spare' is not used", "state 'alone' has no incoming edge and no bias: its drive is 0",
    )  # fmt: skip
