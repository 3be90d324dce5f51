"""A signal graph as text: one readable equation for each node."""

from __future__ import annotations

import re

import numpy as np

from neurosim.graph.checks import factors
from neurosim.graph.functions import function_of
from neurosim.graph.plasticity import rule_name
from neurosim.graph.signal_graph import RESETS, Number, SignalGraph

_HEADINGS = {
    "port": "inputs", "state": "states", "hold": "holds", "map": "maps", "product": "products", "event": "events",
    "host": "hosts", "sub": "graphs inside", "output": "outputs",
}  # fmt: skip


def equations(graph: SignalGraph) -> str:
    """Write a graph as equations.

    Parameters
    ----------
    graph : SignalGraph
        Graphs inside it are written after it, each once.

    Returns
    -------
    str
        ``tau x' = ...`` for what flows, ``x <- ...`` for what jumps at a clock, then maps, products, outputs, the
        shapes of parameters, and the clocks. ``W^T`` is a transposed weight, ``x[0:4]`` a part, ``*`` elementwise.
    """
    size = {name: sum(graph.size_of(n) for n in graph.of_kind(name)) for name in ("state", "hold")}
    ports = [sum(graph.size_of(n) for n in names) for names in (graph.inputs, graph.outputs)]
    lines = [f"{graph.title}: {size['state']} states, {size['hold']} held, {ports[0]} inputs, {ports[1]} outputs"]
    groups: dict[str, list[str]] = {kind: [] for kind in _HEADINGS}
    for name, data in graph.nodes(data=True):
        kind = "output" if data["kind"] == "port" and data["output"] else data["kind"]
        groups[kind].append(_equation(graph, str(name), kind))
    for kind, written in groups.items():
        if written:
            lines += [_HEADINGS[kind], *(f"  {line}" for line in written)]
    if graph.parameters:
        lines.append("parameters")
        for name, parameter in graph.parameters.items():
            shape = parameter.value.shape
            text = " x ".join(map(str, shape)) if shape else "number"
            is_sparse = hasattr(parameter.value, "tocsr")
            unit = f" {parameter.unit}" if parameter.unit else ""
            fixed = "" if parameter.trainable else ", fixed"
            lines.append(f"  {name}: {text}{unit}{f', {parameter.value.nnz} not zero' if is_sparse else ''}{fixed}")
    if graph.clocks:
        lines.append("clocks")
        lines += [
            f"  {name}: every {clock.period:g} s" + (f" from {clock.phase:g} s" if clock.phase else "")
            for name, clock in graph.clocks.items()
        ]
    bodies = {id(graph.nodes[name]["body"]): graph.nodes[name]["body"] for name in graph.of_kind("sub")}
    return "\n".join([*lines, *(f"\n{equations(body)}" for body in bodies.values())])


def _equation(graph: SignalGraph, name: str, kind: str) -> str:
    data = graph.nodes[name]
    left = _named(graph, name)
    unit = f"  [{data['unit']}]" if data.get("unit") else ""
    if kind == "port":
        limits = f" in {data['limits'][0]:g} .. {data['limits'][1]:g}" if data["limits"] else ""
        return left + limits + unit
    if kind == "sub":
        body = data["body"]
        return f"{name}: {body.title}, inputs {', '.join(body.inputs)}, outputs {', '.join(body.outputs)}"
    drive = _drive(graph, name)
    if kind == "state":
        bounds = f", within {data['bounds'][0]:g} .. {data['bounds'][1]:g}" if data["bounds"] else ""
        if data["clock"] is not None:
            return f"{left} <- {drive} at ticks of {data['clock']}{bounds}{unit}"
        leak = _number(data["leak"])
        kept = "" if leak == "0" else f"-{name} " if leak == "1" else f"-{leak} {name} "
        right = f"{kept}+ {drive}" if kept and drive != "0" else kept.strip() or drive
        right = right.replace("+ -", "- ")
        noise = "" if data.get("noise") is None else f", noise {_number(data['noise'])} dW"
        return f"{_number(data['time_constant'], 's')} {left}' = {right}{noise}{bounds}{unit}"
    if kind == "hold":
        return f"{left} = {drive}, sampled at ticks of {data['clock']}"
    if kind == "map":
        function = function_of(data)
        if data.get("law") is not None:
            inside = drive if data["gain"] == 1.0 else f"{data['gain']:g} ({drive})"
            given = f"; {', '.join(data['parameters'])}" if data["parameters"] else ""
            formula = f"  ({data['law'].formula})" if data["law"].formula else ""
            return f"{left} = {data['law'].name}({inside}{given}){unit}{formula}"
        if function.name == "identity":
            gain = "" if data["gain"] == 1.0 else f"{data['gain']:g} "
            return f"{left} = {gain}({drive}){unit}" if gain else f"{left} = {drive}{unit}"
        inside = drive if data["gain"] == 1.0 else f"{data['gain']:g} ({drive})"
        argument = "" if function.argument is None else f"; a = {data['argument']:g}"
        return f"{left} = {function.name}({inside}{argument}){unit}"
    if kind == "product":
        letters = data["form"].partition("->")[2]
        return f"{name + '_' + letters if letters else left} = {_product(graph, name)}{unit}"
    if kind == "event":
        pause = _number(data["refractory"], "s")
        rests = "" if pause == "0 s" else f", then rests for {pause}"
        return f"{left} ticks where {drive} rises to {_number(data['threshold'])}{rests}"
    if kind == "host":
        return f"{left} = {getattr(data['function'], '__name__', 'procedure')}({drive}), in Python"
    return f"{left} = {drive}{unit}"


