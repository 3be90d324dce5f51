"""Automata: Tomita's tables against the words of their definitions, minimisation, and reading out of a network."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.architectures.automata import TOMITA, Automaton, all_words, extract
from neurosim.errors import ParameterError


def no_odd_blocks(word: str) -> bool:
    """No block of 1 of odd length with a block of 0 of odd length right behind it."""
    return not any(len(a) % 2 and len(b) % 2 for a, b in re.findall(r"(1+)(0+)", word))


DEFINITIONS = {
    1: lambda w: "0" not in w,
    2: lambda w: re.fullmatch("(10)*", w) is not None,
    3: no_odd_blocks,
    4: lambda w: "000" not in w,
    5: lambda w: w.count("0") % 2 == 0 and w.count("1") % 2 == 0,
    6: lambda w: (w.count("0") - w.count("1")) % 3 == 0,
    7: lambda w: re.fullmatch("0*1*0*1*", w) is not None,
}


@pytest.mark.parametrize("number", DEFINITIONS)
def test_tomita(number: int) -> None:
    for length in range(11):
        for word in all_words(length):
            text = "".join(map(str, word))
            assert TOMITA[number].accepts(word) == DEFINITIONS[number](text), text


def test_all_words() -> None:
    assert all_words(0).shape == (1, 0)
    assert ["".join(map(str, w)) for w in all_words(2, 3)] == ["00", "01", "02", "10", "11", "12", "20", "21", "22"]


@st.composite
def automata(draw: st.DrawFn) -> Automaton:
    count = draw(st.integers(1, 7))
    state = st.integers(0, count - 1)
    rows = draw(st.lists(st.tuples(state, state), min_size=count, max_size=count))
    return Automaton(tuple(rows), frozenset(draw(st.sets(state))))


@given(automata())
def test_minimised_has_the_language_and_no_two_equal_states(automaton: Automaton) -> None:
    small = automaton.minimise()
    assert small.states <= automaton.states
    assert small.minimise() == small
    # Words up to the number of states tell any two states apart.
    words = [w for n in range(automaton.states + 1) for w in all_words(n)]
    assert all(automaton.accepts(w) == small.accepts(w) for w in words)
    languages = {tuple(_state_after(small, q, w) in small.accepting for w in words) for q in range(small.states)}
    assert len(languages) == small.states


def _state_after(automaton: Automaton, state: int, word: np.ndarray) -> int:
    for symbol in word:
        state = automaton.transitions[state][symbol]
    return state


def test_tomita_tables_are_minimal() -> None:
    for automaton in TOMITA.values():
        assert automaton.minimise().states == automaton.states


def test_run_gives_states() -> None:
    assert TOMITA[6].run([1, 1, 0]).tolist() == [1, 2, 1]
    assert TOMITA[1].run([]).shape == (0,)


def test_extraction_reads_a_counter() -> None:
    """States on a circle: four of them, told apart by two levels of two coordinates."""

    def step(state: np.ndarray, symbol: int) -> np.ndarray:
        x, y = state - 0.5
        turned = np.array([-y, x]) if symbol else np.array([x, y])
        return turned + 0.5

    found = extract(step, [0.9, 0.8], lambda s: bool(s[0] > 0.5 and s[1] > 0.5), 2)
    assert found.minimise() == Automaton(((0, 1), (1, 2), (2, 3), (3, 0)), frozenset({0}))
    with pytest.raises(ParameterError, match="more than 3 cells"):
        extract(step, [0.9, 0.8], lambda s: True, 2, limit=3)


@pytest.mark.parametrize(("rows", "accepting"), [((), ()), (((0, 1),), ()), (((0, 0), (0,)), ()), (((0, 0),), (1,))])
def test_refused(rows: tuple, accepting: tuple) -> None:
    with pytest.raises(ParameterError):
        Automaton(rows, frozenset(accepting))
