"""Poincare sections: where a run crosses a surface, and the map from one crossing to the next.

Crossings are located in the compiled loop (`neurosim.solve.crossings`); a step ends on each, so the points are as exact
as the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.runs import RTOL, model_of
from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import addresses
from neurosim.graph.program import Program
from neurosim.memristive.network import MemristiveNetwork
from neurosim.solve.asked import checked_span
from neurosim.solve.crossings import Crossing
from neurosim.solve.dynamics import dynamics
from neurosim.solve.simulate import simulate


@dataclass(frozen=True)
class PoincareSection(Drawable):
    """Points on a surface.

    Attributes
    ----------
    title, condition, direction : str
    names : list of str
    times : ndarray, shape (points,)
        Seconds.
    states : ndarray, shape (points, n)
    """

    drawn_by = "poincare_section:poincare_section"

    title: str
    condition: str
    direction: str
    names: Sequence[str]
    times: np.ndarray
    states: np.ndarray

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, name: str) -> np.ndarray:
        """Values of an unknown, shape (points,)."""
        if name not in self.names:
            raise UnknownNameError(f"'{self.title}' has no unknown '{name}'; {nearest(name, self.names)}")
        return self.states[:, self.names.index(name)]

    @property
    def widest(self) -> list[str]:
        """Unknowns by falling spread on the section, relative to their size; without what is constant, and without
        the one that the section holds, whose spread is rounding."""
        if not len(self):
            return []
        spread = np.ptp(self.states, axis=0)
        size = np.maximum(np.abs(self.states).max(axis=0), 1e-300)
        order = np.argsort(-spread / size, kind="stable")
        held = self.condition.partition("=")[0].strip()
        return [self.names[int(k)] for k in order if spread[k] > 1e-7 * size[k] and self.names[int(k)] != held]

    def return_map(self, name: str | None = None, *, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Values of an unknown (default the widest) at crossings k and k + every, two arrays of equal length."""
        values = self[name or (self.widest or self.names)[0]]
        return values[:-every], values[every:]


def poincare_section(
    what: Any, condition: str | Crossing, *, direction: str | None = None, t_span: tuple[float, float] | None = None,
    transient: float | None = None, start: Any = None, inputs: Any = None, rtol: float = RTOL, **settings: Any,
) -> PoincareSection:  # fmt: skip
    """Points at which a run crosses a surface.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    condition : str or Crossing
        ``"x[2] = 27"``, ``"v(a) - v(b) = 0.5"``, or an expression that is 0 on the surface.
    direction : {"up", "down", "both"}, optional
        In which the left side minus the right side crosses 0; default "up", or that of the Crossing.
    t_span : (float, float), optional
        Seconds; default 1000 time constants of a graph, the .tran of a circuit.
    transient : float, optional
        Time before the first point [s], default a tenth of the run.
    start : mapping or array_like, shape (n,), optional
        Initial values of a graph; a circuit begins as its netlist says.
    inputs : mapping, optional
        Drives of a graph.
    rtol : float
        Default 1e-7.
    **settings
        Further ones of `neurosim.simulate`.

    Raises
    ------
    ParameterError, UnknownNameError
    SimulationError
    """
    model = model_of(what)
    if isinstance(model, Program) and model.is_clocked.any():
        raise ParameterError(f"'{model.graph.title}' has states that jump: sections are crossings of a flow")
    crossing = crossing_of(condition, direction)
    span = _span(model, t_span)
    wait = 0.1 * (span[1] - span[0]) if transient is None else float(transient)
    if not 0.0 <= wait < span[1] - span[0]:
        raise ParameterError(f"transient = {wait:g} s must lie within the run of {span[1] - span[0]:g} s")
    if isinstance(model, MemristiveNetwork):
        if inputs is not None:
            raise ParameterError("inputs= are of graphs: a memristive network has its own sources")
        names = model.state_names
        settings = {"initial": start, **settings}
    elif isinstance(model, Circuit):
        if start is not None or inputs is not None:
            raise ParameterError("start= and inputs= are of graphs: a circuit has both in its netlist")
        names = dynamics(model, stop=span[1]).names
    else:
        names = [a for n, part in model.states.slices.items() for a in addresses(n, part.stop - part.start)]
        settings = {"drive": inputs, "initial": _initial(model, start), **settings}
    kept = (span[0] + wait, span[1])
    # Circuits keep their steps, of which the points are some, in runs from 0 only.
    result = simulate(
        model, (0.0, span[1]) if isinstance(model, Circuit) else kept, events={"section": crossing},
        print_step=span[1], save=tuple(names), rtol=rtol, **settings,
    )  # fmt: skip
    times = result.events["section"]
    times = times[(times >= kept[0]) & (times <= result.axis[-1])]
    at = np.searchsorted(result.axis, times)
    if not np.array_equal(result.axis[at], times):
        raise ParameterError("save_steps=False: the points of a section are steps of the run")
    states = np.stack([result[name][at] for name in names], 1) if times.size else np.empty((0, len(names)))
    text = condition if isinstance(condition, str) else f"{crossing.expression} = {crossing.level:g}"
    return PoincareSection(str(result.attrs["title"]), text, crossing.direction, names, times, states)


def crossing_of(condition: str | Crossing, direction: str | None = None) -> Crossing:
    """The crossing that ``"left = right"`` stands for, by default upward.

    Raises
    ------
    ParameterError
    """
    if isinstance(condition, Crossing):
        given = direction or condition.direction
        return Crossing(condition.expression, condition.level, given)
    left, separator, right = condition.partition("=")
    if not left.strip() or (separator and (not right.strip() or "=" in right)):
        raise ParameterError(f"condition {condition!r} must look like 'x[2] = 27' or be an expression")
    try:
        level = float(right) if separator else 0.0
        return Crossing(left.strip(), level, direction or "up")
    except ValueError:
        return Crossing(f"({left.strip()}) - ({right.strip()})", 0.0, direction or "up")


def _span(model: Circuit | Program | MemristiveNetwork, t_span: tuple[float, float] | None) -> tuple[float, float]:
    if t_span is not None:
        return checked_span(t_span)
    if isinstance(model, Circuit):
        asked = next((a for a in model.analyses if isinstance(a, TransientAnalysis)), None)
        if asked is None:
            raise ParameterError(f"'{model.title}' has no .tran that says how long to run: give t_span=")
        return 0.0, asked.stop
    if isinstance(model, MemristiveNetwork):
        raise ParameterError(f"network '{model.title}' has no time constant that says how long to run: give t_span=")
    return 0.0, 1000.0 * float(np.nanmax(model.time_constant))


def _initial(program: Program, start: Any) -> dict[str, Any]:
    if start is None:
        return {}
    if isinstance(start, Mapping):
        return dict(start)
    y = np.asarray(start, float)
    if y.shape != (program.states.size,):
        raise ParameterError(f"start needs {program.states.size} numbers, not shape {y.shape}")
    return {name: y[part] for name, part in program.states.slices.items()}
