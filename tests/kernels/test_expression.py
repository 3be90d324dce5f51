"""The interpreter of expressions against plain evaluation, complex steps and central differences."""

import ctypes
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NetlistError
from neurosim.expressions import (
    Behaviour,
    Call,
    Conditional,
    Name,
    Number,
    Reference,
    Slot,
    bind,
    compile_program,
    parse,
    walk,
)
from neurosim.expressions.functions import Rules, call, numeric, operate
from neurosim.expressions.instructions import HEADER, OPERATIONS, WORDS
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.expression import evaluate_expression

PARAMETERS = {"p": 1.7, "q": -0.6, "n": 2.0, "r": 0.35}


def compiled(text: str, dialect="ngspice") -> Behaviour:
    return compile_program(bind(parse(text, dialect=dialect), PARAMETERS))


def run(behaviour: Behaviour, u: np.ndarray, *, derivatives=True, python=False, time=0.0, kelvin=300.15):
    """F and D of one block with inputs u[input, w]."""
    program, w = behaviour.program, u.shape[1]
    context = np.zeros(16)
    context[0], context[2], context[WANT_DERIVATIVES] = time, kelvin, derivatives
    p = np.repeat(np.array(behaviour.parameters).reshape(-1, 1), w, axis=1)
    memory = np.full((program.memory_rows, w), np.nan)
    table, code = np.array(program.constants, dtype=float), np.array(program.code)
    F = np.full((program.output_count, w), -7.0)
    D = np.full((program.output_count, program.input_count, w), -7.0)
    if python:
        with np.errstate(all="ignore"):
            evaluate_expression(context, u, p, memory, table, code, F, D)
        return F, D
    sizes = [len(u), len(p), len(memory), len(table), len(code), len(F), w]
    dims = np.array(sizes)
    u = np.ascontiguousarray(u)
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)(evaluate_expression.address)
    entry(*(array.ctypes.data for array in (context, dims, u, p, memory, table, code, F, D)))
    return F, D


def plain(text: str, nets: dict[str, float], dialect="ngspice") -> float:
    """Value by evaluation of the tree; NaN if it has none."""
    try:
        node = bind(parse(text, dialect=dialect), {**PARAMETERS, **nets}).node
    except NetlistError:
        return math.nan
    assert isinstance(node, Number | Slot)
    return node.value


# One expression at least for each instruction.
COVERING = [
    "v(a)+v(b)-v(c)*v(a)/v(b)",
    "-v(a)+abs(v(b))-3",
    "2/v(a)+v(b)/3-(4-v(c))*2",
    "min(v(a),v(b))+max(v(b),v(c))",
    "min(temper,3)+max(temper,4)+mod(temper,7)+sign(v(a),temper)",
    "(v(a)<v(b))+2*(v(a)<=v(b))+4*(v(a)>v(b))+8*(v(a)>=v(b))+16*(v(a)==v(b))+32*(v(a)!=v(b))",
    "v(a)>v(b) ? v(a)*v(c) : v(b)/v(c)",
    "sqrt(abs(v(a)))+exp(v(b))+ln(abs(v(c)))+log10(abs(v(a)))",
    "sin(v(a))+cos(v(b))+tan(v(c)/3)",
    "asin(v(a)/4)+acos(v(b)/4)+atan(v(c))",
    "sinh(v(a))+cosh(v(b))+tanh(v(c))",
    "asinh(v(a))+acosh(4+v(b))+atanh(v(c)/4)",
    "atan2(v(a),v(b))+hypot(v(b),v(c))",
    "v(a)^p+pwr(v(b),p)",
    "floor(v(a))+ceil(v(b))*int(v(c))+nint(v(a))+round(v(b))",
    "5%v(a)+v(b)%2",
    "pwl(v(a),-2,1,0,0,1,3,2,-1)+table(v(b),-1,2,0.5,1,1,4)",
    "v(a)*time+temper*v(b)+r",
    "p*v(a)",
    "idt(v(a)*v(b))*v(c)+ddt(v(a)^2)",
    "0.25*p+0*v(a)",
    "limit",
]
COVERING[-1] = "u(v(a))+uramp(v(b))+u2(v(c))+sgn(v(a))+!v(b)"
REAL_POWERS = ["v(a)**p+pow(abs(v(b)),v(c))", "v(a)**3+v(b)**n+pow(v(c),v(a))"]


def random_inputs(behaviour: Behaviour, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2.0, 2.0, (behaviour.program.input_count, w))


