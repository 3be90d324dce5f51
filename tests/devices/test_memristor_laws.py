"""Each memristor against the published special cases of its own law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memristor_driving import TEMPERATURE, Array, call, memristor
from scipy.integrate import solve_ivp

from neurosim.devices import devices
from neurosim.devices.memristor_metastable_switch import accept, start
from neurosim.devices.memristor_random_numbers import binomial, uniform
from neurosim.devices.memristor_windows import WINDOWS, mixed_conductance, window
from neurosim.errors import ParameterError

quick = settings(deadline=None, max_examples=50)
THERMAL = 1.380649e-23 / 1.602176634e-19 * TEMPERATURE


def rate(m, v: float, *x: float) -> float:
    return float(m.response(np.array([float(v)]), np.array(x, float)[:, None])[1][0, 0])


def current(m, v: float, *x: float) -> float:
    return float(m.response(np.array([float(v)]), np.array(x, float)[:, None])[0][0])


def followed(m, v, t_end: float, x0: float, scale: float = 1.0, **options) -> object:
    """Solution of the state equation for the voltage v(t), without bounds, in units of `scale`."""
    return solve_ivp(
        lambda t, x: [rate(m, v(t), x[0] * scale) / scale], (0, t_end), [x0 / scale],
        **{"method": "DOP853", "rtol": 1e-11, "atol": 1e-13, **options},
    )  # fmt: skip


# --- windows ----------------------------------------------------------------------------------------------------------


def shape(name: str, s: float, upwards: bool = True, p: float = 2.0, j: float = 1.0) -> tuple[float, float]:
    return window(WINDOWS.index(name), s, upwards, p, j, 0.0, 1.0, 0.05)


@pytest.mark.parametrize("p", [1.0, 2.0, 7.0, 10.0])
@pytest.mark.parametrize("name", ["joglekar", "prodromakis", "strukov"])
def test_symmetric_windows_vanish_at_both_ends_and_peak_in_the_middle(name: str, p: float) -> None:
    assert shape(name, 0.0, p=p)[0] == pytest.approx(0.0, abs=1e-15)
    assert shape(name, 1.0, p=p)[0] == pytest.approx(0.0, abs=1e-15)
    peak = {"joglekar": 1.0, "prodromakis": 1.0 - 0.75**p, "strukov": 0.25}[name]
    assert shape(name, 0.5, p=p)[0] == pytest.approx(peak, rel=1e-14)
    assert shape(name, 0.5, p=p)[1] == 0.0
    assert shape(name, 0.2, p=p)[0] == pytest.approx(shape(name, 0.8, p=p)[0], rel=1e-12)


def test_prodromakis_is_scaled_by_j() -> None:
    assert shape("prodromakis", 0.5, j=3.0)[0] == pytest.approx(3.0 * (1.0 - 0.75**2))


def test_biolek_lets_a_state_leave_the_end_it_came_to() -> None:
    assert shape("biolek", 1.0, upwards=True)[0] == 0.0
    assert shape("biolek", 1.0, upwards=False)[0] == 1.0
    assert shape("biolek", 0.0, upwards=False)[0] == 0.0
    assert shape("biolek", 0.0, upwards=True)[0] == 1.0


def test_kvatinsky_is_open_on_the_way_in_and_shut_at_its_place() -> None:
    assert shape("kvatinsky", 0.5)[0] == pytest.approx(math.exp(-math.exp(-0.5 / 0.05)))
    assert shape("kvatinsky", 1.0)[0] == pytest.approx(math.exp(-1.0))
    assert shape("kvatinsky", 0.0, upwards=False)[0] == pytest.approx(math.exp(-1.0))
    assert shape("kvatinsky", 1.0, upwards=False)[0] == pytest.approx(1.0, abs=1e-8)


@quick
@given(
    st.sampled_from(WINDOWS), st.floats(-0.3, 1.3), st.booleans(), st.floats(1.0, 10.0), st.sampled_from([1e-6, -1e-6])
)
def test_window_slopes(name: str, s: float, upwards: bool, p: float, h: float) -> None:
    (f, slope), (g, other) = shape(name, s, upwards, p), shape(name, s + h, upwards, p)
    assert (g - f) / h == pytest.approx(0.5 * (slope + other), rel=1e-5, abs=1e-5)


@quick
@given(st.floats(0, 1))
def test_mixed_conductance(s: float) -> None:
    assert mixed_conductance(0, s, 100.0, 16e3)[0] == pytest.approx(1 / (100.0 + 15.9e3 * s), rel=1e-14)
    assert mixed_conductance(1, s, 100.0, 16e3)[0] == pytest.approx(1 / (100.0 * 160.0**s), rel=1e-13)


# --- linear drift -----------------------------------------------------------------------------------------------------


def test_linear_drift_follows_the_flux() -> None:
    m = memristor("linear_drift")
    k, r0, r_on, r_off = 1e4, 11e3, 100.0, 16e3
    sol = followed(m, lambda t: math.sin(2 * math.pi * t), 1.0, 5 / 15.9, t_eval=np.linspace(0, 1, 21))
    flux = (1 - np.cos(2 * np.pi * sol.t)) / (2 * np.pi)
    resistance = r_on * sol.y[0] + r_off * (1 - sol.y[0])
    np.testing.assert_allclose(resistance, np.sqrt(r0**2 - 2 * (r_off - r_on) * k * flux), rtol=1e-9)
    assert resistance.min() == pytest.approx(math.sqrt(r0**2 - 2 * (r_off - r_on) * k / math.pi), rel=1e-9)


def test_linear_drift_switching_time() -> None:
    m = memristor("linear_drift")
    done = lambda t, x: x[0] - 1.0
    done.terminal = True  # type: ignore[attr-defined]
    sol = followed(m, lambda t: 1.0, 1.0, 0.0, events=done)
    assert sol.t_events[0][0] == pytest.approx(0.01 * (1 + 159 / 2) / 1.0, rel=1e-9)


def test_linear_drift_with_joglekar_window_is_trapped_at_the_ends_and_with_biolek_is_not() -> None:
    for x in (0.0, 1.0):
        assert rate(memristor("linear_drift", window="joglekar"), 1.0 - 2.0 * x, x) == 0.0
        assert abs(rate(memristor("linear_drift", window="biolek"), 1.0 - 2.0 * x, x)) > 0.0


# --- threshold models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("v", [0.05, 0.5])
def test_vteam_switching_time_towards_high_resistance(v: float) -> None:
    m = memristor("vteam")
    done = lambda t, x: x[0] - 3.0
    done.terminal = True  # type: ignore[attr-defined]
    expected = 3e-9 / (5e-4 * (v / 0.02 - 1))
    sol = followed(m, lambda t: v, 2 * expected, 0.0, scale=1e-9, events=done)
    assert sol.t_events[0][0] == pytest.approx(expected, rel=1e-9)


def test_vteam_speed_towards_low_resistance() -> None:
    assert rate(memristor("vteam"), -0.5, 1e-9) == pytest.approx(-10.0 * (0.5 / 0.2 - 1) ** 3, rel=1e-14)


@quick
@given(st.floats(-0.2, 0.02), st.floats(0, 3e-9))
def test_vteam_rests_exactly_between_its_thresholds(v: float, w: float) -> None:
    assert rate(memristor("vteam"), v, w) == 0.0


@quick
@given(st.floats(-8.8e-6, 114e-6), st.floats(0, 1), st.sampled_from(["linear", "exponential"]))
def test_team_rests_exactly_between_its_thresholds(i: float, s: float, form: str) -> None:
    m = memristor("team", resistance=form)
    r = 50.0 + 950.0 * s if form == "linear" else 50.0 * 20.0**s
    assert rate(m, i * r, 3e-9 * s) == 0.0
    assert current(m, i * r, 3e-9 * s) == pytest.approx(i, rel=1e-12)


def test_team_speed_beyond_its_thresholds() -> None:
    m = memristor("team", window="none")
    r = 50.0 + 950.0 / 3
    assert rate(m, 230e-6 * r, 1e-9) == pytest.approx(8e-13, rel=1e-12)
    assert rate(m, -3 * 8.9e-6 * r, 1e-9) == pytest.approx(-8e-13 * 2**3, rel=1e-12)
    windowed = memristor("team", window="kvatinsky")
    assert rate(windowed, 230e-6 * r, 1e-9) == pytest.approx(8e-13 * math.exp(-math.exp(-2e-9 / 107e-12)), rel=1e-12)


def test_team_and_yakopcic_take_the_names_of_xyce() -> None:
    team = "RON ROFF KON KOFF ALPHAON ALPHAOFF ION IOFF XON XOFF AON AOFF WC WT D P J XSCALING IVRELATION"
    yakopcic = "ETA VP VN AP AN A1 A2 B ALPHAP ALPHAN XP XN XO XSCALING"
    for name, spellings in (("team", team), ("yakopcic", yakopcic)):
        found = {devices.get(name).parameter(s).name for s in spellings.split()}
        assert len(found) == len(spellings.split())
    assert WINDOWS[:5] == ("none", "joglekar", "biolek", "prodromakis", "kvatinsky")


def test_yakopcic_thresholds_and_speed() -> None:
    m = memristor("yakopcic")
    for v in (0.0, 0.16, -0.15, 0.1599):
        assert rate(m, v, 0.2) == 0.0
    assert rate(m, 0.4, 0.2) == pytest.approx(4000 * (math.exp(0.4) - math.exp(0.16)), rel=1e-13)
    slowed = math.exp(-(0.6 - 0.3)) * ((0.3 - 0.6) / 0.7 + 1)
    assert rate(m, 0.4, 0.6) == pytest.approx(4000 * (math.exp(0.4) - math.exp(0.16)) * slowed, rel=1e-13)
    assert rate(m, -0.4, 0.8) == pytest.approx(-4000 * (math.exp(0.4) - math.exp(0.15)), rel=1e-13)
    slowed = math.exp(5 * (0.2 + 0.5 - 1)) * 0.2 / 0.5
    assert rate(m, -0.4, 0.2) == pytest.approx(-4000 * (math.exp(0.4) - math.exp(0.15)) * slowed, rel=1e-13)
    assert rate(m, 0.4, 1.0) == pytest.approx(0.0, abs=1e-12)
    assert rate(m, -0.4, 0.0) == 0.0
    assert rate(memristor("yakopcic", eta=-1.0), 0.4, 0.8) == pytest.approx(-rate(m, 0.4, 0.1), rel=1e-13)
    assert current(memristor("yakopcic", a2=0.3), -0.4, 0.5) == pytest.approx(-0.15 * math.sinh(0.02), rel=1e-13)


@quick
@given(st.floats(-6, 6), st.floats(1e3, 10e3))
def test_threshold_rate_is_piecewise_linear(v: float, r: float) -> None:
    m = memristor("threshold", alpha=3e9, beta=2e12)
    published = 2e12 * v + 0.5 * (3e9 - 2e12) * (abs(v + 1.6) - abs(v - 1.6))
    assert rate(m, v, r) == pytest.approx(published, rel=1e-9, abs=1e-2)
    if abs(v) <= 1.6:
        assert rate(memristor("threshold"), v, r) == 0.0
    assert current(m, v, r) == pytest.approx(v / r, rel=1e-14)


# --- drift, tunnelling, filaments -------------------------------------------------------------------------------------


def test_nonlinear_drift() -> None:
    m = memristor("nonlinear_drift", window="none")
    assert rate(m, -1.2, 0.4) == pytest.approx(-4 * 1.2**13, rel=1e-13)
    assert current(m, 0.7, 0.9) == pytest.approx(0.9**14 * 9 * math.sinh(1.4) + 0.01 * math.expm1(2.8), rel=1e-13)
    assert current(m, -0.7, 0.0) == pytest.approx(0.01 * math.expm1(-2.8), rel=1e-13)


def barrier_current(v: float, w: float) -> float:
    """Simmons's formula in nm, eV and A, with the rounded constants of the published SPICE model (recalled)."""
    lam = 0.0998 / w
    w1 = 0.1261
    w2 = w1 + w * (1 - 9.2 * lam / (2.85 + 4 * lam - 2 * v))
    dw = w2 - w1
    phi = 0.95 - v * (w1 + w2) / w - 1.15 * lam * w / dw * math.log(w2 * (w - w1) / (w1 * (w - w2)))
    k = 10.246 * dw
    return 0.0617 / dw**2 * (phi * math.exp(-k * phi**0.5) - (phi + v) * math.exp(-k * (phi + v) ** 0.5))


