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
    from neurosim import architectures, datasets, neurons
    from neurosim.analyses.basins import basins
    from neurosim.analyses.bifurcation_diagram import bifurcation_diagram
    from neurosim.analyses.comparison import compare
    from neurosim.analyses.conditional_exponents import conditional_exponents
    from neurosim.analyses.conducting_paths import conducting_paths
    from neurosim.analyses.continuation import continuation
    from neurosim.analyses.contraction_rate import contraction_rate
    from neurosim.analyses.covariant_vectors import covariant_vectors
    from neurosim.analyses.energy import energy
    from neurosim.analyses.energy_function import energy_function
    from neurosim.analyses.energy_landscape import energy_landscape
    from neurosim.analyses.firing_rate import filtered_spikes, firing_rate
    from neurosim.analyses.fisher_memory import fisher_memory
    from neurosim.analyses.fit import fit
    from neurosim.analyses.fixed_points import fixed_points
    from neurosim.analyses.hysteresis import hysteresis
    from neurosim.analyses.ising_relaxation import ising_relaxation
    from neurosim.analyses.kernel_rank import kernel_rank
    from neurosim.analyses.limit_cycle import limit_cycle
    from neurosim.analyses.lyapunov import lyapunov_spectrum
    from neurosim.analyses.mean_field import mean_field
    from neurosim.analyses.memory_capacity import memory_capacity
    from neurosim.analyses.memory_decay import memory_decay
    from neurosim.analyses.network_conductance import network_conductance
    from neurosim.analyses.phase_portrait import phase_portrait
    from neurosim.analyses.poincare_section import poincare_section
    from neurosim.analyses.power_balance import power_balance
    from neurosim.analyses.power_spectrum import power_spectrum
    from neurosim.analyses.processing_capacity import processing_capacity
    from neurosim.analyses.reservoir import Reservoir, reservoir
    from neurosim.analyses.reservoir_battery import reservoir_battery
    from neurosim.analyses.reservoir_map import reservoir_map
    from neurosim.analyses.reservoir_tasks import segments_task, time_warp_task
    from neurosim.analyses.separation import separation
    from neurosim.analyses.spike_agreement import spike_agreement
    from neurosim.analyses.spike_statistics import spike_statistics
    from neurosim.circuit.model import Circuit
    from neurosim.circuit.reader import read_netlist
    from neurosim.circuit.writer import write_netlist
    from neurosim.digital.echo_state_network import EchoStateNetwork
    from neurosim.digital.network import digital
    from neurosim.errors import (
        FormatError,
        NetlistError,
        NeurosimError,
        ParameterError,
        RankDeficientWarning,
        SilentNetworkWarning,
        SimulationError,
        UnknownNameError,
    )
    from neurosim.formats import load, load_all, save
    from neurosim.graph.convert import from_networkx
    from neurosim.graph.drives import held, interpolated, noise
    from neurosim.graph.equations import equations
    from neurosim.graph.memristor_synapses import memristor_synapses
    from neurosim.graph.program import compile_graph
    from neurosim.graph.signal_graph import SignalGraph
    from neurosim.graph.spike_encoding import latency_coded, rate_coded, send_on_delta, spike_distance
    from neurosim.graph.spike_trains import poisson_trains, spike_trains
    from neurosim.kernels.named_law import law
    from neurosim.memristive import generators
    from neurosim.memristive.electrodes import nearest_node, with_strips
    from neurosim.memristive.graph_arrays import GraphArrays
    from neurosim.memristive.network import MemristiveNetwork
    from neurosim.plots import draw_figure, save_figure
    from neurosim.plots.bode import bode
    from neurosim.plots.memristive_network import animate_network, draw_network
    from neurosim.plots.pinched_loop import pinched_loop
    from neurosim.plots.raster import raster
    from neurosim.plots.signal_graph import draw_graph
    from neurosim.plots.waveforms import waveforms
    from neurosim.results import Column, Result
    from neurosim.solve import methods
    from neurosim.solve.crossings import Crossing
    from neurosim.solve.distributions import normal, tolerance, uniform
    from neurosim.solve.dynamics import Dynamics, dynamics
    from neurosim.solve.gradient import gradient, sensitivities
    from neurosim.solve.integrator import Integrator
    from neurosim.solve.losses import integral, squared_error
    from neurosim.solve.measure import measure
    from neurosim.solve.resume import resume
    from neurosim.solve.simulate import simulate
    from neurosim.solve.simulate_circuit import Settings
    from neurosim.solve.spike_trials import spike_trials
    from neurosim.solve.spiking_run import spiking_run
    from neurosim.solve.sweep import sweep

