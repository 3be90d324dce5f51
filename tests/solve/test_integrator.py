"""Runs of one law again and again equal those of a new solver each time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns
from neurosim import Integrator
from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel
from neurosim.solve.methods import methods


@kernel
def lotka_volterra(context, u, p, memory, table, code, F, D):
    prey, hunter, rate = u[0, 0], u[1, 0], p[0, 0]
    F[0, 0], F[1, 0] = rate * prey * (1.0 - hunter), hunter * (prey - 1.0)
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0], D[0, 1, 0] = rate * (1.0 - hunter), -rate * prey
        D[1, 0, 0], D[1, 1, 0] = hunter, prey - 1.0


@pytest.mark.parametrize("name", ["dp5", "dop853", "adams", "bdf", "adams_bdf", "rodas5p", "bdf2"])
def test_each_run_is_that_of_a_new_solver(name):
    t = np.linspace(0.0, 5.0, 11)
    options = {"rtol": 1e-6, "atol": 1e-8}
    integrator = Integrator(lotka_volterra, (0.0, 5.0), [2.0, 1.0], name, t_eval=t, parameters=[1.0], **options)
    ends = []
    for start, rate in (([2.0, 1.0], 1.0), ([0.5, 1.5], 1.0), ([2.0, 1.0], 3.0), ([2.0, 1.0], 1.0)):
        found = integrator.run(start, parameters=[rate])
        fresh = solve_ivp(
            lotka_volterra, (0.0, 5.0), start, method=getattr(ns.methods, methods.get(name).class_name), t_eval=t,
            parameters=[rate], **options,
        )  # fmt: skip
        np.testing.assert_allclose(found, fresh.y.T, rtol=1e-3 if name == "bdf2" else 2e-5)
        assert integrator.steps > 5
        assert integrator.evaluations > integrator.steps
        ends.append(found)
    np.testing.assert_array_equal(ends[0], ends[3])
    assert np.abs(ends[0] - ends[2]).max() > 0.1


def test_a_mass_matrix_and_a_python_function():
    integrator = Integrator(
        lambda t, y: np.array([-y[0] + y[1], y[0] - 2.0 * y[1]]), (0.0, 1.0), [1.0, 0.5], "rodas5p",
        mass=np.diag([1.0, 0.0]), rtol=1e-8, atol=1e-10,
    )  # fmt: skip
    for start in (1.0, 3.0):
        np.testing.assert_allclose(
            integrator.run([start, 0.0])[0], start * np.exp(-0.5) * np.array([1.0, 0.5]), rtol=1e-6
        )


def test_refusals():
    with pytest.raises(ParameterError, match=r"t_eval must rise inside 0\.\.1"):
        Integrator(lambda t, y: -y, (0.0, 1.0), [1.0], t_eval=[0.5, 2.0])
    with pytest.raises(ParameterError, match="start < stop"):
        Integrator(lambda t, y: -y, (1.0, 0.0), [1.0])
    with pytest.raises(SimulationError, match="DP5 stopped at t = "):
        Integrator(lambda t, y: y**2, (0.0, 2.0), [1.0]).run()


def test_runs_that_go_over_to_a_stiff_formula_do_not_wear_out():
    @kernel
    def relaxation(context, u, p, memory, table, code, F, D):
        y, slope = u[0, 0], u[1, 0]
        F[0, 0], F[1, 0] = slope, 100.0 * (1.0 - y * y) * slope - y
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, 0], D[0, 1, 0] = 0.0, 1.0
            D[1, 0, 0], D[1, 1, 0] = -200.0 * y * slope - 1.0, 100.0 * (1.0 - y * y)

    integrator = Integrator(relaxation, (0.0, 100.0), [2.0, 0.0], "adams_bdf", rtol=1e-5)
    first = integrator.run()
    for _ in range(30):
        assert np.array_equal(integrator.run(), first)
