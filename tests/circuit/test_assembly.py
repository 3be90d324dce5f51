"""What assembly refuses."""

from __future__ import annotations

import pytest

from neurosim.circuit.assembly import assemble
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError


def test_parts_at_ground_only_are_refused_with_their_place():
    with pytest.raises(NetlistError, match=r":2:1: .*ground and ground.*nothing to solve"):
        assemble(read_netlist("t\nR1 0 gnd 1k\n.op\n.end"))
