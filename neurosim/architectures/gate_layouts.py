"""Weights of gated layers in the layouts of other programs.

======================  ===============  ==============================  =====================================
layout                  LSTM gates       GRU gates                       biases
======================  ===============  ==============================  =====================================
torch.nn (state_dict)   i f g o          r z n, reset after the matrix   two: ``bias_ih``, ``bias_hh``
ONNX operator           i o f c          z r h, reset before, unless     one of double length, [Wb, Rb];
                                         linear_before_reset = 1         peepholes P in the order i o f
======================  ===============  ==============================  =====================================

Sources: the documentation of torch.nn.LSTM and torch.nn.GRU (PyTorch 2), and of the operators LSTM-14 and GRU-14
(ONNX). Two biases that only ever are added are added on import; on export the second one is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

TORCH = {"lstm": "ifgo", "gru": "rzn"}
ONNX = {"lstm": "iofg", "gru": "zrn"}


def from_torch(weights: Mapping[str, Any], kind: str) -> dict[str, np.ndarray]:
    """Parameters of a graph from a torch ``state_dict`` of one direction.

    Parameters
    ----------
    weights : mapping of str to array_like
        ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0`` (the biases may be missing), ``_l1``, ...;
        torch tensors on the CPU work as they are.
    kind : str
        ``"lstm"`` or ``"gru"`` (to be built with reset="after").

    Returns
    -------
    dict of str to ndarray
        ``layer1/U_i``, ...: for ``SignalGraph.with_weights``, or ``digital(..., parameters=)``.

    Raises
    ------
    ParameterError
        An array is missing, has another shape, or is one that has no place (reverse direction, projection).
    """
    gates = _gates(TORCH, kind)
    unknown = [n for n in weights if "reverse" in n or n.startswith("weight_hr") or "_l" not in n]
    if unknown:
        raise ParameterError(f"from_torch: '{unknown[0]}' has no place in one direction of a plain {kind}")
    layers = 1 + max((int(name.rpartition("_l")[2]) for name in weights), default=-1)
    if layers == 0:
        raise ParameterError("from_torch: there are no weights")
    made = {}
    for k in range(layers):
        u, w = (_array(weights, f"weight_{part}_l{k}") for part in ("ih", "hh"))
        rows = u.shape[0]
        b, d = (
            _array(weights, f"bias_{part}_l{k}") if f"bias_{part}_l{k}" in weights else np.zeros(rows)
            for part in ("ih", "hh")
        )
        made.update(_layer(kind, gates, u, w, b, d, f"layer{k + 1}/", f"from_torch, layer {k}"))
    return made


def to_torch(parameters: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Inverse of `from_torch`; parameters that are not of a layer (the read-out) are left out.

    Raises
    ------
    ParameterError
        Peepholes, which torch does not have, or an array is missing.
    """
    gates = _gates(TORCH, kind)
    made: dict[str, np.ndarray] = {}
    k = 0
    while f"layer{k + 1}/U_{gates[0]}" in parameters:
        here = f"layer{k + 1}/"
        if any(name.startswith(f"{here}p_") for name in parameters):
            raise ParameterError(f"to_torch: {here}p_i: torch has no peepholes")
        for torch_name, letter in (("weight_ih", "U"), ("weight_hh", "W"), ("bias_ih", "b")):
            made[f"{torch_name}_l{k}"] = np.concatenate([_array(parameters, f"{here}{letter}_{g}") for g in gates])
        made[f"bias_hh_l{k}"] = np.zeros_like(made[f"bias_ih_l{k}"])
        if kind == "gru":
            made[f"bias_hh_l{k}"][-len(parameters[f"{here}d_n"]) :] = parameters[f"{here}d_n"]
        k += 1
    return made


