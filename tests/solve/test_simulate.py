"""From a netlist to numbers: every analysis, initial conditions, steps, failures."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError, ParameterError, SimulationError, UnknownNameError
from neurosim.kernels import abi
from neurosim.solve.simulate import simulate

RC = "RC step\nV1 in 0 PULSE(0 1 1u 1n 1n 1 2)\nR1 in out 1k\nC1 out 0 1n\n.tran 0.1u 10u\n.end\n"


def rc_exact(t: np.ndarray) -> np.ndarray:
    """Response to a ramp of 1 ns at 1 us."""
    tau, edge, ramp = 1e-6, 1e-6, 1e-9

    def integral(s: np.ndarray) -> np.ndarray:
        s = np.maximum(s, 0.0)
        return s + tau * np.expm1(-s / tau)

    return (integral(t - edge) - integral(t - edge - ramp)) / ramp


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_rc_step_by_rodas5p(rtol: float) -> None:
    # The grid points lie inside the steps: the interpolant is held to the tolerance too.
    result = simulate(read_netlist(RC), method="rodas5p", rtol=rtol)
    assert np.abs(result["v(out)"] - rc_exact(result.time)).max() < 3 * rtol


@pytest.mark.parametrize(("rtol", "method"), [(1e-3, "rodas4p2"), (1e-4, "rodas4p2"), (1e-5, "rodas5p")])
def test_fewer_stages_at_loose_tolerances(rtol: float, method: str) -> None:
    result = simulate(read_netlist(RC), rtol=rtol)
    assert result.attrs["method"] == method
    assert np.abs(result["v(out)"] - rc_exact(result.time)).max() < 3 * rtol


@pytest.mark.parametrize("method", ["trapezoid", "bdf2"])
@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_rc_step_by_methods_of_order_two(method: str, rtol: float) -> None:
    # A local error of rtol = h^3 in each step adds up to h^2.
    result = simulate(read_netlist(RC), method=method, rtol=rtol)
    assert np.abs(result["v(out)"] - rc_exact(result.time)).max() < 0.5 * rtol ** (2 / 3)


def test_grid_points_and_steps_are_both_saved() -> None:
    result = simulate(read_netlist(RC))
    grid = np.arange(101) * 1e-7
    assert np.abs(result.time[:, None] - grid).min(0).max() < 1e-15
    assert (np.diff(result.time) > 0).all()


def test_currents_add_up_at_every_point() -> None:
    result = simulate(read_netlist(RC), save=("i(v1)", "i(r1)", "i(c1)", "p(v1)", "p(r1)", "p(c1)"))
    assert np.abs(result["i(v1)"] + result["i(r1)"]).max() < 1e-15
    assert np.abs(result["i(c1)"] - result["i(r1)"]).max() < 1e-15
    total = result["p(v1)"] + result["p(r1)"] + result["p(c1)"]
    assert np.abs(total).max() < 1e-8 * np.abs(result["p(v1)"]).max()


def test_a_new_topology_compiles_nothing() -> None:
    simulate(read_netlist(RC))
    before = abi.compilations()
    cards = "V1 a 0 SIN(0 1 1k)\nR1 a b 1k\nC1 b 0 1n\nR2 b c 2k\nC2 c 0 3n\nR3 c 0 1meg\n"
    other = f"two stages\n{cards}.tran 10u 1m\n.end\n"
    simulate(read_netlist(other))
    assert abi.compilations() == before


def test_index_two_is_found_and_solved() -> None:
    text = "C across V\nV1 1 0 SIN(0 1 1k)\nC1 1 0 1u\nR1 1 0 1k\n.tran 5u 2m\n.end\n"
    result = simulate(read_netlist(text), save=("i(c1)", "i(v1)", "i(r1)"))
    exact = 2e-3 * np.pi * np.cos(2e3 * np.pi * result.time)
    assert result.attrs["method"] == "bdf2"
    assert np.abs(result["i(c1)"] - exact).max() < 1e-5 * 2e-3 * np.pi
    assert np.abs(result["i(c1)"] + result["i(v1)"] + result["i(r1)"]).max() < 1e-15
    with pytest.raises(ParameterError, match="index 2"):
        simulate(read_netlist(text), method="rodas5p")


def test_initial_conditions_with_uic_and_without() -> None:
    text = "decay\nR1 a 0 1k\nC1 a 0 1u ic=2\n.tran 10u 2m{uic}\n.end\n"
    result = simulate(read_netlist(text.replace("{uic}", " uic")), rtol=1e-7)
    assert np.abs(result["v(a)"] - 2 * np.exp(-result.time / 1e-3)).max() < 1e-6
    at_rest = simulate(read_netlist(text.replace("{uic}", "")))
    assert np.abs(at_rest["v(a)"]).max() == 0.0
    held = simulate(read_netlist(text.replace("{uic}", "").replace(".tran", ".ic v(a)=3\n.tran")), rtol=1e-7)
    assert np.abs(held["v(a)"] - 3 * np.exp(-held.time / 1e-3)).max() < 3e-6


def test_operating_point_of_a_hard_circuit() -> None:
    diodes = "".join(f"D{i} n{i} n{i + 1} dm\n" for i in range(20))
    text = f"string of diodes\nV1 n0 0 100\n{diodes}R1 n20 0 10\n.model dm d is=1e-15\n.op\n.end\n"
    result = simulate(read_netlist(text))
    drops = [float(result[f"v(n{i},n{i + 1})"]) for i in range(20)]
    assert np.ptp(drops) < 1e-9
    current = float(result["v(n20)"]) / 10
    assert current == pytest.approx(1e-15 * np.expm1(drops[0] / (1.380649e-23 * 300.15 / 1.602176634e-19)), rel=1e-6)


def test_nested_dc_sweep() -> None:
    text = "divider\nV1 a 0 0\nI1 0 b 0\nR1 a b 1k\nR2 b 0 1k\n.dc V1 0 2 0.5 I1 0 1m 0.5m\n.end\n"
    result = simulate(read_netlist(text))
    v, i = np.arange(5) * 0.5, np.arange(3) * 0.5e-3
    np.testing.assert_allclose(result["v(b)"], (v[None, :] + 1e3 * i[:, None]) / 2, atol=1e-12)


def test_ac_of_a_low_pass() -> None:
    text = "RC\nV1 in 0 AC 1\nR1 in out 1k\nC1 out 0 1u\n.ac dec 5 1 100k\n.end\n"
    result = simulate(read_netlist(text))
    np.testing.assert_allclose(result["v(out)"], 1 / (1 + 2j * np.pi * result.axis * 1e-3), rtol=1e-12)


def test_step_gives_one_result_with_another_dimension() -> None:
    text = "stepped\n.param r=1k\nV1 in 0 1\nR1 in out {r}\nR2 out 0 1k\n.step param r list 1k 3k\n.op\n.end\n"
    result = simulate(read_netlist(text))
    np.testing.assert_allclose(result["v(out)"], [0.5, 0.25], rtol=1e-12)


def test_a_nan_in_the_middle_stops_the_run_with_names_and_keeps_what_was_computed() -> None:
    text = "log of a negative number\nB1 0 a I=1m*ln(1m-time)\nR1 a 0 1k\nC1 a 0 1n\n.tran 10u 2m\n.end\n"
    with pytest.raises(SimulationError, match=r"v\(a\)") as caught:
        simulate(read_netlist(text))
    partial = caught.value.partial
    assert partial is not None
    assert 0.9e-3 < partial.time[-1] <= 1e-3
    assert np.isfinite(partial["v(a)"]).all()


def test_step_limit_stops_with_advice() -> None:
    with pytest.raises(SimulationError, match="limit of steps"):
        simulate(read_netlist(RC), step_limit=5)


@pytest.mark.parametrize(
    ("cards", "match"),
    [
        ("V1 a 0 1\nR1 b c 1k\nR2 a 0 1", "floats"),
        ("V1 a 0 1\nV2 a 0 2\nR1 a 0 1", "loop of voltage sources: v1, v2"),
        ("V1 a 0 1\nR1 a 0 1\nC1 a b 1n\nC2 b 0 1n", "'b' has no DC path"),
        ("I1 0 a 1\nC1 a 0 1n", "no DC path"),
        ("R1 a b 1\nV1 a b 1", "ground"),
    ],
)
def test_unsolvable_circuits_are_told_before_the_solve(cards: str, match: str) -> None:
    with pytest.raises(NetlistError, match=match):
        simulate(read_netlist(f"bad\n{cards}\n.op\n.end\n"))


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match=r"v\(out\)"):
        simulate(read_netlist(RC), save=("v(oot)",))
    with pytest.raises(UnknownNameError, match="rodas5p"):
        simulate(read_netlist(RC), method="rodas5")
    with pytest.raises(ParameterError, match="no setting"):
        simulate(read_netlist(RC), tolerance=1)


def test_explicit_method_on_algebraic_equations_is_refused() -> None:
    with pytest.raises(ParameterError, match="ordinary differential"):
        simulate(read_netlist(RC), method="dp5")


@pytest.mark.parametrize("method", ["rodas5p", "trapezoid", "bdf2"])
def test_a_state_leaves_its_bound_on_time(method: str) -> None:
    """The resistance stands at r_off when, within a step, the voltage passes the threshold on the other side."""
    found = simulate(
        read_netlist(
            "threshold\nV1 in 0 SIN(0 3 100meg)\nYMEMRISTOR m1 in 0 m\n"
            ".model m MEMRISTOR LEVEL=107\n.tran 0.1n 40n\n.end"
        ),
        method=method,
    )
    # what the second half of each period takes off: integral of beta (|v| - V_t) beyond the threshold
    angle, omega = np.arcsin(1.6 / 3.0), 2e8 * np.pi
    fall = 2e12 * (6.0 * np.cos(angle) - 1.6 * (np.pi - 2.0 * angle)) / omega
    for end in (10e-9, 20e-9, 30e-9):
        at = np.argmin(np.abs(found["time"] - end))
        assert found["m1.r"][at] == pytest.approx(10e3 - fall, abs=5.0 if method == "rodas5p" else 20.0)
