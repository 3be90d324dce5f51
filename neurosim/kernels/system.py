"""The compiled form of everything that runs: batches of device laws over flat arrays, ``M y' = f(t, y)``.

`SystemArrays` is all that compiled loops see. The helpers below gather the inputs of one block of instances, call its
law, and scatter flows and derivatives. Ground is unknown number n: its value is 0 and what is added there is dropped,
as is everything added to slot nnz of the Jacobian.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.abi import LIMITED, WANT_DERIVATIVES, call_kernel, driver, helper, unit
from neurosim.kernels.native import by_address

(
    LAW, ACCEPT, EVENTS, JUMP, START, BLOCKS, WIDTH, LAW_INPUTS, PARAMETER_ROWS, MEMORY_ROWS, LAW_FLOWS, INPUTS, FLOWS,
    INPUT_AT, FLOW_AT, PARAMETER_AT, MEMORY_AT, TABLE_AT, TABLE_LENGTH, CODE_AT, CODE_LENGTH, STAMP_AT, STAMPS, SLOT_AT,
    LINEAR, WIRING_AT, WIRINGS, EVENT_COUNT, EVENT_AT, SCRATCH, ACCEPT_WRITES, INPUT_RUN_AT, FLOW_RUN_AT, SLOT_RUN_AT,
    TIMED, KEPT_ROWS, PARAMETER_STEP, DIFFUSION, DIRECT, COLUMNS,
) = range(40)  # fmt: skip
"""Columns of `SystemArrays.batch`: addresses, sizes and offsets of one batch. TIMED: its law reads the time.
MEMORY_ROWS: all rows; the first KEPT_ROWS of a law with scratch live in `SystemArrays.memory`.
PARAMETER_STEP: distance of the parameters of two blocks, 0 where all have the same. DIRECT: its inputs are y, its
flows are f, as they lie, and no other batch adds to f."""

IRREGULAR = -1
"""Stride of a row of places that do not follow each other evenly."""


@by_address
class SystemArrays(NamedTuple):
    """Flat arrays of a system with n unknowns; compiled code takes this tuple.

    Per-block arrays are laid out [block][row][instance in block], so that a block is contiguous.
    """

    batch: np.ndarray
    """int64 [batches, COLUMNS]."""
    input_plus: np.ndarray
    """uint32: unknown that enters an input with +1."""
    input_minus: np.ndarray
    """uint32: unknown that enters an input with -1 (n = ground)."""
    flow_plus: np.ndarray
    """uint32: row to which a flow is added."""
    flow_minus: np.ndarray
    """uint32: row from which a flow is taken."""
    input_run: np.ndarray
    """int64 [blocks and inputs, 4]: first place and stride of `input_plus`, then of `input_minus`; such places need
    not be looked up one by one."""
    flow_run: np.ndarray
    """int64 [blocks and flows, 4]: the same for `flow_plus` and `flow_minus`."""
    slot_run: np.ndarray
    """int64 [blocks and stamps, 2]: the same for `slot`."""
    parameters: np.ndarray
    memory: np.ndarray
    table: np.ndarray
    code: np.ndarray
    """int64."""
    stamp: np.ndarray
    """int64 [stamps, 4]: flow, input, sign, constant wiring index or -1."""
    slot: np.ndarray
    """uint32: place in the Jacobian's values."""
    wiring: np.ndarray
    """float64 [wirings, 3]: flow, input, coefficient."""
    column_pointer: np.ndarray
    """int64 [n + 1] of the CSC pattern shared by M and J."""
    row_index: np.ndarray
    """uint32 [nnz]."""
    diagonal: np.ndarray
    """int64 [n]: where each diagonal entry lies; nnz if there is none."""
    mass: np.ndarray
    """float64 [nnz]: values of M."""
    mass_row: np.ndarray
    """uint32: the entries of M that differ from zero, once more by themselves."""
    mass_column: np.ndarray
    """uint32."""
    mass_value: np.ndarray
    constant_jacobian: np.ndarray
    """float64 [nnz + 1]: the part of J from linear laws and wiring."""
    is_state: np.ndarray
    """int64 [n]: 1 for states of devices."""
    bounded: np.ndarray
    """int64: unknowns with bounds."""
    lower: np.ndarray
    upper: np.ndarray
    row_slot_pointer: np.ndarray
    """int64 [bounded + 1]: where the Jacobian row of each bounded unknown lies in row_slot."""
    row_slot: np.ndarray
    """int64."""
    event_value: np.ndarray
    """float64: event functions at the last accepted point, per block."""
    u: np.ndarray
    F: np.ndarray
    D: np.ndarray
    scratch: np.ndarray
    dims: np.ndarray
    """int64 [7], work."""


