"""Spiking networks from event to event, without a grid of time."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.spike_cells import compile_cells, modes, peaks
from neurosim.kernels import first_rise
from neurosim.kernels import spike_cells as words
from neurosim.solve.simulate_spike_events import SpikeEventRun, SpikeEventSettings

NANOSECOND = 1e-9
SHORT_TERM = {"plastic": {"rule": "short_term", "use": 0.5, "recovery": 1.1, "facilitation": 0.05}}


def recurrent(strength: float = 10e-9, **edge: object) -> ns.SignalGraph:
    """A few neurons that excite and inhibit one another."""
    draw = np.random.default_rng(0)
    net = ns.SignalGraph("few")
    start, background = draw.uniform(13.5e-3, 15e-3, 6), draw.uniform(13.5e-9, 17e-9, 6)
    net.sub("a", ns.neurons.lif(6, initial=start, background=background))
    weights = draw.normal(0.0, strength, (6, 6))
    net.parameter("We", np.maximum(weights, 0.0))
    net.parameter("Wi", np.minimum(weights, 0.0))
    net.connect("a/spike", "a/excitatory", weight="We", delay=1.5e-3, **edge)
    net.connect("a/spike", "a/inhibitory", weight="Wi", delay=0.8e-3)
    return net


def one_neuron(synapses: dict, membrane: float = 30e-3, background: float = 14.2e-9) -> ns.SignalGraph:
    """A neuron with two inputs; one excites it, the other inhibits it."""
    net = ns.SignalGraph("one")
    net.sub("in", ns.neurons.spike_source(2))
    net.port("train", 2)
    net.connect("train", "in/train")
    net.sub("n", ns.neurons.lif(1, membrane_time_constant=membrane, background=background, synapses=synapses))
    for column, name in enumerate(synapses):
        weights = np.zeros((1, 2))
        weights[0, column] = (30e-9, -8e-9)[column]
        net.parameter(f"W {name}", weights)
        net.connect("in/spike", f"n/{name}", weight=f"W {name}", delay=1.3e-3)
    return net


def flow(matrix: mpmath.matrix, y: mpmath.matrix, d: mpmath.mpf) -> mpmath.matrix:
    """``exp(matrix d) y`` by its series."""
    term, total, order = y, y, 0
    while order < 3 or max(abs(x) for x in term) > mpmath.eps:
        order += 1
        term = matrix * term * (d / order)
        total = total + term
    return total


def reference(net: ns.SignalGraph, trains: list[np.ndarray], stop: float) -> list[float]:
    """Ticks of the one neuron by matrix exponentials of 25 digits; crossings are bracketed in steps of 20 us."""
    program = compile_cells(net)
    names = [name for name in program.states.slices if name.startswith("n/")]
    k = len(names)
    a, b = np.zeros((k, k)), np.zeros(k)
    for i, name in enumerate(names):
        data = program.graph.nodes[name]
        tau = float(np.ravel(data["time_constant"])[0])
        a[i, i] -= float(np.ravel(data["leak"])[0]) / tau
        if data["bias"] is not None:
            b[i] = program.graph.parameters[data["bias"]].value.ravel()[0] / tau
        for source, _, edge in program.graph.in_edges(name, data=True):
            if source in names and edge["role"] == "add":
                weight = 1.0 if edge["weight"] is None else program.graph.parameters[edge["weight"]].value[0]
                a[i, names.index(source)] += edge["gain"] * weight / tau
    whole = np.zeros((k + 1, k + 1))
    whole[:k, :k], whole[:k, k] = a, b
    exact, v = mpmath.matrix(whole.tolist()), names.index("n/v")
    step = scipy.linalg.expm(whole * 2e-5)
    held = whole.copy()
    held[v] = 0.0
    resting = mpmath.matrix(held.tolist())
    arrivals = sorted((t + 1.3e-3, source) for source, train in enumerate(trains) for t in train.tolist())
    y = mpmath.matrix([*program.initial[[program.states.slices[n].start for n in names]].tolist(), 1.0])
    targets = {}
    for name, part in (("W a", 0), ("W b", 1)):
        target = next(t for s, t, d in program.graph.out_edges("in/spike", data=True) if d["weight"] == name)
        targets[part] = (names.index(target), program.graph.parameters[name].value[0, part])
    now, release, ticks = mpmath.mpf(0), mpmath.mpf(-1), []
    while now < stop:
        due = mpmath.mpf(arrivals[0][0]) if arrivals else mpmath.mpf(stop)
        until = min(due, mpmath.mpf(stop))
        if release > now:
            until = min(until, release)
            y = flow(resting, y, until - now)
        else:
            rough, at, crossed = np.array([float(x) for x in y]), 0.0, False
            while at < float(until - now) and not crossed:
                rough = step @ rough
                at += 2e-5
                crossed = rough[v] >= 15e-3
            if crossed:
                high = mpmath.mpf(at - 1e-5)
                for _ in range(4):
                    there = flow(exact, y, high)
                    high -= (there[v] - mpmath.mpf(15e-3)) / (exact * there)[v]
                crossed = now + high < until
            if crossed:
                y = flow(exact, y, high)
                now += high
                ticks.append(float(now))
                y[v] = mpmath.mpf(13.5e-3)
                release = now + mpmath.mpf(3e-3)
                continue
            y = flow(exact, y, until - now)
        now = until
        if arrivals and now == due:
            target, weight = targets[arrivals.pop(0)[1]]
            y[target] += mpmath.mpf(weight)
    return ticks


@pytest.mark.parametrize(
    ("synapses", "membrane", "form"),
    [
        ({"a": 3e-3, "b": 6e-3}, 30e-3, words.MODES),
        ({"a": 4.7e-3, "b": 30e-3}, 30e-3, words.GENERAL),
        ({"a": ("alpha", 4e-3), "b": ("biexponential", 2e-3, 5e-3)}, 20e-3, words.GENERAL),
        ({"a": 3e-3, "b": ("biexponential", 2e-3, 50e-3)}, 17.3e-3, words.MODES),
    ],
    ids=["liquid", "equal time constants", "alpha", "incommensurate"],
)  # fmt: skip
def test_spike_times_are_those_of_25_digits(synapses, membrane, form):
    draw = np.random.default_rng(3)
    trains = [np.sort(draw.uniform(0.0, 0.05, 7)), np.sort(draw.uniform(0.0, 0.05, 3))]
    net = one_neuron(synapses, membrane)
    program = compile_cells(net)
    clusters = program.code[program.code[words.CELL_CLUSTERS_AT] :][: words.CELL_WORDS]
    assert clusters[words.FORM] == form
    found = ns.simulate(net, (0.0, 0.06), grid="free", drive={"train": ns.spike_trains(trains)}).events["n/spike"]
    with mpmath.workdps(25):
        wanted = reference(net, trains, 0.06)
    assert len(wanted) >= 2
    assert found == pytest.approx(wanted, abs=1e-3 * NANOSECOND, rel=0.0)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_the_first_rise_of_exponentials_is_the_first(terms, seed):
    draw = np.random.default_rng(seed)
    rates = np.cumsum(draw.uniform(0.05, 1.0, terms))
    amounts = draw.normal(size=terms + 1) * 10.0 ** draw.uniform(-2.0, 1.0, terms + 1)
    amounts[0] = -abs(amounts[0]) if draw.random() < 0.7 else amounts[0]
    amounts[-1] -= max(0.0, amounts.sum()) + draw.exponential()

    def rise(soon, horizon):
        return first_rise.first_rise_of_exponentials(rates, 0, amounts.copy(), 1, terms, amounts[0], soon, horizon)

    t = np.concatenate([np.linspace(0.0, 10.0, 5_001), np.linspace(10.0, 400.0, 2_001)])
    sampled = amounts[0] + np.exp(-np.multiply.outer(t, rates)) @ amounts[1:]
    found = rise(0.0, np.inf)
    above = np.flatnonzero(sampled > 0.0)
    scale = abs(amounts).sum()
    _check_rise(found, t, sampled, above, scale, lambda at: amounts[0] + np.exp(-rates * at) @ amounts[1:])
    for horizon in (0.1, 2.0):
        excluded = rise(0.0, horizon)
        assert excluded == found if excluded >= 0.0 else horizon < -excluded <= found
        soon = rise(horizon, np.inf)
        assert soon == found if soon != -horizon else horizon <= found


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_the_first_rise_of_polynomials_is_the_first(seed):
    draw = np.random.default_rng(seed)
    n = first_rise.DEGREE + 1
    amounts = draw.normal(size=n) * np.array([6.0**i / math.factorial(i) for i in range(n)])
    amounts[0] = -abs(amounts[0])
    s = np.linspace(0.0, 1.0, 20_001)
    sampled = np.polyval(amounts[::-1], s)
    room = np.zeros(first_rise.ROOM_OF_POLYNOMIAL)
    room[:n] = amounts
    found = first_rise.first_rise_of_polynomial(room)
    above = np.flatnonzero(sampled > 0.0)
    _check_rise(found, s, sampled, above, abs(amounts).sum(), lambda at: np.polyval(amounts[::-1], at))


def _check_rise(found, t, sampled, above, scale, function):
    """Nothing above 0 before it, and 0 there; what samples do not see may be found all the same."""
    if not np.isfinite(found):
        assert above.size == 0 or sampled.max() < 1e-12 * scale
        return
    assert abs(function(found)) < 1e-12 * scale
    assert above.size == 0 or found <= t[above[0]] + 1e-9


def test_modes_solve_the_linear_system():
    draw = np.random.default_rng(0)
    a = np.tril(draw.normal(size=(5, 4, 4)) * 1e6, -1)
    a[:, np.arange(4), np.arange(4)] = -draw.permuted(np.tile([100.0, 170.0, 30.0, 400.0], (5, 1)), axis=1)
    is_held = np.array([False, True, False, False])
    for part, mask in ((a, np.zeros(4, bool)), (np.where(is_held[:, None], 0.0, a), is_held)):
        found = modes(part, mask)
        assert found is not None
        for one, row in zip(part, found, strict=True):
            rates, (shapes, inverse, rest) = row[:4], row[4:].reshape(3, 4, 4)
            assert (np.diff(rates) >= 0.0).all()
            wanted = scipy.linalg.expm(one * 3e-3)
            made = shapes @ (np.exp(-rates * 3e-3)[:, None] * inverse)
            assert made == pytest.approx(wanted, rel=1e-9, abs=1e-9 * abs(wanted).max())
            b = np.where(mask, 0.0, 1.0)
            assert one @ (rest @ b) == pytest.approx(-b, abs=1e-3)
    assert modes(np.array([[[-1.0, 1.0], [1.0, -1.0]]]), np.zeros(2, bool)) is None
    assert modes(np.array([[[-1.0, 1.0], [0.0, -1.0001]]]), np.zeros(2, bool)) is None


def integrator() -> ns.SignalGraph:
    """Perfect integrators (no leak) that move one another at the instant of a tick."""
    net = ns.SignalGraph("integrators")
    net.parameter("b", np.array([40.0, 30.0, 17.0]))
    net.parameter("W", 0.4 * (np.ones((3, 3)) - np.eye(3)))
    net.state("v", 3, time_constant=1.0, leak=0.0, bias="b", initial=np.array([0.1, 0.2, 0.3]))
    net.event("spike", 3, threshold=1.0)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", by=1.0)
    net.connect("spike", "v", weight="W")
    return net


def adaptive() -> ns.SignalGraph:
    """A membrane and an adaptation current that drive one another: damped oscillations."""
    net = ns.SignalGraph("adaptive")
    net.port("i", 2)
    net.state("v", 2, time_constant=10e-3)
    net.state("w", 2, time_constant=20e-3)
    net.event("spike", 2, threshold=1.0, refractory=2e-3)
    net.connect("i", "v")
    net.connect("w", "v", gain=-4.0)
    net.connect("v", "w", gain=0.9)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.0)
    net.connect("spike", "w", gain=0.05)
    return net


def mixed() -> ns.SignalGraph:
    """Neurons of different numbers with pulses of all kinds, some of which start above their threshold."""
    draw, size = np.random.default_rng(20), 5
    net = ns.SignalGraph("mixed")
    net.sub("a", ns.neurons.lif(
        size, membrane_time_constant=draw.uniform(10e-3, 30e-3, size), background=draw.uniform(15e-9, 30e-9, size),
        initial=draw.uniform(13e-3, 16e-3, size), refractory=draw.uniform(0.0, 4e-3, size),
        synapses={"e": draw.uniform(1e-3, 6e-3), "i": ("biexponential", 1e-3, draw.uniform(3e-3, 12e-3))},
    ))  # fmt: skip
    for name, target, deviation, delay in (
        ("E", "e", 12e-9, 1e-3), ("I", "i", -12e-9, 0.7e-3), ("D", "v", 1.5e-3, 2.3e-3), ("P", "v", -0.4e-3, 0.0)
    ):  # fmt: skip
        weights = deviation * np.abs(draw.normal(0.0, 1.0, (size, size)))
        net.parameter(name, weights)
        net.connect("a/spike", f"a/{target}", weight=name, delay=delay)
    return net


HELD = np.array([[0.0, 0.0], [7.0, 4.0], [8.0, 0.0], [0.0, 9.0], [7.5, 7.0]])


@pytest.mark.parametrize(
    ("net", "drive", "least"),
    [
        (recurrent(), {}, 20),
        (recurrent(**SHORT_TERM), {}, 8),
        (integrator(), {}, 8),
        (adaptive(), {"i": ns.held(HELD, 0.02)}, 8),
        (mixed(), {}, 20),
    ],
    ids=["static", "short term", "integrators", "adaptive", "mixed"],
)  # fmt: skip
def test_ticks_are_those_of_the_engine(net, drive, least):
    exact = ns.simulate(net, (0.0, 0.1), rtol=1e-10, save_steps=False, drive=drive).events
    found = ns.simulate(net, (0.0, 0.1), grid="free", drive=drive).events
    assert {name: times.size for name, times in found.items()} == {name: times.size for name, times in exact.items()}
    assert sum(times.size for times in exact.values()) >= least
    for name, times in exact.items():
        assert found[name] == pytest.approx(times, abs=1e-9, rel=0.0)


def test_given_spikes_drive_the_engine_too():
    net = one_neuron({"a": 3e-3, "b": 6e-3})
    drive = {"train": ns.spike_trains([[0.0, 0.004, 0.0041, 0.03], [0.02, 0.03]])}
    exact = ns.simulate(net, (0.0, 0.06), rtol=1e-9, save_steps=False, drive=drive)
    found = ns.simulate(net, (0.0, 0.06), grid="free", drive=drive).events
    assert exact.events["in/spike[0]"] == pytest.approx([0.0, 0.004, 0.0041, 0.03], abs=1.1e-9)
    assert exact.events["n/spike"].size == found["n/spike"].size >= 2
    for name, times in exact.events.items():
        assert found[name] == pytest.approx(times, abs=1e-8, rel=0.0)
    with pytest.raises(ParameterError, match="1e-11 s apart"):
        ns.simulate(net, (0.0, 0.06), drive={"train": ns.spike_trains([[0.01, 0.01 + 1e-11], []])})
    with pytest.raises(ParameterError, match="takes values, not spikes"):
        ns.simulate(adaptive(), (0.0, 0.06), drive={"i": drive["train"]})


def test_samples_are_states_of_the_engine():
    net, drive = adaptive(), {"i": ns.held(HELD, 0.03)}
    given_settings = {"drive": drive, "save": ["v", "w[1]"], "print_step": 3.7e-4}
    exact = ns.simulate(net, (0.02, 0.15), rtol=1e-10, save_steps=False, **given_settings)
    found = ns.simulate(net, (0.02, 0.15), grid="free", **given_settings)
    exact_at = [int(np.flatnonzero(np.isclose(exact.time, t, atol=1e-12))[-1]) for t in found.time]
    for name in ("v[0]", "v[1]", "w[1]"):
        assert found[name] == pytest.approx(exact[name][exact_at], abs=1e-6)


def test_a_run_in_pieces_is_the_uncut_run():
    program = compile_cells(ns.architectures.liquid((4, 3, 3), inputs=2, seed=1))
    chosen = SpikeEventSettings("free", drive={"train": ns.poisson_trains(60.0, 0.3, 2, seed=4)}, save=["neurons/v"],
                                print_step=1e-3)  # fmt: skip
    whole, pieces = (SpikeEventRun(program, chosen, 0.3) for _ in range(2))
    whole.advance(0.3)
    for stop in (1e-9, 0.0123, 0.05, 0.0500001, 0.2, 0.3):
        pieces.advance(stop)
    assert whole.ticks()[0].size > 20
    for a, b in zip(whole.ticks(), pieces.ticks(), strict=True):
        assert (a == b).all()
    for name, values in whole.columns().items():
        assert (values == pieces.columns()[name]).all()


def test_what_happens_at_one_instant():
    """Pulses arrive before ticks are judged; a pulse at the end of the refractory time is not lost; rounds follow."""
    net = ns.SignalGraph("ties")
    net.sub("in", ns.neurons.spike_source())
    net.port("train")
    net.connect("train", "in/train")
    net.state("v", 2, time_constant=20e-3)
    net.event("spike", 2, threshold=1.0, refractory=2.0**-9)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.0)
    net.parameter("in", np.array([[2.0], [0.0]]))
    net.parameter("chain", np.array([[0.0, 0.0], [1.5, 0.0]]))
    net.connect("in/spike", "v", weight="in", delay=2.0**-10)
    net.connect("spike", "v", weight="chain")
    at = np.array([1, 2, 3, 4]) * 2.0**-7 - 2.0**-10
    trains = ns.spike_trains([np.sort(np.concatenate([at, at[1:2] + 2.0**-10, at[2:3] + 2.0**-9]))])
    events = ns.simulate(net, (0.0, 0.04), grid="free", drive={"train": trains}).events
    wanted = np.sort(np.concatenate([at, at[2:3] + 2.0**-9])) + 2.0**-10
    assert events["spike[0]"].tolist() == wanted.tolist()
    assert events["spike[1]"].tolist() == wanted.tolist()


def test_what_starts_above_its_threshold_ticks_after_it_was_below():
    net = ns.SignalGraph("above")
    net.port("i")
    net.state("v", 1, time_constant=10e-3, initial=2.0)
    net.event("spike", 1, threshold=1.0)
    net.connect("i", "v")
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.5)
    run = ns.simulate(net, (0.0, 0.05), grid="free", drive={"i": ns.held([0.0, 2.0], 0.02)})
    # v falls to 2 exp(-2) until 20 ms, and rises to 2 from there.
    first = 0.02 + 10e-3 * np.log((2.0 - 2.0 * np.exp(-2.0)) / 1.0)
    rest = 10e-3 * np.log(1.5 / 1.0)
    assert run.events["spike"] == pytest.approx(first + rest * np.arange(run.events["spike"].size), abs=1e-15)
    assert run.events["spike"].size == 7
    assert "start at or above the threshold" in run.attrs["notes"][-1]


def test_ticks_that_never_end_are_refused():
    net = ns.SignalGraph("endless")
    net.state("v", 1, time_constant=1.0, leak=0.0, initial=0.0)
    net.parameter("b", np.ones(1))
    net.nodes["v"]["bias"] = "b"
    net.event("spike", 1, threshold=1.0)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", by=0.5)
    net.connect("spike", "v", gain=0.75)
    with pytest.raises(SimulationError, match=r"t = 1 s: event 'spike\[0\]' ticks in a chain"):
        ns.simulate(net, (0.0, 2.0), grid="free")


def test_the_liquid_has_the_rate_that_it_has_on_a_grid():
    liquid = ns.architectures.liquid(inputs=4, seed=0)
    drive = {"train": ns.poisson_trains(20.0, 1.0, 4, seed=1)}
    ticks = [
        ns.simulate(liquid, (0.0, 1.0), drive=drive, **how).attrs["statistics"]["ticks"]
        for how in ({"grid": "free"}, {"dt": 5e-5})
    ]
    assert ticks[0] == pytest.approx(ticks[1], rel=0.03)
    assert ticks[0] > 1000


@pytest.mark.parametrize(
    ("change", "given_settings", "message"),
    [
        (lambda net: None, {"grid": "none"}, "only 'free' is known"),
        (lambda net: None, {"dt": 1e-4}, "not both"),
        (lambda net: None, {"rtol": 1e-4}, "no setting 'rtol'"),
        (lambda net: None, {"drive": {"i": "SIN(0 1 1k)"}}, "drive of 'i' changes all the time"),
        (lambda net: None, {"drive": {"x": 1.0}}, "no input port 'x'"),
        (lambda net: (net.map("f", 6, "tanh"), net.connect("a/v", "f"), net.connect("f", "a/v")), {}, "map 'f' is not"),
        (lambda net: net.connect("a/v", "a/excitatory", weight="We"), {}, "where there is no grid, states drive"),
        (lambda net: net.state("b", 6, time_constant=1.0, bounds=(0.0, 1.0)), {}, "has bounds.*leave out grid"),
        (lambda net: net.state("n", 6, time_constant=1.0, noise=0.1), {}, "state 'n' has noise"),
        (
            lambda net: net.connect("i", "a/excitatory", weight="We", plastic={"rule": "oja", "time_constant": 1.0}),
            {}, "'oja' does not run without a grid",
        ),
    ],
)  # fmt: skip
def test_what_cannot_run_without_a_grid_is_refused_by_name(change, given_settings, message):
    net = recurrent()
    net.port("i", 6)
    net.connect("i", "a/v")
    change(net)
    with pytest.raises((ParameterError, UnknownNameError), match=message):
        ns.simulate(net, (0.0, 0.01), **{"grid": "free", **given_settings})


def test_peaks_bound_responses_closely():
    draw = np.random.default_rng(5)
    taus = draw.uniform(2e-3, 40e-3, (2100, 3))
    matrix = np.zeros((len(taus), 3, 3))
    matrix[:, np.arange(3), np.arange(3)] = -1.0 / taus
    matrix[:, 0, 1:] = draw.uniform(0.0, 1e6, (len(taus), 2)) / taus[:, :1]
    # One synapse's second state feeds its first one: a double exponential.
    matrix[:, 1, 2] = 1.0 / taus[:, 1]
    apart = np.abs(taus[:, :, None] - taus[:, None, :]) > 1e-3
    matrix = matrix[apart[:, 0, 1] & apart[:, 0, 2] & apart[:, 1, 2]]
    systems = modes(matrix, np.zeros(3, bool))
    assert systems is not None
    found = peaks(systems, 3, 0)
    t = np.linspace(0.0, 0.2, 4001)
    for k in range(0, len(matrix), 97):
        rates, shapes, inverse = systems[k, :3], systems[k, 3:12].reshape(3, 3), systems[k, 12:21].reshape(3, 3)
        sampled = (np.exp(-np.outer(t, rates)) * shapes[0]) @ inverse
        assert (found[k] >= sampled.max(axis=0)).all()
        assert found[k] == pytest.approx(sampled.max(axis=0), rel=0.05)
