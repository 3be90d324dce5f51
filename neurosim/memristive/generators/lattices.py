"""Square and cubic lattices; between neighbours of infinite ones is a resistance of 1/2 and 1/3 of that of an edge."""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurosim.memristive.generators.generator import Generator, assembled, whole


def square_lattice(rows: int = 10, columns: int = 10, *, periodic: bool = False) -> nx.MultiGraph:
    """Make a square lattice.

    Parameters
    ----------
    rows, columns : int
        Nodes in each direction, default 10; node ``"r3c2"`` stands at (2, 3).
    periodic : bool
        Close it to a torus.

    Returns
    -------
    networkx.MultiGraph

    Raises
    ------
    ParameterError
        A side is below 1, or below 3 of a periodic lattice.
    """
    least = 3 if periodic else 1
    shape = (whole("rows", rows, least), whole("columns", columns, least))
    y, x = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    names = [f"r{i}c{j}" for i, j in zip(y.tolist(), x.tolist(), strict=True)]
    given = {"rows": rows, "columns": columns, "periodic": periodic}
    positions = np.column_stack([x, y]).astype(float)
    return assembled("square_lattice", positions, _bonds(shape, periodic), given, names=names)


def cubic_lattice(
    rows: int = 5, columns: int = 5, layers: int = 5, *, periodic: bool = False
) -> nx.MultiGraph:  # fmt: skip
    """Make a simple cubic lattice; node ``"r3c2l1"`` stands at (2, 3, 1).

    Parameters
    ----------
    rows, columns, layers : int
        Nodes in each direction, default 5.
    periodic : bool
        Close it in all directions.

    Returns
    -------
    networkx.MultiGraph

    Raises
    ------
    ParameterError
        A side is below 1, or below 3 of a periodic lattice.
    """
    least = 3 if periodic else 1
    shape = (whole("layers", layers, least), whole("rows", rows, least), whole("columns", columns, least))
    z, y, x = (part.ravel() for part in np.indices(shape))
    names = [f"r{i}c{j}l{k}" for i, j, k in zip(y.tolist(), x.tolist(), z.tolist(), strict=True)]
    given = {"rows": rows, "columns": columns, "layers": layers, "periodic": periodic}
    positions = np.column_stack([x, y, z]).astype(float)
    return assembled("cubic_lattice", positions, _bonds(shape, periodic), given, names=names)


def _bonds(shape: tuple[int, ...], periodic: bool) -> list[list[int]]:
    """Pairs of neighbours of a box in C order, the last direction first."""
    number = np.arange(np.prod(shape)).reshape(shape)
    pairs = []
    for axis in reversed(range(len(shape))):
        after = np.roll(number, -1, axis) if periodic else np.delete(number, 0, axis)
        before = number if periodic else np.delete(number, -1, axis)
        pairs.append(np.column_stack([before.ravel(), after.ravel()]))
    return np.concatenate(pairs).tolist()


generator = (
    Generator("square_lattice", "square lattice, open or closed to a torus", square_lattice,
              example={"rows": 4, "columns": 5}),
    Generator("cubic_lattice", "simple cubic lattice, open or periodic", cubic_lattice,
              example={"rows": 3, "columns": 2, "layers": 3}),
)  # fmt: skip
