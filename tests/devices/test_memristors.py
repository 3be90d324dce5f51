"""What holds for every memristor, whatever its model: derivatives, pinching, bounds, hysteresis."""

from __future__ import annotations

import numpy as np
import pytest
from memristor_driving import Array, Memristor, memristor, memristors, variants
from scipy.integrate import solve_ivp

from neurosim.devices import devices
from neurosim.devices.device import Device

VARIANTS = [pytest.param(d, g, id=f"{d.name}{''.join(f'-{k}={v:g}' for k, v in g.items())}") for d, g in variants()]
DEVICES = [pytest.param(d, id=d.name) for d in memristors()]
DYNAMIC = [pytest.param(d, id=d.name) for d in memristors() if d.accept is None]


def test_the_registry_holds_the_published_models() -> None:
    assert len(memristors()) >= 12
    levels = [d.netlist.level for d in memristors() if d.netlist]
    assert len(set(levels)) == len(levels)
    assert devices.get("team").netlist.level == 2  # type: ignore[union-attr]
    assert devices.get("yakopcic").netlist.level == 3  # type: ignore[union-attr]
    assert 4 not in levels  # Xyce's PEM model, which is not here


@pytest.mark.parametrize("device", DEVICES)
def test_every_spelling_means_one_parameter(device: Device) -> None:
    for parameter in device.parameters:
        for spelling in (parameter.name, *parameter.aliases):
            assert device.parameter(spelling.upper()) is parameter
            assert spelling not in ("level", "model")


def drawn(m: Memristor, n: int, seed: int) -> Array:
    """Inputs: differences over twice the amplitude of the reference drive, states within their bounds."""
    rng = np.random.default_rng(seed)
    states = m.bounds[:, :1] + (m.bounds[:, 1:] - m.bounds[:, :1]) * rng.random((len(m.bounds), n))
    differences = sum(1 for _, minus in m.device.structure.inputs if minus is not None)
    return np.vstack([m.amplitude * rng.uniform(-2, 2, (differences, n)), states])


def scales(m: Memristor) -> Array:
    differences = sum(1 for _, minus in m.device.structure.inputs if minus is not None)
    return np.concatenate([np.full(differences, m.amplitude), m.bounds[:, 1] - m.bounds[:, 0]])


@pytest.mark.parametrize(("device", "given"), VARIANTS)
def test_derivatives_are_exact(device: Device, given: dict[str, float]) -> None:
    n = 300
    m = memristor(device, n, **given)
    u, scale = drawn(m, n, 1), scales(m)
    F, D = m.law(u)
    for c, size in enumerate(scale):
        h = 1e-6 * size
        up, down = u.copy(), u.copy()
        up[c], down[c] = u[c] + h, u[c] - h
        slope = (m.law(up)[0] - m.law(down)[0]) / (up[c] - down[c])
        # rounding of F, cancelled by the difference, and the curvature over h
        slack = 1e-14 * np.abs(F) / h + 3e-6 * np.abs(slope) + 1e-7 * np.abs(F).max(axis=1, keepdims=True) / size
        close = np.abs(D[:, c] - slope) <= slack
        # a kink of the law lies within h of a few of the points at most
        assert (~close).sum(axis=1).max() <= 1, f"input {device.structure.inputs[c]}"


@pytest.mark.parametrize(("device", "given"), VARIANTS)
def test_derivatives_are_exact_at_the_bounds(device: Device, given: dict[str, float]) -> None:
    n = 100
    m = memristor(device, n, **given)
    scale = scales(m)
    first_state = len(scale) - len(m.bounds)
    for s in range(len(m.bounds)):
        for side in (0, 1):
            u, c = drawn(m, n, 2), first_state + s
            u[c] = m.bounds[s, side]
            h = 1e-6 * scale[c] * (1 if side == 0 else -1)
            points = [u.copy() for _ in range(3)]
            for k, point in enumerate(points):
                point[c] = u[c] + k * h
            F = [m.law(point)[0] for point in points]
            slope = (-3 * F[0] + 4 * F[1] - F[2]) / (2 * h)
            D = m.law(u)[1][:, c]
            slack = 1e-4 * np.abs(slope) + 1e-14 * np.abs(F[0]) / abs(h)
            slack += 1e-6 * np.abs(F[0]).max(axis=1, keepdims=True) / scale[c]
            assert ((np.abs(D - slope) > slack).sum(axis=1) <= 1).all(), (device.structure.states[s].name, side)


@pytest.mark.parametrize(("device", "given"), VARIANTS)
def test_declared_dependence_covers_the_derivatives(device: Device, given: dict[str, float]) -> None:
    dependence = device.structure.dependence
    m = memristor(device, 200, **given)
    D = m.law(drawn(m, 200, 3))[1]
    found = {(int(r), int(c)) for r, c in np.argwhere(np.abs(D).max(axis=2) > 0)}
    if dependence is not None:
        assert found <= set(dependence)


