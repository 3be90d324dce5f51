"""JAX's gradient through the same Runge-Kutta steps, in a process of its own: ``python gradients_rivals.py FOLDER``.

Reads ``net N.npz`` (W, b, y, h, steps) from FOLDER, writes ``grad N.npy`` (dL/dW), prints the names of its contests,
then answers each line ``N REPEATS`` with the least time of a repeat [s]. One thread, float64. Needs nothing of
neurosim.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (threads are set before)


def main(folder: str) -> None:
    """Answer until the input ends."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def contest(path: Path) -> Any:
        with np.load(path, allow_pickle=False) as given:
            W, b, y0 = (jnp.asarray(given[name]) for name in ("W", "b", "y"))
            h, steps = float(given["h"]), int(given["steps"])

        def loss(W: Any, b: Any, y0: Any) -> Any:
            def flow(y: Any) -> Any:
                return W @ jnp.tanh(y) + b - y

            def step(y: Any, _: Any) -> Any:
                k1 = flow(y)
                k2 = flow(y + h / 2 * k1)
                k3 = flow(y + h / 2 * k2)
                k4 = flow(y + h * k3)
                return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

            y, _ = jax.lax.scan(step, y0, None, length=steps)
            return 0.5 * (y**2).sum()

        both = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))

        def run() -> Any:
            return jax.block_until_ready(both(W, b, y0))

        np.save(path.with_name(path.stem.replace("net", "grad") + ".npy"), np.asarray(run()[1][0]))
        return run

    contests = {path.stem.split()[1]: contest(path) for path in sorted(Path(folder).glob("net *.npz"))}
    print(json.dumps(list(contests)), flush=True)
    for line in sys.stdin:
        name, repeats = line.split()
        best = float("inf")
        for _ in range(int(repeats)):
            clock = time.perf_counter()
            contests[name]()
            best = min(best, time.perf_counter() - clock)
        print(json.dumps([best, None]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
