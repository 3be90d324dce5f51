"""Parts with the same numbers share them until one of them changes."""

from __future__ import annotations

import numpy as np

from neurosim import read_netlist, simulate
from neurosim.circuit.assembly import assemble
from neurosim.kernels import system as layout

SOURCES = 300
"""More than one block."""


def netlist(analysis: str) -> str:
    parts = "\n".join(f"I{k} 0 n{k} 1\nR{k} n{k} 0 2" for k in range(SOURCES))
    return f"sources\n{parts}\n{analysis}\n.save v(n6) v(n7) v(n299)\n.end\n"


def test_equal_numbers_are_kept_once() -> None:
    system = assemble(read_netlist(netlist(".op"))).system
    assert (system.arrays.batch[:, layout.BLOCKS] > 1).all()
    assert (system.arrays.batch[:, layout.PARAMETER_STEP] == 0).all()
    assert system.arrays.parameters.size < 2 * SOURCES


def test_a_swept_source_is_changed_alone() -> None:
    result = simulate(read_netlist(netlist(".dc I7 0 3 1")))
    np.testing.assert_allclose(result["v(n7)"], [0.0, 2.0, 4.0, 6.0], rtol=1e-9)
    np.testing.assert_allclose(result["v(n6)"], 2.0, rtol=1e-9)
    np.testing.assert_allclose(result["v(n299)"], 2.0, rtol=1e-9)
