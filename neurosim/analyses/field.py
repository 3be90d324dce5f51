"""The field whose zeros are fixed points: f(y) of a flow ``M y' = f(y)``, or G(y) - y of a map, with inputs held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg

from neurosim.circuit.model import Circuit
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import addresses
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.network import MemristiveNetwork
from neurosim.solve.dynamics import Dynamics, dynamics, with_graph_values

ZERO = 1e-9
"""An eigenvalue this small, relative to the largest, counts as zero."""

CORNERS = 20
"""Most moves on the way to a corner of the bounds."""


@dataclass(frozen=True)
class Field:
    """A flow or a map at a fixed time and fixed inputs.

    Attributes
    ----------
    title : str
    names : list of str
        Of the unknowns that take part.
    start : ndarray, shape (n,)
    is_map : bool
    value : callable
        ``value(y)``: f(y), or G(y) - y; shape (n,).
    jacobian : callable
        Its derivative, shape (n, n).
    mass : ndarray, shape (n, n), optional
        M; None for the identity.
    rebuild : callable
        ``rebuild({address: value}) -> Field``.
    lower, upper : ndarray, shape (n,), optional
        Bounds, at which the engine holds an unknown whose rate points outward; None where there are none.
    """

    title: str
    names: list[str]
    start: np.ndarray
    is_map: bool
    value: Callable[[np.ndarray], np.ndarray]
    jacobian: Callable[[np.ndarray], np.ndarray]
    mass: np.ndarray | None
    rebuild: Callable[[Mapping[str, float]], Field]
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None

    def inside(self, y: np.ndarray) -> np.ndarray:
        """The nearest point within the bounds."""
        return y if self.lower is None or self.upper is None else np.clip(y, self.lower, self.upper)

    def held(self, y: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Which unknowns are held: at a bound, with a rate f that points outward."""
        if self.lower is None or self.upper is None:
            return np.zeros(y.size, bool)
        return ((y >= self.upper) & (f > 0.0)) | ((y <= self.lower) & (f < 0.0))

    def corner(self, y: np.ndarray) -> np.ndarray:
        """Where y goes if every unknown with a bound is put on the one it moves towards, until all stay there."""
        if self.lower is None or self.upper is None:
            return y
        for _ in range(CORNERS):
            f, before = self.value(y), y
            bound = np.where(f > 0.0, self.upper, self.lower)
            y = np.where((f != 0.0) & np.isfinite(bound), bound, y)
            if np.array_equal(y, before):
                break
        return y

    def eigenvalues(self, y: np.ndarray) -> Any:
        """Exponents of a flow [1/s] or multipliers of a map at y, by falling real part or size.

        With a singular M those that are infinite are left out, and so are those of unknowns that are held.
        """
        free = ~self.held(y, self.value(y))
        matrix = self.jacobian(y)[np.ix_(free, free)]
        if self.mass is not None:
            # Exactly singular rows of M give infinite eigenvalues: these are algebraic equations.
            values, weights = linalg.eig(  # pyright: ignore[reportAssignmentType]
                matrix, self.mass[np.ix_(free, free)], right=False, homogeneous_eigvals=True
            )
            finite = np.abs(weights) > 1e-12 * np.abs(values)
            found = values[finite] / weights[finite]
        else:
            found = np.linalg.eigvals(matrix + np.eye(len(matrix)) if self.is_map else matrix)
        return found[np.argsort(-(np.abs(found) if self.is_map else found.real), kind="stable")]

    def growth(self, eigenvalues: Any) -> np.ndarray:
        """Positive where a direction is unstable: the real part, or the logarithm of the size of a multiplier."""
        with np.errstate(divide="ignore"):
            return np.log(np.abs(eigenvalues)) if self.is_map else eigenvalues.real

    def index(self, address: str) -> int:
        """Place of an unknown.

        Raises
        ------
        UnknownNameError
        """
        for key in (address, address.replace(" ", "").lower()):
            if key in self.names:
                return self.names.index(key)
        raise UnknownNameError(f"'{self.title}' has no unknown '{address}'; {nearest(address, self.names)}")


