"""Diode: currents, capacitances and temperature laws of ngspice 39, derivatives, limiting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_calls import cards, columns, derivative_error, law, new_context

from neurosim.devices.device import Instance
from neurosim.devices.diode import derive, device, specialise
from neurosim.devices.junction import limited_junction_voltage
from neurosim.errors import NetlistError

FULL = {
    "saturation_current": 1e-14, "emission_coefficient": 1.2, "junction_capacitance": 2e-12, "junction_potential": 0.8,
    "grading_coefficient": 0.4, "transit_time": 5e-9, "breakdown_voltage": 5.0, "breakdown_current": 1e-3, "area": 2.0,
}  # fmt: skip
KNEE = {"saturation_current": 1e-14, "knee_current": 1e-3, "transit_time": 1e-9}
RECOMBINATION = {
    "saturation_current": 1e-16, "recombination_current": 1e-11, "junction_potential": 0.7, "grading_coefficient": 0.5,
}  # fmt: skip
# ngspice 39, temp=77 tnom=27 gmin=1e-12: voltage, current [A], imaginary part of the current at 1 kHz for 1 V.
NGSPICE = [
    (FULL, -5.2, -2.505340758397594e-01, 2.17385820807189e-04),
    (FULL, -5.05, -3.978473570939500e-03, 3.46335695513457e-06),
    (FULL, -4.9, -6.317804509974392e-05, 6.63941848827331e-08),
    (FULL, -1.0, -5.854392490655771e-12, 1.85934286269117e-08),
    (FULL, -0.05, -3.684460682952804e-12, 2.56473850189939e-08),
    (FULL, 0.3, 1.92468868661700e-08, 3.27088212296439e-08),
    (FULL, 0.5, 4.82314108586915e-06, 4.43710029033161e-08),
    (FULL, 0.75, 4.80744402291348e-03, 4.22100196545842e-06),
    (KNEE, 0.6, 1.13479854664952e-03, 1.60739463528956e-07),
    (KNEE, 0.75, 2.03522323649629e-02, 2.21401176397422e-06),
    (RECOMBINATION, 0.3, 2.90347369162599e-08, None),
    (RECOMBINATION, 0.6, 3.29769075515721e-05, None),
]


def junction(values: dict[str, float], v: float, temperature: float = 350.15, **keywords: Any) -> tuple[float, float]:
    """Current and capacitance at a junction voltage."""
    structure = specialise(Instance("d1", "diode", ("a", "0"), {"transit_time": 1e-30, **values}))
    p = derive(columns(device, values, temperature=temperature))
    F, D = law(device, [v, 0.0], p, structure=structure, **keywords)
    return F[0], -D[1, 0]


@pytest.mark.parametrize(("values", "v", "current", "reactive"), NGSPICE)
def test_agrees_with_ngspice(values, v, current, reactive):
    # ngspice's k/q is 3.4e-7 smaller: at v/vt of 25 that changes a current by 1e-5.
    i, c = junction(values, v)
    assert i == pytest.approx(current, rel=1.5e-5)
    if reactive is not None:
        assert c * 2e3 * math.pi == pytest.approx(reactive, rel=1.5e-5)


def test_agrees_with_ngspice_to_rounding_at_its_own_constants(monkeypatch):
    import neurosim.devices.diode as diode
    import neurosim.devices.junction as shared

    for module in (diode, shared):
        monkeypatch.setattr(module, "BOLTZMANN_OVER_CHARGE", 1.38064852e-23 / 1.6021766208e-19)
    for values, v, current, reactive in NGSPICE:
        i, c = junction(values, v)
        assert i == pytest.approx(current, rel=2e-7)
        if reactive is not None and v > -1:
            assert c * 2e3 * math.pi == pytest.approx(reactive, rel=2e-7)


@settings(max_examples=60, deadline=None)
@given(st.floats(-5.5, 0.8), st.floats(250.0, 400.0), st.sampled_from([FULL, KNEE, RECOMBINATION]))
def test_derivatives_match_differences(v, temperature, values):
    structure = specialise(
        Instance("d1", "diode", ("a", "0"), {"junction_capacitance": 1e-12, "series_resistance": 1.0})
    )
    p = derive(columns(device, values | {"series_resistance": 1.0}, temperature=temperature))
    nvt = float(p[1][0])
    if abs(v + 3 * nvt) < 1e-3 or abs(v + float(p[3][0])) < 1e-3:
        return
    assert derivative_error(device, [v, 1e-12, 0.1], p, structure=structure) < 2e-4


def test_compiled_law_is_the_python_law():
    for v in (-5.1, -0.5, 0.0, 0.4, 0.7):
        assert junction(FULL, v, compiled=True) == pytest.approx(junction(FULL, v), rel=1e-12, abs=1e-25)


def test_charge_is_the_integral_of_the_capacitance():
    from neurosim.devices.junction import depletion_charge

    def of(v: np.ndarray) -> np.ndarray:
        return np.array([depletion_charge(x, 2e-12, 0.8, 0.4, 0.5) for x in v]).T

    # Gauss's rule in each interval; the capacitance has a corner at 0.4 V.
    v = np.concatenate([np.linspace(-3.0, 0.4, 35), np.linspace(0.4, 0.9, 6)[1:]])
    nodes, weights = np.polynomial.legendre.leggauss(8)
    middle, half = 0.5 * (v[1:] + v[:-1]), 0.5 * np.diff(v)
    c = of((middle[:, None] + half[:, None] * nodes).ravel())[1].reshape(-1, 8)
    np.testing.assert_allclose(np.diff(of(v)[0]), half * (c @ weights), atol=1e-24)


def test_structure_has_only_what_the_diode_has():
    def names(values: dict[str, float]) -> list[str]:
        return [i.name for i in specialise(Instance("d1", "diode", ("a", "0"), values)).internals]

    assert names({}) == []
    assert names({"junction_capacitance": 1e-12}) == ["q"]
    assert names({"series_resistance": 1.0}) == ["inner"]
    assert names({"series_resistance": 1.0, "transit_time": 1e-9}) == ["q", "inner"]


def test_limiting_is_a_linearisation_at_the_limited_voltage():
    p = derive(columns(device, {}))
    memory = np.array([[0.6]])
    context = new_context(limiting=1.0)
    F, D = law(device, [5.0], p, context=context, memory=memory)
    from neurosim.kernels.abi import LIMITED

    assert context[LIMITED] == 1.0
    limited = memory[0, 0]
    assert 0.6 < limited < 0.9
    at, slope = law(device, [limited], p, memory=np.zeros((1, 1)))
    assert F[0] == pytest.approx(at[0] + slope[0, 0] * (5.0 - limited), rel=1e-12)
    assert D[0, 0] == pytest.approx(slope[0, 0], rel=1e-12)


def test_newton_with_limiting_finds_the_operating_point():
    p = derive(columns(device, {}))
    memory, v = np.zeros((1, 1)), 0.0
    for _ in range(60):
        F, D = law(device, [v], p, context=new_context(limiting=1.0), memory=memory)
        v -= (F[0] - (5.0 - v) / 1e3) / (D[0, 0] + 1e-3)
    F, _ = law(device, [v], p)
    assert F[0] == pytest.approx((5.0 - v) / 1e3, rel=1e-9)
    assert 0.6 < v < 0.75


def test_limit_never_passes_the_target():
    for new in np.linspace(-20.0, 20.0, 41):
        for old in np.linspace(-5.0, 1.0, 13):
            limited = limited_junction_voltage(new, old, 0.0258, 0.6)
            assert min(new, old) - 1e-9 <= limited <= max(new, old) + 1e-9


def test_no_overflow():
    F, D = law(device, [1000.0], derive(columns(device, {})))
    assert np.isfinite(F).all()
    assert np.isfinite(D).all()


def test_card():
    model = ".model dm d(is=1e-13 n=1.5 m=0.3 cjo=1p kf=1 level=1 mfg=me)"
    found = cards(f"d1 a 0 dm 2 off ic=0.3 m=3 temp=50\n{model}")["d1"]
    assert found.values == {
        "saturation_current": 1e-13, "emission_coefficient": 1.5, "grading_coefficient": 0.3,
        "junction_capacitance": 1e-12, "area": 2.0, "initial_voltage": 0.3, "multiplier": 3.0,
        "instance_temperature": 50.0,
    }  # fmt: skip


def test_unknown_parameter_is_refused_by_name():
    with pytest.raises(NetlistError, match="vfwd"):
        cards("d1 a 0 dm\n.model dm d(vfwd=0.5)")
