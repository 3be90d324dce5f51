"""Go on with a run that was cut, from its checkpoint, with the same bits as if it had not been."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.errors import ParameterError
from neurosim.graph.program import Program
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spikes import SpikeProgram
from neurosim.memristive.network import MemristiveNetwork
from neurosim.results import Result
from neurosim.solve.checkpoint_file import CHANGEABLE, read_checkpoint
from neurosim.solve.crossings import Crossing
from neurosim.solve.simulate import simulate
from neurosim.solve.simulate_circuit import Settings, run_analysis
from neurosim.solve.simulate_graph import simulate_graph
from neurosim.solve.simulate_network import simulate_network

_OF_GRAPHS = ("drive", "initial", "diffusion", "history")
"""Settings of a graph that are not kept in a checkpoint: they must be given again."""


def resume(
    file: str | os.PathLike[str],
    what: Circuit | str | Path | SignalGraph | Program | SpikeProgram | MemristiveNetwork | None = None,
    **changed: Any,
) -> Result:  # fmt: skip
    """Go on from a checkpoint that ``simulate(..., checkpoint=file)`` saved.

    Parameters
    ----------
    file : path
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork, optional
        What ran; default the netlist at the path it was read from. A graph or network has to be given.
    **changed
        ``step_limit``, ``wall_time_limit``, ``memory_limit``, ``progress``, ``checkpoint`` (default: `file` again),
        ``checkpoint_every``; for a graph ``drive``, ``initial``, ``diffusion`` and ``history`` as they
        were given. All other
        settings are those of the checkpoint.

    Returns
    -------
    Result
        Of the whole run, bit for bit what it would have been without the cut.

    Raises
    ------
    FormatError
        The file is no whole checkpoint.
    ParameterError
        It is of another system, or was made by other code; says which.
    SimulationError
        As in `neurosim.simulate`.
    """
    found = read_checkpoint(file)
    header = found.header
    is_graph = header["kind"] in ("graph", "spikes")
    allowed = [name for name in (*CHANGEABLE, *(_OF_GRAPHS if is_graph else ())) if name != "resumed"]
    for name in changed:
        if name not in allowed:
            raise ParameterError(
                f"resume() cannot change '{name}': a run goes on as it began; it takes {', '.join(allowed)}"
            )
    settings = header["settings"] | {"checkpoint": file, "resumed": found} | changed
    if watched := settings.get("events"):
        settings["events"] = {name: Crossing(**of) for name, of in watched.items()}
    if header["kind"] == "spikes":
        if not isinstance(what, (SignalGraph, SpikeProgram)):
            raise ParameterError(f"checkpoint '{file}' is of graph '{header['title']}': give it, resume(file, graph)")
        return simulate(what, tuple(header["t_span"]), **settings)
    if is_graph:
        if not isinstance(what, (SignalGraph, Program)):
            raise ParameterError(f"checkpoint '{file}' is of graph '{header['title']}': give it, resume(file, graph)")
        return simulate_graph(what, tuple(header["t_span"]), **settings)
    if header["kind"] == "network":
        if not isinstance(what, MemristiveNetwork):
            raise ParameterError(f"checkpoint '{file}' is of network '{header['title']}': give it, resume(file, net)")
        return simulate_network(what, tuple(header["t_span"]), **settings)
    if what is None:
        what = header["source"]
        if not Path(str(what)).is_file():
            raise ParameterError(
                f"checkpoint '{file}' is of circuit '{header['title']}', whose netlist '{what}' is not there: give the "
                "circuit, resume(file, circuit)"
            )
    if isinstance(what, (str, Path)):
        what = read_netlist(what, dialect=header["dialect"], allow_include=True)
        values = {name: value for name, value in header["parameters"].items() if what.parameters.get(name) != value}
        if (values or what.temperature != header["temperature"]) and what.rebuild is not None:
            what = what.rebuild(values, header["temperature"])
    if not isinstance(what, Circuit):
        raise ParameterError(f"checkpoint '{file}' is of circuit '{header['title']}', not of a {type(what).__name__}")
    return run_analysis(replace(what, steps=()), TransientAnalysis(**header["analysis"]), Settings(**settings))
