"""The problems, and the other integrators, in a process of their own: ``python engine_rivals.py``.

Prints the libraries that it found. Then a line ``PROBLEM`` is answered with the labels of its contests, and a line
``PROBLEM|LABEL|RTOL|REPEATS`` with the least time of a repeat [s] and the state at the end. Every rival gets the
same right-hand side compiled by Numba (jitcode: C; diffrax: JAX). One thread. Needs nothing of neurosim, so that it
runs where only the libraries are installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (threads are set before)


@dataclass
class Problem:
    """An initial value problem ``y' = f(t, y; p)`` with its parameters in one array."""

    form: str
    p: np.ndarray
    y0: np.ndarray
    end: float
    is_stiff: bool = False


def _random_network(n: int, seed: int, gain: float) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw, draw.normal(size=(n, n)) * gain / np.sqrt(n), 0.1 * draw.normal(size=n)


def hopfield(n: int) -> Problem:
    """``y' = -y + W tanh y + I``, p = I, 1/tau, W by columns."""
    draw, w, bias = _random_network(n, 0, 1.5)
    return Problem("network", np.concatenate([bias, np.ones(n), w.T.ravel()]), draw.normal(size=n), 10.0)


def mtrnn(n: int) -> Problem:
    """The same with time constants 2, 5 and 70."""
    draw, w, bias = _random_network(n, 1, 1.2)
    rate = 1.0 / np.repeat([2.0, 5.0, 70.0], [n // 2, n // 4, n - n // 2 - n // 4])
    return Problem("network", np.concatenate([bias, rate, w.T.ravel()]), draw.normal(size=n), 50.0)


def dense_memristors(n: int) -> Problem:
    """``x' = -a x + b cos(w t) (1 - c Omega X)^-1 Omega S`` (Caravelli et al. 2017), Omega a projector."""
    draw = np.random.default_rng(2)
    q = np.linalg.qr(draw.normal(size=(n, n // 2)))[0]
    omega = q @ q.T
    return Problem(
        "memristors", np.concatenate([[0.1, 0.2, 0.9, 1.0], omega @ draw.normal(size=n) * 0.2, omega.ravel()]),
        draw.uniform(0.2, 0.8, n), 10.0,
    )  # fmt: skip


def ladder(nodes: int) -> Problem:
    """RC ladder with a memristor (linear drift, smooth window) in each rung's place; y = voltages, states."""
    draw = np.random.default_rng(5)
    c = 10 ** draw.uniform(-6.0, -3.0, nodes)
    p = np.concatenate([[1e2, 16e3, 2e3, 1.0, 2.0 * np.pi], c, np.full(nodes, 1e-4)])
    return Problem("ladder", p, np.concatenate([np.zeros(nodes), np.full(nodes, 0.5)]), 2.0, True)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "Lorenz": lambda: Problem("lorenz", np.array([10.0, 28.0, 8.0 / 3.0]), np.ones(3), 10.0),
    "Hopfield 10": lambda: hopfield(10),
    "Hopfield 100": lambda: hopfield(100),
    "Hopfield 1000": lambda: hopfield(1000),
    "MTRNN 200": lambda: mtrnn(200),
    "memristors 20": lambda: dense_memristors(20),
    "memristors 200": lambda: dense_memristors(200),
    "van der Pol": lambda: Problem("van_der_pol", np.array([1000.0]), np.array([2.0, 0.0]), 3000.0, True),
    "ladder 100": lambda: ladder(100),
    "ladder 400": lambda: ladder(400),
}

TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10)


def right_hand_sides() -> dict[str, Any]:
    """``f(t, y, dy, p)`` in Numba by form."""
    import numba

    @numba.njit
    def lorenz(t, y, dy, p):
        dy[0] = p[0] * (y[1] - y[0])
        dy[1] = y[0] * (p[1] - y[2]) - y[1]
        dy[2] = y[0] * y[1] - p[2] * y[2]

    @numba.njit
    def van_der_pol(t, y, dy, p):
        dy[0] = y[1]
        dy[1] = p[0] * (1.0 - y[0] * y[0]) * y[1] - y[0]

    @numba.njit
    def network(t, y, dy, p):
        n = y.size
        for i in range(n):
            dy[i] = p[i]
        for j in range(n):
            a = np.tanh(y[j])
            column = p[(2 + j) * n : (3 + j) * n]
            for i in range(n):
                dy[i] += column[i] * a
        for i in range(n):
            dy[i] = p[n + i] * (dy[i] - y[i])

    @numba.njit
    def memristors(t, y, dy, p):
        n = y.size
        omega = p[4 + n : 4 + n + n * n].reshape(n, n)
        matrix = np.empty((n, n))
        for i in range(n):
            for j in range(n):
                matrix[i, j] = -p[2] * omega[i, j] * y[j]
            matrix[i, i] += 1.0
        z = np.linalg.solve(matrix, p[4 : 4 + n])
        for i in range(n):
            dy[i] = -p[0] * y[i] + p[1] * np.cos(p[3] * t) * z[i]

    @numba.njit
    def ladder_flow(t, y, dy, p):
        m = y.size // 2
        before, current = p[3] * np.sin(p[4] * t), 0.0
        for j in range(m):
            x = y[m + j]
            i = (before - y[j]) / (p[0] * x + p[1] * (1.0 - x))
            dy[m + j] = p[2] * i * 4.0 * x * (1.0 - x)
            if j > 0:
                dy[j - 1] = (current - i - p[5 + m + j - 1] * y[j - 1]) / p[5 + j - 1]
            before, current = y[j], i
        dy[m - 1] = (current - p[5 + 2 * m - 1] * y[m - 1]) / p[5 + m - 1]

    return {
        "lorenz": lorenz, "van_der_pol": van_der_pol, "network": network, "memristors": memristors,
        "ladder": ladder_flow,
    }  # fmt: skip


def pattern(problem: Problem) -> Any:
    """Where the Jacobian of a ladder is not zero."""
    import scipy.sparse as sp

    m = problem.y0.size // 2
    band = sp.diags_array([np.ones(m - 1), np.ones(m), np.ones(m - 1)], offsets=[-1, 0, 1])
    upper = sp.diags_array([np.ones(m), np.ones(m - 1)], offsets=[0, 1])
    lower = sp.diags_array([np.ones(m), np.ones(m - 1)], offsets=[0, -1])
    return sp.block_array([[band, upper], [lower, sp.eye_array(m)]]).tocsc()


Contest = Callable[[float], np.ndarray]


def scipy_contests(problem: Problem, rhs: Any) -> Iterator[tuple[str, Contest]]:
    """All methods of solve_ivp; the sparse pattern where there is one."""
    from scipy.integrate import solve_ivp

    dy, p = np.empty(problem.y0.size), problem.p

    def fun(t: float, y: np.ndarray) -> np.ndarray:
        rhs(t, y, dy, p)
        return dy.copy()

    def contest(method: str, **options: Any) -> Contest:
        return lambda rtol: solve_ivp(
            fun, (0.0, problem.end), problem.y0, method=method, rtol=rtol, atol=rtol * 1e-2, **options
        ).y[:, -1]

    names = ("BDF", "Radau", "LSODA") if problem.is_stiff else ("RK45", "DOP853", "LSODA")
    for name in names:
        sparse = problem.form == "ladder" and name != "LSODA"
        yield (
            f"SciPy {name}{' sparse' if sparse else ''}",
            contest(name, **({"jac_sparsity": pattern(problem)} if sparse else {})),
        )


def numbalsoda_contests(problem: Problem, rhs: Any) -> Iterator[tuple[str, Contest]]:
    """LSODA in C++, called without Python."""
    import numba
    import numbalsoda

    n, size = problem.y0.size, problem.p.size

    @numba.cfunc(numbalsoda.lsoda_sig)
    def entry(t, u, du, p):
        rhs(t, numba.carray(u, (n,)), numba.carray(du, (n,)), numba.carray(p, (size,)))

    span = np.array([0.0, problem.end])

    def contest(rtol: float) -> np.ndarray:
        found = numbalsoda.lsoda(
            entry.address, problem.y0, span, data=problem.p, rtol=rtol, atol=rtol * 1e-2, mxstep=10**7
        )
        assert found[1]
        return found[0][-1]

    yield "numbalsoda", contest


def sksundae_contests(problem: Problem, rhs: Any) -> Iterator[tuple[str, Contest]]:
    """CVODE of SUNDIALS."""
    from sksundae.cvode import CVODE

    p = problem.p

    def fun(t: float, y: np.ndarray, yp: np.ndarray) -> None:
        rhs(t, y, yp, p)

    def contest(method: str) -> Contest:
        span = np.array([0.0, problem.end])
        return lambda rtol: CVODE(
            fun, method=method, rtol=rtol, atol=rtol * 1e-2, max_num_steps=10**7
        ).solve(span, problem.y0).y[-1]  # fmt: skip

    yield ("CVODE BDF", contest("BDF")) if problem.is_stiff else ("CVODE Adams", contest("Adams"))


def diffrax_contests(problem: Problem, rhs: Any) -> Iterator[tuple[str, Contest]]:
    """Explicit and implicit Runge-Kutta methods compiled by JAX."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    import diffrax

    p = jnp.asarray(problem.p)
    n = problem.y0.size
    if problem.form == "lorenz":

        def fun(t: Any, y: Any, _: Any) -> Any:
            return jnp.stack([p[0] * (y[1] - y[0]), y[0] * (p[1] - y[2]) - y[1], y[0] * y[1] - p[2] * y[2]])

    elif problem.form == "van_der_pol":

        def fun(t: Any, y: Any, _: Any) -> Any:
            return jnp.stack([y[1], p[0] * (1.0 - y[0] ** 2) * y[1] - y[0]])

    elif problem.form == "network" and n <= 200:
        w = p[2 * n :].reshape(n, n).T

        def fun(t: Any, y: Any, _: Any) -> Any:
            return p[n : 2 * n] * (p[:n] + w @ jnp.tanh(y) - y)

    else:
        return

    def contest(solver: Any) -> Contest:
        @jax.jit
        def run(rtol: Any) -> Any:
            return diffrax.diffeqsolve(
                diffrax.ODETerm(fun), solver, 0.0, problem.end, None, jnp.asarray(problem.y0),
                stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol * 1e-2),
                saveat=diffrax.SaveAt(t1=True), max_steps=10**6,
            ).ys[-1]  # fmt: skip

        return lambda rtol: np.asarray(run(rtol))

    if problem.is_stiff:
        yield "diffrax Kvaerno5", contest(diffrax.Kvaerno5())
    else:
        yield "diffrax Dopri5", contest(diffrax.Dopri5())
        yield "diffrax Dopri8", contest(diffrax.Dopri8())


def jitcode_contests(problem: Problem, rhs: Any) -> Iterator[tuple[str, Contest]]:
    """Symbolic equations compiled in C."""
    if problem.form not in ("lorenz", "van_der_pol") and problem.y0.size > 10:
        return
    import symengine
    from jitcode import jitcode, y

    p, n = problem.p.tolist(), problem.y0.size
    if problem.form == "lorenz":
        f = [p[0] * (y(1) - y(0)), y(0) * (p[1] - y(2)) - y(1), y(0) * y(1) - p[2] * y(2)]
    elif problem.form == "van_der_pol":
        f = [y(1), p[0] * (1 - y(0) ** 2) * y(1) - y(0)]
    else:
        f = [
            p[n + i] * (p[i] + sum(p[(2 + j) * n + i] * symengine.tanh(y(j)) for j in range(n)) - y(i))
            for i in range(n)
        ]
    made = jitcode(f, verbose=False)
    method = "lsoda" if problem.is_stiff else "dopri5"

    def contest(rtol: float) -> np.ndarray:
        made.set_integrator(method, rtol=rtol, atol=rtol * 1e-2, nsteps=10**7)
        made.set_initial_value(problem.y0, 0.0)
        return made.integrate(problem.end)

    yield f"jitcode {method}", contest


LIBRARIES = {
    "scipy": scipy_contests, "numbalsoda": numbalsoda_contests, "sksundae": sksundae_contests,
    "diffrax": diffrax_contests, "jitcode": jitcode_contests,
}  # fmt: skip


def least_time(contest: Callable[[], np.ndarray], repeats: int) -> tuple[float, list[float]]:
    """Least time [s] over some repeats, and the end."""
    best, result = float("inf"), np.empty(0)
    for _ in range(repeats):
        clock = time.perf_counter()
        result = contest()
        best = min(best, time.perf_counter() - clock)
    return best, np.asarray(result, float).tolist()


def main() -> None:
    """Answer until the input ends."""
    found = [name for name in LIBRARIES if importlib.util.find_spec(name) is not None]
    forms = right_hand_sides() if importlib.util.find_spec("numba") is not None else {}
    print(json.dumps(found), flush=True)
    made: dict[str, dict[str, Contest]] = {}
    for line in sys.stdin:
        name, _, rest = line.strip().partition("|")
        if name not in made:
            problem = PROBLEMS[name]()
            made[name] = {}
            for library in found:
                # What libraries print must not get between the answers.
                with contextlib.redirect_stdout(sys.stderr):
                    made[name] |= dict(LIBRARIES[library](problem, forms[problem.form]))
        if not rest:
            print(json.dumps(list(made[name])), flush=True)
            continue
        label, rtol, repeats = rest.split("|")
        with contextlib.redirect_stdout(sys.stderr):
            answer = least_time(lambda c=made[name][label], r=float(rtol): c(r), int(repeats))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
