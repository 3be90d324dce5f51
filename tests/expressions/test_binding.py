"""Evaluation of constants, binding to parameters, functions of the netlist."""

import time

import pytest

from neurosim.errors import Location, NetlistError
from neurosim.expressions import (
    Binary,
    Call,
    Conditional,
    Name,
    Number,
    Reference,
    Slot,
    UserFunction,
    bind,
    evaluate,
    parse,
    walk,
)

HERE = Location("a.cir", 3, 10, "B1 o 0 V=x")


def function(definition: str) -> dict[str, UserFunction]:
    """``"f(x, y) = body; g(x) = body"`` as a table of functions."""
    table = {}
    for part in definition.split(";"):
        head, body = part.split("=", 1)
        name, parameters = head.strip().rstrip(")").split("(")
        names = tuple(word.strip() for word in parameters.split(",") if word.strip())
        table[name] = UserFunction(name, names, parse(body, Location("f.lib", 8, 20)))
    return table


def test_parameters_and_functions() -> None:
    functions = function("double(x) = 2*x; area(w, h) = double(w)*h + base")
    assert evaluate(parse("area(r, 3) - 1"), {"r": 5.0, "base": 0.5}, functions) == 29.5


def test_parameters_hide_constants_and_arguments_hide_parameters() -> None:
    assert evaluate(parse("e + pi"), {"e": 1.0, "pi": 2.0}) == 3.0
    assert evaluate(parse("f(2)"), {"x": 7.0}, function("f(x) = x*10")) == 20.0


def test_functions_of_the_netlist_hide_builtin_ones() -> None:
    assert evaluate(parse("limit(5)"), {}, function("limit(x) = min(x, 3)")) == 3.0


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("1 + ronn", "unknown parameter 'ronn'", 14),
        ("1 + 2/(r-r)", "division by zero: 2 / 0", 15),
        ("5 % 0", "division by zero: 5 % 0", 12),
        ("1 + sqrt(0-r)", "sqrt(-100) is not a real number", 14),
        ("exp(1000)", "exp(1000) is infinite or too large", 10),
        ("r*1e300*1e300", "1e+302 * 1e+300 is infinite", 17),
        ("1 + sin(1, 2)", "'sin' takes 1 argument (got 2)", 14),
        ("atan2(1)", "'atan2' takes 2 arguments (got 1)", 10),
        ("sign()", "'sign' takes 1 to 2 arguments (got 0)", 10),
        ("table(1,2)", "'table' takes at least 3 arguments (got 2)", 10),
        ("f(1,2)", "'f' takes 1 argument (got 2)", 10),
        ("snh(1)", "unknown function 'snh'", 10),
        ("2*v(a)", "'v(a)' changes during an analysis", 12),
        ("2*time", "'time' changes during an analysis", 12),
        ("sin + 1", "function 'sin' without arguments", 10),
        ("pwl(1,0,0,1)", "'pwl' takes at least 5 arguments (got 4)", 10),
        ("pwl(1,0,0,1,1,2)", "a breakpoint without value", 10),
        ("pwl(1,0,0,0,1)", "must rise (got 0, then 0)", 10),
    ],
)
def test_errors_say_what_and_where(text: str, message: str, column: int) -> None:
    with pytest.raises(NetlistError) as caught:
        evaluate(parse(text, HERE), {"r": 100.0, "ron": 1.0}, function("f(x) = x"))
    assert message in caught.value.message
    assert caught.value.location is not None
    assert (caught.value.location.path, caught.value.location.column) == ("a.cir", column)


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(NetlistError, match="did you mean 'r_off'"):
        evaluate(parse("r_of"), {"r_on": 1.0, "r_off": 2.0})
    with pytest.raises(NetlistError, match="did you mean 'sinh'"):
        evaluate(parse("snh(1)"))


def test_an_error_inside_a_function_points_into_its_body() -> None:
    with pytest.raises(NetlistError) as caught:
        evaluate(parse("f(0)", HERE), {}, function("f(x) =1/x"))
    assert str(caught.value.location) == "f.lib:8:21"


