"""The tangent space of anything that simulates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.analyses.tangent_flow import TangentFlow
from neurosim.analyses.tangent_map import TangentMap, initial_of_map, of_delays
from neurosim.circuit.model import Circuit
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError
from neurosim.graph.delays import has_delays
from neurosim.graph.flatten import flatten
from neurosim.graph.law import graph_flow
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.network import MemristiveNetwork
from neurosim.solve.dynamics import Dynamics, dynamics

MOST_OF_DELAYS = 10
"""Exponents of a system with delays that are found by default: it has infinitely many."""


def open_tangent(
    what: Any, k: int | None, *, stop: float, drive: Any = None, method: str = "auto", seed: int = 0,
    initial: Any = None, dt: float | None = None,
) -> TangentMap | TangentFlow:  # fmt: skip
    """Choose how the tangent vectors of `what` are found.

    Parameters
    ----------
    what : DigitalNetwork, SignalGraph, Program, Circuit, path of a netlist, MemristiveNetwork, or Dynamics
    k : int, optional
        Vectors; default one for each exponent.
    stop : float
        Until when drives are laid out [s].
    drive, method, seed, initial, dt
        See `neurosim.analyses.lyapunov.lyapunov_spectrum`.

    Raises
    ------
    ParameterError
        More vectors than exponents; or something that has no tangent: noise, delays, clocked states of a flow.
    """
    if isinstance(what, SignalGraph):
        if has_delays(flatten(what)):
            if drive is not None:
                raise ParameterError(f"'{what.title}' has delays: its exponents are found without a drive")
            network = of_delays(what, dt)
            y0 = network.program.initial if initial is None else initial_of_map(network, initial)
            count = min(MOST_OF_DELAYS, network.program.states.size) if k is None else k
            return TangentMap(network, count, None, y0, in_seconds=True)
        what = compile_graph(what)
    if isinstance(what, Program) and what.is_clocked.all():
        what = digital(what)
    if isinstance(what, DigitalNetwork):
        inputs = None
        if drive is not None:
            inputs = np.asarray(drive, float)
            if inputs.ndim != 2 or inputs.shape[1] != what.program.inputs.size or not np.isfinite(inputs).all():
                raise ParameterError(
                    f"drive of a digital network needs finite numbers of shape (steps, {what.program.inputs.size}), "
                    f"not {inputs.shape}"
                )
        y0 = what.program.initial if initial is None else initial_of_map(what, initial)
        return TangentMap(what, k, inputs, y0)
    if isinstance(what, Program):
        if what.is_clocked.any():
            clocked = next(name for name, part in what.states.slices.items() if what.is_clocked[part].any())
            raise ParameterError(
                f"graph '{what.graph.title}': '{clocked}' jumps at a clock while other states flow; take the exponents "
                "of its digital equivalent, ns.digital(graph, rule='rk4', dt=...)"
            )
        model = dynamics(what, drive=drive, stop=stop, derivatives=method == "sdirk4", jumps=True)
        if any(batch.law is not graph_flow for batch in model.system.batches):
            model = dynamics(what, drive=drive, stop=stop, jumps=True)
    elif isinstance(what, (Circuit, str, Path, Dynamics, MemristiveNetwork)):
        model = dynamics(what, drive=drive, stop=stop)
    else:
        raise ParameterError(
            "a DigitalNetwork, SignalGraph, Circuit, path of a netlist, MemristiveNetwork or Dynamics is needed, not "
            f"{type(what).__name__}"
        )
    if initial is not None:
        model = model.with_start(initial)
    return TangentFlow(model, k, method, seed)
