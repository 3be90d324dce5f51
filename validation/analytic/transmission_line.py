"""A lossless transmission line with linear ends against the closed form of its bounce diagram."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from neurosim import read_netlist, simulate
from validation.case import Case, Context, curve_case

SOURCE = "bounce diagram: waves reflected by (R - Z0)/(R + Z0) at each end, a delay apart; textbook"
IMPEDANCE, DELAY, STOP = 50.0, 1e-9, 9.7e-9

ENDS = {"matched": (50.0, "r2 out 0 50", 0.0), "open": (20.0, "", 1.0), "shorted": (20.0, "v2 out 0 0", -1.0)}
"""Resistance of the source [ohm], card at the far end, reflection there."""

STEP_RISE = 0.1e-9


def step(t: np.ndarray) -> np.ndarray:
    """A step of 1 V that takes 0.1 ns, as a source can have it."""
    return np.clip(t / STEP_RISE, 0.0, 1.0)


def sine(t: np.ndarray) -> np.ndarray:
    """A sine of 370 MHz from rest."""
    return np.where(t > 0.0, np.sin(2 * np.pi * 0.37e9 * t), 0.0)


DRIVES: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "step": (f"pwl(0 0 {STEP_RISE} 1)", step),
    "sine": ("sin(0 1 0.37g)", sine),
}


def cases(context: Context) -> Iterator[Case]:
    """Matched, open and shorted far end; a step and a sine; default and tight tolerance."""
    for end, (resistance, card, reflection) in ENDS.items():
        for drive, (source, waveform) in DRIVES.items():
            text = f"line\nv1 in 0 {source}\nr1 in near {resistance}\nt1 near 0 out 0 z0={IMPEDANCE} td={DELAY}\n"
            circuit = read_netlist(f"{text}{card}\n.tran 0.05n {STOP}\n.end")
            for rtol, tolerance in ((None, 1e-4), (1e-10, 1e-8)):
                result = simulate(circuit, rtol=rtol, save=("v(near)", "v(out)", "i(v1)"))
                near, far = bounced(result.axis, waveform, resistance, reflection)
                drawn = (waveform(result.axis) - near) / resistance
                expected = np.concatenate([near, far, IMPEDANCE * drawn])
                ours = np.concatenate([result["v(near)"], result["v(out)"], -IMPEDANCE * result["i(v1)"]])

                def draw(ax, result=result, near=near, far=far):
                    ax.plot(result.axis * 1e9, near, color="0.6", linewidth=3, label="closed form")
                    ax.plot(result.axis * 1e9, far, color="0.6", linewidth=3)
                    ax.plot(result.axis * 1e9, result["v(near)"], linewidth=1, label="near end")
                    ax.plot(result.axis * 1e9, result["v(out)"], linewidth=1, label="far end")
                    ax.set(xlabel="time (ns)", ylabel="voltage (V)")
                    ax.legend()

                label = "default rtol" if rtol is None else f"rtol {rtol:g}"
                name = f"line with {end} end, {drive}, {label}"
                yield curve_case(
                    name, SOURCE, "v(near), v(out), Z0 i(v1) / range", expected, ours, tolerance,
                    "the relative tolerance of the run, times 10 to 100: every reflection adds its own error",
                    context.figure(name, draw) if rtol is None else "",
                )  # fmt: skip


def bounced(
    t: np.ndarray, waveform: Callable[[np.ndarray], np.ndarray], resistance: float, far_reflection: float
) -> tuple[np.ndarray, np.ndarray]:
    """Voltages [V] at the near and the far end at the times t [s]."""
    near_reflection = (resistance - IMPEDANCE) / (resistance + IMPEDANCE)
    launched = IMPEDANCE / (IMPEDANCE + resistance)
    near, far = launched * waveform(t), np.zeros_like(t)
    for k in range(int(t[-1] / (2 * DELAY)) + 1):
        wave = launched * (near_reflection * far_reflection) ** k
        far += wave * (1.0 + far_reflection) * waveform(t - (2 * k + 1) * DELAY)
        near += wave * far_reflection * (1.0 + near_reflection) * waveform(t - (2 * k + 2) * DELAY)
    return near, far
