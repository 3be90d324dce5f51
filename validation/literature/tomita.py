"""Tomita's languages: automata built into second-order networks, as maps and as clocked flows; and trained, read out.

``python -m validation.literature.tomita`` trains the seven networks, and writes the files that the fast part reads.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from neurosim.architectures.automata import TOMITA, Automaton, all_words, extract
from neurosim.architectures.second_order import encode, second_order
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training import Adam, Training, train
from neurosim.errors import ParameterError
from neurosim.graph.drives import held
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context
from validation.literature.trained import keep, network_of

CONSTRUCTION = "Omlin & Giles, Journal of the ACM 43, 937 (1996): stable for every word if H is large enough"
TRAINING = "Giles et al., Neural Computation 4, 393 (1992): trained on short words, automaton extracted"
UNITS, LENGTH, START = 5, 10, 2


def mapped_states(automaton: Automaton, word: np.ndarray, strength: float) -> int:
    """How often the largest unit of the map is the state of the automaton."""
    states = digital(second_order(automaton=automaton, strength=strength)).sequence(encode([word])).states[:, 0]
    return int((states.argmax(axis=-1) == automaton.run(word)).sum())


def flowing_states(automaton: Automaton, word: np.ndarray, period: float, hold: bool) -> int:
    """The same for the flow, at the ends of the symbols, H = 8."""
    graph = second_order(automaton=automaton, strength=8.0, held=hold, period=period)
    run = simulate_graph(
        graph, (0.0, period * len(word)), drive={"u": held(encode([word])[:, 0], period)}, print_step=period,
        save=["s"], save_steps=False,
    )  # fmt: skip
    states = np.array([run[f"s[{j}]"] for j in range(automaton.states)])[:, 1:]
    return int((states.argmax(axis=0) == automaton.run(word)).sum())


def constructed(context: Context) -> Iterator[Case]:
    """Automata without training."""
    word = stream(0, "tomita", "word").integers(0, 2, 10_000)
    for strength in (6.0, 8.0, 12.0):
        right = [mapped_states(automaton, word, strength) for automaton in TOMITA.values()]
        figure = context.figure("tomita", lambda axes: _draw(axes, word[:40])) if strength == 8.0 else ""
        yield Case(
            f"Tomita 1-7 constructed, map, H = {strength:g}", CONSTRUCTION,
            f"right states after 10,000 symbols, least of the seven (coin between two states: {len(word) // 2})",
            "10000", str(min(right)), 10_000 - min(right), 0.0, "a construction, exact", figure,
        )  # fmt: skip
    exact = sum(mapped_states(automaton, word, 4.0) == len(word) for automaton in TOMITA.values())
    yield Case(
        "Tomita 1-7 constructed, map, H = 4 is too small", "measured with an independent program: 2 of 7",
        "languages without a wrong state in 10,000 symbols", "2", str(exact), abs(exact - 2), 0.0, "a count",
    )  # fmt: skip
    length = 300 if context.fast else len(word)
    for period in (3.0, 6.0):
        right = [flowing_states(automaton, word[:length], period, True) for automaton in TOMITA.values()]
        yield Case(
            f"Tomita 1-7 constructed, clocked flow, T = {period:g} tau", "the map, which it is but for exp(-T/tau)",
            f"right states after {length} symbols, least of the seven", str(length), str(min(right)),
            length - min(right), 0.0, "H = 8; exact while exp(-T/tau) is within the margin of the construction",
        )  # fmt: skip
    for name, period, hold in (("bare feedback, T = 3 tau", 3.0, False), ("bare feedback, T = 6 tau", 6.0, False),
                               ("clocked flow, T = tau", 1.0, True)):  # fmt: skip
        share = flowing_states(TOMITA[5], word[:1000], period, hold) / 1000.0
        yield Case(
            f"Tomita 5 fails: {name}", "races through states while a symbol is held, or is too slow for it",
            "share of right states after 1000 symbols (with the hold and T = 3 tau: 1)", "0.25, chance",
            f"{share:.3f}", abs(share - 0.25), 0.05, "3.7 standard deviations of a count of chance",
        )  # fmt: skip


def _draw(axes, word: np.ndarray) -> None:
    """Units of the net for language 5 as shades, states of the automaton as rings."""
    states = digital(second_order(automaton=TOMITA[5], strength=8.0)).sequence(encode([word])).states[:, 0]
    axes.imshow(states.T, aspect="auto", cmap="Greys", vmin=0.0, vmax=1.0, origin="lower")
    axes.plot(np.arange(len(word)), TOMITA[5].run(word), "o", fillstyle="none", label="state of the automaton")
    axes.set_xticks(np.arange(len(word)), [str(bit) for bit in word], fontsize="x-small")
    axes.set_yticks(range(states.shape[1]))
    axes.set_xlabel("symbol")
    axes.set_ylabel("unit (dark: active)")
    axes.legend(fontsize="small", frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0))


@functools.cache
def lesson(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All words of length 10 after a start symbol, what is accepted at each place; both answers weigh the same."""
    words, automaton = all_words(LENGTH), TOMITA[number]
    begun = np.concatenate([np.full((len(words), 1), START), words], axis=1)
    states = np.array([[0, *automaton.run(word)] for word in words]).T
    wanted = np.isin(states, list(automaton.accepting))
    weight = np.where(wanted, 0.5 / wanted.mean(), 0.5 / (1.0 - wanted.mean()))
    return encode(begun, 3), wanted[..., None].astype(float), weight