_DTYPES = {
    "batch": "i8", "input_plus": "u4", "input_minus": "u4", "flow_plus": "u4", "flow_minus": "u4", "code": "i8",
    "stamp": "i8", "slot": "u4", "column_pointer": "i8", "row_index": "u4", "diagonal": "i8", "is_state": "i8",
    "mass_row": "u4", "mass_column": "u4", "bounded": "i8", "row_slot_pointer": "i8", "row_slot": "i8", "dims": "i8",
    "input_run": "i8", "flow_run": "i8", "slot_run": "i8",
}  # fmt: skip
_MATRICES = {"batch", "stamp", "wiring", "input_run", "flow_run", "slot_run"}


def system_arrays_type() -> Any:
    """Numba type of the address of a `SystemArrays`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    fields = [
        types.Array(getattr(types, _DTYPES.get(name, "f8")), 2 if name in _MATRICES else 1, "C")
        for name in SystemArrays._fields
    ]
    return tuple_pointer(fields, SystemArrays)


@helper
def _call(S, b, address, inputs, k, context, F, D):
    """Call one kernel of batch b on block k with the first `inputs` inputs, which are already in S.u."""
    B = S.batch[b]
    w = B[WIDTH]
    dims = S.dims
    dims[0] = inputs
    dims[1] = B[PARAMETER_ROWS]
    dims[2] = B[MEMORY_ROWS]
    dims[3] = B[TABLE_LENGTH]
    dims[4] = B[CODE_LENGTH]
    dims[5] = B[LAW_FLOWS]
    dims[6] = w
    memory = S.scratch if B[SCRATCH] != 0 else S.memory[B[MEMORY_AT] + k * B[MEMORY_ROWS] * w :]
    kept = B[KEPT_ROWS] * w
    at = B[MEMORY_AT] + k * kept
    for j in range(kept):
        S.scratch[j] = S.memory[at + j]
    call_kernel(
        address, context, dims, S.u, S.parameters[B[PARAMETER_AT] + k * B[PARAMETER_STEP] :], memory,
        S.table[B[TABLE_AT] :], S.code[B[CODE_AT] :], F, D,
    )  # fmt: skip
    for j in range(kept):
        S.memory[at + j] = S.scratch[j]


@helper
def _gather(S, b, k, y):
    """Put the inputs of block k of batch b into S.u."""
    B = S.batch[b]
    w = B[WIDTH]
    rows = B[INPUTS]
    ground = y.size - 1
    for r in range(rows):
        at = B[INPUT_AT] + (k * rows + r) * w
        run = B[INPUT_RUN_AT] + k * rows + r
        first, stride = S.input_run[run, 0], S.input_run[run, 1]
        u = S.u[r * w : r * w + w]
        if stride == 0:
            value = y[first]
            for e in range(w):
                u[e] = value
        elif stride == 1:
            source = y[first : first + w]
            for e in range(w):
                u[e] = source[e]
        elif stride > 0:
            source = y[first : first + stride * (w - 1) + 1 : stride]
            for e in range(w):
                u[e] = source[e]
        else:
            place = S.input_plus[at : at + w]
            for e in range(w):
                u[e] = y[place[e]]
        first, stride = S.input_run[run, 2], S.input_run[run, 3]
        if stride == 0:
            if first != ground:
                value = y[first]
                for e in range(w):
                    u[e] -= value
        elif stride == 1:
            source = y[first : first + w]
            for e in range(w):
                u[e] -= source[e]
        elif stride > 0:
            source = y[first : first + stride * (w - 1) + 1 : stride]
            for e in range(w):
                u[e] -= source[e]
        else:
            place = S.input_minus[at : at + w]
            for e in range(w):
                u[e] -= y[place[e]]


@helper
def _add_row(target, values, sign, first, stride, place):
    """Add ``sign * values`` to the places of `target` that a run or the list `place` names; the last one is dropped."""
    w = values.size
    if stride == 0:
        if first != target.size - 1:
            # Four sums side by side: one alone would wait for itself.
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            whole = w // 4 * 4
            for e in range(0, whole, 4):
                s0 += values[e]
                s1 += values[e + 1]
                s2 += values[e + 2]
                s3 += values[e + 3]
            for e in range(whole, w):
                s0 += values[e]
            target[first] += sign * ((s0 + s1) + (s2 + s3))
    elif stride == 1:
        goal = target[first : first + w]
        for e in range(w):
            goal[e] += sign * values[e]
    elif stride > 0:
        goals = target[first : first + stride * (w - 1) + 1 : stride]
        for e in range(w):
            goals[e] += sign * values[e]
    else:
        for e in range(w):
            target[place[e]] += sign * values[e]


@helper
def _add_wiring(S, b):
    """Add wiring to the flows of the block whose inputs are in S.u."""
    B = S.batch[b]
    w = B[WIDTH]
    for j in range(B[LAW_FLOWS] * w, B[FLOWS] * w):
        S.F[j] = 0.0
    for q in range(B[WIRING_AT], B[WIRING_AT] + B[WIRINGS]):
        r = np.int64(S.wiring[q, 0]) * w
        c = np.int64(S.wiring[q, 1]) * w
        coefficient = S.wiring[q, 2]
        flow = S.F[r : r + w]
        u = S.u[c : c + w]
        for e in range(w):
            flow[e] += coefficient * u[e]


@helper
def _scatter_flows(S, b, k, f):
    """Add wiring to the flows of block k and put them into f."""
    _add_wiring(S, b)
    B = S.batch[b]
    w = B[WIDTH]
    rows = B[FLOWS]
    for r in range(rows):
        at = B[FLOW_AT] + (k * rows + r) * w
        run = S.flow_run[B[FLOW_RUN_AT] + k * rows + r]
        flow = S.F[r * w : r * w + w]
        _add_row(f, flow, 1.0, run[0], run[1], S.flow_plus[at : at + w])
        _add_row(f, flow, -1.0, run[2], run[3], S.flow_minus[at : at + w])


@helper
def _scatter_derivatives(S, b, k, jacobian):
    """Add the derivatives of block k to the Jacobian's values."""
    B = S.batch[b]
    w = B[WIDTH]
    nu = B[LAW_INPUTS]
    stamps = B[STAMPS]
    for q in range(stamps):
        row = B[STAMP_AT] + q
        sign = np.float64(S.stamp[row, 2])
        wire = S.stamp[row, 3]
        at = B[SLOT_AT] + (k * stamps + q) * w
        run = S.slot_run[B[SLOT_RUN_AT] + k * stamps + q]
        if wire >= 0:
            sign *= S.wiring[wire, 2]
            values = S.F[:w]
            values[:] = 1.0
        else:
            d = (S.stamp[row, 0] * nu + S.stamp[row, 1]) * w
            values = S.D[d : d + w]
        _add_row(jacobian, values, sign, run[0], run[1], S.slot[at : at + w])


