"""Netlists of growing size against ngspice, at equal true error.

For each case ngspice runs the netlist as it stands. neurosim runs it at falling tolerances, and the cheapest run whose
error is not above that of ngspice is the one that counts. Errors are those of the saved voltages, relative to their
range, against a converged solution (neurosim at rtol 1e-9, which must agree with neurosim at 1e-8 to a tenth of the
smallest error quoted, and with ngspice at a 40 times smaller step on the smaller cases). Times are CPU seconds: of the
whole process for ngspice; for neurosim of reading, building and solving in a process whose kernels are loaded, and of
the whole ``neurosim run`` process beside it. For some cases the error is drawn over the time, ngspice at several
settings beside neurosim at several tolerances.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from neurosim.circuit.reader import read_netlist
from neurosim.errors import SimulationError
from neurosim.formats import load
from neurosim.results import Result
from neurosim.solve.simulate import simulate
from validation.benchmarks.netlists import crossbar, diode_ladder, grid, rc_ladder
from validation.case import Case, Context
from validation.figures import curves

MORE_TRIED = 3
"""How many tolerances that are good enough are timed."""

TOLERANCES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7)

RIVAL_OPTIONS = ("", "reltol=1e-4", "reltol=1e-4 trtol=1", "reltol=1e-5 trtol=1", "reltol=1e-6 trtol=1")
"""Settings of ngspice on the curve of the error over the time."""

CURVES = ("diode ladder 500", "crossbar 32x32, native", "grid 1012, native")
"""Cases with such a curve."""


@dataclass(frozen=True)
class Circuit:
    """One circuit: its netlist for neurosim, and the one with the same equations that ngspice can read."""

    name: str
    family: str
    devices: int
    ours: Callable[[], str]
    rival: Callable[[], str]
    target: float
    """Speed ratio that is aimed at."""


def _circuits() -> list[Circuit]:
    circuits = [
        Circuit("RC ladder 1k", "ladder", 1000, lambda: rc_ladder(1000), lambda: rc_ladder(1000), 2),
        Circuit("RC ladder 10k", "ladder", 10000, lambda: rc_ladder(10000), lambda: rc_ladder(10000), 2),
        Circuit("diode ladder 500", "diode ladder", 500, lambda: diode_ladder(500), lambda: diode_ladder(500), 2),
    ]
    for native, form in ((True, "native"), (False, "subcircuit")):
        for size, target in ((32, 0), (128, 150 if native else 80)):
            circuits.append(
                Circuit(
                    f"crossbar {size}x{size}, {form}", f"crossbar {form}", size * size,
                    lambda s=size, n=native: crossbar(s, native=n), lambda s=size: crossbar(s, native=False), target,
                )
            )  # fmt: skip
        for size, target in ((23, 0), (71, 30 if native else 20)):
            circuits.append(
                Circuit(
                    f"grid {2 * size * (size - 1)}, {form}", f"grid {form}", 2 * size * (size - 1),
                    lambda s=size, n=native: grid(s, native=n), lambda s=size: grid(s, native=False), target,
                )
            )  # fmt: skip
    return circuits


@dataclass
class Row:
    """What was measured for one case."""

    name: str
    devices: int
    ngspice_cpu: float
    ngspice_error: float
    rtol: float
    neurosim_cpu: float
    neurosim_loop: float
    neurosim_process_cpu: float
    neurosim_error: float
    ratio: float
    loop_ratio: float
    process_ratio: float
    target: float
    reference_error: float
    steps: int
    points: int


def _child_cpu(command: list[str], folder: Path) -> float:
    """CPU seconds of one command; Python keeps its compiled modules in the folder, as it does for those who use it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _ngspice(text: str, folder: Path) -> tuple[float, Result]:
    (folder / "rival.cir").write_text(text)
    seconds = _child_cpu(["ngspice", "-b", "-r", "rival.raw", "rival.cir"], folder)
    return seconds, load(folder / "rival.raw")


def _quickest(text: str, folder: Path) -> tuple[float, Result]:
    """`_ngspice`, the quickest of three where it does not take long."""
    found = _ngspice(text, folder)
    return found if found[0] > 5.0 else min(found, *(_ngspice(text, folder) for _ in range(2)), key=lambda r: r[0])


