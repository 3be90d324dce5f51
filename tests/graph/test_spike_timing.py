"""Synapses that learn from the times of ticks: on the grid, in the engine, and written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.spike_timing import STDP, TRIPLET
from neurosim.graph.spikes import compile_spikes
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings

DT, SPAN, BEFORE, BEHIND = 1e-4, 0.2, 2, 3
EXACT = 2.0**-13
"""A step whose multiples, and sums of these, are exact."""
FULL = {"pair_plus": 3e-3, "triplet_plus": 6.2e-3, "pair_minus": 7e-3, "triplet_minus": 2.3e-3, "tau_y": 125e-3}


def net(plastic: dict[str, Any], weight: Any = 0.5, delay: float = 0.0) -> ns.SignalGraph:
    """Neurons whose ticks are given, and synapses between them that learn."""
    graph = ns.SignalGraph("pairs")
    for name, size in (("pre", BEFORE), ("post", BEHIND)):
        graph.port(f"to_{name}", size)
        graph.event(name, size, threshold=0.5)
        graph.connect(f"to_{name}", name)
    graph.state("v", BEHIND, time_constant=0.02)
    graph.parameter("W", np.full((BEHIND, BEFORE), weight) if np.isscalar(weight) else weight)
    graph.connect("pre", "v", weight="W", gain=2.0, delay=delay, plastic={"post": "post", **plastic})
    return graph


def drawn(seed: int, size: int, ticks: int = 8) -> list[np.ndarray]:
    """Steps at which each element ticks."""
    draw = np.random.default_rng(seed)
    return [np.sort(draw.choice(np.arange(5, round(SPAN / DT) - 20), ticks, replace=False)) for _ in range(size)]


def trains(steps: list[np.ndarray], dt: float = DT) -> Any:
    return ns.spike_trains([found * dt for found in steps])


def rising(steps: list[np.ndarray]) -> Any:
    """The same ticks for the engine: a drive that rises through one half at each of them."""
    t = np.unique(np.concatenate([[0.0], *(s * DT + edge for s in steps for edge in (-1e-6, 1e-6, 2e-5, 3e-5))]))
    return ns.interpolated(t, np.stack([sum(np.interp(t, [x - 1e-6, x + 1e-6, x + 2e-5, x + 3e-5], [0.0, 1.0, 1.0, 0.0])
                                            for x in s * DT) for s in steps], axis=1))  # fmt: skip


def written_out(
    plastic: dict[str, Any], pre: np.ndarray, post: np.ndarray, delay: int, weight: float, dt: float = DT
) -> float:  # fmt: skip
    """The weight of one synapse after all ticks, by the rule's words."""
    rule: dict[str, Any] = (TRIPLET if plastic["rule"] == "triplet_stdp" else STDP) | plastic
    if plastic["rule"] == "stdp":
        rule |= {"pair_plus": rule["amplitude_plus"], "pair_minus": rule["amplitude_minus"]}
        rule |= {"triplet_plus": 0.0, "triplet_minus": 0.0, "tau_x": 1.0, "tau_y": 1.0}
    arrived = pre + delay
    marks: dict[str, list[int]] = {kind: [] for kind in ("plus", "minus", "x", "y")}

    def note(now: int, *kinds: str) -> None:
        for kind in kinds:
            marks[kind].append(now)

    def trace(kind: str, now: int) -> float:
        seen = marks[kind][-1:] if rule["pairing"] == "nearest" else marks[kind]
        return sum(np.exp(-(now - t) * dt / rule[f"tau_{kind}"]) for t in seen)

    def moved(w: float, change: float) -> float:
        low, high = rule["bounds"] or (-np.inf, np.inf)
        if rule["soft"]:
            change *= (high - w if change > 0.0 else w - low) / (high - low)
        return min(max(w + change, low), high)

    for now in sorted({*arrived, *post}):
        if now in arrived:
            weight = moved(
                weight, -trace("minus", now) * (rule["pair_minus"] + rule["triplet_minus"] * trace("x", now))
            )
            if delay:
                note(now, "plus", "x")
        if now in post:
            weight = moved(weight, trace("plus", now) * (rule["pair_plus"] + rule["triplet_plus"] * trace("y", now)))
        if now in arrived and not delay:
            note(now, "plus", "x")
        if now in post:
            note(now, "minus", "y")
    return weight


CASES: list[tuple[dict[str, Any], float]] = [
    ({"rule": "stdp"}, 0.0),
    ({"rule": "stdp", "pairing": "nearest", "tau_plus": 0.01}, 1e-3),
    ({"rule": "stdp", "bounds": (0.49, 0.503)}, 2e-3),
    ({"rule": "stdp", "bounds": (0.2, 0.7), "soft": True, "amplitude_plus": 0.3, "amplitude_minus": 0.2}, 1e-3),
    ({"rule": "triplet_stdp", **FULL}, 0.0),
    ({"rule": "triplet_stdp", "pairing": "nearest", **FULL}, 1.5e-3),
    ({"rule": "triplet_stdp", "bounds": (0.0, 1.0), "soft": True, **FULL}, 1e-3),
]


