"""A graph as two arrays, and names of its edges that are made when they are asked for: a million edges in 16 MB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError

_NAME = re.compile(r"m\[(0|[1-9]\d*)\](.*)")


@dataclass(frozen=True)
class GraphArrays:
    """Edges between the nodes 0, 1, ..., nodes - 1, for networks that are too large for a networkx graph.

    A networkx graph with a million edges takes 0.35 GB, and the tuples, names and dictionaries that say which edge is
    which 0.3 GB more; these arrays take 16 MB. Edges have the numbers in which they stand, and the names ``"m[0]"``,
    ``"m[1]"``, ...

    Attributes
    ----------
    nodes : int
    tail, head : ndarray of int64, shape (m,)
    name : str

    Raises
    ------
    ParameterError
        The arrays differ in length, or an edge has an end that is not a node.
    """

    nodes: int
    tail: np.ndarray
    head: np.ndarray
    name: str = ""

    def __post_init__(self) -> None:
        for end in ("tail", "head"):
            object.__setattr__(self, end, np.ascontiguousarray(getattr(self, end), np.int64))
        if self.tail.ndim != 1 or self.tail.shape != self.head.shape:
            raise ParameterError(f"tail and head have shapes {self.tail.shape} and {self.head.shape}; (m,) is needed")
        low, high = np.minimum(self.tail, self.head), np.maximum(self.tail, self.head)
        wrong = np.flatnonzero((low < 0) | (high >= self.nodes))
        if wrong.size:
            e = int(wrong[0])
            raise ParameterError(f"edge {e} from {self.tail[e]} to {self.head[e]}: nodes are 0 to {self.nodes - 1}")

    @classmethod
    def of(cls, graph: nx.Graph) -> GraphArrays:
        """The arrays of a networkx graph, with its nodes numbered in their order and its edges in theirs."""
        number = {node: k for k, node in enumerate(graph)}
        ends = np.array([(number[edge[0]], number[edge[1]]) for edge in graph.edges], np.int64).reshape(-1, 2)
        return cls(len(number), ends[:, 0], ends[:, 1], str(graph.graph.get("name", "")))

    def sorted(self) -> GraphArrays:
        """The same edges by tail, then by head: an order in which a networkx graph gives them too."""
        order = np.lexsort((self.head, self.tail))
        return GraphArrays(self.nodes, self.tail[order], self.head[order], self.name)

    def networkx(self) -> nx.MultiDiGraph:
        """The same as a networkx graph, whose edges come in the same order.

        Raises
        ------
        ParameterError
            It would give them in another order.
        """
        graph = nx.MultiDiGraph(name=self.name)
        graph.add_nodes_from(range(self.nodes))
        graph.add_edges_from(zip(self.tail.tolist(), self.head.tolist(), strict=True))
        given = GraphArrays.of(graph)
        if not (np.array_equal(given.tail, self.tail) and np.array_equal(given.head, self.head)):
            raise ParameterError(
                "a networkx graph gives edges by tail, and parallel ones side by side; these stand in another order: "
                "take GraphArrays.sorted(), and what belongs to each edge in that order"
            )
        return graph


class NumberedNames(Sequence[str]):
    """``"m[0]"``, ``"m[1]"``, ... with one ending, made when they are asked for."""

    def __init__(self, count: int, ending: str = "") -> None:
        self._length, self.ending = count, ending

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NumberedNames):
            return (self._length, self.ending) == (other._length, other.ending)
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash((self._length, self.ending))

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        numbers = range(self._length)[index]
        if isinstance(numbers, range):
            return [f"m[{k}]{self.ending}" for k in numbers]
        return f"m[{numbers}]{self.ending}"

    def __contains__(self, name: object) -> bool:
        return self.find(name) is not None

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Number of a name."""
        found = self.find(value)
        if found is None:
            raise ValueError(f"{value!r} is not among them")
        return found

    def find(self, name: object) -> int | None:
        """Number of a name, None where there is no such name."""
        match = _NAME.fullmatch(name) if isinstance(name, str) else None
        found = match is not None and match[2] == self.ending and int(match[1]) < self._length
        return int(match[1]) if match is not None and found else None
