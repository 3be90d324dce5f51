"""Bounds of the derivative of a network's drive that hold at every state and input.

Along each path the bounds multiply: largest slopes of maps, norms of weights. Products of signals have a bound only
where the other factors are bounded by themselves (a logistic gate times a tanh, say); a factor that is a state or an
input has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.graph.checks import factors, memoryless_order
from neurosim.graph.functions import function_of
from neurosim.graph.program import Program

LARGE = 1e200
"""Stands for no bound, so that it vanishes where it is multiplied by 0."""
BOUNDED = {
    "tanh": 1.0, "logistic": 1.0, "sign": 1.0, "heaviside": 1.0, "hard_tanh": 1.0, "hard_logistic": 1.0, "sin": 1.0,
    "gaussian": 1.0, "softmax": 1.0, "normalise": 1.0,
}  # fmt: skip
"""Largest absolute value of the functions that have one."""


@dataclass(frozen=True)
class SlopeBounds:
    """Bounds of dG/dy.

    Attributes
    ----------
    entries : ndarray, shape (n, n)
        Of the absolute value of each entry; inf where there is none.
    norms : ndarray, shape (states, states)
        Of the spectral norm of each block, by the names of the states.
    """

    entries: np.ndarray
    norms: np.ndarray


def slope_bounds(program: Program) -> SlopeBounds:
    """Bound dG/dy over all states and inputs."""
    graph, layout = program.graph, program.states
    names, n = list(layout.slices), layout.size
    entries: dict[str, np.ndarray] = {}
    norms: dict[str, np.ndarray] = {}
    sizes: dict[str, float] = dict.fromkeys((*names, *program.inputs.slices), LARGE)
    for name in program.inputs.slices:
        entries[name], norms[name] = np.zeros((graph.size_of(name), n)), np.zeros(len(names))
    for number, name in enumerate(names):
        entries[name], norms[name] = np.eye(n)[layout.slices[name]], np.eye(len(names))[number]

    def summed(name: str, edges: list[tuple[str, dict]], bias: str | None) -> tuple[np.ndarray, np.ndarray, float]:
        entry, norm, size = np.zeros((graph.size_of(name), n)), np.zeros(len(names)), 0.0
        if bias is not None:
            size = float(np.abs(program.p[program.parameters.slices[bias]]).max())
        for a, data in edges:
            matrix = edge_matrix(program, a, name, data)
            entry += np.abs(matrix) @ entries[a]
            norm += np.linalg.norm(matrix, 2) * norms[a]
            size += float(np.abs(matrix).sum(axis=1).max()) * sizes[a]
        return entry, norm, min(size, LARGE)

    def added(name: str) -> list[tuple[str, dict]]:
        return [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] == "add"]

    for name in memoryless_order(graph):
        data = graph.nodes[name]
        if data["kind"] == "product":
            parts = [summed(name, slot, None) for slot in factors(graph, name)] if not data["form"] else []
            if data["form"]:
                sources = [slot[0][0] for slot in factors(graph, name)]
                moved = sum(norms[a] for a in sources)
                entries[name] = np.where(sum(entries[a].sum(axis=0) for a in sources) > 0.0, LARGE, 0.0) * np.ones(
                    (graph.size_of(name), 1)
                )
                norms[name], sizes[name] = np.where(moved > 0.0, LARGE, 0.0), LARGE
                continue
            entries[name] = np.zeros((graph.size_of(name), n))
            norms[name], sizes[name] = np.zeros(len(names)), 1.0
            for k, (entry, norm, size) in enumerate(parts):
                others = min(float(np.prod([p[2] for j, p in enumerate(parts) if j != k])), LARGE)
                entries[name] = np.minimum(entries[name] + others * np.minimum(entry, LARGE), LARGE)
                norms[name] = np.minimum(norms[name] + others * np.minimum(norm, LARGE), LARGE)
                sizes[name] = min(sizes[name] * size, LARGE)
            continue
        entry, norm, size = summed(name, added(name), data.get("bias"))
        if data["kind"] == "map":
            function, gain = function_of(data), abs(data["gain"])
            slope = gain * (max(1.0, abs(data["argument"])) if function.name == "leaky_relu" else function.slope)
            slope = min(slope, LARGE)
            if function.name == "softmax":
                row = data["shape"][-1]
                entry = np.repeat(entry.reshape(-1, row, n).sum(axis=1), row, axis=0)
                entry, norm = 0.25 * gain * entry, slope * norm
            elif function.is_row_function:
                entry = np.where(entry.sum(axis=0) > 0.0, LARGE, 0.0) * np.ones((entry.shape[0], 1))
                norm = np.where(norm > 0.0, LARGE, 0.0)
            else:
                entry, norm = slope * entry, slope * norm
            linear = {"identity": gain * size, "complement": 1.0 + gain * size}
            size = min(({**linear, **BOUNDED}).get(function.name, LARGE), LARGE)
        entries[name], norms[name] = np.minimum(entry, LARGE), np.minimum(norm, LARGE)
        sizes[name] = size
    found = [summed(name, added(name), None) for name in names]
    all_entries = np.vstack([f[0] for f in found]) if found else np.zeros((0, 0))
    all_norms = np.array([f[1] for f in found])
    unbounded = LARGE**0.5
    return SlopeBounds(
        np.where(all_entries > unbounded, np.inf, all_entries), np.where(all_norms > unbounded, np.inf, all_norms)
    )


def edge_matrix(program: Program, source: str, target: str, data: dict) -> np.ndarray:
    """Dense matrix of an edge, gain and parts included, shape (target size, source size)."""
    graph = program.graph
    n, m = graph.size_of(target), graph.size_of(source)
    rows = slice(*(data["target_part"] or (0, n)))
    columns = slice(*(data["source_part"] or (0, m)))
    made = np.zeros((n, m))
    if data["weight"] is None:
        inner = np.eye(rows.stop - rows.start)
    else:
        value = graph.parameters[data["weight"]].value
        numbers = program.p[program.parameters.slices[data["weight"]]]
        if hasattr(value, "tocsr"):
            matrix = value.copy()
            matrix.data = numbers
            inner = matrix.toarray()
        elif value.ndim == 2:
            inner = numbers.reshape(value.shape)
        else:
            inner = np.eye(rows.stop - rows.start) * numbers
        inner = inner.T if data["transpose"] else inner
    made[rows, columns] = data["gain"] * inner
    return made
