"""Programs: equal structure, inputs and states, sharing of work."""

import pytest

from neurosim.expressions import Behaviour, Reference, StateSpec, bind, compile_program, parse
from neurosim.expressions.graph import Graph
from neurosim.expressions.instructions import HEADER, OPERATIONS, WORDS

MEMRISTOR_FLOW = "k*v(p,n)/(ron*v(x)+roff*(1-v(x)))*(1-(2*v(x)-1)^2)"
VALUES = {"ron": 100.0, "roff": 16e3, "k": 1e7}


def compiled(text: str, values: dict[str, float] | None = None, dialect="ngspice") -> Behaviour:
    return compile_program(bind(parse(text, dialect=dialect), values or {}))


def operations(behaviour: Behaviour) -> tuple[list[str], list[str]]:
    """Names of the instructions for values and for derivatives."""
    code = behaviour.program.code
    names = [OPERATIONS[operation] for operation in code[HEADER::WORDS]]
    assert len(names) == code[1]
    return names[: code[0]], names[code[0] :]


def test_nets_and_parameter_values_do_not_change_the_program() -> None:
    one = compiled(MEMRISTOR_FLOW, VALUES)
    other = compiled(
        MEMRISTOR_FLOW.replace("(p,n)", "(in,0)").replace("(x)", "(state7)"), {"ron": 1.0, "roff": 0.0, "k": -1.0}
    )
    assert one.program == other.program
    assert hash(one.program) == hash(other.program)
    assert one.references == (Reference("v", ("p", "n")), Reference("v", ("x",)))
    assert other.references == (Reference("v", ("in", "0")), Reference("v", ("state7",)))
    assert one.parameters != other.parameters


def test_names_of_parameters_do_not_change_the_program() -> None:
    assert compiled("a*v(x)+b", {"a": 1.0, "b": 2.0}).program == compiled("c*v(y)+d", {"c": 3.0, "d": 3.0}).program


def test_literals_and_sharing_of_nets_do_change_it() -> None:
    assert compiled("2*v(x)").program != compiled("3*v(x)").program
    assert compiled("v(x)+v(y)").program != compiled("v(x)+v(x)").program


def test_parameter_arithmetic_is_done_once_per_instance() -> None:
    behaviour = compiled("v(x)/(a*b+1) + (a*b+1)", {"a": 3.0, "b": 2.0})
    assert behaviour.parameters[0] == 7.0
    assert set(operations(behaviour)[0]) == {"input", "parameter", "div", "add", "store_flow"}


def test_derivatives_of_parameters_fold_even_where_they_are_infinite() -> None:
    behaviour = compiled("r != 0 ? v(x)/r : 0", {"r": 0.0})
    assert behaviour.program == compiled("r != 0 ? v(x)/r : 0", {"r": 4.0}).program


def test_the_textbook_memristor_is_cheap() -> None:
    current = compiled("v(p,n)/(ron*v(x)+roff*(1-v(x)))", VALUES)
    values, slopes = operations(current)
    assert len([name for name in values if name in ("add", "sub", "mul", "div", "constant_sub")]) == 5
    assert len([name for name in slopes if name not in ("store_slope", "parameter")]) == 4
    flow = compiled(MEMRISTOR_FLOW, VALUES)
    assert sum(map(len, operations(flow))) <= 32
    assert flow.program.memory_rows <= 7
    assert not {"pow_abs", "pow"} & set(operations(flow)[0])


@pytest.mark.parametrize(
    ("text", "dialect", "absent"),
    [
        ("v(a)^8", "ngspice", "pow_abs"),
        ("v(a)^3", "ngspice", "pow_abs"),
        ("pow(v(a),-2)", "pspice", "pow"),
        ("v(a)**0.5", "ngspice", "pow_abs"),
        ("(v(a)>1)&(v(b)<2)", "ngspice", "ne"),
        ("0*sin(v(a))", "ngspice", "sin"),
        ("v(a)*1+0", "ngspice", "add_constant"),
        ("v(a)/4", "ngspice", "div_constant"),
        ("if(v(a)>0, v(b), v(b))", "ngspice", "select"),
    ],
)
def test_simplifications(text: str, dialect, absent: str) -> None:
    assert absent not in operations(compiled(text, dialect=dialect))[0]


def test_common_subexpressions_are_computed_once() -> None:
    values, slopes = operations(compiled("exp(v(a)*v(b)) + sin(v(b)*v(a))*exp(v(b)*v(a))"))
    assert values.count("exp") == values.count("sin") == 1
    assert values.count("mul") == 2
    assert "exp" not in slopes


def test_independent_inputs_have_constant_derivatives() -> None:
    behaviour = compiled("v(a)*w1 + v(b)*w2 - 3*v(c)", {"w1": 0.5, "w2": 0.25})
    slopes = operations(behaviour)[1]
    assert slopes == ["parameter_slope", "parameter_slope", "fill_slope"]
    assert behaviour.program.depends == ((0, 1, 2),)


def test_integral_state() -> None:
    behaviour = compiled("v(a)*idt(v(b)*r, x0) + sdt(v(b)*r, x0)", {"r": 2.0, "x0": 0.25})
    assert behaviour.states == (StateSpec("integral", 0.25),)
    assert behaviour.references == (Reference("v", ("a",)), Reference("v", ("b",)))
    assert behaviour.program.input_count == 3
    assert behaviour.program.output_count == 2
    assert behaviour.program.depends == ((0, 2), (1,))


def test_derivative_state_and_nesting() -> None:
    behaviour = compiled("ddt(c*v(a)*sdt(v(b))) + sdt(1, 3)", {"c": 1e-9})
    assert [state.kind for state in behaviour.states] == ["integral", "derivative", "integral"]
    assert [state.initial for state in behaviour.states] == [None, None, 3.0]
    # Inputs: v(a), v(b), integral, d(q)/dt, integral; outputs: value, v(b), c v(a) s, 1.
    assert behaviour.program.depends == ((3, 4), (1,), (0, 2), ())


def test_starts_of_integrals_are_not_structure() -> None:
    one, other = compiled("idt(v(a), x)", {"x": 1.0}), compiled("idt(v(a), x)", {"x": 2.0})
    assert one.program == other.program
    assert (one.states[0].initial, other.states[0].initial) == (1.0, 2.0)


def test_explicit_time() -> None:
    assert compiled("v(a)*sin(time)").program.uses_time
    assert not compiled("v(a)*temper").program.uses_time


def test_breakpoints_live_in_the_constants() -> None:
    behaviour = compiled("table(v(a), 0, 1, 2, 5)")
    assert {0.0, 1.0, 2.0, 5.0} <= set(behaviour.program.constants)


def test_large_expressions_compile_without_recursion() -> None:
    text = "tanh(" + "+".join(f"v(n{k})*w" for k in range(1500)) + ")"
    behaviour = compiled(text, {"w": 0.1})
    assert behaviour.program.input_count == 1500
    assert sum(map(len, operations(behaviour))) < 9000


def test_interning_makes_one_node_of_equal_operations() -> None:
    graph = Graph()
    a, b = graph.leaf("input", 0), graph.leaf("input", 1)
    assert graph.emit("mul", a, b) == graph.emit("mul", b, a)
    assert graph.emit("sub", a, b) != graph.emit("sub", b, a)
    assert graph.value(graph.emit("mul", 2.0, graph.constant(3.0))) == 6.0
    assert graph.emit("neg", graph.emit("neg", a)) == a
