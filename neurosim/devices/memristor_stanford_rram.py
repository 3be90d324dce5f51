"""Stanford/ASU model of a filamentary resistive switch (RRAM), with the temperature of the filament.

    i  = I0 exp(-g / g0) sinh(v / V0)
    g' = -v0 [exp((-E_g + gamma a0 v / L) / (k T / q)) - exp((-E_r - gamma a0 v / L) / (k T / q))]
    gamma = gamma0 - beta (g / g1)^3
    T  = T_ambient + theta,    theta' = i v / C_th - theta / tau_th

g (metres) is the gap between the filament and the electrode: a small gap is the low resistance. A positive voltage
closes the gap (SET), a negative one opens it (RESET). T_ambient is the temperature of the circuit. The switching time
falls exponentially with the voltage.

Source: Guan, Yu & Wong, IEEE Electron Device Lett. 33, 1405 (2012), doi 10.1109/LED.2012.2210856; Jiang & Wong,
Stanford RRAM model 1.0.0, nanoHUB (2014), doi 10.4231/D37H1DN48. Standard set: the Verilog-A code of Stanford and ASU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_exponentials import limited_exponential, limited_sinh
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np

BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""k/q [V/K], exact in the SI of 2019."""

COLDEST = 1.0
"""Lowest temperature [K] that the law uses, so that a wild iterate stays finite."""


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, g, theta = u[0, m], u[1, m], u[2, m]
        scale, g0, v_0 = p[0, m], p[1, m], p[2, m]
        speed, gamma_0, beta, g1 = p[3, m], p[4, m], p[5, m], p[6, m]
        gap, gap_slope = limited_exponential(-g / g0)
        s, s_slope = limited_sinh(v / v_0)
        i = scale * gap * s
        conductance = scale * gap * s_slope / v_0
        t = max(p[10, m] + theta, COLDEST)
        thermal = BOLTZMANN_OVER_CHARGE * t
        shrink = p[9, m]
        gamma = gamma_0 - beta * (g / g1) ** 3
        drive = gamma * shrink * v
        z_close, z_open = (drive - p[7, m]) / thermal, (-drive - p[8, m]) / thermal
        close, close_slope = limited_exponential(z_close)
        open_, open_slope = limited_exponential(z_open)
        F[0, m] = i
        F[1, m] = -speed * (close - open_)
        F[2, m] = i * v * p[11, m] - theta * p[12, m]
        if context[WANT_DERIVATIVES] != 0.0:
            gap_factor = -gap_slope / g0
            by_drive = -speed * (close_slope + open_slope) / thermal
            D[0, 0, m] = conductance
            D[0, 1, m] = scale * gap_factor * s
            D[0, 2, m] = 0.0
            D[1, 0, m] = by_drive * gamma * shrink
            D[1, 1, m] = by_drive * -3.0 * beta * g * g / g1**3 * shrink * v
            D[1, 2, m] = speed * (close_slope * z_close - open_slope * z_open) / t if t > COLDEST else 0.0
            D[2, 0, m] = (conductance * v + i) * p[11, m]
            D[2, 1, m] = scale * gap_factor * s * v * p[11, m]
            D[2, 2, m] = -p[12, m]


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`; row 9 is a0 / L, row 10 T_ambient [K], rows 11 and 12 are 1/C_th [K/J] and 1/tau_th [1/s]."""
    c = columns
    names = ("i0", "g0", "v0", "gap_velocity", "gamma0", "beta", "g1", "e_generation", "e_recombination")
    heat = (c["temperature"], 1.0 / c["thermal_capacitance"], 1.0 / c["thermal_time_constant"])
    return (*(c[name] for name in names), c["atomic_distance"] / c["oxide_thickness"], *heat)


device = Device(
    name="stanford_rram",
    summary="memristor, Stanford/ASU filamentary resistive switch with filament temperature",
    source=Reference("Jiang & Wong, Stanford RRAM model 1.0.0, nanoHUB (2014)", "10.4231/D37H1DN48"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("gap", None), ("heating", None)),
        flows=(Current("p", "n"), Rate("gap"), Rate("heating")),
        states=(
            State("gap", "m", "initial_gap", "smallest_gap", "largest_gap", "largest_gap", "gap; small conducts"),
            State("heating", "K", 0.0, 0.0, scale=100.0, meaning="filament above ambient temperature", held=False),
        ),
        dependence=((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)),
    ),
    parameters=(
        Parameter("i0", 6.14e-5, "A", "current factor I_0", 0),
        Parameter("g0", 0.27505e-9, "m", "decay length of the current g_0", 0, exclusive=True),
        Parameter("v0", 0.43, "V", "voltage scale of the current V_0", 0, exclusive=True),
        Parameter("gap_velocity", 150.0, "m/s", "velocity factor of the gap v_0", 0, aliases=("vel0",)),
        Parameter("gamma0", 16.5, "", "field enhancement gamma_0", 0),
        Parameter("beta", 1.25, "", "fall of the enhancement with the gap beta", 0),
        Parameter("g1", 1e-9, "m", "length in the enhancement g_1", 0, exclusive=True),
        Parameter("e_generation", 1.501, "eV", "activation energy of vacancy generation E_g", 0, aliases=("eag",)),
        Parameter("e_recombination", 1.5, "eV", "activation energy of recombination E_r", 0, aliases=("ear",)),
        Parameter("atomic_distance", 0.25e-9, "m", "hopping distance a_0", 0, aliases=("a0",)),
        Parameter("oxide_thickness", 5e-9, "m", "oxide thickness L", 0, exclusive=True, aliases=("tox", "l")),
        Parameter("smallest_gap", 0.1e-9, "m", "lower bound of the gap", 0, aliases=("gap_min",)),
        Parameter("largest_gap", 1.7e-9, "m", "upper bound of the gap", 0, aliases=("gap_max",)),
        Parameter("initial_gap", "largest_gap", "m", "gap at the start", 0, aliases=("gap_ini", "x0")),
        Parameter("thermal_capacitance", 3.1825e-16, "J/K", "C_th", 0, exclusive=True, aliases=("cth",)),
        Parameter("thermal_time_constant", 2.3e-10, "s", "tau_th", 0, exclusive=True, aliases=("tau_th",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "stanford_rram"), level=105
    ),
    reference={
        "pinched": True,
        "drive": {"amplitude": 2.0, "frequency": 1e3},
        "state_bounds": {"gap": (0.1e-9, 1.7e-9), "heating": (0.0, 3e3)},
    },
)
