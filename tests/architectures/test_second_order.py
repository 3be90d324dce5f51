"""The second-order network against its sum written out, and the automaton that it is built from."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, logistic, randomised, run, states

from neurosim.architectures.automata import TOMITA, all_words
from neurosim.architectures.second_order import encode, second_order
from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.drives import held
from neurosim.solve.simulate_graph import simulate_graph


def test_it_is_the_textbook_loop() -> None:
    graph = randomised(second_order(3, 4))
    u, y0, made, network = run(graph)
    w, s = graph.weights(), y0
    for t, x in enumerate(u):
        s = logistic(np.einsum("jik,bi,bk->bj", w["W"], s, x) + w["b"])
        assert states(network, made.states[t])["s"] == pytest.approx(s, abs=1e-13)
        assert made.outputs[t] == pytest.approx(s @ w["V"].T + w["c"], abs=1e-13)


def test_gradient() -> None:
    u, y0, _, network = run(randomised(second_order(3, 4)))
    check_gradient(network, u, y0)


@pytest.mark.parametrize("number", TOMITA)
def test_construction_accepts_the_language(number: int) -> None:
    words = all_words(9)
    outputs = digital(second_order(automaton=number)).sequence(encode(words), record=False).outputs[..., 0]
    automaton = TOMITA[number]
    wanted = np.array([[q in automaton.accepting for q in automaton.run(word)] for word in words]).T
    assert ((outputs > 0.0) == wanted).all()


def test_held_form_is_a_leaky_map() -> None:
    """The hold makes the flow over one symbol s+ = e s + (1 - e) sigma(...), e = exp(-period / tau)."""
    graph = second_order(automaton=5, held=True, period=1.4, time_constant=0.7)
    u = encode([[0, 1, 1, 0, 1, 0, 0]])[:, 0]
    made = simulate_graph(
        graph, (0.0, 7 * 1.4), drive={"u": held(u, 1.4)}, rtol=1e-10, print_step=1.4, save=["s"], save_steps=False
    )
    w, s, e = graph.weights(), np.eye(4)[0], np.exp(-2.0)
    for t, x in enumerate(u):
        s = e * s + (1.0 - e) * logistic(np.einsum("jik,i,k->j", w["W"], s, x) + w["b"])
        assert [made[f"s[{j}]"][t + 1] for j in range(4)] == pytest.approx(s, abs=1e-8)


def test_refused() -> None:
    with pytest.raises(ParameterError, match="1 to 7"):
        second_order(automaton=8)
