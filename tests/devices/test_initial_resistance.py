"""The initial resistance of a memristor instead of its initial state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import read_netlist, simulate
from neurosim.circuit.writer import write_netlist
from neurosim.devices import devices
from neurosim.errors import NetlistError, ParameterError

MODELS = {
    "linear_drift": ("level=101", 100.0, 16e3),
    "team": ("level=2", 50.0, 1e3),
    "vteam": ("level=104", 50.0, 1e3),
}
WITH_RESISTANCE = [device.name for device in devices if "initial_resistance" in device.alternatives]


def netlist(model: str, card: str = "") -> str:
    return f"m\nv1 a 0 1m\nymemristor m1 a 0 cell {card}\n.model cell memristor {model}\n.op\n.end"


def resistance(text: str) -> float:
    result = simulate(read_netlist(text))
    return -1e-3 / float(result["i(v1)"])


def test_every_model_that_takes_it_is_tested():
    assert set(WITH_RESISTANCE) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("mixing", ["linear", "exponential"])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_operating_point_has_the_resistance(name, mixing, share):
    model, on, off = MODELS[name]
    wanted = on + share * (off - on)
    form = "" if name == "linear_drift" else f"resistance={mixing}"
    text = netlist(f"{model} {form} Rinit={wanted!r}")
    assert resistance(text) == pytest.approx(wanted, rel=1e-9)
    assert resistance(write_netlist(read_netlist(text))) == pytest.approx(wanted, rel=1e-9)
    assert resistance(netlist(f"{model} {form}", f"r_init={wanted!r}")) == pytest.approx(wanted, rel=1e-9)


@given(share=st.floats(0.0, 1.0))
def test_it_says_the_same_as_the_state(share):
    device = devices.get("linear_drift")
    by_state = device.complete({"x0": share})
    values = device.complete({"initial_resistance": 16e3 + (100.0 - 16e3) * share})
    assert values["x0"] == pytest.approx(by_state["x0"], abs=1e-14)
    assert 0.0 <= values["x0"] <= 1.0


def test_a_card_replaces_what_its_model_says():
    model = MODELS["linear_drift"][0]
    assert resistance(netlist(f"{model} x0=0.5", "rinit=11k")) == pytest.approx(11e3)
    assert resistance(netlist(f"{model} rinit=11k", "x0=1")) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("model", "card", "message"),
    [
        ("level=101 rinit=11k x0=0.5", "", "initial_resistance = 11000 and x0 = 0.5 (.|\n)*twice"),
        ("level=101", "rinit=11k x0=0.5", "twice"),
        ("level=104 rinit=11k", "", r"11000 ohm is outside r_on, r_off: \[50, 1000\]"),
        ("level=104 rinit=50 ron=50 roff=50", "", "says nothing where r_on = r_off"),
        ("level=101 rinit=-1", "", "rinit|initial_resistance"),
        ("level=103 rinit=1k", "", "unknown parameter 'rinit'"),
    ],
)
def test_refusals(model, card, message):
    with pytest.raises(NetlistError, match=message):
        read_netlist(netlist(model, card))


def test_refused_from_python_too():
    with pytest.raises(ParameterError, match="twice"):
        devices.get("team").complete({"x0": 1e-9, "initial_resistance": 100.0})
