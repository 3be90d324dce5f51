"""A circuit as immutable data: instances, nets, analyses and options, with the place where each was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from neurosim.devices.device import Instance
from neurosim.errors import Location, Note
from neurosim.expressions import Expression

Dialect = Literal["ngspice", "ltspice", "pspice"]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A quantity and the values it takes.

    Parameters
    ----------
    kind : {"source", "parameter", "temperature", "device"}
        An independent source's DC value, a ``.param`` name, the temperature [degree Celsius], or
        ``instance.parameter``.
    name : str
        ``"v1"``, ``"rload"``, ``"temp"`` or ``"r1.resistance"``.
    values : tuple of float
        In the order in which they are taken.
    """

    kind: Literal["source", "parameter", "temperature", "device"]
    name: str
    values: tuple[float, ...]
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """``.op``"""

    location: Location | None = None


@dataclass(frozen=True, slots=True)
class DCSweep:
    """``.dc``: the first sweep is the inner one."""

    sweeps: tuple[Sweep, ...]
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class ACAnalysis:
    """``.ac``: `frequencies` in Hz, already laid out."""

    frequencies: tuple[float, ...]
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class TransientAnalysis:
    """``.tran step stop [start [max_step]] [uic]``, times in seconds."""

    step: float
    stop: float
    start: float = 0.0
    max_step: float | None = None
    use_initial_conditions: bool = False
    location: Location | None = None


Analysis = OperatingPoint | DCSweep | ACAnalysis | TransientAnalysis


@dataclass(frozen=True, slots=True)
class Measure:
    """``.measure``: a named number taken from a result.

    Parameters
    ----------
    name : str
        Result name.
    analysis : {"tran", "ac", "dc", "op"}
        Which analysis it belongs to.
    operation : str
        ``"avg" "rms" "min" "max" "pp" "integ" "deriv" "find" "when" "trig_targ" "param" "min_at" "max_at"``.
    expression : Expression or None
        What is measured (bound, references with full names).
    settings : mapping
        Everything else of the card: ``from``, ``to``, ``at``, ``when`` (a pair of expressions), ``rise``, ``fall``,
        ``cross`` (a number or "last"), ``td``; for ``trig_targ`` two nested mappings ``trig`` and ``targ``.
    """

    name: str
    analysis: Literal["tran", "ac", "dc", "op"]
    operation: str
    expression: Expression | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    location: Location | None = None

    def expressions(self) -> tuple[Expression, ...]:
        """All expressions of the card: what is measured, and both sides of every crossing."""
        found = [] if self.expression is None else [self.expression]
        for event in (self.settings, self.settings.get("trig"), self.settings.get("targ")):
            sides = event.get("when") if isinstance(event, Mapping) else None
            found += [side for side in sides if isinstance(side, Expression)] if isinstance(sides, tuple) else []
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Circuit:
    """A flattened circuit.

    Parameters
    ----------
    title : str
        First line of the netlist.
    instances : tuple of Instance
        All parts, subcircuits expanded.
    analyses : tuple of Analysis
        In the order of the netlist.
    steps : tuple of Sweep
        ``.step`` sweeps: the whole set of analyses is repeated for each combination.
    initial_voltages, nodeset : mapping of str to float
        ``.ic`` and ``.nodeset`` by net [V].
    options : mapping of str to float or str
        ``.options`` as given (lower case): ``reltol``, ``abstol``, ``vntol``, ``method``, ...
    saved : tuple of str
        Addresses asked for by ``.save``, ``.print``, ``.plot`` or ``.probe`` (``"v(out)"``, ``"i(v1)"``, ``"m1.x"``);
        empty means everything.
    plotted : tuple of str
        Addresses asked for by ``.plot`` (or ``.print`` when there is no ``.plot``): what the figure shows.
    measures : tuple of Measure
        ``.measure`` cards.
    temperature : float
        ``.temp`` [degree Celsius], default 27.
    nominal_temperature : float
        ``tnom`` [degree Celsius], default 27.
    parameters : mapping of str to float
        Top-level ``.param`` values after evaluation.
    dialect : {"ngspice", "ltspice", "pspice"}
        Which simulator's meaning of ambiguous functions applies.
    notes : tuple of Note
        Warnings and explanations collected while reading.
    path : str
        File name, or ``"<text>"``.
    digest : str
        SHA-256 of all text that was read (includes too).
    rebuild : callable
        ``rebuild(parameters, temperature) -> Circuit``: elaborates the same text with other values.
    """

    title: str
    instances: tuple[Instance, ...]
    analyses: tuple[Analysis, ...] = ()
    steps: tuple[Sweep, ...] = ()
    initial_voltages: Mapping[str, float] = field(default_factory=dict)
    nodeset: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, float | str] = field(default_factory=dict)
    saved: tuple[str, ...] = ()
    plotted: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    temperature: float = 27.0
    nominal_temperature: float = 27.0
    parameters: Mapping[str, float] = field(default_factory=dict)
    dialect: Dialect = "ngspice"
    notes: tuple[Note, ...] = ()
    path: str = "<text>"
    digest: str = ""
    rebuild: Callable[[Mapping[str, float], float | None], Circuit] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def nets(self) -> tuple[str, ...]:
        """All nets but ground, in order of first use."""
        seen: dict[str, None] = {}
        for instance in self.instances:
            for net in instance.nets:
                seen.setdefault(net)
        seen.pop("0", None)
        return tuple(seen)

    def with_instances(self, instances: tuple[Instance, ...]) -> Circuit:
        """The same circuit with other parts."""
        return replace(self, instances=instances)
