"""How a device model is declared: unknowns, laws in branch variables, parameters, netlist rule.

A circuit is the system ``M y' = f(t, y)``. A device takes *inputs* (potential differences, or single unknowns) and
returns *flows* (currents through a pair of terminals, rates of states, equations of internal unknowns). The engine
gathers inputs, calls the law on blocks of instances, and adds flows and their derivatives to the right places, so a
law never sees an index, a sign of a second terminal, or the ground.

With ``F_r`` the law's output for flow r, ``u_c`` its inputs and ``m_rc`` its constant `mass` entries:

- `Current(p, n)`: the current ``F_r + sum_c m_rc u_c'`` leaves net p into the device and comes back to net n;
- `Rate(x)`: ``sum_c m_rc u_c' = F_r``, by default ``x' = F_r``;
- `Equation(z)`: ``sum_c m_rc u_c' = F_r`` in the row of unknown z, by default ``0 = F_r``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from neurosim.errors import NetlistError, ParameterError, nearest
from neurosim.kernels.abi import Kernel
from neurosim.reference import Reference

if TYPE_CHECKING:
    import numpy as np

    from neurosim.errors import Location
    from neurosim.expressions import Expression

MOST_WITH_EVENTS = 500
"""Instances in a circuit whose events end time steps although they could do without: with more, little but ends of
steps would happen, and each matters little."""

Bound = float | str
"""A number, or the name of a parameter of the same device."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that describes a device.

    Parameters
    ----------
    name : str
        The field's term written out, as in ``membrane_time_constant``.
    default : float, str or None
        Value when not given; the name of another parameter to copy it from; None if it must be given.
    unit : str
        SI unit, ``""`` if dimensionless.
    meaning : str
        One line; the symbol of the source's equation belongs here.
    minimum, maximum : float
        Allowed range, both included unless `exclusive`.
    exclusive : bool
        Whether the bounds themselves are refused.
    aliases : tuple of str
        Further spellings in netlists (``roff``, ``tau_m``). Case, and underscores, do not matter in netlists.
    choices : tuple of str
        If given, the value is one of these words and is stored as its index (0, 1, ...).
    optional : bool
        Whether the value may stay unset; it is then NaN in the columns (an initial condition that was not given).
    """

    name: str
    default: float | str | None = None
    unit: str = ""
    meaning: str = ""
    minimum: float = -float("inf")
    maximum: float = float("inf")
    exclusive: bool = False
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """An unknown with memory: its rate is a flow, its start a parameter, its bounds are kept by the engine.

    Parameters
    ----------
    name : str
        Shown as ``<instance>.<name>``.
    unit : str
        SI unit.
    initial : float or str
        Start value (number or parameter name). The operating point holds the state at this value.
    lower, upper : float or str
        Bounds (number or parameter name).
    scale : float or str
        Typical size, for tolerances: the absolute tolerance is `rtol` * 1e-3 * scale.
    meaning : str
        One line.
    held : bool
        Whether an operating point holds the state at `initial` (memory), or lets it find its rest (fast dynamics).
    """

    name: str
    unit: str = ""
    initial: Bound = 0.0
    lower: Bound = -float("inf")
    upper: Bound = float("inf")
    scale: Bound = 1.0
    meaning: str = ""
    held: bool = True


@dataclass(frozen=True, slots=True)
class Internal:
    """An algebraic (or charge, flux) unknown of the device: a branch current ``i``, an inner net, a charge.

    `kind` says how the unknown is scaled and named: "current" is shown as ``i(<instance>)`` when its name is ``i``;
    "voltage" is an inner net ``<instance>.<name>``; "charge" is ``<instance>.<name>`` in coulomb; "primitive" is what
    ``ddt()`` differentiates, given by its equation ``0 = value - primitive``.
    """

    name: str
    kind: Literal["current", "voltage", "charge", "primitive", "other"] = "current"
    scale: float = 0.0


@dataclass(frozen=True, slots=True)
class Current:
    """A current from net `plus` through the device to net `minus` (None is ground)."""

    plus: str
    minus: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of a state: ``x' = F``."""

    state: str


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation ``sum_c m_rc u_c' = F`` (algebraic without mass) that stands in the row of the unknown `row`.

    `row` is an internal of the device, or one of its `controls`: the flow is then added to that unknown's own row.
    """

    row: str


Flow = Current | Rate | Equation
Input = tuple[str, str | None]
"""``("p", "n")`` is the potential difference y_p - y_n, ``("x", None)`` the unknown itself."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the engine needs to know of a device beside its parameters: unknowns, inputs, flows and the law's program.

    Instances with equal (device name, structure) form one Batch. For most devices it is fixed; devices whose shape
    depends on the instance (behavioural and polynomial sources, coupled inductors) return one from `specialise`.

    Parameters
    ----------
    controls : tuple of str
        Local names of unknowns that belong to others (a sensed current); `Instance.controls` gives their addresses.
    code, constants : tuple
        Integers and numbers that the law reads as `code` and `table`.
    memory_rows : int
        Rows of `memory` per instance that the law keeps between calls (zero at first).
    scratch_rows : int
        Rows that the law needs as work space, given as `memory` behind memory_rows; nothing survives between calls.
    mass : tuple of (flow, input, coefficient)
        Constant mass entries of this structure, added to those of `Device.mass` (which does not know the structure).
    wiring : tuple of (flow, input, coefficient)
        Constant linear part that the engine adds itself: ``F_r = law_r(u) + sum_c wiring_rc u_c``, for any flow and
        any input, and the same to D.
    law_flows, law_inputs : int or None
        The law computes the first `law_flows` flows from the first `law_inputs` inputs (None: all of them) and never
        sees the others, which are wiring and mass only. A device without a law has none of either. The other kernels
        (`accept`, `events`, `start`, `jump`) see every input.
    """

    terminals: tuple[str, ...]
    inputs: tuple[Input, ...]
    flows: tuple[Flow, ...]
    internals: tuple[Internal, ...] = ()
    states: tuple[State, ...] = ()
    controls: tuple[str, ...] = ()
    dependence: tuple[tuple[int, int], ...] | None = None
    code: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    memory_rows: int = 0
    scratch_rows: int = 0
    mass: tuple[tuple[int, int, float], ...] = ()
    wiring: tuple[tuple[int, int, float], ...] = ()
    law_flows: int | None = None
    law_inputs: int | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A named use of a Device with its own nets and parameter values (immutable).

    Parameters
    ----------
    name : str
        Full lower-case path, ``"x1.r2"``.
    device : str
        Registry name.
    nets : tuple of str
        In the order of the device's terminals; ground is ``"0"``.
    values : mapping of str to float
        Parameters that were given (SI); others take their defaults.
    expressions : mapping of str to Expression
        Bound behavioural expressions (see `neurosim.expressions.bind`), by role (``"current"``, ``"voltage"``, ...).
    controls : tuple of str
        Addresses of sensed unknowns, as ``"i(v1)"`` or ``"v(a)"``, in the order of `Structure.controls`.
    table : tuple of float
        Data of any length (PWL points, polynomial coefficients).
    location : Location or None
        Where it was written.
    """

    name: str
    device: str
    nets: tuple[str, ...]
    values: Mapping[str, float] = field(default_factory=dict)
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    controls: tuple[str, ...] = ()
    table: tuple[float, ...] = ()
    location: Location | None = None


