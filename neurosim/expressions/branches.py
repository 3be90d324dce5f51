"""Branches of expressions that a time integration holds until an event: every jump and kink becomes one.

Within a time step a comparison keeps its outcome, and so does what decides ``abs``, ``min``, ``max``, ``floor`` and
their like. A law is then smooth in each step, and the step ends where an outcome changes. `hold_branches` puts an
operation ``hold(outcome, distance)`` around each outcome that may change during a run; what it holds, and how far from
the change the distance may be, is up to `neurosim.kernels.expression`.
"""

from __future__ import annotations

from neurosim.expressions.graph import Graph

_COMPARISONS = frozenset(("lt", "le", "gt", "ge"))
_WHOLE = frozenset(("floor", "ceil", "trunc", "round_even", "round_away"))
_LEAVES = frozenset(("constant", "slot", "input", "time", "temper"))


def hold_branches(graph: Graph, outputs: list[int]) -> list[int]:
    """The outputs with every outcome that inputs or the time decide held.

    Equality of numbers that change continuously, and the corners of tables, are left as they are: the first has no
    duration, the second are many and small.
    """
    moved: dict[int, int] = {}
    by_input: dict[int, bool] = {}
    by_time: dict[int, bool] = {}
    for node in graph.below(outputs):
        operation, children = graph.operation[node], graph.children(node)
        by_input[node] = operation == "input" or any(by_input[child] for child in children)
        by_time[node] = operation == "time" or any(by_time[child] for child in children)
        if operation in _LEAVES or graph.is_parameter[node]:
            moved[node] = node
            continue
        operands = [moved[child] for child in children]
        if by_input[node] or by_time[node]:
            moves = [by_input[child] or by_time[child] for child in children]
            held = _held(graph, operation, operands, moves, by_input[node])
            if held is not None:
                moved[node] = held
                continue
        moved[node] = graph.emit(operation, *operands, *graph.operands[node][len(children) :])
    return [moved[output] for output in outputs]


def _held(graph: Graph, operation: str, operands: list[int], moves: list[bool], by_input: bool) -> int | None:
    """An operation with its outcome held; None where there is none.

    `moves` says which operands may change during a run, `by_input` whether not only by the time.
    """
    emit = graph.emit

    def hold(outcome: int, left: int, right: int | float) -> int:
        if graph.value(outcome) is not None:
            return outcome
        # What the time alone decides is found exactly, without a distance.
        return emit("hold", outcome, emit("sub", left, right)) if by_input else emit("hold", outcome)

    a = operands[0]
    if operation in _COMPARISONS:
        return hold(emit(operation, *operands), *operands)
    if operation in ("min", "max"):
        if all(map(graph.is_boolean, operands)):
            return None
        # What moves counts unless the other is beyond it, so that a clamp does not hide a NaN.
        x, clamp = operands if moves[0] else reversed(operands)
        return emit("select", hold(emit("gt" if operation == "min" else "lt", x, clamp), x, clamp), clamp, x)
    if operation == "abs":
        return emit("select", hold(emit("lt", a, 0.0), a, 0.0), emit("neg", a), a)
    if operation == "side":
        return emit("select", hold(emit("lt", a, 0.0), a, 0.0), -1.0, 1.0)
    if operation in _WHOLE:
        return emit("hold", emit(operation, a))
    if operation == "fmod":
        return emit("sub", a, emit("mul", operands[1], emit("hold", emit("trunc", emit("div", *operands)))))
    return None