def _evaluate_signature(outputs: int, returns: str = "void") -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return getattr(types, returns)(system_arrays_type(), real, *[real] * outputs)


@helper
def _call_direct(S, context, y, F, D):
    """Call the only law of a system on y itself, and let it write to F itself."""
    B = S.batch[0]
    dims = S.dims
    dims[0] = B[LAW_INPUTS]
    dims[1] = B[PARAMETER_ROWS]
    dims[2] = B[MEMORY_ROWS]
    dims[3] = B[TABLE_LENGTH]
    dims[4] = B[CODE_LENGTH]
    dims[5] = B[LAW_FLOWS]
    dims[6] = 1
    memory = S.scratch if B[SCRATCH] != 0 else S.memory
    call_kernel(B[LAW], context, dims, y, S.parameters, memory, S.table, S.code, F, D)


@unit(lambda: _evaluate_signature(2))
def evaluate_flow(S, context, y, f):
    """f[0:n] = right-hand side at y (y and f have n + 1 entries, the last one for ground)."""
    context[WANT_DERIVATIVES] = 0.0
    context[LIMITED] = 0.0
    if S.batch.shape[0] > 0 and S.batch[0, DIRECT] != 0:
        _call_direct(S, context, y, f, S.D)
        return
    f[:] = 0.0
    for b in range(S.batch.shape[0]):
        address = S.batch[b, LAW]
        if address == 0 and S.batch[b, WIRINGS] == 0:
            # All that these parts do is in M.
            continue
        for k in range(S.batch[b, BLOCKS]):
            _gather(S, b, k, y)
            if address != 0:
                _call(S, b, address, S.batch[b, LAW_INPUTS], k, context, S.F, S.D)
            _scatter_flows(S, b, k, f)


