"""Training: gradients, what may change, truncation, exact resume, early stop, and an orbit learnt through time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.architectures.elman import elman
from neurosim.devices.device import Reference
from neurosim.digital.network import digital
from neurosim.digital.rule import Rule
from neurosim.digital.training.backpropagation import train
from neurosim.digital.training.batches import Batch, as_batch
from neurosim.digital.training.losses import LOSSES
from neurosim.digital.training.optimisers import LBFGS, SGD, Adam
from neurosim.digital.training.problem import make_problem
from neurosim.errors import FormatError, ParameterError, SimulationError, UnknownNameError
from neurosim.graph.signal_graph import SignalGraph


def heun_coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
    """Explicit trapezoidal rule on tau x' = -leak x + G."""
    a = dt / tau
    return [[1.0 - a * leak, a], [1.0 - a * leak + 0.5 * (a * leak) ** 2, 0.5 * a * (1.0 - a * leak), 0.5 * a]]


HEUN = Rule(
    name="heun", summary="explicit trapezoidal rule", formula="", leak="", order=2, fixed_points="", stability="",
    source=Reference("Heun (1900)", ""), coefficients=heun_coefficients,
)  # fmt: skip


def task(rng: np.random.Generator, steps: int = 12, samples: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and a nonlinear function of the last two of them."""
    u = rng.normal(size=(steps, samples, 2))
    before = np.concatenate([np.zeros((1, samples, 2)), u[:-1]])
    return u, np.tanh(u[..., :1] - 0.7 * before[..., 1:])


def ctrnn(n: int, rng: np.random.Generator, **state: object) -> SignalGraph:
    """Autonomous tau x' = -x + W tanh(x) + b, outputs the first two states."""
    graph = SignalGraph("ctrnn")
    graph.parameter("W", rng.normal(size=(n, n)) * 1.2 / np.sqrt(n))
    graph.parameter("b", np.zeros(n))
    graph.state("x", n, bias="b", **{"time_constant": 0.5, **state})  # pyright: ignore[reportArgumentType]
    graph.map("r", n, "tanh")
    graph.port("y", 2, output=True)
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    graph.connect("r", "y", source_part=(0, 2))
    return graph


def test_gradient_of_everything_that_can_be_trained():
    """Weights, time constants, leaks, initial states by parameter, initial states by sequence: all by differences."""
    rng = np.random.default_rng(0)
    graph = ctrnn(4, rng, time_constant="tau", initial="x0", leak="leak")
    graph.parameter("tau", [0.5, 0.7, 1.0, 2.0])
    graph.parameter("leak", 1.1)
    graph.parameter("x0", rng.normal(size=4))
    graph.parameter("fixed", np.ones((4, 4)), trainable=False)
    graph.connect("r", "x", weight="fixed", gain=0.1)
    net = replace(digital(graph, "forward_euler", dt=0.1), rule=HEUN)
    batch = as_batch((9, rng.normal(size=(9, 3, 2)), rng.random((9, 3))), net.program)
    rows = rng.normal(size=(3, 4))
    for initial, columns in ((None, ()), (rows, ("x",)), (rows[0], ("x",))):
        problem = make_problem(net, LOSSES["mean_squared_error"], initial, columns, 3)
        x = problem.start()
        assert x.size == 16 + 4 + 4 + 1 + 4 + (0 if initial is None else initial.size)
        value, gradient, _ = problem.gradient(x, batch)
        assert value == pytest.approx(problem.value(x, batch), rel=1e-14)
        e = 1e-6
        for i in range(x.size):
            step = e * (np.arange(x.size) == i)
            slope = (problem.value(x + step, batch) - problem.value(x - step, batch)) / (2 * e)
            assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-9), i


def test_training_learns_and_is_the_same_each_time():
    data = task(np.random.default_rng(1), samples=32)
    first, second = (
        train(elman(2, 8, 1), data, optimiser=Adam(0.02), epochs=60, batch_size=8, seed=3, clip=1.0) for _ in range(2)
    )
    assert first.batches == 240
    assert first.history["loss"][-4:].mean() < 0.03 * first.history["loss"][:4].mean()
    assert (first.network.program.p == second.network.program.p).all()
    other = train(elman(2, 8, 1), data, optimiser=Adam(0.02), epochs=60, batch_size=8, seed=4, clip=1.0)
    assert (first.network.program.p != other.network.program.p).any()
    again = digital(first.graph).sequence(data[0]).outputs
    assert again == pytest.approx(first.network.sequence(data[0]).outputs, abs=0.0)


