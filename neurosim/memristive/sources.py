"""What drives a memristive network: EMFs in edges, potentials of electrodes, currents into nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.drives import Drives, Noise, bind_drives
from neurosim.graph.layout import Layout


@dataclass
class Sources:
    """All sources as one vector: EMFs of the m edges, then potentials of the n nodes, then currents into them.

    Attributes
    ----------
    edges, nodes : int
    constant : ndarray, shape (m + 2 n,)
        What does not change in time.
    given : dict of str to drive
        What does, by the name of its port; each is one input of `neurosim.graph.drives`.
    places : list of list of int
        Where in the vector each of these stands.
    """

    edges: int
    nodes: int
    constant: np.ndarray = field(init=False)
    given: dict[str, Any] = field(default_factory=dict)
    places: list[list[int]] = field(default_factory=list)
    _shared: dict[Any, int] = field(default_factory=dict)
    _bound: Drives | None = None
    _until: float = 0.0

    def __post_init__(self) -> None:
        self.constant = np.zeros(self.edges + 2 * self.nodes)

    def add(self, place: int, what: str, drive: Any) -> None:
        """Put a number or a drive at a place of the vector; `what` names it in messages.

        Raises
        ------
        ParameterError
        """
        if isinstance(drive, (int, float, np.number)) and not isinstance(drive, bool):
            if not np.isfinite(drive):
                raise ParameterError(f"{what} = {drive} must be a finite number")
            self.constant[place] += float(drive)
            return
        # The same waveform in many places is one input; noise is independent in each.
        key = drive if isinstance(drive, str) else id(drive)
        if isinstance(drive, Noise) or key not in self._shared:
            _ = bind_drives(_one(what), {what: drive}, 1e-9)
            self._shared[key] = len(self.places)
            self.given[what] = drive
            self.places.append([])
        self.places[self._shared[key]].append(place)

    @property
    def layout(self) -> Layout:
        """One element for each drive."""
        return Layout({name: slice(k, k + 1) for k, name in enumerate(self.given)}, dict.fromkeys(self.given, (1,)))

    @property
    def targets(self) -> np.ndarray:
        """Rows (number of the drive, place in the vector), int64."""
        rows = [(k, place) for k, places in enumerate(self.places) for place in places]
        return np.array(rows, np.int64).reshape(-1, 2)

    @property
    def is_constant(self) -> bool:
        """Whether nothing changes in time."""
        return not self.given

    def bind(self, stop: float) -> Drives:
        """The drives laid out until `stop` [s]."""
        return bind_drives(self.layout, self.given, stop)

    def at(self, t: float) -> np.ndarray:
        """The vector at time t [s], shape (m + 2 n,)."""
        total = self.constant.copy()
        if self.given:
            if self._bound is None or t > self._until:
                self._until = max(2.0 * self._until, t, 1.0)
                self._bound = self.bind(self._until)
            u, targets = self._bound.values(np.array([float(t)]))[0], self.targets
            np.add.at(total, targets[:, 1], u[targets[:, 0]])
        return total

    def split(self, total: np.ndarray) -> Sequence[np.ndarray]:
        """EMFs (m,), potentials (n,) and injected currents (n,) of a vector."""
        return np.split(total, [self.edges, self.edges + self.nodes])


def _one(name: str) -> Layout:
    return Layout({name: slice(0, 1)}, {name: (1,)})