@pytest.mark.parametrize(("device", "given"), VARIANTS)
def test_compiled_law_equals_the_python_law(device: Device, given: dict[str, float]) -> None:
    m = memristor(device, 40, **given)
    u = drawn(m, 40, 4)
    for compiled, plain in zip(m.law(u), m.law(u, compiled=False), strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-11, atol=1e-13 * np.abs(plain).max())


@pytest.mark.parametrize(("device", "given"), VARIANTS)
def test_no_current_flows_without_voltage(device: Device, given: dict[str, float]) -> None:
    assert device.reference["pinched"]
    m = memristor(device, 200, **given)
    u = drawn(m, 200, 5)
    differences = len(u) - len(m.bounds)
    u[:differences] = 0.0
    F, D = m.law(u)
    assert (F[:differences] == 0.0).all()
    assert (D[0, 0] > 0.0).all()


@pytest.mark.parametrize(("device", "given"), VARIANTS)
@pytest.mark.parametrize("voltage", [1e3, 1e6])
def test_laws_stay_finite(device: Device, given: dict[str, float], voltage: float) -> None:
    n = 400
    m = memristor(device, n, **given)
    rng = np.random.default_rng(6)
    u = drawn(m, n, 6)
    differences = len(u) - len(m.bounds)
    u[:differences] = voltage * rng.uniform(-1, 1, (differences, n))
    span = m.bounds[:, 1:] - m.bounds[:, :1]
    u[differences:] += span * rng.choice([0.0, -0.1, 0.1, -5.0, 5.0], (len(span), n))
    F, D = m.law(u)
    assert np.isfinite(F).all()
    assert np.isfinite(D).all()


@pytest.mark.parametrize("device", DEVICES)
def test_current_has_the_sign_of_the_voltage(device: Device) -> None:
    m = memristor(device, 500)
    u = drawn(m, 500, 7)
    F, _ = m.law(u)
    assert (F[0] * u[0] > 0).all(), "a passive element dissipates"


@pytest.mark.parametrize("device", DYNAMIC)
def test_projected_steps_keep_the_bounds_and_reach_both(device: Device) -> None:
    n = 10_000
    m = memristor(device, n)
    rng = np.random.default_rng(8)
    lower, upper = m.state_limits()
    x = np.repeat(m.start, n, axis=1)
    low, high = x.min(axis=1), x.max(axis=1)
    for _ in range(12):
        v = m.amplitude * rng.uniform(-1.5, 1.5, n)
        h = 10.0 ** rng.uniform(-5, -1, n) / m.frequency
        x = np.clip(x + h * m.projected_rates(v, x), lower, upper)
        assert np.isfinite(x).all()
        low, high = np.minimum(low, x.min(axis=1)), np.maximum(high, x.max(axis=1))
    width = m.bounds[0, 1] - m.bounds[0, 0]
    assert high[0] - low[0] > 0.1 * width
    assert (m.projected_rates(v, np.clip(x, lower, upper)) != 0).any()


def loop(device: Device, frequency: float, cycles: int = 2) -> tuple[Array, Array]:
    """Voltage and current over the last cycle of the reference sine at another frequency."""
    m = memristor(device)
    size = (m.bounds[:, 1] - m.bounds[:, 0])[:, None]

    def rate(phase: float, y: Array) -> Array:
        v = np.array([m.amplitude * np.sin(2 * np.pi * phase)])
        return (m.projected_rates(v, y[:, None] * size) / size / frequency)[:, 0]

    phases = np.linspace(cycles - 1, cycles, 401)
    sol = solve_ivp(rate, (0, cycles), (m.start / size)[:, 0], "LSODA", phases, rtol=1e-5, atol=1e-7, max_step=0.02)
    assert sol.success
    v = m.amplitude * np.sin(2 * np.pi * phases)
    return v, memristor(device, v.size).response(v, np.clip(sol.y * size, *m.state_limits()))[0]


def lobe(v: Array, i: Array) -> float:
    """Area between the branches of positive voltage, as a share of the rectangle around the loop."""
    half = v.size // 2
    return abs(np.trapezoid(i[: half + 1], v[: half + 1])) / (v.max() * np.abs(i).max())


@pytest.mark.parametrize("device", DYNAMIC)
def test_loop_is_pinched_and_closes_at_high_frequency(device: Device) -> None:
    frequency = device.reference["drive"]["frequency"]
    v, i = loop(device, frequency)
    area = lobe(v, i)
    assert area > 0.02, "the reference drive gives a visible loop"
    crossings = np.abs(v) < 1e-9 * v.max()
    assert np.abs(i[crossings]).max() < 1e-7 * np.abs(i).max()
    fast, faster = (lobe(*loop(device, k * frequency)) for k in (1e4, 1e6))
    assert fast < 0.5 * area
    assert faster < 0.05 * area
