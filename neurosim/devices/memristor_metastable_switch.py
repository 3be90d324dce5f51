"""Metastable switches (Knowm): a memristor as a set of two-state switches that voltage and heat throw.

    i  = phi v (x / r_on + (1 - x) / r_off) + (1 - phi) [a_f (e^(b_f v) - 1) - a_r (e^(-b_r v) - 1)]
    x' = (P_on (1 - x) - P_off x) / tau
    P_on = 1 / (1 + exp(-(v - v_on) / V_T)),   P_off = 1 / (1 + exp((v + v_off) / V_T)),   V_T = k T / q

x in [0, 1] is the share of switches that are on. The Schottky branch carries no current at v = 0 also when a_f and a_r
differ. T is the temperature of the circuit.

``metastable_switch`` is the mean over many switches. At a fixed voltage x goes to P_on / (P_on + P_off) exponentially
with the rate (P_on + P_off) / tau.

``stochastic_metastable_switch`` has N switches. After an accepted step, of length h <= tau / 20, with x constant,
the numbers of switches that turn on and off are drawn from binomial distributions with the exact probabilities of the
two-state master equation at the voltage reached, P_on / (P_on + P_off) (1 - exp(-(P_on + P_off) h / tau)) and alike.
The draws belong to (seed, index of the instance in its batch, number of the step, number of the draw): no hidden state,
the same bits each time. A jump costs a time proportional to the number of switches thrown.

Source: Nugent & Molter, PLoS ONE 9, e85175 (2014), doi 10.1371/journal.pone.0085175; Molter & Nugent, The generalized
metastable switch memristor model, arXiv 1608.04659 (2016). Standard set and level: Knowm's deck for Xyce.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_exponentials import limited_exponential_minus_one
from neurosim.devices.memristor_random_numbers import binomial
from neurosim.errors import ParameterError
from neurosim.kernels.abi import SEED, STEP, WANT_DERIVATIVES, helper, kernel
from neurosim.kernels.functions import fast_logistic

if TYPE_CHECKING:
    import numpy as np

BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""k/q [V/K], exact in the SI of 2019."""


@helper
def set_current(u, p, m, want_derivatives, F, D):
    """Current of instance m and its derivatives."""
    v, g_on, g_off, share = u[0, m], p[0, m], p[1, m], p[6, m]
    held = min(max(u[1, m], 0.0), 1.0)
    g = g_off + (g_on - g_off) * held
    forward, forward_slope = limited_exponential_minus_one(p[8, m] * v)
    reverse, reverse_slope = limited_exponential_minus_one(-p[10, m] * v)
    F[0, m] = share * v * g + (1.0 - share) * (p[7, m] * forward - p[9, m] * reverse)
    if want_derivatives != 0.0:
        schottky = p[7, m] * p[8, m] * forward_slope + p[9, m] * p[10, m] * reverse_slope
        D[0, 0, m] = share * g + (1.0 - share) * schottky
        D[0, 1, m] = share * v * (g_on - g_off) if held == u[1, m] else 0.0


@kernel
def mean_law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        set_current(u, p, m, context[WANT_DERIVATIVES], F, D)
        v, x, thermal, speed = u[0, m], u[1, m], p[4, m], p[5, m]
        on, off = fast_logistic((v - p[2, m]) / thermal), fast_logistic(-(v + p[3, m]) / thermal)
        F[1, m] = speed * (on * (1.0 - x) - off * x)
        if context[WANT_DERIVATIVES] != 0.0:
            D[1, 0, m] = speed * (on * (1.0 - on) * (1.0 - x) + off * (1.0 - off) * x) / thermal
            D[1, 1, m] = -speed * (on + off)


@kernel
def stochastic_law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        set_current(u, p, m, context[WANT_DERIVATIVES], F, D)
        F[1, m] = 0.0
        if context[WANT_DERIVATIVES] != 0.0:
            D[1, 0, m] = 0.0
            D[1, 1, m] = 0.0


@kernel
def start(context, u, p, memory, table, code, F, D):
    memory[0, :] = 0.0


