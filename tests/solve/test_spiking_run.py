"""Runs of spiking neurons in the hands of the user: in pieces they equal uncut ones, whatever is changed on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError

STOP, CHANGE = 0.25, 0.125
WAYS: dict[str, dict[str, Any]] = {"grid": {"dt": 2.0**-13}, "free": {"grid": "free"}}


def net() -> ns.SignalGraph:
    """Neurons that excite one another through synapses that learn, with a train and a current as inputs."""
    draw = np.random.default_rng(0)
    graph = ns.SignalGraph("net")
    graph.sub("in", ns.neurons.spike_source(3))
    graph.port("train", 3)
    graph.connect("train", "in/train")
    graph.sub("n", ns.neurons.lif(8, background=draw.uniform(14e-9, 17e-9, 8)))
    graph.port("i", 8)
    graph.connect("i", "n/current")
    graph.parameter("W", draw.uniform(0.0, 2e-9, (8, 8)))
    graph.parameter("In", draw.uniform(0.0, 6e-9, (8, 3)))
    plastic = {"rule": "stdp", "post": "n/spike", "amplitude_plus": 1e-10, "amplitude_minus": 1e-10}
    graph.connect("n/spike", "n/excitatory", weight="W", delay=2.0**-9, plastic=plastic)
    graph.connect("in/spike", "n/excitatory", weight="In", delay=2.0**-10)
    return graph


def drives() -> tuple[Any, Any, Any, np.ndarray]:
    early, late = ns.poisson_trains(60.0, CHANGE, 3, seed=1), ns.poisson_trains(90.0, STOP, 3, seed=2)
    behind = late.times > CHANGE
    both = ns.spike_trains(
        np.concatenate([early.times, late.times[behind]]), np.concatenate([early.elements, late.elements[behind]])
    )
    return early, late, both, np.random.default_rng(4).uniform(0.0, 8e-9, (2, 8))


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_a_run_in_pieces_with_other_inputs_is_the_uncut_run(how: dict[str, Any]):
    early, late, both, currents = drives()
    saved: dict[str, Any] = {"save": ["n/v[2]", "W"], "print_step": 2.0**-8}
    drive = {"train": both, "i": ns.held(currents, CHANGE)}
    wanted = ns.simulate(net(), (0.0, STOP), **how, drive=drive, **saved)
    run = ns.spiking_run(net(), (0.0, STOP), **how, drive={"train": early, "i": currents[0]}, **saved)
    for at in (0.0, 3.0 * 2.0**-13, 0.0625, CHANGE):
        run.run_to(at)
        assert run.time == at
    assert run.result().events["n/spike[0]"].max() <= CHANGE
    run.set_drive("train", late)
    run.set_drive("i", currents[1])
    run.run_to(0.1875)
    assert run.state("n/v")[2] == wanted["n/v[2]"][np.flatnonzero(wanted.time == 0.1875)[0]]
    run.run_to(STOP)
    found = run.result()
    assert sum(times.size for name, times in found.events.items() if name.startswith("n/")) > 30
    assert found.events.keys() == wanted.events.keys()
    for name, times in wanted.events.items():
        assert (found.events[name] == times).all()
    assert (found.time == wanted.time).all()
    for name in wanted.columns:
        assert (found[name] == wanted[name]).all()
    assert (found.weights["W"] != wanted.weights["W"]).nnz == 0
    assert found.attrs["statistics"].keys() == wanted.attrs["statistics"].keys()
    assert run.ticks()[0].size == found.attrs["statistics"]["ticks"]
    # What was changed matters.
    kept = ns.simulate(net(), (0.0, STOP), **how, drive={"train": both, "i": currents[0]})
    assert kept.attrs["statistics"]["ticks"] != found.attrs["statistics"]["ticks"]


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_refusals(how: dict[str, Any], tmp_path):
    early, _, _, currents = drives()
    run = ns.spiking_run(net(), (0.0, STOP), **how, drive={"train": early})
    run.run_to(0.125)
    with pytest.raises(ParameterError, match=r"the run is at 0.125 s, and was begun to 0.25 s"):
        run.run_to(0.0625)
    with pytest.raises(ParameterError, match="was begun to"):
        run.run_to(0.5)
    with pytest.raises(UnknownNameError, match="no state 'n/w'"):
        run.state("n/w")
    with pytest.raises(UnknownNameError, match="no input port 'j'"):
        run.set_drive("j", 1.0)
    with pytest.raises(ParameterError, match="takes spikes"):
        run.set_drive("train", 1.0)
    run.set_drive("i", currents[0])
    run.run_to(STOP)
    with pytest.raises(ParameterError, match="checkpoint belongs to simulate"):
        ns.spiking_run(net(), (0.0, STOP), **how, checkpoint=tmp_path / "run.npz")
    with pytest.raises(ParameterError, match="give dt, the step"):
        ns.spiking_run(net(), (0.0, STOP))


def test_trials_without_a_grid_are_single_runs():
    graph = net()
    trains = [ns.poisson_trains(60.0, 0.1, 3, seed=k) for k in range(3)]
    times = np.array([[0.03, 0.1], [0.1, 0.02], [0.05, 0.0501]])
    found = ns.spike_trials(graph, [{"train": t} for t in trains], times, grid="free", save="n/excitatory", workers=2)
    assert found.shape == (3, 2, 8)
    for k, train in enumerate(trains):
        for reading, at in enumerate(times[k].tolist()):
            run = ns.spiking_run(graph, (0.0, at), grid="free", drive={"train": train})
            run.run_to(at)
            assert (found[k, reading] == run.state("n/excitatory")).all()
    grid = ns.spike_trials(graph, [{"train": t} for t in trains], times, dt=1e-5 / 1.024, save="n/excitatory")
    assert np.abs(found - grid).max() < 0.1 * np.abs(grid).max()
    for given in ({}, {"grid": "free", "dt": 1e-4}, {"grid": "some"}):
        with pytest.raises(ParameterError, match="give dt, "):
            ns.spike_trials(graph, [{"train": trains[0]}], times[:1], save="n/v", **given)
