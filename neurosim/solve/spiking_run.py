"""A run of spiking neurons in the hands of the user: run to a time, look at it, change an input, go on."""

from __future__ import annotations

from typing import Any

from neurosim.errors import ParameterError
from neurosim.solve.simulate_spikes import SpikeRun, begin_spikes


def spiking_run(graph: Any, t_span: tuple[float, float] | None, **settings: Any) -> SpikeRun:
    """Begin a run of spiking neurons, on a grid of time or without one, that goes on as far as it is told to.

    Where it is stopped has no influence: in pieces it has the ticks of the uncut run, bit for bit; and one whose input
    is changed on the way those of a run that was given both drives at once.

    Parameters
    ----------
    graph, t_span, **settings
        As in `neurosim.simulate` with ``dt`` or ``grid="free"``, without the checkpoints.

    Returns
    -------
    SpikeRun
        ``run_to(t)`` goes on to t [s]; ``time`` is where it is; ``state(name)`` what a state is now, ``ticks()`` the
        times [s] and elements of all ticks so far, ``weights()`` what was learned; ``set_drive(name, drive)`` gives an
        input another drive from now on; ``result()`` is the `Result` so far.

    Raises
    ------
    ParameterError, UnknownNameError

    Examples
    --------
    >>> import neurosim as ns
    >>> run = ns.spiking_run(ns.neurons.lif(background=0.0), (0.0, 0.2), grid="free")
    >>> run.run_to(0.1)
    >>> run.set_drive("current", 20e-9)
    >>> run.run_to(0.2)
    >>> run.ticks()[0].size
    6
    """
    for name in ("checkpoint", "resumed"):
        if settings.get(name) is not None:
            raise ParameterError(f"spiking_run(): {name} belongs to simulate() and resume()")
    if (settings.get("dt") is None) == (settings.get("grid") is None):
        raise ParameterError("spiking_run(): give dt, the step [s] of a grid of time, or grid='free'")
    settings = {name: value for name, value in settings.items() if name not in ("dt", "grid") or value is not None}
    if "dt" in settings:
        return begin_spikes(graph, t_span, **settings)
    from neurosim.solve.simulate_spike_events import begin_spike_events

    return begin_spike_events(graph, t_span, **settings)
