"""How the parameters of a graph enter its flow ``tau y' = G(y, u) - leak y`` and its start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.program import Program
from neurosim.kernels import array_program as ap
from neurosim.solve.explicit_steps import GraphGradient

SETTINGS = ("time_constant", "leak", "initial")
"""What a state has beside the parameters of the graph."""

_ELEMENT = re.compile(r"(.+)\[([\d, ]+)\]$")


@dataclass
class GraphPaths:
    """Directions of some parameters.

    Attributes
    ----------
    addresses : list of str
    values : ndarray, shape (directions,)
    places : ndarray of int64, shape (directions,)
        Element of the parameter vector, -1 for none.
    by_rate, by_leak, start : ndarray, shape (directions, states)
        Changes of 1/tau, of the leaks and of the initial states.
    """

    addresses: list[str]
    values: np.ndarray
    places: np.ndarray
    by_rate: np.ndarray
    by_leak: np.ndarray
    start: np.ndarray


def graph_paths(program: Program, addresses: Sequence[str]) -> GraphPaths:
    """Directions of the parameters at some addresses; a whole parameter stands for all its elements.

    Parameters
    ----------
    addresses : sequence of str
        ``"W[2,3]"``, ``"W"``, ``"h.time_constant"``, ``"h.leak"``, ``"h.initial"``.

    Raises
    ------
    UnknownNameError, ParameterError
    """
    places: list[tuple[str, int, str, str]] = []
    for address in addresses:
        places += _read(program, address)
    n, count = program.states.size, len(places)
    made = GraphPaths(
        [address for address, *_ in places], np.zeros(count), np.full(count, -1, np.int64), np.zeros((count, n)),
        np.zeros((count, n)), np.zeros((count, n)),
    )  # fmt: skip
    for k, (_, place, node, setting) in enumerate(places):
        if place >= 0:
            made.places[k], made.values[k] = place, program.p[place]
            for state, key, elements in _named(program, place):
                _turn(made, program, k, state, key, elements)
            continue
        part = program.states.slices[node]
        values = getattr(program, setting)[part]
        made.values[k] = values[0]
        if np.ptp(values) > 0.0:
            raise ParameterError(f"'{node}.{setting}' is not one number for all elements; name it by a parameter")
        _turn(made, program, k, node, setting, np.arange(values.size))
    return made


def _turn(made: GraphPaths, program: Program, k: int, node: str, setting: str, elements: np.ndarray) -> None:
    at = program.states.slices[node].start + elements
    if setting == "time_constant":
        made.by_rate[k, at] = -1.0 / program.time_constant[at] ** 2
    elif setting == "leak":
        made.by_leak[k, at] = 1.0
    else:
        made.start[k, at] = 1.0


def _named(program: Program, place: int) -> list[tuple[str, str, np.ndarray]]:
    """States whose time constant, leak or initial value is the parameter element at `place`."""
    found = []
    for node, key, parameter in named_settings(program):
        part = program.parameters.slices[parameter]
        if part.start <= place < part.stop:
            size = program.states.slices[node].stop - program.states.slices[node].start
            single = part.stop - part.start == 1
            found.append((node, key, np.arange(size) if single else np.array([place - part.start])))
    return found


def has_laws(program: Program) -> bool:
    """Whether maps of the graph are laws of devices: these give no derivative by one parameter, only the adjoint."""
    code = program.code
    return bool((code[code[ap.FIRST] : code[ap.LAST] : ap.WORDS] == ap.LAW).any())


def named_settings(program: Program) -> list[tuple[str, str, str]]:
    """Settings of states that are parameters: (state, setting, parameter)."""
    nodes = program.graph.nodes
    return [
        (node, key, nodes[node][key])
        for node in program.states.slices for key in SETTINGS if isinstance(nodes[node].get(key), str)
    ]  # fmt: skip


def _read(program: Program, address: str) -> list[tuple[str, int, str, str]]:
    """(address of an element, place in the vector or -1, node, setting)."""
    slices, shapes = program.parameters.slices, program.parameters.shapes
    node, _, setting = address.rpartition(".")
    match = _ELEMENT.match(address)
    if address in slices:
        part, shape = slices[address], shapes[address]
        if part.stop - part.start == 1:
            return [(address, part.start, "", "")]
        found = []
        for k in range(part.stop - part.start):
            # sparse weights are kept as a row of entries
            index = np.unravel_index(k, shape) if int(np.prod(shape)) == part.stop - part.start else (k,)
            found.append((f"{address}[{','.join(map(str, index))}]", part.start + k, "", ""))
        return found
    if match and match[1] in slices:
        shape, part = shapes[match[1]], slices[match[1]]
        place = tuple(int(k) for k in match[2].split(","))
        if len(place) != len(shape) or any(k >= size for k, size in zip(place, shape, strict=False)):
            raise UnknownNameError(f"'{address}' lies outside parameter '{match[1]}' of shape {shape}")
        name = f"{match[1]}[{','.join(map(str, place))}]"
        return [(name, part.start + int(np.ravel_multi_index(place, shape)), "", "")]
    if setting in SETTINGS and node in program.states.slices:
        return [(address, -1, node, setting)]
    known = [*slices, *(f"{name}.time_constant" for name in program.states.slices)]
    raise UnknownNameError(f"graph '{program.graph.title}' has no parameter '{address}'; {nearest(address, known)}")


def add_named(program: Program, gradient: GraphGradient) -> None:
    """Add to the gradient by parameters what they do as time constants, leaks and initial values."""
    by = {
        "time_constant": -gradient.rate / program.time_constant**2, "leak": gradient.leak,
        "initial": gradient.start[: program.states.size],
    }  # fmt: skip
    for node, key, parameter in named_settings(program):
        share = by[key][program.states.slices[node]]
        part = program.parameters.slices[parameter]
        gradient.p[part] += share if part.stop - part.start == share.size else share.sum()
