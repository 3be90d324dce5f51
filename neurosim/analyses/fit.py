"""Fit parameters of a circuit or a network to measured trajectories, with exact gradients of the discrete solution."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.digital.training.optimisers import Adam
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.assembly import GraphAssembly
from neurosim.memristive.assembly import NetworkAssembly
from neurosim.randomness import stream
from neurosim.results import Result
from neurosim.solve.circuit_parameters import full_address, parameter_value
from neurosim.solve.discrete_solution import DiscreteSolution, discretise
from neurosim.solve.dynamics import Dynamics, dynamics
from neurosim.solve.graph_parameters import graph_paths, has_laws
from neurosim.solve.losses import SquaredError, squared_error
from neurosim.solve.network_parameters import network_paths
from neurosim.solve.observed import Observed, observe

FEW = 150
"""Up to this many unknown numbers least squares is taken, with sensitivities; above, L-BFGS with the adjoint."""

LOG_RATIO = 9.99
"""A parameter whose positive bounds are further apart than this is fitted by its logarithm."""

FAILED = 1e3
"""Size of the residuals, relative to those of the data, where a run fails."""

METHODS = ("auto", "least_squares", "lbfgs", "adam")


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes
    ----------
    values : dict of str to float
        Best values by full address.
    uncertainty : dict of str to float
        Standard deviations from the Jacobian at the best values (linear theory); NaN for a parameter that the data does
        not determine or that stands at a bound, and all NaN where the adjoint was used.
    covariance : ndarray, shape (parameters, parameters)
    bounds : dict of str to (float, float)
    rms : dict of str to float
        Root mean square residual of each column, in its unit.
    cost : float
        Half the sum of squares of the residuals, over sigma.
    starts : list of (float, bool)
        Cost of each start, and whether it converged.
    evaluations : int
        Of the model.
    method, reason : str
    times : ndarray, shape (points,)
    names : tuple of str
    data, model : ndarray, shape (points, names)
    units : tuple of str
    dynamics : Dynamics
        With the best values.
    title : str
    """

    values: dict[str, float]
    uncertainty: dict[str, float]
    covariance: np.ndarray = field(repr=False)
    bounds: dict[str, tuple[float, float]] = field(repr=False)
    rms: dict[str, float]
    cost: float
    starts: list[tuple[float, bool]] = field(repr=False)
    evaluations: int
    method: str
    reason: str
    times: np.ndarray = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    data: np.ndarray = field(repr=False)
    model: np.ndarray = field(repr=False)
    units: tuple[str, ...] = field(repr=False)
    dynamics: Dynamics = field(repr=False)
    title: str = ""

    def report(self) -> str:
        """Text for people: values with uncertainties, residuals, how it ended."""
        width = max(len(name) for name in self.values)
        lines = [f"{self.title}: {len(self.values)} parameters, {self.times.size} points, {self.method}"]
        for name, value in self.values.items():
            low, high = self.bounds[name]
            deviation = self.uncertainty[name]
            shown = f"+- {deviation:.2g}" if np.isfinite(deviation) else ""
            at = " (at its bound)" if value <= low or value >= high else ""
            lines.append(f"  {name:{width}}  {value:.8g} {shown}{at}".rstrip())
        for name, rms in self.rms.items():
            lines.append(f"  residual of {name}: {rms:.3g} (root mean square)")
        best = sum(cost <= 1.01 * self.cost + 1e-300 for cost, _ in self.starts)
        if len(self.starts) > 1:
            lines.append(f"  {best} of {len(self.starts)} starts ended here")
        lines.append(f"  {self.evaluations} runs; {self.reason}")
        return "\n".join(lines)

    def plot(self, **options: Any) -> Any:
        """Data, model and residuals; see `neurosim.plots.fit.fit_figure`."""
        # plots lie above analyses: the drawing is found by name when it is asked for
        return importlib.import_module("neurosim.plots.fit").fit_figure(self, **options)


