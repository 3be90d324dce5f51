"""Measures of reservoirs against closed forms, and the same battery on every kind of reservoir."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.processing_capacity import _products
from neurosim.cli import main
from neurosim.cli.subject import setting
from neurosim.errors import ParameterError, SilentNetworkWarning, UnknownNameError


def linear_cycle(units: int, radius: float = 0.9, **more) -> ns.Reservoir:
    graph = ns.architectures.echo_state(
        1, units, topology="cycle", spectral_radius=radius, activation="identity", seed=1, **more
    )
    return ns.reservoir(graph)


def small_liquid(**more):
    return ns.architectures.liquid((4, 3, 2), inputs=2, seed=1, **more)


def memristive() -> ns.MemristiveNetwork:
    graph = nx.grid_2d_graph(3, 3)
    signs = np.where(np.arange(graph.number_of_edges()) % 3 == 0, -1.0, 1.0)
    return ns.MemristiveNetwork(
        graph, convention="flipped", alpha=10.0, beta=5e-3, r_on=1e3, polarity=signs,
        electrodes={(0, 0): 0.0, (2, 2): 0.0},
    )  # fmt: skip


def made(kind: str) -> ns.Reservoir:
    if kind == "liquid":
        return ns.reservoir(small_liquid())
    if kind == "memristive":
        return ns.reservoir(memristive(), step=10e-3, driven=[(0, 0), (2, 2)], rtol=1e-4, bin=50e-3)
    graph = ns.architectures.echo_state(2, 8, seed=1)
    return ns.reservoir(graph, flow=True, rtol=1e-4) if kind == "flowing" else ns.reservoir(graph)


def test_memory_of_a_linear_cycle_is_the_formula_of_rodan_and_tino():
    found = ns.memory_capacity(linear_cycle(20, 0.8), rows=8000, seed=1)
    assert found.capacity == pytest.approx(20 - 1 + 0.8**40, abs=0.01)
    assert found.rank == 20
    # Once round the cycle an input comes back with r^N of its size.
    again = ns.memory_capacity(linear_cycle(5), rows=20_000, delays=12).curve
    assert again[:10] == pytest.approx(np.repeat((1.0 - 0.9**10) * 0.9 ** np.array([0, 10]), 5), abs=0.02)


def test_what_is_not_there_counts_as_nothing():
    found = ns.memory_capacity(linear_cycle(20, 0.0), rows=2000, delays=50)
    assert found.capacity == 0.0
    assert found.measured[1:].mean() == pytest.approx(found.rank / 2000, rel=0.5)


def test_processing_capacity_adds_up_to_the_number_of_states():
    linear = ns.processing_capacity(linear_cycle(10, 0.7), degrees=3, rows=5000)
    assert linear.by_degree == pytest.approx([10.0, 0.0, 0.0], abs=0.02)
    assert all(linear.complete)
    odd = ns.architectures.echo_state(1, 10, density=0.5, spectral_radius=0.5, input_scaling=0.8, seed=1)
    found = ns.processing_capacity(odd, degrees=7, rows=20_000)
    assert 9.0 < found.total <= 10.0 + 1e-9
    # An odd function of odd inputs has no even part.
    assert found.by_degree[1::2] == pytest.approx(np.zeros(3), abs=0.01)
    assert found.nonlinear > 1.0


def test_every_product_of_a_degree_comes_once():
    seen = [term for delay in range(4) for term in _products(3, delay)]
    assert len(seen) == len(set(seen)) == 20  # monomials of degree 3 in 4 variables: C(6, 3)
    assert all(sum(power for _, power in term) == 3 for term in seen)


@pytest.mark.parametrize(("steps", "wanted"), [(5, 5), (12, 10)])
def test_kernel_rank_of_a_linear_reservoir_is_what_it_remembers(steps: int, wanted: int):
    found = ns.kernel_rank(linear_cycle(10, 1.0 - 1e-6), inputs=30, steps=steps, tolerance=1e-6)
    assert found.kernel == wanted
    # A linear map tells all noise apart.
    assert found.generalisation == wanted
    assert ns.kernel_rank(linear_cycle(10), inputs=4, tolerance=1e-6).kernel == 4
    assert ns.kernel_rank(linear_cycle(10), inputs=6, noise=0.0, tolerance=1e-6).generalisation == 1


def test_separation_of_a_linear_reservoir_is_proportional_and_forgets_its_start():
    found = ns.separation(linear_cycle(10, 0.5), distances=(0.0, 0.1, 0.4), steps=30)
    assert found.levels[2] == pytest.approx(4.0 * found.levels[1], rel=1e-3)
    assert found.is_graded
    assert found.forgets == pytest.approx(0.5**29, rel=1e-6)


def test_fisher_memory_is_one_for_normal_maps_and_grows_with_chains():
    draw = np.random.default_rng(0)
    q = np.linalg.qr(draw.normal(size=(12, 12)))[0]
    for normal in (0.9 * q, q @ np.diag(draw.uniform(-0.95, 0.95, 12)) @ q.T):
        found = ns.fisher_memory(normal, draw.normal(size=12))
        assert found.total == pytest.approx(1.0, abs=1e-9)
        assert found.departure < 1e-12
    # Of a scalar: J_k = (1 - w^2) w^2k.
    assert ns.fisher_memory([[0.5]], [3.0]).curve[:4] == pytest.approx(0.75 * 0.25 ** np.arange(4))
    # A chain of gain g: J_k = g^2k / (1 + g^2 + ... + g^2k), that of k = N - 1 included.
    gain, n = 2.0, 8
    curve = ns.fisher_memory(gain * np.eye(n, k=-1), np.eye(n)[0]).curve
    powers = gain ** (2.0 * np.arange(n))
    assert curve[:n] == pytest.approx(powers / np.cumsum(powers))
    assert curve.sum() > 5.0
    found = ns.fisher_memory(linear_cycle(10))
    assert found.total == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ParameterError, match="spectral radius"):
        ns.fisher_memory(np.eye(3), np.ones(3))


def test_fisher_memory_of_a_liquid_fades():
    curve = ns.fisher_memory(small_liquid(), delays=8).curve
    assert curve[0] > 5.0 > abs(curve[6:].mean())


def test_exponent_of_a_linear_reservoir_is_the_logarithm_of_its_radius():
    assert linear_cycle(6, 0.8).exponent(60)[0] == pytest.approx(np.log(0.8), abs=1e-6)
    graph = ns.architectures.echo_state(1, 6, topology="cycle", spectral_radius=0.0, activation="identity")
    assert ns.reservoir(graph, flow=True, step=0.3).exponent(60)[0] == pytest.approx(-0.3, abs=1e-4)


@pytest.mark.parametrize("kind", ["liquid", "echo state", "flowing", "memristive"])
def test_every_reservoir_takes_samples_and_spikes(kind: str):
    net = made(kind)
    assert net.channels == 2
    u = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 6, 2))
    states = net.states(u)
    assert states.shape == (2, 6, net.size)
    assert np.isfinite(states).all()
    assert net.states(u[:, :4]) == pytest.approx(states[:, :4], rel=1e-2, abs=1e-4)  # the future does not matter
    assert (net.states(u, starts=[3, 4]) != states).any()
    trains = [ns.poisson_trains(40.0, 6 * net.bin, 2, seed=k) for k in range(2)]
    assert net.states(trains, steps=6).shape == states.shape
    with pytest.raises(ParameterError, match="steps="):
        net.states(trains)
    with pytest.raises(ParameterError, match="shape"):
        net.states(u[0])
    with pytest.raises(ParameterError, match="seeds"):
        net.states(u, starts=[1])


def test_flowing_reservoir_is_the_exact_solution_of_a_linear_one():
    graph = ns.architectures.echo_state(1, 6, activation="identity", density=0.5, seed=2)
    u = np.random.default_rng(1).uniform(-1.0, 1.0, (1, 10, 1))
    found = ns.reservoir(graph, flow=True, step=0.3, rtol=1e-9, method="dop853").states(u)[0]
    w, v = graph.parameters["W"].value.toarray(), graph.parameters["U"].value[:, 0]
    rates, vectors = np.linalg.eig(w - np.eye(6))
    step = (vectors @ np.diag(np.exp(0.3 * rates)) @ np.linalg.inv(vectors)).real
    x = np.zeros(6)
    for k, sample in enumerate(u[0, :, 0]):
        x = step @ x + np.linalg.solve(w - np.eye(6), (step - np.eye(6)) @ v) * sample
        assert found[k] == pytest.approx(x, abs=1e-6)


def test_spikes_become_counts():
    net = ns.reservoir(ns.architectures.echo_state(2, 8, seed=1), bin=0.1, gain=2.0)
    trains = ns.spike_trains([[0.05, 0.06, 0.25], [0.1]])
    counts = np.array([[[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    assert net.states([trains], steps=3) == pytest.approx(net.states(counts))


def test_echo_state_network_of_the_user_is_a_reservoir():
    network = ns.EchoStateNetwork(1, 12, leak=0.5, seed=2)
    net = ns.reservoir(network)
    u = net.stimuli(1, 9)
    assert net.size == 12
    assert net.states(u)[0] == pytest.approx(ns.reservoir(ns.digital(network.graph(), dt=0.5)).states(u)[0])


def test_copies_of_spike_trains_are_as_far_as_asked():
    net = ns.reservoir(small_liquid())
    stimuli = net.stimuli(3, 20, seed=1)
    for distance in (0.2, 2.0):
        for trains, other in zip(stimuli, net.moved(stimuli, distance, 20, seed=2), strict=True):
            assert ns.spike_distance(trains, other, 20 * net.bin) == pytest.approx(distance, rel=0.05)


@pytest.mark.parametrize("kind", ["liquid", "echo state", "memristive"])
def test_battery_runs_on_every_reservoir(kind: str):
    few = {"rows": 60, "delays": 4, "degrees": 2, "pairs": 3, "steps": 5, "inputs": 4, "segments": 2, "fitted": 10,
           "tested": 5, "templates": 2 if kind == "echo state" else 0}  # fmt: skip
    net = made(kind)
    found = ns.reservoir_battery(net, **few)
    assert found.fisher is not None
    assert (found.exponent is not None) == (kind == "echo state")
    assert {"forgetting", "kernel rank", "memory capacity", "segment told after 250 ms"} <= set(found.values)
    assert "memory capacity" in str(found)
    assert len(found.plot().figure.axes) == 6
    if kind == "echo state":
        assert found.values == ns.reservoir_battery(net, **few).values
    with pytest.raises(ParameterError, match="pairs"):
        ns.reservoir_battery(net, pears=3)


def test_segments_are_told_and_forgotten():
    net = ns.reservoir(ns.architectures.echo_state(4, 40, spectral_radius=0.5, seed=1), bin=25e-3)
    found = ns.segments_task(net, segments=3, fitted=150, tested=80)
    assert found.accuracy[0] > 0.95
    assert found.accuracy[2] < 0.7
    with pytest.raises(ParameterError, match="whole number of bins"):
        ns.segments_task(net, length=0.26)
    with pytest.raises(ParameterError, match="readout"):
        ns.segments_task(net, readout="pool of mine")


def test_warped_templates_are_told():
    net = ns.reservoir(ns.architectures.echo_state(8, 60, spectral_radius=0.98, seed=1), bin=25e-3)
    found = ns.time_warp_task(net, templates=3, rate=10.0, warp=1.2, jitter=5e-3, fitted=120, tested=60)
    assert found.accuracy > 0.8
    assert found.score < 0.6


def test_map_over_a_plane_has_the_ranks_of_each_reservoir():
    def build(units: float, radius: float, seed: int) -> ns.Reservoir:
        return linear_cycle(int(units), radius)

    found = ns.reservoir_map(build, {"units": [3, 6], "radius": [0.5, 0.9, 0.95]}, seeds=2)
    assert found.values["kernel rank"].shape == (2, 3)
    single = ns.kernel_rank(linear_cycle(6, 0.95), seed=0).kernel
    assert found.values["kernel rank"][1, 2] == pytest.approx(single, abs=1.0)
    assert len(found.plot().figure.axes) == 6  # three panels with their colour bars


def test_a_silent_liquid_is_named_with_advice():
    net = ns.reservoir(small_liquid(input_amplitudes=(1e-12, 1e-12)))
    with pytest.warns(SilentNetworkWarning, match="input amplitudes"):
        net.states(net.stimuli(2, 4), steps=4)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: ns.reservoir(3), "takes a graph"),
        (lambda: ns.reservoir(memristive()), "step="),
        (lambda: ns.reservoir(small_liquid(), step=-1.0), "step"),
        (lambda: ns.reservoir(ns.architectures.echo_state(), rtol=1e-3), "flow=True"),
        (lambda: ns.memory_capacity(linear_cycle(20), rows=10), "rows = 10"),
        (lambda: ns.kernel_rank(linear_cycle(5), tolerance=2.0), "tolerance"),
        (lambda: ns.separation(linear_cycle(5), distances=(-1.0,)), "distances"),
        (lambda: ns.reservoir(small_liquid()).exponent(10), "random starts"),
        (lambda: ns.fisher_memory(small_liquid(), trials=5), "trials"),
    ],
)
def test_what_means_nothing_is_refused(build, says: str):
    with pytest.raises(ParameterError, match=says):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: ns.reservoir(small_liquid(), observed="trail"),
        lambda: ns.reservoir(ns.architectures.echo_state(), observed="y"),
        lambda: ns.reservoir(memristive(), step=0.01, driven=["nowhere"]),
    ],
)
def test_unknown_names_are_refused(build):
    with pytest.raises(UnknownNameError):
        build()


def test_command_prints_table_figure_and_json(tmp_path, capsys):
    few = [word for pair in ("rows=60", "delays=4", "degrees=2", "pairs=3", "steps=5", "inputs=4", "segments=0")
           for word in ("--measure", pair)]  # fmt: skip
    figure = tmp_path / "reservoir.png"
    assert main(["reservoir", "echo_state", "--set", "units=8", *few, "--plot", str(figure)]) == 0
    assert "memory capacity" in capsys.readouterr().out
    assert figure.stat().st_size > 10_000
    assert main(["reservoir", "echo_state", "--set", "units=6", *few, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["states"] == 6
    assert setting("shape=3,2,2") == ("shape", (3, 2, 2))
    assert main(["reservoir", "echo_state", "--measure", "rowz=3"]) == 2
