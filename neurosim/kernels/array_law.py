"""Laws (`neurosim.kernels.named_law`) as operations of an array program.

The table of an operation, at place k of `code`: address of the law; its dims (7, see `abi.KERNEL_SIGNATURE`); then for
each parameter its place in p and the step from one instance to the next, 0 where all share it. The work space of one
operation holds the context, the parameters [parameters, w] and the derivatives [size, size + parameters, w].
"""

from __future__ import annotations

from neurosim.kernels.abi import CONTEXT_SIZE, WANT_DERIVATIVES, call_kernel, helper, unit
from neurosim.kernels.flat_signature import signature_of

ADDRESS, DIMS, PLACES = 0, 1, 8
"""Words of the table."""


def work_size(size: int, parameters: int, instances: int) -> int:
    """Numbers of work space."""
    return CONTEXT_SIZE + instances * (parameters + size * (size + parameters))


@unit(lambda: signature_of(*"cirriiii"))
def run_law(code, k, p, arena, a, d, work, derivatives):
    """arena[d:] = law of arena[a:], and if `derivatives` is not 0 its derivatives into the work space."""
    inputs, parameters = code[k + DIMS], code[k + DIMS + 1]
    size, w = code[k + DIMS + 5], code[k + DIMS + 6]
    first = work + CONTEXT_SIZE
    context, given = arena[work:first], arena[first : first + parameters * w]
    D = arena[first + parameters * w : first + (parameters + size * inputs) * w]
    context[:] = 0.0
    context[WANT_DERIVATIVES] = derivatives
    if derivatives != 0:
        D[:] = 0.0
    for q in range(parameters):
        place, step = code[k + PLACES + 2 * q], code[k + PLACES + 2 * q + 1]
        for e in range(w):
            given[q * w + e] = p[place + e * step]
    nothing = arena[work:work]
    call_kernel(
        code[k + ADDRESS], context, code[k + DIMS : k + PLACES], arena[a : a + size * w], given, nothing, nothing,
        code[k:k], arena[d : d + size * w], D,
    )  # fmt: skip


@helper
def law_tangent(code, k, arena, work, tangent, a, d):
    """tangent[d:] = D tangent[a:], after `run_law`."""
    inputs, parameters = code[k + DIMS], code[k + DIMS + 1]
    size, w = code[k + DIMS + 5], code[k + DIMS + 6]
    first = work + CONTEXT_SIZE + parameters * w
    for i in range(size):
        for e in range(w):
            value = 0.0
            for j in range(size):
                value += arena[first + (i * inputs + j) * w + e] * tangent[a + j * w + e]
            tangent[d + i * w + e] = value


@helper
def law_reverse(code, k, arena, work, adjoint, a, d, dp):
    """adjoint[a:] += D' adjoint[d:], and dp likewise, after `run_law`."""
    inputs, parameters = code[k + DIMS], code[k + DIMS + 1]
    size, w = code[k + DIMS + 5], code[k + DIMS + 6]
    first = work + CONTEXT_SIZE + parameters * w
    for i in range(size):
        for e in range(w):
            value = adjoint[d + i * w + e]
            for j in range(size):
                adjoint[a + j * w + e] += arena[first + (i * inputs + j) * w + e] * value
            for q in range(parameters):
                place = code[k + PLACES + 2 * q] + e * code[k + PLACES + 2 * q + 1]
                dp[place] += arena[first + (i * inputs + size + q) * w + e] * value