Columns = Mapping[str, "np.ndarray"]
"""Parameter values of a batch: one float64 array of length n per parameter, plus ``"temperature"`` and
``"nominal_temperature"`` [K] of the circuit (``.temp`` and ``tnom``)."""


@dataclass(frozen=True)
class Device:
    """A model of a part.

    Parameters
    ----------
    name : str
        Registry name, lower case with underscores.
    summary : str
        One line for lists.
    source : Reference
        Where the equations come from.
    structure : Structure
        Fixed shape of the device; see `specialise`.
    parameters : tuple of Parameter
        In the order of the netlist's positional values, then the rest.
    law : Kernel or None
        ``law(context, u, p, memory, table, code, F, D)``: assigns every F, and every D when
        ``context[WANT_DERIVATIVES] != 0``. D[r, c] = dF_r/du_c. None if `Structure.wiring` says everything.
    derive : callable, optional
        ``derive(columns) -> sequence of arrays``: the rows of `p`. By default the parameters in order.
    mass : mapping or callable, optional
        ``{(flow, input): array or float}`` or a function of `columns` that returns it: the constants m_rc. A Rate(x)
        whose input (x, None) exists has the default entry 1.
    is_linear : bool
        Whether D is the same for all u and t, so that a linear circuit is factored once per step size.
    netlist : NetlistRule or None
        How it is written.
    initial_charge : callable, optional
        ``initial_charge(columns) -> {internal name: array}``: start values of charges and inner unknowns, NaN where
        none was given.
    initial_inputs : callable, optional
        ``initial_inputs(columns) -> {input index: array}``: values of inputs at the start of a transient analysis that
        uses initial conditions (``uic``): the voltage of a capacitor, the current of an inductor. NaN where the user
        gave none. The engine starts from ``M y`` = mass entries times these values.
    needs : mapping of str to (int, str)
        Parameters whose values belong to other instances: name of an own parameter -> (index in `controls`, parameter
        of the instance that owns this control). Filled in when the system is built (inductances of a coupling).
    alternatives : mapping of str to (str, callable)
        Optional parameters that may be given in the place of another one: name -> (that parameter, function of all
        values that gives it). Giving both is refused.
    uses_table : bool
        Whether the law reads data of varying length: `table` then holds `Instance.table` of all instances of the
        batch one after another, and two rows are appended at the end of `p`: where the instance's part starts, and
        its length.
    specialise : callable, optional
        ``specialise(instance) -> Structure`` for devices whose shape depends on the instance.
    instance_values : callable, optional
        ``instance_values(instance) -> tuple of float``: rows of `p` when they come from the instance's expressions or
        table and not from parameters; used instead of `derive`.
    accept : Kernel, optional
        Called after each accepted step with the new u; may change `memory` (delay lines, limiting history).
    accept_writes_states : bool
        Whether `accept` writes new values of the states into F[r] of their Rate flows (a random jump).
    events : Kernel, optional
        Writes F[k] = functions whose sign changes are located by the engine, for `event_count` k; on a crossing `jump`
        is called for the whole block with F holding +1, -1 or 0: the direction in which each instance crossed.
    jump : Kernel, optional
        See `events`; changes `memory`.
    without_events : callable, optional
        ``without_events(structure) -> Structure`` for a device that can do without events: it has them only where its
        structure has memory, and if the circuit has no more than `MOST_WITH_EVENTS` of that kind.
    start : Kernel, optional
        Called once at the start of an analysis (after the operating point) to set `memory` from u.
    breakpoints : callable, optional
        ``breakpoints(instance_values: dict, table, t_start, t_stop) -> sequence of float``: times of corners, where a
        step must end.
    largest_step : callable, optional
        ``largest_step(columns) -> float``: a bound on the step, e.g. the delay of a line.
    frequency_response : callable, optional
        ``frequency_response(omega, columns) -> {(flow, input): complex array}``: added to -D in an AC analysis.
    excitation : callable, optional
        ``excitation(columns) -> {flow: complex array}``: small-signal drive of an AC analysis (added to F).
    reference : mapping
        Facts for the conformance tests (e.g. ``{"pinched": True, "instance": {...}}``).
    row_slopes : (Kernel, int), optional
        Of a memristor with one voltage and one state: a law whose rows of F, two for each of the first so many rows of
        p, are the derivatives of current and rate by it; default differences, which take ten times as long.
    """

    name: str
    summary: str
    source: Reference
    structure: Structure
    parameters: tuple[Parameter, ...]
    law: Kernel | None
    derive: Callable[[Columns], Sequence[np.ndarray]] | None = None
    mass: Mapping[tuple[int, int], float] | Callable[[Columns], Mapping[tuple[int, int], Any]] | None = None
    is_linear: bool = False
    netlist: NetlistRule | None = None
    initial_charge: Callable[[Columns], Mapping[str, np.ndarray]] | None = None
    initial_inputs: Callable[[Columns], Mapping[int, np.ndarray]] | None = None
    needs: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    alternatives: Mapping[str, tuple[str, Callable[[Mapping[str, float]], float]]] = field(default_factory=dict)
    uses_table: bool = False
    specialise: Callable[[Instance], Structure] | None = None
    instance_values: Callable[[Instance], Sequence[float]] | None = None
    accept: Kernel | None = None
    accept_writes_states: bool = False
    events: Kernel | None = None
    event_count: int = 0
    jump: Kernel | None = None
    without_events: Callable[[Structure], Structure] | None = None
    start: Kernel | None = None
    breakpoints: Callable[[Mapping[str, float], Sequence[float], float, float], Sequence[float]] | None = None
    largest_step: Callable[[Columns], float] | None = None
    frequency_response: Callable[[float, Columns], Mapping[tuple[int, int], np.ndarray]] | None = None
    excitation: Callable[[Columns], Mapping[int, np.ndarray]] | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    row_slopes: tuple[Kernel, int] | None = None

    def parameter(self, name: str) -> Parameter:
        """Find a parameter by name or alias; case and underscores do not matter.

        Raises
        ------
        ParameterError
            If there is none; the message names the nearest.
        """
        found = self._by_name.get(_fold(name))
        if found is not None:
            return found
        known = [n for p in self.parameters for n in (p.name, *p.aliases)]
        raise ParameterError(f"unknown parameter '{name}' for device '{self.name}'; {nearest(name, known)}")

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        """Parameters by folded name and alias; the first one that has a name keeps it."""
        found: dict[str, Parameter] = {}
        for parameter in self.parameters:
            for name in (parameter.name, *parameter.aliases):
                found.setdefault(_fold(name), parameter)
        return found

    def complete(self, values: Mapping[str, float]) -> dict[str, float]:
        """Fill defaults in and check every value against its bounds.

        Raises
        ------
        ParameterError
            For a value that is missing, not a number, or out of bounds.
        """
        result: dict[str, float] = {}
        for p in self.parameters:
            value = values.get(p.name, p.default)
            if type(value) is float and p.minimum < value < p.maximum:
                result[p.name] = value
                continue
            if isinstance(value, str):
                if value in p.choices:
                    value = float(p.choices.index(value))
                else:
                    value = result[value]
            if p.optional and (value is None or value != value):
                result[p.name] = float("nan")
                continue
            if value is None:
                raise ParameterError(f"device '{self.name}' needs {p.name} ({p.meaning}) [{p.unit or '1'}]")
            if not isinstance(value, float):
                value = float(value)
            outside = value < p.minimum or value > p.maximum
            on_edge = p.exclusive and (value in (p.minimum, p.maximum))
            if value != value or outside or on_edge:
                bracket = "()" if p.exclusive else "[]"
                raise ParameterError(
                    f"{p.name} = {value:g} {p.unit} is outside {bracket[0]}{p.minimum:g}, {p.maximum:g}{bracket[1]} "
                    f"for device '{self.name}'"
                )
            result[p.name] = value
        for name, (target, follow) in self.alternatives.items():
            if result[name] == result[name]:
                if target in values and values[target] == values[target]:
                    raise ParameterError(
                        f"{name} = {result[name]:g} and {target} = {result[target]:g} of device '{self.name}' say the "
                        "same thing twice; give one of them"
                    )
                result[target] = follow(result)
        return result

    def columns(self, instances: Sequence[Instance]) -> dict[str, np.ndarray]:
        """What `complete` gives for many instances: one array for each parameter.

        Raises
        ------
        NetlistError
            For the first instance whose values are refused.
        """
        rows = [instance.values for instance in instances]
        given = set().union(*rows)
        if not given.isdisjoint(self.alternatives):
            return self._columns_one_by_one(instances)
        result: dict[str, np.ndarray] = {}
        for p in self.parameters:
            column = _column(p, rows, result) if p.name in given else _default_column(p, len(rows), result)
            if column is None:
                return self._columns_one_by_one(instances)
            result[p.name] = column
        return result

    def _columns_one_by_one(self, instances: Sequence[Instance]) -> dict[str, np.ndarray]:
        """As `columns` where some value is odd: a word, or one to be refused."""
        import numpy as np

        completed = []
        for instance in instances:
            try:
                completed.append(self.complete(instance.values))
            except ParameterError as error:
                raise NetlistError(f"'{instance.name}': {error}", instance.location) from None
        return {p.name: np.array([values[p.name] for values in completed], float) for p in self.parameters}