@pytest.mark.parametrize("w", [1.1, 1.3, 1.8, 2.2])
@pytest.mark.parametrize("v", [0.01, 0.1, 0.3])
def test_simmons_barrier_carries_the_published_current(v: float, w: float) -> None:
    m = memristor("simmons_pickett")
    for sign in (1, -1):
        F, _ = m.law(np.array([[sign * v], [0.05], [w * 1e-9]]))
        assert F[0, 0] == pytest.approx(sign * barrier_current(v, w), rel=5e-3)
        assert F[1, 0] == pytest.approx(0.05 / 215, rel=1e-14)


@pytest.mark.parametrize("height", [0.6, 0.95, 3.0])
@pytest.mark.parametrize("dielectric", [3.0, 5.0, 20.0])
def test_simmons_current_rises_with_the_voltage(height: float, dielectric: float) -> None:
    v = np.linspace(1e-3, 4, 400)
    m = memristor("simmons_pickett", v.size, barrier_height=height, dielectric_constant=dielectric)
    for w in (1e-9, 1.2e-9, 1.7e-9, 3e-9):
        F, D = m.law(np.vstack([v, v, np.full_like(v, w)]))
        assert (np.diff(F[0]) > 0).all()
        assert (D[0, 0] > 0).all()
        assert D[0, 0, -1] == pytest.approx(1 / 215)


