"""The methods of variable order: their formulas one by one, the choice of order and formula, events, and chunks."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.kernels import run as state
from neurosim.kernels.abi import WANT_DERIVATIVES, compilations, kernel
from neurosim.kernels.builder import GROUND, BatchSpec, Unknown, build_system
from neurosim.kernels.multistep_nordsieck import ADAMS, BDF, HISTORY_AT, SAME, nordsieck_tableau
from neurosim.kernels.time_loop import advance
from neurosim.solve.factors import NO_FACTORS, Factors
from neurosim.solve.methods import methods
from neurosim.solve.new_run import new_run

VARIABLE = ["adams", "bdf", "adams_bdf"]


@kernel
def turning(context, u, p, memory, table, code, F, D):
    F[0, 0], F[1, 0] = u[1, 0], -u[0, 0]
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0], D[0, 1, 0], D[1, 0, 0], D[1, 1, 0] = 0.0, 1.0, -1.0, 0.0


@kernel
def van_der_pol(context, u, p, memory, table, code, F, D):
    y, slope, mu = u[0, 0], u[1, 0], p[0, 0]
    F[0, 0], F[1, 0] = slope, mu * (1.0 - y * y) * slope - y
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0], D[0, 1, 0] = 0.0, 1.0
        D[1, 0, 0], D[1, 1, 0] = -2.0 * mu * y * slope - 1.0, mu * (1.0 - y * y)


@kernel
def decay(context, u, p, memory, table, code, F, D):
    F[0, 0] = -p[0, 0] * u[0, 0]
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0] = -p[0, 0]


def solver(name):
    return getattr(ns.methods, methods.get(name).class_name)


def end_with_fixed_order(name, order, count, length=1.0):
    """Error at the end of equal steps at one order, from an exact history."""
    made = solver(name)(turning, 0.0, np.array([0.0, 1.0]), length)
    run, h = made.run, length / count
    for j in range(order + 1):
        derivatives = [np.sin(j * np.pi / 2), np.cos(j * np.pi / 2)]
        run.stage[HISTORY_AT + j, :2] = h**j / float(np.prod(np.arange(1, j + 1))) * np.array(derivatives)
    run.count[state.ORDER_NOW], run.count[state.FIXED_STEP] = order, 1
    run.real[state.H] = run.real[state.SCALED_STEP] = h
    # Two corrections of Adams are enough for its order; Newton goes on to convergence.
    run.real[state.RTOL], run.atol[:] = (1e-3, 1e-3) if name == "adams" else (1e-14, 1e-14)
    while made.status == "running":
        made.step()
    assert run.count[state.ORDER_NOW] == order
    assert run.count[state.STEPS] == count
    return np.abs(made.y - [np.sin(length), np.cos(length)]).max()


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_order_of_each_bdf(order):
    counts = np.array([40, 80, 160])
    errors = [end_with_fixed_order("bdf", order, count) for count in counts]
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize("order", range(1, 8))
def test_order_of_each_adams_formula(order):
    counts = np.array([40, 60, 90]) if order < 6 else np.array([16, 24, 32])
    errors = [end_with_fixed_order("adams", order, count) for count in counts]
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(order, abs=0.3)


def test_coefficients_are_those_of_the_books():
    table = nordsieck_tableau(ADAMS)
    # Adams-Moulton: Gear, Numerical Initial Value Problems (1971), table 9.1; BDF: table 11.1 (both recalled).
    np.testing.assert_allclose(table[2, :3], [1 / 2, 1, 1 / 2])
    np.testing.assert_allclose(table[3, :4], [5 / 12, 1, 3 / 4, 1 / 6])
    np.testing.assert_allclose(table[4, :5], [3 / 8, 1, 11 / 12, 1 / 3, 1 / 24])
    np.testing.assert_allclose(table[13 + 2, :3], [2 / 3, 1, 1 / 3])
    np.testing.assert_allclose(table[13 + 3, :4], [6 / 11, 1, 6 / 11, 1 / 11])
    assert table[2, SAME] == pytest.approx(12.0)
    # Exact for polynomials: the derivative of Lambda vanishes at -1 .. -(q - 1), and Lambda at -1.
    for order in range(2, 13):
        row = table[order, : order + 1]
        assert abs(np.polynomial.polynomial.polyval(-1.0, row)) < 1e-8
        slope = np.polynomial.polynomial.polyder(row)
        roots = np.polynomial.polynomial.polyval(-np.arange(1.0, order), slope)
        np.testing.assert_allclose(roots, 0.0, atol=1e-5 * np.abs(slope).max() * order**4)
    assert nordsieck_tableau(BDF)[0, 0] == BDF


@pytest.mark.parametrize(("name", "rtol", "most_error"), [("adams", 1e-6, 3e-4), ("adams", 1e-9, 1e-7),
                                                          ("adams_bdf", 1e-9, 1e-7), ("bdf", 1e-6, 1e-3)])  # fmt: skip
def test_smooth_flow(name, rtol, most_error):
    solution = solve_ivp(turning, (0.0, 20.0), [0.0, 1.0], method=solver(name), rtol=rtol, atol=rtol, dense_output=True)
    t = np.linspace(0.0, 20.0, 2001)
    assert np.abs(solution.sol(t) - [np.sin(t), np.cos(t)]).max() < most_error
    steps = sum(part.knots.size - 1 for part in solution.sol.interpolants)
    assert solution.nfev < 2.4 * steps + 20, "about two evaluations a step"


def test_adams_goes_to_high_order():
    made = solver("adams")(turning, 0.0, np.array([0.0, 1.0]), 50.0, rtol=1e-12, atol=1e-12, chunk=400)
    made.step()
    assert made.run.count[state.ORDER_NOW] >= 9


def test_interpolant_is_continuous_and_meets_the_steps():
    solution = solve_ivp(
        van_der_pol, (0.0, 8.0), [2.0, 0.0], method=solver("adams"), parameters=[2.0], rtol=1e-6, atol=1e-8,
        dense_output=True,
    )  # fmt: skip
    part = solution.sol.interpolants[0]
    inner = part.knots[1:-1]
    assert inner.size > 50
    # A lower order drops a row of the history, which moves the curve within the tolerance.
    jumps = np.abs(part(inner * (1.0 + 1e-13)) - part(inner))
    assert jumps.max() < 1e-5


def test_van_der_pol_with_mu_1000_changes_to_bdf_and_back():
    ends = {}
    for name in ("bdf", "adams_bdf"):
        made = solver(name)(van_der_pol, 0.0, np.array([2.0, 0.0]), 2000.0, rtol=1e-7, atol=1e-9, parameters=[1000.0])
        while made.status == "running":
            assert made.step() is None
        ends[name] = made.y
        # SciPy's Radau, rtol 1e-12, atol 1e-14.
        np.testing.assert_allclose(made.y, [1.7061677321704267, -0.000892809701024858], rtol=1e-4)
        assert made.run.count[state.STEPS] < 3500
        # One matrix serves for many steps.
        assert made.nlu < 0.25 * made.run.count[state.STEPS]
        changes = made.run.count[state.SWITCHES]
        assert changes >= 3 if name == "adams_bdf" else changes == 0


def test_resuming_in_chunks_changes_nothing():
    ends = []
    for chunk in (1, 7, 1000):
        solution = solve_ivp(
            van_der_pol, (0.0, 20.0), [2.0, 0.0], method=solver("adams_bdf"), parameters=[50.0], rtol=1e-6, chunk=chunk
        )
        ends.append(solution.y[:, -1])
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])


@kernel
def ball(context, u, p, memory, table, code, F, D):
    F[0, 0], F[1, 0] = u[1, 0], -9.81
    if context[WANT_DERIVATIVES] != 0.0:
        D[:] = 0.0
        D[0, 1, 0] = 1.0


@kernel
def height(context, u, p, memory, table, code, F, D):
    F[0, 0] = u[0, 0]


@kernel
def bounce(context, u, p, memory, table, code, F, D):
    if F[0, 0] < 0.0:
        F[0, 0] = 0.0


@kernel
def reflect(context, u, p, memory, table, code, F, D):
    F[0, 0], F[1, 0] = u[0, 0], u[1, 0]
    if u[0, 0] <= 0.0 and u[1, 0] < 0.0:
        F[1, 0] = -0.8 * u[1, 0]


@pytest.mark.parametrize("name", VARIABLE)
def test_events_are_located_on_the_interpolant(name):
    index = np.full((1, 2, 2), GROUND)
    index[0, :, 0] = [0, 1]
    batch = BatchSpec(
        "ball", index, index, np.zeros((1, 0)), {(0, 0): np.ones(1), (1, 1): np.ones(1)}, ball, 2, 2,
        events=height, jump=bounce, event_count=1, accept=reflect, accept_writes_states=True,
    )  # fmt: skip
    system = build_system([Unknown("x", "state"), Unknown("v", "state")], [batch])
    method, everything = methods.get(name), np.arange(2)
    run = new_run(
        system, method, np.array([1.0, 0.0, 0.0]), t0=0.0, t_stop=1.0, rtol=1e-8, atol=np.full(2, 1e-10),
        probes=everything, watched=everything, grid=np.linspace(0.0, 1.0, 51), breakpoints=np.empty(0),
        capacity=1000, with_slopes=False, h=1e-4, h_max=0.1,
    )  # fmt: skip
    run.count[[state.POLISH, state.SAVE_STEPS]] = 0
    run.count[[state.BUDGET, state.STEP_LIMIT]] = 100_000
    lu = Factors(system).at(run.y, 1e4) if method.takes_mass else NO_FACTORS
    assert advance(system.arrays, lu, lu, run, system.context) == state.DONE
    fall = np.sqrt(2.0 / 9.81)
    t = run.out_t[: run.count[state.SAVED]]
    flight = t - fall
    speed = 0.8 * 9.81 * fall
    exact = np.where(t < fall, 1.0 - 9.81 * t**2 / 2, speed * flight - 9.81 * flight**2 / 2)
    before_second = t < fall + 2.0 * speed / 9.81
    np.testing.assert_allclose(run.out_y[: t.size, 0][before_second], exact[before_second], atol=1e-5)


def test_mass_matrix_with_an_algebraic_equation():
    def fun(t, y):
        return np.array([y[0] * y[1], y[1] - np.cos(t) + 2.0 * (y[0] - np.exp(np.sin(t)))])

    solution = solve_ivp(
        fun, (0.0, 2.0), [1.0, 1.0], method=ns.methods.BDF, mass=np.diag([1.0, 0.0]), rtol=1e-8, atol=1e-8,
        jac=lambda t, y: np.array([[y[1], y[0]], [2.0, 1.0]]),
    )  # fmt: skip
    np.testing.assert_allclose(solution.y[:, -1], [np.exp(np.sin(2.0)), np.cos(2.0)], atol=1e-6)
    with pytest.raises(ParameterError, match="mass: AdamsBDF needs the identity"):
        solve_ivp(fun, (0.0, 2.0), [1.0, 1.0], method=ns.methods.AdamsBDF, mass=np.diag([1.0, 0.0]))


def test_a_state_that_stands_at_its_bound_stays_there():
    index = np.full((1, 1, 2), GROUND)
    index[0, :, 0] = 0
    batch = BatchSpec("decay", index, index, np.full((1, 1), -1.0), {(0, 0): np.ones(1)}, decay, 1, 1)
    system = build_system([Unknown("x", "state", lower=0.0, upper=2.0)], [batch])
    for name in VARIABLE:
        method = methods.get(name)
        run = new_run(
            system, method, np.array([1.0, 0.0]), t0=0.0, t_stop=1.5, rtol=1e-6, atol=np.full(1, 1e-9),
            probes=np.arange(1), watched=np.arange(1), grid=np.linspace(0.0, 1.5, 31), breakpoints=np.empty(0),
            capacity=1000, with_slopes=False, h=1e-3, h_max=0.1,
        )  # fmt: skip
        run.count[[state.POLISH, state.SAVE_STEPS]] = 0
        run.count[[state.BUDGET, state.STEP_LIMIT]] = 100_000
        lu = Factors(system).at(run.y, 1e3) if method.takes_mass else NO_FACTORS
        assert advance(system.arrays, lu, lu, run, system.context) == state.DONE
        t = run.out_t[: run.count[state.SAVED]]
        np.testing.assert_allclose(run.out_y[: t.size, 0], np.minimum(np.exp(t), 2.0), rtol=1e-4)
        assert run.y[0] == 2.0


def test_explicit_methods_say_that_a_problem_is_stiff():
    with pytest.warns(UserWarning, match=r"stiff from about t = .*: stability bounds the steps of DP5"):
        solve_ivp(decay, (0.0, 10.0), [1.0], method=ns.methods.DP5, parameters=[1000.0])
    with pytest.warns(UserWarning, match="stability bounds the steps of Adams"):
        solve_ivp(van_der_pol, (0.0, 1.0), [2.0, 0.0], method=ns.methods.Adams, parameters=[1000.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve_ivp(turning, (0.0, 10.0), [0.0, 1.0], method=ns.methods.DP5)
        solve_ivp(turning, (0.0, 10.0), [0.0, 1.0], method=ns.methods.Adams)
        solve_ivp(van_der_pol, (0.0, 100.0), [2.0, 0.0], method=ns.methods.AdamsBDF, parameters=[1000.0])


def test_fixed_steps_are_refused():
    with pytest.raises(ParameterError, match="fixed_step: Adams chooses its order with its step"):
        solve_ivp(turning, (0.0, 1.0), [0.0, 1.0], method=ns.methods.Adams, fixed_step=0.1)


def test_nothing_is_compiled_for_a_new_system():
    solve_ivp(turning, (0.0, 1.0), [0.0, 1.0], method=ns.methods.AdamsBDF)
    solve_ivp(decay, (0.0, 1.0), [1.0], method=ns.methods.BDF, parameters=[1.0])
    before = compilations()
    solve_ivp(lambda t, y: -(y**3), (0.0, 1.0), np.ones(4), method=ns.methods.AdamsBDF)
    solve_ivp(lambda t, y: -(y**3), (0.0, 1.0), np.ones(5), method=ns.methods.BDF)
    assert compilations() == before


def test_a_function_compiled_by_numba_is_called_in_compiled_code():
    numba = pytest.importorskip("numba")

    @numba.njit
    def fun(t, y):
        if t > 6.5:
            raise ValueError("too late")
        return np.array([y[1], 5.0 * (1.0 - y[0] ** 2) * y[1] - y[0] + np.sin(t)])

    for name in ("DP5", "Rodas5P", "AdamsBDF"):
        options = {"method": getattr(ns.methods, name), "rtol": 1e-7, "atol": 1e-9}
        compiled = solve_ivp(fun, (0.0, 6.0), [2.0, 0.0], **options)
        python = solve_ivp(fun.py_func, (0.0, 6.0), [2.0, 0.0], **options)
        assert compiled.t.size < python.t.size / 10, "many steps in one call"
        np.testing.assert_allclose(compiled.y[:, -1], python.y[:, -1], rtol=1e-5)
    backwards = solve_ivp(fun, (6.0, 5.9), [2.0, 0.0], method=ns.methods.DP5)
    assert backwards.success
    assert "fun is not finite" in solve_ivp(fun, (0.0, 7.0), [2.0, 0.0], method=ns.methods.DP5).message
