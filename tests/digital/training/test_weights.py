"""Files of weights: round trip, names and shapes checked, broken files refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse

from neurosim.architectures.elman import elman
from neurosim.digital.network import digital
from neurosim.digital.training.array_file import read_arrays, write_arrays
from neurosim.digital.training.weights import graph_of, load_weights, read_notes, save_weights
from neurosim.errors import FormatError
from neurosim.graph.signal_graph import SignalGraph


def test_round_trip(tmp_path: Path):
    file = tmp_path / "elman.npz"
    graph = elman(2, 5, 1, seed=4)
    save_weights(file, graph, script="train_it.py", seed=4)
    back = load_weights(file, elman(2, 5, 1, seed=0))
    for name, value in graph.weights().items():
        assert (back.weights()[name] == value).all()
    assert read_notes(file) == {"graph": "elman", "script": "train_it.py", "seed": 4}
    first = file.read_bytes()
    save_weights(file, digital(graph), script="train_it.py", seed=4)
    assert file.read_bytes() == first


def test_sparse_weights_keep_their_pattern_and_stored_zeros():
    pattern = sparse.csr_matrix((np.array([1.0, 0.0, 2.0]), ([0, 0, 2], [1, 2, 0])), shape=(3, 3))
    graph = SignalGraph("sparse")
    graph.parameter("W", pattern)
    graph.state("x", 3, time_constant=1.0)
    graph.map("r", 3, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    net = digital(graph)
    moved = graph_of(net.with_parameters(np.array([3.0, 4.0, 5.0])))
    assert moved.weights()["W"] == pytest.approx(np.array([[0, 3, 4], [0, 0, 0], [5, 0, 0]]))
    assert digital(moved).program.p[:3] == pytest.approx([3.0, 4.0, 5.0])


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path):
    file = tmp_path / "weights.npz"
    save_weights(file, elman(2, 5, 1))
    with pytest.raises(FormatError, match=r"'U'.*\(5, 2\), not \(5, 3\)"):
        load_weights(file, elman(3, 5, 1))
    weights = elman(2, 5, 1).weights()
    write_arrays(file, {**weights, "extra": np.zeros(2)}, {})
    with pytest.raises(FormatError, match="'extra'"):
        load_weights(file, elman(2, 5, 1))
    del weights["V"]
    write_arrays(file, weights, {})
    with pytest.raises(FormatError, match="lacks the weights V"):
        load_weights(file, elman(2, 5, 1))


def test_broken_files_are_refused(tmp_path: Path):
    with pytest.raises(FormatError, match="No such file"):
        read_arrays(tmp_path / "none.npz")
    whole = tmp_path / "whole.npz"
    write_arrays(whole, {"a": np.arange(100.0)}, {"k": 1})
    data = whole.read_bytes()
    broken = tmp_path / "broken.npz"
    for content in (b"", b"text", data[:300], data[:-5], data[:80] + b"x" * 40 + data[120:]):
        broken.write_bytes(content)
        with pytest.raises(FormatError, match=r"broken\.npz"):
            read_arrays(broken)
    np.savez(broken, a=np.array([{}], dtype=object), notes=np.array("{}"), **{"arrays/b": np.array([{}], dtype=object)})
    with pytest.raises(FormatError, match=r"broken\.npz"):
        read_arrays(broken)
    np.savez(broken, a=np.zeros(2))
    with pytest.raises(FormatError, match=r"broken\.npz"):
        read_arrays(broken)