def test_simmons_narrows_much_faster_than_it_widens() -> None:
    m = memristor("simmons_pickett")
    i, w = 100e-6, 1.6e-9

    def published(speed: float, scale: float, place: float, s: float) -> float:
        damping = -math.exp(s * (w - place) / 107e-12 - i / 500e-6) - w / 107e-12
        return s * speed * math.sinh(i / scale) * math.exp(damping)

    off, on = published(3.5e-6, 115e-6, 1.2e-9, 1), published(40e-6, 8.9e-6, 2.0e-9, -1)
    assert m.law(np.array([[0.1], [215 * i], [w]]))[0][2, 0] == pytest.approx(off, rel=1e-9)
    assert m.law(np.array([[-0.1], [-215 * i], [w]]))[0][2, 0] == pytest.approx(on, rel=1e-9)
    assert -on / off > 1e5


def test_stanford_time_falls_exponentially_with_the_voltage() -> None:
    m = memristor("stanford_rram")
    for g in (0.3e-9, 1.2e-9):
        gamma = 16.5 - 1.25 * (g / 1e-9) ** 3
        slope = (math.log(-rate(m, 1.0, g, 0.0)) - math.log(-rate(m, 0.8, g, 0.0))) / 0.2
        assert slope == pytest.approx(gamma * 0.25 / 5 / THERMAL, rel=1e-9)
        assert rate(m, 1.0, g, 0.0) == pytest.approx(
            -150 * math.exp((-1.501 + gamma * 0.05) / THERMAL), rel=1e-6
        )  # the reverse hop is e^-50 of it
    assert rate(m, 1.0, 1e-9, 0.0) < 0 < rate(m, -1.0, 1e-9, 0.0)