def field_of(
    what: Circuit | str | Path | SignalGraph | Program | MemristiveNetwork | Dynamics, *, inputs: Any = None,
    at: float = 0.0, jumps: bool = False,
) -> Field:  # fmt: skip
    """The field of anything that simulates.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
        A graph whose states all jump at one clock is a map.
    inputs : mapping or array_like, optional
        Held inputs of a graph by port, default 0.
    at : float
        Time at which sources are taken [s], default 0.
    jumps : bool
        Whether a graph may have events: the field is that between ticks.

    Raises
    ------
    ParameterError
        A graph with states of both kinds, or with several clocks: it is no flow and no map.
    """
    if isinstance(what, (SignalGraph, Program)):
        program = what if isinstance(what, Program) else compile_graph(what)
        if program.states.size and program.is_clocked.all():
            return _map(program, inputs)
    drive = inputs
    if isinstance(inputs, np.ndarray):
        raise ParameterError("inputs= takes a mapping of port to value")
    model = dynamics(what, drive=drive, jumps=jumps)
    if not model.flows.all():
        name = model.names[int(np.argmin(model.flows))]
        raise ParameterError(f"'{name}' of '{model.title}' changes at ticks only: this is no flow and no map")
    return _flow(model, at)


def _flow(model: Dynamics, at: float) -> Field:
    bounds = model.system.unknowns.lower, model.system.unknowns.upper
    is_bounded = bool(np.isfinite(bounds).any())
    return Field(
        model.title, list(model.names), model.start, False, lambda y: model.flow(at, y),
        lambda y: model.jacobian(at, y).toarray(), None if model.is_ordinary else model.mass.toarray(),
        lambda values: _flow(model.with_parameters(values), at), *(bounds if is_bounded else (None, None)),
    )  # fmt: skip


def _map(program: Program, inputs: Any) -> Field:
    graph = program.graph
    clocks = {graph.nodes[name]["clock"] for name in program.states.slices}
    if len(clocks) > 1 or program.is_hold.any():
        raise ParameterError(f"graph '{graph.title}' has several clocks or holds: it is no map of its states alone")
    u = program.inputs.pack(inputs or {}, np.zeros(program.inputs.size), "input")
    names = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
    return Field(
        graph.title, names, program.initial.copy(), True, lambda y: program.drive(y, u) - y,
        lambda y: program.jacobian(y, u)[0] - np.eye(y.size), None,
        lambda values: _map(with_graph_values(program, values), inputs),
    )  # fmt: skip


def flow_of(program: Program, u: np.ndarray) -> Field:
    """The field of all states of a graph as if they flowed: their drive with inputs u, less what leaks."""
    leak = np.diag(program.leak)
    names = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
    return Field(
        program.graph.title, names, program.initial.copy(), False, lambda y: program.drive(y, u) - program.leak * y,
        lambda y: program.jacobian(y, u)[0] - leak, None, lambda values: flow_of(with_graph_values(program, values), u),
    )  # fmt: skip


def zero_of(field: Field, start: np.ndarray, *, iterations: int = 100, tolerance: float = 1e-11) -> np.ndarray | None:
    """A zero of the field by Newton's method with backtracking; None where it does not get there.

    Of unknowns with bounds those that are held there take no part. A singular Jacobian (a line of fixed points) takes
    the smallest change.
    """

    def value(y: np.ndarray) -> np.ndarray:
        f = field.value(y)
        f[field.held(y, f)] = 0.0
        return f

    y = field.inside(np.array(start, float))
    f = first = value(y)
    for _ in range(iterations):
        if not np.isfinite(f).all():
            return None
        matrix = field.jacobian(y)
        if not np.isfinite(matrix).all():
            return None
        held = field.held(y, field.value(y))
        if held.any():
            matrix = np.where(held[:, None], np.eye(y.size), matrix)
        try:
            change = np.linalg.solve(matrix, f)
        except np.linalg.LinAlgError:
            change = np.linalg.lstsq(matrix, f, rcond=1e-12)[0]
        if np.abs(change).max(initial=0.0) <= tolerance * (1.0 + np.abs(y).max(initial=0.0)):
            return field.inside(y - change)
        size, share = np.linalg.norm(f), 1.0
        while share > 1e-8:
            tried = field.inside(y - share * change)
            there = value(tried)
            if np.isfinite(there).all() and np.linalg.norm(there) < (1.0 - 1e-4 * share) * size:
                break
            share *= 0.5
        else:
            # Rounding: no smaller value is near, so this is as good as it gets.
            return y if size <= 1e-9 * np.linalg.norm(first) else None
        y, f = tried, there
    return None
