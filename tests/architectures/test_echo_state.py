"""The echo state network against a loop written out by hand, and its reservoirs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from stepping import check_gradient, randomised

from neurosim.architectures.echo_state import LARGEST_DENSE, TOPOLOGIES, echo_state, radius_of, reservoir
from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph


@pytest.mark.parametrize("feedback", ["none", "teacher", "closed"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_it_is_the_leaky_loop(feedback: str, topology: str) -> None:
    """States to 1e-12 with a = dt / tau, from the same weights."""
    graph = echo_state(2, 30, 2, topology=topology, bias_scaling=0.3, feedback=feedback, time_constant=0.5, seed=3)
    rng = np.random.default_rng(0)
    graph = graph.with_weights({"V": rng.normal(size=(2, 30)), "c": rng.normal(size=2)})
    network = digital(graph, dt=0.15)
    u = rng.normal(size=(40, 2))
    taught = rng.normal(size=(40, 2))
    ports = {"u": u, "teacher": taught}
    run = network.sequence(np.concatenate([ports[n] for n in network.program.inputs.slices], axis=1))
    w, a, x = graph.weights(), 0.15 / 0.5, np.zeros(30)
    for t in range(40):
        drive = w["W"] @ x + w["U"] @ u[t] + w["b"]
        if feedback != "none":
            drive += w["F"] @ (taught[t] if feedback == "teacher" else w["V"] @ x + w["c"])
        x = (1.0 - a) * x + a * np.tanh(drive)
        assert run.states[t, 0] == pytest.approx(x, abs=1e-12)
        assert run.outputs[t, 0] == pytest.approx(w["V"] @ x + w["c"], abs=1e-12)


@pytest.mark.parametrize("topology", ["random", "orthogonal", "cycle", "cycle_jumps"])
def test_spectral_radius(topology: str) -> None:
    made = reservoir(topology, 60, 0.1, 0.83, 1)
    dense = made.toarray() if sparse.issparse(made) else made
    assert np.abs(np.linalg.eigvals(dense)).max() == pytest.approx(0.83, rel=1e-9)
    if topology == "random":
        assert made.nnz == 360
    if topology == "orthogonal":
        assert dense @ dense.T == pytest.approx(0.83**2 * np.eye(60), abs=1e-12)


def test_delay_line_is_a_chain() -> None:
    assert reservoir("delay_line", 4, 0.1, 0.7, 0).toarray() == pytest.approx(0.7 * np.eye(4, k=-1))


@pytest.mark.parametrize(("units", "jumps"), [(6, {(0, 2), (2, 4), (4, 0)}), (7, {(0, 2), (2, 4), (4, 6)})])
def test_jumps_go_both_ways_and_close_where_they_fit(units: int, jumps: set) -> None:
    """As Rodan and Tino draw them: N / l jumps that close, else floor(N / l) that end before the first unit."""
    made = reservoir("cycle_jumps", units, 0.1, 1.0, 0, jump=2, jump_weight=0.25).toarray()
    ring = {((k + 1) % units, k) for k in range(units)}
    both = jumps | {(b, a) for a, b in jumps}
    assert {(int(i), int(j)) for i, j in zip(*np.nonzero(made), strict=True)} == ring | both
    assert made[2, 0] / made[1, 0] == pytest.approx(0.25)


def test_input_weights_of_one_size() -> None:
    weights = echo_state(2, 30, input_weights="signs", input_scaling=0.3).weights()["U"]
    assert set(np.unique(weights)) == {-0.3, 0.3}


def test_spectral_radius_of_large_sparse_matrix_is_that_of_all_eigenvalues() -> None:
    units = LARGEST_DENSE + 50
    rng = np.random.default_rng(0)
    matrix = sparse.random_array((units, units), density=0.02, rng=rng, data_sampler=rng.normal).tocsr()
    assert radius_of(matrix) == pytest.approx(np.abs(np.linalg.eigvals(matrix.toarray())).max(), rel=1e-8)


def test_weights_do_not_depend_on_what_else_there_is() -> None:
    """Teacher and closed form share their weights, so a readout trained in one serves the other."""
    open_loop, closed = (echo_state(1, 20, feedback=kind, seed=5) for kind in ("teacher", "closed"))
    assert list(open_loop.parameters) == list(closed.parameters)
    for name, value in open_loop.weights().items():
        assert (value == closed.weights()[name]).all()
    assert (echo_state(1, 20, seed=5).weights()["W"] == closed.weights()["W"]).all()
    assert (echo_state(1, 20, seed=6).weights()["W"] != closed.weights()["W"]).any()


def test_only_the_readout_is_trained() -> None:
    parameters = echo_state(feedback="closed").parameters
    assert {name for name, p in parameters.items() if p.trainable} == {"V", "c"}


def test_gradient() -> None:
    graph = randomised(echo_state(2, 8, 1, density=0.3, feedback="closed"), scale=0.4)
    network = digital(graph, dt=0.6)
    rng = np.random.default_rng(1)
    check_gradient(network, rng.normal(size=(6, 2, 2)), rng.normal(size=(2, 8)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"topology": "small"}, "topology = 'small' must be one of random"),
        ({"input_weights": "large"}, "input_weights = 'large'"),
        ({"topology": "cycle_jumps", "units": 12, "jump": 7}, "jump = 7 must be from 2 to 5"),
        ({"feedback": "some"}, "feedback = 'some'"),
        ({"inputs": 0}, "needs feedback"),
        ({"density": 0.0}, "density = 0.0"),
        ({"spectral_radius": -1.0}, "spectral_radius = -1.0"),
        ({"units": 3, "density": 0.01, "seed": 1}, "no cycle"),
    ],
)
def test_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        echo_state(**arguments)


def test_without_inputs_it_generates() -> None:
    graph: SignalGraph = echo_state(0, 10, 1, feedback="closed")
    assert not graph.inputs
    assert digital(graph, dt=1.0).sequence(5).outputs.shape == (5, 1, 1)
