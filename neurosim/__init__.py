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
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim import architectures
    from neurosim.analyses.comparison import compare
    from neurosim.analyses.conditional_exponents import conditional_exponents
    from neurosim.analyses.continuation import continuation
    from neurosim.analyses.contraction_rate import contraction_rate
    from neurosim.analyses.covariant_vectors import covariant_vectors
    from neurosim.analyses.energy import energy
    from neurosim.analyses.energy_function import energy_function
    from neurosim.analyses.energy_landscape import energy_landscape
    from neurosim.analyses.fit import fit
    from neurosim.analyses.fixed_points import fixed_points
    from neurosim.analyses.lyapunov import lyapunov_spectrum
    from neurosim.analyses.power_balance import power_balance
    from neurosim.analyses.power_spectrum import power_spectrum
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
    from neurosim.kernels.named_law import law
    from neurosim.memristive.network import MemristiveNetwork
    from neurosim.plots import draw_figure, save_figure
    from neurosim.plots.bode import bode
    from neurosim.plots.pinched_loop import pinched_loop
    from neurosim.plots.signal_graph import draw_graph
    from neurosim.plots.waveforms import waveforms
    from neurosim.results import Column, Result
    from neurosim.solve import methods
    from neurosim.solve.crossings import Crossing
    from neurosim.solve.distributions import normal, tolerance, uniform
    from neurosim.solve.dynamics import Dynamics, dynamics
    from neurosim.solve.gradient import gradient, sensitivities
    from neurosim.solve.losses import integral, squared_error
    from neurosim.solve.measure import measure
    from neurosim.solve.resume import resume
    from neurosim.solve.simulate import Settings, simulate
    from neurosim.solve.sweep import sweep

__version__ = "0.1.0"

_ORIGINS = {
    "neurosim.analyses.comparison": ("compare",),
    "neurosim.analyses.fit": ("fit",),
    "neurosim.analyses.conditional_exponents": ("conditional_exponents",),
    "neurosim.analyses.contraction_rate": ("contraction_rate",),
    "neurosim.analyses.covariant_vectors": ("covariant_vectors",),
    "neurosim.analyses.lyapunov": ("lyapunov_spectrum",),
    "neurosim.analyses.continuation": ("continuation",),
    "neurosim.analyses.energy": ("energy",),
    "neurosim.analyses.energy_function": ("energy_function",),
    "neurosim.analyses.energy_landscape": ("energy_landscape",),
    "neurosim.analyses.fixed_points": ("fixed_points",),
    "neurosim.analyses.power_balance": ("power_balance",),
    "neurosim.analyses.power_spectrum": ("power_spectrum",),
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
    "neurosim.kernels.named_law": ("law",),
    "neurosim.memristive.network": ("MemristiveNetwork",),
    "neurosim.plots": ("draw_figure", "save_figure"),
    "neurosim.plots.bode": ("bode",),
    "neurosim.plots.pinched_loop": ("pinched_loop",),
    "neurosim.plots.signal_graph": ("draw_graph",),
    "neurosim.plots.waveforms": ("waveforms",),
    "neurosim.results": ("Column", "Result"),
    "neurosim.solve.crossings": ("Crossing",),
    "neurosim.solve.distributions": ("normal", "tolerance", "uniform"),
    "neurosim.solve.dynamics": ("Dynamics", "dynamics"),
    "neurosim.solve.gradient": ("gradient", "sensitivities"),
    "neurosim.solve.losses": ("integral", "squared_error"),
    "neurosim.solve.measure": ("measure",),
    "neurosim.solve.resume": ("resume",),
    "neurosim.solve.simulate": ("Settings", "simulate"),
    "neurosim.solve.sweep": ("sweep",),
}  # fmt: skip
_PACKAGES = {"architectures": "neurosim.architectures", "methods": "neurosim.solve.methods"}
"""Registries that are packages."""

_MODULE_OF = {name: module for module, names in _ORIGINS.items() for name in names}

__all__ = [
    "Circuit",
    "Column",
    "Crossing",
    "Dynamics",
    "FormatError",
    "MemristiveNetwork",
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
    "conditional_exponents",
    "continuation",
    "contraction_rate",
    "covariant_vectors",
    "digital",
    "draw_figure",
    "draw_graph",
    "dynamics",
    "energy",
    "energy_function",
    "energy_landscape",
    "equations",
    "fit",
    "fixed_points",
    "from_networkx",
    "gradient",
    "held",
    "integral",
    "interpolated",
    "law",
    "load",
    "load_all",
    "lyapunov_spectrum",
    "measure",
    "methods",
    "noise",
    "normal",
    "pinched_loop",
    "power_balance",
    "power_spectrum",
    "read_netlist",
    "resume",
    "save",
    "save_figure",
    "sensitivities",
    "simulate",
    "squared_error",
    "sweep",
    "tolerance",
    "uniform",
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


class _Package(types.ModuleType):
    """Importing a subpackage would put it in the place of a function of the same name, such as `digital`."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULE_OF and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
