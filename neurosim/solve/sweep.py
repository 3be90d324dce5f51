"""Sweeps and Monte-Carlo ensembles: many runs of anything that simulates, as one Result with further dimensions."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurosim.circuit.assembly import normal_address
from neurosim.circuit.model import Analysis, Circuit, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.devices import devices
from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.network import MemristiveNetwork
from neurosim.randomness import stream
from neurosim.results import Column, Result, versions
from neurosim.solve.asked import checked_span
from neurosim.solve.distributions import Distribution
from neurosim.solve.dynamics import graph_place, parameter_names
from neurosim.solve.ensemble import Chunk, Done, Job, ensemble_of, run_chunk
from neurosim.solve.simulate_circuit import Settings, chosen_analysis, kind_of
from neurosim.solve.simulate_graph import GraphSettings
from neurosim.solve.simulate_network import NetworkSettings

SAMPLE, ROW = "sample", "row"
"""Names of the dimensions over random samples, and over rows that are given one by one."""

MEMORY_LIMIT = 8e9
"""Most bytes that the values of a sweep may take, by default."""

LONGEST_LIST = 100_000
"""Most numbers of drawn values that a result keeps in its attributes."""

_SETTINGS = ((Circuit, Settings), (Program, GraphSettings), (MemristiveNetwork, NetworkSettings))

_NOT_HERE = {"progress", "checkpoint", "checkpoint_every", "resumed", "save_steps", "seed"}


@dataclass(frozen=True)
class Plan:
    """Rows of a sweep, in the order of the dimensions (the last one runs fastest).

    Parameters
    ----------
    dims : dict of str to Column
        Outermost first.
    addresses, starts : tuple of str
        What differs: parameters, and unknowns whose initial value is given.
    values, initial : ndarray, shape (rows, ...)
    drawn : dict of str to ndarray
        Random values of each sample.
    """

    dims: dict[str, Column]
    addresses: tuple[str, ...]
    starts: tuple[str, ...]
    values: np.ndarray
    initial: np.ndarray
    drawn: dict[str, np.ndarray]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions."""
        return tuple(len(column.values) for column in self.dims.values())

    def described(self, row: int) -> str:
        """The row by its parameters."""
        named = [*zip(self.addresses, self.values[row], strict=True), *zip(self.starts, self.initial[row], strict=True)]
        shown = ", ".join(f"{name} = {value:g}" for name, value in named[:6])
        return f"row {row} ({shown}{', ...' if len(named) > 6 else ''})"


