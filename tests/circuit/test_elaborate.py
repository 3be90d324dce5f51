"""Parameters, functions, subcircuits, models, conditions: from cards to flat parts."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netlist_reading import part, read, refusal

from neurosim.circuit.files import Limits
from neurosim.expressions import to_text


def resistance(text: str, name: str = "r1", **options) -> float:
    return part(text, name, **options).values["resistance"]


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("R1 a 0 4k7", 4700.0),
        ("R1 a 0 10kOhm", 1e4),
        ("R1 a 0 2Meg", 2e6),
        ("R1 a 0 {2*3}", 6.0),
        ("R1 a 0 '2--3'", 5.0),
        ("R1 a 0 R={a}\n.param a=7", 7.0),
        ("R1 a 0 a\n.param a=7", 7.0),
        ("R1 a GND 1e3", 1e3),
        (".param b={a*2} a={c+1} c=1\nR1 a 0 {b}", 4.0),
        (".param a=1 a=2\nR1 a 0 {a}", 2.0),
        (".func f(x,y)={x+y*k}\n.param k=2\nR1 a 0 {f(1,3)}", 7.0),
        (".func g(x) f(x)*2\n.func f(x)=x+1\nR1 a 0 {g(1)}", 4.0),
        (".param f(x)={x*10} a=2\nR1 a 0 {f(a)}", 20.0),
        (".temp 50\nR1 a 0 {temper*2}", 100.0),
        (".model rm r(r=5)\nR1 a 0 rm", 5.0),
    ],
)
def test_values(card, value):
    assert resistance(card) == pytest.approx(value)


def test_ground_and_case():
    assert part("r1 OUT Gnd 1", "r1").nets == ("out", "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".subckt s p w=3\nR1 p 0 {w}\n.ends\nX1 a s", 3.0),
        (".subckt s p PARAMS: w=3\nR1 p 0 {w}\n.ends\nX1 a s PARAMS: w=4", 4.0),
        (".subckt s p params : w=3\nR1 p 0 {w}\n.ends\nX1 a s w={2*q} \n.param q=4", 8.0),
        (".param w=1\n.subckt s p\n.param w=9\nR1 p 0 {w}\n.ends\nX1 a s", 9.0),
        (".param w=1\n.subckt s p\nR1 p 0 {w}\n.ends\nX1 a s", 1.0),
        (".subckt s p w=1 l={w*2}\n.param m={l+1}\nR1 p 0 {m}\n.ends\nX1 a s w=5", 11.0),
        (".subckt s p\n.func f(x)={x*3}\nR1 p 0 {f(2)}\n.ends\nX1 a s", 6.0),
        (".subckt s p w=2\n.model rm r(r={w*7})\nR1 p 0 rm\n.ends\nX1 a s", 14.0),
    ],
)
def test_subcircuit_parameters(text, expected):
    assert resistance(text, "x1.r1", dialect="ngspice") == pytest.approx(expected)


def test_parameters_of_the_caller_are_seen_as_in_ngspice():
    text = ".param w=1\n.subckt b p\nR1 p 0 {w}\n.ends\n.subckt a p w=10\nX1 p b\n.ends\nX1 n a"
    assert resistance(text, "x1.x1.r1") == 10.0


def test_a_model_of_an_outer_scope_keeps_its_own_parameters():
    inner = ".subckt in p w=99\nR1 p 0 rm\n.ends\n"
    text = f".subckt out p w=3\n.model rm r(r={{w}})\n{inner}X1 p in\n.ends\nXa n out w=4\nXb n out w=5\nXc n out"
    assert [resistance(text, f"{name}.x1.r1") for name in ("xa", "xb", "xc")] == [4.0, 5.0, 3.0]


def test_nested_definitions_and_hierarchical_names():
    text = """
