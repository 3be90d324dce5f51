"""Gradients of every architecture against torch's automatic differentiation through an interpreter of its own.

The interpreter below reads the graph node by node, and shares nothing with the array programs but the graph. Networks
with events have no gradient and are left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neurosim.architectures import architectures
from neurosim.digital.hosted import HostedNetwork
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.graph.checks import factors, memoryless_order
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph
from validation.case import Case, Context
from validation.peers.torch_cells import _difference

STEPS, SAMPLES = 12, 3
Values = Mapping[str, Any]

LAWS: dict[str, Callable[..., list[Any]]] = {
    "lorenz_field": lambda x, y, z, sigma, rho, beta: [sigma * (y - x), x * (rho - z) - y, x * y - beta * z],
    "rossler_field": lambda x, y, z, a, b, c: [-y - z, x + a * y, b + z * (x - c)],
    "van_der_pol_field": lambda x, v, mu: [v, mu * (1.0 - x * x) * v - x],
    "henon_field": lambda x, y, a, b: [1.0 - a * x * x + y, b * x],
    "mackey_glass_field": lambda x, beta, n: [beta * x / (1.0 + abs(x) ** n)],
}
"""The vector fields of the registry once more."""


def cases(context: Context) -> Iterator[Case]:
    """Runs and gradients of the small instance of each architecture under forward Euler."""
    if importlib.util.find_spec("torch") is None:
        context.remarks.append("torch is not installed: gradients of architectures are not compared with it")
        return
    for entry in architectures:
        graph = entry.build(**entry.example)
        if not flatten(graph).of_kind("event"):
            yield from _architecture(entry.name, graph)


def _architecture(name: str, graph: SignalGraph) -> Iterator[Case]:
    import torch

    network = digital(graph, "forward_euler", _step(graph))
    program, rng = network.program, np.random.default_rng(0)
    u = rng.normal(size=(STEPS, SAMPLES, program.inputs.size))
    y0 = 0.5 * rng.normal(size=(SAMPLES, program.states.size))
    run = network.sequence(u, y0, keep=True)
    by_outputs, by_states = rng.normal(size=run.outputs.shape), rng.normal(size=run.states.shape)
    found = network.gradient(run, by_outputs, d_states=by_states, inputs=True)
    given = [torch.tensor(array, requires_grad=True) for array in (program.p[: program.parameters.size], y0, u)]
    states, outputs = _run(torch, network, *given)
    value = (torch.tensor(by_states) * states).sum() + (torch.tensor(by_outputs) * outputs).sum()
    value.backward()
    yield _difference(f"{name}: states", f"{STEPS} steps", states.detach().numpy(), run.states, 1e-12)
    for what, tensor, ours in zip(
        ("parameters", "start", "inputs"), given, (found.parameters, found.initial, found.inputs), strict=True
    ):
        if ours.size:
            yield _difference(f"{name}: gradient by {what}", "dL/d.", tensor.grad.numpy(), ours, 1e-10)


def _step(graph: SignalGraph) -> float:
    """The period of a clock, or a step that is no special case; delays are multiples of it."""
    for clock in graph.clocks.values():
        return clock.period
    lags = [graph.value_of(d["time_constant"], graph.size_of(str(n)), str(n)).min()
            for n, d in graph.nodes(data=True) if d.get("time_constant") is not None]  # fmt: skip
    dt = (0.05 if any(d.get("law") is not None for _, d in graph.nodes(data=True)) else 0.7) * float(min(lags))
    delays = [d["delay"] for _, _, d in graph.edges(data=True) if d["delay"] > 0.0]
    return min(delays) / np.ceil(min(delays) / dt) if delays else dt


def _run(torch: Any, network: DigitalNetwork, p: Any, y0: Any, u: Any) -> tuple[Any, Any]:
    """States and outputs after each step; level by level where there are hosts, which turn time round."""
    whole = network.program
    levels = network.levels if isinstance(network, HostedNetwork) else (whole,)
    parameters = {name: p[part] for name, part in whole.parameters.slices.items()}
    signals = {name: u[..., part] for name, part in whole.inputs.slices.items()}
    columns, outputs = {}, u
    for level in levels:
        graph = level.graph
        values = {name: y0[:, whole.states.slices[name]] for name in level.states.slices}
        seen: dict[str, list[Any]] = {name: [] for name in (*level.states.slices, *level.outputs.slices)}
        for t in range(STEPS):
            inputs = {name: signals[name][t] for name in level.inputs.slices}
            here = _values(torch, graph, {**values, **inputs}, parameters)
            values = {name: _next(torch, graph, name, here, parameters, network.dt) for name in values}
            after = _values(torch, graph, {**values, **inputs}, parameters)
            for name, entries in seen.items():
                entries.append(after[name])
        stacked = {name: torch.stack(entries) for name, entries in seen.items()}
        columns |= {name: stacked[name] for name in level.states.slices}
        if level is not levels[-1]:
            for name in level.outputs.slices:
                ramp = np.arange(3.0)[:, None, None] * np.ones(whole.graph.size_of(name))
                assert np.array_equal(whole.graph.nodes[name]["function"](ramp), ramp[::-1])
                signals[name] = torch.flip(stacked[name], [0])
        else:
            joined = [stacked[name] for name in level.outputs.slices]
            outputs = torch.cat(joined, -1) if joined else u.new_zeros(STEPS, SAMPLES, 0)
    return torch.cat([columns[name] for name in whole.states.slices], -1), outputs


def _next(torch: Any, graph: SignalGraph, name: str, values: Values, parameters: Values, dt: float) -> Any:
    """Forward Euler, or a jump."""
    data = graph.nodes[name]
    drive = _sum(torch, graph, name, values, parameters)
    if data["kind"] == "hold" or data["clock"] is not None:
        return drive
    tau, leak = (
        parameters[x] if isinstance(x, str) else torch.tensor(np.asarray(x, float).ravel())
        for x in (data["time_constant"], data["leak"])
    )
    return values[name] + dt / tau * (drive - leak * values[name])


def _values(torch: Any, graph: SignalGraph, known: Values, parameters: Values) -> dict[str, Any]:
    values = dict(known)
    for name in memoryless_order(graph):
        data = graph.nodes[name]
        if data["kind"] == "product":
            values[name] = _product(torch, graph, name, values, parameters)
            continue
        x = _sum(torch, graph, name, values, parameters)
        if data["kind"] == "map":
            x = data["gain"] * x
            if data.get("law") is not None:
                own = [parameters[parameter] for parameter in data["parameters"]]
                x = torch.cat(LAWS[data["law"].name](*x.split(1, dim=1), *own), 1)
            else:
                x = {"identity": lambda v: v, "tanh": torch.tanh, "logistic": torch.sigmoid, "relu": torch.relu,
                     "complement": lambda v: 1.0 - v}[data["function"]](x)  # fmt: skip
        values[name] = x
    return values


def _sum(torch: Any, graph: SignalGraph, name: str, values: Values, parameters: Values) -> Any:
    bias = graph.nodes[name].get("bias")
    total = torch.zeros(SAMPLES, graph.size_of(name), dtype=torch.float64)
    total = total if bias is None else total + parameters[bias]
    for a, _, data in graph.in_edges(name, data=True):
        if data["role"] == "add":
            total = total + _term(torch, graph, str(a), data, graph.size_of(name), values, parameters)
    return total


def _term(torch: Any, graph: SignalGraph, a: str, data: dict, size: int, values: Values, parameters: Values) -> Any:
    """What one edge gives."""
    low, high = data["source_part"] or (0, graph.size_of(a))
    x = data["gain"] * values[a][:, low:high]
    if data["weight"] is not None:
        value, w = graph.parameters[data["weight"]].value, parameters[data["weight"]]
        if hasattr(value, "tocoo"):
            places = value.tocoo()
            rows, columns = (torch.tensor(np.asarray(k, np.int64)) for k in (places.row, places.col))
            w = torch.zeros(value.shape, dtype=torch.float64).index_put((rows, columns), w)
            x = x @ (w if data["transpose"] else w.T)
        elif value.ndim == 2:
            w = w.reshape(value.shape)
            x = x @ (w if data["transpose"] else w.T)
        else:
            x = x * w
    low, high = data["target_part"] or (0, size)
    return torch.nn.functional.pad(x, (low, size - high))


def _product(torch: Any, graph: SignalGraph, name: str, values: Values, parameters: Values) -> Any:
    data, slots = graph.nodes[name], factors(graph, name)
    operands = []
    for slot in slots:
        size = graph.size_of(slot[0][0]) if data["form"] else graph.size_of(name)
        operands.append(sum(_term(torch, graph, a, edge, size, values, parameters) for a, edge in slot))
    if not data["form"]:
        return torch.stack(operands).prod(0)
    left, _, result = data["form"].partition("->")
    terms = left.split(",")
    shaped = [x.reshape(SAMPLES, *graph.nodes[slot[0][0]]["shape"]) for x, slot in zip(operands, slots, strict=True)]
    if data["weight"] is not None:
        weight = graph.parameters[data["weight"]].value
        shaped.insert(0, parameters[data["weight"]].reshape(weight.shape).expand(SAMPLES, *weight.shape))
    form = ",".join(f"z{term}" for term in terms)
    return torch.einsum(f"{form}->z{result}", *shaped).reshape(SAMPLES, -1)
