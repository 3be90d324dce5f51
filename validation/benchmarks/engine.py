"""Error against time of the integrators and their rivals, on problems with and without stiffness.

``python -m validation --benchmarks --only engine``. Each run is timed by itself (least time of some repeats, one
thread; by the clock, because the processor's time leaves out what other threads of JAX have not yet accounted for) and
its end is held against a solution of ours at a far tighter tolerance. Rivals run in another process, in the first
Python that has Numba and SciPy: the one that runs this, or one of the variable NEUROSIM_BENCHMARK_PYTHON. Ours go
through ``solve_ivp(law, ..., method=ns.methods.X)``, and ("driver") through an `Integrator` that is ready.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from neurosim.kernels.abi import TIME, WANT_DERIVATIVES, kernel
from neurosim.kernels.vector_functions import apply_tanh
from neurosim.solve import methods
from neurosim.solve.integrator import Integrator
from validation.benchmarks import engine_rivals
from validation.benchmarks.engine_rivals import PROBLEMS, TOLERANCES, Problem, least_time, pattern
from validation.case import Case, Context

SECONDS, LONGEST = 0.3, 4.0
"""Time spent on the repeats of one run, and of one run beyond which tighter tolerances are left out."""


@kernel
def lorenz(context, u, p, memory, table, code, F, D):
    x, y, z = u[0, 0], u[1, 0], u[2, 0]
    F[0, 0] = table[0] * (y - x)
    F[1, 0] = x * (table[1] - z) - y
    F[2, 0] = x * y - table[2] * z
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0], D[0, 1, 0], D[0, 2, 0] = -table[0], table[0], 0.0
        D[1, 0, 0], D[1, 1, 0], D[1, 2, 0] = table[1] - z, -1.0, -x
        D[2, 0, 0], D[2, 1, 0], D[2, 2, 0] = y, x, -table[2]


@kernel
def van_der_pol(context, u, p, memory, table, code, F, D):
    y, slope, mu = u[0, 0], u[1, 0], table[0]
    F[0, 0] = slope
    F[1, 0] = mu * (1.0 - y * y) * slope - y
    if context[WANT_DERIVATIVES] != 0.0:
        D[0, 0, 0], D[0, 1, 0] = 0.0, 1.0
        D[1, 0, 0], D[1, 1, 0] = -2.0 * mu * y * slope - 1.0, mu * (1.0 - y * y)


@kernel
def network(context, u, p, memory, table, code, F, D):
    """Weights by columns, four at a time; D is work space for the activations, since only explicit methods use this."""
    y, f, a = u.reshape(u.size), F.reshape(F.size), D.reshape(D.size)
    n = y.size
    apply_tanh(a, 0, y, 0, n)
    for i in range(n):
        f[i] = table[i]
    whole = n // 4 * 4
    for j in range(0, whole, 4):
        first, second = table[(2 + j) * n : (3 + j) * n], table[(3 + j) * n : (4 + j) * n]
        third, fourth = table[(4 + j) * n : (5 + j) * n], table[(5 + j) * n : (6 + j) * n]
        a0, a1, a2, a3 = a[j], a[j + 1], a[j + 2], a[j + 3]
        for i in range(n):
            f[i] += (first[i] * a0 + second[i] * a1) + (third[i] * a2 + fourth[i] * a3)
    for j in range(whole, n):
        column, value = table[(2 + j) * n : (3 + j) * n], a[j]
        for i in range(n):
            f[i] += column[i] * value
    for i in range(n):
        f[i] = table[n + i] * (f[i] - y[i])


@kernel
def ladder(context, u, p, memory, table, code, F, D):
    m = u.shape[0] // 2
    wanted = context[WANT_DERIVATIVES] != 0.0
    before = table[3] * np.sin(table[4] * context[TIME])
    for j in range(m):
        F[j, 0] = 0.0
    for j in range(m):
        v, x = u[j, 0], u[m + j, 0]
        g = 1.0 / (table[0] * x + table[1] * (1.0 - x))
        i = (before - v) * g
        window = 4.0 * x * (1.0 - x)
        F[m + j, 0] = table[2] * i * window
        F[j, 0] += (i - table[5 + m + j] * v) / table[5 + j]
        if j > 0:
            F[j - 1, 0] -= i / table[5 + j - 1]
        if wanted:
            by_x = i * g * (table[1] - table[0])
            D[m + j, j, 0] = -table[2] * g * window
            D[m + j, m + j, 0] = table[2] * (by_x * window + i * 4.0 * (1.0 - 2.0 * x))
            D[j, j, 0] = -(g + table[5 + m + j]) / table[5 + j]
            D[j, m + j, 0] = by_x / table[5 + j]
            if j > 0:
                D[m + j, j - 1, 0] = table[2] * g * window
                D[j, j - 1, 0] = g / table[5 + j]
                D[j - 1, j, 0] = g / table[5 + j - 1]
                D[j - 1, j - 1, 0] -= g / table[5 + j - 1]
                D[j - 1, m + j, 0] = -by_x / table[5 + j - 1]
        before = v


LAWS = {"lorenz": lorenz, "van_der_pol": van_der_pol, "network": network, "ladder": ladder}


def _ours(problem: Problem) -> Iterator[tuple[str, Callable[[float], np.ndarray]]]:
    fun: Any = LAWS.get(problem.form)
    options: dict[str, Any] = {"table": problem.p}
    if fun is None:
        fun, options = _with_numba(problem), {}
    if problem.form == "ladder":
        options["jac_sparsity"] = pattern(problem)

    def contest(method: Any) -> Callable[[float], np.ndarray]:
        return lambda rtol: solve_ivp(
            fun, (0.0, problem.end), problem.y0, method=method, rtol=rtol, atol=rtol * 1e-2, **options
        ).y[:, -1]

    def ready(method: str) -> Callable[[float], np.ndarray]:
        @functools.cache
        def made(rtol: float) -> Integrator:
            return Integrator(fun, (0.0, problem.end), problem.y0, method, rtol=rtol, atol=rtol * 1e-2, **options)

        return lambda rtol: made(rtol).run()[-1]

    for name in ("Rodas5P", "BDF", "AdamsBDF") if problem.is_stiff else ("DP5", "DOP853", "Adams"):
        found = getattr(methods, name)
        yield f"neurosim {name}", contest(found)
        yield f"neurosim {name} driver", ready(found.method.name)


def _with_numba(problem: Problem) -> Any:
    import numba

    rhs, p = engine_rivals.right_hand_sides()[problem.form], problem.p

    @numba.njit
    def fun(t, y):
        dy = np.empty(y.size)
        rhs(t, y, dy, p)
        return dy

    return fun


class _Rivals:
    """The process of the rivals."""

    def __init__(self, python: str) -> None:
        script = engine_rivals.__file__
        self.process = subprocess.Popen(
            [python, script], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.libraries: list[str] = self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark process of the rivals ended without an answer")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        self.process.communicate()


def _rivals() -> _Rivals | None:
    others = os.environ.get("NEUROSIM_BENCHMARK_PYTHON", "").split(os.pathsep)
    for python in (*filter(None, others), sys.executable):
        if subprocess.run([python, "-c", "import numba, scipy"], capture_output=True, check=False).returncode == 0:
            return _Rivals(python)
    return None


Points = dict[str, list[tuple[float, float, float]]]
"""By label: tolerance, seconds, error."""


def measure(name: str, rivals: _Rivals | None, tolerances: tuple[float, ...] = TOLERANCES) -> Points:
    """Times and errors of all integrators on one problem, ours and theirs in turn."""
    problem = PROBLEMS[name]()
    ours = dict(_ours(problem))
    reference = ours["neurosim Rodas5P" if problem.is_stiff else "neurosim DOP853"](1e-12)
    scale = np.abs(reference).max()
    theirs = rivals.ask(name) if rivals is not None else []

    def run(label: str, rtol: float, repeats: int) -> tuple[float, Any]:
        if label in ours:
            return least_time(functools.partial(ours[label], rtol), repeats)
        assert rivals is not None
        return rivals.ask(f"{name}|{label}|{rtol}|{repeats}")

    points: Points = {}
    for rtol in tolerances:
        for label in (*ours, *theirs):
            before = points.setdefault(label, [])
            if before and before[-1][1] > LONGEST:
                continue
            seconds, end = run(label, rtol, 1 if before else 2)
            repeats = int(SECONDS / max(seconds, 1e-6))
            if repeats > 0:
                seconds = min(seconds, run(label, rtol, min(repeats, 300))[0])
            error = float(np.abs(np.array(end) - reference).max() / scale)
            before.append((rtol, seconds, error if np.isfinite(error) else np.inf))
    return points


def time_at(points: list[tuple[float, float, float]], error: float) -> float:
    """Seconds for an error: of the cheapest run where that is better still, else between the measured ones on
    logarithmic axes; NaN below."""
    usable = [(e, s) for _, s, e in points if 0.0 < e < 1.0]
    # A cheaper run with a smaller error makes one superfluous.
    front = [(e, s) for e, s in usable if not any(o < e and t < s for o, t in usable)]
    front.sort()
    if not front or error < front[0][0]:
        return float("nan")
    return float(np.exp(np.interp(np.log(error), *np.log(np.array(front)).T)))


def comparison(points: Points) -> list[tuple[float, str, float, str, float]]:
    """For round errors: the best of ours and the best rival, with their times."""
    rows = []
    worst = max((error for runs in points.values() for _, _, error in runs if error < 1.0), default=0.0)
    for error in [10.0**exponent for exponent in range(-2, -11, -1) if 10.0**exponent <= worst]:
        times = {label: time_at(found, error) for label, found in points.items()}
        times = {label: seconds for label, seconds in times.items() if np.isfinite(seconds)}
        mine = {label: seconds for label, seconds in times.items() if label.startswith("neurosim")}
        other = {label: seconds for label, seconds in times.items() if not label.startswith("neurosim")}
        if mine and other:
            first, second = min(mine, key=mine.__getitem__), min(other, key=other.__getitem__)
            rows.append((error, first, mine[first], second, other[second]))
    return rows


def report(found: dict[str, Points]) -> str:
    """Tables in Markdown: at equal error, then every run."""
    lines = ["## Time at equal error: the best of ours and the best rival", ""]
    lines += ["| problem | error | ours | ms | best rival | ms | rival / ours |", "|---|---|---|---|---|---|---|"]
    for name, points in found.items():
        for error, first, mine, second, other in comparison(points):
            lines.append(
                f"| {name} | {error:.0e} | {first[9:]} | {1e3 * mine:.3g} | {second} | {1e3 * other:.3g} | "
                f"{other / mine:.2f} |"
            )
    lines += ["", "## Every run: ms (error)", ""]
    for name, points in found.items():
        tolerances = sorted({rtol for runs in points.values() for rtol, _, _ in runs}, reverse=True)
        lines += [f"### {name}", "", "| integrator | " + " | ".join(f"rtol {r:.0e}" for r in tolerances) + " |"]
        lines.append("|---" * (1 + len(tolerances)) + "|")
        for label, runs in points.items():
            cells = {rtol: f"{1e3 * seconds:.3g} ({error:.0e})" for rtol, seconds, error in runs}
            lines.append(f"| {label} | " + " | ".join(cells.get(r, "") for r in tolerances) + " |")
        lines.append("")
    return "\n".join(lines)


def _draw(axes: Any, name: str, points: Points) -> None:
    for label, runs in points.items():
        seen = [(error, seconds) for _, seconds, error in runs if 0.0 < error < 1.0]
        if seen:
            mine = label.startswith("neurosim")
            axes.loglog(*zip(*seen, strict=True), "o-" if mine else "x:", lw=2.0 if mine else 1.0, ms=4, label=label)
    axes.set(xlabel="error at the end, of the largest value", ylabel="time [s]", title=name)
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.grid(alpha=0.3)


def cases(context: Context) -> Iterator[Case]:
    """At every error that both reach, level with the best rival."""
    rivals = _rivals()
    if rivals is None:
        context.remarks.append("no Python with Numba and SciPy: the integrators were not timed against rivals")
    found: dict[str, Points] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PROBLEMS:
            found[name] = measure(name, rivals)
            context.figure(f"engine {name}", functools.partial(_draw, name=name, points=found[name]))
            print(name, flush=True)
    if rivals is not None:
        rivals.close()
    (context.folder / "engine.md").write_text(report(found) + "\n")
    for name, points in found.items():
        for error, first, mine, second, other in comparison(points):
            yield Case(
                f"{name} at an error of {error:.0e}", f"paired run, {second}", "time of ours / the best rival's",
                "at most 1", f"{mine / other:.3g} ({first[9:]} {1e3 * mine:.3g} ms, rival {1e3 * other:.3g} ms)",
                mine / other, 1.0, "the target of the project",
            )  # fmt: skip
