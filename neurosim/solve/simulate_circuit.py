"""Run the analyses of a circuit: one call from a Circuit (or a netlist's path) to labelled results."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.circuit.assembly import assemble
from neurosim.circuit.checks import check_circuit
from neurosim.circuit.groups import group_parts
from neurosim.circuit.model import ACAnalysis, Analysis, Circuit, DCSweep, OperatingPoint, Sweep, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.errors import NetlistError, ParameterError, SimulationError
from neurosim.results import Column, Result, versions
from neurosim.solve.asked import check_tolerances, checked_span, read_settings
from neurosim.solve.checkpoint import Keeper
from neurosim.solve.checkpoint_file import EVERY, Checkpoint, kept_settings
from neurosim.solve.crossings import Events, Watch
from neurosim.solve.dc_sweep import dc_sweep, with_device_value
from neurosim.solve.measure import measure
from neurosim.solve.operating_point import AlgebraicSolver, operating_point
from neurosim.solve.outputs import choose_outputs, is_part_of_complex
from neurosim.solve.small_signal import small_signal
from neurosim.solve.transient import TransientSettings, transient

DEFAULT_RTOL = 1e-5

RTOL_PER_RELTOL = 1e-2
""".options reltol= is SPICE's tolerance of one step of a method of order 2, 1e-3 by default: it means this much."""

_KINDS: dict[type, str] = {TransientAnalysis: "tran", ACAnalysis: "ac", DCSweep: "dc", OperatingPoint: "op"}


@dataclass(frozen=True)
class Settings:
    """How circuits are simulated; everything that the netlist's ``.options`` do not say.

    Parameters
    ----------
    method : str, optional
        Integration method, default that of ``.options method=`` or ``"auto"``.
    rtol : float, optional
        Default 1e-2 of ``.options reltol=``, or 1e-5.
    save : sequence of str
        Addresses instead of those of ``.save``.
    seed : int
        Default 0.
    step_limit, wall_time_limit
        See `TransientSettings`.
    print_step : float, optional
        Seconds between saved points beside the accepted steps, with `t_span`; default 1/200 of the span.
    events : str, Crossing, or sequence or mapping of these, optional
        Of a transient analysis: crossings whose times are in ``result.events``, see
        `neurosim.solve.crossings.Crossing`.
    initial : mapping of str to float
        Of a transient analysis: unknowns by address (``"v(out)"``, ``"m1.x"``) that start elsewhere than the operating
        point (or ``uic``) says.
    progress : callable, optional
        ``progress(done, total)``.
    memory_limit : float
        Bytes of recorded points of a transient analysis, default unlimited.
    checkpoint : path, optional
        File from which `neurosim.solve.resume.resume` goes on with the same bits: saved now and then during a
        transient analysis, at its end, and when a limit ends it.
    checkpoint_every : float
        Seconds of computing between two saves, default 60.
    resumed : Checkpoint, optional
        Go on from there.
    """

    method: str | None = None
    rtol: float | None = None
    save: Sequence[str] = ()
    seed: int = 0
    step_limit: int = 10_000_000
    wall_time_limit: float = float("inf")
    fixed_step: float | None = None
    save_steps: bool = True
    print_step: float | None = None
    events: Events | None = None
    initial: Mapping[str, float] = field(default_factory=dict)
    progress: Callable[[float, float], None] | None = field(default=None, compare=False)
    memory_limit: float = float("inf")
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: float = EVERY
    resumed: Checkpoint | None = field(default=None, compare=False)


def simulate_circuit(
    circuit: Circuit | str | Path, t_span: tuple[float, float] | None, analysis: str | None, **settings: Any
) -> Result:
    """Run one analysis of a circuit or a netlist's path, see `neurosim.solve.simulate.simulate`."""
    if not isinstance(circuit, Circuit):
        circuit = read_netlist(circuit)
    chosen = read_settings(Settings, settings, "simulate() of a circuit")
    return run_analysis(circuit, chosen_analysis(circuit, t_span, analysis, chosen), chosen)


def chosen_analysis(
    circuit: Circuit, t_span: tuple[float, float] | None, analysis: str | None, settings: Settings
) -> Analysis:
    """A transient analysis over `t_span`, else the netlist's one of this kind, else its first.

    Raises
    ------
    ParameterError
    """
    if t_span is None:
        return _choose(circuit, analysis)
    start, stop = checked_span(t_span)
    has_initial = any(getattr(a, "use_initial_conditions", False) for a in circuit.analyses)
    return TransientAnalysis(
        float(settings.print_step or (stop - start) / 200), stop, start, use_initial_conditions=has_initial
    )


def analyses_of(circuit: Circuit) -> tuple[Analysis, ...]:
    """Analyses in the order of importance: tran, ac, dc, op; an operating point if there are none."""
    order = list(_KINDS)
    found = sorted(circuit.analyses, key=lambda a: order.index(type(a)))
    return tuple(found) or (OperatingPoint(),)


