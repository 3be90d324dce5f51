"""Transmission line: history of waves, law, frequency response, cards."""

from __future__ import annotations

import numpy as np
import pytest
from law_calls import cards, columns, law, new_context

from neurosim import read_netlist, simulate
from neurosim.devices.history import CAPACITY, INTERVALS, ROWS, clear, next_corner, pass_corner, past_value, store
from neurosim.devices.transmission_line import HISTORY, derive, device, frequency_response, line_accept, line_start
from neurosim.errors import NetlistError, ParameterError, SimulationError
from neurosim.kernels.abi import INITIAL_POINT, TIME, TRANSIENT

VALUES = {"impedance": 50.0, "delay": 1.0}


def filled(times: np.ndarray, function, spacing: float = 1.0 / INTERVALS, corners=()) -> np.ndarray:
    memory = np.zeros((ROWS, 1))
    clear(memory, 0, 0)
    for t in times:
        store(memory, 0, 0, t, spacing, function(t), -function(t), bool(np.isclose(t, corners).any()))
    return memory


def test_history_is_of_sixth_order():
    errors = []
    for n in (20, 40):
        memory = filled(np.linspace(0.0, 1.0, n + 1), lambda t: np.sin(7.0 * t))
        at = np.linspace(0.0, 1.0, 333)
        found = [past_value(memory, 0, 0, 0, t) for t in at]
        errors.append(np.abs(found - np.sin(7.0 * at)).max())
    assert errors[0] < 1e-4
    assert errors[0] / errors[1] > 40.0


def test_history_keeps_corners():
    memory = filled(np.linspace(0.0, 2.0, 21), lambda t: max(0.0, t - 1.0), corners=[1.0])
    assert past_value(memory, 0, 0, 0, 1.2) == pytest.approx(0.0, abs=1e-12), "continued until the corner is passed"
    pass_corner(memory, 0, 0)
    at = np.linspace(0.0, 2.0, 777)
    found = np.array([past_value(memory, 0, 0, 0, t) for t in at])
    np.testing.assert_allclose(found, np.maximum(0.0, at - 1.0), atol=1e-9)
    assert [past_value(memory, 0, 0, 1, t) for t in (-1.0, 5.0)] == [0.0, -1.0]


def test_history_notes_corners_and_no_others():
    memory = filled(np.linspace(0.0, 2.0, 21), lambda t: max(0.0, t - 1.0) - max(0.0, t - 1.5), corners=[1.0, 1.2, 1.5])
    found = []
    while np.isfinite(corner := next_corner(memory, 0, 0)):
        found.append(corner)
        pass_corner(memory, 0, 0)
    assert found == pytest.approx([1.0, 1.5])
    fine = filled(np.linspace(0.99, 1.01, 2001), lambda t: max(0.0, t - 1.0), 1e-7, [1.0])
    assert next_corner(fine, 0, 0) == pytest.approx(1.0), "however short the steps are"
    close = filled(np.array([0.0, 0.5, 1.0 - 1e-15, 1.0, 1.2, 1.4, 1.6]), lambda t: max(0.0, t - 1.0), corners=[1.0])
    pass_corner(close, 0, 0)
    assert past_value(close, 0, 0, 0, 1.1) == pytest.approx(0.1)


def test_history_thins_but_reaches_back_a_whole_delay():
    # 12000 points in each delay of 1: what is kept must still cover it.
    times = np.arange(0.0, 2.0, 1.0 / 12000)
    memory = filled(times, lambda t: t, spacing=1.0 / INTERVALS)
    assert memory[0, 0] < 2 * CAPACITY + 10
    for t in (1.0001, 1.5, 1.9999):
        assert past_value(memory, 0, 0, 0, t) == pytest.approx(t, abs=1e-9)


def line(u, time, analysis=TRANSIENT, memory=None, **more):
    p = derive(columns(device, VALUES | more))
    memory = np.zeros((HISTORY + ROWS, 1)) if memory is None else memory
    return law(device, u, p, memory=memory, context=new_context(time=time, analysis=analysis))


def test_operating_point_is_a_wire():
    F, D = line([2.0, 1.5, 0.1, 0.3], 0.0, analysis=INITIAL_POINT)
    np.testing.assert_allclose(F, [0.5, 0.4])
    np.testing.assert_array_equal(D, [[1, -1, 0, 0], [0, 0, 1, 1]])


