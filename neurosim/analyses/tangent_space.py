"""A trajectory and its tangent vectors, moved on by intervals: what exponents and covariant vectors are made from.

More than a few vectors are split over threads, each with the state for itself, and made orthonormal by LAPACK.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.program import Program
from neurosim.kernels import array_program as ap
from neurosim.kernels import tangent_run as tg
from neurosim.kernels.tangent import LOST
from neurosim.kernels.tangent_map import advance_tangent_map
from neurosim.kernels.tangent_run import TangentRun
from neurosim.randomness import stream

FEW_VECTORS, CHUNK = 24, 128
"""Up to so many vectors are made orthonormal in the compiled loop; more are split into chunks of at most CHUNK."""

WIDE = 10_000
"""From so many numbers in the vectors on, work on them outweighs all else."""


@dataclass
class Segment:
    """What a number of intervals gave.

    Attributes
    ----------
    logs : ndarray, shape (intervals, k)
        Logarithm of the growth of each vector; -inf where it was lost.
    triangles : ndarray, shape (intervals or 0, k, k)
        R.
    frames : ndarray, shape (intervals or 0, k, d)
        Q, one vector a row.
    points : ndarray, shape (intervals or 0, n)
    divergence : ndarray, shape (intervals,)
        Integral of the trace of the Jacobian over each interval, NaN where it is not known.
    """

    logs: np.ndarray
    triangles: np.ndarray
    frames: np.ndarray
    points: np.ndarray
    divergence: np.ndarray


class TangentSpace:
    """A trajectory with k tangent vectors, moved on by intervals.

    Attributes
    ----------
    title, unit : str
        Unit of rates, ``"1/s"`` or ``"1/step"``.
    is_map : bool
        Whether it is iterated; a flow with delays is, on its history, in seconds.
    size, dimension : int
        Unknowns n, and how many exponents there are.
    names : list of str
        Addresses of the coordinates.
    dt : float
        Step [s]; of a map 1.
    time : float
        Seconds; of a map steps.
    """

    is_map = False

    def __init__(self, title: str, unit: str, names: list[str], dimension: int, runs: list[TangentRun]) -> None:
        self.title, self.unit, self.names, self.dimension = title, unit, names, dimension
        self._runs = runs
        self._free = without_vectors(runs[0])
        self._pool = ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) if len(runs) > 1 else None

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.point.size

    @property
    def vectors(self) -> int:
        """Number of tangent vectors k."""
        return sum(int(run.count[tg.VECTORS]) for run in self._runs)

    @property
    def is_wide(self) -> bool:
        """Whether work on the vectors outweighs all else."""
        return self.vectors * self.scale.size >= WIDE

    @property
    def point(self) -> np.ndarray:
        """The state now, shape (n,)."""
        return self._runs[0].y[:-1].copy()

    def restart(self, kept: list[np.ndarray], y: np.ndarray) -> None:
        """Go back to a checkpoint, with another state."""
        self.restore(kept)
        for run in self._runs:
            run.y[: y.size] = y

    def take_steps_of(self, dt: float) -> None:
        """Go on with another step [s]."""
        for run in self._runs:
            run.real[tg.DT] = dt

    @property
    def scale(self) -> np.ndarray:
        """What each coordinate is divided by, shape (d,)."""
        return self._runs[0].scale

    @property
    def places(self) -> np.ndarray:
        """Unknown of each coordinate, shape (d,); without the coordinates of a graph's refractory events, the last."""
        places = self._runs[0].place
        return places[places < self.size]

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return int(self._runs[0].count[tg.STEPS])

    @property
    def clipped(self) -> int:
        """How often a state was put back on its bound."""
        return int(self._runs[0].count[tg.CLIPPED])

    @property
    def dt(self) -> float:
        """Step [s]; of a map 1."""
        return float(self._runs[0].real[tg.DT])

    @property
    def time(self) -> float:
        """Time [s]; of a map steps."""
        return float(self._runs[0].real[tg.T])

    @property
    def frame(self) -> np.ndarray:
        """The orthonormal vectors, shape (k, d)."""
        return np.concatenate([run.frame.reshape(-1, run.place.size) for run in self._runs])

    @frame.setter
    def frame(self, rows: np.ndarray) -> None:
        at = 0
        for run in self._runs:
            k = int(run.count[tg.VECTORS])
            run.frame[:] = rows[at : at + k].ravel()
            at += k

    def new_frame(self, seed: int) -> None:
        """Start with random orthonormal vectors."""
        k, d = self.vectors, self.scale.size
        rows = stream(seed, "tangent vectors").standard_normal((k, d))
        rows[:, self.places.size :] = 0.0
        self.frame = np.linalg.qr(rows.T)[0].T if k else rows

    def checkpoint(self) -> list[np.ndarray]:
        """All that `restore` needs to repeat what follows, bit by bit."""
        kept = [array for run in self._runs for array in (run.real, run.count, run.y, run.frame, run.largest)]
        return [array.copy() for array in (*kept, *self._memories())]

    def restore(self, kept: list[np.ndarray]) -> None:
        """Go back to a checkpoint."""
        arrays = [array for run in self._runs for array in (run.real, run.count, run.y, run.frame, run.largest)]
        for array, old in zip([*arrays, *self._memories()], kept, strict=True):
            array[:] = old

    def settle(self, duration: float) -> None:
        """Move the state on without vectors, for seconds (steps of a map)."""
        if duration > 0.0:
            self._free.count[tg.EVERY] = round(duration / self.dt)
            self._advance_state(duration)
            for other in self._runs[1:]:
                self._copy_state(other)

    def _advance_state(self, duration: float) -> None:
        count = self._free.count
        vectors, count[tg.VECTORS] = int(count[tg.VECTORS]), 0
        try:
            self._advance(self._free, 0, duration, 1)
        finally:
            count[tg.VECTORS] = vectors

    def run(self, intervals: int, every: int, *, triangles: bool = False, points: bool = False) -> Segment:
        """Move state and vectors on by `intervals` of `every` steps each.

        Parameters
        ----------
        intervals, every : int
        triangles : bool
            Keep R and Q of every interval.
        points : bool
            Keep the state at the end of every interval.
        """
        k, d, n = self.vectors, self.scale.size, self.size
        length = every * self.dt
        made = Segment(
            np.zeros((intervals, k)), np.zeros((intervals if triangles else 0, k * k)),
            np.zeros((intervals if triangles else 0, k * d)), np.zeros((intervals if points else 0, n)),
            np.zeros(intervals),
        )  # fmt: skip
        for run in self._runs:
            run.count[tg.EVERY] = every
        if len(self._runs) == 1 and self._runs[0].count[tg.INLINE]:
            run = self._runs[0]._replace(
                logs=made.logs, triangles=made.triangles, frames=made.frames, points=made.points,
                divergence=made.divergence,
            )  # fmt: skip
            self._advance(run, 0, length, intervals)
        else:
            self._run_chunks(made, length, intervals)
        made.triangles = made.triangles.reshape(-1, k, k)
        made.frames = made.frames.reshape(-1, k, d)
        if not self._knows_divergence():
            made.divergence[:] = np.nan
        return made

    def _run_chunks(self, made: Segment, length: float, intervals: int) -> None:
        for number in range(intervals):
            jobs = [(run, part, length, 1) for part, run in enumerate(self._runs)]
            if self._pool is None:
                self._advance(*jobs[0])
            else:
                for done in [self._pool.submit(self._advance, *job) for job in jobs]:
                    done.result()
                if self._runs[0].real[tg.STEP_TOLERANCE] > 0.0:
                    for other in self._runs[1:]:
                        self._copy_state(other)
            rows, logs, triangle = orthonormal(self.frame)
            self.frame = rows
            made.logs[number] = logs
            made.divergence[number] = sum(run.divergence[0] for run in self._runs)
            if made.triangles.size:
                made.triangles[number], made.frames[number] = triangle.ravel(), rows.ravel()
            if made.points.size:
                made.points[number] = self.point

    def _advance(self, run: TangentRun, part: int, length: float, intervals: int) -> None:
        """Run one part for some intervals."""
        run.count[[tg.FINISHED, tg.WANTED]] = 0, intervals
        status = advance_tangent_map(run)
        if status != tg.OK:
            raise self._failure(run, status)

    def _failure(self, run: TangentRun, status: int) -> SimulationError:
        if status == tg.JUMP:
            return SimulationError(
                f"tangent vectors of '{self.title}': a switch jumps at t = {self.time:.6g} s, and the mass matrix is "
                "singular or the method implicit: give the switch a smooth transition, or every net a capacitor"
            )
        place = int(run.count[tg.STATUS_INDEX])
        when = f"step {self.steps}" if self.unit == "1/step" else f"t = {self.time:.6g} s"
        why = {
            tg.NOT_FINITE: "is not finite",
            tg.SINGULAR: "is not determined: the equations became singular",
            tg.PIVOT: "is not determined: the equations are too badly scaled",
            tg.NO_CONVERGENCE: "was not found: the implicit step did not converge",
            tg.INSTANT: "ticks too often at one instant",
        }[status]
        advice = "does the map have an attractor?" if self.is_map else "give a smaller dt, or method='sdirk4'"
        return SimulationError(
            f"tangent vectors of '{self.title}': {self._name(place)} {why} at {when}, step {self.dt:g}; {advice}"
        )

    def _name(self, place: int) -> str:
        return self.names[place] if place < len(self.names) else f"unknown {place}"

    def _copy_state(self, run: TangentRun) -> None:
        first = self._runs[0]
        run.y[:] = first.y
        run.real[:] = first.real
        for entry in (tg.NEXT_BREAK, tg.CLIPPED, tg.STEPS, tg.STARTED, tg.NEXT_INPUT):
            run.count[entry] = first.count[entry]

    def _memories(self) -> list[np.ndarray]:
        return []

    def _knows_divergence(self) -> bool:
        return False

    @property
    def is_autonomous(self) -> bool:
        """Whether nothing but the state moves."""
        return True