@pytest.mark.parametrize(("plastic", "delay"), CASES)
def test_the_grid_follows_the_rule(plastic: dict[str, Any], delay: float):
    pre, post = drawn(1, BEFORE), drawn(2, BEHIND)
    post[0][3] = pre[0][3] + round(delay / DT)  # at one instant
    post[0].sort()
    drive = {"to_pre": trains(pre), "to_post": trains(post)}
    found = ns.simulate(net(plastic, delay=delay), (0.0, SPAN), dt=DT, drive=drive).weights["W"].toarray()
    wanted = [[written_out(plastic, pre[j], post[i], round(delay / DT), 0.5) for j in range(2)] for i in range(3)]
    assert found == pytest.approx(np.array(wanted), rel=1e-12)
    assert np.abs(found - 0.5).min() > 1e-5


@pytest.mark.parametrize(("plastic", "delay"), CASES)
def test_without_a_grid_weights_follow_the_rule(plastic: dict[str, Any], delay: float):
    pre, post, steps = drawn(1, BEFORE), drawn(2, BEHIND), round(delay / DT)
    post[0][3] = pre[0][3] + steps  # at one instant
    post[0].sort()
    drive = {"to_pre": trains(pre, EXACT), "to_post": trains(post, EXACT)}
    graph, stop = net(plastic, delay=steps * EXACT), 2000 * EXACT
    run = ns.simulate(graph, (0.0, stop), grid="free", drive=drive, save=["W", "v"], print_step=stop / 8)
    found = run.weights["W"].toarray()
    wanted = [[written_out(plastic, pre[j], post[i], steps, 0.5, EXACT) for j in range(2)] for i in range(3)]
    assert found == pytest.approx(np.array(wanted), rel=1e-12)
    assert np.abs(found - 0.5).min() > 1e-5
    grid = ns.simulate(graph, (0.0, stop), dt=EXACT, drive=drive, save=["W", "v"], print_step=stop / 8)
    for name in grid.columns:
        assert run[name] == pytest.approx(grid[name][grid.time <= stop][-run[name].size :], rel=1e-11)


def test_a_grid_learns_the_weights_of_no_grid_to_first_order():
    """Neurons that tick by themselves, so that a grid rounds their ticks."""
    graph = ns.SignalGraph("learns")
    graph.sub("in", ns.neurons.spike_source(20))
    graph.port("train", 20)
    graph.connect("train", "in/train")
    graph.sub("n", ns.neurons.lif(16, background=np.linspace(17e-9, 22e-9, 16)))
    graph.parameter("W", np.random.default_rng(0).uniform(0.5e-9, 1.5e-9, (16, 20)))
    plastic = {"rule": "triplet_stdp", "post": "n/spike", "pair_plus": 2e-11, "triplet_plus": 3e-11,
               "pair_minus": 3e-11}  # fmt: skip
    graph.connect("in/spike", "n/excitatory", weight="W", delay=1.6e-3, plastic=plastic)
    rough = ns.poisson_trains(30.0, 0.1, 20, seed=3)
    drive = {"train": ns.spike_trains(np.ceil(rough.times / 2e-4) * 2e-4, rough.elements)}
    free = ns.simulate(graph, (0.0, 0.1), grid="free", drive=drive).weights["W"].toarray()
    steps, errors = 2e-4 / np.array([1, 4, 16, 64]), []
    for dt in steps:
        grid = ns.simulate(graph, (0.0, 0.1), dt=float(dt), drive=drive).weights["W"].toarray()
        errors.append(np.abs(grid - free).mean())
    assert errors[-1] < 0.002 * np.abs(free - graph.parameters["W"].value).mean()
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(("plastic", "delay"), [CASES[1], CASES[3], CASES[4]])
def test_the_engine_learns_the_same(plastic: dict[str, Any], delay: float):
    pre, post = drawn(1, BEFORE, 4), drawn(2, BEHIND, 4)
    weights = scipy.sparse.coo_array(([0.5, 0.4, 0.3], ([0, 1, 2], [0, 0, 1])), shape=(BEHIND, BEFORE))
    graph = net(plastic, weights, delay)
    grid = ns.simulate(
        graph, (0.0, SPAN), dt=DT, drive={"to_pre": trains(pre), "to_post": trains(post)}, save=["W", "v"],
    )  # fmt: skip
    drive = {"to_pre": rising(pre), "to_post": rising(post)}
    engine = ns.simulate(graph, (0.0, SPAN), drive=drive, rtol=1e-9)
    assert [name for name in grid.columns if name.startswith("w")] == ["w[0]", "w[2]", "w[5]"]
    for name in ("W[0]", "W[2]", "W[5]"):
        assert grid[name][-1] == pytest.approx(engine[name][-1], rel=1e-6)
    assert grid.weights["W"][1, 0] == grid["W[2]"][-1] != 0.4
    # Where there is no synapse nothing arrives.
    assert grid["v[0]"][-1] == pytest.approx(engine["v[0]"][-1], rel=1e-5)


