"""Networks that descend an energy: which graphs they are, and the energy.

With W symmetric and phi strictly increasing, element by element:

- *membrane form*, ``tau x' = -leak x + W v + b`` with v = phi(q), q = k x + c (Hopfield 1984; BAM with its two fields):
  ``E = -v.W v / 2 - b.v + sum leak * integral of x dv``, and ``tau x' = -dE/dv``;
- *rate form*, ``tau r' = -leak r + phi(q')`` with q' = k (W r + b): ``E = -r.W r / 2 - b.r + sum of the integrals of
  phi^-1(leak r) / k dr``, and ``tau r' = phi(q - k dE/dr) - phi(q)`` with q = phi^-1(leak r).

Both are E = -w.W w / 2 - b.w + sum s Psi(q) in the coordinates w (v, or r), with Psi as in
`neurosim.kernels.increasing_functions`. Time constants, leaks, gains and biases may differ from unit to unit.

Source: Hopfield, PNAS 81, 3088 (1984), doi 10.1073/pnas.81.10.3088.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.activation_integrals import SUPPORTED, IncreasingFunction, increasing_function
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph

ASYMMETRY = 1e-12
"""Largest share by which W and its transpose may differ."""
INSIDE = 1e-9
"""A rate outside the range of phi by less than this share of it counts as rounding."""


@dataclass(frozen=True)
class GradientForm:
    """The energy of a network and what its discrete gradients need.

    Attributes
    ----------
    is_rate : bool
        Rate form, else membrane form.
    program : Program
    weights : ndarray, shape (n, n)
        W, symmetric.
    gain, offset : ndarray, shape (n,)
        k and c; c is 0 in rate form, where the bias is part of b.
    blocks : list of (slice, IncreasingFunction)
        Activation function of each state.
    argument_program : Program
        The same graph with these functions left out.
    """

    is_rate: bool
    program: Program
    weights: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    blocks: list[tuple[slice, IncreasingFunction]]
    argument_program: Program

    @property
    def scale(self) -> np.ndarray:
        """w = scale * v."""
        return 1.0 / self.program.leak if self.is_rate else np.ones_like(self.gain)

    @property
    def curvature(self) -> np.ndarray:
        """The factor of the mean argument in dE/dw: leak/k, or 1/k."""
        return 1.0 / self.gain if self.is_rate else self.program.leak / self.gain

    def bias(self, u: np.ndarray) -> np.ndarray:
        """b of the energy for held inputs, shape (samples, n)."""
        shape = (u.shape[0], self.gain.size)
        drive = self.argument_program.drive(np.zeros(shape), u)
        if self.is_rate:
            return drive / self.gain
        return drive - self.offset @ self.weights + self.program.leak * self.offset / self.gain

    def argument(self, y: np.ndarray) -> np.ndarray:
        """Argument q of the activation functions for states y.

        Raises
        ------
        SimulationError
            A rate lies outside the range of phi, where there is no energy.
        """
        if not self.is_rate:
            return self.gain * y + self.offset
        v = self.program.leak * y
        q = np.empty_like(v)
        for part, function in self.blocks:
            low, high = function.lower, function.upper
            if np.isfinite(low):
                slack = INSIDE * (high - low)
                outside = (v[..., part] < low - slack) | (v[..., part] > high + slack)
                if outside.any():
                    value = v[..., part][outside][0]
                    raise SimulationError(
                        f"a rate of {value:g} (times its leak) lies outside the range {low:g} .. {high:g} of its "
                        "activation function, where there is no energy; start inside, or use another rule"
                    )
                tiny = 2.0**-53 * (high - low)
                q[..., part] = function.inverse(np.clip(v[..., part], low + tiny, high - tiny))
            else:
                q[..., part] = function.inverse(v[..., part])
        return q

    def state(self, q: np.ndarray) -> np.ndarray:
        """States y for arguments q."""
        return self.value(q) * self.scale if self.is_rate else (q - self.offset) / self.gain

    def value(self, q: np.ndarray) -> np.ndarray:
        """phi(q) of all units, q (..., n)."""
        return self._each(lambda function, part: function.value(part), q)

    def slope(self, q: np.ndarray) -> np.ndarray:
        """phi'(q) of all units."""
        return self._each(lambda function, part: function.slope(part), q)

    def function_of(self, unit: int) -> IncreasingFunction:
        """Activation function of one unit."""
        return next(function for part, function in self.blocks if part.start <= unit < part.stop)

    def energy(self, y: np.ndarray, u: np.ndarray | None = None) -> np.ndarray:
        """E for states y (..., n) and held inputs u (..., inputs), default 0; shape (...)."""
        y = np.asarray(y, dtype=float)
        n, m = self.gain.size, self.program.inputs.size
        inputs = np.zeros((*y.shape[:-1], m)) if u is None else np.broadcast_to(u, (*y.shape[:-1], m))
        q = self.argument(y)
        w = self.value(q) * self.scale
        b = self.bias(inputs.reshape(int(np.prod(y.shape[:-1])), m)).reshape(*y.shape[:-1], n)
        each = self._each(lambda function, part: function.energy(part), q) * self.scale * self.curvature
        return (each - (0.5 * (w @ self.weights) + b) * w).sum(axis=-1)

    def _each(self, of: Callable[[IncreasingFunction, np.ndarray], np.ndarray], q: np.ndarray) -> np.ndarray:
        made = np.empty_like(q)
        for part, function in self.blocks:
            made[..., part] = of(function, q[..., part])
        return made