@pytest.mark.parametrize("derivatives", [True, False])
@pytest.mark.parametrize(
    ("text", "dialect"),
    [(text, "ngspice") for text in COVERING]
    + [(text, dialect) for text in REAL_POWERS for dialect in ("ltspice", "pspice")],
)
def test_compiled_code_does_what_the_plain_kernel_does(text: str, dialect, derivatives: bool) -> None:
    behaviour = compiled(text, dialect)
    u = random_inputs(behaviour, 9)
    F, D = run(behaviour, u, derivatives=derivatives, time=0.3)
    expected_F, expected_D = run(behaviour, u, derivatives=derivatives, time=0.3, python=True)
    np.testing.assert_allclose(F, expected_F, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(D, expected_D, rtol=1e-13, atol=1e-300)
    assert derivatives or (D == -7.0).all()


def test_every_instruction_is_covered() -> None:
    used = set()
    for text, dialect in [(text, "ngspice") for text in COVERING] + [
        (text, dialect) for text in REAL_POWERS for dialect in ("ltspice", "pspice")
    ]:
        used.update(OPERATIONS[operation] for operation in compiled(text, dialect).program.code[HEADER::WORDS])
    assert set(OPERATIONS) - used == set()


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice", "pspice"])
@pytest.mark.parametrize(
    "text", [text for text in COVERING if not any(word in text for word in ("idt", "time", "temper"))] + REAL_POWERS
)
def test_values_are_those_of_the_tree(text: str, dialect) -> None:
    behaviour = compiled(text, dialect)
    u = random_inputs(behaviour, 40, seed=1)
    F = run(behaviour, u)[0][0]
    expected = [
        plain(text, {str(reference): u[k, i] for k, reference in enumerate(behaviour.references)}, dialect)
        for i in range(u.shape[1])
    ]
    known = ~np.isnan(expected)
    np.testing.assert_allclose(F[known], np.array(expected)[known], rtol=1e-13, atol=1e-14)
    assert not np.isfinite(F[~known]).any()
    assert known.any()


def derivative_by_complex_step(expression, behaviour: Behaviour, u: np.ndarray, k: int) -> complex:
    """Value and derivative of an analytic bound expression at inputs u with respect to input k."""
    step = 1e-30
    inputs = {reference: complex(u[j], step if j == k else 0.0) for j, reference in enumerate(behaviour.references)}
    rules = Rules(expression.dialect)
    done = {}
    with np.errstate(all="ignore"):
        for node in walk(expression.node):
            operands = tuple(done[id(child)] for child in node.children)
            if isinstance(node, Number | Slot):
                done[id(node)] = np.complex128(node.value)
            elif isinstance(node, Reference):
                done[id(node)] = np.complex128(inputs[node])
            elif isinstance(node, Call):
                done[id(node)] = call(numeric, rules, node.name, operands)
            else:
                done[id(node)] = operate(numeric, rules, node.op, operands)
    value = done[id(expression.node)]
    return complex(value.real, value.imag / step)


_analytic = st.recursive(
    st.sampled_from(["v(a)", "v(b)", "v(c)", "p", "q", "r", "0.5", "2", "v(a)", "v(b)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1", "5", "n", "0"])).map(lambda t: f"({t[0]})**{t[1]}"),
        st.tuples(
            st.sampled_from(["sin", "cos", "tanh", "exp", "atan", "sinh", "cosh", "asinh", "sqr", "tan", "-"]), inner
        ).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda t: f"ln(2+sin({t}))"),
        inner.map(lambda t: f"sqrt(2+cos({t}))"),
        inner.map(lambda t: f"(1.5+sin({t}))**p"),
        st.tuples(inner, inner).map(lambda t: f"(1.5+sin({t[0]}))**({t[1]})"),
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None)
@given(_analytic, st.integers(0, 2**32 - 1))
def test_derivatives_of_analytic_expressions(text: str, seed: int) -> None:
    try:
        expression = bind(parse(text, dialect="pspice"), PARAMETERS)
    except NetlistError:
        return
    behaviour = compile_program(expression)
    u = random_inputs(behaviour, 3, seed)
    F, D = run(behaviour, u)
    for i in range(u.shape[1]):
        if not behaviour.references:
            assert F[0, i] == pytest.approx(derivative_by_complex_step(expression, behaviour, u[:, i], -1).real)
        for k in range(len(behaviour.references)):
            exact = derivative_by_complex_step(expression, behaviour, u[:, i], k)
            # A cosine of a huge number turns by more than one rounding of the input tells: neither side has digits.
            is_known = abs(exact.imag * u[k, i]) < 1e5 * (1.0 + abs(exact.real))
            if np.isfinite(exact) and abs(exact.real) < 1e100 and np.isfinite(D[0, k, i]) and is_known:
                assert F[0, i] == pytest.approx(exact.real, rel=1e-9, abs=1e-9)
                assert D[0, k, i] == pytest.approx(exact.imag, rel=1e-6, abs=1e-9 * (1.0 + abs(exact.real)))


