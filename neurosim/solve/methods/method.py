"""What an integration method declares: its coefficients, order, stability and how its step size is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.devices.device import Reference
from neurosim.kernels.multistep_nordsieck import ADAMS, FIRST_FAMILY, MAY_SWITCH, ROWS
from neurosim.kernels.run import DESCENT, EXPLICIT, NORDSIECK, ROSENBROCK, STOCHASTIC


@dataclass(frozen=True, eq=False)
class Method:
    """One integration method.

    Parameters
    ----------
    name : str
        Registry name, lower case: ``"dp5"``.
    class_name : str
        Name of its `scipy.integrate.OdeSolver` class: ``"DP5"``; a method for graphs alone has none.
    kind : int
        Which compiled step runs it: `EXPLICIT`, `ROSENBROCK`, `TRAPEZOID`, `BDF2`, `NORDSIECK`, `MIDPOINT`,
        `STOCHASTIC` or `DESCENT` of `neurosim.kernels.run`.
    order : int
        Order of the solution; the highest where it varies, of a stochastic method its strong order.
    error_order : int
        The error estimate is of size ``h ** (error_order + 1)``.
    degree : int
        Degree of the interpolant in each step.
    interpolant_order : int
        The interpolant differs from the solution by ``h ** (interpolant_order + 1)`` in one step.
    summary : str
        One line: what it is good for.
    stability : str
        ``"explicit"``, ``"A(alpha)-stable"``, ``"A-stable"`` or ``"L-stable"``.
    source : Reference
    tableau : ndarray
        Coefficients as the compiled step wants them: `neurosim.kernels.explicit.explicit_tableau`, or
        `rosenbrock_tableau`, or `neurosim.kernels.multistep_nordsieck.nordsieck_tableau`; empty for the rest.
    aliases : tuple of str
    adaptive : bool
        Whether it estimates its error; without, a fixed step must be given. Default True.
    has_decay : bool
        Whether the rate at which each unknown decays by itself stands in row 1 of the tableau of a run. Default False.
    varies_order : bool
        Whether it chooses its order with its step, so that a fixed step makes no sense. Default False.
    safety, factor_min, factor_max : float
        The next step is ``h min(factor_max, max(factor_min, safety error ** (-1 / (error_order + 1))))``;
        defaults 0.9, 0.2, 10.
    """

    name: str
    class_name: str
    kind: int
    order: float
    error_order: int
    degree: int
    interpolant_order: int
    summary: str
    stability: str
    source: Reference
    tableau: np.ndarray
    aliases: tuple[str, ...] = ()
    adaptive: bool = True
    varies_order: bool = False
    has_decay: bool = False
    safety: float = 0.9
    factor_min: float = 0.2
    factor_max: float = 10.0

    @property
    def stages(self) -> int:
        """Rows of work space for stages: `Run.stage` has four more for an implicit method."""
        if self.kind == EXPLICIT:
            return int(self.tableau[0, 0] + self.tableau[0, 1])
        if self.kind == NORDSIECK:
            return ROWS
        return self.tableau.shape[1] if self.kind == ROSENBROCK else 5

    @property
    def starts_without_matrix(self) -> bool:
        """Whether its first steps need no derivatives of f."""
        is_adams = self.kind == NORDSIECK and self.tableau[0, FIRST_FAMILY] == ADAMS
        return self.kind in (EXPLICIT, STOCHASTIC, DESCENT) or is_adams

    @property
    def takes_mass(self) -> bool:
        """Whether it solves ``M y' = f(t, y)`` with M not the identity, also singular (index 1)."""
        return not self.starts_without_matrix

    @property
    def is_stochastic(self) -> bool:
        """Whether it takes noise: ``dy = f dt + g dW``."""
        return self.kind == STOCHASTIC

    @property
    def is_for_graphs(self) -> bool:
        """Whether it needs to know more than f: noise, leaks, an energy."""
        return self.kind in (STOCHASTIC, DESCENT)

    @property
    def uses_derivatives(self) -> bool:
        """Whether it may need the derivatives of f."""
        return self.takes_mass or (self.kind == NORDSIECK and self.tableau[0, MAY_SWITCH] != 0.0)


def rosenbrock_tableau(
    a: Sequence[Sequence[float]], coupling: Sequence[Sequence[float]], c: Sequence[float], d: Sequence[float],
    gamma: float, interpolant: Sequence[Sequence[float]],
) -> np.ndarray:  # fmt: skip
    """Coefficients of a linearly implicit method of s stages, as `neurosim.kernels.steps.rosenbrock_step` takes them.

    Rows: A (s), C (s), c, d, gamma in the first column, H (3) of the interpolant, and what k = H K adds in the middle
    of the step to the value and (over h) to the slope. Missing numbers are 0.
    """
    s = len(a)
    rows = [[*row, *[0.0] * (s - len(row))] for row in [*a, *coupling, c, d, [gamma], *interpolant]]
    rows += [[0.0] * s] * (2 * s + 6 - len(rows))
    first, second, third = np.array(rows[2 * s + 3 :])
    return np.array([*rows, first / 4 + second / 8 + third / 16, (second + third) / 4])
