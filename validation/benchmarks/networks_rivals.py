"""The other libraries, in a process of their own: ``python networks_rivals.py LIBRARY FOLDER``; with ``states`` in
place of a library the states of reservoirpy go into the folder.

Prints the names of its contests, then answers each line ``NAME REPEATS`` with the least CPU time of a repeat [s] and,
for an echo state network, the sum of the last state. Arrays of the echo state networks are read from FOLDER. All run on
one thread. Needs nothing of neurosim, so that it runs where only the library is installed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (threads are set before)

TRAINING = {"Elman 16": ("elman", 50, 16, 4, 16), "LSTM 64": ("lstm", 100, 16, 8, 64)}
"""Cell, steps, samples, inputs, units; one output, mean squared error, Adam."""

Contest = Callable[[], Any]


def torch_contests(folder: Path) -> dict[str, Contest]:
    """A Python loop of cells, and the fused layer; in the default float32 and in float64."""
    import torch

    torch.set_num_threads(1)

    class Net(torch.nn.Module):
        def __init__(self, cell: str, inputs: int, units: int, fused: bool) -> None:
            super().__init__()
            layers = (torch.nn.RNN, torch.nn.LSTM) if fused else (torch.nn.RNNCell, torch.nn.LSTMCell)
            self.fused, self.units, self.is_lstm = fused, units, cell == "lstm"
            self.recurrent, self.readout = layers[self.is_lstm](inputs, units), torch.nn.Linear(units, 1)

        def forward(self, x: Any) -> Any:
            if self.fused:
                return self.readout(self.recurrent(x)[0])
            h, seen = x.new_zeros(x.shape[1], self.units), []
            c = torch.zeros_like(h)
            for u in x:
                if self.is_lstm:
                    h, c = self.recurrent(u, (h, c))
                else:
                    h = self.recurrent(u, h)
                seen.append(h)
            return self.readout(torch.stack(seen))

    def contest(cell: str, steps: int, samples: int, inputs: int, units: int, fused: bool, kind: Any) -> Contest:
        torch.manual_seed(0)
        net = Net(cell, inputs, units, fused).to(kind)
        optimiser = torch.optim.Adam(net.parameters(), 1e-4)
        x, y = (torch.randn(steps, samples, n, dtype=kind) for n in (inputs, 1))

        def step() -> None:
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(net(x), y).backward()
            optimiser.step()

        return step

    return {
        f"{name}|torch {form} {kind}": contest(*sizes, form == "fused", getattr(torch, kind))
        for name, sizes in TRAINING.items() for form in ("eager", "fused") for kind in ("float32", "float64")
    }  # fmt: skip


def jax_contests(folder: Path) -> dict[str, Contest]:
    """A scan, compiled with its gradient and Adam."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def contest(cell: str, steps: int, samples: int, inputs: int, units: int, kind: str) -> Contest:
        draw = np.random.default_rng(0)
        width = 4 * units if cell == "lstm" else units
        shapes = {"U": (inputs, width), "W": (units, width), "b": (width,), "V": (units, 1), "d": (1,)}
        weights = {name: jnp.asarray(0.1 * draw.normal(size=shape), kind) for name, shape in shapes.items()}
        x, y = (jnp.asarray(draw.normal(size=(steps, samples, n)), kind) for n in (inputs, 1))

        def loss(p: Any) -> Any:
            def step(state: Any, given: Any) -> Any:
                h, c = state
                a = given + h @ p["W"]
                if cell == "lstm":
                    i, f, g, o = jnp.split(a, 4, -1)
                    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
                    h = jax.nn.sigmoid(o) * jnp.tanh(c)
                else:
                    h = jnp.tanh(a)
                return (h, c), h

            zero = jnp.zeros((samples, units), kind)
            _, seen = jax.lax.scan(step, (zero, zero), x @ p["U"] + p["b"])
            return jnp.mean((seen @ p["V"] + p["d"] - y) ** 2)

        @jax.jit
        def update(p: Any, mean: Any, square: Any, t: Any) -> Any:
            value, gradient = jax.value_and_grad(loss)(p)
            t = t + 1
            mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
            square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)

            def moved(q: Any, m: Any, v: Any) -> Any:
                return (q - 1e-4 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)).astype(kind)

            return jax.tree.map(moved, p, mean, square), mean, square, t, value

        zeros = jax.tree.map(jnp.zeros_like, weights)
        state = [weights, zeros, zeros, jnp.asarray(0.0, kind)]

        def step() -> None:
            *state[:], value = update(*state)
            value.block_until_ready()

        return step

    return {
        f"{name}|JAX scan {kind}": contest(*sizes, kind)
        for name, sizes in TRAINING.items() for kind in ("float32", "float64")
    }  # fmt: skip


def reservoir(path: Path) -> tuple[Any, np.ndarray]:
    """A node of reservoirpy with the weights of a file, and the input."""
    import scipy.sparse as sp
    from reservoirpy.nodes import Reservoir

    with np.load(path, allow_pickle=False) as given:
        w, w_in, bias, u = (given[name] for name in ("W", "U", "b", "u"))
        return Reservoir(W=sp.csr_matrix(w), Win=w_in, bias=bias, lr=float(given["leak"])), u


def write_states(folder: Path) -> None:
    """Run the reservoirs of a folder and put their states into ``<name>.npy``."""
    for path in sorted(folder.glob("ESN *.npz")):
        node, u = reservoir(path)
        np.save(path.with_suffix(".npy"), node.run(u))


def reservoirpy_contests(folder: Path) -> dict[str, Contest]:
    """Runs of a leaky reservoir with given weights."""

    def contest(path: Path) -> Contest:
        node, u = reservoir(path)
        series = u if u.ndim == 2 else u.swapaxes(0, 1)

        def run() -> float:
            node.reset()
            return float(node.run(series)[..., -1, :].sum())

        node.run(series[..., :1, :])
        return run

    return {f"{path.stem}|reservoirpy": contest(path) for path in sorted(folder.glob("ESN *.npz"))}


LIBRARIES = {"torch": torch_contests, "jax": jax_contests, "reservoirpy": reservoirpy_contests}


def least_time(contest: Contest, repeats: int) -> tuple[float, Any]:
    """Least CPU time of this process [s] over some repeats, and what the contest gave."""
    best, result = float("inf"), None
    for _ in range(repeats):
        clock = time.process_time()
        result = contest()
        best = min(best, time.process_time() - clock)
    return best, result


def main(library: str, folder: str) -> None:
    """Answer until the input ends."""
    contests = LIBRARIES[library](Path(folder))
    for contest in contests.values():
        contest()
    print(json.dumps(list(contests)), flush=True)
    for line in sys.stdin:
        name, _, repeats = line.strip().rpartition(" ")
        print(json.dumps(least_time(contests[name], int(repeats))), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "states":
        write_states(Path(sys.argv[2]))
    else:
        main(*sys.argv[1:])
