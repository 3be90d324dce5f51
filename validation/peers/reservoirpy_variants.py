"""Kinds of reservoirs and online readouts in reservoirpy: ``python reservoirpy_variants.py FOLDER``.

Reads ``given.npz``, writes ``found.npz``. Needs nothing of neurosim, so that it runs where only the
library is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np


def variants(given: Any) -> dict[str, np.ndarray]:
    """States, or weights of readouts, by name."""
    import scipy.sparse as sp
    from reservoirpy.nodes import LMS, RLS, IPReservoir, Reservoir

    u, y = given["u"], given["y"]

    def reservoir(name: str, leak: float, columns: str = "U") -> Any:
        w_in = np.concatenate([given[f"{name} {c}"] for c in columns], axis=1)
        return Reservoir(W=sp.csr_matrix(given[f"{name} W"]), Win=w_in, bias=given[f"{name} b"], lr=leak)

    made = {name: reservoir(name, 0.4).run(u) for name in ("orthogonal", "cycle", "cycle_jumps", "delay_line")}
    made["taught"] = reservoir("feedback", 0.4, "UF").run(np.hstack([u, y]))
    closed = reservoir("feedback", 0.4, "UF")
    closed.initialize(np.zeros(2))
    states, out = [], given["feedback c"]
    for row in u:
        states.append(closed.step(np.concatenate([row, out])))
        out = given["feedback V"] @ states[-1] + given["feedback c"]
    made["closed"] = np.array(states)
    first, second = reservoir("layer 1", 0.6), reservoir("layer 2", 0.6)
    made["layer 1"] = first.run(u)
    made["layer 2"] = second.run(made["layer 1"])
    for activation, aim in (("tanh", {"mu": 0.0, "sigma": 0.2}), ("sigmoid", {"mu": 0.2})):
        node = IPReservoir(
            W=sp.csr_matrix(given["cycle W"]), Win=given["cycle U"], bias=given["cycle b"], lr=1.0, epochs=2,
            activation=activation, learning_rate=1e-3, **aim,
        )  # fmt: skip
        node.fit(u)
        node.reset()
        made[f"plastic {activation}"] = node.run(u)
    states = made["orthogonal"]
    rls = RLS(alpha=1e-2, fit_bias=False, forgetting=0.999)
    rls.partial_fit(states, y)
    lms = LMS(learning_rate=1e-2)
    lms.partial_fit(states, y)
    made["recursive least squares"], made["least mean squares"] = rls.Wout.T, np.hstack([lms.Wout.T, lms.bias[:, None]])
    return made


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with np.load(folder / "given.npz", allow_pickle=False) as arrays:
        np.savez(folder / "found.npz", **variants(dict(arrays)))
