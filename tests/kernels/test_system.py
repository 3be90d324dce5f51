"""Gathering and scattering of blocks against dense algebra, in every pattern of places; what depends on the time."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.devices import devices
from neurosim.devices.device import Device
from neurosim.kernels import sparse_lu
from neurosim.kernels import system as layout
from neurosim.kernels.abi import CONTEXT_SIZE, SOURCE_SCALE, TEMPERATURE, TIME, WANT_DERIVATIVES, kernel
from neurosim.kernels.builder import GROUND, BatchSpec, Unknown, build_system


@kernel
def square_law(context, u, p, memory, table, code, F, D):
    for e in range(u.shape[1]):
        F[0, e] = p[0, e] * u[0, e] * u[1, e]
        F[1, e] = u[1, e] * u[1, e] - u[0, e]
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e] = p[0, e] * u[1, e], p[0, e] * u[0, e]
            D[1, 0, e], D[1, 1, e] = -1.0, 2.0 * u[1, e]


@kernel
def driven_law(context, u, p, memory, table, code, F, D):
    for e in range(u.shape[1]):
        F[0, e] = p[0, e] * context[TIME] * u[0, e]
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e] = p[0, e] * context[TIME]


def places(kind: str, count: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Unknowns of `count` instances."""
    if kind == "even":
        stride = int(rng.integers(1, (n - 1) // count + 1)) if count < n else 0
        return rng.integers(0, n - stride * (count - 1)) + stride * np.arange(count)
    if kind == "same":
        return np.full(count, rng.integers(0, n))
    if kind == "ground":
        return np.full(count, GROUND)
    return rng.integers(-1, n, count)


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("count", [1, 3, 60, 301])
def test_flows_and_derivatives_are_those_of_dense_algebra(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    n = 900
    kinds = ("even", "same", "ground", "any")

    def pairs() -> np.ndarray:
        ends = [places(str(rng.choice(kinds)), count, n, rng) for _ in range(4)]
        return np.array(ends).T.reshape(count, 2, 2)

    inputs, flows, p = pairs(), pairs(), rng.uniform(1, 2, (count, 1))
    wiring = ((0, 1, 0.7), (1, 0, -2.0))
    batch = BatchSpec("square", inputs, flows, p, {}, square_law, 2, 2, wiring=wiring)
    system = build_system([Unknown(f"x{i}") for i in range(n)], [batch], held=[0])
    y = rng.standard_normal(n)
    full = np.append(y, 0.0)
    u = full[inputs[..., 0]] - full[inputs[..., 1]]
    F = np.stack([p[:, 0] * u[:, 0] * u[:, 1] + 0.7 * u[:, 1], u[:, 1] ** 2 - 3.0 * u[:, 0]], 1)
    D = np.empty((count, 2, 2))
    D[:, 0, 0], D[:, 0, 1] = p[:, 0] * u[:, 1], p[:, 0] * u[:, 0] + 0.7
    D[:, 1, 0], D[:, 1, 1] = -3.0, 2.0 * u[:, 1]
    f, jacobian = np.zeros(n + 1), np.zeros((n + 1, n + 1))
    for flow_end, flow_sign in ((0, 1.0), (1, -1.0)):
        np.add.at(f, flows[..., flow_end], flow_sign * F)
        for input_end, input_sign in ((0, 1.0), (1, -1.0)):
            place = flows[:, :, None, flow_end], inputs[:, None, :, input_end]
            np.add.at(jacobian, place, flow_sign * input_sign * D)
    np.testing.assert_allclose(system.right_hand_side(0.0, y), f[:n], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(system.jacobian(0.0, y).toarray(), jacobian[:n, :n], rtol=1e-12, atol=1e-12)


def test_only_laws_that_read_the_time_are_timed() -> None:
    inputs = np.array([[[0, GROUND]]])
    still = BatchSpec("still", np.array([[[0, GROUND], [1, GROUND]]]), np.array([[[0, 1], [1, GROUND]]]),
                      np.ones((1, 1)), {}, square_law, 2, 2)  # fmt: skip
    driven = BatchSpec("driven", inputs, inputs, np.full((1, 1), 3.0), {}, driven_law, 1, 1)
    source = BatchSpec("source", inputs, inputs, np.zeros((1, 3)), {}, devices.get("voltage_source").law, 0, 1)
    system = build_system([Unknown("a"), Unknown("b")], [still, driven, source])
    assert system.arrays.batch[:, layout.TIMED].tolist() == [0, 1, 1]


@pytest.mark.parametrize("device", [d for d in devices if d.law and d.derive and not d.specialise and not d.uses_table],
                         ids=lambda d: d.name)  # fmt: skip
def test_a_law_that_changes_in_time_is_found(device: Device) -> None:
    """The derivative in time is taken over the laws that are found to read it."""
    given = {p.name: 1.0 for p in device.parameters if p.default is None and not p.optional}
    values = device.complete({**given, **device.reference.get("instance", {})})
    columns = {name: np.array([value], float) for name, value in values.items()}
    columns |= {"temperature": np.array([300.15]), "nominal_temperature": np.array([300.15])}
    assert device.derive is not None
    assert device.law is not None
    p = np.array([np.broadcast_to(row, 1) for row in device.derive(columns)], float)
    s = device.structure
    nu, nf = s.law_inputs or len(s.inputs), s.law_flows or len(s.flows)
    results = []
    for t in (0.0, 0.37):
        context = np.zeros(CONTEXT_SIZE)
        context[[SOURCE_SCALE, TEMPERATURE, TIME]] = 1.0, 300.15, t
        F = np.zeros((nf, 1))
        memory = np.zeros((max(s.memory_rows, s.scratch_rows), 1))
        device.law(context, np.full((nu, 1), 0.3), p, memory, np.array(s.constants), np.array(s.code), F,
                   np.zeros((nf, nu, 1)))  # fmt: skip
        results.append(F)
    if not np.array_equal(results[0], results[1], equal_nan=True):
        ends = np.zeros((1, nu, 2), int), np.zeros((1, nf, 2), int)
        batch = BatchSpec(device.name, *ends, p.T, {}, device.law, nu, nf, code=s.code, table=s.constants)
        assert build_system([Unknown("a")], [batch]).arrays.batch[0, layout.TIMED] == 1


def test_columns_that_nothing_changes_are_scaled_in_runs() -> None:
    """A crossbar: known voltages, one short column for each state, then the columns that need them all."""
    rng = np.random.default_rng(0)
    m, states = 6, 36
    n = states + m
    a = np.zeros((n, n))
    a[np.arange(states), np.arange(states)] = 4.0 + rng.random(states)
    for k in range(states):
        a[states + k % m, k] = rng.standard_normal()
        a[k, states + k % m] = rng.standard_normal()
    a[states:, states:] = 5.0 * np.eye(m)
    rows, columns = np.nonzero(a.T)[::-1]
    pointer = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n))])
    f = sparse_lu.analyse(n, pointer, rows, a[rows, columns])
    direct = f.lu.run_kind >= sparse_lu.DIRECT
    assert f.status == 0
    assert np.diff(f.lu.run_start.astype(int))[direct].sum() >= states
    b = rng.standard_normal(n)
    np.testing.assert_allclose(a @ f.solve(b), b, rtol=1e-12, atol=1e-12)
    bad = a.copy()
    bad[3, 3] = 0.0
    assert f.refactor(bad[rows, columns]) == -4
    bad[:, 3] = 0.0
    assert f.refactor(bad[rows, columns]) == 4
    assert f.refactor(a[rows, columns]) == 0
    np.testing.assert_allclose(a.T @ f.solve(b, transposed=True), b, rtol=1e-12, atol=1e-12)
