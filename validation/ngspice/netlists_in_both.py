"""The netlists of netlists/ in ngspice and here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim import read_netlist, simulate
from neurosim.circuit.model import Circuit, TransientAnalysis
from neurosim.errors import NeurosimError
from neurosim.results import Result
from validation.case import Case, Context
from validation.ngspice import runner

NETLISTS = Path(__file__).parent / "netlists"
COARSE, FINE = 20_000, 320_000
"""Steps of ngspice for the two comparisons."""
FINER = {"function_ddt": 2_560_000, "functions_exponential": 1_280_000}
"""Steps of netlists where 320,000 leave ngspice an error of its own of 6e-5 and 1.2e-5: that of its ddt() is of first
order in the step, and a kink lies between its points."""


def cases(context: Context) -> Iterator[Case]:
    """One case for each DC and AC netlist; for each transient one at default tolerance, and one at a tight one."""
    found = runner.version()
    if found is None:
        context.remarks.append("ngspice is not installed: the comparison with it was LEFT OUT")
        return
    for path in sorted(NETLISTS.glob("*.cir")):
        try:
            circuit = read_netlist(path, dialect="ngspice")
            if not isinstance(circuit.analyses[0], TransientAnalysis):
                yield static(path.stem, circuit, runner.run(path, 1), found)
                continue
            reference = runner.run(path, COARSE)
            result = simulate(circuit)
            yield compared(
                path.stem, result, reference, f"{found}, at least {COARSE} steps", 1e-3, "100 times the default rtol",
                context,
            )  # fmt: skip
            if not context.fast:
                steps = FINER.get(path.stem, FINE)
                finer = runner.run(path, steps)
                tight = simulate(circuit, rtol=1e-8)
                own = difference(tight.axis, reference, finer, circuit.saved)[0] / (steps / COARSE - 1)
                yield compared(
                    f"{path.stem}, rtol 1e-8", tight, finer,
                    f"{found}, at least {steps} steps, own error about {own:.0e}", 1e-5, "the error of ngspice",
                    context,
                )  # fmt: skip
        except (NeurosimError, RuntimeError) as error:
            what = str(error).split("\n")[0]
            yield Case(f"{path.stem}: runs", found, "simulation", "no error", what, np.inf, 0.0, "")


def static(name: str, circuit: Circuit, reference: dict[str, np.ndarray], found: str) -> Case:
    """DC sweep or AC response, point by point."""
    result = simulate(circuit)
    worst, where = 0.0, ("", 0)
    values = {}
    for column in circuit.saved:
        ours, theirs = result[column].reshape(-1), reference[column]
        if ours.size != theirs.size:
            return Case(name, found, "points", str(theirs.size), str(ours.size), np.inf, 0.0, "")
        error = np.abs(ours - theirs) / np.abs(theirs).max()
        values[column] = ours, theirs
        if error.max() >= worst:
            worst, where = float(error.max()), (column, int(error.argmax()))
    column, point = where
    ours, theirs = values[column]
    return Case(
        name, found, f"{', '.join(circuit.saved)} / largest", f"{theirs[point]:.9g}", f"{ours[point]:.9g}", worst, 1e-6,
        "reltol of ngspice",
    )  # fmt: skip


def difference(
    points: np.ndarray,
    reference: dict[str, np.ndarray],
    other: dict[str, np.ndarray],
    columns: tuple[str, ...],
    shift: float = 0.0,
) -> tuple[float, str, float]:
    """Largest difference at `points`, relative to the range of the column; its column and its place."""
    worst = (0.0, columns[0], 0.0)
    for column in columns:
        theirs = np.interp(points, reference["time"], reference[column])
        ours = np.interp(points, other["time"], other[column])
        span = np.ptp(theirs) or np.abs(theirs).max() or 1.0
        error = np.abs(ours - theirs) / span
        if shift:
            # Where a switch closes, a shift in time by a step of ngspice is no error.
            near = [np.interp(points + d, reference["time"], reference[column]) for d in np.linspace(-shift, shift, 9)]
            outside = np.maximum(ours - np.max(near, 0), np.min(near, 0) - ours)
            error = np.maximum(outside, 0.0) / span
        if error.max() >= worst[0]:
            worst = float(error.max()), column, float(points[error.argmax()])
    return worst


def compared(
    name: str, result: Result, reference: dict[str, np.ndarray], source: str, tolerance: float, reason: str,
    context: Context,
) -> Case:  # fmt: skip
    """Waveforms at our saved points."""
    columns = tuple(column for column in result.names if column in reference)
    ours = {"time": result.axis, **{column: result[column] for column in columns}}
    switches = name.startswith("switch")
    shift = 2.0 * float(np.diff(reference["time"]).max()) if switches else 0.0
    worst, column, when = difference(result.axis, reference, ours, columns, shift)

    def draw(ax):
        ax.plot(reference["time"], reference[column], label="ngspice", color="0.6", linewidth=3)
        ax.plot(result.axis, result[column], label="neurosim", linewidth=1)
        ax.set(xlabel="time (s)", ylabel=column)
        ax.legend()

    return Case(
        name, source, f"{', '.join(columns)} / range; worst {column} at {when:.6g} s",
        f"{np.interp(when, reference['time'], reference[column]):.9g}",
        f"{np.interp(when, result.axis, result[column]):.9g}",
        worst, tolerance, reason, context.figure(f"ngspice {name}", draw) if worst > tolerance else "",
    )  # fmt: skip
