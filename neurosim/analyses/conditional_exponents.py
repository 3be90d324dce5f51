"""Conditional Lyapunov exponents of a driven network, and whether it forgets where it started (echo state property).

The drive is a given function of time, so only the response is linearised. A negative largest exponent says that close
states come together; two runs from far starts under the same drive show whether distant ones do too.

Source: L. M. Pecora, T. L. Carroll, Phys. Rev. Lett. 64, 821 (1990), doi:10.1103/PhysRevLett.64.821; H. Jaeger, GMD
Report 148 (2001) (echo states; both recalled).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.lyapunov import LyapunovSpectrum, checked_times, lyapunov_spectrum
from neurosim.analyses.open_tangent import open_tangent
from neurosim.analyses.tangent_flow import TangentFlow
from neurosim.errors import ParameterError
from neurosim.randomness import stream

TOGETHER = 1e-6
"""Two runs have come together when their distance has fallen below this part of what it was."""

SIGNIFICANT = 2.0
"""An exponent is negative when it is so by more than this many of its errors."""


@dataclass(frozen=True)
class ConditionalExponents(Drawable):
    """What `conditional_exponents` finds.

    Attributes
    ----------
    title, unit : str
    spectra : tuple of LyapunovSpectrum
        One for each drive.
    distances : ndarray, shape (drives, starts)
        Distance at the end between a run from a random start and that from the graph's own, over the first distance.
    """

    drawn_by = "conditional_exponents:conditional_exponents"

    title: str
    unit: str
    spectra: tuple[LyapunovSpectrum, ...]
    distances: np.ndarray

    @property
    def largest(self) -> np.ndarray:
        """Largest exponent under each drive, shape (drives,)."""
        return np.array([spectrum.exponents[0] for spectrum in self.spectra])

    @property
    def errors(self) -> np.ndarray:
        """Their standard errors, shape (drives,)."""
        return np.array([spectrum.errors[0] for spectrum in self.spectra])

    @property
    def converges(self) -> bool:
        """Whether all runs came together."""
        return bool((self.distances < TOGETHER).all())

    @property
    def has_echo_states(self) -> bool | None:
        """Whether the network forgets its start under these drives; None where exponents and runs do not say."""
        if (self.largest + SIGNIFICANT * np.nan_to_num(self.errors) < 0.0).all() and self.converges:
            return True
        if (self.largest - SIGNIFICANT * np.nan_to_num(self.errors) > 0.0).any():
            return False
        return None if (self.distances < 1.0).all() else False

    @property
    def verdict(self) -> str:
        """`has_echo_states` in words."""
        words = {True: "forgets its start", False: "does not forget its start", None: "undecided"}
        return words[self.has_echo_states]

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.verdict}"]
        lines += [
            f"  drive {number}: largest exponent {value:+.5g} +- {error:.2g} {self.unit}; distance of runs shrank to "
            f"{far:.1e}"
            for number, (value, error, far) in enumerate(
                zip(self.largest, self.errors, self.distances.max(axis=1), strict=True), start=1
            )
        ]
        return "\n".join(lines)


def conditional_exponents(
    what: Any, t_span: tuple[float, float] | None = None, *, drive: Any, steps: int | None = None, k: int = 1,
    starts: int = 2, spread: float = 1.0, seed: int = 0, **settings: Any,
) -> ConditionalExponents:  # fmt: skip
    """Lyapunov exponents of a network under given drives, and convergence from several starts.

    Parameters
    ----------
    what, t_span, steps
        See `neurosim.lyapunov_spectrum`.
    drive : mapping or array, or a sequence of them
        Drives to try: each as `neurosim.lyapunov_spectrum` takes it.
    k : int
        Exponents for each drive, default 1.
    starts : int
        Random starts for each drive, default 2.
    spread : float
        Standard deviation of the random starts, in the units of the states; default 1.
    seed : int
    **settings
        Of `neurosim.lyapunov_spectrum`.

    Raises
    ------
    ParameterError, SimulationError
    """
    drives: Sequence[Any] = drive if isinstance(drive, (list, tuple)) else [drive]
    if not drives or any(one is None for one in drives):
        raise ParameterError("conditional exponents need drive=; without one use lyapunov_spectrum()")
    if starts < 1:
        raise ParameterError(f"starts = {starts} must be 1 or more")
    before, turning, averaged = checked_times(t_span, steps, settings.get("transient"))
    stop = before + turning + averaged
    spectra, distances = [], []
    for number, one in enumerate(drives):
        spectrum = lyapunov_spectrum(what, t_span, steps=steps, k=k, drive=one, seed=seed, **settings)
        spectra.append(spectrum)
        own = _end(what, stop, one, spectrum.dt, settings, None)
        apart = []
        for start in range(starts):
            random = stream(seed, "conditional exponents", number, start)
            apart.append(_end(what, stop, one, spectrum.dt, settings, (random, spread)))
        places = own[2]
        distances.append([
            float(np.linalg.norm((end - own[1])[places]) / np.linalg.norm((begin - own[0])[places]))
            for begin, end, _ in apart
        ])  # fmt: skip
    return ConditionalExponents(spectra[0].title, spectra[0].unit, tuple(spectra), np.array(distances))


def _end(
    what: Any, stop: float, drive: Any, dt: float, settings: dict[str, Any], start: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last state of a run, and which unknowns are states of the response."""
    chosen = {name: settings[name] for name in ("method", "initial") if name in settings}
    space = open_tangent(what, 1, stop=stop, drive=drive, **chosen)
    if start is not None:
        random, spread = start
        first = space.point
        first[space.places] += spread * random.standard_normal(space.places.size)
        space = open_tangent(what, 1, stop=stop, drive=drive, **{**chosen, "initial": first})
    begin = space.point
    if isinstance(space, TangentFlow):
        space.begin(dt, stop, stop)
    else:
        space.settle(stop)
    return begin, space.point, space.places
