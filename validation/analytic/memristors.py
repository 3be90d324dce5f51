"""Memristors against closed forms, and the properties that every one of them must have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim import read_netlist, simulate
from neurosim.devices import devices
from neurosim.devices.device import Device
from neurosim.errors import SimulationError
from validation.case import Case, Context, curve_case

CLOSED_FORM = "R^2 = R_0^2 - 2 (R_off - R_on) k phi(t), from the equations of Strukov et al., doi 10.1038/nature06932"


def cases(context: Context) -> Iterator[Case]:
    """Linear drift and VTEAM exactly; pinching, lobe area and bounds for all."""
    yield from linear_drift(context)
    yield from vteam()
    yield from threshold()
    yield from every_memristor(context)


def linear_drift(context: Context) -> Iterator[Case]:
    """State of an ideal-drift memristor under a sine, at default and tight tolerance."""
    text = """hp
v1 in 0 sin(0 1 1)
ymemristor m1 in 0 hp x0={5/15.9}
.model hp memristor level=101 r_on=100 r_off=16k thickness=10n mobility=1e-14
.tran 5m 2
.end"""
    circuit = read_netlist(text)
    for rtol, tolerance in ((None, 1e-4), (1e-11, 1e-9)):
        result = simulate(circuit, rtol=rtol)
        flux = (1 - np.cos(2 * np.pi * result.axis)) / (2 * np.pi)
        resistance = np.sqrt(11e3**2 - 2 * 15.9e3 * 1e4 * flux)
        expected = (16e3 - resistance) / 15.9e3
        label = "default rtol" if rtol is None else f"rtol {rtol:g}"

        def draw(ax, result=result, expected=expected):
            ax.semilogy(result.axis, np.abs(result["m1.x"] - expected) + 1e-18)
            ax.set(xlabel="time (s)", ylabel="error of the state")

        yield curve_case(
            f"linear drift under a sine, {label}", CLOSED_FORM, "x / largest x", expected, result["m1.x"], tolerance,
            "the relative tolerance of the run, times 1 to 100", context.figure(f"linear drift {label}", draw),
        )  # fmt: skip


def vteam() -> Iterator[Case]:
    """A constant voltage moves the VTEAM state at a constant rate."""
    text = """vteam
v1 in 0 0.1
ymemristor m1 in 0 cell
.model cell memristor level=104 koff=5e-4 voff=0.02 alphaoff=1
.tran 20n 1u
.end"""
    result = simulate(read_netlist(text), rtol=1e-10)
    rate = 5e-4 * (0.1 / 0.02 - 1)
    yield curve_case(
        "VTEAM at a constant voltage", "w = k_off (v/v_off - 1)^alpha t, doi 10.1109/TCSII.2015.2433536",
        "w / largest w", rate * result.axis, result["m1.w"], 1e-9, "10 rtol",
    )  # fmt: skip


def threshold() -> Iterator[Case]:
    """A threshold memristor under a triangle: the resistance is the integral of the excess over the threshold."""
    text = """threshold
v1 in 0 pwl(0 0 10n 3 20n 0)
ymemristor m1 in 0 cell
.model cell memristor level=107 ron=1k roff=100k rinit=7k alpha=0 beta=2e11 vt=1.6
.tran 0.1n 20n
.end"""
    result = simulate(read_netlist(text), rtol=1e-10)
    t, slope, start = result.axis, 3 / 10e-9, 1.6 / (3 / 10e-9)
    stop = 20e-9 - start
    rising = np.clip(t, start, 10e-9) - start
    falling = stop - np.clip(t, 10e-9, stop)
    peak = (10e-9 - start) ** 2 / 2
    expected = 7e3 + 2e11 * slope * (rising**2 / 2 + np.where(t > 10e-9, peak - falling**2 / 2, 0.0))
    yield curve_case(
        "threshold memristor under a triangle", "integral of beta (v - V_t), Pershin & Di Ventra, arXiv 1204.2600",
        "R / largest R", expected, result["m1.r"], 1e-7, "the corner at the threshold lies inside a step",
    )  # fmt: skip


def every_memristor(context: Context) -> Iterator[Case]:
    """Pinched at the origin, less area at higher frequency, state within its bounds."""
    for device in devices:
        facts = device.reference or {}
        if not facts.get("pinched") or device.accept is not None:
            continue
        try:
            yield from properties(device)
        except SimulationError as error:
            yield Case(f"{device.name}: runs", "", "simulation", "no error", str(error).split("\n")[0], np.inf, 0.0, "")


def properties(device: Device) -> Iterator[Case]:
    """The three properties of one memristor."""
    facts = device.reference
    amplitude, frequency = facts["drive"]["amplitude"], facts["drive"]["frequency"]
    areas = []
    # A word without a default must be given.
    words = " ".join(f"{p.name}={p.choices[0]}" for p in device.parameters if p.choices and p.default is None)
    level = device.netlist.level if device.netlist else 0
    model = f"\n.model given memristor level={level} {words}" if words else ""
    for factor in (1.0, 1e4, 1e5):
        f = frequency * factor
        text = f"""{device.name}
v1 in 0 sin(0 {amplitude} {f!r})
y{"memristor" if words else device.name} m1 in 0{" given" if words else ""}{model}
.save v(in) i(m1) {" ".join(f"m1.{state.name}" for state in device.structure.states)}
.tran {1 / (400 * f)!r} {2 / f!r}
.end"""
        result = simulate(read_netlist(text), rtol=1e-7)
        v, i = result["v(in)"], result["i(m1)"]
        if factor == 1.0:
            zero = np.abs(v) < 1e-12 * amplitude
            yield curve_case(
                f"{device.name}: pinched", "i = 0 where v = 0", "i / largest i at the zeros of v",
                np.zeros(1), np.array([np.abs(i[zero]).max() / np.abs(i).max()]), 1e-9, "rounding",
            )  # fmt: skip
            bounds = facts["state_bounds"]
            worst = 0.0
            for name, (lower, upper) in bounds.items():
                x = result[f"m1.{name}"]
                # Where the device declares no upper bound, the fact only says what is usual.
                open_above = next(state.upper for state in device.structure.states if state.name == name) == np.inf
                upper = np.inf if open_above else upper
                width = np.ptp(x) if open_above else upper - lower
                worst = max(worst, (lower - x.min()) / width, (x.max() - upper) / width)
            yield curve_case(
                f"{device.name}: state within bounds", "definition of the model", "excess / width of the bounds",
                np.zeros(1), np.array([max(worst, 0.0)]), 1e-12, "rounding",
            )  # fmt: skip
        last = result.axis >= (1 - 1e-9) / f
        positive = np.maximum(v[last], 0.0)
        loop = 0.5 * np.abs(np.sum(np.diff(i[last]) * (positive[1:] + positive[:-1])))
        areas.append(loop / (amplitude * np.abs(i[last]).max()))
    ratio = 10.0 if areas[2] < 1e-7 else areas[1] / areas[2]
    yield Case(
        f"{device.name}: the loop closes at high frequency", "Chua & Kang, Proc. IEEE 64, 209 (1976)",
        "positive lobe's area / (V I) at 1, 1e4 and 1e5 times the frequency", "smaller, at last as 1/f or faster",
        " ".join(f"{a:.2e}" for a in areas), max(0.0, 1 - ratio / 10) if areas[2] < areas[0] else np.inf, 0.5,
        "the law 1/f holds in the limit; an open loop has a ratio of 1 and misses by 0.9; below 1e-7 it is closed",
    )  # fmt: skip
