"""GRU and its variants against their equations."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import check_gradient, logistic, randomised, run, states

from neurosim.architectures.gru import VARIANTS, gru
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph

CASES = [(variant, "before") for variant in VARIANTS] + [("full", "after")]


def step(variant: str, reset: str, w: dict, here: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The step of each paper, written on its own."""
    U = {g: w.get(f"{here}U_{g}") for g in "zrnf"}
    W = {g: w.get(f"{here}W_{g}") for g in "zrnf"}
    b = {g: w.get(f"{here}b_{g}") for g in "zrnf"}

    def gate(g: str) -> np.ndarray:
        return logistic(x @ U[g].T + h @ W[g].T + b[g])

    if variant == "mgu":
        f = gate("f")
        return (1 - f) * h + f * np.tanh(x @ U["n"].T + (f * h) @ W["n"].T + b["n"])
    if variant == "light":
        z = gate("z")
        return z * h + (1 - z) * np.maximum(x @ U["n"].T + h @ W["n"].T + b["n"], 0)
    if variant == "full":
        z, r = gate("z"), gate("r")
        if reset == "after":
            n = np.tanh(x @ U["n"].T + b["n"] + r * (h @ W["n"].T + w[f"{here}d_n"]))
        else:
            n = np.tanh(x @ U["n"].T + b["n"] + (r * h) @ W["n"].T)
        return (1 - z) * n + z * h
    sums = {
        "gru1": lambda g: h @ W[g].T + b[g], "gru2": lambda g: h @ W[g].T, "gru3": lambda g: b[g] + 0 * h
    }[variant]  # fmt: skip
    z, r = logistic(sums("z")), logistic(sums("r"))
    return (1 - z) * h + z * np.tanh(x @ U["n"].T + (r * h) @ W["n"].T + b["n"])


@pytest.mark.parametrize(("variant", "reset"), CASES)
def test_it_is_the_textbook_loop(variant: str, reset: str):
    graph = randomised(gru(2, 4, 3, layers=2, variant=variant, reset=reset))
    u, y0, made, network = run(graph)
    w, now = graph.weights(), dict(states(network, y0))
    for t, x in enumerate(u):
        for here in ("layer1/", "layer2/"):
            now[f"{here}h"] = x = step(variant, reset, w, here, x, now[f"{here}h"])
        for name, value in states(network, made.states[t]).items():
            assert value == pytest.approx(now[name], abs=1e-13)
        assert made.outputs[t] == pytest.approx(x @ w["V"].T + w["d"], abs=1e-13)


@pytest.mark.parametrize(("variant", "reset"), CASES)
def test_gradient(variant: str, reset: str):
    u, y0, _, network = run(randomised(gru(2, 4, 3, variant=variant, reset=reset)))
    check_gradient(network, u, y0)


def test_variants_have_the_parameters_of_their_papers():
    h, m = 4, 2
    counts = {
        "full": 3 * (h * h + h * m + h), "gru1": 2 * (h * h + h), "gru2": 2 * h * h, "gru3": 2 * h,
        "mgu": 2 * (h * h + h * m + h), "light": 2 * (h * h + h * m + h),
    }  # fmt: skip
    for variant, count in counts.items():
        graph = gru(m, h, 1, variant=variant, reset="before")
        ours = sum(w.size for name, w in graph.weights().items() if name not in ("V", "d"))
        assert ours == count + (h * h + h * m + h if variant.startswith("gru") else 0), variant


def test_the_two_reset_conventions_differ():
    graph = randomised(gru(2, 4, reset="after"))
    w = {name: value for name, value in graph.weights().items() if name != "layer1/d_n"}
    before = gru(2, 4, reset="before").with_weights(w)
    after = graph.with_weights({"layer1/d_n": np.zeros(4)})
    rng = np.random.default_rng(6)
    y, u = rng.normal(size=4), rng.normal(size=2)
    a, b = compile_graph(after).drive(y, u), compile_graph(before).drive(y, u)
    assert np.abs(a - b).max() > 1e-3
    assert compile_graph(after).drive(0 * y, u) == pytest.approx(compile_graph(before).drive(0 * y, u), abs=1e-15)


def test_the_flow_is_the_gru_ode():
    graph = randomised(gru(2, 4, reset="before"))
    program, w, rng = compile_graph(graph), graph.weights(), np.random.default_rng(7)
    h, u = rng.normal(size=4), rng.normal(size=2)
    new = step("full", "before", w, "layer1/", u, h)
    z = logistic(w["layer1/U_z"] @ u + w["layer1/W_z"] @ h + w["layer1/b_z"])
    n = (new - z * h) / (1 - z)
    assert program.flow(h, u) == pytest.approx((1 - z) * (n - h), abs=1e-13)


def test_bad_arguments_are_named():
    with pytest.raises(ParameterError, match="'gru4'"):
        gru(variant="gru4")
    with pytest.raises(ParameterError, match="'middle'"):
        gru(reset="middle")
