"""AC analysis: the response of the circuit, made linear at its operating point, to a sine of each frequency.

``(j omega M - df/dy - Y(omega)) x = b`` with the drive b of the sources' AC values and the devices' own frequency
responses Y (a transmission line).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import ACAnalysis
from neurosim.errors import SimulationError
from neurosim.kernels.system import compute_both
from neurosim.solve.operating_point import operating_point


def small_signal(
    assembly: Assembly, analysis: ACAnalysis, progress: Callable[[float, float], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Complex amplitudes of all unknowns.

    Returns
    -------
    response : ndarray of complex, shape (frequencies, n)
    y : ndarray, shape (n + 1,)
        The operating point.

    Raises
    ------
    SimulationError
        When there is no operating point, no AC source, or the equations are singular at a frequency.
    """
    from scipy.sparse import coo_matrix, csc_matrix
    from scipy.sparse.linalg import splu

    y = operating_point(assembly)
    system = assembly.system
    arrays, n = system.arrays, system.size
    f, values = np.zeros(n + 1), np.zeros(arrays.mass.size + 1)
    compute_both(arrays, system.context, y, f, values)
    b = assembly.excitation()
    if not b.any():
        raise SimulationError("an AC analysis needs a source with an AC value, as in 'V1 in 0 AC 1'; there is none")
    response = np.empty((len(analysis.frequencies), n), complex)
    for k, frequency in enumerate(analysis.frequencies):
        omega = 2.0 * np.pi * frequency
        matrix = csc_matrix(
            (1j * omega * arrays.mass - values[:-1], arrays.row_index.astype(np.int32), arrays.column_pointer),
            shape=(n, n),
        )
        rows, columns, extra = assembly.frequency_response(omega)
        if rows.size:
            matrix = (matrix + coo_matrix((extra, (rows, columns)), shape=(n, n))).tocsc()
        try:
            factor = splu(matrix)
            x = factor.solve(b)
            x += factor.solve(b - matrix @ x)
        except RuntimeError:
            x = np.full(n, np.nan)
        if not np.isfinite(x).all():
            raise SimulationError(f"the linearised circuit is singular at {frequency:g} Hz: something floats there")
        response[k] = x
        if progress is not None:
            progress(k + 1, len(analysis.frequencies))
    return response, y
