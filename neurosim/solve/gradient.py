"""Gradients of a scalar of a trajectory by everything, and sensitivities of a trajectory by some things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import TransientAnalysis
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import GraphAssembly
from neurosim.results import Column, Result
from neurosim.solve.asked import checked_span
from neurosim.solve.discrete_solution import DiscreteSolution, discretise
from neurosim.solve.dynamics import Dynamics, dynamics
from neurosim.solve.losses import loss_of
from neurosim.solve.observed import observe

DEFAULT_POINTS = 201
"""Saved points where no times are given."""


@dataclass(frozen=True)
class Gradient:
    """A scalar of a trajectory and its gradient.

    Attributes
    ----------
    value : float
    parameters : dict of str to float or ndarray
        Of a graph by whole parameters in their shape, and ``"h.time_constant"``, ``"h.leak"`` for each element; of a
        circuit by address; of a memristive network by address, in the shape in which it was given: ``"r_on"`` one
        number or one for each edge, ``"v(a)"`` one for each number of a waveform.
    initial : dict of str to float
        By the initial value of each state; of a circuit by what is given at the start, 0 for what follows from it.
    times : ndarray, shape (points,)
    values : ndarray, shape (points, saved)
    saved : tuple of str
    solution : DiscreteSolution
        The steps that were taken: ``solution.again(dynamics)`` takes them with other parameters.
    """

    value: float
    parameters: dict[str, Any]
    initial: dict[str, float]
    times: np.ndarray
    values: np.ndarray
    saved: tuple[str, ...]
    solution: DiscreteSolution


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives of a trajectory.

    Attributes
    ----------
    times : ndarray, shape (points,)
    saved : tuple of str
    units : tuple of str
        Of what was saved.
    values : ndarray, shape (points, saved)
    parameters : tuple of str
        Full addresses of parameters, then of initial states.
    parameter_values : ndarray, shape (parameters,)
    derivatives : ndarray, shape (points, saved, parameters)
    solution : DiscreteSolution
    """

    times: np.ndarray
    saved: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray
    parameters: tuple[str, ...]
    parameter_values: np.ndarray
    derivatives: np.ndarray
    solution: DiscreteSolution

    def of(self, saved: str, parameter: str) -> np.ndarray:
        """dy/dp over time, shape (points,).

        Raises
        ------
        UnknownNameError
        """
        places = []
        for name, known in ((saved, self.saved), (parameter, self.parameters)):
            if name not in known:
                raise UnknownNameError(f"no sensitivity of or by '{name}'; {nearest(name, known)}")
            places.append(known.index(name))
        return self.derivatives[:, places[0], places[1]]

    @property
    def result(self) -> Result:
        """All as columns over time: ``v(out)`` and ``d(v(out))/d(r1.resistance)``."""
        columns = {name: Column(self.values[:, k], self.units[k]) for k, name in enumerate(self.saved)}
        for k, name in enumerate(self.saved):
            for j, parameter in enumerate(self.parameters):
                columns[f"d({name})/d({parameter})"] = Column(
                    self.derivatives[:, k, j], "", f"derivative of {name} by {parameter}"
                )
        attrs = {"title": self.solution.dynamics.title, "analysis": "sensitivities", "method": self.solution.method}
        return Result.build("time", self.times, columns, attrs=attrs)


