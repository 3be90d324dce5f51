"""Spiking networks on a grid of time."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.element_programs import propagators
from neurosim.graph.spikes import compile_spikes
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings

SIZE = 6


def recurrent(seed: int = 0, *, strength: float = 3e-9, **edge: object) -> ns.SignalGraph:
    """A few neurons that excite and inhibit one another."""
    draw = np.random.default_rng(seed)
    net = ns.SignalGraph("few")
    start, background = draw.uniform(13.5e-3, 15e-3, SIZE), draw.uniform(13.5e-9, 17e-9, SIZE)
    net.sub("a", ns.neurons.lif(SIZE, initial=start, background=background))
    weights = draw.normal(0.0, strength, (SIZE, SIZE))
    net.parameter("We", np.maximum(weights, 0.0))
    net.parameter("Wi", np.minimum(weights, 0.0))
    net.connect("a/spike", "a/excitatory", weight="We", delay=1.5e-3, **edge)
    net.connect("a/spike", "a/inhibitory", weight="Wi", delay=0.8e-3)
    return net


@given(arrays(float, (2, 3, 3), elements=st.floats(-50.0, 50.0)), st.floats(1e-4, 1e-2))
@settings(max_examples=30)
def test_a_step_solves_the_linear_system(matrix, dt):
    step, integral = propagators(matrix, dt)
    for a, p, q in zip(matrix, step, integral, strict=True):
        assert p == pytest.approx(scipy.linalg.expm(a * dt), rel=1e-12, abs=1e-14)
        # The integral of exp(A s) times A is exp(A dt) - 1.
        assert q @ a == pytest.approx(p - np.eye(3), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("edge", [{}, {"plastic": {"rule": "short_term", "use": 0.5, "recovery": 1.1,
                                                   "facilitation": 0.05}}], ids=["static", "short term"])  # fmt: skip
def test_ticks_go_to_those_of_the_engine_in_proportion_to_dt(edge):
    """The engine locates every crossing; a grid sees it up to one step late."""
    net = recurrent(**edge)
    exact = ns.simulate(net, (0.0, 0.15), rtol=1e-9, save=["a/v"], save_steps=False).events
    errors = []
    for dt in (1e-4, 5e-5, 2.5e-5):
        found = ns.simulate(net, (0.0, 0.15), dt=dt).events
        assert {name: times.size for name, times in found.items()} == {n: t.size for n, t in exact.items()}
        errors.append(max(np.abs(found[name] - exact[name]).max(initial=0.0) for name in exact))
    assert sum(times.size for times in exact.values()) >= 10
    assert all(error < 20.0 * dt for error, dt in zip(errors, (1e-4, 5e-5, 2.5e-5), strict=True))
    assert errors[2] < 0.5 * errors[0], errors


@pytest.mark.parametrize("differ", [False, True], ids=["alike", "each its own"])
@pytest.mark.parametrize("size", [1, 7, 21])
def test_states_that_feed_one_another_in_a_circle(size, differ):
    """v and w drive each other, and s drives v: against the matrix exponential; and each neuron as if it were alone."""
    tau = np.linspace(5e-3, 20e-3, size) if differ else np.full(size, 10e-3)
    start = np.linspace(0.1, 0.9, size)

    def run(part: slice) -> np.ndarray:
        net = ns.SignalGraph("circle")
        n = start[part].size
        net.parameter("drive", np.full(n, 0.3))
        net.state("v", n, time_constant=tau[part], initial=start[part], bias="drive")
        net.state("w", n, time_constant=30e-3)
        net.state("s", n, time_constant=4e-3, initial=1.0)
        net.connect("w", "v", gain=-2.0)
        net.connect("v", "w", gain=0.7)
        net.connect("s", "v", gain=0.5)
        net.event("spike", n, threshold=10.0)
        net.connect("v", "spike")
        found = ns.simulate(net, (0.0, 20e-3), dt=5e-4, save=["v", "w", "s"], print_step=20e-3)
        names = [f"{x}[{k}]" if n > 1 else x for x in "vws" for k in range(n)]
        return np.array([found[name][-1] for name in names]).reshape(3, n)

    together = run(slice(0, size))
    for k in range(size):
        matrix = np.array([
            [-1.0 / tau[k], -2.0 / tau[k], 0.5 / tau[k], 0.3 / tau[k]], [0.7 / 30e-3, -1.0 / 30e-3, 0.0, 0.0],
            [0.0, 0.0, -1.0 / 4e-3, 0.0], [0.0, 0.0, 0.0, 0.0],
        ])  # fmt: skip
        wanted = scipy.linalg.expm(20e-3 * matrix) @ [start[k], 0.0, 1.0, 1.0]
        assert together[:, k] == pytest.approx(wanted[:3], rel=1e-11)
    assert (run(slice(size - 1, size))[:, 0] == together[:, -1]).all() or differ


@pytest.mark.parametrize("kind", [5e-3, ("alpha", 5e-3), ("biexponential", 2e-3, 5e-3)])
def test_synaptic_currents_are_exact_and_have_their_peak(kind):
    net = ns.SignalGraph("one pulse")
    net.sub("in", ns.neurons.spike_source())
    net.port("train")
    net.connect("train", "in/train")
    net.sub("n", ns.neurons.lif(1, threshold=1.0, reset=0.0, background=0.0, synapses={"s": kind}))
    net.parameter("w", np.array([2e-9]))
    net.connect("in/spike", "n/s", weight="w")
    name = "n/s" if isinstance(kind, float) else "n/s current"
    run = ns.simulate(net, (0.0, 0.05), dt=1e-4, drive={"train": ns.spike_trains([[0.01]])}, save=[name, "n/v"])
    t, current = run.time - 0.01, run[name]
    after = t >= -1e-9
    tau = 5e-3
    if isinstance(kind, float):
        wanted = np.exp(-t / tau)
    elif kind[0] == "alpha":
        wanted = t / tau * np.exp(1.0 - t / tau)
    else:
        shape = np.exp(-t / tau) - np.exp(-t / 2e-3)
        wanted = shape / (np.exp(-np.log(2.5) * 2e-3 / 3e-3) - np.exp(-np.log(2.5) * 5e-3 / 3e-3))
    assert current[~after] == pytest.approx(0.0, abs=1e-24)
    assert current[after] == pytest.approx(2e-9 * wanted[after], rel=1e-9, abs=1e-18)
    assert current.max() == pytest.approx(2e-9, rel=2e-3)


def test_a_run_in_pieces_is_the_uncut_run():
    program = compile_spikes(recurrent(strength=20e-9), 1e-4)
    chosen = SpikeSettings(dt=1e-4, save=["a/v"])
    whole, pieces = (SpikeRun(program, chosen, 0.3) for _ in range(2))
    whole.advance(3000)
    for stop in (1, 7, 900, 901, 2000, 3000):
        pieces.advance(stop)
    assert whole.ticks()[0].size > 20
    for a, b in zip(whole.ticks(), pieces.ticks(), strict=True):
        assert (a == b).all()
    assert (whole.y == pieces.y).all()
    assert (whole.columns()["a/v[2]"] == pieces.columns()["a/v[2]"]).all()


def test_short_term_synapses_follow_their_recursion():
    """Amplitudes of the current steps against the recursion, written out."""
    use, recovery, facilitation, weight = 0.2, 0.4, 0.3, 1e-9
    net = ns.SignalGraph("short term")
    net.sub("in", ns.neurons.spike_source())
    net.port("train")
    net.connect("train", "in/train")
    net.sub("n", ns.neurons.lif(1, threshold=1.0, reset=0.0, background=0.0, synapses={"s": 3e-3}))
    net.parameter("w", np.array([[weight]]))
    rule = {"rule": "short_term", "use": use, "recovery": recovery, "facilitation": facilitation}
    net.connect("in/spike", "n/s", weight="w", plastic=rule, delay=1e-3)
    times = np.array([0.01, 0.05, 0.06, 0.3, 0.31])
    run = ns.simulate(net, (0.0, 0.4), dt=1e-4, drive={"train": ns.spike_trains([times])}, save=["n/s"])
    at = np.round((times + 1e-3) / 1e-4).astype(int)
    jumps = run["n/s"][at] - run["n/s"][at - 1] * np.exp(-1e-4 / 3e-3)
    u, r, wanted = use, 1.0, [use]
    for passed in np.diff(times):
        r = 1.0 + (r - u * r - 1.0) * np.exp(-passed / recovery)
        u = use + u * (1.0 - use) * np.exp(-passed / facilitation)
        wanted.append(u * r)
    assert jumps == pytest.approx(weight * np.array(wanted), rel=1e-9)


def test_refractory_neurons_rest_and_lose_pulses():
    net = ns.SignalGraph("rest")
    net.sub("in", ns.neurons.spike_source())
    net.port("train")
    net.connect("train", "in/train")
    net.state("v", 1, time_constant=20e-3)
    net.event("spike", 1, threshold=1.0, refractory=2e-3)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.0)
    net.connect("in/spike", "v", gain=2.0, delay=1e-3)
    # The third arrives 1 ms after a tick, the fourth when the rest is just over.
    run = ns.simulate(net, (0.0, 0.03), dt=1e-4, drive={"train": ns.spike_trains([[4e-3, 9e-3, 10e-3, 11e-3]])})
    assert run.events["spike"] == pytest.approx([5e-3, 10e-3, 12e-3])


def test_held_and_constant_currents():
    """A current that is held, one that is constant, and the same as a background give the same ticks."""
    with_input, plain = ns.SignalGraph("driven"), ns.SignalGraph("plain")
    with_input.sub("n", ns.neurons.lif(2, background=0.0))
    with_input.port("i", 2)
    with_input.connect("i", "n/current")
    plain.sub("n", ns.neurons.lif(2, background=np.array([16e-9, 20e-9])))
    wanted = ns.simulate(plain, (0.0, 0.2), dt=1e-4).events
    for drive in (np.array([16e-9, 20e-9]), ns.held(np.tile([16e-9, 20e-9], (400, 1)), 5e-4)):
        found = ns.simulate(with_input, (0.0, 0.2), dt=1e-4, drive={"i": drive}).events
        assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in wanted.items()}
    assert wanted["n/spike[1]"].size > wanted["n/spike[0]"].size > 3


def test_trials_do_not_depend_on_the_number_of_threads():
    net = ns.architectures.liquid((3, 3, 2), inputs=2, seed=1)
    drives = [{"train": ns.poisson_trains(50.0, 0.1, 2, seed=k)} for k in range(6)]
    found = [
        ns.spike_trials(net, drives, np.full((6, 2), [0.05, 0.1]), dt=1e-4, save="trace", workers=n) for n in (1, 3)
    ]
    assert found[0].shape == (6, 2, 18)
    assert (found[0] == found[1]).all()
    assert found[0].max() > 0.0
    other = ns.architectures.liquid((3, 3, 2), inputs=2, seed=2)
    mixed = ns.spike_trials([net, other] * 3, drives, np.full((6, 2), [0.05, 0.1]), dt=1e-4, save="trace", workers=2)
    assert (mixed[::2] == found[0][::2]).all()
    assert (mixed[1::2] != found[0][1::2]).any()
    with pytest.raises(ParameterError, match="1 graphs for 6 drives"):
        ns.spike_trials([net], drives, np.full(6, 0.05), dt=1e-4, save="trace")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: net.connect("a/spike", "a/excitatory", gain=1e-9, delay=5e-5), "shorter than dt"),
        (lambda net: net.connect("a/spike", "a/v", gain=1e-3), "needs a delay"),
        (lambda net: net.connect("a/v", "a/excitatory", weight="We"), "drives 'a/excitatory' with a matrix"),
        (lambda net: net.map("f", SIZE, "softmax"), "map 'f' is softmax: where dt is given"),
        (lambda net: net.state("b", SIZE, time_constant=1.0, bounds=(0.0, 1.0)), "state 'b' has bounds"),
        (lambda net: net.state("c", SIZE, time_constant=-1.0), "state 'c'"),
    ],
)  # fmt: skip
def test_what_cannot_be_stepped_exactly_is_refused_by_name(change, message):
    net = recurrent()
    change(net)
    with pytest.raises(ParameterError, match=message):
        ns.simulate(net, (0.0, 0.01), dt=1e-4)


def test_settings_are_checked():
    net = recurrent()
    for settings_given, message in (
        ({"dt": 0.0}, "dt = 0.0"), ({"dt": 1e-4, "print_step": 1.5e-4}, "print_step"),
        ({"dt": 1e-4, "rtol": 1e-3}, "no setting 'rtol'"), ({"dt": 1e-4, "drive": {"x": 1.0}}, "no input port 'x'"),
    ):  # fmt: skip
        with pytest.raises((ParameterError, UnknownNameError), match=message):
            ns.simulate(net, (0.0, 0.01), **settings_given)
    with pytest.raises(UnknownNameError, match="cannot save 'a/w'"):
        ns.simulate(net, (0.0, 0.01), dt=1e-4, save=["a/w"])
    with pytest.raises(ParameterError, match="times must be finite"):
        ns.spike_trains([[np.nan]])
    liquid = ns.architectures.liquid((3, 3, 2), inputs=2)
    with pytest.raises(ParameterError, match="takes spikes"):
        ns.simulate(liquid, (0.0, 0.01), dt=1e-4, drive={"train": 1.0})
    with pytest.raises(ParameterError, match="a spike is for element 7"):
        ns.simulate(liquid, (0.0, 0.01), dt=1e-4, drive={"train": ns.spike_trains([0.001], [7])})


def test_a_state_that_grows_without_bounds_stops_the_run():
    net = ns.SignalGraph("grows")
    net.state("x", 1, time_constant=1e-3, leak=-1.0, initial=1.0)
    net.state("v", 1, time_constant=1.0)
    net.event("spike", 1, threshold=1.0)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.0)
    with pytest.raises(SimulationError, match=r"state 'x\[0\]' is not finite"):
        ns.simulate(net, (0.0, 2.0), dt=1e-3)


def test_thresholds_of_all_neurons_and_of_each():
    """Looked for while the neurons are stepped, or by themselves: also behind the last whole word of neurons."""
    size, drive = 75, np.linspace(14e-9, 30e-9, 75)
    own = np.full(size, 15e-3)
    own[40] = 15.1e-3
    found = [ns.simulate(ns.neurons.lif(size, background=drive, threshold=level), (0.0, 0.3), dt=1e-4).trains["spike"]
             for level in (15e-3, own)]  # fmt: skip
    assert all(a.tolist() == b.tolist() for k, (a, b) in enumerate(zip(*found, strict=True)) if k != 40)
    assert found[0][40].size > found[1][40].size > 0
    assert found[0][74].size > 5


def test_what_fades_does_not_become_slow():
    """Numbers next to the smallest that there are would take a hundred times as long."""
    net = ns.SignalGraph("silent")
    net.state("s", 1, time_constant=1e-3, initial=1.0)
    net.event("spike", 1, threshold=2.0)
    net.connect("s", "spike")
    run = ns.simulate(net, (0.0, 0.7), dt=1e-4, save=["s"], print_step=0.1)
    assert run["s"][:5] == pytest.approx(np.exp(-100.0 * np.arange(5)), rel=1e-9)
    assert run["s"][-1] == 0.0
