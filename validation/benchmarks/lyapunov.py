"""Lyapunov exponents of Lorenz against lyapax and jitcode_lyap: the same system, time, steps and intervals.

``python -m validation --benchmarks --only lyapunov``. All use one thread; what counts is the least time of a warm
run. A rival is looked for as in `validation.benchmarks.networks`.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import numpy as np

from neurosim.analyses.lyapunov import LyapunovSpectrum, lyapunov_spectrum
from neurosim.architectures.lorenz import lorenz
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from validation.benchmarks import lyapunov_rivals
from validation.benchmarks.networks import python_with
from validation.case import Case, Context

LIBRARIES = ("lyapax", "jitcode")

UNITS, GAIN, DURATION = 1000, 3.0, 17.0
"""Of the random net whose whole spectrum is found, and for how long [time constants]."""


def ours() -> tuple[float, LyapunovSpectrum]:
    """Least time of the whole call, with its transient of 10, and the result."""
    best = np.inf
    while True:
        before = best
        for _ in range(5):
            clock = time.perf_counter()
            found = lyapunov_spectrum(
                lorenz(initial=tuple(lyapunov_rivals.START)), (0.0, 1010.0), dt=lyapunov_rivals.DT,
                renormalise=lyapunov_rivals.EVERY * lyapunov_rivals.DT, transient=(5.0, 5.0),
            )  # fmt: skip
            best = min(best, time.perf_counter() - clock)
        if best > 0.95 * before:
            return best, found


def random_net() -> SignalGraph:
    """``x' = -x + W tanh(x)``, W normal with standard deviation gain / sqrt(units)."""
    random = stream(0, "random net")
    graph = SignalGraph("random net")
    graph.parameter("W", GAIN * random.standard_normal((UNITS, UNITS)) / UNITS**0.5)
    graph.state("x", UNITS, time_constant=1.0, leak=1.0, initial=random.standard_normal(UNITS))
    graph.map("r", UNITS, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    return graph


def whole_spectrum() -> Case:
    """All exponents of the random net: CPU time, and the rate of the products with W."""
    net, clock, cpu = random_net(), time.perf_counter(), time.process_time()
    found = lyapunov_spectrum(net, (0.0, DURATION))
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    # A step of DOP853 has twelve stages, each with a product of W and all vectors.
    flops = (0.9 * DURATION / found.dt) * 12.0 * 2.0 * UNITS**3
    return Case(
        f"whole spectrum of {UNITS} units", "minutes", f"CPU time [s] of {DURATION:g} time constants", "at most 300",
        f"{cpu:.3g} ({seconds:.3g} s of wall time, step {found.dt:.3g}, {flops / 1e12:.3g} Tflop in products, "
        f"{flops / cpu / 1e9:.3g} Gflop/s over all; largest {found.exponents[0]:+.3f}, sum {found.measured.sum():.2f}, "
        f"divergence {found.divergence:.2f})",
        cpu, 300.0, "the target of the project: minutes",
    )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """At least five times faster than each; and a large net."""
    yield whole_spectrum()
    ours()
    for library in LIBRARIES:
        python = python_with(library)
        if python is None:
            context.remarks.append(f"{library} is not installed: exponents were not timed against it")
            continue
        seconds, found = ours()
        done = subprocess.run(
            [python, lyapunov_rivals.__file__, library], capture_output=True, text=True, check=True
        )  # fmt: skip
        rival, first, exponents = json.loads(done.stdout.splitlines()[-1])
        seconds = min(seconds, ours()[0])
        shown = ", ".join(f"{value:.4f}" for value in exponents)
        yield Case(
            f"lorenz exponents, against {library}", f"paired run; {library}: first call {first:.2g} s, {shown}",
            "time over that of the rival", "at most 0.2",
            f"{seconds / rival:.3g} ({1e3 * seconds:.3g} ms against {1e3 * rival:.3g} ms; "
            + ", ".join(f"{value:.4f}" for value in found.exponents) + ")",
            seconds / rival, 0.2, "the target of the project: five times faster",
        )  # fmt: skip