@unit(lambda: _evaluate_signature(2))
def evaluate_timed(S, context, y, f):
    """f as in `evaluate_flow`, from the laws that read the time only: its change in time is that of the whole."""
    context[WANT_DERIVATIVES] = 0.0
    f[:] = 0.0
    for b in range(S.batch.shape[0]):
        if S.batch[b, TIMED] != 0:
            for k in range(S.batch[b, BLOCKS]):
                _gather(S, b, k, y)
                _call(S, b, S.batch[b, LAW], S.batch[b, LAW_INPUTS], k, context, S.F, S.D)
                _scatter_flows(S, b, k, f)


@unit(lambda: _evaluate_signature(3))
def evaluate_both(S, context, y, f, jacobian):
    """f as in `evaluate_flow`, and jacobian[0:nnz] = df/dy on the shared pattern."""
    context[LIMITED] = 0.0
    constant = S.constant_jacobian
    for p in range(constant.size):
        jacobian[p] = constant[p]
    if S.batch.shape[0] > 0 and S.batch[0, DIRECT] != 0:
        context[WANT_DERIVATIVES] = 1.0
        _call_direct(S, context, y, f, S.D)
        _scatter_derivatives(S, 0, 0, jacobian)
        return
    f[:] = 0.0
    for b in range(S.batch.shape[0]):
        address = S.batch[b, LAW]
        linear = S.batch[b, LINEAR] != 0
        if linear and address == 0 and S.batch[b, WIRINGS] == 0:
            continue
        context[WANT_DERIVATIVES] = 0.0 if linear else 1.0
        for k in range(S.batch[b, BLOCKS]):
            _gather(S, b, k, y)
            if address != 0:
                _call(S, b, address, S.batch[b, LAW_INPUTS], k, context, S.F, S.D)
            _scatter_flows(S, b, k, f)
            if not linear:
                _scatter_derivatives(S, b, k, jacobian)


@helper
def evaluate_diffusion(S, context, y, g):
    """g[0:n] = amplitude of the noise of each unknown at y, in ``dy = f dt + g dW``."""
    context[WANT_DERIVATIVES] = 0.0
    g[:] = 0.0
    for b in range(S.batch.shape[0]):
        B = S.batch[b]
        if B[DIFFUSION] != 0:
            rows, w, own = B[FLOWS], B[WIDTH], B[LAW_FLOWS]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                B[LAW_FLOWS] = rows
                _call(S, b, B[DIFFUSION], B[INPUTS], k, context, S.F, S.D)
                B[LAW_FLOWS] = own
                at = B[FLOW_AT] + k * rows * w
                for j in range(rows * w):
                    g[S.flow_plus[at + j]] += S.F[j]
    g[g.size - 1] = 0.0


