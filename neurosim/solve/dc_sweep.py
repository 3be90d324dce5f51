"""DC sweeps: the operating point for each value of one or two quantities, each point starting from the last."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from neurosim.circuit.assembly import Assembly, assemble
from neurosim.circuit.model import Circuit, DCSweep, Sweep
from neurosim.errors import NetlistError, SimulationError
from neurosim.solve.operating_point import AlgebraicSolver, operating_point
from neurosim.solve.outputs import choose_outputs


def dc_sweep(
    circuit: Circuit,
    analysis: DCSweep,
    asked: tuple[str, ...],
    progress: Callable[[float, float], None] | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, str], int, SimulationError | None]:
    """Solve at every point of the grid; the first sweep is the inner one.

    Returns
    -------
    values : dict of str to ndarray
        Each of shape (outer..., inner).
    units : dict of str to str
    iterations : int
        Newton iterations.
    failure : SimulationError or None
        Why the sweep stopped early; points that were not reached are NaN.
    """
    outer, inner = list(reversed(analysis.sweeps[1:])), analysis.sweeps[0]
    shape = tuple(len(s.values) for s in [*outer, inner])
    values: dict[str, np.ndarray] = {}
    units: dict[str, str] = {}
    iterations, done, total = 0, 0, int(np.prod(shape))
    for outer_place in itertools.product(*(range(len(s.values)) for s in outer)):
        settings = [(s, s.values[k]) for s, k in zip(outer, outer_place, strict=True)]
        guess: np.ndarray | None = None
        assembly: Assembly | None = None
        solver: AlgebraicSolver | None = None
        for k, value in enumerate(inner.values):
            # A new value of a source keeps the equations; anything else builds them anew, which compiles nothing.
            if assembly is None or inner.kind != "source":
                assembly = assemble(_with(circuit, [*settings, (inner, value)]))
                solver = None
            if inner.kind == "source":
                assembly.set_value(inner.name, "dc", value)
            for sweep, outer_value in settings:
                if sweep.kind == "source":
                    assembly.set_value(sweep.name, "dc", outer_value)
            if solver is None:
                solver = AlgebraicSolver(assembly, {int(i): float(assembly.start[i]) for i in assembly.held})
            outputs = choose_outputs(assembly, asked)
            try:
                y = operating_point(assembly, guess=guess, solver=solver)
            except SimulationError as error:
                names = ", ".join(f"{s.name} = {v:g}" for s, v in [*settings, (inner, value)])
                return values, units, iterations, SimulationError(f"at {names}: {error}")
            iterations, solver.iterations = iterations + solver.iterations, 0
            guess = y
            for name, column in outputs.columns(y[:-1][outputs.probes][None, :]).items():
                values.setdefault(name, np.full(shape, np.nan))[(*outer_place, k)] = column.values[0]
                units[name] = column.unit
            done += 1
            if progress is not None:
                progress(done, total)
    return values, units, iterations, None


def _with(circuit: Circuit, settings: list[tuple[Sweep, float]]) -> Circuit:
    """The circuit with parameters, temperature or device values of a sweep; sources are set later."""
    parameters = {s.name: v for s, v in settings if s.kind == "parameter"}
    temperature = next((v for s, v in settings if s.kind == "temperature"), None)
    if parameters or temperature is not None:
        if circuit.rebuild is None:
            raise NetlistError("this circuit was not read from a netlist, so its parameters cannot be swept")
        circuit = circuit.rebuild(parameters, temperature)
    for sweep, value in settings:
        if sweep.kind == "device":
            circuit = with_device_value(circuit, sweep, value)
    return circuit


def with_device_value(circuit: Circuit, sweep: Sweep, value: float) -> Circuit:
    """The circuit with one parameter ``instance.parameter`` (or the dc value of a source) changed.

    Raises
    ------
    NetlistError
        When the instance or the parameter does not exist.
    """
    from dataclasses import replace

    from neurosim.devices import devices
    from neurosim.errors import ParameterError, nearest

    name, _, parameter = sweep.name.rpartition(".") if sweep.kind == "device" else (sweep.name, "", "dc")
    instances = list(circuit.instances)
    for k, instance in enumerate(instances):
        if instance.name == name:
            try:
                key = devices.get(instance.device).parameter(parameter).name
            except ParameterError as error:
                raise NetlistError(str(error), sweep.location) from None
            instances[k] = replace(instance, values={**instance.values, key: value})
            return circuit.with_instances(tuple(instances))
    raise NetlistError(
        f"no element '{name}' to sweep", sweep.location, hint=nearest(name, [i.name for i in circuit.instances])
    )
