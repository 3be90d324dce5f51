"""Moments at which expressions of a running simulation cross a level: found in the compiled loop, on the interpolant.

A step ends at each crossing of a watched expression, in whichever direction, and the method goes on from there: the run
differs from one that is not watched within its tolerances.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.errors import NetlistError, ParameterError, UnknownNameError, nearest
from neurosim.expressions import Behaviour, Binary, Number, bind, compile_program, parse
from neurosim.kernels.abi import HALT, TIME, kernel
from neurosim.kernels.builder import GROUND, BatchSpec, System, watched_by
from neurosim.kernels.expression import evaluate_expression
from neurosim.results import canonical_name

DIRECTIONS = {"both": 0.0, "up": 1.0, "down": -1.0}

LOG = 16
"""Crossings that are kept between two calls of the compiled loop, which stops when there are as many."""

_HEAD = 3
"""Before the times in the last rows of the memory: direction, whether terminal, number of times."""

_WORD = re.compile(
    r"[vi]\s*\([^()]*\)|\.?\d[\w.]*(?:(?<=e)[-+]\d+\w*)?"
    r"|[^\W\d][\w.$#@]*(?:/[\w.$#@]+)*(?:\[\d+\](?:\.\w+)?)?(?![\w.$#@\[]|\s*\()",
    re.IGNORECASE,
)
"""A reference, a number, or a name that no argument follows; a slash may belong to it."""

_OWN = ("time", "temper", "pi", "e")


@dataclass(frozen=True)
class Crossing:
    """What `simulate` watches for.

    Parameters
    ----------
    expression : str
        Of addresses and ``time``, as in a netlist: ``"v(out)"``, ``"v(a,b) - 2*i(v1)"``, ``"x[0]^2 + x[1]^2"``.
    level : float
        Default 0.
    direction : {"both", "up", "down"}
    terminal : bool
        Whether the run ends there.

    Raises
    ------
    ParameterError
    """

    expression: str
    level: float = 0.0
    direction: str = "both"
    terminal: bool = False

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ParameterError(f"direction {self.direction!r} of a crossing must be one of {', '.join(DIRECTIONS)}")
        if not np.isfinite(self.level):
            raise ParameterError(f"level {self.level!r} of a crossing must be finite")


Events = str | Crossing | Sequence[str | Crossing] | Mapping[str, str | Crossing]
"""What the setting ``events`` takes: by name, or named after their expressions."""


@kernel
def log_crossing(context, u, p, memory, table, code, F, D):
    """Note the time if the direction is the wanted one; stop the loop if the event is terminal or the log full."""
    at = memory.shape[0] - _HEAD - LOG
    if memory[at, 0] == 0.0 or memory[at, 0] == F[0, 0]:
        count = int(memory[at + 2, 0])
        memory[at + _HEAD + count, 0] = context[TIME]
        memory[at + 2, 0] = count + 1.0
        if memory[at + 1, 0] != 0.0 or count + 1 >= LOG:
            context[HALT] = 1.0


class Watch:
    """The crossings of one run.

    Parameters
    ----------
    events : Events
    unknown : callable
        ``unknown(address)`` gives the number of an unknown, or raises UnknownNameError.
    dialect : str
        Of the expressions.

    Raises
    ------
    ParameterError, UnknownNameError, NetlistError
        An expression that cannot be read, or that uses something that is no unknown of the equations; names the event.
    """

    def __init__(self, events: Events, unknown: Callable[[str], int], dialect: Any = "ngspice") -> None:
        self.crossings = named_crossings(events)
        self.batches = [_batch(name, crossing, unknown, dialect) for name, crossing in self.crossings.items()]
        self.times: dict[str, list[float]] = {name: [] for name in self.crossings}
        self.stopped_by: str | None = None
        self._logs: list[np.ndarray] = []

    def attach(self, system: System) -> System:
        """The system with the watched expressions; its equations stay the same."""
        watched, rows = watched_by(system, self.batches), system.arrays.memory.size
        for crossing, batch in zip(self.crossings.values(), self.batches, strict=True):
            rows += batch.memory_rows
            log = watched.arrays.memory[rows - _HEAD - LOG : rows]
            log[:_HEAD] = DIRECTIONS[crossing.direction], crossing.terminal, 0.0
            self._logs.append(log)
        return watched

    def take(self) -> bool:
        """Empty the logs; return whether a terminal event was met."""
        for (name, crossing), log in zip(self.crossings.items(), self._logs, strict=True):
            found = log[_HEAD : _HEAD + int(log[2])].tolist()
            self.times[name] += found
            log[2] = 0.0
            if found and crossing.terminal:
                self.stopped_by = name
        return self.stopped_by is not None

    def kept(self) -> dict[str, np.ndarray]:
        """What was found so far, for a checkpoint; what is not taken out yet lies in the system's memory."""
        times = {f"times{k}": np.array(found) for k, found in enumerate(self.times.values())}
        return {"names": np.array(list(self.times)), "stopped_by": np.array(self.stopped_by or ""), **times}

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go on from what `kept` gave."""
        self.times = {str(name): kept[f"times{k}"].tolist() for k, name in enumerate(kept["names"])}
        self.stopped_by = str(kept["stopped_by"]) or None

    def halted(self, time: float) -> tuple[bool, None]:
        """`take` in the form that `neurosim.solve.integrate.integrate` asks for."""
        return self.take(), None

    def note(self, attrs: dict[str, Any]) -> None:
        """Put times, and what ended the run, into the attributes of a result."""
        attrs["events"] = {**attrs.get("events", {}), **self.times}
        if self.stopped_by is not None:
            attrs["stopped_by"] = self.stopped_by


def unknown_by_name(names: Sequence[str], what: str) -> Callable[[str], int]:
    """Look unknowns up by their addresses, without regard to case and spaces."""
    index = {canonical_name(name): number for number, name in enumerate(names)}

    def unknown(address: str) -> int:
        key = canonical_name(address)
        if key not in index:
            raise UnknownNameError(
                f"{what} has no state '{address}'; {nearest(key, index)}".rstrip("; ")
                + " (crossings are those of states; an event node can watch anything)"
            )
        return index[key]

    return unknown


def named_crossings(events: Events) -> dict[str, Crossing]:
    """Crossings by their names.

    Raises
    ------
    ParameterError
    """
    if isinstance(events, (str, Crossing)):
        events = [events]
    if not isinstance(events, Mapping):
        events = {e.expression if isinstance(e, Crossing) else e: e for e in events}
    made = {}
    for name, event in events.items():
        if not isinstance(event, (str, Crossing)):
            raise ParameterError(f"event '{name}' must be an expression or a Crossing, not {type(event).__name__}")
        made[name] = Crossing(event) if isinstance(event, str) else event
    return made


def _batch(name: str, crossing: Crossing, unknown: Callable[[str], int], dialect: Any) -> BatchSpec:
    where = f"event '{name}'"
    addresses: dict[str, str] = {}
    try:
        text = _with_references(crossing.expression, unknown, addresses)
        read = parse(text, dialect=dialect)
        distance = replace(read, node=Binary("-", read.node, Number(crossing.level)))
        behaviour: Behaviour = compile_program(bind(distance))
        inputs = np.full((1, len(behaviour.references), 2), GROUND)
        for number, reference in enumerate(behaviour.references):
            for end, argument in enumerate(reference.args):
                address = addresses.get(argument, f"{reference.kind}({argument})")
                if argument != "0":
                    inputs[0, number, end] = unknown(address)
    except UnknownNameError as error:
        raise UnknownNameError(f"{where}, '{crossing.expression}': {error}") from None
    except NetlistError as error:
        raise ParameterError(f"{where}, '{crossing.expression}': {error.message}") from None
    if behaviour.states:
        raise ParameterError(f"{where}, '{crossing.expression}': ddt() and idt() cannot be watched")
    if not behaviour.references:
        raise ParameterError(f"{where}, '{crossing.expression}': it contains no address")
    program = behaviour.program
    return BatchSpec(
        name, inputs, np.full((1, 0, 2), GROUND), np.array([behaviour.parameters]).reshape(1, -1), {}, None,
        len(behaviour.references), 0, events=evaluate_expression, jump=log_crossing, event_count=1,
        memory_rows=program.memory_rows + _HEAD + LOG, table=program.constants, code=program.code,
    )  # fmt: skip


def _with_references(text: str, unknown: Callable[[str], int], addresses: dict[str, str]) -> str:
    """The text with ``v(=k)`` in place of the k-th address that is no ``v()`` or ``i()``: states."""

    def replaced(match: re.Match[str]) -> str:
        word = match.group()
        if "(" in word or word[0] in ".0123456789" or word.lower() in _OWN:
            return word
        try:
            unknown(word)
        except UnknownNameError:
            head, slash, rest = word.partition("/")
            if not slash:
                raise
            return f"{_WORD.sub(replaced, head)}/{_WORD.sub(replaced, rest)}"
        key = f"={len(addresses)}"
        addresses[key] = word
        return f"v({key})"

    return _WORD.sub(replaced, text)