@pytest.mark.parametrize("definition", ["f(x) = f(x)+1", "f(x) = g(x); g(x) = 2*f(x)"])
def test_functions_that_call_themselves(definition: str) -> None:
    with pytest.raises(NetlistError, match="calls itself"):
        evaluate(parse("f(1)"), {}, function(definition))


def test_functions_that_grow_without_bound_are_refused_soon() -> None:
    definition = "f0(x) = x+1; " + "; ".join(f"f{k}(x) = f{k - 1}(x)+f{k - 1}(2*x)" for k in range(1, 40))
    started = time.process_time()
    with pytest.raises(NetlistError, match="more than 50000 operations"):
        bind(parse("f39(v(a))"), {}, function(definition))
    assert time.process_time() - started < 10.0


def test_a_condition_excludes_a_failing_branch() -> None:
    text = parse("r > 0 ? 1/r : 0")
    assert evaluate(text, {"r": 0.0}) == 0.0
    assert evaluate(text, {"r": 4.0}) == 0.25
    assert evaluate(parse("r <= 0 ? 0 : 1/r"), {"r": 0.0}) == 0.0
    assert evaluate(parse("if(0, 1/0, 3)")) == 3.0
    with pytest.raises(NetlistError, match="division by zero"):
        evaluate(parse("r >= 0 ? 1/r : 0"), {"r": 0.0})


def test_a_parameter_condition_keeps_the_structure() -> None:
    text = parse("r != 0 ? v(a)*(1/r) : v(b)")
    open_, closed = bind(text, {"r": 0.0}), bind(text, {"r": 2.0})
    assert isinstance(open_.node, Conditional)
    assert open_ == closed
    with pytest.raises(NetlistError, match="division by zero"):
        bind(parse("r == 0 ? v(a)*(1/r) : v(b)"), {"r": 0.0})


def test_binding_folds_to_slots_and_numbers() -> None:
    node = bind(parse("v(a)*(2*r+1)/(1+3)"), {"r": 10.0}).node
    assert isinstance(node, Binary)
    assert isinstance(node.left, Binary)
    assert node.right == Number(4.0)
    assert isinstance(node.left.right, Slot)
    assert node.left.right.value == 21.0


def test_a_literal_condition_drops_the_other_branch() -> None:
    assert bind(parse("if(1>0, v(a), v(b))")).node == Reference("v", ("a",))


def test_equal_slots_are_told_apart_by_their_parameters() -> None:
    different = bind(parse("v(a)*r + v(b)*s"), {"r": 1.0, "s": 1.0})
    same = bind(parse("v(a)*r + v(b)*r"), {"r": 1.0})
    assert different != same
    assert bind(parse("v(a)*r"), {"r": 1.0}) == bind(parse("v(a)*r"), {"r": 2.0})


def test_functions_are_written_out_and_time_stays_free() -> None:
    node = bind(parse("window(v(x), p)*time"), {"p": 2.0}, function("window(x, p) = 1 - (2*x-1)^(2*p)")).node
    assert {type(part) for part in walk(node)} == {Binary, Number, Reference, Slot, Name}
    assert [part.text for part in walk(node) if isinstance(part, Name)] == ["time"]


def test_integrals_have_one_name_and_constant_starts() -> None:
    node = bind(parse("sdt(v(a), x0)"), {"x0": 0.1}).node
    assert isinstance(node, Call)
    assert node.name == "idt"
    with pytest.raises(NetlistError, match="start value of 'idt' must be constant"):
        bind(parse("idt(v(a), v(b))"))
    with pytest.raises(NetlistError, match="'idt' takes 1 to 2 arguments"):
        bind(parse("idt(v(a), 0, 1)"))


def test_breakpoints_must_be_constant() -> None:
    with pytest.raises(NetlistError, match="must be constant"):
        bind(parse("table(v(a), 0, 0, 1, v(b))"))
    with pytest.raises(NetlistError, match="division by zero"):
        bind(parse("table(v(a), 0, 0, 1, 1/r)"), {"r": 0.0})


def test_long_sums_bind_without_recursion() -> None:
    expression = bind(parse("+".join(f"v(n{k})*g" for k in range(3000))), {"g": 0.5})
    assert len(expression.references) == 3000
    assert evaluate(parse("1+" * 20000 + "1")) == 20001.0