__version__ = "0.1.0"

_ORIGINS = {
    "neurosim.analyses.comparison": ("compare",),
    "neurosim.analyses.firing_rate": ("filtered_spikes", "firing_rate"),
    "neurosim.analyses.fisher_memory": ("fisher_memory",),
    "neurosim.analyses.fit": ("fit",),
    "neurosim.analyses.conditional_exponents": ("conditional_exponents",),
    "neurosim.analyses.conducting_paths": ("conducting_paths",),
    "neurosim.analyses.continuation": ("continuation",),
    "neurosim.analyses.contraction_rate": ("contraction_rate",),
    "neurosim.analyses.covariant_vectors": ("covariant_vectors",),
    "neurosim.analyses.energy": ("energy",),
    "neurosim.analyses.energy_function": ("energy_function",),
    "neurosim.analyses.energy_landscape": ("energy_landscape",),
    "neurosim.analyses.fixed_points": ("fixed_points",),
    "neurosim.analyses.basins": ("basins",),
    "neurosim.analyses.bifurcation_diagram": ("bifurcation_diagram",),
    "neurosim.analyses.kernel_rank": ("kernel_rank",),
    "neurosim.analyses.limit_cycle": ("limit_cycle",),
    "neurosim.analyses.memory_capacity": ("memory_capacity",),
    "neurosim.analyses.phase_portrait": ("phase_portrait",),
    "neurosim.analyses.poincare_section": ("poincare_section",),
    "neurosim.analyses.hysteresis": ("hysteresis",),
    "neurosim.analyses.ising_relaxation": ("ising_relaxation",),
    "neurosim.analyses.lyapunov": ("lyapunov_spectrum",),
    "neurosim.analyses.mean_field": ("mean_field",),
    "neurosim.analyses.memory_decay": ("memory_decay",),
    "neurosim.analyses.network_conductance": ("network_conductance",),
    "neurosim.analyses.power_balance": ("power_balance",),
    "neurosim.analyses.power_spectrum": ("power_spectrum",),
    "neurosim.analyses.spike_agreement": ("spike_agreement",),
    "neurosim.analyses.spike_statistics": ("spike_statistics",),
    "neurosim.analyses.processing_capacity": ("processing_capacity",),
    "neurosim.analyses.reservoir": ("Reservoir", "reservoir"),
    "neurosim.analyses.reservoir_battery": ("reservoir_battery",),
    "neurosim.analyses.reservoir_map": ("reservoir_map",),
    "neurosim.analyses.reservoir_tasks": ("segments_task", "time_warp_task"),
    "neurosim.analyses.separation": ("separation",),
    "neurosim.circuit.model": ("Circuit",),
    "neurosim.circuit.reader": ("read_netlist",),
    "neurosim.circuit.writer": ("write_netlist",),
    "neurosim.digital.echo_state_network": ("EchoStateNetwork",),
    "neurosim.digital.network": ("digital",),
    "neurosim.errors": (
        "FormatError", "NetlistError", "NeurosimError", "ParameterError", "RankDeficientWarning",
        "SilentNetworkWarning", "SimulationError",
        "UnknownNameError",
    ),
    "neurosim.formats": ("load", "load_all", "save"),
    "neurosim.graph.convert": ("from_networkx",),
    "neurosim.graph.drives": ("held", "interpolated", "noise"),
    "neurosim.graph.equations": ("equations",),
    "neurosim.graph.program": ("compile_graph",),
    "neurosim.graph.signal_graph": ("SignalGraph",),
    "neurosim.graph.memristor_synapses": ("memristor_synapses",),
    "neurosim.graph.spike_encoding": ("latency_coded", "rate_coded", "send_on_delta", "spike_distance"),
    "neurosim.graph.spike_trains": ("poisson_trains", "spike_trains"),
    "neurosim.kernels.named_law": ("law",),
    "neurosim.memristive.electrodes": ("nearest_node", "with_strips"),
    "neurosim.memristive.graph_arrays": ("GraphArrays",),
    "neurosim.memristive.network": ("MemristiveNetwork",),
    "neurosim.plots": ("draw_figure", "save_figure"),
    "neurosim.plots.bode": ("bode",),
    "neurosim.plots.memristive_network": ("animate_network", "draw_network"),
    "neurosim.plots.pinched_loop": ("pinched_loop",),
    "neurosim.plots.raster": ("raster",),
    "neurosim.plots.signal_graph": ("draw_graph",),
    "neurosim.plots.waveforms": ("waveforms",),
    "neurosim.results": ("Column", "Result"),
    "neurosim.solve.crossings": ("Crossing",),
    "neurosim.solve.distributions": ("normal", "tolerance", "uniform"),
    "neurosim.solve.dynamics": ("Dynamics", "dynamics"),
    "neurosim.solve.gradient": ("gradient", "sensitivities"),
    "neurosim.solve.integrator": ("Integrator",),
    "neurosim.solve.losses": ("integral", "squared_error"),
    "neurosim.solve.measure": ("measure",),
    "neurosim.solve.resume": ("resume",),
    "neurosim.solve.spike_trials": ("spike_trials",),
    "neurosim.solve.spiking_run": ("spiking_run",),
    "neurosim.solve.simulate": ("simulate",),
    "neurosim.solve.simulate_circuit": ("Settings",),
    "neurosim.solve.sweep": ("sweep",),
}  # fmt: skip
_PACKAGES = {
    "architectures": "neurosim.architectures", "datasets": "neurosim.datasets",
    "generators": "neurosim.memristive.generators", "methods": "neurosim.solve.methods", "neurons": "neurosim.neurons",
}  # fmt: skip
"""Registries that are packages."""

