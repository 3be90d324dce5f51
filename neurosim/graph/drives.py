"""What drives the input ports of a signal graph: constants, held samples, interpolated values, waveforms, noise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.devices.waveforms import LARGEST_BREAKPOINT_COUNT, breakpoints
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph import law as words
from neurosim.graph.delays import Delay
from neurosim.graph.layout import Layout
from neurosim.graph.spike_trains import SpikeTrains
from neurosim.kernels import array_program as ap
from neurosim.randomness import stream
from neurosim.units import parse_number


@dataclass(frozen=True)
class Held:
    """Samples that are held; see `held`."""

    samples: np.ndarray
    dt: float


@dataclass(frozen=True)
class Interpolated:
    """Values between which an input moves linearly; see `interpolated`."""

    times: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Noise:
    """Held Gaussian samples; see `noise`."""

    std: float
    dt: float
    seed: int
    mean: float


def held(samples: Any, dt: float) -> Held:
    """Sample-and-hold input: sample k from ``k dt`` until ``(k + 1) dt``, the last one to the end.

    Parameters
    ----------
    samples : array_like, shape (steps, size) or (steps,) for a port of one element
    dt : float
        Seconds.

    Raises
    ------
    ParameterError
        No samples, a value that is not finite, or a dt that is not positive.
    """
    values = _finite(samples, "held()")
    if values.ndim == 0 or values.shape[0] == 0:
        raise ParameterError(f"held(): samples of shape {values.shape}; (steps, size) is needed")
    return Held(values, _positive(dt, "held()"))


def interpolated(times: Any, values: Any) -> Interpolated:
    """Input that moves linearly between values, constant before the first and after the last.

    Parameters
    ----------
    times : array_like, shape (points,)
        Rising, seconds.
    values : array_like, shape (points, size) or (points,) for a port of one element

    Raises
    ------
    ParameterError
        The times do not rise, the lengths differ, or a value is not finite.
    """
    at, made = _finite(times, "interpolated(), times"), _finite(values, "interpolated()")
    if at.ndim != 1 or at.size == 0 or made.shape[:1] != at.shape:
        raise ParameterError(
            f"interpolated(): times of shape {at.shape} for values of shape {made.shape}; (points,) and (points, size) "
            "are needed"
        )
    if not (np.diff(at) > 0.0).all():
        k = int(np.argmax(np.diff(at) <= 0.0))
        raise ParameterError(f"interpolated(): times must rise, but {at[k]:g} s is followed by {at[k + 1]:g} s")
    return Interpolated(at, made)


def noise(std: float, dt: float, seed: int = 0, *, mean: float = 0.0) -> Noise:
    """Independent Gaussian samples, each held for dt: band-limited white noise of intensity ``std^2 dt``.

    Parameters
    ----------
    std : float
        Standard deviation of a sample, in the unit of the port.
    dt : float
        Seconds.
    seed : int
        Of the stream named "drive" and the port; default 0.
    mean : float
        Default 0.

    Raises
    ------
    ParameterError
    """
    if not (np.isfinite(std) and std >= 0.0 and np.isfinite(mean)):
        raise ParameterError(f"noise(): std = {std!r} must be zero or more, mean = {mean!r} finite")
    return Noise(float(std), _positive(dt, "noise()"), seed, float(mean))


RAMP = 1e-9
"""Time [s] from the beginning of a given spike to its middle; less where spikes of one element are closer."""


def _ramps(trains: SpikeTrains, size: int, where: str) -> Interpolated:
    """A value for each element that rises from 0 to 1 about each of its spikes, and falls again."""
    times, elements = trains.times, trains.elements
    if elements.size and elements.max() >= size:
        raise ParameterError(f"{where}: it has {size} elements, a spike is for element {elements.max()}")
    order = np.lexsort((times, elements))
    gaps = np.diff(times[order])[np.diff(elements[order]) == 0]
    if gaps.size and gaps.min() < RAMP:
        raise ParameterError(f"{where}: two spikes of one element are {gaps.min():g} s apart; {RAMP:g} s are needed")
    width = min(RAMP, 0.2 * float(gaps.min(initial=np.inf)))
    # A spike at the very beginning begins there.
    middle = np.maximum(times, width)
    corners = np.unique(np.concatenate([[0.0], *(middle + k * width for k in (-1.0, 1.0, 2.0))]))
    values = np.zeros((corners.size, size))
    for element in range(size):
        own = middle[elements == element]
        if own.size:
            ramps = np.stack([own - width, own + width, own + 2.0 * width], axis=1).ravel()
            values[:, element] = np.interp(corners, ramps, np.tile([0.0, 1.0, 0.0], own.size), left=0.0, right=0.0)
    return Interpolated(corners, values)


@dataclass
class Drives:
    """The inputs of one run, laid out for `neurosim.graph.law`.

    Attributes
    ----------
    inputs : Layout
    records : list of tuple
        As in `neurosim.graph.law`, places counted from the start of `table`.
    table : list of float
    held_places : dict of str to slice
        Which of the unknowns that follow the states hold the samples of a port.
    start : ndarray
        First samples of the held ports.
    described : dict of str to str
        For the provenance of a result.
    notes : list of str
    """

    inputs: Layout
    records: list[tuple[int, ...]] = field(default_factory=list)
    table: list[float] = field(default_factory=list)
    held_places: dict[str, slice] = field(default_factory=dict)
    start: np.ndarray = field(default_factory=lambda: np.empty(0))
    described: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _corners: list[Callable[[float], Sequence[float] | np.ndarray]] = field(default_factory=list)
    periods: list[float] = field(default_factory=list)

    def corners(self, t_stop: float) -> list[np.ndarray]:
        """Times in (0, t_stop) at which an input jumps or has a kink."""
        return [np.asarray(corner(t_stop), dtype=float) for corner in self._corners]

    def samples(self, times: np.ndarray) -> np.ndarray:
        """Held samples at `times`, the new one at its tick; shape (points, held unknowns)."""
        made = np.zeros((times.size, self.start.size))
        for kind, _, size, place, count, first in self.records:
            if kind == words.HELD:
                dt = self.table[place]
                k = np.clip(np.floor(times / dt + words.TICK_SHARE).astype(int), 0, count - 1)
                values = np.reshape(self.table[place + 1 : place + 1 + count * size], (count, size))
                made[:, first : first + size] = values[k]
        return made

    def values(self, times: Any) -> np.ndarray:
        """The input vector u at `times` [s], shape (points, inputs); at a jump the value after it."""
        at = np.array(times, dtype=float, order="C")
        header = np.zeros(ap.HEADER, np.int64)
        header[ap.INPUTS], header[ap.LAW_AT] = self.inputs.size, ap.HEADER
        law = np.zeros(words.WORDS_OF_LAW, np.int64)
        law[words.DRIVEN], law[words.DRIVEN_AT] = len(self.records), ap.HEADER + words.WORDS_OF_LAW
        law[words.HELD_UNKNOWNS] = self.start.size
        code = np.concatenate([header, law, np.array(self.records, np.int64).ravel()])
        u = np.zeros((at.size, self.inputs.size))
        words.inputs_at(at, np.array(self.table, float), code, self.samples(at).ravel(), u.ravel())
        return u


def bind_drives(
    inputs: Layout, drive: Any, t_stop: float, delays: Sequence[Delay] = (), states: Layout | None = None
) -> Drives:  # fmt: skip
    """Check what was given for each input port and lay it out.

    Parameters
    ----------
    inputs : Layout
        Of the program.
    drive : mapping of str to drive, or a drive
        For each port a number or an array of its shape (constant), `held`, `interpolated`, `noise`, a waveform as in a
        netlist (``"SIN(0 1 1k)"``, for all elements), or a list with a number or waveform for each element; for one
        that an event watches `neurosim.spike_trains`. Ports that are missing are 0. One drive by itself is for the only
        port.
    t_stop : float
        End of the run [s].
    delays : sequence of Delay
        Ports that carry the past of states, with the layout of the `states`.

    Raises
    ------
    UnknownNameError
        There is no such port.
    ParameterError
        A shape does not fit, or a waveform cannot be read.
    """
    if drive is None:
        drive = {}
    past = {delay.port: delay for delay in delays}
    ports = [name for name in inputs.slices if name not in past]
    if not isinstance(drive, Mapping):
        if len(ports) != 1:
            known = ", ".join(ports) or "none"
            raise ParameterError(f"drive: give a mapping from input port to drive; input ports: {known}")
        drive = {ports[0]: drive}
    for name in drive:
        if name not in ports:
            inside = (
                "a port inside a graph is driven through one of the outer graph: port('in', n), connect('in', "
                f"'{name}'), drive={{'in': ...}}" if "/" in str(name) else nearest(str(name), ports)
            )  # fmt: skip
            raise UnknownNameError(f"drive: no input port '{name}'; {inside}".rstrip("; "))
    made = Drives(inputs)
    start: list[np.ndarray] = []
    for name, part in inputs.slices.items():
        if name in past and states is not None:
            first = states.slices[past[name].state].start + past[name].part[0]
            made.records.append((words.DELAYED, part.start, part.stop - part.start, len(made.table), first, 0))
            made.table += [past[name].seconds, 0.0]
            continue
        if name not in drive:
            made.notes.append(f"input '{name}' is not driven: it is 0")
        size = part.stop - part.start
        _bind(made, name, part.start, size, drive.get(name, 0.0), t_stop, start)
    made.start = np.concatenate(start) if start else np.empty(0)
    return made


def _bind(made: Drives, name: str, offset: int, size: int, given: Any, t_stop: float, start: list[np.ndarray]) -> None:
    shape, where = made.inputs.shapes[name], f"drive of '{name}'"
    place = len(made.table)
    if isinstance(given, Noise):
        steps = int(np.ceil(t_stop / given.dt)) + 1
        if steps * size > 50 * LARGEST_BREAKPOINT_COUNT:
            raise ParameterError(f"{where}: {steps} samples of {size} elements; take a longer dt or a shorter run")
        made.described[name] = f"noise, std {given.std:g}, mean {given.mean:g}, every {given.dt:g} s, seed {given.seed}"
        draws = stream(given.seed, "drive", name).standard_normal((steps, size))
        given = Held(given.mean + given.std * draws, given.dt)
    if isinstance(given, SpikeTrains):
        made.described[name] = f"{given.times.size} spikes"
        given = _ramps(given, size, where)
    if isinstance(given, Held):
        samples = _rows(given.samples, size, shape, f"{where}: held samples")
        steps, first = len(samples), sum(part.size for part in start)
        made.records.append((words.HELD, offset, size, place, steps, first))
        made.table += [given.dt, *samples.ravel().tolist()]
        made.held_places[name] = slice(first, first + size)
        made.described.setdefault(name, f"{steps} samples held for {given.dt:g} s")
        start.append(samples[0])
        made._corners.append(lambda stop: tick_times(given.dt, 0.0, stop, where, steps))
        made.periods.append(given.dt)
    elif isinstance(given, Interpolated):
        values = _rows(given.values, size, shape, f"{where}: values")
        made.records.append((words.INTERPOLATED, offset, size, place, len(values), 0))
        made.table += [*given.times.tolist(), *values.ravel().tolist()]
        made.described.setdefault(name, f"{len(values)} values, linear between")
        made._corners.append(lambda stop: given.times[(given.times > 0.0) & (given.times < stop)])
    elif isinstance(given, str) or (isinstance(given, (list, tuple)) and any(isinstance(g, str) for g in given)):
        channels = [given] * size if isinstance(given, str) else list(given)
        if len(channels) != size:
            raise ParameterError(f"{where}: {len(channels)} waveforms for {size} elements")
        made.described[name] = ", ".join(str(channel) for channel in dict.fromkeys(channels))
        for number, channel in enumerate(channels):
            _bind_waveform(made, f"{where}, element {number}" if size > 1 else where, offset + number, channel)
    else:
        try:
            value = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise ParameterError(
                f"{where}: {type(given).__name__} is no drive; give a number, an array of shape {shape}, held(), "
                "interpolated(), noise() or a waveform such as 'SIN(0 1 1k)'"
            ) from None
        if value.shape not in ((), shape, (size,)):
            hint = "; for samples over time use held() or interpolated()" if value.ndim > len(shape) else ""
            raise ParameterError(f"{where}: shape {value.shape}, but the port has shape {shape}{hint}")
        if not np.isfinite(value).all():
            raise ParameterError(f"{where}: values must be finite")
        made.records.append((words.CONSTANT, offset, size, place, 1, 0))
        made.table += np.broadcast_to(value.ravel(), size).tolist()
        made.described[name] = "constant"


def _bind_waveform(made: Drives, where: str, offset: int, text: Any) -> None:
    place = len(made.table)
    if not isinstance(text, str):
        number = _finite(text, where)
        if number.ndim:
            raise ParameterError(f"{where}: a number or a waveform is needed, not shape {number.shape}")
        stored: tuple[float, ...] = ()
        constant = float(number)
    else:
        card = _WaveformText(text, where, made.notes)
        stored, constant = card.read()
    if stored:
        made.records.append((words.WAVEFORM, offset, 1, place, len(stored), 0))
        made.table += stored
        made._corners.append(lambda stop: breakpoints(None, stored, 0.0, stop))
    else:
        made.records.append((words.CONSTANT, offset, 1, place, 1, 0))
        made.table.append(constant)


class _WaveformText:
    """A waveform's text in the form that the reader of source cards takes."""

    dialect = "ngspice"

    def __init__(self, text: str, where: str, notes: list[str]) -> None:
        self.shown, self.where, self.notes = text.strip(), where, notes
        self.tokens = re.findall(r"[(),=]|[^\s(),=]+", text.lower())
        self.position = 0

    def read(self) -> tuple[tuple[float, ...], float]:
        """The stored waveform, empty for a constant, and the constant.

        Raises
        ------
        ParameterError
        """
        from neurosim.devices.source_card import read_waveform

        self.accept("dc")
        if self.is_number():
            stored, constant = (), self.number()
        elif self.peek() in ("sin", "pulse", "exp", "sffm", "am", "pwl"):
            stored, constant = read_waveform(self), 0.0
        else:
            near = nearest(self.peek() or "", ["sin", "pulse", "exp", "sffm", "am", "pwl"])
            raise self.error(f"'{self.shown}' is neither a number nor a waveform", hint=near)
        if not self.at_end():
            raise self.error(f"'{self.peek()}' after the end of '{self.shown}'")
        return stored, constant

    def at_end(self) -> bool:
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str | None:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def word(self) -> str:
        if self.at_end():
            raise self.error(f"'{self.shown}' ends too early")
        self.position += 1
        return self.tokens[self.position - 1]

    text = word

    def accept(self, *wanted: str) -> bool:
        if self.peek() in wanted:
            self.position += 1
            return True
        return False

    def is_number(self) -> bool:
        token = self.peek()
        return token is not None and parse_number(token) is not None and self.peek(1) != "="

    def number(self) -> float:
        word = self.word()
        value = parse_number(word)
        if value is None:
            raise self.error(f"'{word}' in '{self.shown}' is not a number")
        return value

    def numbers(self) -> list[float]:
        found = []
        self.accept("(")
        while self.is_number():
            found.append(self.number())
            self.accept(",")
        self.accept(")")
        return found

    def key(self) -> str | None:
        if self.peek(1) != "=":
            return None
        word = self.word()
        self.position += 1
        return word

    def resolve_file(self, text: str) -> Any:
        raise self.error(f"a drive reads no files ('{text}'); use interpolated(times, values)")

    def error(self, message: str, *, hint: str = "", expected: str = "") -> ParameterError:
        rest = "".join(f"; {part}" for part in (hint, f"expected: {expected}" if expected else "") if part)
        return ParameterError(f"{self.where}: {message}{rest}")

    def note(self, message: str, hint: str = "") -> None:
        self.notes.append(f"{self.where}: {message}" + (f" ({hint})" if hint else ""))