@kernel
def accept(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, thermal = u[0, m], p[4, m]
        n, stream, step = int(p[11, m]), int(p[13, m]), int(memory[0, m])
        seed = (int(p[12, m]) + 0x9E3779B1 * int(context[SEED])) & 0xFFFFFFFF
        rate_on = p[5, m] * fast_logistic((v - p[2, m]) / thermal)
        rate_off = p[5, m] * fast_logistic(-(v + p[3, m]) / thermal)
        both = rate_on + rate_off
        moved = -math.expm1(-both * context[STEP]) / both if both > 0.0 else 0.0
        n_on = min(max(round(u[1, m] * n), 0), n)
        turned_on = binomial(n - n_on, rate_on * moved, seed, stream, step, 0)
        turned_off = binomial(n_on, rate_off * moved, seed, stream, step, 0x40000000)
        F[1, m] = (n_on + turned_on - turned_off) / n
        memory[0, m] = step + 1.0


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: conductances, voltages, V_T, 1/tau, phi, Schottky branch; stochastic: N, seed, index."""
    import numpy as np

    c = columns
    thermal = BOLTZMANN_OVER_CHARGE * c["temperature"]
    branch = (c[name] for name in ("phi", "forward_factor", "forward_slope", "reverse_factor", "reverse_slope"))
    rows = (1.0 / c["r_on"], 1.0 / c["r_off"], c["v_on"], c["v_off"], thermal, 1.0 / c["tau"], *branch)
    if "switches" not in c:
        return rows
    for name in ("switches", "seed"):
        if (c[name] != np.floor(c[name])).any():
            raise ParameterError(f"{name} of device 'stochastic_metastable_switch' must be a whole number")
    return (*rows, c["switches"], c["seed"], np.arange(len(thermal), dtype=float))


def largest_step(columns: Columns) -> float:
    """Largest step [s]: the voltage is taken as constant while switches are thrown."""
    return float(columns["tau"].min()) / 20.0


PARAMETERS = (
    Parameter("r_on", 500.0, "ohm", "resistance when all switches are on R_on", 0, exclusive=True, aliases=("ron",)),
    Parameter("r_off", 1500.0, "ohm", "resistance when all are off R_off", 0, exclusive=True, aliases=("roff",)),
    Parameter("v_on", 0.27, "V", "threshold to turn on V_on", aliases=("von",)),
    Parameter("v_off", 0.27, "V", "size of the threshold to turn off V_off", aliases=("voff",)),
    Parameter("tau", 1e-4, "s", "time scale of a switch tau", 0, exclusive=True),
    Parameter("phi", 0.8, "", "share of the memory-dependent current phi", 0, 1),
    Parameter("forward_factor", 8e-4, "A", "forward Schottky current a_f", 0, aliases=("sfa",)),
    Parameter("forward_slope", 4.0, "1/V", "forward Schottky steepness b_f", 0, aliases=("sfb",)),
    Parameter("reverse_factor", 8e-4, "A", "reverse Schottky current a_r", 0, aliases=("sra",)),
    Parameter("reverse_slope", 4.0, "1/V", "reverse Schottky steepness b_r", 0, aliases=("srb",)),
    Parameter("x0", 0.0, "", "share of switches that are on at the start", 0, 1, aliases=("xo",)),
)
SOURCE = Reference("Molter & Nugent, The generalized metastable switch memristor model (2016)", "arXiv:1608.04659")
STATES = (State("x", "", "x0", 0.0, 1.0, 1.0, "share of switches that are on"),)
INPUTS, FLOWS = (("p", "n"), ("x", None)), (Current("p", "n"), Rate("x"))
FORM = "YMEMRISTOR <name> <n+> <n-> <model>"
FACTS = {"pinched": True, "drive": {"amplitude": 0.5, "frequency": 100.0}, "state_bounds": {"x": (0.0, 1.0)}}

device = (
    Device(
        name="metastable_switch",
        summary="memristor, metastable switches, mean over many (Knowm)",
        source=SOURCE,
        structure=Structure(("p", "n"), INPUTS, FLOWS, states=STATES),
        parameters=PARAMETERS,
        law=mean_law,
        derive=derive,
        netlist=NetlistRule("YMEMRISTOR", FORM, (), ("memristor", "metastable_switch"), level=5),
        reference=FACTS,
    ),
    Device(
        name="stochastic_metastable_switch",
        summary="memristor, a number of metastable switches thrown at random (Knowm)",
        source=SOURCE,
        structure=Structure(("p", "n"), INPUTS, FLOWS, states=STATES, memory_rows=1, dependence=((0, 0), (0, 1))),
        parameters=(
            *PARAMETERS,
            Parameter("switches", 1000.0, "", "number of switches N, whole", 1, 1e6, aliases=("n",)),
            Parameter("seed", 0.0, "", "seed of the random numbers, whole", 0, 2.0**31 - 1),
        ),
        law=stochastic_law,
        derive=derive,
        netlist=NetlistRule("YMEMRISTOR", FORM, (), ("memristor", "stochastic_metastable_switch"), level=106),
        accept=accept,
        accept_writes_states=True,
        start=start,
        largest_step=largest_step,
        reference=FACTS,
    ),
)
