"""How the states of a linear cluster are stepped: groups for `neurosim.kernels.spike_steps`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np

from neurosim.kernels import spike_steps as words
from neurosim.kernels.spike_vectors import MOST_TERMS


def linear_groups(
    propagator: np.ndarray, places: list[int], held: list[bool], driven: list[bool],
    number: Callable[[np.ndarray], tuple[int, int]],
) -> tuple[list[int], dict[int, int]]:  # fmt: skip
    """Write the groups of states of a linear cluster, what is fed before what feeds it.

    Parameters
    ----------
    propagator : ndarray, shape (n, k, k)
        ``exp(A dt)`` of the k states of n neurons.
    places : list of int
        Of each state in the vector of states.
    held, driven : list of bool
        Whether a refractory neuron holds a state; whether a step adds something to it.
    number : callable
        Puts numbers of the n neurons into the table; returns their place and 0 where one stands for all.

    Returns
    -------
    code : list of int
    leaks : dict of int to int
        For each state that is stepped together with what drives it (`LEAKS`): where in the code `LEAKS_WORDS` words,
        -1 and 0, wait for its threshold and the place of its bits.
    """
    k = len(places)
    terms = [[(i, *number(propagator[:, j, i])) for i in range(k) if propagator[:, j, i].any()] for j in range(k)]
    feeds = nx.DiGraph([(i, j) for j in range(k) for i, *_ in terms[j]])
    feeds.add_nodes_from(range(k))
    forms = [words.GENERAL] * k
    for j in range(k):
        if 0 < len(terms[j]) <= MOST_TERMS and not any(varies for *_, varies in terms[j]):
            fades = len(terms[j]) == 1 and terms[j][0][0] == j and not held[j] and not driven[j]
            forms[j] = words.FADES if fades else words.PLAIN
    code, leaks, done = list[int](), dict[int, int](), set[int]()

    def add(j: int, form: int) -> None:
        code.extend([j, places[j], int(held[j]), form, len(terms[j]), *(word for term in terms[j] for word in term)])

    circles: Any = nx.condensation(feeds)
    for circle in reversed(list(nx.lexicographical_topological_sort(circles))):
        together = sorted(circles.nodes[circle]["members"] - done)
        if not together:
            continue
        j = together[0]
        fading = [i for i, *_ in terms[j][1:]]
        leads = forms[j] == words.PLAIN and held[j] and bool(fading) and terms[j][0][0] == j
        code.append(len(together))
        if leads and all(forms[i] == words.FADES and set(feeds.successors(i)) == {i, j} for i in fading):
            code[-1] += len(fading)
            add(j, words.LEAKS)
            leaks[j] = len(code)
            code += [-1, 0]
            together, done = fading, done | set(fading)
        for i in together:
            add(i, forms[i])
    return code, leaks
