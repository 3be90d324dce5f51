"""Steps of states that flow nonlinearly, element by element."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.element_programs import noise_spread
from neurosim.graph.flatten import flatten
from neurosim.graph.spikes import compile_spikes
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings

ORDERS = {"euler": 1, "lawson2": 2, "exponential_midpoint": 2, "lawson4": 4}


def watched(graph: ns.SignalGraph, state: str, size: int) -> ns.SignalGraph:
    """The graph with an event that never ticks: what runs with dt needs one."""
    graph.event("never", size, threshold=1e9)
    graph.connect(state, "never")
    return graph


def coupled(size: int, seed: int = 0) -> ns.SignalGraph:
    """Two states through maps and products, a third that only decays, an input; numbers differ between elements."""
    draw = np.random.default_rng(seed)
    net = ns.SignalGraph("coupled")
    net.port("u", 2)
    net.state("x", size, time_constant=draw.uniform(8e-3, 12e-3, size), initial=draw.uniform(-1.0, 1.0, size))
    net.state("y", size, time_constant=15e-3, initial=0.5, leak=0.5)
    net.state("s", size, time_constant=5e-3, initial=2.0)
    net.parameter("bias", draw.normal(0.0, 0.3, size))
    net.parameter("gain", draw.uniform(0.5, 1.5, size))
    net.parameter("In", draw.normal(0.0, 0.5, (size, 2)))
    net.parameter("In x", draw.normal(0.0, 0.5, (size, 2)))
    net.connect("u", "x", weight="In x")
    net.map("f", size, "tanh", bias="bias", gain=1.3)
    net.connect("x", "f", weight="gain")
    net.connect("u", "f", weight="In")
    net.map("g", size, "exp")
    net.connect("y", "g", gain=-0.7)
    net.product("p", size)
    net.connect("s", "p", slot=0)
    net.connect("x", "p", slot=1, gain=-1.0)
    net.connect("f", "p", slot=1)
    net.product("cube", size)
    for slot in range(3):
        net.connect("y", "cube", slot=slot)
    net.connect("f", "x")
    net.connect("p", "x", gain=0.8)
    net.connect("s", "x", gain=0.3)
    net.connect("g", "y", gain=0.6)
    net.connect("x", "y", weight="gain")
    net.connect("cube", "y", gain=-0.4)
    return watched(net, "x", size)


@pytest.mark.parametrize("scheme", ORDERS)
@pytest.mark.parametrize("substeps", [1, 2])
def test_order_against_the_engine(scheme: str, substeps: int):
    """The same graph without dt, with tight tolerance; the input is constant, so only the scheme is seen."""
    net, drive = coupled(3), np.array([0.7, -0.4])
    exact = ns.simulate(net, (0.0, 0.02), rtol=1e-12, drive={"u": drive}, save=["x", "y"], save_steps=False)
    errors = []
    for dt in (5e-4, 2.5e-4):
        given = {"dt": dt, "scheme": scheme, "substeps": substeps, "drive": {"u": drive}, "save": ["x", "y"]}
        run = ns.simulate(net, (0.0, 0.02), **given)
        errors.append(max(abs(run[f"{n}[{k}]"][-1] - exact[f"{n}[{k}]"][-1]) for n in "xy" for k in range(3)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(ORDERS[scheme], abs=0.25), errors


def test_states_that_decay_and_linear_parts_are_exact():
    net = coupled(3)
    run = ns.simulate(net, (0.0, 0.02), dt=5e-4, save=["s"])
    assert run["s[1]"] == pytest.approx(2.0 * np.exp(-run.time / 5e-3), rel=1e-13)
    linear = ns.SignalGraph("linear")
    linear.port("u")
    linear.state("a", 1, time_constant=10e-3, initial=1.0)
    linear.state("b", 1, time_constant=20e-3)
    linear.connect("u", "a")
    linear.connect("a", "b", gain=2.0)
    watched(linear, "b", 1)
    exact = ns.simulate(linear, (0.0, 0.02), dt=1e-3, drive={"u": 0.3}, save=["b"])
    # Noise of zero makes a program of it.
    for scheme in ("lawson2", "lawson4", "exponential_midpoint"):
        found = ns.simulate(
            linear, (0.0, 0.02), dt=1e-3, drive={"u": 0.3}, save=["b"], diffusion={"a": 0.0}, scheme=scheme
        )
        assert found["b"] == pytest.approx(exact["b"], rel=1e-13, abs=1e-15)


def test_elements_do_not_depend_on_their_neighbours():
    """Beyond one block of registers, each element is what it is alone."""
    size = 300
    net, drive = coupled(size), {"u": np.array([0.7, -0.4])}
    whole = ns.simulate(net, (0.0, 0.005), dt=1e-3, drive=drive, save=["x", "y"])
    alone = coupled(size)
    for k in (0, 255, 256, 299):
        part = ns.SignalGraph("part")
        for name, data in alone.nodes(data=True):
            one = {key: v[k : k + 1] if isinstance(v, np.ndarray) else v for key, v in data.items()}
            part.add_node(name, **{**one, "shape": data["shape"] if name == "u" else (1,)})
        part.add_edges_from(alone.edges(data=True))
        for name, parameter in alone.parameters.items():
            part.parameter(name, parameter.value[k : k + 1])
        found = ns.simulate(part, (0.0, 0.005), dt=1e-3, drive=drive, save=["x", "y"])
        for name in "xy":
            assert found[name] == pytest.approx(whole[f"{name}[{k}]"], rel=1e-14)


def test_large_conductances_do_not_explode():
    """Stiff and linear in itself: exact where the rest stands still, and Hodgkin-Huxley fires in steps of 0.1 ms."""
    net = ns.SignalGraph("relaxes")
    net.state("g", 1, time_constant=1.0, leak=0.0, initial=1e5)
    net.parameter("E", np.array([0.7]))
    net.state("x", 1, time_constant=1.0, leak=0.0)
    net.map("force", 1, bias="E")
    net.connect("x", "force", gain=-1.0)
    net.product("p", 1)
    net.connect("g", "p", slot=0)
    net.connect("force", "p", slot=1)
    net.connect("p", "x")
    run = ns.simulate(watched(net, "x", 1), (0.0, 1e-3), dt=1e-5, scheme="exponential_midpoint", save=["x"])
    assert run["x"] == pytest.approx(0.7 * (1.0 - np.exp(-1e5 * run.time)), rel=1e-9)
    axon = ns.neurons.hodgkin_huxley(1, background=0.1)
    wanted = ns.simulate(axon, (0.0, 0.1), dt=1e-5, scheme="lawson4").events["spike"]
    found = ns.simulate(axon, (0.0, 0.1), dt=1e-4, scheme="exponential_midpoint").events["spike"]
    assert np.diff(found) == pytest.approx(np.diff(wanted), rel=0.02)
    with pytest.raises(SimulationError, match="take scheme='exponential_midpoint', or substeps"):
        ns.simulate(axon, (0.0, 0.1), dt=1e-4)


@pytest.mark.parametrize("scheme", ORDERS)
def test_what_rests_is_seen_at_rest(scheme: str):
    """Adaptation goes on while the membrane is held where it drives none: then it only decays."""
    dt, pause = 1e-4, 20e-3
    net = ns.SignalGraph("resting")
    net.sub("n", ns.neurons.adex(1, background=1e-9, refractory=pause))
    run = ns.simulate(net, (0.0, 0.05), dt=dt, save=["n/v", "n/w"], scheme=scheme)
    first = round(run.events["n/spike"][0] / dt)
    w = run["n/w"][first : first + round(pause / dt) + 1]
    assert (run["n/v"][first : first + w.size] == -70.6e-3).all()
    factor = 1.0 - dt / 144e-3 if scheme == "euler" else np.exp(-dt / 144e-3)
    assert w == pytest.approx(w[0] * factor ** np.arange(w.size), rel=1e-7, abs=0.0)
    assert run["n/w"][first + w.size + 50] > w[-1] * factor**51 * (1.0 + 1e-3)


def test_linear_states_see_others_at_rest():
    """Exact while the membrane flows and while it rests: adaptation in closed form, the same ticks for any dt."""
    net = ns.SignalGraph("adaptive")
    net.parameter("b", np.array([1.5]))
    net.port("u")
    net.state("v", 1, time_constant=10e-3, bias="b")
    net.state("w", 1, time_constant=50e-3)
    for source, target, gain in (("u", "v", 1.0), ("v", "w", 1.0), ("w", "v", -0.3), ("u", "w", 0.1)):
        net.connect(source, target, gain=gain)
    net.event("spike", 1, threshold=1.0, refractory=20e-3)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.2)
    for dt, drive in ((1e-3, 0.0), (2.5e-4, 0.0), (1e-3, ns.held([[0.2]] * 100, 1e-3))):
        run = ns.simulate(net, (0.0, 0.1), dt=dt, save=["w"], drive={"u": drive})
        first, pause = round(run.events["spike"][0] / dt), round(20e-3 / dt)
        w, t = run["w"][first : first + pause + 1], np.arange(pause + 1) * dt
        end = 0.2 if isinstance(drive, float) else 0.22
        assert w == pytest.approx(end + (w[0] - end) * np.exp(-t / 50e-3), rel=1e-12)


def test_noise_has_the_covariance_of_its_linear_system():
    a = np.array([[[-100.0, 0.0], [50.0, -200.0]], [[-20.0, 5.0], [0.0, -300.0]]])
    g, dt = np.array([[0.5, 0.0], [1.0, 2.0]]), 2e-3
    root = noise_spread(a, g, dt)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    for k in range(2):
        parts = [scipy.linalg.expm(a[k] * dt * (s + 1.0) / 2.0) @ np.diag(g[k]) for s in nodes]
        wanted = sum(w * dt / 2.0 * p @ p.T for w, p in zip(weights, parts, strict=True))
        assert root[k] @ root[k].T == pytest.approx(wanted, rel=1e-9, abs=1e-16)
        assert np.triu(root[k], 1) == pytest.approx(0.0, abs=0.0)


def noisy(size: int) -> ns.SignalGraph:
    net = ns.SignalGraph("noisy")
    net.state("x", size, time_constant=5e-3, noise=np.sqrt(2.0 / 5e-3))
    net.state("y", size, time_constant=10e-3)
    net.connect("x", "y")
    return watched(net, "y", size)


def test_noise_is_stationary_and_follows_its_seed():
    """Ornstein-Uhlenbeck with unit variance, filtered: variance tau_x / (tau_x + tau_y), whatever the step."""
    runs = [
        ns.simulate(noisy(400), (0.0, 0.5), dt=dt, seed=seed, print_step=0.02, save=["x", "y"])
        for dt, seed in ((2e-3, 1), (5e-3, 2), (5e-3, 2))
    ]
    for run in runs[:2]:
        x, y = (np.array([run[f"{n}[{k}]"][3:] for k in range(400)]) for n in "xy")
        assert x.mean() == pytest.approx(0.0, abs=0.04)
        assert x.var() == pytest.approx(1.0, rel=0.04)
        assert y.var() == pytest.approx(1.0 / 3.0, rel=0.08)
        assert (x * y).mean() == pytest.approx(1.0 / 3.0, rel=0.12)
    assert (runs[1]["x[7]"] == runs[2]["x[7]"]).all()
    other = ns.simulate(noisy(400), (0.0, 0.1), dt=5e-3, seed=3, save=["x[7]"])["x[7]"]
    assert (runs[1]["x[7]"][1:6] != other[4::4]).all()


def test_noise_is_shown_and_scaled_with_time():
    net = ns.SignalGraph("noisy")
    net.state("x", 1, time_constant=5e-3, noise=20.0)
    assert "0.005 s x' = -x, noise 20 dW" in ns.equations(net)
    outer = ns.SignalGraph("slow")
    outer.sub("in", net, time_scale=4.0)
    assert float(flatten(outer).nodes["in/x"]["noise"]) == 10.0


def test_a_noisy_run_in_pieces_is_the_uncut_run():
    program = compile_spikes(noisy(5), 1e-3)
    whole, pieces = (SpikeRun(program, SpikeSettings(dt=1e-3, seed=4), 0.1) for _ in range(2))
    whole.advance(100)
    for stop in (1, 30, 31, 100):
        pieces.advance(stop)
    assert (whole.y == pieces.y).all()
    assert np.unique(whole.y).size == 10


def test_settings_are_checked():
    net = noisy(2)
    for given, message in (
        ({"scheme": "lawson3"}, "scheme 'lawson3' must be one of"), ({"substeps": 0}, "substeps = 0"),
        ({"diffusion": {"z": 1.0}}, "diffusion: no state 'z'"), ({"diffusion": {"x": "y"}}, "is a node"),
        ({"diffusion": {"x": -1.0}}, "must be zero or more"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            ns.simulate(net, (0.0, 0.01), dt=1e-3, **given)
    with pytest.raises(ParameterError, match="a compiled graph has its scheme"):
        ns.simulate(compile_spikes(net, 1e-3), (0.0, 0.01), dt=1e-3, scheme="euler")
    with pytest.raises(ParameterError, match="give fixed_step; noise on states"):
        ns.simulate(net, (0.0, 0.01))
    with pytest.raises(ParameterError, match="only states that flow have noise"):
        net.state("c", 1, clock="k", noise=1.0)
    net.product("q", 2)
    net.connect("never", "q", slot=0)
    net.connect("x", "q", slot=1)
    net.connect("q", "y")
    with pytest.raises(ParameterError, match="sends its ticks into product 'q'"):
        ns.simulate(net, (0.0, 0.01), dt=1e-3)


def test_trials_have_noise_of_their_own():
    found = ns.spike_trials(noisy(3), [{}] * 3, np.full(3, 0.01), dt=1e-3, save="x", seed=5, workers=2)
    alone = ns.simulate(noisy(3), (0.0, 0.01), dt=1e-3, seed=7, save=["x"])
    assert found[2].tolist() == [alone[f"x[{k}]"][-1] for k in range(3)]
    assert np.unique(found).size == 9