def orthonormal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q (one vector a row), logarithms of the diagonal of R, and R, with a positive diagonal, by LAPACK."""
    sizes = np.linalg.norm(rows, axis=1)
    factors: Any = linalg.qr(rows.T, mode="economic", check_finite=False)
    q, r = factors
    sign = np.where(np.diag(r) < 0.0, -1.0, 1.0)
    q, r = q * sign, r * sign[:, None]
    diagonal = np.diag(r).copy()
    lost = diagonal <= LOST * sizes
    diagonal[lost] = 0.0
    r[np.diag_indices_from(r)] = diagonal
    with np.errstate(divide="ignore"):
        return np.ascontiguousarray(q.T), np.log(diagonal), r


def chunks(count: int) -> list[int]:
    """Sizes of the parts into which so many vectors are split."""
    if count <= FEW_VECTORS:
        return [count]
    parts = max(-(-count // CHUNK), min(os.cpu_count() or 1, count // 8))
    return [count // parts + (part < count % parts) for part in range(parts)]


def checked_count(title: str, k: int | None, dimension: int) -> int:
    """Number of vectors, all by default.

    Raises
    ------
    ParameterError
    """
    if k is None:
        return dimension
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= dimension:
        raise ParameterError(f"k = {k!r}: '{title}' has {dimension} exponents, so k must be a whole number from 1 on")
    return int(k)


def new_run(
    y: np.ndarray, place: np.ndarray, scale: np.ndarray, offset: np.ndarray, stride: np.ndarray, k: int, stages: int,
    tableau: np.ndarray, *, inline: bool, nnz: int = 0, bounded: int = 0, events: int = 0, **more: np.ndarray,
) -> TangentRun:  # fmt: skip
    length = offset.size * k
    code = more.get("code", np.zeros(ap.HEADER, np.int64))
    arena = int(code[ap.SIZE])
    n, d = y.size, place.size
    made: dict[str, np.ndarray] = {
        "real": np.zeros(tg.REALS), "count": np.zeros(tg.COUNTS, np.int64), "y": y.copy(), "frame": np.zeros(k * d),
        "place": place.astype(np.int64), "scale": scale, "offset": offset.astype(np.int64),
        "stride": stride.astype(np.int64), "stage": np.zeros((stages + 1, n)),
        "stage_vectors": np.zeros((stages + 1, length)), "tableau": tableau, "jacobian": np.zeros(nnz + 1),
        "matrix": np.zeros(nnz + 1), "largest": np.abs(y[:-1]), "held": np.zeros(bounded, np.int64),
        "events": np.zeros(events), "shift": np.zeros(k), "code": code,
        "arena": np.zeros(arena), "arena_vectors": np.zeros(arena * k), "logs": np.zeros((1, k)),
        "triangles": np.zeros((0, k * k)), "frames": np.zeros((0, k * d)), "points": np.zeros((0, n)),
        "divergence": np.zeros(1), **{name: np.zeros(n) for name in ("point", "inverse_mass", "slope", "change")},
        **{name: np.zeros(length) for name in ("vectors", "point_vectors")},
        **{name: np.zeros(0) for name in ("memory", "breakpoints", "p", "pt", "rate", "leak", "inputs")},
        "script": np.zeros(0, np.int64),
    }  # fmt: skip
    run = TangentRun(**{**made, **more})
    run.count[[tg.VECTORS, tg.STAGES, tg.INLINE]] = k, stages, int(inline)
    return run


def without_vectors(run: TangentRun) -> TangentRun:
    """The same state with room for no vectors."""
    return run._replace(
        **{name: np.zeros(0) for name in ("frame", "vectors", "point_vectors", "arena_vectors", "rate", "leak")},
        stage_vectors=np.zeros((run.stage.shape[0], 0)), logs=np.zeros((1, 0)), triangles=np.zeros((0, 0)),
        frames=np.zeros((0, 0)), divergence=np.zeros(1),
    )  # fmt: skip


def program_layout(program: Program, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Where element i of vector 0 lies among k samples of the program, and how far apart the vectors are."""
    offset, stride = np.zeros(program.states.size, np.int64), np.zeros(program.states.size, np.int64)
    for part in program.states.slices.values():
        size = part.stop - part.start
        offset[part] = part.start * k + np.arange(size)
        stride[part] = size
    return offset, stride