def _named(graph: SignalGraph, name: str) -> str:
    shape = graph.nodes[name]["shape"]
    return name if shape == (1,) else f"{name}[{', '.join(map(str, shape))}]"


def _drive(graph: SignalGraph, name: str) -> str:
    edges = [(str(a), data) for a, _, data in graph.in_edges(name, data=True)]
    bias = graph.nodes[name].get("bias")
    terms = [_term(a, d) for a, d in edges if d["role"] in ("add", "factor")] + ([bias] if bias else [])
    further = [_reset(name, a, d) if d["role"] == "reset" else f"{d['role']} by {a}" for a, d in edges
               if d["role"] not in ("add", "factor", "clock")]  # fmt: skip
    return _sum(terms) + "".join(f" ({text})" for text in further)


def _reset(name: str, source: str, data: dict) -> str:
    key = next((key for key in RESETS if data.get(key) is not None), None)
    if key is None:
        return f"reset by {source}"
    value, part = _number(data[key]), data["target_part"]
    state = name + (f"[{part[0]}:{part[1]}]" if part else "")
    drawn = f"-{value} E, E drawn from exp(-E),"
    result = {"to": value, "by": f"{state} - {value}", "factor": f"{value} {state}", "draw": drawn}[key]
    return f"{state} <- {result} at ticks of {source}"


def _sum(terms: list[str]) -> str:
    return re.sub(r"\+ -", "- ", " + ".join(terms)) if terms else "0"


def _term(source: str, data: dict) -> str:
    end = f"{source}/{data['source_port']}" if data.get("source_port") else source
    part = data["source_part"]
    text = end + (f"[{part[0]}:{part[1]}]" if part else "")
    if data["weight"] is not None:
        text = f"{data['weight']}{'^T' if data['transpose'] else ''} {text}"
    if data["gain"] == -1.0:
        text = f"-{text}"
    elif data["gain"] != 1.0:
        text = f"{data['gain']:g} {text}"
    if data["delay"]:
        text += f"(t - {data['delay']:g} s)"
    if data["plastic"]:
        text += f" (learns by {rule_name(data['plastic'])})"
    target = data["target_part"]
    return text + (f" -> [{target[0]}:{target[1]}]" if target else "")


def _product(graph: SignalGraph, name: str) -> str:
    data = graph.nodes[name]
    slots = factors(graph, name)
    written = [_sum([_term(a, edge) for a, edge in slot]) for slot in slots]
    if not data["form"]:
        return " * ".join(f"({text})" if " " in text or text.startswith("-") else text for text in written)
    left, _, result = data["form"].partition("->")
    terms = left.split(",")
    operands = [*([data["weight"]] if data["weight"] else []), *written]
    inner = sorted(set("".join(terms)) - set(result))
    summed = f"sum over {', '.join(inner)} of " if inner else ""
    factors_written = " ".join(f"{what}_{letters}" if letters else what for what, letters in zip(operands, terms))
    return summed + factors_written


def _number(value: Number, unit: str = "") -> str:
    """A number with its unit, the name of a parameter, or the range of an array."""
    if isinstance(value, str):
        return value
    array = np.asarray(value, dtype=float)
    low, high = float(array.min()), float(array.max())
    shown = f"{low:g}" if low == high else f"({low:g} .. {high:g})"
    return f"{shown} {unit}".strip() if unit else shown