def fit(
    what: Any, data: Any, parameters: Mapping[str, Any] | Sequence[str], *, initial: Mapping[str, Any] | None = None,
    drive: Any = None, sigma: float | Mapping[str, float] | None = None, method: str = "auto", starts: int = 1,
    seed: int = 0, evaluations: int = 200, rate: float = 0.02, rtol: float = 1e-6,
    progress: Callable[[int, float], None] | None = None, **settings: Any,
) -> Fit:  # fmt: skip
    """Find parameters with which a circuit or a network follows measured data.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
        Its present values are the first start.
    data : Result, path of a file that holds one, or mapping
        Columns by address (``"v(out)"``, ``"i(v1)"``, ``"h[0]"``), with ``"time"`` [s], from 0 on; NaN where there is
        no sample. Columns of a Result that are no unknowns are left out.
    parameters : mapping of str to (low, high), or sequence of str
        Addresses with bounds: ``{"r1": (100, 1e4), "m1.k_on": (-1, 0)}``. None, or a sequence, for no bounds. Of a
        graph ``"W"`` stands for all its elements.
    initial : mapping of str to (low, high), optional
        Initial states of a graph or a memristive network. Of a circuit these are parameters: ``"m1.x0"``,
        ``"c1.initial_voltage"``.
    drive : mapping, optional
        Of the input ports of a graph.
    sigma : float or mapping of str to float, optional
        Standard deviation of the samples. By default each column is divided by its root mean square, and the
        uncertainties are scaled by the residuals.
    method : {"auto", "least_squares", "lbfgs", "adam"}
        Least squares (trust region, with sensitivities) or a gradient method (with the adjoint); ``"auto"`` takes the
        first up to 150 numbers.
    starts : int
        Default 1. Further starts are drawn inside the bounds, which all parameters must then have.
    seed : int
        Of these draws.
    evaluations : int
        Most runs of the model for each start, default 200.
    rate : float
        Of Adam, relative to the scale of each parameter; default 0.02.
    rtol : float
        Of the runs, default 1e-6.
    progress : callable, optional
        ``progress(runs, cost)``.
    **settings
        ``integrator`` (a method of `neurosim.gradient`), ``fixed_step``, ``memory``.

    Raises
    ------
    ParameterError, UnknownNameError, NetlistError, FormatError
    SimulationError
        No start gave a run that could be computed.

    Examples
    --------
    >>> found = ns.fit("rc.cir", "measured.csv", {"r1": (100, 100e3), "c1": (1e-9, 1e-5)})
    >>> print(found.report())
    """
    if method not in METHODS:
        raise ParameterError(f"method = {method!r} must be one of {', '.join(METHODS)}")
    if starts < 1 or evaluations < 1:
        raise ParameterError(f"starts = {starts} and evaluations = {evaluations} must be at least 1")
    times, columns = _columns(data)
    system = dynamics(what, drive=drive, stop=float(times[-1]))
    chosen = _known_columns(system, columns, is_result=isinstance(data, (Result, str, os.PathLike)))
    scale = {name: _scale(values) for name, values in chosen.items()} if sigma is None else sigma
    loss = squared_error(times, chosen, sigma=scale)
    free = _free(system, parameters, initial or {})
    if "integrator" in settings:
        settings["method"] = settings.pop("integrator")
    model = _Model(system, free, loss, observe(system, loss.save), {"rtol": rtol, **settings}, progress)
    kind = method
    if method == "auto":
        # laws of devices in a graph have the adjoint only
        alone = isinstance(system.assembly, GraphAssembly) and has_laws(system.assembly.program)
        kind = "lbfgs" if alone or free.size > FEW else "least_squares"
    tried = []
    for number in range(starts):
        z = free.start if number == 0 else free.draw(seed, number)
        tried.append(_SOLVERS[kind](model, z, evaluations, rate))
    z, cost, reason, _ = min(tried, key=lambda one: one[1])
    if not np.isfinite(cost) or not model.worked:
        raise SimulationError(f"no run could be computed: {model.failure}; try other bounds or start values")
    return _finished(model, z, kind, reason, sigma is not None, [(c, ok) for _, c, _, ok in tried])


@dataclass(frozen=True)
class _Free:
    """The unknown numbers, and the scale z on which they are searched."""

    addresses: list[str]
    initial: list[str]
    present: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def size(self) -> int:
        return len(self.addresses) + len(self.initial)

    @property
    def names(self) -> list[str]:
        return [*self.addresses, *self.initial]

    @property
    def is_log(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.low > 0.0) & np.isfinite(self.high) & (self.high / self.low > LOG_RATIO)

    @property
    def unit(self) -> np.ndarray:
        """Scale of parameters without logarithm."""
        span = self.high - self.low
        size = np.where(self.present != 0.0, np.abs(self.present), 1.0)
        return np.where(np.isfinite(span), span, size)

    def to(self, p: np.ndarray) -> np.ndarray:
        log = self.is_log
        return np.where(log, np.log(np.where(log, p, 1.0)), p / self.unit)

    def back(self, z: np.ndarray) -> np.ndarray:
        log = self.is_log
        p = np.where(log, np.exp(np.where(log, z, 0.0)), z * self.unit)
        return np.clip(p, self.low, self.high)

    def slope(self, p: np.ndarray) -> np.ndarray:
        """dp/dz."""
        return np.where(self.is_log, p, self.unit)

    @property
    def start(self) -> np.ndarray:
        return self.to(np.clip(self.present, self.low, self.high))

    def draw(self, seed: int, number: int) -> np.ndarray:
        low, high = self.to(self.low), self.to(self.high)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ParameterError("several starts are drawn inside the bounds: give bounds to all parameters")
        return low + (high - low) * stream(seed, "fit", str(number)).random(self.size)


