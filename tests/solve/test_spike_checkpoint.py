"""Checkpoints of spiking runs: a run that was killed and resumed equals the uncut one, spike for spike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import FormatError, ParameterError
from neurosim.solve import simulate_spike_events, simulate_spikes

STOP = 0.2
GIVEN: dict[str, Any] = {"drive": {"train": ns.poisson_trains(60.0, STOP, 2, seed=4)}}
SETTINGS: dict[str, Any] = {**GIVEN, "save": ["neurons/v[3]", "trace"], "print_step": 1e-3}


def liquid() -> ns.SignalGraph:
    return ns.architectures.liquid((4, 3, 3), inputs=2, seed=1)


class Killed(BaseException):
    """What kills a run: nothing catches it."""


@pytest.mark.parametrize("how", [{"dt": 1e-4}, {"grid": "free"}], ids=["grid", "free"])
def test_a_killed_run_goes_on_with_the_same_bits(how, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(simulate_spikes, "KEPT_CHUNK", 70)
    monkeypatch.setattr(simulate_spike_events, "PIECES", 30)
    file = tmp_path / "run.npz"
    wanted = ns.simulate(liquid(), (0.05, STOP), **how, **SETTINGS)

    def kill(done: float, total: float) -> None:
        if done > 0.6 * total:
            raise Killed

    with pytest.raises(Killed):
        ns.simulate(
            liquid(), (0.05, STOP), **how, **SETTINGS, checkpoint=file, checkpoint_every=0.0, progress=kill
        )  # fmt: skip
    found = ns.resume(file, liquid(), **GIVEN)
    assert sum(times.size for times in wanted.events.values()) > 50
    assert {name: times.tolist() for name, times in found.events.items()} == {
        name: times.tolist() for name, times in wanted.events.items()
    }
    assert (found.time == wanted.time).all()
    for name in ("neurons/v[3]", "trace[7]"):
        assert (found[name] == wanted[name]).all()
    # The file is that of the whole run now.
    again = ns.resume(file, liquid(), **GIVEN)
    assert again.attrs["statistics"]["ticks"] == wanted.attrs["statistics"]["ticks"]
    with pytest.raises(ParameterError, match="other parameters or drives"):
        ns.resume(file, liquid())
    with pytest.raises(ParameterError, match="give it, resume"):
        ns.resume(file)
    with pytest.raises(ParameterError, match="cannot change 'save'"):
        ns.resume(file, liquid(), save=["trace"], **GIVEN)


@pytest.mark.parametrize("how", [{"dt": 1e-4}, {"grid": "free"}], ids=["grid", "free"])
def test_weights_that_learn_are_kept(how, tmp_path: Path):
    net = ns.SignalGraph("learns")
    for name in ("in", "out"):
        net.sub(name, ns.neurons.spike_source(2))
        net.port(f"{name} train", 2)
        net.connect(f"{name} train", f"{name}/train")
    net.state("x", 2, time_constant=5e-3)
    net.parameter("W", np.full((2, 2), 0.5))
    net.connect("in/spike", "x", weight="W", delay=1e-3, plastic={"rule": "stdp", "post": "out/spike"})
    drive = {f"{name} train": ns.poisson_trains(80.0, STOP, 2, seed=k) for k, name in enumerate(("in", "out"))}
    wanted = ns.simulate(net, (0.0, STOP), **how, drive=drive)
    file = tmp_path / "run.npz"
    ns.simulate(net, (0.0, STOP), **how, drive=drive, checkpoint=file)
    found = ns.resume(file, net, drive=drive)
    assert found.attrs["weights"] == wanted.attrs["weights"]
    assert set(found.attrs["weights"]["W"]["value"]) != {0.5}


def test_a_folder_that_is_not_there_is_refused_before_the_run(tmp_path: Path):
    with pytest.raises((ParameterError, FormatError), match="does not exist"):
        ns.simulate(liquid(), (0.0, 0.1), grid="free", checkpoint=tmp_path / "no" / "run.npz")
