"""Events in continuous time: when they tick, in which order an instant happens, what they move, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.results import Result
from neurosim.solve import simulate_graph
from neurosim.solve.integrate import Limits, integrate

TAU, THRESHOLD = 0.02, 1.0


def neurons(n: int = 1, w: Any = None, *, delay: float = 0.0, refractory: Any = 0.0, initial: Any = 0.0) -> Any:
    """Leaky integrate-and-fire neurons, pulse coupled."""
    graph = SignalGraph("lif")
    graph.port("u", n)
    graph.state("v", n, time_constant=TAU, initial=initial)
    graph.event("spike", n, threshold=THRESHOLD, refractory=refractory)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    if w is not None:
        graph.parameter("W", w)
        graph.connect("spike", "v", weight="W", delay=delay)
    return graph


def just_after(result: Result, name: str, time: float) -> float:
    """Value at the last saved point of a time."""
    place = np.searchsorted(result.time, time, side="right") - 1
    assert result.time[place] == time
    return float(result[name][place])


@pytest.mark.parametrize("method", ["dp5", "dop853", "rodas5p"])
@pytest.mark.parametrize("refractory", [0.0, 0.003])
def test_spikes_of_a_neuron_are_those_of_the_closed_form(method: str, refractory: float):
    """T = t_ref + tau ln(I / (I - threshold)): times and the rate-current curve."""
    current = np.array([0.9, 1.01, 1.2, 1.5, 3.0])
    result = ns.simulate(
        neurons(5, refractory=refractory), (0, 0.3), drive={"u": current}, rtol=1e-11, method=method, save_steps=False
    )
    assert result.events["spike[0]"].size == 0
    for k, i in enumerate(current[1:], start=1):
        period = refractory + TAU * np.log(i / (i - THRESHOLD))
        expected = period * np.arange(1, 1 + int((0.3 + refractory) / period)) - refractory
        assert result.events[f"spike[{k}]"] == pytest.approx(expected, rel=1e-9)


def test_held_in_the_refractory_time_and_pulses_lost_in_it():
    graph = neurons(2, np.array([[0.0, 0.7], [0.0, 0.0]]), refractory=np.array([0.004, 0.0]), initial=[0.99, 0.9])
    result = ns.simulate(graph, (0, 0.02), drive={"u": [1.5, 1.5]}, rtol=1e-9)
    first, other = result.events["spike[0]"][0], result.events["spike[1]"][0]
    assert first < other < first + 0.004
    inside = (result.time > first) & (result.time <= first + 0.004)
    assert inside.sum() > 3
    assert not result["v[0]"][inside].any()
    v = 1.5 * (1 - np.exp(-(0.02 - first - 0.004) / TAU))
    assert result["v[0]"][-1] == pytest.approx(v, rel=1e-8)


def reference(w: np.ndarray, u: np.ndarray, v: np.ndarray, stop: float, delay: float) -> list[list[float]]:
    """Event-driven simulation with closed-form flow."""
    time, v, times = 0.0, v.copy(), [[] for _ in v]
    queue: list[tuple[float, np.ndarray]] = []
    while True:
        until = np.where(u > THRESHOLD, TAU * np.log(np.where(u > THRESHOLD, (u - v) / (u - THRESHOLD), 1.0)), np.inf)
        step, late = until.min(), False
        if queue and queue[0][0] - time < step:
            step, late = queue[0][0] - time, True
        if time + step > stop:
            return times
        v, time = u + (v - u) * np.exp(-step / TAU), time + step
        if late:
            v += queue.pop(0)[1]
        fired = v >= THRESHOLD
        if not late:
            fired[np.argmin(until)] = True
        while fired.any():
            for k in np.flatnonzero(fired):
                times[k].append(time)
            v[fired] = 0.0
            if delay:
                queue.append((time + delay, w @ fired))
            else:
                v += w @ fired
            fired = v >= THRESHOLD


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.0013]))
def test_coupled_neurons_agree_with_an_event_driven_simulation(seed: int, delay: float):
    rng = np.random.default_rng(seed)
    n = 4
    w, u, v = rng.uniform(-0.3, 0.3, (n, n)), rng.uniform(0.8, 1.6, n), rng.uniform(0.0, 0.9, n)
    np.fill_diagonal(w, 0.0)
    result = ns.simulate(neurons(n, w, delay=delay, initial=v), (0, 0.1), drive={"u": u}, rtol=1e-11)
    expected = reference(w, u, v, 0.1, delay)
    for k in range(n):
        assert result.events[f"spike[{k}]"] == pytest.approx(np.array(expected[k]), abs=1e-10)


def test_a_hundred_neurons():
    rng = np.random.default_rng(5)
    w = rng.normal(size=(100, 100)) * 0.02
    u, v = rng.uniform(1.1, 1.6, 100), rng.uniform(0.0, 0.9, 100)
    result = ns.simulate(
        neurons(100, w, delay=0.0015, initial=v), (0, 0.1), drive={"u": u}, rtol=1e-9, save_steps=False
    )
    expected = reference(w, u, v, 0.1, 0.0015)
    found = [result.events[f"spike[{k}]"] for k in range(100)]
    assert sum(map(len, expected)) > 200
    for k in range(100):
        assert found[k] == pytest.approx(np.array(expected[k]), abs=1e-8)


def test_equal_neurons_tick_together_and_a_spike_drives_another_at_the_same_instant():
    w = np.array([[0.0, -0.3, 0.0], [-0.3, 0.0, 0.0], [0.2, 0.2, 0.0]])
    result = ns.simulate(neurons(3, w, initial=[0.3, 0.3, 0.65]), (0, 0.02), drive={"u": [1.5, 1.5, 0.99]}, rtol=1e-9)
    a, b, c = (result.events[f"spike[{k}]"] for k in range(3))
    assert len(a) == 1
    assert (a == b).all()
    assert c[0] == a[0]
    assert just_after(result, "v[0]", a[0]) == pytest.approx(-0.3)
    assert just_after(result, "v[2]", a[0]) == 0.0


def bouncing_ball(factor: float) -> SignalGraph:
    graph = SignalGraph("ball")
    graph.state("x", time_constant=1.0, leak=0.0, initial=1.0)
    graph.parameter("gravity", [-9.81])
    graph.state("v", time_constant=1.0, leak=0.0, bias="gravity")
    graph.connect("v", "x")
    graph.event("floor")
    graph.connect("x", "floor", gain=-1.0)
    graph.connect("floor", "v", role="reset", factor=-factor)
    return graph


def test_bouncing_ball_and_its_end():
    fall = np.sqrt(2 / 9.81)
    result = ns.simulate(bouncing_ball(0.8), (0, 3.5), rtol=1e-10)
    k = np.arange(10)
    expected = fall * (1 + 2 * 0.8 * (1 - 0.8**k) / 0.2)
    assert result.events["floor"] == pytest.approx(expected[expected < 3.5], rel=1e-9)
    assert result["x"].min() > -1e-12
    for factor in (0.8, 0.05):
        end = fall * (1 + 2 * factor / (1 - factor))
        with pytest.raises(SimulationError, match="Zeno") as caught:
            ns.simulate(bouncing_ball(factor), (0, 5.0), rtol=1e-10)
        assert caught.value.partial.time[-1] == pytest.approx(end, rel=1e-9)
        assert caught.value.partial["x"].min() > -1e-12


def test_subtraction_keeps_what_is_above_the_threshold():
    graph = SignalGraph("quanta")
    graph.port("u")
    graph.state("q", time_constant=1.0, leak=0.0)
    graph.event("spike", threshold=1.0)
    graph.state("other", time_constant=1.0, leak=0.0, initial=0.0)
    graph.event("burst", threshold=0.5)
    graph.connect("u", "other")
    graph.connect("other", "burst")
    graph.parameter("jump", 2.5)
    graph.connect("burst", "q", weight="jump")
    graph.connect("q", "spike")
    graph.connect("spike", "q", role="reset", by=1.0)
    result = ns.simulate(graph, (0, 1), drive={"u": 1.0})
    assert result.events["burst"] == pytest.approx([0.5])
    assert result.events["spike"] == pytest.approx([0.5, 0.5])
    assert result["q"][-1] == pytest.approx(0.5)
    assert result["other"][-1] == pytest.approx(1.0)


def test_event_clocks_a_hold_and_a_state():
    graph = SignalGraph("clocked")
    graph.port("u")
    graph.parameter("one", [1.0])
    graph.state("v", time_constant=1.0, leak=0.0)
    graph.state("s", time_constant=1.0, leak=0.0, bias="one")
    graph.event("e", threshold=1.0)
    graph.hold("h", clock="e", initial=-1.0)
    graph.state("count", clock="e", bias="one")
    for a, b in (("u", "v"), ("v", "e"), ("s", "h"), ("count", "count")):
        graph.connect(a, b)
    graph.connect("e", "v", role="reset", by=1.0)
    graph.connect("e", "h", role="clock")
    result = ns.simulate(graph, (0, 0.99), drive={"u": 7.0}, rtol=1e-10)
    ticks = np.arange(1, 7) / 7
    assert result.events["e"] == pytest.approx(ticks, rel=1e-9)
    for k, t in enumerate(result.events["e"]):
        assert just_after(result, "h", t) == pytest.approx(ticks[k], rel=1e-9)
        assert just_after(result, "count", t) == k + 1
    assert result["h"][result.time < 0.99 / 7] == pytest.approx(-1.0)


def test_clocks_come_before_events_at_one_instant():
    """A step of a held input crosses the threshold at its tick, and the hold has sampled before the event acts."""
    graph = SignalGraph("order")
    graph.clock("c", 0.1)
    graph.port("u")
    graph.hold("h", clock="c")
    graph.state("x", time_constant=1.0, leak=0.0, initial=3.0)
    graph.event("e", threshold=0.5)
    graph.connect("x", "h")
    graph.connect("u", "e")
    graph.connect("e", "x", role="reset", to=0.0)
    result = ns.simulate(graph, (0, 0.35), drive=ns.held([0.0, 0.0, 1.0, 1.0], 0.1))
    assert result.events["e"] == pytest.approx([0.2])
    assert just_after(result, "h", result.events["e"][0]) == 3.0
    assert result["h"][-1] == 0.0


def test_comparator_ticks_once_for_each_rise_and_not_at_the_start():
    graph = SignalGraph("comparator")
    graph.port("u")
    graph.state("n", time_constant=1.0, leak=0.0)
    graph.event("e", threshold=0.5)
    graph.connect("u", "e")
    graph.connect("e", "n")
    result = ns.simulate(graph, (0, 1), drive={"u": "SIN(0.6 1 5 0 0)"}, rtol=1e-9)
    rise = np.arcsin(-0.1) / (10 * np.pi) + 0.2 * np.arange(1, 6)
    assert result.events["e"] == pytest.approx(rise, rel=1e-9)
    assert result["n"][-1] == 5.0
    assert "start at or above" in result.attrs["notes"][-1]


def test_before_and_after_are_kept_for_those_who_need_them():
    program = compile_graph(neurons(2, np.array([[0.0, -0.1], [-0.2, 0.0]])))
    chosen = simulate_graph.GraphSettings(rtol=1e-9, drive={"u": [1.5, 1.25]}, method="dp5")
    ready = simulate_graph.prepare(program, (0.0, 0.05), chosen)
    assembly = ready.assembly
    integrate(
        assembly.system, ready.run, ready.method, Limits(), SimulationError,
        halted=simulate_graph._halted(assembly, None),
    )  # fmt: skip
    assert assembly.log is not None
    instants = assembly.log.instants
    assert len(instants.times) > 2
    for k, (instant, element) in enumerate(instants.ticks):
        assert instant == k
        assert instants.before[k, element] == pytest.approx(1.0)
        other = 1 - element
        change = np.zeros(2)
        change[element], change[other] = -instants.before[k, element], -0.1 if element else -0.2
        assert instants.after[k] - instants.before[k] == pytest.approx(change)


def test_events_inside_graphs_inside_graphs():
    inner = neurons(1)
    inner.state("trace", time_constant=0.05)
    inner.connect("spike", "trace")
    inner.hold("h", clock="spike")
    inner.connect("trace", "h")
    inner.port("y", output=True)
    inner.connect("trace", "y")
    outer = SignalGraph("outer")
    outer.port("u")
    outer.sub("a", inner)
    outer.sub("b", inner, time_scale=2.0)
    for name in ("a", "b"):
        outer.connect("u", f"{name}/u")
    result = ns.simulate(outer, (0, 0.1), drive={"u": 1.5}, rtol=1e-9)
    period = TAU * np.log(3.0)
    assert result.events["a/spike"] == pytest.approx(period * np.arange(1, 5), rel=1e-8)
    assert result.events["b/spike"] == pytest.approx(2 * period * np.arange(1, 3), rel=1e-8)


def test_parameters_name_thresholds_and_resets():
    graph = neurons(2)
    graph.parameter("limit", [0.5, 1.0])
    graph.nodes["spike"]["threshold"] = "limit"
    result = ns.simulate(graph, (0, 0.05), drive={"u": 1.5}, rtol=1e-9)
    assert result.events["spike[0]"][0] == pytest.approx(TAU * np.log(1.5), rel=1e-8)
    moved = compile_graph(graph)
    vector = moved.p[: moved.parameters.size].copy()
    vector[moved.parameters.slices["limit"]] = 0.75
    result = ns.simulate(moved.with_parameters(vector), (0, 0.05), drive={"u": 1.5}, rtol=1e-9)
    assert result.events["spike[0]"][0] == pytest.approx(TAU * np.log(2.0), rel=1e-8)


def test_endless_chain_and_full_queue_are_named(monkeypatch: pytest.MonkeyPatch):
    excited = neurons(2, np.array([[0.0, 1.2], [1.2, 0.0]]))
    with pytest.raises(SimulationError, match=r"'spike\[\d\]' ticks in a chain of more than 1000 rounds"):
        ns.simulate(excited, (0, 0.1), drive={"u": 1.5})
    monkeypatch.setattr("neurosim.graph.events.QUEUE", 2)
    late = neurons(1, np.array([[0.01]]), delay=5.0)
    with pytest.raises(SimulationError, match="more than 16 ticks into one delay"):
        ns.simulate(late, (0, 1.0), drive={"u": 1.5})


def watching(change: Any) -> SignalGraph:
    graph = neurons(2)
    graph.clock("c", 0.1)
    graph.state("counted", 2, clock="c")
    graph.map("m", 2, "tanh")
    graph.map("sum", 2)
    graph.event("other", 2)
    graph.port("y", 2, output=True)
    change(graph)
    return graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.connect("spike", "m"), r"'spike' -> 'm': a tick lasts no time, map 'tanh' has no value"),
        (lambda g: (g.connect("spike", "sum"), g.connect("sum", "other")), r"'sum' -> 'other'.*no event can watch it"),
        (lambda g: (g.connect("spike", "sum"), g.connect("v", "sum")), r"adds pulses of 'spike' and values of 'v'"),
        (lambda g: (g.product("p", 2), g.connect("spike", "p"), g.connect("spike", "p", slot=1)),
         r"product 'p': exactly one factor"),
        (lambda g: g.connect("spike", "y"), r"'spike' -> 'y'.*an output port"),
        (lambda g: g.connect("spike", "counted"), r"pulses move states that flow, 'counted' jumps at ticks of 'c'"),
        (lambda g: g.connect("spike", "counted", role="reset", to=0.0), r"'counted' is a state of clock 'c'"),
        (lambda g: g.connect("spike", "m", role="reset", to=0.0), r"needs a state that flows.*'m' is a map"),
        (lambda g: g.connect("spike", "v", role="reset"), r"name the reset by one of to="),
        (lambda g: g.connect("spike", "v", role="reset", to=0.0, by=1.0), r"one of to=.*not to and by"),
        (lambda g: g.connect("v", "v", role="reset", to=0.0), r"needs an event as its source, 'v' is a state"),
        (lambda g: g.connect("spike", "v", role="reset", to=np.nan), r"to: values must be finite"),
        (lambda g: g.connect("spike", "v", to=0.0), r"to= belongs to role 'reset'"),
        (lambda g: g.connect("spike", "counted", role="clock"), r"declared with clock='spike'"),
        (lambda g: g.connect("spike", "v", role="fire"), r"role 'fire' must be one of"),
        (lambda g: g.nodes["spike"].update(threshold=np.nan), r"event 'spike', threshold: values must be finite"),
        (lambda g: g.nodes["spike"].update(refractory=-1.0), r"refractory time -1 s must be zero or more"),
        (lambda g: g.nodes["other"].update(refractory=1.0), r"event 'other'.*resets no state"),
        (lambda g: (g.connect("spike", "sum"), g.connect("sum", "v", delay=0.1)), r"belongs to the edge that leaves"),
        (lambda g: g.hold("h", 3, clock="spike"), r"hold 'h': its clock 'spike' is an event of 2 elements for its 3"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(change: Any, message: str):
    with pytest.raises(ParameterError, match=message):
        compile_graph(watching(change))


def test_unknown_clock_proposes_events_and_events_are_not_saved():
    graph = neurons()
    graph.hold("h", clock="spik")
    with pytest.raises(UnknownNameError, match="no clock 'spik'; did you mean 'spike'"):
        compile_graph(graph)
    with pytest.raises(ParameterError, match=r"its ticks are in result\.events"):
        ns.simulate(neurons(), (0, 1), save=["spike"])


@pytest.mark.parametrize("suffix", ["json", "graphml"])
def test_event_graphs_come_back_from_files(tmp_path: Any, suffix: str):
    graph = neurons(2, np.array([[0.0, 0.1], [0.2, 0.0]]), delay=0.001, refractory=np.array([0.0, 0.002]))
    graph.hold("h", 2, clock="spike")
    graph.connect("v", "h")
    graph.connect("spike", "h", role="clock")
    graph.state("w", 2, time_constant=1.0)
    graph.connect("spike", "w", role="reset", by=np.array([0.5, 0.25]))
    graph.parameter("P", [[0.1, 0.2]])
    graph.state("post", time_constant=1.0)
    graph.event("fired")
    graph.connect("post", "fired")
    graph.connect("spike", "post", weight="P", plastic={"rule": "stdp", "post": "fired", "bounds": [0.0, 1.0]})
    ns.save(graph, tmp_path / f"graph.{suffix}")
    back: Any = ns.load(tmp_path / f"graph.{suffix}")
    assert ns.equations(back) == ns.equations(graph)
    drive = {"u": [1.5, 1.4]}
    first, second = (ns.simulate(g, (0, 0.1), drive=drive) for g in (graph, back))
    assert len(first.events["spike[1]"]) > 1
    assert first.attrs["events"] == second.attrs["events"]
    assert (first["p[0]"] == second["p[0]"]).all()


def test_equations_and_drawing_show_events():
    graph = neurons(2, np.eye(2) * 0.1, delay=0.001, refractory=0.002)
    text = ns.equations(graph)
    assert "spike[2] ticks where v rises to 1, then rests for 0.002 s" in text
    assert "(v <- 0 at ticks of spike)" in text
    assert "W spike(t - 0.001 s)" in text
    written = [t.get_text() for t in ns.draw_graph(graph).texts]
    assert "event, 1" in written
    assert any("reset" in t and "W" in t for t in written)


@ns.law(1, ["k"])
def pull(context, u, p, memory, table, code, F, D):
    for e in range(F.shape[1]):
        F[0, e] = -p[0, e] * u[0, e]


def test_an_event_watches_a_compiled_law():
    """x'' = -k x, where a law gives the force and an event looks at it: it rises to k/2 at x = -1/2."""
    graph = SignalGraph("spring")
    graph.parameter("k", 4.0)
    graph.state("x", time_constant=1.0, leak=0.0, initial=1.0)
    graph.state("v", time_constant=1.0, leak=0.0)
    graph.map("force", law=pull)
    graph.event("e", threshold=2.0)
    graph.state("n", time_constant=1.0, leak=0.0)
    for a, b in (("v", "x"), ("x", "force"), ("force", "v"), ("force", "e"), ("e", "n")):
        graph.connect(a, b)
    result = ns.simulate(graph, (0, 10), rtol=1e-10, method="dp5")
    assert result.events["e"] == pytest.approx(np.arange(3) * np.pi + np.pi / 3, rel=1e-8)
    assert result["n"][-1] == 3.0
    again = ns.simulate(graph, (0, 10), rtol=1e-10, method="dp5")
    assert again.attrs["input_sha256"] == result.attrs["input_sha256"]
