"""A limit cycle: the orbit, one period over time, and its multipliers in the complex plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.limit_cycle import LimitCycle


def limit_cycle(cycle: LimitCycle, *, names: tuple[str, str] | None = None, ax: Any = None) -> list[Axes]:
    """Draw the cycle.

    Parameters
    ----------
    cycle : LimitCycle
    names : (str, str), optional
        What to show, default the two unknowns that move most, relative to their size.
    ax : sequence of 3 Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
    """
    kind = cycle.stability
    title = f"{cycle.title}: limit cycle, period {cycle.period:.6g} s, {kind}"
    ax = panels(ax, (1, 3), (11.0, 3.8), title, "a limit cycle")
    orbit, wave, plane = ax
    if names is None:
        size = np.maximum(np.abs(cycle.states).max(axis=0), 1e-300)
        order = np.argsort(-np.ptp(cycle.states, axis=0) / size, kind="stable")[:2]
        shown = [cycle.names[k] for k in sorted(order)]
    else:
        shown = list(names)
    values = [cycle.states[:, cycle.names.index(name)] for name in shown]
    orbit.plot(values[0], values[-1], color=PALETTE[0])
    orbit.set(xlabel=shown[0], ylabel=shown[-1])
    for k, (name, y) in enumerate(zip(shown, values, strict=True)):
        wave.plot(cycle.times / cycle.period, y, color=PALETTE[k], linestyle=("-", "--")[k % 2], label=name)
    wave.set(xlabel="time in periods")
    wave.legend(fontsize="small", frameon=False)
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    plane.plot(np.cos(angle), np.sin(angle), color="0.6", linewidth=0.8)
    plane.plot(cycle.multipliers.real, cycle.multipliers.imag, linestyle="none", marker="x", color=PALETTE[1])
    plane.set(xlabel="real part of the multipliers", ylabel="imaginary part")
    plane.margins(0.1)
    plane.set_aspect("equal", "datalim")
    for panel in ax:
        tidy(panel)
    return [orbit, wave, plane]
