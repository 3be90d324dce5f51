"""Resistor, capacitor, inductor, coupling: cards, temperature, geometry, mass."""

from __future__ import annotations

import numpy as np
import pytest
from law_calls import cards, columns, law

from neurosim.devices import capacitor, coupling, devices, inductor, resistor
from neurosim.errors import NetlistError, ParameterError


def test_resistor_law():
    p = resistor.derive(columns(resistor.device, {"resistance": 50.0, "multiplier": 2.0}))
    F, D = law(resistor.device, [3.0], p)
    assert F[0] == pytest.approx(0.12)
    assert D[0, 0] == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("more", "temperature", "factor"),
    [
        ({}, 350.15, 1 + 50 * 1e-3 + 2500 * 1e-6),
        ({"temperature_rise": 10.0}, 350.15, 1 + 60 * 1e-3 + 3600 * 1e-6),
        ({"instance_temperature": 37.0}, 350.15, 1 + 10 * 1e-3 + 100 * 1e-6),
        ({"measurement_temperature": 47.0}, 350.15, 1 + 30 * 1e-3 + 900 * 1e-6),
    ],
)
@pytest.mark.parametrize(
    ("device", "derive", "main", "power"),
    [
        (resistor.device, resistor.derive, "resistance", -1),
        (capacitor.device, capacitor.derive, "capacitance", 1),
        (inductor.device, inductor.derive, "inductance", 1),
    ],
)
def test_temperature(device, derive, main, power, more, temperature, factor):
    values = {main: 2.0, "temperature_coefficient_1": 1e-3, "temperature_coefficient_2": 1e-6, **more}
    found = derive(columns(device, values, temperature=temperature))[0][0]
    assert found == pytest.approx((2.0 * factor) ** power, rel=1e-12)


def test_cards_in_any_order_of_value_and_model():
    found = cards(
        "r1 a b 1k tc=1e-3,1e-6\nr2 a b rm 2k\nr3 a b 2k rm m=3\nr4 a b r=4k\nc1 a b 1u ic=2\nl1 a b 1m ic=0.1\n"
        ".model rm r(tc1=0.01)"
    )
    assert found["r1"].values == {
        "resistance": 1000.0, "temperature_coefficient_1": 1e-3, "temperature_coefficient_2": 1e-6,
    }  # fmt: skip
    assert found["r2"].values == {"resistance": 2000.0, "temperature_coefficient_1": 0.01}
    assert found["r3"].values == {"resistance": 2000.0, "temperature_coefficient_1": 0.01, "multiplier": 3.0}
    assert found["r4"].values == {"resistance": 4000.0}
    assert found["c1"].values == {"capacitance": 1e-6, "initial_voltage": 2.0}
    assert found["l1"].values == {"inductance": 1e-3, "initial_current": 0.1}


def test_geometry_as_ngspice_39():
    found = cards(
        "rg 1 d rm l=20u w=5u\ncg 1 c cm l=20u w=5u\n"
        ".model rm r rsh=100 narrow=0.5u short=0.3u\n.model cm c cj=1e-3 cjsw=1e-9 narrow=0.5u short=0.3u"
    )
    assert 1.0 / found["rg"].values["resistance"] == pytest.approx(2.061856e-03, rel=1e-6)
    assert found["cg"].values["capacitance"] * 2e3 * np.pi == pytest.approx(8.611105e-10, rel=1e-6)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("r1 a b 0", "0 ohm"),
        ("r1 a b", "no value"),
        ("c1 a b ic=1", "no value"),
        ("r1 a b 1k 2k", "more than one value"),
        ("r1 a b 1k tcc=1", "tcc"),
        ("l1 a b 1m rser=1", "rser"),
        ("r1 a b nomodel", "nomodel"),
        ("r1 a b {v(a)} rsh=0.1", "sheet_resistance"),
        ("k1 l1 l2 1.5\nl1 a 0 1\nl2 b 0 1", "1.5"),
        ("k1 l1 l1 0.5\nl1 a 0 1", "twice"),
    ],
)
def test_refusals_name_the_fault(card, message):
    with pytest.raises(NetlistError, match=message):
        cards(card)


def test_zero_resistance_is_refused_without_a_netlist():
    with pytest.raises(ParameterError, match="voltage source of 0 V"):
        resistor.derive(columns(resistor.device, {"resistance": 0.0}))


def test_initial_values_are_nan_when_not_given():
    assert np.isnan(capacitor.initial_inputs(columns(capacitor.device, {"capacitance": 1e-6}))[0]).all()
    given = {"inductance": 1e-3, "initial_current": 0.5}
    assert inductor.initial_inputs(columns(inductor.device, given)) == {1: np.array([0.5])}


def test_coupling_uses_the_inductances_at_their_temperature():
    values = {"coefficient": 0.5, "inductance_1": 1e-3, "inductance_2": 4e-3, "temperature_coefficient_1_2": 0.01}
    values |= {name: parameter.default for name, parameter in _shared_defaults().items() if name not in values}
    cells = columns(coupling.device, values, temperature=310.15)
    entries = coupling.mass(cells)
    expected = 0.5 * np.sqrt(1e-3 * 4e-3 * 1.1)
    assert entries[0, 1] == pytest.approx(expected)
    assert entries[1, 0] == pytest.approx(expected)


def _shared_defaults() -> dict[str, object]:
    return {f"{p.name}_{side}": p for side in (1, 2) for p in coupling.SHARED if p.default is not None}


def test_coupling_needs_every_parameter_that_changes_an_inductance():
    changing = {p.name for p in inductor.device.parameters} - {"initial_current"}
    assert {name for _, name in coupling.device.needs.values()} == changing
    assert {side for side, _ in coupling.device.needs.values()} == {0, 1}


def test_coupling_of_three_is_three_pairs():
    found = cards("k1 l1 l2 l3 0.5\nl1 a 0 1\nl2 b 0 1\nl3 c 0 1")
    pairs = [i.controls for i in found.values() if i.device == "coupling"]
    assert pairs == [("i(l1)", "i(l2)"), ("i(l1)", "i(l3)"), ("i(l2)", "i(l3)")]
    assert all(i.values["coefficient"] == 0.5 for i in found.values() if i.device == "coupling")


def test_registered():
    assert {"resistor", "capacitor", "inductor", "coupling"} <= set(devices.names())