def test_stanford_filament_heats_and_speeds_up() -> None:
    m = memristor("stanford_rram")
    v, g = -1.0, 0.4e-9
    i = current(m, v, g, 0.0)
    assert i == pytest.approx(-6.14e-5 * math.exp(-0.4 / 0.27505) * math.sinh(1 / 0.43), rel=1e-12)
    rest = i * v * 2.3e-10 / 3.1825e-16
    F, _ = m.law(np.array([[v], [g], [rest]]))
    assert F[2, 0] == pytest.approx(0.0, abs=1e-9 * rest / 2.3e-10)
    assert rate(m, v, g, 300.0) > 1e3 * rate(m, v, g, 0.0)


def test_nanowire_filament_grows_rests_and_decays() -> None:
    m = memristor("nanowire_junction")
    for v in (0.0051, 0.0099, -0.007, 0.01, -0.01, 0.005):
        assert rate(m, v, 0.004) == 0.0
    assert rate(m, 0.2, 0.0) == pytest.approx(0.19, rel=1e-14)
    assert rate(m, -0.2, 0.004) == pytest.approx(-0.19, rel=1e-14)
    assert rate(m, 0.003, 0.004) == pytest.approx(-10 * 0.002, rel=1e-14)
    assert rate(m, -0.003, -0.004) == pytest.approx(10 * 0.002, rel=1e-14)
    assert rate(m, 0.0, 0.0) == 0.0
    sol = followed(m, lambda t: 0.0, 0.3, 0.01, scale=0.01, method="LSODA", rtol=1e-8, max_step=1e-2, atol=1e-10)
    np.testing.assert_allclose(sol.y[0], np.maximum(1 - sol.t * 10 * 0.005 / 0.01, 0), atol=1.1e-3)