def graph() -> SignalGraph:
    """Five units; lines for 0, 1 and the start."""
    return second_order(3, UNITS, scale=2.0)


def training(made: SignalGraph, number: int) -> Training:
    """600 batches of 64 words."""
    return train(
        made, lesson(number), "logistic_cross_entropy", Adam(0.03), batches=600, batch_size=64, clip=1.0, progress=False
    )


def extracted(network: DigitalNetwork, number: int) -> tuple[Automaton | None, int]:
    """Automaton of the fewest levels that agrees with the words of the lesson, minimised, and the levels."""
    program = network.program
    weights = program.parameters.unpack(program.p[: program.parameters.size])

    def step(state: np.ndarray, symbol: int) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(-(weights["W"][:, :, symbol] @ state + weights["b"])))

    def is_accepting(state: np.ndarray) -> bool:
        return bool((weights["V"] @ state + weights["c"])[0] > 0.0)

    _, wanted, _ = lesson(number)
    words = all_words(LENGTH)
    for levels in range(2, 9):
        try:
            found = extract(step, step(np.eye(UNITS)[0], START), is_accepting, levels).minimise()
        except ParameterError:
            continue
        if all(found.accepts(word) == bool(w) for word, w in zip(words, wanted[-1, :, 0], strict=True)):
            return found, levels
    return None, 0


def guessing(number: int, nets: int) -> tuple[float, int]:
    """Best share of right answers, and how many nets are right on all, of nets with random weights."""
    u, wanted, weight = lesson(number)
    network = digital(graph())
    draw = stream(number, "tomita", "guess")
    every = np.arange(0, u.shape[1], 8)
    best, solved = 0.0, 0
    for _ in range(nets):
        vector = draw.uniform(-10.0, 10.0, network.program.parameters.size)
        outputs = network.with_parameters(vector).sequence(u[:, every], record=False).outputs
        right = (outputs > 0.0) == (wanted[:, every] > 0.5)
        best = max(best, float((right[..., 0] * weight[:, every]).sum() / weight[:, every].sum()))
        solved += bool(right.all())
    return best, solved


def cases(context: Context) -> Iterator[Case]:
    """Construction, then training."""
    yield from constructed(context)
    for number, automaton in TOMITA.items():
        network = network_of(f"tomita_{number}", graph(), lambda made, k=number: training(made, k), context)
        u, wanted, _ = lesson(number)
        wrong = int(((network.sequence(u, record=False).outputs > 0.0) != (wanted > 0.5)).sum())
        found, levels = extracted(network, number)
        nets = 25 if context.fast else 300
        best, solved = guessing(number, nets)
        same = found == automaton.minimise()
        ours = "none" if found is None else f"{found.states} states, {'the same' if same else 'another'}"
        yield Case(
            f"Tomita {number} trained and extracted", TRAINING,
            f"automaton at {levels} levels a unit; {wrong} of {wanted.size} answers of the net wrong; of {nets} nets "
            f"with random weights {solved} right, the best on {best:.2f} (balanced; coin: 0.5)",
            f"{automaton.states} states", ours, float(not same), 0.0, "the same language, decided by minimisation",
        )  # fmt: skip


if __name__ == "__main__":
    for language in TOMITA:
        keep(
            f"tomita_{language}", graph(), lambda made, k=language: training(made, k),
            "python -m validation.literature.tomita",
        )  # fmt: skip
