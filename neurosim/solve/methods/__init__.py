"""The integration methods: one file each, found by name, and usable with ``scipy.integrate.solve_ivp``.

>>> from scipy.integrate import solve_ivp
>>> import neurosim as ns
>>> solution = solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0], method=ns.methods.DP5, rtol=1e-6)

``methods`` is the registry; every class that it knows (``DP5``, ``Rodas5P``, ...) is an attribute of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.registry import Registry
from neurosim.solve.methods.method import Method

if TYPE_CHECKING:
    from neurosim.solve.ode_solver import CompiledSolver

methods: Registry[Method] = Registry("integration method", __name__, "method", "neurosim.methods")
"""All integration methods, by name."""


def __getattr__(name: str) -> type[CompiledSolver]:
    if not name.startswith("_"):
        for found in methods:
            if found.class_name == name and not found.is_for_graphs:
                from neurosim.solve.ode_solver import solver_class

                globals()[name] = made = solver_class(found)
                return made
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *(found.class_name for found in methods if not found.is_for_graphs)])