@helper
def linear_part(S, context, jacobian):
    """jacobian = derivatives of linear laws and of wiring only."""
    context[WANT_DERIVATIVES] = 1.0
    jacobian[:] = 0.0
    S.u[:] = 0.0
    for b in range(S.batch.shape[0]):
        if S.batch[b, LINEAR] != 0:
            address = S.batch[b, LAW]
            for k in range(S.batch[b, BLOCKS]):
                if address != 0:
                    _call(S, b, address, S.batch[b, LAW_INPUTS], k, context, S.F, S.D)
                _scatter_derivatives(S, b, k, jacobian)


@helper
def project_rates(S, y, f):
    """Set the rate of a state that stands at a bound and points outward to zero."""
    for j in range(S.bounded.size):
        i = S.bounded[j]
        if (y[i] >= S.upper[j] and f[i] > 0.0) or (y[i] <= S.lower[j] and f[i] < 0.0):
            f[i] = 0.0


@helper
def project_rates_and_rows(S, y, f, jacobian):
    """`project_rates`, and zero the Jacobian rows of the states that were stopped."""
    for j in range(S.bounded.size):
        i = S.bounded[j]
        if (y[i] >= S.upper[j] and f[i] > 0.0) or (y[i] <= S.lower[j] and f[i] < 0.0):
            f[i] = 0.0
            for q in range(S.row_slot_pointer[j], S.row_slot_pointer[j + 1]):
                jacobian[S.row_slot[q]] = 0.0


@helper
def clip_states(S, y):
    """Put states that a step carried past a bound back on it; return how many."""
    count = 0
    for j in range(S.bounded.size):
        i = S.bounded[j]
        if y[i] > S.upper[j]:
            y[i] = S.upper[j]
            count += 1
        elif y[i] < S.lower[j]:
            y[i] = S.lower[j]
            count += 1
    return count


@unit(lambda: _evaluate_signature(1))
def start_batches(S, context, y):
    """Let devices set their memory from the starting point, and record the event functions there."""
    context[WANT_DERIVATIVES] = 0.0
    for b in range(S.batch.shape[0]):
        address = S.batch[b, START]
        if address != 0:
            for k in range(S.batch[b, BLOCKS]):
                _gather(S, b, k, y)
                _call(S, b, address, S.batch[b, INPUTS], k, context, S.F, S.D)
    if S.event_value.size > 0:
        record_events(S, context, y)


@unit(lambda: _evaluate_signature(1, "i8"))
def accept_batches(S, context, y):
    """Tell devices that a step ending at y was accepted; return how many states they changed."""
    context[WANT_DERIVATIVES] = 0.0
    changed = 0
    for b in range(S.batch.shape[0]):
        address = S.batch[b, ACCEPT]
        if address != 0:
            B = S.batch[b]
            w = B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _call(S, b, address, S.batch[b, INPUTS], k, context, S.F, S.D)
                if B[ACCEPT_WRITES] != 0:
                    at = B[FLOW_AT] + k * B[FLOWS] * w
                    n = y.size - 1
                    for r in range(B[LAW_FLOWS]):
                        for e in range(w):
                            row = S.flow_plus[at + r * w + e]
                            if row != n and S.is_state[row] != 0 and y[row] != S.F[r * w + e]:
                                y[row] = S.F[r * w + e]
                                changed += 1
    return changed


@unit(lambda: _evaluate_signature(1))
def record_events(S, context, y):
    """Store the event functions at y."""
    context[WANT_DERIVATIVES] = 0.0
    for b in range(S.batch.shape[0]):
        B = S.batch[b]
        if B[EVENTS] != 0:
            size = B[EVENT_COUNT] * B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _call_events(S, b, B[EVENTS], k, context)
                at = B[EVENT_AT] + k * size
                for j in range(size):
                    S.event_value[at + j] = S.F[j]


