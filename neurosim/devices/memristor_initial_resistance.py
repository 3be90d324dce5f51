"""The initial resistance as another way to say where the state of a memristor starts.

``Rinit`` of published netlists (linear drift: Biolek, Biolek & Biolkova, Radioengineering 18, 210 (2009)), for models
whose resistance at a state is ohmic and changes with it in one direction only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from neurosim.devices.device import Parameter
from neurosim.devices.memristor_windows import EXPONENTIAL
from neurosim.errors import ParameterError

INITIAL_RESISTANCE = Parameter(
    "initial_resistance", None, "ohm", "resistance at the start, instead of the state", 0, exclusive=True,
    aliases=("rinit", "r0"), optional=True,
)  # fmt: skip

Alternatives = Mapping[str, tuple[str, Callable[[Mapping[str, float]], float]]]


def share_off(values: Mapping[str, float], *, exponential: bool = False) -> float:
    """Share s of the way from r_on to r_off: ``R = r_on + (r_off - r_on) s``, or ``R = r_on (r_off / r_on)^s``.

    Raises
    ------
    ParameterError
        The resistance lies outside, or r_on = r_off.
    """
    resistance, on, off = values["initial_resistance"], values["r_on"], values["r_off"]
    if on == off:
        raise ParameterError(f"initial_resistance = {resistance:g} ohm says nothing where r_on = r_off = {on:g} ohm")
    if not min(on, off) <= resistance <= max(on, off):
        raise ParameterError(
            f"initial_resistance = {resistance:g} ohm is outside r_on, r_off: [{min(on, off):g}, {max(on, off):g}]"
        )
    if exponential:
        return math.log(resistance / on) / math.log(off / on)
    return (resistance - on) / (off - on)


def instead_of(state: str, lower: str, upper: str) -> Alternatives:
    """For a state that runs from `lower` at r_on to `upper` at r_off, in the mixing of the parameter `resistance`."""

    def follow(values: Mapping[str, float]) -> float:
        share = share_off(values, exponential=values["resistance"] == EXPONENTIAL)
        return values[lower] + share * (values[upper] - values[lower])

    return {"initial_resistance": (state, follow)}
