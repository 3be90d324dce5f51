"""A comparison as text: Markdown for people, plain values for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.analyses.comparison import HORIZON, Comparison


def as_markdown(comparison: Comparison, figure: str = "") -> str:
    """Report of a comparison.

    Parameters
    ----------
    comparison : Comparison
    figure : str, optional
        File name of the figure, shown at the top.
    """
    c = comparison
    lines = [f"# {c.title}: analog against digital ({c.rule})", ""]
    if figure:
        lines += [f"![trajectories, error against step, and {'ticks' if c.ticks else 'fixed points'}]({figure})", ""]
    lines += [
        f"{len(c.state_names)} states over {c.duration:g} s; inputs held for {c.sample_period:g} s; dt = {c.dt:g} s.",
        *(f"- {statement}" for statement in c.statements),
        "",
        "## Trajectories",
        "",
        f"Relative error at the end: {c.error[-1]:.2e}; largest: {c.error.max():.2e}. Divergence horizon (relative "
        f"error above {HORIZON:g}): {_time(c.horizon)}.",
        "",
        "| dt (s) | largest error / range | horizon | CPU s per step |",
        "| --- | --- | --- | --- |",
        *(f"| {s.dt:.4g} | {s.error:.2e} | {_time(s.horizon)} | {s.seconds_per_step:.1e} |" for s in c.steps),
        "",
        f"Observed order {c.order:.2f}, declared {c.declared_order}."
        if np.isfinite(c.order)
        else "No order can be read off: the errors are at rounding level, or do not fall.",
        "",
        *_spikes(c),
        "## Fixed points at zero input",
        "",
    ]
    a = c.attractors
    if c.fixed_points:
        verdict = "all agree" if c.fixed_points_agree else "NOT all agree"
        lines += [
            f"{len(c.fixed_points)} found; {verdict} in place and stability.",
            "",
            "| number | moved by a step | growth of the flow (1/s) | largest multiplier of the step | agree |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {k} | {p.residual:.1e} | {p.flow_growth:+.3g} | {p.step_growth:.4g} | {_yes(p.agrees)} |"
                for k, p in enumerate(c.fixed_points[:20], start=1)
            ),
        ]
        if len(c.fixed_points) > 20:
            lines.append(f"| ... | {len(c.fixed_points) - 20} more | | | |")
    elif a:
        lines.append("None was found from the random starts.")
    else:
        lines.append(
            "Not looked for: the state of a graph with delays is a whole past, states may jump at clocks or events, "
            "and a large network has too many."
        )
    if a:
        lines += [
            "",
            "## Attractors",
            "",
            f"Of {a['starts']} random starts {a['same']:.0%} end alike; at rest: analog {a['analog_at_rest']:.0%}, "
            f"digital {a['digital_at_rest']:.0%}.",
        ]
    if c.score:
        lines += ["", "## Task", "", f"Score: analog {c.score['analog']:.4g}, digital {c.score['digital']:.4g}."]
    lines += ["", f"Analog run: {c.seconds_analog:.3g} CPU s.", ""]
    return "\n".join(lines)


def as_values(comparison: Comparison) -> dict[str, Any]:
    """Everything but the trajectories, as plain values; infinite horizons are None."""
    c = comparison
    return {
        "title": c.title,
        "rule": c.rule,
        "dt": c.dt,
        "duration": c.duration,
        "sample_period": c.sample_period,
        "states": len(c.state_names),
        "error_largest": float(c.error.max()),
        "error_at_end": float(c.error[-1]),
        "horizon": _finite(c.horizon),
        "steps": [
            {"dt": s.dt, "error": s.error, "horizon": _finite(s.horizon), "cpu_seconds_per_step": s.seconds_per_step}
            for s in c.steps
        ],
        "order": _finite(c.order),
        "spikes": [
            {"dt": s.dt, "analog": s.first, "digital": s.second, "equal_counts": s.equal_counts, "window": s.window,
             "coincident": s.coincident, "share": s.share, "shift": _finite(s.shift), "spread": _finite(s.spread)}
            for s in c.spikes
        ],
        "declared_order": c.declared_order,
        "fixed_points": [
            {"state": p.state.tolist(), "residual": p.residual, "flow_growth": p.flow_growth,
             "step_growth": p.step_growth, "agrees": p.agrees}
            for p in c.fixed_points
        ],
        "attractors": c.attractors,
        "score": c.score,
        "cpu_seconds_analog": c.seconds_analog,
        "statements": list(c.statements),
    }  # fmt: skip


def _spikes(c: Comparison) -> list[str]:
    if not c.spikes:
        return []
    return [
        "## Spikes",
        "",
        f"{c.spikes[0].first} on the analog side. Two of an element within {c.spikes[0].window:.4g} s belong together.",
        "",
        "| dt (s) | digital | elements with equal counts | with a partner | digital later by (s) |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {s.dt:.4g} | {s.second} | {s.equal_counts:.0%} | {s.share:.1%} | "
            + (f"{s.shift:.2e} +- {s.spread:.1e} |" if s.coincident else "- |")
            for s in c.spikes
        ),
        "",
    ]


def _yes(truth: bool) -> str:
    return "yes" if truth else "NO"


def _time(seconds: float) -> str:
    return f"{seconds:.4g} s" if np.isfinite(seconds) else "not within the run"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
