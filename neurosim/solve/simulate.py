"""One call from a circuit, a netlist's path, a signal graph or a memristive network to a labelled result.

Only what a run needs is loaded: a network of neurons runs without the parts that read and solve circuits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.circuit.model import Circuit
    from neurosim.graph.program import Program
    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.graph.spikes import SpikeProgram
    from neurosim.memristive.network import MemristiveNetwork
    from neurosim.results import Result


def simulate(
    circuit: Circuit | str | Path | SignalGraph | Program | SpikeProgram | MemristiveNetwork,
    t_span: tuple[float, float] | None = None, *, analysis: str | None = None, **settings: Any,
) -> Result:  # fmt: skip
    """Run one analysis of a circuit, or a signal graph or memristive network in time.

    Parameters
    ----------
    circuit : Circuit, str, Path, SignalGraph, Program or MemristiveNetwork
        A circuit, the path of a netlist, or a graph: then `settings` are those of
        `neurosim.solve.simulate_graph.GraphSettings` (``drive``, ``initial``, ``method``, ``rtol``, ``save``, ...); of
        a memristive network those of `neurosim.solve.simulate_network.NetworkSettings`. With ``dt`` a graph of spiking
        neurons runs on a grid of time, see `neurosim.solve.simulate_spikes.SpikeSettings`; with ``grid="free"`` from
        event to event, see `neurosim.solve.simulate_spike_events.SpikeEventSettings`.
    t_span : (float, float), optional
        Run a transient analysis over this time [s] instead of those of the netlist; it starts at 0.
    analysis : {"tran", "ac", "dc", "op"}, optional
        Which of the netlist's analyses; default the first of tran, ac, dc, op that it has, or an operating point.
    **settings
        Of a circuit fields of `neurosim.Settings`: ``method``, ``rtol``, ``save``, ``seed``, ``step_limit``, ...

    Returns
    -------
    Result
        With the values of ``.measure`` in `measures`, and one extra dimension for each ``.step``.

    Raises
    ------
    NetlistError, SimulationError, ParameterError
        A SimulationError keeps what was computed in its `partial`.
    """
    if isinstance(circuit, (str, Path)) or _is_a(circuit, "neurosim.circuit.model", "Circuit"):
        from neurosim.solve.simulate_circuit import simulate_circuit

        return simulate_circuit(cast("Circuit", circuit), t_span, analysis, **settings)
    if analysis not in (None, "tran"):
        raise ParameterError(f"a network has no '{analysis}' analysis; it runs in time")
    if _is_a(circuit, "neurosim.memristive.network", "MemristiveNetwork"):
        from neurosim.solve.simulate_network import simulate_network

        return simulate_network(cast("MemristiveNetwork", circuit), t_span, **settings)
    settings = {name: value for name, value in settings.items() if name not in ("dt", "grid") or value is not None}
    if {"dt", "grid"} <= settings.keys():
        raise ParameterError("give dt, the step [s] of a grid of time, or grid='free', not both")
    if "dt" in settings:
        from neurosim.solve.simulate_spikes import simulate_spikes

        return simulate_spikes(circuit, t_span, **settings)
    if "grid" in settings:
        from neurosim.solve.simulate_spike_events import simulate_spike_events

        return simulate_spike_events(circuit, t_span, **settings)
    if _is_a(circuit, "neurosim.graph.spike_program", "SpikeProgram"):
        raise ParameterError("a compiled spiking network runs as it was compiled: give dt, or grid='free'")
    from neurosim.solve.simulate_graph import simulate_graph

    return simulate_graph(cast("SignalGraph", circuit), t_span, **settings)


def _is_a(given: Any, module: str, name: str) -> bool:
    """Whether something is of a class; where nothing has loaded the class yet, nothing can be."""
    return module in sys.modules and isinstance(given, getattr(sys.modules[module], name))
