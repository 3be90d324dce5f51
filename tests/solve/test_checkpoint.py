"""Runs that are cut and resumed give the bits of runs that are not; foreign checkpoints are refused by name."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import FormatError, ParameterError, SimulationError


def noisy() -> ns.SignalGraph:
    graph = ns.SignalGraph("noisy")
    graph.state("x", 3, time_constant=1.0)
    return graph


def spiking() -> ns.SignalGraph:
    """Neurons above their threshold that send pulses to each other, some time later."""
    graph = ns.SignalGraph("spiking")
    graph.port("u", 2)
    graph.state("v", 2, time_constant=0.02)
    graph.event("spike", 2, threshold=1.0, refractory=0.002)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    graph.parameter("W", np.array([[0.0, 0.004], [-0.006, 0.0]]))
    graph.connect("spike", "v", weight="W", delay=0.0031)
    return graph


def delayed() -> ns.SignalGraph:
    graph = ns.SignalGraph("delayed")
    graph.state("x", 2, time_constant=1.0, initial=[1.0, -0.5])
    graph.connect("x", "x", gain=-3.0, delay=0.7)
    return graph


def memristive(**solver) -> ns.MemristiveNetwork:
    grid = nx.grid_2d_graph(7, 6)
    start = np.random.default_rng(5).random(grid.number_of_edges())
    levels = {(0, 0): "SIN(0 1 1)", (6, 5): 0.0}
    return ns.MemristiveNetwork(grid, electrodes=levels, convention="standard", initial=start, **solver)


HOPFIELD = ns.architectures.hopfield(units=5)
ELMAN = ns.architectures.elman()
START = {"u": np.linspace(-1, 1, 5)}
CASES = {
    "rodas5p": ("circuits/chua.cir", (0, 10.0), {"method": "rodas5p"}),
    "trapezoid": ("circuits/chua.cir", (0, 10.0), {"method": "trapezoid"}),
    "bdf2": ("circuits/memristor_yakopcic.cir", None, {"method": "bdf2"}),
    "events": ("circuits/relaxation_oscillator.cir", None, {}),
    "delay": ("circuits/transmission_line.cir", None, {}),
    "random switches": ("circuits/memristor_metastable_switch.cir", None, {"seed": 3}),
    "currents": ("circuits/rc_step.cir", None, {"save": ("v(out)", "i(r1)", "p(c1)")}),
    "dp5": (HOPFIELD, (0, 10.0), {"initial": START}),
    "dop853": (HOPFIELD, (0, 10.0), {"initial": START, "method": "dop853", "save_steps": False}),
    "rk4": (HOPFIELD, (0, 10.0), {"initial": START, "method": "rk4", "fixed_step": 0.05}),
    "implicit graph": (HOPFIELD, (0, 10.0), {"initial": START, "method": "rodas5p"}),
    "noise": (noisy(), (0, 2.0), {"diffusion": {"x": 0.3}, "fixed_step": 0.01, "seed": 9}),
    "spikes": (spiking(), (0, 0.4), {"drive": {"u": [1.3, 1.7]}}),
    "spikes on the grid": (spiking(), (0, 0.4), {"drive": {"u": [1.3, 1.7]}, "save_steps": False}),
    "delayed": (delayed(), (0, 30.0), {"rtol": 1e-8}),
    "delayed, fixed steps": (delayed(), (0, 30.0), {"method": "rk4", "fixed_step": 0.05}),
    "delayed, given past": (delayed(), (0, 10.0), {"history": {"x": lambda t: [np.cos(t), t]}, "method": "rodas5p"}),
    "crossings": ("circuits/chua.cir", (0, 10.0), {"events": ["v(a)", ns.Crossing("v(b)", 0.01, "up")]}),
    "crossings of a graph": (ns.architectures.lorenz(), (0, 20.0), {"events": {"top": ns.Crossing("x[2]", 27.0)}}),
    "crossings beside spikes": (spiking(), (0, 0.2), {"drive": {"u": [1.3, 1.7]}, "events": {"half": "v[0] - 0.5"}}),
    "memristive network": (memristive(), (0, 2.0), {}),
    "network by iteration": (memristive(solver="conjugate_gradients"), (0, 2.0), {"method": "rkc"}),
    "law": (ns.architectures.lorenz(), (0, 3.0), {}),
    "law and program": (ns.architectures.lorenz(), (0, 3.0), {"save": ["field", "x"], "method": "rodas5p"}),
}


def equal(a: ns.Result, b: ns.Result) -> bool:
    assert a.attrs.get("events", {}).keys() == b.attrs.get("events", {}).keys()
    same = all(np.array_equal(times, b.events[name]) for name, times in a.events.items())
    return same and np.array_equal(a.time, b.time) and all(np.array_equal(a[n], b[n], equal_nan=True) for n in a.names)


@pytest.mark.parametrize("case", CASES)
def test_a_cut_run_goes_on_with_the_same_bits(case, tmp_path):
    what, span, settings = CASES[case]
    whole = ns.simulate(what, span, **settings)
    total = whole.attrs["statistics"]["steps"]
    file = tmp_path / "cut.npz"
    cuts = sorted(np.random.default_rng(len(case)).integers(1, total, 3).tolist())
    with pytest.raises(SimulationError, match="limit of steps"):
        ns.simulate(what, span, **settings, checkpoint=file, step_limit=cuts[0])
    again = () if isinstance(what, str) else ("initial", "diffusion", "drive", "history")
    given = {k: settings[k] for k in again if k in settings}
    for cut in cuts[1:]:
        if cut > cuts[0]:
            with pytest.raises(SimulationError, match="limit of steps"):
                ns.resume(file, what, **given, step_limit=cut)
    found = ns.resume(file, what, **given, step_limit=10**7)
    assert equal(found, whole)
    assert found.attrs["statistics"]["steps"] == total
    # A run that is done is there at once, whole.
    assert equal(ns.resume(file, what, **given), whole)


def test_a_run_that_a_crossing_ended_stays_ended(tmp_path):
    file, graph = tmp_path / "over.npz", ns.architectures.lorenz()
    events = ns.Crossing("x[2]", 30.0, "down", terminal=True)
    found = ns.simulate(graph, (0, 20.0), events=events, checkpoint=file)
    again = ns.resume(file, graph)
    assert found.time[-1] < 20.0
    assert equal(again, found)
    assert again.attrs["stopped_by"] == found.attrs["stopped_by"] == "x[2]"


def test_a_netlist_is_found_again_with_its_parameters(tmp_path):
    file = tmp_path / "c.npz"
    circuit = ns.read_netlist("circuits/chua.cir").rebuild({"m0": -0.45}, None)
    whole = ns.simulate(circuit, (0, 5))
    with pytest.raises(SimulationError):
        ns.simulate(circuit, (0, 5), checkpoint=file, step_limit=20)
    assert equal(ns.resume(file, step_limit=10**6), whole)


def cut(tmp_path, what="circuits/chua.cir", **settings):
    file = tmp_path / "cut.npz"
    with pytest.raises(SimulationError):
        ns.simulate(what, (0, 5.0), checkpoint=file, step_limit=10, **settings)
    return file


def test_another_system_is_refused_by_name(tmp_path):
    file = cut(tmp_path)
    text = "RC low pass\nv1 a 0 1\nr1 a b 1k\nc1 b 0 1u\n.tran 1m 5 uic\n.end"
    with pytest.raises(ParameterError, match=r"is of 'Chua's circuit.*those of 'RC"):
        ns.resume(file, ns.read_netlist(text))
    with pytest.raises(ParameterError, match="parameter values"):
        ns.resume(file, ns.read_netlist("circuits/chua.cir").rebuild({"m0": -0.4}, None))
    with pytest.raises(ParameterError, match="not of a SignalGraph"):
        ns.resume(file, HOPFIELD)


def test_a_graph_has_to_be_given(tmp_path):
    with pytest.raises(ParameterError, match=r"of graph 'hopfield.*give it"):
        ns.resume(cut(tmp_path, HOPFIELD, initial=START))


def test_a_network_has_to_be_given(tmp_path):
    with pytest.raises(ParameterError, match=r"of network .*give it"):
        ns.resume(cut(tmp_path, memristive()))


def test_other_settings_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="cannot change 'rtol'"):
        ns.resume(cut(tmp_path), rtol=1e-3)


def edited(file, **changes):
    with np.load(file, allow_pickle=False) as opened:
        arrays = dict(opened)
    header = json.loads(str(arrays.pop("header"))) | changes
    np.savez(file, header=np.array(json.dumps(header)), **arrays)
    return file


def test_other_code_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"another version of neurosim.*bits would differ"):
        ns.resume(edited(cut(tmp_path), code="0" * 64))
    with pytest.raises(FormatError, match="no checkpoint of this program"):
        ns.resume(edited(cut(tmp_path), version=99))


def test_a_broken_file_is_refused(tmp_path):
    file = cut(tmp_path)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(FormatError, match="no whole checkpoint"):
        ns.resume(file)
    with pytest.raises(FormatError, match="there is no checkpoint"):
        ns.resume(tmp_path / "nothing.npz")


def test_only_single_transient_runs_have_checkpoints(tmp_path):
    with pytest.raises(ParameterError, match="only a single transient run"):
        ns.simulate("circuits/rlc_filter_ac.cir", analysis="ac", checkpoint=tmp_path / "a.npz")


def test_memory_limit_refuses_before_and_stops_during_a_run(tmp_path):
    with pytest.raises(ParameterError, match="take a longer print step"):
        ns.simulate("circuits/chua.cir", (0, 10), memory_limit=1000.0)
    with pytest.raises(SimulationError, match="memory limit") as caught:
        ns.simulate(ns.architectures.lorenz(), (0, 1e6), rtol=1e-9, print_step=1e5, memory_limit=1e6)
    assert caught.value.partial["x[0]"].size > 100


def test_wall_time_limit_leaves_a_checkpoint(tmp_path):
    graph, file = ns.architectures.lorenz(), tmp_path / "w.npz"
    with pytest.raises(SimulationError, match="wall time"):
        ns.simulate(graph, (0, 1e5), wall_time_limit=0.01, checkpoint=file, save_steps=False)
    assert file.is_file()