.global vdd
.subckt outer p
.subckt inner a b
R1 a m 1
R2 m b 2
R3 m vdd 3
.ends inner
X1 p q inner
X2 q 0 inner
.ends outer
Xo top outer
V1 vdd 0 1
R0 top 0 1"""
    found = {i.name: i.nets for i in read(text).instances}
    assert found["xo.x1.r1"] == ("top", "xo.x1.m")
    assert found["xo.x1.r2"] == ("xo.x1.m", "xo.q")
    assert found["xo.x2.r2"] == ("xo.x2.m", "0")
    assert found["xo.x2.r3"] == ("xo.x2.m", "vdd")


def test_an_inner_definition_hides_an_outer_one():
    text = ".subckt s p\nR1 p 0 1\n.ends\n.subckt t p\n.subckt s p\nR1 p 0 2\n.ends\nX1 p s\n.ends\nX1 a t\nX2 a s"
    assert (resistance(text, "x1.x1.r1"), resistance(text, "x2.r1")) == (2.0, 1.0)


def test_instances_share_a_card_but_not_their_values():
    text = (
        ".subckt s p r=1 x0=0 q=2\nR1 p 0 {r}\nC1 p 0 1u ic={x0}\nB1 p 0 I=V(p,n)*q+I(V1)\nV1 n 0 {q}\n.ic v(n)={x0}\n"
        ".ends\nX1 a s r=1 x0=0.1\nX2 b s r=2 x0=0.2 q=5\nX3 b s r=2 x0=0.3 q=5\nV9 a b 1"
    )
    circuit = read(text)
    parts = {i.name: i for i in circuit.instances}
    assert [parts[f"x{k}.r1"].values["resistance"] for k in (1, 2, 3)] == [1.0, 2.0, 2.0]
    assert [parts[f"x{k}.c1"].values["initial_voltage"] for k in (1, 2, 3)] == [0.1, 0.2, 0.3]
    assert all(type(v) is float for i in circuit.instances for v in i.values.values())
    assert parts["x3.b1"].controls == ("v(b)", "v(x3.n)", "i(x3.v1)")
    assert to_text(parts["x3.b1"].expressions["current"].node) == "((v(b,x3.n) * 5.0) + i(x3.v1))"
    assert to_text(parts["x1.b1"].expressions["current"].node) == "((v(a,x1.n) * 2.0) + i(x1.v1))"
    assert parts["x3.b1"].expressions["current"].shared is parts["x2.b1"].expressions["current"].shared
    assert circuit.initial_voltages == {"x1.n": 0.1, "x2.n": 0.2, "x3.n": 0.3}
    assert parts["x2.r1"].location.instance == "x2"


def test_a_value_that_is_passed_on_and_computed_with():
    """The length stays a value of the resistor and makes its resistance too."""
    text = ".model rm r(rsh=10)\n.subckt s p l=1u\nR1 p 0 rm w=1u l={l}\n.ends\n"
    text += "\n".join(f"X{k} a s l={k}u" for k in range(1, 5))
    assert [resistance(text, f"x{k}.r1") for k in range(1, 5)] == pytest.approx([10.0, 20.0, 30.0, 40.0])
    assert part(text, "x3.r1").values["length"] == 3e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_templates_give_what_separate_reading_gives(seed):
    """A subcircuit of random cards expanded many times equals the same cards written out by hand."""
    rng = random.Random(seed)
    bodies = [
        "R1 {p} {n} {{{a}*2}}", "R2 {p} m {{{a}}}", "C1 {n} m 1u ic={{{b}}}",
        "V1 m {n} PULSE(0 {{{a}}} 0 1n 1n {{{b}}} 1)",
        "B1 {p} m I=V({p},m)*{a}+{b}", "G1 {p} {n} m {n} {{{a}+{b}}}", "I1 {p} {n} {{{b}}}",
        "L1 {p} {n} {{{b}}} ic={{{a}}}",
    ]  # fmt: skip
    chosen = rng.sample(bodies, rng.randint(1, len(bodies)))
    body = "\n".join(card.format(p="p", n="n", a="a", b="b") for card in chosen)
    pairs = [(rng.choice([1.0, 2.0, 3.5]), rng.choice([1.0, 4.0])) for _ in range(6)]
    calls = "\n".join(f"X{k} u w s a={a!r} b={b!r}" for k, (a, b) in enumerate(pairs))
    expanded = read(f".subckt s p n a=0.5 b=0.25\n{body}\n.ends\n{calls}").instances
    for k, (a, b) in enumerate(pairs):
        flat = read("\n".join(card.format(p="u", n="w", a=repr(a), b=repr(b)) for card in chosen)).instances
        mine = [i for i in expanded if i.name.startswith(f"x{k}.")]
        assert len(mine) == len(flat)
        for one, other in zip(mine, flat):
            assert one.name == f"x{k}.{other.name}"
            assert (one.device, dict(one.values), one.table) == (other.device, dict(other.values), other.table)
            local = tuple("m" if net == f"x{k}.m" else net for net in one.nets)
            assert local == other.nets
            assert tuple(c.replace(f"x{k}.", "") for c in one.controls) == other.controls
            for role, expression in one.expressions.items():
                assert to_text(expression.node).replace(f"x{k}.", "") == to_text(other.expressions[role].node)


def test_sensing_a_part_without_current_adds_an_ammeter():
    circuit = read("V1 a 0 1\nR1 a b 1\nR2 b 0 1\nB1 c 0 V=I(R1)*2\nF1 0 d R1 3\nF2 0 d V1 3\nR3 c d 1")
    parts = {i.name: i for i in circuit.instances}
    assert parts["r1"].nets == ("r1.sense", "b")
    assert (parts["r1.sense"].device, parts["r1.sense"].nets) == ("voltage_source", ("a", "r1.sense"))
    assert parts["b1"].controls == ("i(r1.sense)",)
    assert str(parts["b1"].expressions["voltage"].references[0]) == "i(r1.sense)"
    assert (parts["f1"].controls, parts["f2"].controls) == (("i(r1.sense)",), ("i(v1)",))


def test_ammeters_leave_other_references_alone():
    circuit = read(".subckt s p n\nB1 p n I=V(p,m)*V(n,m)+I(R1)\nR1 m 0 1\n.ends\nX1 a a s\nV1 a 0 1")
    source = next(i for i in circuit.instances if i.name == "x1.b1")
    assert source.controls == ("v(a)", "v(x1.m)", "v(a)", "i(x1.r1.sense)")
    assert [str(r) for r in source.expressions["current"].references] == ["v(a,x1.m)", "v(a,x1.m)", "i(x1.r1.sense)"]


def test_memristor_cards():
    ways = [
        ".model m memristor(level=2 r_on=7)\nYMEMRISTOR m1 a b m",
        ".model m memristor level=2 ron=7\nYMEMRISTOR m1 a b m",
        ".model m memristor model=team r_on=7\nYMEMRISTOR m1 a b m",
        ".model m team(r_on=3)\nYMEMRISTOR m1 a b m R_ON=7",
        "YMEMRISTOR m1 a b model=team r_on=7",
        "ymemristor m1 a b level=2 r_on={q}\n.param q=7",
    ]
    for way in ways:
        found = part(way, "m1")
        assert (found.device, dict(found.values), found.nets) == ("team", {"r_on": 7.0}, ("a", "b"))


def test_flat_names_of_ngspice():
    assert part("r.x1.r2 a 0 1", "x1.r2").nets == ("a", "0")
    error = refusal("r.x1.r2 a 0 1\n.subckt s p\nR2 p 0 1\n.ends\nX1 a s")
    assert "'x1.r2' is defined twice" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("Q1 a b c m", 2, 1, ("bipolar transistors", "supported: B, C")),
        ("M1 a b c d m", 2, 1, ("MOSFETs",)),
        ("X1 a b s\n.subckt s p\nR1 p 0 1\n.ends", 2, 8, ("connects 2 nets", "1 ports", "<text>:3:9")),
        ("X1 a nosub\n.subckt nosubs p\n.ends", 2, 6, ("no subcircuit 'nosub'", "'nosubs'")),
        ("X1 a s z=1\n.subckt s p w=1\nR1 p 0 1\n.ends", 2, 8, ("no parameter 'z'", "known: w")),
        (".subckt s p\nX1 p t\n.ends\n.subckt t p\nX1 p s\n.ends\nX1 a s", 6, 1, ("s > t > s",)),
        (".param a={b} b={a}\nR1 a 0 1", 2, 8, ("a > b > a",)),
        (".func f(x)={x*c}\n.param a={b} b={f(a)}\nR1 a 0 1", 3, 8, ("a > b > a",)),
        ("R1 a 0 {zz}", 2, 9, ("unknown parameter 'zz'",)),
        ("R1 a 0 2*k\n.param k=1", 2, 8, ("write expressions in braces",)),
        ("R1 a 0 1\n* c\nR1 b 0 1", 4, 1, ("defined twice", "<text>:2:1")),
        (".model m team(r_one=3)\nYMEMRISTOR m1 a b m", 2, 15, ("unknown parameter 'r_one'", "r_on")),
        (".model m memristor(level=77)\nYMEMRISTOR m1 a b m", 3, 19, ("level 77 is not supported",)),
        (".model m memristor()\nYMEMRISTOR m1 a b m", 3, 19, ("several models",)),
        ("YMEMRISTOR m1 a b model=teem", 2, 25, ("'teem'", "'team'")),
        ("YMEMRISTOR m1 a b model=team r_on=-1", 2, 30, ("r_on = -1", "outside")),
        ("YMEMRISTOR m1 a b model=team r_on=1 extra", 2, 37, ("no model 'extra'",)),
        ("YNEURON n1 a b", 2, 1, ("no device 'yneuron'",)),
        ("V1 a 0 1\nB1 a 0 I=I(R7)", 3, 1, ("no part 'r7'",)),
        (".ic v(a)={1/0}\nR1 a 0 1", 2, 12, ("division by zero",)),
        (".ic i(l1)=1\nR1 a 0 1", 2, 5, ("ic=<current>",)),
        (".ic v(zz)=1\nR1 a 0 1", 2, 1, ("'zz', which does not exist",)),
        (".subckt s p\nR1 p 0 {w}\n.ends\nX1 a s", 3, 9, ("unknown parameter 'w'", "(in x1)")),
        (".subckt s p w={1/z} z=0\nR1 p 0 1\n.ends\nX1 a s", 2, 17, ("division by zero", "(in x1)")),
    ],
)
def test_refusals_name_the_place(text, line, column, words):
    error = refusal(text)
    assert error.location is not None
    assert (error.location.line, error.location.column) == (line, column), str(error)
    for word in words:
        assert word in str(error), str(error)


def test_markers_never_reach_the_user():
    error = refusal(".subckt s p\nR1 p 0 nomodel\n.ends\nX1 a s")
    assert not set(str(error)) & {"\x01", "\x02", "\x03"}
    error = refusal(".subckt s p\nB1 p 0 Q=1\n.ends\nX1 a s")
    assert not set(str(error)) & {"\x01", "\x02", "\x03"}


def test_limits():
    doubling = "\n".join(f".subckt s{k} p\nX1 p s{k + 1}\nX2 p s{k + 1}\n.ends" for k in range(25))
    bomb = doubling + "\n.subckt s25 p\nR1 p 0 1\n.ends\nX1 a s0"
    assert "parts when expanded" in str(refusal(bomb))
    assert "deeper than 8" in str(refusal(bomb, limits=Limits(subcircuit_depth=8)))
    nested = "".join(f".subckt s{k} p\n" for k in range(70))
    assert "deeper than 64" in str(refusal(nested))
    chain = "\n".join(f".subckt s{k} p\nX1 p s{k + 1}\n.ends" for k in range(100))
    assert "deeper than 64" in str(refusal(chain + "\n.subckt s100 p\nR1 p 0 1\n.ends\nX1 a s0"))


def test_a_long_chain_of_parameters():
    chain = "\n".join(f".param p{k}={{p{k + 1}+1}}" for k in range(3000))
    assert resistance(f"{chain}\n.param p3000=1\nR1 a 0 {{p0}}") == 3001.0


def test_a_circuit_that_is_rebuilt_again_and_again_is_as_if_it_had_just_been_read():
    """Cards whose parameters have not changed are not read again: values, functions, models, nested names, temper."""
    text = """
