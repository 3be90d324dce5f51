"""Gradients of trajectories against torch's automatic differentiation through the same fixed steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.solve.methods import methods
from validation.case import Case, Context
from validation.peers.torch_cells import _difference

UNITS, STEPS, SPAN = 12, 60, 6.0
TOLERANCE = 1e-10


def cases(context: Context) -> Iterator[Case]:
    """Gradient by weights, biases, time constants and the start: classical Runge-Kutta, and Dormand and Prince."""
    try:
        import torch
    except ImportError:
        context.remarks.append("torch is not installed: gradients of trajectories were not compared with it")
        return
    for name in ("rk4", "dp5"):
        yield from _network(torch, name)


def _network(torch: Any, name: str) -> Iterator[Case]:
    draw = np.random.default_rng(0)
    weights = 1.3 * draw.normal(size=(UNITS, UNITS)) / np.sqrt(UNITS)
    bias, tau, start = 0.1 * draw.normal(size=UNITS), 0.5 + draw.random(UNITS), draw.normal(size=UNITS)
    graph = ns.SignalGraph("ctrnn")
    for key, value in (("W", weights), ("b", bias), ("tau", tau)):
        graph.parameter(key, value)
    graph.state("h", UNITS, time_constant="tau", bias="b")
    graph.map("r", UNITS, "tanh")
    graph.connect("h", "r")
    graph.connect("r", "h", weight="W")
    target = draw.normal(size=(STEPS + 1, UNITS))
    times = np.linspace(0.0, SPAN, STEPS + 1)
    found = ns.gradient(
        ns.dynamics(graph).with_start(start), lambda t, y: (float(((y - target) ** 2).sum()), 2.0 * (y - target)),
        (0.0, SPAN), times=times, method=name, fixed_step=SPAN / STEPS,
    )  # fmt: skip

    given = [torch.tensor(value, requires_grad=True) for value in (weights, bias, tau, start)]
    w, b, t, y = given
    tableau = methods.get(name).tableau
    stages, h = int(tableau[0, 0]), SPAN / STEPS
    seen = [y]
    for _ in range(STEPS):
        slopes: list[Any] = []
        for row in tableau[1 : 1 + stages]:
            z = y + h * sum(float(a) * k for a, k in zip(row, slopes, strict=False)) if slopes else y
            slopes.append((w @ torch.tanh(z) + b - z) / t)
        y = z
        seen.append(y)
    value = ((torch.stack(seen) - torch.tensor(target)) ** 2).sum()
    value.backward()
    ours = [found.parameters["W"], found.parameters["b"], found.parameters["tau"], list(found.initial.values())]
    yield _difference(f"{name}: loss", "sum of squares", np.array([value.item()]), np.array([found.value]), TOLERANCE)
    for label, tensor, array in zip(("weights", "biases", "time constants", "start"), given, ours, strict=True):
        yield _difference(f"{name}: gradient by {label}", "dL/dp", tensor.grad.numpy(), np.asarray(array), TOLERANCE)
