"""Other simulators of spiking networks: ``python spiking_rivals.py ENGINE CONTEST FILE BEGIN``.

Prints a line of JSON: least CPU time of a simulated second (``loop``), spikes of the neurons in each second after the
first tenth of one, the wall time from BEGIN (`time.time` when the process was started) to the end of that tenth
(``first``), and for a build of its own the CPU time of the whole process (``process``). The network is read from FILE.
Needs nothing of neurosim, so that it runs where only the simulator is installed.

The short-term synapses are those of H. Markram, Y. Wang, M. Tsodyks (1998) with u refreshed before the release.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402  (threads are set before)

ROUNDS, FIRST = 3, 0.1
ALL = ("CUBA 4000", "COBA 4000", "liquid 135", "liquid 1000", "liquid 10000")
LIBRARIES = ("brian2", "nest")
ENGINES = {
    "brian2 C++ loop": ("brian2", ALL), "brian2 NumPy": ("brian2", ALL), "brian2 Cython": ("brian2", ALL[:2]),
    "NEST": ("nest", ALL),
}  # fmt: skip
"""Each with its library and the contests it takes part in: builds of Cython take minutes."""

KINDS = {"excitatory": ("ge", 1.62, 0.6), "inhibitory": ("gi", -9.0, 6.7)}
"""Variable, weight of CUBA [mV], of COBA [conductance of the leak]."""

BALANCED = {
    "CUBA": "dv/dt = (ge + gi - (v + 49.0)) / (20*ms) : 1 (unless refractory)",
    "COBA": "dv/dt = (-60.0 - v + ge*(0.0 - v) + gi*(-80.0 - v) + 20.0) / (20*ms) : 1 (unless refractory)",
}
LIQUID = """dv/dt = (13.5 - v + ge + gi) / (30*ms) : 1 (unless refractory)
dge/dt = -ge / (3*ms) : 1
dgi/dt = -gi / (6*ms) : 1
rest : second"""
SHORT_TERM = """passed = t - before
seen = int(before >= 0*second)
r = 1 - seen + seen * (1 + (r - r*u - 1) * exp(-passed / recovery))
u = use + seen * u * (1 - use) * exp(-passed / facilitation)
before = t
{target}_post += w * u * r"""


def brian(engine: str, contest: str, network: Any, begin: float) -> dict[str, Any]:
    """Run brian2 with one of its targets."""
    import brian2 as b

    ms, second = b.ms, b.second
    is_built = "C++" in engine
    folder = tempfile.mkdtemp()
    if is_built:
        b.set_device("cpp_standalone", directory=folder, build_on_run=False)
    else:
        b.prefs.codegen.target = engine.split()[1].lower()
    b.defaultclock.dt = 0.1 * ms
    size = network["v"].size
    parts: list[Any] = []
    if contest.startswith("liquid"):
        cells = b.NeuronGroup(size, LIQUID, threshold="v > 15", reset="v = 13.5", refractory="rest", method="exact")
        cells.rest = network["rest"] * ms
        for kind in ("EE", "EI", "IE", "II"):
            synapses = b.Synapses(
                cells, cells, "w : 1\nuse : 1\nrecovery : second\nfacilitation : second\nu : 1\nr : 1\nbefore : second",
                on_pre=SHORT_TERM.format(target="ge" if kind[0] == "E" else "gi"),
            )  # fmt: skip
            synapses.connect(i=network[f"{kind} sources"], j=network[f"{kind} targets"])
            synapses.w, synapses.use, synapses.before = network[f"{kind} weights"], network[f"{kind} U"], -1.0 * second
            synapses.recovery, synapses.facilitation = network[f"{kind} D"] * ms, network[f"{kind} F"] * ms
            synapses.delay = float(network[f"{kind} delay"]) * ms
            parts.append(synapses)
        given = b.SpikeGeneratorGroup(
            int(network["spike_inputs"].max()) + 1, network["spike_inputs"], network["spike_steps"] * 0.1 * ms
        )
        inputs = b.Synapses(given, cells, "w : 1", on_pre="ge_post += w")
        inputs.connect(i=network["input_sources"], j=network["input_targets"])
        inputs.w = network["input_weights"]
        parts += [given, inputs]
    else:
        name = contest[:4]
        equations = f"{BALANCED[name]}\ndge/dt = -ge / (5*ms) : 1\ndgi/dt = -gi / (10*ms) : 1"
        method = "exact" if name == "CUBA" else "euler"
        cells = b.NeuronGroup(size, equations, threshold="v > -50", reset="v = -60", refractory=5 * ms, method=method)
        for kind, (variable, cuba, coba) in KINDS.items():
            synapses = b.Synapses(cells, cells, on_pre=f"{variable}_post += {cuba if name == 'CUBA' else coba}")
            synapses.connect(i=network[f"{kind} sources"], j=network[f"{kind} targets"])
            parts.append(synapses)
    cells.v = network["v"]
    monitor = b.SpikeMonitor(cells)
    net = b.Network(cells, *parts, monitor)
    if is_built:
        net.run((FIRST + 1.0) * second)
        b.device.build(directory=folder, compile=True, run=False)
        loops, processes, first = [], [], 0.0
        for _ in range(ROUNDS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            b.device.run(folder, with_output=False, run_args=[])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            first = first or time.time() - begin
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            processes.append(used / (FIRST + 1.0))
            loops.append(b.device._last_run_time / (FIRST + 1.0))
        spikes = int((np.asarray(monitor.t / second) >= FIRST).sum())
        return {"loop": min(loops), "process": min(processes), "spikes": [spikes], "first": first}
    return _seconds(lambda length: net.run(length * second), lambda: int(monitor.num_spikes), 1, begin)


def nest_run(engine: str, contest: str, network: Any, begin: float) -> dict[str, Any]:
    """Run NEST; its units are mV, ms, pF, and pA (nS), of which one is our nA at 1 Mohm."""
    import nest

    nest.set_verbosity("M_ERROR") if not hasattr(nest, "VerbosityLevel") else None
    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = 0.1, 1
    size, name = network["v"].size, contest[:4]
    if contest.startswith("liquid"):
        cells = nest.Create("iaf_psc_exp", size, params={
            "E_L": 0.0, "V_reset": 13.5, "V_th": 15.0, "tau_m": 30.0, "C_m": 30.0, "I_e": 13.5, "tau_syn_ex": 3.0,
            "tau_syn_in": 6.0,
        })  # fmt: skip
        cells.t_ref = list(network["rest"])
        for kind in ("EE", "EI", "IE", "II"):
            weights, use = network[f"{kind} weights"], network[f"{kind} U"]
            nest.Connect(network[f"{kind} sources"] + 1, network[f"{kind} targets"] + 1, "one_to_one", {
                "synapse_model": "tsodyks2_synapse", "weight": weights, "U": use, "u": use, "x": np.ones(use.size),
                "delay": np.full(use.size, float(network[f"{kind} delay"])), "tau_rec": network[f"{kind} D"],
                "tau_fac": network[f"{kind} F"],
            })  # fmt: skip
        count = int(network["spike_inputs"].max()) + 1
        generators, relays = nest.Create("spike_generator", count), nest.Create("parrot_neuron", count)
        nest.Connect(generators, relays, "one_to_one", {"delay": 0.1})
        for k in range(count):
            steps = network["spike_steps"][network["spike_inputs"] == k]
            generators[k].spike_times = list(np.round(steps * 0.1, 1))
        sources = np.array(relays.tolist())[network["input_sources"]]
        nest.Connect(sources, network["input_targets"] + 1, "one_to_one", {
            "synapse_model": "static_synapse", "weight": network["input_weights"], "delay": np.full(sources.size, 0.1),
        })  # fmt: skip
    else:
        common = {"V_reset": -60.0, "V_th": -50.0, "C_m": 200.0, "t_ref": 5.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}
        if name == "CUBA":
            cells = nest.Create("iaf_psc_exp", size, params=common | {"E_L": -49.0, "tau_m": 20.0, "I_e": 0.0})
        else:
            cells = nest.Create("iaf_cond_exp", size, params=common | {
                "E_L": -60.0, "g_L": 10.0, "E_ex": 0.0, "E_in": -80.0, "I_e": 200.0,
            })  # fmt: skip
        for kind, (_, cuba, coba) in KINDS.items():
            sources = network[f"{kind} sources"] + 1
            weight = 10.0 * (cuba if name == "CUBA" else np.copysign(coba, cuba))
            nest.Connect(sources, network[f"{kind} targets"] + 1, "one_to_one", {
                "synapse_model": "static_synapse", "weight": np.full(sources.size, weight),
                "delay": np.full(sources.size, 0.1),
            })  # fmt: skip
    cells.V_m = list(network["v"])
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    rounds = 1 + (name != "COBA")
    return _seconds(lambda length: nest.Simulate(1e3 * length), lambda: int(recorder.n_events), rounds, begin)


def _seconds(run: Any, count: Any, rounds: int, begin: float) -> dict[str, Any]:
    """Simulate a tenth of a second, then second after second."""
    run(FIRST)
    first, times, spikes = time.time() - begin, [], []
    for _ in range(rounds):
        seen, clock = count(), time.process_time()
        run(1.0)
        times.append(time.process_time() - clock)
        spikes.append(count() - seen)
    return {"loop": min(times), "spikes": spikes, "first": first}


if __name__ == "__main__":
    chosen, what, path, started = sys.argv[1:]
    runner = nest_run if chosen == "NEST" else brian
    print(json.dumps(runner(chosen, what, dict(np.load(path)), float(started))))
