"""Memristors outside a circuit: their laws as functions of the terminal voltage and the states."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.devices import devices
from neurosim.devices.device import Current, Device, Rate
from neurosim.kernels.abi import CONTEXT_SIZE, STEP, WANT_DERIVATIVES, Kernel

Array = NDArray[np.float64]
TEMPERATURE = 300.15


def memristors() -> list[Device]:
    """All devices of the registry whose model type is `memristor`."""
    return [d for d in devices if d.netlist and "memristor" in d.netlist.model_types]


def variants() -> Iterator[tuple[Device, dict[str, float]]]:
    """Every memristor with its standard set and, for each parameter that is a word, with each of its words."""
    for device in memristors():
        yield device, {}
        for parameter in device.parameters:
            for index in range(len(parameter.choices)):
                yield device, {parameter.name: float(index)}


@dataclass
class Memristor:
    """`n` equal instances of a memristor.

    `bounds` has shape (states, 2): where the states are drawn from; infinite bounds are taken from the device's
    reference case.
    """

    device: Device
    p: Array
    values: Mapping[str, float]
    bounds: Array
    start: Array

    @property
    def amplitude(self) -> float:
        return self.device.reference["drive"]["amplitude"]

    @property
    def frequency(self) -> float:
        return self.device.reference["drive"]["frequency"]

    def law(self, u: Array, compiled: bool = True) -> tuple[Array, Array]:
        """F and D at the inputs u of shape (inputs, n)."""
        assert self.device.law is not None
        return call(self.device.law, self.device, u, self.p[:, : u.shape[1]], compiled=compiled)

    def inputs(self, v: Array, x: Array) -> Array:
        """Inputs of the law at the terminal voltages v, shape (n), and the states x, shape (states, n)."""
        structure = self.device.structure
        if not structure.internals:
            return np.vstack([v, x])
        assert structure.inputs[:2] == (("p", "inner"), ("inner", "n")), "one inner net in series is what this knows"
        low, high, drop = np.minimum(v, 0.0), np.maximum(v, 0.0), 0.5 * v
        for _ in range(100):
            F, D = self.law(np.vstack([v - drop, drop, x]))
            excess = F[0] - F[1]
            low, high = np.where(excess >= 0, drop, low), np.where(excess <= 0, drop, high)
            newton = drop + excess / (D[0, 0] + D[1, 1])
            better = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
            if np.all(np.abs(better - drop) <= 1e-13 * np.abs(v)):
                break
            drop = better
        return np.vstack([v - drop, drop, x])

    def response(self, v: Array, x: Array) -> tuple[Array, Array]:
        """Terminal current, shape (n), and rates, shape (states, n)."""
        F, _ = self.law(self.inputs(v, x))
        into_p = [
            r for r, flow in enumerate(self.device.structure.flows) if isinstance(flow, Current) and flow.plus == "p"
        ]
        rates = [r for r, flow in enumerate(self.device.structure.flows) if isinstance(flow, Rate)]
        return F[into_p].sum(axis=0), F[rates]

    def projected_rates(self, v: Array, x: Array) -> Array:
        """Rates at x held to the bounds, without those that lead out."""
        lower, upper = self.state_limits()
        held = np.clip(x, lower, upper)
        rates = self.response(v, held)[1]
        return np.where(((x <= lower) & (rates < 0)) | ((x >= upper) & (rates > 0)), 0.0, rates)

    def state_limits(self) -> tuple[Array, Array]:
        """Declared bounds of the states, shape (states, 1)."""
        states = self.device.structure.states
        lower = np.array([[resolved(s.lower, self.values)] for s in states])
        return lower, np.array([[resolved(s.upper, self.values)] for s in states])


def resolved(bound: float | str, values: Mapping[str, float]) -> float:
    return values[bound] if isinstance(bound, str) else float(bound)


def memristor(name: str | Device, n: int = 1, **given: float | str) -> Memristor:
    """`n` equal instances with the given parameters."""
    device = devices.get(name) if isinstance(name, str) else name
    # A word without a default must be given: the first one stands for it.
    required = {p.name: 0.0 for p in device.parameters if p.choices and p.default is None}
    values = device.complete({**required, **given})  # type: ignore[arg-type]
    columns = {key: np.full(n, value) for key, value in values.items()}
    columns["temperature"] = columns["nominal_temperature"] = np.full(n, TEMPERATURE)
    assert device.derive is not None
    p = np.array([np.broadcast_to(row, n) for row in device.derive(columns)], dtype=float)
    bounds = [[resolved(s.lower, values), resolved(s.upper, values)] for s in device.structure.states]
    for row, state in zip(bounds, device.structure.states, strict=True):
        facts = device.reference["state_bounds"][state.name]
        row[:] = [a if np.isfinite(a) else b for a, b in zip(row, facts, strict=True)]
    start = np.array([[resolved(s.initial, values)] for s in device.structure.states])
    return Memristor(device, p, values, np.array(bounds), start)


@cache
def _entry(kernel: Kernel) -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)(kernel.address)


def call(
    kernel: Kernel,
    device: Device,
    u: Array,
    p: Array,
    memory: Array | None = None,
    step: float = 0.0,
    compiled: bool = True,
) -> tuple[Array, Array]:
    """F and D of a kernel, compiled or as plain Python."""
    nu, w = u.shape
    nf = len(device.structure.flows)
    u, p = np.ascontiguousarray(u), np.ascontiguousarray(p)
    memory = np.zeros((device.structure.memory_rows, w)) if memory is None else memory
    context = np.zeros(CONTEXT_SIZE)
    context[WANT_DERIVATIVES], context[STEP] = 1.0, step
    F, D = np.full((nf, w), np.nan), np.full((nf, nu, w), np.nan)
    table, code = np.zeros(1), np.zeros(1, np.int64)
    if compiled:
        dims = np.array([nu, p.shape[0], memory.shape[0], 0, 0, nf, w], np.int64)
        _entry(kernel)(*(a.ctypes.data for a in (context, dims, u, p, memory, table, code, F, D)))
    else:
        kernel(context, u, p, memory, table, code, F, D)
    return F, D
