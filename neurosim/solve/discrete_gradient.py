"""Steps along discrete gradients: the energy falls whatever dt, and the fixed points are those of the energy.

A discrete gradient D of E satisfies ``D . (w1 - w0) = E(w1) - E(w0)`` and is the gradient at w1 = w0. In the forms of
`neurosim.graph.gradient_form`, with c = dt/tau, q0 and q1 the arguments of phi before and after,

    membrane:  x1 - x0 = -c D                                   rate:  r1 - r0 = c (phi(B - k D) - phi(B)),
                                                                       B = (q0 + q1) / 2

Each change of a unit has the sign opposite to its D (phi increases), so ``E(w1) - E(w0)`` is a sum of terms that are
not positive. As E = -w.W w / 2 - b.w + separable terms, the quadratic part of D is exactly -(W (w0 + w1)/2 + b).

Newton's method first. Where it fails (large dt), sweeps solve each unit for itself, with the concave part of the
quadratic energy taken from the sweep before: for `mean_value` the equations are those of a minimum, and each sweep goes
down to it (the concave-convex procedure); then Newton again.

Source: McLachlan, Quispel & Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999), doi 10.1098/rsta.1999.0363.
The form for rates was derived for this package.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.gradient_form import gradient_form
from neurosim.graph.program import Program
from neurosim.kernels import implicit_step as kernel
from neurosim.kernels import run as state
from neurosim.kernels.room import Room
from neurosim.kernels.run import Run
from neurosim.solve.integrate import Recorded

if TYPE_CHECKING:
    from neurosim.graph.assembly import GraphAssembly
    from neurosim.solve.integrate import Limits


class Stepped(Protocol):
    """What takes the steps: a `neurosim.digital.network.DigitalNetwork`, or a run of the engine."""

    @property
    def program(self) -> Program: ...

    @property
    def dt(self) -> float: ...

    @property
    def rule(self) -> Any:
        """With a `name`, and `descends` where the energy falls."""

    def state_name(self, place: int) -> str:
        """Address of a state."""
        ...


def discrete_gradient_step(network: Stepped, rule: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Make the step of a network under a discrete gradient.

    Parameters
    ----------
    network : DigitalNetwork or Stepped
    rule : int
        ``MEAN_VALUE``, ``GONZALEZ`` or ``ITOH_ABE`` of `neurosim.kernels.implicit_step`.

    Raises
    ------
    ParameterError
        The graph is not known to descend an energy.
    """
    form, room = gradient_form(network.program), Room()
    n = form.gain.size
    functions = [form.function_of(i) for i in range(n)]
    rows = (
        network.dt / network.program.time_constant, form.scale, form.curvature, form.gain,
        np.array([function.constant for function in functions]),
    )  # fmt: skip
    coefficients = np.concatenate([*rows, form.weights.ravel()])
    convex = max(0.0, -float(np.linalg.eigvalsh(form.weights)[0]))
    numbers = [int(form.is_rate), *(function.number for function in functions)]

    def step(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        plan = room.numbers("plan", rule, len(y), n, *numbers)
        before, bias = room.filled("before", form.argument(y).ravel()), room.filled("bias", form.bias(u).ravel())
        return form.state(solve(network, room, plan, coefficients, bias, before, convex).reshape(len(y), n))

    return step


def solve(
    network: Stepped, room: Room, plan: np.ndarray, coefficients: np.ndarray, given: np.ndarray,
    before: np.ndarray, convex: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Solve the equations of one step; the arguments are those of `neurosim.kernels.implicit_step.implicit_step`.

    Raises
    ------
    SimulationError
        No solution was found.
    """
    program = network.program
    n, samples = int(plan[kernel.COUNT]), int(plan[kernel.SAMPLES])
    x, errors = room.array("x", samples * n), room.array("errors", samples * n)
    room.run(
        kernel.implicit_step, plan, program.code, program.p, program.transposed, coefficients, given, before, x, errors,
        room.array("room", n * (n + kernel.PARTS)), room.array("arena", int(program.code[0]) * (1 + n)), convex,
    )  # fmt: skip
    worst = float(errors.max(initial=0.0))
    if not worst <= kernel.TOLERANCE:
        sample, place = divmod(int(errors.argmax()), n)
        raise SimulationError(
            f"rule '{network.rule.name}' with dt = {network.dt:g} s: no solution found for a step; worst state "
            f"{network.state_name(place)} (sample {sample}), relative residual {worst:.1e}; a smaller dt may help"
            + (", or itoh_abe" if network.rule.descends else "")
        )
    return x


@dataclass(frozen=True)
class _Rule:
    name: str
    descends: bool = True


@dataclass(frozen=True)
class _EngineSteps:
    """Steps of one size of a run in time."""

    program: Program
    dt: float
    names: Sequence[str]
    rule: _Rule = _Rule("discrete_gradient")

    def state_name(self, place: int) -> str:
        return self.names[place]


def descend(assembly: GraphAssembly, run: Run, step: float, limits: Limits) -> Recorded:
    """Run a graph that descends an energy by steps of one size along the mean-value discrete gradient.

    Inputs count as what they are in the middle of each step.

    Parameters
    ----------
    assembly : GraphAssembly
    run : Run
        Its start, end, grid and limit of steps count.
    step : float
        Seconds; the last step may be shorter.
    limits : Limits

    Raises
    ------
    ParameterError
        The graph is not known to descend an energy.
    """
    program, names = assembly.program, assembly.system.names
    if program.delays:
        raise ParameterError(f"graph '{program.graph.title}' has delays: its energy is not known; use another method")
    stop, most = float(run.real[state.T_STOP]), int(run.count[state.STEP_LIMIT])
    clock, cpu_clock = time.perf_counter(), time.process_time()
    count = max(1, int(np.ceil(stop / step * (1.0 - 1e-9))))
    ends = np.append(step * np.arange(count), stop)
    n = program.states.size
    points = np.empty((min(count, most) + 1, n))
    points[0] = run.y[:n]
    descends = discrete_gradient_step(_EngineSteps(program, step, names), kernel.MEAN_VALUE)
    failure, k, told = None, 0, clock
    for k in range(1, len(points)):
        h = ends[k] - ends[k - 1]
        if k == count and abs(h - step) > 1e-9 * step:
            descends = discrete_gradient_step(_EngineSteps(program, h, names), kernel.MEAN_VALUE)
        try:
            points[k] = descends(points[k - 1 : k], assembly.drives.values([ends[k - 1] + 0.5 * h]))[0]
        except SimulationError as error:
            failure, k = error, k - 1
            break
        if limits.progress is not None and time.perf_counter() - told > 0.2:
            told = time.perf_counter()
            limits.progress(float(ends[k]), stop)
        if time.perf_counter() - clock > limits.wall_time and k < count:
            failure = SimulationError(f"stopped at t = {ends[k]:.6g} s: the wall time limit of {limits.wall_time:g} s")
            break
    if failure is None and k < count:
        failure = SimulationError(f"stopped at t = {ends[k]:.6g} s: the limit of {most} steps was reached")
    ends, points = ends[: k + 1], points[: k + 1]
    grid = run.grid[run.grid <= ends[-1]]
    times = np.union1d(ends, grid) if run.count[state.SAVE_STEPS] else grid
    values = np.stack([np.interp(times, ends, column) for column in points.T], axis=1)
    values = np.hstack([values, assembly.drives.samples(times)])
    run.y[:n], run.real[state.T] = points[-1], ends[-1]
    statistics = {
        "method": "discrete_gradient", "rtol": kernel.TOLERANCE, "steps": k,
        "seconds_time_loop": round(time.perf_counter() - clock, 6),
        "cpu_seconds_time_loop": round(time.process_time() - cpu_clock, 6),
    }  # fmt: skip
    none = np.empty((len(times), 0))
    return Recorded(times, values, none, none, statistics, failure)