def _error(result: Result, reference: Result, names: tuple[str, ...]) -> float:
    """Largest difference relative to the range, at the points of the result that is judged."""
    worst = 0.0
    for name in names:
        truth = np.interp(result.axis, reference.axis, reference[name])
        worst = max(worst, float(np.abs(result[name] - truth).max() / np.ptp(reference[name])))
    return worst


def _ours(path: Path, rtol: float) -> tuple[float, float, Result]:
    """CPU seconds in all, seconds in the time loop, and the result."""
    clock = time.process_time()
    result = simulate(read_netlist(path), rtol=rtol)
    return time.process_time() - clock, result.attrs["statistics"]["cpu_seconds_time_loop"], result


def _reference(path: Path) -> tuple[Result, float]:
    """Converged solution on a fine grid, and how far it moved from the tolerance before."""
    circuit = read_netlist(path)
    stop = circuit.analyses[0].stop
    fine = (0.0, stop)
    results = [simulate(circuit, fine, rtol=rtol, print_step=stop / 20000) for rtol in (1e-8, 1e-9)]
    names = tuple(circuit.saved)
    return results[1], _error(results[0], results[1], names)


def measure(case: Circuit, rivals: dict[str, tuple[float, Result]]) -> Row:
    """Run one case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, rival = case.ours(), case.rival()
        path = folder / "ours.cir"
        path.write_text(ours)
        names = tuple(read_netlist(path).saved)
        _ours(path, 1e-4)
        reference, reference_error = _reference(path)
        if rival not in rivals:
            rivals[rival] = _quickest(rival, folder)
        rival_cpu, rival_result = rivals[rival]
        rival_error = _error(rival_result, reference, names)
        found = []
        for rtol in TOLERANCES:
            try:
                _ours(path, rtol)
            except SimulationError:
                # A tolerance of the largest voltage can be too loose for a diode; the next one is tried.
                continue
            run = min((_ours(path, rtol) for _ in range(3)), key=lambda r: r[1])
            error = _error(run[2], reference, names)
            if error <= rival_error:
                found.append((run, error, rtol))
            # Where switching makes loose runs restart often, a tighter one can be the cheaper.
            if len(found) == MORE_TRIED:
                break
        (cpu, loop, result), error, rtol = min(found, key=lambda f: f[0][1])
        options = ["--quiet", "--raw", "o.raw", "--rtol", str(rtol)]
        command = [sys.executable, "-m", "neurosim", "run", "ours.cir", *options]
        process = min(_child_cpu(command, folder) for _ in range(3))
        return Row(
            case.name, case.devices, rival_cpu, rival_error, rtol, cpu, loop, process, error, rival_cpu / cpu,
            rival_cpu / loop, rival_cpu / process, case.target, reference_error,
            result.attrs["statistics"]["steps"], rival_result.axis.size,
        )  # fmt: skip


@dataclass
class Point:
    """One run of an error curve: what was asked for, CPU seconds (of neurosim in the time loop), error."""

    setting: str
    cpu: float
    error: float


def error_curve(case: Circuit) -> tuple[list[Point], list[Point]]:
    """Error over time of neurosim and of ngspice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "ours.cir"
        path.write_text(case.ours())
        names = tuple(read_netlist(path).saved)
        _ours(path, 1e-4)
        reference, _ = _reference(path)
        ours, rival = [], []
        for rtol in TOLERANCES:
            try:
                run = min((_ours(path, rtol) for _ in range(4)), key=lambda r: r[1])
            except SimulationError:
                continue
            ours.append(Point(f"rtol {rtol:g}", run[1], _error(run[2], reference, names)))
        for options in RIVAL_OPTIONS:
            text = case.rival()
            if options:
                text = text.removesuffix(".end\n") + f".options {options}\n.end\n"
            cpu, result = _quickest(text, folder)
            rival.append(Point(options or "as it stands", cpu, _error(result, reference, names)))
    return ours, rival


