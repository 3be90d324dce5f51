"""From a bound expression to the structure of a behavioural source: references, integrals and derivatives as unknowns.

The law is the interpreter `neurosim.kernels.expression.evaluate_expression`. Its inputs are the references of the
expression, then one per state; its outputs the value, then one per state (`neurosim.expressions.program`):

- an integral s: ``s' = output``; the input is s;
- a derivative z of an expression: ``0 = output - q``, ``q' = z``; the input is z, and q the primitive.

A capacitor or inductor that is given by an expression differentiates its charge or flux first, so that its initial
condition is that of the first primitive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neurosim.devices.device import (
    Columns,
    Current,
    Equation,
    Flow,
    Input,
    Instance,
    Internal,
    Parameter,
    Rate,
    State,
    Structure,
)
from neurosim.errors import Location
from neurosim.expressions import Behaviour, Binary, Call, Expression, Node, Number, Reference, compile_program

INITIAL_PARAMETERS = (
    Parameter("initial_primitive", meaning="start of what the first ddt() differentiates, with uic", optional=True),
)
"""Parameters of behavioural sources."""


def initial_charge(columns: Columns) -> Mapping[str, np.ndarray]:
    """Start of the first primitive, NaN where none was given."""
    return {"primitive_0": columns["initial_primitive"]}


def behaviour_of(expression: Expression) -> Behaviour:
    """Program of an expression; instances of one subcircuit card share it."""
    shared = getattr(expression, "shared", expression)
    # Kept on the expression: two that compare equal may differ in the values of their parameters.
    if "behaviour" not in shared.__dict__:
        shared.__dict__["behaviour"] = compile_program(shared)
    return shared.__dict__["behaviour"]


def controls_of(expression: Expression) -> tuple[str, ...]:
    """Addresses of the unknowns that an expression uses, each once, in order of first use."""
    found: dict[str, None] = {}
    for reference in behaviour_of(expression).references:
        for name in reference.args:
            found.setdefault(f"{reference.kind}({name})")
    return tuple(found)


def structure_of(instance: Instance, role: str) -> Structure:
    """Structure of a behavioural source; instances of one subcircuit card share it.

    Parameters
    ----------
    instance : Instance
        Where its expression uses the voltage of an own net, the input says so.
    role : {"current", "voltage"}
        What the expression gives. A voltage source has an unknown current ``i`` and the equation
        ``0 = value - v(p, n)``.
    """
    expression = instance.expressions[role]
    first, second = instance.nets
    p, n = "" if first == "0" else f"v({first})", "" if second == "0" else f"v({second})"
    own = tuple(["p" if address == p else "n" if address == n else None for address in instance.controls])
    known = getattr(expression, "shared", expression).__dict__.setdefault("structures", {})
    found = known.get((role, own))
    if found is None:
        found = known[role, own] = source_structure(expression, own, is_voltage=role == "voltage")
    return found


def source_structure(expression: Expression, own: Sequence[str | None], *, is_voltage: bool) -> Structure:
    """Structure of a source between p and n; `own` gives the terminal that each control is, or None."""
    behaviour = behaviour_of(expression)
    program = behaviour.program
    addresses = controls_of(expression)
    controls = tuple(f"control_{number}" for number in range(len(addresses)))
    local = {address: terminal or control for address, terminal, control in zip(addresses, own, controls, strict=True)}
    inputs: list[Input] = []
    for reference in behaviour.references:
        names = [local[f"{reference.kind}({name})"] for name in reference.args]
        inputs.append((names[0], names[1] if len(names) == 2 else None))
    flows: list[Flow] = [Equation("i") if is_voltage else Current("p", "n")]
    internals: list[Internal] = [Internal("i")] if is_voltage else []
    states: list[State] = []
    for number, spec in enumerate(behaviour.states):
        if spec.kind == "integral":
            inputs.append((f"integral_{number}", None))
            states.append(State(f"integral_{number}", initial=spec.initial or 0.0, meaning="time integral"))
            flows.append(Rate(f"integral_{number}"))
        else:
            inputs.append((f"derivative_{number}", None))
            internals += [Internal(f"derivative_{number}", "other"), Internal(f"primitive_{number}", "primitive")]
            flows.append(Equation(f"primitive_{number}"))
    law_inputs, law_flows = len(inputs), len(flows)
    wiring: list[tuple[int, int, float]] = []
    mass: list[tuple[int, int, float]] = []
    for number, spec in enumerate(behaviour.states):
        if spec.kind == "derivative":
            primitive = len(inputs)
            inputs.append((f"primitive_{number}", None))
            wiring.append((1 + number, primitive, -1.0))
            mass.append((len(flows), primitive, 1.0))
            wiring.append((len(flows), len(behaviour.references) + number, 1.0))
            flows.append(Equation(f"derivative_{number}"))
    if is_voltage:
        wiring += [(0, len(inputs), -1.0), (len(flows), len(inputs) + 1, 1.0)]
        inputs += [("p", "n"), ("i", None)]
        flows.append(Current("p", "n"))
    return Structure(
        terminals=("p", "n"),
        inputs=tuple(inputs),
        flows=tuple(flows),
        internals=tuple(internals),
        states=tuple(states),
        controls=controls,
        dependence=tuple((r, c) for r, row in enumerate(program.depends) for c in row),
        code=program.code,
        constants=program.constants,
        memory_rows=program.kept_rows,
        scratch_rows=program.register_count,
        mass=tuple(mass),
        wiring=tuple(wiring),
        law_flows=law_flows,
        law_inputs=law_inputs,
    )


def without_events(structure: Structure) -> Structure:
    """The same without outcomes that are held from event to event."""
    n_value, n_all, _, *words = structure.code
    return replace(
        structure, code=(n_value, n_all, 0, *words), memory_rows=0,
        scratch_rows=structure.scratch_rows + structure.memory_rows,
    )  # fmt: skip


def source_instance(
    name: str,
    nets: Sequence[str],
    role: str,
    expression: Expression,
    location: Location | None,
    initial_primitive: float | None = None,
) -> Instance:
    """A behavioural source; `role` is ``"current"`` or ``"voltage"``."""
    return Instance(
        name,
        f"behavioural_{role}_source",
        tuple(nets),
        {} if initial_primitive is None else {"initial_primitive": initial_primitive},
        expressions={role: expression},
        controls=controls_of(expression),
        location=location,
    )


def with_node(expression: Expression, node: Node) -> Expression:
    """The same place and dialect with another tree; the text is written anew when asked for."""
    return replace(expression, node=node, text="")


def voltage(nets: Sequence[str]) -> Reference:
    """``v(p, n)`` of two full net names."""
    return Reference("v", (nets[0], nets[1]))


def derivative(node: Node) -> Node:
    """``ddt(node)``."""
    return Call("ddt", (node,))


def scaled(node: Node, factor: float) -> Node:
    """``factor * node``."""
    return node if factor == 1.0 else Binary("*", Number(factor), node)