def kind_of(analysis: Analysis) -> str:
    """``"tran"``, ``"ac"``, ``"dc"`` or ``"op"``."""
    return _KINDS[type(analysis)]


def _choose(circuit: Circuit, wanted: str | None) -> Analysis:
    found = analyses_of(circuit)
    if wanted is None:
        return found[0]
    if wanted == "op":
        return OperatingPoint()
    for candidate in found:
        if kind_of(candidate) == wanted:
            return candidate
    have = ", ".join(kind_of(a) for a in found)
    raise ParameterError(f"the netlist has no '.{wanted}' analysis; it has {have}")


def run_analysis(circuit: Circuit, analysis: Analysis, settings: Settings) -> Result:
    """Run one analysis, once for each combination of ``.step`` values."""
    if settings.checkpoint is not None and (circuit.steps or not isinstance(analysis, TransientAnalysis)):
        what = "a stepped circuit" if circuit.steps else f"a '{kind_of(analysis)}' analysis"
        raise ParameterError(f"checkpoint: only a single transient run has checkpoints, not {what}")
    if not circuit.steps:
        return _run_once(circuit, analysis, settings)
    results: list[Result] = []
    steps = circuit.steps
    total = int(np.prod([len(s.values) for s in steps]))
    for number, values in enumerate(itertools.product(*(s.values for s in steps))):
        once = _stepped(circuit, steps, values)
        progress = settings.progress
        here = settings if progress is None else replace(
            settings, progress=lambda done, of, k=number, tell=progress: tell((k + done / of) / total, 1.0)
        )  # fmt: skip
        try:
            results.append(_run_once(once, analysis, here))
        except SimulationError as error:
            names = ", ".join(f"{s.name} = {v:g}" for s, v in zip(steps, values, strict=True))
            raise SimulationError(f"at {names}: {error}", partial=error.partial) from None
    for sweep in reversed(steps):
        k = len(sweep.values)
        results = [
            Result.stack(results[i : i + k], sweep.name, sweep.values, unit=_sweep_unit(sweep))
            for i in range(0, len(results), k)
        ]
    return results[0]


def _stepped(circuit: Circuit, steps: tuple[Sweep, ...], values: tuple[float, ...]) -> Circuit:
    """The circuit of one combination of ``.step`` values."""
    parameters = {s.name: v for s, v in zip(steps, values, strict=True) if s.kind == "parameter"}
    temperature = next((v for s, v in zip(steps, values, strict=True) if s.kind == "temperature"), None)
    if parameters or temperature is not None:
        if circuit.rebuild is None:
            raise NetlistError("this circuit was not read from a netlist, so its parameters cannot be stepped")
        circuit = circuit.rebuild(parameters, temperature)
    for sweep, value in zip(steps, values, strict=True):
        if sweep.kind in ("source", "device"):
            circuit = with_device_value(circuit, sweep, value)
    return replace(circuit, steps=())


