"""Linear circuits against closed forms of any textbook."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim import read_netlist, simulate
from validation.case import Case, Context, curve_case

TEXTBOOK = "closed form, textbook"


def cases(context: Context) -> Iterator[Case]:
    """RC, RLC, mutual inductance, AC, operational amplifier, a derivative."""
    yield from resistor_capacitor(context)
    yield from resonators()
    yield from transformer()
    yield from filters()
    yield from amplifiers()
    yield from derivatives()


def resistor_capacitor(context: Context) -> Iterator[Case]:
    """Charging, and the response to a sine from rest."""
    netlist = read_netlist("RC\nr1 in out 1k\nc1 out 0 1u ic=0\nv1 in 0 1\n.tran 50u 10m uic\n.end")
    for rtol, tolerance in ((None, 1e-4), (1e-10, 1e-9)):
        result = simulate(netlist, rtol=rtol)
        expected = 1.0 - np.exp(-result.axis / 1e-3)

        def draw(ax, result=result, expected=expected):
            ax.semilogy(result.axis * 1e3, np.abs(result["v(out)"] - expected) + 1e-18)
            ax.set(xlabel="time (ms)", ylabel="error of v(out) (V)")

        label = "default rtol" if rtol is None else f"rtol {rtol:g}"
        yield curve_case(
            f"RC charging, {label}", TEXTBOOK, "v(out) / 1 V", expected, result["v(out)"], tolerance,
            "the relative tolerance of the run, times 1 to 10", context.figure(f"rc {label}", draw),
        )  # fmt: skip
    text = "RC\nr1 in out 1k\nc1 out 0 1u\nv1 in 0 sin(0 1 200)\n.tran 50u 20m\n.end"
    result = simulate(read_netlist(text), rtol=1e-10)
    w, tau, t = 2 * np.pi * 200, 1e-3, result.axis
    expected = (w * tau * np.exp(-t / tau) + np.sin(w * t) - w * tau * np.cos(w * t)) / (1 + (w * tau) ** 2)
    yield curve_case("RC driven by a sine", TEXTBOOK, "v(out) / range", expected, result["v(out)"], 1e-9, "10 rtol")


def resonators() -> Iterator[Case]:
    """Series RLC, underdamped and overdamped, and a resonator without loss."""
    for label, r in (("underdamped", 20.0), ("overdamped", 2000.0)):
        text = f"RLC\nv1 in 0 1\nr1 in a {r}\nl1 a out 1m ic=0\nc1 out 0 100n ic=0\n.tran 2u 1m uic\n.end"
        result = simulate(read_netlist(text), rtol=1e-10)
        alpha, w0, t = r / 2e-3, 1 / np.sqrt(1e-3 * 100e-9), result.axis
        root = np.sqrt(complex(alpha**2 - w0**2))
        s1, s2 = -alpha + root, -alpha - root
        expected = (1 + (s2 * np.exp(s1 * t) - s1 * np.exp(s2 * t)) / (s1 - s2)).real
        yield curve_case(f"RLC step, {label}", TEXTBOOK, "v(out) / range", expected, result["v(out)"], 1e-8, "100 rtol")
    text = "LC\nl1 a 0 1m ic=0\nc1 a 0 1u ic=1\nrbig a 0 1g\n.tran 10u 20m uic\n.end"
    result = simulate(read_netlist(text), rtol=1e-10)
    w = 1 / np.sqrt(1e-9)
    expected = np.cos(w * result.axis) * np.exp(-result.axis / 2e3)
    yield curve_case(
        "LC resonator, 100 periods", TEXTBOOK, "v(a) / 1 V", expected, result["v(a)"], 1e-7,
        "errors of the phase add up over 100 periods",
    )  # fmt: skip


def transformer() -> Iterator[Case]:
    """Two coupled inductors with resistors: a linear system of two currents, solved by its matrix exponential."""
    from scipy.linalg import expm

    text = "K\nv1 in 0 1\nr1 in p 10\nl1 p 0 1m ic=0\nl2 s 0 4m ic=0\nk1 l1 l2 0.9\nr2 s 0 50\n.tran 2u 0.5m uic\n.end"
    result = simulate(read_netlist(text), rtol=1e-10)
    mutual = 0.9 * np.sqrt(1e-3 * 4e-3)
    inductance = np.array([[1e-3, mutual], [mutual, 4e-3]])
    matrix = -np.linalg.solve(inductance, np.diag([10.0, 50.0]))
    final = np.linalg.solve(matrix, -np.linalg.solve(inductance, [1.0, 0.0]))
    points = np.linspace(0, 0.5e-3, 51)[1:]
    expected = np.array([final - expm(matrix * t) @ final for t in points])
    ours = np.array([np.interp(points, result.axis, result[f"i({name})"]) for name in ("l1", "l2")]).T
    yield curve_case(
        "mutual inductance", "matrix exponential of the coupled equations", "i(l1), i(l2) / 0.1 A", expected.ravel(),
        ours.ravel(), 1e-8, "100 rtol",
    )  # fmt: skip


def filters() -> Iterator[Case]:
    """AC responses."""
    result = simulate(read_netlist("RC\nv1 in 0 dc 0 ac 1\nr1 in out 1k\nc1 out 0 1u\n.ac dec 20 1 1meg\n.end"))
    expected = 1 / (1 + 2j * np.pi * result.axis * 1e-3)
    error = np.abs(result["v(out)"] / expected - 1)
    yield curve_case(
        "RC low-pass, AC", TEXTBOOK, "v(out) relative at each frequency", np.ones(error.size), 1 + error, 1e-12,
        "rounding",
    )  # fmt: skip
    text = "B\nv1 in 0 dc 0 ac 2\nr1 in a 50\nc1 a 0 {1/(100*pi*1k)}\nl1 a out {2*50/(2*pi*1k)}\n"
    result = simulate(read_netlist(text + "c2 out 0 {1/(100*pi*1k)}\nr2 out 0 50\n.ac dec 20 10 100k\n.end"))
    s = 1j * result.axis / 1e3
    expected = 1 / (s**3 + 2 * s**2 + 2 * s + 1)
    error = np.abs(result["v(out)"] / expected - 1)
    yield curve_case(
        "Butterworth filter of order 3, AC", "Butterworth polynomial of order 3", "v(out) relative at each frequency",
        np.ones(error.size), 1 + error, 1e-11, "rounding, 60 dB per decade over two decades",
    )  # fmt: skip


def amplifiers() -> Iterator[Case]:
    """Inverting amplifiers, ideal and of one pole."""
    result = simulate(read_netlist("A\nv1 in 0 0.1\nr1 in s 1k\nr2 s out 10k\nyopamp a 0 s out\n.op\n.end"))
    yield curve_case(
        "ideal operational amplifier", TEXTBOOK, "v(out)", np.array([-1.0]), np.array([float(result["v(out)"])]), 1e-12,
        "rounding",
    )  # fmt: skip
    text = "A\nv1 in 0 dc 0 ac 1\nr1 in s 1k\nr2 s out 10k\nyopamp a 0 s out m\n"
    text += ".model m opamp level=2 gain=1e5 gbw=1meg\n"
    result = simulate(read_netlist(text + ".ac dec 10 1 10meg\n.end"))
    gain = 1e5 / (1 + 1j * result.axis / (1e6 / 1e5))
    expected = -10 * gain / (gain + 11)
    error = np.abs(result["v(out)"] / expected - 1)
    yield curve_case(
        "operational amplifier with one pole, AC", TEXTBOOK, "v(out) relative at each frequency", np.ones(error.size),
        1 + error, 1e-5, "the pole may be placed at GBW/A0 or at GBW/sqrt(A0^2 - 1)",
    )  # fmt: skip


def derivatives() -> Iterator[Case]:
    """Derivatives of a driven node: of its square by ddt(), and the current of a capacitor across the source."""
    text = "ddt\nv1 a 0 sin(0 1 1k)\nb1 o 0 v=1e-4*ddt(v(a)*v(a))\nr1 o 0 1k\nc1 a 0 1u\n.tran 5u 2m\n"
    text += ".save v(o) i(v1)\n.end"
    for rtol, tolerance in ((None, 1e-5), (1e-8, 1e-6)):
        result = simulate(read_netlist(text), rtol=rtol)
        w, t = 2 * np.pi * 1e3, result.axis
        expected = np.concatenate([1e-4 * w * np.sin(2 * w * t), 1e-4 * w * np.cos(w * t)])
        ours = np.concatenate([result["v(o)"], -100.0 * result["i(v1)"]])
        yield curve_case(
            f"derivatives of a driven node, {'default rtol' if rtol is None else f'rtol {rtol:g}'}", TEXTBOOK,
            "1e-4 s d(v^2)/dt, 100 ohm i(v1) / range", expected, ours, tolerance,
            "the relative tolerance of the run, times 1 to 100: a difference over a millionth of a step is rounded",
        )  # fmt: skip