@pytest.mark.parametrize("how", [{"dt": DT}, {"grid": "free"}], ids=["grid", "free"])
@pytest.mark.parametrize("later", [-0.05, -0.01, -0.001, 0.001, 0.01, 0.05])
def test_window(later: float, how: dict[str, Any]):
    """One pair: the closed form of the window."""
    plastic = {"rule": "stdp", "amplitude_plus": 0.01, "amplitude_minus": 0.012, "tau_plus": 0.017, "tau_minus": 0.034}
    drive = {"to_pre": ns.spike_trains([[0.1], []]), "to_post": ns.spike_trains([[0.1 + later], [], []])}
    change = ns.simulate(net(plastic), (0.0, 0.2), **how, drive=drive).weights["W"][0, 0] - 0.5
    wanted = 0.01 * np.exp(-later / 0.017) if later > 0.0 else -0.012 * np.exp(later / 0.034)
    assert change == pytest.approx(wanted, rel=1e-10)


def test_triplets_turn_fast_pairings_to_growth():
    """60 pairs, the tick behind 10 ms before: a fall at 10 Hz, a growth at 50 Hz, as measured; pairs never do that."""
    changes = {}
    for rule in ("stdp", "triplet_stdp"):
        for rate in (10.0, 50.0):
            starts = 0.1 + np.arange(60) / rate
            drive = {"to_pre": ns.spike_trains([starts, []]), "to_post": ns.spike_trains([starts - 0.01, [], []])}
            run = ns.simulate(net({"rule": rule}), (0.0, starts[-1] + 0.1), dt=1e-3, drive=drive)
            changes[rule, rate] = run.weights["W"][0, 0] - 0.5
    assert changes["triplet_stdp", 10.0] < -0.1
    assert changes["triplet_stdp", 50.0] > 0.1
    assert changes["stdp", 50.0] < 0.0


def test_weights_are_kept_in_files(tmp_path):
    drive = {"to_pre": trains(drawn(1, BEFORE)), "to_post": trains(drawn(2, BEHIND))}
    run = ns.simulate(net({"rule": "stdp"}), (0.0, SPAN), dt=DT, drive=drive)
    for name in ("run.json", "run.nc"):
        ns.save(run, tmp_path / name)
        again = ns.load(tmp_path / name)
        assert isinstance(again, ns.Result)
        assert (again.weights["W"] != run.weights["W"]).nnz == 0


def test_a_run_in_pieces_learns_the_same_and_goes_on_from_given_weights():
    plastic, pre, post = {"rule": "triplet_stdp", **FULL}, drawn(1, BEFORE), drawn(2, BEHIND)
    program = compile_spikes(net(plastic, delay=1e-3), DT)
    chosen = SpikeSettings(dt=DT, drive={"to_pre": trains(pre), "to_post": trains(post)})
    whole, pieces = (SpikeRun(program, chosen, SPAN) for _ in range(2))
    whole.advance(2000)
    for stop in (1, 500, 501, 2000):
        pieces.advance(stop)
    assert (whole.y == pieces.y).all()
    learned = whole.weights()["W"]
    run = ns.simulate(net(plastic), (0.0, 1e-3), dt=DT, initial={"W": learned})
    assert (run.weights["W"].toarray() == learned.toarray()).all()
    with pytest.raises(ParameterError, match=r"weights 'W' have shape \(3, 2\)"):
        ns.simulate(net(plastic), (0.0, 1e-3), dt=DT, initial={"W": np.zeros((2, 2))})


@pytest.mark.parametrize(
    ("plastic", "kind", "message"),
    [
        ({"rule": "stdp", "pairing": "some"}, ParameterError, "pairing = 'some' must be one of all, nearest"),
        ({"rule": "stdp", "soft": True}, ParameterError, r"soft bounds need bounds=\(low, high\)"),
        ({"rule": "stdp", "bounds": (1.0, 0.0)}, ParameterError, "must rise"),
        ({"rule": "triplet_stdp", "tau_x": 0.0}, ParameterError, "tau_x = 0.0 must be a positive time"),
        ({"rule": "stdp", "tau_x": 1.0}, UnknownNameError, "rule 'stdp' has no setting 'tau_x'"),
        ({"rule": "stdp", "post": "v"}, ParameterError, "'v' is no event of 3"),
    ],
)
def test_refusals(plastic: dict[str, Any], kind: type[Exception], message: str):
    with pytest.raises(kind, match=message):
        ns.simulate(net(plastic), (0.0, 0.01))
    with pytest.raises(kind, match=message):
        ns.simulate(net(plastic), (0.0, 0.01), dt=DT)
