"""Models of neurons: one file each; every one returns a SignalGraph of a population, to be put into a network.

>>> import neurosim as ns
>>> net = ns.SignalGraph("two")
>>> net.sub("a", ns.neurons.lif(10)); net.sub("b", ns.neurons.lif(10))
>>> net.parameter("W", np.full((10, 10), 1e-9)); net.connect("a/spike", "b/excitatory", weight="W", delay=1e-3)

``neurons`` is the registry; the function of each model is an attribute of this package.
"""

from __future__ import annotations

from neurosim.neurons.neuron import Neuron
from neurosim.registry import Registry, offer_functions

neurons: Registry[Neuron] = Registry("neuron", __name__, "neuron", "neurosim.neurons")
"""All models, by name; third-party packages add theirs by the entry point group ``neurosim.neurons``."""

offer_functions(neurons)