@helper
def _call_events(S, b, address, k, context):
    """Call an event or jump kernel: its F has EVENT_COUNT rows."""
    flows = S.batch[b, LAW_FLOWS]
    S.batch[b, LAW_FLOWS] = S.batch[b, EVENT_COUNT]
    _call(S, b, address, S.batch[b, INPUTS], k, context, S.F, S.D)
    S.batch[b, LAW_FLOWS] = flows


def _crossing_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.UniTuple(types.i8, 2)(system_arrays_type(), real, real, types.i8, types.i8)


@unit(_crossing_signature)
def crossing_batches(S, context, y, low, high):
    """First and last batch of low <= b < high with an event function whose sign changed; (-1, -1) if there is none."""
    context[WANT_DERIVATIVES] = 0.0
    first, last = -1, -1
    for b in range(low, high):
        B = S.batch[b]
        if B[EVENTS] != 0:
            size = B[EVENT_COUNT] * B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _call_events(S, b, B[EVENTS], k, context)
                at = B[EVENT_AT] + k * size
                for j in range(size):
                    old = S.event_value[at + j]
                    new = S.F[j]
                    if (old > 0.0 and new <= 0.0) or (old < 0.0 and new >= 0.0):
                        first, last = b if first < 0 else first, b
    return first, last


@unit(lambda: _evaluate_signature(1, "i8"))
def jump_batches(S, context, y):
    """Apply the jumps of all event functions that changed sign since they were recorded; return how many did."""
    context[WANT_DERIVATIVES] = 0.0
    count = 0
    for b in range(S.batch.shape[0]):
        B = S.batch[b]
        if B[EVENTS] != 0:
            size = B[EVENT_COUNT] * B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _call_events(S, b, B[EVENTS], k, context)
                at = B[EVENT_AT] + k * size
                crossed = 0
                for j in range(size):
                    old = S.event_value[at + j]
                    new = S.F[j]
                    S.F[j] = 0.0
                    if old < 0.0 and new >= 0.0:
                        S.F[j] = 1.0
                        crossed += 1
                    elif old > 0.0 and new <= 0.0:
                        S.F[j] = -1.0
                        crossed += 1
                if crossed > 0:
                    _call_events(S, b, B[JUMP], k, context)
                    count += crossed
    return count


@driver(lambda: _evaluate_signature(2))
def compute_flow(S, context, y, f):
    """`evaluate_flow` from Python."""
    evaluate_flow(S, context, y, f)


@driver(lambda: _evaluate_signature(3))
def compute_both(S, context, y, f, jacobian):
    """`evaluate_both` from Python."""
    evaluate_both(S, context, y, f, jacobian)


@driver(lambda: _evaluate_signature(1))
def compute_linear_part(S, context, jacobian):
    """`linear_part` from Python."""
    linear_part(S, context, jacobian)


@driver(lambda: _evaluate_signature(1))
def run_start(S, context, y):
    """`start_batches` from Python."""
    start_batches(S, context, y)


@driver(lambda: _evaluate_signature(3))
def compute_flows(S, context, y, flows, trash):
    """Every flow at y, laid out as `SystemArrays.flow_plus`; wiring included, rates at a bound not projected."""
    context[WANT_DERIVATIVES] = 0.0
    for b in range(S.batch.shape[0]):
        B = S.batch[b]
        size = B[FLOWS] * B[WIDTH]
        for k in range(B[BLOCKS]):
            _gather(S, b, k, y)
            if B[LAW] != 0:
                _call(S, b, B[LAW], B[LAW_INPUTS], k, context, S.F, S.D)
            _add_wiring(S, b)
            at = B[FLOW_AT] + k * size
            for j in range(size):
                flows[at + j] = S.F[j]
