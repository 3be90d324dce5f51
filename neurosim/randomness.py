"""One seed, many named streams of random numbers.

A run has one seed. Every use of chance (the noise of one source, the row 17 of an ensemble, the initial weights of one
projection) takes its own stream by name, so that a new use, another order of calls, or another number of workers does
not change the numbers of the others.
"""

from __future__ import annotations

import hashlib
import json
import operator

import numpy as np

from neurosim.errors import ParameterError


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random generator that belongs to `seed` and a path of names.

    Parameters
    ----------
    seed : int
        The run's seed, zero or more, of any size.
    *names : str or int
        Path of the use: ``stream(seed, "noise", "v1")``, ``stream(seed, "ensemble", 17)``. ``1`` and ``"1"`` are
        different names; no names is the root stream.

    Returns
    -------
    numpy.random.Generator
        The same bits in every process and on every machine with the same NumPy streams (the bit generator is fixed to
        PCG64; NumPy may improve its distributions between versions, so results record the version).

    Raises
    ------
    ParameterError
        The seed is not a whole number of zero or more, or a name is neither text nor a whole number.

    Notes
    -----
    `numpy.random.SeedSequence` mixes the seed with a spawn key. The key is taken from SHA-256 of the path, because
    Python's own ``hash`` of text changes from one process to the next.
    """
    try:
        seed_value = operator.index(seed)
    except TypeError:
        seed_value = -1
    if seed_value < 0 or isinstance(seed, bool):
        raise ParameterError(f"seed is {seed!r}; it must be a whole number of zero or more")
    path: list[str | int] = []
    for name in names:
        if isinstance(name, str):
            path.append(name)
        else:
            try:
                path.append(operator.index(name))
            except TypeError:
                raise ParameterError(f"stream name {name!r} is neither text nor a whole number") from None
    digest = hashlib.sha256(json.dumps(path).encode("ascii")).digest()
    key = np.frombuffer(digest[:16], dtype="<u4").tolist() if path else ()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed_value, spawn_key=tuple(key))))
