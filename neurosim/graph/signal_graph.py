"""The SignalGraph: populations (arrays) as nodes, projections as edges; flow between ticks, jump at ticks.

What a graph means, for every target:

- the value of a ``port`` that is an input is given; that of an output port, and the *drive* of any other node, is the
  sum over its incoming edges of gain x weight x source, plus its bias;
- a ``map`` has the value function(drive); a ``product`` the elementwise product of the drives of its slots, or a
  contraction named by index letters;
- a ``state`` x with a time constant tau flows: ``tau x' = -leak x + drive``; with a clock it jumps: ``x <- drive`` at
  each tick, all states of a clock at once, from the values before the tick;
- a ``hold`` is sampled at the ticks of its clock and constant in between;
- an ``event`` ticks where its drive rises to its threshold: edges of role ``reset`` from it put states to a value,
  other edges move states by weight x ticks, and states and holds may have it as their clock (`neurosim.graph.events`);
- a ``sub`` is a graph inside the graph; its ports are addressed as ``"name/port"``;
- a ``host`` is a Python procedure, for digital targets only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.functions import map_function
from neurosim.kernels.named_law import Law

KINDS = ("port", "state", "map", "product", "hold", "event", "sub", "host")
ROLES = ("add", "factor", "reset", "clock", "teach")
RESETS = ("to", "by", "factor", "draw")

MOST_ELEMENTS = 2**31 - 1
"""Of a node: logs of ticks number them with 32 bits."""

Number = float | np.ndarray | str
"""A number, an array, or the name of a parameter."""


@dataclass
class Clock:
    """Ticks at ``phase + k period``, k = 0, 1, 2, ... [s]."""

    period: float
    phase: float = 0.0


@dataclass
class GraphParameter:
    """A named array that edges and nodes share.

    Attributes
    ----------
    value : ndarray or scipy.sparse matrix
        Dense weights have shape (target size, source size); a vector is an elementwise weight; a sparse matrix keeps
        its pattern.
    trainable : bool
    unit : str
    mask : ndarray of bool, optional
        Where it may differ from zero.
    parent : str, optional
        Name of the parameter that a hierarchical prior ties it to.
    """

    value: Any
    trainable: bool = True
    unit: str = ""
    mask: np.ndarray | None = None
    parent: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


class SignalGraph(nx.MultiDiGraph):
    """Populations and projections as a `networkx.MultiDiGraph`.

    Parameters
    ----------
    name : str
        Shown in reports.

    Attributes
    ----------
    parameters : dict of str to GraphParameter
    clocks : dict of str to Clock

    Examples
    --------
    An Elman net and its continuous twin in one: forward Euler with dt equal to the time constant gives the net.

    >>> g = SignalGraph("elman")
    >>> g.port("u", 3); g.state("h", 5, time_constant=1.0); g.map("r", 5, "tanh"); g.port("y", 2, output=True)
    >>> g.parameter("U", np.ones((5, 3))); g.parameter("W", np.eye(5)); g.parameter("V", np.ones((2, 5)))
    >>> g.connect("u", "r", weight="U"); g.connect("h", "r", weight="W")
    >>> g.connect("r", "h"); g.connect("h", "y", weight="V")
    """

    def __init__(self, name: str = "network", incoming_graph_data: Any = None, **attributes: Any) -> None:
        # networkx makes empty graphs of this class when it copies or takes views, with its data as first argument
        if incoming_graph_data is None and name is not None and not isinstance(name, str):
            incoming_graph_data, name = name, "network"
        super().__init__(incoming_graph_data, **attributes)
        self.graph.setdefault("name", name)
        self.parameters: dict[str, GraphParameter] = {}
        self.clocks: dict[str, Clock] = {}

    @property
    def title(self) -> str:
        """Name of the graph."""
        return str(self.graph["name"])

    def parameter(
        self, name: str, value: Any, *, trainable: bool = True, unit: str = "", mask: Any = None,
        parent: str | None = None,
    ) -> None:  # fmt: skip
        """Declare a named array (or sparse matrix) that nodes and edges refer to.

        Raises
        ------
        ParameterError
            The name is taken, or a value is not a finite number.
        """
        if name in self.parameters:
            raise ParameterError(f"parameter '{name}' of graph '{self.title}' is declared twice")
        if hasattr(value, "tocsr"):
            array = value.tocsr().astype(float)
            array.sum_duplicates()
            array.sort_indices()
            numbers = array.data
        else:
            array = numbers = np.array(value, dtype=float)
        if not np.isfinite(numbers).all():
            raise ParameterError(f"parameter '{name}' of graph '{self.title}' has values that are not finite")
        if mask is not None:
            if hasattr(value, "tocsr"):
                raise ParameterError(f"parameter '{name}' is sparse: its pattern is its mask, leave out mask")
            mask = np.array(mask, dtype=bool)
            if mask.shape != array.shape:
                raise ParameterError(f"mask of parameter '{name}' has shape {mask.shape}, the value {array.shape}")
            array = array * mask
        self.parameters[name] = GraphParameter(array, trainable, unit, mask, parent)

    def clock(self, name: str, period: float, phase: float = 0.0) -> None:
        """Declare a clock with its period and phase [s]."""
        if not (period > 0.0 and math.isfinite(period) and math.isfinite(phase)):
            raise ParameterError(f"clock '{name}': period {period!r} must be positive and finite")
        if name in self.clocks:
            raise ParameterError(f"clock '{name}' is declared twice")
        self.clocks[name] = Clock(float(period), float(phase))

    def port(
        self, name: str, shape: int | Sequence[int] = 1, *, output: bool = False, unit: str = "",
        limits: tuple[float, float] | None = None, bias: str | None = None,
    ) -> None:  # fmt: skip
        """Add an input, or an output whose value is the sum of its edges; `limits` is the range it is meant for."""
        self._declare(name, "port", shape, output=output, unit=unit, limits=limits, bias=bias)

    def state(
        self, name: str, shape: int | Sequence[int] = 1, *, time_constant: Number | None = None, leak: Number = 1.0,
        clock: str | None = None, initial: Number = 0.0, bounds: tuple[float, float] | None = None,
        bias: str | None = None, unit: str = "", noise: Number | None = None,
    ) -> None:  # fmt: skip
        """Add a state: with `time_constant` [s] it flows, with `clock` it jumps. `leak` is the factor of -x.

        With `noise`, the amplitude g [unit/sqrt(s)], it flows as ``dx = f dt + g dW``, in runs that integrate noise
        (with `dt`, or by a stochastic method).
        """
        if (time_constant is None) == (clock is None):
            raise ParameterError(f"state '{name}': give either time_constant (it flows) or clock (it jumps)")
        if noise is not None and clock is not None:
            raise ParameterError(f"state '{name}' jumps at clock '{clock}': only states that flow have noise")
        self._declare(
            name, "state", shape, time_constant=time_constant, leak=leak, clock=clock, initial=initial, bounds=bounds,
            bias=bias, unit=unit, noise=noise,
        )  # fmt: skip

    def map(
        self, name: str, shape: int | Sequence[int] = 1, function: str = "identity", *, bias: str | None = None,
        gain: float = 1.0, argument: float | None = None, unit: str = "", law: Law | None = None,
        parameters: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Add ``function(gain x drive)``; `argument` is the constant of functions that have one.

        With a `law` (`neurosim.law`) that is the function: the node's shape is (law size,), or (law size, ...) for
        independent instances of it; a law of size 1 goes with any shape. `parameters` are names of parameters of this
        graph in the order of those of the law, by default of the same names.
        """
        if law is not None:
            self._law_map(name, shape, law, parameters, function, argument, bias=bias, gain=gain, unit=unit)
            return
        if parameters:
            raise ParameterError(f"map '{name}': parameters belong to a law, and function '{function}' is none")
        declared = map_function(function, f"map '{name}'")
        if argument is not None and declared.argument is None:
            raise ParameterError(f"map '{name}': function '{function}' takes no argument")
        value = declared.argument if argument is None else float(argument)
        self._declare(name, "map", shape, function=declared.name, bias=bias, gain=gain, argument=value, unit=unit)

    def _law_map(
        self, name: str, shape: int | Sequence[int], law: Law, parameters: Sequence[str], function: str,
        argument: float | None, **attributes: Any,
    ) -> None:  # fmt: skip
        if not isinstance(law, Law):
            raise ParameterError(f"map '{name}': law must be made with neurosim.law, not {type(law).__name__}")
        if function != "identity" or argument is not None:
            raise ParameterError(f"map '{name}': give either a function or a law")
        names = tuple(parameters) or law.parameters
        if len(names) != len(law.parameters):
            raise ParameterError(
                f"map '{name}': law '{law.name}' has the parameters {', '.join(law.parameters) or 'none'}, "
                f"{len(names)} names are given"
            )
        lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if law.size > 1 and lengths[:1] != (law.size,):
            raise ParameterError(
                f"map '{name}': law '{law.name}' needs shape ({law.size},) or ({law.size}, ...), not {lengths}"
            )
        self._declare(name, "map", shape, function="law", argument=None, law=law, parameters=names, **attributes)

    def product(
        self, name: str, shape: int | Sequence[int] = 1, form: str = "", *, weight: str | None = None, unit: str = "",
    ) -> None:  # fmt: skip
        """Add a product of its slots: elementwise, or `form` as in ``"jik,i,k->j"`` (a weight comes first)."""
        if form and "->" not in form:
            raise ParameterError(f"product '{name}': form '{form}' must look like 'i,j->ij'")
        if weight is not None and not form:
            raise ParameterError(f"product '{name}': a weight needs a form such as 'jik,i,k->j'")
        self._declare(name, "product", shape, form=form.replace(" ", ""), weight=weight, unit=unit)

    def hold(self, name: str, shape: int | Sequence[int] = 1, *, clock: str, initial: Number = 0.0) -> None:
        """Add a sample-and-hold on a clock."""
        self._declare(name, "hold", shape, clock=clock, initial=initial)

    def event(
        self, name: str, shape: int | Sequence[int] = 1, *, threshold: Number = 0.0, refractory: Number = 0.0
    ) -> None:
        """Add ticks where the drive rises to `threshold`; for `refractory` [s] after one it and what it resets rest."""
        self._declare(name, "event", shape, threshold=threshold, refractory=refractory)

    def sub(self, name: str, graph: SignalGraph, *, shared: bool = False, time_scale: float = 1.0) -> None:
        """Add a graph as a node. With `shared`, its parameters are those of this graph of the same name."""
        if not isinstance(graph, SignalGraph):
            raise ParameterError(f"sub '{name}': expected a SignalGraph, not {type(graph).__name__}")
        self._declare(name, "sub", 1, body=graph, shared=shared, time_scale=float(time_scale))

    def host(
        self, name: str, shape: int | Sequence[int], function: Callable[..., Any], *, over: str = "step",
        gradient: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        """Add a Python procedure: of one step's array (``over="step"``), or of the whole sequence.

        Parameters
        ----------
        function : callable
            ``function(x)``; x has shape (batch, size) with ``over="step"``, (steps, batch, size) with ``"sequence"``.
            Of a step it sees what its source is as the step begins; of a sequence, at the ends of the steps. What it
            gives is held over each step.
        gradient : callable, optional
            ``gradient(x, value, d)`` gives the vector-Jacobian product, needed for training through it.
        """
        if over not in ("step", "sequence"):
            raise ParameterError(f"host '{name}': over = {over!r} must be 'step' or 'sequence'")
        self._declare(name, "host", shape, function=function, over=over, gradient=gradient)

    def connect(
        self, source: str, target: str, *, weight: str | None = None, role: str = "add", slot: int = 0,
        transpose: bool = False, gain: float = 1.0, delay: float = 0.0, source_part: tuple[int, int] | None = None,
        target_part: tuple[int, int] | None = None, plastic: str | Mapping[str, Any] | None = None,
        to: Number | None = None, by: Number | None = None, factor: Number | None = None, draw: Number | None = None,
    ) -> None:  # fmt: skip
        """Project one node on another.

        Parameters
        ----------
        source, target : str
            Nodes; ``"name/port"`` for a port of a graph inside the graph.
        weight : str, optional
            Name of a parameter: a matrix (target size, source size), a vector (elementwise) or a number; identity by
            default.
        role : str
            One of `ROLES`; ``"factor"`` is an edge into a slot of a product and is chosen by itself there.
        slot : int
            Which factor of a product.
        transpose : bool
            Use the transposed weight.
        gain : float
            Constant factor.
        delay : float
            Seconds. What flows sees the past of states that flow, also behind maps and products; a digital network
            keeps anything, for a whole number of steps. Until t = 0 states have their initial values.
        source_part, target_part : (int, int), optional
            Only elements start to stop of the flattened source or target.
        plastic : str or mapping, optional
            Learning rule that moves the weight during the run, with its settings: ``"oja"``, ``{"rule": "stdp",
            "post": "spike"}``, see `neurosim.graph.plasticity`.
        to, by, factor, draw : float, array_like or str, optional
            Of role ``"reset"``, exactly one: x <- to, x <- x - by, x <- factor x, elementwise; with a grid of time also
            x <- -draw E, with E drawn anew at each tick and at the beginning, exponentially distributed with mean 1.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        ends, ports = [], []
        for end in (source, target):
            node, _, port = (end, "", "") if end in self else end.partition("/")
            if node not in self:
                known = ", ".join(map(str, self))
                raise UnknownNameError(
                    f"connect('{source}', '{target}'): graph '{self.title}' has no node '{node}'; "
                    f"{nearest(node, list(map(str, self))) or f'nodes: {known}'}"
                )
            ends.append(node)
            ports.append(port or None)
        if role not in ROLES:
            raise ParameterError(f"connect('{source}', '{target}'): role '{role}' must be one of {', '.join(ROLES)}")
        if not (math.isfinite(gain) and delay >= 0.0 and math.isfinite(delay)):
            raise ParameterError(
                f"connect('{source}', '{target}'): gain {gain} must be finite, delay {delay} finite and not negative"
            )
        if role == "add" and self.nodes[ends[1]]["kind"] == "product":
            role = "factor"
        given = {key: value for key, value in zip(RESETS, (to, by, factor, draw), strict=True) if value is not None}
        if given and role != "reset":
            raise ParameterError(f"connect('{source}', '{target}'): {next(iter(given))}= belongs to role 'reset'")
        self.add_edge(
            *ends, source_port=ports[0], target_port=ports[1], role=role, slot=int(slot), weight=weight,
            transpose=bool(transpose), gain=float(gain), delay=float(delay), source_part=source_part,
            target_part=target_part, plastic=plastic, **given,
        )  # fmt: skip

    def size_of(self, name: str) -> int:
        """Number of elements of a node."""
        return math.prod(self.nodes[name]["shape"])

    def of_kind(self, *kinds: str) -> list[str]:
        """Nodes of the given kinds, in the order of their declaration."""
        return [name for name, data in self.nodes(data=True) if data.get("kind") in kinds]

    @property
    def inputs(self) -> list[str]:
        """Input ports."""
        return [name for name in self.of_kind("port") if not self.nodes[name]["output"]]

    @property
    def outputs(self) -> list[str]:
        """Output ports."""
        return [name for name in self.of_kind("port") if self.nodes[name]["output"]]

    def value_of(self, number: Number, size: int, where: str) -> np.ndarray:
        """Resolve a number, an array or a parameter name to an array of `size` elements.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        if isinstance(number, str):
            if number not in self.parameters:
                near = nearest(number, self.parameters)
                raise UnknownNameError(f"{where}: no parameter '{number}'; {near}".rstrip("; "))
            number = self.parameters[number].value
        array = np.asarray(number, dtype=float).ravel()
        if array.size not in (1, size):
            raise ParameterError(f"{where}: {array.size} values for {size} elements")
        if not np.isfinite(array).all():
            raise ParameterError(f"{where}: values must be finite")
        return np.broadcast_to(array, size).copy()

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all parameter values by name (sparse ones dense)."""
        return {
            name: (p.value.toarray() if hasattr(p.value, "toarray") else np.array(p.value))
            for name, p in self.parameters.items()
        }

    def with_weights(self, values: Mapping[str, Any]) -> SignalGraph:
        """Copy of the graph with other parameter values of the same shapes.

        Raises
        ------
        UnknownNameError, ParameterError
        """
        made = self.copy()
        for name, value in values.items():
            if name not in made.parameters:
                raise UnknownNameError(f"no parameter '{name}'; {nearest(name, made.parameters)}".rstrip("; "))
            old = made.parameters.pop(name)
            new = np.asarray(value, dtype=float)
            if new.shape != old.value.shape:
                raise ParameterError(f"parameter '{name}' has shape {old.value.shape}, not {new.shape}")
            if hasattr(old.value, "tocsr"):
                sparse = old.value.copy()
                # Stored zeros belong to the pattern, which nonzero() would leave out.
                places = sparse.tocoo()
                sparse.data = new[places.row, places.col]
                new = sparse
            made.parameter(name, new, trainable=old.trainable, unit=old.unit, mask=old.mask, parent=old.parent)
        made.parameters = {name: made.parameters[name] for name in self.parameters}
        return made

    def copy(self, as_view: bool = False) -> SignalGraph:
        """Independent copy (nodes, edges, parameters, clocks); views are not offered."""
        if as_view:
            raise ParameterError("a SignalGraph has no views; use copy()")
        made = SignalGraph(self.title)
        made.graph.update(self.graph)
        made.add_nodes_from((n, dict(d)) for n, d in self.nodes(data=True))
        for a, b, k, data in self.edges(keys=True, data=True):
            made.add_edge(a, b, k, **data)
        made.parameters = {
            n: GraphParameter(p.value.copy(), p.trainable, p.unit, p.mask, p.parent, dict(p.attributes))
            for n, p in self.parameters.items()
        }
        made.clocks = {n: Clock(c.period, c.phase) for n, c in self.clocks.items()}
        return made

    def __repr__(self) -> str:
        return f"SignalGraph({self.title!r}, {self.number_of_nodes()} nodes, {self.number_of_edges()} edges)"

    def _declare(self, name: str, kind: str, shape: int | Sequence[int], **attributes: Any) -> None:
        if not isinstance(name, str) or not name or ("/" in name and not self.graph.get("flat")):
            raise ParameterError(f"{kind}: name {name!r} must be text without '/'")
        if name in self:
            raise ParameterError(f"graph '{self.title}' has two nodes called '{name}'")
        made = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else (shape,)
        if not made or not all(isinstance(n, (int, np.integer)) and n > 0 for n in made):
            raise ParameterError(f"{kind} '{name}': shape {shape!r} must have positive lengths, whole numbers")
        made = tuple(int(n) for n in made)
        if math.prod(made) > MOST_ELEMENTS:
            raise ParameterError(f"{kind} '{name}': shape {shape!r} has more than {MOST_ELEMENTS:,} elements")
        self.add_node(name, kind=kind, shape=made, **attributes)


def refuse_noise(graph: SignalGraph, what: str) -> None:
    """Refuse a flat graph whose states have noise, which `what` does not make.

    Raises
    ------
    ParameterError
    """
    for name, amplitude in noise_of(graph).items():
        if amplitude.any():
            raise ParameterError(
                f"graph '{graph.title}': state '{name}' has noise, and {what} makes none; simulate() with dt or a "
                "stochastic method does, or declare the state without noise"
            )


def noise_of(graph: SignalGraph) -> dict[str, np.ndarray]:
    """Amplitude of the noise that states of a graph were declared with, by state."""
    states = ((name, graph.nodes[name].get("noise")) for name in graph.of_kind("state"))
    return {
        name: graph.value_of(noise, graph.size_of(name), f"state '{name}', noise")
        for name, noise in states if noise is not None
    }  # fmt: skip