@pytest.mark.parametrize("flux", [0.0, 0.004, -0.008, 0.0099])
def test_nanowire_conductance_variants(flux: float) -> None:
    d, r_on, r_off = 5 * (0.01 - abs(flux)) / 0.01, 12.9e3, 12.9e6

    def conductance(front: float, power: float) -> float:
        return 1 / (front / 0.17 / 0.81**0.5 * math.exp(10.19 * 0.81**power * d) / 4.71307e-5 + r_on) + 1 / r_off

    expected = {
        "tunnelling": conductance(2 * d, 2),
        "tunnelling_squared_gap": conductance(2 * d * d, 2),
        "tunnelling_root_barrier": conductance(d, 0.5),
        "binary": 1 / r_off,
    }
    for variant, g in expected.items():
        assert current(memristor("nanowire_junction", conductance=variant), 0.01, flux) == pytest.approx(
            0.01 * g, rel=1e-12
        )


def test_nanowire_closed_filament() -> None:
    for flux in (0.01, 0.012, -0.015):
        m = memristor("nanowire_junction")
        assert current(m, 1.0, flux) == pytest.approx(1 / 12.9e3 + 1 / 12.9e6, rel=1e-12)
        assert current(memristor("nanowire_junction", conductance="binary"), 1.0, flux) == pytest.approx(1 / 12.9e3)


@pytest.mark.parametrize("v", [0.2, -0.9])
def test_rate_balance_relaxes_exponentially(v: float) -> None:
    m = memristor("rate_balance")
    up, down = 1e-4 * math.exp(10 * abs(v)), 0.5 * math.exp(-abs(v))
    sol = followed(m, lambda t: v, 3.0, 0.3, t_eval=[1.0, 3.0])
    rest = up / (up + down)
    np.testing.assert_allclose(sol.y[0], rest + (0.3 - rest) * np.exp(-(up + down) * sol.t), rtol=1e-9)
    assert current(m, v, 0.25) == pytest.approx(v * (0.75e-3 + 0.25 * 0.1), rel=1e-13)


# --- metastable switches ----------------------------------------------------------------------------------------------


def probabilities(v: float, threshold: float = 0.27) -> tuple[float, float]:
    return 1 / (1 + math.exp(-(v - threshold) / THERMAL)), 1 / (1 + math.exp((v + threshold) / THERMAL))


@pytest.mark.parametrize("v", [0.3, -0.25])
def test_metastable_switches_relax_exponentially(v: float) -> None:
    on, off = probabilities(v)
    times = np.array([1e-5, 1e-4, 1e-3])
    sol = followed(memristor("metastable_switch"), lambda t: v, 1e-3, 0.4, t_eval=times)
    rest = on / (on + off)
    np.testing.assert_allclose(sol.y[0], rest + (0.4 - rest) * np.exp(-(on + off) * times / 1e-4), rtol=1e-9)


def test_metastable_switch_schottky_branch() -> None:
    m = memristor("metastable_switch", reverse_factor=1e-4)
    branch = 8e-4 * math.expm1(4 * 0.3) - 1e-4 * math.expm1(-4 * 0.3)
    assert current(m, 0.3, 0.25) == pytest.approx(0.8 * 0.3 * (0.25 / 500 + 0.75 / 1500) + 0.2 * branch, rel=1e-12)


def thrown(v: float, steps: int, h: float, n: int, switches: int, x0: float, compiled: bool = True, **given) -> Array:
    """States after each of `steps` accepted steps, shape (steps, n)."""
    m = memristor("stochastic_metastable_switch", n, switches=switches, **given)
    memory, x, history = np.full((1, n), 99.0), np.full(n, x0), []
    call(start, m.device, np.zeros((2, n)), m.p, memory, compiled=compiled)
    for _ in range(steps):
        F, _ = call(accept, m.device, np.vstack([np.full(n, v), x]), m.p, memory, step=h, compiled=compiled)
        x = F[1]
        history.append(x)
    return np.array(history)


