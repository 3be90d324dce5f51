"""neurosim: analog and neuromorphic circuits as dynamical systems, beside their digital twins.

>>> import neurosim as ns
>>> circuit = ns.read_netlist("divider\\nV1 in 0 1\\nR1 in out 1k\\nR2 out 0 1k\\n.end")
>>> circuit.nets
('in', 'out')

A network is a graph of populations: ``graph = ns.architectures.elman()`` is one, ``ns.from_networkx`` makes one of any
weighted graph, ``ns.simulate(graph, (0, 10), drive={"u": "SIN(0 1 1)"})`` runs it in time, ``ns.digital(graph)`` is its
discrete twin.

``ns.simulate(circuit)`` gives a `Result`; ``ns.waveforms(result)`` draws it; ``ns.save(result, "run.nc")`` keeps it.
Names are imported on first use, so that ``import neurosim`` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim import architectures
    from neurosim.analyses.comparison import compare
    from neurosim.analyses.fit import fit
    from neurosim.circuit.model import Circuit
    from neurosim.circuit.reader import read_netlist
    from neurosim.circuit.writer import write_netlist
    from neurosim.digital.network import digital
    from neurosim.errors import (
        FormatError,
        NetlistError,
        NeurosimError,
        ParameterError,
        SimulationError,
        UnknownNameError,
    )
    from neurosim.formats import load, load_all, save
    from neurosim.graph.convert import from_networkx
    from neurosim.graph.drives import held, interpolated, noise
    from neurosim.graph.equations import equations
    from neurosim.graph.program import compile_graph
    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.plots import draw_figure, save_figure
    from neurosim.plots.bode import bode
    from neurosim.plots.pinched_loop import pinched_loop
    from neurosim.plots.signal_graph import draw_graph
    from neurosim.plots.waveforms import waveforms
    from neurosim.results import Column, Result
    from neurosim.solve import methods
    from neurosim.solve.dynamics import Dynamics, dynamics
    from neurosim.solve.gradient import gradient, sensitivities
    from neurosim.solve.losses import integral, squared_error
    from neurosim.solve.measure import measure
    from neurosim.solve.simulate import Settings, simulate

__version__ = "0.1.0"

_ORIGINS = {
    "neurosim.analyses.comparison": ("compare",),
    "neurosim.analyses.fit": ("fit",),
    "neurosim.circuit.model": ("Circuit",),
    "neurosim.circuit.reader": ("read_netlist",),
    "neurosim.circuit.writer": ("write_netlist",),
    "neurosim.errors": (
        "FormatError", "NetlistError", "NeurosimError", "ParameterError", "SimulationError", "UnknownNameError",
    ),
    "neurosim.digital.network": ("digital",),
    "neurosim.formats": ("load", "load_all", "save"),
    "neurosim.graph.convert": ("from_networkx",),
    "neurosim.graph.drives": ("held", "interpolated", "noise"),
    "neurosim.graph.equations": ("equations",),
    "neurosim.graph.program": ("compile_graph",),
    "neurosim.graph.signal_graph": ("SignalGraph",),
    "neurosim.plots": ("draw_figure", "save_figure"),
    "neurosim.plots.bode": ("bode",),
    "neurosim.plots.pinched_loop": ("pinched_loop",),
    "neurosim.plots.signal_graph": ("draw_graph",),
    "neurosim.plots.waveforms": ("waveforms",),
    "neurosim.results": ("Column", "Result"),
    "neurosim.solve.dynamics": ("Dynamics", "dynamics"),
    "neurosim.solve.gradient": ("gradient", "sensitivities"),
    "neurosim.solve.losses": ("integral", "squared_error"),
    "neurosim.solve.measure": ("measure",),
    "neurosim.solve.simulate": ("Settings", "simulate"),
}  # fmt: skip
_PACKAGES = {"architectures": "neurosim.architectures", "methods": "neurosim.solve.methods"}
"""Registries that are packages."""

_MODULE_OF = {name: module for module, names in _ORIGINS.items() for name in names}

__all__ = [
    "Circuit",
    "Column",
    "Dynamics",
    "FormatError",
    "NetlistError",
    "NeurosimError",
    "ParameterError",
    "Result",
    "Settings",
    "SignalGraph",
    "SimulationError",
    "UnknownNameError",
    "__version__",
    "architectures",
    "bode",
    "compare",
    "compile_graph",
    "digital",
    "draw_figure",
    "draw_graph",
    "dynamics",
    "equations",
    "fit",
    "from_networkx",
    "gradient",
    "held",
    "integral",
    "interpolated",
    "load",
    "load_all",
    "measure",
    "methods",
    "noise",
    "pinched_loop",
    "read_netlist",
    "save",
    "save_figure",
    "sensitivities",
    "simulate",
    "squared_error",
    "waveforms",
    "write_netlist",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        value: Any = importlib.import_module(_PACKAGES[name])
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module 'neurosim' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
