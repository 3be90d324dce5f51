"""The integration methods against exact solutions, against SciPy's own, and in what they say when they stop."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import solve_ivp

from neurosim.errors import ParameterError
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel
from neurosim.solve import methods as classes
from neurosim.solve.methods import methods

ADAPTIVE = [method for method in methods if method.adaptive]
IMPLICIT = [method for method in ADAPTIVE if method.takes_mass]
OF_FIXED_ORDER = [method for method in methods if not method.varies_order and not method.is_for_graphs]
IMPLICIT_OF_FIXED_ORDER = [method for method in OF_FIXED_ORDER if method.takes_mass]


def named(method):
    return method.name


def solver(method):
    return getattr(classes, method.class_name)


PROBLEMS = {
    "linear": (
        lambda t, y: np.array([-2.0 * y[0] + y[1], y[0] - 3.0 * y[1] + 1.0]),
        lambda t, y: np.array([[-2.0, 1.0], [1.0, -3.0]]),
        2.0,
        None,
    ),
    "logistic": (
        lambda t, y: y * (1.0 - y),
        lambda t, y: np.array([[1.0 - 2.0 * y[0]]]),
        3.0,
        lambda t: np.array([1.0 / (1.0 + 9.0 * np.exp(-t))]),
    ),
    "oscillator": (
        lambda t, y: np.array([y[1], -4.0 * y[0]]),
        lambda t, y: np.array([[0.0, 1.0], [-4.0, 0.0]]),
        2.0,
        lambda t: np.array([np.cos(2.0 * t), -2.0 * np.sin(2.0 * t)]),
    ),
    "non-autonomous": (
        lambda t, y: -2.0 * t * y**2,
        lambda t, y: np.array([[-4.0 * t * y[0]]]),
        2.0,
        lambda t: np.array([1.0 / (1.0 + t**2)]),
    ),
    "coupled": (
        lambda t, y: np.array([y[1], -y[0], y[1] * y[2]]),
        lambda t, y: np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, y[2], y[1]]]),
        3.0,
        lambda t: np.array([np.sin(t), np.cos(t), np.exp(np.sin(t))]),
    ),
}


def _linear_solution(t):
    matrix, source = np.array([[-2.0, 1.0], [1.0, -3.0]]), np.array([0.0, 1.0])
    rest = -np.linalg.solve(matrix, source)
    values, vectors = np.linalg.eigh(matrix)
    weights = vectors.T @ (np.array([1.0, 0.0]) - rest)
    return (vectors @ (weights[:, None] * np.exp(np.outer(values, t)))) + rest[:, None] if np.ndim(t) else (
        vectors @ (weights * np.exp(values * t)) + rest
    )  # fmt: skip


PROBLEMS["linear"] = (*PROBLEMS["linear"][:3], _linear_solution)
STEP_COUNTS = {1: (100, 200, 400), 2: (80, 160, 320), 4: (20, 40, 80), 5: (16, 24, 36), 8: (8, 11, 15)}
FINER = {"dp5": (60, 90, 130), "rodas5p": (32, 48, 72)}


def step_counts(method):
    return FINER.get(method.name, STEP_COUNTS[method.order])


def achievable(method, rtol):
    """Error that control of the error per step leaves: the step is as large as an error of rtol in each one allows."""
    if method.varies_order:
        return 100.0 * rtol
    return 10.0 * rtol if method.order > method.error_order else 3.0 * rtol ** (method.order / (method.order + 1))


def errors_with_fixed_steps(method, fun, y0, length, exact, counts, **options):
    """Largest errors at the end and inside the steps, shape (counts, 2, n)."""
    found = []
    for count in counts:
        solution = solve_ivp(
            fun, (0.0, length), y0, method=solver(method), fixed_step=length / count, dense_output=True, **options
        )
        assert solution.success, solution.message
        assert solution.t.size == count + 1
        t = np.linspace(0.0, length, 301)
        found.append([np.abs(solution.y[:, -1] - exact(length)), np.abs(solution.sol(t) - exact(t)).max(axis=1)])
    return np.array(found)


def slopes(counts, errors):
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


@pytest.mark.parametrize("method", OF_FIXED_ORDER, ids=named)
def test_order_on_five_problems(method):
    counts = step_counts(method)
    orders, interpolant_orders = [], []
    for fun, jac, length, exact in PROBLEMS.values():
        options = {"jac": jac} if method.takes_mass else {}
        errors = errors_with_fixed_steps(method, fun, exact(0.0), length, exact, counts, **options).max(axis=2)
        orders.append(slopes(counts, errors[:, 0]))
        interpolant_orders.append(slopes(counts, errors[:, 1]))
    assert min(orders) > method.order - 0.2, orders
    assert min(orders) < method.order + 0.4, "the declared order is too low"
    least = min(method.order, method.interpolant_order + 1)
    assert min(interpolant_orders) > least - 0.4, interpolant_orders


@pytest.mark.parametrize("method", IMPLICIT_OF_FIXED_ORDER, ids=named)
@pytest.mark.parametrize("mass", [[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]], ids=["diagonal", "full"])
def test_order_of_differential_and_algebraic_components(method, mass):
    coupled = mass[0][1]

    def fun(t, y):
        return np.array([y[0] * y[1] - coupled * np.sin(t), y[1] - np.cos(t) + 2.0 * (y[0] - np.exp(np.sin(t)))])

    def jac(t, y):
        return np.array([[y[1], y[0]], [2.0, 1.0]])

    def exact(t):
        return np.array([np.exp(np.sin(t)), np.cos(t)])

    counts = step_counts(method)
    errors = errors_with_fixed_steps(method, fun, exact(0.0), 2.0, exact, counts, jac=jac, mass=np.array(mass))
    for component in range(2):
        assert slopes(counts, errors[:, 0, component]) > method.order - 0.2


@pytest.mark.parametrize("method", ADAPTIVE, ids=named)
@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_global_error_follows_the_tolerance(method, rtol):
    for fun, jac, length, exact in PROBLEMS.values():
        options = {"jac": jac} if method.takes_mass else {}
        solution = solve_ivp(
            fun, (0.0, length), exact(0.0), method=solver(method), rtol=rtol, atol=0.1 * rtol, dense_output=True,
            **options,
        )  # fmt: skip
        t = np.linspace(0.0, length, 301)
        scale = np.abs(exact(t)).max()
        assert np.abs(solution.sol(t) - exact(t)).max() < achievable(method, rtol) * scale


def lorenz(t, y):
    return np.array([10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]])


AGAINST_SCIPY = {
    "lorenz": (lorenz, (0.0, 2.0), [1.0, 1.0, 1.0]),
    "van der pol": (lambda t, y: np.array([y[1], 3.0 * (1.0 - y[0] ** 2) * y[1] - y[0]]), (0.0, 8.0), [2.0, 0.0]),
    "linear": (lambda t, y: np.array([[-1.0, 5.0], [-5.0, -1.0]]) @ y, (0.0, 4.0), [1.0, 0.0]),
    "non-autonomous": (lambda t, y: np.array([np.cos(3.0 * t) * y[0]]), (1.0, 6.0), [1.0]),
    "backwards": (lambda t, y: np.array([y[1], -np.sin(y[0]) + 0.1 * np.cos(t)]), (5.0, 0.5), [1.0, 0.0]),
}


@pytest.mark.parametrize("name", ["DP5", "DOP853"])
@pytest.mark.parametrize("problem", AGAINST_SCIPY)
def test_same_steps_as_scipy(name, problem):
    fun, span, y0 = AGAINST_SCIPY[problem]
    options = {"rtol": 1e-6, "atol": 1e-8, "dense_output": True}
    ours = solve_ivp(fun, span, y0, method=getattr(classes, name), **options)
    theirs = solve_ivp(fun, span, y0, method="RK45" if name == "DP5" else name, **options)
    assert ours.nfev == theirs.nfev
    assert ours.t.size == theirs.t.size
    # The error estimate is known to its rounding only, so step sizes agree less well than states.
    np.testing.assert_allclose(ours.t, theirs.t, rtol=1e-6)
    t = np.linspace(*span, 501)
    agreement = 1e-12 if name == "DP5" else 1e-11
    np.testing.assert_allclose(ours.sol(t), theirs.sol(t), rtol=0.0, atol=agreement * np.abs(theirs.y).max())


@pytest.mark.parametrize("options", [{"first_step": 0.01}, {"max_step": 0.05}, {"atol": [1e-8, 1e-3]}, {"rtol": 1e-3}])
def test_step_options_as_in_scipy(options):
    fun, span, y0 = AGAINST_SCIPY["van der pol"]
    ours = solve_ivp(fun, span, y0, method=classes.DP5, **options)
    theirs = solve_ivp(fun, span, y0, method="RK45", **options)
    assert (ours.nfev, ours.t.size) == (theirs.nfev, theirs.t.size)
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-9, atol=1e-9)


def test_t_eval_and_events_as_in_scipy():
    def crossing(t, y):
        return y[0]

    def floor(t, y):
        return y[1] + 2.5

    floor.terminal = True
    fun, span, y0 = AGAINST_SCIPY["van der pol"]
    options = {"t_eval": np.linspace(0.0, 5.0, 41), "events": [crossing, floor], "rtol": 1e-7, "atol": 1e-9}
    ours = solve_ivp(fun, span, y0, method=classes.DOP853, **options)
    theirs = solve_ivp(fun, span, y0, method="DOP853", **options)
    assert ours.status == theirs.status == 1
    assert ours.nfev == theirs.nfev
    np.testing.assert_allclose(ours.y, theirs.y, rtol=0, atol=1e-12)
    for mine, other in zip(ours.t_events, theirs.t_events, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


@kernel
def lorenz_law(context, u, p, memory, table, code, F, D):
    for e in range(u.shape[1]):
        x, y, z = u[0, e], u[1, e], u[2, e]
        F[0, e] = p[0, e] * (y - x)
        F[1, e] = x * (p[1, e] - z) - y
        F[2, e] = x * y - p[2, e] * z
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e], D[0, 2, e] = -p[0, e], p[0, e], 0.0
            D[1, 0, e], D[1, 1, e], D[1, 2, e] = p[1, e] - z, -1.0, -x
            D[2, 0, e], D[2, 1, e], D[2, 2, e] = y, x, -p[2, e]


LORENZ_PARAMETERS = (10.0, 28.0, 8.0 / 3.0)


@pytest.mark.parametrize("method", ADAPTIVE, ids=named)
@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_compiled_law_takes_the_steps_of_the_python_function(method, chunk):
    options = {"method": solver(method), "rtol": 1e-5, "atol": 1e-7, "dense_output": True}
    jac = {"jac": lambda t, y: [[-10, 10, 0], [28 - y[2], -1, -y[0]], [y[1], y[0], -8 / 3]]}
    jac = jac if method.takes_mass else {}
    python = solve_ivp(lorenz, (0.0, 0.5), [1.0, 1.0, 1.0], **options, **jac)
    compiled = solve_ivp(lorenz_law, (0.0, 0.5), [1.0, 1.0, 1.0], parameters=LORENZ_PARAMETERS, chunk=chunk, **options)
    assert compiled.t.size == 1 + -(-(python.t.size - 1) // chunk)
    t = np.linspace(0.0, 0.5, 101)
    np.testing.assert_allclose(compiled.sol(t), python.sol(t), rtol=1e-10)
    knots = np.concatenate([part.knots[1:] for part in compiled.sol.interpolants])
    np.testing.assert_allclose(knots, python.t[1:], rtol=1e-9)


ROBERTSON_MASS = np.diag([1.0, 1.0, 0.0])


def robertson(t, y):
    fast = 1e4 * y[1] * y[2]
    return np.array([-0.04 * y[0] + fast, 0.04 * y[0] - fast - 3e7 * y[1] ** 2, y.sum() - 1.0])


@pytest.mark.parametrize("method", IMPLICIT, ids=named)
def test_robertson_with_a_conservation_law(method):
    rtol = 1e-6
    options = {"method": solver(method), "rtol": rtol, "atol": 1e-4 * rtol, "dense_output": True}
    # The algebraic start is wrong on purpose: it is corrected before the first step.
    solution = solve_ivp(robertson, (0.0, 40.0), [1.0, 0.0, 0.3], mass=ROBERTSON_MASS, **options)
    assert solution.success, solution.message
    # SciPy's Radau on the three differential equations, rtol 1e-12, atol 1e-16.
    reference = [0.7158270687194148, 9.185534764558218e-06, 0.28416374574582]
    np.testing.assert_allclose(solution.y[:, -1], reference, rtol=achievable(method, rtol))
    assert abs(solution.sol(0.0).sum() - 1.0) < 1e-12
    assert solution.njev > 0
    assert solution.nlu > 0


def test_van_der_pol_with_mu_1000():
    mu = 1000.0
    solution = solve_ivp(
        lambda t, y: np.array([y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]]), (0.0, 2000.0), [2.0, 0.0],
        method=classes.Rodas5P, rtol=1e-7, atol=1e-9,
        jac=lambda t, y: np.array([[0.0, 1.0], [-2.0 * mu * y[0] * y[1] - 1.0, mu * (1.0 - y[0] ** 2)]]),
    )  # fmt: skip
    assert solution.t.size < 1500
    # SciPy's Radau, rtol 1e-12, atol 1e-14.
    np.testing.assert_allclose(solution.y[:, -1], [1.7061677321704267, -0.000892809701024858], rtol=1e-5)


@pytest.mark.parametrize("method", ADAPTIVE, ids=named)
def test_what_fun_raises_reaches_the_caller(method):
    def fun(t, y):
        if t > 0.5:
            raise ZeroDivisionError("at half time")
        return -y

    with pytest.raises(ZeroDivisionError, match="at half time"):
        solve_ivp(fun, (0.0, 1.0), [1.0], method=solver(method))


def test_what_jac_raises_reaches_the_caller():
    def jac(t, y):
        raise KeyError("no derivative")

    with pytest.raises(KeyError, match="no derivative"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], method=classes.BDF2, jac=jac)


@pytest.mark.parametrize("method", ADAPTIVE, ids=named)
def test_blow_up_says_when_where_and_what_to_try(method):
    solution = solve_ivp(lambda t, y: np.array([-y[0], y[1] ** 2]), (0.0, 2.0), [1.0, 1.0], method=solver(method))
    assert solution.status == -1
    assert solution.t[-1] == pytest.approx(1.0, abs=5e-2)
    assert f"{method.class_name} stopped at t = " in solution.message
    assert "y[1]" in solution.message


TRIDIAGONAL = sparse.diags_array([np.full(19, 1.0), np.full(20, -2.0), np.full(19, 1.0)], offsets=[-1, 0, 1]).tocsc()


@pytest.mark.parametrize("method", IMPLICIT, ids=named)
def test_all_ways_to_give_the_jacobian_agree(method):
    calls = [0]

    def fun(t, y):
        calls[0] += 1
        return 400.0 * (TRIDIAGONAL @ y) + np.sin(y)

    def jac(t, y):
        return 400.0 * TRIDIAGONAL + sparse.diags_array(np.cos(y))

    y0 = np.sin(np.linspace(0.0, np.pi, 20))
    ends, counts = [], []
    for options in (
        {}, {"jac_sparsity": TRIDIAGONAL}, {"jac": jac}, {"jac": jac, "jac_sparsity": TRIDIAGONAL},
        {"jac": lambda t, y: jac(t, y).toarray()}, {"vectorized": True},
    ):  # fmt: skip
        calls[0] = 0
        used = fun
        if "vectorized" in options:
            used = lambda t, y: 400.0 * (TRIDIAGONAL @ y) + np.sin(y)
        solution = solve_ivp(used, (0.0, 0.1), y0, method=solver(method), rtol=1e-4, atol=1e-6, **options)
        ends.append(solution.y[:, -1])
        counts.append(calls[0] - solution.nfev)
    np.testing.assert_allclose(ends, np.broadcast_to(ends[2], (6, 20)), rtol=1e-5, atol=1e-8)
    assert counts[1] * 5 < counts[0], "a tridiagonal pattern needs three evaluations, not twenty"
    assert counts[2] == counts[3] == counts[4] == 0


def test_constant_jacobian_and_mass_matrix():
    mass = np.array([[2.0, 1.0], [1.0, 3.0]])
    matrix = np.array([[-1.0, 0.5], [0.2, -2.0]])
    solution = solve_ivp(
        lambda t, y: matrix @ y, (0.0, 1.0), [1.0, -1.0], method=classes.Rodas5P, jac=matrix,
        mass=sparse.csr_array(mass), rtol=1e-8, atol=1e-10,
    )  # fmt: skip
    values, vectors = np.linalg.eig(np.linalg.solve(mass, matrix))
    exact = vectors @ (np.exp(values) * np.linalg.solve(vectors, [1.0, -1.0]))
    np.testing.assert_allclose(solution.y[:, -1], exact, rtol=1e-7)


@pytest.mark.parametrize("method", IMPLICIT, ids=named)
def test_implicit_methods_run_backwards(method):
    solution = solve_ivp(lambda t, y: -2.0 * t * y**2, (2.0, 0.0), [0.2], method=solver(method), rtol=1e-6, atol=1e-8)
    assert solution.y[0, -1] == pytest.approx(1.0, rel=achievable(method, 1e-6))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("DP5", {"mass": np.diag([1.0, 0.0])}, "mass: DP5 needs the identity; use Rodas5P"),
        ("RK4", {}, "RK4 estimates no error: give fixed_step"),
        ("DP5", {"fixed_step": 3.0}, "fixed_step = 3.0 must lie between 0 and the length of the span, 1"),
        ("DP5", {"first_step": -1.0}, "first_step = -1.0"),
        ("DP5", {"max_step": 0.0}, "max_step = 0.0"),
        ("DP5", {"atol": [1.0, 1.0, 1.0]}, r"atol has shape \(3,\), but y0 has 2 entries"),
        ("DP5", {"rtol": -1.0}, "rtol = -1.0"),
        ("DP5", {"parameters": [1.0]}, "compiled laws"),
        ("BDF2", {"mass": np.eye(3)}, r"mass has shape \(3, 3\)"),
        ("BDF2", {"jac": np.eye(3)}, r"jac has shape \(3, 3\)"),
        ("BDF2", {"jac_sparsity": np.eye(3)}, r"jac_sparsity has shape \(3, 3\)"),
        ("BDF2", {"chunk": 0}, "chunk = 0"),
    ],
)
def test_refusals_name_the_argument(name, options, message):
    with pytest.raises(ParameterError, match=message):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0, 2.0], method=getattr(classes, name), **options)


def test_refusals_of_states_spans_and_laws():
    with pytest.raises(ParameterError, match="y0 is complex: DP5"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0 + 1.0j], method=classes.DP5)
    with pytest.raises(ParameterError, match="t_bound is infinite"):
        solve_ivp(lambda t, y: -y, (0.0, np.inf), [1.0], method=classes.BDF2)
    with pytest.raises(ParameterError, match="fun returns shape"):
        solve_ivp(lambda t, y: np.zeros(3), (0.0, 1.0), [1.0], method=classes.DP5)
    with pytest.raises(ParameterError, match="brings its own derivatives"):
        solve_ivp(lorenz_law, (0.0, 1.0), [1.0] * 3, method=classes.BDF2, jac=np.eye(3), parameters=LORENZ_PARAMETERS)
    with pytest.raises(ParameterError, match="backwards"):
        solve_ivp(lorenz_law, (1.0, 0.0), [1.0] * 3, method=classes.DP5, parameters=LORENZ_PARAMETERS)


def test_unknown_options_and_names():
    with pytest.warns(UserWarning, match="DP5 has no option `lband`"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], method=classes.DP5, lband=1)
    with pytest.raises(AttributeError, match="Radau"):
        _ = classes.Radau


def test_every_declaration_is_complete():
    for method in [method for method in methods if not method.is_for_graphs]:
        assert getattr(classes, method.class_name).method is method
        assert method.source.citation
        assert method.stability in {"explicit", "A(alpha)-stable", "A-stable", "L-stable"}
        assert (method.stability == "explicit") == (not method.uses_derivatives)


def test_implicit_midpoint_keeps_quadratic_invariants():
    ends = {}
    for name in ("ImplicitMidpoint", "Trapezoid"):
        solution = solve_ivp(
            lambda t, y: np.array([y[1] * y[2], -2.0 * y[0] * y[2], y[0] * y[1]]), (0.0, 50.0), [1.0, 0.2, 0.5],
            method=getattr(classes, name), fixed_step=0.25, rtol=1e-12, atol=1e-12,
        )  # fmt: skip
        assert solution.success
        ends[name] = np.ptp((solution.y**2).sum(axis=0))
    assert ends["ImplicitMidpoint"] < 1e-9
    assert ends["Trapezoid"] > 1e-4, "the check must be able to fail"
    with pytest.raises(ParameterError, match="ImplicitMidpoint estimates no error: give fixed_step"):
        solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], method=classes.ImplicitMidpoint)


@kernel
def decay(context, u, p, memory, table, code, F, D):
    F[0, 0] = -p[0, 0] * u[0, 0]


def test_a_finished_solver_leaves_its_arrays_to_the_next_and_keeps_its_answers():
    first = classes.DP5(decay, 0.0, [1.0], 1.0, parameters=(1.0,), rtol=1e-8)
    first.step()
    assert first.status == "finished"
    dense = first.dense_output()
    # As long as somebody holds it, its arrays are its own.
    second = classes.DP5(decay, 0.0, [2.0], 3.0, parameters=(5.0,), rtol=1e-8)
    assert second.run.knot_q is not first.run.knot_q
    assert first.fun(0.0, np.array([3.0])) == -3.0
    assert np.array_equal(first.fun_vectorized(0.0, np.array([[3.0, 4.0]])), [[-3.0, -4.0]])
    kept = first.run.knot_q
    del first
    third = classes.DP5(decay, 0.0, [3.0], 3.0, parameters=(2.0,), rtol=1e-8)
    assert third.run.knot_q is kept
    for solver, rate in ((second, 5.0), (third, 2.0)):
        start = solver.y[0]
        solver.step()
        assert solver.y[0] == pytest.approx(start * np.exp(-3.0 * rate), abs=1e-6)
        assert solver.fun(0.0, np.array([3.0])) == -3.0 * rate
    assert dense(0.5)[0] == pytest.approx(np.exp(-0.5), abs=1e-6)


@pytest.mark.parametrize("name", ["DP5", "DOP853", "RKC", "RK4"])
def test_interpolants_of_chunks_are_those_of_single_steps(name):
    options = {"fixed_step": 0.01} if name == "RK4" else {"rtol": 1e-7}
    make = functools.partial(
        solve_ivp, lorenz_law, (0.0, 2.0), [1.0, 1.0, 1.0], method=getattr(classes, name),
        parameters=LORENZ_PARAMETERS, t_eval=np.linspace(0.0, 2.0, 301), **options,
    )  # fmt: skip
    whole, single, plain = make(), make(chunk=1), make(t_eval=None)
    assert np.abs(whole.y - single.y).max() < 1e-13 * np.abs(whole.y).max()
    # What only interpolates is not evaluated where nobody asks for it.
    assert plain.nfev == whole.nfev if name != "DOP853" else plain.nfev < whole.nfev == single.nfev


@pytest.mark.parametrize("name", ["DP5", "DOP853", "Adams", "BDF", "Rodas5P"])
def test_a_slope_that_is_not_finite_from_the_start_ends_the_run(name):
    solution = solve_ivp(lambda t, y: y * np.nan, (0.0, 10.0), [1.0], method=getattr(classes, name))
    assert not solution.success
    assert "not finite" in solution.message
