"""What junctions of diodes and transistors share: depletion charge, limiting, breakdown, temperature laws.

Equations of SPICE3 as in ngspice 39 (devsup.c, diotemp.c): constants 4e-4, 1.16, 7.02e-4, 1108 are those of its
silicon (band gap 1.16 - 7.02e-4 T^2 / (T + 1108) eV, Y. P. Varshni, Physica 34, 149 (1967), doi
10.1016/0031-8914(67)90062-6).
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.devices.temperature import BOLTZMANN_OVER_CHARGE
from neurosim.kernels.abi import helper
from neurosim.kernels.functions import Inlined, fast_exp, fast_expm1, fast_log

REFERENCE_TEMPERATURE = 300.15
"""Temperature of the silicon constants [K]."""

REFERENCE_GAP = 1.1150877
"""Band gap of silicon at 300.15 K in SPICE [eV]."""


STEEPEST = 250.0
"""Exponents above this are continued linearly: no current reaches it, but a trial step must not overflow."""

E = math.e


@Inlined
def exponential(v, saturation, nvt):
    """``saturation (exp(v / nvt) - 1)`` [A] and its slope [S]."""
    x = v / nvt
    excess = x - STEEPEST if x > STEEPEST else 0.0
    e = fast_expm1(STEEPEST if x > STEEPEST else x)
    growth = e + 1.0
    return saturation * (e + growth * excess), saturation / nvt * growth


@Inlined
def junction_current(v, saturation, nvt):
    """Current [A] and conductance [S] of a junction without breakdown."""
    forward, forward_slope = exponential(v, saturation, nvt)
    reverse = v < -3.0 * nvt
    behind = v if reverse else -3.0 * nvt
    root = 3.0 * nvt / (behind * E)
    cube = root * root * root
    slope = saturation * 3.0 * cube / behind if reverse else forward_slope
    return -saturation * (1.0 + cube) if reverse else forward, slope


@Inlined
def breakdown_current(v, saturation, breakdown, breakdown_nvt):
    """Current [A] and conductance [S] beyond the breakdown voltage."""
    current, slope = exponential(-(v + breakdown), saturation, breakdown_nvt)
    return -saturation - current, slope


@Inlined
def depletion_share(v, potential, grading, forward):
    """``(1 - v / potential) ^ -grading``, v taken no further than forward * potential."""
    edge = forward * potential
    return fast_exp(-grading * fast_log(1.0 - (edge if v > edge else v) / potential))


@Inlined
def abrupt_share(v, potential, forward):
    """`depletion_share` for the grading 1/2 of an abrupt junction, which needs no logarithm."""
    edge = forward * potential
    return 1.0 / math.sqrt(1.0 - (edge if v > edge else v) / potential)


@Inlined
def depletion_charge_of(share, v, capacitance, potential, grading, forward):
    """Charge [C] and capacitance [F] of a junction from its `depletion_share`.

    Above forward * potential the capacitance grows linearly.
    """
    edge = forward * potential
    rest = 1.0 - (edge if v > edge else v) / potential
    beyond = v - edge if v > edge else 0.0
    at_rest = capacitance * share
    steepness = grading / (potential * rest)
    charge = potential * capacitance * (1.0 - rest * share) / (1.0 - grading)
    return charge + at_rest * beyond * (1.0 + 0.5 * steepness * beyond), at_rest * (1.0 + steepness * beyond)


@helper
def depletion_charge(v, capacitance, potential, grading, forward):
    """Charge [C] and capacitance [F] of a junction; above forward * potential the capacitance grows linearly."""
    share = depletion_share(v, potential, grading, forward)
    return depletion_charge_of(share, v, capacitance, potential, grading, forward)


@helper
def limited_junction_voltage(new, old, vt, critical):
    """Keep a Newton step from overflowing the exponential (SPICE3 DEVpnjlim, as in ngspice 39)."""
    if new > critical and abs(new - old) > vt + vt:
        if old > 0.0:
            argument = (new - old) / vt
            if argument > 0.0:
                return old + vt * (2.0 + math.log(argument - 2.0))
            return old - vt * (2.0 + math.log(2.0 - argument))
        return vt * math.log(new / vt)
    if new < 0.0:
        floor = -old - 1.0 if old > 0.0 else 2.0 * old - 1.0
        return max(new, floor)
    return new


def temperature_factors(
    temperature: np.ndarray,
    nominal: np.ndarray,
    potential: np.ndarray,
    grading: np.ndarray,
    vt: np.ndarray,
    vt_nominal: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Junction potential [V] at `temperature`, and the factor on the zero-bias capacitance given at `nominal`."""

    def shift(t: np.ndarray, vt_of_t: np.ndarray) -> np.ndarray:
        gap = 1.16 - 7.02e-4 * t * t / (t + 1108.0)
        k = BOLTZMANN_OVER_CHARGE
        argument = -gap / (2.0 * k * t) + REFERENCE_GAP / (2.0 * k * REFERENCE_TEMPERATURE)
        return -2.0 * vt_of_t * (1.5 * np.log(t / REFERENCE_TEMPERATURE) + argument)

    at_reference = (potential - shift(nominal, vt_nominal)) / (nominal / REFERENCE_TEMPERATURE)
    at_temperature = shift(temperature, vt) + temperature / REFERENCE_TEMPERATURE * at_reference

    def factor(t: np.ndarray, value: np.ndarray) -> np.ndarray:
        return 1.0 + grading * (4e-4 * (t - REFERENCE_TEMPERATURE) - (value - at_reference) / at_reference)

    return at_temperature, factor(temperature, at_temperature) / factor(nominal, potential)


def breakdown_voltage(voltage: np.ndarray, current: np.ndarray, saturation: np.ndarray, vt: np.ndarray) -> np.ndarray:
    """Voltage [V] at which the exponential breakdown must start so that `current` flows at `voltage`.

    A `current` below ``saturation * voltage / vt`` cannot be met; breakdown then starts at `voltage` itself, as in
    SPICE3.
    """
    reachable = current >= saturation * voltage / vt
    with np.errstate(invalid="ignore", divide="ignore"):
        start = voltage - vt * np.log1p(current / saturation)
        for _ in range(50):
            start = voltage - vt * np.log(current / saturation + 1.0 - start / vt)
    return np.where(reachable, start, voltage)