def _default_column(p: Parameter, count: int, before: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Values of a parameter that no instance gives; None where they have to be looked at one by one."""
    import numpy as np

    if isinstance(p.default, str):
        if p.default not in p.choices:
            return _regular(p, before[p.default].copy())
        return np.full(count, float(p.choices.index(p.default)))
    if p.default is None:
        return np.full(count, np.nan) if p.optional else None
    return _regular(p, np.full(count, float(p.default)))


def _column(p: Parameter, rows: Sequence[Mapping[str, float]], before: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Values of a parameter that some instances give; None where they have to be looked at one by one."""
    import numpy as np

    name = p.name
    try:
        column = np.array([values.get(name) for values in rows], float)
    except (TypeError, ValueError):
        return None
    if np.isnan(column).any() and p.default is not None:
        missing = np.array([name not in values for values in rows])
        default = _default_column(p, len(rows), before)
        if default is None:
            return None
        column[missing] = default[missing]
    return _regular(p, column)


def _regular(p: Parameter, column: np.ndarray) -> np.ndarray | None:
    """The column if all its values are allowed, else None."""
    inside = (column >= p.minimum) & (column <= p.maximum)
    if p.exclusive:
        inside &= (column != p.minimum) & (column != p.maximum)
    if p.optional:
        inside |= column != column
    return column if inside.all() else None


def _fold(name: str) -> str:
    return name.casefold().replace("_", "")


@dataclass(frozen=True, slots=True)
class NetlistRule:
    """How a device is written in a netlist.

    Parameters
    ----------
    letter : str
        First letter of the element (``"R"``), or ``"Y<TYPE>"`` for the Xyce form ``YMEMRISTOR name n+ n- model``.
    form : str
        Shown in messages: ``"R<name> <n+> <n-> <value> [tc1=] [tc2=]"``.
    positional : tuple of str
        Parameters that may be given by position after the nets.
    model_types : tuple of str
        Words of ``.model <name> <type>`` that select this device (``("r", "res")``).
    level : int or None
        Value of LEVEL that selects this device among those with the same model type.
    read : callable, optional
        ``read(card) -> Instance or list of Instance``: for cards that are not nets, values and key=value; `card` is a
        cursor behind the element's name, see `neurosim.circuit.cards`.
    """

    letter: str
    form: str
    positional: tuple[str, ...] = ()
    model_types: tuple[str, ...] = ()
    level: int | None = None
    read: Callable[[Any], Any] | None = None
