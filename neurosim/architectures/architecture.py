"""What an architecture declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.devices.device import Reference
from neurosim.graph.signal_graph import SignalGraph


@dataclass(frozen=True)
class Architecture:
    """One recurrent architecture.

    Attributes
    ----------
    name, summary : str
    source : Reference
    equations : str
        The textbook form, one equation a line.
    analog : str
        The flow of its continuous twin.
    digital : str
        Rule and step that give the textbook form exactly.
    check : str
        What it must show, and the case under ``validation/`` that shows it.
    build : callable
        Returns a SignalGraph. Every argument has a default, so that ``build()`` works.
    example : mapping
        Arguments of a small instance for conformance tests and ``neurosim compare``.
    """

    name: str
    summary: str
    source: Reference
    equations: str
    analog: str
    digital: str
    check: str
    build: Callable[..., SignalGraph]
    example: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def uniform_weights(generator: np.random.Generator, targets: int, sources: int) -> np.ndarray:
    """Uniform in +-1/sqrt(sources), shape (targets, sources), as torch's linear and recurrent layers start."""
    bound = 1.0 / np.sqrt(sources)
    return generator.uniform(-bound, bound, (targets, sources))
