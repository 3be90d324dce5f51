"""Lyapunov exponents of anything that simulates: circuits, graphs, digital networks.

State and tangent vectors are integrated together and the vectors made orthonormal after each interval; the exponents
are the mean logarithms of their growth. The transient is discarded twice: first the state comes to the attractor, then
the vectors turn into their own directions. Errors are those of a block bootstrap over the intervals.

Sources: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Meccanica 15, 9 (1980), doi:10.1007/BF02128236;
J. L. Kaplan, J. A. Yorke, Lect. Notes Math. 730, 204 (1979), doi:10.1007/BFb0064319 (dimension);
H. R. Kuensch, Ann. Statist. 17, 1217 (1989), doi:10.1214/aos/1176347265 (block bootstrap).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.open_tangent import open_tangent
from neurosim.analyses.tangent_flow import TOLERANCE, TangentFlow
from neurosim.analyses.tangent_map import TangentMap
from neurosim.analyses.tangent_space import Segment, TangentSpace
from neurosim.errors import ParameterError
from neurosim.randomness import stream
from neurosim.solve.asked import checked_span

LARGEST_GROWTH = math.log(100.0)
"""A vector may grow or shrink by e to this before it is made orthonormal again."""

RESAMPLES = 400
"""Of the bootstrap."""

INTERVALS, INTERVALS_OF_MANY = 400, 100
"""A run is cut into so many intervals or more; into fewer where making the vectors orthonormal is much work."""

FEWEST_INTERVALS = 32
"""With fewer intervals than this, no error can be told."""

AT_REST = 1e-9
"""Largest movement over the last tenth of a run, relative to the state, at which it counts as settled."""

NEAR_ZERO = 3.0
"""An exponent is taken for zero within so many of its errors (and 1e-3 of the largest)."""


@dataclass(frozen=True)
class LyapunovSpectrum(Drawable):
    """What `lyapunov_spectrum` finds.

    Attributes
    ----------
    title, unit : str
        ``"1/s"``, or ``"1/step"`` of a map; logarithms are natural.
    exponents : ndarray, shape (k,)
        Falling; -inf for a direction that was lost (a state that met its bound).
    errors : ndarray, shape (k,)
        Standard errors by block bootstrap; NaN where the run is too short to tell.
    times : ndarray, shape (intervals,)
        Ends of the intervals.
    local : ndarray, shape (intervals, k)
        Exponents of each interval.
    divergence : float
        Mean trace of the Jacobian along the run, the sum of all exponents; NaN where it is not known.
    dimension : int
        How many exponents there are.
    kaplan_yorke, kaplan_yorke_error : float
        Dimension by the formula of Kaplan and Yorke; NaN where k is too small for it.
    entropy, entropy_error : float
        Sum of the positive exponents, a bound (and for most attractors the value) of the Kolmogorov-Sinai entropy.
    settled : bool
        The run came to rest: `exponents` are those of the fixed point, exactly.
    measured : ndarray, shape (k,)
        Means over the run, also where it settled.
    dt, interval, duration : float
        Step, time between orthonormalisations, time averaged over [s]; of a map in steps.
    method : str
    notes : tuple of str
        What the reader should know.
    """

    drawn_by = "lyapunov:lyapunov"

    title: str
    unit: str
    exponents: np.ndarray
    errors: np.ndarray
    times: np.ndarray
    local: np.ndarray
    divergence: float
    dimension: int
    kaplan_yorke: float
    kaplan_yorke_error: float
    entropy: float
    entropy_error: float
    settled: bool
    measured: np.ndarray
    dt: float
    interval: float
    duration: float
    method: str
    notes: tuple[str, ...] = ()
    final: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    """State at the end."""

    @property
    def history(self) -> np.ndarray:
        """Exponents as they converge, shape (intervals, k): means from the start to each interval."""
        return np.cumsum(self.local, axis=0) / np.arange(1, len(self.local) + 1)[:, None]

    @property
    def kind(self) -> str:
        """What the signs of the exponents say about the attractor."""
        if not np.isfinite(self.errors).all() and not self.settled:
            return "undecided: the run is too short"
        positive, zero = int((self._signs > 0).sum()), int((self._signs == 0).sum())
        if self.settled:
            return f"fixed point with {positive} growing directions" if positive else "stable fixed point"
        if positive:
            return "chaos" if positive == 1 else f"chaos with {positive} growing directions"
        if self.unit == "1/step" or not zero:
            return "undecided: an exponent is zero within its error" if zero else "fixed point"
        if self.dimension > len(self.exponents) == zero:
            return "no growing direction; take more exponents to tell cycle from torus"
        return "limit cycle" if zero == 1 else f"torus of {zero} frequencies, or a conservative system"

    @property
    def _signs(self) -> np.ndarray:
        finite = np.abs(self.exponents[np.isfinite(self.exponents)])
        width = np.maximum(NEAR_ZERO * np.nan_to_num(self.errors), 1e-3 * finite.max(initial=0.0))
        return np.where(np.abs(self.exponents) <= width, 0, np.sign(self.exponents))

    def __str__(self) -> str:
        lines = [f"{self.title}: {len(self.exponents)} of {self.dimension} Lyapunov exponents ({self.unit})"]
        lines += [
            f"  {number:3d}  {value:+.6g}" + (f" +- {error:.2g}" if np.isfinite(error) else "")
            for number, (value, error) in enumerate(zip(self.exponents, self.errors, strict=True), start=1)
        ]
        lines.append(f"  {self.kind}")
        if np.isfinite(self.divergence) and len(self.exponents) == self.dimension:
            lines.append(f"  sum {self.measured.sum():+.6g}, mean divergence {self.divergence:+.6g}")
        if np.isfinite(self.kaplan_yorke):
            lines.append(f"  Kaplan-Yorke dimension {self.kaplan_yorke:.4f} +- {self.kaplan_yorke_error:.2g}")
        lines.append(f"  Kolmogorov-Sinai entropy {self.entropy:.5g} +- {self.entropy_error:.2g} {self.unit}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def lyapunov_spectrum(
    what: Any, t_span: tuple[float, float] | None = None, *, steps: int | None = None, k: int | None = None,
    dt: float | None = None, method: str = "auto", transient: float | tuple[float, float] | None = None,
    renormalise: float | None = None, drive: Any = None, initial: Any = None, seed: int = 0, rtol: float = TOLERANCE,
) -> LyapunovSpectrum:  # fmt: skip
    """Lyapunov exponents of a circuit, a graph, a memristive network, or a digital network.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork, Dynamics, or DigitalNetwork
        A graph whose states all jump at a clock is taken as its digital network; one with delays as the map of its
        history, every `dt`, of which the ten largest exponents are found by default.
    t_span : (float, float)
        Run from 0 to the second time [s]; what comes before the first is transient. For flows.
    steps : int
        For maps: steps to average over, after the transients.
    k : int, optional
        How many exponents, the largest; default all.
    dt : float, optional
        Step [s]. Default: two halves of it differ by `rtol` or less at 40 places of the transient; those of a
        memristive network keep an estimated error of `rtol` each.
    method : str
        ``"rk4"`` or another explicit method of the registry, ``"sdirk4"`` (implicit, order 4, for singular mass
        matrices and stiff equations), or ``"auto"``: the former where the mass matrix is diagonal and not singular,
        and with many vectors dop853, whose steps are the longest; dp5 for memristive networks.
    transient : float or (float, float), optional
        Time that is not averaged over: of the state, then of the vectors [s; steps of a map]; one number is that of the
        state. Default a tenth of the run each; of the state at least what lies before `t_span`.
    renormalise : float, optional
        Time between orthonormalisations [s; steps of a map]. Default: such that no vector grew or shrank by more than
        a factor of 100 at the largest rate seen in a trial.
    drive : optional
        Of a graph, see `neurosim.simulate`; of a digital network the inputs of all steps, shape (steps, inputs),
        transients included; default 0.
    initial : mapping or array_like, optional
        Initial values of states by node or address, or of all.
    seed : int
        Of the first vectors and of the bootstrap.
    rtol : float
        See `dt`; default 1e-7.

    Returns
    -------
    LyapunovSpectrum

    Raises
    ------
    ParameterError
        More exponents than the system has; random jumps, transmission lines, or clocks in a flow; times that do not
        fit.
    SimulationError
        The state became infinite.

    Notes
    -----
    At events (switches of circuits; resets and pulses of graphs) vectors jump by the saltation matrix. Neighbours that
    would tick in another order are not followed, and of several drives that cross at one instant the first counts.

    A state at its bound is held there by the engine. Its row of all vectors is zero from the moment of entry: this is
    the saltation matrix of a flow of which one component stops, ``1 - e e'``. One exponent is then -inf.
    """
    before, turning, averaged = checked_times(t_span, steps, transient)
    stop = before + turning + averaged
    space = open_tangent(what, k, stop=stop, drive=drive, method=method, seed=seed, initial=initial, dt=dt)
    counts_steps = space.unit == "1/step"
    if counts_steps != (steps is not None):
        raise ParameterError(
            f"'{space.title}' is a {'map' if counts_steps else 'flow'}: give "
            + ("steps=, the number of steps to average over" if counts_steps else "t_span=(start, stop) in seconds")
        )
    every = prepare(space, before, turning, dt=dt, renormalise=renormalise, averaged=averaged, seed=seed, rtol=rtol)
    length = every * space.dt
    intervals = max(1, round((stop - space.time) / length - 0.499))
    began = space.time
    found, near_end = _run(space, intervals - intervals // 10, every), space.point
    logs, traces = found.logs, found.divergence
    if intervals >= 10:
        rest = _run(space, intervals // 10, every)
        logs, traces = np.concatenate([logs, rest.logs]), np.concatenate([traces, rest.divergence])
    return _summary(space, logs / length, traces / length, near_end, began, length, seed)


def checked_times(
    t_span: tuple[float, float] | None, steps: int | None, transient: float | tuple[float, float] | None
) -> tuple[float, float, float]:
    """Time until the state, and then the vectors, have found their way, and to average over."""
    if (t_span is None) == (steps is None):
        raise ParameterError("give t_span=(start, stop) in seconds for a flow, or steps= for a map")
    given: list[Any] = [None, None]
    if transient is not None:
        given = list(np.atleast_1d(np.asarray(transient, float)))
        given += [None] * (len(given) == 1)
    if len(given) != 2 or any(g is not None and not 0.0 <= g < np.inf for g in given):
        raise ParameterError(f"transient = {transient!r} must be a time, or one for the state and one for the vectors")
    if steps is not None:
        if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
            raise ParameterError(f"steps = {steps!r} must be a whole number from 1 on")
        before, turning = (round(max(100, steps / 10) if g is None else g) for g in given)
        return float(before), float(turning), float(steps)
    start, stop = checked_span(t_span)
    before = max(0.1 * stop if given[0] is None else float(given[0]), start)
    turning = 0.1 * (stop - before) if given[1] is None else float(given[1])
    if before + turning >= stop:
        raise ParameterError(f"transients of {before:g} and {turning:g} s leave nothing of t_span = {t_span}")
    return before, turning, stop - before - turning


def prepare(
    space: TangentMap | TangentFlow, before: float, turning: float, *, dt: float | None, renormalise: float | None,
    averaged: float, seed: int, rtol: float = TOLERANCE,
) -> int:  # fmt: skip
    """Discard the transients of the state and of the vectors; returns the number of steps of an interval.

    Parameters
    ----------
    space : TangentMap or TangentFlow
    before, turning : float
        Lengths of the transients [s; steps of a map].
    dt, renormalise, rtol
        See `lyapunov_spectrum`.
    averaged : float
        What follows; it is cut into `INTERVALS` or more.
    seed : int
    """
    if dt is not None and not (np.isfinite(dt) and dt > 0.0):
        raise ParameterError(f"dt = {dt!r} must be positive and finite")
    space.new_frame(seed)
    if isinstance(space, TangentFlow):
        space.begin(dt, before + turning + averaged, before, rtol)
    else:
        if dt is not None and space.unit == "1/step":
            raise ParameterError("a digital network has its own dt")
        space.settle(before)
    space.new_frame(seed)
    steps = turning / space.dt
    trial = int(min(5 if space.is_wide else 50, max(1.0, steps)))
    logs = space.run(trial, 1).logs
    if renormalise is not None:
        if not renormalise >= 0.999 * space.dt:
            raise ParameterError(f"renormalise = {renormalise:g} must be one step, {space.dt:g}, or more")
        every = round(renormalise / space.dt)
    else:
        rate = float(np.abs(logs[np.isfinite(logs)]).max(initial=1e-3))
        parts = INTERVALS_OF_MANY if space.is_wide else INTERVALS
        every = max(1, math.floor(min(LARGEST_GROWTH / rate, averaged / space.dt / parts)))
    if steps > trial:
        _run(space, max(1, round((steps - trial) / every)), every)
    return every


def _run(space: TangentSpace, intervals: int, every: int) -> Segment:
    """`TangentSpace.run` in pieces, between which the user may interrupt."""
    parts, left, piece = [], intervals, 1
    while left > 0:
        clock = time.perf_counter()
        parts.append(space.run(min(piece, left), every))
        left -= min(piece, left)
        piece = int(min(max(piece * 0.3 / max(time.perf_counter() - clock, 1e-6), 1), 50 * piece))
    return Segment(*(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(Segment)))


def _summary(
    space: TangentMap | TangentFlow, local: np.ndarray, traces: np.ndarray, near_end: np.ndarray, began: float,
    length: float, seed: int,
) -> LyapunovSpectrum:  # fmt: skip
    intervals, k = local.shape
    notes: list[str] = []
    measured = local.mean(axis=0)
    lost = ~np.isfinite(measured)
    finite = local[:, ~lost]
    order = np.concatenate([np.flatnonzero(~lost)[np.argsort(-measured[~lost], kind="stable")], np.flatnonzero(lost)])
    means = _bootstrap(finite, seed) if intervals >= FEWEST_INTERVALS else np.full((0, finite.shape[1]), np.nan)
    errors = np.zeros(k)
    errors[~lost] = means.std(axis=0) if len(means) else np.nan
    if not len(means):
        notes.append(f"only {intervals} intervals: no errors can be told; take a longer run or a smaller renormalise=")
    exponents, errors = measured[order], errors[order]
    end, dt = space.point, space.dt
    size = np.abs(end).max(initial=0.0)
    settled = bool(
        intervals >= 10 and space.is_autonomous
        and np.abs(end - near_end).max(initial=0.0) <= AT_REST * max(size, 1e-3) and space.is_at_rest(AT_REST)
    )  # fmt: skip
    if settled:
        growth = space.growth()[:k]
        exponents = np.concatenate([growth, np.full(k - growth.size, -np.inf)])
        errors = np.zeros(k)
        what = "logarithms of the multipliers" if space.is_map else "real parts of the eigenvalues"
        notes.append(f"the run settled on a fixed point: these are the {what} there")
        if growth.size and growth[0] > 0.0:
            notes.append("the fixed point is unstable: give initial= to leave it")
    if not space.is_autonomous:
        notes.append("driven: the exponents are those of the response, conditional on this drive")
    if lost.any():
        notes.append(
            f"{int(lost.sum())} direction(s) were lost: states met their bounds {space.clipped} times"
            if space.clipped else f"{int(lost.sum())} direction(s) shrink faster than can be told in one interval"
        )  # fmt: skip
    if space.is_map and space.unit == "1/s":
        notes.append(f"delays: the history is {space.dimension} states, {space.dt:.4g} s apart")
    if not space.is_map and (np.abs(exponents[np.isfinite(exponents)]) * dt > 0.5).any() and not settled:
        notes.append(f"exponents below {-0.5 / dt:.3g}/s are faster than the step of {dt:.3g} s resolves")
    signs_error = np.maximum(
        NEAR_ZERO * np.nan_to_num(errors), 1e-3 * np.abs(exponents[np.isfinite(exponents)]).max(initial=0.0)
    )
    sign = np.where(np.abs(exponents) <= signs_error, 0, np.sign(exponents))
    if settled:
        sign = np.sign(exponents)
    samples = means[:, np.argsort(-measured[~lost], kind="stable")] if len(means) and not settled else exponents[None]
    if samples.shape[1] < k:
        samples = np.concatenate([samples, np.full((len(samples), k - samples.shape[1]), -np.inf)], axis=1)
    known = k == space.dimension
    dimensions = np.zeros(1) if settled else np.array([kaplan_yorke(row, sign, known) for row in samples])
    entropies = np.zeros(1) if settled else np.where(sign > 0, samples, 0.0).sum(axis=1)
    return LyapunovSpectrum(
        title=space.title, unit=space.unit, exponents=exponents, errors=errors,
        times=began + length * np.arange(1, intervals + 1), local=local[:, order], divergence=float(traces.mean()),
        dimension=space.dimension, kaplan_yorke=0.0 if settled else kaplan_yorke(exponents, sign, known),
        kaplan_yorke_error=float(dimensions.std()) if len(means) else np.nan,
        entropy=0.0 if settled else float(exponents[sign > 0].sum()),
        entropy_error=float(entropies.std()) if len(means) else np.nan,
        settled=settled, measured=measured[order], dt=space.dt, interval=length, duration=intervals * length,
        method="map" if not isinstance(space, TangentFlow) else space.method, notes=tuple(notes), final=end,
    )  # fmt: skip


def _bootstrap(samples: np.ndarray, seed: int) -> np.ndarray:
    """Means of resamples of circular blocks of about the square root of the number of samples, shape (resamples, k)."""
    n = len(samples)
    block = round(math.sqrt(n))
    count = -(-n // block)
    sums = np.cumsum(np.concatenate([np.zeros((1, samples.shape[1])), samples, samples[:block]]), axis=0)
    of_blocks = (sums[block : block + n] - sums[:n]) / block
    random = stream(seed, "lyapunov bootstrap")
    return np.array([of_blocks[random.integers(0, n, count)].mean(axis=0) for _ in range(RESAMPLES)])


def kaplan_yorke(exponents: np.ndarray, sign: np.ndarray | None = None, complete: bool = True) -> float:
    """Kaplan-Yorke dimension: j + (sum of the first j) / |exponent j + 1|, j the most whose sum is not negative.

    Parameters
    ----------
    exponents : ndarray, shape (k,)
        Falling.
    sign : ndarray, shape (k,), optional
        0 where an exponent counts as zero: where none is positive, the dimension is the number of zeros.
    complete : bool
        Whether these are all exponents; NaN if they are not and their sum is not negative.
    """
    sign = np.sign(exponents) if sign is None else sign
    if not (sign > 0).any():
        return float((sign == 0).sum()) if complete or (sign < 0).any() else np.nan
    sums = np.cumsum(exponents)
    j = int((sums >= 0.0).sum())
    if j == exponents.size:
        return float(j) if complete else np.nan
    return j + (float(sums[j - 1]) / abs(float(exponents[j])) if j else 0.0)