def test_waves_arrive_after_the_delay():
    memory = np.zeros((HISTORY + ROWS, 1))
    p = np.array([float(row[0]) for row in derive(columns(device, VALUES))]).reshape(-1, 1)
    empty = np.zeros(0)
    context = new_context(analysis=TRANSIENT)
    for phase in (new_context(analysis=INITIAL_POINT), context):
        line_start(phase, np.zeros((4, 1)), p, memory, empty, empty, empty, empty)
    for t in np.arange(1, 41) * 0.05:
        context[TIME] = t
        # port 1 sends v + Z i = 2 t, port 2 sends 3 t
        u = np.array([[t], [3 * t], [t / 50.0], [0.0]])
        line_accept(context, u, p, memory, empty, empty, empty, empty)
    F, _ = line([0.0, 0.0, 0.0, 0.0], 2.2, memory=memory)
    np.testing.assert_array_equal(F, [0, 0], "what was before the start goes on until its corner is passed")
    pass_corner(memory, 0, HISTORY)
    F, D = line([0.0, 0.0, 0.0, 0.0], 2.2, memory=memory)
    np.testing.assert_allclose(F, [-3 * 1.2, -2 * 1.2], rtol=1e-12)
    np.testing.assert_array_equal(D, [[1, 0, -50, 0], [0, 1, 0, -50]])
    F, _ = line([0.0, 0.0, 0.0, 0.0], 0.5, memory=memory)
    np.testing.assert_array_equal(F, [0, 0])


def test_start_from_initial_conditions():
    F, _ = line([0.0] * 4, 0.5, initial_voltage_1=1.0, initial_current_1=0.02, initial_voltage_2=3.0)
    np.testing.assert_allclose(F, [-3.0, -2.0])


def test_frequency_response_completes_the_derivatives():
    omega = 2.0
    u = np.array([0.3, -0.2 + 1j, 0.01, 0.02j])
    _, D = line([0.0] * 4, 0.0, analysis=INITIAL_POINT)
    matrix = D.astype(complex)
    for (r, c), value in frequency_response(omega, columns(device, VALUES)).items():
        matrix[r, c] -= value[0]
    turn = np.exp(-1j * omega)
    expected = [u[0] - 50 * u[2] - turn * (u[1] + 50 * u[3]), u[1] - 50 * u[3] - turn * (u[0] + 50 * u[2])]
    np.testing.assert_allclose(matrix @ u, expected, rtol=1e-12)


def test_cards():
    found = cards("t1 a 0 b 0 z0=50 td=10n ic=1,0.1,2,0.2\nt2 a 0 b 0 z0=75 f=1meg nl=0.5\nt3 a 0 b 0 z0=75 f=1meg")
    assert found["t1"].values["initial_current_2"] == 0.2
    assert derive(columns(device, found["t2"].values))[1] == pytest.approx(0.5e-6)
    assert derive(columns(device, found["t3"].values))[1] == pytest.approx(0.25e-6)


@pytest.mark.parametrize(
    ("card", "message"),
    [("t1 a 0 b 0 z0=50", "no delay"), ("t1 a 0 b 0 z0=50 td=1n ic=1,2", "v1, i1"), ("t1 a 0 b 0 50 1n", "key")],
)
def test_refusals_name_the_fault(card, message):
    with pytest.raises(NetlistError, match=message):
        cards(card)


def test_missing_delay_without_a_netlist():
    with pytest.raises(ParameterError, match="td"):
        derive(columns(device, {"impedance": 50.0}))


def test_a_source_that_sets_in_at_once_and_a_short_at_the_far_end():
    text = "line\nv1 in 0 sin(0 1 300meg)\nr1 in a 50\nt1 a 0 b 0 z0=50 td=1n\nv2 b 0 0\n.tran 0.1n 3.3n\n.end"
    result = simulate(read_netlist(text), rtol=1e-7, step_limit=2000)

    def wave(t):
        return np.where(t > 0.0, 0.5 * np.sin(2 * np.pi * 3e8 * t), 0.0)

    np.testing.assert_allclose(result["v(a)"], wave(result.axis) - wave(result.axis - 2e-9), atol=1e-6)


def test_two_shorted_ends_leave_the_current_of_a_lossless_line_open():
    text = "line\nv1 a 0 1\nt1 a 0 b 0 z0=50 td=1n\nv2 b 0 0\n.op\n.end"
    with pytest.raises(SimulationError, match=r"singular at 't1\.i"):
        simulate(read_netlist(text))