def tick_times(period: float, phase: float, t_stop: float, where: str, count: float = np.inf) -> np.ndarray:
    """Ticks ``phase + k period``, k < count, in (0, t_stop).

    Raises
    ------
    ParameterError
        There are more than `LARGEST_BREAKPOINT_COUNT`.
    """
    last = min(np.floor((t_stop - phase) / period), count - 1)
    first = max(0.0, np.floor(-phase / period))
    if last - first > LARGEST_BREAKPOINT_COUNT:
        raise ParameterError(
            f"{where}: {last - first:.3g} ticks of {period:g} s until {t_stop:g} s; "
            f"{LARGEST_BREAKPOINT_COUNT} are allowed"
        )
    times = phase + period * np.arange(first, last + 1)
    return times[(times > 0.0) & (times < t_stop)]


def _rows(values: np.ndarray, size: int, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Rows of `size` numbers from (steps, size), (steps, *shape), or (steps,) for one element."""
    if values.shape[1:] not in ((size,), shape) and not (values.ndim == 1 and size == 1):
        wanted = ", ".join(map(str, shape))
        raise ParameterError(f"{where} have shape {values.shape}; (steps, {wanted}) is needed")
    return values.reshape(len(values), size)


def _finite(values: Any, where: str) -> np.ndarray:
    try:
        made = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{where}: {values!r} is not a number or an array of numbers") from None
    if not np.isfinite(made).all():
        raise ParameterError(f"{where}: values must be finite")
    return made


def _positive(dt: float, where: str) -> float:
    if not (np.isfinite(dt) and dt > 0.0):
        raise ParameterError(f"{where}: dt = {dt!r} s must be positive and finite")
    return float(dt)
