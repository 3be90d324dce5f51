"""Jumps and kinks inside expressions end a time step; those that nothing announces are crossed."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import read_netlist, simulate
from neurosim.errors import SimulationError


def solved(cards: str, rtol: float = 1e-5, method: str | None = None):
    circuit = read_netlist("jumps\n" + cards + "\n.end\n", dialect="ngspice")
    return simulate(circuit, rtol=rtol, method=method)


@pytest.mark.parametrize("method", ["rodas5p", "bdf2", "trapezoid"])
@pytest.mark.parametrize("expression", ["time > 1u ? 1 : 0", "u(time-1u)", "floor(time/1u)", "min(u(time-1u),1)"])
def test_a_jump_of_the_time_is_met_exactly(expression: str, method: str) -> None:
    result = solved(f"B1 a 0 V={{{expression}}}\nR1 a b 1k\nC1 b 0 1n\n.tran 50n 1.9u\n.save v(b)", 1e-6, method)
    expected = np.where(result.axis > 1e-6, 1.0 - np.exp(-(result.axis - 1e-6) / 1e-6), 0.0)
    assert np.abs(result["v(b)"] - expected).max() < 3e-5
    assert result.attrs["statistics"]["rejected"] < 20


def test_a_short_pulse_is_not_stepped_over() -> None:
    result = solved("B1 a 0 V={u(time-0.5)*u(0.500001-time)}\nR1 a b 1\nC1 b 0 1\n.tran 0.1 1\n.save v(b)", 1e-8)
    assert result["v(b)"][-1] == pytest.approx((1 - np.exp(-1e-6)) * np.exp(-0.499999), rel=1e-6)


def test_a_jump_of_a_state_is_met() -> None:
    """v(x) rises by 1 V/us up to 1 V, from where it rises by 2 V/us."""
    result = solved("B1 0 x I={v(x) < 1 ? 1m : 2m}\nC1 x 0 1n ic=0\n.tran 10n 2u uic\n.save v(x)", 1e-8)
    t = result.axis * 1e6
    assert np.abs(result["v(x)"] - np.where(t < 1, t, 2 * t - 1)).max() < 1e-7


def test_a_kink_costs_no_accuracy() -> None:
    """The integral of abs(sin): a kink inside a step gave an error of the order of the tolerance at each."""
    result = solved("V1 s 0 SIN(0 1 1meg)\nB1 0 a I={abs(v(s))}\nC1 a 0 1u ic=0\n.tran 10n 10u uic\n.save v(a)", 1e-6)
    assert result["v(a)"][-1] == pytest.approx(10 * 2 / np.pi, rel=1e-7)


def test_a_branch_that_does_not_exist_beyond_its_end() -> None:
    result = solved(
        "V1 in 0 SIN(0.1 1 1meg)\nB1 a 0 V={v(in) > 0 ? sqrt(v(in)) : 0}\nB2 b 0 V={sqrt(max(v(in),0))}\n"
        "R1 a 0 1k\nR2 b 0 1k\n.tran 10n 2u\n.save v(a) v(b)"
    )
    expected = np.maximum(0.1 + np.sin(2 * np.pi * 1e6 * result.axis), 0.0)
    assert np.abs(result["v(a)"] ** 2 - expected).max() < 2e-5
    assert np.abs(result["v(b)"] ** 2 - expected).max() < 2e-5


def test_one_jump_carries_another_at_the_same_time() -> None:
    result = solved(
        "B1 a 0 V={time > 1u ? 5 : 0}\nB2 b 0 V={v(a) > 2 ? 3 : 1}\nB3 c 0 V={v(b) > 2 ? -1 : 1}\n"
        "R1 c 0 1k\n.tran 0.1u 2u\n.save v(c)"
    )
    late = result.axis > 1e-6 * (1 + 1e-9)
    np.testing.assert_allclose(result["v(c)"][late], -1.0)
    np.testing.assert_allclose(result["v(c)"][result.axis < 1e-6], 1.0)
    assert result.attrs["statistics"]["steps"] < 200


def test_a_relay_slides_along_its_threshold() -> None:
    result = solved("B1 o 0 V={v(a) > 1 ? 0 : 5}\nR1 o a 1k\nC1 a 0 1n ic=0\n.tran 10n 1u uic\n.save v(a)", 1e-3)
    settled = result.axis > 0.3e-6
    assert np.abs(result["v(a)"][settled] - 1.0).max() < 2e-3


def test_a_state_rests_at_a_wall_with_a_leak() -> None:
    result = solved(
        "V1 in 0 1\nB1 0 x I={1m*v(in)*(v(x) < 0.2 ? 1 : 0)}\nC1 x 0 1n ic=0.1\nR1 x 0 1t\n.tran 10n 2u uic\n.save v(x)"
    )
    assert result["v(x)"][-1] == pytest.approx(0.2, rel=2e-5)
    assert result.attrs["statistics"]["steps"] < 200


def test_a_contradiction_is_named() -> None:
    with pytest.raises(SimulationError, match="to and fro at one point in time"):
        solved("V1 t 0 PWL(0 0 1u 2)\nB1 a 0 V={v(a,t) > -1 ? 0 : 5}\nR1 a 0 1k\n.tran 10n 2u uic\n.save v(a)")


@pytest.mark.parametrize("method", ["rodas5p", "bdf2"])
def test_jumps_of_very_many_parts_are_crossed(method: str) -> None:
    """More parts than events are looked for in: the step that no error control accepts goes over the jump."""
    parts = "\n".join(f"X{k} s cell" for k in range(501))
    result = solved(
        f".subckt cell s\nB1 a 0 V={{time > 1u ? v(s) : 0}}\nR1 a b 1k\nC1 b 0 1n\n.ends\nV1 s 0 1\n{parts}\n"
        ".tran 50n 2u\n.save v(x7.b)", 1e-5, method
    )  # fmt: skip
    assert result.attrs["statistics"]["jumps"] == 0
    assert result["v(x7.b)"][-1] == pytest.approx(1.0 - np.exp(-1.0), rel=5e-4)


def test_currents_add_up_on_both_sides_of_a_jump() -> None:
    result = solved("B1 a 0 V={time > 1u ? 1 : 0}\nR1 a b 1k\nR2 b 0 1k\n.tran 0.1u 2u\n.save i(r1) i(r2)")
    np.testing.assert_allclose(result["i(r1)"], result["i(r2)"], atol=1e-15)


@pytest.mark.parametrize("sections", [50, 200])
def test_a_loose_tolerance_does_not_stop_a_ladder_of_diodes(sections: int) -> None:
    cards = [".model d1 d is=1e-14 n=1.2 rs=1 cjo=2p vj=0.7 m=0.5 tt=5n", "V1 n0 0 SIN(0 20 10k)"]
    for k in range(sections):
        ends = f"n{k + 1} 0" if k % 2 else f"0 n{k + 1}"
        cards += [f"R{k} n{k} n{k + 1} 5", f"D{k} {ends} d1", f"C{k} n{k + 1} 0 1n"]
    last = f"v(n{sections})"
    netlist = "\n".join([*cards, ".tran 1u 0.3m", f".save {last}"])
    loose, tight = solved(netlist, 2e-2), solved(netlist, 1e-5)
    error = np.abs(loose[last] - np.interp(loose.axis, tight.axis, tight[last])).max()
    assert error < 0.05 * np.ptp(tight[last])
