"""Lyapunov exponents of Lorenz against lyapax and jitcode_lyap: the same system, time, steps and intervals.

``python -m validation --benchmarks --only lyapunov``. All use one thread; what counts is the least CPU time of a warm
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
from validation.benchmarks import lyapunov_rivals
from validation.benchmarks.networks import python_with
from validation.case import Case, Context

LIBRARIES = ("lyapax", "jitcode")


def ours() -> tuple[float, LyapunovSpectrum]:
    """Least CPU time of the whole call, with its transient of 10, and the result."""
    best = np.inf
    while True:
        before = best
        for _ in range(5):
            clock = time.process_time()
            found = lyapunov_spectrum(
                lorenz(initial=tuple(lyapunov_rivals.START)), (0.0, 1010.0), dt=lyapunov_rivals.DT,
                renormalise=lyapunov_rivals.EVERY * lyapunov_rivals.DT, transient=(5.0, 5.0),
            )  # fmt: skip
            best = min(best, time.process_time() - clock)
        if best > 0.95 * before:
            return best, found


def cases(context: Context) -> Iterator[Case]:
    """At least five times faster than each."""
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
            "CPU time over that of the rival", "at most 0.2",
            f"{seconds / rival:.3g} ({1e3 * seconds:.3g} ms against {1e3 * rival:.3g} ms; "
            + ", ".join(f"{value:.4f}" for value in found.exponents) + ")",
            seconds / rival, 0.2, "the target of the project: five times faster",
        )  # fmt: skip
