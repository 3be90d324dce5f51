"""The integration methods as `scipy.integrate.OdeSolver` classes: ``solve_ivp(fun, span, y0, method=DP5)``.

One step of the solver is a chunk of accepted steps in compiled code, of which the interpolants are kept. `fun` is

- a Python function: every evaluation is a call of it, a chunk is one step, and ``events`` see every step;
- a function ``fun(t, y)`` decorated with ``numba.njit`` that returns an array: it is called in compiled code. Give what
  it needs as globals or closure, not as ``args`` of ``solve_ivp``, which would hide it behind a Python function;
- a compiled law made with `neurosim.kernels.abi.kernel`, or an object with such a law as attribute ``kernel``: the
  fastest, for it allocates nothing, brings its derivatives, and takes ``parameters``:

>>> from scipy.integrate import solve_ivp
>>> import neurosim as ns
>>> from neurosim.kernels.abi import WANT_DERIVATIVES, kernel
>>> @kernel
... def decay(context, u, p, memory, table, code, F, D):
...     F[0, 0] = -p[0, 0] * u[0, 0]
...     if context[WANT_DERIVATIVES] != 0.0:
...         D[0, 0, 0] = -p[0, 0]
>>> solution = solve_ivp(decay, (0.0, 1.0), [1.0], method=ns.methods.DP5, parameters=(2.0,), rtol=1e-9)
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.integrate import DenseOutput, OdeSolver

from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import run as state
from neurosim.kernels.abi import TIME, WANT_DERIVATIVES, Kernel, PythonLaw
from neurosim.kernels.builder import GROUND, BatchSpec, System, Unknown, build_system
from neurosim.kernels.column_groups import column_groups
from neurosim.kernels.explicit import interpolate_knots, kept_rows
from neurosim.kernels.first_step import choose_first_step
from neurosim.kernels.numba_law import NumbaLaw, numba_law
from neurosim.kernels.room import Room
from neurosim.kernels.run import EXPLICIT, Run
from neurosim.kernels.time_loop import advance
from neurosim.solve.factors import NO_FACTORS, Factors
from neurosim.solve.methods.method import Method
from neurosim.solve.new_run import begin_run, new_run, wants_matrix
from neurosim.solve.piecewise_polynomial import PiecewisePolynomial

COMPILED_CHUNK, CHUNK_VALUES = 1024, 2**18
"""Most accepted steps, and most numbers kept for interpolation, in one call when the law is compiled."""

KEPT_RUNS = 2
"""Most runs of one shape that wait for the next solver."""

UNLIMITED = np.iinfo(np.int64).max

LEAST_RTOL = 100 * np.finfo(float).eps

_FAILURES = {
    state.STEP_TOO_SMALL: (
        "the step size fell below the resolution of t",
        "look for a discontinuity or a singularity of fun there, loosen rtol and atol, or take a stiff method",
    ),
    state.NOT_FINITE: (
        "fun is not finite",
        "look for a division by zero or an overflow in fun, or bound max_step",
    ),
    state.SINGULAR: (
        "M/h - J is singular",
        "check that the algebraic equations determine the algebraic unknowns (index 1)",
    ),
}


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.linalg.norm(x) / x.size**0.5)


class CompiledSolver(OdeSolver):
    """Base of all solver classes; `solver_class` makes one for a `Method`.

    Parameters
    ----------
    fun : callable or Kernel
        ``fun(t, y)``, plain or decorated with ``numba.njit``, or a compiled law
        ``f(context, u, p, memory, table, code, F, D)`` with y as u and dy/dt as F
        (and its derivatives in D).
    t0, t_bound : float
    y0 : array_like, shape (n,)
        Real.
    max_step : float
        Default unlimited.
    rtol : float
        Default 1e-3, at least 2.2e-14.
    atol : float or array_like, shape (n,)
        Default 1e-6.
    vectorized : bool
        Whether `fun` takes y of shape (n, k); used for finite differences.
    first_step : float, optional
        Chosen from the slope and its change when not given.
    jac : callable or matrix, optional
        ``jac(t, y)`` or a constant, shape (n, n), dense or sparse; finite differences of `fun` when not given. A
        compiled law brings its own.
    jac_sparsity : array_like or sparse matrix, shape (n, n), optional
        Nonzero where the Jacobian can be.
    mass : array_like or sparse matrix, shape (n, n), optional
        M in ``M y' = f(t, y)``, which may be singular (index 1) for implicit methods; the initial algebraic unknowns
        are then corrected to satisfy their equations (``solve_ivp`` still shows them as given in its first point).
        Default the identity.
    fixed_step : float, optional
        Take steps of this size without error control.
    chunk : int, optional
        Most accepted steps in one step of the solver, default 1 for Python functions and up to 1024
        for compiled laws.
        ``solve_ivp`` looks for sign changes of ``events`` and puts points into ``t`` only at the ends of chunks: give
        1 with ``events``, and ``t_eval`` or ``dense_output=True`` otherwise.
    parameters, table : sequence of float
        p and table of a compiled law.
    code : sequence of int
        code of a compiled law.

    Attributes
    ----------
    knots : ndarray
        t at the end of every accepted step, the start included.

    Raises
    ------
    ParameterError
        For arguments outside what is allowed.
    SimulationError
        When an implicit method finds no consistent start.
    """

    method: ClassVar[Method]

    def __init__(
        self, fun: Any, t0: float, y0: Any, t_bound: float, max_step: float = np.inf, rtol: float = 1e-3,
        atol: Any = 1e-6, vectorized: bool = False, first_step: float | None = None, *, jac: Any = None,
        jac_sparsity: Any = None, mass: Any = None, fixed_step: float | None = None, chunk: int | None = None,
        parameters: Sequence[float] = (), table: Sequence[float] = (), code: Sequence[int] = (), **extraneous: Any,
    ) -> None:  # fmt: skip
        if extraneous:
            warnings.warn(
                f"{self.method.class_name} has no option {', '.join(f'`{name}`' for name in extraneous)}: ignored",
                stacklevel=3,
            )
        if np.iscomplexobj(y0):
            raise ParameterError(
                f"y0 is complex: {self.method.class_name} integrates real states; split it into real and imaginary "
                "parts, or use SciPy's RK45 or DOP853"
            )
        super().__init__(fun, t0, y0, t_bound, vectorized)
        kernel = fun if isinstance(fun, Kernel) else getattr(fun, "kernel", None)
        if kernel is None and hasattr(fun, "py_func") and t_bound >= t0 and jac is None:
            kernel = numba_law(fun)
        self.rtol, self.atol = self._tolerances(rtol, atol)
        if chunk is None:
            chunk = 1 if kernel is None else min(max(CHUNK_VALUES // max(self._values(), 1), 16), COMPILED_CHUNK)
        self.chunk = chunk
        self._check(kernel, max_step, first_step, fixed_step, jac, parameters, table, code)
        self._is_warned, self._pivots_of = False, np.nan
        self._knots = [np.array([float(t0)])]
        self._law: _FunctionLaw | None = None
        self._idle: list[_Arrays] | None = None
        if self.n == 0:
            return
        masses = None if mass is None else _entries(mass, self.n)
        if kernel is None:
            self._law = _FunctionLaw(self, jac, jac_sparsity)
        else:
            # Closures of the base class on the solver, which would keep it, and all its arrays, alive.
            del self.fun, self.fun_vectorized
        self.system, run, self._room = self._build(kernel, masses, jac, jac_sparsity, parameters, table, code)
        self._start(run, masses, max_step, first_step, fixed_step)

    def _tolerances(self, rtol: Any, atol: Any) -> tuple[float, np.ndarray]:
        if type(rtol) is float and type(atol) is float and rtol >= LEAST_RTOL and atol >= 0.0:
            return rtol, np.full(self.n, atol)
        if np.ndim(rtol) != 0 or not rtol >= 0:
            raise ParameterError(f"rtol = {rtol!r} must be one number, zero or more")
        if rtol < LEAST_RTOL:
            warnings.warn(f"rtol = {rtol:g} is below rounding errors: {LEAST_RTOL:.2g} is used", stacklevel=4)
        absolute = np.asarray(atol, float)
        if absolute.ndim > 0 and absolute.shape != (self.n,):
            raise ParameterError(f"atol has shape {absolute.shape}, but y0 has {self.n} entries")
        if not (absolute >= 0).all():
            raise ParameterError("atol must be zero or more")
        return max(float(rtol), LEAST_RTOL), absolute + np.zeros(self.n)

    def _check(
        self, kernel: Any, max_step: float, first_step: float | None, fixed_step: float | None, jac: Any,
        parameters: Sequence[float], table: Sequence[float], code: Sequence[int],
    ) -> None:  # fmt: skip
        name, length = self.method.class_name, abs(self.t_bound - self.t)
        if not max_step > 0:
            raise ParameterError(f"max_step = {max_step!r} must be above 0")
        for label, value in (("first_step", first_step), ("fixed_step", fixed_step)):
            if value is not None and not 0 < value <= length:
                raise ParameterError(f"{label} = {value!r} must lie between 0 and the length of the span, {length:g}")
        if not self.method.adaptive and fixed_step is None:
            raise ParameterError(f"{name} estimates no error: give fixed_step, or take DP5")
        if self.method.varies_order and fixed_step is not None:
            raise ParameterError(f"fixed_step: {name} chooses its order with its step; take DP5, Rodas5P or BDF2")
        if not self.chunk >= 1:
            raise ParameterError(f"chunk = {self.chunk!r} must be 1 or more")
        if self.method.uses_derivatives and not np.isfinite(length):
            raise ParameterError(f"t_bound is infinite: {name} needs the length of the span; DP5 and DOP853 do not")
        if kernel is None:
            if not callable(self._fun):
                raise ParameterError("fun must be a function of t and y, or a compiled law")
            if len(parameters) or len(table) or len(code):
                raise ParameterError("parameters, table and code belong to compiled laws; give a function its args")
        else:
            if jac is not None:
                raise ParameterError("jac: a compiled law brings its own derivatives")
            if self.direction < 0:
                raise ParameterError("a compiled law cannot be integrated backwards in t; wrap it in a Python function")

    def fun(self, t: float, y: np.ndarray) -> np.ndarray:
        """dy/dt of a compiled law."""
        self.nfev += 1
        return self.system.right_hand_side(t, y)

    def fun_vectorized(self, t: float, y: np.ndarray) -> np.ndarray:
        """dy/dt of a compiled law at the columns of y."""
        return np.stack([self.fun(t, column) for column in y.T], axis=1)

    def __del__(self) -> None:
        """Leave the arrays of a finished integration to the next solver of the same shape."""
        idle = getattr(self, "_idle", None)
        if idle is not None and self.status == "finished" and len(idle) < KEPT_RUNS:
            idle.append((self.system, self.run, self._room))

    def _build(
        self, kernel: Kernel | NumbaLaw | None, masses: dict[tuple[int, int], float] | None, jac: Any,
        jac_sparsity: Any, parameters: Sequence[float], table: Sequence[float], code: Sequence[int],
    ) -> tuple[System, Run | None, Room]:  # fmt: skip
        """The system, and a run of its shape that a finished solver left."""
        n, dependence = self.n, None
        if not self.method.takes_mass and masses is not None:
            raise ParameterError(
                f"mass: {self.method.class_name} needs the identity; use Rodas5P, BDF, BDF2 or Trapezoid"
            )
        if not self.method.uses_derivatives:
            dependence = ()
        elif jac_sparsity is not None or sparse.issparse(jac):
            rows, columns = _pattern(jac if jac_sparsity is None else jac_sparsity, n)
            dependence = tuple(zip(rows.tolist(), columns.tolist(), strict=True))
        if kernel is None:
            assert self._law is not None
            system = _system(self._law.law, masses, dependence, 0, (), (), n)
            self._factors = self._kept_factors = Factors(system)
            return system, None, Room()
        template = _compiled_system(
            kernel, None if masses is None else tuple(masses.items()), dependence, len(parameters), len(table),
            tuple(code), n,
        )  # fmt: skip
        idle = template.idle.setdefault((self.method.name, self.chunk), [])
        try:
            system, run, room = idle.pop()
            system.context[:] = template.system.context
        except IndexError:
            system, run, room = template.system.copy(), None, Room()
        system.arrays.parameters[:], system.arrays.table[:] = parameters, table
        if self.chunk * self._values() <= CHUNK_VALUES:
            self._idle = idle
        self._kept_factors = template.factors
        self._factors = template.factors.fork(system)
        return system, run, room

    def _knot_rows(self) -> int:
        """Rows of n numbers that are kept of each step."""
        is_explicit = self.method.kind == EXPLICIT
        return kept_rows(self.method.tableau, self.method.degree) if is_explicit else self.method.degree + 1

    def _values(self) -> int:
        """Numbers that are kept of each step."""
        return self.n * self._knot_rows()

    def _start(
        self, run: Run | None, masses: dict[tuple[int, int], float] | None, max_step: float, first_step: float | None,
        fixed_step: float | None,
    ) -> None:  # fmt: skip
        """Allocate the run, make the start consistent, choose the first step."""
        n, method = self.n, self.method
        start = {
            "t0": self.direction * self.t, "t_stop": self.direction * self.t_bound, "rtol": self.rtol,
            "atol": self.atol, "h": 1.0, "h_max": max_step,
        }  # fmt: skip
        y = np.concatenate((self.y, (0.0,)))
        if run is not None:
            begin_run(run, self.system, method, y, **start)
        else:
            everything = np.arange(n)
            run = new_run(
                self.system, method, y, **start, probes=everything[:0], watched=everything, grid=np.empty(0),
                breakpoints=np.empty(0), capacity=0, with_slopes=False,
                # The stages of a single explicit step are still where they were made when somebody asks for them.
                knots=0 if method.kind == EXPLICIT and self.chunk == 1 else self.chunk + 1, knot_rows=self._knot_rows(),
            )  # fmt: skip
        self.run = run
        run.count[state.NORM] = state.RMS_OF_BOTH_ENDS
        run.count[state.SAVE_STEPS] = 0
        run.count[state.STEP_LIMIT] = UNLIMITED
        run.count[state.FIXED_STEP] = fixed_step is not None
        run.count[state.POLISH] = masses is not None
        self._polish_factors = Factors(self.system)
        step = fixed_step or first_step
        run.real[state.H] = step or 1e-3 * abs(self.t_bound - self.t) or 1.0
        if method.kind == EXPLICIT:
            # Nothing has to be made ready but the slope.
            run.count[state.STARTED] = 1
        else:
            # Without a budget of steps, only the start is made consistent.
            run.count[state.BUDGET] = 0
            status = self._advance()
            if status not in (state.RUNNING, state.DONE):
                raise SimulationError(f"no consistent start was found: {self._message(status)}")
            self.y = run.y[:n].copy()
        if masses is not None:
            run.real[state.H] = step or self._choose_cautious_step(max_step)
            return
        before = run.count[state.EVALUATIONS]
        known = step or (1.0 if self.t == self.t_bound else 0.0)
        run.real[state.H] = self._room.run(choose_first_step, self.system.arrays, run, self.system.context, known)
        self._raise_failure()
        if self._law is None:
            self.nfev += int(run.count[state.EVALUATIONS] - before)

    def _choose_cautious_step(self, max_step: float) -> float:
        """First step for ``M y' = f``: a thousandth of the time in which y changes by itself."""
        scale = self.atol + self.rtol * np.abs(self.y)
        size, slope = _root_mean_square(self.y / scale), _root_mean_square(self.run.past[3, : self.n] / scale)
        step = 1e-6 if size < 1e-5 or slope < 1e-5 else 1e-3 * size / slope
        return min(step, max_step, abs(self.t_bound - self.t) or 1.0)

    def _advance(self) -> int:
        """Run compiled steps, choosing pivots anew as often as they no longer suit."""
        run, context = self.run, self.system.context
        while True:
            lu = lu_polish = NO_FACTORS
            if wants_matrix(self.method, run):
                context[TIME] = run.real[state.T]
                try:
                    lu = lu_polish = self._factors.at(run.y, 1.0 / run.real[state.H])
                    self._factors.share(self._kept_factors)
                    if run.count[state.POLISH] != 0 or self.method.kind not in (state.ROSENBROCK, state.NORDSIECK):
                        lu_polish = self._polish_factors.at(run.y, run.real[state.BETA])
                except SimulationError:
                    self._raise_failure()
                    raise
            before = run.count[state.FACTORISATIONS]
            status = self._room.run(advance, self.system.arrays, lu, lu_polish, run, context)
            self.nlu += int(run.count[state.FACTORISATIONS] - before)
            self._raise_failure()
            if status != state.PIVOT:
                return status
            worst = int(run.count[state.STATUS_INDEX])
            run.real[state.ALPHA], run.count[state.POLISH_READY] = -1.0, 0
            # Pivots may change as often as y goes round; what must not happen is that nothing else does.
            if run.real[state.T] != self._pivots_of:
                self._pivots_of = float(run.real[state.T])
                self._factors.reanalyses = self._polish_factors.reanalyses = 0
            self._factors.forget(self.system.names, worst)
            self._polish_factors.forget(self.system.names, worst)

    def _raise_failure(self) -> None:
        if self._law is not None and self._law.law.failure is not None:
            raise self._law.law.failure

    def _step_impl(self) -> tuple[bool, str | None]:
        run, count, n = self.run, self.run.count, self.n
        evaluations, steps = self._evaluations(), count[state.STEPS]
        count[state.KNOTS] = 0
        self._y_old = self.y
        status = state.RUNNING
        if run.knot_t.size:
            count[state.BUDGET] = UNLIMITED
            status = self._advance()
        else:
            while status == state.RUNNING and count[state.STEPS] == steps:
                count[state.BUDGET] = 1
                status = self._advance()
        if self._law is None:
            self.nfev += self._evaluations() - evaluations
        if count[state.STEPS] == steps:
            return False, self._message(status)
        if count[state.STIFF] != 0 and not self._is_warned:
            self._is_warned = True
            since = self.direction * run.real[state.STIFF_FROM]
            warnings.warn(
                f"the problem is stiff from about t = {since:.6g} on: stability bounds the steps of "
                f"{self.method.class_name}, not accuracy; take AdamsBDF, BDF or Rodas5P",
                stacklevel=5,
            )
        if run.knot_t.size:
            knots = int(count[state.KNOTS])
            self._chunk_t = self.direction * run.knot_t[: knots + 1]
        else:
            self._chunk_t = np.array([self.t, self.direction * run.real[state.T]])
        self.t, self.y = float(self._chunk_t[-1]), run.y[:n].copy()
        self._knots.append(self._chunk_t[1:])
        self._has_interpolants = self.method.kind != EXPLICIT
        return True, None

    def _evaluations(self) -> int:
        return int(self.run.count[state.EVALUATIONS] + self.run.count[state.ITERATIONS])

    @property
    def knots(self) -> np.ndarray:
        """t at the end of every accepted step, the start included."""
        return np.concatenate(self._knots)

    def _message(self, status: int) -> str:
        """Say when and why the integration stopped, and what to try."""
        real, count = self.run.real, self.run.count
        why, advice = _FAILURES[status]
        worst = int(count[state.WORST if status == state.STEP_TOO_SMALL else state.STATUS_INDEX])
        return (
            f"{self.method.class_name} stopped at t = {self.t:.6g}, step {real[state.H]:.3g}: {why}; worst component "
            f"y[{worst}] = {self.run.y[worst]:.6g}; {advice}"
        )

    def _dense_output_impl(self) -> DenseOutput:
        run = self.run
        if run.knot_t.size:
            if not self._has_interpolants:
                before, self._has_interpolants = self._evaluations(), True
                self._room.run(interpolate_knots, self.system.arrays, run, self.system.context)
                self._raise_failure()
                if self._law is None:
                    self.nfev += self._evaluations() - before
            pieces = run.knot_q[: self._chunk_t.size - 1, : self.method.degree + 1].copy()
            return PiecewisePolynomial(self._chunk_t, pieces, float(self.method.kind == state.NORDSIECK))
        # The stages of the last step are still in the run; the further ones are for the interpolant alone.
        tableau, n = self.method.tableau, self.n
        stages, further = int(tableau[0, 0]), int(tableau[0, 1])
        h, t_old = run.real[state.H_LAST], self.t_old
        K = run.stage[: stages + further, :n]
        c = tableau[stages + further + 1]
        for stage in range(stages, stages + further):
            y = self._y_old + h * (tableau[1 + stage, :stage] @ K[:stage])
            K[stage] = self.direction * self.fun(t_old + self.direction * c[stage] * h, y)
        power = tableau[stages + further + 4 :, : stages + further]
        return PiecewisePolynomial(self._chunk_t, np.concatenate([[self._y_old], h * (power @ K)])[None])