def test_frozen_and_masked_parameters_stay():
    graph = elman(2, 8, 1)
    mask = np.random.default_rng(0).random((8, 8)) < 0.4
    weights = graph.weights()
    del graph.parameters["W"], graph.parameters["U"]
    graph.parameter("W", weights["W"], mask=mask)
    graph.parameter("U", weights["U"], trainable=False)
    network = train(graph, task(np.random.default_rng(1)), optimiser=SGD(0.1, 0.9, decay=0.1), batches=5).network
    program = network.program
    done = program.parameters.unpack(program.p[: program.parameters.size])
    assert (done["U"] == weights["U"]).all()
    assert not done["W"][~mask].any()
    assert (done["W"][mask] != weights["W"][mask]).all()


@pytest.mark.parametrize("truncate", [None, 5])
def test_a_resumed_run_is_the_uncut_run(tmp_path: Path, truncate: int | None):
    data, file = task(np.random.default_rng(2)), tmp_path / "run.npz"

    def go(batches: int, **options: object):
        return train(
            elman(2, 6, 1), data, optimiser=Adam(0.01), batch_size=4, seed=1, truncate=truncate, clip=0.5,
            schedule=lambda k: 0.99**k, validation=data, validate_every=3, early_stop=50, batches=batches,
            **options,
        )  # fmt: skip

    whole = go(23)
    go(9, checkpoint=file)
    go(14, checkpoint=file, checkpoint_every=4)
    resumed = go(23, checkpoint=file)
    assert (resumed.network.program.p == whole.network.program.p).all()
    for name, values in whole.history.items():
        assert (resumed.history[name] == values).all(), name
    assert resumed.batches == 23
    again = go(23, checkpoint=file)
    assert (again.network.program.p == whole.network.program.p).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.npz"]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    data, file = task(np.random.default_rng(2)), tmp_path / "run.npz"
    train(elman(2, 6, 1), data, batches=2, checkpoint=file)
    with pytest.raises(ParameterError, match="seed = 0, this one has 1"):
        train(elman(2, 6, 1), data, batches=4, seed=1, checkpoint=file)
    with pytest.raises(ParameterError, match="network"):
        train(elman(2, 7, 1), data, batches=4, checkpoint=file)
    with pytest.raises(ParameterError, match="data"):
        train(elman(2, 6, 1), (data[0], data[1] + 1), batches=4, checkpoint=file)
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(FormatError, match=r"run\.npz"):
        train(elman(2, 6, 1), data, batches=4, checkpoint=file)


def test_generated_batches_resume(tmp_path: Path):
    def generator(rng: np.random.Generator, k: int):
        return task(rng, steps=4 + k % 3, samples=5)

    whole = train(elman(2, 5, 1), generator, batches=11, seed=7)
    file = tmp_path / "run.npz"
    train(elman(2, 5, 1), generator, batches=4, seed=7, checkpoint=file)
    resumed = train(elman(2, 5, 1), generator, batches=11, seed=7, checkpoint=file)
    assert (resumed.network.program.p == whole.network.program.p).all()


def test_truncation_carries_states_and_cuts_the_gradient():
    rng = np.random.default_rng(3)
    u, y = task(rng, steps=11)
    net = digital(elman(2, 6, 1))
    problem = make_problem(net, LOSSES["mean_squared_error"], None, (), 6)
    x = problem.start()
    whole = Batch(u, y)
    _, _, first = problem.gradient(x, whole.window(0, 4))
    value, cut, last = problem.gradient(x, whole.window(4, 8), first)
    run = net.sequence(u[:8])
    assert last == pytest.approx(run.final, abs=1e-15)
    assert value == pytest.approx(((run.outputs[4:] - y[4:8]) ** 2).mean(), rel=1e-12)
    exact = net.gradient(net.sequence(u[4:8], run.states[3], keep=True), 2 * (run.outputs[4:] - y[4:8]) / y[4:8].size)
    assert cut == pytest.approx(exact.parameters, rel=1e-12, abs=1e-15)
    # A rate too small to matter: the losses of the windows, weighted, are that of the whole.
    done = train(elman(2, 6, 1), (u, y), optimiser=SGD(1e-14), truncate=4, batches=1)
    assert done.history["loss"][0] == pytest.approx(problem.value(x, whole), rel=1e-10)


def test_early_stop_gives_the_best_weights():
    data = task(np.random.default_rng(4))
    scores = iter([3.0, 1.0, 2.0, 5.0, 0.0])
    seen = []

    def validation(network):
        seen.append(network.program.p.copy())
        return next(scores)

    done = train(elman(2, 5, 1), data, batches=40, validation=validation, validate_every=2, early_stop=2)
    assert done.batches == 8
    assert "2" in done.reason
    assert done.history["validation"].tolist() == [3.0, 1.0, 2.0, 5.0]
    assert done.history["validated_after"].tolist() == [2, 4, 6, 8]
    assert (done.network.program.p == seen[1]).all()


