"""An initial value problem made ready once and run many times: what is left of a run is compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import run as state
from neurosim.kernels.first_step import choose_first_step
from neurosim.solve.methods import methods
from neurosim.solve.new_run import new_run
from neurosim.solve.ode_solver import solver_class


class Integrator:
    """Runs ``M y' = f(t, y)`` for one law and span again and again, from other starts and with other parameters.

    ``solve_ivp`` spends some hundred microseconds on each call, which is more than many runs take. All arrays are
    allocated here once; a run allocates what it returns.

    Parameters
    ----------
    fun : Kernel, function compiled by Numba, or callable
        As `neurosim.solve.ode_solver.CompiledSolver` takes it.
    t_span : (float, float)
        Start and end, rising.
    y0 : array_like, shape (n,)
        Start of the runs that are given none.
    method : str
        Registry name, default ``"dp5"``.
    t_eval : array_like, shape (k,), optional
        Rising times inside the span at which the solution is wanted; default its end.
    rtol, atol, mass, jac, jac_sparsity, parameters, table, code, fixed_step, first_step, max_step
        As `CompiledSolver`.

    Attributes
    ----------
    steps, evaluations : int
        Of the last run.

    Raises
    ------
    ParameterError
        For arguments outside what is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> import neurosim as ns
    >>> integrator = ns.Integrator(lambda t, y: -y, (0.0, 1.0), [1.0], method="adams", rtol=1e-8, atol=1e-10)
    >>> float(integrator.run([2.0])[0, 0].round(6))
    0.735759
    """

    def __init__(
        self, fun: Any, t_span: tuple[float, float], y0: Any, method: str = "dp5", *, t_eval: Any = None, **options: Any
    ) -> None:
        start, stop = float(t_span[0]), float(t_span[1])
        if not start < stop < np.inf:
            raise ParameterError(f"t_span = {t_span} must be (start, stop) with start < stop, both finite")
        grid = np.array([stop] if t_eval is None else t_eval, float)
        if grid.ndim != 1 or not grid.size or grid[0] < start or grid[-1] > stop or (np.diff(grid) <= 0.0).any():
            raise ParameterError(f"t_eval must rise inside {start:g}..{stop:g}")
        chosen = methods.get(method)
        solver = solver_class(chosen)(fun, start, np.asarray(y0, float), stop, chunk=1, **options)
        before, everything = solver.run, np.arange(solver.n)
        self.run_state = run = new_run(
            solver.system, chosen, np.append(solver.y, 0.0), t0=start, t_stop=stop, rtol=solver.rtol,
            atol=solver.atol, probes=everything, watched=everything, grid=grid, breakpoints=np.empty(0),
            capacity=grid.size + 1, with_slopes=False, h=float(before.real[state.H]),
            h_max=float(before.real[state.H_MAX]),
        )  # fmt: skip
        for k in (state.NORM, state.SAVE_STEPS, state.STEP_LIMIT, state.FIXED_STEP, state.POLISH):
            run.count[k] = before.count[k]
        run.count[state.BUDGET] = np.iinfo(np.int64).max
        self._chooses_step = not (before.count[state.POLISH] or options.get("fixed_step") or options.get("first_step"))
        solver.run = run
        self._solver, self._y0, self.t = solver, np.array(y0, float), grid
        self._real, self._count = run.real.copy(), run.count.copy()

    @property
    def steps(self) -> int:
        """Accepted steps of the last run."""
        return int(self.run_state.count[state.STEPS])

    @property
    def evaluations(self) -> int:
        """Evaluations of f in the last run."""
        return int(self.run_state.count[state.EVALUATIONS] + self.run_state.count[state.ITERATIONS])

    def run(self, y0: Any = None, parameters: Sequence[float] | None = None) -> np.ndarray:
        """Solution at ``t_eval``.

        Parameters
        ----------
        y0 : array_like, shape (n,), optional
        parameters : sequence of float, optional
            Of a compiled law; kept for later runs.

        Returns
        -------
        ndarray, shape (k, n)

        Raises
        ------
        SimulationError
            The integration stopped; says when and why.
        """
        run, solver = self.run_state, self._solver
        run.real[:], run.count[:] = self._real, self._count
        run.y[:-1] = self._y0 if y0 is None else y0
        np.abs(run.y[:-1], out=run.largest)
        if parameters is not None:
            solver.system.arrays.parameters[:] = parameters
        if self._chooses_step:
            run.real[state.H] = solver._room.run(
                choose_first_step, solver.system.arrays, run, solver.system.context, 0.0
            )
        # How often pivots were chosen at one time counts within a run.
        solver._pivots_of = np.nan
        status = solver._advance()
        if status != state.DONE:
            solver.t = float(run.real[state.T])
            raise SimulationError(solver._message(status))
        return run.out_y[: self.t.size].copy()