def test_switches_follow_the_master_equation_in_mean_and_variance() -> None:
    v, h, steps, switches, n = 0.01, 2e-5, 10, 50, 4000
    on, off = probabilities(v, 0.0)
    t = h * np.arange(1, steps + 1)
    rest = on / (on + off)
    mean = rest + (0.2 - rest) * np.exp(-(on + off) * t / 1e-4)
    x = thrown(v, steps, h, n, switches, 0.2, v_on=0.0, v_off=0.0)
    assert ((x >= 0) & (x <= 1)).all()
    np.testing.assert_allclose(x * switches, np.round(x * switches), atol=1e-9)
    assert np.abs((x.mean(axis=1) - mean) / (x.std(axis=1) / np.sqrt(n))).max() < 4.5
    late = thrown(v, 30, 1e-4, n, switches, 0.2, v_on=0.0, v_off=0.0)[-1]
    assert late.var() == pytest.approx(rest * (1 - rest) / switches, rel=4.5 * math.sqrt(2 / n))


def test_switches_do_not_depend_on_how_the_time_is_divided() -> None:
    from scipy import stats

    coarse = thrown(0.02, 1, 8e-5, 4000, 40, 0.3, seed=1, v_on=0.0, v_off=0.0)[-1]
    fine = thrown(0.02, 16, 5e-6, 4000, 40, 0.3, seed=2, v_on=0.0, v_off=0.0)[-1]
    assert stats.ks_2samp(coarse, fine).pvalue > 1e-4


def test_switches_repeat_and_differ_between_seeds_instances_and_steps() -> None:
    first = thrown(0.28, 5, 2e-5, 8, 100, 0.5, seed=3)
    np.testing.assert_array_equal(first, thrown(0.28, 5, 2e-5, 8, 100, 0.5, seed=3))
    np.testing.assert_array_equal(first, thrown(0.28, 5, 2e-5, 8, 100, 0.5, seed=3, compiled=False))
    assert (first != thrown(0.28, 5, 2e-5, 8, 100, 0.5, seed=4)).mean() > 0.5
    assert len(np.unique(first[-1])) > 3
    assert len(np.unique(np.diff(first, axis=0))) > 3


def test_uniform_numbers_are_uniform_and_independent() -> None:
    from scipy import stats

    columns = [
        np.array([uniform(7, 0, 0, k) for k in range(4000)]),
        np.array([uniform(7, 0, k, 0) for k in range(4000)]),
        np.array([uniform(7, k, 0, 0) for k in range(4000)]),
        np.array([uniform(k, 0, 0, 0) for k in range(4000)]),
    ]
    for u in columns:
        assert stats.kstest(u, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 4.5 / math.sqrt(4000)
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 4.5 / math.sqrt(4000)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (20, 0.05), (20, 0.7), (200, 0.01)])
def test_binomial_numbers(n: int, p: float) -> None:
    from scipy import stats

    drawn = np.array([binomial(n, p, 11, 0, step, 0) for step in range(3000)])
    counts = np.bincount(drawn, minlength=n + 1)
    expected = 3000 * stats.binom.pmf(np.arange(n + 1), n, p)
    kept = expected > 5
    statistic = ((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum()
    assert stats.chi2.sf(statistic, kept.sum() - 1 or 1) > 1e-4
    assert binomial(n, 0.0, 1, 2, 3, 4) == 0
    assert binomial(n, 1.0, 1, 2, 3, 4) == n


@pytest.mark.parametrize("given", [{"switches": 10.5}, {"seed": 0.5}])
def test_switches_and_seed_are_whole_numbers(given: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(given))}.*whole"):
        memristor("stochastic_metastable_switch", **given)


def test_largest_step_resolves_the_switches() -> None:
    device = devices.get("stochastic_metastable_switch")
    assert device.largest_step is not None
    assert device.largest_step({"tau": np.array([1e-3, 1e-4])}) == pytest.approx(5e-6)
