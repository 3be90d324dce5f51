"""Behavioural expressions of netlists: text to tree, tree to number, tree to instructions. Nothing is ever executed.

>>> double = UserFunction("double", ("x",), parse("2*x"))
>>> evaluate(parse("double(r) + 1k"), {"r": 50.0}, {"double": double})
1100.0
>>> behaviour = compile_program(bind(parse("v(a)^2/r"), {"r": 50.0}))
>>> [str(reference) for reference in behaviour.references], behaviour.parameters
(['v(a)'], (50.0, 0.02))
"""

from neurosim.expressions.binding import MAX_CALL_DEPTH, UserFunction, bind, evaluate
from neurosim.expressions.dialects import DIALECTS, Dialect
from neurosim.expressions.functions import CONSTANTS, FUNCTIONS, STATE_FUNCTIONS
from neurosim.expressions.program import Behaviour, Program, StateSpec, compile_program
from neurosim.expressions.syntax import MAX_DEPTH, MAX_LENGTH, parse
from neurosim.expressions.tree import (
    PARTS_OF_COMPLEX,
    Binary,
    Call,
    Conditional,
    Expression,
    Name,
    Node,
    Number,
    Reference,
    Slot,
    Unary,
    to_text,
    walk,
)

__all__ = [
    "CONSTANTS",
    "DIALECTS",
    "FUNCTIONS",
    "MAX_CALL_DEPTH",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "PARTS_OF_COMPLEX",
    "STATE_FUNCTIONS",
    "Behaviour",
    "Binary",
    "Call",
    "Conditional",
    "Dialect",
    "Expression",
    "Name",
    "Node",
    "Number",
    "Program",
    "Reference",
    "Slot",
    "StateSpec",
    "Unary",
    "UserFunction",
    "bind",
    "compile_program",
    "evaluate",
    "parse",
    "to_text",
    "walk",
]
