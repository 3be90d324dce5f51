"""E, F, G, H and B cards: linear forms, POLY, TABLE, expressions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_calls import cards, columns, derivative_error, law, new_context

from neurosim.devices import behavioural_current_source, behavioural_voltage_source, cccs, ccvs, devices, vccs, vcvs
from neurosim.devices.behaviour import behaviour_of
from neurosim.devices.device import Current, Equation, Instance, Rate
from neurosim.errors import NetlistError

SOURCES = "v1 1 0 2\nv2 2 0 3\nv3 3 0 5\n"


def value(card: str, u: list[float], **options: object) -> float:
    """Value of the behavioural source that a card makes, for given values of what it senses."""
    instance = next(i for i in cards(SOURCES + card, **options).values() if i.device.startswith("behavioural"))
    return evaluate(instance, u)


def evaluate(instance: Instance, u: list[float]) -> float:
    device = devices.get(instance.device)
    assert device.specialise is not None
    assert device.instance_values is not None
    structure = device.specialise(instance)
    F, _ = law(device, u, device.instance_values(instance), structure=structure)
    return F[0]


def test_linear_cards():
    found = cards(SOURCES + "e1 a 0 1 2 10\ng1 a 0 (1,2) {2*1m} m=3\nf1 a 0 v1 5\nh1 a 0 v1 6k\ne2 a 0 1 0 gain=4")
    assert (found["e1"].device, found["e1"].nets, found["e1"].values) == ("vcvs", ("a", "0", "1", "2"), {"gain": 10.0})
    assert found["g1"].values == {"transconductance": 2e-3, "multiplier": 3.0}
    assert (found["f1"].controls, found["f1"].values["gain"]) == (("i(v1)",), 5.0)
    assert (found["h1"].device, found["h1"].values) == ("ccvs", {"transresistance": 6e3})
    assert found["e2"].values == {"gain": 4.0}


@pytest.mark.parametrize(
    ("module", "values", "factor"),
    [
        (vcvs, {"gain": 10.0}, -10.0), (ccvs, {"transresistance": 10.0}, -10.0),
        (vccs, {"transconductance": 2.0, "multiplier": 3.0}, 6.0), (cccs, {"gain": 2.0, "multiplier": 3.0}, 6.0),
    ],
)  # fmt: skip
def test_linear_laws(module, values, factor):
    p = module.derive(columns(module.device, values))
    F, D = law(module.device, [0.5], p)
    assert (F[0], D[0, 0]) == (0.5 * factor, factor)


@pytest.mark.parametrize("device", [vcvs.device, ccvs.device], ids=lambda d: d.name)
def test_voltage_sources_are_wired_as_an_equation_and_a_current(device):
    wired = {(r, c): x for r, c, x in device.structure.wiring}
    assert isinstance(device.structure.flows[0], Equation)
    assert isinstance(device.structure.flows[1], Current)
    assert wired == {
        (0, device.structure.inputs.index(("p", "n"))): 1.0, (1, device.structure.inputs.index(("i", None))): 1.0,
    }  # fmt: skip


# ngspice 39 with 2, 3 and 5 V at nets 1, 2 and 3.
@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("e1 a 0 poly(1) 1 0 7", 7.0),
        ("e1 a 0 poly(2) 1 0 2 0 1 10 100 1000 10000 100000 1e6 1e7 1e8 1e9", 28928964321.0),
        ("e1 a 0 poly(3) 1 0 2 0 3 0 0 0 0 0 1 10 100 1000 10000 100000 1e6", 10660064.0),
        ("e1 a 0 table {v(1)} = (0,0) (1,10) (3,20)", 15.0),
        ("e1 a 0 vol='v(1)*2'", 4.0),
        ("e1 a 0 value={v(1)*3}", 6.0),
        ("g1 0 a cur='v(1)*3'", 6.0),
    ],
)
def test_forms_as_ngspice_39(card, expected):
    instance = cards(SOURCES + card)[card[:2]]
    volts = {"1": 2.0, "2": 3.0, "3": 5.0, "0": 0.0}
    assert instance.device.startswith("behavioural")
    references = behaviour_of(next(iter(instance.expressions.values()))).references
    u = [volts[r.args[0]] - (volts[r.args[1]] if len(r.args) > 1 else 0.0) for r in references]
    assert evaluate(instance, u) == pytest.approx(expected, rel=1e-7)


def test_other_spellings():
    assert value("e1 a 0 VALUE {v(1)+1}", [2.0]) == 3.0
    assert value("g1 a 0 1 0 table=(0,0,1,2)", [0.5]) == 1.0
    assert value("e1 a 0 1 0 {v(2)}", [3.0, 2.0]) == 6.0
    assert value("f1 a 0 poly(2) v1 v2 0 1 2", [1.0, 10.0]) == 21.0
    assert value("g1 a 0 value={v(1)} m=4", [2.0]) == 8.0
    assert value("e1 a 0 poly(1) 1 0 7", [2.0], dialect="pspice") == 14.0
    assert value("b1 a 0 i=v(1)*2 m=3", [2.0]) == 12.0
    assert value("b1 a 0 v={v(1,2)}", [2.0]) == 2.0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.lists(st.floats(-3, 3), min_size=1, max_size=20), st.integers(0, 2**31))
def test_polynomial_order(dimension, coefficients, seed):
    x = np.random.default_rng(seed).uniform(-2, 2, dimension)
    expected, place = 0.0, 0
    for degree in range(21):
        # Exponents of one degree in SPICE's order: descending in the first variable, then in the second, ...
        exponents = sorted((e for e in np.ndindex(*(degree + 1,) * dimension) if sum(e) == degree), reverse=True)
        for e in exponents:
            if place < len(coefficients):
                expected += coefficients[place] * float(np.prod(x ** np.array(e)))
                place += 1
        if place >= len(coefficients):
            break
    nets = " ".join(f"{k} 0" for k in range(1, dimension + 1))
    text = f"e1 a 0 poly({dimension}) {nets} {' '.join(map(repr, coefficients))}"
    instance = cards(text)["e1"]
    names = behaviour_of(instance.expressions["voltage"]).references
    u = [float(x[int(r.args[0]) - 1]) for r in names]
    assert evaluate(instance, u) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_sources_with_other_coefficients_share_one_structure():
    found = cards("e1 a 0 poly(1) 1 0 1 2\ne2 b 0 poly(1) 2 0 3 4\nv1 1 0 1\nv2 2 0 1")
    device = behavioural_voltage_source.device
    assert device.specialise is not None
    assert device.specialise(found["e1"]) == device.specialise(found["e2"])


def test_integral_and_derivative_become_unknowns():
    instance = cards("b1 a 0 v=idt(v(1), 0.5) + ddt(v(2))\nv1 1 0 1\nv2 2 0 1", dialect="ltspice")["b1"]
    structure = behavioural_voltage_source.specialise(instance)
    assert structure.law_inputs == 4
    assert structure.law_flows == 3
    kinds = [type(flow) for flow in structure.flows]
    assert kinds.count(Rate) == 1
    (state,) = structure.states
    assert state.initial == 0.5
    primitive = structure.inputs.index(next(i for i in structure.inputs if i[0].startswith("primitive")))
    assert structure.mass == ((3, primitive, 1.0),)


def test_conductance_of_an_expression_resistor():
    instance = cards("r1 a b r={1k*(1+v(a)**2)} m=2")["r1"]
    assert instance.device == "behavioural_current_source"
    assert evaluate(instance, [3.0, 1.0]) == pytest.approx(2 * 3.0 / 2e3)
    structure = behavioural_current_source.specialise(instance)
    p = behavioural_current_source.instance_values(instance)
    assert derivative_error(behavioural_current_source.device, [3.0, 1.0], p, structure=structure) < 1e-7


def test_compiled_interpreter_is_the_python_one():
    instance = cards("b1 a 0 i=tanh(v(1))*exp(-v(2))+time")["b1"]
    structure = behavioural_current_source.specialise(instance)
    context = new_context(time=2.0)
    results = [
        law(behavioural_current_source.device, [0.3, 0.4], behavioural_current_source.instance_values(instance),
            structure=structure, context=context, compiled=c)[0][0]
        for c in (False, True)
    ]  # fmt: skip
    assert results[0] == pytest.approx(np.tanh(0.3) * np.exp(-0.4) + 2.0, rel=1e-13)
    assert results[1] == pytest.approx(results[0], rel=1e-13)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("e1 a 0 laplace {v(1)} = {1/(1+s)}", "LAPLACE"),
        ("e1 a 0 1 0 laplace", "LAPLACE"),
        ("e1 a 0 poly(2) 1 0 2 0", "coefficients"),
        ("e1 a 0 poly(0) 1", r"POLY\(0\)"),
        ("e1 a 0 table {v(1)} = (0,0,1)", "pairs"),
        ("b1 a 0 q=1", "I= or V="),
        ("b1 a 0 v=1 tc1=2", "tc1"),
        ("e1 a 0 1 0", "ends"),
        ("g1 a 0 1 0 2 max=3", "max"),
    ],
)
def test_refusals_name_the_fault(card, message):
    with pytest.raises(NetlistError, match=message):
        cards(SOURCES + card)


def test_equal_expressions_keep_their_own_parameter_values():
    text = ".param k=2\ne1 a 0 value={k*v(1)}\nv1 1 0 1"
    first, second = cards(text)["e1"], cards(text.replace("k=2", "k=5"))["e1"]
    assert first.expressions == second.expressions
    assert (evaluate(first, [1.0]), evaluate(second, [1.0])) == (2.0, 5.0)