_MODULE_OF = {name: module for module, names in _ORIGINS.items() for name in names}

__all__ = [
    "Circuit",
    "Column",
    "Crossing",
    "Dynamics",
    "EchoStateNetwork",
    "FormatError",
    "GraphArrays",
    "Integrator",
    "MemristiveNetwork",
    "NetlistError",
    "NeurosimError",
    "ParameterError",
    "RankDeficientWarning",
    "Reservoir",
    "Result",
    "Settings",
    "SignalGraph",
    "SilentNetworkWarning",
    "SimulationError",
    "UnknownNameError",
    "__version__",
    "animate_network",
    "architectures",
    "basins",
    "bifurcation_diagram",
    "bode",
    "compare",
    "compile_graph",
    "conditional_exponents",
    "conducting_paths",
    "continuation",
    "contraction_rate",
    "covariant_vectors",
    "datasets",
    "digital",
    "draw_figure",
    "draw_graph",
    "draw_network",
    "dynamics",
    "energy",
    "energy_function",
    "energy_landscape",
    "equations",
    "filtered_spikes",
    "firing_rate",
    "fisher_memory",
    "fit",
    "fixed_points",
    "from_networkx",
    "generators",
    "gradient",
    "held",
    "hysteresis",
    "integral",
    "interpolated",
    "ising_relaxation",
    "kernel_rank",
    "latency_coded",
    "law",
    "limit_cycle",
    "load",
    "load_all",
    "lyapunov_spectrum",
    "mean_field",
    "measure",
    "memory_capacity",
    "memory_decay",
    "memristor_synapses",
    "methods",
    "nearest_node",
    "network_conductance",
    "neurons",
    "noise",
    "normal",
    "phase_portrait",
    "pinched_loop",
    "poincare_section",
    "poisson_trains",
    "power_balance",
    "power_spectrum",
    "processing_capacity",
    "raster",
    "rate_coded",
    "read_netlist",
    "reservoir",
    "reservoir_battery",
    "reservoir_map",
    "resume",
    "save",
    "save_figure",
    "segments_task",
    "send_on_delta",
    "sensitivities",
    "separation",
    "simulate",
    "spike_agreement",
    "spike_distance",
    "spike_statistics",
    "spike_trains",
    "spike_trials",
    "spiking_run",
    "squared_error",
    "sweep",
    "time_warp_task",
    "tolerance",
    "uniform",
    "waveforms",
    "with_strips",
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
