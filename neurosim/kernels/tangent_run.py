"""What a trajectory with tangent vectors carries from call to call, and the numbers of its entries."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.native import by_address
from neurosim.kernels.sparse_lu import lu_type
from neurosim.kernels.system import system_arrays_type

T, DT, INTERVAL, ORIGIN, STEP_TOLERANCE, NEXT_STEP, REALS = range(7)
"""Entries of `TangentRun.real`: time; largest step; length of an interval; where the first interval
begins; estimated error of a step that is kept, relative to `TangentRun.largest` and to the length of each vector (0:
steps of one size); the next step then."""

(
    VECTORS, WAY, STAGES, FINISHED, WANTED, INLINE, TICKS, DIVERGENCE, NEXT_BREAK, CLIPPED, STEPS, STATUS_INDEX,
    EVERY, STARTED, NEXT_INPUT, EVENTFUL, COUNTS,
) = range(17)  # fmt: skip
"""Entries of `TangentRun.count`: k; how rates are found; stages; intervals finished and wanted; whether the vectors
are made orthonormal here; whether steps are accepted by the laws; whether the trace is wanted; place in the
breakpoints; bounds met; steps; the unknown that a failure names; steps of an interval of a map; whether the laws have
started; place in the inputs of a map; whether there are events."""

SPARSE, PROGRAM, DIRECT, IMPLICIT, BY_PRODUCTS = range(5)
"""Values of ``count[WAY]``: rates and sparse Jacobian of any laws; the tangent of one array program; one instance of
one law whose inputs are the unknowns in their order; a diagonally implicit method for ``M y' = f`` with M singular or f
stiff; one law that gives products with its Jacobian (`neurosim.kernels.abi.PRODUCT`)."""

OK, NOT_FINITE, SINGULAR, PIVOT, NO_CONVERGENCE, JUMP, INSTANT = range(7)
"""Status of a run; JUMP: an event in an implicit step; INSTANT: the ticks of a graph's events at an instant failed."""


@by_address
class TangentRun(NamedTuple):
    """State and work space: n unknowns, m elements of a tangent vector, k vectors, d coordinates, s stages."""

    real: np.ndarray
    count: np.ndarray
    """int64."""
    y: np.ndarray
    """[n + 1], ground last; of a map [n]."""
    frame: np.ndarray
    """[k * d], orthonormal between intervals."""
    place: np.ndarray
    """int64 [d]: unknown of each coordinate."""
    scale: np.ndarray
    """[d]: in the unit of the unknown."""
    offset: np.ndarray
    """int64 [m]."""
    stride: np.ndarray
    """int64 [m]."""
    vectors: np.ndarray
    """[m * k]."""
    stage: np.ndarray
    """[s + 1, n + 1]: rates of the stages."""
    stage_vectors: np.ndarray
    """[s + 1, m * k]."""
    point: np.ndarray
    """[n + 1]."""
    point_vectors: np.ndarray
    """[m * k]."""
    tableau: np.ndarray
    """[s + 2 or 3, s]: a of each stage, weights, c, weights of the error; of a map
    ``[(s + 1) * (1 + s), n]``, see `kernels.array_sequence`."""
    inverse_mass: np.ndarray
    """[n + 1]: 1 / M of an explicit method, 0 at the end."""
    slope: np.ndarray
    """[n + 1]."""
    change: np.ndarray
    """[n + 1]."""
    jacobian: np.ndarray
    """[nnz + 1]."""
    matrix: np.ndarray
    """[nnz + 1]."""
    largest: np.ndarray
    """[n]: what changes of a Newton iteration are relative to."""
    held: np.ndarray
    """int64 [bounded]: 1 while the state stands at a bound."""
    events: np.ndarray
    """Event functions where the step began."""
    shift: np.ndarray
    """[k]: how the event function changes along each vector."""
    memory: np.ndarray
    """Two copies of what the ticks of a graph's events change in the memory of the laws; empty without such events."""
    script: np.ndarray
    """int64 [0 or 5]: place of SCRIPT, see `graph.event_law`, in that memory, how much of it ticks change, places of
    RELEASE and TICKS, number of event elements. Then vectors have a further element for each of these behind the
    unknowns: by how much earlier it ticked, while it is refractory."""
    breakpoints: np.ndarray
    code: np.ndarray
    """int64: of the array program; its p and transposed p; an arena for one sample and one for k; 1/tau and leak."""
    p: np.ndarray
    pt: np.ndarray
    arena: np.ndarray
    arena_vectors: np.ndarray
    rate: np.ndarray
    """[m * k]."""
    leak: np.ndarray
    """[m * k]."""
    inputs: np.ndarray
    """[steps * inputs] of a map."""
    logs: np.ndarray
    """[intervals, k]: logarithm of the growth of each vector beside those before it; -inf where it was lost."""
    triangles: np.ndarray
    """[intervals or 0, k * k]: R of the factorisation, rows first."""
    frames: np.ndarray
    """[intervals or 0, k * d]: Q at the end of each interval."""
    points: np.ndarray
    """[intervals or 0, n]: y at the end of each interval."""
    divergence: np.ndarray
    """[intervals]: integral of the trace of the Jacobian."""


_WHOLE = {"count", "place", "offset", "stride", "held", "script", "code"}
_MATRICES = {"stage", "stage_vectors", "tableau", "logs", "triangles", "frames", "points"}


def tangent_type() -> Any:
    """Numba type of the address of a `TangentRun`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    kinds = [
        types.Array(types.i8 if name in _WHOLE else types.f8, 2 if name in _MATRICES else 1, "C")
        for name in TangentRun._fields
    ]
    return tuple_pointer(kinds, TangentRun)


def frame_signature() -> Any:
    """Of what works on the run alone."""
    from numba import types

    return types.void(tangent_type())


def stage_signature() -> Any:
    """Of what finds rates at a stage: system, run, context, time, number of the stage."""
    from numba import types

    return types.f8(system_arrays_type(), tangent_type(), types.Array(types.f8, 1, "C"), types.f8, types.i8)


def step_signature() -> Any:
    """Of one step: system, factors, run, context, time, size of the step."""
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(system_arrays_type(), lu_type(), tangent_type(), real, types.f8, types.f8)


def driver_signature() -> Any:
    """Of the loop: system, factors, run, context."""
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), tangent_type(), types.Array(types.f8, 1, "C"))