def sweep(
    what: Circuit | str | Path | SignalGraph | Program | MemristiveNetwork, parameters: Mapping[str, Any] | None = None,
    t_span: tuple[float, float] | None = None, *, mode: Literal["grid", "rows"] = "grid",
    initial: Mapping[str, Any] | None = None, samples: int | None = None, seed: int = 0, analysis: str | None = None,
    executor: Any = None, workers: int | None = None, chunk: int | Literal["auto"] = "auto",
    on_failure: Literal["nan", "raise"] = "nan", progress: Callable[[float, float], None] | None = None,
    memory_limit: float = MEMORY_LIMIT, **settings: Any,
) -> Result:  # fmt: skip
    """Run a circuit or a graph many times, with other parameters, initial values and seeds.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    parameters : mapping of str to array_like or Distribution
        By address, as `neurosim.solve.dynamics.Dynamics.with_parameters` takes them: values to go through, or what to
        draw from (`neurosim.tolerance`, `neurosim.normal`, `neurosim.uniform`) for each of `samples`. Each element of
        a graph's weights is drawn by itself.
    t_span : (float, float), optional
        Seconds; needed for a graph, for a circuit instead of the netlist's own analysis.
    mode : {"grid", "rows"}
        All combinations, one dimension for each parameter (default); or value k of each parameter together, one
        dimension ``"row"`` (that of the parameter itself, if there is just one).
    initial : mapping of str to array_like or Distribution
        Initial values of unknowns by address (``"v(a)"``, ``"h[0]"``), as `parameters`; dimensions ``"v(a)@0"``.
    samples : int, optional
        Number of Monte-Carlo samples: the innermost dimension ``"sample"``. Without any distribution only the seed of
        noise differs. Sample k draws the same values in every combination.
    seed : int
        Of all that is random, default 0. Values drawn and results depend on it and on the row alone.
    analysis : {"tran", "ac", "dc", "op"}, optional
        Of a circuit; default as in `neurosim.simulate`.
    executor : optional
        Anything with ``submit(function, ...)`` that returns futures: a ``ProcessPoolExecutor``, a
        ``dask.distributed.Client``, ``mpi4py.futures.MPIPoolExecutor``. Default: threads of this process.
    workers : int, optional
        Threads, default one for each processor.
    chunk : int or "auto"
        Rows that are handed out at a time.
    on_failure : {"nan", "raise"}
        Rows that fail are NaN (from where they stopped) and told in ``attrs["failures"]`` (default), or the first one
        is raised.
    progress : callable, optional
        ``progress(rows done, rows)``.
    memory_limit : float
        Bytes of all values, default 8e9.
    **settings
        Fields of `neurosim.solve.simulate_circuit.Settings`, of a graph `neurosim.solve.simulate_graph.GraphSettings`.

    Returns
    -------
    Result
        On the print grid, which all rows share, with the dimensions of the sweep before it; the values of ``.measure``
        in `measures`. ``attrs["rows"]`` holds the values by row (mode "rows"), ``attrs["drawn"]`` the random ones.

    Raises
    ------
    ParameterError, UnknownNameError, NetlistError
    SimulationError
        All rows failed, or one did and `on_failure` is "raise".
    """
    clock = time.perf_counter()
    if isinstance(what, (str, Path)):
        what = read_netlist(what)
    model = compile_graph(what) if isinstance(what, SignalGraph) else what
    if not isinstance(model, (Circuit, Program, MemristiveNetwork)):
        raise ParameterError(
            "sweep() takes a Circuit, a netlist's path, a SignalGraph or a MemristiveNetwork, not "
            f"{type(what).__name__}"
        )
    for name, given, allowed in (("mode", mode, ("grid", "rows")), ("on_failure", on_failure, ("nan", "raise"))):
        if given not in allowed:
            raise ParameterError(f"{name} = {given!r}; it is one of {', '.join(allowed)}")
    plan = make_plan(model, parameters or {}, initial or {}, mode, samples, seed)
    job = _job(model, plan, t_span, analysis, settings)
    seeds = stream(seed, "sweep", "rows").integers(2**53, size=plan.rows)
    numbers = 1 if isinstance(model, MemristiveNetwork) else ensemble_of(job).numbers_of_row
    needed = 8 * plan.rows * numbers
    if needed > memory_limit:
        raise ParameterError(
            f"{plan.rows} rows of {numbers} numbers take {needed:.3g} bytes, more than the limit of "
            f"{memory_limit:.3g}: save fewer addresses (save=), take a longer print_step, or raise memory_limit"
        )
    size = chunk if isinstance(chunk, int) else int(np.clip(-(-plan.rows // 32), 1, 1000))
    if size < 1:
        raise ParameterError(f"chunk = {chunk!r} must be 1 or more, or 'auto'")
    chunks = [
        Chunk(at, plan.values[at : at + size], plan.initial[at : at + size], seeds[at : at + size])
        for at in range(0, plan.rows, size)
    ]
    done: list[Done] = []
    for part in _computed(job, chunks, executor, workers):
        if part.failures and on_failure == "raise":
            k, message = min(part.failures.items())
            raise SimulationError(f"{plan.described(part.first + k)}: {message}")
        done.append(part)
        if progress is not None:
            progress(float(sum(len(c) for c in chunks[: len(done)])), float(plan.rows))
    result = _joined(plan, done, job, model)
    result.attrs |= {"seed": seed, "seconds": round(time.perf_counter() - clock, 6), "versions": versions()}
    return result


def _computed(job: Job, chunks: list[Chunk], executor: Any, workers: int | None) -> Iterator[Done]:
    """What the chunks give, in their order."""
    if executor is None:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        count = min(workers or processors, len(chunks))
        if count == 1:
            yield from (run_chunk(job, part) for part in chunks)
            return
        with ThreadPoolExecutor(count, thread_name_prefix="neurosim-sweep") as pool:
            yield from _collected(pool, job, chunks)
        return
    if not hasattr(executor, "submit"):
        raise ParameterError(f"executor: {type(executor).__name__} has no submit(); give an Executor or a dask Client")
    yield from _collected(executor, job, chunks)


def _collected(pool: Any, job: Job, chunks: list[Chunk]) -> Iterator[Done]:
    futures: list[Future[Done]] = [pool.submit(run_chunk, job, part) for part in chunks]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def make_plan(
    model: Circuit | Program | MemristiveNetwork, parameters: Mapping[str, Any], initial: Mapping[str, Any], mode: str,
    samples: int | None, seed: int,
) -> Plan:  # fmt: skip
    """Lay the rows out.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if samples is not None and samples < 1:
        raise ParameterError(f"samples = {samples!r} must be 1 or more")
    given: dict[str, np.ndarray] = {}
    drawn: dict[str, np.ndarray] = {}
    units: dict[str, str] = {}
    for suffix, mapping in (("", parameters), ("@0", initial)):
        for address, values in mapping.items():
            name = normal_address(address) if isinstance(model, Circuit) else address
            if isinstance(values, Distribution):
                if samples is None:
                    raise ParameterError(f"'{name}' is drawn from a distribution: give samples=, the number of samples")
                for element, nominal in [(name, np.nan)] if suffix else _elements(model, name):
                    if values.is_relative and np.isnan(nominal):
                        raise ParameterError(f"'{name}' has no nominal value to take a tolerance of")
                    drawn[element + suffix] = values.draw(seed, element + suffix, samples, nominal)
                continue
            column = np.atleast_1d(np.asarray(values, float))
            if column.ndim != 1 or not column.size or not np.isfinite(column).all():
                raise ParameterError(f"'{name}': one row of finite numbers is needed, not shape {column.shape}")
            given[name + suffix] = column
            units[name + suffix] = "" if suffix else _unit(model, name)
    dims: dict[str, Column] = {}
    if mode == "rows" and given:
        lengths = {values.size for values in given.values()}
        if len(lengths) > 1:
            shown = ", ".join(f"{name}: {values.size}" for name, values in given.items())
            raise ParameterError(f"mode 'rows' needs equally many values of each parameter ({shown})")
        count = lengths.pop()
        alone = len(given) == 1
        name, values = next(iter(given.items()))
        dims[name if alone else ROW] = Column(values, units[name]) if alone else Column(np.arange(count))
        index = {name: np.arange(count) for name in given}
        rows = count
    else:
        dims = {name: Column(values, units[name]) for name, values in given.items()}
        places = np.array(list(itertools.product(*(range(v.size) for v in given.values()))), int)
        rows = len(places)
        index = {name: places[:, k] for k, name in enumerate(given)}
    table = {name: given[name][index[name]] for name in given}
    if samples is not None:
        dims[SAMPLE] = Column(np.arange(samples))
        table = {name: np.repeat(values, samples) for name, values in table.items()}
        table |= {name: np.tile(values, rows) for name, values in drawn.items()}
        rows *= samples
    if not dims:
        raise ParameterError("nothing to sweep: give parameters, initial values, or samples")
    addresses = tuple(name for name in table if not name.endswith("@0"))
    starts = tuple(name for name in table if name.endswith("@0"))

    def stacked(names: tuple[str, ...]) -> np.ndarray:
        return np.stack([table[name] for name in names], 1) if names else np.empty((rows, 0))

    short = tuple(name.removesuffix("@0") for name in starts)
    return Plan(dims, addresses, short, stacked(addresses), stacked(starts), drawn)


def _elements(model: Circuit | Program | MemristiveNetwork, address: str) -> list[tuple[str, float]]:
    """Parameters that are drawn for an address, with their nominal values."""
    if isinstance(model, Circuit):
        return [(address, _nominal(model, address))]
    if isinstance(model, MemristiveNetwork):
        return [(address, np.nan)]
    which, places = graph_place(model, address)
    values = (model.p if which == "p" else getattr(model, which))[places]
    if which != "p" or address not in model.parameters.slices:
        return [(address, float(values[0]) if np.ptp(values) == 0.0 else np.nan)]
    shape = model.parameters.shapes[address]
    labels = [f"{address}[{','.join(map(str, index))}]" for index in np.ndindex(*shape)]
    if len(labels) != len(places):
        raise ParameterError(f"the weights '{address}' are sparse: give distributions of single elements")
    return list(zip(labels, values.tolist(), strict=True))


def _nominal(circuit: Circuit, address: str) -> float:
    if address in circuit.parameters:
        return circuit.parameters[address]
    if address == "temp":
        return circuit.temperature
    part, _, parameter = address.rpartition(".")
    for instance in circuit.instances:
        if instance.name == part:
            device = devices.get(instance.device)
            return float(device.complete(instance.values)[device.parameter(parameter).name])
    raise UnknownNameError(
        f"circuit '{circuit.title}' has no parameter '{address}'; {nearest(address, parameter_names(circuit))}"
    )


def _unit(model: Circuit | Program | MemristiveNetwork, address: str) -> str:
    if isinstance(model, MemristiveNetwork):
        return ""
    if isinstance(model, Program):
        return "s" if address.endswith(".time_constant") else ""
    part, _, parameter = address.rpartition(".")
    kinds = {instance.name: instance.device for instance in model.instances}
    if part in kinds:
        return next((p.unit for p in devices.get(kinds[part]).parameters if p.name == parameter), "")
    return "degC" if address == "temp" else ""


def _job(
    model: Circuit | Program | MemristiveNetwork, plan: Plan, t_span: tuple[float, float] | None, analysis: str | None,
    settings: Mapping[str, Any],
) -> Job:  # fmt: skip
    kind: Any = next(made for of, made in _SETTINGS if isinstance(model, of))
    known = [f.name for f in fields(kind) if f.name not in _NOT_HERE]
    for name in settings:
        if name not in known:
            raise ParameterError(f"sweep() has no setting '{name}'; {nearest(name, known)}")
    chosen = kind(**settings)
    what: Analysis | None = None
    span: tuple[float, float] | None = None
    if isinstance(model, Circuit):
        what = chosen_analysis(model, t_span, analysis, chosen)
        if t_span is None and chosen.print_step is not None and isinstance(what, TransientAnalysis):
            what = replace(what, step=chosen.print_step)
        if plan.starts and not isinstance(what, TransientAnalysis):
            raise ParameterError(f"initial: a '{kind_of(what)}' analysis starts nowhere; only runs in time do")
    else:
        if analysis not in (None, "tran"):
            raise ParameterError(f"'{title_of(model)}' has no '{analysis}' analysis; it runs in time")
        span = checked_span(t_span)
    return Job(secrets.token_hex(8), model, what, span, chosen, plan.addresses, plan.starts)


def title_of(model: Circuit | Program | MemristiveNetwork) -> str:
    """Its name."""
    return model.graph.title if isinstance(model, Program) else model.title


def _joined(plan: Plan, done: list[Done], job: Job, model: Circuit | Program | MemristiveNetwork) -> Result:
    """One Result from what the chunks gave."""
    first = next((part for part in done if part.columns), None)
    failures = {part.first + k: message for part in done for k, message in part.failures.items()}
    shown = "\n".join(f"      {plan.described(k)}: {message}" for k, message in sorted(failures.items())[:5])
    if first is None or len(failures) == plan.rows:
        raise SimulationError(f"all {plan.rows} rows of the sweep failed\n{shown}")
    inner = () if first.axis is None else first.axis.shape
    sizes = [len(plan.values[part.first : after]) for part, after in zip(done, [*(p.first for p in done[1:]), None])]
    columns = {}
    for name, column in first.columns.items():
        missing = np.full(inner, np.nan, column.values.dtype)
        values = [
            part.columns[name].values if part.columns else np.repeat(missing[None], size, 0)
            for part, size in zip(done, sizes, strict=True)
        ]
        columns[name] = replace(column, values=np.concatenate(values).reshape(*plan.shape, *inner))
    measures = {
        name: np.concatenate([
            part.measures.get(name, np.full(size, np.nan)) for part, size in zip(done, sizes, strict=True)
        ]).reshape(plan.shape)
        for name in first.measures
    }  # fmt: skip
    attrs: dict[str, Any] = {
        "title": title_of(model),
        "source": model.path if isinstance(model, Circuit) else "",
        "analysis": kind_of(job.analysis) if job.analysis is not None else "tran",
        "method": first.method,
        "statistics": {"rows": plan.rows, "steps": sum(part.steps for part in done), "failed": len(failures)},
    }
    if ROW in plan.dims:
        named = [*zip(plan.addresses, plan.values.T), *zip(plan.starts, plan.initial.T)]
        repeats = plan.shape[-1] if SAMPLE in plan.dims else 1
        attrs["rows"] = {name: v[::repeats].tolist() for name, v in named if name not in plan.drawn}
    if 0 < sum(values.size for values in plan.drawn.values()) <= LONGEST_LIST:
        attrs["drawn"] = {name: values.tolist() for name, values in plan.drawn.items()}
    if failures:
        attrs["failures"] = {plan.described(k): message for k, message in sorted(failures.items())}
    return Result.build(
        first.axis_name, first.axis, columns, axis_unit=first.axis_unit or None, extra_dims=plan.dims, attrs=attrs,
        measures=measures,
    )  # fmt: skip
