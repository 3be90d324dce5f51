"""How long the commands that follow tangent vectors run, and from where."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from neurosim.cli.subject import subject_of
from neurosim.errors import ParameterError

Time = Annotated[
    float | None, typer.Option(help="Length of the run in s; default that of .tran, or 1000 time constants.")
]
Steps = Annotated[int | None, typer.Option(help="Of a map: steps to average over, default 100000.")]
Transient = Annotated[float | None, typer.Option(help="Time (steps) before averaging.")]
"""What these commands ask for."""

STEPS = 100_000


def run_of(
    subject: str, settings: list[str], time: float | None, steps: int | None, seed: int
) -> tuple[Any, dict[str, Any]]:
    """What is run, and the arguments ``t_span`` or ``steps``, and ``initial``, of its analysis.

    Raises
    ------
    NetlistError, FormatError, ParameterError, UnknownNameError
    """
    from neurosim.circuit.model import Circuit, TransientAnalysis
    from neurosim.graph.program import compile_graph
    from neurosim.memristive.network import MemristiveNetwork

    if time is not None and not time > 0.0:
        raise ParameterError(f"--time {time:g} must be positive")
    what = subject_of(subject, settings)
    if isinstance(what, (Circuit, MemristiveNetwork)):
        if steps is not None:
            raise ParameterError(f"'{what.title}' is a flow: give --time, not --steps")
        if time is None and isinstance(what, Circuit):
            time = next((a.stop for a in what.analyses if isinstance(a, TransientAnalysis)), None)
        if time is None:
            raise ParameterError(f"'{what.title}' does not say how long to run: give --time")
        return what, {"t_span": (0.0, time)}
    program = compile_graph(what)
    made: dict[str, Any] = {}
    if program.is_clocked.all():
        if time is not None:
            raise ParameterError(f"'{program.graph.title}' is a map: give --steps, not --time")
        made["steps"] = STEPS if steps is None else steps
    else:
        if steps is not None:
            raise ParameterError(f"'{program.graph.title}' is a flow: give --time, not --steps")
        slowest = float(program.time_constant[~program.is_clocked].max())
        made["t_span"] = (0.0, 1000.0 * slowest if time is None else time)
    if not program.initial.any():
        made["initial"] = _start(program, seed)
    return program, made


def _start(program: Any, seed: int) -> dict[str, Any]:
    """A small random state: many networks rest at zero, also where that is unstable."""
    from neurosim.randomness import stream

    draw = 0.5 * stream(seed, "lyapunov", "start").standard_normal(program.states.size)
    return {name: draw[part] for name, part in program.states.slices.items()}