class _FunctionLaw:
    """A Python ``fun(t, y)`` and its Jacobian as the law of one instance; s = -t when integrating backwards."""

    def __init__(self, solver: CompiledSolver, jac: Any, jac_sparsity: Any) -> None:
        self.solver, self.sign = solver, float(solver.direction)
        self.largest = np.abs(solver.y)
        self.law = PythonLaw(self._evaluate)
        self.pattern = None if jac_sparsity is None else _pattern(jac_sparsity, solver.n)
        self.groups = np.arange(solver.n) if self.pattern is None else column_groups(*self.pattern, solver.n)
        constant = None if jac is None or callable(jac) else _dense(jac, solver.n, "jac")
        self.jacobian = jac if callable(jac) else None if constant is None else lambda t, y: constant

    def _evaluate(self, context: Any, u: Any, p: Any, memory: Any, table: Any, code: Any, F: Any, D: Any) -> None:
        if self.law.failure is not None:
            F[:] = np.nan
            return
        solver, t, y = self.solver, self.sign * context[TIME], u[:, 0].copy()
        f = solver.fun(t, y)
        if f.shape != y.shape:
            raise ParameterError(f"fun returns shape {f.shape}, but y0 has {y.size} entries")
        F[:, 0] = f if self.sign > 0.0 else -f
        if context[WANT_DERIVATIVES] != 0.0:
            solver.njev += 1
            if self.jacobian is None:
                D[:, :, 0] = self.sign * self._differences(t, y, f)
            else:
                D[:, :, 0] = self.sign * _dense(self.jacobian(t, y), solver.n, "jac")

    def _differences(self, t: float, y: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Forward differences, one evaluation per column or group of columns that share no row."""
        solver, n = self.solver, self.solver.n
        np.maximum(self.largest, np.abs(y), out=self.largest)
        typical = np.maximum(np.abs(y), np.maximum(1e-3 * self.largest, solver.atol / solver.rtol))
        typical[typical == 0.0] = 1.0
        step = np.finfo(float).eps ** 0.5 * typical
        step = (y + step) - y
        groups = self.groups
        points = np.repeat(y[:, None], groups.max() + 1, axis=1)
        points[np.arange(n), groups] += step
        change = solver.fun_vectorized(t, points) - f[:, None]
        if self.pattern is None:
            return change / step
        jacobian = np.zeros((n, n))
        rows, columns = self.pattern
        jacobian[rows, columns] = change[rows, groups[columns]] / step[columns]
        return jacobian


def _system(
    law: Kernel | NumbaLaw | PythonLaw, masses: dict[tuple[int, int], float] | None,
    dependence: tuple[tuple[int, int], ...] | None, parameters: int, table: tuple[float, ...],
    code: tuple[int, ...], n: int,
) -> System:  # fmt: skip
    """``M y' = f`` with one instance of one law."""
    index = np.full((1, n, 2), GROUND)
    index[0, :, 0] = np.arange(n)
    if masses is None:
        masses = _identity(n)
    batch = BatchSpec(
        "fun", index, index, np.zeros((1, parameters)), {place: np.array([value]) for place, value in masses.items()},
        law, n, n, dependence=dependence, table=table, code=code,
    )  # fmt: skip
    return build_system([Unknown(f"y[{i}]", "state") for i in range(n)], [batch])


_Arrays = tuple[System, Run, Room]
"""What a solver works in."""


@dataclass
class _Template:
    """The system of a compiled law, with the order of elimination that a first run finds.

    `idle` holds arrays that finished integrations left, by method and chunk.
    """

    system: System
    factors: Factors
    idle: dict[tuple[str, int], list[_Arrays]] = field(default_factory=dict)


@functools.lru_cache(maxsize=32)
def _compiled_system(
    kernel: Kernel | NumbaLaw, masses: tuple[tuple[tuple[int, int], float], ...] | None,
    dependence: tuple[tuple[int, int], ...] | None, parameters: int, table: int, code: tuple[int, ...],
    n: int,
) -> _Template:  # fmt: skip
    """`_system` kept for the next run of the same compiled law; parameters and table are filled into a copy."""
    system = _system(kernel, None if masses is None else dict(masses), dependence, parameters, (0.0,) * table, code, n)
    return _Template(system, Factors(system))


def _dense(matrix: Any, n: int, name: str) -> np.ndarray:
    values = matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix, float)
    if values.shape != (n, n):
        raise ParameterError(f"{name} has shape {values.shape}, but y0 has {n} entries: ({n}, {n}) is needed")
    return values


