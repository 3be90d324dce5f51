"""Every registered device: its declaration, its file, and its law against differences. No list is kept by hand."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import neurosim.devices as package
from neurosim.devices import devices
from neurosim.devices.device import Current, Device, Equation, Rate
from neurosim.kernels.abi import CONTEXT_SIZE, SOURCE_SCALE, TEMPERATURE, WANT_DERIVATIVES

FIXED = [d for d in devices if d.specialise is None]
WITH_LAW = [d for d in FIXED if d.law is not None and not d.uses_table]


def files() -> Iterator[Path]:
    """Source files of the device folder."""
    yield from sorted(Path(inspect.getfile(package)).parent.glob("*.py"))


def names(group: list[Device]) -> list[str]:
    """Test ids."""
    return [d.name for d in group]


def values_of(device: Device) -> dict[str, float]:
    """Defaults, with 1 (or the middle of the bounds) for what must be given."""
    given = {}
    for p in device.parameters:
        if p.default is None and not p.optional:
            middle = 0.5 * (p.minimum + p.maximum)
            given[p.name] = middle if np.isfinite(middle) else 1.0
    return device.complete({**given, **device.reference.get("instance", {})})


MODEL_FILES = [p for p in files() if hasattr(importlib.import_module(f"neurosim.devices.{p.stem}"), "device")]


@pytest.mark.parametrize("path", MODEL_FILES, ids=lambda p: p.stem)
def test_a_model_file_is_short(path: Path) -> None:
    assert path.stem == "device" or len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("device", list(devices), ids=names(list(devices)))
def test_declaration_is_complete(device: Device) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", device.name)
    assert device.summary
    assert device.source.citation
    seen = set()
    for p in device.parameters:
        assert p.meaning, p.name
        assert p.name not in seen
        seen.add(p.name)
        if isinstance(p.default, float | int):
            assert p.minimum <= p.default <= p.maximum, p.name
    structure = device.structure
    known = {*structure.terminals, *structure.controls}
    known |= {i.name for i in structure.internals} | {s.name for s in structure.states}
    for plus, minus in structure.inputs:
        assert plus in known
        assert minus is None or minus in known
    for flow in structure.flows:
        if isinstance(flow, Current):
            ends: tuple[str | None, ...] = (flow.plus, flow.minus)
        else:
            ends = (flow.state if isinstance(flow, Rate) else flow.row,)
        assert {e for e in ends if e is not None} <= known
    assert {f.state for f in structure.flows if isinstance(f, Rate)} == {s.name for s in structure.states}
    for r, c, _ in structure.wiring:
        assert r < len(structure.flows)
        assert c < len(structure.inputs)


@pytest.mark.parametrize("device", list(devices), ids=names(list(devices)))
def test_docstring_gives_the_equation(device: Device) -> None:
    module = next(
        importlib.import_module(f"neurosim.devices.{path.stem}")
        for path in files()
        if path.stem != "__init__" and _declares(path.stem, device)
    )
    assert module.__doc__
    # Equations stand here, or in the file that this one names.
    assert "=" in module.__doc__ or "``" in module.__doc__ or "`neurosim.devices." in module.__doc__


def _declares(stem: str, device: Device) -> bool:
    declared = getattr(importlib.import_module(f"neurosim.devices.{stem}"), "device", None)
    return declared is device or (isinstance(declared, tuple) and device in declared)


@pytest.mark.parametrize("device", WITH_LAW, ids=names(WITH_LAW))
def test_law_assigns_everything_and_its_derivatives_are_right(device: Device) -> None:
    structure = device.structure
    inputs = len(structure.inputs) if structure.law_inputs is None else structure.law_inputs
    flows = len(structure.flows) if structure.law_flows is None else structure.law_flows
    values = values_of(device)
    columns = {name: np.full(1, value) for name, value in values.items()}
    columns |= {"temperature": np.full(1, 300.15), "nominal_temperature": np.full(1, 300.15)}
    rows = device.derive(columns) if device.derive else [columns[p.name] for p in device.parameters]
    p = np.array([np.broadcast_to(np.asarray(r, float), 1) for r in rows]).reshape(len(rows), 1)
    context = np.zeros(CONTEXT_SIZE)
    context[[SOURCE_SCALE, TEMPERATURE, WANT_DERIVATIVES]] = 1.0, 300.15, 1.0
    rng = np.random.default_rng(7)
    bounds = {
        s.name: tuple(values[b] if isinstance(b, str) else b for b in (s.lower, s.upper)) for s in structure.states
    }

    def evaluate(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        F, D = np.full((flows, 1), np.nan), np.full((flows, inputs, 1), np.nan)
        memory = np.zeros((structure.memory_rows, 1))
        device.law(context, u, p, memory, np.array(structure.constants), np.array(structure.code, np.int64), F, D)
        return F, D

    for _ in range(20):
        u = np.empty((inputs, 1))
        for c, (plus, _minus) in enumerate(structure.inputs[:inputs]):
            low, high = bounds.get(plus, (-0.6, 0.6))
            low, high = (low, high) if np.isfinite([low, high]).all() else (-1.0, 1.0)
            u[c] = low + (high - low) * rng.uniform(0.1, 0.9)
        F, D = evaluate(u)
        assert np.isfinite(F).all(), "every flow is assigned and finite"
        assert np.isfinite(D).all(), "every derivative is assigned and finite"
        for c, (plus, _minus) in enumerate(structure.inputs[:inputs]):
            low, high = bounds.get(plus, (-0.5, 0.5))
            step = 1e-6 * ((high - low) if np.isfinite(high - low) else 1.0)
            estimates = []
            for h in (step, step / 2):
                ahead, behind = u.copy(), u.copy()
                ahead[c] += h
                behind[c] -= h
                estimates.append((evaluate(ahead)[0] - evaluate(behind)[0])[:, 0] / (2 * h))
            # Richardson: steep windows bend over one step.
            difference = (4 * estimates[1] - estimates[0]) / 3
            scale = np.abs(D[:, c, 0]) + np.abs(difference)
            floor = 1e-14 * np.abs(F[:, 0]) / step + 1e-300
            close = np.abs(difference - D[:, c, 0]) <= 1e-5 * scale + floor
            assert close.all(), (device.name, c, u.ravel(), difference, D[:, c, 0])


def test_netlist_rules_do_not_clash() -> None:
    seen: dict[tuple[str, int], str] = {}
    for device in devices:
        rule = device.netlist
        if rule is not None and rule.level is not None:
            key = (rule.letter.upper(), rule.level)
            assert key not in seen, f"{device.name} and {seen[key]} have the same level"
            seen[key] = device.name


def test_equations_stand_in_rows_of_unknowns() -> None:
    for device in FIXED:
        structure = device.structure
        rows = [f.row for f in structure.flows if isinstance(f, Equation)]
        assert len(rows) == len(set(rows))
        assert {i.name for i in structure.internals if i.kind != "voltage"} <= set(rows), device.name
