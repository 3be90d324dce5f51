"""Calls of device laws on arrays, without an engine: what the tests of single devices share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.reader import read_netlist
from neurosim.devices.device import Device, Instance, Structure
from neurosim.kernels.abi import CONTEXT_SIZE, GMIN, SOURCE_SCALE, TEMPERATURE, WANT_DERIVATIVES


def cards(text: str, **options: Any) -> dict[str, Instance]:
    """Instances of a netlist by name."""
    return {i.name: i for i in read_netlist(f"title\n{text}\n.end\n", **options).instances}


def columns(
    device: Device, values: Mapping[str, float], *, count: int = 1, temperature: float = 300.15, nominal: float = 300.15
) -> dict[str, np.ndarray]:
    """Parameter columns of `count` equal instances."""
    found = {key: np.full(count, value) for key, value in device.complete(values).items()}
    return found | {"temperature": np.full(count, temperature), "nominal_temperature": np.full(count, nominal)}


def new_context(**entries: float) -> np.ndarray:
    """A context with names of `neurosim.kernels.abi` in lower case set to values."""
    from neurosim.kernels import abi

    context = np.zeros(CONTEXT_SIZE)
    context[[SOURCE_SCALE, TEMPERATURE, GMIN, WANT_DERIVATIVES]] = 1.0, 300.15, 1e-12, 1.0
    for name, value in entries.items():
        context[getattr(abi, name.upper())] = value
    return context


def law(
    device: Device, u: Sequence[float], p: Sequence[Any], *, structure: Structure | None = None,
    context: np.ndarray | None = None, memory: np.ndarray | None = None, table: Sequence[float] = (),
    compiled: bool = False,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """F and D of one instance."""
    structure = structure or device.structure
    inputs = len(structure.inputs) if structure.law_inputs is None else structure.law_inputs
    flows = len(structure.flows) if structure.law_flows is None else structure.law_flows
    rows = structure.memory_rows + structure.scratch_rows
    memory = np.zeros((rows, 1)) if memory is None else memory
    F, D = np.full((flows, 1), np.nan), np.full((flows, inputs, 1), np.nan)
    arguments = (
        new_context() if context is None else context, np.array(u, float).reshape(-1, 1)[:inputs],
        np.array([np.ravel(row)[0] for row in p], float).reshape(-1, 1), memory,
        np.array(table or structure.constants, float), np.array(structure.code, np.int64), F, D,
    )  # fmt: skip
    assert device.law is not None
    (device.law if not compiled else _compiled(device))(*arguments)
    return F[:, 0], D[:, :, 0]


def _compiled(device: Device) -> Any:
    """The C function of a law as a Python callable."""
    import ctypes

    assert device.law is not None
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)(device.law.address)

    def call(context: Any, u: Any, p: Any, memory: Any, table: Any, code: Any, F: Any, D: Any) -> None:
        dims = np.array([len(u), len(p), len(memory), table.size, code.size, len(F), 1], np.int64)
        function(*(a.ctypes.data for a in (context, dims, u, p, memory, table, code, F, D)))

    return call


def derivative_error(device: Device, u: Sequence[float], p: Sequence[Any], **keywords: Any) -> float:
    """Largest relative difference between D and central differences of F."""
    u = np.array(u, float)
    _, D = law(device, u, p, **keywords)
    worst = 0.0
    for c in range(D.shape[1]):
        h = 1e-6 * max(1e-3, abs(u[c]))
        above, below = u.copy(), u.copy()
        above[c] += h
        below[c] -= h
        slope = (law(device, above, p, **keywords)[0] - law(device, below, p, **keywords)[0]) / (2 * h)
        size = np.abs(D).max(axis=1) + 1e-300
        worst = max(worst, float(np.max(np.abs(slope - D[:, c]) / size)))
    return worst
