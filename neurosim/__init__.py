"""neurosim: analog and neuromorphic circuits as dynamical systems, beside their digital twins."""

__version__ = "0.1.0"
