"""Every registered architecture: its declaration, its defaults, its steps, its gradients. No list is kept by hand."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from neurosim.analyses.comparison import compare
from neurosim.architectures import architectures
from neurosim.architectures.architecture import Architecture
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph

ALL = list(architectures)
STEPS, SAMPLES = 4, 3
VALIDATION = Path(__file__).parents[2] / "validation" / "literature"


def example(entry: Architecture) -> SignalGraph:
    """The small instance that an architecture declares."""
    return entry.build(**entry.example)


def network_of(graph: SignalGraph) -> DigitalNetwork:
    """Forward Euler with a step that is no special case, or that of the clock."""
    periods = [clock.period for clock in graph.clocks.values()]
    taus = [np.min(graph.value_of(d["time_constant"], graph.size_of(str(n)), str(n)))
            for n, d in graph.nodes(data=True) if d.get("time_constant") is not None]  # fmt: skip
    dt = periods[0] if periods else 0.7 * float(min(taus))
    delays = [data["delay"] for _, _, data in graph.edges(data=True) if data["delay"] > 0.0]
    return digital(graph, "forward_euler", dt=min(delays) / np.ceil(min(delays) / dt) if delays else dt)


def start(network: DigitalNetwork, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and initial states."""
    program = network.program
    return (
        rng.normal(size=(STEPS, SAMPLES, program.inputs.size)), 0.5 * rng.normal(size=(SAMPLES, program.states.size)),
    )  # fmt: skip


def slope(value, size: float = 1e-4) -> float:
    """Central difference of fourth order at 0."""
    near, far = value(size) - value(-size), value(2 * size) - value(-2 * size)
    return (8.0 * near - far) / (12.0 * size)


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_declaration_is_complete(entry: Architecture) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.name)
    for text in (entry.summary, entry.source.citation, entry.equations, entry.analog, entry.digital, entry.check):
        assert text.strip()
    assert entry.cases
    for case in entry.cases:
        text = (VALIDATION / f"{case}.py").read_text()
        assert f'context.figure("{case.replace("_", " ")}"' in re.sub(r"figure\(\s+", "figure(", text)
    parameters = inspect.signature(entry.build).parameters
    assert all(p.default is not p.empty for p in parameters.values() if p.kind is not p.VAR_KEYWORD)
    assert set(entry.example) <= set(parameters)
    assert inspect.getdoc(entry.build)
    assert isinstance(entry.build(), SignalGraph)


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_building_twice_gives_the_same(entry: Architecture) -> None:
    first, second = example(entry), example(entry)
    assert list(first.parameters) == list(second.parameters)
    for name, value in first.weights().items():
        assert (second.weights()[name] == value).all(), name


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_drive_has_its_derivatives(entry: Architecture) -> None:
    graph = example(entry)
    network = network_of(graph)
    hosts = network.graph.of_kind("host")
    if hosts:
        with pytest.raises(ParameterError, match=hosts[0]):
            compile_graph(graph)
        return
    program, rng = network.program, np.random.default_rng(0)
    inputs, y = start(network, rng)
    u = inputs[0]
    dy, du, dg = rng.normal(size=y.shape), rng.normal(size=u.shape), rng.normal(size=y.shape)
    forward = program.jvp(y, u, dy, du)
    difference = slope(lambda e: program.drive(y + e * dy, u + e * du))
    assert np.abs(forward - difference).max() <= 1e-6 * (1.0 + np.abs(difference).max())
    by_y, by_u, by_p = program.vjp(y, u, dg)
    assert (by_y * dy).sum() + (by_u * du).sum() == pytest.approx((dg * forward).sum(), rel=1e-10, abs=1e-10)
    p = program.p[: by_p.size]
    dp = rng.normal(size=by_p.size)
    wanted = slope(lambda e: (dg * program.with_parameters(p + e * dp).drive(y, u)).sum())
    assert (by_p * dp).sum() == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    jacobian, by_input = program.jacobian(y[0], u[0])
    assert jacobian @ dy[0] + by_input @ du[0] == pytest.approx(forward[0], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_sequence_is_its_steps(entry: Architecture) -> None:
    network = network_of(example(entry))
    inputs, y = start(network, np.random.default_rng(1))
    run = network.sequence(inputs, y)
    assert run.outputs.shape == (STEPS, SAMPLES, network.program.outputs.size)
    assert np.isfinite(run.states).all()
    assert run.final == pytest.approx(run.states[-1], abs=0.0)
    if network.graph.of_kind("host", "hold", "event"):
        again = network.sequence(inputs[:, 1:2], y[1:2])
        assert again.outputs[:, 0] == pytest.approx(run.outputs[:, 1], rel=1e-12, abs=1e-12)
        return
    program = network.program
    a = np.where(program.is_clocked, 1.0, network.dt / program.time_constant)
    leak = np.where(program.is_clocked, 1.0, program.leak)
    for t, u in enumerate(inputs):
        y = (1.0 - a * leak) * y + a * program.drive(y, u)
        assert run.states[t] == pytest.approx(y, rel=1e-12, abs=1e-12)
        assert run.outputs[t] == pytest.approx(program.output(y, u), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_gradient_agrees_with_differences(entry: Architecture) -> None:
    """A random scalar of all outputs and states, by parameters, initial states and inputs."""
    network, rng = network_of(example(entry)), np.random.default_rng(2)
    inputs, y = start(network, rng)
    if network.graph.of_kind("event"):
        with pytest.raises(ParameterError, match="networks with events have no gradient"):
            network.sequence(inputs, y, keep=True)
        return
    p = network.program.p[: network.program.parameters.size].copy()
    run = network.sequence(inputs, y, keep=True)
    by_outputs, by_states = rng.normal(size=run.outputs.shape), rng.normal(size=run.states.shape)
    found = network.gradient(run, by_outputs, d_states=by_states, inputs=True)

    def value(p: np.ndarray, y: np.ndarray, u: np.ndarray) -> float:
        made = network.with_parameters(p).sequence(u, y)
        return float((by_outputs * made.outputs).sum() + (by_states * made.states).sum())

    for place, gradient in enumerate((found.parameters, found.initial, found.inputs)):
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)

            def shifted(e: float, place: int = place, direction: np.ndarray = direction) -> float:
                given = [p, y, inputs]
                given[place] = given[place] + e * direction
                return value(*given)

            wanted = slope(shifted)
            assert abs((gradient * direction).sum() - wanted) <= 1e-6 * (1.0 + abs(wanted))


@pytest.mark.parametrize("entry", ALL, ids=lambda e: e.name)
def test_analog_and_digital_can_be_compared(entry: Architecture) -> None:
    """What ``neurosim compare`` does, in short: halving dt brings the two together."""
    graph = example(entry)
    if graph.clocks:
        found = compare(graph, duration=3.0)
        assert np.array_equal(found.analog, found.twin)
        return
    # A vector field of its own has no leak that says how fast it is.
    is_law = any("law" in data and data["law"] is not None for _, data in graph.nodes(data=True))
    is_eventful = bool(flatten(graph).of_kind("event"))
    duration = 0.5 if is_eventful else 3.0
    found = compare(graph, duration=duration, refinements=1, starts=2, dt=2e-3 if is_law else None)
    coarse, fine = found.steps
    if is_eventful:
        # A tick that falls in another step is an error of the size of the reset, however short the step.
        assert coarse.horizon <= fine.horizon
    else:
        assert 0.0 < fine.error < 0.8 * coarse.error < 0.5
    assert found.analog.shape == found.twin.shape == (found.times.size, len(found.state_names))
    assert found.fixed_points_agree