def _run_once(circuit: Circuit, analysis: Analysis, settings: Settings) -> Result:
    clock = time.perf_counter()
    parts = group_parts(circuit)
    check_circuit(circuit, parts)
    if settings.events is not None and kind_of(analysis) != "tran":
        raise ParameterError(f"events= belongs to a transient analysis; this is '{kind_of(analysis)}'")
    if settings.initial and kind_of(analysis) != "tran":
        raise ParameterError(f"initial= belongs to a transient analysis; this is '{kind_of(analysis)}'")
    asked = asked_addresses(circuit, kind_of(analysis), tuple(settings.save))
    attrs: dict[str, Any] = {
        "title": circuit.title,
        "source": circuit.path,
        "analysis": kind_of(analysis),
        "input_sha256": circuit.digest,
        "seed": settings.seed,
        "temperature_celsius": circuit.temperature,
        "dialect": circuit.dialect,
        "versions": versions(),
    }
    failure: SimulationError | None = None
    if isinstance(analysis, DCSweep):
        values, units, iterations, failure = dc_sweep(circuit, analysis, asked, settings.progress)
        inner, outer = analysis.sweeps[0], list(reversed(analysis.sweeps[1:]))
        dims = {s.name: Column(np.array(s.values), _sweep_unit(s)) for s in outer}
        attrs["statistics"] = {"newton_iterations": iterations}
        columns = {name: Column(v, units[name]) for name, v in values.items()}
        result = Result.build(
            inner.name, np.array(inner.values), columns, axis_unit=_sweep_unit(inner), extra_dims=dims, attrs=attrs
        )
    else:
        assembly = assemble(circuit, parts)
        outputs = choose_outputs(assembly, asked)
        attrs["unknowns"] = assembly.system.size
        if isinstance(analysis, OperatingPoint):
            solver = AlgebraicSolver(assembly, {int(i): float(assembly.start[i]) for i in assembly.held})
            y = operating_point(assembly, solver=solver)
            attrs["statistics"] = {"newton_iterations": solver.iterations}
            columns = {k: replace(c, values=c.values[0]) for k, c in outputs.columns(_row(y, outputs)).items()}
            result = Result.build(None, None, columns, attrs=attrs)
        elif isinstance(analysis, ACAnalysis):
            response, _ = small_signal(assembly, analysis, settings.progress)
            if outputs.needs_flows:
                raise ParameterError(
                    "an AC analysis saves voltages, branch currents and states; put a 0 V source in series with a part "
                    "to save its current"
                )
            columns = outputs.columns(response[:, outputs.probes])
            result = Result.build("frequency", np.array(analysis.frequencies), columns, attrs=attrs)
        else:
            run_settings = transient_settings(circuit, settings)
            if settings.events is not None:
                watch = run_settings.watch = Watch(settings.events, assembly.unknown, circuit.dialect)
                if run_settings.keeper is not None:
                    run_settings.keeper.further["watch"] = watch
                assembly.system = watch.attach(assembly.system)
            trajectory = transient(assembly, analysis, outputs, run_settings)
            attrs["statistics"] = trajectory.statistics
            attrs["method"] = trajectory.statistics["method"]
            attrs["rtol"] = run_settings.rtol
            attrs["notes"] = trajectory.notes
            columns = outputs.columns(trajectory.values, trajectory.slopes, trajectory.times, trajectory.memories)
            result = Result.build("time", trajectory.times, columns, attrs=attrs)
            failure = trajectory.failure
            if run_settings.watch is not None:
                run_settings.watch.note(result.attrs)
    result.attrs["seconds"] = round(time.perf_counter() - clock, 6)
    if failure is not None:
        failure.partial = result
        raise failure
    result.measures.update(measure(result, [m for m in circuit.measures if m.analysis == kind_of(analysis)]))
    return result


def _row(y: np.ndarray, outputs: Any) -> np.ndarray:
    return y[:-1][outputs.probes][None, :]


def asked_addresses(circuit: Circuit, kind: str, save: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of `save`, else of ``.save``, else everything; with those that measures and figures need."""
    measures = {m.name for m in circuit.measures}
    needed = [
        address
        for m in circuit.measures
        if m.analysis == kind
        for expression in m.expressions()
        for address in (*map(str, expression.references), *expression.names)
        if address not in ("time", "temper") and address not in measures
    ]
    chosen = save or (*circuit.saved, *(circuit.plotted if circuit.saved else ()))
    if kind != "ac":
        if of_ac := next((address for address in save if is_part_of_complex(address)), None):
            raise ParameterError(f"'{of_ac}' exists in an AC analysis only; this is '{kind}'")
        chosen = tuple(address for address in chosen if not is_part_of_complex(address))
    return tuple(dict.fromkeys([*(chosen or ("all",)), *needed]))


def _sweep_unit(sweep: Sweep) -> str:
    if sweep.kind == "temperature":
        return "degC"
    return {"v": "V", "i": "A"}.get(sweep.name[:1], "") if sweep.kind == "source" else ""


def transient_settings(circuit: Circuit, settings: Settings) -> TransientSettings:
    """What `settings` and the netlist's ``.options`` say together.

    Raises
    ------
    ParameterError
    """
    options = circuit.options
    method = settings.method or {"trap": "trapezoid", "gear": "bdf2"}.get(
        str(options.get("method", "auto")), str(options.get("method", "auto"))
    )
    rtol = settings.rtol
    if rtol is None:
        rtol = float(options["reltol"]) * RTOL_PER_RELTOL if "reltol" in options else DEFAULT_RTOL
    check_tolerances(rtol)
    return TransientSettings(
        method=method, rtol=rtol, step_limit=settings.step_limit, wall_time_limit=settings.wall_time_limit,
        save_steps=settings.save_steps, seed=settings.seed, fixed_step=settings.fixed_step, progress=settings.progress,
        memory_limit=settings.memory_limit, initial=settings.initial, keeper=_keeper(circuit, settings),
    )  # fmt: skip


def _keeper(circuit: Circuit, settings: Settings) -> Keeper | None:
    if settings.checkpoint is None and settings.resumed is None:
        return None
    header = {"kind": "circuit", "title": circuit.title, "source": circuit.path, "dialect": circuit.dialect,
              "parameters": dict(circuit.parameters), "temperature": circuit.temperature,
              "versions": versions(), "settings": kept_settings(settings)}  # fmt: skip
    return Keeper(settings.checkpoint, settings.checkpoint_every, header, settings.resumed)
