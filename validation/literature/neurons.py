"""Models of neurons: rates against closed forms, firing patterns as published, balanced networks at their rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.integrate
import scipy.optimize
import scipy.special

import neurosim as ns
from neurosim.neurons.izhikevich import TYPES
from validation.case import Case, Context, curve_case, number_case
from validation.figures import curves

SIEGERT = "A. J. F. Siegert, Phys. Rev. 81, 617 (1951), doi 10.1103/PhysRev.81.617"
GERSTNER = "W. Gerstner, W. Kistler, Spiking Neuron Models (2002), section 5.3, doi 10.1017/CBO9780511815706 (recalled)"
NAUD = "Naud, Marcille, Clopath & Gerstner, Biol. Cybern. 99, 335 (2008), doi 10.1007/s00422-008-0264-7"
IZHIKEVICH = "E. M. Izhikevich, IEEE Trans. Neural Netw. 14, 1569 (2003), doi 10.1109/TNN.2003.820440, figure 2"
HENDRICK = "C. Hendrick, preprint (2026), doi 10.5281/zenodo.23047046 (computer-assisted proof at the 1952 constants)"
BRETTE = "Brette et al., J. Comput. Neurosci. 23, 349 (2007), doi 10.1007/s10827-007-0038-6"

HOPF, PERIOD = (9.775437995393, 154.522433665808), 16.0077128038376
"""Currents [uA/cm2] at which rest loses and regains its stability; period [ms] of firing at 8 uA/cm2."""

PATTERNS = {
    "tonic": (200, 10, -70, 2, 30, 0, -58, 500), "adaptation": (200, 12, -70, 2, 300, 60, -58, 500),
    "initial burst": (130, 18, -58, 4, 150, 120, -50, 400), "regular bursting": (200, 10, -58, 2, 120, 100, -46, 210),
    "delayed accelerating": (200, 12, -70, -10, 300, 0, -58, 300),
    "delayed regular bursting": (100, 10, -65, -10, 90, 30, -47, 110),
    "transient": (100, 10, -65, 10, 90, 100, -47, 180), "irregular": (100, 12, -60, -11, 130, 30, -48, 160),
}  # fmt: skip
"""C [pF], gL [nS], EL [mV], a [nS], tau_w [ms], b [pA], reset [mV] current [pA]; table 1, as in brian2's example."""


