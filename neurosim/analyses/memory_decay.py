"""How a memory fades: exponential, stretched exponential and power law, and which of them a curve is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from neurosim.analyses.drawable import Drawable
from neurosim.errors import ParameterError

FORMS = ("exponential", "stretched", "power")


@dataclass(frozen=True)
class DecayFit:
    """One form with its best parameters.

    Attributes
    ----------
    form : {"exponential", "stretched", "power"}
        ``c + a exp(-t / tau)``, ``c + a exp(-(t / tau)^p)`` or ``c + a (1 + t / tau)^-p``, t from the first point.
    amplitude, rest : float
        a and c, in units of the curve.
    time : float
        tau [s].
    exponent : float
        p; 1 of the exponential.
    error : float
        Root mean square of the difference, as a part of the curve's range.
    criterion : float
        Akaike's: n log(mean square) + 2 parameters, corrected for few points; the smallest is the best form.
    """

    form: str
    amplitude: float
    rest: float
    time: float
    exponent: float
    error: float
    criterion: float

    def __call__(self, t: Any) -> np.ndarray:
        """Value at times t [s] after the first point."""
        return self.rest + self.amplitude * _shape(self.form, np.asarray(t, float), self.time, self.exponent)


@dataclass(frozen=True)
class MemoryDecay(Drawable):
    """A decay and its fits; ``plot()`` draws them.

    Attributes
    ----------
    times, values : array, shape (points,)
    fits : dict of str to DecayFit
    """

    times: np.ndarray
    values: np.ndarray
    fits: dict[str, DecayFit]
    drawn_by = "memory_decay:draw_decay"

    @property
    def best(self) -> DecayFit:
        """The fit with the smallest criterion."""
        return min(self.fits.values(), key=lambda fit: fit.criterion)

    def __str__(self) -> str:
        best = self.best
        power = "" if best.form == "exponential" else f", exponent {best.exponent:.4g}"
        return f"{best.form} with time constant {best.time:.4g} s{power}; error {100 * best.error:.2g} % of the range"


def memory_decay(times: Any, values: Any, *, forms: tuple[str, ...] = FORMS) -> MemoryDecay:
    """Fit forms of decay to a curve, such as a mean state or a conductance after a drive has ended.

    Parameters
    ----------
    times : array_like, shape (points,)
        Rising [s]; at least 6.
    values : array_like, shape (points,)
    forms : tuple of {"exponential", "stretched", "power"}

    Returns
    -------
    MemoryDecay

    Raises
    ------
    ParameterError
        Too few points, values that are not finite or do not change, times that do not rise, an unknown form.

    Notes
    -----
    Amplitude and rest are linear and solved for; time constant and exponent are searched on a logarithmic scale from
    several starts. Akaike's criterion: N. Sugiura, Commun. Stat. A 7, 13 (1978) (recalled).
    """
    t, y = np.asarray(times, float), np.asarray(values, float)
    if t.ndim != 1 or t.shape != y.shape or t.size < 6:
        raise ParameterError(f"times and values have shapes {t.shape} and {y.shape}; 6 points or more are needed")
    if not (np.isfinite(t).all() and np.isfinite(y).all() and (np.diff(t) > 0.0).all()):
        raise ParameterError("times must rise, and all numbers must be finite")
    if not np.ptp(y) > 0.0:
        raise ParameterError("the values do not change: there is no decay to fit")
    for form in forms:
        if form not in FORMS:
            raise ParameterError(f"form '{form}' must be one of {', '.join(FORMS)}")
    return MemoryDecay(t, y, {form: _fit(form, t - t[0], y) for form in forms})


def _shape(form: str, t: np.ndarray, tau: float, exponent: float) -> np.ndarray:
    if form == "power":
        return (1.0 + t / tau) ** -exponent
    return np.exp(-((t / tau) ** exponent))


def _fit(form: str, t: np.ndarray, y: np.ndarray) -> DecayFit:
    span = float(np.ptp(y))
    free = 1 if form == "exponential" else 2

    def linear(unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = _shape(form, t, float(np.exp(unknowns[0])), float(np.exp(unknowns[1])) if free == 2 else 1.0)
        basis = np.column_stack([shape, np.ones_like(t)])
        coefficients = np.linalg.lstsq(basis, y, rcond=None)[0]
        return coefficients, (basis @ coefficients - y) / span

    low, high = np.log(t[1] * 1e-2), np.log(t[-1] * 1e2)
    bounds = ([low, np.log(0.05)][:free], [high, np.log(20.0)][:free])
    tried = [
        least_squares(lambda u: linear(u)[1], [start, 0.0][:free], bounds=bounds, xtol=1e-14, ftol=1e-14, gtol=1e-14)
        for start in np.log(t[-1] * np.array([0.03, 0.2, 1.0]))
        if low < start < high
    ]
    best = min(tried, key=lambda found: found.cost)
    (amplitude, rest), difference = linear(best.x)
    error = float(np.sqrt(np.mean(difference**2)))
    count, parameters = t.size, free + 2
    # Below rounding all forms are equally good.
    criterion = count * np.log(max(error, 1e-12) ** 2) + 2 * parameters * count / max(count - parameters - 1, 1)
    exponent = float(np.exp(best.x[1])) if free == 2 else 1.0
    return DecayFit(form, float(amplitude), float(rest), float(np.exp(best.x[0])), exponent, error, float(criterion))
