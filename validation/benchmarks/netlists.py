"""Generated netlists of any size: ladders, crossbars and grids of memristors, as subcircuits or as native devices.

The memristor is the textbook one (linear drift with the Joglekar window, p = 1). Both forms have the same equations:
the subcircuit has no bleeding resistor at its state node, because near a wall of the window the answer hangs on it.
"""

from __future__ import annotations

import random

_SUBCIRCUIT = """.subckt mem p n ron=100 roff=16k x0=0.5 k=1e7
Bm p n I=V(p,n)/(ron*V(x)+roff*(1-V(x)))
Bx 0 x I=1u*k*V(p,n)/(ron*V(x)+roff*(1-V(x)))*(1-(2*V(x)-1)^2)
Cx x 0 1u ic={x0}
.ends"""


def _model(k: float) -> str:
    """Linear drift with mu ron / D^2 = k for ron = 100 ohm, D = 10 nm."""
    return f".model mem linear_drift ron=100 roff=16k d=10n uv={k * 1e-16 / 100:.6g} window=joglekar p=1"


def _memristor(name: str, a: str, b: str, x0: float, native: bool, k: float) -> str:
    if native:
        return f"YMEMRISTOR m{name} {a} {b} mem x0={x0:.6f}"
    return f"X{name} {a} {b} mem x0={x0:.6f} k={k:g}"


def rc_ladder(sections: int) -> str:
    """Resistors in series, a capacitor to ground at each joint: linear and stiff."""
    cards = [f"RC ladder, {sections} sections", "V1 n0 0 SIN(0 1 2k)"]
    for i in range(sections):
        cards += [f"R{i} n{i} n{i + 1} 1", f"C{i} n{i + 1} 0 1n"]
    probes = " ".join(f"v(n{max(1, sections * k // 4)})" for k in (1, 2, 4))
    return "\n".join([*cards, f".save {probes}", ".tran 1u 1m", ".end"]) + "\n"


def diode_ladder(sections: int) -> str:
    """As the RC ladder, with a diode to ground at each joint, alternately either way round."""
    cards = [
        f"diode ladder, {sections} sections",
        ".model d1 d is=1e-14 n=1.2 rs=1 cjo=2p vj=0.7 m=0.5 tt=5n",
        "V1 n0 0 SIN(0 20 10k)",
    ]
    for i in range(sections):
        ends = f"n{i + 1} 0" if i % 2 else f"0 n{i + 1}"
        cards += [f"R{i} n{i} n{i + 1} 5", f"D{i} {ends} d1", f"C{i} n{i + 1} 0 1n"]
    return "\n".join([*cards, f".save v(n1) v(n{sections // 4}) v(n{sections})", ".tran 1u 0.3m", ".end"]) + "\n"


def crossbar(size: int, *, native: bool, seed: int = 1) -> str:
    """Rows driven by sines of random amplitude, columns loaded with 100 ohm, a memristor at each crossing."""
    draw = random.Random(seed)
    k = 1e7
    cards = [f"memristor crossbar {size}x{size}", _model(k) if native else _SUBCIRCUIT]
    for i in range(size):
        cards += [f"V{i} r{i} 0 SIN(0 {0.5 + 0.5 * draw.random():.6f} 1k)", f"Rc{i} c{i} 0 100"]
    for i in range(size):
        for j in range(size):
            cards.append(_memristor(f"{i}_{j}", f"r{i}", f"c{j}", 0.2 + 0.6 * draw.random(), native, k))
    probes = " ".join(f"v(c{j})" for j in (0, size // 2, size - 1))
    return "\n".join([*cards, f".save {probes}", ".tran 10u 1m uic", ".end"]) + "\n"


def grid(size: int, *, native: bool, seed: int = 2) -> str:
    """Square grid of size x size nets with a memristor on each edge, either way round, driven at one corner."""
    draw = random.Random(seed)
    k = 1e8
    cards = [f"memristor grid {size}x{size}, {2 * size * (size - 1)} memristors", _model(k) if native else _SUBCIRCUIT]
    cards += ["V1 g0_0 0 SIN(0 5 1k)", f"Rg g{size - 1}_{size - 1} 0 1"]
    number = 0
    for i in range(size):
        for j in range(size):
            for a, b in ((i + 1, j), (i, j + 1)):
                if a < size and b < size:
                    ends = [f"g{i}_{j}", f"g{a}_{b}"]
                    x0 = 0.2 + 0.6 * draw.random()
                    if draw.random() < 0.5:
                        ends.reverse()
                    cards.append(_memristor(str(number), *ends, x0, native, k))
                    number += 1
    half, last = size // 2, size - 1
    probes = f"v(g{half}_{half}) v(g0_{last}) v(g{last}_{last})"
    return "\n".join([*cards, f".save {probes}", ".tran 10u 1m uic", ".end"]) + "\n"
