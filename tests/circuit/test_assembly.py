"""What assembly refuses, and what it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit.assembly import assemble, reassemble
from neurosim.circuit.model import Circuit
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError
from neurosim.kernels import builder
from neurosim.solve.dynamics import with_circuit_values


def test_parts_at_ground_only_are_refused_with_their_place():
    with pytest.raises(NetlistError, match=r":2:1: .*ground and ground.*nothing to solve"):
        assemble(read_netlist("t\nR1 0 gnd 1k\n.op\n.end"))


def _with_last_capacitor(value: str) -> Circuit:
    sections = "\n".join(f"r{k} n{k} n{k + 1} 5\nd{k} n{k} 0 dm\nc{k} n{k} 0 1n" for k in range(299))
    cards = f".model dm d is=1e-14 cjo=2p\nv1 n0 0 sin(0 1 1k)\n{sections}\nr299 n299 0 5\nc299 n299 0 {value}"
    state = "ymemristor y1 n299 0 m x0=0.3\n.model m linear_drift ron=100 roff=16k d=10n uv=1e-14"
    return read_netlist(f"* ladder\n{cards}\n{state}\n.tran 1u 1m\n.end\n")


@pytest.mark.parametrize("value", ["3n", "1n", "0"])
def test_a_kept_layout_gives_the_same_arrays(value, monkeypatch):
    """Equal capacitors share their parameters, another value ends that; a capacitor of 0 F has no place in M."""
    monkeypatch.setattr(builder, "_kept", {})
    fresh = assemble(_with_last_capacitor(value)).system
    monkeypatch.setattr(builder, "_kept", {})
    first = assemble(_with_last_capacitor("2n")).system
    first.own_parameters()
    for name in ("memory", "constant_jacobian", "event_value", "code", "mass"):
        getattr(first.arrays, name)[...] = 7
    kept = assemble(_with_last_capacitor(value)).system
    for name in kept.arrays._fields:
        np.testing.assert_array_equal(getattr(kept.arrays, name), getattr(fresh.arrays, name), err_msg=name)


@pytest.mark.parametrize(
    "values",
    [{"r1.resistance": 2e3}, {"c1.capacitance": 3e-6, "r1.resistance": 5.0}, {"m1.r_on": 70.0, "m1.x0": 0.3}],
    ids=["resistance", "mass", "state"],
)
def test_reassembled_is_assembled(values):
    circuit = read_netlist(
        "numbers\nv1 a 0 sin(0 1 1k)\nr1 a b 1k\nr2 b 0 4k\nc1 b 0 1u ic=0.5\nymemristor m1 b 0 mem x0=0.4\n"
        ".model mem linear_drift ron=100 roff=16k\n.tran 1u 1m uic\n.end\n"
    )
    base = assemble(circuit)
    base.system.own_parameters()
    start = base.start.copy()
    changed = with_circuit_values(circuit, values)
    quick, whole = reassemble(base, start, changed), assemble(changed)
    whole.system.own_parameters()
    assert quick is not None
    for name in whole.system.arrays._fields:
        own, scratch = getattr(quick.system.arrays, name), getattr(whole.system.arrays, name)
        np.testing.assert_array_equal(own, scratch, err_msg=name)
    assert np.array_equal(quick.start, whole.start)
    assert quick.given == whole.given
    assert np.array_equal(base.start, start)
    assert reassemble(base, start, with_circuit_values(circuit, {"v1.dc": 1.0})) is None
