"""Tangent vectors across resets: Floquet multipliers and exponents of two pulse-coupled neurons against closed forms.

``v' = I - v``, reset from 1 to 0 with a rest of rho, and a pulse w to the other one. In antiphase, when one fires the
other stands at I - z and fires after ``ln(z / (I - 1))``; the first is then at ``I - I e^rho (I - 1) / z + w``. So
``z^2 + w z = I (I - 1) e^rho`` and one exchange of roles multiplies a difference by ``-I (I - 1) e^rho / z^2``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import neurosim as ns
from validation.case import Case, Context, curve_case
from validation.figures import curves

CURRENT = 2.0
SOURCE = "closed form, see the docstring of the module"


def antiphase(w: float, rest: float) -> tuple[ns.SignalGraph, float, float]:
    """The pair near its antiphase orbit, the multiplier of a whole round, and half the period [s]."""
    c = CURRENT * (CURRENT - 1.0) * np.exp(rest)
    z = 0.5 * (-w + np.sqrt(w * w + 4.0 * c))
    graph = ns.SignalGraph("two neurons")
    graph.port("u", 2)
    graph.state("v", 2, time_constant=1.0, initial=np.array([0.0, CURRENT - z + 0.03]))
    graph.event("spike", 2, threshold=1.0, refractory=rest)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    graph.parameter("W", np.array([[0.0, w], [w, 0.0]]))
    graph.connect("spike", "v", weight="W")
    return graph, float((c / z**2) ** 2), float(np.log(z / (CURRENT - 1.0)))


def cases(context: Context) -> Iterator[Case]:
    """Multipliers over the coupling, exponents over the rest."""
    drive = {"u": [CURRENT, CURRENT]}
    coupling = np.linspace(-0.6, -0.1, 6)
    expected = np.array([antiphase(w, 0.0)[1] for w in coupling])
    found = [ns.limit_cycle(antiphase(w, 0.0)[0], inputs=drive).multipliers for w in coupling]
    ours = np.array([np.sort(np.abs(m))[0] for m in found])
    drawn = {"closed form": (coupling, expected, "-"), "found": (coupling, ours, "o")}
    figure = context.figure("multiplier of two neurons", curves("coupling w", "Floquet multiplier", drawn))
    yield curve_case(
        "Floquet multiplier of two spiking neurons", SOURCE, "multiplier of the antiphase orbit over w = -0.6 .. -0.1",
        expected, ours, 1e-8, "derivatives of jumps are central differences", figure,
    )  # fmt: skip
    rests = np.array([0.05, 0.15, 0.3])
    wanted, measured = [], []
    for rest in rests:
        graph, multiplier, half = antiphase(-0.2, rest)
        wanted.append(0.5 * np.log(multiplier) / half)
        spectrum = ns.lyapunov_spectrum(
            graph, (0.0, 300.0 * half), transient=(60.0 * half, 40.0 * half), renormalise=half, drive=drive
        )
        measured.append(spectrum.measured)
    yield curve_case(
        "exponents of two refractory neurons", SOURCE, "second exponent over rests of 0.05 to 0.3 (1/s)",
        np.array(wanted), np.array(measured)[:, 1], 1e-2, "a run of 150 rounds begins and ends within one",
    )  # fmt: skip
    yield curve_case(
        "zero exponent of two refractory neurons", "a periodic orbit has one", "first exponent plus 1 (1/s)",
        np.ones(3), 1.0 + np.array(measured)[:, 0], 1e-2, "as above",
    )  # fmt: skip
