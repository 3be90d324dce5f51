"""States of echo state networks of all kinds, and online readouts, against reservoirpy, from the same weights.

A remark instead where no Python has it; see `validation.benchmarks.networks` for where it is looked for.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.architectures.deep_echo_state import deep_echo_state
from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.intrinsic_plasticity import adapt_intrinsically
from neurosim.digital.training.online_readouts import fit_online
from neurosim.digital.training.readouts import RecursiveLeastSquares
from validation.benchmarks import networks_rivals
from validation.benchmarks.networks import python_with, reservoir
from validation.case import Case, Context
from validation.peers import reservoirpy_variants
from validation.peers.torch_cells import difference

SIZES = {50: 200, 300: 300}
"""Units and steps."""


def variants() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What `reservoirpy_variants` needs, and our answers."""
    draw = np.random.default_rng(0)
    u, y = draw.uniform(-1.0, 1.0, (200, 1)), draw.uniform(-1.0, 1.0, (200, 1))
    given, ours = {"u": u, "y": y}, {}
    base = {"bias_scaling": 0.3, "seed": 2}
    for topology in ("orthogonal", "cycle", "cycle_jumps", "delay_line"):
        graph = echo_state(1, 60, topology=topology, **base)
        given |= {f"{topology} {name}": value for name, value in graph.weights().items()}
        ours[topology] = digital(graph, dt=0.4).sequence(u).states[:, 0]
    readout = {"V": draw.normal(size=(1, 60)) / 60.0, "c": draw.normal(size=1)}
    for kind, inputs in (("teacher", np.hstack([u, y])), ("closed", u)):
        graph = echo_state(1, 60, feedback=kind, **base).with_weights(readout)
        given |= {f"feedback {name}": value for name, value in graph.weights().items()}
        ours["taught" if kind == "teacher" else kind] = digital(graph, dt=0.4).sequence(inputs).states[:, 0]
    deep = deep_echo_state(1, 60, 1, layers=2, leak=0.6, **base)
    network = digital(deep)
    states = network.sequence(u).states[:, 0]
    for k in (1, 2):
        given |= {f"layer {k} {name}": deep.weights()[f"{name}{k}"] for name in "WUb"}
        ours[f"layer {k}"] = states[:, network.program.states.slices[f"x{k}"]]
    for activation, theirs, aim in (("tanh", "tanh", {"deviation": 0.2}), ("logistic", "sigmoid", {"mean": 0.2})):
        plastic = echo_state(1, 60, topology="cycle", activation=activation, **base)
        adapted = adapt_intrinsically(plastic, u, rate=1e-3, epochs=2, **aim)
        ours[f"plastic {theirs}"] = digital(adapted).sequence(u).states[:, 0]
    rule = RecursiveLeastSquares(60, 1, forgetting=0.999, regularisation=1e-2)
    for x, wanted in zip(ours["orthogonal"], y, strict=True):
        rule.update(x, wanted)
    ours["recursive least squares"] = rule.weights
    orthogonal = digital(echo_state(1, 60, topology="orthogonal", **base), dt=0.4)
    learnt = fit_online(orthogonal, u, y, method="lms", rate=1e-2)[0].weights()
    ours["least mean squares"] = np.hstack([learnt["V"], learnt["c"][:, None]])
    return given, ours


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
        given, found = variants()
        np.savez(folder / "given.npz", **given)
        subprocess.run([python, reservoirpy_variants.__file__, name], check=True, capture_output=True)
        with np.load(folder / "found.npz", allow_pickle=False) as theirs:
            for what, ours in found.items():
                kind = "weights after 200 steps" if "squares" in what else "states of 200 steps"
                yield difference(
                    f"reservoirpy, {what}", "reservoirpy, same weights", kind, theirs[what], ours,
                    1e-11 if what == "recursive least squares" else 1e-12,
                )  # fmt: skip
