"""Balanced random networks."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError


def test_wiring_is_as_asked():
    net = ns.architectures.balanced(1000, synapses="coba", seed=2)
    excitatory, inhibitory = (net.parameters[f"W {name}"].value for name in ("excitatory", "inhibitory"))
    assert (excitatory.nnz + inhibitory.nnz) / 1000 == pytest.approx(80.0, rel=0.02)
    assert excitatory.nnz / inhibitory.nnz == pytest.approx(4.0, rel=0.03)
    assert set(excitatory.tocoo().col) == set(range(800))
    assert set(inhibitory.tocoo().col) == set(range(800, 1000))
    assert set(excitatory.data) == {6e-9}


@pytest.mark.parametrize(("synapses", "low", "high"), [("cuba", 3.0, 12.0), ("coba", 10.0, 30.0)])
def test_it_keeps_itself_active_and_irregular(synapses: str, low: float, high: float):
    run = ns.simulate(ns.architectures.balanced(2000, synapses=synapses), (0.0, 0.6), dt=2e-4)
    times = [np.asarray(t)[np.asarray(t) > 0.2] for t in run.events.values()]
    assert low < sum(t.size for t in times) / 2000 / 0.4 < high
    intervals = [np.diff(t) for t in times if t.size > 6]
    assert np.mean([i.std() / i.mean() for i in intervals]) > 0.2


def test_settings_are_checked():
    with pytest.raises(ParameterError, match="synapses = 'coda' must be one of cuba, coba"):
        ns.architectures.balanced(10, synapses="coda")
    with pytest.raises(ParameterError, match=r"excitatory = 1\.5 must be a part"):
        ns.architectures.balanced(10, excitatory=1.5)
