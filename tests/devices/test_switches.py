"""Switches: hysteresis, initial state, events, smooth transition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from law_calls import cards, columns, derivative_error, law, new_context

from neurosim.devices import switch_current, switch_voltage
from neurosim.devices.switching import derive, switch_events, switch_jump, switch_start
from neurosim.errors import NetlistError
from neurosim.kernels.abi import INITIAL_POINT, OPERATING_POINT, TRANSIENT

VALUES = {"on_resistance": 10.0, "off_resistance": 1e6, "threshold": 1.0, "hysteresis": 0.25}
device = switch_voltage.device


class Switch:
    """One switch with its memory."""

    def __init__(self, **more: float) -> None:
        self.p = [float(row[0]) for row in derive(columns(device, VALUES | more))]
        self.memory = np.zeros((1, 1))

    def conductance(self, control: float, analysis: float) -> float:
        return law(
            device, [1.0, control], self.p, memory=self.memory, context=new_context(analysis=analysis)
        )[0][0]  # fmt: skip

    def call(self, kernel, control: float, flows: np.ndarray) -> np.ndarray:
        empty = np.zeros(0)
        p = np.array(self.p).reshape(-1, 1)
        kernel(new_context(), np.array([[1.0], [control]]), p, self.memory, empty, empty, flows, np.zeros((2, 2, 1)))
        return flows

    def is_on(self) -> bool:
        return self.conductance(1.0, TRANSIENT) == pytest.approx(0.1)

    def follow(self, controls: list[float]) -> list[bool]:
        """States along a path of the control, crossings found by sign changes as the engine does."""
        old = self.call(switch_events, controls[0], np.zeros((2, 1)))
        states = []
        for control in controls:
            new = self.call(switch_events, control, np.zeros((2, 1)))
            crossed = np.where((old < 0) & (new >= 0), 1.0, np.where((old > 0) & (new <= 0), -1.0, 0.0))
            if crossed.any():
                self.call(switch_jump, control, crossed)
            old = self.call(switch_events, control, np.zeros((2, 1)))
            states.append(self.is_on())
        return states


def test_hysteresis_in_a_transient():
    up_and_down = [0.0, 1.0, 1.2, 1.3, 1.0, 0.8, 0.7, 1.0, 1.3]
    assert Switch().follow(up_and_down) == [False, False, False, True, True, True, False, False, True]


def test_without_hysteresis_a_touch_of_the_threshold_does_not_switch():
    switch = Switch(hysteresis=0.0)
    assert switch.follow([0.0, 1.0, 0.5, 1.0, 1.1, 1.0, 0.9]) == [False, False, False, False, True, True, False]


@pytest.mark.parametrize("analysis", [OPERATING_POINT, INITIAL_POINT])
@pytest.mark.parametrize("initially", [0.0, 1.0])
def test_operating_point(analysis, initially):
    switch = Switch(initially_on=initially)
    between = 0.1 if initially else 1e-6
    path = [(1.0, between), (1.3, 0.1), (1.0, 0.1), (0.7, 1e-6), (1.0, 1e-6)]
    for control, expected in path:
        assert switch.conductance(control, analysis) == pytest.approx(expected)


def test_transient_keeps_the_state_whatever_the_control():
    switch = Switch()
    assert switch.conductance(5.0, TRANSIENT) == pytest.approx(1e-6)


def test_start_sets_the_state():
    switch = Switch()
    switch.call(switch_start, 5.0, np.zeros((2, 1)))
    assert switch.is_on()
    switch.call(switch_start, 0.0, np.zeros((2, 1)))
    assert not switch.is_on()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_smooth_switch(sign):
    smooth = Switch(smooth=1.0, hysteresis=0.25 * sign)
    controls = np.linspace(0.5, 1.5, 201)
    g = np.array([smooth.conductance(c, TRANSIENT) for c in controls])
    assert (np.diff(g) * sign >= 0).all()
    ends = (1e-6, 0.1) if sign > 0 else (0.1, 1e-6)
    assert (g[0], g[-1]) == pytest.approx(ends)
    assert smooth.conductance(1.0, TRANSIENT) == pytest.approx(math.sqrt(0.1 * 1e-6))
    assert smooth.conductance(1.0 + 0.125 * sign, TRANSIENT) > smooth.conductance(1.0, TRANSIENT)
    for c in (0.8, 0.9, 1.1, 1.2):
        assert derivative_error(device, [1.0, c], smooth.p, context=new_context(analysis=TRANSIENT)) < 1e-5


def test_cards():
    models = ".model sm sw(ron=1 roff=1meg vt=2 vh=0.5)\n.model wm csw(it=1m ih=0.1m)\n.model vm vswitch(von=3 voff=1)"
    found = cards(f"v1 1 0 1\ns1 a b 1 0 sm on\nw1 a b v1 wm\ns2 a b 1 0 vm\n{models}", dialect="ngspice")
    assert found["s1"].values == {
        "on_resistance": 1.0, "off_resistance": 1e6, "threshold": 2.0, "hysteresis": 0.5, "initially_on": 1.0,
    }  # fmt: skip
    assert (found["w1"].device, found["w1"].controls) == ("switch_current", ("i(v1)",))
    assert found["w1"].values == {"threshold": 1e-3, "hysteresis": 1e-4}
    assert found["s2"].values == {"threshold": 2.0, "hysteresis": 1.0, "smooth": 1.0, "off_resistance": 1e6}
    assert switch_current.device.parameter("IT").name == "threshold"


def test_negative_hysteresis_is_smooth_in_ltspice_and_refused_elsewhere():
    text = "s1 a b 1 0 sm\n.model sm sw(vt=1 vh=-0.2)"
    values = cards(text, dialect="ltspice")["s1"].values
    assert (values["hysteresis"], values["smooth"]) == (0.2, 1.0)
    with pytest.raises(NetlistError, match="negative"):
        cards(text, dialect="ngspice")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s1 a b 1 0 sm\n.model sm sw(vt=1 ilimit=2)", "ilimit"),
        ("s1 a b 1 0 sm\n.model sm sw(von=1)", "VON"),
        ("s1 a b 1 0 sm\n.model sm vswitch(von=1 voff=1)", "same"),
        ("s1 a b 1 0 sm\n.model sm csw(it=1)", "type"),
    ],
)
def test_refusals_name_the_fault(text, message):
    with pytest.raises(NetlistError, match=message):
        cards(text)
