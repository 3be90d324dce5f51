"""Lyapunov exponents: how they converge, and the spectrum with its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.lyapunov import LyapunovSpectrum

LINES_SHOWN = 6
"""Most exponents whose convergence is drawn one by one."""


def lyapunov(spectrum: LyapunovSpectrum, *, ax: Any = None) -> list[Axes]:
    """Draw how the exponents converge, and the spectrum.

    Parameters
    ----------
    spectrum : LyapunovSpectrum
    ax : sequence of two Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
        Running means less the result, and the exponents by number.
    """
    axes = panels(ax, (1, 2), (9.0, 3.8), f"{spectrum.title}: {spectrum.kind}", "a spectrum of Lyapunov exponents")
    _convergence(axes[0], spectrum)
    _spectrum(axes[1], spectrum)
    for panel in axes:
        tidy(panel)
    return axes


def _convergence(ax: Axes, s: LyapunovSpectrum) -> None:
    finite = np.flatnonzero(np.isfinite(s.history[-1]))
    away = np.full_like(s.history, np.nan)
    away[:, finite] = s.history[:, finite] - s.history[-1, finite]
    chosen = finite[np.unique(np.linspace(0, finite.size - 1, min(LINES_SHOWN, finite.size)).astype(int))]
    elapsed = s.times - (s.times[0] - s.interval)
    # The first means say nothing, and would hide the others.
    away, elapsed = away[len(away) // 100 :], elapsed[len(away) // 100 :]
    for colour, number in zip(PALETTE, chosen, strict=False):
        ax.plot(elapsed, away[:, number], color=colour, linewidth=1.2, label=f"number {number + 1}")
    error = float(s.errors[np.isfinite(s.errors)].max(initial=0.0))
    if error > 0.0:
        ax.axhspan(-error, error, color="0.9", zorder=0, label="largest error")
    limit = max(8.0 * error, 1.1 * np.abs(away[len(away) // 20 :, chosen]).max(initial=0.0), 1e-12)
    ax.set_ylim(-limit, limit)
    if elapsed.size > 1:
        ax.set_xscale("log")
    ax.set_xlabel("steps averaged" if s.unit == "1/step" else "time averaged (s)")
    ax.set_ylabel(f"running mean - result ({s.unit})")
    ax.set_title("convergence", fontsize="medium")
    ax.legend(fontsize="small", frameon=False)


def _spectrum(ax: Axes, s: LyapunovSpectrum) -> None:
    number = np.arange(1, s.exponents.size + 1)
    finite = np.isfinite(s.exponents)
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    shown = {"linestyle": "none", "color": PALETTE[0], "marker": "o", "markersize": 5 if number.size <= 30 else 2.5}
    ax.errorbar(number[finite], s.exponents[finite], yerr=np.nan_to_num(s.errors[finite]), capsize=3, **shown)
    if (~finite).any():
        low = float(s.exponents[finite].min(initial=0.0))
        ax.plot(number[~finite], np.full((~finite).sum(), low), linestyle="none", marker="v", color=PALETTE[1],
                label="minus infinity")  # fmt: skip
        ax.legend(fontsize="small", frameon=False)
    if number.size <= 8:
        ax.set_xticks(number)
        ax.margins(x=0.25, y=0.12)
    if number.size <= 5:
        for n, value in zip(number[finite], s.exponents[finite], strict=True):
            ax.annotate(f"{value:.4g}", (n, value), xytext=(8, 3), textcoords="offset points", va="bottom", fontsize=8)
    ax.set_xlabel("number")
    ax.set_ylabel(f"exponent ({s.unit})")
    title = f"Kaplan-Yorke dimension {s.kaplan_yorke:.4g}" if np.isfinite(s.kaplan_yorke) else "spectrum"
    ax.set_title(title, fontsize="medium")
