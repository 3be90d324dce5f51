"""Where the power of a circuit comes from and goes: sources, storage and dissipation, part by part.

Tellegen: the powers taken up by all parts sum to zero at every time, so d(stored)/dt = supplied - dissipated exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.energy import Pinned, pinned_intervals
from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.errors import ParameterError
from neurosim.results import Result
from neurosim.solve.dynamics import dynamics
from neurosim.solve.simulate import simulate

STORING = ("capacitor", "inductor", "coupling", "transmission_line")
"""Devices that give back what they take."""

SUPPLYING = (
    "voltage_source", "current_source", "behavioural_voltage_source", "behavioural_current_source", "vcvs", "vccs",
    "ccvs", "cccs", "opamp_ideal", "opamp_single_pole",
)  # fmt: skip
"""Sources, independent or controlled."""


@dataclass(frozen=True)
class PowerBalance(Drawable):
    """Powers taken up along a transient run [W]; positive is taken up.

    Attributes
    ----------
    title : str
    times : ndarray, shape (points,)
    taken : dict of str to ndarray
        By part.
    role : dict of str to {"supply", "storage", "dissipation"}
    pinned : tuple of Pinned
        When states of memristors stood at a bound.
    result : Result
    """

    drawn_by = "power_balance:power_balance"

    title: str
    times: np.ndarray
    taken: Mapping[str, np.ndarray]
    role: Mapping[str, str]
    pinned: tuple[Pinned, ...]
    result: Result

    def total(self, role: str) -> np.ndarray:
        """Power taken up by all parts of a role, shape (points,)."""
        chosen = [power for name, power in self.taken.items() if self.role[name] == role]
        return np.sum(chosen, axis=0) if chosen else np.zeros_like(self.times)

    @property
    def supplied(self) -> np.ndarray:
        """Power given by the sources."""
        return -self.total("supply")

    @property
    def residual(self) -> float:
        """Largest sum of all powers, relative to the largest sum of their magnitudes: 0 by Tellegen."""
        powers = np.array(list(self.taken.values()))
        return float(np.abs(powers.sum(0)).max() / (np.abs(powers).sum(0).max() or 1.0))

    def energies(self) -> dict[str, float]:
        """Energy taken up by each part over the run [J], by the trapezoidal rule over the saved points."""
        return {name: float(np.trapezoid(power, self.times)) for name, power in self.taken.items()}


def power_balance(
    circuit: Circuit | str | Path, t_span: tuple[float, float] | None = None, **settings: Any
) -> PowerBalance:
    """Simulate a circuit and account for its power.

    Parameters
    ----------
    circuit : Circuit or path of a netlist
    t_span : (float, float), optional
        Default that of the netlist's transient analysis.
    **settings
        Of `neurosim.simulate`.

    Raises
    ------
    ParameterError
        The circuit has no transient analysis and no `t_span` is given.
    NetlistError, SimulationError
    """
    if not isinstance(circuit, Circuit):
        circuit = read_netlist(circuit)
    if t_span is None and not any(isinstance(a, TransientAnalysis) for a in circuit.analyses):
        raise ParameterError(f"circuit '{circuit.title}' has no .tran: give the time to simulate")
    unknowns = dynamics(circuit).system.unknowns
    bounded = {
        unknown.name: (unknown.lower, unknown.upper)
        for unknown in unknowns
        if np.isfinite([unknown.lower, unknown.upper]).any()
    }
    devices = {part.name: part.device for part in circuit.instances}
    result = simulate(
        circuit, t_span, analysis="tran", save=[*(f"p({name})" for name in devices), *bounded], **settings
    )
    taken = {name: result[f"p({name})"] for name in devices}
    role = {
        name: "storage" if device in STORING else "supply" if device in SUPPLYING else "dissipation"
        for name, device in devices.items()
    }
    states = np.column_stack([result[name] for name in bounded]) if bounded else np.zeros((len(result.time), 0))
    pinned = pinned_intervals(result.time, states, list(bounded), bounded)
    return PowerBalance(circuit.title, result.time, taken, role, pinned, result)
