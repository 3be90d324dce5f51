"""The recurrent architectures: one file each; every one returns a SignalGraph.

>>> import neurosim as ns
>>> graph = ns.architectures.elman(inputs=1, hidden=4, outputs=1, seed=0)

``architectures`` is the registry, ``laws`` that of the compiled laws that some are made of; the function of each
architecture is an attribute of this package.
"""

from __future__ import annotations

from neurosim.architectures.architecture import Architecture
from neurosim.kernels.named_law import Law
from neurosim.registry import Registry, offer_functions

architectures: Registry[Architecture] = Registry("architecture", __name__, "architecture", "neurosim.architectures")
"""All architectures, by name."""

laws: Registry[Law] = Registry("law", __name__, "vector_field", "neurosim.laws")
"""The laws that a saved graph may name."""

offer_functions(architectures)