def gradient(
    what: Any, loss: Any, t_span: tuple[float, float] | None = None, *, times: Any = None, save: Sequence[str] = (),
    parameters: Sequence[str] | None = None, drive: Any = None, **settings: Any,
) -> Gradient:  # fmt: skip
    """Gradient of a scalar of a trajectory by every parameter and initial state: the discrete adjoint.

    It is the gradient of the discrete solution with the steps that were taken, exact to rounding: the steps themselves
    do not move with a parameter. States at a bound are constant. One run backward costs a few runs forward, for any
    number of parameters.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
    loss : squared_error(...), integral(...) or callable
        A function gets ``times`` (points,) and ``values`` (points, saved) and returns its value and its gradient by
        the values.
    t_span : (float, float), optional
        Integrated from 0 to the second [s], looked at from the first on; default the netlist's ``.tran``.
    times : array_like, optional
        When a function looks, default 201 equally distant times. The steps end at them.
    save : sequence of str
        What a function looks at, see `neurosim.solve.observed.observe`; default all.
    parameters : sequence of str, optional
        Of which parameters; default all, of a circuit all numbers that were given to its parts and have a derivative.
    drive : mapping, optional
        Of the input ports of a graph.
    **settings
        Fields of `neurosim.solve.discrete_solution.StepSettings`: ``method``, ``rtol``, ``fixed_step``, ``memory``.

    Raises
    ------
    ParameterError, UnknownNameError, NetlistError, SimulationError

    Examples
    --------
    >>> found = ns.gradient("rc.cir", ns.integral("v(out)^2"))
    >>> found.parameters["r1.resistance"]
    """
    function, looked_at = loss_of(loss, save)
    wanted = None if times is not None or not hasattr(loss, "times") else loss.times
    system, span = _system(what, t_span, drive, None if wanted is None else wanted((0.0, 0.0)))
    seen = observe(system, looked_at)
    at = times if wanted is None else wanted(span)
    solution = discretise(system, _times(at, span), stop=span[1], **settings)
    values = seen.of(solution.values)
    value, by_values = function(solution.times, values)
    by_values = np.asarray(by_values, float)
    if by_values.shape != values.shape or not np.isfinite(value) or not np.isfinite(by_values).all():
        raise ParameterError(
            f"the loss gave {value!r} and a gradient of shape {by_values.shape}; a finite number and finite values of "
            f"shape {values.shape} are needed"
        )
    by_parameter, by_start = solution.gradient(seen.back(by_values), parameters)
    names = system.names
    if isinstance(system.assembly, GraphAssembly):
        names = names[: system.assembly.program.states.size]
    initial = dict(zip(names, by_start.tolist(), strict=False))
    return Gradient(float(value), by_parameter, initial, solution.times, values, seen.names, solution)


def sensitivities(
    what: Any, t_span: tuple[float, float] | None = None, *, parameters: Sequence[str] = (),
    initial: Sequence[str] = (), save: Sequence[str] = (), times: Any = None, drive: Any = None, **settings: Any,
) -> Sensitivities:  # fmt: skip
    """Derivatives of a trajectory by some parameters and initial states, over time: forward sensitivities.

    Each discrete step is differentiated with the matrix that solved it, so these are derivatives of the discrete
    solution, exact to rounding, with the steps held. For more than some ten parameters `gradient` is cheaper.

    Parameters
    ----------
    what, t_span, save, times, drive, **settings
        As in `gradient`.
    parameters : sequence of str
        ``"r1.resistance"``, a ``.param`` name; ``"W[2,3]"``, ``"W"`` (all elements), ``"h.time_constant"``.
    initial : sequence of str
        States: ``"m1.x"``, ``"h[0]"``.

    Raises
    ------
    ParameterError, UnknownNameError, NetlistError, SimulationError
    """
    if not parameters and not initial:
        raise ParameterError("sensitivities() needs parameters=[...] or initial=[...]: by what to differentiate")
    system, span = _system(what, t_span, drive, None)
    seen = observe(system, save)
    solution = discretise(system, _times(times, span), stop=span[1], **settings)
    names, values, found = solution.tangents(parameters, initial)
    return Sensitivities(
        solution.times, seen.names, seen.units, seen.of(solution.values), tuple(names), values, seen.of(found),
        solution,
    )  # fmt: skip


def _times(given: Any, span: tuple[float, float]) -> Any:
    return np.linspace(*span, DEFAULT_POINTS) if given is None else given


def _system(
    what: Any, t_span: tuple[float, float] | None, drive: Any, times: np.ndarray | None
) -> tuple[Dynamics, tuple[float, float]]:
    """The equations, and the time that is looked at."""
    span = None if t_span is None else checked_span(t_span)
    system = dynamics(what, drive=drive, stop=None if span is None else span[1])
    if span is not None:
        return system, span
    if isinstance(system.assembly, Assembly):
        asked = next((a for a in system.assembly.circuit.analyses if isinstance(a, TransientAnalysis)), None)
        if asked is not None:
            return system, (asked.start, asked.stop)
    if times is not None and times.size and np.isfinite(times).all() and times[-1] > 0.0:
        end = float(times[-1])
        return dynamics(what, drive=drive, stop=end), (0.0, end)
    raise ParameterError(f"give t_span: '{system.title}' does not say how long it runs")
