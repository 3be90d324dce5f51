"""Single neurons against NEST: AdEx, Hodgkin-Huxley, conductance LIF and Izhikevich, spike by spike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import neurosim as ns
from validation.case import Case, Context

DT, SPAN = 1e-4, 1.0


@dataclass
class Pair:
    """A neuron here and there, for several constant currents."""

    name: str
    peer: str
    build: Any
    currents: list[float]
    given: dict[str, Any]
    unit: float
    peer_given: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    by_crossing: bool = False
    pulses: bool = False
    by_interval: bool = False


_ADEX = {"C_m": 281.0, "g_L": 30.0, "E_L": -70.6, "V_th": -50.4, "Delta_T": 2.0, "tau_w": 144.0, "a": 4.0, "b": 80.5,
         "V_reset": -70.6, "V_peak": 0.0, "t_ref": 2.0, "V_m": -70.6, "gsl_error_tol": 1e-9}  # fmt: skip

PAIRS = (
    Pair(
        "conductance LIF with pulses", "iaf_cond_exp", ns.neurons.conductance_lif, [0.0, 150e-12, 250e-12, 400e-12], {},
        1e12, {"C_m": 200.0, "g_L": 10.0, "E_L": -60.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0, "E_ex": 0.0,
               "E_in": -80.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "V_m": -60.0}, pulses=True,
    ),
    # NEST resets within the step and adds b to w there, the grid at its end: spikes slowly drift apart.
    Pair(
        "AdEx", "aeif_psc_exp", ns.neurons.adex, [0.8e-9, 1e-9, 1.5e-9], {"refractory": 2e-3}, 1e12, _ADEX,
        {"scheme": "lawson4", "substeps": 10}, by_interval=True,
    ),
    Pair(
        "AdEx with b = 0", "aeif_psc_exp", ns.neurons.adex, [0.8e-9, 1e-9, 1.5e-9],
        {"refractory": 2e-3, "adaptation_step": 0.0}, 1e12, {**_ADEX, "b": 0.0}, {"scheme": "lawson4", "substeps": 10},
        by_interval=True,
    ),
    Pair(
        "Hodgkin-Huxley", "hh_psc_alpha", ns.neurons.hodgkin_huxley, [0.07, 0.1, 0.15, 0.3],
        {"reversals": (50e-3, -77e-3, -54.402e-3)}, 1e4, {"V_m": -65.0}, {"scheme": "lawson4", "substeps": 4},
        by_crossing=True,
    ),
    Pair(
        "Izhikevich", "izhikevich", ns.neurons.izhikevich, [5.0, 10.0, 20.0], {"initial": -65e-3}, 1.0,
        {"V_m": -65.0, "U_m": -13.0, "consistent_integration": True}, {"scheme": "euler"},
    ),
)  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """Spikes over a second, in steps of the grid."""
    try:
        import nest
    except ImportError:
        context.remarks.append("nest is not installed: single neurons were not compared with it")
        return
    for pair in PAIRS:
        theirs, ours = _theirs(nest, pair), _ours(pair)
        counts = sum(a.size != b.size for a, b in zip(ours, theirs, strict=True))
        apart = [a - b for a, b in zip(ours, theirs, strict=True) if a.size == b.size]
        drift = int(max((np.abs(d).max(initial=0) for d in apart), default=0))
        compared = [np.diff(d) if pair.by_interval else d for d in apart]
        shown = ", ".join(f"{k} = {v}" for k, v in pair.settings.items()) or "as by default"
        what = f"an interval (spikes drift apart by {drift})" if pair.by_interval else "a spike"
        yield Case(
            f"{pair.name} neuron", f"NEST {nest.__version__}, {pair.peer}",
            f"largest difference of {what} over {SPAN:g} s [steps of 0.1 ms] ({shown}); neurons with another count: "
            f"{counts}",
            f"{sum(a.size for a in theirs)} spikes", f"{sum(a.size for a in ours)} spikes",
            float(max((np.abs(d).max(initial=0) for d in compared), default=0)) if counts == 0 else np.inf, 1.0,
            "one step of the grid, with equal counts",
        )  # fmt: skip


def _pulses() -> dict[str, np.ndarray]:
    """Steps at which pulses of 6 nS and 67 nS arrive."""
    draw = np.random.default_rng(0)
    return {name: np.flatnonzero(draw.random(round(SPAN / DT)) < rate * DT) + 1
            for name, rate in (("excitatory", 400.0), ("inhibitory", 20.0))}  # fmt: skip


def _ours(pair: Pair) -> list[np.ndarray]:
    net = ns.SignalGraph(pair.name)
    size = len(pair.currents)
    net.sub("n", pair.build(size, background=np.array(pair.currents), **pair.given))
    drive = {}
    if pair.pulses:
        for (name, steps), weight in zip(_pulses().items(), (6e-9, 67e-9), strict=True):
            net.sub(f"to {name}", ns.neurons.spike_source(1))
            net.port(name)
            net.connect(name, f"to {name}/train")
            net.parameter(f"w {name}", np.full((size, 1), weight))
            net.connect(f"to {name}/spike", f"n/{name}", weight=f"w {name}")
            drive[name] = ns.spike_trains([steps * DT])
    run = ns.simulate(net, (0.0, SPAN), dt=DT, drive=drive, **pair.settings)
    return [np.round(run.events[f"n/spike[{k}]"] / DT).astype(int) for k in range(size)]


def _theirs(nest: Any, pair: Pair) -> list[np.ndarray]:
    """Steps of the spikes in NEST; its units are mV, pF, nS, pA and ms."""
    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = DT * 1e3, 1
    cells = nest.Create(pair.peer, len(pair.currents), params=pair.peer_given)
    cells.I_e = [current * pair.unit for current in pair.currents]
    if pair.pulses:
        for (_, steps), weight in zip(_pulses().items(), (6.0, -67.0), strict=True):
            generator = nest.Create("spike_generator")
            # A pulse takes one step from the generator to the neuron.
            generator.spike_times = list(np.round((steps - 1) * DT * 1e3, 1)[steps > 1])
            nest.Connect(generator, cells, syn_spec={"weight": weight, "delay": DT * 1e3})
    recorder = nest.Create("spike_recorder")
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": DT * 1e3})
    nest.Connect(cells, recorder)
    if pair.by_crossing:
        nest.Connect(meter, cells)
    nest.Simulate(SPAN * 1e3)
    first = min(cells.tolist())
    if not pair.by_crossing:
        steps, senders = np.round(recorder.events["times"] / (DT * 1e3)).astype(int), recorder.events["senders"]
        return [np.sort(steps[senders == first + k]) for k in range(len(cells))]
    # NEST counts a spike at the peak; here where v rises through 0.
    found = []
    for k in range(len(cells)):
        here = meter.events["senders"] == first + k
        steps, v = np.round(meter.events["times"][here] / (DT * 1e3)).astype(int), meter.events["V_m"][here]
        order = np.argsort(steps)
        steps, v = steps[order], v[order]
        found.append(steps[1:][(v[:-1] < 0.0) & (v[1:] >= 0.0)])
    return found
