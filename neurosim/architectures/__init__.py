"""The recurrent architectures: one file each; every one returns a SignalGraph.

>>> import neurosim as ns
>>> graph = ns.architectures.elman(inputs=1, hidden=4, outputs=1, seed=0)

``architectures`` is the registry; each function that it knows is an attribute of this package.
"""

from __future__ import annotations

from typing import Any

from neurosim.architectures.architecture import Architecture
from neurosim.registry import Registry

architectures: Registry[Architecture] = Registry(
    "architecture", __name__, "architecture", "neurosim.architectures"
)
"""All architectures, by name."""


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name in architectures:
        return architectures.get(name).build
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *architectures.names()])
