"""The other libraries, in a process of their own: ``python lyapunov_rivals.py LIBRARY``.

Prints the least time [s] of a warm run, the time of the first, and the exponents, of the Lorenz system over 1000
time units: Runge-Kutta 4 with steps of 0.01 and orthonormal vectors every 10 steps; jitcode has adaptive steps only
(dopri5, rtol 1e-6), made orthonormal every 0.1. Needs nothing of neurosim.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (threads are set before)

START, STEPS, DT, EVERY = np.array([1.0, 1.0, 20.0]), 100_000, 0.01, 10
ROUNDS = 5


def run_lyapax() -> Callable[[], Any]:
    """Runge-Kutta 4 in JAX."""
    import jax
    import jax.numpy as jnp
    import lyapax

    jax.config.update("jax_enable_x64", True)

    def field(y: Any) -> Any:
        return jnp.array([10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]])

    problem = lyapax.ode_problem(field, state0=jnp.array(START), dt=DT)
    return lambda: lyapax.lyapunov_spectrum(problem, n_steps=STEPS, renorm_every=EVERY, t_transient=10.0).exponents


def run_jitcode() -> Callable[[], Any]:
    """Generated C code, called by SciPy's dopri5 between orthonormalisations."""
    import symengine
    from jitcode import jitcode_lyap, y

    field = [
        10 * (y(1) - y(0)), y(0) * (28 - y(2)) - y(1), y(0) * y(1) - symengine.Rational(8, 3) * y(2),
    ]  # fmt: skip
    ode = jitcode_lyap(field, n_lyap=3, verbose=False)
    ode.compile_C()
    ode.set_integrator("dopri5", rtol=1e-6, atol=1e-8)

    def run() -> Any:
        ode.set_initial_value(START, 0.0)
        for t in np.arange(0.1, 10.05, 0.1):
            ode.integrate(t)
        return np.mean([ode.integrate(t)[1] for t in np.arange(10.1, 1010.05, 0.1)], axis=0)

    return run


def main(library: str) -> None:
    """Time one library."""
    clock = time.perf_counter()
    run = {"lyapax": run_lyapax, "jitcode": run_jitcode}[library]()
    exponents = np.asarray(run())
    first = time.perf_counter() - clock
    best = np.inf
    for _ in range(ROUNDS):
        clock = time.perf_counter()
        exponents = np.asarray(run())
        best = min(best, time.perf_counter() - clock)
    print(json.dumps([best, first, exponents.tolist()]))


if __name__ == "__main__":
    main(sys.argv[1])
