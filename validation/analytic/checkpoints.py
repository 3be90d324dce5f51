"""Runs that are killed and resumed, and ensembles in other processes: the same bits, for real."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.errors import FormatError
from validation.case import Case, Context

KILLS = 50

RUN = """
import sys
import neurosim as ns
sys.path.insert(0, {folder!r})
from validation.analytic.checkpoints import subjects
what, span, settings = subjects()[{case!r}]
ns.simulate(what, span, **settings, checkpoint={file!r}, checkpoint_every=0.0)
"""


def cases(context: Context) -> Iterator[Case]:
    """Ensembles always, kills (a minute or two) without ``--fast``."""
    yield from ensembles()
    if not context.fast:
        yield from kills()


def subjects() -> dict[str, tuple[Any, tuple[float, float], dict[str, Any]]]:
    """What is killed: an adaptive method with a chaotic answer, a fixed step, events of all kinds, delays, noise."""
    noisy = ns.SignalGraph("noisy")
    noisy.state("x", 20, time_constant=1.0)
    spiking = ns.SignalGraph("spiking")
    spiking.port("u", 20)
    spiking.state("v", 20, time_constant=0.02)
    spiking.event("spike", 20, threshold=1.0, refractory=0.002)
    spiking.connect("u", "v")
    spiking.connect("v", "spike")
    spiking.connect("spike", "v", role="reset", to=0.0)
    spiking.parameter("W", 5e-4 * np.random.default_rng(1).standard_normal((20, 20)))
    spiking.connect("spike", "v", weight="W", delay=0.0031)
    grid = {"save_steps": False}
    return {
        "lorenz, dp5": (ns.architectures.lorenz(), (0.0, 300.0), {**grid, "rtol": 1e-10}),
        "relaxation oscillator, events": ("circuits/relaxation_oscillator.cir", (0.0, 1.5), grid),
        "lorenz, rk4": (ns.architectures.lorenz(), (0.0, 1500.0), {**grid, "method": "rk4", "fixed_step": 1e-3}),
        "spikes with delays": (spiking, (0.0, 2.0), {**grid, "drive": {"u": np.linspace(1.1, 1.9, 20)}}),
        "Mackey-Glass, delays": (ns.architectures.mackey_glass(), (0.0, 5e4), {**grid, "rtol": 1e-9}),
        "lorenz, crossings": (
            ns.architectures.lorenz(),
            (0.0, 800.0),
            {**grid, "rtol": 1e-10, "events": {"top": "x[2] - 27"}},
        ),
        "noise, stochastic Heun": (noisy, (0.0, 80.0), {**grid, "diffusion": {"x": 0.3}, "fixed_step": 1e-3}),
    }


def kills() -> Iterator[Case]:
    """Kill a process at random moments, each time resuming from what it left, until it was killed often enough."""
    random = np.random.default_rng(0)
    names = list(subjects())
    tries, done, different = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="neurosim-") as folder:
        whole = {name: ns.simulate(what, span, **settings) for name, (what, span, settings) in subjects().items()}
        while done < KILLS and tries < 4 * KILLS:
            name = names[tries % len(names)]
            tries += 1
            what, _, settings = subjects()[name]
            file = Path(folder, f"{tries}.npz")
            text = RUN.format(folder=os.getcwd(), case=name, file=str(file))
            process = subprocess.Popen([sys.executable, "-c", text])
            while not file.exists() and process.poll() is None:
                time.sleep(0.01)
            time.sleep(random.uniform(0.0, 0.5))
            if process.poll() is not None:
                continue
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            given = {name: settings[name] for name in ("diffusion", "drive") if name in settings}
            try:
                found = ns.resume(file, what, **given)
                expected = whole[name]
                equal = all(np.array_equal(found[column], expected[column]) for column in found.names)
                equal &= all(np.array_equal(times, expected.events[event]) for event, times in found.events.items())
            except FormatError:
                equal = False
            different += not equal
    yield Case(
        "resume after SIGKILL", "a run that is not cut",
        f"runs of {KILLS}, of {len(names)} kinds, that were not killed or differ in any bit", "0",
        str(different + KILLS - done), float(different + KILLS - done), 0.0,
        "the state of the loop is saved whole, and atomically",
    )  # fmt: skip


def ensembles() -> Iterator[Case]:
    """A Monte-Carlo sweep by dask.distributed with two processes, where dask is installed, else by a pool."""
    graph = ns.architectures.lorenz()
    given: dict[str, Any] = {"rho": ns.tolerance(0.05)}

    def run(executor: Any) -> ns.Result:
        return ns.sweep(graph, given, (0.0, 5.0), samples=40, seed=1, executor=executor, workers=1, chunk=7)

    with ExitStack() as stack:
        if importlib.util.find_spec("distributed") is not None:
            from distributed import Client, LocalCluster

            cluster = stack.enter_context(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None))
            executor: Any = stack.enter_context(Client(cluster))
            how = "dask.distributed, two processes"
        else:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            executor = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
            how = "two processes"
        found, alone = run(executor), run(None)
    different = sum(int((found[name] != alone[name]).sum()) for name in found.names)
    yield Case(
        f"ensemble by {how}", "the same in one thread", "numbers that differ in any bit", "0", str(different),
        float(different), 0.0, "a row depends on the seed and on itself alone",
    )  # fmt: skip
