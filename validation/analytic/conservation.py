"""Kirchhoff's current law and the balance of power at every saved point of every netlist in circuits/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim import read_netlist
from neurosim.circuit.assembly import assemble
from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.devices.device import Current
from neurosim.errors import SimulationError
from neurosim.solve.outputs import choose_outputs, part_flows
from neurosim.solve.transient import TransientSettings, transient
from validation.case import Case, Context, curve_case

CIRCUITS = Path(__file__).parents[2] / "circuits"
POINTS = 400
"""Most saved points that are checked of one netlist, spread evenly."""


def cases(context: Context) -> Iterator[Case]:
    """Two cases for each netlist with a transient analysis."""
    for path in sorted(CIRCUITS.glob("*.cir")):
        circuit = read_netlist(path)
        analysis = next((a for a in circuit.analyses if isinstance(a, TransientAnalysis)), None)
        if analysis is None:
            continue
        try:
            yield from balances(path.stem, circuit, analysis)
        except SimulationError as error:
            yield Case(f"{path.stem}: runs", "", "simulation", "no error", str(error).split("\n")[0], np.inf, 0.0, "")


def balances(name: str, circuit: Circuit, analysis: TransientAnalysis) -> Iterator[Case]:
    """Current law and power of one netlist."""
    assembly = assemble(circuit)
    outputs = choose_outputs(assembly, [f"p({name})" for name in assembly.place])
    method = {"gear": "bdf2", "trap": "trapezoid"}.get(str(circuit.options.get("method", "")), "auto")
    rtol = float(circuit.options.get("reltol", 1e-4))
    trajectory = transient(assembly, analysis, outputs, TransientSettings(method, rtol))
    if trajectory.failure is not None:
        raise trajectory.failure
    chosen = np.unique(np.linspace(0, len(trajectory.times) - 1, POINTS).astype(int))
    assert trajectory.slopes is not None
    values, slopes = trajectory.values[chosen], trajectory.slopes[chosen]
    assert trajectory.memories is not None
    flows = part_flows(assembly, values, slopes, trajectory.times[chosen], trajectory.memories[chosen])
    nets = np.array([unknown.kind == "voltage" for unknown in assembly.system.unknowns])
    residual = np.zeros((len(chosen), len(nets) + 1))
    potential = np.concatenate([values, np.zeros((len(chosen), 1))], 1)
    largest, power, magnitude = 0.0, np.zeros(len(chosen)), np.zeros(len(chosen))
    for number, batch in enumerate(assembly.system.batches):
        structure = assembly.structures[number]
        for position in range(batch.count):
            taken = np.zeros(len(chosen))
            for r, flow in enumerate(structure.flows):
                if isinstance(flow, Current):
                    current = flows[number][:, position, r]
                    out_of, into = batch.flows[position, r]
                    residual[:, into] += current
                    residual[:, out_of] -= current
                    taken += current * (potential[:, into] - potential[:, out_of])
                    largest = max(largest, float(np.abs(current).max()))
            power += taken
            magnitude += np.abs(taken)
    worst = np.abs(residual[:, :-1][:, nets]).max(0)
    yield curve_case(
        f"{name}: current law", "Kirchhoff", "sum of currents at a net / largest current, worst net and point",
        np.zeros(1), np.array([worst.max() / largest]), 1e-9, "rounding of consistent algebraic equations",
    )  # fmt: skip
    yield curve_case(
        f"{name}: power", "Tellegen", "sum of powers / sum of their magnitudes, worst point", np.zeros(1),
        np.array([float(np.max(np.abs(power) / np.maximum(magnitude, 1e-4 * magnitude.max())))]), 1e-8,
        "rounding; where almost nothing flows, relative to 1e-4 of the largest",
    )  # fmt: skip