class _Model:
    """Residuals and their derivatives at a point of the search."""

    def __init__(
        self, system: Dynamics, free: _Free, loss: SquaredError, seen: Observed, settings: dict[str, Any],
        progress: Callable[[int, float], None] | None,
    ) -> None:  # fmt: skip
        self.system, self.free, self.loss, self.seen, self.settings = system, free, loss, seen, settings
        self.progress, self.evaluations, self.worked, self.failure = progress, 0, False, ""
        self._known = np.isfinite(loss.data)
        self._last: tuple[np.ndarray, DiscreteSolution | None] | None = None
        self._mesh: DiscreteSolution | None = None
        self._fresh = 0
        # what with_start() changed
        self._moved = system.start - system.with_parameters({}).start

    def at(self, p: np.ndarray) -> Dynamics:
        """The equations at parameter values p."""
        count = len(self.free.addresses)
        made = self.system.with_parameters(dict(zip(self.free.addresses, p[:count].tolist(), strict=True)))
        if not isinstance(made.assembly, Assembly):
            made = made.with_start(made.start + self._moved)
            made = made.with_start(dict(zip(self.free.initial, p[count:].tolist(), strict=True)))
        return made

    def run(self, z: np.ndarray) -> DiscreteSolution | None:
        """The solution at a point, None where there is none."""
        if self._last is not None and np.array_equal(self._last[0], z):
            return self._last[1]
        self.evaluations += 1
        found = None
        try:
            found = discretise(self.at(self.free.back(z)), self.loss.at, start=self._mesh, **self.settings)
            self.worked = True
            if isinstance(found.dynamics.assembly, Assembly):
                # A mesh that was divided for odd values on the way is not kept.
                self._fresh = found.mesh.size if self._mesh is None else self._fresh
                self._mesh = found if found.mesh.size <= 2 * self._fresh else None
        except SimulationError as error:
            self.failure = str(error).splitlines()[0]
        self._last = z.copy(), found
        return found

    def residuals(self, z: np.ndarray) -> np.ndarray:
        """(model - data)/sigma of all samples that there are."""
        found = self.run(z)
        if found is None:
            scale = np.sqrt(np.nanmean((self.loss.data / self.loss.sigma) ** 2))
            return np.full(int(self._known.sum()), FAILED * max(float(scale), 1.0))
        made = ((self.seen.of(found.values) - self.loss.data) / self.loss.sigma)[self._known]
        if self.progress is not None:
            self.progress(self.evaluations, 0.5 * float(made @ made))
        return made

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """Their derivatives by z: forward sensitivities."""
        found = self.run(z)
        if found is None:
            return np.zeros((int(self._known.sum()), self.free.size))
        _, _, tangents = found.tangents(self.free.addresses, self.free.initial)
        rows = (self.seen.of(tangents) / self.loss.sigma[:, None])[self._known]
        return rows * self.free.slope(self.free.back(z))

    def value(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Cost and its gradient by z: the adjoint."""
        found = self.run(z)
        if found is None:
            residual = self.residuals(z)
            return 0.5 * float(residual @ residual), np.zeros(self.free.size)
        residual = np.where(self._known, (self.seen.of(found.values) - self.loss.data) / self.loss.sigma, 0.0)
        by_parameter, by_start = found.gradient(self.seen.back(residual / self.loss.sigma), self.free.addresses)
        by = [by_parameter[name] for name in self.free.addresses]
        by += [by_start[self.system.index(name)] for name in self.free.initial]
        cost = 0.5 * float((residual**2).sum())
        if self.progress is not None:
            self.progress(self.evaluations, cost)
        return cost, np.array(by) * self.free.slope(self.free.back(z))


Solved = tuple[np.ndarray, float, str, bool]
"""Point, cost, why it ended, whether it converged."""


def _least_squares(model: _Model, z: np.ndarray, evaluations: int, rate: float) -> Solved:
    from scipy.optimize import least_squares

    low, high = model.free.to(model.free.low), model.free.to(model.free.high)
    # The search must begin inside.
    inside = np.clip(z, low + 1e-9 * np.minimum(high - low, 1.0), high - 1e-9 * np.minimum(high - low, 1.0))
    jacobian: Any = model.jacobian
    found = least_squares(
        model.residuals, inside, jacobian, bounds=(low, high), x_scale="jac", ftol=1e-13, xtol=1e-12, gtol=1e-13,
        max_nfev=evaluations,
    )  # fmt: skip
    return found.x, float(found.cost), str(found.message), bool(found.status > 0)


def _lbfgs(model: _Model, z: np.ndarray, evaluations: int, rate: float) -> Solved:
    from scipy.optimize import Bounds, minimize

    box = Bounds(model.free.to(model.free.low), model.free.to(model.free.high))  # pyright: ignore[reportArgumentType]
    found = minimize(
        model.value, z, jac=True, method="L-BFGS-B", bounds=box,
        options={"maxfun": evaluations, "maxiter": evaluations, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    return np.asarray(found.x), float(found.fun), str(found.message), bool(found.success)


def _adam(model: _Model, z: np.ndarray, evaluations: int, rate: float) -> Solved:
    low, high = model.free.to(model.free.low), model.free.to(model.free.high)
    optimiser, x = Adam(rate), z.copy()
    memory = optimiser.start(x.size)
    best, cost = x.copy(), np.inf
    for _ in range(evaluations):
        value, gradient = model.value(x)
        if value < cost:
            best, cost = x.copy(), value
        optimiser.step(x, gradient, memory)
        np.clip(x, low, high, out=x)
    return best, float(cost), f"{evaluations} steps of Adam", True


_SOLVERS = {"least_squares": _least_squares, "lbfgs": _lbfgs, "adam": _adam}


def _finished(
    model: _Model, z: np.ndarray, kind: str, reason: str, has_sigma: bool, starts: list[tuple[float, bool]]
) -> Fit:
    free, loss = model.free, model.loss
    p = free.back(z)
    found = model.run(z)
    assert found is not None
    values = model.seen.of(found.values)
    residual = np.where(np.isfinite(loss.data), values - loss.data, np.nan)
    rms = np.sqrt(np.nanmean(residual**2, axis=0))
    cost = 0.5 * float(np.nansum((residual / loss.sigma) ** 2))
    covariance = np.full((free.size, free.size), np.nan)
    if kind == "least_squares":
        covariance = _covariance(model.jacobian(z), cost, has_sigma) * np.outer(free.slope(p), free.slope(p))
    at_bound = (p <= free.low * (1 + 1e-8 * np.sign(free.low))) | (p >= free.high * (1 - 1e-8 * np.sign(free.high)))
    deviation = np.where(at_bound, np.nan, np.sqrt(np.diag(covariance)))
    names = free.names
    system = found.dynamics
    return Fit(
        dict(zip(names, p.tolist(), strict=True)), dict(zip(names, deviation.tolist(), strict=True)), covariance,
        {name: (float(a), float(b)) for name, a, b in zip(names, free.low, free.high, strict=True)},
        dict(zip(model.seen.names, rms.tolist(), strict=True)), cost, starts, model.evaluations, kind, reason, loss.at,
        model.seen.names, loss.data, values, model.seen.units, system, system.title,
    )  # fmt: skip


def _covariance(jacobian: np.ndarray, cost: float, has_sigma: bool) -> np.ndarray:
    """Of z in linear theory; NaN in the directions that the data does not see."""
    points, count = jacobian.shape
    _, sizes, directions = np.linalg.svd(jacobian, full_matrices=False)
    seen = sizes > 1e-10 * sizes.max(initial=1e-300)
    variance = 1.0 if has_sigma else 2.0 * cost / max(points - count, 1)
    made = (directions[seen].T / sizes[seen] ** 2) @ directions[seen] * variance
    blind = (np.abs(directions[~seen]) > 1e-6).any(axis=0) if (~seen).any() else np.zeros(count, bool)
    made[blind] = made[:, blind] = np.nan
    return made


def _free(system: Dynamics, parameters: Mapping[str, Any] | Sequence[str], initial: Mapping[str, Any]) -> _Free:
    """What may change, between which bounds."""
    asked = parameters if isinstance(parameters, Mapping) else dict.fromkeys(parameters)
    if isinstance(parameters, str) or not (asked or initial):
        raise ParameterError("give parameters={address: (low, high), ...}: what to fit")
    addresses: list[str] = []
    values: list[float] = []
    bounds: list[tuple[float, float]] = []
    assembly = system.assembly
    for address, given in asked.items():
        if isinstance(assembly, Assembly):
            names = [full_address(assembly.circuit, address)]
            present = [parameter_value(assembly.circuit, names[0])]
        elif isinstance(assembly, NetworkAssembly):
            found = network_paths(assembly.net, [address])
            names, present = found.addresses, found.values.tolist()
        else:
            assert isinstance(assembly, GraphAssembly)
            paths = graph_paths(assembly.program, [address])
            names, present = paths.addresses, paths.values.tolist()
        if repeated := set(names) & set(addresses):
            raise ParameterError(f"parameter '{min(repeated)}' is named twice")
        addresses += names
        values += present
        bounds += [_bounds(address, given)] * len(names)
    if initial and isinstance(assembly, Assembly):
        raise ParameterError(
            "initial= is for graphs; of a circuit the initial value of a state is a parameter of its part, as 'm1.x0'"
        )
    for address, given in initial.items():
        values.append(float(system.start[system.index(address)]))
        bounds.append(_bounds(address, given))
    low, high = np.array(bounds, float).T
    return _Free(addresses, list(initial), np.array(values), low, high)


def _bounds(address: str, given: Any) -> tuple[float, float]:
    if given is None:
        return -np.inf, np.inf
    try:
        low, high = (float(x) for x in given)
    except (TypeError, ValueError):
        raise ParameterError(f"bounds of '{address}' must be (low, high), not {given!r}") from None
    if not low < high:
        raise ParameterError(f"bounds of '{address}': {low:g} must be less than {high:g}")
    return low, high


def _columns(data: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times and samples by address."""
    if isinstance(data, (str, os.PathLike)):
        # formats lie above analyses
        loaded = importlib.import_module("neurosim.formats").load(data)
        if not isinstance(loaded, Result):
            raise ParameterError(f"'{os.fspath(data)}' holds no result with columns over time")
        data = loaded
    if isinstance(data, Result):
        if data.axis_name != "time" or data.extra_dims:
            raise ParameterError(f"data must be over time, without further dimensions; this is over {data.dims}")
        columns = {name: np.asarray(data[name], float) for name in data.names}
        times = np.asarray(data.axis, float)
        # of two points at one time (a jump) the later one counts
        last = np.append(np.diff(times) > 0.0, True)
        return _checked(times[last]), {name: values[last] for name, values in columns.items()}
    if not isinstance(data, Mapping) or "time" not in data:
        raise ParameterError("data is a Result, a file, or a mapping with 'time' and columns by address")
    return _checked(np.asarray(data["time"], float)), {k: np.asarray(v, float) for k, v in data.items() if k != "time"}


def _checked(times: np.ndarray) -> np.ndarray:
    if times.ndim != 1 or times.size < 2 or not np.isfinite(times).all() or times[0] < 0.0:
        raise ParameterError(f"the times of the data must be two or more finite numbers from 0 on, shape {times.shape}")
    if not (np.diff(times) > 0.0).all():
        k = int(np.argmax(np.diff(times) <= 0.0))
        raise ParameterError(f"the times of the data must rise, but {times[k]:g} s is followed by {times[k + 1]:g} s")
    return times


def _known_columns(system: Dynamics, columns: dict[str, np.ndarray], *, is_result: bool) -> dict[str, np.ndarray]:
    """Columns that are combinations of unknowns."""
    known: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        try:
            seen = observe(system, [name])
        except (UnknownNameError, ParameterError):
            if not is_result:
                raise
            continue
        if len(seen.names) == 1:
            known[seen.names[0]] = values
            continue
        rows = np.asarray(values)
        if rows.shape[1:] != (len(seen.names),):
            raise ParameterError(f"data of '{name}' needs shape (points, {len(seen.names)}), not {rows.shape}")
        known.update({element: rows[:, k] for k, element in enumerate(seen.names)})
    if not known:
        raise ParameterError(
            f"no column of the data is an unknown of '{system.title}': it has {', '.join(columns) or 'none'}, the "
            f"model {', '.join(system.names[:8])}"
        )
    return known


def _scale(values: np.ndarray) -> float:
    """Root mean square of a column."""
    found = values[np.isfinite(values)]
    size = float(np.sqrt(np.mean(found**2))) if found.size else 0.0
    return size or 1.0
