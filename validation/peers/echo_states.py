"""States of leaky echo state networks against reservoirpy, from the same weights.

A remark instead where no Python has it; see `validation.benchmarks.networks` for where it is looked for.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from validation.benchmarks import networks_rivals
from validation.benchmarks.networks import python_with, reservoir
from validation.case import Case, Context
from validation.peers.torch_cells import difference

SIZES = {50: 200, 300: 300}
"""Units and steps."""


def cases(context: Context) -> Iterator[Case]:
    """All states of runs with sparse weights."""
    python = python_with("reservoirpy")
    if python is None:
        context.remarks.append("reservoirpy is not installed: echo state networks are not compared with it")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = {units: reservoir(units, steps, folder) for units, steps in SIZES.items()}
        subprocess.run([python, networks_rivals.__file__, "states", name], check=True, capture_output=True)
        for units, (network, u) in runs.items():
            expected = np.load(folder / f"ESN {units}.npy", allow_pickle=False)
            ours = network.sequence(u).states[:, 0]
            yield difference(
                f"reservoirpy, echo state network of {units} units", "reservoirpy, same weights",
                f"states of {SIZES[units]} steps", expected, ours, 1e-12,
            )  # fmt: skip
