"""Tangent vectors of a digital network: of an iterated map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.analyses.tangent_space import FEW_VECTORS, TangentSpace, checked_count, chunks, new_run, program_layout
from neurosim.digital.delays import DELAY_CLOCK, with_chains
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError
from neurosim.graph.assembly import addresses
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import tangent_run as tg
from neurosim.kernels.tangent_run import TangentRun


class TangentMap(TangentSpace):
    """Tangent space of a digital network; with `in_seconds` its steps count as time."""

    is_map = True

    def __init__(
        self, network: DigitalNetwork, k: int | None, inputs: np.ndarray | None, y0: np.ndarray, *,
        in_seconds: bool = False,
    ) -> None:  # fmt: skip
        program = network.program
        if network.rule.coefficients is None:
            raise ParameterError(
                f"rule '{network.rule.name}' solves equations in each step and has no tangent map here; take an "
                "explicit rule such as 'forward_euler', 'exponential_euler' or 'rk4'"
            )
        n, m = program.states.size, program.inputs.size
        count = checked_count(program.graph.title, k, n)
        self.network, self._inputs = network, inputs
        mix = network.coefficients()
        tableau = np.ascontiguousarray(mix.reshape(-1, n))
        stages = mix.shape[0] - 1
        names = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
        runs = []
        for size in chunks(count):
            offset, stride = program_layout(program, size)
            runs.append(new_run(
                np.array(y0, float), np.arange(n), np.ones(n), offset, stride, size, stages, tableau,
                inline=count <= FEW_VECTORS, p=program.p, pt=program.transposed, code=program.code,
                inputs=np.zeros(0) if inputs is None else np.ascontiguousarray(inputs, float).ravel(),
            ))  # fmt: skip
        self._width, self._step = m, network.dt if in_seconds else 1.0
        super().__init__(program.graph.title, "1/s" if in_seconds else "1/step", names, n, runs)

    @property
    def point(self) -> np.ndarray:
        """The state now, shape (n,)."""
        return self._runs[0].y.copy()

    @property
    def dt(self) -> float:
        """1, or the step in seconds."""
        return self._step

    @property
    def time(self) -> float:
        """Steps, or seconds."""
        return self.steps * self._step

    def _advance(self, run: TangentRun, part: int, length: float, intervals: int) -> None:
        wanted = (int(run.count[tg.NEXT_INPUT]) + intervals * int(run.count[tg.EVERY])) * self._width
        if self._inputs is None and run.inputs.size < wanted:
            run = run._replace(inputs=np.zeros(wanted))
        elif run.inputs.size < wanted:
            given = run.inputs.size // self._width
            raise ParameterError(f"drive has {given} steps; transients and averages need {wanted // self._width}")
        super()._advance(run, part, length, intervals)

    @property
    def is_autonomous(self) -> bool:
        """Whether the network has no input, or none that moves."""
        return self._inputs is None

    def step_matrix(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Derivative of one step at (y, u), shape (n, n)."""
        program, mix = self.network.program, self.network.coefficients()
        n = y.size
        values, slopes, drives, tangents = y, np.eye(n), [], []
        for s in range(mix.shape[0]):
            if s:
                values = mix[s, 0] * y + sum((w * g for w, g in zip(mix[s, 1:], drives, strict=False)), np.zeros(n))
                slopes = np.diag(mix[s, 0]) + sum(
                    (w[:, None] * g for w, g in zip(mix[s, 1:], tangents, strict=False)), np.zeros((n, n))
                )
            if s < mix.shape[0] - 1:
                drives.append(program.drive(values, u))
                tangents.append(program.jacobian(values, u)[0] @ slopes)
        return slopes

    def is_at_rest(self, share: float) -> bool:
        """Whether a step moves the state by no more than this share of it."""
        y = self.point
        moved = self.network.sequence(np.zeros((1, self._width)) if self._width else 1, y).final[0] - y
        return bool(np.abs(moved).max() <= share * max(np.abs(y).max(), 1e-3))

    def growth(self) -> np.ndarray:
        """Logarithms of the absolute values of the multipliers, falling."""
        with np.errstate(divide="ignore"):
            sizes = np.log(np.abs(np.linalg.eigvals(self.step_matrix(self.point, np.zeros(self._width)))))
        return np.sort(sizes)[::-1] / self._step


def of_delays(graph: SignalGraph, dt: float | None) -> DigitalNetwork:
    """The map of a flow with delays on its discretised history: exponential time differencing of order 2.

    In a step the delayed value is the mean of those at its two ends, which keeps the order.

    Parameters
    ----------
    graph : SignalGraph
    dt : float, optional
        Must divide all delays; default the largest that does and is at most a hundredth of the longest.
    """
    flat = flatten(graph)
    delays = sorted({data["delay"] for _, _, data in flat.edges(data=True) if data["delay"] > 0.0})
    step = _common_step(delays) if dt is None else dt
    made = with_chains(flat, step)
    for chain, b, key, data in list(made.edges(keys=True, data=True)):
        if made.nodes[chain].get("clock") != DELAY_CLOCK or made.nodes[b].get("clock") == DELAY_CLOCK:
            continue
        first, last = data["source_part"]
        size = last - first
        newer: dict[str, Any] = {"source": chain, "part": (first - size, first)}
        if first == 0:
            source, _, into = next(e for e in made.in_edges(chain, data=True) if e[0] != chain)
            newer = {"source": source, "part": into["source_part"]}
        half = {**data, "gain": 0.5 * data["gain"]}
        made.remove_edge(chain, b, key)
        made.add_edge(chain, b, **half)
        made.add_edge(newer["source"], b, **{**half, "source_part": newer["part"]})
    return digital(made, "etd2rk", step)


def _common_step(delays: list[float]) -> float:
    """The largest step that divides all delays and is at most a hundredth of the longest."""
    step = delays[0]
    while any(abs(delay / step - round(delay / step)) > 1e-9 * delay / step for delay in delays):
        step = min((delay % step for delay in delays if delay % step > 1e-6 * step), default=step / 2.0)
    return step / max(1, math.ceil(100.0 * step / delays[-1] - 1e-9))


def initial_of_map(network: DigitalNetwork, initial: Any) -> np.ndarray:
    if hasattr(initial, "items"):
        return network.program.states.pack(initial, network.program.initial, "state")
    return np.broadcast_to(np.asarray(initial, float), network.program.initial.shape).copy()