def from_onnx(
    W: Any, R: Any, B: Any = None, P: Any = None, *, kind: str, linear_before_reset: bool = False, layer: int = 1
) -> dict[str, np.ndarray]:
    """Parameters of one layer from the inputs of an ONNX operator of one direction.

    Parameters
    ----------
    W : array_like, shape (1, gates * hidden, inputs)
    R : array_like, shape (1, gates * hidden, hidden)
    B : array_like, shape (1, 2 * gates * hidden), optional
    P : array_like, shape (1, 3 * hidden), optional
        Peepholes of an LSTM.
    kind : str
        ``"lstm"`` or ``"gru"``.
    linear_before_reset : bool
        The attribute of the GRU; True goes with reset="after", False (ONNX default) with reset="before".
    layer : int
        Number of the layer in the names.

    Raises
    ------
    ParameterError
        A shape does not fit, or there are two directions.
    """
    gates = _gates(ONNX, kind)
    u, w = (np.asarray(a, dtype=float) for a in (W, R))
    if u.ndim != 3 or u.shape[0] != 1 or w.ndim != 3 or w.shape[0] != 1:
        raise ParameterError(f"from_onnx: W {u.shape} and R {w.shape} must have shape (1, ...): one direction")
    rows = u.shape[1]
    both = np.zeros(2 * rows) if B is None else np.asarray(B, dtype=float).reshape(-1)
    if both.size != 2 * rows:
        raise ParameterError(f"from_onnx: B has {both.size} values, {2 * rows} are needed")
    here = f"layer{layer}/"
    made = _layer(kind, gates, u[0], w[0], both[:rows], both[rows:], here, "from_onnx")
    if kind == "gru" and not linear_before_reset:
        made[f"{here}b_n"] = made[f"{here}b_n"] + made.pop(f"{here}d_n")
    if P is not None:
        hidden = rows // len(gates)
        peepholes = np.asarray(P, dtype=float).reshape(-1)
        if kind != "lstm" or peepholes.size != 3 * hidden:
            raise ParameterError(f"from_onnx: P has {peepholes.size} values; an LSTM takes {3 * hidden}, a GRU none")
        made.update({f"{here}p_{g}": peepholes[j * hidden : (j + 1) * hidden] for j, g in enumerate("iof")})
    return made


def to_onnx(parameters: Mapping[str, np.ndarray], *, kind: str, layer: int = 1) -> dict[str, np.ndarray]:
    """Inputs ``W``, ``R``, ``B`` (and ``P``) of an ONNX operator for one layer; a GRU with ``d_n`` needs
    linear_before_reset = 1, one without needs 0.

    Raises
    ------
    ParameterError
        An array is missing.
    """  # fmt: skip
    gates, here = _gates(ONNX, kind), f"layer{layer}/"
    u, w, b = (np.concatenate([_array(parameters, f"{here}{letter}_{g}") for g in gates]) for letter in "UWb")
    d = np.zeros_like(b)
    if f"{here}d_n" in parameters:
        d[-len(parameters[f"{here}d_n"]) :] = parameters[f"{here}d_n"]
    made = {"W": u[None], "R": w[None], "B": np.concatenate([b, d])[None]}
    if f"{here}p_i" in parameters:
        made["P"] = np.concatenate([_array(parameters, f"{here}p_{g}") for g in "iof"])[None]
    return made


def _gates(layout: dict[str, str], kind: str) -> str:
    if kind not in layout:
        raise ParameterError(f"kind = {kind!r} must be 'lstm' or 'gru'")
    return layout[kind]


def _array(arrays: Mapping[str, Any], name: str) -> np.ndarray:
    if name not in arrays:
        raise ParameterError(f"there is no array '{name}'; there are {', '.join(arrays)}")
    return np.asarray(arrays[name], dtype=float)


def _layer(
    kind: str, gates: str, u: np.ndarray, w: np.ndarray, b: np.ndarray, d: np.ndarray, here: str, where: str
) -> dict[str, np.ndarray]:
    rows, hidden = w.shape
    if rows != len(gates) * hidden or u.shape[0] != rows or b.shape != (rows,) or d.shape != (rows,):
        raise ParameterError(
            f"{where}: shapes {u.shape}, {w.shape}, {b.shape}, {d.shape} are not those of the {len(gates)} gates of a "
            f"{kind} of one size"
        )
    made = {}
    for j, gate in enumerate(gates):
        part = slice(j * hidden, (j + 1) * hidden)
        made[f"{here}U_{gate}"], made[f"{here}W_{gate}"] = u[part].copy(), w[part].copy()
        # Behind the reset gate the second bias of a GRU is not a sum with the first.
        separate = kind == "gru" and gate == "n"
        made[f"{here}b_{gate}"] = b[part].copy() if separate else b[part] + d[part]
        if separate:
            made[f"{here}d_n"] = d[part].copy()
    return made
