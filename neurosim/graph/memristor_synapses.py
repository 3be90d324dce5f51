"""Memristors as synapses: a population of devices between neurons, each by the device's own law.

Between neuron j and neuron i lies a memristor, with the voltage that j gives it at one end and that i gives it at the
other; its current flows into i, and its state moves as its law says. Whatever a synapse of that device does follows:
pulses that overlap move the state of a device with a threshold, by an amount that depends on which came first (B.
Linares-Barranco, T. Serrano-Gotarredona, Nature Precedings (2009), doi 10.1038/npre.2009.3010.1, recalled); a device
that forgets gives short-term plasticity.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.sparse

from neurosim.devices import devices
from neurosim.devices.device import Current, Rate
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.named_law import Law, reads_time


def memristor_synapses(
    targets: int, sources: int, device: str, *, pairs: Any = None, initial: Any = None, **parameters: Any
) -> SignalGraph:  # fmt: skip
    """Build memristors between two populations, to be put into a network with ``sub``; it runs without ``dt``.

    Parameters
    ----------
    targets, sources : int
        Numbers of neurons.
    device : str
        A memristor of the device registry with one voltage and one state, such as ``"vteam"`` or ``"drift_decay"``.
    pairs : (array_like of int, array_like of int), optional
        Target and source of each device; default all pairs, target by target.
    initial : float or array_like, shape (devices,), optional
        State at t = 0; default that of the device's parameters.
    **parameters
        Of the device: numbers, words, or one number for each device.

    Returns
    -------
    SignalGraph
        Inputs ``before`` (sources) and ``behind`` (targets) [V], output ``current`` (targets) [A], and a state of the
        name that the device gives it.

    Raises
    ------
    ParameterError, UnknownNameError

    Examples
    --------
    A tick gives a voltage that fades with 5 ms; what flows through the device drives the neuron behind it.

    >>> net = ns.SignalGraph("two neurons")
    >>> net.sub("a", ns.neurons.lif(background=16e-9)); net.sub("b", ns.neurons.lif())
    >>> net.sub("synapses", ns.memristor_synapses(1, 1, "drift_decay", convention="flipped", alpha=5.0))
    >>> net.state("pulse", 1, time_constant=5e-3); net.connect("a/spike", "pulse")
    >>> net.connect("pulse", "synapses/before"); net.connect("synapses/current", "b/current", gain=1e-3)
    """
    part = devices.get(device)
    where, structure = f"memristor_synapses(): device '{device}'", part.structure
    if (
        part.law is None or len(structure.inputs) != 2 or [type(f) for f in structure.flows] != [Current, Rate]
        or part.accept is not None or part.events is not None or part.uses_table
    ):  # fmt: skip
        raise ParameterError(f"{where} must be a memristor whose law takes one voltage and one state")
    rows, columns = np.divmod(np.arange(targets * sources), sources) if pairs is None else map(np.asarray, pairs)
    count = rows.size
    if columns.shape != (count,) or not count or rows.max() >= targets or columns.max() >= sources:
        raise ParameterError(
            f"memristor_synapses(): pairs must name targets below {targets} and sources below {sources}"
        )
    known = {p.name for p in part.parameters} | {alias for p in part.parameters for alias in p.aliases}
    if unknown := [name for name in parameters if name not in known]:
        raise ParameterError(
            f"{where} has no parameter '{unknown[0]}'; it has {', '.join(p.name for p in part.parameters)}"
        )
    names = {alias: p.name for p in part.parameters for alias in p.aliases}
    given = {names.get(name, name): value for name, value in parameters.items()}
    completed = [
        part.complete({name: _of(value, k) for name, value in given.items()})
        for k in range(_longest(given, count, where))
    ]
    values = {p.name: np.array([entry[p.name] for entry in completed]) for p in part.parameters}
    derived = part.derive(values) if part.derive else [values[p.name] for p in part.parameters]
    state = structure.states[0]
    low, high = (float(_number(bound, values)[0]) for bound in (state.lower, state.upper))
    start = _number(state.initial, values) if initial is None else np.asarray(initial, float)
    graph = SignalGraph(f"{device} synapses")
    graph.port("before", sources, unit="V")
    graph.port("behind", targets, unit="V")
    graph.port("current", targets, output=True, unit="A")
    law = device_law(device, len(derived))
    for name, row in zip(law.parameters, derived, strict=True):
        row = np.broadcast_to(np.asarray(row, float), len(completed))
        graph.parameter(name, row if row.size in (1, count) else np.broadcast_to(row, count), trainable=False)
    number, one = np.arange(count), np.ones(count)
    for name, where_from, size in (("sources", columns, sources), ("targets", rows, targets)):
        matrix = scipy.sparse.coo_array((one, (number, where_from)), shape=(count, size))
        graph.parameter(name, matrix, trainable=False)
    graph.map("voltage", count, unit="V")
    graph.connect("before", "voltage", weight="sources")
    graph.connect("behind", "voltage", weight="targets", gain=-1.0)
    start = np.broadcast_to(start, count).copy()
    graph.state(
        state.name, count, time_constant=1.0, leak=0.0, initial=start, bounds=(low, high), unit=state.unit
    )  # fmt: skip
    graph.map("device", (2, count), law=law)
    graph.connect("voltage", "device", target_part=(0, count))
    graph.connect(state.name, "device", target_part=(count, 2 * count))
    graph.connect("device", state.name, source_part=(count, 2 * count))
    graph.map("currents", count, unit="A")
    graph.connect("device", "currents", source_part=(0, count))
    graph.connect("currents", "current", weight="targets", transpose=True)
    return graph


@functools.cache
def device_law(device: str, parameters: int) -> Law:
    """The law of a memristor for maps of shape (2, devices): voltage and state to current and rate.

    Raises
    ------
    ParameterError
        The law reads the time.
    """
    recorded = devices.get(device).law
    assert recorded is not None
    if reads_time(recorded):
        raise ParameterError(f"the law of device '{device}' reads the time, which a graph does not give it")
    law = Law(recorded, 2, [f"{device} {k}" for k in range(parameters)], device)
    # What names a law in files and other processes: `__getattr__` below finds it there.
    law.name = law.__name__ = law.__qualname__ = f"{device}_{parameters}"
    law.__module__ = __name__
    return law


def __getattr__(name: str) -> Law:
    device, _, parameters = name.rpartition("_")
    if not parameters.isdigit() or device not in devices:
        raise AttributeError(f"module '{__name__}' has no '{name}'")
    return device_law(device, int(parameters))


def _number(value: float | str, values: dict[str, np.ndarray]) -> np.ndarray:
    """A number or the values of a parameter."""
    return values[value] if isinstance(value, str) else np.array([float(value)])


def _of(value: Any, k: int) -> Any:
    """The value of device k; None, a word and a number are those of all."""
    return value if value is None or isinstance(value, str) or np.ndim(value) == 0 else float(np.asarray(value)[k])


def _longest(given: dict[str, Any], count: int, where: str) -> int:
    """How many devices have to be told apart: 1 where no parameter varies."""
    varied = {name: np.shape(value) for name, value in given.items() if not isinstance(value, str) and np.ndim(value)}
    for name, shape in varied.items():
        if shape != (count,):
            raise ParameterError(f"{where}: {name} has shape {shape}, there are {count} devices")
    return count if varied else 1
