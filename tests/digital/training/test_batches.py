"""Batches: each sample once an epoch, in another order each time; arrays in all the forms that are taken."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.architectures.elman import elman
from neurosim.digital.training.batches import as_batch, make_batches
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph

PROGRAM = compile_graph(elman(2, 3, 1))


def test_an_epoch_has_every_sample_once():
    rng = np.random.default_rng(0)
    u, y, mask = rng.normal(size=(4, 10, 2)), rng.normal(size=(4, 10, 1)), rng.random((4, 10))
    source = make_batches((u, y, mask), PROGRAM, 4, seed=3)
    assert source.per_epoch == 3
    orders = []
    for epoch in range(3):
        batches = [source.batch(3 * epoch + k) for k in range(3)]
        rows = np.concatenate([b.rows for b in batches if b.rows is not None])
        assert sorted(rows) == list(range(10))
        assert [b.targets.shape[1] for b in batches] == [4, 4, 2]
        for b in batches:
            assert b.mask is not None
            assert (b.inputs == u[:, b.rows]).all()
            assert (b.targets == y[:, b.rows]).all()
            assert b.weight == pytest.approx(mask[:, b.rows].sum())
        orders.append(rows.tolist())
    assert orders[0] != orders[1] != orders[2]
    assert source.batch(1).rows == pytest.approx(orders[0][4:8])


def test_forms_of_data_agree():
    rng = np.random.default_rng(1)
    u, y = rng.normal(size=(5, 1, 2)), rng.normal(size=(5, 1, 1))
    whole = as_batch((u, y, np.ones((5, 1))), PROGRAM)
    for form in ((u[:, 0], y[:, 0], np.ones(5)), ({"u": u}, {"y": y}, np.ones((5, 1)))):
        other = as_batch(form, PROGRAM)
        for name in ("inputs", "targets", "mask"):
            assert (getattr(other, name) == getattr(whole, name)).all()


def test_a_net_without_inputs_takes_a_number_of_steps():
    graph = SignalGraph("alone")
    graph.state("x", 2, time_constant=1.0)
    graph.port("y", 2, output=True)
    graph.connect("x", "y")
    program = compile_graph(graph)
    assert as_batch((6, np.zeros((6, 2))), program).inputs.shape == (6, 1, 0)
    assert as_batch((6, np.zeros((6, 4, 2))), program).inputs.shape == (6, 4, 0)
    assert as_batch((6, np.zeros((6, 4), int)), program).inputs.shape == (6, 4, 0)
    with pytest.raises(ParameterError, match="targets"):
        as_batch((5, np.zeros((6, 2))), program)


def test_other_things_are_refused():
    with pytest.raises(ParameterError, match="generator"):
        as_batch(np.zeros((3, 2)), PROGRAM)
    with pytest.raises(ParameterError, match="input 'u'"):
        as_batch(({}, np.zeros((3, 1, 1))), PROGRAM)
    with pytest.raises(ParameterError, match="leave out batch_size"):
        make_batches(lambda rng, k: (), PROGRAM, 4, 0)