def _pattern(matrix: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where a matrix is not zero."""
    entries = sparse.coo_matrix(matrix)
    if entries.shape != (n, n):
        raise ParameterError(f"jac_sparsity has shape {entries.shape}, but y0 has {n} entries: ({n}, {n}) is needed")
    return entries.row.astype(np.int64), entries.col.astype(np.int64)


def _identity(n: int) -> dict[tuple[int, int], float]:
    return {(i, i): 1.0 for i in range(n)}


def _entries(mass: Any, n: int) -> dict[tuple[int, int], float] | None:
    """Entries of the mass matrix that are not zero; None for the identity."""
    entries = sparse.coo_matrix(mass if sparse.issparse(mass) else np.asarray(mass, float))
    if entries.shape != (n, n):
        raise ParameterError(f"mass has shape {entries.shape}, but y0 has {n} entries: ({n}, {n}) is needed")
    entries.sum_duplicates()
    if not np.isfinite(entries.data).all():
        raise ParameterError("mass has entries that are not finite")
    places = zip(entries.row.tolist(), entries.col.tolist(), entries.data.tolist(), strict=True)
    found = {(i, j): value for i, j, value in places if value != 0.0}
    return None if found == _identity(n) else found


@functools.cache
def solver_class(method: Method) -> type[CompiledSolver]:
    """The `scipy.integrate.OdeSolver` class of a method; its options are those of `CompiledSolver`."""
    source = f"{method.source.citation}{f', doi:{method.source.doi}' if method.source.doi else ''}"
    return type(
        method.class_name,
        (CompiledSolver,),
        {
            "method": method,
            "__doc__": f"{method.summary}.\n\nOrder {method.order}, {method.stability}. Source: {source}.",
            "__module__": "neurosim.solve.methods",
        },
    )