def test_lbfgs_trains_a_linear_readout_to_its_least_squares():
    rng = np.random.default_rng(5)
    u, y = task(rng)
    graph = elman(2, 6, 1)
    for name in ("U", "W", "b"):
        graph.parameters[name].trainable = False
    done = train(graph, (u, y), optimiser=LBFGS(tolerance=1e-12), epochs=300)
    states = digital(graph).sequence(u).states.reshape(-1, 6)
    design = np.column_stack([states, np.ones(len(states))])
    best = np.linalg.lstsq(design, y.ravel(), rcond=None)[0]
    assert np.append(done.graph.weights()["V"], done.graph.weights()["c"]) == pytest.approx(best, abs=1e-6)
    with pytest.raises(ParameterError, match="leave out clip"):
        train(graph, (u, y), optimiser=LBFGS(), epochs=3, clip=1.0)


def test_a_circle_is_learnt_through_a_higher_order_rule():
    """Pearlmutter, Neural Computation 1, 263 (1989): a small continuous net learns an orbit by gradients through time.

    The steps are those of the explicit trapezoidal rule, so that the net is trained as the flow that it stands for:
    with a quarter of the step the trained orbit stays the same to second order.
    """
    steps, dt = 40, 0.1
    phase = 2 * np.pi * np.arange(1, steps + 1) / steps
    circle = 0.5 * np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    net = replace(digital(ctrnn(4, np.random.default_rng(3)), "forward_euler", dt=dt), rule=HEUN)
    start = np.arctanh([0.5, 0.0, 0.0, 0.0])
    done = train(net, (steps, circle), optimiser=LBFGS(), epochs=120, initial=start, trainable_initial=("x",))
    assert done.history["loss"][-1] < 1e-4
    assert done.history["loss"][0] > 0.05
    assert done.initial is not None
    orbit = {}
    for parts in (1, 2, 4):
        fine = replace(done.network, dt=dt / parts)
        orbit[parts] = fine.sequence(parts * steps, done.initial).outputs[parts - 1 :: parts, 0]
    coarse, half = (np.abs(orbit[k] - orbit[4]).max() for k in (1, 2))
    assert coarse < 0.05
    assert 3.5 < coarse / half < 7.0  # (1 - 1/16) / (1/4 - 1/16) = 5 at second order


def test_time_constants_stay_positive():
    graph = ctrnn(3, np.random.default_rng(0), time_constant="tau", initial=0.3)
    graph.parameter("tau", 0.5)
    graph.parameters["W"].value[:] = 0.0
    with pytest.raises(SimulationError, match=r"time constant of state x\[0\]"):
        train(digital(graph, "forward_euler", dt=0.1), (6, np.zeros((6, 2))), optimiser=SGD(1e4), batches=3)


def test_ports_by_name_and_classes():
    graph = elman(2, 5, 3)
    rng = np.random.default_rng(6)
    u, classes = rng.normal(size=(7, 4, 2)), rng.integers(0, 3, (7, 4))
    by_name = train(graph, ({"u": u}, classes), "softmax_cross_entropy", batches=3)
    plain = train(graph, (u, np.eye(3)[classes]), "softmax_cross_entropy", batches=3)
    assert by_name.network.program.p == pytest.approx(plain.network.program.p, abs=1e-14)
    one = train(graph, (u[:, 0], classes[:, 0]), "softmax_cross_entropy", batches=3)
    same = train(graph, (u[:, :1], classes[:, :1]), "softmax_cross_entropy", batches=3)
    assert (one.network.program.p == same.network.program.p).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either epochs or batches"), ({"epochs": 1, "batches": 1}, "either epochs or batches"),
        ({"batches": 1, "truncate": 0}, "truncate = 0"), ({"batches": 1, "clip": -1.0}, "clip"),
        ({"batches": 1, "early_stop": 3}, "validation"), ({"batches": 1, "batch_size": 99}, "batch_size = 99"),
        ({"batches": 1, "initial": np.zeros(3)}, "initial"), ({"batches": 1, "loss": "mse"}, "loss 'mse'"),
        ({"batches": 1, "trainable_initial": ("x",)}, "no state 'x'"),
        ({"batches": 1, "data": (np.zeros((3, 2, 2)), np.zeros((3, 2, 4)))}, "targets"),
        ({"batches": 1, "data": (np.zeros((3, 2, 5)), np.zeros((3, 2, 1)))}, "inputs"),
        ({"batches": 1, "data": (np.full((3, 2, 2), np.nan), np.zeros((3, 2, 1)))}, "not finite"),
        ({"batches": 1, "data": (np.zeros((3, 2, 2)), np.zeros((3, 2, 1)), np.ones(3))}, "mask"),
        ({"batches": 2, "optimiser": SGD(1e200)}, "batch 1|not finite"),
    ],
)  # fmt: skip
def test_errors_say_what(options: dict, words: str):
    data = options.pop("data", task(np.random.default_rng(0)))
    loss = options.pop("loss", "mean_squared_error")
    with pytest.raises((ParameterError, UnknownNameError, SimulationError), match=words):
        train(elman(2, 5, 1), data, loss, **options)
