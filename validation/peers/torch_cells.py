"""Recurrent cells and optimisers against torch, from the same weights; a remark instead where it is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neurosim.architectures import architectures
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.training.optimisers import SGD, Adam
from neurosim.graph.signal_graph import SignalGraph
from validation.case import Case, Context

INPUTS, HIDDEN, STEPS, SAMPLES = 3, 7, 40, 5


def cases(context: Context) -> Iterator[Case]:
    """Forward runs and gradients of each cell that the registry has; steps of the optimisers."""
    if importlib.util.find_spec("torch") is None:
        context.remarks.append("torch is not installed: recurrent cells and optimisers are not compared with it")
        return
    import torch

    torch.manual_seed(0)
    for name, (kind, build, load) in _cells(torch).items():
        yield from _cell(torch, name, kind, build, load)
    yield from _optimisers(torch)


def _cells(torch: Any) -> dict[str, tuple[Callable[..., Any], Callable[[], SignalGraph], Callable[..., dict]]]:
    """Per registered cell: torch's layer, our graph, and torch's weights under our names."""

    def build(name: str, **options: Any) -> Callable[[], SignalGraph]:
        return lambda: architectures.get(name).build(INPUTS, HIDDEN, 1, **options)

    def of_elman(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        both = weights["bias_ih_l0"] + weights["bias_hh_l0"]
        return {"U": weights["weight_ih_l0"], "W": weights["weight_hh_l0"], "b": both}

    found = {}
    if "elman" in architectures:
        found["Elman"] = torch.nn.RNN, build("elman"), of_elman
    if "lstm" in architectures or "gru" in architectures:
        from neurosim.architectures.gate_layouts import from_torch

        if "lstm" in architectures:
            found["LSTM"] = torch.nn.LSTM, build("lstm"), lambda w: from_torch(w, "lstm")
            found["LSTM, two layers"] = (
                lambda n, m: torch.nn.LSTM(n, m, 2), build("lstm", layers=2), lambda w: from_torch(w, "lstm"),
            )  # fmt: skip
        if "gru" in architectures:
            found["GRU"] = torch.nn.GRU, build("gru"), lambda w: from_torch(w, "gru")
            found["GRU, reset before the matrix"] = (
                lambda n, m: _early_reset(torch, n, m), build("gru", reset="before"), _of_early_reset(from_torch),
            )  # fmt: skip
    return found


def _early_reset(torch: Any, inputs: int, hidden: int) -> Any:
    """The GRU of Cho et al. as a torch module, which torch.nn does not have; its weights are named as in torch.nn."""

    class EarlyResetGRU(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, shape in (("weight_ih_l0", (3 * hidden, inputs)), ("weight_hh_l0", (3 * hidden, hidden)),
                                ("bias_ih_l0", (3 * hidden,)), ("bias_hh_l0", (3 * hidden,))):  # fmt: skip
                value = torch.empty(shape).uniform_(-0.5, 0.5)
                if name == "bias_hh_l0":
                    value[2 * hidden :] = 0.0
                setattr(self, name, torch.nn.Parameter(value))

        def forward(self, u: Any) -> tuple[Any, None]:
            h, seen = u.new_zeros(u.shape[1], hidden), []
            for x in u:
                given = x @ self.weight_ih_l0.T + self.bias_ih_l0
                gates = given[:, : 2 * hidden] + h @ self.weight_hh_l0[: 2 * hidden].T + self.bias_hh_l0[: 2 * hidden]
                r, z = torch.sigmoid(gates).chunk(2, dim=1)
                n = torch.tanh(given[:, 2 * hidden :] + (r * h) @ self.weight_hh_l0[2 * hidden :].T)
                h = (1 - z) * n + z * h
                seen.append(h)
            return torch.stack(seen), None

    return EarlyResetGRU()


def _of_early_reset(from_torch: Callable[..., dict]) -> Callable[..., dict]:
    def load(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: value for name, value in from_torch(weights, "gru").items() if not name.endswith("d_n")}

    return load


def _cell(
    torch: Any, name: str, kind: Callable[..., Any], build: Callable[[], SignalGraph], load: Callable[..., dict]
) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    layer = kind(INPUTS, HIDDEN).double()
    inputs = rng.normal(size=(STEPS, SAMPLES, INPUTS))
    given = torch.tensor(inputs, requires_grad=True)
    theirs = layer(given)[0]
    weights = {key: value.detach().numpy() for key, value in layer.state_dict().items()}
    network = digital(build().with_weights(load(weights)))
    run = network.sequence(inputs, keep=True)
    place = _top_state(network)
    ours = run.states[..., place]
    expected = theirs.detach().numpy()
    yield _difference(f"{name}: states", "hidden states of 40 steps, 5 samples", expected, ours, 1e-12)

    by_states = rng.normal(size=expected.shape)
    theirs.backward(torch.tensor(by_states))
    wanted = np.zeros((STEPS, SAMPLES, network.program.states.size))
    wanted[..., place] = by_states
    found = network.gradient(run, np.zeros_like(run.outputs), d_states=wanted, inputs=True)
    yield _difference(f"{name}: gradient by inputs", "dL/du", given.grad.numpy(), found.inputs, 1e-10)
    named = network.program.parameters.unpack(found.parameters)
    slopes = {key: value.grad.numpy() for key, value in layer.named_parameters()}
    # A bias that is a sum of two has the gradient of each; one of the two is put to 0 before the names are changed.
    alone = {k: v if "bias_hh" not in k else np.zeros_like(v) for k, v in slopes.items()}
    expected_by_name = load(alone)
    second = load({k: v if "bias_hh" in k else np.zeros_like(v) for k, v in slopes.items()})
    expected_by_name |= {k: v for k, v in second.items() if k.endswith("d_n")}
    yield _difference(
        f"{name}: gradient by weights", f"dL/dw, {', '.join(sorted(expected_by_name))}",
        np.concatenate([v.ravel() for _, v in sorted(expected_by_name.items())]),
        np.concatenate([named[k].ravel() for k in sorted(expected_by_name)]), 1e-10,
    )  # fmt: skip


def _top_state(network: DigitalNetwork) -> slice:
    """Where the hidden state of the last layer is."""
    return [part for name, part in network.program.states.slices.items() if name.split("/")[-1] == "h"][-1]


def _optimisers(torch: Any) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    start, slopes = rng.normal(size=50), rng.normal(size=(200, 50)) * np.logspace(-4, 2, 50)
    for name, ours, theirs in (
        ("Adam", Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
        ("Adam with decay", Adam(0.01, decay=0.1), lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1)),
        ("SGD with momentum", SGD(1e-3, 0.9), lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9)),
        ("Nesterov", SGD(1e-3, 0.9, True), lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, nesterov=True)),
    ):
        x, memory = start.copy(), ours.start(50)
        vector = torch.nn.Parameter(torch.tensor(start))
        optimiser = theirs([vector])
        for slope in slopes:
            ours.step(x, slope, memory)
            vector.grad = torch.tensor(slope)
            optimiser.step()
        yield _difference(f"{name}, 200 steps", "weights", vector.detach().numpy(), x, 1e-13)


def _difference(name: str, quantity: str, expected: np.ndarray, ours: np.ndarray, tolerance: float) -> Case:
    source = "torch, same weights, double precision"
    return difference(f"torch, {name}", source, quantity, expected, ours, tolerance)


def difference(
    name: str, source: str, quantity: str, expected: np.ndarray, ours: np.ndarray, tolerance: float
) -> Case:  # fmt: skip
    """A case of two arrays of one shape."""
    scale = float(np.abs(expected).max())
    error = float(np.abs(ours - expected).max()) / scale if ours.shape == expected.shape else float("inf")
    return Case(
        name, source, f"{quantity}: largest difference over largest value", f"{scale:.6g}",
        f"{float(np.abs(ours).max()):.6g}", error, tolerance, "rounding of both over the steps",
    )  # fmt: skip