.param w=2 l={3*w} unused=1 tnom2=5 temperature={w}
.func g(x) {x*l + offset}
.param offset=1
.model dm d is={1e-14*w} n=1.5
.model dn d is=1e-15
r1 a 0 w
r2 a 0 {g(2)}
r3 a 0 {1 + temper}
r4 a 0 1k
r5 a 0 {tnom2} tc1={offset*1e-3}
d1 a 0 dm area={unused}
d2 a 0 dn
b1 a 0 i={w*v(a) + table(v(a), 0, 0, 1, l)}
v1 a 0 sin(0 {w} 1k)
x1 a 0 part k={l}
.subckt part p n k=1
r1 p n {k*offset}
.ends
.op
.end"""
    kept = read(text)
    for values, temperature in (
        ({"w": 5.0}, None), ({"unused": 2.0}, None), ({}, None), ({}, 80.0), ({}, 81.0), ({"offset": -1.0}, 80.0),
        ({"tnom2": 7.0}, None), ({"l": 1.0}, None), ({"w": 5.0, "l": 9.0}, 27.0), ({"temperature": 3.0}, None),
    ):  # fmt: skip
        again, fresh = kept.rebuild(values, temperature), read(text).rebuild(values, temperature)
        assert again.instances == fresh.instances
        assert [n.message for n in again.notes] == [n.message for n in fresh.notes]


def test_rebuild_takes_other_values():
    circuit = read(".param w=1 l={w*2}\n.subckt s p\nR1 p 0 {l}\n.ends\nX1 a s\nR2 a 0 {temper}\n.tran 1u {w}")
    assert circuit.parameters == {"w": 1.0, "l": 2.0}
    other = circuit.rebuild({"W": 5.0}, 40.0)
    assert [i.values["resistance"] for i in other.instances] == [10.0, 40.0]
    assert (other.temperature, other.parameters["l"], other.analyses[0].stop) == (40.0, 10.0, 5.0)
    assert [i.values["resistance"] for i in circuit.rebuild({}, None).instances] == [2.0, 27.0]
    assert circuit.rebuild({"l": 7.0}, None).instances[0].values["resistance"] == 7.0
    with pytest.raises(ValueError, match="no parameter 'ww'"):
        circuit.rebuild({"ww": 1.0}, None)


def test_errors_of_several_cards_are_shown_together():
    error = refusal("Q1 a b c\nR1 a 0\n.tranx\n.foo")
    assert str(error).count("error:") == 2
    assert "2 errors" in str(error)
    error = refusal("Q1 a b c\nR1 a 0\nR2 a 0 1")
    assert (str(error).count("error:"), error.location.line) == (2, 2)
    assert str(refusal("\n".join(f"Q{k} a b c" for k in range(100)))).count("error:") == 20


def test_milli_is_pointed_out():
    def hints(text):
        return [n.hint for n in read(text).notes if "M is milli" in n.message]

    assert hints("R1 a 0 10M") == hints("L1 a 0 1M") == hints("V1 a 0 SIN(0 1 1M)\nR1 a 0 1") == ["did you mean Meg?"]
    assert hints("R1 a 0 1\nV1 a 0 1\n.ac dec 5 1u 1MHz") == ["did you mean Meg?"]
    assert "M is milli; did you mean Meg?" in str(refusal("R1 a 0 1\nV1 a 0 1\n.ac dec 5 1 1MHz"))
    assert hints("R1 a 0 10m\nR2 a 0 1Meg\nR3 a 0 1MEG\nC1 a 0 1M\nRM m 0 1\nV1 a 0 SIN(0 1M 1k)") == []
