"""Finite automata: what exact networks are built from, and what is read out of trained ones.

Sources: the seven languages, Tomita, Proc. 4th Annual Conference of the Cognitive Science Society, 105 (1982); reading
automata out of networks by quantised states, Giles, Miller, Chen, Chen, Sun & Lee, Neural Computation 4, 393 (1992),
doi 10.1162/neco.1992.4.3.393; minimisation by refining classes, Moore, Gedanken-experiments on sequential machines,
Automata Studies 129 (1956), doi 10.1515/9781400882618-006.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton that starts in state 0.

    Attributes
    ----------
    transitions : tuple of tuple of int
        ``transitions[state][symbol]`` is the next state.
    accepting : frozenset of int

    Raises
    ------
    ParameterError
        There is no state, rows differ in length, or a state does not exist.
    """

    transitions: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]

    def __post_init__(self) -> None:
        count = len(self.transitions)
        if not count or not self.transitions[0] or len({len(row) for row in self.transitions}) > 1:
            raise ParameterError("an automaton needs a row of transitions for each state, all of one length")
        unknown = [q for q in {q for row in self.transitions for q in row} | self.accepting if not 0 <= q < count]
        if unknown:
            raise ParameterError(f"state {unknown[0]} does not exist: there are {count}, counted from 0")

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.transitions)

    @property
    def symbols(self) -> int:
        """Number of input symbols."""
        return len(self.transitions[0])

    def run(self, word: Iterable[int]) -> np.ndarray:
        """States after each symbol, shape (symbols of the word,)."""
        state, visited = 0, []
        for symbol in word:
            state = self.transitions[state][symbol]
            visited.append(state)
        return np.array(visited, dtype=np.int64)

    def accepts(self, word: Iterable[int]) -> bool:
        """Whether the last state is an accepting one."""
        visited = self.run(word)
        return bool((int(visited[-1]) if visited.size else 0) in self.accepting)

    def minimise(self) -> Automaton:
        """Smallest automaton of the same language, states numbered in the order in which they are reached.

        Two automata have the same language if and only if their minimised forms are equal.
        """
        reached = [0]
        for state in reached:
            reached += [q for q in dict.fromkeys(self.transitions[state]) if q not in reached]
        kind = {q: int(q in self.accepting) for q in reached}
        while True:
            seen: dict[tuple[int, ...], int] = {}
            finer = {q: seen.setdefault((kind[q], *(kind[n] for n in self.transitions[q])), len(seen)) for q in reached}
            if len(seen) == len(set(kind.values())):
                break
            kind = finer
        order, members = {kind[0]: 0}, [0]
        for state in members:
            for q in self.transitions[state]:
                if kind[q] not in order:
                    order[kind[q]] = len(order)
                    members.append(q)
        rows = tuple(tuple(order[kind[q]] for q in self.transitions[state]) for state in members)
        return Automaton(rows, frozenset(order[kind[q]] for q in members if q in self.accepting))


TOMITA = {
    1: Automaton(((1, 0), (1, 1)), frozenset({0})),
    2: Automaton(((2, 1), (0, 2), (2, 2)), frozenset({0})),
    3: Automaton(((0, 1), (2, 0), (3, 4), (2, 1), (4, 4)), frozenset({0, 1, 3})),
    4: Automaton(((1, 0), (2, 0), (3, 0), (3, 3)), frozenset({0, 1, 2})),
    5: Automaton(((1, 2), (0, 3), (3, 0), (2, 1)), frozenset({0})),
    6: Automaton(((2, 1), (0, 2), (1, 0)), frozenset({0})),
    7: Automaton(((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), frozenset({0, 1, 2, 3})),
}
"""Tomita's languages over 0 and 1: (1) no 0; (2) 10 repeated; (3) no odd block of 1 followed by an odd block of 0;
(4) no 000; (5) even numbers of 0 and of 1; (6) as many 0 as 1, modulo 3; (7) 0*1*0*1*."""


def all_words(length: int, symbols: int = 2) -> np.ndarray:
    """Every word of a length in lexicographic order, shape (symbols**length, length); shorter ones are its prefixes."""
    numbers = np.arange(symbols**length)
    return numbers[:, None] // symbols ** np.arange(length - 1, -1, -1) % symbols


def extract(
    step: Callable[[np.ndarray, int], np.ndarray], start: Any, is_accepting: Callable[[np.ndarray], bool],
    levels: int, *, symbols: int = 2, limit: int = 1000,
) -> Automaton:  # fmt: skip
    """Read an automaton out of a network: its states, quantised, are the states of the automaton.

    Breadth first from the start; a cell of the quantisation stands for the first network state found in it.

    Parameters
    ----------
    step : callable
        ``step(state, symbol)`` is the next state of the network.
    start : array_like, shape (units,)
        Initial state, values from 0 to 1.
    is_accepting : callable
        ``is_accepting(state)``.
    levels : int
        Equal intervals of each unit.
    symbols : int
    limit : int
        Most cells.

    Returns
    -------
    Automaton
        Not minimised.

    Raises
    ------
    ParameterError
        More cells than `limit`.
    """

    def cell(state: np.ndarray) -> bytes:
        return np.clip(np.floor(state * levels), 0, levels - 1).astype(np.int64).tobytes()

    members = [np.asarray(start, dtype=float)]
    number, rows = {cell(members[0]): 0}, []
    for state in members:
        row = []
        for symbol in range(symbols):
            following = np.asarray(step(state, symbol), dtype=float)
            name = cell(following)
            if name not in number:
                if len(members) == limit:
                    raise ParameterError(f"more than {limit} cells at {levels} levels: the network has no few states")
                number[name] = len(members)
                members.append(following)
            row.append(number[name])
        rows.append(tuple(row))
    return Automaton(tuple(rows), frozenset(k for k, state in enumerate(members) if is_accepting(state)))
