"""Energies: exact derivatives, no rise beyond the tolerance, none at all under a discrete gradient, and a control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import neurosim as ns
from validation.case import Case, Context

SOURCE = "Hopfield, PNAS 81, 3088 (1984)"


def cases(context: Context) -> Iterator[Case]:
    """Identity, 1,000 networks, discrete gradient, control."""
    yield from _identities()
    yield _many_networks(60 if context.fast else 1000)
    yield _discrete_gradient()
    yield _control(context)


def _symmetric(random: np.random.Generator, units: int, gain: float = 2.0) -> Any:
    weights = random.standard_normal((units, units)) / np.sqrt(units)
    return ns.architectures.hopfield(weights=weights + weights.T, gain=gain)


def _identities() -> Iterator[Case]:
    random = np.random.default_rng(0)
    for name, graph in {
        "graded Hopfield": _symmetric(random, 20),
        "modern Hopfield": ns.architectures.hopfield(units=20, form="modern"),
        "BAM": ns.architectures.bam(),
    }.items():
        program = ns.compile_graph(graph)
        chosen = ns.energy_function(program)
        y = 2.0 * random.standard_normal((1000, program.states.size))
        u = random.standard_normal((1000, program.inputs.size))
        slope = (chosen.gradient(y, u) * program.flow(y, u)).sum(-1)
        closed = chosen.rate(y, u)
        worst = float((np.abs(slope - closed) / np.abs(closed).max()).max())
        yield Case(
            f"energy identity, {name}", SOURCE, "gradient of E times flow, against the closed form; of the largest",
            "0", f"{worst:.1e}", worst, 1e-12, "rounding, 1000 random states",
        )  # fmt: skip
        flow, h = program.flow(y, u), 3e-4
        along = [chosen.value(y + k * h * flow, u) for k in (-2, -1, 1, 2)]
        difference = (along[0] - 8.0 * along[1] + 8.0 * along[2] - along[3]) / (12.0 * h)
        worst = float((np.abs(difference - closed) / np.abs(closed).max()).max())
        yield Case(
            f"energy along the flow, {name}", SOURCE, "central difference of E along the flow, against the closed form",
            "0", f"{worst:.1e}", worst, 1e-8, "difference of order 4 with h = 3e-4",
        )  # fmt: skip


def _many_networks(count: int) -> Case:
    random, violations, share = np.random.default_rng(1), 0, 0.0
    for _ in range(count):
        units = int(random.integers(2, 12))
        graph = _symmetric(random, units, float(random.uniform(0.5, 8.0)))
        run = ns.energy(graph, (0.0, 15.0), initial={"u": 2.0 * random.standard_normal(units)}, rtol=1e-4)
        violations += run.violations.size
        share = max(share, float((run.rise / run.bound).max()))
    return Case(
        f"energy of {count} random symmetric networks", SOURCE,
        "saved intervals in which E rises more than the tolerance allows", "0",
        f"{violations} (largest rise {share:.1e} of what is allowed)", float(violations), 0.0,
        "E cannot rise; allowed is what errors within rtol = 1e-4 do to it",
    )  # fmt: skip


def _discrete_gradient() -> Case:
    random, worst = np.random.default_rng(2), -np.inf
    for dt in (0.01, 0.3, 3.0, 30.0):
        program = ns.compile_graph(_symmetric(random, 10, 4.0))
        chosen = ns.energy_function(program)
        twin = ns.digital(program, "gonzalez", dt=dt)
        start = 2.0 * random.standard_normal((1, 10))
        states = twin.sequence(np.zeros((40, 1, 10)), start, record=True).states[:, 0]
        e = chosen.value(states, np.zeros((len(states), 10)))
        worst = max(worst, float(np.diff(e).max() / np.abs(e).max()))
    return Case(
        "energy under a discrete gradient", "Gonzalez, J. Nonlinear Sci. 6, 449 (1996), doi 10.1007/BF02440162",
        "largest rise of E in a step of 0.01 to 30 time constants, of the largest E", "not above rounding",
        f"{worst:.1e}", max(worst, 0.0), 1e-12, "the rule makes the fall exact; Newton is solved to rounding",
    )  # fmt: skip


def _control(context: Context) -> Case:
    graph = ns.architectures.hopfield(units=8, gain=1.0)
    graph = graph.with_weights({"W": 3.0 * np.random.default_rng(3).standard_normal((8, 8))})
    run = ns.energy(graph, (0.0, 30.0), initial={"u": np.ones(8)}, symmetric_part=True)
    seen = int(run.violations.size)
    figure = context.figure("energy of an asymmetric network", lambda ax: _draw(ax, run))
    return Case(
        "energy of an asymmetric network (control)", "", "saved intervals in which E rises beyond the tolerance",
        "many", str(seen), float(seen < 20), 0.0, "the check must be able to fail", figure,
    )  # fmt: skip


def _draw(ax: Any, run: Any) -> None:
    ax.plot(run.times, run.energy)
    ax.plot(run.times[run.violations + 1], run.energy[run.violations + 1], ".", label="rises")
    ax.set_xlabel("time (s)")
    ax.set_ylabel("energy E")
    ax.legend()
