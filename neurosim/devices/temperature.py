"""Parameters by which a part gets its own temperature, and the temperatures [K] that follow from them.

An instance has the temperature of the circuit plus `temperature_rise`, or its own `instance_temperature`. Model values
hold at `measurement_temperature`, by default the nominal temperature of the circuit (``tnom``, 27 degrees Celsius).
The rules are those of ngspice 39.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Columns, Parameter

ZERO_CELSIUS = 273.15
"""0 degrees Celsius [K] (exact by definition)."""

BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""k / q [V/K], exact in the SI since 2019."""

TEMPERATURE_PARAMETERS = (
    Parameter("instance_temperature", unit="degC", meaning="own temperature", optional=True, aliases=("temp",)),
    Parameter("temperature_rise", 0.0, "degC", "above the circuit's temperature", aliases=("dtemp", "trise")),
    Parameter(
        "measurement_temperature",
        unit="degC",
        meaning="at which model values were measured",
        optional=True,
        aliases=("tnom", "t_measured"),
    ),
)
"""Add these to `Device.parameters`."""


def instance_temperature(columns: Columns) -> np.ndarray:
    """Temperature of each instance [K], shape (n,)."""
    own = columns["instance_temperature"] + ZERO_CELSIUS
    return np.where(np.isnan(own), columns["temperature"] + columns["temperature_rise"], own)


def measurement_temperature(columns: Columns) -> np.ndarray:
    """Temperature at which the model values of each instance hold [K], shape (n,)."""
    own = columns["measurement_temperature"] + ZERO_CELSIUS
    return np.where(np.isnan(own), columns["nominal_temperature"], own)


def polynomial_factor(columns: Columns) -> np.ndarray:
    """``1 + tc1 dT + tc2 dT^2`` with dT the distance to the measurement temperature, shape (n,)."""
    rise = instance_temperature(columns) - measurement_temperature(columns)
    return 1.0 + rise * (columns["temperature_coefficient_1"] + rise * columns["temperature_coefficient_2"])


POLYNOMIAL_PARAMETERS = (
    Parameter("temperature_coefficient_1", 0.0, "1/K", "linear, tc1", aliases=("tc1",)),
    Parameter("temperature_coefficient_2", 0.0, "1/K^2", "quadratic, tc2", aliases=("tc2",)),
    *TEMPERATURE_PARAMETERS,
)
"""Add these to `Device.parameters` to use `polynomial_factor`."""
