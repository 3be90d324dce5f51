"""Graphs of memristive networks: one file a kind; each function returns a networkx graph that is ready to be a network.

>>> import neurosim as ns
>>> graph = ns.generators.nanowires(number=100, seed=1)

Nodes have names that are text (never ``"0"``, which is ground) and a position ``pos`` of two or three numbers. Edges
have ``kind``: ``"memristor"``, or ``"resistor"`` with its ``resistance`` in ohm. ``graph.graph`` has the ``name``, the
``arguments`` that made the graph, and ``length_unit`` (``"m"`` where positions are metres, else ``""``). An edge leads
from the node that was added first, its tail, to the other, its head. ``generators`` is the registry.
"""

from __future__ import annotations

from neurosim.memristive.generators.generator import Generator
from neurosim.registry import Registry, offer_functions

generators: Registry[Generator] = Registry("generator", __name__, "generator", "neurosim.generators")
"""All generators, by name; third-party packages add theirs by the entry point group ``neurosim.generators``."""

offer_functions(generators)