_kinked = st.recursive(
    st.sampled_from(["v(a)", "v(b)", "v(c)", "p", "q", "0.5", "v(a)", "v(b)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        st.tuples(st.sampled_from(["min", "max", "hypot"]), inner, inner).map(lambda t: f"{t[0]}({t[1]},{t[2]})"),
        st.tuples(st.sampled_from(["abs", "uramp", "u2", "sgn", "floor", "u", "-", "!", "round"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(inner, st.sampled_from(["<", ">=", "==", "!="]), inner, inner, inner).map(
            lambda t: f"({t[0]}{t[1]}{t[2]} ? {t[3]} : {t[4]})"
        ),
        st.tuples(inner, st.sampled_from(["p", "2", "3", "1"])).map(lambda t: f"({t[0]})^{t[1]}"),
        st.tuples(inner, st.sampled_from(["p", "2", "3"])).map(lambda t: f"pwr({t[0]},{t[1]})"),
        inner.map(lambda t: f"pwl({t},-1,0,0,1,1,-1)"),
        inner.map(lambda t: f"table({t},-1,0,0,1,1,-1)"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}>0 && {t[1]}>0)"),
        inner.map(lambda t: f"({t})%1.5"),
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(_kinked, st.integers(0, 2**32 - 1))
def test_derivatives_of_expressions_with_kinks(text: str, seed: int) -> None:
    """Between kinks, D is the slope: all three of two one-sided differences and D agree, or a kink is near."""
    behaviour = compiled(text)
    if not behaviour.references:
        return
    u0 = random_inputs(behaviour, 1, seed)[:, 0]
    step = 1e-6
    columns = [u0]
    for k in range(len(u0)):
        for side in (-2.0, -1.0, 1.0, 2.0):
            columns.append(u0 + side * step * np.eye(len(u0))[k])
    F, D = run(behaviour, np.array(columns).T)
    assert np.isfinite(F).all()
    for k in range(len(u0)):
        far_left, left, right, far_right = F[0, 1 + 4 * k : 5 + 4 * k]
        scale = 1e-4 * (1.0 + abs(F[0, 0]) + abs(D[0, k, 0]))
        slopes = np.diff([far_left, left, F[0, 0], right, far_right]) / step
        if np.ptp(slopes) < scale:
            assert D[0, k, 0] == pytest.approx(slopes.mean(), abs=3 * scale)
            node = plain(text, {str(reference): u0[j] for j, reference in enumerate(behaviour.references)})
            assert F[0, 0] == pytest.approx(node, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "dialect", "at", "slopes"),
    [
        ("abs(v(a))", "ngspice", 0.0, (-1.0, 1.0)),
        ("uramp(v(a))", "ngspice", 0.0, (0.0, 1.0)),
        ("min(v(a),1)", "ngspice", 1.0, (0.0, 1.0)),
        ("limit(v(a),0,1)", "ltspice", 1.0, (0.0, 1.0)),
        ("v(a)^p", "ngspice", 0.0, (0.0,)),
        ("v(a)^1", "ngspice", 0.0, (-1.0, 1.0)),
        ("pwr(v(a),1)", "ngspice", 0.0, (1.0,)),
        ("pwr(v(a),p-0.7)", "ngspice", 0.0, (1.0,)),
        ("pwr(v(a),p)", "ngspice", 0.0, (0.0,)),
        ("v(a)**p", "ltspice", 0.0, (0.0,)),
        ("pwl(v(a),0,0,1,1,2,5)", "ngspice", 1.0, (1.0, 4.0)),
        ("table(v(a),0,0,1,1)", "ngspice", 1.0, (0.0, 1.0)),
        ("v(a)>0 ? v(a) : 0", "ngspice", 0.0, (0.0, 1.0)),
        ("floor(v(a))", "ngspice", 1.0, (0.0,)),
        ("(1-(2*v(a)-1)^(2*n))*v(b)", "ngspice", 0.5, (0.0,)),
    ],
)
def test_slopes_at_kinks_are_one_sided_and_finite(text: str, dialect, at: float, slopes: tuple[float, ...]) -> None:
    behaviour = compiled(text, dialect)
    u = np.full((len(behaviour.references), 1), at)
    assert run(behaviour, u)[1][0, 0, 0] in slopes


def test_shared_sums_keep_their_own_derivatives() -> None:
    _, D = run(compiled("(v(a)+v(b))*((v(a)+v(b))+v(c)) + (v(a)+v(b)-v(c))^2"), np.array([[2.0], [3.0], [7.0]]))
    np.testing.assert_allclose(D[0, :, 0], [12.0 + 5.0 - 4.0, 12.0 + 5.0 - 4.0, 5.0 + 4.0])


def test_powers_of_a_negative_base_in_ltspice() -> None:
    u = np.array([[-2.0, -2.0, -2.0, -2.0], [3.0, 2.0, 1.5, 1.3]])
    F, D = run(compiled("v(a)**v(b)", "ltspice"), u)
    np.testing.assert_allclose(F[0], [-8.0, 4.0, 0.0, 2.0**1.3 * math.cos(1.3 * math.pi)], atol=1e-15)
    above, below = (run(compiled("v(a)**v(b)", "ltspice"), u + np.array([[0.0], [step]]))[0] for step in (1e-6, -1e-6))
    np.testing.assert_allclose(D[0, 0], [12.0, -4.0, 0.0, 1.3 * F[0, 3] / -2.0], atol=1e-14)
    np.testing.assert_allclose(D[0, 1], (above - below)[0] / 2e-6, rtol=1e-8)


def test_powers_of_zero_do_not_spoil_the_slope_of_the_exponent() -> None:
    _, D = run(compiled("v(a)^v(b)"), np.array([[0.0], [2.0]]))
    np.testing.assert_array_equal(D[0, :, 0], [0.0, 0.0])


def test_an_unchosen_branch_does_not_spoil_value_or_slope() -> None:
    behaviour = compiled("v(a)>0 ? ln(v(a))*sqrt(v(a)) : 3*v(a)")
    F, D = run(behaviour, np.array([[-2.0, 0.0, 4.0]]))
    np.testing.assert_allclose(F[0], [-6.0, 0.0, math.log(4.0) * 2.0])
    np.testing.assert_allclose(D[0, 0], [3.0, 3.0, 0.5 + math.log(4.0) / 4.0])


@pytest.mark.parametrize("text", ["1/v(a)", "v(a)/v(a)", "ln(v(a))", "sqrt(v(a)-1)", "v(a)^(-1)"])
def test_values_without_meaning_are_not_finite(text: str) -> None:
    assert not np.isfinite(run(compiled(text), np.zeros((1, 1)))[0]).any()


@pytest.mark.parametrize("text", ["min(v(a),1)", "max(1,v(a))", "uramp(v(a))", "u2(v(a))", "table(v(a),0,0,1,1)"])
def test_clamps_do_not_hide_nan(text: str) -> None:
    assert np.isnan(run(compiled(text), np.full((1, 1), np.nan))[0]).all()


def test_time_and_temperature_come_from_the_context() -> None:
    F, D = run(compiled("v(a)*(time + 1000*temper)"), np.array([[2.0, 3.0]]), time=0.5, kelvin=300.15)
    np.testing.assert_allclose(F, [[2.0 * 27000.5, 3.0 * 27000.5]])
    np.testing.assert_allclose(D, [[[27000.5, 27000.5]]])


def test_states_are_inputs_and_outputs() -> None:
    behaviour = compiled("v(a)*sdt(v(b)*p) + ddt(v(a)*v(b))")
    F, D = run(behaviour, np.array([[2.0], [3.0], [5.0], [7.0]]))
    np.testing.assert_allclose(F[:, 0], [2.0 * 5.0 + 7.0, 3.0 * 1.7, 6.0])
    np.testing.assert_allclose(D[:, :, 0], [[5.0, 0.0, 2.0, 1.0], [0.0, 1.7, 0.0, 0.0], [3.0, 2.0, 0.0, 0.0]])


def test_block_widths_do_not_change_results() -> None:
    behaviour = compiled("v(a)*exp(-v(b)^2)+v(c)")
    u = random_inputs(behaviour, 128)
    F, D = run(behaviour, u)
    for i in (0, 1, 77, 127):
        F1, D1 = run(behaviour, u[:, i : i + 1])
        np.testing.assert_allclose(F1[:, 0], F[:, i], rtol=1e-15)
        np.testing.assert_allclose(D1[:, :, 0], D[:, :, i], rtol=1e-15)


def test_each_instance_has_its_own_parameters() -> None:
    behaviours = [compile_program(bind(parse("k*v(a)+k2"), {"k": k, "k2": k**2})) for k in (1.0, 2.0, 3.0)]
    assert len({behaviour.program for behaviour in behaviours}) == 1
    program = behaviours[0].program
    p = np.array([behaviour.parameters for behaviour in behaviours]).T
    context = np.zeros(16)
    F, D = np.zeros((1, 3)), np.zeros((1, 1, 3))
    memory = np.zeros((program.memory_rows, 3))
    evaluate_expression(context, np.ones((1, 3)), p, memory, np.array(program.constants), np.array(program.code), F, D)
    np.testing.assert_array_equal(F, [[2.0, 6.0, 12.0]])


def test_a_tree_may_hold_conditionals_and_names() -> None:
    node = bind(parse("v(a) > 0 ? time : temper")).node
    assert {type(part) for part in walk(node)} >= {Conditional, Name}