def gradient_form(program: Program, *, symmetric_part: bool = False) -> GradientForm:
    """Recognise a network that descends an energy.

    Parameters
    ----------
    program : Program
    symmetric_part : bool
        Take the symmetric part of weights that are not symmetric, instead of refusing them.

    Raises
    ------
    ParameterError
        It is none, or its energy is not known; the message names the node, edge or property at fault.
    """
    graph = program.graph
    states = list(program.states.slices)
    for name in states:
        if graph.nodes[name]["kind"] == "hold" or graph.nodes[name]["clock"] is not None:
            raise _refusal(graph, f"'{name}' jumps at a clock")
    if not states:
        raise _refusal(graph, "it has no state")
    maps = _maps_of_states(graph, states)
    is_rate = all(_is_rate(graph, name, maps) for name in states)
    found = [_rate(graph, name) if is_rate else _membrane(graph, name, maps) for name in states]
    n = program.states.size
    gain, offset = np.empty(n), np.zeros(n)
    blocks: list[tuple[slice, IncreasingFunction]] = []
    for name, (chosen, edge) in zip(states, found, strict=True):
        part = program.states.slices[name]
        data = graph.nodes[chosen]
        function = increasing_function(data["function"], data["argument"])
        if function is None:
            raise _refusal(
                graph, f"the energy needs a strictly increasing function with a known integral, one of "
                f"{', '.join(SUPPORTED)}, and map '{chosen}' is '{data['function']}'",
            )  # fmt: skip
        gain[part] = data["gain"] * (1.0 if edge is None else edge["gain"])
        if edge is not None and data["bias"] is not None:
            offset[part] = data["gain"] * program.p[program.parameters.slices[data["bias"]]]
        if not (gain[part] > 0.0).all():
            raise _refusal(graph, f"map '{chosen}' has a gain of {data['gain']:g}, which makes it decrease")
        blocks.append((part, function))
    if is_rate and not (program.leak > 0.0).all():
        raise _refusal(graph, "a rate without a positive leak has no energy")
    arguments = graph.copy()
    for chosen, _ in found:
        arguments.nodes[chosen]["function"] = "identity"
    linear = compile_graph(arguments).with_parameters(program.p[: program.parameters.size])
    matrix = linear.jacobian(np.zeros(n), np.zeros(program.inputs.size))[0]
    weights = matrix / (gain[:, None] if is_rate else gain)
    difference = np.abs(weights - weights.T)
    if not symmetric_part and difference.max() > ASYMMETRY * np.abs(weights).max():
        i, j = np.unravel_index(int(difference.argmax()), difference.shape)
        raise _refusal(
            graph, f"its weights are not symmetric: {weights[i, j]:g} from state {j} to {i}, {weights[j, i]:g} back"
        )
    return GradientForm(is_rate, program, 0.5 * (weights + weights.T), gain, offset, blocks, linear)


def _refusal(graph: SignalGraph, why: str) -> ParameterError:
    return ParameterError(
        f"graph '{graph.title}' is not known to descend an energy: {why}. Energies and discrete gradients need "
        "tau x' = -leak x + W phi(x) + b or tau r' = -leak r + phi(W r + b) with W symmetric and phi strictly "
        "increasing; as a rule use another one, such as implicit_midpoint"
    )


def _maps_of_states(graph: SignalGraph, states: list[str]) -> set[str]:
    """Memoryless nodes between states and the drives of states; all must be maps."""
    after, stack = set(), list(states)
    while stack:
        for b in graph.successors(stack.pop()):
            if b not in after and graph.nodes[b]["kind"] in ("map", "product", "host"):
                after.add(str(b))
                stack.append(str(b))
    before, stack = set(), list(states)
    while stack:
        for a in graph.predecessors(stack.pop()):
            if a not in before and a in after:
                before.add(str(a))
                stack.append(str(a))
    for name in before:
        if graph.nodes[name]["kind"] != "map":
            raise _refusal(graph, f"{graph.nodes[name]['kind']} '{name}' acts on its states")
        for a in graph.predecessors(name):
            if a in before:
                raise _refusal(graph, f"map '{a}' feeds map '{name}'; one map between states and drives is allowed")
    for a, b in graph.edges():
        if a in states and b in states:
            raise _refusal(graph, f"state '{a}' drives state '{b}' without a map; put an identity map between them")
    return before


def _edges_into(graph: SignalGraph, name: str) -> list[tuple[str, dict]]:
    return [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] == "add"]


def _is_plain(edge: dict) -> bool:
    return edge["weight"] is None and not edge["target_part"] and not edge["source_part"]


def _is_rate(graph: SignalGraph, name: str, maps: set[str]) -> bool:
    """Whether all that drives a state is one map, as it is."""
    edges = _edges_into(graph, name)
    return (
        len(edges) == 1 and edges[0][0] in maps and _is_plain(edges[0][1]) and edges[0][1]["gain"] == 1.0
        and graph.nodes[name]["bias"] is None
    )  # fmt: skip


def _rate(graph: SignalGraph, name: str) -> tuple[str, None]:
    return _edges_into(graph, name)[0][0], None


def _membrane(graph: SignalGraph, name: str, maps: set[str]) -> tuple[str, dict]:
    """The map that takes a state and nothing else."""
    targets = [b for b in graph.successors(name) if b in maps]
    if len(targets) != 1:
        raise _refusal(graph, f"state '{name}' feeds {len(targets)} maps that drive states; one is allowed")
    chosen = str(targets[0])
    edges = _edges_into(graph, chosen)
    if len(edges) != 1 or not _is_plain(edges[0][1]):
        raise _refusal(
            graph, f"map '{chosen}' takes more than the bare state '{name}', and not all that it gives is a rate"
        )
    return chosen, edges[0][1]
