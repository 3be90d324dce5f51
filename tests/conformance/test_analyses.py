"""Every analysis on everything that simulates: it works, or says by name why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NeurosimError

OSCILLATOR = """van der Pol by a behavioural source
.param mu=1
C1 x 0 1 ic=1
L1 x 0 1 ic=0
B1 x 0 I={mu*(v(x)*v(x)*v(x)/3 - v(x))}
.tran 50m 30 uic
.end"""


def netlist() -> Any:
    return ns.read_netlist(OSCILLATOR)


def memristive() -> Any:
    lattice = ns.generators.square_lattice(2, 2)
    ends = {"r0c0": "SIN(0 2 1)", "r1c1": 0.0}
    return ns.MemristiveNetwork(lattice, convention="flipped", beta=1.6, electrodes=ends)


def steady() -> Any:
    lattice = ns.generators.square_lattice(2, 2)
    return ns.MemristiveNetwork(lattice, convention="flipped", beta=1.6, electrodes={"r0c0": 1.0, "r1c1": 0.0})


def hopfield() -> Any:
    return ns.architectures.hopfield(units=6)


def mtrnn() -> Any:
    return ns.architectures.multiple_timescale(1, 3, 2, slow_time_constant=10.0)


def spiking() -> Any:
    graph = ns.SignalGraph("spiking")
    graph.parameter("current", [2.0, 2.0])
    graph.parameter("W", [[0.0, -0.2], [-0.2, 0.0]])
    graph.state("v", 2, time_constant=1.0, bias="current", initial=np.array([0.0, 0.5]))
    graph.event("spike", 2, threshold=1.0)
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    graph.connect("spike", "v", weight="W")
    return graph


SUBJECTS: dict[str, Callable[[], Any]] = {
    "netlist": netlist, "driven memristive network": memristive, "memristive network": steady, "hopfield": hopfield,
    "mtrnn": mtrnn, "spiking": spiking,
}  # fmt: skip

STATES = {
    "netlist": ("v(x)", "i(l1)"), "driven memristive network": ("m[0].x", "m[1].x"),
    "memristive network": ("m[0].x", "m[1].x"), "hopfield": ("u[0]", "u[1]"), "mtrnn": ("fast[0]", "slow[0]"),
    "spiking": ("v[0]", "v[1]"),
}  # fmt: skip

PARAMETER = {
    "netlist": ("mu", 0.5, 1.5), "driven memristive network": ("beta", 1.5, 1.6),
    "memristive network": ("beta", 1.5, 1.6), "hopfield": ("u.time_constant", 1.0, 2.0),
    "mtrnn": ("fast.time_constant", 2.0, 3.0), "spiking": ("v.time_constant", 1.0, 2.0),
}  # fmt: skip

ANALYSES: dict[str, Callable[[str, Any], Any]] = {
    "lyapunov_spectrum": lambda name, what: ns.lyapunov_spectrum(what, (0.0, 10.0), k=2),
    "covariant_vectors": lambda name, what: ns.covariant_vectors(what, (0.0, 10.0), k=2),
    "conditional_exponents": lambda name, what: ns.conditional_exponents(what, (0.0, 10.0), drive={}),
    "contraction_rate": lambda name, what: ns.contraction_rate(what, (0.0, 1.0)),
    "fixed_points": lambda name, what: ns.fixed_points(what, starts=4),
    "continuation": lambda name, what: ns.continuation(what, PARAMETER[name][0], PARAMETER[name][1:], points=12),
    "limit_cycle": lambda name, what: ns.limit_cycle(what, period=1.0 if "driven" in name else None, rtol=1e-6),
    "bifurcation_diagram": lambda name, what: ns.bifurcation_diagram(
        what, PARAMETER[name][0], PARAMETER[name][1:], STATES[name][0], transient=5, duration=5
    ),
    "phase_portrait": lambda name, what: ns.phase_portrait(
        what, STATES[name], points=5, starts=2, duration=2.0, extent=1.0
    ),
    "basins": lambda name, what: ns.basins(what, STATES[name], points=3, duration=2.0, extent=1.0),
    "poincare_section": lambda name, what: ns.poincare_section(what, f"{STATES[name][0]} = 0.1", t_span=(0.0, 5.0)),
    "energy": lambda name, what: ns.energy(what, (0.0, 1.0)),
    "energy_landscape": lambda name, what: ns.energy_landscape(what, points=5, starts=2, duration=1.0),
    "sweep": lambda name, what: ns.sweep(what, {PARAMETER[name][0]: PARAMETER[name][1:]}, (0.0, 1.0)),
    "sweep of starts": lambda name, what: ns.sweep(what, None, (0.0, 1.0), initial={STATES[name][0]: [0.1, 0.2]}),
}  # fmt: skip

REFUSED = {
    ("netlist", "conditional_exponents"): "driven by its own sources",
    ("netlist", "energy"): "power_balance",
    ("netlist", "energy_landscape"): "powers of a circuit",
    ("driven memristive network", "conditional_exponents"): "its own sources",
    ("driven memristive network", "energy"): "constant",
    ("driven memristive network", "energy_landscape"): "constant",
    ("memristive network", "covariant_vectors"): "lost a direction",
    ("memristive network", "conditional_exponents"): "its own sources",
    ("memristive network", "continuation"): "fixed point",
    ("memristive network", "limit_cycle"): "say how long it runs",
    ("hopfield", "limit_cycle"): "comes to rest",
    ("mtrnn", "limit_cycle"): "comes to rest",
    ("mtrnn", "energy"): "not known to descend an energy",
    ("mtrnn", "energy_landscape"): "not known to descend an energy",
    ("spiking", "energy"): "not known to descend an energy",
    ("spiking", "energy_landscape"): "not known to descend an energy",
    ("spiking", "contraction_rate"): "jumps where event",
    ("spiking", "fixed_points"): "jumps where event",
    ("spiking", "continuation"): "jumps where event",
    ("spiking", "bifurcation_diagram"): "has events",
    ("spiking", "phase_portrait"): "jumps where event",
    ("spiking", "basins"): "has events",
    ("spiking", "poincare_section"): "has events",
}
"""What is refused, and words of the reason."""


@pytest.mark.parametrize("analysis", ANALYSES)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_it_works_or_says_why_not(subject: str, analysis: str) -> None:
    reason = REFUSED.get((subject, analysis))
    if reason is None:
        assert ANALYSES[analysis](subject, SUBJECTS[subject]()) is not None
        return
    with pytest.raises(NeurosimError, match=reason):
        ANALYSES[analysis](subject, SUBJECTS[subject]())
