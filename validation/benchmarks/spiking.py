"""Paired runs of spiking networks: the balanced networks CUBA and COBA, and liquids, against brian2 and NEST.

``python -m validation --benchmarks --only spiking``; less than eight minutes on two free cores. Every engine gets the
same wiring, initial values and input spikes, and makes steps of 0.1 ms on one thread. What counts is the least CPU time
of a simulated second; of brian2's C++ standalone the time of its bare loop as it reports it, and the CPU time of its
whole process. *First result* is the wall time of a fresh process from its start to the end of 0.1 s of simulated time,
wiring, compilers and builds included. Rivals are looked for as in `networks`: set NEUROSIM_BENCHMARK_PYTHON to the
Pythons that have them, such as ``/opt/brian2/bin/python:/opt/nest/bin/python``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.architectures import architectures
from neurosim.graph.spikes import SpikeProgram, compile_spikes
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings
from validation.benchmarks import spiking_networks, spiking_rivals
from validation.benchmarks.networks import python_with
from validation.benchmarks.spiking_networks import DT, FIRST, INPUTS, LIQUIDS, ROUNDS, SPAN, drive, network
from validation.case import Case, Context

CONTESTS = ("CUBA 4000", "COBA 4000", *LIQUIDS)
LIMITS = {"brian2 C++ loop": {"CUBA 4000": 1.15}, "NEST": dict.fromkeys(CONTESTS, 0.125)}
"""Largest share of a rival's time, where it is not 1."""
EULER = "neurosim, scheme='euler'"
FIRST_RESULT = 2.0
"""Seconds."""
SPIKES = 0.05
"""Difference of spike counts that rounding and other orders within a step may make: the networks are chaotic."""


class Ours:
    """A run of ours that goes on by a simulated second at each turn."""

    def __init__(self, program: SpikeProgram, inputs: dict[str, Any]) -> None:
        self.program, self.inputs, self.best, self.spikes = program, inputs, np.inf, []

    def turn(self) -> None:
        """Simulate as many seconds as each rival does."""
        run = SpikeRun(self.program, SpikeSettings(dt=DT, drive=self.inputs), (ROUNDS + 1) * SPAN)
        self.spikes = []
        run.advance(round(FIRST / DT))
        for _ in range(ROUNDS):
            ticks, clock = run.ticks()[1].size, time.process_time()
            run.advance(run.step + round(SPAN / DT))
            self.best = min(self.best, time.process_time() - clock)
            self.spikes.append(int((run.ticks()[1][ticks:] >= INPUTS * bool(self.inputs)).sum()))


def first_result(contest: str) -> float:
    """Wall time [s] of a fresh process of ours to its first result."""
    # What is installed has its byte code, as the rivals have.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    clock = time.perf_counter()
    subprocess.run([sys.executable, spiking_networks.__file__, contest], check=True, env=environment)
    return time.perf_counter() - clock


def measure(context: Context) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """By contest: for each engine its CPU time of a second, spikes, time to the first result, and of the process."""
    pythons = {library: python_with(library) for library in spiking_rivals.LIBRARIES}
    for library, python in pythons.items():
        if python is None:
            context.remarks.append(f"{library} is not installed: spiking networks were not timed against it")
    for contest in CONTESTS:
        if contest not in LIQUIDS and "balanced" not in architectures:
            context.remarks.append(f"there is no architecture 'balanced': {contest} was not timed")
            continue
        graph, arrays = network(contest)
        found: dict[str, dict[str, Any]] = {}
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "network.npz"
            np.savez(path, **arrays)
            runs = {"neurosim": Ours(compile_spikes(graph, DT), drive(contest, arrays))}
            if contest == "COBA 4000":
                # What brian2 does there.
                runs[EULER] = Ours(compile_spikes(graph, DT, scheme="euler"), drive(contest, arrays))
            _turn(runs)
            for engine, (library, contests) in spiking_rivals.ENGINES.items():
                python = pythons[library]
                if python is None or contest not in contests:
                    continue
                command = [python, spiking_rivals.__file__, engine, contest, str(path), repr(time.time())]
                done = subprocess.run(command, text=True, capture_output=True, check=False)
                if done.returncode:
                    context.remarks.append(f"{engine} failed on {contest}: {done.stderr.strip()[-300:]}")
                    continue
                found[engine] = json.loads(done.stdout.splitlines()[-1])
                _turn(runs)
        mine = {name: {"loop": ours.best, "spikes": ours.spikes} for name, ours in runs.items()}
        mine["neurosim"]["first"] = min(first_result(contest) for _ in range(2))
        yield contest, {**mine, **found}


def _turn(runs: dict[str, Ours]) -> None:
    for ours in runs.values():
        ours.turn()


def report(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Table in Markdown."""
    lines = ["| case | engine | CPU s per simulated s | times neurosim | first result s | spikes in a second |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for contest, found in results.items():
        ours = found["neurosim"]["loop"]
        for engine, entry in sorted(found.items(), key=lambda item: item[1]["loop"]):
            lines.append(
                f"| {contest} | {engine} | {entry['loop']:.4g} | {entry['loop'] / ours:.3g} | "
                f"{entry.get('first', np.nan):.3g} | {entry['spikes'][0]} |"
            )
            if "process" in entry:
                lines.append(f"| {contest} | {engine}, whole process | {entry['process']:.4g} | "
                             f"{entry['process'] / ours:.3g} | | |")  # fmt: skip
    return "\n".join(lines)


def cases(context: Context) -> Iterator[Case]:
    """Near brian2's C++ loop on CUBA and ahead of it elsewhere, eight times NEST, first results without a build."""
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for contest, found in measure(context):
        results[contest] = found
        mine = found["neurosim"]
        yield Case(
            f"{contest}, first result", "paired run", "wall time of a fresh process [s]", f"at most {FIRST_RESULT:g}",
            f"{mine['first']:.3g}", mine["first"], FIRST_RESULT, "the target of the project",
        )  # fmt: skip
        for engine, entry in found.items():
            if engine in ("neurosim", EULER):
                continue
            counts = np.array([mine["spikes"][0], entry["spikes"][0]], float)
            yield Case(
                f"{contest}, same work as {engine}", engine, "spikes from 0.1 s to 1.1 s, relative difference",
                f"{counts[1]:.0f}", f"{counts[0]:.0f}", abs(counts[0] / counts[1] - 1.0), SPIKES,
                "the networks are chaotic: rounding, and the order of what happens in a step, part their spikes",
            )  # fmt: skip
            limit = LIMITS.get(engine, {}).get(contest, 1.0)
            ratio = mine["loop"] / entry["loop"]
            yield Case(
                f"{contest} against {engine}", "paired run", "CPU time of a simulated second, neurosim over the other",
                f"at most {limit:g}", f"{ratio:.3g} ({mine['loop']:.4g} s against {entry['loop']:.4g} s)", ratio, limit,
                "the target of the project",
            )  # fmt: skip
            if EULER in found and "C++" in engine:
                euler = found[EULER]["loop"]
                yield Case(
                    f"{contest} against {engine}, Euler both", "paired run",
                    "CPU time of a simulated second, neurosim over the other", f"at most {limit:g}",
                    f"{euler / entry['loop']:.3g} ({euler:.4g} s against {entry['loop']:.4g} s)",
                    euler / entry["loop"], limit, "the target of the project, by the scheme of the other",
                )  # fmt: skip
    (context.folder / "spiking.md").write_text(report(results) + "\n")
    (context.folder / "spiking.json").write_text(json.dumps(results, indent=1))
    print(report(results))