def curve_report(name: str, ours: list[Point], rival: list[Point]) -> str:
    """Table in Markdown: each run of ngspice beside the cheapest run of neurosim that is no less accurate."""
    lines = [
        f"Error over time, {name}",
        "",
        "| ngspice | CPU s | its error | neurosim | loop CPU s | its error | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in rival:
        o = min((o for o in ours if o.error <= r.error), key=lambda o: o.cpu, default=Point("none", np.nan, np.nan))
        lines.append(
            f"| {r.setting} | {r.cpu:.3g} | {r.error:.1e} | {o.setting} | {o.cpu:.3g} | {o.error:.1e} | "
            f"**{r.cpu / o.cpu:.3g}** |"
        )
    return "\n".join(lines)


def draw_curve(context: Context, name: str, ours: list[Point], rival: list[Point]) -> None:
    """Put the figure of an error curve into the report folder."""
    lines = {
        label: ([p.cpu for p in points], [p.error for p in points], form)
        for label, points, form in (("neurosim", ours, "o-"), ("ngspice", rival, "s-"))
    }
    draw = curves("CPU time [s]", "largest error / range", lines, log=True)
    context.figure(f"error over time {name}", draw)


def report(rows: list[Row]) -> str:
    """Table in Markdown."""
    lines = [
        "| case | ngspice CPU s | its error | neurosim: loop CPU s | with reading | whole process | its error | rtol | "
        "ratio of loops | with reading | whole | target |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        target = f"{r.target:g}" if r.target else ""
        missed = " (missed)" if r.target and r.loop_ratio < r.target else ""
        cells = [
            r.name, f"{r.ngspice_cpu:.3g}", f"{r.ngspice_error:.1e}", f"{r.neurosim_loop:.3g}",
            f"{r.neurosim_cpu:.3g}", f"{r.neurosim_process_cpu:.3g}", f"{r.neurosim_error:.1e}", f"{r.rtol:g}",
            f"**{r.loop_ratio:.3g}**{missed}", f"{r.ratio:.3g}", f"{r.process_ratio:.3g}", target,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def exponents(rows: list[Row], circuits: list[Circuit]) -> dict[str, tuple[float, float]]:
    """Growth of the time with the number of devices, neurosim and ngspice, for families with two sizes."""
    found = {}
    for family in dict.fromkeys(c.family for c in circuits):
        members = [r for r in rows if any(c.name == r.name and c.family == family for c in circuits)]
        if len(members) == 2:
            a, b = members
            size = np.log(b.devices / a.devices)
            found[family] = (
                float(np.log(b.neurosim_loop / a.neurosim_loop) / size),
                float(np.log(b.ngspice_cpu / a.ngspice_cpu) / size),
            )  # fmt: skip
    return found


def cases(context: Context) -> Iterator[Case]:
    """Each circuit as a case: the target over the speed ratio must not exceed 1. The table goes to a file."""
    if shutil.which("ngspice") is None:
        context.remarks.append("ngspice is not installed: the pairs with it were left out")
        return
    circuits = _circuits()
    rows: list[Row] = []
    rivals: dict[str, tuple[float, Result]] = {}
    for circuit in circuits:
        row = measure(circuit, rivals)
        rows.append(row)
        if circuit.target:
            yield Case(
                circuit.name, "paired run",
                "target / (ngspice CPU s / neurosim CPU s in the time loop), at equal true error",
                f"{circuit.target:g} times", f"{row.loop_ratio:.3g} times ({row.ratio:.3g} with reading and building)",
                circuit.target / row.loop_ratio, 1.0, "the target of the project",
            )  # fmt: skip
    growth = exponents(rows, circuits)
    lines = [f"{f}: time grows with devices to the power {a:.2f} (ngspice {b:.2f})" for f, (a, b) in growth.items()]
    tables = [report(rows), "\n".join(lines)]
    drawn = {}
    for circuit in (c for c in circuits if c.name in CURVES):
        drawn[circuit.name] = pair = error_curve(circuit)
        tables.append(curve_report(circuit.name, *pair))
        draw_curve(context, circuit.name, *pair)
    (context.folder / "ngspice_pairs.md").write_text("\n\n".join(tables) + "\n")
    points = {name: {"neurosim": [asdict(p) for p in o], "ngspice": [asdict(p) for p in r]}
              for name, (o, r) in drawn.items()}  # fmt: skip
    (context.folder / "ngspice_pairs.json").write_text(
        json.dumps({"rows": [asdict(r) for r in rows], "exponents": growth, "curves": points}, indent=1)
    )
    print(*tables, sep="\n\n")
