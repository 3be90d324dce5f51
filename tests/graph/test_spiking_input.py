"""What is wrong with a spiking network or its settings is told by name; what was saved is found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NeurosimError

SPAN = (0.0, 0.02)


def pair(delay: float = 1e-3, **edge: Any) -> ns.SignalGraph:
    net = ns.SignalGraph("pair")
    net.sub("a", ns.neurons.lif(background=16e-9))
    net.sub("b", ns.neurons.lif())
    net.parameter("W", np.full((1, 1), 1e-9))
    net.connect("a/spike", "b/excitatory", weight="W", delay=delay, **edge)
    return net


def misspelt() -> ns.SignalGraph:
    net = pair()
    net.connect("a/spike", "b/exitatory", delay=1e-3)
    return net


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ns.simulate(pair(), SPAN, dt=2e-3), r"shorter than dt; take dt = 0.001 / 1 s"),
        (lambda: ns.simulate(pair(2.5e-4), SPAN, dt=1e-4), r"dt = 0.00025 / 3 s, a delay of 0.0002 s, or grid='free'"),
        (lambda: ns.simulate(pair(), SPAN, dt="fine"), "dt = 'fine' s must be a number"),
        (lambda: ns.simulate(pair(), SPAN, dt=1e-4, grid="free"), "not both"),
        (lambda: ns.simulate(pair(), SPAN, dt=1e-4, save=["a/v"], print_step=np.nan), "print_step = nan"),
        (lambda: ns.simulate(pair(), 1.0, dt=1e-4), r"t_span = 1.0 must be \(start, stop\)"),
        (lambda: ns.simulate(pair(), SPAN, dt=1e-4, drive={"a/current": 1e-9}), "one of the outer graph"),
        (lambda: ns.simulate(pair(plastic="stpd"), SPAN, dt=1e-4), "no learning rule 'stpd'; did you mean 'stdp'"),
        (lambda: ns.simulate(pair(plastic={"rule": "stdp", "post": "b/spike"}), SPAN, dt=1e-4), "unit of the weight"),
        (lambda: ns.simulate(misspelt(), SPAN, dt=1e-4), "did you mean 'excitatory'"),
        (lambda: ns.neurons.lif(2.5), "whole numbers"),
        (lambda: ns.neurons.lif(10**12), "more than"),
        (lambda: ns.neurons.lif(synapses=["e"]), "mapping from receptor"),
        (lambda: ns.architectures.liquid(135), "lengths of a grid"),
        (lambda: ns.architectures.liquid((10**4, 10**4, 10)), "at most"),
        (lambda: ns.architectures.liquid(projections={}), "give EE, EI, IE, II"),
        (lambda: ns.architectures.balanced(-5), "size = -5"),
        (lambda: ns.poisson_trains([1.0, 2.0], 1.0, 3), "2 rates for 3 elements"),
        (lambda: ns.poisson_trains(1.0, 1.0).jittered(-1.0), "deviation -1.0 s"),
        (lambda: ns.spike_trains("abc"), "numbers"),
        (lambda: ns.spike_trials(pair(), [], [], dt=1e-4, save="b/v"), "no drives"),
    ],
)
def test_refused_by_name(call: Callable[[], object], words: str) -> None:
    with pytest.raises(NeurosimError, match=words):
        call()


@pytest.mark.parametrize("how", [{"dt": 1e-3}, {"grid": "free"}, {}])
def test_a_reset_above_the_threshold_is_told(how: dict[str, Any]) -> None:
    net = ns.neurons.lif(2, reset=[13.5e-3, 16e-3], initial=0.0)
    notes = ns.simulate(net, SPAN, drive=1e-9, **how).attrs["notes"]
    assert any("resets 'v' to its threshold or above" in note for note in notes)
    assert not any("resets" in note for note in ns.simulate(ns.neurons.lif(), SPAN, **how).attrs["notes"])


@pytest.mark.parametrize("how", [{"dt": 1e-4}, {"grid": "free"}, {}])
def test_a_population_of_a_result_has_one_name(how: dict[str, Any]) -> None:
    saved = {"save": ["v"]} if how else {}
    result = ns.simulate(ns.neurons.lif(2, background=[15e-9, 16e-9]), SPAN, **how, **saved)
    assert result.elements("v") == ["v[0]", "v[1]"]
    assert result["v"].shape == (result.axis.size, 2)
    assert np.array_equal(result["v"][:, 1], result["v[1]"])
    assert result.column("v").unit == result.column("v[0]").unit == "V"


def test_sparse_synapses_with_short_term_plasticity_run_in_the_engine_too() -> None:
    net = ns.architectures.liquid((3, 1, 1), inputs=1, input_fraction=1.0, seed=1)
    drive = {"train": ns.spike_trains([[0.002, 0.005, 0.009]])}
    exact = ns.simulate(net, SPAN, grid="free", drive=drive).events
    found = ns.simulate(net, SPAN, drive=drive, rtol=1e-8).events
    assert sum(map(len, exact.values())) > 3
    for name, times in exact.items():
        assert np.asarray(found[name]) == pytest.approx(np.asarray(times), abs=1e-7)
