"""Layouts of torch and ONNX: their own equations over their own arrays, against our graphs."""

from __future__ import annotations

import numpy as np
import pytest
from stepping import SAMPLES, STEPS, logistic

from neurosim.architectures.gate_layouts import from_onnx, from_torch, to_onnx, to_torch
from neurosim.architectures.gru import gru
from neurosim.architectures.lstm import lstm
from neurosim.digital.network import digital
from neurosim.errors import ParameterError

M, H = 3, 4


def torch_weights(gates: int, layers: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for k in range(layers):
        made[f"weight_ih_l{k}"] = rng.normal(size=(gates * H, M if k == 0 else H))
        made[f"weight_hh_l{k}"] = rng.normal(size=(gates * H, H))
        made[f"bias_ih_l{k}"], made[f"bias_hh_l{k}"] = rng.normal(size=(2, gates * H))
    return made


def torch_forward(kind: str, w: dict[str, np.ndarray], u: np.ndarray, layers: int) -> np.ndarray:
    """As the documentation of torch.nn.LSTM and torch.nn.GRU writes them, gates stacked i f g o and r z n."""
    x = u
    for k in range(layers):
        h = c = np.zeros((u.shape[1], H))
        out = []
        for v in x:
            a = v @ w[f"weight_ih_l{k}"].T + w[f"bias_ih_l{k}"]
            b = h @ w[f"weight_hh_l{k}"].T + w[f"bias_hh_l{k}"]
            if kind == "lstm":
                i, f, g, o = np.split(a + b, 4, axis=1)
                c = logistic(f) * c + logistic(i) * np.tanh(g)
                h = logistic(o) * np.tanh(c)
            else:
                (ar, az, an), (br, bz, bn) = np.split(a, 3, axis=1), np.split(b, 3, axis=1)
                z = logistic(az + bz)
                h = (1 - z) * np.tanh(an + logistic(ar + br) * bn) + z * h
            out.append(h)
        x = np.array(out)
    return x


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)])
@pytest.mark.parametrize("layers", [1, 2])
def test_torch_weights_give_torch_outputs_and_come_back(kind: str, gates: int, layers: int):
    weights = torch_weights(gates, layers)
    graph = {"lstm": lstm, "gru": gru}[kind](M, H, H, layers=layers)
    parameters = from_torch(weights, kind)
    graph = graph.with_weights({**parameters, "V": np.eye(H)})
    u = np.random.default_rng(1).normal(size=(STEPS, SAMPLES, M))
    wanted = torch_forward(kind, weights, u, layers)
    assert digital(graph).sequence(u).outputs == pytest.approx(wanted, abs=1e-13)
    again = to_torch(graph.weights(), kind)
    assert set(again) == set(weights)
    assert torch_forward(kind, again, u, layers) == pytest.approx(wanted, abs=1e-13)
    assert again["weight_ih_l0"] == pytest.approx(weights["weight_ih_l0"])


def onnx_forward(kind: str, a: dict[str, np.ndarray], u: np.ndarray, linear_before_reset: bool) -> np.ndarray:
    """As the operators are defined: gates stacked i o f c and z r h, Y of shape (steps, samples, hidden)."""
    W, R = a["W"][0], a["R"][0]
    wb, rb = np.split(a["B"][0], 2)
    h = c = np.zeros((u.shape[1], H))
    out = []
    for x in u:
        if kind == "lstm":
            i, o, f, g = np.split(x @ W.T + h @ R.T + wb + rb, 4, axis=1)
            pi, po, pf = np.split(a["P"][0], 3)
            new = logistic(f + pf * c) * c + logistic(i + pi * c) * np.tanh(g)
            h = logistic(o + po * new) * np.tanh(new)
            c = new
        else:
            (wz, wr, wh), (rz, rr, rh) = np.split(W, 3), np.split(R, 3)
            (bz, br, bh), (dz, dr, dh) = np.split(wb, 3), np.split(rb, 3)
            z = logistic(x @ wz.T + h @ rz.T + bz + dz)
            r = logistic(x @ wr.T + h @ rr.T + br + dr)
            inner = r * (h @ rh.T + dh) if linear_before_reset else (r * h) @ rh.T + dh
            h = (1 - z) * np.tanh(x @ wh.T + inner + bh) + z * h
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize(("kind", "gates", "linear"), [("lstm", 4, False), ("gru", 3, False), ("gru", 3, True)])
def test_onnx_arrays_give_onnx_outputs_and_come_back(kind: str, gates: int, linear: bool):
    rng = np.random.default_rng(2)
    arrays = {
        "W": rng.normal(size=(1, gates * H, M)), "R": rng.normal(size=(1, gates * H, H)),
        "B": rng.normal(size=(1, 2 * gates * H)),
    }  # fmt: skip
    if kind == "lstm":
        arrays["P"] = rng.normal(size=(1, 3 * H))
        graph = lstm(M, H, H, peepholes=True)
    else:
        graph = gru(M, H, H, reset="after" if linear else "before")
    parameters = from_onnx(**arrays, kind=kind, linear_before_reset=linear)
    graph = graph.with_weights({**parameters, "V": np.eye(H)})
    u = rng.normal(size=(STEPS, SAMPLES, M))
    wanted = onnx_forward(kind, arrays, u, linear)
    assert digital(graph).sequence(u).outputs == pytest.approx(wanted, abs=1e-13)
    assert onnx_forward(kind, to_onnx(graph.weights(), kind=kind), u, linear) == pytest.approx(wanted, abs=1e-13)


def test_what_does_not_fit_is_named():
    weights = torch_weights(4, 1)
    with pytest.raises(ParameterError, match="weight_hh_l0"):
        from_torch({"weight_ih_l0": weights["weight_ih_l0"]}, "lstm")
    with pytest.raises(ParameterError, match="weight_ih_l0_reverse"):
        from_torch({**weights, "weight_ih_l0_reverse": weights["weight_ih_l0"]}, "lstm")
    with pytest.raises(ParameterError, match="3 gates of a gru"):
        from_torch(weights, "gru")
    with pytest.raises(ParameterError, match="'rnn'"):
        from_torch(weights, "rnn")
    with pytest.raises(ParameterError, match="peepholes"):
        to_torch(lstm(peepholes=True).weights(), "lstm")
    with pytest.raises(ParameterError, match="one direction"):
        from_onnx(np.zeros((2, 12, 3)), np.zeros((2, 12, 3)), kind="lstm")