def lif_rates(currents: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates [Hz] of conductance LIF neurons in constant currents: closed form and here."""
    tau, rest, threshold, reset, pause = 20e-3, -60e-3, -50e-3, -60e-3, 5e-3
    drive = rest + currents / 10e-9
    expected = 1.0 / (pause + tau * np.log((drive - reset) / (drive - threshold)))
    run = ns.simulate(ns.neurons.conductance_lif(currents.size, background=currents), (0.0, 1.0), dt=dt)
    return expected, np.array([1.0 / np.diff(run.events[f"spike[{k}]"]).mean() for k in range(currents.size)])


def siegert_rate(mean: float, deviation: float, threshold: float, reset: float, tau: float, pause: float) -> float:
    """Rate [Hz] of a LIF neuron in white noise; `mean` and `deviation` are those of v without a threshold."""
    low, high = ((level - mean) / (np.sqrt(2.0) * deviation) for level in (reset, threshold))
    area = scipy.integrate.quad(lambda u: scipy.special.erfcx(-u), low, high)[0]
    return 1.0 / (pause + tau * np.sqrt(np.pi) * area)


def noisy_rates(currents: np.ndarray, dt: float, neurons: int, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates [Hz] of stochastic LIF neurons: Siegert's, with the threshold as the grid sees it, and here."""
    tau, deviation, threshold, reset, pause = 30e-3, 2e-3, 15e-3, 13.5e-3, 3e-3
    seen = threshold + 0.5826 * deviation * np.sqrt(2.0 * dt / tau)
    expected = np.array([siegert_rate(1e6 * i, deviation, seen, reset, tau, pause) for i in currents])
    net = ns.neurons.stochastic_lif(currents.size * neurons, deviation=deviation,
                                    background=np.repeat(currents, neurons))  # fmt: skip
    times = ns.simulate(net, (0.0, stop), dt=dt, seed=1).events.values()
    counts = np.array([np.sum(np.asarray(t) > 0.2) for t in times]).reshape(-1, neurons)
    return expected, counts.mean(axis=1) / (stop - 0.2)


def escape_rates(currents: np.ndarray, dt: float, neurons: int, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates [Hz] of LIF neurons with escape noise: from the mean time that survives, and here."""
    t = np.linspace(0.0, 3.0, 30_001)
    v = 1e6 * currents[:, None] + (13.5e-3 - 1e6 * currents[:, None]) * np.exp(-t / 30e-3)
    passed = scipy.integrate.cumulative_trapezoid(100.0 * np.exp((v - 15e-3) / 1e-3), t, initial=0.0)
    # A tick is seen at the end of its step.
    expected = 1.0 / (3e-3 + 0.5 * dt + scipy.integrate.trapezoid(np.exp(-passed), t))
    net = ns.neurons.escape_lif(currents.size * neurons, background=np.repeat(currents, neurons))
    times = ns.simulate(net, (0.0, stop), dt=dt, seed=2).events.values()
    counts = np.array([np.sum(np.asarray(t) > 0.2) for t in times]).reshape(-1, neurons)
    return expected, counts.mean(axis=1) / (stop - 0.2)


def adex_intervals() -> dict[str, np.ndarray]:
    """Time of the first spike and intervals [ms] in 0.6 s, by pattern."""
    c, g, e, a, tau, b, reset, current = np.array(list(PATTERNS.values()), float).T
    net = ns.neurons.adex(
        len(PATTERNS), capacitance=c * 1e-12, leak_conductance=g * 1e-9, resting=e * 1e-3, threshold=-50e-3, slope=2e-3,
        adaptation_conductance=a * 1e-9, adaptation_time_constant=tau * 1e-3, adaptation_step=b * 1e-12,
        reset=reset * 1e-3, background=current * 1e-12,
    )  # fmt: skip
    events = ns.simulate(net, (0.0, 0.6), dt=5e-5, scheme="lawson4").events
    return {name: np.diff(events[f"spike[{k}]"], prepend=0.0) * 1e3 for k, name in enumerate(PATTERNS)}


def shows_adex_pattern(name: str, found: np.ndarray) -> bool:
    """Whether times to the first spike and from spike to spike are those of a pattern."""
    first, intervals = found[0], found[1:]
    if name == "transient":
        return intervals.size <= 3 and first < 100.0
    half = intervals.size // 2
    late, ratio = intervals[half:], intervals.max() / intervals.min()
    if name == "tonic":
        return ratio < 1.15
    if name == "adaptation":
        return bool(np.all(np.diff(intervals) > -0.2)) and ratio > 3.0 and late.std() < 0.1 * late.mean()
    if name == "initial burst":
        return bool((intervals[:2] < 0.3 * late.mean()).all()) and late.std() < 0.02 * late.mean()
    if name == "regular bursting":
        return late.max() > 10.0 * late.min() and _repeats(late)
    if name == "delayed accelerating":
        return first > 1.2 * intervals[0] and bool((np.diff(intervals) < 0.06).all()) and ratio > 1.3
    if name == "delayed regular bursting":
        return first > 40.0 and late.max() > 5.0 * late.min() and _repeats(late)
    return late.std() > 0.3 * late.mean() and not _repeats(late)


def _repeats(intervals: np.ndarray, share: float = 0.1) -> bool:
    """Whether a sequence of intervals comes again after at most six of them."""
    return any(
        bool((np.abs(intervals[k:] - intervals[:-k]) < share * intervals[k:]).all())
        for k in range(1, min(6, intervals.size // 2) + 1)
    )


def shows_izhikevich_pattern(name: str, intervals: np.ndarray) -> bool:
    """Whether intervals [ms] from spike to spike in a constant current of 10 are those of a type."""
    late = intervals[intervals.size // 2 :]
    if name == "regular_spiking":
        return intervals[0] < 0.8 * late.mean() and late.std() < 0.02 * late.mean()
    if name == "intrinsically_bursting":
        return intervals[0] < 0.2 * late.mean() and late.std() < 0.02 * late.mean()
    if name == "chattering":
        return late.max() > 10.0 * late.min() and late.min() < 4.0
    if name == "fast_spiking":
        return intervals[2:].max() < 1.1 * intervals[2:].min() and late.mean() < 10.0
    if name == "low_threshold_spiking":
        return late.mean() > 3.0 * intervals[0] and late.std() < 0.05 * late.mean() and late.mean() < 20.0
    return bool((intervals < 20.0).all())


def current_without_rest(build: Callable[..., ns.SignalGraph], low: float, high: float, start: float) -> float:
    """The current between two at which the resting point near `start` [V] loses or regains its stability."""

    def growth(current: float) -> float:
        net = build(1, background=current, initial=start, synapses={})
        net.remove_node("spike")
        points = ns.fixed_points(net, starts=0).points
        return float(min(points, key=lambda point: abs(point.state[0] - start)).eigenvalues.real.max())

    return float(scipy.optimize.brentq(growth, low, high, xtol=1e-12 * high))


def onsets() -> dict[str, tuple[float, float]]:
    """Currents at which constant drive takes rest away (Hopf points): closed form and here, by model."""
    a, b, epsilon = 0.7, 0.8, 0.08
    v = -np.sqrt(1.0 - epsilon * b)
    fitzhugh = (v + a) / b - v + v**3 / 3.0
    rate, sensitivity = 0.02, 0.2
    v = (rate - 5.0) / 0.08
    izhikevich = -(0.04 * v**2 + (5.0 - sensitivity) * v + 140.0)
    c, g, e, threshold, slope, tau, a = 281e-12, 30e-9, -70.6e-3, -50.4e-3, 2e-3, 144e-3, 4e-9
    ratio = c / g / tau
    adex = (g + a) * (threshold - e - slope + slope * np.log1p(ratio)) + slope * g * (a / g - ratio)
    return {
        "FitzHugh-Nagumo": (fitzhugh, current_without_rest(ns.neurons.fitzhugh_nagumo, 0.3, 0.36, -1.0)),
        "Izhikevich": (izhikevich, current_without_rest(ns.neurons.izhikevich, 3.7, 3.9, -63e-3)),
        "AdEx": (adex, current_without_rest(ns.neurons.adex, 0.999 * adex, 1.0001 * adex, -50.4e-3)),
    }


def lowest_firing() -> float:
    """The lowest current [uA/cm2], to 0.001, at which Hodgkin and Huxley's neuron goes on firing once it does."""
    currents = np.arange(6.25, 6.272, 1e-3)
    net = ns.neurons.hodgkin_huxley(currents.size, background=currents * 1e-2, initial=-20e-3, synapses={})
    events = ns.simulate(net, (0.0, 3.0), dt=2.5e-5, scheme="lawson4").events.values()
    return float(currents[[len(times) > 0 and times[-1] > 2.95 for times in events]].min())


def balanced_rates(synapses: str, seeds: int, stop: float = 1.2) -> np.ndarray:
    """Mean rates [Hz] after 0.2 s, by seed."""
    found = []
    for seed in range(seeds):
        run = ns.simulate(ns.architectures.balanced(synapses=synapses, seed=seed), (0.0, stop), dt=1e-4)
        found.append(sum(np.sum(np.asarray(t) > 0.2) for t in run.events.values()) / 4000 / (stop - 0.2))
    return np.array(found)


def cases(context: Context) -> Iterator[Case]:
    """Single neurons, then networks; in the slow part with more wirings."""
    dt = 1e-5
    currents = np.linspace(110e-12, 600e-12, 12)
    expected, found = lif_rates(currents, dt)
    figure = context.figure("neurons", curves("current (pA)", "rate (Hz)", {
        "closed form": (currents * 1e12, expected, "-"), "conductance LIF": (currents * 1e12, found, "o"),
    }))  # fmt: skip
    yield curve_case(
        "f-I curve of the conductance LIF", "closed form with refractory time", "rate, of the largest", expected, found,
        2e-3, "each interval is up to one step of 0.01 ms late", figure,
    )  # fmt: skip
    means = np.array([11e-9, 13e-9, 15e-9, 17e-9])
    expected, found = noisy_rates(means, 1e-4, 250, 2.2)
    yield curve_case(
        "f-I curve of the stochastic LIF", SIEGERT,
        "rate, of the largest; threshold higher by 0.5826 standard deviations of a step, as the grid sees it",
        expected, found, 1e-2, "250 neurons for 2 s: about 0.5 % of sampling",
    )  # fmt: skip
    expected, found = escape_rates(means, 1e-4, 600, 2.2)
    yield curve_case(
        "f-I curve of the LIF with escape noise", GERSTNER, "rate, of the largest; from the survivor function",
        expected, found, 1e-2, "600 neurons for 2 s: about 0.3 % of sampling",
    )  # fmt: skip
    shown = adex_intervals()
    missed = [name for name, intervals in shown.items() if not shows_adex_pattern(name, intervals)]
    yield Case(
        "AdEx firing patterns", NAUD, "patterns of table 1 that a step of current does not give", "none of 8",
        ", ".join(missed) or "none", float(len(missed)), 0.0, "each shows its definition in intervals",
    )  # fmt: skip
    types = {
        name: np.diff(ns.simulate(ns.neurons.izhikevich(type=name, background=10.0), (0.0, 0.5), dt=1e-4)
                      .events["spike"]) * 1e3 for name in TYPES
    }  # fmt: skip
    missed = [name for name, intervals in types.items() if not shows_izhikevich_pattern(name, intervals)]
    yield Case(
        "Izhikevich types", IZHIKEVICH, "types that a constant current of 10 does not make fire as named", "none of 7",
        ", ".join(missed) or "none", float(len(missed)), 0.0, "each shows its definition in intervals",
    )  # fmt: skip
    brackets = ((0.095, 0.1, -59e-3), (1.5, 1.6, -45e-3))
    for where, wanted, (low, high, start) in zip(("lower", "upper"), HOPF, brackets, strict=True):
        yield number_case(
            f"Hodgkin-Huxley {where} Hopf point", HENDRICK, "current [uA/cm2]", wanted,
            1e2 * current_without_rest(ns.neurons.hodgkin_huxley, low, high, start), 1e-9, "digits of the bisection",
        )  # fmt: skip
    for name, (wanted, ours) in onsets().items():
        yield number_case(
            f"{name}: rest loses its stability", "closed form: the Jacobian's trace is zero",
            "constant current", wanted, ours, 1e-9, "digits of the bisection",
        )  # fmt: skip
    net = ns.neurons.hodgkin_huxley(1, background=0.08, initial=-20e-3, synapses={})
    times = np.asarray(ns.simulate(net, (0.0, 0.4), rtol=1e-9, save=["v"], save_steps=False).events["spike"])
    yield number_case(
        "Hodgkin-Huxley period at 8 uA/cm2", HENDRICK, "ms, without dt", PERIOD, float(np.diff(times)[-1]) * 1e3, 1e-6,
        "tolerance of the integration",
    )  # fmt: skip
    times = ns.simulate(net, (0.0, 0.6), dt=2.5e-5, scheme="lawson4").events["spike"]
    yield number_case(
        "Hodgkin-Huxley period at 8 uA/cm2, on the grid", HENDRICK, "ms, mean of 20, steps of 0.025 ms", PERIOD,
        float(times[-1] - times[-21]) / 20.0 * 1e3, 1e-4, "one step in 20 periods is 8e-5",
    )  # fmt: skip
    if not context.fast:
        yield number_case(
            "Hodgkin-Huxley lowest current of firing", HENDRICK + ", section 8 (numerical)",
            "fold of cycles [uA/cm2], currents in steps of 0.001", 6.260321, lowest_firing(), 3e-4,
            "a step of the currents, and 3 s to fade near the fold",
        )  # fmt: skip
    # Rates of single wirings of COBA lie between 18 and 24 Hz: only the mean of several says something.
    for synapses, seeds, (low, high) in (("cuba", 2, (5.0, 6.0)), ("coba", 0 if context.fast else 8, (20.0, 22.0))):
        if seeds == 0:
            continue
        rates = balanced_rates(synapses, seeds, 1.2 if synapses == "cuba" else 2.2)
        yield Case(
            f"{synapses.upper()} of 4000 neurons", BRETTE, f"mean rate [Hz], {seeds} wirings", f"{low:g} to {high:g}",
            f"{rates.mean():.2f} ({rates.min():.2f} to {rates.max():.2f})",
            max(low - rates.mean(), rates.mean() - high, 0.0), 0.0, "within the published band",
        )  # fmt: skip
