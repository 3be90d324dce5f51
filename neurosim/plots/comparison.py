"""Analog against digital: trajectories, error over time, error against the step, and fixed points or ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.comparison import Comparison

STATES_SHOWN = 4
POINTS_SHOWN = 100
ELEMENTS_SHOWN, NAMED = 60, 12
"""Most elements whose ticks are shown, and whose names are."""


def comparison(compared: Comparison, *, ax: Any = None) -> list[Axes]:
    """Draw a comparison in four panels.

    Parameters
    ----------
    compared : Comparison
    ax : sequence of four Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
        Trajectories, error over time, error against dt, and fixed points, or, of a graph with events, the ticks.
    """
    title = f"{compared.title}: analog and {compared.rule}, dt = {compared.dt:g} s"
    axes = panels(ax, (2, 2), (10.0, 6.4), title, "a comparison")
    draw_trajectories(axes[0], compared)
    _error(axes[1], compared)
    _order(axes[2], compared)
    if compared.ticks:
        _ticks(axes[3], compared)
    else:
        _fixed_points(axes[3], compared)
    for panel in axes:
        tidy(panel)
    return axes


def draw_trajectories(ax: Axes, c: Comparison) -> None:
    """Draw the states that move most, of both sides."""
    moving = np.argsort(-np.ptp(c.analog, axis=0), kind="stable")[:STATES_SHOWN]
    for colour, place in zip(PALETTE, sorted(moving), strict=False):
        ax.plot(c.times, c.analog[:, place], color=colour, label=c.state_names[place])
        shown = slice(None, None, max(1, c.times.size // POINTS_SHOWN))
        ax.plot(c.times[shown], c.twin[shown, place], color=colour, linestyle="none", marker="o", markersize=2.5)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("state")
    ax.set_title("analog (lines) and digital (dots)", fontsize="medium")
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _error(ax: Axes, c: Comparison) -> None:
    ax.plot(c.times[1:], np.maximum(c.error[1:], 1e-17), color=PALETTE[0])
    ax.axhline(0.1, color="0.5", linewidth=0.8, linestyle=(0, (4, 2)))
    if np.isfinite(c.horizon):
        ax.axvline(c.horizon, color=PALETTE[1], linewidth=1.0, label=f"horizon {c.horizon:.3g} s")
        ax.legend(fontsize="small", frameon=False)
    ax.set_yscale("log")
    ax.set_xlabel("time (s)")
    ax.set_ylabel("relative error")
    ax.set_title("error of the digital side", fontsize="medium")


def _order(ax: Axes, c: Comparison) -> None:
    dt = np.array([s.dt for s in c.steps])
    error = np.maximum([s.error for s in c.steps], 1e-17)
    ax.loglog(dt, error, color=PALETTE[0], marker="o", markersize=4, label="measured")
    slope = error[-1] * (dt / dt[-1]) ** c.declared_order
    ax.loglog(dt, slope, color="0.5", linestyle=(0, (4, 2)), label=f"order {c.declared_order}")
    ax.set_xlabel("dt (s)")
    ax.set_ylabel("largest error / range")
    shown = f"observed order {c.order:.2f}" if np.isfinite(c.order) else "no order (rounding, or no convergence)"
    ax.set_title(shown, fontsize="medium")
    ax.legend(fontsize="small", frameon=False)


def _ticks(ax: Axes, c: Comparison) -> None:
    """Ticks of both sides, those of an element side by side."""
    names = list(dict.fromkeys(name for side in c.ticks for name in side))[:ELEMENTS_SHOWN]
    size = max(2.0, min(8.0, 60.0 / max(len(names), 1)))
    for side, label, colour, shift in zip(c.ticks, ("analog", "digital"), PALETTE, (0.2, -0.2), strict=False):
        times = [np.asarray(side.get(name, ())) for name in names]
        rows = np.repeat(np.arange(len(names)), [t.size for t in times]) + shift
        ax.plot(np.concatenate([np.empty(0), *times]), rows, "|", color=colour, markersize=size, label=label)
    few = len(names) <= NAMED
    ax.set_yticks(range(len(names)) if few else [], names if few else [])
    ax.set_ylim(-0.6, max(len(names), 1) - 0.4)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("" if few else f"{len(names)} elements")
    found = c.spikes[0]
    ax.set_title(f"ticks: {found.first} analog, {found.second} digital, {found.share:.0%} with a partner",
                 fontsize="medium")  # fmt: skip
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _fixed_points(ax: Axes, c: Comparison) -> None:
    ax.axhline(1.0, color="0.5", linewidth=0.8)
    ax.axvline(0.0, color="0.5", linewidth=0.8)
    for agrees, marker, colour, label in ((True, "o", PALETTE[2], "agree"), (False, "X", PALETTE[1], "differ")):
        chosen = [p for p in c.fixed_points if p.agrees == agrees]
        if chosen:
            growth = [[p.flow_growth for p in chosen], [p.step_growth for p in chosen]]
            ax.plot(*growth, linestyle="none", marker=marker, color=colour, label=f"{label} ({len(chosen)})")
    if c.fixed_points:
        # in a frame, so that its marks are not taken for points
        ax.legend(fontsize="small", frameon=True)
    ax.set_xlabel("growth of the flow (1/s)")
    ax.set_ylabel("largest multiplier of a step")
    found = len(c.fixed_points)
    title = f"{found} fixed point{'' if found == 1 else 's'} at zero input"
    ax.set_title(title if c.attractors else "fixed points: not looked for (delays, clocks, events)", fontsize="medium")
